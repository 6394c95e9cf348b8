//! Writes a `route.ts` whose handler stays as it was, behind an adapter. In: the outline of
//! an API file. Out: its route file, and the text of the adapter that is added to the
//! project once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use swc_core::common::Spanned;
use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::imports::{Imports, remove_unused};
use super::layout::lay_out;
use super::route_handler::{RouteFile, Surroundings, reads_env, segment};
use super::style::Style;
use super::web_native::{WebNative, after_imports, complement, free_name, whole_lines};
use crate::edit::Edits;
use crate::facts::api_module::{Body, Config, DefaultExport, Function, Outline, refuse_at};
use crate::next_version::Feature;
use crate::outcome::Refusal;
use crate::project::Formatting;
use crate::reason::{Note, Reason};
use crate::source::Source;
use crate::syntax::{bare, id, prop_name};

/// The name of the adapter's file, without its extension.
pub const FILE: &str = "pages-api-bridge";

/// The function that the adapter exports.
const NAME: &str = "bridge";

/// The methods that a route file can export.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Writes the route file. `notes` are those that the handler's code brings.
///
/// # Errors
/// The refusals for a file whose exports cannot be carried over.
pub fn write(
    outline: &Outline,
    around: &Surroundings,
    specifier: &str,
    notes: BTreeSet<Note>,
) -> Result<RouteFile, Vec<Refusal>> {
    let source = outline.source;
    let style = Style::of(source);
    let mut file = WebNative::new(&METHODS);
    file.notes = notes;
    file.notes.insert(Note::BridgeLimits);
    if reads_env(source) {
        file.notes.insert(Note::EnvAtBuild);
    }
    // Also says what `config` has and a route file has not.
    segment(source, outline.config.as_ref(), &style).map_err(|refusal| vec![refusal])?;
    let config = outline.config.as_ref().filter(|config| parses(config));
    if let Some(config) = config {
        file.keeps_config = true;
        unexport(source, &config.statement, &mut file.edits);
        file.dropped = segment_entries(source, config);
        for entry in &file.dropped {
            file.edits.delete(entry.clone());
        }
    }
    if let Some(name) = outline.exported_handler() {
        let declared = outline
            .named_exports
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, range)| range.clone())
            .unwrap_or_default();
        if !source.text[declared.clone()].starts_with("export ") {
            let reason = Reason::NamedExport;
            return Err(vec![refuse_at(source, reason, declared, name)]);
        }
        unexport(source, &declared, &mut file.edits);
    }
    if free_name(source, &[NAME]) != NAME {
        let at = outline.default.0.clone();
        let detail = "the name bridge is taken";
        return Err(vec![refuse_at(source, Reason::ModuleShape, at, detail)]);
    }
    // Imports that only a `config` uses that goes will go with it.
    let dropped = outline.config.iter().filter(|_| config.is_none());
    let dropped: Vec<_> = dropped.map(|config| config.statement.clone()).collect();
    let kept = complement(&dropped, source.text.len());
    let goes = remove_unused(source, &kept, &mut Edits::default());
    match after_imports(source, &file.edits) {
        0 => file.imports.value(specifier, NAME),
        at if goes.iter().any(|import| import.end >= at) => {
            file.imports.value(specifier, NAME);
        }
        at => {
            let mut imports = Imports::default();
            imports.value(specifier, NAME);
            let line = imports.lines(&style, source.typescript()).join("\n");
            file.edits.insert(at, format!("\n{line}"));
        }
    }

    let (statement, default) = &outline.default;
    let mut export = Export {
        style: &style,
        config: config.map(|_| "config"),
        // The adapter is called when what it is given is there.
        after: config
            .map(|config| config.statement.end)
            .filter(|end| *end > statement.end),
        taken: METHODS
            .iter()
            .any(|method| free_name(source, &[method]) != *method),
    };
    match default {
        DefaultExport::Function(function) => {
            let start = function.range.start;
            let open = start + source.text[start..].find('(').unwrap_or(0);
            let keywords = source.text[start..open].trim_end();
            let (name, head) = match &function.name {
                Some(name) => (name.0.to_string(), keywords.to_string()),
                None => {
                    let name = export.name(source);
                    let head = format!("{keywords} {name}");
                    (name, head)
                }
            };
            let (params, text) = joined_params(source, &style, function, open, &head);
            file.edits.replace(statement.start..params, head + &text);
            export.add(&name, statement.end, &mut file.edits);
        }
        DefaultExport::Name(name) => {
            export.replace(source, &name.0, statement, &mut file.edits);
        }
        DefaultExport::Expr(expr) => {
            let range = source.range(*expr);
            let text = &source.text[range.clone()];
            let call = matches!(bare(expr), Expr::Call(_)) && !text.contains('\n');
            if call || matches!(bare(expr), Expr::Ident(_)) {
                export.replace(source, text, statement, &mut file.edits);
            } else {
                let first = text.lines().next().unwrap_or_default();
                // A line that was short enough stays so.
                let name = match style.fits(&format!("const handler = {first}")) {
                    true => export.name(source),
                    false => free_name(source, &["route", "handler"]),
                };
                file.edits
                    .replace(statement.start..range.start, format!("const {name} = "));
                let end = statement.end;
                if !source.text[statement.clone()].ends_with(';') {
                    file.edits.insert(end, style.semi);
                }
                export.add(&name, end, &mut file.edits);
            }
        }
    }
    let mut written = file.write(outline, around)?;
    written.methods = vec!["*".to_string()];
    Ok(written)
}

/// Writes a route file whose handler is the default export of another module, `handler`. `specifier`
/// names the adapter.
///
/// # Errors
/// As [`write`].
pub fn write_aside(
    outline: &Outline,
    around: &Surroundings,
    specifier: &str,
    handler: &str,
    mut notes: BTreeSet<Note>,
) -> Result<RouteFile, Vec<Refusal>> {
    let source = outline.source;
    let style = Style::of(source);
    notes.insert(Note::BridgeLimits);
    if reads_env(source) {
        notes.insert(Note::EnvAtBuild);
    }
    let refuse = |reason, at: &Range<usize>, detail: &str| {
        vec![refuse_at(source, reason, at.clone(), detail)]
    };
    if around.cache_components {
        return Err(refuse(Reason::CacheComponents, &outline.default.0, ""));
    }
    let segment = segment(source, outline.config.as_ref(), &style);
    let mut lines = segment.map_err(|refusal| vec![refusal])?.lines;
    lines.extend(
        own_settings(source).map_err(|(at, name)| refuse(Reason::ConfigExport, &at, &name))?,
    );
    if around.next.has(Feature::StaticGetHandlers) {
        lines.insert(0, "export const revalidate = 0".to_string());
    }
    let config = outline.config.as_ref().filter(|config| parses(config));
    let names = if config.is_some() { ", { config }" } else { "" };
    let export = Export {
        style: &style,
        config: config.map(|_| "config"),
        after: None,
        taken: false,
    };
    let semi = style.semi;
    let mut text = format!(
        "import {{ {NAME} }} from {}{semi}\nimport handler{names} from {}{semi}\n\n",
        style.string(specifier),
        style.string(handler)
    );
    if !lines.is_empty() {
        let lines: Vec<String> = lines.iter().map(|line| format!("{line}{semi}\n")).collect();
        text += &format!("{}\n", lines.concat());
    }
    text += &format!("{}\n", export.text("handler"));
    Ok(RouteFile {
        text: source.in_own_line_ends(text),
        style,
        methods: vec!["*".to_string()],
        params: BTreeMap::new(),
        helpers: BTreeSet::new(),
        notes: BTreeMap::from([("*".to_string(), notes)]),
        shared: BTreeSet::new(),
    })
}

/// The settings of a route file that an API file exports by themselves, as statements. Next.js reads
/// them without running the file.
///
/// # Errors
/// The place and name of one that is no literal.
fn own_settings(source: &Source) -> Result<Vec<String>, (Range<usize>, String)> {
    let mut lines = Vec::new();
    for item in source.items() {
        let ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) = item else {
            continue;
        };
        let Decl::Var(variables) = &export.decl else {
            continue;
        };
        for declarator in &variables.decls {
            let Some(name) = declarator.name.as_ident().map(|name| name.sym.to_string()) else {
                continue;
            };
            if !["maxDuration", "preferredRegion"].contains(&name.as_str()) {
                continue;
            }
            let literal = |expr: &Expr| matches!(bare(expr), Expr::Lit(_));
            let value = declarator
                .init
                .as_deref()
                .filter(|value| match bare(value) {
                    Expr::Array(list) => {
                        let mut entries = list.elems.iter();
                        entries
                            .all(|entry| entry.as_ref().is_some_and(|entry| literal(&entry.expr)))
                    }
                    value => literal(value),
                });
            let Some(value) = value else {
                return Err((source.range(item), name));
            };
            lines.push(format!(
                "export const {name} = {}",
                source.text_of(bare(value))
            ));
        }
    }
    Ok(lines)
}

/// The parameters of a function behind `head`: where they end and their text. Where Prettier
/// writes the file they stand on one line, when that is short enough now.
fn joined_params(
    source: &Source,
    style: &Style,
    function: &Function,
    open: usize,
    head: &str,
) -> (usize, String) {
    let Body::Block(_, (brace, _)) = function.body else {
        return (open, String::new());
    };
    let text = &source.text[open..brace];
    let comment = source
        .comments
        .iter()
        .any(|at| open < at.start && at.end < brace);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let line = lines.join(" ").replace("( ", "(");
    let line = line.replace(", )", ")").replace(" )", ")");
    let plain = !text.contains(['{', '`', '"', '\'']) && !comment;
    let joins = source.formatting.is_some() && text.contains('\n') && plain;
    if joins && style.fits(&format!("{head}{line} {{")) {
        return (brace, format!("{line} "));
    }
    (open, String::new())
}

/// Whether `config` says something about the body.
fn parses(config: &Config) -> bool {
    let named = |object: &ObjectLit, wanted: &str| -> Option<Expr> {
        object.props.iter().find_map(|prop| match prop {
            PropOrSpread::Prop(prop) => match &**prop {
                Prop::KeyValue(pair) if prop_name(&pair.key).as_deref() == Some(wanted) => {
                    Some(bare(&pair.value).clone())
                }
                _ => None,
            },
            PropOrSpread::Spread(_) => None,
        })
    };
    let Some(Expr::Object(api)) = named(config.object, "api") else {
        return false;
    };
    match named(&api, "bodyParser") {
        Some(Expr::Lit(Lit::Bool(on))) => !on.value,
        Some(Expr::Object(parser)) => named(&parser, "sizeLimit").is_some(),
        _ => false,
    }
}

/// The entries of `config` that become exports of their own, with their commas.
fn segment_entries(source: &Source, config: &Config) -> Vec<Range<usize>> {
    let props = &config.object.props;
    let ranges: Vec<Range<usize>> = props.iter().map(|prop| source.range(prop)).collect();
    let mut found = Vec::new();
    for (at, prop) in props.iter().enumerate() {
        let PropOrSpread::Prop(prop) = prop else {
            continue;
        };
        let name = match &**prop {
            Prop::KeyValue(pair) => prop_name(&pair.key),
            _ => None,
        };
        if name.as_deref() == Some("api") {
            continue;
        }
        // Up to the next entry, or from the end of the one before.
        let range = match (ranges.get(at + 1), at.checked_sub(1)) {
            (Some(next), _) => ranges[at].start..next.start,
            (None, Some(before)) => ranges[before].end..ranges[at].end,
            (None, None) => ranges[at].clone(),
        };
        found.push(range);
    }
    found
}

/// Takes `export` from a declaration.
fn unexport(source: &Source, statement: &Range<usize>, edits: &mut Edits) {
    let text = &source.text[statement.clone()];
    let rest = text.strip_prefix("export").unwrap_or(text).trim_start();
    edits.delete(statement.start..statement.end - rest.len());
}

/// The statement that exports the methods.
struct Export<'e> {
    style: &'e Style,
    config: Option<&'e str>,
    /// Where it stands when it cannot stand by the handler.
    after: Option<usize>,
    /// Whether something of the file has the name of a method.
    taken: bool,
}

impl Export<'_> {
    /// A name for a handler that has none.
    fn name(&self, source: &Source) -> String {
        free_name(source, &["handler", "pagesHandler"])
    }

    /// Puts it in the place of a default export.
    fn replace(
        &mut self,
        source: &Source,
        handler: &str,
        statement: &Range<usize>,
        edits: &mut Edits,
    ) {
        match self.after {
            Some(_) => {
                edits.delete(whole_lines(source, statement));
                self.add(handler, statement.end, edits);
            }
            None => edits.replace(statement.clone(), self.text(handler)),
        }
    }

    /// Puts it behind the handler, or behind `config`.
    fn add(&mut self, handler: &str, at: usize, edits: &mut Edits) {
        let at = self.after.unwrap_or(at);
        edits.insert(at, format!("\n\n{}", self.text(handler)));
    }

    /// Its text, as Prettier lays it out.
    fn text(&self, handler: &str) -> String {
        let style = self.style;
        let (indent, semi) = (&style.indent, style.semi);
        let args: Vec<&str> = [handler].into_iter().chain(self.config).collect();
        if self.taken {
            let call = format!("{NAME}({}){semi}", args.join(", "));
            let names: Vec<String> = METHODS
                .iter()
                .map(|method| format!("{method}: bridged{method}"))
                .collect();
            let exports: Vec<String> = METHODS
                .iter()
                .map(|method| format!("bridged{method} as {method}"))
                .collect();
            let list = |items: Vec<String>| items.join(&format!(",\n{indent}"));
            let comma = style.comma;
            return format!(
                "const {{\n{indent}{}{comma}\n}} = {call}\n\nexport {{\n{indent}{}{comma}\n}}{semi}",
                list(names),
                list(exports)
            );
        }
        let head = format!("export const {{ {} }} =", METHODS.join(", "));
        let line = format!("{head} {NAME}({}){semi}", args.join(", "));
        if style.fits(&line) {
            return line;
        }
        let word = |text: &str| {
            text.chars()
                .all(|char| char.is_alphanumeric() || char == '_')
        };
        if args.len() == 1 && word(handler) && handler.len() <= style.width / 4 {
            return format!("{head}\n{indent}{NAME}({handler}){semi}");
        }
        let args = args.join(&format!(",\n{indent}"));
        let comma = style.trailing;
        format!("{head} {NAME}(\n{indent}{args}{comma}\n){semi}")
    }
}

const TEXT: &str = include_str!("bridge/pages-api-bridge.ts");

/// The text of the adapter, in the style of the files that import it.
pub fn module(typescript: bool, style: &Style, formatting: Option<Arc<Formatting>>) -> String {
    let typed = parse("a.ts", TEXT);
    let text = match typescript {
        true => TEXT.to_string(),
        false => without_types(&typed),
    };
    let path = if typescript { "a.ts" } else { "a.js" };
    let text = restyled(&parse(path, &text), style);
    let mut empty = parse(path, "");
    empty.formatting = formatting;
    lay_out(&empty, text)
}

fn parse(path: &str, text: &str) -> Source {
    match Source::parse(path, Arc::from(text)) {
        Ok(source) => source,
        Err(error) => unreachable!("the adapter parses: {} at {}", error.message, error.at),
    }
}

/// The adapter as JavaScript.
fn without_types(source: &Source) -> String {
    struct Types<'s> {
        source: &'s Source,
        found: Edits,
    }
    impl Types<'_> {
        fn lines(&mut self, node: &impl Spanned) {
            let range = whole_lines(self.source, &self.source.range(node));
            self.found.delete(range);
        }
    }
    impl Visit for Types<'_> {
        fn visit_import_decl(&mut self, node: &ImportDecl) {
            if node.type_only {
                self.lines(node);
            }
        }
        fn visit_module_item(&mut self, node: &ModuleItem) {
            match node {
                ModuleItem::Stmt(Stmt::Decl(Decl::TsInterface(_) | Decl::TsTypeAlias(_))) => {
                    self.lines(node);
                }
                _ => node.visit_children_with(self),
            }
        }
        fn visit_ts_type_ann(&mut self, node: &TsTypeAnn) {
            self.found.delete(self.source.range(node));
        }
        fn visit_ts_type_param_instantiation(&mut self, node: &TsTypeParamInstantiation) {
            self.found.delete(self.source.range(node));
        }
        fn visit_expr(&mut self, node: &Expr) {
            if let Expr::Paren(paren) = node
                && let Expr::Ident(name) = bare(&paren.expr)
            {
                let name = id(name).0.to_string();
                self.found.replace(self.source.range(paren), name);
                return;
            }
            if let Expr::TsAs(cast) = node {
                let inner = self.source.range(&*cast.expr).end;
                self.found.delete(inner..self.source.range(cast).end);
                cast.expr.visit_with(self);
                return;
            }
            node.visit_children_with(self);
        }
    }
    let mut types = Types {
        source,
        found: Edits::default(),
    };
    source.module.visit_with(&mut types);
    rendered(source, &types.found)
}

/// The adapter in other quotes, semicolons, commas and indentation.
fn restyled(source: &Source, style: &Style) -> String {
    struct Quotes<'s> {
        source: &'s Source,
        style: &'s Style,
        found: Edits,
    }
    impl Visit for Quotes<'_> {
        fn visit_str(&mut self, node: &Str) {
            let range = self.source.range(node);
            let inner = &self.source.text[range.start + 1..range.end - 1];
            let quote = self.style.quote;
            if !inner.contains(['\'', '"']) {
                self.found.replace(range, format!("{quote}{inner}{quote}"));
            }
        }
    }
    let mut quotes = Quotes {
        source,
        style,
        found: Edits::default(),
    };
    source.module.visit_with(&mut quotes);
    let text = rendered(source, &quotes.found);
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start_matches(' ');
        let white = line.len() - code.len();
        let next = lines.get(at + 1).map_or("", |next| next.trim_start());
        let comment = code.starts_with(['*', '/']);
        let code = match code.strip_suffix(';') {
            Some(code) if !comment => format!("{code}{}", style.semi),
            _ => code.to_string(),
        };
        let comma = match next.as_bytes().first() {
            Some(b')') => style.trailing,
            Some(b'}' | b']') => style.comma,
            _ => ",",
        };
        let code = match code.strip_suffix(',') {
            Some(code) if !comment => format!("{code}{comma}"),
            _ => code,
        };
        let indent = match code.starts_with('*') {
            true => " ".repeat(white),
            false => style.indent.repeat(white / 2),
        };
        out.push_str(&indent);
        out.push_str(&code);
        out.push('\n');
    }
    out
}

fn rendered(source: &Source, edits: &Edits) -> String {
    let text = edits.render(&source.text, 0..source.text.len());
    text.unwrap_or_else(|_| unreachable!("edits of the adapter stand apart"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adapter_is_written_in_every_style() {
        let style = Style {
            indent: "\t".to_string(),
            quote: '"',
            semi: "",
            trailing: "",
            comma: "",
            ..Style::default()
        };
        assert_eq!(module(true, &Style::default(), None), TEXT);
        let bare = module(false, &style, None);
        parse("a.js", &bare);
        for typed in [
            "import type",
            "interface",
            " as unknown",
            ": NextApi",
            "Uint8Array,",
        ] {
            assert!(!bare.contains(typed), "{typed}\n{bare}");
        }
        let ends = |line: &&str| line.ends_with(';') && !line.starts_with(" *");
        assert_eq!(bare.lines().find(ends), None);
        assert!(bare.contains("\tconst bodyParser = config.api?.bodyParser\n"));
        assert!(bare.contains("from \"node:http\"\n"));
        // A statement that begins so would go on with the one before.
        let lines: Vec<&str> = bare.lines().map(str::trim).collect();
        let joined = lines.windows(2).find(|pair| {
            !pair[0].ends_with(['(', ',', '{', '=', ':']) && pair[1].starts_with(['(', '['])
        });
        assert_eq!(joined, None);
    }
}

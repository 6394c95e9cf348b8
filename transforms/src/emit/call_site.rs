//! Puts the call of a Server Action in the place of a `fetch`. In: a file, a call whose
//! [`CallShape`] was read from it, and the action. Out: edits of the call's own text and of the reads of its
//! response. Nothing else moves. Refused, with the place: reads that the action's contract does not
//! serve, parameters that the call does not have. The imports come once for a file, from [`imports`].

use std::collections::BTreeMap;
use std::ops::Range;

use swc_core::ecma::ast::{
    Decl, Expr, Id, Ident, ImportDecl, ImportSpecifier, Lit, ModuleDecl, ModuleExportName,
    ModuleItem, Stmt,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::edit::{Edits, Fragment};
use crate::facts::call::{Answer, Binding, Call, CallShape, Named, PathArgument, Read, ReadKind};
use crate::outcome::Place;
use crate::source::Source;

/// What an action gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contract {
    /// Nothing.
    Nothing,
    /// The data of the one success answer.
    Data,
    /// `{ ok, status, data }`.
    Result,
}

/// An action, as a caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRef {
    /// The name that its module exports.
    pub name: String,
    /// The module, as the calling file would write it.
    pub specifier: String,
    /// What it gives back.
    pub contract: Contract,
    /// What it takes.
    pub params: Vec<Param>,
}

/// What an action takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Param {
    /// A path parameter, by its slug.
    Path(String),
    /// A top-level field of the JSON body. All fields travel in one argument: the body as it is written.
    Field(String),
    /// The whole body.
    Body,
}

/// The smallest contract that serves these callers. [`Contract::Data`] gives them the data of
/// the success answer: a route with error answers needs [`Contract::Result`] when a
/// caller has [`crate::facts::call::Reads::error_body`].
pub fn contract(calls: &[&Call]) -> Contract {
    calls
        .iter()
        .map(|call| {
            let asks = call.rewrite.as_ref().is_ok_and(|shape| {
                reads(&shape.answer)
                    .iter()
                    .any(|read| read.kind == ReadKind::Presence)
            });
            match call.reads {
                reads if reads.ok || reads.status || asks => Contract::Result,
                reads if reads.json => Contract::Data,
                _ => Contract::Nothing,
            }
        })
        .max()
        .unwrap_or(Contract::Nothing)
}

/// Puts the call of the action in the place of the `fetch`.
///
/// # Errors
/// With the place and the reason, when this call site and this action do not fit.
pub fn rewrite(source: &Source, call: &Call, action: &ActionRef) -> Result<Edits, (Place, String)> {
    let shape = call.rewrite.as_ref().map_err(Clone::clone)?;
    let refuse = |range: &Range<usize>, words: String| {
        (
            Place::new(&source.path, &source.text, range.start, range.end),
            words,
        )
    };
    let mut edits = Edits::default();
    let arguments = arguments(source, shape, action).map_err(|words| refuse(&shape.call, words))?;
    edits.rewrite(shape.call.clone(), arguments);
    if let Some(leftover) = &shape.leftover {
        edits.delete(whole_lines(&source.text, leftover));
    }
    let outcome = match (&shape.answer, action.contract) {
        (Answer::Ignored, _) => Ok(()),
        (Answer::Direct { response, reads }, contract) => {
            direct(&mut edits, shape, response, reads, contract)
        }
        (Answer::Named(named), contract) => self::named(&mut edits, source, named, contract),
    };
    match outcome {
        Ok(()) => Ok(edits),
        Err((range, words)) => Err(refuse(&range, words.to_string())),
    }
}

type Refused = (Range<usize>, &'static str);

/// `name(id, body)`, the arguments with the edits inside them.
fn arguments(
    source: &Source,
    shape: &CallShape,
    action: &ActionRef,
) -> Result<Vec<Fragment>, String> {
    let mut fragments = vec![Fragment::Text(format!("{}(", local_name(source, action)))];
    let mut first = true;
    let mut separate = |fragments: &mut Vec<Fragment>| {
        if !std::mem::take(&mut first) {
            fragments.push(Fragment::Text(", ".into()));
        }
    };
    for param in &action.params {
        let Param::Path(slug) = param else { continue };
        let Some(value) = shape.path.iter().find(|value| value.slug == *slug) else {
            return Err(format!("the call gives no {slug}"));
        };
        separate(&mut fragments);
        fragments.push(match &value.value {
            PathArgument::Expression(range) => Fragment::Keep(range.clone()),
            PathArgument::Text(text) => {
                let quote = Style::of(source).quote;
                Fragment::Text(format!("{quote}{text}{quote}"))
            }
        });
    }
    if action
        .params
        .iter()
        .any(|param| !matches!(param, Param::Path(_)))
    {
        let Some(body) = &shape.body else {
            return Err("the call sends no body".into());
        };
        separate(&mut fragments);
        fragments.push(Fragment::Keep(body.value.clone()));
    }
    fragments.push(Fragment::Text(")".into()));
    Ok(fragments)
}

fn reads(answer: &Answer) -> &[Read] {
    match answer {
        Answer::Ignored => &[],
        Answer::Direct { reads, .. } => reads,
        Answer::Named(named) => &named.reads,
    }
}

fn direct(
    edits: &mut Edits,
    shape: &CallShape,
    response: &Range<usize>,
    reads: &[Read],
    contract: Contract,
) -> Result<(), Refused> {
    for read in reads {
        match (&read.kind, contract) {
            (_, Contract::Nothing)
            | (ReadKind::Ok | ReadKind::Status | ReadKind::Presence, Contract::Data) => {
                return Err(unserved(read));
            }
            (ReadKind::Ok | ReadKind::Status | ReadKind::Presence, Contract::Result) => {}
            (ReadKind::Json { .. }, Contract::Result) => {
                edits.delete(read.range.start..response.start);
                edits.replace(response.end..read.range.end, ".data");
            }
            (ReadKind::Json { .. }, Contract::Data) => {
                edits.replace(read.range.start..shape.call.start, "await ");
                edits.delete(shape.call.end..read.range.end);
            }
        }
    }
    Ok(())
}

fn named(
    edits: &mut Edits,
    source: &Source,
    named: &Named,
    contract: Contract,
) -> Result<(), Refused> {
    let unserved = named.reads.iter().find(|read| match contract {
        Contract::Nothing => true,
        Contract::Data => !matches!(read.kind, ReadKind::Json { .. }),
        Contract::Result => false,
    });
    if let Some(read) = unserved {
        return Err(self::unserved(read));
    }
    if contract == Contract::Data
        && let [read] = named.reads.as_slice()
        && shorten(edits, source, named, read)
    {
        return Ok(());
    }
    if let Some(annotation) = &named.annotation {
        edits.delete(annotation.clone());
    }
    for read in &named.reads {
        let ReadKind::Json { fallback, .. } = &read.kind else {
            continue;
        };
        let value = match contract {
            Contract::Data => named.name.clone(),
            _ if read.optional => format!("{}?.data", named.name),
            _ => format!("{}.data", named.name),
        };
        let Some(fallback) = fallback else {
            edits.replace(read.range.clone(), value);
            continue;
        };
        let bare = stands_alone(&source.text, &read.range);
        edits.rewrite(
            read.range.clone(),
            vec![
                Fragment::Text(format!("{}{value} ?? ", if bare { "" } else { "(" })),
                Fragment::Keep(fallback.clone()),
                Fragment::Text(if bare { "" } else { ")" }.into()),
            ],
        );
    }
    Ok(())
}

fn unserved(read: &Read) -> Refused {
    (
        read.range.clone(),
        "the call site reads more of the answer than the action gives back",
    )
}

/// Lets the one JSON read be the call itself: `const data = await action()`, or a chain without
/// `.then((res) => res.json())`. Whether it could.
fn shorten(edits: &mut Edits, source: &Source, named: &Named, read: &Read) -> bool {
    let text = &source.text;
    if !matches!(read.kind, ReadKind::Json { fallback: None, .. }) {
        return false;
    }
    match &named.binding {
        Binding::Then { link: Some(link) } => {
            edits.delete(link.clone());
            true
        }
        Binding::Then { link: None } => false,
        Binding::Declaration {
            statement,
            init,
            next,
        } => {
            let Some(next) = next
                .as_ref()
                .filter(|next| next.start <= read.range.start && read.range.end <= next.end)
            else {
                return false;
            };
            let (before, after) = (
                &text[next.start..read.range.start],
                &text[read.range.end..next.end],
            );
            let around = [before, after, &text[statement.end..next.start]].concat();
            // Code that may have edits of its own, or comments, stays where it is.
            if ["=>", "function", "fetch", "await", "//", "/*"]
                .iter()
                .any(|mark| around.contains(mark))
            {
                return false;
            }
            edits.replace(statement.start..init.start, before);
            edits.replace(init.end..statement.end, after);
            edits.delete(statement.end..next.end);
            true
        }
    }
}

/// Whether an operator with a low precedence can stand in the range without parentheses.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].trim_end_matches([' ', '\t']);
    let after = text[range.end..].trim_start_matches([' ', '\t']);
    (before.ends_with("= ")
        || before.ends_with('=')
        || before.ends_with('(')
        || before.ends_with("return"))
        && (after.is_empty() || after.starts_with([';', ')', ',', '\n', '\r']))
}

/// The range with its indentation and its line end, when nothing else stands on its lines.
fn whole_lines(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let rest = text[range.end..]
        .find('\n')
        .map_or(text.len(), |at| range.end + at + 1);
    let alone =
        text[start..range.start].trim().is_empty() && text[range.end..rest].trim().is_empty();
    if alone { start..rest } else { range.clone() }
}

/// The name of the action in this file: its own, unless the file has that name already for
/// something else.
pub fn local_name(source: &Source, action: &ActionRef) -> String {
    if let Some(name) = imported(source, action) {
        return name;
    }
    let mut names = Names {
        wanted: &action.name,
        found: false,
    };
    source.module.visit_with(&mut names);
    if names.found {
        format!("{}Action", action.name)
    } else {
        action.name.clone()
    }
}

/// Imports the actions that a file calls: one import for each module, after the others, in the
/// file's own style. What is imported already is not imported again.
pub fn imports(source: &Source, actions: &[&ActionRef]) -> Edits {
    let mut modules: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for action in actions {
        if imported(source, action).is_some() {
            continue;
        }
        let local = local_name(source, action);
        let binding = if local == action.name {
            local
        } else {
            format!("{} as {local}", action.name)
        };
        let bindings = modules.entry(&action.specifier).or_default();
        if !bindings.contains(&binding) {
            bindings.push(binding);
        }
    }
    let style = Style::of(source);
    let mut edits = Edits::default();
    let mut lines = Vec::new();
    for (specifier, mut bindings) in modules {
        bindings.sort();
        let bindings = bindings.join(", ");
        match joinable(source, specifier) {
            Some(last) => edits.insert(last, format!(", {bindings}")),
            None => lines.push(format!(
                "import {{ {bindings} }} from {quote}{specifier}{quote}{end}",
                quote = style.quote,
                end = style.end,
            )),
        }
    }
    if lines.is_empty() {
        return edits;
    }
    let newline = if source.crlf() { "\r\n" } else { "\n" };
    let block = lines.join(newline);
    if let Some(last) = import_declarations(source).last() {
        edits.insert(
            line_end(&source.text, source.range(last).end),
            format!("{newline}{block}"),
        );
        return edits;
    }
    let directive = source
        .items()
        .iter()
        .take_while(|item| is_directive(item))
        .last();
    match (directive, source.items().first()) {
        (Some(directive), _) => {
            let at = line_end(&source.text, source.range(directive).end);
            edits.insert(at, format!("{newline}{newline}{block}"));
        }
        (None, Some(first)) => {
            edits.insert(
                source.range(first).start,
                format!("{block}{newline}{newline}"),
            );
        }
        (None, None) => edits.insert(source.text.len(), format!("{block}{newline}")),
    }
    edits
}

/// The end of a line, unless something other than a comment stands between.
fn line_end(text: &str, at: usize) -> usize {
    let line = text[at..]
        .find(['\n', '\r'])
        .map_or(text.len(), |end| at + end);
    let rest = text[at..line].trim();
    if rest.is_empty() || rest.starts_with("//") {
        if rest.is_empty() { at } else { line }
    } else {
        at
    }
}

fn import_declarations(source: &Source) -> impl Iterator<Item = &ImportDecl> {
    source.items().iter().filter_map(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => Some(import),
        _ => None,
    })
}

/// The name under which the file imports the action already.
fn imported(source: &Source, action: &ActionRef) -> Option<String> {
    import_declarations(source)
        .filter(|import| {
            !import.type_only && import.src.value.to_string_lossy() == action.specifier
        })
        .flat_map(|import| &import.specifiers)
        .find_map(|specifier| match specifier {
            ImportSpecifier::Named(named) if !named.is_type_only => {
                let original = match &named.imported {
                    Some(ModuleExportName::Ident(name)) => name.sym.to_string(),
                    Some(ModuleExportName::Str(name)) => name.value.to_string_lossy().into_owned(),
                    None => named.local.sym.to_string(),
                };
                (original == action.name).then(|| named.local.sym.to_string())
            }
            _ => None,
        })
}

/// Where another name fits into an import of the module: behind its last name.
fn joinable(source: &Source, specifier: &str) -> Option<usize> {
    import_declarations(source)
        .filter(|import| !import.type_only && import.src.value.to_string_lossy() == specifier)
        .find_map(|import| match import.specifiers.last() {
            Some(last @ ImportSpecifier::Named(_)) => Some(source.range(last).end),
            _ => None,
        })
}

fn is_directive(item: &ModuleItem) -> bool {
    matches!(item, ModuleItem::Stmt(Stmt::Expr(statement))
        if matches!(&*statement.expr, Expr::Lit(Lit::Str(_))))
}

/// How the file is written.
struct Style {
    quote: char,
    end: &'static str,
}

impl Style {
    fn of(source: &Source) -> Style {
        let text = &source.text;
        let quote = import_declarations(source)
            .map(|import| source.range(&*import.src))
            .chain(
                source
                    .items()
                    .iter()
                    .filter(|item| is_directive(item))
                    .map(|item| source.range(item)),
            )
            .find_map(|range| text[range.start..].chars().next())
            .filter(|quote| matches!(quote, '\'' | '"'))
            .unwrap_or_else(|| {
                let single = text.matches('\'').count();
                if single > text.matches('"').count() {
                    '\''
                } else {
                    '"'
                }
            });
        let ended = source
            .items()
            .iter()
            .filter(|item| {
                matches!(
                    item,
                    ModuleItem::ModuleDecl(ModuleDecl::Import(_))
                        | ModuleItem::Stmt(Stmt::Expr(_) | Stmt::Decl(Decl::Var(_)))
                )
            })
            .map(|item| source.text_of(item).ends_with(';'))
            .next();
        let end = match ended {
            Some(ended) => ended,
            None => text.contains(";\n") || text.contains(";\r\n"),
        };
        Style {
            quote,
            end: if end { ";" } else { "" },
        }
    }
}

/// Whether a name is used in the file at all.
struct Names<'a> {
    wanted: &'a str,
    found: bool,
}

impl Visit for Names<'_> {
    fn visit_ident(&mut self, ident: &Ident) {
        let id: Id = ident.to_id();
        self.found |= id.0 == *self.wanted;
    }
}

#[cfg(test)]
mod tests;

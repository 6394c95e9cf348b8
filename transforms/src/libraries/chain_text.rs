//! Writes chains of middlewares as statements. In: the middlewares, in order, and the handler. Out:
//! the statements that do the same, and the edits of a handler that takes what was put on the
//! request as parameters. Each middleware is a call; where it may answer, its answer ends the
//! handler, and what it puts on the request is a constant.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;

use super::chain::{End, Step};
use crate::edit::Edits;
use crate::emit::style::{Style, template_ranges};
use crate::facts::api_module::{Body, Function, param_id};
use crate::facts::effect::Replies;
use crate::injected::{self, Value, free};
use crate::middleware::Middleware;
use crate::modules::Modules;
use crate::source::Source;
use crate::specialise::Constant;
use crate::syntax::{Id, bare, id};

/// The names of the request and the response in what is written.
pub struct Names<'n> {
    /// The request.
    pub req: &'n str,
    /// The response.
    pub res: &'n str,
}

/// What the statements of a chain are made from.
pub struct Writing<'w, 'a, 's> {
    /// The file.
    pub source: &'a Source,
    /// The modules.
    pub modules: &'w Modules<'s>,
    /// The names that the statements are given.
    pub names: Names<'w>,
    /// The word in front of the handler's call.
    pub keyword: &'w str,
    /// Comments that stand above the handler.
    pub comments: Vec<String>,
    /// The handler's parameter types where the middlewares call it.
    pub typed: (String, String),
}

/// What an end of a chain reads of the request that it does not have by itself.
fn wants(source: &Source, end: &End) -> Vec<String> {
    match end {
        End::Inline(function) | End::Own(_, function) => {
            let Some(req) = function.params.first().and_then(|pat| param_id(pat)) else {
                return Vec::new();
            };
            let reads = injected::reads(source, &function.body, &req);
            reads.into_iter().map(|(name, _)| name).collect()
        }
        End::Other(_) => Vec::new(),
    }
}

impl<'a> Writing<'_, 'a, '_> {
    /// The statements of a chain. What the handler of the file itself needs for them is added to
    /// `edits`.
    ///
    /// # Errors
    /// Why they cannot be written.
    pub fn write(
        &self,
        steps: &[Step],
        end: &End<'a>,
        edits: &mut Edits,
    ) -> Result<Vec<String>, String> {
        let mut taken = self.taken(end);
        for step in steps {
            taken.extend(step.names.iter().cloned());
        }
        self.rest(
            steps,
            end,
            &mut BTreeMap::new(),
            &mut taken,
            self.keyword,
            edits,
        )
    }

    /// The names that nothing new may have.
    fn taken(&self, end: &End) -> BTreeSet<String> {
        let mut taken: BTreeSet<String> = [self.names.req, self.names.res]
            .map(str::to_string)
            .into_iter()
            .collect();
        if let End::Inline(function) | End::Own(_, function) = end
            && let Some(req) = function.params.first().and_then(|pat| param_id(pat))
        {
            let names = injected::taken_names(self.source, &function.body, &req);
            taken.extend(names);
        }
        taken
    }

    /// Writes what is left of a chain; `values` has what stands for what was put on the request.
    fn rest(
        &self,
        steps: &[Step],
        end: &End<'a>,
        values: &mut BTreeMap<String, String>,
        taken: &mut BTreeSet<String>,
        keyword: &str,
        edits: &mut Edits,
    ) -> Result<Vec<String>, String> {
        let style = Style::of(self.source);
        let semi = style.semi;
        let Some((step, later)) = steps.split_first() else {
            let mut lines = self.comments.clone();
            lines.extend(self.tail(end, values, keyword, edits)?);
            return Ok(lines);
        };
        let middleware = &step.middleware;
        let (req, res) = (self.names.req, self.names.res);
        let mut args = vec![req.to_string(), res.to_string()];
        for need in &middleware.needs {
            match values.get(need) {
                Some(value) => args.push(value.clone()),
                None => {
                    return Err(format!(
                        "{} reads req.{need}, which nothing before it puts there",
                        step.callee
                    ));
                }
            }
        }
        if let Some(guard) = &step.methods {
            let (answer, response) = &guard.answer;
            let answer = match answer.strip_prefix(response.as_str()) {
                Some(rest) => format!("{res}{rest}"),
                None => return Err(step.callee.clone()),
            };
            let unlike = match &guard.passing[..] {
                [only] => format!("{req}.method !== {}", style.string(only)),
                several => {
                    let list: Vec<String> =
                        several.iter().map(|method| style.string(method)).collect();
                    let absent = style.string("");
                    format!("![{}].includes({req}.method ?? {absent})", list.join(", "))
                }
            };
            let mut lines = vec![
                format!("if ({unlike}) {{"),
                format!("{}return {answer}{semi}", style.indent),
                "}".to_string(),
            ];
            lines.extend(self.rest(later, end, values, taken, keyword, edits)?);
            return Ok(lines);
        }
        if middleware.around {
            let inner = self.rest(later, end, values, taken, "return ", edits)?;
            let (req, res) = (&self.typed.0, &self.typed.1);
            let mut lines = vec![format!(
                "{keyword}{}({}, async ({req}, {res}) => {{",
                step.callee,
                args.join(", ")
            )];
            lines.extend(indented(inner, &style.indent));
            lines.push(format!("}}){semi}"));
            return Ok(lines);
        }
        let used: Vec<&String> = {
            let wanted = wants(self.source, end);
            let needed = later.iter().flat_map(|step| &step.middleware.needs);
            let wanted: BTreeSet<&String> = wanted.iter().chain(needed).collect();
            let mut put = middleware.puts.iter();
            put.by_ref().filter(|name| wanted.contains(name)).collect()
        };
        let call = format!("{}({})", step.callee, args.join(", "));
        let call = match middleware.is_async || step.shared.becomes_async {
            true => format!("await {call}"),
            false => call,
        };
        let mut lines = Vec::new();
        let mut fresh = |name: &str| {
            let name = free(taken, name);
            taken.insert(name.clone());
            name
        };
        // Two that may put the same there would have to be told apart.
        let again = |put: &&String| values.contains_key(*put);
        if let Some(put) = middleware.optional.iter().find(again) {
            return Err(format!("{} may put req.{put} there anew", step.callee));
        }
        let replies = match step.shared.refusals.is_empty() {
            true => step.shared.replies,
            // Why it cannot be carried over is said where it is called.
            false => Replies::Sometimes,
        };
        match (replies, &used[..]) {
            (Replies::Always, _) => return Err(format!("{} always answers", step.callee)),
            (Replies::Never, []) => lines.push(format!("{call}{semi}")),
            (Replies::Sometimes, []) => {
                let asked = match call.starts_with("await ") {
                    true => format!("!({call})"),
                    false => format!("!{call}"),
                };
                lines.push(format!("if ({asked}) return{semi}"));
            }
            (replies, [one]) if middleware.puts.len() == 1 => {
                let name = fresh(one);
                lines.push(format!("const {name} = {call}{semi}"));
                if replies == Replies::Sometimes {
                    lines.push(format!("if (!{name}) return{semi}"));
                }
                values.insert(one.to_string(), name);
            }
            (replies, several) => {
                // Types that only the handler knows are asserted.
                let asserted: Vec<Option<String>> = several
                    .iter()
                    .map(|put| self.asserted(middleware, end, put))
                    .collect();
                let bound = replies == Replies::Sometimes || asserted.iter().any(Option::is_some);
                let result = bound.then(|| fresh(&result_name(&middleware.name)));
                if let Some(result) = &result {
                    lines.push(format!("const {result} = {call}{semi}"));
                    if replies == Replies::Sometimes {
                        lines.push(format!("if (!{result}) return{semi}"));
                    }
                }
                let mut parts = Vec::new();
                let mut typed = Vec::new();
                for (put, kind) in several.iter().zip(asserted) {
                    let name = fresh(put);
                    match (kind, &result) {
                        (Some(kind), Some(result)) => {
                            typed.push(format!("const {name} = {result}.{put} as {kind}{semi}"));
                        }
                        _ if name == **put => parts.push(name.clone()),
                        _ => parts.push(format!("{put}: {name}")),
                    }
                    values.insert(put.to_string(), name);
                }
                if !parts.is_empty() {
                    let from = result.unwrap_or(call);
                    lines.push(format!("const {{ {} }} = {from}{semi}", parts.join(", ")));
                }
                lines.extend(typed);
            }
        }
        lines.extend(self.rest(later, end, values, taken, keyword, edits)?);
        Ok(lines)
    }

    /// The type that the handler says a value has, where the middleware does not set it on every
    /// path and so does not know.
    fn asserted(&self, middleware: &Middleware, end: &End<'a>, put: &String) -> Option<String> {
        let (End::Inline(function) | End::Own(_, function)) = end else {
            return None;
        };
        let Pat::Ident(request) = function.params.first()? else {
            return None;
        };
        let kind = &*request.type_ann.as_deref()?.type_ann;
        if !middleware.optional.contains(put) || !wants(self.source, end).contains(put) {
            return None;
        }
        if let Some(own) = crate::request_types::member(self.modules, self.source, kind, put) {
            return Some(own);
        }
        match kind {
            // What stands in another file is asked for there.
            TsType::TsTypeRef(named) if named.type_params.is_some() => {
                let key = Style::of(self.source).string(put);
                Some(format!("{}[{key}]", self.source.text_of(named)))
            }
            _ => None,
        }
    }

    /// The handler at the end of a chain.
    fn tail(
        &self,
        end: &End<'a>,
        values: &BTreeMap<String, String>,
        keyword: &str,
        edits: &mut Edits,
    ) -> Result<Vec<String>, String> {
        let style = Style::of(self.source);
        let (req, res, semi) = (self.names.req, self.names.res, style.semi);
        let call = |name: &str, extra: &[String]| {
            let mut args = vec![req.to_string(), res.to_string()];
            args.extend(extra.iter().cloned());
            vec![format!("{keyword}{name}({}){semi}", args.join(", "))]
        };
        match end {
            End::Other(name) => Ok(call(name, &[])),
            End::Own(name, function) => {
                let wanted: BTreeSet<String> = wants(self.source, end).into_iter().collect();
                let given: Vec<&String> = wanted
                    .iter()
                    .filter(|name| values.contains_key(*name))
                    .collect();
                let extra: Vec<String> = given.iter().map(|name| values[*name].clone()).collect();
                if !given.is_empty() {
                    takes_values(self.source, function, &given, edits)?;
                }
                Ok(call(&name.0, &extra))
            }
            End::Inline(function) => self.body(function, values),
        }
    }

    /// The body of a function as statements that read these values.
    pub fn body(
        &self,
        function: &Function<'a>,
        values: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, String> {
        let source = self.source;
        let mut edits = Edits::default();
        let request = function.params.first().and_then(|pat| param_id(pat));
        let response = function.params.get(1).and_then(|pat| param_id(pat));
        if request.is_none() && !function.params.is_empty()
            || response.is_none() && function.params.len() > 1
        {
            return Err("a handler that takes its request apart".to_string());
        }
        if let Some(request) = &request {
            let instead = instead(source, &function.body, request, values)?;
            let inside = |range: &Range<usize>| {
                instead
                    .iter()
                    .any(|(outer, _)| outer.start <= range.start && range.end <= outer.end)
            };
            rename(
                source,
                function,
                request,
                self.names.req,
                &inside,
                &mut edits,
            )?;
            if let Some(response) = &response {
                rename(
                    source,
                    function,
                    response,
                    self.names.res,
                    &inside,
                    &mut edits,
                )?;
            }
            for (range, text) in instead {
                edits.replace(range, text);
            }
        }
        let (range, returned) = match function.body {
            Body::Block(_, (start, end)) => (start + 1..end - 1, false),
            Body::Expr(expr) => (source.range(expr), true),
        };
        mark(source, &range, &mut edits);
        let text = edits
            .render(&source.text, range)
            .map_err(|_| "in a way that is not understood".to_string())?;
        if returned {
            return Ok(vec![format!("return {text}{}", Style::of(source).semi)]);
        }
        Ok(dedented(&text.replace("\r\n", "\n")))
    }
}

/// The reads of the request that stand for other values.
fn instead(
    source: &Source,
    body: &Body,
    request: &Id,
    values: &BTreeMap<String, String>,
) -> Result<Vec<(Range<usize>, String)>, String> {
    let values: Vec<Value> = values
        .iter()
        .map(|(name, text)| Value {
            name: name.clone(),
            text: text.clone(),
        })
        .collect();
    injected::read_instead(source, body, request, &values).map_err(|(_, why)| why)
}

/// Gives a parameter another name.
fn rename(
    source: &Source,
    function: &Function,
    old: &Id,
    new: &str,
    gone: &dyn Fn(&Range<usize>) -> bool,
    edits: &mut Edits,
) -> Result<(), String> {
    if *old.0 == *new {
        return Ok(());
    }
    let names = injected::names(source, &function.body);
    if names.iter().any(|(name, _)| *name.0 == *new) {
        return Err(format!("a handler that uses {new} for something else"));
    }
    for (name, range) in names {
        if name == *old && !gone(&range) {
            edits.replace(range, new);
        }
    }
    Ok(())
}

/// Makes a function of the file take values behind the request and the response.
fn takes_values(
    source: &Source,
    function: &Function,
    given: &[&String],
    edits: &mut Edits,
) -> Result<(), String> {
    let [request, response] = &function.params[..] else {
        return Err("a handler that reads what a middleware puts on the request".to_string());
    };
    let Some(name) = param_id(request) else {
        return Err("a handler that takes its request apart".to_string());
    };
    let kind = match request {
        Pat::Ident(binding) => binding.type_ann.as_deref().map(|kind| &*kind.type_ann),
        _ => None,
    };
    let literal = kind.map(|kind| injected::member_types(source, kind));
    let mut values = BTreeMap::new();
    let mut params = Vec::new();
    let taken: BTreeSet<String> = injected::taken_names(source, &function.body, &name)
        .into_iter()
        .collect();
    for given in given {
        let variable = free(&taken, given);
        let typed = literal.as_ref().and_then(|literal| literal.get(*given));
        let own = match (typed, kind) {
            (Some(kind), _) => kind.clone(),
            (None, Some(TsType::TsTypeRef(kind))) if source.text_of(kind) != "NextApiRequest" => {
                let key = Style::of(source).string(given);
                format!("{}[{key}]", source.text_of(kind))
            }
            _ => "any".to_string(),
        };
        params.push(match source.typescript() {
            true => format!("{variable}: {own}"),
            false => variable.clone(),
        });
        values.insert(given.to_string(), variable);
    }
    for (range, text) in instead(source, &function.body, &name, &values)? {
        edits.replace(range, text);
    }
    edits.insert(
        source.range(*response).end,
        format!(", {}", params.join(", ")),
    );
    Ok(())
}

/// What a middleware gives back is called: `auth` for `authGuard`.
fn result_name(middleware: &str) -> String {
    let short = ["Middleware", "Guard"]
        .iter()
        .find_map(|end| middleware.strip_suffix(end))
        .filter(|short| !short.is_empty());
    match short {
        Some(short) => short.to_string(),
        None => format!("{middleware}Result"),
    }
}

/// What stands in front of a line that begins inside a template, where white space is part of the value.
const RAW: char = '\u{1}';

/// Lines with more white space in front.
pub fn indented(lines: Vec<String>, indent: &str) -> Vec<String> {
    lines
        .into_iter()
        .map(|line| match line.is_empty() || line.starts_with(RAW) {
            true => line,
            false => format!("{indent}{line}"),
        })
        .collect()
}

/// The text of a file without the imports that it used before and uses no more.
pub fn pruned(before: &Source, text: String) -> String {
    let Ok(source) = Source::parse(&before.path, Arc::from(text.as_str())) else {
        return text;
    };
    let names = crate::syntax::Names::of(before, &before.module).all;
    let imports = before.items().iter().filter_map(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => Some(&import.specifiers),
        _ => None,
    });
    let lost = imports
        .flatten()
        .map(|specifier| specifier.local())
        .filter(|local| names.iter().filter(|(name, _)| *name == id(local)).count() > 1)
        .map(|local| local.sym.to_string())
        .collect();
    let mut edits = Edits::default();
    crate::emit::imports::remove_lost(&source, &lost, &mut edits);
    idle(&source, before, &mut edits);
    let pruned = edits.render(&source.text, 0..source.text.len());
    pruned.unwrap_or(text)
}

/// Removes constants of a file that it used before and uses no more.
fn idle(source: &Source, before: &Source, edits: &mut Edits) {
    let uses = |source: &Source, name: &str| {
        let names = crate::syntax::Names::of(source, &source.module).all;
        names.iter().filter(|(used, _)| *used.0 == *name).count()
    };
    for item in source.items() {
        let ModuleItem::Stmt(Stmt::Decl(Decl::Var(declaration))) = item else {
            continue;
        };
        let [only] = &declaration.decls[..] else {
            continue;
        };
        let (Pat::Ident(binding), Some(init)) = (&only.name, only.init.as_deref()) else {
            continue;
        };
        // What is made by a call may do more than to be there.
        let plain = matches!(bare(init), Expr::Lit(_) | Expr::Array(_));
        let name = &*binding.id.sym;
        if plain
            && Constant::of(init).is_some()
            && uses(source, name) == 1
            && uses(before, name) > 1
        {
            let range = source.range(item);
            edits.delete(crate::emit::web_native::whole_lines(source, &range));
        }
    }
}

/// Lines as text.
pub fn joined(lines: &[String]) -> String {
    lines.join("\n").replace(RAW, "")
}

/// Marks the lines that begin inside templates.
fn mark(source: &Source, within: &Range<usize>, edits: &mut Edits) {
    for template in template_ranges(source) {
        if within.start <= template.start && template.end <= within.end {
            for (at, _) in source.text[template.clone()].match_indices('\n') {
                edits.insert(template.start + at + 1, RAW.to_string());
            }
        }
    }
}

/// The lines of a function's body, without the white space that they all have.
fn dedented(text: &str) -> Vec<String> {
    let code = |line: &&str| !line.trim().is_empty() && !line.starts_with(RAW);
    let white = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    // What stands on the line of the brace says nothing.
    let first = usize::from(!text.starts_with('\n'));
    let by = text
        .lines()
        .skip(first)
        .filter(code)
        .map(white)
        .min()
        .unwrap_or(0);
    text.trim_start_matches('\n')
        .trim_end()
        .lines()
        .map(|line| match line.starts_with(RAW) {
            true => line.to_string(),
            false => line[by.min(white(line))..].trim_end().to_string(),
        })
        .map(|line| {
            line.trim_start_matches(' ')
                .is_empty()
                .then(String::new)
                .unwrap_or(line)
        })
        .collect()
}

//! Wrappers that put values on the request: `req.user = user; return handler(req, res)`, and those
//! inside them that read these. In: a module. Out: its text with each such wrapper handing the values
//! to the handler behind the request and the response, as wrappers do that are written so, and what
//! it takes and hands over.
//! [`crate::injected_handler`] makes handlers take them. A wrapper of another shape stays as it is,
//! and so does one that may reach the handler without a value that its type promises.

mod types;
mod variable;

use std::collections::BTreeSet;
use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::edit::Edits;
use crate::facts::api_module::{ApiModule, Body, Function, param_id};
use crate::injected::{self, Put, Value, free};
use crate::request_types::Origin;
use crate::source::Source;
use crate::syntax::{Id, is_binding};
use crate::wrapping::{self, Wrapping};
use variable::{Sure, Variable};

/// A wrapper that hands values to its handler, as it is written anew.
#[derive(Debug, Clone)]
pub struct Injecting {
    /// The name that binds it.
    pub name: String,
    /// What those around it put on the request and it reads: its parameters behind the response.
    pub takes: Vec<Given>,
    /// What it puts on the request, in the order in which the handler gets it, behind what it takes.
    pub puts: Vec<Given>,
    /// How many arguments the handler got behind the request and the response before.
    pub before: usize,
    /// Its statement as it was.
    pub original: String,
}

impl Injecting {
    /// What the handler gets.
    pub fn gives(&self) -> impl Iterator<Item = &Given> {
        self.takes.iter().chain(&self.puts)
    }
}

/// A value that a wrapper hands to its handler.
#[derive(Debug, Clone)]
pub struct Given {
    /// The member of the request that it was.
    pub name: String,
    /// Its type; `None` in JavaScript.
    pub kind: Option<String>,
    /// Where the names in it come from; `None` where other files cannot import them all.
    pub names: Option<Vec<(Origin, String)>>,
}

/// What some servers put on a request, and no wrapper does.
const OF_SERVERS: [&str; 3] = ["geo", "ip", "nextUrl"];

/// What the rest of a project says to a module.
pub struct Around<'r> {
    /// A text with these edits, parsed.
    pub parse: &'r dyn Fn(&Source, &Edits) -> Option<Source>,
    /// The file of the project that the module imports by a specifier.
    pub resolve: &'r dyn Fn(&str) -> Option<String>,
    /// The type of a member that the project adds to the request of Next.js.
    pub merged: &'r dyn Fn(&str) -> Option<Merged>,
    /// The type of a member that a type of another file says, by the specifier and the name by which
    /// the module imports the type.
    pub declared: &'r dyn Fn(&str, &str, &str) -> Declared,
}

/// What another file says of a member of a type.
pub enum Declared {
    /// Its type.
    Known(Merged),
    /// That there is none.
    Absent,
    /// Nothing that is understood.
    Unknown,
}

/// A member that a project adds to the request of Next.js: its type, and where the names in it come
/// from.
pub type Merged = (String, Vec<(Origin, String)>);

/// Edits of the functions of these names, or of all, after which nothing but the request itself stands for it.
fn with_one_request(module: &ApiModule, only: Option<&[Injecting]>) -> Edits {
    let source = module.source;
    let mut edits = Edits::default();
    for (name, function) in &module.functions {
        if only.is_some_and(|only| only.iter().all(|own| own.name != *name.0)) {
            continue;
        }
        let layers = wrapping::layers(source, function);
        if let [_, .., closure] = &layers[..]
            && let Some(req) = closure.params.first().and_then(|pat| param_id(pat))
        {
            crate::one_request::edits(source, &closure.body, &req, &mut edits);
        }
    }
    edits
}

/// A module with its wrappers written anew, and what they are; `None` where there are none.
pub fn anew(source: &Source, around: &Around) -> Option<(Source, Vec<Injecting>)> {
    let parse = around.parse;
    // Most modules put nothing on a request.
    let word = source.text.contains("NextApi") || !source.typescript();
    if !word || !source.text.contains("return") {
        return None;
    }
    let (module, _) = ApiModule::library(source).ok()?;
    let module = module?;
    let one = with_one_request(&module, None);
    let found = match one.is_empty() {
        true => wrappers(&module, around, &mut Edits::default()),
        false => in_text(&parse(source, &one)?, |module| {
            wrappers(module, around, &mut Edits::default())
        })?,
    };
    if found.is_empty() {
        return None;
    }
    let one = with_one_request(&module, Some(&found));
    let text = parse(source, &one)?;
    let mut edits = Edits::default();
    let mut found = in_text(&text, |module| wrappers(module, around, &mut edits))?;
    for own in &mut found {
        let mut functions = module.functions.iter();
        let (_, function) = functions.find(|(name, _)| *name.0 == *own.name)?;
        own.original = source.text[function.statement.clone()].to_string();
    }
    Some((parse(&text, &edits)?, found))
}

fn in_text<T>(source: &Source, look: impl FnOnce(&ApiModule) -> T) -> Option<T> {
    let (module, _) = ApiModule::library(source).ok()?;
    Some(look(&module?))
}

/// Writes the wrappers of a module anew.
fn wrappers(module: &ApiModule, around: &Around, edits: &mut Edits) -> Vec<Injecting> {
    let mut found = Vec::new();
    for (name, function) in &module.functions {
        if let Some((wrapper, own)) = rewrite(module.source, around, name, function) {
            edits.extend(own);
            found.push(wrapper);
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn rewrite(
    source: &Source,
    around: &Around,
    name: &Id,
    function: &Function,
) -> Option<(Injecting, Edits)> {
    let wrapping = wrapping::of(source, function, &|_| None)
        .or_else(|| wrapping::in_calls(source, function))
        .filter(|found| found.inner_calls == 0)?;
    let closure = &wrapping.closure;
    let [request, response] = &closure.params[..] else {
        return None;
    };
    let (req, res) = (param_id(request)?, param_id(response)?);
    let Body::Block(stmts, _) = closure.body else {
        return None;
    };
    let puts = injected::puts(source, stmts, &req).ok()?;
    let calls = Calls::of(stmts, &wrapping, &req, &res, source);
    let reads = injected::reads(source, &closure.body, &req);
    let mut members: Vec<&str> = Vec::new();
    for put in &puts {
        if !members.contains(&put.name.as_str()) {
            members.push(&put.name);
        }
    }
    let mut wanted: Vec<&str> = Vec::new();
    for (name, at) in &reads {
        // What is called is a function of the request itself.
        if source.text[at.end..].starts_with('(') || OF_SERVERS.contains(&name.as_str()) {
            return None;
        }
        if !members.contains(&name.as_str()) && !wanted.contains(&name.as_str()) {
            wanted.push(name);
        }
    }
    let nothing = members.is_empty() && wanted.is_empty();
    if calls.is_empty() || nothing || !wanted.is_empty() && wrapping.extras > 0 {
        return None;
    }
    let taken = injected::taken_names(source, &closure.body, &req);
    let mut taken: BTreeSet<String> = taken.into_iter().collect();
    taken.extend(wrapping.layers.iter().flat_map(|layer| {
        let mut names = Vec::new();
        layer
            .params
            .iter()
            .for_each(|pat| crate::syntax::bound_names(pat, &mut names));
        names.into_iter().map(|name| name.0.to_string())
    }));
    let mut edits = Edits::default();
    let mut values = Vec::new();
    let mut takes = Vec::new();
    for member in wanted {
        let (kind, names) = types::kind(source, around, &wrapping, member);
        let variable = free(&taken, member);
        taken.insert(variable.clone());
        let typed = match &kind {
            Some(kind) => format!(", {variable}: {kind}"),
            None => format!(", {variable}"),
        };
        edits.insert(source.range(*response).end, typed);
        values.push(Value {
            name: member.to_string(),
            text: variable,
        });
        takes.push(Given {
            name: member.to_string(),
            kind,
            names,
        });
    }
    let mut given = Vec::new();
    for member in members {
        let (kind, names) = types::kind(source, around, &wrapping, member);
        let own: Vec<&Put> = puts.iter().filter(|put| put.name == member).collect();
        let read: Vec<Range<usize>> = reads
            .iter()
            .filter(|(name, _)| name == member)
            .map(|(_, at)| at.clone())
            .collect();
        // What is read before it is set may be what something else has put there.
        if !Sure::of(source, stmts, &own, &read) {
            return None;
        }
        let calls = calls.iter().map(|call| call.range.clone());
        let used: Vec<Range<usize>> = read.into_iter().chain(calls).collect();
        let sure = Sure::of(source, stmts, &own, &used);
        let optional = kind
            .as_deref()
            .is_none_or(|kind| kind == "any" || kind.contains("undefined"));
        if !sure && !optional {
            return None;
        }
        let variable = Variable {
            source,
            stmts,
            member,
            kind: kind.as_deref(),
            puts: &own,
            used: &used,
            sure,
        };
        let text = variable.write(&taken, &mut edits)?;
        taken.insert(text.clone());
        values.push(Value {
            name: member.to_string(),
            text,
        });
        given.push(Given {
            name: member.to_string(),
            kind,
            names,
        });
    }
    for (range, text) in injected::read_instead(source, &closure.body, &req, &values).ok()? {
        // What is put on the request is put nowhere now.
        edits.replace(range, text);
    }
    for call in &calls {
        let mut args: Vec<String> = vec![req.0.to_string(), res.0.to_string()];
        args.extend(call.more.iter().cloned());
        args.extend(values.iter().map(|value| value.text.clone()));
        edits.replace(call.list.clone(), args.join(", "));
    }
    let all: Vec<&Given> = takes.iter().chain(&given).collect();
    types::write(source, &wrapping, &all, request, &mut edits)?;
    let wrapper = Injecting {
        name: name.0.to_string(),
        takes,
        puts: given,
        before: wrapping.extras,
        original: source.text[function.statement.clone()].to_string(),
    };
    Some((wrapper, edits))
}

/// A call of the handler.
struct Call {
    /// The whole call.
    range: Range<usize>,
    /// What stands between its parentheses.
    list: Range<usize>,
    /// The arguments behind the request and the response.
    more: Vec<String>,
}

/// Finds the calls of the handler.
struct Calls<'c, 'a> {
    wrapping: &'c Wrapping<'a>,
    req: &'c Id,
    res: &'c Id,
    source: &'c Source,
    found: Vec<Call>,
}

impl Calls<'_, '_> {
    fn of(stmts: &[Stmt], wrapping: &Wrapping, req: &Id, res: &Id, source: &Source) -> Vec<Call> {
        let mut calls = Calls {
            wrapping,
            req,
            res,
            source,
            found: Vec::new(),
        };
        stmts.visit_with(&mut calls);
        calls.found
    }
}

impl Visit for Calls<'_, '_> {
    fn visit_call_expr(&mut self, node: &CallExpr) {
        let takes = self.wrapping.takes.as_ref();
        if let Some(callee) = node.callee.as_expr()
            && (is_binding(callee, &self.wrapping.name)
                || takes.is_some_and(|takes| takes.is(callee)))
            && let [first, second, more @ ..] = &node.args[..]
            && is_binding(&first.expr, self.req)
            && is_binding(&second.expr, self.res)
        {
            let last = node.args.last().unwrap_or(second);
            self.found.push(Call {
                range: self.source.range(node),
                list: self.source.range(first).start..self.source.range(last).end,
                more: more
                    .iter()
                    .map(|arg| self.source.text_of(arg).to_string())
                    .collect(),
            });
        }
        node.visit_children_with(self);
    }
}

//! Wrappers that put values on the request: `req.user = user; return handler(req, res)`, and those
//! inside them that read these. In: a module. Out: its text with each such wrapper handing the values
//! to the handler behind the request and the response, as wrappers do that are written so, and what
//! it takes and hands over.
//! [`crate::injected_handler`] makes handlers take them. A wrapper of another shape stays as it is,
//! and so does one that may reach the handler without a value that its type promises.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::edit::{Edits, Fragment};
use crate::emit::shared_module;
use crate::emit::style::{Style, indentation};
use crate::facts::api_module::{ApiModule, Body, Function, param_id};
use crate::injected::{self, Put, Value, free};
use crate::request_types::{self, Origin};
use crate::source::Source;
use crate::syntax::{Id, id, is_binding};
use crate::wrapping::{self, Wrapping};

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
    let wrapping = wrapping::of(source, function)?;
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
        let (kind, names) = kind(source, around, &wrapping, member);
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
        let (kind, names) = kind(source, around, &wrapping, member);
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
    types(source, &wrapping, &all, request, &mut edits)?;
    let wrapper = Injecting {
        name: name.0.to_string(),
        takes,
        puts: given,
        before: wrapping.extras,
        original: source.text[function.statement.clone()].to_string(),
    };
    Some((wrapper, edits))
}

/// Writes the types of the handler and of the request.
fn types(
    source: &Source,
    wrapping: &Wrapping,
    given: &[&Given],
    request: &Pat,
    edits: &mut Edits,
) -> Option<()> {
    if !source.typescript() {
        return Some(());
    }
    if let Pat::Ident(binding) = request
        && let Some(said) = &binding.type_ann
    {
        edits.replace(source.range(&*said.type_ann), "NextApiRequest");
    }
    let (layer, at) = wrapping.handler;
    let Pat::Ident(handler) = wrapping.layers[layer].params[at] else {
        return None;
    };
    // The type of a map of methods is written elsewhere.
    if wrapping.takes.is_some() {
        return None;
    }
    let mut params = vec![
        "req: NextApiRequest".to_string(),
        "res: NextApiResponse".to_string(),
    ];
    let before = shared_module::handler_extras(source, handler);
    params.extend((0..wrapping.extras).map(|at| match before.get(at) {
        Some(text) => text.clone(),
        None => format!("extra{}: any", at + 1),
    }));
    params.extend(given.iter().map(|given| {
        let kind = given.kind.as_deref().unwrap_or("any");
        format!("{}: {kind}", given.name)
    }));
    let kind = format!(": ({}) => unknown", params.join(", "));
    match &handler.type_ann {
        Some(said) => edits.replace(source.range(&**said), kind),
        None => edits.insert(source.range(&handler.id).end, kind),
    }
    Some(())
}

/// The type of a member of the request, and where the names in it come from: as an assertion says at
/// the assignment, or else the request, the handler or the project.
fn kind(
    source: &Source,
    around: &Around,
    wrapping: &Wrapping,
    member: &str,
) -> (Option<String>, Option<Vec<(Origin, String)>>) {
    if !source.typescript() {
        return (None, None);
    }
    // Where the file has another thing of a name, it would mean that.
    let fits = |(_, names): &Merged| {
        names.iter().all(|name| {
            let own = request_types::origins(source, &name.1, around.resolve);
            own.is_some_and(|own| own.is_empty() || own[0] == *name)
        })
    };
    let merged = (around.merged)(member).filter(fits);
    let kind = match (said(source, around, wrapping, member), merged) {
        (Said::There(there), _) if fits(&there) => return (Some(there.0), Some(there.1)),
        (Said::Merged, Some((kind, names))) => return (Some(kind), Some(names)),
        (Said::Merged, None) => {
            format!("NextApiRequest[{}]", Style::of(source).string(member))
        }
        (Said::There(_), _) => "any".to_string(),
        (Said::Kind(kind), _) => kind,
    };
    let names = request_types::origins(source, &kind, around.resolve);
    (Some(kind), names)
}

/// What is said of the type of a member.
enum Said {
    /// The type, in the words of the file.
    Kind(String),
    /// The type, in the words of another file.
    There(Merged),
    /// Nothing, so that the project adds it to the request of Next.js.
    Merged,
}

fn said(source: &Source, around: &Around, wrapping: &Wrapping, member: &str) -> Said {
    let annotation = |pat: &Pat| match pat {
        Pat::Ident(binding) => binding
            .type_ann
            .as_ref()
            .map(|said| (*said.type_ann).clone()),
        _ => None,
    };
    let key = Style::of(source).string(member);
    let casts = Casts::of(wrapping, member);
    let own = annotation(wrapping.closure.params[0]);
    if casts.is_empty()
        && let Some(TsType::TsTypeRef(named)) = &own
        && source.text_of(named) == "NextApiRequest"
    {
        return Said::Merged;
    }
    let (layer, at) = wrapping.handler;
    let handler = wrapping.layers[layer].params[at];
    let of_handler = shared_module::handler_request(source, handler);
    let kinds = casts.into_iter().chain(own).chain(of_handler.cloned());
    for kind in kinds {
        if let Some(own) = injected::member_types(source, &kind).remove(member) {
            return Said::Kind(own);
        }
        let TsType::TsTypeRef(named) = &kind else {
            continue;
        };
        let text = source.text_of(named);
        if request_types::is_plain(text) {
            continue;
        }
        let imports = crate::facts::api_module::imports(source);
        let import = imports.iter().find(|(local, _)| *local.0 == *text);
        let there = import.map(|(_, (from, name))| (around.declared)(from, name, member));
        match there {
            Some(Declared::Known(there)) => return Said::There(there),
            Some(Declared::Absent) => {}
            Some(Declared::Unknown) => return Said::Kind(format!("{text}[{key}]")),
            // It is a type of the file, without the member.
            None if named.type_params.is_none() => {}
            None => return Said::Kind(format!("{text}[{key}]")),
        }
    }
    // A handler's type of another file knows it.
    Said::Kind(match annotation(handler) {
        Some(TsType::TsTypeRef(named))
            if of_handler.is_none() && !source.text_of(&named).contains("NextApiHandler") =>
        {
            format!("Parameters<{}>[0][{key}]", source.text_of(&named))
        }
        _ => "any".to_string(),
    })
}

/// The types that assertions say the request has where a member of it is read or written.
struct Casts<'c> {
    req: Id,
    member: &'c str,
    found: Vec<TsType>,
}

impl Casts<'_> {
    fn of(wrapping: &Wrapping, member: &str) -> Vec<TsType> {
        let closure = &wrapping.closure;
        let (Some(req), Body::Block(stmts, _)) = (param_id(closure.params[0]), closure.body) else {
            return Vec::new();
        };
        let mut casts = Casts {
            req,
            member,
            found: Vec::new(),
        };
        stmts.visit_with(&mut casts);
        casts.found
    }
}

impl Visit for Casts<'_> {
    fn visit_member_expr(&mut self, node: &MemberExpr) {
        let name = crate::syntax::member_name(&node.prop);
        if name.as_deref() == Some(self.member) && is_binding(&node.obj, &self.req) {
            self.found.extend(injected::asserted(&node.obj).cloned());
        }
        node.visit_children_with(self);
    }
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

/// The variable that holds a member.
struct Variable<'v, 'a> {
    source: &'v Source,
    stmts: &'a [Stmt],
    member: &'v str,
    kind: Option<&'v str>,
    puts: &'v [&'v Put<'a>],
    /// Where it is read.
    used: &'v [Range<usize>],
    /// Whether every path to these has set it.
    sure: bool,
}

impl Variable<'_, '_> {
    /// Writes it; gives its name.
    fn write(&self, taken: &BTreeSet<String>, edits: &mut Edits) -> Option<String> {
        let source = self.source;
        let style = Style::of(source);
        let typed = |absent: &str| match self.kind {
            None | Some("any") => String::new(),
            Some(kind) if kind.contains("undefined") => format!(": {kind}"),
            Some(kind) => format!(": {kind}{absent}"),
        };
        if let [put] = self.puts
            && self.sure
            && let Some(scope) = behind(source, self.stmts, &put.statement)
            && self
                .used
                .iter()
                .all(|used| scope.start <= used.start && used.end <= scope.end)
        {
            // A constant needs no other name.
            if let Expr::Ident(value) = put.value
                && is_constant(source, self.stmts, &id(value))
            {
                edits.delete(injected::own_line(source, &put.statement));
                return Some(value.sym.to_string());
            }
            let variable = free(taken, self.member);
            edits.rewrite(
                whole(source, &put.statement),
                vec![
                    Fragment::Text(format!("const {variable}{} = ", typed(""))),
                    Fragment::Keep(source.range(put.value)),
                    Fragment::Text(style.semi.to_string()),
                ],
            );
            return Some(variable);
        }
        let first = self.puts.first()?;
        let at = whole(source, &source.range(&self.stmts[first.top])).start;
        // It cannot be read before it is declared.
        if self.used.iter().any(|used| used.start < at) {
            return None;
        }
        let variable = free(taken, self.member);
        let indent = indentation(&source.text, at);
        let kind = typed(if self.sure { "" } else { " | undefined" });
        edits.insert(at, format!("let {variable}{kind}{}\n{indent}", style.semi));
        for put in self.puts {
            edits.rewrite(
                whole(source, &put.statement),
                vec![
                    Fragment::Text(format!("{variable} = ")),
                    Fragment::Keep(source.range(put.value)),
                    Fragment::Text(style.semi.to_string()),
                ],
            );
        }
        Some(variable)
    }
}

/// A statement with the semicolon that keeps it apart from the line above.
fn whole(source: &Source, statement: &Range<usize>) -> Range<usize> {
    let before = &source.text[..statement.start];
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let start = match before[line..].trim() == ";" {
        true => line + before[line..].find(';').unwrap_or_default(),
        false => statement.start,
    };
    start..statement.end
}

/// What stands behind a statement in the list that it is in.
fn behind(source: &Source, stmts: &[Stmt], statement: &Range<usize>) -> Option<Range<usize>> {
    struct Finder<'f> {
        source: &'f Source,
        statement: &'f Range<usize>,
        found: Option<Range<usize>>,
    }
    impl Finder<'_> {
        fn list(&mut self, stmts: &[Stmt]) {
            let is = |stmt: &Stmt| self.source.range(stmt) == *self.statement;
            if stmts.iter().any(is)
                && let Some(last) = stmts.last()
            {
                self.found = Some(self.statement.end..self.source.range(last).end);
            }
        }
    }
    impl Visit for Finder<'_> {
        fn visit_block_stmt(&mut self, node: &BlockStmt) {
            self.list(&node.stmts);
            node.visit_children_with(self);
        }
    }
    let mut finder = Finder {
        source,
        statement,
        found: None,
    };
    finder.list(stmts);
    stmts.visit_with(&mut finder);
    finder.found
}

/// Whether a function, or its file, binds a name by `const`.
fn is_constant(source: &Source, stmts: &[Stmt], name: &Id) -> bool {
    if crate::facts::api_module::declared(source, name).is_some() {
        let all = crate::syntax::Names::of(source, &source.module).all;
        let mut places = all.iter().filter(|(found, _)| found == name);
        let kept = |at: &Range<usize>| source.text[..at.start].trim_end().ends_with("const");
        return places.next().is_some_and(|(_, at)| kept(at));
    }
    struct Finder<'f>(&'f Id, bool);
    impl Visit for Finder<'_> {
        fn visit_var_decl(&mut self, node: &VarDecl) {
            if node.kind == VarDeclKind::Const {
                let mut names = Vec::new();
                let patterns = node.decls.iter().map(|one| &one.name);
                patterns.for_each(|pat| crate::syntax::bound_names(pat, &mut names));
                self.1 |= names.contains(self.0);
            }
            node.visit_children_with(self);
        }
    }
    let mut finder = Finder(name, false);
    stmts.visit_with(&mut finder);
    finder.1
}

/// Whether a member is set on every path to the places that read it.
struct Sure<'s, 'a> {
    source: &'s Source,
    puts: &'s [&'s Put<'a>],
    used: &'s [Range<usize>],
    /// For each place, whether it is set there.
    at: BTreeMap<usize, bool>,
}

impl Sure<'_, '_> {
    fn of(source: &Source, stmts: &[Stmt], puts: &[&Put], used: &[Range<usize>]) -> bool {
        let mut sure = Sure {
            source,
            puts,
            used,
            at: BTreeMap::new(),
        };
        sure.list(stmts, false);
        used.iter()
            .all(|used| sure.at.get(&used.start) == Some(&true))
    }

    /// Notes the places inside a range; the first look, which is that with the fewest paths before
    /// it, must not be overruled by a better one.
    fn read(&mut self, range: &Range<usize>, set: bool) {
        for used in self.used {
            if range.start <= used.start && used.end <= range.end {
                let known = self.at.entry(used.start).or_insert(set);
                *known &= set;
            }
        }
    }

    /// Walks statements; whether the member is set at their end, or nothing where control does not
    /// come there.
    fn list(&mut self, stmts: &[Stmt], set: bool) -> Option<bool> {
        let mut set = set;
        for stmt in stmts {
            set = self.stmt(stmt, set)?;
        }
        Some(set)
    }

    fn stmt(&mut self, stmt: &Stmt, set: bool) -> Option<bool> {
        let range = self.source.range(stmt);
        let join = |one: Option<bool>, other: Option<bool>| match (one, other) {
            (None, other) => other,
            (one, None) => one,
            (Some(one), Some(other)) => Some(one && other),
        };
        match stmt {
            Stmt::Block(block) => self.list(&block.stmts, set),
            Stmt::If(branch) => {
                self.read(&self.source.range(&*branch.test), set);
                let cons = self.stmt(&branch.cons, set);
                let alt = match branch.alt.as_deref() {
                    Some(alt) => self.stmt(alt, set),
                    None => Some(set),
                };
                join(cons, alt)
            }
            Stmt::Try(attempt) => {
                let block = self.list(&attempt.block.stmts, set);
                let caught = match &attempt.handler {
                    // It may be entered before anything was set.
                    Some(handler) => self.list(&handler.body.stmts, set),
                    None => None,
                };
                let both = join(block, caught);
                match &attempt.finalizer {
                    Some(last) => {
                        self.list(&last.stmts, set)?;
                        both
                    }
                    None => both,
                }
            }
            Stmt::Return(_) | Stmt::Throw(_) => {
                self.read(&range, set);
                None
            }
            Stmt::Break(_) | Stmt::Continue(_) => None,
            _ if self.puts.iter().any(|put| put.statement == range) => {
                self.read(&range, set);
                Some(true)
            }
            // What a loop or a `switch` sets counts for nothing behind it.
            _ => {
                self.read(&range, set);
                Some(set)
            }
        }
    }
}

//! Calls of `cors` that handlers wait for, as Next.js' own examples write them: `await
//! runMiddleware(req, res, cors)`, `await cors(req, res)` with `initMiddleware(Cors())`, the promise
//! written where it is awaited, and `nextjs-cors`. In: a file. Out: its text with what `cors` does
//! written as statements of the function that waits for it, or as a function of its own that tells
//! whether it has answered, where several files call it. How these are carried over is known then.
//!
//! The callback must do nothing but settle the promise, and nothing may use what it is settled with.
//! The promise of a preflight is never settled, so that nothing behind the call runs any more: the
//! statements return there. Calls that are not awaited, or stand in a `try` with a `finally`, stay
//! as they are.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::cors::{Options, Place};
use super::{chain::AsHandler, pruned};
use crate::edit::Edits;
use crate::emit::style::{Style, indentation};
use crate::emit::web_native::whole_lines;
use crate::facts::api_module::{ApiModule, Body, Function, from_expr, from_function, imports};
use crate::facts::api_module::{Form, declared, param_id, refuse_at};
use crate::outcome::Refusal;
use crate::reason::Reason;
use crate::source::Source;
use crate::syntax::{Id, Names, bare, id};

/// The files that a file imports.
pub trait Files {
    /// A file as it is.
    fn raw(&self, file: &str) -> Option<&Source>;
    /// The file that another imports by a specifier.
    fn resolved(&self, file: &str, specifier: &str) -> Option<String>;
}

/// How many names are followed for one.
const MAX_STEPS: usize = 64;

/// What a value has to do with `cors`.
#[derive(Debug, Clone)]
enum Stands {
    /// It makes middlewares.
    Make,
    /// `nextjs-cors`: it makes a middleware and runs it.
    MakeAndRun,
    /// It runs a middleware with a request and a response: `(req, res, fn) => new Promise(…)`.
    Runner,
    /// It makes what runs a middleware: `(fn) => (req, res) => new Promise(…)`.
    Init,
    /// It is a middleware.
    Middleware(Result<Options, String>),
    /// It runs one middleware with a request and a response.
    Bound(Result<Options, String>),
}

/// A file that is read.
struct Reading<'r> {
    files: &'r dyn Files,
    source: &'r Source,
    imports: HashMap<Id, (String, String)>,
    steps: &'r Cell<usize>,
}

impl<'r> Reading<'r> {
    fn of(files: &'r dyn Files, source: &'r Source, steps: &'r Cell<usize>) -> Reading<'r> {
        Reading {
            files,
            source,
            imports: imports(source),
            steps,
        }
    }

    fn expr(&self, expr: &Expr) -> Option<Stands> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MAX_STEPS {
            return None;
        }
        match bare(expr) {
            Expr::Ident(name) => self.name(&id(name)),
            Expr::Call(call) => {
                let callee = bare(call.callee.as_expr()?);
                if let (Expr::Ident(name), [only]) = (callee, &call.args[..])
                    && name.sym == "require"
                    && self.source.is_global(name)
                {
                    return package(&crate::syntax::string(&only.expr)?, "default");
                }
                match (self.expr(callee)?, &call.args[..]) {
                    (Stands::Make, args) => {
                        Some(Stands::Middleware(Options::read(self.source, args)))
                    }
                    (Stands::Init, [only]) if only.spread.is_none() => {
                        match self.expr(&only.expr)? {
                            Stands::Middleware(options) => Some(Stands::Bound(options)),
                            _ => None,
                        }
                    }
                    _ => None,
                }
            }
            function @ (Expr::Arrow(_) | Expr::Fn(_)) => {
                let range = self.source.range(function);
                self.function(&from_expr(self.source, None, function, range)?)
            }
            _ => None,
        }
    }

    /// What a name of the file stands for.
    fn name(&self, name: &Id) -> Option<Stands> {
        if let Some((from, original)) = self.imports.get(name) {
            let Some(file) = self.files.resolved(&self.source.path, from) else {
                return package(from, original);
            };
            return self.exported(&file, original);
        }
        if let Some((init, statement)) = declared(self.source, name) {
            let text = &self.source.text[statement];
            let text = text.strip_prefix("export ").unwrap_or(text);
            return text.starts_with("const ").then(|| self.expr(init))?;
        }
        let function = self.source.items().iter().find_map(|item| {
            let declaration = match item {
                ModuleItem::Stmt(Stmt::Decl(Decl::Fn(declaration))) => declaration,
                ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(ExportDecl {
                    decl: Decl::Fn(declaration),
                    ..
                })) => declaration,
                ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(ExportDefaultDecl {
                    decl: DefaultDecl::Fn(function),
                    ..
                })) => {
                    let own = function.ident.as_ref().is_some_and(|own| id(own) == *name);
                    return own.then_some(&*function.function);
                }
                _ => return None,
            };
            (id(&declaration.ident) == *name).then_some(&*declaration.function)
        })?;
        let range = self.source.range(function);
        let form = Form::Declaration;
        self.function(&from_function(self.source, None, function, range, form)?)
    }

    /// What an exported name of another file stands for.
    fn exported(&self, file: &str, name: &str) -> Option<Stands> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MAX_STEPS {
            return None;
        }
        let source = self.files.raw(file)?;
        let there = Reading::of(self.files, source, self.steps);
        let (_, exports) = ApiModule::library(source).ok()?;
        if let Some(own) = exports.own.get(name) {
            return there.name(own);
        }
        if let Some((from, original)) = exports.passed.get(name) {
            return there.exported(&self.files.resolved(file, from)?, original);
        }
        let mut all = exports.all.iter();
        all.find_map(|from| there.exported(&self.files.resolved(file, from)?, name))
    }

    fn function(&self, function: &Function) -> Option<Stands> {
        let params: Vec<Id> = function
            .params
            .iter()
            .map(|pat| param_id(pat))
            .collect::<Option<_>>()?;
        let given = returned(&function.body)?;
        match (given, &params[..]) {
            (Expr::New(_), [req, res, rest @ ..]) => {
                let (middleware, args) = self.promised(given)?;
                let own = is(args.0, req) && is(args.1, res);
                match rest {
                    [run] if own && is(middleware, run) => Some(Stands::Runner),
                    [] if own => match self.expr(middleware)? {
                        Stands::Middleware(options) => Some(Stands::Bound(options)),
                        _ => None,
                    },
                    _ => None,
                }
            }
            (Expr::Call(call), [req, res]) => {
                let (_, options, args) = self.run(call)?;
                (is(args.0, req) && is(args.1, res)).then_some(Stands::Bound(options))
            }
            (inner @ (Expr::Arrow(_) | Expr::Fn(_)), [run]) => {
                let inner = from_expr(self.source, None, inner, self.source.range(inner))?;
                let (middleware, args) = self.promised(returned(&inner.body)?)?;
                let [req, res] = &inner.params[..] else {
                    return None;
                };
                let own = is(args.0, &param_id(req)?) && is(args.1, &param_id(res)?);
                (own && is(middleware, run)).then_some(Stands::Init)
            }
            _ => None,
        }
    }

    /// What `new Promise((resolve) => middleware(req, res, …))` runs, and with what, where it is
    /// settled when the middleware passes on.
    fn promised<'e>(&self, expr: &'e Expr) -> Option<(&'e Expr, (&'e Expr, &'e Expr))> {
        let Expr::New(promise) = bare(expr) else {
            return None;
        };
        let global = matches!(bare(&promise.callee), Expr::Ident(name)
            if name.sym == "Promise" && self.source.is_global(name));
        let [executor] = promise.args.as_deref()? else {
            return None;
        };
        let range = self.source.range(executor);
        let executor = from_expr(self.source, None, &executor.expr, range)?;
        let resolve = param_id(executor.params.first()?)?;
        let Expr::Call(call) = only(&executor.body)? else {
            return None;
        };
        let [req, res, next] = &call.args[..] else {
            return None;
        };
        let spread = call.args.iter().any(|arg| arg.spread.is_some());
        let next = bare(&next.expr);
        let settled = is(next, &resolve)
            || from_expr(self.source, None, next, self.source.range(next))
                .is_some_and(|next| settles(&next, &resolve));
        let parts = (bare(call.callee.as_expr()?), (&*req.expr, &*res.expr));
        (global && !spread && settled).then_some(parts)
    }

    /// The middleware that a call runs, as far as it has a name, with what it does, and what it is
    /// called with.
    fn run<'e>(&self, call: &'e CallExpr) -> Option<Run<'e>> {
        if call.args.iter().any(|arg| arg.spread.is_some()) {
            return None;
        }
        let callee = bare(call.callee.as_expr()?);
        let [req, res, rest @ ..] = &call.args[..] else {
            return None;
        };
        let args = (&*req.expr, &*res.expr);
        match (self.expr(callee)?, rest) {
            (Stands::Runner, [middleware]) => match self.expr(&middleware.expr)? {
                Stands::Middleware(options) => Some((Some(bare(&middleware.expr)), options, args)),
                _ => None,
            },
            (Stands::Bound(options), []) => Some((Some(callee), options, args)),
            (Stands::MakeAndRun, options) => {
                let options = Options::read(self.source, options);
                (rest.len() < 2).then_some((None, options, args))
            }
            _ => None,
        }
    }
}

/// What is run, where it is made before; what it does; the request and the response.
type Run<'r> = (
    Option<&'r Expr>,
    Result<Options, String>,
    (&'r Expr, &'r Expr),
);

/// What a package exports.
fn package(from: &str, name: &str) -> Option<Stands> {
    match (from, name) {
        ("cors", "default") => Some(Stands::Make),
        ("nextjs-cors", "default") => Some(Stands::MakeAndRun),
        ("util" | "node:util", "promisify") => Some(Stands::Init),
        _ => None,
    }
}

fn is(expr: &Expr, name: &Id) -> bool {
    matches!(bare(expr), Expr::Ident(ident) if id(ident) == *name)
}

/// What a function that does nothing else gives back, awaited or not.
fn returned<'a>(body: &Body<'a>) -> Option<&'a Expr> {
    let given = match body {
        Body::Expr(expr) => expr,
        Body::Block([Stmt::Return(given)], _) => given.arg.as_deref()?,
        Body::Block(..) => return None,
    };
    match bare(given) {
        Expr::Await(awaited) => Some(bare(&awaited.arg)),
        other => Some(other),
    }
}

/// The only expression of a function.
fn only<'a>(body: &Body<'a>) -> Option<&'a Expr> {
    match body {
        Body::Expr(expr) => Some(bare(expr)),
        Body::Block([Stmt::Expr(statement)], _) => Some(bare(&statement.expr)),
        Body::Block([Stmt::Return(given)], _) => Some(bare(given.arg.as_deref()?)),
        Body::Block(..) => None,
    }
}

/// Whether a callback that is given nothing, or no error, resolves the promise and does nothing else.
fn settles(next: &Function, resolve: &Id) -> bool {
    let error = match &next.params[..] {
        [] => None,
        [only] => match param_id(only) {
            Some(name) => Some(name),
            None => return false,
        },
        _ => return false,
    };
    let settling = Settling { error, resolve };
    match next.body {
        Body::Expr(expr) => settling.expr(expr) == Some(true),
        Body::Block(stmts, _) => settling.list(stmts) == Some(true),
    }
}

struct Settling<'s> {
    error: Option<Id>,
    resolve: &'s Id,
}

impl Settling<'_> {
    /// Whether something holds for errors only.
    fn of_errors(&self, test: &Expr) -> bool {
        let Some(error) = &self.error else {
            return false;
        };
        match bare(test) {
            Expr::Bin(test) => test.op == BinaryOp::InstanceOf && is(&test.left, error),
            other => is(other, error),
        }
    }

    fn expr(&self, expr: &Expr) -> Option<bool> {
        match bare(expr) {
            Expr::Cond(choice) if self.of_errors(&choice.test) => self.expr(&choice.alt),
            Expr::Call(call) => {
                let plain = |arg: &ExprOrSpread| match bare(&arg.expr) {
                    Expr::Ident(name) => name.sym == "undefined" || Some(id(name)) == self.error,
                    Expr::Lit(_) => true,
                    _ => false,
                };
                let resolves = is(call.callee.as_expr()?, self.resolve);
                (resolves && call.args.iter().all(plain)).then_some(true)
            }
            _ => None,
        }
    }

    /// `None` where anything else is done.
    fn list(&self, stmts: &[Stmt]) -> Option<bool> {
        for stmt in stmts {
            let settled = match stmt {
                Stmt::If(choice) if self.of_errors(&choice.test) => match choice.alt.as_deref() {
                    Some(other) => self.list(crate::syntax::statements(other))?,
                    None => false,
                },
                Stmt::Expr(statement) => self.expr(&statement.expr)?,
                Stmt::Return(given) => match given.arg.as_deref() {
                    Some(given) => self.expr(given)?,
                    None => return Some(false),
                },
                _ => return None,
            };
            if settled {
                return Some(true);
            }
        }
        Some(false)
    }
}

/// An awaited call of `cors`.
struct Call {
    /// The statement.
    statement: Range<usize>,
    /// The name of what is run; none where it is made in the call.
    name: Option<Id>,
    /// What it does.
    options: Result<Options, String>,
    /// The names of the request and the response.
    names: (String, String),
}

/// Finds the awaited calls of `cors` in functions that take the request and the response.
struct Calls<'c, 'r> {
    reading: &'c Reading<'r>,
    /// The request and the response of the function around it.
    inside: Option<(Id, Id)>,
    /// Whether a `finally` comes behind.
    finally: bool,
    found: Vec<Call>,
}

impl Calls<'_, '_> {
    fn inside(&mut self, params: &[&Pat], visit: impl FnOnce(&mut Self)) {
        let own = match params {
            [req, res, ..] => param_id(req).zip(param_id(res)),
            _ => None,
        };
        let outer = (
            std::mem::replace(&mut self.inside, own),
            std::mem::replace(&mut self.finally, false),
        );
        visit(self);
        (self.inside, self.finally) = outer;
    }

    fn call(&self, stmt: &Stmt) -> Option<Call> {
        let (req, res) = self.inside.as_ref().filter(|_| !self.finally)?;
        let Stmt::Expr(statement) = stmt else {
            return None;
        };
        let Expr::Await(awaited) = bare(&statement.expr) else {
            return None;
        };
        self.reading.steps.set(0);
        let (run, options, args) = match bare(&awaited.arg) {
            Expr::Call(call) => self.reading.run(call)?,
            promise => {
                let (middleware, args) = self.reading.promised(promise)?;
                match self.reading.expr(middleware)? {
                    Stands::Middleware(options) => (Some(middleware), options, args),
                    _ => return None,
                }
            }
        };
        let name = match run {
            Some(Expr::Ident(name)) => Some(id(name)),
            _ => None,
        };
        (is(args.0, req) && is(args.1, res)).then(|| Call {
            statement: self.reading.source.range(stmt),
            name,
            options,
            names: (req.0.to_string(), res.0.to_string()),
        })
    }
}

impl Visit for Calls<'_, '_> {
    fn visit_function(&mut self, node: &swc_core::ecma::ast::Function) {
        let params: Vec<&Pat> = node.params.iter().map(|param| &param.pat).collect();
        self.inside(&params, |calls| node.visit_children_with(calls));
    }
    fn visit_arrow_expr(&mut self, node: &ArrowExpr) {
        let params: Vec<&Pat> = node.params.iter().collect();
        self.inside(&params, |calls| node.visit_children_with(calls));
    }
    fn visit_try_stmt(&mut self, node: &TryStmt) {
        let outer = self.finally;
        self.finally |= node.finalizer.is_some();
        node.visit_children_with(self);
        self.finally = outer;
    }
    fn visit_stmts(&mut self, node: &[Stmt]) {
        for stmt in node {
            match self.call(stmt) {
                Some(call) => self.found.push(call),
                None => stmt.visit_with(self),
            }
        }
    }
}

/// A file with its calls of `cors` written out.
pub struct Written {
    /// Its text.
    pub text: String,
    /// The functions and constants that are written anew, with their statements as they were.
    pub originals: Vec<(String, String)>,
    /// What the file has for these calls: names that may be idle now.
    pub spared: Vec<String>,
    /// The first call.
    at: Range<usize>,
}

/// Whether a file may call `cors` or run it for others.
pub fn speaks_of_it(text: &str) -> bool {
    text.contains("cors") || text.contains("new Promise")
}

/// Writes the calls of `cors` in a file out; `None` where it has none, or exports none. `exported`
/// are the names that other files may call.
pub fn written(
    files: &dyn Files,
    source: &Source,
    exported: &BTreeSet<Id>,
) -> Option<Result<Written, Refusal>> {
    let steps = Cell::new(0);
    let reading = Reading::of(files, source, &steps);
    let mut calls = Calls {
        reading: &reading,
        inside: None,
        finally: false,
        found: Vec::new(),
    };
    source.module.visit_with(&mut calls);
    let calls = calls.found;
    let names = Names::of(source, &source.module).all;
    // What the file declares at its top.
    let mut own: Vec<(Id, Range<usize>)> = Vec::new();
    for item in source.items() {
        let mut bound = Vec::new();
        let declaration = match item {
            ModuleItem::Stmt(Stmt::Decl(declaration)) => Some(declaration),
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => Some(&export.decl),
            _ => None,
        };
        match declaration {
            Some(Decl::Fn(function)) => bound.push(id(&function.ident)),
            Some(Decl::Var(variables)) if variables.decls.len() == 1 => {
                crate::syntax::bound_names(&variables.decls[0].name, &mut bound);
            }
            _ => {}
        }
        own.extend(bound.into_iter().map(|name| (name, source.range(item))));
    }
    let mut edits = Edits::default();
    let mut found = Written {
        text: String::new(),
        originals: Vec::new(),
        spared: Vec::new(),
        at: calls.first().map_or(0..0, |call| call.statement.clone()),
    };
    let mut functions: BTreeSet<Id> = BTreeSet::new();
    for (name, statement) in &own {
        steps.set(0);
        let stands = match mentions_it(&source.text[statement.clone()]) {
            true => reading.name(name),
            false => None,
        };
        let options = match stands {
            Some(Stands::Middleware(options) | Stands::Bound(options)) => options,
            Some(_) => {
                found.spared.push(name.0.to_string());
                continue;
            }
            None => {
                if matches!(declared(source, name), Some((Expr::Object(_), _))) {
                    found.spared.push(name.0.to_string());
                }
                continue;
            }
        };
        found.spared.push(name.0.to_string());
        let here = calls.iter().filter(|call| call.name.as_ref() == Some(name));
        if let (false, 0 | 1) = (exported.contains(name), here.count()) {
            continue;
        }
        let (Ok(options), text) = (options, &source.text[statement.clone()]) else {
            continue;
        };
        let head = match text {
            _ if text.starts_with("export default ") => "export default ",
            _ if text.starts_with("export ") => "export ",
            _ => "",
        };
        functions.insert(name.clone());
        found.originals.push((name.0.to_string(), text.to_string()));
        edits.replace(statement.clone(), options.function(source, head, &name.0));
    }
    // Names that are written out twice might meet in one block.
    let mut declared = false;
    for call in calls {
        let at = &call.statement;
        let mut around = own.iter();
        let around = around.find(|(_, range)| range.start <= at.start && at.end <= range.end);
        if around.is_some_and(|(name, _)| functions.contains(name)) {
            continue;
        }
        let (req, res) = (&*call.names.0, &*call.names.1);
        let imported = |name: &&Id| reading.imports.contains_key(*name);
        let options = match call.options {
            Ok(options) => options,
            Err(why) => {
                let why = format!("cors: {why}");
                let refusal = refuse_at(source, Reason::UnsupportedLibrary, at.clone(), why);
                return Some(Err(refusal));
            }
        };
        let function = |name: &&Id| imported(name) || functions.contains(*name);
        let lines = match call.name.as_ref().filter(function) {
            Some(name) => {
                let semi = Style::of(source).semi;
                vec![format!("if ({}({req}, {res})) return{semi}", name.0)]
            }
            None => options.lines(source, (req, res), Place::Inside),
        };
        let declares = lines.iter().any(|line| line.starts_with("const "));
        if declares && std::mem::replace(&mut declared, true) {
            let why = "cors: called in two places of a file".to_string();
            let refusal = refuse_at(source, Reason::UnsupportedLibrary, at.clone(), why);
            return Some(Err(refusal));
        }
        let indent = indentation(&source.text, at.start);
        edits.replace(at.clone(), lines.join(&format!("\n{indent}")));
        if let Some((name, range)) = around
            && !found.originals.iter().any(|(known, _)| **known == *name.0)
        {
            let text = source.text[range.clone()].to_string();
            found.originals.push((name.0.to_string(), text));
        }
    }
    let used = |name: &Id| names.iter().filter(|(used, _)| used == name).count() > 1;
    found.spared.retain(|spared| {
        let mut own = own.iter();
        own.any(|(name, _)| *name.0 == **spared && used(name) && !exported.contains(name))
    });
    if edits.is_empty() {
        return None;
    }
    found.text = edits.render(&source.text, 0..source.text.len()).ok()?;
    Some(Ok(found))
}

/// Whether a statement may declare something for `cors`.
fn mentions_it(text: &str) -> bool {
    let words = ["ors", "Promise", "iddleware", "promisify"];
    words.iter().any(|word| text.contains(word))
}

/// An API file with its calls of `cors` written out; `None` where it has none.
pub fn as_handler(files: &dyn Files, source: &Source) -> Option<Result<AsHandler, Refusal>> {
    if !source.text.contains("await ") {
        return None;
    }
    let written = match written(files, source, &BTreeSet::new())? {
        Ok(written) => written,
        Err(refusal) => return Some(Err(refusal)),
    };
    let text = pruned(source, without(source, written.text, &written.spared));
    // Where the only import has gone, so does the empty line behind it.
    let text = text.trim_start_matches(['\n', '\r']);
    Some(Ok(AsHandler {
        text: Arc::from(text),
        at: written.at,
        spares: Vec::new(),
    }))
}

/// The text of a file without those of these functions and constants that nothing in it names.
pub fn without(before: &Source, text: String, spared: &[String]) -> String {
    let mut left = text;
    while let Ok(source) = Source::parse(&before.path, left.as_str().into()) {
        let names = Names::of(&source, &source.module).all;
        let idle = source.items().iter().find(|item| {
            let mut bound = Vec::new();
            match item {
                ModuleItem::Stmt(Stmt::Decl(Decl::Fn(function))) => bound.push(id(&function.ident)),
                ModuleItem::Stmt(Stmt::Decl(Decl::Var(variables))) => {
                    for declarator in &variables.decls {
                        crate::syntax::bound_names(&declarator.name, &mut bound);
                    }
                }
                _ => {}
            }
            matches!(&bound[..], [only] if spared.iter().any(|name| **name == *only.0)
                && names.iter().filter(|(used, _)| used == only).count() == 1)
        });
        let Some(idle) = idle else { break };
        let range = whole_lines(&source, &source.range(idle));
        left.replace_range(range, "");
    }
    left
}

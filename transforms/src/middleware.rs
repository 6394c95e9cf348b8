//! Middlewares: functions `(req, res, next)` of which each path either answers, throws, or calls
//! `next` at its end. In: a module. Out: its text with each middleware written as what it is
//! without the chain: a guard `(req, res)` that answers on some paths and gives back what it put on
//! the request on the others, or, when it calls `next` inside a `try`, a function that calls the
//! rest of the chain with the request. How such functions are read and carried over is known then.
//! A function of another shape stays as it is.
//!
//! Where `next()` is not awaited, what comes next fails without anybody knowing, and the request is
//! never answered. A guard is awaited, so that such an error reaches what answers errors.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::edit::Edits;
use crate::emit::style::Style;
use crate::facts::api_module::{ApiModule, Body, Function, param_id};
use crate::injected::{self, Held, Value};
use crate::source::Source;
use crate::syntax::{Id, bare, id, is_binding, method_call};
use crate::wrapping;

/// A middleware of a module, as it is written anew.
#[derive(Debug, Clone)]
pub struct Middleware {
    /// The name that binds it.
    pub name: String,
    /// What it puts on the request, in order. It gives back the value when it is one, and an object
    /// with all of them when they are more.
    pub puts: Vec<String>,
    /// Those that are not set on every path.
    pub optional: Vec<String>,
    /// What earlier ones put on the request and this one reads: its parameters behind the response.
    pub needs: Vec<String>,
    /// Whether it is given the rest of the chain, and calls it inside a `try`.
    pub around: bool,
    /// Whether all that it does around the rest of the chain is to catch its errors.
    pub catches: bool,
    /// Whether it is `async`.
    pub is_async: bool,
    /// How many functions stand around the one that takes the request.
    pub layers: usize,
    /// Its statement as it was.
    pub original: String,
}

impl Middleware {
    /// Whether it is given what it takes as it is written anew, and no `next`.
    pub fn takes(&self, args: &[ExprOrSpread]) -> bool {
        let functions = args.iter().filter(|arg| {
            let expr = bare(&arg.expr);
            matches!(expr, Expr::Arrow(_) | Expr::Fn(_))
        });
        let around = usize::from(self.around);
        args.len() == 2 + self.needs.len() + around && functions.count() == around
    }
}

/// Writes the middlewares of a module anew.
pub fn plain(module: &ApiModule, edits: &mut Edits) -> Vec<Middleware> {
    let mut found = Vec::new();
    for (name, function) in &module.functions {
        if let Some((middleware, own)) = rewrite(module.source, name, function) {
            edits.extend(own);
            found.push(middleware);
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The function that takes the request, and those around it, the outermost first.
pub fn innermost<'a>(
    source: &'a Source,
    function: &Function<'a>,
) -> (Vec<Function<'a>>, Function<'a>) {
    let mut layers = wrapping::layers(source, function);
    let last = layers.pop().unwrap_or_else(|| function.clone());
    (layers, last)
}

fn rewrite(source: &Source, name: &Id, function: &Function) -> Option<(Middleware, Edits)> {
    let (layers, inner) = innermost(source, function);
    let [req, res, next] = &inner.params[..] else {
        return None;
    };
    let (req, res, next) = (param_id(req)?, param_id(res)?, param_id(next)?);
    let Body::Block(stmts, _) = inner.body else {
        return None;
    };
    let names = injected::names(source, &inner.body);
    let uses = names.iter().filter(|(name, _)| *name == next).count();
    let mut walk = Walk {
        source,
        next: &next,
        res: &res,
        top: 0,
        passes: Vec::new(),
    };
    let ends = walk.list(stmts, true, false, true)?;
    // A path that neither answers nor passes on leaves the request open.
    if ends == Ends::Open || uses == 0 || walk.passes.len() != uses {
        return None;
    }
    let passes = walk.passes;
    let puts = injected::puts(source, stmts, &req).ok()?;
    let typescript = source.typescript();
    let typed = |name: &str, kind: &str| match typescript {
        true => format!("{name}: {kind}"),
        false => name.to_string(),
    };
    let mut list = vec![
        typed(&req.0, "NextApiRequest"),
        typed(&res.0, "NextApiResponse"),
    ];
    let mut middleware = Middleware {
        name: name.0.to_string(),
        puts: Vec::new(),
        optional: Vec::new(),
        needs: Vec::new(),
        around: passes.iter().any(|pass| pass.tried),
        catches: matches!(stmts, [Stmt::Try(attempt)]
        if matches!(&attempt.block.stmts[..], [only] if passes.iter().any(|pass| {
            pass.statement == source.range(only)
        }))),
        is_async: inner.is_async,
        layers: layers.len(),
        original: source.text[function.statement.clone()].to_string(),
    };
    let mut edits = Edits::default();
    let reads = injected::reads(source, &inner.body, &req);
    if middleware.around {
        let caught = |pass: &Pass| pass.awaited && pass.tried;
        if !puts.is_empty() || !reads.is_empty() || !passes.iter().all(caught) {
            return None;
        }
        for pass in &passes {
            let call = format!("{}({}, {})", next.0, req.0, res.0);
            edits.replace(pass.call.clone(), call);
        }
        list.push(typed(&next.0, "NextApiHandler"));
    } else {
        let declared = declared_type(&inner, function);
        let types = match declared {
            Some(kind) if typescript => injected::member_types(source, kind),
            _ => BTreeMap::new(),
        };
        let held = injected::variables(source, stmts, &puts, &types, &mut edits);
        let mut values: Vec<Value> = held.iter().map(Held::value).collect();
        let taken = injected::taken_names(source, &inner.body, &req);
        let taken: BTreeSet<String> = taken.into_iter().collect();
        for (name, place) in reads {
            match puts.iter().find(|put| put.name == name) {
                Some(put) if place.start < put.statement.end => return None,
                Some(_) => {}
                None if middleware.needs.contains(&name) => {}
                None => {
                    let kind = match types.get(&name) {
                        Some(kind) => kind.clone(),
                        None => member_type(source, declared, &name),
                    };
                    let variable = injected::free(&taken, &name);
                    list.push(typed(&variable, &kind));
                    values.push(Value {
                        name: name.clone(),
                        text: variable,
                    });
                    middleware.needs.push(name);
                }
            }
        }
        let instead = injected::read_instead(source, &inner.body, &req, &values).ok()?;
        for (range, text) in instead {
            edits.replace(range, text);
        }
        for pass in &passes {
            pass_on(source, pass, &held, &mut edits);
        }
        for held in held {
            let set = |pass: &Pass| held.always && held.readable(pass.top);
            if !passes.iter().all(set) {
                middleware.optional.push(held.name.clone());
            }
            middleware.puts.push(held.name);
        }
    }
    edits.replace(inner.list(source), format!("({})", list.join(", ")));
    let held = function.variable_type.map(|kind| source.range(kind));
    let returned = layers.iter().chain([&inner]);
    let returned = returned.filter_map(|layer| layer.return_type.clone());
    for range in returned.chain(held) {
        edits.delete(range);
    }
    Some((middleware, edits))
}

/// The type that the code says the request has: the parameter's, or the first argument of the
/// function's own (`Middleware<AuthedRequest>`).
fn declared_type<'a>(inner: &Function<'a>, function: &Function<'a>) -> Option<&'a TsType> {
    if let Some(Pat::Ident(binding)) = inner.params.first()
        && let Some(kind) = &binding.type_ann
    {
        return Some(&kind.type_ann);
    }
    match &*function.variable_type?.type_ann {
        TsType::TsTypeRef(kind) => Some(kind.type_params.as_ref()?.params.first()?),
        _ => None,
    }
}

/// The type of a member of the request.
fn member_type(source: &Source, declared: Option<&TsType>, name: &str) -> String {
    match declared {
        Some(TsType::TsTypeRef(kind)) if source.text_of(kind) != "NextApiRequest" => {
            let key = Style::of(source).string(name);
            format!("{}[{key}]", source.text_of(kind))
        }
        _ => "any".to_string(),
    }
}

/// Writes the end of a path that passes on: it gives back what was put on the request.
fn pass_on(source: &Source, pass: &Pass, held: &[Held], edits: &mut Edits) {
    let semi = Style::of(source).semi;
    let readable = |held: &&Held| held.readable(pass.top);
    let text = match held {
        [] if pass.last => {
            let mut whole = injected::own_line(source, &pass.statement);
            // The last line goes with the white space in front of it.
            let before = source.text[..whole.start].trim_end().len();
            whole.start = source.text[before..]
                .find('\n')
                .map_or(before, |at| before + at + 1);
            return edits.delete(whole);
        }
        [] => format!("return{semi}"),
        [one] => match readable(&one) {
            true => format!("return {}{semi}", one.variable),
            false => format!("return undefined{semi}"),
        },
        several => {
            let parts: Vec<String> = several
                .iter()
                .filter(readable)
                .map(|held| match held.name == held.variable {
                    true => held.name.clone(),
                    false => format!("{}: {}", held.name, held.variable),
                })
                .collect();
            match parts.is_empty() {
                true => format!("return {{}}{semi}"),
                false => format!("return {{ {} }}{semi}", parts.join(", ")),
            }
        }
    };
    edits.replace(pass.statement.clone(), text);
    if let Some(jump) = &pass.jump {
        edits.delete(injected::own_line(source, jump));
    }
}

/// A call of `next`.
struct Pass {
    /// The whole statement.
    statement: Range<usize>,
    /// The call.
    call: Range<usize>,
    /// Whether it is awaited or returned.
    awaited: bool,
    /// Whether a `catch` stands around it.
    tried: bool,
    /// Whether it ends the function's own statements.
    last: bool,
    /// The `return` behind it.
    jump: Option<Range<usize>>,
    /// Which of the function's own statements it stands in.
    top: usize,
}

/// How control leaves statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// At their end, with nothing answered or passed on.
    Open,
    /// At their end, behind an answer.
    Replied,
    /// Nowhere: every path has ended.
    Closed,
}

struct Walk<'w> {
    source: &'w Source,
    next: &'w Id,
    res: &'w Id,
    top: usize,
    passes: Vec<Pass>,
}

impl Walk<'_> {
    /// Walks statements; `None` where `next` is called with more to come, or a path leaves open
    /// whether it answers.
    fn list(&mut self, stmts: &[Stmt], tail: bool, tried: bool, own: bool) -> Option<Ends> {
        let mut ends = Ends::Open;
        for (at, stmt) in stmts.iter().enumerate() {
            if own {
                self.top = at;
            }
            let rest = &stmts[at + 1..];
            let jump = match rest.first() {
                Some(Stmt::Return(jump)) if jump.arg.is_none() => Some(self.source.range(jump)),
                _ => None,
            };
            let last = tail && rest.is_empty();
            let ends_here = last || jump.is_some();
            ends = match stmt {
                Stmt::Return(statement) => match statement.arg.as_deref() {
                    None if ends == Ends::Replied => Ends::Closed,
                    None => return None,
                    Some(arg) if self.passes_on(arg).is_some() => {
                        let last = own && rest.is_empty();
                        self.pass(stmt, arg, true, tried, last, None)?;
                        Ends::Closed
                    }
                    Some(arg) if self.replies(arg) => Ends::Closed,
                    Some(_) => return None,
                },
                Stmt::Throw(_) => Ends::Closed,
                Stmt::Expr(statement) => {
                    if self.passes_on(&statement.expr).is_some() {
                        if !ends_here {
                            return None;
                        }
                        let last = own && rest.is_empty();
                        self.pass(stmt, &statement.expr, false, tried, last, jump.clone())?;
                        if jump.is_some() {
                            return Some(Ends::Closed);
                        }
                        Ends::Closed
                    } else if self.replies(&statement.expr) {
                        Ends::Replied
                    } else {
                        ends
                    }
                }
                Stmt::If(branch) => {
                    let inner = tail && rest.is_empty();
                    let cons = crate::syntax::statements(&branch.cons);
                    let first = self.list(cons, inner, tried, false)?;
                    let second = match branch.alt.as_deref() {
                        Some(alt) => {
                            self.list(crate::syntax::statements(alt), inner, tried, false)?
                        }
                        None => Ends::Open,
                    };
                    join(first, second)?
                }
                Stmt::Block(block) => self.list(&block.stmts, last, tried, false)?,
                Stmt::Try(attempt) => {
                    if attempt.finalizer.is_some() {
                        return None;
                    }
                    let caught = attempt.handler.is_some();
                    let block = self.list(&attempt.block.stmts, last, tried || caught, false)?;
                    match &attempt.handler {
                        Some(handler) => {
                            join(block, self.list(&handler.body.stmts, last, tried, false)?)?
                        }
                        None => block,
                    }
                }
                // A way out of these is not looked for.
                other if returns(other) => return None,
                _ => ends,
            };
        }
        Some(ends)
    }

    /// The call of `next`, when an expression is one.
    fn passes_on<'e>(&self, expr: &'e Expr) -> Option<&'e CallExpr> {
        let call = match bare(expr) {
            Expr::Await(inner) => bare(&inner.arg),
            Expr::Unary(UnaryExpr {
                op: UnaryOp::Void,
                arg,
                ..
            }) => bare(arg),
            other => other,
        };
        let Expr::Call(call) = call else { return None };
        let callee = call.callee.as_expr()?;
        (is_binding(callee, self.next) && call.args.is_empty()).then_some(call)
    }

    fn pass(
        &mut self,
        stmt: &Stmt,
        expr: &Expr,
        returned: bool,
        tried: bool,
        last: bool,
        jump: Option<Range<usize>>,
    ) -> Option<()> {
        let call = self.source.range(self.passes_on(expr)?);
        let awaited = matches!(bare(expr), Expr::Await(_));
        self.passes.push(Pass {
            statement: self.source.range(stmt),
            call,
            // What is returned without being awaited is not caught by a `try` around it.
            awaited: awaited || returned && !tried,
            tried,
            last,
            jump,
            top: self.top,
        });
        Some(())
    }

    /// Whether an expression answers: a chain on the response, or a call that is given it.
    fn replies(&self, expr: &Expr) -> bool {
        let call = match bare(expr) {
            Expr::Await(inner) => bare(&inner.arg),
            Expr::Unary(UnaryExpr {
                op: UnaryOp::Void,
                arg,
                ..
            }) => bare(arg),
            other => other,
        };
        if let Expr::Call(call) = call
            && call.args.iter().any(|arg| is_binding(&arg.expr, self.res))
        {
            return true;
        }
        let mut root = call;
        let mut answers = false;
        while let Some((object, name, _)) = method_call(root) {
            answers |= matches!(name.as_str(), "json" | "send" | "end" | "redirect");
            root = bare(object);
        }
        answers && matches!(root, Expr::Ident(name) if id(name) == *self.res)
    }
}

/// Whether a statement may end the function around it.
fn returns(stmt: &Stmt) -> bool {
    struct Returns(bool);
    impl Visit for Returns {
        fn visit_return_stmt(&mut self, _: &ReturnStmt) {
            self.0 = true;
        }
        fn visit_function(&mut self, _: &swc_core::ecma::ast::Function) {}
        fn visit_arrow_expr(&mut self, _: &ArrowExpr) {}
    }
    let mut finder = Returns(false);
    stmt.visit_with(&mut finder);
    finder.0
}

/// How control leaves two branches together; `None` where one has answered and the other goes on.
fn join(first: Ends, second: Ends) -> Option<Ends> {
    match (first, second) {
        (Ends::Closed, other) | (other, Ends::Closed) => Some(other),
        (one, other) if one == other => Some(one),
        _ => None,
    }
}

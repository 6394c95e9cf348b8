//! Answers in node-style callbacks: `read(path, (error, text) => res.json(text))`. In: a call whose
//! last argument is a function that takes an error first and answers. Out: the answers as what
//! settles a promise, and that the statement gives back this promise.
//!
//! What runs when stays as it was: the callback is called by the same code, an error that it throws
//! goes where it went, and a path on which it does not answer leaves the request hanging. Where the
//! call is awaited or returned, the errors of what it gives stay the handler's.
//!
//! Where the code makes the promise by itself, `await new Promise((resolve) => …)`, each answer and the
//! `resolve()` behind it become one.
//!
//! Listeners of events, and functions that are called for each of several values, are none.

use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::{Next, Reader};
use crate::facts::api_module::{self, Body, Function, param_id};
use crate::facts::effect::{Kind, ReplyForm};
use crate::reason::Reason;
use crate::syntax::{Id, Names, bare, function_call, id, is_binding, method_call};

/// Methods whose function is no node-style callback, whatever its parameter is called.
const OTHERS: &[&str] = &[
    "addEventListener",
    "addListener",
    "catch",
    "every",
    "filter",
    "finally",
    "find",
    "flatMap",
    "forEach",
    "map",
    "on",
    "once",
    "some",
    "then",
];

/// Whether a member of the response is used.
struct Members<'r> {
    res: &'r Id,
    found: bool,
}

impl Visit for Members<'_> {
    fn visit_member_expr(&mut self, node: &MemberExpr) {
        self.found |= is_binding(&node.obj, self.res);
        node.visit_children_with(self);
    }
}

impl<'a: 'm, 'm> Reader<'a, 'm> {
    /// A call that is given a callback which answers; whether it was one.
    pub(super) fn callback_reply(
        &mut self,
        expr: &'a Expr,
        form: &ReplyForm,
        whole: &Range<usize>,
    ) -> bool {
        let Some((function, start)) = self.answering_callback(expr) else {
            return false;
        };
        let call = self.source.range(expr);
        let outermost = !self.settles;
        let statement = match form {
            ReplyForm::Bare(start) => *start..whole.end,
            ReplyForm::Settles(start) => *start..whole.end,
            ReplyForm::Returned => {
                let before = self.source.text[..whole.start].trim_end();
                match before.strip_suffix("return") {
                    Some(before) => before.len()..whole.end,
                    None => return false,
                }
            }
        };
        let awaited = self.source.text[whole.clone()].starts_with("await");
        let waited = awaited || matches!(form, ReplyForm::Returned);
        // What is returned from a `try` without `await` is caught only where it is thrown at once.
        if outermost && waited && !awaited && self.tries > 0 {
            return false;
        }
        self.callbacks.push(start);
        self.scan(expr);
        self.settling(|reader| match function.body {
            Body::Block(stmts, _) => {
                reader.list(stmts, Next::End, false);
            }
            Body::Expr(value) => {
                if !reader.reply_expr(value, ReplyForm::Returned) {
                    reader.scan(value);
                }
            }
        });
        if outermost {
            let rest = &self.source.text[statement.end..];
            let white = rest.len() - rest.trim_start().len();
            let semicolon = rest.trim_start().starts_with(';');
            let end = statement.end + if semicolon { white + 1 } else { 0 };
            let statement = statement.start..end;
            let at = call.start..call.start;
            let kind = Kind::ReplyCallback {
                statement,
                call,
                waited,
            };
            self.effect(at, kind);
        }
        true
    }

    /// `new Promise((resolve) => …)` that is awaited or returned and in which the answers are given,
    /// each with a `resolve()` behind it; whether it was that.
    pub(super) fn promise_callback_reply(
        &mut self,
        expr: &'a Expr,
        form: &ReplyForm,
        whole: &Range<usize>,
    ) -> bool {
        let Expr::New(new) = expr else { return false };
        let Some([executor]) = new.args.as_deref() else {
            return false;
        };
        let known = matches!(bare(&new.callee), Expr::Ident(name) if name.sym == "Promise" && self.source.is_global(name));
        let made = self.source.range(expr);
        let awaited = self.source.text[whole.clone()].starts_with("await");
        let waited = awaited || *form == ReplyForm::Returned;
        let answers = self.res.as_ref().is_some_and(|res| {
            let mut members = Members { res, found: false };
            executor.expr.visit_with(&mut members);
            members.found
        });
        if self.settles || !known || !waited || !answers {
            return false;
        }
        let at = self.source.range(&executor.expr);
        let function = api_module::from_expr(self.source, None, &executor.expr, at.clone());
        let Some(function) = function else {
            return false;
        };
        let (Some(Pat::Ident(resolve)), Body::Block(stmts, _)) =
            (function.params.first(), function.body)
        else {
            return false;
        };
        let resolve = id(&resolve.id);
        self.resolve = Some(resolve.clone());
        self.reject = function.params.get(1).and_then(|pat| param_id(pat));
        self.settling(|reader| {
            reader.list(stmts, Next::End, false);
        });
        (self.resolve, self.reject) = (None, None);
        let gone = |at: &Range<usize>| {
            let mut dropped = self.out.dropped.iter();
            dropped.any(|gone| gone.start <= at.start && at.end <= gone.end)
        };
        let names = Names::of(self.source, &*executor.expr).all;
        let uses = names
            .iter()
            .filter(|(name, at)| *name == resolve && !gone(at));
        // The parameter itself is one.
        if uses.count() > 1 {
            let why = format!("{} is called without an answer before it", resolve.0);
            self.refuse(Reason::ReplyInCallback, expr, why);
        }
        let callee = self.source.range(&new.callee).end;
        let list = self.source.text[callee..at.start].rfind('(').unwrap_or(0);
        let bare = match form {
            ReplyForm::Bare(start) => Some(*start),
            _ => None,
        };
        let kind = Kind::ReplyPromise {
            bare,
            made: made.clone(),
            types: callee..callee + list,
            resolve: resolve.0.to_string(),
        };
        self.effect(made.start..made.start, kind);
        true
    }

    /// Whether a statement only calls what settles the promise of the code, with what nobody reads,
    /// and whether it returns.
    pub(super) fn settles_empty(&self, stmt: &Stmt) -> Option<bool> {
        let resolve = self.resolve.as_ref()?;
        let (expr, returns) = match stmt {
            Stmt::Expr(statement) => (&*statement.expr, false),
            Stmt::Return(statement) => (statement.arg.as_deref()?, true),
            _ => return None,
        };
        let (name, args) = function_call(expr)?;
        let idle = |arg: &ExprOrSpread| matches!(bare(&arg.expr), Expr::Ident(_) | Expr::Lit(_));
        (id(name) == *resolve && args.iter().all(idle)).then_some(returns)
    }

    /// Whether a statement makes the promise of the code fail.
    pub(super) fn rejects(&self, stmt: &Stmt) -> bool {
        let (Some(reject), Stmt::Expr(statement)) = (&self.reject, stmt) else {
            return false;
        };
        function_call(&statement.expr).is_some_and(|(name, _)| id(name) == *reject)
    }

    /// Drops a `resolve()` behind an answer; `last` says that nothing runs behind it.
    pub(super) fn drop_settling(&mut self, stmt: &Stmt, last: bool) {
        let range = self.source.range(stmt);
        let range = match stmt {
            Stmt::Return(statement) if !last => match statement.arg.as_deref() {
                Some(arg) => range.start + "return".len()..self.source.range(arg).end,
                None => return,
            },
            _ => range,
        };
        self.out.dropped.push(range);
    }

    /// Reads code in which answers settle a promise.
    fn settling(&mut self, read: impl FnOnce(&mut Self)) {
        let outer = (
            std::mem::replace(&mut self.settles, true),
            std::mem::take(&mut self.tries),
            self.before.clone(),
            std::mem::take(&mut self.out.exits),
            self.out.falls,
            self.out.gives,
            self.out.leaks,
            self.out.leaks_status,
        );
        read(self);
        (
            self.settles,
            self.tries,
            self.before,
            self.out.exits,
            self.out.falls,
            self.out.gives,
            self.out.leaks,
            self.out.leaks_status,
        ) = outer;
        self.out.replies = true;
    }

    /// The callback of a call that is given one which answers, and where it starts.
    fn answering_callback(&self, expr: &'a Expr) -> Option<(Function<'a>, usize)> {
        let Expr::Call(call) = expr else { return None };
        let callee = bare(call.callee.as_expr()?);
        let (last, others) = call.args.split_last()?;
        let elsewhere = self.mentions_res(callee)
            || others.iter().any(|arg| self.mentions_res(&arg.expr))
            || last.spread.is_some();
        if elsewhere || !self.mentions_res(&last.expr) {
            return None;
        }
        if let Some((_, name, _)) = method_call(expr)
            && OTHERS.contains(&&*name)
        {
            return None;
        }
        let range = self.source.range(&last.expr);
        let start = range.start;
        let function = api_module::from_expr(self.source, None, &last.expr, range)?;
        let Pat::Ident(error) = function.params.first()? else {
            return None;
        };
        let name = error.id.sym.trim_start_matches('_').to_ascii_lowercase();
        let known = matches!(&*name, "e" | "ex" | "exception");
        let known = known || name.ends_with("err") || name.ends_with("error");
        known.then_some((function, start))
    }

    /// How an answer stands in the code: in a callback, it settles the promise.
    pub(super) fn form_here(&self, form: ReplyForm, whole: &Range<usize>) -> ReplyForm {
        if !self.settles {
            return form;
        }
        match form {
            ReplyForm::Bare(start) | ReplyForm::Settles(start) => ReplyForm::Settles(start),
            ReplyForm::Returned => {
                let before = self.source.text[..whole.start].trim_end();
                let start = before.strip_suffix("return").map(str::len);
                ReplyForm::Settles(start.unwrap_or(whole.start))
            }
        }
    }
}

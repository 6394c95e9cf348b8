//! Answers in node-style callbacks: `read(path, (error, text) => res.json(text))`. In: a call whose
//! last argument is a function that takes an error first and answers. Out: the answers as what
//! settles a promise, and that the statement gives back this promise.
//!
//! What runs when stays as it was: the callback is called by the same code, an error that it throws
//! goes where it went, and a path on which it does not answer leaves the request hanging. Where the
//! call is awaited or returned, the errors of what it gives stay the handler's.
//!
//! Listeners of events, and functions that are called for each of several values, are none.

use std::ops::Range;

use swc_core::ecma::ast::*;

use super::{Next, Reader};
use crate::facts::api_module::{self, Body, Function};
use crate::facts::effect::{Kind, ReplyForm};
use crate::syntax::{bare, method_call};

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
        let awaited = *whole != call;
        let waited = awaited || matches!(form, ReplyForm::Returned);
        // What is returned from a `try` without `await` is caught only where it is thrown at once.
        if outermost && waited && !awaited && self.tries > 0 {
            return false;
        }
        self.callbacks.push(start);
        self.scan(expr);
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
        match function.body {
            Body::Block(stmts, _) => {
                self.list(stmts, Next::End, false);
            }
            Body::Expr(value) => {
                if !self.reply_expr(value, ReplyForm::Returned) {
                    self.scan(value);
                }
            }
        }
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

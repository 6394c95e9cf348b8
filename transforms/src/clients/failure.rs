//! What becomes of the error of a client that rejects where the answer is no success. In: such a call, with
//! what is chained to it and the `try` around it. Out: where the call site can throw instead, once it calls
//! an action that gives back `{ ok, status }`, and who sees the error. Refused, with the place: an error that is
//! looked at more closely than by its message, and a call with no place to throw. The message of an answer is kept;
//! that of a connection that fails is the browser's own.

use std::collections::HashMap;
use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::context::{Context, Frame};
use super::init::Refused;
use super::request::{Chain, Step};
use super::walk::Walk;
use crate::facts::call::{Failure, Throws};
use crate::source::Source;
use crate::syntax::{bare, id};

/// Who sees an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nobody, or the console.
    Logged,
    /// Somebody reads its message.
    Message,
    /// It is handed on.
    HandedOn,
    /// Somebody reads what only the client's own error has.
    Client(Range<usize>),
}

impl Seen {
    fn and(self, other: Seen) -> Seen {
        let rank = |seen: &Seen| match seen {
            Seen::Logged => 0,
            Seen::Message => 1,
            Seen::HandedOn => 2,
            Seen::Client(_) => 3,
        };
        if rank(&other) > rank(&self) {
            other
        } else {
            self
        }
    }
}

/// Reads what becomes of the error of a call.
pub(super) fn failure(walk: &Walk<'_>, chain: &Chain<'_>) -> Result<Failure, Refused> {
    let source = walk.source;
    let seen = match seen(walk, chain) {
        Seen::Client(range) => {
            return Err((
                range,
                "more of the error than its message may be read".into(),
            ));
        }
        Seen::HandedOn => {
            if let Some(place) = &walk.axios.errors {
                let words = format!(
                    "the error is handed on, and {place} reads more than the message of one"
                );
                return Err((chain.range.clone(), words));
            }
            true
        }
        Seen::Message => true,
        Seen::Logged => false,
    };
    let types = chain.call.type_args.as_deref();
    let data = types.and_then(|types| types.params.first());
    let data = data.filter(|kind| !matches!(&***kind, TsType::TsKeywordType(kind) if kind.kind == TsKeywordTypeKind::TsAnyKeyword));
    Ok(Failure {
        throws: throws(walk, chain)?,
        seen,
        data: data.map(|kind| source.range(&**kind)),
    })
}

/// Who sees the error: the first `.catch(…)` of the chain, the `try` around it, or whoever gets the promise.
fn seen(walk: &Walk<'_>, chain: &Chain<'_>) -> Seen {
    for step in &chain.steps {
        match step {
            Step::Call {
                name: "catch",
                args,
                ..
            } => {
                return match args.first() {
                    Some(callback) => called(walk.source, &callback.expr),
                    None => Seen::HandedOn,
                };
            }
            Step::Call {
                name: "then", args, ..
            } if args.len() > 1 => {
                return called(walk.source, &args[1].expr);
            }
            Step::Await(_) => return around(walk),
            _ => {}
        }
    }
    match Context(&walk.frames).use_of() {
        Some(Frame::Statement) => Seen::Logged,
        Some(Frame::Await) => around(walk),
        _ => Seen::HandedOn,
    }
}

fn around(walk: &Walk<'_>) -> Seen {
    walk.tries.last().cloned().unwrap_or(Seen::HandedOn)
}

/// What a function does with the error that it is given.
fn called(source: &Source, callback: &Expr) -> Seen {
    match bare(callback) {
        Expr::Arrow(arrow) => match arrow.params.first() {
            None => Seen::Logged,
            Some(parameter) => looks(source, parameter, &*arrow.body),
        },
        Expr::Fn(function) => match (function.function.params.first(), &function.function.body) {
            (Some(parameter), Some(body)) => looks(source, &parameter.pat, body),
            _ => Seen::Logged,
        },
        Expr::Member(member) => match &*member.obj {
            Expr::Ident(name) if name.sym == *"console" && source.is_global(name) => Seen::Logged,
            _ => Seen::Client(source.range(callback)),
        },
        _ => Seen::Client(source.range(callback)),
    }
}

/// What a `catch` block does with the error.
pub(super) fn caught(source: &Source, clause: &CatchClause) -> Seen {
    match &clause.param {
        None => Seen::Logged,
        Some(parameter) => looks(source, parameter, &clause.body),
    }
}

fn looks<B>(source: &Source, parameter: &Pat, body: &B) -> Seen
where
    B: for<'v> VisitWith<Looks<'v>>,
{
    let name = match parameter {
        Pat::Ident(name) => &name.id,
        Pat::Object(pattern) => {
            let message = |property: &ObjectPatProp| matches!(property, ObjectPatProp::Assign(name) if name.key.id.sym == *"message");
            return match pattern.props.iter().all(message) {
                true => Seen::Message,
                false => Seen::Client(source.range(parameter)),
            };
        }
        _ => return Seen::Client(source.range(parameter)),
    };
    let mut looks = Looks {
        source,
        name: id(name),
        seen: Seen::Logged,
    };
    body.visit_with(&mut looks);
    looks.seen
}

/// Looks at every use of an error.
struct Looks<'s> {
    source: &'s Source,
    name: crate::syntax::Id,
    seen: Seen,
}

impl Looks<'_> {
    fn is(&self, expr: &Expr) -> bool {
        matches!(bare(expr), Expr::Ident(name) if id(name) == self.name)
    }

    fn see(&mut self, seen: Seen) {
        let before = std::mem::replace(&mut self.seen, Seen::Logged);
        self.seen = before.and(seen);
    }

    /// Visits the arguments of a call that does nothing but log them.
    fn logged(&mut self, args: &[ExprOrSpread]) {
        for argument in args {
            if !self.is(&argument.expr) {
                argument.visit_with(self);
            }
        }
    }
}

impl Visit for Looks<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        if self.is(expr) {
            return self.see(Seen::HandedOn);
        }
        let client = Seen::Client(self.source.range(expr));
        if let Some((object, name)) = crate::syntax::member(expr)
            && self.is(object)
        {
            return self.see(if name == "message" {
                Seen::Message
            } else {
                client
            });
        }
        match expr {
            Expr::Call(call) => {
                let callee = call.callee.as_expr().map(|callee| bare(callee));
                let given = call.args.iter().any(|argument| self.is(&argument.expr));
                match callee {
                    Some(Expr::Member(member)) if matches!(&*member.obj, Expr::Ident(name) if name.sym == *"console") =>
                    {
                        return self.logged(&call.args);
                    }
                    Some(Expr::Member(member))
                        if given
                            && (member.prop.is_ident_with("isAxiosError")
                                || member.prop.is_ident_with("stringify")) =>
                    {
                        return self.see(client);
                    }
                    Some(Expr::Ident(name))
                        if given && matches!(&*name.sym, "isAxiosError" | "String") =>
                    {
                        return self.see(client);
                    }
                    // What another function reads of it is not looked for.
                    _ if given => return self.see(client),
                    _ => {}
                }
                expr.visit_children_with(self);
            }
            Expr::Bin(binary) if binary.op == BinaryOp::InstanceOf && self.is(&binary.left) => {
                self.see(match bare(&binary.right) {
                    Expr::Ident(name) if name.sym == *"Error" => Seen::Message,
                    _ => client,
                });
            }
            // The error in words starts with the name of its class.
            Expr::Tpl(template) if template.exprs.iter().any(|part| self.is(part)) => {
                self.see(client);
            }
            Expr::Bin(binary) if self.is(&binary.left) || self.is(&binary.right) => {
                let or = matches!(
                    binary.op,
                    BinaryOp::LogicalAnd | BinaryOp::LogicalOr | BinaryOp::NullishCoalescing
                );
                match or {
                    true => expr.visit_children_with(self),
                    false => self.see(client),
                }
            }
            _ => expr.visit_children_with(self),
        }
    }

    fn visit_prop(&mut self, prop: &Prop) {
        if let Prop::Shorthand(name) = prop
            && id(name) == self.name
        {
            self.see(Seen::HandedOn);
        }
        prop.visit_children_with(self);
    }

    fn visit_var_declarator(&mut self, declarator: &VarDeclarator) {
        // `const { response } = error`, and a name for it that has a type.
        if let Some(value) = &declarator.init
            && self.is(value)
        {
            return self.see(Seen::Client(self.source.range(declarator)));
        }
        declarator.visit_children_with(self);
    }

    fn visit_ts_type(&mut self, _: &TsType) {}
}

/// Where the call site can throw.
fn throws(walk: &Walk<'_>, chain: &Chain<'_>) -> Result<Throws, Refused> {
    let source = walk.source;
    let refuse = |words: &str| Err((chain.range.clone(), words.to_string()));
    let mut links = chain
        .steps
        .iter()
        .filter(|step| !matches!(step, Step::NonNull));
    let first = links.next();
    let name = || free_name(walk, true);
    // A function has names of its own.
    let own_name = || free_name(walk, false);
    match first {
        Some(Step::Call {
            name: "then", args, ..
        }) => match args {
            [callback] if callback.spread.is_none() => Ok(in_callback(source, &callback.expr)
                .map_or_else(
                    || Throws::Link { name: own_name() },
                    |find| find(own_name()),
                )),
            _ => refuse("then() takes two callbacks"),
        },
        Some(Step::Call {
            name: "catch" | "finally",
            ..
        }) => Ok(Throws::Link { name: own_name() }),
        Some(Step::Await(value)) => {
            if *value != chain.range {
                return refuse("the call stands inside an expression");
            }
            let Some(statement) = walk.own_statement() else {
                return refuse("the call stands where no statement can follow");
            };
            let named = matches!(Context(&walk.frames).use_of(), Some(Frame::Declared(declared)) if declared.pattern.is_none());
            if walk.in_case() && !named {
                return refuse("the call stands in a case without a block");
            }
            match Context(&walk.frames).use_of() {
                Some(Frame::Statement) if statement.start == value.start => Ok(Throws::Statement {
                    statement,
                    name: name(),
                }),
                Some(Frame::Declared(declared))
                    if declared.alone && !declared.exported && declared.statement == statement =>
                {
                    Ok(match &declared.pattern {
                        Some(pattern) => Throws::Pattern {
                            statement,
                            pattern: pattern.clone(),
                            value: value.clone(),
                            name: name(),
                        },
                        None => Throws::Declaration { statement },
                    })
                }
                _ => refuse("the call stands inside an expression"),
            }
        }
        None => match Context(&walk.frames).use_of() {
            Some(Frame::Statement | Frame::ArrowBody) => Ok(Throws::Link { name: own_name() }),
            _ => refuse("the promise of the response is handed on"),
        },
        Some(_) => refuse("the call stands inside an expression"),
    }
}

/// The callback of `.then(…)`, where it is written out.
fn in_callback<'s>(
    source: &'s Source,
    callback: &'s Expr,
) -> Option<impl FnOnce(String) -> Throws + use<'s>> {
    let ranges = |stmts: &[Stmt]| stmts.iter().map(|stmt| source.range(stmt)).collect();
    type Block = Option<Vec<Range<usize>>>;
    let (parameter, body, block): (Option<&Pat>, Range<usize>, Block) = match callback {
        Expr::Arrow(arrow) => {
            let block = match &*arrow.body {
                ArrowFunctionBody::FunctionBody(body) => Some(ranges(&body.stmts)),
                ArrowFunctionBody::Expr(_) => None,
            };
            if arrow.params.len() > 1 {
                return None;
            }
            (arrow.params.first(), source.range(&*arrow.body), block)
        }
        Expr::Fn(function) => {
            let of = &function.function;
            if of.params.len() > 1 {
                return None;
            }
            let parameter = of.params.first().map(|parameter| &parameter.pat);
            let body = of.body.as_ref()?;
            (parameter, source.range(body), Some(ranges(&body.stmts)))
        }
        _ => return None,
    };
    let start = source.range(callback).start;
    let (range, pattern, named) = match parameter {
        None => {
            let at = start + source.text[start..body.start].find("()")?;
            (at..at + 2, false, None)
        }
        Some(Pat::Ident(name)) => (source.range(&name.id), false, Some(name.id.sym.to_string())),
        Some(pattern @ Pat::Object(_)) => (source.range(pattern), true, None),
        Some(_) => return None,
    };
    Some(move |free: String| Throws::Callback {
        parameter: range,
        pattern,
        body,
        block,
        named: named.is_some(),
        name: named.unwrap_or(free),
    })
}

/// A name for the answer that the file does not use, and no other call of the same block gets, when it is
/// to stand there.
fn free_name(walk: &Walk<'_>, in_block: bool) -> String {
    let mut taken = walk.given.borrow_mut();
    let taken: &mut HashMap<usize, usize> = &mut taken;
    let used = |name: &str| {
        let text = &walk.source.text;
        let part = |char: char| char.is_alphanumeric() || matches!(char, '_' | '$');
        text.match_indices(name).any(|(at, _)| {
            !text[..at].ends_with(part) && !text[at + name.len()..].starts_with(part)
        })
    };
    let names = ["result", "response", "answer", "outcome"].map(String::from);
    let numbered = (2..).map(|number| format!("result{number}"));
    let free = names.into_iter().chain(numbered).filter(|name| !used(name));
    let mut free = free.into_iter();
    if !in_block {
        return free.next().unwrap_or_default();
    }
    let index = taken.entry(walk.block()).or_default();
    *index += 1;
    free.nth(*index - 1).unwrap_or_default()
}

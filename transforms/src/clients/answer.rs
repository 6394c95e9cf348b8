//! How the answer of a client is read, right at the call. In: the chain behind the call and where it
//! stands. Out: the response's name, whose uses [`super::response`] follows, or the reads themselves.
//! Refused: a response, or its promise, that goes elsewhere.

use std::ops::Range;

use swc_core::ecma::ast::{
    ArrowFunctionBody, Callee, Expr, ExprOrSpread, Id, ObjectPat, ObjectPatProp, Pat, PropName,
    Stmt,
};

use super::context::{Context, Frame};
use super::init::Refused;
use super::request::{Chain, Step, method};
use super::walk::Walk;
use crate::facts::call::{Answer, Binding, Call, Named, Read, ReadKind};
use crate::source::Source;

/// How the response is read, and the name under which it goes on.
pub(super) fn answer(
    walk: &Walk<'_>,
    chain: &Chain<'_>,
    rejects: bool,
    call: &mut Call,
) -> Result<(Answer, Option<Id>), Refused> {
    let source = walk.source;
    let whole = source.range(chain.call);
    let mut end = whole.end;
    // The response itself, once the promise was awaited.
    let mut awaited = false;
    let mut marks = Vec::new();
    let mut inner = whole.clone();
    for (index, step) in chain.steps.iter().enumerate() {
        match step {
            Step::NonNull => {}
            Step::Paren(range) => inner = range.clone(),
            Step::Await(range) => {
                awaited = true;
                inner = range.clone();
            }
            Step::Call {
                name: "then",
                range,
                args,
                ..
            } if !awaited => {
                let link = end..range.end;
                return then(walk, args, link, marks, rejects, call);
            }
            Step::Call {
                name: "catch",
                range,
                ..
            } if !awaited => {
                // What the callback returns may stand in for the response.
                marks.push(Read {
                    kind: ReadKind::Presence,
                    range: range.clone(),
                    optional: false,
                });
                end = range.end;
            }
            Step::Call {
                name: "finally",
                range,
                ..
            } if !awaited => end = range.end,
            Step::Call {
                name: "json",
                range,
                optional: false,
                ..
            } if awaited && marks.is_empty() && !rejects => {
                call.reads.json = true;
                call.reads.error_body = true;
                let rest = &chain.steps[index + 1..];
                if rest.iter().any(|step| {
                    matches!(
                        step,
                        Step::Call {
                            name: "catch" | "then",
                            ..
                        }
                    )
                }) {
                    return Err((
                        range.clone(),
                        "the promise of the JSON goes elsewhere".into(),
                    ));
                }
                let (outer, waited) = match rest {
                    [Step::Await(_), Step::Paren(outer), ..] => (outer.clone(), true),
                    [Step::Await(outer), ..] => (outer.clone(), true),
                    _ => (range.clone(), false),
                };
                if !waited && !returned(Context(&walk.frames)) {
                    return Err((range.clone(), "json() is not awaited".into()));
                }
                return Ok((
                    Answer::Direct {
                        response: inner,
                        reads: vec![Read {
                            kind: ReadKind::Json {
                                awaited: waited,
                                fallback: None,
                            },
                            range: outer,
                            optional: false,
                        }],
                    },
                    None,
                ));
            }
            Step::Member {
                name,
                range,
                optional,
            } if awaited => {
                let kind = match *name {
                    "data" if rejects => ReadKind::Data,
                    "ok" if !rejects => ReadKind::Ok,
                    "status" => ReadKind::Status,
                    _ => {
                        call.reads.headers |= *name == "headers";
                        call.reads.other |= *name != "headers";
                        return Err((range.clone(), format!("{name} of the response is read")));
                    }
                };
                call.reads.ok |= kind == ReadKind::Ok;
                call.reads.status |= kind == ReadKind::Status;
                call.reads.json |= kind == ReadKind::Data;
                let read = Read {
                    kind,
                    range: range.clone(),
                    optional: *optional,
                };
                marks.push(read);
                return Ok((
                    Answer::Direct {
                        response: inner,
                        reads: marks,
                    },
                    None,
                ));
            }
            Step::Call { name, range, .. } | Step::Member { name, range, .. } => {
                call.reads.text |= *name == "text" && awaited;
                call.reads.json |= *name == "json" && awaited;
                call.reads.other |= !matches!(*name, "text" | "json") || !awaited;
                return Err((range.clone(), format!("{name} of the response is read")));
            }
        }
    }
    named(walk, awaited, &chain.range, marks, rejects, call)
}

/// The end of a chain that still is the response, or its promise.
fn named(
    walk: &Walk<'_>,
    awaited: bool,
    whole: &Range<usize>,
    marks: Vec<Read>,
    rejects: bool,
    call: &mut Call,
) -> Result<(Answer, Option<Id>), Refused> {
    let context = Context(&walk.frames);
    match context.use_of() {
        Some(Frame::Statement) => return Ok((Answer::Ignored, None)),
        Some(Frame::ArrowBody) if is_event_handler(context) => return Ok((Answer::Ignored, None)),
        Some(Frame::Declared(declared)) if awaited => {
            if let Some(fields) = &declared.fields {
                return Ok((
                    Answer::Direct {
                        response: whole.clone(),
                        reads: taken(fields, marks, rejects, call)?,
                    },
                    None,
                ));
            }
            if let Some(id) = &declared.id
                && declared.alone
                && !declared.exported
            {
                let annotation = match &declared.annotation {
                    Some((range, text)) if text == plain_type(rejects) => Some(range.clone()),
                    Some((range, _)) => {
                        return Err((range.clone(), "the response has a type of its own".into()));
                    }
                    None => None,
                };
                let named = Named {
                    name: id.0.to_string(),
                    annotation,
                    reads: marks,
                    binding: Binding::Declaration {
                        statement: declared.statement.clone(),
                        init: whole.clone(),
                        next: walk.next_statement(),
                    },
                };
                return Ok((Answer::Named(named), Some(id.clone())));
            }
        }
        _ => {}
    }
    call.reads.other = true;
    let words = if awaited {
        "the response is handed on"
    } else {
        "the promise of the response is handed on"
    };
    Err((whole.clone(), words.into()))
}

/// `.then(callback)` on the promise of the response.
fn then(
    walk: &Walk<'_>,
    args: &[ExprOrSpread],
    link: Range<usize>,
    marks: Vec<Read>,
    rejects: bool,
    call: &mut Call,
) -> Result<(Answer, Option<Id>), Refused> {
    let source = walk.source;
    let escapes = |call: &mut Call| {
        call.reads.other = true;
        Err((
            link.clone(),
            "the response is handed to a function that is not followed".to_string(),
        ))
    };
    let Some(callback) = args.first().filter(|callback| callback.spread.is_none()) else {
        return escapes(call);
    };
    let (parameter, only_json): (Option<&Pat>, bool) = match &*callback.expr {
        Expr::Arrow(arrow) => {
            let only = match &*arrow.body {
                ArrowFunctionBody::Expr(expr) => is_json(expr),
                ArrowFunctionBody::FunctionBody(body) => returns_json(&body.stmts),
            };
            (arrow.params.first(), only)
        }
        Expr::Fn(function) => {
            let only = function
                .function
                .body
                .as_ref()
                .is_some_and(|body| returns_json(&body.stmts));
            (
                function
                    .function
                    .params
                    .first()
                    .map(|parameter| &parameter.pat),
                only,
            )
        }
        _ => return escapes(call),
    };
    match parameter {
        None => Ok((Answer::Ignored, None)),
        Some(Pat::Ident(name)) => {
            let annotation = match &name.type_ann {
                Some(annotation) if source.text_of(&annotation.type_ann) == plain_type(rejects) => {
                    Some(source.range(&**annotation))
                }
                Some(annotation) => {
                    return Err((
                        source.range(&**annotation),
                        "the response has a type of its own".into(),
                    ));
                }
                None => None,
            };
            let named = Named {
                name: name.id.sym.to_string(),
                annotation,
                reads: marks,
                binding: Binding::Then {
                    link: (only_json && args.len() == 1).then_some(link),
                },
            };
            Ok((Answer::Named(named), Some(name.id.to_id())))
        }
        Some(Pat::Object(pattern)) => match fields(source, pattern) {
            Some(fields) => Ok((
                Answer::Direct {
                    response: source.range(&*callback.expr),
                    reads: taken(&fields, marks, rejects, call)?,
                },
                None,
            )),
            None => escapes(call),
        },
        Some(_) => escapes(call),
    }
}

/// The type of a response, which says nothing of its data.
fn plain_type(rejects: bool) -> &'static str {
    if rejects { "AxiosResponse" } else { "Response" }
}

/// `const { ok, status } = …`
fn taken(
    fields: &[(String, Range<usize>)],
    mut reads: Vec<Read>,
    rejects: bool,
    call: &mut Call,
) -> Result<Vec<Read>, Refused> {
    for (name, range) in fields {
        let kind = match name.as_str() {
            "data" if rejects => ReadKind::Data,
            "ok" if !rejects => ReadKind::Ok,
            "status" => ReadKind::Status,
            _ => {
                call.reads.headers |= name == "headers";
                call.reads.other |= name != "headers";
                return Err((range.clone(), format!("{name} of the response is read")));
            }
        };
        call.reads.ok |= kind == ReadKind::Ok;
        call.reads.status |= kind == ReadKind::Status;
        call.reads.json |= kind == ReadKind::Data;
        reads.push(Read {
            kind,
            range: range.clone(),
            optional: false,
        });
    }
    Ok(reads)
}

/// The names that an object pattern takes; `None` when it has a rest or a computed key.
pub(super) fn fields(source: &Source, pattern: &ObjectPat) -> Option<Vec<(String, Range<usize>)>> {
    pattern
        .props
        .iter()
        .map(|property| match property {
            ObjectPatProp::Assign(name) => Some((name.key.id.sym.to_string(), source.range(name))),
            ObjectPatProp::KeyValue(pair) => match &pair.key {
                PropName::Ident(name) => Some((name.sym.to_string(), source.range(pair))),
                _ => None,
            },
            ObjectPatProp::Rest(_) => None,
        })
        .collect()
}

/// Whether the expression is `x.json()`, awaited or not.
fn is_json(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(paren) => is_json(&paren.expr),
        Expr::Await(waiting) => is_json(&waiting.arg),
        Expr::Call(call) => match &call.callee {
            Callee::Expr(callee) => method(callee)
                .is_some_and(|(object, name)| name == "json" && matches!(object, Expr::Ident(_))),
            _ => false,
        },
        _ => false,
    }
}

fn returns_json(body: &[Stmt]) -> bool {
    matches!(body, [Stmt::Return(returned)] if returned.arg.as_deref().is_some_and(is_json))
}

/// Whether a value is what a function returns.
fn returned(context: Context<'_>) -> bool {
    matches!(context.use_of(), Some(Frame::Return | Frame::ArrowBody))
}

/// Whether the arrow function whose body this is is the value of `onClick` or the like.
fn is_event_handler(context: Context<'_>) -> bool {
    let Some((outside, _)) = context.function() else {
        return false;
    };
    matches!(outside.0.last(), Some(Frame::Attribute(attribute))
        if attribute.name.strip_prefix("on").is_some_and(|rest| rest.starts_with(char::is_uppercase)))
}

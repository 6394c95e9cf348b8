//! `fetch`. In: an expression that is a call of `fetch`, with what is chained to it, and where it
//! stands. Out: the call, and what a Server Action's call would replace. Refused, with the place: what an action
//! cannot do (other options, other bodies, parallel calls), and what cannot be followed (the
//! response or its promise goes elsewhere, the URL is not surely one route).

use std::ops::Range;

use swc_core::ecma::ast::{
    ArrowFunctionBody, CallExpr, Callee, Expr, ExprOrSpread, Id, MemberProp, ObjectPat,
    ObjectPatProp, OptChainBase, Pat, PropName, Stmt,
};

use super::Guess;
use super::context::{Context, Frame};
use super::init::{Init, Refused};
use super::pattern::{global_name, texts};
use super::routes::Part;
use super::scope::Naming;
use super::url::{Base, Segment};
use super::walk::Walk;
use crate::facts::call::{
    Answer, Binding, Call, CallShape, Client, Named, PathArgument, PathValue, Read, ReadKind, Sends,
};
use crate::outcome::Place;
use crate::source::Source;

/// A call of `fetch` and what is chained to it, from the inside out.
pub(super) struct Chain<'a> {
    pub call: &'a CallExpr,
    global: bool,
    steps: Vec<Step<'a>>,
    /// The whole expression.
    range: Range<usize>,
}

/// One link of the chain.
enum Step<'a> {
    Paren(Range<usize>),
    /// `!` behind a value.
    NonNull,
    Await(Range<usize>),
    Member {
        name: &'a str,
        range: Range<usize>,
        optional: bool,
    },
    Call {
        name: &'a str,
        range: Range<usize>,
        optional: bool,
        args: &'a [ExprOrSpread],
    },
}

impl<'a> Chain<'a> {
    /// The arguments of the functions chained to the call, which the walk still has to see.
    pub fn arguments(&self) -> impl Iterator<Item = &'a ExprOrSpread> {
        self.steps.iter().flat_map(|step| match step {
            Step::Call { args, .. } => *args,
            _ => &[],
        })
    }
}

/// A call, and the name of its response that is still to be followed.
pub(super) struct Draft {
    pub call: Call,
    pub watch: Option<Id>,
}

/// Takes an expression for a call of `fetch` with what is chained to it.
pub(super) fn chain<'a>(source: &Source, expr: &'a Expr) -> Option<Chain<'a>> {
    let range = source.range(expr);
    let whole = range.clone();
    let step = |inner: &'a Expr, step: Step<'a>| {
        let mut chain = chain(source, inner)?;
        chain.steps.push(step);
        chain.range = whole.clone();
        Some(chain)
    };
    match expr {
        Expr::Paren(paren) => step(&paren.expr, Step::Paren(range)),
        Expr::TsNonNull(cast) => step(&cast.expr, Step::NonNull),
        Expr::Await(waiting) => step(&waiting.arg, Step::Await(range)),
        Expr::Member(member) => {
            let name = plain_name(&member.prop)?;
            step(
                &member.obj,
                Step::Member {
                    name,
                    range,
                    optional: false,
                },
            )
        }
        Expr::OptChain(optional) => match &*optional.base {
            OptChainBase::Member(member) => {
                let name = plain_name(&member.prop)?;
                step(
                    &member.obj,
                    Step::Member {
                        name,
                        range,
                        optional: true,
                    },
                )
            }
            OptChainBase::Call(call) => {
                let (object, name) = method(&call.callee)?;
                let args = &call.args;
                step(
                    object,
                    Step::Call {
                        name,
                        range,
                        optional: true,
                        args,
                    },
                )
            }
        },
        Expr::Call(call) => {
            let Callee::Expr(callee) = &call.callee else {
                return None;
            };
            if let Some(global) = is_fetch(source, callee) {
                return Some(Chain {
                    call,
                    global,
                    steps: Vec::new(),
                    range,
                });
            }
            let (object, name) = method(callee)?;
            step(
                object,
                Step::Call {
                    name,
                    range,
                    optional: false,
                    args: &call.args,
                },
            )
        }
        _ => None,
    }
}

fn plain_name(prop: &MemberProp) -> Option<&str> {
    match prop {
        MemberProp::Ident(name) => Some(&name.sym),
        _ => None,
    }
}

/// The object and the name of a method.
fn method(callee: &Expr) -> Option<(&Expr, &str)> {
    let member = match callee {
        Expr::Member(member) => member,
        Expr::OptChain(optional) => match &*optional.base {
            OptChainBase::Member(member) => member,
            OptChainBase::Call(_) => return None,
        },
        _ => return None,
    };
    Some((&member.obj, plain_name(&member.prop)?))
}

/// Whether an expression is named `fetch`, and whether it is the global one.
fn is_fetch(source: &Source, callee: &Expr) -> Option<bool> {
    match callee {
        Expr::Ident(name) if name.sym == *"fetch" => Some(source.is_global(name)),
        Expr::Member(member) if member.prop.is_ident_with("fetch") => matches!(
            global_name(source, &member.obj),
            Some("window" | "globalThis" | "self")
        )
        .then_some(true),
        _ => None,
    }
}

/// Reads a call, when it names a route.
pub(super) fn read(walk: &Walk<'_>, chain: &Chain<'_>) -> Option<Draft> {
    let source = walk.source;
    let call_range = source.range(chain.call);
    let url = chain.call.args.first().filter(|url| url.spread.is_none())?;
    let patterns = texts(source, &walk.constants, &url.expr);
    let naming = walk.scope.named(walk.table, &patterns, true, false);
    if naming.routes.is_empty() {
        return None;
    }
    let init = match chain.call.args.get(1) {
        Some(argument) if argument.spread.is_none() => {
            Init::read(source, &walk.constants, &argument.expr)
        }
        Some(_) => Init {
            method: None,
            sends: Sends::Unknown,
            body: None,
            refused: Some((call_range.clone(), "the options are spread".into())),
        },
        None => Init::none(),
    };
    let place = Place::new(&source.path, &source.text, call_range.start, call_range.end);
    let client = if naming.foreign {
        Client::Document
    } else {
        Client::Fetch
    };
    let guess = Guess {
        client,
        method: init.method.clone(),
        sends: init.sends,
        prefix: false,
    };
    let mut call = walk
        .scope
        .call(place, guess, naming.routes.clone(), naming.exact);
    let answer = answer(walk, chain, &mut call);
    let watch = answer.as_ref().ok().and_then(|(_, watch)| watch.clone());
    let path = match &naming.url {
        Some(url) if naming.exact => path(walk, chain, url, &patterns, naming.routes[0]),
        _ => Ok(Vec::new()),
    };
    let shape = fetched(walk, chain, &naming, init.refused)
        .and(path)
        .and_then(|path| {
            answer.map(|(answer, _)| CallShape {
                call: call_range,
                path,
                body: init.body,
                answer,
                leftover: leftover(walk, &url.expr),
            })
        });
    call.rewrite = shape.map_err(|(range, words)| {
        (
            Place::new(&source.path, &source.text, range.start, range.end),
            words,
        )
    });
    Some(Draft { call, watch })
}

/// What speaks against an action before the answer is looked at.
fn fetched(
    walk: &Walk<'_>,
    chain: &Chain<'_>,
    naming: &Naming,
    options: Option<Refused>,
) -> Result<(), Refused> {
    let range = walk.source.range(chain.call);
    let refuse = |words: &str| Err((range.clone(), words.to_string()));
    if !chain.global {
        return refuse("fetch is not the browser's own");
    }
    match &naming.url {
        None => return refuse("the URL has several forms"),
        Some(url) if url.base == Base::Unknown => {
            return refuse("what stands in front of /api is not known");
        }
        Some(url) if url.query => return refuse("the URL has a query string"),
        Some(_) => {}
    }
    if !naming.exact {
        return refuse("the URL could name several routes");
    }
    if let Some(refused) = options {
        return Err(refused);
    }
    let context = Context(&walk.frames);
    let Some((outside, render)) = context.function() else {
        return refuse("the call stands outside of functions");
    };
    if render {
        return refuse("the call runs while React renders");
    }
    if let Some(Frame::Argument(argument)) = outside.0.last()
        && matches!(
            argument.name(),
            "map" | "flatMap" | "forEach" | "filter" | "reduce"
        )
    {
        return refuse("the call is made for many elements at once");
    }
    let parallel = walk.frames.iter().any(|frame| {
        matches!(frame, Frame::Argument(argument)
            if argument.object() == Some("Promise")
                && matches!(argument.name(), "all" | "allSettled" | "race" | "any"))
    });
    if parallel {
        return refuse("the call runs beside others, and actions run one after another");
    }
    if !walk.scope.component {
        return refuse("the file is not part of a client component");
    }
    Ok(())
}

/// The values of the route's dynamic segments.
fn path(
    walk: &Walk<'_>,
    chain: &Chain<'_>,
    url: &super::url::Url,
    patterns: &[super::pattern::Pattern],
    route: usize,
) -> Result<Vec<PathValue>, Refused> {
    let range = walk.source.range(chain.call);
    let mut values = Vec::new();
    for (index, part) in walk.table.parts(route).iter().enumerate() {
        let slug = match part {
            Part::Static(_) => continue,
            Part::Dynamic(slug) => slug.clone(),
            Part::CatchAll(..) => {
                return Err((range, "the route takes any number of segments".into()));
            }
        };
        let value = match url.segments.get(index) {
            Some(Segment::Static(text)) if !text.contains(['%', '\'', '"', '\\']) => {
                PathArgument::Text(text.clone())
            }
            Some(Segment::Hole(number) | Segment::Id(number)) => {
                match patterns.first().and_then(|p| p.holes.get(*number)) {
                    Some(hole) if hole.plain => PathArgument::Expression(hole.range.clone()),
                    _ => return Err((range, "the URL is put together elsewhere".into())),
                }
            }
            _ => {
                return Err((
                    range,
                    "a segment of the URL is put together of parts".into(),
                ));
            }
        };
        values.push(PathValue { slug, value });
    }
    Ok(values)
}

/// The statement of a constant that only this URL uses.
fn leftover(walk: &Walk<'_>, url: &Expr) -> Option<Range<usize>> {
    let Expr::Ident(name) = url else { return None };
    let declared = walk.statements_of.get(&name.to_id())?;
    (walk.references.get(&name.to_id()) == Some(&1)).then(|| declared.clone())
}

/// How the response is read, and the name under which it goes on.
fn answer(
    walk: &Walk<'_>,
    chain: &Chain<'_>,
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
                return then(walk, args, link, marks, call);
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
            } if awaited && marks.is_empty() => {
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
                    "ok" => ReadKind::Ok,
                    "status" => ReadKind::Status,
                    _ => {
                        call.reads.headers |= *name == "headers";
                        call.reads.other |= *name != "headers";
                        return Err((range.clone(), format!("{name} of the response is read")));
                    }
                };
                call.reads.ok |= kind == ReadKind::Ok;
                call.reads.status |= kind == ReadKind::Status;
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
    named(walk, awaited, &chain.range, marks, call)
}

/// The end of a chain that still is the response, or its promise.
fn named(
    walk: &Walk<'_>,
    awaited: bool,
    whole: &Range<usize>,
    marks: Vec<Read>,
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
                        reads: taken(fields, marks, call)?,
                    },
                    None,
                ));
            }
            if let Some(id) = &declared.id
                && declared.alone
                && !declared.exported
            {
                let annotation = match &declared.annotation {
                    Some((range, text)) if text == "Response" => Some(range.clone()),
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
                Some(annotation) if source.text_of(&annotation.type_ann) == "Response" => {
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
                    reads: taken(&fields, marks, call)?,
                },
                None,
            )),
            None => escapes(call),
        },
        Some(_) => escapes(call),
    }
}

/// `const { ok, status } = …`
fn taken(
    fields: &[(String, Range<usize>)],
    mut reads: Vec<Read>,
    call: &mut Call,
) -> Result<Vec<Read>, Refused> {
    for (name, range) in fields {
        let kind = match name.as_str() {
            "ok" => ReadKind::Ok,
            "status" => ReadKind::Status,
            _ => {
                call.reads.headers |= name == "headers";
                call.reads.other |= name != "headers";
                return Err((range.clone(), format!("{name} of the response is read")));
            }
        };
        call.reads.ok |= kind == ReadKind::Ok;
        call.reads.status |= kind == ReadKind::Status;
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

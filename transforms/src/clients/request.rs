//! A call of a client that is read whole: `fetch` and axios. In: an expression that is such a call, with what
//! is chained to it, and where it stands; its client's file says what is sent. Out: the call, and what a
//! Server Action's call would replace. Refused, with the place: what an action cannot do (other
//! options, other bodies, parallel calls), and what cannot be followed (the response or its promise goes
//! elsewhere, the URL is not surely one route).

use std::ops::Range;

use swc_core::ecma::ast::{CallExpr, Callee, Expr, ExprOrSpread, Id, MemberProp, OptChainBase};

use super::context::{Context, Frame};
use super::init::{Init, Refused};
use super::pattern::Pattern;
use super::routes::Part;
use super::scope::Naming;
use super::url::{Base, Segment};
use super::walk::Walk;
use super::{Guess, answer, axios, failure, fetch};
use crate::facts::call::{Call, CallShape, Client, PathArgument, PathValue};
use crate::outcome::Place;

/// A call of a client and what is chained to it, from the inside out.
pub(super) struct Chain<'a> {
    pub call: &'a CallExpr,
    pub client: Client,
    pub steps: Vec<Step<'a>>,
    /// The whole expression.
    pub range: Range<usize>,
}

/// What a call sends, as its client reads it.
pub(super) struct Sent<'a> {
    /// The expression that the URL is.
    pub url: &'a Expr,
    /// What the URL can be.
    pub texts: Vec<Pattern>,
    /// Method, body, and the first thing in the way of an action.
    pub init: Init,
    /// Where the call is said to be.
    pub place: Range<usize>,
    /// Whether the client rejects where the answer is no success.
    pub rejects: bool,
}

/// One link of the chain.
pub(super) enum Step<'a> {
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
    /// Whether the response is that of a client that rejects where it is no success.
    pub rejects: bool,
}

/// Takes an expression for a call of a client with what is chained to it.
pub(super) fn chain<'a>(walk: &Walk<'_>, expr: &'a Expr) -> Option<Chain<'a>> {
    let range = walk.source.range(expr);
    let whole = range.clone();
    let step = |inner: &'a Expr, step: Step<'a>| {
        let mut chain = chain(walk, inner)?;
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
            let client = match fetch::is_fetch(walk.source, callee) {
                Some(_) => Some(Client::Fetch),
                None => axios::is_axios(walk, callee).then_some(Client::Axios),
            };
            if let Some(client) = client {
                return Some(Chain {
                    call,
                    client,
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
pub(super) fn method(callee: &Expr) -> Option<(&Expr, &str)> {
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

/// Reads a call, when it names a route. Gives the bytes of the URL, too.
pub(super) fn read(walk: &Walk<'_>, chain: &Chain<'_>) -> Option<(Draft, Range<usize>)> {
    let source = walk.source;
    let call_range = source.range(chain.call);
    let sent = match chain.client {
        Client::Axios => axios::sent(walk, chain.call)?,
        _ => fetch::sent(walk, chain.call)?,
    };
    let naming = walk.scope.named(walk.table, &sent.texts, true, false);
    if naming.routes.is_empty() {
        return None;
    }
    let place = Place::new(&source.path, &source.text, sent.place.start, sent.place.end);
    let client = if naming.foreign {
        Client::Document
    } else {
        chain.client
    };
    let guess = Guess {
        client,
        method: sent.init.method.clone(),
        sends: sent.init.sends,
        prefix: false,
    };
    let mut call = walk
        .scope
        .call(place, guess, naming.routes.clone(), naming.exact);
    let answer = answer::answer(walk, chain, sent.rejects, &mut call);
    let watch = answer.as_ref().ok().and_then(|(_, watch)| watch.clone());
    let path = match &naming.url {
        Some(url) if naming.exact => path(walk, chain, url, &sent.texts, naming.routes[0]),
        _ => Ok(Vec::new()),
    };
    let fails = match sent.rejects {
        true => failure::failure(walk, chain).map(Some),
        false => Ok(None),
    };
    let shape = fetched(walk, chain, &naming, sent.init.refused)
        .and(path)
        .and_then(|path| {
            let (answer, _) = answer?;
            Ok(CallShape {
                call: call_range,
                path,
                body: sent.init.body,
                answer,
                leftover: leftover(walk, sent.url),
                failure: fails?,
            })
        });
    call.rewrite = shape.map_err(|(range, words)| {
        (
            Place::new(&source.path, &source.text, range.start, range.end),
            words,
        )
    });
    let rejects = sent.rejects;
    let draft = Draft {
        call,
        watch,
        rejects,
    };
    Some((draft, source.range(sent.url)))
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
    match &naming.url {
        None => return refuse("the URL has several forms"),
        Some(url) if url.base == Base::Unknown => {
            return refuse("what stands in front of /api is not known");
        }
        Some(url) if url.base == Base::Relative => {
            return refuse("the URL is relative to the page");
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

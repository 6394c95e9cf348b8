//! What a carrier does, without its spelling. A carrier is any function that receives
//! `req` and/or `res`. Idioms produce effects; emitters read them.

use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::{Expr, ObjectPat};

use super::api_module::Function;
use super::method_map::Place;
use crate::config_headers;
use crate::libraries::Written;
use crate::modules::Shared;
use crate::reason::Note;
use crate::syntax::Id;

/// One thing that a carrier does.
#[derive(Clone)]
pub struct Effect<'a> {
    /// The code that does it.
    pub range: Range<usize>,
    /// Start of the carrier's own top-level statement around it.
    pub top: usize,
    /// Whether it stands in a function nested in the carrier.
    pub nested: bool,
    /// Whether it stands in a `try` with a `catch` or a `finally`.
    pub tried: bool,
    /// What is done.
    pub kind: Kind<'a>,
}

impl<'a> Effect<'a> {
    /// The function that the request or the response is handed to, and its arguments.
    pub fn carrier(&self) -> Option<(&Carrier, &[Arg])> {
        match &self.kind {
            Kind::CallCarrier { callee, args, .. } | Kind::Guard { callee, args, .. } => {
                Some((callee, args))
            }
            Kind::Hand(hand) => Some((&hand.callee, &hand.args)),
            _ => None,
        }
    }

    /// Whether it sets headers at a time that is not known, or hands the response to a function
    /// that sets headers and gives back control.
    pub fn sets_headers(&self) -> bool {
        let handed =
            || matches!(self.carrier(), Some((Carrier::Shared(shared), _)) if shared.headers);
        matches!(self.kind, Kind::LateHeader { .. }) || handed()
    }

    /// How the answer of a function that is called is held.
    pub fn held(&self) -> Option<&Held> {
        match &self.kind {
            Kind::CallCarrier { held, .. } => held.as_ref(),
            _ => None,
        }
    }

    /// Whether headers that are set before go into what a function answers.
    pub fn carries_headers(&self) -> bool {
        matches!(
            self.kind,
            Kind::CallCarrier {
                carries: true,
                form: Some(_),
                ..
            } | Kind::Guard { carries: true, .. }
        )
    }

    /// The same for a function of this file.
    pub fn local_carrier(&self) -> Option<(&Id, &[Arg])> {
        let (callee, args) = self.carrier()?;
        Some((callee.local()?, args))
    }

    /// The function of this file that another is given to call with the request.
    pub fn given(&self) -> Option<&Function<'a>> {
        match &self.kind {
            Kind::Hand(hand) => hand.function.as_ref(),
            _ => None,
        }
    }
}

/// What can be done with a request and a response.
#[derive(Clone)]
pub enum Kind<'a> {
    /// Reads one path or search parameter: `req.query.id`.
    ReadQuery {
        /// The parameter's name.
        key: String,
        /// How the value is used.
        usage: Usage,
        /// The variable that is declared to hold just this value.
        declares: Option<Declares>,
    },
    /// Takes parameters apart: `const { id, page = 1 } = req.query`.
    DestructureQuery {
        /// The pattern.
        pattern: &'a ObjectPat,
        /// From the pattern to the end of its initialiser.
        declarator: Range<usize>,
        /// The whole `const …;`, when the declarator stands alone in it.
        statement: Option<Range<usize>>,
        /// The text of the annotation or assertion that types the whole query.
        typed: Option<Range<usize>>,
    },
    /// Takes single headers or cookies: `const { session } = req.cookies`.
    DestructureValues {
        /// `headers` or `cookies`.
        part: String,
        /// The name in the request, and the variable with its default, by range.
        values: Vec<(String, Range<usize>, Option<Range<usize>>)>,
        /// The whole `const …;`.
        statement: Range<usize>,
    },
    /// Uses all parameters as one value.
    WholeQuery,
    /// Reads the parsed body.
    ReadBody {
        /// Whether the code takes the body as text: `JSON.parse(req.body)`; the range is
        /// that of the whole `JSON.parse(…)` then.
        json_text: bool,
    },
    /// Reads the raw body: `await buffer(req)`.
    ReadRawBody {
        /// The form that the code wants: text, or bytes.
        text: bool,
        /// Whether the code collects chunks by itself; the range is that of what joins them.
        collected: bool,
    },
    /// Reads one cookie.
    ReadCookie {
        /// The cookie's name, as an expression.
        name: Name,
        /// How the value is used.
        usage: Usage,
    },
    /// Uses all cookies as one value.
    WholeCookies,
    /// Reads one request header.
    ReadHeader {
        /// The header's name, as an expression.
        name: Name,
        /// How the value is used.
        usage: Usage,
    },
    /// Uses all request headers as one value.
    WholeHeaders,
    /// Reads path and query as one string.
    ReadUrl,
    /// Never runs: the operator and what stands behind it in `req.url ?? ''`, and the difference
    /// that it makes to leave it out.
    Unreachable(Option<Note>),
    /// Reads the address of the connection where no header has told it.
    ReadAddress {
        /// How the value is used.
        usage: Usage,
    },
    /// Takes the request apart: `const { method, body } = req`.
    DestructureRequest {
        /// Which member goes to which name; the name's range.
        parts: Vec<(String, Range<usize>)>,
        /// Members that are taken apart in turn: `{ query: { id } }`.
        nested: Vec<(String, &'a ObjectPat)>,
        /// The whole `const …;`.
        statement: Range<usize>,
    },
    /// Sets, adds or removes response headers, or the status, without answering.
    Prepare {
        /// The headers.
        headers: Vec<SetHeader<'a>>,
        /// The status.
        status: Option<&'a Expr>,
        /// The whole statement.
        statement: Range<usize>,
    },
    /// Sets, adds or removes one response header where it is not known when, which, or how many of
    /// it: in a callback, by a computed name, or from a list.
    LateHeader {
        /// The header's name.
        name: Name,
        /// What a computed name is one of, when that is known.
        among: &'static [&'static str],
        /// Its value, and whether that is surely one string.
        value: Option<(Range<usize>, bool)>,
        /// Set, added or removed.
        mode: HeaderMode,
    },
    /// Reads a response header that was set before: `res.getHeader(name)`.
    SentHeader {
        /// The header's name.
        name: String,
        /// How the value is used.
        usage: Usage,
    },
    /// Reads the status of the answer that is held: `res.statusCode`.
    SentStatus,
    /// Answers.
    Reply(Box<Reply<'a>>),
    /// Answers by what a chain of promises comes to: `work().then((x) => res.json(x))`.
    ReplyChain {
        /// How the chain stands in the code.
        form: ReplyForm,
    },
    /// Answers in a function that is called with an error or a result, and that is handed to a
    /// function that calls back: `read(path, (error, text) => res.json(text))`.
    ReplyCallback {
        /// The whole statement.
        statement: Range<usize>,
        /// The call that is given the function.
        call: Range<usize>,
        /// Whether what the call itself gives is awaited, or given back.
        waited: bool,
    },
    /// Answers in a promise that the code makes by itself: `await new Promise((resolve) => …)`.
    ReplyPromise {
        /// The statement without its end, when it gives nothing back.
        bare: Option<usize>,
        /// `new Promise(…)`.
        made: Range<usize>,
        /// From behind the name `Promise` to the parenthesis.
        types: Range<usize>,
        /// The name of what settles it.
        resolve: String,
    },
    /// Hands `req` or `res` to a function that is followed.
    CallCarrier {
        /// The function.
        callee: Carrier,
        /// The arguments with their ranges, the request and the response marked.
        args: Vec<Arg>,
        /// The argument list with its parentheses.
        list: Range<usize>,
        /// How the call stands in the code, when the function answers.
        form: Option<ReplyForm>,
        /// Whether the call is awaited.
        awaited: bool,
        /// Whether headers may stand from before.
        carries: bool,
        /// The function that is given to it to call with the request.
        callback: Option<Callback>,
        /// How its answer is held until the code behind the call has run.
        held: Option<Held>,
    },
    /// Ends the handler when a function that answers on some paths has answered.
    Guard {
        /// The function.
        callee: Carrier,
        /// The arguments with their ranges, the request and the response marked.
        args: Vec<Arg>,
        /// The argument list with its parentheses.
        list: Range<usize>,
        /// How the code asks whether it has answered.
        shape: GuardShape,
        /// The `return` that ends the handler.
        exit: Range<usize>,
        /// Whether headers may stand from before.
        carries: bool,
    },
    /// Gives a function to another that calls it with the request.
    Hand(Box<Hand<'a>>),
    /// Calls a library function that takes `req`, whose App Router form takes other arguments.
    Library(Box<Written>),
    /// `res.revalidate(path)`.
    Revalidate {
        /// The path.
        path: Range<usize>,
    },
    /// `res.setDraftMode({ enable })`.
    DraftMode {
        /// Whether it is switched on.
        enable: bool,
    },
}

/// How an answer is held in a constant: `const response = await handler(request)`, and at the end
/// `return response`.
#[derive(Debug, Clone)]
pub struct Held {
    /// The constant.
    pub name: String,
    /// Whether the code declares it.
    pub declared: bool,
    /// The start of the statement with the call.
    pub start: usize,
    /// The `return` at the end.
    pub returns: Option<Range<usize>>,
    /// Whether that gives back the constant.
    pub given: bool,
    /// The end of the last statement before it.
    pub end: usize,
}

/// A function that another calls with the request: `withErrors(req, res, async (req, res) => …)`.
#[derive(Debug, Clone)]
pub struct Callback {
    /// Its parameter list, with the parentheses when it has them.
    pub list: Range<usize>,
    /// The name of the request, and whether it is annotated.
    pub request: (String, bool),
    /// The request's parameter.
    pub param: Range<usize>,
    /// The parameters behind the response.
    pub rest: Vec<Range<usize>>,
    /// The annotation of what it gives back, with its colon.
    pub return_type: Option<Range<usize>>,
    /// The whole function, where it sets the headers of the answer together with the function that
    /// calls it.
    pub sharing: Option<Range<usize>>,
}

/// A function that another is given to call with the request, by its name or in a map of methods:
/// `dispatch(req, res, { GET: list, POST: async (req, res) => … })`.
#[derive(Clone)]
pub struct Hand<'a> {
    /// The function.
    pub callee: Carrier,
    /// The same, when it stands in this file.
    pub function: Option<Function<'a>>,
    /// What it is called with.
    pub args: Vec<Arg>,
    /// Where it stands.
    pub place: Place,
    /// Whether its name is the key of the map, too.
    pub short: bool,
    /// The method that it is called for, when it stands in a map.
    pub method: Option<String>,
    /// Whether an error of it is seen as it was when it becomes async.
    pub awaited: bool,
    /// Whether it may be called with more than it was.
    pub more: bool,
    /// Whether the map that it stands in is held by a constant, so that its parameters say their types.
    pub held: bool,
    /// The types that are said of that constant, at its first function.
    pub said: Vec<Range<usize>>,
}

/// A function that takes the request or the response.
#[derive(Clone)]
pub enum Carrier {
    /// A function of this file.
    Local(Id),
    /// A function of a module that several routes may share.
    Shared(Arc<Shared>),
    /// The handler that a wrapper is given, by its parameter.
    Handler(Id),
}

impl Carrier {
    /// The function's name where it is declared.
    pub fn name(&self) -> &str {
        match self {
            Carrier::Local(name) | Carrier::Handler(name) => &name.0,
            Carrier::Shared(shared) => &shared.key.name,
        }
    }

    /// The function, when it stands in this file.
    pub fn local(&self) -> Option<&Id> {
        match self {
            Carrier::Local(name) => Some(name),
            Carrier::Shared(_) | Carrier::Handler(_) => None,
        }
    }
}

/// How code asks whether a function has answered.
#[derive(Debug, Clone)]
pub enum GuardShape {
    /// `const user = await requireUser(req, res)`, then `if (!user) return`.
    Bound {
        /// The variable.
        name: String,
        /// The condition.
        test: Range<usize>,
    },
    /// `if (!(await requireUser(req, res))) return`.
    Direct {
        /// The call with its `await`.
        call: Range<usize>,
        /// The `if` statement.
        statement: Range<usize>,
        /// The condition.
        test: Range<usize>,
    },
}

/// Whether a function answers the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replies {
    /// On no path.
    #[default]
    Never,
    /// On some paths.
    Sometimes,
    /// On every path.
    Always,
}

/// A header's or cookie's name.
#[derive(Clone)]
pub enum Name {
    /// Known.
    Literal(String),
    /// Computed.
    Expr(Range<usize>),
}

impl Name {
    /// The name, or for a computed one those that it is among, or a word for any.
    pub fn known<'n>(&'n self, among: &'static [&'static str]) -> Vec<&'n str> {
        match self {
            Name::Literal(name) => vec![name],
            Name::Expr(_) if among.is_empty() => vec![config_headers::ANY],
            Name::Expr(_) => among.to_vec(),
        }
    }
}

/// How a value that may be absent is used. A web Request says `null` where pages said
/// `undefined`; the usage tells whether anybody could see the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Only whether there is something: conditions, `||`, `??`, `?.`, comparison with a literal.
    Presence,
    /// As a string by assertion: `req.headers['x'] as string`.
    Parsed,
    /// In any other way.
    Value,
}

/// A variable that is declared to hold one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declares {
    /// The variable's name.
    pub name: String,
    /// From the name to the end of the initialiser.
    pub declarator: Range<usize>,
}

/// An argument of a call of a carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg {
    /// The argument.
    pub range: Range<usize>,
    /// Whether it is the request or the response.
    pub role: Option<Role>,
}

/// Request or response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The request.
    Request,
    /// The response.
    Response,
}

/// One header that is set.
#[derive(Clone)]
pub struct SetHeader<'a> {
    /// Its name.
    pub name: String,
    /// Its values; several are several header lines.
    pub values: Vec<&'a Expr>,
    /// Set, added or removed.
    pub mode: HeaderMode,
}

/// How a header is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderMode {
    /// Replaces earlier values.
    Set,
    /// Stands beside earlier values.
    Append,
    /// Removes earlier values.
    Remove,
}

/// One answer.
#[derive(Clone)]
pub struct Reply<'a> {
    /// How it stands in the code.
    pub form: ReplyForm,
    /// The status given with the answer.
    pub status: Option<&'a Expr>,
    /// What is answered.
    pub payload: Payload<'a>,
    /// Headers that surely stand from before.
    pub before: Vec<SetHeader<'a>>,
    /// Headers given in the same chain.
    pub own: Vec<SetHeader<'a>>,
    /// Whether other headers may stand from before.
    pub carries: bool,
}

/// How an answer stands in the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyForm {
    /// It is returned already, or the value of an arrow function.
    Returned,
    /// It is a statement: the start of the statement, where `return` goes.
    Bare(usize),
    /// It stands in a callback, where it settles the promise that is given back: the start of the
    /// statement.
    Settles(usize),
}

/// What is answered.
#[derive(Clone)]
pub enum Payload<'a> {
    /// A value as JSON.
    Json(&'a Expr),
    /// Text.
    Text(&'a Expr, TextKind),
    /// Bytes.
    Bytes(&'a Expr),
    /// A value given to `send` or `end` whose kind is not known. With a type of its own set, it
    /// can only be text or bytes.
    Opaque(&'a Expr),
    /// Nothing.
    Empty,
    /// Nothing, said to be JSON: `res.json(undefined)`.
    EmptyJson,
    /// A redirect; the status is 307 when none is given.
    Redirect(&'a Expr),
}

impl<'a> Payload<'a> {
    /// The expression that is answered.
    pub fn value(&self) -> Option<&'a Expr> {
        match self {
            Payload::Json(value)
            | Payload::Text(value, _)
            | Payload::Bytes(value)
            | Payload::Opaque(value)
            | Payload::Redirect(value) => Some(value),
            Payload::Empty | Payload::EmptyJson => None,
        }
    }
}

/// What is known of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// Words: no reader would take it for HTML or JSON.
    Plain,
    /// It may be HTML or JSON.
    Unknown,
}

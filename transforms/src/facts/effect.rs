//! What a carrier does, without its spelling. A carrier is any function that receives
//! `req` and/or `res`. Idioms produce effects; emitters read them.

use std::ops::Range;

use swc_core::ecma::ast::{Expr, ObjectPat};

use crate::libraries::Written;
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
    /// What is done.
    pub kind: Kind<'a>,
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
    /// Answers.
    Reply(Box<Reply<'a>>),
    /// Answers by what a chain of promises comes to: `work().then((x) => res.json(x))`.
    ReplyChain {
        /// How the chain stands in the code.
        form: ReplyForm,
    },
    /// Hands `req` or `res` to a function of this file.
    CallCarrier {
        /// The function.
        callee: Id,
        /// The arguments with their ranges, the request and the response marked.
        args: Vec<Arg>,
        /// The argument list with its parentheses.
        list: Range<usize>,
        /// How the call stands in the code, when the function answers.
        form: Option<ReplyForm>,
        /// Whether the call is awaited.
        awaited: bool,
    },
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

/// A header's or cookie's name.
#[derive(Clone)]
pub enum Name {
    /// Known.
    Literal(String),
    /// Computed.
    Expr(Range<usize>),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// What is known of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// Words: no reader would take it for HTML or JSON.
    Plain,
    /// It may be HTML or JSON.
    Unknown,
}

//! A call: one place that names a route, whatever the client. In: what the modules
//! under `clients` read. Out: for deciding, who calls a route, by which method, with
//! what and what for; for emitting, the ranges that a Server Action's call replaces.
//! A call that no action could replace carries the place and the words that say why.

use std::ops::Range;

use crate::outcome::Place;

/// A route as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteKey {
    /// The route as Next.js spells it, as `/api/posts/[id]`.
    pub route: String,
    /// The index of its app in [`crate::project::Project::apps`].
    pub app: usize,
}

/// By what a route is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// `fetch`.
    Fetch,
    /// axios, where it is surely axios: the call is read whole, like one of `fetch`.
    Axios,
    /// Any object with a function for each HTTP verb (`ky.post`, `api.get`).
    Verbs,
    /// A function of the project that sends a request to a URL that it is given.
    Function,
    /// `useSWR` and its relatives.
    Swr,
    /// The `action` of a form.
    Form,
    /// `href`.
    Link,
    /// `src`: images, frames, media, scripts.
    Image,
    /// `router.push`, `redirect` and their relatives.
    Router,
    /// `window.location`, `window.open`.
    Location,
    /// `EventSource`.
    EventSource,
    /// `navigator.sendBeacon`.
    Beacon,
    /// A string that goes a way which is not followed.
    Constant,
    /// Anything in a test, a mock or a story.
    Test,
    /// `next.config`, `vercel.json`, middleware: what stands between a request and its route.
    Config,
    /// Middleware that runs before the route, by its matchers or for want of them.
    Middleware,
    /// A document or text for people and other programs: markup, OpenAPI, a README.
    Document,
}

impl Client {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Client::Fetch => "fetch",
            Client::Axios | Client::Verbs => "axios",
            Client::Function => "a function that sends requests",
            Client::Swr => "SWR",
            Client::Form => "form",
            Client::Link => "link",
            Client::Image => "src attribute",
            Client::Router => "router",
            Client::Location => "location",
            Client::EventSource => "EventSource",
            Client::Beacon => "sendBeacon",
            Client::Constant => "string",
            Client::Test => "test",
            Client::Config => "configuration",
            Client::Middleware => "middleware",
            Client::Document => "document",
        }
    }
}

/// What reaches the server as the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sends {
    /// No body.
    Nothing,
    /// JSON, said to be JSON: the pages handler sees a parsed value.
    Json,
    /// A form's fields, urlencoded: the pages handler sees an object of strings.
    Urlencoded,
    /// `multipart/form-data`.
    FormData,
    /// Text: the pages handler sees a string. `JSON.stringify` without a JSON content type is this.
    Text,
    /// It cannot be told.
    Unknown,
}

/// What a caller does with the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// Reads `ok`.
    pub ok: bool,
    /// Reads `status`.
    pub status: bool,
    /// Reads the body as JSON.
    pub json: bool,
    /// Reads the body as text.
    pub text: bool,
    /// Reads headers.
    pub headers: bool,
    /// Reads something else, or hands the response on.
    pub other: bool,
    /// Reads JSON where the answer may be an error: `ok` is false, or was not asked for.
    pub error_body: bool,
}

impl Reads {
    /// Whether nothing of the answer is read.
    pub fn nothing(self) -> bool {
        self == Reads::default()
    }
}

/// One place that names a route.
#[derive(Debug, Clone)]
pub struct Call {
    /// The call of `fetch`, or the string.
    pub place: Place,
    /// By what it is named.
    pub client: Client,
    /// The method in capitals; `None` when it cannot be told.
    pub method: Option<String>,
    /// The routes it names, or could name: indices of the given keys, ascending.
    pub routes: Vec<usize>,
    /// Whether the URL surely names exactly the one route. False behind a base URL
    /// that is not known: it may be another server's.
    pub exact: bool,
    /// What is sent.
    pub sends: Sends,
    /// What a Server Action's call would replace, or the place and the reason why none can.
    pub rewrite: Result<CallShape, (Place, String)>,
    /// What is done with the answer.
    pub reads: Reads,
    /// Whether a page under `pages/` reaches the file.
    pub from_pages: bool,
    /// Whether the App Router reaches the file.
    pub from_app: bool,
    /// Whether the file belongs to a client component's module graph.
    pub component: bool,
}

/// A call of `fetch` or axios that a Server Action's call can replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallShape {
    /// The whole call, `fetch(…)`.
    pub call: Range<usize>,
    /// The values of the route's dynamic segments, in order.
    pub path: Vec<PathValue>,
    /// The body.
    pub body: Option<JsonBody>,
    /// How the response is read.
    pub answer: Answer,
    /// A statement that nothing needs once the call is replaced: `const url = '/api/x'`.
    pub leftover: Option<Range<usize>>,
    /// What the client does where the answer is no success; `None` when it answers all the same.
    pub failure: Option<Failure>,
}

/// What becomes of an answer that is no success, behind a client that rejects then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where the call site can throw.
    pub throws: Throws,
    /// Whether the error is more than logged: its message may be read.
    pub seen: bool,
    /// The type of the data that the call is given: `Post` of `axios.post<Post>(…)`.
    pub data: Option<Range<usize>>,
}

/// Where a call site that awaited a promise throws for an answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Throws {
    /// After `await call(…);`, where the answer gets a name.
    Statement {
        /// The whole statement.
        statement: Range<usize>,
        /// The name.
        name: String,
    },
    /// After `const answer = await call(…);`.
    Declaration {
        /// The whole statement.
        statement: Range<usize>,
    },
    /// After `const { data } = await call(…);`, which is taken apart later.
    Pattern {
        /// The whole statement.
        statement: Range<usize>,
        /// The pattern.
        pattern: Range<usize>,
        /// `await call(…)`.
        value: Range<usize>,
        /// The name that the answer gets.
        name: String,
    },
    /// First in the callback of `.then(…)`.
    Callback {
        /// The parameter, or the empty parentheses.
        parameter: Range<usize>,
        /// Whether it is an object pattern, which takes the answer apart later.
        pattern: bool,
        /// The body.
        body: Range<usize>,
        /// The statements of the body, when it is a block.
        block: Option<Vec<Range<usize>>>,
        /// The name of the answer.
        name: String,
        /// Whether the answer has that name already.
        named: bool,
    },
    /// In a link of its own, right behind the call.
    Link {
        /// The name that the answer gets.
        name: String,
    },
}

/// The value of one dynamic segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathValue {
    /// The slug, without brackets.
    pub slug: String,
    /// Its value.
    pub value: PathArgument,
}

/// How the value of a dynamic segment is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathArgument {
    /// An expression. In a URL it became a string; as an argument it keeps its type.
    Expression(Range<usize>),
    /// Text that stands in the URL.
    Text(String),
}

/// The value inside `JSON.stringify`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonBody {
    /// The expression.
    pub value: Range<usize>,
    /// The top-level fields, when it is an object literal with nothing but plain names.
    pub fields: Option<Vec<Field>>,
}

/// One field of an object literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The expression.
    pub value: Range<usize>,
}

/// How the response is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Not at all: `await fetch(…)` and `fetch(…)` as statements, `.then(() => …)`.
    Ignored,
    /// It has a name: `const res = await fetch(…)`, `.then((res) => …)`.
    Named(Named),
    /// `(await fetch(…)).json()`, `.ok`, `.status`, right at the call; or `const { ok } = await fetch(…)`.
    Direct {
        /// `(await fetch(…))`, with its parentheses.
        response: Range<usize>,
        /// What is read of it.
        reads: Vec<Read>,
    },
}

/// A response with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The annotation `: Response`, which goes.
    pub annotation: Option<Range<usize>>,
    /// What is read of it, in order.
    pub reads: Vec<Read>,
    /// Where the name is bound.
    pub binding: Binding,
}

/// Where a response gets its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// `const res = await fetch(…);`, with what is needed to let the statement take the
    /// place of the one after it.
    Declaration {
        /// The whole statement.
        statement: Range<usize>,
        /// `await fetch(…)`.
        init: Range<usize>,
        /// The statement right after it, when that is a short one: `const data = await res.json();`.
        next: Option<Range<usize>>,
    },
    /// The parameter of `.then((res) => …)`.
    Then {
        /// What goes when the link only reads JSON: `.then((res) => res.json())`.
        link: Option<Range<usize>>,
    },
}

/// One read of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// What is read.
    pub kind: ReadKind,
    /// The expression, `res.ok` or `await res.json()` with the parentheses that `await` needed.
    pub range: Range<usize>,
    /// Whether it is an optional chain, `res?.ok`.
    pub optional: bool,
}

/// What a read is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadKind {
    /// `ok`.
    Ok,
    /// `status`.
    Status,
    /// The response itself, asked whether it is there: `if (!res)`.
    Presence,
    /// `data`, of a client that has parsed the body.
    Data,
    /// `json()`; `awaited` unless it is returned as it is.
    Json {
        /// Whether `await` stands in front.
        awaited: bool,
        /// `X` of `json().catch(() => X)`, for a body that is not JSON.
        fallback: Option<Range<usize>>,
    },
}

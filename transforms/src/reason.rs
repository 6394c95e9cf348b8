//! The one list of refusals and notes. Each has a code, a sentence that says what
//! was found, why it matters, and what to do about it. `routelift explain CODE`
//! prints it, and the README's tables are generated from it.

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal, $what:literal, $why:literal, $mend:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = $what] $variant,)* }

        impl $name {
            /// Every one, in the order of the list.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The stable code, as it is printed and taken by `explain`.
            pub fn code(self) -> &'static str {
                match self { $($name::$variant => $code,)* }
            }

            /// What was found.
            pub fn what(self) -> &'static str {
                match self { $($name::$variant => $what,)* }
            }

            /// Why it matters.
            pub fn why(self) -> &'static str {
                match self { $($name::$variant => $why,)* }
            }

            /// What to do about it.
            pub fn mend(self) -> &'static str {
                match self { $($name::$variant => $mend,)* }
            }

            /// The one with this code.
            pub fn from_code(code: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|entry| entry.code() == code)
            }
        }
    };
}

codes! {
    /// Why a route, or a whole app, is left as it is.
    Reason {
        Unparsable = "unparsable",
            "the file does not parse",
            "a file that is not understood cannot be rewritten",
            "mend the syntax error, or exclude the file";
        Unreadable = "unreadable",
            "the file cannot be read as UTF-8 text",
            "bytes that are not understood must not be rewritten",
            "save the file as UTF-8, or mend its permissions";
        NoDefaultExport = "no-default-export",
            "the API file has no default export",
            "Next.js does not serve such a file, so there is nothing to migrate",
            "export the handler, or move the file out of pages/api";
        HandlerNotFunction = "handler-not-function",
            "the default export is not a function in this file",
            "only a handler whose body is seen can be rewritten",
            "export the handler function itself";
        WrappedHandler = "wrapped-handler",
            "the handler is wrapped by a function that is not understood",
            "the wrapper may answer, check or change the request",
            "unwrap the handler, or migrate the wrapper by hand";
        ResEscapes = "res-escapes",
            "the response object is handed to code that is not followed",
            "that code may answer or set headers",
            "answer in the handler itself, or let the helper return what it would send";
        ReqEscapes = "req-escapes",
            "the request object is handed to code that is not followed",
            "that code may read what a web Request spells in another way",
            "hand over the values that the code needs";
        UnknownResMember = "unknown-res-member",
            "a member of the response object that has no equivalent here",
            "its effect on the answer would be lost",
            "use status, json, send, end, redirect, setHeader";
        UnknownReqMember = "unknown-req-member",
            "a member of the request object that has no equivalent here",
            "a web Request does not have it",
            "read the value from headers, cookies, query or body";
        ReplyThenCode = "reply-then-code",
            "code can run after the answer",
            "a returned Response would skip it",
            "return right after answering, or answer last";
        NoReply = "no-reply",
            "a path ends without an answer",
            "a pages handler leaves such a request hanging, a route handler answers 500",
            "answer on every path";
        ReplyInCallback = "reply-in-callback",
            "the answer is given inside a callback",
            "a value returned from the callback does not become the answer",
            "await the work and answer in the handler itself";
        ReplyInExpression = "reply-in-expression",
            "the answer is part of a larger expression",
            "it cannot be told what is answered and when",
            "answer in a statement of its own";
        UnknownSend = "unknown-send",
            "send() of a value whose kind is not known",
            "send answers JSON for objects, bytes for buffers and untyped text for strings",
            "use json() for data";
        UnknownHeader = "unknown-header",
            "a header whose name or value cannot be followed",
            "it may be a list, or Set-Cookie, which are carried over in another way",
            "set each header by a literal name and one string";
        HeaderInCallback = "header-in-callback",
            "a header or status is set in a place that cannot be followed to the answers",
            "the answer that it belongs to is not known",
            "set it before the answer, in the handler itself";
        DynamicStatus = "dynamic-status",
            "the status is set in one place and the answer given in another",
            "which status the answer gets depends on the path",
            "write res.status(n).json(…) in one go";
        MethodDispatch = "method-dispatch",
            "the handler tells methods apart in a way that is not understood",
            "each method becomes a function of its own",
            "compare req.method with literals, in if or switch";
        QueryUse = "query-use",
            "a use of req.query that is not understood",
            "path parameters and search parameters have different homes in the App Router",
            "read the parameters by name";
        BodyUse = "body-use",
            "a use of req.body that is not understood",
            "the body must be read before it is used",
            "read the body once, at the top of the handler";
        RawBody = "raw-body",
            "the raw body is read in a way that is not understood",
            "a web Request gives its bytes in another way",
            "read it by buffer(req), or collect the chunks and join them by Buffer.concat right after";
        ConfigExport = "config-export",
            "export const config has an entry with no equivalent in a route handler",
            "the setting would be lost without a word",
            "remove the entry, or keep the route";
        PreviewData = "preview-data",
            "preview data has no equivalent in the App Router",
            "draft mode carries no data",
            "use draft mode, or keep the route";
        RevalidatePages = "revalidate-pages",
            "res.revalidate of a page that is not surely in app/",
            "revalidatePath does not reach pages of the Pages Router",
            "migrate the page first";
        Sockets = "sockets",
            "the handler takes hold of the socket or the server behind it",
            "a route handler is called without them",
            "serve WebSockets from a server of its own, or keep the route";
        Streaming = "streaming",
            "the answer is written piece by piece",
            "a web Response takes a stream instead",
            "answer with one value, or build a ReadableStream";
        UnsupportedLibrary = "unsupported-library",
            "the handler belongs to a library without a recipe here",
            "its App Router form is not known",
            "follow the library's own migration guide";
        UnbundledLibrary = "unbundled-library",
            "the handler calls a library that fails in a bundle",
            "Next.js bundles what a route handler imports; what pages/api imports of packages it leaves as it is",
            "update the library";
        DuplicateRoute = "duplicate-route",
            "two API files serve one path",
            "which of them answers depends on the Next.js version, and beside app/ the pair is a build error",
            "remove one of them";
        TargetExists = "target-exists",
            "a file stands where the route would go",
            "Next.js refuses two handlers for one path",
            "remove one of them";
        PageConflict = "page-conflict",
            "an App Router page stands at the route's path",
            "page and route file cannot share a folder",
            "move the page or the route";
        SlugConflict = "slug-conflict",
            "a slug has another name at the same position in the other router",
            "Next.js 14 and 16 do not start, 15 answers every request with 500",
            "give the slugs one name";
        ImportedElsewhere = "imported-elsewhere",
            "another module imports the API file",
            "a route file may export handlers only",
            "move what is shared to a module of its own";
        NamedExport = "named-export",
            "the API file exports other values",
            "a route file may export handlers only",
            "move them to a module of their own";
        ModuleShape = "module-shape",
            "the module is written in a way that cannot be carried over",
            "its parts cannot be moved without changing what they mean",
            "use ES imports and exports";
        StaticExport = "static-export",
            "the app is exported statically",
            "output: 'export' serves no API routes",
            "nothing is to be done";
        NoRouteHandlers = "no-route-handlers",
            "this Next.js version has no route handlers",
            "app/**/route.ts came with 13.2",
            "upgrade Next.js to 13.2 or newer";
        UnknownNextVersion = "unknown-next-version",
            "the Next.js version cannot be told",
            "what is generated depends on it",
            "install the dependencies, or give --next VERSION";
        NotNext = "not-next",
            "this project does not depend on next",
            "only Next.js serves pages/api in this way",
            "nothing is to be done";
        NotFoundPage = "not-found-page",
            "the first file under app/ would replace the project's own 404 page",
            "Next.js 16 answers every unknown URL from app/ as soon as it exists",
            "add app/layout and app/not-found first, or give --accept not-found-page";
        CacheComponents = "cache-components",
            "cacheComponents is on",
            "segment options are build errors then, and a GET may be prerendered",
            "migrate this route by hand";
        ConfigHeaders = "config-headers",
            "the handler sets a header that next.config headers() may set too",
            "for a route handler the configuration wins, for a pages handler its own value",
            "set the header in one place";
        SharedState = "shared-state",
            "the route and code that stays change state in one module",
            "the two routers are bundled apart, so that each would have a copy of the state",
            "keep the state on globalThis or outside the process, or migrate everything that uses it at once";
        Kept = "kept",
            "the project asks to keep the file as it is",
            "routelift.toml or a comment in the file says keep",
            "nothing is to be done; take the entry away to migrate the route";
        RouteliftComment = "routelift-comment",
            "a routelift comment that cannot be followed",
            "what its author wants of the route is not known",
            "write // routelift: external, action or keep, at the top of the file or right above the handler; methods may stand behind the first two";
        ForcedWay = "forced-way",
            "the forced way out cannot work",
            "a forced way is refused where it would break the route",
            "drop the option, the entry or the comment that asks for it";
        CallSite = "call-site",
            "a call of the route cannot be rewritten",
            "a Server Action is only made when every caller can call it",
            "call it by fetch with a static URL in a statement of its own";
        OutputUnparsable = "output-unparsable",
            "what would be written does not parse",
            "a fault in this program; the route is left",
            "please report it with the file";
    }
}

impl Reason {
    /// Whether it is only that other modules need the file: a bridged handler can be a module of its own.
    pub fn is_shared_file(self) -> bool {
        matches!(self, Reason::ImportedElsewhere | Reason::NamedExport)
    }

    /// Whether it is about the handler's code alone, so that the untouched handler can run
    /// behind an adapter.
    pub fn can_be_bridged(self) -> bool {
        matches!(
            self,
            Reason::HandlerNotFunction
                | Reason::WrappedHandler
                | Reason::ResEscapes
                | Reason::ReqEscapes
                | Reason::UnknownResMember
                | Reason::UnknownReqMember
                | Reason::ReplyThenCode
                | Reason::NoReply
                | Reason::ReplyInCallback
                | Reason::ReplyInExpression
                | Reason::UnknownSend
                | Reason::UnknownHeader
                | Reason::HeaderInCallback
                | Reason::DynamicStatus
                | Reason::MethodDispatch
                | Reason::QueryUse
                | Reason::BodyUse
                | Reason::RawBody
                | Reason::Streaming
                | Reason::UnsupportedLibrary
        )
    }
}

codes! {
    /// A named difference between before and after.
    Note {
        JsonCharset = "json-charset",
            "JSON is answered as application/json, without charset and ETag",
            "Response.json sets no charset and Next.js adds no ETag to a route handler's answer",
            "nothing is to be done: JSON is always UTF-8";
        TextPlain = "text-plain",
            "plain text that had no type is answered as text/plain",
            "a string body of a Response sets the type",
            "nothing is to be done";
        Auto405 = "auto-405",
            "a method that the route does not handle is answered by Next.js: 405 with an empty body and no Allow header",
            "Next.js answers methods that a route file does not export",
            "--strict keeps the handler's own answer";
        AutoOptions = "auto-options",
            "OPTIONS is answered by Next.js: 204 with Allow",
            "Next.js answers OPTIONS for every route file that does not export it",
            "--strict keeps the handler's own answer";
        AutoHead = "auto-head",
            "HEAD is answered by Next.js as GET without a body",
            "Next.js answers HEAD by calling GET",
            "--strict keeps the handler's own answer";
        UncaughtError = "uncaught-error",
            "an error that the handler does not catch is answered as 500 with an empty body",
            "pages answered 500 with the text Internal Server Error, and kept the headers set before",
            "catch errors in the handler where clients read that answer";
        MalformedJson = "malformed-json",
            "a malformed JSON body is answered by the handler: as an error where it reads the body, not at all elsewhere",
            "pages answered it with 400 before the handler ran",
            "nothing is to be done unless clients depend on that 400";
        NoEtag = "no-etag",
            "the answer has no ETag",
            "send() added one, and answered 304 to a matching If-None-Match",
            "set an ETag in the handler if readers poll";
        EnvAtBuild = "env-at-build",
            "module-level code reads the environment, and runs at build time in app/",
            "next build loads every route file; pages/api files are loaded on the first request",
            "set the variables for the build, or create the client in the handler";
        UndefinedJson = "undefined-json",
            "an undefined value given to json() is an uncaught error",
            "Response.json throws on undefined, pages answered an empty body",
            "answer null where there is nothing to answer";
        CookieParsing = "cookie-parsing",
            "of cookies with one name the last is read, and quotes are kept",
            "request.cookies parses in another way than req.cookies",
            "nothing is to be done unless clients send doubled cookies";
        CookieSpelling = "cookie-spelling",
            "Set-Cookie is written by Next.js, with its attributes in another order and case, and Expires beside Max-Age",
            "the library sets the cookie by cookies() of next/headers",
            "nothing is to be done: browsers read both alike";
        RedirectBody = "redirect-body",
            "a redirect has no body",
            "pages gave the URL as text, the library's route handler gives nothing",
            "nothing is to be done: clients follow the Location header";
        ActionWhenCallerMoves = "action-when-caller-moves",
            "would become a Server Action when its callers move to the App Router",
            "a page under pages/ can reach a caller, and Server Actions do not run there",
            "move the callers to app/ first, or keep the route handler";
        ActionArguments = "action-arguments",
            "a path parameter is an argument, which whoever calls the action by hand can make anything",
            "in a URL it was always text; the arguments of a Server Action are not checked",
            "check it where the code relies on text, as in the filter of a query";
        ActionRefresh = "action-refresh",
            "after the action the page's server components are rendered anew",
            "an action that sets a cookie brings them with its answer, so that they see it; a fetch did not",
            "drop a router.refresh() that followed the call";
        SessionRefresh = "session-refresh",
            "getServerSession without req and res writes no cookies, so a rolling session is not extended",
            "next-auth writes its cookies only with a response at hand",
            "call the session endpoint from the client, as SessionProvider does";
        RevalidateLater = "revalidate-later",
            "a revalidated page is rendered at its next visit",
            "res.revalidate rendered it at once, and threw when that failed; revalidatePath marks it as stale",
            "nothing is to be done; the next visitor waits for the rendering";
        ModuleState = "module-state",
            "module-level state is not shared with routes left in pages/api",
            "the two routers are bundled apart",
            "keep shared state on globalThis or outside the process";
        UnansweredMethod = "unanswered-method",
            "a method that was left without an answer is answered 405",
            "the pages handler never answered it",
            "nothing is to be done";
        UnansweredPath = "unanswered-path",
            "a request that was left without an answer is answered 500",
            "the pages handler gave no answer on one of its paths, so that the request hung; Next.js answers 500 for a route handler that gives back nothing",
            "answer on that path";
        BridgeLimits = "bridge-limits",
            "a bridged handler gets no body with GET and HEAD, and no method beyond the seven of a route file; it gives no status outside 200 to 599, and header text beyond ASCII is sent as UTF-8",
            "Next.js hands a route handler nothing else, and takes no other answer",
            "nothing is to be done unless clients send or read these";
        RemoteAddress = "remote-address",
            "the remote address of a bridged handler's socket is the last one in X-Forwarded-For",
            "a route handler does not see the connection; Next.js puts its address there unless the header is sent",
            "let the proxy in front of the app set X-Forwarded-For";
        ForwardedFor = "forwarded-for",
            "the address of the connection is told by x-forwarded-for alone",
            "a route handler does not see the connection; Next.js sets that header to its address before any handler runs, unless the client sends the header",
            "nothing is to be done unless clients send the header empty";
        UnpackedBody = "unpacked-body",
            "a body that a bridged handler compresses is sent as it was before",
            "Next.js drops Content-Encoding from a route handler's answer, so the adapter decompresses the body",
            "nothing is to be done: Next.js compresses answers by itself";
        NextNotFound = "next-not-found",
            "unknown URLs show the 404 page of Next.js, without pages/404, _error and _app",
            "Next.js 16 answers every unknown URL from app/ as soon as it exists",
            "add app/layout and app/not-found where the page matters";
        SlugInUrl = "slug-in-url",
            "a search parameter named like a path parameter is in the URL that the handler reads",
            "pages takes it out of req.url",
            "nothing is to be done unless clients send such a parameter";
        BodyLimit = "body-limit",
            "the body size is not limited",
            "route handlers have no limit where pages answered 413 above 1 MB, or above the configured sizeLimit",
            "limit the size at the proxy if you rely on it";
    }
}

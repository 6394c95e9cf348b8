//! Library functions that a handler hands `req` or `res` to, and how their calls are written
//! in the App Router. In: a call whose function comes from a package. Out: what the call does,
//! in terms that emitters write without knowing the library. A call that is not surely
//! understood is refused by the library's name.
//!
//! One file for each library, one line each in [`LIBRARIES`].

pub mod auth0;
pub mod chain;
mod chain_text;
mod clerk;
mod cookies_next;
mod cors;
pub mod cors_calls;
mod formidable;
mod iron_session;
pub mod next_api_route_middleware;
pub mod next_auth;
pub mod next_connect;
mod nookies;
mod raw_body;
mod request_ip;
pub mod router_factory;
mod supabase;
mod supabase_ssr;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::facts::api_module::ApiModule;
use crate::facts::effect::Role;
use crate::next_version::{Feature, NextVersion};
use crate::reason::Note;
use crate::source::Source;
use crate::syntax::{Id, bare, id, member_name, prop_name};

pub use chain_text::pruned;
pub use raw_body::collects_bytes;

/// How a library reads a call of one of its functions.
type Reader = fn(&Call) -> Read;

/// The libraries by the packages that hold them, in order of their names.
const LIBRARIES: &[(&str, Reader)] = &[
    ("@auth0/nextjs-auth0", auth0::read),
    ("@clerk/nextjs", clerk::read),
    ("@supabase/auth-helpers-nextjs", supabase::read),
    ("cookies-next", cookies_next::read),
    ("iron-session", iron_session::read),
    ("micro", raw_body::micro),
    ("next-auth", next_auth::read),
    ("nookies", nookies::read),
    ("raw-body", raw_body::raw_body),
    ("request-ip", request_ip::read),
    ("stream/consumers", raw_body::consumers),
];

/// The libraries whose objects have methods that take the request, by the packages that hold what
/// makes them, in order of their names.
const OBJECTS: &[(&str, Reader)] = &[
    ("formidable", formidable::read),
    ("multiparty", formidable::multiparty),
];

/// How a library reads a call that wraps a handler: nothing when it is no such function, or why it
/// has no App Router form.
type WrapReader = fn(&Call) -> Option<Result<Wrapping, String>>;

/// The libraries whose functions wrap route handlers as well as API handlers.
const WRAPPERS: &[(&str, WrapReader)] = &[
    ("@auth0/nextjs-auth0", auth0::wrapping),
    ("@sentry/nextjs", unlike),
    ("@supabase/auth-helpers-nextjs", unlike),
    ("iron-session/next", unlike),
    ("next-axiom", unlike),
];

/// A library whose route handlers are wrapped by another function, or with other arguments.
fn unlike(call: &Call) -> Option<Result<Wrapping, String>> {
    let why = format!("{} wraps API handlers only", call.name);
    let mut parts = call.module.splitn(3, '/');
    let package = match (parts.next(), parts.next()) {
        (Some(scope), Some(name)) if scope.starts_with('@') => format!("{scope}/{name}"),
        (first, _) => first.unwrap_or_default().to_string(),
    };
    Some(Err(call.refusal(&package, &why)))
}

/// A library function that wraps a route handler as it wraps an API handler.
#[derive(Debug, Clone, Default)]
pub struct Wrapping {
    /// Differences that it brings.
    pub notes: Vec<Note>,
    /// Whether the library types the context by itself, so that the path parameters have no
    /// annotation and are asserted where they are read.
    pub types_context: bool,
    /// What the Next.js version must have, or the handler is refused for this reason.
    pub wants: Option<(Feature, String)>,
}

/// Reads a call that wraps a handler: `None` where its function is not known to.
pub fn wrapping(
    source: &Source,
    module: &str,
    name: &str,
    node: &CallExpr,
) -> Option<Result<Wrapping, String>> {
    let (_, reader) = WRAPPERS.iter().find(|(known, _)| *known == module)?;
    reader(&Call {
        node,
        module,
        name,
        source,
        role: &|_| None,
    })
}

/// What a library makes of a call.
pub enum Read {
    /// The call is none that takes the request or the response.
    Unknown,
    /// The call as it is written in the App Router. Arguments that are neither the request nor
    /// the response are read like other code.
    Written(Written),
    /// It reads the raw body.
    RawBody {
        /// The form that the code gets: text, or bytes.
        text: bool,
        /// Whether the function limits the size of the body.
        limited: bool,
    },
    /// It has no faithful form; why, starting with the library's name.
    Refused(String),
    /// It fails where it is bundled, whoever calls it; its name and version.
    Unbundled(String),
}

/// A call of a library function as it is written in the App Router.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// What is replaced, in order of the places.
    pub edits: Vec<(Range<usize>, Vec<Piece>)>,
    /// Code that goes and whose names count as used no more.
    pub dropped: Vec<Range<usize>>,
    /// What of the request the new call takes.
    pub takes: Takes,
    /// Names that the new call imports: module and name.
    pub imports: Vec<(&'static str, &'static str)>,
    /// Modules that are imported by another specifier.
    pub renamed: Vec<(String, &'static str)>,
    /// Differences that it brings.
    pub notes: Vec<Note>,
    /// Whether it sets cookies beside the answer, by `cookies()` of `next/headers`.
    pub sets_cookies: bool,
    /// Whether it reads the body.
    pub reads_body: bool,
    /// Whether it reads the body as a stream, so that nothing may have read it before.
    pub streams: bool,
    /// What the Next.js version must have, or the call is refused for this reason.
    pub wants: Option<(Feature, String)>,
}

/// What of the request a call takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    #[default]
    Nothing,
    /// A web `Request`.
    Request,
    /// A `NextRequest`, with its cookies.
    NextRequest,
}

/// A piece of new text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text.
    Text(String),
    /// Code that stays.
    Keep(Range<usize>),
    /// The name of the request.
    Request,
    /// The request as a Node.js stream with headers.
    NodeRequest,
    /// A string literal in the style of the file.
    Literal(&'static str),
    /// The cookie store of `next/headers`, awaited where it is a promise.
    CookieStore,
    /// The same, as the object of a member access.
    CookieStoreObject,
}

impl Piece {
    fn text(text: &str) -> Piece {
        Piece::Text(text.to_string())
    }
}

/// A call of a function that a package exports.
pub struct Call<'c> {
    /// The call.
    pub node: &'c CallExpr,
    /// The specifier that the function is imported by.
    pub module: &'c str,
    /// The exported name, or the member of the default export or of all exports.
    pub name: &'c str,
    /// The file.
    pub source: &'c Source,
    role: &'c dyn Fn(&Expr) -> Option<Role>,
}

/// `{ req, res, … }`: which of its properties are the request and the response.
pub struct Context<'c> {
    /// The properties of the request and the response.
    pub roles: Vec<(Role, &'c PropOrSpread)>,
    /// The others.
    pub others: Vec<&'c PropOrSpread>,
    /// The object.
    pub object: &'c ObjectLit,
}

impl Context<'_> {
    /// Whether the request is among the properties.
    pub fn has(&self, role: Role) -> bool {
        self.roles.iter().any(|(found, _)| *found == role)
    }
}

impl<'c> Call<'c> {
    /// Whether an argument is the request.
    pub fn is_request(&self, arg: &ExprOrSpread) -> bool {
        arg.spread.is_none() && (self.role)(&arg.expr) == Some(Role::Request)
    }

    /// Whether an argument is the response.
    pub fn is_response(&self, arg: &ExprOrSpread) -> bool {
        arg.spread.is_none() && (self.role)(&arg.expr) == Some(Role::Response)
    }

    /// Whether the request or the response is among the arguments, alone or in an object.
    pub fn takes_roles(&self) -> bool {
        self.node.args.iter().any(|arg| {
            (self.role)(&arg.expr).is_some()
                || self
                    .context(&arg.expr)
                    .is_some_and(|context| !context.roles.is_empty())
        })
    }

    /// Reads `{ req, res, … }`.
    pub fn context<'e>(&self, expr: &'e Expr) -> Option<Context<'e>> {
        let Expr::Object(object) = bare(expr) else {
            return None;
        };
        let mut context = Context {
            roles: Vec::new(),
            others: Vec::new(),
            object,
        };
        for prop in &object.props {
            let value = match prop {
                PropOrSpread::Prop(prop) => match &**prop {
                    Prop::Shorthand(name) => Some((name.sym.to_string(), name.clone().into())),
                    Prop::KeyValue(pair) => {
                        prop_name(&pair.key).map(|key| (key, (*pair.value).clone()))
                    }
                    _ => None,
                },
                PropOrSpread::Spread(_) => None,
            };
            let role = value.and_then(|(key, value)| {
                let role = (self.role)(&value)?;
                (key == if role == Role::Request { "req" } else { "res" }).then_some(role)
            });
            match role {
                Some(role) => context.roles.push((role, prop)),
                None => context.others.push(prop),
            }
        }
        Some(context)
    }

    /// The place of the call.
    pub fn range(&self) -> Range<usize> {
        self.source.range(self.node)
    }

    /// The place of what is called.
    pub fn callee(&self) -> Range<usize> {
        self.source.range(&self.node.callee)
    }

    /// What stands between the parentheses.
    pub fn list(&self) -> Range<usize> {
        let after = match &self.node.type_args {
            Some(types) => self.source.range(&**types).end,
            None => self.callee().end,
        };
        let open = self.source.text[after..]
            .find('(')
            .map_or(after, |at| after + at + 1);
        open..self.range().end - 1
    }

    /// Whether the call is awaited.
    pub fn awaited(&self) -> bool {
        let before = self.source.text[..self.range().start].trim_end();
        before.ends_with("await")
    }

    /// The version of a package.
    pub fn version(&self, package: &str) -> Option<NextVersion> {
        NextVersion::parse(self.source.packages.range(package)?)
    }

    /// Whether the major version of a package is one of these.
    pub fn is_major(&self, package: &str, majors: std::ops::RangeInclusive<u16>) -> bool {
        self.version(package)
            .is_some_and(|version| majors.contains(&version.major))
    }

    /// The refusal of a version, by name.
    pub fn unsupported(&self, package: &str, why: &str) -> Read {
        Read::Refused(self.refusal(package, why))
    }

    /// Why a version is refused, by name.
    pub fn refusal(&self, package: &str, why: &str) -> String {
        let range = self.source.packages.range(package);
        format!(
            "{package} {}: {why}",
            range.unwrap_or("of an unknown version")
        )
    }
}

/// Reads a call: what the library makes of it, or `None` where it calls no library.
pub fn read(
    module: &ApiModule,
    role: &dyn Fn(&Expr) -> Option<Role>,
    node: &CallExpr,
) -> Option<Read> {
    let Callee::Expr(callee) = &node.callee else {
        return None;
    };
    if let Some(read) = read_object(module, role, node, callee) {
        return Some(read);
    }
    let (from, name) = imported(module, callee)?;
    let package = from.strip_prefix("node:").unwrap_or(&from);
    let (_, reader) = LIBRARIES.iter().find(|(known, _)| {
        package
            .strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })?;
    let call = Call {
        node,
        module: &from,
        name: &name,
        source: module.source,
        role,
    };
    match reader(&call) {
        Read::Unknown => None,
        read => Some(read),
    }
}

/// Reads a call of a method of an object that a library has made: the object is made in place, or
/// is a constant.
fn read_object(
    module: &ApiModule,
    role: &dyn Fn(&Expr) -> Option<Role>,
    node: &CallExpr,
    callee: &Expr,
) -> Option<Read> {
    let Expr::Member(access) = bare(callee) else {
        return None;
    };
    if node.args.iter().all(|arg| role(&arg.expr).is_none()) {
        return None;
    }
    let made_by = |object: &Expr| match bare(object) {
        Expr::Call(call) => imported(module, bare(call.callee.as_expr()?)),
        Expr::New(new) => imported(module, bare(&new.callee)),
        _ => None,
    };
    let (from, _) = match bare(&access.obj) {
        Expr::Ident(name) => made_by(&constant(module, &id(name))?)?,
        made => made_by(made)?,
    };
    let (_, reader) = OBJECTS.iter().find(|(known, _)| *known == from)?;
    let name = member_name(&access.prop)?;
    let call = Call {
        node,
        module: &from,
        name: &name,
        source: module.source,
        role,
    };
    match reader(&call) {
        Read::Unknown => None,
        read => Some(read),
    }
}

/// The initialiser of a constant, wherever the file declares it.
fn constant(module: &ApiModule, name: &Id) -> Option<Expr> {
    struct Constants<'n>(&'n Id, Option<Expr>);
    impl Visit for Constants<'_> {
        fn visit_var_decl(&mut self, node: &VarDecl) {
            for declarator in &node.decls {
                let named =
                    matches!(&declarator.name, Pat::Ident(binding) if id(&binding.id) == *self.0);
                if named && node.kind == VarDeclKind::Const {
                    self.1 = declarator.init.as_deref().cloned();
                }
            }
            node.visit_children_with(self);
        }
    }
    let mut constants = Constants(name, None);
    module.source.module.visit_with(&mut constants);
    constants.1
}

/// The module and the exported name behind a callee: `name`, `all.name` or `main.name`.
fn imported(module: &ApiModule, callee: &Expr) -> Option<(String, String)> {
    match bare(callee) {
        Expr::Ident(name) => module.imports.get(&id(name)).cloned(),
        Expr::Member(access) => {
            let Expr::Ident(object) = bare(&access.obj) else {
                return None;
            };
            let (from, name) = module.imports.get(&id(object))?;
            let member = member_name(&access.prop)?;
            matches!(&**name, "*" | "default").then(|| (from.clone(), member))
        }
        _ => None,
    }
}

/// The headers that a library's function hands to the functions that it is given.
pub fn header_names(module: &ApiModule, callee: &Expr) -> Option<&'static [&'static str]> {
    let Expr::Ident(name) = bare(callee) else {
        return None;
    };
    let (from, exported) = module.imports.get(&id(name))?;
    let known = from == "@supabase/ssr" && exported == "createServerClient";
    known.then_some(supabase_ssr::HEADERS)
}

/// The package that a callee comes from, when it is one that the project depends on: the callee
/// is its export, a member of it, or a member of what it made.
pub fn package(module: &ApiModule, callee: &Expr) -> Option<String> {
    let mut root = bare(callee);
    let mut depth = 0;
    loop {
        root = match root {
            Expr::Member(access) => bare(&access.obj),
            Expr::Call(call) => match &call.callee {
                Callee::Expr(callee) => bare(callee),
                _ => return None,
            },
            Expr::New(new) => bare(&new.callee),
            Expr::Ident(name) => match module.imports.get(&id(name)) {
                Some((from, _)) => {
                    let mut parts = from.splitn(3, '/');
                    let first = parts.next()?;
                    let package = match first.starts_with('@') {
                        true => format!("{first}/{}", parts.next()?),
                        false => first.to_string(),
                    };
                    module.source.packages.range(&package)?;
                    return Some(package);
                }
                None => {
                    let made = crate::idioms::request::initialiser(module, &id(name))?;
                    match bare(made) {
                        made @ (Expr::Call(_) | Expr::New(_)) => made,
                        _ => return None,
                    }
                }
            },
            _ => return None,
        };
        depth += 1;
        if depth > 20 {
            return None;
        }
    }
}

/// The packages that a project's `package.json` files ask for: names and version ranges.
#[derive(Debug, Clone, Default)]
pub struct Packages(Vec<Arc<BTreeMap<String, String>>>);

impl Packages {
    /// What the `package.json` files above a file ask for, nearest first.
    pub fn new(nearest_first: Vec<Arc<BTreeMap<String, String>>>) -> Packages {
        Packages(nearest_first)
    }

    /// The version range of a package.
    pub fn range(&self, package: &str) -> Option<&str> {
        self.0
            .iter()
            .find_map(|packages| packages.get(package))
            .map(String::as_str)
    }
}

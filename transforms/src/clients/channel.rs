//! The functions of one file through which requests go: instances of a client
//! (`axios.create({ baseURL: '/api' })`) and functions that send a request to a URL that they are given
//! (`post(url, body)`, `client.get(url)`). In: a file, and the channels that it imports. Out:
//! for each name that the file binds, what its calls do. A function that sends two requests, one
//! whose URL is more than its parameter with a fixed text in front, or one whose text names a
//! route by itself (`getPost(id)`), is none.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::init::{Init, literal};
use super::pattern::{Constants, Pattern, hole, texts};
use super::values::{self, Value};
use super::{axios, constants, fetch};
use crate::source::Source;
use crate::syntax::{bare, prop_name};

/// What the calls of a name do.
#[derive(Debug, Clone)]
pub(super) enum Channel {
    /// An instance of a client.
    Instance(Instance),
    /// A function, or an object of functions.
    Functions(Vec<Function>),
    /// No function, but URLs.
    Urls(Value),
}

/// An instance of a client.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    /// What it puts in front of every URL.
    pub front: Front,
    /// Whether it is one of axios, and then whether it is nothing but axios with a base URL.
    pub axios: Option<bool>,
}

/// A function that sends a request to a URL that it is given.
#[derive(Debug, Clone)]
pub(super) struct Function {
    /// The member of the name that it is, unless it is the name's own value.
    pub member: Option<String>,
    front: Front,
    url: Parameter,
    method: Method,
    /// The bytes of the request.
    request: Range<usize>,
}

/// What stands in front of a URL.
#[derive(Debug, Clone)]
pub(super) struct Front {
    text: Pattern,
    /// Whether a slash stands between it and the URL, as behind a base URL; and the bytes of
    /// that.
    joined: Option<Range<usize>>,
}

/// A parameter, or a property of it.
#[derive(Debug, Clone)]
struct Parameter {
    index: usize,
    property: Option<String>,
}

/// The method of a request.
#[derive(Debug, Clone)]
enum Method {
    /// Always this one; `None` when it cannot be told.
    Fixed(Option<String>),
    /// What a parameter says.
    Given(Parameter),
    /// What the options say that a parameter is.
    Options(usize),
}

/// One call of a channel.
pub(super) struct Sent<'a> {
    /// The expression that the URL is.
    pub url: &'a Expr,
    /// The URLs that it can be, with what stands in front of it.
    pub texts: Vec<Pattern>,
    /// The method in capitals; `None` when it cannot be told.
    pub method: Option<String>,
}

impl Front {
    /// Nothing.
    fn none() -> Front {
        Front {
            text: Pattern::default(),
            joined: None,
        }
    }

    /// Whether it names what every URL of the API starts with.
    fn is_open(&self) -> bool {
        self.text.text.contains("api")
    }

    /// A URL with it in front.
    pub fn before(&self, url: &Pattern) -> Pattern {
        let absolute = url.text.contains("://") || url.text.starts_with("//");
        let joined = self.joined.is_some();
        if joined && absolute {
            return url.clone();
        }
        let mut text = self.text.clone();
        if joined && !text.text.is_empty() {
            // A base that is not known may end in the API's own path.
            if text.text.ends_with(|c| hole(c).is_some()) && !names_api(&url.text) {
                text.push(&Pattern::text("/api"));
            }
            let end = text.text.trim_end_matches('/').len();
            text.text.truncate(end);
            if !url.text.starts_with('/') {
                text.push(&Pattern::text("/"));
            }
        }
        // What stands there may be another file's.
        for hole in &mut text.holes {
            hole.plain = false;
        }
        text.push(url);
        text
    }
}

fn names_api(url: &str) -> bool {
    let path = url.trim_start_matches('/');
    path == "api" || path.starts_with("api/")
}

impl Channel {
    /// Where it says that any URL below `/api` may be meant: the bytes.
    pub fn open(&self) -> Vec<Range<usize>> {
        match self {
            Channel::Instance(Instance { front, .. }) => {
                let base = front.joined.clone();
                base.into_iter().filter(|_| front.is_open()).collect()
            }
            Channel::Functions(functions) => functions
                .iter()
                .filter(|function| function.front.is_open())
                .map(|function| function.request.clone())
                .collect(),
            Channel::Urls(value) => value.ranges(),
        }
    }

    /// What a call sends; `None` when it is none of the channel's, or its URL does not show.
    pub fn sent<'a>(
        &self,
        source: &Source,
        constants: &Constants,
        member: Option<&str>,
        args: &'a [ExprOrSpread],
    ) -> Option<Sent<'a>> {
        if args.iter().any(|arg| arg.spread.is_some()) {
            return None;
        }
        let (front, url, method) = match self {
            Channel::Instance(Instance { front, .. }) => {
                let (url, method) = axios::request(source, constants, member, args)?;
                (front, url, method)
            }
            Channel::Functions(functions) => {
                let function = functions
                    .iter()
                    .find(|function| function.member.as_deref() == member)?;
                let url = function.url.argument(args)?;
                let method = function.method.of(source, constants, args);
                (&function.front, url, method)
            }
            Channel::Urls(_) => return None,
        };
        let texts = texts(source, constants, url)
            .iter()
            .map(|text| front.before(text))
            .collect();
        Some(Sent { url, texts, method })
    }
}

impl Parameter {
    fn argument<'a>(&self, args: &'a [ExprOrSpread]) -> Option<&'a Expr> {
        let argument = bare(&args.get(self.index)?.expr);
        let Some(wanted) = &self.property else {
            return Some(argument);
        };
        let Expr::Object(object) = argument else {
            return None;
        };
        crate::syntax::property(object, wanted)
    }
}

impl Method {
    fn of(&self, source: &Source, constants: &Constants, args: &[ExprOrSpread]) -> Option<String> {
        match self {
            Method::Fixed(method) => method.clone(),
            Method::Given(parameter) => {
                literal(parameter.argument(args)?).map(|method| method.to_ascii_uppercase())
            }
            Method::Options(index) => match args.get(*index) {
                None => Some("GET".to_string()),
                Some(options) => Init::read(source, constants, &options.expr).method,
            },
        }
    }
}

/// A name of a file that is a channel.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    /// The name, or `None` for a default export without one.
    pub id: Option<Id>,
    /// The names under which the file exports it.
    pub exports: Vec<String>,
    /// The bytes that define it.
    pub range: Range<usize>,
    /// What its calls do.
    pub channel: Channel,
}

/// Reads the channels of a file. `known` are those that it knows by name already; `names_route` says
/// whether a text names a route by itself.
pub(super) fn definitions(
    source: &Source,
    known: &HashMap<Id, Channel>,
    names_route: &dyn Fn(&Pattern) -> bool,
) -> Vec<Definition> {
    let mut constants = constants::find(source).constants;
    constants.held = urls(known);
    let mut known = known.clone();
    let mut found: Vec<Definition> = Vec::new();
    let reader = |known: &HashMap<Id, Channel>, value: &Declared| {
        let reader = Reader {
            source,
            constants: &constants,
            known,
            names_route,
        };
        reader.channel(value)
    };
    let mut nested = Nested {
        source,
        depth: 0,
        found: Vec::new(),
    };
    if super::channels::sends(&source.text) {
        source.module.visit_with(&mut nested);
    }
    let inner = nested.found.iter().map(|(id, range, value)| {
        let (id, range) = (Some(id.clone()), range.clone());
        (id, Vec::new(), range, Declared::Expr(value))
    });
    let top = source
        .items()
        .iter()
        .flat_map(|item| declared(source, item));
    for (id, exports, range, value) in top.chain(inner) {
        let Some(channel) = reader(&known, &value) else {
            continue;
        };
        known.extend(id.clone().map(|id| (id, channel.clone())));
        found.push(Definition {
            id,
            exports,
            range,
            channel,
        });
    }
    for (id, name) in exported(source) {
        for definition in &mut found {
            if definition.id.as_ref() == Some(&id) {
                definition.exports.push(name.clone());
            }
        }
    }
    // A text of the file's own is followed where it is used.
    found.retain(|definition| {
        !matches!(&definition.channel, Channel::Urls(Value::Text(..)))
            || !definition.exports.is_empty()
    });
    found
}

/// The names that hold URLs.
pub(super) fn urls(known: &HashMap<Id, Channel>) -> HashMap<Id, Value> {
    let held = known.iter().filter_map(|(id, channel)| match channel {
        Channel::Urls(value) => Some((id.clone(), value.clone())),
        _ => None,
    });
    held.collect()
}

/// What a name is declared to be.
enum Declared<'a> {
    Expr(&'a Expr),
    Function(&'a swc_core::ecma::ast::Function),
    Enum(&'a TsEnumDecl),
}

type Named<'a> = (Option<Id>, Vec<String>, Range<usize>, Declared<'a>);

/// The names that an item declares at the top of a file.
fn declared<'a>(source: &Source, item: &'a ModuleItem) -> Vec<Named<'a>> {
    let of_decl = |decl: &'a Decl, exported: bool| -> Vec<Named<'a>> {
        let exports = |name: &Ident| match exported {
            true => vec![name.sym.to_string()],
            false => Vec::new(),
        };
        match decl {
            Decl::Fn(function) => vec![(
                Some(function.ident.to_id()),
                exports(&function.ident),
                source.range(function),
                Declared::Function(&function.function),
            )],
            Decl::TsEnum(declared) => vec![(
                Some(declared.id.to_id()),
                exports(&declared.id),
                source.range(&**declared),
                Declared::Enum(declared),
            )],
            Decl::Var(variables) if variables.kind == VarDeclKind::Const => variables
                .decls
                .iter()
                .filter_map(|declarator| {
                    let Pat::Ident(name) = &declarator.name else {
                        return None;
                    };
                    let value = Declared::Expr(declarator.init.as_deref()?);
                    let range = source.range(declarator);
                    Some((Some(name.id.to_id()), exports(&name.id), range, value))
                })
                .collect(),
            _ => Vec::new(),
        }
    };
    let default = || vec!["default".to_string()];
    match item {
        ModuleItem::Stmt(Stmt::Decl(decl)) => of_decl(decl, false),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => of_decl(&export.decl, true),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => match &export.decl {
            DefaultDecl::Fn(function) => vec![(
                function.ident.as_ref().map(Ident::to_id),
                default(),
                source.range(export),
                Declared::Function(&function.function),
            )],
            _ => Vec::new(),
        },
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => vec![(
            None,
            default(),
            source.range(export),
            Declared::Expr(&export.expr),
        )],
        _ => Vec::new(),
    }
}

/// The functions that stand in functions, and may send requests.
struct Nested<'s> {
    source: &'s Source,
    depth: usize,
    found: Vec<(Id, Range<usize>, Box<Expr>)>,
}

impl Nested<'_> {
    fn inside(&mut self, visit: impl FnOnce(&mut Self)) {
        self.depth += 1;
        visit(self);
        self.depth -= 1;
    }

    fn add(&mut self, name: &Ident, range: Range<usize>, value: impl FnOnce() -> Box<Expr>) {
        if self.depth > 0 && super::channels::sends(&self.source.text[range.clone()]) {
            self.found.push((name.to_id(), range, value()));
        }
    }
}

impl Visit for Nested<'_> {
    fn visit_fn_decl(&mut self, declared: &FnDecl) {
        let range = self.source.range(declared);
        self.add(&declared.ident, range, || {
            Box::new(Expr::Fn(FnExpr {
                ident: None,
                function: declared.function.clone(),
            }))
        });
        declared.visit_children_with(self);
    }

    fn visit_var_declarator(&mut self, declarator: &VarDeclarator) {
        if let (Pat::Ident(name), Some(value)) = (&declarator.name, &declarator.init)
            && matches!(bare(value), Expr::Arrow(_) | Expr::Fn(_) | Expr::Call(_))
        {
            let range = self.source.range(declarator);
            self.add(&name.id, range, || value.clone());
        }
        declarator.visit_children_with(self);
    }

    fn visit_function(&mut self, function: &swc_core::ecma::ast::Function) {
        self.inside(|nested| function.visit_children_with(nested));
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        self.inside(|nested| arrow.visit_children_with(nested));
    }
}

/// The function in `useCallback(async (url) => …, [])`.
fn callback(call: &CallExpr) -> Option<&Expr> {
    let (name, _) = callee_of(call.callee.as_expr()?)?;
    let hook = match call.callee.as_expr().map(|callee| bare(callee)) {
        Some(Expr::Member(member)) => member.prop.is_ident_with("useCallback"),
        _ => &*name.sym == "useCallback",
    };
    let first = call.args.first().filter(|first| first.spread.is_none());
    first.map(|first| &*first.expr).filter(|_| hook)
}

/// The names that a file exports by `export { x as y }` and `export default x`.
pub(super) fn exported(source: &Source) -> Vec<(Id, String)> {
    let mut found = Vec::new();
    for item in source.items() {
        match item {
            ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export)) if export.src.is_none() => {
                for specifier in &export.specifiers {
                    let ExportSpecifier::Named(named) = specifier else {
                        continue;
                    };
                    let ModuleExportName::Ident(name) = &named.orig else {
                        continue;
                    };
                    let exported = named.exported.as_ref().unwrap_or(&named.orig);
                    found.push((name.to_id(), exported.atom().to_string()));
                }
            }
            ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => {
                if let Expr::Ident(name) = bare(&export.expr) {
                    found.push((name.to_id(), "default".to_string()));
                }
            }
            _ => {}
        }
    }
    found
}

/// Reads what a name is declared to be.
struct Reader<'r> {
    source: &'r Source,
    constants: &'r Constants,
    known: &'r HashMap<Id, Channel>,
    names_route: &'r dyn Fn(&Pattern) -> bool,
}

impl Reader<'_> {
    fn channel(&self, value: &Declared) -> Option<Channel> {
        let (source, constants) = (self.source, self.constants);
        let value = match value {
            Declared::Enum(declared) => {
                return values::enum_value(source, declared).map(Channel::Urls);
            }
            Declared::Function(function) => {
                let sends = self.declared(None, function);
                let sends = sends.map(|function| Channel::Functions(vec![function]));
                let built = || values::function_value(source, constants, function);
                return sends.or_else(|| built().map(Channel::Urls));
            }
            Declared::Expr(value) => bare(value),
        };
        let sends = match value {
            Expr::Object(object) => {
                let properties = object.props.iter();
                let functions: Vec<Function> = properties
                    .filter_map(|property| self.member(property))
                    .collect();
                (!functions.is_empty()).then_some(Channel::Functions(functions))
            }
            Expr::Call(call) => match callback(call) {
                Some(callback) => {
                    let function = self.value(None, callback);
                    function.map(|function| Channel::Functions(vec![function]))
                }
                None => self.instance(value).map(Channel::Instance),
            },
            _ => {
                let function = self.value(None, value);
                function.map(|function| Channel::Functions(vec![function]))
            }
        };
        sends.or_else(|| values::read(source, constants, value).map(Channel::Urls))
    }

    /// `axios.create({ baseURL })` and its like.
    fn instance(&self, value: &Expr) -> Option<Instance> {
        let (object, name, args) = crate::syntax::method_call(value)?;
        if !matches!(name.as_str(), "create" | "extend" | "instance") {
            return None;
        }
        let Expr::Ident(client) = bare(object) else {
            return None;
        };
        let is_client = matches!(
            &*client.sym,
            "axios" | "Axios" | "ky" | "ofetch" | "$fetch" | "got"
        );
        let options = match args {
            [] => None,
            [options] if options.spread.is_none() => match bare(&options.expr) {
                Expr::Object(object) => Some(object),
                _ => return None,
            },
            _ => return None,
        };
        let mut base = None;
        for property in options.iter().flat_map(|options| &options.props) {
            let PropOrSpread::Prop(property) = property else {
                return None;
            };
            match &**property {
                Prop::KeyValue(pair) => {
                    let name = prop_name(&pair.key)?;
                    match name.as_str() {
                        "baseURL" | "prefixUrl" => base = Some(&*pair.value),
                        "method" | "url" | "hooks" => return None,
                        _ => {}
                    }
                }
                Prop::Shorthand(name) if matches!(&*name.sym, "baseURL" | "prefixUrl") => {
                    return None;
                }
                _ => {}
            }
        }
        if base.is_none() && !is_client {
            return None;
        }
        let axios = axios::names(self.source).contains(&client.to_id());
        let axios = axios.then(|| name == "create" && axios::is_plain(self.source, options));
        let Some(base) = base else {
            let front = Front::none();
            return Some(Instance { front, axios });
        };
        match texts(self.source, self.constants, base).as_slice() {
            [text] => {
                let front = Front {
                    text: text.clone(),
                    joined: Some(self.source.range(base)),
                };
                Some(Instance { front, axios })
            }
            _ => None,
        }
    }

    fn member(&self, property: &PropOrSpread) -> Option<Function> {
        let PropOrSpread::Prop(property) = property else {
            return None;
        };
        match &**property {
            Prop::KeyValue(pair) => self.value(Some(prop_name(&pair.key)?), &pair.value),
            Prop::Method(method) => self.declared(Some(prop_name(&method.key)?), &method.function),
            _ => None,
        }
    }

    fn value(&self, member: Option<String>, value: &Expr) -> Option<Function> {
        match bare(value) {
            Expr::Arrow(arrow) => {
                let params: Vec<&Pat> = arrow.params.iter().collect();
                self.function(member, &params, &*arrow.body)
            }
            Expr::Fn(function) => self.declared(member, &function.function),
            _ => None,
        }
    }

    fn declared(
        &self,
        member: Option<String>,
        function: &swc_core::ecma::ast::Function,
    ) -> Option<Function> {
        let params: Vec<&Pat> = function.params.iter().map(|param| &param.pat).collect();
        self.function(member, &params, function.body.as_ref()?)
    }

    /// A function whose one request goes to what one of its parameters says.
    fn function<B>(&self, member: Option<String>, params: &[&Pat], body: &B) -> Option<Function>
    where
        B: for<'v> VisitWith<Requests<'v>>,
    {
        let params = parameters(params);
        let mut requests = Requests {
            reader: self,
            found: Vec::new(),
            unknown: false,
            changed: HashSet::new(),
        };
        body.visit_with(&mut requests);
        let Requests {
            mut found,
            unknown,
            changed,
            ..
        } = requests;
        if unknown || found.len() != 1 {
            return None;
        }
        let request = found.pop()?;
        let mut names = Idents {
            source: self.source,
            found: HashMap::new(),
        };
        request.url.visit_with(&mut names);
        let [text] = request.texts.as_slice() else {
            return None;
        };
        if (self.names_route)(text) {
            return None;
        }
        // The parameter is the last of the path, with at most a query behind it.
        let path = text.text.split(['?', '#']).next().unwrap_or_default();
        let last = path.chars().next_back().and_then(hole)?;
        let id = names.found.get(&text.holes.get(last)?.range)?;
        let url = params.get(id).filter(|_| !changed.contains(id))?.clone();
        let front = &path[..path.char_indices().next_back()?.0];
        let given = |name: &Expr| match bare(name) {
            Expr::Ident(name) => params.get(&name.to_id()).cloned(),
            _ => None,
        };
        let method = match request.method {
            Told::Known(method) => Method::Fixed(method),
            Told::By(method) => given(&method).map_or(Method::Fixed(None), Method::Given),
            Told::Options(options) => match given(&options) {
                Some(Parameter {
                    index,
                    property: None,
                }) => Method::Options(index),
                _ => Method::Fixed(None),
            },
        };
        Some(Function {
            member,
            front: Front {
                text: Pattern {
                    text: front.to_string(),
                    ..text.clone()
                },
                joined: None,
            },
            url,
            method,
            request: request.range,
        })
    }
}

/// The names that parameters bind, and what each of them is.
fn parameters(params: &[&Pat]) -> HashMap<Id, Parameter> {
    let mut found = HashMap::new();
    for (index, pat) in params.iter().enumerate() {
        let pat = match pat {
            // What stands for a URL that is not given is another URL.
            Pat::Assign(assign) if matches!(&*assign.left, Pat::Object(_)) => &assign.left,
            pat => *pat,
        };
        match pat {
            Pat::Ident(name) => {
                let property = None;
                found.insert(name.id.to_id(), Parameter { index, property });
            }
            Pat::Assign(assign) => {
                if let Pat::Ident(name) = &*assign.left
                    && matches!(bare(&assign.right), Expr::Object(object) if object.props.is_empty())
                {
                    let property = None;
                    found.insert(name.id.to_id(), Parameter { index, property });
                }
            }
            Pat::Object(object) => {
                for property in &object.props {
                    let (key, name) = match property {
                        ObjectPatProp::Assign(short) if short.value.is_none() => {
                            (short.key.id.sym.to_string(), short.key.id.to_id())
                        }
                        ObjectPatProp::KeyValue(pair) => match (prop_name(&pair.key), &*pair.value)
                        {
                            (Some(key), Pat::Ident(name)) => (key, name.id.to_id()),
                            _ => continue,
                        },
                        _ => continue,
                    };
                    let property = Some(key);
                    found.insert(name, Parameter { index, property });
                }
            }
            _ => {}
        }
    }
    found
}

/// The requests that a function sends.
struct Requests<'r> {
    reader: &'r Reader<'r>,
    found: Vec<Request>,
    /// Whether there is one whose URL does not show.
    unknown: bool,
    /// Names that are assigned to.
    changed: HashSet<Id>,
}

/// A request.
struct Request {
    range: Range<usize>,
    url: Expr,
    texts: Vec<Pattern>,
    method: Told,
}

/// How the method of a request is told.
enum Told {
    Known(Option<String>),
    By(Box<Expr>),
    Options(Box<Expr>),
}

impl Requests<'_> {
    fn request(&self, call: &CallExpr) -> Option<Option<Request>> {
        let Callee::Expr(callee) = &call.callee else {
            return None;
        };
        let (source, constants) = (self.reader.source, self.reader.constants);
        if fetch::is_fetch(source, callee).is_some() {
            let url = call.args.first().filter(|url| url.spread.is_none());
            let Some(url) = url else {
                return Some(None);
            };
            return Some(Some(Request {
                range: source.range(call),
                url: (*url.expr).clone(),
                texts: texts(source, constants, &url.expr),
                method: told(source, constants, call.args.get(1)),
            }));
        }
        let (root, member) = callee_of(callee)?;
        let channel = match self.reader.known.get(&root.to_id()) {
            Some(channel) => channel.clone(),
            None if &*root.sym == "axios" => Channel::Instance(Instance {
                front: Front::none(),
                axios: None,
            }),
            None => return None,
        };
        let sent = channel.sent(source, constants, member, &call.args);
        Some(sent.map(|sent| Request {
            range: source.range(call),
            url: sent.url.clone(),
            texts: sent.texts,
            method: Told::Known(sent.method),
        }))
    }
}

/// How the options of `fetch` tell the method.
fn told(source: &Source, constants: &Constants, options: Option<&ExprOrSpread>) -> Told {
    let Some(options) = options else {
        return Told::Known(Some("GET".to_string()));
    };
    let value = bare(&options.expr);
    if matches!(value, Expr::Ident(_)) && Init::read(source, constants, value).method.is_none() {
        return Told::Options(Box::new(value.clone()));
    }
    if let Expr::Object(object) = value {
        return told_in(object);
    }
    Told::Known(Init::read(source, constants, value).method)
}

/// How an object of options tells the method: the last word counts.
fn told_in(options: &ObjectLit) -> Told {
    let mut told = None;
    for property in &options.props {
        match property {
            PropOrSpread::Spread(one) => {
                told = Some(match told {
                    None => Told::Options(one.expr.clone()),
                    Some(_) => Told::Known(None),
                });
            }
            PropOrSpread::Prop(property) => match &**property {
                Prop::Shorthand(name) if &*name.sym == "method" => {
                    told = Some(Told::By(Box::new(Expr::Ident(name.clone()))));
                }
                Prop::KeyValue(pair) if prop_name(&pair.key).as_deref() == Some("method") => {
                    told = Some(match literal(&pair.value) {
                        Some(method) => Told::Known(Some(method.to_ascii_uppercase())),
                        None => Told::By(pair.value.clone()),
                    });
                }
                _ => {}
            },
        }
    }
    told.unwrap_or_else(|| Told::Known(Some("GET".to_string())))
}

/// The name that a call starts from, and the member of it that is called.
pub(super) fn callee_of(callee: &Expr) -> Option<(&Ident, Option<&str>)> {
    match bare(callee) {
        Expr::Ident(name) => Some((name, None)),
        Expr::Member(member) => match (bare(&member.obj), &member.prop) {
            (Expr::Ident(name), MemberProp::Ident(prop)) => Some((name, Some(&prop.sym))),
            _ => None,
        },
        _ => None,
    }
}

/// The same of a call.
pub(super) fn callee_of_call(call: &CallExpr) -> Option<(&Ident, Option<&str>)> {
    callee_of(call.callee.as_expr()?)
}

impl Visit for Requests<'_> {
    fn visit_call_expr(&mut self, call: &CallExpr) {
        match self.request(call) {
            Some(Some(request)) => self.found.push(request),
            Some(None) => self.unknown = true,
            None => {}
        }
        call.visit_children_with(self);
    }

    fn visit_new_expr(&mut self, new: &NewExpr) {
        if let Expr::Ident(name) = &*new.callee {
            self.unknown |= matches!(&*name.sym, "Request" | "XMLHttpRequest" | "EventSource");
        }
        new.visit_children_with(self);
    }

    fn visit_assign_expr(&mut self, assign: &AssignExpr) {
        match &assign.left {
            AssignTarget::Simple(SimpleAssignTarget::Ident(name)) => {
                self.changed.insert(name.id.to_id());
            }
            // Any name may be in it, the options of a request too.
            AssignTarget::Pat(_) => self.unknown = true,
            AssignTarget::Simple(SimpleAssignTarget::Member(member)) => {
                self.unknown |= member.prop.is_ident_with("method");
            }
            AssignTarget::Simple(_) => {}
        }
        assign.visit_children_with(self);
    }
}

/// The names in an expression, by where they stand.
struct Idents<'s> {
    source: &'s Source,
    found: HashMap<Range<usize>, Id>,
}

impl Visit for Idents<'_> {
    fn visit_ident(&mut self, name: &Ident) {
        self.found.insert(self.source.range(name), name.to_id());
    }
}

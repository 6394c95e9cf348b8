//! Reads expressions: every use of the request and the response becomes an effect or a refusal.

use std::ops::Range;

use swc_core::common::Spanned;
use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::peer;
use super::request::{self, Names};
use super::response::surely_one_string;
use crate::facts::api_module::{ApiModule, entries};
use crate::facts::effect::*;
use crate::libraries::{self, Read};
use crate::outcome::Refusal;
use crate::reason::{Note, Reason};
use crate::source::Source;
use crate::specialise::MethodView;
use crate::syntax::{Id, bare, function_call, is_binding, member, method_call, string};

/// Members of the request that a web `Request` spells in the same way.
const SAME: [&str; 1] = ["method"];

/// Reads expressions; see the module.
pub struct Expressions<'m> {
    source: &'m Source,
    module: &'m ApiModule<'m>,
    names: Names,
    view: MethodView,
    usage: Usage,
    declares: Option<Declares>,
    /// Whether this code runs only where no header tells the address of the connection.
    pub told: bool,
    /// Whether this code runs behind the answer of the handler, which is held.
    pub sent: bool,
    /// Where functions start that are read as a part of this one.
    pub callbacks: Vec<usize>,
    depth: usize,
    /// The headers that were asked for before this code, which runs only where none is there.
    absent: Vec<String>,
    /// What computed names of response headers are among, when that is known.
    among: &'static [&'static str],
    /// The effects: place, whether in a nested function, and kind.
    pub found: Vec<(Range<usize>, bool, Kind<'static>)>,
    /// The refusals: place, reason and detail.
    pub refused: Vec<(Range<usize>, Reason, String)>,
    /// The refusals of functions in other modules.
    pub followed: Vec<Refusal>,
}

/// What the headers and the cookies of a web request are asked by.
const WEB_METHODS: [&str; 6] = ["get", "getAll", "has", "entries", "keys", "forEach"];

impl<'m> Expressions<'m> {
    /// A reader for one function; `usage` is how the outermost expression is used and
    /// `declares` the variable that it initialises.
    pub fn new(
        module: &'m ApiModule<'m>,
        names: Names,
        view: MethodView,
        usage: Usage,
        declares: Option<Declares>,
    ) -> Expressions<'m> {
        Expressions {
            source: module.source,
            module,
            names,
            view,
            usage,
            declares,
            told: false,
            sent: false,
            callbacks: Vec::new(),
            depth: 0,
            absent: Vec::new(),
            among: &[],
            found: Vec::new(),
            refused: Vec::new(),
            followed: Vec::new(),
        }
    }

    fn push(&mut self, range: Range<usize>, kind: Kind<'static>) {
        self.found.push((range, self.depth > 0, kind));
    }

    fn refuse(&mut self, node: &impl Spanned, reason: Reason, detail: impl Into<String>) {
        self.refused
            .push((self.source.range(node), reason, detail.into()));
    }

    fn with(&mut self, expr: &Expr, usage: Usage) {
        let saved = std::mem::replace(&mut self.usage, usage);
        let declares = self.declares.take();
        self.visit_expr(expr);
        self.usage = saved;
        self.declares = declares;
    }

    fn role(&self, expr: &Expr) -> Option<Role> {
        let is = |name: &Option<Id>| name.as_ref().is_some_and(|name| is_binding(expr, name));
        if is(&self.names.req) {
            return Some(Role::Request);
        }
        is(&self.names.res).then_some(Role::Response)
    }

    /// A use of a part of the request; whether it was one.
    fn read(&mut self, node: &Expr) -> bool {
        let range = self.source.range(node);
        if self.told && peer::is_address(&self.names, node) {
            let usage = self.usage;
            self.push(range, Kind::ReadAddress { usage });
            return true;
        }
        // `req.headers.get` and the like are read from outside in: first a member of a part …
        let access = match node {
            Expr::Member(access) => Some(access),
            Expr::OptChain(chain) => chain.base.as_member(),
            _ => None,
        };
        if let Some(access) = access
            && let Some(part) = self.names.part(&access.obj)
        {
            let literal = crate::syntax::member_name(&access.prop);
            let computed = access.prop.as_computed();
            let name = match (&literal, computed) {
                (Some(name), _) => Name::Literal(name.clone()),
                (None, Some(computed)) => Name::Expr(self.source.range(&computed.expr)),
                (None, None) => return false,
            };
            match (part.as_str(), literal) {
                ("query", Some(key)) => {
                    let kind = Kind::ReadQuery {
                        key,
                        usage: self.usage,
                        declares: self.declares.take(),
                    };
                    self.push(range, kind);
                    return true;
                }
                // Node.js has no such name, and `get` takes it for the one that was not there.
                ("headers", Some(key)) if self.absent.contains(&key.to_lowercase()) => {
                    let usage = self.usage;
                    self.push(range, Kind::ReadHeader { name, usage });
                    return true;
                }
                ("headers", Some(key)) if key.chars().any(|char| char.is_ascii_uppercase()) => {
                    self.refuse(
                        node,
                        Reason::UnknownReqMember,
                        format!("{key}: Node.js spells header names in lower case"),
                    );
                    return true;
                }
                // Node.js gives no such method: the code asks for a web request beside that of pages.
                ("headers" | "cookies", Some(key)) if WEB_METHODS.contains(&key.as_str()) => {
                    let why = format!("{key}: a method of web requests");
                    self.refuse(node, Reason::UnknownReqMember, why);
                    return true;
                }
                ("headers", None)
                    if computed.is_some_and(|computed| !self.lower_case(&computed.expr)) =>
                {
                    self.refuse(
                        node,
                        Reason::UnknownReqMember,
                        "a header name that is not surely in lower case",
                    );
                    return true;
                }
                ("headers" | "cookies", _) => {
                    let usage = self.usage;
                    if let Some(computed) = computed
                        && matches!(name, Name::Expr(_))
                    {
                        self.with(&computed.expr, Usage::Value);
                    }
                    let kind = match part.as_str() {
                        "headers" => Kind::ReadHeader { name, usage },
                        _ => Kind::ReadCookie { name, usage },
                    };
                    self.push(range, kind);
                    return true;
                }
                _ => {}
            }
        }
        // … then a part as a whole.
        let direct = match node {
            Expr::Ident(_) => self.names.part(node).map(|part| (part, range.clone())),
            _ => self.part_of(node),
        };
        let Some((part, range)) = direct else {
            return false;
        };
        match part.as_str() {
            "query" => self.push(range, Kind::WholeQuery),
            "body" => self.push(range, Kind::ReadBody { json_text: false }),
            "headers" => self.push(range, Kind::WholeHeaders),
            "cookies" => self.push(range, Kind::WholeCookies),
            "url" => self.push(range, Kind::ReadUrl),
            same if SAME.contains(&same) => {}
            other => self.refuse(node, Reason::UnknownReqMember, other),
        }
        true
    }

    /// Whether a computed header name is surely in lower case.
    fn lower_case(&self, name: &Expr) -> bool {
        match bare(name) {
            Expr::Ident(ident) => request::initialiser(self.module, &crate::syntax::id(ident))
                .is_some_and(|init| {
                    string(init).is_some_and(|text| text == text.to_lowercase())
                        || self.lower_case_call(init)
                }),
            other => self.lower_case_call(other),
        }
    }

    fn lower_case_call(&self, expr: &Expr) -> bool {
        method_call(bare(expr)).is_some_and(|(_, name, _)| name == "toLowerCase")
    }

    /// Whether a value ends by the URL of the request, which is always there: `name ?? req.url`.
    fn is_url(&self, node: &Expr) -> bool {
        match bare(node) {
            Expr::Bin(BinExpr {
                op: BinaryOp::LogicalOr | BinaryOp::NullishCoalescing,
                right,
                ..
            }) => self.is_url(right),
            other => self.part_of(other).is_some_and(|(part, _)| part == "url"),
        }
    }

    /// The headers that a value is, in lower case: `req.headers['x'] ?? req.headers['y']`.
    fn asked(&self, node: &Expr) -> Vec<String> {
        match bare(node) {
            Expr::Bin(BinExpr {
                op: BinaryOp::LogicalOr | BinaryOp::NullishCoalescing,
                left,
                right,
                ..
            }) => [self.asked(left), self.asked(right)].concat(),
            other => match member(other) {
                Some((headers, name)) if self.names.part(headers).as_deref() == Some("headers") => {
                    vec![name.to_lowercase()]
                }
                _ => Vec::new(),
            },
        }
    }

    fn part_of(&self, node: &Expr) -> Option<(String, Range<usize>)> {
        let (Expr::Member(_) | Expr::OptChain(_)) = node else {
            return None;
        };
        let (object, name) = member(node)?;
        let req = self.names.req.as_ref()?;
        is_binding(object, req).then(|| (name, self.source.range(node)))
    }

    /// A call of a library function that takes the request; whether it was one.
    fn library(&mut self, node: &Expr) -> bool {
        let Expr::Call(call) = node else { return false };
        let module = self.module;
        let read = libraries::read(module, &|expr| self.role(expr), call)
            .or_else(|| self.collects_bytes(node))
            .or_else(|| self.forwards_session(call));
        let Some(read) = read else { return false };
        let range = self.source.range(node);
        match read {
            Read::Unknown => return false,
            Read::Refused(why) => self.refuse(node, Reason::UnsupportedLibrary, why),
            Read::Unbundled(name) => self.refuse(node, Reason::UnbundledLibrary, name),
            Read::RawBody { text, limited } => {
                if limited {
                    let limit = libraries::Written {
                        notes: vec![Note::BodyLimit],
                        ..Default::default()
                    };
                    self.push(range.clone(), Kind::Library(Box::new(limit)));
                }
                let collected = false;
                self.push(range, Kind::ReadRawBody { text, collected });
            }
            Read::Written(written) => {
                call.args.iter().for_each(|arg| self.argument(&arg.expr));
                self.push(range, Kind::Library(Box::new(written)));
            }
        }
        true
    }

    /// A call of a function of the file that collects the bytes of the request.
    fn collects_bytes(&self, node: &Expr) -> Option<Read> {
        let (name, [req]) = function_call(node)? else {
            return None;
        };
        if self.role(&req.expr) != Some(Role::Request) {
            return None;
        }
        let module = self.module;
        let elsewhere = || {
            let follow = module.follow?;
            follow.collects_bytes(module, &Expr::Ident(name.clone()))
        };
        let text =
            libraries::collects_bytes(module, &crate::syntax::id(name)).or_else(elsewhere)?;
        let limited = false;
        Some(Read::RawBody { text, limited })
    }

    /// A call of a function of the project that hands the request and the response to next-auth.
    fn forwards_session(&self, call: &CallExpr) -> Option<Read> {
        let [req, res] = &call.args[..] else {
            return None;
        };
        let roles = [&req.expr, &res.expr].map(|arg| self.role(arg));
        if roles != [Some(Role::Request), Some(Role::Response)] {
            return None;
        }
        let callee = call.callee.as_expr()?;
        if !self.module.follow?.forwards_session(self.module, callee) {
            return None;
        }
        let end = self.source.range(&call.callee).end;
        let list = end..self.source.range(call).end;
        Some(Read::Written(libraries::next_auth::forwarded(list)))
    }

    /// What an argument of a library function holds beside the request and the response.
    fn argument(&mut self, arg: &Expr) {
        if self.role(arg).is_some() {
            return;
        }
        let Expr::Object(object) = bare(arg) else {
            return self.with(arg, Usage::Value);
        };
        for prop in &object.props {
            let role = match prop {
                PropOrSpread::Prop(prop) => match &**prop {
                    Prop::Shorthand(name) => self.role(&Expr::Ident(name.clone())),
                    Prop::KeyValue(pair) => self.role(&pair.value),
                    _ => None,
                },
                PropOrSpread::Spread(_) => None,
            };
            if role.is_none() {
                prop.visit_with(self);
            }
        }
    }

    /// `res.revalidate(…)`, `res.setDraftMode(…)` and other members of the response.
    fn response(&mut self, node: &Expr) -> bool {
        let Some(res) = self.names.res.clone() else {
            return false;
        };
        if let Some((object, name, args)) = method_call(node)
            && is_binding(object, &res)
        {
            match (name.as_str(), args) {
                ("revalidate", [path]) => {
                    self.with(&path.expr, Usage::Value);
                    let path = self.source.range(&path.expr);
                    self.push(self.source.range(node), Kind::Revalidate { path });
                }
                ("setDraftMode", [options]) => match bare(&options.expr) {
                    Expr::Object(object) => match entries(object).ok().as_deref() {
                        Some([(name, value)]) if name == "enable" => match bare(value) {
                            Expr::Lit(Lit::Bool(value)) => {
                                self.push(
                                    self.source.range(node),
                                    Kind::DraftMode {
                                        enable: value.value,
                                    },
                                );
                            }
                            _ => self.refuse(node, Reason::PreviewData, "enable is not a literal"),
                        },
                        _ => self.refuse(node, Reason::PreviewData, ""),
                    },
                    _ => self.refuse(node, Reason::PreviewData, ""),
                },
                ("setPreviewData" | "clearPreviewData", _) => {
                    self.refuse(node, Reason::PreviewData, name)
                }
                ("write" | "flushHeaders" | "flush" | "pipe" | "on" | "once", _) => {
                    self.refuse(node, Reason::Streaming, name)
                }
                ("getHeader", [name]) => match string(&name.expr) {
                    Some(name) => {
                        let usage = self.usage;
                        let range = self.source.range(node);
                        self.push(range, Kind::SentHeader { name, usage });
                    }
                    None => self.refuse(node, Reason::UnknownHeader, "name"),
                },
                (
                    "status" | "json" | "send" | "end" | "redirect" | "setHeader" | "writeHead"
                    | "appendHeader" | "removeHeader",
                    _,
                ) => {
                    let reason = if self.depth > 0 {
                        Reason::ReplyInCallback
                    } else {
                        Reason::ReplyInExpression
                    };
                    self.refuse(node, reason, "");
                }
                _ => self.refuse(node, Reason::UnknownResMember, name),
            }
            return true;
        }
        if let Some((object, name)) = member(node)
            && is_binding(object, &res)
        {
            if self.sent && self.depth == 0 && name == "statusCode" {
                self.push(self.source.range(node), Kind::SentStatus);
            } else {
                self.refuse(node, Reason::UnknownResMember, name);
            }
            return true;
        }
        false
    }

    /// `res.setHeader(name, value)` whose result nobody reads; whether it is that.
    pub fn late_header(&mut self, node: &Expr) -> bool {
        let Some(res) = self.names.res.as_ref() else {
            return false;
        };
        let Some((object, method, args)) = method_call(node) else {
            return false;
        };
        let mode = match method.as_str() {
            "setHeader" => HeaderMode::Set,
            "appendHeader" => HeaderMode::Append,
            "removeHeader" => HeaderMode::Remove,
            _ => return false,
        };
        let (name, value) = match args {
            [name] if mode == HeaderMode::Remove => (name, None),
            [name, value] if mode != HeaderMode::Remove => (name, Some(value)),
            _ => return false,
        };
        let spread = args.iter().any(|arg| arg.spread.is_some());
        if !is_binding(object, res) || spread {
            return false;
        }
        args.iter()
            .for_each(|arg| self.with(&arg.expr, Usage::Value));
        let name = match string(&name.expr) {
            Some(name) => Name::Literal(name),
            None => Name::Expr(self.source.range(&name.expr)),
        };
        let value = value.map(|value| {
            let one = surely_one_string(&value.expr);
            (self.source.range(&value.expr), one)
        });
        let range = self.source.range(node);
        let among = self.among;
        let kind = Kind::LateHeader {
            name,
            among,
            value,
            mode,
        };
        self.push(range, kind);
        true
    }

    /// A call that hands `res` on, or `req` to code that is not followed.
    fn hands_on(&mut self, node: &Expr) -> bool {
        let Expr::Call(call) = node else { return false };
        let roles: Vec<Option<Role>> = call.args.iter().map(|arg| self.role(&arg.expr)).collect();
        if roles.iter().all(Option::is_none) {
            return false;
        }
        if let Some((callee, args, list)) =
            request::carrier_call(self.module, &|expr| self.role(expr), node)
        {
            for (arg, role) in call.args.iter().zip(&roles) {
                if role.is_none() {
                    self.with(&arg.expr, Usage::Value);
                }
            }
            if let Carrier::Shared(shared) = &callee {
                let why = shared.refusals.iter().cloned();
                self.followed.extend(why);
            }
            let range = self.source.range(node);
            self.push(
                range,
                Kind::CallCarrier {
                    callee,
                    args,
                    list,
                    form: None,
                    awaited: false,
                    carries: false,
                    callback: None,
                    held: None,
                },
            );
            return true;
        }
        let reason = if roles.contains(&Some(Role::Response)) {
            Reason::ResEscapes
        } else {
            Reason::ReqEscapes
        };
        let name = self.source.text_of(&call.callee).to_string();
        let callee = call.callee.as_expr();
        match callee.and_then(|callee| libraries::package(self.module, callee)) {
            Some(package) => {
                let why = format!("{package}: {name}");
                self.refuse(node, Reason::UnsupportedLibrary, why);
            }
            None => self.refuse(node, reason, name),
        }
        for (arg, role) in call.args.iter().zip(&roles) {
            if role.is_none() {
                self.with(&arg.expr, Usage::Value);
            }
        }
        true
    }

    fn nested(&mut self, visit: impl FnOnce(&mut Self)) {
        self.depth += 1;
        let usage = std::mem::replace(&mut self.usage, Usage::Value);
        let declares = self.declares.take();
        visit(self);
        self.usage = usage;
        self.declares = declares;
        self.depth -= 1;
    }
}

impl Visit for Expressions<'_> {
    fn visit_expr(&mut self, node: &Expr) {
        let function = matches!(node, Expr::Arrow(_) | Expr::Fn(_));
        if function && self.callbacks.contains(&self.source.range(node).start) {
            return;
        }
        if self.library(node) || self.response(node) {
            return;
        }
        // `JSON.parse(req.body)`
        if let Some((object, name, [arg])) = method_call(node)
            && name == "parse"
            && matches!(bare(object), Expr::Ident(json) if json.sym == "JSON" && self.source.is_global(json))
            && self.names.part(&arg.expr).as_deref() == Some("body")
        {
            self.push(self.source.range(node), Kind::ReadBody { json_text: true });
            return;
        }
        if self.read(node) || self.hands_on(node) {
            return;
        }
        if let Expr::Call(call) = node
            && let Some(callee) = call.callee.as_expr()
            && let Some(names) = libraries::header_names(self.module, callee)
        {
            let before = std::mem::replace(&mut self.among, names);
            call.args
                .iter()
                .for_each(|arg| self.with(&arg.expr, Usage::Value));
            self.among = before;
            return;
        }
        match node {
            Expr::Ident(_) => match self.role(node) {
                Some(Role::Request) => self.refuse(node, Reason::ReqEscapes, ""),
                Some(Role::Response) => self.refuse(node, Reason::ResEscapes, ""),
                None => {}
            },
            Expr::Paren(inner) => {
                let declares = self.declares.clone();
                self.visit_expr(&inner.expr);
                self.declares = declares;
            }
            Expr::TsAs(cast) => {
                let usage = match &*cast.type_ann {
                    TsType::TsKeywordType(keyword)
                        if keyword.kind == TsKeywordTypeKind::TsStringKeyword =>
                    {
                        Usage::Parsed
                    }
                    _ => self.usage,
                };
                let usage = if self.usage == Usage::Presence {
                    Usage::Presence
                } else {
                    usage
                };
                let saved = std::mem::replace(&mut self.usage, usage);
                self.visit_expr(&cast.expr);
                self.usage = saved;
            }
            Expr::TsNonNull(inner) => self.visit_expr(&inner.expr),
            Expr::Unary(UnaryExpr {
                op: UnaryOp::Bang,
                arg,
                ..
            }) => self.with(arg, Usage::Presence),
            Expr::Bin(BinExpr {
                op, left, right, ..
            }) => match op {
                BinaryOp::LogicalOr | BinaryOp::NullishCoalescing if self.is_url(left) => {
                    self.with(left, Usage::Value);
                    let rest = self.source.range(left).end..self.source.range(node).end;
                    self.push(rest, Kind::Unreachable(None));
                }
                // Behind the header that tells the address, nobody asks the socket.
                BinaryOp::LogicalOr | BinaryOp::NullishCoalescing
                    if peer::holds_address(&self.names, right)
                        && peer::is_forwarded(self.module, &self.names, left) =>
                {
                    self.with(left, self.usage);
                    let rest = self.source.range(left).end..self.source.range(node).end;
                    self.push(rest, Kind::Unreachable(Some(Note::ForwardedFor)));
                }
                BinaryOp::LogicalOr | BinaryOp::NullishCoalescing => {
                    let outer = self.usage;
                    self.with(left, Usage::Presence);
                    let asked = self.asked(left);
                    let count = asked.len();
                    self.absent.extend(asked);
                    self.with(right, outer);
                    self.absent.truncate(self.absent.len() - count);
                }
                BinaryOp::LogicalAnd => {
                    let outer = self.usage;
                    self.with(left, outer);
                    self.with(right, outer);
                }
                BinaryOp::EqEqEq | BinaryOp::NotEqEq | BinaryOp::EqEq | BinaryOp::NotEq => {
                    let text =
                        |expr: &Expr| string(expr).is_some() || matches!(bare(expr), Expr::Tpl(_));
                    let loose = matches!(op, BinaryOp::EqEq | BinaryOp::NotEq);
                    let plain = loose || text(left) || text(right);
                    let usage = if plain { Usage::Presence } else { Usage::Value };
                    self.with(left, usage);
                    self.with(right, usage);
                }
                _ => {
                    self.with(left, Usage::Value);
                    self.with(right, Usage::Value);
                }
            },
            Expr::Cond(cond) => {
                let outer = self.usage;
                self.with(&cond.test, Usage::Presence);
                self.with(&cond.cons, outer);
                let told = peer::asks_forwarded(self.module, &self.names, &cond.test);
                let before = self.told;
                self.told |= told;
                self.with(&cond.alt, outer);
                self.told = before;
            }
            // Only `?.` directly on the value makes absence invisible; what comes out is undefined either way.
            Expr::OptChain(chain) => match &*chain.base {
                OptChainBase::Member(access) => {
                    self.with(
                        &access.obj,
                        if chain.optional {
                            Usage::Presence
                        } else {
                            Usage::Value
                        },
                    );
                    if let MemberProp::Computed(computed) = &access.prop {
                        self.with(&computed.expr, Usage::Value);
                    }
                }
                OptChainBase::Call(call) => {
                    self.with(&call.callee, Usage::Value);
                    call.args
                        .iter()
                        .for_each(|arg| self.with(&arg.expr, Usage::Value));
                }
            },
            Expr::Arrow(arrow) => self.nested(|this| {
                arrow.params.visit_with(this);
                match &*arrow.body {
                    ArrowFunctionBody::Expr(expr) if this.late_header(expr) => {}
                    body => body.visit_with(this),
                }
            }),
            Expr::Fn(function) => self.nested(|this| function.visit_children_with(this)),
            Expr::Class(class) => self.nested(|this| class.visit_children_with(this)),
            Expr::Assign(assign) => {
                if let AssignTarget::Simple(SimpleAssignTarget::Member(target)) = &assign.left {
                    let target_expr = Expr::Member(target.clone());
                    if let Some((object, name)) = member(&target_expr) {
                        match self.role(object) {
                            Some(Role::Request) => self.refuse(
                                assign,
                                Reason::UnknownReqMember,
                                format!("req.{name} = …"),
                            ),
                            Some(Role::Response) => self.refuse(
                                assign,
                                Reason::UnknownResMember,
                                format!("res.{name} = …"),
                            ),
                            None if self.names.part(object).is_some_and(|part| part != "body") => {
                                self.refuse(assign, Reason::UnknownReqMember, "assignment");
                            }
                            None => self.with(&target.obj, Usage::Value),
                        }
                    }
                    if let MemberProp::Computed(computed) = &target.prop {
                        self.with(&computed.expr, Usage::Value);
                    }
                } else {
                    let saved = std::mem::replace(&mut self.usage, Usage::Value);
                    assign.left.visit_with(self);
                    self.usage = saved;
                }
                self.with(&assign.right, Usage::Value);
            }
            _ => {
                let usage = std::mem::replace(&mut self.usage, Usage::Value);
                let declares = self.declares.take();
                node.visit_children_with(self);
                self.usage = usage;
                self.declares = declares;
            }
        }
    }

    fn visit_prop(&mut self, node: &Prop) {
        if let Prop::Shorthand(name) = node {
            let expr = Expr::Ident(name.clone());
            match self.role(&expr) {
                Some(Role::Request) => self.refuse(name, Reason::ReqEscapes, "object"),
                Some(Role::Response) => self.refuse(name, Reason::ResEscapes, "object"),
                None if self.names.part(&expr).is_some() => {
                    self.refuse(name, Reason::ReqEscapes, "headers")
                }
                None => {}
            }
            return;
        }
        node.visit_children_with(self);
    }

    fn visit_fn_decl(&mut self, node: &FnDecl) {
        self.nested(|this| node.function.visit_with(this));
    }

    fn visit_method_prop(&mut self, node: &MethodProp) {
        self.nested(|this| node.visit_children_with(this));
    }

    fn visit_expr_stmt(&mut self, node: &ExprStmt) {
        if self.depth == 0 || !self.late_header(&node.expr) {
            self.visit_expr(&node.expr);
        }
    }

    fn visit_for_of_stmt(&mut self, node: &ForOfStmt) {
        node.visit_children_with(self);
    }

    fn visit_ts_type(&mut self, _: &TsType) {}

    fn visit_ts_type_ann(&mut self, _: &TsTypeAnn) {}

    fn visit_switch_stmt(&mut self, node: &SwitchStmt) {
        if !self.view.is_method(&node.discriminant) {
            self.visit_expr(&node.discriminant);
        }
        node.cases.visit_with(self);
    }
}

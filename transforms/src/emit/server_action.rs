//! Writes a carrier as a Server Action. The same effects as for a route handler; what an
//! action has no form for (request headers, search parameters, cookies that are set, answers
//! other than JSON) is refused, and the route stays a route handler.

use std::collections::BTreeSet;
use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::action_cookies::is_cookie;
use super::call_site::Contract;
use super::carrier::{ActionMode, Bodies, Data, Writer};
use super::style::{indentation, line_start};
use crate::edit::Fragment;
use crate::facts::api_module::{Body, Function};
use crate::facts::effect::*;
use crate::facts::in_action::{is_unread, same_header};
use crate::facts::route::SlugKind;
use crate::flow::Reading;
use crate::libraries::Takes;
use crate::reason::{Note, Reason};
use crate::source::Source;
use crate::syntax::{bare, is_bodiless, number, prop_name, quiet};

/// `const { … } = req.body`: the statement, its pattern, its type, and the names that it takes out.
type Declaration = (
    Range<usize>,
    Range<usize>,
    Option<Range<usize>>,
    Vec<String>,
);

impl<'a> Writer<'_, 'a, '_> {
    /// The body and the path parameters become parameters of the action.
    pub(super) fn action_inputs(&mut self, reading: &Reading<'a>, mode: &ActionMode) {
        let reads: Vec<&Effect> = reading
            .effects
            .iter()
            .filter(|effect| matches!(effect.kind, Kind::ReadBody { .. }))
            .collect();
        let mut input = None;
        if let Some(first) = reads.first() {
            self.needs.body = true;
            let own = self.declaration_of(&first.range);
            match own {
                // `const { title } = req.body` becomes the parameter.
                Some((statement, pattern, typed, keys)) if reads.len() == 1 => {
                    let source = self.ctx.source;
                    let text = source.text[pattern].to_string();
                    self.needs.kept.extend(typed.clone());
                    let typed = typed.map(|range| self.outdented(range));
                    self.drop_statement(statement);
                    let sent = with_keys(&mode.body_type, &keys);
                    input = Some(self.typed(&text, typed.as_deref().unwrap_or(&sent)));
                }
                _ => {
                    let name = self.free_local(&["input", "body", "data", "payload"]);
                    for effect in &reads {
                        self.edits.replace(effect.range.clone(), name.clone());
                    }
                    // A schema takes anything.
                    let kind = match &mode.body_type {
                        some if some.contains(": any")
                            && reads.iter().all(|read| self.checked(read)) =>
                        {
                            "unknown"
                        }
                        kind => kind,
                    };
                    let members = reads.iter().filter_map(|read| self.member_behind(read));
                    let kind = with_keys(kind, &members.collect::<Vec<_>>());
                    input = Some(self.typed(&name, &kind));
                }
            }
        }
        for effect in &reading.effects {
            match &effect.kind {
                Kind::ReadQuery { key, declares, .. } if self.ctx.route.slug(key).is_some() => {
                    match declares {
                        Some(declares) => {
                            self.needs.slugs.insert(key.clone(), declares.name.clone());
                            let statement = self.statement_around(&declares.declarator);
                            self.drop_statement(statement);
                        }
                        None => {
                            let name = match self.needs.slugs.get(key) {
                                Some(name) => name.clone(),
                                None => self.free_name(&[
                                    key,
                                    &self.long_name(key),
                                    &format!("{key}Param"),
                                ]),
                            };
                            self.needs.slugs.insert(key.clone(), name.clone());
                            let range = self.without_assertion(effect);
                            self.edits.replace(range, name);
                        }
                    }
                }
                Kind::DestructureQuery {
                    pattern,
                    statement: Some(statement),
                    ..
                } => {
                    self.path_pattern(pattern, effect);
                    self.drop_statement(statement.clone());
                }
                Kind::DestructureRequest {
                    parts,
                    nested,
                    statement,
                } => {
                    for (part, name) in parts {
                        if part != "method"
                            || !self
                                .dropped
                                .iter()
                                .any(|gone| gone.start <= name.start && name.end <= gone.end)
                        {
                            self.refuse(Reason::ReqEscapes, name.clone(), part);
                        }
                    }
                    for (part, pattern) in nested {
                        if part == "query" {
                            self.path_pattern(pattern, effect);
                        } else {
                            let text = self.ctx.source.text_of(*pattern).to_string();
                            let sent = with_keys(&mode.body_type, &pattern_keys(pattern));
                            input = Some(self.typed(&text, &sent));
                        }
                    }
                    self.drop_statement(statement.clone());
                }
                _ => {}
            }
        }
        self.needs.input = input;
        if mode.context {
            for slug in &self.ctx.route.slugs {
                if slug.kind != SlugKind::One {
                    let range = self.function.range.clone();
                    self.refuse(
                        Reason::QueryUse,
                        range,
                        "is wrapped, and takes several segments",
                    );
                } else if !self.needs.slugs.contains_key(&slug.name) {
                    let long = self.long_name(&slug.name);
                    let name = self.free_name(&[&slug.name, &long, &format!("{}Param", slug.name)]);
                    self.needs.slugs.insert(slug.name.clone(), name);
                }
            }
        }
    }

    /// Whether a value is only given to a schema that checks it: `postSchema.parse(req.body)`.
    fn checked(&self, read: &Effect) -> bool {
        const CHECKS: &[&str] = &[".parse(", ".parseAsync(", ".safeParse(", ".safeParseAsync("];
        let text = &self.ctx.source.text;
        let before = text[..read.range.start].trim_end();
        let object = CHECKS.iter().find_map(|check| before.strip_suffix(check));
        let named = object.is_some_and(|object| {
            let object = object.rsplit(|char: char| !char.is_alphanumeric() && char != '_');
            let mut last = object.take(1);
            last.any(|name| name.to_ascii_lowercase().ends_with("schema"))
        });
        named && text[read.range.end..].trim_start().starts_with(')')
    }

    /// The member that is read of a value: `title` of `req.body.title`.
    fn member_behind(&self, read: &Effect) -> Option<String> {
        let rest = &self.ctx.source.text[read.range.end..];
        let rest = rest.strip_prefix('?').unwrap_or(rest).strip_prefix('.')?;
        let name: String = rest
            .chars()
            .take_while(|char| char.is_alphanumeric() || matches!(char, '_' | '$'))
            .collect();
        (!name.is_empty()).then_some(name)
    }

    /// A longer name for a path parameter: `todoId` for the `id` of `/api/todos/[id]`.
    fn long_name(&self, key: &str) -> String {
        let noun = crate::naming::owner(self.ctx.route, key);
        let mut chars = key.chars();
        let first = chars.next().map(|char| char.to_ascii_uppercase());
        format!("{noun}{}{}", first.unwrap_or_default(), chars.as_str())
    }

    fn typed(&self, name: &str, annotation: &str) -> String {
        if self.ctx.typescript() {
            format!("{name}: {annotation}")
        } else {
            name.to_string()
        }
    }

    /// Every key of the pattern has to be a path parameter under its own name.
    fn path_pattern(&mut self, pattern: &ObjectPat, effect: &Effect) {
        for prop in &pattern.props {
            let key = match prop {
                ObjectPatProp::Assign(short) if short.value.is_none() => {
                    short.key.id.sym.to_string()
                }
                _ => String::new(),
            };
            if self.ctx.route.slug(&key).is_some() {
                self.holds_string(&key, &key);
                self.needs.slugs.insert(key.clone(), key);
            } else {
                self.refuse(Reason::QueryUse, effect.range.clone(), "search parameters");
            }
        }
    }

    /// The statement `const { … } = req.body` around a read of the body, when it is one of the
    /// function's own: the statement, its pattern, and the type that the code gives it.
    fn declaration_of(&self, read: &Range<usize>) -> Option<Declaration> {
        let Body::Block(stmts, _) = self.function.body else {
            return None;
        };
        let source = self.ctx.source;
        all_statements(stmts).into_iter().find_map(|stmt| {
            let Stmt::Decl(Decl::Var(declaration)) = stmt else {
                return None;
            };
            let [declarator] = &declaration.decls[..] else {
                return None;
            };
            let init = declarator.init.as_deref()?;
            if source.range(bare(init)) != *read {
                return None;
            }
            let mut keys = Vec::new();
            let (whole, annotation) = match &declarator.name {
                Pat::Object(pattern) => {
                    let rest = |prop: &ObjectPatProp| matches!(prop, ObjectPatProp::Rest(_));
                    if pattern.props.iter().any(rest) {
                        return None;
                    }
                    keys = pattern_keys(pattern);
                    (source.range(pattern), &pattern.type_ann)
                }
                // `const data = req.body`: no other block may have a name of its own like it.
                Pat::Ident(name) => {
                    let other = |id: &Id| id.0 == name.id.sym && *id != name.id.to_id();
                    if self.names.iter().any(|(id, _)| other(id)) {
                        return None;
                    }
                    (source.range(name), &name.type_ann)
                }
                _ => return None,
            };
            let typed = match (annotation, init) {
                (Some(annotation), _) => Some(source.range(&*annotation.type_ann)),
                (None, Expr::TsAs(cast)) => Some(source.range(&*cast.type_ann)),
                _ => None,
            };
            let end = annotation
                .as_ref()
                .map_or(whole.end, |annotation| source.range(&**annotation).start);
            Some((source.range(stmt), whole.start..end, typed, keys))
        })
    }

    /// The text of a type: on one line where it is a plain list of fields, else with its lines as far
    /// left as they stand at the top of a file.
    fn outdented(&self, range: Range<usize>) -> String {
        let text = &self.ctx.source.text;
        let indent = indentation(text, range.start);
        let kind = &text[range];
        let fields = kind
            .strip_prefix('{')
            .and_then(|kind| kind.strip_suffix('}'));
        if let Some(fields) = fields.filter(|fields| !fields.contains(['{', '(', '/', '|'])) {
            let lines = fields.lines().flat_map(|line| line.split(';'));
            let fields = lines.map(|field| field.trim().trim_end_matches(','));
            let fields: Vec<&str> = fields.filter(|field| !field.is_empty()).collect();
            if !fields.is_empty() && fields.iter().all(|field| field.contains(':')) {
                return format!("{{ {} }}", fields.join("; "));
            }
        }
        kind.replace(&format!("\n{indent}"), "\n")
    }

    /// The function's own statement that holds a range, from its first to its last byte.
    fn statement_around(&self, inner: &Range<usize>) -> Range<usize> {
        let text = &self.ctx.source.text;
        let start = line_start(text, inner.start) + indentation(text, inner.start).len();
        let end = if text[inner.end..].starts_with(';') {
            inner.end + 1
        } else {
            inner.end
        };
        start..end
    }

    /// One effect in the form of an action.
    pub(super) fn action_effect(&mut self, effect: &Effect<'a>, mode: &ActionMode) {
        let range = effect.range.clone();
        match &effect.kind {
            Kind::ReadBody { .. } | Kind::DestructureRequest { .. } => {}
            Kind::ReadQuery { key, .. } if self.ctx.route.slug(key).is_some() => {}
            Kind::DestructureQuery {
                statement: Some(_), ..
            } => {}
            Kind::Prepare {
                headers, statement, ..
            } if headers.iter().all(unread) => self.drop_statement(statement.clone()),
            Kind::Prepare {
                headers,
                status: None,
                statement,
            } if headers.iter().any(is_cookie)
                && headers
                    .iter()
                    .all(|header| unread(header) || is_cookie(header))
                && !effect.nested =>
            {
                self.action_cookies(headers, statement.clone())
            }
            Kind::ReadCookie { name, .. } => {
                let cookies = self.request_object("cookies");
                let name = match name {
                    Name::Literal(text) => Fragment::Text(self.ctx.style.string(text)),
                    Name::Expr(range) => Fragment::Keep(range.clone()),
                };
                if effect.nested {
                    return self.refuse(Reason::ReqEscapes, range, "cookies inside a callback");
                }
                if self.is_other("cookies") {
                    let why = "cookies is another name here";
                    return self.refuse(Reason::ReqEscapes, range, why);
                }
                self.needs.notes.insert(Note::CookieParsing);
                self.edits.rewrite(
                    range,
                    vec![
                        Fragment::Text(format!("{cookies}.get(")),
                        name,
                        Fragment::Text(")?.value".to_string()),
                    ],
                );
            }
            Kind::Reply(reply) => self.action_reply(effect, reply, mode),
            Kind::Library(call) if call.takes == Takes::Nothing => {
                if call.sets_cookies {
                    self.needs.notes.insert(Note::ActionRefresh);
                }
                self.effect(effect, None)
            }
            Kind::DraftMode { .. } => self.effect(effect, None),
            Kind::ReadHeader {
                name: name @ Name::Literal(text),
                usage,
            } if same_header(text) && !effect.nested && !self.is_other("headers") => {
                let object = self.request_object("headers");
                self.read_header(range, &object, name, *usage);
            }
            Kind::ReadHeader { .. } | Kind::WholeHeaders => {
                self.refuse(Reason::ReqEscapes, range, "reads request headers")
            }
            Kind::ReadQuery { .. }
            | Kind::DestructureQuery { .. }
            | Kind::WholeQuery
            | Kind::ReadUrl => {
                self.refuse(Reason::QueryUse, range, "reads search parameters");
            }
            Kind::Prepare { .. } => {
                self.refuse(Reason::UnknownHeader, range, "sets response headers")
            }
            Kind::CallCarrier { held: Some(_), .. } => {
                self.refuse(Reason::ReplyThenCode, range, "in a Server Action");
            }
            // What the handler hands everything to becomes the action itself.
            Kind::CallCarrier {
                callee: Carrier::Local(_),
                form: Some(_),
                ..
            } if self.ctx.delegates => {}
            Kind::CallCarrier { .. } | Kind::Guard { .. } => self.action_carrier(effect, mode),
            _ => self.refuse(Reason::ReqEscapes, range, "has no form in a Server Action"),
        }
    }

    fn action_reply(&mut self, effect: &Effect<'a>, reply: &Reply<'a>, mode: &ActionMode) {
        let range = effect.range.clone();
        // What was set before is seen where it was set.
        if !reply.own.iter().all(unread) {
            return self.refuse(Reason::UnknownHeader, range, "sets response headers");
        }
        if mode.wrapped {
            let json = matches!(
                reply.payload,
                Payload::Json(_) | Payload::Empty | Payload::EmptyJson
            );
            if !json && mode.contract != Contract::Nothing {
                let why = "answers something else than JSON";
                return self.refuse(Reason::UnknownSend, range, why);
            }
            let mut reply = reply.clone();
            reply.before.retain(|header| !is_cookie(header));
            reply.carries = false;
            let kind = Kind::Reply(Box::new(reply));
            return self.effect(
                &Effect {
                    kind,
                    ..effect.clone()
                },
                None,
            );
        }
        let status = match reply.status {
            None => Some(200),
            Some(status) => number(status),
        };
        let fails = status.is_some_and(|status| !(200..300).contains(&status));
        let payload = match &reply.payload {
            Payload::Json(value) => Some(*value),
            Payload::Empty | Payload::EmptyJson => None,
            // Nobody reads it.
            Payload::Text(value, _) | Payload::Bytes(value) | Payload::Opaque(value)
                if (!mode.data || fails && !mode.error_data) && quiet(value) =>
            {
                None
            }
            _ => {
                return self.refuse(
                    Reason::UnknownSend,
                    range,
                    "answers something else than JSON",
                );
            }
        };
        if reply.status.is_some_and(|status| !quiet(status)) {
            return self.refuse(Reason::DynamicStatus, range, "the status does work");
        }
        let bodiless = reply.status.is_some_and(is_bodiless);
        if bodiless && payload.is_some_and(|value| !quiet(value)) {
            return self.refuse(Reason::ReplyInExpression, range, "the answer does work");
        }
        // What does work is done, although nobody reads what it gives.
        let data = mode.data || payload.is_some_and(|value| !quiet(value));
        let needed = match mode.bodies {
            Bodies::Any => false,
            Bodies::Success => !fails,
            Bodies::All => true,
        };
        if needed && payload.is_none() {
            let why = "an answer without a body, which callers read";
            return self.refuse(Reason::UnknownSend, range, why);
        }
        let is_last = self.last_statement(effect, reply);
        if mode.contract == Contract::Nothing
            || payload.is_none() && mode.contract == Contract::Data
        {
            if payload.is_some_and(|value| !quiet(value)) {
                return self.refuse(Reason::ReplyInExpression, range, "the answer does work");
            }
            match is_last {
                Some(statement) => self.drop_statement(statement),
                None => {
                    let start = match reply.form {
                        ReplyForm::Bare(_) | ReplyForm::Settles(_) => range.start,
                        ReplyForm::Returned => return self.bare_return(effect),
                    };
                    self.edits.replace(start..range.end, "return");
                }
            }
            return;
        }
        let returns = if matches!(reply.form, ReplyForm::Bare(_)) {
            "return "
        } else {
            ""
        };
        let error = status.is_some_and(|status| status >= 400);
        let carried = payload.map(|value| self.data(value, error));
        self.needs.data.push(match (payload, carried.as_deref()) {
            (Some(_), Some([_, _, ..])) => Data::Parsed,
            (Some(value), _) => texts(value).map_or(Data::Other, Data::Texts),
            (None, _) => Data::Other,
        });
        let mut with = vec![Fragment::Text(returns.to_string())];
        if mode.contract == Contract::Data {
            if !status.is_some_and(|status| (200..300).contains(&status)) {
                return self.refuse(
                    Reason::DynamicStatus,
                    range,
                    "an error answer whose data is read",
                );
            }
            with.extend(carried.unwrap_or_default());
            return self.edits.rewrite(range, with);
        }
        let Some(status) = status else {
            return self.refuse(Reason::DynamicStatus, range, "the status is computed");
        };
        let ok = (200..300).contains(&status);
        let mut entries = vec![
            vec![Fragment::Text(format!("ok: {ok}"))],
            vec![Fragment::Text(format!("status: {status}"))],
        ];
        if data {
            let mut entry = vec![Fragment::Text("data: ".to_string())];
            entry.extend(carried.unwrap_or_else(|| vec![Fragment::Text("undefined".to_string())]));
            entries.push(entry);
        }
        let text = &self.ctx.source.text;
        let many =
            payload.is_some_and(|value| data && self.ctx.source.text_of(value).contains('\n'));
        let column = text[line_start(text, range.start)..range.start]
            .chars()
            .count()
            .saturating_sub(self.ctx.unwrapped_by(range.start));
        let length: usize = entries
            .iter()
            .flatten()
            .map(|fragment| match fragment {
                Fragment::Text(text) => text.chars().count(),
                Fragment::Keep(range) => range.len(),
            })
            .sum();
        let one_line = !many
            && column + returns.len() + length + 2 * entries.len() + 4 <= self.ctx.style.width;
        let (open, comma, close) = if one_line {
            ("{ ".to_string(), ", ".to_string(), " }".to_string())
        } else {
            let indent = self.ctx.indent_at(range.start);
            let inner = format!("{indent}{}", self.ctx.style.indent);
            if let Some(value) = payload {
                let value = self.ctx.source.range(value);
                let from = indentation(text, value.start).chars().count() as i64;
                let to = indentation(text, range.start).chars().count() as i64
                    + self.ctx.style.indent.chars().count() as i64;
                let mut at = value.start;
                while let Some(newline) = text[at..value.end].find('\n') {
                    at += newline + 1;
                    self.shifts.push((at, to - from));
                }
            }
            (
                format!("{{\n{inner}"),
                format!(",\n{inner}"),
                format!("{}\n{indent}}}", self.ctx.style.comma),
            )
        };
        with.push(Fragment::Text(open));
        for (at, entry) in entries.into_iter().enumerate() {
            if at > 0 {
                with.push(Fragment::Text(comma.clone()));
            }
            with.extend(entry);
        }
        with.push(Fragment::Text(close));
        self.edits.rewrite(range, with);
    }

    /// The payload as callers saw it: as JSON, where the difference could be seen.
    fn data(&self, value: &Expr, error: bool) -> Vec<Fragment> {
        let kept = Fragment::Keep(self.ctx.source.range(value));
        // What an error answer names is text.
        if plain_json(value) || error && named_texts(value) {
            return vec![kept];
        }
        vec![
            Fragment::Text("JSON.parse(JSON.stringify(".to_string()),
            kept,
            Fragment::Text("))".to_string()),
        ]
    }

    /// `return res.json(x)` without its value.
    fn bare_return(&mut self, effect: &Effect) {
        let text = &self.ctx.source.text;
        let before = text[..effect.range.start].trim_end();
        if !before.ends_with("return") {
            return self.refuse(Reason::ReplyInExpression, effect.range.clone(), "");
        }
        self.edits.delete(before.len()..effect.range.end);
    }

    /// The whole statement of an answer, when it is the function's last.
    fn last_statement(&self, effect: &Effect, reply: &Reply) -> Option<Range<usize>> {
        let Body::Block(stmts, _) = self.function.body else {
            return None;
        };
        let last = self.ctx.source.range(stmts.last()?);
        let start = match reply.form {
            ReplyForm::Bare(start) | ReplyForm::Settles(start) => start,
            ReplyForm::Returned => self.ctx.source.text[..effect.range.start]
                .trim_end()
                .strip_suffix("return")?
                .len(),
        };
        (start == last.start && effect.range.end <= last.end).then_some(last)
    }
}

/// The names that a pattern takes out of an object.
fn pattern_keys(pattern: &ObjectPat) -> Vec<String> {
    let key = |prop: &ObjectPatProp| match prop {
        ObjectPatProp::KeyValue(pair) => prop_name(&pair.key),
        ObjectPatProp::Assign(short) => Some(short.key.id.sym.to_string()),
        ObjectPatProp::Rest(_) => None,
    };
    pattern.props.iter().filter_map(key).collect()
}

/// The type of what callers send, with the fields that the handler reads and none of them gives.
fn with_keys(sent: &str, keys: &[String]) -> String {
    let Some(fields) = sent
        .strip_prefix("{ ")
        .and_then(|sent| sent.strip_suffix(" }"))
    else {
        return sent.to_string();
    };
    let mut all: Vec<String> = fields.split("; ").map(str::to_string).collect();
    for key in keys {
        let given = all.iter().any(|field| {
            field
                .split(':')
                .next()
                .map(|name| name.trim_end_matches('?'))
                == Some(key)
        });
        if !given {
            all.push(format!("{key}?: any"));
        }
    }
    format!("{{ {} }}", all.join("; "))
}

/// Every statement of a function, those in blocks included, in order.
pub(super) fn all_statements(stmts: &[Stmt]) -> Vec<&Stmt> {
    let mut out = Vec::new();
    for stmt in stmts {
        out.push(stmt);
        let inner: Vec<&[Stmt]> = match stmt {
            Stmt::Block(block) => vec![&block.stmts],
            Stmt::If(branch) => {
                let alt = branch.alt.as_deref().map(crate::syntax::statements);
                std::iter::once(crate::syntax::statements(&branch.cons))
                    .chain(alt)
                    .collect()
            }
            Stmt::Try(attempt) => vec![&attempt.block.stmts],
            Stmt::Switch(switch) => switch.cases.iter().map(|case| &case.cons[..]).collect(),
            _ => Vec::new(),
        };
        // A statement that is its own branch was taken in already.
        let inner = inner
            .into_iter()
            .filter(|inner| !matches!(inner, [only] if std::ptr::eq(only, stmt)));
        inner.for_each(|inner| out.extend(all_statements(inner)));
    }
    out
}

/// The same with those of a function that a call which is returned is given last.
pub(super) fn with_callbacks(stmts: &[Stmt]) -> Vec<&Stmt> {
    let mut out = Vec::new();
    for stmt in all_statements(stmts) {
        out.push(stmt);
        if let Stmt::Return(returned) = stmt
            && let Some(Expr::Call(call)) = returned.arg.as_deref().map(bare)
            && let Some(Expr::Arrow(arrow)) = call.args.last().map(|last| bare(&last.expr))
            && let ArrowFunctionBody::FunctionBody(block) = &*arrow.body
        {
            out.extend(with_callbacks(&block.stmts));
        }
    }
    out
}

/// Whether a value is the same as its JSON: literals, texts, and objects and arrays of such.
fn plain_json(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Lit(Lit::Str(_) | Lit::Num(_) | Lit::Bool(_) | Lit::Null(_)) | Expr::Tpl(_) => true,
        Expr::Array(array) => array.elems.iter().all(|item| {
            item.as_ref()
                .is_some_and(|item| item.spread.is_none() && plain_json(&item.expr))
        }),
        Expr::Object(object) => object.props.iter().all(|prop| match prop {
            PropOrSpread::Prop(prop) => match &**prop {
                Prop::KeyValue(pair) => prop_name(&pair.key).is_some() && plain_json(&pair.value),
                _ => false,
            },
            PropOrSpread::Spread(_) => false,
        }),
        Expr::Unary(UnaryExpr {
            op: UnaryOp::Bang, ..
        }) => true,
        Expr::Bin(BinExpr { op, left, .. }) => match op {
            BinaryOp::EqEq
            | BinaryOp::EqEqEq
            | BinaryOp::NotEq
            | BinaryOp::NotEqEq
            | BinaryOp::Lt
            | BinaryOp::Gt
            | BinaryOp::LtEq
            | BinaryOp::GtEq => true,
            BinaryOp::Add => matches!(bare(left), Expr::Lit(Lit::Str(_)) | Expr::Tpl(_)),
            _ => false,
        },
        Expr::Call(call) => match call.callee.as_expr().map(|callee| bare(callee)) {
            Some(Expr::Ident(name)) => matches!(&*name.sym, "String" | "Boolean"),
            _ => false,
        },
        // The message of an error that was caught is text.
        Expr::Member(access) => {
            let error = matches!(bare(&access.obj), Expr::Ident(name) if matches!(&*name.sym, "e" | "err" | "error" | "ex" | "exception"));
            matches!(&access.prop, MemberProp::Ident(name) if error && name.sym == *"message" || name.sym == *"length")
        }
        _ => false,
    }
}

/// The names of an object whose values are all written out as text.
fn texts(expr: &Expr) -> Option<BTreeSet<String>> {
    let Expr::Object(object) = bare(expr) else {
        return None;
    };
    let name = |prop: &PropOrSpread| match prop {
        PropOrSpread::Prop(prop) => match &**prop {
            Prop::KeyValue(pair) => match bare(&pair.value) {
                Expr::Lit(Lit::Str(_)) | Expr::Tpl(_) => prop_name(&pair.key),
                _ => None,
            },
            _ => None,
        },
        PropOrSpread::Spread(_) => None,
    };
    object.props.iter().map(name).collect()
}

/// Whether a value is an object of names and members only.
fn named_texts(expr: &Expr) -> bool {
    let Expr::Object(object) = bare(expr) else {
        return false;
    };
    object.props.iter().all(|prop| match prop {
        PropOrSpread::Prop(prop) => match &**prop {
            Prop::KeyValue(pair) => {
                let message = matches!(bare(&pair.value), Expr::Member(member) if member.prop.is_ident_with("message"));
                message || plain_json(&pair.value)
            }
            _ => false,
        },
        PropOrSpread::Spread(_) => false,
    })
}

/// Whether a header that is set here does nothing for the caller, and computing it nothing else.
fn unread(header: &SetHeader) -> bool {
    is_unread(header) && header.values.iter().all(|value| quiet(value))
}

/// Whether a function may fail in a way that it does not catch.
pub fn can_throw(source: &Source, function: &Function) -> bool {
    match function.body {
        Body::Block(stmts, _) => stmts.iter().any(|stmt| calls_others(source, stmt)),
        Body::Expr(expr) => calls_others(source, expr),
    }
}

/// Whether code calls something that may fail: not the response, the console or a conversion.
pub fn calls_others<'n>(source: &'n Source, node: &impl VisitWith<Calls<'n>>) -> bool {
    let mut calls = Calls(source, false);
    node.visit_with(&mut calls);
    calls.1
}

/// Looks for such a call.
pub struct Calls<'s>(&'s Source, bool);

impl Visit for Calls<'_> {
    fn visit_call_expr(&mut self, node: &CallExpr) {
        let text = self.0.text_of(node);
        self.1 |= !["res.", "console.", "Number", "String", "Boolean"]
            .iter()
            .any(|start| text.starts_with(start));
        node.args.visit_with(self);
    }

    fn visit_new_expr(&mut self, _: &NewExpr) {
        self.1 = true;
    }
}

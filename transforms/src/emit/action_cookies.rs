//! Cookies that a Server Action sets. In: a `Set-Cookie` header of the handler, written by `serialize` of the
//! package `cookie`, or as text whose parts are known. Out: `cookieStore.set(name, value, options)`. Refused is a
//! cookie without a path (the browser takes it from the URL, which is another one for an action) and
//! a value that Next.js would encode otherwise.

use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::carrier::Writer;
use crate::edit::Fragment;
use crate::facts::api_module::{Body, declared};
use crate::facts::effect::{Effect, HeaderMode, Kind, SetHeader};
use crate::facts::route::Slug;
use crate::flow::Reading;
use crate::libraries::Takes;
use crate::reason::{Note, Reason};
use crate::source::Source;
use crate::syntax::{bare, id, member, prop_name, string};

/// The options that `serialize` and `cookies().set` take alike.
const OPTIONS: &[&str] = &[
    "domain",
    "expires",
    "httpOnly",
    "maxAge",
    "partitioned",
    "path",
    "priority",
    "sameSite",
    "secure",
];

/// Whether a header sets cookies.
pub(super) fn is_cookie(header: &SetHeader) -> bool {
    header.name.eq_ignore_ascii_case("set-cookie")
}

/// A cookie: its name, when it is known, and the arguments of `cookieStore.set`.
type Cookie = (Option<String>, Vec<Fragment>);

/// Looks for a loop around some code.
struct Loops<'l> {
    source: &'l Source,
    range: &'l Range<usize>,
    found: bool,
}

impl Visit for Loops<'_> {
    fn visit_stmt(&mut self, node: &Stmt) {
        if matches!(
            node,
            Stmt::For(_) | Stmt::ForIn(_) | Stmt::ForOf(_) | Stmt::While(_) | Stmt::DoWhile(_)
        ) {
            let around = self.source.range(node);
            self.found |= around.start <= self.range.start && self.range.end <= around.end;
        }
        node.visit_children_with(self);
    }
}

impl<'a> Writer<'_, 'a, '_> {
    /// Makes the store that cookies are set in, before the first of them. Refuses what a store gives
    /// otherwise than headers did: the later of two headers took the place of the earlier, two cookies of
    /// one name stood beside each other, and none of them was read back.
    pub(super) fn make_cookie_store(&mut self, reading: &Reading<'a>) {
        let mut setting: Vec<(&Effect<'a>, HeaderMode)> = Vec::new();
        for effect in &reading.effects {
            if let Kind::Prepare { headers, .. } = &effect.kind {
                let cookies = headers.iter().filter(|header| is_cookie(header));
                setting.extend(cookies.map(|header| (effect, header.mode)));
            }
        }
        setting.sort_by_key(|(effect, _)| effect.range.start);
        let Some((first, _)) = setting.first().copied() else {
            return;
        };
        let later = setting
            .iter()
            .skip(1)
            .find(|(_, mode)| *mode == HeaderMode::Set);
        let read = reading.effects.iter().find(|effect| {
            let reads = match &effect.kind {
                Kind::ReadCookie { .. } | Kind::WholeCookies => true,
                Kind::DestructureValues { part, .. } => part == "cookies",
                Kind::Library(call) => call.takes == Takes::Nothing,
                _ => false,
            };
            reads && effect.range.start > first.range.start
        });
        let looped = setting
            .iter()
            .find(|(effect, _)| self.repeats(&effect.range));
        let refused = [
            later.map(|(effect, _)| (effect.range.clone(), "sets cookies in two places")),
            read.map(|effect| (effect.range.clone(), "reads cookies when some are set")),
            looped.map(|(effect, _)| (effect.range.clone(), "sets cookies in a loop")),
            self.is_other("cookies")
                .then(|| (first.range.clone(), "cookies is another name here")),
        ];
        if let Some((range, why)) = refused.into_iter().flatten().next() {
            return self.refuse(Reason::UnknownHeader, range, why);
        }
        let made = self.request_api("cookies");
        let store = self.free_local(&["cookieStore", "store"]);
        if !self.hoist(first.top, format!("const {store} = {made}")) {
            return self.refuse(
                Reason::UnknownHeader,
                first.range.clone(),
                "in an expression",
            );
        }
        self.cookie_store = Some(store);
        self.needs.imports.value("next/headers", "cookies");
        self.needs.notes.insert(Note::ActionRefresh);
    }

    /// Whether code stands in a loop.
    fn repeats(&self, range: &Range<usize>) -> bool {
        let Body::Block(stmts, _) = self.function.body else {
            return false;
        };
        let mut loops = Loops {
            source: self.ctx.source,
            range,
            found: false,
        };
        stmts.iter().for_each(|stmt| stmt.visit_with(&mut loops));
        loops.found
    }

    /// Whether a name that is imported from `next/headers` stands for something else in the file.
    pub(super) fn is_other(&self, name: &str) -> bool {
        let mut imports = self.ctx.module.imports.iter();
        let ours = imports.any(|((local, _), (from, original))| {
            local == name && from == "next/headers" && original == name
        });
        let slug = |slug: &Slug| slug.name == name;
        !ours && self.is_bound(name) || self.ctx.route.slugs.iter().any(slug)
    }

    /// Sets the cookies of a statement that sets nothing else but headers that nobody reads.
    pub(super) fn action_cookies(&mut self, headers: &[SetHeader<'a>], statement: Range<usize>) {
        let values: Vec<&'a Expr> = headers
            .iter()
            .filter(|header| is_cookie(header))
            .flat_map(|header| header.values.iter().copied())
            .collect();
        let removes = |header: &SetHeader| header.mode == HeaderMode::Remove;
        if headers.iter().any(removes) {
            return self.refuse(Reason::UnknownHeader, statement, "removes cookies");
        }
        // What is not made is refused already.
        let Some(store) = self.cookie_store.clone() else {
            return;
        };
        let statement = self.own_end(statement);
        let before = self.ctx.source.text[..statement.start].trim_end();
        if values.len() > 1
            && (before.ends_with(')') || before.ends_with("else") || before.ends_with("do"))
        {
            return self.refuse(
                Reason::UnknownHeader,
                statement,
                "sets several cookies at once",
            );
        }
        let (indent, semi) = (self.ctx.indent_at(statement.start), self.ctx.style.semi);
        let mut with = Vec::new();
        for (at, value) in values.iter().enumerate() {
            match self.cookie(value) {
                Ok((name, arguments)) => {
                    let known = self.cookies.iter().all(|other| match (other, &name) {
                        (Some(other), Some(name)) => other != name,
                        _ => false,
                    });
                    if !known {
                        let range = self.ctx.source.range(*value);
                        let why = "may set two cookies of one name";
                        return self.refuse(Reason::UnknownHeader, range, why);
                    }
                    self.cookies.push(name);
                    if at > 0 {
                        with.push(Fragment::Text(format!("\n{indent}")));
                    }
                    with.push(Fragment::Text(format!("{store}.set(")));
                    with.extend(arguments);
                    with.push(Fragment::Text(format!("){semi}")));
                }
                Err(why) => {
                    let range = self.ctx.source.range(*value);
                    return self.refuse(Reason::UnknownHeader, range, why);
                }
            }
        }
        // The call of `serialize` goes, its arguments stay.
        let kept: Vec<Range<usize>> = with
            .iter()
            .filter_map(|fragment| match fragment {
                Fragment::Keep(range) => Some(range.clone()),
                Fragment::Text(_) => None,
            })
            .collect();
        let mut from = statement.start;
        for range in kept {
            self.dropped.push(from..range.start);
            from = range.end;
        }
        self.dropped.push(from..statement.end);
        self.edits.rewrite(statement, with);
    }

    /// The arguments of `cookieStore.set` for one `Set-Cookie` line.
    fn cookie(&self, line: &Expr) -> Result<Cookie, &'static str> {
        match bare(line) {
            Expr::Call(call) => self.serialized(call),
            Expr::Lit(Lit::Str(_)) | Expr::Tpl(_) => self.written(bare(line)),
            _ => Err("sets a cookie that is not known"),
        }
    }

    /// `serialize(name, value, options)` of the package `cookie`.
    fn serialized(&self, call: &CallExpr) -> Result<Cookie, &'static str> {
        const UNKNOWN: &str = "sets a cookie that is not known";
        let imports = &self.ctx.module.imports;
        let imported = |name: &Ident| imports.get(&id(name));
        let callee = call.callee.as_expr().map(|callee| bare(callee));
        let is_serialize = match callee {
            Some(Expr::Ident(name)) => imported(name)
                .is_some_and(|(from, original)| from == "cookie" && original == "serialize"),
            Some(other) => member(other).is_some_and(|(object, name)| {
                name == "serialize"
                    && matches!(object, Expr::Ident(object)
                    if imported(object).is_some_and(|(from, original)| {
                        from == "cookie" && matches!(original.as_str(), "*" | "default")
                    }))
            }),
            None => false,
        };
        let plain = call.args.iter().all(|arg| arg.spread.is_none());
        let (true, true, [first, _, options]) = (is_serialize, plain, &call.args[..]) else {
            return Err(UNKNOWN);
        };
        let source = self.ctx.source;
        let written = match bare(&options.expr) {
            Expr::Ident(name) => declared(source, &id(name)).map(|(value, _)| value),
            other => Some(other),
        };
        let Some(Expr::Object(object)) = written else {
            return Err("sets a cookie whose options are not known");
        };
        let mut keys = Vec::new();
        for prop in &object.props {
            let pair = match prop {
                PropOrSpread::Prop(prop) => match &**prop {
                    Prop::KeyValue(pair) => {
                        prop_name(&pair.key).map(|key| (key, Some(&*pair.value)))
                    }
                    Prop::Shorthand(name) => Some((name.sym.to_string(), None)),
                    _ => None,
                },
                PropOrSpread::Spread(_) => None,
            };
            match pair {
                Some((key, value)) if !self.same_option(&key, value) => {
                    return Err("sets a cookie with an option that is not written out");
                }
                Some((key, _)) if OPTIONS.contains(&key.as_str()) => keys.push(key),
                _ => return Err("sets a cookie with an option that cookies() does not have"),
            }
        }
        if !keys.iter().any(|key| key == "path") {
            return Err("sets a cookie without a path");
        }
        let arguments = source.range(&*first.expr).start..source.range(&*options.expr).end;
        Ok((string(&first.expr), vec![Fragment::Keep(arguments)]))
    }

    /// Whether `serialize` and `cookies().set` surely write an option alike: a path or `sameSite` that
    /// is text, an age that is a number.
    fn same_option(&self, key: &str, value: Option<&Expr>) -> bool {
        let value = value.map(bare);
        match key {
            "path" | "sameSite" => value.and_then(string).is_some_and(|text| !text.is_empty()),
            "maxAge" => match value {
                Some(Expr::Lit(Lit::Num(_)) | Expr::Bin(_) | Expr::Unary(_)) => true,
                Some(Expr::Ident(name)) => {
                    let made = declared(self.ctx.source, &id(name));
                    matches!(made, Some((Expr::Lit(Lit::Num(_)) | Expr::Bin(_), _)))
                }
                _ => false,
            },
            _ => true,
        }
    }

    /// `name=value; Path=/; HttpOnly`, where only the value may be computed.
    fn written(&self, line: &Expr) -> Result<Cookie, &'static str> {
        const ENCODED: &str = "sets a cookie whose value would be encoded";
        let (text, value) = match line {
            Expr::Tpl(template) => match (&template.quasis[..], &template.exprs[..]) {
                ([only], []) => (only.raw.to_string(), None),
                ([before, after], [value]) if before.raw.ends_with('=') => {
                    if !after.raw.is_empty() && !after.raw.starts_with(';') {
                        return Err(ENCODED);
                    }
                    (format!("{}{}", before.raw, after.raw), Some(bare(value)))
                }
                _ => return Err("sets a cookie that is not known"),
            },
            other => (
                string(other).ok_or("sets a cookie that is not known")?,
                None,
            ),
        };
        let mut parts = text.split(';').map(str::trim);
        let (name, literal) = parts
            .next()
            .and_then(|pair| pair.split_once('='))
            .ok_or("sets a cookie that is not known")?;
        let plain = |text: &str| {
            text.chars()
                .all(|char| char.is_ascii_alphanumeric() || "-_.!~*'()".contains(char))
        };
        if name.is_empty() || !plain(name) || !plain(literal) {
            return Err(ENCODED);
        }
        let style = &self.ctx.style;
        let value = match value {
            None => Fragment::Text(style.string(literal)),
            Some(Expr::Call(call)) => match (
                call.callee.as_expr().map(|callee| bare(callee)),
                &call.args[..],
            ) {
                (Some(Expr::Ident(name)), [only])
                    if name.sym == *"encodeURIComponent"
                        && self.ctx.source.is_global(name)
                        && only.spread.is_none() =>
                {
                    Fragment::Keep(self.ctx.source.range(&*only.expr))
                }
                _ => return Err(ENCODED),
            },
            Some(_) => return Err(ENCODED),
        };
        let mut options = Vec::new();
        for part in parts.filter(|part| !part.is_empty()) {
            let (key, given) = part.split_once('=').unwrap_or((part, ""));
            options.push(match (key.to_ascii_lowercase().as_str(), given) {
                ("path", "") => return Err("sets a cookie without a path"),
                ("path", path) => format!("path: {}", style.string(path)),
                ("domain", domain) => format!("domain: {}", style.string(domain)),
                ("max-age", age) if age.parse::<i64>().is_ok() => format!("maxAge: {age}"),
                ("httponly", "") => "httpOnly: true".to_string(),
                ("secure", "") => "secure: true".to_string(),
                ("samesite", site) => match site.to_ascii_lowercase().as_str() {
                    site @ ("lax" | "strict" | "none") => {
                        format!("sameSite: {}", style.string(site))
                    }
                    _ => return Err("sets a cookie with an attribute that is not known"),
                },
                _ => return Err("sets a cookie with an attribute that is not known"),
            });
        }
        if !options.iter().any(|option| option.starts_with("path: ")) {
            return Err("sets a cookie without a path");
        }
        let arguments = vec![
            Fragment::Text(format!("{}, ", style.string(name))),
            value,
            Fragment::Text(format!(", {{ {} }}", options.join(", "))),
        ];
        Ok((Some(name.to_string()), arguments))
    }
}

//! Cookies that a Server Action sets. In: a `Set-Cookie` header of the handler, written by `serialize` of the
//! package `cookie`, or as text whose parts are known. Out: `cookieStore.set(name, value, options)`. Refused is a
//! cookie without a path (the browser takes it from the URL, which is another one for an action) and
//! a value that Next.js would encode otherwise.

use std::ops::Range;

use swc_core::ecma::ast::*;

use super::carrier::Writer;
use crate::edit::Fragment;
use crate::facts::api_module::declared;
use crate::facts::effect::{Effect, HeaderMode, Kind, SetHeader};
use crate::flow::Reading;
use crate::reason::{Note, Reason};
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

impl<'a> Writer<'_, 'a, '_> {
    /// Refuses cookies that are set in two places: pages had one header for both, of which the later
    /// took the place of the earlier.
    pub(super) fn one_cookie_header(&mut self, reading: &Reading<'a>) {
        let sets = |effect: &&Effect<'a>| match &effect.kind {
            Kind::Prepare { headers, .. } => {
                let mut headers = headers.iter();
                headers.any(|header| is_cookie(header) && header.mode == HeaderMode::Set)
            }
            _ => false,
        };
        if let Some(second) = reading.effects.iter().filter(sets).nth(1) {
            let why = "sets cookies in two places";
            self.refuse(Reason::UnknownHeader, second.range.clone(), why);
        }
    }

    /// Sets the cookies of a statement that sets nothing else but headers that nobody reads.
    pub(super) fn action_cookies(
        &mut self,
        headers: &[SetHeader<'a>],
        statement: Range<usize>,
        top: usize,
    ) {
        let values: Vec<&'a Expr> = headers
            .iter()
            .filter(|header| is_cookie(header))
            .flat_map(|header| header.values.iter().copied())
            .collect();
        let removes = |header: &SetHeader| header.mode == HeaderMode::Remove;
        if headers.iter().any(removes) {
            return self.refuse(Reason::UnknownHeader, statement, "removes cookies");
        }
        let store = self.free_name(&["cookieStore", "store"]);
        let (indent, semi) = (self.ctx.indent_at(statement.start), self.ctx.style.semi);
        let mut with = Vec::new();
        for (at, value) in values.iter().enumerate() {
            match self.cookie(value) {
                Ok(arguments) => {
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
        let awaits = if self.ctx.awaits_request_apis() {
            self.needs.awaits = true;
            "await "
        } else {
            ""
        };
        let made = format!("const {store} = {awaits}cookies()");
        if !self.hoists.iter().any(|(_, text)| *text == made) && !self.hoist(top, made) {
            return self.refuse(Reason::UnknownHeader, statement, "in an expression");
        }
        self.needs.imports.value("next/headers", "cookies");
        self.needs.notes.insert(Note::ActionRefresh);
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
    fn cookie(&self, line: &Expr) -> Result<Vec<Fragment>, &'static str> {
        match bare(line) {
            Expr::Call(call) => self.serialized(call),
            Expr::Lit(Lit::Str(_)) | Expr::Tpl(_) => self.written(bare(line)),
            _ => Err("sets a cookie that is not known"),
        }
    }

    /// `serialize(name, value, options)` of the package `cookie`.
    fn serialized(&self, call: &CallExpr) -> Result<Vec<Fragment>, &'static str> {
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
            let key = match prop {
                PropOrSpread::Prop(prop) => match &**prop {
                    Prop::KeyValue(pair) => prop_name(&pair.key),
                    Prop::Shorthand(name) => Some(name.sym.to_string()),
                    _ => None,
                },
                PropOrSpread::Spread(_) => None,
            };
            match key {
                Some(key) if OPTIONS.contains(&key.as_str()) => keys.push(key),
                _ => return Err("sets a cookie with an option that cookies() does not have"),
            }
        }
        if !keys.iter().any(|key| key == "path") {
            return Err("sets a cookie without a path");
        }
        let arguments = source.range(&*first.expr).start..source.range(&*options.expr).end;
        Ok(vec![Fragment::Keep(arguments)])
    }

    /// `name=value; Path=/; HttpOnly`, where only the value may be computed.
    fn written(&self, line: &Expr) -> Result<Vec<Fragment>, &'static str> {
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
        Ok(vec![
            Fragment::Text(format!("{}, ", style.string(name))),
            value,
            Fragment::Text(format!(", {{ {} }}", options.join(", "))),
        ])
    }
}

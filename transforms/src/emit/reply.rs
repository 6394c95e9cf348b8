//! Writes an answer as a `NextResponse`.

use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::carrier::{Context, Helper};
use super::style::{indentation, line_start};
use crate::edit::{Edits, Fragment};
use crate::facts::effect::{Effect, HeaderMode, Payload, Reply, ReplyForm, SetHeader, TextKind};
use crate::outcome::Refusal;
use crate::reason::{Note, Reason};
use crate::source::Source;
use crate::syntax::{bare, is_bodiless, member, number, quiet, string};

/// Lines whose indentation changes: start of the line and number of characters, negative to the left.
pub type Shifts = Vec<(usize, i64)>;

/// An answer that was written.
pub struct Written {
    /// What is replaced.
    pub range: Range<usize>,
    /// What replaces it.
    pub fragments: Vec<Fragment>,
    /// Lines of kept code that move.
    pub shifts: Shifts,
    /// White space in front of the answer that becomes a line break.
    pub broken: Option<(Range<usize>, String)>,
    /// Differences that it brings.
    pub notes: Vec<Note>,
    /// The helper that makes the response, when it is not made in place.
    pub helper: Option<Helper>,
}

/// A part of a `Response`'s options.
enum Part {
    Status(Range<usize>),
    StatusText(String),
    Headers(Vec<(String, Vec<Fragment>)>),
    Shared,
}

/// Writes one answer. `shared` is the name of the `Headers` that the function collects, when it does.
///
/// # Errors
/// A refusal when the answer has no faithful form.
pub fn write(
    ctx: &Context,
    effect: &Effect,
    reply: &Reply,
    shared: Option<&str>,
    edits: &Edits,
) -> Result<Written, Refusal> {
    let source = ctx.source;
    let mut notes = Vec::new();
    let status_value = reply.status.and_then(number);
    let bodiless = reply.status.is_some_and(is_bodiless);
    let json = matches!(reply.payload, Payload::Json(_)) && !bodiless;
    let mut parts = Vec::new();
    match (reply.status, status_value) {
        (_, Some(200)) => {}
        (Some(status), _) => parts.push(Part::Status(source.range(status))),
        (None, _) if matches!(reply.payload, Payload::Redirect(_)) => {
            parts.push(Part::StatusText("307".to_string()))
        }
        (None, _) => {}
    }
    let in_shared = shared.is_some() && (reply.carries || !reply.before.is_empty());
    if in_shared && !reply.own.is_empty() {
        return Err(ctx.refusal(
            Reason::UnknownHeader,
            effect.range.clone(),
            "headers from two places",
        ));
    }
    let mut headers: Vec<(String, Vec<Fragment>)> = Vec::new();
    if !in_shared {
        for header in reply.before.iter().chain(&reply.own) {
            set(ctx, &mut headers, header, json)?;
        }
    }
    let typed = in_shared
        || headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    // Whether the type is known to be set, by this answer or before it.
    let told = reply
        .before
        .iter()
        .chain(&reply.own)
        .any(|header| header.name.eq_ignore_ascii_case("content-type"));
    let sends = ctx.source.text[effect.range.clone()].contains(".send(");
    let mut helper = None;
    let body: Vec<Fragment> = match &reply.payload {
        Payload::Json(value) if json => {
            notes.push(Note::JsonCharset);
            if maybe_undefined(value) {
                notes.push(Note::UndefinedJson);
            }
            vec![Fragment::Keep(source.range(*value))]
        }
        Payload::EmptyJson if !bodiless => {
            headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            let json = ctx.style.string("application/json; charset=utf-8");
            headers.push(("Content-Type".to_string(), vec![Fragment::Text(json)]));
            vec![Fragment::Text("null".to_string())]
        }
        Payload::Json(_) | Payload::Empty | Payload::EmptyJson => {
            vec![Fragment::Text("null".to_string())]
        }
        _ if bodiless => vec![Fragment::Text("null".to_string())],
        Payload::Text(value, kind) => {
            let kept = Fragment::Keep(source.range(*value));
            match kind {
                TextKind::Unknown if !told => {
                    // A string body would be typed text/plain; bytes have no type, as before.
                    vec![
                        Fragment::Text("new TextEncoder().encode(".to_string()),
                        kept,
                        Fragment::Text(")".to_string()),
                    ]
                }
                _ => {
                    if !told {
                        notes.push(Note::TextPlain);
                    }
                    vec![kept]
                }
            }
        }
        // Whether the collected headers have a type is seen when it is sent.
        Payload::Bytes(value) if in_shared && !told && sends => {
            helper = Some(Helper::SendData);
            vec![Fragment::Keep(source.range(*value))]
        }
        Payload::Bytes(value) => {
            if !typed {
                headers.push((
                    "Content-Type".to_string(),
                    vec![Fragment::Text(ctx.style.string("application/octet-stream"))],
                ));
            }
            let kept = Fragment::Keep(source.range(*value));
            if ctx.typescript() {
                vec![
                    Fragment::Text("new Uint8Array(".to_string()),
                    kept,
                    Fragment::Text(")".to_string()),
                ]
            } else {
                vec![kept]
            }
        }
        Payload::Opaque(value) => {
            let own_type = reply
                .before
                .iter()
                .chain(&reply.own)
                .filter(|header| header.name.eq_ignore_ascii_case("content-type"));
            let own_type = own_type
                .filter_map(|header| header.values.first())
                .next_back()
                .and_then(|value| string(value));
            let kept = Fragment::Keep(source.range(*value));
            if own_type.is_none_or(|own| own.contains("json")) {
                // `send` looks at the kind of the value when it runs.
                if !sends {
                    return Err(ctx.refusal(Reason::UnknownSend, source.range(*value), ""));
                }
                helper = Some(Helper::SendData);
                notes.push(Note::JsonCharset);
                vec![kept]
            } else if ctx.typescript() {
                let kept = match bare(value) {
                    Expr::Cond(_) | Expr::Bin(_) | Expr::Await(_) => {
                        vec![text("("), kept, text(")")]
                    }
                    _ => vec![kept],
                };
                [kept, vec![text(" as BodyInit")]].concat()
            } else {
                vec![kept]
            }
        }
        Payload::Redirect(url) => {
            notes.push(Note::TextPlain);
            let kept = Fragment::Keep(source.range(*url));
            if repeatable(url) && !in_shared {
                headers.push(("Location".to_string(), vec![kept.clone()]));
            } else {
                // It is computed once, and stands in the header and in the body.
                helper = Some(Helper::RedirectTo);
            }
            vec![kept]
        }
    };
    if in_shared {
        parts.push(Part::Shared);
    } else if !headers.is_empty() {
        parts.push(Part::Headers(headers));
    }
    if !json
        && !matches!(
            reply.payload,
            Payload::Empty | Payload::EmptyJson | Payload::Redirect(_)
        )
        && sends
    {
        notes.push(Note::NoEtag);
    }
    let options = options(ctx, parts, shared);
    let call = match helper {
        Some(helper) => format!("{}(", helper.name()),
        None if json => "NextResponse.json(".to_string(),
        None => "new NextResponse(".to_string(),
    };
    let (mut fragments, shifts, broken) = lay_out(ctx, effect, reply, &call, body, options, edits);
    let mut range = effect.range.clone();
    // What is worked out for a status without a body is worked out all the same.
    if let Some(value) = reply
        .payload
        .value()
        .filter(|value| bodiless && !quiet(value))
    {
        let start = statement_start(ctx, effect, reply, value)?;
        let returns = match reply.form {
            ReplyForm::Bare(_) | ReplyForm::Settles(_) => "",
            ReplyForm::Returned => "return ",
        };
        let indent = ctx.indent_at(range.start);
        let between = format!("{}\n{indent}{returns}", ctx.style.semi);
        // Without semicolons, such a line would go on with the one before.
        let opens = source
            .text_of(value)
            .starts_with(['(', '[', '`', '+', '-', '/']);
        let first = if opens && ctx.style.semi.is_empty() {
            ";"
        } else {
            ""
        };
        let work = [
            text(first),
            Fragment::Keep(source.range(value)),
            text(&between),
        ];
        fragments.splice(0..0, work);
        range.start = start;
    }
    Ok(Written {
        range,
        fragments,
        shifts,
        broken,
        notes,
        helper,
    })
}

/// Where the statement of an answer starts, before which `value` can stand as a statement.
///
/// # Errors
/// Where it cannot.
fn statement_start(
    ctx: &Context,
    effect: &Effect,
    reply: &Reply,
    value: &Expr,
) -> Result<usize, Refusal> {
    /// Finds a statement that others may stand before.
    struct InList<'s>(&'s Source, usize, bool);
    impl Visit for InList<'_> {
        fn visit_stmts(&mut self, node: &[Stmt]) {
            let (source, start) = (self.0, self.1);
            self.2 |= node.iter().any(|stmt| source.range(stmt).start == start);
            node.visit_children_with(self);
        }
    }
    let start = match reply.form {
        ReplyForm::Bare(start) => Some(start),
        // It stands in a call.
        ReplyForm::Settles(_) => None,
        ReplyForm::Returned => {
            let before = ctx.source.text[..effect.range.start].trim_end();
            before.strip_suffix("return").map(str::len)
        }
    };
    let mut list = InList(ctx.source, start.unwrap_or(usize::MAX), false);
    ctx.source.module.visit_with(&mut list);
    let text = &ctx.source.text;
    let leads = |start: usize| text[line_start(text, start)..start].trim().is_empty();
    // What the status and the headers are worked out by comes first.
    let headers = reply.before.iter().chain(&reply.own);
    let mut values = headers.flat_map(|header| &header.values);
    let alone = values.all(|value| quiet(value)) && reply.status.is_none_or(quiet);
    match (start, bare(value)) {
        (Some(start), Expr::Await(_) | Expr::Call(_)) if list.2 && alone && leads(start) => {
            Ok(start)
        }
        _ => {
            let detail = "work in the body of a status that has none";
            Err(ctx.refusal(Reason::ReplyInExpression, effect.range.clone(), detail))
        }
    }
}

/// Adds a header to those of an answer, as `setHeader` would.
fn set(
    ctx: &Context,
    headers: &mut Vec<(String, Vec<Fragment>)>,
    header: &SetHeader,
    json: bool,
) -> Result<(), Refusal> {
    let same = |name: &str| name.eq_ignore_ascii_case(&header.name);
    if header.mode != HeaderMode::Append {
        headers.retain(|(name, _)| !same(name));
    }
    // json() always sets its own type, whatever was set before.
    if json && same("content-type") {
        let value = header
            .values
            .first()
            .and_then(|value| string(value))
            .unwrap_or_default();
        if !value.starts_with("application/json") && header.mode != HeaderMode::Remove {
            let range = header
                .values
                .first()
                .map(|value| ctx.source.range(*value))
                .unwrap_or(0..0);
            return Err(ctx.refusal(Reason::UnknownHeader, range, "a type that json() replaces"));
        }
        return Ok(());
    }
    let texts: Option<Vec<String>> = header.values.iter().map(|value| string(value)).collect();
    match texts {
        // Several lines of one header and one line with commas say the same, but for cookies.
        Some(texts) if texts.len() > 1 && !same("set-cookie") => {
            let joined = ctx.style.string(&texts.join(", "));
            headers.push((header.name.clone(), vec![Fragment::Text(joined)]));
        }
        _ => headers.extend(
            header
                .values
                .iter()
                .map(|value| (header.name.clone(), header_value(ctx, value))),
        ),
    }
    Ok(())
}

/// A header's value as a string.
pub fn header_value(ctx: &Context, value: &Expr) -> Vec<Fragment> {
    let kept = Fragment::Keep(ctx.source.range(value));
    match bare(value) {
        Expr::Lit(Lit::Num(number)) => {
            vec![Fragment::Text(ctx.style.string(&number.value.to_string()))]
        }
        Expr::Lit(Lit::Bool(flag)) => {
            vec![Fragment::Text(ctx.style.string(&flag.value.to_string()))]
        }
        _ if !ctx.typescript() || surely_string(value) => vec![kept],
        _ => vec![
            Fragment::Text("String(".to_string()),
            kept,
            Fragment::Text(")".to_string()),
        ],
    }
}

fn surely_string(expr: &Expr) -> bool {
    match expr {
        Expr::TsAs(cast) => {
            matches!(&*cast.type_ann, TsType::TsKeywordType(word) if word.kind == TsKeywordTypeKind::TsStringKeyword)
        }
        Expr::Paren(inner) => surely_string(&inner.expr),
        Expr::Lit(Lit::Str(_)) | Expr::Tpl(_) => true,
        Expr::Bin(BinExpr {
            op: BinaryOp::Add,
            left,
            right,
            ..
        }) => surely_string(left) || surely_string(right),
        Expr::Call(call) => match call.callee.as_expr().map(|callee| bare(callee)) {
            Some(Expr::Ident(name)) => {
                let known = [
                    "String",
                    "serialize",
                    "serializeCookie",
                    "encodeURIComponent",
                ];
                known.contains(&&*name.sym)
            }
            Some(other) => member(other).is_some_and(|(_, name)| {
                matches!(
                    name.as_str(),
                    "toString" | "join" | "toUTCString" | "toISOString" | "serialize" | "stringify"
                )
            }),
            None => false,
        },
        _ => false,
    }
}

/// Whether the value given to `json()` could be `undefined`.
fn maybe_undefined(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Object(_) | Expr::Array(_) | Expr::Lit(_) | Expr::Tpl(_) | Expr::New(_) => false,
        Expr::Cond(cond) => maybe_undefined(&cond.cons) || maybe_undefined(&cond.alt),
        Expr::Bin(BinExpr {
            op: BinaryOp::LogicalOr | BinaryOp::NullishCoalescing,
            right,
            ..
        }) => maybe_undefined(right),
        Expr::Bin(_) | Expr::Unary(_) => false,
        _ => true,
    }
}

/// Whether an expression may be written twice: it only reads.
fn repeatable(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Lit(_) | Expr::Ident(_) => true,
        Expr::Member(access) => {
            repeatable(&access.obj) && matches!(access.prop, MemberProp::Ident(_))
        }
        Expr::Tpl(template) => template.exprs.iter().all(|expr| repeatable(expr)),
        Expr::Bin(BinExpr {
            op: BinaryOp::Add | BinaryOp::LogicalOr | BinaryOp::NullishCoalescing,
            left,
            right,
            ..
        }) => repeatable(left) && repeatable(right),
        Expr::Cond(cond) => {
            repeatable(&cond.test) && repeatable(&cond.cons) && repeatable(&cond.alt)
        }
        Expr::Call(call) => {
            let pure = match call.callee.as_expr().map(|callee| bare(callee)) {
                Some(Expr::Ident(name)) => {
                    matches!(&*name.sym, "encodeURIComponent" | "encodeURI" | "String")
                }
                Some(callee) => member(callee)
                    .is_some_and(|(object, name)| name == "toString" && repeatable(object)),
                None => false,
            };
            pure && call.args.iter().all(|arg| repeatable(&arg.expr))
        }
        _ => false,
    }
}

/// One option of a `Response`.
enum Entry {
    /// `status: 201`.
    Plain(Vec<Fragment>),
    /// Headers: what opens the list, its items, what closes it.
    List(&'static str, Vec<Vec<Fragment>>, &'static str),
}

fn text(text: &str) -> Fragment {
    Fragment::Text(text.to_string())
}

fn options(ctx: &Context, parts: Vec<Part>, shared: Option<&str>) -> Vec<Entry> {
    let entry = |part| match part {
        Part::Status(range) if &ctx.source.text[range.clone()] == "status" => {
            Entry::Plain(vec![Fragment::Keep(range)])
        }
        Part::Status(range) => Entry::Plain(vec![text("status: "), Fragment::Keep(range)]),
        Part::StatusText(status) => Entry::Plain(vec![text(&format!("status: {status}"))]),
        Part::Shared => Entry::Plain(vec![match shared {
            Some("headers") | None => text("headers"),
            Some(name) => text(&format!("headers: {name}")),
        }]),
        Part::Headers(headers) => {
            let repeated = headers.iter().enumerate().any(|(at, (name, _))| {
                headers[..at]
                    .iter()
                    .any(|(earlier, _)| earlier.eq_ignore_ascii_case(name))
            });
            let item = |(name, value): (String, Vec<Fragment>)| {
                let mut item = vec![if repeated {
                    text(&format!("[{}, ", ctx.style.string(&name)))
                } else {
                    text(&format!("{}: ", ctx.style.key(&name)))
                }];
                item.extend(value);
                item.extend(repeated.then(|| text("]")));
                item
            };
            let items = headers.into_iter().map(item).collect();
            if repeated {
                Entry::List("headers: [", items, "]")
            } else {
                Entry::List("headers: {", items, "}")
            }
        }
    };
    parts.into_iter().map(entry).collect()
}

/// Fragments with a separator between the parts.
fn joined(parts: Vec<Vec<Fragment>>, separator: &str) -> Vec<Fragment> {
    let mut out = Vec::new();
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            out.push(text(separator));
        }
        out.extend(part);
    }
    out
}

impl Entry {
    /// The entry on one line.
    fn inline(self) -> Vec<Fragment> {
        match self {
            Entry::Plain(fragments) => fragments,
            Entry::List(open, items, close) => {
                let space = if close == "}" { " " } else { "" };
                let mut out = vec![text(&format!("{open}{space}"))];
                out.extend(joined(items, ", "));
                out.push(text(&format!("{space}{close}")));
                out
            }
        }
    }

    /// The entry with its items on lines of their own.
    fn broken(self, ctx: &Context, indent: &str) -> Vec<Fragment> {
        match self {
            Entry::Plain(fragments) => fragments,
            Entry::List(open, items, close) => {
                let inner = format!("{indent}{}", ctx.style.indent);
                let mut out = vec![text(&format!("{open}\n{inner}"))];
                out.extend(joined(items, &format!(",\n{inner}")));
                out.push(text(&format!("{}\n{indent}{close}", ctx.style.comma)));
                out
            }
        }
    }

    fn copy(&self) -> Entry {
        match self {
            Entry::Plain(fragments) => Entry::Plain(fragments.clone()),
            Entry::List(open, items, close) => Entry::List(open, items.clone(), close),
        }
    }
}

/// An answer in lines: the fragments, the lines of kept code that move, and the white space in
/// front of it that becomes a line break.
type LaidOut = (Vec<Fragment>, Shifts, Option<(Range<usize>, String)>);

/// Puts call, body and options on one line when they fit, on lines of their own otherwise.
fn lay_out(
    ctx: &Context,
    effect: &Effect,
    reply: &Reply,
    call: &str,
    body: Vec<Fragment>,
    options: Vec<Entry>,
    edits: &Edits,
) -> LaidOut {
    let source = &ctx.source.text;
    let rendered = |fragments: &[Fragment]| -> String {
        fragments
            .iter()
            .map(|fragment| match fragment {
                Fragment::Text(new) => new.clone(),
                Fragment::Keep(range) => edits
                    .render(source, range.clone())
                    .unwrap_or_else(|_| source[range.clone()].to_string()),
            })
            .collect()
    };
    let (returns, close) = match reply.form {
        ReplyForm::Bare(_) => ("return ".to_string(), ")"),
        ReplyForm::Returned => (String::new(), ")"),
        ReplyForm::Settles(at) => (format!("{}(", ctx.promised.borrow().resolve(at)), "))"),
    };
    let mut old_indent = indentation(source, effect.range.start).chars().count() as i64;
    let unit = ctx.style.indent.chars().count() as i64;
    let mut indent = ctx.indent_at(effect.range.start);
    let head = &source[line_start(source, effect.range.start)..effect.range.start];
    let column = ctx.style.columns(&indent) + ctx.style.columns(head.trim_start());
    let inline_options = |options: &[Entry]| -> Vec<Fragment> {
        if options.is_empty() {
            return Vec::new();
        }
        let mut out = vec![text("{ ")];
        out.extend(joined(
            options.iter().map(|entry| entry.copy().inline()).collect(),
            ", ",
        ));
        out.push(text(" }"));
        out
    };
    let one_line_options = inline_options(&options);
    let (body_text, options_text) = (rendered(&body), rendered(&one_line_options));
    let width = |text: &str| ctx.style.columns(text) as i64;
    let ends = (close.len() + ctx.style.semi.len()) as i64;
    let length =
        width(&returns) + width(call) + width(&body_text) + 2 + width(&options_text) + ends;
    let mut column = column as i64;
    // An answer that does not fit behind its `if (…)` goes to the next line.
    let mut broken_before = None;
    let start = match reply.form {
        ReplyForm::Bare(start) | ReplyForm::Settles(start) => start,
        ReplyForm::Returned => {
            let before = source[..effect.range.start].trim_end();
            before
                .strip_suffix("return")
                .map_or(effect.range.start, str::len)
        }
    };
    let before = source[line_start(source, start)..start].trim();
    let too_long = column + length > ctx.style.width as i64 || body_text.contains('\n');
    let unwrapped = ctx
        .unwrapped
        .borrow()
        .iter()
        .any(|(kept, _)| kept.start == start);
    if before.starts_with("if ") && before.ends_with(')') && too_long && !unwrapped {
        let white = source[..start].trim_end().len();
        indent.push_str(&ctx.style.indent);
        old_indent += unit;
        column = width(&indent) + width(&source[start..effect.range.start]);
        broken_before = Some((white..start, format!("\n{indent}")));
    }
    let mut one_line = column + length;
    let many_lines = body_text.contains('\n');
    let limit = ctx.style.width as i64;
    let mut lead = width(&returns);
    let mut close = close.to_string();
    let mut fragments = vec![text(&returns)];
    let settles = matches!(reply.form, ReplyForm::Settles(_));
    if settles && (many_lines || options_text.contains('\n') || one_line > limit) {
        // The answer goes to a line of its own.
        let inner = format!("{indent}{}", ctx.style.indent);
        fragments.push(text(&format!("\n{inner}")));
        close = format!("){}\n{indent})", ctx.style.trailing);
        column = width(&inner);
        one_line = column + length - lead;
        lead = 0;
        old_indent += unit;
        indent = inner;
    }
    fragments.push(text(call));
    let mut shifts = Vec::new();
    if options.is_empty() || !many_lines && !options_text.contains('\n') && one_line <= limit {
        if many_lines {
            shift(ctx, &body, old_indent, &mut shifts);
        }
        fragments.extend(body);
        if !options.is_empty() {
            fragments.push(text(", "));
            fragments.extend(one_line_options);
        }
        fragments.push(text(&close));
        return (fragments, shifts, broken_before);
    }
    // The options, one to a line; headers that are too long for theirs are broken once more.
    let broken =
        |options: Vec<Entry>, indent: &str, to: i64, shifts: &mut Shifts| -> Vec<Fragment> {
            let inner = format!("{indent}{}", ctx.style.indent);
            let mut lines = Vec::new();
            for entry in options {
                let line = entry.copy().inline();
                let line_text = rendered(&line);
                let long =
                    line_text.contains('\n') || width(&inner) + width(&line_text) + 1 > limit;
                let entry = if long {
                    entry.broken(ctx, &inner)
                } else {
                    line
                };
                shift(ctx, &entry, to + if long { 2 * unit } else { unit }, shifts);
                let deeper = if long { ctx.style.indent.as_str() } else { "" };
                lines.push(carried(ctx, effect, entry, &format!("{inner}{deeper}")));
            }
            let mut out = vec![text(&format!("{{\n{inner}"))];
            out.extend(joined(lines, &format!(",\n{inner}")));
            out.push(text(&format!("{}\n{indent}}}", ctx.style.comma)));
            out
        };
    // The options break alone where the body fits before them and is no object itself, as
    // Prettier does it.
    let opens = column + lead + width(call) + width(&body_text) + width(", {");
    let hugging = !many_lines && !body_text.starts_with('{') && opens <= limit;
    if hugging {
        fragments.extend(body);
        fragments.push(text(", "));
        fragments.extend(broken(options, &indent, old_indent, &mut shifts));
        fragments.push(text(&close));
        return (fragments, shifts, broken_before);
    }
    let inner = format!("{indent}{}", ctx.style.indent);
    shift(ctx, &body, old_indent + unit, &mut shifts);
    fragments.push(text(&format!("\n{inner}")));
    fragments.extend(body);
    fragments.push(text(&format!(",\n{inner}")));
    if !options_text.contains('\n') && width(&inner) + width(&options_text) < limit {
        fragments.extend(one_line_options);
    } else {
        fragments.extend(broken(options, &inner, old_indent + unit, &mut shifts));
    }
    fragments.push(text(&format!("{}\n{indent}{close}", ctx.style.trailing)));
    (fragments, shifts, broken_before)
}

/// Code from another statement becomes text whose lines stand behind an indentation, because the
/// statement goes.
fn carried(ctx: &Context, effect: &Effect, entry: Vec<Fragment>, indent: &str) -> Vec<Fragment> {
    let source = &ctx.source.text;
    let own =
        |range: &Range<usize>| effect.range.start <= range.start && range.end <= effect.range.end;
    let moved = |fragment| match fragment {
        Fragment::Keep(range) if !own(&range) && !source[range.clone()].contains('`') => {
            let old = format!("\n{}", indentation(source, range.start));
            Fragment::Text(source[range].replace(&old, &format!("\n{indent}")))
        }
        other => other,
    };
    entry.into_iter().map(moved).collect()
}

/// Moves the lines of kept code so that its first line would stand at `to` characters.
fn shift(ctx: &Context, fragments: &[Fragment], to: i64, shifts: &mut Shifts) {
    for fragment in fragments {
        let Fragment::Keep(range) = fragment else {
            continue;
        };
        let text = &ctx.source.text;
        let from = indentation(text, range.start).chars().count() as i64;
        let mut at = range.start;
        while let Some(newline) = text[at..range.end].find('\n') {
            at += newline + 1;
            shifts.push((at, to - from));
        }
    }
}

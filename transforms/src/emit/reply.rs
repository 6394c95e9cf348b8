//! Writes an answer as a `NextResponse`.

use std::ops::Range;

use swc_core::ecma::ast::*;

use super::carrier::Context;
use super::style::{indentation, line_start};
use crate::edit::{Edits, Fragment};
use crate::facts::effect::{Effect, HeaderMode, Payload, Reply, ReplyForm, SetHeader, TextKind};
use crate::outcome::Refusal;
use crate::reason::{Note, Reason};
use crate::syntax::{bare, member, string};

/// Lines whose indentation changes: start of the line and number of characters, negative to the left.
pub type Shifts = Vec<(usize, i64)>;

/// An answer that was written.
pub struct Written {
    /// What replaces the effect's range.
    pub fragments: Vec<Fragment>,
    /// Lines of kept code that move.
    pub shifts: Shifts,
    /// Differences that it brings.
    pub notes: Vec<Note>,
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
    let bodiless = matches!(status_value, Some(204 | 205 | 304));
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
    let body: Vec<Fragment> = match &reply.payload {
        Payload::Json(value) if json => {
            notes.push(Note::JsonCharset);
            if maybe_undefined(value) {
                notes.push(Note::UndefinedJson);
            }
            vec![Fragment::Keep(source.range(*value))]
        }
        Payload::Json(_) | Payload::Empty => vec![Fragment::Text("null".to_string())],
        _ if bodiless => vec![Fragment::Text("null".to_string())],
        Payload::Text(value, kind) => {
            let kept = Fragment::Keep(source.range(*value));
            match kind {
                TextKind::Unknown if !typed => {
                    // A string body would be typed text/plain; bytes have no type, as before.
                    vec![
                        Fragment::Text("new TextEncoder().encode(".to_string()),
                        kept,
                        Fragment::Text(")".to_string()),
                    ]
                }
                _ => {
                    if !typed {
                        notes.push(Note::TextPlain);
                    }
                    vec![kept]
                }
            }
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
                .last()
                .and_then(|value| string(value));
            if own_type.is_none_or(|own| own.contains("json")) {
                return Err(ctx.refusal(Reason::UnknownSend, source.range(*value), ""));
            }
            let kept = Fragment::Keep(source.range(*value));
            if ctx.typescript() {
                vec![kept, Fragment::Text(" as BodyInit".to_string())]
            } else {
                vec![kept]
            }
        }
        Payload::Redirect(url) => {
            if !repeatable(url) {
                return Err(ctx.refusal(
                    Reason::ReplyInExpression,
                    source.range(*url),
                    "the URL is computed",
                ));
            }
            notes.push(Note::TextPlain);
            let kept = Fragment::Keep(source.range(*url));
            headers.push(("Location".to_string(), vec![kept.clone()]));
            vec![kept]
        }
    };
    if in_shared {
        parts.push(Part::Shared);
    } else if !headers.is_empty() {
        parts.push(Part::Headers(headers));
    }
    let options = options(ctx, parts, shared);
    let call = if json {
        "NextResponse.json("
    } else {
        "new NextResponse("
    };
    let (fragments, shifts) = lay_out(ctx, effect, reply, call, body, options, edits);
    Ok(Written {
        fragments,
        shifts,
        notes,
    })
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
                matches!(&*name.sym, "String" | "serialize" | "encodeURIComponent")
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

/// The value of a literal number.
pub fn number(expr: &Expr) -> Option<u16> {
    match bare(expr) {
        Expr::Lit(Lit::Num(number))
            if number.value.fract() == 0.0 && (0.0..1000.0).contains(&number.value) =>
        {
            Some(number.value as u16)
        }
        _ => None,
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

fn options(ctx: &Context, parts: Vec<Part>, shared: Option<&str>) -> Vec<Fragment> {
    let mut out = Vec::new();
    let text = |text: &str| Fragment::Text(text.to_string());
    for (index, part) in parts.into_iter().enumerate() {
        out.push(text(if index == 0 { "{ " } else { ", " }));
        match part {
            Part::Status(range) if &ctx.source.text[range.clone()] == "status" => {
                out.push(Fragment::Keep(range))
            }
            Part::Status(range) => out.extend([text("status: "), Fragment::Keep(range)]),
            Part::StatusText(status) => out.push(text(&format!("status: {status}"))),
            Part::Shared => match shared {
                Some("headers") => out.push(text("headers")),
                Some(name) => out.push(text(&format!("headers: {name}"))),
                None => {}
            },
            Part::Headers(headers) => {
                let repeated = headers.iter().enumerate().any(|(at, (name, _))| {
                    headers[..at]
                        .iter()
                        .any(|(earlier, _)| earlier.eq_ignore_ascii_case(name))
                });
                out.push(text(if repeated {
                    "headers: ["
                } else {
                    "headers: { "
                }));
                for (at, (name, value)) in headers.into_iter().enumerate() {
                    if at > 0 {
                        out.push(text(", "));
                    }
                    if repeated {
                        out.push(text(&format!("[{}, ", ctx.style.string(&name))));
                        out.extend(value);
                        out.push(text("]"));
                    } else {
                        out.push(text(&format!("{}: ", ctx.style.key(&name))));
                        out.extend(value);
                    }
                }
                out.push(text(if repeated { "]" } else { " }" }));
            }
        }
    }
    if !out.is_empty() {
        out.push(text(" }"));
    }
    out
}

/// Puts call, body and options on one line when they fit, on lines of their own otherwise.
fn lay_out(
    ctx: &Context,
    effect: &Effect,
    reply: &Reply,
    call: &str,
    body: Vec<Fragment>,
    options: Vec<Fragment>,
    edits: &Edits,
) -> (Vec<Fragment>, Shifts) {
    let text = &ctx.source.text;
    let rendered = |fragments: &[Fragment]| -> String {
        fragments
            .iter()
            .map(|fragment| match fragment {
                Fragment::Text(new) => new.clone(),
                Fragment::Keep(range) => edits
                    .render(text, range.clone())
                    .unwrap_or_else(|_| text[range.clone()].to_string()),
            })
            .collect()
    };
    let returns = if matches!(reply.form, ReplyForm::Bare(_)) {
        "return "
    } else {
        ""
    };
    let old_indent = indentation(text, effect.range.start).chars().count() as i64;
    let unit = ctx.style.indent.chars().count() as i64;
    let indent = ctx.indent_at(effect.range.start);
    let column = text[line_start(text, effect.range.start)..effect.range.start]
        .chars()
        .count()
        .saturating_sub(ctx.unwrapped_by(effect.range.start));
    let (body_text, options_text) = (rendered(&body), rendered(&options));
    let one_line = column
        + returns.len()
        + call.len()
        + body_text.chars().count()
        + 2
        + options_text.chars().count()
        + 2;
    let many_lines = body_text.contains('\n');
    let mut fragments = vec![Fragment::Text(format!("{returns}{call}"))];
    let mut shifts = Vec::new();
    let width = |text: &str| text.chars().count() as i64;
    if options.is_empty()
        || !many_lines && !options_text.contains('\n') && one_line <= ctx.style.width
    {
        if many_lines {
            shift(ctx, &body, old_indent, &mut shifts);
        }
        fragments.extend(body);
        if !options.is_empty() {
            fragments.push(Fragment::Text(", ".to_string()));
            fragments.extend(options);
        }
        fragments.push(Fragment::Text(")".to_string()));
        return (fragments, shifts);
    }
    // A simple body stays on the first line and the options break, as prettier does.
    let inner = format!("{indent}{}", ctx.style.indent);
    let hugging = !many_lines
        && !body_text.starts_with('{')
        && !body_text.starts_with('[')
        && !body_text.contains('(');
    // The options, one to a line, with headers that are too long broken once more.
    let broken = |options: Vec<Fragment>, indent: &str| -> Vec<Fragment> {
        let mut out = vec![Fragment::Text("{\n".to_string())];
        let inner = format!("{indent}{}", ctx.style.indent);
        for part in split_options(options) {
            let long = width(&inner) + width(&rendered(&part)) + 1 > ctx.style.width as i64;
            out.push(Fragment::Text(inner.clone()));
            for fragment in part {
                out.push(match fragment {
                    Fragment::Text(text) if long => Fragment::Text(match text.as_str() {
                        ", " => format!(",\n{inner}{}", ctx.style.indent),
                        " }" => format!(",\n{inner}}}"),
                        other => other.replacen(
                            "headers: { ",
                            &format!("headers: {{\n{inner}{}", ctx.style.indent),
                            1,
                        ),
                    }),
                    other => other,
                });
            }
            out.push(Fragment::Text(",\n".to_string()));
        }
        out.push(Fragment::Text(format!("{indent}}}")));
        out
    };
    if hugging {
        fragments.extend(body);
        fragments.push(Fragment::Text(", ".to_string()));
        fragments.extend(broken(options, &indent));
        fragments.push(Fragment::Text(")".to_string()));
        return (fragments, shifts);
    }
    shift(ctx, &body, old_indent + unit, &mut shifts);
    fragments.push(Fragment::Text(format!("\n{inner}")));
    fragments.extend(body);
    fragments.push(Fragment::Text(format!(",\n{inner}")));
    if width(&inner) + width(&options_text) < ctx.style.width as i64 {
        fragments.extend(options);
    } else {
        fragments.extend(broken(options, &inner));
    }
    fragments.push(Fragment::Text(format!("{}\n{indent})", ctx.style.trailing)));
    (fragments, shifts)
}

/// The entries of written options, each by itself.
fn split_options(options: Vec<Fragment>) -> Vec<Vec<Fragment>> {
    let mut entries: Vec<Vec<Fragment>> = Vec::new();
    let count = options.len();
    for (index, fragment) in options.into_iter().enumerate() {
        match fragment {
            Fragment::Text(text) if index == 0 && text == "{ " => entries.push(Vec::new()),
            Fragment::Text(text) if text == ", " && !inside_headers(&entries) => {
                entries.push(Vec::new())
            }
            Fragment::Text(text) if index + 1 == count && text == " }" => {}
            other => entries
                .last_mut()
                .into_iter()
                .for_each(|entry| entry.push(other.clone())),
        }
    }
    entries
}

fn inside_headers(entries: &[Vec<Fragment>]) -> bool {
    let Some(last) = entries.last() else {
        return false;
    };
    let opened = last.iter().any(|fragment| matches!(fragment, Fragment::Text(text) if text.starts_with("headers: {") || text.starts_with("headers: [")));
    let closed = last
        .iter()
        .any(|fragment| matches!(fragment, Fragment::Text(text) if text == " }" || text == "]"));
    opened && !closed
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

//! What a client's rejection becomes: the action gives back `{ ok, status, data }`, and the call site throws
//! an error with the client's message where the answer is no success, before anything else of the
//! answer is looked at. In: where the call site can throw. Out: edits. Refused, with the place: a call that
//! shares its line with other statements.

use std::ops::Range;

use super::{Refused, stands_alone};
use crate::edit::{Edits, Fragment};
use crate::emit::style::{Style, indentation};
use crate::facts::call::{Answer, CallShape, Failure, ReadKind, Throws};
use crate::source::Source;

/// Writes the throw, where there is something to throw for, and the type of the data.
pub(super) fn throws(
    edits: &mut Edits,
    source: &Source,
    shape: &CallShape,
    failure: &Failure,
    fails: bool,
) -> Result<(), Refused> {
    let text = &*source.text;
    let style = Style::of(source);
    let kind = failure.data.as_ref().filter(|_| source.typescript());
    let kind = kind.map(|range| &text[range.clone()]);
    let semi = style.semi;
    let check = |name: &str, indent: &str| {
        let deep = format!("{indent}{}", style.indent);
        format!(
            "{indent}if (!{name}.ok) {{\n{deep}throw new Error(`Request failed with status code ${{{name}.status}}`){semi}\n{indent}}}"
        )
    };
    // `{ data } = result`, and where the data have a type `data: Post = result.data`.
    let taken = |pattern: &Range<usize>, name: &str| {
        let own = &text[pattern.clone()];
        if let (Some(kind), Some(local)) = (kind, only_data(own)) {
            return format!("{local}: {kind} = {name}.data{semi}");
        }
        let kind = kind.filter(|_| !own.contains("}:") && reads_data(&shape.answer));
        let kind = kind.map(|kind| format!(": {{ data: {kind} }}"));
        format!("{own}{} = {name}{semi}", kind.unwrap_or_default())
    };
    if let (Some(kind), Answer::Named(named)) = (kind, &shape.answer) {
        let data = named
            .reads
            .iter()
            .filter(|read| read.kind == ReadKind::Data);
        for read in data {
            let own = &text[read.range.clone()];
            if own.starts_with("data") {
                continue;
            }
            let alone = stands_alone(text, &read.range);
            let new = format!("{own} as {kind}");
            let new = if alone { new } else { format!("({new})") };
            edits.replace(read.range.clone(), new);
        }
    }
    if !fails {
        if let (Some(kind), Throws::Pattern { pattern, .. }) = (kind, &failure.throws)
            && !text[pattern.clone()].contains("}:")
            && reads_data(&shape.answer)
        {
            edits.insert(pattern.end, format!(": {{ data: {kind} }}"));
        }
        return Ok(());
    }
    if let Throws::Pattern { pattern, .. }
    | Throws::Callback {
        parameter: pattern,
        pattern: true,
        ..
    } = &failure.throws
        && (text[pattern.clone()].contains("}:")
            || text[pattern.end..].trim_start().starts_with(':'))
    {
        return Err((
            pattern.clone(),
            "what is taken of the answer has a type of its own",
        ));
    }
    match &failure.throws {
        Throws::Statement { statement, name } => {
            let indent = alone(text, statement)?;
            edits.insert(statement.start, format!("const {name} = "));
            let end = line_end(text, statement.end);
            edits.insert(end, format!("\n{}", check(name, indent)));
        }
        Throws::Declaration { statement } => {
            let Answer::Named(named) = &shape.answer else {
                return Ok(());
            };
            let indent = alone(text, statement)?;
            let end = line_end(text, statement.end);
            edits.insert(end, format!("\n{}", check(&named.name, indent)));
        }
        Throws::Pattern {
            statement,
            pattern,
            name,
            ..
        } => {
            let indent = alone(text, statement)?;
            let declares = &text[statement.start..pattern.start];
            let taken = taken(pattern, name);
            edits.replace(pattern.clone(), name.clone());
            let end = line_end(text, statement.end);
            let check = check(name, indent);
            edits.insert(end, format!("\n{check}\n{indent}{declares}{taken}"));
        }
        Throws::Callback {
            parameter,
            pattern,
            body,
            block,
            name,
            named,
        } => {
            let indent = indentation(text, parameter.start);
            let deep = format!("{indent}{}", style.indent);
            let mut first = check(name, &deep);
            if *pattern {
                first = format!("{first}\n{deep}const {}", taken(parameter, name));
                edits.replace(parameter.clone(), name.clone());
            } else if !named {
                edits.replace(parameter.clone(), format!("({name})"));
            }
            let inner = &text[body.clone()];
            let Some(statements) = block else {
                let returns = if is_setter(inner, text) {
                    ""
                } else {
                    "return "
                };
                edits.insert_first(body.start, format!("{{\n{first}\n{deep}{returns}"));
                edits.insert(body.end, format!("{semi}\n{indent}}}"));
                return Ok(());
            };
            if inner.contains('\n') {
                edits.insert_first(body.start + 1, format!("\n{first}"));
            } else {
                // One line of statements becomes one line for each.
                let mut with = vec![Fragment::Text(format!("{{\n{first}"))];
                for statement in statements {
                    with.push(Fragment::Text(format!("\n{deep}")));
                    with.push(Fragment::Keep(statement.clone()));
                }
                with.push(Fragment::Text(format!("\n{indent}}}")));
                edits.rewrite(body.clone(), with);
            }
        }
        Throws::Link { name } => {
            let rest = &text[shape.call.end..];
            let next = rest.len() - rest.trim_start().len();
            let lines = rest[..next].contains('\n') && rest[next..].starts_with('.');
            let at = if lines {
                shape.call.end + next
            } else {
                shape.call.end
            };
            let indent = indentation(text, at);
            let deep = format!("{indent}{}", style.indent);
            let check = check(name, &deep);
            let link =
                format!(".then(({name}) => {{\n{check}\n{deep}return {name}{semi}\n{indent}}})");
            let link = match lines {
                true => format!("\n{indent}{link}"),
                false => link,
            };
            edits.insert(shape.call.end, link);
        }
    }
    Ok(())
}

/// The name that a pattern gives to the data, when it takes nothing else: `{ data }`, `{ data: post }`.
fn only_data(pattern: &str) -> Option<&str> {
    let inner = pattern.strip_prefix('{')?.strip_suffix('}')?.trim();
    let name = inner.strip_prefix("data")?;
    let part = |char: char| char.is_alphanumeric() || matches!(char, '_' | '$');
    match name.strip_prefix(':') {
        None => name.is_empty().then_some("data"),
        Some(name) => Some(name.trim()).filter(|name| name.chars().all(part)),
    }
}

fn reads_data(answer: &Answer) -> bool {
    super::reads(answer)
        .iter()
        .any(|read| read.kind == ReadKind::Data)
}

/// Whether an expression is a call of a setter of state, which gives nothing.
fn is_setter(expr: &str, text: &str) -> bool {
    let called = expr.split('(').next().unwrap_or_default();
    let rest = expr.strip_prefix("set").unwrap_or_default();
    let name = rest.split('(').next().unwrap_or_default();
    text.contains(&format!(", {called}] = "))
        && rest.starts_with(char::is_uppercase)
        && name.chars().all(char::is_alphanumeric)
        && rest.ends_with(')')
}

/// The indentation of a statement that stands alone on its lines.
fn alone<'t>(text: &'t str, statement: &Range<usize>) -> Result<&'t str, Refused> {
    let indent = indentation(text, statement.start);
    let before = &text[text[..statement.start].rfind('\n').map_or(0, |at| at + 1)..statement.start];
    let rest = text[statement.end..]
        .lines()
        .next()
        .unwrap_or_default()
        .trim();
    if before == indent && (rest.is_empty() || rest.starts_with("//")) {
        Ok(indent)
    } else {
        let words = "the call shares its line with other statements";
        Err((statement.clone(), words))
    }
}

/// The end of a statement, behind a comment on its line.
fn line_end(text: &str, at: usize) -> usize {
    let line = text[at..]
        .find(['\n', '\r'])
        .map_or(text.len(), |end| at + end);
    if text[at..line].trim().is_empty() {
        at
    } else {
        line
    }
}

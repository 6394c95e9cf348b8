//! Puts the call of a Server Action in the place of a client's. In: a file, a call whose
//! [`CallShape`] was read from it, and the action. Out: edits of the call's own text and of the reads of its
//! response. Nothing else moves. Refused, with the place: reads that the action's contract does not
//! serve, parameters that the call does not have. The imports come once for a file, from [`imports`].

mod imports;
mod throws;

use std::ops::Range;

use crate::edit::{Edits, Fragment};
use crate::facts::call::{
    Answer, Binding, Call, CallShape, Failure, Named, PathArgument, Read, ReadKind,
};
use crate::outcome::Place;
use crate::source::Source;
use imports::Style;
pub use imports::{imports, local_name};

/// What an action gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contract {
    /// Nothing.
    Nothing,
    /// The data of the one success answer.
    Data,
    /// `{ ok, status, data }`.
    Result,
}

/// An action, as a caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRef {
    /// The name that its module exports.
    pub name: String,
    /// The module, as the calling file would write it.
    pub specifier: String,
    /// What it gives back.
    pub contract: Contract,
    /// Whether it may give back what is no success, where a client rejected.
    pub fails: bool,
    /// What it takes.
    pub params: Vec<Param>,
}

/// What an action takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Param {
    /// A path parameter, by its slug.
    Path(String),
    /// A top-level field of the JSON body. All fields travel in one argument: the body as it is written.
    Field(String),
    /// The whole body.
    Body,
}

/// The smallest contract that serves these callers. [`Contract::Data`] gives them the data of
/// the success answer: a route with error answers needs [`Contract::Result`] when a
/// caller has [`crate::facts::call::Reads::error_body`].
pub fn contract(calls: &[&Call]) -> Contract {
    calls
        .iter()
        .map(|call| {
            let asks = call.rewrite.as_ref().is_ok_and(|shape| {
                reads(&shape.answer)
                    .iter()
                    .any(|read| read.kind == ReadKind::Presence)
            });
            match call.reads {
                reads if reads.ok || reads.status || asks => Contract::Result,
                reads if reads.json && fails(call).is_some() => Contract::Result,
                reads if reads.json => Contract::Data,
                _ => Contract::Nothing,
            }
        })
        .max()
        .unwrap_or(Contract::Nothing)
}

/// What a call does where the answer is no success, unless it answers all the same.
pub fn fails(call: &Call) -> Option<&Failure> {
    call.rewrite.as_ref().ok()?.failure.as_ref()
}

/// Puts the call of the action in the place of the client's.
///
/// # Errors
/// With the place and the reason, when this call site and this action do not fit.
pub fn rewrite(source: &Source, call: &Call, action: &ActionRef) -> Result<Edits, (Place, String)> {
    let shape = call.rewrite.as_ref().map_err(Clone::clone)?;
    let refuse = |range: &Range<usize>, words: String| {
        (
            Place::new(&source.path, &source.text, range.start, range.end),
            words,
        )
    };
    let mut edits = Edits::default();
    let arguments = arguments(source, shape, action).map_err(|words| refuse(&shape.call, words))?;
    if let Some(comment) = lost_comment(source, &shape.call, &arguments) {
        return Err(refuse(
            &comment,
            "a comment inside the call would be lost".into(),
        ));
    }
    edits.rewrite(shape.call.clone(), arguments);
    if let Some(body) = &shape.body {
        outdent(&mut edits, &source.text, &shape.call, &body.value);
    }
    if let Some(leftover) = &shape.leftover {
        edits.delete(whole_lines(&source.text, leftover));
    }
    let outcome = match (&shape.answer, action.contract) {
        (Answer::Ignored, _) => Ok(()),
        (Answer::Direct { response, reads }, contract) => {
            direct(&mut edits, shape, response, reads, contract)
        }
        (Answer::Named(named), contract) => self::named(&mut edits, source, named, contract),
    };
    let outcome = outcome.and_then(|()| match &shape.failure {
        Some(failure) => throws::throws(&mut edits, source, shape, failure, action.fails),
        None => Ok(()),
    });
    match outcome {
        Ok(()) => Ok(edits),
        Err((range, words)) => Err(refuse(&range, words.to_string())),
    }
}

/// A comment inside the call that no fragment keeps.
fn lost_comment(source: &Source, call: &Range<usize>, with: &[Fragment]) -> Option<Range<usize>> {
    let inside = |outer: &Range<usize>, inner: &Range<usize>| {
        outer.start <= inner.start && inner.end <= outer.end
    };
    source
        .comments
        .iter()
        .find(|comment| {
            inside(call, comment)
                && !with.iter().any(
                    |fragment| matches!(fragment, Fragment::Keep(kept) if inside(kept, comment)),
                )
        })
        .cloned()
}

/// Moves the lines of the body to the left, by as much as it stood deeper than the call.
/// Text with a template literal stays: its spaces may be part of a string.
fn outdent(edits: &mut Edits, text: &str, call: &Range<usize>, body: &Range<usize>) {
    let indentation = |at: usize| {
        let line = &text[text[..at].rfind('\n').map_or(0, |at| at + 1)..];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    };
    let (outer, inner) = (indentation(call.start), indentation(body.start));
    let value = &text[body.clone()];
    if !inner.starts_with(outer) || value.contains('`') {
        return;
    }
    let surplus = inner.len() - outer.len();
    for (at, _) in value.match_indices('\n') {
        let line = body.start + at + 1;
        if surplus > 0 && text[line..].starts_with(inner) {
            edits.delete_soft(line + outer.len()..line + inner.len());
        }
    }
}

type Refused = (Range<usize>, &'static str);

/// `name(id, body)`, the arguments with the edits inside them.
fn arguments(
    source: &Source,
    shape: &CallShape,
    action: &ActionRef,
) -> Result<Vec<Fragment>, String> {
    let mut fragments = vec![Fragment::Text(format!("{}(", local_name(source, action)))];
    let mut first = true;
    let mut separate = |fragments: &mut Vec<Fragment>| {
        if !std::mem::take(&mut first) {
            fragments.push(Fragment::Text(", ".into()));
        }
    };
    for param in &action.params {
        let Param::Path(slug) = param else { continue };
        let Some(value) = shape.path.iter().find(|value| value.slug == *slug) else {
            return Err(format!("the call gives no {slug}"));
        };
        separate(&mut fragments);
        match &value.value {
            PathArgument::Expression(range) if surely_text(source, range) => {
                fragments.push(Fragment::Keep(range.clone()));
            }
            PathArgument::Expression(range) => {
                fragments.push(Fragment::Text("String(".to_string()));
                fragments.push(Fragment::Keep(range.clone()));
                fragments.push(Fragment::Text(")".to_string()));
            }
            PathArgument::Text(text) => {
                let quote = Style::of(source).quote;
                fragments.push(Fragment::Text(format!("{quote}{text}{quote}")));
            }
        }
    }
    if action
        .params
        .iter()
        .any(|param| !matches!(param, Param::Path(_)))
    {
        let Some(body) = &shape.body else {
            return Err("the call sends no body".into());
        };
        separate(&mut fragments);
        fragments.push(Fragment::Keep(body.value.clone()));
    }
    fragments.push(Fragment::Text(")".into()));
    Ok(fragments)
}

fn reads(answer: &Answer) -> &[Read] {
    match answer {
        Answer::Ignored => &[],
        Answer::Direct { reads, .. } => reads,
        Answer::Named(named) => &named.reads,
    }
}

fn direct(
    edits: &mut Edits,
    shape: &CallShape,
    response: &Range<usize>,
    reads: &[Read],
    contract: Contract,
) -> Result<(), Refused> {
    for read in reads {
        match (&read.kind, contract) {
            (_, Contract::Nothing)
            | (
                ReadKind::Ok | ReadKind::Status | ReadKind::Presence | ReadKind::Data,
                Contract::Data,
            ) => {
                return Err(unserved(read));
            }
            (
                ReadKind::Ok | ReadKind::Status | ReadKind::Presence | ReadKind::Data,
                Contract::Result,
            ) => {}
            (ReadKind::Json { .. }, Contract::Result) => {
                edits.delete(read.range.start..response.start);
                edits.replace(response.end..read.range.end, ".data");
            }
            (ReadKind::Json { .. }, Contract::Data) => {
                edits.replace(read.range.start..shape.call.start, "await ");
                edits.delete(shape.call.end..read.range.end);
            }
        }
    }
    Ok(())
}

fn named(
    edits: &mut Edits,
    source: &Source,
    named: &Named,
    contract: Contract,
) -> Result<(), Refused> {
    let unserved = named.reads.iter().find(|read| match contract {
        Contract::Nothing => true,
        Contract::Data => !matches!(read.kind, ReadKind::Json { .. }),
        Contract::Result => false,
    });
    if let Some(read) = unserved {
        return Err(self::unserved(read));
    }
    if contract == Contract::Data
        && let [read] = named.reads.as_slice()
        && shorten(edits, source, named, read)
    {
        return Ok(());
    }
    if let Some(annotation) = &named.annotation {
        edits.delete(annotation.clone());
    }
    for read in &named.reads {
        let ReadKind::Json { fallback, .. } = &read.kind else {
            continue;
        };
        let value = match contract {
            Contract::Data => named.name.clone(),
            _ if read.optional => format!("{}?.data", named.name),
            _ => format!("{}.data", named.name),
        };
        let Some(fallback) = fallback else {
            edits.replace(read.range.clone(), value);
            continue;
        };
        let bare = stands_alone(&source.text, &read.range);
        edits.rewrite(
            read.range.clone(),
            vec![
                Fragment::Text(format!("{}{value} ?? ", if bare { "" } else { "(" })),
                Fragment::Keep(fallback.clone()),
                Fragment::Text(if bare { "" } else { ")" }.into()),
            ],
        );
    }
    Ok(())
}

fn unserved(read: &Read) -> Refused {
    (
        read.range.clone(),
        "the call site reads more of the answer than the action gives back",
    )
}

/// Lets the one JSON read be the call itself: `const data = await action()`, or a chain without
/// `.then((res) => res.json())`. Whether it could.
fn shorten(edits: &mut Edits, source: &Source, named: &Named, read: &Read) -> bool {
    let text = &source.text;
    if !matches!(read.kind, ReadKind::Json { fallback: None, .. }) {
        return false;
    }
    match &named.binding {
        Binding::Then { link: Some(link) } => {
            edits.delete(link.clone());
            true
        }
        Binding::Then { link: None } => false,
        Binding::Declaration {
            statement,
            init,
            next,
        } => {
            let Some(next) = next
                .as_ref()
                .filter(|next| next.start <= read.range.start && read.range.end <= next.end)
            else {
                return false;
            };
            let (before, after) = (
                &text[next.start..read.range.start],
                &text[read.range.end..next.end],
            );
            let around = [before, after, &text[statement.end..next.start]].concat();
            // Code that may have edits of its own, or comments, stays where it is.
            if ["=>", "function", "fetch", "await", "//", "/*"]
                .iter()
                .any(|mark| around.contains(mark))
            {
                return false;
            }
            edits.replace(statement.start..init.start, before);
            edits.replace(init.end..statement.end, after);
            edits.delete(statement.end..next.end);
            true
        }
    }
}

/// Whether an operator with a low precedence can stand in the range without parentheses.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].trim_end_matches([' ', '\t']);
    let after = text[range.end..].trim_start_matches([' ', '\t']);
    (before.ends_with("= ")
        || before.ends_with('=')
        || before.ends_with('(')
        || before.ends_with("return"))
        && (after.is_empty() || after.starts_with([';', ')', ',', '\n', '\r']))
}

/// The range with its indentation and its line end, when nothing else stands on its lines.
fn whole_lines(text: &str, range: &Range<usize>) -> Range<usize> {
    let start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let rest = text[range.end..]
        .find('\n')
        .map_or(text.len(), |at| range.end + at + 1);
    let alone =
        text[start..range.start].trim().is_empty() && text[range.end..rest].trim().is_empty();
    if alone { start..rest } else { range.clone() }
}

#[cfg(test)]
mod tests;

/// Whether an expression in a URL is text by the file's own words. A URL made text of anything;
/// what is not surely text is made text at the call.
fn surely_text(source: &Source, range: &Range<usize>) -> bool {
    let expr = source.text[range.clone()].trim();
    let written = ["`", "'", "\"", "String(", "encodeURIComponent("];
    if written.iter().any(|start| expr.starts_with(start)) {
        return true;
    }
    let name = expr.rsplit(['.', '?']).next().unwrap_or(expr);
    let says = |kind: &str| {
        ["", "?"]
            .iter()
            .any(|mark| source.text.contains(&format!("{name}{mark}: {kind}")))
    };
    says("string") && !says("number")
}

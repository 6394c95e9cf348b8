//! Writes answers in callbacks: the statement that is given the callback goes into a promise of the
//! answer, which the function gives back, and each answer settles it. A promise that the code makes
//! by itself becomes one of the answer.

use std::ops::Range;

use super::carrier::Writer;
use crate::edit::Fragment;
use crate::facts::effect::{Effect, Kind};
use crate::flow::Reading;

/// The code of a function that stands in promises of the answer.
#[derive(Debug, Clone, Default)]
pub struct Promised(Vec<Part>);

/// One promise of the answer.
#[derive(Debug, Clone)]
struct Part {
    /// What goes into it, or stands in it.
    range: Range<usize>,
    /// By how many levels that moves to the right.
    levels: usize,
    /// What its parameter is called that settles it.
    resolve: String,
}

impl Promised {
    fn around(&self, at: usize) -> Option<&Part> {
        let mut parts = self.0.iter();
        parts.find(|part| part.range.start <= at && at < part.range.end)
    }

    /// By how many levels what stands at an offset moves to the right.
    pub fn levels(&self, at: usize) -> usize {
        let part = self.around(at).filter(|part| part.range.start < at);
        part.map_or(0, |part| part.levels)
    }

    /// What settles the promise around an offset.
    pub fn resolve(&self, at: usize) -> &str {
        self.around(at).map_or("resolve", |part| &part.resolve)
    }
}

impl Writer<'_, '_, '_> {
    /// Finds the code of a function that stands in promises, and moves the lines of what goes into
    /// new ones.
    pub(super) fn promises(&mut self, reading: &Reading) {
        let new = self.free_name(&["resolve", "answer"]);
        let parts = reading
            .effects
            .iter()
            .filter_map(|effect| match &effect.kind {
                Kind::ReplyCallback {
                    statement, waited, ..
                } => Some(Part {
                    range: statement.clone(),
                    levels: if *waited { 2 } else { 1 },
                    resolve: new.clone(),
                }),
                Kind::ReplyPromise { made, resolve, .. } => Some(Part {
                    range: made.clone(),
                    levels: 0,
                    resolve: resolve.clone(),
                }),
                _ => None,
            });
        let parts: Vec<Part> = parts.collect();
        let text = &self.ctx.source.text;
        for part in &parts {
            let by = part.levels * self.ctx.style.indent.chars().count();
            let mut at = part.range.start;
            while let Some(newline) = text[at..part.range.end].find('\n') {
                at += newline + 1;
                self.shifts.push((at, by as i64));
            }
        }
        *self.ctx.promised.borrow_mut() = Promised(parts);
    }

    /// One statement, as a promise of the answer.
    pub(super) fn promise(
        &mut self,
        effect: &Effect,
        statement: &Range<usize>,
        call: &Range<usize>,
        waited: bool,
    ) {
        let style = self.ctx.style;
        let resolve = self
            .ctx
            .promised
            .borrow()
            .resolve(statement.start)
            .to_string();
        let indent = self.ctx.indent_at(statement.start);
        let inner = format!("{indent}{}", style.indent);
        // An error of the call itself was caught where it stands.
        let awaits = if effect.tried { "await " } else { "" };
        self.needs.awaits |= effect.tried;
        let types = self.response_type();
        let (params, before, behind) = match waited {
            false => (resolve, String::new(), String::new()),
            true => {
                let reject = self.free_name(&["reject", "fail"]);
                let before = format!("Promise.resolve(\n{inner}{}", style.indent);
                let behind = format!("{}\n{inner}).catch({reject})", style.trailing);
                (format!("{resolve}, {reject}"), before, behind)
            }
        };
        let semi = style.semi;
        let open = format!("return {awaits}new Promise{types}(({params}) => {{\n{inner}{before}");
        self.edits.rewrite(
            statement.clone(),
            vec![
                Fragment::Text(open),
                Fragment::Keep(call.clone()),
                Fragment::Text(format!("{behind}{semi}\n{indent}}}){semi}")),
            ],
        );
    }

    /// A promise that the code makes by itself, as one of the answer.
    pub(super) fn own_promise(
        &mut self,
        effect: &Effect,
        bare: Option<usize>,
        made: &Range<usize>,
        types: Range<usize>,
    ) {
        self.edits.replace(types, self.response_type());
        match bare {
            Some(start) if effect.tried => self.edits.insert(start, "return "),
            Some(start) => self.edits.replace(start..made.start, "return "),
            None => {}
        }
    }

    fn response_type(&self) -> &'static str {
        match self.ctx.typescript() {
            true => "<Response>",
            false => "",
        }
    }

    /// An answer that another function gives settles the promise.
    pub(super) fn settle(&mut self, range: Range<usize>) {
        let resolve = self.ctx.promised.borrow().resolve(range.start).to_string();
        self.edits.insert_first(range.start, format!("{resolve}("));
        self.edits.insert(range.end, ")");
    }
}

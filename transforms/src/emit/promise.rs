//! Writes answers in callbacks: the statement that is given the callback goes into a promise of the
//! answer, which the function gives back, and each answer settles it.

use std::ops::Range;

use super::carrier::Writer;
use crate::edit::Fragment;
use crate::facts::effect::{Effect, Kind};
use crate::flow::Reading;

/// The statements of a function that go into promises.
#[derive(Debug, Clone, Default)]
pub struct Promised {
    /// The statements, and by how many levels what stands in them moves to the right.
    pub statements: Vec<(Range<usize>, usize)>,
    /// What the parameter is called that settles their promises.
    pub resolve: String,
}

impl Promised {
    /// By how many levels what stands at an offset moves to the right.
    pub fn levels(&self, at: usize) -> usize {
        let mut statements = self.statements.iter();
        let around = statements.find(|(range, _)| range.start < at && at < range.end);
        around.map_or(0, |(_, levels)| *levels)
    }
}

impl Writer<'_, '_, '_> {
    /// Finds the statements of a function that go into promises, and moves their lines.
    pub(super) fn promises(&mut self, reading: &Reading) {
        let statements = reading.effects.iter();
        let statements = statements.filter_map(|effect| match &effect.kind {
            Kind::ReplyCallback {
                statement, waited, ..
            } => Some((statement.clone(), if *waited { 2 } else { 1 })),
            _ => None,
        });
        let promised = Promised {
            statements: statements.collect(),
            resolve: self.free_name(&["resolve", "answer"]),
        };
        let text = &self.ctx.source.text;
        for (statement, levels) in &promised.statements {
            let mut at = statement.start;
            while let Some(newline) = text[at..statement.end].find('\n') {
                at += newline + 1;
                let by = levels * self.ctx.style.indent.chars().count();
                self.shifts.push((at, by as i64));
            }
        }
        *self.ctx.promised.borrow_mut() = promised;
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
        let resolve = self.ctx.promised.borrow().resolve.clone();
        let indent = self.ctx.indent_at(statement.start);
        let inner = format!("{indent}{}", style.indent);
        // An error of the call itself was caught where it stands.
        let awaits = if effect.tried { "await " } else { "" };
        self.needs.awaits |= effect.tried;
        let types = if self.ctx.typescript() {
            "<Response>"
        } else {
            ""
        };
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

    /// An answer that another function gives settles the promise.
    pub(super) fn settle(&mut self, range: Range<usize>) {
        let resolve = self.ctx.promised.borrow().resolve.clone();
        self.edits.insert_first(range.start, format!("{resolve}("));
        self.edits.insert(range.end, ")");
    }
}

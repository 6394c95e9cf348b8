//! Lays out what was changed, as Prettier does it. In: a file that was written, and what stood
//! there before. Out: the file, with the lines of changed statements broken where they are too
//! long; where the project uses Prettier, also joined where they fit. A statement that holds
//! something whose layout is not known here, as a comment or JSX, stays as it is.

mod doc;
mod rules;
mod syntax;

use std::ops::Range;

use swc_core::ecma::ast::{Decl, ExportDecl, ImportDecl, Stmt};
use swc_core::ecma::visit::{Visit, VisitWith};

use self::doc::{Doc, Page, print};
use self::syntax::Layout;
use super::style::{Style, indentation, line_start};
use crate::edit::Edits;
use crate::source::Source;

/// Statements inside statements are laid out after those around them, once more for each level.
const ROUNDS: usize = 4;

/// Lays out the statements of `text` that are not in the old file.
pub fn lay_out(old: &Source, text: String) -> String {
    let style = Style::of(old);
    let mut text = text;
    let before = old.text.replace('\r', "");
    for _ in 0..ROUNDS {
        let unix = text.replace('\r', "");
        let Ok(source) = Source::parse(&old.path, unix.as_str().into()) else {
            return text;
        };
        let mut changed = Changed {
            old: &before,
            layout: Layout {
                source: &source,
                style: &style,
            },
            join: old.formatting.is_some(),
            edits: Vec::new(),
        };
        source.module.visit_with(&mut changed);
        if changed.edits.is_empty() {
            break;
        }
        let mut edits = Edits::default();
        let mut last = 0;
        for (range, new) in changed.edits {
            if range.start >= last {
                last = range.end;
                edits.replace(range, new);
            }
        }
        match edits.render(&unix, 0..unix.len()) {
            Ok(new) => text = old.in_own_line_ends(new),
            Err(_) => return text,
        }
    }
    text
}

/// Collects the statements that are to be laid out anew, outer ones first.
struct Changed<'c> {
    old: &'c str,
    layout: Layout<'c>,
    /// Whether lines that fit are joined.
    join: bool,
    edits: Vec<(Range<usize>, String)>,
}

/// Nobody has laid out what stands this far from the start of its line, and to look at all
/// of the line for each of its statements would take time that grows with their square. Nor is
/// a statement laid out that shares its line with one before it: broken there, it would read worse.
const MINIFIED: usize = 1_000;

impl Changed<'_> {
    /// Lays out the code of a range, when it is new.
    fn consider(&mut self, range: Range<usize>, doc: impl FnOnce(&Layout) -> Option<Doc>) {
        let text = &self.layout.source.text;
        let style = self.layout.style;
        let start = line_start(text, range.start);
        if range.start - start > MINIFIED || text[start..range.start].contains(['{', ';']) {
            return;
        }
        let whole = &text[start..range.end];
        let long = whole.lines().any(|line| !style.fits(line));
        let joins = self.join && whole.contains('\n');
        if !long && !joins || self.old.contains(whole) {
            return;
        }
        let Some(doc) = doc(&self.layout) else { return };
        let page = Page {
            width: style.width,
            indent: &style.indent,
            columns: &|text| style.columns(text),
        };
        let column = style.columns(&text[start..range.start]);
        let new = print(&doc, &page, indentation(text, range.start), column);
        let before = &text[range.clone()];
        let new = with_line_ends(&new, before);
        let words = |text: &str| -> String {
            let kept = |char: &char| !char.is_whitespace() && !matches!(char, ',' | '(' | ')');
            text.chars().filter(kept).collect()
        };
        let head = &text[start..range.start];
        let overlong = |text: &str| -> usize {
            let columns = format!("{head}{text}");
            let columns = columns.lines().map(|line| style.columns(line));
            columns.map(|line| line.saturating_sub(style.width)).sum()
        };
        let better = overlong(&new) == 0 || overlong(&new) < overlong(before);
        if new != before && better && words(&new) == words(before) {
            self.edits.push((range, new));
        }
    }
}

/// A text whose lines end as they did where only the white space at their ends is another.
fn with_line_ends(new: &str, old: &str) -> String {
    let kept = |line: &str| {
        let same = |old: &&str| old.trim_end() == line && old.len() > line.len();
        old.lines().find(same).unwrap_or(line).to_string()
    };
    let mut lines: Vec<String> = new.lines().map(str::to_string).collect();
    let last = lines.len().saturating_sub(1);
    for line in &mut lines[..last] {
        *line = kept(line);
    }
    lines.join("\n")
}

impl Visit for Changed<'_> {
    fn visit_stmt(&mut self, stmt: &Stmt) {
        let range = self.layout.source.range(stmt);
        match stmt {
            Stmt::If(branch) => {
                let source = self.layout.source;
                if let Some(range) = self.layout.if_head(branch) {
                    self.consider(range.clone(), |layout| {
                        let end = &source.text[source.range(&*branch.test).end..range.end];
                        layout.if_test(branch, end)
                    });
                }
            }
            _ => self.consider(range, |layout| layout.statement(stmt)),
        }
        stmt.visit_children_with(self);
    }

    fn visit_export_decl(&mut self, export: &ExportDecl) {
        if let Decl::Var(_) = &export.decl {
            let range = self.layout.source.range(&export.decl);
            self.consider(range, |layout| {
                layout.statement(&Stmt::Decl(export.decl.clone()))
            });
        }
        export.visit_children_with(self);
    }

    fn visit_import_decl(&mut self, import: &ImportDecl) {
        let range = self.layout.source.range(import);
        self.consider(range, |layout| layout.import(import));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_with_an_else_behind_a_body_without_braces_stays() {
        let old = Source::parse("pages/api/a.ts", "export {}\n".into()).unwrap();
        let calls = "count(entry);".repeat(8);
        let line = format!("{{ {calls} if (entry.active) add(entry); else drop(entry) }}");
        let text = format!("for (const entry of entries) {line}\n");
        assert_eq!(lay_out(&old, text.clone()), text);
    }
}

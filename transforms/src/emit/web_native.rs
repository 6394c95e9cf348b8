//! Writes a `route.ts` whose handler takes and gives web objects already, or comes from a
//! library that does. In: the edits around the default export. Out: the whole new text,
//! with `config`, imports and relative paths carried over. Refuses what `config` has and a
//! route file has not.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use swc_core::ecma::ast::*;

use super::imports::Imports;
use super::route_handler::{RouteFile, Surroundings, relative_specifiers, segment, tidy};
use super::style::{Style, line_start};
use crate::edit::Edits;
use crate::facts::api_module::{Outline, refuse_at};
use crate::next_version::Feature;
use crate::outcome::Refusal;
use crate::reason::{Note, Reason};
use crate::source::Source;
use crate::syntax::Names;

/// A file with its default export rewritten.
pub struct WebNative {
    /// The edits of the default export and of what it stands for.
    pub edits: Edits,
    /// Code that these edits drop, so that the imports that it used go, too.
    pub dropped: Vec<Range<usize>>,
    /// Imports that the new code needs.
    pub imports: Imports,
    /// The methods that the file exports.
    pub methods: Vec<String>,
    /// Differences of the route.
    pub notes: BTreeSet<Note>,
    /// Whether the statement of `config` stays, for the edits to change.
    pub keeps_config: bool,
}

impl WebNative {
    /// Nothing changed yet.
    pub fn new(methods: &[&str]) -> WebNative {
        WebNative {
            edits: Edits::default(),
            dropped: Vec::new(),
            imports: Imports::default(),
            methods: methods.iter().map(|method| method.to_string()).collect(),
            notes: BTreeSet::new(),
            keeps_config: false,
        }
    }

    /// The line that exports one function as every method.
    pub fn export_line(&self, style: &Style, name: &str) -> String {
        let entries: Vec<String> = self
            .methods
            .iter()
            .map(|method| format!("{name} as {method}"))
            .collect();
        style.export_list(&entries)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// The refusals for what has no faithful form.
    pub fn write(
        mut self,
        outline: &Outline,
        around: &Surroundings,
    ) -> Result<RouteFile, Vec<Refusal>> {
        let source = outline.source;
        let style = Style::of(source);
        let mut segment = segment(source, outline.config.as_ref(), &style)
            .map_err(|refusal| vec![refusal])?
            .lines;
        if around.cache_components {
            // Measured on 16: `runtime` is a build error then, and a GET may be prerendered.
            let at = outline.default.0.clone();
            return Err(vec![refuse_at(source, Reason::CacheComponents, at, "")]);
        }
        if self.methods.iter().any(|method| method == "GET")
            && around.next.has(Feature::StaticGetHandlers)
        {
            segment.insert(0, "export const revalidate = 0".to_string());
        }
        for (range, new) in relative_specifiers(source, around.rebase) {
            self.edits.replace_soft(range, new);
        }
        if let Some(config) = outline.config.as_ref().filter(|_| !self.keeps_config) {
            self.dropped.push(config.statement.clone());
            self.edits.delete(whole_lines(source, &config.statement));
        }
        let kept = complement(&self.dropped, source.text.len());
        self.imports.place(source, &style, &kept, &mut self.edits);
        if !segment.is_empty() {
            let lines: Vec<String> = segment
                .iter()
                .map(|line| format!("{line}{}", style.semi))
                .collect();
            let lines = lines.join("\n");
            match after_imports(source, &self.edits) {
                0 => self.edits.insert(0, format!("{lines}\n\n")),
                at => self.edits.insert(at, format!("\n\n{lines}\n")),
            }
        }
        let text = self
            .edits
            .render(&source.text, 0..source.text.len())
            .map_err(|overlap| {
                let detail = "edits overlap";
                vec![refuse_at(
                    source,
                    Reason::OutputUnparsable,
                    overlap.0,
                    detail,
                )]
            })?;
        let mut text = if source.crlf() {
            text.replace("\r\n", "\n")
        } else {
            text
        };
        if let Some(last) = segment.last() {
            // What went behind these lines may have left its empty lines.
            let last = format!("{last}{}\n\n", style.semi);
            while let Some(at) = text.find(&format!("{last}\n")) {
                text.remove(at + last.len());
            }
        }
        let text = source.in_own_line_ends(text);
        Ok(RouteFile {
            text: super::layout::lay_out(source, tidy(text)),
            style: style.clone(),
            methods: self.methods,
            params: BTreeMap::new(),
            helpers: BTreeSet::new(),
            notes: BTreeMap::from([("*".to_string(), self.notes)]),
            shared: BTreeSet::new(),
        })
    }
}

/// A name for the handler that nothing in the file bears yet.
pub fn free_name(source: &Source, names: &[&str]) -> String {
    let taken = Names::of(source, &source.module);
    let free = |name: &str| !taken.all.iter().any(|((taken, _), _)| taken == name);
    names
        .iter()
        .find(|name| free(name))
        .map_or_else(|| format!("{}_", names[0]), |name| name.to_string())
}

/// What stands between these ranges.
pub fn complement(gone: &[Range<usize>], end: usize) -> Vec<Range<usize>> {
    let mut gone = gone.to_vec();
    gone.sort_by_key(|range| range.start);
    let mut kept = Vec::new();
    let mut at = 0;
    for range in gone {
        if range.start > at {
            kept.push(at..range.start);
        }
        at = at.max(range.end);
    }
    kept.push(at..end.max(at));
    kept
}

/// A statement with the comments above it, its line end and one empty line.
pub fn whole_lines(source: &Source, statement: &Range<usize>) -> Range<usize> {
    let text = &source.text;
    let import = text[statement.clone()].starts_with("import");
    let start = if import {
        statement.start
    } else {
        crate::flow::leading_comments(source, statement.start)
    };
    let behind = crate::flow::trailing_comment(source, statement.end);
    let mut end = behind;
    let mut newlines = 0;
    let most = if import { 1 } else { 2 };
    for char in text[behind..].chars() {
        match char {
            '\n' if newlines < most => newlines += 1,
            ' ' | '\t' | '\r' if newlines < most => {}
            _ => break,
        }
        end += char.len_utf8();
    }
    line_start(text, start)..end
}

/// The end of the last import that the edits leave, or the start of the file.
pub fn after_imports(source: &Source, edits: &Edits) -> usize {
    source
        .items()
        .iter()
        .filter(|item| matches!(item, ModuleItem::ModuleDecl(ModuleDecl::Import(_))))
        .filter(|item| !edits.deletes(&source.range(*item)))
        .map(|item| crate::flow::trailing_comment(source, source.range(item).end))
        .next_back()
        .unwrap_or(0)
}

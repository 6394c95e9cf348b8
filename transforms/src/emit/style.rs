//! The style of a file, so that what is generated looks like what stands there: as Prettier is
//! told to write it, or else as the file shows.

use std::ops::Range;

use swc_core::ecma::ast::Tpl;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::project::{Formatting, TrailingComma};
use crate::source::Source;

/// How a file is written.
#[derive(Debug, Clone)]
pub struct Style {
    /// One level of indentation.
    pub indent: String,
    /// The quote of string literals.
    pub quote: char,
    /// `;` or nothing.
    pub semi: &'static str,
    /// How long a line may be, in columns.
    pub width: usize,
    /// The columns of a tab.
    pub tab: usize,
    /// `,` after the last of several lines of arguments, or nothing.
    pub trailing: &'static str,
    /// `,` after the last of several lines of properties, or nothing.
    pub comma: &'static str,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            indent: "  ".to_string(),
            quote: '\'',
            semi: ";",
            width: 80,
            tab: 2,
            trailing: ",",
            comma: ",",
        }
    }
}

impl Style {
    /// The style that a file is to have.
    pub fn of(source: &Source) -> Style {
        match &source.formatting {
            Some(told) => Style::told(told),
            None => Style::shown(source),
        }
    }

    /// As Prettier is told.
    fn told(formatting: &Formatting) -> Style {
        let comma = |told| if told { "," } else { "" };
        Style {
            indent: if formatting.use_tabs {
                "\t".to_string()
            } else {
                " ".repeat(formatting.tab_width)
            },
            quote: if formatting.single_quote { '\'' } else { '"' },
            semi: if formatting.semi { ";" } else { "" },
            width: formatting.print_width,
            tab: formatting.tab_width,
            trailing: comma(formatting.trailing_comma == TrailingComma::All),
            comma: comma(formatting.trailing_comma != TrailingComma::None),
        }
    }

    /// How many columns a piece of a line takes.
    pub fn columns(&self, text: &str) -> usize {
        let column = |char| if char == '\t' { self.tab } else { 1 };
        text.chars().map(column).sum()
    }

    /// Whether text fits on one line.
    pub fn fits(&self, line: &str) -> bool {
        !line.contains('\n') && self.columns(line) <= self.width
    }

    /// As the file shows.
    fn shown(source: &Source) -> Style {
        let text = &source.text;
        let mut indent = None;
        let mut semicolons = 0i64;
        let mut width = 80;
        let mut single = 0;
        let mut double = 0;
        let mut trailing_yes = 0;
        let mut comma_no = 0;
        let mut previous = "";
        for line in text.lines() {
            let trimmed = line.trim();
            let white = &line[..line.len() - line.trim_start().len()];
            // The first indented line after an opening bracket shows one level.
            if indent.is_none()
                && !white.is_empty()
                && previous.ends_with(['{', '(', '['])
                && !trimmed.starts_with('*')
            {
                indent = Some(if white.starts_with('\t') {
                    "\t".to_string()
                } else {
                    " ".repeat(white.len().min(8))
                });
            }
            if trimmed.ends_with(';') {
                semicolons += 1;
            } else if trimmed.ends_with([')', '\'', '"', '`'])
                || trimmed.starts_with("return ") && !trimmed.ends_with(['{', '(', '[', ','])
            {
                semicolons -= 1;
            }
            let comment = trimmed.starts_with("//")
                || trimmed.starts_with('*')
                || trimmed.starts_with("import");
            let length = line.chars().count();
            // Long strings are never wrapped, so they say nothing about the width.
            if !comment
                && length > width
                && !trimmed.contains("'")
                && !trimmed.contains('"')
                && !trimmed.contains('`')
            {
                width = length.min(120);
            }
            if trimmed.starts_with(')') && previous != "(" && !previous.ends_with(['{', '(']) {
                trailing_yes += if previous.ends_with(',') { 1 } else { -1 };
            }
            if trimmed.starts_with(['}', ']'])
                && !trimmed.starts_with("} ")
                && previous.ends_with([',', '\'', '"', ')', '}', ']'])
            {
                let list =
                    trimmed.starts_with(']') || previous.contains(':') || previous.ends_with(',');
                comma_no += match (previous.ends_with(','), list) {
                    (true, _) => -1,
                    (false, true) => 1,
                    (false, false) => 0,
                };
            }
            single += line.matches('\'').count();
            double += line.matches('"').count();
            if !trimmed.is_empty() {
                previous = trimmed;
            }
        }
        Style {
            indent: indent.unwrap_or_else(|| "  ".to_string()),
            quote: if single >= double { '\'' } else { '"' },
            semi: if semicolons >= 0 { ";" } else { "" },
            width: if width > 80 { width.max(100) } else { 80 },
            tab: 2,
            trailing: if trailing_yes >= 0 && comma_no <= 0 {
                ","
            } else {
                ""
            },
            comma: if comma_no > 0 { "" } else { "," },
        }
    }

    /// `{ a, b }: { a: A; b: B }` with a line for each name and each type, and `x: { a: A }` with one for
    /// each type; `None` for what is written in another way.
    pub fn taken_apart(&self, param: &str) -> Option<String> {
        let (indent, comma) = (&self.indent, self.comma);
        let Some((names, rest)) = param
            .strip_prefix("{ ")
            .and_then(|rest| rest.split_once(" }"))
        else {
            let (name, kind) = param.split_at(param.find(": { ")?);
            return Some(format!("{name}{}", self.fields_apart(kind)?));
        };
        if names.contains(['{', '\n']) {
            return None;
        }
        let names = names.replace(", ", &format!(",\n{indent}"));
        let rest = self.fields_apart(rest).unwrap_or_else(|| rest.to_string());
        Some(format!("{{\n{indent}{names}{comma}\n}}{rest}"))
    }

    /// `: { a: A; b: B }` with a line for each type.
    fn fields_apart(&self, kind: &str) -> Option<String> {
        let indent = &self.indent;
        let fields = kind
            .strip_prefix(": { ")
            .and_then(|rest| rest.strip_suffix(" }"))
            .filter(|fields| !fields.contains(['{', '(', '<', '\n']))?;
        let semi = if self.semi.is_empty() { "" } else { ";" };
        let fields = fields.replace("; ", &format!("{semi}\n{indent}"));
        Some(format!(": {{\n{indent}{fields}{semi}\n}}"))
    }

    /// `export { … }` on one line, or with a line for each entry.
    pub fn export_list(&self, entries: &[String]) -> String {
        let semi = self.semi;
        let line = format!("export {{ {} }}{semi}", entries.join(", "));
        if self.fits(&line) {
            return line;
        }
        let (indent, comma) = (&self.indent, self.comma);
        let lines = entries.join(&format!(",\n{indent}"));
        format!("export {{\n{indent}{lines}{comma}\n}}{semi}")
    }

    /// A string literal in the file's quotes.
    pub fn string(&self, text: &str) -> String {
        let count = |quote: char| text.matches(quote).count();
        let other = if self.quote == '"' { '\'' } else { '"' };
        // The other quotes, where they need fewer backslashes.
        let quote = if count(self.quote) > count(other) {
            other
        } else {
            self.quote
        };
        let mut out = String::new();
        out.push(quote);
        for char in text.chars() {
            match char {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                char if char == quote => {
                    out.push('\\');
                    out.push(char);
                }
                char => out.push(char),
            }
        }
        out.push(quote);
        out
    }

    /// A property name: bare when it may be.
    pub fn key(&self, name: &str) -> String {
        let ident = name.chars().enumerate().all(|(at, char)| {
            char == '_'
                || char == '$'
                || char.is_ascii_alphabetic()
                || at > 0 && char.is_ascii_digit()
        });
        if ident && !name.is_empty() {
            name.to_string()
        } else {
            self.string(name)
        }
    }
}

/// The white space at the start of the line that holds an offset.
pub fn indentation(text: &str, at: usize) -> &str {
    let start = line_start(text, at);
    let line = &text[start..];
    let end = line
        .find(|char| char != ' ' && char != '\t')
        .unwrap_or(line.len());
    &line[..end]
}

/// The start of the line that holds an offset.
pub fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Ranges of template literals, where line starts are part of a value.
pub fn template_ranges(source: &Source) -> Vec<Range<usize>> {
    struct Templates<'s>(&'s Source, Vec<Range<usize>>);
    impl Visit for Templates<'_> {
        fn visit_tpl(&mut self, node: &Tpl) {
            self.1.push(self.0.range(node));
        }
    }
    let mut finder = Templates(source, Vec::new());
    source.module.visit_with(&mut finder);
    finder.1
}

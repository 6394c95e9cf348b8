//! The style of a file, so that what is generated looks like what stands there.

use std::ops::Range;

use swc_core::ecma::ast::Tpl;
use swc_core::ecma::visit::{Visit, VisitWith};

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
    /// How long a line may be, in characters.
    pub width: usize,
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
            trailing: "",
            comma: ",",
        }
    }
}

impl Style {
    /// Reads the style of a file.
    pub fn of(source: &Source) -> Style {
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
            if trimmed == ")" || trimmed == ");" {
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
            trailing: if trailing_yes > 0 { "," } else { "" },
            comma: if comma_no > 0 { "" } else { "," },
        }
    }

    /// A string literal in the file's quotes.
    pub fn string(&self, text: &str) -> String {
        let mut out = String::new();
        out.push(self.quote);
        for char in text.chars() {
            match char {
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                char if char == self.quote => {
                    out.push('\\');
                    out.push(char);
                }
                char => out.push(char),
            }
        }
        out.push(self.quote);
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

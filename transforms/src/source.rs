//! Parses one file. This module alone knows swc's `BytePos`: everything else
//! speaks in byte ranges of the file's text.

use std::ops::Range;
use std::sync::Arc;

use swc_core::common::comments::SingleThreadedComments;
use swc_core::common::{BytePos, GLOBALS, Globals, Mark, Span, Spanned, SyntaxContext};
use swc_core::ecma::ast::{EsVersion, Ident, Module, ModuleItem, Program};
use swc_core::ecma::parser::{EsSyntax, Parser, StringInput, Syntax, TsSyntax, lexer::Lexer};
use swc_core::ecma::transforms::base::resolver;

use crate::libraries::Packages;
use crate::nesting::too_deep;
use crate::project::Formatting;

/// A parsed file.
pub struct Source {
    /// Path relative to the root.
    pub path: String,
    /// The text, byte for byte.
    pub text: Arc<str>,
    /// The syntax tree; identifiers carry the scope that they are bound in.
    pub module: Module,
    /// How Prettier is told to write the file, when that is known.
    pub formatting: Option<Arc<Formatting>>,
    /// What the project depends on, as far as the file sees it.
    pub packages: Packages,
    /// Ranges of the comments, in order.
    pub comments: Vec<Range<usize>>,
    /// The context of names that nothing in the file binds, as the real global `fetch`.
    unresolved: SyntaxContext,
}

/// The text offset where parsing stopped, and the parser's words.
#[derive(Debug, Clone)]
pub struct ParseError {
    /// Byte offset.
    pub at: usize,
    /// The parser's message.
    pub message: String,
}

/// Whether a file of this name is TypeScript.
pub fn is_typescript(path: &str) -> bool {
    path.ends_with(".ts")
        || path.ends_with(".tsx")
        || path.ends_with(".mts")
        || path.ends_with(".cts")
}

impl Source {
    /// Parses `text` by the syntax that the path's extension names.
    ///
    /// # Errors
    /// When the text does not parse, or nests deeper than the parser can follow.
    pub fn parse(path: &str, text: Arc<str>) -> Result<Source, ParseError> {
        if let Some((at, message)) = too_deep(path, &text) {
            return Err(ParseError { at, message });
        }
        let typescript = is_typescript(path);
        let syntax = if typescript {
            Syntax::Typescript(TsSyntax {
                tsx: path.ends_with(".tsx"),
                decorators: true,
                ..Default::default()
            })
        } else {
            Syntax::Es(EsSyntax {
                jsx: true,
                decorators: true,
                import_attributes: true,
                ..Default::default()
            })
        };
        let comments = SingleThreadedComments::default();
        let input = StringInput::new(&text, BytePos(1), BytePos(1 + text.len() as u32));
        let lexer = Lexer::new(syntax, EsVersion::EsNext, input, Some(&comments));
        let mut parser = Parser::new_from(lexer);
        let error = |error: swc_core::ecma::parser::error::Error| ParseError {
            at: (error.span().lo.0 as usize).saturating_sub(1),
            message: error.kind().msg().to_string(),
        };
        let module = parser.parse_module().map_err(error)?;
        // The parser goes on over some errors, as the marks of a merge that was not resolved.
        if let Some(first) = parser.take_errors().into_iter().next() {
            return Err(error(first));
        }
        let (leading, trailing) = comments.take_all();
        let mut ranges: Vec<Range<usize>> = leading
            .borrow()
            .values()
            .chain(trailing.borrow().values())
            .flatten()
            .map(|comment| range(comment.span))
            .collect();
        ranges.sort_by_key(|range| range.start);
        ranges.dedup();
        let mut program = Program::Module(module);
        let unresolved = GLOBALS.set(&Globals::new(), || {
            let unresolved = Mark::new();
            let top_level = Mark::new();
            program.mutate(resolver(unresolved, top_level, typescript));
            SyntaxContext::empty().apply_mark(unresolved)
        });
        let Program::Module(module) = program else {
            unreachable!("a module was parsed")
        };
        Ok(Source {
            path: path.to_string(),
            text,
            formatting: None,
            packages: Packages::default(),
            module,
            comments: ranges,
            unresolved,
        })
    }

    /// The byte range of a node.
    pub fn range(&self, node: &impl Spanned) -> Range<usize> {
        range(node.span())
    }

    /// The text of a node, as written.
    pub fn text_of(&self, node: &impl Spanned) -> &str {
        &self.text[range(node.span())]
    }

    /// Whether nothing in the file binds this name, so that it is the global.
    pub fn is_global(&self, ident: &Ident) -> bool {
        ident.ctxt == self.unresolved
    }

    /// Whether names of this context are bound by nothing in the file.
    pub fn is_unresolved(&self, context: SyntaxContext) -> bool {
        context == self.unresolved
    }

    /// The statements and declarations of the module.
    pub fn items(&self) -> &[ModuleItem] {
        &self.module.body
    }

    /// Whether the text has `\r\n` line ends.
    pub fn crlf(&self) -> bool {
        self.text
            .find('\n')
            .is_some_and(|at| at > 0 && self.text.as_bytes()[at - 1] == b'\r')
    }

    /// The text in the line ends of the file.
    pub fn in_own_line_ends(&self, text: String) -> String {
        if self.crlf() {
            text.replace("\r\n", "\n").replace('\n', "\r\n")
        } else {
            text
        }
    }

    /// Where the code can start: behind the byte order mark, when there is one.
    pub fn start(&self) -> usize {
        if self.text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        }
    }

    /// Whether the file is TypeScript.
    pub fn typescript(&self) -> bool {
        is_typescript(&self.path)
    }
}

fn range(span: Span) -> Range<usize> {
    (span.lo.0 as usize).saturating_sub(1)..(span.hi.0 as usize).saturating_sub(1)
}

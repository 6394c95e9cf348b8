//! Finds the imports of a file without parsing it: bytes in, specifiers out. It knows
//! strings, template literals, comments and regular expressions well enough to skip
//! them, and falls back to reading on where it was fooled (an apostrophe in JSX text is
//! no string). Finding too much is harmless, finding too little is not; the tests
//! compare it with the parser.

use routelift_transforms::project::Import;

/// Every `import … from 's'`, `import 's'`, `export … from 's'`, `import('s')` and
/// `require('s')` of a text, in order. [`Import::resolved`] is left empty.
pub fn scan(text: &[u8]) -> Vec<Import> {
    // A byte order mark is no part of the first word.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut scanner = Scanner {
        text,
        at: 0,
        found: Vec::new(),
        templates: Vec::new(),
        no_templates: false,
    };
    scanner.run();
    scanner.found
}

/// What an import names.
#[derive(Default)]
struct Names {
    listed: Option<Vec<Box<str>>>,
    reexport: bool,
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    found: Vec<Import>,
    /// For each open `${` the number of braces that stand open inside it.
    templates: Vec<usize>,
    /// Set once a template literal turned out not to end: it was none.
    no_templates: bool,
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

impl Scanner<'_> {
    fn run(&mut self) {
        // The last byte that is neither space nor comment, and the start of its word.
        let (mut last, mut word_start) = (b';', 0);
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    self.at += 1;
                    continue;
                }
                b'/' if self.skip_comment() => continue,
                b'/' if starts_regex(last, &self.text[word_start..self.at]) => self.skip_regex(),
                b'\'' | b'"' => self.at = self.string_end(self.at).unwrap_or(self.at + 1),
                b'`' if !self.no_templates => self.skip_template(),
                b'{' => {
                    if let Some(open) = self.templates.last_mut() {
                        *open += 1;
                    }
                    self.at += 1;
                }
                b'}' => {
                    self.at += 1;
                    match self.templates.last_mut() {
                        Some(0) => {
                            self.templates.pop();
                            self.skip_template_text();
                        }
                        Some(open) => *open -= 1,
                        None => {}
                    }
                }
                _ if is_word(byte) => {
                    word_start = self.at;
                    while self.text.get(self.at).is_some_and(|byte| is_word(*byte)) {
                        self.at += 1;
                    }
                    // `a.require` is another require; `...require('a')` is not.
                    if last != b'.' || self.text[..word_start].trim_ascii_end().ends_with(b"...") {
                        self.word(word_start);
                    }
                    last = b'a';
                    continue;
                }
                _ => self.at += 1,
            }
            last = byte;
        }
    }

    fn word(&mut self, start: usize) {
        match &self.text[start..self.at] {
            b"import" => match self.peek() {
                Some(b'(') => self.call(),
                Some(b'\'' | b'"') => self.specifier(false, Names::default()),
                Some(b'.') | None => {}
                Some(_) => self.clause(false),
            },
            b"export" if matches!(self.peek(), Some(b'{' | b'*' | b't')) => self.clause(true),
            b"require" if self.peek() == Some(b'(') => self.call(),
            _ => {}
        }
    }

    /// The next byte that is neither space nor comment; stands before it afterwards.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at)? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'/' if self.skip_comment() => {}
                byte => return Some(*byte),
            }
        }
    }

    /// `('s'` after `import` or `require`.
    fn call(&mut self) {
        self.at += 1;
        if let Some(b'\'' | b'"' | b'`') = self.peek() {
            self.specifier(false, Names::default());
        }
    }

    /// What stands between `import` or `export` and `from 's'`; gives up at the first
    /// byte that cannot be part of it, and reads on from the start then.
    fn clause(&mut self, reexport: bool) {
        let start = self.at;
        let mut words = 0;
        let mut type_only = false;
        let mut in_braces = false;
        let mut listed = Vec::new();
        let mut all_listed = true;
        while let Some(byte) = self.peek() {
            match byte {
                b'{' | b'}' | b'*' | b',' => {
                    // `import type, { a }` imports a thing called type.
                    type_only &= !(words == 1 && byte == b',');
                    words += 2;
                    self.at += 1;
                    in_braces = byte == b'{' || in_braces && byte != b'}';
                    all_listed &= byte != b'*';
                }
                b'\'' | b'"' => match self.string_end(self.at) {
                    // A name in quotes: `import { 'a b' as c }`.
                    Some(end) => {
                        self.at = end;
                        all_listed = false;
                    }
                    None => break,
                },
                _ if is_word(byte) => {
                    let from = self.at;
                    while self.text.get(self.at).is_some_and(|byte| is_word(*byte)) {
                        self.at += 1;
                    }
                    let word = &self.text[from..self.at];
                    let quoted = matches!(self.peek(), Some(b'\'' | b'"'));
                    if word == b"from" && quoted && words > 0 {
                        // `import type from 's'` imports a thing called type.
                        let names = Names {
                            listed: all_listed.then_some(listed),
                            reexport,
                        };
                        self.specifier(type_only && words > 1, names);
                        return;
                    }
                    match std::str::from_utf8(word) {
                        Ok(word) if in_braces => listed.push(word.into()),
                        _ => listed.push("default".into()),
                    }
                    type_only |= words == 0 && word == b"type";
                    words += 1;
                }
                _ => break,
            }
        }
        self.at = start;
    }

    /// Records the string that stands here.
    fn specifier(&mut self, type_only: bool, names: Names) {
        let start = self.at;
        let Some(end) = self.string_end(start) else {
            self.at += 1;
            return;
        };
        self.at = end;
        if let Ok(text) = std::str::from_utf8(&self.text[start + 1..end - 1])
            && !text.is_empty()
            && !text.contains(['\\', '\n'])
            && !(self.text[start] == b'`' && text.contains("${"))
        {
            self.found.push(Import {
                specifier: text.to_string(),
                resolved: None,
                type_only,
                names: names.listed,
                reexport: names.reexport,
            });
        }
    }

    /// The offset after the string that starts at `from`; `None` when the line ends first.
    fn string_end(&self, from: usize) -> Option<usize> {
        let quote = self.text[from];
        let mut at = from + 1;
        loop {
            match self.text.get(at)? {
                b'\\' => at += 2,
                b'\n' if quote != b'`' => return None,
                byte if *byte == quote => return Some(at + 1),
                _ => at += 1,
            }
        }
    }

    fn skip_comment(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let length = if rest.starts_with(b"//") {
            memchr::memchr(b'\n', rest).unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            match memchr::memmem::find(&rest[2..], b"*/") {
                Some(end) => end + 4,
                None => return false,
            }
        } else {
            return false;
        };
        self.at += length;
        true
    }

    /// Skips a regular expression; only its slash when the line ends before it does.
    fn skip_regex(&mut self) {
        let (mut at, mut class) = (self.at + 1, false);
        loop {
            match self.text.get(at) {
                None | Some(b'\n') => break self.at += 1,
                Some(b'\\') => at += 1,
                Some(b'[') => class = true,
                Some(b']') => class = false,
                Some(b'/') if !class => break self.at = at + 1,
                Some(_) => {}
            }
            at += 1;
        }
    }

    fn skip_template(&mut self) {
        self.at += 1;
        self.skip_template_text();
    }

    /// Skips to the end of the template literal, or into its next `${`.
    fn skip_template_text(&mut self) {
        let mut at = self.at;
        loop {
            match self.text.get(at) {
                Some(b'\\') => at += 2,
                Some(b'`') => return self.at = at + 1,
                Some(b'$') if self.text.get(at + 1) == Some(&b'{') => {
                    self.templates.push(0);
                    return self.at = at + 2;
                }
                Some(_) => at += 1,
                None => {
                    // It was no template literal: read what it swallowed.
                    self.no_templates = true;
                    self.templates.clear();
                    return;
                }
            }
        }
    }
}

/// Whether a slash after `last` starts a regular expression. `word` starts with the
/// last word before it.
fn starts_regex(last: u8, word: &[u8]) -> bool {
    match last {
        b'a' => {
            let end = word.iter().position(|byte| !is_word(*byte));
            matches!(
                &word[..end.unwrap_or(word.len())],
                b"return" | b"typeof" | b"case" | b"in" | b"of" | b"delete" | b"void" | b"await"
            )
        }
        _ => b"(,=:[!&|?{};+-*%~^".contains(&last),
    }
}

#[cfg(test)]
#[path = "imports_tests.rs"]
mod tests;

//! How deep a text nests, told without recursion: a text in, the place where it nests too
//! deep out. Parsing, visiting and dropping a syntax tree all recurse, so a file that
//! nests deeper than their stack allows must be turned away before it is parsed.
//!
//! Not only brackets nest: `!!!a`, `a.b.c`, `a ? b : c ? d : e`, `if (a) if (b)` and
//! `<a><b>` do, too. This reads tokens roughly and counts what can nest since the start of
//! the statement or the element of a list. It may count too much, and then refuses a file
//! that could be read; the limits are far above what people and bundlers write.

/// Brackets, statements without braces, `else if` and JSX elements may nest this deep.
/// Measured: a release build aborts near 5,000 brackets on 8 MiB, and the time that nested
/// statements take grows with the square of their number.
const MAX_DEPTH: usize = 1_000;
/// Operators, members and calls may follow each other this often in one expression.
/// Measured: a debug build reads every kind of 10,000 of them on 256 MiB.
const MAX_CHAIN: usize = 10_000;

/// Statements whose body can be a statement without braces.
const HEADS: &[&str] = &["if", "else", "for", "while", "do", "with"];
/// Words that an operand follows.
const PREFIXES: &[&str] = &[
    "typeof",
    "void",
    "delete",
    "await",
    "new",
    "yield",
    "keyof",
    "readonly",
    "unique",
    "infer",
    "in",
    "of",
    "instanceof",
    "as",
    "satisfies",
    "extends",
    "is",
    "asserts",
    "return",
    "throw",
    "case",
    "default",
];
/// Words that go on with a statement after a line end or a closing brace.
const GO_ON: &[&str] = &[
    "else",
    "in",
    "instanceof",
    "as",
    "satisfies",
    "of",
    "extends",
    "while",
];

/// Where the text first nests too deep, and how to say so.
pub fn too_deep(path: &str, text: &str) -> Option<(usize, String)> {
    // Every level takes a byte.
    if text.len() <= MAX_DEPTH {
        return None;
    }
    let mut reader = Reader {
        text: text.as_bytes(),
        at: 0,
        jsx: !path.ends_with(".ts") && !path.ends_with(".mts") && !path.ends_with(".cts"),
        levels: vec![Level::default()],
        depth: 0,
        chain: 0,
        last: Last::Operator,
        new_line: false,
    };
    while reader.at < reader.text.len() {
        let at = reader.at;
        reader.token();
        if reader.depth + reader.levels.len() - 1 > MAX_DEPTH {
            return Some((at, format!("it nests deeper than {MAX_DEPTH}")));
        }
        if reader.chain > MAX_CHAIN {
            return Some((
                at,
                format!("an expression goes on for more than {MAX_CHAIN} operators"),
            ));
        }
    }
    None
}

/// The inside of one bracket, or the whole text.
#[derive(Default)]
struct Level {
    /// Statements without braces and JSX elements that stand open.
    heads: usize,
    elements: usize,
    /// What can nest since the last separator; the angle brackets among it stay.
    chain: usize,
    angles: usize,
    /// Whether the bracket belongs to `if (…)` and its kin, which a statement follows.
    of_head: bool,
}

/// What stood before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// An operand ended: an operator may follow, or a new statement.
    Operand,
    /// A block or an object ended.
    Brace,
    /// An operand is wanted.
    Operator,
    /// A statement is wanted by this head.
    Head,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    jsx: bool,
    levels: Vec<Level>,
    /// The sum of heads and elements of all levels.
    depth: usize,
    /// The sum of chains and angles of all levels.
    chain: usize,
    last: Last,
    new_line: bool,
}

impl Reader<'_> {
    fn token(&mut self) {
        let byte = self.text[self.at];
        let next = self.text.get(self.at + 1).copied().unwrap_or_default();
        match byte {
            b'\n' => {
                self.new_line = true;
                self.at += 1;
                return;
            }
            b' ' | b'\t' | b'\r' => {
                self.at += 1;
                return;
            }
            b'/' if next == b'/'
                && self
                    .at
                    .checked_sub(1)
                    .is_none_or(|at| self.text[at] != b':') =>
            {
                self.skip_to(b"\n");
                return;
            }
            b'/' if next == b'*' => {
                self.at += 2;
                self.skip_to(b"*/");
                self.at += 2;
                return;
            }
            b'/' if next != b'>' && self.wants_operand() => {
                self.at = self.end_of_line_piece(b'/').unwrap_or(self.at) + 1;
                self.last = Last::Operand;
            }
            b'\'' | b'"' if self.last != Last::Operand => {
                self.at = self.end_of_line_piece(byte).unwrap_or(self.at) + 1;
                self.last = Last::Operand;
            }
            b'(' | b'[' | b'{' => {
                let of_head = byte == b'(' && self.last == Last::Head;
                self.levels.push(Level {
                    of_head,
                    ..Level::default()
                });
                self.last = Last::Operator;
                self.at += 1;
            }
            b')' | b']' | b'}' => self.close(byte),
            b';' | b',' => {
                self.at += 1;
                let rest = &self.text[self.at..];
                if byte == b',' || !rest.trim_ascii_start().starts_with(b"else") {
                    self.separate(byte == b';');
                }
                self.last = Last::Operator;
            }
            b'<' => self.angle(next),
            b'>' => {
                self.at += 1;
                let level = self.levels.last_mut();
                if let Some(level) = level
                    && level.angles > 0
                {
                    level.angles -= 1;
                    self.chain -= 1;
                }
                self.last = Last::Operator;
            }
            b'`' => {
                self.link();
                self.last = Last::Operand;
                self.at += 1;
            }
            _ if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80 => {
                self.word();
            }
            b'/' if self.jsx && next == b'>' => {
                self.close_element();
                self.at += 2;
                self.last = Last::Operator;
            }
            _ => {
                self.link();
                // `a!` is an operand, too, but then `!` counts for itself.
                self.last = match (byte, self.last) {
                    (b'!', Last::Operand) => Last::Operand,
                    _ => Last::Operator,
                };
                self.at += 1;
            }
        }
        self.new_line = false;
    }

    fn wants_operand(&self) -> bool {
        matches!(self.last, Last::Operator | Last::Head)
    }

    /// One more link of the chain.
    fn link(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.chain += 1;
            self.chain += 1;
        }
    }

    /// An element of a list or a statement ends.
    fn separate(&mut self, statement: bool) {
        if let Some(level) = self.levels.last_mut() {
            self.chain -= level.chain;
            level.chain = 0;
            if statement {
                self.chain -= level.angles;
                self.depth -= level.heads;
                level.angles = 0;
                level.heads = 0;
            }
        }
    }

    fn close(&mut self, byte: u8) {
        self.at += 1;
        let mut of_head = false;
        if self.levels.len() > 1
            && let Some(level) = self.levels.pop()
        {
            self.chain -= level.chain + level.angles;
            self.depth -= level.heads + level.elements;
            of_head = level.of_head;
        }
        if byte == b'}' {
            self.last = Last::Brace;
            return;
        }
        // `a()()` nests.
        self.link();
        self.last = if of_head {
            Last::Operator
        } else {
            Last::Operand
        };
    }

    fn word(&mut self) {
        let start = self.at;
        while let Some(byte) = self.text.get(self.at)
            && (byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'$' || *byte >= 0x80)
        {
            self.at += 1;
        }
        let word = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        let ended = match self.last {
            Last::Operand => self.new_line,
            Last::Brace => true,
            Last::Operator | Last::Head => false,
        };
        if ended && !GO_ON.contains(&word) || ["case", "default"].contains(&word) {
            self.separate(true);
        }
        self.last = if HEADS.contains(&word) {
            if let Some(level) = self.levels.last_mut() {
                level.heads += 1;
                self.depth += 1;
            }
            Last::Head
        } else if PREFIXES.contains(&word) {
            self.link();
            Last::Operator
        } else {
            Last::Operand
        };
    }

    /// `<`: an element, an end of one, type arguments or a comparison.
    fn angle(&mut self, next: u8) {
        self.at += 1;
        let inside = self.levels.iter().any(|level| level.elements > 0);
        if self.jsx && next == b'/' {
            self.close_element();
            self.at += 1;
        } else if self.jsx
            && (next.is_ascii_alphabetic() || next == b'>')
            && (inside || self.last != Last::Operand)
        {
            if let Some(level) = self.levels.last_mut() {
                level.elements += 1;
                self.depth += 1;
            }
        } else if let Some(level) = self.levels.last_mut() {
            level.angles += 1;
            self.chain += 1;
        }
        self.last = Last::Operator;
    }

    fn close_element(&mut self) {
        if let Some(level) = self.levels.last_mut()
            && level.elements > 0
        {
            level.elements -= 1;
            self.depth -= 1;
        }
    }

    /// Goes to the next `end`, or to the end of the text.
    fn skip_to(&mut self, end: &[u8]) {
        let rest = &self.text[self.at.min(self.text.len())..];
        let found = memchr::memmem::find(rest, end);
        self.at = found.map_or(self.text.len(), |found| self.at + found);
    }

    /// Where a string or a regular expression ends that ends on its line.
    fn end_of_line_piece(&self, quote: u8) -> Option<usize> {
        let mut at = self.at + 1;
        while let Some(byte) = self.text.get(at) {
            match byte {
                b'\\' => at += 1,
                b'\n' => return None,
                byte if *byte == quote => return Some(at),
                _ => {}
            }
            at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_that_are_flat_may_be_read() {
        let line = "const a = b.c().d(x ? [1, 2] : { e: 'it is - so' }, <T>(y: T) => y + 1)";
        for end in ["\n", ";\n", ";"] {
            let text = format!("{line}{end}").repeat(5_000);
            assert_eq!(too_deep("a.ts", &text), None, "{end:?}");
        }
        let path = format!("const a = '{}'\n", "M1.5-2.5c-3.1.5".repeat(10_000));
        assert_eq!(too_deep("a.ts", &path), None);
        let list = format!("const a = [{}]\n", "-a.b(1),".repeat(20_000));
        assert_eq!(too_deep("a.ts", &list), None);
        let comment = format!("// {}\n/* {0} */\n", "a.b-c ".repeat(20_000));
        assert_eq!(too_deep("a.ts", &comment), None);
        let element = "<li key={a.b}>It's {a < b ? <b>x</b> : <br />}, <>so</></li>\n";
        let text = format!("const a = <ul>{}</ul>\n", element.repeat(5_000));
        assert_eq!(too_deep("a.tsx", &text), None);
        let ifs =
            "if (a) return b\nif (c) d()\nelse e()\nif (f) { g() } else { h() }\n".repeat(5_000);
        assert_eq!(too_deep("a.ts", &ifs), None);
        let cases = format!(
            "switch (a) {{ {} }}",
            "case 'a': case b:\n return c\n".repeat(5_000)
        );
        assert_eq!(too_deep("a.ts", &cases), None);
    }

    #[test]
    fn what_nests_is_told() {
        let n = 200_000;
        let nested: &[(&str, &str)] = &[
            ("", "("),
            ("", "["),
            ("", "{"),
            ("a = ", "!"),
            ("a = ", "- "),
            ("a = ", "typeof "),
            ("a = ", "await "),
            ("a = ", "new "),
            ("a = ", "1+"),
            ("a = ", "'b'+"),
            ("a = ", "a&&"),
            ("a = ", "2**"),
            ("a", ".b"),
            ("a", "?.b"),
            ("a", ".b()"),
            ("a", "()"),
            ("a", "[0]"),
            ("", "a="),
            ("a = ", "x=>"),
            ("a = ", "a?b:"),
            ("a", "!"),
            ("a", " as any"),
            ("a", "``"),
            ("", "if(a)"),
            ("", "if(a)\n"),
            ("", "for(;;)"),
            ("", "while(a)"),
            ("", "do "),
            ("if(a){}", "else if(a){}"),
            ("if(a)b;", "else if(a)b;"),
            ("", "a:"),
            ("type T = ", "A<"),
            ("type T = ", "A<b, "),
            ("type T = B", "[]"),
            ("type T = ", "keyof "),
            ("type T = ", "A extends B ? C : "),
            ("type T = B", "['c']"),
            ("", "@a "),
            ("a = ", "`${"),
        ];
        for (start, part) in nested {
            let text = format!("{start}{}", part.repeat(n));
            assert!(too_deep("a.ts", &text).is_some(), "{part}");
            assert!(too_deep("a.tsx", &text).is_some(), "{part}");
        }
        for part in ["<a>", "<a>\n", "<a>text", "<>", "<a b={<c>"] {
            let text = format!("const a = {}", part.repeat(n));
            assert!(too_deep("a.tsx", &text).is_some(), "{part}");
        }
    }
}

//! Documents in the manner of Wadler's pretty printer, with the meaning that Prettier gives
//! them: text whose lines may break, and what breaks together.

/// A piece of text that may be laid out in several ways.
#[derive(Debug, Clone)]
pub enum Doc {
    /// Text without line ends.
    Text(String),
    /// A block that is kept as it stands but for its indentation, which its last line has.
    Block(String, usize),
    /// A space, or a line end.
    Line,
    /// Nothing, or a line end.
    Soft,
    /// Something that stands only where the lines around it break.
    IfBroken(&'static str),
    /// One after the other.
    All(Vec<Doc>),
    /// One level deeper.
    Indent(Box<Doc>),
    /// On one line when that fits; the flag says that it never is.
    Group(Box<Doc>, bool),
    /// The first of several forms that fits; the last one breaks all its lines.
    Either(Vec<Doc>),
    /// `= value` on this line when the value can begin here, deeper on the next one otherwise.
    Fluid(Box<Doc>),
    /// Breaks the groups around it.
    Break,
}

impl Doc {
    pub fn text(text: impl Into<String>) -> Doc {
        Doc::Text(text.into())
    }

    pub fn indent(parts: Vec<Doc>) -> Doc {
        Doc::Indent(Box::new(Doc::All(parts)))
    }

    /// A group, broken when something in it has to be.
    pub fn group(parts: Vec<Doc>) -> Doc {
        let doc = Doc::All(parts);
        let forced = doc.is_forced();
        Doc::Group(Box::new(doc), forced)
    }

    /// A group whose lines always break.
    pub fn broken(parts: Vec<Doc>) -> Doc {
        Doc::Group(Box::new(Doc::All(parts)), true)
    }

    /// Items with a comma and a line between each two.
    pub fn list(items: Vec<Doc>) -> Vec<Doc> {
        let mut out = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                out.extend([Doc::text(","), Doc::Line]);
            }
            out.push(item);
        }
        out
    }

    /// Whether it cannot stand on one line.
    pub fn is_forced(&self) -> bool {
        match self {
            Doc::Break => true,
            Doc::Block(text, _) => text.contains('\n'),
            Doc::All(parts) => parts.iter().any(Doc::is_forced),
            Doc::Indent(inner) | Doc::Fluid(inner) => inner.is_forced(),
            Doc::Group(_, broken) => *broken,
            Doc::Text(_) | Doc::Line | Doc::Soft | Doc::IfBroken(_) | Doc::Either(_) => false,
        }
    }
}

/// How lines are measured and indented.
pub struct Page<'p> {
    pub width: usize,
    pub indent: &'p str,
    pub columns: &'p dyn Fn(&str) -> usize,
}

#[derive(Clone)]
struct Command<'d> {
    indent: String,
    broken: bool,
    doc: &'d Doc,
}

/// Prints a document that begins at a column of a line with an indentation.
pub fn print<'d>(doc: &'d Doc, page: &Page, indent: &str, column: usize) -> String {
    let mut out = String::new();
    let mut column = column;
    let mut commands = vec![Command {
        indent: indent.to_string(),
        broken: true,
        doc,
    }];
    while let Some(command) = commands.pop() {
        let Command {
            indent,
            broken,
            doc,
        } = command;
        let push = |commands: &mut Vec<Command<'d>>, doc: &'d Doc, broken: bool| {
            commands.push(Command {
                indent: indent.clone(),
                broken,
                doc,
            })
        };
        let newline = |out: &mut String, column: &mut usize, indent: &str| {
            out.push('\n');
            out.push_str(indent);
            *column = (page.columns)(indent);
        };
        match doc {
            Doc::Text(text) => {
                out.push_str(text);
                column += (page.columns)(text);
            }
            Doc::Block(text, last) => {
                for (at, line) in text.split('\n').enumerate() {
                    if at == 0 {
                        out.push_str(line);
                        column += (page.columns)(line);
                        continue;
                    }
                    out.push('\n');
                    if !line.trim().is_empty() {
                        let line = line.get(*last..).unwrap_or(line.trim_start());
                        out.push_str(&indent);
                        out.push_str(line);
                        column = (page.columns)(&indent) + (page.columns)(line);
                    }
                }
            }
            Doc::Line | Doc::Soft if broken => newline(&mut out, &mut column, &indent),
            Doc::Line => {
                out.push(' ');
                column += 1;
            }
            Doc::Soft | Doc::Break => {}
            Doc::IfBroken(text) => {
                if broken {
                    out.push_str(text);
                    column += (page.columns)(text);
                }
            }
            Doc::All(parts) => {
                for part in parts.iter().rev() {
                    push(&mut commands, part, broken);
                }
            }
            Doc::Indent(inner) => commands.push(Command {
                indent: format!("{indent}{}", page.indent),
                broken,
                doc: inner,
            }),
            Doc::Group(inner, forced) => {
                let flat = if broken {
                    !forced && fits(inner, &commands, page, column)
                } else {
                    !forced
                };
                push(&mut commands, inner, !flat);
            }
            Doc::Either(forms) => {
                let fitting = forms
                    .iter()
                    .find(|form| fits(form, &commands, page, column));
                match fitting {
                    Some(form) => push(&mut commands, form, false),
                    None => push(&mut commands, &forms[forms.len() - 1], true),
                }
            }
            Doc::Fluid(value) => {
                let mut rest = commands.clone();
                push(&mut rest, value, true);
                if fits(&Doc::Line, &rest, page, column) {
                    out.push(' ');
                    column += 1;
                    push(&mut commands, value, broken);
                } else {
                    let deeper = format!("{indent}{}", page.indent);
                    newline(&mut out, &mut column, &deeper);
                    commands.push(Command {
                        indent: deeper,
                        broken,
                        doc: value,
                    });
                }
            }
        }
    }
    out
}

/// Whether a document on one line, and what follows up to the first line end, fits.
fn fits(doc: &Doc, rest: &[Command], page: &Page, column: usize) -> bool {
    let mut left = page.width as i64 - column as i64;
    let mut rest = rest.iter().rev();
    let mut stack: Vec<(&Doc, bool)> = vec![(doc, false)];
    while left >= 0 {
        let Some((doc, broken)) = stack.pop() else {
            let Some(next) = rest.next() else { return true };
            stack.push((next.doc, next.broken));
            continue;
        };
        match doc {
            Doc::Text(text) => left -= (page.columns)(text) as i64,
            Doc::Block(text, _) => match text.split_once('\n') {
                Some((first, _)) => return left >= (page.columns)(first) as i64,
                None => left -= (page.columns)(text) as i64,
            },
            Doc::Line | Doc::Soft if broken => return true,
            Doc::Line => left -= 1,
            Doc::Soft | Doc::Break => {}
            Doc::IfBroken(text) => {
                if broken {
                    left -= (page.columns)(text) as i64;
                }
            }
            Doc::All(parts) => stack.extend(parts.iter().rev().map(|part| (part, broken))),
            Doc::Indent(inner) => stack.push((inner, broken)),
            Doc::Fluid(_) if broken => return true,
            Doc::Fluid(inner) => {
                left -= 1;
                stack.push((inner, broken));
            }
            Doc::Group(inner, forced) => stack.push((inner, *forced || broken)),
            Doc::Either(forms) => {
                let form = if broken { forms.len() - 1 } else { 0 };
                stack.push((&forms[form], broken));
            }
        }
    }
    false
}

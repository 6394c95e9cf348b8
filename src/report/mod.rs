//! Prints an outcome for people ([`terminal`]) and for programs ([`json`]). Everything
//! here returns text; `main.rs` prints it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use anstyle::{AnsiColor, Style};
use routelift_transforms::outcome::{Outcome, Refusal, RouteOutcome, Warning, WayOut};
use routelift_transforms::project::Project;
use routelift_transforms::reason::Note;

pub mod json;
pub mod table;
pub mod terminal;

/// One root's result and how to speak of it.
#[derive(Debug, Default)]
pub struct View {
    /// The project as it was loaded.
    pub project: Project,
    /// What the run came to.
    pub outcome: Outcome,
    /// What comes to nothing of what the user said, and what could not be read.
    pub warnings: Vec<Warning>,
    /// The notes that each app accepts: they are not explained.
    pub accepted: Vec<BTreeSet<Note>>,
    /// The texts of the configurations, by their paths.
    pub configs: BTreeMap<String, String>,
    /// What stands before a path of the project so that it can be opened from the current
    /// directory; empty or ending in `/`.
    pub shown: String,
    /// What stands before a path of the project in the diff; empty or ending in `/`.
    pub prefix: String,
}

impl View {
    /// The text that was loaded of a file.
    pub fn text(&self, file: &str) -> Option<&str> {
        let source = self
            .project
            .files
            .get(file)
            .and_then(|file| file.text.as_deref());
        let other = || self.project.texts.get(file).or(self.configs.get(file));
        source.or_else(|| other().map(String::as_str))
    }

    /// Whether a file of the project is executable.
    pub fn executable(&self, file: &str) -> bool {
        self.project
            .files
            .get(file)
            .is_some_and(|file| file.executable)
    }

    /// The diff of all changes.
    pub fn diff(&self) -> String {
        crate::diff::render(&self.outcome.changes, &self.prefix, |path| {
            self.executable(path)
        })
    }

    /// Every refusal, of apps and of routes, in order.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        let apps = self.outcome.apps.iter();
        apps.flat_map(|app| {
            // What refuses the whole app is said once.
            let routes = app.routes.iter().flat_map(|route| &route.refusals);
            let own = routes.filter(|refusal| !app.refusals.contains(refusal));
            app.refusals.iter().chain(own)
        })
    }

    /// Why handlers are bridged, in order.
    pub fn bridged(&self) -> impl Iterator<Item = &Refusal> {
        self.routes().flat_map(|route| &route.bridged)
    }

    /// Every note, of apps and of methods, in order.
    pub fn notes(&self) -> impl Iterator<Item = Note> {
        let apps = self.outcome.apps.iter();
        let methods = self.routes().flat_map(|route| &route.methods);
        let own = apps.flat_map(|app| app.notes.iter().copied());
        own.chain(methods.flat_map(|method| method.notes.iter().copied()))
    }

    /// Every route, in order.
    pub fn routes(&self) -> impl Iterator<Item = &RouteOutcome> {
        self.outcome.apps.iter().flat_map(|app| &app.routes)
    }
}

/// Whether a route stays where it is.
pub fn is_left(route: &RouteOutcome) -> bool {
    !route.refusals.is_empty()
        || route
            .methods
            .iter()
            .all(|method| method.way_out == WayOut::Left)
}

/// How to print to one stream.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Whether to colour.
    pub colour: bool,
    /// Whether a person sees it, so that what a terminal would obey must be masked.
    pub terminal: bool,
    /// Columns.
    pub width: usize,
}

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const BLUE: Style = AnsiColor::Blue.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();

impl Look {
    /// The text in a style, when there is colour.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_string()
        }
    }
}

/// The text with every character masked that a terminal would obey: control characters
/// but tab and line feed, and Unicode's overrides of the direction of text.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_obeyed) {
        Cow::Owned(text.chars().map(masked).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a terminal would obey a character instead of showing it.
pub fn is_obeyed(c: char) -> bool {
    let control = c.is_control() && c != '\n' && c != '\t';
    control
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn masked(c: char) -> char {
    match u32::from(c) {
        code @ 0..0x20 if is_obeyed(c) => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        _ if is_obeyed(c) => '\u{fffd}',
        _ => c,
    }
}

/// What goes to a terminal: as it is but for characters that [`clean`] masks. Colours
/// stay. Everything has been cleaned where it was put in; this is for what was forgotten.
pub fn guarded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(is_obeyed) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let colour = rest.strip_prefix("\u{1b}[").and_then(|inside| {
            let length = inside.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            inside[length..].starts_with('m').then_some(length + 3)
        });
        let length = match (colour, rest.chars().next()) {
            (Some(length), _) => {
                out.push_str(&rest[..length]);
                length
            }
            (None, Some(c)) => {
                out.push(masked(c));
                c.len_utf8()
            }
            (None, None) => 0,
        };
        rest = &rest[length..];
    }
    out + rest
}

/// Breaks a text into lines of at most `width` columns at spaces; a longer word stands
/// alone.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    use unicode_width::UnicodeWidthStr;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// What a code means, in three labelled and wrapped paragraphs.
pub fn meaning(what: &str, why: &str, mend: &str, look: Look) -> String {
    let mut out = String::new();
    for (label, text) in [("what", what), ("why", why), ("do", mend)] {
        let lines = wrap(text, look.width.saturating_sub(8));
        for (number, line) in lines.iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            out.push_str(&format!("  {label:<4}  {line}\n"));
        }
    }
    out
}

/// The diff as a person sees it: coloured, and masked by [`clean`].
pub fn shown_diff(diff: &str, look: Look) -> String {
    if !look.terminal && !look.colour {
        return diff.to_string();
    }
    let mut out = String::new();
    let mut in_hunk = false;
    for line in diff.split_inclusive('\n') {
        let (text, end) = match line.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (line, ""),
        };
        in_hunk = (in_hunk && !text.starts_with("diff --git ")) || text.starts_with("@@ ");
        let style = match text.as_bytes().first() {
            Some(b'@') => Some(CYAN),
            Some(b'-') if in_hunk => Some(RED),
            Some(b'+') if in_hunk => Some(GREEN),
            _ if !in_hunk => Some(BOLD),
            _ => None,
        };
        let text = text.strip_suffix('\r').unwrap_or(text);
        let text = if look.terminal {
            clean(text)
        } else {
            Cow::Borrowed(text)
        };
        out.push_str(&style.map_or(text.to_string(), |style| look.paint(style, &text)));
        out.push_str(end);
    }
    out
}

#[cfg(test)]
mod tests;

//! Strings as the walk meets them: those that a client claims, and the rest: constants, arguments of functions that are not followed,
//! comparisons. In: where the string stands. Out: whether it counts, and whether more of a path may follow.
//! Left out: module specifiers, and comparisons with a prefix.

use std::ops::Range;

use swc_core::ecma::ast::{Expr, Ident};

use super::context::{Context, Declared, Frame};
use super::pattern::{Pattern, is_string, texts};
use super::request::Draft;
use super::scope::Naming;
use super::walk::Walk;
use super::{Guess, text, url};
use crate::facts::call::{Client, Sends};
use crate::outcome::Place;

/// How a string that no client claims counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It may be called, or have something joined to it.
    Prefix,
    /// It may be called; when it names no route itself, something is joined to it.
    Whole,
    /// It counts only when it names one route.
    Mention,
    /// It names a module.
    Nothing,
}

/// How much a string in this place counts.
pub(super) fn weigh(context: Context<'_>) -> Weight {
    match context.use_of() {
        Some(Frame::Compared) => Weight::Mention,
        Some(Frame::Argument(argument)) if is_module(&argument.callee) => Weight::Nothing,
        Some(Frame::Argument(argument)) if is_search(argument.name()) => Weight::Mention,
        Some(Frame::Argument(_)) => Weight::Whole,
        Some(Frame::Statement) => Weight::Nothing,
        // What robots may read.
        Some(Frame::Property(name)) if matches!(name.as_str(), "allow" | "disallow") => {
            Weight::Nothing
        }
        Some(Frame::Element) => Weight::Whole,
        _ => Weight::Prefix,
    }
}

fn is_module(callee: &[String]) -> bool {
    let names: Vec<&str> = callee.iter().map(String::as_str).collect();
    matches!(
        names.as_slice(),
        ["require" | "import"]
            | ["require", "resolve"]
            | [
                "jest" | "vi",
                "mock"
                    | "doMock"
                    | "unmock"
                    | "requireActual"
                    | "importActual"
                    | "requireMock"
                    | "setMock"
            ]
    )
}

fn is_search(name: &str) -> bool {
    matches!(
        name,
        "startsWith"
            | "endsWith"
            | "includes"
            | "indexOf"
            | "match"
            | "test"
            | "split"
            | "replace"
            | "describe"
            | "it"
    )
}

impl Walk<'_> {
    /// A string, or a constant that is one, where it is used.
    pub fn string(&mut self, expr: &Expr) {
        let patterns = texts(self.source, &self.constants, expr);
        self.strings(&patterns, self.source.range(expr));
    }

    pub fn strings(&mut self, patterns: &[Pattern], range: Range<usize>) {
        if !patterns.iter().any(|pattern| pattern.text.contains("api")) {
            return;
        }
        let configured: Vec<Pattern>;
        let all = self.scope.kind == Some(Client::Config);
        let patterns = if patterns.iter().any(|pattern| all || is_matcher(pattern)) {
            configured = patterns.iter().map(matcher).collect();
            &configured
        } else {
            patterns
        };
        let context = Context(&self.frames);
        if let Some(guess) = super::guess(context) {
            let naming = self.scope.named(self.table, patterns, true, guess.prefix);
            self.draft(guess, naming, range);
            return;
        }
        let weight = weigh(context);
        if weight == Weight::Nothing {
            return;
        }
        let mut naming = self
            .scope
            .named(self.table, patterns, false, weight == Weight::Prefix);
        let listed = matches!(context.use_of(), Some(Frame::Element));
        if weight == Weight::Whole && naming.routes.is_empty() && !listed {
            naming = self.scope.named(self.table, patterns, false, true);
        }
        if weight == Weight::Mention && !naming.exact && self.scope.kind != Some(Client::Config) {
            return;
        }
        let mut client = if context.within_property("matcher") {
            Client::Config
        } else {
            Client::Constant
        };
        if naming.routes.is_empty() {
            client = Client::Document;
            let inside: Vec<Pattern> = patterns.iter().flat_map(url::inside).collect();
            naming = self.scope.named(self.table, &inside, false, false);
            naming.exact = false;
        }
        let guess = Guess {
            client,
            method: None,
            sends: Sends::Unknown,
            prefix: false,
        };
        self.draft(guess, naming, range);
    }

    pub fn draft(&mut self, guess: Guess, naming: Naming, range: Range<usize>) {
        if naming.routes.is_empty() {
            return;
        }
        let guess = Guess {
            client: if naming.foreign {
                Client::Document
            } else {
                guess.client
            },
            ..guess
        };
        let place = Place::new(&self.source.path, &self.source.text, range.start, range.end);
        let call = self.scope.call(place, guess, naming.routes, naming.exact);
        let draft = Draft {
            call,
            watch: None,
            rejects: false,
        };
        match Context(&self.frames).use_of() {
            Some(Frame::Declared(Declared {
                id: Some(id),
                exported: false,
                ..
            })) if self.constants.get(id).is_some_and(is_string) => {
                self.pending.entry(id.clone()).or_default().push(draft);
            }
            _ => self.drafts.push(draft),
        }
    }

    /// A constant in a place of its own.
    pub fn constant(&mut self, name: &Ident) {
        let followed = super::guess(Context(&self.frames)).is_some();
        if followed {
            self.string(&Expr::Ident(name.clone()));
        } else {
            *self.unfollowed.entry(name.to_id()).or_default() += 1;
        }
    }
}

/// Whether a text has placeholders: `/api/:path*`, `/api/**`.
fn is_matcher(pattern: &Pattern) -> bool {
    pattern.holes.is_empty()
        && (pattern.text.contains("/:") || pattern.text.contains('*'))
        && !pattern.text.contains("://")
}

fn matcher(pattern: &Pattern) -> Pattern {
    if pattern.holes.is_empty() {
        text::placeholders(&pattern.text)
    } else {
        pattern.clone()
    }
}

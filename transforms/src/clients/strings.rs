//! Strings that no client claims: constants, arguments of functions that are not followed,
//! comparisons. In: where the string stands. Out: whether it counts, and whether more of a path may follow.
//! Left out: module specifiers, and comparisons with a prefix.

use super::context::{Context, Frame};

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

//! Evidence in, verdict out. Reads facts, never syntax.

use crate::facts::call::{Call, Client};
use crate::outcome::Evidence;

/// The places that call a route, or name it.
pub fn callers<'c>(calls: &'c [&'c Call]) -> impl Iterator<Item = &'c Call> {
    calls
        .iter()
        .copied()
        .filter(|call| call.client != Client::Middleware)
}

/// Those of them that use a method, or may.
pub fn callers_of<'c>(calls: &'c [&'c Call], method: &'c str) -> impl Iterator<Item = &'c Call> {
    callers(calls).filter(move |call| call.method.as_deref().is_none_or(|used| used == method))
}

/// What speaks for and against a Server Action in place of a method.
pub fn evidence(calls: &[&Call], method: &str) -> Vec<Evidence> {
    let mut found: Vec<Evidence> = callers_of(calls, method).map(of_call).collect();
    if found.is_empty() {
        found.push(Evidence {
            for_action: false,
            what: UNCALLED.to_string(),
            place: None,
        });
    }
    let middleware = calls
        .iter()
        .filter(|call| call.client == Client::Middleware);
    found.extend(middleware.map(|call| of_call(call)));
    if !is_mutation(method) {
        found.insert(
            0,
            Evidence {
                for_action: false,
                what: format!("{method} is a method that reads"),
                place: None,
            },
        );
    }
    found
}

/// Whether only callers that the Pages Router reaches keep a method from being an action.
pub fn waits_for_pages(calls: &[&Call], method: &str) -> bool {
    let evidence = evidence(calls, method);
    evidence.iter().any(|evidence| evidence.what == FROM_PAGES)
        && evidence
            .iter()
            .all(|evidence| evidence.for_action || evidence.what == FROM_PAGES)
}

/// What is said of a method that nothing calls.
pub const UNCALLED: &str = "nothing in the project calls it";
/// What is said of a route that a configuration names.
pub const CONFIGURED: &str = "named in configuration or middleware";
/// What is said of a route that a document names.
pub const DOCUMENTED: &str = "named in a document";

const FROM_PAGES: &str = "called from code that the Pages Router reaches";

/// Whether a method changes something.
pub fn is_mutation(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH" | "DELETE")
}

/// What one call says.
fn of_call(call: &Call) -> Evidence {
    let against = |what: String| Evidence {
        for_action: false,
        what,
        place: Some(call.place.clone()),
    };
    match call.client {
        Client::Fetch | Client::Axios => {}
        Client::Test => return against("called by URL in a test".to_string()),
        Client::Config => return against(CONFIGURED.to_string()),
        Client::Middleware => return against("middleware runs before it".to_string()),
        Client::Document => return against(DOCUMENTED.to_string()),
        Client::Constant => {
            return against("named by a string whose use is not followed".to_string());
        }
        other => return against(format!("called by URL: {}", other.name())),
    }
    if !call.exact {
        return against("called by a URL that is not surely this route".to_string());
    }
    if call.method.is_none() {
        return against("called with a method that cannot be told".to_string());
    }
    if call.from_pages {
        return against(FROM_PAGES.to_string());
    }
    if !call.from_app {
        return against("called from code that no page reaches".to_string());
    }
    if !call.component {
        return against("called outside client components".to_string());
    }
    match &call.rewrite {
        Ok(_) => Evidence {
            for_action: true,
            what: "called from a client component".to_string(),
            place: Some(call.place.clone()),
        },
        Err((place, words)) => Evidence {
            for_action: false,
            what: words.clone(),
            place: Some(place.clone()),
        },
    }
}

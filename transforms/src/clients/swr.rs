//! `useSWR('/api/x', fetcher)` and its relatives: `useSWRMutation`, `useSWRInfinite`, `mutate`,
//! `preload`. In: the argument that a key is. Out: a GET, except for a mutation. The request
//! itself is the fetcher's, so nothing is known of how it is read.

use super::Guess;
use super::context::Context;
use crate::facts::call::{Client, Sends};

/// What the URL is for, when it is a key.
pub(super) fn guess(context: Context<'_>) -> Option<Guess> {
    let (argument, property) = context.argument()?;
    if argument.index != 0 || property.is_some() {
        return None;
    }
    let name = argument.name();
    let method = match name {
        "useSWRMutation" => None,
        "mutate" | "preload" => Some("GET"),
        _ if argument.tells_method && (name.starts_with("useSWR") || name == "useSwr") => None,
        _ if name.starts_with("useSWR") || name == "useSwr" => Some("GET"),
        _ => return None,
    };
    Some(Guess {
        client: Client::Swr,
        method: method.map(String::from),
        sends: if method.is_some() {
            Sends::Nothing
        } else {
            Sends::Unknown
        },
        prefix: false,
    })
}

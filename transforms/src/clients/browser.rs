//! The browser's own ways to call a URL besides `fetch`: `new EventSource(url)` and
//! `navigator.sendBeacon(url, data)`. In: the argument that a URL is. Out: the method.

use super::Guess;
use super::context::Context;
use crate::facts::call::{Client, Sends};

/// What the URL is for, when the browser calls it so.
pub(super) fn guess(context: Context<'_>) -> Option<Guess> {
    let (argument, None) = context.argument()? else {
        return None;
    };
    let (client, method, sends) = match argument.name() {
        "EventSource" if argument.new => (Client::EventSource, "GET", Sends::Nothing),
        "sendBeacon" if argument.object() == Some("navigator") => {
            (Client::Beacon, "POST", Sends::Unknown)
        }
        _ => return None,
    };
    Some(Guess {
        client,
        method: Some(method.into()),
        sends,
        prefix: false,
    })
}

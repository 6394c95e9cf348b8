//! Going to a URL: `router.push`, `redirect`, `window.location`, `window.open`. In: the
//! argument or the value that a URL is. Out: a GET by the browser itself.

use super::Guess;
use super::context::{Context, Frame};
use crate::facts::call::{Client, Sends};

/// What the URL is for, when it is gone to.
pub(super) fn guess(context: Context<'_>) -> Option<Guess> {
    let client = match context.use_of()? {
        Frame::Assigned(target) => {
            let location = match target.last().map(String::as_str)? {
                "location" => true,
                "href" => target
                    .iter()
                    .rev()
                    .nth(1)
                    .is_some_and(|name| name == "location"),
                _ => false,
            };
            location.then_some(Client::Location)?
        }
        Frame::Argument(argument) => {
            let object = argument.object().unwrap_or_default();
            let router = object == "navigation" || object.to_ascii_lowercase().ends_with("router");
            match argument.name() {
                "assign" | "replace" if object == "location" => Client::Location,
                "open" if matches!(object, "window" | "") && argument.index == 0 => {
                    Client::Location
                }
                "push" | "replace" | "prefetch" | "navigate" if router => Client::Router,
                "redirect" | "permanentRedirect" | "navigate" => Client::Router,
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(Guess {
        client,
        method: Some("GET".into()),
        sends: Sends::Nothing,
        prefix: false,
    })
}

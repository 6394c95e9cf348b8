//! JSX attributes: `action` and `formAction`, `href`, `src`. In: the attribute that a URL is
//! the value of. Out: the method that the browser uses. Other attributes hand the string to a
//! component, which is not followed.

use super::Guess;
use super::context::{Context, Frame};
use crate::facts::call::{Client, Sends};

/// What the URL is for, when it is such an attribute.
pub(super) fn guess(context: Context<'_>) -> Option<Guess> {
    let Some(Frame::Attribute(attribute)) = context.use_of() else {
        return None;
    };
    let get = |client| Guess {
        client,
        method: Some("GET".into()),
        sends: Sends::Nothing,
        prefix: false,
    };
    // What a component of the project makes of a URL is not followed; those of Next.js and of
    // component libraries that are named like what they render are.
    let element = attribute.element.as_str();
    let renders = [
        "Link", "Image", "Img", "Script", "Anchor", "Button", "Avatar", "Video", "Audio",
    ];
    let known = element.starts_with(|first: char| first.is_lowercase())
        || renders.iter().any(|end| element.ends_with(end));
    let get = |client| Guess {
        method: get(client).method.filter(|_| known),
        ..get(client)
    };
    match attribute.name.as_str() {
        "action" | "formAction" => {
            let method = match (&attribute.method, attribute.element.as_str()) {
                (Some(method), _) if method == "?" => None,
                (Some(method), _) => Some(method.to_ascii_uppercase()),
                (None, "form") => Some("GET".to_string()),
                _ => None,
            };
            let sends = match attribute.encoding.as_deref() {
                _ if method.as_deref() == Some("GET") => Sends::Nothing,
                Some("multipart/form-data") => Sends::FormData,
                Some("text/plain") => Sends::Text,
                _ => Sends::Urlencoded,
            };
            Some(Guess {
                client: Client::Form,
                method,
                sends,
                prefix: false,
            })
        }
        "href" | "to" => Some(get(Client::Link)),
        "src" | "srcSet" | "poster" => Some(get(Client::Image)),
        _ => None,
    }
}

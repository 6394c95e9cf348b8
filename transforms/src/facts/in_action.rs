//! What a function that routes share asks of a Server Action that calls it. In: what the function does.
//! Out: why it has no place there, or what of its answers gets lost. An action has the cookies and the headers
//! that a browser sends with every request of a page; it has no URL, no body, and sets no headers.

use super::effect::{Carrier, Effect, HeaderMode, Kind, Name, Payload, SetHeader};
use crate::flow::Reading;
use crate::libraries::Takes;

/// How a function fits into a Server Action.
#[derive(Debug, Clone, Default)]
pub struct InAction {
    /// Why it does not.
    pub against: Option<String>,
    /// Whether it may answer something else than JSON, which has no form as data.
    pub text: bool,
    /// Whether it may answer without a body.
    pub empty: bool,
    /// Whether it may set cookies.
    pub cookies: bool,
    /// Whether it reads path or search parameters.
    pub query: bool,
    /// For a wrapper: whether it takes the context of a route, with the path parameters.
    pub context: bool,
}

impl InAction {
    /// How a function that does this fits; `method` when it looks at the method, too.
    pub fn of(reading: &Reading, method: bool) -> InAction {
        let mut found = InAction {
            against: method.then(|| "looks at the method".to_string()),
            ..InAction::default()
        };
        for effect in &reading.effects {
            match effect.carrier() {
                Some((Carrier::Shared(shared), _)) => {
                    found.join(&shared.in_action);
                }
                Some((Carrier::Handler(_), _)) => {}
                Some((Carrier::Local(_), _)) => {
                    found.against = Some("hands the request on".to_string());
                }
                None => found.take(effect),
            }
        }
        found
    }

    /// Takes in what another function asks for that it calls, or that stands around it.
    pub fn join(&mut self, other: &InAction) {
        self.text |= other.text;
        self.empty |= other.empty;
        self.cookies |= other.cookies;
        self.query |= other.query;
        self.context |= other.context;
        if self.against.is_none() {
            self.against.clone_from(&other.against);
        }
    }

    fn take(&mut self, effect: &Effect) {
        let against = match &effect.kind {
            Kind::ReadCookie { .. } | Kind::WholeCookies | Kind::Unreachable(_) => None,
            Kind::ReadHeader {
                name: Name::Literal(name),
                ..
            } if same_header(name) => None,
            Kind::ReadHeader { .. } | Kind::WholeHeaders => Some("reads headers of the request"),
            Kind::DestructureValues { part, values, .. }
                if part == "cookies" || values.iter().all(|(name, ..)| same_header(name)) =>
            {
                None
            }
            Kind::Reply(reply) => {
                let set = reply.own.iter().chain(&reply.before);
                self.text |= !matches!(
                    reply.payload,
                    Payload::Json(_) | Payload::Empty | Payload::EmptyJson
                );
                self.empty |= !matches!(reply.payload, Payload::Json(_));
                match &reply.payload {
                    Payload::Redirect(_) => Some("redirects"),
                    _ if set.into_iter().all(is_unread) => None,
                    _ => Some("sets response headers"),
                }
            }
            Kind::Prepare { headers, .. } if headers.iter().all(is_unread) => None,
            Kind::Library(call) if call.takes == Takes::Nothing => {
                self.cookies |= call.sets_cookies;
                None
            }
            Kind::Prepare { .. } | Kind::LateHeader { .. } | Kind::SentHeader { .. } => {
                Some("sets response headers")
            }
            Kind::ReadBody { .. } | Kind::ReadRawBody { .. } => Some("reads the body"),
            Kind::ReadQuery { .. } | Kind::DestructureQuery { .. } | Kind::WholeQuery => {
                self.query = true;
                None
            }
            Kind::ReadUrl => Some("reads the URL"),
            _ => Some("does what has no form in a Server Action"),
        };
        if let Some(why) = against {
            self.against.get_or_insert_with(|| why.to_string());
        }
    }
}

/// Whether a browser sends a header alike with a `fetch` that names no headers but its content type, and
/// with the call of a Server Action.
pub fn same_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let other = ["accept", "transfer-encoding", "rsc"];
    !other.contains(&&*name) && !name.starts_with("content-") && !name.starts_with("next-")
}

/// Whether a response header does nothing where the code that made the request does not read it.
pub fn is_unread(header: &SetHeader) -> bool {
    const UNREAD: &[&str] = &[
        "allow",
        "cache-control",
        "content-type",
        "expires",
        "pragma",
        "retry-after",
        "vary",
    ];
    let name = header.name.to_ascii_lowercase();
    header.mode == HeaderMode::Set && UNREAD.contains(&&*name)
}

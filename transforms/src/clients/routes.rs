//! Which routes a URL names. In: the path's segments. Out: every route that answers it, or
//! could answer it, by Next.js's precedence: text before `[x]` before `[...x]`. A hole may be
//! any one segment; a hole at the end that no dynamic segment takes may be several.

use super::pattern::hole;
use super::url::Segment;
use crate::facts::call::RouteKey;

/// The routes, ready to be matched.
pub(super) struct Routes {
    entries: Vec<Entry>,
}

struct Entry {
    app: usize,
    parts: Vec<Part>,
}

/// One segment of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Text.
    Static(String),
    /// `[slug]`.
    Dynamic(String),
    /// `[...slug]`, or `[[...slug]]` with `true`.
    CatchAll(String, bool),
}

/// What a URL names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// The routes, ascending.
    pub routes: Vec<usize>,
    /// Whether it is surely the one.
    pub exact: bool,
}

/// How one URL segment meets a route: the smaller, the more specific.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Meets {
    Text,
    /// A hole that could be the route's text.
    Perhaps,
    /// An id that could be the route's text, if nothing takes ids there.
    Unlikely,
    Dynamic,
    CatchAll,
}

impl Routes {
    /// Takes the routes apart.
    pub fn new(keys: &[RouteKey]) -> Routes {
        Routes {
            entries: keys
                .iter()
                .map(|key| Entry {
                    app: key.app,
                    parts: parts(&key.route),
                })
                .collect(),
        }
    }

    /// The segments of a route below `/api`.
    pub fn parts(&self, route: usize) -> &[Part] {
        &self.entries[route].parts
    }

    /// The routes that these segments name, in one app or in all. With `below` also those
    /// that more segments could lead to.
    pub fn named(&self, segments: &[Segment], app: Option<usize>, below: bool) -> Named {
        let mut matches: Vec<(usize, Vec<Meets>)> = Vec::new();
        for (index, entry) in self.of(app) {
            if let Some(meets) = meet(&entry.parts, segments) {
                matches.push((index, meets));
            }
        }
        let sure: Vec<(usize, Vec<Meets>)> = matches
            .iter()
            .filter(|(_, meets)| !is_guess(meets))
            .cloned()
            .collect();
        matches.retain(|(index, meets)| {
            !sure.iter().any(|(other, better)| {
                index != other
                    && self.entries[*index].app == self.entries[*other].app
                    && is_hidden(meets, better)
            })
        });
        let open = matches!(segments.last(), Some(Segment::Hole(_) | Segment::Id(_)))
            && !matches
                .iter()
                .any(|(_, meets)| meets.last().is_some_and(|last| *last >= Meets::Dynamic));
        let ragged = matches!(segments.last(), Some(Segment::Mixed(text)) if text.ends_with(|c| hole(c).is_some()));
        let exact = matches.len() == 1
            && !open
            && !ragged
            && matches.iter().all(|(_, meets)| !is_guess(meets));
        let mut routes: Vec<usize> = matches.into_iter().map(|(index, _)| index).collect();
        if open || ragged || below {
            let prefix = if open || ragged {
                &segments[..segments.len() - 1]
            } else {
                segments
            };
            routes.extend(
                self.of(app)
                    .filter(|(_, entry)| match segments.last() {
                        Some(Segment::Mixed(text)) if ragged => {
                            entry.parts.len() > prefix.len()
                                && starts(&entry.parts, prefix)
                                && matches!(&entry.parts[prefix.len()], Part::Static(part) if wild(text, part))
                        }
                        _ => entry.parts.len() > prefix.len() && starts(&entry.parts, prefix),
                    })
                    .map(|(index, _)| index),
            );
            routes.sort_unstable();
            routes.dedup();
        }
        Named {
            exact: exact && routes.len() == 1,
            routes,
        }
    }

    /// Every route of an app, or of all.
    pub fn all(&self, app: Option<usize>) -> Vec<usize> {
        self.of(app).map(|(index, _)| index).collect()
    }

    fn of(&self, app: Option<usize>) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries
            .iter()
            .enumerate()
            .filter(move |(_, entry)| app.is_none_or(|app| app == entry.app))
    }
}

fn parts(route: &str) -> Vec<Part> {
    let below = route.strip_prefix("/api").unwrap_or(route);
    below
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let slug = |open: &str, close: &str| {
                part.strip_prefix(open)
                    .and_then(|part| part.strip_suffix(close))
                    .map(String::from)
            };
            if let Some(name) = slug("[[...", "]]") {
                Part::CatchAll(name, true)
            } else if let Some(name) = slug("[...", "]") {
                Part::CatchAll(name, false)
            } else if let Some(name) = slug("[", "]") {
                Part::Dynamic(name)
            } else {
                Part::Static(part.to_string())
            }
        })
        .collect()
}

/// How the segments meet the route, one entry for each segment; `None` when they do not.
fn meet(parts: &[Part], segments: &[Segment]) -> Option<Vec<Meets>> {
    let mut meets = Vec::with_capacity(segments.len());
    for (index, part) in parts.iter().enumerate() {
        if let Part::CatchAll(_, optional) = part {
            let rest = segments.get(index..)?;
            if rest.is_empty() && !optional {
                return None;
            }
            meets.extend(rest.iter().map(|_| Meets::CatchAll));
            return Some(meets);
        }
        meets.push(meet_one(part, segments.get(index)?)?);
    }
    (parts.len() == segments.len()).then_some(meets)
}

fn meet_one(part: &Part, segment: &Segment) -> Option<Meets> {
    match (part, segment) {
        (Part::Static(part), Segment::Static(text)) => (part == text).then_some(Meets::Text),
        (Part::Static(_), Segment::Hole(_)) => Some(Meets::Perhaps),
        (Part::Static(_), Segment::Id(_)) => Some(Meets::Unlikely),
        (Part::Static(part), Segment::Mixed(text)) => wild(text, part).then_some(Meets::Perhaps),
        (Part::Dynamic(_), _) => Some(Meets::Dynamic),
        (Part::CatchAll(..), _) => Some(Meets::CatchAll),
    }
}

/// Whether the segments could be the first ones of the route.
fn starts(parts: &[Part], segments: &[Segment]) -> bool {
    segments.iter().enumerate().all(|(index, segment)| {
        parts
            .get(index)
            .is_some_and(|part| meet_one(part, segment).is_some())
            || parts[..index.min(parts.len())]
                .iter()
                .any(|part| matches!(part, Part::CatchAll(..)))
    })
}

/// Whether another match answers first, wherever both do.
fn is_hidden(meets: &[Meets], by: &[Meets]) -> bool {
    let differ = meets.iter().zip(by).find(|(a, b)| a != b);
    match differ {
        Some((Meets::Perhaps, _)) => false,
        Some((Meets::Unlikely, b)) => *b >= Meets::Dynamic,
        Some((a, b)) => b < a,
        None => false,
    }
}

fn is_guess(meets: &[Meets]) -> bool {
    meets
        .iter()
        .any(|meet| matches!(meet, Meets::Perhaps | Meets::Unlikely))
}

/// Whether text with holes could be `text`, as a shell's `*`.
fn wild(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split(|c| hole(c).is_some());
    let Some(first) = pieces.next() else {
        return false;
    };
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut last = "";
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
        last = piece;
    }
    last.is_empty() || text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::pattern::{Pattern, hole_character};
    use crate::clients::url;

    const ROUTES: &[&str] = &[
        "/api/posts",
        "/api/posts/[id]",
        "/api/posts/[id]/comments",
        "/api/posts/publish",
        "/api/files/[...path]",
        "/api/opt/[[...rest]]",
        "/api/client",
        "/api/client/list",
        "/api/users/[id]",
    ];

    fn named(text: &str, below: bool) -> (Vec<&'static str>, bool) {
        let keys: Vec<RouteKey> = ROUTES
            .iter()
            .map(|route| RouteKey {
                route: (*route).to_string(),
                app: 0,
            })
            .collect();
        let pattern = Pattern::text(&text.replace('*', &hole_character(0).to_string()));
        let url = url::parse(&pattern, "").expect("a URL");
        let named = Routes::new(&keys).named(&url.segments, Some(0), below);
        (
            named.routes.iter().map(|route| ROUTES[*route]).collect(),
            named.exact,
        )
    }

    #[test]
    fn text_comes_before_slugs_and_slugs_before_catch_alls() {
        assert_eq!(
            named("/api/posts/publish", false),
            (vec!["/api/posts/publish"], true)
        );
        assert_eq!(
            named("/api/posts/5", false),
            (vec!["/api/posts/[id]"], true)
        );
        assert_eq!(
            named("/api/files/a/b", false),
            (vec!["/api/files/[...path]"], true)
        );
        assert_eq!(
            named("/api/opt", false),
            (vec!["/api/opt/[[...rest]]"], true)
        );
        assert_eq!(named("/api/files", false), (vec![], false));
    }

    #[test]
    fn a_hole_names_all_that_it_could_be() {
        assert_eq!(
            named("/api/users/*", false),
            (vec!["/api/users/[id]"], true)
        );
        assert_eq!(
            named("/api/posts/*/comments", false),
            (vec!["/api/posts/[id]/comments"], true)
        );
        assert_eq!(
            named("/api/posts/*", false),
            (vec!["/api/posts/[id]", "/api/posts/publish"], false)
        );
        assert_eq!(named("/api/*", false).0.len(), ROUTES.len());
        assert_eq!(
            named("/api/client*", false),
            (vec!["/api/client", "/api/client/list"], false)
        );
    }

    #[test]
    fn an_id_is_not_taken_for_a_route_s_name() {
        let keys: Vec<RouteKey> = ROUTES
            .iter()
            .map(|route| RouteKey {
                route: (*route).to_string(),
                app: 0,
            })
            .collect();
        let of = |first: &str| {
            let segments = [Segment::Static(first.into()), Segment::Id(0)];
            let named = Routes::new(&keys).named(&segments, None, false);
            let routes: Vec<&str> = named.routes.iter().map(|route| ROUTES[*route]).collect();
            (routes, named.exact)
        };
        assert_eq!(of("posts"), (vec!["/api/posts/[id]"], true));
        assert_eq!(of("client"), (vec!["/api/client/list"], false));
    }

    #[test]
    fn a_prefix_names_what_is_below_it() {
        assert_eq!(
            named("/api/posts", true).0,
            [
                "/api/posts",
                "/api/posts/[id]",
                "/api/posts/[id]/comments",
                "/api/posts/publish"
            ]
        );
        assert!(!named("/api/posts", true).1);
        assert_eq!(named("/api/users/*", true), (vec!["/api/users/[id]"], true));
    }
}

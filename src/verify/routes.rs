//! Which route, and which of its decisions, a request belongs to.

use std::collections::BTreeSet;

use routelift_transforms::facts::route::{SlugKind, slug};
use routelift_transforms::outcome::{AppOutcome, MethodOutcome, RouteOutcome, WayOut};
use routelift_transforms::reason::Note;

use crate::report::is_left;

/// The routes of one app, as requests name them.
#[derive(Debug, Clone, Copy)]
pub struct Routes<'a> {
    /// What becomes of them.
    pub app: &'a AppOutcome,
    /// The app's `basePath`, or empty.
    pub base_path: &'a str,
}

impl<'a> Routes<'a> {
    /// The route of a path without query: the most specific one, as Next.js takes it.
    pub fn find(&self, path: &str) -> Option<&'a RouteOutcome> {
        let path = path.strip_prefix(self.base_path)?;
        let segments: Vec<&str> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        let matching = self.app.routes.iter().filter_map(|route| {
            let pattern: Vec<&str> = route.route.split('/').skip(1).collect();
            Some((generality(&pattern, &segments)?, route))
        });
        matching
            .min_by(|(a, _), (b, _)| a.cmp(b))
            .map(|(_, route)| route)
    }
}

/// How general each segment of a pattern is that takes these segments: 0 for a name, more
/// for what takes more.
fn generality(pattern: &[&str], segments: &[&str]) -> Option<Vec<u8>> {
    let Some((first, rest)) = pattern.split_first() else {
        return segments.is_empty().then(Vec::new);
    };
    let (own, rest) = match slug(first).map(|slug| slug.kind) {
        Some(SlugKind::CatchAll) => return (!segments.is_empty()).then(|| vec![2]),
        Some(SlugKind::Optional) => return Some(vec![3]),
        Some(SlugKind::One) => (1, generality(rest, segments.get(1..)?)?),
        None => {
            let (segment, others) = segments.split_first()?;
            let segment = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
            (0, (segment == *first).then(|| generality(rest, others))??)
        }
    };
    Some([vec![own], rest].concat())
}

/// The decision for a method of a route.
pub fn decision<'a>(route: &'a RouteOutcome, method: &str) -> Option<&'a MethodOutcome> {
    let mut methods = route.methods.iter();
    methods.find(|other| other.method == method || other.method == "*")
}

/// The notes that are printed for a method; for one that the route does not tell apart,
/// all of the route's.
pub fn printed(route: &RouteOutcome, method: &str) -> BTreeSet<Note> {
    let own = decision(route, method).map(std::slice::from_ref);
    let methods = own.unwrap_or(&route.methods).iter();
    methods
        .flat_map(|method| method.notes.iter().copied())
        .collect()
}

/// Whether no URL answers the method any more, because it became a Server Action; with
/// the last one of a route its URL goes.
pub fn has_no_url(route: &RouteOutcome, method: &str) -> bool {
    let action = decision(route, method).is_some_and(|own| own.way_out == WayOut::ServerAction);
    action || (route.target.is_none() && !is_left(route))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Option<String> {
        let routes = [
            "/api/a",
            "/api/[id]",
            "/api/a/[...rest]",
            "/api/b/[[...rest]]",
            "/api/[id]/c",
        ];
        let routes = routes.map(|route| RouteOutcome {
            route: route.to_string(),
            file: String::new(),
            target: None,
            asked: Vec::new(),
            methods: Vec::new(),
            refusals: Vec::new(),
            bridged: Vec::new(),
        });
        let app = AppOutcome {
            routes: routes.to_vec(),
            ..AppOutcome::default()
        };
        let routes = Routes {
            app: &app,
            base_path: "/base",
        };
        routes.find(path).map(|route| route.route.clone())
    }

    #[test]
    fn the_most_specific_route_is_found() {
        let cases = [
            ("/base/api/a", Some("/api/a")),
            ("/base/api/a/", Some("/api/a")),
            ("/base/api/%61", Some("/api/a")),
            ("/base/api/x", Some("/api/[id]")),
            ("/base/api/a/c", Some("/api/a/[...rest]")),
            ("/base/api/x/c", Some("/api/[id]/c")),
            ("/base/api/b", Some("/api/b/[[...rest]]")),
            ("/base/api/b/1/2", Some("/api/b/[[...rest]]")),
            ("/api/a", None),
            ("/base/about", None),
        ];
        for (path, route) in cases {
            assert_eq!(found(path).as_deref(), route, "{path}");
        }
    }
}

//! What runs before a route: `middleware.ts`, or `proxy.ts` since Next.js 16. In: an app's file of that
//! name. Out: a call for all routes that its matchers may let it run for. Such a file can refuse a
//! request by the path that it asks for, and a Server Action asks for its page's path.
//!
//! Matchers are read as Next.js does: from the `config` that the file exports, as strings or objects with
//! a `source`. A file without any runs for every request, and so does one whose matchers are not understood.

use std::collections::BTreeSet;
use std::ops::Range;

use swc_core::ecma::ast::*;

use super::Guess;
use super::scope::Scope;
use crate::config_lists::Lists;
use crate::facts::call::{Call, Client, RouteKey, Sends};
use crate::graph::Reach;
use crate::outcome::Place;
use crate::project::Project;
use crate::source::Source;
use crate::surroundings;
use crate::syntax::{bare, property};
use crate::url_pattern::UrlPattern;

/// Where the matchers stand, and what they match.
struct Matchers {
    range: Range<usize>,
    patterns: Vec<UrlPattern>,
}

/// A call for each file that runs before routes.
pub(super) fn calls(project: &Project, reaches: &[Reach<'_>], routes: &[RouteKey]) -> Vec<Call> {
    let mut calls = Vec::new();
    for (index, app) in project.apps.iter().enumerate() {
        for (path, text) in surroundings::middleware(project, app) {
            // One that gives another URL's answer may give any route's.
            let rewrites = text.contains("rewrite");
            let matchers = project
                .parse(path, text.clone())
                .map_or_else(|_| Matchers::everything(), |source| Matchers::of(&source));
            let runs = |key: &RouteKey| {
                let url = UrlPattern::of_route(&key.route);
                let mut spellings = vec![url.clone()];
                if app.config.i18n {
                    spellings.push(url.behind_any_segment());
                }
                let mut patterns = matchers.patterns.iter();
                rewrites || patterns.any(|pattern| spellings.iter().any(|url| pattern.meets(url)))
            };
            let before: BTreeSet<usize> = routes
                .iter()
                .enumerate()
                .filter(|(_, key)| key.app == index && runs(key))
                .map(|(number, _)| number)
                .collect();
            if before.is_empty() {
                continue;
            }
            let guess = Guess {
                client: Client::Middleware,
                method: None,
                sends: Sends::Unknown,
                prefix: false,
            };
            let place = Place::new(path, text, matchers.range.start, matchers.range.end);
            let mut scope = Scope::new(project, reaches, path);
            scope.kind = None;
            calls.push(scope.call(place, guess, before.into_iter().collect(), false));
        }
    }
    calls
}

impl Matchers {
    fn everything() -> Matchers {
        Matchers {
            range: 0..0,
            patterns: vec![UrlPattern::any()],
        }
    }

    fn of(source: &Source) -> Matchers {
        let Some(matcher) = source.items().iter().find_map(exported_matcher) else {
            return Matchers::everything();
        };
        let range = source.range(matcher);
        let lists = Lists::of(source);
        let patterns = patterns(&lists, matcher).unwrap_or_else(|| vec![UrlPattern::any()]);
        Matchers { range, patterns }
    }
}

/// The value of `matcher` in `export const config = { … }`.
fn exported_matcher(item: &ModuleItem) -> Option<&Expr> {
    let ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) = item else {
        return None;
    };
    let Decl::Var(variables) = &export.decl else {
        return None;
    };
    let config = variables.decls.iter().find(
        |declarator| matches!(&declarator.name, Pat::Ident(name) if name.id.sym == *"config"),
    )?;
    let Expr::Object(object) = bare(config.init.as_deref()?) else {
        return None;
    };
    property(object, "matcher")
}

/// What a matcher matches; `None` when that is not understood.
fn patterns(lists: &Lists, matcher: &Expr) -> Option<Vec<UrlPattern>> {
    let items: Vec<&Expr> = match bare(matcher) {
        Expr::Array(array) => {
            let element = |element: &'_ Option<ExprOrSpread>| match element {
                Some(ExprOrSpread { spread: None, .. }) => true,
                Some(_) | None => false,
            };
            if !array.elems.iter().all(element) {
                return None;
            }
            array
                .elems
                .iter()
                .flatten()
                .map(|item| &*item.expr)
                .collect()
        }
        one => vec![one],
    };
    let mut patterns = Vec::new();
    for item in items {
        let source = match bare(item) {
            Expr::Object(object) => property(object, "source")?,
            text => text,
        };
        let texts = lists.texts(source)?;
        patterns.extend(texts.iter().map(|text| UrlPattern::of_source(text)));
    }
    Some(patterns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(text: &str, route: &str) -> bool {
        let source = Source::parse("middleware.ts", text.into()).unwrap();
        let url = UrlPattern::of_route(route);
        let matchers = Matchers::of(&source);
        matchers.patterns.iter().any(|pattern| pattern.meets(&url))
    }

    #[test]
    fn matchers_say_before_which_routes_it_runs() {
        let of = |matcher: &str| {
            let text = format!("export const config = {{ matcher: {matcher} }};");
            runs(&text, "/api/posts/[id]")
        };
        assert!(of("'/api/:path*'"));
        assert!(of("['/', '/(api|trpc)(.*)']"));
        assert!(of("['/((?!_next/static|favicon.ico).*)']"));
        assert!(of("[{ source: '/api/(.*)', missing: [] }]"));
        assert!(of("[...paths]") && of("build()") && of("[{ regexp: '^/api' }]"));
        assert!(!of("['/dashboard/:path*', '/login']"));
        assert!(!of("['/((?!api|_next/static).*)']"));
        assert!(!of("'/api/users/:path*'"));
        assert!(!of("[]"));
    }

    #[test]
    fn a_file_without_matchers_runs_always() {
        assert!(runs("export default function proxy() {}", "/api/posts"));
        assert!(runs(
            "export const config = { runtime: 'nodejs' }",
            "/api/posts"
        ));
        assert!(runs("export { config } from './config'", "/api/posts"));
    }
}

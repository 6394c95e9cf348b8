//! Files that are not parsed as code: `vercel.json`, OpenAPI documents, `.http` files, Markdown, and
//! code with syntax errors. In: the text. Out: a call for each run of characters that is a URL of the API,
//! with placeholders (`:id`, `{id}`, `*`, `(.*)`) as holes. In Markdown only URLs with a host count:
//! prose names routes without calling them.

use super::Guess;
use super::pattern::{Hole, Pattern, hole_character};
use super::routes::Routes;
use super::scope::Scope;
use crate::facts::call::{Call, Client, Sends};
use crate::outcome::Place;

/// The calls in a text.
pub(super) fn calls(table: &Routes, scope: &Scope, text: &str, path: &str) -> Vec<Call> {
    let prose = path.ends_with(".md") || path.ends_with(".mdx");
    let mut calls = Vec::new();
    for (start, end) in runs(text) {
        let run = &text[start..end];
        if prose && !run.contains("://") {
            continue;
        }
        let path_of_route = file_path(run);
        if path_of_route != run && run.contains('*') {
            // A pattern of files, as in vercel.json's functions, calls nothing.
            continue;
        }
        let pattern = placeholders(path_of_route);
        let naming = scope.named(table, &[pattern], true, run.ends_with('*'));
        if naming.routes.is_empty() {
            continue;
        }
        calls.push(scope.call(
            Place::new(path, text, start, end),
            Guess {
                client: Client::Document,
                method: None,
                sends: Sends::Unknown,
                prefix: false,
            },
            naming.routes,
            naming.exact,
        ));
    }
    calls
}

fn runs(text: &str) -> Vec<(usize, usize)> {
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | '`' | '<' | '>' | ',' | ';' | '\\' | '|' | '='
            )
    };
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("api").map(|at| from + at) {
        let start = text[..at]
            .char_indices()
            .rev()
            .find(|(_, c)| ends(*c))
            .map_or(0, |(start, c)| start + c.len_utf8());
        let end = text[at..].find(ends).map_or(text.len(), |end| at + end);
        let run = text[start..end].trim_end_matches(['.', ':', '!', ')']);
        let stop = if run.len() > at - start + 2 {
            start + run.len()
        } else {
            end
        };
        found.push((start, stop));
        from = end.max(at + 3);
    }
    found
}

/// A file under `pages/api` or `app/api` as the route that it is.
fn file_path(run: &str) -> &str {
    let run = run.strip_prefix("src/").unwrap_or(run);
    let Some(path) = run
        .strip_prefix("pages/")
        .or_else(|| run.strip_prefix("app/"))
    else {
        return run;
    };
    let path = path.rsplit_once('.').map_or(path, |(path, _)| path);
    path.strip_suffix("/route")
        .or_else(|| path.strip_suffix("/index"))
        .unwrap_or(path)
}

/// A text with a hole for each placeholder.
pub(super) fn placeholders(text: &str) -> Pattern {
    let mut pattern = Pattern::default();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '*' => 1,
            ':' if pattern.text.ends_with('/') => {
                let name = rest[1..]
                    .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .map_or(rest.len(), |end| end + 1);
                name + usize::from(rest[name..].starts_with(['*', '+', '?']))
            }
            '{' => rest.find('}').map_or(rest.len(), |end| end + 1),
            '(' => closing(rest),
            _ => 0,
        };
        if taken == 0 {
            pattern.text.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        // Several placeholders in a row are one: `**`, `:path(.*)`.
        if !pattern.text.ends_with(hole_character(0)) {
            pattern.text.push(hole_character(0));
        }
        rest = &rest[taken..];
    }
    pattern.holes.push(Hole {
        range: 0..0,
        origin: false,
        plain: false,
        id: false,
        param: None,
    });
    pattern
}

/// The length of a group in parentheses, nested ones included.
fn closing(text: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_holes() {
        let shown = |text: &str| placeholders(text).text.replace(hole_character(0), "*");
        assert_eq!(shown("/api/:path*"), "/api/*");
        assert_eq!(shown("/api/:path(.*)/x"), "/api/*/x");
        assert_eq!(shown("/api/{id}/((?!a).*)"), "/api/*/*");
        assert_eq!(
            shown("http://localhost:3000/api"),
            "http://localhost:3000/api"
        );
    }

    #[test]
    fn runs_end_where_text_goes_on() {
        let text = "\"path\": \"/api/cron\", see https://a.b/api/x. End";
        let found: Vec<&str> = runs(text)
            .into_iter()
            .map(|(start, end)| &text[start..end])
            .collect();
        assert_eq!(found, ["/api/cron", "https://a.b/api/x"]);
        assert_eq!(file_path("src/pages/api/posts/index.ts"), "api/posts");
        assert_eq!(file_path("app/api/x/route.ts"), "api/x");
    }
}

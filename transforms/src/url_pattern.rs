//! Which URL paths a `source` of `next.config` can match. In: path-to-regexp 6 syntax as
//! Next.js uses it (`/api/:path*`, `/(.*)`, `/:lang(en|fr)?/about`, `/{:a-}?b`, `/((?!api).*)`),
//! or a route of `pages/`. Out: patterns that match at least as much, and whether two of them
//! have a path in common. What is not understood matches everything.

use crate::facts::route::{SlugKind, slug};

/// No source stands for more alternatives than this.
const MAX_ALTERNATIVES: usize = 64;

/// A part of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// One character, in lower case: Next.js ignores case.
    Char(char),
    /// Any character but a slash.
    One,
    /// Any number of characters without a slash.
    Run,
    /// Any number of digits.
    Digits,
    /// Any number of characters.
    Rest,
}

use Piece::{Char, Digits, One, Rest, Run};

/// Some paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPattern {
    /// The paths are those of any of these.
    alternatives: Vec<Alternative>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Alternative {
    pieces: Vec<Piece>,
    /// Starts that a path of these must not have.
    without: Vec<Vec<Piece>>,
}

impl UrlPattern {
    /// Every path.
    pub fn any() -> UrlPattern {
        UrlPattern {
            alternatives: vec![Alternative {
                pieces: vec![Rest],
                without: Vec::new(),
            }],
        }
    }

    /// The paths that a `source` can match.
    pub fn of_source(text: &str) -> UrlPattern {
        let mut reader = Reader {
            rest: text.strip_suffix('/').unwrap_or(text).chars().collect(),
            at: 0,
        };
        match reader.sequence(None) {
            Some(alternatives) => UrlPattern { alternatives },
            None => UrlPattern::any(),
        }
    }

    /// The paths that the `destination` of a rewrite can lead to; `None` for another site's.
    pub fn of_destination(text: &str) -> Option<UrlPattern> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return None;
        }
        Some(match text.find(['?', '#']) {
            None => UrlPattern::of_source(text),
            // `/api/posts?draft=1`; the mark of `/:lang?/posts` is another one.
            Some(at) if text[at..].contains('=') && !text[at..].contains('/') => {
                UrlPattern::of_source(&text[..at])
            }
            Some(_) => UrlPattern::any(),
        })
    }

    /// The paths of a route as Next.js spells it, as `/api/posts/[id]`.
    pub fn of_route(route: &str) -> UrlPattern {
        let mut alternatives = vec![Alternative::default()];
        for segment in route.split('/').filter(|segment| !segment.is_empty()) {
            let pieces = match slug(segment).map(|slug| slug.kind) {
                None => segment.chars().map(literal).collect(),
                Some(SlugKind::One) => vec![One, Run],
                Some(SlugKind::CatchAll | SlugKind::Optional) => vec![One, Rest],
            };
            let optional = slug(segment).is_some_and(|slug| slug.kind == SlugKind::Optional);
            let mut with = alternatives.clone();
            for alternative in &mut with {
                alternative.pieces.push(Char('/'));
                alternative.pieces.extend(&pieces);
            }
            if !optional {
                alternatives.clear();
            }
            alternatives.extend(with);
        }
        UrlPattern { alternatives }
    }

    /// The same paths behind a fixed one, as a `basePath`.
    pub fn behind(&self, prefix: &str) -> UrlPattern {
        let start: Vec<Piece> = prefix.chars().map(literal).collect();
        self.after(&start)
    }

    /// The same paths behind any one segment, as a locale.
    pub fn behind_any_segment(&self) -> UrlPattern {
        self.after(&[Char('/'), One, Run])
    }

    fn after(&self, start: &[Piece]) -> UrlPattern {
        let longer = |pieces: &Vec<Piece>| start.iter().chain(pieces).copied().collect();
        let alternatives = self.alternatives.iter().map(|alternative| Alternative {
            pieces: longer(&alternative.pieces),
            without: Vec::new(),
        });
        UrlPattern {
            alternatives: alternatives.collect(),
        }
    }

    /// Whether a path may match both.
    pub fn meets(&self, other: &UrlPattern) -> bool {
        self.alternatives
            .iter()
            .any(|a| other.alternatives.iter().any(|b| a.meets(b)))
    }
}

impl Alternative {
    fn meets(&self, other: &Alternative) -> bool {
        let kept_out = |by: &Alternative, pieces: &[Piece]| {
            by.without.iter().any(|start| pieces.starts_with(start))
        };
        if kept_out(self, &other.pieces) || kept_out(other, &self.pieces) {
            return false;
        }
        let (a, b) = (&self.pieces, &other.pieces);
        // Whether what is left behind each pair of places has a path in common.
        let mut meets = vec![vec![false; b.len() + 1]; a.len() + 1];
        for i in (0..=a.len()).rev() {
            for j in (0..=b.len()).rev() {
                let many = |piece: Option<&Piece>| matches!(piece, Some(Run | Digits | Rest));
                let (here, there) = (a.get(i), b.get(j));
                meets[i][j] = match (here, there) {
                    (None, None) => true,
                    _ if many(here) && meets[i + 1][j] => true,
                    _ if many(there) && meets[i][j + 1] => true,
                    (Some(x), Some(y)) if x.shares(*y) => match (many(here), many(there)) {
                        // Both going on is the same as one of them being passed over.
                        (true, true) => false,
                        (true, false) => meets[i][j + 1],
                        (false, true) => meets[i + 1][j],
                        (false, false) => meets[i + 1][j + 1],
                    },
                    _ => false,
                };
            }
        }
        meets[0][0]
    }
}

impl Piece {
    /// Whether a character is one of both.
    fn shares(self, other: Piece) -> bool {
        match (self, other) {
            (Char(a), Char(b)) => a == b,
            (Char(digit), Digits) | (Digits, Char(digit)) => digit.is_ascii_digit(),
            (Char('/'), One | Run) | (One | Run, Char('/')) => false,
            _ => true,
        }
    }
}

/// The piece for a character that stands for itself. One that may be spelled in another way in
/// a URL stands for any.
fn literal(character: char) -> Piece {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '/' | '-' | '_' | '.' | '~' => {
            Char(character.to_ascii_lowercase())
        }
        _ => Run,
    }
}

/// Reads a source; `None` for what is not understood, or stands for too much.
struct Reader {
    rest: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn take(&mut self, character: char) -> bool {
        let there = self.peek() == Some(character);
        self.at += usize::from(there);
        there
    }

    /// What stands up to the end, or up to the bracket that closes it.
    fn sequence(&mut self, end: Option<char>) -> Option<Vec<Alternative>> {
        let mut found = vec![Alternative::default()];
        // The character before a parameter that repeats and goes with it.
        let mut prefix = None;
        loop {
            let before = prefix.take();
            let Some(character) = self.peek() else {
                return end.is_none().then_some(found);
            };
            self.at += 1;
            let part = match character {
                _ if Some(character) == end => return Some(found),
                '\\' => {
                    let escaped = self.peek()?;
                    self.at += 1;
                    add(&mut found, literal(escaped));
                    continue;
                }
                '{' => self.sequence(Some('}'))?,
                ':' => {
                    let start = self.at;
                    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    while self.peek().is_some_and(in_name) {
                        self.at += 1;
                    }
                    if self.at == start {
                        return None;
                    }
                    match self.take('(') {
                        true => self.expression()?,
                        false => vec![plain(vec![One, Run])],
                    }
                }
                '(' => self.expression()?,
                '?' | '*' | '+' | '}' | ')' => return None,
                _ => {
                    prefix = matches!(character, '/' | '.').then_some(literal(character));
                    add(&mut found, literal(character));
                    continue;
                }
            };
            let grouped = character == '{';
            let start = before.filter(|_| !grouped).into_iter().collect::<Vec<_>>();
            let modifier = self.peek().filter(|mark| "?*+".contains(*mark));
            self.at += usize::from(modifier.is_some());
            let mut without = None;
            if matches!(modifier, Some('?' | '*')) {
                let mut shorter = found.clone();
                for alternative in &mut shorter {
                    let length = alternative.pieces.len() - start.len();
                    alternative.pieces.truncate(length);
                }
                without = Some(shorter);
            }
            found = joined(&found, &part)?;
            if matches!(modifier, Some('*' | '+')) {
                add(&mut found, Rest);
            }
            found.extend(without.into_iter().flatten());
            if found.len() > MAX_ALTERNATIVES {
                return None;
            }
        }
    }

    /// A regular expression, whose bracket is open already.
    fn expression(&mut self) -> Option<Vec<Alternative>> {
        let start = self.at;
        let (mut depth, mut class) = (1, false);
        while depth > 0 {
            let character = self.peek()?;
            self.at += 1;
            match character {
                '\\' => self.at += 1,
                '[' => class = true,
                ']' => class = false,
                '(' if !class => depth += 1,
                ')' if !class => depth -= 1,
                _ => {}
            }
        }
        let text = self.rest.get(start..self.at - 1)?;
        Some(expression(text))
    }
}

fn plain(pieces: Vec<Piece>) -> Alternative {
    Alternative {
        pieces,
        without: Vec::new(),
    }
}

fn add(found: &mut [Alternative], piece: Piece) {
    for alternative in found {
        alternative.pieces.push(piece);
    }
}

/// Each of some starts with each of some ends.
fn joined(starts: &[Alternative], ends: &[Alternative]) -> Option<Vec<Alternative>> {
    if starts.len() * ends.len() > MAX_ALTERNATIVES {
        return None;
    }
    let pairs = starts
        .iter()
        .flat_map(|start| ends.iter().map(move |end| (start, end)));
    let joined = pairs.map(|(start, end)| {
        let with = |rest: &[Piece]| [&start.pieces[..], rest].concat();
        let mut without = start.without.clone();
        // Only behind fixed characters is it known where a forbidden start would stand.
        if start.pieces.iter().all(|piece| matches!(piece, Char(_))) {
            without.extend(end.without.iter().map(|forbidden| with(forbidden)));
        }
        Alternative {
            pieces: with(&end.pieces),
            without,
        }
    });
    Some(joined.collect())
}

/// What a regular expression matches, or more.
fn expression(text: &[char]) -> Vec<Alternative> {
    let everything = || vec![plain(vec![Rest])];
    if text.starts_with(&['(', '?', '!']) {
        let Some(end) = closing(&text[3..]) else {
            return everything();
        };
        let (inner, rest) = (&text[3..3 + end], &text[3 + end + 1..]);
        let fixed = |pieces: &Vec<Piece>| pieces.iter().all(|piece| matches!(piece, Char(_)));
        let without: Vec<Vec<Piece>> = alternatives(inner).filter(fixed).collect();
        let mut all = expression(rest);
        for alternative in &mut all {
            alternative.without.extend(without.iter().cloned());
        }
        return all;
    }
    let all: Vec<Alternative> = alternatives(text).map(plain).collect();
    match all.len() <= MAX_ALTERNATIVES {
        true => all,
        false => everything(),
    }
}

/// How far it is to the bracket that closes the one before.
fn closing(text: &[char]) -> Option<usize> {
    let (mut depth, mut at) = (1, 0);
    loop {
        match text.get(at)? {
            '\\' => at += 1,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
        at += 1;
    }
}

/// What stands between the `|` of an expression; everything where there are other brackets.
fn alternatives(text: &[char]) -> impl Iterator<Item = Vec<Piece>> {
    let nested = text.iter().any(|character| "()[]".contains(*character));
    let simple = text == ['[', '^', '/', ']', '+'] || text == ['[', '^', '/', ']', '*'];
    let parts: Vec<Vec<Piece>> = match (simple, nested) {
        (true, _) => vec![vec![Run]],
        (false, true) => vec![vec![Rest]],
        (false, false) => text.split(|c| *c == '|').map(pieces).collect(),
    };
    parts.into_iter()
}

/// The pieces of an expression without brackets.
fn pieces(text: &[char]) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(character) = text.get(at) {
        at += 1;
        let piece = match character {
            '.' => Rest,
            '\\' => {
                at += 1;
                match text.get(at - 1) {
                    Some('w') => Run,
                    Some('d') => Digits,
                    Some(escaped) if !escaped.is_ascii_alphanumeric() => literal(*escaped),
                    _ => Rest,
                }
            }
            '^' | '$' | '{' | '}' | '?' | '*' | '+' => return vec![Rest],
            _ => literal(*character),
        };
        let mut repeated = false;
        while text.get(at).is_some_and(|mark| "?*+".contains(*mark)) {
            repeated = true;
            at += 1;
        }
        out.push(match piece {
            Char('/') if repeated => Rest,
            Char(_) if repeated => Run,
            piece => piece,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Measured with the path-to-regexp of Next.js 15.5.29.
    #[test]
    fn sources_meet_the_routes_that_they_match() {
        let cases: [(&str, &[&str], &[&str]); 16] = [
            ("/:path*", &["/api", "/api/a/b"], &[]),
            ("/(.*)", &["/api", "/api/a/[id]"], &[]),
            ("/api/:path*", &["/api", "/api/a/b"], &["/apis", "/about"]),
            ("/api/:path+", &["/api/a", "/api/[[...all]]"], &["/api"]),
            ("/API/:id/", &["/api/a", "/api/[id]"], &["/api/a/b", "/api"]),
            ("/api/:id/rest", &["/api/[id]/rest"], &["/api/[id]/other"]),
            ("/openapi-schema.yaml", &["/[...all]"], &["/api/[[...all]]"]),
            (
                "/((?!api|_next/static).*)",
                &["/about", "/[page]"],
                &["/api/a", "/api/[id]"],
            ),
            ("/((?!api$).*)", &["/api/a"], &[]),
            (
                "/:lang(en|fr)?/api/a",
                &["/api/a", "/fr/api/a"],
                &["/de/api/a"],
            ),
            (
                "/:all*(svg|jpg)",
                &["/api/[id]", "/logo.svg"],
                &["/api/users", "/api"],
            ),
            (
                "/api/{:id-}?last",
                &["/api/last", "/api/7-last"],
                &["/api/first"],
            ),
            ("/sitemap(-\\w+)?.xml", &["/sitemap-a.xml"], &["/api/[id]"]),
            (
                "/workbox-:hash.js",
                &["/workbox-1.js"],
                &["/api/workbox-1.js"],
            ),
            ("/(.*)\\.json", &["/api/feed.json"], &["/api/feed"]),
            (
                "/api/:id(\\d+)",
                &["/api/[id]", "/api/7"],
                &["/api/7/a", "/api/all"],
            ),
        ];
        for (source, yes, no) in cases {
            let pattern = UrlPattern::of_source(source);
            for route in yes {
                assert!(
                    pattern.meets(&UrlPattern::of_route(route)),
                    "{source} {route}"
                );
            }
            for route in no {
                assert!(
                    !pattern.meets(&UrlPattern::of_route(route)),
                    "{source} {route}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_understood_matches_everything() {
        for source in ["/(api", "/a)", "/:", "/a?", "/{a", "/[a]\\"] {
            let pattern = UrlPattern::of_source(source);
            assert!(pattern.meets(&UrlPattern::of_route("/api/b")), "{source}");
        }
    }

    #[test]
    fn destinations_lead_to_routes() {
        let leads = |text: &str| {
            let pattern = UrlPattern::of_destination(text);
            pattern.is_some_and(|pattern| pattern.meets(&UrlPattern::of_route("/api/a")))
        };
        assert!(leads("/api/a?x=:y") && leads("/api/:path*") && leads("/:lang?/a"));
        assert!(!leads("/api/b?x=1") && !leads("https://example.com/api/a"));
    }
}

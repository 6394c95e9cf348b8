//! A text read as a URL of the project's own API. In: a possible text of a string. Out: its
//! path below `/api` in segments, and what stood in front and behind. Refused (`None`): text that is
//! not a URL, other paths than the API's.

use super::pattern::{Pattern, hole};

/// What stands in front of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// Nothing, the page's own origin, or this machine.
    Own,
    /// Nothing, and the path does not start with a slash either.
    Relative,
    /// Something that is not known.
    Unknown,
    /// A host that is written out.
    Foreign,
}

/// One segment of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// Text.
    Static(String),
    /// One hole, by number, and nothing else.
    Hole(usize),
    /// Such a hole whose name says that it is an id.
    Id(usize),
    /// Text and holes, or several holes.
    Mixed(String),
}

/// A URL of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    /// What stands in front of the path.
    pub base: Base,
    /// The segments below `/api`.
    pub segments: Vec<Segment>,
    /// Whether a query string or a hash stands behind the path.
    pub query: bool,
    /// Whether the path ends in a slash.
    pub slash: bool,
    /// Whether what is not known follows right behind `/api`, so that it may be any path.
    pub open: bool,
}

/// Reads a text as a URL of the API.
pub(super) fn parse(pattern: &Pattern, base_path: &str) -> Option<Url> {
    let text = pattern.text.as_str();
    if !text.contains("api")
        || text.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'))
    {
        return None;
    }
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (base, path) = split(pattern, &text[..end], base_path)?;
    let mut below = path.strip_prefix("api")?;
    let open = below.chars().next().and_then(hole).is_some();
    if open {
        below = "";
    }
    if !below.is_empty() && !below.starts_with('/') {
        return None;
    }
    let segments = below
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|text| segment(pattern, text))
        .collect();
    Some(Url {
        base,
        segments,
        query: end < text.len(),
        slash: below.ends_with('/'),
        open,
    })
}

/// Cuts off what stands in front of `api/…`.
fn split<'t>(pattern: &Pattern, text: &'t str, base_path: &str) -> Option<(Base, &'t str)> {
    let scheme = text
        .find("://")
        .filter(|at| text[..*at].bytes().all(|b| b.is_ascii_alphanumeric()));
    if let Some(at) = scheme {
        let rest = &text[at + 3..];
        let (host, path) = rest.split_at(rest.find('/')?);
        let base = if host.contains(|c| hole(c).is_some()) {
            Base::Unknown
        } else if is_this_machine(host) {
            Base::Own
        } else {
            Base::Foreign
        };
        return Some((base, without_base_path(path, base_path).strip_prefix('/')?));
    }
    if let Some(rest) = text.strip_prefix("//") {
        return Some((Base::Foreign, rest.split_once('/')?.1));
    }
    if text.starts_with('/') {
        return Some((
            Base::Own,
            without_base_path(text, base_path).strip_prefix('/')?,
        ));
    }
    let holes = text.chars().take_while(|c| hole(*c).is_some()).count();
    if holes > 0 {
        let at = text.char_indices().nth(holes).map(|(at, _)| at)?;
        let first = text.chars().next().and_then(hole)?;
        let origin = holes == 1 && pattern.holes.get(first).is_some_and(|hole| hole.origin);
        let rest = without_base_path(&text[at..], base_path);
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        return Some((if origin { Base::Own } else { Base::Unknown }, rest));
    }
    let mut rest = text;
    while let Some(shorter) = rest.strip_prefix("./").or_else(|| rest.strip_prefix("../")) {
        rest = shorter;
    }
    Some((Base::Relative, rest))
}

fn without_base_path<'t>(path: &'t str, base_path: &str) -> &'t str {
    match path.strip_prefix(base_path) {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once('@').map_or(host, |(_, name)| name);
    let name = if name.starts_with('[') {
        name.split_once(']').map_or(name, |(name, _)| &name[1..])
    } else {
        name.split(':').next().unwrap_or(name)
    };
    matches!(name, "localhost" | "127.0.0.1" | "0.0.0.0" | "::1") || name.ends_with(".localhost")
}

fn segment(pattern: &Pattern, text: &str) -> Segment {
    let mut characters = text.chars();
    let first = characters.next().and_then(hole);
    match (first, characters.next()) {
        (Some(number), None) => match pattern.holes.get(number) {
            Some(hole) if hole.id => Segment::Id(number),
            _ => Segment::Hole(number),
        },
        _ if text.contains(|c| hole(c).is_some()) => Segment::Mixed(text.to_string()),
        _ => Segment::Static(text.to_string()),
    }
}

/// The URLs inside a longer text, as markup or a shell command: those with a scheme, a
/// host or a hole in front, and those in quotes. A bare path in prose is not one.
pub(super) fn inside(pattern: &Pattern) -> Vec<Pattern> {
    let text = pattern.text.as_str();
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | '`' | '<' | '>' | '(' | ')' | ',' | ';' | '=' | '{' | '}' | '\\' | '|'
            )
    };
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("api/").map(|at| from + at) {
        let start = text[..at]
            .char_indices()
            .rev()
            .find(|(_, c)| ends(*c))
            .map_or(0, |(start, c)| start + c.len_utf8());
        let end = text[at..].find(ends).map_or(text.len(), |end| at + end);
        let run = text[start..end].trim_end_matches(['.', ':', '!']);
        let quoted = text[..start].ends_with(['"', '\'', '`', '(', '=']);
        let absolute = run.contains("://") || run.starts_with(|c| hole(c).is_some());
        if quoted || absolute {
            found.push(Pattern {
                text: run.to_string(),
                ..pattern.clone()
            });
        }
        from = end.max(at + 4);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::pattern::hole_character;

    fn shown(text: &str) -> Option<String> {
        let pattern = Pattern::text(&text.replace('*', &hole_character(0).to_string()));
        let url = parse(&pattern, "/base")?;
        let segments: Vec<String> = url
            .segments
            .iter()
            .map(|segment| match segment {
                Segment::Static(text) => text.clone(),
                Segment::Hole(_) | Segment::Id(_) => "*".to_string(),
                Segment::Mixed(_) => "~".to_string(),
            })
            .collect();
        Some(format!(
            "{:?} {}{}",
            url.base,
            segments.join("/"),
            if url.query { " ?" } else { "" }
        ))
    }

    #[test]
    fn the_path_is_told_from_what_is_around_it() {
        assert_eq!(shown("/api/posts?x=1").as_deref(), Some("Own posts ?"));
        assert_eq!(shown("/base/api/posts").as_deref(), Some("Own posts"));
        assert_eq!(
            shown("*/api/posts/*/x").as_deref(),
            Some("Unknown posts/*/x")
        );
        assert_eq!(
            shown("http://localhost:3000/api/a").as_deref(),
            Some("Own a")
        );
        assert_eq!(
            shown("https://*.example.org/api/a").as_deref(),
            Some("Unknown a")
        );
        assert_eq!(
            shown("https://example.org/api/a").as_deref(),
            Some("Foreign a")
        );
        assert_eq!(shown("api/a-*").as_deref(), Some("Relative ~"));
        assert_eq!(shown("/api").as_deref(), Some("Own "));
        for other in [
            "/apis/x",
            "pages/api/x",
            "/v1/api/x",
            "a /api/x",
            "@/lib/api/x",
            "*/v1/api/x",
        ] {
            assert_eq!(shown(other), None, "{other}");
        }
    }

    #[test]
    fn urls_are_found_in_markup_but_not_in_prose() {
        let found = |text: &str| -> Vec<String> {
            inside(&Pattern::text(text))
                .into_iter()
                .map(|pattern| pattern.text)
                .collect()
        };
        assert_eq!(found(r#"<img src="/api/pixel" width="1">"#), ["/api/pixel"]);
        assert_eq!(
            found("curl https://example.org/api/posts."),
            ["https://example.org/api/posts"]
        );
        assert!(found("POST /api/posts failed").is_empty());
    }
}

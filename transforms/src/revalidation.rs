//! `res.revalidate(path)` of a page under `app/`. In: the project's pages and the path as it
//! stands in the code. Out: whether `revalidatePath` does the same. Measured: it does not
//! reach pages under `pages/`, and on 14 and 15 it turns a page with `dynamicParams = false`
//! into a 404, so both are left, as is every path that could be one of them.

use std::ops::Range;

use crate::facts::route::slug;
use crate::project::{App, Project};
use crate::source::Source;

/// The pages of an app.
#[derive(Debug, Default, Clone)]
pub struct Pages {
    /// Segments of those under `app/`, and whether other parameters than the listed are 404.
    app: Vec<(Vec<String>, bool)>,
    /// Segments of those under `pages/`.
    pages: Vec<Vec<String>>,
    /// Whether paths may name other pages than they spell.
    unsure: bool,
}

impl Pages {
    /// Finds the pages of an app.
    pub fn of(project: &Project, app: &App) -> Pages {
        let extensions = &app.config.page_extensions;
        let config = &app.config;
        let mut found = Pages {
            // Pages in other formats are not seen; rewrites and locales name pages anew.
            unsure: config.rewrites
                || config.i18n
                || !config.unread.is_empty()
                || extensions
                    .iter()
                    .any(|extension| extension.ends_with("md") || extension.ends_with("mdx")),
            ..Pages::default()
        };
        let stem = |path: &str| -> Option<String> {
            extensions.iter().find_map(|extension| {
                let stem = path.strip_suffix(extension.as_str())?.strip_suffix('.')?;
                Some(stem.to_string())
            })
        };
        for (path, file) in &project.files {
            if let Some(dir) = &app.app
                && let Some(inside) = path.strip_prefix(&format!("{dir}/"))
                && let Some(stem) = stem(inside)
                && (stem == "page" || stem.ends_with("/page"))
            {
                let folders = stem.trim_end_matches("page");
                let segments: Vec<String> = folders
                    .split('/')
                    .filter(|part| !part.is_empty())
                    .filter(|part| !(part.starts_with('(') && part.ends_with(')')))
                    .filter(|part| !part.starts_with('@'))
                    .map(str::to_string)
                    .collect();
                // Intercepting routes show a page at another page's path; `_x` is private.
                if segments.iter().any(|part| part.starts_with(['(', '_'])) {
                    continue;
                }
                let fixed = |text: &str| text.contains("dynamicParams");
                let own = file.text.as_deref().is_none_or(fixed);
                let layouts = (0..=folders.len())
                    .filter(|at| *at == 0 || folders.as_bytes()[at - 1] == b'/')
                    .any(|at| {
                        extensions.iter().any(|extension| {
                            let path = format!("{dir}/{}layout.{extension}", &folders[..at]);
                            let layout = project.files.get(&path);
                            layout.is_some_and(|file| file.text.as_deref().is_none_or(fixed))
                        })
                    });
                found.app.push((segments, own || layouts));
            } else if let Some(dir) = &app.pages
                && let Some(inside) = path.strip_prefix(&format!("{dir}/"))
                && let Some(stem) = stem(inside)
                && !["_app", "_document", "_error"].contains(&&*stem)
                && stem != "api"
                && !stem.starts_with("api/")
            {
                let mut segments: Vec<String> = stem.split('/').map(str::to_string).collect();
                if segments.last().is_some_and(|last| last == "index") {
                    segments.pop();
                }
                found.pages.push(segments);
            }
        }
        found
    }

    /// Whether a path, as it stands in code, surely names a page under `app/`.
    pub fn in_app(&self, code: &str) -> bool {
        let Some(path) = Path::read(code).filter(|_| !self.unsure) else {
            return false;
        };
        let named: Vec<_> = self
            .app
            .iter()
            .filter(|(page, _)| path.may_name(page, false))
            .collect();
        // A page that is spelled out is that page, whatever patterns would take it, too.
        let exact = named.iter().find(|(page, _)| *page == path.known);
        let safe = match exact.filter(|_| !path.open) {
            Some(_) => true,
            None => !named.is_empty() && named.iter().all(|(_, fixed)| !fixed),
        };
        safe && !self.pages.iter().any(|page| path.may_name(page, true))
    }
}

/// What is known of a path: its first segments, and whether more may follow.
struct Path {
    known: Vec<String>,
    open: bool,
}

impl Path {
    /// Reads a string literal, or a template whose start is known.
    fn read(code: &str) -> Option<Path> {
        let quote = code.chars().next()?;
        let inner = code.strip_prefix(quote)?.strip_suffix(quote)?;
        if !['\'', '"', '`'].contains(&quote) || inner.contains(['\\', '?', '#', quote]) {
            // An optional chain in a hole is no query.
            let hole = inner.find("${")?;
            if quote != '`' || inner[..hole].contains(['\\', '?', '#', '`']) {
                return None;
            }
        }
        let (fixed, open) = match (quote, inner.find("${")) {
            ('`', Some(hole)) => (&inner[..hole], true),
            _ => (inner, false),
        };
        let rest = fixed.strip_prefix('/')?;
        if rest.starts_with('/') || !open && rest.ends_with('/') {
            return None;
        }
        let mut known: Vec<String> = rest.split('/').map(str::to_string).collect();
        if open || rest.is_empty() {
            known.pop();
        }
        Some(Path { known, open })
    }

    /// Whether the path can name a page; `doubt` decides for what only an empty hole names.
    fn may_name(&self, page: &[String], doubt: bool) -> bool {
        for (at, segment) in self.known.iter().enumerate() {
            match page.get(at) {
                None => return false,
                Some(part) if part.starts_with("[...") || part.starts_with("[[...") => return true,
                Some(part) if slug(part).is_some() || part == segment => {}
                Some(_) => return false,
            }
        }
        match page.get(self.known.len()) {
            None => !self.open || doubt,
            Some(part) => self.open || part.starts_with("[[..."),
        }
    }
}

/// The code from the start of the statement or `await` to the path, when the promise that
/// `res.revalidate` gives is awaited or dropped.
pub fn call_head(
    source: &Source,
    call: &Range<usize>,
    path: &Range<usize>,
) -> Option<Range<usize>> {
    let text = &source.text;
    let before = text[..call.start].trim_end();
    if before.ends_with("await") {
        return Some(before.len() - "await".len()..path.start);
    }
    let line = text[..call.start].rfind('\n').map_or(0, |at| at + 1);
    let alone = text[line..call.start].trim().is_empty() || before.ends_with([';', '{', '}']);
    let after = text[call.end..].trim_start_matches([' ', '\t']);
    let opens = before.ends_with(['(', ',', '=', '>', '?', ':', '[', '&', '|']);
    let chained = text[call.end..]
        .trim_start()
        .starts_with(['.', '?', ',', ')', '&', '|']);
    (alone && !opens && !chained && after.starts_with([';', '\n', '\r', '}']))
        .then_some(call.start..path.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        let segments = |path: &str| -> Vec<String> {
            path.split('/')
                .filter(|part| !part.is_empty())
                .map(str::to_string)
                .collect()
        };
        Pages {
            app: vec![
                (segments("articles/[slug]"), false),
                (segments("articles"), false),
                (segments("shop/[id]"), true),
                (segments(""), false),
            ],
            pages: vec![segments("blog/[slug]"), segments("articles2")],
            unsure: false,
        }
    }

    #[test]
    fn paths_name_pages_of_one_router() {
        let pages = pages();
        assert!(pages.in_app("'/articles'"));
        assert!(pages.in_app("'/'"));
        assert!(pages.in_app("`/articles/${article.slug}`"));
        assert!(pages.in_app("`/articles/${article?.slug}`"));
        assert!(!pages.in_app("`/articles${suffix}`"));
        assert!(!pages.in_app("`/${anything}`"));
        assert!(!pages.in_app("'/blog/first'"));
        assert!(!pages.in_app("'/articles/'"));
        assert!(!pages.in_app("'/articles?x=1'"));
        assert!(!pages.in_app("'/nowhere'"));
        assert!(!pages.in_app("path"));
        assert!(!pages.in_app("`/shop/${id}`"));
    }

    #[test]
    fn a_catch_all_under_pages_takes_everything() {
        let mut pages = pages();
        pages.pages.push(vec!["[[...all]]".to_string()]);
        assert!(!pages.in_app("`/articles/${slug}`"));
    }
}

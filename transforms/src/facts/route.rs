//! Which route an API file serves, and where its route handler goes.

use crate::project::App;

/// A dynamic segment of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slug {
    /// The name between the brackets.
    pub name: String,
    /// What it takes.
    pub kind: SlugKind,
}

/// What a dynamic segment takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlugKind {
    /// `[id]`: one segment, a string.
    One,
    /// `[...all]`: one or more segments, an array.
    CatchAll,
    /// `[[...all]]`: any number of segments, an array or absent.
    Optional,
}

/// The route of an API file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The path as Next.js spells it, as `/api/posts/[id]`.
    pub path: String,
    /// The dynamic segments in order.
    pub slugs: Vec<Slug>,
    /// The API file.
    pub file: String,
    /// Where the route handler goes.
    pub target: String,
}

/// Reads one segment of a route.
pub fn slug(segment: &str) -> Option<Slug> {
    let inner = segment.strip_prefix('[')?.strip_suffix(']')?;
    if let Some(optional) = inner
        .strip_prefix("[...")
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return Some(Slug {
            name: optional.to_string(),
            kind: SlugKind::Optional,
        });
    }
    if let Some(rest) = inner.strip_prefix("...") {
        return Some(Slug {
            name: rest.to_string(),
            kind: SlugKind::CatchAll,
        });
    }
    Some(Slug {
        name: inner.to_string(),
        kind: SlugKind::One,
    })
}

/// The extension of a path that makes it a page by `pageExtensions`, the longest first.
fn page_extension<'a>(app: &'a App, path: &str) -> Option<&'a str> {
    let mut extensions: Vec<&str> = app
        .config
        .page_extensions
        .iter()
        .map(String::as_str)
        .collect();
    extensions.sort_by_key(|extension| std::cmp::Reverse(extension.len()));
    extensions.into_iter().find(|extension| {
        path.strip_suffix(*extension)
            .is_some_and(|stem| stem.ends_with('.') && !stem.ends_with("/."))
    })
}

/// The directory that route handlers go to: the `app` directory, beside `pages` when there is none.
pub fn app_dir(app: &App) -> Option<String> {
    app.app.clone().or_else(|| {
        let pages = app.pages.as_ref()?;
        Some(match pages.rfind('/') {
            Some(at) => format!("{}/app", &pages[..at]),
            None => "app".to_string(),
        })
    })
}

impl Route {
    /// The route of a file, when it is an API file of the app: below `pages/api`, or
    /// `pages/api.*` itself, with a page extension, and no declaration file.
    pub fn of(app: &App, file: &str) -> Option<Route> {
        let pages = app.pages.as_ref()?;
        let inside = file.strip_prefix(pages.as_str())?.strip_prefix('/')?;
        if inside.ends_with(".d.ts") {
            return None;
        }
        let extension = page_extension(app, inside)?;
        let stem = &inside[..inside.len() - extension.len() - 1];
        if stem != "api" && !stem.starts_with("api/") {
            return None;
        }
        let mut segments: Vec<&str> = stem.split('/').collect();
        if segments.len() > 1 && segments.last() == Some(&"index") {
            segments.pop();
        }
        let slugs = segments
            .iter()
            .filter_map(|segment| slug(segment))
            .collect();
        // A folder whose name starts with `_` is private in app/, so the underscore is spelled encoded.
        let folders: Vec<String> = segments
            .iter()
            .map(|segment| match segment.strip_prefix('_') {
                Some(rest) => format!("%5F{rest}"),
                None => segment.to_string(),
            })
            .collect();
        // Measured: a `route` file needs one of the page extensions too, or it is silently ignored.
        let target = format!("{}/{}/route.{extension}", app_dir(app)?, folders.join("/"));
        Some(Route {
            path: format!("/{}", segments.join("/")),
            slugs,
            file: file.to_string(),
            target,
        })
    }

    /// The slug of this name.
    pub fn slug(&self, name: &str) -> Option<&Slug> {
        self.slugs.iter().find(|slug| slug.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_version::NextVersion;
    use crate::project::NextConfig;

    fn app() -> App {
        App {
            dir: String::new(),
            depends_on_next: true,
            next: NextVersion::parse("15.5.0"),
            next_source: String::new(),
            pages: Some("src/pages".to_string()),
            app: None,
            typescript: true,
            config: NextConfig::default(),
            aliases: Vec::new(),
        }
    }

    #[test]
    fn files_become_routes() {
        let route = |file: &str| Route::of(&app(), file).map(|route| (route.path, route.target));
        let pair = |a: &str, b: &str| Some((a.to_string(), b.to_string()));
        assert_eq!(
            route("src/pages/api/posts/index.ts"),
            pair("/api/posts", "src/app/api/posts/route.ts")
        );
        assert_eq!(
            route("src/pages/api/posts/[id].ts"),
            pair("/api/posts/[id]", "src/app/api/posts/[id]/route.ts")
        );
        assert_eq!(
            route("src/pages/api/feed.json.ts"),
            pair("/api/feed.json", "src/app/api/feed.json/route.ts")
        );
        assert_eq!(
            route("src/pages/api/_log.js"),
            pair("/api/_log", "src/app/api/%5Flog/route.js")
        );
        assert_eq!(route("src/pages/api/types.d.ts"), None);
        assert_eq!(route("src/pages/index.tsx"), None);
        assert_eq!(route("pages/api/x.ts"), None);
    }
}

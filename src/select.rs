//! Turns what the user names routes by (`/api/posts/**`, `pages/api/posts/[id].ts`) into
//! exact route names, which is all that the core knows.

use std::collections::BTreeSet;

use globset::{GlobBuilder, GlobMatcher};
use routelift_transforms::project::{App, Project};

/// One route and the file that answers it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// As `/api/posts/[id]`.
    pub name: String,
    /// Path relative to the root.
    pub file: String,
}

/// Every API route of the project in both routers, sorted.
pub fn routes(project: &Project) -> Vec<Route> {
    let all = project.apps.iter().flat_map(|app| routes_of(project, app));
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Every API route of one app.
pub fn routes_of(project: &Project, app: &App) -> Vec<Route> {
    let route = |file: &String| {
        let name = pages_route(app, file).or_else(|| app_route(app, file))?;
        let file = file.clone();
        Some(Route { name, file })
    };
    project.files.keys().filter_map(route).collect()
}

/// The route of a file below `pages/api`: the path without extension and `index`.
pub fn pages_route(app: &App, file: &str) -> Option<String> {
    let path = file
        .strip_prefix(app.pages.as_deref()?)?
        .strip_prefix('/')?;
    let stem = app
        .config
        .page_extensions
        .iter()
        .filter_map(|extension| path.strip_suffix(extension.as_str())?.strip_suffix('.'))
        .min_by_key(|stem| stem.len())?;
    let stem = stem.strip_suffix("/index").unwrap_or(stem);
    (stem == "api" || stem.starts_with("api/")).then(|| format!("/{stem}"))
}

/// The route of an `app/**/route.*`: the directories without groups and slots.
fn app_route(app: &App, file: &str) -> Option<String> {
    let path = file.strip_prefix(app.app.as_deref()?)?.strip_prefix('/')?;
    let (directory, name) = path.rsplit_once('/')?;
    let invisible =
        |part: &str| part.starts_with('@') || part.starts_with('(') && part.ends_with(')');
    let parts: Vec<&str> = directory
        .split('/')
        .filter(|part| !invisible(part))
        .collect();
    name.starts_with("route.")
        .then(|| format!("/{}", parts.join("/")))
}

/// A pattern of the command line.
struct Pattern {
    routes: Vec<GlobMatcher>,
    files: Vec<GlobMatcher>,
}

impl Pattern {
    /// `*` stands for anything within a segment, `**` for any number of segments; every
    /// other character, brackets above all, for itself. A file pattern may start with
    /// `root`, and may be a directory.
    fn new(text: &str, root: &str) -> Pattern {
        let text = text.strip_prefix("./").unwrap_or(text);
        let text = text.strip_prefix(root).unwrap_or(text);
        let text = text.trim_end_matches('/');
        let route = text.trim_start_matches('/');
        // `/api/posts/**` takes in `/api/posts`, which is the index of that directory.
        let index = route.strip_suffix("/**").unwrap_or(route);
        let below = format!("{text}/**");
        Pattern {
            routes: [route, index].into_iter().filter_map(glob).collect(),
            files: [text, &below].into_iter().filter_map(glob).collect(),
        }
    }

    fn names(&self, route: &str) -> bool {
        let name = route.trim_start_matches('/');
        self.routes.iter().any(|glob| glob.is_match(name))
    }

    fn matches(&self, route: &Route) -> bool {
        self.names(&route.name) || self.files.iter().any(|glob| glob.is_match(&route.file))
    }
}

fn glob(text: &str) -> Option<GlobMatcher> {
    let mut escaped = String::new();
    for c in text.chars() {
        if "[]{}?!\\".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    let mut builder = GlobBuilder::new(&escaped);
    builder.literal_separator(true).backslash_escape(true);
    builder.build().ok().map(|glob| glob.compile_matcher())
}

/// The exact routes that patterns name, and the patterns that name none. Such a pattern
/// is kept as it is: an empty list would mean every route. `root` is what stands before
/// the files of the project on the command line, empty or ending in `/`.
pub fn expand(patterns: &[String], known: &[Route], root: &str) -> (Vec<String>, Vec<String>) {
    let (mut out, mut unknown) = (BTreeSet::new(), Vec::new());
    for text in patterns {
        let pattern = Pattern::new(text, root);
        let before = out.len();
        let mut found = known
            .iter()
            .filter(|route| pattern.matches(route))
            .peekable();
        let any = found.peek().is_some();
        out.extend(found.map(|route| route.name.clone()));
        if !any && out.len() == before {
            out.insert(text.clone());
            unknown.push(text.clone());
        }
    }
    (out.into_iter().collect(), unknown)
}

/// The names of the routes that a pattern of routes names.
pub fn named<'r>(pattern: &str, known: &'r [Route]) -> BTreeSet<&'r str> {
    let pattern = Pattern::new(pattern, "");
    let names = known.iter().map(|route| route.name.as_str());
    names.filter(|name| pattern.names(name)).collect()
}

/// The known name that is spelled most like `name`, when one is near.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let score = |other: &&str| (strsim::jaro_winkler(name, other) * 1000.0) as u32;
    let best = known.into_iter().max_by_key(score)?;
    (score(&best) > 700).then_some(best)
}

#[cfg(test)]
mod tests {
    use routelift_transforms::project::{File, NextConfig};

    use super::*;

    fn project() -> Project {
        let files = [
            "web/pages/api/posts/index.ts",
            "web/pages/api/posts/[id].ts",
            "web/pages/api/posts/[id]/like.ts",
            "web/pages/api/[...all].js",
            "web/pages/api.ts",
            "web/pages/about.tsx",
            "web/app/(site)/api/new/route.ts",
        ];
        let app = App {
            dir: "web".into(),
            depends_on_next: true,
            next: None,
            next_source: String::new(),
            pages: Some("web/pages".into()),
            app: Some("web/app".into()),
            typescript: true,
            config: NextConfig::default(),
            aliases: Vec::new(),
        };
        Project {
            files: files.map(|path| (path.to_string(), File::default())).into(),
            apps: vec![app],
            ..Project::default()
        }
    }

    fn select(pattern: &str) -> Vec<String> {
        let (found, unknown) = expand(&[pattern.to_string()], &routes(&project()), "demo/");
        if unknown.is_empty() {
            found
        } else {
            Vec::new()
        }
    }

    #[test]
    fn names_routes() {
        let names: Vec<String> = routes(&project())
            .into_iter()
            .map(|route| route.name)
            .collect();
        let all = [
            "/api",
            "/api/[...all]",
            "/api/new",
            "/api/posts",
            "/api/posts/[id]",
            "/api/posts/[id]/like",
        ];
        assert_eq!(names, all);
    }

    #[test]
    fn patterns_name_routes_and_files() {
        assert_eq!(select("/api/posts"), ["/api/posts"]);
        assert_eq!(select("/api/posts/*"), ["/api/posts/[id]"]);
        let below = ["/api/posts", "/api/posts/[id]", "/api/posts/[id]/like"];
        assert_eq!(select("/api/posts/**"), below);
        assert_eq!(select("api/posts/[id]"), ["/api/posts/[id]"]);
        assert_eq!(select("web/pages/api/posts/[id].ts"), ["/api/posts/[id]"]);
        assert_eq!(select("./web/pages/api/posts/[id].ts"), ["/api/posts/[id]"]);
        assert_eq!(select("demo/web/pages/api/posts/"), below);
        assert_eq!(select("web/pages/api/**/like.ts"), ["/api/posts/[id]/like"]);
        assert_eq!(select("/api/[...all]"), ["/api/[...all]"]);
        assert_eq!(select("/api/p"), [""; 0]);
        assert_eq!(select("/api/posts/i"), [""; 0]);
        // A pattern without a route must not come to mean every route.
        let (found, unknown) = expand(&["/x".into()], &routes(&project()), "");
        assert_eq!(
            (found, unknown),
            (vec!["/x".to_string()], vec!["/x".to_string()])
        );
    }

    #[test]
    fn finds_what_is_spelled_alike() {
        assert_eq!(
            nearest("/api/psots", ["/api/posts", "/x"]),
            Some("/api/posts")
        );
        assert_eq!(nearest("zzz", ["/api/posts"]), None);
    }
}

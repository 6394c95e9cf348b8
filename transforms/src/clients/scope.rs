//! What is known of a file before it is read: its app, who reaches it, and whether it is a
//! test or configuration. In: its path and the graph. Out: the routes that a URL in it names, and
//! calls with everything filled in that the file alone decides.

use super::Guess;
use super::pattern::Pattern;
use super::routes::Routes;
use super::url::{self, Base, Segment, Url};
use crate::facts::call::{Call, Client, Reads};
use crate::graph::{Reach, within};
use crate::outcome::Place;
use crate::project::Project;

/// One file's surroundings.
pub(super) struct Scope {
    /// The index of the app that the file belongs to.
    pub app: Option<usize>,
    /// The app's base path, or empty.
    pub base_path: String,
    /// What every mention in the file is, whatever it looks like.
    pub kind: Option<Client>,
    from_pages: bool,
    from_app: bool,
    /// Whether the file belongs to a client component's module graph.
    pub component: bool,
}

/// The routes that the texts of one string name together.
#[derive(Debug, Default)]
pub(super) struct Naming {
    /// The routes, ascending.
    pub routes: Vec<usize>,
    /// Whether it is surely the one route, of this app.
    pub exact: bool,
    /// Whether a host is written out that is not this machine.
    pub foreign: bool,
    /// The URL, when there is only one.
    pub url: Option<Url>,
}

impl Scope {
    /// Looks the file up in every app.
    pub fn new(project: &Project, reaches: &[Reach<'_>], path: &str) -> Scope {
        let app = project
            .apps
            .iter()
            .enumerate()
            .filter(|(_, app)| within(path, &app.dir))
            .max_by_key(|(_, app)| app.dir.len())
            .map(|(index, _)| index);
        Scope {
            app,
            base_path: app.map_or_else(String::new, |app| {
                project.apps[app].config.base_path.clone()
            }),
            kind: kind(path),
            from_pages: reaches.iter().any(|reach| reach.from_pages(path)),
            from_app: reaches.iter().any(|reach| reach.from_app(path)),
            component: reaches.iter().any(|reach| reach.client(path)),
        }
    }

    /// The routes that a string's possible texts name. `relative` takes `api/x` for a URL;
    /// `prefix` also names what lies below.
    pub fn named(
        &self,
        table: &Routes,
        patterns: &[Pattern],
        relative: bool,
        prefix: bool,
    ) -> Naming {
        let mut naming = Naming {
            exact: !patterns.is_empty(),
            ..Naming::default()
        };
        for pattern in patterns {
            let url = url::parse(pattern, &self.base_path)
                .filter(|url| relative || url.base != Base::Relative);
            let Some(url) = url else {
                naming.exact = false;
                continue;
            };
            let app = match url.base {
                Base::Own | Base::Relative => self.app,
                Base::Unknown | Base::Foreign => None,
            };
            let mut found = table.named(&url.segments, app, prefix || url.open);
            found.exact &= !url.open;
            if url.base == Base::Foreign {
                // Another server, unless a path that is written out happens to be a route:
                // then the host may be the project's own in production.
                let written = url.segments.iter().all(|s| matches!(s, Segment::Static(_)));
                if !written || url.segments.is_empty() || !found.exact {
                    found.routes.clear();
                }
                naming.foreign |= !found.routes.is_empty();
            }
            naming.exact &= found.exact && matches!(url.base, Base::Own | Base::Relative);
            naming.routes.extend(found.routes);
            if patterns.len() == 1 {
                naming.url = Some(url);
            }
        }
        naming.routes.sort_unstable();
        naming.routes.dedup();
        naming.exact &= naming.routes.len() == 1;
        naming
    }

    /// A call with what the file decides. It cannot be rewritten until somebody says so.
    pub fn call(&self, place: Place, guess: Guess, routes: Vec<usize>, exact: bool) -> Call {
        let words = "only calls of fetch and axios can be rewritten".to_string();
        let client = self.kind.unwrap_or(guess.client);
        Call {
            rewrite: Err((place.clone(), words)),
            place,
            client,
            method: guess.method,
            routes,
            exact,
            sends: guess.sends,
            reads: Reads {
                other: matches!(client, Client::Verbs | Client::Swr | Client::Constant),
                ..Reads::default()
            },
            from_pages: self.from_pages,
            from_app: self.from_app,
            component: self.component,
        }
    }
}

/// Whether a file is there for tests.
pub fn is_test(path: &str) -> bool {
    kind(path) == Some(Client::Test)
}

/// What every mention in a file of this name is.
fn kind(path: &str) -> Option<Client> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    let marked = [".test.", ".spec.", ".cy.", ".e2e.", ".stories.", ".mock."]
        .iter()
        .any(|mark| name.contains(mark));
    let placed = path.split('/').rev().skip(1).any(|dir| {
        matches!(
            dir,
            "__tests__"
                | "__mocks__"
                | "cypress"
                | "e2e"
                | "test"
                | "tests"
                | "playwright"
                | "mocks"
        )
    });
    // A page or an API file below a directory `test` is served like any other.
    let served = path.split('/').any(|dir| matches!(dir, "pages" | "app"));
    if marked || (placed && !served) {
        return Some(Client::Test);
    }
    let config = name.starts_with("next.config.")
        || name == "vercel.json"
        || name == "netlify.toml"
        || (matches!(stem, "middleware" | "proxy") && at_root_or_src(path));
    config.then_some(Client::Config)
}

fn at_root_or_src(path: &str) -> bool {
    // Middleware stands beside `pages` and `app`; deeper files of that name are helpers.
    !path.split('/').any(|dir| {
        matches!(
            dir,
            "pages" | "app" | "lib" | "utils" | "server" | "components" | "helpers"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_what_a_file_is() {
        assert_eq!(kind("lib/a.test.ts"), Some(Client::Test));
        assert_eq!(kind("e2e/login.ts"), Some(Client::Test));
        assert_eq!(kind("pages/test/index.tsx"), None);
        assert_eq!(kind("src/middleware.ts"), Some(Client::Config));
        assert_eq!(kind("web/next.config.mjs"), Some(Client::Config));
        assert_eq!(kind("lib/middleware.ts"), None);
        assert_eq!(kind("components/form.tsx"), None);
    }
}

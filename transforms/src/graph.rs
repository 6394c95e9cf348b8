//! The module graph. In: a project's resolved imports. Out: who imports a file, and which
//! router's entries reach it. Edges that leave nothing at run time (`import type`) do not count;
//! imports that were not resolved lead nowhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::project::{App, File, Project};

/// Which files the entries of one app reach.
pub struct Reach<'p> {
    pages: BTreeSet<&'p str>,
    app: BTreeSet<&'p str>,
    client: BTreeSet<&'p str>,
}

impl<'p> Reach<'p> {
    /// Follows the imports from the app's pages and from its App Router entries.
    pub fn new(project: &'p Project, app: &App) -> Reach<'p> {
        let pages = entries(project, app.pages.as_deref(), |path| {
            !path.starts_with("api/")
        });
        let routes = entries(project, app.app.as_deref(), is_app_entry);
        let client = project
            .files
            .iter()
            .filter(|(path, file)| within(path, &app.dir) && directive(file) == Some("use client"))
            .map(|(path, _)| path.as_str())
            .collect();
        Reach {
            pages: closure(project, pages, false),
            app: closure(project, routes, false),
            client: closure(project, client, true),
        }
    }

    /// Whether a page under `pages/` reaches the file.
    pub fn from_pages(&self, file: &str) -> bool {
        self.pages.contains(file)
    }

    /// Those of some files that a page under `pages/` reaches.
    pub fn pages(&self, files: &BTreeSet<&'p str>) -> BTreeSet<&'p str> {
        self.pages.intersection(files).copied().collect()
    }

    /// Whether a page, layout or route of the App Router reaches the file.
    pub fn from_app(&self, file: &str) -> bool {
        self.app.contains(file)
    }

    /// Whether the file belongs to the module graph of a client component: it says
    /// `'use client'`, or a file that does imports it, directly or not.
    pub fn client(&self, file: &str) -> bool {
        self.client.contains(file)
    }
}

/// Who imports a file at run time.
pub struct Importers<'p> {
    of: BTreeMap<&'p str, Vec<&'p str>>,
}

impl<'p> Importers<'p> {
    /// Turns every edge around.
    pub fn new(project: &'p Project) -> Importers<'p> {
        let mut of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (path, file) in &project.files {
            for target in targets(file) {
                let importers = of.entry(target).or_default();
                if importers.last() != Some(&path.as_str()) {
                    importers.push(path);
                }
            }
        }
        Importers { of }
    }

    /// The files that import `file`, in order.
    pub fn of(&self, file: &str) -> &[&'p str] {
        self.of.get(file).map_or(&[], Vec::as_slice)
    }

    /// The files that reach a file at run time, itself included.
    pub fn above(&self, file: &'p str) -> BTreeSet<&'p str> {
        let mut found: BTreeSet<&'p str> = [file].into();
        let mut todo = vec![file];
        while let Some(file) = todo.pop() {
            todo.extend(
                self.of(file)
                    .iter()
                    .filter(|importer| found.insert(importer)),
            );
        }
        found
    }
}

/// Whether `path` lies in the directory `dir`; everything lies in the empty one.
pub fn within(path: &str, dir: &str) -> bool {
    dir.is_empty()
        || path
            .strip_prefix(dir)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// The directive that the text starts with, after comments: `use client` or `use server`.
pub fn directive(file: &File) -> Option<&'static str> {
    let mut rest = file.text.as_deref()?.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("//") {
            rest = &comment[comment.find('\n')?..];
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = &comment[comment.find("*/")? + 2..];
        } else {
            let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
            let (text, after) = rest[1..].split_once(quote)?;
            match text {
                "use client" => return Some("use client"),
                "use server" => return Some("use server"),
                // Another directive, as 'use strict', may stand in front.
                _ if text.starts_with("use ") => rest = after.trim_start().trim_start_matches(';'),
                _ => return None,
            }
        }
    }
}

fn entries<'p>(
    project: &'p Project,
    dir: Option<&str>,
    wanted: impl Fn(&str) -> bool,
) -> BTreeSet<&'p str> {
    let Some(dir) = dir else {
        return BTreeSet::new();
    };
    project
        .files
        .keys()
        .filter(|path| within(path, dir) && wanted(path[dir.len()..].trim_start_matches('/')))
        .map(String::as_str)
        .collect()
}

/// Whether Next.js takes the file for an entry, by its name below `app/`.
fn is_app_entry(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    matches!(
        stem,
        "page"
            | "layout"
            | "template"
            | "error"
            | "global-error"
            | "loading"
            | "not-found"
            | "global-not-found"
            | "forbidden"
            | "unauthorized"
            | "default"
            | "route"
    )
}

fn targets(file: &File) -> impl Iterator<Item = &str> {
    file.imports
        .iter()
        .filter(|import| !import.type_only)
        .filter_map(|import| import.resolved.as_deref())
}

fn closure<'p>(
    project: &'p Project,
    entries: BTreeSet<&'p str>,
    client_only: bool,
) -> BTreeSet<&'p str> {
    let mut seen = entries;
    let mut queue: Vec<&str> = seen.iter().copied().collect();
    while let Some(path) = queue.pop() {
        let Some(file) = project.files.get(path) else {
            continue;
        };
        for target in targets(file) {
            let Some((target, found)) = project.files.get_key_value(target) else {
                continue;
            };
            // The code of a 'use server' file stays on the server.
            if client_only && directive(found) == Some("use server") {
                continue;
            }
            if seen.insert(target) {
                queue.push(target);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_version::NextVersion;
    use crate::project::{Import, NextConfig};

    fn file(text: &str, imports: &[(&str, bool)]) -> File {
        File {
            text: Some(text.into()),
            imports: imports
                .iter()
                .map(|(to, type_only)| Import {
                    specifier: format!("./{to}"),
                    resolved: Some((*to).to_string()),
                    type_only: *type_only,
                    names: None,
                    reexport: false,
                })
                .collect(),
            ..File::default()
        }
    }

    fn project(files: Vec<(&str, File)>) -> Project {
        Project {
            files: files
                .into_iter()
                .map(|(path, file)| (path.into(), file))
                .collect(),
            ..Project::default()
        }
    }

    fn app() -> App {
        App {
            dir: String::new(),
            depends_on_next: true,
            next: Some(NextVersion {
                major: 15,
                minor: 0,
            }),
            next_source: String::new(),
            pages: Some("pages".into()),
            app: Some("app".into()),
            typescript: true,
            config: NextConfig::default(),
            aliases: Vec::new(),
        }
    }

    #[test]
    fn reach_follows_run_time_imports_of_each_router() {
        let project = project(vec![
            ("pages/index.tsx", file("", &[("lib/a.ts", false)])),
            ("pages/api/x.ts", file("", &[("lib/server.ts", false)])),
            (
                "lib/a.ts",
                file("", &[("lib/b.ts", false), ("lib/types.ts", true)]),
            ),
            ("lib/b.ts", file("", &[("lib/a.ts", false)])),
            ("lib/types.ts", file("", &[])),
            ("lib/server.ts", file("", &[])),
            ("app/page.tsx", file("", &[("app/form.tsx", false)])),
            (
                "app/form.tsx",
                file(
                    "// a form\n'use client'\n",
                    &[("lib/c.ts", false), ("app/actions.ts", false)],
                ),
            ),
            (
                "app/actions.ts",
                file("'use server'", &[("lib/server.ts", false)]),
            ),
            ("lib/c.ts", file("", &[])),
        ]);
        let reach = Reach::new(&project, &app());
        assert!(reach.from_pages("lib/b.ts") && !reach.from_app("lib/b.ts"));
        assert!(!reach.from_pages("lib/types.ts"));
        assert!(!reach.from_pages("lib/server.ts"));
        assert!(reach.from_app("lib/c.ts") && reach.client("lib/c.ts"));
        assert!(reach.from_app("lib/server.ts") && !reach.client("lib/server.ts"));
        assert!(!reach.client("app/page.tsx"));
        assert_eq!(
            Importers::new(&project).of("lib/a.ts"),
            ["lib/b.ts", "pages/index.tsx"]
        );
    }

    #[test]
    fn a_directive_may_stand_after_comments() {
        let of = |text: &str| directive(&file(text, &[]));
        assert_eq!(of("/* license */\n\"use client\";\n"), Some("use client"));
        assert_eq!(
            of("\u{feff}'use strict';\n'use server'\n"),
            Some("use server")
        );
        assert_eq!(of("import x from 'use client'"), None);
        assert_eq!(of("'use client is a text'"), None);
        assert_eq!(of(""), None);
    }
}

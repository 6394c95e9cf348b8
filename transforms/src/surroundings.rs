//! The project around a route: what stands where it would go, how modules are named from
//! the new place, and who imports the API file.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::facts::route::{Route, app_dir};
use crate::next_version::Feature;
use crate::outcome::{Place, Refusal};
use crate::project::{App, Project};
use crate::reason::Reason;

/// The directory of a path, without the slash; empty for a file at the root.
pub fn directory(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..at])
}

/// A path without `.` and `..` segments; `None` when it leaves the root.
pub fn normalise(path: &str) -> Option<String> {
    let mut out: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                out.pop()?;
            }
            other => out.push(other),
        }
    }
    Some(out.join("/"))
}

/// The files of an app that Next.js runs before it looks for a route: `middleware`, or `proxy` since
/// Next.js 16, beside `pages` and `app`, with a page extension. Their paths and texts.
pub fn middleware<'p>(project: &'p Project, app: &App) -> Vec<(&'p str, &'p Arc<str>)> {
    let above = app.pages.as_deref().or(app.app.as_deref()).unwrap_or("");
    let directories: BTreeSet<&str> = [directory(above), &app.dir].into();
    let known = ["ts", "js", "mts", "mjs", "tsx", "jsx"];
    let configured = app.config.page_extensions.iter().map(String::as_str);
    let extensions: BTreeSet<&str> = known.into_iter().chain(configured).collect();
    let mut found = Vec::new();
    for directory in directories {
        for stem in ["middleware", "proxy"] {
            for extension in &extensions {
                let path = match directory.is_empty() {
                    true => format!("{stem}.{extension}"),
                    false => format!("{directory}/{stem}.{extension}"),
                };
                let file = project.files.get_key_value(&path);
                found.extend(
                    file.and_then(|(path, file)| Some((path.as_str(), file.text.as_ref()?))),
                );
            }
        }
    }
    found
}

/// The relative specifier that names the module `to` from a file in `from_dir`.
pub fn relative(from_dir: &str, to: &str) -> String {
    // A module has a name, also where it stands beside the directory that is called like it.
    steps(from_dir, to, 1)
}

/// The relative path of `to`, of which the last `named` segments are always written.
fn steps(from_dir: &str, to: &str, named: usize) -> String {
    let from: Vec<&str> = from_dir
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let to: Vec<&str> = to
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let common = common.min(to.len().saturating_sub(named));
    let ups = from.len() - common;
    let rest = to[common..].join("/");
    if ups == 0 {
        format!("./{rest}")
    } else {
        format!("{}{rest}", "../".repeat(ups))
    }
}

/// Whether a specifier is relative. `.prisma/client` names a package.
pub fn is_relative(specifier: &str) -> bool {
    let first = specifier.split('/').next();
    matches!(first, Some("." | ".."))
}

/// A relative specifier of a file in `old_dir`, as a file in `new_dir` spells it. Other
/// specifiers are the same everywhere.
pub fn rebase(old_dir: &str, new_dir: &str, specifier: &str) -> String {
    if !is_relative(specifier) {
        return specifier.to_string();
    }
    let Some(target) = normalise(&format!("{old_dir}/{specifier}")) else {
        return specifier.to_string();
    };
    let directory = specifier.rsplit('/').next();
    let directory = matches!(directory, Some("" | "." | ".."));
    let mut out = steps(new_dir, &target, usize::from(!directory));
    if specifier.ends_with('/') && !out.ends_with('/') {
        out.push('/');
    }
    out
}

/// The specifier by which a file in `from_dir` imports a module of the app: by an alias
/// where the file's own text uses aliases, or imports nothing of its own, relative otherwise.
pub fn specifier(app: &App, from_dir: &str, module: &str, text: &str) -> String {
    let stem = module.rsplit_once('.').map_or(module, |(stem, _)| stem);
    let alias = app
        .aliases
        .iter()
        .filter(|alias| stem.starts_with(&alias.target) && !alias.prefix.is_empty())
        .max_by_key(|alias| alias.target.len());
    let imports = |prefix: &str| {
        ["'", "\""]
            .iter()
            .any(|quote| text.contains(&format!("from {quote}{prefix}")))
    };
    let by_alias = app
        .aliases
        .iter()
        .any(|alias| !alias.prefix.is_empty() && imports(&alias.prefix))
        || !imports(".");
    match alias.filter(|_| by_alias) {
        Some(alias) => format!("{}{}", alias.prefix, &stem[alias.target.len()..]),
        None => relative(from_dir, stem),
    }
}

/// Where a generated module of this name goes: the project's `lib`, or `utils` when only that exists.
pub fn lib_file(project: &Project, app: &App, name: &str) -> String {
    let base = match &app.pages {
        Some(pages) => directory(pages).to_string(),
        None => app.dir.clone(),
    };
    let base = if base.is_empty() {
        base
    } else {
        format!("{base}/")
    };
    let exists = |folder: &str| {
        let prefix = format!("{base}{folder}/");
        project
            .files
            .range(prefix.clone()..)
            .next()
            .is_some_and(|(path, _)| path.starts_with(&prefix))
    };
    let known = ["lib", "src/lib", "utils", "src/utils"];
    let folder = known
        .into_iter()
        .find(|folder| exists(folder))
        .unwrap_or("lib");
    let extension = if app.typescript { "ts" } else { "js" };
    format!("{base}{folder}/{name}.{extension}")
}

/// Why a whole app is left.
pub fn app_refusals(app: &App) -> Vec<Refusal> {
    let package = if app.dir.is_empty() {
        "package.json".to_string()
    } else {
        format!("{}/package.json", app.dir)
    };
    let at = |reason, file: &str, detail: &str| Refusal {
        reason,
        place: Place::file_start(file),
        detail: detail.to_string(),
    };
    if !app.depends_on_next {
        return vec![at(Reason::NotNext, &package, "")];
    }
    let Some(next) = app.next else {
        return vec![at(Reason::UnknownNextVersion, &package, &app.next_source)];
    };
    if !next.has(Feature::RouteHandlers) {
        return vec![at(
            Reason::NoRouteHandlers,
            &package,
            &format!("Next.js {next}, from {}", app.next_source),
        )];
    }
    if app.config.output_export {
        return vec![at(
            Reason::StaticExport,
            app.config.path.as_deref().unwrap_or(&package),
            "",
        )];
    }
    Vec::new()
}

/// The segments of a path under `app/` that make its URL: without groups and slots.
fn url_segments(path: &str) -> Vec<&str> {
    path.split('/')
        .filter(|segment| {
            !(segment.starts_with('@') || segment.starts_with('(') && segment.ends_with(')'))
        })
        .collect()
}

/// What stands in the way of a route's new place.
pub fn conflict(project: &Project, app: &App, route: &Route) -> Option<Refusal> {
    let dir = app_dir(app)?;
    let folder = directory(&route.target);
    let new = url_segments(&folder[dir.len()..]);
    let prefix = format!("{dir}/");
    for path in project
        .files
        .range(prefix.clone()..)
        .map(|(path, _)| path)
        .take_while(|path| path.starts_with(&prefix))
    {
        let (parent, file) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = file.split('.').next().unwrap_or(file);
        if !matches!(stem, "route" | "page") {
            continue;
        }
        let old = url_segments(&parent[dir.len()..]);
        if old == new {
            let reason = if stem == "route" {
                Reason::TargetExists
            } else {
                Reason::PageConflict
            };
            return Some(Refusal {
                reason,
                place: Place::file_start(&route.file),
                detail: path.clone(),
            });
        }
        for (a, b) in old.iter().zip(&new) {
            if a == b {
                continue;
            }
            let slug = |segment: &str| {
                crate::facts::route::slug(segment)
                    .filter(|_| !segment.starts_with("[...") && !segment.starts_with("[[..."))
            };
            if let (Some(a), Some(b)) = (slug(a), slug(b))
                && a.name != b.name
            {
                return Some(Refusal {
                    reason: Reason::SlugConflict,
                    place: Place::file_start(&route.file),
                    detail: format!("[{}] here, [{}] in {path}", b.name, a.name),
                });
            }
            break;
        }
    }
    None
}

/// The files that import an API file.
pub fn importers<'p>(project: &'p Project, file: &str) -> BTreeSet<&'p str> {
    project
        .files
        .iter()
        .filter(|(_, entry)| {
            entry
                .imports
                .iter()
                .any(|import| import.resolved.as_deref() == Some(file))
        })
        .map(|(path, _)| path.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_move_with_the_file() {
        assert_eq!(
            rebase("pages/api", "app/api/posts", "../../lib/db"),
            "../../../lib/db"
        );
        assert_eq!(
            rebase("src/pages/api/a", "src/app/api/a/b", "./util"),
            "../../../../pages/api/a/util"
        );
        assert_eq!(
            rebase("pages/api", "app/api/x", "./sub/"),
            "../../../pages/api/sub/"
        );
        assert_eq!(relative("app/actions", "app/actions/posts"), "./posts");
        // The module beside a directory of its name is not the directory.
        assert_eq!(relative("lib/desk/actions", "lib/desk"), "../../desk");
        assert_eq!(rebase("a", "b/c", "../b"), "../../b");
        assert_eq!(rebase("a", "b/c", "../b/"), "../");
        assert_eq!(rebase("b/c", "b/d", ".."), "../");
    }
}

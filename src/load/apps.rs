//! Finds the Next.js apps of a walked project: directories in, [`App`]s out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use routelift_transforms::next_version::NextVersion;
use routelift_transforms::project::{App, NextConfig};
use serde_json::Value;

use super::tsconfig::Paths;
use super::walk::{Walked, join, parent};
use super::{next_config, read, version};

/// The `package.json` files below the root that parse, by directory.
pub type Packages = BTreeMap<String, Value>;

/// Reads every `package.json`. One that cannot be read is passed over, and the second
/// value says why.
pub fn packages(root: &Path, walked: &Walked) -> (Packages, Vec<String>) {
    let mut problems = Vec::new();
    let mut packages = Packages::new();
    for directory in &walked.packages {
        let path = join(directory, "package.json");
        let parse = |bytes: Vec<u8>| {
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            serde_json::from_slice(text).map_err(|error| error.to_string())
        };
        let bytes = read::bytes(&root.join(&path)).map_err(|error| error.to_string());
        match bytes.and_then(parse) {
            Ok(json) => _ = packages.insert(directory.clone(), json),
            Err(why) => problems.push(format!("{path} cannot be read as JSON: {why}")),
        }
    }
    (packages, problems)
}

/// What each `package.json` asks for: packages and their version ranges, by directory.
pub fn ranges(packages: &Packages) -> BTreeMap<String, Arc<BTreeMap<String, String>>> {
    let kinds = ["peerDependencies", "devDependencies", "dependencies"];
    let of = |json: &Value| {
        let entries = kinds.iter().filter_map(|kind| json[kind].as_object());
        entries
            .flatten()
            .filter_map(|(name, range)| Some((name.clone(), range.as_str()?.to_string())))
            .collect()
    };
    packages
        .iter()
        .map(|(directory, json)| (directory.clone(), Arc::new(of(json))))
        .collect()
}

/// The names of the packages below the root, with their directories.
pub fn workspaces(packages: &Packages) -> BTreeMap<String, String> {
    let named = packages
        .iter()
        .filter(|(directory, _)| !directory.is_empty());
    named
        .filter_map(|(directory, json)| {
            Some((json["name"].as_str()?.to_string(), directory.clone()))
        })
        .collect()
}

/// What `package.json` asks for as `next`.
fn range(json: &Value) -> Option<&str> {
    ["dependencies", "devDependencies", "peerDependencies"]
        .iter()
        .find_map(|kind| json[kind]["next"].as_str())
}

/// Finds the apps, in order of their directories. `top` bounds the search for lockfiles
/// and hoisted dependencies; `forced` stands above every detected version.
pub fn find(
    root: &Path,
    top: &Path,
    walked: &Walked,
    packages: &Packages,
    forced: Option<NextVersion>,
) -> Vec<App> {
    let config_of = |directory: &str| {
        let names = ["js", "mjs", "ts", "cjs", "mts"].map(|end| format!("next.config.{end}"));
        let mut paths = names.into_iter().map(|name| join(directory, &name));
        paths.find(|path| walked.sources.binary_search(path).is_ok())
    };
    let mut out = Vec::new();
    for directory in &walked.directories {
        let config = config_of(directory);
        let package = packages.get(directory);
        if package.is_none() && config.is_none() {
            continue;
        }
        let asked = match package.and_then(range) {
            Some(range) => Some(range.to_string()),
            // In a monorepo the dependency can stand above, the configuration does not.
            None if config.is_some() => hoisted(root, top, directory, packages),
            None => None,
        };
        let existing = |names: [&str; 2]| {
            let mut paths = names.into_iter().map(|name| join(directory, name));
            paths.find(|path| has_sources(walked, path))
        };
        let pages = existing(["pages", "src/pages"]);
        let app = existing(["app", "src/app"]);
        let api = pages.as_ref().is_some_and(|pages| has_api(walked, pages));
        let is_app = match asked {
            Some(_) => pages.is_some() || app.is_some(),
            None => api,
        };
        if !is_app {
            continue;
        }
        let (next, next_source) = match (&asked, forced) {
            (_, Some(version)) => (Some(version), "--next".to_string()),
            (Some(range), None) => version::detect(&root.join(directory), top, range),
            (None, None) => (None, "no next in package.json".to_string()),
        };
        out.push(App {
            dir: directory.clone(),
            depends_on_next: asked.is_some(),
            next,
            next_source,
            pages,
            app,
            typescript: walked.tsconfigs.contains(&join(directory, "tsconfig.json")),
            config: config.map_or_else(NextConfig::default, |path| read_config(root, &path)),
            aliases: paths(root, directory, walked).aliases(root),
        });
    }
    out
}

fn read_config(root: &Path, path: &str) -> NextConfig {
    match read::text(&root.join(path)) {
        Ok(text) => next_config::read(path, &text),
        Err(_) => NextConfig {
            path: Some(path.to_string()),
            unread: vec!["...".to_string()],
            ..NextConfig::default()
        },
    }
}

fn paths(root: &Path, directory: &str, walked: &Walked) -> Paths {
    let names = ["tsconfig.json", "jsconfig.json"].map(|name| join(directory, name));
    let file = names.iter().find(|path| walked.tsconfigs.contains(path));
    file.map(|path| Paths::read(&root.join(path)))
        .unwrap_or_default()
}

/// The range in the nearest `package.json` above that depends on `next`.
fn hoisted(root: &Path, top: &Path, directory: &str, packages: &Packages) -> Option<String> {
    let mut here = directory;
    while !here.is_empty() {
        here = parent(here);
        if let Some(range) = packages.get(here).and_then(range) {
            return Some(range.to_string());
        }
    }
    let above = root
        .ancestors()
        .skip(1)
        .take_while(|above| above.starts_with(top));
    above
        .filter_map(|above| read::bytes(&above.join("package.json")).ok())
        .filter_map(|text| serde_json::from_slice::<Value>(&text).ok())
        .find_map(|json| range(&json).map(str::to_string))
}

/// Whether a directory has a source anywhere below it.
fn has_sources(walked: &Walked, directory: &str) -> bool {
    let prefix = format!("{directory}/");
    let at = walked
        .sources
        .partition_point(|path| path.as_str() < prefix.as_str());
    walked
        .sources
        .get(at)
        .is_some_and(|path| path.starts_with(&prefix))
}

fn has_api(walked: &Walked, pages: &str) -> bool {
    let mut ends = [".ts", ".js", ".tsx", ".jsx"].iter();
    let single = ends.any(|end| {
        walked
            .sources
            .binary_search(&format!("{pages}/api{end}"))
            .is_ok()
    });
    single || has_sources(walked, &format!("{pages}/api"))
}

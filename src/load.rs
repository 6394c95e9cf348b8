//! Loads a project from disk: a directory in, a [`Project`] out. This is the only part
//! that reads sources; everything after it works on values.
//!
//! ```text
//! walk ─► apps (version, next.config, tsconfig) ─► read and scan ─► resolve ─► keep
//! ```

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use memchr::memmem;
use rayon::prelude::*;
use routelift_transforms::next_version::NextVersion;
use routelift_transforms::project::{File, Import, Project};

use crate::timings::Timings;

mod apps;
pub(crate) mod imports;
mod lockfile;
mod next_config;
mod prettier;
mod read;
pub(crate) mod resolve;
pub mod settings;
pub(crate) mod tsconfig;
mod version;
pub mod walk;

/// What the user says about loading.
#[derive(Debug, Default, Clone)]
pub struct LoadOptions {
    /// The Next.js version of every app, whatever is installed.
    pub next: Option<NextVersion>,
}

/// How many imports away from an API file a file's text is still kept: wrappers and
/// what they re-export.
const KEPT_DEPTH: usize = 4;

/// Loads everything below `root`. The result depends on the files alone, not on the
/// order in which they are read.
///
/// # Errors
/// When the root is no directory or cannot be listed. A file that cannot be read is
/// part of the project, and says so in [`File::unreadable`].
pub fn load(root: &Path, options: &LoadOptions, timings: &mut Timings) -> Result<Project> {
    let shown = root.display();
    let root = root
        .canonicalize()
        .with_context(|| format!("cannot open {shown}"))?;
    if !root.is_dir() {
        bail!("{shown} is not a directory");
    }
    let walked = timings.measure("walk", || walk::walk(&root))?;
    let top = walk::git_top(&root).unwrap_or(&root);
    let mut problems = Vec::new();
    let (packages, apps, prettier) = timings.measure("apps", || {
        let (packages, broken) = apps::packages(&root, &walked);
        problems = broken;
        let told = |name: &String| format!("{name} is passed over: its name is not Unicode");
        problems.extend(walked.nameless.iter().map(told));
        for path in walked
            .tsconfigs
            .iter()
            .filter(|path| path.ends_with("tsconfig.json") || path.ends_with("jsconfig.json"))
        {
            let problem = tsconfig::Paths::problem(&root.join(path));
            problems.extend(problem.map(|why| format!("{path} cannot be read: {why}")));
        }
        let apps = apps::find(&root, top, &walked, &packages, options.next);
        let prettier = prettier::Configurations::read(&root, top, &walked, &packages);
        (packages, apps, prettier)
    });
    let app_directories: Vec<String> = apps.iter().filter_map(|app| app.app.clone()).collect();
    let mut files: Vec<(String, File)> = timings.measure("read", || {
        let read = |path: &String| (path.clone(), read_source(&root, path, &app_directories));
        walked.sources.par_iter().map(read).collect()
    });
    timings.measure("resolve", || {
        let workspaces = apps::workspaces(&packages);
        let imports = resolve::Imports::new(&root, &walked, &workspaces);
        files.par_iter_mut().for_each(|(path, file)| {
            for import in &mut file.imports {
                import.resolved = imports.resolve(path, &import.specifier);
            }
        });
    });
    let others: BTreeSet<String> = files.iter().flat_map(|(_, file)| resolved(file)).collect();
    let mut project = Project {
        files: files.into_iter().collect(),
        apps,
        problems,
        ..Project::default()
    };
    for path in others {
        // Style sheets, JSON and the like are known by name only.
        project.files.entry(path).or_default();
    }
    timings.measure("keep", || {
        for path in related(&project) {
            if walk::is_source(&path)
                && let Some(file) = project.files.get_mut(&path)
                && file.text.is_none()
                && file.unreadable.is_none()
            {
                match read_bytes(&root.join(&path)).and_then(|(bytes, _)| as_text(bytes)) {
                    Ok(text) => file.text = Some(text),
                    Err(why) => file.unreadable = Some(why),
                }
            }
        }
        for (path, file) in &mut project.files {
            if file.text.is_some() {
                file.formatting = prettier.of(path);
            }
        }
        let text = |path: &String| {
            let text = as_text(read_bytes(&root.join(path)).ok()?.0).ok()?;
            let name = path.rsplit('/').next().unwrap_or(path);
            let kept =
                ["package.json", "vercel.json"].contains(&name) || names_api(text.as_bytes());
            kept.then(|| (path.clone(), text.to_string()))
        };
        project.packages = apps::ranges(&packages);
        project.texts = walked.texts.par_iter().filter_map(text).collect();
    });
    Ok(project)
}

/// Whether the path is a file below `pages/api`, or `pages/api` itself.
pub fn is_api(path: &str) -> bool {
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let next = parts.peek().copied().unwrap_or_default();
        if part == "pages" && (next == "api" || next.starts_with("api.")) {
            return true;
        }
    }
    false
}

/// Whether the path is a 404 page of the Pages Router.
fn is_not_found_page(path: &str) -> bool {
    let path = match path.rsplit_once("/index.") {
        Some((folder, _)) => folder,
        None => path,
    };
    let name = path.rsplit('/').next().unwrap_or(path);
    let pages = walk::parent(path);
    let stem = name.split('.').next().unwrap_or(name);
    ["404", "_error"].contains(&stem) && (pages == "pages" || pages.ends_with("/pages"))
}

/// Whether a file matters by its name alone.
fn matters(path: &str, app_directories: &[String]) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    let in_pages = |stems: &[&str]| {
        stems.contains(&stem)
            && (walk::parent(path) == "pages" || walk::parent(path).ends_with("/pages"))
    };
    let special = [
        "page",
        "layout",
        "route",
        "not-found",
        "template",
        "error",
        "global-not-found",
    ];
    is_api(path)
        || is_not_found_page(path)
        || ["middleware", "proxy"].contains(&stem)
        || stem.starts_with("api-request")
        || name.starts_with("next.config.")
        || in_pages(&["_app", "_document"])
        || special.contains(&stem)
            && app_directories.iter().any(|directory| {
                let rest = path.strip_prefix(directory.as_str());
                rest.is_some_and(|rest| rest.starts_with('/'))
            })
}

/// Whether the bytes can name a route.
fn names_api(bytes: &[u8]) -> bool {
    memmem::find(bytes, b"api/").is_some() || memmem::find(bytes, b"/api").is_some()
}

/// Whether a file may have functions through which other files send requests: it has a base URL, or is
/// no component and sends requests itself.
fn sends_requests(path: &str, bytes: &[u8]) -> bool {
    let says = |words: &str| memmem::find(bytes, words.as_bytes()).is_some();
    let component = path.ends_with('x');
    says("baseURL")
        || says("prefixUrl")
        || !component && (says("fetch(") || says("axios")) && says("export")
}

/// Whether a file may hold URLs of the API for others: it is no component, and exports something.
fn holds_urls(path: &str, text: &str) -> bool {
    let starts = ["\"/api", "'/api", "`/api", "}/api"];
    !path.ends_with('x') && text.contains("export") && starts.iter().any(|at| text.contains(at))
}

/// Whether the bytes can add members to the request of Next.js.
fn adds_to_requests(bytes: &[u8]) -> bool {
    let has = |word: &[u8]| memmem::find(bytes, word).is_some();
    has(b"declare module") && (has(b"NextApiRequest") || has(b"IncomingMessage"))
}

fn read_source(root: &Path, path: &str, app_directories: &[String]) -> File {
    let (bytes, executable) = match read_bytes(&root.join(path)) {
        Ok(read) => read,
        Err(why) => {
            return File {
                unreadable: Some(why),
                ..File::default()
            };
        }
    };
    let mut file = File {
        imports: imports::scan(&bytes),
        executable,
        ..File::default()
    };
    let says = names_api(&bytes) || sends_requests(path, &bytes) || adds_to_requests(&bytes);
    if says || matters(path, app_directories) {
        match as_text(bytes) {
            Ok(text) => file.text = Some(text),
            Err(why) => file.unreadable = Some(why),
        }
    }
    file
}

/// The bytes of a file and whether it is executable, or why it was not read.
fn read_bytes(path: &Path) -> Result<(Vec<u8>, bool), String> {
    let read = read::limited(path, read::MAX_SOURCE);
    let (bytes, metadata) = read.map_err(|error| match error.raw_os_error() {
        Some(_) => format!("cannot be read: {error}"),
        None => error.to_string(),
    })?;
    Ok((bytes, is_executable(&metadata)))
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}

fn as_text(bytes: Vec<u8>) -> Result<Arc<str>, String> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Arc::from(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(format!("is not UTF-8 (byte {at})"))
        }
    }
}

/// The project files that a file imports.
fn resolved(file: &File) -> Vec<String> {
    let imports = file.imports.iter();
    imports
        .filter_map(|import: &Import| import.resolved.clone())
        .collect()
}

/// The files that import what may send requests or hold URLs, also through files that pass it on.
fn callers(project: &Project) -> BTreeSet<String> {
    let sends = |(path, file): &(&String, &File)| {
        let text = file.text.as_ref();
        text.is_some_and(|text| {
            sends_requests(path, text.as_bytes()) || !is_api(path) && holds_urls(path, text)
        })
    };
    let senders = project.files.iter().filter(sends);
    let mut border: BTreeSet<&str> = senders.map(|(path, _)| path.as_str()).collect();
    let mut out = BTreeSet::new();
    while !border.is_empty() {
        let mut passing = BTreeSet::new();
        for (path, file) in &project.files {
            let mut imports = file.imports.iter().filter(|import| {
                let from = import.resolved.as_deref();
                !import.type_only && from.is_some_and(|from| border.contains(from))
            });
            let Some(first) = imports.next() else {
                continue;
            };
            let passes = first.reexport || imports.any(|import| import.reexport);
            if out.insert(path.clone()) && passes {
                passing.insert(path.as_str());
            }
        }
        border = passing;
    }
    out
}

/// The files that import an API file, those that API files and the 404 page import, and those that
/// may send requests by way of others.
fn related(project: &Project) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut border: BTreeSet<String> = BTreeSet::new();
    for (path, file) in &project.files {
        if is_api(path) || is_not_found_page(path) {
            border.insert(path.clone());
        } else if resolved(file).iter().any(|target| is_api(target)) {
            out.insert(path.clone());
        }
    }
    for _ in 0..KEPT_DEPTH {
        let files = border.iter().filter_map(|path| project.files.get(path));
        border = files
            .flat_map(resolved)
            .filter(|path| !out.contains(path))
            .collect();
        out.extend(border.iter().cloned());
    }
    out.extend(callers(project));
    out
}

#[cfg(test)]
#[path = "load/tests.rs"]
mod tests;

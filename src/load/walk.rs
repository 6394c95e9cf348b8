//! Lists the files of a project: a root directory in, sorted relative paths out. Never
//! enters `node_modules`, `.next`, `.git` or what git ignores, and never follows a
//! symbolic link.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ignore::gitignore::{Gitignore, GitignoreBuilder, gitconfig_excludes_path};
use walkdir::WalkDir;

/// What the walk found; paths are relative to the root and separated by `/`.
#[derive(Debug, Default)]
pub struct Walked {
    /// JavaScript and TypeScript files.
    pub sources: Vec<String>,
    /// Files in other formats that can name a route.
    pub texts: Vec<String>,
    /// Directories that have a `package.json`; the root is empty.
    pub packages: Vec<String>,
    /// `tsconfig*.json` and `jsconfig*.json`.
    pub tsconfigs: Vec<String>,
    /// Files that configure Prettier.
    pub prettier: Vec<String>,
    /// Every directory; the root is empty.
    pub directories: BTreeSet<String>,
    /// What is passed over because its name is no Unicode, for people.
    pub nameless: Vec<String>,
}

const SKIPPED: &[&str] = &["node_modules", ".next", ".git", crate::write::store::FOLDER];
const SOURCES: &[&str] = &["ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts"];

/// Whether a path names a JavaScript or TypeScript source.
pub fn is_source(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    SOURCES.contains(&extension)
}

/// Whether a file that is no source can name a route.
fn is_text(path: &str, name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let (stem, extension) = lower.rsplit_once('.').unwrap_or((&lower, ""));
    match extension {
        "http" | "rest" | "mdx" | "html" | "vue" | "svelte" | "sh" => true,
        "yml" | "yaml" | "json" if stem.starts_with("openapi") || stem.starts_with("swagger") => {
            true
        }
        "yml" | "yaml" => path.contains(".github/workflows/") || lower.contains("compose"),
        "md" => stem == "readme",
        _ => matches!(
            lower.as_str(),
            "vercel.json" | "package.json" | "netlify.toml" | "codeowners" | "dockerfile"
        ),
    }
}

/// Lists what stands below `root`, which is an absolute path without symbolic links.
///
/// # Errors
/// When the root itself cannot be listed. Directories below it that cannot be are
/// passed over, as git does.
pub fn walk(root: &Path) -> Result<Walked> {
    let mut found = Walked::default();
    let mut nameless = Vec::new();
    let mut ignores = Ignores::above(root);
    let walker = WalkDir::new(root).sort_by_file_name().into_iter();
    let entries = walker.filter_entry(|entry| {
        if entry.depth() == 0 {
            ignores.enter(entry.path(), 0);
            return true;
        }
        let is_directory = entry.file_type().is_dir();
        let name = entry.file_name().to_str();
        if entry.file_type().is_symlink()
            || name.is_some_and(|name| SKIPPED.contains(&name))
            || ignores.matched(entry.path(), is_directory, entry.depth())
        {
            return false;
        }
        if name.is_none() {
            let name = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let name = name.to_string_lossy();
            if is_directory || is_source(&name) {
                nameless.push(name.into_owned());
            }
            return false;
        }
        if is_directory {
            ignores.enter(entry.path(), entry.depth());
        }
        true
    });
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == 0 => {
                return Err(error).with_context(|| format!("cannot read {}", root.display()));
            }
            Err(_) => continue,
        };
        let Some(path) = relative(root, entry.path()) else {
            continue;
        };
        if entry.file_type().is_dir() {
            found.directories.insert(path);
            continue;
        }
        let name = path.rsplit('/').next().unwrap_or(&path);
        if super::prettier::is_config(name) {
            found.prettier.push(path.clone());
        }
        if is_source(&path) {
            found.sources.push(path);
            continue;
        }
        let config = name.starts_with("tsconfig") || name.starts_with("jsconfig");
        if config && name.ends_with(".json") {
            found.tsconfigs.push(path.clone());
        }
        if name == "package.json" {
            found.packages.push(parent(&path).to_string());
        }
        if is_text(&path, name) {
            found.texts.push(path);
        }
    }
    found.nameless = nameless;
    Ok(found)
}

/// The directory of a relative path; empty for a file of the root.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// `directory/name`, or the name alone for the root.
pub fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_string()
    } else {
        format!("{directory}/{name}")
    }
}

/// The path below the root, separated by `/`; `None` when it is not below it or is no
/// Unicode.
pub fn relative(root: &Path, path: &Path) -> Option<String> {
    let mut out = String::new();
    for part in path.strip_prefix(root).ok()?.components() {
        if !out.is_empty() {
            out.push('/');
        }
        out.push_str(part.as_os_str().to_str()?);
    }
    Some(out)
}

/// The nearest directory at or above `from` that holds a `.git`.
pub fn git_top(from: &Path) -> Option<&Path> {
    from.ancestors().find(|above| above.join(".git").exists())
}

/// The ignore rules that hold where the walk stands, outermost first.
struct Ignores {
    /// Rules from above the root: global, the repository's own, parent directories'.
    outer: Vec<Gitignore>,
    /// Rules of the directories on the way down, with their depth below the root.
    inner: Vec<(usize, Gitignore)>,
}

impl Ignores {
    fn above(root: &Path) -> Ignores {
        let top = git_top(root).unwrap_or(root);
        let mut outer = Vec::new();
        let mut add = |base: &Path, file: PathBuf| {
            let mut builder = GitignoreBuilder::new(base);
            if file.is_file() && builder.add(file).is_none() {
                outer.extend(builder.build());
            }
        };
        if let Some(global) = gitconfig_excludes_path() {
            add(top, global);
        }
        add(top, git_directory(top).join("info/exclude"));
        let parents: Vec<&Path> = root
            .ancestors()
            .skip(1)
            .take_while(|parent| parent.starts_with(top))
            .collect();
        for parent in parents.into_iter().rev() {
            add(parent, parent.join(".gitignore"));
        }
        // A root that git ignores was named on purpose: look at it all the same.
        let ignored = outer
            .iter()
            .any(|rules| rules.matched_path_or_any_parents(root, true).is_ignore());
        if ignored {
            outer.clear();
        }
        Ignores {
            outer,
            inner: Vec::new(),
        }
    }

    fn enter(&mut self, directory: &Path, depth: usize) {
        self.inner.retain(|(other, _)| *other < depth);
        let file = directory.join(".gitignore");
        if file.is_file() {
            let mut builder = GitignoreBuilder::new(directory);
            // A rule that does not parse is passed over, as git does; the others hold.
            let _ = builder.add(file);
            self.inner
                .extend(builder.build().map(|rules| (depth, rules)));
        }
    }

    fn matched(&mut self, path: &Path, is_directory: bool, depth: usize) -> bool {
        self.inner.retain(|(other, _)| *other < depth);
        let rules = self
            .outer
            .iter()
            .chain(self.inner.iter().map(|(_, rules)| rules));
        for rules in rules.rev() {
            let matched = rules.matched(path, is_directory);
            if !matched.is_none() {
                return matched.is_ignore();
            }
        }
        false
    }
}

/// The repository's own directory: `.git`, or the one shared by the work trees that a
/// `.git` file points to.
fn git_directory(top: &Path) -> PathBuf {
    let git = top.join(".git");
    let Ok(text) = super::read::text(&git) else {
        return git;
    };
    let Some(target) = text.strip_prefix("gitdir:") else {
        return git;
    };
    let target = top.join(target.trim());
    match super::read::text(&target.join("commondir")) {
        Ok(common) => target.join(common.trim()),
        Err(_) => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_out_of_what_git_ignores() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().canonicalize().unwrap();
        let put = |path: &str, text: &str| {
            let path = top.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put(".git/info/exclude", "/web/secret.ts\n");
        put(".gitignore", "generated/\n*.gen.ts\n");
        put("web/.gitignore", "!keep.gen.ts\n/build\n");
        put("web/a.ts", "");
        put("web/secret.ts", "");
        put("web/b.gen.ts", "");
        put("web/keep.gen.ts", "");
        put("web/build/a.ts", "");
        put("web/src/build/a.ts", "");
        put("web/generated/a.ts", "");
        put("web/node_modules/next/index.js", "");
        put("web/.next/a.js", "");
        assert_eq!(
            walk(&top.join("web")).unwrap().sources,
            ["a.ts", "keep.gen.ts", "src/build/a.ts"]
        );
        // Named on purpose.
        assert_eq!(walk(&top.join("web/generated")).unwrap().sources, ["a.ts"]);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("/", top.join("web/everything")).unwrap();
            assert_eq!(walk(&top.join("web")).unwrap().sources.len(), 3);
        }
    }
}

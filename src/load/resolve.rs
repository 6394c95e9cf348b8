//! Finds the project file that an import names: an importing file and a specifier in, a
//! path of the project out. Sources that the walk did not find are no project files, so
//! packages in `node_modules` resolve to nothing. A style sheet or a JSON file resolves
//! to what is on disk. Most imports are settled without a
//! look at the disk; the rest goes through oxc_resolver.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use oxc_resolver::{AliasValue, FileSystem, ResolveOptions, ResolverGeneric, TsconfigDiscovery};

use super::read::Disk;
use super::tsconfig::{Paths, normal};
use super::walk::{Walked, parent, relative};

/// Extensions in the order in which Next.js tries them.
pub const EXTENSIONS: &[&str] = &[
    ".js", ".mjs", ".cjs", ".tsx", ".ts", ".mts", ".cts", ".jsx", ".d.ts", ".d.mts", ".json",
];

type Resolver = ResolverGeneric<Disk>;

/// Resolves imports of one project.
pub struct Imports<'a> {
    root: &'a Path,
    files: BTreeSet<&'a str>,
    /// The nearest configuration of a directory, by the directory that it stands in.
    configs: BTreeMap<String, Paths>,
    /// Directories with a `package.json`, whose `main` may name another file than the index.
    packages: BTreeSet<&'a str>,
    /// First segments of specifiers that can be a project file; `None` when all can.
    names: Option<BTreeSet<String>>,
    /// What `paths` patterns start with.
    prefixes: BTreeSet<String>,
    with_tsconfig: Resolver,
    without_tsconfig: Resolver,
}

impl<'a> Imports<'a> {
    /// Prepares resolution below `root`. `workspaces` maps the names of the packages
    /// below the root to their directories.
    pub fn new(root: &'a Path, walked: &'a Walked, workspaces: &BTreeMap<String, String>) -> Self {
        let mut configs = BTreeMap::new();
        // Sorted: `jsconfig.json` comes first and is replaced by `tsconfig.json`.
        for path in &walked.tsconfigs {
            if path.ends_with("tsconfig.json") || path.ends_with("jsconfig.json") {
                configs.insert(parent(path).to_string(), Paths::read(&root.join(path)));
            }
        }
        let mut names: BTreeSet<String> = workspaces.keys().cloned().collect();
        let mut prefixes = BTreeSet::new();
        // Configurations that are only referred to can have paths, too.
        let others = walked
            .tsconfigs
            .iter()
            .map(|path| Paths::read(&root.join(path)));
        for paths in others {
            for (pattern, _) in &paths.patterns {
                prefixes.insert(pattern.split('*').next().unwrap_or_default().to_string());
            }
            if let Some(base) = &paths.base_url {
                for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    let stem = name.split('.').next().unwrap_or_default().to_string();
                    names.extend([stem, name]);
                }
            }
        }
        let options = ResolveOptions {
            extensions: EXTENSIONS.iter().map(|text| text.to_string()).collect(),
            extension_alias: [("js", "jsx"), ("mjs", ""), ("cjs", "")]
                .iter()
                .map(|(extension, second)| {
                    let typed = extension.replace('j', "t");
                    let mut list = vec![format!(".{typed}")];
                    if !second.is_empty() {
                        list.push(".tsx".to_string());
                        list.push(format!(".{second}"));
                    }
                    list.push(format!(".{extension}"));
                    (format!(".{extension}"), list)
                })
                .collect(),
            main_fields: ["source", "module", "main", "types"]
                .map(String::from)
                .to_vec(),
            condition_names: ["source", "import", "require", "node", "default", "types"]
                .map(String::from)
                .to_vec(),
            tsconfig: Some(TsconfigDiscovery::Auto),
            node_path: false,
            ..ResolveOptions::default()
        };
        let with_tsconfig = Resolver::new_with_file_system(Disk::new(), options.clone());
        // Without an installation the workspace packages are not linked.
        let alias = workspaces.iter().map(|(name, directory)| {
            let path = root.join(directory).to_string_lossy().into_owned();
            (name.clone(), vec![AliasValue::Path(path)])
        });
        let without_tsconfig = with_tsconfig.clone_with_options(ResolveOptions {
            tsconfig: None,
            alias: alias.collect(),
            ..options
        });
        Imports {
            root,
            files: walked.sources.iter().map(String::as_str).collect(),
            configs,
            packages: walked.packages.iter().map(String::as_str).collect(),
            names: (!prefixes.contains("")).then_some(names),
            prefixes,
            with_tsconfig,
            without_tsconfig,
        }
    }

    /// The project file that `specifier` names in `file`.
    pub fn resolve(&self, file: &str, specifier: &str) -> Option<String> {
        let specifier = specifier.split('?').next().unwrap_or(specifier);
        let relative = [".", ".."].contains(&specifier)
            || specifier.starts_with("./")
            || specifier.starts_with("../");
        if relative {
            let target = self.root.join(parent(file)).join(specifier);
            let slash = specifier.ends_with(['/', '.']);
            return self
                .below(&target, slash)
                .or_else(|| self.by_resolver(&self.without_tsconfig, file, specifier));
        }
        if !self.may_be_ours(specifier) {
            return None;
        }
        let mut directory = Some(parent(file));
        while let Some(here) = directory {
            if let Some(paths) = self.configs.get(here) {
                let candidates = paths.candidates(specifier);
                let found = candidates
                    .iter()
                    .find_map(|target| self.below(target, false));
                if found.is_some() {
                    return found;
                }
                break;
            }
            directory = (!here.is_empty()).then(|| parent(here));
        }
        self.by_resolver(&self.with_tsconfig, file, specifier)
            .or_else(|| self.by_resolver(&self.without_tsconfig, file, specifier))
    }

    /// Whether a specifier that is not relative can name a project file.
    fn may_be_ours(&self, specifier: &str) -> bool {
        let Some(names) = &self.names else {
            return true;
        };
        let mut parts = specifier.splitn(3, '/');
        let first = parts.next().unwrap_or_default();
        let scoped = match parts.next() {
            Some(second) if first.starts_with('@') => format!("{first}/{second}"),
            _ => first.to_string(),
        };
        specifier.starts_with('#')
            || names.contains(first)
            || names.contains(&scoped)
            || self
                .prefixes
                .iter()
                .any(|prefix| specifier.starts_with(prefix.as_str()))
    }

    /// The project file at a path that may lack its extension or its `/index`.
    fn below(&self, target: &Path, only_directory: bool) -> Option<String> {
        let target = relative(self.root, &normal(target))?;
        if !only_directory && let Some(found) = self.file(&target) {
            return Some(found);
        }
        if self.packages.contains(target.as_str()) {
            return None;
        }
        let index = if target.is_empty() {
            "index".to_string()
        } else {
            format!("{target}/index")
        };
        self.with_extension(&index)
    }

    fn file(&self, target: &str) -> Option<String> {
        if self.files.contains(target) {
            return Some(target.to_string());
        }
        // TypeScript's `./a.js` means `./a.ts`.
        let typed = [
            (".js", ".ts"),
            (".js", ".tsx"),
            (".jsx", ".tsx"),
            (".mjs", ".mts"),
        ];
        for (from, to) in typed {
            if let Some(stem) = target.strip_suffix(from)
                && let typed = format!("{stem}{to}")
                && self.files.contains(typed.as_str())
            {
                return Some(typed);
            }
        }
        if has_other_extension(target) && self.is_ours(target) {
            return Some(target.to_string());
        }
        self.with_extension(target)
    }

    /// Whether a file that is no source is on disk, below the root and outside packages.
    fn is_ours(&self, path: &str) -> bool {
        let in_package = path.split('/').any(|part| part == "node_modules");
        !in_package && self.root.join(path).is_file()
    }

    fn with_extension(&self, target: &str) -> Option<String> {
        EXTENSIONS
            .iter()
            .map(|extension| format!("{target}{extension}"))
            .find(|path| match path.strip_suffix(".json") {
                // JSON is no source: the walk does not list it.
                Some(stem) => !has_other_extension(stem) && self.is_ours(path),
                None => self.files.contains(path.as_str()),
            })
    }

    fn by_resolver(&self, resolver: &Resolver, file: &str, specifier: &str) -> Option<String> {
        let resolved = resolver
            .resolve_file(self.root.join(file), specifier)
            .ok()?;
        let path: PathBuf = resolved.into_path_buf();
        let path = relative(self.root, &path)?;
        let other = has_other_extension(&path) && self.is_ours(&path);
        (other || self.files.contains(path.as_str())).then_some(path)
    }
}

/// Whether a path names a file that is surely no source, as a style sheet.
fn has_other_extension(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let other = [
        "css", "scss", "sass", "less", "json", "svg", "png", "jpg", "jpeg", "gif", "webp", "avif",
        "ico", "woff", "woff2", "ttf", "mp3", "mp4", "md", "mdx", "graphql", "gql", "txt", "html",
    ];
    other.contains(&extension)
}

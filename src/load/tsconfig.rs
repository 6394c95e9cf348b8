//! The `paths` and `baseUrl` of `tsconfig.json` and `jsconfig.json`, read leniently: a
//! configuration that extends a package which is not installed, as in a fresh clone,
//! still gives what it says itself.

use std::path::{Path, PathBuf};

use jsonc_parser::ParseOptions;
use routelift_transforms::project::Alias;
use serde_json::Value;

use super::read;
use super::walk::relative;

/// How specifiers map to files below one configuration.
#[derive(Debug, Default, Clone)]
pub struct Paths {
    /// `baseUrl`, as an absolute directory.
    pub base_url: Option<PathBuf>,
    /// Each pattern with its absolute targets; both may hold one `*`.
    pub patterns: Vec<(String, Vec<PathBuf>)>,
}

/// A chain of `extends` longer than this is a circle.
const MAX_EXTENDS: usize = 16;
/// A configuration that extends more files than this, each counted as often as it is
/// named, is meant to keep us busy.
const MAX_READ: usize = 256;

impl Paths {
    /// Reads a configuration and what it extends; whatever cannot be read says nothing.
    pub fn read(file: &Path) -> Paths {
        read_chain(file, MAX_EXTENDS, &mut { MAX_READ })
    }

    /// Why a configuration cannot be read, when it cannot.
    pub fn problem(file: &Path) -> Option<String> {
        parse(file).err()
    }

    /// The absolute paths, without extensions, that a specifier can stand for, in the
    /// order in which TypeScript tries them.
    pub fn candidates(&self, specifier: &str) -> Vec<PathBuf> {
        let best = self
            .patterns
            .iter()
            .filter_map(|(pattern, targets)| {
                let (prefix, rest) = matched(pattern, specifier)?;
                Some((pattern.contains('*'), prefix, rest, targets))
            })
            // An exact pattern wins, then the longest prefix.
            .max_by_key(|(wild, prefix, _, _)| (!wild, *prefix));
        let mut out = Vec::new();
        if let Some((_, _, rest, targets)) = best {
            out.extend(targets.iter().map(|target| {
                let target = target.to_string_lossy().replacen('*', rest, 1);
                PathBuf::from(target)
            }));
        }
        out.extend(self.base_url.as_ref().map(|base| base.join(specifier)));
        out
    }

    /// The entries of the form `prefix*`: `["target*"]` whose target is a directory
    /// below the root, longest prefix first.
    pub fn aliases(&self, root: &Path) -> Vec<Alias> {
        let mut out: Vec<Alias> = Vec::new();
        for (pattern, targets) in &self.patterns {
            let (Some(prefix), [target]) = (pattern.strip_suffix('*'), targets.as_slice()) else {
                continue;
            };
            let Some(target) = target.to_str().and_then(|target| target.strip_suffix('*')) else {
                continue;
            };
            let Some(mut target) = relative(root, Path::new(target)) else {
                continue;
            };
            if !target.is_empty() {
                target.push('/');
            }
            if !prefix.is_empty() {
                out.push(Alias {
                    prefix: prefix.to_string(),
                    target,
                });
            }
        }
        out.sort_by(|a, b| {
            let longest = b.prefix.len().cmp(&a.prefix.len());
            longest.then_with(|| a.prefix.cmp(&b.prefix))
        });
        out
    }
}

/// The length of the pattern's part before `*` and what the star stands for.
fn matched<'a>(pattern: &str, specifier: &'a str) -> Option<(usize, &'a str)> {
    match pattern.split_once('*') {
        None => (pattern == specifier).then_some((pattern.len(), "")),
        Some((prefix, suffix)) => {
            let rest = specifier.strip_prefix(prefix)?.strip_suffix(suffix)?;
            Some((prefix.len(), rest))
        }
    }
}

fn parse(file: &Path) -> Result<Value, String> {
    let text = read::text(file).map_err(|error| error.to_string())?;
    let text = text.trim_start_matches('\u{feff}');
    jsonc_parser::parse_to_serde_value::<Value>(text, &ParseOptions::default())
        .map_err(|error| error.to_string())
}

fn read_chain(file: &Path, left: usize, budget: &mut usize) -> Paths {
    let mut out = Paths::default();
    let Some(directory) = file.parent() else {
        return out;
    };
    let Some(fewer) = budget.checked_sub(1) else {
        return out;
    };
    *budget = fewer;
    let Ok(config) = parse(file) else {
        return out;
    };
    let extended = match &config["extends"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    for name in extended {
        if let Some(file) = extended_file(directory, name)
            && left > 0
        {
            let inherited = read_chain(&file, left - 1, budget);
            if inherited.base_url.is_some() {
                out.base_url = inherited.base_url;
            }
            if !inherited.patterns.is_empty() {
                out.patterns = inherited.patterns;
            }
        }
    }
    let options = &config["compilerOptions"];
    if let Some(base) = options["baseUrl"].as_str() {
        out.base_url = Some(normal(&directory.join(base)));
    }
    if let Some(paths) = options["paths"].as_object() {
        let base = out
            .base_url
            .clone()
            .unwrap_or_else(|| directory.to_path_buf());
        let targets = |value: &Value| {
            let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let texts = list.iter().filter_map(Value::as_str);
            texts.map(|target| normal(&base.join(target))).collect()
        };
        let entries = paths.iter();
        out.patterns = entries
            .map(|(name, value)| (name.clone(), targets(value)))
            .collect();
    }
    out
}

/// The file that `extends` names: relative, absolute, or in a package up the parents.
fn extended_file(directory: &Path, name: &str) -> Option<PathBuf> {
    let existing = |path: PathBuf| {
        let json = PathBuf::from(format!("{}.json", path.display()));
        [path.join("tsconfig.json"), json, path]
            .into_iter()
            .find(|path| path.is_file())
    };
    if name.starts_with('.') || Path::new(name).is_absolute() {
        return existing(directory.join(name));
    }
    let mut above = directory.ancestors();
    above.find_map(|above| existing(above.join("node_modules").join(name)))
}

/// The path without `.` and `..`, without a look at the disk.
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_a_missing_package_and_follows_files() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let base = r#"{ "compilerOptions": { "baseUrl": "./src", /* c */ "paths": { "@/*": ["./*"], "exact": ["lib/one"], }, }, }"#;
        std::fs::write(root.join("base.json"), base).unwrap();
        let own = r#"{ "extends": ["@tsconfig/missing", "./base"] }"#;
        std::fs::write(root.join("tsconfig.json"), own).unwrap();
        let paths = Paths::read(&root.join("tsconfig.json"));
        let src = root.join("src");
        assert_eq!(
            paths.candidates("@/a/b"),
            [src.join("a/b"), src.join("@/a/b")]
        );
        assert_eq!(paths.candidates("exact")[0], src.join("lib/one"));
        assert_eq!(
            paths.aliases(root),
            [Alias {
                prefix: "@/".into(),
                target: "src/".into()
            }]
        );
    }
}

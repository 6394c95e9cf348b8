//! Reads the locked version of `next` from the lockfiles of npm, pnpm, yarn and bun: a
//! directory in, the lockfile's name and the version out. Lockfiles are scanned by line
//! where that is enough.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::read;
use super::walk::relative;

/// The version that a lockfile in `directory` gives to the app at `app`, whose
/// `package.json` asks for `range`, and the lockfile's name.
pub fn next_version(directory: &Path, app: &Path, range: &str) -> Option<(&'static str, String)> {
    let importer = relative(directory, app).unwrap_or_default();
    let read = |name: &str| read::text(&directory.join(name)).ok();
    for name in ["package-lock.json", "npm-shrinkwrap.json"] {
        if let Some(version) = read(name).and_then(|text| npm(&text, &importer)) {
            return Some((name, version));
        }
    }
    let pnpm = read("pnpm-lock.yaml").and_then(|text| pnpm(&text, &importer));
    if let Some(version) = pnpm {
        return Some(("pnpm-lock.yaml", version));
    }
    if let Some(version) = read("yarn.lock").and_then(|text| yarn(&text, range)) {
        return Some(("yarn.lock", version));
    }
    let bun = read("bun.lock").and_then(|text| bun(&text))?;
    Some(("bun.lock", bun))
}

/// Whether a lockfile stands in a directory, one that is not read among them.
pub fn stands_in(directory: &Path) -> bool {
    let names = [
        "package-lock.json",
        "npm-shrinkwrap.json",
        "pnpm-lock.yaml",
        "yarn.lock",
        "bun.lock",
        "bun.lockb",
        "deno.lock",
    ];
    names.iter().any(|name| directory.join(name).exists())
}

#[derive(Deserialize)]
struct Npm {
    #[serde(default)]
    packages: HashMap<String, NpmPackage>,
    #[serde(default)]
    dependencies: HashMap<String, NpmPackage>,
}

#[derive(Deserialize)]
struct NpmPackage {
    version: Option<String>,
}

fn npm(text: &str, importer: &str) -> Option<String> {
    let lock: Npm = serde_json::from_str(text).ok()?;
    let own = format!("{importer}/node_modules/next");
    let packages = [own.as_str(), "node_modules/next"];
    let mut packages = packages.iter().filter_map(|name| lock.packages.get(*name));
    let package = packages.next().or_else(|| lock.dependencies.get("next"))?;
    package.version.clone()
}

/// Versions 5 to 9: the importer's `dependencies`, whose entries are `next: 1.2.3` or
/// `next:` with a `version:` below.
fn pnpm(text: &str, importer: &str) -> Option<String> {
    let importer = if importer.is_empty() { "." } else { importer };
    let unquoted = |text: &str| text.trim().trim_matches(['\'', '"']).to_string();
    // The keys above the current line, each with its indent.
    let mut above: Vec<(usize, String)> = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let Some((key, value)) = line.trim().split_once(':') else {
            continue;
        };
        above.retain(|(other, _)| *other < indent);
        let keys: Vec<&str> = above.iter().map(|(_, key)| key.as_str()).collect();
        let key = unquoted(key);
        let mut inside = match keys.as_slice() {
            ["importers", name, rest @ ..] if *name == importer => rest.to_vec(),
            rest if importer == "." => rest.to_vec(),
            _ => vec!["other"],
        };
        inside.push(&key);
        let [kind, name, rest @ ..] = inside.as_slice() else {
            above.push((indent, key));
            continue;
        };
        let version = unquoted(value);
        if (*kind == "dependencies" || kind.ends_with("Dependencies"))
            && *name == "next"
            && (rest.is_empty() || rest == ["version"])
            && version.starts_with(|c: char| c.is_ascii_digit())
        {
            let end = version.find(['(', '_']).unwrap_or(version.len());
            return Some(version[..end].to_string());
        }
        above.push((indent, key));
    }
    None
}

/// Classic (`next@^13.0.0:`) and berry (`"next@npm:^13.0.0":`). Of several versions, the
/// one that the range asks for.
fn yarn(text: &str, range: &str) -> Option<String> {
    let mut found: Vec<(bool, String)> = Vec::new();
    let mut wanted = None;
    for line in text.lines() {
        if !line.starts_with([' ', '#']) && line.ends_with(':') {
            let header = line.trim_end_matches(':').replace('"', "");
            let descriptors = header.split(',').map(str::trim);
            let ranges: Vec<&str> = descriptors
                .filter_map(|text| text.strip_prefix("next@"))
                .map(|text| text.trim_start_matches("npm:"))
                .collect();
            wanted = (!ranges.is_empty()).then(|| ranges.contains(&range));
        } else if let Some(exact) = wanted
            && let Some(version) = line.trim().strip_prefix("version")
        {
            let version = version.trim_matches([':', ' ', '"']).to_string();
            found.push((exact, version));
            wanted = None;
        }
    }
    let exact = found.iter().find(|(exact, _)| *exact);
    let only = if found.len() == 1 {
        found.first()
    } else {
        None
    };
    exact.or(only).map(|(_, version)| version.clone())
}

fn bun(text: &str) -> Option<String> {
    let start = text.find("\"next\": [\"next@")? + "\"next\": [\"next@".len();
    let version = &text[start..];
    Some(version[..version.find('"')?].to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_npm() {
        let v3 = r#"{"packages": {"": {}, "node_modules/next": {"version": "14.2.1"}, "apps/web/node_modules/next": {"version": "15.1.0"}}}"#;
        assert_eq!(npm(v3, "").as_deref(), Some("14.2.1"));
        assert_eq!(npm(v3, "apps/web").as_deref(), Some("15.1.0"));
        let v1 = r#"{"dependencies": {"next": {"version": "13.4.0", "requires": {}}}}"#;
        assert_eq!(npm(v1, "").as_deref(), Some("13.4.0"));
    }

    #[test]
    fn reads_pnpm() {
        let v5 = "lockfileVersion: 5.4\n\nspecifiers:\n  next: ^13.1.1\n\ndependencies:\n  next: 13.1.6_biqbaboplfbrettd7655fr4n2y\n";
        assert_eq!(pnpm(v5, "").as_deref(), Some("13.1.6"));
        let v6 = "lockfileVersion: '6.0'\n\ndependencies:\n  next:\n    specifier: ^14.0.0\n    version: 14.0.3(react@18.2.0)\n";
        assert_eq!(pnpm(v6, "").as_deref(), Some("14.0.3"));
        let v9 = "importers:\n\n  .:\n    devDependencies:\n      next:\n        specifier: 13.0.0\n        version: 13.0.0\n\n  apps/web:\n    dependencies:\n      'next':\n        specifier: ^15.0.0\n        version: 15.3.1(react-dom@19.0.0(react@19.0.0))\n\npackages:\n\n  next@13.0.0:\n    resolution: {}\n";
        assert_eq!(pnpm(v9, "").as_deref(), Some("13.0.0"));
        assert_eq!(pnpm(v9, "apps/web").as_deref(), Some("15.3.1"));
        assert_eq!(pnpm(v9, "apps/docs"), None);
    }

    #[test]
    fn reads_yarn_and_bun() {
        let classic = "# yarn lockfile v1\n\nnext-auth@^4:\n  version \"4.1.0\"\n\nnext@^13.0.0, \"next@^13.1.0\":\n  version \"13.5.6\"\n";
        assert_eq!(yarn(classic, "latest").as_deref(), Some("13.5.6"));
        let berry = "\"next@npm:13.0.0\":\n  version: 13.0.0\n\n\"next@npm:^15.0.0, next@npm:^15.1.0\":\n  version: 15.2.1\n";
        assert_eq!(yarn(berry, "^15.1.0").as_deref(), Some("15.2.1"));
        assert_eq!(yarn(berry, "^14"), None);
        let lock = "    \"next\": [\"next@15.1.3\", \"\", {}],";
        assert_eq!(bun(lock).as_deref(), Some("15.1.3"));
    }
}

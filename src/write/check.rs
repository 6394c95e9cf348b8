//! Looks once more at what is about to be written: a project and its changes in, a
//! refusal out. The plan has checked each route by itself; this is about the whole, and
//! asks other code than that which made it. What it finds is an error of this program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use routelift_transforms::outcome::Change;
use routelift_transforms::project::Project;
use routelift_transforms::source::Source;

use crate::diff;
use crate::load::resolve::EXTENSIONS;
use crate::load::{imports, tsconfig, walk};

/// Refuses changes that overlap, a produced source that does not parse, a rewritten
/// import that leads nowhere, and a diff that does not say what is written.
///
/// # Errors
/// When one of these is found.
pub fn output(project: &Project, changes: &[Change]) -> Result<()> {
    let check = || -> Result<()> {
        overlaps(changes)?;
        for change in changes {
            parses(change)?;
            same_as_diff(change)?;
        }
        imports_resolve(project, changes)
    };
    check().context("the migration does not pass its own check; please report it")
}

fn overlaps(changes: &[Change]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for change in changes {
        let paths: BTreeSet<&str> = change
            .old_path()
            .into_iter()
            .chain([change.path()])
            .collect();
        for path in paths {
            if !seen.insert(path) {
                bail!("two changes touch {path}");
            }
        }
    }
    Ok(())
}

fn parses(change: &Change) -> Result<()> {
    if let Some(text) = change.new_text()
        && walk::is_source(change.path())
        && let Err(error) = Source::parse(change.path(), Arc::from(text))
    {
        bail!("{} does not parse: {}", change.path(), error.message);
    }
    Ok(())
}

/// What is written is what was shown.
fn same_as_diff(change: &Change) -> Result<()> {
    let shown = diff::render_one(change, "", false);
    let old = change.old_text().unwrap_or_default();
    let new = change.new_text().unwrap_or_default();
    if diff::apply(old, &shown).as_deref() != Some(new) {
        bail!("the diff of {} is not what is to be written", change.path());
    }
    Ok(())
}

/// The files of a project at one time.
struct Files<'a>(BTreeSet<&'a str>);

impl Files<'_> {
    /// Whether a module's path, which may lack its extension, names a file.
    fn resolve(&self, target: &str) -> bool {
        let with = |stem: &str, end: &str| self.0.contains(format!("{stem}{end}").as_str());
        let typed = [
            (".js", ".ts"),
            (".js", ".tsx"),
            (".jsx", ".tsx"),
            (".mjs", ".mts"),
        ];
        let index = walk::join(target, "index");
        self.0.contains(target)
            || EXTENSIONS
                .iter()
                .any(|end| with(target, end) || with(&index, end))
            || typed
                .iter()
                .any(|(from, to)| target.strip_suffix(from).is_some_and(|stem| with(stem, to)))
    }
}

/// Every import in a produced source that the file did not have before leads somewhere:
/// to a file of the project as it will be, or to where an import led that did not lead to
/// a file of the project before either, as generated code.
fn imports_resolve(project: &Project, changes: &[Change]) -> Result<()> {
    let before: BTreeSet<&str> = project.files.keys().map(String::as_str).collect();
    let mut after = before.clone();
    for change in changes {
        if let Some(old) = change.old_path() {
            after.remove(old);
        }
    }
    let produced = changes.iter().filter(|change| change.new_text().is_some());
    after.extend(produced.map(Change::path));
    let (before, after) = (Files(before), Files(after));
    let mut had: BTreeSet<String> = BTreeSet::new();
    let mut own: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for change in changes {
        if let (Some(path), Some(text)) = (change.old_path(), change.old_text()) {
            let specifiers = specifiers(path, text);
            had.extend(
                specifiers
                    .iter()
                    .filter_map(|text| target(project, path, text)),
            );
            own.insert(path, specifiers);
        }
    }
    for change in changes {
        let (path, Some(text)) = (change.path(), change.new_text()) else {
            continue;
        };
        for specifier in specifiers(path, text) {
            let Some(target) = target(project, path, &specifier) else {
                continue;
            };
            let led_nowhere = !before.resolve(&target)
                && (had.contains(&target)
                    || own.get(path).is_some_and(|own| own.contains(&specifier)));
            if !after.resolve(&target) && !led_nowhere {
                bail!("{path} would import {specifier}, which is no file");
            }
        }
    }
    Ok(())
}

fn specifiers(path: &str, text: &str) -> BTreeSet<String> {
    if !walk::is_source(path) {
        return BTreeSet::new();
    }
    let found = imports::scan(text.as_bytes()).into_iter();
    found
        .map(|import| {
            let specifier = import.specifier;
            specifier.split('?').next().unwrap_or_default().to_string()
        })
        .collect()
}

/// The path below the root that a relative specifier or one with an alias stands for.
fn target(project: &Project, path: &str, specifier: &str) -> Option<String> {
    let joined = if [".", ".."].contains(&specifier)
        || specifier.starts_with("./")
        || specifier.starts_with("../")
    {
        walk::join(walk::parent(path), specifier)
    } else {
        let apps = project.apps.iter();
        let app = apps
            .filter(|app| app.dir.is_empty() || path.starts_with(&format!("{}/", app.dir)))
            .max_by_key(|app| app.dir.len())?;
        app.aliases.iter().find_map(|alias| {
            let rest = specifier.strip_prefix(alias.prefix.as_str())?;
            Some(format!("{}{rest}", alias.target))
        })?
    };
    let root = Path::new("/");
    let normal = tsconfig::normal(&root.join(joined.trim_end_matches('/')));
    walk::relative(root, &normal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use routelift_transforms::project::File;

    fn project(files: &[&str]) -> Project {
        let files = files.iter().map(|path| (path.to_string(), File::default()));
        Project {
            files: files.collect(),
            ..Project::default()
        }
    }

    fn moved(new: &str) -> Vec<Change> {
        vec![Change::Rename {
            from: "pages/api/a.ts".into(),
            to: "app/api/a/route.ts".into(),
            old: "import x from '../../lib/x'\nimport g from '../../generated'\n".into(),
            new: new.into(),
        }]
    }

    #[test]
    fn imports_lead_somewhere() {
        let project = project(&["pages/api/a.ts", "lib/x.ts"]);
        let fine = "import x from '../../../lib/x'\nimport g from '../../../generated'\nimport n from 'next'\n";
        output(&project, &moved(fine)).unwrap();
        for wrong in [
            "'../../lib/x'",
            "'../../../other'",
            "'../../../pages/api/a'",
        ] {
            let changes = moved(&format!("import x from {wrong}\n"));
            let error = format!("{:#}", output(&project, &changes).unwrap_err());
            assert!(error.contains("is no file"), "{wrong}: {error}");
        }
    }

    #[test]
    fn sources_parse_and_do_not_overlap() {
        let project = project(&["pages/api/a.ts"]);
        let error = output(&project, &moved("const = 1\n")).unwrap_err();
        assert!(format!("{error:#}").contains("does not parse"), "{error:#}");
        let mut twice = moved("export {}\n");
        twice.push(Change::Delete {
            path: "pages/api/a.ts".into(),
            old: String::new(),
        });
        let error = output(&project, &twice).unwrap_err();
        assert!(format!("{error:#}").contains("two changes"), "{error:#}");
    }
}

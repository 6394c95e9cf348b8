//! Projects for tests.

use crate::facts::call::RouteKey;
use crate::next_version::NextVersion;
use crate::project::{App, File, Import, NextConfig, Project};

/// A project of these files, with one app at its root; `import './x'` is resolved.
pub(crate) fn project(files: &[(&str, &str)]) -> Project {
    let named = |specifier: &str, from: &str| {
        let dir = from.rsplit_once('/').map_or("", |(dir, _)| dir);
        let stem = format!("{dir}/{}.", specifier.trim_start_matches("./"));
        files
            .iter()
            .map(|(path, _)| *path)
            .find(|path| path.starts_with(stem.trim_start_matches('/')))
            .map(String::from)
    };
    let files = files
        .iter()
        .map(|(path, text)| {
            let imports = text
                .lines()
                .filter_map(|line| {
                    let (head, rest) = line.split_once("from '").or(line.split_once("import '"))?;
                    let specifier = rest.split('\'').next()?;
                    let braces = head
                        .split_once('{')
                        .and_then(|(_, names)| names.split_once('}'));
                    let names = braces.map(|(names, _)| {
                        let names = names
                            .split(',')
                            .filter_map(|name| name.split_whitespace().next());
                        names.map(Box::from).collect()
                    });
                    Some(Import {
                        specifier: specifier.to_string(),
                        resolved: named(specifier, path),
                        type_only: false,
                        names,
                        reexport: head.starts_with("export"),
                    })
                })
                .collect();
            let file = File {
                text: Some((*text).into()),
                imports,
                ..File::default()
            };
            ((*path).to_string(), file)
        })
        .collect();
    Project {
        files,
        apps: vec![App {
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
        }],
        ..Project::default()
    }
}

/// Routes of the one app.
pub(crate) fn routes(routes: &[&str]) -> Vec<RouteKey> {
    routes
        .iter()
        .map(|route| RouteKey {
            route: (*route).to_string(),
            app: 0,
        })
        .collect()
}

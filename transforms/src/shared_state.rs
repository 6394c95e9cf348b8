//! State at the top of a module that requests change. The two routers are bundled apart
//! (measured on 14, 15 and 16), so a module that both reach exists twice, each copy with
//! state of its own. In: which API files would move. Out: those that share such a module
//! with code that stays.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph;
use crate::project::{App, Project};

/// The first stateful module that each moving API file shares with what stays. Files that
/// are kept back because of one count as staying for the others.
pub fn shared(
    project: &Project,
    app: &App,
    moving: &BTreeSet<String>,
    staying: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let importers = graph::Importers::new(project);
    // For each stateful module the API files that reach it.
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, file) in &project.files {
        let is_api = moving.contains(path) || staying.contains(path);
        if !is_api && file.text.as_deref().is_some_and(has_state) {
            let above = importers.above(path);
            users.insert(path, above);
        }
    }
    let stateful: BTreeSet<&str> = users.keys().copied().collect();
    if stateful.is_empty() {
        return BTreeMap::new();
    }
    let mut left: BTreeSet<&str> = graph::Reach::new(project, app).pages(&stateful);
    let reached = |file: &str| -> Vec<&str> {
        users
            .iter()
            .filter(|(_, above)| above.contains(file))
            .map(|(module, _)| *module)
            .collect()
    };
    staying.iter().for_each(|file| left.extend(reached(file)));
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let next = moving
            .iter()
            .filter(|file| !found.contains_key(*file))
            .find_map(|file| {
                let module = reached(file).into_iter().find(|path| left.contains(path))?;
                Some((file.clone(), module.to_string()))
            });
        let Some((file, module)) = next else {
            return found;
        };
        left.extend(reached(&file));
        found.insert(file, module);
    }
}

/// Whether a module declares a list, object, map or set at its top and changes it later.
fn has_state(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some(rest) = ["const ", "let ", "var "]
            .iter()
            .find_map(|keyword| line.strip_prefix(keyword))
        else {
            return false;
        };
        let name: String = rest
            .chars()
            .take_while(|char| char.is_alphanumeric() || matches!(char, '_' | '$'))
            .collect();
        let Some((_, value)) = rest.split_once(" = ") else {
            return false;
        };
        let holds = ["[", "{", "new Map", "new Set", "new WeakMap"]
            .iter()
            .any(|start| value.starts_with(start));
        let changed = [
            ".push(",
            ".set(",
            ".add(",
            ".delete(",
            ".splice(",
            ".unshift(",
            ".clear(",
            ".pop(",
            ".shift(",
        ]
        .iter()
        .any(|call| text.contains(&format!("{name}{call}")));
        let assigned = text.match_indices(&format!("{name}[")).any(|(at, found)| {
            let after = &text[at + found.len()..];
            let close = after
                .find(']')
                .map_or("", |close| after[close + 1..].trim_start());
            close.starts_with('=') && !close.starts_with("==") && !close.starts_with("=>")
        });
        !name.is_empty() && holds && (changed || assigned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_changed_is_state() {
        assert!(has_state(
            "const notes: Note[] = []\nexport function add(note) {\n  notes.push(note)\n}\n"
        ));
        assert!(has_state(
            "export const hits = new Map()\nhits.set('a', 1)\n"
        ));
        assert!(has_state(
            "const cache = {}\nexport const put = (key, value) => { cache[key] = value }\n"
        ));
        assert!(!has_state(
            "export const roles = ['admin', 'editor']\nif (roles[0] === 'admin') {}\n"
        ));
        assert!(!has_state(
            "export function list() {\n  const out = []\n  out.push(1)\n}\n"
        ));
    }
}

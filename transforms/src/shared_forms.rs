//! Which form shared functions end in. In: the routes that move, with what their new files still
//! mention. Out: for each function that a route calls whether its old form stays, because
//! something else still calls it, and what the web form beside it is called.

use std::collections::{BTreeMap, BTreeSet};

use swc_core::ecma::ast::{Expr, ModuleDecl, ModuleItem};

use crate::emit::shared_module;
use crate::facts::members;
use crate::modules::{Key, Modules, function};
use crate::project::Project;
use crate::source::Source;
use crate::syntax::Names as Identifiers;

/// The names of web forms that stand beside the old forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// Every old form stays.
    All,
    /// These stay.
    Some(BTreeMap<Key, String>),
}

impl Names {
    /// The name of a function's web form, when its old form stays.
    pub fn get(&self, key: &Key) -> Option<String> {
        match self {
            Names::All => Some(beside(&key.name)),
            Names::Some(names) => names.get(key).cloned(),
        }
    }
}

/// The name of a web form beside the old form of this name.
fn beside(name: &str) -> String {
    format!("{name}ForRoute")
}

/// What a route that moves leaves of the functions that it shares.
pub struct Mover<'m> {
    /// The API file.
    pub file: &'m str,
    /// The functions that it calls.
    pub calls: &'m BTreeSet<Key>,
    /// The text of its new file, in which every function has another name.
    pub text: &'m str,
}

/// The functions that routes call, and those that these call in turn.
pub fn closure<'k>(modules: &Modules, keys: impl IntoIterator<Item = &'k Key>) -> BTreeSet<Key> {
    let mut found = BTreeSet::new();
    let mut todo: Vec<Key> = keys.into_iter().cloned().collect();
    while let Some(key) = todo.pop() {
        if !found.contains(&key) {
            if let Some(shared) = modules.shared(&key) {
                todo.extend(shared.calls.iter().cloned());
            }
            found.insert(key);
        }
    }
    found
}

/// The names of the web forms whose old forms stay.
pub fn names(project: &Project, modules: &Modules, movers: &[Mover]) -> BTreeMap<Key, String> {
    let forms = closure(modules, movers.iter().flat_map(|mover| mover.calls));
    let mut stays: BTreeSet<&Key> = forms
        .iter()
        .filter(|key| used_outside(project, modules, &forms, movers, key))
        .collect();
    // What stays keeps what it calls.
    loop {
        let more: Vec<&Key> = forms
            .iter()
            .filter(|key| !stays.contains(*key))
            .filter(|key| stays.iter().any(|old| mentions_old(modules, old, key)))
            .collect();
        if more.is_empty() {
            break;
        }
        stays.extend(more);
    }
    stays
        .into_iter()
        .map(|key| (key.clone(), beside(&key.name)))
        .collect()
}

/// Whether the old text of a function mentions another.
fn mentions_old(modules: &Modules, from: &Key, key: &Key) -> bool {
    if let Some(factory) = modules.factory(&from.file, &from.name) {
        // What was taken out of it, it has itself.
        if factory.parts().any(|part| part == key.name) {
            return false;
        }
    }
    let Some(module) = modules.library(&from.file) else {
        return true;
    };
    let Some(function) = function(&module, &from.name) else {
        return true;
    };
    let text = &module.source.text[function.range.clone()];
    modules
        .local_names(&from.file, &key.file, &key.name)
        .iter()
        .any(|name| mentions(text, name))
}

/// Whether anything but the routes that move and the functions that they call uses a function.
fn used_outside(
    project: &Project,
    modules: &Modules,
    forms: &BTreeSet<Key>,
    movers: &[Mover],
    key: &Key,
) -> bool {
    if let Some((owner, member)) = members::split(&key.name) {
        return member_used(project, modules, forms, movers, key, (owner, member));
    }
    if used_in(modules, forms, &key.file, key) {
        return true;
    }
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    let exported = modules.exported_as(&key.file, &key.name);
    let mut todo: Vec<(String, String)> = exported
        .into_iter()
        .map(|name| (key.file.clone(), name))
        .collect();
    while let Some((file, name)) = todo.pop() {
        if !seen.insert((file.clone(), name.clone())) {
            continue;
        }
        for (path, entry) in &project.files {
            let imports = entry
                .imports
                .iter()
                .filter(|import| import.resolved.as_deref() == Some(file.as_str()))
                .filter(|import| import.takes(&name));
            let mut imports = imports.peekable();
            if imports.peek().is_none() {
                continue;
            }
            if let Some(mover) = movers.iter().find(|mover| mover.file == path) {
                let locals = modules.local_names(path, &key.file, &key.name);
                // A file that only passed it on has no name for it, and calls it now.
                let called = |own: &Key| own.file == key.file && own.name == key.name;
                if imports.all(|import| import.reexport) && mover.calls.iter().any(called) {
                    continue;
                }
                let text = without_specifiers(mover.text);
                if locals.is_empty() || locals.iter().any(|local| mentions(&text, local)) {
                    return true;
                }
                continue;
            }
            if modules.factory(&key.file, &key.name).is_some() && modules.lists(path, &file, &name)
            {
                // What lists it would list nothing.
                return true;
            }
            let (passing, taking): (Vec<_>, Vec<_>) = imports.partition(|import| import.reexport);
            // What takes it by another way than an import declaration, as by `require`, or in a file
            // that does not parse, is not seen below.
            if !taking.is_empty() && modules.local_names(path, &key.file, &key.name).is_empty() {
                return true;
            }
            if !passing.is_empty() {
                let exported = modules.exported_as_of(path, &file, &name);
                todo.extend(exported.into_iter().map(|name| (path.clone(), name)));
            }
            if entry.text.is_none() || used_in(modules, forms, path, key) {
                return true;
            }
        }
    }
    false
}

/// The same for a member of a class or an object. The methods of instances may be called wherever
/// an instance comes, so that every file that takes a member of this name counts.
fn member_used(
    project: &Project,
    modules: &Modules,
    forms: &BTreeSet<Key>,
    movers: &[Mover],
    key: &Key,
    (owner, member): (&str, &str),
) -> bool {
    let declared = project.files.get(&key.file);
    let text = declared
        .and_then(|file| file.text.as_deref())
        .unwrap_or_default();
    if text.contains(&format!("class {owner} implements")) {
        return true;
    }
    let instances = text.contains(&format!("class {owner}"));
    let takes = |path: &str, text: &str| {
        let any = takes_member(text, member);
        if !any || instances {
            return any;
        }
        let owners = modules.local_names(path, &key.file, owner);
        owners.iter().any(|local| takes_of(text, local, member))
    };
    let near = importing(project, &key.file, instances);
    project.files.iter().any(|(path, file)| {
        if let Some(mover) = movers.iter().find(|mover| mover.file == path) {
            return takes(path, mover.text);
        }
        // A file that was not read may take whatever comes to it.
        let Some(text) = file.text.as_deref() else {
            return near.contains(path.as_str());
        };
        if !takes(path, text) {
            return false;
        }
        // What gets a web form counts as it is then.
        let mut rest = text.to_string();
        let mut anew = String::new();
        for form in forms.iter().filter(|form| form.file == *path) {
            let Some(module) = modules.library(path) else {
                return true;
            };
            let old = function(&module, &form.name).map(|function| function.statement.clone());
            let (Some(old), Some(new)) = (old, shared_module::renamed(modules, form)) else {
                return true;
            };
            rest.replace_range(old.clone(), &" ".repeat(old.len()));
            anew.push_str(&new);
        }
        takes(path, &rest) || takes(path, &anew)
    })
}

/// The files to which what a module exports comes: those that import it or what passes it on, and,
/// where that counts, those that import one of them in turn.
fn importing<'p>(project: &'p Project, file: &'p str, in_turn: bool) -> BTreeSet<&'p str> {
    let mut importers: BTreeMap<&str, Vec<(&str, bool)>> = BTreeMap::new();
    for (path, entry) in &project.files {
        for import in entry.imports.iter().filter(|import| !import.type_only) {
            if let Some(from) = import.resolved.as_deref() {
                let passes = in_turn || import.reexport;
                importers.entry(from).or_default().push((path, passes));
            }
        }
    }
    let mut found = BTreeSet::new();
    let mut passed = BTreeSet::new();
    let mut todo = vec![file];
    while let Some(from) = todo.pop() {
        for (path, passes) in importers.get(from).into_iter().flatten() {
            found.insert(*path);
            if *passes && passed.insert(*path) {
                todo.push(path);
            }
        }
    }
    found
}

/// The places of a word in a text: what stands before and behind it.
fn places<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
    let part = |char: char| char.is_alphanumeric() || char == '_' || char == '$';
    text.match_indices(word)
        .map(|(at, _)| (&text[..at], &text[at + word.len()..]))
        .filter(move |(before, after)| {
            !before.chars().next_back().is_some_and(part) && !after.chars().next().is_some_and(part)
        })
}

/// Whether a text takes a member of this name, as `object.name`, `object['name']` or `{ name }`.
fn takes_member(text: &str, name: &str) -> bool {
    places(text, name).any(|(before, after)| {
        let before = before.trim_end();
        let apart = after.trim_start().starts_with(['}', ',', ':', '=']);
        before.ends_with(['.', '\'', '"', '`']) || apart && before.ends_with(['{', ','])
    })
}

/// Whether a text takes the member of this object, or may: by anything but another member.
fn takes_of(text: &str, object: &str, member: &str) -> bool {
    places(text, object).any(|(before, after)| {
        let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
        if line.starts_with("import ") || line.starts_with("export ") {
            return false;
        }
        let after = after.strip_prefix('?').unwrap_or(after);
        match after.strip_prefix('.') {
            Some(name) => places(name, member)
                .next()
                .is_some_and(|(before, _)| before.is_empty()),
            None => true,
        }
    })
}

/// Whether a module uses a function anywhere but in functions that get a web form.
fn used_in(modules: &Modules, forms: &BTreeSet<Key>, file: &str, key: &Key) -> bool {
    let locals = modules.local_names(file, &key.file, &key.name);
    if locals.is_empty() {
        return false;
    }
    let Some(source) = modules.source(file) else {
        return true;
    };
    source
        .items()
        .iter()
        .any(|item| item_uses(modules, forms, source, item, key, &locals))
}

fn item_uses(
    modules: &Modules,
    forms: &BTreeSet<Key>,
    source: &Source,
    item: &ModuleItem,
    key: &Key,
    locals: &[String],
) -> bool {
    match item {
        ModuleItem::ModuleDecl(
            ModuleDecl::Import(_) | ModuleDecl::ExportNamed(_) | ModuleDecl::ExportAll(_),
        ) => return false,
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export))
            if matches!(&*export.expr, Expr::Ident(_)) =>
        {
            return false;
        }
        _ => {}
    }
    let range = source.range(item);
    let uses = Identifiers::of(source, item);
    if !uses
        .all
        .iter()
        .any(|(name, _)| locals.iter().any(|local| *name.0 == **local))
    {
        return false;
    }
    let form = forms.iter().find(|form| {
        form.file == source.path
            && shared_module::statement_of(source, &form.name).as_ref() == Some(&range)
    });
    let Some(form) = form else { return true };
    if form.file == key.file && form.name == key.name {
        // Its own name stands in its own head.
        return false;
    }
    match shared_module::renamed(modules, form) {
        Some(text) => locals.iter().any(|local| mentions(&text, local)),
        None => true,
    }
}

/// A text without the specifiers of its imports.
fn without_specifiers(text: &str) -> String {
    let code = |line: &str| match line.rfind(" from ") {
        Some(at) => line[..at].to_string(),
        None => line.to_string(),
    };
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// Whether a text has a word.
pub fn mentions(text: &str, word: &str) -> bool {
    places(text, word).next().is_some()
}

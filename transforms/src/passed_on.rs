//! Modules that pass on functions by their names: `export { requireUser } from './session'`. In:
//! the files that call the web form of a function that keeps its old form, too. Out: the modules
//! between them and the function that have to pass on the new name beside the old one, with their
//! new texts.

use std::collections::{BTreeMap, BTreeSet};

use swc_core::ecma::ast::*;

use crate::edit::Edits;
use crate::emit::layout;
use crate::emit::shared_module::SharedModule;
use crate::emit::style::Style;
use crate::modules::{Key, Modules};
use crate::source::Source;
use crate::syntax::Names;

/// A name in the list of a module that passes it on: the module, and the name that others import.
pub type Listed = (String, String);

/// The names that have to stand in such lists, each behind another.
#[derive(Debug, Default)]
pub struct Lists(BTreeMap<String, BTreeSet<(String, String)>>);

impl Lists {
    /// Takes in that a name goes behind these.
    pub fn add(&mut self, listed: impl IntoIterator<Item = Listed>, new: &str) {
        for (file, name) in listed {
            let lists = self.0.entry(file).or_default();
            lists.insert((name, new.to_string()));
        }
    }

    /// The modules that pass names on.
    pub fn files(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Takes in others.
    pub fn extend(&mut self, other: Lists) {
        for (file, names) in other.0 {
            self.0.entry(file).or_default().extend(names);
        }
    }

    /// Whether every list can grow.
    pub fn fits(&self, modules: &Modules) -> bool {
        self.write(modules).values().all(Option::is_some)
    }

    /// Writes the modules; `None` for one whose list cannot grow.
    pub fn write(&self, modules: &Modules) -> BTreeMap<String, Option<SharedModule>> {
        let grown = |(file, names): (&String, &BTreeSet<(String, String)>)| {
            let entry = modules.project().files.get(file);
            let old = entry.and_then(|file| file.text.as_deref());
            let source = modules.source(file);
            let source = source.filter(|source| Some(&*source.text) == old);
            (file.clone(), grown(source, names))
        };
        self.0.iter().map(grown).collect()
    }
}

/// A module with names in its lists behind those that are there.
fn grown(source: Option<&Source>, names: &BTreeSet<(String, String)>) -> Option<SharedModule> {
    let source = source?;
    let mut edits = Edits::default();
    let taken = Names::of(source, &source.module).all;
    for (name, new) in names {
        let place = place(source, name)?;
        if place.has(new) {
            continue;
        }
        if taken.iter().any(|((taken, _), _)| **taken == **new) {
            return None;
        }
        edits.insert(place.end, format!(", {new}"));
    }
    let text = edits.render(&source.text, 0..source.text.len()).ok()?;
    Some(SharedModule {
        text: layout::lay_out(source, text),
        helpers: BTreeSet::new(),
        style: Style::of(source),
    })
}

/// Where a name stands in a list.
struct Place<'a> {
    list: &'a NamedExport,
    end: usize,
}

impl Place<'_> {
    /// Whether the list has another name, too.
    fn has(&self, name: &str) -> bool {
        let mut names = self.list.specifiers.iter();
        names.any(|specifier| exported(specifier).as_deref() == Some(name))
    }
}

fn place<'a>(source: &'a Source, name: &str) -> Option<Place<'a>> {
    source.items().iter().find_map(|item| {
        let ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(list)) = item else {
            return None;
        };
        list.src.as_ref()?;
        let mut specifiers = list.specifiers.iter();
        let specifier =
            specifiers.find(|specifier| exported(specifier).as_deref() == Some(name))?;
        let end = source.range(specifier).end;
        Some(Place { list, end })
    })
}

/// The name by which others import what a list names.
fn exported(specifier: &ExportSpecifier) -> Option<String> {
    let ExportSpecifier::Named(named) = specifier else {
        return None;
    };
    match named.exported.as_ref().unwrap_or(&named.orig) {
        ModuleExportName::Ident(name) => Some(name.sym.to_string()),
        ModuleExportName::Str(_) => None,
    }
}

/// The lists through which these files import a function; `None` where another way than a list
/// does not pass on a new name.
pub fn between<'f>(
    modules: &Modules,
    files: impl IntoIterator<Item = &'f str>,
    key: &Key,
) -> Option<Vec<Listed>> {
    let mut found = Vec::new();
    for file in files.into_iter().filter(|file| *file != key.file) {
        found.extend(modules.lists_between(file, key)?);
    }
    Some(found)
}

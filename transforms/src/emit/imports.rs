//! Imports that emitters ask for, rendered once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use swc_core::ecma::ast::*;

use super::style::{Style, line_start};
use crate::edit::Edits;
use crate::source::Source;
use crate::surroundings::is_relative;
use crate::syntax::{Names, id};

/// The imports that a file needs.
#[derive(Debug, Clone, Default)]
pub struct Imports {
    /// Names by module: the name and whether it is only a type.
    wanted: BTreeMap<String, BTreeMap<String, bool>>,
    /// Imported names that other names of the same modules stand in for.
    renamed: BTreeMap<String, String>,
    /// Imported names that go where nothing uses them, because what used them went earlier.
    pub lost: BTreeSet<String>,
}

impl Imports {
    /// Asks for a value.
    pub fn value(&mut self, module: &str, name: &str) {
        self.wanted
            .entry(module.to_string())
            .or_default()
            .insert(name.to_string(), false);
    }

    /// Asks for a type.
    pub fn type_only(&mut self, module: &str, name: &str) {
        self.wanted
            .entry(module.to_string())
            .or_default()
            .entry(name.to_string())
            .or_insert(true);
    }

    /// Asks for other names in place of some that the file imports, from the same modules.
    pub fn rename(&mut self, names: &BTreeMap<String, String>) {
        self.renamed.extend(names.clone());
    }

    /// Takes what another set asks for.
    pub fn extend(&mut self, other: &Imports) {
        for (module, names) in &other.wanted {
            for (name, type_only) in names {
                if *type_only {
                    self.type_only(module, name)
                } else {
                    self.value(module, name)
                }
            }
        }
        self.rename(&other.renamed);
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The import statements as lines, without those names that `present` says are there.
    pub fn lines(&self, style: &Style, typescript: bool) -> Vec<String> {
        let mut lines = Vec::new();
        // Packages first, then the project's own modules.
        let own = |module: &str| module.starts_with(['.', '@', '~', '#']);
        let mut modules: Vec<_> = self.wanted.iter().collect();
        modules.sort_by_key(|(module, _)| own(module));
        for (module, names) in modules {
            let all_types = names.values().all(|type_only| *type_only);
            let list: Vec<String> = names
                .iter()
                .map(
                    |(name, type_only)| match (*type_only && !all_types, typescript) {
                        (true, true) => format!("type {name}"),
                        _ => name.clone(),
                    },
                )
                .collect();
            let keyword = if all_types && typescript {
                "import type"
            } else {
                "import"
            };
            lines.push(format!(
                "{keyword} {{ {} }} from {}{}",
                list.join(", "),
                style.string(module),
                style.semi
            ));
        }
        lines
    }

    /// Asks for the names that stand in for others which stay, and for default imports. `rebase`
    /// gives a specifier as it is spelled where the file goes.
    pub fn add_renamed(
        &mut self,
        source: &Source,
        kept: &[Range<usize>],
        rebase: &dyn Fn(&str) -> String,
    ) {
        let names = Names::of(source, &source.module);
        for item in source.items() {
            let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item else {
                continue;
            };
            let module = import.src.value.to_string_lossy().into_owned();
            for specifier in &import.specifiers {
                let local = specifier.local();
                let Some(new) = self.renamed.get(&*local.sym).cloned() else {
                    continue;
                };
                let stays = used(&names, &id(local), &source.range(import), kept).0;
                if stays || !matches!(specifier, ImportSpecifier::Named(_)) {
                    let module = if is_relative(&module) {
                        rebase(&module)
                    } else {
                        module.clone()
                    };
                    self.value(&module, &new);
                }
            }
        }
    }

    /// Leaves out what a file imports already.
    pub fn without(&mut self, source: &Source) {
        for item in source.items() {
            let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item else {
                continue;
            };
            let module = import.src.value.to_string_lossy().into_owned();
            let Some(names) = self.wanted.get_mut(&module) else {
                continue;
            };
            for specifier in &import.specifiers {
                if let ImportSpecifier::Named(named) = specifier
                    && named.imported.is_none()
                    && !import.type_only
                    && !named.is_type_only
                {
                    names.remove(&*named.local.sym);
                }
            }
            if names.is_empty() {
                self.wanted.remove(&module);
            }
        }
    }

    /// Writes the imports into a file and removes those that nothing uses any more: the new ones
    /// stand in the place of the first that goes, or before the first that stays. `kept` are
    /// the ranges of the file that stay.
    pub fn place(
        &mut self,
        source: &Source,
        style: &Style,
        kept: &[Range<usize>],
        edits: &mut Edits,
    ) {
        let gone = remove_unused_but(source, kept, &self.renamed, &self.lost, edits);
        self.without(source);
        let mut new = self.lines(style, source.typescript()).join("\n");
        for statement in gone {
            let whole =
                line_start(&source.text, statement.start).max(source.start())..statement.end;
            if !new.is_empty() {
                edits.replace(whole, std::mem::take(&mut new));
                continue;
            }
            let rest = &source.text[whole.end..];
            let mut end = whole.end + rest.find('\n').map_or(rest.len(), |at| at + 1);
            // Of two empty lines around it one stays.
            let blank = |text: &str| text.starts_with(['\n', '\r']);
            let before = source.text[..whole.start].trim_end_matches(['\n', '\r']);
            let apart = source.text[before.len()..whole.start].matches('\n').count() > 1;
            if (apart || before.is_empty()) && blank(&source.text[end..]) {
                end += source.text[end..].find('\n').map_or(0, |at| at + 1);
            }
            edits.delete(whole.start..end);
        }
        if new.is_empty() {
            return;
        }
        let is_import =
            |item: &&ModuleItem| matches!(item, ModuleItem::ModuleDecl(ModuleDecl::Import(_)));
        match source.items().iter().find(is_import) {
            Some(first) => edits.insert(source.range(first).start, format!("{new}\n")),
            None => edits.insert(source.start(), format!("{new}\n\n")),
        }
    }
}

/// Removes import specifiers that nothing uses any more. `kept` are the ranges of the file
/// that stay; a name that was unused before stays too. Gives the place where the first
/// removed import stood, when a whole statement goes.
pub fn remove_unused(
    source: &Source,
    kept: &[Range<usize>],
    edits: &mut Edits,
) -> Vec<Range<usize>> {
    remove_unused_but(source, kept, &BTreeMap::new(), &BTreeSet::new(), edits)
}

/// Removes imported names that nothing in a file uses, of those that are said to be lost.
pub fn remove_lost(source: &Source, lost: &BTreeSet<String>, edits: &mut Edits) {
    let whole = 0..source.text.len();
    let kept = std::slice::from_ref(&whole);
    for statement in remove_unused_but(source, kept, &BTreeMap::new(), lost, edits) {
        edits.delete(super::web_native::whole_lines(source, &statement));
    }
}

/// The names that a file imports and uses.
pub fn used_names(source: &Source) -> BTreeSet<String> {
    let names = Names::of(source, &source.module);
    let whole = 0..source.text.len();
    let kept = std::slice::from_ref(&whole);
    let mut found = BTreeSet::new();
    for item in source.items() {
        let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item else {
            continue;
        };
        let statement = source.range(import);
        let locals = import.specifiers.iter().map(ImportSpecifier::local);
        let used = locals.filter(|local| used(&names, &id(local), &statement, kept).0);
        found.extend(used.map(|local| local.sym.to_string()));
    }
    found
}

/// Whether a binding is used in the ranges that stay, and whether it was used at all.
fn used(
    names: &Names,
    local: &crate::syntax::Id,
    statement: &Range<usize>,
    kept: &[Range<usize>],
) -> (bool, bool) {
    let uses: Vec<&Range<usize>> = names
        .all
        .iter()
        .filter(|(name, at)| name == local && !inside(statement, at))
        .map(|(_, at)| at)
        .collect();
    let stays = |at: &&Range<usize>| kept.iter().any(|range| inside(range, at));
    (uses.iter().any(stays), !uses.is_empty())
}

/// As [`remove_unused`]; names for which others stand in are replaced by those.
fn remove_unused_but(
    source: &Source,
    kept: &[Range<usize>],
    renamed: &BTreeMap<String, String>,
    lost: &BTreeSet<String>,
    edits: &mut Edits,
) -> Vec<Range<usize>> {
    let names = Names::of(source, &source.module);
    let mut gone = Vec::new();
    for item in source.items() {
        let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item else {
            continue;
        };
        if import.specifiers.is_empty() {
            continue;
        }
        let statement = source.range(import);
        let unused: BTreeSet<usize> = import
            .specifiers
            .iter()
            .enumerate()
            .filter(|(_, specifier)| {
                let local = specifier.local();
                match used(&names, &id(local), &statement, kept) {
                    (true, _) => false,
                    (false, before) => before || lost.contains(&*local.sym),
                }
            })
            .map(|(index, _)| index)
            .collect();
        let stand_in = |specifier: &ImportSpecifier| match specifier {
            ImportSpecifier::Named(_) => renamed.get(&*specifier.local().sym),
            _ => None,
        };
        let unused: BTreeSet<usize> = unused
            .into_iter()
            .filter(|index| {
                let specifier = &import.specifiers[*index];
                let new = stand_in(specifier);
                if let Some(new) = new {
                    edits.replace_soft(source.range(specifier), new.clone());
                }
                new.is_none()
            })
            .collect();
        if unused.is_empty() {
            continue;
        }
        if unused.len() == import.specifiers.len() {
            gone.push(statement);
            continue;
        }
        let named: Vec<(usize, Range<usize>)> = import
            .specifiers
            .iter()
            .enumerate()
            .filter(|(_, specifier)| matches!(specifier, ImportSpecifier::Named(_)))
            .map(|(index, specifier)| (index, source.range(specifier)))
            .collect();
        let all_named_gone =
            !named.is_empty() && named.iter().all(|(index, _)| unused.contains(index));
        if all_named_gone && named.len() < import.specifiers.len() && !unused.contains(&0) {
            // `import a, { b } from` becomes `import a from`.
            let first = source.range(&import.specifiers[0]);
            let close = source.text[..source.range(&*import.src).start]
                .rfind('}')
                .map_or(first.end, |at| at + 1);
            edits.delete(first.end..close);
            continue;
        }
        if unused.contains(&0) && !matches!(import.specifiers[0], ImportSpecifier::Named(_)) {
            let first = source.range(&import.specifiers[0]);
            let open = source.text[first.end..]
                .find(['{', '*'])
                .map_or(first.end, |at| first.end + at);
            edits.delete(first.start..open);
        }
        if let (Some((_, first)), Some((_, last))) = (named.first(), named.last())
            && named.iter().any(|(index, _)| unused.contains(index))
        {
            let kept: Vec<&str> = named
                .iter()
                .filter(|(index, _)| !unused.contains(index))
                .map(|(index, range)| {
                    let specifier = &import.specifiers[*index];
                    let new = stand_in(specifier)
                        .filter(|_| !used(&names, &id(specifier.local()), &statement, kept).0);
                    new.map_or(&source.text[range.clone()], String::as_str)
                })
                .collect();
            let whole = first.start..last.end;
            let indent = super::style::indentation(&source.text, first.start);
            let comma = if source.text[whole.clone()].contains('\n') {
                format!(",\n{indent}")
            } else {
                ", ".to_string()
            };
            edits.replace(whole, kept.join(&comma));
        }
    }
    gone
}

fn inside(range: &Range<usize>, at: &Range<usize>) -> bool {
    range.start <= at.start && at.end <= range.end
}

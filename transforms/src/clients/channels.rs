//! The functions of a project through which requests go, over the module graph. In: the files that
//! were parsed. Out: for each file the names that are channels there, defined or imported, also through
//! files that pass them on; and, once all were walked, which channels were followed to every use, so
//! that what they say of URLs in general counts no more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use memchr::memmem;
use swc_core::ecma::ast::*;

use super::channel::{self, Channel};
use super::pattern::Pattern;
use super::values::Value;
use crate::facts::call::{Call, Client};
use crate::project::{Import, Project};
use crate::source::Source;

/// Functions call functions only this deep.
const MAX_ROUNDS: usize = 4;

/// The channels of a project.
pub(super) struct Channels {
    roots: Vec<Root>,
    /// By file and exported name.
    exports: BTreeMap<(String, String), usize>,
    /// By file and the file's own name for it.
    bound: HashMap<String, HashMap<Id, usize>>,
    /// Those that something uses in a way that is not followed.
    leaking: BTreeSet<usize>,
    /// Those that are used in a way that is.
    used: BTreeSet<usize>,
}

/// A channel, and where it is defined.
struct Root {
    file: String,
    range: Range<usize>,
    channel: Channel,
}

/// The channels that a file knows by its own names.
pub(super) struct Bound<'c> {
    names: HashMap<Id, (usize, &'c Channel)>,
}

impl Bound<'_> {
    /// The URLs that names hold.
    pub fn urls(&self) -> HashMap<Id, Value> {
        let held = self
            .names
            .iter()
            .filter_map(|(id, (_, channel))| match channel {
                Channel::Urls(value) => Some((id.clone(), value.clone())),
                _ => None,
            });
        held.collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names, with the numbers of their channels.
    pub fn names(&self) -> impl Iterator<Item = (&Id, usize)> {
        self.names.iter().map(|(id, (number, _))| (id, *number))
    }

    /// The channel that a name is.
    pub fn of(&self, name: &Id) -> Option<&Channel> {
        self.names.get(name).map(|(_, channel)| *channel)
    }
}

impl Channels {
    /// Finds the channels of these files.
    pub fn find(
        project: &Project,
        sources: &BTreeMap<&str, Source>,
        names_route: &dyn Fn(&str, &Pattern) -> bool,
    ) -> Channels {
        let mut channels = Channels {
            roots: Vec::new(),
            exports: BTreeMap::new(),
            bound: HashMap::new(),
            leaking: BTreeSet::new(),
            used: BTreeSet::new(),
        };
        let mut read: BTreeMap<&str, usize> = BTreeMap::new();
        for _ in 0..MAX_ROUNDS {
            let before = channels.roots.len();
            for (path, source) in sources {
                let known = channels.known(path);
                let holds = |text: &str| super::mentions(text) && text.contains("export");
                if known.is_empty() && !sends(&source.text) && !holds(&source.text) {
                    continue;
                }
                // What it imports has not changed since it was read.
                if read.insert(path, known.len()) == Some(known.len()) {
                    continue;
                }
                for definition in
                    channel::definitions(source, &known, &|text| names_route(path, text))
                {
                    channels.define(path, definition);
                }
            }
            channels.pass_on(project, sources);
            if channels.roots.len() == before {
                break;
            }
        }
        channels.refuse_unseen(project, sources);
        channels
    }

    fn known(&self, path: &str) -> HashMap<Id, Channel> {
        let bound = self.bound.get(path).into_iter().flatten();
        bound
            .map(|(id, root)| (id.clone(), self.roots[*root].channel.clone()))
            .collect()
    }

    fn define(&mut self, path: &str, definition: channel::Definition) {
        let known = |root: &Root| root.file == path && root.range == definition.range;
        if self.roots.iter().any(known) {
            return;
        }
        let number = self.roots.len();
        if let Some(id) = definition.id {
            let names = self.bound.entry(path.to_string()).or_default();
            if names.contains_key(&id) {
                return;
            }
            names.insert(id, number);
        }
        for name in definition.exports {
            self.exports.insert((path.to_string(), name), number);
        }
        self.roots.push(Root {
            file: path.to_string(),
            range: definition.range,
            channel: definition.channel,
        });
    }

    /// Follows exports through imports and files that pass them on.
    fn pass_on(&mut self, project: &Project, sources: &BTreeMap<&str, Source>) {
        loop {
            let before = self.exports.len();
            for (path, source) in sources {
                let Some(file) = project.files.get(*path) else {
                    continue;
                };
                let resolved = |specifier: &str| {
                    let mut imports = file.imports.iter();
                    imports
                        .find(|import| import.specifier == specifier)
                        .and_then(|import| import.resolved.clone())
                };
                for item in source.items() {
                    self.item(path, item, &resolved);
                }
                for (id, name) in channel::exported(source) {
                    let root = self.bound.get(*path).and_then(|names| names.get(&id));
                    if let Some(root) = root.copied() {
                        self.exports.entry((path.to_string(), name)).or_insert(root);
                    }
                }
            }
            if self.exports.len() == before {
                return;
            }
        }
    }

    fn item(&mut self, path: &str, item: &ModuleItem, resolved: &dyn Fn(&str) -> Option<String>) {
        let ModuleItem::ModuleDecl(item) = item else {
            return;
        };
        match item {
            ModuleDecl::Import(import) if !import.type_only => {
                let Some(from) = resolved(&import.src.value.to_string_lossy()) else {
                    return;
                };
                for specifier in &import.specifiers {
                    let (local, name) = match specifier {
                        ImportSpecifier::Named(named) => (&named.local, imported(named)),
                        ImportSpecifier::Default(default) => (&default.local, "default".into()),
                        ImportSpecifier::Namespace(_) => continue,
                    };
                    if let Some(root) = self.exports.get(&(from.clone(), name)).copied() {
                        let names = self.bound.entry(path.to_string()).or_default();
                        names.insert(local.to_id(), root);
                    }
                }
            }
            ModuleDecl::ExportNamed(export) if !export.type_only => {
                let from = export.src.as_ref();
                let from = from.and_then(|from| resolved(&from.value.to_string_lossy()));
                let Some(from) = from else { return };
                for specifier in &export.specifiers {
                    let ExportSpecifier::Named(named) = specifier else {
                        continue;
                    };
                    let name = named.orig.atom().to_string();
                    if let Some(root) = self.exports.get(&(from.clone(), name)).copied() {
                        let exported = named.exported.as_ref().unwrap_or(&named.orig);
                        let exported = exported.atom().to_string();
                        self.exports.insert((path.to_string(), exported), root);
                    }
                }
            }
            ModuleDecl::ExportAll(export) if !export.type_only => {
                let Some(from) = resolved(&export.src.value.to_string_lossy()) else {
                    return;
                };
                let passed: Vec<(String, usize)> = self
                    .exports
                    .iter()
                    .filter(|((file, name), _)| *file == from && name != "default")
                    .map(|((_, name), root)| (name.clone(), *root))
                    .collect();
                for (name, root) in passed {
                    self.exports.entry((path.to_string(), name)).or_insert(root);
                }
            }
            _ => {}
        }
    }

    /// Marks the channels that a file takes in a way that does not show what it does with them.
    fn refuse_unseen(&mut self, project: &Project, sources: &BTreeMap<&str, Source>) {
        for (path, file) in &project.files {
            for import in file.imports.iter().filter(|import| !import.type_only) {
                let Some(from) = &import.resolved else {
                    // Another package of the repository may be behind it.
                    let names = import.names.iter().flatten();
                    let names: Vec<&str> = names.map(|name| &**name).collect();
                    let taken = self.exports.iter().filter(|((_, name), _)| {
                        name != "default" && names.contains(&name.as_str())
                    });
                    self.leaking.extend(taken.map(|(_, root)| *root));
                    continue;
                };
                let source = sources.get(path.as_str());
                let unseen: Vec<usize> = self
                    .exports_of(from)
                    .filter(|(name, _)| import.takes(name))
                    .filter(|(name, _)| {
                        !source.is_some_and(|source| takes_by_name(source, import, name))
                    })
                    .map(|(_, root)| root)
                    .collect();
                self.leaking.extend(unseen);
            }
        }
    }

    /// What a file exports: the names, and the numbers of their channels.
    fn exports_of(&self, file: &str) -> impl Iterator<Item = (&str, usize)> {
        let file = file.to_string();
        self.exports
            .range((file.clone(), String::new())..)
            .take_while(move |((exporter, _), _)| *exporter == file)
            .map(|((_, name), root)| (name.as_str(), *root))
    }

    /// Whether a file imports one of them.
    pub fn are_taken_by(&self, file: &crate::project::File) -> bool {
        file.imports.iter().any(|import| {
            let from = import.resolved.as_ref().filter(|_| !import.type_only);
            from.is_some_and(|from| self.exports_of(from).any(|(name, _)| import.takes(name)))
        })
    }

    /// The channels that a file knows.
    pub fn of(&self, path: &str) -> Bound<'_> {
        let bound = self.bound.get(path).into_iter().flatten();
        Bound {
            names: bound
                .map(|(id, root)| (id.clone(), (*root, &self.roots[*root].channel)))
                .collect(),
        }
    }

    /// Takes which channels a file uses, and in a place that is not followed (`true`).
    pub fn met(&mut self, roots: impl IntoIterator<Item = (usize, bool)>) {
        for (root, leaks) in roots {
            let known = if leaks {
                &mut self.leaking
            } else {
                &mut self.used
            };
            known.insert(root);
        }
    }

    /// Whether a place lies in a channel all of whose uses are known, so that these say what it
    /// asks for.
    pub fn is_followed(&self, call: &Call) -> bool {
        let place = &call.place;
        let around = |open: &Range<usize>| open.start <= place.start && place.end <= open.end;
        self.roots.iter().enumerate().any(|(number, root)| {
            let counts = match &root.channel {
                Channel::Urls(_) => call.client == Client::Constant,
                _ => !call.exact,
            };
            // What nothing seems to use may be used from where imports do not show.
            counts
                && self.used.contains(&number)
                && root.channel.open().iter().any(around)
                && root.file == place.file
                && !self.leaking.contains(&number)
        })
    }
}

/// The name by which a module exports what is imported.
fn imported(named: &ImportNamedSpecifier) -> String {
    match &named.imported {
        Some(imported) => imported.atom().to_string(),
        None => named.local.sym.to_string(),
    }
}

/// Whether a text may send requests.
pub(super) fn sends(text: &str) -> bool {
    ["fetch(", "axios", "baseURL", "prefixUrl"]
        .iter()
        .any(|word| memmem::find(text.as_bytes(), word.as_bytes()).is_some())
}

/// Whether an import is a declaration that names what it takes, so that its uses show.
fn takes_by_name(source: &Source, import: &Import, name: &str) -> bool {
    if import.names.is_none() && !import.reexport {
        return false;
    }
    let is = |specifier: &Str| *specifier.value.to_string_lossy() == *import.specifier;
    let of = |specifier: &ImportSpecifier| match specifier {
        ImportSpecifier::Named(named) => imported(named) == name,
        ImportSpecifier::Default(_) => name == "default",
        ImportSpecifier::Namespace(_) => false,
    };
    source.items().iter().any(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::Import(declared)) => {
            is(&declared.src) && declared.specifiers.iter().any(of)
        }
        ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export)) => {
            let named = |specifier: &ExportSpecifier| match specifier {
                ExportSpecifier::Named(named) => *named.orig.atom() == *name,
                _ => false,
            };
            export.src.as_deref().is_some_and(is) && export.specifiers.iter().any(named)
        }
        ModuleItem::ModuleDecl(ModuleDecl::ExportAll(export)) => is(&export.src),
        _ => false,
    })
}

//! The modules that import an API file. In: where the names that it exports go. Out: the
//! edits that let an importer find them there. Refuses imports of the handler itself, and
//! imports that cannot be told apart by name.

use std::collections::BTreeSet;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::edit::Edits;
use crate::facts::api_module::{refuse, refuse_at};
use crate::facts::route::Route;
use crate::outcome::{Place, Refusal};
use crate::project::{App, Project};
use crate::reason::Reason;
use crate::source::Source;
use crate::surroundings::{self, directory};
use crate::syntax::{bare, prop_name};

/// Where the exports of an API file go.
pub struct Homes<'h> {
    /// The route; types stay in its file.
    pub route: &'h Route,
    /// The module for values, when there are any.
    pub module: Option<&'h str>,
    /// The names that are there.
    pub moved: &'h BTreeSet<String>,
    /// The handler's own name, when it is exported by name, too: it is no more.
    pub handler: Option<&'h str>,
}

/// The edits of one importer.
///
/// # Errors
/// The refusal for an import that has no equivalent.
pub fn edits(project: &Project, app: &App, homes: &Homes, path: &str) -> Result<Edits, Refusal> {
    let file = &homes.route.file;
    let whole = || Refusal {
        reason: Reason::ImportedElsewhere,
        place: Place::file_start(path),
        detail: format!("imports {file}"),
    };
    let entry = &project.files[path];
    let text = entry.text.clone().ok_or_else(whole)?;
    // Two apps settle apart from each other.
    let others = project.apps.iter().filter(|other| other.dir != app.dir);
    if others
        .into_iter()
        .any(|other| Route::of(other, path).is_some())
    {
        return Err(whole());
    }
    let source = project.parse(path, text).map_err(|_| whole())?;
    let specifiers: Vec<&str> = entry
        .imports
        .iter()
        .filter(|import| import.resolved.as_deref() == Some(file))
        .map(|import| import.specifier.as_str())
        .collect();
    let mut edits = Edits::default();
    let mut met = 0;
    for item in source.items() {
        let (src, names) = match item {
            ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => (&import.src, imported(import)),
            ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(NamedExport {
                src: Some(src),
                specifiers,
                ..
            })) => (src, reexported(specifiers)),
            ModuleItem::ModuleDecl(ModuleDecl::ExportAll(export)) => (&export.src, None),
            _ => continue,
        };
        let specifier = src.value.to_string_lossy();
        if !specifiers.contains(&&*specifier) {
            continue;
        }
        met += 1;
        let of_node = || {
            refuse(
                &source,
                Reason::ImportedElsewhere,
                item,
                format!("imports {file}"),
            )
        };
        let types =
            matches!(item, ModuleItem::ModuleDecl(ModuleDecl::Import(import)) if import.type_only);
        let Some(names) = names else {
            if types && homes.moved.is_empty() {
                edits.replace(
                    inner(&source, src),
                    name_for(app, &specifier, path, &homes.route.target),
                );
                continue;
            }
            return Err(of_node());
        };
        let handler = names
            .iter()
            .any(|name| name == "default" || Some(name.as_str()) == homes.handler);
        if (handler || names.is_empty()) && !types {
            return Err(of_node());
        }
        let (moved, stay): (Vec<&String>, Vec<&String>) =
            names.iter().partition(|name| homes.moved.contains(*name));
        let route = name_for(app, &specifier, path, &homes.route.target);
        let module = homes
            .module
            .map(|module| name_for(app, &specifier, path, module))
            .unwrap_or_default();
        match (moved.is_empty(), stay.is_empty()) {
            (true, _) => edits.replace(inner(&source, src), route),
            (false, true) => edits.replace(inner(&source, src), module),
            (false, false) => {
                let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item else {
                    return Err(of_node());
                };
                let list = |moved: bool| -> String {
                    let parts = import.specifiers.iter().zip(&names);
                    parts
                        .filter(|(_, name)| homes.moved.contains(*name) == moved)
                        .map(|(specifier, _)| source.text_of(specifier))
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                let range = source.range(import);
                let text = &source.text;
                let src_range = source.range(&**src);
                let quote = &text[src_range.start..src_range.start + 1];
                let keyword = if import.type_only {
                    "import type"
                } else {
                    "import"
                };
                let end = &text[src_range.end..range.end];
                let line = |names: String, from: &str| {
                    format!("{keyword} {{ {names} }} from {quote}{from}{quote}{end}")
                };
                let new = format!(
                    "{}\n{}",
                    line(list(true), &module),
                    line(list(false), &route)
                );
                edits.replace(range, new);
            }
        }
    }
    for (names, specifier, range) in loaded(&source) {
        if !specifiers.contains(&specifier.as_str()) {
            continue;
        }
        met += 1;
        let moved = !names.is_empty() && names.iter().all(|name| homes.moved.contains(name));
        let (Some(module), true) = (homes.module, moved) else {
            return Err(refuse_at(
                &source,
                Reason::ImportedElsewhere,
                range,
                format!("imports {file}"),
            ));
        };
        let new = name_for(app, &specifier, path, module);
        edits.replace(range.start + 1..range.end - 1, new);
    }
    if met != specifiers.len() {
        // A require, or a dynamic import that is not taken apart at once.
        return Err(whole());
    }
    Ok(edits)
}

/// A file that mocks an API file by its path, which no import shows.
pub fn mocked(project: &Project, app: &App, route: &Route) -> Option<Refusal> {
    let pages = app.pages.as_ref()?;
    let inside = route.file.strip_prefix(pages.as_str())?;
    let stem = inside.rsplit_once('.').map_or(inside, |(stem, _)| stem);
    project.files.iter().find_map(|(path, file)| {
        let text = file.text.as_ref()?;
        let at = ["mock(", "requireActual(", "importActual("]
            .iter()
            .flat_map(|word| text.match_indices(word).map(move |(at, _)| at + word.len()))
            .find(|at| {
                let rest = text[*at..].trim_start();
                let quote = rest.chars().next().filter(|char| "'\"`".contains(*char));
                quote.is_some_and(|quote| {
                    let name = rest[1..].split(quote).next().unwrap_or_default();
                    name.trim_end_matches(".ts")
                        .trim_end_matches(".js")
                        .ends_with(stem)
                })
            })?;
        Some(Refusal {
            reason: Reason::ImportedElsewhere,
            place: Place::new(path, text, at, at + 1),
            detail: format!("mocks {}", route.file),
        })
    })
}

/// The names that an import takes; `None` for a namespace.
fn imported(import: &ImportDecl) -> Option<Vec<String>> {
    import
        .specifiers
        .iter()
        .map(|specifier| match specifier {
            ImportSpecifier::Named(named) => Some(match &named.imported {
                Some(ModuleExportName::Ident(name)) => name.sym.to_string(),
                Some(ModuleExportName::Str(name)) => name.value.to_string_lossy().into_owned(),
                None => named.local.sym.to_string(),
            }),
            ImportSpecifier::Default(_) => Some("default".to_string()),
            ImportSpecifier::Namespace(_) => None,
        })
        .collect()
}

/// The names that a re-export takes; `None` for a namespace.
fn reexported(specifiers: &[ExportSpecifier]) -> Option<Vec<String>> {
    specifiers
        .iter()
        .map(|specifier| match specifier {
            ExportSpecifier::Named(named) => match &named.orig {
                ModuleExportName::Ident(name) => Some(name.sym.to_string()),
                ModuleExportName::Str(_) => None,
            },
            _ => None,
        })
        .collect()
}

/// The names that `const { a, b } = await import('…')` takes, wherever it stands, with the
/// specifier and its range.
fn loaded(source: &Source) -> Vec<(Vec<String>, String, std::ops::Range<usize>)> {
    struct Loads<'s> {
        source: &'s Source,
        found: Vec<(Vec<String>, String, std::ops::Range<usize>)>,
    }
    impl Visit for Loads<'_> {
        fn visit_var_declarator(&mut self, node: &VarDeclarator) {
            node.visit_children_with(self);
            if let Pat::Object(pattern) = &node.name
                && let Some(Expr::Await(awaited)) = node.init.as_deref().map(bare)
                && let Expr::Call(call) = bare(&awaited.arg)
                && matches!(call.callee, Callee::Import(_))
                && let Some(Expr::Lit(Lit::Str(src))) = call.args.first().map(|arg| &*arg.expr)
            {
                let names = pattern.props.iter().map(|prop| match prop {
                    ObjectPatProp::KeyValue(pair) => prop_name(&pair.key),
                    ObjectPatProp::Assign(short) => Some(short.key.sym.to_string()),
                    ObjectPatProp::Rest(_) => None,
                });
                if let Some(names) = names.collect() {
                    let specifier = src.value.to_string_lossy().into_owned();
                    let range = self.source.range(src);
                    self.found.push((names, specifier, range));
                }
            }
        }
    }
    let mut loads = Loads {
        source,
        found: Vec::new(),
    };
    source.module.visit_with(&mut loads);
    loads.found
}

/// The text between the quotes.
fn inner(source: &Source, text: &Str) -> std::ops::Range<usize> {
    let range = source.range(text);
    range.start + 1..range.end - 1
}

/// How an importer names a module, in the way that it named the API file.
pub fn name_for(app: &App, specifier: &str, path: &str, module: &str) -> String {
    if surroundings::is_relative(specifier) {
        let stem = module.rsplit_once('.').map_or(module, |(stem, _)| stem);
        surroundings::relative(directory(path), stem)
    } else {
        surroundings::specifier(app, directory(path), module, "")
    }
}

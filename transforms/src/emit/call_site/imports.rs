//! Imports of actions in the files that call them. In: a file and the actions that it is to call.
//! Out: the edits, in the file's own style, and the names that the actions have there. What is
//! imported already is not imported again.

use std::collections::BTreeMap;

use swc_core::ecma::ast::{
    Decl, Expr, Ident, ImportDecl, ImportSpecifier, Lit, ModuleDecl, ModuleExportName, ModuleItem,
    Stmt,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::ActionRef;
use crate::edit::Edits;
use crate::source::Source;

/// The name of the action in this file: its own, unless the file has that name already for
/// something else.
pub fn local_name(source: &Source, action: &ActionRef) -> String {
    if let Some(name) = imported(source, action) {
        return name;
    }
    let mut names = Names {
        wanted: &action.name,
        found: false,
    };
    source.module.visit_with(&mut names);
    if names.found {
        format!("{}Action", action.name)
    } else {
        action.name.clone()
    }
}

/// Imports the actions that a file calls: one import for each module, after the others, in the
/// file's own style. What is imported already is not imported again.
pub fn imports(source: &Source, actions: &[&ActionRef]) -> Edits {
    let mut modules: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for action in actions {
        if imported(source, action).is_some() {
            continue;
        }
        let local = local_name(source, action);
        let binding = if local == action.name {
            local
        } else {
            format!("{} as {local}", action.name)
        };
        let bindings = modules.entry(&action.specifier).or_default();
        if !bindings.contains(&binding) {
            bindings.push(binding);
        }
    }
    let style = Style::of(source);
    let mut edits = Edits::default();
    let mut lines = Vec::new();
    for (specifier, mut bindings) in modules {
        bindings.sort();
        let bindings = bindings.join(", ");
        match joinable(source, specifier) {
            Some(last) => edits.insert(last, format!(", {bindings}")),
            None => lines.push(format!(
                "import {{ {bindings} }} from {quote}{specifier}{quote}{end}",
                quote = style.quote,
                end = style.end,
            )),
        }
    }
    if lines.is_empty() {
        return edits;
    }
    let newline = if source.crlf() { "\r\n" } else { "\n" };
    let block = lines.join(newline);
    if let Some(last) = import_declarations(source).last() {
        edits.insert(
            line_end(&source.text, source.range(last).end),
            format!("{newline}{block}"),
        );
        return edits;
    }
    let directive = source
        .items()
        .iter()
        .take_while(|item| is_directive(item))
        .last();
    match (directive, source.items().first()) {
        (Some(directive), _) => {
            let at = line_end(&source.text, source.range(directive).end);
            edits.insert(at, format!("{newline}{newline}{block}"));
        }
        (None, Some(first)) => {
            edits.insert(
                source.range(first).start,
                format!("{block}{newline}{newline}"),
            );
        }
        (None, None) => edits.insert(source.text.len(), format!("{block}{newline}")),
    }
    edits
}

/// The end of a line, unless something other than a comment stands between.
fn line_end(text: &str, at: usize) -> usize {
    let line = text[at..]
        .find(['\n', '\r'])
        .map_or(text.len(), |end| at + end);
    let rest = text[at..line].trim();
    if rest.is_empty() || rest.starts_with("//") {
        if rest.is_empty() { at } else { line }
    } else {
        at
    }
}

fn import_declarations(source: &Source) -> impl Iterator<Item = &ImportDecl> {
    source.items().iter().filter_map(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => Some(import),
        _ => None,
    })
}

/// The name under which the file imports the action already.
fn imported(source: &Source, action: &ActionRef) -> Option<String> {
    import_declarations(source)
        .filter(|import| {
            !import.type_only && import.src.value.to_string_lossy() == action.specifier
        })
        .flat_map(|import| &import.specifiers)
        .find_map(|specifier| match specifier {
            ImportSpecifier::Named(named) if !named.is_type_only => {
                let original = match &named.imported {
                    Some(ModuleExportName::Ident(name)) => name.sym.to_string(),
                    Some(ModuleExportName::Str(name)) => name.value.to_string_lossy().into_owned(),
                    None => named.local.sym.to_string(),
                };
                (original == action.name).then(|| named.local.sym.to_string())
            }
            _ => None,
        })
}

/// Where another name fits into an import of the module: behind its last name.
fn joinable(source: &Source, specifier: &str) -> Option<usize> {
    import_declarations(source)
        .filter(|import| !import.type_only && import.src.value.to_string_lossy() == specifier)
        .find_map(|import| match import.specifiers.last() {
            Some(last @ ImportSpecifier::Named(_)) => Some(source.range(last).end),
            _ => None,
        })
}

fn is_directive(item: &ModuleItem) -> bool {
    matches!(item, ModuleItem::Stmt(Stmt::Expr(statement))
        if matches!(&*statement.expr, Expr::Lit(Lit::Str(_))))
}

/// How the file is written.
pub(super) struct Style {
    pub quote: char,
    end: &'static str,
}

impl Style {
    pub fn of(source: &Source) -> Style {
        if let Some(told) = &source.formatting {
            return Style {
                quote: if told.single_quote { '\'' } else { '"' },
                end: if told.semi { ";" } else { "" },
            };
        }
        let text = &source.text;
        let quote = import_declarations(source)
            .map(|import| source.range(&*import.src))
            .chain(
                source
                    .items()
                    .iter()
                    .filter(|item| is_directive(item))
                    .map(|item| source.range(item)),
            )
            .find_map(|range| text[range.start..].chars().next())
            .filter(|quote| matches!(quote, '\'' | '"'))
            .unwrap_or_else(|| {
                let single = text.matches('\'').count();
                if single > text.matches('"').count() {
                    '\''
                } else {
                    '"'
                }
            });
        let last_import = import_declarations(source).last();
        let ended = match last_import {
            Some(import) => source.text_of(import).ends_with(';'),
            None => source
                .items()
                .iter()
                .filter(|item| {
                    matches!(
                        item,
                        ModuleItem::Stmt(Stmt::Expr(_) | Stmt::Decl(Decl::Var(_)))
                    )
                })
                .map(|item| source.text_of(item).ends_with(';'))
                .next()
                .unwrap_or_else(|| text.contains(";\n") || text.contains(";\r\n")),
        };
        Style {
            quote,
            end: if ended { ";" } else { "" },
        }
    }
}

/// Whether a name is used in the file at all.
struct Names<'a> {
    wanted: &'a str,
    found: bool,
}

impl Visit for Names<'_> {
    fn visit_ident(&mut self, ident: &Ident) {
        self.found |= ident.sym == *self.wanted;
    }
}

//! API files whose handler is a function of another module as it is: `export { default } from
//! '@/lib/handler'`, or an imported name that is exported. In: the file. Out: the file with a
//! function that calls that handler, which is read as any other.

use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;

use crate::edit::Edits;
use crate::emit::style::Style;
use crate::emit::web_native::free_name;
use crate::facts::api_module::imports;
use crate::libraries::chain::AsHandler;
use crate::source::Source;
use crate::syntax::{bare, id};

/// The file with a function in place of the export; `None` where it exports something else.
/// `is_own` tells whether a specifier names a module of the project.
pub fn as_handler(source: &Source, is_own: &dyn Fn(&str) -> bool) -> Option<AsHandler> {
    let style = Style::of(source);
    source.items().iter().find_map(|item| {
        let at = source.range(item);
        let rest = source.text[at.end..].lines().next().unwrap_or_default();
        if !rest.trim_matches([' ', '\t', '\r', ';']).is_empty() {
            return None;
        }
        let (import, handler) = match item {
            ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export)) => {
                passed(source, export, is_own)?
            }
            ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => {
                let Expr::Ident(name) = bare(&export.expr) else {
                    return None;
                };
                let imported = imports(source);
                let (from, _) = imported.get(&id(name))?;
                (String::new(), is_own(from).then(|| name.sym.to_string())?)
            }
            _ => return None,
        };
        written(source, &style, at, &import, &handler)
    })
}

/// The import of a handler that is only passed on, and its name.
fn passed(
    source: &Source,
    export: &NamedExport,
    is_own: &dyn Fn(&str) -> bool,
) -> Option<(String, String)> {
    let (from, [ExportSpecifier::Named(named)]) = (export.src.as_ref()?, &export.specifiers[..])
    else {
        return None;
    };
    let name = |name: &ModuleExportName| name.atom().to_string();
    let original = name(&named.orig);
    let exported = named.exported.as_ref().map_or(original.clone(), name);
    if exported != "default" || !is_own(&from.value.to_string_lossy()) {
        return None;
    }
    let handler = match original.as_str() {
        "default" => free_name(source, &["handler"]),
        _ => original.clone(),
    };
    let what = match original.as_str() {
        "default" => handler.clone(),
        _ => format!("{{ {original} }}"),
    };
    let from = source.text_of(&**from);
    let end = Style::of(source).semi;
    Some((format!("import {what} from {from}{end}\n\n"), handler))
}

/// The text with a function that calls the handler.
fn written(
    source: &Source,
    style: &Style,
    at: Range<usize>,
    import: &str,
    handler: &str,
) -> Option<AsHandler> {
    let (typed, types) = match source.typescript() {
        true => (
            "req: NextApiRequest, res: NextApiResponse",
            format!(
                "import type {{ NextApiRequest, NextApiResponse }} from {}{}\n",
                style.string("next"),
                style.semi
            ),
        ),
        false => ("req, res", String::new()),
    };
    // A file that imports the types has no need of them twice.
    let imported = free_name(source, &["NextApiRequest"]) != "NextApiRequest"
        || free_name(source, &["NextApiResponse"]) != "NextApiResponse";
    if imported {
        return None;
    }
    let name = free_name(source, &["route", "apiRoute"]);
    let (indent, semi) = (&style.indent, style.semi);
    let function = format!(
        "{import}export default function {name}({typed}) {{\n{indent}return {handler}(req, res){semi}\n}}"
    );
    let mut edits = Edits::default();
    let first = source
        .items()
        .first()
        .map(|item| source.range(item).start)?;
    if first < at.start {
        edits.insert(first, types);
        edits.replace(at.clone(), function);
    } else {
        edits.replace(at.clone(), types + &function);
    }
    let text = edits.render(&source.text, 0..source.text.len()).ok()?;
    Some(AsHandler {
        text: Arc::from(text),
        at,
        spares: Vec::new(),
    })
}

//! State at the top of a module that requests change. The two routers are bundled apart
//! (measured on 14, 15 and 16), so a module that both reach exists twice, each copy with
//! state of its own. In: which API files would move. Out: those that share such a module
//! with code that stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::graph;
use crate::project::{App, Project};
use crate::source::Source;
use crate::syntax::{Id, bare, id, is_binding, member};

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
        if !is_api && file.text.as_ref().is_some_and(|text| has_state(path, text)) {
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

/// Whether a module declares a list, object, map or set at its top and its functions change it.
/// What runs once, while the module is loaded, changes no state.
pub fn has_state(path: &str, text: &Arc<str>) -> bool {
    const HOLDERS: [&str; 5] = [" = [", " = {", " = new Map", " = new Set", " = new WeakMap"];
    let declares = |line: &str| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        ["const ", "let ", "var "]
            .iter()
            .any(|keyword| line.starts_with(keyword))
            && HOLDERS.iter().any(|holder| line.contains(holder))
    };
    if !text.lines().any(declares) {
        return false;
    }
    let Ok(source) = Source::parse(path, text.clone()) else {
        return false;
    };
    let declaration = |item: &ModuleItem| match item {
        ModuleItem::Stmt(Stmt::Decl(decl)) => Some(decl.clone()),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => Some(export.decl.clone()),
        _ => None,
    };
    let mut holders = Vec::new();
    for decl in source.items().iter().filter_map(declaration) {
        let Decl::Var(variables) = decl else { continue };
        for declarator in &variables.decls {
            let holds = match declarator.init.as_deref().map(bare) {
                Some(Expr::Array(_) | Expr::Object(_)) => true,
                Some(Expr::New(new)) => {
                    matches!(bare(&new.callee), Expr::Ident(name) if matches!(&*name.sym, "Map" | "Set" | "WeakMap"))
                }
                _ => false,
            };
            if let (true, Pat::Ident(binding)) = (holds, &declarator.name) {
                holders.push(id(&binding.id));
            }
        }
    }
    let mut changes = Changes {
        holders: &holders,
        found: false,
    };
    for item in source.items() {
        // Statements at the top run once.
        if !matches!(item, ModuleItem::Stmt(stmt) if !matches!(stmt, Stmt::Decl(_))) {
            item.visit_with(&mut changes);
        }
    }
    changes.found
}

/// Finds changes of some top-level values.
struct Changes<'h> {
    holders: &'h [Id],
    found: bool,
}

impl Changes<'_> {
    fn holds(&self, expr: &Expr) -> bool {
        self.holders.iter().any(|holder| is_binding(expr, holder))
    }
}

impl Visit for Changes<'_> {
    fn visit_call_expr(&mut self, node: &CallExpr) {
        const CHANGES: [&str; 9] = [
            "push", "set", "add", "delete", "splice", "unshift", "clear", "pop", "shift",
        ];
        if let Callee::Expr(callee) = &node.callee
            && let Some((object, name)) = member(callee)
        {
            self.found |= CHANGES.contains(&name.as_str()) && self.holds(object);
        }
        node.visit_children_with(self);
    }

    fn visit_assign_expr(&mut self, node: &AssignExpr) {
        if let AssignTarget::Simple(SimpleAssignTarget::Member(target)) = &node.left {
            self.found |= self.holds(&target.obj);
        }
        node.visit_children_with(self);
    }

    fn visit_unary_expr(&mut self, node: &UnaryExpr) {
        if let (UnaryOp::Delete, Expr::Member(target)) = (node.op, bare(&node.arg)) {
            self.found |= self.holds(&target.obj);
        }
        node.visit_children_with(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_functions_change_is_state() {
        let state = |text: &str| has_state("lib/x.ts", &Arc::from(text));
        assert!(state(
            "const notes: Note[] = []\nexport function add(note) {\n  notes.push(note)\n}\n"
        ));
        assert!(state(
            "export const hits = new Map()\nexport const hit = (key) => hits.set(key, 1)\n"
        ));
        assert!(state(
            "const cache = {}\nexport const put = (key, value) => { cache[key] = value }\n"
        ));
        assert!(!state(
            "export const roles = ['admin', 'editor']\nexport const first = () => roles[0]\n"
        ));
        assert!(!state(
            "const providers = []\nif (process.env.A) providers.push(1)\nexport const options = { providers }\n"
        ));
        assert!(!state(
            "export function list() {\n  const out = []\n  out.push(1)\n}\n"
        ));
    }
}

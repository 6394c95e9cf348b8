//! The constants of a file. In: its syntax tree. Out: the values that a URL or a request's options
//! can come from, their statements, and how often each name is used.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use swc_core::ecma::ast::{
    AssignExpr, AssignTarget, CallExpr, Decl, ExportNamedSpecifier, Expr, Id, JSXElementName,
    JSXObject, ModuleExportName, Pat, Prop, SimpleAssignTarget, Stmt, TsEntityName, VarDecl,
    VarDeclKind,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::pattern::{Constants, is_string};
use crate::source::Source;

/// What is known of a file's constants.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Their values: strings, objects and instances.
    pub constants: Constants,
    /// The statements of those that are declared alone.
    pub statements_of: HashMap<Id, Range<usize>>,
    /// How often each name is used.
    pub references: HashMap<Id, usize>,
}

/// Reads a file's constants.
pub(super) fn find(source: &Source) -> Found {
    let mut collector = Collector {
        source,
        found: Found::default(),
        changed: HashSet::new(),
    };
    source.module.visit_with(&mut collector);
    let Collector {
        mut found, changed, ..
    } = collector;
    found.constants.forget(&changed);
    found
}

/// Finds the constants that matter, and counts how often each is used.
struct Collector<'s> {
    source: &'s Source,
    found: Found,
    /// Objects whose members are set.
    changed: HashSet<Id>,
}

impl Visit for Collector<'_> {
    fn visit_stmt(&mut self, statement: &Stmt) {
        // Not exported, and not the head of a loop: the statement can go.
        if let Stmt::Decl(Decl::Var(declaration)) = statement
            && let [declarator] = declaration.decls.as_slice()
            && let Pat::Ident(name) = &declarator.name
            && declaration.kind == VarDeclKind::Const
        {
            let range = self.source.range(statement);
            self.found.statements_of.insert(name.id.to_id(), range);
        }
        statement.visit_children_with(self);
    }

    fn visit_var_decl(&mut self, declaration: &VarDecl) {
        if declaration.kind == VarDeclKind::Const {
            for declarator in &declaration.decls {
                let (Pat::Ident(name), Some(value)) = (&declarator.name, &declarator.init) else {
                    continue;
                };
                let wanted = is_string(value)
                    || match &**value {
                        Expr::New(_) => true,
                        Expr::Object(object) => object.props.len() < 12,
                        _ => false,
                    };
                if wanted {
                    self.found
                        .constants
                        .insert(name.id.to_id(), (**value).clone());
                }
            }
        }
        declaration.visit_children_with(self);
    }

    fn visit_assign_expr(&mut self, assign: &AssignExpr) {
        if let AssignTarget::Simple(SimpleAssignTarget::Member(member)) = &assign.left {
            let mut object = &*member.obj;
            while let Expr::Member(inner) = object {
                object = &inner.obj;
            }
            if let Expr::Ident(name) = object {
                self.changed.insert(name.to_id());
            }
        }
        assign.visit_children_with(self);
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        let callee = call
            .callee
            .as_expr()
            .map(|callee| self.source.text_of(callee));
        if let (Some("Object.assign"), Some(first)) = (callee, call.args.first())
            && let Expr::Ident(name) = &*first.expr
        {
            self.changed.insert(name.to_id());
        }
        call.visit_children_with(self);
    }

    fn visit_expr(&mut self, expr: &Expr) {
        if let Expr::Ident(name) = expr {
            *self.found.references.entry(name.to_id()).or_default() += 1;
        }
        expr.visit_children_with(self);
    }

    fn visit_jsx_element_name(&mut self, name: &JSXElementName) {
        let root = match name {
            JSXElementName::Ident(name) => Some(name),
            JSXElementName::JSXMemberExpr(member) => {
                let mut object = &member.obj;
                while let JSXObject::JSXMemberExpr(inner) = object {
                    object = &inner.obj;
                }
                match object {
                    JSXObject::Ident(name) => Some(name),
                    JSXObject::JSXMemberExpr(_) => None,
                }
            }
            JSXElementName::JSXNamespacedName(_) => None,
        };
        if let Some(name) = root {
            *self.found.references.entry(name.to_id()).or_default() += 1;
        }
    }

    fn visit_prop(&mut self, prop: &Prop) {
        if let Prop::Shorthand(name) = prop {
            *self.found.references.entry(name.to_id()).or_default() += 1;
        }
        prop.visit_children_with(self);
    }

    fn visit_export_named_specifier(&mut self, specifier: &ExportNamedSpecifier) {
        if let ModuleExportName::Ident(name) = &specifier.orig {
            *self.found.references.entry(name.to_id()).or_default() += 1;
        }
    }

    /// `typeof URL` in a type.
    fn visit_ts_entity_name(&mut self, name: &TsEntityName) {
        if let TsEntityName::Ident(name) = name {
            *self.found.references.entry(name.to_id()).or_default() += 1;
        }
        name.visit_children_with(self);
    }
}

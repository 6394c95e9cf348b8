//! Whether a value is surely an object or a list, which clients send as JSON: they send a text, a form's
//! data and the like in other ways. In: the value. Out: what the file's own words say.

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::source::Source;
use crate::syntax::{bare, id};

/// Types of which a client makes something else than JSON, or which may be one of them.
const OTHERS: &[&str] = &[
    "ArrayBuffer",
    "Blob",
    "Buffer",
    "Date",
    "File",
    "FormData",
    "HTMLFormElement",
    "String",
    "URLSearchParams",
    "Uint8Array",
    "BodyInit",
    "BlobPart",
    "unknown",
    "object",
    "Object",
];

/// Whether a value is surely an object or a list.
pub(super) fn is_object(source: &Source, value: &Expr) -> bool {
    match bare(value) {
        Expr::Object(_) | Expr::Array(_) => true,
        Expr::Ident(name) => {
            let mut bindings = Bindings {
                source,
                name: id(name),
                found: None,
            };
            source.module.visit_with(&mut bindings);
            bindings.found == Some(true)
        }
        _ => false,
    }
}

/// Looks for what a name is bound to.
struct Bindings<'s> {
    source: &'s Source,
    name: crate::syntax::Id,
    /// Whether all that was seen says so.
    found: Option<bool>,
}

impl Bindings<'_> {
    fn says(&mut self, sure: bool) {
        self.found = Some(sure && self.found != Some(false));
    }

    fn is(&self, pat: &Pat) -> bool {
        matches!(pat, Pat::Ident(name) if id(&name.id) == self.name)
    }

    /// The first parameter of a function to which a form's values are given.
    fn given(&mut self, function: &Expr) {
        let parameter = match bare(function) {
            Expr::Arrow(arrow) => arrow.params.first(),
            Expr::Fn(function) => function.function.params.first().map(|first| &first.pat),
            _ => None,
        };
        if let Some(Pat::Ident(name)) = parameter
            && name.type_ann.is_none()
            && id(&name.id) == self.name
        {
            self.says(true);
        }
    }
}

/// Whether a type is that of objects: one that is written out, or has a name of the project's own.
fn is_object_type(source: &Source, kind: &TsType) -> bool {
    match kind {
        TsType::TsTypeLit(_) | TsType::TsArrayType(_) | TsType::TsTupleType(_) => true,
        TsType::TsParenthesizedType(inner) => is_object_type(source, &inner.type_ann),
        TsType::TsUnionOrIntersectionType(TsUnionOrIntersectionType::TsUnionType(union)) => {
            union.types.iter().all(|kind| is_object_type(source, kind))
        }
        TsType::TsUnionOrIntersectionType(TsUnionOrIntersectionType::TsIntersectionType(all)) => {
            all.types.iter().any(|kind| is_object_type(source, kind))
        }
        TsType::TsTypeRef(named) => {
            let name = source.text_of(&named.type_name);
            match declared(source, name) {
                Some(sure) => sure,
                // What stands for a type may be any; a name that is one letter long is such.
                None => name.len() > 1 && !OTHERS.contains(&name) && !name.starts_with("React."),
            }
        }
        _ => false,
    }
}

/// What the file says of a type's name; `None` when it does not declare it.
fn declared(source: &Source, name: &str) -> Option<bool> {
    source.items().iter().find_map(|item| {
        let decl = match item {
            ModuleItem::Stmt(Stmt::Decl(decl)) => decl,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
            _ => return None,
        };
        match decl {
            Decl::TsInterface(kind) if kind.id.sym == *name => Some(true),
            Decl::Class(class) if class.ident.sym == *name => Some(true),
            Decl::TsTypeAlias(alias) if alias.id.sym == *name => {
                let own = source.text_of(&*alias.type_ann) == name;
                Some(!own && is_object_type(source, &alias.type_ann))
            }
            _ => None,
        }
    })
}

impl Visit for Bindings<'_> {
    fn visit_binding_ident(&mut self, node: &BindingIdent) {
        if id(&node.id) == self.name
            && let Some(annotation) = &node.type_ann
        {
            let sure = is_object_type(self.source, &annotation.type_ann);
            self.says(sure);
        }
    }

    fn visit_var_declarator(&mut self, node: &VarDeclarator) {
        let init = node.init.as_deref().map(bare);
        match (&node.name, init) {
            (Pat::Ident(name), Some(init))
                if id(&name.id) == self.name && name.type_ann.is_none() =>
            {
                self.says(matches!(init, Expr::Object(_) | Expr::Array(_)));
            }
            // `const onSubmit: SubmitHandler<Fields> = (data) => …`
            (Pat::Ident(name), Some(init)) => {
                let annotation = name.type_ann.as_ref();
                let annotation = annotation.map(|kind| self.source.text_of(&*kind.type_ann));
                if annotation.is_some_and(|kind| kind.starts_with("SubmitHandler<")) {
                    self.given(init);
                }
            }
            // `const [form, setForm] = useState({ … })`
            (Pat::Array(pattern), Some(Expr::Call(call))) => {
                let first = pattern.elems.first().and_then(Option::as_ref);
                let state = matches!(call.callee.as_expr().map(|callee| bare(callee)), Some(Expr::Ident(name)) if name.sym == *"useState");
                if state && first.is_some_and(|first| self.is(first)) {
                    let kind = call
                        .type_args
                        .as_ref()
                        .and_then(|kinds| kinds.params.first());
                    let sure = match (kind, call.args.first()) {
                        (Some(kind), _) => is_object_type(self.source, kind),
                        (None, Some(value)) => {
                            matches!(bare(&value.expr), Expr::Object(_))
                        }
                        _ => false,
                    };
                    self.says(sure);
                }
            }
            _ => {}
        }
        node.visit_children_with(self);
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        // `handleSubmit((data) => …)` gives a form's values.
        if let Some(callee) = call.callee.as_expr() {
            let name = match bare(callee) {
                Expr::Ident(name) => Some(&name.sym),
                Expr::Member(member) => member.prop.as_ident().map(|name| &name.sym),
                _ => None,
            };
            if name.is_some_and(|name| *name == *"handleSubmit")
                && let Some(first) = call.args.first()
            {
                self.given(&first.expr);
            }
        }
        call.visit_children_with(self);
    }

    fn visit_assign_expr(&mut self, assign: &AssignExpr) {
        if let AssignTarget::Simple(SimpleAssignTarget::Ident(name)) = &assign.left
            && id(&name.id) == self.name
        {
            let sure = matches!(bare(&assign.right), Expr::Object(_) | Expr::Array(_));
            self.says(sure);
        }
        assign.visit_children_with(self);
    }
}

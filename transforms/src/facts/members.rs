//! Functions that are members: methods of classes and of objects that constants hold. In: the
//! top level of a module. Out: each by the name `Owner.method`. A class that extends another, and
//! an object whose type is written, are left alone: their members have more than one form.

use std::collections::HashMap;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::api_module::{Function, from_expr, from_function};
use crate::facts::api_module::Form;
use crate::source::Source;
use crate::syntax::{Id, id, prop_name};

/// The name of a member.
pub fn name(owner: &str, member: &str) -> String {
    format!("{owner}.{member}")
}

/// The owner and the member in a name, when it is that of a member.
pub fn split(name: &str) -> Option<(&str, &str)> {
    name.split_once('.')
}

/// The last part of a name: that of the member itself.
pub fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The members of a module's classes and objects.
pub fn collect<'a>(source: &'a Source, out: &mut HashMap<Id, Function<'a>>) {
    for item in source.items() {
        let decl = match item {
            ModuleItem::Stmt(Stmt::Decl(decl)) => decl,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
            _ => continue,
        };
        match decl {
            Decl::Class(class) if class.class.super_class.is_none() => {
                of_class(source, &id(&class.ident), &class.class, out);
            }
            Decl::Var(variables) if variables.kind == VarDeclKind::Const => {
                for declarator in &variables.decls {
                    if let (Pat::Ident(binding), Some(Expr::Object(object))) =
                        (&declarator.name, declarator.init.as_deref())
                        && binding.type_ann.is_none()
                    {
                        of_object(source, &id(&binding.id), object, out);
                    }
                }
            }
            _ => {}
        }
    }
}

fn insert<'a>(
    owner: &Id,
    member: &str,
    function: Option<Function<'a>>,
    out: &mut HashMap<Id, Function<'a>>,
) {
    let key = (name(&owner.0, member).into(), owner.1);
    if let Some(mut function) = function {
        function.name = Some(key.clone());
        out.insert(key, function);
    }
}

fn of_class<'a>(
    source: &'a Source,
    owner: &Id,
    class: &'a Class,
    out: &mut HashMap<Id, Function<'a>>,
) {
    for member in &class.body {
        let statement = source.range(member);
        match member {
            ClassMember::Method(method) if method.kind == MethodKind::Method => {
                let Some(key) = prop_name(&method.key) else {
                    continue;
                };
                let named = |member: &&ClassMember| matches!(member, ClassMember::Method(method) if prop_name(&method.key).as_ref() == Some(&key));
                // One with several signatures has more than one form.
                if class.body.iter().filter(named).count() > 1 {
                    continue;
                }
                let form = Form::Method;
                let read = from_function(source, None, &method.function, statement, form);
                insert(owner, &key, read, out);
            }
            ClassMember::ClassProp(prop) if prop.type_ann.is_none() => {
                if let (Some(key), Some(value)) = (prop_name(&prop.key), prop.value.as_deref()) {
                    insert(owner, &key, from_expr(source, None, value, statement), out);
                }
            }
            _ => {}
        }
    }
}

fn of_object<'a>(
    source: &'a Source,
    owner: &Id,
    object: &'a ObjectLit,
    out: &mut HashMap<Id, Function<'a>>,
) {
    for prop in &object.props {
        let PropOrSpread::Prop(prop) = prop else {
            continue;
        };
        let statement = source.range(&**prop);
        match &**prop {
            Prop::Method(method) => {
                let Some(key) = prop_name(&method.key) else {
                    continue;
                };
                let form = Form::Method;
                let read = from_function(source, None, &method.function, statement, form);
                insert(owner, &key, read, out);
            }
            Prop::KeyValue(pair) => {
                if let Some(key) = prop_name(&pair.key) {
                    insert(
                        owner,
                        &key,
                        from_expr(source, None, &pair.value, statement),
                        out,
                    );
                }
            }
            _ => {}
        }
    }
}

/// What tells the class of a variable.
pub enum Told {
    /// The class's name, in the module of the variable.
    Class(String),
    /// The function that gives the value, as it is called there.
    Call(Box<Expr>),
}

/// What tells the class of a variable or a parameter: its annotation, `new Class()`, or the
/// function that its value comes from.
pub fn told(source: &Source, variable: &Id) -> Option<Told> {
    let mut finder = Declarations {
        variable,
        told: None,
        count: 0,
    };
    source.module.visit_with(&mut finder);
    finder.told.filter(|_| finder.count == 1)
}

/// The class that an annotation names.
pub fn class_name(kind: &TsType) -> Option<String> {
    let TsType::TsTypeRef(reference) = kind else {
        return None;
    };
    match &reference.type_name {
        TsEntityName::Ident(name) if reference.type_params.is_none() => Some(name.sym.to_string()),
        _ => None,
    }
}

struct Declarations<'d> {
    variable: &'d Id,
    told: Option<Told>,
    count: usize,
}

impl Declarations<'_> {
    fn binding(&mut self, binding: &BindingIdent, init: Option<&Expr>) {
        if id(&binding.id) != *self.variable {
            return;
        }
        self.count += 1;
        let annotated = binding.type_ann.as_deref();
        self.told = match annotated {
            Some(annotation) => class_name(&annotation.type_ann).map(Told::Class),
            None => match init.map(crate::syntax::bare) {
                Some(Expr::New(new)) => match crate::syntax::bare(&new.callee) {
                    Expr::Ident(name) => Some(Told::Class(name.sym.to_string())),
                    _ => None,
                },
                Some(Expr::Call(call)) => call
                    .callee
                    .as_expr()
                    .map(|callee| Told::Call(callee.clone())),
                _ => None,
            },
        };
    }
}

impl Visit for Declarations<'_> {
    fn visit_var_declarator(&mut self, node: &VarDeclarator) {
        if let Pat::Ident(binding) = &node.name {
            self.binding(binding, node.init.as_deref());
            node.init.visit_with(self);
        } else {
            node.visit_children_with(self);
        }
    }

    fn visit_pat(&mut self, node: &Pat) {
        if let Pat::Ident(binding) = node {
            self.binding(binding, None);
        }
        node.visit_children_with(self);
    }
}

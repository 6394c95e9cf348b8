//! Small readers of the syntax tree, shared by everything that recognises code.

use std::ops::Range;

use swc_core::atoms::Atom;
use swc_core::common::SyntaxContext;
use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::source::Source;

/// A binding: a name and the scope that binds it.
pub type Id = (Atom, SyntaxContext);

/// The binding that an identifier refers to.
pub fn id(ident: &Ident) -> Id {
    (ident.sym.clone(), ident.ctxt)
}

/// The expression without parentheses, type assertions and non-null marks.
pub fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(inner) => bare(&inner.expr),
        Expr::TsAs(inner) => bare(&inner.expr),
        Expr::TsNonNull(inner) => bare(&inner.expr),
        Expr::TsTypeAssertion(inner) => bare(&inner.expr),
        Expr::TsConstAssertion(inner) => bare(&inner.expr),
        Expr::TsSatisfies(inner) => bare(&inner.expr),
        _ => expr,
    }
}

/// Whether the expression is this binding.
pub fn is_binding(expr: &Expr, binding: &Id) -> bool {
    matches!(bare(expr), Expr::Ident(ident) if ident.sym == binding.0 && ident.ctxt == binding.1)
}

/// The text of a string literal, or of a template without holes.
pub fn string(expr: &Expr) -> Option<String> {
    match bare(expr) {
        Expr::Lit(Lit::Str(text)) => Some(text.value.to_string_lossy().into_owned()),
        Expr::Tpl(template) if template.exprs.is_empty() => template
            .quasis
            .first()
            .and_then(|quasi| quasi.cooked.as_ref())
            .map(|text| text.to_string_lossy().into_owned()),
        _ => None,
    }
}

/// A member access `object.name` or `object['name']`, optional or not.
pub fn member(expr: &Expr) -> Option<(&Expr, String)> {
    let access = match bare(expr) {
        Expr::Member(access) => access,
        Expr::OptChain(chain) => match &*chain.base {
            OptChainBase::Member(access) => access,
            OptChainBase::Call(_) => return None,
        },
        _ => return None,
    };
    Some((&access.obj, member_name(&access.prop)?))
}

/// The name of a member, when it is literal.
pub fn member_name(prop: &MemberProp) -> Option<String> {
    match prop {
        MemberProp::Ident(name) => Some(name.sym.to_string()),
        MemberProp::Computed(computed) => string(&computed.expr),
        MemberProp::PrivateName(_) => None,
    }
}

/// A call `object.name(args)`.
pub fn method_call(expr: &Expr) -> Option<(&Expr, String, &[ExprOrSpread])> {
    let Expr::Call(call) = expr else { return None };
    let Callee::Expr(callee) = &call.callee else {
        return None;
    };
    let (object, name) = member(callee)?;
    Some((object, name, &call.args))
}

/// A call `name(args)` of a plain identifier.
pub fn function_call(expr: &Expr) -> Option<(&Ident, &[ExprOrSpread])> {
    let Expr::Call(call) = expr else { return None };
    let Callee::Expr(callee) = &call.callee else {
        return None;
    };
    match bare(callee) {
        Expr::Ident(name) => Some((name, &call.args)),
        _ => None,
    }
}

/// The name of an object property, when it is literal.
pub fn prop_name(name: &PropName) -> Option<String> {
    match name {
        PropName::Ident(name) => Some(name.sym.to_string()),
        PropName::Str(text) => Some(text.value.to_string_lossy().into_owned()),
        PropName::Num(number) => Some(number.value.to_string()),
        PropName::Computed(computed) => string(&computed.expr),
        PropName::BigInt(_) => None,
    }
}

/// The value that an object literal gives to a name.
pub fn property<'a>(object: &'a ObjectLit, name: &str) -> Option<&'a Expr> {
    object.props.iter().find_map(|property| {
        let pair = property.as_prop()?.as_key_value()?;
        (prop_name(&pair.key).as_deref() == Some(name)).then_some(&*pair.value)
    })
}

/// Whether computing a value does nothing else.
pub fn quiet(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Lit(_) | Expr::Ident(_) | Expr::This(_) | Expr::Arrow(_) | Expr::Fn(_) => true,
        Expr::Tpl(template) => template.exprs.iter().all(|expr| quiet(expr)),
        Expr::Member(access) => quiet(&access.obj) && quiet_key(&access.prop),
        Expr::OptChain(chain) => match &*chain.base {
            OptChainBase::Member(access) => quiet(&access.obj) && quiet_key(&access.prop),
            OptChainBase::Call(_) => false,
        },
        Expr::Object(object) => object.props.iter().all(|prop| match prop {
            PropOrSpread::Prop(prop) => match &**prop {
                Prop::KeyValue(pair) => prop_name(&pair.key).is_some() && quiet(&pair.value),
                Prop::Shorthand(_) => true,
                _ => false,
            },
            PropOrSpread::Spread(spread) => quiet(&spread.expr),
        }),
        Expr::Array(array) => array.elems.iter().flatten().all(|item| quiet(&item.expr)),
        Expr::Cond(cond) => quiet(&cond.test) && quiet(&cond.cons) && quiet(&cond.alt),
        Expr::Bin(binary) => quiet(&binary.left) && quiet(&binary.right),
        Expr::Unary(unary) => unary.op != UnaryOp::Delete && quiet(&unary.arg),
        _ => false,
    }
}

fn quiet_key(key: &MemberProp) -> bool {
    match key {
        MemberProp::Ident(_) | MemberProp::PrivateName(_) => true,
        MemberProp::Computed(key) => quiet(&key.expr),
    }
}

/// The value of a literal number.
pub fn number(expr: &Expr) -> Option<u16> {
    match bare(expr) {
        Expr::Lit(Lit::Num(number))
            if number.value.fract() == 0.0 && (0.0..1000.0).contains(&number.value) =>
        {
            Some(number.value as u16)
        }
        _ => None,
    }
}

/// Whether an answer of this status has no body, whatever it is given: 204, 205 and 304, or a
/// constant of one of their names, as `StatusCodes.NO_CONTENT`.
pub fn is_bodiless(status: &Expr) -> bool {
    let named = |name: &str| {
        let name = name.replace('_', "").to_ascii_lowercase();
        matches!(&*name, "nocontent" | "resetcontent" | "notmodified")
    };
    match bare(status) {
        // A constant; a variable may hold anything.
        Expr::Ident(name) if !name.sym.contains(|char: char| char.is_ascii_lowercase()) => {
            named(&name.sym)
        }
        Expr::Member(access) => member_name(&access.prop).is_some_and(|name| named(&name)),
        literal => number(literal).is_some_and(|status| matches!(status, 204 | 205 | 304)),
    }
}

/// Whether an expression makes a value and does nothing else: a collection of the language, or a
/// schema of a library for them.
pub fn is_made_only(source: &Source, expr: &Expr) -> bool {
    const COLLECTIONS: &[&str] = &["Map", "Set", "WeakMap", "WeakSet"];
    const SCHEMAS: &[&str] = &["zod", "yup", "joi", "valibot", "superstruct"];
    match bare(expr) {
        Expr::New(made) => {
            matches!(bare(&made.callee), Expr::Ident(name) if COLLECTIONS.contains(&&*name.sym))
        }
        Expr::Call(call) => match &call.callee {
            Callee::Expr(callee) => is_made_only(source, callee),
            _ => false,
        },
        Expr::Member(access) => is_made_only(source, &access.obj),
        Expr::Ident(name) => source.items().iter().any(|item| match item {
            ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => {
                let from = import.src.value.to_string_lossy();
                let package = from.split('/').next().unwrap_or_default();
                SCHEMAS.contains(&package)
                    && import.specifiers.iter().any(|specifier| {
                        let local = match specifier {
                            ImportSpecifier::Named(named) => &named.local,
                            ImportSpecifier::Default(default) => &default.local,
                            ImportSpecifier::Namespace(all) => &all.local,
                        };
                        id(local) == id(name)
                    })
            }
            _ => false,
        }),
        _ => false,
    }
}

/// The statements of a statement that is a block, or the statement itself.
pub fn statements(stmt: &Stmt) -> &[Stmt] {
    match stmt {
        Stmt::Block(block) => &block.stmts,
        other => std::slice::from_ref(other),
    }
}

/// Names that patterns bind.
pub fn bound_names(pat: &Pat, out: &mut Vec<Id>) {
    match pat {
        Pat::Ident(binding) => out.push(id(&binding.id)),
        Pat::Array(array) => array
            .elems
            .iter()
            .flatten()
            .for_each(|pat| bound_names(pat, out)),
        Pat::Rest(rest) => bound_names(&rest.arg, out),
        Pat::Assign(assign) => bound_names(&assign.left, out),
        Pat::Object(object) => {
            for prop in &object.props {
                match prop {
                    ObjectPatProp::KeyValue(pair) => bound_names(&pair.value, out),
                    ObjectPatProp::Assign(short) => out.push(id(&short.key.id)),
                    ObjectPatProp::Rest(rest) => bound_names(&rest.arg, out),
                }
            }
        }
        Pat::Invalid(_) | Pat::Expr(_) => {}
    }
}

/// Every identifier that stands in a node, as a value, a binding or a type.
#[derive(Default)]
pub struct Names {
    /// The identifiers with their places, in order.
    pub all: Vec<(Id, Range<usize>)>,
}

impl Names {
    /// The identifiers of a node.
    pub fn of<N: for<'v> VisitWith<Collector<'v>>>(source: &Source, node: &N) -> Names {
        let mut collector = Collector {
            source,
            names: Names::default(),
        };
        node.visit_with(&mut collector);
        collector.names
    }
}

/// The visitor behind [`Names`].
pub struct Collector<'s> {
    source: &'s Source,
    names: Names,
}

impl Visit for Collector<'_> {
    fn visit_ident(&mut self, ident: &Ident) {
        self.names.all.push((id(ident), self.source.range(ident)));
    }
}

/// Whether a node awaits in its own function.
pub fn awaits<N: VisitWith<Awaits>>(node: &N) -> bool {
    let mut finder = Awaits(false);
    node.visit_with(&mut finder);
    finder.0
}

/// The visitor behind [`awaits`].
pub struct Awaits(bool);

impl Visit for Awaits {
    fn visit_await_expr(&mut self, _: &AwaitExpr) {
        self.0 = true;
    }
    fn visit_for_of_stmt(&mut self, node: &ForOfStmt) {
        self.0 |= node.is_await;
        node.visit_children_with(self);
    }
    fn visit_function(&mut self, _: &Function) {}
    fn visit_arrow_expr(&mut self, _: &ArrowExpr) {}
}

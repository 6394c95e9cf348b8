//! Values that JSON turns into something else: a `Date` becomes a text in a request's body, and stays a `Date`
//! as the argument of a Server Action. In: the value that a caller sends. Out: the place of such a value,
//! as far as the file says what it is: by an expression, an annotation, or the state that it is.

use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::source::Source;
use crate::syntax::{Id, id};

/// Types whose values JSON does not keep.
const KINDS: &[&str] = &[
    "ArrayBuffer",
    "BigInt",
    "Blob",
    "Buffer",
    "Date",
    "File",
    "FormData",
    "Map",
    "RegExp",
    "Set",
    "URL",
    "Uint8Array",
    "bigint",
];

/// Where a value stands, in a body, that JSON turns into something else: an instance, a function, a
/// getter, or a name that holds one.
pub(super) fn unlike(source: &Source, value: &Expr) -> Option<Range<usize>> {
    match value {
        Expr::New(_) | Expr::Arrow(_) | Expr::Fn(_) | Expr::Class(_) | Expr::This(_) => {
            Some(source.range(value))
        }
        Expr::Lit(Lit::Regex(_) | Lit::BigInt(_)) => Some(source.range(value)),
        Expr::Object(object) => object.props.iter().find_map(|entry| match entry {
            PropOrSpread::Prop(prop) => match &**prop {
                Prop::KeyValue(pair) => unlike(source, &pair.value),
                Prop::Shorthand(name) => holds(source, &id(name)).then(|| source.range(name)),
                _ => Some(source.range(entry)),
            },
            PropOrSpread::Spread(spread) => unlike(source, &spread.expr),
        }),
        Expr::Array(array) => array
            .elems
            .iter()
            .flatten()
            .find_map(|element| unlike(source, &element.expr)),
        Expr::Cond(cond) => unlike(source, &cond.cons).or_else(|| unlike(source, &cond.alt)),
        Expr::Bin(binary) if is_choice(binary.op) => {
            unlike(source, &binary.left).or_else(|| unlike(source, &binary.right))
        }
        Expr::Paren(paren) => unlike(source, &paren.expr),
        Expr::TsAs(cast) => unlike(source, &cast.expr),
        Expr::TsNonNull(sure) => unlike(source, &sure.expr),
        Expr::Ident(name) => holds(source, &id(name)).then(|| source.range(name)),
        _ => None,
    }
}

/// Whether an operator gives one of its operands.
fn is_choice(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::LogicalAnd | BinaryOp::LogicalOr | BinaryOp::NullishCoalescing
    )
}

/// Whether the file says that a name holds what JSON does not keep.
fn holds(source: &Source, name: &Id) -> bool {
    let mut bindings = Bindings {
        source,
        name,
        found: false,
    };
    source.module.visit_with(&mut bindings);
    bindings.found
}

struct Bindings<'s> {
    source: &'s Source,
    name: &'s Id,
    found: bool,
}

impl Bindings<'_> {
    /// Whether a type names one of [`KINDS`] for the value itself: not behind a colon or a bracket.
    fn is_kind(&self, annotation: &TsType) -> bool {
        match annotation {
            TsType::TsUnionOrIntersectionType(TsUnionOrIntersectionType::TsUnionType(union)) => {
                union.types.iter().any(|kind| self.is_kind(kind))
            }
            TsType::TsArrayType(array) => self.is_kind(&array.elem_type),
            TsType::TsTypeRef(_) | TsType::TsKeywordType(_) => {
                let text = self.source.text_of(annotation);
                KINDS.contains(&text.split('<').next().unwrap_or(text))
            }
            _ => false,
        }
    }

    /// Whether a value is made by `new`, or given by a function that makes it so.
    fn is_made(&self, value: &Expr) -> bool {
        match value {
            Expr::Arrow(arrow) => {
                matches!(&*arrow.body, ArrowFunctionBody::Expr(value) if self.is_made(value))
            }
            other => matches!(crate::syntax::bare(other), Expr::New(made) if {
                let callee = self.source.text_of(&*made.callee);
                KINDS.contains(&callee)
            }),
        }
    }
}

impl Visit for Bindings<'_> {
    fn visit_binding_ident(&mut self, node: &BindingIdent) {
        if id(&node.id) == *self.name
            && let Some(annotation) = &node.type_ann
        {
            self.found |= self.is_kind(&annotation.type_ann);
        }
    }

    fn visit_var_declarator(&mut self, node: &VarDeclarator) {
        let init = node.init.as_deref().map(crate::syntax::bare);
        match (&node.name, init) {
            (Pat::Ident(binding), Some(init)) if id(&binding.id) == *self.name => {
                self.found |= self.is_made(init);
            }
            // `const [day, setDay] = useState<Date>(…)`
            (Pat::Array(pattern), Some(Expr::Call(call))) => {
                let first = pattern.elems.first().and_then(Option::as_ref);
                let own =
                    matches!(first, Some(Pat::Ident(binding)) if id(&binding.id) == *self.name);
                let kinds = call.type_args.iter().flat_map(|args| &args.params);
                let mut kinds = kinds.map(|kind| self.is_kind(kind));
                let mut made = call.args.iter().map(|arg| self.is_made(&arg.expr));
                self.found |= own && (kinds.any(|kind| kind) || made.any(|made| made));
            }
            _ => {}
        }
        node.visit_children_with(self);
    }
}

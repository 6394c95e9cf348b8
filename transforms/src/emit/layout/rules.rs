//! Small questions about code that decide how Prettier lays it out.

use swc_core::ecma::ast::*;

use super::doc::Doc;
use super::syntax::Layout;
use crate::syntax::bare;

/// A group with its lines broken.
pub fn forced(doc: Doc) -> Doc {
    match doc {
        Doc::Group(inner, _) => Doc::Group(inner, true),
        Doc::All(mut parts) => {
            // `{ … } as T`: the object breaks.
            if let Some(first) = parts.first_mut() {
                *first = forced(first.clone());
            }
            Doc::All(parts)
        }
        other => other,
    }
}

/// Whether an argument may open behind the parenthesis of its call.
pub fn opens(expr: &Expr) -> bool {
    match expr {
        Expr::Object(object) => !object.props.is_empty(),
        Expr::Array(array) => !array.elems.is_empty(),
        Expr::TsAs(cast) => opens(&cast.expr),
        Expr::Arrow(arrow) => matches!(&*arrow.body, ArrowFunctionBody::FunctionBody(_)),
        _ => false,
    }
}

/// `require('module')`, which never breaks.
pub fn is_require(expr: &Expr) -> bool {
    let Expr::Call(call) = expr else { return false };
    let callee = call.callee.as_expr().map(|callee| &**callee);
    matches!(callee, Some(Expr::Ident(name)) if name.sym == "require")
}

/// How many calls a chain has.
pub fn calls(expr: &Expr) -> usize {
    match expr {
        Expr::Call(call) => 1 + call.callee.as_expr().map_or(0, |callee| calls(callee)),
        Expr::Member(access) => calls(&access.obj),
        Expr::OptChain(chain) => match &*chain.base {
            OptChainBase::Member(access) => calls(&access.obj),
            OptChainBase::Call(call) => 1 + calls(&call.callee),
        },
        _ => 0,
    }
}

pub fn is_logical(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::LogicalAnd | BinaryOp::LogicalOr | BinaryOp::NullishCoalescing
    )
}

pub fn is_comparison(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::EqEq
            | BinaryOp::NotEq
            | BinaryOp::EqEqEq
            | BinaryOp::NotEqEq
            | BinaryOp::Lt
            | BinaryOp::LtEq
            | BinaryOp::Gt
            | BinaryOp::GtEq
    )
}

/// `a || { b }`: the object opens behind the operator.
pub fn inlines(binary: &BinExpr) -> bool {
    is_logical(binary.op)
        && match &*binary.right {
            Expr::Object(object) => !object.props.is_empty(),
            Expr::Array(array) => !array.elems.is_empty(),
            _ => false,
        }
}

/// Whether a value goes to the next line as a whole before it breaks itself: text, names with
/// dots, calls with no or one short argument, and operators.
pub fn breaks_after(layout: &Layout, value: &Expr, short_key: bool) -> bool {
    if let Expr::Bin(binary) = value {
        return !inlines(binary);
    }
    if let Expr::Cond(cond) = value {
        return matches!(bare(&cond.test), Expr::Bin(binary) if !inlines(binary));
    }
    if short_key {
        return false;
    }
    let value = match value {
        Expr::Await(awaited) => &*awaited.arg,
        Expr::Unary(unary) => &*unary.arg,
        other => other,
    };
    match value {
        Expr::Lit(Lit::Str(_)) => true,
        Expr::Ident(_) => false,
        other => is_plain_chain(layout, other),
    }
}

pub fn is_plain_chain(layout: &Layout, expr: &Expr) -> bool {
    let short = |args: &[ExprOrSpread]| match args {
        [] => true,
        [arg] => {
            arg.spread.is_none()
                && match &*arg.expr {
                    Expr::Ident(_) | Expr::This(_) | Expr::Lit(_) => {
                        layout.style.columns(layout.raw(arg)) <= layout.style.width / 4
                    }
                    Expr::Object(object) => object.props.is_empty(),
                    Expr::Array(array) => array.elems.is_empty(),
                    _ => false,
                }
        }
        _ => false,
    };
    match expr {
        Expr::Ident(_) | Expr::This(_) => true,
        Expr::Member(access) => {
            !matches!(access.prop, MemberProp::Computed(_)) && is_plain_chain(layout, &access.obj)
        }
        Expr::OptChain(chain) => match &*chain.base {
            OptChainBase::Member(access) => is_plain_chain(layout, &access.obj),
            OptChainBase::Call(call) => short(&call.args) && is_plain_chain(layout, &call.callee),
        },
        Expr::Call(call) => {
            short(&call.args)
                && call
                    .callee
                    .as_expr()
                    .is_some_and(|callee| is_plain_chain(layout, callee))
        }
        _ => false,
    }
}

/// Whether a template literal in a text goes over several lines.
pub fn has_long_template(text: &str) -> bool {
    text.split('`')
        .skip(1)
        .step_by(2)
        .any(|inner| inner.contains('\n'))
}

//! The address of the connection: `req.socket.remoteAddress`. A route handler does not see it.
//! Before any handler runs, Next.js sets the header `x-forwarded-for` to it where the client has
//! not sent that header (`base-server.ts`, 13.4 to 16), so code that asks the header first never
//! comes to the socket. In: an expression. Out: whether it is that address, or that header.

use swc_core::ecma::ast::*;

use super::request::{self, Names};
use crate::facts::api_module::ApiModule;
use crate::syntax::{bare, id, member, member_name};

/// The header that is always there.
pub const FORWARDED: &str = "x-forwarded-for";

/// How many constants are followed one after another.
const MAX_FOLLOWED: usize = 4;

/// Whether an expression is the address of the connection.
pub fn is_address(names: &Names, expr: &Expr) -> bool {
    let Some((socket, name)) = member(expr) else {
        return false;
    };
    name == "remoteAddress"
        && names
            .part(bare(socket))
            .is_some_and(|part| matches!(part.as_str(), "socket" | "connection"))
}

/// Whether an expression holds the address of the connection.
pub fn holds_address(names: &Names, expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Bin(BinExpr { left, right, .. }) => {
            holds_address(names, left) || holds_address(names, right)
        }
        other => is_address(names, other),
    }
}

/// Whether the value of an expression is made of the header alone, or comes after it in a chain of
/// `||` and `??`, so that it is there whenever the client sends no empty header.
pub fn is_forwarded(module: &ApiModule, names: &Names, expr: &Expr) -> bool {
    forwarded(module, names, expr, 0)
}

fn forwarded(module: &ApiModule, names: &Names, expr: &Expr, followed: usize) -> bool {
    let again = |expr: &Expr| forwarded(module, names, expr, followed);
    let expr = bare(expr);
    match expr {
        Expr::Member(_) | Expr::OptChain(_) if is_header(names, expr) => true,
        // `list[0]`, and the callee of `text.split`
        Expr::Member(access) => {
            let index = matches!(&access.prop, MemberProp::Computed(key) if matches!(bare(&key.expr), Expr::Lit(Lit::Num(_))));
            let method = member_name(&access.prop)
                .is_some_and(|name| matches!(name.as_str(), "split" | "trim" | "toString"));
            (index || method) && again(&access.obj)
        }
        Expr::OptChain(chain) => match &*chain.base {
            OptChainBase::Member(access) => again(&Expr::Member(access.clone())),
            OptChainBase::Call(call) => again(&call.callee),
        },
        Expr::Call(call) => match &call.callee {
            Callee::Expr(callee) if matches!(bare(callee), Expr::Ident(name) if name.sym == "String") =>
            {
                matches!(&call.args[..], [only] if again(&only.expr))
            }
            Callee::Expr(callee) => again(callee),
            _ => false,
        },
        Expr::Bin(BinExpr {
            op: BinaryOp::LogicalOr | BinaryOp::NullishCoalescing,
            left,
            right,
            ..
        }) => again(left) || again(right),
        Expr::Cond(cond) => {
            let text = asks(module, names, &cond.test, followed);
            let list = is_list(module, names, &cond.test, followed);
            let address = holds_address(names, &cond.alt);
            (text || list) && again(&cond.cons) && (text || address || again(&cond.alt))
        }
        Expr::Ident(name) => {
            followed < MAX_FOLLOWED
                && request::initialiser(module, &id(name))
                    .is_some_and(|init| forwarded(module, names, init, followed + 1))
        }
        _ => false,
    }
}

fn is_header(names: &Names, expr: &Expr) -> bool {
    let Some((headers, name)) = member(expr) else {
        return false;
    };
    name == FORWARDED && names.part(headers).as_deref() == Some("headers")
}

/// Whether a condition holds wherever the header is there.
pub fn asks_forwarded(module: &ApiModule, names: &Names, test: &Expr) -> bool {
    asks(module, names, test, 0)
}

fn asks(module: &ApiModule, names: &Names, test: &Expr, followed: usize) -> bool {
    match bare(test) {
        // A header that the client doubles is joined, so it is always one string.
        Expr::Bin(BinExpr {
            op: BinaryOp::EqEq | BinaryOp::EqEqEq,
            left,
            right,
            ..
        }) => {
            let text = crate::syntax::string(right).as_deref() == Some("string");
            let Expr::Unary(UnaryExpr {
                op: UnaryOp::TypeOf,
                arg,
                ..
            }) = bare(left)
            else {
                return false;
            };
            text && is_header(names, resolved(module, arg))
        }
        other => forwarded(module, names, other, followed),
    }
}

/// `Array.isArray(header)`.
fn is_list(module: &ApiModule, names: &Names, test: &Expr, followed: usize) -> bool {
    let call = crate::syntax::method_call(bare(test));
    call.is_some_and(|(object, name, args)| {
        let array = matches!(bare(object), Expr::Ident(array) if array.sym == "Array");
        array
            && name == "isArray"
            && matches!(args, [only] if forwarded(module, names, &only.expr, followed))
    })
}

/// The initialiser of a constant, or the expression itself.
fn resolved<'e>(module: &'e ApiModule, expr: &'e Expr) -> &'e Expr {
    match bare(expr) {
        Expr::Ident(name) => request::initialiser(module, &id(name)).map_or(expr, bare),
        other => other,
    }
}

//! Functions that wrap a handler: `withAuth(handler)`, `withRole('admin')(handler)`. In: a function
//! of a module. Out: the functions that stand in each other, the innermost of which takes the
//! request, and the parameter that is the handler.

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::facts::api_module::{Body, Function, from_expr, param_id};
use crate::facts::effect::Role;
use crate::source::Source;
use crate::syntax::{Id, bare, id, is_binding};

/// A function that wraps a handler.
#[derive(Clone)]
pub struct Wrapping<'a> {
    /// The functions, the outermost first, without the innermost.
    pub layers: Vec<Function<'a>>,
    /// The innermost, which takes the request and the response.
    pub closure: Function<'a>,
    /// The function with the handler among its parameters, and which of them it is.
    pub handler: (usize, usize),
    /// The handler's parameter.
    pub name: Id,
    /// How many arguments the handler gets behind the request and the response.
    pub extras: usize,
}

/// Reads a function as a wrapper.
pub fn of<'a>(source: &'a Source, function: &Function<'a>) -> Option<Wrapping<'a>> {
    let mut layers = layers(source, function);
    let closure = layers.pop().filter(|_| !layers.is_empty())?;
    let request = param_id(closure.params.first()?)?;
    let response = closure.params.get(1).and_then(|pat| param_id(pat));
    let mut found = None;
    for (layer, function) in layers.iter().enumerate() {
        for (at, pat) in function.params.iter().enumerate() {
            let Some(name) = param_id(pat) else { continue };
            let mut calls = Calls {
                name: &name,
                request: &request,
                response: response.as_ref(),
                extras: None,
                odd: false,
            };
            match closure.body {
                Body::Block(stmts, _) => stmts.visit_with(&mut calls),
                Body::Expr(expr) => expr.visit_with(&mut calls),
            }
            if let Some(extras) = calls.extras {
                if calls.odd || found.is_some() {
                    return None;
                }
                found = Some(((layer, at), name, extras));
            }
        }
    }
    let (handler, name, extras) = found?;
    Some(Wrapping {
        layers,
        closure,
        handler,
        name,
        extras,
    })
}

/// The parameter of a function that it calls with the request and the response that it is given.
pub fn callback(function: &Function, roles: &[Option<Role>]) -> Option<(usize, Id)> {
    let with = |role: Role| {
        let at = roles.iter().position(|found| *found == Some(role))?;
        param_id(function.params.get(at)?)
    };
    let (request, response) = (with(Role::Request)?, with(Role::Response));
    function.params.iter().enumerate().find_map(|(at, pat)| {
        let name = param_id(pat)?;
        let mut calls = Calls {
            name: &name,
            request: &request,
            response: response.as_ref(),
            extras: None,
            odd: false,
        };
        match function.body {
            Body::Block(stmts, _) => stmts.visit_with(&mut calls),
            Body::Expr(expr) => expr.visit_with(&mut calls),
        }
        (calls.extras.is_some() && !calls.odd).then_some((at, name))
    })
}

/// The functions that stand in each other, the outermost first; a function that gives back no other
/// stands alone.
pub fn layers<'a>(source: &'a Source, function: &Function<'a>) -> Vec<Function<'a>> {
    let mut layers = vec![function.clone()];
    while let Some(inner) = layers.last().and_then(|last| returned(source, last)) {
        layers.push(inner);
    }
    layers
}

/// The function that a function gives back.
fn returned<'a>(source: &'a Source, function: &Function<'a>) -> Option<Function<'a>> {
    let statement = function.statement.clone();
    match function.body {
        Body::Expr(expr) => from_expr(source, None, expr, statement),
        Body::Block(stmts, _) => {
            let Stmt::Return(last) = stmts.last()? else {
                return None;
            };
            let expr = bare(last.arg.as_deref()?);
            if let Expr::Ident(name) = expr {
                let init = stmts.iter().find_map(|stmt| match stmt {
                    Stmt::Decl(Decl::Var(declaration)) => {
                        declaration
                            .decls
                            .iter()
                            .find_map(|declarator| match &declarator.name {
                                Pat::Ident(binding) if id(&binding.id) == id(name) => {
                                    declarator.init.as_deref()
                                }
                                _ => None,
                            })
                    }
                    _ => None,
                });
                return from_expr(source, None, init?, statement);
            }
            from_expr(source, None, expr, statement)
        }
    }
}

/// Finds the calls of a parameter with the request.
struct Calls<'c> {
    name: &'c Id,
    request: &'c Id,
    response: Option<&'c Id>,
    extras: Option<usize>,
    odd: bool,
}

impl Visit for Calls<'_> {
    fn visit_call_expr(&mut self, node: &CallExpr) {
        if let Callee::Expr(callee) = &node.callee
            && is_binding(callee, self.name)
        {
            match &node.args[..] {
                [req, res, rest @ ..]
                    if is_binding(&req.expr, self.request)
                        && self
                            .response
                            .is_some_and(|response| is_binding(&res.expr, response)) =>
                {
                    let extras = rest.len();
                    self.odd |= self.extras.is_some_and(|known| known != extras);
                    self.odd |= rest.iter().any(|arg| arg.spread.is_some());
                    self.extras = Some(extras);
                }
                _ => self.odd = true,
            }
        }
        node.visit_children_with(self);
    }
}

//! Spellings of the request: `req.query`, `req.body`, `req.headers`, `req.cookies`, `req.url`.

use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::facts::api_module::ApiModule;
use crate::facts::effect::{Arg, Carrier, Role};
use crate::syntax::{Id, bare, id, is_binding, member, string};

/// The names that stand for the request and its parts in one function.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// The request.
    pub req: Option<Id>,
    /// The response.
    pub res: Option<Id>,
    /// Names that hold `req.headers`.
    pub headers: Vec<Id>,
    /// Names that hold `req.cookies`.
    pub cookies: Vec<Id>,
}

impl Names {
    /// The member of the request that an expression is, as `query` for `req.query`.
    pub fn part(&self, expr: &Expr) -> Option<String> {
        if let Expr::Ident(name) = bare(expr) {
            let name = id(name);
            if self.headers.contains(&name) {
                return Some("headers".to_string());
            }
            if self.cookies.contains(&name) {
                return Some("cookies".to_string());
            }
        }
        part(self.req.as_ref(), expr)
    }
}

/// The member of the request that an expression is, through parentheses and assertions.
pub fn part(req: Option<&Id>, expr: &Expr) -> Option<String> {
    let (object, name) = member(expr)?;
    is_binding(object, req?).then_some(name)
}

/// Constant lists of strings at the top of the module or of the handler.
pub fn constant_lists(module: &ApiModule) -> Vec<(Id, Vec<String>)> {
    let mut finder = Lists(Vec::new());
    module.source.module.visit_with(&mut finder);
    finder.0
}

struct Lists(Vec<(Id, Vec<String>)>);

impl Visit for Lists {
    fn visit_var_decl(&mut self, node: &VarDecl) {
        if node.kind == VarDeclKind::Const {
            for declarator in &node.decls {
                let (Pat::Ident(binding), Some(init)) = (&declarator.name, &declarator.init) else {
                    continue;
                };
                let array = match bare(init) {
                    Expr::Array(array) => Some(array),
                    Expr::New(new) if matches!(bare(&new.callee), Expr::Ident(name) if name.sym == "Set") => {
                        match new
                            .args
                            .as_ref()
                            .and_then(|args| args.first())
                            .map(|arg| bare(&arg.expr))
                        {
                            Some(Expr::Array(array)) => Some(array),
                            _ => None,
                        }
                    }
                    _ => None,
                };
                let items: Option<Vec<String>> = array.and_then(|array| {
                    array
                        .elems
                        .iter()
                        .map(|item| item.as_ref().and_then(|item| string(&item.expr)))
                        .collect()
                });
                if let Some(items) = items {
                    self.0.push((id(&binding.id), items));
                }
            }
        }
        node.visit_children_with(self);
    }
}

/// The initialiser of a constant that is declared anywhere in the file, at the top or in a function body.
pub fn initialiser<'a>(module: &ApiModule<'a>, name: &Id) -> Option<&'a Expr> {
    let find_in = |declaration: &'a VarDecl| -> Option<&'a Expr> {
        if declaration.kind != VarDeclKind::Const {
            return None;
        }
        declaration
            .decls
            .iter()
            .find_map(|declarator| match &declarator.name {
                Pat::Ident(binding) if id(&binding.id) == *name => declarator.init.as_deref(),
                _ => None,
            })
    };
    let source = module.source;
    for item in source.items() {
        if let ModuleItem::Stmt(Stmt::Decl(Decl::Var(declaration))) = item
            && let Some(found) = find_in(declaration)
        {
            return Some(found);
        }
    }
    let entries = module.map().into_iter().flat_map(|map| &map.entries);
    let bodies = std::iter::once(&module.handler)
        .chain(module.functions.values())
        .chain(entries.map(|entry| &entry.function));
    for function in bodies {
        if let crate::facts::api_module::Body::Block(stmts, _) = function.body
            && let Some(found) = in_statements(stmts, &find_in)
        {
            return Some(found);
        }
    }
    None
}

fn in_statements<'a>(
    stmts: &'a [Stmt],
    find: &impl Fn(&'a VarDecl) -> Option<&'a Expr>,
) -> Option<&'a Expr> {
    stmts.iter().find_map(|stmt| match stmt {
        Stmt::Decl(Decl::Var(declaration)) => find(declaration),
        Stmt::Block(block) => in_statements(&block.stmts, find),
        Stmt::If(branch) => {
            in_statements(crate::syntax::statements(&branch.cons), find).or_else(|| {
                branch
                    .alt
                    .as_deref()
                    .and_then(|alt| in_statements(crate::syntax::statements(alt), find))
            })
        }
        Stmt::Try(attempt) => in_statements(&attempt.block.stmts, find).or_else(|| {
            attempt
                .handler
                .as_ref()
                .and_then(|handler| in_statements(&handler.body.stmts, find))
        }),
        Stmt::Switch(switch) => switch
            .cases
            .iter()
            .find_map(|case| in_statements(&case.cons, find)),
        Stmt::For(repeat) => in_statements(crate::syntax::statements(&repeat.body), find),
        Stmt::ForOf(repeat) => in_statements(crate::syntax::statements(&repeat.body), find),
        _ => None,
    })
}

/// A call that hands the request or the response to a function that is followed: the function,
/// its arguments, and the argument list with its parentheses.
pub type CarrierCall = (Carrier, Vec<Arg>, Range<usize>);

/// Reads a call of a function that takes the request or the response and is followed: one of this
/// file, or of a module of the project.
pub fn carrier_call(
    module: &ApiModule,
    role: &dyn Fn(&Expr) -> Option<Role>,
    expr: &Expr,
) -> Option<CarrierCall> {
    let Expr::Call(call) = expr else { return None };
    let callee = bare(call.callee.as_expr()?);
    let source = module.source;
    let args: Vec<Arg> = call
        .args
        .iter()
        .map(|arg| Arg {
            range: source.range(arg),
            role: if arg.spread.is_some() {
                None
            } else {
                role(&arg.expr)
            },
        })
        .collect();
    if args.iter().all(|arg| arg.role.is_none()) {
        return None;
    }
    if let Some(wrapped) = &module.wrapped
        && (is_binding(callee, wrapped)
            || module.takes.as_ref().is_some_and(|takes| takes.is(callee)))
    {
        let open = source.range(&call.callee).end;
        let open = open + source.text[open..].find('(')?;
        let list = open..source.range(call).end;
        return Some((Carrier::Handler(wrapped.clone()), args, list));
    }
    let own = match callee {
        Expr::Ident(name) if !module.library => Some(id(name)),
        _ => None,
    };
    let callee = match own.filter(|name| module.functions.contains_key(name)) {
        Some(_) if call.type_args.is_some() => return None,
        Some(name) => Carrier::Local(name),
        None => {
            let roles: Vec<Option<Role>> = args.iter().map(|arg| arg.role).collect();
            let shared = module.follow?.follow(module, callee, &roles)?;
            if let Some(middleware) = &shared.middleware
                && !(module.chained && middleware.takes(&call.args))
            {
                return None;
            }
            Carrier::Shared(shared)
        }
    };
    let before = match &call.type_args {
        Some(types) => source.range(&**types).end,
        None => source.range(&call.callee).end,
    };
    let open = before + source.text[before..].find('(')?;
    Some((callee, args, open..source.range(call).end))
}

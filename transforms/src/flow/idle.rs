//! Code behind an answer that is there by mistake: `res.status(404).json(…)` without a `return`, and
//! then another answer. Node.js lets only the first one out and throws at the second. In: the
//! statements behind an answer. Out: whether they do nothing then, so that the answer can be
//! returned.

use swc_core::ecma::ast::*;

use super::{Next, Reader};
use crate::idioms::response;
use crate::syntax::{bare, method_call, statements};

/// How control leaves statements that are run behind an answer.
enum Way {
    /// At their end.
    Through,
    /// Out of the function, with nothing done.
    Out,
    /// Something may have been done.
    Busy,
}

/// Methods that give a new value of what they are called on.
const READS: [&str; 16] = [
    "includes",
    "toString",
    "toISOString",
    "toLowerCase",
    "toUpperCase",
    "trim",
    "split",
    "join",
    "slice",
    "map",
    "filter",
    "find",
    "some",
    "every",
    "startsWith",
    "endsWith",
];

impl<'a> Reader<'a, '_> {
    /// Whether what stands behind an answer does nothing any more: it looks at values and answers
    /// once more, in vain.
    pub(super) fn is_idle(&self, rest: &[Stmt], next: &Next) -> bool {
        match self.way(rest) {
            Way::Out => true,
            Way::Through => matches!(next, Next::End | Next::Idle),
            Way::Busy => false,
        }
    }

    fn way(&self, stmts: &[Stmt]) -> Way {
        for (index, stmt) in stmts.iter().enumerate() {
            match stmt {
                Stmt::Empty(_) | Stmt::Decl(Decl::Fn(_)) => {}
                Stmt::Decl(Decl::Var(declaration)) => {
                    let inits = declaration.decls.iter().flat_map(|one| &one.init);
                    if !inits.into_iter().all(|init| self.looks(init)) {
                        return Way::Busy;
                    }
                }
                Stmt::Return(statement) => match statement.arg.as_deref() {
                    Some(arg) if self.answers(arg) => return self.second(arg),
                    Some(arg) if !self.looks(arg) => return Way::Busy,
                    _ => return Way::Out,
                },
                Stmt::Expr(statement) if self.touches(&statement.expr) => {
                    return self.second(&statement.expr);
                }
                Stmt::Block(block) => match self.way(&block.stmts) {
                    Way::Through => {}
                    way => return way,
                },
                Stmt::If(branch) => return self.fork(branch, &stmts[index + 1..]),
                _ => return Way::Busy,
            }
        }
        Way::Through
    }

    /// The way through an `if` and what stands behind it.
    fn fork(&self, branch: &IfStmt, rest: &[Stmt]) -> Way {
        let folded = self.view.fold(&branch.test);
        if folded.is_none() && !self.looks(&branch.test) {
            return Way::Busy;
        }
        let arms = [
            (folded != Some(false)).then_some(statements(&branch.cons)),
            (folded != Some(true)).then(|| branch.alt.as_deref().map_or(&[][..], statements)),
        ];
        let mut through = false;
        for arm in arms.into_iter().flatten() {
            match self.way(arm) {
                Way::Busy => return Way::Busy,
                Way::Out => {}
                Way::Through => through = true,
            }
        }
        match through {
            true => self.way(rest),
            false => Way::Out,
        }
    }

    /// Whether an expression sets a header or answers, so that it throws behind an answer.
    fn touches(&self, expr: &Expr) -> bool {
        let expr = match bare(expr) {
            Expr::Await(inner) => bare(&inner.arg),
            other => other,
        };
        let sets = response::prepare(self.res.as_ref(), expr);
        self.answers(expr) || matches!(sets, Some(Ok((headers, _))) if !headers.is_empty())
    }

    /// The way behind a second answer, which throws when it has looked at its values.
    fn second(&self, expr: &Expr) -> Way {
        let chain = match response::chain(self.res.as_ref(), bare(expr)) {
            Some(Ok(chain)) => chain,
            _ => return Way::Busy,
        };
        let catches = self.catching.iter().all(|catch| {
            catch.is_some_and(|body| body.stmts.iter().all(|stmt| self.only_tells(stmt)))
        });
        match catches && chain.values().all(|value| self.looks(value)) {
            true => Way::Out,
            false => Way::Busy,
        }
    }

    /// Whether a statement of a `catch` only writes a log or answers.
    fn only_tells(&self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Expr(statement) => {
                super::held::is_log_call(self.source, &statement.expr)
                    || self.answers(&statement.expr)
            }
            Stmt::Return(statement) => {
                let arg = statement.arg.as_deref();
                arg.is_none_or(|arg| self.answers(arg) || self.looks(arg))
            }
            _ => false,
        }
    }

    /// Whether an expression only looks at values.
    fn looks(&self, expr: &Expr) -> bool {
        match bare(expr) {
            Expr::Lit(_) | Expr::Ident(_) | Expr::This(_) => true,
            Expr::Tpl(template) => template.exprs.iter().all(|expr| self.looks(expr)),
            Expr::Bin(bin) => self.looks(&bin.left) && self.looks(&bin.right),
            Expr::Unary(unary) => unary.op != UnaryOp::Delete && self.looks(&unary.arg),
            Expr::Cond(cond) => [&cond.test, &cond.cons, &cond.alt]
                .into_iter()
                .all(|expr| self.looks(expr)),
            Expr::Member(access) => {
                let computed = access.prop.as_computed();
                self.looks(&access.obj) && computed.is_none_or(|name| self.looks(&name.expr))
            }
            Expr::OptChain(chain) => match &*chain.base {
                OptChainBase::Member(access) => self.looks(&Expr::Member(access.clone())),
                OptChainBase::Call(_) => false,
            },
            Expr::Object(object) => object.props.iter().all(|prop| match prop {
                PropOrSpread::Prop(prop) => match &**prop {
                    Prop::Shorthand(_) => true,
                    Prop::KeyValue(pair) => self.looks(&pair.value),
                    _ => false,
                },
                PropOrSpread::Spread(spread) => self.looks(&spread.expr),
            }),
            Expr::Array(array) => {
                let items = array.elems.iter().flatten();
                items.into_iter().all(|item| self.looks(&item.expr))
            }
            Expr::Arrow(arrow) => {
                let body = arrow.body.as_expr();
                !arrow.is_async && body.is_some_and(|body| self.looks(body))
            }
            call @ Expr::Call(_) => method_call(call).is_some_and(|(object, name, args)| {
                READS.contains(&name.as_str())
                    && self.looks(object)
                    && args.iter().all(|arg| self.looks(&arg.expr))
            }),
            _ => false,
        }
    }
}

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

/// Methods of texts and dates that give a text.
const READS: [&str; 5] = [
    "toString",
    "toISOString",
    "toLowerCase",
    "toUpperCase",
    "trim",
];

/// What a second answer does.
enum Second {
    /// It throws: the headers are sent.
    Throws,
    /// Nothing.
    Nothing,
    /// That is not known.
    Unknown,
}

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
                    let looks = |one: &VarDeclarator| {
                        let init = one.init.as_deref();
                        is_plain(&one.name) && init.is_none_or(|init| self.looks(init))
                    };
                    // A `var` may be used in front of it.
                    if declaration.kind == VarDeclKind::Var || !declaration.decls.iter().all(looks)
                    {
                        return Way::Busy;
                    }
                }
                Stmt::Return(statement) => match statement.arg.as_deref() {
                    Some(arg) if self.answers(arg) => {
                        return match self.second(arg) {
                            Second::Throws => self.thrown(),
                            Second::Nothing => Way::Out,
                            Second::Unknown => Way::Busy,
                        };
                    }
                    Some(arg) if !self.looks(arg) => return Way::Busy,
                    _ => return Way::Out,
                },
                Stmt::Expr(statement) if self.touches(&statement.expr) => {
                    match self.second(&statement.expr) {
                        Second::Throws => return self.thrown(),
                        Second::Nothing => {}
                        Second::Unknown => return Way::Busy,
                    }
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

    /// What a second answer does when it has looked at its values. `end` sets no header, and
    /// `send` ends when it is given nothing.
    fn second(&self, expr: &Expr) -> Second {
        let chain = match response::chain(self.res.as_ref(), bare(expr)) {
            Some(Ok(chain)) => chain,
            _ => return Second::Unknown,
        };
        if !chain.values().all(|value| self.looks(value)) {
            return Second::Unknown;
        }
        let sure = |value: &Expr| {
            matches!(
                bare(value),
                Expr::Lit(Lit::Str(_)) | Expr::Tpl(_) | Expr::Object(_) | Expr::Array(_)
            )
        };
        match &chain.last {
            _ if !chain.headers.is_empty() => Second::Throws,
            Some((name, _)) if name == "json" || name == "redirect" => Second::Throws,
            Some((name, [value])) if name == "send" && sure(&value.expr) => Second::Throws,
            Some((name, [])) if name == "end" || name == "send" => Second::Nothing,
            Some((name, [_])) if name == "end" => Second::Nothing,
            _ => Second::Unknown,
        }
    }

    /// The way behind what throws. Around a handler that nothing wraps, Next.js writes a line to its
    /// log, and no more; what calls another function may do something.
    fn thrown(&self) -> Way {
        let module = self.module;
        let alone = !module.library && module.wrappers.is_empty() && module.wrapper.is_none();
        let catches = self.catching.iter().all(|catch| {
            catch.is_some_and(|body| match body.stmts.split_last() {
                Some((last, rest)) => {
                    self.throws_again(last) && rest.iter().all(|stmt| self.only_logs(stmt))
                }
                None => false,
            })
        });
        match alone && self.is_handler && catches {
            true => Way::Out,
            false => Way::Busy,
        }
    }

    /// Whether a statement of a `catch` answers, and so throws once more.
    fn throws_again(&self, stmt: &Stmt) -> bool {
        let answer = match stmt {
            Stmt::Expr(statement) => &*statement.expr,
            Stmt::Return(ReturnStmt { arg: Some(arg), .. }) => arg,
            _ => return false,
        };
        matches!(self.second(answer), Second::Throws)
    }

    /// Whether a statement writes a line to a log, and does nothing else.
    fn only_logs(&self, stmt: &Stmt) -> bool {
        let Stmt::Expr(statement) = stmt else {
            return false;
        };
        super::held::is_log_call(self.source, &statement.expr)
            && method_call(bare(&statement.expr)).is_some_and(|(_, _, args)| {
                let mut args = args.iter();
                args.all(|arg| arg.spread.is_none() && self.looks(&arg.expr))
            })
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
                    Prop::KeyValue(pair) => {
                        !matches!(pair.key, PropName::Computed(_)) && self.looks(&pair.value)
                    }
                    _ => false,
                },
                PropOrSpread::Spread(_) => false,
            }),
            Expr::Array(array) => {
                let mut items = array.elems.iter().flatten();
                items.all(|item| item.spread.is_none() && self.looks(&item.expr))
            }
            call @ Expr::Call(_) => method_call(call).is_some_and(|(object, name, args)| {
                READS.contains(&name.as_str()) && args.is_empty() && self.looks(object)
            }),
            _ => false,
        }
    }
}

/// Whether a pattern only names what it takes.
fn is_plain(pat: &Pat) -> bool {
    match pat {
        Pat::Ident(_) => true,
        Pat::Object(object) => object.props.iter().all(|prop| match prop {
            ObjectPatProp::Assign(short) => short.value.is_none(),
            ObjectPatProp::KeyValue(pair) => {
                !matches!(pair.key, PropName::Computed(_)) && is_plain(&pair.value)
            }
            ObjectPatProp::Rest(_) => false,
        }),
        _ => false,
    }
}

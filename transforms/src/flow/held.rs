//! Code behind the answer of a function that is called, as of the handler that a wrapper is given:
//! `await handler(req, res)` and then a line of a log. In: the statements from the call on. Out: the call, marked so that its
//! answer is held in a constant until that code has run, and given back at the end. Only code is
//! read so that cannot throw, waits for nothing and answers nothing: the answer had been sent when
//! it ran, so whatever it did could not change the answer.

use swc_core::ecma::ast::*;

use super::{Next, Reader};
use crate::facts::api_module::param_id;
use crate::facts::effect::{Carrier, Held, Kind, Replies, ReplyForm, Role};
use crate::source::Source;
use crate::specialise::MethodView;
use crate::syntax::{Id, Names, bare, id, is_binding, member, method_call, statements};

impl<'a> Reader<'a, '_> {
    /// Reads `await handler(req, res)`, or a constant that it initialises, with all that stands
    /// behind it; whether it is that, and control so ends with the answer.
    pub(super) fn held(&mut self, stmts: &'a [Stmt], next: &Next) -> bool {
        let Some((first, rest)) = stmts.split_first() else {
            return false;
        };
        let (call, bound) = match first {
            Stmt::Expr(statement) => (&*statement.expr, None),
            Stmt::Decl(Decl::Var(declaration)) => match &declaration.decls[..] {
                [declarator] => match (param_id(&declarator.name), declarator.init.as_deref()) {
                    (Some(name), Some(init)) => (init, Some(name)),
                    _ => return false,
                },
                _ => return false,
            },
            _ => return false,
        };
        let (Expr::Await(awaited), Some(res)) = (call, self.res.clone()) else {
            return false;
        };
        let Some((callee, args, list)) = self.carrier_call(&awaited.arg) else {
            return false;
        };
        let gives = |stmt: &ReturnStmt| match (stmt.arg.as_deref(), &bound) {
            (None, _) => true,
            (Some(value), Some(name)) => is_binding(value, name),
            (Some(_), None) => false,
        };
        let (rest, last) = match rest.split_last() {
            Some((Stmt::Return(last), rest)) if gives(last) => (rest, Some(last)),
            _ => (rest, None),
        };
        // What an answer with nothing behind it comes to is read as any other.
        if matches!(next, Next::More) && last.is_none() || rest.is_empty() && bound.is_none() {
            return false;
        }
        // What is given back where it has not answered is not this.
        if matches!(next, Next::Jump(_, true)) && last.is_none() {
            return false;
        }
        let answers = args.iter().any(|arg| arg.role == Some(Role::Response));
        if !answers || self.has_status() {
            return false;
        }
        let sent = Some((res.clone(), true));
        let view = MethodView {
            sent: sent.clone(),
            ..self.view.clone()
        };
        let harmless = Harmless {
            source: self.source,
            view: &view,
            req: self.req.as_ref(),
            res: &res,
            bound: bound.as_ref(),
        };
        if !rest.iter().all(|stmt| harmless.statement(stmt)) {
            return false;
        }
        // Another reader says why a function cannot be carried over.
        let plain = match &callee {
            Carrier::Shared(shared) => shared.refusals.is_empty() && shared.callback.is_none(),
            Carrier::Local(_) | Carrier::Handler(_) => true,
        };
        let followed = self.followed(&callee, &args);
        if !plain || followed.replies != Replies::Always {
            return false;
        }
        if let (Next::Jump(jump, _), None) = (next, last) {
            self.out.dropped.push(jump.clone());
        }
        let end = rest.last().map_or(self.source.range(first), |stmt| {
            let range = self.source.range(stmt);
            range.start..self.trailing_comment(range.end)
        });
        let given = last.is_some_and(|last| last.arg.is_some());
        let held = Held {
            name: match &bound {
                Some(name) => name.0.to_string(),
                None => self.free_name(),
            },
            declared: bound.is_some(),
            start: self.source.range(first).start,
            returns: last.map(|last| self.source.range(last)),
            end: end.end,
            given,
        };
        let carries = self.carries();
        self.notes_early(&followed, &self.source.range(call));
        self.scan_args(&awaited.arg);
        self.effect(
            self.source.range(call),
            Kind::CallCarrier {
                callee,
                args,
                list,
                form: Some(ReplyForm::Returned),
                awaited: true,
                carries,
                callback: None,
                held: Some(held),
            },
        );
        let before = std::mem::replace(&mut self.view.sent, sent);
        for stmt in rest {
            self.statement(stmt, Next::More);
        }
        self.view.sent = before;
        self.out.replies = true;
        self.exit(true, None);
        true
    }

    /// A name for the answer that nothing in the file has.
    fn free_name(&self) -> String {
        let used = Names::of(self.source, &self.source.module).all;
        let free = |name: &str| !used.iter().any(|((known, _), _)| *known == *name);
        let own = |name: &str| self.res.as_ref().is_some_and(|res| *res.0 == *name);
        let names = ["response", "answer", "sent"];
        let name = names.into_iter().find(|name| free(name) && !own(name));
        name.unwrap_or("handlerResponse").to_string()
    }
}

/// Tells whether code can do nothing to an answer that has been sent: neither throw nor wait.
struct Harmless<'h> {
    source: &'h Source,
    view: &'h MethodView,
    req: Option<&'h Id>,
    res: &'h Id,
    bound: Option<&'h Id>,
}

impl Harmless<'_> {
    fn statement(&self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Expr(statement) => self.expr(&statement.expr),
            Stmt::Decl(Decl::Var(declaration)) => declaration.decls.iter().all(|declarator| {
                let named = matches!(declarator.name, Pat::Ident(_));
                let init = declarator.init.as_deref();
                named && init.is_none_or(|init| self.expr(init))
            }),
            Stmt::If(branch) => match self.view.fold(&branch.test) {
                Some(true) => self.all(&branch.cons),
                Some(false) => branch.alt.as_deref().is_none_or(|alt| self.all(alt)),
                None => {
                    let alt = branch.alt.as_deref();
                    self.expr(&branch.test)
                        && self.all(&branch.cons)
                        && alt.is_none_or(|alt| self.all(alt))
                }
            },
            Stmt::Block(_) => self.all(stmt),
            Stmt::Empty(_) => true,
            _ => false,
        }
    }

    fn all(&self, stmt: &Stmt) -> bool {
        statements(stmt).iter().all(|stmt| self.statement(stmt))
    }

    fn expr(&self, expr: &Expr) -> bool {
        match bare(expr) {
            Expr::Lit(_) => true,
            Expr::Ident(name) => {
                let name = id(name);
                let own = [self.req, Some(self.res), self.bound];
                !own.contains(&Some(&name))
            }
            Expr::Tpl(template) => template.exprs.iter().all(|expr| self.expr(expr)),
            Expr::Bin(bin) => {
                let throws = matches!(bin.op, BinaryOp::In | BinaryOp::InstanceOf);
                !throws && self.expr(&bin.left) && self.expr(&bin.right)
            }
            Expr::Unary(unary) => unary.op != UnaryOp::Delete && self.expr(&unary.arg),
            Expr::Cond(cond) => [&cond.test, &cond.cons, &cond.alt]
                .into_iter()
                .all(|expr| self.expr(expr)),
            Expr::Assign(assign) => {
                let target = assign.left.as_ident();
                let free = |name: &BindingIdent| self.expr(&Expr::Ident(name.id.clone()));
                target.is_some_and(free) && self.expr(&assign.right)
            }
            Expr::Object(object) => object.props.iter().all(|prop| match prop {
                PropOrSpread::Prop(prop) => match &**prop {
                    Prop::Shorthand(name) => self.expr(&Expr::Ident(name.clone())),
                    Prop::KeyValue(pair) => {
                        !matches!(pair.key, PropName::Computed(_)) && self.expr(&pair.value)
                    }
                    _ => false,
                },
                PropOrSpread::Spread(_) => false,
            }),
            Expr::Array(array) => array
                .elems
                .iter()
                .flatten()
                .all(|item| item.spread.is_none() && self.expr(&item.expr)),
            Expr::Call(_) => self.call(expr),
            other => self.member(other),
        }
    }

    /// A member of something that is surely there.
    fn member(&self, expr: &Expr) -> bool {
        let Some((object, name)) = member(expr) else {
            return false;
        };
        match bare(object) {
            Expr::Ident(object) if id(object) == *self.res => name == "statusCode",
            Expr::Ident(object) if Some(&id(object)) == self.req => {
                matches!(name.as_str(), "method" | "url")
            }
            // `req.headers.host`, `process.env.NODE_ENV`
            inner => match crate::syntax::member(inner) {
                Some((Expr::Ident(object), part)) => {
                    let request = Some(&id(object)) == self.req;
                    let environment = *object.sym == *"process" && self.source.is_global(object);
                    request && matches!(part.as_str(), "headers" | "query" | "cookies")
                        || environment && part == "env"
                }
                _ => false,
            },
        }
    }

    /// A call of a log, a clock or a number's own method.
    fn call(&self, expr: &Expr) -> bool {
        let Some((object, name, args)) = method_call(expr) else {
            return false;
        };
        if !args
            .iter()
            .all(|arg| arg.spread.is_none() && self.expr(&arg.expr))
        {
            return false;
        }
        let object = bare(object);
        if let Expr::Ident(object) = object {
            let global = self.source.is_global(object);
            let known = match &*object.sym {
                "Date" | "performance" => global && name == "now",
                "Math" => global,
                "console" => global && logs(&name),
                other => is_log(other) && logs(&name),
            };
            return known;
        }
        let number = matches!(object, Expr::Bin(bin) if bin.op == BinaryOp::Sub);
        number && matches!(name.as_str(), "toFixed" | "toString") && self.expr(object)
    }
}

/// Whether an expression writes a line to a log: `console.error(error)`.
pub(super) fn is_log_call(source: &Source, expr: &Expr) -> bool {
    method_call(bare(expr)).is_some_and(|(object, name, _)| match bare(object) {
        Expr::Ident(object) if *object.sym == *"console" => source.is_global(object) && logs(&name),
        Expr::Ident(object) => is_log(&object.sym) && logs(&name),
        _ => false,
    })
}

/// Whether a name is one of a log's: `logger`, `log`, `requestLogger`.
fn is_log(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "log" || name.ends_with("logger")
}

/// Whether a method of a log writes a line.
fn logs(name: &str) -> bool {
    let names = [
        "log", "info", "debug", "warn", "error", "trace", "http", "verbose",
    ];
    names.contains(&name)
}

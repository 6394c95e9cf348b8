//! Control flow of one carrier, seen by a set of methods. In: a function and what is
//! known of its parameters. Out: a [`Reading`]: the effects in order, the statements
//! that go or are unwrapped because the method decides them, and whether it answers.
//! Refuses what cannot be followed; the first refusal is kept for each place.

use std::ops::Range;

use swc_core::common::Spanned;
use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::facts::api_module::{ApiModule, Body, Function, refuse, refuse_at};
use crate::facts::effect::*;
use crate::idioms::expressions::Expressions;
use crate::idioms::request;
use crate::idioms::response::{self, Chain};
use crate::outcome::Refusal;
use crate::reason::Reason;
use crate::source::Source;
use crate::specialise::MethodView;
use crate::syntax::{Id, bare, bound_names, id, is_binding, member, method_call, statements};

/// What was read of one carrier.
#[derive(Default, Clone)]
pub struct Reading<'a> {
    /// The effects, in source order of their places.
    pub effects: Vec<Effect<'a>>,
    /// Statements that go.
    pub dropped: Vec<Range<usize>>,
    /// Statements of which only an inner range stays: the whole, what stays, and by how
    /// many levels it moves to the left.
    pub unwrapped: Vec<(Range<usize>, Range<usize>, usize)>,
    /// Why it cannot be carried over.
    pub refusals: Vec<Refusal>,
    /// Whether a path ends without an answer.
    pub falls: bool,
    /// Whether there is an answer at all.
    pub replies: bool,
    /// Variables that hold the method; they go when nothing uses them any more.
    pub method_variables: Vec<(Id, Range<usize>)>,
    /// Parts of conditions that the method decides, and that are dropped with their statement.
    pub folded: Vec<Range<usize>>,
    /// Comments above a `case` that is entered: the start of what is kept of it, and the comments.
    pub comments: Vec<(usize, Range<usize>)>,
    /// Bodies of `catch` clauses.
    pub catches: Vec<Range<usize>>,
    /// The request and response parameters.
    pub roles: Vec<Option<Role>>,
}

/// What runs after a statement.
#[derive(Clone, Debug)]
enum Next {
    /// Nothing: the function ends.
    End,
    /// Only a `return;` or `break;`, which goes with the answer.
    Jump(Range<usize>),
    /// More code.
    More,
}

/// Headers and status that stand from before.
#[derive(Clone, Default, PartialEq)]
struct Before {
    /// Indices into the reader's list of header effects that surely stand.
    headers: Vec<usize>,
    /// Whether others may stand.
    mixed: bool,
    /// Index of the effect that set the status.
    status: Option<usize>,
    /// Whether the status depends on the path.
    status_mixed: bool,
}

impl Before {
    fn join(&mut self, other: &Before) {
        if self.headers != other.headers || other.mixed {
            self.mixed = true;
            self.headers.clear();
        }
        if self.status != other.status || other.status_mixed {
            self.status_mixed = true;
        }
    }
}

/// Reads one carrier.
pub struct Reader<'a, 'm> {
    module: &'m ApiModule<'a>,
    source: &'a Source,
    /// The names of the request and response.
    req: Option<Id>,
    res: Option<Id>,
    view: MethodView,
    /// Names that stand for `req.headers` and `req.cookies`.
    header_names: Vec<Id>,
    cookie_names: Vec<Id>,
    top: usize,
    before: Before,
    prepared: Vec<(Vec<SetHeader<'a>>, Option<&'a Expr>)>,
    out: Reading<'a>,
}

/// Reads a function as a carrier; `roles` says which of its parameters are the request and the response.
pub fn read<'a>(
    module: &ApiModule<'a>,
    function: &Function<'a>,
    roles: &[Option<Role>],
    methods: &[String],
) -> Reading<'a> {
    let source = module.source;
    let mut out = Reading {
        roles: roles.to_vec(),
        ..Default::default()
    };
    let mut names = [None, None];
    for (pat, role) in function.params.iter().zip(roles) {
        let Some(role) = role else { continue };
        match pat {
            Pat::Ident(binding) => names[*role as usize] = Some(id(&binding.id)),
            other => {
                let reason = if *role == Role::Request {
                    Reason::ReqEscapes
                } else {
                    Reason::ResEscapes
                };
                out.refusals
                    .push(refuse(source, reason, *other, "destructured parameter"));
                return out;
            }
        }
    }
    let [req, res] = names;
    let lists = crate::idioms::request::constant_lists(module);
    let mut reader = Reader {
        module,
        source,
        view: MethodView {
            methods: methods.to_vec(),
            req: req.clone(),
            aliases: Vec::new(),
            lists,
        },
        req,
        res,
        header_names: Vec::new(),
        cookie_names: Vec::new(),
        top: function.range.start,
        before: Before::default(),
        prepared: Vec::new(),
        out,
    };
    let falls = match function.body {
        Body::Block(stmts, _) => reader.list(stmts, Next::End, true),
        Body::Expr(expr) => {
            reader.top = source.range(expr).start;
            !reader.reply_expr(expr, ReplyForm::Returned) && {
                reader.scan(expr);
                true
            }
        }
    };
    reader.out.falls |= falls;
    reader.out
}

impl<'a: 'm, 'm> Reader<'a, 'm> {
    fn refuse(&mut self, reason: Reason, node: &impl Spanned, detail: impl Into<String>) {
        let refusal = refuse(self.source, reason, node, detail);
        self.out.refusals.push(refusal);
    }

    fn effect(&mut self, range: Range<usize>, kind: Kind<'a>) {
        self.out.effects.push(Effect {
            range,
            top: self.top,
            nested: false,
            kind,
        });
    }

    /// Walks statements; whether control can come out at their end without an answer.
    fn list(&mut self, stmts: &'a [Stmt], next: Next, outermost: bool) -> bool {
        let mut read_until = 0;
        for (index, stmt) in stmts.iter().enumerate() {
            if index < read_until {
                continue;
            }
            if self.collects_body(&stmts[index..], outermost) {
                read_until = index + 3;
                continue;
            }
            if outermost {
                self.top = self.source.range(stmt).start;
            }
            let rest = &stmts[index + 1..];
            let after = match rest.first() {
                None => next.clone(),
                Some(Stmt::Return(jump)) if jump.arg.is_none() => {
                    Next::Jump(self.source.range(jump))
                }
                Some(Stmt::Break(jump)) if jump.label.is_none() => match next {
                    // A `break` only ends the list where the list is the arm of a switch.
                    Next::End | Next::Jump(_) => Next::Jump(self.source.range(jump)),
                    Next::More => Next::More,
                },
                Some(_)
                    if rest
                        .iter()
                        .all(|stmt| matches!(stmt, Stmt::Decl(Decl::Fn(_)) | Stmt::Empty(_))) =>
                {
                    next.clone()
                }
                Some(_) => Next::More,
            };
            let decided = self.out.unwrapped.len() + self.out.dropped.len();
            if !self.statement(stmt, after) {
                let decided = self.out.unwrapped.len() + self.out.dropped.len() > decided;
                self.dead(rest, decided);
                return false;
            }
        }
        true
    }

    /// `const chunks = []`, `for await (const chunk of req) chunks.push(chunk)`, and a constant that
    /// `Buffer.concat(chunks)` initialises: the raw body.
    fn collects_body(&mut self, stmts: &'a [Stmt], outermost: bool) -> bool {
        let [
            Stmt::Decl(Decl::Var(list)),
            Stmt::ForOf(each),
            Stmt::Decl(Decl::Var(joined)),
            ..,
        ] = stmts
        else {
            return false;
        };
        let over_req = self
            .req
            .as_ref()
            .is_some_and(|req| is_binding(&each.right, req));
        let ([list], [joined]) = (&list.decls[..], &joined.decls[..]) else {
            return false;
        };
        let (Pat::Ident(chunks), Some(init)) = (&list.name, joined.init.as_deref()) else {
            return false;
        };
        let name = &*chunks.id.sym;
        let loop_text = self.source.text_of(&*each.body);
        let joins = self.source.text_of(init);
        let Some(rest) = joins.strip_prefix(&format!("Buffer.concat({name})")) else {
            return false;
        };
        let text = rest.starts_with(".toString(");
        let uses = crate::syntax::Names::of(self.source, &self.source.module);
        let count = uses
            .all
            .iter()
            .filter(|(used, _)| *used == id(&chunks.id))
            .count();
        if !each.is_await
            || !over_req
            || !(text || rest.is_empty())
            || count != 3
            || loop_text.matches(".push(").count() != 1
        {
            return false;
        }
        for stmt in &stmts[..2] {
            let range = self.source.range(stmt);
            self.out.dropped.push(range);
        }
        if outermost {
            self.top = self.source.range(&stmts[2]).start;
        }
        let range = self.source.range(init);
        self.effect(
            range,
            Kind::ReadRawBody {
                text,
                collected: true,
            },
        );
        true
    }

    /// Handles what follows a statement that control never leaves at its end.
    fn dead(&mut self, rest: &'a [Stmt], decided: bool) {
        let Some(first) = rest.first() else { return };
        if let Stmt::Return(ReturnStmt { arg: None, .. })
        | Stmt::Break(BreakStmt { label: None, .. }) = first
        {
            let range = self.source.range(first);
            if !self.out.dropped.contains(&range) {
                self.out.dropped.push(range);
            }
            return;
        }
        for stmt in rest {
            if decided && !matches!(stmt, Stmt::Decl(Decl::Fn(_))) {
                self.out.dropped.push(self.source.range(stmt));
            } else {
                // Dead before, too: still read, so that nothing of it is left unread.
                self.statement(stmt, Next::End);
            }
        }
    }

    /// Walks one statement; whether control can go on after it without an answer.
    fn statement(&mut self, stmt: &'a Stmt, next: Next) -> bool {
        let range = self.source.range(stmt);
        match stmt {
            Stmt::Expr(statement) => self.expression(&statement.expr, range, next),
            Stmt::Return(statement) => {
                match &statement.arg {
                    None => self.out.falls = true,
                    Some(arg) => {
                        if !self.reply_expr(arg, ReplyForm::Returned) {
                            self.scan(arg);
                            self.out.falls = true;
                        }
                    }
                }
                false
            }
            Stmt::Throw(statement) => {
                self.scan(&statement.arg);
                false
            }
            Stmt::If(statement) => self.branch(statement, range, next),
            Stmt::Block(block) => self.list(&block.stmts, next, false),
            Stmt::Switch(switch) => self.switch(switch, range, next),
            Stmt::Try(statement) => self.attempt(statement, next),
            Stmt::Labeled(statement) => self.statement(&statement.body, Next::More),
            Stmt::While(statement) => {
                self.scan(&statement.test);
                self.repeat(&statement.body);
                !matches!(bare(&statement.test), Expr::Lit(Lit::Bool(value)) if value.value)
            }
            Stmt::DoWhile(statement) => {
                self.repeat(&statement.body);
                self.scan(&statement.test);
                true
            }
            Stmt::For(statement) => {
                match &statement.init {
                    Some(VarDeclOrExpr::VarDecl(declaration)) => self.variables(declaration, None),
                    Some(VarDeclOrExpr::Expr(expr)) => self.scan(expr),
                    None => {}
                }
                statement.test.iter().for_each(|test| self.scan(test));
                statement.update.iter().for_each(|update| self.scan(update));
                self.repeat(&statement.body);
                true
            }
            Stmt::ForIn(statement) => {
                self.scan(&statement.right);
                self.repeat(&statement.body);
                true
            }
            Stmt::ForOf(statement) => {
                if self
                    .req
                    .as_ref()
                    .is_some_and(|req| is_binding(&statement.right, req))
                {
                    self.refuse(Reason::RawBody, &statement.right, "chunks");
                } else {
                    self.scan(&statement.right);
                }
                self.repeat(&statement.body);
                true
            }
            Stmt::Decl(Decl::Var(declaration)) => {
                self.variables(declaration, Some(range));
                true
            }
            Stmt::Decl(other) => {
                self.scan(other);
                true
            }
            Stmt::Break(_) | Stmt::Continue(_) => true,
            Stmt::Empty(_) | Stmt::Debugger(_) => true,
            Stmt::With(statement) => {
                self.refuse(Reason::ModuleShape, statement, "with");
                true
            }
        }
    }

    fn repeat(&mut self, body: &'a Stmt) {
        if self.prepares(body) {
            self.before.mixed = true;
            self.before.status_mixed = true;
        }
        self.list(statements(body), Next::More, false);
    }

    /// Whether a header or status is set anywhere in a statement.
    fn prepares(&self, stmt: &Stmt) -> bool {
        let Some(res) = self.res.as_ref() else {
            return false;
        };
        let mut finder = Prepares { res, found: false };
        stmt.visit_with(&mut finder);
        finder.found
    }

    fn branch(&mut self, statement: &'a IfStmt, range: Range<usize>, next: Next) -> bool {
        if let Some(value) = self.view.fold(&statement.test) {
            let taken = if value {
                Some(&*statement.cons)
            } else {
                statement.alt.as_deref()
            };
            self.out.folded.push(self.source.range(&statement.test));
            return match taken {
                None => {
                    self.out.dropped.push(range);
                    true
                }
                // `else if` is walked like a statement of its own.
                Some(inner) => {
                    let levels = if matches!(inner, Stmt::If(_)) { 0 } else { 1 };
                    self.unwrap(range, inner, levels);
                    self.list(statements(inner), next, false)
                }
            };
        }
        self.scan_condition(&statement.test);
        let before = self.before.clone();
        let mut falls = self.list(statements(&statement.cons), next.clone(), false);
        let after_cons = std::mem::replace(&mut self.before, before);
        match &statement.alt {
            None => {
                if falls {
                    self.before.join(&after_cons);
                }
                falls = true;
            }
            Some(alt) => {
                let alt_falls = self.list(statements(alt), next, false);
                if !alt_falls {
                    self.before = after_cons;
                } else if falls {
                    self.before.join(&after_cons);
                }
                falls |= alt_falls;
            }
        }
        falls
    }

    /// Keeps only the inside of a statement that the method decides.
    fn unwrap(&mut self, whole: Range<usize>, inner: &'a Stmt, levels: usize) {
        let kept = match inner {
            Stmt::Block(block) => match (block.stmts.first(), block.stmts.last()) {
                (Some(_), Some(_)) => {
                    let braces = self.source.range(block);
                    self.inside(braces.start + 1..braces.end - 1)
                }
                _ => {
                    self.out.dropped.push(whole);
                    return;
                }
            },
            other => self.source.range(other),
        };
        self.out.unwrapped.push((whole, kept, levels));
    }

    /// A range without the white space at its ends.
    fn inside(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.source.text[range.clone()];
        let start = range.start + (text.len() - text.trim_start().len());
        let end = range.end - (text.len() - text.trim_end().len());
        start..end.max(start)
    }

    fn switch(&mut self, switch: &'a SwitchStmt, range: Range<usize>, next: Next) -> bool {
        if self.view.is_method(&switch.discriminant)
            && let Some(entered) = self.view.switch_case(switch)
        {
            self.out
                .folded
                .push(self.source.range(&switch.discriminant));
            let Some(index) = entered else {
                self.out.dropped.push(range);
                return true;
            };
            // The statements from the entered case to the first `break` at the top of a case.
            let Some(arm) = switch.cases[index..]
                .iter()
                .find(|case| !case.cons.is_empty())
            else {
                self.out.dropped.push(range);
                return true;
            };
            let (stmts, levels): (&[Stmt], usize) = match &arm.cons[..] {
                [Stmt::Block(block)] => (&block.stmts, 2),
                [Stmt::Block(block), Stmt::Break(_)] => (&block.stmts, 2),
                other => (other, 2),
            };
            let (body, broken) = match stmts.split_last() {
                Some((Stmt::Break(jump), body)) if jump.label.is_none() => (body, true),
                _ => (stmts, matches!(&arm.cons[..], [_, Stmt::Break(_)])),
            };
            let last_case = std::ptr::eq(arm, switch.cases.last().expect("a case was entered"));
            if has_break(body) {
                self.refuse(Reason::MethodDispatch, switch, "break inside a case");
                return true;
            }
            let (Some(first), Some(last)) = (body.first(), body.last()) else {
                self.out.dropped.push(range);
                return true;
            };
            // Comments above the first statement stay with it.
            let start = self.leading_comments(self.source.range(first).start);
            let end = self.trailing_comment(self.source.range(last).end);
            let case = self.source.range(&switch.cases[index]).start;
            let comment = self.leading_comments(case);
            if comment < case {
                self.out
                    .comments
                    .push((start, comment..self.source.text[..case].trim_end().len()));
            }
            self.out.unwrapped.push((range, start..end, levels));
            let falls = self.list(body, next, false);
            if falls && !broken && !last_case {
                self.refuse(Reason::MethodDispatch, arm, "a case that falls through");
            }
            return falls;
        }
        self.scan(&switch.discriminant);
        let before = self.before.clone();
        let mut after: Option<Before> = None;
        let mut falls = !switch.cases.iter().any(|case| case.test.is_none());
        if falls {
            after = Some(before.clone());
        }
        let count = switch.cases.len();
        for (index, case) in switch.cases.iter().enumerate() {
            case.test.iter().for_each(|test| self.scan(test));
            if case.cons.is_empty() {
                falls |= index + 1 == count;
                continue;
            }
            self.before = before.clone();
            let stmts: &'a [Stmt] = match &case.cons[..] {
                [Stmt::Block(block)] => &block.stmts,
                other => other,
            };
            let ends = index + 1 == count || breaks(&case.cons);
            let arm_next = if ends { next.clone() } else { Next::More };
            if self.list(stmts, arm_next, false) {
                falls |= ends || has_break(stmts);
                match &mut after {
                    None => after = Some(self.before.clone()),
                    Some(after) => after.join(&self.before),
                }
            } else if has_break(stmts) {
                falls = true;
            }
        }
        self.before = after.unwrap_or(before);
        falls
    }

    /// The start of the comments that stand directly above an offset.
    fn leading_comments(&self, start: usize) -> usize {
        leading_comments(self.source, start)
    }

    /// The end of a comment on the same line behind an offset.
    fn trailing_comment(&self, end: usize) -> usize {
        trailing_comment(self.source, end)
    }

    fn attempt(&mut self, statement: &'a TryStmt, next: Next) -> bool {
        let entry = self.before.clone();
        let prepared = self.prepared.len();
        let replies = self.out.effects.len();
        let mut falls = self.list(&statement.block.stmts, next.clone(), false);
        let after_block = self.before.clone();
        if let Some(handler) = &statement.handler {
            let range = self.source.range(handler);
            self.out.catches.push(range);
            self.before = entry.clone();
            if self.prepared.len() > prepared && !self.only_before_replies(replies) {
                self.before.mixed = true;
                self.before.headers.clear();
                self.before.status_mixed |= self.prepared[prepared..]
                    .iter()
                    .any(|(_, status)| status.is_some());
            }
            let handler_falls = self.list(&handler.body.stmts, next, false);
            if !handler_falls {
                self.before = after_block;
            } else if falls {
                self.before.join(&after_block);
            }
            falls |= handler_falls;
        }
        if let Some(finalizer) = &statement.finalizer {
            let count = self.out.effects.len();
            let falls_too = self.list(&finalizer.stmts, Next::More, false);
            if self.out.effects[count..]
                .iter()
                .any(|effect| matches!(effect.kind, Kind::Reply(_) | Kind::Prepare { .. }))
            {
                self.refuse(Reason::ReplyThenCode, finalizer, "finally");
            }
            falls = falls && falls_too;
        }
        falls
    }

    /// Whether each header since `from` is set directly before the answer that it belongs to,
    /// so that nothing can throw in between.
    fn only_before_replies(&self, from: usize) -> bool {
        let effects = &self.out.effects[from..];
        effects.iter().enumerate().all(|(index, effect)| {
            let Kind::Prepare { statement, .. } = &effect.kind else {
                return true;
            };
            let Some(next) = effects[index + 1..]
                .iter()
                .find(|next| !statement_holds(statement, &next.range))
            else {
                return false;
            };
            let between = match &next.kind {
                Kind::Prepare {
                    statement: following,
                    ..
                } => &self.source.text[statement.end..following.start.max(statement.end)],
                Kind::Reply(reply) => {
                    let start = match reply.form {
                        ReplyForm::Bare(start) => start,
                        ReplyForm::Returned => self.source.text[..next.range.start]
                            .rfind("return")
                            .unwrap_or(0),
                    };
                    &self.source.text[statement.end..start.max(statement.end)]
                }
                _ => return false,
            };
            between.trim().is_empty()
        })
    }

    /// An expression as a statement; whether control goes on.
    fn expression(&mut self, expr: &'a Expr, statement: Range<usize>, next: Next) -> bool {
        let count = self.out.refusals.len();
        if self.reply_expr(expr, ReplyForm::Bare(statement.start)) {
            match next {
                Next::End => {}
                Next::Jump(jump) => self.out.dropped.push(jump),
                Next::More if self.out.refusals.len() == count => {
                    self.refuse(Reason::ReplyThenCode, expr, "");
                }
                Next::More => {}
            }
            return false;
        }
        if let Some(prepare) = response::prepare(self.res.as_ref(), expr) {
            match prepare {
                Ok((headers, status)) => {
                    for header in &headers {
                        header.values.iter().for_each(|value| self.scan(*value));
                    }
                    status.iter().for_each(|status| self.scan(*status));
                    self.remember(headers, status, statement);
                }
                Err((reason, detail)) => self.refuse(reason, expr, detail),
            }
            return true;
        }
        self.scan(expr);
        true
    }

    fn remember(
        &mut self,
        headers: Vec<SetHeader<'a>>,
        status: Option<&'a Expr>,
        statement: Range<usize>,
    ) {
        let index = self.prepared.len();
        self.prepared.push((headers.clone(), status));
        if !headers.is_empty() {
            self.before.headers.push(index);
        }
        if status.is_some() {
            self.before.status = Some(index);
            self.before.status_mixed = false;
        }
        self.effect(
            statement.clone(),
            Kind::Prepare {
                headers,
                status,
                statement,
            },
        );
    }

    /// Reads an expression as an answer; whether it is one.
    fn reply_expr(&mut self, expr: &'a Expr, form: ReplyForm) -> bool {
        let expr = match expr {
            Expr::Await(inner) => {
                return self.reply_expr_in(&inner.arg, form, self.source.range(expr));
            }
            Expr::Paren(inner) if !matches!(form, ReplyForm::Bare(_)) => {
                return self.reply_expr(&inner.expr, form);
            }
            Expr::Unary(UnaryExpr {
                op: UnaryOp::Void,
                arg,
                ..
            }) => {
                return self.reply_expr_in(arg, form, self.source.range(expr));
            }
            Expr::Cond(cond)
                if !matches!(form, ReplyForm::Bare(_))
                    && self.answers(&cond.cons)
                    && self.answers(&cond.alt) =>
            {
                self.scan_condition(&cond.test);
                return self.reply_expr(&cond.cons, form.clone())
                    && self.reply_expr(&cond.alt, form);
            }
            other => other,
        };
        self.reply_expr_in(expr, form, self.source.range(expr))
    }

    /// Whether an expression is an answer, without reading it.
    fn answers(&self, expr: &Expr) -> bool {
        matches!(response::chain(self.res.as_ref(), bare(expr)), Some(Ok(chain)) if chain.replies())
    }

    fn reply_expr_in(&mut self, expr: &'a Expr, form: ReplyForm, whole: Range<usize>) -> bool {
        match response::chain(self.res.as_ref(), expr) {
            Some(Ok(chain)) if chain.replies() => {
                self.reply(chain, form, whole, expr);
                return true;
            }
            Some(Ok(_)) | None => {}
            Some(Err((reason, detail))) => {
                self.refuse(reason, expr, detail);
                return true;
            }
        }
        self.carrier_reply(expr, form.clone(), &whole) || self.promise_reply(expr, form)
    }

    fn reply(&mut self, chain: Chain<'a>, form: ReplyForm, whole: Range<usize>, expr: &'a Expr) {
        let resolve = |name: &Ident| -> Option<&'a Expr> { self.initialiser(name) };
        let payload = match response::payload(self.source, &chain, &resolve) {
            Ok(payload) => payload,
            Err((reason, detail)) => {
                self.refuse(reason, expr, detail);
                self.out.replies = true;
                return;
            }
        };
        chain.values().for_each(|value| self.scan(value));
        let mut status = chain.status;
        if matches!(payload, Payload::Redirect(_)) {
            status = response::redirect_status(&chain);
        } else if status.is_none() {
            if self.before.status_mixed {
                self.refuse(Reason::DynamicStatus, expr, "");
            } else if let Some(index) = self.before.status {
                status = self.prepared[index].1;
                // A status that is set early must still be the same when it is answered.
                let fixed = status.is_none_or(|status| match bare(status) {
                    Expr::Lit(_) => true,
                    Expr::Ident(name) => self.initialiser(name).is_some(),
                    _ => false,
                });
                if !fixed {
                    self.refuse(Reason::DynamicStatus, expr, "computed earlier");
                }
            }
        }
        let before: Vec<SetHeader<'a>> = self
            .before
            .headers
            .iter()
            .flat_map(|index| self.prepared[*index].0.iter().cloned())
            .collect();
        self.out.replies = true;
        let reply = Reply {
            form,
            status,
            payload,
            before,
            own: chain.headers,
            carries: self.before.mixed,
        };
        self.effect(whole, Kind::Reply(Box::new(reply)));
    }

    /// The initialiser of a constant that is declared in the handler.
    fn initialiser(&self, name: &Ident) -> Option<&'a Expr> {
        crate::idioms::request::initialiser(self.module, &id(name))
    }

    /// A call of a function of this file that answers.
    fn carrier_reply(&mut self, expr: &'a Expr, form: ReplyForm, whole: &Range<usize>) -> bool {
        let Some((callee, args, list)) = self.carrier_call(expr) else {
            return false;
        };
        if !args.iter().any(|arg| arg.role == Some(Role::Response)) {
            return false;
        }
        if !self.before.headers.is_empty() || self.before.mixed || self.before.status.is_some() {
            self.refuse(
                Reason::HeaderInCallback,
                expr,
                "set before a helper answers",
            );
        }
        self.scan_args(expr);
        self.out.replies = true;
        let awaited = whole.start != self.source.range(expr).start;
        self.effect(
            whole.clone(),
            Kind::CallCarrier {
                callee,
                args,
                list,
                form: Some(form),
                awaited,
            },
        );
        true
    }

    fn scan_args(&mut self, expr: &'a Expr) {
        let Expr::Call(call) = expr else { return };
        for arg in &call.args {
            if self.role(&arg.expr).is_none() {
                self.scan(&arg.expr);
            }
        }
    }

    fn role(&self, expr: &Expr) -> Option<Role> {
        if self.req.as_ref().is_some_and(|req| is_binding(expr, req)) {
            return Some(Role::Request);
        }
        self.res
            .as_ref()
            .is_some_and(|res| is_binding(expr, res))
            .then_some(Role::Response)
    }

    /// A call that hands the request or the response to a function of this file.
    fn carrier_call(&self, expr: &Expr) -> Option<request::CarrierCall> {
        request::carrier_call(self.module, &|expr| self.role(expr), expr)
    }

    /// `work().then((x) => res.json(x)).catch((e) => res.status(500).end())`: a chain whose
    /// last links all answer.
    fn promise_reply(&mut self, expr: &'a Expr, form: ReplyForm) -> bool {
        let mut links: Vec<&'a Expr> = Vec::new();
        let mut current = expr;
        let mut answering = 0;
        while let Some((object, name, args)) = method_call(current) {
            if !matches!(name.as_str(), "then" | "catch") || args.is_empty() || args.len() > 2 {
                break;
            }
            let callbacks: Vec<&'a Expr> = args.iter().map(|arg| &*arg.expr).collect();
            let answers = callbacks
                .iter()
                .filter(|callback| self.mentions_res(callback))
                .count();
            if answers == 0 {
                break;
            }
            if answers < callbacks.len() {
                return false;
            }
            answering += answers;
            links.extend(callbacks);
            let after_catch = name == "then";
            current = object;
            // `.catch(answer).then(answer)` would answer twice.
            if after_catch {
                break;
            }
        }
        if answering == 0 || self.mentions_res(current) {
            return false;
        }
        // A lone `.catch(answer)` leaves the fulfilled path without an answer.
        let Some((_, outermost, _)) = method_call(expr) else {
            return false;
        };
        let has_then = outermost == "then" || links.len() > 1;
        if !has_then {
            return false;
        }
        self.scan(current);
        for callback in links.into_iter().rev() {
            let body = match bare(callback) {
                Expr::Arrow(arrow) => match &*arrow.body {
                    ArrowFunctionBody::FunctionBody(block) => Err(&block.stmts),
                    ArrowFunctionBody::Expr(expr) => Ok(&**expr),
                },
                Expr::Fn(function) => match &function.function.body {
                    Some(block) => Err(&block.stmts),
                    None => continue,
                },
                other => {
                    self.refuse(Reason::ReplyInCallback, other, "");
                    continue;
                }
            };
            let falls = match body {
                Ok(expr) => !self.reply_expr(expr, ReplyForm::Returned),
                Err(stmts) => self.list(stmts, Next::End, false),
            };
            if falls {
                self.refuse(Reason::NoReply, callback, "");
            }
        }
        self.out.replies = true;
        let range = self.source.range(expr);
        self.effect(range.start..range.start, Kind::ReplyChain { form });
        true
    }

    fn mentions_res(&self, node: &Expr) -> bool {
        let Some(res) = &self.res else { return false };
        crate::syntax::Names::of(self.source, node)
            .all
            .iter()
            .any(|(name, _)| name == res)
    }

    /// Variable declarations: names that stand for parts of the request.
    fn variables(&mut self, declaration: &'a VarDecl, statement: Option<Range<usize>>) {
        let alone = declaration.decls.len() == 1;
        for declarator in &declaration.decls {
            let Some(init) = declarator.init.as_deref() else {
                continue;
            };
            let range = self.source.range(declarator);
            let whole = statement.clone().filter(|_| alone);
            if self.req.as_ref().is_some_and(|req| is_binding(init, req)) {
                match (&declarator.name, whole) {
                    (Pat::Object(pattern), Some(whole)) => {
                        self.destructure_request(pattern, whole, declarator)
                    }
                    _ => self.refuse(Reason::ReqEscapes, declarator, ""),
                }
                continue;
            }
            if let Some(part) = request::part(self.req.as_ref(), init) {
                match (part.as_str(), &declarator.name) {
                    ("method", Pat::Ident(binding))
                        if declaration.kind == VarDeclKind::Const || alone =>
                    {
                        self.view.aliases.push(id(&binding.id));
                        self.out
                            .method_variables
                            .push((id(&binding.id), whole.unwrap_or(range)));
                        continue;
                    }
                    ("headers", Pat::Ident(binding)) => {
                        self.header_names.push(id(&binding.id));
                        continue;
                    }
                    ("cookies", Pat::Ident(binding)) => {
                        self.cookie_names.push(id(&binding.id));
                        continue;
                    }
                    ("query", Pat::Object(pattern)) => {
                        pattern_defaults(pattern)
                            .into_iter()
                            .for_each(|default| self.scan(default));
                        let pattern_range = self.source.range(pattern);
                        let typed = match &pattern.type_ann {
                            Some(annotation) => Some(self.source.range(annotation)),
                            None => assertion(self.source, init),
                        };
                        let declarator = pattern_range.start..range.end;
                        self.effect(
                            declarator.clone(),
                            Kind::DestructureQuery {
                                pattern,
                                declarator,
                                statement: whole,
                                typed,
                            },
                        );
                        continue;
                    }
                    ("headers" | "cookies", Pat::Object(pattern)) => {
                        self.destructure_values(&part, pattern, whole, declarator);
                        continue;
                    }
                    _ => {}
                }
            }
            let mut names = Vec::new();
            bound_names(&declarator.name, &mut names);
            let declares = match (&declarator.name, whole) {
                (Pat::Ident(binding), Some(_)) => Some(Declares {
                    name: binding.id.sym.to_string(),
                    declarator: self.source.range(&declarator.name).start..range.end,
                }),
                _ => None,
            };
            self.scan_with(init, Usage::Value, declares);
            pat_defaults(&declarator.name)
                .into_iter()
                .for_each(|default| self.scan(default));
        }
    }

    fn destructure_request(
        &mut self,
        pattern: &'a ObjectPat,
        statement: Range<usize>,
        declarator: &'a VarDeclarator,
    ) {
        let mut parts = Vec::new();
        let mut nested = Vec::new();
        for prop in &pattern.props {
            if let ObjectPatProp::KeyValue(pair) = prop
                && let (Some(key), Pat::Object(inner)) =
                    (crate::syntax::prop_name(&pair.key), &*pair.value)
                && matches!(key.as_str(), "query" | "body")
            {
                pattern_defaults(inner)
                    .into_iter()
                    .for_each(|default| self.scan(default));
                nested.push((key, inner));
                continue;
            }
            let (key, name) = match prop {
                ObjectPatProp::Assign(short) if short.value.is_none() => {
                    (short.key.id.sym.to_string(), &short.key.id)
                }
                ObjectPatProp::KeyValue(pair) => {
                    match (crate::syntax::prop_name(&pair.key), &*pair.value) {
                        (Some(key), Pat::Ident(binding)) => (key, &binding.id),
                        _ => return self.refuse(Reason::ReqEscapes, declarator, "nested pattern"),
                    }
                }
                _ => {
                    return self.refuse(
                        Reason::ReqEscapes,
                        declarator,
                        "default or rest in the pattern",
                    );
                }
            };
            match key.as_str() {
                "method" => {
                    self.view.aliases.push(id(name));
                    self.out
                        .method_variables
                        .push((id(name), self.source.range(prop)));
                }
                "headers" => self.header_names.push(id(name)),
                "cookies" => self.cookie_names.push(id(name)),
                "query" | "body" | "url" => {}
                other => return self.refuse(Reason::UnknownReqMember, prop, other),
            }
            parts.push((key, self.source.range(name)));
        }
        self.effect(
            statement.clone(),
            Kind::DestructureRequest {
                parts,
                nested,
                statement,
            },
        );
    }

    /// `const { session, theme: t = 'light' } = req.cookies`.
    fn destructure_values(
        &mut self,
        part: &str,
        pattern: &'a ObjectPat,
        statement: Option<Range<usize>>,
        declarator: &'a VarDeclarator,
    ) {
        let mut values = Vec::new();
        for prop in &pattern.props {
            let (key, name, default) = match prop {
                ObjectPatProp::Assign(short) => (
                    Some(short.key.id.sym.to_string()),
                    Some(&short.key.id),
                    short.value.as_deref(),
                ),
                ObjectPatProp::KeyValue(pair) => {
                    let (target, default) = match &*pair.value {
                        Pat::Assign(assign) => (&*assign.left, Some(&*assign.right)),
                        other => (other, None),
                    };
                    let name = match target {
                        Pat::Ident(binding) => Some(&binding.id),
                        _ => None,
                    };
                    (crate::syntax::prop_name(&pair.key), name, default)
                }
                ObjectPatProp::Rest(_) => (None, None, None),
            };
            let (Some(key), Some(name)) = (key, name) else {
                return self.refuse(Reason::UnknownReqMember, prop, part);
            };
            if part == "headers" && key.chars().any(|char| char.is_ascii_uppercase()) {
                return self.refuse(
                    Reason::UnknownReqMember,
                    prop,
                    "Node.js spells header names in lower case",
                );
            }
            default.iter().for_each(|default| self.scan(*default));
            values.push((
                key,
                self.source.range(name),
                default.map(|default| self.source.range(default)),
            ));
        }
        match statement {
            Some(statement) => {
                let part = part.to_string();
                self.effect(
                    statement.clone(),
                    Kind::DestructureValues {
                        part,
                        values,
                        statement,
                    },
                );
            }
            None => self.refuse(Reason::UnknownReqMember, declarator, part),
        }
    }

    fn scan_condition(&mut self, expr: &Expr) {
        self.scan_with(expr, Usage::Presence, None);
    }

    /// Reads everything inside a node that is neither an answer nor a declaration.
    fn scan<N: for<'v> VisitWith<Expressions<'v>>>(&mut self, node: &N) {
        let mut visitor = self.visitor(Usage::Value, None);
        node.visit_with(&mut visitor);
        self.take(visitor);
    }

    fn scan_with(&mut self, expr: &Expr, usage: Usage, declares: Option<Declares>) {
        let mut visitor = self.visitor(usage, declares);
        visitor.visit_expr(expr);
        self.take(visitor);
    }

    fn visitor(&self, usage: Usage, declares: Option<Declares>) -> Expressions<'m> {
        let names = request::Names {
            req: self.req.clone(),
            res: self.res.clone(),
            headers: self.header_names.clone(),
            cookies: self.cookie_names.clone(),
        };
        Expressions::new(self.module, names, self.view.clone(), usage, declares)
    }

    fn take(&mut self, visitor: Expressions<'_>) {
        for (range, nested, kind) in visitor.found {
            self.out.effects.push(Effect {
                range,
                top: self.top,
                nested,
                kind: widen(kind),
            });
        }
        for (range, reason, detail) in visitor.refused {
            let refusal = refuse_at(self.source, reason, range, detail);
            self.out.refusals.push(refusal);
        }
    }
}

/// An effect without references into the tree, as one that may have them.
fn widen<'a>(kind: Kind<'static>) -> Kind<'a> {
    kind
}

/// Whether an effect stands inside a statement.
fn statement_holds(statement: &Range<usize>, range: &Range<usize>) -> bool {
    statement.start <= range.start && range.end <= statement.end
}

/// The range of the assertion around a whole value: `x as T` gives ` as T`.
fn assertion(source: &Source, expr: &Expr) -> Option<Range<usize>> {
    match expr {
        Expr::TsAs(cast) => Some(source.range(&*cast.expr).end..source.range(cast).end),
        Expr::Paren(inner) => assertion(source, &inner.expr),
        _ => None,
    }
}

fn pattern_defaults(pattern: &ObjectPat) -> Vec<&Expr> {
    let mut out = Vec::new();
    for prop in &pattern.props {
        match prop {
            ObjectPatProp::Assign(short) => out.extend(short.value.as_deref()),
            ObjectPatProp::KeyValue(pair) => out.extend(pat_defaults(&pair.value)),
            ObjectPatProp::Rest(_) => {}
        }
    }
    out
}

fn pat_defaults(pat: &Pat) -> Vec<&Expr> {
    match pat {
        Pat::Assign(assign) => {
            let mut out = vec![&*assign.right];
            out.extend(pat_defaults(&assign.left));
            out
        }
        Pat::Object(pattern) => pattern_defaults(pattern),
        Pat::Array(array) => array
            .elems
            .iter()
            .flatten()
            .flat_map(pat_defaults)
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a case ends by `break`, `return` or `throw`, directly or in its one block.
fn breaks(stmts: &[Stmt]) -> bool {
    match stmts.last() {
        Some(Stmt::Break(_) | Stmt::Return(_) | Stmt::Throw(_)) => true,
        Some(Stmt::Block(block)) => breaks(&block.stmts),
        _ => false,
    }
}

/// Whether a `break` that leaves the switch stands anywhere but last.
fn has_break(stmts: &[Stmt]) -> bool {
    struct Breaks(bool);
    impl Visit for Breaks {
        fn visit_break_stmt(&mut self, _: &BreakStmt) {
            self.0 = true;
        }
        fn visit_switch_stmt(&mut self, _: &SwitchStmt) {}
        fn visit_for_stmt(&mut self, _: &ForStmt) {}
        fn visit_for_in_stmt(&mut self, _: &ForInStmt) {}
        fn visit_for_of_stmt(&mut self, _: &ForOfStmt) {}
        fn visit_while_stmt(&mut self, _: &WhileStmt) {}
        fn visit_do_while_stmt(&mut self, _: &DoWhileStmt) {}
        fn visit_function(&mut self, _: &swc_core::ecma::ast::Function) {}
        fn visit_arrow_expr(&mut self, _: &ArrowExpr) {}
    }
    let mut finder = Breaks(false);
    stmts.visit_with(&mut finder);
    finder.0
}

struct Prepares<'r> {
    res: &'r Id,
    found: bool,
}

impl Visit for Prepares<'_> {
    fn visit_expr(&mut self, node: &Expr) {
        if let Some((object, name)) = member(node)
            && matches!(
                name.as_str(),
                "setHeader" | "appendHeader" | "removeHeader" | "writeHead" | "statusCode"
            )
            && is_binding(object, self.res)
        {
            self.found = true;
        }
        node.visit_children_with(self);
    }
}

/// The start of the comments that stand directly above an offset, without an empty line between.
pub fn leading_comments(source: &Source, start: usize) -> usize {
    let mut at = start;
    while let Some(comment) = source
        .comments
        .iter()
        .rev()
        .find(|comment| comment.end <= at)
    {
        let between = &source.text[comment.end..at];
        if !between.trim().is_empty() || between.matches('\n').count() > 1 {
            break;
        }
        // A comment behind code belongs to that code.
        let line = source.text[..comment.start]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        if !source.text[line..comment.start].trim().is_empty() {
            break;
        }
        at = comment.start;
    }
    at
}

/// The end of a comment on the same line behind an offset.
pub fn trailing_comment(source: &Source, end: usize) -> usize {
    match source.comments.iter().find(|comment| comment.start >= end) {
        Some(comment)
            if !source.text[end..comment.start].contains('\n')
                && source.text[end..comment.start].trim().is_empty() =>
        {
            comment.end
        }
        _ => end,
    }
}

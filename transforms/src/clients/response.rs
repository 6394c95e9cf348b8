//! What is read of a response that has a name. In: the drafts whose response is named. Out: the
//! finished calls. A use of the name other than `.ok`, `.status`, `json()` and a test
//! whether it is there refuses the rewrite. Each JSON read is told apart by whether `ok`
//! is known to be true there, by the branches and early returns around it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use swc_core::ecma::ast::{
    ArrowExpr, ArrowFunctionBody, AssignExpr, AssignTarget, BinExpr, BinaryOp, BlockStmt, Callee,
    CondExpr, Expr, ExprOrSpread, Id, IfStmt, Lit, MemberProp, OptChainBase, Pat, Prop, ReturnStmt,
    SimpleAssignTarget, Stmt, TsType, TsTypeAnn, UnaryOp, VarDeclarator,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::answer;
use super::request::Draft;
use crate::facts::call::{Answer, Call, Read, ReadKind, Reads};
use crate::outcome::Place;
use crate::source::Source;

/// Follows the named responses and finishes the calls.
pub(super) fn finish(source: &Source, drafts: Vec<Draft>) -> Vec<Call> {
    let watched: HashMap<Id, Uses> = drafts
        .iter()
        .filter_map(|draft| {
            let uses = Uses {
                rejects: draft.rejects,
                ..Uses::default()
            };
            Some((draft.watch.clone()?, uses))
        })
        .collect();
    let mut follower = Follower {
        source,
        watched,
        sure: BTreeMap::new(),
        returned: false,
    };
    if !follower.watched.is_empty() {
        source.module.visit_with(&mut follower);
    }
    drafts
        .into_iter()
        .map(|draft| match &draft.watch {
            Some(id) => match follower.watched.remove(id) {
                Some(uses) => with_uses(source, draft.call, uses),
                None => draft.call,
            },
            None => draft.call,
        })
        .collect()
}

fn with_uses(source: &Source, mut call: Call, uses: Uses) -> Call {
    let seen = uses.seen;
    call.reads = Reads {
        ok: call.reads.ok | seen.ok,
        status: call.reads.status | seen.status,
        json: call.reads.json | seen.json,
        text: call.reads.text | seen.text,
        headers: call.reads.headers | seen.headers,
        other: call.reads.other | seen.other,
        error_body: call.reads.error_body | seen.error_body,
    };
    match (uses.refused, &mut call.rewrite) {
        (Some((range, words)), rewrite @ Ok(_)) => {
            let place = Place::new(&source.path, &source.text, range.start, range.end);
            *rewrite = Err((place, words));
        }
        (None, Ok(shape)) => {
            if let Answer::Named(named) = &mut shape.answer {
                named.reads.extend(uses.reads);
                named.reads.sort_by_key(|read| read.range.start);
            }
        }
        _ => {}
    }
    call
}

/// What was seen of one name.
#[derive(Debug, Default)]
struct Uses {
    /// Whether it is the response of a client that has parsed it, and rejects where it is no success.
    rejects: bool,
    reads: Vec<Read>,
    seen: Reads,
    refused: Option<(Range<usize>, String)>,
}

impl Uses {
    fn refuse(&mut self, range: Range<usize>, words: &str) {
        self.refused.get_or_insert((range, words.to_string()));
    }
}

struct Follower<'s> {
    source: &'s Source,
    watched: HashMap<Id, Uses>,
    /// Names whose `ok` is known to be true here, with how many branches say so.
    sure: BTreeMap<Id, usize>,
    /// Whether the expression that comes next is what a function returns.
    returned: bool,
}

/// A member of a watched name.
struct Member<'a> {
    id: Id,
    name: &'a str,
    range: Range<usize>,
    optional: bool,
    called: bool,
}

impl Follower<'_> {
    fn id(&self, expr: &Expr) -> Option<Id> {
        match expr {
            Expr::Ident(name) => {
                let id = name.to_id();
                self.watched.contains_key(&id).then_some(id)
            }
            Expr::TsNonNull(cast) => self.id(&cast.expr),
            _ => None,
        }
    }

    /// `res.x`, `res?.x`, `res.x()`.
    fn member<'a>(&self, expr: &'a Expr) -> Option<Member<'a>> {
        let range = self.source.range(expr);
        let (member, optional) = match expr {
            Expr::Member(member) => (member, false),
            Expr::OptChain(chain) => match &*chain.base {
                OptChainBase::Member(member) => (member, chain.optional),
                OptChainBase::Call(call) if call.args.is_empty() => {
                    let member = self.member(&call.callee)?;
                    return Some(Member {
                        range,
                        called: true,
                        ..member
                    });
                }
                OptChainBase::Call(_) => return None,
            },
            Expr::Call(call) if call.args.is_empty() => {
                let Callee::Expr(callee) = &call.callee else {
                    return None;
                };
                let member = self.member(callee)?;
                return Some(Member {
                    range,
                    called: true,
                    ..member
                });
            }
            _ => return None,
        };
        let MemberProp::Ident(name) = &member.prop else {
            return None;
        };
        Some(Member {
            id: self.id(&member.obj)?,
            name: &name.sym,
            range,
            optional,
            called: false,
        })
    }

    /// `res.json()`, and `X` of `res.json().catch(() => X)`.
    fn json<'a>(&self, expr: &'a Expr) -> Option<(Member<'a>, Option<&'a Expr>)> {
        if let Some(member) = self.member(expr) {
            return (member.name == "json" && member.called).then_some((member, None));
        }
        let Expr::Call(call) = expr else { return None };
        let Callee::Expr(callee) = &call.callee else {
            return None;
        };
        let Expr::Member(outer) = &**callee else {
            return None;
        };
        if !outer.prop.is_ident_with("catch") {
            return None;
        }
        let member = self.member(&outer.obj)?;
        let [ExprOrSpread { spread: None, expr }] = call.args.as_slice() else {
            return None;
        };
        let Expr::Arrow(arrow) = &**expr else {
            return None;
        };
        let ArrowFunctionBody::Expr(value) = &*arrow.body else {
            return None;
        };
        let mut value = &**value;
        while let Expr::Paren(paren) = value {
            value = &paren.expr;
        }
        (member.name == "json" && member.called && arrow.params.is_empty() && is_plain(value)).then(
            || {
                let range = self.source.range(call);
                (Member { range, ..member }, Some(value))
            },
        )
    }

    fn read_json(
        &mut self,
        member: Member<'_>,
        range: Range<usize>,
        awaited: bool,
        fallback: Option<&Expr>,
    ) {
        let sure = self.sure.contains_key(&member.id);
        let fallback = fallback.map(|value| self.source.range(value));
        let Some(uses) = self.watched.get_mut(&member.id) else {
            return;
        };
        if uses.rejects {
            return uses.refuse(range, "json of the response is read");
        }
        uses.seen.json = true;
        uses.seen.error_body |= !sure;
        uses.reads.push(Read {
            kind: ReadKind::Json { awaited, fallback },
            range,
            optional: member.optional,
        });
    }

    fn rejects(&self, id: &Id) -> bool {
        self.watched.get(id).is_some_and(|uses| uses.rejects)
    }

    fn presence(&mut self, expr: &Expr) -> bool {
        let Some(id) = self.id(expr) else {
            return false;
        };
        let range = self.source.range(expr);
        if let Some(uses) = self.watched.get_mut(&id) {
            uses.reads.push(Read {
                kind: ReadKind::Presence,
                range,
                optional: false,
            });
        }
        true
    }

    fn escape(&mut self, id: &Id, range: Range<usize>, words: &str) {
        if let Some(uses) = self.watched.get_mut(id) {
            uses.seen.other = true;
            uses.refuse(range, words);
        }
    }

    fn visit_test(&mut self, test: &Expr) {
        if !self.presence(test) {
            test.visit_with(self);
        }
    }

    /// The names whose `ok` is true when `test` is `value`.
    fn known(&self, test: &Expr, value: bool) -> Vec<Id> {
        match test {
            Expr::Paren(paren) => self.known(&paren.expr, value),
            Expr::Unary(unary) if unary.op == UnaryOp::Bang => self.known(&unary.arg, !value),
            Expr::Bin(BinExpr {
                op, left, right, ..
            }) => match (op, value) {
                (BinaryOp::LogicalAnd, true) | (BinaryOp::LogicalOr, false) => {
                    let mut ids = self.known(left, value);
                    ids.extend(self.known(right, value));
                    ids
                }
                _ => self
                    .member(left)
                    .filter(|member| member.name == "status" && says_ok(*op, right, value))
                    .map(|member| member.id)
                    .into_iter()
                    .collect(),
            },
            _ if value => self
                .member(test)
                .filter(|member| member.name == "ok")
                .map(|member| member.id)
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    }

    fn sure_of(&mut self, ids: &[Id], inside: impl FnOnce(&mut Self)) {
        self.learn(ids);
        inside(self);
        self.forget(ids);
    }

    fn learn(&mut self, ids: &[Id]) {
        for id in ids {
            *self.sure.entry(id.clone()).or_default() += 1;
        }
    }

    fn forget(&mut self, ids: &[Id]) {
        for id in ids {
            if let Some(count) = self.sure.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    self.sure.remove(id);
                }
            }
        }
    }
}

/// Whether a comparison of `status` says that the answer is a success.
fn says_ok(op: BinaryOp, right: &Expr, value: bool) -> bool {
    let Expr::Lit(Lit::Num(number)) = right else {
        return false;
    };
    let success = (200.0..300.0).contains(&number.value);
    match op {
        BinaryOp::EqEq | BinaryOp::EqEqEq => value && success,
        BinaryOp::NotEq | BinaryOp::NotEqEq => !value && success,
        BinaryOp::Lt => value && (200.0..=400.0).contains(&number.value),
        BinaryOp::GtEq => !value && (200.0..=400.0).contains(&number.value),
        BinaryOp::Gt => !value && (200.0..400.0).contains(&number.value),
        _ => false,
    }
}

/// Whether a fallback can be written after `??` as it is.
fn is_plain(value: &Expr) -> bool {
    match value {
        Expr::Lit(_) | Expr::Ident(_) => true,
        Expr::Object(object) => object.props.is_empty(),
        Expr::Array(array) => array.elems.is_empty(),
        _ => false,
    }
}

/// Whether nothing after the statement runs.
fn leaves(statement: &Stmt) -> bool {
    match statement {
        Stmt::Return(_) | Stmt::Throw(_) | Stmt::Break(_) | Stmt::Continue(_) => true,
        Stmt::Block(BlockStmt { stmts, .. }) => stmts.last().is_some_and(leaves),
        Stmt::If(branch) => leaves(&branch.cons) && branch.alt.as_deref().is_some_and(leaves),
        _ => false,
    }
}

impl Visit for Follower<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        let returned = std::mem::take(&mut self.returned);
        if let Some(id) = self.id(expr) {
            let range = self.source.range(expr);
            self.escape(&id, range, "the response is handed on");
            return;
        }
        if let Expr::Await(waiting) = expr
            && let Some((member, fallback)) = self.json(&waiting.arg)
        {
            let range = self.source.range(expr);
            self.read_json(member, range, true, fallback);
            return;
        }
        if let Expr::Paren(paren) = expr
            && let Expr::Await(waiting) = &*paren.expr
            && let Some((member, fallback)) = self.json(&waiting.arg)
        {
            let range = self.source.range(expr);
            self.read_json(member, range, true, fallback);
            return;
        }
        if let Some(member) = self.member(expr) {
            match (member.name, member.called) {
                ("json", true) if returned => {
                    let range = member.range.clone();
                    self.read_json(member, range, false, None);
                }
                ("data", false) if self.rejects(&member.id) => {
                    let Some(uses) = self.watched.get_mut(&member.id) else {
                        return;
                    };
                    uses.seen.json = true;
                    uses.reads.push(Read {
                        kind: ReadKind::Data,
                        range: member.range,
                        optional: member.optional,
                    });
                }
                ("ok", false) if self.rejects(&member.id) => {
                    self.escape(&member.id, member.range, "ok of the response is read");
                }
                ("ok" | "status", false) => {
                    let Some(uses) = self.watched.get_mut(&member.id) else {
                        return;
                    };
                    let kind = if member.name == "ok" {
                        uses.seen.ok = true;
                        ReadKind::Ok
                    } else {
                        uses.seen.status = true;
                        ReadKind::Status
                    };
                    uses.reads.push(Read {
                        kind,
                        range: member.range,
                        optional: member.optional,
                    });
                }
                (name, _) => {
                    let words = if name == "json" {
                        "json() is not awaited".to_string()
                    } else {
                        format!("{name} of the response is read")
                    };
                    let sure = self.sure.contains_key(&member.id);
                    let Some(uses) = self.watched.get_mut(&member.id) else {
                        return;
                    };
                    match name {
                        "json" => {
                            uses.seen.json = true;
                            uses.seen.error_body |= !sure;
                        }
                        "text" => uses.seen.text = true,
                        "headers" => uses.seen.headers = true,
                        _ => uses.seen.other = true,
                    }
                    uses.refuse(member.range, &words);
                }
            }
            return;
        }
        match expr {
            Expr::Unary(unary) if unary.op == UnaryOp::Bang => self.visit_test(&unary.arg),
            Expr::Bin(binary) if binary.op == BinaryOp::LogicalAnd => {
                self.visit_test(&binary.left);
                let ids = self.known(&binary.left, true);
                self.sure_of(&ids, |follower| {
                    follower.returned = returned;
                    binary.right.visit_with(follower);
                });
            }
            Expr::Paren(paren) => {
                self.returned = returned;
                paren.expr.visit_with(self);
            }
            Expr::TsAs(cast) => {
                self.returned = returned;
                cast.expr.visit_with(self);
            }
            Expr::Cond(CondExpr {
                test, cons, alt, ..
            }) => {
                self.visit_test(test);
                let (yes, no) = (self.known(test, true), self.known(test, false));
                self.sure_of(&yes, |follower| {
                    follower.returned = returned;
                    cons.visit_with(follower);
                });
                self.sure_of(&no, |follower| {
                    follower.returned = returned;
                    alt.visit_with(follower);
                });
            }
            _ => expr.visit_children_with(self),
        }
        self.returned = false;
    }

    fn visit_if_stmt(&mut self, branch: &IfStmt) {
        self.visit_test(&branch.test);
        let (yes, no) = (
            self.known(&branch.test, true),
            self.known(&branch.test, false),
        );
        self.sure_of(&yes, |follower| branch.cons.visit_with(follower));
        self.sure_of(&no, |follower| branch.alt.visit_with(follower));
    }

    fn visit_stmts(&mut self, body: &[Stmt]) {
        let mut known = Vec::new();
        for statement in body {
            statement.visit_with(self);
            let ids = match statement {
                Stmt::If(branch) if leaves(&branch.cons) => self.known(&branch.test, false),
                Stmt::If(branch) if branch.alt.as_deref().is_some_and(leaves) => {
                    self.known(&branch.test, true)
                }
                _ => Vec::new(),
            };
            self.learn(&ids);
            known.extend(ids);
        }
        self.forget(&known);
    }

    fn visit_return_stmt(&mut self, statement: &ReturnStmt) {
        self.returned = true;
        statement.visit_children_with(self);
        self.returned = false;
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        arrow.params.visit_with(self);
        match &*arrow.body {
            ArrowFunctionBody::Expr(expr) => {
                self.returned = true;
                expr.visit_with(self);
                self.returned = false;
            }
            ArrowFunctionBody::FunctionBody(body) => body.visit_with(self),
        }
    }

    fn visit_assign_expr(&mut self, assign: &AssignExpr) {
        if let AssignTarget::Simple(SimpleAssignTarget::Ident(name)) = &assign.left {
            let range = self.source.range(&name.id);
            self.escape(
                &name.id.to_id(),
                range,
                "the response's name is assigned again",
            );
        }
        assign.visit_children_with(self);
    }

    fn visit_prop(&mut self, prop: &Prop) {
        if let Prop::Shorthand(name) = prop {
            let range = self.source.range(name);
            self.escape(&name.to_id(), range, "the response is handed on");
        }
        prop.visit_children_with(self);
    }

    fn visit_var_declarator(&mut self, declarator: &VarDeclarator) {
        if let (Pat::Object(pattern), Some(value)) = (&declarator.name, &declarator.init)
            && let Some(id) = self.id(value)
        {
            let fields = answer::fields(self.source, pattern);
            let known: &[&str] = match self.rejects(&id) {
                true => &["data", "status"],
                false => &["ok", "status"],
            };
            let plain = fields
                .iter()
                .flatten()
                .all(|(name, _)| known.contains(&name.as_str()));
            let range = self.source.range(declarator);
            if fields.is_none() || !plain {
                self.escape(&id, range, "the response is taken apart");
            } else if let Some(uses) = self.watched.get_mut(&id) {
                for (name, range) in fields.into_iter().flatten() {
                    let kind = match name.as_str() {
                        "ok" => ReadKind::Ok,
                        "data" => ReadKind::Data,
                        _ => ReadKind::Status,
                    };
                    uses.seen.ok |= kind == ReadKind::Ok;
                    uses.seen.json |= kind == ReadKind::Data;
                    uses.seen.status |= kind == ReadKind::Status;
                    uses.reads.push(Read {
                        kind,
                        range,
                        optional: false,
                    });
                }
            }
            return;
        }
        declarator.visit_children_with(self);
    }

    fn visit_ts_type(&mut self, _: &TsType) {}
    fn visit_ts_type_ann(&mut self, _: &TsTypeAnn) {}
}

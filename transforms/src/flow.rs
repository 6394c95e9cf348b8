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
use crate::idioms::peer;
use crate::idioms::request;
use crate::idioms::response::{self, Chain};
use crate::modules::Shared;
use crate::outcome::Refusal;
use crate::reason::Reason;
use crate::source::Source;
use crate::specialise::{Constant, MethodView};
use crate::syntax::{
    Id, bare, bound_names, id, is_binding, is_bodiless, member, method_call, quiet, statements,
};

mod callback;
mod given;
mod held;
mod idle;

pub use given::{given_functions, stands_inline};

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
    /// Whether one does even when nothing that is tried throws.
    pub falls_untried: bool,
    /// Whether something is given back on such a path.
    pub gives: bool,
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
    /// For each way out: whether it has answered, and whether what is given back is truthy.
    pub exits: Vec<(bool, Option<bool>)>,
    /// The request parameters of functions inside it that are called with the request.
    pub requests: Vec<Id>,
    /// Whether headers are set where something may still throw before the answer.
    pub early_headers: bool,
    /// Where functions of this file are called that set headers so.
    pub early_calls: Vec<usize>,
    /// Whether response headers are read that were set before.
    pub reads_headers: bool,
    /// Whether headers may be set where it gives back control without an answer.
    pub leaks: bool,
    /// Whether a status may be set there.
    pub leaks_status: bool,
}

impl Reading<'_> {
    /// Whether it answers errors of what it calls.
    pub fn answers_errors(&self) -> bool {
        self.effects.iter().any(|effect| match &effect.kind {
            Kind::ReplyChain { .. } | Kind::ReplyCallback { .. } | Kind::ReplyPromise { .. } => {
                true
            }
            Kind::Reply(_) | Kind::CallCarrier { form: Some(_), .. } => {
                let caught = |catch: &Range<usize>| {
                    catch.start <= effect.range.start && effect.range.end <= catch.end
                };
                self.catches.iter().any(caught)
            }
            _ => false,
        })
    }

    /// Whether it answers.
    pub fn replies(&self) -> Replies {
        match (self.replies, self.falls) {
            (false, _) => Replies::Never,
            (true, true) => Replies::Sometimes,
            (true, false) => Replies::Always,
        }
    }

    /// Whether what it gives back is truthy where it has answered, when it surely is the contrary
    /// where it has not.
    pub fn answered(&self) -> Option<bool> {
        let (_, truth) = self.exits.iter().find(|(replied, _)| *replied)?;
        let truth = (*truth)?;
        let tells = |(replied, value): &(bool, Option<bool>)| *value == Some(truth == *replied);
        self.exits.iter().all(tells).then_some(truth)
    }
}

/// What runs after a statement.
#[derive(Clone, Debug)]
enum Next {
    /// Nothing: the function ends.
    End,
    /// Only a `return` of nothing or a constant, or a `break`, which goes with the answer; and
    /// whether what is given back is truthy.
    Jump(Range<usize>, bool),
    /// Code that does nothing once there is an answer.
    Idle,
    /// More code.
    More,
}

/// What is known of a function that is called.
struct Followed {
    /// Whether it answers.
    replies: Replies,
    /// Whether what it gives back is truthy where it has answered.
    answered: Option<bool>,
    /// Whether it gives back something where it has not.
    gives: bool,
    /// Whether it sets headers where it may still throw before the answer.
    early: bool,
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
    /// Names that are truthy here, because the function has ended where they are not.
    proven: Vec<Id>,
    /// Where functions start that are read as a part of this one.
    callbacks: Vec<usize>,
    depth: Depth,
    /// Whether what is read runs only where no header tells the address of the connection.
    told: bool,
    /// How many `try` blocks stand around what is being read.
    tries: usize,
    /// The `catch` bodies around what is being read, where there are any.
    catching: Vec<Option<&'a BlockStmt>>,
    /// Whether it is the function that the API file exports.
    is_handler: bool,
    /// How many answers are returned now although idle code stood behind them.
    cut: usize,
    /// Whether what is read is a callback in which answers settle a promise.
    settles: bool,
    /// What settles the promise, where the code makes it by itself, and what makes it fail.
    resolve: Option<Id>,
    reject: Option<Id>,
    top: usize,
    before: Before,
    prepared: Vec<(Vec<SetHeader<'a>>, Option<&'a Expr>)>,
    out: Reading<'a>,
}

/// Whether a loop ends inside a range that starts in it.
fn ends_loop(source: &Source, range: &Range<usize>) -> bool {
    struct Ends<'s> {
        source: &'s Source,
        range: &'s Range<usize>,
        found: bool,
    }
    impl Visit for Ends<'_> {
        fn visit_stmt(&mut self, node: &Stmt) {
            let at = self.source.range(node);
            let around = at.start <= self.range.start && self.range.start < at.end;
            let repeats = matches!(
                node,
                Stmt::For(_) | Stmt::ForIn(_) | Stmt::ForOf(_) | Stmt::While(_) | Stmt::DoWhile(_)
            );
            self.found |= repeats && around && at.end <= self.range.end;
            if around {
                node.visit_children_with(self);
            }
        }
    }
    let mut ends = Ends {
        source,
        range,
        found: false,
    };
    source.module.visit_with(&mut ends);
    ends.found
}

/// How many calls of functions of one file are followed one after another.
const MAX_DEPTH: usize = 8;

/// Reads a function as a carrier; `roles` says which of its parameters are the request and the response.
pub fn read<'a>(
    module: &ApiModule<'a>,
    function: &Function<'a>,
    roles: &[Option<Role>],
    methods: &[String],
) -> Reading<'a> {
    read_with(module, function, roles, methods, Vec::new())
}

/// As [`read`], where some parameters hold constants.
pub fn read_with<'a>(
    module: &ApiModule<'a>,
    function: &Function<'a>,
    roles: &[Option<Role>],
    methods: &[String],
    constants: Vec<(Id, Constant)>,
) -> Reading<'a> {
    let at = Depth::default();
    let mut reading = read_at(module, function, roles, methods, constants.clone(), at);
    reading.falls_untried = reading.falls;
    if reading.falls && !reading.catches.is_empty() {
        let at = Depth {
            skips_catches: true,
            ..at
        };
        reading.falls_untried = read_at(module, function, roles, methods, constants, at).falls;
    }
    reading
}

/// How far a function is read.
#[derive(Clone, Copy, Default)]
struct Depth {
    /// How many calls of functions of this file are being followed.
    calls: usize,
    /// Whether `catch` clauses count for nothing.
    skips_catches: bool,
}

fn read_at<'a>(
    module: &ApiModule<'a>,
    function: &Function<'a>,
    roles: &[Option<Role>],
    methods: &[String],
    constants: Vec<(Id, Constant)>,
    depth: Depth,
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
            inner: Vec::new(),
            aliases: Vec::new(),
            spelled: module
                .takes
                .as_ref()
                .map_or(Vec::new(), |takes| takes.spelled.clone()),
            lists,
            constants,
            // No code follows an answer, but what is read below as such.
            sent: res.clone().map(|res| (res, false)),
        },
        req,
        res,
        header_names: Vec::new(),
        cookie_names: Vec::new(),
        proven: Vec::new(),
        callbacks: Vec::new(),
        depth,
        told: false,
        tries: 0,
        catching: Vec::new(),
        is_handler: function.range == module.handler.range,
        cut: 0,
        settles: false,
        resolve: None,
        reject: None,
        top: function.range.start,
        before: Before::default(),
        prepared: Vec::new(),
        out,
    };
    let falls = match function.body {
        Body::Block(stmts, _) => reader.list(stmts, Next::End, true),
        Body::Expr(expr) => {
            reader.top = source.range(expr).start;
            if reader.reply_expr(expr, ReplyForm::Returned) {
                reader.exit(true, replied_truth(expr));
                false
            } else {
                reader.scan(expr);
                let truth = reader.truth(expr);
                reader.exit(false, truth);
                reader.out.falls = true;
                reader.out.gives = true;
                false
            }
        }
    };
    if falls {
        reader.exit(false, Some(false));
    }
    reader.out.falls |= falls;
    let mut effects = reader.out.effects.iter();
    let early = effects.any(|effect| reader.calls_early(effect));
    reader.out.early_headers = early || !reader.only_before_replies(0);
    reader.out
}

impl<'a: 'm, 'm> Reader<'a, 'm> {
    fn refuse(&mut self, reason: Reason, node: &impl Spanned, detail: impl Into<String>) {
        let refusal = refuse(self.source, reason, node, detail);
        self.out.refusals.push(refusal);
    }

    fn effect(&mut self, range: Range<usize>, kind: Kind<'a>) {
        self.refuse_dropped(&range, &kind);
        self.out.effects.push(Effect {
            range,
            top: self.top,
            nested: false,
            tried: self.tries > 0,
            kind,
        });
    }

    /// Refuses a header that Next.js drops from a route handler's answer, where the body means
    /// nothing without it (measured on 15 and 16).
    fn refuse_dropped(&mut self, range: &Range<usize>, kind: &Kind) {
        let names: Vec<&str> = match kind {
            Kind::Prepare { headers, .. } => headers.iter().map(|set| &*set.name).collect(),
            Kind::Reply(reply) => reply.own.iter().map(|set| &*set.name).collect(),
            Kind::LateHeader { name, among, .. } => name.known(among),
            _ => return,
        };
        let drops = |name: &&str| {
            let dropped = ["content-encoding", "transfer-encoding"];
            dropped.iter().any(|known| name.eq_ignore_ascii_case(known))
        };
        if let Some(name) = names.into_iter().find(drops) {
            let detail = format!("Next.js drops {name} from a route handler's answer");
            let reason = Reason::UnknownHeader;
            let refusal = refuse_at(self.source, reason, range.clone(), detail);
            self.out.refusals.push(refusal);
        }
    }

    /// Notes a way out of the function.
    fn exit(&mut self, replied: bool, truth: Option<bool>) {
        self.out.exits.push((replied, truth));
        self.out.leaks |= !replied && self.carries();
        self.out.leaks_status |= !replied && self.has_status();
    }

    /// Whether headers may stand here.
    fn carries(&self) -> bool {
        !self.before.headers.is_empty() || self.before.mixed
    }

    /// Whether a status may stand here.
    fn has_status(&self) -> bool {
        self.before.status.is_some() || self.before.status_mixed
    }

    /// Whether a value is truthy, when that is sure.
    fn truth(&self, expr: &Expr) -> Option<bool> {
        match bare(expr) {
            Expr::Ident(name) if self.proven.contains(&id(name)) => {
                self.initialiser(name).map(|_| true)
            }
            Expr::Object(_) | Expr::Array(_) | Expr::Arrow(_) | Expr::Fn(_) | Expr::New(_) => {
                Some(true)
            }
            other => constant_truth(self.source, other),
        }
    }

    /// Walks statements; whether control can come out at their end without an answer.
    fn list(&mut self, stmts: &'a [Stmt], next: Next, outermost: bool) -> bool {
        let (proven, told) = (self.proven.len(), self.told);
        let falls = self.list_of(stmts, next, outermost);
        self.proven.truncate(proven);
        self.told = told;
        falls
    }

    fn list_of(&mut self, stmts: &'a [Stmt], next: Next, outermost: bool) -> bool {
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
            if !self.settles {
                if let Some(read) = self.guard(&stmts[index..]) {
                    read_until = index + read;
                    continue;
                }
                if self.held(&stmts[index..], &next) {
                    return false;
                }
            }
            let rest = &stmts[index + 1..];
            let constant = |jump: &ReturnStmt| match jump.arg.as_deref() {
                None => Some(false),
                Some(value) => constant_truth(self.source, bare(value)),
            };
            let settles = |stmt: &Stmt| self.settles_empty(stmt);
            let after = match rest.first() {
                None => next.clone(),
                Some(first) if settles(first).is_some() => match (settles(first), &rest[1..]) {
                    (Some(true), _) | (_, [Stmt::Return(ReturnStmt { arg: None, .. }), ..]) => {
                        Next::End
                    }
                    (_, []) => next.clone(),
                    _ => Next::More,
                },
                Some(Stmt::Return(jump)) if constant(jump).is_some() => Next::Jump(
                    self.source.range(jump),
                    constant(jump).expect("just looked at"),
                ),
                Some(Stmt::Break(jump)) if jump.label.is_none() => match next {
                    // A `break` only ends the list where the list is the arm of a switch.
                    Next::End => Next::Jump(self.source.range(jump), false),
                    Next::Jump(_, truth) => Next::Jump(self.source.range(jump), truth),
                    Next::Idle | Next::More => Next::More,
                },
                Some(_)
                    if rest
                        .iter()
                        .all(|stmt| matches!(stmt, Stmt::Decl(Decl::Fn(_)) | Stmt::Empty(_))) =>
                {
                    next.clone()
                }
                Some(_) if !self.settles && self.is_idle(rest, &next) => Next::Idle,
                Some(_) => Next::More,
            };
            if matches!(after, Next::More) && self.rejects(stmt) {
                self.refuse(Reason::ReplyInCallback, stmt, "fails, and goes on");
            }
            let changed = self.changed();
            if !self.statement(stmt, after) {
                let decided = self.changed() > changed;
                let settled = rest
                    .first()
                    .filter(|stmt| self.settles_empty(stmt).is_some());
                if let Some(stmt) = settled {
                    self.drop_settling(stmt, matches!(next, Next::End));
                } else {
                    self.dead(rest, decided);
                }
                return false;
            }
        }
        true
    }

    /// How many statements go, lose what stands around them, or end the function now.
    fn changed(&self) -> usize {
        self.out.unwrapped.len() + self.out.dropped.len() + self.cut
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
        let jumps = match first {
            Stmt::Return(jump) => jump
                .arg
                .as_deref()
                .is_none_or(|value| constant_truth(self.source, bare(value)).is_some()),
            Stmt::Break(jump) => jump.label.is_none(),
            _ => false,
        };
        if jumps {
            let range = self.source.range(first);
            if !self.settles && !self.out.dropped.contains(&range) {
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
                    None => {
                        self.exit(false, Some(false));
                        self.out.falls = true;
                    }
                    Some(arg) if self.reply_expr(arg, ReplyForm::Returned) => {
                        self.exit(true, replied_truth(arg));
                    }
                    Some(arg) => {
                        self.scan(arg);
                        let truth = self.truth(arg);
                        self.exit(false, truth);
                        self.out.falls = true;
                        self.out.gives |= !is_undefined(self.source, arg);
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
                } else {
                    proves(&statement.test, &mut self.proven);
                    let names = self.request_names();
                    self.told |= peer::asks_forwarded(self.module, &names, &statement.test);
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
        self.tries += 1;
        let catch = statement.handler.as_ref().map(|handler| &handler.body);
        self.catching.push(catch);
        let mut falls = self.list(&statement.block.stmts, next.clone(), false);
        self.catching.pop();
        self.tries -= 1;
        let after_block = self.before.clone();
        let handler = statement.handler.as_ref();
        if let Some(handler) = handler.filter(|_| !self.depth.skips_catches) {
            let range = self.source.range(handler);
            self.out.catches.push(range);
            self.before = entry.clone();
            let sets = |effect: &Effect| effect.sets_headers();
            let set =
                self.prepared.len() > prepared || self.out.effects[replies..].iter().any(sets);
            if set && !self.only_before_replies(replies) {
                self.before.mixed = true;
                self.before.headers.clear();
                self.before.status_mixed |= self.prepared[prepared..]
                    .iter()
                    .any(|(_, status)| status.is_some());
            }
            let tried = self.out.effects.len();
            let handler_falls = self.list(&handler.body.stmts, next, false);
            self.keeps_headers(replies, tried);
            if !handler_falls {
                self.before = after_block;
            } else if falls {
                self.before.join(&after_block);
            }
            falls |= handler_falls;
        }
        if let Some(finalizer) = &statement.finalizer {
            let count = self.out.effects.len();
            let sent = self.view.sent.take();
            let falls_too = self.list(&finalizer.stmts, Next::More, false);
            self.view.sent = sent;
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

    /// Refuses a function that is called in a `try` and may throw when it has set headers, where the
    /// `catch` answers: that answer had them, too. The effects of the `try` start at `from`, those of
    /// the `catch` at `tried`.
    fn keeps_headers(&mut self, from: usize, tried: usize) {
        let answers = |effect: &Effect| {
            let called = matches!(effect.kind, Kind::CallCarrier { form: Some(_), .. });
            called || matches!(effect.kind, Kind::Reply(_))
        };
        if !self.out.effects[tried..].iter().any(answers) {
            return;
        }
        let lost = self.out.effects[from..tried].iter();
        let lost: Vec<Range<usize>> = lost
            .filter(|effect| self.calls_early(effect))
            .map(|effect| effect.range.clone())
            .collect();
        for range in lost {
            let detail = "set before an error that the function around it answers";
            let refusal = refuse_at(self.source, Reason::HeaderInCallback, range, detail);
            self.out.refusals.push(refusal);
        }
    }

    /// Whether a function is called that may throw when it has set headers of its own answer.
    fn calls_early(&self, effect: &Effect) -> bool {
        match effect.carrier() {
            Some((Carrier::Shared(shared), _)) => shared.early_headers && !shared.headers,
            Some((Carrier::Local(_), _)) => self.out.early_calls.contains(&effect.range.start),
            _ => false,
        }
    }

    /// Whether each header since `from` is set directly before the answer that it belongs to,
    /// so that nothing can throw in between.
    fn only_before_replies(&self, from: usize) -> bool {
        let effects = &self.out.effects[from..];
        effects.iter().enumerate().all(|(index, effect)| {
            let Kind::Prepare { statement, .. } = &effect.kind else {
                return !effect.sets_headers();
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
                        ReplyForm::Bare(start) | ReplyForm::Settles(start) => start,
                        ReplyForm::Returned => self.source.text[..next.range.start]
                            .rfind("return")
                            .unwrap_or(0),
                    };
                    &self.source.text[statement.end..start.max(statement.end)]
                }
                _ => return false,
            };
            // A block ends where nothing can throw, unless it runs again.
            let white = |char: char| char.is_whitespace() || char == '}';
            let end = statement.end + between.len();
            between.chars().all(white) && !ends_loop(self.source, &(statement.start..end))
        })
    }

    /// An expression as a statement; whether control goes on.
    fn expression(&mut self, expr: &'a Expr, statement: Range<usize>, next: Next) -> bool {
        // Which header, or how many of it, is seen when it runs.
        if let Some(Err((Reason::UnknownHeader, _))) = response::prepare(self.res.as_ref(), expr) {
            let mut visitor = self.visitor(Usage::Value, None);
            if visitor.late_header(expr) {
                self.take(visitor);
                return true;
            }
        }
        let count = self.out.refusals.len();
        if self.reply_expr(expr, ReplyForm::Bare(statement.start)) {
            match next {
                Next::End => self.exit(true, Some(false)),
                Next::Idle => {
                    self.cut += 1;
                    self.exit(true, None)
                }
                Next::Jump(jump, truth) => {
                    self.exit(true, Some(truth));
                    // What settles a promise does not end the function.
                    if !self.settles {
                        self.out.dropped.push(jump)
                    }
                }
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
        self.carrier_reply(expr, form.clone(), &whole)
            || self.callback_reply(expr, &form, &whole)
            || self.promise_callback_reply(expr, &form, &whole)
            || self.promise_reply(expr, form)
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
        let named = chain.status.filter(|status| !is_bodiless(status));
        let held = named.and_then(|status| match bare(status) {
            Expr::Ident(name) => self.initialiser(name),
            other => Some(other),
        });
        if held.is_some_and(may_be_bodiless) && payload.value().is_some() {
            self.refuse(Reason::DynamicStatus, expr, "a status without a body");
        }
        // A value that is only looked at goes with a body that is none.
        let bodiless = chain.status.is_some_and(is_bodiless);
        let idle = payload.value().filter(|value| bodiless && quiet(value));
        let idle = idle.map(|value| self.source.range(value));
        let values = chain.values();
        values
            .filter(|value| Some(self.source.range(*value)) != idle)
            .for_each(|value| self.scan(value));
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
            form: self.form_here(form, &whole),
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
        if let Carrier::Shared(shared) = &callee
            && !shared.refusals.is_empty()
        {
            self.followed_refusals(&callee);
            self.scan_args(expr);
            self.out.replies = true;
            return true;
        }
        let followed = self.followed(&callee, &args);
        match followed.replies {
            Replies::Never => return false,
            Replies::Sometimes if self.settles => {
                let why = format!("{} may give back control without an answer", callee.name());
                self.refuse(Reason::ReplyInCallback, expr, why);
            }
            Replies::Sometimes => {
                self.out.falls = true;
                self.out.gives |= followed.gives;
                self.exit(false, None);
            }
            Replies::Always => {}
        }
        if self.has_status() {
            self.refuse(Reason::DynamicStatus, expr, "set before a helper answers");
        }
        if let Expr::Call(call) = expr
            && call.args.iter().any(|arg| may_be_bodiless(&arg.expr))
        {
            let why = "a status without a body, for a helper";
            self.refuse(Reason::DynamicStatus, expr, why);
        }
        let carries = self.carries();
        let callback = match &callee {
            Carrier::Shared(shared) => self.given(expr, shared),
            _ => None,
        };
        self.scan_args(expr);
        self.out.replies = true;
        self.notes_early(&followed, whole);
        let awaited = whole.start != self.source.range(expr).start;
        self.effect(
            whole.clone(),
            Kind::CallCarrier {
                callee,
                args,
                list,
                form: Some(self.form_here(form, whole)),
                awaited,
                carries,
                callback,
                held: None,
            },
        );
        true
    }

    /// Reads the function that a call is given to call with the request, as a part of this one.
    fn callback(&mut self, expr: &'a Expr, shared: &Shared) -> Option<Callback> {
        let Expr::Call(call) = expr else { return None };
        let arg = &*call.args.get(shared.callback?.at)?.expr;
        let statement = self.source.range(arg);
        let Some(function) =
            crate::facts::api_module::from_expr(self.source, None, arg, statement.clone())
        else {
            self.refuse(
                Reason::ResEscapes,
                arg,
                "not a function that is written here",
            );
            return None;
        };
        let names: Vec<Option<Id>> = function
            .params
            .iter()
            .take(2)
            .map(|pat| crate::facts::api_module::param_id(pat))
            .collect();
        let (Some(req), res) = (
            names.first().cloned().flatten(),
            names.get(1).cloned().flatten(),
        ) else {
            self.refuse(Reason::ReqEscapes, arg, "destructured parameter");
            return None;
        };
        // What is written is the request by the name that the function around has for it.
        let inside = crate::syntax::Names::of(self.source, arg);
        let uses = |id: &Id| inside.all.iter().filter(|(name, _)| name == id).count();
        let outer = self.req.as_ref();
        let named = |outer: &Id| uses(outer) > 0 || outer.0 != req.0 && uses(&req) > 1;
        if outer.is_some_and(named) {
            self.refuse(
                Reason::ReqEscapes,
                arg,
                "inside a callback, by another name",
            );
            return None;
        }
        if self.res.as_ref().is_some_and(|res| uses(res) > 0) {
            self.refuse(
                Reason::ResEscapes,
                arg,
                "inside a callback, by another name",
            );
            return None;
        }
        self.callbacks.push(statement.start);
        self.out.requests.push(req.clone());
        let first = self.source.range(function.params[0]);
        let list = function.list(self.source);
        let annotated =
            matches!(function.params[0], Pat::Ident(binding) if binding.type_ann.is_some());
        let mut callback = Callback {
            list,
            request: (req.0.to_string(), annotated),
            param: first.clone(),
            return_type: function.return_type.clone(),
            sharing: None,
            rest: function
                .params
                .iter()
                .skip(2)
                .map(|pat| self.source.range(*pat))
                .collect(),
        };
        let sent = res.clone().map(|res| (res, false));
        let outer = (
            self.req.replace(req.clone()),
            std::mem::replace(&mut self.res, res),
            self.view.req.replace(req),
            std::mem::replace(&mut self.view.sent, sent),
            std::mem::take(&mut self.before),
            std::mem::take(&mut self.out.exits),
            self.top,
            self.out.leaks,
            self.out.leaks_status,
        );
        let effects = self.out.effects.len();
        let settles = std::mem::take(&mut self.settles);
        let falls = match function.body {
            Body::Block(stmts, _) => self.list(stmts, Next::End, true),
            Body::Expr(expr) => !self.reply_expr(expr, ReplyForm::Returned),
        };
        self.settles = settles;
        let unanswered = falls || self.out.exits.iter().any(|(replied, _)| !replied);
        (
            self.req,
            self.res,
            self.view.req,
            self.view.sent,
            self.before,
            self.out.exits,
            self.top,
            self.out.leaks,
            self.out.leaks_status,
        ) = outer;
        if unanswered {
            self.refuse(Reason::NoReply, arg, "");
        }
        let sent = |effect: &Effect| matches!(effect.kind, Kind::SentHeader { .. });
        let sent = self.out.effects[effects..].iter().any(sent);
        let early = shared.answers_errors && !self.only_before_replies(effects);
        // What stands before the headers must be there.
        if (sent || early) && shared.hands_headers == Some(callback.rest.len()) {
            callback.sharing = Some(self.source.range(arg));
        } else if sent {
            self.refuse(Reason::UnknownResMember, arg, "getHeader");
        } else if early {
            self.refuse(
                Reason::HeaderInCallback,
                arg,
                "set before an error that the function around it answers",
            );
        }
        let awaits = |effect: &Effect| match effect.carrier() {
            Some((Carrier::Shared(shared), _)) => shared.becomes_async,
            Some((Carrier::Local(name), _)) => !self.module.functions[name].is_async,
            Some((Carrier::Handler(_), _)) => false,
            None => matches!(
                effect.kind,
                Kind::ReadBody { .. } | Kind::ReadQuery { .. } | Kind::WholeQuery
            ),
        };
        if !function.is_async && self.out.effects[effects..].iter().any(awaits) {
            self.refuse(Reason::BodyUse, arg, "would have to be async");
        }
        Some(callback)
    }

    /// Whether a function that is called answers, and what it gives back then.
    fn followed(&self, callee: &Carrier, args: &[Arg]) -> Followed {
        let always = Followed {
            replies: Replies::Always,
            answered: None,
            gives: false,
            early: false,
        };
        match callee {
            Carrier::Shared(shared) => Followed {
                replies: shared.replies,
                answered: shared.answered,
                gives: shared.gives,
                early: shared.early_headers,
            },
            Carrier::Handler(_) => always,
            Carrier::Local(name) => {
                let Some(function) = self
                    .module
                    .functions
                    .get(name)
                    .filter(|_| self.depth.calls < MAX_DEPTH)
                else {
                    return always;
                };
                let roles: Vec<Option<Role>> = args.iter().map(|arg| arg.role).collect();
                let methods = &self.view.methods;
                let depth = Depth {
                    calls: self.depth.calls + 1,
                    skips_catches: false,
                };
                let reading = read_at(self.module, function, &roles, methods, Vec::new(), depth);
                Followed {
                    replies: reading.replies(),
                    answered: reading.answered(),
                    gives: reading.gives,
                    early: reading.early_headers,
                }
            }
        }
    }

    /// Notes where a function is called that sets headers where it may still throw.
    fn notes_early(&mut self, followed: &Followed, call: &Range<usize>) {
        if followed.early {
            self.out.early_calls.push(call.start);
        }
    }

    /// Takes over why a function of another module cannot be carried over.
    fn followed_refusals(&mut self, callee: &Carrier) {
        if let Carrier::Shared(shared) = callee {
            self.out.refusals.extend(shared.refusals.iter().cloned());
        }
    }

    /// `const user = await requireUser(req, res)` and `if (!user) return`, or both in one: a
    /// function that has answered on some paths ends the handler. Gives how many statements it is.
    fn guard(&mut self, stmts: &'a [Stmt]) -> Option<usize> {
        let (bound, branch) = match stmts {
            [Stmt::Decl(Decl::Var(declaration)), Stmt::If(branch), ..] => {
                let [declarator] = &declaration.decls[..] else {
                    return None;
                };
                let Pat::Ident(name) = &declarator.name else {
                    return None;
                };
                (Some((name, declarator.init.as_deref()?)), branch)
            }
            [Stmt::If(branch), ..] => (None, branch),
            _ => return None,
        };
        let [Stmt::Return(exit)] = statements(&branch.cons) else {
            return None;
        };
        let constant = exit.arg.as_deref().map_or(Some(false), |value| {
            constant_truth(self.source, bare(value))
        })?;
        if branch.alt.is_some() {
            return None;
        }
        let (asked, truthy) = asks(&branch.test)?;
        let awaited = match &bound {
            Some((name, init)) => {
                if !is_binding(asked, &id(&name.id)) {
                    return None;
                }
                bare(init)
            }
            None => asked,
        };
        let call = match awaited {
            Expr::Await(inner) => bare(&inner.arg),
            other => other,
        };
        let (callee, args, list) = self.carrier_call(call)?;
        if !args.iter().any(|arg| arg.role == Some(Role::Response)) {
            return None;
        }
        let followed = self.followed(&callee, &args);
        let answered = followed.answered;
        if followed.replies != Replies::Sometimes {
            return None;
        }
        self.followed_refusals(&callee);
        let refused = matches!(&callee, Carrier::Shared(shared) if !shared.refusals.is_empty());
        // What a middleware gives back is known: an answer, or what it puts on the request.
        let known = matches!(&callee, Carrier::Shared(shared) if shared.middleware.is_some());
        if answered != Some(truthy) && !refused && !known {
            self.refuse(
                Reason::ResEscapes,
                call,
                format!("{} may give back control without an answer", callee.name()),
            );
        }
        if self.has_status() {
            self.refuse(Reason::DynamicStatus, call, "set before a helper answers");
        }
        let carries = self.carries();
        if matches!(&callee, Carrier::Shared(shared) if shared.headers) {
            self.before.mixed = true;
        }
        self.scan_args(call);
        self.out.replies = true;
        self.exit(true, Some(constant));
        let test = self.source.range(&*branch.test);
        let (range, shape, count) = match bound {
            Some((name, init)) => {
                if !truthy {
                    self.proven.push(id(&name.id));
                }
                let name = name.id.sym.to_string();
                (self.source.range(init), GuardShape::Bound { name, test }, 2)
            }
            None => {
                let call = self.source.range(awaited);
                let statement = self.source.range(branch);
                let shape = GuardShape::Direct {
                    call: call.clone(),
                    statement,
                    test,
                };
                (call, shape, 1)
            }
        };
        let exit = self.source.range(exit);
        self.notes_early(&followed, &range);
        self.effect(
            range,
            Kind::Guard {
                callee,
                args,
                list,
                shape,
                exit,
                carries,
            },
        );
        Some(count)
    }

    fn scan_args(&mut self, expr: &'a Expr) {
        let Expr::Call(call) = expr else { return };
        for arg in &call.args {
            let read = self.callbacks.contains(&self.source.range(&arg.expr).start);
            if self.role(&arg.expr).is_none() && !read {
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
        let form = self.form_here(form, &range);
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
            // What is taken out of a map of methods.
            if let (Some(takes), Pat::Ident(binding)) = (&self.module.takes, &declarator.name)
                && takes.names.contains(&id(&binding.id))
                && let [method] = &self.view.methods[..]
                && let Some(held) = self.view.value(init, method)
            {
                self.view.constants.push((id(&binding.id), held));
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

    fn request_names(&self) -> request::Names {
        request::Names {
            req: self.req.clone(),
            res: self.res.clone(),
            headers: self.header_names.clone(),
            cookies: self.cookie_names.clone(),
        }
    }

    fn visitor(&self, usage: Usage, declares: Option<Declares>) -> Expressions<'m> {
        let names = self.request_names();
        let mut visitor = Expressions::new(self.module, names, self.view.clone(), usage, declares);
        visitor.told = self.told;
        visitor.callbacks = self.callbacks.clone();
        visitor.sent = matches!(self.view.sent, Some((_, true)));
        visitor
    }

    fn take(&mut self, visitor: Expressions<'_>) {
        for (range, nested, kind) in visitor.found {
            let effect = Effect {
                range,
                top: self.top,
                nested,
                tried: self.tries > 0,
                kind: widen(kind),
            };
            self.refuse_dropped(&effect.range, &effect.kind);
            self.before.mixed |= effect.sets_headers();
            self.out.reads_headers |= matches!(effect.kind, Kind::SentHeader { .. });
            self.out.effects.push(effect);
        }
        self.out.refusals.extend(visitor.followed);
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

/// What a condition asks about, and whether it holds where that is truthy.
fn asks(test: &Expr) -> Option<(&Expr, bool)> {
    match bare(test) {
        Expr::Unary(UnaryExpr {
            op: UnaryOp::Bang,
            arg,
            ..
        }) => {
            let (asked, truthy) = asks(arg)?;
            Some((asked, !truthy))
        }
        Expr::Bin(BinExpr {
            op: BinaryOp::EqEq | BinaryOp::EqEqEq,
            left,
            right,
            ..
        }) => match bare(right) {
            Expr::Lit(Lit::Null(_)) => Some((bare(left), false)),
            Expr::Lit(Lit::Bool(value)) => Some((bare(left), value.value)),
            Expr::Ident(name) if name.sym == "undefined" => Some((bare(left), false)),
            _ => None,
        },
        other @ (Expr::Ident(_) | Expr::Await(_) | Expr::Call(_)) => Some((other, true)),
        _ => None,
    }
}

/// The names that are truthy where a condition does not hold.
fn proves(test: &Expr, out: &mut Vec<Id>) {
    match bare(test) {
        Expr::Bin(BinExpr {
            op: BinaryOp::LogicalOr,
            left,
            right,
            ..
        }) => {
            proves(left, out);
            proves(right, out);
        }
        Expr::Unary(UnaryExpr {
            op: UnaryOp::Bang,
            arg,
            ..
        }) => match bare(arg) {
            Expr::Ident(name) => out.push(id(name)),
            // What has a truthy member is truthy.
            other => {
                let mut object = member(other).map(|(object, _)| object);
                while let Some(inner) = object {
                    if let Expr::Ident(name) = bare(inner) {
                        out.push(id(name));
                    }
                    object = member(inner).map(|(object, _)| object);
                }
            }
        },
        _ => {}
    }
}

/// Whether a value that is the same every time is truthy.
fn constant_truth(source: &Source, expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Lit(Lit::Null(_)) => Some(false),
        Expr::Lit(Lit::Bool(value)) => Some(value.value),
        Expr::Lit(Lit::Num(value)) => Some(value.value != 0.0),
        Expr::Lit(Lit::Str(value)) => Some(!value.value.is_empty()),
        other => is_undefined(source, other).then_some(false),
    }
}

/// Whether an expression is `undefined`.
fn is_undefined(source: &Source, expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Ident(name) => name.sym == "undefined" && source.is_global(name),
        Expr::Unary(UnaryExpr {
            op: UnaryOp::Void,
            arg,
            ..
        }) => matches!(&**arg, Expr::Lit(_)),
        _ => false,
    }
}

/// Whether what an answering expression gives back is truthy: `end` and `redirect` give the
/// response, `json` and `send` nothing (`next/dist/server/api-utils/node/api-resolver`, 13 to 16).
fn replied_truth(expr: &Expr) -> Option<bool> {
    let call = match bare(expr) {
        Expr::Await(inner) => bare(&inner.arg),
        other => other,
    };
    let (_, name, _) = method_call(call)?;
    match name.as_str() {
        "json" | "send" => Some(false),
        "end" | "redirect" => Some(true),
        _ => None,
    }
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

/// Whether an answer of this status may have no body, and `new Response` would take none.
fn may_be_bodiless(status: &Expr) -> bool {
    match bare(status) {
        Expr::Cond(cond) => is_bodiless(&cond.cons) || is_bodiless(&cond.alt),
        literal => is_bodiless(literal),
    }
}

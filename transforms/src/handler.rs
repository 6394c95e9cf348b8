//! What an API file does for each method. In: the outline of the file. Out: the groups of
//! methods that run the same code, with their readings, and the functions that they share.

use std::collections::{BTreeMap, BTreeSet};

use swc_core::ecma::ast::Pat;

use crate::facts::api_module::{ApiModule, Body, Function, param_id, refuse_at};
use crate::facts::effect::{Effect, Kind, Reply, Role, SetHeader};
use crate::flow::{self, Reading};
use crate::idioms::request::constant_lists;
use crate::outcome::Refusal;
use crate::reason::{Note, Reason};
use crate::specialise::{METHODS, MethodView, OTHER, mentioned};
use crate::syntax::Id;

/// Methods that run the same code.
pub struct Group<'a> {
    /// The methods, in the order of [`METHODS`].
    pub methods: Vec<String>,
    /// The handler as these methods see it.
    pub reading: Reading<'a>,
    /// Whether none of these methods is told apart by the handler.
    pub others: bool,
}

impl Group<'_> {
    /// Whether the group ends by answering 405.
    pub fn refuses(&self) -> bool {
        self.reading
            .effects
            .iter()
            .filter_map(reply)
            .next_back()
            .is_some_and(|reply| reply.status.and_then(crate::emit::reply::number) == Some(405))
    }
}

/// What an API file does.
pub struct Handler<'a> {
    /// The groups, in the order of their first methods.
    pub groups: Vec<Group<'a>>,
    /// Functions of the file that take the request or the response, callees before callers.
    pub carriers: Vec<(Id, Function<'a>, Reading<'a>)>,
    /// Differences for the route as a whole.
    pub notes: BTreeSet<Note>,
    /// Whether the handler answers every method alike.
    pub any_method: bool,
}

/// The roles of the parameters of a handler: the request and the response.
fn handler_roles(function: &Function) -> Vec<Option<Role>> {
    function
        .params
        .iter()
        .enumerate()
        .map(|(at, _)| match at {
            0 => Some(Role::Request),
            1 => Some(Role::Response),
            _ => None,
        })
        .collect()
}

/// What the handler keeps answering by itself, where Next.js would answer otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    /// Methods that the handler refuses.
    pub refused: bool,
    /// `OPTIONS`, because other headers would make a failing preflight pass.
    pub options: bool,
}

/// Reads the handler of a file for every method that it tells apart.
///
/// # Errors
/// The refusals for what cannot be followed.
pub fn read<'a>(module: &ApiModule<'a>, keep: Keep) -> Result<Handler<'a>, Vec<Refusal>> {
    let strict = keep.refused;
    let handler = &module.handler;
    if handler.params.len() > 2 {
        let range = handler.range.clone();
        return Err(vec![refuse_at(
            module.source,
            Reason::HandlerNotFunction,
            range,
            "more than two parameters",
        )]);
    }
    let roles = handler_roles(handler);
    let methods = told_apart(module, handler, &roles);
    let mut readings: Vec<(String, Reading<'a>)> = Vec::new();
    let mut notes = BTreeSet::new();
    let mut refusals = Vec::new();
    let others = flow::read(module, handler, &roles, &[OTHER.to_string()]);
    let fallback = fallback(module, &others);
    for method in &methods {
        let reading = flow::read(module, handler, &roles, std::slice::from_ref(method));
        refusals.extend(reading.refusals.iter().cloned());
        if reading.falls && reading.refusals.is_empty() {
            if !reading.replies {
                notes.insert(Note::UnansweredMethod);
                continue;
            }
            refusals.push(no_reply(module));
        }
        // A method that is told apart only to be refused is left to Next.js, too.
        if same_code(&reading, &others) && fallback.is_some() && !strict {
            continue;
        }
        readings.push((method.clone(), reading));
    }
    match fallback {
        Some(note) if !strict || note == Note::UnansweredMethod => {
            let mut keeps = |method: &str| {
                let reading = flow::read(module, handler, &roles, &[OTHER.to_string()]);
                readings.push((method.to_string(), reading));
            };
            notes.insert(note);
            if !methods.contains("OPTIONS") {
                if keep.options && note == Note::Auto405 {
                    keeps("OPTIONS");
                } else {
                    notes.insert(Note::AutoOptions);
                }
            }
            // Next.js would answer HEAD by running GET, with all that it does.
            if methods.contains("GET") && !methods.contains("HEAD") {
                if note == Note::Auto405 && writes(module) {
                    keeps("HEAD");
                } else {
                    notes.insert(Note::AutoHead);
                }
            }
        }
        _ => {
            refusals.extend(others.refusals.iter().cloned());
            if others.falls && others.refusals.is_empty() {
                refusals.push(no_reply(module));
            }
            for method in METHODS {
                // HEAD is answered through GET, which is the same unless GET is told apart.
                let needed = method != "HEAD" || methods.contains("GET");
                if needed && !methods.contains(method) {
                    let reading = flow::read(module, handler, &roles, &[OTHER.to_string()]);
                    readings.push((method.to_string(), reading));
                }
            }
        }
    }
    if !refusals.is_empty() {
        refusals.sort_by_key(|refusal| (refusal.place.clone(), refusal.reason));
        refusals.dedup();
        return Err(refusals);
    }
    if readings.is_empty() {
        return Err(vec![no_reply(module)]);
    }
    readings.sort_by_key(|(method, _)| METHODS.iter().position(|known| known == method));
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (method, reading) in readings {
        match groups
            .iter_mut()
            .find(|group| same_code(&group.reading, &reading))
        {
            Some(group) => {
                group.others &= !methods.contains(&method);
                group.methods.push(method);
            }
            None => groups.push(Group {
                others: !methods.contains(&method),
                methods: vec![method],
                reading,
            }),
        }
    }
    // Next.js answers HEAD by GET where it is not exported.
    for group in &mut groups {
        if group.methods.iter().any(|method| method == "GET") {
            group.methods.retain(|method| method != "HEAD");
        }
    }
    if groups.len() > 1 && duplicated_lines(module, &groups) > 15 {
        let mut all: Vec<String> = groups
            .iter()
            .flat_map(|group| group.methods.clone())
            .collect();
        all.sort_by_key(|method| METHODS.iter().position(|known| known == method));
        let reading = flow::read(module, handler, &roles, &all);
        if reading.refusals.is_empty() && !reading.falls {
            groups = vec![Group {
                methods: all,
                reading,
                others: false,
            }];
        }
    }
    groups.sort_by_key(|group| group.others);
    let carriers = carriers(module, &groups)?;
    Ok(Handler {
        any_method: methods.is_empty(),
        groups,
        carriers,
        notes,
    })
}

/// Whether a call in the file may change something, by the name of what is called.
fn writes(module: &ApiModule) -> bool {
    use swc_core::ecma::ast::{CallExpr, Callee, Expr, KeyValueProp};
    use swc_core::ecma::visit::{Visit, VisitWith};
    const VERBS: &[&str] = &[
        "cancel",
        "capture",
        "charge",
        "consume",
        "create",
        "decrement",
        "delete",
        "destroy",
        "dispatch",
        "emit",
        "enqueue",
        "exchange",
        "execute",
        "handle",
        "increment",
        "insert",
        "log",
        "mark",
        "notify",
        "process",
        "publish",
        "purge",
        "record",
        "redeem",
        "refund",
        "register",
        "remove",
        "reset",
        "revalidate",
        "revoke",
        "run",
        "save",
        "send",
        "store",
        "sync",
        "track",
        "trigger",
        "unsubscribe",
        "update",
        "upload",
        "upsert",
        "write",
    ];
    struct Writes(bool);
    impl Visit for Writes {
        fn visit_call_expr(&mut self, node: &CallExpr) {
            if let Callee::Expr(callee) = &node.callee {
                let (object, name) = match crate::syntax::member(callee) {
                    Some((Expr::Ident(object), name)) => (object.sym.to_string(), name),
                    Some((_, name)) => (String::new(), name),
                    None => match &**callee {
                        Expr::Ident(name) => (String::new(), name.sym.to_string()),
                        _ => Default::default(),
                    },
                };
                let name = name.to_ascii_lowercase();
                let own = matches!(
                    object.as_str(),
                    "res" | "response" | "console" | "logger" | "log" | "Buffer" | "crypto"
                );
                self.0 |= !own
                    && VERBS.iter().any(|verb| name.starts_with(verb))
                    && !name.starts_with("createclient");
            }
            node.visit_children_with(self);
        }
        fn visit_key_value_prop(&mut self, node: &KeyValueProp) {
            // `fetch(url, { method: 'POST' })`
            let method = crate::syntax::prop_name(&node.key).as_deref() == Some("method");
            self.0 |=
                method && crate::syntax::string(&node.value).is_some_and(|value| value != "GET");
            node.visit_children_with(self);
        }
    }
    let mut visitor = Writes(false);
    module.source.module.visit_with(&mut visitor);
    visitor.0
}

/// The methods that the handler and the functions it hands the request to compare with.
fn told_apart<'a>(
    module: &ApiModule<'a>,
    handler: &Function<'a>,
    roles: &[Option<Role>],
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut seen: BTreeSet<Id> = BTreeSet::new();
    let mut todo: Vec<(Function<'a>, Vec<Option<Role>>)> = vec![(handler.clone(), roles.to_vec())];
    while let Some((function, roles)) = todo.pop() {
        let reading = flow::read(module, &function, &roles, &[]);
        let req = function
            .params
            .iter()
            .zip(&roles)
            .find(|(_, role)| **role == Some(Role::Request))
            .and_then(|(pat, _)| param_id(pat));
        let view = MethodView {
            methods: Vec::new(),
            req,
            aliases: reading
                .method_variables
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            lists: constant_lists(module),
        };
        match function.body {
            Body::Block(stmts, _) => stmts
                .iter()
                .for_each(|stmt| mentioned(&view, stmt, &mut found)),
            Body::Expr(expr) => mentioned(&view, expr, &mut found),
        }
        for effect in &reading.effects {
            if let Kind::CallCarrier { callee, args, .. } = &effect.kind
                && seen.insert(callee.clone())
                && let Some(next) = module.functions.get(callee)
            {
                todo.push((next.clone(), args.iter().map(|arg| arg.role).collect()));
            }
        }
    }
    found
}

/// Whether two readings run the same code.
fn same_code(a: &Reading, b: &Reading) -> bool {
    a.dropped == b.dropped && a.unwrapped == b.unwrapped
}

/// What Next.js does by itself in place of the handler, when all that the handler does for
/// an unknown method is to refuse it, or nothing at all.
fn fallback(module: &ApiModule, others: &Reading) -> Option<Note> {
    if !others.refusals.is_empty() {
        return None;
    }
    // What a `catch` does counts for nothing where nothing is tried that could throw.
    let caught = |effect: &&Effect| {
        others
            .catches
            .iter()
            .any(|range| range.start <= effect.range.start && effect.range.end <= range.end)
    };
    let effects: Vec<&Effect> = others
        .effects
        .iter()
        .filter(|effect| !caught(effect))
        .collect();
    if effects.iter().any(|effect| calls(effect)) || works(module, others) {
        return None;
    }
    let mut answers = effects.iter().filter_map(|effect| reply(effect));
    let Some(only) = answers.next() else {
        return (others.falls && !others.replies).then_some(Note::UnansweredMethod);
    };
    let refuses = only.status.and_then(crate::emit::reply::number) == Some(405);
    // Headers that a caller could miss keep the handler's own answer.
    let plain = |header: &SetHeader| {
        ["allow", "content-type"]
            .iter()
            .any(|name| header.name.eq_ignore_ascii_case(name))
    };
    let bare = !only.carries && only.before.iter().chain(&only.own).all(plain);
    (refuses && bare && answers.next().is_none() && !others.falls).then_some(Note::Auto405)
}

fn reply<'e, 'a>(effect: &'e Effect<'a>) -> Option<&'e Reply<'a>> {
    match &effect.kind {
        Kind::Reply(reply) => Some(reply),
        _ => None,
    }
}

fn calls(effect: &Effect) -> bool {
    matches!(
        effect.kind,
        Kind::CallCarrier { .. }
            | Kind::Library(_)
            | Kind::ReadRawBody { .. }
            | Kind::Revalidate { .. }
            | Kind::DraftMode { .. }
            | Kind::ReplyChain { .. }
    )
}

/// Whether the code that an unknown method runs does anything but refuse: calls or awaits
/// outside what is dropped.
fn works(module: &ApiModule, others: &Reading) -> bool {
    use swc_core::ecma::ast::{AwaitExpr, CallExpr, Expr, NewExpr};
    use swc_core::ecma::visit::{Visit, VisitWith};
    struct Work<'w, 'a> {
        module: &'w ApiModule<'a>,
        others: &'w Reading<'a>,
        found: bool,
    }
    impl Work<'_, '_> {
        fn live(&self, range: &std::ops::Range<usize>) -> bool {
            let inside = |outer: &std::ops::Range<usize>| {
                outer.start <= range.start && range.end <= outer.end
            };
            let gone = self
                .others
                .dropped
                .iter()
                .chain(&self.others.folded)
                .chain(&self.others.catches);
            !gone.into_iter().any(inside)
                && !self
                    .others
                    .unwrapped
                    .iter()
                    .any(|(whole, kept, _)| inside(whole) && !inside(kept))
        }
    }
    impl Visit for Work<'_, '_> {
        fn visit_call_expr(&mut self, node: &CallExpr) {
            let range = self.module.source.range(node);
            if self.live(&range) {
                // The chain that answers, and logging, are no work.
                let text = &self.module.source.text[range];
                let answers = self.others.effects.iter().any(|effect| {
                    matches!(effect.kind, Kind::Reply(_) | Kind::Prepare { .. })
                        && effect.range.start <= self.module.source.range(node).start
                        && self.module.source.range(node).end <= effect.range.end
                });
                if !answers && !text.starts_with("console.") {
                    self.found = true;
                }
            }
            node.visit_children_with(self);
        }
        fn visit_await_expr(&mut self, node: &AwaitExpr) {
            if self.live(&self.module.source.range(node)) {
                self.found = true;
            }
        }
        fn visit_new_expr(&mut self, node: &NewExpr) {
            if self.live(&self.module.source.range(node)) {
                self.found = true;
            }
        }
        fn visit_expr(&mut self, node: &Expr) {
            node.visit_children_with(self);
        }
    }
    let mut work = Work {
        module,
        others,
        found: false,
    };
    match module.handler.body {
        Body::Block(stmts, _) => stmts.visit_with(&mut work),
        Body::Expr(expr) => expr.visit_with(&mut work),
    }
    work.found
}

fn no_reply(module: &ApiModule) -> Refusal {
    refuse_at(
        module.source,
        Reason::NoReply,
        module.handler.range.clone(),
        "",
    )
}

/// How many lines would stand more than once if each group got a function of its own.
fn duplicated_lines(module: &ApiModule, groups: &[Group]) -> usize {
    let Body::Block(_, (start, end)) = module.handler.body else {
        return 0;
    };
    let lines = |range: std::ops::Range<usize>| module.source.text[range].matches('\n').count();
    let total = lines(start..end);
    let each: usize = groups
        .iter()
        .map(|group| {
            let mut gone: Vec<std::ops::Range<usize>> = group.reading.dropped.clone();
            for (whole, kept, _) in &group.reading.unwrapped {
                gone.push(whole.start..kept.start);
                gone.push(kept.end..whole.end);
            }
            gone.sort_by_key(|range| range.start);
            let mut at = start;
            let mut removed = 0;
            for range in gone {
                let from = range.start.max(at);
                if range.end > from {
                    removed += lines(from..range.end);
                    at = range.end;
                }
            }
            total.saturating_sub(removed)
        })
        .sum();
    each.saturating_sub(total)
}

/// A call of a helper: its name, the roles of its arguments, and the methods that reach it.
type Call = (Id, Vec<Option<Role>>, Vec<String>);

/// Reads the functions that the groups hand the request or the response to, callees first.
fn carriers<'a>(
    module: &ApiModule<'a>,
    groups: &[Group<'a>],
) -> Result<Vec<(Id, Function<'a>, Reading<'a>)>, Vec<Refusal>> {
    let mut found: BTreeMap<Id, (Vec<Option<Role>>, BTreeSet<String>)> = BTreeMap::new();
    let mut todo: Vec<Call> = Vec::new();
    let mut refusals = Vec::new();
    let visit = |reading: &Reading<'a>, methods: &[String], todo: &mut Vec<Call>| {
        for effect in &reading.effects {
            if let Kind::CallCarrier { callee, args, .. } = &effect.kind {
                todo.push((
                    callee.clone(),
                    args.iter().map(|arg| arg.role).collect(),
                    methods.to_vec(),
                ));
            }
        }
    };
    for group in groups {
        visit(&group.reading, &group.methods, &mut todo);
    }
    let mut rounds = 0;
    while let Some((name, roles, methods)) = todo.pop() {
        rounds += 1;
        if rounds > 500 {
            return Err(vec![no_reply(module)]);
        }
        let entry = found
            .entry(name.clone())
            .or_insert_with(|| (roles.clone(), BTreeSet::new()));
        if entry.0 != roles {
            refusals.push(refuse_at(
                module.source,
                Reason::ResEscapes,
                module.functions[&name].range.clone(),
                "called in two ways",
            ));
            continue;
        }
        let before = entry.1.len();
        entry.1.extend(methods);
        if entry.1.len() == before && before > 0 {
            continue;
        }
        let methods: Vec<String> = entry.1.iter().cloned().collect();
        let reading = flow::read(module, &module.functions[&name], &roles, &methods);
        visit(&reading, &methods, &mut todo);
    }
    // Callees first; what is left in a round calls itself.
    let mut readings: BTreeMap<Id, Reading<'a>> = found
        .iter()
        .map(|(name, (roles, methods))| {
            let methods: Vec<String> = methods.iter().cloned().collect();
            (
                name.clone(),
                flow::read(module, &module.functions[name], roles, &methods),
            )
        })
        .collect();
    let mut out: Vec<(Id, Function<'a>, Reading<'a>)> = Vec::new();
    while !readings.is_empty() {
        let ready = readings.iter().find(|(_, reading)| {
            reading.effects.iter().all(|effect| match &effect.kind {
                Kind::CallCarrier { callee, .. } => !readings.contains_key(callee),
                _ => true,
            })
        });
        let Some(name) = ready.map(|(name, _)| name.clone()) else {
            let name = readings.keys().next().expect("not empty").clone();
            refusals.push(refuse_at(
                module.source,
                Reason::ResEscapes,
                module.functions[&name].range.clone(),
                "recursion",
            ));
            break;
        };
        let reading = readings.remove(&name).expect("just found");
        let function = module.functions[&name].clone();
        refusals.extend(reading.refusals.iter().cloned());
        let roles = &reading.roles;
        if roles.len() > function.params.len() {
            refusals.push(refuse_at(
                module.source,
                Reason::ResEscapes,
                function.range.clone(),
                "more arguments than parameters",
            ));
        }
        if function
            .params
            .iter()
            .any(|pat| matches!(pat, Pat::Rest(_)))
        {
            refusals.push(refuse_at(
                module.source,
                Reason::ResEscapes,
                function.range.clone(),
                "rest parameter",
            ));
        }
        if reading.replies && reading.falls && reading.refusals.is_empty() {
            refusals.push(refuse_at(
                module.source,
                Reason::ResEscapes,
                function.range.clone(),
                "answers on some paths only",
            ));
        }
        out.push((name, function, reading));
    }
    if refusals.is_empty() {
        Ok(out)
    } else {
        refusals.sort_by_key(|refusal| (refusal.place.clone(), refusal.reason));
        refusals.dedup();
        Err(refusals)
    }
}

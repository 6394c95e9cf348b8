//! What an API file does for each method. In: the outline of the file. Out: the groups of
//! methods that run the same code, with their readings, and the functions that they share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swc_core::ecma::ast::Pat;

use crate::facts::api_module::{ApiModule, Body, Function, param_id, refuse, refuse_at};
use crate::facts::effect::{Carrier, Effect, Kind, Replies, Reply, Role, SetHeader};
use crate::flow::{self, Reading};
use crate::idioms::request::constant_lists;
use crate::method_map;
use crate::modules::{Part, Shared, Wraps, added_headers, meet};
use crate::outcome::Refusal;
use crate::reason::{Note, Reason};
use crate::source::Source;
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
    /// Which of the calls that wrap the handler do something for these methods.
    pub wrappers: Vec<usize>,
    /// The function: the handler, or what a map of methods holds for these methods.
    pub function: Function<'a>,
}

impl Group<'_> {
    /// Whether the group ends by answering 405.
    pub fn refuses(&self) -> bool {
        self.reading
            .effects
            .iter()
            .filter_map(reply)
            .next_back()
            .is_some_and(|reply| reply.status.and_then(crate::syntax::number) == Some(405))
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
    /// What the calls that wrap the handler stand for, the outermost first.
    pub wrappers: Vec<Arc<Shared>>,
    /// Methods that they refuse, and that Next.js would answer otherwise than by 405.
    pub refused: Vec<String>,
    /// Methods that no function is there for, and that the calls around a map of methods answer.
    pub unmapped: Vec<String>,
    /// Whether methods that are told apart stay in one function, because they share much code.
    pub merged: bool,
}

/// The roles of the parameters of a handler: the request and the response.
pub fn handler_roles(function: &Function) -> Vec<Option<Role>> {
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
    /// Each method by itself, however much code that doubles.
    pub apart: bool,
}

/// Reads the handler of a file for every method that it tells apart.
///
/// # Errors
/// The refusals for what cannot be followed.
pub fn read<'a>(module: &ApiModule<'a>, keep: Keep) -> Result<Handler<'a>, Vec<Refusal>> {
    if let Some(map) = module.map() {
        return method_map::read(module, map, keep);
    }
    let strict = keep.refused;
    let handler = &module.handler;
    let wrappers = wrappers(module)?;
    if handler.params.len() > 2 && wrappers.is_empty() {
        let range = handler.range.clone();
        return Err(vec![refuse_at(
            module.source,
            Reason::HandlerNotFunction,
            range,
            "more than two parameters",
        )]);
    }
    let roles = handler_roles(handler);
    let mut methods = told_apart(module, handler, &roles);
    let around = |method: &str| Around::of(module, &wrappers, method);
    let around_others = around(OTHER);
    methods.extend(
        METHODS
            .iter()
            .filter(|method| !wrappers.is_empty() && around(method) != around_others)
            .map(|method| method.to_string()),
    );
    let mut readings: Vec<(String, Reading<'a>, Vec<usize>)> = Vec::new();
    let mut notes = BTreeSet::new();
    let mut refusals = Vec::new();
    let mut refused = Vec::new();
    // A wrapper's type of the handler wants an answer on every path.
    let bare = wrappers.is_empty() && module.wrapper.is_none();
    let may_fall = |reading: &Reading| reading.replies && !reading.gives && bare;
    let others = flow::read(module, handler, &roles, &[OTHER.to_string()]);
    let fallback = match (around_others.refuses, around_others.kept.is_empty()) {
        (true, _) => Some(Note::Auto405),
        (false, true) => fallback(module, handler, &others),
        (false, false) => None,
    };
    for method in &methods {
        let around = around(method);
        if around.refuses && fallback.is_some() && !strict {
            continue;
        }
        let reading = flow::read(module, handler, &roles, std::slice::from_ref(method));
        refusals.extend(reading.refusals.iter().cloned());
        if reading.falls && reading.refusals.is_empty() {
            // What stands around the handler may answer it.
            if !reading.replies && around.kept.is_empty() {
                notes.insert(Note::UnansweredMethod);
                continue;
            }
            if !may_fall(&reading) {
                refusals.push(no_reply(module));
            }
        }
        // A method that is told apart only to be refused is left to Next.js, too.
        let by_handler = fallback.is_some() && !around_others.refuses;
        if same_code(&reading, &others) && by_handler && !strict {
            continue;
        }
        readings.push((method.clone(), reading, around.kept));
    }
    match fallback {
        Some(note) if !strict || note == Note::UnansweredMethod => {
            let mut keeps = |method: &str| {
                if around_others.refuses {
                    return refused.push(method.to_string());
                }
                let reading = flow::read(module, handler, &roles, &[OTHER.to_string()]);
                let kept = around_others.kept.clone();
                readings.push((method.to_string(), reading, kept));
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
                if note == Note::Auto405 && around_others.refuses && writes(module) {
                    // It calls GET for it, and what stands around GET sees which method it is.
                    for (_, _, kept) in readings.iter_mut().filter(|(method, ..)| method == "GET") {
                        *kept = around_others.kept.clone();
                    }
                } else if note == Note::Auto405 && writes(module) {
                    keeps("HEAD");
                } else {
                    notes.insert(Note::AutoHead);
                }
            }
        }
        _ => {
            refusals.extend(others.refusals.iter().cloned());
            if others.falls && others.refusals.is_empty() && !may_fall(&others) {
                refusals.push(no_reply(module));
            }
            for method in METHODS {
                // HEAD is answered through GET, which is the same unless GET is told apart.
                let needed = method != "HEAD" || methods.contains("GET");
                if needed && !methods.contains(method) {
                    let reading = flow::read(module, handler, &roles, &[OTHER.to_string()]);
                    let kept = around_others.kept.clone();
                    readings.push((method.to_string(), reading, kept));
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
    readings.sort_by_key(|(method, ..)| METHODS.iter().position(|known| known == method));
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (method, reading, wrappers) in readings {
        match groups
            .iter_mut()
            .find(|group| same_code(&group.reading, &reading) && group.wrappers == wrappers)
        {
            Some(group) => {
                group.others &= !methods.contains(&method);
                group.methods.push(method);
            }
            None => groups.push(Group {
                others: !methods.contains(&method),
                methods: vec![method],
                reading,
                wrappers,
                function: handler.clone(),
            }),
        }
    }
    // Next.js answers HEAD by GET where it is not exported.
    for group in &mut groups {
        if group.methods.iter().any(|method| method == "GET") {
            group.methods.retain(|method| method != "HEAD");
        }
    }
    let mut merged = false;
    if groups.len() > 1 && !keep.apart && duplicated_lines(module, &groups) > 15 {
        let mut all: Vec<String> = groups
            .iter()
            .flat_map(|group| group.methods.clone())
            .collect();
        all.sort_by_key(|method| METHODS.iter().position(|known| known == method));
        let reading = flow::read(module, handler, &roles, &all);
        if reading.refusals.is_empty() && !reading.falls {
            merged = true;
            groups = vec![Group {
                methods: all,
                reading,
                others: false,
                wrappers: (0..wrappers.len()).collect(),
                function: handler.clone(),
            }];
        }
    }
    groups.sort_by_key(|group| group.others);
    if groups.iter().any(|group| group.reading.falls) {
        notes.insert(Note::UnansweredPath);
    }
    check_headers(module, &groups, &wrappers)?;
    let carriers = carriers(module, &groups)?;
    Ok(Handler {
        any_method: methods.is_empty(),
        groups,
        carriers,
        notes,
        wrappers,
        refused,
        unmapped: Vec::new(),
        merged,
    })
}

/// Refuses headers that the calls around a handler would lose, or might have set before it reads them.
pub fn check_headers(
    module: &ApiModule,
    groups: &[Group],
    wrappers: &[Arc<Shared>],
) -> Result<(), Vec<Refusal>> {
    let loses = |group: &&Group| {
        let mut kept = group.wrappers.iter().map(|at| &wrappers[*at]);
        group.reading.early_headers && kept.any(|shared| shared.answers_errors)
    };
    if let Some(group) = groups.iter().find(loses) {
        return Err(vec![refuse_at(
            module.source,
            Reason::HeaderInCallback,
            group.function.range.clone(),
            "set before an error that the function around it answers",
        )]);
    }
    // What a function further out has set is not there for one that reads headers, or adds to them.
    let hidden = |group: &&Group| {
        let kept: Vec<&Arc<Shared>> = group.wrappers.iter().map(|at| &wrappers[*at]).collect();
        let mut inner = kept.iter().enumerate();
        inner.any(|(at, shared)| {
            let mut outer = kept[..at].iter();
            outer.any(|outer| meet(&shared.adds, &outer.header_names))
        })
    };
    if let Some(group) = groups.iter().find(hidden) {
        return Err(vec![refuse_at(
            module.source,
            Reason::HeaderInCallback,
            group.function.range.clone(),
            "added to those of the function around it",
        )]);
    }
    // What a function around the handler has set is added only when the handler has answered.
    let adds = |group: &&Group| {
        let mut kept = group.wrappers.iter().map(|at| &wrappers[*at]);
        let added = added_headers(&group.reading);
        kept.any(|shared| meet(&added, &shared.header_names))
    };
    if let Some(group) = groups.iter().find(adds) {
        return Err(vec![refuse_at(
            module.source,
            Reason::HeaderInCallback,
            group.function.range.clone(),
            "added to those of the function around it",
        )]);
    }
    Ok(())
}

/// What the calls around a handler do for one method.
#[derive(PartialEq, Eq)]
pub struct Around {
    /// Which of them do something.
    kept: Vec<usize>,
    /// Whether one refuses the method before another does anything.
    pub refuses: bool,
}

impl Around {
    /// What they do for this method.
    pub fn of(module: &ApiModule, wrappers: &[Arc<Shared>], method: &str) -> Around {
        let mut around = Around {
            kept: Vec::new(),
            refuses: false,
        };
        let methods = [method.to_string()];
        for (at, (shared, call)) in wrappers.iter().zip(&module.wrappers).enumerate() {
            let wraps = module.follow.map_or(Wraps::Something, |follow| {
                follow.wraps(shared, call, &methods)
            });
            match wraps {
                Wraps::Nothing => {}
                Wraps::Refuses if around.kept.is_empty() => {
                    return Around {
                        kept: (0..wrappers.len()).collect(),
                        refuses: true,
                    };
                }
                Wraps::Refuses | Wraps::Something => around.kept.push(at),
            }
        }
        around
    }
}

/// What the calls around the handler stand for.
///
/// # Errors
/// The refusals for one that is not understood, or is given what it cannot take.
pub fn wrappers(module: &ApiModule) -> Result<Vec<Arc<Shared>>, Vec<Refusal>> {
    let mut found = Vec::new();
    let mut given: Vec<String> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for call in &module.wrappers {
        let refuse = || {
            let name = module.source.text_of(call.callee);
            vec![refuse(
                module.source,
                Reason::WrappedHandler,
                call.call,
                name,
            )]
        };
        let shared = module
            .follow
            .and_then(|follow| follow.wrapper(module, call.callee))
            .ok_or_else(refuse)?;
        if !shared.refusals.is_empty() {
            return Err(shared.refusals.clone());
        }
        let values = &shared.values;
        let odd = match values.puts.iter().find(|put| seen.contains(*put)) {
            // Where it does not, what was there before stays.
            Some(put) => Some(format!("may put req.{put} there anew")),
            None if given.starts_with(&values.takes) => None,
            None => {
                let reads = values.takes.join(", req.");
                Some(format!(
                    "reads req.{reads}, which nothing around it hands over"
                ))
            }
        };
        if let Some(odd) = odd {
            let detail = format!("{} {odd}", module.source.text_of(call.callee));
            let reason = Reason::UnknownReqMember;
            return Err(vec![self::refuse(module.source, reason, call.call, detail)]);
        }
        seen.extend(values.puts.iter().cloned());
        let passes = shared.wrapper.is_some_and(|wrapper| !wrapper.context);
        if !passes {
            given.clone_from(&values.gives);
        }
        let place = (call.args.len() - 1, call.handler);
        let wrapper = shared.wrapper.filter(|wrapper| wrapper.handler == place);
        let wrapper = wrapper.ok_or_else(refuse)?;
        let fits = match (&call.map, wrapper.map) {
            (Some(map), Some(from)) => method_map::fits(map, from) && call.call.type_args.is_none(),
            (None, Some(from)) => from.or_handler,
            (Some(_), None) => false,
            (None, None) => true,
        };
        if !fits {
            return Err(refuse());
        }
        found.push(shared);
    }
    Ok(found)
}

/// What a wrapper that was read for some methods does.
pub fn wraps(part: &Part) -> Wraps {
    let (module, function, reading) = (&part.module, &part.function, &part.reading);
    if !part.around().is_empty() {
        return Wraps::Something;
    }
    let calls = |effect: &Effect| matches!(effect.carrier(), Some((Carrier::Handler(_), _)));
    if !reading.effects.iter().any(calls) {
        return match fallback(module, function, reading) {
            Some(Note::Auto405) => Wraps::Refuses,
            _ => Wraps::Something,
        };
    }
    match sole_call(module.source, function, reading) {
        Some(Carrier::Handler(_)) => Wraps::Nothing,
        _ => Wraps::Something,
    }
}

/// The function that is handed everything, when a reading does nothing else.
pub fn sole_call<'r>(
    source: &Source,
    function: &Function,
    reading: &'r Reading,
) -> Option<&'r Carrier> {
    let Body::Block(_, (start, end)) = function.body else {
        return None;
    };
    let [only] = &reading
        .effects
        .iter()
        .filter(|effect| !matches!(effect.kind, Kind::DestructureRequest { .. }))
        .collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let Kind::CallCarrier {
        callee,
        args,
        form: Some(_),
        ..
    } = &only.kind
    else {
        return None;
    };
    if args.iter().any(|arg| arg.role.is_none()) {
        return None;
    }
    // Nothing else may be left of the body.
    let mut gone: Vec<std::ops::Range<usize>> = reading.dropped.clone();
    for (whole, kept, _) in &reading.unwrapped {
        gone.push(whole.start..kept.start);
        gone.push(kept.end..whole.end);
    }
    gone.extend(
        reading
            .method_variables
            .iter()
            .map(|(_, range)| range.clone()),
    );
    for effect in &reading.effects {
        if let Kind::DestructureRequest {
            statement,
            parts,
            nested,
        } = &effect.kind
            && nested.is_empty()
            && parts.iter().all(|(part, _)| part == "method")
        {
            gone.push(statement.clone());
        }
    }
    gone.push(only.range.clone());
    let inside = |comment: &&std::ops::Range<usize>| start < comment.start && comment.end < end;
    gone.extend(source.comments.iter().filter(inside).cloned());
    gone.sort_by_key(|range| range.start);
    let text = &source.text;
    let mut at = start + 1;
    let mut left = String::new();
    for range in gone {
        if range.start > at {
            left.push_str(&text[at..range.start]);
        }
        at = at.max(range.end);
    }
    left.push_str(&text[at.min(end - 1)..end - 1]);
    let left = left.replace("return", "").replace("await", "");
    left.chars()
        .all(|char| char.is_whitespace() || char == ';')
        .then_some(callee)
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
            inner: reading.requests.clone(),
            aliases: reading
                .method_variables
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            lists: constant_lists(module),
            ..Default::default()
        };
        match function.body {
            Body::Block(stmts, _) => stmts
                .iter()
                .for_each(|stmt| mentioned(&view, stmt, &mut found)),
            Body::Expr(expr) => mentioned(&view, expr, &mut found),
        }
        for effect in &reading.effects {
            if let Some((callee, args)) = effect.local_carrier()
                && seen.insert(callee.clone())
                && let Some(next) = effect.given().or(module.functions.get(callee))
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
fn fallback(module: &ApiModule, function: &Function, others: &Reading) -> Option<Note> {
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
    if effects.iter().any(|effect| calls(effect)) || works(module, function, others) {
        return None;
    }
    let mut answers = effects.iter().filter_map(|effect| reply(effect));
    let Some(only) = answers.next() else {
        return (others.falls && !others.replies).then_some(Note::UnansweredMethod);
    };
    let refuses = only.status.and_then(crate::syntax::number) == Some(405);
    // Headers that a caller could miss keep the handler's own answer.
    let plain = |header: &SetHeader| {
        ["allow", "content-type"]
            .iter()
            .any(|name| header.name.eq_ignore_ascii_case(name))
    };
    let bare = !only.carries && only.before.iter().chain(&only.own).all(plain);
    (refuses && bare && answers.next().is_none() && !others.falls_untried).then_some(Note::Auto405)
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
            | Kind::Guard { .. }
            | Kind::Library(_)
            | Kind::ReadRawBody { .. }
            | Kind::Revalidate { .. }
            | Kind::DraftMode { .. }
            | Kind::ReplyChain { .. }
            | Kind::ReplyCallback { .. }
            | Kind::ReplyPromise { .. }
    )
}

/// Whether the code that an unknown method runs does anything but refuse: calls or awaits
/// outside what is dropped.
fn works(module: &ApiModule, function: &Function, others: &Reading) -> bool {
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
            let takes = self.module.takes.as_ref();
            if !takes.is_some_and(|takes| takes.spells(node)) {
                node.visit_children_with(self);
            }
        }
    }
    let mut work = Work {
        module,
        others,
        found: false,
    };
    match function.body {
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

/// The helpers that a function calls when these methods reach it; `functions` takes them by name.
fn calls_of<'a>(
    module: &ApiModule<'a>,
    reading: &Reading<'a>,
    methods: &[String],
    functions: &mut BTreeMap<Id, Function<'a>>,
) -> Vec<Call> {
    let mut calls = Vec::new();
    for effect in &reading.effects {
        let Some((callee, args)) = effect.local_carrier() else {
            continue;
        };
        let Some(function) = effect.given().or(module.functions.get(callee)) else {
            continue;
        };
        functions.insert(callee.clone(), function.clone());
        let only = match &effect.kind {
            Kind::Hand(hand) => hand.method.clone(),
            _ => None,
        };
        let methods = only.map_or_else(|| methods.to_vec(), |method| vec![method]);
        let roles = args.iter().map(|arg| arg.role).collect();
        calls.push((callee.clone(), roles, methods));
    }
    calls
}

/// Reads the functions that the groups hand the request or the response to, callees first.
///
/// # Errors
/// The refusals for what cannot be followed.
pub fn carriers<'a>(
    module: &ApiModule<'a>,
    groups: &[Group<'a>],
) -> Result<Vec<(Id, Function<'a>, Reading<'a>)>, Vec<Refusal>> {
    let mut found: BTreeMap<Id, (Vec<Option<Role>>, BTreeSet<String>)> = BTreeMap::new();
    let mut todo: Vec<Call> = Vec::new();
    let mut refusals = Vec::new();
    let mut functions: BTreeMap<Id, Function<'a>> = BTreeMap::new();
    for group in groups {
        let (reading, methods) = (&group.reading, &group.methods);
        todo.extend(calls_of(module, reading, methods, &mut functions));
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
                functions[&name].range.clone(),
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
        let reading = flow::read(module, &functions[&name], &roles, &methods);
        todo.extend(calls_of(module, &reading, &methods, &mut functions));
    }
    // Callees first; what is left in a round calls itself.
    let mut readings: BTreeMap<Id, Reading<'a>> = found
        .iter()
        .map(|(name, (roles, methods))| {
            let methods: Vec<String> = methods.iter().cloned().collect();
            (
                name.clone(),
                flow::read(module, &functions[name], roles, &methods),
            )
        })
        .collect();
    let mut out: Vec<(Id, Function<'a>, Reading<'a>)> = Vec::new();
    while !readings.is_empty() {
        let ready = readings.iter().find(|(_, reading)| {
            reading.effects.iter().all(|effect| {
                effect
                    .local_carrier()
                    .is_none_or(|(callee, _)| !readings.contains_key(callee))
            })
        });
        let Some(name) = ready.map(|(name, _)| name.clone()) else {
            let name = readings.keys().next().expect("not empty").clone();
            refusals.push(refuse_at(
                module.source,
                Reason::ResEscapes,
                functions[&name].range.clone(),
                "recursion",
            ));
            break;
        };
        let reading = readings.remove(&name).expect("just found");
        let function = functions[&name].clone();
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
        let leaks = reading.replies() != Replies::Always && (reading.leaks || reading.leaks_status);
        if (leaks || reading.reads_headers) && reading.refusals.is_empty() {
            refusals.push(refuse_at(
                module.source,
                Reason::HeaderInCallback,
                function.range.clone(),
                "set by a helper that gives back control",
            ));
        }
        out.push((name, function, reading));
    }
    let of_groups = groups.iter().map(|group| &group.reading);
    let readings = of_groups.chain(out.iter().map(|(_, _, reading)| reading));
    refusals.extend(used_otherwise(module, readings));
    if refusals.is_empty() {
        Ok(out)
    } else {
        refusals.sort_by_key(|refusal| (refusal.place.clone(), refusal.reason));
        refusals.dedup();
        Err(refusals)
    }
}

/// Refuses a function that another is given by its name, and that something else uses without
/// calling it: its web form takes other arguments.
fn used_otherwise<'r, 'a: 'r>(
    module: &ApiModule,
    readings: impl Iterator<Item = &'r Reading<'a>>,
) -> Vec<Refusal> {
    let mut seen: BTreeMap<&Id, BTreeSet<usize>> = BTreeMap::new();
    let mut given: BTreeMap<&Id, &Function> = BTreeMap::new();
    for effect in readings.flat_map(|reading| &reading.effects) {
        let Some((callee, _)) = effect.local_carrier() else {
            continue;
        };
        seen.entry(callee).or_default().insert(effect.range.start);
        let function = effect.given().filter(|_| !flow::stands_inline(callee));
        given.extend(function.map(|function| (callee, function)));
    }
    let odd = given.into_iter().filter(|(name, _)| {
        let known = seen.get(name).map_or(0, BTreeSet::len);
        module.uses(name) > known
    });
    odd.map(|(name, function)| {
        let range = function.range.clone();
        refuse_at(module.source, Reason::ResEscapes, range, name.0.to_string())
    })
    .collect()
}

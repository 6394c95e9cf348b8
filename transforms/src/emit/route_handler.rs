//! Writes a `route.ts`. In: what the API file does for each method. Out: the whole new
//! text, what it imports from the generated module, and its notes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::action_carrier::shows_in_action;
use super::call_site::Contract;
use super::carrier::{
    ActionMode, Bodies, Context, Data, Helper, Lowered, Needs, lower, param_name,
};
use super::given::gives_body;
use super::imports::Imports;
use super::layout;
use super::server_action::{calls_others, can_throw};
use super::shared_module::promised;
use super::style::{Style, line_start, template_ranges};
use super::web_native::{after_imports, free_name};
use crate::edit::{Edits, Overlap};
use crate::facts::api_module::{
    ApiModule, Body, Config, Form, Function, WrapperCall, entries, refuse, refuse_at,
};
use crate::facts::effect::{Carrier, Effect, Kind, Role};
use crate::facts::in_action::InAction;
use crate::facts::method_map::MethodMap;
use crate::facts::route::{Route, SlugKind};
use crate::flow::{Reading, stands_inline};
use crate::handler::{Group, Handler, sole_call};
use crate::modules::{Key, Shared};
use crate::next_version::{Feature, NextVersion};
use crate::outcome::Refusal;
use crate::reason::{Note, Reason};
use crate::request_types;
use crate::source::Source;
use crate::specialise::METHODS;
use crate::surroundings::is_relative;
use crate::syntax::{Id, Names, bare, string};

/// What the emitter is told about the route and its surroundings.
pub struct Surroundings<'s> {
    /// The route.
    pub route: &'s Route,
    /// The Next.js version.
    pub next: NextVersion,
    /// Whether Cache Components are on.
    pub cache_components: bool,
    /// The pages of the app.
    pub pages: &'s crate::revalidation::Pages,
    /// How the new file imports the generated module.
    pub helper_specifier: String,
    /// The new text of a relative specifier, seen from the new place.
    pub rebase: &'s dyn Fn(&str) -> String,
    /// The methods to write; all when `None`.
    pub methods: Option<BTreeSet<String>>,
    /// What is written for each method when Server Actions are, instead of route handlers.
    pub actions: Option<BTreeMap<String, ActionMode>>,
    /// The names of the web forms of shared functions that keep their old form.
    pub names: &'s crate::shared_forms::Names,
}

/// The parameters of actions, by method: path parameters, and whether the body is taken.
pub type Params = BTreeMap<String, (Vec<String>, bool)>;

/// A written route file, or file of actions.
#[derive(Debug, Clone)]
pub struct RouteFile {
    /// The text.
    pub text: String,
    /// The exported methods.
    pub methods: Vec<String>,
    /// The style of the file.
    pub style: Style,
    /// The parameters of the actions, by method: path parameters, and whether the body is taken.
    pub params: Params,
    /// Helpers that it imports.
    pub helpers: BTreeSet<Helper>,
    /// Differences by method; those under `*` are the route's.
    pub notes: BTreeMap<String, BTreeSet<Note>>,
    /// The shared functions that it calls.
    pub shared: BTreeSet<Key>,
}

/// Settings of `export const config` that live on as exports of their own.
pub(super) struct Segment {
    pub(super) lines: Vec<String>,
    edge: bool,
    no_parser: bool,
}

/// Writes the route file.
///
/// # Errors
/// The refusals for what has no faithful form.
pub fn write<'a>(
    module: &ApiModule<'a>,
    handler: &Handler<'a>,
    around: &Surroundings,
) -> Result<RouteFile, Vec<Refusal>> {
    let source = module.source;
    let style = Style::of(source);
    let templates = template_ranges(source);
    let mut refusals = Vec::new();
    let segment = segment(source, module.config.as_ref(), &style).unwrap_or_else(|refusal| {
        refusals.push(refusal);
        Segment {
            lines: Vec::new(),
            edge: false,
            no_parser: false,
        }
    });
    let mut carriers: BTreeMap<Id, Needs> = BTreeMap::new();
    let mut file = File {
        module,
        style: &style,
        around,
        edits: Edits::default(),
        imports: Imports::default(),
        helpers: BTreeSet::new(),
        shared: BTreeSet::new(),
        notes: BTreeMap::new(),
        kept: Vec::new(),
        gone: Vec::new(),
        specifiers: relative_specifiers(module.source, around.rebase),
        respelled: BTreeMap::new(),
    };
    let included = |group: &&Group| {
        around
            .methods
            .as_ref()
            .is_none_or(|methods| group.methods.iter().any(|method| methods.contains(method)))
    };
    let selected: Vec<&Group<'a>> = handler.groups.iter().filter(included).collect();
    let reached = reached(handler, &selected);
    let mut lowered_carriers = Vec::new();
    for (name, function, reading) in handler
        .carriers
        .iter()
        .filter(|(name, ..)| reached.contains(name))
    {
        // One that a method is handed to whole becomes the action; others answer as in a route file.
        let mode = selected
            .iter()
            .find(|group| file.delegates_to(group).as_ref() == Some(name))
            .and_then(|group| file.mode(&group.methods));
        let writing = Writing {
            function,
            reading,
            mode,
            delegates: false,
        };
        match file.lower(&templates, &carriers, &writing) {
            Ok(lowered) => {
                carriers.insert(name.clone(), lowered.needs.clone());
                lowered_carriers.push((name, function, reading, lowered));
            }
            Err(found) => refusals.extend(found),
        }
    }
    let mut groups: Vec<(&Group<'a>, Lowered)> = Vec::new();
    for group in selected {
        let writing = Writing {
            function: &group.function,
            reading: &group.reading,
            mode: file.mode(&group.methods),
            delegates: file.delegates_to(group).is_some(),
        };
        match file.lower(&templates, &carriers, &writing) {
            Ok(lowered) => groups.push((group, lowered)),
            Err(found) => refusals.extend(found),
        }
    }
    let reads = || {
        let groups = handler.groups.iter().map(|group| &group.reading);
        let carriers = handler.carriers.iter().map(|(_, _, reading)| reading);
        groups.chain(carriers).flat_map(|reading| &reading.effects)
    };
    if segment.no_parser {
        for effect in reads() {
            if matches!(effect.kind, Kind::ReadBody { .. }) {
                refusals.push(refuse_at(
                    source,
                    Reason::RawBody,
                    effect.range.clone(),
                    "req.body is undefined without a body parser",
                ));
            }
        }
    } else {
        let streams = |effect: &&Effect| match (&effect.kind, effect.carrier()) {
            (Kind::Library(call), _) => call.streams,
            (_, Some((Carrier::Shared(shared), _))) => {
                shared.helpers.contains(&Helper::NodeRequest)
            }
            _ => false,
        };
        for effect in reads().filter(streams) {
            refusals.push(refuse_at(
                source,
                Reason::RawBody,
                effect.range.clone(),
                "the body parser has read it before",
            ));
        }
    }
    refusals.extend(doubly_set_cookies(source, handler));
    refusals.extend(unwrappable(module, around));
    if let Some(actions) = &around.actions {
        for (group, _) in &groups {
            let mode = group.methods.iter().find_map(|method| actions.get(method));
            let mut wrappers = group.wrappers.iter();
            refusals.extend(mode.and_then(|mode| {
                wrappers.find_map(|at| {
                    let callee = module.wrappers[*at].callee;
                    let why = match makes_arguments(&module.wrappers[*at]) {
                        false => file.unfit_wrapper(&handler.wrappers[*at], mode)?,
                        true => "is given what is made once".to_string(),
                    };
                    let why = format!("is wrapped by {}, which {why}", source.text_of(callee));
                    Some(refuse(source, Reason::ReqEscapes, callee, why))
                })
            }));
        }
    }
    if !refusals.is_empty() {
        refusals.sort_by_key(|refusal| (refusal.place.clone(), refusal.reason));
        refusals.dedup();
        return Err(refusals);
    }
    file.check(&groups, &lowered_carriers)?;
    let carriers = file.place_given(&mut groups, lowered_carriers)?;
    file.write(handler, groups, carriers, segment)
}

/// Refuses a library around the handler that does not hold for this Next.js version, or for a
/// Server Action, which has no request that it could look at.
fn unwrappable(module: &ApiModule, around: &Surroundings) -> Option<Refusal> {
    let wrapper = module.wrapper.as_ref()?;
    let at = wrapper.callee.clone();
    if around.actions.is_some() {
        let name = &module.source.text[at.clone()];
        return Some(refuse_at(module.source, Reason::ReqEscapes, at, name));
    }
    let (feature, why) = wrapper.wrapping.wants.as_ref()?;
    (!around.next.has(*feature))
        .then(|| refuse_at(module.source, Reason::UnsupportedLibrary, at, why))
}

/// Refuses a library that sets cookies beside a `Set-Cookie` of the handler's own: pages had one
/// header for both, of which the later took the place of the earlier.
fn doubly_set_cookies(source: &Source, handler: &Handler) -> Vec<Refusal> {
    let readings = || {
        let groups = handler.groups.iter().map(|group| &group.reading);
        groups.chain(handler.carriers.iter().map(|(_, _, reading)| reading))
    };
    let effects = || readings().flat_map(|reading| &reading.effects);
    let by_itself = effects().any(|effect| {
        let headers = match &effect.kind {
            Kind::Prepare { headers, .. } => headers,
            Kind::Reply(reply) => &reply.own,
            _ => return false,
        };
        headers
            .iter()
            .any(|header| header.name.eq_ignore_ascii_case("set-cookie"))
    });
    let by_library =
        effects().filter(|effect| matches!(&effect.kind, Kind::Library(call) if call.sets_cookies));
    by_library
        .filter(|_| by_itself)
        .map(|effect| {
            let why = "sets cookies beside a Set-Cookie header of the handler";
            refuse_at(
                source,
                Reason::UnsupportedLibrary,
                effect.range.clone(),
                why,
            )
        })
        .collect()
}

/// The functions that some groups hand the request or the response to.
pub fn reached(handler: &Handler, groups: &[&Group]) -> BTreeSet<Id> {
    let callees = |reading: &Reading| -> Vec<Id> {
        let calls = reading.effects.iter().filter_map(Effect::local_carrier);
        calls.map(|(callee, _)| callee.clone()).collect()
    };
    let mut found = BTreeSet::new();
    let mut todo: Vec<Id> = groups
        .iter()
        .flat_map(|group| callees(&group.reading))
        .collect();
    while let Some(name) = todo.pop() {
        if found.insert(name.clone())
            && let Some((_, _, reading)) =
                handler.carriers.iter().find(|(known, ..)| *known == name)
        {
            todo.extend(callees(reading));
        }
    }
    found
}

/// A function that takes the request or the response, with its web form.
pub(super) type Written<'w, 'a> = (&'w Id, &'w Function<'a>, &'w Reading<'a>, Lowered);

/// The calls around the handler that do something for a group, with what they stand for.
fn kept_wrappers<'k, 'a>(
    module: &'k ApiModule<'a>,
    handler: &'k Handler<'a>,
    group: &Group<'a>,
) -> Vec<(&'k WrapperCall<'a>, &'k Arc<Shared>)> {
    let kept = group.wrappers.iter();
    kept.map(|at| (&module.wrappers[*at], &handler.wrappers[*at]))
        .collect()
}

/// Whether a wrapper is given something that is made once for all requests, beside the handler.
fn makes_arguments(call: &WrapperCall) -> bool {
    let last = call.args.len() - 1;
    let lists = call.args.iter().enumerate();
    let mut beside = lists.flat_map(|(list, args)| {
        let args = args.iter().enumerate();
        args.filter(move |(at, _)| list != last || *at != call.handler)
    });
    beside.any(|(_, arg)| makes(&arg.expr))
}

/// Whether an expression makes something, as a call does, or an object that holds what a call makes.
fn makes(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Lit(_) | Expr::Ident(_) | Expr::Member(_) | Expr::Arrow(_) | Expr::Fn(_) => false,
        Expr::Object(object) => object.props.iter().any(|prop| match prop {
            PropOrSpread::Prop(prop) => match &**prop {
                Prop::KeyValue(pair) => makes(&pair.value),
                _ => false,
            },
            PropOrSpread::Spread(_) => true,
        }),
        Expr::Array(array) => array.elems.iter().flatten().any(|item| makes(&item.expr)),
        Expr::Bin(binary) => makes(&binary.left) || makes(&binary.right),
        Expr::Unary(unary) => makes(&unary.arg),
        _ => true,
    }
}

/// A function that is written.
struct Writing<'w, 'a> {
    function: &'w Function<'a>,
    reading: &'w Reading<'a>,
    /// What it gives and takes as a Server Action.
    mode: Option<&'w ActionMode>,
    /// Whether it hands everything to one function of the file.
    delegates: bool,
}

/// How a function is written.
pub(super) enum Shape<'s> {
    /// By itself, as what is exported or called.
    Declared {
        /// Its name.
        name: &'s str,
        /// Whether it is exported.
        exported: bool,
    },
    /// By itself, to be wrapped elsewhere.
    Apart {
        /// Its name.
        name: &'s str,
    },
    /// As the argument of what wraps it.
    Inline,
    /// As a value of a map that stands by itself, so that its parameters say their types.
    Value,
    /// As a method of a map.
    Method {
        /// Its key as written.
        key: &'s str,
        /// Whether its parameters say their types.
        typed: bool,
    },
}

pub(super) struct File<'f, 'a> {
    pub(super) module: &'f ApiModule<'a>,
    pub(super) style: &'f Style,
    pub(super) around: &'f Surroundings<'f>,
    pub(super) edits: Edits,
    imports: Imports,
    helpers: BTreeSet<Helper>,
    pub(super) shared: BTreeSet<Key>,
    pub(super) notes: BTreeMap<String, BTreeSet<Note>>,
    pub(super) kept: Vec<Range<usize>>,
    /// Code outside the functions that goes.
    pub(super) gone: Vec<Range<usize>>,
    /// Relative specifiers with their new texts.
    specifiers: Vec<(Range<usize>, String)>,
    /// Modules that are imported by another specifier.
    respelled: BTreeMap<String, &'static str>,
}

impl<'a> File<'_, 'a> {
    fn lower(
        &self,
        templates: &[Range<usize>],
        carriers: &BTreeMap<Id, Needs>,
        writing: &Writing<'_, 'a>,
    ) -> Result<Lowered, Vec<Refusal>> {
        let &Writing {
            function,
            reading,
            mode,
            delegates,
        } = writing;
        let ctx = Context {
            pages: self.around.pages,
            module: self.module,
            source: self.module.source,
            style: self.style,
            route: self.around.route,
            next: self.around.next,
            templates,
            carriers,
            names: self.around.names,
            action: mode,
            delegates,
            context: None,
            takes_headers: false,
            hands_headers: false,
            unwrapped: RefCell::new(Vec::new()),
            promised: RefCell::default(),
            tried: self.tried(function, mode) || mode.is_some_and(|mode| mode.wrapped),
        };
        let mut lowered = lower(&ctx, function, reading)?;
        let source = self.module.source;
        let method = uses_beyond(function, reading, source, &lowered.dropped);
        if mode.is_some() && method {
            let (at, why) = (function.range.clone(), "looks at the method");
            return Err(vec![refuse_at(source, Reason::ReqEscapes, at, why)]);
        }
        if mode.is_some() {
            lowered.needs.notes.retain(shows_in_action);
        }
        lowered.needs.in_action = InAction::of(reading, method);
        Ok(lowered)
    }

    /// What the action of the first of these methods gives and takes, that becomes one.
    fn mode(&self, methods: &[String]) -> Option<&ActionMode> {
        let modes = self.around.actions.as_ref()?;
        methods.iter().find_map(|method| modes.get(method))
    }

    /// Whether an action needs a `try` of its own, because callers saw 500 where the handler threw.
    fn tried(&self, function: &Function, mode: Option<&ActionMode>) -> bool {
        mode.is_some_and(|mode| mode.contract != Contract::Data && !mode.wrapped && !mode.rejects)
            && !caught(self.module.source, function, true)
            && can_throw(self.module.source, function)
    }

    fn write(
        mut self,
        handler: &Handler<'a>,
        groups: Vec<(&Group<'a>, Lowered)>,
        carriers: Vec<Written<'_, 'a>>,
        segment: Segment,
    ) -> Result<RouteFile, Vec<Refusal>> {
        let source = self.module.source;
        let function = &self.module.handler;
        if let Some(map) = self.module.map() {
            return super::method_map::write(self, map, handler, groups, carriers, segment);
        }
        let mut methods: Vec<String> = groups
            .iter()
            .flat_map(|(group, _)| group.methods.clone())
            .collect();
        methods.sort_by_key(|method| METHODS.iter().position(|known| known == method));
        // `case 'GET': return handleGet(req, res)`: the helper becomes the exported function.
        let mut promoted: BTreeMap<Id, String> = BTreeMap::new();
        for (group, _) in &groups {
            if let ([method], Some(callee)) = (&group.methods[..], self.delegates_to(group)) {
                let uses = Names::of(source, &source.module)
                    .all
                    .iter()
                    .filter(|(name, _)| *name == callee)
                    .count();
                let own = carriers.iter().find(|(name, ..)| **name == callee);
                if uses == 2
                    && own.is_some_and(|(_, function, reading, _)| promotable(function, reading))
                {
                    promoted.insert(callee, method.clone());
                }
            }
        }
        if self.around.actions.is_some() {
            let hands_on = groups.iter().find(|(group, _)| {
                let callee = self.delegates_to(group);
                callee.is_some_and(|callee| !promoted.contains_key(&callee))
            });
            if hands_on.is_some() {
                return Err(vec![refuse_at(
                    source,
                    Reason::ReqEscapes,
                    function.range.clone(),
                    "hands the request to a helper",
                )]);
            }
        }
        let mut params: Params = BTreeMap::new();
        let mut texts: Vec<String> = Vec::new();
        let mut wrapped_exports: Vec<String> = Vec::new();
        let mut aliases: Vec<(String, String)> = Vec::new();
        for (group, lowered) in &groups {
            if self
                .delegates_to(group)
                .is_some_and(|callee| promoted.contains_key(&callee))
            {
                continue;
            }
            self.keep(function, lowered);
            if let Some(mode) = self.mode(&group.methods).cloned() {
                texts.push(match mode.wrapped {
                    true => self.wrapped_action(handler, group, lowered, &mode)?,
                    false => self.action(function, lowered, &mode)?,
                });
                params.insert(mode.method.clone(), self.action_params(lowered));
                self.collect(lowered, &group.methods);
                continue;
            }
            let single = &group.methods[0];
            let named = |name: &str| {
                let mut known = self
                    .module
                    .functions
                    .keys()
                    .chain(self.module.imports.keys());
                known.any(|(known, _)| **known == *name)
            };
            let own_name = match &function.name {
                Some(name) if !METHODS.contains(&&*name.0) => name.0.to_string(),
                // Another function of the file may have the name.
                _ if named("handler") => free_name(source, &["route", "routeHandler"]),
                _ => "handler".to_string(),
            };
            // One function for several methods keeps its name; so does one that only refuses.
            let name = if groups.len() == 1 && group.methods.len() > 1 {
                own_name
            } else if group.others && group.methods.len() > 1 {
                if group.refuses() {
                    "methodNotAllowed".to_string()
                } else {
                    own_name
                }
            } else {
                single.clone()
            };
            let exported = name == *single;
            for method in group.methods.iter().filter(|method| **method != name) {
                aliases.push((name.clone(), method.clone()));
            }
            let shape = Shape::Declared {
                name: &name,
                exported,
            };
            let kept = kept_wrappers(self.module, handler, group);
            let text = if kept.is_empty() {
                self.function(function, &group.reading, lowered, &shape)?
            } else {
                // A handler that stands by itself stays so, when one function does for all.
                let apart = function.name.is_some() && groups.len() == 1;
                let (inner, name) = if apart {
                    let own = function.name.as_ref().map(|name| name.0.to_string());
                    let own = own.unwrap_or_default();
                    let shape = Shape::Apart { name: &own };
                    texts.push(self.function(function, &group.reading, lowered, &shape)?);
                    let name = match exported {
                        true => name.clone(),
                        false => free_name(source, &["route", "wrapped", "wrappedHandler"]),
                    };
                    aliases
                        .iter_mut()
                        .filter(|(alias, _)| *alias == own)
                        .for_each(|(alias, _)| *alias = name.clone());
                    (own, name)
                } else {
                    let inner = self.function(function, &group.reading, lowered, &Shape::Inline)?;
                    (inner, name.clone())
                };
                let export = if exported { "export " } else { "" };
                let call = self.wrap(&kept, inner);
                for (method, (_, shared)) in group
                    .methods
                    .iter()
                    .flat_map(|method| kept.iter().map(move |kept| (method, kept)))
                {
                    let notes = self.notes.entry(method.clone()).or_default();
                    notes.extend(shared.notes.iter().copied());
                }
                let text = format!("{export}const {name} = {call}{}", self.style.semi);
                if apart {
                    wrapped_exports.push(text);
                    self.collect(lowered, &group.methods);
                    continue;
                }
                text
            };
            texts.push(text);
            self.collect(lowered, &group.methods);
        }
        for (name, carrier, reading, lowered) in &carriers {
            self.keep(carrier, lowered);
            let (written_name, exported) = match promoted.get(*name) {
                Some(method) => (method.clone(), true),
                None => (name.0.to_string(), false),
            };
            let modes = self.around.actions.as_ref();
            let mode = promoted
                .get(*name)
                .and_then(|method| modes?.get(method).cloned());
            let text = match mode {
                Some(mode) => {
                    params.insert(mode.method.clone(), self.action_params(lowered));
                    self.action(carrier, lowered, &mode)?
                }
                None => {
                    let name = &written_name;
                    let shape = Shape::Declared { name, exported };
                    self.function(carrier, reading, lowered, &shape)?
                }
            };
            self.edits.replace(carrier.statement.clone(), text);
            let methods: Vec<String> = match promoted.get(*name) {
                Some(method) => vec![method.clone()],
                None => methods.clone(),
            };
            self.collect(lowered, &methods);
        }
        let left_out: Vec<Range<usize>> = handler
            .carriers
            .iter()
            .filter(|(name, ..)| !carriers.iter().any(|(known, ..)| *known == name))
            .filter(|(name, ..)| !stands_inline(name))
            .map(|(_, carrier, _)| carrier.statement.clone())
            .collect();
        for statement in left_out {
            self.delete_lines(statement);
        }
        if self.around.actions.is_none() {
            for method in &handler.refused {
                let (indent, semi) = (&self.style.indent, self.style.semi);
                texts.push(format!(
                    "export function {method}() {{\n{indent}return new NextResponse(null, {{ status: 405 }}){semi}\n}}"
                ));
                self.imports.value("next/server", "NextResponse");
                methods.push(method.clone());
            }
        }
        for call in &self.module.wrappers {
            let own = [
                Some(&function.statement),
                self.module.default_export.as_ref(),
            ];
            if !own.contains(&Some(&call.statement)) {
                self.delete_lines(call.statement.clone());
            }
        }
        self.place_handler(texts, wrapped_exports, aliases, function);
        let mut written = vec![function.statement.clone()];
        let carried = handler.carriers.iter();
        written.extend(carried.map(|(_, function, _)| function.statement.clone()));
        let mut gone = written.clone();
        gone.extend(self.module.default_export.clone());
        self.finish(
            handler,
            &groups,
            (methods, params),
            segment,
            (written, gone),
        )
    }

    /// Refuses what no function of the file shows by itself.
    fn check(
        &self,
        groups: &[(&Group<'a>, Lowered)],
        carriers: &[Written<'_, 'a>],
    ) -> Result<(), Vec<Refusal>> {
        let source = self.module.source;
        let gets = |(group, _): &(&Group, Lowered)| group.methods.iter().any(|of| of == "GET");
        if self.around.cache_components
            && groups.iter().any(gets)
            && !groups.iter().any(|(_, lowered)| lowered.needs.request)
        {
            return Err(vec![refuse_at(
                source,
                Reason::CacheComponents,
                self.module.handler.range.clone(),
                "",
            )]);
        }
        // Two functions of one path may not both read the body.
        let of_groups = groups
            .iter()
            .map(|(group, _)| (&group.function, &group.reading));
        let helpers = carriers
            .iter()
            .map(|(_, function, reading, _)| (*function, *reading));
        for (function, reading) in of_groups.chain(helpers) {
            let effects = || reading.effects.iter();
            let mut reads = effects().filter(|effect| reads_body(&effect.kind));
            let given = gives_body(reading, carriers, false);
            let calls = reading
                .effects
                .iter()
                .filter(|effect| !matches!(effect.kind, Kind::Hand(_)))
                .filter(|effect| match effect.carrier() {
                    Some((Carrier::Local(callee), _)) => carriers
                        .iter()
                        .any(|(name, _, _, lowered)| *name == callee && lowered.needs.body),
                    Some((Carrier::Shared(shared), _)) => {
                        let parsed =
                            |effect: &Effect| !matches!(effect.kind, Kind::ReadRawBody { .. });
                        // What is parsed is kept for the next reader.
                        let kept = shared.helpers.contains(&Helper::KeepBody)
                            && reading.effects.iter().all(parsed)
                            && !gives_body(reading, carriers, true);
                        shared.body && !kept
                    }
                    Some((Carrier::Handler(_), _)) | None => false,
                });
            let calls: Vec<&Effect> = calls.collect();
            // What is parsed may be read above both arms.
            let apart = |read: &Effect, call: &Effect| {
                matches!(read.kind, Kind::ReadRawBody { .. } | Kind::Library(_))
                    && in_other_arms(source, &read.range, &call.range)
            };
            let clash = reads.any(|read| calls.iter().any(|call| !apart(read, call)));
            if clash || given && !calls.is_empty() {
                return Err(vec![refuse_at(
                    source,
                    Reason::BodyUse,
                    function.range.clone(),
                    "read by the handler and by a helper",
                )]);
            }
        }
        Ok(())
    }

    /// Writes what stands around the functions: imports, settings of the route, specifiers.
    /// `written` are the statements that were written anew, `gone` those that do not stay.
    pub(super) fn finish(
        mut self,
        handler: &Handler<'a>,
        groups: &[(&Group<'a>, Lowered)],
        (methods, params): (Vec<String>, Params),
        segment: Segment,
        (written, gone): (Vec<Range<usize>>, Vec<Range<usize>>),
    ) -> Result<RouteFile, Vec<Refusal>> {
        let source = self.module.source;
        let exports_get = methods.iter().any(|method| method == "GET");
        let segment_no_parser = segment.no_parser;
        self.rebase_imports(&written);
        self.keep_rest(gone);
        self.drop_unused_items();
        self.write_imports();
        if self.around.actions.is_some() {
            self.edits.insert_first(
                source.start(),
                format!("{}{}\n\n", self.style.string("use server"), self.style.semi),
            );
        }
        if self.around.actions.is_none() {
            if exports_get && self.around.next.has(Feature::StaticGetHandlers) {
                // Measured on 14: without it a GET may be prerendered and its fetches are cached for ever.
                self.segment_lines(vec!["export const revalidate = 0".to_string()]);
            }
            self.segment_lines(segment.lines);
        }
        if let Some(config) = &self.module.config {
            self.delete_lines(config.statement.clone());
        }
        let text = self
            .edits
            .render(&source.text, 0..source.text.len())
            .map_err(|overlap| vec![overlapping(source, &overlap)])?;
        let text = source.in_own_line_ends(text);
        let text = layout::lay_out(source, tidy(text));
        let mut notes = std::mem::take(&mut self.notes);
        notes
            .entry("*".to_string())
            .or_default()
            .extend(handler.notes.iter().copied());
        if self.reads_env() {
            notes
                .entry("*".to_string())
                .or_default()
                .insert(Note::EnvAtBuild);
        }
        for method in methods
            .iter()
            .filter(|method| crate::decide::is_mutation(method))
        {
            if self.around.actions.is_none() && !segment_no_parser {
                notes
                    .entry(method.clone())
                    .or_default()
                    .insert(Note::MalformedJson);
            }
        }
        if let Some(wrapper) = &self.module.wrapper {
            for method in &methods {
                let of_method = notes.entry(method.clone()).or_default();
                of_method.extend(wrapper.wrapping.notes.iter().copied());
            }
        }
        for (group, _) in groups {
            if self.around.actions.is_none() && !caught(self.module.source, &group.function, false)
            {
                for method in &group.methods {
                    notes
                        .entry(method.clone())
                        .or_default()
                        .insert(Note::UncaughtError);
                }
            }
        }
        Ok(RouteFile {
            text,
            style: self.style.clone(),
            methods,
            params,
            helpers: self.helpers,
            notes,
            shared: self.shared,
        })
    }

    /// The helper that a group hands everything to, when that is all it does.
    fn delegates_to(&self, group: &Group) -> Option<Id> {
        let sole = sole_call(self.module.source, &self.module.handler, &group.reading)?;
        sole.local().filter(|_| group.wrappers.is_empty()).cloned()
    }

    /// Notes the code of a function that stays.
    pub(super) fn keep(&mut self, function: &Function, lowered: &Lowered) {
        let range = match function.body {
            Body::Block(_, (start, end)) => start..end,
            Body::Expr(expr) => self.module.source.range(expr),
        };
        let mut gone = lowered.dropped.clone();
        gone.sort_by_key(|range| range.start);
        let mut at = range.start;
        for dropped in gone {
            if dropped.start > at {
                self.kept.push(at..dropped.start);
            }
            at = at.max(dropped.end);
        }
        if at < range.end {
            self.kept.push(at..range.end);
        }
    }

    /// Notes the code outside the functions that were written anew.
    fn keep_rest(&mut self, mut gone: Vec<Range<usize>>) {
        gone.append(&mut self.gone);
        gone.extend(
            self.module
                .config
                .as_ref()
                .map(|config| config.statement.clone()),
        );
        gone.sort_by_key(|range| range.start);
        let mut at = 0;
        for range in gone {
            if range.start > at {
                self.kept.push(at..range.start);
            }
            at = at.max(range.end);
        }
        self.kept.push(at..self.module.source.text.len());
    }

    /// Imports the type of a request.
    pub(super) fn import_request(&mut self) {
        self.imports.value("next/server", "NextRequest");
    }

    pub(super) fn collect(&mut self, lowered: &Lowered, methods: &[String]) {
        self.imports.extend(&lowered.needs.imports);
        self.helpers.extend(&lowered.needs.helpers);
        self.shared.extend(lowered.needs.shared.iter().cloned());
        self.imports.rename(&lowered.needs.renamed);
        self.respelled.extend(lowered.needs.respelled.clone());
        for method in methods {
            self.notes
                .entry(method.clone())
                .or_default()
                .extend(lowered.needs.notes.iter().copied());
        }
    }

    /// The parameters that an action takes: slugs in the route's order, and whether it takes the body.
    fn action_params(&self, lowered: &Lowered) -> (Vec<String>, bool) {
        let slugs = self.around.route.slugs.iter().map(|slug| slug.name.clone());
        (
            slugs
                .filter(|slug| lowered.needs.slugs.contains_key(slug))
                .collect(),
            lowered.needs.input.is_some(),
        )
    }

    /// The head of a function: on one line, or with a line for each parameter. An object that
    /// is taken apart and stands alone opens on the first line, and so does its type.
    fn head(&self, before: &str, params: &[String], after: &str) -> String {
        let one_line = format!("{before}{}{after}", params.join(", "));
        // The brace that opens the body stands on the same line.
        if self.style.fits(&format!("{one_line}{{")) {
            return one_line;
        }
        let indent = &self.style.indent;
        if params.is_empty() {
            // Only the type of the answer can go to another line.
            let answer = after.trim_end_matches(" => ").trim_end();
            let opened = answer
                .strip_suffix('>')
                .and_then(|answer| answer.split_once("Promise<"));
            let arrow = &after[answer.len()..];
            return match opened {
                Some((colon, kind)) => {
                    format!("{before}{colon}Promise<\n{indent}{kind}\n>{arrow}")
                }
                None => one_line,
            };
        }
        if let [param] = params
            && let Some(lines) = self.style.taken_apart(param)
        {
            return format!("{before}{lines}{after}");
        }
        // The type of the only parameter starts on the line of its name.
        if let [param] = params
            && param.contains('\n')
        {
            return one_line;
        }
        let deeper: Vec<String> = params
            .iter()
            .map(|param| param.replace('\n', &format!("\n{indent}")))
            .collect();
        let lines = deeper.join(&format!(",\n{indent}"));
        format!("{before}\n{indent}{lines}{}\n{after}", self.style.trailing)
    }

    /// The body of a function with its edits, and with its relative specifiers spelled anew.
    pub(super) fn body(
        &self,
        lowered: &Lowered,
        range: Range<usize>,
    ) -> Result<String, Vec<Refusal>> {
        let source = self.module.source;
        let mut edits = lowered.edits.clone();
        for (range, new) in &self.specifiers {
            edits.replace_soft(range.clone(), new.clone());
        }
        edits
            .render(&source.text, range)
            .map_err(|overlap| vec![overlapping(source, &overlap)])
    }

    /// The head of a Server Action: its name, its parameters and what it gives.
    fn action_head(
        &mut self,
        function: &Function<'a>,
        lowered: &Lowered,
        mode: &ActionMode,
    ) -> String {
        let typescript = self.module.source.typescript();
        let (slugs, _) = self.action_params(lowered);
        if !slugs.is_empty() {
            let notes = self.notes.entry(mode.method.clone()).or_default();
            notes.insert(Note::ActionArguments);
        }
        self.kept.extend(lowered.needs.kept.iter().cloned());
        let names = slugs.iter().map(|slug| &lowered.needs.slugs[slug]);
        let mut params: Vec<String> = names
            .map(|name| {
                if typescript {
                    format!("{name}: string")
                } else {
                    name.clone()
                }
            })
            .collect();
        params.extend(lowered.needs.input.clone());
        let answer = match (mode.contract, mode.data && typescript) {
            (Contract::Result, true) if !self.is_inferred(function, &lowered.needs, mode) => {
                ": Promise<{ ok: boolean; status: number; data: any }>"
            }
            _ => "",
        };
        let before = format!("export async function {}(", mode.name);
        self.head(&before, &params, &format!("){answer} "))
    }

    /// Why a function around the handler has no place in a Server Action.
    fn unfit_wrapper(&self, shared: &Shared, mode: &ActionMode) -> Option<String> {
        let taken = Names::of(self.module.source, &self.module.source.module).all;
        let taken = |helper: Helper| taken.iter().any(|((name, _), _)| name == helper.name());
        let fits = &shared.in_action;
        match &fits.against {
            Some(why) => Some(why.clone()),
            None if shared.body => Some("reads the body".to_string()),
            None if shared.wrapper.is_none_or(|wrapper| wrapper.map.is_some()) => {
                Some("takes a map of methods".to_string())
            }
            None if fits.text && mode.contract != Contract::Nothing => {
                Some("answers something else than JSON".to_string())
            }
            None if mode.bodies != Bodies::Any && fits.empty => {
                Some("answers without a body, which callers read".to_string())
            }
            None => [Helper::ToResult, Helper::ActionRequest]
                .into_iter()
                .find(|helper| taken(*helper))
                .map(|helper| format!("needs the name {}", helper.name())),
        }
    }

    /// A handler with the functions around it as a Server Action: they answer as they do for a route,
    /// and the action gives back what they have answered.
    fn wrapped_action(
        &mut self,
        handler: &Handler<'a>,
        group: &Group<'a>,
        lowered: &Lowered,
        mode: &ActionMode,
    ) -> Result<String, Vec<Refusal>> {
        let source = self.module.source;
        let head = self.action_head(&group.function, lowered, mode);
        let inner = self.function(&group.function, &group.reading, lowered, &Shape::Inline)?;
        let (indent, semi) = (self.style.indent.clone(), self.style.semi);
        // Its body stands one level deeper already.
        let inner = match inner.rfind('\n') {
            Some(line) if inner[line..].trim() == "}" => {
                format!("{}\n{indent}{}", &inner[..line], &inner[line + 1..])
            }
            _ => inner,
        };
        let kept = kept_wrappers(self.module, handler, group);
        let around = self.wrap(&kept, "\0".to_string());
        let around = around.replace('\n', &format!("\n{indent}"));
        let call = around.replacen('\0', &inner, 1);
        let notes = self.notes.entry(mode.method.clone()).or_default();
        for (_, shared) in &kept {
            notes.extend(shared.notes.iter().copied().filter(shows_in_action));
            notes.extend(shared.in_action.cookies.then_some(Note::ActionRefresh));
        }
        self.helpers.insert(Helper::ActionRequest);
        let mut arguments = "await actionRequest()".to_string();
        if mode.context {
            let slugs = self.around.route.slugs.iter().map(|slug| {
                let name = &lowered.needs.slugs[&slug.name];
                match *name == slug.name {
                    true => name.clone(),
                    false => format!("{}: {name}", self.style.key(&slug.name)),
                }
            });
            let slugs: Vec<String> = slugs.collect();
            let params = match &slugs[..] {
                [] => "{}".to_string(),
                slugs => format!("{{ {} }}", slugs.join(", ")),
            };
            let params = match self.around.next.has(Feature::AsyncRequestApis) {
                true => format!("Promise.resolve({params})"),
                false => params,
            };
            arguments.push_str(&format!(", {{ params: {params} }}"));
        }
        let taken = |name: &str| {
            let mut slugs = lowered.needs.slugs.values();
            let input = lowered.needs.input.as_deref().unwrap_or_default();
            let mut words = input.split(|char: char| !char.is_alphanumeric() && char != '_');
            slugs.any(|slug| slug == name) || words.any(|word| word == name)
        };
        let name = |names: &[&str]| {
            let own: Vec<&str> = names.iter().copied().filter(|name| !taken(name)).collect();
            free_name(source, &own)
        };
        let answer = name(&["handle", "guarded", "wrapped"]);
        let response = name(&["response", "answer", "answered"]);
        let deep = format!("{indent}{indent}");
        let (asks, fails) = match mode.contract {
            Contract::Nothing => (format!("await {answer}({arguments}){semi}"), String::new()),
            _ => {
                self.helpers.insert(Helper::ToResult);
                (
                    format!(
                        "const {response} = await {answer}({arguments}){semi}\n{deep}return await toResult({response}){semi}"
                    ),
                    format!("{deep}return {{ ok: false, status: 500, data: undefined }}{semi}\n"),
                )
            }
        };
        if mode.rejects {
            let asks = asks.replace(&format!("\n{deep}"), &format!("\n{indent}"));
            return Ok(format!(
                "{head}{{\n{indent}const {answer} = {call}{semi}\n\n{indent}{asks}\n}}"
            ));
        }
        Ok(format!(
            "{head}{{\n{indent}const {answer} = {call}{semi}\n\n{indent}try {{\n{deep}{asks}\n{indent}}} catch (error) {{\n{deep}console.error(error){semi}\n{fails}{indent}}}\n}}"
        ))
    }

    /// One function as a Server Action.
    fn action(
        &mut self,
        function: &Function<'a>,
        lowered: &Lowered,
        mode: &ActionMode,
    ) -> Result<String, Vec<Refusal>> {
        let source = self.module.source;
        let Body::Block(_, (start, end)) = function.body else {
            return Err(vec![refuse_at(
                source,
                Reason::HandlerNotFunction,
                function.range.clone(),
                "expression body",
            )]);
        };
        let head = self.action_head(function, lowered, mode);
        let body = self.body(lowered, start..end)?;
        let body = without_last_return(body);
        if !self.tried(function, Some(mode)) {
            return Ok(format!("{head}{body}"));
        }
        let (indent, semi) = (&self.style.indent, self.style.semi);
        let inner = body
            .trim_start_matches('{')
            .trim_end_matches('}')
            .trim_matches(['\n', '\r'])
            .trim_end();
        let answer = match mode.contract {
            Contract::Result if mode.data => format!(
                "{indent}{indent}return {{ ok: false, status: 500, data: undefined }}{semi}\n"
            ),
            Contract::Result => {
                format!("{indent}{indent}return {{ ok: false, status: 500 }}{semi}\n")
            }
            _ => String::new(),
        };
        Ok(format!(
            "{head}{{\n{indent}try {{\n{inner}\n{indent}}} catch (error) {{\n{indent}{indent}console.error(error){semi}\n{answer}{indent}}}\n}}"
        ))
    }

    /// Whether TypeScript finds a type for the data by itself that every read of `res.json()` fits.
    fn is_inferred(&self, function: &Function, needs: &Needs, mode: &ActionMode) -> bool {
        if needs.data.contains(&Data::Parsed) {
            return true;
        }
        let alike = |data: &Data| matches!(data, Data::Texts(_)) && *data == needs.data[0];
        !self.tried(function, Some(mode)) && needs.data.iter().all(alike)
    }

    /// Removes top-level declarations that only dropped code used. Where methods go to two
    /// files, also constants that are computed: the other file keeps those that it uses.
    fn drop_unused_items(&mut self) {
        let source = self.module.source;
        let split = self.around.methods.is_some();
        let names = Names::of(source, &source.module).all;
        let inside = |outer: &Range<usize>, at: &Range<usize>| {
            outer.start <= at.start && at.end <= outer.end
        };
        loop {
            let unused = source.items().iter().find_map(|item| {
                let range = source.range(item);
                if !self.kept.iter().any(|kept| inside(kept, &range)) {
                    return None;
                }
                let ModuleItem::Stmt(Stmt::Decl(decl)) = item else {
                    return None;
                };
                let mut bound = Vec::new();
                match decl {
                    Decl::Fn(function) => bound.push(crate::syntax::id(&function.ident)),
                    Decl::Var(variables) => {
                        let quiet = variables.decls.iter().all(|declarator| {
                            matches!(
                                declarator.init.as_deref().map(bare),
                                Some(
                                    Expr::Arrow(_)
                                        | Expr::Fn(_)
                                        | Expr::Lit(_)
                                        | Expr::Array(_)
                                        | Expr::Object(_)
                                )
                            )
                        });
                        let moves = split
                            && variables.kind == VarDeclKind::Const
                            && variables.decls.iter().all(|declarator| {
                                let init = declarator.init.as_deref();
                                init.is_some_and(|init| crate::syntax::is_made_only(source, init))
                            });
                        if !(quiet || moves) {
                            return None;
                        }
                        variables.decls.iter().for_each(|declarator| {
                            crate::syntax::bound_names(&declarator.name, &mut bound)
                        });
                    }
                    Decl::TsInterface(declared) => bound.push(crate::syntax::id(&declared.id)),
                    Decl::TsTypeAlias(declared) => bound.push(crate::syntax::id(&declared.id)),
                    _ => return None,
                }
                let uses: Vec<&Range<usize>> = names
                    .iter()
                    .filter(|(name, at)| bound.contains(name) && !inside(&range, at))
                    .map(|(_, at)| at)
                    .collect();
                let live = uses
                    .iter()
                    .any(|at| self.kept.iter().any(|kept| inside(kept, at)));
                (!uses.is_empty() && !live).then_some(range)
            });
            let Some(range) = unused else { return };
            self.delete_lines(range.clone());
            self.kept = self
                .kept
                .iter()
                .flat_map(|kept| {
                    if inside(kept, &range) {
                        vec![kept.start..range.start, range.end..kept.end]
                    } else {
                        vec![kept.clone()]
                    }
                })
                .collect();
        }
    }

    /// The calls that wrap a handler, around its web form.
    fn wrap(&mut self, wrappers: &[(&WrapperCall, &Arc<Shared>)], inner: String) -> String {
        let source = self.module.source;
        let mut text = inner;
        for (call, shared) in wrappers.iter().rev() {
            let whole = source.range(call.call);
            let arg = source.range(&call.args[call.args.len() - 1][call.handler]);
            self.shared.insert(shared.key.clone());
            let mut start = whole.start;
            let mut callee = String::new();
            if let Some((name, new)) = self.renamed(call, shared) {
                callee = new;
                start = name.end;
            }
            self.kept.push(start..arg.start);
            self.kept.push(arg.end..whole.end);
            text = format!(
                "{callee}{}{text}{}",
                &source.text[start..arg.start],
                &source.text[arg.end..whole.end]
            );
        }
        text
    }

    /// For a function around the handler whose web form has another name: what is called, and
    /// what is called instead.
    pub(super) fn renamed(
        &mut self,
        call: &WrapperCall,
        shared: &Shared,
    ) -> Option<(Range<usize>, String)> {
        let new = self.around.names.get(&shared.key)?;
        let name = self.module.source.range(call.callee);
        let old = &self.module.source.text[name.clone()];
        let new = match old.rsplit_once('.') {
            Some((object, _)) => format!("{object}.{new}"),
            None => {
                let renamed = BTreeMap::from([(old.to_string(), new.clone())]);
                self.imports.rename(&renamed);
                new
            }
        };
        Some((name, new))
    }

    /// One function in its web form.
    pub(super) fn function(
        &mut self,
        function: &Function<'a>,
        reading: &Reading<'a>,
        lowered: &Lowered,
        shape: &Shape,
    ) -> Result<String, Vec<Refusal>> {
        let (name, exported) = match shape {
            Shape::Declared { name, exported } => (*name, *exported),
            Shape::Apart { name } => (*name, false),
            Shape::Inline | Shape::Value | Shape::Method { .. } => ("", false),
        };
        let wrapped = !matches!(shape, Shape::Declared { .. });
        let source = self.module.source;
        let needs = &lowered.needs;
        let typescript = source.typescript();
        let in_map = |map: &MethodMap| map.has(function);
        let is_handler = function.range == self.module.handler.range
            || exported
            || self.module.map().is_some_and(in_map);
        let wrapper = self.module.wrapper.as_ref().filter(|_| is_handler);
        let request =
            param_name(function, reading, Role::Request).unwrap_or_else(|| "request".to_string());
        let mut params: Vec<String> = Vec::new();
        let request_type = if needs.next_request {
            "NextRequest"
        } else {
            "Request"
        };
        let uses_request =
            needs.request || uses_beyond(function, reading, source, &lowered.dropped);
        // A wrapped handler may get something behind the request and the context; what the code
        // that stays does not use at the end of the list goes, unless nothing used it before.
        let unused = function.params.iter().skip(2).rev().take_while(|pat| {
            wrapped
                && crate::facts::api_module::param_id(pat)
                    .is_some_and(|name| lost(source, &name, reading, lowered))
        });
        let length = function.params.len() - unused.count();
        let extras = wrapped && length > 2;
        let annotated = |pat: &Pat| {
            matches!(
                shape,
                Shape::Apart { .. } | Shape::Value | Shape::Method { typed: true, .. }
            ) || matches!(pat, Pat::Ident(binding) if binding.type_ann.is_some())
        };
        for (at, pat) in function.params.iter().take(length).enumerate() {
            match reading.roles.get(at).copied().flatten() {
                Some(Role::Request) => {
                    self.check_type(pat)?;
                    if uses_request || extras || is_handler && needs.params {
                        let name = if uses_request || request.starts_with('_') {
                            request.clone()
                        } else {
                            format!("_{request}")
                        };
                        let typed = typescript && (!wrapped || annotated(pat) || needs.params);
                        let request_type = if wrapped { "NextRequest" } else { request_type };
                        params.push(if typed {
                            format!("{name}: {request_type}")
                        } else {
                            name
                        });
                        if typed && request_type == "NextRequest" {
                            self.imports.value("next/server", "NextRequest");
                        }
                    }
                }
                Some(Role::Response) => {
                    if extras && needs.params {
                        params.push(self.params_param(true));
                    } else if extras {
                        let typed = typescript && annotated(pat);
                        params.push(
                            if typed {
                                "_context: unknown"
                            } else {
                                "_context"
                            }
                            .into(),
                        );
                    }
                }
                None => {
                    let text = source.text_of(*pat).to_string();
                    self.kept.push(source.range(*pat));
                    params.push(text);
                }
            }
        }
        if needs.params && !extras {
            let typed = wrapper.is_some_and(|wrapper| wrapper.wrapping.types_context);
            params.push(match is_handler && typed {
                true => "{ params }".to_string(),
                false => self.params_param(is_handler),
            });
        }
        let is_async = function.is_async || needs.awaits;
        let answer = if typescript && wrapper.is_none() {
            self.answer_type(function, reading, needs, is_async)
        } else {
            None
        };
        let export = if exported { "export " } else { "" };
        let keyword = if is_async { "async " } else { "" };
        let arrow = function.form == Form::Arrow
            && (function.name.is_some() || matches!(function.body, Body::Expr(_)));
        // `export const GET = withAuth(async (request) => { … })`.
        let (head, tail) = match wrapper {
            Some(wrapper) => {
                let (callee, rest) = (wrapper.callee.clone(), wrapper.rest.clone());
                self.kept.extend([callee.clone(), rest.clone()]);
                let rest = source.text[rest].trim_end();
                let rest = rest.strip_suffix(',').unwrap_or(rest);
                let tail = format!("{rest}){}", self.style.semi);
                (
                    format!("{export}const {name} = {}(", &source.text[callee]),
                    tail,
                )
            }
            None => (export.to_string(), String::new()),
        };
        let export = head.as_str();
        let arrow = arrow || wrapper.is_some() && function.form == Form::Arrow;
        let (before, after) = if wrapper.is_some() && arrow {
            (
                format!("{export}{keyword}("),
                format!("){} => ", answer.unwrap_or_default()),
            )
        } else if arrow {
            (
                format!("{export}const {name} = {keyword}("),
                format!("){} => ", answer.unwrap_or_default()),
            )
        } else {
            (
                format!("{export}{keyword}function {name}("),
                format!("){} ", answer.unwrap_or_default()),
            )
        };
        let (before, after) = match shape {
            Shape::Inline | Shape::Value => (format!("{keyword}("), ") => ".to_string()),
            Shape::Method { key, .. } => (format!("{keyword}{key}("), ") ".to_string()),
            _ => (before, after),
        };
        let head = self.head(&before, &params, &after);
        let range = match function.body {
            Body::Block(_, (start, end)) => start..end,
            Body::Expr(expr) => source.range(expr),
        };
        let body = self.body(lowered, range.clone())?;
        if let Shape::Inline | Shape::Value | Shape::Method { .. } = shape {
            return Ok(format!("{head}{body}"));
        }
        // A value on several lines of its own keeps these.
        let white = &source.text[..range.start][source.text[..range.start].trim_end().len()..];
        let apart = matches!(function.body, Body::Expr(_))
            && white.contains('\n')
            && body.contains('\n')
            && wrapper.is_none()
            && arrow;
        let (head, body) = match apart {
            true => (head.trim_end().to_string(), format!("{white}{body}")),
            false => (head, body),
        };
        let end =
            if wrapper.is_none() && arrow && source.text[..function.statement.end].ends_with(';') {
                ";"
            } else {
                &tail
            };
        Ok(format!("{head}{body}{end}"))
    }

    /// The parameter that takes the path parameters: a handler's context, or a helper's own.
    fn params_param(&self, is_handler: bool) -> String {
        let types: Vec<String> = self
            .around
            .route
            .slugs
            .iter()
            .map(|slug| {
                let key = self.style.key(&slug.name);
                match slug.kind {
                    SlugKind::One => format!("{key}: string"),
                    SlugKind::CatchAll => format!("{key}: string[]"),
                    SlugKind::Optional => format!("{key}?: string[]"),
                }
            })
            .collect();
        let object = format!("{{ {} }}", types.join("; "));
        let object = if self.around.next.has(Feature::AsyncRequestApis) {
            format!("Promise<{object}>")
        } else {
            object
        };
        match (is_handler, self.module.source.typescript()) {
            (true, true) => format!("{{ params }}: {{ params: {object} }}"),
            (true, false) => "{ params }".to_string(),
            (false, true) => format!("params: {object}"),
            (false, false) => "params".to_string(),
        }
    }

    /// Refuses a request whose type says more of it than code that is kept may do without.
    pub(super) fn check_type(&self, pat: &Pat) -> Result<(), Vec<Refusal>> {
        let source = self.module.source;
        let kind = match pat {
            Pat::Ident(binding) => binding.type_ann.as_deref(),
            _ => None,
        };
        match kind.filter(|kind| request_types::narrows(source, &kind.type_ann)) {
            Some(kind) => {
                let name = source.text_of(&*kind.type_ann).to_string();
                Err(vec![refuse(source, Reason::ModuleShape, kind, name)])
            }
            None => Ok(()),
        }
    }

    /// The annotation of the answer: kept where the old one said what JSON is answered.
    fn answer_type(
        &mut self,
        function: &Function<'a>,
        reading: &Reading<'a>,
        needs: &Needs,
        is_async: bool,
    ) -> Option<String> {
        let calls = reading.effects.iter().any(|effect| {
            matches!(
                effect.kind,
                Kind::CallCarrier { form: Some(_), .. }
                    | Kind::ReplyChain { .. }
                    | Kind::ReplyCallback { .. }
                    | Kind::ReplyPromise { .. }
            )
        });
        let response = function
            .params
            .iter()
            .zip(&reading.roles)
            .find(|(_, role)| **role == Some(Role::Response));
        if !reading.replies {
            // A helper that does not answer keeps its annotation.
            let range = function.return_type.clone()?;
            self.kept.push(range.clone());
            let text = &self.module.source.text[range];
            return match is_async && !function.is_async {
                true => promised(text),
                false => Some(text.to_string()),
            };
        }
        let argument = response
            .and_then(|(pat, _)| match pat {
                Pat::Ident(binding) => binding.type_ann.as_deref(),
                _ => None,
            })
            .or(function.variable_type)
            .and_then(type_argument)?;
        if !needs.only_json || calls {
            return None;
        }
        if let TsType::TsKeywordType(word) = argument
            && matches!(
                word.kind,
                TsKeywordTypeKind::TsAnyKeyword
                    | TsKeywordTypeKind::TsUnknownKeyword
                    | TsKeywordTypeKind::TsNeverKeyword
            )
        {
            return None;
        }
        let range = self.module.source.range(argument);
        self.kept.push(range.clone());
        let text = &self.module.source.text[range];
        if text.contains('\n') {
            return None;
        }
        Some(if is_async {
            format!(": Promise<NextResponse<{text}>>")
        } else {
            format!(": NextResponse<{text}>")
        })
    }

    /// Puts the written functions where the handler stood, and the aliases where it was exported.
    fn place_handler(
        &mut self,
        texts: Vec<String>,
        wrapped: Vec<String>,
        aliases: Vec<(String, String)>,
        function: &Function,
    ) {
        let mut by_name: Vec<(String, Vec<String>)> = Vec::new();
        for (name, method) in aliases {
            match by_name.iter_mut().find(|(known, _)| *known == name) {
                Some((_, list)) => list.push(method),
                None => by_name.push((name, vec![method])),
            }
        }
        let lists = by_name.iter().map(|(name, list)| {
            let entries: Vec<String> = list
                .iter()
                .map(|method| format!("{name} as {method}"))
                .collect();
            self.style.export_list(&entries)
        });
        let exports: Vec<String> = wrapped.into_iter().chain(lists).collect();
        let exports = exports.join("\n");
        let functions = texts.join("\n\n");
        match &self.module.default_export {
            Some(statement) => {
                if functions.is_empty() {
                    self.delete_lines(function.statement.clone());
                } else {
                    self.edits.replace(function.statement.clone(), functions);
                }
                if exports.is_empty() {
                    self.delete_lines(statement.clone());
                } else {
                    self.edits.replace(statement.clone(), exports);
                }
            }
            None => {
                let exports = if functions.is_empty() || exports.is_empty() {
                    exports
                } else {
                    format!("\n{exports}").trim_start_matches('\n').to_string()
                };
                let both: Vec<String> = [functions, exports]
                    .into_iter()
                    .filter(|text| !text.is_empty())
                    .collect();
                if both.is_empty() {
                    self.delete_lines(function.statement.clone());
                } else {
                    self.edits
                        .replace(function.statement.clone(), both.join("\n\n"));
                }
            }
        }
    }

    /// Removes a statement with the comments above it and one empty line.
    pub(super) fn delete_lines(&mut self, range: Range<usize>) {
        let text = &self.module.source.text;
        let start = crate::flow::leading_comments(self.module.source, range.start);
        let line = line_start(text, start);
        let mut end = range.end;
        let mut newlines = 0;
        for char in text[range.end..].chars() {
            match char {
                '\n' if newlines < 2 => newlines += 1,
                ' ' | '\t' | '\r' if newlines < 2 => {}
                _ => break,
            }
            end += char.len_utf8();
        }
        self.edits.delete(line..end);
    }

    /// Puts route segment settings behind the imports.
    fn segment_lines(&mut self, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        let semi = self.style.semi;
        let text: String = lines.iter().map(|line| format!("{line}{semi}\n")).collect();
        let at = after_imports(self.module.source, &self.edits);
        if at == 0 {
            self.edits.insert(0, format!("{text}\n"));
        } else {
            self.edits.insert(at, format!("\n\n{}", text.trim_end()));
        }
    }

    /// Writes the relative specifiers outside the functions that were written anew.
    fn rebase_imports(&mut self, written: &[Range<usize>]) {
        for (range, new) in &self.specifiers {
            if !written
                .iter()
                .any(|statement| statement.start <= range.start && range.end <= statement.end)
            {
                self.edits.replace_soft(range.clone(), new.clone());
            }
        }
    }

    fn write_imports(&mut self) {
        let source = self.module.source;
        for item in source.items() {
            if let ModuleItem::ModuleDecl(ModuleDecl::Import(import)) = item
                && let Some(new) = self.respelled.get(&*import.src.value.to_string_lossy())
            {
                let range = source.range(&*import.src);
                self.edits.replace_soft(range, self.style.string(new));
            }
        }
        if !self.helpers.is_empty() {
            for helper in self.helpers.iter().filter(|helper| helper.is_imported()) {
                self.imports
                    .value(&self.around.helper_specifier, helper.name());
            }
        }
        self.imports
            .add_renamed(source, &self.kept, self.around.rebase);
        self.imports
            .place(source, self.style, &self.kept, &mut self.edits);
    }

    /// Whether module-level code hands environment variables to what may throw without them.
    fn reads_env(&self) -> bool {
        reads_env(self.module.source)
    }
}

/// The type of a route's path parameters.
pub(super) fn slug_types(route: &Route, style: &Style) -> String {
    let types = route.slugs.iter().map(|slug| {
        let key = style.key(&slug.name);
        match slug.kind {
            SlugKind::One => format!("{key}: string"),
            SlugKind::CatchAll => format!("{key}: string[]"),
            SlugKind::Optional => format!("{key}?: string[]"),
        }
    });
    format!("{{ {} }}", types.collect::<Vec<_>>().join("; "))
}

/// Whether module-level code hands environment variables to what may throw without them.
pub(super) fn reads_env(source: &crate::source::Source) -> bool {
    source.items().iter().any(|item| {
        let calls = match item {
            ModuleItem::Stmt(Stmt::Decl(Decl::Var(variables))) => {
                variables.decls.iter().any(|declarator| {
                    matches!(
                        declarator.init.as_deref().map(bare),
                        Some(Expr::New(_) | Expr::Call(_))
                    )
                })
            }
            ModuleItem::Stmt(Stmt::If(_) | Stmt::Throw(_) | Stmt::Expr(_)) => true,
            _ => false,
        };
        calls && source.text_of(item).contains("process.env")
    })
}

/// The relative specifiers of a file that another place spells in another way: the range
/// between the quotes and the new text.
pub(crate) fn relative_specifiers(
    source: &crate::source::Source,
    rebase: &dyn Fn(&str) -> String,
) -> Vec<(Range<usize>, String)> {
    struct Specifiers<'s, 'e> {
        source: &'s crate::source::Source,
        found: &'e mut Vec<(Range<usize>, String)>,
    }
    impl Visit for Specifiers<'_, '_> {
        fn visit_import_decl(&mut self, node: &ImportDecl) {
            self.add(&node.src);
        }
        fn visit_named_export(&mut self, node: &NamedExport) {
            node.src.iter().for_each(|src| self.add(src));
        }
        fn visit_export_all(&mut self, node: &ExportAll) {
            self.add(&node.src);
        }
        fn visit_call_expr(&mut self, node: &CallExpr) {
            let loads = match &node.callee {
                Callee::Import(_) => true,
                Callee::Expr(callee) => match bare(callee) {
                    Expr::Ident(name) => name.sym == "require" && self.source.is_global(name),
                    Expr::Member(_) => self.source.text_of(&**callee).starts_with("jest."),
                    _ => false,
                },
                Callee::Super(_) => false,
            };
            if loads
                && let Some(arg) = node.args.first()
                && let Expr::Lit(Lit::Str(text)) = &*arg.expr
            {
                self.add(text);
            }
            node.visit_children_with(self);
        }
        // `new URL('./font.woff', import.meta.url)`.
        fn visit_new_expr(&mut self, node: &NewExpr) {
            if let Some([file, base]) = node.args.as_deref()
                && matches!(bare(&node.callee), Expr::Ident(name) if name.sym == "URL")
                && self.source.text_of(&*base.expr) == "import.meta.url"
                && let Expr::Lit(Lit::Str(text)) = &*file.expr
            {
                self.add(text);
            }
            node.visit_children_with(self);
        }
        fn visit_ts_import_type(&mut self, node: &TsImportType) {
            self.add(&node.arg);
        }
    }
    impl Specifiers<'_, '_> {
        fn add(&mut self, text: &Str) {
            self.found.push((
                self.source.range(text),
                text.value.to_string_lossy().into_owned(),
            ));
        }
    }
    let mut found = Vec::new();
    let mut visitor = Specifiers {
        source,
        found: &mut found,
    };
    source.module.visit_with(&mut visitor);
    found
        .into_iter()
        .filter(|(_, specifier)| is_relative(specifier))
        .map(|(range, specifier)| {
            (
                range.start + 1..range.end - 1,
                rebase(&specifier),
                specifier,
            )
        })
        .filter(|(_, new, old)| new != old)
        .map(|(range, new, _)| (range, new))
        .collect()
}

/// A refusal for edits that do not fit together.
fn overlapping(source: &crate::source::Source, overlap: &Overlap) -> Refusal {
    let text = |range: &Range<usize>| &source.text[range.clone()];
    let detail = format!(
        "edits overlap: {:?} and {:?}",
        text(&overlap.0),
        text(&overlap.1)
    );
    refuse_at(source, Reason::OutputUnparsable, overlap.0.clone(), detail)
}

fn reads_body(kind: &Kind) -> bool {
    match kind {
        Kind::ReadBody { .. } | Kind::ReadRawBody { .. } => true,
        Kind::Library(call) => call.reads_body,
        Kind::DestructureRequest { parts, nested, .. } => {
            parts.iter().any(|(part, _)| part == "body")
                || nested.iter().any(|(part, _)| part == "body")
        }
        _ => false,
    }
}

/// Whether two places stand in the two arms of an `if`, so that only one of them runs.
fn in_other_arms(source: &Source, one: &Range<usize>, other: &Range<usize>) -> bool {
    struct Arms<'s> {
        source: &'s Source,
        places: [&'s Range<usize>; 2],
        found: bool,
    }
    impl Visit for Arms<'_> {
        fn visit_if_stmt(&mut self, node: &IfStmt) {
            let inside = |arm: &Stmt, at: &Range<usize>| {
                let arm = self.source.range(arm);
                arm.start <= at.start && at.end <= arm.end
            };
            let [one, other] = self.places;
            self.found |= node.alt.as_ref().is_some_and(|alt| {
                inside(&node.cons, one) && inside(alt, other)
                    || inside(&node.cons, other) && inside(alt, one)
            });
            node.visit_children_with(self);
        }
    }
    let mut arms = Arms {
        source,
        places: [one, other],
        found: false,
    };
    source.module.visit_with(&mut arms);
    arms.found
}

/// Whether a helper can stand as the exported function: it takes the request and the response only.
fn promotable(function: &Function, reading: &Reading) -> bool {
    reading.replies
        && !reading.falls
        && function.params.len() == reading.roles.len()
        && reading.roles.iter().all(Option::is_some)
}

/// The first type argument of `NextApiResponse<T>` or `NextApiHandler<T>`.
fn type_argument(annotation: &TsTypeAnn) -> Option<&TsType> {
    match &*annotation.type_ann {
        TsType::TsTypeRef(reference) => reference
            .type_params
            .as_ref()
            .and_then(|params| params.params.first())
            .map(|first| &**first),
        _ => None,
    }
}

/// Whether the code that stays uses the request in a way that a web request shares, as `req.method`.
pub fn uses_beyond(
    function: &Function,
    reading: &Reading,
    source: &crate::source::Source,
    dropped: &[Range<usize>],
) -> bool {
    let Some((pat, _)) = function
        .params
        .iter()
        .zip(&reading.roles)
        .find(|(_, role)| **role == Some(Role::Request))
    else {
        return false;
    };
    let Pat::Ident(binding) = pat else {
        return false;
    };
    let name = crate::syntax::id(&binding.id);
    let param = source.range(*pat);
    let inside =
        |outer: &Range<usize>, at: &Range<usize>| outer.start <= at.start && at.end <= outer.end;
    Names::of(source, &source.module)
        .all
        .iter()
        .any(|(found, at)| {
            *found == name
                && !inside(&param, at)
                && source.text[at.end..].starts_with(".method")
                && !dropped
                    .iter()
                    .chain(&reading.folded)
                    .any(|gone| inside(gone, at))
        })
}

/// Whether a parameter was used only by code that goes.
pub(super) fn lost(source: &Source, name: &Id, reading: &Reading, lowered: &Lowered) -> bool {
    let uses: Vec<Range<usize>> = Names::of(source, &source.module)
        .all
        .into_iter()
        .filter(|(found, _)| found == name)
        .map(|(_, at)| at)
        .collect();
    let gone = || {
        lowered
            .dropped
            .iter()
            .chain(&reading.folded)
            .chain(&reading.dropped)
    };
    let goes = |at: &Range<usize>| gone().any(|gone| gone.start <= at.start && at.end <= gone.end);
    // The first is the parameter itself.
    uses.len() > 1 && uses[1..].iter().all(goes)
}

/// Whether the whole body stands in a `try` with a `catch`. Taking values apart before it may
/// throw, too, unless `taken_apart` says that it does not count.
fn caught(source: &Source, function: &Function, taken_apart: bool) -> bool {
    let calm = |stmt: &Stmt| {
        let text = source.text_of(stmt);
        let reads_body = !taken_apart && text.contains(".body.");
        !crate::syntax::awaits(stmt) && !calls_others(source, stmt) && !reads_body
    };
    match function.body {
        Body::Block(stmts, _) => stmts.iter().all(|stmt| match stmt {
            Stmt::Try(attempt) => attempt.handler.is_some(),
            Stmt::If(_) => calm(stmt),
            Stmt::Decl(Decl::Var(variables)) => {
                let mut names = variables.decls.iter().map(|declarator| &declarator.name);
                calm(stmt) && names.all(|name| taken_apart || matches!(name, Pat::Ident(_)))
            }
            _ => false,
        }),
        Body::Expr(_) => false,
    }
}

/// A body without a bare `return` as its last statement.
fn without_last_return(body: String) -> String {
    let Some(inner) = body.strip_suffix('}') else {
        return body;
    };
    let trimmed = inner.trim_end();
    let code = trimmed.strip_suffix(';').unwrap_or(trimmed);
    match code.strip_suffix("return") {
        Some(rest)
            if rest.ends_with([' ', '\t'])
                && rest.trim_end_matches([' ', '\t']).ends_with('\n') =>
        {
            format!("{}{}}}", rest.trim_end(), &inner[trimmed.len()..])
        }
        _ => body,
    }
}

/// One empty line at most between parts, none at the start, one line end at the end.
pub(super) fn tidy(text: String) -> String {
    let text = text.replacen("\n\n\n", "\n\n", usize::from(text.starts_with(['\'', '"'])));
    let trimmed = text.trim_start_matches(['\n', '\r']);
    let end = if trimmed.ends_with("\r\n\r\n") {
        "\r\n"
    } else if trimmed.ends_with("\n\n") {
        "\n"
    } else {
        return trimmed.to_string();
    };
    format!("{}{end}", trimmed.trim_end())
}

/// Reads `export const config`.
pub(super) fn segment(
    source: &crate::source::Source,
    config: Option<&Config>,
    style: &Style,
) -> Result<Segment, Refusal> {
    let mut out = Segment {
        lines: Vec::new(),
        edge: false,
        no_parser: false,
    };
    let Some(config) = config else {
        return Ok(out);
    };
    let unread = |span: swc_core::common::Span| refuse(source, Reason::ConfigExport, &span, "");
    for (name, value) in entries(config.object).map_err(unread)? {
        match (name.as_str(), bare(value)) {
            ("api", Expr::Object(api)) => {
                for (name, value) in entries(api).map_err(unread)? {
                    match (name.as_str(), bare(value)) {
                        ("bodyParser", Expr::Lit(Lit::Bool(on))) => out.no_parser = !on.value,
                        ("bodyParser", Expr::Object(parser)) => {
                            for (name, value) in entries(parser).map_err(unread)? {
                                if name != "sizeLimit" {
                                    return Err(refuse(source, Reason::ConfigExport, value, name));
                                }
                            }
                        }
                        ("externalResolver" | "responseLimit", _) => {}
                        _ => return Err(refuse(source, Reason::ConfigExport, value, name)),
                    }
                }
            }
            ("runtime", value) => match string(value).as_deref() {
                Some("edge" | "experimental-edge") => {
                    out.edge = true;
                    out.lines
                        .push(format!("export const runtime = {}", style.string("edge")));
                }
                Some("nodejs") => {}
                _ => return Err(refuse(source, Reason::ConfigExport, value, name)),
            },
            // Hosts ask it of API routes; a Route Handler may stream on all of them.
            ("supportsResponseStreaming", Expr::Lit(Lit::Bool(_))) => {}
            ("maxDuration", Expr::Lit(Lit::Num(seconds))) => {
                out.lines
                    .push(format!("export const maxDuration = {}", seconds.value));
            }
            ("regions", value @ (Expr::Array(_) | Expr::Lit(_))) => {
                out.lines.push(format!(
                    "export const preferredRegion = {}",
                    source.text_of(value)
                ));
            }
            _ => return Err(refuse(source, Reason::ConfigExport, value, name)),
        }
    }
    Ok(out)
}

/// Whether the file runs on the Edge Runtime, where handlers take and give web objects already.
pub fn is_edge(config: Option<&Config>) -> bool {
    let Some(config) = config else {
        return false;
    };
    entries(config.object).is_ok_and(|entries| {
        entries.iter().any(|(name, value)| {
            name == "runtime"
                && matches!(string(value).as_deref(), Some("edge" | "experimental-edge"))
        })
    })
}

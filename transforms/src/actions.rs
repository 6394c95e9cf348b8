//! A route's mutations as Server Actions: which methods, in which file, called how. Gives
//! the whole of it, or says why not; the route is then a route handler like any other.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide;
use crate::edit::Edits;
use crate::emit::call_site::{self, ActionRef, Contract, Param};
use crate::emit::carrier::{ActionMode, Bodies};
use crate::emit::helpers;
use crate::emit::route_handler::{self, RouteFile, Surroundings};
use crate::facts::api_module::ApiModule;
use crate::facts::call::{Call, Sends};
use crate::facts::effect::{Effect, Kind};
use crate::facts::route::{Route, app_dir};
use crate::flow::Reading;
use crate::handler::{Group, Handler, sole_call};
use crate::modules::Shared;
use crate::naming;
use crate::next_version::Feature;
use crate::outcome::{Evidence, Place};
use crate::project::{App, Project};
use crate::surroundings::{directory, rebase, specifier};
use crate::wishes::Wishes;
use crate::{ActionName, Settings};

/// The Server Actions of a route.
pub struct Actions {
    /// The file that they go to.
    pub path: String,
    /// Its text.
    pub file: RouteFile,
    /// The names by method.
    pub names: BTreeMap<String, String>,
    /// What is left for the route file.
    pub rest: Option<RouteFile>,
    /// Edits of the callers.
    pub callers: BTreeMap<String, Edits>,
    /// The actions that each caller imports.
    pub refs: BTreeMap<String, Vec<ActionRef>>,
}

/// What actions are planned from.
pub struct Request<'r, 'a> {
    /// The project.
    pub project: &'r Project,
    /// The app.
    pub app: &'r App,
    /// The route.
    pub route: &'r Route,
    /// The API file.
    pub module: &'r ApiModule<'a>,
    /// What it does for each method.
    pub handler: &'r Handler<'a>,
    /// Who calls it.
    pub calls: &'r [&'r Call],
    /// The short file names that two routes would share.
    pub shared_names: &'r BTreeSet<String>,
    /// What the user wants of the route.
    pub wishes: &'r Wishes,
    /// What the user wants of the app.
    pub settings: &'r Settings,
}

/// Plans the actions of a route.
///
/// # Errors
/// The evidence against, when there is no method that surely can be an action; empty when the
/// callers of every method speak against it already.
pub fn plan(request: &Request, around: &Surroundings) -> Result<Actions, Vec<Evidence>> {
    let against = |what: String, place: Option<Place>| {
        vec![Evidence {
            for_action: false,
            what,
            place,
        }]
    };
    let (methods, mixed) = candidates(request);
    if methods.is_empty() {
        return Err(match mixed {
            true => against("several methods have the same code".to_string(), None),
            false => Vec::new(),
        });
    }
    if !around.next.has(Feature::ServerActions) {
        let why = "the app's Next.js has no Server Actions yet: they came with 14.0";
        return Err(against(why.to_string(), None));
    }
    let calls: Vec<&Call> = request
        .calls
        .iter()
        .copied()
        .filter(|call| {
            call.method
                .as_ref()
                .is_some_and(|method| methods.contains(method))
        })
        .collect();
    if let Some(call) = calls
        .iter()
        .find(|call| !understands(request.handler, call.sends))
    {
        let why = "the handler takes the body for something else than what is sent";
        return Err(against(why.to_string(), Some(call.place.clone())));
    }
    let silent = |group: &Group| {
        let becomes = group.methods.iter().any(|method| methods.contains(method));
        becomes && group.reading.falls
    };
    if request.handler.groups.iter().any(silent) {
        return Err(against(
            "the handler has a path without an answer".to_string(),
            None,
        ));
    }
    if let Some(config) = &request.module.config {
        let (source, at) = (request.module.source, &config.statement);
        let place = Place::new(&source.path, &source.text, at.start, at.end);
        return Err(against(
            "the route has settings of its own".to_string(),
            Some(place),
        ));
    }
    let mut names = BTreeMap::new();
    for method in &methods {
        let name = match given_name(request, method) {
            None => free_name(
                request.module,
                &naming::action(request.route, method),
                &names,
            ),
            Some(given) if is_taken(request.module, &given.name, &names) => {
                let why = format!("its file has another {} already", given.name);
                return Err(against(why, Some(given.place.clone())));
            }
            Some(given) => given.name.clone(),
        };
        names.insert(method.clone(), name);
    }
    let extension = if request.module.source.typescript() {
        "ts"
    } else {
        "js"
    };
    let short = naming::file(request.route);
    let file = if request.shared_names.contains(&short) {
        naming::long_file(request.route)
    } else {
        short
    };
    let file = naming::plain(file);
    let dir = directory_of(request.app, request.settings).ok_or_else(Vec::new)?;
    let path = match dir.is_empty() {
        true => format!("{file}.{extension}"),
        false => format!("{dir}/{file}.{extension}"),
    };
    if request.project.files.contains_key(&path) {
        return Err(against(format!("{path} exists"), None));
    }
    let old_dir = directory(&request.route.file).to_string();
    let new_dir = directory(&path).to_string();
    let mut modes = BTreeMap::new();
    let mut fails: BTreeMap<String, bool> = BTreeMap::new();
    for (method, name) in &names {
        let mut calls = calls.clone();
        calls.retain(|call| call.method.as_ref() == Some(method));
        let (contract, errors) = contract(request, method, &calls);
        let handler = request.handler;
        let groups = handler.groups.iter();
        let wrappers: Vec<&Shared> = groups
            .filter(|group| group.methods.contains(method))
            .flat_map(|group| &group.wrappers)
            .map(|at| &*handler.wrappers[*at])
            .collect();
        // A body that is read whatever the status was made the caller's promise fail where there was none.
        let blind = |call: &Call| {
            let reads = call.reads;
            call_site::fails(call).is_none() && reads.json && !reads.ok && !reads.status
        };
        let full = contract == Contract::Result && calls.iter().any(|call| blind(call));
        // A client that rejects does so for whatever the handler throws.
        let quiet = |call: &Call| call_site::fails(call).is_some_and(|failure| !failure.seen);
        if full && !calls.iter().all(|call| blind(call) || quiet(call)) {
            let why = "callers read the answer in ways that no one result serves";
            return Err(against(why.to_string(), None));
        }
        let rejects = full || calls.iter().all(|call| quiet(call));
        let of_error = |call: &&Call| call.reads.json && call_site::fails(call).is_none();
        let error_data = calls.iter().any(of_error);
        let reads = |call: &&Call| call.reads.json && call_site::fails(call).is_some();
        fails.insert(method.clone(), errors || !rejects);
        let mode = ActionMode {
            contract,
            rejects,
            error_data,
            bodies: match () {
                () if full => Bodies::All,
                () if calls.iter().any(reads) => Bodies::Success,
                () => Bodies::Any,
            },
            data: contract == Contract::Data || calls.iter().any(|call| call.reads.json),
            body_type: body_type(request.project, &calls),
            method: method.clone(),
            name: name.clone(),
            wrapped: !wrappers.is_empty(),
            context: wrappers.iter().any(|shared| shared.in_action.context),
        };
        modes.insert(method.clone(), mode);
    }
    let refusals = |refusals: Vec<crate::outcome::Refusal>| -> Vec<Evidence> {
        refusals
            .into_iter()
            .map(|refusal| {
                let what = if refusal.detail.is_empty() {
                    refusal.reason.what().to_string()
                } else {
                    refusal.detail
                };
                Evidence {
                    for_action: false,
                    what: format!("the handler {what}"),
                    place: Some(refusal.place),
                }
            })
            .collect()
    };
    let helper_file = helpers::path(request.project, request.app);
    let action_around = Surroundings {
        route: around.route,
        next: around.next,
        cache_components: around.cache_components,
        pages: around.pages,
        helper_specifier: specifier(
            request.app,
            &new_dir,
            &helper_file,
            &request.module.source.text,
        ),
        rebase: &|specifier| rebase(&old_dir, &new_dir, specifier),
        methods: Some(methods.clone()),
        actions: Some(modes.clone()),
        names: around.names,
    };
    let written =
        route_handler::write(request.module, request.handler, &action_around).map_err(refusals)?;
    let others: BTreeSet<String> = request
        .handler
        .groups
        .iter()
        .flat_map(|group| group.methods.clone())
        .filter(|method| !methods.contains(method))
        .collect();
    let whole = request.handler.any_method || others.is_empty();
    let rest = if whole {
        None
    } else {
        let rest_around = Surroundings {
            route: around.route,
            next: around.next,
            cache_components: around.cache_components,
            pages: around.pages,
            helper_specifier: around.helper_specifier.clone(),
            rebase: around.rebase,
            methods: Some(others),
            actions: None,
            names: around.names,
        };
        Some(
            route_handler::write(request.module, request.handler, &rest_around)
                .map_err(refusals)?,
        )
    };
    let shares = |rest: &RouteFile| shares_code(request.module, [&written.text, &rest.text]);
    if rest.as_ref().is_some_and(shares) {
        return Err(against(
            "shares code with methods that stay".to_string(),
            None,
        ));
    }
    let mut callers: BTreeMap<String, Edits> = BTreeMap::new();
    let mut refs: BTreeMap<String, Vec<ActionRef>> = BTreeMap::new();
    for call in calls {
        let file = &call.place.file;
        let method = call.method.clone().unwrap_or_default();
        let Some((slugs, body)) = written.params.get(&method) else {
            return Err(against(
                "no such method".to_string(),
                Some(call.place.clone()),
            ));
        };
        let mut params: Vec<Param> = slugs.iter().cloned().map(Param::Path).collect();
        if *body {
            params.push(Param::Body);
        }
        let text = request
            .project
            .files
            .get(file)
            .and_then(|file| file.text.clone());
        let Some(text) = text else {
            return Err(against(
                "its text is not at hand".to_string(),
                Some(call.place.clone()),
            ));
        };
        let action = ActionRef {
            name: names[&method].clone(),
            specifier: specifier(request.app, directory(file), &path, &text),
            contract: modes[&method].contract,
            fails: fails[&method],
            params,
        };
        let source = request
            .project
            .parse(file, text)
            .map_err(|error| against(error.message, Some(call.place.clone())))?;
        let edits = call_site::rewrite(&source, call, &action)
            .map_err(|(place, words)| against(words, Some(place)))?;
        callers.entry(file.clone()).or_default().extend(edits);
        let list = refs.entry(file.clone()).or_default();
        if !list.contains(&action) {
            list.push(action);
        }
    }
    Ok(Actions {
        path,
        file: written,
        names,
        rest,
        callers,
        refs,
    })
}

/// Whether the handler takes the body for what is sent: text without a JSON type was a string to it,
/// and JSON a value. An action's argument is always the value.
fn understands(handler: &Handler, sends: Sends) -> bool {
    let carriers = handler.carriers.iter().map(|(_, _, reading)| reading);
    let readings = handler.groups.iter().map(|group| &group.reading);
    readings
        .chain(carriers)
        .flat_map(|reading| &reading.effects)
        .all(|effect| match &effect.kind {
            Kind::ReadBody { json_text: true } => sends != Sends::Json,
            Kind::ReadBody { json_text: false } => sends != Sends::Text,
            Kind::DestructureRequest { parts, nested, .. } => {
                let takes = parts.iter().any(|(part, _)| part == "body")
                    || nested.iter().any(|(part, _)| part == "body");
                !takes || sends != Sends::Text
            }
            _ => true,
        })
}

/// The methods that every sign says can be actions, and whether there are more that share
/// their code with others in use.
fn candidates(request: &Request) -> (BTreeSet<String>, bool) {
    let mut found = BTreeSet::new();
    let mut mixed = false;
    let hopeful = |method: &String| {
        let evidence = decide::evidence(request.calls, method);
        evidence.iter().all(|evidence| evidence.for_action) && !request.wishes.is_external(method)
    };
    for group in &request.handler.groups {
        let called: Vec<&String> = group
            .methods
            .iter()
            .filter(|method| {
                request
                    .calls
                    .iter()
                    .any(|call| call.method.as_ref() == Some(method))
            })
            .collect();
        // A function for several methods becomes one action, so only one of them may be in use.
        let one = match called[..] {
            [method] if request.handler.any_method => request
                .calls
                .iter()
                .all(|call| call.method.as_ref() == Some(method)),
            [_] => group.methods.len() == 1,
            _ => false,
        };
        let hopeful = called.into_iter().filter(|method| hopeful(method));
        match one {
            true => found.extend(hopeful.cloned()),
            false => mixed |= hopeful.count() > 0,
        }
    }
    (found, mixed)
}

/// The smallest contract that serves the callers of a method, given what the handler answers; and
/// whether it answers errors.
fn contract(request: &Request, method: &str, calls: &[&Call]) -> (Contract, bool) {
    let least = call_site::contract(calls);
    let handler = request.handler;
    let own = |group: &&Group| group.methods.iter().any(|own| own == method);
    let groups: Vec<&Group> = handler.groups.iter().filter(own).collect();
    // What is handed everything becomes the action itself.
    let delegates = |group: &Group| {
        let sole = sole_call(request.module.source, &group.function, &group.reading);
        sole.is_some_and(|callee| callee.local().is_some())
    };
    let direct = groups.iter().filter(|group| !delegates(group));
    let mut readings: Vec<&Reading> = direct.map(|group| &group.reading).collect();
    let reached = route_handler::reached(handler, &groups);
    let carriers = handler.carriers.iter();
    let carriers = carriers.filter(|(name, ..)| reached.contains(name));
    readings.extend(carriers.map(|(_, _, reading)| reading));
    let effects: Vec<&Effect> = readings
        .iter()
        .flat_map(|reading| &reading.effects)
        .collect();
    // What a function answers goes through as it is.
    let handed = effects
        .iter()
        .any(|effect| matches!(effect.kind, Kind::CallCarrier { form: Some(_), .. }));
    let wrapped = groups.iter().any(|group| !group.wrappers.is_empty());
    let fails = |effect: &Effect| match &effect.kind {
        Kind::Reply(reply) => reply
            .status
            .is_some_and(|status| !matches!(crate::syntax::number(status), Some(200..=299))),
        kind => matches!(kind, Kind::Guard { .. }),
    };
    let errors = handed || wrapped || effects.iter().any(|effect| fails(effect));
    let mut failures = calls.iter().map(|call| call_site::fails(call));
    let rejecting = failures.clone().flatten().count();
    let seen = failures.any(|failure| failure.is_some_and(|failure| failure.seen));
    let mixed = rejecting > 0 && rejecting < calls.len();
    let contract = match least {
        Contract::Data if errors || seen => Contract::Result,
        Contract::Nothing if handed => Contract::Result,
        // The call site throws for what the handler answers.
        Contract::Nothing if rejecting > 0 && (errors || seen || mixed) => Contract::Result,
        least => least,
    };
    (contract, errors)
}

/// The directory that the Server Actions of an app go to.
pub fn directory_of(app: &App, settings: &Settings) -> Option<String> {
    let own = settings.actions.clone();
    own.or_else(|| Some(format!("{}/actions", app_dir(app)?)))
}

/// The name that the user gives to the action for a method.
fn given_name<'r>(request: &Request<'r, '_>, method: &str) -> Option<&'r ActionName> {
    let mut names = request.settings.names.iter();
    names.find(|given| given.route == request.route.path && given.method == method)
}

/// Whether the API file, or another of its actions, has a name already.
fn is_taken(module: &ApiModule, name: &str, taken: &BTreeMap<String, String>) -> bool {
    let names = crate::syntax::Names::of(module.source, &module.source.module);
    names.all.iter().any(|((sym, _), _)| sym == name) || taken.values().any(|other| other == name)
}

/// A name that the API file does not bind.
fn free_name(module: &ApiModule, wanted: &str, taken: &BTreeMap<String, String>) -> String {
    let used = |name: &str| is_taken(module, name, taken);
    let mut name = wanted.to_string();
    if used(&name) {
        name = format!("{wanted}Action");
    }
    let mut number = 2;
    while used(&name) {
        name = format!("{wanted}Action{number}");
        number += 1;
    }
    name
}

/// Whether the module has state or statements of its own that both files would need, or that
/// neither would have.
fn shares_code(module: &ApiModule, texts: [&str; 2]) -> bool {
    use swc_core::ecma::ast::*;
    let has = |text: &str, name: &str| {
        let mut words =
            text.split(|char: char| !char.is_alphanumeric() && char != '_' && char != '$');
        words.any(|word| word == name)
    };
    let files = |name: &str| texts.iter().filter(|text| has(text, name)).count();
    let both = |name: &str| files(name) == 2;
    module.source.items().iter().any(|item| match item {
        ModuleItem::Stmt(Stmt::Decl(Decl::Var(variables))) => {
            variables.decls.iter().any(|declarator| {
                let stays = variables.kind == VarDeclKind::Const
                    && declarator.init.as_deref().is_some_and(is_same_twice);
                let mut names = Vec::new();
                crate::syntax::bound_names(&declarator.name, &mut names);
                !stays && names.iter().any(|name| files(&name.0) != 1)
            })
        }
        ModuleItem::Stmt(Stmt::Decl(Decl::Class(class))) => both(&class.ident.sym),
        ModuleItem::Stmt(Stmt::Decl(_)) => false,
        ModuleItem::Stmt(_) => true,
        ModuleItem::ModuleDecl(_) => false,
    })
}

/// Whether a constant of two files is the same in both: no object that one of them could change,
/// nothing that is another value each time.
fn is_same_twice(init: &swc_core::ecma::ast::Expr) -> bool {
    use swc_core::ecma::ast::*;
    match crate::syntax::bare(init) {
        Expr::Lit(Lit::Regex(_)) => false,
        Expr::Lit(_) | Expr::Ident(_) | Expr::Arrow(_) | Expr::Fn(_) => true,
        Expr::Tpl(template) => template.exprs.iter().all(|part| is_same_twice(part)),
        Expr::Bin(both) => is_same_twice(&both.left) && is_same_twice(&both.right),
        Expr::Unary(unary) => is_same_twice(&unary.arg),
        Expr::Member(access) => {
            matches!(access.prop, MemberProp::Ident(_)) && is_same_twice(&access.obj)
        }
        _ => false,
    }
}

/// The type of the body, from what the first caller with an object literal sends.
fn body_type(project: &Project, calls: &[&Call]) -> String {
    let fields = calls.iter().find_map(|call| {
        let shape = call.rewrite.as_ref().ok()?;
        let fields = shape.body.as_ref()?.fields.as_ref()?;
        let text = project.files.get(&call.place.file)?.text.as_ref()?;
        let list: Vec<String> = fields
            .iter()
            .map(|field| {
                format!(
                    "{}: {}",
                    field.name,
                    field_type(text, &text[field.value.clone()])
                )
            })
            .collect();
        Some(list)
    });
    match fields {
        Some(fields) if !fields.is_empty() => format!("{{ {} }}", fields.join("; ")),
        _ => "any".to_string(),
    }
}

/// The type of an expression in a caller, as far as the caller's own text says it.
fn field_type(text: &str, value: &str) -> &'static str {
    let value = value.trim();
    if value.starts_with(['"', '\'', '`'])
        || value.ends_with(".trim()")
        || value.ends_with("target.value")
    {
        return "string";
    }
    if value.parse::<f64>().is_ok()
        || value.starts_with("Number(")
        || value.starts_with("parseInt(")
    {
        return "number";
    }
    if matches!(value, "true" | "false") || value.starts_with('!') {
        return "boolean";
    }
    let name = value.rsplit('.').next().unwrap_or(value);
    if !name
        .chars()
        .all(|char| char.is_alphanumeric() || char == '_')
        || name.is_empty()
    {
        return "any";
    }
    for (primitive, initials) in [
        ("string", ["''", "\"\"", "``"]),
        ("number", ["0", "1", "-1"]),
        ("boolean", ["false", "true", "false"]),
    ] {
        let state = text
            .find(&format!("[{name}, set"))
            .and_then(|at| text[at..].find("useState").map(|state| &text[at + state..]));
        let declared = state.is_some_and(|state| {
            state.starts_with(&format!("useState<{primitive}>"))
                || initials
                    .iter()
                    .any(|initial| state.starts_with(&format!("useState({initial})")))
        });
        if declared || text.contains(&format!("{name}: {primitive}")) && !value.contains('(') {
            return primitive;
        }
    }
    "any"
}

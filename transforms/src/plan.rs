//! Decisions to file changes. Each route is a unit: any failure in one of its edits turns
//! the whole route into a refusal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::actions::{self, Actions};
use crate::aside;
use crate::bridge;
use crate::clients;
use crate::config_headers::{ConfigHeaders, RouteHeaders};
use crate::decide;
use crate::directives;
use crate::edit::Edits;
use crate::emit::bridge as adapter;
use crate::emit::call_site::{self, ActionRef};
use crate::emit::carrier::Helper;
use crate::emit::helpers;
use crate::emit::imports;
use crate::emit::layout::lay_out;
use crate::emit::route_handler::{self, RouteFile, Surroundings};
use crate::emit::shared_module::{self, SharedModule};
use crate::emit::style::Style;
use crate::facts::api_module::{ApiModule, Outline, refuse_at};
use crate::facts::call::{Call, RouteKey};
use crate::facts::route::Route;
use crate::handler;
use crate::importers;
use crate::injected_handler;
use crate::libraries::chain::{self, AsHandler, Kitchen};
use crate::libraries::cors_calls;
use crate::modules::{Key, Modules, Sources};
use crate::not_found::{self, NotFound};
use crate::outcome::*;
use crate::own_wrapper;
use crate::passed_on::{self, Lists};
use crate::project::{App, Formatting, Project};
use crate::reason::{Note, Reason};
use crate::recipes;
use crate::reexported;
use crate::revalidation::Pages;
use crate::shared_exports::{self, Split};
use crate::shared_forms::{self, Names};
use crate::source::Source;
use crate::surroundings::{self, directory};
use crate::syntax::string;
use crate::wishes::Wishes;
use crate::{Bridge, Options, Settings};

/// A route's change before it is settled with those of the others.
struct Unit {
    route: Route,
    old: Arc<str>,
    /// The route file, when anything is left for one.
    file: Option<RouteFile>,
    /// The Server Actions.
    actions: Option<Actions>,
    /// Why there are none.
    against: Vec<Evidence>,
    /// Edits of files that import the API file.
    importers: Vec<(String, Edits)>,
    /// The module that what the API file exported beside its handler goes to.
    shared: Option<Split>,
    /// The functions of other modules that it calls.
    calls: BTreeSet<Key>,
    /// Why the handler could not be rewritten, when it runs behind the adapter instead.
    bridged: Option<Vec<Refusal>>,
}

/// A route's change, or why it is left.
type Planned = Result<Unit, Vec<Refusal>>;

/// What a handler becomes.
struct Carried {
    file: Option<RouteFile>,
    actions: Option<Actions>,
    against: Vec<Evidence>,
    bridged: Option<Vec<Refusal>>,
}

/// The routes of every app, and who calls them.
pub struct Callers {
    /// The routes as callers see them.
    pub keys: Vec<RouteKey>,
    /// The places that name them.
    pub calls: Vec<Call>,
}

impl Callers {
    /// Finds every place that names a route of the project.
    pub fn collect(project: &Project) -> Callers {
        let mut keys = Vec::new();
        for (index, app) in project.apps.iter().enumerate() {
            let routes = project.files.keys().filter_map(|file| Route::of(app, file));
            keys.extend(routes.map(|route| RouteKey {
                route: route.path,
                app: index,
            }));
        }
        let calls = clients::collect(project, &keys);
        Callers { keys, calls }
    }

    /// The places that name a route, or could.
    pub fn of(&self, app: usize, route: &str) -> Vec<&Call> {
        let Some(key) = self
            .keys
            .iter()
            .position(|key| key.app == app && key.route == route)
        else {
            return Vec::new();
        };
        self.calls
            .iter()
            .filter(|call| call.routes.contains(&key))
            .collect()
    }
}

/// Plans one app.
pub fn app(
    project: &Project,
    index: usize,
    callers: &Callers,
    options: &Options,
    changes: &mut BTreeMap<String, Change>,
) -> AppOutcome {
    let app = &project.apps[index];
    let settings = options.of(index);
    let mut outcome = AppOutcome {
        dir: app.dir.clone(),
        ..Default::default()
    };
    outcome.refusals = surroundings::app_refusals(app);
    let not_found = not_found::look(project, app);
    if let NotFound::Lost(refusal) = &not_found
        && outcome.refusals.is_empty()
    {
        let mut accepted = settings.accept.iter();
        match accepted.any(|(reason, _)| *reason == refusal.reason) {
            true => outcome.accepted.push(refusal.reason),
            false => outcome.refusals.push(refusal.clone()),
        }
    }
    let routes: Vec<Route> = project
        .files
        .keys()
        .filter_map(|file| Route::of(app, file))
        .filter(|route| options.selects(&route.path))
        .collect();
    let asked: BTreeMap<&str, Asked> = routes
        .iter()
        .map(|route| (route.file.as_str(), asked(project, route, &settings)))
        .collect();
    let wishes = |route: &Route| -> &Wishes { &asked[route.file.as_str()].wishes };
    if !outcome.refusals.is_empty() {
        let left = |route: &Route| {
            route_outcome(
                route,
                Err(outcome.refusals.clone()),
                &callers.of(index, &route.path),
                wishes(route),
            )
        };
        outcome.routes = routes.iter().map(left).collect();
        return outcome;
    }
    let shared_names = shared_names(&routes);
    let doubled: BTreeSet<String> = doubled(&routes);
    let pages = Pages::of(project, app);
    let configured = ConfigHeaders::read(project, app);
    let sources = Sources::new(project);
    let next = app.next.expect("apps without a version are left");
    let modules = Modules::new(&sources, next, &pages);
    let loads = match options.bridge {
        Bridge::Off => aside::Loads::default(),
        _ => aside::Loads::new(project),
    };
    let looked = bridge::Looked::default();
    let plan = |route: &Route, text: Option<Arc<str>>, names: &Names| {
        let job = Job {
            modules: &modules,
            names,
            project,
            app,
            route,
            calls: &callers.of(index, &route.path),
            shared_names: &shared_names,
            options,
            wishes: wishes(route),
            settings: &settings,
            loads: &loads,
            looked: &looked,
            pages: &pages,
            headers: &configured.of_route(&route.path),
            chained: false,
        };
        unit(&job, text)
    };
    let every = |names: &Names, refused: &Refused| -> Vec<(Route, Planned)> {
        let mut results: Vec<(Route, Planned)> = routes
            .par_iter()
            .map(|route| {
                let refusals = match (
                    &asked[route.file.as_str()].refusal,
                    doubled.contains(&route.path),
                ) {
                    (Some(refusal), _) => Some(vec![refusal.clone()]),
                    (None, true) => Some(vec![Refusal {
                        reason: Reason::DuplicateRoute,
                        place: Place::file_start(&route.file),
                        detail: route.path.clone(),
                    }]),
                    (None, false) => refused.get(&route.file).cloned(),
                };
                let unit = match refusals {
                    Some(refusals) => Err(refusals),
                    None => plan(route, None, names),
                };
                (route.clone(), unit)
            })
            .collect();
        results.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path).then_with(|| a.file.cmp(&b.file)));
        refuse_clashes(&mut results);
        refuse_shared_state(project, app, &mut results);
        compose(project, &mut results, &|route, text| {
            plan(route, text, names)
        });
        results
    };
    let (results, shared) = with_shared(project, app, &modules, &every);
    let mut whole = Whole::default();
    for (route, result) in results {
        let settled = result.and_then(|unit| settle(project, unit, changes, &mut whole));
        let calls = callers.of(index, &route.path);
        let settled = route_outcome(&route, settled, &calls, wishes(&route));
        outcome.routes.push(settled);
    }
    for (path, module) in shared {
        whole.helpers.extend(&module.helpers);
        whole.style.get_or_insert(module.style);
        let old = project.files[&path].text.as_deref().unwrap_or_default();
        if module.text == old {
            continue;
        }
        // What it imports of routes that move changes, too.
        let moved = whole
            .edits
            .get(&path)
            .and_then(|edits| edits.transferred(old, &module.text));
        if moved.is_some() {
            whole.edits.remove(&path);
        }
        let change = Change::Modify {
            path: path.clone(),
            old: old.to_string(),
            new: moved.unwrap_or(module.text),
        };
        changes.insert(path, change);
    }
    for (path, mut edits) in whole.edits {
        let Some(old) = project.files.get(&path).and_then(|file| file.text.clone()) else {
            continue;
        };
        let source = project.parse(&path, old.clone()).ok();
        if let (Some(source), Some(refs)) = (&source, whole.refs.get(&path)) {
            edits.extend(call_site::imports(source, &refs.iter().collect::<Vec<_>>()));
        }
        if let Ok(mut new) = edits.render(&old, 0..old.len()) {
            if let Some(source) = &source {
                if whole.refs.contains_key(&path) {
                    new = without_lost_imports(project, source, new);
                }
                new = lay_out(source, new);
            }
            changes.insert(
                path.clone(),
                Change::Modify {
                    path,
                    old: old.to_string(),
                    new,
                },
            );
        }
    }
    if outcome.routes.iter().any(|route| route.target.is_some()) {
        match not_found {
            NotFound::Stays => {}
            NotFound::Carried(files) => {
                let files = files.into_iter();
                let new = |(path, new): (String, String)| {
                    let change = Change::Create {
                        path: path.clone(),
                        new,
                    };
                    (path, change)
                };
                changes.extend(files.map(new));
            }
            NotFound::Bare | NotFound::Lost(_) => outcome.notes.push(Note::NextNotFound),
        }
    }
    if !whole.helpers.is_empty() {
        let path = helpers::path(project, app);
        let there = project.files.get(&path).and_then(|file| file.text.clone());
        let style = there
            .as_ref()
            .and_then(|text| project.parse(&path, text.clone()).ok())
            .map(|source| Style::of(&source));
        let style = style.or(whole.style).unwrap_or_default();
        // What an earlier run has written grows.
        let own = there.as_deref().map(helpers::of).unwrap_or_default();
        let all = whole.helpers.union(&own).copied().collect();
        let new = helpers::module(&all, app.typescript, &style);
        match there {
            Some(_) if all == own => {}
            Some(old) => {
                let old = old.to_string();
                changes.insert(path.clone(), Change::Modify { path, old, new });
            }
            None => {
                changes.insert(path.clone(), Change::Create { path, new });
            }
        }
    }
    let path = surroundings::lib_file(project, app, adapter::FILE);
    if let Some((style, formatting)) = whole.bridge
        && !project.files.contains_key(&path)
    {
        let text = adapter::module(app.typescript, &style, formatting);
        changes.insert(path.clone(), Change::Create { path, new: text });
    }
    outcome
}

/// What the user wants of a route, or why that cannot be told or done.
struct Asked {
    wishes: Wishes,
    refusal: Option<Refusal>,
}

/// Reads what the user wants of a route.
fn asked(project: &Project, route: &Route, settings: &Settings) -> Asked {
    let file = &project.files[&route.file];
    let text = file.text.as_ref().filter(|text| directives::mentions(text));
    // A file that does not parse is left for that.
    let source = text.and_then(|text| project.parse(&route.file, text.clone()).ok());
    let read = source.map(|source| directives::read(&source, route));
    let (comments, refusal) = match read {
        None => (Vec::new(), None),
        Some(Ok(wishes)) => (wishes, None),
        Some(Err(refusal)) => (Vec::new(), Some(refusal)),
    };
    let wishes = Wishes::of(&route.path, settings.wishes.iter().chain(&comments));
    let kept = wishes.keep().map(|wish| Refusal {
        reason: Reason::Kept,
        place: match wish.origin.place() {
            Some(place) => place.clone(),
            None => Place::file_start(&route.file),
        },
        detail: String::new(),
    });
    Asked {
        refusal: refusal.or(kept),
        wishes,
    }
}

/// A caller's new text without the imports that only the requests needed.
fn without_lost_imports(project: &Project, old: &Source, new: String) -> String {
    let Ok(source) = project.parse(&old.path, Arc::from(new.as_str())) else {
        return new;
    };
    let mut edits = Edits::default();
    imports::remove_lost(&source, &imports::used_names(old), &mut edits);
    edits.render(&new, 0..new.len()).unwrap_or(new)
}

/// Routes that are left for what came out of planning others, by their files.
type Refused = BTreeMap<String, Vec<Refusal>>;

/// Plans every route.
type Every<'e> = dyn Fn(&Names, &Refused) -> Vec<(Route, Planned)> + 'e;

/// Plans the routes together with the functions of other modules that they call: first as if each
/// of these kept its old form, to see what still mentions it, then with those that do. A
/// function that cannot be written takes its routes with it, and the rest is planned again.
fn with_shared(
    project: &Project,
    app: &App,
    modules: &Modules,
    every: &Every,
) -> (Vec<(Route, Planned)>, BTreeMap<String, SharedModule>) {
    let mut refused = Refused::new();
    loop {
        let mut results = every(&Names::All, &refused);
        if !results
            .iter()
            .any(|(_, unit)| unit.as_ref().is_ok_and(|unit| !unit.calls.is_empty()))
        {
            return (results, BTreeMap::new());
        }
        if refuse_two_roles(modules, &mut results, &mut refused) {
            continue;
        }
        let names = {
            let movers: Vec<shared_forms::Mover> = results
                .iter()
                .filter_map(|(route, unit)| Some((route, unit.as_ref().ok()?)))
                .map(|(route, unit)| shared_forms::Mover {
                    file: &route.file,
                    calls: &unit.calls,
                    text: unit.file.as_ref().map_or("", |file| &file.text),
                })
                .collect();
            Names::Some(shared_forms::names(project, modules, &movers))
        };
        let Some(lists) = passed_on(modules, &results, &names, &mut refused) else {
            continue;
        };
        results = every(&names, &refused);
        let mut by_file: BTreeMap<String, BTreeSet<Key>> = BTreeMap::new();
        let calls = results.iter().filter_map(|(_, unit)| unit.as_ref().ok());
        for key in shared_forms::closure(modules, calls.flat_map(|unit| &unit.calls)) {
            by_file.entry(key.file.clone()).or_default().insert(key);
        }
        let mut written = BTreeMap::new();
        let mut failed: BTreeMap<String, Vec<Refusal>> = BTreeMap::new();
        for (file, keys) in &by_file {
            let helper_file = helpers::path(project, app);
            let specifier =
                |text: &str| surroundings::specifier(app, directory(file), &helper_file, text);
            let keys: Vec<&Key> = keys.iter().collect();
            let old = project.files.get(file).and_then(|old| old.text.clone());
            let old = old.unwrap_or_default();
            let home = |there: &str| surroundings::specifier(app, directory(file), there, &old);
            // A file that moves is not written where it was.
            let mut movers = results.iter().filter(|(_, unit)| unit.is_ok());
            if movers.any(|(route, _)| route.file == *file) {
                let refusal = Refusal {
                    reason: Reason::ImportedElsewhere,
                    place: Place::file_start(file),
                    detail: "another route calls its functions".to_string(),
                };
                failed.insert(file.clone(), vec![refusal]);
                continue;
            }
            match shared_module::write(modules, file, &keys, &names, &specifier, &home) {
                Ok(module) => {
                    written.insert(file.clone(), module);
                }
                Err(refusals) => {
                    failed.insert(file.clone(), refusals);
                }
            }
        }
        let grown = lists.write(modules);
        if failed.is_empty() {
            written.extend(
                grown
                    .into_iter()
                    .filter_map(|(file, text)| Some((file, text?))),
            );
            return (results, written);
        }
        for (route, unit) in &results {
            let Ok(unit) = unit else { continue };
            let used = shared_forms::closure(modules, &unit.calls);
            let why = used.iter().find_map(|key| failed.get(&key.file));
            if let Some(why) = why {
                refused.insert(route.file.clone(), why.clone());
            }
        }
    }
}

/// The modules that list what they pass on and that have to list more, because a web form has
/// another name; `None` where routes are refused, since what passes a function on cannot grow.
fn passed_on(
    modules: &Modules,
    results: &[(Route, Planned)],
    names: &Names,
    refused: &mut Refused,
) -> Option<Lists> {
    let before = refused.len();
    let mut lists = Lists::default();
    let units = results.iter().filter_map(|(_, unit)| unit.as_ref().ok());
    let forms = shared_forms::closure(modules, units.flat_map(|unit| &unit.calls));
    let mut written: BTreeSet<&String> = forms.iter().map(|key| &key.file).collect();
    written.extend(results.iter().map(|(route, _)| &route.file));
    for (route, unit) in results {
        let Ok(unit) = unit else { continue };
        let used = shared_forms::closure(modules, &unit.calls);
        let mut files: BTreeSet<&str> = used.iter().map(|key| key.file.as_str()).collect();
        files.insert(&route.file);
        for key in &used {
            let Some(new) = names.get(key) else { continue };
            let through = files
                .iter()
                .copied()
                .filter(|file| *file != key.file && !modules.passes_more(file, key));
            let grown = passed_on::between(modules, through, key).and_then(|listed| {
                let mut grown = Lists::default();
                grown.add(listed, &new);
                // What is written for other reasons is not written for this one.
                let apart = grown.files().all(|file| !written.contains(file));
                (apart && grown.fits(modules)).then_some(grown)
            });
            match grown {
                Some(grown) => lists.extend(grown),
                None => {
                    let refusal = Refusal {
                        reason: Reason::ResEscapes,
                        place: Place::file_start(&key.file),
                        detail: format!(
                            "{} is passed on by name, and something else uses it",
                            key.name
                        ),
                    };
                    refused.insert(route.file.clone(), vec![refusal]);
                }
            }
        }
    }
    (refused.len() == before).then_some(lists)
}

/// Refuses the routes that call one function in several ways; whether there are any.
fn refuse_two_roles(
    modules: &Modules,
    results: &mut [(Route, Planned)],
    refused: &mut Refused,
) -> bool {
    let mut first: BTreeMap<(String, String), Key> = BTreeMap::new();
    let before = refused.len();
    for (route, unit) in results {
        let Ok(unit) = unit else { continue };
        for key in shared_forms::closure(modules, &unit.calls) {
            let place = (key.file.clone(), key.name.clone());
            if *first.entry(place).or_insert_with(|| key.clone()) != key {
                let refusal = Refusal {
                    reason: Reason::ResEscapes,
                    place: Place::file_start(&key.file),
                    detail: format!("{} is called in two ways", key.name),
                };
                refused.insert(route.file.clone(), vec![refusal]);
            }
        }
    }
    refused.len() > before
}

/// Refuses the routes that share changing state with code that stays in the other router. What is
/// only remembered is remembered twice, as a note says.
fn refuse_shared_state(
    project: &Project,
    app: &App,
    results: &mut [(Route, Result<Unit, Vec<Refusal>>)],
) {
    let moving: BTreeSet<String> = results
        .iter()
        .filter(|(_, unit)| unit.is_ok())
        .map(|(route, _)| route.file.clone())
        .collect();
    let all = project
        .files
        .keys()
        .filter(|file| Route::of(app, file).is_some());
    let staying: BTreeSet<String> = all
        .filter(|file| !moving.contains(*file))
        .cloned()
        .collect();
    let shared = crate::shared_state::shared(project, app, &moving, &staying);
    for (route, result) in results {
        if let Ok(Unit {
            file: Some(file), ..
        }) = result
            && shared.memories.contains(&route.file)
        {
            let notes = file.notes.entry("*".to_string()).or_default();
            notes.insert(Note::ModuleState);
        }
        if let Some(module) = shared.stores.get(&route.file) {
            *result = Err(vec![Refusal {
                reason: Reason::SharedState,
                place: Place::file_start(&route.file),
                detail: module.clone(),
            }]);
        }
    }
}

/// Plans one route. `text` stands in for the file's own where imports of other API files
/// that move were updated. What keeps the file from being a route file only, because other modules
/// need it, does not keep the handler from being a module of its own that is bridged.
fn unit(job: &Job, text: Option<Arc<str>>) -> Planned {
    let planned = in_place(job, text.clone());
    let needed = |refusal: &Refusal| refusal.reason.is_shared_file();
    match planned {
        Err(refusals)
            if job.options.bridge != Bridge::Off
                && job.wishes.actions().next().is_none()
                && refusals.iter().all(needed) =>
        {
            aside(job, text, refusals)
        }
        planned => planned,
    }
}

/// Plans a route whose file becomes a module of its own, unchanged but for what it imports. `why` is
/// reported with it.
fn aside(job: &Job, text: Option<Arc<str>>, why: Vec<Refusal>) -> Planned {
    let &Job {
        project,
        app,
        route,
        ..
    } = job;
    let Some(old) = project.files[&route.file].text.clone() else {
        return Err(why);
    };
    let text = text.unwrap_or_else(|| old.clone());
    let Ok(source) = project.parse(&route.file, text.clone()) else {
        return Err(why);
    };
    let Ok(outline) = Outline::read(&source) else {
        return Err(why);
    };
    // What takes no response answers nothing: it only stands among the handlers.
    let answers = aside::takes_response(&outline);
    if route_handler::is_edge(outline.config.as_ref()) || !answers {
        return Err(why);
    }
    let both = |more: Vec<Refusal>| -> Vec<Refusal> { why.iter().cloned().chain(more).collect() };
    let path = aside::path(project, route);
    let importers = aside::repaired(project, app, route, &path, job.loads)?;
    if let Some(user) = aside::shares_state(&source, &importers) {
        return Err(both(vec![Refusal {
            reason: Reason::SharedState,
            place: Place::file_start(&route.file),
            detail: format!("{user} imports it"),
        }]));
    }
    let notes = bridge::look(&outline, project, app, job.headers, job.looked).map_err(both)?;
    let dirs = [&route.file, &route.target].map(|file| directory(file).to_string());
    let adapter_file = surroundings::lib_file(project, app, adapter::FILE);
    let specifier = surroundings::specifier(app, &dirs[1], &adapter_file, &source.text);
    let rebase = |specifier: &str| surroundings::rebase(&dirs[0], &dirs[1], specifier);
    let around = Surroundings {
        route,
        next: app.next.expect("apps without a version are left"),
        cache_components: app.config.cache_components,
        pages: job.pages,
        helper_specifier: String::new(),
        rebase: &rebase,
        methods: None,
        actions: None,
        names: job.names,
    };
    let stem = path
        .rsplit_once('.')
        .map_or(path.as_str(), |(stem, _)| stem);
    let handler = surroundings::relative(&dirs[1], stem);
    let file =
        adapter::write_aside(&outline, &around, &specifier, &handler, notes).map_err(both)?;
    check_parses(&source, &outline.default.0, &route.target, &file)?;
    let mut edits = Edits::default();
    for (range, new) in route_handler::relative_specifiers(&source, &rebase) {
        edits.replace(range, new);
    }
    let Ok(moved) = edits.render(&text, 0..text.len()) else {
        return Err(why);
    };
    let shared = Split {
        text: directives::without(&path, moved),
        path,
        rest: String::new(),
        moved: BTreeSet::new(),
        most: true,
        state: false,
    };
    Ok(Unit {
        route: route.clone(),
        old,
        calls: BTreeSet::new(),
        file: Some(file),
        actions: None,
        against: Vec::new(),
        importers,
        shared: Some(shared),
        bridged: Some(why),
    })
}

/// Plans one route whose file becomes the route file.
fn in_place(job: &Job, text: Option<Arc<str>>) -> Planned {
    let &Job {
        project,
        app,
        route,
        ..
    } = job;
    let file = &project.files[&route.file];
    let Some(old) = file.text.clone() else {
        let detail = file.unreadable.clone().unwrap_or_default();
        return Err(vec![Refusal {
            reason: Reason::Unreadable,
            place: Place::file_start(&route.file),
            detail,
        }]);
    };
    let text = text.unwrap_or_else(|| old.clone());
    if let Some(refusal) = surroundings::conflict(project, app, route) {
        return Err(vec![refusal]);
    }
    let source = project.parse(&route.file, text.clone()).map_err(|error| {
        vec![Refusal {
            reason: Reason::Unparsable,
            place: Place::new(&route.file, &text, error.at, error.at + 1),
            detail: error.message,
        }]
    })?;
    let is_own = |specifier: &str| {
        let imports = file.imports.iter();
        let mut resolved = imports.filter(|import| import.specifier == specifier);
        let resolved = resolved.find_map(|import| import.resolved.as_ref());
        resolved.is_some_and(|path| Route::of(app, path).is_none())
    };
    if let Some(written) = reexported::as_handler(&source, &is_own) {
        return in_place(job, Some(written.text.clone())).map_err(|refusals| {
            let moved = |refusal| written.refusal(&source, refusal);
            refusals.into_iter().map(moved).collect()
        });
    }
    let outline = Outline::read(&source).map_err(|refusal| vec![refusal])?;
    let kitchen = Kitchen {
        outline: &outline,
        modules: job.modules,
        specifier: &|file| surroundings::specifier(app, directory(&route.file), file, &text),
    };
    // Why a chain of middlewares is not written out, where its untouched handler may be bridged.
    let mut unchained = Vec::new();
    if job.options.bridge != Bridge::All
        && let Some(written) = cors_calls::as_handler(job.modules, &source)
    {
        match written
            .map_err(|refusal| vec![refusal])
            .and_then(|written| written_out(job, &source, written, job.chained))
        {
            Err(refusals) if job.options.bridge != Bridge::Off => unchained = refusals,
            planned => return planned,
        }
    }
    if job.options.bridge != Bridge::All
        && unchained.is_empty()
        && let Some(written) = chain::as_handler(&kitchen, job.options.strict)
    {
        match written
            .map_err(|refusal| vec![refusal])
            .and_then(|written| written_out(job, &source, written, true))
        {
            Err(refusals) if job.options.bridge != Bridge::Off => unchained = refusals,
            planned => return planned,
        }
    }
    if job.options.bridge != Bridge::All
        && unchained.is_empty()
        && let Some(written) =
            own_wrapper::as_handler(&kitchen).or_else(|| injected_handler::as_handler(&kitchen))
    {
        match written_out(job, &source, written, job.chained) {
            Err(refusals) if job.options.bridge != Bridge::Off => unchained = refusals,
            planned => return planned,
        }
    }
    let mut refusals = Vec::new();
    let shared = shared_exports::split(&outline, project, app, route).unwrap_or_else(|refusal| {
        refusals.push(refusal);
        None
    });
    let handler = outline.exported_handler();
    let homes = importers::Homes {
        route,
        module: shared.as_ref().map(|shared| shared.path.as_str()),
        moved: &shared
            .as_ref()
            .map(|shared| shared.moved.clone())
            .unwrap_or_default(),
        handler: handler.as_deref(),
    };
    let mut edits = Vec::new();
    for path in surroundings::importers(project, &route.file) {
        match importers::edits(project, app, &homes, path) {
            Ok(own) => edits.push((path.to_string(), own)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if shared.is_some() {
        refusals.extend(importers::mocked(project, app, route));
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let mut carried = carry_or_bridge(job, &source, outline, unchained)?;
    if let Some(shared) = &shared {
        // The handler is understood; what is left of the file is written.
        let refuse = |detail: String| {
            vec![Refusal {
                reason: Reason::NamedExport,
                place: Place::file_start(&route.file),
                detail,
            }]
        };
        let rest = project
            .parse(&route.file, Arc::from(shared.rest.as_str()))
            .map_err(|error| refuse(error.message))?;
        Source::parse(&shared.path, Arc::from(shared.text.as_str()))
            .map_err(|error| refuse(error.message))?;
        let outline = Outline::read(&rest).map_err(|refusal| refuse(refusal.detail))?;
        carried = match &carried.bridged {
            Some(why) => bridge_over(job, &rest, outline, why.clone()),
            None => carry(job, &rest, outline),
        }
        .map_err(|refusals| refuse(refusals[0].reason.what().to_string()))?;
        if let Some(file) = carried.file.as_mut().filter(|_| shared.state) {
            let notes = file.notes.entry("*".to_string()).or_default();
            notes.insert(Note::ModuleState);
        }
    }
    without_directives(route, &mut carried);
    let actions = carried.actions.iter().map(|actions| &actions.file);
    let files = carried.file.iter().chain(actions);
    let calls = files.flat_map(|file| file.shared.iter().cloned()).collect();
    let shared = shared.map(|shared| Split {
        text: directives::without(&shared.path, shared.text),
        ..shared
    });
    Ok(Unit {
        route: route.clone(),
        old,
        calls,
        file: carried.file,
        actions: carried.actions,
        against: carried.against,
        importers: edits,
        shared,
        bridged: carried.bridged,
    })
}

/// Takes the comments out that said what becomes of the route.
fn without_directives(route: &Route, carried: &mut Carried) {
    let without = |path: &str, file: &mut RouteFile| {
        file.text = directives::without(path, std::mem::take(&mut file.text));
    };
    if let Some(file) = &mut carried.file {
        without(&route.target, file);
    }
    if let Some(actions) = &mut carried.actions {
        without(&actions.path, &mut actions.file);
    }
}

/// Plans a route whose text is written anew; `chained` when a chain of middlewares is written out.
fn written_out(job: &Job, source: &Source, written: AsHandler, chained: bool) -> Planned {
    let options = Options {
        // What would be bridged is the file as it was.
        bridge: Bridge::Off,
        ..job.options.clone()
    };
    let chained = Job {
        options: &options,
        chained,
        ..*job
    };
    let moved = |refusal: Refusal| written.refusal(source, refusal);
    let mut planned = unit(&chained, Some(written.text.clone()))
        .map_err(|refusals| -> Vec<Refusal> { refusals.into_iter().map(moved).collect() })?;
    planned.calls.extend(written.spares.clone());
    for evidence in &mut planned.against {
        let place = evidence.place.take();
        evidence.place = place.map(|place| written.place(source, place));
    }
    Ok(planned)
}

/// Writes what a handler becomes; one that cannot be rewritten is bridged, where that is
/// wanted and possible.
fn carry_or_bridge(
    job: &Job,
    source: &Source,
    outline: Outline,
    unchained: Vec<Refusal>,
) -> Result<Carried, Vec<Refusal>> {
    let edge = route_handler::is_edge(outline.config.as_ref());
    let refusals = match job.options.bridge {
        Bridge::All if !edge => Vec::new(),
        _ if !unchained.is_empty() => unchained,
        _ => match carry(job, source, outline) {
            Ok(carried) => return Ok(carried),
            Err(refusals) => refusals,
        },
    };
    let possible = refusals
        .iter()
        .all(|refusal| refusal.reason.can_be_bridged());
    // An action that is wanted is not served by a route handler.
    let wanted = job.wishes.actions().next().is_some();
    if job.options.bridge == Bridge::Off || !possible || edge || wanted {
        return Err(refusals);
    }
    let outline = Outline::read(source).map_err(|refusal| vec![refusal])?;
    bridge_over(job, source, outline, refusals)
}

/// Writes a handler that stays as it is, behind the adapter. `why` it is not rewritten is
/// reported with it.
fn bridge_over(
    job: &Job,
    source: &Source,
    outline: Outline,
    why: Vec<Refusal>,
) -> Result<Carried, Vec<Refusal>> {
    let both = |more: Vec<Refusal>| -> Vec<Refusal> { why.iter().cloned().chain(more).collect() };
    let (project, app) = (job.project, job.app);
    let notes = bridge::look(&outline, project, app, job.headers, job.looked).map_err(both)?;
    let dirs = [&job.route.file, &job.route.target].map(|file| directory(file).to_string());
    let adapter_file = surroundings::lib_file(project, app, adapter::FILE);
    let specifier = surroundings::specifier(app, &dirs[1], &adapter_file, &source.text);
    let around = Surroundings {
        route: job.route,
        next: app.next.expect("apps without a version are left"),
        cache_components: app.config.cache_components,
        pages: job.pages,
        helper_specifier: String::new(),
        rebase: &|specifier| surroundings::rebase(&dirs[0], &dirs[1], specifier),
        methods: None,
        actions: None,
        names: job.names,
    };
    let file = adapter::write(&outline, &around, &specifier, notes).map_err(both)?;
    check_parses(source, &outline.default.0, &job.route.target, &file)?;
    Ok(Carried {
        file: Some(file),
        actions: None,
        against: Vec::new(),
        bridged: Some(why),
    })
}

/// What the planning of one route is given.
struct Job<'j, 's> {
    modules: &'j Modules<'s>,
    names: &'j Names,
    project: &'j Project,
    app: &'j App,
    route: &'j Route,
    calls: &'j [&'j Call],
    shared_names: &'j BTreeSet<String>,
    options: &'j Options,
    wishes: &'j Wishes,
    settings: &'j Settings,
    /// What the project loads by calls, where handlers may be bridged.
    loads: &'j aside::Loads<'j>,
    /// What was seen in the modules that bridged handlers reach.
    looked: &'j bridge::Looked,
    pages: &'j Pages,
    headers: &'j RouteHeaders,
    /// Whether the text is one in which a chain of middlewares was written out.
    chained: bool,
}

/// Writes what a handler becomes.
fn carry(job: &Job, source: &Source, outline: Outline) -> Result<Carried, Vec<Refusal>> {
    let &Job {
        project,
        app,
        route,
        calls,
        shared_names,
        options,
        pages,
        ..
    } = job;
    let (old_dir, new_dir) = (
        directory(&route.file).to_string(),
        directory(&route.target).to_string(),
    );
    let helper_file = helpers::path(project, app);
    let around = Surroundings {
        route,
        next: app.next.expect("apps without a version are left"),
        cache_components: app.config.cache_components,
        pages,
        helper_specifier: surroundings::specifier(app, &new_dir, &helper_file, &source.text),
        rebase: &|specifier| surroundings::rebase(&old_dir, &new_dir, specifier),
        methods: None,
        actions: None,
        names: job.names,
    };
    let kitchen = recipes::Kitchen {
        outline: &outline,
        around: &around,
        project,
        app,
    };
    if let Some(written) = recipes::write(&kitchen) {
        let file = written?;
        if job.wishes.actions().next().is_some() {
            let why = "a library makes the handler";
            let at = outline.default.0.clone();
            return Err(vec![refuse_at(source, Reason::ForcedWay, at, why)]);
        }
        check_parses(source, &outline.default.0, &route.target, &file)?;
        return Ok(Carried {
            file: Some(file),
            actions: None,
            against: Vec::new(),
            bridged: None,
        });
    }
    let mut module = ApiModule::of(outline).map_err(|refusal| vec![refusal])?;
    module.follow = Some(job.modules);
    module.chained = job.chained;
    let keep = handler::Keep {
        // What stands around the handler looks at the request before the method is refused.
        refused: options.strict || module.wrapper.is_some(),
        // Headers of the configuration would make a preflight pass once Next.js answers it.
        options: job.headers.start_with("access-control-"),
        apart: false,
    };
    let handler = handler::read(&module, keep)?;
    let actions = |handler: &handler::Handler| {
        let request = actions::Request {
            project,
            app,
            route,
            module: &module,
            handler,
            calls,
            shared_names,
            wishes: job.wishes,
            settings: job.settings,
        };
        actions::plan(&request, &around)
    };
    let planned = match actions(&handler) {
        // A method that becomes an action leaves the function that it shares with others.
        Err(_) if handler.merged && !declares_functions(&module.handler) => {
            let keep = handler::Keep {
                apart: true,
                ..keep
            };
            handler::read(&module, keep).map_or(Err(Vec::new()), |apart| actions(&apart))
        }
        planned => planned,
    };
    let (actions, against) = match planned {
        Ok(actions) => (Some(actions), Vec::new()),
        Err(against) => (None, against),
    };
    for wish in job.wishes.actions() {
        let made = actions.as_ref().is_some_and(|actions| match &wish.method {
            None => !actions.names.is_empty(),
            Some(method) => actions.names.contains_key(method),
        });
        if !made {
            let method = wish.method.as_deref().unwrap_or("POST");
            let evidence = against
                .iter()
                .cloned()
                .chain(decide::evidence(calls, method));
            let why = evidence
                .into_iter()
                .find(|evidence| !evidence.for_action)
                .map(|evidence| evidence.what);
            return Err(vec![refuse_at(
                source,
                Reason::ForcedWay,
                module.handler.range.clone(),
                why.unwrap_or_default(),
            )]);
        }
    }
    let file = match &actions {
        Some(actions) => actions.rest.clone(),
        None => Some(route_handler::write(&module, &handler, &around)?),
    };
    let shared = file.iter().flat_map(|file| &file.shared);
    let shared = shared_forms::closure(job.modules, shared);
    let names = shared.iter().filter_map(|key| job.modules.shared(key));
    let names: BTreeSet<String> = names
        .flat_map(|shared| shared.header_names.clone())
        .collect();
    if let Some(refusal) = config_headers(job, &module, &handler, &names) {
        return Err(vec![refusal]);
    }
    let texts = file
        .iter()
        .map(|file| (&route.target, file))
        .chain(actions.iter().map(|actions| (&actions.path, &actions.file)));
    for (path, written) in texts {
        check_parses(source, &module.handler.range, path, written)?;
    }
    Ok(Carried {
        file,
        actions,
        against,
        bridged: None,
    })
}

/// Whether functions are declared in the body of another, which stand for all methods.
fn declares_functions(function: &crate::facts::api_module::Function) -> bool {
    use swc_core::ecma::ast::{Decl, Stmt};
    match function.body {
        crate::facts::api_module::Body::Block(stmts, _) => stmts
            .iter()
            .any(|stmt| matches!(stmt, Stmt::Decl(Decl::Fn(_) | Decl::Class(_)))),
        crate::facts::api_module::Body::Expr(_) => false,
    }
}

/// Paths that several files serve.
fn doubled(routes: &[Route]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    routes
        .iter()
        .map(|route| route.path.clone())
        .filter(|path| !seen.insert(path.clone()))
        .collect()
}

/// Refuses a route whose output does not parse.
fn check_parses(
    source: &Source,
    at: &std::ops::Range<usize>,
    path: &str,
    written: &RouteFile,
) -> Result<(), Vec<Refusal>> {
    Source::parse(path, Arc::from(written.text.as_str()))
        .map(|_| ())
        .map_err(|error| {
            vec![refuse_at(
                source,
                Reason::OutputUnparsable,
                at.clone(),
                error.message,
            )]
        })
}

/// The short names of action files that several routes would share.
fn shared_names(routes: &[Route]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    routes
        .iter()
        .map(crate::naming::file)
        .filter(|name| !seen.insert(name.clone()))
        .collect()
}

/// Refuses a handler whose answers `next.config` would change: its own value wins no more.
fn config_headers(
    job: &Job,
    module: &ApiModule,
    handler: &handler::Handler,
    shared: &BTreeSet<String>,
) -> Option<Refusal> {
    use crate::facts::effect::{HeaderMode, Kind, SetHeader};
    let next = job.app.next?;
    let refusal = |range: std::ops::Range<usize>, name: &str| {
        refuse_at(module.source, Reason::ConfigHeaders, range, name)
    };
    let shared = shared.iter().map(String::as_str);
    let mut unseen = job.headers.own().into_iter().chain(shared);
    if let Some(name) = unseen.find(|name| job.headers.change(name, None, next)) {
        return Some(refusal(module.handler.range.clone(), name));
    }
    let changed = |header: &&SetHeader| {
        let value = match (header.mode, &header.values[..]) {
            (HeaderMode::Set, [value]) => string(value),
            _ => None,
        };
        job.headers.change(&header.name, value.as_deref(), next)
    };
    let readings = handler
        .groups
        .iter()
        .map(|group| &group.reading)
        .chain(handler.carriers.iter().map(|(_, _, reading)| reading));
    let mut effects = readings.flat_map(|reading| &reading.effects);
    effects.find_map(|effect| {
        let headers = match &effect.kind {
            Kind::Prepare { headers, .. } => headers,
            Kind::Reply(reply) => &reply.own,
            Kind::LateHeader { name, among, .. } => {
                let mut names = name.known(among).into_iter();
                let changed = names.find(|name| job.headers.change(name, None, next))?;
                return Some(refusal(effect.range.clone(), changed));
            }
            _ => return None,
        };
        let header = headers.iter().find(changed)?;
        Some(refusal(effect.range.clone(), &header.name))
    })
}

/// Refuses routes whose files would stand in one place.
fn refuse_clashes(results: &mut [(Route, Planned)]) {
    let mut seen = BTreeSet::new();
    for (route, result) in results {
        let Ok(unit) = result else { continue };
        let file = unit.file.iter().map(|_| &unit.route.target);
        let actions = unit.actions.iter().map(|actions| &actions.path);
        let shared = unit.shared.iter().map(|shared| &shared.path);
        let targets: Vec<String> = file.chain(actions).chain(shared).cloned().collect();
        match targets.iter().find(|target| seen.contains(*target)) {
            Some(taken) => {
                *result = Err(vec![Refusal {
                    reason: Reason::TargetExists,
                    place: Place::file_start(&route.file),
                    detail: taken.clone(),
                }]);
            }
            None => seen.extend(targets),
        }
    }
}

/// Brings the edits of API files that import API files together with their own moves: a
/// file that moves is planned again from its text with the new imports, and one that stays
/// is edited where it is.
fn compose(
    project: &Project,
    results: &mut [(Route, Planned)],
    plan: &dyn Fn(&Route, Option<Arc<str>>) -> Planned,
) {
    loop {
        let moving: BTreeSet<String> = results
            .iter()
            .filter(|(_, unit)| unit.is_ok())
            .map(|(route, _)| route.file.clone())
            .collect();
        let mut edits: BTreeMap<String, Edits> = BTreeMap::new();
        for unit in results.iter().filter_map(|(_, unit)| unit.as_ref().ok()) {
            for (path, own) in &unit.importers {
                if moving.contains(path) {
                    edits.entry(path.clone()).or_default().extend(own.clone());
                }
            }
        }
        let planned: BTreeMap<String, Planned> = results
            .iter()
            .filter_map(|(route, _)| {
                let edits = edits.get(&route.file)?;
                let text = project.files[&route.file].text.clone()?;
                let unit = match edits.render(&text, 0..text.len()) {
                    Ok(new) => {
                        let new: Arc<str> = Arc::from(new);
                        let moved = |refusals| in_old_text(&route.file, &text, &new, refusals);
                        match plan(route, Some(new.clone())) {
                            Ok(mut unit) => {
                                unit.bridged = unit.bridged.map(moved);
                                Ok(unit)
                            }
                            Err(refusals) => Err(moved(refusals)),
                        }
                    }
                    Err(_) => Err(vec![Refusal {
                        reason: Reason::ImportedElsewhere,
                        place: Place::file_start(&route.file),
                        detail: String::new(),
                    }]),
                };
                Some((route.file.clone(), unit))
            })
            .collect();
        // A file that moves no more is edited where it is: the others are looked at again.
        let failed: BTreeSet<String> = planned
            .iter()
            .filter(|(_, unit)| unit.is_err())
            .map(|(file, _)| file.clone())
            .collect();
        let settled = failed.is_empty();
        let mut planned = planned;
        for (route, result) in results.iter_mut() {
            if (settled || failed.contains(&route.file))
                && let Some(unit) = planned.remove(&route.file)
            {
                *result = unit;
            }
        }
        if settled {
            for (_, unit) in results.iter_mut() {
                if let Ok(unit) = unit {
                    unit.importers.retain(|(path, _)| !moving.contains(path));
                }
            }
            return;
        }
    }
}

/// Refusals about a text in which imports were updated, at their places in the text that stands
/// there: an import keeps its lines.
fn in_old_text(path: &str, old: &str, new: &str, mut refusals: Vec<Refusal>) -> Vec<Refusal> {
    for place in refusals.iter_mut().map(|refusal| &mut refusal.place) {
        if place.file != path || place.end > new.len() {
            continue;
        }
        let start = old.split_inclusive('\n').take(place.line - 1).map(str::len);
        let line = start.sum::<usize>();
        let column = old[line..].chars().take(place.column - 1);
        let start = line + column.map(char::len_utf8).sum::<usize>();
        // From the end nothing has moved but for the imports.
        let behind = new.len() - place.end;
        let end = old.len().saturating_sub(behind).max(start);
        if old.is_char_boundary(start) && old.is_char_boundary(end) {
            *place = Place::new(path, old, start, end);
        }
    }
    refusals
}

/// What the units add up to, before it is rendered.
#[derive(Default)]
struct Whole {
    edits: BTreeMap<String, Edits>,
    refs: BTreeMap<String, Vec<ActionRef>>,
    helpers: BTreeSet<Helper>,
    /// The style of the first file that imports a helper.
    style: Option<Style>,
    /// That of the first file that imports the adapter, and what Prettier is told of it.
    bridge: Option<(Style, Option<Arc<Formatting>>)>,
}

/// Takes a unit into the whole, or refuses it where it clashes with another.
fn settle(
    project: &Project,
    unit: Unit,
    changes: &mut BTreeMap<String, Change>,
    whole: &mut Whole,
) -> Result<Unit, Vec<Refusal>> {
    let refusal = |reason, detail: String| {
        vec![Refusal {
            reason,
            place: Place::file_start(&unit.route.file),
            detail,
        }]
    };
    let targets = unit
        .file
        .iter()
        .map(|_| &unit.route.target)
        .chain(unit.actions.iter().map(|actions| &actions.path))
        .chain(unit.shared.iter().map(|shared| &shared.path));
    for target in targets {
        if changes.contains_key(target) {
            return Err(refusal(Reason::TargetExists, target.clone()));
        }
    }
    // Edits of one file by several units must fit together, or the later unit is left whole.
    let callers = unit.actions.iter().flat_map(|actions| &actions.callers);
    for (path, own) in unit
        .importers
        .iter()
        .map(|(path, own)| (path, own))
        .chain(callers)
    {
        let mut all = whole.edits.get(path).cloned().unwrap_or_default();
        all.extend(own.clone());
        let text = project
            .files
            .get(path)
            .and_then(|file| file.text.clone())
            .unwrap_or_default();
        let new = all.render(&text, 0..text.len());
        if !new.is_ok_and(|new| Source::parse(path, Arc::from(new)).is_ok()) {
            return Err(refusal(Reason::CallSite, path.clone()));
        }
    }
    for (path, own) in &unit.importers {
        whole
            .edits
            .entry(path.clone())
            .or_default()
            .extend(own.clone());
    }
    let from = unit.route.file.clone();
    let old = unit.old.to_string();
    // The file moves to where most of it goes.
    let most = unit.shared.as_ref().is_some_and(|shared| shared.most);
    if let Some(shared) = &unit.shared {
        let (path, new) = (shared.path.clone(), shared.text.clone());
        let change = if most {
            Change::Rename {
                from: from.clone(),
                to: path.clone(),
                old: old.clone(),
                new,
            }
        } else {
            Change::Create {
                path: path.clone(),
                new,
            }
        };
        changes.insert(path, change);
    }
    if let Some(actions) = &unit.actions {
        for (path, own) in &actions.callers {
            whole
                .edits
                .entry(path.clone())
                .or_default()
                .extend(own.clone());
        }
        for (path, refs) in &actions.refs {
            whole
                .refs
                .entry(path.clone())
                .or_default()
                .extend(refs.iter().cloned());
        }
        let (path, new) = (actions.path.clone(), actions.file.text.clone());
        let change = match &unit.file {
            _ if most => Change::Create {
                path: path.clone(),
                new,
            },
            Some(_) => Change::Create {
                path: path.clone(),
                new,
            },
            None if !alike(&old, &new) => {
                changes.insert(
                    from.clone(),
                    Change::Delete {
                        path: from.clone(),
                        old: old.clone(),
                    },
                );
                Change::Create {
                    path: path.clone(),
                    new,
                }
            }
            None => Change::Rename {
                from: from.clone(),
                to: path.clone(),
                old: old.clone(),
                new,
            },
        };
        whole.helpers.extend(&actions.file.helpers);
        changes.insert(path, change);
    }
    if let Some(file) = &unit.file {
        whole.helpers.extend(&file.helpers);
        if !file.helpers.is_empty() && whole.style.is_none() {
            whole.style = Some(file.style.clone());
        }
        if unit.bridged.is_some() && whole.bridge.is_none() {
            let told = project.files.get(&unit.route.file);
            let told = told.and_then(|file| file.formatting.clone());
            whole.bridge = Some((file.style.clone(), told));
        }
        let (to, new) = (unit.route.target.clone(), file.text.clone());
        let change = if most {
            Change::Create {
                path: to.clone(),
                new,
            }
        } else {
            Change::Rename {
                from,
                to: to.clone(),
                old,
                new,
            }
        };
        changes.insert(to, change);
    }
    Ok(unit)
}

/// Whether so much of a file stays that a reader takes it for the same file.
fn alike(old: &str, new: &str) -> bool {
    let lines: BTreeSet<&str> = old
        .lines()
        .map(str::trim)
        .filter(|line| line.len() > 2)
        .collect();
    let kept = new
        .lines()
        .map(str::trim)
        .filter(|line| lines.contains(line))
        .count();
    kept * 2 >= new.lines().filter(|line| line.trim().len() > 2).count()
}

fn route_outcome(
    route: &Route,
    settled: Result<Unit, Vec<Refusal>>,
    calls: &[&Call],
    wishes: &Wishes,
) -> RouteOutcome {
    let mut outcome = RouteOutcome {
        asked: wishes.holding().cloned().collect(),
        route: route.path.clone(),
        file: route.file.clone(),
        target: None,
        methods: Vec::new(),
        refusals: Vec::new(),
        bridged: Vec::new(),
    };
    let unit = match settled {
        Ok(unit) => unit,
        Err(refusals) => {
            outcome.refusals = refusals;
            outcome.methods.push(MethodOutcome {
                method: "*".to_string(),
                way_out: WayOut::Left,
                action: None,
                callers: decide::callers(calls).count(),
                notes: Vec::new(),
                evidence: Vec::new(),
            });
            return outcome;
        }
    };
    let method_outcome = |method: &String, file: &RouteFile, way_out, action| {
        let mut notes: BTreeSet<Note> = file.notes.get(method).cloned().unwrap_or_default();
        if way_out == WayOut::RouteHandler {
            notes.extend(file.notes.get("*").into_iter().flatten().copied());
            if decide::waits_for_pages(calls, method) && !wishes.is_external(method) {
                notes.insert(Note::ActionWhenCallerMoves);
            }
        }
        let mut evidence = decide::evidence(calls, method);
        if evidence.iter().all(|evidence| evidence.for_action) {
            evidence.extend(unit.against.iter().cloned());
        }
        MethodOutcome {
            method: method.clone(),
            way_out,
            action,
            callers: decide::callers_of(calls, method).count(),
            notes: notes.into_iter().collect(),
            evidence,
        }
    };
    if let (Some(file), Some(why)) = (&unit.file, &unit.bridged) {
        outcome.target = Some(route.target.clone());
        outcome.bridged = why.clone();
        outcome.methods.push(MethodOutcome {
            method: "*".to_string(),
            way_out: WayOut::Bridged,
            action: None,
            callers: decide::callers(calls).count(),
            notes: file.notes.values().flatten().copied().collect(),
            evidence: Vec::new(),
        });
    } else if let Some(file) = &unit.file {
        outcome.target = Some(route.target.clone());
        outcome.methods.extend(
            file.methods
                .iter()
                .map(|method| method_outcome(method, file, WayOut::RouteHandler, None)),
        );
    }
    if let Some(actions) = &unit.actions {
        let named = actions.names.iter();
        outcome.methods.extend(named.map(|(method, name)| {
            method_outcome(
                method,
                &actions.file,
                WayOut::ServerAction,
                Some(name.clone()),
            )
        }));
    }
    outcome
}

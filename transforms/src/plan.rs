//! Decisions to file changes. Each route is a unit: any failure in one of its edits turns
//! the whole route into a refusal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;
use swc_core::ecma::ast::*;

use crate::Options;
use crate::edit::Edits;
use crate::emit::carrier::Helper;
use crate::emit::helpers;
use crate::emit::route_handler::{self, RouteFile, Surroundings};
use crate::facts::api_module::{ApiModule, refuse, refuse_at};
use crate::facts::route::Route;
use crate::handler;
use crate::outcome::*;
use crate::project::{App, Project};
use crate::reason::{Note, Reason};
use crate::source::Source;
use crate::surroundings::{self, directory};

/// A route's change before it is settled with those of the others.
struct Unit {
    route: Route,
    old: Arc<str>,
    file: RouteFile,
    /// Edits of files that import the API file.
    importers: Vec<(String, Edits)>,
}

/// Plans one app.
pub fn app(
    project: &Project,
    app: &App,
    options: &Options,
    changes: &mut BTreeMap<String, Change>,
) -> AppOutcome {
    let mut outcome = AppOutcome {
        dir: app.dir.clone(),
        ..Default::default()
    };
    outcome.refusals = surroundings::app_refusals(project, app);
    let routes: Vec<Route> = project
        .files
        .keys()
        .filter_map(|file| Route::of(app, file))
        .filter(|route| options.selects(&route.path))
        .collect();
    if !outcome.refusals.is_empty() {
        return outcome;
    }
    let mut results: Vec<(Route, Result<Unit, Vec<Refusal>>)> = routes
        .into_par_iter()
        .map(|route| {
            let unit = unit(project, app, &route, options);
            (route, unit)
        })
        .collect();
    results.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path).then_with(|| a.file.cmp(&b.file)));
    let moved: BTreeSet<String> = results
        .iter()
        .filter(|(_, unit)| unit.is_ok())
        .map(|(route, _)| route.file.clone())
        .collect();
    let mut edits: BTreeMap<String, Edits> = BTreeMap::new();
    let mut wanted: BTreeSet<Helper> = BTreeSet::new();
    for (route, result) in results {
        let settled =
            result.and_then(|unit| settle(project, &moved, unit, changes, &mut edits, &mut wanted));
        outcome.routes.push(route_outcome(&route, settled));
    }
    for (path, edits) in edits {
        let Some(old) = project.files.get(&path).and_then(|file| file.text.clone()) else {
            continue;
        };
        if let Ok(new) = edits.render(&old, 0..old.len()) {
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
    if !wanted.is_empty() {
        let path = surroundings::lib_file(project, app, helpers::FILE);
        let text = helpers::module(&wanted, app.typescript);
        changes.insert(path.clone(), Change::Create { path, new: text });
    }
    outcome
}

fn unit(
    project: &Project,
    app: &App,
    route: &Route,
    options: &Options,
) -> Result<Unit, Vec<Refusal>> {
    let file = &project.files[&route.file];
    let Some(text) = file.text.clone() else {
        let detail = file.unreadable.clone().unwrap_or_default();
        return Err(vec![Refusal {
            reason: Reason::Unreadable,
            place: Place::file_start(&route.file),
            detail,
        }]);
    };
    if let Some(refusal) = surroundings::conflict(project, app, route) {
        return Err(vec![refusal]);
    }
    let source = Source::parse(&route.file, text.clone()).map_err(|error| {
        vec![Refusal {
            reason: Reason::Unparsable,
            place: Place::new(&route.file, &text, error.at, error.at + 1),
            detail: error.message,
        }]
    })?;
    let module = ApiModule::read(&source).map_err(|refusal| vec![refusal])?;
    let mut refusals = Vec::new();
    if route_handler::is_edge(&module) {
        refusals.push(refuse_at(
            &source,
            Reason::UnsupportedLibrary,
            module.handler.range.clone(),
            "Edge API route",
        ));
    }
    for (name, range) in &module.named_exports {
        refusals.push(refuse_at(
            &source,
            Reason::NamedExport,
            range.clone(),
            name.clone(),
        ));
    }
    let mut importers = Vec::new();
    for path in surroundings::importers(project, &route.file) {
        match importer_edits(project, app, route, path) {
            Ok(edits) => importers.push((path.to_string(), edits)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let handler = handler::read(&module, options.strict)?;
    let (old_dir, new_dir) = (
        directory(&route.file).to_string(),
        directory(&route.target).to_string(),
    );
    let helper_file = surroundings::lib_file(project, app, helpers::FILE);
    let around = Surroundings {
        route,
        next: app.next.expect("apps without a version are left"),
        cache_components: app.config.cache_components,
        json_callers: false,
        strict: options.strict,
        helper_specifier: surroundings::specifier(app, &new_dir, &helper_file),
        rebase: &|specifier| surroundings::rebase(&old_dir, &new_dir, specifier),
        without: BTreeSet::new(),
    };
    let file = route_handler::write(&module, &handler, &around)?;
    if let Some(refusal) = config_headers(project, app, &module, &handler) {
        return Err(vec![refusal]);
    }
    if let Err(error) = Source::parse(&route.target, Arc::from(file.text.as_str())) {
        return Err(vec![refuse_at(
            &source,
            Reason::OutputUnparsable,
            module.handler.range.clone(),
            error.message,
        )]);
    }
    Ok(Unit {
        route: route.clone(),
        old: text,
        file,
        importers,
    })
}

/// Headers that both the handler and `next.config` may set: the winner changes.
fn config_headers(
    project: &Project,
    app: &App,
    module: &ApiModule,
    handler: &handler::Handler,
) -> Option<Refusal> {
    use crate::facts::effect::Kind;
    if !app.config.headers {
        return None;
    }
    let config = project
        .files
        .get(app.config.path.as_ref()?)?
        .text
        .clone()?
        .to_ascii_lowercase();
    let readings = handler
        .groups
        .iter()
        .map(|group| &group.reading)
        .chain(handler.carriers.iter().map(|(_, _, reading)| reading));
    for effect in readings.flat_map(|reading| &reading.effects) {
        let headers = match &effect.kind {
            Kind::Prepare { headers, .. } => headers,
            Kind::Reply(reply) => &reply.own,
            _ => continue,
        };
        for header in headers {
            if config.contains(&header.name.to_ascii_lowercase()) {
                return Some(refuse_at(
                    module.source,
                    Reason::ConfigHeaders,
                    effect.range.clone(),
                    header.name.clone(),
                ));
            }
        }
    }
    None
}

/// The edits that let an importer of the API file find its types at the new place.
fn importer_edits(
    project: &Project,
    app: &App,
    route: &Route,
    path: &str,
) -> Result<Edits, Refusal> {
    let whole = |detail: &str| Refusal {
        reason: Reason::ImportedElsewhere,
        place: Place::file_start(path),
        detail: if detail.is_empty() {
            format!("imports {}", route.file)
        } else {
            detail.to_string()
        },
    };
    let entry = &project.files[path];
    let text = entry.text.clone().ok_or_else(|| whole(""))?;
    if Route::of(app, path).is_some() {
        return Err(whole(""));
    }
    let source = Source::parse(path, text).map_err(|_| whole(""))?;
    let mut edits = Edits::default();
    for import in entry
        .imports
        .iter()
        .filter(|import| import.resolved.as_deref() == Some(&route.file))
    {
        let found = source.items().iter().find_map(|item| match item {
            ModuleItem::ModuleDecl(ModuleDecl::Import(decl))
                if decl.src.value.to_string_lossy() == import.specifier =>
            {
                Some(decl)
            }
            _ => None,
        });
        let Some(decl) = found else {
            return Err(whole(""));
        };
        let named = !decl.specifiers.is_empty()
            && decl
                .specifiers
                .iter()
                .all(|specifier| matches!(specifier, ImportSpecifier::Named(_)));
        if !named && !decl.type_only {
            return Err(refuse(
                &source,
                Reason::ImportedElsewhere,
                decl,
                format!("imports {}", route.file),
            ));
        }
        let range = source.range(&*decl.src);
        let new = if import.specifier.starts_with('.') {
            let stem = route
                .target
                .rsplit_once('.')
                .map_or(&*route.target, |(stem, _)| stem);
            surroundings::relative(directory(path), stem)
        } else {
            surroundings::specifier(app, directory(path), &route.target)
        };
        edits.replace(range.start + 1..range.end - 1, new);
    }
    Ok(edits)
}

/// Takes a unit into the whole, or refuses it where it clashes with another.
fn settle(
    project: &Project,
    moved: &BTreeSet<String>,
    unit: Unit,
    changes: &mut BTreeMap<String, Change>,
    edits: &mut BTreeMap<String, Edits>,
    helpers: &mut BTreeSet<Helper>,
) -> Result<RouteFile, Vec<Refusal>> {
    let refusal = |reason, detail: String| {
        vec![Refusal {
            reason,
            place: Place::file_start(&unit.route.file),
            detail,
        }]
    };
    if changes.contains_key(&unit.route.target) {
        return Err(refusal(Reason::TargetExists, unit.route.target.clone()));
    }
    let _ = project;
    if let Some((path, _)) = unit.importers.iter().find(|(path, _)| moved.contains(path)) {
        return Err(refusal(Reason::ImportedElsewhere, path.clone()));
    }
    for (path, own) in unit.importers {
        edits.entry(path).or_default().extend(own);
    }
    helpers.extend(&unit.file.helpers);
    changes.insert(
        unit.route.target.clone(),
        Change::Rename {
            from: unit.route.file.clone(),
            to: unit.route.target.clone(),
            old: unit.old.to_string(),
            new: unit.file.text.clone(),
        },
    );
    Ok(unit.file)
}

fn route_outcome(route: &Route, settled: Result<RouteFile, Vec<Refusal>>) -> RouteOutcome {
    let mut outcome = RouteOutcome {
        route: route.path.clone(),
        file: route.file.clone(),
        target: None,
        methods: Vec::new(),
        refusals: Vec::new(),
    };
    match settled {
        Ok(file) => {
            outcome.target = Some(route.target.clone());
            let everywhere = file.notes.get("*").cloned().unwrap_or_default();
            for method in &file.methods {
                let mut notes: BTreeSet<Note> = file.notes.get(method).cloned().unwrap_or_default();
                notes.extend(everywhere.iter().copied());
                outcome.methods.push(MethodOutcome {
                    method: method.clone(),
                    way_out: WayOut::RouteHandler,
                    action: None,
                    callers: 0,
                    notes: notes.into_iter().collect(),
                    evidence: Vec::new(),
                });
            }
        }
        Err(refusals) => {
            outcome.refusals = refusals;
            outcome.methods.push(MethodOutcome {
                method: "*".to_string(),
                way_out: WayOut::Left,
                action: None,
                callers: 0,
                notes: Vec::new(),
                evidence: Vec::new(),
            });
        }
    }
    outcome
}

//! Writes a first `routelift.toml` for each app: what was decided, to be read and changed. In: the
//! decisions. Out: new files. Evidence that something outside calls a route makes it external, so that
//! it stays so when a caller comes.

use std::fmt::Write;

use anyhow::{Result, bail};
use routelift_transforms::decide::{CONFIGURED, DOCUMENTED, UNCALLED, is_mutation};
use routelift_transforms::outcome::{AppOutcome, Change, MethodOutcome, RouteOutcome};
use routelift_transforms::wishes::Way;

use super::{Accepted, Asked};
use crate::load::settings::{Found, NAME};
use crate::load::walk::join;
use crate::report::View;

/// The new files: one for each app with API routes that none holds for.
///
/// # Errors
/// When there is nothing to write.
pub fn files(view: &View, there: &[Option<Found>], asked: &Asked) -> Result<Vec<Change>> {
    let mut out = Vec::new();
    let mut found = None;
    for (index, app) in view.outcome.apps.iter().enumerate() {
        if app.routes.is_empty() {
            continue;
        }
        match there.get(index).and_then(Option::as_ref) {
            Some(file) => found = Some(format!("{}{}", view.shown, file.path)),
            None => out.push(Change::Create {
                path: join(&app.dir, NAME),
                new: text(view, index, app, asked),
            }),
        }
    }
    match (out.is_empty(), found) {
        (true, Some(path)) => bail!("{path} is there: change it by hand"),
        (true, None) => bail!("no route in pages/api found"),
        _ => Ok(out),
    }
}

fn text(view: &View, index: usize, app: &AppOutcome, asked: &Asked) -> String {
    let given = |way: Way| -> Vec<(String, String)> {
        let given = asked.ways.iter().filter(|(_, given, _)| *given == way);
        given
            .map(|(text, ..)| (format!("/{}", text.trim_start_matches('/')), String::new()))
            .collect()
    };
    let accept = asked.accept.iter().map(|accepted| match accepted {
        Accepted::Reason(reason) => (reason.code().to_string(), String::new()),
        Accepted::Note(note) => (note.code().to_string(), String::new()),
    });
    let mut external = given(Way::External);
    external.extend(app.routes.iter().flat_map(outside));
    let directory = view.project.apps.get(index).and_then(|app| {
        let directory = routelift_transforms::facts::route::app_dir(app)?;
        let inside = directory.strip_prefix(&app.dir)?;
        Some(format!("{}/actions", inside.trim_start_matches('/')))
    });
    let mut out = String::from(
        "# What routelift is told about this app. Options of the command line count more, and so do\n\
         # comments in the API files, as `// routelift: external`.\n\
         # For editors: `routelift init --schema > routelift.schema.json`, and as the first line here\n\
         # `#:schema ./routelift.schema.json`.\n\n\
         # Codes: with not-found-page the app is migrated all the same, a note is not explained any more.\n",
    );
    list(&mut out, "accept", accept.collect());
    out.push_str(
        "\n[routes]\n\
         # Called from outside: never a Server Action. Patterns as \"/api/webhooks/**\", or with a method\n\
         # as \"/api/posts:POST\".\n",
    );
    list(&mut out, "external", external);
    out.push_str("# A Server Action; left where it cannot be one.\n");
    list(&mut out, "action", given(Way::Action));
    out.push_str("# Left as they are.\n");
    list(&mut out, "keep", Vec::new());
    out.push_str("\n[actions]\n# Where Server Actions go, seen from here.\n");
    let directory = directory.unwrap_or_else(|| "app/actions".to_string());
    _ = writeln!(out, "directory = {}", quoted(&directory));
    out.push_str("\n# How they are called.\n[actions.names]\n");
    for route in &app.routes {
        for method in &route.methods {
            if let Some(name) = &method.action {
                let key = quoted(&format!("{}:{}", route.route, method.method));
                _ = writeln!(out, "{key} = {}", quoted(name));
            }
        }
    }
    out
}

/// The entries of a route that something outside calls, with the reason: a configuration or a document
/// names it, or it changes something and nothing in the project calls it.
fn outside(route: &RouteOutcome) -> Vec<(String, String)> {
    let whole = |why: &str| vec![(route.route.clone(), why.to_string())];
    let says = |method: &MethodOutcome, what: &str| {
        let mut evidence = method.evidence.iter();
        evidence.any(|evidence| evidence.what == what)
    };
    let mut methods = route.methods.iter();
    let changes = methods.any(|method| method.method == "*" || is_mutation(&method.method));
    let mut methods = route.methods.iter();
    if changes && methods.all(|method| says(method, UNCALLED)) {
        return whole(UNCALLED);
    }
    let signs: Vec<(&str, String)> = route
        .methods
        .iter()
        .filter_map(|method| Some((method.method.as_str(), sign(method)?)))
        .collect();
    match &signs[..] {
        [(_, why), ..] if signs.len() == route.methods.len() => whole(why),
        _ => signs
            .into_iter()
            .map(|(method, why)| (format!("{}:{method}", route.route), why))
            .collect(),
    }
}

/// Where a configuration or a document names a method.
fn sign(method: &MethodOutcome) -> Option<String> {
    let mut evidence = method.evidence.iter();
    let named = |what: &str| [CONFIGURED, DOCUMENTED].contains(&what);
    let evidence = evidence.find(|evidence| named(&evidence.what))?;
    Some(match &evidence.place {
        Some(place) => format!("{}: {}:{}", evidence.what, place.file, place.line),
        None => evidence.what.clone(),
    })
}

/// A list, one entry on each line with the reason behind it.
fn list(out: &mut String, key: &str, entries: Vec<(String, String)>) {
    if entries.is_empty() {
        _ = writeln!(out, "{key} = []");
        return;
    }
    _ = writeln!(out, "{key} = [");
    for (entry, why) in entries {
        let why = match why.as_str() {
            "" => String::new(),
            why => format!(" # {}", crate::report::clean(why).replace('\n', " ")),
        };
        _ = writeln!(out, "  {},{why}", quoted(&entry));
    }
    out.push_str("]\n");
}

/// A basic string of TOML, which is written as one of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

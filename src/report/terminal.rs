//! The report for people, for standard error: the summary table, each refusal as a
//! diagnostic with its line of source and the mend, each note explained once, a total.

use std::collections::BTreeSet;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use routelift_transforms::outcome::{Refusal, Warning, WayOut};
use routelift_transforms::reason::Note;

use super::{BOLD, Look, View, clean, is_left, meaning, table};

/// The whole report. `written` says whether the changes are on disk.
pub fn render(views: &[View], written: bool, look: Look) -> String {
    let mut out = String::new();
    for view in views {
        for (app, outcome) in view.project.apps.iter().zip(&view.outcome.apps) {
            if outcome.routes.is_empty() && outcome.refusals.is_empty() {
                continue;
            }
            let directory = format!("{}{}", view.shown, outcome.dir);
            let directory = match directory.trim_end_matches('/') {
                "" => ".",
                directory => directory,
            };
            let version = match app.next {
                Some(version) => format!("Next.js {version}"),
                None if !app.depends_on_next => "no Next.js app".to_string(),
                None => "Next.js version unknown".to_string(),
            };
            let head = format!("{directory}: {version} ({})", app.next_source);
            out.push_str(&look.paint(BOLD, &clean(&head)));
            out.push('\n');
            if !outcome.notes.is_empty() {
                let codes: Vec<&str> = outcome.notes.iter().map(|note| note.code()).collect();
                out.push_str(&format!("notes: {}\n", codes.join(", ")));
            }
            out.push('\n');
            if !outcome.routes.is_empty() {
                out.push_str(&table::render(outcome, look));
                out.push('\n');
            }
        }
    }
    for view in views {
        for refusal in view.refusals() {
            out.push_str(&diagnostic(view, refusal, WayOut::Left, look));
            out.push_str("\n\n");
        }
        for refusal in view.bridged() {
            out.push_str(&diagnostic(view, refusal, WayOut::Bridged, look));
            out.push_str("\n\n");
        }
    }
    out.push_str(&notes(views, look));
    out.push_str(&total(views, written));
    out
}

/// One warning, with its place.
pub fn warning(warning: &Warning, shown: &str) -> String {
    let at = warning.place.as_ref().map_or(String::new(), |place| {
        format!("{shown}{}:{}:{}: ", place.file, place.line, place.column)
    });
    format!("warning: {}\n", clean(&format!("{at}{}", warning.what)))
}

/// One refusal with its place, and what it came to: a route that is left or bridged.
pub fn diagnostic(view: &View, refusal: &Refusal, way_out: WayOut, look: Look) -> String {
    let reason = refusal.reason;
    let place = &refusal.place;
    let path = clean(&format!("{}{}", view.shown, place.file)).into_owned();
    let detail = clean(&refusal.detail).replace('\n', " ");
    let text = view.text(&place.file).filter(|text| !text.is_empty());
    let line = text.and_then(|text| Line::around(text, place.start, place.end));
    let title = match line.is_none() && !detail.is_empty() {
        true => format!("{}: {detail}", reason.what()),
        false => reason.what().to_string(),
    };
    let group = Level::WARNING
        .with_name(way_out.name())
        .primary_title(title)
        .id(reason.code());
    let group = match line {
        Some(line) => group.element(
            Snippet::source(line.text)
                .line_start(place.line)
                .path(path)
                .annotation({
                    let span = AnnotationKind::Primary.span(line.start..line.end);
                    span.label((!detail.is_empty()).then_some(detail))
                }),
        ),
        None => group.element(
            Origin::path(path)
                .line(place.line)
                .char_column(place.column),
        ),
    };
    let group = group.element(Level::HELP.message(reason.mend()));
    let renderer = match look.colour {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    renderer
        .decor_style(DecorStyle::Ascii)
        .term_width(look.width)
        .render(&[group])
}

/// The first line of a place, masked by [`clean`].
struct Line {
    text: String,
    start: usize,
    end: usize,
}

impl Line {
    fn around(text: &str, start: usize, end: usize) -> Option<Line> {
        let before = text.get(..start)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = &text[start..];
        let line_end = start + rest.find('\n').unwrap_or(rest.len());
        let line_end = line_start + text[line_start..line_end].trim_end_matches('\r').len();
        let end = end.clamp(start, line_end.max(start));
        let head = clean(text[line_start..start].trim_start_matches('\u{feff}'));
        let middle = clean(text.get(start..end)?);
        let tail = clean(text.get(end..line_end.max(end))?);
        Some(Line {
            start: head.len(),
            end: head.len() + middle.len(),
            text: format!("{head}{middle}{tail}"),
        })
    }
}

/// Every note that an app or a route brings, explained once unless all apps that have it accept it.
fn notes(views: &[View], look: Look) -> String {
    let (mut used, mut accepted) = (BTreeSet::new(), BTreeSet::new());
    let none = BTreeSet::new();
    for view in views {
        for (index, app) in view.outcome.apps.iter().enumerate() {
            let accepts = view.accepted.get(index).unwrap_or(&none);
            let methods = app.routes.iter().flat_map(|route| &route.methods);
            let notes = methods.flat_map(|method| &method.notes).chain(&app.notes);
            for note in notes.copied() {
                match accepts.contains(&note) {
                    true => accepted.insert(note),
                    false => used.insert(note),
                };
            }
        }
    }
    let mut out = String::new();
    let accepted: Vec<&str> = accepted
        .difference(&used)
        .map(|note: &Note| note.code())
        .collect();
    if !accepted.is_empty() {
        out.push_str(&format!("accepted notes: {}\n\n", accepted.join(", ")));
    }
    for note in used {
        out.push_str(&look.paint(BOLD, &format!("note[{}]", note.code())));
        out.push('\n');
        out.push_str(&meaning(note.what(), note.why(), note.mend(), look));
        out.push('\n');
    }
    out
}

/// One line that sums the run up.
fn total(views: &[View], written: bool) -> String {
    let routes: Vec<_> = views.iter().flat_map(View::routes).collect();
    let refused = views.iter().flat_map(|view| &view.outcome.apps);
    if routes.is_empty() && refused.clone().all(|app| app.refusals.is_empty()) {
        return match views.iter().all(|view| view.project.apps.is_empty()) {
            true => "no Next.js app found\n".to_string(),
            false => "no route in pages/api found: nothing to migrate\n".to_string(),
        };
    }
    if routes.is_empty() {
        let apps = refused.filter(|app| !app.refusals.is_empty()).count();
        return format!("{} left; nothing to change\n", counted(apps, "app"));
    }
    let left = routes.iter().filter(|route| is_left(route)).count();
    let migrated: Vec<_> = routes.iter().filter(|route| !is_left(route)).collect();
    let count = |way_out: WayOut| {
        let methods = migrated.iter().flat_map(|route| &route.methods);
        methods.filter(|method| method.way_out == way_out).count()
    };
    let ways: Vec<String> = [
        (WayOut::ServerAction, "action"),
        (WayOut::RouteHandler, "handler"),
        (WayOut::Bridged, "bridged"),
    ]
    .into_iter()
    .filter(|(way_out, _)| count(*way_out) > 0)
    .map(|(way_out, noun)| match way_out {
        WayOut::Bridged => format!("{} {noun}", count(way_out)),
        _ => counted(count(way_out), noun),
    })
    .collect();
    let ways = match ways.is_empty() {
        true => String::new(),
        false => format!(" ({})", ways.join(", ")),
    };
    let files: usize = views.iter().map(|view| view.outcome.changes.len()).sum();
    let end = match (files, written) {
        (0, _) => "nothing to change".to_string(),
        (_, true) => format!(
            "{} written; routelift undo takes {} back",
            counted(files, "file change"),
            if files == 1 { "it" } else { "them" }
        ),
        (_, false) => format!("{}, none written", counted(files, "file change")),
    };
    format!(
        "{}, {} migrated{ways}, {left} left; {end}\n",
        counted(routes.len(), "route"),
        migrated.len()
    )
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

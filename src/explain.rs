//! `routelift explain`: what a code means, or how a route was decided and on what
//! evidence. Text in, text out.

use std::collections::BTreeMap;
use std::fmt::Write;

use routelift_transforms::outcome::{MethodOutcome, Place, RouteOutcome, WayOut};
use routelift_transforms::reason::{Note, Reason};

use crate::report::{BLUE, BOLD, CYAN, DIM, GREEN, Look, View, YELLOW, clean, meaning, terminal};
use crate::select::nearest;

/// Explains a refusal's or a note's code; `None` when there is no such code.
pub fn code(code: &str, look: Look) -> Option<String> {
    let (kind, what, why, mend) = match (Reason::from_code(code), Note::from_code(code)) {
        (Some(reason), _) => ("reason", reason.what(), reason.why(), reason.mend()),
        (None, Some(note)) => ("note", note.what(), note.why(), note.mend()),
        (None, None) => return None,
    };
    let head = look.paint(BOLD, &format!("{kind} {code}"));
    Some(format!("{head}\n{}", meaning(what, why, mend, look)))
}

/// Whether the text can only be meant as a route.
pub fn is_route(text: &str) -> bool {
    text.contains('/')
}

/// Explains every route of this name or file; `None` when there is none.
pub fn route(name: &str, views: &[View], look: Look) -> Option<String> {
    let name = name.trim_end_matches('/');
    let named = |view: &View, route: &RouteOutcome| {
        let file = format!("{}{}", view.shown, route.file);
        let bare = name.trim_start_matches("./");
        route.route == name || route.route[1..] == *name || route.file == bare || file == bare
    };
    let mut out = String::new();
    for view in views {
        for route in view.routes().filter(|route| named(view, route)) {
            one(view, route, look, &mut out);
        }
    }
    (!out.is_empty()).then_some(out)
}

/// What to say when neither a code nor a route of this name exists.
pub fn unknown(name: &str, views: &[View]) -> String {
    let codes = Reason::ALL.iter().map(|reason| reason.code());
    let codes = codes.chain(Note::ALL.iter().map(|note| note.code()));
    let routes = views
        .iter()
        .flat_map(View::routes)
        .map(|route| route.route.as_str());
    let what = if is_route(name) { "API route" } else { "code" };
    match nearest(name, codes.chain(routes)) {
        Some(near) => format!("no {what} {name}; did you mean {near}?"),
        None => format!("no {what} {name}"),
    }
}

fn one(view: &View, route: &RouteOutcome, look: Look, out: &mut String) {
    let head = look.paint(BOLD, &clean(&route.route));
    _ = writeln!(out, "{head}");
    _ = writeln!(
        out,
        "  file      {}",
        clean(&format!("{}{}", view.shown, route.file))
    );
    if let Some(target) = &route.target {
        _ = writeln!(
            out,
            "  becomes   {}",
            clean(&format!("{}{target}", view.shown))
        );
    }
    for wish in &route.asked {
        let method = wish.method.as_ref();
        let method = method.map_or(String::new(), |method| format!(" for {method}"));
        let shown = wish.origin.place().map_or("", |_| view.shown.as_str());
        let words = format!("{}{method}, by {shown}{}", wish.way.name(), wish.origin);
        _ = writeln!(out, "  asked     {}", clean(&words));
        let line = wish
            .origin
            .place()
            .and_then(|place| source_line(view, place));
        if let Some(line) = line {
            _ = writeln!(out, "              {}", clean(line));
        }
    }
    for method in &route.methods {
        self::method(view, method, look, out);
    }
    if route.methods.is_empty() && !route.refusals.is_empty() {
        _ = writeln!(out, "\n* {}", look.paint(YELLOW, WayOut::Left.name()));
    }
    let left = route.refusals.iter().map(|refusal| (refusal, WayOut::Left));
    let bridged = route
        .bridged
        .iter()
        .map(|refusal| (refusal, WayOut::Bridged));
    for (refusal, way_out) in left.chain(bridged) {
        let words = terminal::diagnostic(view, refusal, way_out, look);
        _ = writeln!(out, "\n{words}");
    }
    let mut refusals = route.refusals.iter();
    let bridges = |reason: Reason| reason.can_be_bridged() || reason.is_shared_file();
    if !route.refusals.is_empty() && refusals.all(|refusal| bridges(refusal.reason)) {
        _ = writeln!(out, "\n  --bridge may carry it over as it is");
    }
    out.push('\n');
}

fn method(view: &View, method: &MethodOutcome, look: Look, out: &mut String) {
    let style = match method.way_out {
        WayOut::ServerAction => GREEN,
        WayOut::RouteHandler => CYAN,
        WayOut::Bridged => BLUE,
        WayOut::Left => YELLOW,
    };
    let way_out = look.paint(style, method.way_out.name());
    let action = method
        .action
        .as_ref()
        .map_or(String::new(), |name| format!(" {name}()"));
    let callers = match method.callers {
        1 => "1 caller".to_string(),
        count => format!("{count} callers"),
    };
    _ = writeln!(out, "\n{} {way_out}{action}, {callers}", method.method);
    // One fact can have many places; it is said once.
    let mut facts: BTreeMap<(bool, &str), Vec<&Place>> = BTreeMap::new();
    for evidence in &method.evidence {
        let places = facts
            .entry((!evidence.for_action, &evidence.what))
            .or_default();
        places.extend(&evidence.place);
    }
    for ((against, what), places) in facts {
        let (sign, style) = if against {
            ("against", YELLOW)
        } else {
            ("for", GREEN)
        };
        _ = writeln!(
            out,
            "  {} {}",
            look.paint(style, &format!("{sign:<7}")),
            clean(what)
        );
        for place in places {
            let at = format!(
                "{}{}:{}:{}",
                view.shown, place.file, place.line, place.column
            );
            _ = writeln!(out, "          {}", look.paint(DIM, &clean(&at)));
            if let Some(line) = source_line(view, place) {
                _ = writeln!(out, "            {}", clean(line));
            }
        }
    }
    for note in &method.notes {
        _ = writeln!(out, "  {:<7} {}: {}", "note", note.code(), note.what());
    }
}

/// The line of a place, without its indent; none when it is longer than a person reads.
fn source_line<'a>(view: &'a View, place: &Place) -> Option<&'a str> {
    let line = view
        .text(&place.file)?
        .lines()
        .nth(place.line.checked_sub(1)?)?;
    let line = line.trim();
    (place.end > place.start && line.len() <= 160).then_some(line)
}

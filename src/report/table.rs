//! The summary table: one row for each method of each route.

use routelift_transforms::outcome::{AppOutcome, MethodOutcome, RouteOutcome, WayOut};
use unicode_width::UnicodeWidthStr;

use super::{BLUE, BOLD, CYAN, GREEN, Look, YELLOW, clean, wrap};

const METHOD: usize = 7;
const WAY_OUT: usize = 13;
const CALLERS: usize = 7;
/// The least width of the notes; the routes' column gets what is left.
const NOTES: usize = 24;
const GAP: usize = 2;

/// The table of an app's routes, at most as wide as `look` says wherever words allow.
pub fn render(app: &AppOutcome, look: Look) -> String {
    let fixed = METHOD + WAY_OUT + CALLERS + 4 * GAP;
    let room = look.width.saturating_sub(fixed + NOTES).max(12);
    let longest = app
        .routes
        .iter()
        .map(|route| clean(&route.route).width())
        .max();
    let table = Table {
        look,
        route: longest.unwrap_or(0).max(5).min(room),
    };
    let mut out = table.head();
    for route in &app.routes {
        table.route(route, &mut out);
    }
    out
}

struct Table {
    look: Look,
    /// Width of the routes' column.
    route: usize,
}

impl Table {
    fn head(&self) -> String {
        let head = format!(
            "{}  {:METHOD$}  {:WAY_OUT$}  {:>CALLERS$}  NOTES",
            pad("ROUTE", self.route),
            "METHOD",
            "WAY OUT",
            "CALLERS"
        );
        self.look.paint(BOLD, &head) + "\n"
    }

    fn route(&self, route: &RouteOutcome, out: &mut String) {
        let mut name = clean(&route.route).into_owned();
        if name.width() > self.route {
            // Too long for its column: a line of its own.
            out.push_str(&name);
            out.push('\n');
            name.clear();
        }
        let mut codes: Vec<&str> = route
            .refusals
            .iter()
            .map(|refusal| refusal.reason.code())
            .collect();
        codes.dedup();
        for refusal in &route.bridged {
            if !codes.contains(&refusal.reason.code()) {
                codes.push(refusal.reason.code());
            }
        }
        if route.methods.is_empty() {
            return self.row(&name, None, &codes, out);
        }
        for method in &route.methods {
            let notes: Vec<&str> = method.notes.iter().map(|note| note.code()).collect();
            let mut words = Vec::new();
            let action = method.action.as_ref().map(|action| format!("{action}()"));
            words.extend(action.as_deref());
            if [WayOut::Left, WayOut::Bridged].contains(&method.way_out) {
                words.extend(&codes);
            }
            words.extend(&notes);
            self.row(&name, Some(method), &words, out);
            name.clear();
        }
    }

    fn row(&self, name: &str, method: Option<&MethodOutcome>, words: &[&str], out: &mut String) {
        let way_out = method.map_or(WayOut::Left, |method| method.way_out);
        let style = match way_out {
            WayOut::ServerAction => GREEN,
            WayOut::RouteHandler => CYAN,
            WayOut::Bridged => BLUE,
            WayOut::Left => YELLOW,
        };
        let callers = method.map_or("-".to_string(), |method| method.callers.to_string());
        let start = self.route + METHOD + WAY_OUT + CALLERS + 4 * GAP;
        let room = self.look.width.saturating_sub(start).max(NOTES);
        let notes = wrap(&words.join(", "), room);
        let row = format!(
            "{}  {}  {}  {callers:>CALLERS$}  {}",
            pad(name, self.route),
            pad(method.map_or("-", |method| &method.method), METHOD),
            self.look.paint(style, &pad(way_out.name(), WAY_OUT)),
            notes.first().map_or("", String::as_str)
        );
        out.push_str(row.trim_end());
        out.push('\n');
        for line in notes.iter().skip(1) {
            out.push_str(&format!("{:start$}{line}\n", ""));
        }
    }
}

/// The text with spaces up to `width` columns.
fn pad(text: &str, width: usize) -> String {
    format!("{text}{:1$}", "", width.saturating_sub(text.width()))
}

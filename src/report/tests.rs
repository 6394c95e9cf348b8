use std::sync::Arc;

use routelift_transforms::next_version::NextVersion;
use routelift_transforms::outcome::{
    AppOutcome, Change, Evidence, MethodOutcome, Outcome, Place, Refusal, RouteOutcome, WayOut,
};
use routelift_transforms::project::{App, File, NextConfig, Project};
use routelift_transforms::reason::{Note, Reason};
use unicode_width::UnicodeWidthStr;

use super::*;

const PLAIN: Look = Look {
    colour: false,
    terminal: false,
    width: 80,
};

fn method(name: &str, way_out: WayOut, notes: &[Note]) -> MethodOutcome {
    MethodOutcome {
        method: name.into(),
        way_out,
        action: (way_out == WayOut::ServerAction).then(|| "createPost".into()),
        callers: 2,
        notes: notes.to_vec(),
        evidence: Vec::new(),
    }
}

fn route(name: &str, methods: Vec<MethodOutcome>) -> RouteOutcome {
    RouteOutcome {
        route: name.into(),
        file: format!("pages{name}.ts"),
        target: Some(format!("app{name}/route.ts")),
        asked: Vec::new(),
        methods,
        refusals: Vec::new(),
        bridged: Vec::new(),
    }
}

fn view() -> View {
    let text =
        "import x from 'x'\r\n\texport default withX(handler) // \u{202e}\u{1b}[31m\u{9b}\r\n";
    let file = "pages/api/left.ts";
    let start = text.find("withX").unwrap();
    let refusal = Refusal {
        reason: Reason::WrappedHandler,
        place: Place::new(file, text, start, text.len()),
        detail: "with\u{1b}X".into(),
    };
    let left = RouteOutcome {
        target: None,
        refusals: vec![refusal],
        ..route("/api/left", Vec::new())
    };
    let mut post = method("POST", WayOut::ServerAction, &[]);
    post.evidence = [(true, 1), (true, 2), (false, 1)]
        .map(|(for_action, line)| Evidence {
            for_action,
            what: if for_action {
                "called from a client component"
            } else {
                "sets a header"
            }
            .into(),
            place: Some(Place {
                line,
                ..Place::new(file, text, 0, 5)
            }),
        })
        .to_vec();
    let long = "/api/organizations/[organizationId]/members/[memberId]/invitations";
    let notes = [
        Note::JsonCharset,
        Note::Auto405,
        Note::ActionWhenCallerMoves,
    ];
    let outcome = AppOutcome {
        dir: String::new(),
        notes: vec![Note::NextNotFound],
        refusals: Vec::new(),
        accepted: Vec::new(),
        routes: vec![
            left,
            route(long, vec![method("GET", WayOut::RouteHandler, &notes)]),
            route(
                "/api/posts",
                vec![method("GET", WayOut::RouteHandler, &[]), post],
            ),
        ],
    };
    let app = App {
        dir: String::new(),
        depends_on_next: true,
        next: NextVersion::parse("15.2"),
        next_source: "package-lock.json".into(),
        pages: Some("pages".into()),
        app: None,
        typescript: true,
        config: NextConfig::default(),
        aliases: Vec::new(),
    };
    let source = File {
        text: Some(Arc::from(text)),
        ..File::default()
    };
    View {
        project: Project {
            files: [(file.to_string(), source)].into(),
            apps: vec![app],
            ..Project::default()
        },
        outcome: Outcome {
            apps: vec![outcome],
            changes: vec![Change::Rename {
                from: "pages/api/posts.ts".into(),
                to: "app/api/posts/route.ts".into(),
                old: "a\n".into(),
                new: "b\u{1b}[2J\n".into(),
            }],
            warnings: Vec::new(),
        },
        warnings: vec![Warning {
            what: "no API route matches /api/gone\u{1b}".into(),
            place: Some(Place::new("routelift.toml", "a\nb\n", 2, 3)),
        }],
        shown: "web/".into(),
        prefix: "web/".into(),
        ..View::default()
    }
}

#[test]
fn the_report_is_readable_at_80_columns() {
    let report = terminal::render(&[view()], false, PLAIN);
    println!("{report}");
    // The renderer of diagnostics does not wrap their titles.
    for line in report.lines().filter(|line| !line.starts_with("left[")) {
        assert!(line.width() <= 80, "{line}");
    }
    assert!(
        report.starts_with("web: Next.js 15.2 (package-lock.json)\nnotes: next-not-found\n\nROUTE")
    );
    assert!(report.contains("--> web/pages/api/left.ts:2:"), "{report}");
    assert!(report.contains("left[wrapped-handler]"));
    assert!(report.contains("help: unwrap the handler"));
    assert_eq!(report.matches("note[auto-405]").count(), 1);
    let end = "3 routes, 2 migrated (1 action, 2 handlers), 1 left; 1 file change, none written\n";
    assert!(report.ends_with(end), "{report}");
    assert!(
        terminal::render(&[view()], true, PLAIN)
            .ends_with("1 file change written; routelift undo takes it back\n")
    );
}

#[test]
fn accepted_notes_are_not_explained() {
    let accepting = View {
        accepted: vec![[Note::Auto405].into()],
        ..view()
    };
    let report = terminal::render(&[accepting], false, PLAIN);
    assert!(report.contains("\naccepted notes: auto-405\n"), "{report}");
    assert!(!report.contains("note[auto-405]") && report.contains("note[json-charset]"));
    // Another app does not accept it.
    let accepting = View {
        accepted: vec![[Note::Auto405].into()],
        ..view()
    };
    let report = terminal::render(&[accepting, view()], false, PLAIN);
    assert!(report.contains("note[auto-405]"), "{report}");
}

#[test]
fn nothing_that_a_terminal_obeys_gets_through() {
    let look = Look {
        terminal: true,
        ..PLAIN
    };
    let view = view();
    let explained = crate::explain::route("/api/left", std::slice::from_ref(&view), look).unwrap();
    let diff = shown_diff(&view.diff(), look);
    let report = terminal::render(&[view], false, look);
    for text in [report, explained, diff] {
        let bad = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(bad), "{text:?}");
    }
}

#[test]
fn a_piped_diff_keeps_its_bytes() {
    let view = view();
    assert_eq!(shown_diff(&view.diff(), PLAIN), view.diff());
    assert!(view.diff().contains("+b\u{1b}[2J\n"));
}

#[test]
fn json_holds_the_whole_result() {
    let text = json::render(&[view()], false).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema"], 1);
    let project = &value["projects"][0];
    assert_eq!(project["root"], "web");
    let app = &project["apps"][0];
    assert_eq!(app["next"], "15.2");
    assert_eq!(app["routes"][0]["left"], true);
    assert_eq!(app["routes"][0]["refusals"][0]["code"], "wrapped-handler");
    assert_eq!(app["routes"][2]["methods"][1]["action"], "createPost");
    assert_eq!(
        app["routes"][2]["methods"][1]["evidence"][0]["place"]["line"],
        1
    );
    assert_eq!(project["changes"][0]["kind"], "rename");
    assert_eq!(project["warnings"][0]["place"]["line"], 2);
    assert_eq!(project["changes"][0]["old_path"], "pages/api/posts.ts");
    let diff = project["changes"][0]["diff"].as_str().unwrap();
    assert!(diff.starts_with("diff --git a/web/pages"));
    assert_eq!(value["codes"]["auto-405"]["kind"], "note");
}

#[test]
fn explains_routes_and_codes() {
    let views = [view()];
    let text = crate::explain::route("api/posts", &views, PLAIN).unwrap();
    println!("{text}");
    assert!(text.contains("POST server-action createPost(), 2 callers"));
    assert_eq!(text.matches("called from a client component").count(), 1);
    assert!(text.contains("web/pages/api/left.ts:2:1"));
    assert!(crate::explain::route("web/pages/api/left.ts", &views, PLAIN).is_some());
    let text = crate::explain::code("auto-405", PLAIN).unwrap();
    assert!(
        text.starts_with("note auto-405\n  what  a method"),
        "{text}"
    );
    let unknown = crate::explain::unknown("/api/psots", &views);
    assert_eq!(unknown, "no API route /api/psots; did you mean /api/posts?");
    let unknown = crate::explain::unknown("auto405", &views);
    assert_eq!(unknown, "no code auto405; did you mean auto-405?");
}

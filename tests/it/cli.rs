//! The command line as its users meet it: exit codes, streams, colours, errors.

use std::process::Stdio;

use crate::support::{Copy, output, read_tree, repository, routelift, text};

const PACKAGE: (&str, &str) = ("package.json", r#"{"dependencies": {"next": "15.2.0"}}"#);
const ROUTE: (&str, &str) = (
    "pages/api/hello.ts",
    "export default function handler(req, res) {\n  res.status(200).json({ name: 'John' })\n}\n",
);

fn project() -> Copy {
    Copy::of(&[PACKAGE, ROUTE])
}

fn code(copy: &Copy, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = output(routelift(copy.path()).args(arguments));
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Migrates one route.
fn migrate_one(copy: &Copy, route: &str) {
    let only = format!("/api/{route}");
    copy.commit();
    let (exit, _, stderr) = code(copy, &["--only", &only, "--write"]);
    assert_eq!(exit, Some(0), "{route}: {stderr}");
    let file = format!("app/api/{route}/route.");
    let written = copy.tree().keys().any(|path| path.starts_with(&file));
    assert!(written, "{route}: {stderr}");
}

/// The same for wrappers that put values on the request: the last of the routes finds the form
/// that the first has written.
#[test]
fn routes_with_values_of_wrappers_are_migrated_one_by_one() {
    let input = repository().join("fixtures/request-values/input");
    let copy = Copy::new(&read_tree(&input));
    for step in [
        "roster",
        "me",
        "admin",
        "machine",
        "visits",
        "notes/[note]",
        "grade",
    ] {
        migrate_one(&copy, &format!("values/{step}"));
    }
    let wrapper = text(&copy.tree()["lib/values/with-user.ts"]).to_string();
    for form in ["withUser<", "withUser("] {
        let declared = wrapper.matches(&format!("function {form}")).count();
        assert!(declared <= 1, "{form} in\n{wrapper}");
    }
    let teams = text(&copy.tree()["lib/values/with-team.ts"]).to_string();
    assert_eq!(teams.matches("import type { Team }").count(), 1, "{teams}");
    let (exit, _, stderr) = code(&copy, &["--check"]);
    assert_eq!(exit, Some(0), "{stderr}");
}

/// Route by route, as the README advises: what the routes share grows from run to run, and what a
/// route that is left calls keeps its old form.
#[test]
fn a_project_is_migrated_route_by_route() {
    let input = repository().join("fixtures/wrapped-handlers/input");
    let copy = Copy::new(&read_tree(&input));
    let shared = |copy: &Copy, file: &str| text(&copy.tree()[file]);
    let steps = [
        "audit",
        "profile",
        "teams",
        "echo",
        "projects/[project]",
        "tally",
        "visits",
    ];
    for step in steps {
        migrate_one(&copy, &format!("wrapped/{step}"));
    }
    let helpers = shared(&copy, "lib/api-request.ts");
    for helper in ["readBody", "readQuery"] {
        let declared = helpers.matches(&format!("function {helper}(")).count();
        assert_eq!(declared, 1, "{helper} in\n{helpers}");
    }
    let methods = shared(&copy, "lib/wrapped/with-methods.ts");
    for form in ["withHeader(", "withHeaderForRoute("] {
        let declared = methods.matches(&format!("function {form}")).count();
        assert_eq!(declared, 1, "{form} in\n{methods}");
    }
    let (exit, _, stderr) = code(&copy, &["--check"]);
    assert_eq!(exit, Some(0), "{stderr}");
}

#[test]
fn help_shows_every_flag_and_examples() {
    let (exit, stdout, stderr) = code(&project(), &["--help"]);
    assert_eq!((exit, stderr.as_str()), (Some(0), ""));
    for flag in [
        "--write",
        "--allow-dirty",
        "--allow-no-vcs",
        "--check",
        "--only",
        "--exclude",
        "--action",
        "--route-handler",
        "--bridge",
        "--next",
        "--strict",
        "--format",
        "--color",
        "--timings",
        "explain",
        "undo",
        "Examples:",
        "git apply",
    ] {
        assert!(stdout.contains(flag), "{flag} is not in\n{stdout}");
    }
}

const WRAPPED: (&str, &str) = (
    "pages/api/wrapped.ts",
    "import { wrap } from 'wrap'\n\nexport default wrap((req, res) => res.end())\n",
);

#[test]
fn the_adapter_is_added_once() {
    let project = Copy::of(&[PACKAGE, ROUTE, WRAPPED]);
    let adapter = "+++ b/lib/pages-api-bridge.js";
    let (exit, stdout, _) = code(&project, &[]);
    assert!(exit == Some(0) && !stdout.contains(adapter), "{stdout}");
    let (_, stdout, _) = code(&project, &["explain", "/api/wrapped"]);
    assert!(stdout.contains("--bridge may carry it"), "{stdout}");
    let (_, stdout, _) = code(&project, &["explain", "/api/wrapped", "--bridge"]);
    assert!(stdout.contains("bridged[wrapped-handler]"), "{stdout}");
    let (_, stdout, _) = code(&project, &["--bridge", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let route = &value["projects"][0]["apps"][0]["routes"][1];
    assert_eq!(route["methods"][0]["way_out"], "bridged");
    assert_eq!(route["bridged"][0]["code"], "wrapped-handler");
    assert_eq!(value["codes"]["wrapped-handler"]["kind"], "refusal");
    project.commit();
    let (exit, stdout, stderr) = code(&project, &["--bridge", "--write"]);
    assert!(exit == Some(0) && stdout.contains(adapter), "{stderr}");
    assert!(stderr.contains("1 bridged"), "{stderr}");

    // A route that comes later uses the adapter that is there, as it is.
    let there = project.path().join("lib/pages-api-bridge.js");
    let text = std::fs::read_to_string(&there).unwrap() + "// ours\n";
    std::fs::write(&there, text).unwrap();
    let later = project.path().join("pages/api/later.ts");
    std::fs::create_dir_all(later.parent().unwrap()).unwrap();
    std::fs::write(&later, WRAPPED.1).unwrap();
    let (exit, stdout, _) = code(&project, &["--bridge"]);
    assert!(exit == Some(0) && !stdout.contains("b/lib/"), "{stdout}");
    assert!(stdout.contains("+import { bridge } from"), "{stdout}");

    // Another file of its name is no adapter.
    std::fs::write(&there, "export const bridge = 'pages/api'\n").unwrap();
    let (_, stdout, stderr) = code(&project, &["--bridge"]);
    assert_eq!(stdout, "", "{stderr}");
    assert!(stderr.contains("left[target-exists]"), "{stderr}");
}

#[test]
fn usage_errors_exit_with_2() {
    let project = project();
    for (arguments, message) in [
        (&["--frobnicate"][..], "--frobnicate"),
        (&["no/such/directory"], "no/such/directory"),
        (&["package.json"], "not a directory"),
        (&["--check", "--write"], "--check"),
        (&["--allow-dirty"], "--write"),
        (&["undo"], "nothing was written here"),
        (&["--next", "latest"], "give a version"),
        (&["--bridge=some"], "some"),
        (&["--action", "/api/hello:SEND"], "SEND"),
        (
            &["--action", "/api/hello", "--route-handler", "/api/hello"],
            "both",
        ),
        (&[".", "pages"], "inside each other"),
        (&["explain"], "ROUTE|CODE"),
        (
            &["explain", "wraped-handler"],
            "did you mean wrapped-handler?",
        ),
        (
            &["explain", "/api/unheard-of"],
            "no API route /api/unheard-of",
        ),
    ] {
        let (exit, stdout, stderr) = code(&project, arguments);
        assert_eq!(
            (exit, stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}: {stderr}"
        );
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
    }
}

#[test]
fn check_fails_exactly_when_something_would_change() {
    let project = project();
    let before = project.tree();
    let (_, diff, _) = code(&project, &[]);
    let (exit, _, _) = code(&project, &["--check"]);
    assert_eq!(exit, Some(i32::from(!diff.is_empty())));
    assert_eq!(project.tree(), before);
    let (exit, stdout, stderr) = code(&Copy::of(&[PACKAGE]), &["--check"]);
    assert_eq!((exit, stdout.as_str()), (Some(0), ""));
    assert_eq!(stderr, "no Next.js app found\n");
}

#[test]
fn json_is_the_only_output() {
    let (exit, stdout, stderr) = code(&project(), &["--format", "json"]);
    assert_eq!((exit, stderr.as_str()), (Some(0), ""));
    let value: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(value["schema"], 1);
    assert_eq!(value["projects"][0]["root"], ".");
}

#[test]
fn explains_codes_without_a_project() {
    let (exit, stdout, stderr) = code(&Copy::of(&[]), &["explain", "wrapped-handler"]);
    assert_eq!((exit, stderr.as_str()), (Some(0), ""));
    assert!(stdout.starts_with("reason wrapped-handler\n"), "{stdout}");
}

#[test]
fn a_directory_called_explain_is_a_root() {
    let copy = Copy::of(&[
        ("explain/package.json", PACKAGE.1),
        ("explain/pages/index.js", ""),
    ]);
    let (exit, _, stderr) = code(&copy, &["./explain"]);
    assert_eq!(exit, Some(0), "{stderr}");
}

#[test]
fn colour_is_for_terminals_and_on_demand() {
    let project = project();
    let (_, stdout, stderr) = code(&project, &[]);
    assert!(!stdout.contains('\u{1b}') && !stderr.contains('\u{1b}'));
    let (_, stdout, _) = code(&project, &["explain", "no-reply", "--color", "always"]);
    assert!(stdout.contains('\u{1b}'));
    let mut command = routelift(project.path());
    let quiet = output(command.args(["explain", "no-reply"]).env("NO_COLOR", "1"));
    assert!(!text(&quiet.stdout).contains('\u{1b}'));
}

#[test]
fn timings_go_to_standard_error() {
    let (exit, stdout, stderr) = code(&Copy::of(&[PACKAGE]), &["--timings"]);
    assert_eq!((exit, stdout.as_str()), (Some(0), ""));
    for phase in ["walk", "read", "resolve", "migrate", "total"] {
        assert!(stderr.contains(phase), "{stderr}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let project = project();
    let mut command = routelift(project.path());
    command
        .arg("--help")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_file_that_is_not_utf8_stops_nothing() {
    let project = project();
    let path = project.path().join("pages/api/latin.ts");
    std::fs::write(&path, b"// caf\xe9\nexport default () => {}\n").unwrap();
    project.commit();
    let before = project.tree();
    let (exit, _, stderr) = code(&project, &["--write"]);
    assert_eq!(exit, Some(0), "{stderr}");
    let name = "pages/api/latin.ts";
    assert_eq!(project.tree().get(name), before.get(name));
}

#[test]
fn a_pattern_that_matches_nothing_is_told() {
    let project = project();
    let (exit, stdout, stderr) = code(&project, &["--only", "/api/helo"]);
    assert_eq!((exit, stdout.as_str()), (Some(0), ""));
    let warning = "warning: no API route matches /api/helo; did you mean /api/hello?\n";
    assert!(stderr.starts_with(warning), "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_written_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let project = project();
    let (_, diff, _) = code(&project, &[]);
    project.commit();
    let root = project.path();
    let before = project.tree();
    let mode = |mode| std::fs::set_permissions(root, std::fs::Permissions::from_mode(mode));
    mode(0o555).unwrap();
    let may_write = std::fs::write(root.join("probe"), "").is_ok();
    let (exit, _, stderr) = code(&project, &["--write"]);
    mode(0o755).unwrap();
    if may_write || diff.is_empty() {
        // The superuser may write anyway, and without changes nothing is written.
        return;
    }
    assert_eq!(exit, Some(2));
    assert!(stderr.contains("nothing was written"), "{stderr}");
    assert_eq!(project.tree(), before);
}

#[test]
fn verify_says_what_it_lacks() {
    let copy = project();
    std::fs::write(copy.path().join("none.json"), "[]").unwrap();
    std::fs::write(copy.path().join("some.json"), "[{ \"path\": \"/api/a\" }]").unwrap();
    let lacks = |arguments: &[&str]| {
        let (code, stdout, stderr) = code(&copy, arguments);
        assert_eq!((code, &stdout[..]), (Some(2), ""), "{stderr}");
        stderr
    };
    assert!(lacks(&["verify"]).contains("--requests <FILE>"));
    assert!(lacks(&["verify", "--requests", "gone.json"]).contains("cannot read gone.json"));
    assert!(lacks(&["verify", "--requests", "none.json"]).contains("holds no request"));
    assert!(
        lacks(&["verify", "--requests", "some.json"])
            .contains("install the project's dependencies")
    );
    std::fs::write(copy.path().join("wrong.json"), "[{ \"path\": \"api/a\" }]").unwrap();
    assert!(lacks(&["verify", "--requests", "wrong.json"]).contains("the path must begin with /"));
    let nothing = ["verify", "--requests", "some.json", "--exclude", "/api/**"];
    assert!(lacks(&nothing).contains("nothing is migrated here"));
    let next = copy.path().join("node_modules/next/dist/bin");
    std::fs::create_dir_all(&next).unwrap();
    std::fs::write(next.join("next"), "").unwrap();
    let setup = [
        "verify",
        "--requests",
        "some.json",
        "--setup",
        "echo reset; exit 3",
    ];
    let stderr = lacks(&setup);
    assert!(
        stderr.contains("the setup command failed (exit status: 3)"),
        "{stderr}"
    );
    assert!(stderr.ends_with("reset\n"), "{stderr}");
}

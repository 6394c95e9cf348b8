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
        "init",
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
            "cannot be both",
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

const CONFIG: &str = "[routes]\nexternal = [\"/api/hello\"]\n";

/// The configuration that holds for an app is the nearest one, whatever part of the repository is migrated.
#[test]
fn the_nearest_configuration_holds() {
    let keep = "[routes]\nkeep = [\"/api/hello\", \"/api/elsewhere\"]\n";
    let copy = Copy::of(&[
        ("routelift.toml", keep),
        ("apps/a/package.json", PACKAGE.1),
        ("apps/a/pages/api/hello.ts", ROUTE.1),
        ("apps/b/package.json", PACKAGE.1),
        ("apps/b/pages/api/hello.ts", ROUTE.1),
        ("apps/b/pages/api/elsewhere.ts", ROUTE.1),
        ("apps/b/routelift.toml", CONFIG),
    ]);
    let (exit, stdout, stderr) = code(&copy, &[]);
    assert_eq!(exit, Some(0), "{stderr}");
    assert!(!stdout.contains("apps/a/") && stdout.contains("apps/b/app/api/hello"));
    let warning = "warning: routelift.toml:2:23: no API route matches /api/elsewhere; did you mean /api/hello?\n";
    assert!(stderr.starts_with(warning), "{stderr}");
    // Of what stands above only a part is looked at, so that nothing is known to be idle.
    let (exit, stdout, stderr) = code(&copy, &["apps/a"]);
    assert_eq!((exit, stdout.as_str()), (Some(0), ""), "{stderr}");
    assert!(!stderr.contains("warning"), "{stderr}");
    assert!(stderr.contains("left[kept]"), "{stderr}");
    let (_, stdout, _) = code(&copy, &["explain", "/api/hello", "apps/a"]);
    assert!(
        stdout.contains("asked     keep, by apps/a/../../routelift.toml:2:9"),
        "{stdout}"
    );
    assert!(stdout.contains("keep = [\"/api/hello\""), "{stdout}");
}

#[test]
fn a_configuration_that_cannot_be_understood_is_an_error() {
    let copy = project();
    let file = copy.path().join("routelift.toml");
    for (text, message) in [
        (
            "[route]\n",
            "routelift.toml:1:2: unknown field `route`, expected one of `accept`, `routes`, `actions`",
        ),
        (
            "[routes]\nexternal = [\"/api/hello\"]\naction = [\"/api/hello:POST\"]\n",
            "/api/hello cannot be both: external by routelift.toml:2:13, and action by routelift.toml:3:11",
        ),
        (
            "accept = [\"no-etags\"]\n",
            "routelift.toml:1:11: \"no-etags\" cannot be accepted, only not-found-page and notes can; did you mean no-etag?",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        for arguments in [&[][..], &["explain", "/api/hello"], &["init"]] {
            let (exit, stdout, stderr) = code(&copy, arguments);
            assert_eq!((exit, stdout.as_str()), (Some(2), ""), "{arguments:?}");
            assert!(stderr.starts_with(&format!("error: {message}")), "{stderr}");
        }
    }
    std::fs::write(&file, b"\xff").unwrap();
    assert!(code(&copy, &[]).2.contains("cannot read routelift.toml"));
}

/// Options count more than comments, and comments more than the configuration.
#[test]
fn who_says_what_counts_is_explained() {
    let caller = "'use client'\nexport const Like = () => <button onClick={() => fetch('/api/like', { method: 'POST' })} />\n";
    let route = "// routelift: external\nexport default function handler(req, res) {\n  if (req.method !== 'POST') return res.status(405).end()\n  res.status(204).end()\n}\n";
    let copy = Copy::of(&[
        PACKAGE,
        ("pages/api/like.js", route),
        (
            "app/page.jsx",
            "import { Like } from './like'\nexport default () => <Like />\n",
        ),
        ("app/like.jsx", caller),
        ("routelift.toml", "[routes]\naction = [\"/api/like\"]\n"),
    ]);
    let way = |arguments: &[&str]| {
        let (_, stdout, stderr) = code(&copy, arguments);
        let value: serde_json::Value = serde_json::from_str(&stdout).expect(&stderr);
        value["projects"][0]["apps"][0]["routes"][0].clone()
    };
    let route = way(&["--format", "json"]);
    assert_eq!(route["methods"][0]["way_out"], "route-handler");
    assert_eq!(route["asked"].as_array().unwrap().len(), 1);
    assert_eq!(route["asked"][0]["way"], "external");
    assert_eq!(route["asked"][0]["place"]["file"], "pages/api/like.js");
    let (_, stdout, _) = code(&copy, &["explain", "/api/like"]);
    let words =
        "asked     external, by pages/api/like.js:1:1\n              // routelift: external\n";
    assert!(stdout.contains(words), "{stdout}");
    let route = way(&["--format", "json", "--action", "/api/*:POST"]);
    assert_eq!(route["methods"][0]["way_out"], "server-action");
    assert_eq!(route["asked"][0]["option"], "--action /api/*:POST");
    let (_, stdout, _) = code(&copy, &["explain", "/api/like", "--action", "/api/like"]);
    assert!(
        stdout.contains("asked     action, by --action /api/like\n"),
        "{stdout}"
    );
    // Without a comment the configuration holds, and what it asks for is refused where it cannot work.
    let copy = Copy::of(&[
        PACKAGE,
        ROUTE,
        (
            "routelift.toml",
            "[routes]\naction = [\"/api/hello:POST\"]\n",
        ),
    ]);
    let (_, stdout, stderr) = code(&copy, &["--bridge"]);
    assert_eq!(stdout, "");
    assert!(stderr.contains("left[forced-way]"), "{stderr}");
}

#[test]
fn init_shows_a_configuration_and_writes_it_once() {
    let copy = Copy::new(&read_tree(
        &repository().join("fixtures/routelift-toml/input"),
    ));
    std::fs::remove_file(copy.path().join("routelift.toml")).unwrap();
    copy.commit();
    let before = copy.tree();
    let (exit, stdout, stderr) = code(&copy, &["init"]);
    assert_eq!(exit, Some(0), "{stderr}");
    assert!(
        stderr.ends_with("nothing is written without --write\n"),
        "{stderr}"
    );
    assert!(stdout.contains("+++ b/routelift.toml\n"), "{stdout}");
    for line in [
        "+\"/api/desk/tickets:POST\" = \"createTicket\"\n",
        "+directory = \"app/actions\"\n",
        "+external = [\n+  \"/api/v1/**\",\n",
    ] {
        let (_, stdout, _) = code(&copy, &["init", "--route-handler", "/api/v1/**"]);
        assert!(stdout.contains(line), "{line}\n{stdout}");
    }
    assert_eq!(copy.tree(), before);
    let (_, plan, _) = code(&copy, &[]);
    let (exit, written, stderr) = code(&copy, &["init", "--write"]);
    assert_eq!((exit, &written), (Some(0), &stdout), "{stderr}");
    // What was found decides as nothing did.
    copy.commit();
    let (_, again, stderr) = code(&copy, &[]);
    assert_eq!(again, plan);
    assert!(!stderr.contains("routelift.toml:"), "{stderr}");
    let (exit, stdout, stderr) = code(&copy, &["init", "--write"]);
    assert_eq!((exit, stdout.as_str()), (Some(2), ""));
    assert_eq!(
        stderr.lines().last(),
        Some("error: routelift.toml is there: change it by hand")
    );
    let (exit, _, stderr) = code(&copy, &["undo"]);
    assert_eq!(exit, Some(0), "{stderr}");
    assert_eq!(copy.tree(), before);
    let (exit, stdout, _) = code(&Copy::of(&[]), &["init", "--schema"]);
    let schema: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (exit, schema["title"].as_str()),
        (Some(0), Some("routelift.toml"))
    );
}

/// `app/actions/error.js` would be an error boundary.
#[test]
fn a_file_of_actions_has_no_name_of_the_framework() {
    let caller = "'use client'\nexport const Report = () => <button onClick={() => fetch('/api/error', { method: 'POST' })} />\n";
    let route = "export default function handler(req, res) {\n  if (req.method !== 'POST') return res.status(405).end()\n  res.status(204).end()\n}\n";
    let copy = Copy::of(&[
        PACKAGE,
        ("pages/api/error.js", route),
        (
            "app/page.jsx",
            "import { Report } from './report'\nexport default () => <Report />\n",
        ),
        ("app/report.jsx", caller),
    ]);
    let (_, stdout, stderr) = code(&copy, &[]);
    assert!(
        stdout.contains("+++ b/app/actions/error-actions.js\n"),
        "{stdout}{stderr}"
    );
}

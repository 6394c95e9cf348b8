//! Projects that are broken, or made to harm: each is told what is wrong with it, the rest
//! of it is migrated, nothing outside it is touched, and it takes no time to speak of.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Copy, routelift, snapshot, text, write_tree};

const PACKAGE: (&str, &str) = ("package.json", r#"{"dependencies": {"next": "15.2.0"}}"#);
const GOOD: (&str, &str) = (
    "pages/api/good.ts",
    "import { a } from '../../lib/a'\n\nexport default function handler(req, res) {\n  res.status(200).json({ a })\n}\n",
);
const LIB: (&str, &str) = ("lib/a.ts", "export const a = 1\n");
const TARGET: &str = "app/api/good/route.ts";
/// No run takes longer, with a program that is not optimised on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

fn project(more: &[(&str, &[u8])]) -> Copy {
    let copy = Copy::of(&[PACKAGE, GOOD, LIB]);
    write_tree(copy.path(), more.iter().copied());
    copy
}

/// Runs the program, which must end in time; gives its exit code and both streams.
fn run(root: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = routelift(root);
    command.args(arguments).stdin(Stdio::null());
    let (out, err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command
        .stdout(out.try_clone().unwrap())
        .stderr(err.try_clone().unwrap());
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > LIMIT {
            child.kill().unwrap();
            panic!("{arguments:?} takes longer than {LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let read = |mut file: std::fs::File| {
        use std::io::{Read, Seek};
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        text(&bytes)
    };
    (status.code(), read(out), read(err))
}

/// The good route is migrated, and the messages are printed.
fn the_rest_migrates(root: &Path, messages: &[&str]) {
    let (exit, _, stderr) = run(root, &["--write", "--allow-dirty"]);
    assert_eq!(exit, Some(0), "{stderr}");
    assert!(root.join(TARGET).exists(), "{stderr}");
    for message in messages {
        assert!(stderr.contains(message), "{message} is not in {stderr}");
    }
}

#[test]
fn broken_sources_are_told() {
    let handler = |body: &str| {
        format!("export default function handler(req, res) {{\n{body}\n  res.json({{}})\n}}\n")
    };
    let conflict = handler("<<<<<<< HEAD\n  a()\n=======\n  b()\n>>>>>>> theirs");
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(handler("").encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let huge = [handler("").into_bytes(), vec![b' '; 20 << 20]].concat();
    let mut latin = handler("").into_bytes();
    latin.extend(b"// caf\xe9\n");
    let cases: &[(&str, &[u8], &str)] = &[
        ("conflict", conflict.as_bytes(), "does not parse"),
        (
            "half",
            b"export default function handler(req, res) { res.json(",
            "does not parse",
        ),
        ("nul", b"\0\0\0\0", "does not parse"),
        ("utf16", &utf16, "not UTF-8"),
        ("latin", &latin, "not UTF-8"),
        ("huge", &huge, "larger than 5 MB"),
        ("empty", b"", "no default export"),
    ];
    for (name, bytes, message) in cases {
        let path = format!("pages/api/{name}.ts");
        let project = project(&[(&path, bytes)]);
        the_rest_migrates(project.path(), &[message, &path]);
        assert!(std::fs::read(project.path().join(&path)).unwrap() == *bytes);
    }
}

#[test]
fn broken_configuration_is_told() {
    let deep = "[".repeat(200_000);
    let cases: &[(&str, &[u8])] = &[
        ("tsconfig.json", b"{ not json"),
        ("tsconfig.json", b"\xff\xfe{\0}\0"),
        ("tsconfig.json", deep.as_bytes()),
        ("lib/package.json", b"<<<<<<< HEAD\n{}\n"),
        ("lib/package.json", deep.as_bytes()),
    ];
    for (path, bytes) in cases {
        the_rest_migrates(
            project(&[(path, bytes)]).path(),
            &[&format!("warning: {path} cannot be read")],
        );
    }
    for path in [
        ".prettierrc",
        ".prettierrc.yaml",
        "vercel.json",
        "package-lock.json",
        "next.config.js",
    ] {
        for bytes in [deep.as_bytes(), b"\xff\xfe\0\0", b"<<<<<<< HEAD"] {
            the_rest_migrates(project(&[(path, bytes)]).path(), &[]);
        }
    }
    // Without it there is no app.
    let project = project(&[(PACKAGE.0, b"{ not json")]);
    let (exit, stdout, stderr) = run(project.path(), &[]);
    assert_eq!((exit, stdout.as_str()), (Some(0), ""), "{stderr}");
    assert!(
        stderr.starts_with("warning: package.json cannot be read as JSON: "),
        "{stderr}"
    );
}

#[test]
fn circles_end() {
    let extends = |names: &[&str]| {
        format!("{{ \"extends\": {names:?}, \"compilerOptions\": {{ \"baseUrl\": \".\" }} }}")
    };
    let own = extends(&["./tsconfig.json"; 20]);
    let (there, back) = (extends(&["./other.json"]), extends(&["./tsconfig.json"]));
    the_rest_migrates(project(&[("tsconfig.json", own.as_bytes())]).path(), &[]);
    the_rest_migrates(
        project(&[
            ("tsconfig.json", there.as_bytes()),
            ("other.json", back.as_bytes()),
        ])
        .path(),
        &[],
    );
    // Each of sixteen configurations extends the next one ten times.
    let chain: Vec<(String, String)> = (0..16)
        .map(|number| {
            let next = format!("./t{}.json", number + 1);
            let name = if number == 0 {
                "tsconfig".to_string()
            } else {
                format!("t{number}")
            };
            (format!("{name}.json"), extends(&[next.as_str(); 10]))
        })
        .collect();
    let chain: Vec<(&str, &[u8])> = chain
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    the_rest_migrates(project(&chain).path(), &[]);
    // Modules that pass each other on.
    let modules: &[(&str, &[u8])] = &[
        ("lib/a.ts", b"export * from './b'\nexport * from './a'\n"),
        (
            "lib/b.ts",
            b"export * from './a'\nexport { default } from './b'\n",
        ),
        (
            "pages/api/circle.ts",
            b"export { default } from '../../lib/b'\n",
        ),
        (
            "pages/api/own.ts",
            b"export { default } from './own'\nexport * from './own'\n",
        ),
    ];
    the_rest_migrates(
        project(modules).path(),
        &["pages/api/circle.ts", "pages/api/own.ts"],
    );
}

/// Every way to nest, far deeper than any stack.
#[test]
fn what_nests_without_end_is_told() {
    let ways: &[(&str, &str)] = &[
        ("", "("),
        ("", "["),
        ("", "{"),
        ("x = ", "!"),
        ("x = ", "typeof "),
        ("x = ", "a + "),
        ("x = ", "a => "),
        ("x = ", "a ? b : "),
        ("x", ".y"),
        ("x", "()"),
        ("x = ", "`${"),
        ("", "if (a) "),
        ("", "a: "),
        ("if (a) {}", " else if (a) {}"),
        ("type T = ", "A<"),
        ("type T = ", "A extends B ? C : "),
        ("let y = ", "<a>"),
    ];
    // The good route in each of them is migrated, in one run over all.
    let paths: Vec<String> = (0..ways.len())
        .map(|number| format!("pages/api/deep{number}.tsx"))
        .collect();
    let texts: Vec<String> = ways
        .iter()
        .map(|(start, part)| {
            format!(
                "export default function handler(req, res) {{\n  {start}{}",
                part.repeat(200_000)
            )
        })
        .collect();
    let files: Vec<(&str, &[u8])> = paths
        .iter()
        .zip(&texts)
        .map(|(path, text)| (path.as_str(), text.as_bytes()))
        .collect();
    let names: Vec<&str> = paths.iter().map(String::as_str).collect();
    the_rest_migrates(project(&files).path(), &names);
}

/// As deep as files may nest: everything after the parser bears it, too.
#[test]
fn what_nests_to_the_limit_is_read() {
    let handler = |body: &str| {
        format!(
            "export default function handler(req, res) {{\n  {body}\n  res.status(200).json({{ a: 1 }})\n}}\n"
        )
    };
    let bodies = [
        format!("x = {}1{}", "(".repeat(900), ")".repeat(900)),
        format!("x = {}{}", "[".repeat(900), "]".repeat(900)),
        format!("x = {}1", "!".repeat(9_900)),
        format!("x = {}1", "a + ".repeat(9_900)),
        format!("x = {}1", "a => ".repeat(4_900)),
        format!("x = {}c", "a ? b : ".repeat(4_900)),
        format!("x = a{}", ".b()".repeat(3_200)),
        format!("{};", "if (a) ".repeat(900)),
        format!("{};", "for (;;) ".repeat(900)),
        format!("{}{}", "{".repeat(900), "}".repeat(900)),
        format!("let y = {}{}", "<a>".repeat(900), "</a>".repeat(900)),
        "a;".repeat(20_000),
    ];
    let paths: Vec<String> = (0..bodies.len())
        .map(|number| format!("pages/api/deep{number}.tsx"))
        .collect();
    let texts: Vec<String> = bodies.iter().map(|body| handler(body)).collect();
    let files: Vec<(&str, &[u8])> = paths
        .iter()
        .zip(&texts)
        .map(|(path, text)| (path.as_str(), text.as_bytes()))
        .collect();
    let project = project(&files);
    the_rest_migrates(project.path(), &[]);
    let (_, _, stderr) = run(project.path(), &[]);
    assert!(
        !stderr.contains("nests deeper") && !stderr.contains("goes on for"),
        "{stderr}"
    );
}

#[test]
fn aliases_lead_nowhere_outside() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("with-auth.ts");
    let guard = "export const withAuth = (handler) => async (req, res) => {\n  if (!req.headers.authorization) return res.status(401).end()\n  return handler(req, res)\n}\n";
    std::fs::write(&secret, guard).unwrap();
    let at = outside.path().to_str().unwrap();
    let up = format!("{}{}", "../".repeat(32), at.trim_start_matches('/'));
    let route = |from: &str| {
        format!(
            "import {{ withAuth }} from '{from}'\n\nexport default withAuth((req, res) => res.status(200).json({{ a: 1 }}))\n"
        )
    };
    let paths = format!(
        "{{ \"compilerOptions\": {{ \"baseUrl\": \"/\", \"paths\": {{ \"@/*\": [\"{up}/*\"], \"~/*\": [\"{at}/*\"], \"*\": [\"{up}/*\"] }} }} }}"
    );
    let package = format!(
        "{{ \"name\": \"{up}\", \"main\": \"{up}/with-auth.ts\", \"workspaces\": [\"{up}\"], \"imports\": {{ \"#up/*\": \"{up}/*\" }}, \
         \"dependencies\": {{ \"next\": \"15.2.0\", \"up\": \"file:{up}\" }} }}"
    );
    let config = format!(
        "module.exports = {{ distDir: '{up}', pageExtensions: ['{up}/x.ts', 'ts'], basePath: '/{up}', rewrites: async () => [{{ source: '/{up}', destination: '/api/good' }}] }}\n"
    );
    let texts = [
        route("@/with-auth"),
        route("~/with-auth"),
        route(&format!("{up}/with-auth")),
        route(&format!("{at}/with-auth")),
        route("#up/with-auth"),
        route("with-auth"),
    ];
    let names: Vec<String> = (0..texts.len())
        .map(|number| format!("pages/api/up{number}.ts"))
        .collect();
    let mut files: Vec<(&str, &[u8])> = names
        .iter()
        .zip(&texts)
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    files.extend([
        ("tsconfig.json", paths.as_bytes()),
        (PACKAGE.0, package.as_bytes()),
        ("next.config.js", config.as_bytes()),
    ]);
    let project = project(&files);
    let before = snapshot(outside.path());
    for arguments in [
        &["--write", "--allow-dirty"][..],
        &["--bridge", "--write", "--allow-dirty"],
    ] {
        let (exit, stdout, stderr) = run(project.path(), arguments);
        assert_eq!(exit, Some(0), "{stderr}");
        for line in stdout
            .lines()
            .filter(|line| line.starts_with("+++ ") || line.starts_with("rename "))
        {
            assert!(!line.contains(".."), "{line}");
        }
        assert!(snapshot(outside.path()) == before);
    }
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    #[test]
    fn links_are_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        write_tree(
            outside.path(),
            [
                ("api/evil.ts", GOOD.1.as_bytes()),
                ("good/x.ts", b"x"),
                ("lib/a.ts", LIB.1.as_bytes()),
                ("package.json", PACKAGE.1.as_bytes()),
            ],
        );
        let before = snapshot(outside.path());
        // Everything that may be a link is one: pages, a route, a library, configuration.
        let project = project(&[]);
        let root = project.path();
        let link = |to: &Path, from: &str| {
            let from = root.join(from);
            std::fs::create_dir_all(from.parent().unwrap()).unwrap();
            symlink(to, from).unwrap();
        };
        link(&outside.path().join("api/evil.ts"), "pages/api/file.ts");
        link(&outside.path().join("api"), "pages/api/directory");
        link(root, "pages/api/circle");
        link(Path::new("self.ts"), "pages/api/self.ts");
        link(Path::new("/dev/zero"), "pages/api/zero.ts");
        link(Path::new("/nowhere"), "pages/api/nowhere.ts");
        link(&outside.path().join("package.json"), "lib/package.json");
        link(outside.path(), "src");
        the_rest_migrates(root, &[]);
        assert!(
            root.join("pages/api/file.ts")
                .symlink_metadata()
                .unwrap()
                .is_symlink()
        );
        assert!(snapshot(outside.path()) == before);

        // The place where a file would go leads out.
        for (to, from) in [
            ("", "app"),
            ("", "app/api"),
            ("good", "app/api/good"),
            ("good/x.ts", TARGET),
        ] {
            let project = super::project(&[]);
            let from = project.path().join(from);
            std::fs::create_dir_all(from.parent().unwrap()).unwrap();
            symlink(outside.path().join(to), &from).unwrap();
            let inside = snapshot(project.path());
            let (exit, _, stderr) = run(project.path(), &["--write", "--allow-dirty"]);
            // The route is refused, or the whole run.
            assert!(
                exit == Some(0) || stderr.contains("symbolic link"),
                "{stderr}"
            );
            assert!(exit == Some(2) || stderr.contains("left["), "{stderr}");
            assert!(snapshot(outside.path()) == before && snapshot(project.path()) == inside);
        }
        // The project itself may be reached by a link.
        let project = super::project(&[]);
        let way = outside.path().join("way");
        symlink(project.path(), &way).unwrap();
        the_rest_migrates(&way, &[]);
    }

    #[test]
    fn pipes_are_not_waited_for() {
        let paths = [
            "pages/api/pipe.ts",
            "lib/pipe.ts",
            "lib/package.json",
            "tsconfig.json",
            "next.config.js",
            ".prettierrc",
            "vercel.json",
            "package-lock.json",
            "yarn.lock",
            ".gitignore",
            "lib/.gitignore",
            ".git/info/exclude",
            "README.md",
            "node_modules/next/package.json",
            "extended.json",
        ];
        for path in paths {
            let project = project(&[]);
            let at = project.path().join(path);
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            let _ = std::fs::remove_file(&at);
            assert!(Command::new("mkfifo").arg(&at).status().unwrap().success());
            if path == "extended.json" {
                write_tree(
                    project.path(),
                    [(
                        "tsconfig.json",
                        &b"{ \"extends\": \"./extended.json\" }"[..],
                    )],
                );
            }
            the_rest_migrates(project.path(), &[]);
        }
        let project = project(&[(PACKAGE.0, b"")]);
        std::fs::remove_file(project.path().join(PACKAGE.0)).unwrap();
        assert!(
            Command::new("mkfifo")
                .arg(project.path().join(PACKAGE.0))
                .status()
                .unwrap()
                .success()
        );
        let (_, _, stderr) = run(project.path(), &[]);
        assert!(
            stderr.contains("package.json cannot be read as JSON: is no regular file"),
            "{stderr}"
        );
    }

    #[test]
    fn read_only_files_are_refused() {
        let project = project(&[]);
        let file = project.path().join(GOOD.0);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
        let before = snapshot(project.path());
        let (exit, _, stderr) = run(project.path(), &["--write", "--allow-dirty"]);
        assert_eq!(exit, Some(2));
        assert!(
            stderr.contains("pages/api/good.ts is read-only"),
            "{stderr}"
        );
        assert!(snapshot(project.path()) == before);
    }

    #[test]
    fn odd_names_are_told() {
        let project = project(&[]);
        let put = |name: &[u8]| {
            let path = project
                .path()
                .join("pages/api")
                .join(OsStr::from_bytes(name));
            std::fs::write(&path, GOOD.1).unwrap();
            path
        };
        let latin = put(b"caf\xe9.ts");
        let longest = put(&[&[b'a'; 252][..], b".ts"].concat());
        let escape = put("\u{1b}]0;owned\u{7}\u{202e}st.ts".as_bytes());
        let line = put(b"two\nlines.ts");
        let quote = put("it's \"a\" $(touch x) `touch y`;.ts".as_bytes());
        let (exit, _, stderr) = run(project.path(), &["--write", "--allow-dirty"]);
        assert_eq!(exit, Some(0), "{stderr}");
        assert!(
            stderr.contains("caf\u{fffd}.ts is passed over: its name is not Unicode"),
            "{stderr}"
        );
        assert!(
            !stderr.contains('\u{1b}') && !stderr.contains('\u{202e}'),
            "{stderr}"
        );
        assert!(latin.exists());
        assert!(
            project
                .path()
                .join(format!("app/api/{}/route.ts", "a".repeat(252)))
                .exists(),
            "{stderr}"
        );
        let gone: Vec<bool> = [&longest, &escape, &line, &quote]
            .iter()
            .map(|path| !path.exists())
            .collect();
        let (exit, _, stderr) = run(project.path(), &["undo"]);
        assert_eq!(exit, Some(0), "{stderr}");
        assert!(
            gone[0]
                && [longest, escape, line, quote]
                    .iter()
                    .all(|path| path.exists()),
            "{gone:?}"
        );
        assert!(!project.path().join("x").exists() && !project.path().join("y").exists());
    }

    #[test]
    fn names_that_differ_in_case_alone_are_kept_apart() {
        let project = project(&[("pages/api/Good.ts", GOOD.1.as_bytes())]);
        if std::fs::read_dir(project.path().join("pages/api"))
            .unwrap()
            .count()
            < 2
        {
            // The file system takes them for one.
            return;
        }
        let before = snapshot(project.path());
        let (exit, _, stderr) = run(project.path(), &["--write", "--allow-dirty"]);
        assert_eq!(exit, Some(2));
        assert!(
            stderr.contains("would be one file where cases are not told apart"),
            "{stderr}"
        );
        assert!(snapshot(project.path()) == before);
        let (exit, _, stderr) = run(
            project.path(),
            &["--only", "/api/good", "--write", "--allow-dirty"],
        );
        assert_eq!(exit, Some(0), "{stderr}");
    }

    /// What a source says to a terminal is shown, not obeyed; a patch keeps every byte.
    #[test]
    fn terminals_are_not_addressed() {
        let tricks = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{8}\r";
        let source = GOOD
            .1
            .replace("res.status", &format!("// {tricks}\n  res.status"));
        let bad =
            format!("export default function handler(req, res) {{\n  res['{tricks}']()\n}}\n");
        let project = project(&[
            (GOOD.0, source.as_bytes()),
            ("pages/api/bad.ts", bad.as_bytes()),
        ]);
        let (_, stdout, _) = run(project.path(), &[]);
        assert!(
            stdout.contains(tricks.trim_end()),
            "a patch that is piped keeps every byte"
        );
        let program = env!("CARGO_BIN_EXE_routelift");
        let colours = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
        for arguments in [
            "",
            "--color=always",
            "--format=json",
            "explain /api/bad",
            "--only '/api/\u{1b}[2J\u{202e}'",
        ] {
            let mut command = Command::new("script");
            command.args([
                "-q",
                "-e",
                "-c",
                &format!("'{program}' {arguments}"),
                "/dev/null",
            ]);
            command.current_dir(project.path()).stdin(Stdio::null());
            let Ok(output) = command.output() else {
                eprintln!("there is no `script` to make a terminal");
                return;
            };
            let shown = text(&output.stdout);
            assert!(shown.len() > 100, "{arguments}: {shown}");
            // The terminal itself writes each line end so.
            let plain = colours.replace_all(&shown, "").replace("\r\n", "\n");
            let obeyed: Vec<char> = plain
                .chars()
                .filter(|c| routelift::report::is_obeyed(*c))
                .collect();
            assert!(obeyed.is_empty(), "{arguments}: {obeyed:?} in {plain}");
        }
    }
}

use std::path::Path;

use super::*;

/// A project in a temporary directory.
struct Directory(tempfile::TempDir);

impl Directory {
    fn new(files: &[(&str, &str)]) -> Directory {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Directory(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn load(&self) -> Project {
        load(
            self.path(),
            &LoadOptions::default(),
            &mut Timings::default(),
        )
        .unwrap()
    }
}

#[test]
fn finds_apps_of_a_monorepo() {
    let directory = Directory::new(&[
        (
            "package.json",
            r#"{"devDependencies": {"next": "^15.0.0"}}"#,
        ),
        (
            "apps/web/package.json",
            r#"{"name": "web", "dependencies": {"next": "14.2.3"}}"#,
        ),
        (
            "apps/web/tsconfig.json",
            r#"{"compilerOptions": {"paths": {"~/*": ["./src/*"]}}}"#,
        ),
        (
            "apps/web/src/pages/api/a.ts",
            "import b from '~/lib/b'; import { c } from '@acme/ui/c'",
        ),
        (
            "apps/web/src/lib/b.ts",
            "import '../a.css'; import t from '../../data'; import '~/types'; import './none.json'",
        ),
        ("apps/web/src/a.css", ""),
        ("apps/web/src/types.d.ts", ""),
        ("apps/web/data.json", ""),
        ("packages/ui/package.json", r#"{"name": "@acme/ui"}"#),
        ("packages/ui/c.ts", ""),
        (
            "apps/hoisted/next.config.js",
            "module.exports = { basePath: '/x' }",
        ),
        ("apps/hoisted/app/page.tsx", ""),
        (
            "apps/astro/package.json",
            r#"{"dependencies": {"astro": "1"}}"#,
        ),
        ("apps/astro/src/pages/api/a.ts", ""),
        ("apps/astro/src/pages/index.astro", ""),
        (
            "apps/next/package.json",
            r#"{"dependencies": {"next": "canary"}}"#,
        ),
        ("apps/next/pages/index.js", ""),
        ("apps/express/package.json", "{}"),
        ("apps/express/app/index.js", ""),
    ]);
    let project = directory.load();
    let apps: Vec<_> = project
        .apps
        .iter()
        .map(|app| {
            let next = app
                .next
                .map(|version| version.to_string())
                .unwrap_or_default();
            (app.dir.as_str(), app.depends_on_next, next)
        })
        .collect();
    assert_eq!(
        apps,
        [
            ("apps/astro", false, String::new()),
            ("apps/hoisted", true, "15".to_string()),
            ("apps/next", true, String::new()),
            ("apps/web", true, "14.2".to_string()),
        ]
    );
    assert_eq!(project.apps[1].config.base_path, "/x");
    assert_eq!(project.apps[1].app.as_deref(), Some("apps/hoisted/app"));
    assert_eq!(project.apps[3].pages.as_deref(), Some("apps/web/src/pages"));
    assert_eq!(project.apps[3].aliases[0].target, "apps/web/src/");
    let imports = &project.files["apps/web/src/pages/api/a.ts"].imports;
    let resolved: Vec<_> = imports
        .iter()
        .map(|import| import.resolved.as_deref())
        .collect();
    assert_eq!(
        resolved,
        [Some("apps/web/src/lib/b.ts"), Some("packages/ui/c.ts")]
    );
    let imports = &project.files["apps/web/src/lib/b.ts"].imports;
    let resolved: Vec<_> = imports
        .iter()
        .map(|import| import.resolved.as_deref())
        .collect();
    let others = [
        Some("apps/web/src/a.css"),
        Some("apps/web/data.json"),
        Some("apps/web/src/types.d.ts"),
        None,
    ];
    assert_eq!(resolved, others);
    assert!(project.files["apps/web/data.json"].text.is_none());
}

#[test]
fn prefers_the_installed_version_then_the_lockfile() {
    let files = [
        ("package.json", r#"{"dependencies": {"next": "^13.0.0"}}"#),
        ("pages/index.js", ""),
        ("yarn.lock", "next@^13.0.0:\n  version \"13.1.6\"\n"),
    ];
    let directory = Directory::new(&files);
    let app = &directory.load().apps[0];
    assert_eq!(app.next.unwrap().to_string(), "13.1");
    assert_eq!(app.next_source, "yarn.lock");
    let installed = directory.path().join("node_modules/next");
    std::fs::create_dir_all(&installed).unwrap();
    std::fs::write(installed.join("package.json"), r#"{"version": "13.5.1"}"#).unwrap();
    let app = &directory.load().apps[0];
    assert_eq!(app.next.unwrap().to_string(), "13.5");
    assert_eq!(app.next_source, "node_modules/next");
}

#[test]
fn takes_the_newest_version_where_nothing_is_locked() {
    let directory = Directory::new(&[
        ("package.json", r#"{"dependencies": {"next": "latest"}}"#),
        ("pages/index.js", ""),
    ]);
    let app = &directory.load().apps[0];
    assert_eq!(app.next.unwrap().to_string(), "16");
    assert!(app.next_source.starts_with("latest, no lockfile: taken as"));
    // What a lockfile says that is not read stays unknown.
    std::fs::write(directory.path().join("bun.lockb"), [0, 1]).unwrap();
    let app = &directory.load().apps[0];
    assert_eq!(app.next, None);
    assert_eq!(app.next_source, "latest in package.json");
}

#[test]
fn keeps_the_text_of_what_can_matter() {
    let directory = Directory::new(&[
        ("package.json", r#"{"dependencies": {"next": "15.0.0"}}"#),
        (
            "tsconfig.json",
            r#"{"extends": "@not/installed", "compilerOptions": {"baseUrl": "."}}"#,
        ),
        ("pages/api/a.ts", "import { auth } from 'lib/auth'"),
        ("lib/auth.ts", "export * from './session'"),
        ("lib/session.ts", "import './far'"),
        ("lib/far.ts", "import './farther'"),
        ("lib/farther.ts", "import './farthest'"),
        ("lib/farthest.ts", "1"),
        ("lib/call.ts", "fetch('/api/a')"),
        (
            "__tests__/a.test.ts",
            "import handler from '../pages/a' ; require('../pages/api/a.js')",
        ),
        ("pages/404.tsx", ""),
        ("pages/about.tsx", ""),
        ("app/layout.tsx", ""),
        ("app/button.tsx", ""),
        ("middleware.ts", ""),
        ("vercel.json", "{}"),
        ("README.md", "nothing"),
        ("docs/README.md", "curl /api/a"),
        (".github/workflows/a.yml", "curl $URL/api/a"),
    ]);
    let latin = directory.path().join("pages/api/latin.ts");
    std::fs::write(latin, b"// caf\xe9\nexport default 1").unwrap();
    let project = directory.load();
    let kept: Vec<&str> = project
        .files
        .iter()
        .filter(|(_, file)| file.text.is_some())
        .map(|(path, _)| path.as_str())
        .collect();
    assert_eq!(
        kept,
        [
            "__tests__/a.test.ts",
            "app/layout.tsx",
            "lib/auth.ts",
            "lib/call.ts",
            "lib/far.ts",
            "lib/farther.ts",
            "lib/session.ts",
            "middleware.ts",
            "pages/404.tsx",
            "pages/api/a.ts",
        ]
    );
    let unreadable = project.files["pages/api/latin.ts"].unreadable.as_deref();
    assert_eq!(unreadable, Some("is not UTF-8 (byte 6)"));
    let texts: Vec<&str> = project.texts.keys().map(String::as_str).collect();
    assert_eq!(
        texts,
        [
            ".github/workflows/a.yml",
            "docs/README.md",
            "package.json",
            "vercel.json"
        ]
    );
}

#[test]
fn a_missing_root_is_an_error() {
    let mut timings = Timings::default();
    let result = load(
        Path::new("/does/not/exist"),
        &LoadOptions::default(),
        &mut timings,
    );
    assert!(result.unwrap_err().to_string().contains("/does/not/exist"));
}

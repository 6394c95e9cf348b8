//! `--write` and `undo` as their users meet them: what is refused before anything is
//! written, what comes back, and what a project that means harm cannot do.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{Copy, git, output, read_tree, routelift, snapshot, text, write_tree};

const PACKAGE: (&str, &str) = ("package.json", r#"{"dependencies": {"next": "15.2.0"}}"#);
const ROUTE: (&str, &str) = (
    "pages/api/deep/hello.ts",
    "export default function handler(req, res) {\n  res.status(200).json({ name: 'John' })\n}\n",
);
const TARGET: &str = "app/api/deep/hello/route.ts";

fn project() -> Copy {
    Copy::of(&[PACKAGE, ROUTE]).committed()
}

fn run(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = output(routelift(directory).args(arguments));
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The arguments are refused with a message that holds every one of these, and nothing
/// changes.
fn refused(directory: &Path, arguments: &[&str], messages: &[&str]) {
    let before = snapshot(directory);
    let (exit, stdout, stderr) = run(directory, arguments);
    assert_eq!((exit, stdout.as_str()), (Some(2), ""), "{stderr}");
    for message in messages {
        assert!(stderr.contains(message), "{message} is not in {stderr}");
    }
    assert!(snapshot(directory) == before, "something was changed");
}

fn written(directory: &Path, arguments: &[&str]) {
    let (exit, _, stderr) = run(directory, &[&["--write"], arguments].concat());
    assert_eq!(exit, Some(0), "{stderr}");
    assert!(stderr.contains(" written"), "{stderr}");
}

fn undone(directory: &Path) {
    let (exit, stdout, stderr) = run(directory, &["undo"]);
    assert_eq!((exit, stdout.as_str()), (Some(0), ""), "{stderr}");
}

#[test]
fn changes_that_are_not_committed_are_not_overwritten() {
    let names = ["--allow-dirty", ROUTE.0];
    // Changed, and changed and staged.
    let project = project();
    let path = project.path().join(ROUTE.0);
    std::fs::write(&path, ROUTE.1.replace("John", "Jane")).unwrap();
    refused(project.path(), &["--write"], &names);
    git(project.path(), &["add", "."]);
    refused(project.path(), &["--write"], &names);
    // Staged, and then put back: git would lose the staged text.
    std::fs::write(&path, ROUTE.1).unwrap();
    refused(project.path(), &["--write"], &names);
    // A file that is not touched may be dirty.
    git(project.path(), &["reset", "-q", "--hard"]);
    std::fs::write(project.path().join("notes.txt"), "mine").unwrap();
    written(project.path(), &[]);

    // Never added, with and without a first commit.
    let fresh = Copy::of(&[PACKAGE, ROUTE]);
    refused(fresh.path(), &["--write"], &names);
    git(fresh.path(), &["add", "."]);
    refused(fresh.path(), &["--write"], &names);
    written(fresh.path(), &["--allow-dirty"]);

    // What would come to be was removed, but not committed so.
    let removed = Copy::of(&[PACKAGE, ROUTE, (TARGET, "export {}\n")]).committed();
    std::fs::remove_file(removed.path().join(TARGET)).unwrap();
    refused(removed.path(), &["--write"], &["--allow-dirty", TARGET]);
}

#[test]
fn line_ends_that_git_converts_are_no_change() {
    let project = project();
    let path = project.path().join(ROUTE.0);
    std::fs::write(&path, ROUTE.1.replace('\n', "\r\n")).unwrap();
    written(project.path(), &[]);
    undone(project.path());
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        ROUTE.1.replace('\n', "\r\n")
    );
}

#[test]
fn a_project_outside_git_is_written_to_on_demand_only() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    write_tree(
        root,
        [PACKAGE, ROUTE].map(|(name, text)| (name, text.as_bytes())),
    );
    let before = snapshot(root);
    refused(
        root,
        &["--write"],
        &["--allow-no-vcs", "not in a git repository"],
    );
    refused(root, &["--write", "--allow-dirty"], &["--allow-no-vcs"]);
    assert!(!root.join(".routelift").exists());
    written(root, &["--allow-no-vcs"]);
    let ignore = std::fs::read_to_string(root.join(".routelift/.gitignore")).unwrap();
    assert_eq!(ignore, "*\n");
    // Found from below, too.
    let (exit, _, stderr) = run(&root.join("app"), &["undo"]);
    assert_eq!(exit, Some(0), "{stderr}");
    assert!(snapshot(root) == before);
    assert!(!root.join(".routelift").exists(), "nothing is left of it");
}

#[test]
fn work_trees_and_submodules_have_journals_of_their_own() {
    let project = project();
    let other = tempfile::tempdir().unwrap();
    let tree = other.path().join("tree");
    let at = tree.to_str().unwrap();
    git(
        project.path(),
        &["worktree", "add", "-q", at, "-b", "other"],
    );
    written(&tree, &[]);
    assert!(!tree.join(".routelift").exists());
    refused(project.path(), &["undo"], &["nothing was written here"]);
    undone(&tree);
    assert!(tree.join(ROUTE.0).exists());

    let above = Copy::of(&[("readme", "")]).committed();
    let from = project.path().to_str().unwrap();
    let add = [
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        from,
        "web",
    ];
    git(above.path(), &add);
    let inside = above.path().join("web");
    written(&inside, &[]);
    assert!(above.path().join(".git/modules/web/routelift").is_dir());
    undone(&inside);
    // From above, its files are another repository's.
    refused(
        above.path(),
        &["--write"],
        &["not committed", "web/pages/api"],
    );
}

#[test]
fn undo_gives_everything_back() {
    let project = Copy::of(&[PACKAGE, ROUTE, ("pages/api/b.ts", ROUTE.1)]);
    let root = project.path();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &str, mode| {
            std::fs::set_permissions(root.join(path), std::fs::Permissions::from_mode(mode))
        };
        mode(ROUTE.0, 0o750).unwrap();
        mode("pages/api/deep", 0o700).unwrap();
    }
    project.commit();
    let before = snapshot(root);
    written(root, &["--only", "/api/deep/*"]);
    assert!(!root.join("pages/api/deep").exists());
    let between = snapshot(root);
    project.commit();
    written(root, &[]);

    let (exit, stdout, _) = run(root, &["undo", "--list"]);
    assert_eq!(exit, Some(0));
    let mut writes = stdout.lines().filter(|line| !line.starts_with(' '));
    assert!(
        writes.next().unwrap().ends_with("(the next undo): 2 files"),
        "{stdout}"
    );
    assert!(
        writes.next().unwrap().ends_with("(1 before it): 2 files"),
        "{stdout}"
    );
    assert!(stdout.contains("  - pages/api/b.ts\n"), "{stdout}");
    assert!(stdout.contains("  + app/api/b/route.ts\n"), "{stdout}");

    undone(root);
    assert!(snapshot(root) == between);
    undone(root);
    assert!(snapshot(root) == before);
    refused(root, &["undo"], &["nothing was written here"]);
    // git has seen none of it.
    git(root, &["reset", "-q", "--hard", "HEAD~1"]);
    git(root, &["diff", "--exit-code"]);
    let status = Command::new("git")
        .args(["status", "--porcelain"])
        .current_dir(root)
        .output();
    assert_eq!(text(&status.unwrap().stdout), "");
}

#[test]
fn undo_overwrites_no_change() {
    let project = project();
    let root = project.path();
    let target = root.join(TARGET);
    written(root, &[]);
    let text = std::fs::read_to_string(&target).unwrap();
    let names = ["nothing was undone", TARGET];
    std::fs::write(&target, format!("{text}// mine\n")).unwrap();
    refused(root, &["undo"], &names);
    std::fs::remove_file(&target).unwrap();
    refused(root, &["undo"], &names);
    std::fs::write(&target, &text).unwrap();
    // What came back in the old place is not ours either.
    let old = root.join(ROUTE.0);
    std::fs::create_dir_all(old.parent().unwrap()).unwrap();
    std::fs::write(&old, "mine").unwrap();
    refused(root, &["undo"], &["nothing was undone", ROUTE.0]);
    std::fs::remove_file(&old).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |mode| std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode));
        let own = target.metadata().unwrap().permissions();
        mode(0o700).unwrap();
        refused(root, &["undo"], &names);
        std::fs::set_permissions(&target, own).unwrap();
    }
    // A directory that a file was added to stays.
    std::fs::write(root.join("app/page.tsx"), "").unwrap();
    undone(root);
    assert!(root.join("app/page.tsx").exists() && !root.join("app/api").exists());
    assert_eq!(std::fs::read_to_string(&old).unwrap(), ROUTE.1);
}

#[test]
fn roots_of_one_repository_are_written_together() {
    let route = ("a/pages/api/x.ts", ROUTE.1);
    let other = ("b/pages/api/x.ts", ROUTE.1);
    let project = Copy::of(&[
        ("a/package.json", PACKAGE.1),
        ("b/package.json", PACKAGE.1),
        route,
        other,
    ])
    .committed();
    let before = snapshot(project.path());
    let (exit, _, stderr) = run(project.path(), &["a", "b", "--write"]);
    assert_eq!(exit, Some(0), "{stderr}");
    assert!(!project.path().join("b/pages").exists());
    undone(project.path());
    assert!(snapshot(project.path()) == before);
    // The last write below the root that is named.
    written(&project.path().join("a"), &[]);
    written(&project.path().join("b"), &[]);
    undone(&project.path().join("a"));
    undone(&project.path().join("b"));
    assert!(snapshot(project.path()) == before);

    std::fs::remove_dir_all(project.path().join(".git")).unwrap();
    for name in ["a", "b"] {
        git(&project.path().join(name), &["init", "-q"]);
    }
    refused(
        project.path(),
        &["a", "b", "--write", "--allow-dirty"],
        &["one after another"],
    );
}

#[test]
fn two_runs_are_kept_apart() {
    let project = project();
    written(project.path(), &[]);
    undone(project.path());
    let lock = std::fs::File::open(project.path().join(".git/routelift/lock")).unwrap();
    lock.lock().unwrap();
    refused(
        project.path(),
        &["--write"],
        &["another routelift is writing"],
    );
    refused(project.path(), &["undo"], &["another routelift is writing"]);
    // Looking needs no lock.
    let (exit, _, stderr) = run(project.path(), &[]);
    assert_eq!(exit, Some(0), "{stderr}");
    drop(lock);
    written(project.path(), &[]);
}

#[test]
fn of_many_runs_at_once_one_writes() {
    let names: Vec<String> = (0..20)
        .map(|number| format!("pages/api/r{number}.ts"))
        .collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), ROUTE.1)).collect();
    files.push(PACKAGE);
    let project = Copy::of(&files).committed();
    let root = project.path();
    let before = snapshot(root);
    let start = || {
        routelift(root)
            .arg("--write")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let runs: Vec<Child> = (0..8).map(|_| start()).collect();
    let mut wrote = 0;
    for run in runs {
        let output = run.wait_with_output().unwrap();
        let said = text(&output.stderr);
        wrote += usize::from(said.contains("20 file changes written"));
        // The others come too late in one way or another: before, while or after it writes.
        let late = [
            "another routelift",
            "run again",
            "not committed",
            "nothing to migrate",
        ];
        let fine = output.status.success() || late.iter().any(|why| said.contains(why));
        assert!(fine, "{said}");
    }
    assert_eq!(wrote, 1);
    assert!(!root.join("pages").exists());
    undone(root);
    assert!(snapshot(root) == before);
    refused(root, &["undo"], &["nothing was written here"]);
}

/// Every way that git has to run a program for a project, set to leave a mark.
#[cfg(unix)]
#[test]
fn no_program_that_the_project_names_is_run() {
    use std::os::unix::fs::PermissionsExt;
    let project = Copy::of(&[
        PACKAGE,
        ROUTE,
        (".gitattributes", "* filter=evil diff=evil merge=evil\n"),
    ])
    .committed();
    let root = project.path();
    let mark = root.join("mark");
    let program = root.join(".git/evil");
    let script = format!("#!/bin/sh\necho \"$0 $*\" >> {}\ncat\n", mark.display());
    let put = |path: &Path| {
        std::fs::write(path, &script).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    put(&program);
    for hook in [
        "post-index-change",
        "pre-commit",
        "fsmonitor-watchman",
        "post-checkout",
        "reference-transaction",
    ] {
        put(&root.join(".git/hooks").join(hook));
    }
    let evil = program.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.gitProxy",
        "core.pager",
        "core.editor",
        "core.askPass",
        "core.alternateRefsCommand",
        "credential.helper",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "merge.evil.driver",
        "uploadpack.packObjectsHook",
        "gpg.program",
        "remote.origin.uploadpack",
    ] {
        git(root, &["config", key, evil]);
    }
    for (key, value) in [
        ("core.hooksPath", ".git/hooks"),
        ("remote.origin.url", "ssh://nowhere.invalid/x"),
        ("remote.origin.promisor", "true"),
        ("alias.ls-tree", "!touch mark"),
        ("alias.cat-file", "!touch mark"),
    ] {
        git(root, &["config", key, value]);
    }
    let _ = std::fs::remove_file(&mark);
    // The index is out of date, so that git would look at the file.
    std::fs::write(root.join(ROUTE.0), ROUTE.1).unwrap();
    let status = Command::new("git")
        .args(["status", "--porcelain"])
        .current_dir(root)
        .output();
    assert!(mark.exists(), "git itself runs them: {status:?}");
    std::fs::remove_file(&mark).unwrap();
    std::fs::write(root.join(ROUTE.0), ROUTE.1).unwrap();

    run(root, &[]);
    run(root, &["explain", "/api/deep/hello"]);
    std::fs::write(root.join(ROUTE.0), ROUTE.1.replace("John", "Jane")).unwrap();
    refused(root, &["--write"], &["not committed"]);
    std::fs::write(root.join(ROUTE.0), ROUTE.1).unwrap();
    written(root, &[]);
    undone(root);
    assert!(!mark.exists(), "{:?}", std::fs::read_to_string(&mark));

    // An object that is not there would have to be fetched.
    let object = Command::new("git")
        .args(["rev-parse", &format!("HEAD:{}", ROUTE.0)])
        .current_dir(root)
        .output()
        .unwrap();
    let object = text(&object.stdout);
    let (directory, file) = object.trim().split_at(2);
    std::fs::remove_file(root.join(".git/objects").join(directory).join(file)).unwrap();
    let _ = std::fs::remove_file(&mark);
    refused(root, &["--write"], &["--allow-dirty"]);
    assert!(!mark.exists(), "{:?}", std::fs::read_to_string(&mark));
}

/// A journal that comes with a project can name what it likes.
#[test]
fn a_planted_journal_leads_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.ts");
    std::fs::write(&secret, "old").unwrap();
    let up = "../".repeat(outside.path().components().count() + 8);
    let side = |text: &str| serde_json::json!({ "mode": 0o644, "text": text });
    let absolute = secret.to_str().unwrap().to_string();
    let climbing = format!("{up}{}", absolute.trim_start_matches('/'));
    for git in [true, false] {
        for path in [
            absolute.as_str(),
            &climbing,
            "link/secret.ts",
            ".git/config",
            ".GIT/config",
            "x/../../secret.ts",
        ] {
            for state in ["pending", "committed", "done/1"] {
                let directory = tempfile::tempdir().unwrap();
                let root = directory.path();
                write_tree(
                    root,
                    [PACKAGE, ROUTE].map(|(name, text)| (name, text.as_bytes())),
                );
                #[cfg(unix)]
                std::os::unix::fs::symlink(outside.path(), root.join("link")).unwrap();
                write_tree(root, [(".git/config", &b"old"[..])]);
                let store = if git { ".git/routelift" } else { ".routelift" };
                if git {
                    write_tree(root, [(".git/HEAD", &b"ref: refs/heads/main\n"[..])]);
                }
                let file = serde_json::json!({ "path": path, "like": null, "before": side("evil"), "after": side("old") });
                let other = serde_json::json!({ "path": PACKAGE.0, "like": null, "before": side(PACKAGE.1), "after": side("new") });
                let journal = serde_json::json!({
                    "format": 1, "id": 1, "time": 1, "undoes": null, "files": [file, other],
                    "made": [{ "path": path, "mode": null }], "removed": [{ "path": path, "mode": 511 }],
                });
                let name = format!("{store}/{state}.json");
                write_tree(root, [(name.as_str(), journal.to_string().as_bytes())]);
                let before = (snapshot(root), read_tree(outside.path()));
                let undo: &[&str] = if state == "done/1" { &["undo"] } else { &[] };
                let (exit, _, stderr) = run(root, undo);
                assert_eq!(exit, Some(2), "{path}: {stderr}");
                let told = ["leads out", "symbolic link", "not ours"]
                    .iter()
                    .any(|why| stderr.contains(why));
                assert!(told, "{path}: {stderr}");
                assert!(
                    before == (snapshot(root), read_tree(outside.path())),
                    "{path}"
                );
                assert_eq!(std::fs::read(root.join(".git/config")).unwrap(), b"old");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn the_journal_is_not_led_out_of_the_project() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("HEAD"), "ref: refs/heads/main\n").unwrap();
    let link = |to: &Path, from: &Path| std::os::unix::fs::symlink(to, from).unwrap();
    let plain = || {
        let directory = tempfile::tempdir().unwrap();
        write_tree(
            directory.path(),
            [PACKAGE, ROUTE].map(|(name, text)| (name, text.as_bytes())),
        );
        directory
    };
    // Its folder, or its lock, is a link.
    let project = plain();
    link(outside.path(), &project.path().join(".routelift"));
    refused(
        project.path(),
        &["--write", "--allow-no-vcs"],
        &["move it away"],
    );
    let project = plain();
    std::fs::create_dir(project.path().join(".routelift")).unwrap();
    link(
        &outside.path().join("lock"),
        &project.path().join(".routelift/lock"),
    );
    refused(
        project.path(),
        &["--write", "--allow-no-vcs"],
        &["move it away"],
    );
    // `.git` is a link, or names a directory that knows nothing of it.
    let project = plain();
    link(outside.path(), &project.path().join(".git"));
    refused(project.path(), &["--write"], &["--allow-no-vcs"]);
    let project = plain();
    std::fs::write(
        project.path().join(".git"),
        format!("gitdir: {}\n", outside.path().display()),
    )
    .unwrap();
    refused(project.path(), &["--write"], &["--allow-no-vcs"]);
    written(project.path(), &["--allow-no-vcs"]);
    assert_eq!(read_tree(outside.path()).len(), 1);
}

/// `write` then `undo` over the projects in `$PROJECTS`, which stay as they are:
/// `PROJECTS=~/projects cargo test --test it every_project -- --ignored --nocapture`
#[test]
#[ignore = "wants projects"]
fn every_project_comes_back() {
    let projects = std::env::var("PROJECTS").expect("PROJECTS names a directory of projects");
    let (mut count, mut files) = (0, 0);
    for entry in std::fs::read_dir(&projects).unwrap().flatten() {
        if !entry.path().is_dir() {
            continue;
        }
        for bridge in [&[][..], &["--bridge"]] {
            let copy = tempfile::tempdir().unwrap();
            let root = copy.path().join("project");
            let cp = Command::new("cp")
                .arg("-a")
                .arg(entry.path())
                .arg(&root)
                .status();
            assert!(cp.unwrap().success());
            let _ = std::fs::remove_dir_all(root.join(".git"));
            let before = snapshot(&root);
            let name = entry.file_name();
            let write = [&["--write", "--allow-no-vcs"], bridge].concat();
            let (exit, stdout, stderr) = run(&root, &write);
            assert_eq!(exit, Some(0), "{name:?}: {stderr}");
            if stdout.is_empty() {
                assert!(snapshot(&root) == before, "{name:?}");
                continue;
            }
            assert!(snapshot(&root) != before, "{name:?}");
            let (exit, _, stderr) = run(&root, &["undo"]);
            assert_eq!(exit, Some(0), "{name:?}: {stderr}");
            assert!(snapshot(&root) == before, "{name:?} did not come back");
            count += 1;
            files += stdout.matches("diff --git ").count();
        }
    }
    println!("{count} writes of {files} file changes were undone");
}

use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

/// Applies a diff in a directory by a command that reads it from standard input.
fn apply(directory: &Path, command: &[&str], diff: &str) {
    use std::io::Write;
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .current_dir(directory)
        .env("GIT_CEILING_DIRECTORIES", directory.parent().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(diff.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let messages = [output.stdout, output.stderr].concat();
    let messages = String::from_utf8_lossy(&messages);
    assert!(output.status.success(), "{command:?}: {messages}\n{diff}");
}

/// Applies the changes' diff to a directory that holds their old texts, and checks that
/// it then holds the new ones.
fn check(changes: &[Change], tools: &[&[&str]]) {
    let diff = render(changes, "", |_| false);
    for tool in tools {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for change in changes {
            if let (Some(path), Some(text)) = (change.old_path(), change.old_text()) {
                let path = root.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
        }
        apply(root, tool, &diff);
        for change in changes {
            match change.new_text() {
                Some(text) => {
                    let found = std::fs::read_to_string(root.join(change.path())).unwrap();
                    assert_eq!(found, text, "{tool:?}\n{diff}");
                }
                None => assert!(!root.join(change.path()).exists(), "{diff}"),
            }
            if let Change::Rename { from, .. } = change {
                assert!(!root.join(from).exists(), "{diff}");
            }
        }
    }
}

const GIT: &[&str] = &["git", "apply", "--whitespace=nowarn"];
const PATCH: &[&str] = &["patch", "-p1", "--binary", "-s"];

fn modify(old: &str, new: &str) -> Change {
    Change::Modify {
        path: "a.ts".into(),
        old: old.into(),
        new: new.into(),
    }
}

#[test]
fn applies_to_nasty_texts() {
    for (old, new) in [
        ("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n"),
        ("a\nb", "a\nb\n"),
        ("a\nb\n", "a\nb"),
        ("a\nb", "a\nc"),
        ("a\rb\nc\r", "a\rb\nd\r"),
        ("\u{feff}a\n", "\u{feff}b\n"),
        ("a\u{2028}b\u{85}c\n", "a\u{2028}b\u{85}d\n"),
        ("\n\n\n", "\n\n"),
        ("a\n", "--- a\n+++ b\n@@ -1 +1 @@\n"),
        ("-- a\nb\n", "b\n"),
        (
            "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n",
            "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12",
        ),
    ] {
        check(&[modify(old, new)], &[GIT, PATCH]);
    }
}

#[test]
fn applies_creations_deletions_and_renames() {
    let text = "1\n2\n3\n4\n5\n6\n7\n8\n";
    let names = [
        "a b/c d.ts",
        "caf\u{e9}/\u{65e5}\u{672c}.ts",
        "q\"u\\o.ts",
        "[id]/[...all].ts",
    ];
    for name in names {
        let create = Change::Create {
            path: format!("new/{name}"),
            new: "a\nb".into(),
        };
        let delete = Change::Delete {
            path: format!("gone/{name}"),
            old: "a\n".into(),
        };
        let change = Change::Modify {
            path: format!("same/{name}"),
            old: text.into(),
            new: text.replace('5', "five"),
        };
        let rename = Change::Rename {
            from: format!("from/{name}"),
            to: format!("to/{name}"),
            old: text.into(),
            new: text.replace('1', "one"),
        };
        let moved = Change::Rename {
            from: format!("pure/{name}"),
            to: format!("moved/{name}"),
            old: text.into(),
            new: text.into(),
        };
        check(&[create, delete, change, rename, moved], &[GIT]);
    }
    let empty = |path: &str| path.to_string();
    check(
        &[
            Change::Create {
                path: empty("e1"),
                new: String::new(),
            },
            Change::Delete {
                path: empty("e2"),
                old: String::new(),
            },
            Change::Rename {
                from: empty("e3"),
                to: empty("e4"),
                old: String::new(),
                new: String::new(),
            },
            Change::Rename {
                from: empty("e5"),
                to: empty("e6"),
                old: String::new(),
                new: "a".into(),
            },
        ],
        &[GIT],
    );
    // GNU patch wants no special names for the same.
    check(
        &[
            Change::Create {
                path: "x/new.ts".into(),
                new: "a\n".into(),
            },
            Change::Delete {
                path: "x/gone.ts".into(),
                old: "a\n".into(),
            },
            Change::Rename {
                from: "x/from.ts".into(),
                to: "y/z/to.ts".into(),
                old: text.into(),
                new: text.replace('1', "one"),
            },
        ],
        &[GIT, PATCH],
    );
}

#[test]
fn prints_git_headers() {
    let rename = Change::Rename {
        from: "pages/api/a b.ts".into(),
        to: "app/api/a b/route.ts".into(),
        old: "aaaa\nb\n".into(),
        new: "aaaa\nc\n".into(),
    };
    assert_eq!(
        render(&[rename], "web/", |_| false),
        "diff --git a/web/pages/api/a b.ts b/web/app/api/a b/route.ts\nsimilarity index 71%\n\
         rename from web/pages/api/a b.ts\nrename to web/app/api/a b/route.ts\n\
         --- a/web/pages/api/a b.ts\t\n+++ b/web/app/api/a b/route.ts\t\n\
         @@ -1,2 +1,2 @@\n aaaa\n-b\n+c\n"
    );
    assert_eq!(render(&[modify("a", "a")], "", |_| false), "");
    let delete = Change::Delete {
        path: "a".into(),
        old: "a\n".into(),
    };
    assert!(render(&[delete], "", |_| true).contains("deleted file mode 100755"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn applies_to_any_text(
        old in "([ab]{0,2}(\r?\n|\r|)){0,24}",
        new in "([ab]{0,2}(\r?\n|\r|)){0,24}",
    ) {
        if old != new && !old.is_empty() && !new.is_empty() {
            check(&[modify(&old, &new)], &[GIT, PATCH]);
        }
    }
}

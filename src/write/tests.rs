use std::fs::Permissions;

use super::*;
use disk::Unwatched;

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn files(root: &Path) -> Vec<(String, String)> {
    let entries = walkdir::WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .flatten();
    entries
        .filter(|entry| entry.file_type().is_file())
        .filter(|entry| !entry.path().starts_with(root.join(store::FOLDER)))
        .map(|entry| {
            let path = crate::load::walk::relative(root, entry.path()).unwrap();
            (path, fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

fn write(root: &Path, changes: &[Change]) -> Result<()> {
    // The fixtures of these tests hold no code, which the checks of the output would refuse.
    let job = Located {
        root: root.canonicalize()?,
        changes,
    };
    let store = Store::of(&job.root);
    let disk = Disk::new(&Unwatched);
    let lock = store.lock(disk)?;
    let result =
        record(&store, &[job]).and_then(|record| transaction::perform(&store, disk, record));
    store.tidy(disk, &lock)?;
    result
}

fn create(path: &str) -> Change {
    Change::Create {
        path: path.into(),
        new: "new".into(),
    }
}

fn rename() -> Change {
    Change::Rename {
        from: "pages/api/a/b.ts".into(),
        to: "app/api/a/b/route.ts".into(),
        old: "old".into(),
        new: "moved".into(),
    }
}

#[test]
fn writes_and_cleans_up() {
    let directory = directory(&[
        ("pages/api/a/b.ts", "old"),
        ("pages/c.ts", "c"),
        ("d.ts", "d"),
    ]);
    let root = directory.path();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let executable = Permissions::from_mode(0o755);
        fs::set_permissions(root.join("pages/api/a/b.ts"), executable).unwrap();
    }
    let changes = [
        create("app/actions/x.ts"),
        rename(),
        Change::Modify {
            path: "pages/c.ts".into(),
            old: "c".into(),
            new: "C".into(),
        },
        Change::Delete {
            path: "d.ts".into(),
            old: "d".into(),
        },
    ];
    write(root, &changes).unwrap();
    let expected = [
        ("app/actions/x.ts", "new"),
        ("app/api/a/b/route.ts", "moved"),
        ("pages/c.ts", "C"),
    ];
    let expected = expected.map(|(path, text)| (path.to_string(), text.to_string()));
    assert_eq!(files(root), expected);
    assert!(!root.join("pages/api").exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode();
        assert_eq!(mode("app/api/a/b/route.ts") & 0o777, 0o755);
        fs::write(root.join("plain"), "").unwrap();
        assert_eq!(mode("app/actions/x.ts"), mode("plain"));
    }
}

#[test]
fn changes_nothing_when_a_file_is_not_what_was_read() {
    let directory = directory(&[("pages/api/a/b.ts", "edited")]);
    let before = files(directory.path());
    let error = write(directory.path(), &[create("app/x.ts"), rename()]).unwrap_err();
    assert!(format!("{error:#}").contains("changed while"), "{error:#}");
    assert_eq!(files(directory.path()), before);
    assert!(!directory.path().join("app").exists());
}

#[test]
fn changes_nothing_when_two_changes_touch_a_file() {
    let directory = directory(&[("pages/api/a/b.ts", "old"), ("c.ts", "c")]);
    let before = files(directory.path());
    let modify = Change::Modify {
        path: "c.ts".into(),
        old: "c".into(),
        new: "C".into(),
    };
    let changes = [modify, rename(), create("app/x.ts"), create("app/x.ts")];
    let error = write(directory.path(), &changes).unwrap_err();
    assert!(
        format!("{error:#}").contains("two changes touch app/x.ts"),
        "{error:#}"
    );
    assert_eq!(files(directory.path()), before);
    assert!(!directory.path().join("app").exists());
}

#[test]
fn refuses_what_is_not_below_the_root() {
    let directory = directory(&[("a.ts", "a")]);
    let root = directory.path();
    assert!(write(root, &[create("../x.ts")]).is_err());
    assert!(write(root, &[create("/x.ts")]).is_err());
    assert!(write(root, &[create("a.ts")]).is_err());
    #[cfg(unix)]
    {
        let other = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(other.path(), root.join("link")).unwrap();
        let error = write(root, &[create("link/x.ts")]).unwrap_err();
        assert!(format!("{error:#}").contains("symbolic link"), "{error:#}");
        assert_eq!(files(other.path()), []);
    }
}

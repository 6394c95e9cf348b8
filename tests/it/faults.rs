//! Writes that are stopped: at any step by the process's death, by a disk that is full or
//! by a permission that is refused. After the next command the project is byte for byte
//! as it was before, or as it is after the write; never between.
//!
//! The process that dies is this test's own program, started again to run [`child`]: it
//! does what `--write` does, with a watcher that kills it (by SIGKILL on Unix) before the
//! step that it is told. The next command is the real program.
//!
//! `cargo test --test it faults -- --ignored --nocapture` goes through every step, and
//! meets a real disk that is full and real permissions (as the superuser, on Linux).

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use routelift::load::walk;
use routelift::write::disk::{Disk, Watch};
use routelift::write::{self, Allow, Job, undo};
use routelift_transforms::outcome::Change;
use routelift_transforms::project::{File, Project};
use serde_json::{Value, json};

use crate::support::{output, routelift, snapshot, text};

type Snapshot = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// Counts steps, and makes one of them fail.
struct Fault {
    kind: String,
    at: usize,
    steps: AtomicUsize,
}

impl Watch for Fault {
    fn step(&self, what: &'static str, _: &Path) -> Result<()> {
        let step = self.steps.fetch_add(1, Ordering::Relaxed);
        let takes_space = ["make directory", "create", "write", "write on"].contains(&what);
        match self.kind.as_str() {
            "kill" if step == self.at => die(),
            "full" if step >= self.at && takes_space => Err(Error::from(ErrorKind::StorageFull)),
            "refused" if step == self.at => Err(Error::from(ErrorKind::PermissionDenied)),
            // Not even putting things back works.
            "gone" if step >= self.at => Err(Error::from(ErrorKind::ReadOnlyFilesystem)),
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
fn die() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort()
}

#[cfg(not(unix))]
fn die() -> ! {
    std::process::abort()
}

/// What the started program does; see the module's head.
#[test]
#[ignore = "is started by the other tests"]
fn child() {
    let Ok(task) = std::env::var("FAULT") else {
        return;
    };
    let task: Value = serde_json::from_str(&task).unwrap();
    let part = |name: &str| task[name].as_str().unwrap().to_string();
    let fault = Fault {
        kind: part("kind"),
        at: task["at"].as_u64().unwrap() as usize,
        steps: AtomicUsize::new(0),
    };
    let (root, disk) = (PathBuf::from(part("root")), Disk::new(&fault));
    let result = match part("what").as_str() {
        "write" => {
            let changes = from_json(&std::fs::read_to_string(part("changes")).unwrap());
            write_changes(&root, &changes, disk)
        }
        "undo" => undo::undo(&root, disk).map(drop),
        _ => write::recover(&root, disk).map(drop),
    };
    println!("\nsteps: {}", fault.steps.into_inner());
    if let Err(error) = result {
        println!("{error:#}");
        std::process::exit(3);
    }
    std::process::exit(0);
}

fn write_changes(root: &Path, changes: &[Change], disk: Disk) -> anyhow::Result<()> {
    let files = walk::walk(root)?.sources.into_iter();
    let project = Project {
        files: files.map(|path| (path, File::default())).collect(),
        ..Project::default()
    };
    let job = Job {
        root,
        project: &project,
        changes,
    };
    let allow = Allow {
        dirty: true,
        no_vcs: true,
    };
    write::write(&[job], allow, disk)
}

/// A project on a fast disk where there is one, how it changes, and both ends.
struct Scene {
    directory: tempfile::TempDir,
    before: Snapshot,
    after: Snapshot,
}

impl Scene {
    /// A project with so many routes, each in a directory of its own, and callers.
    fn new(routes: usize) -> Scene {
        let memory = Path::new("/dev/shm");
        let directory = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        }
        .unwrap();
        let start = directory.path().join("start");
        let put = |path: String, text: String| {
            let path = start.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put(
            "package.json".into(),
            r#"{"dependencies": {"next": "15.2.0", "react": "19.0.0"}}"#.into(),
        );
        put("app/layout.tsx".into(), "export default function Layout({ children }) {\n  return <html><body>{children}</body></html>\n}\n".into());
        for number in 0..routes {
            put(
                format!("pages/api/group{}/[id]/route{number}.ts", number / 4),
                format!(
                    "import type {{ NextApiRequest, NextApiResponse }} from 'next'\nimport {{ load }} from '../../../../lib/load'\n\n\
                     export default async function handler(req: NextApiRequest, res: NextApiResponse) {{\n  \
                     if (req.method !== 'POST') return res.status(405).end()\n  \
                     const {{ id }} = req.query\n  const result = await load(String(id), {number})\n  res.status(200).json({{ result }})\n}}\n"
                ),
            );
            put(
                format!("app/items{number}/item.tsx"),
                format!(
                    "'use client'\n\nexport function Item({{ id }}: {{ id: string }}) {{\n  async function act() {{\n    \
                     await fetch(`/api/group{}/${{id}}/route{number}`, {{ method: 'POST' }})\n  }}\n  \
                     return <button onClick={{act}}>act</button>\n}}\n",
                    number / 4
                ),
            );
            put(
                format!("app/items{number}/page.tsx"),
                "import { Item } from './item'\n\nexport default function Page() {\n  return <Item id=\"1\" />\n}\n".into(),
            );
        }
        put(
            "lib/load.ts".into(),
            "export async function load(id: string, n: number) {\n  return id + n\n}\n".into(),
        );
        let start = start.to_str().unwrap().to_string();
        let arguments = ["routelift", &start].map(std::ffi::OsString::from);
        let views = std::thread::Builder::new().stack_size(64 << 20);
        let views = views
            .spawn(|| routelift::cli::plan(arguments))
            .unwrap()
            .join()
            .unwrap();
        let changes = views.unwrap().remove(0).outcome.changes;
        assert!(changes.len() >= 2 * routes, "{} changes", changes.len());
        std::fs::write(directory.path().join("changes.json"), to_json(&changes)).unwrap();
        let mut scene = Scene {
            before: snapshot(Path::new(&start)),
            after: Snapshot::new(),
            directory,
        };
        let whole = scene.copy("whole");
        let (_, said) = scene.child(&whole, "write", "none", 0);
        scene.after = snapshot(&whole);
        assert!(scene.before != scene.after, "{said}");
        scene
    }

    fn copy(&self, name: &str) -> PathBuf {
        let to = self.directory.path().join(name);
        let from = self.directory.path().join("start");
        let cp = Command::new("cp").arg("-a").arg(from).arg(&to).status();
        assert!(cp.unwrap().success());
        to
    }

    /// Starts the child; gives its exit code, `None` when it was killed, and its words.
    fn child(&self, root: &Path, what: &str, kind: &str, at: usize) -> (Option<i32>, String) {
        let task = json!({
            "root": root, "what": what, "kind": kind, "at": at,
            "changes": self.directory.path().join("changes.json"),
        });
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["faults::child", "--exact", "--ignored", "--nocapture"]);
        // The core's recursion wants more than a test's thread has.
        command
            .env("RUST_MIN_STACK", "67108864")
            .env("FAULT", task.to_string());
        let output = output(&mut command);
        (output.status.code(), text(&output.stdout))
    }

    /// How many steps something takes that nothing stops.
    fn steps(&self, what: &str) -> usize {
        let root = self.copy(&format!("steps-{what}"));
        if what == "undo" {
            self.child(&root, "write", "none", 0);
        }
        let (exit, said) = self.child(&root, what, "none", 0);
        assert_eq!(exit, Some(0), "{said}");
        std::fs::remove_dir_all(&root).unwrap();
        let line = said.lines().find_map(|line| line.strip_prefix("steps: "));
        line.unwrap().parse().unwrap()
    }

    /// Stops `what` at a step, runs the next command, and compares. Says where it ended.
    fn stop(&self, what: &str, kind: &str, at: usize, again: Option<usize>) -> Ended {
        let root = self.copy(&format!("{what}-{kind}-{at}-{again:?}"));
        if what == "undo" {
            let (exit, said) = self.child(&root, "write", "none", 0);
            assert_eq!(exit, Some(0), "{said}");
        }
        let (exit, said) = self.child(&root, what, kind, at);
        let place = format!("{what} {kind} at {at}, again {again:?}: {said}");
        assert_eq!(exit.is_none(), kind == "kill", "{place}");
        if kind == "refused" {
            // It puts back what it did by itself.
            self.one_end(&snapshot(&root), &place);
        }
        if let Some(at) = again {
            self.child(&root, "recover", "kill", at);
        }
        let next = output(routelift(&root).args(["undo", "--list"]));
        let said = text(&next.stderr);
        assert_eq!(next.status.code(), Some(0), "{place}\n{said}");
        let ended = self.one_end(&snapshot(&root), &format!("{place}\n{said}"));
        // What can be undone is what has happened.
        let can = text(&next.stdout).contains("the next undo");
        assert_eq!(can, ended == Ended::After, "{place}");
        std::fs::remove_dir_all(&root).unwrap();
        ended
    }

    fn one_end(&self, found: &Snapshot, place: &str) -> Ended {
        if *found == self.before {
            return Ended::Before;
        }
        if *found == self.after {
            return Ended::After;
        }
        let differs = |other: &Snapshot| -> Vec<PathBuf> {
            let paths = found.keys().chain(other.keys());
            let wrong = paths.filter(|path| found.get(*path) != other.get(*path));
            wrong.take(8).cloned().collect()
        };
        panic!(
            "{place}\nis neither before, see {:?}, nor after, see {:?}",
            differs(&self.before),
            differs(&self.after)
        );
    }

    /// Stops at `count` steps spread evenly, or at all when there are fewer.
    fn stop_at(&self, what: &str, kind: &str, count: usize) -> [usize; 2] {
        let steps = self.steps(what);
        let count = count.min(steps);
        let points: Vec<usize> = (0..count).map(|n| n * steps / count).collect();
        let ends: Vec<Ended> = points
            .par_iter()
            .map(|at| self.stop(what, kind, *at, None))
            .collect();
        let before = ends.iter().filter(|ended| **ended == Ended::Before).count();
        println!(
            "{what}, {kind}: stopped at {count} of {steps} steps; {before} ended before, {} after",
            count - before
        );
        [before, count - before]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Before,
    After,
}

fn to_json(changes: &[Change]) -> String {
    let list = changes.iter().map(|change| {
        json!([
            change.old_path(),
            change.old_text(),
            change.path(),
            change.new_text()
        ])
    });
    Value::Array(list.collect()).to_string()
}

fn from_json(text: &str) -> Vec<Change> {
    let list: Vec<[Option<String>; 4]> = serde_json::from_str(text).unwrap();
    let change = |change: [Option<String>; 4]| match change {
        [None, _, Some(path), Some(new)] => Change::Create { path, new },
        [Some(path), Some(old), _, None] => Change::Delete { path, old },
        [Some(from), Some(old), Some(to), Some(new)] => match from == to {
            true => Change::Modify { path: to, old, new },
            false => Change::Rename { from, to, old, new },
        },
        other => panic!("{other:?}"),
    };
    list.into_iter().map(change).collect()
}

#[test]
fn a_stopped_write_is_finished_or_undone() {
    let scene = Scene::new(4);
    let [before, after] = scene.stop_at("write", "kill", 48);
    assert!(before > 0 && after > 0, "{before} before, {after} after");
    let [before, after] = scene.stop_at("undo", "kill", 24);
    assert!(before > 0 && after > 0, "{before} before, {after} after");
    for kind in ["full", "refused", "gone"] {
        scene.stop_at("write", kind, 16);
        scene.stop_at("undo", kind, 8);
    }
    // And once more while it is being undone.
    let steps = scene.steps("write");
    for part in 5..10 {
        scene.stop("write", "kill", steps * part / 10, Some(part * 3));
    }
}

/// Whoever looks next is told; and what somebody has changed meanwhile is not touched.
#[test]
fn what_was_stopped_is_told() {
    let scene = Scene::new(2);
    let steps = scene.steps("write");
    let (mut told, mut met) = (std::collections::BTreeSet::new(), 0);
    for at in 0..steps {
        let root = scene.copy(&format!("told-{at}"));
        scene.child(&root, "write", "kill", at);
        let changed = scene.before.iter().find(|(path, (_, bytes))| {
            let now = std::fs::read(root.join(path)).unwrap_or_default();
            !bytes.is_empty() && !now.is_empty() && now != *bytes
        });
        let journal = root.join(".routelift/committed.json");
        if let (Some((path, _)), true) = (changed, journal.exists()) {
            met += 1;
            let path = root.join(path);
            let own = std::fs::read(&path).unwrap();
            std::fs::write(&path, "mine").unwrap();
            let between = snapshot(&root);
            let run = output(&mut routelift(&root));
            let said = text(&run.stderr);
            assert_eq!(run.status.code(), Some(2), "{said}");
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
            assert!(
                said.contains(name) && said.contains("something else has changed"),
                "{said}"
            );
            assert!(snapshot(&root) == between);
            std::fs::write(&path, own).unwrap();
        }
        let run = output(&mut routelift(&root));
        let said = text(&run.stderr);
        assert!(run.status.success(), "{said}");
        told.extend(
            said.lines()
                .filter(|line| line.contains("interrupted"))
                .map(String::from),
        );
        let ended = scene.one_end(&snapshot(&root), &said);
        assert!(
            !said.contains("finished") || ended == Ended::After,
            "{said}"
        );
        assert!(!said.contains("undone") || ended == Ended::Before, "{said}");
        std::fs::remove_dir_all(&root).unwrap();
    }
    let told: Vec<String> = told.into_iter().collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        met > 0,
        "no step has a file that is changed and others that are not"
    );
}

#[test]
#[ignore = "takes minutes"]
fn a_large_write_can_be_stopped_at_every_step() {
    let scene = Scene::new(60);
    scene.stop_at("write", "kill", usize::MAX);
    scene.stop_at("undo", "kill", 400);
    for kind in ["full", "refused", "gone"] {
        scene.stop_at("write", kind, 200);
        scene.stop_at("undo", kind, 100);
    }
    let steps = scene.steps("write");
    let twice: Vec<usize> = (0..200).collect();
    twice.par_iter().for_each(|n| {
        scene.stop(
            "write",
            "kill",
            steps / 2 + n * steps / 400,
            Some(n * 7 % 300),
        );
    });
    println!("stopped twice: 200 times");
}

/// The real program, killed from outside at any time.
#[test]
#[ignore = "takes minutes"]
fn the_program_can_be_killed_at_any_time() {
    let scene = Scene::new(60);
    let root = scene.copy("timed");
    let start = std::time::Instant::now();
    let write = ["--write", "--allow-no-vcs"];
    assert!(output(routelift(&root).args(write)).status.success());
    let whole = start.elapsed();
    let [mut before, mut after] = [0, 0];
    for number in 0..200u32 {
        let root = scene.copy(&format!("timed-{number}"));
        let mut command = routelift(&root);
        command
            .args(write)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        // Most of the time goes by before the first change.
        std::thread::sleep(whole * (100 + number) / 300);
        child.kill().unwrap();
        child.wait().unwrap();
        let next = output(routelift(&root).args(["undo", "--list"]));
        assert!(next.status.success(), "{}", text(&next.stderr));
        match scene.one_end(&snapshot(&root), &text(&next.stderr)) {
            Ended::Before => before += 1,
            Ended::After => after += 1,
        }
        std::fs::remove_dir_all(&root).unwrap();
    }
    println!("200 kills of the program: {before} ended before, {after} after");
}

/// A real file system of every size between too small and large enough.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "wants the superuser"]
fn a_full_disk_leaves_the_project_as_it_was() {
    let scene = Scene::new(12);
    let mounted = scene.directory.path().join("mounted");
    std::fs::create_dir(&mounted).unwrap();
    let mount = |size: usize| {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={}k", size * 4), "none"]);
        command.arg(&mounted).status().unwrap().success()
    };
    let unmount = || {
        assert!(
            Command::new("umount")
                .arg(&mounted)
                .status()
                .unwrap()
                .success()
        )
    };
    let (mut small, mut full, mut fine) = (0, 0, 0);
    for pages in 20..200 {
        assert!(mount(pages), "only the superuser can mount");
        let root = mounted.join("project");
        let from = scene.directory.path().join("start");
        let cp = Command::new("cp")
            .arg("-a")
            .arg(&from)
            .arg(&root)
            .output()
            .unwrap();
        if !cp.status.success() {
            small += 1;
            unmount();
            continue;
        }
        let write = output(routelift(&root).args(["--write", "--allow-no-vcs"]));
        let said = text(&write.stderr);
        let place = format!("{pages} pages: {said}");
        match write.status.code() {
            Some(0) => {
                fine += 1;
                assert_eq!(scene.one_end(&snapshot(&root), &place), Ended::After);
            }
            _ => {
                full += 1;
                assert!(said.contains("No space left"), "{place}");
                // The next command finds the disk as full as it is.
                let next = output(routelift(&root).args(["undo", "--list"]));
                assert!(next.status.success(), "{place}\n{}", text(&next.stderr));
                assert_eq!(scene.one_end(&snapshot(&root), &place), Ended::Before);
            }
        }
        unmount();
        if fine > 5 {
            break;
        }
    }
    assert!(
        full > 20 && fine > 0,
        "{small} too small, {full} full, {fine} fine"
    );
    println!("real full disks: {full} refused and as before, {fine} written");
}

/// Every directory in turn cannot be written by the one who runs it.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "wants the superuser"]
fn a_refused_permission_leaves_the_project_as_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new(12);
    std::fs::set_permissions(
        scene.directory.path(),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let root = scene.copy("refused");
    let chown = Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(&root)
        .status();
    assert!(chown.unwrap().success());
    let program = scene.directory.path().join("routelift");
    std::fs::copy(env!("CARGO_BIN_EXE_routelift"), &program).unwrap();
    let nobody = || {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program);
        command.current_dir(&root);
        command
    };
    let mut count = [0, 0];
    for path in scene.before.keys() {
        let path = root.join(path);
        let old = path.symlink_metadata().unwrap();
        let locked = if old.is_dir() { 0o555 } else { 0o400 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(locked)).unwrap();
        let before = snapshot(&root);
        let write = output(nobody().args(["--write", "--allow-no-vcs"]));
        let said = text(&write.stderr);
        if write.status.success() {
            // Nothing has to change there.
            count[1] += 1;
            assert!(output(nobody().arg("undo")).status.success());
        } else {
            count[0] += 1;
            let clear = ["Permission denied", "read-only"]
                .iter()
                .any(|why| said.contains(why));
            assert!(clear, "{}: {said}", path.display());
        }
        assert!(snapshot(&root) == before, "{}: {said}", path.display());
        std::fs::set_permissions(&path, old.permissions()).unwrap();
    }
    assert!(count[0] > 24, "{count:?}");
    println!(
        "real refusals: {} refused and as before, {} not concerned",
        count[0], count[1]
    );
}

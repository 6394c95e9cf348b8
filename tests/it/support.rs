//! What the integration tests share: trees of files, copies of them, and the program.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The files below a directory, with their bytes, by path.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// The repository's root.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether expectations are to be rewritten.
pub fn update() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

/// The program, with a quiet environment, in a directory.
pub fn routelift(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_routelift"));
    command.current_dir(directory);
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}

/// Runs a command and gives what it printed.
pub fn output(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Text that a program printed.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program prints UTF-8")
}

/// Every file below a directory but `.git`; empty when there is no such directory.
pub fn read_tree(directory: &Path) -> Tree {
    let entries = walkdir::WalkDir::new(directory).into_iter();
    let entries = entries
        .filter_entry(|entry| entry.file_name() != ".git")
        .flatten();
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(directory).unwrap();
            let name = path.to_string_lossy().replace('\\', "/");
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// Writes files below a directory.
pub fn write_tree<'a>(directory: &Path, tree: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
    for (name, bytes) in tree {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// A tree in a temporary directory that is a repository of its own, so that no rules from
/// above hold and diffs start at its root.
pub struct Copy(tempfile::TempDir);

impl Copy {
    pub fn new(tree: &Tree) -> Copy {
        let directory = tempfile::tempdir().unwrap();
        let files = tree
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        write_tree(directory.path(), files);
        let git = Command::new("git")
            .args(["init", "-q"])
            .current_dir(&directory)
            .status();
        assert!(git.expect("git is installed").success());
        Copy(directory)
    }

    /// A tree of texts.
    pub fn of(files: &[(&str, &str)]) -> Copy {
        let files = files
            .iter()
            .map(|(name, text)| (name.to_string(), text.as_bytes().to_vec()));
        Copy::new(&files.collect())
    }

    /// Commits everything, so that it may be written to.
    pub fn committed(self) -> Copy {
        self.commit();
        self
    }

    /// Commits everything.
    pub fn commit(&self) {
        git(self.path(), &["add", "--all", "--force"]);
        git(self.path(), &["commit", "-q", "--allow-empty", "-m", "all"]);
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn tree(&self) -> Tree {
        read_tree(self.path())
    }
}

/// Runs git, which must succeed.
pub fn git(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
    command.args(["-c", "core.autocrlf=false", "-c", "commit.gpgsign=false"]);
    let output = output(command.args(arguments).current_dir(directory));
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        text(&output.stderr)
    );
}

/// Everything below a directory but `.git` and this program's own folder: files with their
/// bytes, links with their targets, directories; all with their modes.
pub fn snapshot(directory: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let entries = walkdir::WalkDir::new(directory).min_depth(1).into_iter();
    let entries = entries.filter_entry(|entry| {
        let name = entry.file_name();
        name != ".git" && name != ".routelift"
    });
    let mut out = BTreeMap::new();
    for entry in entries {
        let entry = entry.unwrap();
        let metadata = entry.path().symlink_metadata().unwrap();
        let bytes = if metadata.is_file() {
            std::fs::read(entry.path()).unwrap()
        } else if metadata.is_symlink() {
            let target = std::fs::read_link(entry.path()).unwrap();
            target.to_string_lossy().into_owned().into_bytes()
        } else {
            Vec::new()
        };
        let path = entry.path().strip_prefix(directory).unwrap();
        out.insert(path.to_path_buf(), (mode(&metadata), bytes));
    }
    out
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode()
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> u32 {
    0
}

/// Every fixture: the directories below `fixtures/` that have an `input/`, sorted. The
/// demo projects are none.
pub fn fixtures() -> Vec<PathBuf> {
    let root = repository().join("fixtures");
    let entries = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter();
    let entries = entries.filter_entry(|entry| {
        let name = entry.file_name();
        let demo = entry.depth() == 1 && name == "projects";
        !demo && name != "node_modules" && name != "expected"
    });
    let mut out: Vec<PathBuf> = Vec::new();
    for entry in entries
        .flatten()
        .filter(|entry| entry.file_name() == "input")
    {
        let case = entry.path().parent().unwrap();
        if !out.iter().any(|other| case.starts_with(other)) {
            out.push(case.to_path_buf());
        }
    }
    out
}

//! Random edits of the fixtures' sources: the core answers every project, never panics,
//! and what it writes parses.

use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use routelift::load::{LoadOptions, load};
use routelift::timings::Timings;
use routelift_transforms::project::{File, Project};
use routelift_transforms::source::Source;
use routelift_transforms::{Bridge, Options, migrate};

use crate::support::{Copy, fixtures, read_tree};

/// The inputs of the fixtures as loaded projects; one made here when there are none.
fn projects() -> &'static [Project] {
    static PROJECTS: OnceLock<Vec<Project>> = OnceLock::new();
    PROJECTS.get_or_init(|| {
        let mut trees: Vec<_> = fixtures().iter().map(|case| read_tree(&case.join("input"))).collect();
        let package = br#"{"dependencies": {"next": "15.2.0"}}"#.to_vec();
        let route = b"export default async function handler(req, res) {\n  if (req.method !== 'POST') return res.status(405).end()\n  const { id } = req.query\n  res.json({ id, body: req.body })\n}\n";
        let files = [("package.json", package), ("pages/api/a/[id].ts", route.to_vec())];
        trees.push(files.map(|(name, bytes)| (name.to_string(), bytes)).into());
        let load = |tree| load(Copy::new(tree).path(), &LoadOptions::default(), &mut Timings::default());
        trees.iter().map(|tree| load(tree).expect("a fixture can be loaded")).collect()
    })
}

/// What is put in place of a random range.
const PIECES: &[&str] = &[
    "",
    "",
    "}",
    "{",
    "(",
    ")",
    "\n",
    "'",
    "`${",
    "//",
    "/*",
    "return ",
    "await ",
    "res",
    "req.query",
    "res.status(404).end()",
    "; throw 1;",
    "if (x) ",
    "=> ",
    "\u{1f600}",
    "\r\n",
    "\0",
    "export default ",
];

/// A mutation of a project: which project, which file, and edits as fractions of the
/// text with a piece to put there.
type Mutation = (usize, usize, Vec<(f64, f64, usize)>);

fn mutations() -> impl Strategy<Value = Mutation> {
    let edit = (0.0..1.0f64, 0.0..0.05f64, 0..PIECES.len());
    (
        any::<usize>(),
        any::<usize>(),
        prop::collection::vec(edit, 1..4),
    )
}

/// A copy of a project with one text edited.
fn mutated((project, file, edits): &Mutation) -> Project {
    let projects = projects();
    let original = &projects[project % projects.len()];
    let with_text: Vec<&String> = original
        .files
        .iter()
        .filter(|(_, file)| file.text.is_some())
        .map(|(path, _)| path)
        .collect();
    let target = (!with_text.is_empty()).then(|| with_text[file % with_text.len()]);
    let copy = |(path, file): (&String, &File)| {
        let mut text = file.text.clone();
        if Some(path) == target
            && let Some(old) = &file.text
        {
            let new = edits.iter().fold(old.to_string(), edit);
            text = Some(Arc::from(new));
        }
        let file = File {
            text,
            unreadable: file.unreadable.clone(),
            imports: file.imports.clone(),
            executable: file.executable,
            formatting: file.formatting.clone(),
        };
        (path.clone(), file)
    };
    Project {
        files: original.files.iter().map(copy).collect(),
        texts: original.texts.clone(),
        apps: original.apps.clone(),
        packages: original.packages.clone(),
        problems: original.problems.clone(),
    }
}

fn edit(mut text: String, (at, length, piece): &(f64, f64, usize)) -> String {
    let boundary = |offset: f64| {
        let mut offset = (offset * text.len() as f64) as usize;
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    let (start, end) = (boundary(*at), boundary((at + length).min(1.0)));
    text.replace_range(start..end, PIECES[*piece]);
    text
}

fn on_a_large_stack(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 * 1024 * 1024);
        let joined = thread.spawn_scoped(scope, work).unwrap().join();
        if let Err(panic) = joined {
            std::panic::resume_unwind(panic);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_project_never_panics(mutation in mutations(), strict in any::<bool>(), bridge in 0..3usize) {
        on_a_large_stack(|| {
            let project = mutated(&mutation);
            let bridge = [Bridge::Off, Bridge::Refused, Bridge::All][bridge];
            let options = Options { strict, bridge, ..Options::default() };
            let outcome = migrate(&project, &options);
            for change in &outcome.changes {
                if let Some(old) = change.old_path().filter(|old| project.files.contains_key(*old)) {
                    let loaded = project.files[old].text.as_deref();
                    assert_eq!(loaded, change.old_text(), "the plan is for another text");
                }
                if let Some(text) = change.new_text().filter(|_| routelift::load::walk::is_source(change.path())) {
                    let parsed = Source::parse(change.path(), Arc::from(text));
                    assert!(parsed.is_ok(), "{} does not parse:\n{text}", change.path());
                }
            }
        });
    }
}

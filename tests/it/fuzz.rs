//! Random damage to the fixtures' files, from the disk to the diff: whatever becomes of a
//! project, the program answers, and what it would write passes its own check.
//!
//! ```text
//! cargo test --test it fuzz                                            a few rounds
//! FUZZ_SECONDS=3600 cargo test --test it fuzz -- --ignored --nocapture an hour, from a new seed
//! FUZZ_SEED=123 cargo test --test it one_round -- --ignored            one round again
//! ```
//!
//! What a round works on is kept in `target/fuzz/` while it runs, so that it is still there
//! when the process dies of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use routelift::load::{LoadOptions, load};
use routelift::report::{Look, View, json, terminal};
use routelift::timings::Timings;
use routelift::write::check;
use routelift_transforms::{Bridge, Options, migrate};

use crate::support::{
    Copy, Tree, fixtures, output, read_tree, repository, routelift, text, write_tree,
};

/// xorshift64*, which is random enough and the same everywhere.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// A number below `end`, or 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }
}

/// What is put somewhere.
const PIECES: &[&str] = &[
    "",
    "}",
    "{",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    "/>",
    "=>",
    "`",
    "${",
    "'",
    "\"",
    "//",
    "/*",
    "*/",
    "\n",
    "\r\n",
    ";",
    ",",
    ":",
    "?",
    "?.",
    "!",
    "...",
    "=",
    "==",
    "&&",
    "\\",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "\u{1f600}",
    "\t",
    "return ",
    "await ",
    "async ",
    "export ",
    "default ",
    "import ",
    "from ",
    "const ",
    "let ",
    "function ",
    "class ",
    "if (x) ",
    "else ",
    "for (;;) ",
    "while (x) ",
    "switch (x) {",
    "case 1:",
    "try {",
    "catch {",
    "throw 1;",
    "new ",
    "typeof ",
    "delete ",
    "as any",
    "satisfies X",
    "req",
    "res",
    "req.query",
    "req.body",
    "req.method",
    "res.status(200)",
    ".json({})",
    ".end()",
    ".send(x)",
    "res.setHeader('a', 'b');",
    "fetch('/api/x')",
    "/api/",
    "'use client'",
    "@/lib/x",
    "../",
    "./",
    "[id]",
    "[...all]",
    "<<<<<<< HEAD\n",
    "null",
    "undefined",
    "0",
    "1e999",
    "\"extends\": \"./tsconfig.json\",",
];

/// The inputs of the fixtures, with the paths that they were read from.
fn seeds() -> &'static [(PathBuf, Tree)] {
    static SEEDS: OnceLock<Vec<(PathBuf, Tree)>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let tree = |case: PathBuf| {
            let tree = read_tree(&case.join("input"));
            (case, tree)
        };
        fixtures().into_iter().map(tree).collect()
    })
}

/// Damages some bytes.
fn damaged(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    let length = bytes.len();
    let start = random.below(length + 1);
    let end = (start + random.below(24)).min(length);
    match random.below(12) {
        0 => _ = bytes.drain(start..end),
        1 => {
            let copy = bytes[start..end].to_vec();
            let at = random.below(bytes.len() + 1);
            bytes.splice(at..at, copy);
        }
        2 => bytes.truncate(start),
        3 => {
            let byte = random.next() as u8;
            bytes.splice(start..end.min(start + 1), [byte]);
        }
        4..=6 => {
            let piece = random.pick(PIECES).copied().unwrap_or_default();
            bytes.splice(start..end, piece.bytes());
        }
        7 | 8 => {
            // A line goes, is doubled, or trades places with another.
            let mut lines: Vec<Vec<u8>> = bytes
                .split_inclusive(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect();
            let (a, b) = (random.below(lines.len()), random.below(lines.len()));
            if !lines.is_empty() {
                match random.below(3) {
                    0 => _ = lines.remove(a),
                    1 => lines.insert(b, lines[a].clone()),
                    _ => lines.swap(a, b),
                }
            }
            bytes = lines.concat();
        }
        9 => {
            // A word becomes another word of the file.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let words: Vec<(usize, &str)> = text
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .filter(|word| !word.is_empty())
                .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
                .collect();
            if let (Some((at, old)), Some((_, new))) =
                (random.pick(&words).copied(), random.pick(&words).copied())
            {
                let mut text = text.clone();
                text.replace_range(at..at + old.len(), new);
                bytes = text.into_bytes();
            }
        }
        10 => {
            // Code of another fixture.
            if let Some((_, tree)) = random.pick(seeds()) {
                let files: Vec<&Vec<u8>> = tree.values().collect();
                if let Some(other) = random.pick(&files) {
                    let from = random.below(other.len());
                    let to = (from + random.below(200)).min(other.len());
                    bytes.splice(start..end, other[from..to].iter().copied());
                }
            }
        }
        _ => {
            let depth = [3, 50, 2_000][random.below(3)];
            let (open, close) = [
                ("(", ")"),
                ("{", "}"),
                ("[", "]"),
                ("!", ""),
                ("a.", ""),
                ("if (a) ", ""),
            ][random.below(6)];
            bytes.splice(end..end, close.repeat(depth).bytes());
            bytes.splice(start..start, open.repeat(depth).bytes());
        }
    }
    bytes
}

/// One round: a damaged fixture, or why it fails.
fn round(seed: u64, directory: &Path) -> Result<(), String> {
    let mut random = Random::new(seed);
    let (case, tree) = random.pick(seeds()).ok_or("there are no fixtures")?;
    let mut tree = tree.clone();
    for _ in 0..=random.below(3) {
        let names: Vec<String> = tree.keys().cloned().collect();
        let sources: Vec<&String> = names
            .iter()
            .filter(|name| routelift::load::walk::is_source(name))
            .collect();
        let name = match random.below(8) {
            0 => random.pick(&names).cloned(),
            _ => random.pick(&sources).map(|name| (*name).clone()),
        };
        if let Some(name) = name
            && let Some(bytes) = tree.get_mut(&name)
        {
            for _ in 0..=random.below(3) {
                *bytes = damaged(&mut random, std::mem::take(bytes));
            }
        }
    }
    let options = Options {
        strict: random.below(3) == 0,
        bridge: [Bridge::Off, Bridge::Refused, Bridge::All][random.below(3)],
        ..Options::default()
    };
    let what = || format!("seed {seed}, {}", case.display());
    let _ = std::fs::remove_dir_all(directory);
    write_tree(
        directory,
        tree.iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
    );
    std::fs::write(directory.join(".seed"), what()).map_err(|error| error.to_string())?;
    let start = Instant::now();
    let work = || -> Result<(), String> {
        let project = load(directory, &LoadOptions::default(), &mut Timings::default());
        let project = project.map_err(|error| format!("{error:#}"))?;
        let outcome = migrate(&project, &options);
        for change in &outcome.changes {
            if let (Some(path), Some(old)) = (change.old_path(), change.old_text())
                && tree.get(path).map(Vec::as_slice) != Some(old.as_bytes())
            {
                return Err(format!("the change of {path} is for another text"));
            }
        }
        check::output(&project, &outcome.changes).map_err(|error| format!("{error:#}"))?;
        let views = [View {
            project,
            outcome,
            ..View::default()
        }];
        let look = Look {
            colour: true,
            terminal: true,
            width: 80,
        };
        routelift::report::shown_diff(&views[0].diff(), look);
        terminal::render(&views, false, look);
        json::render(&views, false).map_err(|error| format!("{error:#}"))?;
        Ok(())
    };
    let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| words.to_string()));
        Err(format!("panic: {}", words.unwrap_or_default()))
    });
    let took = start.elapsed();
    if took > Duration::from_secs(30) {
        return Err(format!("{}: takes {took:?}", what()));
    }
    result.map_err(|why| format!("{}: {why}", what()))
}

/// Rounds from a seed on, until it is enough; gives their number and what failed.
fn rounds(first: u64, enough: impl Fn(u64) -> bool + Sync) -> (u64, Vec<String>) {
    let directory = repository()
        .join("target/fuzz")
        .join(format!("{}-{first}", std::process::id()));
    // As many threads and as much stack as the program has.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .stack_size(256 << 20)
        .build()
        .unwrap();
    let mut failures = Vec::new();
    let mut count = 0;
    pool.install(|| {
        while !enough(count) {
            if let Err(why) = round(first + count, &directory) {
                println!("{why}");
                failures.push(why);
            }
            count += 1;
        }
    });
    if failures.is_empty() {
        let _ = std::fs::remove_dir_all(&directory);
    }
    (count, failures)
}

/// What rounds have found, each by the smallest project that shows it.
#[test]
fn what_was_found_stays_mended() {
    // A name that starts with a dot is a package's, unless a slash or a second dot follows.
    let route = "import { Prisma } from '.prisma/client'\nimport type { Row } from '...rows/row'\n\n\
        export default function handler(req, res) {\n  const row: Row = Prisma.row\n  res.status(200).json(row)\n}\n";
    let copy = Copy::of(&[
        ("package.json", r#"{"dependencies": {"next": "15.2.0"}}"#),
        ("pages/api/deep/row.ts", route),
    ]);
    let run = output(routelift(copy.path()).args(["--write", "--allow-dirty"]));
    assert!(run.status.success(), "{}", text(&run.stderr));
    let written = text(&copy.tree()["app/api/deep/row/route.ts"]);
    assert!(written.contains("from '.prisma/client'"), "{written}");
    assert!(written.contains("from '...rows/row'"), "{written}");

    // Errors that the parser goes on over, in TypeScript and in JavaScript.
    for statement in [
        "const a = 200 import('../../lib/a')",
        "const a = 1 b()",
        "<<<<<<< HEAD",
    ] {
        for end in ["ts", "js"] {
            let route = format!(
                "export default function handler(req, res) {{\n  {statement}\n  res.status(200).json({{}})\n}}\n"
            );
            let path = format!("pages/api/wrong.{end}");
            let copy = Copy::of(&[
                ("package.json", r#"{"dependencies": {"next": "15.2.0"}}"#),
                (&path, &route),
            ]);
            let run = output(&mut routelift(copy.path()));
            let said = text(&run.stderr);
            assert!(
                run.stdout.is_empty(),
                "{statement} in {path}: {}",
                text(&run.stdout)
            );
            assert!(
                said.contains("left[unparsable]"),
                "{statement} in {path}: {said}"
            );
        }
    }
}

#[test]
fn damaged_fixtures_are_answered() {
    let (_, failures) = rounds(1, |count| count == 150);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
#[ignore = "takes as long as it is told"]
fn damaged_fixtures_are_answered_for_long() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seconds = number("FUZZ_SECONDS").unwrap_or(60);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let first = number("FUZZ_SEED").unwrap_or(now.as_micros() as u64);
    let start = Instant::now();
    let (count, failures) = rounds(first, |_| start.elapsed() > Duration::from_secs(seconds));
    println!(
        "{count} rounds from seed {first}, {} failed",
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
#[ignore = "wants a seed"]
fn one_round() {
    let seed = std::env::var("FUZZ_SEED")
        .expect("FUZZ_SEED is a number")
        .parse()
        .unwrap();
    let (_, failures) = rounds(seed, |count| count == 1);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

//! `fixtures/LEDGER.md`: what was proven, by fixture and Next.js version.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Result, bail};
use routelift_transforms::reason::Note;

use crate::support::{repository, update};

/// What was seen of one fixture on one version.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were sent to both sides.
    pub requests: usize,
    /// Those that were answered the same.
    pub same: usize,
    /// How many answers differ as a note says, by its code; one answer may show several.
    pub notes: BTreeMap<&'static str, usize>,
    /// Those that were answered otherwise.
    pub failed: usize,
    /// Steps of a person in the browser that showed and left the same.
    pub steps: usize,
}

/// One line.
#[derive(Debug)]
pub struct Row {
    /// The fixture.
    pub name: String,
    /// The Next.js version as it is installed.
    pub version: String,
    /// What was seen.
    pub counts: Counts,
}

impl Counts {
    fn noted(&self) -> usize {
        self.requests - self.same - self.failed
    }
}

/// The sum in one line.
pub fn total(rows: &[Row]) -> String {
    let sum = |of: fn(&Counts) -> usize| rows.iter().map(|row| of(&row.counts)).sum::<usize>();
    format!(
        "{} requests: {} answered the same, {} but for what notes say, {} otherwise; {} steps in the browser",
        sum(|counts| counts.requests),
        sum(|counts| counts.same),
        sum(Counts::noted),
        sum(|counts| counts.failed),
        sum(|counts| counts.steps),
    )
}

/// One line in words.
pub fn line(row: &Row) -> String {
    let Row {
        name,
        version,
        counts,
    } = row;
    let notes: Vec<_> = counts
        .notes
        .iter()
        .map(|(code, count)| format!("{code} {count}"))
        .collect();
    format!(
        "{name}, {version}: {} of {} the same, {} otherwise; {}",
        counts.same,
        counts.requests,
        counts.failed,
        notes.join(", ")
    )
}

const HEAD: &str = "# Ledger

What was sent to real Next.js, by fixture and version, before and after the migration. Written by
`UPDATE=1 cargo test --test next`, checked by `cargo test --test next`.

A request is *the same* when status, headers and body are equal, but for what the protocol and Next.js add to any
answer ([src/verify/compare.rs](../src/verify/compare.rs) lists it). It is *noted* when it differs in no more than
what [notes](../README.md#what-differs-after-a-migration) say that are printed for its route. Anything else fails
the test. *(as handlers)* is a fixture that has Server Actions, with `--route-handler '/api/**'`, so that all of its
methods have a URL. *Steps* are acts of a person in Chromium after which the page and the store are the same.

";

/// Compares the ledger with what was seen, or rewrites it. A run of less than everything
/// speaks only of its own lines.
///
/// # Errors
/// When it says something else.
pub fn check(rows: Vec<Row>, whole: bool) -> Result<()> {
    let file = repository().join("fixtures/LEDGER.md");
    let present = std::fs::read_to_string(&file).unwrap_or_default();
    let mut all = if whole { Vec::new() } else { parse(&present) };
    let is_new = |old: &Row| {
        let mut rows = rows.iter();
        !rows.any(|row| (&row.name, &row.version) == (&old.name, &old.version))
    };
    all.retain(is_new);
    all.extend(rows);
    let text = render(&all);
    if update() {
        std::fs::write(file, text)?;
        return Ok(());
    }
    if present != text {
        let diff = similar::TextDiff::from_lines(&present, &text);
        let diff = diff
            .unified_diff()
            .header("fixtures/LEDGER.md", "seen")
            .to_string();
        bail!("fixtures/LEDGER.md says something else; UPDATE=1 rewrites it\n{diff}");
    }
    Ok(())
}

/// The lines of a ledger.
fn parse(text: &str) -> Vec<Row> {
    let line = |line: &str| -> Option<Row> {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, version, requests, same, _, steps, notes] = cells[..] else {
            return None;
        };
        let note = |entry: &str| {
            let (code, count) = entry.trim().split_once(' ')?;
            Some((Note::from_code(code)?.code(), count.parse().ok()?))
        };
        Some(Row {
            name: name.to_string(),
            version: version.to_string(),
            counts: Counts {
                requests: requests.parse().ok()?,
                same: same.parse().ok()?,
                notes: notes.split(',').filter_map(note).collect(),
                failed: 0,
                steps: steps.parse().ok()?,
            },
        })
    };
    text.lines().filter_map(line).collect()
}

fn render(rows: &[Row]) -> String {
    let mut out = HEAD.to_string();
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    let mut versions: Vec<&str> = rows.iter().map(|row| &row.version[..]).collect();
    versions.sort_unstable();
    versions.dedup();
    for version in versions {
        let own = rows.iter().filter(|row| row.version == version);
        let own: Vec<_> = own
            .map(|row| Row {
                name: row.name.clone(),
                version: row.version.clone(),
                counts: row.counts.clone(),
            })
            .collect();
        _ = writeln!(out, "- Next.js {version}: {}.", total(&own));
    }
    out += "\n| fixture | Next.js | requests | the same | noted | steps | answers that differ as a note says |\n";
    out += "| --- | --- | ---: | ---: | ---: | ---: | --- |\n";
    for Row {
        name,
        version,
        counts,
    } in rows
    {
        let notes: Vec<_> = counts
            .notes
            .iter()
            .map(|(code, count)| format!("{code} {count}"))
            .collect();
        let Counts {
            requests,
            same,
            steps,
            ..
        } = counts;
        let (noted, notes) = (counts.noted(), notes.join(", "));
        _ = writeln!(
            out,
            "| {name} | {version} | {requests} | {same} | {noted} | {steps} | {notes} |"
        );
    }
    out
}

//! The shape of the repository: codes are unique and documented.

use std::collections::{BTreeMap, BTreeSet};

use routelift_transforms::reason::{Note, Reason};

use crate::support::{read_tree, repository, update};

/// The rows of a README table: code, what was found, what to do.
fn table(rows: impl Iterator<Item = (&'static str, &'static str, &'static str)>) -> String {
    let head = "| code | what was found | what to do |\n| --- | --- | --- |\n".to_string();
    rows.fold(head, |table, (code, what, mend)| {
        format!("{table}| `{code}` | {what} | {mend} |\n")
    })
}

#[test]
fn every_code_is_unique() {
    let codes = Reason::ALL.iter().map(|reason| reason.code());
    let codes: Vec<&str> = codes
        .chain(Note::ALL.iter().map(|note| note.code()))
        .collect();
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    for code in codes {
        assert!(
            code.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        );
        assert_ne!(code, "explain");
    }
}

/// The README's tables stand between `<!-- reasons -->` and `<!-- /reasons -->`, and
/// the same for notes. `UPDATE=1` writes them.
#[test]
fn the_readme_lists_every_code() {
    let path = repository().join("README.md");
    let mut readme = std::fs::read_to_string(&path).expect("there is a README.md");
    let reasons = Reason::ALL
        .iter()
        .map(|one| (one.code(), one.what(), one.mend()));
    let notes = Note::ALL
        .iter()
        .map(|one| (one.code(), one.what(), one.mend()));
    for (name, table) in [("reasons", table(reasons)), ("notes", table(notes))] {
        let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let start = readme
            .find(&open)
            .unwrap_or_else(|| panic!("README.md has no {open}"))
            + open.len();
        let end = readme
            .find(&close)
            .unwrap_or_else(|| panic!("README.md has no {close}"));
        let table = format!("\n{table}\n");
        if update() {
            readme.replace_range(start..end, &table);
            std::fs::write(&path, &readme).unwrap();
            continue;
        }
        assert_eq!(
            &readme[start..end],
            table,
            "UPDATE=1 rewrites the table of {name}"
        );
    }
}

/// Reasons that no input can be written for: they guard against faults of the program itself.
const GUARDS: [Reason; 2] = [Reason::CallSite, Reason::OutputUnparsable];

#[test]
fn every_code_has_a_fixture() {
    let fixtures = std::fs::read_dir(repository().join("fixtures")).expect("there are fixtures");
    let reports: String = fixtures
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("report.txt")).ok())
        .collect();
    let reasons = Reason::ALL.iter().filter(|reason| !GUARDS.contains(reason));
    let left = reasons.map(|reason| format!("left[{}]", reason.code()));
    let noted = Note::ALL
        .iter()
        .map(|note| format!("note[{}]", note.code()));
    let missing: Vec<String> = left
        .chain(noted)
        .filter(|mark| !reports.contains(mark))
        .collect();
    assert_eq!(missing, [""; 0], "no fixtures/*/report.txt shows these");
    for guard in GUARDS {
        assert!(
            !reports.contains(&format!("left[{}]", guard.code())),
            "a fault is no expectation"
        );
    }
}

/// The proof in real Next.js gathers fixtures into one app, before and after their migration, where two
/// files of one path, or two pages of one URL, cannot be.
#[test]
fn gathered_fixtures_have_files_of_their_own() {
    for side in ["input", "expected"] {
        let mut owners: BTreeMap<String, (String, Vec<u8>)> = BTreeMap::new();
        let cases = std::fs::read_dir(repository().join("fixtures")).expect("there are fixtures");
        for case in cases.map(|case| case.expect("fixtures are readable").path()) {
            let alone = std::fs::read_to_string(case.join("fixture.json"))
                .is_ok_and(|text| text.contains("\"solo\""));
            if alone || !case.join("requests.json").exists() || !case.join(side).exists() {
                continue;
            }
            let name = case.file_name().unwrap_or_default().to_string_lossy();
            for (path, bytes) in read_tree(&case.join(side)) {
                let own = ["lib/", "components/", "pages/", "app/"];
                // What is generated is the same where it has the same parts.
                let shared = path.starts_with("app/layout.")
                    || path.starts_with("lib/api-request.")
                    || path.starts_with("lib/pages-api-bridge.")
                    || !own.iter().any(|at| path.starts_with(at));
                if shared {
                    continue;
                }
                let owner = owners
                    .entry(page(&path).unwrap_or_else(|| path.clone()))
                    .or_insert_with(|| (name.to_string(), bytes.clone()));
                assert_eq!(owner.1, bytes, "{path} is in {} and in {name}", owner.0);
            }
        }
        assert!(!owners.is_empty());
    }
}

/// The URL of a page, in either router.
fn page(path: &str) -> Option<String> {
    let (stem, _) = path.rsplit_once('.')?;
    match stem.strip_prefix("app/") {
        Some(page) => page.strip_suffix("/page").map(|url| format!("/{url}")),
        None => {
            let page = stem.strip_prefix("pages/")?;
            (!page.starts_with("api/")).then(|| format!("/{page}"))
        }
    }
}

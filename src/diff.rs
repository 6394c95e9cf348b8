//! Prints file changes as one unified diff in git's extended format, which `git apply`
//! and `patch -p1` take. Lines end at `\n` alone and keep their bytes.

use std::fmt::Write;

use routelift_transforms::outcome::Change;
use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices, group_diff_ops};

/// Lines of context around a change, as `git diff` shows them.
const CONTEXT: usize = 3;

/// The diff of every change, in order. `prefix` goes before every path: the way from the
/// directory where the diff is to be applied to the scanned root, empty or ending in `/`.
/// `executable` says of a path before the change whether the file has that bit.
pub fn render(changes: &[Change], prefix: &str, executable: impl Fn(&str) -> bool) -> String {
    let mut out = String::new();
    for change in changes {
        out.push_str(&render_one(
            change,
            prefix,
            change.old_path().is_some_and(&executable),
        ));
    }
    out
}

/// The diff of one change; empty when it changes nothing.
pub fn render_one(change: &Change, prefix: &str, executable: bool) -> String {
    let mode = if executable { "100755" } else { "100644" };
    let old_name = change.old_path().unwrap_or(change.path());
    let (a, b) = (
        format!("a/{prefix}{old_name}"),
        format!("b/{prefix}{}", change.path()),
    );
    let old = split(change.old_text().unwrap_or_default());
    let new = split(change.new_text().unwrap_or_default());
    let ops = capture_diff_slices(Algorithm::Myers, &old, &new);
    let mut out = format!("diff --git {} {}\n", quoted(&a), quoted(&b));
    match change {
        Change::Create { .. } => _ = writeln!(out, "new file mode {mode}"),
        Change::Delete { .. } => _ = writeln!(out, "deleted file mode {mode}"),
        Change::Modify { .. } => {}
        Change::Rename { from, to, .. } => {
            let (from, to) = (format!("{prefix}{from}"), format!("{prefix}{to}"));
            _ = write!(
                out,
                "similarity index {}%\nrename from {}\nrename to {}\n",
                similarity(&old, &new, &ops),
                quoted(&from),
                quoted(&to)
            );
        }
    }
    let hunks = hunks(&old, &new, ops);
    if hunks.is_empty() {
        return if matches!(change, Change::Modify { .. }) {
            String::new()
        } else {
            out
        };
    }
    let absent = "/dev/null".to_string();
    let a = if change.old_text().is_some() {
        named(&a)
    } else {
        absent.clone()
    };
    let b = if change.new_text().is_some() {
        named(&b)
    } else {
        absent
    };
    out + &format!("--- {a}\n+++ {b}\n") + &hunks
}

/// The text that a diff of one file makes of `old`; `None` when it does not fit. This is
/// the other way to read what [`render_one`] says, as `git apply` does.
pub fn apply(old: &str, diff: &str) -> Option<String> {
    let old = split(old);
    let mut new = String::new();
    let mut at = 0;
    let mut lines = diff.split_inclusive('\n').peekable();
    while lines.next_if(|line| !line.starts_with("@@ ")).is_some() {}
    while let Some(head) = lines.next() {
        let start = head.strip_prefix("@@ -")?.split([',', ' ']).next()?;
        let start: usize = start.parse().ok()?;
        let empty = head.split(' ').nth(1)?.ends_with(",0");
        let start = if empty { start } else { start.checked_sub(1)? };
        old.get(at..start)?
            .iter()
            .for_each(|line| new.push_str(line));
        at = start;
        while let Some(line) = lines.next_if(|line| !line.starts_with("@@ ")) {
            let (sign, text) = line.split_at_checked(1)?;
            let unended = lines.next_if(|next| next.starts_with('\\')).is_some();
            let text = if unended {
                text.strip_suffix('\n')?
            } else {
                text
            };
            if sign == " " || sign == "-" {
                if *old.get(at)? != text {
                    return None;
                }
                at += 1;
            }
            match sign {
                " " | "+" => new.push_str(text),
                "-" => {}
                _ => return None,
            }
        }
    }
    old.get(at..)?.iter().for_each(|line| new.push_str(line));
    Some(new)
}

/// The lines of a text, each with its `\n`.
fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn hunks(old: &[&str], new: &[&str], ops: Vec<DiffOp>) -> String {
    let mut out = String::new();
    for group in group_diff_ops(ops, CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        if group.iter().all(|op| op.tag() == DiffTag::Equal) {
            continue;
        }
        let old_range = first.old_range().start..last.old_range().end;
        let new_range = first.new_range().start..last.new_range().end;
        _ = writeln!(out, "@@ -{} +{} @@", range(old_range), range(new_range));
        for op in &group {
            if op.tag() == DiffTag::Equal {
                old[op.old_range()]
                    .iter()
                    .for_each(|text| line(&mut out, ' ', text));
            } else {
                old[op.old_range()]
                    .iter()
                    .for_each(|text| line(&mut out, '-', text));
                new[op.new_range()]
                    .iter()
                    .for_each(|text| line(&mut out, '+', text));
            }
        }
    }
    out
}

fn line(out: &mut String, sign: char, text: &str) {
    out.push(sign);
    out.push_str(text);
    if !text.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

/// A hunk's range: `start,count`, where an empty one starts at the line before it.
fn range(lines: std::ops::Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    }
}

/// How much of the larger text stays, in percent; 100 only when all of it does.
fn similarity(old: &[&str], new: &[&str], ops: &[DiffOp]) -> usize {
    let size = |lines: &[&str]| lines.iter().map(|line| line.len()).sum::<usize>();
    let kept = ops
        .iter()
        .filter(|op| op.tag() == DiffTag::Equal)
        .map(|op| size(&old[op.old_range()]))
        .sum::<usize>();
    (kept * 100)
        .checked_div(size(old).max(size(new)))
        .unwrap_or(100)
}

/// A path for `---` and `+++`: one with a space wants a tab after it.
fn named(path: &str) -> String {
    let name = quoted(path);
    if name.contains(' ') && !name.starts_with('"') {
        name + "\t"
    } else {
        name
    }
}

/// A path as git writes it: in quotes with C escapes when it holds a quote, a backslash,
/// a control character or a byte beyond ASCII.
pub fn quoted(path: &str) -> String {
    let plain = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
    if path.bytes().all(plain) {
        return path.to_string();
    }
    let mut out = String::from("\"");
    for byte in path.bytes() {
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            _ if plain(byte) => out.push(char::from(byte)),
            _ => _ = write!(out, "\\{byte:03o}"),
        }
    }
    out + "\""
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;

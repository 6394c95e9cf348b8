//! Prints a verdict, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use routelift_transforms::reason::Note;
use serde_json::{Value, json};

use super::compare::{Difference, shown};
use super::judge::Judgement;
use super::send::Answer;
use super::{Compared, Verdict};
use crate::report::json::quiet;
use crate::report::{BOLD, GREEN, Look, RED, YELLOW, clean};

/// The report for people: each request that differs with both answers, what notes allow,
/// what could not be compared, a total.
pub fn render(verdict: &Verdict, look: Look) -> String {
    let mut out = String::new();
    for compared in &verdict.compared {
        if !compared.judgement.is_fine() {
            out += &failure(compared, look);
            out.push('\n');
        }
    }
    let mut noted = BTreeMap::<Note, usize>::new();
    for note in verdict
        .compared
        .iter()
        .flat_map(|compared| compared.judgement.notes())
    {
        *noted.entry(note).or_default() += 1;
    }
    for (note, count) in &noted {
        let code = look.paint(YELLOW, note.code());
        _ = writeln!(out, "{code} ({}): {}", requests(*count), note.what());
    }
    list(
        &mut out,
        "not compared, as it became a Server Action; try it in the browser",
        verdict
            .actions
            .iter()
            .map(|(name, count)| format!("{name} ({})", requests(*count))),
    );
    list(&mut out, "not sent", verdict.skipped.iter().cloned());
    list(
        &mut out,
        "sent, but no API route",
        verdict.elsewhere.iter().cloned(),
    );
    list(
        &mut out,
        "migrated, but no request asks for it",
        verdict.unasked.iter().cloned(),
    );
    if let Some(kept) = &verdict.kept {
        _ = writeln!(out, "kept: {}", kept.display());
    }
    if !out.is_empty() {
        out.push('\n');
    }
    let same = verdict
        .compared
        .iter()
        .filter(|compared| compared.judgement == Judgement::default());
    let failed = verdict
        .compared
        .iter()
        .filter(|compared| !compared.judgement.is_fine())
        .count();
    let same = same.count();
    let allowed = verdict.compared.len() - same - failed;
    let total = format!(
        "{}: {same} answered the same, {allowed} but for what the notes say, {failed} otherwise",
        requests(verdict.compared.len()),
    );
    let style = if failed == 0 { GREEN } else { RED };
    out + &look.paint(style, &total) + "\n"
}

fn requests(count: usize) -> String {
    match count {
        1 => "1 request".to_string(),
        _ => format!("{count} requests"),
    }
}

fn list(out: &mut String, what: &str, items: impl Iterator<Item = String>) {
    let mut items = items.peekable();
    if items.peek().is_some() {
        _ = writeln!(out, "{what}:");
        for item in items {
            _ = writeln!(out, "  {}", clean(&item));
        }
    }
}

/// One request that is answered otherwise: what differs, and both answers whole.
pub fn failure(compared: &Compared, look: Look) -> String {
    let Compared {
        request,
        before,
        after,
        judgement,
    } = compared;
    let mut out = look.paint(BOLD, &clean(&format!("differs: {}", request.title()))) + "\n";
    for code in &judgement.stale {
        _ = writeln!(out, "  the note {code} allows nothing here");
    }
    for Difference {
        what,
        before,
        after,
        notes,
    } in &judgement.open
    {
        let value = |value: &Option<String>| match value {
            Some(value) => format!("{value:?}"),
            None => "absent".to_string(),
        };
        let codes: Vec<&str> = notes.iter().map(|note| note.code()).collect();
        let help = match codes.is_empty() {
            true => String::new(),
            false => format!("  (as {} would allow)", codes.join(" or ")),
        };
        _ = writeln!(out, "  {what}: {} → {}{help}", value(before), value(after));
    }
    if let Some(body) = &request.body {
        _ = writeln!(out, "  sent: {:?}", shown(body.as_bytes()));
    }
    for (title, answer) in [("before", before), ("after", after)] {
        _ = writeln!(out, "  {title}:");
        out += &self::answer(answer);
    }
    out
}

/// A whole answer.
pub fn answer(answer: &Answer) -> String {
    let whole = match answer {
        Answer::Failed(why) => return format!("    {}\n", clean(why)),
        Answer::Whole(whole) => whole,
    };
    let mut out = format!("    {} {}\n", whole.status, clean(&whole.reason));
    for (name, values) in &whole.headers {
        for value in values {
            _ = writeln!(out, "    {}", clean(&format!("{name}: {value}")));
        }
    }
    _ = writeln!(out, "    {:?}", shown(&whole.body));
    out
}

/// The version of the schema of [`json`].
pub const SCHEMA: u32 = 1;

/// The report for programs.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn json(verdict: &Verdict) -> Result<String> {
    let difference = |difference: &Difference, note: Option<Note>| {
        json!({
            "what": difference.what.to_string(),
            "before": difference.before,
            "after": difference.after,
            "note": note.map(Note::code),
        })
    };
    let compared = verdict.compared.iter().map(|compared| {
        let judgement = &compared.judgement;
        let noted = judgement
            .noted
            .iter()
            .map(|(note, d)| difference(d, Some(*note)));
        let open = judgement.open.iter().map(|d| difference(d, None));
        json!({
            "name": compared.request.name,
            "method": compared.request.method,
            "path": compared.request.path,
            "fine": judgement.is_fine(),
            "differences": noted.chain(open).collect::<Vec<Value>>(),
            "stale_notes": judgement.stale,
        })
    });
    let document = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "fine": verdict.is_fine(),
        "requests": compared.collect::<Vec<Value>>(),
        "actions": verdict.actions,
        "skipped": verdict.skipped,
        "unasked": verdict.unasked,
        "elsewhere": verdict.elsewhere,
        "kept": verdict.kept,
    });
    Ok(quiet(serde_json::to_string_pretty(&document)?) + "\n")
}

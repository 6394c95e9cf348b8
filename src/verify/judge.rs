//! Judges the answers to one request: the same, different as a note says, or different.

use std::collections::BTreeSet;

use routelift_transforms::reason::Note;

use super::compare::{Difference, compare};
use super::requests::Request;
use super::send::Answer;

/// What two answers to one request come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Differences that a note allows.
    pub noted: Vec<(Note, Difference)>,
    /// Differences that nothing allows.
    pub open: Vec<Difference>,
    /// Notes that the request names and that no difference shows, or that there are not.
    pub stale: Vec<String>,
}

impl Judgement {
    /// Whether nothing differs but what may.
    pub fn is_fine(&self) -> bool {
        self.open.is_empty() && self.stale.is_empty()
    }

    /// The notes that showed.
    pub fn notes(&self) -> BTreeSet<Note> {
        self.noted.iter().map(|(note, _)| *note).collect()
    }
}

/// Judges two answers. `printed` are the notes that the program prints for the route and
/// the method: another one allows nothing, whatever the request says.
pub fn judge(
    request: &Request,
    before: &Answer,
    after: &Answer,
    printed: &BTreeSet<Note>,
) -> Judgement {
    let named = |note: &Note| match &request.notes {
        Some(codes) => codes.iter().any(|code| code == note.code()),
        None => true,
    };
    let mut judgement = Judgement::default();
    for difference in compare(request, before, after) {
        let mut notes = difference.notes.iter().copied();
        match notes.find(|note| printed.contains(note) && named(note)) {
            Some(note) => judgement.noted.push((note, difference)),
            None => judgement.open.push(difference),
        }
    }
    let used = judgement.notes();
    let codes = request.notes.iter().flatten();
    let stale =
        codes.filter(|code| !Note::from_code(code).is_some_and(|note| used.contains(&note)));
    judgement.stale = stale.cloned().collect();
    judgement
}

/// The fewest notes, out of those that are printed, that allow what can be allowed; those
/// that the request names come first.
pub fn fewest_notes(
    request: &Request,
    before: &Answer,
    after: &Answer,
    printed: &BTreeSet<Note>,
) -> Vec<Note> {
    let mut open = compare(request, before, after);
    let named = request.notes.iter().flatten();
    let named = named.filter_map(|code| Note::from_code(code));
    let order: Vec<Note> = named
        .chain(Note::ALL.iter().copied())
        .filter(|note| printed.contains(note))
        .collect();
    let mut notes = Vec::new();
    loop {
        let gain = |note: &Note| {
            open.iter()
                .filter(|other| other.notes.contains(note))
                .count()
        };
        // The first of the best.
        let best = order.iter().rev().copied().max_by_key(gain);
        let Some(best) = best.filter(|best| gain(best) > 0) else {
            return notes;
        };
        notes.push(best);
        open.retain(|difference| !difference.notes.contains(&best));
    }
}

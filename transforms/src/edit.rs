//! Text edits. An edit replaces a byte range of a file by fragments: literal text, or
//! a range of the same file that keeps its own, nested edits. Two edits that overlap,
//! and an edit inside a range that no fragment keeps, are errors: nothing is lost
//! without a word.

use std::ops::Range;

/// A piece of what an edit puts in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fragment {
    /// New text.
    Text(String),
    /// A range of the old text, with the edits inside it applied.
    Keep(Range<usize>),
}

/// One replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What stands in their place.
    pub with: Vec<Fragment>,
    /// Whether the edit may vanish inside a range that another edit drops, as the
    /// white space of a statement that goes.
    pub soft: bool,
}

/// A set of edits of one text.
#[derive(Debug, Default, Clone)]
pub struct Edits {
    list: Vec<Edit>,
}

/// Two edits that cannot both be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap(pub Range<usize>, pub Range<usize>);

impl Edits {
    /// Replaces a range by text.
    pub fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.list.push(Edit {
            range,
            with: vec![Fragment::Text(text.into())],
            soft: false,
        });
    }

    /// Replaces a range by fragments.
    pub fn rewrite(&mut self, range: Range<usize>, with: Vec<Fragment>) {
        self.list.push(Edit {
            range,
            with,
            soft: false,
        });
    }

    /// Removes a range.
    pub fn delete(&mut self, range: Range<usize>) {
        self.list.push(Edit {
            range,
            with: Vec::new(),
            soft: false,
        });
    }

    /// Whether one of the edits removes the whole range and puts nothing in its place.
    pub fn deletes(&self, range: &Range<usize>) -> bool {
        self.list.iter().any(|edit| {
            edit.with.is_empty() && edit.range.start <= range.start && range.end <= edit.range.end
        })
    }

    /// Removes a range, unless an edit around it removes it anyway.
    pub fn delete_soft(&mut self, range: Range<usize>) {
        self.list.push(Edit {
            range,
            with: Vec::new(),
            soft: true,
        });
    }

    /// Replaces a range by text, unless an edit around it removes it anyway.
    pub fn replace_soft(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.list.push(Edit {
            range,
            with: vec![Fragment::Text(text.into())],
            soft: true,
        });
    }

    /// Puts text in at an offset, before everything else that goes there.
    pub fn insert_first(&mut self, at: usize, text: impl Into<String>) {
        let edit = Edit {
            range: at..at,
            with: vec![Fragment::Text(text.into())],
            soft: false,
        };
        self.list.insert(0, edit);
    }

    /// Puts text in at an offset, unless an edit around it removes the place anyway.
    pub fn insert_soft(&mut self, at: usize, text: impl Into<String>) {
        self.list.push(Edit {
            range: at..at,
            with: vec![Fragment::Text(text.into())],
            soft: true,
        });
    }

    /// Puts text in at an offset.
    pub fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// Makes these edits of `old` in another text that has grown from it: there, what they replace
    /// must stand exactly once, with its lines or by itself.
    pub fn transferred(&self, old: &str, text: &str) -> Option<String> {
        let mut text = text.to_string();
        for edit in &self.list {
            let start = old[..edit.range.start].rfind('\n').map_or(0, |at| at + 1);
            let end = old[edit.range.end..]
                .find('\n')
                .map_or(old.len(), |at| edit.range.end + at);
            let mut places = [start..end, edit.range.clone()].into_iter();
            let once = |range: &Range<usize>| text.matches(&old[range.clone()]).count() == 1;
            let place = places.find(|range| !range.is_empty() && once(range))?;
            let only = Edits {
                list: vec![edit.clone()],
            };
            let new = only.render(old, place.clone()).ok()?;
            text = text.replacen(&old[place], &new, 1);
        }
        Some(text)
    }

    /// Takes the edits of another set of the same text.
    pub fn extend(&mut self, other: Edits) {
        self.list.extend(other.list);
    }

    /// Takes the edits of another set that stand outside these ranges.
    pub fn extend_outside(&mut self, other: Edits, ranges: &[Range<usize>]) {
        let inside = |edit: &Edit| {
            ranges
                .iter()
                .any(|range| range.start <= edit.range.start && edit.range.end <= range.end)
        };
        self.list
            .extend(other.list.into_iter().filter(|edit| !inside(edit)));
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The text of `range` with the edits inside it applied.
    ///
    /// # Errors
    /// When two edits overlap without one standing inside a kept range of the other.
    pub fn render(&self, text: &str, range: Range<usize>) -> Result<String, Overlap> {
        let mut sorted: Vec<&Edit> = self
            .list
            .iter()
            .filter(|edit| range.start <= edit.range.start && edit.range.end <= range.end)
            .collect();
        // An outer edit comes before those inside it; insertions at one offset keep their order.
        sorted.sort_by(|a, b| {
            let insert = |edit: &Edit| edit.range.is_empty();
            a.range
                .start
                .cmp(&b.range.start)
                .then_with(|| match (insert(a), insert(b)) {
                    (true, true) => std::cmp::Ordering::Equal,
                    (true, false) => std::cmp::Ordering::Less,
                    (false, true) => std::cmp::Ordering::Greater,
                    (false, false) => b.range.end.cmp(&a.range.end),
                })
        });
        let mut out = String::new();
        render_into(text, range, &sorted, &mut out)?;
        Ok(out)
    }
}

fn render_into(
    text: &str,
    range: Range<usize>,
    edits: &[&Edit],
    out: &mut String,
) -> Result<(), Overlap> {
    let mut at = range.start;
    let mut index = 0;
    while index < edits.len() {
        let edit = edits[index];
        // Everything up to `after` starts inside this edit.
        let after = index
            + 1
            + edits[index + 1..]
                .iter()
                .take_while(|next| next.range.start < edit.range.end)
                .count();
        if edit.range.start < at || edit.range.end > range.end {
            return Err(Overlap(edit.range.clone(), at..range.end));
        }
        out.push_str(&text[at..edit.range.start]);
        let inner = &edits[index + 1..after];
        let mut used = vec![false; inner.len()];
        for fragment in &edit.with {
            match fragment {
                Fragment::Text(new) => out.push_str(new),
                Fragment::Keep(kept) => {
                    let mut inside = Vec::new();
                    for (number, nested) in inner.iter().enumerate() {
                        if kept.start <= nested.range.start && nested.range.end <= kept.end {
                            inside.push(*nested);
                            used[number] = true;
                        }
                    }
                    render_into(text, kept.clone(), &inside, out)?;
                }
            }
        }
        for (number, nested) in inner.iter().enumerate() {
            if !used[number] && !nested.soft {
                return Err(Overlap(edit.range.clone(), nested.range.clone()));
            }
        }
        at = edit.range.end;
        index = after;
    }
    out.push_str(&text[at..range.end]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_edits_move_with_what_is_kept() {
        let text = "if (a) { b(); }";
        let mut edits = Edits::default();
        edits.rewrite(0..15, vec![Fragment::Keep(9..13)]);
        edits.replace(9..10, "c");
        assert_eq!(edits.render(text, 0..15).unwrap(), "c();");
    }

    #[test]
    fn an_edit_that_would_vanish_is_an_error() {
        let mut edits = Edits::default();
        edits.delete(0..10);
        edits.replace(2..3, "x");
        assert!(edits.render("0123456789", 0..10).is_err());
    }

    #[test]
    fn overlapping_edits_are_an_error() {
        let mut edits = Edits::default();
        edits.delete(0..5);
        edits.delete(3..8);
        assert!(edits.render("0123456789", 0..10).is_err());
    }

    #[test]
    fn insertions_at_one_place_keep_their_order() {
        let mut edits = Edits::default();
        edits.insert(1, "b");
        edits.insert(1, "c");
        edits.replace(1..2, "d");
        assert_eq!(edits.render("axe", 0..3).unwrap(), "abcde");
    }
}

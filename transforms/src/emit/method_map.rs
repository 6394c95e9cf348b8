//! Writes the route file of a wrapper that is given a map of methods. In: what the functions of the
//! map do. Out: the file with each function rewritten where it stands; what the wrapper gives back is
//! exported for every method that it answers.

use std::collections::BTreeMap;
use std::ops::Range;

use super::carrier::Lowered;
use super::route_handler::{File, RouteFile, Segment, Shape, Written};
use super::web_native::free_name;
use crate::facts::method_map::{MethodMap, Place};
use crate::handler::{Group, Handler};
use crate::outcome::Refusal;
use crate::reason::Note;
use crate::specialise::METHODS;

/// Writes the file.
///
/// # Errors
/// The refusals for what has no faithful form.
pub(super) fn write<'a>(
    mut file: File<'_, 'a>,
    map: &MethodMap<'a>,
    handler: &Handler<'a>,
    groups: Vec<(&Group<'a>, Lowered)>,
    carriers: Vec<Written<'_, 'a>>,
    segment: Segment,
) -> Result<RouteFile, Vec<Refusal>> {
    let source = file.module.source;
    let mut written: Vec<Range<usize>> = Vec::new();
    let mut methods = handler.unmapped.clone();
    for (group, lowered) in &groups {
        let (function, reading) = (&group.function, &group.reading);
        file.keep(function, lowered);
        let mut entries = map.entries.iter();
        let Some(entry) = entries.find(|entry| entry.function.range == function.range) else {
            continue;
        };
        let (range, text) = match &entry.place {
            Place::Named => {
                let name = function.name.as_ref().map(|name| name.0.to_string());
                let name = name.unwrap_or_default();
                let shape = Shape::Apart { name: &name };
                let text = file.function(function, reading, lowered, &shape)?;
                (function.statement.clone(), text)
            }
            Place::Value(range) => {
                let shape = if map.named {
                    Shape::Value
                } else {
                    Shape::Inline
                };
                let text = file.function(function, reading, lowered, &shape)?;
                (range.clone(), text)
            }
            Place::Method(range, key) => {
                let shape = Shape::Method {
                    key: &source.text[key.clone()],
                    typed: map.named,
                };
                let text = file.function(function, reading, lowered, &shape)?;
                (range.clone(), text)
            }
        };
        file.edits.replace(range.clone(), text);
        written.push(range);
        file.collect(lowered, &group.methods);
        methods.extend(group.methods.iter().cloned());
    }
    methods.sort_by_key(|method| METHODS.iter().position(|known| known == method));
    for (name, carrier, reading, lowered) in &carriers {
        file.keep(carrier, lowered);
        let shape = Shape::Declared {
            name: &name.0,
            exported: false,
        };
        let text = file.function(carrier, reading, lowered, &shape)?;
        file.edits.replace(carrier.statement.clone(), text);
        written.push(carrier.statement.clone());
        file.collect(lowered, &methods);
    }
    for method in &handler.unmapped {
        // What the wrapper does without a function may fail.
        let notes = file.notes.entry(method.clone()).or_default();
        notes.insert(Note::UncaughtError);
    }
    let mut gone = written.clone();
    for annotation in &map.annotations {
        file.edits.delete(annotation.clone());
        gone.push(annotation.clone());
    }
    for (call, shared) in file.module.wrappers.iter().zip(&handler.wrappers) {
        file.shared.insert(shared.key.clone());
        if let Some((name, new)) = file.renamed(call, shared) {
            file.edits.replace(name.clone(), new);
            gone.push(name);
        }
        for method in &methods {
            let notes = file.notes.entry(method.clone()).or_default();
            notes.extend(shared.notes.iter().copied());
        }
    }
    gone.extend(export(&mut file, &methods));
    let params = BTreeMap::new();
    file.finish(
        handler,
        &groups,
        (methods, params),
        segment,
        (written, gone),
    )
}

/// Exports what the wrapper gives back for these methods; gives what goes.
fn export(file: &mut File, methods: &[String]) -> Vec<Range<usize>> {
    let source = file.module.source;
    let statement = file.module.wrappers[0].statement.clone();
    let list = |style: &super::style::Style, name: &str| {
        let entries: Vec<String> = methods
            .iter()
            .map(|method| match method == name {
                true => name.to_string(),
                false => format!("{name} as {method}"),
            })
            .collect();
        style.export_list(&entries)
    };
    let words = "export default ";
    if source.text[statement.clone()].starts_with(words) {
        let start = statement.start..statement.start + words.len();
        if let [only] = methods
            && free_name(source, &[only]) == *only
        {
            file.edits.replace(start, format!("export const {only} = "));
            return Vec::new();
        }
        let name = free_name(source, &["handler", "route", "wrappedHandler"]);
        file.edits.replace(start, format!("const {name} = "));
        let exports = list(file.style, &name);
        let behind = source.text[statement.end..].replace('\r', "");
        let apart = behind.trim().is_empty() || behind.starts_with("\n\n");
        let end = if apart { "" } else { "\n" };
        let exports = format!("\n\n{exports}{end}");
        file.edits.insert(statement.end, exports);
        return Vec::new();
    }
    // `const handler = apiHandler({ … })` and `export default handler`.
    let Some(default) = file.module.default_export.clone() else {
        return Vec::new();
    };
    let head = source.text[statement.clone()].split('=').next();
    let head = head.unwrap_or_default().trim_end();
    let name = head.split(':').next().unwrap_or_default();
    // It is no `NextApiHandler` any more.
    let said = statement.start + name.len()..statement.start + head.len();
    file.edits.delete(said.clone());
    let name = name
        .split_whitespace()
        .last()
        .unwrap_or_default()
        .to_string();
    let exports = list(file.style, &name);
    file.edits.replace(default.clone(), exports);
    vec![said, default]
}

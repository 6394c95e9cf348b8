//! What an API file does whose wrapper is given a map of methods. In: the outline of the file and
//! the map. Out: a group for each function of the map, and the methods that only the wrapper
//! answers. The map stays: the wrapper goes on choosing by the method of the request.

use std::collections::BTreeSet;

use crate::facts::api_module::{ApiModule, refuse_at};
use crate::facts::method_map::{Entry, MethodMap, Place};
use crate::flow;
use crate::handler::{
    Around, Group, Handler, Keep, carriers, check_headers, handler_roles, wrappers,
};
use crate::modules::FromMap;
use crate::outcome::Refusal;
use crate::reason::{Note, Reason};
use crate::specialise::{METHODS, OTHER};

/// Whether a map spells its methods as a wrapper does.
pub fn fits(map: &MethodMap, from: FromMap) -> bool {
    let mut entries = map.entries.iter();
    entries.all(|entry| from.case.is(&MethodMap::method(entry), &entry.key))
}

/// Reads what a map of methods does.
///
/// # Errors
/// The refusals for what cannot be followed.
pub fn read<'a>(
    module: &ApiModule<'a>,
    map: &MethodMap<'a>,
    keep: Keep,
) -> Result<Handler<'a>, Vec<Refusal>> {
    let wrappers = wrappers(module)?;
    let mut groups: Vec<Group<'a>> = Vec::new();
    for entry in &map.entries {
        let method = MethodMap::method(entry);
        let same = |group: &&mut Group| group.function.range == entry.function.range;
        match groups.iter_mut().find(same) {
            Some(group) => group.methods.push(method),
            None => groups.push(Group {
                methods: vec![method],
                reading: flow::Reading::default(),
                others: false,
                wrappers: (0..wrappers.len()).collect(),
                function: entry.function.clone(),
            }),
        }
    }
    let position = |method: &String| METHODS.iter().position(|known| known == method);
    let mut refusals = Vec::new();
    for group in &mut groups {
        group.methods.sort_by_key(position);
        let function = &group.function;
        let roles = handler_roles(function);
        group.reading = flow::read(module, function, &roles, &group.methods);
        refusals.extend(group.reading.refusals.iter().cloned());
        // The type of a map's functions wants an answer on every path.
        if group.reading.falls && group.reading.refusals.is_empty() {
            let range = function.range.clone();
            refusals.push(refuse_at(module.source, Reason::NoReply, range, ""));
        }
    }
    if !refusals.is_empty() {
        refusals.sort_by_key(|refusal| (refusal.place.clone(), refusal.reason));
        refusals.dedup();
        return Err(refusals);
    }
    groups.sort_by_key(|group| group.methods.first().and_then(position));
    check_headers(module, &groups, &wrappers)?;
    let carriers = carriers(module, &groups)?;
    if let Some(refusal) = used_elsewhere(module, map) {
        return Err(vec![refusal]);
    }
    let mapped: Vec<String> = groups
        .iter()
        .flat_map(|group| group.methods.clone())
        .collect();
    let has = |method: &str| mapped.iter().any(|mapped| mapped == method);
    let mut notes = BTreeSet::new();
    let by_next = Around::of(module, &wrappers, OTHER).refuses && !keep.refused;
    if by_next {
        notes.insert(Note::Auto405);
    }
    let mut unmapped: Vec<String> = Vec::new();
    for method in METHODS.into_iter().filter(|method| !has(method)) {
        let exported = match method {
            // Next.js calls GET for it, where the wrapper sees which method it is.
            "HEAD" => by_next && !has("GET") && !Around::of(module, &wrappers, method).refuses,
            "OPTIONS" if by_next && keep.options => true,
            _ => !by_next || !Around::of(module, &wrappers, method).refuses,
        };
        if exported {
            unmapped.push(method.to_string());
        } else if method == "OPTIONS" {
            notes.insert(Note::AutoOptions);
        }
    }
    Ok(Handler {
        groups,
        carriers,
        notes,
        any_method: false,
        wrappers,
        refused: Vec::new(),
        unmapped,
        merged: false,
    })
}

/// Refuses a function of the map that something else uses, too: as a handler of the wrapper it
/// takes other arguments than before.
fn used_elsewhere(module: &ApiModule, map: &MethodMap) -> Option<Refusal> {
    let named = |entry: &&Entry| entry.place == Place::Named;
    map.entries.iter().filter(named).find_map(|entry| {
        let function = &entry.function;
        let name = function.name.as_ref()?;
        let same = |other: &&Entry| named(other) && other.function.range == function.range;
        let listed = map.entries.iter().filter(same).count();
        let (range, detail) = (function.range.clone(), name.0.to_string());
        (module.uses(name) != listed)
            .then(|| refuse_at(module.source, Reason::ResEscapes, range, detail))
    })
}

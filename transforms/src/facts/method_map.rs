//! Maps of methods that a wrapper is given in place of a handler: `apiHandler({ GET: list, POST })`.
//! In: an argument of the wrapper's call. Out: the functions by the names of their methods;
//! `None` where something else stands in the object.

use std::collections::HashMap;
use std::ops::Range;

use swc_core::ecma::ast::{self, *};

use super::api_module::{Function, declared, from_expr, from_method};
use crate::source::Source;
use crate::specialise::METHODS;
use crate::syntax::{Id, Names, bare, id, prop_name};

/// A map of methods.
#[derive(Clone)]
pub struct MethodMap<'a> {
    /// Its entries; there is one at least.
    pub entries: Vec<Entry<'a>>,
    /// For a map that a constant holds: the type that is said of it, with what stands before it.
    pub annotations: Vec<Range<usize>>,
    /// Whether a constant holds it.
    pub named: bool,
}

/// What a map holds for one method.
#[derive(Clone)]
pub struct Entry<'a> {
    /// The method as the map spells it.
    pub key: String,
    /// The function.
    pub function: Function<'a>,
    /// Where the function stands.
    pub place: Place,
}

/// Where the function of an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// It is a function of the file, which the entry names.
    Named,
    /// In the entry, as its value.
    Value(Range<usize>),
    /// In the entry, as a method: `GET(req, res) {}`; the whole, and its key.
    Method(Range<usize>, Range<usize>),
}

impl<'a> MethodMap<'a> {
    /// The function of the first entry.
    pub fn first(&self) -> &Function<'a> {
        &self.entries[0].function
    }

    /// The method of an entry.
    pub fn method(entry: &Entry) -> String {
        entry.key.to_ascii_uppercase()
    }

    /// Whether a function is one of the entries.
    pub fn has(&self, function: &Function) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| entry.function.range == function.range)
    }
}

/// Reads an argument as a map of methods: an object, or a constant that holds one and that nothing
/// else uses. `statement` is the one that the call stands in.
pub fn read<'a>(
    source: &'a Source,
    functions: &HashMap<Id, Function<'a>>,
    expr: &'a Expr,
    statement: &Range<usize>,
) -> Option<MethodMap<'a>> {
    match bare(expr) {
        Expr::Object(object) => {
            let entries = entries(source, functions, object, statement)?;
            Some(MethodMap {
                entries,
                annotations: Vec::new(),
                named: false,
            })
        }
        Expr::Ident(name) => {
            let name = id(name);
            let (held, statement) = declared(source, &name)?;
            let Expr::Object(object) = held else {
                return None;
            };
            let names = Names::of(source, &source.module).all;
            let uses = names.iter().filter(|(used, _)| *used == name).count();
            let exported = source.text[statement.clone()].starts_with("export");
            if uses != 2 || exported {
                return None;
            }
            let entries = entries(source, functions, object, &statement)?;
            let at = names.iter().find(|(used, _)| *used == name)?.1.end;
            let object = source.range(object);
            let equals = at + source.text[at..object.start].rfind('=')?;
            let said = at..source.text[..equals].trim_end().len();
            let end = source.text[..statement.end].trim_end_matches(';').len();
            let annotations = [said, object.end..end];
            Some(MethodMap {
                entries,
                annotations: annotations
                    .into_iter()
                    .filter(|range| !source.text[range.clone()].trim().is_empty())
                    .collect(),
                named: true,
            })
        }
        _ => None,
    }
}

fn entries<'a>(
    source: &'a Source,
    functions: &HashMap<Id, Function<'a>>,
    object: &'a ObjectLit,
    statement: &Range<usize>,
) -> Option<Vec<Entry<'a>>> {
    let entry = |prop: Prop<'a>| {
        let function = match prop.held {
            Held::Function(function) => *function,
            Held::Named(Expr::Ident(name)) => functions.get(&id(name))?.clone(),
            Held::Short(name) => functions.get(&id(name))?.clone(),
            Held::Named(_) => return None,
        };
        Some(Entry {
            key: prop.key,
            function,
            place: prop.place,
        })
    };
    props(source, object, statement)?
        .into_iter()
        .map(entry)
        .collect()
}

/// What an object holds for one method.
pub struct Prop<'a> {
    /// The method as the object spells it.
    pub key: String,
    /// What is held.
    pub held: Held<'a>,
    /// Where it stands.
    pub place: Place,
}

/// What stands for a method.
pub enum Held<'a> {
    /// A function that is written there.
    Function(Box<Function<'a>>),
    /// Anything else.
    Named(&'a Expr),
    /// A name that is the key, too.
    Short(&'a Ident),
}

/// What an object holds for each method; `None` where anything else stands in it, or nothing.
pub fn props<'a>(
    source: &Source,
    object: &'a ObjectLit,
    statement: &Range<usize>,
) -> Option<Vec<Prop<'a>>> {
    let mut found: Vec<Prop> = Vec::new();
    for prop in &object.props {
        let PropOrSpread::Prop(prop) = prop else {
            return None;
        };
        let (key, held, place) = match &**prop {
            ast::Prop::Shorthand(name) => (name.sym.to_string(), Held::Short(name), Place::Named),
            ast::Prop::KeyValue(pair) => {
                let value = bare(&pair.value);
                let (held, place) = match from_expr(source, None, value, statement.clone()) {
                    Some(function) => {
                        let place = Place::Value(source.range(&*pair.value));
                        (Held::Function(Box::new(function)), place)
                    }
                    None => (Held::Named(value), Place::Named),
                };
                (prop_name(&pair.key)?, held, place)
            }
            ast::Prop::Method(method) => {
                let function = Box::new(from_method(source, method)?);
                let place = Place::Method(source.range(method), source.range(&method.key));
                (prop_name(&method.key)?, Held::Function(function), place)
            }
            _ => return None,
        };
        let method = key.to_ascii_uppercase();
        let known = METHODS.contains(&method.as_str());
        let twice = |prop: &Prop| prop.key.to_ascii_uppercase() == method;
        if !known || found.iter().any(twice) {
            return None;
        }
        found.push(Prop { key, held, place });
    }
    (!found.is_empty()).then_some(found)
}

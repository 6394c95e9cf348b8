//! Functions that another is given to call with the request, by their names or in a map of
//! methods: `dispatch(req, res, { GET: list, POST: async (req, res) => … })`. In: the call. Out: an
//! effect for each function, which is read as what it is: a carrier of its own, for its method.
//! Refuses what it cannot find, and functions that do not answer.

use std::ops::Range;

use swc_core::ecma::ast::*;

use super::{Depth, MAX_DEPTH, Reader, Reading, read_at};
use crate::facts::api_module::{Function, param_id};
use crate::facts::effect::{Arg, Callback, Carrier, Effect, Hand, Kind, Replies, Role};
use crate::facts::method_map::{self, Held, Place, Prop};
use crate::handler::handler_roles;
use crate::idioms::request::initialiser;
use crate::modules::{Called, Shared, added_headers, meet};
use crate::reason::Reason;
use crate::syntax::{Id, Names, bare, id};

impl<'a: 'm, 'm> Reader<'a, 'm> {
    /// Reads what a call is given to call with the request.
    pub(super) fn given(&mut self, expr: &'a Expr, shared: &Shared) -> Option<Callback> {
        let Expr::Call(call) = expr else { return None };
        let called = shared.callback?;
        let given = call.args.get(called.at)?;
        let one = called.map.is_none_or(|map| map.or_handler);
        let range = self.source.range(&given.expr);
        match bare(&given.expr) {
            Expr::Ident(name) if one && self.callee(bare(&given.expr), called).is_some() => {
                let prop = Prop {
                    key: name.sym.to_string(),
                    held: Held::Named(bare(&given.expr)),
                    place: Place::Named,
                };
                self.callbacks.push(range.start);
                self.hand(shared, called, prop, None, None);
                None
            }
            Expr::Ident(name) if called.map.is_some() && self.held_map(name).is_some() => {
                let (object, said) = self.held_map(name)?;
                self.map(shared, called, object, Some(said));
                None
            }
            Expr::Object(object) if called.map.is_some() => {
                self.callbacks.push(range.start);
                self.map(shared, called, object, None);
                None
            }
            _ if !one => {
                let why = "not a map of methods that is written here";
                self.refuse(Reason::ResEscapes, &*given.expr, why);
                None
            }
            _ => self.callback(expr, shared),
        }
    }

    /// Reads a map of methods; `said` are the types of the constant that holds it.
    fn map(
        &mut self,
        shared: &Shared,
        called: Called,
        object: &'a ObjectLit,
        mut said: Option<Vec<Range<usize>>>,
    ) {
        let range = self.source.range(object);
        let fits = |prop: &Prop| {
            let method = prop.key.to_ascii_uppercase();
            called
                .map
                .is_some_and(|map| map.case.is(&method, &prop.key))
        };
        let props = method_map::props(self.source, object, &range);
        let Some(props) = props.filter(|props| props.iter().all(fits)) else {
            return self.refuse(Reason::ResEscapes, object, "not a map of methods");
        };
        for prop in props {
            let method = prop.key.to_ascii_uppercase();
            self.hand(shared, called, prop, Some(method), said.clone());
            said.iter_mut().for_each(Vec::clear);
        }
    }

    /// The map that a constant holds which nothing else uses, and the types that are said of it.
    fn held_map(&self, name: &Ident) -> Option<(&'a ObjectLit, Vec<Range<usize>>)> {
        let name = id(name);
        let init = initialiser(self.module, &name)?;
        let Expr::Object(object) = bare(init) else {
            return None;
        };
        let text = &self.source.text;
        let names = Names::of(self.source, &self.source.module).all;
        let mut places = names.iter().filter(|(used, _)| *used == name);
        let declared = places.next()?.1.clone();
        let (Some(_), None) = (places.next(), places.next()) else {
            return None;
        };
        let (whole, object_range) = (self.source.range(init), self.source.range(object));
        let head = text.get(declared.end..whole.start)?;
        let equals = declared.end + head.rfind('=')?;
        let exported = text[..declared.start].trim_end().ends_with("export const");
        let said = [
            declared.end..text[..equals].trim_end().len(),
            object_range.end..whole.end,
        ];
        let said = said.into_iter().filter(|range| !range.is_empty());
        (!exported).then(|| (object, said.collect()))
    }

    /// The function that a name stands for, which is called with the request.
    fn callee(&self, name: &Expr, called: Called) -> Option<(Carrier, Option<Function<'a>>)> {
        if let Expr::Ident(name) = name
            && !self.module.library
            && let Some(function) = self.module.functions.get(&id(name))
        {
            return Some((Carrier::Local(id(name)), Some(function.clone())));
        }
        let mut roles = vec![Some(Role::Request), Some(Role::Response)];
        roles.resize(2 + called.extras, None);
        let shared = self.module.follow?.follow(self.module, name, &roles)?;
        let plain = shared.middleware.is_none() && shared.wrapper.is_none();
        plain.then_some((Carrier::Shared(shared), None))
    }

    /// Reads one function that is given to another.
    fn hand(
        &mut self,
        shared: &Shared,
        called: Called,
        prop: Prop<'a>,
        method: Option<String>,
        said: Option<Vec<Range<usize>>>,
    ) {
        let (range, short) = match (&prop.place, &prop.held) {
            (Place::Value(range) | Place::Method(range, _), _) => (range.clone(), false),
            (Place::Named, Held::Short(name)) => (self.source.range(*name), true),
            (Place::Named, Held::Named(expr)) => (self.source.range(*expr), false),
            (Place::Named, Held::Function(function)) => (function.range.clone(), false),
        };
        let found = match prop.held {
            // No code can have such a name.
            Held::Function(_) if self.module.library => None,
            Held::Function(function) => {
                let name: Id = (
                    format!("{} at {}", prop.key, range.start).into(),
                    Default::default(),
                );
                Some((Carrier::Local(name), Some(*function)))
            }
            Held::Named(expr) => self.callee(expr, called),
            Held::Short(name) => self.callee(&Expr::Ident(name.clone()), called),
        };
        let Some((callee, function)) = found else {
            let why = "not a function that is written here";
            return self.refuse_range(Reason::ResEscapes, range, why);
        };
        let methods = match &method {
            Some(method) => vec![method.clone()],
            None => self.view.methods.clone(),
        };
        if prop.place != Place::Named
            && let Some(function) = &function
            && let Some(reason) = self.reaches_out(function)
        {
            return self.refuse_range(reason, range, "uses that of the function around it");
        }
        let (replies, early, adds) = match (&callee, &function) {
            (Carrier::Shared(other), _) => {
                self.out.refusals.extend(other.refusals.iter().cloned());
                if other.headers {
                    let why = "set by a helper that gives back control";
                    self.refuse_range(Reason::HeaderInCallback, range.clone(), why);
                }
                (other.replies, other.early_headers, other.adds.clone())
            }
            (_, Some(function)) if self.depth.calls < MAX_DEPTH => {
                let depth = Depth {
                    calls: self.depth.calls + 1,
                    skips_catches: false,
                };
                let roles = handler_roles(function);
                let reading: Reading =
                    read_at(self.module, function, &roles, &methods, Vec::new(), depth);
                // Another reader says why it cannot be carried over.
                let replies = match reading.refusals.is_empty() {
                    true => reading.replies(),
                    false => Replies::Always,
                };
                (replies, reading.early_headers, added_headers(&reading))
            }
            _ => (Replies::Always, false, Default::default()),
        };
        if replies != Replies::Always {
            self.refuse_range(Reason::NoReply, range.clone(), "");
        }
        if early && shared.answers_errors {
            let why = "set before an error that the function around it answers";
            self.refuse_range(Reason::HeaderInCallback, range.clone(), why);
        } else if early {
            self.out.early_calls.push(range.start);
        }
        if meet(&adds, &shared.header_names) {
            let why = "added to those of the function around it";
            self.refuse_range(Reason::HeaderInCallback, range.clone(), why);
        }
        let args = (0..2 + called.extras).map(|at| Arg {
            range: range.clone(),
            role: [Some(Role::Request), Some(Role::Response)]
                .get(at)
                .copied()
                .flatten(),
        });
        // It may have fewer parameters than it is given arguments.
        let taken = function.as_ref().map_or(2 + called.extras, |function| {
            function.params.len().min(2 + called.extras)
        });
        let more = shared.hands_headers.is_some()
            || function
                .as_ref()
                .is_some_and(|function| function.params.len() > taken);
        let hand = Hand {
            callee,
            args: args.take(taken).collect(),
            more,
            held: said.is_some(),
            said: said.unwrap_or_default(),
            function,
            place: prop.place,
            short,
            method,
            awaited: called.awaited,
        };
        self.effect(range, Kind::Hand(Box::new(hand)));
    }

    /// Whether a function that stands in another uses the request or the response of that.
    fn reaches_out(&self, function: &Function) -> Option<Reason> {
        let all = Names::of(self.source, &self.source.module).all;
        let own: Vec<Option<Id>> = function.params.iter().map(|pat| param_id(pat)).collect();
        let uses = |outer: &Option<Id>| {
            let outer = outer
                .as_ref()
                .filter(|outer| !own.contains(&Some((*outer).clone())));
            let inside = |at: &Range<usize>| {
                function.range.start <= at.start && at.end <= function.range.end
            };
            outer.is_some_and(|outer| all.iter().any(|(name, at)| name == outer && inside(at)))
        };
        match (uses(&self.req), uses(&self.res)) {
            (_, true) => Some(Reason::ResEscapes),
            (true, _) => Some(Reason::ReqEscapes),
            _ => None,
        }
    }

    fn refuse_range(&mut self, reason: Reason, range: Range<usize>, detail: &str) {
        let refusal = crate::facts::api_module::refuse_at(self.source, reason, range, detail);
        self.out.refusals.push(refusal);
    }
}

/// Whether the name of a carrier is that of a function which stands where it is given.
pub fn stands_inline(name: &Id) -> bool {
    name.0.contains(' ')
}

/// The functions of this file that another is given, by their names.
pub fn given_functions<'r, 'a>(
    reading: &'r Reading<'a>,
) -> impl Iterator<Item = (&'r Id, &'r Hand<'a>)> {
    let hand = |effect: &'r Effect<'a>| match &effect.kind {
        Kind::Hand(hand) => Some((hand.callee.local()?, &**hand)),
        _ => None,
    };
    reading.effects.iter().filter_map(hand)
}

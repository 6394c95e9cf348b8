//! Writes functions that another is given to call with the request. In: the function, by its name
//! or as it is written in a map of methods. Out: its web form where it stands. One that is named
//! stays so where it takes what it is called with; what else it takes, a function around it hands
//! over: `{ GET: (req) => show(req, params) }`.

use std::ops::Range;

use swc_core::ecma::ast::Pat;

use super::carrier::{Lowered, Writer, param_name};
use super::route_handler::{File, Written, lost, uses_beyond};
use crate::facts::api_module::{Body, Function, param_id};
use crate::facts::effect::{Carrier, Effect, Hand, Kind, Replies, Role};
use crate::facts::members;
use crate::facts::method_map::Place;
use crate::flow::{Reading, given_functions, stands_inline};
use crate::handler::Group;
use crate::outcome::Refusal;
use crate::reason::Reason;

impl<'a> Writer<'_, 'a, '_> {
    /// Writes what is given for one function.
    pub(super) fn hand(&mut self, effect: &Effect<'a>, hand: &Hand<'a>) {
        let range = effect.range.clone();
        if self.refused(&hand.callee) {
            return;
        }
        let Some(takes) = self.takes(&hand.callee) else {
            return self.refuse(Reason::ResEscapes, range, hand.callee.name());
        };
        if takes.replies != Replies::Always {
            return self.refuse(Reason::NoReply, range, "");
        }
        let needs = hand
            .callee
            .local()
            .and_then(|name| self.ctx.carriers.get(name));
        let becomes_async = match &hand.function {
            Some(function) => needs.is_some_and(|needs| needs.awaits) && !function.is_async,
            None => takes.awaits,
        };
        if becomes_async && !hand.awaited {
            return self.refuse(Reason::BodyUse, range, "would have to be async");
        }
        self.needs.body |= takes.body;
        let inside = holds(self.function, &range);
        if takes.params && !inside {
            let why = "takes path parameters, which are not there at the top of the file";
            return self.refuse(Reason::ReqEscapes, range, why);
        }
        if hand.place != Place::Named {
            self.needs.params |= takes.params;
            return;
        }
        let old = self.ctx.source.text[range.clone()].to_string();
        let name = match &hand.callee {
            Carrier::Shared(shared) => {
                self.needs.shared.insert(shared.key.clone());
                self.needs.notes.extend(shared.notes.iter().copied());
                match self.ctx.names.get(&shared.key) {
                    Some(new) => self.by_new_name(&old, members::last(&new), range.clone()),
                    None => old.clone(),
                }
            }
            Carrier::Local(_) | Carrier::Handler(_) => old.clone(),
        };
        let extras = hand.args.len().saturating_sub(2);
        let plain = !takes.params && (takes.request || extras == 0) && !hand.more;
        let text = if plain {
            name
        } else {
            let Some(names) = extra_names(hand, extras) else {
                return self.refuse(Reason::ResEscapes, range, "destructured parameter");
            };
            let shared = matches!(hand.callee, Carrier::Shared(_));
            let awaits = self.needs.awaits;
            let params = takes.params.then(|| match shared {
                true => self.resolved_params(),
                false => {
                    self.needs.params = true;
                    "params".to_string()
                }
            });
            self.needs.awaits = awaits;
            let request = self.request.clone();
            let given = takes.request.then(|| request.clone());
            let mut args: Vec<String> = given.clone().into_iter().collect();
            if shared {
                args.extend(params.clone());
            }
            args.extend(names.iter().cloned());
            if !shared {
                args.extend(params.clone());
            }
            let first = match names.is_empty() {
                true => given,
                false => given.or(Some(format!("_{request}"))),
            };
            let takes: Vec<String> = first.into_iter().chain(names).collect();
            let waits = params.is_some_and(|params| params.contains("await "));
            let head = if waits { "async " } else { "" };
            format!(
                "{head}({}) => {name}({})",
                takes.join(", "),
                args.join(", ")
            )
        };
        if text == old {
            return;
        }
        if !inside {
            return self.refuse(Reason::ReqEscapes, range, "is called in another way");
        }
        let key = if hand.short {
            format!("{old}: ")
        } else {
            String::new()
        };
        self.edits.replace(range, format!("{key}{text}"));
    }

    /// The text by which a function is called whose web form has another name.
    fn by_new_name(&mut self, old: &str, new: &str, range: Range<usize>) -> String {
        if let Some((object, _)) = old.rsplit_once('.') {
            return format!("{object}.{new}");
        }
        self.dropped.push(range);
        self.needs.renamed.insert(old.to_string(), new.to_string());
        new.to_string()
    }
}

/// The names of what a function is called with behind the request and the response.
fn extra_names(hand: &Hand, extras: usize) -> Option<Vec<String>> {
    if extras == 0 {
        return Some(Vec::new());
    }
    let params = hand.function.as_ref()?.params.iter().skip(2).take(extras);
    let name = |pat| param_id(pat).map(|name| name.0.to_string());
    params.map(|pat| name(pat)).collect()
}

impl<'a> File<'_, 'a> {
    /// Writes the functions that stand where they are given into the functions around them; the
    /// others are left.
    ///
    /// # Errors
    /// The refusals for what has no faithful form.
    pub(super) fn place_given<'w>(
        &mut self,
        groups: &mut [(&Group<'a>, Lowered)],
        mut carriers: Vec<Written<'w, 'a>>,
    ) -> Result<Vec<Written<'w, 'a>>, Vec<Refusal>> {
        for (group, lowered) in groups.iter_mut() {
            self.untype_maps(&group.function, &group.reading, lowered);
        }
        for (_, function, reading, lowered) in &mut carriers {
            self.untype_maps(function, reading, lowered);
        }
        let (mut inline, mut rest): (Vec<Written<'w, 'a>>, Vec<Written<'w, 'a>>) = carriers
            .into_iter()
            .partition(|(name, ..)| stands_inline(name));
        while !inline.is_empty() {
            // Callees stand before callers, so that what it holds is written.
            let (name, function, reading, lowered) = inline.remove(0);
            let gives = |reading: &Reading<'a>| {
                let mut given = given_functions(reading);
                let found = given.find(|(given, _)| *given == name);
                found.map(|(_, hand)| hand.clone())
            };
            let by_group = groups.iter_mut().find_map(|(group, lowered)| {
                let (hand, methods) = (gives(&group.reading)?, group.methods.clone());
                Some((hand, methods, &group.function, lowered))
            });
            let mut helpers = rest.iter_mut().chain(inline.iter_mut());
            let mut by_helper = || {
                helpers.find_map(|(_, function, reading, lowered)| {
                    Some((gives(reading)?, Vec::new(), *function, lowered))
                })
            };
            let owner = by_group.or_else(&mut by_helper);
            let Some((hand, methods, around, owner)) = owner else {
                continue;
            };
            let whole = match &hand.place {
                Place::Value(range) | Place::Method(range, _) => range.clone(),
                Place::Named => continue,
            };
            let text = self.given(function, reading, &lowered, &hand)?;
            if holds(around, &whole) {
                owner.edits.replace(whole.clone(), text);
                owner.dropped.push(whole);
            } else {
                self.edits.replace(whole.clone(), text);
                self.gone.push(whole);
            }
            self.keep(function, &lowered);
            let methods = hand.method.map_or(methods, |method| vec![method]);
            self.collect(&lowered, &methods);
        }
        Ok(rest)
    }

    /// Removes what is said of constants that hold maps: their functions are others now.
    fn untype_maps(&mut self, function: &Function, reading: &Reading<'a>, lowered: &mut Lowered) {
        for effect in &reading.effects {
            let Kind::Hand(hand) = &effect.kind else {
                continue;
            };
            for range in &hand.said {
                let (edits, gone) = match holds(function, range) {
                    true => (&mut lowered.edits, &mut lowered.dropped),
                    false => (&mut self.edits, &mut self.gone),
                };
                edits.delete(range.clone());
                gone.push(range.clone());
            }
        }
    }

    /// Writes a function that stands where it is given.
    fn given(
        &mut self,
        function: &Function<'a>,
        reading: &Reading<'a>,
        lowered: &Lowered,
        hand: &Hand,
    ) -> Result<String, Vec<Refusal>> {
        let source = self.module.source;
        let request =
            param_name(function, reading, Role::Request).unwrap_or_else(|| "request".to_string());
        let used =
            lowered.needs.request || uses_beyond(function, reading, source, &lowered.dropped);
        let unused = function.params.iter().skip(2).rev().take_while(|pat| {
            param_id(pat).is_some_and(|name| lost(source, &name, reading, lowered))
        });
        let length = function.params.len() - unused.count();
        let mut params: Vec<String> = Vec::new();
        for (at, pat) in function.params.iter().take(length).enumerate() {
            match reading.roles.get(at).copied().flatten() {
                Some(Role::Request) => {
                    self.check_type(pat)?;
                    if !used && length <= 2 {
                        continue;
                    }
                    let name = match used || request.starts_with('_') {
                        true => request.clone(),
                        false => format!("_{request}"),
                    };
                    let typed = hand.held || is_annotated(pat);
                    params.push(match source.typescript() && typed {
                        true => {
                            self.import_request();
                            format!("{name}: NextRequest")
                        }
                        false => name,
                    });
                }
                Some(Role::Response) => {}
                None => {
                    let range = source.range(*pat);
                    params.push(source.text[range.clone()].to_string());
                    self.kept.push(range);
                }
            }
        }
        let is_async = function.is_async || lowered.needs.awaits;
        let keyword = if is_async { "async " } else { "" };
        let params = params.join(", ");
        let head = match &hand.place {
            Place::Method(_, key) => format!("{keyword}{}({params}) ", &source.text[key.clone()]),
            Place::Value(_) | Place::Named => format!("{keyword}({params}) => "),
        };
        let range = match function.body {
            Body::Block(_, (start, end)) => start..end,
            Body::Expr(expr) => source.range(expr),
        };
        Ok(format!("{head}{}", self.body(lowered, range)?))
    }
}

/// Whether a range stands in a function.
fn holds(function: &Function, range: &Range<usize>) -> bool {
    function.range.start <= range.start && range.end <= function.range.end
}

fn is_annotated(pat: &Pat) -> bool {
    matches!(pat, Pat::Ident(binding) if binding.type_ann.is_some())
}

/// Whether a reading gives the request to functions that read the body; of those of this file, only
/// such as read it raw, when these are asked for.
pub(super) fn gives_body(reading: &Reading, carriers: &[Written], raw: bool) -> bool {
    let reads_raw = |reading: &Reading| {
        let mut effects = reading.effects.iter();
        effects.any(|effect| matches!(effect.kind, Kind::ReadRawBody { .. }))
    };
    reading.effects.iter().any(|effect| match &effect.kind {
        Kind::Hand(hand) => match &hand.callee {
            Carrier::Local(callee) => {
                let mut known = carriers.iter();
                let own = known.find(|(name, ..)| *name == callee);
                own.is_some_and(|(_, _, reading, lowered)| match raw {
                    true => reads_raw(reading),
                    false => lowered.needs.body,
                })
            }
            Carrier::Shared(shared) => shared.body && !raw,
            Carrier::Handler(_) => false,
        },
        _ => false,
    })
}

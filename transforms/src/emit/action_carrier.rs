//! Calls of functions that routes share, in a Server Action: guards, and functions that answer. Their
//! web forms give back a `Response`, which `toResult` makes what the action gives back; one that looks at
//! the request gets `actionRequest()`. Refused is what [`InAction`](crate::facts::in_action::InAction) says.

use super::call_site::Contract;
use super::carrier::{ActionMode, Bodies, Data, Helper, Writer};
use crate::facts::effect::{Carrier, Effect, Kind};
use crate::flow::Reading;
use crate::reason::{Note, Reason};

/// Whether a difference shows where an action is called, and not only to those who ask by URL.
pub(super) fn shows_in_action(note: &Note) -> bool {
    matches!(
        note,
        Note::ActionRefresh
            | Note::CookieParsing
            | Note::CookieSpelling
            | Note::EnvAtBuild
            | Note::ForwardedFor
            | Note::ModuleState
            | Note::RevalidateLater
            | Note::SessionRefresh
            | Note::UndefinedJson
    )
}

impl<'a> Writer<'_, 'a, '_> {
    /// Makes the request that the first of the functions is given that look at it.
    pub(super) fn action_request(&mut self, reading: &Reading<'a>, mode: &ActionMode) {
        let looks = |effect: &&Effect<'a>| match effect.carrier() {
            Some((Carrier::Shared(shared), _)) => shared.request && shared.refusals.is_empty(),
            Some((callee, _)) => {
                !self.ctx.delegates && self.takes(callee).is_some_and(|of| of.request)
            }
            None => false,
        };
        let first = reading.effects.iter().filter(looks);
        let Some(first) = first.min_by_key(|effect| effect.range.start) else {
            return;
        };
        let (top, range) = (first.top, first.range.clone());
        if !self.free(Helper::ActionRequest.name()) {
            return self.refuse(Reason::ReqEscapes, range, "actionRequest is taken");
        }
        if mode.wrapped {
            self.needs.request = true;
            return;
        }
        self.needs.helpers.insert(Helper::ActionRequest);
        self.needs.awaits = true;
        let made = format!("const {} = await actionRequest()", self.request);
        if !self.hoist(top, made) {
            self.refuse(Reason::ReqEscapes, range, "a guard in a callback");
        }
    }

    /// A call of a function of another module that takes the request or the response.
    pub(super) fn action_carrier(&mut self, effect: &Effect<'a>, mode: &ActionMode) {
        let Some((callee, _)) = effect.carrier() else {
            return;
        };
        let answers = !matches!(effect.kind, Kind::CallCarrier { form: None, .. });
        let (fits, of_shared) = match callee {
            Carrier::Shared(shared) if !shared.refusals.is_empty() => return,
            Carrier::Shared(shared) => (
                Some(&shared.in_action),
                (shared.callback.is_some()).then_some("calls a function with the request"),
            ),
            Carrier::Local(name) => (self.ctx.carriers.get(name).map(|own| &own.in_action), None),
            Carrier::Handler(_) => (None, None),
        };
        let (Some(fits), Some(takes)) = (fits.cloned(), self.takes(callee)) else {
            let why = format!("hands the request to {}", callee.name());
            return self.refuse(Reason::ReqEscapes, effect.range.clone(), &why);
        };
        let why = match &fits.against {
            Some(why) => Some(why.as_str()),
            None if takes.params || fits.query => Some("reads the URL"),
            None if answers && fits.text && mode.contract != Contract::Nothing => {
                Some("answers something else than JSON")
            }
            None if answers && mode.bodies != Bodies::Any && fits.empty => {
                Some("answers without a body, which callers read")
            }
            None if answers && !self.free(Helper::ToResult.name()) => Some("toResult is taken"),
            None => of_shared,
        };
        if let Some(why) = why {
            let why = format!("calls {}, which {why}", callee.name());
            return self.refuse(Reason::ReqEscapes, effect.range.clone(), &why);
        }
        if fits.cookies {
            self.needs.notes.insert(Note::ActionRefresh);
        }
        match &effect.kind {
            Kind::Guard { .. } => self.guard(effect, None),
            _ => self.call_carrier(effect, None),
        }
    }

    /// Gives back what a function has answered.
    pub(super) fn give_result(&mut self, effect: &Effect<'a>, awaited: bool) {
        if self.ctx.source.text[effect.range.clone()].starts_with("void") {
            let why = "gives back nothing";
            return self.refuse(Reason::ReplyInExpression, effect.range.clone(), why);
        }
        self.takes_result();
        let start = self.behind_await(&effect.range, awaited);
        let awaits = if awaited { "" } else { self.awaits(effect) };
        self.edits.insert(start, format!("{awaits}toResult("));
        self.edits.insert(effect.range.end, ")");
    }

    /// What an action ends with where a guard has answered.
    pub(super) fn result_of(
        &mut self,
        effect: &Effect<'a>,
        response: &str,
        mode: &ActionMode,
    ) -> String {
        if mode.contract == Contract::Nothing {
            return String::new();
        }
        self.takes_result();
        format!(" {}toResult({response})", self.awaits(effect))
    }

    /// A promise that is returned out of a `try` would take its error with it.
    fn awaits(&self, effect: &Effect<'a>) -> &'static str {
        if effect.tried || self.ctx.tried {
            "await "
        } else {
            ""
        }
    }

    fn takes_result(&mut self) {
        self.needs.helpers.insert(Helper::ToResult);
        self.needs.data.push(Data::Parsed);
    }
}

//! Writes a call of a library function as its recipe says.

use super::carrier::{Helper, Writer};
use crate::edit::Fragment;
use crate::facts::effect::Effect;
use crate::libraries::{Piece, Takes, Written};
use crate::reason::Reason;

impl Writer<'_, '_, '_> {
    /// One call; see [`Written`].
    pub(super) fn library(&mut self, effect: &Effect, call: &Written) {
        let range = effect.range.clone();
        if let Some((feature, why)) = &call.wants
            && !self.ctx.next.has(*feature)
        {
            return self.refuse(Reason::UnsupportedLibrary, range, why);
        }
        self.needs.request |= call.takes != Takes::Nothing;
        self.needs.next_request |= call.takes == Takes::NextRequest;
        self.needs.body |= call.reads_body;
        self.needs.notes.extend(call.notes.iter().copied());
        self.dropped.extend(call.dropped.iter().cloned());
        self.needs.respelled.extend(call.renamed.iter().cloned());
        for (module, name) in &call.imports {
            self.import(module, name, effect);
        }
        for (range, pieces) in &call.edits {
            if range.is_empty() && pieces.is_empty() {
                continue;
            }
            let with = pieces
                .iter()
                .map(|piece| self.piece(piece, effect))
                .collect();
            self.edits.rewrite(range.clone(), with);
        }
    }

    fn piece(&mut self, piece: &Piece, effect: &Effect) -> Fragment {
        Fragment::Text(match piece {
            Piece::Text(text) => text.clone(),
            Piece::Keep(range) => return Fragment::Keep(range.clone()),
            Piece::Request => self.request.clone(),
            Piece::NodeRequest => {
                if !self.free(Helper::NodeRequest.name()) {
                    let range = effect.range.clone();
                    let why = "nodeRequest has another meaning here";
                    self.refuse(Reason::UnsupportedLibrary, range, why);
                }
                self.needs.helpers.insert(Helper::NodeRequest);
                format!("{}({})", Helper::NodeRequest.name(), self.request)
            }
            Piece::Literal(text) => self.ctx.style.string(text),
            Piece::CookieStore => self.cookie_store(effect, false),
            Piece::CookieStoreObject => self.cookie_store(effect, true),
        })
    }

    /// `cookies()`, awaited where it is a promise: by a constant where it is the object of a
    /// member access, or stands in a function of its own.
    fn cookie_store(&mut self, effect: &Effect, object: bool) -> String {
        self.import("next/headers", "cookies", effect);
        let store = self.request_api("cookies");
        if !object && !effect.nested {
            return store;
        }
        let name = self.free_name(&["cookieStore", "requestCookies"]);
        let line = format!("const {name} = {store}");
        if let Some((at, _)) = self.hoists.iter_mut().find(|(_, held)| *held == line) {
            *at = effect.top.min(*at);
        } else if !self.hoist(effect.top, line) {
            let range = effect.range.clone();
            self.refuse(
                Reason::UnsupportedLibrary,
                range,
                "cookies in a function without a body",
            );
        }
        name
    }

    /// Asks for a name that nothing in the function may hide.
    fn import(&mut self, module: &'static str, name: &'static str, effect: &Effect) {
        if name == "cookies" && !self.free(name) {
            let range = effect.range.clone();
            self.refuse(
                Reason::UnsupportedLibrary,
                range,
                "cookies has another meaning here",
            );
        }
        self.needs.imports.value(module, name);
    }
}

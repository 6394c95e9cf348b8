//! What the user said that comes to nothing, although the routes that it speaks of are there. In: what
//! was said and what came of it. Out: warnings. An entry that speaks of many routes is idle when it is
//! so for all of them; of routes that are left or not looked at nothing can be told.

use std::collections::BTreeMap;

use crate::Options;
use crate::outcome::{AppOutcome, Place, RouteOutcome, Warning, WayOut};

/// What each place says, in words that hold when it is in vain, and whether it is.
#[derive(Default)]
struct Said(BTreeMap<(Place, String), bool>);

impl Said {
    /// Takes note of what a place comes to once.
    fn note(&mut self, place: &Place, words: String, idle: bool) {
        let all = self.0.entry((place.clone(), words)).or_insert(true);
        *all &= idle;
    }
}

/// Everything that was said in vain, by place.
pub fn idle(apps: &[AppOutcome], options: &Options) -> Vec<Warning> {
    let mut said = Said::default();
    for (index, app) in apps.iter().enumerate() {
        let settings = options.of(index);
        for (reason, place) in &settings.accept {
            if let Some(place) = place {
                let words = format!("{} is accepted, and refuses nothing", reason.code());
                said.note(place, words, !app.accepted.contains(reason));
            }
        }
        for given in &settings.names {
            let words = format!(
                "{} names nothing: {} {} does not become a Server Action",
                given.name, given.method, given.route
            );
            if let Some(route) = route(app, &given.route) {
                let mut methods = route.methods.iter();
                let named = methods.any(|one| one.action.as_ref() == Some(&given.name));
                said.note(&given.place, words, !named);
            }
        }
        for route in &app.routes {
            for wish in &route.asked {
                if let (Some(place), Some(method)) = (wish.origin.place(), &wish.method) {
                    let words = format!("nothing that it names answers {method}");
                    said.note(place, words, !may_answer(route, method));
                }
            }
        }
    }
    let idle = said.0.into_iter().filter(|(_, idle)| *idle);
    idle.map(|((place, what), _)| Warning {
        what,
        place: Some(place),
    })
    .collect()
}

fn route<'a>(app: &'a AppOutcome, route: &str) -> Option<&'a RouteOutcome> {
    app.routes.iter().find(|one| one.route == route)
}

/// Whether a route answers a method, as far as it is known.
fn may_answer(route: &RouteOutcome, method: &str) -> bool {
    route.methods.iter().any(|one| {
        let unknown = matches!(one.way_out, WayOut::Left | WayOut::Bridged);
        unknown || one.method == "*" || one.method == method
    })
}

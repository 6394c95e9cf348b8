//! axios, and every object with a function for each HTTP verb: `axios.post(url, data)`,
//! `axios({ url, method })`, `api.get('/api/x')`, `ky.put`, `$fetch(url, { method })`,
//! `xhr.open('POST', url)`. In: the argument that a URL is. Out: method and body, as far as they show.

use swc_core::ecma::ast::{Expr, ExprOrSpread};

use super::Guess;
use super::context::{Argument, Context};
use super::init::Init;
use super::pattern::{Constants, is_string};
use crate::facts::call::{Client, Sends};
use crate::source::Source;
use crate::syntax::{bare, property};

const VERBS: &[(&str, &str)] = &[
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("del", "DELETE"),
    ("head", "HEAD"),
    ("options", "OPTIONS"),
];

/// The URL and the method of a call of a client's instance: `api.post(url)`, `api(url, options)`,
/// `api({ url, method })`, `api.request(options)`.
pub(super) fn request<'a>(
    source: &Source,
    constants: &Constants,
    member: Option<&str>,
    args: &'a [ExprOrSpread],
) -> Option<(&'a Expr, Option<String>)> {
    let first = bare(&args.first()?.expr);
    let verb = VERBS.iter().find(|(verb, _)| Some(*verb) == member);
    if let Some((_, method)) = verb {
        return Some((first, Some((*method).to_string())));
    }
    if !matches!(member, None | Some("request" | "fetch" | "raw")) {
        return None;
    }
    let Expr::Object(options) = first else {
        let method = match args.get(1) {
            // It may be the options themselves.
            None if !is_string(first) => None,
            None => Some("GET".to_string()),
            Some(options) => Init::read(source, constants, &options.expr).method,
        };
        return Some((first, method));
    };
    let url = property(options, "url");
    Some((url?, Init::read(source, constants, first).method))
}

/// What the URL is for, when it is an argument of such a client.
pub(super) fn guess(context: Context<'_>) -> Option<Guess> {
    let (argument, property) = context.argument()?;
    let name = argument.name();
    if name == "open" && argument.index == 1 {
        let method = argument.first.as_deref()?.to_ascii_uppercase();
        VERBS.iter().find(|(_, verb)| *verb == method)?;
        return Some(Guess::request(Some(method), Sends::Unknown));
    }
    let verb = VERBS.iter().find(|(verb, _)| *verb == name);
    match (verb, property) {
        (Some((_, method)), None) if argument.index == 0 && argument.callee.len() > 1 => {
            let bare = matches!(*method, "GET" | "HEAD" | "OPTIONS" | "DELETE");
            let sends = if bare { Sends::Nothing } else { Sends::Unknown };
            Some(Guess::request(Some((*method).to_string()), sends))
        }
        _ if is_request(argument) => match property {
            None if argument.index == 0 => Some(from_options(argument.next.as_ref())),
            Some("url") if argument.index == 0 => Some(from_options(argument.own.as_ref())),
            // A base URL names everything below it, by any method.
            Some("baseURL" | "prefixUrl") => Some(Guess::request(None, Sends::Unknown).prefix()),
            _ => None,
        },
        _ => match property {
            Some("baseURL" | "prefixUrl") => Some(Guess::request(None, Sends::Unknown).prefix()),
            _ => None,
        },
    }
}

fn is_request(argument: &Argument) -> bool {
    matches!(
        argument.name(),
        "axios" | "$fetch" | "ofetch" | "ky" | "got" | "request" | "superagent" | "unfetch"
    )
}

fn from_options(options: Option<&Init>) -> Guess {
    let method = options.map_or(Some("GET".to_string()), |init| init.method.clone());
    Guess {
        client: Client::Axios,
        method,
        sends: Sends::Unknown,
        prefix: false,
    }
}

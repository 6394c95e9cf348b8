//! axios, and every object with a function for each HTTP verb: `axios.post(url, data)`,
//! `axios({ url, method })`, `api.get('/api/x')`, `ky.put`, `$fetch(url, { method })`,
//! `xhr.open('POST', url)`. In: the argument that a URL is. Out: method and body, as far as they show.
//! Of axios itself, and instances that are nothing but axios with a base URL, the whole call is read: what it
//! sends, and what of it an action could not do.

use std::collections::HashSet;
use std::ops::Range;

use memchr::memmem;
use swc_core::ecma::ast::{
    CallExpr, Callee, Expr, ExprOrSpread, Id, ImportSpecifier, Lit, ModuleDecl, ModuleItem,
    ObjectLit, Prop, PropOrSpread,
};

use super::context::{Argument, Context};
use super::init::{self, Headers, Init, literal};
use super::pattern::{Constants, is_string, texts};
use super::request::Sent;
use super::walk::Walk;
use super::{Guess, channel, json_view, plain_object, scope};
use crate::facts::call::{Client, JsonBody, Sends};
use crate::graph::Reach;
use crate::outcome::Place;
use crate::project::Project;
use crate::source::Source;
use crate::syntax::{bare, prop_name, property};

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
        client: Client::Verbs,
        method,
        sends: Sends::Unknown,
        prefix: false,
    }
}

/// What a project does with axios as a whole.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Where it changes what requests do: interceptors, defaults, packages that do so.
    setup: Option<String>,
    /// Where it reads more of an error than its message.
    pub errors: Option<String>,
}

/// Reads what the files of a project say, those of tests aside. Errors of the browser are read only by
/// code that runs there.
pub(super) fn uses(project: &Project, reaches: &[Reach<'_>]) -> Uses {
    let mut uses = Uses::default();
    let is_axios = |specifier: &str| specifier == "axios";
    let mut files = project.files.values();
    if !files.any(|file| {
        file.imports
            .iter()
            .any(|import| is_axios(&import.specifier))
    }) {
        return uses;
    }
    for (path, file) in &project.files {
        let Some(text) = file.text.as_deref().filter(|_| !scope::is_test(path)) else {
            continue;
        };
        let at = |found: usize| {
            let place = Place::new(path, text, found, found);
            format!("{path}:{}", place.line)
        };
        let find = |word: &str| memmem::find(text.as_bytes(), word.as_bytes());
        let package = |specifier: &str| !is_axios(specifier) && specifier.contains("axios");
        let mut imports = file.imports.iter();
        let setup = find("interceptors")
            .or_else(|| find(".defaults"))
            .or_else(|| find("defaults }").filter(|_| find("axios").is_some()))
            .or_else(|| imports.find(|import| package(&import.specifier)).map(|_| 0));
        if uses.setup.is_none() {
            uses.setup = setup.map(at);
        }
        if uses.errors.is_none() && reaches.iter().any(|reach| reach.client(path)) {
            uses.errors = reads_errors(text).map(at);
        }
    }
    uses
}

/// Where a text reads what only the errors of axios have.
fn reads_errors(text: &str) -> Option<usize> {
    let part = |char: char| char.is_alphanumeric() || matches!(char, '_' | '$');
    let word = |wanted: &str| {
        let mut found = text.match_indices(wanted);
        found.find(|(at, _)| !text[at + wanted.len()..].starts_with(part))
    };
    let of_error = |wanted: &str| {
        let mut found = text.match_indices(wanted);
        found.find(|(at, _)| {
            let before = text[..*at].trim_end_matches('?');
            let name = before.rsplit(|char| !part(char)).next().unwrap_or_default();
            let name = name.to_ascii_lowercase();
            // `(error as any).status`, `error!.status`
            let cast = before.ends_with([')', '!', ']']);
            let error =
                cast || matches!(
                    &*name,
                    "e" | "ex" | "reason" | "exception" | "failure" | "problem" | "cause"
                ) || name.ends_with("err")
                    || name.ends_with("error");
            error && !text[at + wanted.len()..].starts_with(part)
        })
    };
    let words = [
        "isAxiosError",
        "AxiosError",
        "as AxiosError",
        ".response",
        "{ response",
        "{response",
        ", response",
        "'response",
        "\"response",
    ];
    let members = [
        ".status", ".code", ".request", ".config", ".toJSON", ".name",
    ];
    let mut found: Vec<usize> = words
        .iter()
        .filter_map(|one| word(one))
        .map(|(at, _)| at)
        .collect();
    found.extend(
        members
            .iter()
            .filter_map(|one| of_error(one))
            .map(|(at, _)| at),
    );
    found.into_iter().min()
}

/// The names by which a file imports axios.
pub(super) fn names(source: &Source) -> HashSet<Id> {
    let imports = source.items().iter().filter_map(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::Import(import)) if !import.type_only => Some(import),
        _ => None,
    });
    let of_axios = imports.filter(|import| import.src.value.to_string_lossy() == "axios");
    let defaults = of_axios.flat_map(|import| &import.specifiers);
    let defaults = defaults.filter_map(|specifier| match specifier {
        ImportSpecifier::Default(default) => Some(default.local.to_id()),
        _ => None,
    });
    defaults.collect()
}

/// Whether the settings of an instance are nothing but a base URL, and what requests say anyway.
pub(super) fn is_plain(source: &Source, options: Option<&ObjectLit>) -> bool {
    let mut init = Init::none();
    for entry in options.iter().flat_map(|options| &options.props) {
        let Some((key, value)) = init::plain(entry) else {
            return false;
        };
        match key.as_str() {
            "baseURL" => {}
            "withCredentials" if matches!(value, Expr::Lit(Lit::Bool(_))) => {}
            "headers" => Headers::default().read(source, value, &mut init),
            _ => return false,
        }
    }
    init.refused.is_none()
}

/// Whether a call is one of axios, or of an instance of it, that sends a request.
pub(super) fn is_axios(walk: &Walk<'_>, callee: &Expr) -> bool {
    let Some((root, member)) = channel::callee_of(callee) else {
        return false;
    };
    let sends = match member {
        None | Some("request") => true,
        Some(member) => member != "del" && VERBS.iter().any(|(verb, _)| *verb == member),
    };
    let id = root.to_id();
    sends && (walk.axios_names.contains(&id) || walk.instance(&id).is_some())
}

/// What a call of axios sends; `None` where its URL does not show.
pub(super) fn sent<'a>(walk: &Walk<'_>, call: &'a CallExpr) -> Option<Sent<'a>> {
    let (source, constants) = (walk.source, &walk.constants);
    let Callee::Expr(callee) = &call.callee else {
        return None;
    };
    let (root, member) = channel::callee_of(callee)?;
    if call.args.iter().any(|argument| argument.spread.is_some()) {
        return None;
    }
    let instance = walk.instance(&root.to_id());
    let argument = |index: usize| call.args.get(index).map(|argument| &*argument.expr);
    let first = bare(argument(0)?);
    let verb = VERBS.iter().find(|(verb, _)| Some(*verb) == member);
    let mut init = Init::none();
    let (url, data, config) = match (verb, first) {
        (Some((_, method)), _) => {
            init.method = Some((*method).to_string());
            match *method {
                "POST" | "PUT" | "PATCH" => (first, argument(1), argument(2)),
                _ => (first, None, argument(1)),
            }
        }
        (None, Expr::Object(options)) => (property(options, "url")?, None, Some(first)),
        (None, _) if is_string(first) || argument(1).is_some() => (first, None, argument(1)),
        (None, _) => return None,
    };
    let range = source.range(call);
    if let Some(place) = &walk.axios.setup {
        let words = format!("what requests of axios do is set in {place}");
        init.refuse(range.clone(), &words);
    }
    if instance.is_some_and(|instance| instance.axios == Some(false)) {
        init.refuse(range, "the instance of axios has settings of its own");
    }
    let body = configured(source, &mut init, verb.is_none(), data, config);
    if let Some((body, headers)) = body {
        send(source, constants, &mut init, body, &headers);
    }
    let texts = texts(source, constants, url);
    let texts = match instance {
        Some(instance) => texts.iter().map(|url| instance.front.before(url)).collect(),
        None => texts,
    };
    let place: Range<usize> = source.range(url);
    Some(Sent {
        url,
        texts,
        init,
        place,
        rejects: true,
    })
}

/// Reads the options of a call. Gives the body, with what the headers say of it.
fn configured<'a>(
    source: &Source,
    init: &mut Init,
    whole: bool,
    data: Option<&'a Expr>,
    config: Option<&'a Expr>,
) -> Option<(&'a Expr, Headers)> {
    let mut headers = Headers::default();
    let mut body = data;
    let entries = match config.map(bare) {
        None => &[],
        Some(Expr::Object(options)) => options.props.as_slice(),
        Some(other) => {
            if whole {
                init.method = None;
            }
            init.sends = Sends::Unknown;
            init.refuse(source.range(other), "the options are not an object literal");
            return None;
        }
    };
    for entry in entries {
        let shorthand = match entry {
            PropOrSpread::Prop(prop) => match &**prop {
                Prop::Shorthand(name) => Some(name.sym.to_string()),
                Prop::KeyValue(pair) if prop_name(&pair.key).is_some() => None,
                _ => Some("method".to_string()),
            },
            PropOrSpread::Spread(_) => Some("method".to_string()),
        };
        let Some((key, value)) = init::plain(entry) else {
            if whole && shorthand.as_deref() == Some("method") {
                init.method = None;
            }
            init.sends = Sends::Unknown;
            let words = "the options hold more than plain properties";
            init.refuse(source.range(entry), words);
            continue;
        };
        match key.as_str() {
            "url" if whole => {}
            "method" if whole => {
                init.method = literal(value).map(|method| method.to_ascii_uppercase());
                if init.method.is_none() {
                    init.refuse(source.range(value), "the method is computed");
                }
            }
            "data" if data.is_none() => body = Some(value),
            "headers" => headers.read(source, value, init),
            "withCredentials" if matches!(value, Expr::Lit(Lit::Bool(_))) => {}
            _ => {
                let words = format!("the option {key} has no equivalent");
                init.refuse(source.range(entry), &words);
            }
        }
    }
    body.map(|body| (body, headers))
}

/// What reaches the server as the body.
fn send(source: &Source, constants: &Constants, init: &mut Init, body: &Expr, headers: &Headers) {
    if init::is_absent(source, body) {
        return;
    }
    let text = init::stringified(source, body);
    let value = text.unwrap_or(body);
    let json = match text {
        // A text is JSON only where a header says so.
        Some(_) => headers.json && !headers.unknown,
        None => plain_object::is_object(source, body),
    };
    if !json {
        init.sends = init::sends(source, constants, body, headers);
        let words = "what is sent is not surely an object";
        return init.refuse(source.range(body), words);
    }
    init.sends = Sends::Json;
    if let Some(range) = json_view::unlike(source, value) {
        init.refuse(range, "a value in the body is not the same as its JSON");
    }
    init.body = Some(JsonBody {
        value: source.range(value),
        fields: init::fields(source, value),
    });
}

//! Names for Server Actions, as a person would choose them: a verb from the method or the
//! last segment, a noun from the path.

use crate::facts::route::{Route, SlugKind, slug};

/// Words that start a segment which says what is done.
const VERBS: &[&str] = &[
    "accept",
    "activate",
    "add",
    "approve",
    "archive",
    "assign",
    "block",
    "buy",
    "cancel",
    "change",
    "check",
    "claim",
    "clear",
    "close",
    "complete",
    "confirm",
    "connect",
    "copy",
    "create",
    "deactivate",
    "decline",
    "delete",
    "disable",
    "disconnect",
    "dislike",
    "downvote",
    "duplicate",
    "edit",
    "enable",
    "export",
    "finish",
    "flag",
    "follow",
    "generate",
    "hide",
    "import",
    "invite",
    "join",
    "leave",
    "like",
    "lock",
    "log",
    "login",
    "logout",
    "mark",
    "merge",
    "move",
    "mute",
    "open",
    "pause",
    "pay",
    "pin",
    "publish",
    "react",
    "read",
    "redo",
    "refresh",
    "refund",
    "register",
    "reject",
    "remove",
    "rename",
    "reorder",
    "reply",
    "report",
    "request",
    "resend",
    "reset",
    "restore",
    "resume",
    "retry",
    "revoke",
    "save",
    "schedule",
    "send",
    "set",
    "share",
    "show",
    "signin",
    "signout",
    "signup",
    "star",
    "start",
    "stop",
    "submit",
    "subscribe",
    "sync",
    "toggle",
    "track",
    "transfer",
    "unarchive",
    "unblock",
    "unfollow",
    "unlike",
    "unlock",
    "unpin",
    "unpublish",
    "unstar",
    "unsubscribe",
    "update",
    "upload",
    "upvote",
    "verify",
    "view",
    "vote",
];

/// The words of a segment: `draft-mode` and `draftMode` are two.
fn words(segment: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut fresh = true;
    for char in segment.chars() {
        if !char.is_ascii_alphanumeric() {
            fresh = true;
            continue;
        }
        let upper = char.is_ascii_uppercase();
        if fresh
            || upper
                && out
                    .last()
                    .is_some_and(|word| word.ends_with(|last: char| last.is_ascii_lowercase()))
            || out.is_empty()
        {
            out.push(String::new());
        }
        fresh = false;
        out.last_mut()
            .expect("a word was started")
            .push(char.to_ascii_lowercase());
    }
    out
}

/// One of what a plural names.
fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    for ending in ["sses", "shes", "ches", "xes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_string();
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if !stem.ends_with(['s', 'u', 'i']) && stem.len() > 1 => stem.to_string(),
        _ => word.to_string(),
    }
}

/// The parts of a route's name: what is done, when the last segment says so, and to what.
fn parts(route: &Route) -> (Option<Vec<String>>, Vec<String>) {
    let segments: Vec<&str> = route.path.split('/').skip(2).collect();
    let fixed: Vec<&str> = segments
        .iter()
        .copied()
        .filter(|segment| slug(segment).is_none())
        .collect();
    let Some(last) = fixed.last() else {
        return (None, vec!["item".to_string()]);
    };
    let last_words = words(last);
    let ends_fixed = segments.last() == Some(last);
    if ends_fixed
        && last_words
            .first()
            .is_some_and(|word| VERBS.contains(&word.as_str()))
    {
        let noun = match (last_words.len(), fixed.len()) {
            (1, 2..) => one(&words(fixed[fixed.len() - 2])),
            _ => Vec::new(),
        };
        return (Some(last_words), noun);
    }
    (None, last_words)
}

/// The noun that a path parameter belongs to: `todo` for the `id` of `/api/todos/[id]`.
pub fn owner(route: &Route, key: &str) -> String {
    let segments: Vec<&str> = route.path.split('/').collect();
    let at = segments
        .iter()
        .position(|segment| slug(segment).is_some_and(|slug| slug.name == key));
    let before = at.and_then(|at| {
        segments[..at]
            .iter()
            .rev()
            .find(|segment| slug(segment).is_none())
    });
    camel(&one(&words(before.unwrap_or(&"item"))))
}

/// Words whose last one is made singular.
fn one(words: &[String]) -> Vec<String> {
    let mut out = words.to_vec();
    if let Some(last) = out.last_mut() {
        *last = singular(last);
    }
    out
}

fn camel(words: &[String]) -> String {
    words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            if at == 0 {
                word.clone()
            } else {
                format!("{}{}", word[..1].to_uppercase(), &word[1..])
            }
        })
        .collect()
}

/// The name of the action for a method of a route.
pub fn action(route: &Route, method: &str) -> String {
    let (verb, noun) = parts(route);
    if let Some(mut verb) = verb {
        verb.extend(noun);
        return camel(&verb);
    }
    let verb = match method {
        "PUT" => "update",
        "PATCH" => "update",
        "DELETE" => "delete",
        _ => "create",
    };
    let mut words = vec![verb.to_string()];
    words.extend(one(&noun));
    camel(&words)
}

/// The name of the file for the actions of a route, without its extension.
pub fn file(route: &Route) -> String {
    let (verb, noun) = parts(route);
    if let Some(mut verb) = verb {
        verb.extend(noun);
        return verb.join("-");
    }
    let one_of_many = route
        .slugs
        .last()
        .is_some_and(|slug| slug.kind == SlugKind::One && route.path.ends_with(']'));
    if one_of_many {
        one(&noun).join("-")
    } else {
        noun.join("-")
    }
}

/// A longer file name, for when two routes would share the short one.
pub fn long_file(route: &Route) -> String {
    let segments: Vec<String> = route
        .path
        .split('/')
        .skip(2)
        .map(|segment| words(segment).join("-"))
        .collect();
    segments.join("-")
}

/// The names of files below `app/` that Next.js takes for itself.
const SPECIAL: &[&str] = &[
    "apple-icon",
    "default",
    "error",
    "forbidden",
    "global-error",
    "global-not-found",
    "icon",
    "layout",
    "loading",
    "manifest",
    "not-found",
    "opengraph-image",
    "page",
    "robots",
    "route",
    "sitemap",
    "template",
    "twitter-image",
    "unauthorized",
];

/// A file name that Next.js gives no meaning to.
pub fn plain(file: String) -> String {
    match SPECIAL.contains(&file.as_str()) {
        true => format!("{file}-actions"),
        false => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str) -> Route {
        Route {
            path: path.to_string(),
            slugs: path.split('/').filter_map(slug).collect(),
            file: String::new(),
            target: String::new(),
        }
    }

    #[test]
    fn names_read_like_a_persons() {
        let name = |path, method| action(&route(path), method);
        assert_eq!(name("/api/posts", "POST"), "createPost");
        assert_eq!(name("/api/posts/[id]", "PUT"), "updatePost");
        assert_eq!(name("/api/posts/[id]", "DELETE"), "deletePost");
        assert_eq!(name("/api/draft-mode/disable", "POST"), "disableDraftMode");
        assert_eq!(name("/api/todos/[id]/toggle", "PATCH"), "toggleTodo");
        assert_eq!(name("/api/send-email", "POST"), "sendEmail");
        assert_eq!(name("/api/categories", "POST"), "createCategory");
        assert_eq!(name("/api/address", "POST"), "createAddress");
        assert_eq!(file(&route("/api/posts/[id]")), "post");
        assert_eq!(file(&route("/api/posts")), "posts");
        assert_eq!(file(&route("/api/todos/[id]/toggle")), "toggle-todo");
        assert_eq!(plain(file(&route("/api/route"))), "route-actions");
        assert_eq!(plain(file(&route("/api/routes"))), "routes");
    }
}

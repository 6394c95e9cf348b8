//! Compares two answers to one request: what a route answered before its migration, and
//! what it answers after. In: the request and both answers. Out: the differences, each
//! with the notes that allow it.
//!
//! Two tables are the only place that says what may differ: [`always`] for every request,
//! [`NOTED`] for a route for which the note is printed.

use std::collections::BTreeSet;

use routelift_transforms::reason::Note;

use super::requests::Request;
use super::send::{Answer, Whole};

/// One difference between two answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub what: What,
    /// The value before, for people; `None` when there was none.
    pub before: Option<String>,
    /// The value after, likewise.
    pub after: Option<String>,
    /// The notes that say so. Empty: nothing may make it so.
    pub notes: Vec<Note>,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Whether there was a whole answer at all.
    Answer,
    /// The status code.
    Status,
    /// The reason phrase.
    Reason,
    /// A header, by its name in small letters.
    Header(String),
    /// The body.
    Body,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            What::Answer => f.write_str("answer"),
            What::Status => f.write_str("status"),
            What::Reason => f.write_str("reason phrase"),
            What::Header(name) => write!(f, "header {name}"),
            What::Body => f.write_str("body"),
        }
    }
}

/// Whether a header may differ in this way in every answer.
fn always(name: &str, before: &[String], after: &[String]) -> bool {
    match name {
        // The time of the answer.
        "date" => true,
        // About the connection, not about the answer.
        "connection" | "keep-alive" => true,
        // Framing: bodies are compared whole.
        "transfer-encoding" | "content-length" => true,
        // Both say that the body is not encoded, as no header does; Next.js drops them.
        "content-encoding" => coding(before) == coding(after),
        // Next.js adds tokens to what the App Router answers; the handler's must stay.
        "vary" => handlers_vary(before) == handlers_vary(after),
        // Next.js writes the draft-mode cookie. Its id is new in each build and left out
        // when a route handler deletes the cookie; its attributes have another order and
        // case.
        "set-cookie" => {
            let normal = |values: &[String]| -> Vec<_> {
                values.iter().map(|value| draft_cookie(value)).collect()
            };
            normal(before) == normal(after)
        }
        _ => false,
    }
}

/// What a note allows.
struct Noted {
    note: Note,
    allows: fn(&Difference, &Exchange) -> bool,
}

/// A request and both of its answers; an answer that did not come is an empty one.
struct Exchange<'a> {
    request: &'a Request,
    before: Whole,
    after: Whole,
    /// Whether `before` did not come.
    unanswered: bool,
}

const NOTED: &[Noted] = &[
    Noted {
        note: Note::JsonCharset,
        allows: |difference, exchange| {
            let (before, after) = (difference.before.as_deref(), difference.after.as_deref());
            let charset = difference.is_header("content-type")
                && before == Some("application/json; charset=utf-8")
                && after == Some("application/json");
            let type_ = exchange.before.header("content-type");
            let type_ = type_.or(exchange.after.header("content-type"));
            charset || (is_json(type_) && exchange.lost_etag(difference))
        },
    },
    Noted {
        note: Note::TextPlain,
        allows: |difference, exchange| {
            let after = difference.after.as_deref().unwrap_or_default();
            let plain = ["text/plain;charset=utf-8", "text/plain; charset=utf-8"];
            let typed = difference.is_header("content-type")
                && difference.before.is_none()
                && plain.contains(&&after.to_ascii_lowercase()[..]);
            let untyped = exchange.before.header("content-type").is_none()
                && !is_json(exchange.after.header("content-type"));
            typed || (untyped && exchange.lost_etag(difference))
        },
    },
    Noted {
        note: Note::NoEtag,
        allows: |difference, exchange| {
            let type_ = exchange.before.header("content-type");
            !is_json(type_) && exchange.lost_etag(difference)
        },
    },
    Noted {
        note: Note::Auto405,
        allows: |difference, exchange| {
            let header = ["content-type", "etag", "allow", "vary"];
            let method = &exchange.request.method[..];
            let refused = match exchange.before.status {
                405 => {
                    let mut header = header.iter();
                    difference.what == What::Body || header.any(|name| difference.is_header(name))
                }
                // Libraries refuse a method that they do not know in their own way.
                400 | 415 if !["GET", "HEAD", "POST"].contains(&method) => true,
                // next-connect's own words.
                404 => {
                    let body = &exchange.before.body[..];
                    body == b"not found"
                        || body.starts_with(b"Route ") && body.ends_with(b" not found")
                }
                // Pages parsed the body before the handler could look at the method.
                _ => exchange.is_invalid_json(),
            };
            refused && exchange.after.status == 405 && exchange.after.body.is_empty()
        },
    },
    Noted {
        note: Note::AutoOptions,
        allows: |_, exchange| {
            let after = &exchange.after;
            exchange.request.method == "OPTIONS"
                && after.status == 204
                && after.header("allow").is_some()
        },
    },
    Noted {
        note: Note::AutoHead,
        allows: |_, exchange| {
            exchange.request.method == "HEAD"
                && (exchange.before.status == 405 || exchange.unanswered)
        },
    },
    Noted {
        note: Note::UncaughtError,
        // The headers that were set before the error go, too.
        allows: |difference, exchange| {
            exchange.both(500)
                && exchange.before.body == b"Internal Server Error"
                && exchange.after.body.is_empty()
                && difference.what != What::Status
        },
    },
    Noted {
        note: Note::MalformedJson,
        allows: |_, exchange| exchange.is_invalid_json(),
    },
    Noted {
        note: Note::SessionRefresh,
        allows: |difference, _| {
            let is_session = |line: &str| {
                let line = line
                    .trim_start_matches("__Secure-")
                    .trim_start_matches("__Host-");
                line.starts_with("next-auth.")
            };
            difference.is_header("set-cookie")
                && difference.after.is_none()
                && difference
                    .before
                    .iter()
                    .flat_map(|value| value.lines())
                    .all(is_session)
        },
    },
    Noted {
        note: Note::UndefinedJson,
        allows: |_, exchange| {
            is_json(exchange.before.header("content-type"))
                && exchange.before.body.is_empty()
                && exchange.after.status == 500
                && exchange.after.body.is_empty()
        },
    },
    Noted {
        note: Note::UnansweredMethod,
        allows: |_, exchange| exchange.unanswered && exchange.after.status == 405,
    },
    Noted {
        note: Note::BridgeLimits,
        allows: |difference, exchange| {
            let request = exchange.request;
            let carried = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
            let method = &request.method[..];
            let bodyless = ["GET", "HEAD"].contains(&method) && request.body.is_some();
            let status = !exchange.unanswered && !(200..600).contains(&exchange.before.status);
            let utf8 = matches!(difference.what, What::Header(_))
                && difference
                    .before
                    .as_ref()
                    .is_some_and(|text| !text.is_ascii());
            bodyless || !carried.contains(&method) || status || utf8
        },
    },
    Noted {
        note: Note::RemoteAddress,
        allows: |difference, exchange| {
            exchange.request.header("x-forwarded-for").is_some()
                && (difference.what == What::Body || difference.is_header("etag"))
        },
    },
    Noted {
        note: Note::ForwardedFor,
        allows: |difference, exchange| {
            let header = exchange.request.header("x-forwarded-for");
            header.is_some_and(|value| value.is_empty()) && difference.what == What::Body
        },
    },
    Noted {
        note: Note::UnpackedBody,
        allows: |difference, exchange| {
            let packed = exchange.before.header("content-encoding").is_some();
            packed && (difference.what == What::Body || difference.is_header("content-encoding"))
        },
    },
    Noted {
        note: Note::BodyLimit,
        allows: |_, exchange| exchange.before.status == 413,
    },
    Noted {
        note: Note::SlugInUrl,
        allows: |difference, exchange| {
            exchange.request.path.contains('?') && difference.what == What::Body
        },
    },
    Noted {
        note: Note::CookieParsing,
        allows: |_, exchange| has_odd_cookies(exchange.request),
    },
    Noted {
        note: Note::RedirectBody,
        allows: |difference, exchange| {
            let (before, after) = (&exchange.before, &exchange.after);
            difference.what == What::Body
                && before.header("location") == after.header("location")
                && before.header("location").map(str::as_bytes) == Some(&before.body[..])
                && after.body.is_empty()
        },
    },
    Noted {
        note: Note::CookieSpelling,
        allows: |difference, _| {
            difference.is_header("set-cookie")
                && cookies(difference.before.as_deref()) == cookies(difference.after.as_deref())
        },
    },
];

/// Every difference between two answers, each with the notes out of all that would allow
/// it.
pub fn compare(request: &Request, before: &Answer, after: &Answer) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut add = |what, before: Option<String>, after: Option<String>| {
        differences.push(Difference {
            what,
            before,
            after,
            notes: Vec::new(),
        });
    };
    match (before, after) {
        (Answer::Whole(before), Answer::Whole(after)) => {
            if before.status != after.status {
                let [b, a] = [before, after].map(|answer| Some(answer.status.to_string()));
                add(What::Status, b, a);
            // A server may leave the phrase out (RFC 9112, 4), as some libraries make it do.
            } else if before.reason != after.reason && !before.reason.is_empty() {
                let [b, a] = [before, after].map(|answer| Some(answer.reason.clone()));
                add(What::Reason, b, a);
            }
            let names: BTreeSet<_> = before.headers.keys().chain(after.headers.keys()).collect();
            for name in names {
                let values = |answer: &Whole| answer.headers.get(name).cloned();
                let [b, a] = [before, after].map(values);
                if !same_header(name, b.as_deref(), a.as_deref()) {
                    let [b, a] = [b, a].map(|values| values.map(|values| values.join("\n")));
                    add(What::Header(name.clone()), b, a);
                }
            }
            if before.body != after.body {
                let [b, a] = [before, after].map(|answer| Some(shown(&answer.body)));
                add(What::Body, b, a);
            }
        }
        (before, after) if before == after => {}
        (before, after) => {
            let [b, a] = [before, after].map(|answer| match answer {
                Answer::Whole(whole) => Some(whole.status.to_string()),
                Answer::Failed(why) => Some(why.clone()),
            });
            add(What::Answer, b, a);
        }
    }
    let whole = |answer: &Answer| match answer {
        Answer::Whole(whole) => whole.clone(),
        Answer::Failed(_) => Whole::default(),
    };
    let exchange = Exchange {
        request,
        before: whole(before),
        after: whole(after),
        unanswered: matches!(before, Answer::Failed(_)),
    };
    for difference in &mut differences {
        let allowing = NOTED
            .iter()
            .filter(|entry| (entry.allows)(difference, &exchange));
        difference.notes = allowing.map(|entry| entry.note).collect();
    }
    differences
}

fn same_header(name: &str, before: Option<&[String]>, after: Option<&[String]>) -> bool {
    if before == after {
        return true;
    }
    // A list sent as several lines means the same as one line with commas (RFC 9110,
    // 5.3); not so Set-Cookie.
    if let (Some(before), Some(after)) = (before, after)
        && name != "set-cookie"
        && list(before) == list(after)
    {
        return true;
    }
    always(name, before.unwrap_or_default(), after.unwrap_or_default())
}

/// The members of a list header, however they were sent.
fn list(values: &[String]) -> Vec<&str> {
    let members = values.iter().flat_map(|value| value.split(','));
    members.map(str::trim).collect()
}

/// The coding of a body, when it has one.
fn coding(values: &[String]) -> Option<&str> {
    let value = values.first()?;
    (!["none", "identity"].contains(&&value[..])).then_some(value)
}

/// Tokens that Next.js itself puts into `Vary`: the App Router's own, and what its
/// compression adds.
const NEXT_VARY: &[&str] = &[
    "rsc",
    "next-router-state-tree",
    "next-router-prefetch",
    "next-router-segment-prefetch",
    "next-url",
    "accept-encoding",
];

/// The tokens of `Vary` that the handler has set.
fn handlers_vary(values: &[String]) -> BTreeSet<String> {
    let tokens = list(values).into_iter().map(str::to_ascii_lowercase);
    tokens
        .filter(|token| !token.is_empty() && !NEXT_VARY.contains(&&token[..]))
        .collect()
}

/// The draft-mode cookie in one spelling; every other cookie as it is.
fn draft_cookie(line: &str) -> String {
    let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
    let Some(id) = pair.trim().strip_prefix("__prerender_bypass=") else {
        return line.to_string();
    };
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let attributes = attributes.split(';').map(|a| a.trim().to_ascii_lowercase());
    let attributes: BTreeSet<String> = attributes.collect();
    let deleted = attributes.contains("expires=thu, 01 jan 1970 00:00:00 gmt");
    if !(is_id || id.is_empty() && deleted) {
        return line.to_string();
    }
    let attributes: Vec<String> = attributes.into_iter().collect();
    format!("__prerender_bypass; {}", attributes.join("; "))
}

/// The cookies that these lines set, each as a browser keeps it (RFC 6265, 5.3): the last of those
/// with one name, domain and path counts, the order and case of attributes do not, and `Expires`
/// does not beside `Max-Age`.
fn cookies(lines: Option<&str>) -> BTreeSet<(Vec<String>, Vec<String>)> {
    let mut kept = std::collections::BTreeMap::new();
    for line in lines.unwrap_or_default().lines() {
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let mut attributes: Vec<String> = attributes
            .split(';')
            .map(|attribute| {
                let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
                let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
                match &*name {
                    "samesite" => format!("{name}={}", value.to_ascii_lowercase()),
                    _ => format!("{name}={value}"),
                }
            })
            .filter(|attribute| attribute != "=")
            .collect();
        attributes.sort();
        attributes.dedup();
        let of = |start: &str| {
            let found = attributes
                .iter()
                .find(|attribute| attribute.starts_with(start));
            found.cloned().unwrap_or_default()
        };
        let key = vec![name.trim().to_string(), of("domain="), of("path=")];
        let (age, expires) = (of("max-age="), of("expires="));
        if !age.is_empty() {
            attributes.retain(|attribute| !attribute.starts_with("expires="));
        }
        attributes.insert(0, value.trim().to_string());
        // Of a cookie that is removed only its name, domain and path count.
        let removed = match age.strip_prefix("max-age=") {
            Some(age) => age == "0" || age.starts_with('-'),
            None => expires.contains("01 Jan 1970 00:00:00"),
        };
        if removed {
            attributes = vec!["removed".to_string()];
        }
        kept.insert(key, attributes);
    }
    kept.into_iter().collect()
}

/// Whether pages and the App Router read these cookies in two ways: a name twice, a
/// quoted value, a name alone.
fn has_odd_cookies(request: &Request) -> bool {
    let lines = request.headers.iter();
    let lines = lines.filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    let mut names = BTreeSet::new();
    lines.flat_map(|(_, line)| line.split(';')).any(|pair| {
        let pair = pair.trim();
        match pair.split_once('=') {
            Some((name, value)) => value.starts_with('"') || !names.insert(name),
            None => !pair.is_empty(),
        }
    })
}

fn is_json(type_: Option<&str>) -> bool {
    let type_ = type_
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    let subtype = type_
        .trim()
        .strip_prefix("application/")
        .unwrap_or_default();
    subtype == "json" || subtype.ends_with("+json")
}

/// The first part of a body, for people.
pub fn shown(body: &[u8]) -> String {
    const MOST: usize = 600;
    let text = String::from_utf8_lossy(body);
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], body.len()),
        None => text.into_owned(),
    }
}

impl Difference {
    fn is_header(&self, name: &str) -> bool {
        matches!(&self.what, What::Header(header) if header == name)
    }
}

impl Exchange<'_> {
    fn both(&self, status: u16) -> bool {
        self.before.status == status && self.after.status == status
    }

    /// Whether the pages' own body parser refused the body.
    fn is_invalid_json(&self) -> bool {
        self.before.status == 400 && self.before.body == b"Invalid JSON"
    }

    /// Whether the ETag is gone, or, for want of one, a conditional request is answered in
    /// full.
    fn lost_etag(&self, difference: &Difference) -> bool {
        if difference.is_header("etag") {
            return difference.after.is_none();
        }
        self.request.header("if-none-match").is_some()
            && self.before.status == 304
            && self.after.status == 200
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: &str) -> Request {
        serde_json::from_str(json).unwrap()
    }

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut whole = Whole {
            status,
            body: body.as_bytes().to_vec(),
            ..Whole::default()
        };
        for (name, value) in headers {
            let values = whole.headers.entry(name.to_string()).or_default();
            values.push(value.to_string());
        }
        Answer::Whole(whole)
    }

    /// The differences as `what notes`.
    fn found(request: &Request, before: &Answer, after: &Answer) -> Vec<String> {
        let differences = compare(request, before, after).into_iter();
        let text = differences.map(|difference| {
            let notes: Vec<_> = difference.notes.iter().map(|note| note.code()).collect();
            format!("{} {}", difference.what, notes.join(" "))
                .trim()
                .to_string()
        });
        text.collect()
    }

    #[test]
    fn what_a_caller_can_see_differs() {
        let get = request(r#"{ "path": "/api/a" }"#);
        let type_ = ("content-type", "application/json");
        let before = answer(
            201,
            &[type_, ("set-cookie", "a=1"), ("set-cookie", "b=2")],
            "{}",
        );
        assert_eq!(found(&get, &before, &before), [""; 0]);
        let cases = [
            (
                answer(
                    200,
                    &[type_, ("set-cookie", "a=1"), ("set-cookie", "b=2")],
                    "{}",
                ),
                "status",
            ),
            (
                answer(201, &[type_, ("set-cookie", "a=1")], "{}"),
                "header set-cookie",
            ),
            (
                answer(201, &[type_, ("set-cookie", "a=1, b=2")], "{}"),
                "header set-cookie",
            ),
            (
                answer(
                    201,
                    &[
                        ("content-type", "text/plain"),
                        ("set-cookie", "a=1"),
                        ("set-cookie", "b=2"),
                    ],
                    "{}",
                ),
                "header content-type",
            ),
            (
                answer(
                    201,
                    &[type_, ("set-cookie", "a=1"), ("set-cookie", "b=2")],
                    "{ }",
                ),
                "body",
            ),
            (Answer::Failed("no answer in time".to_string()), "answer"),
        ];
        for (after, what) in cases {
            assert_eq!(found(&get, &before, &after), [what]);
        }
    }

    #[test]
    fn framing_and_the_tokens_of_next_differ_always() {
        let get = request(r#"{ "path": "/api/a" }"#);
        let before = answer(200, &[("date", "1"), ("vary", "Origin"), ("x", "1, 2")], "");
        let after = [
            ("transfer-encoding", "chunked"),
            ("vary", "rsc, origin"),
            ("x", "1"),
            ("x", "2"),
        ];
        assert_eq!(found(&get, &before, &answer(200, &after, "")), [""; 0]);
        let lost = answer(200, &[("vary", "rsc"), ("x", "1, 2")], "");
        assert_eq!(found(&get, &before, &lost), ["header vary"]);
    }

    #[test]
    fn a_cookie_may_be_spelled_in_another_way() {
        let get = request(r#"{ "path": "/api/a" }"#);
        let cookie = |value: &str| answer(200, &[("set-cookie", value)], "");
        let before = cookie("a=1; Max-Age=60; Path=/; HttpOnly; SameSite=Lax");
        let after = "a=1; Path=/; Expires=Thu, 01 Jan 2099 00:00:00 GMT; Max-Age=60; HttpOnly; SameSite=lax";
        assert_eq!(
            found(&get, &before, &cookie(after)),
            ["header set-cookie cookie-spelling"]
        );
        for other in [
            &after.replace("a=1", "a=2"),
            &after.replace("Max-Age=60", "Max-Age=61"),
            &after.replace("HttpOnly; ", ""),
            &after.replace("Path=/", "Path=/b"),
        ] {
            assert_eq!(found(&get, &before, &cookie(other)), ["header set-cookie"]);
        }
        let before = cookie("a=; Max-Age=0; Path=/");
        let after = "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly";
        assert_eq!(
            found(&get, &before, &cookie(after)),
            ["header set-cookie cookie-spelling"]
        );
    }

    #[test]
    fn only_the_draft_mode_cookie_may_change_its_spelling() {
        let get = request(r#"{ "path": "/api/a" }"#);
        let cookie = |value: &str| answer(200, &[("set-cookie", value)], "");
        let id = "0123456789abcdef0123456789abcdef";
        let before = cookie(&format!("__prerender_bypass={id}; HttpOnly; Path=/"));
        let other = id.replace('0', "f");
        let after = cookie(&format!("__prerender_bypass={other}; Path=/; httponly"));
        assert_eq!(found(&get, &before, &after), [""; 0]);
        let after = cookie(&format!("__prerender_bypass={id}; Path=/"));
        assert_eq!(found(&get, &before, &after), ["header set-cookie"]);
        assert_eq!(
            found(&get, &cookie("a=1; Path=/"), &cookie("a=1; path=/")),
            ["header set-cookie cookie-spelling"]
        );
    }

    #[test]
    fn a_note_allows_its_own_difference() {
        let get = request(r#"{ "path": "/api/a" }"#);
        let pages = [
            ("content-type", "application/json; charset=utf-8"),
            ("etag", "1"),
        ];
        let json = answer(200, &pages, "{}");
        let app = answer(200, &[("content-type", "application/json")], "{}");
        let noted = [
            "header content-type json-charset",
            "header etag json-charset",
        ];
        assert_eq!(found(&get, &json, &app), noted);
        let text = answer(200, &[("content-type", "text/plain")], "{}");
        assert_eq!(
            found(&get, &json, &text),
            ["header content-type", "header etag json-charset"]
        );

        let refused = answer(405, &[("allow", "GET")], "no");
        let by_next = answer(405, &[], "");
        assert_eq!(
            found(&get, &refused, &by_next),
            ["header allow auto-405", "body auto-405"]
        );
        let cookie = answer(405, &[("set-cookie", "a=1")], "no");
        assert_eq!(
            found(&get, &cookie, &by_next),
            ["header set-cookie", "body auto-405"]
        );

        let hangs = Answer::Failed("no answer in time".to_string());
        assert_eq!(found(&get, &hangs, &by_next), ["answer unanswered-method"]);
    }
}

//! The options of a request: `{ method, headers, body }` as `fetch` takes them. In: an object
//! literal. Out: what it says, and what in it a Server Action could not do.

use std::ops::Range;

use swc_core::ecma::ast::{
    Callee, Expr, ExprOrSpread, Lit, ObjectLit, Prop, PropName, PropOrSpread,
};

use super::json_view;
use super::pattern::{Constants, global_name};
use crate::facts::call::{Field, JsonBody, Sends};
use crate::source::Source;

/// A refusal in words, with its range.
pub(super) type Refused = (Range<usize>, String);

/// What the options say.
#[derive(Debug, Clone)]
pub(super) struct Init {
    /// The method in capitals; `None` when it cannot be told.
    pub method: Option<String>,
    /// What reaches the server.
    pub sends: Sends,
    /// The body, when it is `JSON.stringify(…)`.
    pub body: Option<JsonBody>,
    /// The first thing in the way of a Server Action.
    pub refused: Option<Refused>,
}

impl Init {
    /// No options: a GET.
    pub fn none() -> Init {
        Init {
            method: Some("GET".into()),
            sends: Sends::Nothing,
            body: None,
            refused: None,
        }
    }

    /// Reads the options' expression, following a constant.
    pub fn read(source: &Source, constants: &Constants, expr: &Expr) -> Init {
        match expr {
            Expr::Object(object) => Init::object(source, constants, object),
            Expr::Paren(paren) => Init::read(source, constants, &paren.expr),
            Expr::TsAs(cast) => Init::read(source, constants, &cast.expr),
            Expr::TsSatisfies(cast) => Init::read(source, constants, &cast.expr),
            _ => {
                let range = source.range(expr);
                let refused = Some((range, "the options are not an object literal".to_string()));
                let known = match expr {
                    Expr::Ident(ident) => match constants.get(&ident.to_id()) {
                        Some(Expr::Object(object)) => Some(Init::object(source, constants, object)),
                        _ => None,
                    },
                    _ => None,
                };
                match known {
                    Some(init) => Init {
                        body: None,
                        refused,
                        ..init
                    },
                    None => Init {
                        method: None,
                        sends: Sends::Unknown,
                        body: None,
                        refused,
                    },
                }
            }
        }
    }

    fn object(source: &Source, constants: &Constants, object: &ObjectLit) -> Init {
        let mut init = Init::none();
        let mut headers = Headers::default();
        let mut body = None;
        for entry in &object.props {
            let Some((key, value)) = plain(entry) else {
                init.refuse(
                    source.range(entry),
                    "the options hold more than plain properties",
                );
                match entry {
                    // `{ method }`, `{ body }` and methods say that there is one.
                    PropOrSpread::Prop(prop) => match &**prop {
                        Prop::Shorthand(name) if name.sym == *"method" => init.method = None,
                        Prop::Shorthand(name) if name.sym == *"body" => init.sends = Sends::Unknown,
                        Prop::Shorthand(name) if name.sym == *"headers" => headers.unknown = true,
                        Prop::Shorthand(_) => {}
                        _ => init.method = None,
                    },
                    PropOrSpread::Spread(_) => {
                        init.method = None;
                        init.sends = Sends::Unknown;
                        headers.unknown = true;
                    }
                }
                continue;
            };
            match key.as_str() {
                "method" => {
                    init.method = literal(value).map(|method| method.to_ascii_uppercase());
                    if init.method.is_none() {
                        init.refuse(source.range(value), "the method is computed");
                    }
                }
                "headers" => headers.read(source, value, &mut init),
                "body" => body = Some(value),
                "credentials" => match literal(value).as_deref() {
                    Some("same-origin" | "include") => {}
                    _ => init.refuse(source.range(value), "credentials are not sent as usual"),
                },
                "cache" => {}
                _ => init.refuse(
                    source.range(entry),
                    &format!("the option {key} has no equivalent"),
                ),
            }
        }
        if let Some(body) = body {
            init.read_body(source, constants, body, &headers);
        }
        init
    }

    fn read_body(
        &mut self,
        source: &Source,
        constants: &Constants,
        body: &Expr,
        headers: &Headers,
    ) {
        if is_absent(source, body) {
            return;
        }
        let Some(value) = stringified(source, body) else {
            self.refuse(source.range(body), "the body is not JSON.stringify(…)");
            self.sends = sends(source, constants, body, headers);
            return;
        };
        self.sends = if headers.unknown {
            Sends::Unknown
        } else if headers.json {
            Sends::Json
        } else {
            Sends::Text
        };
        if let Some(range) = json_view::unlike(source, value) {
            self.refuse(range, "a value in the body is not the same as its JSON");
        }
        self.body = Some(JsonBody {
            value: source.range(value),
            fields: fields(source, value),
        });
    }

    pub(super) fn refuse(&mut self, range: Range<usize>, words: &str) {
        self.refused.get_or_insert((range, words.to_string()));
    }
}

/// What the headers say.
#[derive(Debug, Default)]
pub(super) struct Headers {
    /// The content type is JSON.
    pub json: bool,
    /// The content type is that of a form.
    urlencoded: bool,
    /// They are not all known.
    pub unknown: bool,
}

impl Headers {
    /// Reads the headers of a request; what an action could not send is refused.
    pub fn read(&mut self, source: &Source, value: &Expr, init: &mut Init) {
        let Expr::Object(object) = value else {
            self.unknown = true;
            init.refuse(source.range(value), "the headers are not an object literal");
            return;
        };
        for entry in &object.props {
            let Some((key, value)) = plain(entry) else {
                self.unknown = true;
                init.refuse(
                    source.range(entry),
                    "the headers hold more than plain properties",
                );
                continue;
            };
            let text = literal(value).map(|text| text.to_ascii_lowercase());
            match (key.to_ascii_lowercase().as_str(), text) {
                ("content-type", Some(text)) => {
                    let kind = text.split(';').next().unwrap_or("").trim();
                    self.json = kind == "application/json" || kind == "application/ld+json";
                    self.urlencoded = kind == "application/x-www-form-urlencoded";
                    if !self.json {
                        init.refuse(source.range(entry), "the content type is not JSON");
                    }
                }
                ("content-type", None) => {
                    self.unknown = true;
                    init.refuse(source.range(entry), "the content type is computed");
                }
                ("accept", Some(_)) => {}
                _ => init.refuse(source.range(entry), &format!("the header {key} is sent")),
            }
        }
    }
}

/// What reaches the server for a body that is not `JSON.stringify(…)`.
pub(super) fn sends(
    source: &Source,
    constants: &Constants,
    body: &Expr,
    headers: &Headers,
) -> Sends {
    let value = match body {
        Expr::Ident(ident) => constants.get(&ident.to_id()).unwrap_or(body),
        _ => body,
    };
    match value {
        Expr::New(new) => match global_name(source, &new.callee) {
            Some("FormData") => Sends::FormData,
            Some("URLSearchParams") => Sends::Urlencoded,
            _ => Sends::Unknown,
        },
        _ if headers.json && !headers.unknown => Sends::Json,
        _ if headers.urlencoded && !headers.unknown => Sends::Urlencoded,
        Expr::Lit(Lit::Str(_)) | Expr::Tpl(_) if !headers.unknown => Sends::Text,
        _ => Sends::Unknown,
    }
}

/// The key and the value of a property with a plain name.
pub(super) fn plain(entry: &PropOrSpread) -> Option<(String, &Expr)> {
    let PropOrSpread::Prop(prop) = entry else {
        return None;
    };
    let Prop::KeyValue(pair) = &**prop else {
        return None;
    };
    let key = match &pair.key {
        PropName::Ident(name) => name.sym.to_string(),
        PropName::Str(name) => name.value.to_string_lossy().into_owned(),
        _ => return None,
    };
    Some((key, &pair.value))
}

/// The text of a string literal, or of a template without holes.
pub(super) fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(Lit::Str(text)) => Some(text.value.to_string_lossy().into_owned()),
        Expr::Tpl(template) if template.exprs.is_empty() => {
            let quasi = template.quasis.first()?;
            Some(quasi.cooked.as_ref()?.to_string_lossy().into_owned())
        }
        Expr::TsConstAssertion(cast) => literal(&cast.expr),
        _ => None,
    }
}

/// `x` of `JSON.stringify(x)`.
pub(super) fn stringified<'a>(source: &Source, expr: &'a Expr) -> Option<&'a Expr> {
    let Expr::Call(call) = expr else { return None };
    let Callee::Expr(callee) = &call.callee else {
        return None;
    };
    let Expr::Member(member) = &**callee else {
        return None;
    };
    let [ExprOrSpread { spread: None, expr }] = call.args.as_slice() else {
        return None;
    };
    (global_name(source, &member.obj) == Some("JSON") && member.prop.is_ident_with("stringify"))
        .then_some(expr)
}

pub(super) fn is_absent(source: &Source, expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(Lit::Null(_))) || global_name(source, expr) == Some("undefined")
}

/// The top-level fields of an object literal with nothing but plain names.
pub(super) fn fields(source: &Source, value: &Expr) -> Option<Vec<Field>> {
    let Expr::Object(object) = value else {
        return None;
    };
    object
        .props
        .iter()
        .map(|entry| match entry {
            PropOrSpread::Prop(prop) => match &**prop {
                Prop::Shorthand(name) => Some(Field {
                    name: name.sym.to_string(),
                    value: source.range(name),
                }),
                _ => plain(entry).map(|(name, value)| Field {
                    name,
                    value: source.range(value),
                }),
            },
            PropOrSpread::Spread(_) => None,
        })
        .collect()
}

//! The requests to send: a JSON file in, a list of requests out. The file holds a list in
//! the format of [`Request`], or an HTTP archive (HAR 1.2) that a browser has recorded.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use regex::bytes::Regex;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::har;

/// One request, and what of its answers is to be compared.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What it tries, for people.
    #[serde(default)]
    pub name: String,
    /// The method, in capitals when it was read.
    #[serde(default = "get")]
    pub method: String,
    /// The path with its query, as it stands in the request line.
    pub path: String,
    /// Headers in order; a name that has a list is sent once for each value.
    #[serde(default, deserialize_with = "headers")]
    pub headers: Vec<(String, String)>,
    /// The body. Absent: none is sent.
    #[serde(default)]
    pub body: Option<String>,
    /// Codes of the notes that allow a difference here, all of which must show. Absent:
    /// every note that is printed for the route may.
    #[serde(default)]
    pub notes: Option<Vec<String>>,
    /// How long the answer may take, in milliseconds: for what never answers.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Patterns whose first group is kept from the answer, by name. A later request
    /// writes `{{name}}` in its path, headers or body.
    #[serde(default, deserialize_with = "patterns")]
    pub save: BTreeMap<String, Regex>,
    /// Of the answer only the status and the first group of this pattern in the body are
    /// compared: for rendered pages, which differ from build to build.
    #[serde(default, deserialize_with = "pattern")]
    pub pick: Option<Regex>,
    /// What these patterns match in headers and body is not compared: times, generated ids.
    #[serde(default, deserialize_with = "pattern_list")]
    pub mask: Vec<Regex>,
}

fn get() -> String {
    "GET".to_string()
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a header is a text or a list of texts")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

fn headers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(String, String)>, D::Error> {
    // A map of this crate keeps the order.
    let map = serde_json::Map::deserialize(from)?;
    let mut headers = Vec::new();
    for (name, values) in map {
        match serde_json::from_value(values).map_err(D::Error::custom)? {
            OneOrMore::One(value) => headers.push((name, value)),
            OneOrMore::More(values) => {
                headers.extend(values.into_iter().map(|value| (name.clone(), value)));
            }
        }
    }
    Ok(headers)
}

fn compile<E: Error>(text: &str) -> Result<Regex, E> {
    Regex::new(text).map_err(E::custom)
}

fn pattern<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Regex>, D::Error> {
    compile(&String::deserialize(from)?).map(Some)
}

fn pattern_list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Regex>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    texts.iter().map(|text| compile(text)).collect()
}

fn patterns<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Regex>, D::Error> {
    let texts = BTreeMap::<String, String>::deserialize(from)?;
    texts
        .into_iter()
        .map(|(name, text)| Ok((name, compile(&text)?)))
        .collect()
}

/// What a file of requests holds.
#[derive(Debug, Default)]
pub struct Requests {
    /// In the order in which they are sent.
    pub list: Vec<Request>,
    /// What of a recording cannot be sent again, for people.
    pub skipped: Vec<String>,
}

/// Reads a file of requests. Of a recording only the requests are taken whose path is
/// `is_route`'s.
///
/// # Errors
/// When the file cannot be read, is in neither format, or holds no request.
pub fn read(file: &Path, is_route: impl Fn(&str) -> bool) -> Result<Requests> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let requests = parse(&text, is_route).with_context(|| format!("cannot use {shown}"))?;
    if requests.list.is_empty() {
        bail!("{shown} holds no request to an API route of this app");
    }
    Ok(requests)
}

fn parse(text: &str, is_route: impl Fn(&str) -> bool) -> Result<Requests> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        return Ok(har::read(serde_json::from_str(text)?, is_route));
    }
    let mut list: Vec<Request> = serde_json::from_str(text)?;
    for request in &mut list {
        // Methods are case-sensitive, and none of those that Next.js knows is in small letters.
        request.method.make_ascii_uppercase();
    }
    Ok(Requests {
        list,
        skipped: Vec::new(),
    })
}

impl Request {
    /// The path without the query.
    pub fn pathname(&self) -> &str {
        self.path.split(['?', '#']).next().unwrap_or_default()
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The request in one line, for people.
    pub fn title(&self) -> String {
        let Request {
            name, method, path, ..
        } = self;
        match name.is_empty() {
            true => format!("{method} {path}"),
            false => format!("{name} ({method} {path})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read() {
        let text = r#"[{
            "name": "adds", "method": "POST", "path": "/api/notes?a=1",
            "headers": { "Cookie": ["a=1", "b=2"], "X-Key": "k" }, "body": "{}",
            "notes": ["json-charset"], "save": { "id": "id=(\\d+)" }, "mask": ["\\d{4}"]
        }]"#;
        let requests = parse(text, |_| false).unwrap();
        let [request] = &requests.list[..] else {
            panic!("{requests:?}");
        };
        assert_eq!(request.pathname(), "/api/notes");
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|(n, v)| (&n[..], &v[..]))
            .collect();
        assert_eq!(
            headers,
            [("Cookie", "a=1"), ("Cookie", "b=2"), ("X-Key", "k")]
        );
        assert_eq!(request.header("x-key"), Some("k"));
        assert_eq!(request.title(), "adds (POST /api/notes?a=1)");
        assert_eq!(
            request.notes.as_deref(),
            Some(&["json-charset".to_string()][..])
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let why = |text: &str| parse(text, |_| true).unwrap_err().to_string();
        assert!(why("[{ \"method\": \"GET\" }]").contains("missing field `path`"));
        assert!(why("[{ \"path\": \"/\", \"note\": [] }]").contains("unknown field `note`"));
        assert!(why("[{ \"path\": \"/\", \"mask\": [\"(\"] }]").contains("unclosed group"));
        assert!(why("{}").contains("log"));
    }
}

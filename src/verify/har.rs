//! Reads an HTTP archive (HAR 1.2, <http://www.softwareishard.com/blog/har-12-spec/>), as
//! the network panel of every browser exports it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::requests::{Request, Requests};

#[derive(Deserialize)]
pub(super) struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: Recorded,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default)]
    mime_type: String,
    text: Option<String>,
    #[serde(default)]
    params: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: String,
}

/// Headers of the recorded connection. The new one has its own, and asks for no
/// compression, so that bodies can be shown.
const OF_THE_CONNECTION: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "transfer-encoding",
];

/// The requests of an archive to the paths that are `is_route`'s.
pub(super) fn read(archive: Archive, is_route: impl Fn(&str) -> bool) -> Requests {
    let mut requests = Requests::default();
    let entries = archive.log.entries;
    // A page calls other sites, too: the app is the one that has most of the routes.
    let mut origins = BTreeMap::<String, usize>::new();
    for Entry { request } in &entries {
        let (origin, path) = split(&request.url);
        if is_route(path.split('?').next().unwrap_or_default()) {
            *origins.entry(origin.to_string()).or_default() += 1;
        }
    }
    let own = origins.iter().max_by_key(|(_, count)| **count);
    let own = own.map(|(origin, _)| origin.clone()).unwrap_or_default();
    for Entry { request } in entries {
        let (origin, path) = split(&request.url);
        if origin != own {
            continue;
        }
        if !is_route(path.split('?').next().unwrap_or_default()) {
            continue;
        }
        let Ok(body) = request.post_data.map(body).transpose() else {
            let why = "the archive does not hold its body";
            requests
                .skipped
                .push(format!("{} {path}: {why}", request.method));
            continue;
        };
        let headers = request.headers.into_iter().filter(|Pair { name, .. }| {
            let name = name.to_ascii_lowercase();
            !name.starts_with(':') && !OF_THE_CONNECTION.contains(&&name[..])
        });
        requests.list.push(Request {
            name: String::new(),
            method: request.method.to_ascii_uppercase(),
            path: path.to_string(),
            headers: headers.map(|Pair { name, value }| (name, value)).collect(),
            body,
            notes: None,
            limit: None,
            save: Default::default(),
            pick: None,
            mask: Vec::new(),
        });
    }
    requests
}

/// The origin of a URL, and what stands after it without the fragment.
fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let start = url[host..]
        .find(['/', '?'])
        .map_or(url.len(), |at| host + at);
    let path = url[start..].split('#').next().unwrap_or_default();
    (&url[..start], if path.is_empty() { "/" } else { path })
}

/// The body that was sent. An error says that it was not recorded: browsers leave out
/// multipart bodies.
fn body(data: PostData) -> Result<String, ()> {
    match data.text {
        Some(text) if !text.is_empty() || data.params.is_empty() => Ok(text),
        _ if data
            .mime_type
            .starts_with("application/x-www-form-urlencoded") =>
        {
            let mut text = form_urlencoded::Serializer::new(String::new());
            text.extend_pairs(data.params.iter().map(|pair| (&pair.name, &pair.value)));
            Ok(text.finish())
        }
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_to_routes_are_taken() {
        let text = r#"{ "log": { "version": "1.2", "entries": [
            { "request": { "method": "GET", "url": "http://localhost:3000/about", "headers": [] } },
            { "request": { "method": "GET", "url": "https://elsewhere.example/api/a", "headers": [] } },
            { "request": { "method": "post", "url": "http://localhost:3000/api/a?x=1#top",
                "headers": [{ "name": ":authority", "value": "h" }, { "name": "Host", "value": "h" },
                            { "name": "Cookie", "value": "s=1" }],
                "postData": { "mimeType": "application/json", "text": "{\"a\":1}" } } },
            { "request": { "method": "PUT", "url": "http://localhost:3000/api/b", "headers": [],
                "postData": { "mimeType": "multipart/form-data", "params": [{ "name": "file" }] } } },
            { "request": { "method": "PUT", "url": "http://localhost:3000/api/c", "headers": [],
                "postData": { "mimeType": "application/x-www-form-urlencoded; charset=UTF-8",
                              "params": [{ "name": "a", "value": "1 & 2" }] } } }
        ] } }"#;
        let requests = read(serde_json::from_str(text).unwrap(), |path| {
            path.starts_with("/api/")
        });
        let [post, put] = &requests.list[..] else {
            panic!("{requests:?}");
        };
        assert_eq!((&post.method[..], &post.path[..]), ("POST", "/api/a?x=1"));
        assert_eq!(post.headers, [("Cookie".to_string(), "s=1".to_string())]);
        assert_eq!(post.body.as_deref(), Some("{\"a\":1}"));
        assert_eq!(put.body.as_deref(), Some("a=1+%26+2"));
        assert_eq!(requests.skipped.len(), 1);
        assert!(requests.skipped[0].starts_with("PUT /api/b"));
    }
}

//! Sends one request to a server on the loopback interface and reads the whole answer.
//! Nothing is followed, decoded or added, but `Host` and `Content-Length`.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::ext::ReasonPhrase;
use hyper::header::{CONTENT_LENGTH, HOST};
use hyper_util::rt::TokioIo;
use regex::bytes::{Captures, Regex};
use tokio::net::TcpStream;

use routelift_transforms::reason::Note;

use super::requests::Request;

/// How long an answer may take whose request says nothing else.
const LIMIT: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A whole answer.
    Whole(Whole),
    /// None, or none that ended; why, in words that are the same for the same failure.
    Failed(String),
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Whole {
    /// The status code.
    pub status: u16,
    /// The reason phrase, as it was sent.
    pub reason: String,
    /// Values in order, by the header's name in small letters.
    pub headers: BTreeMap<String, Vec<String>>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// What earlier requests of a list kept, by name; one for each server.
pub type Saved = BTreeMap<String, String>;

/// Sends requests one after another.
pub struct Client {
    runtime: tokio::runtime::Runtime,
}

impl Client {
    /// # Errors
    /// When the system gives no event queue.
    pub fn new() -> Result<Client> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_io().enable_time().build();
        let runtime = runtime.context("cannot wait for network events")?;
        Ok(Client { runtime })
    }

    /// Sends one request to a port of the loopback interface. What the request saves is
    /// put into `saved`.
    ///
    /// # Errors
    /// When the request cannot be said in HTTP. That the server does not answer is an
    /// [`Answer`].
    pub fn send(&self, port: u16, request: &Request, saved: &mut Saved) -> Result<Answer> {
        let message = message(port, request, saved)
            .with_context(|| format!("{} is no HTTP request", request.title()))?;
        let answer = self.runtime.block_on(async {
            let limit = request.limit.map_or(LIMIT, Duration::from_millis);
            let exchange = tokio::time::timeout(limit, exchange(port, message));
            exchange
                .await
                .unwrap_or_else(|_| Err("no answer in time".to_string()))
        });
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(why) => return Ok(Answer::Failed(why)),
        };
        for (name, pattern) in &request.save {
            if let Some(found) = first_group(pattern, &answer.text()) {
                saved.insert(name.clone(), found);
            }
        }
        answer.keep_only_what_is_compared(request);
        Ok(Answer::Whole(answer))
    }
}

/// Checks that a request can be sent and judged.
///
/// # Errors
/// When it cannot be said in HTTP, or names a note that there is not.
pub fn check(request: &Request) -> Result<()> {
    let title = request.title();
    ensure!(
        request.path.starts_with('/'),
        "{title}: the path must begin with /"
    );
    message(1, request, &Saved::new()).with_context(|| format!("{title} is no HTTP request"))?;
    for code in request.notes.iter().flatten() {
        ensure!(
            Note::from_code(code).is_some(),
            "{title}: there is no note {code}"
        );
    }
    Ok(())
}

fn message(port: u16, request: &Request, saved: &Saved) -> Result<hyper::Request<Full<Bytes>>> {
    let fill = |text: &str| fill(text, saved);
    let mut builder = hyper::Request::builder()
        .method(request.method.as_bytes())
        .uri(fill(&request.path));
    if request.header("host").is_none() {
        builder = builder.header(HOST, format!("127.0.0.1:{port}"));
    }
    for (name, value) in &request.headers {
        builder = builder.header(name, fill(value));
    }
    let body = request.body.as_deref().map(fill);
    if let (Some(body), None) = (&body, request.header("content-length")) {
        builder = builder.header(CONTENT_LENGTH, body.len());
    }
    Ok(builder.body(Full::from(body.unwrap_or_default()))?)
}

async fn exchange(port: u16, message: hyper::Request<Full<Bytes>>) -> Result<Whole, String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await;
    let stream = stream.map_err(|_| "no connection".to_string())?;
    let connection = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connection.map_err(|_| "no connection".to_string())?;
    // It ends with the answer; the conversation tells whether that was whole.
    let connection = tokio::spawn(connection);
    let answer = read_answer(sender.send_request(message).await).await;
    connection.abort();
    answer
}

async fn read_answer(answer: hyper::Result<hyper::Response<Incoming>>) -> Result<Whole, String> {
    let answer = answer.map_err(|_| "closed without an answer".to_string())?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.map_err(|_| "cut off".to_string())?;
    let mut headers = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(name.to_string()).or_default().push(value);
    }
    let sent = parts.extensions.get::<ReasonPhrase>();
    let reason = sent.map_or_else(
        || parts.status.canonical_reason().unwrap_or_default().into(),
        |reason| String::from_utf8_lossy(reason.as_bytes()).into_owned(),
    );
    Ok(Whole {
        status: parts.status.as_u16(),
        reason,
        headers,
        body: body.to_bytes().to_vec(),
    })
}

/// Puts what was saved in the place of each `{{name}}`.
fn fill(text: &str, saved: &Saved) -> String {
    static PLACE: LazyLock<regex::Regex> =
        LazyLock::new(|| regex::Regex::new(r"\{\{(\w+)\}\}").expect("a pattern"));
    let value = |place: &regex::Captures| saved.get(&place[1]).cloned().unwrap_or_default();
    PLACE.replace_all(text, value).into_owned()
}

fn first_group(pattern: &Regex, text: &[u8]) -> Option<String> {
    let group = pattern.captures(text)?.get(1)?;
    Some(String::from_utf8_lossy(group.as_bytes()).into_owned())
}

impl Whole {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.first().map(String::as_str)
    }

    /// The answer as text: headers, an empty line, the body.
    fn text(&self) -> Vec<u8> {
        let lines = self.headers.iter().flat_map(|(name, values)| {
            values.iter().map(move |value| format!("{name}: {value}\n"))
        });
        let mut text = lines.collect::<String>().into_bytes();
        text.push(b'\n');
        text.extend(&self.body);
        text
    }

    fn keep_only_what_is_compared(&mut self, request: &Request) {
        if let Some(pattern) = &request.pick {
            let picked = first_group(pattern, &self.body);
            self.headers.clear();
            self.body = picked
                .unwrap_or_else(|| "<the pattern matches nothing>".to_string())
                .into_bytes();
            return;
        }
        let mask = |bytes: &[u8]| -> Vec<u8> {
            request.mask.iter().fold(bytes.to_vec(), |bytes, pattern| {
                let masked = pattern.replace_all(&bytes, |_: &Captures| b"<masked>".to_vec());
                masked.into_owned()
            })
        };
        let body = mask(&self.body);
        for values in self.headers.values_mut() {
            for value in values {
                *value = String::from_utf8_lossy(&mask(value.as_bytes())).into_owned();
            }
        }
        // An ETag is made of the body: where a part of that is masked it says nothing but
        // that it is there. The length likewise.
        if body != self.body {
            for name in ["etag", "content-length"] {
                if let Some(values) = self.headers.get_mut(name) {
                    *values = vec!["<masked>".to_string()];
                }
            }
        }
        self.body = body;
    }
}

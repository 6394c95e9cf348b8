//! The small module that is generated into a project where the web API alone would mean
//! something else than the Pages Router did.

use std::collections::BTreeSet;

use super::carrier::Helper;
use super::style::Style;
use crate::project::{App, Project};
use crate::surroundings;

/// The name of the module's file, without its extension.
const FILE: &str = "api-request";

/// Where the module goes: where an earlier run has put it, or where nothing else stands.
pub fn path(project: &Project, app: &App) -> String {
    let names = std::iter::once(FILE.to_string()).chain((2..).map(|n| format!("{FILE}-{n}")));
    let mut paths = names.map(|name| surroundings::lib_file(project, app, &name));
    let free = |path: &String| match project.files.get(path) {
        None => true,
        Some(file) => file.text.as_deref().is_some_and(is_generated),
    };
    paths.find(free).expect("some name is free")
}

/// The helpers in the text of a module.
pub fn of(text: &str) -> BTreeSet<Helper> {
    let declared = [
        (Helper::ReadBody, "function readBody("),
        (Helper::ReadQuery, "function readQuery("),
        (Helper::KeepBody, "function parseBody("),
        (Helper::WithHeaders, "function withHeaders"),
        (Helper::SetHeader, "function setHeader("),
        (Helper::SendData, "function sendData("),
        (Helper::RedirectTo, "function redirectTo("),
        (Helper::ToResult, "function toResult("),
        (Helper::ActionRequest, "function actionRequest("),
        (Helper::NodeRequest, "function nodeRequest("),
    ];
    let there = declared.into_iter().filter(|(_, head)| text.contains(head));
    there.map(|(helper, _)| helper).collect()
}

/// Whether a text is a module that was generated here, in whatever style.
fn is_generated(text: &str) -> bool {
    let words = |text: &str| -> String {
        let kept = |char: &char| {
            !char.is_whitespace() && !matches!(char, ',' | ';' | '\'' | '"' | '(' | ')')
        };
        text.chars().filter(kept).collect()
    };
    let helpers = of(text);
    let generated =
        |typescript| words(&module(&helpers, typescript, &Style::default())) == words(text);
    !helpers.is_empty() && (generated(true) || generated(false))
}

const READ_BODY: &str = r#"/**
 * Reads the body as the Pages Router parsed it: JSON and forms by content type,
 * everything else as text. An empty JSON body is `{}`, a malformed one an error.
 */
export async function readBody(request%REQUEST%) {
  const header = request.headers.get('content-type') ?? ''%;%
  const type = header.split(';')[0]?.trim().toLowerCase()%;%
  const text = await request.text()%;%
  if (type === 'application/json' || type === 'application/ld+json') {
    return text === '' ? {} : JSON.parse(text)%;%
  }
  if (type === 'application/x-www-form-urlencoded') {
    return parseForm(text)%;%
  }
  return text%;%
}
"#;

const KEEP_BODY: &str = r#"const bodies = new WeakMap%BODIES%()%;%

/** The body as the Pages Router parsed it, however often it is read. */
export function readBody(request%REQUEST%) {
  const body = bodies.get(request) ?? parseBody(request)%;%
  bodies.set(request, body)%;%
  return body%;%
}

"#;

const READ_QUERY: &str = r#"/**
 * Search parameters as the Pages Router gave them: a doubled key is an array,
 * and a path parameter comes before a search parameter of the same name.
 */
export function readQuery(request%NEXT_REQUEST%, params%PARAMS%) {
  const { searchParams } = request.nextUrl%;%
  const query%QUERY% = {}%;%
  searchParams.forEach((_, key) => {
    const values = searchParams.getAll(key)%;%
    query[key] = values.length > 1 ? values : values[0]%;%
  })%;%
  return Object.assign(query, params)%;%
}
"#;

const WITH_HEADERS: &str = r#"/** Adds headers to a response that does not set them itself. */
export async function withHeaders%GENERIC%(answer%ANSWER%, headers%HEADERS%) {
  const response = await answer%;%
  const own = new Set(response?.headers.keys())%;%
  headers.forEach((value, name) => {
    if (!own.has(name)) response?.headers.append(name, value)%;%
  })%;%
  return response%;%
}
"#;

const SET_HEADER: &str = r#"/** Sets a header as Node.js does: each value of an array is a line of its own. */
export function setHeader(headers%HEADERS%, name%NAME%, value%VALUE%) {
  headers.delete(name)%;%
  for (const line of [value].flat()) {
    headers.append(name, String(line))%;%
  }
}
"#;

const SEND_DATA: &str = r#"/**
 * Answers as `res.send` of the Pages Router did: text without a type, buffers and streams as they
 * are, everything else as JSON.
 */
export function sendData(value%UNKNOWN%, init%INIT% = {}) {
  const headers = new Headers(init.headers)%;%
  function answer(body%BODY%) {
    return new Response(body, { ...init, headers })%;%
  }
  if (init.status === 204 || init.status === 304) {
    headers.delete('Content-Type')%;%
    return answer(null)%;%
  }
  if (value === null || value === undefined) {
    return answer(null)%;%
  }
  if (typeof value === 'string') {
    return answer(new TextEncoder().encode(value))%;%
  }
  if (Buffer.isBuffer(value) || value instanceof Readable) {
    if (!headers.has('Content-Type')) {
      headers.set('Content-Type', 'application/octet-stream')%;%
    }
    if (value instanceof Readable) {
      return answer(Readable.toWeb(value)%STREAM%)%;%
    }
    return answer(new Uint8Array(value))%;%
  }
  headers.set('Content-Type', 'application/json')%;%
  return answer(JSON.stringify(value))%;%
}
"#;

const REDIRECT_TO: &str = r#"/** Redirects as the Pages Router did: the body is the location. */
export function redirectTo(location%NAME%, init%INIT%) {
  const headers = new Headers(init.headers)%;%
  headers.set('Location', location)%;%
  return new Response(location, { ...init, headers })%;%
}
"#;

const TO_RESULT: &str = r#"/** An answer, as what a Server Action gives back. */
export async function toResult(answer%RESPONSE%) {
  const response = await answer%;%
  const text = await response.text()%;%
  const data = text === '' ? undefined : JSON.parse(text)%;%
  return { ok: response.ok, status: response.status, data }%;%
}
"#;

const ACTION_REQUEST: &str = r#"/** The request that a Server Action came with: its headers and cookies. */
export async function actionRequest() {
  return new NextRequest('http://localhost', { headers: await headers() })%;%
}
"#;

const NODE_REQUEST: &str = r#"/**
 * The body of a request as a Node.js stream, with the headers: for libraries that
 * read it by themselves.
 */
export function nodeRequest(request%REQUEST%) {
  const { body } = request%;%
  const stream = body ? Readable.fromWeb(body%WEB%) : Readable.from([])%;%
  const headers = Object.fromEntries(request.headers)%;%
  return Object.assign(stream, { headers })%INCOMING%%;%
}
"#;

/// The text of the module with these helpers, in the style of the files that import it.
pub fn module(helpers: &BTreeSet<Helper>, typescript: bool, style: &Style) -> String {
    let mut imports = String::new();
    let mut parts = Vec::new();
    if helpers.contains(&Helper::ReadBody) || helpers.contains(&Helper::KeepBody) {
        imports.push_str("import { parse as parseForm } from 'querystring'%;%\n");
        if helpers.contains(&Helper::KeepBody) {
            let parse =
                READ_BODY.replace("export async function readBody", "async function parseBody");
            parts.push(format!("{KEEP_BODY}{parse}"));
        } else {
            parts.push(READ_BODY.to_string());
        }
    }
    if helpers.contains(&Helper::ReadQuery) {
        if typescript {
            if !helpers.contains(&Helper::ActionRequest) {
                imports.push_str("import type { NextRequest } from 'next/server'%;%\n");
            }
            let query = "/** Path and search parameters by name. */\nexport type Query = Partial<Record<string, string | string[]>>%;%\n";
            parts.push(query.to_string());
        }
        parts.push(READ_QUERY.to_string());
    }
    if helpers.contains(&Helper::WithHeaders) {
        parts.push(WITH_HEADERS.to_string());
    }
    if helpers.contains(&Helper::RedirectTo) {
        parts.push(REDIRECT_TO.to_string());
    }
    let streams = [Helper::SendData, Helper::NodeRequest];
    let node = typescript && helpers.contains(&Helper::NodeRequest);
    if node {
        imports.push_str("import type { IncomingMessage } from 'http'%;%\n");
    }
    if streams.iter().any(|helper| helpers.contains(helper)) {
        imports.push_str("import { Readable } from 'stream'%;%\n");
    }
    if node {
        imports.push_str("import type { ReadableStream as WebStream } from 'stream/web'%;%\n");
    }
    if helpers.contains(&Helper::SendData) {
        parts.push(SEND_DATA.to_string());
    }
    if helpers.contains(&Helper::SetHeader) {
        parts.push(SET_HEADER.to_string());
    }
    if helpers.contains(&Helper::ActionRequest) {
        imports.push_str("import { headers } from 'next/headers'%;%\n");
        imports.push_str("import { NextRequest } from 'next/server'%;%\n");
        parts.push(ACTION_REQUEST.to_string());
    }
    if helpers.contains(&Helper::NodeRequest) {
        parts.push(NODE_REQUEST.to_string());
    }
    if helpers.contains(&Helper::ToResult) {
        parts.push(TO_RESULT.to_string());
    }
    let mut text = imports;
    for part in parts {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&part);
    }
    let typed = |annotation: &str| {
        if typescript {
            annotation.to_string()
        } else {
            String::new()
        }
    };
    let text = text
        .replace("%REQUEST%", &typed(": Request"))
        .replace("%NEXT_REQUEST%", &typed(": NextRequest"))
        .replace(
            "%BODIES%",
            &typed("<Request, ReturnType<typeof parseBody>>"),
        )
        .replace("%GENERIC%", &typed("<Answer extends Response | undefined>"))
        .replace("%ANSWER%", &typed(": Answer | Promise<Answer>"))
        .replace("%RESPONSE%", &typed(": Response | Promise<Response>"))
        .replace("%HEADERS%", &typed(": Headers"))
        .replace("%UNKNOWN%", &typed(": unknown"))
        .replace("%INIT%", &typed(": ResponseInit"))
        .replace("%BODY%", &typed(": BodyInit | null"))
        .replace("%STREAM%", &typed(" as ReadableStream"))
        .replace("%WEB%", &typed(" as WebStream"))
        .replace("%INCOMING%", &typed(" as IncomingMessage"))
        .replace("%NAME%", &typed(": string"))
        .replace("%VALUE%", &typed(": number | string | readonly string[]"))
        .replace("%QUERY%", &typed(": Query"))
        .replace("%PARAMS%", &typed("?: Query"))
        .replace("%;%", style.semi)
        .replace('\'', &style.quote.to_string());
    let indented = text.lines().map(|line| {
        let code = line.trim_start_matches(' ');
        let white = line.len() - code.len();
        if code.starts_with('*') {
            line.to_string()
        } else if line.starts_with("export ") && !style.fits(line) {
            broken_head(line, style)
        } else {
            format!("{}{code}", style.indent.repeat(white / 2))
        }
    });
    indented.map(|line| line + "\n").collect()
}

/// The head of a function with each parameter on a line of its own.
fn broken_head(line: &str, style: &Style) -> String {
    let parts = line.split_once('(').zip(line.rsplit_once(')'));
    let Some(((name, rest), (_, end))) = parts else {
        return line.to_string();
    };
    let params = rest[..rest.len() - end.len() - 1].split(", ");
    let indent = &style.indent;
    let params: Vec<String> = params.map(|param| format!("{indent}{param}")).collect();
    let (params, trailing) = (params.join(",\n"), style.trailing);
    format!("{name}(\n{params}{trailing}\n){end}")
}

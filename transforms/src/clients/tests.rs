use super::*;
use crate::facts::call::{Answer, PathArgument, Reads};
use testing::{project, routes};

const ROUTES: &[&str] = &[
    "/api/posts",
    "/api/posts/[id]",
    "/api/posts/publish",
    "/api/hooks/[...path]",
    "/api/send",
];

fn calls(path: &str, text: &str) -> Vec<Call> {
    collect(&project(&[(path, text)]), &routes(ROUTES))
}

/// Client, method, routes and exactness of every call in a file.
fn shown(path: &str, text: &str) -> Vec<String> {
    calls(path, text)
        .iter()
        .map(|call| {
            let routes: Vec<&str> = call.routes.iter().map(|route| ROUTES[*route]).collect();
            format!(
                "{} {} {}{}",
                call.client.name(),
                call.method.as_deref().unwrap_or("?"),
                routes.join(" "),
                if call.exact { "" } else { " ?" }
            )
        })
        .collect()
}

fn one(text: &str) -> String {
    shown("lib/a.tsx", text).join(" | ")
}

/// One call inside an event handler of a client component.
fn in_handler(body: &str) -> Call {
    let text = format!("'use client'\nasync function go(id: string) {{\n{body}\n}}\n");
    let mut found = calls("app/a.tsx", &text);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn why(body: &str) -> String {
    in_handler(body)
        .rewrite
        .expect_err("a refusal was expected")
        .1
}

#[test]
fn every_client_is_told_by_where_the_url_stands() {
    assert_eq!(one("fetch('/api/posts')"), "fetch GET /api/posts");
    assert_eq!(
        one("window.fetch(`/api/posts/${id}`, { method: 'delete' })"),
        "fetch DELETE /api/posts/[id]"
    );
    assert_eq!(one("axios.post('/api/send', data)"), "axios POST /api/send");
    assert_eq!(
        one("axios({ url: '/api/send', method: 'put' })"),
        "axios PUT /api/send"
    );
    assert_eq!(one("api.get('api/send')"), "axios GET /api/send");
    assert_eq!(one("xhr.open('POST', '/api/send')"), "axios POST /api/send");
    assert_eq!(
        one("useSWR(ok ? '/api/send' : null, fetcher)"),
        "SWR GET /api/send"
    );
    assert_eq!(one("useSWR(['/api/send', id])"), "SWR GET /api/send");
    assert_eq!(one("useSWRMutation('/api/send', f)"), "SWR ? /api/send");
    assert_eq!(
        one("x = <form action='/api/send' method='post' />"),
        "form POST /api/send"
    );
    assert_eq!(
        one("x = <Link href={`/api/posts/${post.id}?x=1`} />"),
        "link GET /api/posts/[id]"
    );
    assert_eq!(
        one("x = <img src='/api/send' />"),
        "src attribute GET /api/send"
    );
    assert_eq!(one("router.push('/api/send')"), "router GET /api/send");
    assert_eq!(
        one("window.location.href = '/api/send'"),
        "location GET /api/send"
    );
    assert_eq!(
        one("new EventSource('/api/send')"),
        "EventSource GET /api/send"
    );
    assert_eq!(
        one("navigator.sendBeacon('/api/send', x)"),
        "sendBeacon POST /api/send"
    );
    assert_eq!(one("request2('/api/send', x)"), "string ? /api/send");
    assert_eq!(
        one("const mail = `<a href=\"${base}/api/send\">x</a>`"),
        "document ? /api/send ?"
    );
}

#[test]
fn the_file_says_what_its_strings_are() {
    assert_eq!(
        shown("lib/a.test.ts", "fetch('/api/send')"),
        ["test GET /api/send"]
    );
    assert_eq!(
        shown(
            "middleware.ts",
            "export const config = { matcher: ['/api/posts/:path*'] }"
        ),
        [
            "configuration ? /api/posts/[id] /api/posts/publish ?",
            "middleware ? /api/posts /api/posts/[id] /api/posts/publish ?"
        ]
    );
    assert_eq!(
        shown(
            "next.config.js",
            "module.exports = { rewrites: () => [{ destination: '/api/send' }] }"
        ),
        ["configuration ? /api/send"]
    );
    let mut project = project(&[]);
    let cron =
        r#"{ "crons": [{ "path": "/api/send" }], "functions": { "pages/api/**/*.ts": {} } }"#;
    project.texts.insert("vercel.json".into(), cron.into());
    project.texts.insert(
        "README.md".into(),
        "POST `/api/send`, curl https://own.example/api/posts/5".into(),
    );
    let found = collect(&project, &routes(ROUTES));
    let kinds: Vec<(Client, &[usize])> = found
        .iter()
        .map(|call| (call.client, &call.routes[..]))
        .collect();
    assert_eq!(
        kinds,
        [(Client::Document, &[1][..]), (Client::Config, &[4][..])]
    );
}

#[test]
fn urls_that_are_not_known_name_all_that_they_could_be() {
    assert_eq!(
        one("fetch(`/api/posts/${slug}`)"),
        "fetch GET /api/posts/[id] /api/posts/publish ?"
    );
    assert_eq!(
        one("fetch('/api/' + path)").matches("/api/").count(),
        ROUTES.len()
    );
    assert_eq!(one("fetch(`${base}/api/send`)"), "fetch GET /api/send ?");
    assert_eq!(
        one("fetch(`${window.location.origin}/api/send`)"),
        "fetch GET /api/send"
    );
    assert_eq!(
        one("fetch('http://localhost:3000/api/send')"),
        "fetch GET /api/send"
    );
    assert_eq!(one("fetch('https://api.github.com/api/users')"), "");
    assert_eq!(
        one("fetch('https://own.example/api/send')"),
        "document GET /api/send ?"
    );
    assert_eq!(
        one("fetch(a ? '/api/send' : '/api/posts')"),
        "fetch GET /api/posts /api/send ?"
    );
    assert_eq!(
        one("fetch(`/api/send${q ? `?q=${q}` : ''}`)"),
        "fetch GET /api/send"
    );
    assert_eq!(
        one("axios.create({ baseURL: '/api' })")
            .matches("/api/")
            .count(),
        ROUTES.len()
    );
}

#[test]
fn a_constant_is_followed_to_its_uses() {
    assert_eq!(
        one("const URL = '/api/send'\nfetch(URL)"),
        "fetch GET /api/send"
    );
    assert_eq!(
        one("const BASE = '/api/posts'\nfetch(`${BASE}/${post.id}`)"),
        "fetch GET /api/posts/[id]"
    );
    assert_eq!(
        one("export const URL = '/api/send'\nfetch(URL)"),
        "fetch GET /api/send"
    );
    assert_eq!(
        one("const URL = '/api/send'\nfetch(URL); use(URL)"),
        "string ? /api/send | fetch GET /api/send"
    );
    assert_eq!(
        one("const URL = '/api/send'\nuseSWR(URL)"),
        "SWR GET /api/send"
    );
    assert_eq!(
        one("let url = '/api/send'\nfetch(url)"),
        "string ? /api/send"
    );
    assert_eq!(
        one("const o = { method: 'PUT' }\nfetch('/api/send', o)"),
        "fetch PUT /api/send"
    );
}

#[test]
fn what_is_no_call_is_not_taken_for_one() {
    for text in [
        "import x from '../pages/api/send'",
        "const x = require('../../api/send')",
        "jest.mock('../api/send')",
        "// fetch('/api/send')",
        "type T = '/api/send'",
        "console.error('/api/send failed')",
        "if (path.startsWith('/api/')) {}",
        "export default { disallow: ['/api/'], allow: '/api/send' }",
        "import x from '@/lib/api/send'",
    ] {
        assert_eq!(one(text), "", "{text}");
    }
}

#[test]
fn a_file_that_does_not_parse_is_searched_as_text() {
    assert_eq!(one("const = fetch('/api/send')"), "document ? /api/send");
    let mut project = project(&[("lib/a.ts", "")]);
    if let Some(file) = project.files.get_mut("lib/a.ts") {
        file.text = None;
        file.unreadable = Some("not UTF-8".into());
    }
    let found = collect(&project, &routes(ROUTES));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].routes.len(), ROUTES.len());
}

#[test]
fn what_an_action_needs_is_read_from_the_call() {
    let call = in_handler(
        "const res = await fetch(`/api/posts/${encodeURIComponent(id)}`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ a, b: 1 }) })",
    );
    assert!(call.component && call.exact);
    assert_eq!(
        (call.method.as_deref(), call.sends),
        (Some("PATCH"), Sends::Json)
    );
    let shape = call.rewrite.expect("a shape");
    assert_eq!(shape.path[0].slug, "id");
    assert!(matches!(shape.path[0].value, PathArgument::Expression(_)));
    let names: Vec<String> = shape
        .body
        .and_then(|body| body.fields)
        .into_iter()
        .flatten()
        .map(|field| field.name)
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert!(matches!(shape.answer, Answer::Named(_)));
}

#[test]
fn bodies_are_told_apart() {
    let sends = |init: &str| in_handler(&format!("await fetch('/api/send', {init})")).sends;
    assert_eq!(sends("{ method: 'POST' }"), Sends::Nothing);
    assert_eq!(
        sends("{ method: 'POST', body: JSON.stringify(x) }"),
        Sends::Text
    );
    assert_eq!(
        sends("{ method: 'POST', body: new FormData(form) }"),
        Sends::FormData
    );
    assert_eq!(
        sends("{ method: 'POST', body: new URLSearchParams(x) }"),
        Sends::Urlencoded
    );
    assert_eq!(sends("{ method: 'POST', body: x }"), Sends::Unknown);
    assert_eq!(
        sends("{ method: 'POST', headers, body: JSON.stringify(x) }"),
        Sends::Unknown
    );
}

#[test]
fn what_no_action_could_do_is_refused() {
    let post = "fetch('/api/send', { method: 'POST' })";
    let refused = [
        (
            "await fetch('/api/send?x=1', { method: 'POST' })",
            "the URL has a query string",
        ),
        (
            "await fetch(`${base}/api/send`, { method: 'POST' })",
            "what stands in front of /api is not known",
        ),
        (
            "await fetch(a ? '/api/send' : '/api/posts')",
            "the URL has several forms",
        ),
        (
            "await fetch(`/api/posts/${slug}`)",
            "the URL could name several routes",
        ),
        (
            "await fetch('/api/hooks/a')",
            "the route takes any number of segments",
        ),
        (
            "await fetch('/api/send', options)",
            "the options are not an object literal",
        ),
        (
            "await fetch('/api/send', { ...options })",
            "the options hold more than plain properties",
        ),
        (
            "await fetch('/api/send', { method })",
            "the options hold more than plain properties",
        ),
        (
            "await fetch('/api/send', { method: a ? 'PUT' : 'POST' })",
            "the method is computed",
        ),
        (
            "await fetch('/api/send', { method: 'POST', signal })",
            "the options hold more than plain properties",
        ),
        (
            "await fetch('/api/send', { method: 'POST', keepalive: true })",
            "the option keepalive has no equivalent",
        ),
        (
            "await fetch('/api/send', { headers: { Authorization: 'x' } })",
            "the header Authorization is sent",
        ),
        (
            "await fetch('/api/send', { method: 'POST', body: new FormData(f) })",
            "the body is not JSON.stringify(…)",
        ),
        (
            "await fetch('/api/send', { method: 'POST', body: JSON.stringify({ at: new Date() }) })",
            "a value in the body is not the same as its JSON",
        ),
        (
            "const at = new Date(); await fetch('/api/send', { method: 'POST', body: JSON.stringify({ at }) })",
            "a value in the body is not the same as its JSON",
        ),
        (
            "const [at, setAt] = useState<Date | null>(null); await fetch('/api/send', { method: 'POST', body: JSON.stringify({ at }) })",
            "a value in the body is not the same as its JSON",
        ),
        (
            "const send = async (at: Date[]) => { await fetch('/api/send', { method: 'POST', body: JSON.stringify({ days: at ?? [] }) }) }",
            "a value in the body is not the same as its JSON",
        ),
        (
            "await Promise.all([CALL])",
            "the call runs beside others, and actions run one after another",
        ),
        (
            "items.map(async (x) => { await CALL })",
            "the call is made for many elements at once",
        ),
        ("return CALL", "the promise of the response is handed on"),
        ("return await CALL", "the response is handed on"),
        ("use(await CALL)", "the response is handed on"),
        ("const r = await CALL; use(r)", "the response is handed on"),
        (
            "const r = await CALL; use({ r })",
            "the response is handed on",
        ),
        (
            "let r = await CALL; r = null",
            "the response's name is assigned again",
        ),
        (
            "const r = await CALL; r.headers.get('x')",
            "headers of the response is read",
        ),
        (
            "const r = await CALL; await r.text()",
            "text of the response is read",
        ),
        (
            "const r = await CALL; r.json().then(use)",
            "json() is not awaited",
        ),
        (
            "CALL.then(check)",
            "the response is handed to a function that is not followed",
        ),
        (
            "function fetch() {}\nawait CALL",
            "fetch is not the browser's own",
        ),
    ];
    for (body, words) in refused {
        assert_eq!(why(&body.replace("CALL", post)), words, "{body}");
    }
}

#[test]
fn where_an_action_cannot_be_called_is_refused() {
    let of = |path: &str, text: &str| {
        calls(path, text)
            .remove(0)
            .rewrite
            .map_err(|(_, words)| words)
            .err()
    };
    let call = "fetch('/api/send', { method: 'POST' })";
    assert_eq!(
        of("app/a.ts", &format!("'use client'\n{call}")).as_deref(),
        Some("the call stands outside of functions")
    );
    assert_eq!(
        of(
            "app/a.tsx",
            &format!("'use client'\nexport default function Page() {{ {call} }}")
        )
        .as_deref(),
        Some("the call runs while React renders")
    );
    assert_eq!(
        of(
            "app/a.tsx",
            &format!("'use client'\nexport const useSend = () => {{ {call} }}")
        )
        .as_deref(),
        Some("the call runs while React renders")
    );
    assert_eq!(
        of(
            "lib/a.ts",
            &format!("export async function send() {{ {call} }}")
        )
        .as_deref(),
        Some("the file is not part of a client component")
    );
    assert_eq!(
        of(
            "app/a.tsx",
            &format!(
                "'use client'\nconst P = () => {{ const go = async () => {{ await {call} }} }}"
            )
        ),
        None
    );
}

#[test]
fn reads_say_whether_an_error_s_body_is_read() {
    let reads = |body: &str| {
        in_handler(&body.replace("POST", "fetch('/api/send', { method: 'POST' })")).reads
    };
    let json = Reads {
        json: true,
        ..Reads::default()
    };
    assert!(reads("await POST").nothing());
    assert_eq!(
        reads("const r = await POST; if (r.ok) { await r.json() }"),
        Reads { ok: true, ..json }
    );
    assert_eq!(
        reads("const r = await POST; if (!r.ok) return; use(await r.json())"),
        Reads { ok: true, ..json }
    );
    assert_eq!(
        reads("const r = await POST; if (r.status !== 201) throw 1; use(await r.json())"),
        Reads {
            status: true,
            ..json
        }
    );
    let error = Reads {
        error_body: true,
        ..json
    };
    assert_eq!(reads("const r = await POST; use(await r.json())"), error);
    assert_eq!(
        reads("const r = await POST; if (!r.ok) { use(await r.json()) }"),
        Reads { ok: true, ..error }
    );
    assert_eq!(reads("POST.then((r) => r.json()).then(use)"), error);
    assert_eq!(
        reads("POST.then((r) => (r.ok ? r.json() : null))"),
        Reads { ok: true, ..json }
    );
    assert_eq!(
        reads("const { ok } = await POST"),
        Reads {
            ok: true,
            ..Reads::default()
        }
    );
}

/// Client, method and routes of every call in some files, in the order of the files.
fn over(files: &[(&str, &str)]) -> Vec<String> {
    collect(&project(files), &routes(ROUTES))
        .iter()
        .map(|call| {
            let routes: Vec<&str> = call.routes.iter().map(|route| ROUTES[*route]).collect();
            let method = call.method.as_deref().unwrap_or("?");
            let exact = if call.exact { "" } else { " ?" };
            let file = &call.place.file;
            let client = call.client.name();
            format!("{file}: {client} {method} {}{exact}", routes.join(" "))
        })
        .collect()
}

const INSTANCE: &str = "export const api = axios.create({ baseURL: '/api' })";
const FUNCTION: &str = "export async function send(method: string, path: string, data?: unknown) {
    return fetch(`/api${path}`, { method, body: JSON.stringify(data) })
}
export const http = { post: (path: string, data: unknown) => send('POST', path, data) }";
const URLS: &str =
    "export const API = { send: '/api/send', post: (id: string) => `/api/posts/${id}` } as const
export enum Hooks { Mail = '/api/hooks/mail' }";

#[test]
fn requests_are_followed_through_functions_and_instances() {
    assert_eq!(
        over(&[
            ("lib/api.ts", INSTANCE),
            (
                "lib/use.ts",
                "import { api as client } from './api'\nclient.delete(`/posts/${id}`)\nclient.interceptors.response.use(f)"
            ),
        ]),
        ["lib/use.ts: a function that sends requests DELETE /api/posts/[id]"]
    );
    assert_eq!(
        over(&[
            ("lib/http.ts", FUNCTION),
            ("lib/index.ts", "export { http as server } from './http'"),
            (
                "lib/use.tsx",
                "import { server } from './index'\nconst run = useCallback(async (url) => server.post(url, {}), [])\nrun('/send')"
            ),
        ]),
        ["lib/use.tsx: a function that sends requests POST /api/send"]
    );
}

#[test]
fn a_use_that_is_not_followed_lets_every_route_be_named() {
    let all = |use_: &str| {
        let found = over(&[("lib/api.ts", INSTANCE), ("lib/use.tsx", use_)]);
        found.iter().any(|call| {
            call.starts_with("lib/api.ts: axios ? ") && call.contains("/api/posts/publish")
        })
    };
    assert!(!all("import { api } from './api'\napi.post('/send')"));
    assert!(all("import { api } from './api'\nuse(api)"));
    assert!(all("import { api } from './api'\napi.post(...args)"));
    assert!(all("import * as lib from './api'\nlib.api.post('/send')"));
    assert!(all("const { api } = require('./api'); import './api'"));
    assert!(all("import { api } from './api'\napi.defaults.baseURL = x"));
    assert!(all("import { api } from './api'\nthis does not parse"));
    let component = "export function Button({ path }) { return fetch(`/api/${path}`) }";
    let used = "import { Button } from './api'\nconst x = <Button path='send' />";
    let found = over(&[("lib/api.tsx", component), ("lib/use.tsx", used)]);
    assert!(found[0].starts_with("lib/api.tsx: fetch GET /api/posts "));
}

#[test]
fn urls_are_followed_through_tables_and_builders() {
    assert_eq!(
        over(&[
            ("lib/urls.ts", URLS),
            (
                "lib/use.ts",
                "import { API, Hooks } from './urls'\nfetch(API.send)\nfetch(API.post(post.id))\nfetch(Hooks.Mail)"
            ),
        ]),
        [
            "lib/use.ts: fetch GET /api/send",
            "lib/use.ts: fetch GET /api/posts/[id]",
            "lib/use.ts: fetch GET /api/hooks/[...path]",
        ]
    );
    let found = over(&[
        ("lib/urls.ts", URLS),
        (
            "lib/use.ts",
            "import { API } from './urls'\nfetch(API.send)\nshow(API)",
        ),
    ]);
    assert_eq!(
        found,
        [
            "lib/urls.ts: string ? /api/send",
            "lib/urls.ts: string ? /api/posts/[id]",
            "lib/urls.ts: string ? /api/hooks/[...path]",
            "lib/use.ts: fetch GET /api/send",
        ]
    );
}

/// Callers that an independent reading found unseen.
#[test]
fn what_may_be_any_path_names_every_route() {
    let named = |text: &str| one(text).contains("/api/posts/publish");
    assert!(named("fetch(`/api${path}`, { method: 'POST' })"));
    assert!(named("const BASE = '/api'\nfetch(BASE + path)"));
    assert!(named(
        "class Http { post(path) { return fetch('/api' + path) } }"
    ));
    assert!(named(
        "axios.interceptors.request.use((c) => ({ ...c, url: '/api' + c.url }))"
    ));
    let table =
        "const API = { root: '/api', send() { return `${this.root}/send` } }\nfetch(API.send())";
    assert!(named(table));
    let own = "function rpc(name) { return fetch('/api/' + name.replace('.', '/')) }\nrpc('posts.publish')";
    assert!(named(own));
}

#[test]
fn a_method_that_is_not_told_is_not_a_get() {
    let post = "const o = { method: 'post' }\naxios('/api/send', o)";
    assert_eq!(one(post), "axios POST /api/send");
    assert_eq!(one("ky('/api/send', options())"), "axios ? /api/send");
    let set = "const o = { headers: {} }\no.method = 'POST'\nfetch('/api/send', o)";
    assert_eq!(one(set), "fetch ? /api/send");
    let form = |attributes: &str| {
        one(&format!(
            "const x = <form action='/api/send' {attributes} />"
        ))
    };
    assert_eq!(form(""), "form GET /api/send");
    assert_eq!(form("method={method}"), "form ? /api/send");
    assert_eq!(form("{...rest}"), "form ? /api/send");
    assert_eq!(one("const x = <Save to='/api/send' />"), "link ? /api/send");
    assert_eq!(
        one("const x = <Link href='/api/send' />"),
        "link GET /api/send"
    );
    let fetcher = "useSWR('/api/send', (u) => fetch(u, { method: 'POST' }))";
    assert_eq!(one(fetcher), "SWR ? /api/send");
}

#[test]
fn what_another_package_may_take_is_not_followed() {
    let found = over(&[
        ("lib/api.ts", INSTANCE),
        (
            "lib/use.ts",
            "import { api } from './api'\napi.post('/send')",
        ),
        (
            "lib/other.ts",
            "import { api } from '@acme/http'\napi.post('/posts')",
        ),
    ]);
    assert!(found[0].starts_with("lib/api.ts: axios ? "));
}

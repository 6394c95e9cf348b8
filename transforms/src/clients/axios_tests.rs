//! What of axios is read as a call that an action could replace, and what speaks against it.

use super::*;
use crate::facts::call::Throws;
use testing::{project, routes};

const ROUTES: &[&str] = &["/api/posts", "/api/posts/[id]"];

/// The calls of one event handler in a client component, beside another file.
fn calls(body: &str, other: &str) -> Vec<Call> {
    let text = format!(
        "'use client'\nimport axios from 'axios'\nimport {{ api, slow }} from './api'\n\
         export const A = () => {{\n\
         const go = async (id: string, form: Form, text: string) => {{\n{body}\n}}\nreturn <b onClick={{go}} />\n}}\n"
    );
    let files = [
        ("app/a.tsx", text.as_str()),
        ("app/api.ts", other),
        ("app/page.tsx", "import './a'"),
    ];
    let found = collect(&project(&files), &routes(ROUTES));
    let own = found
        .into_iter()
        .filter(|call| call.place.file == "app/a.tsx");
    own.collect()
}

const API: &str = "import axios from 'axios'\nexport const api = axios.create({ baseURL: '/api' })\n\
                   export const slow = axios.create({ baseURL: '/api', timeout: 1 })";

fn call(body: &str) -> Call {
    let mut found = calls(body, API);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn why(body: &str) -> String {
    call(body).rewrite.expect_err("a refusal was expected").1
}

fn caught(catch: &str) -> Result<bool, String> {
    let body = format!("try {{\nawait axios.delete('/api/posts')\n}} {catch}");
    let shape = call(&body).rewrite.map_err(|(_, words)| words)?;
    Ok(shape.failure.is_some_and(|failure| failure.seen))
}

#[test]
fn every_form_of_a_request_is_read() {
    for (form, method, route, body) in [
        ("axios.post('/api/posts', { a })", "POST", 0, "{ a }"),
        ("axios.put(`/api/posts/${id}`, form)", "PUT", 1, "form"),
        (
            "axios.delete('/api/posts', { data: { a } })",
            "DELETE",
            0,
            "{ a }",
        ),
        (
            "axios({ url: '/api/posts', method: 'patch', data: [id] })",
            "PATCH",
            0,
            "[id]",
        ),
        (
            "axios.request({ method: 'PUT', url: '/api/posts', data: { a } })",
            "PUT",
            0,
            "{ a }",
        ),
        ("api.post('/posts', { a })", "POST", 0, "{ a }"),
        ("api.patch(`posts/${id}`, { a })", "PATCH", 1, "{ a }"),
        (
            "axios.post('/api/posts', JSON.stringify(text), { headers: { 'Content-Type': 'application/json' } })",
            "POST",
            0,
            "text",
        ),
    ] {
        let found = call(&format!("await {form}"));
        assert_eq!(found.client, Client::Axios, "{form}");
        assert_eq!(found.method.as_deref(), Some(method), "{form}");
        assert_eq!(found.routes, [route], "{form}");
        assert_eq!(found.sends, Sends::Json, "{form}");
        let shape = found.rewrite.expect("an action fits");
        let sent = shape.body.expect("a body").value;
        assert_eq!(sent.len(), body.len(), "{form}");
    }
    assert_eq!(call("await axios.post('/api/posts')").sends, Sends::Nothing);
}

#[test]
fn where_the_call_site_can_throw_is_told() {
    let throws = |body: &str| {
        let shape = call(body).rewrite.expect("an action fits");
        shape.failure.expect("axios rejects").throws
    };
    assert!(
        matches!(throws("await axios.post('/api/posts')"), Throws::Statement { name, .. } if name == "result")
    );
    assert!(matches!(
        throws("const r = await axios.post('/api/posts')"),
        Throws::Declaration { .. }
    ));
    assert!(matches!(
        throws("const { data } = await axios.post('/api/posts')"),
        Throws::Pattern { .. }
    ));
    assert!(matches!(
        throws("axios.post('/api/posts').then((r) => use(r.data))"),
        Throws::Callback { named: true, .. }
    ));
    assert!(matches!(
        throws("axios.post('/api/posts').catch(() => null)"),
        Throws::Link { .. }
    ));
    assert!(matches!(
        throws("axios.post('/api/posts')"),
        Throws::Link { .. }
    ));
}

#[test]
fn who_sees_the_error_is_told() {
    assert_eq!(caught("catch { fail() }"), Ok(false));
    assert_eq!(
        caught("catch (e) { console.error('no', e); fail() }"),
        Ok(false)
    );
    assert_eq!(caught("finally { done() }"), Ok(true));
    assert_eq!(caught("catch (e) { fail(e.message) }"), Ok(true));
    assert_eq!(caught("catch (e) { throw e }"), Ok(true));
    let more = Err("more of the error than its message may be read".to_string());
    for catch in [
        "catch (e) { fail(e) }",
        "catch (e) { fail(e.response?.data) }",
        "catch (e) { if (axios.isAxiosError(e)) fail() }",
        "catch (e) { const failed = e as AxiosError; fail(failed) }",
        "catch (e) { fail(`${e}`) }",
        "catch (e) { fail(String(e)) }",
        "catch ({ response }) { fail(response) }",
        "catch (e) { if (e.code === 'ERR') fail() }",
    ] {
        assert_eq!(caught(catch), more, "{catch}");
    }
    let words = why(
        "await axios.delete('/api/posts')\n}\nconst other = async () => {\ntry {\nf()\n} catch (e) {\ng(e.response)\n}",
    );
    assert!(
        words.starts_with("the error is handed on, and app/a.tsx:"),
        "{words}"
    );
}

#[test]
fn what_an_action_could_not_do_speaks_against_it() {
    for (body, words) in [
        (
            "await axios.post('/api/posts', { a }, { timeout: 1 })",
            "the option timeout has no equivalent",
        ),
        (
            "await axios.post('/api/posts', { a }, { params: { b } })",
            "the option params has no equivalent",
        ),
        (
            "await axios.delete('/api/posts', { signal })",
            "the options hold more than plain properties",
        ),
        (
            "await axios.post('/api/posts', { a }, { headers: { Authorization: x } })",
            "the header Authorization is sent",
        ),
        (
            "await axios.post('/api/posts', { a }, config)",
            "the options are not an object literal",
        ),
        (
            "await axios.post('/api/posts', { a }, { ...config })",
            "the options hold more than plain properties",
        ),
        (
            "await axios.post('/api/posts', text)",
            "what is sent is not surely an object",
        ),
        (
            "await axios.post('/api/posts', new FormData())",
            "what is sent is not surely an object",
        ),
        (
            "await axios.post('/api/posts', JSON.stringify(form))",
            "what is sent is not surely an object",
        ),
        (
            "await axios.post('/api/posts', unknown)",
            "what is sent is not surely an object",
        ),
        (
            "await axios.post('/api/posts', { at: new Date() })",
            "a value in the body is not the same as its JSON",
        ),
        (
            "await axios.post('/api/posts?x=1')",
            "the URL has a query string",
        ),
        (
            "await slow.post('/posts')",
            "the instance of axios has settings of its own",
        ),
        (
            "use((await axios.post('/api/posts')).data)",
            "the call stands inside an expression",
        ),
        (
            "return axios.post('/api/posts')",
            "the promise of the response is handed on",
        ),
        (
            "if (id) await axios.post('/api/posts')",
            "the call stands inside an expression",
        ),
        (
            "const r = await axios.post('/api/posts')\nuse(r.headers)",
            "headers of the response is read",
        ),
        (
            "switch (id) {\ncase 'a':\nawait axios.post('/api/posts')\n}",
            "the call stands in a case without a block",
        ),
        (
            "const r = await axios.post('/api/posts')\nuse(r.ok)",
            "ok of the response is read",
        ),
        (
            "const r = await axios.post('/api/posts')\nuse(r)",
            "the response is handed on",
        ),
        (
            "const { headers } = await axios.post('/api/posts')",
            "headers of the response is read",
        ),
        (
            "axios.post('/api/posts').then(done, fail)",
            "the response is handed to a function that is not followed",
        ),
        (
            "axios.post('/api/posts').then(() => done(), () => fail())",
            "then() takes two callbacks",
        ),
        (
            "await Promise.all([axios.post('/api/posts')])",
            "the call runs beside others, and actions run one after another",
        ),
    ] {
        assert_eq!(why(body), words, "{body}");
    }
}

#[test]
fn what_the_project_does_with_axios_speaks_against_every_call() {
    for (setup, place) in [
        (
            "import axios from 'axios'\naxios.defaults.baseURL = '/x'",
            2,
        ),
        (
            "export const f = (one) => one.interceptors.request.use(g)",
            1,
        ),
        ("import retry from 'axios-retry'\nretry(x)", 1),
    ] {
        let found = calls("await axios.post('/api/posts')", setup);
        let words = found[0].rewrite.as_ref().expect_err("a refusal").1.clone();
        let wanted = format!("what requests of axios do is set in app/api.ts:{place}");
        assert_eq!(words, wanted, "{setup}");
    }
    // Another thing of that name is not axios.
    let text = "'use client'\nconst axios = make()\nexport const f = async () => { await axios.post('/api/posts') }";
    let found = collect(&project(&[("app/a.tsx", text)]), &routes(ROUTES));
    assert_eq!(found[0].client, Client::Verbs);
}

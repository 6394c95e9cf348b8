use super::*;
use crate::clients::{self, testing};

/// Rewrites every call of `/api/posts…` in a client component.
fn rewritten(text: &str, contract: Option<Contract>, params: &[Param]) -> Result<String, String> {
    let project = testing::project(&[("app/form.tsx", text), ("app/page.tsx", "import './form'")]);
    let routes = testing::routes(&["/api/posts", "/api/posts/[id]"]);
    let calls = clients::collect(&project, &routes);
    let source = Source::parse("app/form.tsx", text.into()).map_err(|error| error.message)?;
    let calls: Vec<&Call> = calls.iter().collect();
    let action = ActionRef {
        name: "createPost".into(),
        specifier: "@/app/actions/posts".into(),
        contract: contract.unwrap_or_else(|| super::contract(&calls)),
        fails: true,
        params: params.to_vec(),
    };
    let mut edits = Edits::default();
    for call in &calls {
        edits.extend(
            rewrite(&source, call, &action)
                .map_err(|(place, words)| format!("{}: {words}", place.line))?,
        );
    }
    edits.extend(imports(&source, &[&action]));
    let out = edits
        .render(text, 0..text.len())
        .map_err(|overlap| format!("{overlap:?}"))?;
    Source::parse("app/form.tsx", out.as_str().into()).map_err(|error| error.message)?;
    Ok(out)
}

/// A statement list inside an event handler of a client component.
fn inside(body: &str) -> String {
    format!("'use client'\nimport x from 'x'\nasync function go(id: string) {{\n{body}\n}}\n")
}

fn check(contract: Option<Contract>, params: &[Param], before: &str, after: &str) {
    let expected = inside(after).replace(
        "import x from 'x'\n",
        "import x from 'x'\nimport { createPost } from '@/app/actions/posts'\n",
    );
    assert_eq!(
        rewritten(&inside(before), contract, params).as_deref(),
        Ok(expected.as_str())
    );
}

fn refused(contract: Option<Contract>, body: &str) -> String {
    rewritten(&inside(body), contract, &[Param::Body]).expect_err("a refusal was expected")
}

const POST: &str = "fetch('/api/posts', {\n  method: 'POST',\n  headers: { 'Content-Type': 'application/json' },\n  body: JSON.stringify({ title, text }),\n})";
const CALL: &str = "createPost({ title, text })";

fn post(text: &str) -> String {
    text.replace("POST", POST)
}

fn call(text: &str) -> String {
    text.replace("POST", CALL)
}

fn check_post(contract: Option<Contract>, before: &str, after: &str) {
    check(contract, &[Param::Body], &post(before), &call(after));
}

#[test]
fn a_call_whose_answer_is_not_read() {
    check_post(None, "  await POST", "  await POST");
    check_post(None, "  POST\n  done()", "  POST\n  done()");
    check_post(None, "  void POST", "  void POST");
    check_post(
        None,
        "  POST.then(() => done()).catch(fail)",
        "  POST.then(() => done()).catch(fail)",
    );
    check(
        None,
        &[Param::Path("id".into())],
        "  await fetch(`/api/posts/${encodeURIComponent(post.id)}`, { method: 'DELETE' });",
        "  await createPost(post.id);",
    );
    check(
        None,
        &[Param::Path("id".into()), Param::Field("title".into())],
        "  await fetch('/api/posts/5', { method: 'PUT', body: JSON.stringify({ title }) });",
        "  await createPost('5', { title });",
    );
}

#[test]
fn a_result_keeps_the_response_s_name() {
    check_post(
        None,
        "  const res = await POST;\n  if (!res?.ok) {\n    throw new Error(`${res.status}`);\n  }\n  const post = (await res.json()) as Post;",
        "  const res = await POST;\n  if (!res?.ok) {\n    throw new Error(`${res.status}`);\n  }\n  const post = res.data as Post;",
    );
    check_post(
        None,
        "  const res: Response = await POST\n  if (res.status === 201) {\n    const { a } = await res.json()\n  }",
        "  const res = await POST\n  if (res.status === 201) {\n    const { a } = res.data\n  }",
    );
    check_post(
        None,
        "  const res = await POST\n  const data = await res.json().catch(() => ({}))\n  if (!res.ok) fail((await res.json().catch(() => null))?.error)",
        "  const res = await POST\n  const data = res.data ?? {}\n  if (!res.ok) fail((res.data ?? null)?.error)",
    );
    check_post(
        None,
        "  const { ok } = await POST\n  if (!ok) fail()",
        "  const { ok } = await POST\n  if (!ok) fail()",
    );
    check_post(
        None,
        "  const res = await POST.catch(() => null)\n  if (!res || !res.ok) return\n  use(await res?.json())",
        "  const res = await POST.catch(() => null)\n  if (!res || !res.ok) return\n  use(res?.data)",
    );
    check_post(
        Some(Contract::Result),
        "  const data = await (await POST).json()",
        "  const data = (await POST).data",
    );
}

#[test]
fn data_takes_the_place_of_the_response() {
    check_post(
        None,
        "  const res = await POST;\n  const data: Post = await res.json();\n  use(data);",
        "  const data: Post = await POST;\n  use(data);",
    );
    check_post(
        None,
        "  const res = await POST\n\n  const {\n    a,\n    b,\n  } = (await res.json()) as Post",
        "  const {\n    a,\n    b,\n  } = await POST as Post",
    );
    check_post(
        None,
        "  const res = await POST\n  return res.json()",
        "  return await POST",
    );
    check_post(
        None,
        "  const res = await POST\n  setPost(await res.json())",
        "  setPost(await POST)",
    );
    check_post(
        None,
        "  const data = await (await POST).json()",
        "  const data = await POST",
    );
    // What stands between is not passed by.
    check_post(
        None,
        "  const res = await POST\n  busy(false)\n  const data = await res.json()",
        "  const res = await POST\n  busy(false)\n  const data = res",
    );
}

#[test]
fn chains_lose_what_only_unpacked_the_response() {
    check_post(
        None,
        "  POST\n    .then((res) => res.json())\n    .then((data) => use(data))",
        "  POST\n    .then((data) => use(data))",
    );
    check_post(
        Some(Contract::Result),
        "  POST.then((res: Response) => res.json()).then(use)",
        "  POST.then((res) => res.data).then(use)",
    );
    check_post(
        None,
        "  POST.then(async (res) => {\n    if (!res.ok) throw new Error()\n    return res.json()\n  }).then(use)",
        "  POST.then(async (res) => {\n    if (!res.ok) throw new Error()\n    return res.data\n  }).then(use)",
    );
    check_post(
        None,
        "  const data = await POST.then((r) => r.json())",
        "  const data = await POST",
    );
}

#[test]
fn a_body_of_several_lines_moves_to_the_left() {
    check(
        None,
        &[Param::Path("id".into()), Param::Body],
        "  await fetch(`/api/posts/${id}`, {\n    method: 'PUT',\n    body: JSON.stringify({\n      title,\n      tags: [\n        1,\n      ],\n    }),\n  })",
        "  await createPost(id, {\n    title,\n    tags: [\n      1,\n    ],\n  })",
    );
    // The spaces of a template literal are text.
    check(
        None,
        &[Param::Body],
        "  await fetch('/api/posts', {\n    method: 'PUT',\n    body: JSON.stringify({\n      title: `a\n      b`,\n    }),\n  })",
        "  await createPost({\n      title: `a\n      b`,\n    })",
    );
}

#[test]
fn an_event_handler_may_be_the_call_itself() {
    let before = "'use client';\n\nexport const A = () => <b onClick={() => fetch('/api/posts', { method: 'POST' })} />;\n";
    let after = "'use client';\n\nimport { createPost } from '@/app/actions/posts';\n\nexport const A = () => <b onClick={() => createPost()} />;\n";
    assert_eq!(rewritten(before, None, &[]).as_deref(), Ok(after));
}

#[test]
fn a_constant_that_only_named_the_url_goes_too() {
    let before = "\"use client\"\nimport x from \"x\"\nconst URL = \"/api/posts\"\n\nexport function f() {\n  return async () => {\n    await fetch(URL, { method: \"POST\" })\n  }\n}\n";
    let after = "\"use client\"\nimport x from \"x\"\nimport { createPost } from \"@/app/actions/posts\"\n\nexport function f() {\n  return async () => {\n    await createPost()\n  }\n}\n";
    assert_eq!(rewritten(before, None, &[]).as_deref(), Ok(after));
}

#[test]
fn a_constant_that_others_see_stays() {
    for head in [
        "export const URL = '/api/posts'",
        "const URL = '/api/posts'\ntype T = typeof URL",
    ] {
        let before = format!(
            "'use client'\n{head}\nconst f = () => {{ fetch(URL, {{ method: 'POST' }}) }}\n"
        );
        let after = format!(
            "'use client'\n\nimport {{ createPost }} from '@/app/actions/posts'\n{head}\nconst f = () => {{ createPost() }}\n"
        );
        let project = testing::project(&[("app/form.tsx", &before)]);
        let calls = clients::collect(&project, &testing::routes(&["/api/posts"]));
        let call = calls
            .iter()
            .find(|call| call.rewrite.is_ok())
            .expect("a fetch");
        let source = Source::parse("app/form.tsx", before.as_str().into()).expect("it parses");
        let action = ActionRef {
            name: "createPost".into(),
            specifier: "@/app/actions/posts".into(),
            contract: Contract::Nothing,
            fails: true,
            params: Vec::new(),
        };
        let mut edits = rewrite(&source, call, &action).expect("edits");
        edits.extend(imports(&source, &[&action]));
        assert_eq!(
            edits.render(&before, 0..before.len()).as_deref(),
            Ok(after.as_str())
        );
    }
}

#[test]
fn two_calls_share_one_import_and_a_taken_name_is_not_taken_again() {
    let before = "'use client'\r\nimport x from 'x' // x\r\nasync function createPost() {\r\n  await fetch('/api/posts', { method: 'POST' })\r\n  await fetch('/api/posts', { method: 'POST' })\r\n}\r\n";
    let after = "'use client'\r\nimport x from 'x' // x\r\nimport { createPost as createPostAction } from '@/app/actions/posts'\r\nasync function createPost() {\r\n  await createPostAction()\r\n  await createPostAction()\r\n}\r\n";
    assert_eq!(rewritten(before, None, &[]).as_deref(), Ok(after));
    let before = "'use client'\nimport { other } from '@/app/actions/posts'\nasync function f() {\n  await fetch('/api/posts', { method: 'POST' })\n}\n";
    let after = "'use client'\nimport { other, createPost } from '@/app/actions/posts'\nasync function f() {\n  await createPost()\n}\n";
    assert_eq!(rewritten(before, None, &[]).as_deref(), Ok(after));
}

#[test]
fn calls_inside_an_argument_are_rewritten_too() {
    check(
        Some(Contract::Data),
        &[Param::Body],
        "  await fetch('/api/posts', { method: 'POST', body: JSON.stringify({ a: await (await fetch('/api/posts', { method: 'POST', body: JSON.stringify(x) })).json() }) })",
        "  await createPost({ a: await createPost(x) })",
    );
}

#[test]
fn a_comment_that_would_vanish_is_refused() {
    let text = "  await fetch('/api/posts', {\n    method: 'POST', // create\n    body: JSON.stringify({\n      a, // first\n    }),\n  })";
    assert_eq!(
        refused(None, text),
        "5: a comment inside the call would be lost"
    );
    let kept = text.replace(" // create", "");
    assert!(
        rewritten(&inside(&kept), None, &[Param::Body])
            .is_ok_and(|out| out.contains("a, // first"))
    );
}

#[test]
fn what_the_contract_does_not_serve_is_refused() {
    let ok = post("  const res = await POST\n  if (!res.ok) fail()");
    assert_eq!(
        refused(Some(Contract::Data), &ok),
        "9: the call site reads more of the answer than the action gives back"
    );
    let json = post("  const res = await POST\n  use(await res.json())");
    assert!(refused(Some(Contract::Nothing), &json).ends_with("than the action gives back"));
    assert_eq!(
        refused(None, "  await fetch('/api/posts', { method: 'POST' })"),
        "4: the call sends no body"
    );
}

#[test]
fn the_contract_is_the_smallest_that_serves_all() {
    let of = |body: &str| {
        let text = inside(&post(body));
        let project = testing::project(&[("app/form.tsx", &text)]);
        let calls = clients::collect(&project, &testing::routes(&["/api/posts"]));
        contract(&calls.iter().collect::<Vec<_>>())
    };
    assert_eq!(of("  await POST"), Contract::Nothing);
    assert_eq!(
        of("  const r = await POST; use(await r.json())"),
        Contract::Data
    );
    assert_eq!(
        of("  const r = await POST; use(await r.json())\n  const s = await POST; s.ok"),
        Contract::Result
    );
}

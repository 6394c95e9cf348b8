//! Which functions are middlewares that become guards, and which chains are left, and why.

use crate::support::{Copy, output, routelift, text};

const PACKAGE: (&str, &str) = (
    "package.json",
    r#"{"dependencies": {"next": "15.2.0", "next-connect": "1.0.0"}}"#,
);

fn diff(files: &[(&str, &str)]) -> (String, String) {
    let copy = Copy::of(files);
    let output = output(&mut routelift(copy.path()));
    (text(&output.stdout), text(&output.stderr))
}

/// A route behind middlewares that are exported by a module of this text.
fn behind(module: &str, names: &str) -> (String, String) {
    let route = format!(
        "import {{ createRouter }} from 'next-connect'\nimport {{ {names} }} from '../../lib/guards'\n\nconst router = createRouter()\n\nrouter.get({names}, (req, res) => {{\n  res.json({{ user: req.user }})\n}})\n\nexport default router.handler()\n"
    );
    let files = [
        PACKAGE,
        ("lib/guards.js", module),
        ("pages/api/me.js", &route),
    ];
    diff(&files)
}

const PUTS: &str = "export const user = async (req, res, next) => {\n  req.user = await find(req.cookies.user)\n  await next()\n}\n";

#[test]
fn what_a_middleware_puts_on_the_request_is_given_back() {
    let (diff, stderr) = behind(PUTS, "user");
    for line in [
        "+  const user = await find(req.cookies.get('user')?.value)",
        "+  return user",
        "+  return NextResponse.json({ user: requestUser })",
    ] {
        assert!(diff.contains(line), "{line}\n{diff}{stderr}");
    }
}

#[test]
fn a_function_that_may_do_more_is_no_middleware() {
    let bodies = [
        "await next()\n  console.log('done')",
        "if (req.cookies.user) next()",
        "for (const name of names) req.user = name\n  next()",
        "req.query = {}\n  next()",
        "req.body.user = 1\n  next(req.body)",
        "setTimeout(next, 10)",
        "if (req.user) return next()\n  req.user = 1\n  next()",
        "try {\n    await next()\n  } finally {\n    console.log('done')\n  }",
        "res.json({ next })",
    ];
    for body in bodies {
        let module = format!("export const user = async (req, res, next) => {{\n  {body}\n}}\n");
        let (diff, stderr) = behind(&module, "user");
        assert!(
            diff.is_empty() && stderr.contains("next-connect 1.0.0: the middleware user"),
            "{body}\n{diff}{stderr}"
        );
    }
}

#[test]
fn what_nothing_puts_on_the_request_is_not_read() {
    let reads = "export const admin = (req, res, next) => {\n  if (req.role !== 'admin') return res.status(403).end()\n  next()\n}\n";
    let (diff, stderr) = behind(reads, "admin");
    assert!(
        diff.is_empty() && stderr.contains("admin reads req.role, which nothing before it puts"),
        "{diff}{stderr}"
    );
}

#[test]
fn what_may_be_put_there_anew_is_left() {
    let again = "export const more = (req, res, next) => {\n  if (req.cookies.other) {\n    req.user = 1\n  }\n  next()\n}\n";
    let (diff, stderr) = behind(&format!("{PUTS}{again}"), "user, more");
    assert!(
        diff.is_empty() && stderr.contains("more may put req.user there anew"),
        "{diff}{stderr}"
    );
}

#[test]
fn a_factory_that_a_list_passes_on_stays() {
    let factory = "import { createRouter } from 'next-connect'\n\nexport const options = {\n  onError: (error, req, res) => {\n    res.status(500).json({ error: error.message })\n  },\n}\n";
    let route = "import { createRouter } from 'next-connect'\nimport { options } from '../../lib'\n\nconst router = createRouter()\n\nrouter.get((req, res) => {\n  res.json({ ok: true })\n})\n\nexport default router.handler(options)\n";
    let with = |index: &str| {
        diff(&[
            PACKAGE,
            ("lib/router.js", factory),
            ("lib/index.js", index),
            ("pages/api/me.js", route),
        ])
    };
    let (all, stderr) = with("export * from './router'\n");
    assert!(
        all.contains("+import { onError } from '../../../lib'")
            && all.contains("-export const options"),
        "{all}{stderr}"
    );
    let (listed, stderr) = with("export { options } from './router'\n");
    assert!(
        listed.contains("+import { onError } from '../../../lib/router'")
            && listed.contains("+export const onError = (error)")
            && !listed.contains("-export const options"),
        "{listed}{stderr}"
    );
}

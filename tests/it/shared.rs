//! Who else uses a function that routes share: its old form stays for them.

use crate::support::{Copy, output, routelift, text};

const PACKAGE: (&str, &str) = ("package.json", r#"{"dependencies": {"next": "15.2.0"}}"#);
const GUARD: (&str, &str) = (
    "lib/guard.js",
    "export function secret(req) {\n  return req.headers['x-secret'] === 'yes'\n}\n",
);
const ROUTE: (&str, &str) = (
    "pages/api/hello.js",
    "import { secret } from '../../lib/guard'\n\nexport default function handler(req, res) {\n  res.json({ known: secret(req) })\n}\n",
);

fn diff(files: &[(&str, &str)]) -> (String, String) {
    let copy = Copy::of(files);
    let output = output(&mut routelift(copy.path()));
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_function_that_nothing_else_uses_is_rewritten_in_place() {
    let (diff, stderr) = diff(&[PACKAGE, GUARD, ROUTE]);
    assert!(
        diff.contains("-  return req.headers['x-secret']"),
        "{diff}{stderr}"
    );
    assert!(!diff.contains("secretForRoute"), "{diff}");
}

#[test]
fn an_old_form_stays_for_users_that_are_not_import_declarations() {
    let users = [
        "const { secret } = require('../lib/guard')\nexports.old = (req) => secret(req)\n",
        "export const old = async (req) => (await import('../lib/guard')).secret(req)\n",
        "import { secret } from '../lib/guard'\nexport const old = (req) => secret(req\n",
        "import * as guard from '../lib/guard'\nexport const old = (req) => guard.secret(req)\n",
    ];
    for user in users {
        let (diff, stderr) = diff(&[PACKAGE, GUARD, ROUTE, ("server/old.js", user)]);
        assert!(
            diff.contains("+export function secretForRoute(req)"),
            "{user}{diff}{stderr}"
        );
        assert!(!diff.contains("-  return req.headers"), "{user}{diff}");
    }
}

#[test]
fn a_list_of_names_passes_on_the_new_name_too() {
    let page = (
        "pages/old.js",
        "import { secret } from '../lib/guard'\nexport const getServerSideProps = ({ req }) => ({ props: { it: secret(req) } })\nexport default function Page() {}\n",
    );
    let route = ROUTE.1.replace("lib/guard'", "lib'");
    let with = |index: &str| {
        diff(&[
            PACKAGE,
            GUARD,
            page,
            ("lib/index.js", index),
            ("pages/api/hello.js", &route),
        ])
    };
    let (all, stderr) = with("export * from './guard'\n");
    assert!(
        all.contains("+import { secretForRoute } from '../../../lib'"),
        "{all}{stderr}"
    );
    let (listed, stderr) = with("export { secret } from './guard'\n");
    assert!(
        listed.contains("+export { secret, secretForRoute } from './guard'"),
        "{listed}{stderr}"
    );
    let (bound, stderr) =
        with("import { secret } from './guard'\nexport { secret }\nexport function other() {}\n");
    assert!(
        bound.is_empty() && stderr.contains("passed on by name"),
        "{bound}{stderr}"
    );
}

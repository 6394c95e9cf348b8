use std::path::Path;
use std::sync::Arc;

use routelift_transforms::source::Source;
use swc_core::ecma::ast::{
    CallExpr, Callee, ExportAll, Expr, ImportDecl, Lit, NamedExport, TsImportType,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::scan;

fn found(text: &str) -> Vec<String> {
    let found = scan(text.as_bytes()).into_iter();
    found.map(|import| import.specifier).collect()
}

#[test]
fn finds_every_form() {
    assert_eq!(found("import a, { b as c } from './a'"), ["./a"]);
    assert_eq!(found("import * as a from \"./a\""), ["./a"]);
    assert_eq!(found("import './a'; import\n'./b'"), ["./a", "./b"]);
    assert_eq!(
        found("export * from './a'; export {\n b\n} from './b'"),
        ["./a", "./b"]
    );
    assert_eq!(found("const a = await import('./a')"), ["./a"]);
    assert_eq!(
        found("import(/* webpackChunkName: \"a\" */ './a')"),
        ["./a"]
    );
    assert_eq!(found("module.exports = { ...require('./a') }"), ["./a"]);
    assert_eq!(found("import a = require('./a')"), ["./a"]);
    assert_eq!(found("import { from } from './a'"), ["./a"]);
    assert_eq!(found("import(`./a`)"), ["./a"]);
    assert_eq!(found("export const a = 1; import b from './b'"), ["./b"]);
}

#[test]
fn tells_types_from_values() {
    let types = |text: &str| scan(text.as_bytes())[0].type_only;
    assert!(types("import type { A } from './a'"));
    assert!(types("import type A from './a'"));
    assert!(types("export type { A } from './a'"));
    assert!(types("export type * from './a'"));
    assert!(!types("import type from './a'"));
    assert!(!types("import type, { b } from './a'"));
    assert!(!types("import { type A, b } from './a'"));
}

#[test]
fn skips_comments_strings_and_regular_expressions() {
    assert_eq!(
        found("// import './a'\n/* import './b' */ import './c'"),
        ["./c"]
    );
    assert_eq!(found("const a = \"import './a'\"; import './b'"), ["./b"]);
    assert_eq!(
        found("const a = `import './a' ${require('./b')}`; import './c'"),
        ["./b", "./c"]
    );
    assert_eq!(found("a.replace(/['\"`]/g, ''); import './b'"), ["./b"]);
    assert_eq!(found("a.require('./a'); import.meta.url"), [""; 0]);
}

#[test]
fn reads_on_where_it_was_fooled() {
    assert_eq!(found("<p>Don't</p>\nimport('./a')"), ["./a"]);
    assert_eq!(found("<p>a ` b</p>\nimport('./a')"), ["./a"]);
    assert_eq!(found("'image/*'; <p>/* </p>; import('./a')"), ["./a"]);
}

/// What the parser says a file imports.
#[derive(Default)]
struct Oracle(Vec<String>);

impl Oracle {
    fn push(&mut self, value: &swc_core::ecma::ast::Str) {
        self.0.push(value.value.to_string_lossy().into_owned());
    }
}

impl Visit for Oracle {
    // The scan cannot tell `typeof import('x')` from a call; the edge does no harm.
    fn visit_ts_import_type(&mut self, node: &TsImportType) {
        self.push(&node.arg);
        node.visit_children_with(self);
    }

    fn visit_import_decl(&mut self, node: &ImportDecl) {
        self.push(&node.src);
    }

    fn visit_export_all(&mut self, node: &ExportAll) {
        self.push(&node.src);
    }

    fn visit_named_export(&mut self, node: &NamedExport) {
        if let Some(src) = &node.src {
            self.push(src);
        }
    }

    fn visit_call_expr(&mut self, node: &CallExpr) {
        let calls = match &node.callee {
            Callee::Import(_) => true,
            Callee::Expr(callee) => callee.as_ident().is_some_and(|name| name.sym == "require"),
            Callee::Super(_) => false,
        };
        if calls
            && let Some(argument) = node.args.first()
            && let Expr::Lit(Lit::Str(value)) = &*argument.expr
        {
            self.push(value);
        }
        node.visit_children_with(self);
    }
}

/// Compares the scan with the parser over every source below a directory; returns the
/// number of imports, those that the scan missed, and those that it made up.
fn compare(directory: &Path) -> (usize, Vec<String>, Vec<String>) {
    let (mut total, mut missed, mut extra) = (0, Vec::new(), Vec::new());
    for entry in walkdir::WalkDir::new(directory).into_iter().flatten() {
        let path = entry.path().to_string_lossy().into_owned();
        if !super::super::walk::is_source(&path) || !entry.file_type().is_file() {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let mut scanned = found(&text);
        let Ok(source) = Source::parse(&path, Arc::from(text)) else {
            continue;
        };
        let mut oracle = Oracle::default();
        source.module.visit_with(&mut oracle);
        total += oracle.0.len();
        for specifier in oracle.0 {
            match scanned.iter().position(|other| *other == specifier) {
                Some(at) => drop(scanned.swap_remove(at)),
                None => missed.push(format!("{path}: {specifier}")),
            }
        }
        extra.extend(
            scanned
                .into_iter()
                .map(|specifier| format!("{path}: {specifier}")),
        );
    }
    (total, missed, extra)
}

#[test]
fn agrees_with_the_parser_on_the_fixtures() {
    let (_, missed, extra) = compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"));
    assert_eq!(missed, [""; 0]);
    assert_eq!(extra, [""; 0]);
}

/// For trying the scan on real projects: `SOURCES=directory cargo test -- --ignored`.
#[test]
#[ignore = "needs a directory of sources"]
fn agrees_with_the_parser_on_given_sources() {
    let directory = std::env::var("SOURCES").expect("SOURCES names a directory");
    let (total, missed, extra) = compare(Path::new(&directory));
    println!("{total} imports, missed {missed:#?}, extra {extra:#?}");
    assert_eq!(missed, [""; 0]);
}

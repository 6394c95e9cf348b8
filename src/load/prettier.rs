//! Finds how Prettier is told to write files: configurations in, [`Formatting`]s out. JSON, simple
//! YAML and JavaScript that exports one plain object are read. A configuration that is made in
//! another way says nothing: the style is then read from the files themselves.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use globset::{Glob, GlobMatcher};
use routelift_transforms::project::{Formatting, TrailingComma};
use routelift_transforms::source::Source;
use serde_json::{Map, Value};
use swc_core::ecma::ast::{
    AssignTarget, Decl, Expr, Lit, ModuleDecl, ModuleItem, Prop, PropName, PropOrSpread,
    SimpleAssignTarget, Stmt, UnaryOp,
};

use super::apps::Packages;
use super::read;
use super::walk::{Walked, is_source, join, parent};

/// The names of configuration files, in the order in which Prettier looks for them.
const NAMES: &[&str] = &[
    ".prettierrc",
    ".prettierrc.json",
    ".prettierrc.yaml",
    ".prettierrc.yml",
    ".prettierrc.json5",
    ".prettierrc.js",
    ".prettierrc.ts",
    ".prettierrc.mjs",
    ".prettierrc.mts",
    ".prettierrc.cjs",
    ".prettierrc.cts",
    "prettier.config.js",
    "prettier.config.ts",
    "prettier.config.mjs",
    "prettier.config.mts",
    "prettier.config.cjs",
    "prettier.config.cts",
];

/// Whether a file of this name configures Prettier.
pub fn is_config(name: &str) -> bool {
    NAMES.contains(&name)
}

/// The configurations of a project.
pub struct Configurations {
    /// By directory; `None` where it cannot be read.
    below: BTreeMap<String, Option<Config>>,
    /// The nearest above the root, and the root as seen from there.
    above: Option<(String, Option<Config>)>,
}

struct Config {
    formatting: Formatting,
    overrides: Vec<Override>,
}

/// Options for the files that some patterns name.
struct Override {
    patterns: Vec<(GlobMatcher, bool)>,
    options: Value,
}

impl Configurations {
    /// Reads every configuration below the root, and the nearest above it up to `top`.
    pub fn read(root: &Path, top: &Path, walked: &Walked, packages: &Packages) -> Configurations {
        let mut below = BTreeMap::new();
        let directories = walked.prettier.iter().map(|path| parent(path));
        for directory in directories.chain(packages.keys().map(String::as_str)) {
            let package = |above: &str| packages.get(above).cloned();
            if !below.contains_key(directory)
                && let Some(found) = in_directory(&root.join(directory), || {
                    let mut above = directory;
                    loop {
                        if let Some(major) = package(above).as_ref().and_then(major) {
                            return Some(major);
                        }
                        if above.is_empty() {
                            return None;
                        }
                        above = parent(above);
                    }
                })
            {
                below.insert(directory.to_string(), found);
            }
        }
        let ancestors = root.ancestors().skip(1);
        let above = ancestors
            .take_while(|above| above.starts_with(top))
            .find_map(|above| {
                let found = in_directory(above, || {
                    major(&json(&read::text(&above.join("package.json")).ok()?)?)
                })?;
                Some((super::walk::relative(above, root)?, found))
            });
        Configurations { below, above }
    }

    /// How a file is to be written, when a configuration says so.
    pub fn of(&self, path: &str) -> Option<Arc<Formatting>> {
        let mut directory = parent(path);
        loop {
            if let Some(config) = self.below.get(directory) {
                let inside = path[directory.len()..].trim_start_matches('/');
                return config.as_ref().map(|config| config.of(inside));
            }
            if directory.is_empty() {
                break;
            }
            directory = parent(directory);
        }
        let (root, config) = self.above.as_ref()?;
        config.as_ref().map(|config| config.of(&join(root, path)))
    }
}

impl Config {
    fn read(options: &Value, major: Option<u64>) -> Config {
        let mut formatting = Formatting::default();
        if major.is_some_and(|major| major < 3) {
            formatting.trailing_comma = match major {
                Some(2) => TrailingComma::Es5,
                _ => TrailingComma::None,
            };
        }
        set(&mut formatting, options);
        let overrides = options["overrides"].as_array().into_iter().flatten();
        Config {
            formatting,
            overrides: overrides.map(Override::read).collect(),
        }
    }

    /// How the file at a path below the configuration is to be written.
    fn of(&self, path: &str) -> Arc<Formatting> {
        let mut formatting = self.formatting.clone();
        let name = path.rsplit('/').next().unwrap_or(path);
        for entry in &self.overrides {
            let mut patterns = entry.patterns.iter();
            if patterns.any(|(glob, whole)| glob.is_match(if *whole { path } else { name })) {
                set(&mut formatting, &entry.options);
            }
        }
        Arc::new(formatting)
    }
}

impl Override {
    fn read(entry: &Value) -> Override {
        let patterns = match &entry["files"] {
            Value::Array(patterns) => patterns.iter().filter_map(Value::as_str).collect(),
            pattern => pattern.as_str().into_iter().collect::<Vec<_>>(),
        };
        let glob = |pattern: &str| {
            let glob = Glob::new(pattern.trim_start_matches("./")).ok()?;
            Some((glob.compile_matcher(), pattern.contains('/')))
        };
        Override {
            patterns: patterns.into_iter().filter_map(glob).collect(),
            options: entry["options"].clone(),
        }
    }
}

/// Takes over the options that are given.
fn set(formatting: &mut Formatting, options: &Value) {
    let number = |name: &str| options[name].as_u64().map(|number| number as usize);
    let flag = |name: &str| options[name].as_bool();
    formatting.print_width = number("printWidth").unwrap_or(formatting.print_width);
    formatting.tab_width = number("tabWidth").unwrap_or(formatting.tab_width);
    formatting.use_tabs = flag("useTabs").unwrap_or(formatting.use_tabs);
    formatting.semi = flag("semi").unwrap_or(formatting.semi);
    formatting.single_quote = flag("singleQuote").unwrap_or(formatting.single_quote);
    formatting.trailing_comma = match options["trailingComma"].as_str() {
        Some("all") => TrailingComma::All,
        Some("es5") => TrailingComma::Es5,
        Some("none") => TrailingComma::None,
        _ => formatting.trailing_comma,
    };
}

/// The configuration that stands in a directory: `Some(None)` when there is one that cannot be read.
fn in_directory(directory: &Path, major: impl Fn() -> Option<u64>) -> Option<Option<Config>> {
    let text = |name: &str| read::text(&directory.join(name)).ok();
    let own = |json: Value| json.get("prettier").cloned();
    let options = match text("package.json").as_deref().and_then(json).and_then(own) {
        Some(options) => Some(options),
        None => {
            let (name, text) = NAMES.iter().find_map(|name| Some((name, text(name)?)))?;
            if is_source(name) {
                javascript(name, &text)
            } else {
                json(&text).or_else(|| yaml(&text))
            }
        }
    };
    let options = options.filter(Value::is_object);
    Some(options.map(|options| Config::read(&options, major())))
}

/// The major version of Prettier that a `package.json` asks for.
fn major(package: &Value) -> Option<u64> {
    let kinds = ["devDependencies", "dependencies"];
    let range = kinds
        .iter()
        .find_map(|kind| package[kind]["prettier"].as_str())?;
    let digits = range.trim_start_matches(|char: char| !char.is_ascii_digit());
    digits.split('.').next()?.parse().ok()
}

fn json(text: &str) -> Option<Value> {
    jsonc_parser::parse_to_serde_value(text, &jsonc_parser::ParseOptions::default()).ok()
}

/// `name: value` lines; what is nested is passed over.
fn yaml(text: &str) -> Option<Value> {
    let mut options = Map::new();
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or(line).trim_end();
        if line.is_empty() || line.starts_with(['#', ' ', '\t', '-']) {
            continue;
        }
        let (name, value) = line.split_once(':')?;
        let value = value.trim().trim_matches(['\'', '"']);
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        options.insert(name.trim_matches(['\'', '"']).to_string(), value);
    }
    Some(Value::Object(options))
}

/// The plain object that a module exports, under its own name or directly.
fn javascript(name: &str, text: &str) -> Option<Value> {
    let source = Source::parse(name, Arc::from(text)).ok()?;
    let exported = source.items().iter().find_map(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => Some(&*export.expr),
        ModuleItem::Stmt(Stmt::Expr(statement)) => match &*statement.expr {
            Expr::Assign(assign) => match &assign.left {
                AssignTarget::Simple(SimpleAssignTarget::Member(target))
                    if source.text_of(target) == "module.exports" =>
                {
                    Some(&*assign.right)
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    })?;
    let Expr::Ident(name) = exported else {
        return value(exported);
    };
    source.items().iter().find_map(|item| match item {
        ModuleItem::Stmt(Stmt::Decl(Decl::Var(variables))) => {
            let mut declarators = variables.decls.iter();
            declarators.find_map(|declarator| {
                let bound = declarator.name.as_ident()?;
                (bound.sym == name.sym).then(|| value(declarator.init.as_deref()?))?
            })
        }
        _ => None,
    })
}

/// What a literal stands for; `None` for what is computed or comes from elsewhere.
fn value(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Lit(Lit::Bool(flag)) => Some(Value::from(flag.value)),
        Expr::Lit(Lit::Num(number)) => Some(Value::from(number.value as u64)),
        Expr::Lit(Lit::Str(text)) => Some(Value::from(text.value.to_string_lossy().into_owned())),
        Expr::Unary(unary) if unary.op == UnaryOp::Bang => match value(&unary.arg)? {
            Value::Number(number) => Some(Value::from(number.as_u64() == Some(0))),
            _ => None,
        },
        Expr::Array(array) => {
            let items = array.elems.iter().flatten();
            Some(items.filter_map(|item| value(&item.expr)).collect())
        }
        Expr::Object(object) => {
            let mut entries = Map::new();
            for prop in &object.props {
                // Options of another object may be any.
                let PropOrSpread::Prop(prop) = prop else {
                    return None;
                };
                if let Prop::KeyValue(pair) = &**prop
                    && let Some(value) = value(&pair.value)
                {
                    let name = match &pair.key {
                        PropName::Ident(name) => name.sym.to_string(),
                        PropName::Str(name) => name.value.to_string_lossy().into_owned(),
                        _ => continue,
                    };
                    entries.insert(name, value);
                }
            }
            Some(Value::Object(entries))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use routelift_transforms::project::TrailingComma;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        directory
    }

    /// How the file of this path is to be written, below `from`.
    fn found(files: &[(&str, &str)], from: &str, path: &str) -> Option<Formatting> {
        let directory = project(files);
        let root = directory.path().canonicalize().unwrap().join(from);
        let walked = super::super::walk::walk(&root).unwrap();
        let (packages, _) = super::super::apps::packages(&root, &walked);
        let top = directory.path().canonicalize().unwrap();
        let found = Configurations::read(&root, &top, &walked, &packages).of(path);
        found.map(|found| (*found).clone())
    }

    #[test]
    fn every_spelling_is_read() {
        let spellings = [
            (
                ".prettierrc",
                "{ \"printWidth\": 100, // wide\n \"semi\": false }",
            ),
            (
                ".prettierrc",
                "# ours\nprintWidth: 100\nsemi: false # never\n",
            ),
            (".prettierrc.yaml", "printWidth: 100\n\"semi\": false\n"),
            (
                "prettier.config.js",
                "module.exports = { printWidth: 100, semi: !1, plugins: [require('x')] }",
            ),
            (
                "prettier.config.mjs",
                "const config = { printWidth: 100, semi: false };\nexport default config;",
            ),
            (
                "package.json",
                "{ \"prettier\": { \"printWidth\": 100, \"semi\": false } }",
            ),
        ];
        let told = Formatting {
            print_width: 100,
            semi: false,
            ..Formatting::default()
        };
        for (name, text) in spellings {
            assert_eq!(
                found(&[(name, text)], "", "src/a.ts"),
                Some(told.clone()),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_computed_says_nothing() {
        let computed = "module.exports = { ...require('shared'), semi: false }";
        let files = [(".prettierrc", "{}"), ("web/.prettierrc.js", computed)];
        assert_eq!(found(&files, "", "web/a.ts"), None);
        assert_eq!(found(&files, "", "a.ts"), Some(Formatting::default()));
        let shared = [("package.json", "{ \"prettier\": \"@company/prettier\" }")];
        assert_eq!(found(&shared, "", "a.ts"), None);
        assert_eq!(found(&[], "", "a.ts"), None);
    }

    #[test]
    fn the_nearest_configuration_holds_even_above_the_root() {
        let files = [
            (".prettierrc", "{ \"tabWidth\": 4 }"),
            ("web/package.json", "{}"),
            ("web/lib/.prettierrc", "{ \"tabWidth\": 8 }"),
        ];
        let width = |path| found(&files, "web", path).map(|found| found.tab_width);
        assert_eq!(width("a.ts"), Some(4));
        assert_eq!(width("lib/a.ts"), Some(8));
    }

    #[test]
    fn overrides_hold_for_the_files_that_they_name() {
        let text = r#"{ "overrides": [{ "files": ["*.tsx"], "options": { "tabWidth": 4 } },
            { "files": "pages/**/*.ts", "options": { "semi": false } }] }"#;
        let read = |path| found(&[(".prettierrc", text)], "", path).unwrap();
        assert_eq!(read("components/a.tsx").tab_width, 4);
        assert!(!read("pages/api/a.ts").semi);
        assert!(read("lib/a.ts").semi);
    }

    #[test]
    fn the_version_of_prettier_gives_the_default_for_commas() {
        let comma = |range: &str| {
            let package = format!("{{ \"devDependencies\": {{ \"prettier\": \"{range}\" }} }}");
            let files = [(".prettierrc", "{}"), ("package.json", package.as_str())];
            found(&files, "", "a.ts").unwrap().trailing_comma
        };
        assert_eq!(comma("^2.8.8"), TrailingComma::Es5);
        assert_eq!(comma("3.5.0"), TrailingComma::All);
        assert_eq!(comma("latest"), TrailingComma::All);
    }
}

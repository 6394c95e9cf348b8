//! An API file that becomes a module of its own, because other modules import it or because it exports
//! more than a handler. In: the file and where it goes. Out: the edits of every file that names it:
//! imports, re-exports, `require`, `import()`, types by `import()`, and mocks by path, as `jest.mock`.
//! Refuses names that are put together from parts, and those in files that do not parse.

use std::collections::BTreeSet;
use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::clients::is_test;
use crate::edit::Edits;
use crate::facts::api_module::{DefaultExport, Outline, refuse_at};
use crate::facts::route::Route;
use crate::importers::name_for;
use crate::outcome::{Place, Refusal};
use crate::project::{App, Project};
use crate::reason::Reason;
use crate::shared_state::{State, state};
use crate::source::Source;
use crate::surroundings::{self, directory, is_relative, normalise};
use crate::syntax::{bare, id};

/// What comes before the name of a module that is loaded or mocked by a call.
const CALLS: [&str; 7] = [
    "require(",
    "import(",
    "resolve(",
    "ock(",
    "Actual(",
    "Mock(",
    "FromModule(",
];

/// The calls of a project whose argument may name a module.
#[derive(Default)]
pub struct Loads<'p>(Vec<Load<'p>>);

struct Load<'p> {
    path: &'p str,
    /// The text of the argument up to its first part that is not known.
    text: &'p str,
    /// Whether that is all of it.
    whole: bool,
    at: usize,
}

impl<'p> Loads<'p> {
    /// Reads the texts of all files.
    pub fn new(project: &'p Project) -> Loads<'p> {
        let mut found = Vec::new();
        for (path, file) in &project.files {
            let Some(text) = file.text.as_deref() else {
                continue;
            };
            for call in CALLS {
                for (at, _) in text.match_indices(call) {
                    let at = at + call.len();
                    let at = at + text[at..].len() - text[at..].trim_start().len();
                    found.extend(load(path, text, at));
                }
            }
        }
        Loads(found)
    }
}

/// The argument of a call that starts with a string.
fn load<'p>(path: &'p str, text: &'p str, at: usize) -> Option<Load<'p>> {
    let quote = text[at..]
        .chars()
        .next()
        .filter(|char| "'\"`".contains(*char))?;
    let rest = &text[at + 1..];
    let end = rest.find(quote)?;
    let name = &rest[..end];
    let (text, whole) = match name.find("${").filter(|_| quote == '`') {
        Some(hole) => (&name[..hole], false),
        None => (name, !rest[end + 1..].trim_start().starts_with('+')),
    };
    Some(Load {
        path,
        text,
        whole,
        at,
    })
}

/// Where the file of a route goes: beside the route file, under a name that nothing else has.
pub fn path(project: &Project, route: &Route) -> String {
    let folder = directory(&route.target);
    let (stem, extension) = strip_extension(&route.file);
    // The folder of a route below has the name of its last segment.
    let below = stem.strip_suffix("/index").unwrap_or(stem);
    let taken = |name: &String| {
        let folders = [folder, below].into_iter();
        let starts = folders.flat_map(|at| ["/", "."].map(|end| format!("{at}/{name}{end}")));
        starts.into_iter().any(|start| {
            let mut files = project.files.range(start.clone()..);
            files
                .next()
                .is_some_and(|(path, _)| path.starts_with(&start))
        })
    };
    let names = ["handler", "pages-handler"].map(str::to_string).into_iter();
    let mut names = names.chain((2..).map(|number| format!("handler-{number}")));
    let name = names.find(|name| !taken(name)).unwrap_or_default();
    format!("{folder}/{name}{extension}")
}

/// Whether the default export may be a handler: a function of the file that takes less than two
/// parameters is none.
pub fn takes_response(outline: &Outline) -> bool {
    let function = match &outline.default.1 {
        DefaultExport::Function(function) => Some(&**function),
        DefaultExport::Name(name) => outline.functions.get(name),
        DefaultExport::Expr(expr) => match bare(expr) {
            Expr::Ident(name) => outline.functions.get(&id(name)),
            _ => None,
        },
    };
    let rest = |params: &[&Pat]| matches!(params.last(), Some(Pat::Rest(_)));
    function.is_none_or(|function| function.params.len() > 1 || rest(&function.params))
}

/// A module beside tests that imports a file with state of its own: the two routers would have one
/// each.
pub fn shares_state<'i>(source: &Source, importers: &'i [(String, Edits)]) -> Option<&'i str> {
    let varies = source.items().iter().any(|item| {
        let decl = match item {
            ModuleItem::Stmt(Stmt::Decl(decl)) => decl,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
            _ => return false,
        };
        decl.as_var()
            .is_some_and(|variables| variables.kind != VarDeclKind::Const)
    });
    if !varies && state(&source.path, &source.text) != State::Store {
        return None;
    }
    let mut paths = importers.iter().map(|(path, _)| path.as_str());
    paths.find(|path| !is_test(path))
}

/// What is looked for.
struct Wanted<'w> {
    project: &'w Project,
    app: &'w App,
    route: &'w Route,
    new: &'w str,
}

/// The edits that let everything that names the file of a route find it at `new`.
///
/// # Errors
/// The refusals for names that cannot be repaired.
pub fn repaired(
    project: &Project,
    app: &App,
    route: &Route,
    new: &str,
    loads: &Loads,
) -> Result<Vec<(String, Edits)>, Vec<Refusal>> {
    let wanted = Wanted {
        project,
        app,
        route,
        new,
    };
    let mut paths = surroundings::importers(project, &route.file);
    for load in &loads.0 {
        if load.path == route.file {
            continue;
        }
        if !load.whole && wanted.may_begin(load.path, load.text) {
            return Err(vec![wanted.refusal(load, "names it in part only")]);
        }
        if load.whole && wanted.is_named(load.path, load.text) {
            paths.insert(load.path);
        } else if load.whole && wanted.looks_named(load.path, load.text) {
            return Err(vec![
                wanted.refusal(load, "names it in a way that is not known"),
            ]);
        }
    }
    // Two apps settle apart from each other.
    let others = project.apps.iter().filter(|other| other.dir != app.dir);
    let others: Vec<&App> = others.collect();
    let mut edits = Vec::new();
    for path in paths {
        let whole = || {
            vec![Refusal {
                reason: Reason::ImportedElsewhere,
                place: Place::file_start(path),
                detail: format!("imports {}", route.file),
            }]
        };
        let text = project.files[path].text.clone().ok_or_else(whole)?;
        if others.iter().any(|other| Route::of(other, path).is_some()) {
            return Err(whole());
        }
        let source = project.parse(path, text).map_err(|_| whole())?;
        let mut names = NamesIt {
            source: &source,
            wanted: &wanted,
            found: Vec::new(),
            seen: BTreeSet::new(),
            strange: None,
        };
        source.module.visit_with(&mut names);
        if let Some(range) = names.strange {
            let detail = format!("names {} where no module is loaded", route.file);
            let reason = Reason::ImportedElsewhere;
            return Err(vec![refuse_at(&source, reason, range, detail)]);
        }
        if names.found.is_empty() {
            return Err(whole());
        }
        let mut own = Edits::default();
        for (range, text) in names.found {
            own.replace(range, text);
        }
        edits.push((path.to_string(), own));
    }
    Ok(edits)
}

impl Wanted<'_> {
    fn refusal(&self, load: &Load, what: &str) -> Refusal {
        let text = self.project.files[load.path].text.as_deref();
        let (at, end) = (load.at, load.at + load.text.len() + 1);
        Refusal {
            reason: Reason::ImportedElsewhere,
            place: Place::new(load.path, text.unwrap_or_default(), at, end),
            detail: format!("{what}: {}", self.route.file),
        }
    }

    /// The path that a specifier stands for, as far as its own text says it.
    fn target(&self, from: &str, specifier: &str) -> Option<String> {
        if is_relative(specifier) {
            return normalise(&format!("{}/{specifier}", directory(from)));
        }
        let mut aliases = self.app.aliases.iter();
        aliases.find_map(|alias| {
            let rest = specifier.strip_prefix(alias.prefix.as_str())?;
            normalise(&format!("{}{rest}", alias.target))
        })
    }

    /// The file without its extension.
    fn stem(&self) -> &str {
        let file = self.route.file.as_str();
        file.rsplit_once('.').map_or(file, |(stem, _)| stem)
    }

    /// Whether a specifier in a file names the route's file.
    fn is_named(&self, from: &str, specifier: &str) -> bool {
        let file = self.project.files.get(from);
        let known = file.and_then(|file| {
            let mut imports = file.imports.iter();
            imports.find(|import| import.specifier == specifier)
        });
        if let Some(target) = known.and_then(|import| import.resolved.as_deref()) {
            return target == self.route.file;
        }
        let Some(target) = self.target(from, specifier) else {
            return false;
        };
        let stem = self.stem();
        let bare = strip_extension(&target).0;
        // A file goes before a directory of its name.
        let index = stem.strip_suffix("/index").filter(|directory| {
            let mut files = self.project.files.range(format!("{directory}.")..);
            let next = files.next().map(|(path, _)| path);
            !next.is_some_and(|path| {
                path.rsplit_once('.')
                    .is_some_and(|(at, _)| at == *directory)
            })
        });
        target == self.route.file || target == stem || bare == stem || index == Some(&target)
    }

    /// Whether a specifier that is not understood ends like the path of the file.
    fn looks_named(&self, from: &str, specifier: &str) -> bool {
        let pages = self.app.pages.as_deref().unwrap_or_default();
        let inside = self.stem().strip_prefix(pages).unwrap_or_default();
        let known = self.target(from, specifier).is_some();
        !known && !inside.is_empty() && strip_extension(specifier).0.ends_with(inside)
    }

    /// Whether a specifier that goes on in a way that is not known may name the file.
    fn may_begin(&self, from: &str, start: &str) -> bool {
        let (folder, rest) = start.rsplit_once('/').unwrap_or(("", start));
        if folder.is_empty() {
            return false;
        }
        match self.target(from, folder) {
            Some(folder) => self.route.file.starts_with(&format!("{folder}/{rest}")),
            None => format!("{folder}/").contains("pages/api/"),
        }
    }

    /// How a file names the new module.
    fn name(&self, from: &str, specifier: &str) -> String {
        let name = name_for(self.app, specifier, from, self.new);
        format!("{name}{}", strip_extension(specifier).1)
    }
}

/// A path without the extension of a module, and that extension.
fn strip_extension(path: &str) -> (&str, &str) {
    for extension in [".tsx", ".ts", ".jsx", ".js", ".mjs", ".cjs"] {
        if let Some(stem) = path.strip_suffix(extension) {
            return (stem, &path[stem.len()..]);
        }
    }
    (path, "")
}

/// Finds the strings that name the file.
struct NamesIt<'n> {
    source: &'n Source,
    wanted: &'n Wanted<'n>,
    found: Vec<(Range<usize>, String)>,
    seen: BTreeSet<usize>,
    /// One that is no specifier.
    strange: Option<Range<usize>>,
}

impl NamesIt<'_> {
    fn specifier(&mut self, range: Range<usize>, text: &str) {
        self.seen.insert(range.start);
        let path = self.source.path.as_str();
        if self.wanted.is_named(path, text) {
            let name = self.wanted.name(path, text);
            self.found.push((range.start + 1..range.end - 1, name));
        }
    }

    fn string(&mut self, node: &Str) {
        self.specifier(self.source.range(node), &node.value.to_string_lossy());
    }
}

impl Visit for NamesIt<'_> {
    fn visit_import_decl(&mut self, node: &ImportDecl) {
        self.string(&node.src);
    }

    fn visit_named_export(&mut self, node: &NamedExport) {
        node.src.iter().for_each(|src| self.string(src));
    }

    fn visit_export_all(&mut self, node: &ExportAll) {
        self.string(&node.src);
    }

    fn visit_ts_import_type(&mut self, node: &TsImportType) {
        self.string(&node.arg);
        node.type_args.visit_with(self);
    }

    fn visit_ts_external_module_ref(&mut self, node: &TsExternalModuleRef) {
        self.string(&node.expr);
    }

    fn visit_call_expr(&mut self, node: &CallExpr) {
        if let Some(first) = node.args.first() {
            match bare(&first.expr) {
                Expr::Lit(Lit::Str(text)) => self.string(text),
                Expr::Tpl(template) if template.exprs.is_empty() => {
                    let range = self.source.range(template);
                    let text = self.source.text[range.start + 1..range.end - 1].to_string();
                    self.specifier(range, &text);
                }
                _ => {}
            }
        }
        node.visit_children_with(self);
    }

    fn visit_str(&mut self, node: &Str) {
        let range = self.source.range(node);
        let text = node.value.to_string_lossy();
        let path = self.source.path.as_str();
        if !self.seen.contains(&range.start)
            && is_relative(&text)
            && self.wanted.is_named(path, &text)
        {
            self.strange.get_or_insert(range);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::next_version::NextVersion;
    use crate::project::{Alias, File, NextConfig};

    fn app() -> App {
        App {
            dir: String::new(),
            depends_on_next: true,
            next: NextVersion::parse("15.5.0"),
            next_source: String::new(),
            pages: Some("src/pages".to_string()),
            app: None,
            typescript: true,
            config: NextConfig::default(),
            aliases: vec![Alias {
                prefix: "@/".to_string(),
                target: "src/".to_string(),
            }],
        }
    }

    fn project(files: &[(&str, &str)]) -> Project {
        let file = |text: &str| File {
            text: Some(Arc::from(text)),
            ..File::default()
        };
        let files = files
            .iter()
            .map(|(path, text)| (path.to_string(), file(text)));
        Project {
            files: files.collect(),
            ..Project::default()
        }
    }

    /// What becomes of a test that names `src/pages/api/cats/index.ts`.
    fn repair(text: &str) -> Result<String, String> {
        let file = "src/pages/api/cats/index.ts";
        let project = project(&[(file, ""), ("src/tests/cats.test.ts", text)]);
        let route = Route::of(&app(), file).unwrap();
        let new = path(&project, &route);
        let loads = Loads::new(&project);
        match repaired(&project, &app(), &route, &new, &loads) {
            Ok(edits) => Ok(edits.first().map_or_else(
                || text.to_string(),
                |(_, edits)| edits.render(text, 0..text.len()).unwrap(),
            )),
            Err(refusals) => Err(refusals[0].detail.clone()),
        }
    }

    #[test]
    fn names_of_the_file_are_repaired() {
        for (old, new) in [
            ("../pages/api/cats", "../app/api/cats/handler"),
            ("../pages/api/cats/index", "../app/api/cats/handler"),
            ("../pages/api/cats/index.ts", "../app/api/cats/handler.ts"),
            ("@/pages/api/cats", "@/app/api/cats/handler"),
        ] {
            for text in [
                "jest.mock('X', () => ({}))\n",
                "vi.doMock(\n  `X`,\n)\n",
                "const x = require('X')\n",
                "const x = await vi.importActual<typeof import('X')>('X')\n",
                "jest.resetModules(); import x, { y } from 'X'\nrequire.resolve('X')\n",
                "export * from \"X\"\njest.unmock('X')\n",
            ] {
                let repaired = repair(&text.replace('X', old));
                assert_eq!(repaired, Ok(text.replace('X', new)), "{text}");
            }
        }
        let other = "jest.mock('../pages/api/cats/[id]')\nrequire('../pages/api/dogs')\n";
        assert_eq!(repair(other), Ok(other.to_string()));
    }

    #[test]
    fn names_that_are_not_understood_are_refused() {
        for text in [
            "const x = await import(`../pages/api/${name}`)\n",
            "const x = require('../pages/api/' + name)\n",
            "jest.mock(`@/pages/api/cats${end}`)\n",
            "jest.mock(`~/pages/api/${name}`)\n",
        ] {
            assert!(repair(text).unwrap_err().contains("in part"), "{text}");
        }
        let unknown = "jest.mock('~/pages/api/cats/index')\n";
        assert!(repair(unknown).unwrap_err().contains("not known"));
        let broken = "jest.mock('../pages/api/cats'\n";
        assert!(repair(broken).unwrap_err().contains("imports"));
        let read = "jest.mock('../pages/api/cats')\nread(here, '../pages/api/cats/index.ts')\n";
        assert!(repair(read).unwrap_err().contains("no module is loaded"));
        let elsewhere = "const x = await import(`../pages/${name}/index`)\n";
        assert!(repair(elsewhere).is_err());
        let fine = "const x = await import(`../lib/${name}`)\n";
        assert_eq!(repair(fine), Ok(fine.to_string()));
    }

    #[test]
    fn the_new_name_is_free() {
        let at = |files: &[&str]| {
            let all: Vec<_> = files.iter().map(|file| (*file, "")).collect();
            let route = Route::of(&app(), "src/pages/api/cats/index.tsx").unwrap();
            path(&project(&all), &route)
        };
        assert_eq!(at(&[]), "src/app/api/cats/handler.tsx");
        assert_eq!(at(&["src/pages/api/cats/handlers.ts"]), at(&[]));
        let other = "src/app/api/cats/pages-handler.tsx";
        assert_eq!(at(&["src/app/api/cats/handler.ts"]), other);
        assert_eq!(at(&["src/pages/api/cats/handler/index.ts"]), other);
        let both = [
            "src/pages/api/cats/handler.ts",
            "src/app/api/cats/pages-handler.js",
        ];
        assert_eq!(at(&both), "src/app/api/cats/handler-2.tsx");
    }

    #[test]
    fn state_is_not_doubled() {
        let shares = |text: &str, importer: &str| {
            let source = Source::parse("pages/api/a.ts", Arc::from(text)).unwrap();
            let importers = [(importer.to_string(), Edits::default())];
            shares_state(&source, &importers).is_some()
        };
        for state in [
            "let count = 0\n",
            "const seen = new Map()\nexport const see = (a) => seen.set(a, 1)\n",
        ] {
            assert!(shares(state, "lib/a.ts"));
            assert!(!shares(state, "tests/a.test.ts"));
        }
        assert!(!shares("export const limit = 3\n", "lib/a.ts"));
    }
}

//! Comments that say what is wanted of an API file: `// routelift: external`, `action` or `keep`,
//! perhaps with methods behind it, and with a reason behind ` -- `. In: a file. Out: the wishes,
//! or a refusal where a comment cannot be followed: what its author wants is not known then.
//!
//! They stand above the first statement of the file, or right above its handler: the default
//! export, or a declaration that this is made of.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::facts::api_module::refuse_at;
use crate::facts::route::Route;
use crate::outcome::{Place, Refusal, Warning};
use crate::project::Project;
use crate::reason::Reason;
use crate::source::Source;
use crate::specialise::METHODS;
use crate::syntax::{Id, id};
use crate::wishes::{Origin, Way, Wish, contradiction};

/// What such a comment starts with.
const MARK: &str = "routelift:";

/// Whether a text may have such a comment.
pub fn mentions(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), MARK.as_bytes()).is_some()
}

/// What the comments of an API file want.
///
/// # Errors
/// When one of them cannot be followed, or two contradict each other.
pub fn read(source: &Source, route: &Route) -> Result<Vec<Wish>, Refusal> {
    let refuse = |range: &Range<usize>, detail: String| {
        refuse_at(source, Reason::RouteliftComment, range.clone(), detail)
    };
    let first = source.items().first().map(|item| source.range(item).start);
    let homes = homes(source);
    let mut wishes = Vec::new();
    for (range, words) in comments(source) {
        let (way, methods) = parse(words).map_err(|why| refuse(&range, why))?;
        let above = behind(source, range.end);
        let at_home = first.is_some_and(|first| range.end <= first) || homes.contains(&above);
        if !at_home {
            let why = "stands neither at the top of the file nor right above the handler";
            return Err(refuse(&range, why.to_string()));
        }
        let place = Place::new(&source.path, &source.text, range.start, range.end);
        let methods = match methods.is_empty() {
            true => vec![None],
            false => methods.into_iter().map(Some).collect(),
        };
        wishes.extend(methods.into_iter().map(|method| Wish {
            route: route.path.clone(),
            method,
            way,
            origin: Origin::Comment(place.clone()),
        }));
    }
    if let Some((_, second)) = contradiction(&wishes)
        && let Some(place) = second.origin.place()
    {
        let why = "contradicts another comment of the file".to_string();
        return Err(refuse(&(place.start..place.end), why));
    }
    Ok(wishes)
}

/// The comments of files that have no handler of the Pages Router: nobody follows them there.
pub fn strays(project: &Project) -> Vec<Warning> {
    let is_api = |path: &str| {
        project
            .apps
            .iter()
            .any(|app| Route::of(app, path).is_some())
    };
    let mut out = Vec::new();
    for (path, file) in &project.files {
        let Some(text) = file.text.as_ref().filter(|text| mentions(text)) else {
            continue;
        };
        if is_api(path) {
            continue;
        }
        let Ok(source) = project.parse(path, text.clone()) else {
            continue;
        };
        out.extend(comments(&source).map(|(range, _)| Warning {
            what: "the comment has no effect here: it belongs in a file below pages/api".into(),
            place: Some(Place::new(path, text, range.start, range.end)),
        }));
    }
    out
}

/// A generated text without such comments: they speak of the file that it was made of.
pub fn without(path: &str, text: String) -> String {
    if !mentions(&text) {
        return text;
    }
    let Ok(source) = Source::parse(path, Arc::from(text.as_str())) else {
        return text;
    };
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r');
    let mut out = String::new();
    let mut rest = 0;
    for (range, _) in comments(&source) {
        let start = text[..range.start].trim_end_matches([' ', '\t']).len();
        out.push_str(text.get(rest..start).unwrap_or_default());
        rest = range.end;
        if !(out.is_empty() || out.ends_with('\n')) {
            continue;
        }
        // The whole line goes, and the empty one below where one stands above, or nothing.
        let line = |at: usize| {
            let end = text[at..].trim_start_matches(blank).strip_prefix('\n')?;
            Some(text.len() - end.len())
        };
        let above = out.strip_suffix('\n').unwrap_or_default();
        let lone = above.is_empty() || above.trim_end_matches(blank).ends_with('\n');
        if let Some(end) = line(rest) {
            rest = line(end).filter(|_| lone).unwrap_or(end);
        }
    }
    out + &text[rest..]
}

/// The comments that start with the mark, and their words.
fn comments(source: &Source) -> impl Iterator<Item = (Range<usize>, &str)> {
    source.comments.iter().filter_map(|range| {
        let text = &source.text[range.clone()];
        let inner = match text.strip_prefix("/*") {
            Some(block) => block.strip_suffix("*/")?.trim_matches('*'),
            None => text.strip_prefix("//")?,
        };
        Some((range.clone(), inner.trim().strip_prefix(MARK)?))
    })
}

/// What the words want, and of which methods.
fn parse(words: &str) -> Result<(Way, Vec<String>), String> {
    let words = words.split_once("--").map_or(words, |(words, _)| words);
    let mut words = words.split([' ', '\t', '\n', '\r', ',']);
    let mut words = words.by_ref().filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let Some(way) = Way::ALL.into_iter().find(|way| way.name() == first) else {
        return Err(format!("{first:?} is none of external, action and keep"));
    };
    let methods: Vec<String> = words.map(str::to_ascii_uppercase).collect();
    if let Some(other) = methods
        .iter()
        .find(|method| !METHODS.contains(&method.as_str()))
    {
        return Err(format!("{other:?} is no method of a route"));
    }
    if way == Way::Keep && !methods.is_empty() {
        return Err("a file is kept with all its methods".to_string());
    }
    Ok((way, methods))
}

/// The next byte that is neither white space nor part of a comment.
fn behind(source: &Source, mut at: usize) -> usize {
    let text = &source.text;
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        match source.comments.iter().find(|comment| comment.start == at) {
            Some(comment) => at = comment.end,
            None => return at,
        }
    }
}

/// Where the statements start that the default export is made of: its own, and those that declare
/// a name that it has outside of functions.
fn homes(source: &Source) -> BTreeSet<usize> {
    let mut made_of = MadeOf::default();
    let mut found = BTreeSet::new();
    for item in source.items() {
        let default = match item {
            ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(_)) => true,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => {
                export.expr.visit_with(&mut made_of);
                true
            }
            ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export)) if export.src.is_none() => {
                let default = export.specifiers.iter().find_map(|specifier| {
                    let named = specifier.as_named()?;
                    let exported = named.exported.as_ref()?;
                    (&**exported.atom() == "default").then_some(&named.orig)
                });
                if let Some(ModuleExportName::Ident(name)) = default {
                    made_of.0.insert(id(name));
                }
                default.is_some()
            }
            _ => false,
        };
        if default {
            found.insert(source.range(item).start);
        }
    }
    loop {
        let before = (found.len(), made_of.0.len());
        for item in source.items() {
            let decl = match item {
                ModuleItem::Stmt(Stmt::Decl(decl)) => decl,
                ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
                _ => continue,
            };
            let declares = match decl {
                Decl::Fn(function) => made_of.0.contains(&id(&function.ident)),
                Decl::Var(variables) => variables.decls.iter().any(|declarator| {
                    let name = declarator.name.as_ident();
                    let is = name.is_some_and(|name| made_of.0.contains(&id(&name.id)));
                    if is {
                        declarator.init.visit_with(&mut made_of);
                    }
                    is
                }),
                _ => false,
            };
            if declares {
                found.insert(source.range(item).start);
            }
        }
        if before == (found.len(), made_of.0.len()) {
            return found;
        }
    }
}

/// Collects the names that an expression has outside of functions.
#[derive(Default)]
struct MadeOf(std::collections::HashSet<Id>);

impl Visit for MadeOf {
    fn visit_ident(&mut self, name: &Ident) {
        self.0.insert(id(name));
    }

    fn visit_function(&mut self, _: &Function) {}

    fn visit_arrow_expr(&mut self, _: &ArrowExpr) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<(Way, Option<String>)>, String> {
        let source = Source::parse("pages/api/a.ts", Arc::from(text)).unwrap();
        let route = Route {
            path: "/api/a".to_string(),
            slugs: Vec::new(),
            file: "pages/api/a.ts".to_string(),
            target: String::new(),
        };
        let wishes = read(&source, &route).map_err(|refusal| refusal.detail)?;
        Ok(wishes
            .into_iter()
            .map(|wish| (wish.way, wish.method))
            .collect())
    }

    #[test]
    fn comments_stand_at_the_top_or_above_the_handler() {
        let external = Ok(vec![(Way::External, None)]);
        for text in [
            "// routelift: external\nimport a from 'a'\nexport default function handler() {}\n",
            "import a from 'a'\n/* routelift: external -- Stripe calls it */\nexport default () => {}\n",
            "import a from 'a'\n// routelift: external\n// The handler.\nconst handler = () => {}\nexport default handler\n",
            "const inner = () => {}\n/** routelift: external */\nconst outer = withA(inner)\nexport default withB(outer)\n",
            "// routelift: external\nfunction inner() {}\nexport { inner as default }\n",
        ] {
            assert_eq!(read_text(text), external, "{text}");
        }
        for text in [
            "import a from 'a'\n// routelift: external\nfunction help() {}\nexport default () => help()\n",
            "export default function handler() {\n  // routelift: external\n  help()\n}\n",
            "export default () => {}\n// routelift: external\n",
        ] {
            assert!(read_text(text).unwrap_err().contains("neither"), "{text}");
        }
    }

    #[test]
    fn words_are_known_or_refused() {
        let with = |words: &str| read_text(&format!("// routelift: {words}\nexport default 1\n"));
        let some = |method: &str| (Way::Action, Some(method.to_string()));
        assert_eq!(
            with("action post, PUT -- ours"),
            Ok(vec![some("POST"), some("PUT")])
        );
        assert_eq!(with("keep"), Ok(vec![(Way::Keep, None)]));
        for words in ["exteral", "", "external SEND", "keep POST"] {
            assert!(with(words).is_err(), "{words}");
        }
        assert!(with("external\n// routelift: action POST").is_err());
        assert!(with("external PUT\n// routelift: action POST").is_ok());
        // A comment that only speaks of the program is none of these.
        assert_eq!(with("keep\n// see routelift: action"), with("keep"));
    }

    #[test]
    fn generated_texts_lose_them() {
        let without = |text: &str| without("a.ts", text.to_string());
        assert_eq!(without("// routelift: keep\n\nlet a\n"), "let a\n");
        assert_eq!(without("// routelift: keep\nlet a\n"), "let a\n");
        assert_eq!(
            without("let b\n\n// routelift: keep\nlet a\n"),
            "let b\n\nlet a\n"
        );
        assert_eq!(
            without("let b\r\n\r\n// routelift: keep\r\n\r\nlet a\r\n"),
            "let b\r\n\r\nlet a\r\n"
        );
        assert_eq!(
            without("let b // routelift: keep\nlet a\n"),
            "let b\nlet a\n"
        );
        let twice = "// routelift: external\n// routelift: keep\nlet a\n";
        assert_eq!(without(twice), "let a\n");
        let text = "let a = '// routelift: keep'\n";
        assert_eq!(without(text), text);
    }
}

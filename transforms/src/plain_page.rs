//! Whether a page of `pages/` shows the same below `app/`, and what `_app` and `_document` put
//! around it. In: the page and the modules of the project that it reaches. Out: a yes, or the
//! frame that a root layout has to give.
//!
//! A plain page gives the same HTML wherever it is rendered: no hooks, no context, no event
//! handlers, no props, nothing of the environment, and no package but those that are known to
//! be the same in both routers. `_app` may add style sheets, `_document` a language; whoever
//! does more has a page that is not plain.

use std::collections::BTreeSet;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::project::Project;
use crate::source::Source;
use crate::syntax::{bare, bound_names};

/// Packages that do the same in both routers.
const PACKAGES: &[&str] = &[
    "classnames",
    "clsx",
    "next",
    "next/image",
    "next/link",
    "react",
];

/// What a plain page takes from `react`: no hooks, no context, no classes.
const OF_REACT: &[&str] = &[
    "CSSProperties",
    "FC",
    "Fragment",
    "FunctionComponent",
    "PropsWithChildren",
    "ReactElement",
    "ReactNode",
];

/// Endings of what gives a URL when it is imported.
const IMAGES: &[&str] = &["avif", "gif", "ico", "jpeg", "jpg", "png", "svg", "webp"];

/// Endings of style sheets.
const STYLES: &[&str] = &["css", "sass", "scss"];

/// Elements that do something to the document or the page around them.
const DOCUMENT: &[&str] = &[
    "base", "body", "head", "html", "link", "meta", "script", "style", "title",
];

fn ends_with(path: &str, endings: &[&str]) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, ending)| endings.contains(&ending))
}

/// Whether a page and all that it reaches are plain.
pub fn is_plain(project: &Project, page: &str) -> bool {
    let mut seen = BTreeSet::from([page.to_string()]);
    let mut border = vec![page.to_string()];
    while let Some(path) = border.pop() {
        let Some(source) = parse(project, &path) else {
            return false;
        };
        let mut look = Look {
            source: &source,
            plain: true,
        };
        source.module.visit_with(&mut look);
        if !look.plain || path == page && !is_page(&source) {
            return false;
        }
        for (specifier, names) in imports(&source) {
            let Some(target) = resolved(project, &path, &specifier) else {
                if PACKAGES.contains(&&*specifier) && (specifier != "react" || of_react(&names)) {
                    continue;
                }
                return false;
            };
            let module = ["module.css", "module.scss", "module.sass"];
            if ends_with(&target, IMAGES) || module.iter().any(|end| target.ends_with(end)) {
                continue;
            }
            if ends_with(&target, STYLES) {
                return false;
            }
            if seen.insert(target.clone()) {
                border.push(target);
            }
        }
    }
    true
}

/// The specifiers of the style sheets that `_app` adds to a page, when it adds nothing else.
pub fn app_styles(project: &Project, path: &str) -> Option<Vec<String>> {
    let source = parse(project, path)?;
    let mut styles = Vec::new();
    for (specifier, names) in imports(&source) {
        match &*specifier {
            _ if ends_with(&specifier, STYLES) && names == Some(Vec::new()) => {
                styles.push(specifier)
            }
            "next/app" => {}
            "react" if of_react(&names) => {}
            _ => return None,
        }
    }
    let (params, shown) = component(&source)?;
    let [Pat::Object(taken)] = &params[..] else {
        return None;
    };
    let short = |prop: &ObjectPatProp| matches!(prop, ObjectPatProp::Assign(short) if short.value.is_none());
    let mut names = Vec::new();
    params
        .iter()
        .for_each(|param| bound_names(param, &mut names));
    let mut names: Vec<&str> = names.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    let whole = matches!(&shown.opening.attrs[..], [JSXAttrOrSpread::SpreadElement(spread)]
        if matches!(bare(&spread.expr), Expr::Ident(name) if &*name.sym == "pageProps"));
    let only = taken.props.iter().all(short)
        && names == ["Component", "pageProps"]
        && name(&shown) == Some("Component")
        && whole
        && inside(&shown)?.is_empty();
    only.then_some(styles)
}

/// The language that `_document` sets, if any, when it does nothing else.
pub fn document_language(project: &Project, path: &str) -> Option<Option<String>> {
    let source = parse(project, path)?;
    for (specifier, names) in imports(&source) {
        let known = specifier == "next/document" || specifier == "react" && of_react(&names);
        if !known {
            return None;
        }
    }
    let (params, html) = component(&source)?;
    let language = match &html.opening.attrs[..] {
        [] => None,
        [JSXAttrOrSpread::JSXAttr(attr)] => match (&attr.name, &attr.value) {
            (JSXAttrName::Ident(name), Some(JSXAttrValue::Str(text))) if &*name.sym == "lang" => {
                let text = text.value.to_string_lossy().into_owned();
                let tag = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
                Some(text).filter(|text| text.bytes().all(tag)).map(Some)?
            }
            _ => return None,
        },
        _ => return None,
    };
    let plain = |element: &JSXElement, name_of: &str| {
        name(element) == Some(name_of) && element.opening.attrs.is_empty()
    };
    let parts = inside(&html)?;
    let [head, body] = &parts[..] else {
        return None;
    };
    let content = inside(body)?;
    let [main, script] = &content[..] else {
        return None;
    };
    let usual = params.is_empty()
        && name(&html) == Some("Html")
        && plain(head, "Head")
        && inside(head)?.is_empty()
        && plain(body, "body")
        && plain(main, "Main")
        && plain(script, "NextScript");
    usual.then_some(language)
}

fn parse(project: &Project, path: &str) -> Option<Source> {
    let text = project.files.get(path)?.text.clone()?;
    project.parse(path, text).ok()
}

fn resolved(project: &Project, path: &str, specifier: &str) -> Option<String> {
    let imports = &project.files.get(path)?.imports;
    let import = imports
        .iter()
        .find(|import| import.specifier == specifier)?;
    import.resolved.clone()
}

/// What a module imports at run time: the specifiers with the names, `default` among them;
/// `None` for everything.
fn imports(source: &Source) -> Vec<(String, Option<Vec<String>>)> {
    let mut out = Vec::new();
    for item in source.items() {
        let ModuleItem::ModuleDecl(declaration) = item else {
            continue;
        };
        let (from, names) = match declaration {
            ModuleDecl::Import(import) if !import.type_only => {
                let names = import.specifiers.iter().map(|specifier| match specifier {
                    ImportSpecifier::Named(named) => match &named.imported {
                        Some(ModuleExportName::Ident(name)) => Some(name.sym.to_string()),
                        Some(ModuleExportName::Str(_)) => None,
                        None => Some(named.local.sym.to_string()),
                    },
                    ImportSpecifier::Default(_) => Some("default".to_string()),
                    ImportSpecifier::Namespace(_) => None,
                });
                (&import.src, names.collect())
            }
            ModuleDecl::ExportNamed(export) if !export.type_only => match &export.src {
                Some(from) => (from, None),
                None => continue,
            },
            ModuleDecl::ExportAll(export) if !export.type_only => (&export.src, None),
            _ => continue,
        };
        out.push((from.value.to_string_lossy().into_owned(), names));
    }
    out
}

fn of_react(names: &Option<Vec<String>>) -> bool {
    let known = |name: &String| name == "default" || OF_REACT.contains(&&**name);
    names.as_ref().is_some_and(|names| names.iter().all(known))
}

/// Whether a module exports a component without props as its default, and nothing else.
fn is_page(source: &Source) -> bool {
    let others = source.items().iter().any(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => {
            !matches!(export.decl, Decl::TsInterface(_) | Decl::TsTypeAlias(_))
        }
        ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export)) => !export.type_only,
        ModuleItem::ModuleDecl(ModuleDecl::ExportAll(_)) => true,
        _ => false,
    });
    !others && exported(source).is_some_and(|function| function.params().is_empty())
}

/// A function.
enum Function<'a> {
    Declared(&'a swc_core::ecma::ast::Function),
    Arrow(&'a ArrowExpr),
}

impl Function<'_> {
    fn params(&self) -> Vec<Pat> {
        match self {
            Function::Declared(function) => {
                let params = function.params.iter();
                params.map(|param| param.pat.clone()).collect()
            }
            Function::Arrow(arrow) => arrow.params.clone(),
        }
    }
}

/// The function that a module exports as its default.
fn exported(source: &Source) -> Option<Function<'_>> {
    let value = source.items().iter().find_map(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => match &export.decl {
            DefaultDecl::Fn(function) => Some(Ok(&*function.function)),
            _ => None,
        },
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => Some(Err(&*export.expr)),
        _ => None,
    })?;
    let value = match value {
        Ok(function) => return Some(Function::Declared(function)),
        Err(value) => bare(value),
    };
    let of = |value| match bare(value) {
        Expr::Arrow(arrow) => Some(Function::Arrow(arrow)),
        Expr::Fn(function) => Some(Function::Declared(&function.function)),
        _ => None,
    };
    let Expr::Ident(name) = value else {
        return of(value);
    };
    source.items().iter().find_map(|item| match item {
        ModuleItem::Stmt(Stmt::Decl(Decl::Fn(function))) if function.ident.sym == name.sym => {
            Some(Function::Declared(&function.function))
        }
        ModuleItem::Stmt(Stmt::Decl(Decl::Var(var))) => var.decls.iter().find_map(|declarator| {
            let named = matches!(&declarator.name, Pat::Ident(own) if own.id.sym == name.sym);
            declarator.init.as_deref().filter(|_| named).and_then(of)
        }),
        _ => None,
    })
}

/// The parameters of the one function of a module, its default export, and the element that it
/// gives and does nothing else.
fn component(source: &Source) -> Option<(Vec<Pat>, JSXElement)> {
    let mut others = source.items().iter().filter(|item| {
        !matches!(
            item,
            ModuleItem::ModuleDecl(
                ModuleDecl::Import(_)
                    | ModuleDecl::ExportDefaultDecl(_)
                    | ModuleDecl::ExportDefaultExpr(_),
            ) | ModuleItem::Stmt(Stmt::Decl(Decl::TsInterface(_) | Decl::TsTypeAlias(_)))
        )
    });
    let declared = match others.next() {
        None => true,
        Some(ModuleItem::Stmt(Stmt::Decl(Decl::Fn(_)))) => true,
        Some(ModuleItem::Stmt(Stmt::Decl(Decl::Var(var)))) => var.decls.len() == 1,
        Some(_) => false,
    };
    if !declared || others.next().is_some() {
        return None;
    }
    let function = exported(source)?;
    let returned = |body: &FunctionBody| match &body.stmts[..] {
        [Stmt::Return(only)] => only.arg.clone(),
        _ => None,
    };
    let value = match &function {
        Function::Declared(function) if function.is_async || function.is_generator => None,
        Function::Declared(function) => returned(function.body.as_ref()?),
        Function::Arrow(arrow) if arrow.is_async => None,
        Function::Arrow(arrow) => match &*arrow.body {
            ArrowFunctionBody::FunctionBody(body) => returned(body),
            ArrowFunctionBody::Expr(value) => Some(value.clone()),
        },
    }?;
    match bare(&value) {
        Expr::JSXElement(element) => Some((function.params(), (**element).clone())),
        _ => None,
    }
}

fn name(element: &JSXElement) -> Option<&str> {
    match &element.opening.name {
        JSXElementName::Ident(name) => Some(&name.sym),
        _ => None,
    }
}

/// The elements inside an element, when there is nothing else.
fn inside(element: &JSXElement) -> Option<Vec<&JSXElement>> {
    let mut out = Vec::new();
    for child in &element.children {
        match child {
            JSXElementChild::JSXElement(element) => out.push(&**element),
            JSXElementChild::JSXText(text) if text.value.to_string_lossy().trim().is_empty() => {}
            _ => return None,
        }
    }
    Some(out)
}

/// Looks for what is not plain in a module.
struct Look<'s> {
    source: &'s Source,
    plain: bool,
}

impl Look<'_> {
    /// Hooks, and what gives a component more than its props.
    fn name(&mut self, name: &str) {
        let hook = name.strip_prefix("use").is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(|first: char| !first.is_lowercase())
        });
        self.plain &= !hook && !["createContext", "forwardRef", "lazy", "memo"].contains(&name);
    }
}

impl Visit for Look<'_> {
    fn visit_ident(&mut self, node: &Ident) {
        self.name(&node.sym);
        self.plain &= !self.source.is_global(node) || &*node.sym == "undefined";
    }

    fn visit_ident_name(&mut self, node: &IdentName) {
        self.name(&node.sym);
    }

    fn visit_jsx_element_name(&mut self, node: &JSXElementName) {
        match node {
            JSXElementName::Ident(name) if name.sym.starts_with(|c: char| c.is_lowercase()) => {
                self.plain &= !DOCUMENT.contains(&&*name.sym);
            }
            other => other.visit_children_with(self),
        }
    }

    fn visit_jsx_attr(&mut self, node: &JSXAttr) {
        if let JSXAttrName::Ident(name) = &node.name {
            let handler = name
                .sym
                .strip_prefix("on")
                .is_some_and(|rest| rest.starts_with(|first: char| first.is_uppercase()));
            self.plain &= !handler && !["jsx", "ref"].contains(&&*name.sym);
        }
        node.visit_children_with(self);
    }

    fn visit_class(&mut self, _: &Class) {
        self.plain = false;
    }

    fn visit_assign_expr(&mut self, _: &AssignExpr) {
        self.plain = false;
    }

    fn visit_update_expr(&mut self, _: &UpdateExpr) {
        self.plain = false;
    }

    fn visit_await_expr(&mut self, _: &AwaitExpr) {
        self.plain = false;
    }

    fn visit_import(&mut self, _: &Import) {
        self.plain = false;
    }

    fn visit_import_decl(&mut self, _: &ImportDecl) {}

    fn visit_ts_type(&mut self, _: &TsType) {}

    fn visit_ts_entity_name(&mut self, _: &TsEntityName) {}

    fn visit_ts_interface_decl(&mut self, _: &TsInterfaceDecl) {}

    fn visit_ts_type_alias_decl(&mut self, _: &TsTypeAliasDecl) {}
}

#[cfg(test)]
#[path = "plain_page_tests.rs"]
mod tests;

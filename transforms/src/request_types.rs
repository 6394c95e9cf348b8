//! What the code says of the type of a request's members. In: the annotation of a request, and the
//! name of a member. Out: the member's type in the words of the file, through type aliases and
//! their parameters: `ValidatedRequest<{}, Body>` says that `validatedBody` is `Body`.

use std::collections::{BTreeMap, BTreeSet};

use swc_core::ecma::ast::*;

use crate::facts::api_module;
use crate::modules::Modules;
use crate::source::Source;
use crate::syntax::id;

/// How many aliases are followed one after another.
const MAX_DEPTH: usize = 8;

/// The arguments of an alias, in the words of the file that the search started in.
type Given = BTreeMap<String, String>;

/// The type of a member of a request with this annotation.
pub fn member(modules: &Modules, source: &Source, kind: &TsType, name: &str) -> Option<String> {
    find(modules, source, kind, name, None, 0)
}

/// Where a name of a type comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file of the project that exports it.
    File(String),
    /// A package.
    Package(String),
}

/// Where the names in a type of a file come from; `None` where another file cannot import one of
/// them. `resolve` gives the file of the project that the file imports by a specifier.
pub fn origins(
    source: &Source,
    kind: &str,
    resolve: &dyn Fn(&str) -> Option<String>,
) -> Option<Vec<(Origin, String)>> {
    if kind.contains("import(") || kind.contains("typeof ") {
        return None;
    }
    let imported = api_module::imports(source);
    let mut found = Vec::new();
    for name in words(kind) {
        let import = imported.iter().find(|(local, _)| *local.0 == *name);
        let origin = match (import, declares(source, &name)) {
            (Some((_, (from, original))), _) if *original == name => match resolve(from) {
                Some(file) => Origin::File(file),
                None if from.starts_with('.') => return None,
                None => Origin::Package(from.clone()),
            },
            (None, Some(true)) => Origin::File(source.path.clone()),
            (Some(_), _) | (None, Some(false)) => return None,
            // A name that every file knows.
            (None, None) => continue,
        };
        found.push((origin, name));
    }
    Some(found)
}

/// Whether a file declares a type of this name, and then whether it exports it.
fn declares(source: &Source, name: &str) -> Option<bool> {
    let own = |decl: &Decl| match decl {
        Decl::TsInterface(decl) => *decl.id.sym == *name,
        Decl::TsTypeAlias(decl) => *decl.id.sym == *name,
        Decl::Class(decl) => *decl.ident.sym == *name,
        Decl::TsEnum(decl) => *decl.id.sym == *name,
        _ => false,
    };
    source.items().iter().find_map(|item| match item {
        ModuleItem::Stmt(Stmt::Decl(decl)) if own(decl) => Some(false),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) if own(&export.decl) => Some(true),
        _ => None,
    })
}

/// The names in a type that may be those of types.
fn words(kind: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut quote = None;
    let mut word = String::new();
    let mut member = false;
    let mut chars = kind.chars().chain(std::iter::once(' ')).peekable();
    while let Some(char) = chars.next() {
        if let Some(open) = quote {
            if char == open {
                quote = None;
            }
            continue;
        }
        if char.is_alphanumeric() || matches!(char, '_' | '$') {
            word.push(char);
            continue;
        }
        if !word.is_empty() {
            // A key of an object is no name.
            let key = char == ':' || char == '?' && chars.peek() == Some(&':');
            let whole = std::mem::take(&mut word);
            let number = whole.starts_with(|first: char| first.is_ascii_digit());
            if !key && !member && !number {
                found.insert(whole);
            }
        }
        member = char == '.';
        if matches!(char, '\'' | '"' | '`') {
            quote = Some(char);
        }
    }
    found
}

/// The members that a file adds to the request of Next.js by `declare module 'next'`, with their
/// types.
pub fn merged(source: &Source) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for item in source.items() {
        let ModuleItem::Stmt(Stmt::Decl(Decl::TsModule(module))) = item else {
            continue;
        };
        let of_next = matches!(&module.id, TsModuleName::Str(name)
            if matches!(&*name.value.to_string_lossy(), "next" | "http" | "node:http")
                || name.value.to_string_lossy().starts_with("next/"));
        let Some(TsNamespaceBody::TsModuleBlock(block)) = &module.body else {
            continue;
        };
        if !of_next {
            continue;
        }
        for item in &block.body {
            let declaration = match item {
                ModuleItem::Stmt(Stmt::Decl(declaration)) => declaration,
                ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
                _ => continue,
            };
            if let Decl::TsInterface(shape) = declaration
                && is_plain(&shape.id.sym)
            {
                found.extend(typed(source, &shape.body.body));
            }
        }
    }
    found
}

/// The members of an interface of a file with their types, when it has no parameters and extends at
/// most a request of Next.js; and of a type that adds members to one.
pub fn own_members(source: &Source, name: &str) -> Option<BTreeMap<String, String>> {
    source.items().iter().find_map(|item| {
        let declaration = match item {
            ModuleItem::Stmt(Stmt::Decl(declaration)) => declaration,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
            _ => return None,
        };
        match declaration {
            Decl::TsInterface(shape) if *shape.id.sym == *name && shape.type_params.is_none() => {
                let mut extends = shape.extends.iter();
                let plain = extends.all(|from| is_plain(source.text_of(from)));
                plain.then(|| typed(source, &shape.body.body))
            }
            Decl::TsTypeAlias(alias) if *alias.id.sym == *name && alias.type_params.is_none() => {
                let TsType::TsUnionOrIntersectionType(
                    TsUnionOrIntersectionType::TsIntersectionType(all),
                ) = &*alias.type_ann
                else {
                    return None;
                };
                let mut found = BTreeMap::new();
                for part in &all.types {
                    match &**part {
                        TsType::TsTypeLit(literal) => found.extend(typed(source, &literal.members)),
                        part if is_plain(source.text_of(part)) => {}
                        _ => return None,
                    }
                }
                Some(found)
            }
            _ => None,
        }
    })
}

/// Members with their types in the words of their file.
fn typed(source: &Source, members: &[TsTypeElement]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for member in members {
        if let TsTypeElement::TsPropertySignature(property) = member
            && let (Expr::Ident(name), Some(kind)) = (&*property.key, &property.type_ann)
        {
            let mut kind = source.text_of(&*kind.type_ann).to_string();
            if property.optional && !kind.ends_with("| undefined") {
                kind.push_str(" | undefined");
            }
            found.insert(name.sym.to_string(), kind);
        }
    }
    found
}

/// Whether a type is that of a request of Next.js itself, or of Node.js.
pub fn is_plain(text: &str) -> bool {
    let name = text.split(['<', '[']).next().unwrap_or(text).trim();
    let name = name.rsplit('.').next().unwrap_or(name);
    matches!(
        name,
        "NextApiRequest" | "IncomingMessage" | "any" | "unknown"
    )
}

/// Whether a type of the file says more of a member of every request than Next.js does, as
/// `query: { id: string }`: code that relies on it has no web form of that type.
pub fn narrows(source: &Source, kind: &TsType) -> bool {
    let text = source.text_of(kind);
    let own = source.items().iter().filter_map(|item| {
        let decl = match item {
            ModuleItem::Stmt(Stmt::Decl(decl)) => decl,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
            _ => return None,
        };
        let name = match decl {
            Decl::TsInterface(interface) => &interface.id.sym,
            Decl::TsTypeAlias(alias) => &alias.id.sym,
            _ => return None,
        };
        words(text)
            .contains(&name.to_string())
            .then(|| source.text_of(item))
    });
    let says = |text: &str| {
        ["query", "cookies", "headers", "method"]
            .iter()
            .any(|name| {
                text.match_indices(name).any(|(at, _)| {
                    let before = text[..at].chars().next_back();
                    let rest = text[at + name.len()..].trim_start_matches('?').trim_start();
                    !before.is_some_and(|char| char.is_alphanumeric() || char == '_')
                        && rest.starts_with(':')
                })
            })
    };
    text.contains('&') && says(text) || own.into_iter().any(says)
}

/// `given` is `None` in the file where the search started, whose words need no translation.
fn find(
    modules: &Modules,
    source: &Source,
    kind: &TsType,
    name: &str,
    given: Option<&Given>,
    depth: usize,
) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    match kind {
        TsType::TsParenthesizedType(inner) => {
            find(modules, source, &inner.type_ann, name, given, depth)
        }
        TsType::TsUnionOrIntersectionType(TsUnionOrIntersectionType::TsIntersectionType(all)) => {
            let mut parts = all.types.iter();
            parts.find_map(|part| find(modules, source, part, name, given, depth))
        }
        TsType::TsTypeLit(literal) => in_members(source, &literal.members, name, given),
        TsType::TsTypeRef(reference) => {
            let TsEntityName::Ident(alias) = &reference.type_name else {
                return None;
            };
            let args: Vec<Option<String>> = reference
                .type_params
                .iter()
                .flat_map(|args| &args.params)
                .map(|arg| translated(source, arg, given))
                .collect();
            let imports = api_module::imports(source);
            let (there, called) = match imports.get(&id(alias)) {
                Some((from, original)) => {
                    let file = modules.imported_file(&source.path, from)?;
                    (modules.source(&file)?, original.clone())
                }
                None => (source, alias.sym.to_string()),
            };
            declared(modules, there, &called, &args, name, depth)
        }
        _ => None,
    }
}

/// Looks in an alias or an interface of a file.
fn declared(
    modules: &Modules,
    source: &Source,
    called: &str,
    args: &[Option<String>],
    name: &str,
    depth: usize,
) -> Option<String> {
    source.items().iter().find_map(|item| {
        let declaration = match item {
            ModuleItem::Stmt(Stmt::Decl(declaration)) => declaration,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
            _ => return None,
        };
        match declaration {
            Decl::TsTypeAlias(alias) if *alias.id.sym == *called => {
                let given = bound(source, alias.type_params.as_deref(), args);
                let kind = &alias.type_ann;
                find(modules, source, kind, name, Some(&given), depth + 1)
            }
            Decl::TsInterface(interface) if *interface.id.sym == *called => {
                let given = bound(source, interface.type_params.as_deref(), args);
                in_members(source, &interface.body.body, name, Some(&given))
            }
            _ => None,
        }
    })
}

/// The parameters of an alias with what they stand for.
fn bound(source: &Source, params: Option<&TsTypeParamDecl>, args: &[Option<String>]) -> Given {
    let mut given = Given::new();
    for (at, param) in params.iter().flat_map(|params| &params.params).enumerate() {
        let own = match (args.get(at), &param.default) {
            (Some(arg), _) => arg.clone(),
            (None, Some(default)) => translated(source, default, Some(&Given::new())),
            (None, None) => None,
        };
        if let Some(own) = own {
            given.insert(param.name.sym.to_string(), own);
        }
    }
    given
}

fn in_members(
    source: &Source,
    members: &[TsTypeElement],
    name: &str,
    given: Option<&Given>,
) -> Option<String> {
    members.iter().find_map(|member| {
        let TsTypeElement::TsPropertySignature(property) = member else {
            return None;
        };
        let named = matches!(&*property.key, Expr::Ident(key) if *key.sym == *name);
        let kind = property.type_ann.as_ref().filter(|_| named)?;
        let text = translated(source, &kind.type_ann, given)?;
        Some(match property.optional {
            true => format!("{text} | undefined"),
            false => text,
        })
    })
}

/// A type in the words of the file that the search started in: as it stands there, or a parameter
/// that stands for one, or one that every file understands.
fn translated(source: &Source, kind: &TsType, given: Option<&Given>) -> Option<String> {
    let text = source.text_of(kind).to_string();
    let Some(given) = given else {
        return Some(text);
    };
    match kind {
        TsType::TsKeywordType(_) | TsType::TsLitType(_) => Some(text),
        TsType::TsTypeLit(literal) if literal.members.is_empty() => Some(text),
        TsType::TsTypeRef(reference) if reference.type_params.is_none() => {
            let TsEntityName::Ident(name) = &reference.type_name else {
                return None;
            };
            given.get(&*name.sym).cloned()
        }
        _ => None,
    }
}

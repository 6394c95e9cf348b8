//! What the code says of the type of a request's members. In: the annotation of a request, and the
//! name of a member. Out: the member's type in the words of the file, through type aliases and
//! their parameters: `ValidatedRequest<{}, Body>` says that `validatedBody` is `Body`.

use std::collections::BTreeMap;

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

//! GraphQL Yoga 3 and newer: `createYoga(options)` answers web requests by
//! `handleRequest`; measured, it must be wrapped to pass the type check, and must make
//! the runtime's own `Response`. Refuses what could read `req` or `res` from the context:
//! a context function with parameters, and a schema from elsewhere.

use std::ops::Range;

use swc_core::ecma::ast::*;

use super::{Kitchen, Made, making, takes_nothing};
use crate::emit::style::Style;
use crate::emit::web_native::{WebNative, free_name};
use crate::outcome::Refusal;
use crate::reason::Note;
use crate::source::Source;
use crate::syntax::{Names, bare, id, prop_name};

pub fn make(kitchen: &Kitchen) -> Made {
    let making = making(kitchen.outline).filter(|making| {
        kitchen.callee(making.call).is_some_and(|(module, name)| {
            module == "graphql-yoga" && (name == "createYoga" || name == "createServer")
        })
    })?;
    let source = kitchen.source();
    let at = source.range(making.call);
    if kitchen
        .callee(making.call)
        .is_some_and(|(_, name)| name == "createServer")
    {
        return Some(Err(kitchen.refuse(at, "GraphQL Yoga before version 3")));
    }
    let Some(Expr::Object(object)) = making.call.args.first().map(|arg| bare(&arg.expr)) else {
        return Some(Err(
            kitchen.refuse(at, "GraphQL Yoga options from elsewhere")
        ));
    };
    let types = making.call.type_args.as_ref();
    let types = types.map(|types| source.range(&**types));
    let mut props = object.props.iter();
    if let Some(refusal) = props.find_map(|prop| unknown(kitchen, prop, types.as_ref())) {
        return Some(Err(refusal));
    }
    let mut file = WebNative::new(&["GET", "POST", "OPTIONS"]);
    file.notes.extend([Note::Auto405, Note::AutoHead]);
    let style = Style::of(source);
    let (indent, semi) = (&style.indent, style.semi);
    if let Some(types) = types {
        file.dropped.push(types.clone());
        file.edits.delete(types);
    }
    let first = object.props.first().map(|prop| source.range(prop).start);
    let open = source.range(object).start + 1;
    let line_break = first.is_some_and(|first| source.text[open..first].contains('\n'));
    let entry = if line_break {
        let indent = crate::emit::style::indentation(&source.text, first.unwrap_or(open));
        format!("fetchAPI: {{ Response }},\n{indent}")
    } else {
        "fetchAPI: { Response }, ".to_string()
    };
    file.edits.insert(first.unwrap_or(open), entry);
    let name = match &making.name {
        Some(name) => name.0.to_string(),
        None => free_name(source, &["yoga", "graphqlYoga"]),
    };
    let annotation = if source.typescript() { ": Request" } else { "" };
    let function = free_name(source, &["handler", "routeHandler"]);
    let function_text = |function: &str| {
        format!(
            "function {function}(request{annotation}) {{\n{indent}return {name}.handleRequest(request, {{}}){semi}\n}}"
        )
    };
    let wrapper = format!(
        "{}\n\n{}",
        function_text(&function),
        file.export_line(&style, &function)
    );
    match &making.name {
        Some(_) => file.edits.replace(making.export.clone(), wrapper),
        None => {
            file.edits.replace(
                making.export.start..making.value,
                format!("const {name} = "),
            );
            file.edits
                .insert(making.export.end, format!("\n\n{wrapper}"));
        }
    }
    Some(Ok(file))
}

/// Why an option is not taken over. `types` are the type arguments of the call, which go.
fn unknown(
    kitchen: &Kitchen,
    prop: &PropOrSpread,
    types: Option<&Range<usize>>,
) -> Option<Refusal> {
    let source = kitchen.source();
    let refuse = |detail: &str| Some(kitchen.refuse(source.range(prop), detail));
    let PropOrSpread::Prop(prop) = prop else {
        return refuse("GraphQL Yoga options from elsewhere");
    };
    let (name, value) = match &**prop {
        Prop::Shorthand(name) => (name.sym.to_string(), Expr::Ident(name.clone())),
        Prop::KeyValue(pair) => (prop_name(&pair.key)?, (*pair.value).clone()),
        _ => return refuse("GraphQL Yoga option that is not understood"),
    };
    match name.as_str() {
        "cors" | "graphiql" | "graphqlEndpoint" | "landingPage" | "logging" | "maskedErrors" => {
            match bare(&value) {
                Expr::Lit(_) | Expr::Object(_) | Expr::Tpl(_) => None,
                _ => refuse(&format!("GraphQL Yoga with {name}")),
            }
        }
        "context" if takes_nothing(&value) => None,
        "schema" if own_schema(source, &value, types) => None,
        "schema" => refuse("GraphQL Yoga with a schema whose resolvers may read req and res"),
        _ => refuse(&format!("GraphQL Yoga with {name}")),
    }
}

/// Whether the schema stands in this file, and nothing in it names `req` or `res`.
fn own_schema(source: &Source, value: &Expr, types: Option<&Range<usize>>) -> bool {
    let made = |expr: &Expr| matches!(bare(expr), Expr::Call(call) if source.text_of(&call.callee) == "createSchema");
    let here = match bare(value) {
        Expr::Ident(name) => source.items().iter().any(|item| {
            let ModuleItem::Stmt(Stmt::Decl(Decl::Var(variables))) = item else {
                return false;
            };
            variables.decls.iter().any(|declarator| {
                matches!(&declarator.name, Pat::Ident(binding) if id(&binding.id) == id(name))
                    && declarator.init.as_deref().is_some_and(made)
                    && resolvers_are_here(source, declarator.init.as_deref())
            })
        }),
        other => made(other) && resolvers_are_here(source, Some(other)),
    };
    let words = Names::of(source, &source.module);
    let member = |word: &str| {
        source.text.match_indices(word).any(|(at, _)| {
            !source.text[at + word.len()..].starts_with(|char: char| char.is_alphanumeric())
        })
    };
    here && !member(".req")
        && !member(".res")
        && !words
            .all
            .iter()
            .filter(|(_, at)| !types.is_some_and(|types| types.contains(&at.start)))
            .any(|((name, _), _)| matches!(&**name, "req" | "res"))
}

/// Whether the resolvers are an object that is written out where the schema is made.
fn resolvers_are_here(_source: &Source, made: Option<&Expr>) -> bool {
    let Some(Expr::Call(call)) = made.map(bare) else {
        return false;
    };
    let Some(Expr::Object(object)) = call.args.first().map(|arg| bare(&arg.expr)) else {
        return false;
    };
    object.props.iter().all(|prop| match prop {
        PropOrSpread::Prop(prop) => match &**prop {
            Prop::KeyValue(pair) if prop_name(&pair.key).as_deref() == Some("resolvers") => {
                matches!(bare(&pair.value), Expr::Object(_))
            }
            Prop::KeyValue(pair) => prop_name(&pair.key).as_deref() == Some("typeDefs"),
            Prop::Shorthand(name) => name.sym == "typeDefs",
            _ => false,
        },
        PropOrSpread::Spread(_) => false,
    })
}

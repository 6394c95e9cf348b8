//! Apollo Server: `startServerAndCreateNextHandler(server)` takes a `NextRequest` as well;
//! measured, the handler must be wrapped to pass the type check. Refuses a context that is
//! made from the request or the response.

use super::{Kitchen, Made, making, takes_nothing};
use crate::emit::style::Style;
use crate::emit::web_native::{WebNative, free_name};
use crate::reason::Note;
use crate::syntax::{bare, prop_name};
use swc_core::ecma::ast::*;

pub fn make(kitchen: &Kitchen) -> Made {
    let making = making(kitchen.outline).filter(|making| {
        kitchen.callee(making.call).is_some_and(|(module, name)| {
            module == "@as-integrations/next" && name == "startServerAndCreateNextHandler"
        })
    })?;
    let source = kitchen.source();
    let at = source.range(making.call);
    let understood = match &making.call.args[..] {
        [_] => true,
        [_, options] => match bare(&options.expr) {
            Expr::Object(object) => object.props.iter().all(|prop| match prop {
                PropOrSpread::Prop(prop) => match &**prop {
                    Prop::KeyValue(pair) => {
                        prop_name(&pair.key).as_deref() == Some("context")
                            && takes_nothing(&pair.value)
                    }
                    _ => false,
                },
                PropOrSpread::Spread(_) => false,
            }),
            _ => false,
        },
        _ => false,
    };
    if !understood {
        return Some(Err(
            kitchen.refuse(at, "Apollo Server with a context made from the request")
        ));
    }
    let mut file = WebNative::new(&["GET", "POST"]);
    file.notes
        .extend([Note::Auto405, Note::AutoOptions, Note::AutoHead]);
    let typescript = source.typescript();
    if typescript {
        file.imports.value("next/server", "NextRequest");
    }
    if let Some(types) = &making.call.type_args {
        // They name the kind of request, which is another one now.
        file.dropped.push(source.range(&**types));
        file.edits.delete(source.range(&**types));
    }
    let style = Style::of(source);
    let (indent, semi) = (&style.indent, style.semi);
    let annotation = if typescript { ": NextRequest" } else { "" };
    let name = match &making.name {
        Some(name) => name.0.to_string(),
        None => free_name(source, &["handler", "routeHandler"]),
    };
    let exports: Vec<String> = file
        .methods
        .iter()
        .map(|method| {
            format!(
                "export async function {method}(request{annotation}) {{\n{indent}return handler(request){semi}\n}}"
            )
            .replace("return handler(", &format!("return {name}("))
        })
        .collect();
    let exports = exports.join("\n\n");
    match &making.name {
        Some(_) => file.edits.replace(making.export.clone(), exports),
        None => {
            file.edits.replace(
                making.export.start..making.value,
                format!("const {name} = "),
            );
            file.edits
                .insert(making.export.end, format!("\n\n{exports}"));
        }
    }
    Some(Ok(file))
}

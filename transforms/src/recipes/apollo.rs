//! Apollo Server: `startServerAndCreateNextHandler(server)` takes a `NextRequest` as well.
//! Measured with `@as-integrations/next` 4.1 on Next.js 14 to 16: the handler must be wrapped
//! to pass the type check, and it parses JSON only where the content type is no more than
//! `application/json`, whatever the method. Refuses a context that is made from the request
//! or the response.

use super::{Kitchen, Made, making, takes_nothing};
use crate::emit::style::Style;
use crate::emit::web_native::{WebNative, free_name};
use crate::reason::Note;
use crate::syntax::{bare, prop_name};
use swc_core::ecma::ast::*;

const PLAIN_JSON: &str = "\
// The handler parses a JSON body only by this very type, and then of any method.
async function plainJson(request%REQUEST%) {
  const given = request.headers.get('content-type') ?? ''%;%
  const type = given.split(';')[0].trim().toLowerCase()%;%
  if (type !== 'application/json') return request%;%
  const { url, method } = request%;%
  const headers = new Headers(request.headers)%;%
  if (method !== 'POST') {
    headers.set('content-type', `${type}; charset=utf-8`)%;%
    return new NextRequest(url, { method, headers })%;%
  }
  headers.set('content-type', type)%;%
  const body = (await request.text()) || '{}'%;%
  return new NextRequest(url, { method, headers, body })%;%
}";

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
    file.notes.extend([
        Note::Auto405,
        Note::AutoHead,
        Note::AutoOptions,
        Note::BodyLimit,
        Note::JsonCharset,
        Note::MalformedJson,
        Note::NoEtag,
    ]);
    let typescript = source.typescript();
    if let Some(types) = &making.call.type_args {
        // They name the kind of request, which is another one now.
        file.dropped.push(source.range(&**types));
        file.edits.delete(source.range(&**types));
    }
    let style = Style::of(source);
    let (indent, semi) = (&style.indent, style.semi);
    file.imports.value("next/server", "NextRequest");
    let annotation = if typescript { ": NextRequest" } else { "" };
    let name = match &making.name {
        Some(name) => name.0.to_string(),
        None => free_name(source, &["handler", "routeHandler"]),
    };
    let plain = free_name(source, &["plainJson", "asPlainJson"]);
    let export = |method: &String| {
        format!(
            "export async function {method}(request{annotation}) {{\n{indent}return {name}(await {plain}(request)){semi}\n}}"
        )
    };
    let mut exports: Vec<String> = file.methods.iter().map(export).collect();
    let helper = PLAIN_JSON
        .replace("plainJson", &plain)
        .replace("%REQUEST%", annotation)
        .replace("%;%", semi)
        .replace('\'', &style.quote.to_string())
        .replace("  ", indent);
    exports.push(helper);
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

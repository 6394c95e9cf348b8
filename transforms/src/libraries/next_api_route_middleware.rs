//! next-api-route-middleware 1: `use(requireUser, validate(schema), handler)` runs functions one
//! after another, each of which calls the next. In: the outline of an API file. Out: its text with
//! the middlewares as guards at the start of the handler. What stands behind the handler never runs,
//! because a handler calls nothing next
//! (<https://github.com/Tim-Hodge/next-api-route-middleware>, `src/run-middlewares.ts`).

use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;

use crate::edit::Edits;
use crate::emit::style::Style;
use crate::facts::api_module::{Body, DefaultExport, Function, param_id, refuse_at};
use crate::libraries::chain::{self, AsHandler, End, Kitchen};
use crate::libraries::chain_text::{self, Names, Writing};
use crate::outcome::Refusal;
use crate::reason::Reason;
use crate::syntax::bare;

const PACKAGE: &str = "next-api-route-middleware";

/// Writes the chain of a file as one handler; `None` where the default export is no such chain.
pub fn as_handler(kitchen: &Kitchen) -> Option<Result<AsHandler, Refusal>> {
    let outline = kitchen.outline;
    let source = outline.source;
    let DefaultExport::Expr(expr) = &outline.default.1 else {
        return None;
    };
    let Expr::Call(call) = bare(expr) else {
        return None;
    };
    let Expr::Ident(callee) = bare(call.callee.as_expr()?) else {
        return None;
    };
    let (module, name) = outline.imported(callee)?;
    if module != PACKAGE || name != "use" {
        return None;
    }
    let at = source.range(call);
    let refuse = |why: String| {
        let range = source.packages.range(PACKAGE);
        let range = range.unwrap_or("of an unknown version");
        let why = format!("{PACKAGE} {range}: {why}");
        refuse_at(source, Reason::UnsupportedLibrary, at.clone(), why)
    };
    let written = write(kitchen, call).map_err(refuse);
    Some(written.map(|text| AsHandler {
        text: Arc::from(chain_text::pruned(source, text)),
        at: at.clone(),
        spares: Vec::new(),
    }))
}

fn write<'a>(kitchen: &Kitchen<'_, 'a, '_>, call: &'a CallExpr) -> Result<String, String> {
    let outline = kitchen.outline;
    let source = outline.source;
    let version = source
        .packages
        .range(PACKAGE)
        .and_then(crate::next_version::NextVersion::parse);
    if version.is_none_or(|version| version.major != 1) {
        return Err("it is known of 1".to_string());
    }
    let (steps, end) = kitchen.chain(Vec::new(), &call.args)?;
    let export = outline.default.0.clone();
    let mut edits = Edits::default();
    let style = Style::of(source);
    match &end {
        End::Own(name, function) => {
            let names = crate::syntax::Names::of(source, &source.module).all;
            if names.iter().filter(|(used, _)| used == name).count() != 2 {
                return Err(format!("{} is used elsewhere", name.0));
            }
            within(kitchen, &steps, function, &mut edits)?;
            let text = format!("export default {}{}", name.0, style.semi);
            edits.replace(export, text);
        }
        End::Inline(function) => {
            // What is around the function goes.
            let range = function.range.clone();
            within(kitchen, &steps, function, &mut edits)?;
            edits.delete(export.start + "export default ".len()..range.start);
            edits.replace(range.end..export.end, style.semi);
        }
        End::Other(name) => return Err(format!("a handler of another file: {name}")),
    }
    edits
        .render(&source.text, 0..source.text.len())
        .map_err(|_| "in a way that is not understood".to_string())
}

/// Writes the middlewares in front of what a function does.
fn within<'a>(
    kitchen: &Kitchen<'_, 'a, '_>,
    steps: &[chain::Step],
    function: &Function<'a>,
    edits: &mut Edits,
) -> Result<(), String> {
    let source = kitchen.outline.source;
    let [request, response] = &function.params[..] else {
        return Err("a handler without a request and a response".to_string());
    };
    let (Some(req), Some(res)) = (param_id(request), param_id(response)) else {
        return Err("a handler that takes its request apart".to_string());
    };
    // Types that say what middlewares put on the request say it no more.
    for (pat, plain) in [(request, "NextApiRequest"), (response, "NextApiResponse")] {
        if let Pat::Ident(binding) = pat
            && let Some(annotation) = &binding.type_ann
        {
            edits.replace(source.range(&*annotation.type_ann), plain);
        }
    }
    let typed = |name: &str, kind: &str| match source.typescript() {
        true => format!("{name}: {kind}"),
        false => name.to_string(),
    };
    let writing = Writing {
        source,
        modules: kitchen.modules,
        names: Names {
            req: &req.0,
            res: &res.0,
        },
        keyword: "return ",
        comments: Vec::new(),
        typed: (
            typed(&req.0, "NextApiRequest"),
            typed(&res.0, "NextApiResponse"),
        ),
    };
    let end = End::Inline(Box::new(function.clone()));
    let lines = writing.write(steps, &end, edits)?;
    let style = Style::of(source);
    let body = chain_text::joined(&chain_text::indented(lines, &style.indent));
    let range: Range<usize> = match function.body {
        Body::Block(_, (start, end)) => start..end,
        Body::Expr(expr) => source.range(expr),
    };
    edits.replace(range, format!("{{\n{body}\n}}"));
    let awaits = body.contains("await ");
    if awaits && !function.is_async {
        edits.insert(function.range.start, "async ");
    }
    Ok(())
}

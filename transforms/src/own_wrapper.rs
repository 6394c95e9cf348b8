//! Wrappers that an API file declares itself: `export default withAuth(handler)` beside
//! `const withAuth = (handler) => async (req, res) => …`. In: the outline of the file. Out: its text
//! with what the wrapper gives back in place of the call, so that the handler is a function that the
//! file calls. A wrapper that is exported or called more than once stays as it is, and so does one
//! that does more than to give back a function, or is given what cannot stand in that function.

use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::edit::Edits;
use crate::emit::handler_types;
use crate::emit::style::{Style, indentation, line_start, template_ranges};
use crate::facts::api_module::{
    ApiModule, Body, DefaultExport, Form, Function, Outline, WrapperCall, from_expr, param_id,
};
use crate::flow::leading_comments;
use crate::idioms::request;
use crate::libraries::chain::{AsHandler, Kitchen};
use crate::libraries::pruned;
use crate::shared_forms::mentions;
use crate::source::Source;
use crate::syntax::{Id, Names, bare, id};
use crate::wrapping;

/// Writes a file whose handler stands in a wrapper of its own without that wrapper; `None` where it
/// stands in none.
pub fn as_handler(kitchen: &Kitchen) -> Option<AsHandler> {
    let source = kitchen.outline.source;
    let module = ApiModule::of(Outline::read(source).ok()?).ok()?;
    let found = module.wrappers.iter().find_map(|call| {
        let Expr::Ident(name) = bare(call.callee) else {
            return None;
        };
        let wrapper = module.functions.get(&id(name))?;
        Some((call, id(name), wrapper))
    });
    let (call, name, wrapper) = found?;
    let names = Names::of(source, &source.module).all;
    let uses = names.iter().filter(|(used, _)| *used == name).count();
    let exported = module
        .named_exports
        .iter()
        .any(|(known, _)| **known == *name.0);
    if uses != 2 || exported || call.map.is_some() {
        return None;
    }
    let inlining = Inlining {
        source,
        module: &module,
        names: &names,
        call,
        wrapper,
    };
    let text = inlining.write(kitchen)?;
    // What does not parse was not understood.
    kitchen
        .modules
        .project()
        .parse(&source.path, Arc::from(text.as_str()))
        .ok()?;
    Some(AsHandler {
        text: Arc::from(pruned(source, text)),
        at: source.range(call.call),
        spares: Vec::new(),
    })
}

/// The call of a wrapper, and the wrapper.
struct Inlining<'i, 'a> {
    source: &'a Source,
    module: &'i ApiModule<'a>,
    /// The identifiers of the file with their places.
    names: &'i [(Id, Range<usize>)],
    call: &'i WrapperCall<'a>,
    wrapper: &'i Function<'a>,
}

impl<'a> Inlining<'_, 'a> {
    fn write(&self, kitchen: &Kitchen) -> Option<String> {
        let source = self.source;
        let style = Style::of(source);
        let mut layers = wrapping::layers(source, self.wrapper);
        let closure = layers
            .pop()
            .filter(|_| layers.len() == self.call.args.len())?;
        let generic = |function: &Function| handler_types::generic_end(source, function).is_some();
        let plain = layers
            .iter()
            .all(|layer| only_returns(layer) && !generic(layer));
        let text = &source.text[closure.range.clone()];
        let own = ["this", "arguments"]
            .iter()
            .any(|word| mentions(text, word));
        if !plain || generic(&closure) || own || self.says_more() {
            return None;
        }
        let mut edits = Edits::default();
        let mut inner = Edits::default();
        let mut types: Vec<&str> = Vec::new();
        for (at, (layer, args)) in layers.iter().zip(&self.call.args).enumerate() {
            if args.len() > layer.params.len() {
                return None;
            }
            for (index, pat) in layer.params.iter().enumerate() {
                let arg = args.get(index).map(|arg| &*arg.expr);
                let is_handler = (at + 1, index) == (self.call.args.len(), self.call.handler);
                let (param, value) = match (pat, arg) {
                    (Pat::Assign(assign), None) => (param_id(&assign.left)?, Some(&*assign.right)),
                    (Pat::Assign(assign), arg) => (param_id(&assign.left)?, arg),
                    (pat, arg) => (param_id(pat)?, arg),
                };
                let text = match value {
                    Some(value) if is_handler => {
                        self.handler(value, &param, &mut edits, &mut types)?
                    }
                    Some(value) => {
                        let text = source.text_of(value).to_string();
                        self.simple(value).then_some(text)?
                    }
                    None => "undefined".to_string(),
                };
                self.put(&closure, &param, &text, &mut inner)?;
            }
        }
        self.annotate(&closure, &mut inner, &mut types)?;
        let written = inner.render(&source.text, closure.range.clone()).ok()?;
        let written = self.moved(&closure.range, written)?;
        // A declaration ends without a semicolon.
        let mut at = match kitchen.outline.default.1 {
            // What the file says of its type goes with it.
            DefaultExport::Expr(expr)
                if source.range(bare(expr)) == source.range(self.call.call) =>
            {
                source.range(expr)
            }
            _ => source.range(self.call.call),
        };
        let behind = &source.text[at.end..];
        let exported = source.text[..at.start].trim_end().ends_with("default");
        if exported && matches!(closure.form, Form::Expression) && behind.starts_with(';') {
            at.end += 1;
        }
        edits.replace(at, written);
        edits.delete(self.whole(&self.wrapper.statement));
        types.retain(|name| {
            !self
                .module
                .imports
                .keys()
                .any(|(known, _)| **known == **name)
        });
        types.sort();
        types.dedup();
        if !types.is_empty() {
            let from = style.string("next");
            let line = format!(
                "import type {{ {} }} from {from}{}\n",
                types.join(", "),
                style.semi
            );
            edits.insert(source.start(), line);
        }
        edits.render(&source.text, 0..source.text.len()).ok()
    }

    /// Whether a value may be written wherever it is used, because it is the same every time.
    fn simple(&self, value: &Expr) -> bool {
        match bare(value) {
            // A regular expression and a list are the same only where nothing changes them.
            Expr::Lit(literal) => !matches!(literal, Lit::Regex(_)),
            Expr::Ident(name) => {
                let name = id(name);
                let module = self.module;
                module.imports.contains_key(&name)
                    || module.functions.contains_key(&name)
                    || request::initialiser(module, &name).is_some()
            }
            Expr::Array(array) => array.elems.iter().all(|item| {
                let item = item.as_ref().filter(|item| item.spread.is_none());
                item.is_some_and(|item| matches!(bare(&item.expr), Expr::Lit(_)))
            }),
            _ => false,
        }
    }

    /// Whether a comment stands in the call, but for in what is given to it.
    fn says_more(&self) -> bool {
        let whole = self.source.range(self.call.call);
        let args = self.call.args.iter().flat_map(|args| args.iter());
        let args: Vec<Range<usize>> = args.map(|arg| self.source.range(arg)).collect();
        let inside = |comment: &Range<usize>, range: &Range<usize>| {
            range.start <= comment.start && comment.end <= range.end
        };
        let mut comments = self.source.comments.iter();
        comments
            .any(|comment| inside(comment, &whole) && !args.iter().any(|arg| inside(comment, arg)))
    }

    /// What the wrapper's function calls as its handler. One that is written in the call gets a name
    /// and stands in front of it.
    fn handler(
        &self,
        value: &'a Expr,
        param: &Id,
        edits: &mut Edits,
        types: &mut Vec<&str>,
    ) -> Option<String> {
        let source = self.source;
        let statement = self.call.statement.clone();
        match bare(value) {
            Expr::Ident(name) => Some(name.sym.to_string()),
            value @ (Expr::Arrow(_) | Expr::Fn(_)) => {
                let function = from_expr(source, None, value, statement.clone())?;
                let name = self.free_name(param)?;
                let mut inner = Edits::default();
                self.annotate(&function, &mut inner, types)?;
                let text = inner.render(&source.text, function.range.clone()).ok()?;
                let text = self.moved(&function.range, text)?;
                let style = Style::of(source);
                let line = format!("const {name} = {text}{}\n\n", style.semi);
                edits.insert(leading_comments(source, statement.start), line);
                Some(name)
            }
            _ => None,
        }
    }

    /// A name that nothing in the file has but the wrapper's parameter.
    fn free_name(&self, param: &Id) -> Option<String> {
        let free = |name: &str| {
            let mut all = self.names.iter();
            !all.any(|(used, _)| *used.0 == *name && used != param)
        };
        let names = ["handler", &*param.0, "handle", "answer"];
        names
            .into_iter()
            .find(|name| free(name))
            .map(str::to_string)
    }

    /// Puts a text in place of a parameter wherever the wrapper's function uses it.
    fn put(&self, closure: &Function, param: &Id, text: &str, edits: &mut Edits) -> Option<()> {
        let inside =
            |at: &Range<usize>| closure.range.start <= at.start && at.end <= closure.range.end;
        let mut used = self.names.iter().filter(|(_, at)| inside(at));
        // A name of the function itself would hide what is put there.
        let hides = |(name, _): &(Id, Range<usize>)| {
            let top = self
                .names
                .iter()
                .any(|(known, at)| known == name && !inside(at));
            name != param && !top && mentions(text, &name.0)
        };
        if used.clone().any(hides) {
            return None;
        }
        let mut odd = Odd {
            source: self.source,
            param,
            found: false,
            short: Vec::new(),
        };
        match closure.body {
            Body::Block(stmts, _) => stmts.visit_with(&mut odd),
            Body::Expr(expr) => expr.visit_with(&mut odd),
        }
        let changes = |(name, at): &(Id, Range<usize>)| {
            let behind = self.source.text[at.end..].strip_prefix('.');
            let reads = ["includes(", "indexOf(", "join(", "some("];
            let read =
                behind.is_none_or(|behind| reads.iter().any(|read| behind.starts_with(read)));
            name == param && !read
        };
        if odd.found || text.starts_with('[') && used.clone().any(changes) {
            return None;
        }
        used.by_ref()
            .filter(|(name, at)| name == param && self.source.text[at.clone()] != *text)
            .for_each(|(_, at)| {
                let whole = &self.source.text;
                let hole = at.start.saturating_sub(2)..at.end + 1;
                let words = text.trim_matches(['\'', '"']);
                let plain = words.len() + 2 == text.len() && !words.contains(['`', '$', '\\']);
                if plain && whole.get(hole.clone()) == Some(&*format!("${{{}}}", param.0)) {
                    return edits.replace(hole, words);
                }
                let text = match odd.short.contains(at) {
                    true => format!("{}: {text}", param.0),
                    false => text.to_string(),
                };
                edits.replace(at.clone(), text);
            });
        Some(())
    }

    /// Says the types of the request and the response, which the wrapper's types said.
    fn annotate(
        &self,
        function: &Function,
        edits: &mut Edits,
        types: &mut Vec<&str>,
    ) -> Option<()> {
        if !self.source.typescript() {
            return Some(());
        }
        let kinds = ["NextApiRequest", "NextApiResponse"];
        for (at, pat) in function.params.iter().enumerate() {
            let Pat::Ident(binding) = pat else {
                return None;
            };
            if binding.type_ann.is_some() {
                continue;
            }
            let kind = kinds.get(at)?;
            let range = self.source.range(&binding.id);
            if function.list(self.source).end <= range.end {
                return None;
            }
            types.push(kind);
            edits.insert(range.end, format!(": {kind}"));
        }
        Some(())
    }

    /// Text from its place in the file, moved to the left margin; `None` where it holds text lines
    /// that must not move.
    fn moved(&self, range: &Range<usize>, text: String) -> Option<String> {
        let width = indentation(&self.source.text, range.start).len();
        if width == 0 {
            return Some(text);
        }
        let templates = template_ranges(self.source);
        let inside = |template: &Range<usize>| {
            let within = range.start <= template.start && template.end <= range.end;
            within && self.source.text[template.clone()].contains('\n')
        };
        if templates.iter().any(inside) {
            return None;
        }
        let mut lines = text.split('\n');
        let mut out = lines.next().unwrap_or_default().to_string();
        for line in lines {
            let white = line.len() - line.trim_start_matches([' ', '\t']).len();
            out.push('\n');
            out.push_str(&line[white.min(width)..]);
        }
        Some(out)
    }

    /// A statement with its comments, its line, and an empty line behind it.
    fn whole(&self, statement: &Range<usize>) -> Range<usize> {
        let text = &self.source.text;
        let start = line_start(text, leading_comments(self.source, statement.start));
        let rest = &text[statement.end..];
        let white = rest.len() - rest.trim_start().len();
        start..statement.end + white
    }
}

/// Whether a function does nothing but give back a value.
fn only_returns(function: &Function) -> bool {
    matches!(
        function.body,
        Body::Expr(_) | Body::Block([Stmt::Return(_)], _)
    )
}

/// Finds where a name is set, and where it stands for the name of a property, too.
struct Odd<'o> {
    source: &'o Source,
    param: &'o Id,
    /// Whether it is set.
    found: bool,
    /// Where it names a property.
    short: Vec<Range<usize>>,
}

impl Visit for Odd<'_> {
    fn visit_prop(&mut self, node: &Prop) {
        match node {
            Prop::Shorthand(name) if id(name) == *self.param => {
                self.short.push(self.source.range(name));
            }
            _ => node.visit_children_with(self),
        }
    }

    fn visit_assign_expr(&mut self, node: &AssignExpr) {
        let target = node.left.as_ident();
        self.found |= target.is_some_and(|name| id(&name.id) == *self.param);
        node.visit_children_with(self);
    }

    fn visit_update_expr(&mut self, node: &UpdateExpr) {
        self.found |= crate::syntax::is_binding(&node.arg, self.param);
        node.visit_children_with(self);
    }
}

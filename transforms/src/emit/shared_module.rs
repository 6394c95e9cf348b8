//! Writes the web forms of functions into the module that declares them. In: the functions, and
//! for those that keep their old form the names of the new ones. Out: the module's new text.
//! A function whose old form nothing calls any more is rewritten where it stands; another gets
//! its web form behind it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Range;

use swc_core::ecma::ast::*;

use super::carrier::{Helper, Lowered};
use super::handler_types::{self, Given, Named, Rewritten};
use super::imports::Imports;
use super::layout;
use super::style::{Style, indentation, line_start};
use super::web_native::{complement, whole_lines};
use crate::edit::{Edits, Fragment};
use crate::facts::api_module::{ApiModule, Form as Spelling, Function, param_id, refuse_at};
use crate::facts::effect::{Replies, Role};
use crate::facts::members;
use crate::libraries::{cors_calls, pruned};
use crate::modules::{Key, Modules, Part, Shared, function};
use crate::outcome::{Place, Refusal};
use crate::reason::Reason;
use crate::request_types::{self, Origin};
use crate::shared_forms;
use crate::source::Source;
use crate::syntax::Names;
use crate::wrapping::{self, Wrapping};

/// A module with the web forms of its functions.
#[derive(Debug, Clone)]
pub struct SharedModule {
    /// The new text.
    pub text: String,
    /// The helpers of the generated module that it imports.
    pub helpers: BTreeSet<Helper>,
    /// The style of the file.
    pub style: Style,
}

/// The type of all parameters by name, which the generated module exports.
const PARAMS: &str = "Query";

/// Writes the web forms of these functions of one module. `names` has those that keep their old
/// form; `helper_specifier` gives how a module imports the generated one, and `specifier` another.
///
/// # Errors
/// The refusals for what has no faithful form.
pub fn write(
    modules: &Modules,
    file: &str,
    keys: &[&Key],
    names: &shared_forms::Names,
    helper_specifier: &dyn Fn(&str) -> String,
    specifier: &dyn Fn(&str) -> String,
) -> Result<SharedModule, Vec<Refusal>> {
    let broken = |detail: String| {
        vec![Refusal {
            reason: Reason::OutputUnparsable,
            place: Place::file_start(file),
            detail,
        }]
    };
    let module = modules
        .library(file)
        .ok_or_else(|| broken("no module".to_string()))?;
    let source = module.source;
    let style = Style::of(source);
    let mut imports = Imports::default();
    let mut helpers = BTreeSet::new();
    let mut edits = Edits::default();
    let mut gone: Vec<Range<usize>> = Vec::new();
    let mut beside: Vec<(usize, String)> = Vec::new();
    let mut query = false;
    let mut declared: Vec<Named> = Vec::new();
    for key in keys {
        if modules.factory(file, &key.name).is_some() {
            continue;
        }
        let (Some(part), Some(shared)) = (modules.part(key), modules.shared(key)) else {
            return Err(broken(key.name.clone()));
        };
        let lowered = modules.lower(&part, names)?;
        let form = Form {
            part: &part,
            shared: &shared,
            lowered: &lowered,
            in_place: names.get(key).is_none(),
            names_handler: Cell::new(None),
        };
        query |= shared.params;
        imports.extend(&lowered.needs.imports);
        imports.rename(&lowered.needs.renamed);
        helpers.extend(lowered.needs.helpers.iter().copied());
        let next_request =
            shared.next_request || shared.wrapper.is_some() || shared.callback.is_some();
        if source.typescript() && shared.request && next_request {
            imports.value("next/server", "NextRequest");
        }
        if let Some(injecting) = modules.injecting(file, &key.name) {
            let known = crate::facts::api_module::imports(source);
            for (origin, name) in injecting
                .puts
                .iter()
                .flat_map(|put| put.names.iter().flatten())
            {
                let from = match origin {
                    Origin::File(there) if there == file => continue,
                    Origin::File(there) => specifier(there),
                    Origin::Package(package) => package.clone(),
                };
                if !known.iter().any(|(local, _)| *local.0 == **name) {
                    imports.type_only(&from, name);
                }
            }
        }
        let (own, dropped) = form.edits(names.get(key).as_deref());
        let named = form.names_handler.get();
        if let Some(named) = named.filter(|named| !declared.contains(named)) {
            declared.push(named);
            let start = crate::flow::leading_comments(source, part.declared.statement.start);
            let known = named.is_declared(source);
            if is_taken(source, named.name()) && !known {
                return Err(vec![Refusal {
                    reason: Reason::TargetExists,
                    place: Place::file_start(file),
                    detail: named.name().to_string(),
                }]);
            }
            if !known {
                let text = named.declaration(&style);
                edits.insert(start, format!("{text}\n\n"));
            }
        }
        match names.get(key) {
            None => {
                edits.extend(own);
                gone.extend(dropped);
            }
            Some(_) => {
                let statement = part.declared.statement.clone();
                let text = own
                    .render(&source.text, statement.clone())
                    .map_err(|overlap| broken(format!("{overlap:?}")))?;
                let name = names.get(key).expect("just looked at");
                match function(&module, &name) {
                    // An earlier run has written it.
                    Some(there) if alike(&source.text[there.statement.clone()], &text) => {}
                    _ if is_taken(source, &name) => {
                        return Err(vec![Refusal {
                            reason: Reason::TargetExists,
                            place: Place::file_start(file),
                            detail: name,
                        }]);
                    }
                    _ if members::split(&name).is_some() => {
                        let indent = indentation(&source.text, statement.start);
                        // The members of an object are told apart by commas.
                        let comma = match is_listed(source, &statement) {
                            true => ",",
                            false => "",
                        };
                        beside.push((statement.end, format!("{comma}\n\n{indent}{text}")));
                    }
                    _ => beside.push((statement.end, format!("\n\n{text}"))),
                }
            }
        }
    }
    let moved = |name: &str| {
        let mut keys = keys.iter();
        keys.any(|key| key.name == name && names.get(key).is_none())
    };
    let mut went: String = keys
        .iter()
        .filter(|key| names.get(key).is_none())
        .filter_map(|key| function(&module, &key.name))
        .map(|function| &source.text[function.statement.clone()])
        .collect();
    let mut uses: (String, String) = Default::default();
    for (name, text) in modules.originals(file) {
        // One whose old form stays, or that no route calls, is as it was.
        if moved(name) {
            uses.0.push_str(text);
        } else if let Some(function) = function(&module, name) {
            uses.1.push_str(text);
            edits.replace(function.statement.clone(), text);
        }
    }
    for factory in modules.factories(file) {
        for part in factory.parts().filter(|part| !called(keys, part)) {
            // What no route calls was only written to be read.
            if let Some(function) = function(&module, part) {
                edits.delete(behind(source, &function.statement));
            }
        }
        if let Some(statement) = statement_of(source, &factory.name)
            && moved(&factory.name)
        {
            uses.0.push_str(&source.text[statement.clone()]);
            gone.push(statement.clone());
            edits.delete(whole_lines(source, &statement));
        }
    }
    imports.lost = lost(source, &uses);
    went.push_str(&uses.0);
    for (at, text) in beside {
        edits.insert(at, text);
    }
    // What reads the body here leaves it for those that come later.
    if helpers.contains(&Helper::ReadBody) {
        helpers.insert(Helper::KeepBody);
    }
    for helper in helpers.iter().filter(|helper| helper.is_imported()) {
        imports.value(&helper_specifier(&source.text), helper.name());
    }
    if query && source.typescript() {
        helpers.insert(Helper::ReadQuery);
        imports.type_only(&helper_specifier(&source.text), PARAMS);
    }
    let kept = complement(&gone, source.text.len());
    imports.add_renamed(source, &kept, &|specifier| specifier.to_string());
    imports.place(source, &style, &kept, &mut edits);
    let text = edits
        .render(&source.text, 0..source.text.len())
        .map_err(|overlap| broken(format!("{overlap:?}")))?;
    let text = without_orphans(source, text, went);
    let text = match modules.spared(file) {
        [] => text,
        spared => pruned(source, cors_calls::without(source, text, spared)),
    };
    let text = layout::lay_out(source, source.in_own_line_ends(text));
    Source::parse(file, text.as_str().into()).map_err(|error| broken(error.message))?;
    Ok(SharedModule {
        text,
        helpers,
        style,
    })
}

/// The text of a file without the types that it used before and uses no more.
pub fn without_idle_types(before: &Source, text: String) -> String {
    let names = Names::of(before, &before.module).all;
    let used = names.iter().enumerate().filter(|(at, (name, _))| {
        let mut others = names.iter().enumerate();
        others.any(|(other, (same, _))| other != *at && same == name)
    });
    let used: Vec<&str> = used.map(|(_, (name, _))| &*name.0).collect();
    without_orphans(before, text, used.join(" "))
}

/// The text of a module without the types that only what went used.
fn without_orphans(before: &Source, text: String, mut went: String) -> String {
    let mut left = text.clone();
    while let Ok(source) = Source::parse(&before.path, left.as_str().into()) {
        let names = Names::of(&source, &source.module).all;
        let orphan = source.items().iter().find(|item| {
            let name = match item {
                ModuleItem::Stmt(Stmt::Decl(Decl::TsTypeAlias(alias))) => &alias.id,
                ModuleItem::Stmt(Stmt::Decl(Decl::TsInterface(shape))) => &shape.id,
                _ => return false,
            };
            let id = crate::syntax::id(name);
            let uses = names.iter().filter(|(used, _)| *used == id).count();
            uses == 1 && shared_forms::mentions(&went, &name.sym)
        });
        let Some(orphan) = orphan else { break };
        let range = source.range(orphan);
        let start = crate::flow::leading_comments(&source, range.start);
        went.push_str(&left[range.clone()]);
        let rest = left[range.end..].trim_start_matches(['\n', '\r']).len();
        left.replace_range(line_start(&left, start)..left.len() - rest, "");
    }
    match left == text {
        true => text,
        // What they imported goes with them.
        false => pruned(before, left),
    }
}

/// Whether a route calls a function of the module.
fn called(keys: &[&Key], name: &str) -> bool {
    keys.iter().any(|key| key.name == name)
}

/// A statement with the white space in front of it.
fn behind(source: &Source, statement: &Range<usize>) -> Range<usize> {
    source.text[..statement.start].trim_end().len()..statement.end
}

/// The statement that declares a name.
pub fn statement_of(source: &Source, name: &str) -> Option<Range<usize>> {
    let declares = |declaration: &Decl| {
        match declaration {
        Decl::Fn(function) => *function.ident.sym == *name,
        Decl::Var(variables) => variables.decls.iter().any(
            |declarator| matches!(&declarator.name, Pat::Ident(binding) if *binding.id.sym == *name),
        ),
        _ => false,
    }
    };
    let found = source.items().iter().find(|item| match item {
        ModuleItem::Stmt(Stmt::Decl(declaration)) => declares(declaration),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => declares(&export.decl),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => {
            matches!(&export.decl, DefaultDecl::Fn(function)
                if function.ident.as_ref().is_some_and(|ident| *ident.sym == *name))
        }
        _ => false,
    });
    found.map(|item| source.range(item))
}

/// The imported names that only what went mentions, and nothing that stays as it was.
fn lost(source: &Source, (went, stays): &(String, String)) -> BTreeSet<String> {
    let imports = source.items().iter().filter_map(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => Some(&import.specifiers),
        _ => None,
    });
    imports
        .flatten()
        .map(|specifier| specifier.local().sym.to_string())
        .filter(|name| shared_forms::mentions(went, name) && !shared_forms::mentions(stays, name))
        .collect()
}

/// Whether two texts differ in their layout only.
fn alike(a: &str, b: &str) -> bool {
    let words = |text: &str| -> String {
        let kept = |char: &char| !char.is_whitespace() && !matches!(char, ',' | '(' | ')' | ';');
        text.chars().filter(kept).collect()
    };
    words(a) == words(b)
}

/// Whether a member stands in an object, and not in a class.
fn is_listed(source: &Source, member: &Range<usize>) -> bool {
    source.items().iter().any(|item| {
        let decl = match item {
            ModuleItem::Stmt(Stmt::Decl(decl)) => decl,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
            _ => return false,
        };
        let range = source.range(item);
        matches!(decl, Decl::Var(_)) && range.start < member.start && member.end < range.end
    })
}

/// Whether something in a file has this name.
fn is_taken(source: &Source, name: &str) -> bool {
    let names = Names::of(source, &source.module).all;
    names.iter().any(|(taken, _)| *taken.0 == *name)
}

/// The text of a function's web form in which every function that it calls has another name.
pub fn renamed(modules: &Modules, key: &Key) -> Option<String> {
    if modules.factory(&key.file, &key.name).is_some() {
        // It goes.
        return Some(String::new());
    }
    let part = modules.part(key)?;
    let shared = modules.shared(key)?;
    let lowered = modules.lower(&part, &shared_forms::Names::All).ok()?;
    let form = Form {
        part: &part,
        shared: &shared,
        lowered: &lowered,
        in_place: true,
        names_handler: Cell::new(None),
    };
    let (edits, _) = form.edits(None);
    let text = &part.module.source.text;
    edits.render(text, part.declared.statement.clone()).ok()
}

/// One function on its way to its web form.
struct Form<'f, 'a> {
    part: &'f Part<'a>,
    shared: &'f Shared,
    lowered: &'f Lowered,
    /// Whether its old form goes.
    in_place: bool,
    /// The type of a web handler that its edits name.
    names_handler: Cell<Option<Named>>,
}

impl<'a> Form<'_, 'a> {
    fn source(&self) -> &'a Source {
        self.part.module.source
    }

    /// The edits of the function's statement, and the code that they drop.
    fn edits(&self, new_name: Option<&str>) -> (Edits, Vec<Range<usize>>) {
        let source = self.source();
        let text = &source.text;
        let mut out = Out {
            edits: self.lowered.edits.clone(),
            dropped: self.lowered.dropped.clone(),
        };
        let list = match &self.part.wrapping {
            Some(wrapping) => self.wrapper(wrapping, &mut out),
            None => {
                let map = self.map_param(&mut out);
                let params = self.params(map.as_deref());
                let list = self.rewrite_params(&self.part.function, params, &mut out);
                let replies = self.shared.replies != Replies::Never;
                let kept = match (replies, self.shared.becomes_async) {
                    (true, _) => self.retype(&mut out),
                    (false, true) => self.promise(&mut out),
                    (false, false) => true,
                };
                if !kept {
                    out.untype(source, &self.part.function);
                }
                list
            }
        };
        if self.shared.becomes_async {
            let function = &self.part.function;
            let list = function.list(self.source()).start;
            let at = match function.form {
                _ if text[function.range.clone()].starts_with("function") => function.range.start,
                Spelling::Method => {
                    let name = members::last(&self.shared.key.name);
                    let head = &text[self.part.declared.statement.start..list];
                    head.rfind(name).map_or(list, |at| list - head.len() + at)
                }
                _ => async_place(text, list),
            };
            out.edits.insert(at, "async ");
        }
        if let Some(new) = new_name {
            let statement = self.part.declared.statement.clone();
            let name = members::last(&self.shared.key.name);
            let head = &text[statement.start..list.start];
            if let Some(at) = head.rfind(name) {
                let at = statement.start + at;
                out.edits.replace(at..at + name.len(), members::last(new));
            }
            let default = "export default ";
            if members::split(&self.shared.key.name).is_some() {
                // A member is exported with its owner.
            } else if head.starts_with(default) {
                let words = statement.start..statement.start + default.len();
                out.edits.replace(words, "export ");
            } else if !head.starts_with("export ") {
                out.edits.insert(statement.start, "export ");
            }
        }
        (out.edits, out.dropped)
    }

    /// Writes the annotation of a function that gave back `null` where it had answered, and gives
    /// back the answer now; whether there is such an annotation.
    fn retype(&self, out: &mut Out) -> bool {
        let source = self.source();
        let Some(annotation) = self.part.function.return_type.clone() else {
            return false;
        };
        let text = &source.text[annotation.clone()];
        let absent = ["| null", "| undefined"]
            .into_iter()
            .find(|absent| text.contains(absent));
        match absent.filter(|_| self.shared.answered == Some(false)) {
            Some(absent) => {
                out.edits
                    .replace(annotation, text.replacen(absent, "| Response", 1));
                true
            }
            None => false,
        }
    }

    /// Writes the annotation of a function that gives its value by a promise now; whether there is
    /// one that can be written.
    fn promise(&self, out: &mut Out) -> bool {
        let annotation = self.part.function.return_type.clone();
        let written = annotation.and_then(|range| {
            let text = promised(&self.source().text[range.clone()])?;
            Some((range, text))
        });
        let Some((range, text)) = written else {
            return false;
        };
        out.edits.replace(range, text);
        true
    }

    /// Writes a wrapper's head; gives its own parameter list.
    fn wrapper(&self, wrapping: &Wrapping<'a>, out: &mut Out) -> Range<usize> {
        let source = self.source();
        let typescript = source.typescript();
        let own = wrapping.layers[0].list(source);
        let context = self.shared.wrapper.is_some_and(|wrapper| wrapper.context);
        let request = param_id(wrapping.closure.params[0])
            .map_or("request".to_string(), |name| name.0.to_string());
        let typed = |name: &str, kind: &str| {
            if typescript {
                format!("{name}: {kind}")
            } else {
                name.to_string()
            }
        };
        let behind = if context {
            typed("context", "Context")
        } else {
            typed("...args", "Args")
        };
        let mut with = vec![Fragment::Text(format!(
            "({}, {behind}",
            typed(&request, "NextRequest")
        ))];
        let mut kept = Vec::new();
        // What those around it hand over.
        for pat in wrapping.closure.params.iter().skip(2) {
            with.push(Fragment::Text(", ".to_string()));
            with.push(Fragment::Keep(source.range(*pat)));
            kept.push(source.range(*pat));
        }
        with.push(Fragment::Text(")".to_string()));
        if !wrapping.passes {
            self.rewrite_params(&wrapping.closure, (with, kept), out);
            out.untype(source, &wrapping.closure);
        }
        for layer in &wrapping.layers {
            out.untype(source, layer);
        }
        if !typescript {
            return own;
        }
        let layer = &wrapping.layers[wrapping.handler.0];
        let style = Style::of(source);
        let generic = match (context, self.shared.params) {
            (false, _) => "Args extends unknown[]".to_string(),
            // In JSX `<Context>` would open an element.
            (true, false) if source.path.ends_with('x') => "Context,".to_string(),
            (true, false) => "Context".to_string(),
            (true, true) => format!("Context extends {{ params: {} }}", self.params_type()),
        };
        let layer_list = layer.list(source);
        let types = wrapping
            .takes
            .is_some()
            .then(|| self.map_types(wrapping, out));
        let parameter = types.as_ref().and_then(|types| types.parameter.clone());
        match (parameter, handler_types::generic_end(source, layer)) {
            (Some(parameter), _) => {
                out.dropped.push(parameter.clone());
                out.edits.replace(parameter, generic.clone());
            }
            // It is generic already; behind a parameter with a default there is none without.
            (None, Some(end)) => {
                let generic = generic.trim_end_matches(',');
                let text = &source.text[..end];
                let open = text.rfind(['(', '\n', ';']).map_or(0, |at| at + 1);
                let bound = generic
                    .split_once(" extends ")
                    .map_or("unknown", |(_, bound)| bound);
                let default = match text[open..].contains(" = ") {
                    true => format!(" = {bound}"),
                    false => String::new(),
                };
                out.edits.insert(end, format!(", {generic}{default}"));
            }
            (None, None) => out.edits.insert(layer_list.start, format!("<{generic}>")),
        }
        let length = match types {
            Some(_) => 0,
            None => self.handler_type(wrapping, layer.params[wrapping.handler.1], context, out),
        };
        // Parameters that do not fit on the line of the head stand on lines of their own.
        let text = &source.text;
        let head = &text[line_start(text, layer_list.start)..layer_list.end];
        let long = style.columns(head) + generic.len() + 4 + length > style.width;
        if long && !text[layer_list.clone()].contains('\n') {
            let indent = super::style::indentation(text, layer_list.start);
            let inner = format!("{indent}{}", style.indent);
            for (at, pat) in layer.params.iter().enumerate() {
                let start = source.range(*pat).start;
                let white = text[..start].trim_end().len();
                if at > 0 || text[..start].trim_end().ends_with('(') {
                    out.edits.replace(white..start, format!("\n{inner}"));
                }
            }
            let close = layer_list.end - 1;
            if text[close..].starts_with(')') {
                let last = text[..close].trim_end();
                let comma = if last.ends_with(',') {
                    ""
                } else {
                    style.trailing
                };
                out.edits
                    .replace(last.len()..close, format!("{comma}\n{indent}"));
            }
        }
        own
    }

    /// Rewrites the types of a wrapper that is given a map of methods.
    fn map_types(&self, wrapping: &Wrapping<'a>, out: &mut Out) -> Rewritten {
        let given = Given::wrapper(self.part, wrapping, self.in_place);
        self.typed(&given, out)
    }

    /// Rewrites the types of a function that is given a map of methods.
    fn typed(&self, given: &Given<'a>, out: &mut Out) -> Rewritten {
        let types = given.rewrite().unwrap_or_default();
        self.write_types(&types, out);
        types
    }

    /// The parameter that is a map of methods, where its own text changes; other types that it names
    /// are rewritten where they stand.
    fn map_param(&self, out: &mut Out) -> Option<String> {
        let callback = self.part.callback.as_ref()?;
        let source = self.source();
        if callback.takes.is_none() || !source.typescript() {
            return None;
        }
        let given = Given::callback(self.part, callback, self.in_place);
        let mut types = given.rewrite().unwrap_or_default();
        let param = source.range(given.param);
        let inside = |range: &Range<usize>| param.start <= range.start && range.end <= param.end;
        let (own, others) = types.edits.drain(..).partition(|(range, _)| inside(range));
        types.edits = others;
        self.write_types(&types, out);
        let own: Vec<(Range<usize>, String)> = own;
        let mut edits = Edits::default();
        for (range, text) in own {
            if !range.is_empty() {
                out.dropped.push(range.clone());
            }
            edits.replace(range, text);
        }
        let changes = !edits.is_empty();
        edits.render(&source.text, param).ok().filter(|_| changes)
    }

    fn write_types(&self, types: &Rewritten, out: &mut Out) {
        for (range, text) in &types.edits {
            if !range.is_empty() {
                out.dropped.push(range.clone());
            }
            out.edits.replace(range.clone(), text.clone());
        }
        self.names_handler.set(types.names);
    }

    /// The type of the context's `params`.
    fn params_type(&self) -> String {
        if self.part.awaits_params {
            format!("Promise<{PARAMS}>")
        } else {
            PARAMS.to_string()
        }
    }

    /// Writes the type of a wrapper's handler; gives by how many columns its line grows.
    fn handler_type(&self, wrapping: &Wrapping, pat: &Pat, context: bool, out: &mut Out) -> usize {
        let source = self.source();
        let Pat::Ident(binding) = pat else { return 0 };
        let name = source.range(&binding.id);
        let annotation = binding.type_ann.as_deref();
        let written = annotation.map(|annotation| &*annotation.type_ann);
        let alias = written.and_then(|kind| alias(source, kind));
        let written_extras = handler_params(source, written);
        let mut extras: Vec<String> = written_extras
            .iter()
            .map(|param| source.text_of(*param).to_string())
            .collect();
        if wrapping.passes && extras.len() < wrapping.extras {
            extras = self.extras_inside(wrapping);
        }
        let drop = |out: &mut Out, range: Range<usize>| {
            // What stands behind the request and the response stays.
            let mut at = range.start;
            for param in &written_extras {
                let param = source.range(*param);
                if range.start <= param.start && param.end <= range.end {
                    out.dropped.push(at..param.start);
                    at = param.end;
                }
            }
            out.dropped.push(at..range.end);
        };
        let extras = (0..wrapping.extras).map(|at| {
            let given = extras.get(at).cloned();
            given.unwrap_or_else(|| format!("extra{}: any", at + 1))
        });
        let mut params = vec!["request: NextRequest".to_string()];
        params.push(
            if context {
                "context: Context"
            } else {
                "...args: Args"
            }
            .to_string(),
        );
        params.extend(extras);
        let style = Style::of(source);
        let mut kind = format!("({}) => {ANSWER}", params.join(", "));
        let indent = super::style::indentation(&source.text, name.start);
        let line = line_start(&source.text, name.start);
        let inner = match source.text[line..name.start].trim().is_empty() {
            true => indent.to_string(),
            // It goes to a line of its own.
            false => format!("{indent}{}", style.indent),
        };
        let layer = &wrapping.layers[wrapping.handler.0];
        let comma = match wrapping.handler.1 + 1 == layer.params.len() {
            true => style.trailing.len(),
            false => 1,
        };
        let column = style.columns(&inner) + style.columns(&name_of(pat)) + 2 + comma;
        let alias = alias.filter(|alias| {
            let names = Names::of(source, &source.module).all;
            let id = crate::syntax::id(&alias.id);
            let own = names.iter().filter(|(name, _)| *name == id).count() == 2;
            let plain = alias.type_params.is_none() && !exported(source, alias);
            self.in_place && own && plain
        });
        let by_alias = alias.is_some();
        if column + kind.len() > style.width && !by_alias {
            kind = lines(&params, &style, &inner);
        }
        // The types behind the request and the response stay.
        if let Some(alias) = alias {
            let parameter = if context { "Context" } else { "Args" };
            let bound = if context {
                "Context"
            } else {
                "Args extends unknown[]"
            };
            let range = source.range(&*alias.type_ann);
            drop(out, range.clone());
            let head =
                style.columns(&source.text[line_start(&source.text, range.start)..range.start]);
            if head + bound.len() + kind.len() + 3 > style.width {
                kind = lines(&params, &style, "");
            }
            out.edits
                .insert(source.range(&alias.id).end, format!("<{bound}>"));
            out.edits.replace(range, kind);
            let used = source.range(annotation.expect("an alias was found"));
            out.edits.insert(used.end, format!("<{parameter}>"));
            return parameter.len() + 2;
        }
        let length = kind.len() + 2;
        match annotation {
            Some(annotation) => {
                let range = source.range(annotation);
                let old = range.end - range.start;
                drop(out, range.clone());
                out.edits.replace(range, format!(": {kind}"));
                length.saturating_sub(old)
            }
            None => {
                out.edits.insert(name.end, format!(": {kind}"));
                length
            }
        }
    }

    /// What the innermost of the wrappers that a handler is passed on to hands to it, as far as this
    /// file says its types.
    fn extras_inside(&self, wrapping: &Wrapping) -> Vec<String> {
        let source = self.source();
        let inner = wrapping.around.last().map(|call| &call.shared);
        let found = inner.and_then(|shared| {
            let (layer, at) = shared.wrapper?.handler;
            let own = shared.key.file == source.path;
            let declared = function(&self.part.module, &shared.key.name).filter(|_| own)?;
            match wrapping::layers(source, declared)
                .get(layer)?
                .params
                .get(at)?
            {
                Pat::Ident(binding) => Some(handler_extras(source, binding)),
                _ => None,
            }
        });
        found.unwrap_or_default()
    }

    /// Replaces a parameter list; of the old one the given ranges stay.
    fn rewrite_params(
        &self,
        function: &Function,
        (with, kept): (Vec<Fragment>, Vec<Range<usize>>),
        out: &mut Out,
    ) -> Range<usize> {
        let list = function.list(self.source());
        out.edits.rewrite(list.clone(), with);
        let mut at = list.start;
        for range in kept {
            out.dropped.push(at..range.start);
            at = range.end;
        }
        out.dropped.push(at..list.end);
        list
    }

    /// What the parameter list becomes, and what of it stays.
    /// `map` is the new text of the parameter that is a map of methods.
    fn params(&self, map: Option<&str>) -> (Vec<Fragment>, Vec<Range<usize>>) {
        let source = self.source();
        let function = &self.part.function;
        let typescript = source.typescript();
        let mut parts: Vec<Vec<Fragment>> = Vec::new();
        let mut kept = Vec::new();
        let params = || {
            let annotation = if typescript {
                format!(": {PARAMS}")
            } else {
                String::new()
            };
            vec![Fragment::Text(format!("params{annotation}"))]
        };
        let mut late = self.shared.params.then(params);
        for (at, pat) in function.params.iter().enumerate() {
            match self.part.reading.roles.get(at).copied().flatten() {
                Some(Role::Request) => {
                    if self.shared.request {
                        parts.push(vec![Fragment::Text(self.request(pat))]);
                    }
                    parts.extend(late.take());
                }
                Some(Role::Response) => {
                    if let Some(name) = &self.lowered.needs.headers {
                        let annotation = if typescript { ": Headers" } else { "" };
                        parts.push(vec![Fragment::Text(format!("{name}{annotation}"))]);
                    }
                }
                None if self.calls(at) => {
                    let (text, extras) = self.callback(pat);
                    kept.extend(extras);
                    parts.push(vec![Fragment::Text(text)]);
                }
                None => {
                    let range = source.range(*pat);
                    let called = self.shared.callback;
                    let is_map = called.is_some_and(|called| called.at == at);
                    kept.push(range.clone());
                    parts.push(vec![match map.filter(|_| is_map) {
                        Some(text) => Fragment::Text(text.to_string()),
                        None => Fragment::Keep(range),
                    }]);
                }
            }
        }
        parts.extend(late);
        // A list that stood on several lines and does not fit on one keeps to several.
        let list = function.list(self.source());
        let text = &source.text;
        let style = Style::of(source);
        let length: usize = parts
            .iter()
            .flatten()
            .map(|part| match part {
                Fragment::Text(new) => style.columns(new) + 2,
                Fragment::Keep(range) => style.columns(&text[range.clone()]) + 2,
            })
            .sum();
        let head = style.columns(&text[line_start(text, list.start)..list.start]);
        let several = text[list].contains('\n') || self.part.callback.is_some();
        // A type on several lines opens a list on several, too.
        let lined = map.is_some_and(|map| map.contains('\n'));
        // What opens the body stands on the same line.
        let opens = match function.form {
            Spelling::Arrow => ") => {",
            _ => ") {",
        };
        let broken = several && head + length + opens.len() - 1 > style.width || lined;
        if lined {
            let deeper = format!("\n{}", style.indent);
            for part in parts.iter_mut().flatten() {
                if let Fragment::Text(text) = part {
                    *text = text.replace('\n', &deeper);
                }
            }
        }
        let (open, between, close) = match broken {
            true => (
                format!("(\n{}", style.indent),
                format!(",\n{}", style.indent),
                format!("{}\n)", style.trailing),
            ),
            false => ("(".to_string(), ", ".to_string(), ")".to_string()),
        };
        let mut with = vec![Fragment::Text(open)];
        for (at, part) in parts.into_iter().enumerate() {
            if at > 0 {
                with.push(Fragment::Text(between.clone()));
            }
            with.extend(part);
        }
        with.push(Fragment::Text(close));
        (with, kept)
    }

    /// Whether a parameter is a function that is called with the request, and no map of these.
    fn calls(&self, at: usize) -> bool {
        let called = self.shared.callback;
        called.is_some_and(|called| called.at == at && called.map.is_none())
    }

    /// The parameter that is called with the request, and the types of it that stay.
    fn callback(&self, pat: &Pat) -> (String, Vec<Range<usize>>) {
        let source = self.source();
        let name = name_of(pat);
        if !source.typescript() {
            return (name, Vec::new());
        }
        let annotation = match pat {
            Pat::Ident(binding) => binding.type_ann.as_deref(),
            _ => None,
        };
        let written = annotation.map(|annotation| &*annotation.type_ann);
        let extras: Vec<Range<usize>> = handler_params(source, written)
            .into_iter()
            .map(|param| source.range(param))
            .collect();
        let mut params = vec!["request: NextRequest".to_string()];
        params.extend(
            extras
                .iter()
                .map(|range| source.text[range.clone()].to_string()),
        );
        if self.shared.hands_headers.is_some() {
            params.push("headers: Headers".to_string());
        }
        let whole = source.range(pat);
        let inside = |range: &Range<usize>| whole.start <= range.start && range.end <= whole.end;
        let extras = extras.into_iter().filter(inside).collect();
        (
            format!("{name}: ({}) => {ANSWER}", params.join(", ")),
            extras,
        )
    }

    fn request(&self, pat: &Pat) -> String {
        let name = match pat {
            Pat::Ident(binding) => binding.id.sym.to_string(),
            _ => "request".to_string(),
        };
        if !self.source().typescript() {
            return name;
        }
        let kind = if self.shared.next_request {
            "NextRequest"
        } else {
            "Request"
        };
        format!("{name}: {kind}")
    }
}

/// What a handler gives back.
pub(super) const ANSWER: &str = "Response | Promise<Response>";

/// The type of a handler with its parameters on lines of their own.
pub(super) fn lines(params: &[String], style: &Style, indent: &str) -> String {
    let inner = format!("{indent}{}", style.indent);
    // Nothing may follow a rest parameter.
    let rest = params.last().is_some_and(|last| last.starts_with("..."));
    let comma = if rest { "" } else { style.trailing };
    let params = params.join(&format!(",\n{inner}"));
    format!("(\n{inner}{params}{comma}\n{indent}) => {ANSWER}")
}

fn name_of(pat: &Pat) -> String {
    param_id(pat).map_or(String::new(), |name| name.0.to_string())
}

/// Edits, and the code that they drop.
struct Out {
    edits: Edits,
    dropped: Vec<Range<usize>>,
}

impl Out {
    /// Removes the annotations of what a function gives back.
    fn untype(&mut self, source: &Source, function: &Function) {
        let held = function.variable_type.map(|kind| source.range(kind));
        for range in function.return_type.clone().into_iter().chain(held) {
            if !self.dropped.contains(&range) {
                self.edits.delete(range.clone());
                self.dropped.push(range);
            }
        }
    }
}

/// The annotation `: T` of a function that becomes async; `None` for what no promise gives, as
/// `: value is T`.
pub fn promised(annotation: &str) -> Option<String> {
    let kind = annotation.strip_prefix(':')?.trim();
    let asserts = kind.contains(" is ") || kind.starts_with("asserts ");
    (!asserts).then(|| format!(": Promise<{kind}>"))
}

/// Where `async` goes in front of an arrow function's or a function expression's parameters.
fn async_place(text: &str, list: usize) -> usize {
    match text[..list].trim_end().ends_with("function") {
        true => text[..list].trim_end().len() - "function".len(),
        false => list,
    }
}

/// The parameters behind the request and the response in the type of a handler.
fn handler_params<'a>(source: &'a Source, kind: Option<&'a TsType>) -> Vec<&'a TsFnParam> {
    let alias = kind.and_then(|kind| alias(source, kind));
    match alias.map(|alias| &*alias.type_ann).or(kind) {
        Some(TsType::TsFnOrConstructorType(TsFnOrConstructorType::TsFnType(kind))) => {
            kind.params.iter().skip(2).collect()
        }
        _ => Vec::new(),
    }
}

/// The parameters behind the request and the response that the type of a handler has.
pub fn handler_extras(source: &Source, handler: &BindingIdent) -> Vec<String> {
    let kind = handler.type_ann.as_ref().map(|said| &*said.type_ann);
    let extras = handler_params(source, kind).into_iter();
    extras
        .map(|extra| source.text_of(extra).to_string())
        .collect()
}

/// The type that the type of a handler says its request has.
pub fn handler_request<'a>(source: &'a Source, handler: &'a Pat) -> Option<&'a TsType> {
    let Pat::Ident(handler) = handler else {
        return None;
    };
    let kind = &*handler.type_ann.as_ref()?.type_ann;
    match alias(source, kind).map_or(kind, |alias| &alias.type_ann) {
        TsType::TsFnOrConstructorType(TsFnOrConstructorType::TsFnType(kind)) => {
            match kind.params.first()? {
                TsFnParam::Ident(binding) => Some(&binding.type_ann.as_ref()?.type_ann),
                _ => None,
            }
        }
        TsType::TsTypeRef(kind) => Some(kind.type_params.as_ref()?.params.first()?),
        _ => None,
    }
}

/// The type alias of the file that a type names.
fn alias<'a>(source: &'a Source, kind: &TsType) -> Option<&'a TsTypeAliasDecl> {
    let TsType::TsTypeRef(reference) = kind else {
        return None;
    };
    let TsEntityName::Ident(name) = &reference.type_name else {
        return None;
    };
    let declaration = |item: &'a ModuleItem| match item {
        ModuleItem::Stmt(Stmt::Decl(Decl::TsTypeAlias(alias))) => Some(&**alias),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(ExportDecl {
            decl: Decl::TsTypeAlias(alias),
            ..
        })) => Some(&**alias),
        _ => None,
    };
    let mut aliases = source.items().iter().filter_map(declaration);
    aliases.find(|alias| crate::syntax::id(&alias.id) == crate::syntax::id(name))
}

fn exported(source: &Source, alias: &TsTypeAliasDecl) -> bool {
    let at = source.range(alias).start;
    source.text[..at].trim_end().ends_with("export") || source.text[at..].starts_with("export")
}

/// Refuses a function that takes a request or a response apart where it names it, or relies on what
/// a type says of it. What else its type is called is no matter.
pub fn plain_parameters(
    module: &ApiModule,
    function: &Function,
    roles: &[Option<Role>],
) -> Result<(), Refusal> {
    for (pat, role) in function.params.iter().zip(roles) {
        if role.is_none() {
            continue;
        }
        let reason = Reason::ReqEscapes;
        let Pat::Ident(binding) = pat else {
            let range = module.source.range(*pat);
            let why = "destructured parameter";
            return Err(refuse_at(module.source, reason, range, why));
        };
        let kind = binding.type_ann.as_deref();
        let kind = kind.filter(|kind| request_types::narrows(module.source, &kind.type_ann));
        if let Some(kind) = kind {
            let range = module.source.range(kind);
            let why = "a type that says more of a request";
            return Err(refuse_at(module.source, reason, range, why));
        }
    }
    Ok(())
}

//! Handlers that read what a wrapper of the project put on the request. In: the outline of an API
//! file whose handler stands in such wrappers. Out: its text with the values as parameters of the
//! handler, behind the request and the response, and of the functions of the file that it hands the
//! request to: `req.user` becomes `user`. What no wrapper surely hands over is read of the request as
//! before, and refused where the handler is read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::edit::Edits;
use crate::emit::imports::Imports;
use crate::emit::shared_module::without_idle_types;
use crate::emit::style::Style;
use crate::facts::api_module::{ApiModule, Body, Function, Outline, from_expr, param_id};
use crate::facts::effect::Role;
use crate::facts::method_map::Place;
use crate::injected::{self, Value, free};
use crate::injecting::Given;
use crate::libraries::chain::{AsHandler, Kitchen};
use crate::libraries::pruned;
use crate::modules::{self, Follow, Modules};
use crate::request_types::{self, Origin};
use crate::source::Source;
use crate::syntax::{Id, Names, id, is_binding};

/// Writes a file whose handler reads what wrappers put on the request; `None` where it reads nothing
/// of them.
pub fn as_handler(kitchen: &Kitchen) -> Option<AsHandler> {
    let source = kitchen.outline.source;
    if kitchen.outline.imports.is_empty() {
        return None;
    }
    let modules = kitchen.modules;
    let one = look(modules, source, |file| {
        file.wrapped()?;
        let mut edits = Edits::default();
        for function in file.reached() {
            for req in &function.requests {
                crate::one_request::edits(source, &function.function.body, req, &mut edits);
            }
        }
        Some(edits)
    })?;
    let render = |source: &Source, edits: &Edits| edits.render(&source.text, 0..source.text.len());
    let plain;
    let plain = match one.is_empty() {
        true => source,
        false => {
            let text = render(source, &one).ok()?;
            let project = kitchen.modules.project();
            plain = project.parse(&source.path, Arc::from(text)).ok()?;
            &plain
        }
    };
    let edits = look(modules, plain, |file| {
        let given = file.wrapped()?;
        file.take(kitchen, &given)
    })?;
    let text = render(plain, &edits).ok()?;
    Some(AsHandler {
        text: Arc::from(pruned(source, without_idle_types(source, text))),
        at: kitchen.outline.default.0.clone(),
        spares: Vec::new(),
    })
}

/// Looks at the handler of a file.
fn look<T>(modules: &Modules, source: &Source, look: impl FnOnce(&File) -> Option<T>) -> Option<T> {
    let outline = Outline::read(source).ok()?;
    let module = ApiModule::of(outline).ok()?;
    look(&File {
        module: &module,
        modules,
    })
}

/// An API file.
struct File<'f, 'a, 's> {
    module: &'f ApiModule<'a>,
    modules: &'f Modules<'s>,
}

/// What a handler is given behind the request and the response.
struct Handed {
    /// How many arguments it was given before.
    before: usize,
    /// The values.
    values: Vec<Given>,
    /// Whether no other wrapper stands between it and the handler.
    direct: bool,
}

/// A function that takes the request.
struct Reached<'a> {
    function: Function<'a>,
    /// The names of the request in it: its parameter, and those of functions inside it.
    requests: Vec<Id>,
    /// Whether it is the handler, or one of a map.
    handler: bool,
    /// Whether it stands where a wrapper's type says what it takes.
    inline: bool,
}

impl<'a> File<'_, 'a, '_> {
    fn source(&self) -> &'a Source {
        self.module.source
    }

    /// What the wrappers hand to the handler; `None` where it is nothing.
    fn wrapped(&self) -> Option<Handed> {
        let modules = self.modules;
        let file = &self.source().path;
        let mut handed: Option<Handed> = None;
        for call in &self.module.wrappers {
            let (there, name) = modules.named(file, &self.module.imports, call.callee)?;
            if modules.injecting(&there, &name).is_none() {
                modules.wrapper(self.module, call.callee)?;
            }
            let key = modules::Key {
                file: there,
                name,
                roles: Vec::new(),
            };
            handed = self.through(&key, handed)?;
        }
        handed
    }

    /// What comes through a wrapper, and those inside it, of what is handed to it; `None` where it
    /// takes something else.
    fn through(&self, key: &modules::Key, mut handed: Option<Handed>) -> Option<Option<Handed>> {
        let modules = self.modules;
        let part = modules.part(key)?;
        let wrapping = part.wrapping.as_ref()?;
        for call in &wrapping.around {
            handed = self.through(&call.shared.key, handed)?;
        }
        if wrapping.passes {
            return Some(handed);
        }
        let Some(own) = modules.injecting(&key.file, &key.name) else {
            let passed = handed.filter(|_| !part.context());
            return Some(passed.map(|handed| Handed {
                direct: false,
                ..handed
            }));
        };
        // What is put there by one further out gets past this one when it takes it.
        let out = handed.filter(|handed| handed.before == 0);
        let out = out.map(|handed| handed.values).unwrap_or_default();
        let mut taken = own.takes.iter().zip(&out);
        if own.takes.len() > out.len() || !taken.all(|(own, out)| own.name == out.name) {
            return None;
        }
        Some(Some(Handed {
            before: own.before,
            values: own.gives().cloned().collect(),
            direct: true,
        }))
    }

    /// The functions that take the request: the handler, or those of the map, and what they call.
    fn reached(&self) -> Vec<Reached<'a>> {
        let mut found: Vec<Reached<'a>> = Vec::new();
        let handlers: Vec<Function<'a>> = match self.module.map() {
            Some(map) => map
                .entries
                .iter()
                .map(|entry| entry.function.clone())
                .collect(),
            None => vec![self.module.handler.clone()],
        };
        let mut todo: Vec<(Function<'a>, (usize, Option<usize>), bool)> = handlers
            .into_iter()
            .map(|function| (function, (0, Some(1)), true))
            .collect();
        while let Some((function, (at, response), handler)) = todo.pop() {
            let known = |other: &Reached| other.function.range == function.range;
            if found.iter().any(known) {
                continue;
            }
            let Some(req) = function.params.get(at).and_then(|pat| param_id(pat)) else {
                continue;
            };
            let res = response.and_then(|at| param_id(function.params.get(at)?));
            let mut calls = Calls {
                file: self,
                requests: vec![req],
                responses: res.into_iter().collect(),
                reached: Vec::new(),
            };
            // A name for the request may be found behind its first use.
            for _ in 0..3 {
                visit(&function.body, &mut calls);
            }
            let inline = handler && function.name.is_none();
            for (callee, places) in calls.reached {
                todo.push((self.module.functions[&callee].clone(), places, false));
            }
            found.push(Reached {
                function,
                requests: calls.requests,
                handler,
                inline,
            });
        }
        found
    }

    /// The edits that make the functions take the values.
    fn take(&self, kitchen: &Kitchen, handed: &Handed) -> Option<Edits> {
        let source = self.source();
        let reached = self.reached();
        let members: Vec<&str> = handed.values.iter().map(|given| &*given.name).collect();
        let mut needs: Vec<BTreeSet<String>> = reached
            .iter()
            .map(|one| {
                one.requests
                    .iter()
                    .flat_map(|req| injected::reads(source, &one.function.body, req))
                    .map(|(name, _)| name)
                    .filter(|name| members.contains(&name.as_str()))
                    .collect()
            })
            .collect();
        // What a function calls needs, it needs.
        loop {
            let mut grown = false;
            for (at, one) in reached.iter().enumerate() {
                for (callee, _) in calls_of(self.module, one) {
                    let there = reached.iter().position(|other| {
                        self.module.functions[&callee].range == other.function.range
                    });
                    let more = there.map(|there| needs[there].clone()).unwrap_or_default();
                    let before = needs[at].len();
                    needs[at].extend(more);
                    grown |= needs[at].len() > before;
                }
            }
            if !grown {
                break;
            }
        }
        if needs.iter().all(BTreeSet::is_empty) {
            return None;
        }
        // What calls a function without the values would call it without what was checked.
        let calls: Vec<Id> = reached
            .iter()
            .flat_map(|one| calls_of(self.module, one))
            .map(|(callee, _)| callee)
            .collect();
        for (one, _) in reached
            .iter()
            .zip(&needs)
            .filter(|(_, needs)| !needs.is_empty())
        {
            let Some(name) = &one.function.name else {
                continue;
            };
            let exported = &self.module.named_exports;
            let listed = match self.module.map() {
                Some(map) if one.handler => {
                    let same = map.entries.iter().filter(|entry| {
                        entry.place == Place::Named && entry.function.range == one.function.range
                    });
                    same.count()
                }
                _ => usize::from(one.handler),
            };
            let called = calls.iter().filter(|callee| *callee == name).count();
            if self.module.uses(name) != listed + called
                || self.module.handler_exported
                || exported.iter().any(|(exported, _)| **exported == *name.0)
            {
                return None;
            }
        }
        let mut edits = Edits::default();
        let mut imports = Imports::default();
        let mut variables: Vec<BTreeMap<String, String>> = Vec::new();
        for (one, needs) in reached.iter().zip(&needs) {
            variables.push(self.parameters(
                kitchen,
                handed,
                one,
                needs,
                &mut imports,
                &mut edits,
            )?);
        }
        for (one, variables) in reached.iter().zip(&variables) {
            let values: Vec<Value> = variables
                .iter()
                .map(|(name, text)| Value {
                    name: name.clone(),
                    text: text.clone(),
                })
                .collect();
            for req in &one.requests {
                let instead =
                    injected::read_instead(source, &one.function.body, req, &values).ok()?;
                for (range, text) in instead {
                    edits.replace(range, text);
                }
            }
            for (callee, end) in calls_of(self.module, one) {
                let there = reached.iter().position(|other| {
                    self.module.functions[&callee].range == other.function.range
                })?;
                let wanted = handed
                    .values
                    .iter()
                    .filter(|given| needs[there].contains(&given.name));
                for given in wanted {
                    edits.insert(end, format!(", {}", variables.get(&given.name)?));
                }
            }
        }
        if !imports.is_empty() {
            let whole = 0..source.text.len();
            let whole = std::slice::from_ref(&whole);
            imports.place(source, &Style::of(source), whole, &mut edits);
        }
        Some(edits)
    }

    /// Gives a function the parameters that it needs; gives their names.
    fn parameters(
        &self,
        kitchen: &Kitchen,
        handed: &Handed,
        one: &Reached<'a>,
        needs: &BTreeSet<String>,
        imports: &mut Imports,
        edits: &mut Edits,
    ) -> Option<BTreeMap<String, String>> {
        let source = self.source();
        let function = &one.function;
        let typescript = source.typescript();
        let annotation = match function.params.first() {
            Some(Pat::Ident(binding)) => binding.type_ann.as_ref().map(|said| &*said.type_ann),
            _ => None,
        };
        // What the type says of the request is no more so.
        for pat in &function.params {
            if let Pat::Ident(binding) = pat
                && one.requests.contains(&id(&binding.id))
                && let Some(said) = &binding.type_ann
                && !request_types::is_plain(source.text_of(&*said.type_ann))
            {
                edits.replace(source.range(&*said.type_ann), "NextApiRequest");
            }
        }
        if needs.is_empty() {
            return Some(BTreeMap::new());
        }
        let mut taken: Option<BTreeSet<String>> = None;
        for req in &one.requests {
            let own = injected::taken_names(source, &function.body, req).into_iter();
            let own: BTreeSet<String> = own.collect();
            taken = Some(match taken {
                Some(taken) => taken.intersection(&own).cloned().collect(),
                None => own,
            });
        }
        let mut taken = taken.unwrap_or_default();
        for pat in &function.params {
            taken.extend(param_id(pat).map(|name| name.0.to_string()));
        }
        if one.handler && function.params.len() != 2 + handed.before {
            return None;
        }
        let explicit = typescript && !(one.inline && handed.direct && annotation.is_none());
        let last = handed
            .values
            .iter()
            .rposition(|given| needs.contains(&given.name))?;
        let mut variables = BTreeMap::new();
        let mut more = Vec::new();
        for given in &handed.values[..=last] {
            let name = match needs.contains(&given.name) {
                true => free(&taken, &given.name),
                // The place of a value counts where a wrapper gives it.
                false if one.handler => format!("_{}", given.name),
                false => continue,
            };
            taken.insert(name.clone());
            more.push(match explicit {
                true => format!("{name}: {}", self.kind(kitchen, given, annotation, imports)),
                false => name.clone(),
            });
            if needs.contains(&given.name) {
                variables.insert(given.name.clone(), name);
            }
        }
        let end = source.range(*function.params.last()?).end;
        edits.insert(end, format!(", {}", more.join(", ")));
        Some(variables)
    }

    /// The type of a value in the words of the file.
    fn kind(
        &self,
        kitchen: &Kitchen,
        given: &Given,
        annotation: Option<&TsType>,
        imports: &mut Imports,
    ) -> String {
        let source = self.source();
        let there = given.kind.as_deref().filter(|kind| *kind != "any");
        if let Some(kind) = there
            && let Some(names) = &given.names
            && let Some(wanted) = translated(kitchen, names, self.module)
        {
            for (from, name) in wanted {
                imports.type_only(&from, &name);
            }
            return kind.to_string();
        }
        match annotation {
            Some(said) if !request_types::is_plain(source.text_of(said)) => {
                let own = request_types::member(kitchen.modules, source, said, &given.name);
                own.unwrap_or_else(|| {
                    let key = Style::of(source).string(&given.name);
                    format!("{}[{key}]", source.text_of(said))
                })
            }
            _ => "any".to_string(),
        }
    }
}

/// What must be imported for a type of a wrapper to mean the same here; `None` where it cannot.
fn translated(
    kitchen: &Kitchen,
    names: &[(Origin, String)],
    module: &ApiModule,
) -> Option<Vec<(String, String)>> {
    let mut wanted = Vec::new();
    for (origin, name) in names {
        let here = module.imports.iter().find(|(local, _)| *local.0 == **name);
        let from = match origin {
            Origin::File(file) => (kitchen.specifier)(file),
            Origin::Package(package) => package.clone(),
        };
        match here {
            Some((_, (known, original))) => {
                let file = kitchen.modules.imported_file(&module.source.path, known);
                let same = match origin {
                    Origin::File(there) => file.is_some_and(|file| {
                        let known = kitchen
                            .modules
                            .exported_by(&module.source.path, known, name);
                        file == *there || known.is_some_and(|(file, _)| file == *there)
                    }),
                    Origin::Package(package) => known == package,
                };
                if !same || original != name {
                    return None;
                }
            }
            None => {
                let all = Names::of(module.source, &module.source.module).all;
                if all.iter().any(|(used, _)| *used.0 == **name) {
                    return None;
                }
                wanted.push((from, name.clone()));
            }
        }
    }
    Some(wanted)
}

/// The functions of the file that a function hands the request to, and where the last argument ends.
fn calls_of(module: &ApiModule, one: &Reached) -> Vec<(Id, usize)> {
    struct Ends<'e, 'a> {
        module: &'e ApiModule<'a>,
        requests: &'e [Id],
        found: Vec<(Id, usize)>,
    }
    impl Visit for Ends<'_, '_> {
        fn visit_call_expr(&mut self, node: &CallExpr) {
            if let Some((name, _)) = handed_to(self.module, self.requests, node)
                && let Some(last) = node.args.last()
            {
                self.found.push((name, self.module.source.range(last).end));
            }
            node.visit_children_with(self);
        }
    }
    let mut ends = Ends {
        module,
        requests: &one.requests,
        found: Vec::new(),
    };
    visit(&one.function.body, &mut ends);
    ends.found
}

/// The function of the file that a call hands the request to, and as which argument.
fn handed_to(module: &ApiModule, requests: &[Id], node: &CallExpr) -> Option<(Id, usize)> {
    let Expr::Ident(name) = crate::syntax::bare(node.callee.as_expr()?) else {
        return None;
    };
    let name = id(name);
    let function = module.functions.get(&name)?;
    let is = |arg: &ExprOrSpread| requests.iter().any(|req| is_binding(&arg.expr, req));
    let at = node.args.iter().position(is)?;
    let spread = node.args.iter().any(|arg| arg.spread.is_some());
    (!spread && function.params.len() == node.args.len()).then_some((name, at))
}

/// Finds the names of the request and the response, and the functions that they are handed to.
struct Calls<'c, 'f, 'a, 's> {
    file: &'c File<'f, 'a, 's>,
    requests: Vec<Id>,
    responses: Vec<Id>,
    /// The functions, and which of their parameters are the request and the response.
    reached: Vec<(Id, (usize, Option<usize>))>,
}

impl Calls<'_, '_, '_, '_> {
    fn role(&self, arg: &ExprOrSpread) -> Option<Role> {
        let is = |names: &[Id]| names.iter().any(|name| is_binding(&arg.expr, name));
        match (is(&self.requests), is(&self.responses)) {
            (true, _) => Some(Role::Request),
            (_, true) => Some(Role::Response),
            _ => None,
        }
    }

    /// A function that another is given with the request, and that it calls with it.
    fn callback(&mut self, node: &CallExpr) -> Option<()> {
        let roles: Vec<Option<Role>> = node.args.iter().map(|arg| self.role(arg)).collect();
        if !roles.contains(&Some(Role::Request)) {
            return None;
        }
        let callee = node.callee.as_expr()?;
        let shared = self.file.modules.follow(self.file.module, callee, &roles)?;
        let inner = &node.args.get(shared.callback?.at)?.expr;
        let inner = from_expr(self.file.source(), None, inner, 0..0)?;
        let name = |at: usize| param_id(inner.params.get(at)?);
        for (name, known) in [
            (name(0), &mut self.requests),
            (name(1), &mut self.responses),
        ] {
            if let Some(name) = name.filter(|name| !known.contains(name)) {
                known.push(name);
            }
        }
        Some(())
    }
}

impl Visit for Calls<'_, '_, '_, '_> {
    fn visit_call_expr(&mut self, node: &CallExpr) {
        if let Some((name, at)) = handed_to(self.file.module, &self.requests, node) {
            let response = |arg: &ExprOrSpread| self.role(arg) == Some(Role::Response);
            let found = (name, (at, node.args.iter().position(response)));
            if !self.reached.contains(&found) {
                self.reached.push(found);
            }
        }
        self.callback(node);
        node.visit_children_with(self);
    }
}

fn visit<V: Visit>(body: &Body, visitor: &mut V) {
    match body {
        Body::Block(stmts, _) => stmts.visit_with(visitor),
        Body::Expr(expr) => expr.visit_with(visitor),
    }
}

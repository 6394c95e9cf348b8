//! Chains of middlewares that end in a handler: `router.post(requireUser, create)`,
//! `use(requireUser, create)`. In: what is given to the library, in order. Out: the middlewares with
//! what is known of them, and the handler; [`super::chain_text`] writes them as statements. Refused
//! by name: a middleware of another shape than [`crate::middleware`] knows.

use std::ops::Range;
use std::sync::Arc;

use swc_core::ecma::ast::*;

use super::{next_api_route_middleware, next_connect};
use crate::facts::api_module::{Body, Function, Outline, from_expr, param_id};
use crate::facts::effect::{Kind, Role};
use crate::injected;
use crate::middleware::Middleware;
use crate::modules::{Key, Modules, Part, Shared};
use crate::outcome::{Place, Refusal};
use crate::source::Source;
use crate::specialise::{Constant, METHODS, OTHER};
use crate::syntax::{Id, bare, id};

/// The file that a chain stands in, and the modules that its parts come from.
#[derive(Clone, Copy)]
pub struct Kitchen<'k, 'a, 's> {
    /// The API file.
    pub outline: &'k Outline<'a>,
    /// The modules.
    pub modules: &'k Modules<'s>,
    /// How the API file imports a file.
    pub specifier: &'k dyn Fn(&str) -> String,
}

/// Writes the chain of middlewares that a library runs as one handler; `None` where the default
/// export is no such chain. `strict` keeps a router's answer to other methods.
pub fn as_handler(kitchen: &Kitchen, strict: bool) -> Option<Result<AsHandler, Refusal>> {
    next_connect::as_handler(kitchen, strict)
        .or_else(|| next_api_route_middleware::as_handler(kitchen))
}

/// A file with a chain as one handler.
pub struct AsHandler {
    /// Its text.
    pub text: Arc<str>,
    /// Where the chain is made.
    pub at: Range<usize>,
    /// What the file needs no more of other files.
    pub spares: Vec<Key>,
}

impl AsHandler {
    /// A refusal of what was written, at its place in the file.
    pub fn refusal(&self, source: &Source, refusal: Refusal) -> Refusal {
        Refusal {
            place: self.place(source, refusal.place),
            ..refusal
        }
    }

    /// A place in what was written, in the file: where the same words stand there once, or else
    /// where the chain is made.
    pub fn place(&self, source: &Source, place: Place) -> Place {
        if place.file != source.path {
            return place;
        }
        let words = self.text.get(place.start..place.end);
        let words = words.filter(|words| source.text.matches(words).count() == 1);
        let (start, end) = match words.and_then(|words| Some((source.text.find(words)?, words))) {
            Some((start, words)) => (start, start + words.len()),
            None => (self.at.start, self.at.end),
        };
        Place::new(&source.path, &source.text, start, end)
    }
}

/// A part of a chain.
pub enum Link<'a> {
    /// A middleware of another file.
    Middleware(Box<Step>),
    /// The handler at its end.
    Handler(End<'a>),
}

/// A call of a middleware.
#[derive(Clone)]
pub struct Step {
    /// What is called.
    pub callee: String,
    /// What it is.
    pub middleware: Arc<Middleware>,
    /// What it does.
    pub shared: Arc<Shared>,
    /// The names in what is called.
    pub names: Vec<String>,
    /// What it does when all that it looks at is the method.
    pub methods: Option<MethodGuard>,
}

impl Step {
    /// Whether it is given the rest of the chain.
    pub fn goes_around(&self) -> bool {
        self.middleware.around
    }
}

/// What a middleware does that answers some methods and lets the others pass.
#[derive(Clone)]
pub struct MethodGuard {
    /// The methods that pass.
    pub passing: Vec<String>,
    /// The answer to the others, and what the response is called in it.
    pub answer: (String, String),
}

/// The handler at the end of a chain.
#[derive(Clone)]
pub enum End<'a> {
    /// A function that is written where it is given to the library.
    Inline(Box<Function<'a>>),
    /// A function of the file, by its name.
    Own(Id, Box<Function<'a>>),
    /// A function of another file.
    Other(String),
}

impl<'a> Kitchen<'_, 'a, '_> {
    fn source(&self) -> &'a Source {
        self.outline.source
    }

    /// Reads one part of a chain.
    ///
    /// # Errors
    /// Why it is not understood.
    pub fn link(&self, arg: &'a ExprOrSpread) -> Result<Link<'a>, String> {
        let source = self.source();
        let expr = bare(&arg.expr);
        let text = source.text_of(expr).to_string();
        if arg.spread.is_some() {
            return Err(text);
        }
        if let Some(function) = from_expr(source, None, expr, source.range(expr)) {
            return match function.params.len() {
                0..=2 => Ok(Link::Handler(End::Inline(Box::new(function)))),
                _ => Err("middleware".to_string()),
            };
        }
        if let Expr::Ident(name) = expr
            && let Some(function) = self.outline.functions.get(&id(name))
        {
            return match function.params.len() {
                0..=2 => Ok(Link::Handler(End::Own(
                    id(name),
                    Box::new(function.clone()),
                ))),
                _ => Err(format!("the middleware {text}")),
            };
        }
        let file = &source.path;
        let known = self.modules.named(file, &self.outline.imports, expr);
        let Some((file, name)) = known else {
            let what = match expr {
                Expr::Lit(_) | Expr::Tpl(_) | Expr::Array(_) => "a path",
                _ => "a handler of another file",
            };
            return Err(format!("{what}: {text}"));
        };
        if let Some(step) = self.step(source, expr, &file, &name)? {
            return Ok(Link::Middleware(Box::new(step)));
        }
        let handler = self
            .modules
            .library(&file)
            .and_then(|module| Some(crate::modules::function(&module, &name)?.params.len()));
        match (handler, expr) {
            (Some(0..=2), Expr::Ident(_) | Expr::Member(_)) => Ok(Link::Handler(End::Other(text))),
            (Some(_), _) => Err(format!("the middleware {text}")),
            (None, _) => Err(format!("a handler of another file: {text}")),
        }
    }

    /// The middleware that an expression of a file is, when the function that it names is one.
    ///
    /// # Errors
    /// Why it is not understood.
    pub fn step(
        &self,
        source: &Source,
        expr: &Expr,
        file: &str,
        name: &str,
    ) -> Result<Option<Step>, String> {
        let text = source.text_of(expr).to_string();
        let (file, name) = (file.to_string(), name.to_string());
        if let Some(middleware) = self.modules.middleware(&file, &name) {
            let mut args: Vec<&[ExprOrSpread]> = Vec::new();
            let mut callee = expr;
            while let Expr::Call(call) = callee {
                args.insert(0, &call.args);
                callee = match call.callee.as_expr() {
                    Some(callee) => bare(callee),
                    None => return Err(text),
                };
            }
            if args.len() != middleware.layers {
                return Err(format!("the middleware {text}"));
            }
            let mut roles = vec![Some(Role::Request), Some(Role::Response)];
            if middleware.around {
                roles.truncate(2);
            }
            let key = Key { file, name, roles };
            let shared = self.modules.shared(&key).ok_or_else(|| text.clone())?;
            let methods = self.method_guard(source, &key, &args);
            let names = crate::syntax::Names::of(source, expr).all;
            return Ok(Some(Step {
                callee: text,
                middleware,
                shared,
                names: names.iter().map(|(name, _)| name.0.to_string()).collect(),
                methods,
            }));
        }
        Ok(None)
    }

    /// What a middleware does when all that it looks at is the method: its answer then is written
    /// where it is called.
    fn method_guard(
        &self,
        source: &Source,
        key: &Key,
        args: &[&[ExprOrSpread]],
    ) -> Option<MethodGuard> {
        let constant = |arg: &ExprOrSpread| {
            let declared = match bare(&arg.expr) {
                Expr::Ident(name) => constant_of(source, &id(name)),
                _ => None,
            };
            Constant::of(declared.unwrap_or(&arg.expr))
        };
        let args: Vec<Vec<Option<Constant>>> = args
            .iter()
            .map(|args| args.iter().map(constant).collect())
            .collect();
        let mut guard: Option<MethodGuard> = None;
        let mut passing = Vec::new();
        for method in METHODS.iter().copied().chain([OTHER]) {
            let part = self
                .modules
                .middleware_for(key, &[method.to_string()], &args)?;
            let reading = &part.reading;
            let mut effects = reading
                .effects
                .iter()
                .filter(|effect| !matches!(effect.kind, Kind::DestructureRequest { .. }));
            match (effects.next(), effects.next()) {
                _ if !reading.refusals.is_empty() => return None,
                (None, _) if reading.falls && does_nothing(&part) => {
                    passing.push(method.to_string());
                }
                (Some(only), None) if !reading.falls => {
                    let Kind::Reply(_) = &only.kind else {
                        return None;
                    };
                    let source = part.module.source;
                    let answer = source.text[only.range.clone()].to_string();
                    let response = part.function.params.get(1).and_then(|pat| param_id(pat))?;
                    // It must be the same answer for all, and mean the same in another file.
                    let names = injected::names(source, &part.function.body);
                    let own = names
                        .iter()
                        .filter(|(_, at)| only.range.start <= at.start && at.end <= only.range.end)
                        .all(|(name, _)| *name == response);
                    let same = guard.as_ref().is_none_or(|guard| guard.answer.0 == answer);
                    if !own || !same {
                        return None;
                    }
                    guard = Some(MethodGuard {
                        passing: Vec::new(),
                        answer: (answer, response.0.to_string()),
                    });
                }
                _ => return None,
            }
        }
        let guard = guard.filter(|_| !passing.is_empty() && !passing.iter().any(|m| m == OTHER))?;
        Some(MethodGuard { passing, ..guard })
    }

    /// Takes the parts up to the handler, which is the last that anything reaches.
    ///
    /// # Errors
    /// Why it is not understood.
    pub fn chain(
        &self,
        mut steps: Vec<Step>,
        args: impl IntoIterator<Item = &'a ExprOrSpread>,
    ) -> Result<(Vec<Step>, End<'a>), String> {
        for arg in args {
            match self.link(arg)? {
                Link::Middleware(step) => steps.push(*step),
                Link::Handler(end) => {
                    // What only catches errors need not stand around what only looks at the method.
                    let mut at = 1;
                    while at < steps.len() {
                        if steps[at].methods.is_some() && steps[at - 1].middleware.catches {
                            steps.swap(at - 1, at);
                        }
                        at += 1;
                    }
                    return Ok((steps, end));
                }
            }
        }
        Err("no handler at the end".to_string())
    }
}

/// What a constant at the top of a file is initialised with.
fn constant_of<'a>(source: &'a Source, name: &Id) -> Option<&'a Expr> {
    source.items().iter().find_map(|item| {
        let declaration = match item {
            ModuleItem::Stmt(Stmt::Decl(Decl::Var(declaration))) => declaration,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(ExportDecl {
                decl: Decl::Var(declaration),
                ..
            })) => declaration,
            _ => return None,
        };
        let constant = declaration.kind == VarDeclKind::Const;
        let mut declarators = declaration.decls.iter();
        let found = declarators
            .find(|only| matches!(&only.name, Pat::Ident(binding) if id(&binding.id) == *name))?;
        found.init.as_deref().filter(|_| constant)
    })
}

/// Whether nothing is left of a function's body but the end.
fn does_nothing(part: &Part) -> bool {
    let Body::Block(stmts, _) = part.function.body else {
        return false;
    };
    let source = part.module.source;
    let gone = |range: &Range<usize>| {
        let dropped = part.reading.dropped.iter();
        let variables = part.reading.method_variables.iter().map(|(_, at)| at);
        let taken = part
            .reading
            .effects
            .iter()
            .filter_map(|effect| match &effect.kind {
                Kind::DestructureRequest {
                    statement,
                    parts,
                    nested,
                } if nested.is_empty() && parts.iter().all(|(part, _)| part == "method") => {
                    Some(statement)
                }
                _ => None,
            });
        let mut all = dropped.chain(variables).chain(taken);
        all.any(|gone| gone.start <= range.start && range.end <= gone.end)
    };
    let ends = |stmt: &Stmt| matches!(stmt, Stmt::Return(end) if end.arg.is_none());
    stmts
        .iter()
        .all(|stmt| ends(stmt) || gone(&source.range(stmt)))
}

//! The types of handlers inside the type of a map of methods. In: a wrapper that is given a map,
//! and the types that it says. Out: the edits after which `NextApiHandler`, and function types that
//! are one, name what takes a web request: `Partial<Record<Method, NextApiHandler>>` becomes
//! `Partial<Record<Method, RouteHandler<Context>>>`. Types of the same file are followed; one that
//! only the wrapper uses is rewritten where it stands, another is written out.

use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::shared_module::{ANSWER, lines};
use super::style::Style;
use crate::facts::api_module::{Body, Function};
use crate::modules::Part;
use crate::source::Source;
use crate::syntax::{Id, Names, id};
use crate::wrapping::{Callback, Wrapping};

/// The name of the type of a web handler.
pub const NAME: &str = "RouteHandler";

/// The name of the type of one that takes the request alone.
const PLAIN: &str = "RequestHandler";

/// A type of web handlers that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Of those that take the context of the route, too.
    WithContext,
    /// Of those that take the request alone.
    Plain,
}

impl Named {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Named::WithContext => NAME,
            Named::Plain => PLAIN,
        }
    }

    /// How it is named.
    fn written(self) -> String {
        match self {
            Named::WithContext => format!("{NAME}<Context>"),
            Named::Plain => PLAIN.to_string(),
        }
    }

    /// Writes its declaration.
    pub fn declaration(self, style: &Style) -> String {
        let mut params = vec!["request: NextRequest".to_string()];
        if self == Named::WithContext {
            params.push("context: Context".to_string());
        }
        let head = format!("type {} = ", self.written());
        let line = format!("{head}({}) => {ANSWER}{}", params.join(", "), style.semi);
        match style.fits(&line) {
            true => line,
            false => format!("{head}{}{}", lines(&params, style, ""), style.semi),
        }
    }

    /// Whether a file declares it, as an earlier run has written it.
    pub fn is_declared(self, source: &Source) -> bool {
        let head = format!("type {} = (", self.written());
        source.text.contains(&head)
    }
}

/// What becomes of the types of a wrapper.
#[derive(Default)]
pub struct Rewritten {
    /// What is put in place of what.
    pub edits: Vec<(Range<usize>, String)>,
    /// The type of a web handler that is named.
    pub names: Option<Named>,
    /// The type parameter that goes, because its constraint was written out.
    pub parameter: Option<Range<usize>>,
    /// Whether something cannot be written.
    odd: bool,
}

/// A function that is given a map, and whose types are rewritten.
pub struct Given<'a> {
    /// Its file.
    pub source: &'a Source,
    /// The parameter that is the map.
    pub param: &'a Pat,
    /// Whether that may be a handler, too.
    pub or_handler: bool,
    /// How many arguments a handler gets behind the request and the context.
    pub extras: usize,
    /// The function that takes the request.
    pub body: Body<'a>,
    /// The statement that declares it.
    pub statement: Range<usize>,
    /// Whether its old form goes.
    pub in_place: bool,
    /// Whether handlers take the context of the route behind the request.
    pub context: bool,
}

impl<'a> Given<'a> {
    /// A wrapper that takes a map.
    pub fn wrapper(part: &Part<'a>, wrapping: &Wrapping<'a>, in_place: bool) -> Given<'a> {
        let (layer, at) = wrapping.handler;
        let takes = wrapping.takes.as_ref();
        Given {
            source: part.module.source,
            param: wrapping.layers[layer].params[at],
            or_handler: takes.is_some_and(|takes| takes.or_handler),
            extras: wrapping.extras,
            body: wrapping.closure.body,
            statement: part.declared.statement.clone(),
            in_place,
            context: true,
        }
    }

    /// A function that takes a map beside the request.
    pub fn callback(part: &Part<'a>, callback: &Callback, in_place: bool) -> Given<'a> {
        let takes = callback.takes.as_ref();
        Given {
            source: part.module.source,
            param: part.function.params[callback.at],
            or_handler: takes.is_some_and(|takes| takes.or_handler),
            extras: callback.extras,
            body: part.function.body,
            statement: part.declared.statement.clone(),
            in_place,
            context: false,
        }
    }
}

/// A type of the file.
enum Declared<'a> {
    Alias(&'a TsTypeAliasDecl),
    Interface(&'a TsInterfaceDecl),
}

impl<'a> Given<'a> {
    /// Rewrites the types; `None` when the type of the map says nothing of handlers that is
    /// understood.
    pub fn rewrite(&self) -> Option<Rewritten> {
        let mut walk = Walk {
            given: self,
            own: vec![self.statement.clone()],
            out: Rewritten::default(),
        };
        let Pat::Ident(binding) = self.param else {
            return None;
        };
        match binding.type_ann.as_deref() {
            Some(annotation) => {
                annotation.type_ann.visit_with(&mut walk);
                let text = self.source.text_of(&*annotation.type_ann);
                let anything = text.contains("any") || text.contains("Function");
                if walk.out.edits.is_empty() && !anything {
                    return None;
                }
            }
            None => {
                let handler = walk.handler();
                let map = format!("Partial<Record<string, {handler}>>");
                let one = match self.or_handler {
                    true => format!("{handler} | "),
                    false => String::new(),
                };
                let at = self.source.range(&binding.id).end;
                walk.out.edits.push((at..at, format!(": {one}{map}")));
            }
        }
        match self.body {
            Body::Block(stmts, _) => stmts.visit_with(&mut walk),
            Body::Expr(expr) => expr.visit_with(&mut walk),
        }
        (!walk.out.odd).then_some(walk.out)
    }

    /// Whether the types can be rewritten; a wrapper alone has a type parameter to put in place of one.
    pub fn fits(&self) -> bool {
        let types = self.rewrite();
        types.is_some_and(|types| self.context || types.parameter.is_none())
    }

    fn declared(&self, name: &Ident) -> Option<Declared<'a>> {
        let name = id(name);
        self.source.items().iter().find_map(|item| {
            let decl = match item {
                ModuleItem::Stmt(Stmt::Decl(decl)) => decl,
                ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
                _ => return None,
            };
            match decl {
                Decl::TsTypeAlias(alias) if id(&alias.id) == name => Some(Declared::Alias(alias)),
                Decl::TsInterface(shape) if id(&shape.id) == name => {
                    Some(Declared::Interface(shape))
                }
                _ => None,
            }
        })
    }

    /// The type parameter of the wrapper that a name is.
    fn parameter(&self, name: &Ident) -> Option<&'a TsTypeParam> {
        struct Find<'a> {
            name: Id,
            found: Option<&'a TsTypeParam>,
        }
        impl<'a> Find<'a> {
            fn among(&mut self, params: Option<&'a TsTypeParamDecl>) {
                let params = params.into_iter().flat_map(|params| &params.params);
                let name = self.name.clone();
                self.found = self
                    .found
                    .or(params.into_iter().find(|one| id(&one.name) == name));
            }
            fn expr(&mut self, expr: &'a Expr) {
                match expr {
                    Expr::Arrow(arrow) => {
                        self.among(arrow.type_params.as_deref());
                        match &*arrow.body {
                            ArrowFunctionBody::Expr(inner) => self.expr(inner),
                            ArrowFunctionBody::FunctionBody(body) => self.body(&body.stmts),
                        }
                    }
                    Expr::Fn(inner) => self.function(&inner.function),
                    _ => {}
                }
            }
            fn function(&mut self, function: &'a swc_core::ecma::ast::Function) {
                self.among(function.type_params.as_deref());
                function.body.iter().for_each(|body| self.body(&body.stmts));
            }
            fn body(&mut self, stmts: &'a [Stmt]) {
                for stmt in stmts {
                    if let Stmt::Return(last) = stmt {
                        last.arg.iter().for_each(|arg| self.expr(arg));
                    }
                }
            }
            fn decl(&mut self, decl: &'a Decl) {
                match decl {
                    Decl::Fn(function) => self.function(&function.function),
                    Decl::Var(variables) => {
                        let inits = variables.decls.iter().filter_map(|one| one.init.as_deref());
                        inits.for_each(|init| self.expr(init));
                    }
                    _ => {}
                }
            }
        }
        let mut find = Find {
            name: id(name),
            found: None,
        };
        for item in self.source.items() {
            match item {
                ModuleItem::Stmt(Stmt::Decl(decl)) => find.decl(decl),
                ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => find.decl(&export.decl),
                ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => {
                    if let DefaultDecl::Fn(function) = &export.decl {
                        find.function(&function.function);
                    }
                }
                ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => {
                    find.expr(&export.expr);
                }
                _ => {}
            }
        }
        find.found
    }
}

/// Whether a type is that of a pages handler, and the parameters behind the request and the response.
fn handler<'k>(source: &Source, kind: &'k TsType) -> Option<&'k [TsFnParam]> {
    match kind {
        TsType::TsTypeRef(reference) => {
            let TsEntityName::Ident(name) = &reference.type_name else {
                return None;
            };
            (name.sym == "NextApiHandler").then_some(&[][..])
        }
        TsType::TsFnOrConstructorType(TsFnOrConstructorType::TsFnType(function)) => {
            let said = |param: &TsFnParam| match param {
                TsFnParam::Ident(binding) => binding
                    .type_ann
                    .as_deref()
                    .map(|said| source.text_of(&*said.type_ann).to_string()),
                _ => None,
            };
            let first = said(function.params.first()?)?;
            first
                .starts_with("NextApiRequest")
                .then(|| function.params.get(2..).unwrap_or_default())
        }
        _ => None,
    }
}

/// The walk through the types.
struct Walk<'w, 'a> {
    given: &'w Given<'a>,
    /// The statements whose text is rewritten.
    own: Vec<Range<usize>>,
    out: Rewritten,
}

impl<'a> Walk<'_, 'a> {
    fn source(&self) -> &'a Source {
        self.given.source
    }

    /// The type of a handler that takes no more than others do.
    fn handler(&mut self) -> String {
        let named = match self.given.context {
            true => Named::WithContext,
            false => Named::Plain,
        };
        self.out.names = Some(named);
        named.written()
    }

    /// A handler's web type: by its name, or as a function that takes more.
    fn web(&mut self, kind: &TsType, extras: &[TsFnParam], whole: bool) -> String {
        let taken = self.given.extras;
        let named = self.given.context || matches!(kind, TsType::TsTypeRef(_));
        if taken == 0 && !whole && named {
            return self.handler();
        }
        let mut params = vec!["request: NextRequest".to_string()];
        if self.given.context {
            params.push("context: Context".to_string());
        }
        params.extend((0..taken).map(|at| match extras.get(at) {
            Some(extra) => self.source().text_of(extra).to_string(),
            None => format!("extra{}: any", at + 1),
        }));
        let style = Style::of(self.source());
        let text = format!("({}) => {ANSWER}", params.join(", "));
        match whole {
            true => {
                let start = self.source().range(kind).start;
                let before = super::style::line_start(&self.source().text, start);
                let before = style.columns(&self.source().text[before..start]);
                match before + text.len() + "<Context>;".len() > style.width {
                    true => lines(&params, &style, ""),
                    false => text,
                }
            }
            // What parts a function type from what is around it stands there already.
            false if !named => text,
            false => format!("({text})"),
        }
    }

    /// The text of a type with what is put into it.
    fn text<N: VisitWith<Self>>(&mut self, node: &N, range: Range<usize>) -> Option<String> {
        let before = std::mem::take(&mut self.out.edits);
        node.visit_with(self);
        let inner = std::mem::replace(&mut self.out.edits, before);
        let (mine, others): (Vec<_>, Vec<_>) = inner
            .into_iter()
            .partition(|(at, _)| range.start <= at.start && at.end <= range.end);
        self.out.edits.extend(others);
        if mine.is_empty() {
            return None;
        }
        let mut edits = crate::edit::Edits::default();
        mine.into_iter()
            .for_each(|(at, text)| edits.replace(at, text));
        edits.render(&self.source().text, range).ok()
    }

    /// Whether nothing but what is rewritten uses a type.
    fn is_own(&self, name: &Ident, generic: bool, statement: &Range<usize>) -> bool {
        let source = self.source();
        let text = &source.text[..];
        let exported = text[..statement.start].trim_end().ends_with("export")
            || text[statement.start..].starts_with("export");
        let inside = |at: &Range<usize>| {
            let mut own = self.own.iter().chain(std::iter::once(statement));
            own.any(|own| own.start <= at.start && at.end <= own.end)
        };
        let name = id(name);
        let names = Names::of(source, &source.module).all;
        let mut uses = names.iter().filter(|(used, _)| *used == name);
        self.given.in_place && !exported && !generic && uses.all(|(_, at)| inside(at))
    }

    /// Gives a type the parameter, wherever it is named.
    fn generalise(&mut self, name: &Ident) {
        if !self.given.context {
            return;
        }
        let name = id(name);
        for (used, at) in Names::of(self.source(), &self.source().module).all {
            if used == name {
                self.out
                    .edits
                    .push((at.end..at.end, "<Context>".to_string()));
            }
        }
    }

    /// A type of the file; whether it was one with handlers in it.
    fn named(&mut self, reference: &TsTypeRef, name: &Ident) -> bool {
        let source = self.source();
        let range = source.range(reference);
        if let Some(parameter) = self.given.parameter(name) {
            let Some(constraint) = parameter.constraint.as_deref() else {
                return false;
            };
            let said = source.range(constraint);
            let Some(text) = self.text(constraint, said) else {
                return false;
            };
            let own = id(name);
            let names = Names::of(source, &source.module).all;
            let uses = names.iter().filter(|(used, _)| *used == own).count();
            // Another use would want the type that is no parameter any more.
            self.out.odd |= uses != 2;
            self.out.parameter = Some(source.range(parameter));
            self.out.edits.push((range, text));
            return true;
        }
        let Some(declared) = self.given.declared(name) else {
            return false;
        };
        let (statement, body, generic) = match &declared {
            Declared::Alias(alias) => (
                source.range(*alias),
                source.range(&*alias.type_ann),
                alias.type_params.is_some(),
            ),
            Declared::Interface(shape) => (
                source.range(*shape),
                source.range(&shape.body),
                shape.type_params.is_some() || !shape.extends.is_empty(),
            ),
        };
        if self.own[1..].contains(&statement) {
            return true;
        }
        let own = self.is_own(name, generic, &statement);
        let depth = self.own.len();
        self.own.push(statement);
        let before = self.out.edits.len();
        let text = match &declared {
            Declared::Alias(alias) => match handler(source, &alias.type_ann) {
                Some(extras) => Some(self.web(&alias.type_ann, extras, true)),
                None => self.text(&*alias.type_ann, body.clone()),
            },
            Declared::Interface(shape) => self.text(&shape.body, body.clone()),
        };
        let Some(text) = text else {
            self.own.truncate(depth);
            self.out.edits.truncate(before);
            return false;
        };
        if own {
            self.out.edits.push((body, text));
            self.generalise(name);
            return true;
        }
        self.own.truncate(depth);
        let text = match &declared {
            Declared::Alias(alias)
                if matches!(
                    &*alias.type_ann,
                    TsType::TsUnionOrIntersectionType(_) | TsType::TsFnOrConstructorType(_)
                ) =>
            {
                format!("({text})")
            }
            _ => text,
        };
        self.out.edits.push((range, text));
        true
    }
}

impl Visit for Walk<'_, '_> {
    fn visit_ts_type(&mut self, node: &TsType) {
        if let Some(extras) = handler(self.source(), node) {
            let text = self.web(node, extras, false);
            self.out.edits.push((self.source().range(node), text));
            return;
        }
        if let TsType::TsTypeRef(reference) = node
            && let TsEntityName::Ident(name) = &reference.type_name
            && self.named(reference, name)
        {
            return;
        }
        node.visit_children_with(self);
    }

    // The names of the methods are the same.
    fn visit_ts_type_operator(&mut self, node: &TsTypeOperator) {
        if node.op != TsTypeOperatorOp::KeyOf {
            node.visit_children_with(self);
        }
    }

    // The parameters of the closure are written by themselves.
    fn visit_function(&mut self, _: &swc_core::ecma::ast::Function) {}
}

/// The list of a function's parameters, when it has type parameters: where these end.
pub fn generic_end(source: &Source, function: &Function) -> Option<usize> {
    let list = function.list(source).start;
    let before = source.text[..list].trim_end();
    (before.ends_with('>') && before.len() == list).then(|| list - 1)
}

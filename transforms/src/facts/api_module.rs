//! Reads the outline of an API file: its handler, its `config`, what else it exports,
//! and the functions that the handler may hand `req` and `res` to.

use std::collections::HashMap;
use std::ops::Range;

use swc_core::common::Spanned;
use swc_core::ecma::ast::*;

use super::members;
use super::method_map::{self, MethodMap};
use crate::libraries::{self, Wrapping};
use crate::modules::Follow;
use crate::outcome::{Place, Refusal};
use crate::reason::Reason;
use crate::source::Source;
use crate::syntax::{Id, bare, id, is_binding, prop_name, string};
use crate::wrapping::Takes;

/// A function as written.
#[derive(Clone)]
pub struct Function<'a> {
    /// Its name, when it has one.
    pub name: Option<Id>,
    /// Its parameters.
    pub params: Vec<&'a Pat>,
    /// Its body.
    pub body: Body<'a>,
    /// Whether it is `async`.
    pub is_async: bool,
    /// How it is spelled.
    pub form: Form,
    /// The whole statement that declares it.
    pub statement: Range<usize>,
    /// From `async` or `function` or the first parameter to the end of the body.
    pub range: Range<usize>,
    /// The return type annotation with its colon.
    pub return_type: Option<Range<usize>>,
    /// The annotation of the variable that holds it, with its colon (`: NextApiHandler`).
    pub variable_type: Option<&'a TsTypeAnn>,
}

impl Function<'_> {
    /// The range of the parameter list, with its parentheses when it has them.
    pub fn list(&self, source: &Source) -> Range<usize> {
        let (Some(first), Some(last)) = (self.params.first(), self.params.last()) else {
            return self.range.start..self.range.start;
        };
        let text = &source.text;
        let (first, last) = (source.range(*first), source.range(*last));
        let before = text[..first.start].trim_end();
        match before.ends_with('(') {
            true => {
                let close = text[last.end..].find(')').map_or(last.end, |at| at + 1);
                before.len() - 1..last.end + close
            }
            false => first.start..last.end,
        }
    }
}

/// A function's body.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    /// Statements, and the range of the braces.
    Block(&'a [Stmt], (usize, usize)),
    /// The expression of an arrow function.
    Expr(&'a Expr),
}

/// How a function is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `function name() {}`.
    Declaration,
    /// `const name = () => {}`, or an arrow function that is exported as it stands.
    Arrow,
    /// `const name = function () {}`.
    Expression,
    /// `name() {}` in a class or an object.
    Method,
}

/// The statement of a default export, and what it exports.
pub type Default<'a> = (Range<usize>, DefaultExport<'a>);

/// What stands at the top level of an API file, whatever its handler is.
pub struct Outline<'a> {
    /// The file.
    pub source: &'a Source,
    /// The statement of the default export, and what it exports.
    pub default: Default<'a>,
    /// Top-level functions by the names that bind them.
    pub functions: HashMap<Id, Function<'a>>,
    /// `export const config = {…}`: the statement and its entries.
    pub config: Option<Config<'a>>,
    /// Values exported beside the default: the name and its place.
    pub named_exports: Vec<(String, Range<usize>)>,
    /// What each imported name stands for: module and exported name.
    pub imports: HashMap<Id, (String, String)>,
    exported_ids: Vec<Id>,
}

/// What stands at the top level of a module.
struct Items<'a> {
    default: Option<Default<'a>>,
    functions: HashMap<Id, Function<'a>>,
    config: Option<Config<'a>>,
    named_exports: Vec<(String, Range<usize>)>,
    imports: HashMap<Id, (String, String)>,
    exported_ids: Vec<Id>,
    exports: Exports,
}

/// What a module exports: its own bindings, and those of other modules.
#[derive(Debug, Clone, Default)]
pub struct Exports {
    /// Its own bindings by the names that importers use.
    pub own: HashMap<String, Id>,
    /// Names that it passes on: the module, and the name there (`*` for all of it as one value).
    pub passed: HashMap<String, (String, String)>,
    /// Modules of which it passes everything on.
    pub all: Vec<String>,
}

/// The outline of an API file with a handler that is a function of it.
pub struct ApiModule<'a> {
    /// The file.
    pub source: &'a Source,
    /// The handler.
    pub handler: Function<'a>,
    /// The statement `export default name`, when it is not the handler's own.
    pub default_export: Option<Range<usize>>,
    /// Top-level functions by the names that bind them.
    pub functions: HashMap<Id, Function<'a>>,
    /// `export const config = {…}`: the statement and its entries.
    pub config: Option<Config<'a>>,
    /// Values exported beside the handler: the name and its place.
    pub named_exports: Vec<(String, Range<usize>)>,
    /// Whether the handler itself is also exported by name.
    pub handler_exported: bool,
    /// What each imported name stands for: module and exported name.
    pub imports: HashMap<Id, (String, String)>,
    /// Finds functions of other modules; `None` where they are not followed.
    pub follow: Option<&'a dyn Follow>,
    /// Whether it is a module that API files import, whose functions serve many routes.
    pub library: bool,
    /// The class or the object whose method is read, which `this` stands for.
    pub owner: Option<String>,
    /// The parameter of the wrapper that is read that holds the handler.
    pub wrapped: Option<Id>,
    /// How the wrapper that is read takes the handler out of a map of methods.
    pub takes: Option<Takes>,
    /// The calls that wrap the handler, the outermost first.
    pub wrappers: Vec<WrapperCall<'a>>,
    /// The library function around the handler.
    pub wrapper: Option<Wrapper>,
    /// Whether a chain of middlewares was written out, so that they are called as guards.
    pub chained: bool,
}

/// A library function around the handler: `withAuth(handler, …)`.
#[derive(Clone)]
pub struct Wrapper {
    /// What is called.
    pub callee: Range<usize>,
    /// What stands behind the handler, up to the closing parenthesis.
    pub rest: Range<usize>,
    /// What the library says of it.
    pub wrapping: Wrapping,
}

/// A call that wraps a handler: `withAuth(handler, options)` or `withRole('admin')(handler)`.
#[derive(Clone)]
pub struct WrapperCall<'a> {
    /// The whole call.
    pub call: &'a CallExpr,
    /// What is called first.
    pub callee: &'a Expr,
    /// The arguments of each call, the first call first.
    pub args: Vec<&'a [ExprOrSpread]>,
    /// Which argument of the last call is the handler.
    pub handler: usize,
    /// The statement that the call stands in.
    pub statement: Range<usize>,
    /// The map of methods that is given in place of a handler.
    pub map: Option<MethodMap<'a>>,
}

/// `export const config`.
pub struct Config<'a> {
    /// The whole statement.
    pub statement: Range<usize>,
    /// The object.
    pub object: &'a ObjectLit,
}

/// Builds a refusal about a node of a file.
pub fn refuse(
    source: &Source,
    reason: Reason,
    node: &impl Spanned,
    detail: impl Into<String>,
) -> Refusal {
    let range = source.range(node);
    refuse_at(source, reason, range, detail)
}

/// Builds a refusal about a range of a file.
pub fn refuse_at(
    source: &Source,
    reason: Reason,
    range: Range<usize>,
    detail: impl Into<String>,
) -> Refusal {
    Refusal {
        reason,
        place: Place::new(&source.path, &source.text, range.start, range.end),
        detail: detail.into(),
    }
}

/// The function that a declaration, an expression or a method is.
pub fn from_function<'a>(
    source: &Source,
    name: Option<Id>,
    function: &'a swc_core::ecma::ast::Function,
    statement: Range<usize>,
    form: Form,
) -> Option<Function<'a>> {
    if function.is_generator || !function.decorators.is_empty() {
        return None;
    }
    let body = function.body.as_ref()?;
    let braces = source.range(body);
    Some(Function {
        name,
        params: function.params.iter().map(|param| &param.pat).collect(),
        body: Body::Block(&body.stmts, (braces.start, braces.end)),
        is_async: function.is_async,
        form,
        statement,
        range: source.range(function),
        return_type: function
            .return_type
            .as_ref()
            .map(|annotation| source.range(annotation)),
        variable_type: None,
    })
}

fn from_arrow<'a>(
    source: &Source,
    name: Option<Id>,
    arrow: &'a ArrowExpr,
    statement: Range<usize>,
) -> Option<Function<'a>> {
    let body = match &*arrow.body {
        ArrowFunctionBody::FunctionBody(block) => {
            let braces = source.range(block);
            Body::Block(&block.stmts, (braces.start, braces.end))
        }
        ArrowFunctionBody::Expr(expr) => Body::Expr(expr),
    };
    Some(Function {
        name,
        params: arrow.params.iter().collect(),
        body,
        is_async: arrow.is_async,
        form: Form::Arrow,
        statement,
        range: source.range(arrow),
        return_type: arrow
            .return_type
            .as_ref()
            .map(|annotation| source.range(annotation)),
        variable_type: None,
    })
}

/// The function that an expression is, through parentheses and `satisfies`.
pub fn from_expr<'a>(
    source: &Source,
    name: Option<Id>,
    expr: &'a Expr,
    statement: Range<usize>,
) -> Option<Function<'a>> {
    match bare(expr) {
        Expr::Arrow(arrow) => from_arrow(source, name, arrow, statement),
        Expr::Fn(function) => {
            let name = name.or_else(|| function.ident.as_ref().map(id));
            from_function(
                source,
                name,
                &function.function,
                statement,
                Form::Expression,
            )
        }
        _ => None,
    }
}

/// The function that a method of an object literal is.
pub fn from_method<'a>(source: &Source, method: &'a MethodProp) -> Option<Function<'a>> {
    let statement = source.range(method);
    from_function(source, None, &method.function, statement, Form::Declaration)
}

/// What each imported name of a file stands for: module and exported name.
pub fn imports(source: &Source) -> HashMap<Id, (String, String)> {
    Items::read(source, true)
        .map(|items| items.imports)
        .unwrap_or_default()
}

impl<'a> Items<'a> {
    fn read(source: &'a Source, library: bool) -> Result<Items<'a>, Refusal> {
        let mut exports = Exports::default();
        let mut functions = HashMap::new();
        let mut named_exports = Vec::new();
        let mut exported_ids: Vec<Id> = Vec::new();
        let mut config = None;
        let mut imports = HashMap::new();
        let mut default: Option<Default<'a>> = None;
        for item in source.items() {
            let statement = source.range(item);
            let decl = match item {
                ModuleItem::Stmt(Stmt::Decl(decl)) => Some((decl, false)),
                ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => {
                    Some((&export.decl, true))
                }
                ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => {
                    if let DefaultDecl::Fn(function) = &export.decl {
                        let name = function.ident.as_ref().map(id);
                        let Some(read) = from_function(
                            source,
                            name.clone(),
                            &function.function,
                            statement.clone(),
                            Form::Declaration,
                        ) else {
                            if library {
                                continue;
                            }
                            return Err(refuse(
                                source,
                                Reason::HandlerNotFunction,
                                export,
                                "generator",
                            ));
                        };
                        if let Some(name) = name {
                            exports.own.insert("default".to_string(), name.clone());
                            functions.insert(name, read.clone());
                        }
                        default =
                            Some((statement.clone(), DefaultExport::Function(Box::new(read))));
                    } else if !library {
                        return Err(refuse(source, Reason::HandlerNotFunction, export, "class"));
                    }
                    None
                }
                ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => {
                    default = Some((statement.clone(), DefaultExport::Expr(&export.expr)));
                    if let Expr::Ident(name) = bare(&export.expr) {
                        exports.own.insert("default".to_string(), id(name));
                    }
                    None
                }
                ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(export)) if !export.type_only => {
                    for specifier in &export.specifiers {
                        let from = export
                            .src
                            .as_ref()
                            .map(|src| src.value.to_string_lossy().into_owned());
                        let ExportSpecifier::Named(named) = specifier else {
                            if let (ExportSpecifier::Namespace(all), Some(from)) = (specifier, from)
                                && let ModuleExportName::Ident(name) = &all.name
                            {
                                let whole = (from, "*".to_string());
                                exports.passed.insert(name.sym.to_string(), whole);
                            }
                            named_exports.push(("*".to_string(), source.range(specifier)));
                            continue;
                        };
                        let name = match named.exported.as_ref().unwrap_or(&named.orig) {
                            ModuleExportName::Ident(name) => name.sym.to_string(),
                            ModuleExportName::Str(name) => {
                                name.value.to_string_lossy().into_owned()
                            }
                        };
                        if let ModuleExportName::Ident(orig) = &named.orig {
                            match from {
                                Some(from) => {
                                    let there = (from, orig.sym.to_string());
                                    exports.passed.insert(name.clone(), there);
                                }
                                None => {
                                    exports.own.insert(name.clone(), id(orig));
                                }
                            }
                        }
                        if library {
                            continue;
                        }
                        match (&named.orig, name.as_str()) {
                            (ModuleExportName::Ident(orig), "default") if export.src.is_none() => {
                                default = Some((statement.clone(), DefaultExport::Name(id(orig))));
                                if export.specifiers.len() > 1 {
                                    return Err(refuse(source, Reason::ModuleShape, export, ""));
                                }
                            }
                            (_, "default") => {
                                return Err(refuse(
                                    source,
                                    Reason::HandlerNotFunction,
                                    export,
                                    "re-export",
                                ));
                            }
                            _ if named.is_type_only => {}
                            _ => named_exports.push((name, source.range(named))),
                        }
                    }
                    None
                }
                ModuleItem::ModuleDecl(ModuleDecl::ExportAll(export)) if !export.type_only => {
                    exports
                        .all
                        .push(export.src.value.to_string_lossy().into_owned());
                    named_exports.push(("*".to_string(), source.range(export)));
                    None
                }
                ModuleItem::ModuleDecl(
                    ModuleDecl::TsExportAssignment(_) | ModuleDecl::TsImportEquals(_),
                ) => {
                    return Err(refuse(source, Reason::ModuleShape, item, ""));
                }
                ModuleItem::ModuleDecl(ModuleDecl::Import(import)) => {
                    let module = import.src.value.to_string_lossy().into_owned();
                    for specifier in &import.specifiers {
                        let (local, name) = match specifier {
                            ImportSpecifier::Named(named) => (
                                &named.local,
                                match &named.imported {
                                    Some(ModuleExportName::Ident(name)) => name.sym.to_string(),
                                    Some(ModuleExportName::Str(name)) => {
                                        name.value.to_string_lossy().into_owned()
                                    }
                                    None => named.local.sym.to_string(),
                                },
                            ),
                            ImportSpecifier::Default(default) => {
                                (&default.local, "default".to_string())
                            }
                            ImportSpecifier::Namespace(all) => (&all.local, "*".to_string()),
                        };
                        imports.insert(id(local), (module.clone(), name));
                    }
                    None
                }
                _ => None,
            };
            let Some((decl, exported)) = decl else {
                continue;
            };
            match decl {
                Decl::Fn(function) => {
                    let name = id(&function.ident);
                    if exported {
                        exports.own.insert(name.0.to_string(), name.clone());
                        exported_ids.push(name.clone());
                        named_exports.push((name.0.to_string(), statement.clone()));
                    }
                    if let Some(read) = from_function(
                        source,
                        Some(name.clone()),
                        &function.function,
                        statement,
                        Form::Declaration,
                    ) {
                        functions.insert(name, read);
                    }
                }
                Decl::Var(variables) => {
                    for declarator in &variables.decls {
                        let Pat::Ident(binding) = &declarator.name else {
                            if exported {
                                named_exports.push(("{}".to_string(), statement.clone()));
                            }
                            continue;
                        };
                        let name = id(&binding.id);
                        if exported {
                            exports.own.insert(name.0.to_string(), name.clone());
                        }
                        if exported && !library && name.0 == "config" {
                            match declarator.init.as_deref().map(bare) {
                                Some(Expr::Object(object)) if variables.decls.len() == 1 => {
                                    config = Some(Config {
                                        statement: statement.clone(),
                                        object,
                                    });
                                }
                                _ => {
                                    return Err(refuse(
                                        source,
                                        Reason::ConfigExport,
                                        declarator,
                                        "config",
                                    ));
                                }
                            }
                            continue;
                        }
                        // Settings that a route file may export, too, stay; others would start to count.
                        if exported && matches!(&*name.0, "maxDuration" | "preferredRegion") {
                            continue;
                        }
                        let counts = [
                            "dynamic",
                            "dynamicParams",
                            "fetchCache",
                            "revalidate",
                            "runtime",
                        ];
                        if exported && !library && counts.contains(&&*name.0) {
                            return Err(refuse(
                                source,
                                Reason::ConfigExport,
                                declarator,
                                name.0.to_string(),
                            ));
                        }
                        if exported {
                            exported_ids.push(name.clone());
                            named_exports.push((name.0.to_string(), statement.clone()));
                        }
                        let alone =
                            variables.decls.len() == 1 && variables.kind == VarDeclKind::Const;
                        if let (Some(init), true) = (&declarator.init, alone)
                            && let Some(mut read) =
                                from_expr(source, Some(name.clone()), init, statement.clone())
                        {
                            read.variable_type = binding.type_ann.as_deref();
                            functions.insert(name, read);
                        }
                    }
                }
                Decl::Class(class) if exported => {
                    let name = id(&class.ident);
                    exports.own.insert(name.0.to_string(), name);
                    named_exports.push((class.ident.sym.to_string(), statement));
                }
                Decl::TsEnum(declared) if exported => {
                    named_exports.push((declared.id.sym.to_string(), statement));
                }
                Decl::TsModule(_) | Decl::Using(_) if !library => {
                    return Err(refuse(source, Reason::ModuleShape, item, ""));
                }
                _ => {}
            }
        }
        Ok(Items {
            default,
            functions,
            config,
            named_exports,
            imports,
            exported_ids,
            exports,
        })
    }
}

impl<'a> Outline<'a> {
    /// Reads the top level of a file.
    ///
    /// # Errors
    /// A refusal when there is no default export, or the file cannot be taken apart.
    pub fn read(source: &'a Source) -> Result<Outline<'a>, Refusal> {
        let items = Items::read(source, false)?;
        Ok(Outline {
            source,
            default: items.default.ok_or_else(|| no_default(source))?,
            functions: items.functions,
            config: items.config,
            named_exports: items.named_exports,
            imports: items.imports,
            exported_ids: items.exported_ids,
        })
    }

    /// The name of the handler when it is exported by name, too.
    pub fn exported_handler(&self) -> Option<String> {
        let name = match &self.default.1 {
            DefaultExport::Function(function) => function.name.clone()?,
            DefaultExport::Name(name) => name.clone(),
            DefaultExport::Expr(expr) => match bare(expr) {
                Expr::Ident(name) => id(name),
                _ => return None,
            },
        };
        let listed = self
            .named_exports
            .iter()
            .any(|(known, _)| *name.0 == **known);
        listed.then(|| name.0.to_string())
    }

    /// The module and exported name behind an imported identifier.
    pub fn imported(&self, ident: &Ident) -> Option<(&str, &str)> {
        self.imports
            .get(&id(ident))
            .map(|(module, name)| (module.as_str(), name.as_str()))
    }
}

impl<'a> ApiModule<'a> {
    /// Reads the outline of a file and its handler.
    ///
    /// # Errors
    /// A refusal when there is no default export, or none that is a function of this file.
    pub fn read(source: &'a Source) -> Result<ApiModule<'a>, Refusal> {
        ApiModule::of(Outline::read(source)?)
    }

    /// Finds the handler in what stands at the top level.
    ///
    /// # Errors
    /// A refusal when the default export is no function of this file.
    pub fn of(outline: Outline<'a>) -> Result<ApiModule<'a>, Refusal> {
        let Outline {
            source,
            default: (statement, default),
            functions,
            config,
            mut named_exports,
            imports,
            exported_ids,
        } = outline;
        let mut wrappers = Vec::new();
        let by_library = library_wrapped(source, &functions, &imports, &statement, &default)?;
        let (handler, default_export, wrapper) = match by_library {
            Some((handler, export, wrapper)) => (handler, export, Some(wrapper)),
            None => {
                let (handler, export) =
                    plain(source, &functions, statement, default, &mut wrappers)?;
                (handler, export, None)
            }
        };
        let handler_exported = handler
            .name
            .as_ref()
            .is_some_and(|name| exported_ids.contains(name));
        if handler_exported {
            let name = handler
                .name
                .as_ref()
                .map(|name| name.0.to_string())
                .unwrap_or_default();
            named_exports.retain(|(exported, _)| *exported != name);
        }
        Ok(ApiModule {
            source,
            handler,
            default_export,
            functions,
            config,
            named_exports,
            handler_exported,
            imports,
            follow: None,
            library: false,
            owner: None,
            wrapped: None,
            takes: None,
            wrappers,
            wrapper,
            chained: false,
        })
    }

    /// A module that API files may import, with what it exports; `None` when it has no functions
    /// that could take a request. Its `handler` is any of them.
    ///
    /// # Errors
    /// A refusal when the file cannot be taken apart.
    pub fn library(source: &'a Source) -> Result<(Option<ApiModule<'a>>, Exports), Refusal> {
        let Items {
            mut functions,
            imports,
            exports,
            ..
        } = Items::read(source, true)?;
        members::collect(source, &mut functions);
        let module = functions.values().next().cloned().map(|handler| ApiModule {
            source,
            handler,
            default_export: None,
            functions,
            config: None,
            named_exports: Vec::new(),
            handler_exported: false,
            imports,
            follow: None,
            library: true,
            owner: None,
            wrapper: None,
            wrapped: None,
            takes: None,
            wrappers: Vec::new(),
            chained: false,
        });
        Ok((module, exports))
    }

    /// The module and exported name behind an imported identifier.
    pub fn imported(&self, ident: &Ident) -> Option<(&str, &str)> {
        self.imports
            .get(&id(ident))
            .map(|(module, name)| (module.as_str(), name.as_str()))
    }

    /// The map of methods that the innermost of the calls around the handler is given.
    pub fn map(&self) -> Option<&MethodMap<'a>> {
        self.wrappers.last()?.map.as_ref()
    }

    /// How often a binding is used in the whole file, its declaration not counted.
    pub fn uses(&self, binding: &Id) -> usize {
        crate::syntax::Names::of(self.source, &self.source.module)
            .all
            .iter()
            .filter(|(name, _)| name == binding)
            .count()
            .saturating_sub(1)
    }
}

/// What a file exports by default.
pub enum DefaultExport<'a> {
    /// A function declaration.
    Function(Box<Function<'a>>),
    /// `export { name as default }`.
    Name(Id),
    /// An expression, which may be a name.
    Expr(&'a Expr),
}

/// The handler and the statement of the default export, when that is not the handler's own.
type Found<'a> = (Function<'a>, Option<Range<usize>>);

/// A handler that is exported as it stands.
fn plain<'a>(
    source: &'a Source,
    functions: &HashMap<Id, Function<'a>>,
    statement: Range<usize>,
    default: DefaultExport<'a>,
    wrappers: &mut Vec<WrapperCall<'a>>,
) -> Result<Found<'a>, Refusal> {
    Ok(match default {
        DefaultExport::Function(function) => (*function, None),
        DefaultExport::Name(name) => (
            named_handler(source, functions, &name, &statement, wrappers)?,
            Some(statement),
        ),
        DefaultExport::Expr(expr) => match bare(expr) {
            Expr::Ident(name) => (
                named_handler(source, functions, &id(name), &statement, wrappers)?,
                Some(statement),
            ),
            Expr::Call(call) => {
                let inner = wrapped_handler(source, functions, call, &statement, wrappers)?;
                let inline = inner.statement == statement;
                (inner, (!inline).then_some(statement))
            }
            _ => match from_expr(source, None, expr, statement.clone()) {
                Some(function) => (function, None),
                None => return Err(refuse(source, Reason::HandlerNotFunction, expr, "")),
            },
        },
    })
}

/// The same for a handler inside a call, and what is called.
type Wrapped<'a> = (Function<'a>, Option<Range<usize>>, Wrapper);

/// A handler inside the call of a library that is known to wrap route handlers, too.
fn library_wrapped<'a>(
    source: &'a Source,
    functions: &HashMap<Id, Function<'a>>,
    imports: &HashMap<Id, (String, String)>,
    statement: &Range<usize>,
    default: &DefaultExport<'a>,
) -> Result<Option<Wrapped<'a>>, Refusal> {
    let named = match default {
        DefaultExport::Function(_) => return Ok(None),
        DefaultExport::Name(name) => Some(name.clone()),
        DefaultExport::Expr(expr) => match bare(expr) {
            Expr::Ident(name) => Some(id(name)),
            _ => None,
        },
    };
    let found = match (&named, default) {
        (Some(name), _) => declared(source, name),
        (None, DefaultExport::Expr(expr)) => Some((bare(expr), statement.clone())),
        _ => None,
    };
    let Some((Expr::Call(call), own)) = found else {
        return Ok(None);
    };
    let imported = match call.callee.as_expr().map(|callee| bare(callee)) {
        Some(Expr::Ident(callee)) => imports.get(&id(callee)),
        _ => None,
    };
    let Some((from, exported)) = imported else {
        return Ok(None);
    };
    let wrapping = match libraries::wrapping(source, from, exported, call) {
        None => return Ok(None),
        Some(Err(why)) => return Err(refuse(source, Reason::UnsupportedLibrary, call, why)),
        Some(Ok(wrapping)) => wrapping,
    };
    let Some(first) = call.args.first().filter(|first| first.spread.is_none()) else {
        return Ok(None);
    };
    let wrapper = Wrapper {
        callee: source.range(&call.callee),
        rest: source.range(first).end..source.range(call).end - 1,
        wrapping,
    };
    let handler = match bare(&first.expr) {
        Expr::Ident(inner) if named.is_none() => functions
            .get(&id(inner))
            .map(|handler| (handler.clone(), Some(statement.clone()))),
        inner => {
            let export = named.is_some().then(|| statement.clone());
            from_expr(source, named, inner, own).map(|handler| (handler, export))
        }
    };
    Ok(handler.map(|(handler, export)| (handler, export, wrapper)))
}

/// What a constant at the top level is initialised with, and its statement.
pub fn declared<'a>(source: &'a Source, name: &Id) -> Option<(&'a Expr, Range<usize>)> {
    source.items().iter().find_map(|item| {
        let declaration = match item {
            ModuleItem::Stmt(Stmt::Decl(Decl::Var(declaration))) => declaration,
            ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(ExportDecl {
                decl: Decl::Var(declaration),
                ..
            })) => declaration,
            _ => return None,
        };
        let [only] = &declaration.decls[..] else {
            return None;
        };
        let is = matches!(&only.name, Pat::Ident(binding) if id(&binding.id) == *name);
        is.then(|| Some((bare(only.init.as_deref()?), source.range(item))))?
    })
}

/// The handler that a name stands for: a function, or a constant that a wrapper's call initialises.
fn named_handler<'a>(
    source: &'a Source,
    functions: &HashMap<Id, Function<'a>>,
    name: &Id,
    statement: &Range<usize>,
    wrappers: &mut Vec<WrapperCall<'a>>,
) -> Result<Function<'a>, Refusal> {
    if let Some(function) = functions.get(name) {
        return Ok(function.clone());
    }
    match declared(source, name) {
        Some((Expr::Call(call), statement)) => {
            wrapped_handler(source, functions, call, &statement, wrappers)
        }
        _ => Err(refuse_at(
            source,
            Reason::HandlerNotFunction,
            statement.clone(),
            name.0.to_string(),
        )),
    }
}

/// The function inside the calls that wrap it. `wrappers` takes the calls, the outermost first;
/// `statement` is the one that they stand in.
fn wrapped_handler<'a>(
    source: &'a Source,
    functions: &HashMap<Id, Function<'a>>,
    call: &'a CallExpr,
    statement: &Range<usize>,
    wrappers: &mut Vec<WrapperCall<'a>>,
) -> Result<Function<'a>, Refusal> {
    let mut args = vec![&call.args[..]];
    let mut callee = call.callee.as_expr().map(|callee| bare(callee));
    while let Some(Expr::Call(inner)) = callee {
        args.insert(0, &inner.args[..]);
        callee = inner.callee.as_expr().map(|callee| bare(callee));
    }
    let refusal = || {
        let name = callee.map(|callee| source.text_of(callee).to_string());
        refuse(
            source,
            Reason::WrappedHandler,
            call,
            name.unwrap_or_default(),
        )
    };
    let Some(outer) = callee else {
        return Err(refusal());
    };
    let mut found: Option<(usize, Function<'a>, Vec<WrapperCall<'a>>)> = None;
    let mut map = None;
    for (at, arg) in call.args.iter().enumerate() {
        let mut inner = Vec::new();
        let given = method_map::read(source, functions, &arg.expr, statement);
        let first = given.as_ref().map(|given| given.first().clone());
        let function = match bare(&arg.expr) {
            expr @ (Expr::Arrow(_) | Expr::Fn(_)) => {
                from_expr(source, None, expr, statement.clone())
            }
            Expr::Ident(name) => {
                named_handler(source, functions, &id(name), statement, &mut inner).ok()
            }
            Expr::Call(call) => {
                wrapped_handler(source, functions, call, statement, &mut inner).ok()
            }
            _ => None,
        };
        let Some(function) = function.or(first) else {
            continue;
        };
        map = map.or(given);
        if arg.spread.is_some() || found.is_some() {
            return Err(refusal());
        }
        found = Some((at, function, inner));
    }
    let (handler, function, inner) = found.ok_or_else(refusal)?;
    wrappers.push(WrapperCall {
        call,
        callee: outer,
        args,
        handler,
        statement: statement.clone(),
        map,
    });
    wrappers.extend(inner);
    Ok(function)
}

fn no_default(source: &Source) -> Refusal {
    let common_js = source.items().iter().any(|item| {
        let ModuleItem::Stmt(Stmt::Expr(stmt)) = item else {
            return false;
        };
        let Expr::Assign(assign) = &*stmt.expr else {
            return false;
        };
        source.text_of(&assign.left).starts_with("module.exports")
            || source.text_of(&assign.left).starts_with("exports.")
    });
    let reason = if common_js {
        Reason::ModuleShape
    } else {
        Reason::NoDefaultExport
    };
    refuse_at(
        source,
        reason,
        0..0,
        if common_js { "module.exports" } else { "" },
    )
}

/// The entries of an object literal with literal names, or the first thing that is none.
pub fn entries(object: &ObjectLit) -> Result<Vec<(String, &Expr)>, swc_core::common::Span> {
    object
        .props
        .iter()
        .map(|prop| match prop {
            PropOrSpread::Prop(prop) => match &**prop {
                Prop::KeyValue(pair) => {
                    Ok((prop_name(&pair.key).ok_or(pair.span())?, &*pair.value))
                }
                other => Err(other.span()),
            },
            PropOrSpread::Spread(spread) => Err(spread.dot3_token),
        })
        .collect()
}

/// Whether an expression is this literal string.
pub fn is_text(expr: &Expr, text: &str) -> bool {
    string(expr).as_deref() == Some(text)
}

/// Whether a parameter is this binding.
pub fn param_id(pat: &Pat) -> Option<Id> {
    match pat {
        Pat::Ident(binding) => Some(id(&binding.id)),
        _ => None,
    }
}

/// Whether one of the arguments is this binding.
pub fn passes(args: &[ExprOrSpread], binding: Option<&Id>) -> bool {
    binding.is_some_and(|binding| args.iter().any(|arg| is_binding(&arg.expr, binding)))
}

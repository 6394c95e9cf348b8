//! Reads what can be told of `next.config.*` without running it: the file's text in, a
//! [`NextConfig`] out. Wrappers (`withX(config)`) count as transparent; what comes from
//! elsewhere is named in [`NextConfig::unread`].

use std::collections::HashMap;
use std::sync::Arc;

use routelift_transforms::project::NextConfig;
use routelift_transforms::source::Source;
use swc_core::ecma::ast::{
    ArrowExpr, ArrowFunctionBody, AssignExpr, AssignTarget, BinaryOp, Callee, Decl, DefaultDecl,
    Expr, Function, FunctionBody, Lit, MemberExpr, MemberProp, ModuleDecl, ModuleItem, ObjectLit,
    Pat, Prop, PropName, PropOrSpread, ReturnStmt, SimpleAssignTarget, Stmt, VarDecl,
};

/// Stands in [`NextConfig::unread`] for keys that come from elsewhere.
const ELSEWHERE: &str = "...";
/// Names that lead to names deeper than this are a circle.
const MAX_DEPTH: usize = 12;

/// Reads the configuration `text` of the file at `path`.
pub fn read(path: &str, text: &str) -> NextConfig {
    let mut config = NextConfig {
        path: Some(path.to_string()),
        ..NextConfig::default()
    };
    match Source::parse(path, Arc::from(text)) {
        Ok(source) => Reader::new(&source, &mut config).run(&source),
        Err(_) => config.unread.push(ELSEWHERE.to_string()),
    }
    config.unread.sort();
    config.unread.dedup();
    config
}

struct Reader<'a> {
    config: &'a mut NextConfig,
    /// Every `const name = value` of the file, at any depth.
    values: HashMap<&'a str, &'a Expr>,
    functions: HashMap<&'a str, &'a Function>,
    /// Whether what is read holds under a condition only.
    conditional: bool,
}

/// Collects declarations; of two with one name the first counts.
#[derive(Default)]
struct Declarations<'a> {
    values: HashMap<&'a str, &'a Expr>,
    functions: HashMap<&'a str, &'a Function>,
}

impl<'a> Declarations<'a> {
    fn statement(&mut self, statement: &'a Stmt) {
        if let Stmt::Decl(declaration) = statement {
            self.declaration(declaration);
        }
    }

    fn declaration(&mut self, declaration: &'a Decl) {
        match declaration {
            Decl::Var(var) => self.var(var),
            Decl::Fn(function) => {
                self.functions
                    .entry(&function.ident.sym)
                    .or_insert(&function.function);
                for statement in function.function.body.iter().flat_map(|body| &body.stmts) {
                    self.statement(statement);
                }
            }
            _ => {}
        }
    }

    fn var(&mut self, var: &'a VarDecl) {
        for declarator in &var.decls {
            if let (Pat::Ident(name), Some(value)) = (&declarator.name, &declarator.init) {
                self.values.entry(&name.id.sym).or_insert(value);
                self.inside(value);
            }
        }
    }

    /// The declarations of a function that stands as a value.
    fn inside(&mut self, value: &'a Expr) {
        let body = match value {
            Expr::Arrow(arrow) => match &*arrow.body {
                ArrowFunctionBody::FunctionBody(body) => Some(body),
                ArrowFunctionBody::Expr(_) => None,
            },
            Expr::Fn(function) => function.function.body.as_ref(),
            _ => None,
        };
        for statement in body.iter().flat_map(|body| &body.stmts) {
            self.statement(statement);
        }
    }
}

impl<'a> Reader<'a> {
    fn new(source: &'a Source, config: &'a mut NextConfig) -> Self {
        let mut found = Declarations::default();
        for item in source.items() {
            match item {
                ModuleItem::Stmt(Stmt::Expr(statement)) => {
                    if let Expr::Assign(assign) = &*statement.expr {
                        found.inside(&assign.right);
                    }
                }
                ModuleItem::Stmt(statement) => found.statement(statement),
                ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => {
                    found.declaration(&export.decl);
                }
                ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => {
                    found.inside(&export.expr);
                }
                ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => {
                    if let DefaultDecl::Fn(function) = &export.decl {
                        let body = function.function.body.iter();
                        body.flat_map(|body| &body.stmts)
                            .for_each(|statement| found.statement(statement));
                    }
                }
                ModuleItem::ModuleDecl(_) => {}
            }
        }
        Reader {
            config,
            values: found.values,
            functions: found.functions,
            conditional: false,
        }
    }

    fn run(&mut self, source: &'a Source) {
        for item in source.items() {
            match item {
                ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultExpr(export)) => {
                    self.exported(&export.expr, MAX_DEPTH);
                }
                ModuleItem::ModuleDecl(ModuleDecl::TsExportAssignment(export)) => {
                    self.exported(&export.expr, MAX_DEPTH);
                }
                ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => {
                    if let DefaultDecl::Fn(function) = &export.decl {
                        self.returned(function.function.body.as_ref(), MAX_DEPTH);
                    }
                }
                ModuleItem::Stmt(Stmt::Expr(statement)) => {
                    if let Expr::Assign(assign) = &*statement.expr {
                        self.assigned(assign);
                    }
                }
                _ => {}
            }
        }
    }

    /// `module.exports = …`, `exports.default = …`, `nextConfig.basePath = …`.
    fn assigned(&mut self, assign: &'a AssignExpr) {
        let AssignTarget::Simple(SimpleAssignTarget::Member(target)) = &assign.left else {
            return;
        };
        let Some((object, name)) = member(target) else {
            return;
        };
        match (object, name) {
            ("module", "exports") | ("exports", "default") => {
                self.exported(&assign.right, MAX_DEPTH);
            }
            ("exports" | "module", _) => {}
            _ => self.entry(name, Some(&assign.right), MAX_DEPTH),
        }
    }

    /// An expression that gives the configuration.
    fn exported(&mut self, value: &'a Expr, left: usize) {
        if left == 0 {
            return self.unread(ELSEWHERE);
        }
        let left = left - 1;
        match bare(value) {
            Expr::Object(object) => self.object(object, left),
            Expr::Ident(name) => {
                if let Some(value) = self.values.get(&*name.sym) {
                    self.exported(value, left);
                } else if let Some(function) = self.functions.get(&*name.sym) {
                    self.returned(function.body.as_ref(), left);
                } else {
                    self.unread(ELSEWHERE);
                }
            }
            Expr::Arrow(arrow) => self.arrow(arrow, left),
            Expr::Fn(function) => self.returned(function.function.body.as_ref(), left),
            Expr::Cond(condition) => {
                self.exported(&condition.cons, left);
                self.exported(&condition.alt, left);
            }
            Expr::Bin(and) if and.op == BinaryOp::LogicalAnd => self.exported(&and.right, left),
            Expr::Call(call) => {
                // `withX(config)`, `compose(…)(config)`, `Object.assign({}, config)`.
                let mut seen = false;
                for argument in &call.args {
                    match bare(&argument.expr) {
                        Expr::Lit(_) | Expr::Array(_) => continue,
                        Expr::Arrow(_) | Expr::Fn(_) if call.args.len() > 1 => continue,
                        value => self.exported(value, left),
                    }
                    seen = true;
                }
                if let (false, Callee::Expr(callee)) = (seen, &call.callee) {
                    self.exported(callee, left);
                }
            }
            _ => self.unread(ELSEWHERE),
        }
    }

    fn arrow(&mut self, arrow: &'a ArrowExpr, left: usize) {
        match &*arrow.body {
            ArrowFunctionBody::FunctionBody(body) => self.returned(Some(body), left),
            ArrowFunctionBody::Expr(value) => self.exported(value, left),
        }
    }

    /// What the `return`s of a function give, those of functions inside it left out.
    fn returned(&mut self, body: Option<&'a FunctionBody>, left: usize) {
        #[derive(Default)]
        struct Returns<'a>(Vec<&'a ReturnStmt>);
        fn collect<'a>(statement: &'a Stmt, out: &mut Returns<'a>) {
            match statement {
                Stmt::Return(found) => out.0.push(found),
                Stmt::Block(block) => block.stmts.iter().for_each(|inner| collect(inner, out)),
                Stmt::If(branch) => {
                    collect(&branch.cons, out);
                    branch.alt.iter().for_each(|inner| collect(inner, out));
                }
                Stmt::Switch(switch) => {
                    let inner = switch.cases.iter().flat_map(|case| &case.cons);
                    inner.for_each(|inner| collect(inner, out));
                }
                Stmt::Try(block) => {
                    block
                        .block
                        .stmts
                        .iter()
                        .for_each(|inner| collect(inner, out));
                }
                _ => {}
            }
        }
        let mut returns = Returns::default();
        for statement in body.iter().flat_map(|body| &body.stmts) {
            collect(statement, &mut returns);
        }
        for found in returns.0.iter().filter_map(|found| found.arg.as_ref()) {
            self.exported(found, left);
        }
    }

    fn object(&mut self, object: &'a ObjectLit, left: usize) {
        for property in &object.props {
            match property {
                // `...(condition && { output: 'standalone' })`
                PropOrSpread::Spread(spread) => {
                    let here = matches!(bare(&spread.expr), Expr::Cond(_) | Expr::Bin(_));
                    let conditional = self.conditional || here;
                    let before = std::mem::replace(&mut self.conditional, conditional);
                    self.exported(&spread.expr, left);
                    self.conditional = before;
                }
                PropOrSpread::Prop(property) => match &**property {
                    Prop::KeyValue(pair) => match key(&pair.key) {
                        Some(name) => self.entry(name, Some(&pair.value), left),
                        None => self.unread(ELSEWHERE),
                    },
                    Prop::Shorthand(name) => {
                        let value = self.values.get(&*name.sym).copied();
                        self.entry(&name.sym, value, left);
                    }
                    Prop::Method(method) => {
                        if let Some(name) = key(&method.key) {
                            self.entry(name, None, left);
                        }
                    }
                    _ => self.unread(ELSEWHERE),
                },
            }
        }
    }

    /// One entry; a method, or a name that is bound elsewhere, has no value.
    fn entry(&mut self, name: &str, value: Option<&'a Expr>, left: usize) {
        let value = value.map(|value| self.followed(value, left));
        let absent = match value {
            Some(Expr::Ident(name)) => &*name.sym == "undefined",
            Some(Expr::Lit(Lit::Null(_))) => true,
            Some(Expr::Lit(Lit::Bool(value))) => !value.value,
            _ => false,
        };
        if absent {
            return;
        }
        let mut read = true;
        match name {
            "headers" => self.config.headers = true,
            "rewrites" => self.config.rewrites = true,
            "redirects" => self.config.redirects = true,
            "i18n" => {
                // Of two that are written, each may be the one.
                let known = !self.config.i18n || !self.config.locales.is_empty();
                match value.and_then(|value| self.locales(value, left)) {
                    Some(list) if known => self.config.locales.extend(list),
                    _ => self.config.locales.clear(),
                }
                self.config.i18n = true;
            }
            "basePath" => match value.and_then(string) {
                Some(text) if !self.conditional => self.config.base_path = text,
                _ => read = false,
            },
            "output" => match value.and_then(string) {
                Some(text) if text != "export" => {}
                Some(_) if !self.conditional => self.config.output_export = true,
                _ => read = false,
            },
            "pageExtensions" => match value.and_then(strings) {
                Some(list) if !self.conditional => self.config.page_extensions = list,
                _ => read = false,
            },
            "cacheComponents" | "dynamicIO" => match value {
                Some(Expr::Lit(Lit::Bool(_))) if !self.conditional => {
                    self.config.cache_components = true;
                }
                _ => read = false,
            },
            "experimental" => match value {
                Some(Expr::Object(object)) => self.object(object, left),
                _ => read = false,
            },
            _ => {}
        }
        if !read {
            self.unread(name);
        }
    }

    /// The value that a name stands for, or the value itself.
    fn followed(&self, value: &'a Expr, left: usize) -> &'a Expr {
        let mut value = bare(value);
        for _ in 0..left {
            match value {
                Expr::Ident(name) if self.values.contains_key(&*name.sym) => {
                    value = bare(self.values[&*name.sym]);
                }
                _ => break,
            }
        }
        value
    }

    /// The locales of `i18n`.
    fn locales(&self, value: &'a Expr, left: usize) -> Option<Vec<String>> {
        let Expr::Object(object) = value else {
            return None;
        };
        let mut found = None;
        for property in &object.props {
            match property {
                PropOrSpread::Prop(property) => match &**property {
                    Prop::KeyValue(pair) if key(&pair.key)? == "locales" => {
                        found = strings(self.followed(&pair.value, left));
                    }
                    Prop::KeyValue(_) => {}
                    _ => return None,
                },
                PropOrSpread::Spread(_) => return None,
            }
        }
        found
    }

    fn unread(&mut self, name: &str) {
        self.config.unread.push(name.to_string());
    }
}

/// The expression inside parentheses, casts and `await`.
fn bare(mut value: &Expr) -> &Expr {
    loop {
        value = match value {
            Expr::Paren(inner) => &inner.expr,
            Expr::TsAs(inner) => &inner.expr,
            Expr::TsSatisfies(inner) => &inner.expr,
            Expr::TsConstAssertion(inner) => &inner.expr,
            Expr::TsNonNull(inner) => &inner.expr,
            Expr::Await(inner) => &inner.arg,
            value => return value,
        };
    }
}

fn member(member: &MemberExpr) -> Option<(&str, &str)> {
    match (&*member.obj, &member.prop) {
        (Expr::Ident(object), MemberProp::Ident(name)) => Some((&object.sym, &name.sym)),
        _ => None,
    }
}

fn key(key: &PropName) -> Option<&str> {
    match key {
        PropName::Ident(name) => Some(&name.sym),
        PropName::Str(text) => text.value.as_str(),
        _ => None,
    }
}

fn string(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(Lit::Str(text)) => text.value.as_str().map(str::to_string),
        Expr::Tpl(template) if template.exprs.is_empty() => {
            template.quasis.first().map(|quasi| quasi.raw.to_string())
        }
        _ => None,
    }
}

fn strings(value: &Expr) -> Option<Vec<String>> {
    let Expr::Array(array) = value else {
        return None;
    };
    let element = |element: &Option<_>| match element {
        Some(swc_core::ecma::ast::ExprOrSpread { spread: None, expr }) => string(expr),
        _ => None,
    };
    array.elems.iter().map(element).collect()
}

#[cfg(test)]
#[path = "next_config_tests.rs"]
mod tests;

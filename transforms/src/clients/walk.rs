//! Walks one file. In: its syntax tree. Out: a draft for every place that names a route: calls of
//! `fetch`, strings that a client takes for a URL, and strings that go elsewhere. Imports, types and comments
//! are not looked at. A constant that was followed to all its uses is no place of its own.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use swc_core::ecma::ast::{
    ArrowExpr, ArrowFunctionBody, AssignExpr, AssignTarget, BinaryOp, CallExpr, Callee, Class,
    ClassProp, Constructor, DefaultDecl, ExportAll, ExportDecl, ExportDefaultDecl,
    ExportDefaultExpr, ExportNamedSpecifier, Expr, ExprOrSpread, ExprStmt, FnDecl, FnExpr,
    Function, Id, Ident, ImportDecl, JSXAttr, JSXAttrName, JSXAttrOrSpread, JSXAttrValue,
    JSXElementName, JSXOpeningElement, JSXText, KeyValueProp, Lit, MemberExpr, MemberProp,
    ModuleExportName, NamedExport, NewExpr, OptChainBase, Pat, Prop, PropName, ReturnStmt,
    SimpleAssignTarget, Stmt, SwitchCase, TsInterfaceDecl, TsType, TsTypeAliasDecl, TsTypeAnn,
    TsTypeParamInstantiation, UnaryOp, VarDecl, VarDeclKind, VarDeclarator,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::context::{Argument, Attribute, Context, Declared, Frame};
use super::fetch::{self, Draft};
use super::init::{self, Init};
use super::pattern::{Constants, Pattern, is_string, leaves, texts};
use super::routes::Routes;
use super::scope::{Naming, Scope};
use super::strings::{self, Weight};
use super::{Guess, text, url};
use crate::facts::call::{Client, Sends};
use crate::outcome::Place;
use crate::source::Source;

/// A file on its way through the walk.
pub(super) struct Walk<'s> {
    pub source: &'s Source,
    pub table: &'s Routes,
    pub scope: &'s Scope,
    pub constants: Constants,
    /// The statements of constants that are declared alone.
    pub statements_of: HashMap<Id, Range<usize>>,
    /// How often each constant is used.
    pub references: HashMap<Id, usize>,
    pub frames: Vec<Frame>,
    /// The statements around, innermost last, with the one after each.
    statements: Vec<Option<Range<usize>>>,
    drafts: Vec<Draft>,
    /// Constants that name a route: kept when a use is not followed.
    pending: BTreeMap<Id, Vec<Draft>>,
    unfollowed: HashMap<Id, usize>,
    exported: bool,
    statement: Range<usize>,
    alone: bool,
    /// Whether the next function that is met renders.
    render: bool,
}

/// Walks a file.
pub(super) fn walk(source: &Source, table: &Routes, scope: &Scope) -> Vec<Draft> {
    let mut collector = Collector {
        source,
        constants: Constants::new(),
        statements_of: HashMap::new(),
        references: HashMap::new(),
    };
    source.module.visit_with(&mut collector);
    let mut walk = Walk {
        source,
        table,
        scope,
        constants: collector.constants,
        statements_of: collector.statements_of,
        references: collector.references,
        frames: Vec::new(),
        statements: Vec::new(),
        drafts: Vec::new(),
        pending: BTreeMap::new(),
        unfollowed: HashMap::new(),
        exported: false,
        statement: 0..0,
        alone: false,
        render: false,
    };
    source.module.visit_with(&mut walk);
    let Walk {
        mut drafts,
        pending,
        unfollowed,
        references,
        ..
    } = walk;
    for (id, kept) in pending {
        let used = references.contains_key(&id);
        if !used || unfollowed.contains_key(&id) {
            drafts.extend(kept);
        }
    }
    drafts.sort_by_key(|draft| (draft.call.place.start, draft.call.place.end));
    drafts
}

impl Walk<'_> {
    /// The statement right after the current one, when it is a plain one without functions.
    pub fn next_statement(&self) -> Option<Range<usize>> {
        self.statements.last().cloned().flatten()
    }

    fn with(&mut self, frame: Frame, inside: impl FnOnce(&mut Self)) {
        self.frames.push(frame);
        inside(self);
        self.frames.pop();
    }

    /// Visits what a string is made of, apart from strings and constants that were followed.
    fn visit_leaves(&mut self, expr: &Expr) {
        let mut found = Vec::new();
        leaves(self.source, expr, &mut found);
        for leaf in found {
            if !self.is_constant(leaf) {
                self.with(Frame::Other, |walk| leaf.visit_with(walk));
            }
        }
    }

    fn is_constant(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Ident(name) => self.constants.get(&name.to_id()).is_some_and(is_string),
            _ => false,
        }
    }

    /// A string, or a constant that is one, where it is used.
    fn string(&mut self, expr: &Expr) {
        let patterns = texts(self.source, &self.constants, expr);
        self.strings(&patterns, self.source.range(expr));
    }

    fn strings(&mut self, patterns: &[Pattern], range: Range<usize>) {
        if !patterns.iter().any(|pattern| pattern.text.contains("api")) {
            return;
        }
        let configured: Vec<Pattern>;
        let all = self.scope.kind == Some(Client::Config);
        let patterns = if patterns.iter().any(|pattern| all || is_matcher(pattern)) {
            configured = patterns.iter().map(matcher).collect();
            &configured
        } else {
            patterns
        };
        let context = Context(&self.frames);
        if let Some(guess) = super::guess(context) {
            let naming = self.scope.named(self.table, patterns, true, guess.prefix);
            self.draft(guess, naming, range);
            return;
        }
        let weight = strings::weigh(context);
        if weight == Weight::Nothing {
            return;
        }
        let mut naming = self
            .scope
            .named(self.table, patterns, false, weight == Weight::Prefix);
        let listed = matches!(context.use_of(), Some(Frame::Element));
        if weight == Weight::Whole && naming.routes.is_empty() && !listed {
            naming = self.scope.named(self.table, patterns, false, true);
        }
        if weight == Weight::Mention && !naming.exact && self.scope.kind != Some(Client::Config) {
            return;
        }
        let mut client = if context.within_property("matcher") {
            Client::Config
        } else {
            Client::Constant
        };
        if naming.routes.is_empty() {
            client = Client::Document;
            let inside: Vec<Pattern> = patterns.iter().flat_map(url::inside).collect();
            naming = self.scope.named(self.table, &inside, false, false);
            naming.exact = false;
        }
        let guess = Guess {
            client,
            method: None,
            sends: Sends::Unknown,
            prefix: false,
        };
        self.draft(guess, naming, range);
    }

    fn draft(&mut self, guess: Guess, naming: Naming, range: Range<usize>) {
        if naming.routes.is_empty() {
            return;
        }
        let guess = Guess {
            client: if naming.foreign {
                Client::Document
            } else {
                guess.client
            },
            ..guess
        };
        let place = Place::new(&self.source.path, &self.source.text, range.start, range.end);
        let call = self.scope.call(place, guess, naming.routes, naming.exact);
        let draft = Draft { call, watch: None };
        match Context(&self.frames).use_of() {
            Some(Frame::Declared(Declared {
                id: Some(id),
                exported: false,
                ..
            })) if self.constants.get(id).is_some_and(is_string) => {
                self.pending.entry(id.clone()).or_default().push(draft);
            }
            _ => self.drafts.push(draft),
        }
    }

    /// A constant in a place of its own.
    fn constant(&mut self, name: &Ident) {
        let followed = super::guess(Context(&self.frames)).is_some();
        if followed {
            self.string(&Expr::Ident(name.clone()));
        } else {
            *self.unfollowed.entry(name.to_id()).or_default() += 1;
        }
    }

    fn arguments(&mut self, callee: Option<&Expr>, new: bool, args: &[ExprOrSpread]) {
        let names = callee.map_or_else(|| vec!["import".to_string()], path);
        for (index, argument) in args.iter().enumerate() {
            let options = |argument: Option<&ExprOrSpread>| {
                argument
                    .filter(|argument| matches!(&*argument.expr, Expr::Object(_)))
                    .map(|argument| Init::read(self.source, &self.constants, &argument.expr))
            };
            let frame = Argument {
                callee: names.clone(),
                new,
                index,
                next: options(args.get(index + 1)),
                own: options(Some(argument)),
                first: args.first().and_then(|first| init::literal(&first.expr)),
            };
            if matches!(frame.name(), "memo" | "forwardRef" | "observer") {
                self.render = true;
            }
            self.with(Frame::Argument(frame), |walk| {
                argument.expr.visit_with(walk)
            });
            self.render = false;
        }
    }

    fn function(&mut self, inside: impl FnOnce(&mut Self)) {
        let render = std::mem::take(&mut self.render);
        let statements = std::mem::take(&mut self.statements);
        self.with(Frame::Function { render }, inside);
        self.statements = statements;
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Paren(inner) => self.with(Frame::Through, |walk| inner.expr.visit_with(walk)),
            Expr::TsAs(inner) => self.with(Frame::Through, |walk| inner.expr.visit_with(walk)),
            Expr::TsNonNull(inner) => self.with(Frame::Through, |walk| inner.expr.visit_with(walk)),
            Expr::TsSatisfies(inner) => {
                self.with(Frame::Through, |walk| inner.expr.visit_with(walk))
            }
            Expr::TsConstAssertion(inner) => {
                self.with(Frame::Through, |walk| inner.expr.visit_with(walk))
            }
            Expr::Unary(inner) if inner.op == UnaryOp::Void => {
                self.with(Frame::Through, |walk| inner.arg.visit_with(walk));
            }
            Expr::Cond(cond) => {
                self.with(Frame::Other, |walk| cond.test.visit_with(walk));
                self.with(Frame::Through, |walk| {
                    cond.cons.visit_with(walk);
                    cond.alt.visit_with(walk);
                });
            }
            Expr::Bin(binary) => {
                let frame = match binary.op {
                    BinaryOp::LogicalOr | BinaryOp::LogicalAnd | BinaryOp::NullishCoalescing => {
                        Frame::Through
                    }
                    BinaryOp::EqEq | BinaryOp::EqEqEq | BinaryOp::NotEq | BinaryOp::NotEqEq => {
                        Frame::Compared
                    }
                    _ => Frame::Other,
                };
                self.with(frame, |walk| {
                    binary.left.visit_with(walk);
                    binary.right.visit_with(walk);
                });
            }
            Expr::Await(inner) => self.with(Frame::Await, |walk| inner.arg.visit_with(walk)),
            Expr::Array(array) => self.with(Frame::Element, |walk| {
                for element in array.elems.iter().flatten() {
                    element.expr.visit_with(walk);
                }
            }),
            // These push frames of their own.
            Expr::Call(_)
            | Expr::New(_)
            | Expr::Object(_)
            | Expr::Arrow(_)
            | Expr::Fn(_)
            | Expr::Assign(_) => {
                expr.visit_children_with(self);
            }
            _ => self.with(Frame::Other, |walk| expr.visit_children_with(walk)),
        }
    }
}

impl Visit for Walk<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        if let Some(chain) = fetch::chain(self.source, expr) {
            self.render = false;
            let draft = fetch::read(self, &chain);
            self.drafts.extend(draft);
            for (index, argument) in chain.call.args.iter().enumerate() {
                if index == 0 {
                    self.visit_leaves(&argument.expr);
                } else {
                    self.with(Frame::Other, |walk| argument.expr.visit_with(walk));
                }
            }
            for argument in chain.arguments() {
                self.with(Frame::Other, |walk| argument.expr.visit_with(walk));
            }
            return;
        }
        match expr {
            Expr::Lit(Lit::Str(_)) => self.string(expr),
            Expr::Tpl(_) | Expr::Bin(_) if is_string(expr) && !is_choice(expr) => {
                self.string(expr);
                self.visit_leaves(expr);
            }
            Expr::Ident(name) if self.is_constant(expr) => self.constant(name),
            _ => self.expr(expr),
        }
    }

    fn visit_call_expr(&mut self, call: &CallExpr) {
        match &call.callee {
            Callee::Expr(callee) => {
                self.with(Frame::Other, |walk| callee.visit_with(walk));
                self.arguments(Some(callee), false, &call.args);
            }
            _ => self.arguments(None, false, &call.args),
        }
    }

    fn visit_new_expr(&mut self, new: &NewExpr) {
        self.with(Frame::Other, |walk| new.callee.visit_with(walk));
        self.arguments(Some(&new.callee), true, new.args.as_deref().unwrap_or(&[]));
    }

    fn visit_assign_expr(&mut self, assign: &AssignExpr) {
        let target = match &assign.left {
            AssignTarget::Simple(SimpleAssignTarget::Ident(name)) => vec![name.id.sym.to_string()],
            AssignTarget::Simple(SimpleAssignTarget::Member(member)) => {
                let mut names = path(&member.obj);
                names.push(property(&member.prop));
                names
            }
            _ => vec!["?".to_string()],
        };
        self.with(Frame::Other, |walk| assign.left.visit_with(walk));
        self.with(Frame::Assigned(target), |walk| {
            assign.right.visit_with(walk)
        });
    }

    fn visit_key_value_prop(&mut self, pair: &KeyValueProp) {
        let name = match &pair.key {
            PropName::Ident(name) => name.sym.to_string(),
            PropName::Str(name) => {
                let text = name.value.to_string_lossy();
                self.with(Frame::Other, |walk| {
                    let range = walk.source.range(name);
                    walk.strings(&[Pattern::text(&text)], range);
                });
                text.into_owned()
            }
            other => {
                self.with(Frame::Other, |walk| other.visit_with(walk));
                "?".to_string()
            }
        };
        self.with(Frame::Property(name), |walk| pair.value.visit_with(walk));
    }

    fn visit_prop(&mut self, prop: &Prop) {
        match prop {
            Prop::Shorthand(name) => {
                let frame = Frame::Property(name.sym.to_string());
                self.with(frame, |walk| Expr::Ident(name.clone()).visit_with(walk));
            }
            _ => prop.visit_children_with(self),
        }
    }

    fn visit_var_decl(&mut self, declaration: &VarDecl) {
        let (statement, alone) = (self.statement.clone(), self.alone);
        self.statement = self.source.range(declaration);
        self.alone = declaration.decls.len() == 1;
        declaration.visit_children_with(self);
        (self.statement, self.alone) = (statement, alone);
    }

    fn visit_var_declarator(&mut self, declarator: &VarDeclarator) {
        let Some(value) = &declarator.init else {
            return;
        };
        let (id, fields, annotation) = match &declarator.name {
            Pat::Ident(name) => {
                if is_rendering(&name.id.sym) && matches!(&**value, Expr::Arrow(_) | Expr::Fn(_)) {
                    self.render = true;
                }
                let annotation = name.type_ann.as_ref().map(|annotation| {
                    (
                        self.source.range(&**annotation),
                        self.source.text_of(&annotation.type_ann).to_string(),
                    )
                });
                (Some(name.id.to_id()), None, annotation)
            }
            Pat::Object(pattern) => (None, fetch::fields(self.source, pattern), None),
            _ => (None, None, None),
        };
        let inside = self
            .frames
            .iter()
            .any(|frame| matches!(frame, Frame::Function { .. }));
        let frame = Frame::Declared(Declared {
            id,
            exported: self.exported && !inside,
            fields,
            annotation,
            alone: self.alone,
            statement: self.statement.clone(),
        });
        self.with(Frame::Other, |walk| declarator.name.visit_with(walk));
        self.with(frame, |walk| value.visit_with(walk));
        self.render = false;
    }

    fn visit_stmts(&mut self, body: &[Stmt]) {
        for (index, statement) in body.iter().enumerate() {
            let next = body
                .get(index + 1)
                .filter(|next| matches!(next, Stmt::Expr(_) | Stmt::Return(_) | Stmt::Decl(_)))
                .map(|next| self.source.range(next));
            self.statements.push(next);
            statement.visit_with(self);
            self.statements.pop();
        }
    }

    fn visit_expr_stmt(&mut self, statement: &ExprStmt) {
        self.with(Frame::Statement, |walk| statement.expr.visit_with(walk));
    }

    fn visit_return_stmt(&mut self, statement: &ReturnStmt) {
        self.with(Frame::Return, |walk| statement.visit_children_with(walk));
    }

    fn visit_switch_case(&mut self, case: &SwitchCase) {
        self.with(Frame::Compared, |walk| case.test.visit_with(walk));
        self.visit_stmts(&case.cons);
    }

    fn visit_fn_decl(&mut self, declaration: &FnDecl) {
        self.render = is_rendering(&declaration.ident.sym);
        declaration.function.visit_with(self);
    }

    fn visit_fn_expr(&mut self, expr: &FnExpr) {
        self.render |= expr
            .ident
            .as_ref()
            .is_some_and(|name| is_rendering(&name.sym));
        expr.function.visit_with(self);
    }

    fn visit_export_default_decl(&mut self, export: &ExportDefaultDecl) {
        self.render = matches!(&export.decl, DefaultDecl::Fn(function) if function.ident.is_none());
        export.visit_children_with(self);
        self.render = false;
    }

    fn visit_export_default_expr(&mut self, export: &ExportDefaultExpr) {
        self.render = matches!(&*export.expr, Expr::Arrow(_) | Expr::Fn(_));
        export.visit_children_with(self);
        self.render = false;
    }

    fn visit_function(&mut self, function: &Function) {
        self.function(|walk| function.visit_children_with(walk));
    }

    fn visit_constructor(&mut self, constructor: &Constructor) {
        self.function(|walk| constructor.visit_children_with(walk));
    }

    fn visit_arrow_expr(&mut self, arrow: &ArrowExpr) {
        self.function(|walk| {
            arrow.params.visit_with(walk);
            match &*arrow.body {
                ArrowFunctionBody::Expr(expr) => {
                    walk.with(Frame::ArrowBody, |walk| expr.visit_with(walk));
                }
                ArrowFunctionBody::FunctionBody(body) => body.visit_with(walk),
            }
        });
    }

    fn visit_class(&mut self, class: &Class) {
        self.render = false;
        class.visit_children_with(self);
    }

    fn visit_class_prop(&mut self, prop: &ClassProp) {
        self.with(Frame::Property("?".into()), |walk| {
            prop.value.visit_with(walk)
        });
    }

    fn visit_jsx_opening_element(&mut self, element: &JSXOpeningElement) {
        let name = match &element.name {
            JSXElementName::Ident(name) => name.sym.to_string(),
            JSXElementName::JSXMemberExpr(member) => member.prop.sym.to_string(),
            JSXElementName::JSXNamespacedName(name) => name.name.sym.to_string(),
        };
        let said = |wanted: &str| {
            element.attrs.iter().find_map(|attribute| match attribute {
                JSXAttrOrSpread::JSXAttr(JSXAttr {
                    name: JSXAttrName::Ident(name),
                    value: Some(JSXAttrValue::Str(text)),
                    ..
                }) if name.sym == *wanted => Some(text.value.to_string_lossy().into_owned()),
                _ => None,
            })
        };
        let (method, encoding) = (said("method"), said("encType"));
        for attribute in &element.attrs {
            let JSXAttrOrSpread::JSXAttr(attribute) = attribute else {
                self.with(Frame::Other, |walk| attribute.visit_with(walk));
                continue;
            };
            let frame = Frame::Attribute(Attribute {
                element: name.clone(),
                name: match &attribute.name {
                    JSXAttrName::Ident(name) => name.sym.to_string(),
                    JSXAttrName::JSXNamespacedName(name) => name.name.sym.to_string(),
                },
                method: method.clone(),
                encoding: encoding.clone(),
            });
            self.with(frame, |walk| match &attribute.value {
                Some(JSXAttrValue::Str(text)) => {
                    let range = walk.source.range(text);
                    walk.strings(&[Pattern::text(&text.value.to_string_lossy())], range);
                }
                value => value.visit_with(walk),
            });
        }
    }

    fn visit_jsx_text(&mut self, text: &JSXText) {
        let pattern = Pattern::text(&text.value.to_string_lossy());
        let inside: Vec<Pattern> = url::inside(&pattern)
            .into_iter()
            .filter(|run| run.text.contains("://"))
            .collect();
        let naming = self.scope.named(self.table, &inside, false, false);
        let guess = Guess {
            client: Client::Document,
            method: None,
            sends: Sends::Unknown,
            prefix: false,
        };
        self.draft(guess, naming, self.source.range(text));
    }

    fn visit_export_decl(&mut self, export: &ExportDecl) {
        self.exported = true;
        export.visit_children_with(self);
        self.exported = false;
    }

    fn visit_named_export(&mut self, export: &NamedExport) {
        if export.src.is_none() {
            export.specifiers.visit_with(self);
        }
    }

    fn visit_export_named_specifier(&mut self, specifier: &ExportNamedSpecifier) {
        if let ModuleExportName::Ident(name) = &specifier.orig {
            *self.unfollowed.entry(name.to_id()).or_default() += 1;
        }
    }

    fn visit_import_decl(&mut self, _: &ImportDecl) {}
    fn visit_export_all(&mut self, _: &ExportAll) {}
    fn visit_ts_type(&mut self, _: &TsType) {}
    fn visit_ts_type_ann(&mut self, _: &TsTypeAnn) {}
    fn visit_ts_interface_decl(&mut self, _: &TsInterfaceDecl) {}
    fn visit_ts_type_alias_decl(&mut self, _: &TsTypeAliasDecl) {}
    fn visit_ts_type_param_instantiation(&mut self, _: &TsTypeParamInstantiation) {}
}

/// Whether a text has placeholders: `/api/:path*`, `/api/**`.
fn is_matcher(pattern: &Pattern) -> bool {
    pattern.holes.is_empty()
        && (pattern.text.contains("/:") || pattern.text.contains('*'))
        && !pattern.text.contains("://")
}

fn matcher(pattern: &Pattern) -> Pattern {
    if pattern.holes.is_empty() {
        text::placeholders(&pattern.text)
    } else {
        pattern.clone()
    }
}

/// A choice between strings is read branch by branch, so that each has its place.
fn is_choice(expr: &Expr) -> bool {
    matches!(expr, Expr::Bin(binary) if binary.op != BinaryOp::Add)
}

/// Whether React calls a function of this name while it renders: a component or a hook.
fn is_rendering(name: &str) -> bool {
    name.starts_with(|c: char| c.is_uppercase())
        || name
            .strip_prefix("use")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_uppercase()))
}

/// The dotted names of an expression, `?` for what is not a name.
fn path(expr: &Expr) -> Vec<String> {
    let member = |member: &MemberExpr| {
        let mut names = path(&member.obj);
        names.push(property(&member.prop));
        names
    };
    match expr {
        Expr::Ident(name) => vec![name.sym.to_string()],
        Expr::Member(inner) => member(inner),
        Expr::Paren(paren) => path(&paren.expr),
        Expr::TsNonNull(cast) => path(&cast.expr),
        Expr::Await(waiting) => path(&waiting.arg),
        Expr::OptChain(optional) => match &*optional.base {
            OptChainBase::Member(inner) => member(inner),
            OptChainBase::Call(_) => vec!["?".into()],
        },
        _ => vec!["?".into()],
    }
}

fn property(prop: &MemberProp) -> String {
    match prop {
        MemberProp::Ident(name) => name.sym.to_string(),
        _ => "?".to_string(),
    }
}

/// Finds the constants that matter, and counts how often each is used.
struct Collector<'s> {
    source: &'s Source,
    constants: Constants,
    statements_of: HashMap<Id, Range<usize>>,
    references: HashMap<Id, usize>,
}

impl Visit for Collector<'_> {
    fn visit_var_decl(&mut self, declaration: &VarDecl) {
        if declaration.kind == VarDeclKind::Const {
            for declarator in &declaration.decls {
                let (Pat::Ident(name), Some(value)) = (&declarator.name, &declarator.init) else {
                    continue;
                };
                let wanted = is_string(value)
                    || match &**value {
                        Expr::New(_) => true,
                        Expr::Object(object) => object.props.len() < 12,
                        _ => false,
                    };
                if wanted {
                    self.constants.insert(name.id.to_id(), (**value).clone());
                    if declaration.decls.len() == 1 {
                        let range = self.source.range(declaration);
                        self.statements_of.insert(name.id.to_id(), range);
                    }
                }
            }
        }
        declaration.visit_children_with(self);
    }

    fn visit_expr(&mut self, expr: &Expr) {
        if let Expr::Ident(name) = expr {
            *self.references.entry(name.to_id()).or_default() += 1;
        }
        expr.visit_children_with(self);
    }

    fn visit_prop(&mut self, prop: &Prop) {
        if let Prop::Shorthand(name) = prop {
            *self.references.entry(name.to_id()).or_default() += 1;
        }
        prop.visit_children_with(self);
    }

    fn visit_export_named_specifier(&mut self, specifier: &ExportNamedSpecifier) {
        if let ModuleExportName::Ident(name) = &specifier.orig {
            *self.references.entry(name.to_id()).or_default() += 1;
        }
    }

    fn visit_ts_type(&mut self, _: &TsType) {}
}

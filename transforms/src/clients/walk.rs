//! Walks one file. In: its syntax tree. Out: a draft for every place that names a route: calls of
//! `fetch`, strings that a client takes for a URL, and strings that go elsewhere. Imports, types and comments
//! are not looked at. A constant that was followed to all its uses is no place of its own.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use swc_core::ecma::ast::{
    ArrowExpr, ArrowFunctionBody, AssignExpr, AssignTarget, BinaryOp, CallExpr, Callee, Class,
    ClassProp, Constructor, DefaultDecl, ExportAll, ExportDecl, ExportDefaultDecl,
    ExportDefaultExpr, ExportNamedSpecifier, Expr, ExprOrSpread, ExprStmt, FnDecl, FnExpr,
    Function, Id, ImportDecl, JSXAttr, JSXAttrName, JSXAttrOrSpread, JSXAttrValue, JSXElementName,
    JSXOpeningElement, JSXText, KeyValueProp, Lit, MemberExpr, MemberProp, ModuleExportName,
    NamedExport, NewExpr, OptChainBase, Pat, Prop, PropName, PropOrSpread, ReturnStmt,
    SimpleAssignTarget, Stmt, SwitchCase, TryStmt, TsInterfaceDecl, TsType, TsTypeAliasDecl,
    TsTypeAnn, TsTypeParamInstantiation, UnaryOp, VarDecl, VarDeclarator,
};
use swc_core::ecma::visit::{Visit, VisitWith};

use super::channel::{Channel, Instance};
use super::channels::Bound;
use super::context::{Argument, Attribute, Declared, Frame};

use super::failure::{self, Seen};
use super::init::{self, Init};
use super::pattern::{Constants, Pattern, is_string, leaves};
use super::request::{self, Draft};
use super::routes::Routes;
use super::scope::Scope;
use super::{Guess, answer, axios, channel, constants, url, values};
use crate::facts::call::{Client, Sends};
use crate::source::Source;
use crate::syntax::bare;

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
    /// The statements around, innermost last, with the one after each, and where their list starts.
    statements: Vec<Standing>,
    /// Who sees an error that is thrown here: the `try` blocks around, innermost last.
    pub tries: Vec<Seen>,
    /// The names by which the file imports axios.
    pub axios_names: HashSet<Id>,
    /// What the project does with axios.
    pub axios: &'s axios::Uses,
    /// How many answers of a list of statements got a name, by where the list starts.
    pub given: RefCell<HashMap<usize, usize>>,
    pub drafts: Vec<Draft>,
    /// Constants that name a route: kept when a use is not followed.
    pub pending: BTreeMap<Id, Vec<Draft>>,
    pub unfollowed: HashMap<Id, usize>,
    /// The functions through which requests go.
    bound: &'s Bound<'s>,
    /// How often each of them was met where its request shows.
    followed: HashMap<Id, usize>,
    exported: bool,
    statement: Range<usize>,
    alone: bool,
    /// Whether the next function that is met renders.
    render: bool,
}

/// A statement of a list.
#[derive(Debug, Clone)]
struct Standing {
    own: Range<usize>,
    next: Option<Range<usize>>,
    list: usize,
    /// Whether the list is a `case`, whose names are those of the whole `switch`.
    case: bool,
}

/// Walks a file. Gives its drafts, and the channels that it uses: `true` for a use that is not
/// followed.
pub(super) fn walk(
    source: &Source,
    table: &Routes,
    scope: &Scope,
    bound: &Bound,
    axios: &axios::Uses,
) -> (Vec<Draft>, Vec<(usize, bool)>) {
    let mut found = constants::find(source);
    found.constants.held = bound.urls();
    let mut walk = Walk {
        source,
        table,
        scope,
        constants: found.constants,
        statements_of: found.statements_of,
        references: found.references,
        frames: Vec::new(),
        statements: Vec::new(),
        tries: Vec::new(),
        axios_names: axios::names(source),
        axios,
        given: RefCell::default(),
        drafts: Vec::new(),
        pending: BTreeMap::new(),
        unfollowed: HashMap::new(),
        bound,
        followed: HashMap::new(),
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
        mut followed,
        ..
    } = walk;
    let mut passed: HashMap<Id, usize> = HashMap::new();
    for (id, _) in channel::exported(source) {
        *followed.entry(id.clone()).or_default() += 1;
        *passed.entry(id).or_default() += 1;
    }
    let met = bound
        .names()
        .filter(|(id, _)| references.get(id) > passed.get(id))
        .map(|(id, number)| (number, references.get(id) != followed.get(id)))
        .collect();
    for (id, kept) in pending {
        let used = references.contains_key(&id);
        if !used || unfollowed.contains_key(&id) {
            drafts.extend(kept);
        }
    }
    drafts.sort_by_key(|draft| (draft.call.place.start, draft.call.place.end));
    (drafts, met)
}

impl Walk<'_> {
    /// The statement right after the current one, when it is a plain one without functions.
    pub fn next_statement(&self) -> Option<Range<usize>> {
        self.statements.last()?.next.clone()
    }

    /// The statement of a list that stands around, in the same function.
    pub fn own_statement(&self) -> Option<Range<usize>> {
        Some(self.statements.last()?.own.clone())
    }

    /// Whether a name that is declared here is one of a whole `switch`.
    pub fn in_case(&self) -> bool {
        self.statements.last().is_some_and(|standing| standing.case)
    }

    /// Where the list of statements around starts.
    pub fn block(&self) -> usize {
        self.statements.last().map_or(0, |standing| standing.list)
    }

    /// The instance of axios that a name is.
    pub fn instance(&self, name: &Id) -> Option<&Instance> {
        match self.bound.of(name)? {
            Channel::Instance(instance) if instance.axios.is_some() => Some(instance),
            _ => None,
        }
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
            if !self.holds_url(leaf) && !self.is_constant(leaf) {
                self.with(Frame::Other, |walk| leaf.visit_with(walk));
            }
        }
    }

    /// Whether an expression is a URL that a name holds; then it is followed, with what it is
    /// called with.
    fn holds_url(&mut self, expr: &Expr) -> bool {
        let Some((id, _, args)) = values::texts_of(self.source, &self.constants, expr) else {
            return false;
        };
        *self.followed.entry(id).or_default() += 1;
        for argument in args {
            self.visit_leaves(&argument.expr);
        }
        true
    }

    fn is_constant(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Ident(name) => self.constants.get(&name.to_id()).is_some_and(is_string),
            _ => false,
        }
    }

    fn arguments(&mut self, callee: Option<&Expr>, new: bool, args: &[ExprOrSpread]) {
        let names = callee.map_or_else(|| vec!["import".to_string()], path);
        for (index, argument) in args.iter().enumerate() {
            let options = |argument: Option<&ExprOrSpread>| {
                argument.map(|argument| Init::read(self.source, &self.constants, &argument.expr))
            };
            let frame = Argument {
                callee: names.clone(),
                new,
                index,
                next: options(args.get(index + 1)),
                own: options(Some(argument).filter(|own| matches!(&*own.expr, Expr::Object(_)))),
                tells_method: args
                    .iter()
                    .any(|argument| self.source.text_of(&argument.expr).contains("method")),
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

    /// Reads a call of a function through which requests go. Whether it is one.
    fn channel(&mut self, callee: &Expr, args: &[ExprOrSpread]) -> bool {
        let Some((name, member)) = channel::callee_of(callee) else {
            return false;
        };
        let id = name.to_id();
        let Some(channel) = self.bound.of(&id) else {
            return false;
        };
        let Some(sent) = channel.sent(self.source, &self.constants, member, args) else {
            return false;
        };
        *self.followed.entry(id).or_default() += 1;
        let guess = Guess {
            client: Client::Function,
            method: sent.method,
            sends: Sends::Unknown,
            prefix: false,
        };
        let naming = self.scope.named(self.table, &sent.texts, true, false);
        let range = self.source.range(sent.url);
        self.draft(guess, naming, range);
        for argument in args {
            if self.source.range(&argument.expr) == self.source.range(sent.url) {
                self.visit_leaves(&argument.expr);
            } else {
                self.with(Frame::Other, |walk| argument.expr.visit_with(walk));
            }
        }
        true
    }

    /// Reads a call of a client, with what is chained to it. Whether it was.
    fn request(&mut self, chain: &request::Chain) -> bool {
        let read = request::read(self, chain);
        if read.is_none() && chain.client != Client::Fetch {
            return false;
        }
        self.render = false;
        if let Some((root, _)) = channel::callee_of_call(chain.call)
            && self.instance(&root.to_id()).is_some()
        {
            *self.followed.entry(root.to_id()).or_default() += 1;
        }
        let url = match read {
            Some((draft, url)) => {
                self.drafts.push(draft);
                Some(url)
            }
            None => chain
                .call
                .args
                .first()
                .map(|url| self.source.range(&url.expr)),
        };
        for argument in &chain.call.args {
            self.sent(&argument.expr, url.as_ref());
        }
        for argument in chain.arguments() {
            self.with(Frame::Other, |walk| argument.expr.visit_with(walk));
        }
        true
    }

    /// Visits an argument of such a call; what the URL is was read.
    fn sent(&mut self, argument: &Expr, url: Option<&Range<usize>>) {
        let is_url = |expr: &Expr| Some(&self.source.range(expr)) == url;
        if is_url(argument) || is_url(bare(argument)) {
            return self.visit_leaves(argument);
        }
        let Expr::Object(options) = bare(argument) else {
            return self.with(Frame::Other, |walk| argument.visit_with(walk));
        };
        for entry in &options.props {
            let value = match entry {
                PropOrSpread::Prop(prop) => prop.as_key_value().map(|pair| &*pair.value),
                PropOrSpread::Spread(_) => None,
            };
            match value {
                Some(value) if is_url(value) => self.visit_leaves(value),
                _ => self.with(Frame::Other, |walk| entry.visit_with(walk)),
            }
        }
    }

    /// Visits a list of statements.
    fn list(&mut self, body: &[Stmt], case: bool) {
        let list = body
            .first()
            .map_or(0, |first| self.source.range(first).start);
        for (index, statement) in body.iter().enumerate() {
            let next = body
                .get(index + 1)
                .filter(|next| matches!(next, Stmt::Expr(_) | Stmt::Return(_) | Stmt::Decl(_)))
                .map(|next| self.source.range(next));
            self.statements.push(Standing {
                own: self.source.range(statement),
                next,
                list,
                case,
            });
            statement.visit_with(self);
            self.statements.pop();
        }
    }

    fn function(&mut self, inside: impl FnOnce(&mut Self)) {
        let render = std::mem::take(&mut self.render);
        let statements = std::mem::take(&mut self.statements);
        let tries = std::mem::take(&mut self.tries);
        self.with(Frame::Function { render }, inside);
        self.statements = statements;
        self.tries = tries;
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
            Expr::Member(member) => {
                self.set_up(member);
                self.with(Frame::Other, |walk| expr.visit_children_with(walk));
            }
            _ => self.with(Frame::Other, |walk| expr.visit_children_with(walk)),
        }
    }

    /// Takes what is no URL of an object of URLs for a use that is followed, and `api.interceptors` and
    /// `api.defaults` for uses that leave URLs alone, unless the file sets one.
    fn set_up(&mut self, member: &MemberExpr) {
        if let Some(id) = values::beside(&self.constants, member) {
            *self.followed.entry(id).or_default() += 1;
        }
        let Expr::Ident(name) = &*member.obj else {
            return;
        };
        if self.bound.of(&name.to_id()).is_none() {
            return;
        }
        let known =
            member.prop.is_ident_with("interceptors") || member.prop.is_ident_with("defaults");
        let text = &self.source.text;
        if known && !["url =", "baseURL ="].iter().any(|one| text.contains(one)) {
            *self.followed.entry(name.to_id()).or_default() += 1;
        }
    }
}

impl Visit for Walk<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        if let Some(chain) = request::chain(self, expr)
            && self.request(&chain)
        {
            return;
        }
        if let Some((_, texts, _)) = values::texts_of(self.source, &self.constants, expr) {
            let range = self.source.range(expr);
            self.strings(&texts, range);
            self.holds_url(expr);
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
            Callee::Expr(callee) if self.channel(callee, &call.args) => {}
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
        let pattern = match &declarator.name {
            Pat::Object(pattern) => Some(self.source.range(pattern)),
            _ => None,
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
            Pat::Object(pattern) => (None, answer::fields(self.source, pattern), None),
            _ => (None, None, None),
        };
        let inside = self
            .frames
            .iter()
            .any(|frame| matches!(frame, Frame::Function { .. }));
        let frame = Frame::Declared(Declared {
            id,
            exported: self.exported && !inside,
            pattern,
            fields,
            annotation,
            alone: self.alone,
            statement: self.statement.clone(),
        });
        self.with(Frame::Other, |walk| declarator.name.visit_with(walk));
        self.with(frame, |walk| value.visit_with(walk));
        self.render = false;
    }

    fn visit_try_stmt(&mut self, attempt: &TryStmt) {
        let seen = attempt.handler.as_ref();
        let seen = seen.map(|clause| failure::caught(self.source, clause));
        let depth = self.tries.len();
        self.tries.extend(seen);
        attempt.block.visit_with(self);
        self.tries.truncate(depth);
        attempt.handler.visit_with(self);
        attempt.finalizer.visit_with(self);
    }

    fn visit_stmts(&mut self, body: &[Stmt]) {
        self.list(body, false);
    }

    fn visit_expr_stmt(&mut self, statement: &ExprStmt) {
        self.with(Frame::Statement, |walk| statement.expr.visit_with(walk));
    }

    fn visit_return_stmt(&mut self, statement: &ReturnStmt) {
        self.with(Frame::Return, |walk| statement.visit_children_with(walk));
    }

    fn visit_switch_case(&mut self, case: &SwitchCase) {
        self.with(Frame::Compared, |walk| case.test.visit_with(walk));
        self.list(&case.cons, true);
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
        // A method that is computed, spread, or a button's own, is not known.
        let is_method = |attribute: &JSXAttrOrSpread| match attribute {
            JSXAttrOrSpread::JSXAttr(attribute) => {
                matches!(&attribute.name, JSXAttrName::Ident(name) if name.sym == *"method")
            }
            JSXAttrOrSpread::SpreadElement(_) => true,
        };
        let unknown =
            element.attrs.iter().any(is_method) || self.source.text.contains("formMethod");
        let method = said("method").or_else(|| unknown.then(|| "?".to_string()));
        let encoding = said("encType");
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

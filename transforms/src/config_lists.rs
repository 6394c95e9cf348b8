//! The lists that functions of `next.config` return: `headers()`, `rewrites()`. In: the file.
//! Out: every object that may stand in such a list; `None` for an item that is not understood.
//!
//! The function may be a method, an arrow or a name, in any object of the file that could be
//! the configuration; the list a literal, a constant, one of two, spread, joined by `concat` or
//! added to by `push`.

use std::collections::{HashMap, HashSet};

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::source::Source;
use crate::syntax::{self, Id, id, member, prop_name};

/// Names lead to names only this deep.
const MAX_DEPTH: usize = 12;

/// An object of a list.
type Item = Option<ObjectLit>;

/// What was seen in a configuration.
#[derive(Default)]
pub struct Lists {
    values: HashMap<Id, Expr>,
    functions: HashMap<Id, Function>,
    /// What is added to a list by `push`.
    pushed: HashMap<Id, Vec<ExprOrSpread>>,
    /// Names whose value may change in a way that is not followed.
    changed: HashSet<Id>,
    /// What stands under a name in an object, or is assigned to a member of that name.
    members: Vec<(String, Member)>,
}

/// What stands under a name.
enum Member {
    Function(Function),
    Value(Expr),
    /// A getter and the like.
    Unknown,
}

impl Lists {
    /// Reads a configuration.
    pub fn of(source: &Source) -> Lists {
        let mut lists = Lists::default();
        source.module.visit_with(&mut lists);
        lists
    }

    /// The objects in the lists that the configuration's function of this name returns.
    pub fn returned(&self, name: &str) -> Vec<Item> {
        let members = self.members.iter().filter(|(known, _)| known == name);
        let mut out = Vec::new();
        for (_, member) in members {
            match member {
                Member::Function(function) => self.results(function.body.as_ref(), &mut out),
                Member::Value(value) => self.called(value, MAX_DEPTH, &mut out),
                Member::Unknown => out.push(None),
            }
        }
        if out.is_empty() && !self.members.iter().any(|(known, _)| known == name) {
            out.push(None);
        }
        out
    }

    /// The objects of a list.
    pub fn items(&self, list: &Expr) -> Vec<Item> {
        let mut out = Vec::new();
        self.list(list, MAX_DEPTH, &mut out);
        out
    }

    /// The texts that a value can be.
    pub fn texts(&self, value: &Expr) -> Option<Vec<String>> {
        self.texts_below(value, MAX_DEPTH)
    }

    fn texts_below(&self, value: &Expr, left: usize) -> Option<Vec<String>> {
        let left = left.checked_sub(1)?;
        match bare(value) {
            Expr::Cond(cond) => {
                let mut texts = self.texts_below(&cond.cons, left)?;
                texts.extend(self.texts_below(&cond.alt, left)?);
                Some(texts)
            }
            Expr::Ident(name) => self.texts_below(self.value(name)?, left),
            value => Some(vec![syntax::string(value)?]),
        }
    }

    fn value(&self, name: &Ident) -> Option<&Expr> {
        let id = id(name);
        self.values.get(&id).filter(|_| !self.changed.contains(&id))
    }

    /// What a function returns that a value is.
    fn called(&self, value: &Expr, left: usize, out: &mut Vec<Item>) {
        let Some(left) = left.checked_sub(1) else {
            return out.push(None);
        };
        match bare(value) {
            Expr::Arrow(arrow) => match &*arrow.body {
                ArrowFunctionBody::FunctionBody(body) => self.results(Some(body), out),
                ArrowFunctionBody::Expr(value) => self.result(value, out),
            },
            Expr::Fn(function) => self.results(function.function.body.as_ref(), out),
            Expr::Ident(name) if &*name.sym == "undefined" => {}
            Expr::Ident(name) => match (self.functions.get(&id(name)), self.value(name)) {
                (Some(function), _) if !self.changed.contains(&id(name)) => {
                    self.results(function.body.as_ref(), out);
                }
                (_, Some(value)) => self.called(value, left, out),
                _ => out.push(None),
            },
            Expr::Cond(cond) => {
                self.called(&cond.cons, left, out);
                self.called(&cond.alt, left, out);
            }
            _ => out.push(None),
        }
    }

    fn results(&self, body: Option<&FunctionBody>, out: &mut Vec<Item>) {
        let mut returns = Returns::default();
        for statement in body.iter().flat_map(|body| &body.stmts) {
            statement.visit_with(&mut returns);
        }
        for value in &returns.0 {
            self.result(value, out);
        }
    }

    /// A list, or several under `beforeFiles`, `afterFiles` and `fallback`.
    fn result(&self, value: &Expr, out: &mut Vec<Item>) {
        let Expr::Object(object) = bare(value) else {
            return self.list(value, MAX_DEPTH, out);
        };
        for property in &object.props {
            let list = match property {
                PropOrSpread::Prop(property) => match &**property {
                    Prop::KeyValue(pair) => Some(&*pair.value),
                    _ => None,
                },
                PropOrSpread::Spread(_) => None,
            };
            match list {
                Some(list) => self.list(list, MAX_DEPTH, out),
                None => out.push(None),
            }
        }
    }

    fn list(&self, list: &Expr, left: usize, out: &mut Vec<Item>) {
        let Some(left) = left.checked_sub(1) else {
            return out.push(None);
        };
        match bare(list) {
            Expr::Array(array) => self.elements(array.elems.iter().flatten(), left, out),
            Expr::Ident(name) => match self.value(name) {
                Some(value) => {
                    self.list(value, left, out);
                    let pushed = self.pushed.get(&id(name));
                    self.elements(pushed.into_iter().flatten(), left, out);
                }
                None => out.push(None),
            },
            Expr::Call(call) => match &call.callee {
                Callee::Expr(callee) => match member(callee) {
                    Some((object, name)) if name == "filter" => self.list(object, left, out),
                    Some((object, name)) if name == "concat" => {
                        self.list(object, left, out);
                        for argument in &call.args {
                            match bare(&argument.expr) {
                                item @ Expr::Object(_) => self.item(item, left, out),
                                list => self.list(list, left, out),
                            }
                        }
                    }
                    _ => out.push(None),
                },
                _ => out.push(None),
            },
            other => self.either(other, out, &|part, out| self.list(part, left, out)),
        }
    }

    fn elements<'e>(
        &self,
        elements: impl Iterator<Item = &'e ExprOrSpread>,
        left: usize,
        out: &mut Vec<Item>,
    ) {
        for element in elements {
            match element.spread {
                Some(_) => self.list(&element.expr, left, out),
                None => self.item(&element.expr, left, out),
            }
        }
    }

    fn item(&self, item: &Expr, left: usize, out: &mut Vec<Item>) {
        let Some(left) = left.checked_sub(1) else {
            return out.push(None);
        };
        match bare(item) {
            Expr::Object(object) => out.push(Some(object.clone())),
            Expr::Ident(name) => match self.value(name) {
                Some(value) => self.item(value, left, out),
                None => out.push(None),
            },
            other => self.either(other, out, &|part, out| self.item(part, left, out)),
        }
    }

    /// The two sides of a choice; nothing for what is no item.
    fn either(&self, value: &Expr, out: &mut Vec<Item>, part: &dyn Fn(&Expr, &mut Vec<Item>)) {
        match value {
            Expr::Cond(cond) => {
                part(&cond.cons, out);
                part(&cond.alt, out);
            }
            Expr::Bin(both) if both.op == BinaryOp::LogicalAnd => part(&both.right, out),
            Expr::Bin(both)
                if matches!(both.op, BinaryOp::LogicalOr | BinaryOp::NullishCoalescing) =>
            {
                part(&both.left, out);
                part(&both.right, out);
            }
            Expr::Lit(Lit::Bool(_) | Lit::Null(_)) => {}
            _ => out.push(None),
        }
    }

    /// Remembers what stands under a name, but for a list or an object, which is none of the
    /// functions.
    fn member(&mut self, name: Option<String>, value: Member) {
        let plain = matches!(&value, Member::Value(value)
            if matches!(bare(value), Expr::Array(_) | Expr::Object(_) | Expr::New(_)));
        if let (Some(name), false) = (name, plain) {
            self.members.push((name, value));
        }
    }

    /// Marks the names in a value that is given away or assigned to.
    fn give_away(&mut self, value: &Expr) {
        match bare(value) {
            Expr::Ident(name) => {
                self.changed.insert(id(name));
            }
            Expr::Member(access) => self.give_away(&access.obj),
            _ => {}
        }
    }
}

/// Methods that leave a list as it is.
const READING: &[&str] = &["concat", "filter", "join", "map", "slice"];

impl Visit for Lists {
    fn visit_var_declarator(&mut self, node: &VarDeclarator) {
        if let (Pat::Ident(name), Some(value)) = (&node.name, &node.init) {
            self.values.insert(id(&name.id), (**value).clone());
            // A second name for a list could change it.
            self.give_away(value);
        }
        node.visit_children_with(self);
    }

    fn visit_fn_decl(&mut self, node: &FnDecl) {
        self.functions
            .insert(id(&node.ident), (*node.function).clone());
        node.visit_children_with(self);
    }

    fn visit_object_lit(&mut self, node: &ObjectLit) {
        let name_of = |property: &Prop| match property {
            Prop::Shorthand(name) => Some(name.sym.to_string()),
            Prop::KeyValue(pair) => prop_name(&pair.key),
            Prop::Method(method) => prop_name(&method.key),
            Prop::Getter(getter) => prop_name(&getter.key),
            Prop::Setter(setter) => prop_name(&setter.key),
            Prop::Assign(_) => None,
        };
        let properties = || {
            let properties = node.props.iter();
            properties.filter_map(|property| property.as_prop())
        };
        // An entry of `headers()` has `headers` of its own.
        let entry = properties().any(|property| name_of(property).as_deref() == Some("source"));
        for property in properties().filter(|_| !entry) {
            let value = match &**property {
                Prop::Shorthand(name) => Member::Value(Expr::Ident(name.clone())),
                Prop::KeyValue(pair) => Member::Value((*pair.value).clone()),
                Prop::Method(method) => Member::Function((*method.function).clone()),
                _ => Member::Unknown,
            };
            self.member(name_of(property), value);
        }
        node.visit_children_with(self);
    }

    fn visit_assign_expr(&mut self, node: &AssignExpr) {
        match &node.left {
            AssignTarget::Simple(SimpleAssignTarget::Ident(name)) => {
                self.changed.insert(id(&name.id));
            }
            AssignTarget::Simple(SimpleAssignTarget::Member(target)) => {
                let value = Member::Value((*node.right).clone());
                self.member(syntax::member_name(&target.prop), value);
                self.give_away(&target.obj);
            }
            _ => {}
        }
        node.visit_children_with(self);
    }

    fn visit_for_of_stmt(&mut self, node: &ForOfStmt) {
        self.give_away(&node.right);
        node.visit_children_with(self);
    }

    fn visit_call_expr(&mut self, node: &CallExpr) {
        let method = match &node.callee {
            Callee::Expr(callee) => member(callee),
            _ => None,
        };
        match method {
            Some((object, name)) if name == "push" => match bare(object) {
                Expr::Ident(list) => {
                    let pushed = self.pushed.entry(id(list)).or_default();
                    pushed.extend(node.args.iter().cloned());
                }
                other => self.give_away(other),
            },
            Some((_, name)) if READING.contains(&&*name) => {}
            method => {
                if let Some((object, _)) = method {
                    self.give_away(object);
                }
                for argument in &node.args {
                    self.give_away(&argument.expr);
                }
            }
        }
        node.visit_children_with(self);
    }
}

/// The values that the `return`s of a function give, those of functions inside it left out.
#[derive(Default)]
struct Returns(Vec<Expr>);

impl Visit for Returns {
    fn visit_return_stmt(&mut self, node: &ReturnStmt) {
        self.0.extend(node.arg.as_deref().cloned());
    }

    fn visit_function(&mut self, _: &Function) {}

    fn visit_arrow_expr(&mut self, _: &ArrowExpr) {}
}

/// The expression inside parentheses, casts and `await`.
fn bare(value: &Expr) -> &Expr {
    match syntax::bare(value) {
        Expr::Await(inner) => bare(&inner.arg),
        value => value,
    }
}

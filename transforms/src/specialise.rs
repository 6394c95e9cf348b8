//! A handler, seen by one HTTP method or by a set of them: which conditions are decided.

use std::collections::BTreeSet;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::syntax::{Id, bare, id, is_binding, member, method_call, string};

/// Stands for every method that the handler does not name.
pub const OTHER: &str = "*";

/// What is known of the request's method in one function.
#[derive(Debug, Clone, Default)]
pub struct MethodView {
    /// The methods that can arrive.
    pub methods: Vec<String>,
    /// The request parameter.
    pub req: Option<Id>,
    /// The request parameters of functions inside it that are called with the request.
    pub inner: Vec<Id>,
    /// Variables that hold the method.
    pub aliases: Vec<Id>,
    /// Constants that hold the method in a spelling of their own.
    pub spelled: Vec<(Id, Case)>,
    /// Constant lists of strings, by the name that binds them.
    pub lists: Vec<(Id, Vec<String>)>,
    /// Parameters that hold constants.
    pub constants: Vec<(Id, Constant)>,
    /// The response parameter, and whether the answer has been sent.
    pub sent: Option<(Id, bool)>,
}

/// A value that is known, as far as conditions ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constant {
    /// `undefined` or not given.
    Absent,
    /// A list of strings.
    List(Vec<String>),
    /// An object; what it does not name is absent.
    Object(Vec<(String, Constant)>),
    /// A string.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// A function.
    Function,
    /// Something of which nothing is known.
    Unknown,
}

impl Constant {
    /// The constant that an expression is; `None` when it may be anything.
    pub fn of(expr: &Expr) -> Option<Constant> {
        Some(match bare(expr) {
            Expr::Lit(Lit::Str(_)) | Expr::Tpl(_) => Constant::Text(string(expr)?),
            Expr::Lit(Lit::Bool(value)) => Constant::Bool(value.value),
            Expr::Array(array) => Constant::List(
                array
                    .elems
                    .iter()
                    .map(|item| string(&item.as_ref().filter(|item| item.spread.is_none())?.expr))
                    .collect::<Option<_>>()?,
            ),
            Expr::Arrow(_) | Expr::Fn(_) => Constant::Function,
            Expr::Object(object) => {
                let entries = crate::facts::api_module::entries(object).ok()?;
                let value = |value| Constant::of(value).unwrap_or(Constant::Unknown);
                Constant::Object(
                    entries
                        .into_iter()
                        .map(|(name, entry)| (name, value(entry)))
                        .collect(),
                )
            }
            _ => return None,
        })
    }

    /// Whether it is truthy, when that is sure.
    fn truthy(&self) -> Option<bool> {
        match self {
            Constant::Absent => Some(false),
            Constant::List(_) | Constant::Object(_) | Constant::Function => Some(true),
            Constant::Text(text) => Some(!text.is_empty()),
            Constant::Bool(value) => Some(*value),
            Constant::Unknown => None,
        }
    }

    /// What `typeof` gives, when that is sure.
    fn type_name(&self) -> Option<&'static str> {
        Some(match self {
            Constant::Absent => "undefined",
            Constant::List(_) | Constant::Object(_) => "object",
            Constant::Text(_) => "string",
            Constant::Bool(_) => "boolean",
            Constant::Function => "function",
            Constant::Unknown => return None,
        })
    }
}

/// How the method is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// As it arrives.
    AsIs,
    /// In upper case.
    Upper,
    /// In lower case.
    Lower,
}

impl Case {
    /// Whether a method in this spelling is this literal.
    pub fn is(self, method: &str, literal: &str) -> bool {
        match self {
            _ if method == OTHER => false,
            Case::AsIs | Case::Upper => method == literal,
            Case::Lower => method.to_ascii_lowercase() == literal,
        }
    }
}

impl MethodView {
    /// The constant that a parameter, or a member of one, holds.
    fn constant(&self, expr: &Expr) -> Option<Constant> {
        match bare(expr) {
            Expr::Ident(name) => {
                let name = id(name);
                self.constants
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, constant)| constant.clone())
            }
            other => {
                let (object, name) = member(other)?;
                match self.constant(object)? {
                    Constant::Object(entries) => Some(
                        entries
                            .into_iter()
                            .find(|(known, _)| *known == name)
                            .map_or(Constant::Absent, |(_, constant)| constant),
                    ),
                    Constant::Absent => Some(Constant::Absent),
                    _ => None,
                }
            }
        }
    }

    /// The method as the expression spells it, when the expression is the method.
    fn method_expr(&self, expr: &Expr) -> Option<Case> {
        let expr = bare(expr);
        if let Expr::Ident(name) = expr {
            let name = id(name);
            let spelled = self.spelled.iter().find(|(known, _)| *known == name);
            let alias = self.aliases.contains(&name).then_some(Case::AsIs);
            return alias.or(spelled.map(|(_, case)| *case));
        }
        if let Some((object, name)) = member(expr)
            && name == "method"
            && self
                .req
                .iter()
                .chain(&self.inner)
                .any(|req| is_binding(object, req))
        {
            return Some(Case::AsIs);
        }
        if let Expr::Bin(BinExpr {
            op: BinaryOp::LogicalOr | BinaryOp::NullishCoalescing,
            left,
            ..
        }) = expr
        {
            return self.method_expr(left);
        }
        let (callee, no_args) = match expr {
            Expr::Call(call) => (call.callee.as_expr()?, call.args.is_empty()),
            Expr::OptChain(chain) => match &*chain.base {
                OptChainBase::Call(call) => (&call.callee, call.args.is_empty()),
                OptChainBase::Member(_) => return None,
            },
            _ => return None,
        };
        let (object, name) = member(callee)?;
        self.method_expr(object)?;
        match name.as_str() {
            "toUpperCase" if no_args => Some(Case::Upper),
            "toLowerCase" if no_args => Some(Case::Lower),
            _ => None,
        }
    }

    /// How the expression spells the method, when it is the method.
    pub fn spelling(&self, expr: &Expr) -> Option<Case> {
        self.method_expr(expr)
    }

    /// Whether the expression is the method.
    pub fn is_method(&self, expr: &Expr) -> bool {
        self.method_expr(expr).is_some()
    }

    /// The value of an expression for one method: a constant, or what one holds for the method.
    pub fn value(&self, expr: &Expr, method: &str) -> Option<Constant> {
        if let Expr::Cond(cond) = bare(expr) {
            return match self.eval(&cond.test, method)? {
                true => self.value(&cond.cons, method),
                false => self.value(&cond.alt, method),
            };
        }
        let Some((object, key)) = computed_member(expr) else {
            return self.constant(expr);
        };
        let Some(case) = self.method_expr(key) else {
            return self.constant(expr);
        };
        let Constant::Object(entries) = self.constant(object)? else {
            return None;
        };
        let held = entries
            .into_iter()
            .find(|(key, _)| case.is(method, key))
            .map(|(_, held)| held);
        Some(held.unwrap_or(Constant::Absent))
    }

    /// Whether a comparison of a known value with `typeof` or `undefined` holds.
    fn compares(&self, left: &Expr, right: &Expr, method: &str) -> Option<bool> {
        if let Expr::Unary(UnaryExpr {
            op: UnaryOp::TypeOf,
            arg,
            ..
        }) = bare(left)
        {
            let name = self.value(arg, method)?.type_name()?;
            return Some(name == string(right)?);
        }
        let absent = match bare(right) {
            Expr::Ident(name) => name.sym == "undefined",
            _ => false,
        };
        let value = self.value(left, method)?;
        (absent && value != Constant::Unknown).then_some(value == Constant::Absent)
    }

    /// The strings of a list literal, or of a constant that holds one.
    fn list(&self, expr: &Expr) -> Option<Vec<String>> {
        if let Some(Constant::List(items)) = self.constant(expr) {
            return Some(items);
        }
        // `Object.keys(handlers)`
        if let Some((Expr::Ident(object), name, [arg])) = method_call(bare(expr))
            && object.sym == "Object"
            && name == "keys"
            && let Constant::Object(entries) = self.constant(&arg.expr)?
        {
            return Some(entries.into_iter().map(|(key, _)| key).collect());
        }
        match bare(expr) {
            Expr::Array(array) => array
                .elems
                .iter()
                .map(|item| {
                    item.as_ref()
                        .filter(|item| item.spread.is_none())
                        .and_then(|item| string(&item.expr))
                })
                .collect(),
            Expr::New(new) if matches!(bare(&new.callee), Expr::Ident(name) if name.sym == "Set") => {
                self.list(&new.args.as_ref()?.first()?.expr)
            }
            Expr::Ident(name) => {
                let name = id(name);
                self.lists
                    .iter()
                    .find(|(list, _)| *list == name)
                    .map(|(_, items)| items.clone())
            }
            _ => None,
        }
    }

    /// Membership tests: `['GET'].includes(req.method)`.
    fn membership(&self, expr: &Expr) -> Option<(Vec<String>, Case)> {
        let (object, name, args) = method_call(bare(expr))?;
        if !matches!(name.as_str(), "includes" | "has") || args.len() != 1 {
            return None;
        }
        Some((self.list(object)?, self.method_expr(&args[0].expr)?))
    }

    fn eval(&self, expr: &Expr, method: &str) -> Option<bool> {
        match bare(expr) {
            Expr::Unary(UnaryExpr {
                op: UnaryOp::Bang,
                arg,
                ..
            }) => self.eval(arg, method).map(|value| !value),
            Expr::Bin(BinExpr {
                op: BinaryOp::LogicalAnd,
                left,
                right,
                ..
            }) => match (self.eval(left, method), self.eval(right, method)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Expr::Bin(BinExpr {
                op: BinaryOp::LogicalOr,
                left,
                right,
                ..
            }) => match (self.eval(left, method), self.eval(right, method)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Expr::Bin(BinExpr {
                op: BinaryOp::In,
                left,
                right,
                ..
            }) => {
                let case = self.method_expr(left)?;
                let Constant::Object(entries) = self.constant(right)? else {
                    return None;
                };
                Some(entries.iter().any(|(key, _)| case.is(method, key)))
            }
            Expr::Bin(BinExpr {
                op, left, right, ..
            }) => {
                let negated = match op {
                    BinaryOp::EqEq | BinaryOp::EqEqEq => false,
                    BinaryOp::NotEq | BinaryOp::NotEqEq => true,
                    _ => return None,
                };
                let (case, literal) = match (self.method_expr(left), self.method_expr(right)) {
                    (Some(case), None) => (case, string(right)?),
                    (None, Some(case)) => (case, string(left)?),
                    (None, None) => {
                        let holds = self.compares(left, right, method)?;
                        return Some(holds != negated);
                    }
                    _ => return None,
                };
                Some(case.is(method, &literal) != negated)
            }
            inner => {
                if let Some(sent) = self.sent(inner) {
                    return Some(sent);
                }
                if let Some((list, case)) = self.membership(inner) {
                    return Some(list.iter().any(|literal| case.is(method, literal)));
                }
                if let Some(constant) = self.value(inner, method) {
                    return constant.truthy();
                }
                self.method_expr(inner).map(|_| true)
            }
        }
    }

    /// Whether the answer has been sent, where an expression asks just that: `!res.headersSent`.
    fn sent(&self, expr: &Expr) -> Option<bool> {
        if let Expr::Unary(UnaryExpr {
            op: UnaryOp::Bang,
            arg,
            ..
        }) = bare(expr)
        {
            return self.sent(arg).map(|sent| !sent);
        }
        let (response, sent) = self.sent.as_ref()?;
        let (object, name) = member(bare(expr))?;
        let asks = matches!(name.as_str(), "headersSent" | "writableEnded" | "finished");
        (asks && is_binding(object, response)).then_some(*sent)
    }

    /// The value of a condition, when it is the same for every method that can arrive.
    pub fn fold(&self, expr: &Expr) -> Option<bool> {
        if let Some(sent) = self.sent(expr) {
            return Some(sent);
        }
        let mut values = self.methods.iter().map(|method| self.eval(expr, method));
        let first = values.next()??;
        values.all(|value| value == Some(first)).then_some(first)
    }

    /// The case of a switch over the method that every method that can arrive enters:
    /// `Some(None)` when none does.
    pub fn switch_case(&self, switch: &SwitchStmt) -> Option<Option<usize>> {
        let case = self.method_expr(&switch.discriminant)?;
        let enters = |method: &str| -> Option<Option<usize>> {
            let mut default = None;
            for (index, arm) in switch.cases.iter().enumerate() {
                match &arm.test {
                    None => default = Some(index),
                    Some(test) => {
                        if case.is(method, &string(test)?) {
                            return Some(Some(index));
                        }
                    }
                }
            }
            Some(default)
        };
        let mut entered = self.methods.iter().map(|method| enters(method));
        let first = entered.next()??;
        entered.all(|index| index == Some(first)).then_some(first)
    }
}

/// A member by a computed name, `object[key]`, optional or not.
pub fn computed_member(expr: &Expr) -> Option<(&Expr, &Expr)> {
    let access = match bare(expr) {
        Expr::Member(access) => access,
        Expr::OptChain(chain) => chain.base.as_member()?,
        _ => return None,
    };
    let computed = access.prop.as_computed()?;
    Some((&access.obj, &computed.expr))
}

/// The methods that a node compares the request's method with.
pub fn mentioned<N: for<'v> VisitWith<Mentions<'v>>>(
    view: &MethodView,
    node: &N,
    out: &mut BTreeSet<String>,
) {
    let mut visitor = Mentions {
        view,
        found: BTreeSet::new(),
    };
    node.visit_with(&mut visitor);
    out.extend(visitor.found);
}

/// The visitor behind [`mentioned`].
pub struct Mentions<'v> {
    view: &'v MethodView,
    found: BTreeSet<String>,
}

impl Mentions<'_> {
    fn add(&mut self, literal: Option<String>) {
        if let Some(literal) = literal {
            let method = literal.to_ascii_uppercase();
            if METHODS.contains(&method.as_str()) {
                self.found.insert(method);
            }
        }
    }
}

/// The methods that a route file can export, in the order that they are written.
pub const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl Visit for Mentions<'_> {
    fn visit_bin_expr(&mut self, node: &BinExpr) {
        if self.view.is_method(&node.left) {
            self.add(string(&node.right));
        } else if self.view.is_method(&node.right) {
            self.add(string(&node.left));
        }
        node.visit_children_with(self);
    }

    fn visit_expr(&mut self, node: &Expr) {
        if let Some((list, _)) = self.view.membership(node) {
            for literal in list {
                self.add(Some(literal));
            }
        }
        node.visit_children_with(self);
    }

    fn visit_switch_stmt(&mut self, node: &SwitchStmt) {
        if self.view.is_method(&node.discriminant) {
            for case in &node.cases {
                self.add(case.test.as_deref().and_then(string));
            }
        }
        node.visit_children_with(self);
    }
}

//! Values that a module only remembers. In: a function and a map or object at the top of its
//! module. Out: whether the function keeps there what it found out itself, and gives it back the
//! next time: then a second copy of the module finds it out once more, and answers the same.

use std::collections::BTreeSet;

use swc_core::common::BytePos;
use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::syntax::{Id, bare, id, is_binding, member, method_call};

/// How far the names that stand for a value are followed.
const MAX_DEPTH: usize = 12;

/// Whether a top-level function of a module does nothing with a holder but to remember: what it
/// stores is its own result, not made of what was stored before, and what it reads is given back as
/// it is. `says_so` tells that the holder's name or type says what it is for.
pub(super) fn remembers(item: &ModuleItem, holder: &Id, says_so: bool) -> bool {
    let uses = Uses::of(item, holder);
    if !is_function(item) || uses.other || uses.stored.is_empty() {
        return false;
    }
    let stored_fresh = uses.stored.iter().all(|value| {
        let own = uses.waited(value, 0) && (says_so || expires(value));
        let fresh = !uses.reads(value) && names_in(value).is_disjoint(&uses.found);
        fresh && (!uses.drops && (own || is_constant(value)) || uses.computed(value, 0))
    });
    let gives_found = uses
        .returned
        .iter()
        .any(|value| uses.reads(value) || !names_in(value).is_disjoint(&uses.found));
    let own: BTreeSet<Id> = uses.stored.iter().flat_map(names_in).collect();
    let gives_own = uses
        .returned
        .iter()
        .any(|value| !names_in(value).is_disjoint(&own));
    let kept = |name: &Id| !uses.changed.contains(name);
    stored_fresh && gives_found && gives_own && uses.found.iter().all(kept)
}

/// Whether an object says that a connection stands: a function returns early when a member of it is
/// set, and sets it once, behind the connecting. `if (connection.isConnected) return`.
pub(super) fn done_once(item: &ModuleItem, holder: &Id) -> bool {
    let uses = Uses::of(item, holder);
    let guarded = uses.guards.iter().any(|test| uses.reads(test));
    let [(at, value)] = &uses.sets[..] else {
        return false;
    };
    let plain = !uses.reads(value) && names_in(value).is_disjoint(&uses.found);
    let behind = uses.connects.is_some_and(|connects| connects < *at);
    is_function(item) && guarded && plain && behind && !uses.other && uses.stored.len() == 1
}

/// Whether an item is one function.
fn is_function(item: &ModuleItem) -> bool {
    let decl = match item {
        ModuleItem::Stmt(Stmt::Decl(decl)) => decl,
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => {
            return matches!(export.decl, DefaultDecl::Fn(_));
        }
        _ => return false,
    };
    match decl {
        Decl::Fn(_) => true,
        Decl::Var(variables) => match &variables.decls[..] {
            [one] => matches!(
                one.init.as_deref().map(bare),
                Some(Expr::Arrow(_) | Expr::Fn(_))
            ),
            _ => false,
        },
        _ => false,
    }
}

/// `{ value, until: Date.now() + 1000 }`: what is stored for a time.
fn expires(value: &Expr) -> bool {
    struct Clock(bool);
    impl Visit for Clock {
        fn visit_expr(&mut self, node: &Expr) {
            self.0 |= method_call(node).is_some_and(|(object, name, _)| {
                name == "now" && matches!(bare(object), Expr::Ident(date) if *date.sym == *"Date")
            });
            node.visit_children_with(self);
        }
    }
    let mut clock = Clock(false);
    value.visit_with(&mut clock);
    matches!(bare(value), Expr::Object(_)) && clock.0
}

/// What stands for nothing: `null`, `false`, `''`.
fn is_constant(value: &Expr) -> bool {
    matches!(bare(value), Expr::Lit(_))
}

/// What an item does with a holder.
struct Uses<'h> {
    holder: &'h Id,
    /// The values that are stored.
    stored: Vec<Expr>,
    /// The names that hold what was read.
    found: BTreeSet<Id>,
    /// What names are set to.
    set: Vec<(Id, Expr)>,
    /// The names whose value is changed in place.
    changed: BTreeSet<Id>,
    returned: Vec<Expr>,
    /// The tests behind which a function returns.
    guards: Vec<Expr>,
    /// The members that are set by name, with their places.
    sets: Vec<(BytePos, Expr)>,
    /// Where something is connected.
    connects: Option<BytePos>,
    /// Whether an entry is taken out.
    drops: bool,
    /// Whether something is awaited.
    waits: bool,
    /// Whether the holder is used in another way.
    other: bool,
}

impl<'h> Uses<'h> {
    fn of(item: &ModuleItem, holder: &'h Id) -> Uses<'h> {
        let mut uses = Uses {
            holder,
            stored: Vec::new(),
            found: BTreeSet::new(),
            set: Vec::new(),
            changed: BTreeSet::new(),
            returned: Vec::new(),
            guards: Vec::new(),
            sets: Vec::new(),
            connects: None,
            drops: false,
            waits: false,
            other: false,
        };
        item.visit_with(&mut uses);
        // What is made of a value that was read is as that value.
        loop {
            let made = uses.set.iter().filter(|(name, value)| {
                !uses.found.contains(name) && !names_in(value).is_disjoint(&uses.found)
            });
            let made: Vec<Id> = made.map(|(name, _)| name.clone()).collect();
            if made.is_empty() {
                return uses;
            }
            uses.found.extend(made);
        }
    }

    fn holds(&self, expr: &Expr) -> bool {
        is_binding(expr, self.holder)
    }

    /// Whether a value is read from the holder: `cache.get(key)`, `cache[key]?.data`.
    fn reads(&self, expr: &Expr) -> bool {
        let mut finder = Reads {
            holder: self.holder,
            found: false,
        };
        expr.visit_with(&mut finder);
        finder.found
    }

    /// Takes in that a value is changed in place.
    fn change(&mut self, value: &Expr) {
        self.other |= self.reads(value);
        if let Expr::Ident(name) = root(value) {
            self.changed.insert(id(name));
        }
    }

    /// Whether a value is one that the function has waited for: it, or a member of it.
    fn waited(&self, expr: &Expr, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        match bare(expr) {
            Expr::Await(_) => true,
            Expr::Object(object) => {
                let mut any = false;
                let plain = object.props.iter().all(|prop| match prop {
                    PropOrSpread::Prop(prop) => match &**prop {
                        Prop::KeyValue(pair) => {
                            any |= self.waited(&pair.value, depth + 1);
                            !matches!(
                                bare(&pair.value),
                                Expr::New(_) | Expr::Arrow(_) | Expr::Fn(_)
                            ) && !is_empty(&pair.value)
                        }
                        Prop::Shorthand(name) => {
                            any |= self.waited(&Expr::Ident(name.clone()), depth + 1);
                            true
                        }
                        _ => false,
                    },
                    PropOrSpread::Spread(_) => false,
                });
                plain && any
            }
            Expr::Member(access) => self.waited(&access.obj, depth + 1),
            Expr::OptChain(chain) => match &*chain.base {
                OptChainBase::Member(access) => self.waited(&access.obj, depth + 1),
                OptChainBase::Call(call) => self.waited(&call.callee, depth + 1),
            },
            Expr::Call(_) => method_call(bare(expr)).is_some_and(|(object, name, args)| {
                name == "readFileSync"
                    || self.waited(object, depth + 1)
                    || args.iter().any(|arg| self.waited(&arg.expr, depth + 1))
            }),
            Expr::Bin(bin) => {
                self.waited(&bin.left, depth + 1) || self.waited(&bin.right, depth + 1)
            }
            Expr::Tpl(template) => {
                let mut parts = template.exprs.iter();
                parts.any(|part| self.waited(part, depth + 1))
            }
            Expr::Cond(cond) => {
                self.waited(&cond.cons, depth + 1) || self.waited(&cond.alt, depth + 1)
            }
            Expr::Ident(name) => {
                let name = id(name);
                // A list that is filled from what was waited for.
                let filled =
                    |value: &Expr| self.waits && is_empty(value) && self.changed.contains(&name);
                let mut values = self.set.iter().filter(|(set, _)| *set == name);
                values.any(|(_, value)| filled(value) || self.waited(value, depth + 1))
            }
            _ => false,
        }
    }

    /// Whether a value is a sum, worked out anew by anybody: `Math.ceil(a * b)`, or an object of such.
    fn computed(&self, expr: &Expr, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        match bare(expr) {
            Expr::Call(_) => method_call(bare(expr)).is_some_and(|(object, name, _)| {
                name != "random"
                    && matches!(bare(object), Expr::Ident(math) if *math.sym == *"Math")
            }),
            Expr::Object(object) => {
                !object.props.is_empty()
                    && object.props.iter().all(|prop| match prop {
                        PropOrSpread::Prop(prop) => match &**prop {
                            Prop::KeyValue(pair) => self.computed(&pair.value, depth + 1),
                            _ => false,
                        },
                        PropOrSpread::Spread(_) => false,
                    })
            }
            Expr::Ident(name) => {
                let name = id(name);
                let mut values = self.set.iter().filter(|(set, _)| *set == name).peekable();
                values.peek().is_some() && values.all(|(_, value)| self.computed(value, depth + 1))
            }
            _ => false,
        }
    }
}

impl Visit for Uses<'_> {
    // Uses that are understood are not visited down to the name.
    fn visit_ident(&mut self, node: &Ident) {
        self.other |= id(node) == *self.holder;
    }

    fn visit_await_expr(&mut self, node: &AwaitExpr) {
        self.waits = true;
        if let Expr::Call(call) = bare(&node.arg)
            && let Some(callee) = call.callee.as_expr()
        {
            let name = match bare(callee) {
                Expr::Ident(name) => name.sym.to_string(),
                other => member(other).map(|(_, name)| name).unwrap_or_default(),
            };
            if name.to_ascii_lowercase().contains("connect") {
                self.connects = self.connects.or(Some(node.span.lo));
            }
        }
        node.visit_children_with(self);
    }

    fn visit_expr(&mut self, node: &Expr) {
        if let Some((object, name, args)) = method_call(node)
            && self.holds(object)
        {
            match (name.as_str(), args) {
                ("get" | "has", _) => {}
                ("delete", _) => self.drops = true,
                ("set", [_, value]) => self.stored.push((*value.expr).clone()),
                _ => self.other = true,
            }
            return args.visit_with(self);
        }
        if let Expr::Member(access) = node
            && self.holds(&access.obj)
        {
            return access.prop.visit_with(self);
        }
        if let Some((object, name, _)) = method_call(node)
            && super::CHANGES.contains(&name.as_str())
        {
            self.change(object);
        }
        node.visit_children_with(self);
    }

    fn visit_var_declarator(&mut self, node: &VarDeclarator) {
        if let (Pat::Ident(name), Some(value)) = (&node.name, &node.init) {
            // An own declaration of the holder is no use of it.
            if id(&name.id) == *self.holder {
                return value.visit_with(self);
            }
            if self.reads(value) {
                self.found.insert(id(&name.id));
            }
            self.set.push((id(&name.id), (**value).clone()));
        }
        node.visit_children_with(self);
    }

    fn visit_assign_expr(&mut self, node: &AssignExpr) {
        if let AssignTarget::Simple(target) = &node.left {
            match target {
                SimpleAssignTarget::Member(target) if self.holds(&target.obj) => {
                    self.other |= node.op != AssignOp::Assign;
                    if let MemberProp::Ident(_) = target.prop {
                        self.sets.push((node.span.lo, (*node.right).clone()));
                    }
                    self.stored.push((*node.right).clone());
                    target.prop.visit_with(self);
                    return node.right.visit_with(self);
                }
                SimpleAssignTarget::Member(target) => self.change(&target.obj),
                SimpleAssignTarget::Ident(name) => {
                    if self.reads(&node.right) {
                        self.found.insert(id(&name.id));
                    }
                    self.set.push((id(&name.id), (*node.right).clone()));
                }
                _ => {}
            }
        }
        node.visit_children_with(self);
    }

    fn visit_update_expr(&mut self, node: &UpdateExpr) {
        self.change(&node.arg);
        node.visit_children_with(self);
    }

    fn visit_unary_expr(&mut self, node: &UnaryExpr) {
        if node.op == UnaryOp::Delete {
            self.drops |= names_in(&node.arg).contains(self.holder);
        }
        node.visit_children_with(self);
    }

    fn visit_return_stmt(&mut self, node: &ReturnStmt) {
        self.returned
            .extend(node.arg.iter().map(|value| (**value).clone()));
        node.visit_children_with(self);
    }

    fn visit_if_stmt(&mut self, node: &IfStmt) {
        if let Some(Stmt::Return(_)) = crate::syntax::statements(&node.cons).last() {
            self.guards.push((*node.test).clone());
        }
        node.visit_children_with(self);
    }
}

/// Finds reads of a holder in an expression.
struct Reads<'h> {
    holder: &'h Id,
    found: bool,
}

impl Visit for Reads<'_> {
    fn visit_expr(&mut self, node: &Expr) {
        if let Some((object, name, args)) = method_call(node)
            && is_binding(object, self.holder)
        {
            self.found |= name == "get";
            return args.visit_with(self);
        }
        self.found |= matches!(node, Expr::Member(access) if is_binding(&access.obj, self.holder));
        node.visit_children_with(self);
    }
}

/// `[]` or `{}`, which is to be filled.
fn is_empty(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Array(array) => array.elems.is_empty(),
        Expr::Object(object) => object.props.is_empty(),
        _ => false,
    }
}

/// What a member chain starts with.
fn root(expr: &Expr) -> &Expr {
    match bare(expr) {
        Expr::Member(access) => root(&access.obj),
        other => other,
    }
}

/// The names in an expression, functions in it included.
fn names_in(expr: &Expr) -> BTreeSet<Id> {
    #[derive(Default)]
    struct Found(BTreeSet<Id>);
    impl Visit for Found {
        fn visit_ident(&mut self, node: &Ident) {
            self.0.insert(id(node));
        }
    }
    let mut found = Found::default();
    expr.visit_with(&mut found);
    found.0
}

//! Functions that wrap a handler: `withAuth(handler)`, `withRole('admin')(handler)`. In: a function
//! of a module. Out: the functions that stand in each other, the innermost of which takes the
//! request, and the parameter that is the handler, or the map of methods that it is taken out of.
//! Where other wrappers stand around that function, `return withAuth(async (req, res) => …)`, or
//! around the handler itself, `return withLog(withAuth(handler))`, these are given, too.

use std::sync::Arc;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::facts::api_module::{Body, Function, from_expr, param_id};
use crate::facts::effect::Role;
use crate::modules::Shared;
use crate::outcome::Refusal;
use crate::source::Source;
use crate::specialise::{Case, MethodView, computed_member};
use crate::syntax::{Id, bare, id, is_binding, prop_name, statements, string};

/// A function that wraps a handler.
#[derive(Clone)]
pub struct Wrapping<'a> {
    /// The functions, the outermost first, without the innermost.
    pub layers: Vec<Function<'a>>,
    /// The innermost, which takes the request and the response.
    pub closure: Function<'a>,
    /// The function with the handler among its parameters, and which of them it is.
    pub handler: (usize, usize),
    /// The handler's parameter.
    pub name: Id,
    /// How many arguments the handler gets behind the request and the response.
    pub extras: usize,
    /// How often it is called inside functions of the innermost one, with the request of these.
    pub inner_calls: usize,
    /// How the handler is taken out of the parameter, when that is a map of methods.
    pub takes: Option<Takes>,
    /// The calls of other wrappers around the innermost function, the outermost first.
    pub around: Vec<Around<'a>>,
    /// Whether the handler itself stands in these calls. There is no function that takes the request
    /// then, and `closure` is the last of the layers.
    pub passes: bool,
}

/// A call of another wrapper inside a wrapper.
#[derive(Clone)]
pub struct Around<'a> {
    /// What is called.
    pub callee: &'a Expr,
    /// The wrapper that this is.
    pub shared: Arc<Shared>,
}

/// Finds the wrapper that an expression stands for.
pub type Follow<'f> = dyn Fn(&Expr) -> Option<Arc<Shared>> + 'f;

/// How a handler is taken out of a map of methods: `handlers[req.method]`.
#[derive(Clone)]
pub struct Takes {
    /// The constants that hold what was taken out.
    pub names: Vec<Id>,
    /// The constants that hold the method in a spelling of their own.
    pub spelled: Vec<(Id, Case)>,
    /// How the map spells the methods.
    pub case: Case,
    /// Whether the parameter may be a handler, too.
    pub or_handler: bool,
    /// The map.
    map: Id,
    /// What is known of the request.
    view: MethodView,
}

impl Takes {
    /// Whether an expression is what was taken out of the map.
    pub fn is(&self, expr: &Expr) -> bool {
        let named = matches!(bare(expr), Expr::Ident(name) if self.names.contains(&id(name)));
        named || taken(&self.map, &self.view, expr).is_some()
    }

    /// Whether an expression is the method in some spelling.
    pub fn spells(&self, expr: &Expr) -> bool {
        spelled(&self.view, expr).is_some()
    }
}

/// How an expression spells the method, also `req.method ? req.method.toUpperCase() : undefined`.
fn spelled(view: &MethodView, expr: &Expr) -> Option<Case> {
    match bare(expr) {
        Expr::Cond(cond) if view.is_method(&cond.test) => spelled(view, &cond.cons),
        other => view.spelling(other),
    }
}

/// How an expression takes a handler out of a map: in which spelling of the method, and whether
/// the map may be a handler, as in `typeof map === 'function' ? map : map[method]`.
fn taken(map: &Id, view: &MethodView, expr: &Expr) -> Option<(Case, bool)> {
    if let Expr::Cond(cond) = bare(expr) {
        let Expr::Bin(test) = bare(&cond.test) else {
            return None;
        };
        let Expr::Unary(asked) = bare(&test.left) else {
            return None;
        };
        let is_map = is_binding(&asked.arg, map) && asked.op == UnaryOp::TypeOf;
        if !is_map || string(&test.right).as_deref() != Some("function") {
            return None;
        }
        let (whole, held) = match test.op {
            BinaryOp::EqEq | BinaryOp::EqEqEq => (&cond.cons, &cond.alt),
            BinaryOp::NotEq | BinaryOp::NotEqEq => (&cond.alt, &cond.cons),
            _ => return None,
        };
        let (case, _) = taken(map, view, held)?;
        return is_binding(whole, map).then_some((case, true));
    }
    let (object, key) = computed_member(expr)?;
    let case = view.spelling(key).filter(|_| is_binding(object, map))?;
    Some((case, false))
}

/// The constants of a function: what each name is initialised with, and the names of the method.
#[derive(Default)]
struct Constants<'c> {
    inits: Vec<(Id, &'c Expr)>,
    methods: Vec<Id>,
    request: Option<&'c Id>,
}

impl<'c> Constants<'c> {
    fn of(function: &Function<'c>, request: &'c Id) -> Constants<'c> {
        let mut found = Constants {
            request: Some(request),
            ..Default::default()
        };
        if let Body::Block(stmts, _) = function.body {
            found.list(stmts);
        }
        found
    }

    /// The declarations of a list of statements, and of the blocks in it.
    fn list(&mut self, stmts: &'c [Stmt]) {
        for stmt in stmts {
            match stmt {
                Stmt::Decl(Decl::Var(declaration)) if declaration.kind == VarDeclKind::Const => {
                    declaration.decls.iter().for_each(|one| self.one(one));
                }
                Stmt::Try(attempt) => self.list(&attempt.block.stmts),
                Stmt::Block(block) => self.list(&block.stmts),
                Stmt::If(branch) => {
                    self.list(statements(&branch.cons));
                    branch.alt.iter().for_each(|alt| self.list(statements(alt)));
                }
                _ => {}
            }
        }
    }

    fn one(&mut self, declarator: &'c VarDeclarator) {
        let Some(init) = declarator.init.as_deref() else {
            return;
        };
        match &declarator.name {
            Pat::Ident(binding) => self.inits.push((id(&binding.id), init)),
            // `const { method } = req`
            Pat::Object(pattern) if self.request.is_some_and(|req| is_binding(init, req)) => {
                for prop in &pattern.props {
                    match prop {
                        ObjectPatProp::Assign(short) if *short.key.id.sym == *"method" => {
                            self.methods.push(id(&short.key.id));
                        }
                        ObjectPatProp::KeyValue(pair)
                            if prop_name(&pair.key).as_deref() == Some("method") =>
                        {
                            self.methods.extend(param_id(&pair.value));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

/// Reads how a function takes a handler out of a parameter that is a map of methods.
fn takes(closure: &Function, request: &Id, map: &Id) -> Option<Takes> {
    let constants = Constants::of(closure, request);
    let mut view = MethodView {
        req: Some(request.clone()),
        aliases: constants.methods,
        ..Default::default()
    };
    let mut found = Found {
        map,
        names: Vec::new(),
        whole: false,
        cases: Vec::new(),
        view: MethodView::default(),
    };
    for (name, init) in constants.inits {
        if let Some((case, or_handler)) = taken(map, &view, init) {
            found.names.push(name);
            found.cases.push(case);
            found.whole |= or_handler;
        } else if let Some(case) = spelled(&view, init) {
            view.spelled.push((name, case));
        }
    }
    found.view = view;
    match closure.body {
        Body::Block(stmts, _) => stmts.visit_with(&mut found),
        Body::Expr(expr) => expr.visit_with(&mut found),
    }
    let upper = |case: &Case| *case != Case::Lower;
    let case = *found.cases.first()?;
    let alike = found.cases.iter().all(|other| upper(other) == upper(&case));
    alike.then(|| Takes {
        names: found.names,
        spelled: found.view.spelled.clone(),
        case,
        or_handler: found.whole,
        map: map.clone(),
        view: found.view,
    })
}

/// Finds what is called of a map of methods.
struct Found<'c> {
    map: &'c Id,
    names: Vec<Id>,
    /// Whether the map itself is called, as a handler.
    whole: bool,
    cases: Vec<Case>,
    view: MethodView,
}

impl Visit for Found<'_> {
    fn visit_call_expr(&mut self, node: &CallExpr) {
        if let Callee::Expr(callee) = &node.callee {
            self.whole |= is_binding(callee, self.map);
            if let Some((case, or_handler)) = taken(self.map, &self.view, callee) {
                self.cases.push(case);
                self.whole |= or_handler;
            }
        }
        node.visit_children_with(self);
    }
}

/// Reads a function as a wrapper; `follow` finds those that it calls in turn.
pub fn of<'a>(
    source: &'a Source,
    function: &Function<'a>,
    follow: &Follow,
) -> Option<Wrapping<'a>> {
    let mut layers = layers(source, function);
    let mut around = Vec::new();
    let call = layers.last().and_then(given_back);
    let call = call.filter(|expr| matches!(bare(expr), Expr::Call(_)));
    let closure = match call.and_then(|call| inside(call, follow, &mut around)) {
        Some(Expr::Ident(name)) => return passing(layers, around, &id(name)),
        Some(other) => from_expr(source, None, other, function.statement.clone())?,
        None => {
            around.clear();
            layers.pop().filter(|_| !layers.is_empty())?
        }
    };
    calling(layers, closure, around)
}

/// Reads a function as a wrapper whose own function is an argument of what other functions are
/// given, whatever these are.
pub fn in_calls<'a>(source: &'a Source, function: &Function<'a>) -> Option<Wrapping<'a>> {
    let layers = layers(source, function);
    let mut expr = bare(layers.last().and_then(given_back)?);
    while let Expr::Call(call) = expr {
        let functions = call.args.iter().map(|arg| bare(&arg.expr));
        let mut functions =
            functions.filter(|arg| matches!(arg, Expr::Arrow(_) | Expr::Fn(_) | Expr::Call(_)));
        expr = functions.next().filter(|_| functions.next().is_none())?;
    }
    let closure = from_expr(source, None, expr, function.statement.clone())?;
    calling(layers, closure, Vec::new())
}

/// A wrapper that calls its handler in this function.
fn calling<'a>(
    layers: Vec<Function<'a>>,
    closure: Function<'a>,
    around: Vec<Around<'a>>,
) -> Option<Wrapping<'a>> {
    let request = param_id(closure.params.first()?)?;
    let response = closure.params.get(1).and_then(|pat| param_id(pat));
    let mut found = None;
    for (layer, function) in layers.iter().enumerate() {
        for (at, pat) in function.params.iter().enumerate() {
            let Some(name) = param_id(pat) else { continue };
            let takes = takes(&closure, &request, &name);
            let mut calls = Calls {
                name: &name,
                takes: takes.as_ref(),
                request: &request,
                response: response.as_ref(),
                inner: Vec::new(),
                inner_calls: 0,
                extras: None,
                odd: false,
            };
            match closure.body {
                Body::Block(stmts, _) => stmts.visit_with(&mut calls),
                Body::Expr(expr) => expr.visit_with(&mut calls),
            }
            if let Some(extras) = calls.extras {
                if calls.odd || found.is_some() {
                    return None;
                }
                let inner_calls = calls.inner_calls;
                found = Some(((layer, at), name, extras, inner_calls, takes));
            }
        }
    }
    let (handler, name, extras, inner_calls, takes) = found?;
    Some(Wrapping {
        layers,
        closure,
        handler,
        name,
        extras,
        inner_calls,
        takes,
        around,
        passes: false,
    })
}

/// A wrapper that hands the handler of this name to others as it is.
fn passing<'a>(
    layers: Vec<Function<'a>>,
    around: Vec<Around<'a>>,
    name: &Id,
) -> Option<Wrapping<'a>> {
    let closure = layers.last()?.clone();
    let handler = layers.iter().enumerate().find_map(|(layer, function)| {
        let mut params = function.params.iter();
        let at = params.position(|pat| param_id(pat).as_ref() == Some(name))?;
        Some((layer, at))
    })?;
    let extras = around.last()?.shared.wrapper?.extras;
    Some(Wrapping {
        layers,
        closure,
        handler,
        name: name.clone(),
        extras,
        inner_calls: 0,
        takes: None,
        around,
        passes: true,
    })
}

/// What stands innermost in calls of wrappers: a function, or a name.
fn inside<'a>(expr: &'a Expr, follow: &Follow, around: &mut Vec<Around<'a>>) -> Option<&'a Expr> {
    let Expr::Call(call) = bare(expr) else {
        let stands = matches!(bare(expr), Expr::Arrow(_) | Expr::Fn(_) | Expr::Ident(_));
        return stands.then(|| bare(expr));
    };
    let mut callee = bare(call.callee.as_expr()?);
    let mut calls = 0;
    while let Expr::Call(inner) = callee {
        callee = bare(inner.callee.as_expr()?);
        calls += 1;
    }
    let shared = follow(callee)?;
    let wrapper = shared.wrapper?;
    let (layer, at) = wrapper.handler;
    let arg = call.args.get(at).filter(|arg| arg.spread.is_none())?;
    let methods = wrapper.map.is_some_and(|map| !map.or_handler);
    if layer != calls || methods || call.type_args.is_some() {
        return None;
    }
    around.push(Around { callee, shared });
    inside(&arg.expr, follow, around)
}

/// Why a wrapper inside a wrapper cannot be carried over.
pub fn refused_inside(source: &Source, function: &Function, follow: &Follow) -> Vec<Refusal> {
    let layers = layers(source, function);
    let mut todo: Vec<&Expr> = layers.last().and_then(given_back).into_iter().collect();
    let mut found = Vec::new();
    while let Some(expr) = todo.pop() {
        let Expr::Call(call) = bare(expr) else {
            continue;
        };
        todo.extend(call.callee.as_expr().map(|callee| &**callee));
        todo.extend(call.args.iter().map(|arg| &*arg.expr));
        let callee = call.callee.as_expr().map(|callee| bare(callee));
        let shared = callee.and_then(follow);
        found.extend(
            shared
                .into_iter()
                .flat_map(|shared| shared.refusals.clone()),
        );
    }
    found
}

/// The parameter of a function that it calls with the request and the response that it is given.
#[derive(Clone)]
pub struct Callback {
    /// Which parameter it is.
    pub at: usize,
    /// The parameter.
    pub name: Id,
    /// How many arguments it is called with behind the request and the response.
    pub extras: usize,
    /// How the function is taken out of it, when it is a map of methods.
    pub takes: Option<Takes>,
}

/// Finds the parameter of a function that it calls with the request and the response.
pub fn callback(function: &Function, roles: &[Option<Role>]) -> Option<Callback> {
    let with = |role: Role| {
        let at = roles.iter().position(|found| *found == Some(role))?;
        param_id(function.params.get(at)?)
    };
    let (request, response) = (with(Role::Request)?, with(Role::Response));
    function.params.iter().enumerate().find_map(|(at, pat)| {
        let name = param_id(pat)?;
        let takes = takes(function, &request, &name);
        let mut calls = Calls {
            name: &name,
            takes: takes.as_ref(),
            request: &request,
            response: response.as_ref(),
            inner: Vec::new(),
            inner_calls: 0,
            extras: None,
            odd: false,
        };
        match function.body {
            Body::Block(stmts, _) => stmts.visit_with(&mut calls),
            Body::Expr(expr) => expr.visit_with(&mut calls),
        }
        let extras = calls.extras.filter(|_| !calls.odd)?;
        Some(Callback {
            at,
            name,
            extras,
            takes,
        })
    })
}

/// The functions that stand in each other, the outermost first; a function that gives back no other
/// stands alone.
pub fn layers<'a>(source: &'a Source, function: &Function<'a>) -> Vec<Function<'a>> {
    let mut layers = vec![function.clone()];
    while let Some(inner) = layers.last().and_then(|last| returned(source, last)) {
        layers.push(inner);
    }
    layers
}

/// The function that a function gives back.
fn returned<'a>(source: &'a Source, function: &Function<'a>) -> Option<Function<'a>> {
    from_expr(
        source,
        None,
        given_back(function)?,
        function.statement.clone(),
    )
}

/// What a function gives back at its end, through a variable of its own.
fn given_back<'a>(function: &Function<'a>) -> Option<&'a Expr> {
    let stmts = match function.body {
        Body::Expr(expr) => return Some(expr),
        Body::Block(stmts, _) => stmts,
    };
    let Stmt::Return(last) = stmts.last()? else {
        return None;
    };
    let expr = bare(last.arg.as_deref()?);
    let Expr::Ident(name) = expr else {
        return Some(expr);
    };
    stmts.iter().find_map(|stmt| match stmt {
        Stmt::Decl(Decl::Var(declaration)) => declaration.decls.iter().find_map(|declarator| {
            let is = matches!(&declarator.name, Pat::Ident(binding) if id(&binding.id) == id(name));
            declarator.init.as_deref().filter(|_| is)
        }),
        _ => None,
    })
}

/// Finds the calls of a parameter with the request.
struct Calls<'c> {
    name: &'c Id,
    takes: Option<&'c Takes>,
    request: &'c Id,
    response: Option<&'c Id>,
    /// The first two parameters of the functions around what is visited.
    inner: Vec<(Id, Id)>,
    inner_calls: usize,
    extras: Option<usize>,
    odd: bool,
}

impl Calls<'_> {
    /// Whether these are the request and the response, or those of a function inside.
    fn handed(&mut self, req: &Expr, res: &Expr) -> bool {
        let own = is_binding(req, self.request)
            && self
                .response
                .is_some_and(|response| is_binding(res, response));
        let mut inner = self.inner.iter();
        let inside = inner.any(|(first, second)| is_binding(req, first) && is_binding(res, second));
        self.inner_calls += usize::from(inside);
        own || inside
    }

    fn within<N: VisitWith<Self>>(&mut self, params: &[&Pat], node: &N) {
        let taken = match params {
            [first, second, ..] => param_id(first).zip(param_id(second)),
            _ => None,
        };
        let depth = self.inner.len();
        self.inner.extend(taken);
        node.visit_children_with(self);
        self.inner.truncate(depth);
    }
}

impl Visit for Calls<'_> {
    fn visit_arrow_expr(&mut self, node: &ArrowExpr) {
        let params: Vec<&Pat> = node.params.iter().collect();
        self.within(&params, node);
    }

    fn visit_function(&mut self, node: &swc_core::ecma::ast::Function) {
        let params: Vec<&Pat> = node.params.iter().map(|param| &param.pat).collect();
        self.within(&params, node);
    }

    fn visit_call_expr(&mut self, node: &CallExpr) {
        if let Callee::Expr(callee) = &node.callee
            && (is_binding(callee, self.name) || self.takes.is_some_and(|takes| takes.is(callee)))
        {
            match &node.args[..] {
                [req, res, rest @ ..] if self.handed(&req.expr, &res.expr) => {
                    let extras = rest.len();
                    self.odd |= self.extras.is_some_and(|known| known != extras);
                    self.odd |= rest.iter().any(|arg| arg.spread.is_some());
                    self.extras = Some(extras);
                }
                _ => self.odd = true,
            }
        }
        node.visit_children_with(self);
    }
}

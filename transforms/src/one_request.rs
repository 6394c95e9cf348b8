//! One name for the request. In: the body of a function and the name of its request. Out: edits
//! after which `const authed = req as AuthedRequest` is gone and what was read of `authed` is read
//! of `req`, and `Object.assign(req, { user })` is written as `req.user = user`. A name that cannot
//! be replaced everywhere stays.

use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::edit::Edits;
use crate::emit::style::{Style, indentation};
use crate::facts::api_module::Body;
use crate::injected::{OWN, names, own_line};
use crate::source::Source;
use crate::syntax::{Id, bare, id, is_binding, member, prop_name};

/// Writes the edits of one function.
pub fn edits(source: &Source, body: &Body, req: &Id, edits: &mut Edits) {
    let mut found = Found {
        source,
        req,
        aliases: Vec::new(),
        assigned: Vec::new(),
    };
    visit(body, &mut found);
    let all = names(source, body);
    for alias in &found.aliases {
        let uses = all.iter().filter(|(name, _)| *name == alias.name);
        let last = uses.map(|(_, at)| at.end).max().unwrap_or_default();
        // Where another binding has the request's name, that name would mean something else.
        let hidden = all.iter().any(|(name, at)| {
            let among = alias.statement.start <= at.start && at.end <= last;
            name.0 == req.0 && *name != *req && among
        });
        if hidden {
            continue;
        }
        let mut uses = Uses {
            source,
            alias: &alias.name,
            foreign: Vec::new(),
            odd: false,
        };
        visit(body, &mut uses);
        let own =
            |at: &Range<usize>| alias.statement.start <= at.start && at.end <= alias.statement.end;
        if uses.odd {
            continue;
        }
        edits.delete(own_line(source, &alias.statement));
        for (name, at) in &all {
            if *name != alias.name || own(at) {
                continue;
            }
            let text = match &alias.cast {
                Some(cast) if uses.foreign.contains(at) => format!("({} as {cast})", req.0),
                _ => req.0.to_string(),
            };
            edits.replace(at.clone(), text);
        }
    }
    let style = Style::of(source);
    for (statement, parts) in found.assigned {
        let indent = indentation(&source.text, statement.start);
        let lines: Vec<String> = parts
            .iter()
            .map(|(name, value)| format!("{}.{name} = {value}{}", req.0, style.semi))
            .collect();
        edits.replace(statement, lines.join(&format!("\n{indent}")));
    }
}

/// Another name for the request.
struct Alias {
    name: Id,
    statement: Range<usize>,
    /// The type that the request is said to have under it.
    cast: Option<String>,
}

/// What [`edits`] looks for.
struct Found<'f> {
    source: &'f Source,
    req: &'f Id,
    aliases: Vec<Alias>,
    /// Statements `Object.assign(req, …)`.
    assigned: Vec<(Range<usize>, Members)>,
}

/// Members with the texts of their values.
type Members = Vec<(String, String)>;

impl Found<'_> {
    fn assign(&self, statement: &ExprStmt) -> Option<Members> {
        let Expr::Call(call) = bare(&statement.expr) else {
            return None;
        };
        let callee = call.callee.as_expr()?;
        let (object, name) = member(callee)?;
        let global = matches!(bare(object), Expr::Ident(object)
            if object.sym == "Object" && self.source.is_global(object));
        let [target, values] = &call.args[..] else {
            return None;
        };
        if !global || name != "assign" || !is_binding(&target.expr, self.req) {
            return None;
        }
        let Expr::Object(values) = bare(&values.expr) else {
            return None;
        };
        let text = |expr: &Expr| self.source.text_of(expr).to_string();
        let one = |prop: &PropOrSpread| match prop {
            PropOrSpread::Prop(prop) => match &**prop {
                Prop::Shorthand(name) => Some((name.sym.to_string(), name.sym.to_string())),
                Prop::KeyValue(pair) => Some((prop_name(&pair.key)?, text(&pair.value))),
                _ => None,
            },
            PropOrSpread::Spread(_) => None,
        };
        values.props.iter().map(one).collect()
    }
}

impl Visit for Found<'_> {
    fn visit_var_decl(&mut self, node: &VarDecl) {
        if let [only] = &node.decls[..]
            && node.kind == VarDeclKind::Const
            && let (Pat::Ident(binding), Some(init)) = (&only.name, only.init.as_deref())
            && is_binding(init, self.req)
        {
            let said = binding.type_ann.as_ref().map(|said| &*said.type_ann);
            let cast = match init {
                Expr::TsAs(cast) => Some(&*cast.type_ann),
                _ => said,
            };
            self.aliases.push(Alias {
                name: id(&binding.id),
                statement: self.source.range(node),
                cast: cast.map(|cast| self.source.text_of(cast).to_string()),
            });
            return;
        }
        node.visit_children_with(self);
    }
    fn visit_expr_stmt(&mut self, node: &ExprStmt) {
        match self.assign(node) {
            Some(parts) => self.assigned.push((self.source.range(node), parts)),
            None => node.visit_children_with(self),
        }
    }
}

/// How another name of the request is used.
struct Uses<'u> {
    source: &'u Source,
    alias: &'u Id,
    /// Where a member is read that a request does not have by itself.
    foreign: Vec<Range<usize>>,
    /// Whether it is used where no other name may stand.
    odd: bool,
}

impl Visit for Uses<'_> {
    fn visit_expr(&mut self, node: &Expr) {
        if let Some((object, name)) = member(node)
            && let Expr::Ident(object) = bare(object)
            && id(object) == *self.alias
            && !OWN.contains(&name.as_str())
        {
            self.foreign.push(self.source.range(object));
        }
        node.visit_children_with(self);
    }
    fn visit_assign_expr(&mut self, node: &AssignExpr) {
        if let AssignTarget::Simple(SimpleAssignTarget::Member(access)) = &node.left
            && let Expr::Ident(object) = bare(&access.obj)
            && id(object) == *self.alias
        {
            self.foreign.push(self.source.range(object));
        }
        node.visit_children_with(self);
    }
    fn visit_prop(&mut self, node: &Prop) {
        self.odd |= matches!(node, Prop::Shorthand(name) if id(name) == *self.alias);
        node.visit_children_with(self);
    }
}

fn visit<V: Visit>(body: &Body, visitor: &mut V) {
    match body {
        Body::Block(stmts, _) => stmts.visit_with(visitor),
        Body::Expr(expr) => expr.visit_with(visitor),
    }
}

//! Values that a function puts on the request: `req.user = user`. In: the statements of a function
//! and the name of its request. Out: what it puts there and where, the edits that make variables
//! of them, and those that make readers of the request read something else. Refuses, with its
//! place, what cannot be told to be set: a loop, a nested function, a computed member.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::edit::{Edits, Fragment};
use crate::emit::style::{Style, indentation};
use crate::facts::api_module::Body;
use crate::source::Source;
use crate::syntax::{Id, bare, bound_names, id, is_binding, member, prop_name};

/// Where something cannot be followed, and what it is.
pub type Odd = (Range<usize>, String);

/// What a request of the Pages Router has by itself.
pub const OWN: [&str; 20] = [
    "aborted",
    "body",
    "complete",
    "connection",
    "cookies",
    "draftMode",
    "env",
    "headers",
    "headersDistinct",
    "httpVersion",
    "method",
    "preview",
    "previewData",
    "query",
    "rawHeaders",
    "rawTrailers",
    "socket",
    "trailers",
    "url",
    "readable",
];

/// One assignment of a value to a member of the request.
pub struct Put<'a> {
    /// The member.
    pub name: String,
    /// The whole statement.
    pub statement: Range<usize>,
    /// The value.
    pub value: &'a Expr,
    /// Which of the function's own statements it stands in.
    pub top: usize,
    /// Whether it is that statement itself, so that nothing decides whether it runs.
    pub always: bool,
}

/// The values that a function puts on its request, in the order of their places.
///
/// # Errors
/// The first assignment that cannot be followed.
pub fn puts<'a>(source: &Source, stmts: &'a [Stmt], req: &Id) -> Result<Vec<Put<'a>>, Odd> {
    let mut found = Vec::new();
    for (top, stmt) in stmts.iter().enumerate() {
        collect(source, stmt, req, top, true, &mut found);
    }
    let mut written = Written {
        source,
        req,
        places: Vec::new(),
    };
    stmts.visit_with(&mut written);
    for (place, name) in written.places {
        let followed = found
            .iter()
            .any(|put: &Put| put.statement.start <= place.start && place.end <= put.statement.end);
        let own = name.as_deref().is_none_or(|name| OWN.contains(&name));
        if !followed || own {
            let name = name.unwrap_or_else(|| "[…]".to_string());
            return Err((place, format!("req.{name} = …")));
        }
    }
    Ok(found)
}

/// Takes assignments that stand as statements, outside loops and nested functions.
fn collect<'a>(
    source: &Source,
    stmt: &'a Stmt,
    req: &Id,
    top: usize,
    always: bool,
    found: &mut Vec<Put<'a>>,
) {
    let mut each = |stmts: &'a [Stmt]| {
        for stmt in stmts {
            collect(source, stmt, req, top, false, found);
        }
    };
    match stmt {
        Stmt::Expr(statement) => {
            if let Expr::Assign(assign) = bare(&statement.expr)
                && assign.op == AssignOp::Assign
                && let Some(name) = target(assign, req).flatten()
            {
                found.push(Put {
                    name,
                    statement: source.range(stmt),
                    value: &assign.right,
                    top,
                    always,
                });
            }
        }
        Stmt::Block(block) => each(&block.stmts),
        Stmt::If(branch) => {
            each(std::slice::from_ref(&*branch.cons));
            if let Some(alt) = branch.alt.as_deref() {
                each(std::slice::from_ref(alt));
            }
        }
        Stmt::Try(attempt) => {
            each(&attempt.block.stmts);
            if let Some(handler) = &attempt.handler {
                each(&handler.body.stmts);
            }
        }
        Stmt::Switch(switch) => switch.cases.iter().for_each(|case| each(&case.cons)),
        _ => {}
    }
}

/// The member of the request that is assigned to; `Some(None)` for a computed one.
fn target(assign: &AssignExpr, req: &Id) -> Option<Option<String>> {
    let AssignTarget::Simple(SimpleAssignTarget::Member(access)) = &assign.left else {
        return None;
    };
    is_binding(&access.obj, req).then(|| crate::syntax::member_name(&access.prop))
}

/// The type that an assertion says.
pub fn asserted(expr: &Expr) -> Option<&TsType> {
    match expr {
        Expr::Paren(inner) => asserted(&inner.expr),
        Expr::TsNonNull(inner) => asserted(&inner.expr),
        Expr::TsAs(cast) => Some(&cast.type_ann),
        Expr::TsTypeAssertion(cast) => Some(&cast.type_ann),
        _ => None,
    }
}

/// Every place where a member of the request is written.
struct Written<'w> {
    source: &'w Source,
    req: &'w Id,
    places: Vec<(Range<usize>, Option<String>)>,
}

impl Visit for Written<'_> {
    fn visit_assign_expr(&mut self, node: &AssignExpr) {
        if let Some(name) = target(node, self.req) {
            self.places.push((self.source.range(node), name));
        }
        node.visit_children_with(self);
    }
    fn visit_update_expr(&mut self, node: &UpdateExpr) {
        if let Some((object, name)) = member(&node.arg)
            && is_binding(object, self.req)
        {
            self.places.push((self.source.range(node), Some(name)));
        }
        node.visit_children_with(self);
    }
    fn visit_unary_expr(&mut self, node: &UnaryExpr) {
        if node.op == UnaryOp::Delete
            && let Some((object, name)) = member(&node.arg)
            && is_binding(object, self.req)
        {
            self.places.push((self.source.range(node), Some(name)));
        }
        node.visit_children_with(self);
    }
}

/// The variable that holds a value that was put on the request.
#[derive(Debug, Clone)]
pub struct Held {
    /// The member.
    pub name: String,
    /// The variable.
    pub variable: String,
    /// Behind which of the function's own statements it can be read; it holds `undefined` where it
    /// was not set.
    pub from: usize,
    /// Whether it can be read inside that statement, too.
    pub inside: bool,
    /// Whether every path behind that statement has set it.
    pub always: bool,
}

impl Held {
    /// What stands for the member where it can be read.
    pub fn value(&self) -> Value {
        Value {
            name: self.name.clone(),
            text: self.variable.clone(),
        }
    }

    /// Whether it can be read inside one of the function's own statements.
    pub fn readable(&self, top: usize) -> bool {
        self.from < top || self.inside && self.from == top
    }
}

/// Makes variables of the values that a function puts on its request. `types` has the types that
/// the function's code says they have.
///
pub fn variables(
    source: &Source,
    stmts: &[Stmt],
    puts: &[Put],
    types: &BTreeMap<String, String>,
    edits: &mut Edits,
) -> Vec<Held> {
    let style = Style::of(source);
    let mut held: Vec<Held> = Vec::new();
    let own = names(source, &Body::Block(stmts, (0, 0)));
    let taken: BTreeSet<String> = own.iter().map(|(name, _)| name.0.to_string()).collect();
    for put in puts {
        if held.iter().any(|held| held.name == put.name) {
            continue;
        }
        let own: Vec<&Put> = puts.iter().filter(|other| other.name == put.name).collect();
        let typed = |absent: &str| match types.get(&put.name) {
            Some(kind) if kind.ends_with("| undefined") => format!(": {kind}"),
            Some(kind) => format!(": {kind}{absent}"),
            None => String::new(),
        };
        // The value keeps its own edits.
        let assign = |head: String, put: &Put| {
            vec![
                Fragment::Text(head),
                Fragment::Keep(source.range(put.value)),
                Fragment::Text(style.semi.to_string()),
            ]
        };
        let alone = own.len() == 1 && put.always;
        if alone && let Some(variable) = constant(stmts, put.value) {
            edits.delete(own_line(source, &put.statement));
            held.push(Held {
                name: put.name.clone(),
                variable,
                from: put.top,
                inside: false,
                always: true,
            });
            continue;
        }
        let variable = free(&taken, &put.name);
        if alone {
            let head = format!("const {variable}{} = ", typed(""));
            edits.rewrite(put.statement.clone(), assign(head, put));
        } else {
            let at = source.range(&stmts[put.top]).start;
            let indent = indentation(&source.text, at);
            let (kind, semi) = (typed(" | undefined"), style.semi);
            edits.insert(at, format!("let {variable}{kind}{semi}\n{indent}"));
            for put in &own {
                let head = format!("{variable} = ");
                edits.rewrite(put.statement.clone(), assign(head, put));
            }
        }
        held.push(Held {
            name: put.name.clone(),
            variable,
            from: put.top,
            inside: !alone,
            always: alone,
        });
    }
    held
}

/// The lines of a statement with their end, without the comments above it.
pub fn own_line(source: &Source, statement: &Range<usize>) -> Range<usize> {
    let start = crate::emit::style::line_start(&source.text, statement.start);
    let rest = &source.text[statement.end..];
    let end = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
    start..statement.end + end
}

/// The constant of the function, or of the module, that a value is.
fn constant(stmts: &[Stmt], value: &Expr) -> Option<String> {
    let Expr::Ident(name) = value else {
        return None;
    };
    let wanted = id(name);
    let declares = |stmt: &Stmt| {
        let Stmt::Decl(Decl::Var(declaration)) = stmt else {
            return false;
        };
        declaration.kind == VarDeclKind::Const
            && declaration.decls.iter().any(|declarator| {
                let mut names = Vec::new();
                bound_names(&declarator.name, &mut names);
                names.contains(&wanted)
            })
    };
    stmts.iter().any(declares).then(|| wanted.0.to_string())
}

/// A name like another that is not taken.
pub fn free(taken: &BTreeSet<String>, name: &str) -> String {
    let mut title = name.to_string();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let names = [
        name.to_string(),
        format!("request{title}"),
        format!("{name}Value"),
    ];
    let mut names = names.into_iter();
    names
        .find(|name| !taken.contains(name))
        .unwrap_or_else(|| format!("{name}_"))
}

/// What stands for a member of the request that was put there.
#[derive(Debug, Clone)]
pub struct Value {
    /// The member.
    pub name: String,
    /// The expression.
    pub text: String,
}

/// Where a node reads members of the request that it does not have by itself, in order.
pub fn reads(source: &Source, body: &Body, req: &Id) -> Vec<(String, Range<usize>)> {
    let mut reads = Reads {
        source,
        req,
        found: Vec::new(),
        props: Vec::new(),
        taken: Vec::new(),
        odd: Vec::new(),
    };
    visit(body, &mut reads);
    let taken = reads.taken.iter().flat_map(|taken| {
        let parts = taken.parts.iter();
        parts.map(|part| (part.name.clone(), part.range.clone()))
    });
    let mut all: Vec<(String, Range<usize>)> = reads.found.iter().cloned().chain(taken).collect();
    all.retain(|(name, _)| !OWN.contains(&name.as_str()));
    all.sort_by_key(|(_, range)| range.start);
    all
}

/// The edits that make a node read these values where it reads the members of the request.
///
/// # Errors
/// The first read that cannot be followed.
pub fn read_instead(
    source: &Source,
    body: &Body,
    req: &Id,
    values: &[Value],
) -> Result<Vec<(Range<usize>, String)>, Odd> {
    let mut reads = Reads {
        source,
        req,
        found: Vec::new(),
        props: Vec::new(),
        taken: Vec::new(),
        odd: Vec::new(),
    };
    visit(body, &mut reads);
    let value = |name: &str| values.iter().find(|value| value.name == name);
    let mut edits = Vec::new();
    for (name, range) in &reads.found {
        if let Some(value) = value(name) {
            let short = reads
                .props
                .iter()
                .find(|(key, _, at)| *key == value.text && at == range);
            let range = short.map_or(range, |(_, whole, _)| whole);
            edits.push((range.clone(), value.text.clone()));
        }
    }
    let style = Style::of(source);
    for taken in &reads.taken {
        let (gone, left): (Vec<_>, Vec<_>) = taken
            .parts
            .iter()
            .partition(|part| value(&part.name).is_some());
        if gone.is_empty() {
            continue;
        }
        if let Some(odd) = &taken.odd {
            return Err(odd.clone());
        }
        let mut lines = Vec::new();
        if !left.is_empty() {
            let kept: Vec<&str> = left
                .iter()
                .map(|part| &source.text[part.range.clone()])
                .collect();
            let whole = &source.text[taken.init.clone()];
            let (kept, semi) = (kept.join(", "), style.semi);
            lines.push(format!("const {{ {kept} }} = {whole}{semi}"));
        }
        for part in gone {
            let value = &value(&part.name).expect("just looked for").text;
            if *value != part.pattern {
                lines.push(format!("const {} = {value}{}", part.pattern, style.semi));
            }
        }
        let indent = indentation(&source.text, taken.statement.start);
        if lines.is_empty() {
            edits.push((own_line(source, &taken.statement), String::new()));
        } else {
            let text = lines.join(&format!("\n{indent}"));
            edits.push((taken.statement.clone(), text));
        }
    }
    match reads.odd.first() {
        Some(odd) => Err(odd.clone()),
        None => Ok(edits),
    }
}

/// `const { user, body } = req`.
struct Taken {
    statement: Range<usize>,
    init: Range<usize>,
    parts: Vec<Part>,
    /// What is in the pattern that cannot be split.
    odd: Option<Odd>,
}

/// One property of the pattern.
struct Part {
    name: String,
    range: Range<usize>,
    /// What it is bound to.
    pattern: String,
}

/// The visitor behind [`reads`] and [`read_instead`].
pub struct Reads<'r> {
    source: &'r Source,
    req: &'r Id,
    found: Vec<(String, Range<usize>)>,
    /// Properties of objects: the key, the whole, and the value.
    props: Vec<(String, Range<usize>, Range<usize>)>,
    taken: Vec<Taken>,
    odd: Vec<Odd>,
}

impl Reads<'_> {
    fn take_apart(&mut self, declaration: &VarDecl) -> bool {
        let [declarator] = &declaration.decls[..] else {
            return false;
        };
        let (Pat::Object(pattern), Some(init)) = (&declarator.name, declarator.init.as_deref())
        else {
            return false;
        };
        if !is_binding(init, self.req) {
            return false;
        }
        let mut taken = Taken {
            statement: self.source.range(declaration),
            init: self.source.range(init),
            parts: Vec::new(),
            odd: None,
        };
        for prop in &pattern.props {
            let range = self.source.range(prop);
            let part = match prop {
                ObjectPatProp::Assign(short) if short.value.is_none() => {
                    let name = short.key.id.sym.to_string();
                    Some((name.clone(), name))
                }
                ObjectPatProp::KeyValue(pair) if !matches!(&*pair.value, Pat::Assign(_)) => {
                    let pattern = self.source.text[self.source.range(&*pair.value)].to_string();
                    prop_name(&pair.key).map(|name| (name, pattern))
                }
                _ => None,
            };
            match part {
                Some((name, pattern)) => taken.parts.push(Part {
                    name,
                    range,
                    pattern,
                }),
                None => {
                    let odd = (range.clone(), "default or rest in the pattern".to_string());
                    taken.odd = Some(odd);
                    if let ObjectPatProp::Assign(short) = prop {
                        taken.parts.push(Part {
                            name: short.key.id.sym.to_string(),
                            range,
                            pattern: String::new(),
                        });
                    }
                }
            }
        }
        self.taken.push(taken);
        true
    }
}

impl Visit for Reads<'_> {
    fn visit_var_decl(&mut self, node: &VarDecl) {
        if !self.take_apart(node) {
            node.visit_children_with(self);
        }
    }
    fn visit_assign_expr(&mut self, node: &AssignExpr) {
        // What is written is no read.
        if target(node, self.req).is_none() {
            node.left.visit_with(self);
        }
        node.right.visit_with(self);
    }
    fn visit_key_value_prop(&mut self, node: &KeyValueProp) {
        if let PropName::Ident(key) = &node.key {
            let range = |node: &dyn swc_core::common::Spanned| self.source.range(&node.span());
            self.props
                .push((key.sym.to_string(), range(node), range(&node.value)));
        }
        node.visit_children_with(self);
    }
    fn visit_expr(&mut self, node: &Expr) {
        if let Expr::Member(_) | Expr::OptChain(_) = node
            && let Some((object, name)) = member(node)
            && is_binding(object, self.req)
        {
            self.found.push((name, self.source.range(node)));
            return;
        }
        node.visit_children_with(self);
    }
}

/// The names in a function that stand for something else than a member of its request that is taken
/// from it under its own name.
pub fn taken_names(source: &Source, body: &Body, req: &Id) -> Vec<String> {
    let mut reads = Reads {
        source,
        req,
        found: Vec::new(),
        props: Vec::new(),
        taken: Vec::new(),
        odd: Vec::new(),
    };
    visit(body, &mut reads);
    let parts: Vec<&Part> = reads
        .taken
        .iter()
        .flat_map(|taken| &taken.parts)
        .filter(|part| part.name == part.pattern)
        .collect();
    let all = names(source, body);
    let own = |(name, _): &(Id, Range<usize>)| {
        let binds = |(other, at): &(Id, Range<usize>)| {
            other == name && parts.iter().any(|part| part.range == *at)
        };
        all.iter().any(binds)
    };
    all.iter()
        .filter(|name| !own(name))
        .map(|(name, _)| name.0.to_string())
        .collect()
}

/// The types of the members that an annotation says the request has: those of a literal
/// (`NextApiRequest & { user: User }`), or of an interface of the file without parameters.
pub fn member_types(source: &Source, annotation: &TsType) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut add = |members: &[TsTypeElement]| {
        for member in members {
            if let TsTypeElement::TsPropertySignature(property) = member
                && let (Expr::Ident(name), Some(kind)) = (&*property.key, &property.type_ann)
            {
                let mut kind = source.text[source.range(&*kind.type_ann)].to_string();
                if property.optional {
                    kind.push_str(" | undefined");
                }
                found.insert(name.sym.to_string(), kind);
            }
        }
    };
    let parts: Vec<&TsType> = match annotation {
        TsType::TsUnionOrIntersectionType(TsUnionOrIntersectionType::TsIntersectionType(all)) => {
            all.types.iter().map(|kind| &**kind).collect()
        }
        other => vec![other],
    };
    for part in parts {
        match part {
            TsType::TsTypeLit(literal) => add(&literal.members),
            TsType::TsTypeRef(kind) if kind.type_params.is_none() => {
                let declared = source.items().iter().find_map(|item| {
                    let declaration = match item {
                        ModuleItem::Stmt(Stmt::Decl(declaration)) => declaration,
                        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => &export.decl,
                        _ => return None,
                    };
                    match declaration {
                        Decl::TsInterface(declared) if names_type(kind, &declared.id) => {
                            Some(&declared.body.body)
                        }
                        Decl::TsTypeAlias(declared)
                            if names_type(kind, &declared.id) && declared.type_params.is_none() =>
                        {
                            literal_in(&declared.type_ann)
                        }
                        _ => None,
                    }
                });
                if let Some(members) = declared {
                    add(members);
                }
            }
            _ => {}
        }
    }
    found
}

/// Whether a type is named by an identifier.
fn names_type(kind: &TsTypeRef, declared: &Ident) -> bool {
    matches!(&kind.type_name, TsEntityName::Ident(name) if id(name) == id(declared))
}

/// The members of the literal that a type adds to another.
fn literal_in(kind: &TsType) -> Option<&Vec<TsTypeElement>> {
    match kind {
        TsType::TsTypeLit(literal) => Some(&literal.members),
        TsType::TsUnionOrIntersectionType(TsUnionOrIntersectionType::TsIntersectionType(all)) => {
            all.types.iter().find_map(|kind| literal_in(kind))
        }
        _ => None,
    }
}

/// Every identifier of a function's body with its place.
pub fn names(source: &Source, body: &Body) -> Vec<(Id, Range<usize>)> {
    struct Collector<'s>(&'s Source, Vec<(Id, Range<usize>)>);
    impl Visit for Collector<'_> {
        fn visit_ident(&mut self, ident: &Ident) {
            self.1.push((id(ident), self.0.range(ident)));
        }
    }
    let mut collector = Collector(source, Vec::new());
    visit(body, &mut collector);
    collector.1
}

fn visit<V: Visit>(body: &Body, visitor: &mut V) {
    match body {
        Body::Block(stmts, _) => stmts.visit_with(visitor),
        Body::Expr(expr) => expr.visit_with(visitor),
    }
}

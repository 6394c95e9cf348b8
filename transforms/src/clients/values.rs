//! The URLs that a name holds: a text, an object or an enum of texts, a function that puts one together
//! (`postUrl(id)`), and objects of these. In: what a name is declared to be. Out: its value, and in
//! another file what an expression that starts from that name comes to. What is put together
//! in another way has no value, and neither has what never mentions the API.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::pattern::{Constants, Pattern, hole, is_string, texts};
use crate::source::Source;
use crate::syntax::{bare, prop_name};

/// The URLs that a name holds.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// One text, which may be one of several, and its bytes.
    Text(Vec<Pattern>, Range<usize>),
    /// What a function gives back; holes know the parameters that they are.
    Built(Vec<Pattern>, Range<usize>),
    /// By property.
    Object(BTreeMap<String, Value>),
    /// What is put together in another way, of a text that names the API where it stands.
    Other,
}

/// The value of an expression.
pub(super) fn read(source: &Source, constants: &Constants, expr: &Expr) -> Option<Value> {
    let value = match bare(expr) {
        text if is_string(text) => Value::Text(fixed(source, constants, text), source.range(text)),
        Expr::Arrow(arrow) => {
            let params: Vec<&Pat> = arrow.params.iter().collect();
            let result = match &*arrow.body {
                ArrowFunctionBody::Expr(value) => value,
                ArrowFunctionBody::FunctionBody(body) => returned(body)?,
            };
            built(source, constants, &params, result)?
        }
        Expr::Fn(function) => function_value(source, constants, &function.function)?,
        Expr::Object(object) => {
            let property = |property: &PropOrSpread| {
                let PropOrSpread::Prop(property) = property else {
                    return None;
                };
                match &**property {
                    Prop::KeyValue(pair) => {
                        let value = read(source, constants, &pair.value);
                        let value = value.or_else(|| other(source.text_of(&pair.value)));
                        Some((prop_name(&pair.key)?, value?))
                    }
                    Prop::Method(method) => {
                        let value = function_value(source, constants, &method.function);
                        let value = value.filter(Value::mentions_api);
                        let value = value.or_else(|| other(source.text_of(&method.function)));
                        Some((prop_name(&method.key)?, value?))
                    }
                    _ => None,
                }
            };
            // A spread may put another value in the place of one in front of it.
            let after = object.props.iter().rposition(PropOrSpread::is_spread);
            let own = &object.props[after.map_or(0, |at| at + 1)..];
            Value::Object(own.iter().filter_map(property).collect())
        }
        _ => return None,
    };
    value.mentions_api().then_some(value)
}

/// What is put together in another way, when its text names the API by itself.
fn other(text: &str) -> Option<Value> {
    let starts = ["\"/api/", "'/api/", "`/api/"];
    starts
        .iter()
        .any(|at| text.contains(at))
        .then_some(Value::Other)
}

/// The value of a function: what it gives back.
pub(super) fn function_value(
    source: &Source,
    constants: &Constants,
    function: &Function,
) -> Option<Value> {
    let params: Vec<&Pat> = function.params.iter().map(|param| &param.pat).collect();
    let result = returned(function.body.as_ref()?)?;
    let plain = !function.is_async && !function.is_generator;
    built(source, constants, &params, result).filter(|_| plain)
}

/// The value of an enum with texts.
pub(super) fn enum_value(source: &Source, declared: &TsEnumDecl) -> Option<Value> {
    let member = |member: &TsEnumMember| {
        let init = member.init.as_deref()?;
        let name = match &member.id {
            TsEnumMemberId::Ident(name) => name.sym.to_string(),
            TsEnumMemberId::Str(name) => name.value.to_string_lossy().into_owned(),
        };
        let text = Pattern::text(&crate::syntax::string(init)?);
        Some((name, Value::Text(vec![text], source.range(init))))
    };
    let value = Value::Object(declared.members.iter().filter_map(member).collect());
    value.mentions_api().then_some(value)
}

/// What a function with nothing but one `return` gives back.
fn returned(body: &FunctionBody) -> Option<&Expr> {
    match body.stmts.as_slice() {
        [Stmt::Return(statement)] => statement.arg.as_deref(),
        _ => None,
    }
}

fn fixed(source: &Source, constants: &Constants, expr: &Expr) -> Vec<Pattern> {
    let mut found = texts(source, constants, expr);
    for hole in found.iter_mut().flat_map(|pattern| &mut pattern.holes) {
        hole.plain = false;
    }
    found
}

fn built(source: &Source, constants: &Constants, params: &[&Pat], result: &Expr) -> Option<Value> {
    if !is_string(bare(result)) {
        return None;
    }
    let mut named = HashMap::new();
    for (index, param) in params.iter().enumerate() {
        if let Pat::Ident(name) = param {
            named.insert(name.id.to_id(), index);
        }
    }
    let mut names = Names {
        source,
        params: named,
        found: HashMap::new(),
    };
    result.visit_with(&mut names);
    let mut texts = fixed(source, constants, result);
    for hole in texts.iter_mut().flat_map(|pattern| &mut pattern.holes) {
        hole.param = names
            .found
            .get(&(hole.range.start, hole.range.end))
            .copied();
    }
    Some(Value::Built(texts, source.range(result)))
}

/// Where parameters stand in an expression.
struct Names<'s> {
    source: &'s Source,
    params: HashMap<Id, usize>,
    found: HashMap<(usize, usize), usize>,
}

impl Visit for Names<'_> {
    fn visit_ident(&mut self, name: &Ident) {
        if let Some(index) = self.params.get(&name.to_id()) {
            let range = self.source.range(name);
            self.found.insert((range.start, range.end), *index);
        }
    }
}

impl Value {
    /// Where it says what the URLs are: the bytes.
    pub fn ranges(&self) -> Vec<Range<usize>> {
        match self {
            Value::Text(_, range) | Value::Built(_, range) => vec![range.clone()],
            Value::Object(properties) => properties.values().flat_map(Value::ranges).collect(),
            Value::Other => Vec::new(),
        }
    }

    fn mentions_api(&self) -> bool {
        match self {
            Value::Text(texts, _) | Value::Built(texts, _) => {
                texts.iter().any(|pattern| pattern.text.contains("api"))
            }
            Value::Object(properties) => properties.values().any(Value::mentions_api),
            Value::Other => true,
        }
    }
}

/// The name that an expression starts from, and the value that it comes to.
pub(super) fn of<'c>(constants: &'c Constants, expr: &Expr) -> Option<(Id, &'c Value)> {
    match expr {
        Expr::Ident(name) => {
            let id = name.to_id();
            constants.held.get(&id).map(|value| (id, value))
        }
        Expr::Member(member) => {
            let (id, value) = of(constants, &member.obj)?;
            let name = crate::syntax::member_name(&member.prop)?;
            match value {
                Value::Object(properties) => Some((id, properties.get(&name)?)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The name of an object of URLs that an expression takes something out of whose own text says what it
/// names.
pub(super) fn beside(constants: &Constants, member: &MemberExpr) -> Option<Id> {
    let (id, value) = of(constants, &member.obj)?;
    let name = crate::syntax::member_name(&member.prop)?;
    match value {
        Value::Object(properties) => {
            let member = properties.get(&name)?;
            matches!(member, Value::Other).then_some(id)
        }
        _ => None,
    }
}

/// The URLs that an expression comes to, the name that it starts from, and what it is called with.
pub(super) fn texts_of<'a>(
    source: &Source,
    constants: &Constants,
    expr: &'a Expr,
) -> Option<(Id, Vec<Pattern>, &'a [ExprOrSpread])> {
    if let Expr::Call(call) = expr {
        let (id, value) = of(constants, call.callee.as_expr()?)?;
        let Value::Built(built, _) = value else {
            return None;
        };
        if call.args.iter().any(|argument| argument.spread.is_some()) {
            return None;
        }
        let with = |pattern: &Pattern| filled(source, constants, pattern, &call.args);
        return Some((id, built.iter().map(with).collect(), &call.args));
    }
    match of(constants, expr)? {
        (id, Value::Text(texts, _)) => Some((id, texts.clone(), &[])),
        _ => None,
    }
}

/// A text with arguments in place of parameters.
fn filled(
    source: &Source,
    constants: &Constants,
    pattern: &Pattern,
    args: &[ExprOrSpread],
) -> Pattern {
    let mut out = Pattern::default();
    for character in pattern.text.chars() {
        let Some(known) = hole(character).and_then(|number| pattern.holes.get(number)) else {
            out.push(&Pattern::text(character.encode_utf8(&mut [0; 4])));
            continue;
        };
        let argument = known.param.and_then(|index| args.get(index));
        let value = argument.map(|argument| texts(source, constants, &argument.expr));
        match value.as_deref() {
            Some([one]) => out.push(one),
            _ => out.push(&Pattern::of_hole(known.clone())),
        }
    }
    out
}

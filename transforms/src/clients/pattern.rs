//! What a string can be. In: an expression, and the constants of its file. Out: its
//! possible texts, with a hole for each part that is not known. A hole stands in the text as
//! one private-use character, so that the text can be cut and split like any other. An
//! expression with more than a few possible texts becomes one hole.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use swc_core::ecma::ast::{
    BinExpr, BinaryOp, Callee, Expr, ExprOrSpread, Id, Lit, MemberProp, Tpl,
};

use super::values::{self, Value};
use crate::source::Source;

/// The first of the characters that stand for holes.
const FIRST_HOLE: u32 = 0xF_0000;

/// No expression has more possible texts than this.
const MAX_TEXTS: usize = 8;

/// Constants refer to constants only this deep.
const MAX_DEPTH: usize = 8;

/// What is known of the names of a file.
#[derive(Debug, Default)]
pub(super) struct Constants {
    /// Values of its `const` declarations that matter here.
    own: HashMap<Id, Expr>,
    /// URLs that names hold, declared here or imported.
    pub held: HashMap<Id, Value>,
}

impl Constants {
    /// The value that a `const` declaration gives to a name.
    pub fn get(&self, name: &Id) -> Option<&Expr> {
        self.own.get(name)
    }

    /// Leaves objects out whose members are set elsewhere.
    pub fn forget(&mut self, changed: &HashSet<Id>) {
        self.own
            .retain(|id, value| !changed.contains(id) || !matches!(value, Expr::Object(_)));
    }

    /// Takes the value that a `const` declaration gives to a name.
    pub fn insert(&mut self, name: Id, value: Expr) {
        self.own.insert(name, value);
    }
}

/// A part of a text that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hole {
    /// The expression whose value stands there, out of `encodeURIComponent(…)`.
    pub range: Range<usize>,
    /// Whether it is the page's own origin.
    pub origin: bool,
    /// Whether it could be given to a function as it is: not a sequence, not reached by a constant.
    pub plain: bool,
    /// Whether its name says that it is an id, so that no route is named like it.
    pub id: bool,
    /// Which parameter it is, in a text that a function gives back.
    pub param: Option<usize>,
}

/// One possible text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pattern {
    /// The text, with a character for each hole.
    pub text: String,
    /// The holes, in the order of their characters' numbers.
    pub holes: Vec<Hole>,
    /// The constants that it was read from.
    pub constants: Vec<Id>,
}

/// The number of the hole that a character stands for.
pub(super) fn hole(character: char) -> Option<usize> {
    let number = (character as u32).checked_sub(FIRST_HOLE)?;
    (number < 0xFFFE).then_some(number as usize)
}

/// The character that stands for a hole.
pub(super) fn hole_character(number: usize) -> char {
    u32::try_from(number)
        .ok()
        .and_then(|number| char::from_u32(FIRST_HOLE + number.min(0xFFFD)))
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

impl Pattern {
    /// A text without holes.
    pub fn text(text: &str) -> Pattern {
        Pattern {
            text: text.to_string(),
            ..Pattern::default()
        }
    }

    /// A text that is one hole.
    pub fn of_hole(hole: Hole) -> Pattern {
        Pattern {
            text: hole_character(0).to_string(),
            holes: vec![hole],
            constants: Vec::new(),
        }
    }

    /// Adds what another text says behind this one.
    pub fn push(&mut self, other: &Pattern) {
        let offset = self.holes.len();
        self.text.extend(other.text.chars().map(|c| match hole(c) {
            Some(number) => hole_character(number + offset),
            None => c,
        }));
        self.holes.extend(other.holes.iter().cloned());
        self.constants.extend(other.constants.iter().cloned());
    }
}

/// The possible texts of an expression.
pub(super) fn texts(source: &Source, constants: &Constants, expr: &Expr) -> Vec<Pattern> {
    eval(source, constants, expr, 0)
}

fn eval(source: &Source, constants: &Constants, expr: &Expr, depth: usize) -> Vec<Pattern> {
    if depth > MAX_DEPTH {
        return vec![unknown(source, expr)];
    }
    match expr {
        Expr::Lit(Lit::Str(text)) => vec![Pattern::text(&text.value.to_string_lossy())],
        Expr::Tpl(template) => eval_template(source, constants, template, depth),
        Expr::Bin(BinExpr {
            op: BinaryOp::Add,
            left,
            right,
            ..
        }) => joined(
            source,
            expr,
            &eval(source, constants, left, depth),
            &eval(source, constants, right, depth),
        ),
        Expr::Bin(BinExpr {
            op: BinaryOp::LogicalOr | BinaryOp::NullishCoalescing,
            left,
            right,
            ..
        }) => either(
            source,
            expr,
            eval(source, constants, left, depth),
            eval(source, constants, right, depth),
        ),
        Expr::Cond(cond) => either(
            source,
            expr,
            eval(source, constants, &cond.cons, depth),
            eval(source, constants, &cond.alt, depth),
        ),
        Expr::Ident(ident) => match constants.get(&ident.to_id()) {
            Some(value) if is_string(value) => {
                let mut found = eval(source, constants, value, depth + 1);
                for pattern in &mut found {
                    pattern.constants.push(ident.to_id());
                    for hole in &mut pattern.holes {
                        hole.plain = false;
                    }
                }
                found
            }
            _ => match values::texts_of(source, constants, expr) {
                Some((_, texts, _)) => texts,
                None => vec![unknown(source, expr)],
            },
        },
        Expr::New(new) if global_name(source, &new.callee) == Some("URL") => {
            match new.args.as_deref() {
                Some([first, ..]) if first.spread.is_none() => {
                    eval(source, constants, &first.expr, depth)
                }
                _ => vec![unknown(source, expr)],
            }
        }
        _ => match inner(source, expr) {
            Some(inner) => eval(source, constants, inner, depth),
            None => match values::texts_of(source, constants, expr) {
                Some((_, texts, _)) => texts,
                None => vec![unknown(source, expr)],
            },
        },
    }
}

fn eval_template(
    source: &Source,
    constants: &Constants,
    template: &Tpl,
    depth: usize,
) -> Vec<Pattern> {
    let mut found = vec![Pattern::default()];
    for (index, quasi) in template.quasis.iter().enumerate() {
        let text = match &quasi.cooked {
            Some(cooked) => Pattern::text(&cooked.to_string_lossy()),
            None => Pattern::text(&quasi.raw),
        };
        for pattern in &mut found {
            pattern.push(&text);
        }
        if let Some(expr) = template.exprs.get(index) {
            let mut values = eval(source, constants, expr, depth);
            if found.len() * values.len() > MAX_TEXTS {
                values = vec![unknown(source, expr)];
            }
            found = product(&found, &values);
        }
    }
    found
}

fn product(left: &[Pattern], right: &[Pattern]) -> Vec<Pattern> {
    left.iter()
        .flat_map(|start| {
            right.iter().map(|end| {
                let mut pattern = start.clone();
                pattern.push(end);
                pattern
            })
        })
        .collect()
}

fn joined(source: &Source, expr: &Expr, left: &[Pattern], right: &[Pattern]) -> Vec<Pattern> {
    if left.len() * right.len() > MAX_TEXTS {
        return vec![unknown(source, expr)];
    }
    product(left, right)
}

fn either(
    source: &Source,
    expr: &Expr,
    mut left: Vec<Pattern>,
    right: Vec<Pattern>,
) -> Vec<Pattern> {
    for pattern in right {
        if !left.contains(&pattern) {
            left.push(pattern);
        }
    }
    if left.len() > MAX_TEXTS {
        return vec![unknown(source, expr)];
    }
    left
}

fn unknown(source: &Source, expr: &Expr) -> Pattern {
    // The server decodes a path segment, so the value is what stood inside encodeURIComponent().
    let value = encoded(source, expr).unwrap_or(expr);
    Pattern::of_hole(Hole {
        range: source.range(value),
        origin: is_origin(source, expr),
        plain: !matches!(value, Expr::Seq(_) | Expr::Yield(_)),
        id: is_id(value),
        param: None,
    })
}

/// Whether an expression's last name is an id's: `post.id`, `postId`, `_id`.
fn is_id(expr: &Expr) -> bool {
    let name: &str = match expr {
        Expr::Ident(name) => &name.sym,
        Expr::Member(member) => match &member.prop {
            MemberProp::Ident(name) => &name.sym,
            _ => return false,
        },
        Expr::OptChain(chain) => match chain.base.as_member().map(|member| &member.prop) {
            Some(MemberProp::Ident(name)) => &name.sym,
            _ => return false,
        },
        Expr::TsNonNull(cast) => return is_id(&cast.expr),
        Expr::Paren(paren) => return is_id(&paren.expr),
        Expr::TsAs(cast) => return is_id(&cast.expr),
        _ => return false,
    };
    matches!(name, "id" | "uuid")
        || name.ends_with("Id")
        || name.ends_with("ID")
        || name.ends_with("_id")
}

/// `x` of `encodeURIComponent(x)`.
fn encoded<'a>(source: &Source, expr: &'a Expr) -> Option<&'a Expr> {
    let Expr::Call(call) = expr else { return None };
    let Callee::Expr(callee) = &call.callee else {
        return None;
    };
    let [ExprOrSpread { spread: None, expr }] = call.args.as_slice() else {
        return None;
    };
    (global_name(source, callee) == Some("encodeURIComponent")).then_some(expr)
}

/// Whether an expression is `location.origin` or `window.location.origin`.
fn is_origin(source: &Source, expr: &Expr) -> bool {
    let Expr::Member(member) = expr else {
        return false;
    };
    member.prop.is_ident_with("origin")
        && match &*member.obj {
            Expr::Member(location) => {
                location.prop.is_ident_with("location")
                    && matches!(
                        global_name(source, &location.obj),
                        Some("window" | "globalThis" | "self")
                    )
            }
            other => global_name(source, other) == Some("location"),
        }
}

/// The name of an expression that is a global.
pub(super) fn global_name<'a>(source: &Source, expr: &'a Expr) -> Option<&'a str> {
    match expr {
        Expr::Ident(ident) if source.is_global(ident) => Some(&ident.sym),
        _ => None,
    }
}

/// What an expression is around, when the outside leaves a string what it is.
fn inner<'a>(source: &Source, expr: &'a Expr) -> Option<&'a Expr> {
    match expr {
        Expr::Paren(paren) => Some(&paren.expr),
        Expr::TsAs(cast) => Some(&cast.expr),
        Expr::TsConstAssertion(cast) => Some(&cast.expr),
        Expr::TsSatisfies(cast) => Some(&cast.expr),
        Expr::TsNonNull(cast) => Some(&cast.expr),
        Expr::TsTypeAssertion(cast) => Some(&cast.expr),
        // new URL('/api/x', base).toString() and .href
        Expr::Member(member) if member.prop.is_ident_with("href") => {
            url_object(source, &member.obj)
        }
        Expr::Call(call) => match &call.callee {
            Callee::Expr(callee) => match &**callee {
                Expr::Member(member) if matches!(&member.prop, MemberProp::Ident(name) if name.sym == *"toString") => {
                    url_object(source, &member.obj)
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn url_object<'a>(source: &Source, expr: &'a Expr) -> Option<&'a Expr> {
    match expr {
        Expr::New(new) if global_name(source, &new.callee) == Some("URL") => Some(expr),
        Expr::Paren(paren) => url_object(source, &paren.expr),
        _ => None,
    }
}

/// Whether an expression is surely a string, or a choice between strings.
pub(super) fn is_string(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(Lit::Str(_)) | Expr::Tpl(_) => true,
        Expr::Bin(BinExpr {
            op: BinaryOp::Add,
            left,
            right,
            ..
        }) => is_string(left) || is_string(right),
        Expr::Bin(BinExpr {
            op: BinaryOp::LogicalOr | BinaryOp::NullishCoalescing,
            right,
            ..
        }) => is_string(right),
        Expr::Cond(cond) => is_string(&cond.cons) && is_string(&cond.alt),
        Expr::Paren(paren) => is_string(&paren.expr),
        Expr::TsAs(cast) => is_string(&cast.expr),
        Expr::TsConstAssertion(cast) => is_string(&cast.expr),
        Expr::TsSatisfies(cast) => is_string(&cast.expr),
        _ => false,
    }
}

/// The parts of a string's expression that are not strings themselves: what a walk
/// still has to look into after the string was read.
pub(super) fn leaves<'a>(source: &Source, expr: &'a Expr, out: &mut Vec<&'a Expr>) {
    match expr {
        Expr::Lit(Lit::Str(_)) => {}
        Expr::Tpl(template) => {
            for expr in &template.exprs {
                leaves(source, expr, out);
            }
        }
        Expr::Bin(binary)
            if matches!(
                binary.op,
                BinaryOp::Add | BinaryOp::LogicalOr | BinaryOp::NullishCoalescing
            ) =>
        {
            leaves(source, &binary.left, out);
            leaves(source, &binary.right, out);
        }
        Expr::Cond(cond) => {
            out.push(&cond.test);
            leaves(source, &cond.cons, out);
            leaves(source, &cond.alt, out);
        }
        Expr::New(new) if global_name(source, &new.callee) == Some("URL") => {
            for argument in new.args.iter().flatten() {
                leaves(source, &argument.expr, out);
            }
        }
        _ => match inner(source, expr) {
            Some(inner) => leaves(source, inner, out),
            None => out.push(expr),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swc_core::ecma::ast::{ModuleItem, Stmt};

    fn shown(text: &str) -> Vec<String> {
        let source = Source::parse("a.ts", text.into()).unwrap();
        let Some(ModuleItem::Stmt(Stmt::Expr(statement))) = source.items().last() else {
            panic!("an expression was expected");
        };
        texts(&source, &Constants::default(), &statement.expr)
            .iter()
            .map(|pattern| {
                pattern
                    .text
                    .chars()
                    .map(|c| match hole(c) {
                        Some(number) => format!("<{}>", &text[pattern.holes[number].range.clone()]),
                        None => c.to_string(),
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn strings_are_joined_around_holes() {
        assert_eq!(shown("`/api/${a.b}/x` + '?q=' + q"), ["/api/<a.b>/x?q=<q>"]);
        assert_eq!(shown("'/api/' + encodeURIComponent(id)"), ["/api/<id>"]);
        assert_eq!(shown("(new URL('/api/x', base)).toString()"), ["/api/x"]);
    }

    #[test]
    fn choices_multiply_until_there_are_too_many() {
        assert_eq!(shown("a ? '/x' : `/y${b ? 1 : ''}`"), ["/x", "/y<1>", "/y"]);
        let many = "`${a ? '1' : '2'}${a ? '1' : '2'}${a ? '1' : '2'}${a ? '1' : '2'}`";
        assert_eq!(shown(many).len(), 8);
    }
}

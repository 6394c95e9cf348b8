//! Statements and expressions as documents. In: syntax, and the text that it came from. Out: a
//! document, or `None` for what is not known here.

use std::ops::Range;

use swc_core::common::Spanned;
use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::doc::Doc;
use super::rules::*;
use crate::emit::style::{Style, indentation};
use crate::source::Source;
use crate::syntax::bare;

/// Writes documents for the code of one file.
pub struct Layout<'s> {
    pub source: &'s Source,
    pub style: &'s Style,
}

impl Layout<'_> {
    pub fn raw(&self, node: &impl Spanned) -> &str {
        &self.source.text[self.source.range(node)]
    }

    /// Code as it stands, on one line.
    fn line(&self, text: &str) -> Option<Doc> {
        (!text.contains('\n')).then(|| Doc::text(text))
    }

    fn as_written(&self, node: &impl Spanned) -> Option<Doc> {
        self.line(self.raw(node))
    }

    /// A function's body as it stands.
    fn block(&self, range: Range<usize>) -> Option<Doc> {
        let text = &self.source.text[range.clone()];
        let last = indentation(&self.source.text, range.end - 1).len();
        // The lines of a template literal must not move.
        (!has_long_template(text)).then(|| Doc::Block(text.to_string(), last))
    }

    fn semi(&self, stmt: &impl Spanned) -> Doc {
        Doc::text(if self.raw(stmt).ends_with(';') {
            ";"
        } else {
            ""
        })
    }

    pub fn statement(&self, stmt: &Stmt) -> Option<Doc> {
        if self.has_comment(self.source.range(stmt)) {
            return None;
        }
        let semi = self.semi(stmt);
        match stmt {
            Stmt::Return(returned) => {
                let value = returned.arg.as_deref()?;
                Some(Doc::All(vec![
                    Doc::text("return "),
                    self.returned(value)?,
                    semi,
                ]))
            }
            Stmt::Expr(statement) => Some(Doc::All(vec![self.expression(&statement.expr)?, semi])),
            Stmt::Decl(Decl::Var(variables)) => {
                let [declarator] = &variables.decls[..] else {
                    return None;
                };
                let text = self.raw(stmt);
                let keyword = text.split_whitespace().next()?;
                let value = declarator.init.as_deref()?;
                let mut parts = vec![Doc::text(format!("{keyword} "))];
                match self.target(&declarator.name)? {
                    // Breaks before the value does.
                    (name, true) => parts.push(Doc::group(vec![
                        name,
                        Doc::text(" = "),
                        Doc::group(vec![self.value(value)?]),
                    ])),
                    (name, false) => {
                        parts.push(Doc::group(vec![name]));
                        parts.push(Doc::text(" ="));
                        parts.push(self.assigned(value, false)?);
                    }
                }
                parts.push(semi);
                Some(Doc::All(parts))
            }
            _ => None,
        }
    }

    /// The part of an `if` up to its body, or the whole when its body is one line. None when an
    /// `else` follows a body without braces.
    pub fn if_head(&self, branch: &IfStmt) -> Option<Range<usize>> {
        let start = self.source.range(branch).start;
        let body = self.source.range(&*branch.cons);
        match &*branch.cons {
            Stmt::Block(_) => Some(start..body.start + 1),
            _ if branch.alt.is_none() => Some(start..body.end),
            _ => None,
        }
    }

    pub fn if_test(&self, branch: &IfStmt, end: &str) -> Option<Doc> {
        if self.has_comment(self.if_head(branch)?) {
            return None;
        }
        let test = match bare(&branch.test) {
            Expr::Bin(binary) => Doc::All(self.operands(binary, true)?),
            other => self.expression(other)?,
        };
        let test = Doc::group(vec![Doc::indent(vec![Doc::Soft, test]), Doc::Soft]);
        let mut parts = vec![Doc::text("if ("), test];
        match &*branch.cons {
            Stmt::Block(_) => {
                let end = end.split_whitespace().collect::<Vec<_>>();
                if end != [")", "{"] {
                    return None;
                }
                parts.push(Doc::text(") {"));
            }
            body => {
                parts.push(Doc::text(")"));
                let body = match body {
                    Stmt::Return(returned) if returned.arg.is_none() => self.as_written(body)?,
                    _ => self.statement(body)?,
                };
                parts.push(Doc::indent(vec![Doc::Line, body]));
            }
        }
        Some(Doc::group(parts))
    }

    /// `import { a, b } from 'c'`. One name never stands on a line of its own.
    pub fn import(&self, import: &ImportDecl) -> Option<Doc> {
        let range = self.source.range(import);
        let text = &self.source.text[range.clone()];
        let named = import
            .specifiers
            .iter()
            .all(|specifier| matches!(specifier, ImportSpecifier::Named(_)));
        if !named || import.specifiers.len() < 2 || self.has_comment(range) {
            return None;
        }
        let (head, rest) = text.split_once('{')?;
        let (_, tail) = rest.rsplit_once('}')?;
        let names = import.specifiers.iter();
        let names: Option<Vec<Doc>> = names.map(|name| self.as_written(name)).collect();
        Some(Doc::All(vec![
            Doc::text(head),
            self.braces(names?, false, self.style.comma),
            Doc::text(tail),
        ]))
    }

    /// `{ a, b }`, or one to a line.
    fn braces(&self, items: Vec<Doc>, broken: bool, comma: &'static str) -> Doc {
        let mut inner = vec![Doc::Line];
        inner.extend(Doc::list(items));
        inner.push(Doc::IfBroken(comma));
        let parts = vec![
            Doc::text("{"),
            Doc::indent(inner),
            Doc::Line,
            Doc::text("}"),
        ];
        if broken {
            Doc::broken(parts)
        } else {
            Doc::group(parts)
        }
    }

    /// What a declaration declares, and whether Prettier would break it before its value.
    fn target(&self, pat: &Pat) -> Option<(Doc, bool)> {
        let Pat::Object(object) = pat else {
            return Some((self.as_written(pat)?, false));
        };
        let mut items = Vec::new();
        let (mut nested, mut defaults, mut rest) = (false, false, false);
        for prop in &object.props {
            match prop {
                ObjectPatProp::KeyValue(pair) => {
                    nested |= matches!(*pair.value, Pat::Object(_) | Pat::Array(_));
                    defaults = true;
                }
                ObjectPatProp::Assign(short) => defaults |= short.value.is_some(),
                ObjectPatProp::Rest(_) => rest = true,
            }
            items.push(self.as_written(prop)?);
        }
        if items.is_empty() {
            return None;
        }
        let count = items.len();
        let comma = if rest { "" } else { self.style.comma };
        // The group around it is that of the declaration.
        let braces = match self.braces(items, nested, comma) {
            Doc::Group(inner, false) => *inner,
            other => other,
        };
        let mut parts = vec![braces];
        if let Some(annotation) = &object.type_ann {
            parts.push(self.as_written(&**annotation)?);
        }
        Some((Doc::All(parts), defaults && count > 2))
    }

    fn value(&self, value: &Expr) -> Option<Doc> {
        match value {
            Expr::Bin(binary) if !inlines(binary) => Some(Doc::All(self.operands(binary, false)?)),
            _ => self.expression(value),
        }
    }

    /// The value behind `=` or `:`, with the space before it. Behind a short key it stays.
    fn assigned(&self, value: &Expr, short_key: bool) -> Option<Doc> {
        let doc = Doc::group(vec![self.value(value)?]);
        let plain = matches!(
            value,
            Expr::Tpl(_)
                | Expr::TaggedTpl(_)
                | Expr::Arrow(_)
                | Expr::Lit(Lit::Num(_) | Lit::Bool(_))
        ) || is_require(value);
        Some(
            if breaks_after(self, value, short_key) && !is_require(value) {
                Doc::group(vec![Doc::indent(vec![Doc::Line, doc])])
            } else if plain || short_key {
                Doc::All(vec![Doc::text(" "), doc])
            } else {
                Doc::Fluid(Box::new(doc))
            },
        )
    }

    /// The value of a `return`: operators that break stand in parentheses.
    fn returned(&self, value: &Expr) -> Option<Doc> {
        let Expr::Bin(binary) = bare(value) else {
            return self.expression(value);
        };
        Some(Doc::group(vec![
            Doc::IfBroken("("),
            Doc::indent(vec![Doc::Soft, Doc::All(self.operands(binary, false)?)]),
            Doc::Soft,
            Doc::IfBroken(")"),
        ]))
    }

    fn expression(&self, expr: &Expr) -> Option<Doc> {
        match expr {
            Expr::Paren(inner) => Some(Doc::All(vec![
                Doc::text("("),
                self.expression(&inner.expr)?,
                Doc::text(")"),
            ])),
            Expr::Await(awaited) => Some(Doc::All(vec![
                Doc::text("await "),
                self.expression(&awaited.arg)?,
            ])),
            Expr::TsAs(cast) => {
                let kind = self.as_written(&*cast.type_ann)?;
                let union = matches!(&*cast.type_ann, TsType::TsUnionOrIntersectionType(_));
                let expr = self.expression(&cast.expr)?;
                Some(Doc::All(if union {
                    let kind = Doc::group(vec![Doc::indent(vec![Doc::Line, kind])]);
                    vec![expr, Doc::text(" as"), kind]
                } else {
                    vec![expr, Doc::text(" as "), kind]
                }))
            }
            Expr::Object(object) => self.object(object),
            Expr::Array(array) => self.array(array),
            Expr::Call(call) => {
                let Callee::Expr(callee) = &call.callee else {
                    return self.as_written(expr);
                };
                if calls(expr) > 2 || is_require(expr) {
                    return self.as_written(expr);
                }
                let head = self.callee(callee)?;
                let types = call
                    .type_args
                    .as_ref()
                    .map(|types| self.as_written(&**types));
                self.call(head, types, &call.args)
            }
            Expr::New(call) => {
                let head = Doc::text(format!("new {}", self.raw(&*call.callee)));
                let types = call
                    .type_args
                    .as_ref()
                    .map(|types| self.as_written(&**types));
                self.call(head, types, call.args.as_deref()?)
            }
            Expr::Member(_) => self.callee(expr),
            Expr::Bin(binary) => {
                let mut parts = self.operands(binary, false)?;
                let rest = parts.split_off(1);
                parts.push(Doc::indent(rest));
                Some(Doc::group(parts))
            }
            Expr::Cond(cond) => Some(Doc::group(vec![
                self.flat(&cond.test)?,
                Doc::indent(vec![
                    Doc::Line,
                    Doc::text("? "),
                    self.flat(&cond.cons)?,
                    Doc::Line,
                    Doc::text(": "),
                    self.flat(&cond.alt)?,
                ]),
            ])),
            Expr::Assign(assign) => Some(Doc::All(vec![
                Doc::text(format!("{} {}", self.raw(&assign.left), assign.op.as_str())),
                self.assigned(&assign.right, false)?,
            ])),
            Expr::Arrow(arrow) => self.arrow(arrow),
            _ => self.as_written(expr),
        }
    }

    /// An operand on one line; one that stands on several is not laid out here.
    fn flat(&self, expr: &Expr) -> Option<Doc> {
        if matches!(expr, Expr::Cond(_)) {
            return None;
        }
        self.as_written(expr)
    }

    /// What is called, or the object of a member, with its own calls.
    fn callee(&self, expr: &Expr) -> Option<Doc> {
        match expr {
            Expr::Member(access) => {
                let object = self.expression(&access.obj)?;
                let rest = self.source.range(&*access.obj).end..self.source.range(access).end;
                Some(Doc::All(vec![object, self.line(&self.source.text[rest])?]))
            }
            _ => self.expression(expr),
        }
    }

    fn call(&self, head: Doc, types: Option<Option<Doc>>, args: &[ExprOrSpread]) -> Option<Doc> {
        let mut parts = vec![head];
        if let Some(types) = types {
            parts.push(types?);
        }
        let Some(last) = args.last() else {
            parts.push(Doc::text("()"));
            return Some(Doc::All(parts));
        };
        let doc = |arg: &ExprOrSpread| {
            let value = self.expression(&arg.expr)?;
            Some(match arg.spread {
                Some(_) => Doc::All(vec![Doc::text("..."), value]),
                None => value,
            })
        };
        let docs: Vec<Doc> = args.iter().map(doc).collect::<Option<_>>()?;
        let (final_doc, others) = docs.split_last()?;
        let trailing = self.style.trailing;
        let out = |broken: bool| {
            let mut inner = vec![Doc::Soft];
            inner.extend(Doc::list(docs.clone()));
            inner.push(Doc::IfBroken(trailing));
            let all = vec![
                Doc::text("("),
                Doc::indent(inner),
                Doc::Soft,
                Doc::text(")"),
            ];
            if broken {
                Doc::broken(all)
            } else {
                Doc::group(all)
            }
        };
        let before = args.len().checked_sub(2).map(|at| &*args[at].expr);
        let same = |a: &Expr, b: &Expr| std::mem::discriminant(a) == std::mem::discriminant(b);
        let hugs = last.spread.is_none()
            && opens(&last.expr)
            && before.is_none_or(|before| !same(before, &last.expr));
        // A function that comes first, as in `setTimeout(() => {}, 1)`, has rules of its own.
        if docs.len() > 1 && docs[0].is_forced() {
            return None;
        }
        if !hugs {
            parts.push(out(false));
            return Some(Doc::All(parts));
        }
        if others.iter().any(Doc::is_forced) {
            parts.push(out(true));
            return Some(Doc::All(parts));
        }
        let hugged = |last: Doc| {
            let mut items = vec![Doc::text("(")];
            let mut all: Vec<Doc> = others.to_vec();
            all.push(last);
            // Only the last one breaks: the commas before it are followed by spaces.
            for (at, item) in all.into_iter().enumerate() {
                if at > 0 {
                    items.push(Doc::text(", "));
                }
                items.push(item);
            }
            items.push(Doc::text(")"));
            Doc::All(items)
        };
        if final_doc.is_forced() {
            parts.push(Doc::Break);
        }
        parts.push(Doc::Either(vec![
            hugged(final_doc.clone()),
            hugged(forced(final_doc.clone())),
            out(true),
        ]));
        Some(Doc::All(parts))
    }

    fn object(&self, object: &ObjectLit) -> Option<Doc> {
        let Some(first) = object.props.first() else {
            return self.as_written(object);
        };
        let range = self.source.range(object);
        let first = self.source.range(first).start;
        // Prettier keeps an object open that was opened.
        let open = self.source.text[range.start..first].contains('\n');
        let mut items = Vec::new();
        let mut last = first;
        for prop in &object.props {
            let at = self.source.range(prop);
            if self.source.text[last..at.start].matches('\n').count() > 1 {
                return None;
            }
            last = at.end;
            items.push(match prop {
                PropOrSpread::Spread(spread) => {
                    Doc::All(vec![Doc::text("..."), self.expression(&spread.expr)?])
                }
                PropOrSpread::Prop(prop) => match &**prop {
                    Prop::KeyValue(pair) => {
                        let key = self.raw(&pair.key);
                        let short = self.style.columns(key) < self.style.tab + 3;
                        Doc::All(vec![
                            Doc::text(format!("{key}:")),
                            self.assigned(&pair.value, short)?,
                        ])
                    }
                    _ => self.as_written(&**prop)?,
                },
            });
        }
        Some(self.braces(items, open, self.style.comma))
    }

    fn array(&self, array: &ArrayLit) -> Option<Doc> {
        let several = |kind: fn(&Expr) -> bool| {
            array.elems.len() > 1
                && array
                    .elems
                    .iter()
                    .all(|item| item.as_ref().is_some_and(|item| kind(&item.expr)))
        };
        if several(|item| matches!(item, Expr::Lit(Lit::Num(_)))) || array.elems.is_empty() {
            return self.as_written(array);
        }
        let items = array.elems.iter().map(|item| {
            let item = item.as_ref().filter(|item| item.spread.is_none())?;
            self.expression(&item.expr)
        });
        let items: Vec<Doc> = items.collect::<Option<_>>()?;
        let mut inner = vec![Doc::Soft];
        inner.extend(Doc::list(items));
        inner.push(Doc::IfBroken(self.style.comma));
        let parts = vec![
            Doc::text("["),
            Doc::indent(inner),
            Doc::Soft,
            Doc::text("]"),
        ];
        let broken = several(|item| matches!(item, Expr::Object(object) if object.props.len() > 1))
            || several(|item| matches!(item, Expr::Array(array) if array.elems.len() > 1));
        Some(if broken {
            Doc::broken(parts)
        } else {
            Doc::group(parts)
        })
    }

    fn arrow(&self, arrow: &ArrowExpr) -> Option<Doc> {
        let range = self.source.range(arrow);
        let body = self.source.range(&*arrow.body);
        let head = self.line(&self.source.text[range.start..body.start])?;
        match &*arrow.body {
            ArrowFunctionBody::FunctionBody(_) => Some(Doc::All(vec![head, self.block(body)?])),
            ArrowFunctionBody::Expr(_) => self.as_written(arrow),
        }
    }

    /// Operands of one precedence with a line behind each operator.
    fn operands(&self, binary: &BinExpr, tested: bool) -> Option<Vec<Doc>> {
        let mut parts = match &*binary.left {
            Expr::Bin(left) if left.op == binary.op && !is_comparison(binary.op) => {
                self.operands(left, tested)?
            }
            Expr::Bin(_) => vec![self.flat(&binary.left)?],
            left => vec![self.expression(left)?],
        };
        let right = match &*binary.right {
            Expr::Bin(_) => self.flat(&binary.right)?,
            right => self.expression(right)?,
        };
        let operator = Doc::text(binary.op.as_str());
        parts.push(Doc::text(" "));
        if inlines(binary) {
            parts.push(Doc::All(vec![operator, Doc::text(" "), right]));
            return Some(parts);
        }
        let rest = vec![operator, Doc::Line, right];
        let alone = !matches!(&*binary.left, Expr::Bin(left) if is_logical(left.op) == is_logical(binary.op))
            && !matches!(&*binary.right, Expr::Bin(right) if is_logical(right.op) == is_logical(binary.op));
        parts.push(if alone && !(tested && is_logical(binary.op)) {
            Doc::group(rest)
        } else {
            Doc::All(rest)
        });
        Some(parts)
    }

    /// Whether a comment stands in a range, outside of the functions' bodies there.
    fn has_comment(&self, range: Range<usize>) -> bool {
        struct Bodies<'s>(&'s Source, Vec<Range<usize>>);
        impl Visit for Bodies<'_> {
            fn visit_arrow_expr(&mut self, node: &ArrowExpr) {
                if let ArrowFunctionBody::FunctionBody(_) = &*node.body {
                    self.1.push(self.0.range(&*node.body));
                }
            }
        }
        let comments: Vec<&Range<usize>> = self
            .source
            .comments
            .iter()
            .filter(|comment| range.start <= comment.start && comment.end <= range.end)
            .collect();
        if comments.is_empty() {
            return false;
        }
        let mut bodies = Bodies(self.source, Vec::new());
        self.source.module.visit_with(&mut bodies);
        comments.iter().any(|comment| {
            !bodies.1.iter().any(|body| {
                range.start < body.start && body.start <= comment.start && comment.end <= body.end
            })
        })
    }
}

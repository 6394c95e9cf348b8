//! Spellings of the response: chains that start at `res`.

use swc_core::ecma::ast::*;

use crate::facts::api_module::entries;
use crate::facts::effect::{HeaderMode, Payload, SetHeader, TextKind};
use crate::reason::Reason;
use crate::source::Source;
use crate::syntax::{Id, bare, is_binding, member, method_call, string};

/// A reason with its detail.
pub type Why = (Reason, String);

/// A chain of calls on the response, as `res.status(201).json(post)`.
pub struct Chain<'a> {
    /// The status given in the chain.
    pub status: Option<&'a Expr>,
    /// The headers given in the chain.
    pub headers: Vec<SetHeader<'a>>,
    /// The last call, when it answers: its name and arguments.
    pub last: Option<(String, &'a [ExprOrSpread])>,
}

impl<'a> Chain<'a> {
    /// Whether the chain answers.
    pub fn replies(&self) -> bool {
        self.last.is_some()
    }

    /// The expressions whose values the chain takes.
    pub fn values(&self) -> impl Iterator<Item = &'a Expr> {
        let status = self.status;
        let headers: Vec<&'a Expr> = self
            .headers
            .iter()
            .flat_map(|header| header.values.iter().copied())
            .collect();
        let args: Vec<&'a Expr> = self
            .last
            .iter()
            .flat_map(|(_, args)| args.iter().map(|arg| &*arg.expr))
            .filter(|arg| Some(*arg) != status)
            .collect();
        status.into_iter().chain(headers).chain(args)
    }
}

/// Reads a chain of calls on the response. `None` when the expression is none.
pub fn chain<'a>(res: Option<&Id>, expr: &'a Expr) -> Option<Result<Chain<'a>, Why>> {
    let res = res?;
    let mut steps: Vec<(String, &'a [ExprOrSpread])> = Vec::new();
    let mut current = expr;
    while let Some((object, name, args)) = method_call(current) {
        steps.push((name, args));
        current = object;
        if is_binding(current, res) {
            steps.reverse();
            return Some(read_steps(steps));
        }
    }
    None
}

fn read_steps<'a>(steps: Vec<(String, &'a [ExprOrSpread])>) -> Result<Chain<'a>, Why> {
    let mut chain = Chain {
        status: None,
        headers: Vec::new(),
        last: None,
    };
    let count = steps.len();
    for (index, (name, args)) in steps.into_iter().enumerate() {
        let is_last = index + 1 == count;
        if args.iter().any(|arg| arg.spread.is_some()) {
            return Err((Reason::UnknownResMember, format!("{name}(…spread)")));
        }
        match (name.as_str(), args) {
            ("status", [status]) => chain.status = Some(&status.expr),
            ("setHeader" | "appendHeader", [header, value]) => {
                let mode = if name == "setHeader" {
                    HeaderMode::Set
                } else {
                    HeaderMode::Append
                };
                chain
                    .headers
                    .push(header_of(&header.expr, &value.expr, mode)?);
            }
            ("removeHeader", [header]) => {
                let name =
                    string(&header.expr).ok_or((Reason::UnknownHeader, "name".to_string()))?;
                chain.headers.push(SetHeader {
                    name,
                    values: Vec::new(),
                    mode: HeaderMode::Remove,
                });
            }
            ("writeHead", [status, rest @ ..]) => {
                chain.status = Some(&status.expr);
                match rest {
                    [] => {}
                    [headers] => match bare(&headers.expr) {
                        Expr::Object(object) => {
                            let entries = entries(object)
                                .map_err(|_| (Reason::UnknownHeader, "writeHead".to_string()))?;
                            for (name, value) in entries {
                                chain
                                    .headers
                                    .push(header_named(name, value, HeaderMode::Set)?);
                            }
                        }
                        _ => return Err((Reason::UnknownHeader, "writeHead".to_string())),
                    },
                    _ => {
                        return Err((
                            Reason::UnknownResMember,
                            "writeHead with a reason phrase".to_string(),
                        ));
                    }
                }
            }
            ("json" | "send" | "end" | "redirect", args) if is_last => {
                chain.last = Some((name.clone(), args))
            }
            ("revalidate" | "setDraftMode" | "setPreviewData" | "clearPreviewData", _) => {
                return if count == 1 {
                    // Read as an expression.
                    Ok(Chain {
                        status: None,
                        headers: Vec::new(),
                        last: None,
                    })
                } else {
                    Err((Reason::PreviewData, name))
                };
            }
            ("write" | "pipe" | "on" | "once" | "flush" | "flushHeaders", _) => {
                return Err((Reason::Streaming, name));
            }
            _ => return Err((Reason::UnknownResMember, name)),
        }
    }
    Ok(chain)
}

fn header_of<'a>(name: &'a Expr, value: &'a Expr, mode: HeaderMode) -> Result<SetHeader<'a>, Why> {
    let name = string(name).ok_or((Reason::UnknownHeader, "name".to_string()))?;
    header_named(name, value, mode)
}

fn header_named<'a>(name: String, value: &'a Expr, mode: HeaderMode) -> Result<SetHeader<'a>, Why> {
    let values: Vec<&'a Expr> = match bare(value) {
        Expr::Array(array) => array
            .elems
            .iter()
            .map(|item| {
                item.as_ref()
                    .filter(|item| item.spread.is_none())
                    .map(|item| &*item.expr)
            })
            .collect::<Option<_>>()
            .ok_or((Reason::UnknownHeader, name.clone()))?,
        _ => {
            // A single Set-Cookie whose value is not surely one string may be a list of cookies.
            if name.eq_ignore_ascii_case("set-cookie") && !surely_one_string(value) {
                return Err((Reason::UnknownHeader, name));
            }
            vec![value]
        }
    };
    Ok(SetHeader { name, values, mode })
}

/// Whether an expression is one string: a literal, a template, a concatenation, or a
/// cookie that a library serialised.
pub fn surely_one_string(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Lit(Lit::Str(_)) | Expr::Tpl(_) => true,
        Expr::Bin(BinExpr {
            op: BinaryOp::Add,
            left,
            right,
            ..
        }) => surely_one_string(left) || surely_one_string(right),
        Expr::Call(call) => {
            let Callee::Expr(callee) = &call.callee else {
                return false;
            };
            match bare(callee) {
                Expr::Ident(name) => {
                    matches!(&*name.sym, "serialize" | "serializeCookie" | "String")
                }
                other => member(other).is_some_and(|(_, name)| {
                    matches!(name.as_str(), "serialize" | "toString" | "join")
                }),
            }
        }
        _ => false,
    }
}

/// Headers, and a status.
pub type Prepared<'a> = (Vec<SetHeader<'a>>, Option<&'a Expr>);

/// Headers and status that an expression statement sets without answering.
pub fn prepare<'a>(res: Option<&Id>, expr: &'a Expr) -> Option<Result<Prepared<'a>, Why>> {
    if let Expr::Assign(assign) = expr
        && let AssignTarget::Simple(SimpleAssignTarget::Member(target)) = &assign.left
        && let MemberProp::Ident(name) = &target.prop
        && is_binding(&target.obj, res?)
    {
        return match &*name.sym {
            "statusCode" if assign.op == AssignOp::Assign => {
                Some(Ok((Vec::new(), Some(&assign.right))))
            }
            other => Some(Err((Reason::UnknownResMember, format!("res.{other} = …")))),
        };
    }
    match chain(res, expr)? {
        Ok(chain) if chain.status.is_none() && chain.headers.is_empty() => None,
        Ok(chain) => Some(Ok((chain.headers, chain.status))),
        Err(why) => Some(Err(why)),
    }
}

/// What an answering chain answers. `resolve` gives the initialiser of a constant.
///
/// # Errors
/// When the kind of the value cannot be told.
pub fn payload<'a>(
    source: &Source,
    chain: &Chain<'a>,
    resolve: &dyn Fn(&Ident) -> Option<&'a Expr>,
) -> Result<Payload<'a>, Why> {
    let (name, args) = chain.last.as_ref().expect("an answering chain");
    match (name.as_str(), args) {
        ("json", []) => Ok(Payload::EmptyJson),
        ("json", [value]) => match bare(&value.expr) {
            Expr::Ident(name) if name.sym == "undefined" => Ok(Payload::EmptyJson),
            _ => Ok(Payload::Json(&value.expr)),
        },
        ("send" | "end", []) => Ok(Payload::Empty),
        // Node.js ends with a text or bytes, and the message of an error is no bytes; an absent
        // one is nothing to either side.
        ("end", [value]) if is_error_message(&value.expr) => {
            Ok(Payload::Text(&value.expr, TextKind::Plain))
        }
        ("send" | "end", [value]) => match kind(source, &value.expr, resolve, 0) {
            Some(ValueKind::Nothing) => Ok(Payload::Empty),
            Some(ValueKind::Json) if name == "send" => Ok(Payload::Json(&value.expr)),
            Some(ValueKind::Text(text)) => Ok(Payload::Text(&value.expr, text)),
            Some(ValueKind::Bytes) => Ok(Payload::Bytes(&value.expr)),
            Some(ValueKind::Json) => Err((Reason::UnknownSend, name.clone())),
            None => Ok(Payload::Opaque(&value.expr)),
        },
        ("redirect", [url]) => Ok(Payload::Redirect(&url.expr)),
        ("redirect", [_, url]) => Ok(Payload::Redirect(&url.expr)),
        _ => Err((
            Reason::UnknownResMember,
            format!("{name} with {} arguments", args.len()),
        )),
    }
}

/// The message of what is called an error, or is said to be one: `err.message`.
fn is_error_message(expr: &Expr) -> bool {
    let Some((object, name)) = member(expr) else {
        return false;
    };
    let inner = match object {
        Expr::Paren(inner) => &*inner.expr,
        other => other,
    };
    let said = matches!(inner, Expr::TsAs(cast)
        if matches!(&*cast.type_ann, TsType::TsTypeRef(kind)
            if matches!(&kind.type_name, TsEntityName::Ident(kind) if kind.sym.ends_with("Error"))));
    let called = matches!(bare(object), Expr::Ident(name)
        if matches!(&*name.sym, "e" | "err" | "ex" | "exception")
            || name.sym.to_ascii_lowercase().ends_with("error"));
    name == "message" && (said || called)
}

/// The status argument of `res.redirect(status, url)`.
pub fn redirect_status<'a>(chain: &Chain<'a>) -> Option<&'a Expr> {
    match &chain.last {
        Some((name, [status, _])) if name == "redirect" => Some(&status.expr),
        _ => None,
    }
}

enum ValueKind {
    Nothing,
    Json,
    Text(TextKind),
    Bytes,
}

fn text_kind(text: &str) -> TextKind {
    let start = text.trim_start();
    if start.starts_with(['<', '{', '[', '"']) {
        TextKind::Unknown
    } else {
        TextKind::Plain
    }
}

/// What kind of value an expression surely is.
fn kind<'a>(
    source: &Source,
    expr: &Expr,
    resolve: &dyn Fn(&Ident) -> Option<&'a Expr>,
    depth: usize,
) -> Option<ValueKind> {
    if depth > 4 {
        return None;
    }
    Some(match bare(expr) {
        Expr::Lit(Lit::Str(text)) => ValueKind::Text(text_kind(&text.value.to_string_lossy())),
        Expr::Lit(Lit::Num(_) | Lit::Bool(_)) => ValueKind::Json,
        Expr::Lit(Lit::Null(_)) => ValueKind::Nothing,
        Expr::Object(_) | Expr::Array(_) => ValueKind::Json,
        Expr::Tpl(template) => {
            let first = template.quasis.first()?;
            let text = first
                .cooked
                .as_ref()
                .map(|text| text.to_string_lossy().into_owned())
                .unwrap_or_default();
            ValueKind::Text(if text.trim().is_empty() {
                TextKind::Unknown
            } else {
                text_kind(&text)
            })
        }
        Expr::Bin(BinExpr {
            op: BinaryOp::Add,
            left,
            right,
            ..
        }) => match kind(source, left, resolve, depth + 1) {
            Some(ValueKind::Text(text)) => ValueKind::Text(text),
            _ => match kind(source, right, resolve, depth + 1)? {
                ValueKind::Text(_) => ValueKind::Text(TextKind::Unknown),
                _ => return None,
            },
        },
        Expr::Cond(cond) => {
            match (
                kind(source, &cond.cons, resolve, depth + 1)?,
                kind(source, &cond.alt, resolve, depth + 1)?,
            ) {
                (ValueKind::Json, ValueKind::Json) => ValueKind::Json,
                (ValueKind::Text(TextKind::Plain), ValueKind::Text(TextKind::Plain)) => {
                    ValueKind::Text(TextKind::Plain)
                }
                (ValueKind::Text(_), ValueKind::Text(_)) => ValueKind::Text(TextKind::Unknown),
                (ValueKind::Bytes, ValueKind::Bytes) => ValueKind::Bytes,
                _ => return None,
            }
        }
        Expr::Ident(name) if name.sym == "undefined" && source.is_global(name) => {
            ValueKind::Nothing
        }
        Expr::Ident(name) => return kind(source, resolve(name)?, resolve, depth + 1),
        Expr::Await(inner) => return kind(source, &inner.arg, resolve, depth + 1),
        Expr::New(new) => match bare(&new.callee) {
            Expr::Ident(name) if matches!(&*name.sym, "Uint8Array") => ValueKind::Bytes,
            _ => return None,
        },
        Expr::Call(call) => {
            let Callee::Expr(callee) = &call.callee else {
                return None;
            };
            match bare(callee) {
                Expr::Ident(name) if name.sym == "String" && source.is_global(name) => {
                    ValueKind::Text(TextKind::Unknown)
                }
                other => {
                    let (object, name) = member(other)?;
                    let object_name = match bare(object) {
                        Expr::Ident(name) => name.sym.to_string(),
                        _ => String::new(),
                    };
                    match (object_name.as_str(), name.as_str()) {
                        ("JSON", "stringify") => ValueKind::Text(TextKind::Unknown),
                        ("Buffer", "from" | "concat" | "alloc") => ValueKind::Bytes,
                        (_, "toBuffer") => ValueKind::Bytes,
                        (_, "readFileSync" | "readFile") => match call.args.len() {
                            1 => ValueKind::Bytes,
                            _ => ValueKind::Text(TextKind::Unknown),
                        },
                        (
                            _,
                            "toISOString" | "toUpperCase" | "toLowerCase" | "trim" | "join"
                            | "padStart",
                        ) => ValueKind::Text(TextKind::Unknown),
                        (_, "toString") => ValueKind::Text(TextKind::Unknown),
                        _ => return None,
                    }
                }
            }
        }
        _ => return None,
    })
}

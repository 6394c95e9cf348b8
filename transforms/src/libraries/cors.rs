//! cors 2, of which the options are written in the code. In: what `cors` is called with. Out: the
//! statements that do the same with `req` and `res`: the headers of every answer, and the answer to
//! OPTIONS, behind which nothing runs any more. Where they stand is found by [`super::cors_calls`].
//!
//! Options that only the running program has (a function, an origin of the environment by itself)
//! are refused by name, and so is `preflightContinue`
//! (<https://github.com/expressjs/cors>, `lib/index.js`).

use swc_core::ecma::ast::*;

use crate::emit::style::Style;
use crate::emit::web_native::free_name;
use crate::facts::api_module::declared;
use crate::source::Source;
use crate::syntax::{Names, bare, id, member, prop_name, string};

/// What `cors` sets and answers.
#[derive(Debug, Clone)]
pub struct Options {
    origin: Origin,
    /// The headers of every answer, as they are written in the code.
    always: Vec<(&'static str, String)>,
    /// The headers of the answer to OPTIONS.
    preflight: Vec<(&'static str, String)>,
    /// Whether the headers that a preflight asks for are all allowed.
    reflects: bool,
    /// The status of the answer to OPTIONS.
    status: u16,
}

/// Which origins are allowed.
#[derive(Debug, Clone)]
enum Origin {
    /// All.
    Any,
    /// This one, whoever asks.
    Fixed(String),
    /// The origin that asks, where this holds of it.
    Asking(Option<String>),
}

/// Where the statements stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the function that goes on behind them.
    Inside,
    /// In a function of their own, which gives back whether it has answered.
    Alone,
}

/// What the value of a header is.
enum Value {
    /// This text.
    Known(String),
    /// What this code gives, which is not empty.
    Code(String),
}

impl Value {
    fn written(&self, style: &Style) -> Option<String> {
        match self {
            Value::Known(text) if text.is_empty() => None,
            Value::Known(text) => Some(style.string(text)),
            Value::Code(code) => Some(code.clone()),
        }
    }
}

impl Options {
    /// Reads the arguments of `cors`.
    ///
    /// # Errors
    /// Which option is not understood.
    pub fn read(source: &Source, args: &[ExprOrSpread]) -> Result<Options, String> {
        let style = Style::of(source);
        let object = match args {
            [] => None,
            [only] if only.spread.is_none() => Some(object(source, &only.expr)?),
            _ => return Err("its arguments".to_string()),
        };
        let mut origin = Origin::Any;
        let mut methods = Some(Value::Known("GET,HEAD,PUT,PATCH,POST,DELETE".to_string()));
        let (mut allowed, mut exposed, mut age) = (None, None, None);
        let (mut reflects, mut credentials, mut status) = (true, false, 204);
        for prop in object.iter().flat_map(|object| &object.props) {
            let text = source.text_of(prop);
            let named = text.split([':', '(']).next().unwrap_or(text).trim();
            let unread = || format!("the option {named}");
            let shorthand;
            let (name, value) = match prop.as_prop().map(|prop| &**prop) {
                Some(Prop::KeyValue(pair)) => {
                    (prop_name(&pair.key).ok_or_else(unread)?, bare(&pair.value))
                }
                Some(Prop::Shorthand(name)) => {
                    shorthand = Expr::Ident(name.clone());
                    (name.sym.to_string(), &shorthand)
                }
                _ => return Err(unread()),
            };
            match name.as_str() {
                "origin" => origin = allowed_origin(source, &style, value).ok_or_else(unread)?,
                "methods" => methods = Some(list(source, &style, value).ok_or_else(unread)?),
                "allowedHeaders" => {
                    let value_is_text = matches!(value, Expr::Lit(_));
                    let read = list(source, &style, value).ok_or_else(unread)?;
                    // An empty text is none, and an empty list allows none.
                    reflects = value_is_text && read.written(&style).is_none();
                    allowed = Some(read);
                }
                "exposedHeaders" => exposed = Some(list(source, &style, value).ok_or_else(unread)?),
                "credentials" => credentials = boolean(value).ok_or_else(unread)?,
                "maxAge" => age = Some(duration(source, value).ok_or_else(unread)?),
                "optionsSuccessStatus" => {
                    let told = crate::syntax::number(value);
                    let told = told.filter(|status| (200..300).contains(status));
                    status = told.ok_or_else(unread)?;
                }
                "preflightContinue" if boolean(value) == Some(false) => {}
                _ => return Err(unread()),
            }
        }
        let written = |name: &'static str, value: Option<Value>| {
            value.and_then(|value| Some((name, value.written(&style)?)))
        };
        let credentials = credentials.then(|| Value::Known("true".to_string()));
        let always = [
            written("Access-Control-Allow-Credentials", credentials),
            written("Access-Control-Expose-Headers", exposed),
        ];
        let preflight = [
            written("Access-Control-Allow-Methods", methods),
            written("Access-Control-Allow-Headers", allowed),
            written("Access-Control-Max-Age", age),
        ];
        Ok(Options {
            origin,
            always: always.into_iter().flatten().collect(),
            preflight: preflight.into_iter().flatten().collect(),
            reflects,
            status,
        })
    }

    /// The statements that do the same, for a request and a response of these names.
    pub fn lines(&self, source: &Source, (req, res): (&str, &str), place: Place) -> Vec<String> {
        let style = Style::of(source);
        let (indent, semi) = (&style.indent, style.semi);
        let text = |text: &str| style.string(text);
        let set =
            |name: &str, value: &str| format!("{res}.setHeader({}, {value}){semi}", text(name));
        let vary =
            |name: &str| format!("{res}.appendHeader({}, {}){semi}", text("Vary"), text(name));
        let allow = "Access-Control-Allow-Origin";
        let mut lines = Vec::new();
        match &self.origin {
            Origin::Any => lines.push(set(allow, &text("*"))),
            Origin::Fixed(origin) => lines.extend([set(allow, origin), vary("Origin")]),
            Origin::Asking(test) => {
                let origin = free_name(source, &["origin", "requestOrigin", "asking"]);
                let test = match test {
                    Some(test) => format!(" && {}", test.replace(ASKING, &origin)),
                    None => String::new(),
                };
                lines.push(format!("const {origin} = {req}.headers.origin{semi}"));
                lines.push(format!("if ({origin}{test}) {{"));
                lines.push(format!("{indent}{}", set(allow, &origin)));
                lines.push("}".to_string());
                lines.push(vary("Origin"));
            }
        }
        lines.extend(self.always.iter().map(|(name, value)| set(name, value)));
        let mut answer: Vec<String> = self
            .preflight
            .iter()
            .map(|(name, value)| set(name, value))
            .collect();
        if self.reflects {
            let asked = free_name(source, &["requestedHeaders", "preflightHeaders"]);
            let key = text("access-control-request-headers");
            let header = set("Access-Control-Allow-Headers", &asked);
            answer.push(format!("const {asked} = {req}.headers[{key}]{semi}"));
            answer.push(format!("if ({asked}) {{"));
            answer.push(format!("{indent}{header}"));
            answer.push("}".to_string());
            answer.push(vary("Access-Control-Request-Headers"));
        }
        answer.push(format!("{res}.status({}).end(){semi}", self.status));
        let options = text("OPTIONS");
        match place {
            Place::Inside => {
                answer.push(format!("return{semi}"));
                lines.push(format!("if ({req}.method === {options}) {{"));
                lines.extend(answer.iter().map(|line| format!("{indent}{line}")));
                lines.push("}".to_string());
            }
            Place::Alone => {
                lines.push(format!("if ({req}.method !== {options}) {{"));
                lines.push(format!("{indent}return null{semi}"));
                lines.push("}".to_string());
                lines.extend(answer);
                lines.push(format!("return true{semi}"));
            }
        }
        lines
    }

    /// The function of this name that does the same.
    pub fn function(&self, source: &Source, head: &str, name: &str) -> String {
        let indent = Style::of(source).indent;
        let params = match source.typescript() {
            true => "req: NextApiRequest, res: NextApiResponse",
            false => "req, res",
        };
        let lines = self.lines(source, ("req", "res"), Place::Alone);
        let body: String = lines
            .iter()
            .map(|line| format!("{indent}{line}\n"))
            .collect();
        format!("{head}function {name}({params}) {{\n{body}}}")
    }
}

/// What stands for the origin that asks in a test of it.
const ASKING: &str = "\0";

/// The options as an object: written in the call, or a constant that is nothing else.
fn object<'a>(source: &'a Source, expr: &'a Expr) -> Result<&'a ObjectLit, String> {
    let unread = || source.text_of(expr).to_string();
    match bare(expr) {
        Expr::Object(object) => Ok(object),
        Expr::Ident(name) => match constant(source, name) {
            Some(Expr::Object(object)) => Ok(object),
            _ => Err(unread()),
        },
        _ => Err(unread()),
    }
}

/// What a constant at the top of the file is, but for one that is typed as what is written there.
fn constant<'a>(source: &'a Source, name: &Ident) -> Option<&'a Expr> {
    let (init, statement) = declared(source, &id(name))?;
    let text = &source.text[statement];
    let words = text.strip_prefix("export ").unwrap_or(text);
    // Used here alone, and no other of this name may stand where the headers are set.
    let names = Names::of(source, &source.module).all;
    let uses = names.iter().filter(|((sym, _), _)| *sym == name.sym);
    let alone = uses.count() <= 2;
    (alone && words.starts_with("const ") && !text.contains("as const")).then_some(init)
}

fn boolean(expr: &Expr) -> Option<bool> {
    match bare(expr) {
        Expr::Lit(Lit::Bool(told)) => Some(told.value),
        _ => None,
    }
}

/// A list of words, or a text.
fn list(source: &Source, style: &Style, expr: &Expr) -> Option<Value> {
    let words = |array: &ArrayLit| -> Option<Vec<String>> {
        let word = |item: &Option<ExprOrSpread>| {
            let item = item.as_ref().filter(|item| item.spread.is_none())?;
            string(&item.expr)
        };
        array.elems.iter().map(word).collect()
    };
    match bare(expr) {
        Expr::Array(array) => Some(Value::Known(words(array)?.join(","))),
        Expr::Ident(name) => match constant(source, name)? {
            Expr::Array(array) if words(array).is_some_and(|words| !words.concat().is_empty()) => {
                Some(Value::Code(format!(
                    "{}.join({})",
                    name.sym,
                    style.string(",")
                )))
            }
            other => {
                let full = string(other).is_some_and(|text| !text.is_empty());
                full.then(|| Value::Code(name.sym.to_string()))
            }
        },
        other => Some(Value::Known(string(other)?)),
    }
}

/// A number of seconds.
fn duration(source: &Source, expr: &Expr) -> Option<Value> {
    fn whole(expr: &Expr) -> bool {
        match bare(expr) {
            Expr::Lit(Lit::Num(number)) => number.value.fract() == 0.0 && number.value.abs() < 1e9,
            Expr::Bin(product) => {
                product.op == BinaryOp::Mul && whole(&product.left) && whole(&product.right)
            }
            _ => false,
        }
    }
    match bare(expr) {
        Expr::Lit(Lit::Num(number)) if whole(expr) => {
            Some(Value::Known(format!("{}", number.value)))
        }
        Expr::Lit(Lit::Str(_)) => Some(Value::Known(string(expr)?)),
        Expr::Bin(_) if whole(expr) => Some(Value::Code(source.text_of(expr).to_string())),
        Expr::Ident(name) if whole(constant(source, name)?) => {
            Some(Value::Code(name.sym.to_string()))
        }
        _ => None,
    }
}

fn allowed_origin(source: &Source, style: &Style, expr: &Expr) -> Option<Origin> {
    let fixed = |text: &str, code: String| match text {
        "" => None,
        "*" => Some(Origin::Any),
        _ => Some(Origin::Fixed(code)),
    };
    match bare(expr) {
        Expr::Lit(Lit::Str(_)) => {
            let text = string(expr)?;
            fixed(&text, style.string(&text))
        }
        Expr::Lit(Lit::Bool(all)) if all.value => Some(Origin::Asking(None)),
        Expr::Lit(Lit::Regex(pattern)) => Some(Origin::Asking(Some(matches(source, pattern)?))),
        Expr::Array(array) => Some(Origin::Asking(Some(one_of(source, array)?))),
        Expr::Ident(name) => match constant(source, name)? {
            Expr::Array(array) if texts(source, array).is_some() => Some(Origin::Asking(Some(
                format!("{}.includes({ASKING})", name.sym),
            ))),
            other => fixed(&string(other)?, name.sym.to_string()),
        },
        _ => None,
    }
}

/// A test by a pattern that does not remember where it was.
fn matches(source: &Source, pattern: &Regex) -> Option<String> {
    let stateful = pattern.flags.contains(['g', 'y']);
    (!stateful).then(|| format!("{}.test({ASKING})", source.text_of(pattern)))
}

/// The texts of a list of nothing else.
fn texts<'a>(source: &'a Source, array: &ArrayLit) -> Option<Vec<&'a str>> {
    let one = |item: &Option<ExprOrSpread>| {
        let item = item.as_ref().filter(|item| item.spread.is_none())?;
        is_text(source, &item.expr).then(|| source.text_of(&*item.expr))
    };
    array.elems.iter().map(one).collect()
}

/// The test of whether an origin is one of a list of texts and patterns.
fn one_of(source: &Source, array: &ArrayLit) -> Option<String> {
    let mut words = Vec::new();
    let mut tests = Vec::new();
    for item in &array.elems {
        let item = item.as_ref().filter(|item| item.spread.is_none())?;
        match bare(&item.expr) {
            Expr::Lit(Lit::Regex(pattern)) => tests.push(matches(source, pattern)?),
            text if is_text(source, text) => words.push(source.text_of(&*item.expr)),
            _ => return None,
        }
    }
    match &words[..] {
        [] => {}
        [only] => tests.insert(0, format!("{ASKING} === {only}")),
        several => tests.insert(0, format!("[{}].includes({ASKING})", several.join(", "))),
    }
    match &tests[..] {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("({})", several.join(" || "))),
    }
}

/// Whether a value is surely a text, or nothing.
fn is_text(source: &Source, expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Lit(Lit::Str(_)) => true,
        Expr::Member(_) => {
            let global = |expr: &Expr| {
                matches!(bare(expr), Expr::Ident(name)
                    if name.sym == "process" && source.is_global(name))
            };
            member(bare(expr))
                .and_then(|(env, _)| member(bare(env)))
                .is_some_and(|(process, env)| env == "env" && global(process))
        }
        _ => false,
    }
}

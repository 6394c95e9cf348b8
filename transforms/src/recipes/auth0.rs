//! Auth0: `export default handleAuth(…)` of `@auth0/nextjs-auth0` 3 becomes one function that is
//! exported as GET and POST: the library tells a route handler by its request, and takes `auth0`
//! from `params` (`dist/handlers/auth.js`). Refuses settings with functions, which get `req` and
//! `res` in an API route and other arguments in a route handler, and Next.js 16, where `params` is
//! only a promise.

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use super::{Kitchen, Made, making};
use crate::emit::web_native::WebNative;
use crate::libraries::auth0::{PACKAGE, too_new};
use crate::next_version::Feature;
use crate::reason::Note;

pub fn make(kitchen: &Kitchen) -> Made {
    let source = kitchen.source();
    let making = making(kitchen.outline).filter(|making| {
        kitchen
            .callee(making.call)
            .is_some_and(|(module, name)| module == PACKAGE && name == "handleAuth")
    })?;
    let at = source.range(making.call);
    let range = source.packages.range(PACKAGE);
    let version = range.and_then(crate::next_version::NextVersion::parse);
    if version.is_none_or(|version| version.major != 3) {
        let range = range.unwrap_or("of an unknown version");
        return Some(Err(kitchen.refuse(
            at,
            format!("{PACKAGE} {range}: route handlers are known of 3"),
        )));
    }
    if !kitchen.around.next.has(Feature::SyncCookies) {
        return Some(Err(kitchen.refuse(at, too_new())));
    }
    let mut functions = Functions(false);
    making.call.args.visit_with(&mut functions);
    let literal = |arg: &ExprOrSpread| {
        matches!(crate::syntax::bare(&arg.expr), Expr::Object(object)
            if object.props.iter().all(|prop| matches!(prop, PropOrSpread::Prop(prop) if prop.is_key_value())))
    };
    if functions.0 || !making.call.args.iter().all(literal) {
        let detail = format!("{PACKAGE}: handleAuth with functions of the project");
        return Some(Err(kitchen.refuse(at, detail)));
    }
    let mut file = WebNative::new(&["GET", "POST"]);
    file.notes.extend([
        Note::Auto405,
        Note::AutoHead,
        Note::AutoOptions,
        Note::BodyLimit,
        Note::CookieSpelling,
        Note::JsonCharset,
        Note::MalformedJson,
        Note::NoEtag,
        Note::RedirectBody,
    ]);
    kitchen.export(&mut file, &making, true);
    Some(Ok(file))
}

/// Whether there is a function, or a name that may stand for one.
struct Functions(bool);

impl Visit for Functions {
    fn visit_arrow_expr(&mut self, _: &ArrowExpr) {
        self.0 = true;
    }
    fn visit_function(&mut self, _: &Function) {
        self.0 = true;
    }
    fn visit_expr(&mut self, node: &Expr) {
        match node {
            // What is called is the library's, as `handleLogin({ … })`.
            Expr::Call(call) => call.args.visit_with(self),
            Expr::Ident(_) => self.0 = true,
            _ => node.visit_children_with(self),
        }
    }
}

//! Modules that API files import. In: the project. Out: for each function that is handed the
//! request or the response, a [`Shared`]: whether it answers, and what its web form takes.
//! A function that cannot be carried over says why, and every caller is refused for that.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock, RwLock};

use elsa::sync::FrozenMap;
use swc_core::ecma::ast::{Expr, Pat};

use crate::edit::Edits;
use crate::emit::carrier::{self, Context, Helper, Lowered};
use crate::emit::handler_types;
use crate::emit::shared_module::plain_parameters;
use crate::emit::style::{Style, template_ranges};
use crate::facts::api_module::{ApiModule, Exports, Function, WrapperCall, param_id, refuse_at};
use crate::facts::effect::{Carrier, Effect, HeaderMode, Kind, Replies, Role, SetHeader};
use crate::facts::in_action::InAction;
use crate::facts::members::{self, Told};
use crate::facts::route::Route;
use crate::flow::{self, Reading};
use crate::handler;
use crate::injecting::{self, Declared, Injecting, Merged};
use crate::libraries::cors_calls;
use crate::libraries::router_factory::{self, Factory, Library};
use crate::libraries::{self, next_auth};
use crate::middleware::{self, Middleware};
use crate::next_version::{Feature, NextVersion};
use crate::outcome::{Place, Refusal};
use crate::passed_on::Listed;
use crate::project::Project;
use crate::reason::{Note, Reason};
use crate::request_types;
use crate::revalidation::Pages;
use crate::shared_forms::Names;
use crate::source::Source;
use crate::specialise::{Case, Constant};
use crate::syntax::{Id, bare, id, member};
use crate::wrapping::{self, Callback, Takes, Wrapping};

/// Which function of which module, called with which of its parameters as request and response.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The module.
    pub file: String,
    /// The name that binds the function there.
    pub name: String,
    /// What the arguments are.
    pub roles: Vec<Option<Role>>,
}

/// A function that several routes may share, and what its web form takes and gives.
#[derive(Debug)]
pub struct Shared {
    /// Which it is.
    pub key: Key,
    /// Whether it answers.
    pub replies: Replies,
    /// For one that answers on some paths: whether what it gives back is truthy when it has
    /// answered, and falsy when not (`true`), or the other way round (`false`).
    pub answered: Option<bool>,
    /// Whether it gives back something where it has not answered.
    pub gives: bool,
    /// Whether the web form takes the request.
    pub request: bool,
    /// Whether it wants a `NextRequest`.
    pub next_request: bool,
    /// Whether it takes the path parameters.
    pub params: bool,
    /// Whether it takes the headers of the answer, because it sets some and gives back control.
    pub headers: bool,
    /// Whether it reads the body.
    pub body: bool,
    /// Whether the web form is async, and the old one was not.
    pub becomes_async: bool,
    /// Differences that it brings.
    pub notes: BTreeSet<Note>,
    /// The names of the headers that it sets.
    pub header_names: BTreeSet<String>,
    /// The headers, in lower case, that it reads after they are set, adds to or removes.
    pub adds: BTreeSet<String>,
    /// The helpers of the generated module that it calls.
    pub helpers: BTreeSet<Helper>,
    /// The functions of modules that it calls in turn.
    pub calls: BTreeSet<Key>,
    /// The parameter that it calls with the request.
    pub callback: Option<Called>,
    /// Where it hands the headers of the answer to that function, behind how many arguments that are
    /// neither the request nor the response.
    pub hands_headers: Option<usize>,
    /// Whether it answers errors of what it calls.
    pub answers_errors: bool,
    /// Whether headers are set where something may still throw before the answer.
    pub early_headers: bool,
    /// For a wrapper: what is put on the request around it.
    pub values: Values,
    /// For a wrapper: how the web form of the handler is called.
    pub wrapper: Option<Wrapper>,
    /// For a middleware: what it is.
    pub middleware: Option<Arc<Middleware>>,
    /// How it fits into a Server Action.
    pub in_action: InAction,
    /// Why it cannot be carried over.
    pub refusals: Vec<Refusal>,
}

/// What wrappers put on the request.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// What those around a wrapper have put there, and it takes behind the context.
    pub takes: Vec<String>,
    /// What it puts there itself.
    pub puts: Vec<String>,
    /// What the handler gets behind the context, when it gets nothing else.
    pub gives: Vec<String>,
}

impl Values {
    /// The values of a wrapper that stands inside others; one that only passes its handler on to
    /// them has none of its own.
    ///
    /// # Errors
    /// What does not fit.
    fn inside(around: &[&Shared], own: Values, part: &Part) -> Result<Values, String> {
        let Some(outermost) = around.first() else {
            return Ok(own);
        };
        let mut all = Values {
            takes: outermost.values.takes.clone(),
            ..Values::default()
        };
        let mut given = all.takes.clone();
        let passes = part.wrapping.as_ref().is_some_and(|found| found.passes);
        let own = (!passes).then(|| ("the function inside them", &own, part.context()));
        let outer = around.iter().map(|shared| {
            let context = shared.wrapper.is_some_and(|wrapper| wrapper.context);
            (&*shared.key.name, &shared.values, context)
        });
        for (name, values, context) in outer.chain(own) {
            if let Some(put) = values.puts.iter().find(|put| all.puts.contains(put)) {
                return Err(format!("{name} may put req.{put} there anew"));
            }
            if !given.starts_with(&values.takes) {
                let reads = values.takes.join(", req.");
                return Err(format!(
                    "{name} reads req.{reads}, which nothing around it hands over"
                ));
            }
            all.puts.extend(values.puts.iter().cloned());
            if context {
                given.clone_from(&values.gives);
            }
        }
        all.gives = given;
        Ok(all)
    }
}

/// A wrapper's web form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrapper {
    /// Which call's arguments hold the handler, the first call's being 0, and which it is.
    pub handler: (usize, usize),
    /// How many arguments the handler gets behind the request and the context.
    pub extras: usize,
    /// Whether the context is named, because something is behind it or the path parameters are read;
    /// otherwise what comes behind the request is passed on as it is.
    pub context: bool,
    /// For one that takes the handler out of a map of methods: how.
    pub map: Option<FromMap>,
}

/// The parameter of a function that it calls with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Called {
    /// Which parameter it is.
    pub at: usize,
    /// How many arguments it is called with behind the request and the response.
    pub extras: usize,
    /// How the function is taken out of it, when it is a map of methods.
    pub map: Option<FromMap>,
    /// Whether an error of a function that becomes async is seen where it was seen before.
    pub awaited: bool,
}

/// How a handler is taken out of a map of methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FromMap {
    /// How the map spells the methods.
    pub case: Case,
    /// Whether it may be given a handler instead of the map.
    pub or_handler: bool,
}

impl FromMap {
    fn of(takes: &Takes) -> FromMap {
        FromMap {
            case: takes.case,
            or_handler: takes.or_handler,
        }
    }
}

/// A function on its way to its web form.
pub struct Part<'m> {
    /// Which it is.
    pub key: Key,
    /// Its module.
    pub module: ApiModule<'m>,
    /// The function as it is declared.
    pub declared: Function<'m>,
    /// The function that takes the request: the declared one, or the one that a wrapper gives back.
    pub function: Function<'m>,
    /// The wrapper.
    pub wrapping: Option<Wrapping<'m>>,
    /// The parameter that it calls with the request.
    pub callback: Option<Callback>,
    /// What it does.
    pub reading: Reading<'m>,
    /// Whether the path parameters are a promise.
    pub awaits_params: bool,
}

impl Part<'_> {
    /// Whether it takes the headers of the answer, because it reads them, or sets some and gives
    /// back control.
    pub fn takes_headers(&self) -> bool {
        let leaks = self.reading.replies() != Replies::Always && self.reading.leaks;
        self.wrapping.is_none() && (leaks || self.reading.reads_headers)
    }

    /// The parameter that it calls with the request.
    fn called(&self) -> Option<Called> {
        let callback = self.callback.as_ref()?;
        let seen = |effect: &Effect| match &effect.kind {
            Kind::CallCarrier {
                callee: Carrier::Handler(_),
                awaited,
                ..
            } => *awaited || !effect.tried,
            _ => true,
        };
        Some(Called {
            at: callback.at,
            extras: callback.extras,
            map: callback.takes.as_ref().map(FromMap::of),
            awaited: self.reading.effects.iter().all(seen),
        })
    }

    /// The wrappers that stand around a wrapper's own function, the outermost first.
    pub fn around(&self) -> Vec<&Shared> {
        let calls = self.wrapping.iter().flat_map(|wrapping| &wrapping.around);
        calls.map(|call| &*call.shared).collect()
    }

    /// Why these cannot stay around it.
    fn around_refusal(&self) -> Option<(Reason, String)> {
        let around = self.around();
        let errors = around.iter().any(|shared| shared.answers_errors);
        if errors && self.reading.early_headers {
            let detail = "set before an error that the function around it answers";
            return Some((Reason::HeaderInCallback, detail.to_string()));
        }
        let own = added_headers(&self.reading);
        let inner = around.iter().map(|shared| &shared.adds).chain([&own]);
        let hidden = inner.enumerate().any(|(at, adds)| {
            let mut outer = around[..at].iter();
            outer.any(|outer| meet(adds, &outer.header_names))
        });
        let detail = "added to those of the function around it";
        hidden.then(|| (Reason::HeaderInCallback, detail.to_string()))
    }

    /// Whether a wrapper names the context, because the handler gets something behind it, or the
    /// path parameters are read.
    pub fn context(&self) -> bool {
        let reads = |effect: &Effect| match &effect.kind {
            Kind::ReadQuery { .. } | Kind::DestructureQuery { .. } | Kind::WholeQuery => true,
            Kind::DestructureRequest { parts, nested, .. } => {
                parts.iter().any(|(part, _)| part == "query")
                    || nested.iter().any(|(part, _)| part == "query")
            }
            _ => matches!(effect.carrier(), Some((Carrier::Shared(shared), _)) if shared.params),
        };
        // The functions of a map take what they need, and only a name has one type for all.
        let named = |found: &Wrapping| {
            let behind = found.extras > 0 || !found.passes && found.closure.params.len() > 2;
            let mut around = found.around.iter().filter_map(|call| call.shared.wrapper);
            behind || found.takes.is_some() || around.any(|wrapper| wrapper.context)
        };
        self.wrapping.as_ref().is_some_and(named) || self.reading.effects.iter().any(reads)
    }
}

/// Finds the functions of other modules.
pub trait Follow: Sync {
    /// The function that an expression in a module stands for, when it is one of the project's.
    fn follow(
        &self,
        module: &ApiModule,
        callee: &Expr,
        roles: &[Option<Role>],
    ) -> Option<Arc<Shared>>;

    /// The wrapper that an expression in a module stands for.
    fn wrapper(&self, module: &ApiModule, callee: &Expr) -> Option<Arc<Shared>>;

    /// Whether an expression in a module stands for a function of the project that does nothing
    /// but collect the bytes of the request, and whether that gives them as text.
    fn collects_bytes(&self, module: &ApiModule, callee: &Expr) -> Option<bool>;

    /// Whether an expression in a module stands for a function of the project that hands what it is
    /// given to next-auth's `getServerSession`.
    fn forwards_session(&self, module: &ApiModule, callee: &Expr) -> bool;

    /// What a wrapper does with requests of these methods when it is called with these arguments.
    fn wraps(&self, shared: &Shared, call: &WrapperCall, methods: &[String]) -> Wraps;
}

/// What a wrapper does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wraps {
    /// It calls the handler and does nothing else.
    Nothing,
    /// It answers 405 and does nothing else.
    Refuses,
    /// Anything else.
    Something,
}

/// The parsed modules of a project.
pub struct Sources<'p> {
    project: &'p Project,
    parsed: FrozenMap<String, Box<Option<Text>>>,
    /// Modules as they are, where they may have to do with `cors`.
    raw: FrozenMap<String, Box<Option<Source>>>,
    merged: OnceLock<BTreeMap<String, Merged>>,
}

/// A parsed module, with its middlewares written anew.
struct Text {
    source: Source,
    middlewares: Vec<Arc<Middleware>>,
    factories: Vec<Arc<Factory>>,
    injecting: Vec<Arc<Injecting>>,
    /// What its calls of `cors` were before they were written out.
    cors: Option<Arc<cors_calls::Written>>,
}

impl cors_calls::Files for Sources<'_> {
    fn raw(&self, file: &str) -> Option<&Source> {
        if let Some(known) = self.raw.get(file) {
            return known.as_ref();
        }
        let text = self.project.files.get(file)?.text.clone();
        let text = text.filter(|text| cors_calls::speaks_of_it(text) || text.contains(" from "));
        let source = text.and_then(|text| self.project.parse(file, text).ok());
        let known = self.raw.insert(file.to_string(), Box::new(source));
        known.as_ref()
    }

    fn resolved(&self, file: &str, specifier: &str) -> Option<String> {
        self.resolve(file, specifier)
    }
}

impl cors_calls::Files for Modules<'_> {
    fn raw(&self, file: &str) -> Option<&Source> {
        cors_calls::Files::raw(self.sources, file)
    }

    fn resolved(&self, file: &str, specifier: &str) -> Option<String> {
        self.resolve(file, specifier)
    }
}

impl<'p> Sources<'p> {
    /// None parsed yet.
    pub fn new(project: &'p Project) -> Sources<'p> {
        Sources {
            project,
            parsed: FrozenMap::new(),
            raw: FrozenMap::new(),
            merged: OnceLock::new(),
        }
    }

    fn resolve(&self, file: &str, specifier: &str) -> Option<String> {
        let imports = &self.project.files.get(file)?.imports;
        let import = imports
            .iter()
            .find(|import| import.specifier == specifier)?;
        import.resolved.clone()
    }

    /// What the project adds to the request of Next.js, as far as other files can name the types.
    fn merged(&self) -> &BTreeMap<String, Merged> {
        self.merged.get_or_init(|| {
            let mut all = BTreeMap::new();
            for (path, file) in &self.project.files {
                let Some(text) = file
                    .text
                    .as_ref()
                    .filter(|text| text.contains("declare module") && text.contains("interface "))
                else {
                    continue;
                };
                let Ok(source) = self.project.parse(path, text.clone()) else {
                    continue;
                };
                for (member, kind) in request_types::merged(&source) {
                    let resolve = |specifier: &str| self.resolve(path, specifier);
                    if let Some(names) = request_types::origins(&source, &kind, &resolve) {
                        all.insert(member, (kind, names));
                    }
                }
            }
            all
        })
    }

    /// What the type of a request that a file imports says of a member.
    fn declared(&self, file: &str, specifier: &str, name: &str, member: &str) -> Declared {
        let there = self.resolve(file, specifier);
        let text = there.as_ref().and_then(|there| {
            let file = self.project.files.get(there)?;
            self.project.parse(there, file.text.clone()?).ok()
        });
        let members = text
            .as_ref()
            .and_then(|source| request_types::own_members(source, name));
        let (Some(there), Some(source), Some(members)) = (there, text, members) else {
            return Declared::Unknown;
        };
        let Some(kind) = members.get(member) else {
            return Declared::Absent;
        };
        let resolve = |specifier: &str| self.resolve(&there, specifier);
        match request_types::origins(&source, kind, &resolve) {
            Some(names) => Declared::Known((kind.clone(), names)),
            None => Declared::Unknown,
        }
    }

    fn of(&self, file: &str) -> Option<&Source> {
        Some(&self.text(file)?.source)
    }

    fn text(&self, file: &str) -> Option<&Text> {
        if let Some(known) = self.parsed.get(file) {
            return known.as_ref();
        }
        let text = self.project.files.get(file)?.text.clone();
        let source = text.and_then(|text| self.project.parse(file, text).ok());
        let text = source.map(|source| self.anew(file, source));
        self.parsed
            .insert(file.to_string(), Box::new(text))
            .as_ref()
    }

    /// A module with its middlewares, and the wrappers that put values on the request, written anew.
    fn anew(&self, file: &str, source: Source) -> Text {
        let cors = self.without_cors(file, &source);
        let (source, cors) = cors.map_or((source, None), |(anew, cors)| (anew, Some(cors)));
        let parse = |source: &Source, edits: &Edits| {
            let text = edits.render(&source.text, 0..source.text.len()).ok()?;
            self.project.parse(file, Arc::from(text)).ok()
        };
        let around = injecting::Around {
            parse: &parse,
            resolve: &|specifier| self.resolve(file, specifier),
            merged: &|member| self.merged().get(member).cloned(),
            declared: &|specifier, name, member| self.declared(file, specifier, name, member),
        };
        let (source, injecting) = injecting::anew(&source, &around).unwrap_or((source, Vec::new()));
        let injecting: Vec<Arc<Injecting>> = injecting.into_iter().map(Arc::new).collect();
        let mut edits = Edits::default();
        let read = ApiModule::library(&source).ok();
        let module = read.and_then(|(module, _)| module);
        let middlewares = module
            .as_ref()
            .map(|module| middleware::plain(module, &mut edits));
        let middlewares = middlewares.unwrap_or_default();
        let imports = imports_of(&source);
        let none = HashMap::new();
        let library = Library {
            source: &source,
            functions: module.as_ref().map_or(&none, |module| &module.functions),
            imports: &imports,
        };
        let factories = router_factory::factories(&library, &mut edits);
        let parsed = (!edits.is_empty()).then(|| {
            let text = edits.render(&source.text, 0..source.text.len()).ok()?;
            Some(Text {
                source: self.project.parse(file, Arc::from(text)).ok()?,
                middlewares: middlewares.into_iter().map(Arc::new).collect(),
                factories: factories.into_iter().map(Arc::new).collect(),
                injecting: injecting.clone(),
                cors: cors.clone(),
            })
        });
        let parsed = parsed.flatten();
        parsed.unwrap_or(Text {
            source,
            middlewares: Vec::new(),
            factories: Vec::new(),
            injecting,
            cors,
        })
    }

    /// A module with its calls of `cors` written out.
    fn without_cors(
        &self,
        file: &str,
        source: &Source,
    ) -> Option<(Source, Arc<cors_calls::Written>)> {
        if !cors_calls::speaks_of_it(&source.text) && !source.text.contains("await ") {
            return None;
        }
        let (_, exports) = ApiModule::library(source).ok()?;
        let exported = exports.own.into_values().collect();
        let written = cors_calls::written(self, source, &exported)?.ok()?;
        let text = Arc::from(written.text.as_str());
        let anew = self.project.parse(file, text).ok()?;
        Some((anew, Arc::new(written)))
    }
}

/// What the functions of an app's modules do.
pub struct Modules<'s> {
    sources: &'s Sources<'s>,
    next: NextVersion,
    pages: &'s Pages,
    libraries: FrozenMap<String, Box<Parsed<'s>>>,
    known: RwLock<HashMap<Key, Arc<Shared>>>,
    /// Whether other classes extend one of a name.
    heirs: FrozenMap<String, Box<bool>>,
    /// What files import by specifiers that were written into them: file and specifier.
    written: RwLock<HashMap<(String, String), String>>,
}

type Parsed<'s> = (Option<ApiModule<'s>>, Exports);

thread_local! {
    /// The functions that are being read, the innermost last.
    static READING: RefCell<Vec<Key>> = const { RefCell::new(Vec::new()) };
}

/// How many re-exports are followed one after another.
const MAX_PASSED: usize = 16;

impl<'s> Modules<'s> {
    /// The modules of an app that is on this version of Next.js.
    pub fn new(sources: &'s Sources<'s>, next: NextVersion, pages: &'s Pages) -> Modules<'s> {
        Modules {
            sources,
            next,
            pages,
            libraries: FrozenMap::new(),
            known: RwLock::default(),
            heirs: FrozenMap::new(),
            written: RwLock::default(),
        }
    }

    /// The project.
    pub fn project(&self) -> &'s Project {
        self.sources.project
    }

    fn parsed(&self, file: &str) -> Option<&Parsed<'s>> {
        if let Some(known) = self.libraries.get(file) {
            return Some(known);
        }
        let source = self.sources.of(file)?;
        let library = ApiModule::library(source).unwrap_or_default();
        Some(self.libraries.insert(file.to_string(), Box::new(library)))
    }

    /// The outline of a module.
    pub fn library<'m>(&'m self, file: &str) -> Option<ApiModule<'m>>
    where
        's: 'm,
    {
        let module = self.parsed(file)?.0.as_ref()?;
        Some(ApiModule {
            source: module.source,
            handler: module.handler.clone(),
            default_export: None,
            functions: module.functions.clone(),
            config: None,
            named_exports: Vec::new(),
            handler_exported: false,
            imports: module.imports.clone(),
            follow: Some(self),
            library: true,
            owner: None,
            wrapper: None,
            wrapped: None,
            takes: None,
            wrappers: Vec::new(),
            chained: false,
        })
    }

    /// The middleware that a name binds in a module.
    pub fn middleware(&self, file: &str, name: &str) -> Option<Arc<Middleware>> {
        let own = &self.sources.text(file)?.middlewares;
        own.iter().find(|own| own.name == name).cloned()
    }

    /// The router factory, or the options of one, that a name binds in a module.
    pub fn factory(&self, file: &str, name: &str) -> Option<Arc<Factory>> {
        let own = &self.sources.text(file)?.factories;
        own.iter().find(|own| own.name == name).cloned()
    }

    /// The router factories of a module.
    pub fn factories(&self, file: &str) -> &[Arc<Factory>] {
        let text = self.sources.text(file);
        text.map_or(&[], |text| &text.factories)
    }

    /// The wrapper that a name binds in a module, where it puts values on the request.
    pub fn injecting(&self, file: &str, name: &str) -> Option<Arc<Injecting>> {
        let own = &self.sources.text(file)?.injecting;
        own.iter().find(|own| own.name == name).cloned()
    }

    /// The functions of a module that are written anew, with their statements as they were.
    pub fn originals(&self, file: &str) -> Vec<(&str, &str)> {
        let Some(text) = self.sources.text(file) else {
            return Vec::new();
        };
        let middlewares = text.middlewares.iter();
        let wrappers = text.injecting.iter();
        let middlewares = middlewares.map(|own| (&*own.name, &*own.original));
        let wrappers = wrappers.map(|own| (&*own.name, &*own.original));
        let first = text.cors.iter().flat_map(|cors| &cors.originals);
        let first: Vec<(&str, &str)> = first.map(|(name, text)| (&**name, &**text)).collect();
        // What was written anew twice is as it was at first.
        let later = middlewares.chain(wrappers);
        let later = later.filter(|(name, _)| !first.iter().any(|(known, _)| known == name));
        first.iter().copied().chain(later).collect()
    }

    /// What a module has for its calls of `cors`, and needs no more where these are written out.
    pub fn spared(&self, file: &str) -> &[String] {
        let text = self.sources.text(file);
        let cors = text.and_then(|text| text.cors.as_ref());
        cors.map_or(&[], |cors| &cors.spared)
    }

    /// The names that importers of a module use for one of its bindings.
    pub fn exported_as(&self, file: &str, name: &str) -> Vec<String> {
        let Some((_, exports)) = self.parsed(file) else {
            return Vec::new();
        };
        let own = exports.own.iter();
        let mut names: Vec<String> = own
            .filter(|(_, binding)| *binding.0 == *name)
            .map(|(exported, _)| exported.clone())
            .collect();
        names.sort();
        names
    }

    /// The parsed module.
    pub fn source(&self, file: &str) -> Option<&'s Source> {
        self.sources.of(file)
    }

    /// The names by which a file passes on an exported name of another.
    pub fn exported_as_of(&self, file: &str, from: &str, name: &str) -> Vec<String> {
        let Some((_, exports)) = self.parsed(file) else {
            return vec![name.to_string()];
        };
        let comes = |specifier: &str| self.resolve(file, specifier).as_deref() == Some(from);
        let mut names: Vec<String> = exports
            .passed
            .iter()
            .filter(|(_, (specifier, original))| {
                comes(specifier) && (original == name || original == "*")
            })
            .map(|(exported, _)| exported.clone())
            .collect();
        if exports.all.iter().any(|specifier| comes(specifier)) {
            names.push(name.to_string());
        }
        names.sort();
        names
    }

    /// Whether a file passes on a name of another by a list.
    pub fn lists(&self, file: &str, from: &str, name: &str) -> bool {
        let Some((_, exports)) = self.parsed(file) else {
            return true;
        };
        exports.passed.values().any(|(specifier, original)| {
            original == name && self.resolve(file, specifier).as_deref() == Some(from)
        })
    }

    /// What each imported name of a file stands for; nothing where that cannot be read.
    fn imports(&self, file: &str) -> HashMap<Id, (String, String)> {
        match self.parsed(file) {
            Some((Some(module), _)) => module.imports.clone(),
            _ => self.sources.of(file).map(imports_of).unwrap_or_default(),
        }
    }

    /// Whether another name of the module that declares a function can be imported in a file where
    /// the function itself is: from that module, or from one that passes everything on.
    pub fn passes_more(&self, file: &str, key: &Key) -> bool {
        let target = (key.file.clone(), key.name.clone());
        let imports = self.imports(file);
        imports.values().all(|(from, original)| {
            let Some(from) = self.resolve(file, from) else {
                return true;
            };
            let of_it = match original.as_str() {
                "*" => self.exported_names(&from, &target),
                name => self.exported(&from, name, 0).as_ref() == Some(&target),
            };
            !of_it || self.passes_all(&from, &key.file, 0)
        })
    }

    /// The lists through which a file imports a function; `None` where something else than lists and
    /// `export *` passes it on.
    pub fn lists_between(&self, file: &str, key: &Key) -> Option<Vec<Listed>> {
        let target = (key.file.clone(), key.name.clone());
        let mut found = Vec::new();
        for (from, original) in self.imports(file).values() {
            let Some(from) = self.resolve(file, from) else {
                continue;
            };
            if original == "*" {
                if self.exported_names(&from, &target) && !self.passes_all(&from, &key.file, 0) {
                    return None;
                }
            } else if self.exported(&from, original, 0).as_ref() == Some(&target) {
                found.extend(self.lists_on_the_way(&from, original, &target, 0)?);
            }
        }
        Some(found)
    }

    fn lists_on_the_way(
        &self,
        file: &str,
        name: &str,
        target: &(String, String),
        passed: usize,
    ) -> Option<Vec<Listed>> {
        if *file == *target.0 {
            return Some(Vec::new());
        }
        let (_, exports) = self.parsed(file).filter(|_| passed < MAX_PASSED)?;
        if exports.own.contains_key(name) {
            return None;
        }
        if let Some((from, original)) = exports.passed.get(name) {
            let from = self.resolve(file, from)?;
            let mut found = self.lists_on_the_way(&from, original, target, passed + 1)?;
            found.push((file.to_string(), name.to_string()));
            return Some(found);
        }
        exports.all.iter().find_map(|from| {
            let from = self.resolve(file, from)?;
            let stands = self.exported(&from, name, 0).as_ref() == Some(target);
            stands.then(|| self.lists_on_the_way(&from, name, target, passed + 1))?
        })
    }

    /// Whether a module exports a function under any name.
    fn exported_names(&self, file: &str, target: &(String, String)) -> bool {
        let Some((_, exports)) = self.parsed(file) else {
            return true;
        };
        let mut names = exports.own.keys().chain(exports.passed.keys());
        names.any(|name| self.exported(file, name, 0).as_ref() == Some(target))
    }

    /// Whether a module is another, or passes on everything that the other exports.
    fn passes_all(&self, file: &str, of: &str, passed: usize) -> bool {
        if file == of {
            return true;
        }
        let Some((_, exports)) = self.parsed(file).filter(|_| passed < MAX_PASSED) else {
            return false;
        };
        let mut all = exports
            .all
            .iter()
            .filter_map(|from| self.resolve(file, from));
        all.any(|from| self.passes_all(&from, of, passed + 1))
    }

    /// The names that a function of a module has in a file: its own, or those of imports.
    pub fn local_names(&self, file: &str, of: &str, name: &str) -> Vec<String> {
        // A member has one name wherever its owner comes.
        if members::split(name).is_some() {
            return vec![members::last(name).to_string()];
        }
        if file == of {
            return vec![name.to_string()];
        }
        let imports = self.imports(file);
        let target = Some((of.to_string(), name.to_string()));
        let mut names: Vec<String> = imports
            .iter()
            .filter(|(_, (from, original))| {
                let Some(from) = self.resolve(file, from) else {
                    return false;
                };
                // Of a whole module any member may be meant.
                original == "*" && from == of || self.exported_value(&from, original, 0) == target
            })
            .map(|(local, (_, original))| match original.as_str() {
                "*" => name.to_string(),
                _ => local.0.to_string(),
            })
            .collect();
        names.sort();
        names
    }

    /// The file and the binding there that an exported name of a file stands for.
    fn exported(&self, file: &str, name: &str, passed: usize) -> Option<(String, String)> {
        let (file, name) = self.exported_value(file, name, passed)?;
        function(self.parsed(&file)?.0.as_ref()?, &name)?;
        Some((file, name))
    }

    /// The same for anything that is exported.
    fn exported_value(&self, file: &str, name: &str, passed: usize) -> Option<(String, String)> {
        if passed > MAX_PASSED {
            return None;
        }
        let (module, exports) = self.parsed(file)?;
        if let Some(own) = exports.own.get(name) {
            return match module.as_ref().and_then(|module| module.imports.get(own)) {
                Some((from, original)) => {
                    self.exported_value(&self.resolve(file, from)?, original, passed + 1)
                }
                None => Some((file.to_string(), own.0.to_string())),
            };
        }
        if let Some((from, original)) = exports.passed.get(name) {
            return self.exported_value(&self.resolve(file, from)?, original, passed + 1);
        }
        exports
            .all
            .iter()
            .find_map(|from| self.exported_value(&self.resolve(file, from)?, name, passed + 1))
    }

    /// The file and the binding there that a name stands for that a file imports from a specifier.
    pub fn exported_by(&self, file: &str, from: &str, name: &str) -> Option<(String, String)> {
        self.exported_value(&self.resolve(file, from)?, name, 0)
    }

    fn resolve(&self, file: &str, specifier: &str) -> Option<String> {
        let imports = &self.project().files.get(file)?.imports;
        let import = imports.iter().find(|import| import.specifier == specifier);
        match import {
            Some(import) => import.resolved.clone(),
            None => {
                let key = (file.to_string(), specifier.to_string());
                let written = self.written.read().expect("no panics while held");
                written.get(&key).cloned()
            }
        }
    }

    /// The file that a file imports by a specifier.
    pub fn imported_file(&self, file: &str, specifier: &str) -> Option<String> {
        self.resolve(file, specifier)
    }

    /// Notes that a file is made to import another.
    pub fn imports_now(&self, file: &str, specifier: &str, target: &str) {
        let key = (file.to_string(), specifier.to_string());
        let mut written = self.written.write().expect("no panics while held");
        written.insert(key, target.to_string());
    }

    /// The file and the binding there that an imported name, a member of a whole module, or what a
    /// call of these gives back stands for in a file with these imports.
    pub fn named(
        &self,
        file: &str,
        imports: &HashMap<Id, (String, String)>,
        expr: &Expr,
    ) -> Option<(String, String)> {
        let imported = |name: &Id, member: Option<&str>| {
            let (from, original) = imports.get(name)?;
            let original = member.unwrap_or(original);
            self.exported_value(&self.resolve(file, from)?, original, 0)
        };
        match crate::syntax::bare(expr) {
            Expr::Ident(name) => imported(&id(name), None),
            Expr::Call(call) => self.named(file, imports, call.callee.as_expr()?),
            other => {
                let (object, name) = member(other)?;
                let Expr::Ident(object) = object else {
                    return None;
                };
                let object = id(object);
                (imports.get(&object)?.1 == "*").then(|| imported(&object, Some(&name)))?
            }
        }
    }

    /// The file and the binding there that an expression stands for.
    fn target(&self, module: &ApiModule, callee: &Expr) -> Option<(String, String)> {
        let file = &module.source.path;
        let imported = |name: &Id, exported: Option<&str>| {
            let (from, original) = module.imports.get(name)?;
            let original = exported.unwrap_or(original);
            self.exported(&self.resolve(file, from)?, original, 0)
        };
        match callee {
            Expr::Ident(name) => {
                let name = id(name);
                if module.library && module.functions.contains_key(&name) {
                    return Some((file.clone(), name.0.to_string()));
                }
                imported(&name, None)
            }
            // `requireRole('admin')` gives back a middleware.
            Expr::Call(_) => {
                let mut callee = callee;
                let mut calls = 0;
                while let Expr::Call(call) = callee {
                    callee = crate::syntax::bare(call.callee.as_expr()?);
                    calls += 1;
                }
                let (file, name) = self.target(module, callee)?;
                let middleware = self.middleware(&file, &name)?;
                (middleware.layers == calls).then_some((file, name))
            }
            _ => {
                let (object, name) = member(callee)?;
                if let Expr::Ident(object) = object
                    && let object = id(object)
                    && module.imports.get(&object).is_some_and(|(_, of)| of == "*")
                {
                    return imported(&object, Some(&name));
                }
                self.member_of(module, object, &name)
            }
        }
    }

    /// The file and the name there of a method of an object or a class.
    fn member_of(&self, module: &ApiModule, object: &Expr, name: &str) -> Option<(String, String)> {
        let file = &module.source.path;
        match bare(object) {
            Expr::This(_) => {
                let name = members::name(module.owner.as_ref()?, name);
                function(module, &name)?;
                Some((file.clone(), name))
            }
            Expr::Ident(object) => {
                let object = id(object);
                if let Some(there) = self.named_member(file, &object.0, name, 0) {
                    return Some(there);
                }
                let (file, class) = match members::told(module.source, &object)? {
                    Told::Class(class) => (file.clone(), class),
                    Told::Call(callee) => {
                        let (file, maker) = self.target(module, &callee)?;
                        let library = self.library(&file)?;
                        let gives = function(&library, &maker)?.return_type.clone()?;
                        let class = library.source.text[gives].trim_start_matches(':').trim();
                        (file.clone(), class.to_string())
                    }
                };
                self.named_member(&file, &class, name, 0)
            }
            _ => None,
        }
    }

    /// The same for an object or a class by the name that it has in a file.
    fn named_member(
        &self,
        file: &str,
        owner: &str,
        name: &str,
        passed: usize,
    ) -> Option<(String, String)> {
        let (module, _) = self.parsed(file)?;
        let module = module.as_ref()?;
        let member = members::name(owner, name);
        if function(module, &member).is_some() {
            let heir = self.has_heirs(owner);
            return (!heir).then(|| (file.to_string(), member));
        }
        let mut imports = module.imports.iter();
        let (_, (from, original)) = imports.find(|(local, _)| *local.0 == *owner)?;
        let from = self.resolve(file, from)?;
        self.exported_member(&from, original, name, passed + 1)
    }

    /// Whether a class of the project extends one of this name.
    fn has_heirs(&self, class: &str) -> bool {
        if let Some(known) = self.heirs.get(class) {
            return *known;
        }
        let extends = format!("extends {class}");
        let mut files = self.project().files.values();
        let found = files.any(|file| {
            let text = file.text.as_ref();
            text.is_some_and(|text| text.contains(&extends))
        });
        *self.heirs.insert(class.to_string(), Box::new(found))
    }

    /// The same for one that a file exports.
    fn exported_member(
        &self,
        file: &str,
        owner: &str,
        name: &str,
        passed: usize,
    ) -> Option<(String, String)> {
        if passed > MAX_PASSED {
            return None;
        }
        let (module, exports) = self.parsed(file)?;
        let pass = |from: &str, original: &str| {
            let from = self.resolve(file, from)?;
            self.exported_member(&from, original, name, passed + 1)
        };
        if let Some(own) = exports.own.get(owner) {
            if let Some(there) = self.named_member(file, &own.0, name, passed + 1) {
                return Some(there);
            }
            let module = module.as_ref()?;
            return match members::told(module.source, own)? {
                Told::Class(class) => self.named_member(file, &class, name, passed + 1),
                Told::Call(_) => None,
            };
        }
        if let Some((from, original)) = exports.passed.get(owner) {
            return pass(from, original);
        }
        exports.all.iter().find_map(|from| pass(from, owner))
    }

    /// The module that declares the function which an expression stands for, and its name there.
    fn declared<'m>(&'m self, module: &ApiModule, callee: &Expr) -> Option<(ApiModule<'m>, Id)> {
        let (file, name) = self.target(module, callee)?;
        let library = self.library(&file)?;
        let mut names = library.functions.keys();
        let name = names.find(|known| *known.0 == *name)?.clone();
        Some((library, name))
    }

    /// What a function does.
    pub fn shared(&self, key: &Key) -> Option<Arc<Shared>> {
        if let Some(known) = self.known.read().expect("no panics while held").get(key) {
            return Some(known.clone());
        }
        let module = self.library(&key.file)?;
        let function = function(&module, &key.name)?;
        let again = READING.with_borrow(|reading| reading.contains(key));
        if again {
            let refusal = refuse_at(
                module.source,
                Reason::ResEscapes,
                function.range.clone(),
                "recursion",
            );
            return Some(Arc::new(refused(key, vec![refusal])));
        }
        READING.with_borrow_mut(|reading| reading.push(key.clone()));
        let mut shared = self.summarise(key);
        READING.with_borrow_mut(|reading| reading.pop());
        for refusal in &mut shared.refusals {
            self.replace_place(key, &mut refusal.place);
        }
        let shared = Arc::new(shared);
        let mut known = self.known.write().expect("no panics while held");
        Some(known.entry(key.clone()).or_insert(shared).clone())
    }

    /// Moves a place in a function of a module that was written anew to where the same words stand
    /// in the file: in the same function, where that is as it was, or where they stand once.
    fn replace_place(&self, key: &Key, place: &mut Place) {
        let file = self.project().files.get(&place.file);
        let old = file.and_then(|file| file.text.as_deref());
        let (Some(old), Some(module)) = (old, self.library(&key.file)) else {
            return;
        };
        let new = &*module.source.text;
        // That of a function that is called was moved with it.
        let stands = |text: &str| Place::new(&place.file, text, place.start, place.end) == *place;
        let alike = old.get(place.start..place.end) == new.get(place.start..place.end);
        if place.file != key.file || old == new || stands(old) && (alike || !stands(new)) {
            return;
        }
        let whole = function(&module, &key.name).map(|function| function.statement.clone());
        let places = whole
            .into_iter()
            .chain(std::iter::once(place.start..place.end));
        for range in places.filter(|range| range.start <= place.start && place.end <= range.end) {
            let Some(words) = new.get(range.clone()).filter(|words| !words.is_empty()) else {
                continue;
            };
            let mut found = old.match_indices(words);
            if let (Some((at, _)), None) = (found.next(), found.next()) {
                let (start, end) = (place.start - range.start, place.end - range.start);
                *place = Place::new(&place.file, old, at + start, at + end);
                return;
            }
        }
        *place = Place::file_start(&place.file);
    }

    /// A function, read as it is for every method.
    pub fn part<'m>(&'m self, key: &Key) -> Option<Part<'m>>
    where
        's: 'm,
    {
        self.part_for(key, &[], Vec::new())
    }

    /// A middleware, read for these methods; `args` are what each function around it is given, the
    /// outermost first, where it is constant.
    pub fn middleware_for<'m>(
        &'m self,
        key: &Key,
        methods: &[String],
        args: &[Vec<Option<Constant>>],
    ) -> Option<Part<'m>>
    where
        's: 'm,
    {
        let part = self.part(key)?;
        let (layers, _) = middleware::innermost(part.module.source, &part.declared);
        let mut constants = Vec::new();
        for (layer, args) in layers.iter().zip(args) {
            for (pat, arg) in layer.params.iter().zip(args) {
                constants.extend(param_id(pat).zip(arg.clone()));
            }
        }
        self.part_for(key, methods, constants)
    }

    fn part_for<'m>(
        &'m self,
        key: &Key,
        methods: &[String],
        constants: Vec<(Id, Constant)>,
    ) -> Option<Part<'m>>
    where
        's: 'm,
    {
        let mut module = self.library(&key.file)?;
        let declared = function(&module, &key.name)?.clone();
        module.owner = members::split(&key.name).map(|(owner, _)| owner.to_string());
        let wrapping = match key.roles.is_empty() {
            true => {
                let follow = |callee: &Expr| self.wrapper(&module, callee);
                Some(wrapping::of(module.source, &declared, &follow)?)
            }
            false => None,
        };
        let (function, mut roles) = match &wrapping {
            Some(wrapping) if wrapping.passes => (wrapping.closure.clone(), Vec::new()),
            Some(wrapping) => {
                module.wrapped = Some(wrapping.name.clone());
                module.takes = wrapping.takes.clone();
                let roles = vec![Some(Role::Request), Some(Role::Response)];
                (wrapping.closure.clone(), roles)
            }
            // A middleware may be given back by the functions around it.
            None if self.middleware(&key.file, &key.name).is_some() => {
                let (_, inner) = middleware::innermost(module.source, &declared);
                (inner, key.roles.clone())
            }
            None => (declared.clone(), key.roles.clone()),
        };
        let callback = match &wrapping {
            Some(_) => None,
            None => wrapping::callback(&function, &roles),
        };
        if let Some(callback) = &callback {
            module.wrapped = Some(callback.name.clone());
            module.takes = callback.takes.clone();
        }
        roles.resize(function.params.len(), None);
        let reading = flow::read_with(&module, &function, &roles, methods, constants);
        Some(Part {
            key: key.clone(),
            module,
            declared,
            function,
            wrapping,
            callback,
            reading,
            awaits_params: self.next.has(Feature::AsyncRequestApis),
        })
    }

    fn summarise(&self, key: &Key) -> Shared {
        let Some(part) = self.part(key) else {
            let inside = self.refused_inside(key);
            if !inside.is_empty() {
                return refused(key, inside);
            }
            let refusal = Refusal {
                reason: Reason::WrappedHandler,
                place: Place::file_start(&key.file),
                detail: key.name.clone(),
            };
            return refused(key, vec![refusal]);
        };
        let Part {
            module,
            function,
            reading,
            wrapping,
            ..
        } = &part;
        let refuse = |reason, detail: &str| {
            let refusal = refuse_at(module.source, reason, function.range.clone(), detail);
            refused(key, vec![refusal])
        };
        if key.roles.len() > function.params.len() {
            return refuse(Reason::ResEscapes, "more arguments than parameters");
        }
        let chained = self.middleware(&key.file, &key.name).is_some();
        let injecting = self.injecting(&key.file, &key.name);
        let taken = injecting.map_or(0, |own| own.takes.len());
        let passes = wrapping.as_ref().is_some_and(|wrapping| wrapping.passes);
        let around = part.around();
        let handed = around.last().and_then(|shared| shared.wrapper);
        let taken = taken + handed.map_or(0, |wrapper| wrapper.extras);
        if wrapping.is_some() && !passes && (chained || function.params.len() > 2 + taken) {
            return refuse(Reason::WrappedHandler, "more than two parameters");
        }
        if let Some((reason, detail)) = part.around_refusal() {
            return refuse(reason, &detail);
        }
        // Where the handler is called in functions inside, each of these must be followed.
        let calls = reading
            .effects
            .iter()
            .filter(|effect| matches!(effect.carrier(), Some((Carrier::Handler(_), _))));
        if let Some(wrapping) = wrapping
            && wrapping.inner_calls > 0
            && reading.refusals.is_empty()
            && wrapping.inner_calls != calls.count()
        {
            return refuse(Reason::WrappedHandler, "called in a function inside");
        }
        let own = match self.injecting(&key.file, &key.name) {
            Some(own) if wrapping.is_some() => {
                let name = |given: &injecting::Given| given.name.clone();
                let gives = own.gives().filter(|_| own.before == 0);
                Values {
                    takes: own.takes.iter().map(name).collect(),
                    puts: own.puts.iter().map(name).collect(),
                    gives: gives.map(name).collect(),
                }
            }
            _ => Values::default(),
        };
        let values = match Values::inside(&around, own, &part) {
            Ok(values) => values,
            Err(detail) => return refuse(Reason::UnknownReqMember, &detail),
        };
        let map = wrapping.as_ref().filter(|found| found.takes.is_some());
        let beside = part.callback.as_ref().filter(|found| found.takes.is_some());
        let typed = map
            .map(|wrapping| handler_types::Given::wrapper(&part, wrapping, true))
            .or(beside.map(|callback| handler_types::Given::callback(&part, callback, true)));
        if module.source.typescript() && typed.is_some_and(|given| !given.fits()) {
            return refuse(Reason::WrappedHandler, "the type of the map of methods");
        }
        let handler = |effect: &&Effect| matches!(effect.carrier(), Some((Carrier::Handler(_), _)));
        let first = reading
            .effects
            .iter()
            .filter(handler)
            .map(|call| call.range.start)
            .min();
        let sent = |effect: &Effect| {
            let after = first.is_some_and(|first| effect.range.start > first);
            matches!(effect.kind, Kind::SentHeader { .. }) && after
        };
        if wrapping.is_some() && reading.effects.iter().any(sent) {
            return refuse(Reason::UnknownResMember, "getHeader");
        }
        let rest = |pat: &&Pat| matches!(pat, Pat::Rest(_));
        if function.params.iter().any(rest) {
            return refuse(Reason::ResEscapes, "rest parameter");
        }
        if let Err(refusal) = plain_parameters(module, function, &reading.roles) {
            return refused(key, vec![refusal]);
        }
        let mut refusals = reading.refusals.clone();
        let replies = reading.replies();
        let answers = match replies {
            Replies::Never => false,
            Replies::Sometimes => !reading.gives,
            Replies::Always => true,
        };
        if wrapping.is_some() && !passes && !answers && refusals.is_empty() {
            return refuse(Reason::NoReply, "");
        }
        if !passes && replies != Replies::Always && reading.leaks_status {
            refusals.push(refuse_at(
                module.source,
                Reason::DynamicStatus,
                function.range.clone(),
                "set by a helper that gives back control",
            ));
        }
        let replies = if passes { Replies::Always } else { replies };
        let mut calls: BTreeSet<Key> = around.iter().map(|shared| shared.key.clone()).collect();
        for effect in &reading.effects {
            if let Some((Carrier::Shared(shared), _)) = effect.carrier() {
                calls.insert(shared.key.clone());
                refusals.extend(shared.refusals.iter().cloned());
            }
        }
        let lowered = match self.lower(&part, &Names::All) {
            Ok(lowered) => lowered,
            Err(found) => {
                refusals.extend(found);
                return refused(key, refusals);
            }
        };
        if !refusals.is_empty() {
            return refused(key, refusals);
        }
        let needs = lowered.needs;
        if !needs.respelled.is_empty() {
            // Others may import the module by its old name here.
            return refuse(Reason::UnsupportedLibrary, "in a module that routes share");
        }
        let method = uses_request(&part, &lowered.dropped);
        let request = passes || needs.request || method;
        Shared {
            key: key.clone(),
            replies,
            answered: reading.answered(),
            gives: reading.gives,
            request,
            next_request: needs.next_request,
            params: needs.params || around.iter().any(|shared| shared.params),
            headers: part.takes_headers(),
            body: needs.body || around.iter().any(|shared| shared.body),
            becomes_async: needs.awaits && !function.is_async,
            notes: {
                let mut notes = needs.notes;
                notes.extend(around.iter().flat_map(|shared| &shared.notes));
                if wrapping.is_some() && replies == Replies::Sometimes {
                    notes.insert(Note::UnansweredPath);
                }
                notes
            },
            header_names: {
                let outer = around.iter().flat_map(|shared| shared.header_names.clone());
                header_names(reading).into_iter().chain(outer).collect()
            },
            adds: {
                let outer = around.iter().flat_map(|shared| shared.adds.clone());
                added_headers(reading).into_iter().chain(outer).collect()
            },
            helpers: {
                let mut helpers = needs.helpers;
                helpers.extend(around.iter().flat_map(|shared| &shared.helpers));
                // What reads the body here leaves it for those that come later.
                if needs.body && helpers.contains(&Helper::ReadBody) {
                    helpers.insert(Helper::KeepBody);
                }
                helpers
            },
            calls,
            callback: part.called(),
            hands_headers: self.hands_headers(key, &part),
            early_headers: reading.early_headers,
            answers_errors: reading.answers_errors()
                || reading.effects.iter().any(answers_errors)
                || around.iter().any(|shared| shared.answers_errors),
            values,
            wrapper: wrapping.as_ref().map(|wrapping| Wrapper {
                handler: wrapping.handler,
                extras: wrapping.extras,
                context: part.context(),
                map: wrapping.takes.as_ref().map(FromMap::of),
            }),
            middleware: self.middleware(&key.file, &key.name),
            in_action: {
                let mut found = InAction::of(reading, method);
                around
                    .iter()
                    .for_each(|shared| found.join(&shared.in_action));
                found.context |= wrapping.is_some() && part.context();
                if wrapping.as_ref().is_some_and(keeps) {
                    found.against = Some("keeps something for all requests".to_string());
                }
                found
            },
            refusals: Vec::new(),
        }
    }

    /// Whether a function hands the headers of the answer to the one that it calls with the request:
    /// where it has set some before, and a file that calls it sets or reads headers, too. Gives how
    /// many arguments stand before them.
    fn hands_headers(&self, key: &Key, part: &Part) -> Option<usize> {
        part.callback.as_ref().filter(|_| !part.takes_headers())?;
        let mut calls = part
            .reading
            .effects
            .iter()
            .filter_map(|effect| match &effect.kind {
                Kind::CallCarrier {
                    callee: Carrier::Handler(_),
                    args,
                    carries,
                    ..
                } => Some((args, *carries)),
                _ => None,
            });
        let (args, carries) = calls
            .next()
            .filter(|_| calls.clone().all(|(_, carries)| carries))?;
        let typed = header_names(&part.reading);
        let typed = typed
            .iter()
            .any(|name| name.eq_ignore_ascii_case("content-type"));
        let wanted = self.project().files.iter().any(|(file, entry)| {
            let text = entry.text.as_deref().filter(|_| *file != key.file);
            text.is_some_and(|text| text.contains(&key.name) && shares_headers(text))
        });
        let before = args.iter().filter(|arg| arg.role.is_none()).count();
        (carries && !typed && wanted).then_some(before)
    }

    /// Writes a function's web form; `names` are those of functions that keep their old form beside it.
    ///
    /// # Errors
    /// The refusals for what has no faithful form.
    pub fn lower(&self, part: &Part, names: &Names) -> Result<Lowered, Vec<Refusal>> {
        let module = &part.module;
        let source = module.source;
        let style = Style::of(source);
        let templates = template_ranges(source);
        let route = Route {
            path: String::new(),
            slugs: Vec::new(),
            file: source.path.clone(),
            target: source.path.clone(),
        };
        let ctx = Context {
            pages: self.pages,
            module,
            source,
            style: &style,
            route: &route,
            next: self.next,
            templates: &templates,
            carriers: &BTreeMap::new(),
            names,
            action: None,
            delegates: false,
            context: part.wrapping.as_ref().map(|_| part.context()),
            takes_headers: part.takes_headers(),
            hands_headers: self.hands_headers(&part.key, part).is_some(),
            unwrapped: RefCell::new(Vec::new()),
            promised: RefCell::default(),
            tried: false,
        };
        let mut lowered = carrier::lower(&ctx, &part.function, &part.reading)?;
        for call in part.wrapping.iter().flat_map(|wrapping| &wrapping.around) {
            lowered.needs.shared.insert(call.shared.key.clone());
            let Some(new) = names.get(&call.shared.key) else {
                continue;
            };
            let range = source.range(call.callee);
            let old = &source.text[range.clone()];
            let start = range.start + old.rfind('.').map_or(0, |at| at + 1);
            if start == range.start {
                lowered.dropped.push(range.clone());
                lowered.needs.renamed.insert(old.to_string(), new.clone());
            }
            lowered.edits.replace(start..range.end, new);
        }
        Ok(lowered)
    }

    /// Why a wrapper inside a wrapper cannot be carried over.
    fn refused_inside(&self, key: &Key) -> Vec<Refusal> {
        let Some(module) = self.library(&key.file).filter(|_| key.roles.is_empty()) else {
            return Vec::new();
        };
        let Some(declared) = function(&module, &key.name) else {
            return Vec::new();
        };
        let follow = |callee: &Expr| self.wrapper(&module, callee);
        wrapping::refused_inside(module.source, declared, &follow)
    }
}

impl Follow for Modules<'_> {
    fn follow(
        &self,
        module: &ApiModule,
        callee: &Expr,
        roles: &[Option<Role>],
    ) -> Option<Arc<Shared>> {
        let (file, name) = self.target(module, callee)?;
        let mut roles = roles.to_vec();
        while roles.last() == Some(&None) {
            roles.pop();
        }
        self.shared(&Key { file, name, roles })
    }

    fn wrapper(&self, module: &ApiModule, callee: &Expr) -> Option<Arc<Shared>> {
        let (file, name) = self.target(module, callee)?;
        let roles = Vec::new();
        self.shared(&Key { file, name, roles })
    }

    fn collects_bytes(&self, module: &ApiModule, callee: &Expr) -> Option<bool> {
        let (library, name) = self.declared(module, callee)?;
        libraries::collects_bytes(&library, &name)
    }

    fn forwards_session(&self, module: &ApiModule, callee: &Expr) -> bool {
        self.declared(module, callee)
            .is_some_and(|(library, name)| next_auth::forwards(&library, &name))
    }

    fn wraps(&self, shared: &Shared, call: &WrapperCall, methods: &[String]) -> Wraps {
        let constants = self.part(&shared.key).map(|part| bound(&part, call));
        let part = constants
            .and_then(|constants| self.part_for(&shared.key, methods, constants))
            .filter(|part| part.reading.refusals.is_empty());
        match part {
            Some(part) => handler::wraps(&part),
            None => Wraps::Something,
        }
    }
}

/// The parameters of a wrapper whose arguments are constants.
fn bound(part: &Part, call: &WrapperCall) -> Vec<(Id, Constant)> {
    let mut constants = Vec::new();
    let layers = part.wrapping.iter().flat_map(|wrapping| &wrapping.layers);
    for (index, (layer, args)) in layers.zip(&call.args).enumerate() {
        for (at, pat) in layer.params.iter().enumerate() {
            let (pat, default) = match pat {
                Pat::Assign(assign) => (&*assign.left, Some(&*assign.right)),
                other => (*other, None),
            };
            let Some(name) = param_id(pat) else { continue };
            if let Some(map) = &call.map
                && (index + 1, at) == (call.args.len(), call.handler)
            {
                let entries = map.entries.iter();
                let functions = entries.map(|entry| (entry.key.clone(), Constant::Function));
                constants.push((name, Constant::Object(functions.collect())));
                continue;
            }
            let value = args.get(at).map(|arg| &*arg.expr).or(default);
            let constant = match value {
                None => Some(Constant::Absent),
                Some(value) => Constant::of(value),
            };
            constants.extend(constant.map(|constant| (name, constant)));
        }
    }
    constants
}

/// Whether a file seems to read headers that were set before, or to set some where more than the
/// answer follows. Where it does not, nothing is lost but a parameter that nobody takes.
fn shares_headers(text: &str) -> bool {
    let early = |(at, word): (usize, &str)| {
        let receiver = text[..at].rfind(|char: char| !char.is_alphanumeric() && char != '_');
        let receiver = &text[receiver.map_or(0, |at| at + 1)..at];
        let mut depth = 1;
        let rest = &text[at + word.len()..];
        let end = rest.find(|char| {
            depth += i32::from(char == '(') - i32::from(char == ')');
            depth == 0
        });
        let next = end
            .map_or("", |end| &rest[end + 1..])
            .trim_start_matches(';')
            .trim_start();
        let next = next.strip_prefix("return ").unwrap_or(next);
        !(next.starts_with('.') || next.starts_with(&format!("{receiver}.")))
    };
    text.contains(".getHeader(")
        || [".setHeader(", ".appendHeader("]
            .into_iter()
            .any(|word| text.match_indices(word).any(early))
}

/// What each imported name of a file stands for.
fn imports_of(source: &Source) -> HashMap<Id, (String, String)> {
    crate::facts::api_module::imports(source)
}

/// Whether a wrapper does more where it is put around a handler than to give back a function: an action
/// puts it there anew for each call.
fn keeps(wrapping: &Wrapping) -> bool {
    use crate::facts::api_module::Body;
    use swc_core::ecma::ast::{Decl, Stmt, VarDeclKind};
    let quiet = |expr: &Expr| match bare(expr) {
        Expr::Lit(_) | Expr::Ident(_) | Expr::Member(_) | Expr::Arrow(_) | Expr::Fn(_) => true,
        Expr::Call(_) => wrapping.passes || !wrapping.around.is_empty(),
        _ => false,
    };
    let statement = |stmt: &Stmt| match stmt {
        Stmt::Return(given) => given.arg.as_deref().is_some_and(quiet),
        Stmt::Decl(Decl::Fn(_) | Decl::TsInterface(_) | Decl::TsTypeAlias(_)) => true,
        Stmt::Decl(Decl::Var(variables)) => {
            variables.kind == VarDeclKind::Const
                && variables.decls.iter().all(|declarator| {
                    let init = declarator.init.as_deref().map(bare);
                    init.is_some_and(|init: &Expr| !matches!(init, Expr::Call(_)) && quiet(init))
                })
        }
        _ => false,
    };
    !wrapping.layers.iter().all(|layer| match &layer.body {
        Body::Block(stmts, _) => stmts.iter().all(statement),
        Body::Expr(expr) => quiet(expr),
    })
}

/// Whether a function that is called with a function inside answers the errors of that.
fn answers_errors(effect: &Effect) -> bool {
    match &effect.kind {
        Kind::CallCarrier {
            callee: Carrier::Shared(shared),
            callback: Some(_),
            ..
        } => shared.answers_errors,
        _ => false,
    }
}

/// The function of a module that a name binds.
pub fn function<'m, 'a>(module: &'m ApiModule<'a>, name: &str) -> Option<&'m Function<'a>> {
    let mut functions = module.functions.iter();
    functions
        .find(|(binding, _)| *binding.0 == *name)
        .map(|(_, function)| function)
}

fn refused(key: &Key, mut refusals: Vec<Refusal>) -> Shared {
    refusals.sort_by_key(|refusal| (refusal.place.clone(), refusal.reason));
    refusals.dedup();
    Shared {
        key: key.clone(),
        replies: Replies::Always,
        answered: None,
        gives: false,
        request: true,
        next_request: false,
        params: false,
        headers: false,
        body: false,
        becomes_async: false,
        notes: BTreeSet::new(),
        header_names: BTreeSet::new(),
        adds: BTreeSet::new(),
        helpers: BTreeSet::new(),
        calls: BTreeSet::new(),
        callback: None,
        hands_headers: None,
        answers_errors: false,
        early_headers: false,
        values: Values::default(),
        wrapper: None,
        middleware: None,
        in_action: InAction::default(),
        refusals,
    }
}

/// Whether the code that stays uses the request in a way that needs no edit, as `req.method`.
fn uses_request(part: &Part, dropped: &[std::ops::Range<usize>]) -> bool {
    crate::emit::route_handler::uses_beyond(
        &part.function,
        &part.reading,
        part.module.source,
        dropped,
    )
}

/// The names, in lower case, of the headers that a function reads after they are set, adds to or
/// removes.
pub fn added_headers(reading: &Reading) -> BTreeSet<String> {
    let more = |set: &&SetHeader| set.mode != HeaderMode::Set;
    let of = |headers: &[SetHeader]| -> Vec<String> {
        let headers = headers.iter().filter(more);
        headers.map(|header| header.name.clone()).collect()
    };
    let named = |effect: &Effect| match &effect.kind {
        Kind::SentHeader { name, .. } => vec![name.clone()],
        Kind::LateHeader {
            name, among, mode, ..
        } if *mode != HeaderMode::Set => {
            let known = name.known(among).into_iter();
            known.map(str::to_string).collect()
        }
        Kind::Prepare { headers, .. } => of(headers),
        Kind::Reply(reply) => of(&reply.own),
        _ => match effect.carrier() {
            Some((Carrier::Shared(shared), _)) => shared.adds.iter().cloned().collect(),
            _ => Vec::new(),
        },
    };
    let names = reading.effects.iter().flat_map(named);
    names.map(|name| name.to_ascii_lowercase()).collect()
}

/// Whether one of the headers that are added to or read may be one of those that are set.
pub fn meet(added: &BTreeSet<String>, set: &BTreeSet<String>) -> bool {
    let any = |names: &BTreeSet<String>| names.contains(crate::config_headers::ANY);
    if added.is_empty() || set.is_empty() {
        return false;
    }
    any(added)
        || any(set)
        || set
            .iter()
            .any(|name| added.contains(&name.to_ascii_lowercase()))
}

/// The names of the headers that a function sets.
fn header_names(reading: &Reading) -> BTreeSet<String> {
    let set = |effect: &Effect| -> Vec<String> {
        let headers = match &effect.kind {
            Kind::Prepare { headers, .. } => headers,
            Kind::Reply(reply) => &reply.own,
            Kind::LateHeader { name, among, .. } => {
                let known = name.known(among).into_iter();
                return known.map(str::to_string).collect();
            }
            _ => {
                return match effect.carrier() {
                    Some((Carrier::Shared(shared), _)) => {
                        shared.header_names.iter().cloned().collect()
                    }
                    _ => Vec::new(),
                };
            }
        };
        headers.iter().map(|header| header.name.clone()).collect()
    };
    reading.effects.iter().flat_map(set).collect()
}

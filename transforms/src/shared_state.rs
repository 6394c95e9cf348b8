//! State at the top of a module that requests change. The two routers are bundled apart
//! (measured on 14, 15 and 16), so a module that both reach exists twice, each copy with
//! state of its own. In: which API files would move. Out: those that share such a module
//! with code that stays.

mod memo;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::graph;
use crate::project::{App, Project};
use crate::source::Source;
use crate::syntax::{Id, bare, id, is_binding, member};

/// What moving API files share with code that stays.
#[derive(Debug, Default)]
pub struct Shared {
    /// The files that share a store, with its module. Files that are kept back because of one
    /// count as staying for the others.
    pub stores: BTreeMap<String, String>,
    /// The other files that share a memory.
    pub memories: BTreeSet<String>,
}

/// The stateful modules that moving API files share with what stays.
pub fn shared(
    project: &Project,
    app: &App,
    moving: &BTreeSet<String>,
    staying: &BTreeSet<String>,
) -> Shared {
    let importers = graph::Importers::new(project);
    // For each stateful module the files that reach it.
    let mut users: BTreeMap<&str, (State, BTreeSet<&str>)> = BTreeMap::new();
    for (path, file) in &project.files {
        let is_api = moving.contains(path) || staying.contains(path);
        let kept = file.text.as_ref().filter(|_| !is_api);
        let kept = kept.map_or(State::None, |text| state(path, text));
        if kept != State::None {
            users.insert(path, (kept, importers.above(path)));
        }
    }
    let stateful: BTreeSet<&str> = users.keys().copied().collect();
    if stateful.is_empty() {
        return Shared::default();
    }
    let mut left: BTreeSet<&str> = graph::Reach::new(project, app).pages(&stateful);
    let reached = |file: &str| -> Vec<(&str, State)> {
        let all = users.iter().filter(|(_, (_, above))| above.contains(file));
        all.map(|(module, (kept, _))| (*module, *kept)).collect()
    };
    let names = |file: &str| reached(file).into_iter().map(|(module, _)| module);
    staying.iter().for_each(|file| left.extend(names(file)));
    let mut found = Shared::default();
    loop {
        let next = moving
            .iter()
            .filter(|file| !found.stores.contains_key(*file))
            .find_map(|file| {
                let store =
                    |&(path, kept): &(&str, State)| kept == State::Store && left.contains(path);
                let (module, _) = reached(file).into_iter().find(store)?;
                Some((file.clone(), module.to_string()))
            });
        let Some((file, module)) = next else { break };
        left.extend(names(&file));
        found.stores.insert(file, module);
    }
    let shares = |file: &&String| names(file).any(|module| left.contains(module));
    let rest = moving
        .iter()
        .filter(|file| !found.stores.contains_key(*file));
    found.memories = rest.filter(shares).cloned().collect();
    found
}

/// What a module keeps between requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing.
    None,
    /// What its functions found out, to find it out once: a cache, or that a connection stands.
    Memory,
    /// What requests leave for each other.
    Store,
}

/// What the lists, objects, maps and sets at the top of a module are to its functions. What runs
/// once, while the module is loaded, changes no state.
pub fn state(path: &str, text: &Arc<str>) -> State {
    const HOLDERS: [&str; 5] = [" = [", " = {", " = new Map", " = new Set", " = new WeakMap"];
    let declares = |line: &str| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        ["const ", "let ", "var "]
            .iter()
            .any(|keyword| line.starts_with(keyword))
            && HOLDERS.iter().any(|holder| line.contains(holder))
    };
    if !text.lines().any(declares) {
        return State::None;
    }
    let Ok(source) = Source::parse(path, text.clone()) else {
        return State::None;
    };
    let declaration = |item: &ModuleItem| match item {
        ModuleItem::Stmt(Stmt::Decl(decl)) => Some(decl.clone()),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => Some(export.decl.clone()),
        _ => None,
    };
    let mut holders = Vec::new();
    for decl in source.items().iter().filter_map(declaration) {
        let Decl::Var(variables) = decl else { continue };
        for declarator in &variables.decls {
            let holds = match declarator.init.as_deref().map(bare) {
                Some(Expr::Array(_) | Expr::Object(_)) => true,
                Some(Expr::New(new)) => {
                    matches!(bare(&new.callee), Expr::Ident(name) if matches!(&*name.sym, "Map" | "Set" | "WeakMap"))
                }
                _ => false,
            };
            if let (true, Pat::Ident(binding)) = (holds, &declarator.name) {
                holders.push(id(&binding.id));
            }
        }
    }
    let kinds = holders.iter().map(|holder| kept(&source, holder));
    kinds.max().unwrap_or(State::None)
}

/// What a module keeps in one of the values at its top.
fn kept(source: &Source, holder: &Id) -> State {
    // Statements at the top run once.
    let runs = |item: &&ModuleItem| !matches!(item, ModuleItem::Stmt(stmt) if !matches!(stmt, Stmt::Decl(_)));
    let changes = |item: &ModuleItem| {
        let mut changes = Changes {
            holder,
            found: false,
        };
        item.visit_with(&mut changes);
        changes.found
    };
    if !source.items().iter().filter(runs).any(changes) {
        return State::None;
    }
    let exported = source.items().iter().any(|item| match item {
        ModuleItem::ModuleDecl(ModuleDecl::Import(_)) => false,
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => export
            .decl
            .as_var()
            .is_some_and(|variables| declares(variables, holder)),
        ModuleItem::ModuleDecl(ModuleDecl::ExportNamed(_) | ModuleDecl::ExportDefaultExpr(_)) => {
            mentions(item, holder)
        }
        _ => false,
    });
    let own = |item: &&ModuleItem| match item {
        ModuleItem::Stmt(Stmt::Decl(Decl::Var(variables))) => !declares(variables, holder),
        _ => true,
    };
    let says_so = says_what_for(source, holder);
    let mut users = source
        .items()
        .iter()
        .filter(own)
        .filter(|item| mentions(item, holder));
    match !exported
        && users.all(|item| memo::remembers(item, holder, says_so) || memo::done_once(item, holder))
    {
        true => State::Memory,
        false => State::Store,
    }
}

/// Whether the name of a value says that it is a cache, or its type that nothing in it can change:
/// it holds texts and numbers, or is a `WeakMap`, whose keys nobody else has.
fn says_what_for(source: &Source, holder: &Id) -> bool {
    let name = holder.0.to_ascii_lowercase();
    if name.contains("cache") || name.contains("memo") {
        return true;
    }
    let decls = source.items().iter().filter_map(|item| match item {
        ModuleItem::Stmt(Stmt::Decl(Decl::Var(variables))) => Some(variables),
        _ => None,
    });
    let mut decls = decls.flat_map(|variables| &variables.decls);
    let own = decls.find(
        |variable| matches!(&variable.name, Pat::Ident(binding) if id(&binding.id) == *holder),
    );
    let Some(Expr::New(new)) = own.and_then(|own| own.init.as_deref()).map(bare) else {
        return false;
    };
    let plain = |kind: &TsType| {
        let text = source.text_of(kind);
        let kinds = ["string", "number", "boolean", "null", "undefined"];
        text.split('|').all(|part| kinds.contains(&part.trim()))
    };
    let values = new.type_args.as_ref().and_then(|args| args.params.last());
    matches!(bare(&new.callee), Expr::Ident(name) if *name.sym == *"WeakMap")
        || values.is_some_and(|kind| plain(kind))
}

/// Whether a statement declares a name.
fn declares(variables: &VarDecl, name: &Id) -> bool {
    let declared = |pat: &Pat| matches!(pat, Pat::Ident(binding) if id(&binding.id) == *name);
    variables
        .decls
        .iter()
        .any(|variable| declared(&variable.name))
}

/// Whether a name stands in an item.
fn mentions(item: &ModuleItem, name: &Id) -> bool {
    struct Mentions<'n>(&'n Id, bool);
    impl Visit for Mentions<'_> {
        fn visit_ident(&mut self, node: &Ident) {
            self.1 |= id(node) == *self.0;
        }
    }
    let mut found = Mentions(name, false);
    item.visit_with(&mut found);
    found.1
}

/// What changes a list, a map or a set.
const CHANGES: [&str; 9] = [
    "push", "set", "add", "delete", "splice", "unshift", "clear", "pop", "shift",
];

/// Finds changes of a top-level value.
struct Changes<'h> {
    holder: &'h Id,
    found: bool,
}

impl Changes<'_> {
    fn holds(&self, expr: &Expr) -> bool {
        is_binding(expr, self.holder)
    }
}

impl Visit for Changes<'_> {
    fn visit_call_expr(&mut self, node: &CallExpr) {
        if let Callee::Expr(callee) = &node.callee
            && let Some((object, name)) = member(callee)
        {
            self.found |= CHANGES.contains(&name.as_str()) && self.holds(object);
        }
        node.visit_children_with(self);
    }

    fn visit_assign_expr(&mut self, node: &AssignExpr) {
        if let AssignTarget::Simple(SimpleAssignTarget::Member(target)) = &node.left {
            self.found |= self.holds(&target.obj);
        }
        node.visit_children_with(self);
    }

    fn visit_unary_expr(&mut self, node: &UnaryExpr) {
        if let (UnaryOp::Delete, Expr::Member(target)) = (node.op, bare(&node.arg)) {
            self.found |= self.holds(&target.obj);
        }
        node.visit_children_with(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_functions_change_is_state() {
        let state = |text: &str| state("lib/x.ts", &Arc::from(text)) != State::None;
        assert!(state(
            "const notes: Note[] = []\nexport function add(note) {\n  notes.push(note)\n}\n"
        ));
        assert!(state(
            "export const hits = new Map()\nexport const hit = (key) => hits.set(key, 1)\n"
        ));
        assert!(state(
            "const cache = {}\nexport const put = (key, value) => { cache[key] = value }\n"
        ));
        assert!(!state(
            "export const roles = ['admin', 'editor']\nexport const first = () => roles[0]\n"
        ));
        assert!(!state(
            "const providers = []\nif (process.env.A) providers.push(1)\nexport const options = { providers }\n"
        ));
        assert!(!state(
            "export function list() {\n  const out = []\n  out.push(1)\n}\n"
        ));
    }

    #[test]
    fn what_is_only_remembered_is_no_store() {
        let kept = |text: &str| state("lib/x.ts", &Arc::from(text));
        let memories = [
            "const cache = new Map()\nexport async function find(key) {\n  const hit = cache.get(key)\n  if (hit && hit.until > Date.now()) return hit.data\n  const data = await load(key)\n  cache.set(key, { data, until: Date.now() + 1 })\n  return data\n}\n",
            "const cache = {}\nexport async function find(key) {\n  if (cache[key]) return cache[key]\n  const out = []\n  for (const item of await load(key)) out.push(item.id)\n  cache[key] = out\n  return out\n}\n",
            "const sums = new Map()\nexport function sum(key, a, b) {\n  if (sums.has(key)) return sums.get(key)\n  const result = { sum: Math.ceil(a + b) }\n  sums.set(key, result)\n  return result\n}\n",
            "const state = { connected: false }\nexport async function connect() {\n  if (state.connected) return\n  const db = await connectTo()\n  state.connected = db.ready\n}\n",
        ];
        for text in memories {
            assert_eq!(kept(text), State::Memory, "{text}");
        }
        let stores = [
            // A limiter, in four spellings.
            "const hits = new Map()\nexport function limited(ip) {\n  const hit = hits.get(ip)\n  if (!hit) {\n    hits.set(ip, { count: 1 })\n    return false\n  }\n  hit.count++\n  return hit.count > 5\n}\n",
            "const hits = new Map()\nexport function limited(ip) {\n  const count = hits.get(ip) ?? 0\n  hits.set(ip, count + 1)\n  return count + 1 > 5\n}\n",
            "const hits = new Map()\nexport async function limited(ip) {\n  const times = hits.get(ip) ?? []\n  const recent = times.filter((time) => time > Date.now() - 1)\n  recent.push(Date.now())\n  hits.set(ip, recent)\n  await log(recent)\n  return recent.length > 5 ? recent : null\n}\n",
            "const seen = new Map()\nexport function first(id) {\n  if (seen.has(id)) return false\n  seen.set(id, Date.now())\n  return true\n}\n",
            "const hits = new Map()\nexport function limited(ip) {\n  hits.set(ip, (hits.get(ip) ?? 0) + 1)\n  return hits.get(ip) > 5\n}\n",
            "const last = new Map()\nexport function wait(ip, now) {\n  const until = last.get(ip) ?? 0\n  if (until > now) return until - now\n  last.set(ip, now + 5000)\n  return now - now\n}\n",
            // Several functions in one, and a lock.
            "const byMail = new Map()\nexport const tokens = {\n  async create(mail) {\n    const token = await make()\n    byMail.set(mail, token)\n    return token\n  },\n  verify(mail, token) {\n    return byMail.get(mail) === token\n  },\n}\n",
            "const state = { running: false }\nexport async function run() {\n  if (state.running) return\n  state.running = true\n  await connect()\n  state.running = false\n}\n",
            "const sent = { done: false }\nexport async function once() {\n  if (sent.done) return\n  await mail()\n  sent.done = true\n}\n",
            // What the caller brings, and what is drawn.
            "const seatCache = {}\nexport async function claim(seat, who) {\n  if (seatCache[seat]) return seatCache[seat]\n  await log(seat)\n  seatCache[seat] = who\n  return who\n}\n",
            "const tokenCache = new Map()\nexport function token(key) {\n  if (tokenCache.has(key)) return tokenCache.get(key)\n  const token = randomBytes(32).toString('hex')\n  tokenCache.set(key, token)\n  return token\n}\n",
            // Values that are filled later.
            "const rooms = new Map()\nexport function room(id) {\n  let room = rooms.get(id)\n  if (!room) {\n    room = { id, people: 0 }\n    rooms.set(id, room)\n  }\n  return room\n}\n",
            "const rooms = new Map()\nexport async function room(id) {\n  if (rooms.has(id)) return rooms.get(id)\n  const room = new Room(await load(id))\n  rooms.set(id, room)\n  return room\n}\n",
            // Written by one function, read or emptied by another.
            "const tokens = new Map()\nexport function put(key, token) {\n  tokens.set(key, token)\n}\nexport function take(key) {\n  return tokens.get(key)\n}\n",
            "const cache = new Map()\nexport async function find(key) {\n  const hit = cache.get(key)\n  if (hit) return hit\n  const data = await load(key)\n  cache.set(key, data)\n  return data\n}\nexport function forget(key) {\n  cache.delete(key)\n}\n",
            "const state = { theme: 'dark' }\nexport function choose(theme) {\n  if (state.theme === theme) return\n  state.theme = theme\n}\n",
            "export const cache = new Map()\nexport async function find(key) {\n  const hit = cache.get(key)\n  if (hit) return hit\n  const data = await load(key)\n  cache.set(key, data)\n  return data\n}\n",
        ];
        for text in stores {
            assert_eq!(kept(text), State::Store, "{text}");
        }
    }
}

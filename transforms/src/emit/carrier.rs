//! Writes the body of a carrier in its web form: each effect becomes a text edit.
//! In: a function and its reading. Out: edits of its body and what its signature needs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use swc_core::ecma::ast::*;

use super::action_carrier::shows_in_action;
use super::call_site::Contract;
use super::imports::Imports;
use super::promise::Promised;
use super::reply::{self, Shifts};
use super::style::{Style, indentation, line_start};
use crate::edit::{Edits, Fragment};
use crate::facts::api_module::{ApiModule, Body, Function, refuse_at};
use crate::facts::effect::*;
use crate::facts::in_action::InAction;
use crate::facts::members;
use crate::facts::route::{Route, SlugKind};
use crate::flow::{Reading, leading_comments};
use crate::idioms::peer;
use crate::modules::{Key, Shared};
use crate::next_version::{Feature, NextVersion};
use crate::outcome::Refusal;
use crate::reason::{Note, Reason};
use crate::shared_forms::Names;
use crate::source::Source;
use crate::syntax::{Id, prop_name, quiet};

/// What emitters know while they write one route.
pub struct Context<'a, 'm> {
    /// The pages of the app.
    pub pages: &'m crate::revalidation::Pages,
    /// The outline of the API file.
    pub module: &'m ApiModule<'a>,
    /// The file.
    pub source: &'a Source,
    /// Its style.
    pub style: &'m Style,
    /// The route.
    pub route: &'m Route,
    /// The Next.js version.
    pub next: NextVersion,
    /// Ranges of template text, where white space is part of the value.
    pub templates: &'m [Range<usize>],
    /// Functions of the file that take the request or response, once they are written.
    pub carriers: &'m BTreeMap<Id, Needs>,
    /// The names of the web forms of shared functions that keep their old form.
    pub names: &'m Names,
    /// What a Server Action gives and takes, when one is written instead of a route handler.
    pub action: Option<&'m ActionMode>,
    /// For an action: whether it hands everything to a function that becomes the action itself.
    pub delegates: bool,
    /// In a wrapper: whether the context is named, instead of being passed on as it is.
    pub context: Option<bool>,
    /// Whether the function takes the headers of the answer as a parameter.
    pub takes_headers: bool,
    /// Whether it hands the headers of the answer to the function that it calls with the request.
    pub hands_headers: bool,
    /// How far the code at an offset moves to the left, filled while a function is written.
    pub unwrapped: RefCell<Vec<(Range<usize>, usize)>>,
    /// The statements that go into promises, one level deeper, and what settles these promises;
    /// filled while a function is written.
    pub promised: RefCell<Promised>,
    /// Whether the body of the function goes into a `try` or another function, one level deeper.
    pub tried: bool,
}

impl Context<'_, '_> {
    /// Whether the file is TypeScript.
    pub fn typescript(&self) -> bool {
        self.source.typescript()
    }

    /// A refusal about a range of the file.
    pub fn refusal(
        &self,
        reason: Reason,
        range: Range<usize>,
        detail: impl Into<String>,
    ) -> Refusal {
        refuse_at(self.source, reason, range, detail)
    }

    /// By how many characters the code at an offset moves to the left.
    pub fn unwrapped_by(&self, at: usize) -> usize {
        self.unwrapped
            .borrow()
            .iter()
            .filter(|(range, _)| range.start <= at && at < range.end)
            .map(|(_, by)| by)
            .sum()
    }

    /// The indentation that the line of an offset gets.
    pub fn indent_at(&self, at: usize) -> String {
        let indent = indentation(&self.source.text, at);
        let deeper = usize::from(self.tried) + self.promised.borrow().levels(at);
        format!(
            "{}{}",
            &indent[self.unwrapped_by(at).min(indent.len())..],
            self.style.indent.repeat(deeper)
        )
    }

    /// Whether request APIs are promises.
    pub fn awaits_request_apis(&self) -> bool {
        self.next.has(Feature::AsyncRequestApis)
    }
}

/// What the web form of a function needs.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// The request.
    pub request: bool,
    /// The request as a `NextRequest`: its cookies or its parsed URL.
    pub next_request: bool,
    /// The path parameters.
    pub params: bool,
    /// It awaits something that it did not await before.
    pub awaits: bool,
    /// It reads the body.
    pub body: bool,
    /// Whether it answers.
    pub replies: Replies,
    /// The parameter that takes the headers of the answer.
    pub headers: Option<String>,
    /// The shared functions that it calls.
    pub shared: BTreeSet<Key>,
    /// Imports.
    pub imports: Imports,
    /// Helpers of the generated module.
    pub helpers: BTreeSet<Helper>,
    /// Differences that it brings.
    pub notes: BTreeSet<Note>,
    /// The types named for the answer, when every answer is JSON.
    pub only_json: bool,
    /// The parameter that takes the body of a Server Action, with its type.
    pub input: Option<String>,
    /// The path parameters that a Server Action takes, with the names that it gives them.
    pub slugs: BTreeMap<String, String>,
    /// What callers of a Server Action get as data, for each answer.
    pub data: Vec<Data>,
    /// Types that moved into the parameters.
    pub kept: Vec<Range<usize>>,
    /// Names in this file of shared functions that keep their old form, and those of the web forms.
    pub renamed: BTreeMap<String, String>,
    /// Modules that are imported by another specifier.
    pub respelled: BTreeMap<String, &'static str>,
    /// How it fits into a Server Action that calls it.
    pub in_action: InAction,
}

/// What the web form of a function takes and gives.
pub(super) struct Takes {
    pub(super) replies: Replies,
    pub(super) request: bool,
    next_request: bool,
    pub(super) params: bool,
    pub(super) body: bool,
    /// It is async, and was not.
    pub(super) awaits: bool,
}

/// What one answer of a Server Action carries, as far as its type goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// What `JSON.parse` gives, which has every type.
    Parsed,
    /// An object with these names, whose values are text.
    Texts(BTreeSet<String>),
    /// Anything else, or nothing.
    Other,
}

/// The answers that need a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// None.
    Any,
    /// Those of success: callers would see an empty text for none.
    Success,
    /// All of them: callers failed where there was none.
    All,
}

/// What a Server Action gives and takes.
#[derive(Debug, Clone)]
pub struct ActionMode {
    /// What callers get.
    pub contract: Contract,
    /// Whether any caller reads the data.
    pub data: bool,
    /// Whether it fails where the handler did, because callers read the body whatever the status, or
    /// because their client rejected then.
    pub rejects: bool,
    /// Whether a caller that sees the answers of errors, too, reads the data.
    pub error_data: bool,
    /// The answers that need a body, because of how callers read it.
    pub bodies: Bodies,
    /// The type of the body, from what callers send.
    pub body_type: String,
    /// The method that it takes the place of.
    pub method: String,
    /// Its name.
    pub name: String,
    /// Whether a function around the handler takes its `Response`, and gives the action's.
    pub wrapped: bool,
    /// Whether that function takes the path parameters.
    pub context: bool,
}

/// A function of the module that is generated into the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Helper {
    /// `readBody(request)`: the body, parsed by content type as pages did.
    ReadBody,
    /// `readQuery(request)`: search parameters, a doubled one as an array.
    ReadQuery,
    /// Makes `readBody` give the same body again, because several functions read it.
    KeepBody,
    /// `withHeaders(response, headers)`: a response with the headers that were set before.
    WithHeaders,
    /// `setHeader(headers, name, value)`: sets a header to a value or to several.
    SetHeader,
    /// `sendData(value, init)`: answers by the kind of a value.
    SendData,
    /// `redirectTo(location, init)`: a redirect whose body is the location, too.
    RedirectTo,
    /// `toResult(answer)`: a response as what a Server Action gives back.
    ToResult,
    /// `actionRequest()`: the headers and cookies that a Server Action came with, as a request.
    ActionRequest,
    /// `nodeRequest(request)`: the body of a request as a Node.js stream, with its headers.
    NodeRequest,
}

impl Helper {
    /// Whether it is a function, which is imported by its name.
    pub fn is_imported(self) -> bool {
        self != Helper::KeepBody
    }

    /// The function's name.
    pub fn name(self) -> &'static str {
        match self {
            Helper::ReadBody | Helper::KeepBody => "readBody",
            Helper::ReadQuery => "readQuery",
            Helper::WithHeaders => "withHeaders",
            Helper::SetHeader => "setHeader",
            Helper::SendData => "sendData",
            Helper::RedirectTo => "redirectTo",
            Helper::ToResult => "toResult",
            Helper::ActionRequest => "actionRequest",
            Helper::NodeRequest => "nodeRequest",
        }
    }
}

/// A function in its web form.
pub struct Lowered {
    /// Edits inside its body.
    pub edits: Edits,
    /// What it needs.
    pub needs: Needs,
    /// Ranges of code that the edits drop, for finding unused imports.
    pub dropped: Vec<Range<usize>>,
}

/// Writes one function.
///
/// # Errors
/// The refusals for what has no faithful form.
pub fn lower<'a>(
    ctx: &Context<'a, '_>,
    function: &Function<'a>,
    reading: &Reading<'a>,
) -> Result<Lowered, Vec<Refusal>> {
    let file_names = crate::syntax::Names::of(ctx.source, &ctx.source.module).all;
    let mut writer = Writer {
        ctx,
        function,
        edits: Edits::default(),
        needs: Needs {
            only_json: true,
            replies: reading.replies(),
            ..Default::default()
        },
        shifts: Vec::new(),
        hoists: Vec::new(),
        dropped: Vec::new(),
        drops: Vec::new(),
        bounds: reading
            .unwrapped
            .iter()
            .map(|(_, kept, _)| kept.clone())
            .collect(),
        refusals: Vec::new(),
        names: inner_names(&file_names, function),
        file_names,
        request: param_name(function, reading, Role::Request)
            .unwrap_or_else(|| "request".to_string()),
        strings: Vec::new(),
        guards: Vec::new(),
        cookie_store: None,
        cookies: Vec::new(),
        callbacks: Vec::new(),
        sharing: None,
        handed: None,
        typed: false,
        held: reading
            .effects
            .iter()
            .filter_map(|effect| effect.held().cloned())
            .collect(),
    };
    writer.promises(reading);
    *ctx.unwrapped.borrow_mut() = reading
        .unwrapped
        .iter()
        .map(|(whole, kept, levels)| (kept.clone(), moved(ctx, whole, kept, *levels)))
        .collect();
    writer.structure(reading);
    writer.inside_wrapper();
    if let (true, Body::Block(_, (start, end))) = (ctx.tried, function.body) {
        let text = &ctx.source.text;
        let mut at = start;
        while let Some(newline) = text[at..end].find('\n') {
            at += newline + 1;
            if !text[at..].trim_start().starts_with('}') || text[at..end].trim() != "}" {
                writer
                    .shifts
                    .push((at, ctx.style.indent.chars().count() as i64));
            }
        }
    }
    writer.method_variables(reading);
    if let Some(mode) = ctx.action
        && (mode.contract == Contract::Nothing || !mode.data)
        && !mode.wrapped
    {
        // Nobody gets what the answers carry.
        let bodies = reading
            .effects
            .iter()
            .filter_map(|effect| match &effect.kind {
                Kind::Reply(reply) => match reply.payload {
                    Payload::Json(value)
                    | Payload::Text(value, _)
                    | Payload::Bytes(value)
                    | Payload::Opaque(value) => quiet(value).then(|| ctx.source.range(value)),
                    _ => None,
                },
                _ => None,
            });
        writer.dropped.extend(bodies);
    }
    let unread = writer.unread(reading);
    let without;
    let reading = if unread.is_empty() {
        reading
    } else {
        let mut kept = reading.clone();
        let inside = |range: &Range<usize>| {
            unread
                .iter()
                .any(|gone| gone.start <= range.start && range.end <= gone.end)
        };
        kept.effects.retain(|effect| !inside(&effect.range));
        without = kept;
        &without
    };
    let shared = match ctx.action {
        Some(mode) => {
            writer.action_inputs(reading, mode);
            writer.action_request(reading, mode);
            writer.make_cookie_store(reading);
            None
        }
        None => {
            writer.bodies(reading);
            writer.queries(reading);
            writer.headers(reading)
        }
    };
    // Inner effects first: an answer is laid out by the length of what stands in it.
    let mut order: Vec<&Effect> = reading.effects.iter().collect();
    order.sort_by_key(|effect| (effect.range.end - effect.range.start, effect.range.start));
    for effect in order {
        match ctx.action {
            Some(mode) => writer.action_effect(effect, mode),
            None => writer.effect(effect, shared.as_deref()),
        }
    }
    writer.finish()
}

/// By how many characters what an unwrapped statement keeps moves to the left.
fn moved(ctx: &Context, whole: &Range<usize>, kept: &Range<usize>, levels: usize) -> usize {
    let same_line = !ctx.source.text[whole.start..kept.start].contains('\n');
    if levels == 0 || same_line {
        return 0;
    }
    let width = |at: usize| indentation(&ctx.source.text, at).chars().count();
    match width(kept.start).saturating_sub(width(whole.start)) {
        0 => levels * ctx.style.indent.chars().count(),
        by => by,
    }
}

/// The identifiers of a function with their places.
fn inner_names(all: &[(Id, Range<usize>)], function: &Function) -> Vec<(Id, Range<usize>)> {
    let inside =
        |at: &Range<usize>| function.range.start <= at.start && at.end <= function.range.end;
    all.iter().filter(|(_, at)| inside(at)).cloned().collect()
}

/// The name of the parameter with a role.
pub fn param_name(function: &Function, reading: &Reading, role: Role) -> Option<String> {
    function
        .params
        .iter()
        .zip(&reading.roles)
        .find(|(_, found)| **found == Some(role))
        .and_then(|(pat, _)| match pat {
            Pat::Ident(binding) => Some(binding.id.sym.to_string()),
            _ => None,
        })
}

pub(super) struct Writer<'w, 'a, 'm> {
    pub(super) ctx: &'w Context<'a, 'm>,
    pub(super) function: &'w Function<'a>,
    pub(super) edits: Edits,
    pub(super) needs: Needs,
    pub(super) shifts: Shifts,
    pub(super) hoists: Vec<(usize, String)>,
    pub(super) dropped: Vec<Range<usize>>,
    /// What is removed for `dropped`, with white space.
    pub(super) drops: Vec<Range<usize>>,
    /// What unwrapped blocks keep.
    pub(super) bounds: Vec<Range<usize>>,
    pub(super) refusals: Vec<Refusal>,
    /// The identifiers of the function.
    pub(super) names: Vec<(Id, Range<usize>)>,
    /// Those of the whole file.
    file_names: Vec<(Id, Range<usize>)>,
    pub(super) request: String,
    /// Names that hold a path parameter, which is a string: assertions of it are idle.
    pub(super) strings: Vec<String>,
    /// Names that hold the answers of guards.
    guards: Vec<String>,
    /// For an action: the name of the store that cookies are set in.
    pub(super) cookie_store: Option<String>,
    /// The names of the cookies that are set; `None` for one that is computed.
    pub(super) cookies: Vec<Option<String>>,
    /// Functions that others call with the request.
    callbacks: Vec<Callback>,
    /// Whether the headers that are collected may have a type that is not JSON's.
    typed: bool,
    /// The headers that a function inside it sets together with the one that calls it.
    sharing: Option<String>,
    /// Where it hands its headers on.
    handed: Option<usize>,
    /// The constants that hold answers of handlers until the code behind them has run.
    held: Vec<Held>,
}

impl<'a> Writer<'_, 'a, '_> {
    pub(super) fn refuse(&mut self, reason: Reason, range: Range<usize>, detail: &str) {
        self.refusals.push(self.ctx.refusal(reason, range, detail));
    }

    /// Whether no identifier of the function has this name, but for those in code that goes.
    pub(super) fn free(&self, name: &str) -> bool {
        let gone = |at: &Range<usize>| {
            let mut dropped = self.dropped.iter();
            dropped.any(|gone| gone.start <= at.start && at.end <= gone.end)
        };
        !self
            .names
            .iter()
            .any(|((sym, _), at)| sym == name && !gone(at))
    }

    /// A statement without a semicolon at the start of the next line, which parts that line from it.
    pub(super) fn own_end(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.ctx.source.text[range.clone()];
        match text.strip_suffix(';').map(|text| (text, text.trim_end())) {
            Some((text, code)) if text[code.len()..].contains('\n') => {
                range.start..range.start + code.len()
            }
            _ => range,
        }
    }

    /// Whether the file binds this name somewhere, so that it may not be the global.
    pub(super) fn is_bound(&self, name: &str) -> bool {
        self.file_names
            .iter()
            .any(|((sym, context), _)| sym == name && !self.ctx.source.is_unresolved(*context))
    }

    /// The first of some names that is free.
    pub(super) fn free_name(&self, names: &[&str]) -> String {
        let last = names[names.len() - 1];
        let numbered = (2..).map(|number| format!("{last}{number}"));
        names
            .iter()
            .map(|name| name.to_string())
            .chain(numbered)
            .find(|name| self.free(name))
            .expect("some name is free")
    }

    /// The same, where the names of path parameters are none.
    pub(super) fn free_local(&self, names: &[&str]) -> String {
        let slugs = &self.ctx.route.slugs;
        let apart: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| !slugs.iter().any(|slug| slug.name == *name))
            .collect();
        match apart[..] {
            [] => self.free_name(&[&format!("{}Value", names[names.len() - 1])]),
            _ => self.free_name(&apart),
        }
    }

    /// Removes a statement with its lines and the comments directly above it. Of two empty
    /// lines around it one stays, and none at the end of a block.
    pub(super) fn drop_statement(&mut self, range: Range<usize>) {
        let start = leading_comments(self.ctx.source, range.start);
        self.drop_from(start, range);
    }

    /// Removes what stands from an offset to the end of a statement, with its lines.
    fn drop_from(&mut self, start: usize, range: Range<usize>) {
        let range = self.own_end(range);
        let range = range.start..crate::flow::trailing_comment(self.ctx.source, range.end);
        let text = &self.ctx.source.text;
        self.dropped.push(start..range.end);
        // Only what the innermost unwrapped block keeps may be touched.
        let bounds = self
            .bounds
            .iter()
            .filter(|kept| kept.start <= range.start && range.end <= kept.end)
            .min_by_key(|kept| kept.end - kept.start)
            .cloned()
            .unwrap_or(0..text.len());
        let start = start.max(bounds.start);
        let before = text[bounds.start..start].trim_end();
        let after = &text[range.end..bounds.end];
        let white = after.len() - after.trim_start().len();
        let own_line = text[bounds.start + before.len()..start].contains('\n') || before.is_empty();
        let line_ends = after[..white].contains('\n') || after.trim().is_empty();
        if !own_line || !line_ends {
            self.drops.push(start..range.end);
        } else if before.is_empty() && bounds.start > 0 {
            // First of an unwrapped block: up to the next statement.
            self.drops.push(start..range.end + white);
        } else if after.trim().is_empty() && bounds.end < text.len() {
            // Last of an unwrapped block: from the end of the statement before.
            self.drops.push(bounds.start + before.len()..range.end);
        } else {
            // Whole lines, from the start of the first to the start of the line after the last.
            let from = line_start(text, start);
            let mut end = range.end + after.find('\n').map_or(after.len(), |at| at + 1);
            let opens = before.ends_with('{');
            let blank_before = text[bounds.start + before.len()..from]
                .matches('\n')
                .count()
                > 1;
            let closes = after.trim_start().starts_with('}');
            if closes && blank_before {
                let from = bounds.start + before.len();
                self.drops
                    .push(from + text[from..].find('\n').map_or(0, |at| at + 1)..end);
                return;
            }
            if opens || blank_before {
                while let Some(at) = text[end..bounds.end].find('\n') {
                    if !text[end..end + at].trim().is_empty() {
                        break;
                    }
                    end += at + 1;
                }
            }
            self.drops.push(from..end);
        }
    }

    fn structure(&mut self, reading: &Reading) {
        let mut dropped = reading.dropped.clone();
        dropped.sort_by_key(|range| range.start);
        dropped.dedup();
        let mut last = 0;
        for range in dropped {
            if range.start < last {
                continue;
            }
            last = range.end;
            self.drop_statement(range);
        }
        for (whole, kept, levels) in &reading.unwrapped {
            self.dropped.push(whole.start..kept.start);
            self.dropped.push(kept.end..whole.end);
            let mut with = Vec::new();
            if let Some((_, comment)) = reading.comments.iter().find(|(at, _)| *at == kept.start) {
                with.push(Fragment::Keep(comment.clone()));
                with.push(Fragment::Text(format!(
                    "\n{}",
                    self.ctx.indent_at(kept.start)
                )));
            }
            with.push(Fragment::Keep(kept.clone()));
            self.edits.rewrite(whole.clone(), with);
            if *levels == 0 {
                continue;
            }
            let text = &self.ctx.source.text;
            let by = -(moved(self.ctx, whole, kept, *levels) as i64);
            let mut at = kept.start;
            while let Some(newline) = text[at..kept.end].find('\n') {
                at += newline + 1;
                self.shifts.push((at, by));
            }
        }
    }

    /// The body of a wrapped function that stands on a line of its own, `withAuth(⏎  async () => …)`,
    /// moves to the left: the new function opens on the first line.
    fn inside_wrapper(&mut self) {
        let (ctx, function) = (self.ctx, self.function);
        let Body::Block(_, (start, end)) = function.body else {
            return;
        };
        if ctx.module.wrapper.is_none() || function.range != ctx.module.handler.range {
            return;
        }
        let text = &ctx.source.text;
        let width = |at: usize| indentation(text, at).chars().count();
        let by = width(function.range.start).saturating_sub(width(function.statement.start));
        if by == 0 {
            return;
        }
        ctx.unwrapped.borrow_mut().push((start..end, by));
        let mut at = start;
        while let Some(newline) = text[at..end].find('\n') {
            at += newline + 1;
            self.shifts.push((at, -(by as i64)));
        }
    }

    /// Variables that hold the method go when only dropped code used them.
    fn method_variables(&mut self, reading: &Reading) {
        for (name, range) in &reading.method_variables {
            let uses = self
                .names
                .iter()
                .filter(|(id, at)| id == name && !(range.start <= at.start && at.end <= range.end));
            let live = uses.filter(|(_, at)| {
                !self
                    .dropped
                    .iter()
                    .chain(&reading.folded)
                    .any(|gone| gone.start <= at.start && at.end <= gone.end)
            });
            if live.count() > 0 {
                self.needs.request = true;
                continue;
            }
            let whole = reading
                .effects
                .iter()
                .find_map(|effect| match &effect.kind {
                    Kind::DestructureRequest { statement, .. }
                        if statement.start <= range.start && range.end <= statement.end =>
                    {
                        Some(())
                    }
                    _ => None,
                });
            // A part of a pattern goes when the pattern is written anew.
            if whole.is_none() {
                self.drop_statement(range.clone());
            } else {
                self.dropped.push(range.clone());
            }
        }
    }

    /// Removes constants that only dropped code read. Where computing them may do something else,
    /// just their names go.
    fn unread(&mut self, reading: &Reading) -> Vec<Range<usize>> {
        let Body::Block(stmts, _) = self.function.body else {
            return Vec::new();
        };
        let source = self.ctx.source;
        let inside = |outer: &Range<usize>, at: &Range<usize>| {
            outer.start <= at.start && at.end <= outer.end
        };
        let mut gone = Vec::new();
        loop {
            let found = super::server_action::with_callbacks(stmts)
                .into_iter()
                .find_map(|stmt| {
                    let Stmt::Decl(Decl::Var(declaration)) = stmt else {
                        return None;
                    };
                    let [declarator] = &declaration.decls[..] else {
                        return None;
                    };
                    let range = source.range(stmt);
                    let dropped = self
                        .dropped
                        .iter()
                        .chain(&reading.folded)
                        .any(|gone| inside(gone, &range));
                    let init = declarator.init.as_deref()?;
                    let works = !reads_only(init);
                    if dropped || works && !can_stand_alone(&declarator.name, init) {
                        return None;
                    }
                    let mut bound = Vec::new();
                    crate::syntax::bound_names(&declarator.name, &mut bound);
                    let uses: Vec<&Range<usize>> = self
                        .names
                        .iter()
                        .filter(|(name, at)| bound.contains(name) && !inside(&range, at))
                        .map(|(_, at)| at)
                        .collect();
                    let live = uses.iter().any(|at| {
                        !self
                            .dropped
                            .iter()
                            .chain(&reading.folded)
                            .any(|gone| inside(gone, at))
                    });
                    let name = range.start..source.range(init).start;
                    let named = !self.dropped.contains(&name);
                    (!uses.is_empty() && !live && named).then_some((range, works.then_some(name)))
                });
            let Some((range, name)) = found else { break };
            match name {
                Some(name) => {
                    self.edits.delete(name.clone());
                    self.dropped.push(name);
                }
                None => {
                    self.drop_statement(range.clone());
                    gone.push(range);
                }
            }
        }
        self.unread_errors(stmts, reading);
        gone
    }

    /// Removes `(error)` from a `catch` where only dropped code read it.
    fn unread_errors(&mut self, stmts: &[Stmt], reading: &Reading) {
        let source = self.ctx.source;
        let gone: Vec<Range<usize>> = self
            .dropped
            .iter()
            .chain(&reading.folded)
            .cloned()
            .collect();
        for stmt in super::server_action::all_statements(stmts) {
            let Stmt::Try(attempt) = stmt else { continue };
            let whole = source.range(stmt);
            if gone
                .iter()
                .any(|gone| gone.start <= whole.start && whole.end <= gone.end)
            {
                continue;
            }
            let Some(clause) = &attempt.handler else {
                continue;
            };
            let Some(Pat::Ident(binding)) = &clause.param else {
                continue;
            };
            let (name, at) = (crate::syntax::id(&binding.id), source.range(&binding.id));
            let mut uses = self
                .names
                .iter()
                .filter(|(other, found)| *other == name && *found != at)
                .peekable();
            let read = uses.peek().is_some();
            let dead = uses.all(|(_, at)| {
                gone.iter()
                    .any(|gone| gone.start <= at.start && at.end <= gone.end)
            });
            if read && dead {
                let clause = source.range(clause);
                let body = source.text[at.end..]
                    .find('{')
                    .map_or(at.end, |open| at.end + open);
                let start = clause.start + "catch".len();
                self.edits.replace(start..body, " ");
            }
        }
    }

    /// Puts a statement in before the function's own statement that holds an effect.
    pub(super) fn hoist(&mut self, top: usize, text: String) -> bool {
        let Body::Block(..) = self.function.body else {
            return false;
        };
        self.hoists.push((top, text));
        true
    }

    /// The name of a constant with a query's value above a statement of the function: the
    /// constant that there is already, or a new one.
    fn query_constant(&mut self, top: usize, value: &str) -> Option<String> {
        let names = ["query", "searchQuery", "requestQuery"];
        for name in names {
            let line = format!("const {name} = {value}");
            if let Some((at, _)) = self.hoists.iter_mut().find(|(_, held)| *held == line) {
                *at = top.min(*at);
                return Some(name.to_string());
            }
        }
        let taken = |name: &str| {
            let start = format!("const {name} = ");
            self.hoists.iter().any(|(_, line)| line.starts_with(&start))
        };
        let free = names
            .into_iter()
            .find(|name| self.free(name) && !taken(name))?;
        self.hoist(top, format!("const {free} = {value}"))
            .then(|| free.to_string())
    }

    /// The body: read in place where it is taken once, by a constant above its first use otherwise.
    fn bodies(&mut self, reading: &Reading) {
        let reads: Vec<&Effect> = reading
            .effects
            .iter()
            .filter(|effect| matches!(effect.kind, Kind::ReadBody { .. }))
            .collect();
        let taken = reading.effects.iter().any(|effect| match &effect.kind {
            Kind::DestructureRequest {
                parts,
                nested,
                statement,
            } => {
                parts
                    .iter()
                    .any(|(part, name)| part == "body" && self.lives(name, statement))
                    || nested.iter().any(|(part, _)| part == "body")
            }
            _ => false,
        });
        if !reads.is_empty() || taken {
            self.needs.body = true;
        }
        let Some(first) = reads.first() else { return };
        if taken {
            return self.refuse(Reason::BodyUse, first.range.clone(), "taken twice");
        }
        self.needs.awaits = true;
        let call = self.read_body();
        let text = &self.ctx.source.text;
        // Of `JSON.parse(req.body)` only the argument changes.
        let place = |effect: &Effect| match effect.kind {
            Kind::ReadBody { json_text: true } => {
                let open = text[effect.range.clone()].find('(').map_or(0, |at| at + 1);
                effect.range.start + open..effect.range.end - 1
            }
            _ => effect.range.clone(),
        };
        let member = |range: &Range<usize>| {
            text[range.end..]
                .trim_start()
                .starts_with(['.', '[', '?', '!'])
        };
        if let [only] = &reads[..]
            && !only.nested
            && !member(&place(only))
        {
            let range = place(only);
            let operand = self.is_operand(&range);
            self.edits.replace(
                range,
                if operand {
                    format!("(await {call})")
                } else {
                    format!("await {call}")
                },
            );
            return;
        }
        let name = self.free_name(&["body", "requestBody", "payload"]);
        if !self.hoist(first.top, format!("const {name} = await {call}")) {
            return self.refuse(Reason::BodyUse, first.range.clone(), "");
        }
        for effect in reads {
            let range = self.with_key(place(effect), &name);
            self.edits.replace(range, name.clone());
        }
    }

    /// A value, with its key where that is the name that the value gets: `{ body: req.body }`
    /// becomes `{ body }`.
    fn with_key(&self, range: Range<usize>, name: &str) -> Range<usize> {
        let text = &self.ctx.source.text;
        let key = || {
            let before = text[..range.start].trim_end().strip_suffix(':')?;
            let before = before.trim_end().strip_suffix(name)?;
            let opens = before.trim_end().ends_with(['{', ',']);
            let closes = text[range.end..].trim_start().starts_with(['}', ',']);
            (opens && closes).then_some(before.len())
        };
        key().unwrap_or(range.start)..range.end
    }

    /// The call that reads the body.
    fn read_body(&mut self) -> String {
        self.needs.request = true;
        self.needs.notes.insert(Note::BodyLimit);
        self.needs.helpers.insert(Helper::ReadBody);
        format!("readBody({})", self.request)
    }

    /// Path and search parameters.
    fn queries(&mut self, reading: &Reading) {
        let mut path_reads: BTreeMap<String, Vec<&Effect>> = BTreeMap::new();
        let mut search: Vec<&Effect> = Vec::new();
        // All parameters as one value, when a constant holds them.
        let mut held = None;
        for effect in &reading.effects {
            match &effect.kind {
                Kind::ReadQuery { key, .. } if self.optional(key) => {
                    // Without a segment, a search parameter of that name is what pages gave.
                    let whole = self.whole_query();
                    let Some(name) = self.query_constant(effect.top, &whole) else {
                        self.refuse(Reason::QueryUse, effect.range.clone(), "");
                        continue;
                    };
                    held = Some(whole);
                    let access = self.access(key);
                    self.edits
                        .replace(effect.range.clone(), format!("{name}{access}"));
                }
                Kind::ReadQuery { key, .. } if self.ctx.route.slug(key).is_some() => {
                    path_reads.entry(key.clone()).or_default().push(effect);
                }
                Kind::ReadQuery { .. } => search.push(effect),
                Kind::WholeQuery => {
                    let whole = self.whole_query();
                    let member = self.ctx.source.text[effect.range.end..]
                        .trim_start()
                        .starts_with(['.', '[', '?']);
                    let name = if effect.nested || member {
                        let Some(name) = self.query_constant(effect.top, &whole) else {
                            self.refuse(Reason::QueryUse, effect.range.clone(), "");
                            continue;
                        };
                        held = Some(whole);
                        name
                    } else {
                        whole
                    };
                    self.edits.replace(effect.range.clone(), name);
                }
                Kind::DestructureQuery {
                    pattern,
                    declarator,
                    statement,
                    typed,
                } => {
                    self.destructure(
                        effect,
                        pattern,
                        declarator,
                        statement.clone(),
                        typed.clone(),
                    );
                }
                _ => {}
            }
        }
        self.path_reads(path_reads);
        self.search_reads(search, held);
    }

    /// Whether a parameter is the route's optional catch-all.
    fn optional(&self, key: &str) -> bool {
        self.ctx
            .route
            .slug(key)
            .is_some_and(|slug| slug.kind == SlugKind::Optional)
    }

    /// The expression for all parameters as one value.
    fn whole_query(&mut self) -> String {
        let query = self.read_query();
        if self.ctx.route.slugs.is_empty() {
            return query;
        }
        let params = self.params();
        format!("{}, {params})", query.trim_end_matches(')'))
    }

    fn read_query(&mut self) -> String {
        self.needs.request = true;
        self.needs.next_request = true;
        self.needs.helpers.insert(Helper::ReadQuery);
        if self.ctx.module.library {
            let params = self.library_params();
            return format!("readQuery({}, {params})", self.request);
        }
        format!("readQuery({})", self.request)
    }

    /// `params`, awaited where it is a promise.
    fn params(&mut self) -> String {
        self.needs.params = true;
        let params = if self.ctx.awaits_request_apis() {
            self.needs.awaits = true;
            "await params"
        } else {
            "params"
        };
        match self.params_type() {
            Some(kind) if params == "params" => format!("{params} as {kind}"),
            Some(kind) => format!("({params}) as {kind}"),
            None => params.to_string(),
        }
    }

    /// `params` as an operand.
    fn params_operand(&mut self) -> String {
        match &*self.params() {
            "params" => "params".to_string(),
            other => format!("({other})"),
        }
    }

    /// The type that path parameters are asserted to have, where a wrapper types the context.
    fn params_type(&self) -> Option<String> {
        let module = self.ctx.module;
        let typed = module
            .wrapper
            .as_ref()
            .is_some_and(|wrapper| wrapper.wrapping.types_context);
        let own = self.function.range == module.handler.range;
        (typed && own && self.ctx.typescript())
            .then(|| super::route_handler::slug_types(self.ctx.route, self.ctx.style))
    }

    fn destructure(
        &mut self,
        effect: &Effect,
        pattern: &ObjectPat,
        declarator: &Range<usize>,
        statement: Option<Range<usize>>,
        typed: Option<Range<usize>>,
    ) {
        let source = self.ctx.source;
        let mut path = Vec::new();
        let mut search = Vec::new();
        let mut rest = false;
        let mut unread = false;
        for prop in &pattern.props {
            if let Some(statement) = &statement
                && !self.prop_lives(pattern, prop, statement)
            {
                unread = true;
                continue;
            }
            let key = match prop {
                ObjectPatProp::Assign(short) => Some(short.key.id.sym.to_string()),
                ObjectPatProp::KeyValue(pair) => prop_name(&pair.key),
                ObjectPatProp::Rest(_) => {
                    rest = true;
                    None
                }
            };
            match key {
                Some(key) if self.ctx.route.slug(&key).is_some() => {
                    if let ObjectPatProp::Assign(_) = prop {
                        self.holds_string(&key, &key);
                    }
                    path.push(source.range(prop));
                }
                _ => search.push(source.range(prop)),
            }
        }
        let braces = source.range(pattern);
        let pattern_end = match &pattern.type_ann {
            Some(annotation) => source.range(annotation).start,
            None => braces.end,
        };
        if effect.nested {
            return self.refuse(Reason::QueryUse, effect.range.clone(), "inside a callback");
        }
        let optional = pattern.props.iter().any(|prop| match prop {
            ObjectPatProp::Assign(short) => self.optional(&short.key.id.sym),
            ObjectPatProp::KeyValue(pair) => {
                prop_name(&pair.key).is_some_and(|key| self.optional(&key))
            }
            ObjectPatProp::Rest(_) => false,
        });
        if (rest || optional) && !self.ctx.route.slugs.is_empty() {
            let whole = self.whole_query();
            return self.edits.rewrite(
                declarator.clone(),
                vec![
                    Fragment::Keep(braces.start..pattern_end),
                    Fragment::Text(format!(" = {whole}")),
                ],
            );
        }
        let list = |ranges: &[Range<usize>], with: &mut Vec<Fragment>| {
            for (at, range) in ranges.iter().enumerate() {
                if at > 0 {
                    with.push(Fragment::Text(", ".to_string()));
                }
                with.push(Fragment::Keep(range.clone()));
            }
        };
        let whole = |ranges: &[Range<usize>]| {
            if !unread {
                return vec![Fragment::Keep(braces.start..pattern_end)];
            }
            let mut with = vec![Fragment::Text("{ ".to_string())];
            list(ranges, &mut with);
            with.push(Fragment::Text(" }".to_string()));
            with
        };
        match (path.is_empty(), search.is_empty()) {
            (false, true) => {
                let params = self.params();
                let mut with = whole(&path);
                with.push(Fragment::Text(format!(" = {params}")));
                self.edits.rewrite(declarator.clone(), with);
            }
            (true, _) => {
                let query = self.read_query();
                let annotation = pattern
                    .type_ann
                    .as_ref()
                    .map(|annotation| source.range(annotation));
                let mut with = whole(&search);
                with.extend(annotation.map(Fragment::Keep));
                with.push(Fragment::Text(format!(" = {query}")));
                if pattern.type_ann.is_none() {
                    with.extend(typed.map(Fragment::Keep));
                }
                self.edits.rewrite(declarator.clone(), with);
            }
            (false, false) => {
                let Some(statement) = statement else {
                    return self.refuse(
                        Reason::QueryUse,
                        declarator.clone(),
                        "several declarations in one",
                    );
                };
                if typed.is_some() && pattern.type_ann.is_some() {
                    return self.refuse(Reason::QueryUse, declarator.clone(), "typed pattern");
                }
                let keyword = source.text[statement.start..declarator.start]
                    .trim_end()
                    .to_string();
                let indent = self.ctx.indent_at(statement.start);
                let params = self.params();
                let query = self.read_query();
                let semi = if source.text[..statement.end].ends_with(';') {
                    ";"
                } else {
                    ""
                };
                let mut with = vec![Fragment::Text(format!("{keyword} {{ "))];
                list(&path, &mut with);
                with.push(Fragment::Text(format!(
                    " }} = {params}{semi}\n{indent}{keyword} {{ "
                )));
                list(&search, &mut with);
                with.push(Fragment::Text(format!(" }} = {query}")));
                with.extend(typed.map(Fragment::Keep));
                with.push(Fragment::Text(semi.to_string()));
                self.edits.rewrite(statement, with);
            }
        }
    }

    /// Reads of single path parameters.
    fn path_reads(&mut self, reads: BTreeMap<String, Vec<&Effect>>) {
        let mut hoisted: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (key, effects) in reads {
            self.needs.params = true;
            // `const id = req.query.id as string` declares just the parameter.
            if let [only] = &effects[..]
                && let Kind::ReadQuery {
                    declares: Some(declares),
                    ..
                } = &only.kind
            {
                let params = self.params();
                let pattern = if declares.name == key {
                    format!("{{ {key} }}")
                } else {
                    format!("{{ {}: {} }}", self.ctx.style.key(&key), declares.name)
                };
                self.edits
                    .replace(declares.declarator.clone(), format!("{pattern} = {params}"));
                continue;
            }
            let asserted = self.params_type().is_some();
            if !self.ctx.awaits_request_apis() && !asserted {
                for effect in effects {
                    let access = self.access(&key);
                    let range = self.without_assertion(effect);
                    self.edits.replace(range, format!("params{access}"));
                }
                continue;
            }
            self.needs.awaits |= self.ctx.awaits_request_apis();
            let is_ident = self.ctx.style.key(&key) == key;
            // A constant of that very name can only be the one that is declared here.
            let declared = effects.iter().any(|effect| {
                matches!(
                    &effect.kind,
                    Kind::ReadQuery {
                        declares: Some(_),
                        ..
                    }
                )
            });
            let name = if is_ident && self.free(&key) {
                Some(key.clone())
            } else {
                None
            };
            let block = matches!(self.function.body, Body::Block(..));
            match name {
                Some(name) if block && !declared => {
                    let top = effects.iter().map(|effect| effect.top).min().unwrap_or(0);
                    hoisted.entry(top).or_default().push(name.clone());
                    for effect in effects {
                        let range = self.with_key(self.without_assertion(effect), &name);
                        self.edits.replace(range, name.clone());
                    }
                }
                _ => {
                    for effect in effects {
                        if effect.nested {
                            self.refuse(
                                Reason::QueryUse,
                                effect.range.clone(),
                                "inside a callback",
                            );
                            continue;
                        }
                        let access = self.access(&key);
                        let range = self.without_assertion(effect);
                        let params = self.params_operand();
                        self.edits.replace(range, format!("{params}{access}"));
                    }
                }
            }
        }
        for (top, names) in hoisted {
            let params = self.params();
            self.hoist(top, format!("const {{ {} }} = {params}", names.join(", ")));
        }
    }

    /// `req.query.id as string` with its assertion, when the parameter is a string anyway.
    pub(super) fn without_assertion(&self, effect: &Effect) -> Range<usize> {
        let Kind::ReadQuery { key, .. } = &effect.kind else {
            return effect.range.clone();
        };
        let one = self
            .ctx
            .route
            .slug(key)
            .is_some_and(|slug| slug.kind == SlugKind::One);
        let rest = &self.ctx.source.text[effect.range.end..];
        if one
            && rest.starts_with(" as string")
            && !rest[10..]
                .starts_with(|next: char| next.is_alphanumeric() || next == '[' || next == ' ')
        {
            return effect.range.start..effect.range.end + 10;
        }
        effect.range.clone()
    }

    fn access(&self, key: &str) -> String {
        if self.ctx.style.key(key) == key {
            format!(".{key}")
        } else {
            format!("[{}]", self.ctx.style.string(key))
        }
    }

    /// Reads of single search parameters. `held`: what a constant holds all parameters by.
    fn search_reads(&mut self, reads: Vec<&Effect>, held: Option<String>) {
        let mut rest = Vec::new();
        for effect in reads {
            let Kind::ReadQuery { key, .. } = &effect.kind else {
                continue;
            };
            // parseInt reads an array as its first entry, so `get` means the same.
            let before = self.ctx.source.text[..effect.range.start].trim_end();
            let number = before.strip_suffix('(').is_some_and(|text| {
                let text = text.trim_end();
                text.ends_with("parseInt") || text.ends_with("parseFloat")
            });
            let typed = !self.ctx.typescript()
                || self.ctx.source.text[effect.range.end..].starts_with(" as string");
            if number && typed {
                self.needs.request = true;
                self.needs.next_request = true;
                let text = format!(
                    "{}.nextUrl.searchParams.get({})",
                    self.request,
                    self.ctx.style.string(key)
                );
                self.edits.replace(effect.range.clone(), text);
                continue;
            }
            rest.push((effect, key.clone()));
        }
        let Some((first, _)) = rest.first() else {
            return;
        };
        let shared =
            held.is_some() || rest.len() > 1 || rest.iter().any(|(effect, _)| effect.nested);
        let query = held.unwrap_or_else(|| self.read_query());
        let mut base = query.clone();
        if shared && let Some(name) = self.query_constant(first.top, &query) {
            base = name;
        }
        for (effect, key) in rest {
            let access = self.access(&key);
            self.edits
                .replace(effect.range.clone(), format!("{base}{access}"));
        }
    }

    /// Decides how headers that are set before the answers travel: into each answer where that
    /// is the same, by one `Headers` object otherwise; gives its name then.
    fn headers(&mut self, reading: &Reading<'a>) -> Option<String> {
        let replies: Vec<(&Effect, &Reply)> = reading
            .effects
            .iter()
            .filter_map(|effect| match &effect.kind {
                Kind::Reply(reply) => Some((effect, &**reply)),
                _ => None,
            })
            .collect();
        let prepares: Vec<(&Effect, &Vec<SetHeader>, &Range<usize>)> = reading
            .effects
            .iter()
            .filter_map(|effect| match &effect.kind {
                Kind::Prepare {
                    headers, statement, ..
                } => Some((effect, headers, statement)),
                _ => None,
            })
            .collect();
        let handed = reading.effects.iter().find(|effect| {
            effect.sets_headers()
                || effect.carries_headers()
                || matches!(effect.kind, Kind::SentHeader { .. })
        });
        let sharing = reading
            .effects
            .iter()
            .find_map(|effect| match &effect.kind {
                Kind::CallCarrier {
                    callback: Some(callback),
                    ..
                } => callback.sharing.clone(),
                _ => None,
            });
        // The headers that a function inside it is given are not there outside of it.
        if let Some(inner) = &sharing
            && let Some(outer) = reading.effects.iter().find(|effect| {
                let inside = inner.start <= effect.range.start && effect.range.end <= inner.end;
                let set = matches!(&effect.kind, Kind::Prepare { .. } | Kind::Reply(_))
                    || effect.sets_headers()
                    || effect.carries_headers()
                    || matches!(effect.kind, Kind::SentHeader { .. });
                set && !inside
            })
        {
            self.refuse(Reason::HeaderInCallback, outer.range.clone(), "");
            return None;
        }
        let taken = self.ctx.takes_headers || sharing.is_some();
        let any_header =
            taken || handed.is_some() || prepares.iter().any(|(_, headers, _)| !headers.is_empty());
        let carried: usize = replies.iter().map(|(_, reply)| reply.before.len()).sum();
        let set: usize = prepares.iter().map(|(_, headers, _)| headers.len()).sum();
        let adjacent = |statement: &Range<usize>| {
            let mut end = statement.end;
            loop {
                if let Some((_, _, next)) = prepares
                    .iter()
                    .find(|(_, _, next)| next.start >= end && self.blank(end, next.start))
                {
                    end = next.end;
                    continue;
                }
                return replies.iter().any(|(effect, reply)| {
                    let start = match reply.form {
                        ReplyForm::Bare(start) | ReplyForm::Settles(start) => start,
                        ReplyForm::Returned => self.ctx.source.text[..effect.range.start]
                            .rfind("return")
                            .unwrap_or(usize::MAX),
                    };
                    start >= end && start != usize::MAX && self.blank(end, start)
                });
            }
        };
        // What is written anew inside a value stays where it is.
        let plain = |statement: &Range<usize>| {
            !reading.effects.iter().any(|effect| {
                effect.range != *statement
                    && statement.start <= effect.range.start
                    && effect.range.end <= statement.end
            })
        };
        let inline = !taken
            && prepares
                .iter()
                .all(|(_, headers, statement)| headers.is_empty() || plain(statement))
            && handed.is_none()
            && !replies.iter().any(|(_, reply)| reply.carries)
            && carried <= set.max(3)
            && prepares.iter().all(|(_, headers, statement)| {
                headers
                    .iter()
                    .all(|header| header.mode != HeaderMode::Remove)
                    && (adjacent(statement)
                        || headers
                            .iter()
                            .all(|header| header.values.iter().all(|value| constant(value))))
            });
        if inline || !any_header {
            for (_, _, statement) in &prepares {
                self.move_statement((*statement).clone());
            }
            return None;
        }
        self.typed = reading.effects.iter().any(|effect| match &effect.kind {
            Kind::Prepare { headers, .. } => headers.iter().any(sets_type),
            Kind::LateHeader {
                name: Name::Literal(name),
                ..
            } => name.eq_ignore_ascii_case("content-type"),
            _ => match effect.carrier() {
                Some((Carrier::Shared(shared), _)) if shared.headers => {
                    let mut names = shared.header_names.iter();
                    names.any(|name| name.eq_ignore_ascii_case("content-type"))
                }
                _ => false,
            },
        });
        if self.ctx.hands_headers {
            let calls = reading
                .effects
                .iter()
                .filter(|effect| matches!(effect.carrier(), Some((Carrier::Handler(_), _))));
            self.handed = calls.map(|effect| effect.range.start).min();
        }
        let name = self.free_name(&["headers", "responseHeaders", "replyHeaders"]);
        let first = prepares
            .iter()
            .filter(|(_, headers, _)| !headers.is_empty())
            .map(|(effect, ..)| *effect)
            .chain(handed)
            .min_by_key(|effect| effect.range.start);
        if sharing.is_some() {
            self.sharing = Some(name.clone());
        } else if taken {
            self.needs.headers = Some(name.clone());
        } else {
            let first = first?;
            if !self.hoist(first.top, format!("const {name} = new Headers()")) {
                self.refuse(Reason::HeaderInCallback, first.range.clone(), "");
                return None;
            }
        }
        for (effect, headers, statement) in &prepares {
            if headers.is_empty() {
                self.move_statement((*statement).clone());
                continue;
            }
            if effect.nested {
                self.refuse(Reason::HeaderInCallback, effect.range.clone(), "");
                continue;
            }
            if let [header] = &headers[..]
                && self.set_in_place(header, statement, &name)
            {
                continue;
            }
            let indent = self.ctx.indent_at(statement.start);
            let semi = if self.ctx.source.text[..statement.end].ends_with(';') {
                ";"
            } else {
                ""
            };
            let mut with = Vec::new();
            let mut lines = 0;
            for header in headers.iter() {
                let key = self.ctx.style.string(&header.name);
                let calls: Vec<(&str, Option<&&Expr>)> = match header.mode {
                    HeaderMode::Remove => vec![("delete", None)],
                    HeaderMode::Append => header
                        .values
                        .iter()
                        .map(|value| ("append", Some(value)))
                        .collect(),
                    HeaderMode::Set => header
                        .values
                        .iter()
                        .enumerate()
                        .map(|(at, value)| (if at == 0 { "set" } else { "append" }, Some(value)))
                        .collect(),
                };
                for (method, value) in calls {
                    if lines > 0 {
                        with.push(Fragment::Text(format!("{semi}\n{indent}")));
                    }
                    lines += 1;
                    with.push(Fragment::Text(format!("{name}.{method}({key}")));
                    if let Some(value) = value {
                        with.push(Fragment::Text(", ".to_string()));
                        with.extend(reply::header_value(self.ctx, value));
                    }
                    with.push(Fragment::Text(")".to_string()));
                }
            }
            with.push(Fragment::Text(semi.to_string()));
            self.edits.rewrite((*statement).clone(), with);
        }
        Some(name)
    }

    /// Writes `res.setHeader(name, value)` as a call of `headers` whose arguments stay as they are
    /// laid out; whether it is such a call.
    fn set_in_place(&mut self, header: &SetHeader, statement: &Range<usize>, name: &str) -> bool {
        let method = match header.mode {
            HeaderMode::Set => "set",
            HeaderMode::Append => "append",
            HeaderMode::Remove => return false,
        };
        let [value] = header.values[..] else {
            return false;
        };
        let text = &self.ctx.source.text;
        let range = self.ctx.source.range(value);
        let Some(open) = text[statement.clone()].find('(') else {
            return false;
        };
        let open = statement.start + open;
        let callee = &text[statement.start..open];
        let called = callee.ends_with(".setHeader") || callee.ends_with(".appendHeader");
        let direct = text[..range.start].trim_end().ends_with(',')
            && text[range.end..].trim_start().starts_with([')', ',']);
        if !called || callee.matches('.').count() != 1 || !direct {
            return false;
        }
        self.edits
            .replace(statement.start..open, format!("{name}.{method}"));
        let with = reply::header_value(self.ctx, value);
        if !matches!(&with[..], [Fragment::Keep(_)]) {
            self.edits.rewrite(range, with);
        }
        true
    }

    /// Removes a statement whose values go into the answers.
    fn move_statement(&mut self, statement: Range<usize>) {
        let dropped = self.dropped.len();
        self.drop_from(statement.start, statement);
        // Its values live on, so what they use is not unused.
        self.dropped.truncate(dropped);
    }

    fn blank(&self, from: usize, to: usize) -> bool {
        from <= to && self.ctx.source.text[from..to].trim().is_empty()
    }

    pub(super) fn effect(&mut self, effect: &Effect<'a>, shared: Option<&str>) {
        let range = effect.range.clone();
        let request = self.request.clone();
        match &effect.kind {
            Kind::ReadQuery { .. }
            | Kind::DestructureQuery { .. }
            | Kind::WholeQuery
            | Kind::ReadBody { .. }
            | Kind::Prepare { .. } => {}
            Kind::ReadRawBody { text, collected } => {
                self.needs.request = true;
                self.needs.body = true;
                if *collected {
                    let read = if *text {
                        format!("await {request}.text()")
                    } else {
                        format!("Buffer.from(await {request}.arrayBuffer())")
                    };
                    return self.edits.replace(range, read);
                }
                let callee = self.ctx.source.text[range.clone()].find('(').unwrap_or(0);
                self.dropped.push(range.start..range.start + callee);
                let awaited = self.ctx.source.text[..range.start]
                    .trim_end()
                    .ends_with("await");
                // What is awaited has to be the bytes, not something made of their promise.
                let chained = self.ctx.source.text[range.end..]
                    .trim_start()
                    .starts_with(['.', '?', '[']);
                if !awaited || chained {
                    return self.refuse(Reason::RawBody, range, "not awaited by itself");
                }
                if *text {
                    self.edits.replace(range, format!("{request}.text()"));
                } else {
                    let start =
                        self.ctx.source.text[..range.start].trim_end().len() - "await".len();
                    self.edits.replace(
                        start..range.end,
                        format!("Buffer.from(await {request}.arrayBuffer())"),
                    );
                }
            }
            Kind::ReadCookie { name, .. } => {
                self.needs.request = true;
                self.needs.next_request = true;
                self.needs.notes.insert(Note::CookieParsing);
                let object = self.part_object(&range, "cookies");
                let mut with = vec![Fragment::Text(format!("{object}.get("))];
                with.push(self.name(name));
                with.push(Fragment::Text(")?.value".to_string()));
                self.edits.rewrite(range, with);
            }
            Kind::ReadHeader { name, usage } => {
                self.needs.request = true;
                let object = self.part_object(&range, "headers");
                self.read_header(range, &object, name, *usage);
            }
            Kind::SentStatus => {
                let before = self.held.iter().filter(|held| held.start < range.start);
                let Some(held) = before.max_by_key(|held| held.start) else {
                    return self.refuse(Reason::UnknownResMember, range, "statusCode");
                };
                let text = format!("{}.status", held.name);
                self.edits.replace(range, text);
            }
            Kind::SentHeader { name, usage } => {
                let Some(headers) = shared else {
                    return self.refuse(Reason::UnknownResMember, range, "getHeader");
                };
                let key = self.ctx.style.string(name);
                if !name.eq_ignore_ascii_case("set-cookie") {
                    return self.read_header(range, headers, &Name::Literal(name.clone()), *usage);
                }
                let has = format!("{headers}.has({key})");
                let text = match usage {
                    Usage::Presence => has,
                    _ if self.is_operand(&range) => {
                        format!("({has} ? {headers}.getSetCookie() : undefined)")
                    }
                    _ => format!("{has} ? {headers}.getSetCookie() : undefined"),
                };
                self.edits.replace(range, text);
            }
            Kind::LateHeader {
                name, value, mode, ..
            } => {
                let Some(headers) = shared else {
                    return self.refuse(Reason::HeaderInCallback, range, "");
                };
                let method = match mode {
                    HeaderMode::Set => "set",
                    HeaderMode::Append => "append",
                    HeaderMode::Remove => "delete",
                };
                let mut with = vec![Fragment::Text(format!("{headers}.{method}("))];
                match value {
                    Some((_, false)) if *mode == HeaderMode::Set => {
                        self.needs.helpers.insert(Helper::SetHeader);
                        let call = format!("{}({headers}, ", Helper::SetHeader.name());
                        with = vec![Fragment::Text(call)];
                    }
                    Some((_, false)) => {
                        return self.refuse(Reason::UnknownHeader, range, "value");
                    }
                    _ => {}
                }
                with.push(self.name(name));
                if let Some((value, _)) = value {
                    with.push(Fragment::Text(", ".to_string()));
                    with.push(Fragment::Keep(value.clone()));
                }
                with.push(Fragment::Text(")".to_string()));
                self.edits.rewrite(range, with);
            }
            Kind::WholeHeaders => {
                self.needs.request = true;
                let object = self.part_object(&range, "headers");
                self.edits
                    .replace(range, format!("Object.fromEntries({object})"));
            }
            Kind::WholeCookies => {
                self.needs.request = true;
                self.needs.next_request = true;
                self.needs.notes.insert(Note::CookieParsing);
                let object = self.part_object(&range, "cookies");
                let text = format!(
                    "Object.fromEntries({object}.getAll().map(({{ name, value }}) => [name, value]))"
                );
                self.edits.replace(range, text);
            }
            Kind::DestructureValues {
                part,
                values,
                statement,
            } => {
                self.needs.request = true;
                let cookies = part == "cookies";
                self.needs.next_request |= cookies;
                if cookies {
                    self.needs.notes.insert(Note::CookieParsing);
                }
                let source = self.ctx.source;
                let semi = if source.text[..statement.end].ends_with(';') {
                    ";"
                } else {
                    ""
                };
                let keyword = source.text[statement.clone()]
                    .split_whitespace()
                    .next()
                    .unwrap_or("const");
                let indent = self.ctx.indent_at(statement.start);
                let mut with = Vec::new();
                for (at, (key, name, default)) in values.iter().enumerate() {
                    let separator = if at > 0 {
                        format!("{semi}\n{indent}")
                    } else {
                        String::new()
                    };
                    let read = format!("{request}.{part}.get({})", self.ctx.style.string(key));
                    let read = if cookies {
                        format!("{read}?.value")
                    } else {
                        read
                    };
                    let name = &source.text[name.clone()];
                    // A header that is absent is null, and would be undefined.
                    let end = match default {
                        Some(_) => " ?? ",
                        None if cookies => "",
                        None => " ?? undefined",
                    };
                    with.push(Fragment::Text(format!(
                        "{separator}{keyword} {name} = {read}{end}"
                    )));
                    with.extend(default.clone().map(Fragment::Keep));
                }
                with.push(Fragment::Text(semi.to_string()));
                self.edits.rewrite(range, with);
            }
            Kind::ReadUrl => {
                let slugs = !self.ctx.route.slugs.is_empty();
                if slugs && self.ctx.next.has(Feature::SlugsLeaveUrl) {
                    self.needs.notes.insert(Note::SlugInUrl);
                }
                self.needs.request = true;
                self.needs.next_request = true;
                let url = format!("`${{{request}.nextUrl.pathname}}${{{request}.nextUrl.search}}`");
                let rest = &self.ctx.source.text[range.end..];
                let end = if rest.starts_with('!') && !rest.starts_with("!=") {
                    range.end + 1
                } else {
                    range.end
                };
                self.edits.replace(range.start..end, url);
            }
            Kind::Unreachable(note) => {
                self.needs.notes.extend(*note);
                self.dropped.push(range.clone());
                self.edits.delete(range);
            }
            Kind::ReadAddress { usage } => {
                self.needs.request = true;
                self.needs.notes.insert(Note::ForwardedFor);
                let headers = format!("{request}.headers");
                let name = Name::Literal(peer::FORWARDED.to_string());
                self.read_header(range, &headers, &name, *usage);
            }
            Kind::DestructureRequest {
                parts,
                nested,
                statement,
            } => self.destructure_request(parts, nested, statement),
            Kind::Reply(reply) => {
                let mut reply = reply.clone();
                let is_type = |header: &SetHeader| header.name.eq_ignore_ascii_case("content-type");
                let may_be_typed = reply.carries || reply.before.iter().any(is_type);
                // What the caller has set is not known here.
                reply.carries |= self.ctx.takes_headers || self.sharing.is_some();
                // What the function that was called has set stands before its error is answered.
                reply.carries |= self.handed.is_some_and(|handed| handed < range.start);
                let json = matches!(reply.payload, Payload::Json(_));
                if self.typed && may_be_typed && shared.is_some() && json {
                    let why = "a type that json() replaces";
                    return self.refuse(Reason::UnknownHeader, range, why);
                }
                match reply::write(self.ctx, effect, &reply, shared, &self.edits) {
                    Ok(written) => {
                        self.needs.only_json &= matches!(reply.payload, Payload::Json(_));
                        self.needs.notes.extend(written.notes);
                        match written.helper {
                            Some(helper) if !self.free(helper.name()) => {
                                let why = format!("{} is taken", helper.name());
                                return self.refuse(Reason::UnknownSend, range, &why);
                            }
                            Some(helper) => {
                                self.needs.helpers.insert(helper);
                            }
                            None => self.needs.imports.value("next/server", "NextResponse"),
                        }
                        self.shifts.extend(written.shifts);
                        if let Some((white, text)) = written.broken {
                            self.edits.replace_soft(white, text);
                        }
                        self.edits.rewrite(written.range, written.fragments);
                    }
                    Err(refusal) => self.refusals.push(refusal),
                }
            }
            Kind::ReplyChain { form } => {
                if let ReplyForm::Bare(start) = form {
                    self.edits.insert(*start, "return ");
                }
            }
            Kind::ReplyCallback {
                statement,
                call,
                waited,
            } => self.promise(effect, statement, call, *waited),
            Kind::ReplyPromise {
                bare, made, types, ..
            } => self.own_promise(effect, *bare, made, types.clone()),
            Kind::CallCarrier { .. } => self.call_carrier(effect, shared),
            Kind::Guard { .. } => self.guard(effect, shared),
            Kind::Hand(hand) => self.hand(effect, hand),
            Kind::Library(call) => self.library(effect, call),
            Kind::Revalidate { path } => {
                let source = self.ctx.source;
                let head = crate::revalidation::call_head(source, &range, path)
                    .filter(|_| self.ctx.next.has(Feature::RevalidatePath))
                    .filter(|_| self.ctx.pages.in_app(&source.text[path.clone()]));
                let Some(head) = head else {
                    return self.refuse(Reason::RevalidatePages, range, "");
                };
                self.needs.imports.value("next/cache", "revalidatePath");
                self.needs.notes.insert(Note::RevalidateLater);
                self.edits.replace(head, "revalidatePath(");
            }
            Kind::DraftMode { enable } => {
                self.needs.imports.value("next/headers", "draftMode");
                let verb = if *enable { "enable" } else { "disable" };
                if self.ctx.awaits_request_apis() {
                    self.needs.awaits = true;
                    if effect.nested {
                        return self.refuse(Reason::PreviewData, range, "inside a callback");
                    }
                    // Without semicolons, a line that opens a parenthesis would call the one above.
                    let before = self.ctx.source.text[..range.start].trim_end_matches([' ', '\t']);
                    let first = before.ends_with('\n') && self.ctx.style.semi.is_empty();
                    let draft = self.free_name(&["draft", "draftStore"]);
                    if first && self.hoist(effect.top, format!("const {draft} = await draftMode()"))
                    {
                        return self.edits.replace(range, format!("{draft}.{verb}()"));
                    }
                    self.edits
                        .replace(range, format!("(await draftMode()).{verb}()"));
                } else {
                    self.edits.replace(range, format!("draftMode().{verb}()"));
                }
            }
        }
    }

    /// Whether an expression is an operand, so that `??` inside it needs parentheses.
    fn is_operand(&self, range: &Range<usize>) -> bool {
        let before = self.ctx.source.text[..range.start].trim_end();
        let after = self.ctx.source.text[range.end..].trim_start();
        let opens = before.ends_with(['(', ',', '[', ':', '{'])
            || before.ends_with("return")
            || before.ends_with('=') && !before.ends_with("==") && !before.ends_with("!=");
        let closes = after.starts_with([')', ',', ']', ';', '}'])
            || after.is_empty()
            || self.ctx.source.text[range.end..]
                .trim_start_matches([' ', '\t'])
                .starts_with(['\n', '\r'])
                && !after.starts_with(['|', '&', '?', '=', '!', '+']);
        !(opens && closes)
    }

    /// The object that a part of the request is read from: `req.headers`, or the name that holds it.
    fn part_object(&self, range: &Range<usize>, part: &str) -> String {
        let text = &self.ctx.source.text[range.clone()];
        let name: String = text
            .chars()
            .take_while(|char| char.is_alphanumeric() || *char == '_' || *char == '$')
            .collect();
        if name == self.request {
            format!("{name}.{part}")
        } else {
            name
        }
    }

    /// Reads a header of `object`; where the value itself counts, an absent one stays undefined.
    pub(super) fn read_header(
        &mut self,
        range: Range<usize>,
        object: &str,
        name: &Name,
        usage: Usage,
    ) {
        let mut with = vec![Fragment::Text(format!("{object}.get("))];
        with.push(self.name(name));
        let rest = &self.ctx.source.text[range.end..];
        let asserted =
            rest.starts_with(" as string") || rest.starts_with('!') && !rest.starts_with("!=");
        let value = usage == Usage::Value || usage == Usage::Parsed && asserted;
        let member = rest.trim_start().starts_with(['.', '[']);
        if value && member && !self.ctx.typescript() {
            with.push(Fragment::Text(")".to_string()));
        } else if value {
            with.push(Fragment::Text(") ?? undefined".to_string()));
            let operand = asserted || self.is_operand(&range);
            if operand || member {
                with.insert(0, Fragment::Text("(".to_string()));
                with.push(Fragment::Text(")".to_string()));
            }
        } else {
            with.push(Fragment::Text(")".to_string()));
        }
        self.edits.rewrite(range, with);
    }

    fn name(&self, name: &Name) -> Fragment {
        match name {
            Name::Literal(text) => Fragment::Text(self.ctx.style.string(text)),
            Name::Expr(range) => Fragment::Keep(range.clone()),
        }
    }

    fn destructure_request(
        &mut self,
        parts: &[(String, Range<usize>)],
        nested: &[(String, &ObjectPat)],
        statement: &Range<usize>,
    ) {
        let source = self.ctx.source;
        let semi = if source.text[..statement.end].ends_with(';') {
            ";"
        } else {
            ""
        };
        let indent = self.ctx.indent_at(statement.start);
        let mut same = Vec::new();
        let mut lines = Vec::new();
        for (part, name) in parts {
            let local = source.text[name.clone()].to_string();
            if part == "method"
                && self
                    .dropped
                    .iter()
                    .any(|gone| gone.start <= name.start && name.end <= gone.end)
            {
                continue;
            }
            if !self.lives(name, statement) {
                continue;
            }
            self.needs.request = true;
            match part.as_str() {
                "method" | "headers" | "cookies" => {
                    self.needs.next_request |= part == "cookies";
                    same.push(if *part == local {
                        local
                    } else {
                        format!("{part}: {local}")
                    });
                }
                "body" => {
                    let call = self.read_body();
                    self.needs.awaits = true;
                    lines.push(format!("const {local} = await {call}"));
                }
                "query" => {
                    let whole = self.whole_query();
                    lines.push(format!("const {local} = {whole}"));
                }
                _ => {
                    self.needs.next_request = true;
                    lines.push(format!(
                        "const {local} = `${{{0}.nextUrl.pathname}}${{{0}.nextUrl.search}}`",
                        self.request
                    ));
                }
            }
        }
        for (part, pattern) in nested {
            let text = |range: Range<usize>| source.text[range].to_string();
            if part == "body" {
                let call = self.read_body();
                self.needs.awaits = true;
                lines.push(format!(
                    "const {} = await {call}",
                    text(source.range(*pattern))
                ));
                continue;
            }
            let mut path = Vec::new();
            let mut search = Vec::new();
            for prop in &pattern.props {
                if !self.prop_lives(pattern, prop, statement) {
                    continue;
                }
                let key = match prop {
                    ObjectPatProp::Assign(short) => Some(short.key.id.sym.to_string()),
                    ObjectPatProp::KeyValue(pair) => prop_name(&pair.key),
                    ObjectPatProp::Rest(_) => None,
                };
                if key.as_deref().is_some_and(|key| self.optional(key)) {
                    return self.refuse(
                        Reason::QueryUse,
                        source.range(prop),
                        "an optional catch-all",
                    );
                }
                let is_path = key
                    .as_deref()
                    .is_some_and(|key| self.ctx.route.slug(key).is_some());
                if key.is_none() && !self.ctx.route.slugs.is_empty() {
                    return self.refuse(
                        Reason::QueryUse,
                        source.range(prop),
                        "rest in the pattern",
                    );
                }
                if let (true, Some(key), ObjectPatProp::Assign(_)) = (is_path, &key, prop) {
                    self.holds_string(key, key);
                }
                if is_path { &mut path } else { &mut search }.push(text(source.range(prop)));
            }
            if !path.is_empty() {
                let params = self.params();
                lines.push(format!("const {{ {} }} = {params}", path.join(", ")));
            }
            if !search.is_empty() {
                let query = self.read_query();
                lines.push(format!("const {{ {} }} = {query}", search.join(", ")));
            }
        }
        if !same.is_empty() {
            lines.insert(
                0,
                format!("const {{ {} }} = {}", same.join(", "), self.request),
            );
        }
        if lines.is_empty() {
            self.drop_statement(statement.clone());
            return;
        }
        self.edits.replace(
            statement.clone(),
            format!("{}{semi}", lines.join(&format!("{semi}\n{indent}"))),
        );
    }

    /// Whether code that stays uses what a property of a pattern declares. Beside a rest, every
    /// property counts.
    fn prop_lives(
        &self,
        pattern: &ObjectPat,
        prop: &ObjectPatProp,
        statement: &Range<usize>,
    ) -> bool {
        let rest = |prop: &ObjectPatProp| matches!(prop, ObjectPatProp::Rest(_));
        if pattern.props.iter().any(rest) {
            return true;
        }
        let whole = self.ctx.source.range(prop);
        let inside = |outer: &Range<usize>, at: &Range<usize>| {
            outer.start <= at.start && at.end <= outer.end
        };
        let declared: Vec<_> = self
            .names
            .iter()
            .filter(|(_, at)| inside(&whole, at))
            .collect();
        // What nothing read before stays, too.
        let read = self.names.iter().any(|(name, at)| {
            !inside(statement, at) && declared.iter().any(|(declared, _)| declared == name)
        });
        !read || declared.iter().any(|(_, at)| self.lives(at, statement))
    }

    /// Whether code that stays uses the variable that is declared at `name` in `statement`.
    fn lives(&self, name: &Range<usize>, statement: &Range<usize>) -> bool {
        let Some((binding, _)) = self.names.iter().find(|(_, at)| at == name) else {
            return true;
        };
        let inside = |outer: &Range<usize>, at: &Range<usize>| {
            outer.start <= at.start && at.end <= outer.end
        };
        self.names.iter().any(|(other, at)| {
            other == binding
                && !inside(statement, at)
                && !self.dropped.iter().any(|gone| inside(gone, at))
        })
    }

    pub(super) fn call_carrier(&mut self, effect: &Effect<'a>, headers: Option<&str>) {
        let Kind::CallCarrier {
            callee,
            args,
            list,
            form,
            awaited,
            carries,
            callback,
            held,
        } = &effect.kind
        else {
            return;
        };
        self.callbacks.extend(callback.clone());
        if self.refused(callee) {
            return;
        }
        let Some(takes) = self.takes(callee) else {
            return self.refuse(Reason::ResEscapes, effect.range.clone(), callee.name());
        };
        match form {
            None if takes.replies != Replies::Never => {
                return self.refuse(
                    Reason::ReplyInExpression,
                    effect.range.clone(),
                    callee.name(),
                );
            }
            _ => {}
        }
        let text = &self.ctx.source.text;
        let is_awaited = *awaited || text[..effect.range.start].trim_end().ends_with("await");
        // A promise that is returned needs no `await` where nothing catches its error.
        let counts = form.is_none() || effect.tried;
        if takes.awaits && !is_awaited && counts && !self.now_awaited(effect, callee) {
            return;
        }
        self.pass_on(callee, &takes, args, list, effect.range.clone(), headers);
        if let Some(ReplyForm::Bare(start)) = form {
            self.edits.insert(*start, "return ");
        }
        if let Some(held) = held {
            self.hold(held);
        }
        if let (true, Some(headers), Some(_)) = (*carries, headers, form) {
            self.with_headers(callee, effect.range.clone(), *awaited, headers);
        }
        if let Some(ReplyForm::Settles(_)) = form {
            self.settle(effect.range.clone());
        }
        if let (Some(mode), Some(_)) = (self.ctx.action, form)
            && !mode.wrapped
        {
            self.give_result(effect, *awaited);
        }
    }

    /// Holds an answer in a constant until the code behind it has run, and gives it back.
    fn hold(&mut self, held: &Held) {
        let semi = self.ctx.style.semi;
        if !held.declared {
            self.edits
                .insert(held.start, format!("const {} = ", held.name));
        }
        let text = format!("return {}{semi}", held.name);
        match &held.returns {
            Some(_) if held.given => {}
            Some(range) => self.edits.replace(range.clone(), text),
            None => {
                let indent = self.ctx.indent_at(held.start);
                self.edits.insert(held.end, format!("\n{indent}{text}"));
            }
        }
    }

    /// Awaits a call of a function that becomes async; whether that can be done where it stands.
    fn now_awaited(&mut self, effect: &Effect, callee: &Carrier) -> bool {
        let range = effect.range.clone();
        if effect.nested {
            let why = format!("{} would have to be async", callee.name());
            self.refuse(Reason::BodyUse, range, &why);
            return false;
        }
        self.needs.awaits = true;
        if self.is_operand(&range) {
            self.edits.insert(range.start, "(await ");
            self.edits.insert(range.end, ")");
        } else {
            self.edits.insert(range.start, "await ");
        }
        true
    }

    /// Whether a function cannot be carried over, which is said already.
    pub(super) fn refused(&self, callee: &Carrier) -> bool {
        matches!(callee, Carrier::Shared(shared) if !shared.refusals.is_empty())
    }

    /// Writes a guard: the handler ends where the function has given back a response.
    pub(super) fn guard(&mut self, effect: &Effect<'a>, headers: Option<&str>) {
        let Kind::Guard {
            callee,
            args,
            list,
            shape,
            exit,
            carries,
        } = &effect.kind
        else {
            return;
        };
        let carried = headers.filter(|_| *carries);
        if self.refused(callee) {
            return;
        }
        let Some(takes) = self.takes(callee) else {
            return self.refuse(Reason::ResEscapes, effect.range.clone(), callee.name());
        };
        if self.is_bound("Response") {
            let why = "Response is another name here";
            return self.refuse(Reason::ResEscapes, effect.range.clone(), why);
        }
        let text = &self.ctx.source.text;
        let call = &text[effect.range.clone()];
        if takes.awaits && !call.contains("await") && !self.now_awaited(effect, callee) {
            return;
        }
        let semi = if text[exit.clone()].ends_with(';') {
            ";"
        } else {
            ""
        };
        let response = match shape {
            GuardShape::Bound { name, test } => {
                self.edits
                    .replace(test.clone(), format!("{name} instanceof Response"));
                name.clone()
            }
            GuardShape::Direct {
                call,
                statement,
                test,
            } => {
                let name = self.guard_name();
                let indent = self.ctx.indent_at(statement.start);
                let end = self.ctx.style.semi;
                self.edits.rewrite(
                    statement.start..test.end,
                    vec![
                        Fragment::Text(format!("const {name} = ")),
                        Fragment::Keep(call.clone()),
                        Fragment::Text(format!("{end}\n{indent}if ({name} instanceof Response")),
                    ],
                );
                name
            }
        };
        let takes_headers = matches!(callee, Carrier::Shared(shared) if shared.headers);
        let response = match carried.filter(|_| !takes_headers) {
            Some(headers) => {
                self.needs.helpers.insert(Helper::WithHeaders);
                format!("withHeaders({response}, {headers})")
            }
            None => response,
        };
        let gives = match self.ctx.action {
            Some(mode) if !mode.wrapped => self.result_of(effect, &response, mode),
            _ => format!(" {response}"),
        };
        self.edits
            .replace(exit.clone(), format!("return{gives}{semi}"));
        self.pass_on(callee, &takes, args, list, effect.range.clone(), headers);
    }

    /// Writes the parameters of a function that another calls with the request.
    fn callback(&mut self, callback: &Callback) {
        let (name, annotated) = &callback.request;
        // What only dropped code read goes from the end of the list.
        let mut rest = callback.rest.clone();
        while callback.sharing.is_none() && rest.last().is_some_and(|range| !self.reads(range)) {
            rest.pop();
        }
        let mut with = vec![Fragment::Text("(".to_string())];
        if !rest.is_empty() || callback.sharing.is_some() || self.reads(&callback.param) {
            with.push(Fragment::Text(if *annotated && self.ctx.typescript() {
                self.needs.imports.value("next/server", "NextRequest");
                format!("{name}: NextRequest")
            } else {
                name.clone()
            }));
        }
        for range in rest {
            with.push(Fragment::Text(", ".to_string()));
            with.push(Fragment::Keep(range));
        }
        if callback.sharing.is_some()
            && let Some(headers) = &self.sharing
        {
            let typed = *annotated && self.ctx.typescript();
            let annotation = if typed { ": Headers" } else { "" };
            with.push(Fragment::Text(format!(", {headers}{annotation}")));
        }
        with.push(Fragment::Text(")".to_string()));
        if let Some(annotation) = callback.return_type.clone() {
            self.edits.delete(annotation.clone());
            self.dropped.push(annotation);
        }
        self.edits.rewrite(callback.list.clone(), with);
        let mut at = callback.list.start;
        for range in &callback.rest {
            self.dropped.push(at..range.start);
            at = range.end;
        }
        self.dropped.push(at..callback.list.end);
    }

    /// Whether code that stays reads what a parameter binds, or nothing read it before.
    fn reads(&self, param: &Range<usize>) -> bool {
        let inside = |outer: &Range<usize>, at: &Range<usize>| {
            outer.start <= at.start && at.end <= outer.end
        };
        let Some((name, _)) = self.names.iter().find(|(_, at)| inside(param, at)) else {
            return true;
        };
        let mut uses = self
            .names
            .iter()
            .filter(|(other, at)| other == name && !inside(param, at))
            .peekable();
        uses.peek().is_none()
            || uses.any(|(_, at)| !self.dropped.iter().any(|gone| inside(gone, at)))
    }

    /// Adds the headers that are set before to what a function answers, unless it took them.
    fn with_headers(
        &mut self,
        callee: &Carrier,
        range: Range<usize>,
        awaited: bool,
        headers: &str,
    ) {
        if matches!(callee, Carrier::Shared(shared) if shared.headers) {
            return;
        }
        self.needs.helpers.insert(Helper::WithHeaders);
        let start = self.behind_await(&range, awaited);
        self.edits.insert(start, "withHeaders(");
        self.edits.insert(range.end, format!(", {headers})"));
    }

    /// `cookies()` or `headers()` of `next/headers`, awaited where it is a promise.
    pub(super) fn request_api(&mut self, name: &str) -> String {
        if !self.ctx.awaits_request_apis() {
            return format!("{name}()");
        }
        self.needs.awaits = true;
        format!("await {name}()")
    }

    /// The same, as the object of a member access.
    pub(super) fn request_object(&mut self, name: &str) -> String {
        self.needs.imports.value("next/headers", name);
        let api = self.request_api(name);
        match api.starts_with("await ") {
            true => format!("({api})"),
            false => api,
        }
    }

    /// Where a call begins, behind its `await`.
    pub(super) fn behind_await(&self, range: &Range<usize>, awaited: bool) -> usize {
        if !awaited {
            return range.start;
        }
        let rest = &self.ctx.source.text[range.start + "await".len()..range.end];
        range.end - rest.trim_start().len()
    }

    /// A free name for the answer of a guard.
    fn guard_name(&mut self) -> String {
        let names = ["response", "answer", "refusal", "denied"];
        let taken = |name: &str| {
            self.guards.iter().any(|taken| taken == name)
                || self.held.iter().any(|held| held.name == name)
                || self.ctx.route.slugs.iter().any(|slug| slug.name == name)
        };
        let free = names.iter().find(|name| self.free(name) && !taken(name));
        let name = match free {
            Some(name) => name.to_string(),
            None => format!("response{}", self.guards.len() + 1),
        };
        self.guards.push(name.clone());
        name
    }

    /// Whether a function of this file is async, as far as calls of it go.
    fn is_async(&self, name: &Id) -> bool {
        let function = self.ctx.module.functions.get(name);
        function.is_none_or(|function| function.is_async)
    }

    /// What the web form of a function takes and gives.
    pub(super) fn takes(&self, callee: &Carrier) -> Option<Takes> {
        match callee {
            Carrier::Local(name) => {
                let needs = self.ctx.carriers.get(name)?;
                Some(Takes {
                    replies: needs.replies,
                    request: needs.request,
                    next_request: needs.next_request,
                    params: needs.params,
                    body: needs.body,
                    awaits: needs.awaits && !self.is_async(name),
                })
            }
            Carrier::Handler(_) => Some(Takes {
                replies: Replies::Always,
                request: true,
                next_request: true,
                params: false,
                body: false,
                awaits: false,
            }),
            Carrier::Shared(shared) => Some(Takes {
                replies: shared.replies,
                request: shared.request,
                next_request: shared.next_request,
                params: shared.params,
                body: shared.body,
                awaits: shared.becomes_async,
            }),
        }
    }

    /// Writes the arguments of a call in the form that the function's web form takes.
    fn pass_on(
        &mut self,
        callee: &Carrier,
        takes: &Takes,
        args: &[Arg],
        list: &Range<usize>,
        call: Range<usize>,
        headers: Option<&str>,
    ) {
        self.needs.request |= takes.request;
        self.needs.next_request |= takes.next_request;
        self.needs.body |= takes.body;
        let parses = |shared: &Shared| {
            let helpers = [Helper::ReadBody, Helper::KeepBody];
            helpers.iter().any(|helper| shared.helpers.contains(helper))
        };
        if takes.body && matches!(callee, Carrier::Shared(shared) if parses(shared)) {
            self.needs.helpers.insert(Helper::KeepBody);
        }
        let mut given: Vec<Fragment> = Vec::new();
        let params = takes.params.then(|| match callee {
            Carrier::Local(_) | Carrier::Handler(_) => {
                self.needs.params = true;
                let asserted = self.params_type().map(|kind| format!("params as {kind}"));
                asserted.unwrap_or_else(|| "params".to_string())
            }
            Carrier::Shared(_) => self.resolved_params(),
        });
        let mut late = params.clone();
        for arg in args {
            match arg.role {
                Some(Role::Request) => {
                    if takes.request {
                        given.push(Fragment::Keep(arg.range.clone()));
                    }
                    if let Carrier::Shared(_) = callee {
                        given.extend(late.take().map(Fragment::Text));
                    }
                }
                Some(Role::Response) => {
                    if let (Carrier::Shared(shared), Some(headers)) = (callee, headers)
                        && shared.headers
                    {
                        given.push(Fragment::Text(headers.to_string()));
                    }
                    if let (Carrier::Handler(_), Some(context)) = (callee, self.ctx.context) {
                        let rest = if context { "context" } else { "...args" };
                        given.push(Fragment::Text(rest.to_string()));
                    }
                }
                None => given.push(Fragment::Keep(arg.range.clone())),
            }
        }
        given.extend(late.map(Fragment::Text));
        if let (Carrier::Handler(_), Some(headers), true) =
            (callee, headers, self.ctx.hands_headers)
        {
            given.push(Fragment::Text(headers.to_string()));
        }
        let (open, between, close) = self.separators(args, list, &given);
        let mut with = vec![Fragment::Text(open)];
        for (at, fragment) in given.into_iter().enumerate() {
            if at > 0 {
                with.push(Fragment::Text(between.clone()));
            }
            with.push(fragment);
        }
        with.push(Fragment::Text(close));
        self.edits.rewrite(list.clone(), with);
        if let Carrier::Shared(shared) = callee {
            self.needs.shared.insert(shared.key.clone());
            // What a route handler answers otherwise than before, no caller of an action sees.
            let seen = |note: &&Note| self.ctx.action.is_none() || shows_in_action(note);
            let notes = shared.notes.iter().filter(seen);
            self.needs.notes.extend(notes.copied());
            if let Some(new) = self.ctx.names.get(&shared.key) {
                self.rename(call, list.start, &new);
            }
        }
    }

    /// What opens, parts and closes a list of arguments: lines of their own, where they stood so
    /// and one of them takes several.
    fn separators(
        &self,
        args: &[Arg],
        list: &Range<usize>,
        given: &[Fragment],
    ) -> (String, String, String) {
        let text = &self.ctx.source.text;
        let many = given.iter().any(
            |part| matches!(part, Fragment::Keep(range) if text[range.clone()].contains('\n')),
        );
        if let (true, [first, ..], [.., last]) = (many, args, args) {
            let white = &text[list.start + 1..first.range.start];
            if white.contains('\n') && white.trim().is_empty() {
                let open = format!("({white}");
                let close = &text[last.range.end..list.end];
                return (open, format!(",{white}"), close.to_string());
            }
        }
        let plain = |text: &str| text.to_string();
        (plain("("), plain(", "), plain(")"))
    }

    /// The path parameters in a shared function.
    fn library_params(&mut self) -> &'static str {
        self.needs.params = true;
        match (self.ctx.context, self.ctx.awaits_request_apis()) {
            (None, _) => "params",
            (Some(_), false) => "context.params",
            (Some(_), true) => {
                self.needs.awaits = true;
                "await context.params"
            }
        }
    }

    /// The path parameters as a shared function takes them.
    pub(super) fn resolved_params(&mut self) -> String {
        if self.ctx.module.library {
            return self.library_params().to_string();
        }
        if self.ctx.route.slugs.is_empty() {
            return "{}".to_string();
        }
        self.params().to_string()
    }

    /// Calls another function: the name in front of the arguments, or its last part.
    fn rename(&mut self, call: Range<usize>, open: usize, new: &str) {
        let new = members::last(new);
        let text = &self.ctx.source.text;
        let head = text[call.start..open].split('<').next().unwrap_or_default();
        // `requireRole('admin')(req)`: the name in front of the first arguments.
        let head = match head.trim_end().ends_with(')') {
            true => head.split('(').next().unwrap_or_default(),
            false => head,
        };
        let end = call.start + head.trim_end().len();
        let start = text[call.start..end]
            .rfind(|char: char| !(char.is_alphanumeric() || char == '_' || char == '$'))
            .map_or(call.start, |at| call.start + at + 1);
        if text[..start].trim_end().ends_with('.') {
            self.edits.replace(start..end, new);
            return;
        }
        // The imported name may be another one here; the new one is imported as it is.
        self.edits.replace(start..end, new);
        let old = text[start..end].to_string();
        self.dropped.push(start..end);
        self.needs.renamed.insert(old, new.to_string());
    }

    /// Notes a name that holds a path parameter of one segment.
    pub(super) fn holds_string(&mut self, key: &str, name: &str) {
        if self
            .ctx
            .route
            .slug(key)
            .is_some_and(|slug| slug.kind == SlugKind::One)
        {
            self.strings.push(name.to_string());
        }
    }

    /// Removes ` as string` behind names that hold strings, with the parentheses around it.
    fn idle_assertions(&mut self) {
        use swc_core::ecma::visit::{Visit, VisitWith};
        struct Assertions<'s> {
            source: &'s Source,
            names: &'s [String],
            found: Vec<(Range<usize>, Range<usize>)>,
        }
        impl Assertions<'_> {
            fn asserted(&self, expr: &Expr) -> Option<Range<usize>> {
                let Expr::TsAs(cast) = expr else { return None };
                let Expr::Ident(name) = &*cast.expr else {
                    return None;
                };
                let string = matches!(&*cast.type_ann, TsType::TsKeywordType(word) if word.kind == TsKeywordTypeKind::TsStringKeyword);
                (string && self.names.iter().any(|known| *known == *name.sym))
                    .then(|| self.source.range(name))
            }
        }
        impl Visit for Assertions<'_> {
            fn visit_expr(&mut self, node: &Expr) {
                let inner = match node {
                    Expr::Paren(inner) => self.asserted(&inner.expr),
                    other => self.asserted(other),
                };
                match inner {
                    Some(name) => self.found.push((self.source.range(node), name)),
                    None => node.visit_children_with(self),
                }
            }
        }
        let mut visitor = Assertions {
            source: self.ctx.source,
            names: &self.strings,
            found: Vec::new(),
        };
        match self.function.body {
            Body::Block(stmts, _) => stmts.visit_with(&mut visitor),
            Body::Expr(expr) => expr.visit_with(&mut visitor),
        }
        for (whole, name) in visitor.found {
            self.edits
                .replace_soft(whole, self.ctx.source.text[name].to_string());
        }
    }

    fn finish(mut self) -> Result<Lowered, Vec<Refusal>> {
        for callback in std::mem::take(&mut self.callbacks) {
            self.callback(&callback);
        }
        self.idle_assertions();
        let text = &self.ctx.source.text;
        self.drops.sort_by_key(|range| (range.start, range.end));
        let mut drops: Vec<Range<usize>> = Vec::new();
        for range in self.drops.drain(..) {
            match drops.last_mut() {
                Some(last)
                    if range.start <= last.end || text[last.end..range.start].trim().is_empty() =>
                {
                    last.end = last.end.max(range.end);
                }
                _ => drops.push(range),
            }
        }
        for range in &mut drops {
            // What opens an unwrapped block goes with the white space behind it.
            if let Some(kept) = self
                .bounds
                .iter()
                .find(|kept| kept.start == range.start && range.end < kept.end)
            {
                let rest = &text[range.end..kept.end];
                range.end += rest.len() - rest.trim_start().len();
                continue;
            }
            let whole_lines =
                text[..range.start].ends_with('\n') && text[..range.end].ends_with('\n');
            let inside = self
                .bounds
                .iter()
                .any(|kept| kept.start < range.end && range.start < kept.end);
            if !whole_lines || inside {
                continue;
            }
            // No empty lines after an opening or before a closing brace, and never two.
            let before = text[..range.start].trim_end();
            let lines_before = text[before.len()..range.start].matches('\n').count();
            let after = text[range.end..].trim_start();
            let blank_end = text.len() - after.len();
            let next_line = line_start(text, blank_end);
            if after.starts_with('}') && lines_before > 1 {
                range.start = before.len() + text[before.len()..].find('\n').map_or(0, |at| at + 1);
            }
            if (after.starts_with('}') || before.ends_with('{') || lines_before > 1)
                && next_line > range.end
            {
                range.end = next_line;
            }
        }
        for range in &drops {
            self.edits.delete(range.clone());
        }
        let mut by_line: BTreeMap<usize, i64> = BTreeMap::new();
        for (line, by) in &self.shifts {
            *by_line.entry(*line).or_default() += by;
        }
        for (line, by) in by_line {
            if drops
                .iter()
                .any(|gone| gone.start <= line && line < gone.end)
            {
                continue;
            }
            if self
                .ctx
                .templates
                .iter()
                .any(|range| range.start < line && line <= range.end)
            {
                continue;
            }
            let white = indentation(text, line).len();
            let blank = text[line..].starts_with(['\n', '\r'])
                || text[line + white..].starts_with(['\n', '\r']);
            match by {
                _ if blank => {}
                by if by > 0 => {
                    let unit = self.ctx.style.indent.chars().next().unwrap_or(' ');
                    self.edits
                        .insert_soft(line, unit.to_string().repeat(by as usize));
                }
                by => self
                    .edits
                    .delete_soft(line..line + white.min((-by) as usize)),
            }
        }
        let semi = self.ctx.style.semi;
        let mut by_top: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (top, line) in self.hoists.drain(..) {
            by_top.entry(top).or_default().push(line);
        }
        for (top, lines) in by_top {
            let indent = self.ctx.indent_at(top);
            let indent = indent.as_str();
            let mut out = String::new();
            for line in lines {
                out.push_str(&line);
                out.push_str(semi);
                out.push('\n');
                out.push_str(indent);
            }
            self.edits.insert(top, out);
        }
        if self.refusals.is_empty() {
            Ok(Lowered {
                edits: self.edits,
                needs: self.needs,
                dropped: self.dropped,
            })
        } else {
            Err(self.refusals)
        }
    }
}

/// Whether a header is a type that is not surely JSON's.
fn sets_type(header: &SetHeader) -> bool {
    let json = |value: &&Expr| {
        crate::syntax::string(value).is_some_and(|kind| kind.starts_with("application/json"))
    };
    header.name.eq_ignore_ascii_case("content-type") && !header.values.iter().all(json)
}

/// Whether a value is the same whenever it is computed: literals, and names in templates.
fn constant(expr: &Expr) -> bool {
    match crate::syntax::bare(expr) {
        Expr::Lit(_) => true,
        Expr::Tpl(template) => template.exprs.is_empty(),
        Expr::Member(_) => {
            matches!(crate::syntax::member(expr), Some((object, _)) if matches!(crate::syntax::member(object), Some((process, env)) if env == "env" && matches!(process, Expr::Ident(name) if name.sym == "process")))
        }
        _ => false,
    }
}

/// Whether `const name = init` may become `init`.
fn can_stand_alone(name: &Pat, init: &Expr) -> bool {
    let call = match init {
        Expr::Await(awaited) => &*awaited.arg,
        other => other,
    };
    matches!((name, call), (Pat::Ident(_), Expr::Call(_)))
}

/// Whether computing a value only reads.
fn reads_only(expr: &Expr) -> bool {
    match crate::syntax::bare(expr) {
        Expr::Lit(_) | Expr::Ident(_) | Expr::Arrow(_) | Expr::Fn(_) => true,
        Expr::Member(access) => reads_only(&access.obj),
        Expr::OptChain(chain) => chain
            .base
            .as_member()
            .is_some_and(|access| reads_only(&access.obj)),
        Expr::Tpl(template) => template.exprs.iter().all(|expr| reads_only(expr)),
        Expr::Bin(binary) => reads_only(&binary.left) && reads_only(&binary.right),
        Expr::Cond(cond) => {
            reads_only(&cond.test) && reads_only(&cond.cons) && reads_only(&cond.alt)
        }
        Expr::Call(call) => {
            let pure = matches!(call.callee.as_expr().map(|callee| crate::syntax::bare(callee)),
                Some(Expr::Ident(name)) if matches!(&*name.sym, "Number" | "String" | "Boolean" | "parseInt" | "parseFloat"));
            pure && call.args.iter().all(|arg| reads_only(&arg.expr))
        }
        _ => false,
    }
}

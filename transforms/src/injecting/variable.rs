//! The variable that holds what a wrapper puts on the request: a constant where every reader stands
//! behind the one place that sets it, and whether every path to the readers has set it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use swc_core::ecma::ast::*;
use swc_core::ecma::visit::{Visit, VisitWith};

use crate::edit::{Edits, Fragment};
use crate::emit::style::{Style, indentation};
use crate::injected::{self, Put, free};
use crate::source::Source;
use crate::syntax::{Id, id};

/// The variable that holds a member.
pub(super) struct Variable<'v, 'a> {
    pub(super) source: &'v Source,
    pub(super) stmts: &'a [Stmt],
    pub(super) member: &'v str,
    pub(super) kind: Option<&'v str>,
    pub(super) puts: &'v [&'v Put<'a>],
    /// Where it is read.
    pub(super) used: &'v [Range<usize>],
    /// Whether every path to these has set it.
    pub(super) sure: bool,
}

impl Variable<'_, '_> {
    /// Writes it; gives its name.
    pub(super) fn write(&self, taken: &BTreeSet<String>, edits: &mut Edits) -> Option<String> {
        let source = self.source;
        let style = Style::of(source);
        let typed = |absent: &str| match self.kind {
            None | Some("any") => String::new(),
            Some(kind) if kind.contains("undefined") => format!(": {kind}"),
            Some(kind) => format!(": {kind}{absent}"),
        };
        if let [put] = self.puts
            && self.sure
            && let Some(scope) = behind(source, self.stmts, &put.statement)
            && self
                .used
                .iter()
                .all(|used| scope.start <= used.start && used.end <= scope.end)
        {
            // A constant needs no other name.
            if let Expr::Ident(value) = put.value
                && is_constant(source, self.stmts, &id(value))
            {
                edits.delete(injected::own_line(source, &put.statement));
                return Some(value.sym.to_string());
            }
            let variable = free(taken, self.member);
            edits.rewrite(
                whole(source, &put.statement),
                vec![
                    Fragment::Text(format!("const {variable}{} = ", typed(""))),
                    Fragment::Keep(source.range(put.value)),
                    Fragment::Text(style.semi.to_string()),
                ],
            );
            return Some(variable);
        }
        let first = self.puts.first()?;
        let at = whole(source, &source.range(&self.stmts[first.top])).start;
        // It cannot be read before it is declared.
        if self.used.iter().any(|used| used.start < at) {
            return None;
        }
        let variable = free(taken, self.member);
        let indent = indentation(&source.text, at);
        let kind = typed(if self.sure { "" } else { " | undefined" });
        edits.insert(at, format!("let {variable}{kind}{}\n{indent}", style.semi));
        for put in self.puts {
            edits.rewrite(
                whole(source, &put.statement),
                vec![
                    Fragment::Text(format!("{variable} = ")),
                    Fragment::Keep(source.range(put.value)),
                    Fragment::Text(style.semi.to_string()),
                ],
            );
        }
        Some(variable)
    }
}

/// A statement with the semicolon that keeps it apart from the line above.
fn whole(source: &Source, statement: &Range<usize>) -> Range<usize> {
    let before = &source.text[..statement.start];
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let start = match before[line..].trim() == ";" {
        true => line + before[line..].find(';').unwrap_or_default(),
        false => statement.start,
    };
    start..statement.end
}

/// What stands behind a statement in the list that it is in.
fn behind(source: &Source, stmts: &[Stmt], statement: &Range<usize>) -> Option<Range<usize>> {
    struct Finder<'f> {
        source: &'f Source,
        statement: &'f Range<usize>,
        found: Option<Range<usize>>,
    }
    impl Finder<'_> {
        fn list(&mut self, stmts: &[Stmt]) {
            let is = |stmt: &Stmt| self.source.range(stmt) == *self.statement;
            if stmts.iter().any(is)
                && let Some(last) = stmts.last()
            {
                self.found = Some(self.statement.end..self.source.range(last).end);
            }
        }
    }
    impl Visit for Finder<'_> {
        fn visit_block_stmt(&mut self, node: &BlockStmt) {
            self.list(&node.stmts);
            node.visit_children_with(self);
        }
    }
    let mut finder = Finder {
        source,
        statement,
        found: None,
    };
    finder.list(stmts);
    stmts.visit_with(&mut finder);
    finder.found
}

/// Whether a function, or its file, binds a name by `const`.
fn is_constant(source: &Source, stmts: &[Stmt], name: &Id) -> bool {
    if crate::facts::api_module::declared(source, name).is_some() {
        let all = crate::syntax::Names::of(source, &source.module).all;
        let mut places = all.iter().filter(|(found, _)| found == name);
        let kept = |at: &Range<usize>| source.text[..at.start].trim_end().ends_with("const");
        return places.next().is_some_and(|(_, at)| kept(at));
    }
    struct Finder<'f>(&'f Id, bool);
    impl Visit for Finder<'_> {
        fn visit_var_decl(&mut self, node: &VarDecl) {
            if node.kind == VarDeclKind::Const {
                let mut names = Vec::new();
                let patterns = node.decls.iter().map(|one| &one.name);
                patterns.for_each(|pat| crate::syntax::bound_names(pat, &mut names));
                self.1 |= names.contains(self.0);
            }
            node.visit_children_with(self);
        }
    }
    let mut finder = Finder(name, false);
    stmts.visit_with(&mut finder);
    finder.1
}

/// Whether a member is set on every path to the places that read it.
pub(super) struct Sure<'s, 'a> {
    source: &'s Source,
    puts: &'s [&'s Put<'a>],
    used: &'s [Range<usize>],
    /// For each place, whether it is set there.
    at: BTreeMap<usize, bool>,
}

impl Sure<'_, '_> {
    pub(super) fn of(
        source: &Source,
        stmts: &[Stmt],
        puts: &[&Put],
        used: &[Range<usize>],
    ) -> bool {
        let mut sure = Sure {
            source,
            puts,
            used,
            at: BTreeMap::new(),
        };
        sure.list(stmts, false);
        used.iter()
            .all(|used| sure.at.get(&used.start) == Some(&true))
    }

    /// Notes the places inside a range; the first look, which is that with the fewest paths before
    /// it, must not be overruled by a better one.
    fn read(&mut self, range: &Range<usize>, set: bool) {
        for used in self.used {
            if range.start <= used.start && used.end <= range.end {
                let known = self.at.entry(used.start).or_insert(set);
                *known &= set;
            }
        }
    }

    /// Walks statements; whether the member is set at their end, or nothing where control does not
    /// come there.
    fn list(&mut self, stmts: &[Stmt], set: bool) -> Option<bool> {
        let mut set = set;
        for stmt in stmts {
            set = self.stmt(stmt, set)?;
        }
        Some(set)
    }

    fn stmt(&mut self, stmt: &Stmt, set: bool) -> Option<bool> {
        let range = self.source.range(stmt);
        let join = |one: Option<bool>, other: Option<bool>| match (one, other) {
            (None, other) => other,
            (one, None) => one,
            (Some(one), Some(other)) => Some(one && other),
        };
        match stmt {
            Stmt::Block(block) => self.list(&block.stmts, set),
            Stmt::If(branch) => {
                self.read(&self.source.range(&*branch.test), set);
                let cons = self.stmt(&branch.cons, set);
                let alt = match branch.alt.as_deref() {
                    Some(alt) => self.stmt(alt, set),
                    None => Some(set),
                };
                join(cons, alt)
            }
            Stmt::Try(attempt) => {
                let block = self.list(&attempt.block.stmts, set);
                let caught = match &attempt.handler {
                    // It may be entered before anything was set.
                    Some(handler) => self.list(&handler.body.stmts, set),
                    None => None,
                };
                let both = join(block, caught);
                match &attempt.finalizer {
                    Some(last) => {
                        self.list(&last.stmts, set)?;
                        both
                    }
                    None => both,
                }
            }
            Stmt::Return(_) | Stmt::Throw(_) => {
                self.read(&range, set);
                None
            }
            Stmt::Break(_) | Stmt::Continue(_) => None,
            _ if self.puts.iter().any(|put| put.statement == range) => {
                self.read(&range, set);
                Some(true)
            }
            // What a loop or a `switch` sets counts for nothing behind it.
            _ => {
                self.read(&range, set);
                Some(set)
            }
        }
    }
}

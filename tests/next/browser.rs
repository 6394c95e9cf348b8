//! Plays the scenarios of fixtures in a real browser on both sides, and compares what the
//! pages show and what the stores hold. `browser.mjs` says what a scenario is and what is
//! observed.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use routelift::verify::routes::Routes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::round::{Case, Group, GroupCounts, Side};
use crate::tools;

/// What of a scenario the comparison needs; the rest is the browser's.
#[derive(Deserialize)]
struct Scenario {
    name: String,
    steps: Vec<Step>,
}

#[derive(Deserialize, Serialize)]
struct Step {
    /// The calls that the step makes before, as `PUT /api/notes/[id] 404`.
    #[serde(default)]
    calls: Vec<String>,
    /// Where in the fixture's input the call is, as `file:line`.
    site: Option<String>,
    /// Parts of the observation that differ, and why.
    #[serde(default)]
    differs: BTreeMap<String, String>,
    #[serde(flatten)]
    act: Map<String, Value>,
}

/// What the browser saw of one scenario.
#[derive(Deserialize)]
struct Seen {
    opened: Observation,
    steps: Vec<Observation>,
}

#[derive(Deserialize)]
struct Observation {
    traffic: Vec<Sent>,
    quiet: bool,
    unseen: Vec<String>,
    /// What is compared.
    #[serde(flatten)]
    parts: Map<String, Value>,
}

/// One request of the page.
#[derive(Debug, Deserialize)]
struct Sent {
    method: String,
    path: String,
    #[serde(default)]
    action: bool,
    status: Option<u16>,
    failed: Option<String>,
}

/// Plays every scenario of a group on both sides.
pub fn compare(
    group: &Group,
    chromium: &Path,
    counts: &mut GroupCounts,
    found: &mut Vec<String>,
) -> Result<()> {
    let with_scenarios = |case: &&Case| case.fixture.browser.is_some();
    let cases: Vec<&Case> = group.cases.iter().copied().filter(with_scenarios).collect();
    if cases.is_empty() {
        return Ok(());
    }
    let list = cases.iter().map(|case| {
        let fixture = case.fixture;
        json!({ "name": fixture.name, "scenarios": fixture.browser })
    });
    let list: Vec<Value> = list.collect();
    let play = |port: u16| -> Result<Vec<Vec<Seen>>> {
        let job = json!({
            "base": format!("http://127.0.0.1:{port}"),
            "chromium": chromium,
            "fixtures": list,
        });
        let mut seen = tools::script("browser.mjs", &job)?;
        let fixtures = seen["fixtures"].take();
        let fixtures: Vec<Value> = serde_json::from_value(fixtures)?;
        let scenarios = fixtures
            .into_iter()
            .map(|mut seen| serde_json::from_value(seen["scenarios"].take()));
        Ok(scenarios.collect::<Result<_, _>>()?)
    };
    let play_both = || -> Result<[Vec<Vec<Seen>>; 2]> {
        // New servers: the stores are empty on both sides.
        let start = |side| group.start(side)?.context("both sides are built");
        let servers = [start(Side::Before)?, start(Side::After)?];
        let [before, after] = std::thread::scope(|scope| {
            let plays = servers
                .each_ref()
                .map(|server| scope.spawn(|| play(server.port)));
            plays.map(|play| play.join().expect("a play does not panic"))
        });
        let (before, after) = (before?, after?);
        ensure!(
            before.len() == cases.len() && after.len() == cases.len(),
            "the browser plays every fixture"
        );
        Ok([before, after])
    };
    let mut seen = play_both()?;
    if let Some(lost) = lost_act(&cases, &seen)? {
        // A busy machine may lose an act of a person. What is lost again is a finding.
        println!("{lost}: nothing was sent; all is played once more");
        seen = play_both()?;
    }
    let [before, after] = seen;
    for ((case, before), after) in cases.iter().zip(&before).zip(&after) {
        let steps = compare_case(case, before, after, found)?;
        counts.entry(case.fixture.name.clone()).or_default().steps += steps;
    }
    Ok(())
}

/// The first step, in words, that should make calls and sent nothing at all on one side.
fn lost_act(cases: &[&Case], sides: &[Vec<Vec<Seen>>; 2]) -> Result<Option<String>> {
    for (side, seen) in ["before", "after"].iter().zip(sides) {
        for (case, seen) in cases.iter().zip(seen) {
            for (scenario, seen) in scenarios_of(case)?.iter().zip(seen) {
                let mut steps = scenario.steps.iter().zip(&seen.steps);
                let lost = |(step, seen): &(&Step, &Observation)| {
                    !step.calls.is_empty() && seen.traffic.is_empty()
                };
                if let Some((step, _)) = steps.find(lost) {
                    let step = serde_json::to_string(step)?;
                    let name = &case.fixture.name;
                    return Ok(Some(format!("{name}: {}: {side}: {step}", scenario.name)));
                }
            }
        }
    }
    Ok(None)
}

/// The scenarios of a fixture.
fn scenarios_of(case: &Case) -> Result<Vec<Scenario>> {
    let scenarios = Value::from_iter(case.fixture.browser.iter().flatten().cloned());
    serde_json::from_value(scenarios).with_context(|| case.fixture.name.clone())
}

/// Compares one fixture's steps; gives how many are the same.
fn compare_case(
    case: &Case,
    before: &[Seen],
    after: &[Seen],
    found: &mut Vec<String>,
) -> Result<usize> {
    let name = &case.fixture.name;
    let scenarios = scenarios_of(case)?;
    ensure!(
        before.len() == scenarios.len() && after.len() == scenarios.len(),
        "{name}: every scenario is played"
    );
    let mut same = 0;
    let mut called = Vec::new();
    for ((scenario, before), after) in scenarios.iter().zip(before).zip(after) {
        let count = scenario.steps.len();
        ensure!(
            before.steps.len() == count && after.steps.len() == count,
            "{name}: every step is played"
        );
        let title = format!("{name}: in the browser: {}", scenario.name);
        let opening = compare_parts(&before.opened, &after.opened, &BTreeMap::new());
        if !opening.is_empty() {
            found.push(format!("{title}: the opened page\n{opening}"));
        }
        let seen = before.steps.iter().zip(&after.steps);
        for (at, (step, (before, after))) in scenario.steps.iter().zip(seen).enumerate() {
            let mut why = compare_parts(before, after, &step.differs);
            why += &check_calls(case, step, before, after, &mut called);
            if why.is_empty() {
                same += 1;
            } else {
                let step = serde_json::to_string(step)?;
                found.push(format!("{title}, step {}: {step}\n{why}", at + 1));
            }
        }
    }
    for (site, call) in case.after.call_sites() {
        if !called.contains(&(site.clone(), call.clone())) {
            found.push(format!(
                "{name}: no step in browser.json exercises {call} at {site}"
            ));
        }
    }
    Ok(same)
}

/// What differs between two observations beside what may, in words; empty when nothing.
fn compare_parts(
    before: &Observation,
    after: &Observation,
    differs: &BTreeMap<String, String>,
) -> String {
    let mut why = String::new();
    for (side, seen) in [("before", before), ("after", after)] {
        if !seen.quiet {
            why += &format!("  {side}: the page does not come to rest\n");
        }
        if !seen.unseen.is_empty() {
            why += &format!("  {side}: the page does not show {:?}\n", seen.unseen);
        }
    }
    for (part, b) in &before.parts {
        let a = after.parts.get(part).unwrap_or(&Value::Null);
        match (b == a, differs.get(part)) {
            (true, None) | (false, Some(_)) => {}
            (true, Some(reason)) => {
                why += &format!("  {part} does not differ: {reason}\n");
            }
            (false, None) => {
                let [b, a] =
                    [b, a].map(|part| serde_json::to_string_pretty(part).unwrap_or_default());
                let diff = similar::TextDiff::from_lines(&b, &a);
                why += &format!(
                    "  {part}:\n{}",
                    diff.unified_diff().header("before", "after")
                );
            }
        }
    }
    why
}

/// Checks that a step made the calls that it names: by URL before, as Server Actions
/// after. Gives what is wrong, in words, and adds the calls to `called`.
fn check_calls(
    case: &Case,
    step: &Step,
    before: &Observation,
    after: &Observation,
    called: &mut Vec<(String, String)>,
) -> String {
    let Some(routes) = case.after.routes() else {
        return "  the fixture has no app\n".to_string();
    };
    let sites = case.after.call_sites();
    let mut why = String::new();
    let mut sent: Vec<&Sent> = before.traffic.iter().collect();
    let mut actions = 0;
    for call in &step.calls {
        let mut words = call.splitn(3, ' ');
        let name = [words.next(), words.next()]
            .map(Option::unwrap_or_default)
            .join(" ");
        let end = words.next();
        let is_it = |sent: &&Sent| {
            let ended = match end {
                Some("failed") => sent.failed.is_some(),
                Some(status) => sent.status.is_some_and(|sent| sent.to_string() == status),
                None => true,
            };
            ended && named(routes, sent) == name
        };
        match sent.iter().position(is_it) {
            Some(at) => _ = sent.remove(at),
            None => why += &format!("  {call} was not called before: {:?}\n", before.traffic),
        }
        let still = after.traffic.iter().any(|sent| named(routes, sent) == name);
        if !sites.iter().any(|(_, other)| *other == name) {
            if !still {
                why += &format!("  {call} is not called after: {:?}\n", after.traffic);
            }
            continue;
        }
        actions += 1;
        if still {
            why += &format!("  {call} is still called after\n");
        }
        if let Some(site) = &step.site {
            called.push((site.clone(), name));
        }
    }
    let seen = after.traffic.iter().filter(|sent| sent.action).count();
    if seen != actions {
        why += &format!("  {actions} Server Actions should be called, {seen} are\n");
    }
    why
}

/// A request as `PUT /api/notes/[id]`.
fn named(routes: Routes, sent: &Sent) -> String {
    let path = sent.path.split('?').next().unwrap_or_default();
    let route = routes.find(path).map_or(path, |route| &route.route);
    format!("{} {route}", sent.method)
}

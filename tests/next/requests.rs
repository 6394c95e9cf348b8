//! Sends the requests of a group's fixtures to both sides and judges the answers.

use std::collections::BTreeMap;
use std::sync::Mutex;

use anyhow::{Context, Result};
use routelift::report::Look;
use routelift::verify::judge::{fewest_notes, judge};
use routelift::verify::requests::Request;
use routelift::verify::send::Answer;
use routelift::verify::{Compared, report, routes, send_all};
use serde_json::Value;

use crate::Options;
use crate::fixtures::Migrated;
use crate::ledger::Counts;
use crate::round::{Case, Group, GroupCounts, Side};

/// How many lists of requests are sent at a time.
const WORKERS: usize = 8;

/// How to print answers: in plain text.
const PLAIN: Look = Look {
    colour: false,
    terminal: false,
    width: 100,
};

/// One list of requests to one tree.
struct Job<'a> {
    case: &'a Case<'a>,
    /// The tree after that it is compared with.
    side: Side,
    migrated: &'a Migrated,
    requests: Vec<Request>,
}

/// What is to be sent. A fixture with Server Actions is sent whole to the tree in which
/// every method is a Route Handler, and, without the requests to what became an action,
/// to the tree as the program makes it.
fn jobs<'a>(group: &Group<'a>) -> Result<Vec<Job<'a>>> {
    let mut jobs = Vec::new();
    for case in &group.cases {
        let sides = [
            (Side::After, Some(&case.after)),
            (Side::AsHandlers, case.as_handlers.as_ref()),
            (Side::Bridged, case.bridged.as_ref()),
        ];
        for (side, migrated) in sides {
            let Some(migrated) = migrated else { continue };
            let mut requests = case.fixture.requests()?;
            let routes = migrated.routes().context("a fixture has an app")?;
            requests.retain(|request| {
                let route = routes.find(request.pathname());
                !route.is_some_and(|route| routes::has_no_url(route, &request.method))
            });
            if side == Side::Bridged {
                // The notes that they name are about another way out.
                requests.iter_mut().for_each(|request| request.notes = None);
            }
            jobs.push(Job {
                case,
                side,
                migrated,
                requests,
            });
        }
    }
    Ok(jobs)
}

/// Sends the requests to both sides and compares. Requests with the notes that explain
/// them go to `written` when they are asked for.
pub fn compare(
    group: &Group,
    options: &Options,
    found: &mut Vec<String>,
    written: &mut Vec<(String, Vec<Value>)>,
) -> Result<GroupCounts> {
    let jobs = jobs(group)?;
    let mut answers: Vec<[Vec<Answer>; 2]> = (0..jobs.len()).map(|_| Default::default()).collect();
    for side in [Side::After, Side::AsHandlers, Side::Bridged] {
        let Some(after) = group.start(side)? else {
            continue;
        };
        // Each comparison has a server of its own before, too: both begin with empty stores.
        let before = group
            .start(Side::Before)?
            .context("there is a tree before")?;
        let of_side = |(_, job): &(usize, &Job)| job.side == side;
        let waiting: Vec<_> = jobs.iter().enumerate().filter(of_side).collect();
        let waiting = waiting.iter().flat_map(|(index, job)| {
            [
                (*index, *job, 0, before.port),
                (*index, *job, 1, after.port),
            ]
        });
        let waiting = Mutex::new(waiting.collect::<Vec<_>>());
        let results = Mutex::new(&mut answers);
        std::thread::scope(|scope| -> Result<()> {
            let work = || -> Result<()> {
                loop {
                    let next = waiting.lock().expect("no worker panics").pop();
                    let Some((index, job, place, port)) = next else {
                        return Ok(());
                    };
                    let name = || job.case.fixture.name.clone();
                    let sent = send_all(&job.requests, port).with_context(name)?;
                    results.lock().expect("no worker panics")[index][place] = sent;
                }
            };
            let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                worker.join().expect("no worker panics")?;
            }
            Ok(())
        })?;
    }
    let mut counts = BTreeMap::new();
    for (job, [before, after]) in jobs.iter().zip(answers) {
        let (name, own) = judge_job(job, before, after, found);
        if options.write_notes
            && job.side != Side::Bridged
            && let Some(list) = own.1
        {
            written.push((job.case.fixture.name.clone(), list));
        }
        counts.insert(name, own.0);
    }
    Ok(counts)
}

/// Judges the answers of one job: its name in the ledger, its counts, and the requests
/// with the notes that explain them when the job has all of the fixture's.
fn judge_job(
    job: &Job,
    before: Vec<Answer>,
    after: Vec<Answer>,
    found: &mut Vec<String>,
) -> (String, (Counts, Option<Vec<Value>>)) {
    let fixture = job.case.fixture;
    let routes = job.migrated.routes();
    let mut counts = Counts::default();
    let mut list = Vec::new();
    for (index, ((request, before), after)) in
        job.requests.iter().zip(before).zip(after).enumerate()
    {
        let route = routes.and_then(|routes| routes.find(request.pathname()));
        let printed = route
            .map(|route| routes::printed(route, &request.method))
            .unwrap_or_default();
        let judgement = judge(request, &before, &after, &printed);
        if let Some(mut value) = fixture.requests.get(index).cloned() {
            let notes = fewest_notes(request, &before, &after, &printed);
            value["notes"] = notes.iter().map(|note| note.code()).collect();
            list.push(value);
        }
        counts.requests += 1;
        for note in judgement.notes() {
            *counts.notes.entry(note.code()).or_default() += 1;
        }
        if !judgement.is_fine() {
            counts.failed += 1;
            let compared = Compared {
                request: request.clone(),
                before,
                after,
                judgement,
            };
            let codes: Vec<_> = printed.iter().map(|note| note.code()).collect();
            let codes = codes.join(", ");
            let shown = report::failure(&compared, PLAIN);
            found.push(format!(
                "{}: {shown}  printed for this method: {codes}",
                fixture.name
            ));
        } else if judgement.notes().is_empty() {
            counts.same += 1;
        }
    }
    let whole = job.requests.len() == fixture.requests.len();
    let name = match job.side {
        Side::AsHandlers => format!("{} (as handlers)", fixture.name),
        Side::Bridged => format!("{} (bridged)", fixture.name),
        _ => fixture.name.clone(),
    };
    (name, (counts, whole.then_some(list)))
}

/// Sends the requests to the trees before only, and prints the answers.
pub fn print_answers(group: &Group) -> Result<()> {
    let server = group
        .start(Side::Before)?
        .context("there is a tree before")?;
    for case in &group.cases {
        let requests = case.fixture.requests()?;
        println!("\n{}", case.fixture.name);
        for (request, answer) in requests.iter().zip(send_all(&requests, server.port)?) {
            println!("  {}\n{}", request.title(), report::answer(&answer));
        }
    }
    Ok(())
}

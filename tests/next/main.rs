//! Proves in real Next.js that every fixture answers the same before and after its
//! migration, on each supported version.
//!
//! ```text
//! fixtures ─► migrate ─► gather ─► build ─► types ─► requests ─► browser ─► ledger
//! ```
//!
//! `cargo test --test next` runs it, `cargo test --test next -- --help` tells how to ask for
//! less. `UPDATE=1` rewrites `fixtures/LEDGER.md`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Parser;
use routelift::verify::cleanup;

mod apps;
mod browser;
mod clean;
mod fixtures;
mod ledger;
mod requests;
mod round;
#[path = "../it/support.rs"]
#[allow(dead_code, reason = "the other integration tests use more of it")]
mod support;
mod tools;
mod verify;

/// Sends the fixtures' requests to real Next.js before and after the migration, and
/// plays their scenarios in a real browser.
#[derive(Debug, Parser)]
#[command(name = "cargo test --test next --", disable_version_flag = true)]
pub struct Options {
    /// Next.js versions: 14, 15, 16. May be repeated. [default: all]
    #[arg(long, value_name = "MAJOR", value_parser = ["14", "15", "16"])]
    next: Vec<String>,

    /// These fixtures only.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,

    /// Run next dev instead of next build and next start.
    #[arg(long)]
    dev: bool,

    /// Leave out the browser.
    #[arg(long)]
    no_browser: bool,

    /// Leave out tsc, ESLint and Prettier.
    #[arg(long)]
    no_lint: bool,

    /// Compare also with every handler bridged that can be, whatever else it could become.
    #[arg(long)]
    bridged: bool,

    /// Write the notes that explain the differences into the requests. Read them.
    #[arg(long)]
    write_notes: bool,

    /// Send the requests to the trees before only, and print the answers.
    #[arg(long)]
    before_only: bool,

    /// Keep the apps, and print where they are.
    #[arg(long)]
    keep: bool,

    /// A part of a test's name, as every test program of cargo takes it. This one has a
    /// single test, real_next.
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,

    /// Name the tests, as every test program of cargo does.
    #[arg(long, hide = true)]
    list: bool,

    /// Other options of cargo's test programs.
    #[arg(long, hide = true)]
    nocapture: bool,
}

/// The name of the one test, for filters.
const TEST: &str = "real_next";

fn main() -> ExitCode {
    let options = Options::parse();
    if options.list {
        println!("{TEST}: test");
        return ExitCode::SUCCESS;
    }
    let wanted = |filter: &String| TEST.contains(&filter[..]);
    if !options.filter.is_empty() && !options.filter.iter().any(wanted) {
        println!("{TEST}: left out by the filter");
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\n{TEST} failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let start = Instant::now();
    // The servers go with it; the browser ends when the app is gone.
    cleanup::on_interrupt()?;
    tools::check_node()?;
    let chromium = match options.no_browser {
        true => None,
        false => Some(tools::find_chromium()?),
    };
    let majors = match options.next.is_empty() {
        true => vec!["14".to_string(), "15".to_string(), "16".to_string()],
        false => options.next.clone(),
    };
    if !options.no_lint || !options.no_browser {
        tools::install("tools")?;
    }
    let mut fixtures = fixtures::read(&options.only)?;
    let mut state = round::State::default();
    for major in &majors {
        let version = tools::install_next(major)?;
        round::run(
            &version,
            &mut fixtures,
            chromium.as_deref(),
            options,
            &mut state,
        )?;
    }
    if options.before_only {
        return Ok(());
    }
    let whole = options.only.is_empty() && options.next.is_empty() && !options.dev;
    if whole && let Err(error) = verify::demo(&tools::install_next("15")?) {
        println!("\n{error:#}");
        state.failures += 1;
    }
    for row in state
        .rows
        .iter()
        .filter(|row| row.name.ends_with("(bridged)"))
    {
        println!("{}", ledger::line(row));
    }
    let seconds = start.elapsed().as_secs();
    println!("\n{} in {seconds} s", ledger::total(&state.rows));
    if state.failures > 0 {
        bail!("{} findings", state.failures);
    }
    if !options.dev && !options.no_browser {
        ledger::check(state.rows, whole)?;
    }
    Ok(())
}

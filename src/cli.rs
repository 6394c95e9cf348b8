//! The command line: arguments in, what to print and the exit code out.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::error::ErrorKind;
use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use routelift_transforms::next_version::NextVersion;
use routelift_transforms::outcome::Warning;
use routelift_transforms::wishes::Way;
use routelift_transforms::{Bridge, Options, migrate};

use crate::load::{self, LoadOptions, load, walk};
use crate::report::{Look, View, clean, json, shown_diff, terminal};
use crate::timings::Timings;
use crate::write::disk::{Disk, Unwatched};
use crate::write::{Allow, Job};
use crate::{config, explain, select, verify, write};

const EXAMPLES: &str = "\
Examples:
  routelift                                   show the whole migration of this project
  routelift . > migration.patch               keep it as a patch ...
  git apply migration.patch                   ... and apply that
  routelift --write                           write the changes ...
  routelift undo                              ... and take them back
  routelift --only '/api/posts/**' --write    migrate some routes
  routelift --route-handler /api/posts:POST   no Server Action for this one
  routelift --check                           in CI: fail while something can be migrated
  routelift explain /api/posts                why a route is decided as it is
  routelift explain wrapped-handler           what a code means
  routelift init                              show a routelift.toml with what was found
  routelift verify --requests site.har        compare the running app before and after

Exit codes: 0 fine, 1 --check found changes or verify a difference, 2 usage or
input/output error.
A directory called explain, init, undo or verify can be given as ./explain and so on.";

/// Carries a Next.js project's API layer from the Pages Router to the App Router.
///
/// Reads every pages/api file and every place that calls it, decides for each route and
/// method whether it becomes a Server Action or a Route Handler, and prints the whole
/// migration as one unified diff. Writes nothing without --write.
#[derive(Debug, Parser)]
#[command(name = "routelift", version, after_help = EXAMPLES, after_long_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// Directories to migrate; every Next.js app below them is found.
    #[arg(value_name = "ROOT", default_value = ".")]
    roots: Vec<PathBuf>,

    #[command(flatten)]
    decide: Decide,

    /// Write the changes that the diff shows.
    #[arg(long)]
    write: bool,

    /// Write although files that are changed have changes that are not committed.
    #[arg(long, requires = "write")]
    allow_dirty: bool,

    /// Write although the project is not in a git repository.
    #[arg(long, requires = "write")]
    allow_no_vcs: bool,

    /// Write nothing; exit with 1 when something would change.
    #[arg(long, conflicts_with = "write")]
    check: bool,

    /// What to print on standard output: the diff, or the whole result as JSON.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,

    /// Print to standard error how long each phase took.
    #[arg(long)]
    timings: bool,

    /// When to colour. NO_COLOR is respected.
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Explain how a route is decided, or what a reason's or note's code means.
    Explain {
        /// A route as /api/posts/[id], its file, or a code as wrapped-handler.
        #[arg(value_name = "ROUTE|CODE")]
        name: String,

        /// The project that has the route.
        #[arg(value_name = "ROOT", default_value = ".")]
        root: PathBuf,

        #[command(flatten)]
        decide: Decide,
    },

    /// Show a routelift.toml for each app, with what was found; --write writes it.
    ///
    /// The options that decide are put down in it. A file that is there is never touched.
    Init {
        /// The project to look at.
        #[arg(value_name = "ROOT", default_value = ".")]
        root: PathBuf,

        /// Write the files that the diff shows.
        #[arg(long)]
        write: bool,

        /// Write although the project is not in a git repository.
        #[arg(long, requires = "write")]
        allow_no_vcs: bool,

        /// Print the JSON schema of routelift.toml, for editors.
        #[arg(long, conflicts_with = "write")]
        schema: bool,

        #[command(flatten)]
        decide: Decide,
    },

    /// Take back the last --write: texts, modes and directories.
    ///
    /// Does nothing when a file has been changed since, and says which. Once more takes back
    /// the write before.
    Undo {
        /// The project, as it was given to --write.
        #[arg(value_name = "ROOT", default_value = ".")]
        root: PathBuf,

        /// List the writes that can be taken back, and change nothing.
        #[arg(long)]
        list: bool,
    },

    /// Run the app as it is and as it would be after the migration, send both the same
    /// requests, and compare the answers.
    ///
    /// Both run in temporary copies, on the loopback interface, with what is installed
    /// below node_modules linked: the project itself is not touched. Services outside the
    /// copies, as a database, are the same for both; --setup can reset them.
    Verify {
        /// The project to compare: one Next.js app with its dependencies installed.
        #[arg(value_name = "ROOT", default_value = ".")]
        root: PathBuf,

        #[command(flatten)]
        run: Run,

        #[command(flatten)]
        decide: Decide,

        /// What to print on standard output.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Format,
    },
}

/// How `verify` runs the app.
#[derive(Debug, Args)]
struct Run {
    /// The requests: a JSON list, or an HTTP archive (HAR) recorded in a browser.
    #[arg(long, value_name = "FILE")]
    requests: PathBuf,

    /// A shell command to run in each copy first, as 'npm run db:reset'.
    #[arg(long, value_name = "COMMAND")]
    setup: Option<String>,

    /// The shell command that builds the app [default: next build]
    #[arg(long, value_name = "COMMAND", conflicts_with = "dev")]
    build: Option<String>,

    /// The shell command that starts the app, on the port in $PORT [default: next start]
    #[arg(long, value_name = "COMMAND", conflicts_with = "dev")]
    start: Option<String>,

    /// Run next dev instead of building.
    #[arg(long)]
    dev: bool,

    /// A regular expression whose matches in the answers are not compared. May be
    /// repeated.
    #[arg(long, value_name = "REGEX")]
    mask: Vec<regex::bytes::Regex>,

    /// Keep the copies, and print where they are.
    #[arg(long)]
    keep: bool,
}

/// What the decisions depend on.
#[derive(Debug, Args)]
struct Decide {
    /// Look at these routes only: a route as /api/posts, a pattern as /api/posts/**, or a
    /// file below pages/api. May be repeated.
    #[arg(long, value_name = "PATTERN")]
    only: Vec<String>,

    /// Leave these routes out; patterns as with --only. May be repeated.
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,

    /// Make the route, or one of its methods, a Server Action. Refused where it cannot
    /// work. May be repeated.
    #[arg(long, value_name = "ROUTE[:METHOD]")]
    action: Vec<String>,

    /// Make the route, or one of its methods, a Route Handler. May be repeated.
    #[arg(long, value_name = "ROUTE[:METHOD]")]
    route_handler: Vec<String>,

    /// Run handlers that cannot be rewritten as they are, behind an adapter that is added
    /// to the project.
    #[arg(
        long,
        value_name = "WHICH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "refused",
        hide_possible_values = true,
        overrides_with = "bridge"
    )]
    bridge: Option<Bridged>,

    /// Migrate although this refusal of the whole app holds, for now not-found-page; what comes
    /// of it is a note then. Or do not explain this note. May be repeated.
    #[arg(long, value_name = "CODE", value_parser = config::accepted)]
    accept: Vec<config::Accepted>,

    /// The Next.js version to write for, instead of the one that is detected.
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    next: Option<NextVersion>,

    /// Keep what the notes name as differences, too, through a small module that is added
    /// to the project.
    #[arg(long)]
    strict: bool,
}

/// Which handlers are bridged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bridged {
    /// Those that would be refused.
    Refused,
    /// All, which tries the adapter.
    #[value(hide = true)]
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn parse_version(text: &str) -> Result<NextVersion, String> {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let version = NextVersion::parse(text).filter(|_| digits);
    version.ok_or_else(|| "give a version as 15 or 15.2.1".to_string())
}

/// What a run comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// For standard output.
    pub stdout: String,
    /// For standard error.
    pub stderr: String,
    /// The exit code.
    pub code: u8,
}

impl Output {
    /// A failure, with everything that led to it.
    fn error(error: &anyhow::Error) -> Output {
        Output {
            stderr: format!("error: {}\n", clean(&format!("{error:#}"))),
            code: 2,
            ..Output::default()
        }
    }
}

/// Runs the program. `looks` gives how to print to standard output and standard error
/// for a choice of colour; `progress` is told what a long run is doing.
pub fn run(
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
    looks: impl Fn(ColorChoice) -> (Look, Look),
    progress: &dyn Fn(&str),
) -> Output {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => {
            let (stdout, stderr) = looks(cli.color);
            cli.run(stdout, stderr, progress)
                .unwrap_or_else(|error| Output::error(&error))
        }
        Err(error) => {
            let text = error.render();
            let help = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            let (stdout, stderr) = looks(ColorChoice::Auto);
            let look = if help { stdout } else { stderr };
            let text = if look.colour {
                text.ansi().to_string()
            } else {
                text.to_string()
            };
            match help {
                true => Output {
                    stdout: text,
                    ..Output::default()
                },
                false => Output {
                    stderr: text,
                    code: 2,
                    ..Output::default()
                },
            }
        }
    }
}

/// What the program would do with these arguments: one view for each root, and nothing
/// written or printed.
///
/// # Errors
/// Those of the command line and of loading.
pub fn plan(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Vec<View>> {
    let cli = Cli::try_parse_from(arguments)?;
    let mut views = Vec::new();
    for root in &cli.roots {
        let view = cli
            .decide
            .view(root, &mut Timings::default(), &mut String::new());
        views.push(view?);
    }
    Ok(views)
}

impl Cli {
    fn run(&self, stdout: Look, stderr: Look, progress: &dyn Fn(&str)) -> Result<Output> {
        let mut timings = Timings::default();
        match &self.command {
            Some(Command::Explain { name, root, decide }) => {
                return explain(name, root, decide, stdout);
            }
            Some(Command::Verify {
                root,
                run,
                decide,
                format,
            }) => return run.verify(root, decide, *format, stdout, progress),
            Some(Command::Undo { root, list }) => return undo(root, *list),
            Some(Command::Init { schema: true, .. }) => {
                return Ok(Output {
                    stdout: config::SCHEMA.to_string(),
                    ..Output::default()
                });
            }
            Some(Command::Init {
                root,
                write,
                allow_no_vcs,
                decide,
                ..
            }) => return init(root, decide, write.then_some(*allow_no_vcs), stdout),
            None => {}
        }
        check_roots(&self.roots)?;
        let mut warnings = String::new();
        let mut views = Vec::new();
        for root in &self.roots {
            views.push(self.decide.view(root, &mut timings, &mut warnings)?);
        }
        let changes = views.iter().any(|view| !view.outcome.changes.is_empty());
        if self.write {
            let pairs = self.roots.iter().zip(&views);
            let jobs: Vec<Job> = pairs
                .map(|(root, view)| Job {
                    root,
                    project: &view.project,
                    changes: &view.outcome.changes,
                })
                .collect();
            let allow = Allow {
                dirty: self.allow_dirty,
                no_vcs: self.allow_no_vcs,
            };
            timings.measure("write", || {
                write::write(&jobs, allow, Disk::new(&Unwatched))
            })?;
        }
        let mut output = Output {
            code: u8::from(self.check && changes),
            stderr: warnings,
            ..Output::default()
        };
        let written = self.write && changes;
        timings.measure("report", || -> Result<()> {
            if self.format == Format::Json {
                output.stdout = json::render(&views, written)?;
            } else {
                let diff: String = views.iter().map(View::diff).collect();
                output.stdout = shown_diff(&diff, stdout);
                output.stderr += &terminal::render(&views, written, stderr);
            }
            Ok(())
        })?;
        if self.timings {
            output.stderr += &timings.render();
        }
        Ok(output)
    }
}

fn undo(root: &Path, list: bool) -> Result<Output> {
    let disk = Disk::new(&Unwatched);
    let recovered = write::recover(root, disk)?;
    let mut output = Output {
        stderr: recovered.map_or_else(String::new, |what| warning(&what)),
        ..Output::default()
    };
    if list {
        output.stdout = write::undo::render(&write::undo::history(root)?);
        return Ok(output);
    }
    let undone = write::undo::undo(root, disk)?;
    output.stderr += &format!(
        "{} files are as they were before the last write; {} earlier writes can be undone\n",
        undone.files, undone.left
    );
    Ok(output)
}

/// Shows the configurations that a project has not, and writes them when `write` says so, which has
/// whether git may be missing.
fn init(root: &Path, decide: &Decide, write: Option<bool>, look: Look) -> Result<Output> {
    let mut stderr = String::new();
    let mut view = decide.view(root, &mut Timings::default(), &mut stderr)?;
    let files = load::settings::find(root, &view.project.apps)?;
    view.outcome.changes = config::init::files(&view, &files, &decide.asked())?;
    if let Some(no_vcs) = write {
        let job = Job {
            root,
            project: &view.project,
            changes: &view.outcome.changes,
        };
        let allow = Allow {
            dirty: false,
            no_vcs,
        };
        write::write(&[job], allow, Disk::new(&Unwatched))?;
    }
    stderr += match write {
        Some(_) => "written; routelift undo takes it back\n",
        None => "nothing is written without --write\n",
    };
    Ok(Output {
        stdout: shown_diff(&view.diff(), look),
        stderr,
        code: 0,
    })
}

fn warning(text: &str) -> String {
    format!("warning: {}\n", clean(text))
}

fn explain(name: &str, root: &Path, decide: &Decide, look: Look) -> Result<Output> {
    if let Some(stdout) = explain::code(name, look) {
        return Ok(Output {
            stdout,
            ..Output::default()
        });
    }
    // A code that is none needs no project to be told so.
    let mut views = Vec::new();
    let mut stderr = String::new();
    if explain::is_route(name) {
        views.push(decide.view(root, &mut Timings::default(), &mut stderr)?);
    }
    match explain::route(name, &views, look) {
        Some(stdout) => Ok(Output {
            stdout,
            stderr,
            code: 0,
        }),
        None => bail!(explain::unknown(name, &views)),
    }
}

impl Run {
    fn verify(
        &self,
        root: &Path,
        decide: &Decide,
        format: Format,
        look: Look,
        progress: &dyn Fn(&str),
    ) -> Result<Output> {
        let mut stderr = String::new();
        let view = decide.view(root, &mut Timings::default(), &mut stderr)?;
        let options = verify::Options {
            requests: self.requests.clone(),
            setup: self.setup.clone(),
            build: self.build.clone(),
            start: self.start.clone(),
            dev: self.dev,
            mask: self.mask.clone(),
            keep: self.keep,
        };
        let verdict = verify::verify(root, &view, &options, progress)?;
        Ok(Output {
            stdout: match format {
                Format::Text => verify::report::render(&verdict, look),
                Format::Json => verify::report::json(&verdict)?,
            },
            stderr,
            code: u8::from(!verdict.is_fine()),
        })
    }
}

impl Decide {
    /// Loads a root and decides.
    fn view(&self, root: &Path, timings: &mut Timings, warnings: &mut String) -> Result<View> {
        if let Some(what) = write::recover(root, Disk::new(&Unwatched))? {
            *warnings += &warning(&what);
        }
        let project = load(root, &LoadOptions { next: self.next }, timings)?;
        let shown = shown(root);
        let files = load::settings::find(root, &project.apps)?;
        let said = config::read(&project, &files, &self.asked(), &shown)?;
        let known = select::routes(&project);
        let (only, mut unknown) = select::expand(&self.only, &known, &shown);
        let (exclude, more) = select::expand(&self.exclude, &known, &shown);
        unknown.extend(more);
        unknown.extend(said.unknown.iter().cloned());
        let told = |what: String| Warning { what, place: None };
        let problems = project.problems.iter();
        let mut all: Vec<Warning> = problems
            .map(|problem| told(format!("{shown}{problem}")))
            .collect();
        for pattern in unknown {
            let near = select::nearest(&pattern, known.iter().map(|route| route.name.as_str()));
            let near = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            all.push(told(format!("no API route matches {pattern}{near}")));
        }
        let options = Options {
            strict: self.strict,
            only,
            exclude,
            bridge: match self.bridge {
                None => Bridge::Off,
                Some(Bridged::Refused) => Bridge::Refused,
                Some(Bridged::All) => Bridge::All,
            },
            apps: said.settings.clone(),
        };
        let mut outcome = timings.measure("migrate", || migrate(&project, &options));
        all.extend(said.warnings.iter().cloned());
        all.append(&mut outcome.warnings);
        if options.only.is_empty() && options.exclude.is_empty() {
            all.extend(said.idle_notes(&outcome.apps));
        }
        for one in &all {
            *warnings += &terminal::warning(one, &shown);
        }
        let notes = said.notes.iter();
        let files = files.into_iter().flatten();
        Ok(View {
            prefix: diff_prefix(root)?,
            project,
            outcome,
            warnings: all,
            accepted: notes
                .map(|notes| notes.iter().map(|(note, _)| *note).collect())
                .collect(),
            configs: files.map(|file| (file.path, file.text)).collect(),
            shown,
        })
    }

    /// What the options say about routes.
    fn asked(&self) -> config::Asked {
        let ways = |list: &[String], option: &str, way: Way| -> Vec<(String, Way, String)> {
            let one = |text: &String| (text.clone(), way, format!("{option} {text}"));
            list.iter().map(one).collect()
        };
        let actions = ways(&self.action, "--action", Way::Action);
        let handlers = ways(&self.route_handler, "--route-handler", Way::External);
        config::Asked {
            ways: [actions, handlers].concat(),
            accept: self.accept.clone(),
        }
    }
}

/// Refuses roots that do not exist or stand inside each other: a file would be changed
/// twice.
fn check_roots(roots: &[PathBuf]) -> Result<()> {
    let mut seen: Vec<PathBuf> = Vec::new();
    for root in roots {
        let shown = root.display();
        let path = root
            .canonicalize()
            .with_context(|| format!("cannot open {shown}"))?;
        if seen
            .iter()
            .any(|other| path.starts_with(other) || other.starts_with(&path))
        {
            bail!("{shown} and another root stand inside each other");
        }
        seen.push(path);
    }
    Ok(())
}

/// What stands before a path of the project in messages: the root as it was given.
fn shown(root: &Path) -> String {
    let root = root.to_string_lossy().replace('\\', "/");
    let root = root.trim_start_matches("./").trim_end_matches('/');
    if root.is_empty() || root == "." {
        String::new()
    } else {
        format!("{root}/")
    }
}

/// What stands before a path of the project in the diff. `git apply` takes paths from the
/// top of the repository, wherever it runs; without a repository, from the current
/// directory when the root is below it.
fn diff_prefix(root: &Path) -> Result<String> {
    let root = root.canonicalize()?;
    let current = std::env::current_dir().and_then(|path| path.canonicalize());
    let base = match (walk::git_top(&root), current) {
        (Some(top), _) => top.to_path_buf(),
        (None, Ok(current)) if root.starts_with(&current) => current,
        _ => root.clone(),
    };
    let prefix = walk::relative(&base, &root).unwrap_or_default();
    Ok(if prefix.is_empty() {
        prefix
    } else {
        prefix + "/"
    })
}

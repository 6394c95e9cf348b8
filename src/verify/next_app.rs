//! Builds and runs one Next.js app, on the loopback interface.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::cleanup;

/// How long a build may take.
const BUILD_LIMIT: Duration = Duration::from_secs(900);
/// How long a server may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a server has for its end before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A directory with a Next.js app, and how to run it.
#[derive(Debug, Clone, Default)]
pub struct NextApp {
    /// The app's directory.
    pub directory: PathBuf,
    /// A shell command instead of `next build`.
    pub build: Option<String>,
    /// A shell command instead of `next start`. It gets the port in `PORT`.
    pub start: Option<String>,
    /// Runs `next dev` instead of building.
    pub dev: bool,
    /// A directory for temporary files: what an app keeps there is not shared then.
    pub temporary: PathBuf,
    /// More variables for the environment.
    pub environment: Vec<(String, String)>,
}

impl NextApp {
    /// Builds the app, unless it runs by `next dev`.
    ///
    /// # Errors
    /// When the build fails or does not end; with what it printed.
    pub fn build(&self) -> Result<()> {
        if self.dev {
            return Ok(());
        }
        let command = match &self.build {
            Some(command) => self.shell(command),
            None => self.next(&["build"])?,
        };
        self.run(command, "build")
    }

    /// Runs a shell command in the app's directory and waits for its end.
    ///
    /// # Errors
    /// When it fails or does not end; with what it printed.
    pub fn setup(&self, command: &str) -> Result<()> {
        self.run(self.shell(command), "setup command")
    }

    /// Starts the app on a port that the system gives, and waits until it listens.
    ///
    /// # Errors
    /// When it ends or does not listen in time; with what it printed.
    pub fn start(&self) -> Result<Server> {
        self.start_on(free_port()?)
    }

    /// Starts the app on a port, and waits until it listens.
    ///
    /// # Errors
    /// When it ends or does not listen in time; with what it printed.
    pub fn start_on(&self, port: u16) -> Result<Server> {
        let mut command = match &self.start {
            Some(command) => self.shell(command),
            None => {
                let how = if self.dev { "dev" } else { "start" };
                self.next(&[how, "-p", &port.to_string(), "-H", "127.0.0.1"])?
            }
        };
        command.env("PORT", port.to_string());
        let mut output = tempfile::tempfile().context("cannot make a temporary file")?;
        let child = Running::spawn(&mut command, &output)?;
        let mut server = Server { child, port };
        let end = Instant::now() + START_LIMIT;
        while Instant::now() < end {
            if let Some(status) = server.child.0.try_wait()? {
                let words = printed(&mut output);
                bail!("the server ended ({status}) in {}\n{words}", self.shown());
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let words = printed(&mut output);
        bail!(
            "the server does not listen on port {port} in {}\n{words}",
            self.shown()
        )
    }

    fn shown(&self) -> std::path::Display<'_> {
        self.directory.display()
    }

    /// A run of Next.js.
    fn next(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new("node");
        command.arg(find_next(&self.directory)?).args(arguments);
        Ok(self.in_place(command))
    }

    /// A run of the shell, with the programs of the app's packages.
    fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        let above = self.directory.ancestors();
        let mut path: Vec<PathBuf> = above.map(|at| at.join("node_modules/.bin")).collect();
        path.retain(|directory| directory.is_dir());
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        path.extend(std::env::split_paths(&inherited));
        if let Ok(path) = std::env::join_paths(path) {
            command.env("PATH", path);
        }
        self.in_place(command)
    }

    fn in_place(&self, mut command: Command) -> Command {
        let mode = if self.dev {
            "development"
        } else {
            "production"
        };
        command
            .current_dir(&self.directory)
            .env("NODE_ENV", mode)
            .env("NEXT_TELEMETRY_DISABLED", "1")
            // Next.js would mend a lockfile that lacks other systems' packages.
            .env("NEXT_IGNORE_INCORRECT_LOCKFILE", "1")
            .envs(["TMPDIR", "TMP", "TEMP"].map(|name| (name, &self.temporary)))
            .env("NO_COLOR", "1")
            .env("FORCE_COLOR", "0")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, mut command: Command, what: &str) -> Result<()> {
        let mut output = tempfile::tempfile().context("cannot make a temporary file")?;
        let mut child = Running::spawn(&mut command, &output)?;
        let end = Instant::now() + BUILD_LIMIT;
        let status = loop {
            if let Some(status) = child.0.try_wait()? {
                break status;
            }
            if Instant::now() > end {
                bail!("the {what} did not end in {}", self.shown());
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        if !status.success() {
            let words = printed(&mut output);
            bail!("the {what} failed ({status}) in {}\n{words}", self.shown());
        }
        Ok(())
    }
}

/// The `next` that Node.js would find from a directory.
///
/// # Errors
/// When it is not installed.
pub fn find_next(directory: &Path) -> Result<PathBuf> {
    let above = directory.ancestors();
    let mut places = above.map(|at| at.join("node_modules/next/dist/bin/next"));
    places.find(|place| place.is_file()).with_context(|| {
        let shown = directory.display();
        format!("next is not installed in {shown}: install the project's dependencies first")
    })
}

/// What a command printed: where it begins and where it ends, if it is long.
fn printed(output: &mut File) -> String {
    const MOST: usize = 4_000;
    const LINE: usize = 300;
    let mut bytes = Vec::new();
    let read = output
        .seek(SeekFrom::Start(0))
        .and_then(|_| output.read_to_end(&mut bytes));
    if let Err(error) = read {
        return format!("(what it printed cannot be read: {error})");
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines = text
        .trim()
        .lines()
        .map(|line| match line.char_indices().nth(LINE) {
            Some((at, _)) => format!("{}…", &line[..at]),
            None => line.to_string(),
        });
    let text = lines.collect::<Vec<_>>().join("\n");
    if text.len() <= 2 * MOST {
        return text;
    }
    let (head, tail) = (
        text.floor_char_boundary(MOST),
        text.ceil_char_boundary(text.len() - MOST),
    );
    format!("{}\n…\n{}", &text[..head], &text[tail..])
}

/// A port that is free now.
///
/// # Errors
/// When the loopback interface cannot be used.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.context("cannot listen on the loopback interface")?;
    Ok(listener.local_addr()?.port())
}

/// A process that does not outlive this value, nor does what it has started.
#[derive(Debug)]
struct Running(Child);

impl Running {
    /// Starts a command whose output goes to a file: a pipe that nobody reads would stop
    /// it. It gets a process group of its own, so that all of it can be ended.
    fn spawn(command: &mut Command, output: &File) -> Result<Running> {
        command
            .stdout(output.try_clone()?)
            .stderr(output.try_clone()?);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command.spawn().with_context(|| {
            let program = command.get_program().display();
            format!("cannot run {program}: install it, or put it on the PATH")
        })?;
        cleanup::started(child.id());
        Ok(Running(child))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        cleanup::end(self.0.id(), false);
        let end = Instant::now() + STOP_LIMIT;
        while Instant::now() < end && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        // What is left of the group; the process may have ended by itself.
        cleanup::end(self.0.id(), true);
        let _ = self.0.kill();
        let _ = self.0.wait();
        cleanup::ended(self.0.id());
    }
}

/// A running app. It ends with this value.
#[derive(Debug)]
pub struct Server {
    child: Running,
    /// The port on the loopback interface.
    pub port: u16,
}

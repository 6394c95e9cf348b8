//! What the harness needs on the machine: Node.js, npm packages, Chromium. What is
//! missing is an error that says how to get it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The oldest Node.js that Next.js 16 runs on (its `engines`, with a margin for the 20.9
/// that it names).
const OLDEST_NODE: u32 = 20;

/// A Next.js version and where it is installed.
pub struct Version {
    /// As it is installed, as `15.5.29`.
    pub full: String,
    /// The directory whose `node_modules` holds it.
    pub directory: PathBuf,
}

/// The directory of this harness.
pub fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/next")
}

/// Checks that Node.js and npm are there.
pub fn check_node() -> Result<()> {
    let help = "install Node.js 20 or newer with npm, from https://nodejs.org or a package manager";
    let version = Command::new("node")
        .arg("--version")
        .output()
        .context(help)?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_string();
    let major = version.trim_start_matches('v').split('.').next();
    let major: u32 = major.unwrap_or_default().parse().unwrap_or(0);
    ensure!(major >= OLDEST_NODE, "Node.js is {version}: {help}");
    Command::new("npm")
        .arg("--version")
        .output()
        .context(help)?;
    Ok(())
}

/// Finds Chromium: what `CHROMIUM` names, or a usual name on the `PATH`.
pub fn find_chromium() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        let named = PathBuf::from(named);
        ensure!(
            named.is_file(),
            "CHROMIUM is {}, which is no file",
            named.display()
        );
        return Ok(named);
    }
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome-stable",
        "google-chrome",
    ];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path);
    let mut places = places.flat_map(|place| names.map(|name| place.join(name)));
    places.find(|place| place.is_file()).context(
        "Chromium is missing: install it (Debian: apt-get install chromium), or name its program in CHROMIUM",
    )
}

/// Installs one of the harness's npm packages, unless what its lockfile says is there.
pub fn install(package: &str) -> Result<PathBuf> {
    let directory = here().join(package);
    let lock = fs::read(directory.join("package-lock.json"))
        .with_context(|| format!("{}: no package-lock.json", directory.display()))?;
    let mark = directory.join("node_modules/.installed-lock.json");
    if fs::read(&mark).is_ok_and(|installed| installed == lock) {
        return Ok(directory);
    }
    println!("installing {package} …");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    run(npm.current_dir(&directory))?;
    fs::write(&mark, lock)?;
    Ok(directory)
}

/// Installs a Next.js version.
pub fn install_next(major: &str) -> Result<Version> {
    let directory = install(&format!("v{major}"))?;
    let manifest = fs::read_to_string(directory.join("node_modules/next/package.json"))?;
    let manifest: Value = serde_json::from_str(&manifest)?;
    let full = manifest["version"]
        .as_str()
        .context("next has no version")?;
    Ok(Version {
        full: full.to_string(),
        directory,
    })
}

/// Runs a command and gives its output.
pub fn run(command: &mut Command) -> Result<Output> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        let words = [&output.stdout, &output.stderr].map(|words| String::from_utf8_lossy(words));
        bail!(
            "{command:?} failed ({})\n{}{}",
            output.status,
            words[0],
            words[1]
        );
    }
    Ok(output)
}

/// Runs a script of the harness: a value on its standard input, one from its standard
/// output.
pub fn script(name: &str, input: &Value) -> Result<Value> {
    // A file, since a pipe that is full both ways would stop both ends.
    let mut file = tempfile::tempfile()?;
    serde_json::to_writer(&file, input)?;
    std::io::Seek::rewind(&mut file)?;
    let mut command = Command::new("node");
    let output = command.arg(here().join(name)).stdin(file).output();
    let output = output.with_context(|| format!("node {name}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{name} failed ({})\n{words}", output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("{name} prints JSON"))
}

//! What must not outlive the program: processes that it has started, and folders that it
//! has made. Values do so by themselves when they are dropped; this is for a program that
//! is interrupted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result};

static STATE: Mutex<State> = Mutex::new(State {
    groups: BTreeSet::new(),
    folders: BTreeSet::new(),
});

struct State {
    /// Leaders of process groups.
    groups: BTreeSet<u32>,
    folders: BTreeSet<PathBuf>,
}

fn state() -> std::sync::MutexGuard<'static, State> {
    // A list that a panic has left half changed is still a list.
    STATE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Ends all processes and removes all folders when the program is interrupted, and then
/// the program.
///
/// # Errors
/// When the system takes no handler.
pub fn on_interrupt() -> Result<()> {
    let handler = || {
        let state = state();
        for group in &state.groups {
            end(*group, true);
        }
        for folder in &state.folders {
            // Nothing more can be done for one that stays.
            let _ = std::fs::remove_dir_all(folder);
        }
        std::process::exit(130);
    };
    ctrlc::set_handler(handler).context("cannot handle interrupts")
}

/// A process was started that leads a group.
pub fn started(id: u32) {
    state().groups.insert(id);
}

/// A process that led a group has ended.
pub fn ended(id: u32) {
    state().groups.remove(&id);
}

/// A folder was made.
pub fn made(folder: &Path) {
    state().folders.insert(folder.to_path_buf());
}

/// Asks a process group to end, or ends it.
pub fn end(id: u32, at_once: bool) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let signal = if at_once { Signal::KILL } else { Signal::TERM };
        if let Some(group) = i32::try_from(id).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process_group(group, signal);
        }
    }
    #[cfg(not(unix))]
    let _ = (id, at_once);
}

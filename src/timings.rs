//! How long the phases of a run took, for `--timings` and the benchmark.

use std::time::{Duration, Instant};

/// The phases of a run in the order in which they ended.
#[derive(Debug, Default)]
pub struct Timings {
    phases: Vec<(&'static str, Duration)>,
}

impl Timings {
    /// Runs `work` and adds its wall time to the phase of this name.
    pub fn measure<T>(&mut self, phase: &'static str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let value = work();
        self.add(phase, start.elapsed());
        value
    }

    /// Adds wall time to the phase of this name.
    pub fn add(&mut self, phase: &'static str, time: Duration) {
        match self.phases.iter_mut().find(|(name, _)| *name == phase) {
            Some((_, total)) => *total += time,
            None => self.phases.push((phase, time)),
        }
    }

    /// One line for each phase and one for their sum, in milliseconds.
    pub fn render(&self) -> String {
        let total: Duration = self.phases.iter().map(|(_, time)| *time).sum();
        let lines = self.phases.iter().copied().chain([("total", total)]);
        lines
            .map(|(name, time)| format!("{name:<16}{:>9.1} ms\n", time.as_secs_f64() * 1000.0))
            .collect()
    }
}

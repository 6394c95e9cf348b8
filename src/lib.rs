//! The program around the pure core: the disk, the terminal and people. `main.rs` only
//! calls [`cli::run`], so that tests and the benchmark can use the same parts.
//!
//! ```text
//! load ─► routelift_transforms::migrate ─► diff | write | report
//! ```

pub mod cli;
pub mod config;
pub mod diff;
pub mod explain;
pub mod load;
pub mod report;
pub mod select;
pub mod timings;
pub mod verify;
pub mod write;

//! The integration tests, as one binary.

mod chains;
mod cli;
mod faults;
mod fixtures;
mod fuzz;
mod hostile;
mod properties;
mod shape;
mod shared;
mod support;
mod writing;

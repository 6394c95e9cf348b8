//! The integration tests, as one binary.

mod chains;
mod cli;
mod fixtures;
mod properties;
mod shape;
mod shared;
mod support;
mod writing;

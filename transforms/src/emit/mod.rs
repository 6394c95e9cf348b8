//! Writes code: effects in, text edits out. Emitters never decide.

pub mod carrier;
pub mod helpers;
pub mod imports;
pub mod reply;
pub mod route_handler;
pub mod style;

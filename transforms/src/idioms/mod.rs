//! Reads a handler: each spelling of a use of `req` and `res` becomes an effect.

pub mod expressions;
pub mod peer;
pub mod request;
pub mod response;

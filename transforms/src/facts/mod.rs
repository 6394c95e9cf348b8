//! What was read, as data: routes, modules, effects, calls.

pub mod api_module;
pub mod effect;
pub mod route;

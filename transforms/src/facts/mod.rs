//! Facts: what was understood of the code, without its spelling. Idioms and clients
//! write them, deciding and emitting only read them.

pub mod api_module;
pub mod call;
pub mod effect;
pub mod in_action;
pub mod members;
pub mod method_map;
pub mod route;

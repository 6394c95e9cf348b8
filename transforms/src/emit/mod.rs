//! Emitters: facts and decisions in, text edits out. They never decide.

mod action_carrier;
mod action_cookies;
pub mod bridge;
pub mod call_site;
pub mod carrier;
mod given;
pub mod handler_types;
pub mod helpers;
pub mod imports;
pub mod layout;
mod library;
mod method_map;
mod promise;
pub mod reply;
pub mod route_handler;
pub mod server_action;
pub mod shared_module;
pub mod style;
pub mod web_native;

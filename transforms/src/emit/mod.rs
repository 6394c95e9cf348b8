//! Emitters: facts and decisions in, text edits out. They never decide.

pub mod call_site;

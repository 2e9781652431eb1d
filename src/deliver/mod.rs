//! The only output I/O: the output folder, its lock, its manifest.

#![allow(clippy::disallowed_methods, reason = "this room writes the output folder")]

pub mod archive;
pub mod folder;
pub mod lock;
pub mod manifest;
pub mod metrics;
pub mod nights;
pub mod outbox;

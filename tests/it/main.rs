//! The one integration test binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod allocation;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "server")]
mod clients;
#[cfg(feature = "cli")]
mod documents;
mod engine;
mod layers;
mod learners;
mod reference;
mod registry;
mod relations;
#[cfg(feature = "cli")]
mod s3;
#[cfg(feature = "server")]
mod server;
mod simulations;
mod slt;
mod training;

//! The one integration test binary.

mod engine;
mod layers;
mod registry;

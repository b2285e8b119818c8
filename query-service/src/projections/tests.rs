//! Projections run against real PostgreSQL, by code that no service has: samples that count, and that can be told to fail.

mod audit;
mod audit_large;
mod claims;
mod given;
mod peaks;
mod plans;
mod pools;
mod rebuilding;
mod running;
mod zombies;

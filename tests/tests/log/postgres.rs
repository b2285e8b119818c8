//! What names PostgreSQL: orders of commits, broken networks and processes, rights, settings, plans.

mod cut;
mod frozen;
mod hints;
mod known;
mod lineage;
mod migrate;
mod orders;
mod origins;
mod plans;
mod refusals;
mod rights;
mod server;
mod sessions;
mod silent;
mod vanished;

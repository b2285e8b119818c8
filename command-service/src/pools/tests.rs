//! The pipeline against a log that fails, loses answers, and lets others in between.

mod committing;
mod faulty_log;
mod following;
mod gated_log;
mod instance;
mod places;
mod races;
mod refused_for_good;
mod simulation;
mod sweeping;
mod under_the_lock;

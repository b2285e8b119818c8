//! What the contract promises, asked through gRPC as any client would: each refusal of the catalogue, bad input,
//! idempotency, `validate_only`, what gRPC people expect, and the stop of sales.
//!
//! - [`catalogue`]: which test shows which reason.
//! - [`shop`], [`log`], [`sound`], [`refused`], [`raw`]: a database with a command-service, what the log says and whether
//!   it could have happened, what a refusal must carry, and messages and connections that no generated client would make.

mod bad_input;
mod catalogue;
mod every;
mod execute;
mod fuzz;
mod grants;
mod idempotency;
mod infrastructure;
mod log;
mod order;
mod origins;
mod raw;
mod refusals;
mod refused;
mod shop;
mod sound;
mod stop;
mod times;
mod traces;
mod validate_only;
mod verify;

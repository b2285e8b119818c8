//! Refusals leave a trace: counted in memory where they are answered, and written down once a second, aside. What it
//! costs a refusal is a look into a table of this second's pools and reasons; only the first few of each are kept whole.
//!
//! - [`trace`]: what was refused since it was last written down.
//! - [`keeper`]: writes it down, and forgets what is old.

pub mod keeper;
pub mod trace;

pub use keeper::Keeper;
pub use trace::{Refused, Trace};

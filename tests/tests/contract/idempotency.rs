//! The same request again: it gets its first receipt, on every instance and across restarts, and has one effect.

mod again;
mod changed;

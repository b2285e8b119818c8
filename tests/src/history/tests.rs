//! The checker is held to account: a sound history has no finding, and each that is wrong on purpose has its own.

mod planted;
mod sound;
mod story;

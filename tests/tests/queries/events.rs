//! The audit: every event is found by each of its filters, and says who, from where, and why.
//!
//! - [`asking`]: questions in few words.
//! - [`origins`]: who, from where and why, for every type of event.
//! - [`chains`]: causes and effects.
//! - [`filters`], [`pages`], [`times`]: what is found, in which order, page by page.
//! - [`subscriptions`]: events as they come.
//! - [`invalid`]: what cannot be asked.

mod asking;
mod chains;
mod filters;
mod invalid;
mod origins;
mod pages;
mod subscriptions;
mod times;

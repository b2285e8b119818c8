//! `WatchAvailability`: first full state, then absolute states, conflated.

mod crowd;
mod end;
mod invalid;
mod resume;
mod rounds;
mod times;

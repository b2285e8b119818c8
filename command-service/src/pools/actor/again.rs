//! Commands that are to be decided again, before what waits in the mailbox: promoters' before the rest, as there, so that
//! no lane is overtaken by the one behind it.

use std::collections::VecDeque;

use crate::{domain::commands::Class, pools::call::Call};

/// Commands that are to be decided again, in the order in which they are. Bounded by what batches and their making hold.
#[derive(Debug, Default)]
pub(super) struct Again {
    promoter: VecDeque<Call>,
    other: VecDeque<Call>,
}

impl Again {
    /// Before all others of its kind.
    pub(super) fn push_front(&mut self, call: Call) {
        match call.lane {
            Class::Promoter => self.promoter.push_front(call),
            Class::Finish | Class::Claim => self.other.push_front(call),
        }
    }

    pub(super) fn next_promoter(&mut self) -> Option<Call> {
        self.promoter.pop_front()
    }

    pub(super) fn next_other(&mut self) -> Option<Call> {
        self.other.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.promoter.is_empty() && self.other.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.promoter.len() + self.other.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Call> {
        self.promoter.iter().chain(&self.other)
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Call> {
        self.promoter.drain(..).chain(self.other.drain(..))
    }
}

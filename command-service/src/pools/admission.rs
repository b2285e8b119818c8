//! How many commands may wait for their answer at once. New claims may take three quarters of the places, what finishes
//! claims all but a few, promoters' commands all: under overload new claims are shed first, and a stop finds a place.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::domain::commands::Class;

/// The places of an instance for commands that wait. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Admission {
    taken: Arc<AtomicUsize>,
    places: usize,
}

/// A place, given back when it is dropped. The command has it, not its caller: what a caller gave up on takes memory
/// until somebody takes it out of its queue.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

impl Admission {
    /// With so many places, all of them free.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self {
            taken: Arc::default(),
            places,
        }
    }

    /// How many places are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// A place for a command; none if there are too many already.
    #[must_use]
    pub fn enter(&self, class: Class) -> Option<Place> {
        let places = match class {
            Class::Claim => self.places - self.places / 4,
            Class::Finish => self.places - self.places / 16,
            Class::Promoter => self.places,
        };
        let entered = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < places).then_some(taken + 1)
            });
        entered.ok().map(|_before| Place(Arc::clone(&self.taken)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
impl Place {
    /// One of a server that is not full.
    pub(crate) fn free() -> Self {
        Self(Arc::new(AtomicUsize::new(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_claims_leave_places_for_what_finishes_them_and_that_for_promoters() {
        let admission = Admission::new(16);
        let enter = |class| std::iter::from_fn(|| admission.enter(class)).collect::<Vec<_>>();
        let claims = enter(Class::Claim);
        assert_eq!(claims.len(), 12);
        assert_eq!(enter(Class::Finish).len(), 3);
        let finish = enter(Class::Finish);
        assert_eq!(enter(Class::Promoter).len(), 1);
        drop(claims);
        assert_eq!(enter(Class::Claim).len(), 9, "places are given back");
        drop(finish);
    }

    #[test]
    fn the_smallest_server_serves_everybody() {
        let admission = Admission::new(1);
        for class in Class::ALL {
            assert!(admission.enter(class).is_some());
        }
    }
}

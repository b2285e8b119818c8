//! How many tickets there are, sold and held.

/// The counts of a pool. By construction `sold + held <= capacity`, so the rest is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    capacity: u32,
    sold: u32,
    held: u32,
}

impl Counts {
    pub(crate) const NONE: Self = Self::of_new_pool(0);

    pub(crate) const fn of_new_pool(capacity: u32) -> Self {
        Self {
            capacity,
            sold: 0,
            held: 0,
        }
    }

    /// None if that is more than there are.
    pub(crate) fn new(capacity: u32, sold: u32, held: u32) -> Option<Self> {
        (sold.checked_add(held)? <= capacity).then_some(Self {
            capacity,
            sold,
            held,
        })
    }

    pub(crate) const fn capacity(self) -> u32 {
        self.capacity
    }

    pub(crate) const fn sold(self) -> u32 {
        self.sold
    }

    pub(crate) const fn held(self) -> u32 {
        self.held
    }

    pub(crate) const fn available(self) -> u32 {
        self.capacity - self.sold - self.held
    }

    /// One more is held; none if none was available.
    pub(crate) fn claim(self) -> Option<Self> {
        Self::new(self.capacity, self.sold, self.held.checked_add(1)?)
    }

    /// A held one is sold; none if none was held.
    pub(crate) fn buy(self) -> Option<Self> {
        Self::new(
            self.capacity,
            self.sold.checked_add(1)?,
            self.held.checked_sub(1)?,
        )
    }

    /// A held one is available again; none if none was held.
    pub(crate) fn release(self) -> Option<Self> {
        Self::new(self.capacity, self.sold, self.held.checked_sub(1)?)
    }

    /// A sold one is available again; none if none was sold.
    pub(crate) fn refund(self) -> Option<Self> {
        Self::new(self.capacity, self.sold.checked_sub(1)?, self.held)
    }

    /// There are more or fewer tickets; none if more are sold and held.
    pub(crate) fn resize(self, capacity: u32) -> Option<Self> {
        Self::new(capacity, self.sold, self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_beyond_the_capacity_cannot_be_made() {
        assert_eq!(Counts::new(3, 2, 2), None);
        assert_eq!(Counts::new(3, u32::MAX, 1), None);
        assert_eq!(Counts::of_new_pool(0).claim(), None);
        assert_eq!(Counts::of_new_pool(1).buy(), None);
        assert_eq!(Counts::of_new_pool(1).release(), None);
        assert_eq!(Counts::new(2, 0, 2).unwrap().refund(), None);
        assert_eq!(Counts::new(5, 2, 2).unwrap().resize(3), None);
    }

    #[test]
    fn a_capacity_may_shrink_to_what_is_committed() {
        let counts = Counts::new(5, 2, 2).unwrap();
        assert_eq!(counts.resize(4), Counts::new(4, 2, 2));
        assert_eq!(counts.resize(9), Counts::new(9, 2, 2));
    }
}

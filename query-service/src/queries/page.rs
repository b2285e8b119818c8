//! Pages of long answers. A page begins after the key where the last one ended, never at a number of rows: what is
//! written meanwhile neither repeats a row nor leaves one out.

/// What is asked for: so many rows whose keys come after the last one seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<K> {
    pub(crate) size: usize,
    /// None: from the beginning.
    pub(crate) after: Option<K>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paged<T, K> {
    pub(crate) rows: Vec<T>,
    /// The key after which the next page begins; none on the last page.
    pub(crate) next: Option<K>,
}

impl<K> Page<K> {
    /// The `LIMIT` to read with: one row more than is answered tells whether there is a next page.
    pub(crate) fn limit(&self) -> i64 {
        i64::try_from(self.size)
            .unwrap_or(i64::MAX)
            .saturating_add(1)
    }

    /// The page of what was read with [`Self::limit`].
    pub(crate) fn of<T>(&self, mut rows: Vec<T>, key: impl FnOnce(&T) -> K) -> Paged<T, K> {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        let last = rows.last().filter(|_| more);
        Paged {
            next: last.map(key),
            rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_with_rows_after_it_has_a_next_one() {
        let page = Page::<i32> {
            size: 2,
            after: None,
        };
        assert_eq!(page.limit(), 3);
        let of = |rows: &[i32]| page.of(rows.to_vec(), |row| *row);
        let expected = |rows: &[i32], next| Paged {
            rows: rows.to_vec(),
            next,
        };
        assert_eq!(of(&[]), expected(&[], None));
        assert_eq!(of(&[1, 2]), expected(&[1, 2], None));
        assert_eq!(of(&[1, 2, 3]), expected(&[1, 2], Some(2)));
    }
}

//! Pages as the contract has them (<https://google.aip.dev/158>): a size with a default and a limit, and an opaque token
//! that is bound to its query and says after which key to go on. Tokens carry no authority.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use super::validate::Violations;
use crate::queries::Page;

/// The size of a page that asks for none.
const SIZE_DEFAULT: usize = 50;
/// The largest page; who asks for more gets this.
const SIZE_MAX: usize = 500;

/// The first byte: how the rest is read; consistency and resume tokens have other ones.
const FORMAT: u8 = 4;

/// What is asked, page by page: tells one query from another. Hold it until the answer is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageQuery([u8; 16]);

impl PageQuery {
    /// Of a method and all of its fields that select or order rows: not the page's own, and not how fresh it must be.
    pub(super) fn of(method: &'static str, fields: &impl Serialize) -> Self {
        // What cannot be written is told apart by nothing but its method; nothing that is asked is such.
        let fields = serde_json::to_vec(fields).unwrap_or_default();
        let hash: [u8; 32] = Sha256::new()
            .chain_update(method)
            .chain_update([0])
            .chain_update(fields)
            .finalize()
            .into();
        let mut first = [0; 16];
        first.copy_from_slice(&hash[..16]);
        Self(first)
    }
}

/// The page that `page_size` and `page_token` ask for, or one more violation for each that is wrong.
pub(super) fn page<K: DeserializeOwned>(
    violations: &mut Violations,
    query: PageQuery,
    page_size: i32,
    page_token: &str,
) -> Option<Page<K>> {
    let size = violations.take("page_size", size(page_size));
    let after = violations.take("page_token", after(query, page_token));
    Some(Page {
        size: size?,
        after: after?,
    })
}

/// The `next_page_token` of a page; `next` is the key of its last row, or none on the last page.
pub(super) fn next_page_token(query: PageQuery, next: Option<&impl Serialize>) -> String {
    // A key is numbers, ids and texts: it can always be written.
    let key = next.and_then(|key| serde_json::to_vec(key).ok());
    key.map(|key| {
        let mut bytes = vec![FORMAT];
        bytes.extend(query.0);
        bytes.extend(key);
        URL_SAFE_NO_PAD.encode(bytes)
    })
    .unwrap_or_default()
}

fn size(asked: i32) -> Result<usize, String> {
    match usize::try_from(asked) {
        Ok(0) => Ok(SIZE_DEFAULT),
        Ok(size) => Ok(size.min(SIZE_MAX)),
        Err(_negative) => Err(format!("must not be negative, not {asked}")),
    }
}

fn after<K: DeserializeOwned>(query: PageQuery, token: &str) -> Result<Option<K>, String> {
    if token.is_empty() {
        return Ok(None);
    }
    let key = key_of(query, token);
    key.map(Some)
        .ok_or_else(|| "is not a page token of the same query".to_owned())
}

fn key_of<K: DeserializeOwned>(query: PageQuery, token: &str) -> Option<K> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let key = bytes.strip_prefix(&[FORMAT])?.strip_prefix(&query.0)?;
    let key = std::str::from_utf8(key).ok()?;
    // The one character that PostgreSQL's texts cannot have.
    if key.contains("\\u0000") {
        return None;
    }
    serde_json::from_str(key).ok()
}

#[cfg(test)]
mod tests {
    use super::super::validate::tests::fields;
    use super::*;

    type Key = (i64, String);

    fn asked(query: PageQuery, size: i32, token: &str) -> Result<Page<Key>, Vec<String>> {
        let mut violations = Violations::default();
        page(&mut violations, query, size, token).ok_or_else(|| fields(violations))
    }

    fn query(pool: &str) -> PageQuery {
        PageQuery::of("ListClaims", &(pool, 7))
    }

    #[test]
    fn a_token_leads_on_from_the_key_that_it_was_made_of() {
        let key: Key = (i64::MAX, "ünïcode/\"1".to_owned());
        let token = next_page_token(query("abc"), Some(&key));
        let page = asked(query("abc"), 3, &token).unwrap();
        assert_eq!((page.size, page.after), (3, Some(key)));
    }

    #[test]
    fn the_last_page_has_no_token_and_no_token_is_the_first_page() {
        assert_eq!(next_page_token(query("abc"), None::<&Key>), "");
        assert_eq!(asked(query("abc"), 1, "").unwrap().after, None);
    }

    #[test]
    fn sizes_have_a_default_and_a_limit() {
        for (size, got) in [(0, 50), (1, 1), (500, 500), (501, 500), (i32::MAX, 500)] {
            assert_eq!(asked(query("abc"), size, "").unwrap().size, got, "{size}");
        }
        for size in [-1, i32::MIN] {
            assert_eq!(asked(query("abc"), size, "").unwrap_err(), ["page_size"]);
        }
    }

    #[test]
    fn a_token_of_another_query_is_refused_and_so_is_anything_else() {
        let key: Key = (1, "a".into());
        let made = |query| next_page_token(query, Some(&key));
        let of_nothing = next_page_token(query("abc"), Some(&"x"));
        let nul = next_page_token(query("abc"), Some(&(1, "\0")));
        let consistency =
            onsale_shared::token::ConsistencyToken::new(onsale_shared::log::Position::START);
        let (mut cut, mut long) = (made(query("abc")), made(query("abc")));
        cut.truncate(12);
        long.push_str("AAAA");
        for bad in [
            made(query("abd")),
            made(PageQuery::of("ListTickets", &("abc", 7))),
            of_nothing,
            nul,
            consistency.encode(),
            cut,
            long,
            "BA".to_owned(),
            "?".to_owned(),
            " ".to_owned(),
            "A".repeat(60_000),
        ] {
            assert_eq!(
                asked(query("abc"), -1, &bad).unwrap_err(),
                ["page_size", "page_token"],
                "{bad}"
            );
        }
    }
}

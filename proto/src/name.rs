//! Resource names (<https://google.aip.dev/122>): `pools/{pool}`, `pools/{pool}/claims/{claim}`,
//! `pools/{pool}/tickets/{ticket}`. Only the shape is looked at here; the parts are parsed by whoever owns them.

/// `pools/{pool}`.
#[must_use]
pub fn pool(pool: &str) -> String {
    format!("pools/{pool}")
}

/// `pools/{pool}/claims/{claim}`.
#[must_use]
pub fn claim(pool: &str, claim: impl std::fmt::Display) -> String {
    format!("pools/{pool}/claims/{claim}")
}

/// `pools/{pool}/tickets/{ticket}`.
#[must_use]
pub fn ticket(pool: &str, ticket: impl std::fmt::Display) -> String {
    format!("pools/{pool}/tickets/{ticket}")
}

/// The pool id in `pools/{pool}`.
#[must_use]
pub fn parse_pool(name: &str) -> Option<&str> {
    let pool = name.strip_prefix("pools/")?;
    (!pool.is_empty() && !pool.contains('/')).then_some(pool)
}

/// The pool id and the claim id in `pools/{pool}/claims/{claim}`.
#[must_use]
pub fn parse_claim(name: &str) -> Option<(&str, &str)> {
    parse_child(name, "claims")
}

/// The pool id and the ticket id in `pools/{pool}/tickets/{ticket}`.
#[must_use]
pub fn parse_ticket(name: &str) -> Option<(&str, &str)> {
    parse_child(name, "tickets")
}

fn parse_child<'a>(name: &'a str, collection: &str) -> Option<(&'a str, &'a str)> {
    let mut parts = name.split('/');
    let (pools, pool, children, id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let whole = parts.next().is_none() && pools == "pools" && children == collection;
    (whole && !pool.is_empty() && !id.is_empty()).then_some((pool, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        assert_eq!(parse_pool(&pool("a-b")), Some("a-b"));
        assert_eq!(parse_claim(&claim("a", "c")), Some(("a", "c")));
        assert_eq!(parse_ticket(&ticket("a", "t")), Some(("a", "t")));
    }

    #[test]
    fn other_shapes_are_not_names() {
        for bad in ["", "pools", "pools/", "pools/a/b", "shows/a", "/pools/a"] {
            assert_eq!(parse_pool(bad), None, "{bad}");
        }
        for bad in [
            "pools/a/claims/",
            "pools//claims/c",
            "pools/a/tickets/t",
            "pools/a/claims/c/d",
        ] {
            assert_eq!(parse_claim(bad), None, "{bad}");
        }
    }
}

//! Who calls, from where, and until when: from the metadata of a call.

use std::{net::IpAddr, time::Duration};

use onsale_proto::{ACTOR_KEY, CORRELATION_KEY, TRACEPARENT_KEY, server::deadline};
use onsale_shared::log::Origin;
use tonic::{Request, metadata::MetadataMap};

use super::validate::Fields;
use crate::pools::Caller;

/// Who calls where nobody says.
const ANONYMOUS: &str = "anonymous";
/// The most characters of an actor or a correlation id.
const ID_CHARACTERS_MAX: usize = 128;
/// The most characters kept of what a caller says it is.
const USER_AGENT_CHARACTERS_MAX: usize = 256;

/// How long calls may take.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineLimits {
    /// For a call that does not say.
    pub default: Duration,
    /// For a call that asks for more.
    pub max: Duration,
}

impl DeadlineLimits {
    /// Kept back of a caller's deadline, so that he gets our answer and not his own time-out.
    const MARGIN: Duration = Duration::from_millis(20);

    /// How long a call may take.
    #[must_use]
    pub fn of(&self, metadata: &MetadataMap) -> Duration {
        let Some(asked) = deadline::asked(metadata.as_ref()) else {
            return self.default;
        };
        let asked = asked.min(self.max);
        asked
            .checked_sub(Self::MARGIN.min(asked / 10))
            .unwrap_or(asked)
    }
}

/// Reads who calls. While there is no authentication, a loopback caller is believed; anybody else is anonymous, also
/// behind a proxy on this machine.
pub fn caller<T>(request: &Request<T>, trusted_proxies: &[IpAddr], fields: &mut Fields) -> Caller {
    let metadata = request.metadata();
    let peer = request
        .remote_addr()
        .map(|address| address.ip().to_canonical());
    let ip = peer.map(|peer| client_ip(peer, metadata, trusted_proxies));
    let named = id(metadata, ACTOR_KEY, fields).filter(|_| ip.is_some_and(|ip| ip.is_loopback()));
    let user_agent = metadata
        .get("user-agent")
        .and_then(|value| value.to_str().ok());
    let user_agent = user_agent.map(|text| text.chars().take(USER_AGENT_CHARACTERS_MAX).collect());
    Caller {
        actor: named.unwrap_or_else(|| ANONYMOUS.to_owned()),
        correlation_id: id(metadata, CORRELATION_KEY, fields),
        traceparent: traceparent(metadata),
        origin: Some(Origin { ip, user_agent }),
    }
}

fn id(metadata: &MetadataMap, key: &str, fields: &mut Fields) -> Option<String> {
    let text = metadata.get(key)?.to_str().ok().unwrap_or_default();
    if text.is_empty()
        || text.len() > ID_CHARACTERS_MAX
        || !text.bytes().all(|b| b.is_ascii_graphic())
    {
        fields.violate(
            key,
            format!("metadata must be 1 to {ID_CHARACTERS_MAX} visible ASCII characters"),
        );
        return None;
    }
    Some(text.to_owned())
}

/// A trace context that is not well formed is ignored, as its standard asks (<https://www.w3.org/TR/trace-context/>).
fn traceparent(metadata: &MetadataMap) -> Option<String> {
    let text = metadata.get(TRACEPARENT_KEY)?.to_str().ok()?;
    let well_formed = text.len() == 55 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    well_formed.then(|| text.to_owned())
}

/// The peer; or, if it is a trusted proxy, the last address in `x-forwarded-for` or `forwarded` that is not one.
fn client_ip(peer: IpAddr, metadata: &MetadataMap, trusted_proxies: &[IpAddr]) -> IpAddr {
    if !trusted_proxies.contains(&peer) {
        return peer;
    }
    let values = |key| {
        metadata
            .get_all(key)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect::<Vec<_>>()
    };
    let (plain, standard) = (values("x-forwarded-for"), values("forwarded"));
    let mut addresses: Vec<IpAddr> = plain
        .iter()
        .flat_map(|list| list.split(','))
        .filter_map(parse_address)
        .collect();
    if addresses.is_empty() {
        let pairs = standard.iter().flat_map(|list| list.split([',', ';']));
        addresses = pairs
            .filter_map(|pair| pair.trim().split_once('='))
            .filter_map(forwarded_for)
            .collect();
    }
    addresses
        .into_iter()
        .rev()
        .find(|address| !trusted_proxies.contains(address))
        .unwrap_or(peer)
}

fn forwarded_for((key, value): (&str, &str)) -> Option<IpAddr> {
    key.trim()
        .eq_ignore_ascii_case("for")
        .then(|| parse_address(value))
        .flatten()
}

/// An address with or without port, brackets and quotes (RFC 7239).
fn parse_address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || {
        text.parse::<std::net::SocketAddr>()
            .map(|address| address.ip())
            .ok()
    };
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare.or_else(with_port)
        .or_else(bracketed)
        .map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(pairs: &[(&'static str, &'static str)]) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        for (key, value) in pairs {
            metadata.append(*key, value.parse().unwrap());
        }
        metadata
    }

    #[test]
    fn a_call_without_deadline_gets_the_default_and_none_gets_more_than_the_most() {
        let limits = DeadlineLimits {
            default: Duration::from_secs(5),
            max: Duration::from_secs(60),
        };
        assert_eq!(limits.of(&metadata(&[])), limits.default);
        assert_eq!(
            limits.of(&metadata(&[("grpc-timeout", "1S")])),
            Duration::from_millis(980)
        );
        assert!(limits.of(&metadata(&[("grpc-timeout", "2H")])) <= limits.max);
    }

    #[test]
    fn only_trusted_proxies_speak_for_others() {
        let [proxy, client, other] =
            ["10.0.0.1", "203.0.113.7", "198.51.100.9"].map(|ip| ip.parse().unwrap());
        let forwarded = metadata(&[("x-forwarded-for", "198.51.100.9, 203.0.113.7, 10.0.0.1")]);
        assert_eq!(
            client_ip(proxy, &forwarded, &[proxy]),
            client,
            "the last that is not a proxy of ours"
        );
        assert_eq!(client_ip(other, &forwarded, &[proxy]), other, "not trusted");
        let standard = metadata(&[(
            "forwarded",
            "for=\"[2001:db8::1]:4711\";proto=https, for=203.0.113.7:80",
        )]);
        assert_eq!(client_ip(proxy, &standard, &[proxy]), client);
        assert_eq!(client_ip(proxy, &metadata(&[]), &[proxy]), proxy);
    }
}

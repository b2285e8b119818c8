//! Who calls, from where, and until when: from the metadata of a call.

use std::{net::IpAddr, time::Duration};

use onsale_proto::{
    ACTOR_KEY, CORRELATION_KEY, PREVIOUS_ATTEMPTS_KEY, TRACEPARENT_KEY, server::deadline, v1,
};
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

/// Who calls, as the metadata of a call have it. While there is no authentication, a caller on this machine is believed, who
/// says so without a proxy elsewhere; anybody else is anonymous, also behind a trusted proxy on this machine.
#[derive(Clone, Debug)]
pub struct Sender {
    named: Option<String>,
    correlation_id: Option<String>,
    traceparent: Option<String>,
    user_agent: Option<String>,
    peer: Option<IpAddr>,
    /// What proxies say of where the call comes from, the last one last.
    forwarded: Vec<IpAddr>,
}

/// Reads who calls.
pub fn sender<T>(request: &Request<T>, fields: &mut Fields) -> Sender {
    let metadata = request.metadata();
    let peer = request
        .remote_addr()
        .map(|address| address.ip().to_canonical());
    let user_agent = metadata
        .get("user-agent")
        .and_then(|value| value.to_str().ok());
    Sender {
        named: id(metadata, ACTOR_KEY, fields),
        correlation_id: id(metadata, CORRELATION_KEY, fields),
        traceparent: text(metadata, TRACEPARENT_KEY).and_then(traceparent),
        user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_CHARACTERS_MAX).collect()),
        peer,
        forwarded: forwarded(metadata),
    }
}

/// Reads who sends a command in a call of its own.
pub fn caller<T>(request: &Request<T>, trusted_proxies: &[IpAddr], fields: &mut Fields) -> Caller {
    sender(request, fields).into_caller(&[], trusted_proxies)
}

/// Whether the caller says that there were attempts of the same command before. What is no number is taken for one: to
/// refuse for good costs an event, and not to would leave the earlier attempt its chance.
pub fn is_repeat(metadata: &MetadataMap) -> bool {
    text(metadata, PREVIOUS_ATTEMPTS_KEY).is_some_and(|attempts| attempts.parse() != Ok(0_u32))
}

impl Sender {
    /// Who sends one command of a stream: what the command does not say, the stream says.
    pub fn caller(
        &self,
        command: &v1::ExecuteRequest,
        trusted_proxies: &[IpAddr],
        fields: &mut Fields,
    ) -> Caller {
        let mut sender = self.clone();
        if !command.correlation_id.is_empty() {
            sender.correlation_id = checked_id("correlation_id", &command.correlation_id, fields);
        }
        if !command.traceparent.is_empty() {
            sender.traceparent = traceparent(&command.traceparent);
        }
        let mut forwarded = Vec::new();
        if !command.forwarded_for.is_empty() {
            match parse_address(&command.forwarded_for) {
                Some(address) => forwarded.push(address),
                None => fields.violate("forwarded_for", "must be an IP address"),
            }
        }
        sender.into_caller(&forwarded, trusted_proxies)
    }

    /// With what the command itself says of where it comes from, if it says anything.
    fn into_caller(self, forwarded: &[IpAddr], trusted_proxies: &[IpAddr]) -> Caller {
        let forwarded = if forwarded.is_empty() {
            &self.forwarded
        } else {
            forwarded
        };
        let ip = self
            .peer
            .map(|peer| client_ip(peer, forwarded, trusted_proxies));
        let is_local =
            |address: Option<IpAddr>| address.is_some_and(|address| address.is_loopback());
        // A proxy elsewhere may pass on any address that its callers name.
        let named = self.named.filter(|_| is_local(self.peer) && is_local(ip));
        Caller {
            actor: named.unwrap_or_else(|| ANONYMOUS.to_owned()),
            correlation_id: self.correlation_id,
            traceparent: self.traceparent,
            origin: Some(Origin {
                ip,
                user_agent: self.user_agent,
            }),
        }
    }
}

fn text<'a>(metadata: &'a MetadataMap, key: &str) -> Option<&'a str> {
    metadata.get(key)?.to_str().ok()
}

fn id(metadata: &MetadataMap, key: &str, fields: &mut Fields) -> Option<String> {
    let value = metadata.get(key)?;
    checked_id(key, value.to_str().unwrap_or_default(), fields)
}

fn checked_id(field: &str, text: &str, fields: &mut Fields) -> Option<String> {
    if text.is_empty()
        || text.len() > ID_CHARACTERS_MAX
        || !text.bytes().all(|b| b.is_ascii_graphic())
    {
        fields.violate(
            field,
            format!("metadata must be 1 to {ID_CHARACTERS_MAX} visible ASCII characters"),
        );
        return None;
    }
    Some(text.to_owned())
}

/// A trace context that is not well formed is ignored, as its standard asks (<https://www.w3.org/TR/trace-context/>).
fn traceparent(text: &str) -> Option<String> {
    let well_formed = text.len() == 55 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    well_formed.then(|| text.to_owned())
}

/// The addresses in `x-forwarded-for`, or else in `forwarded`, in their order.
fn forwarded(metadata: &MetadataMap) -> Vec<IpAddr> {
    let values = |key| {
        let values = metadata.get_all(key).iter();
        values.filter_map(|value| value.to_str().ok())
    };
    let addresses: Vec<IpAddr> = values("x-forwarded-for")
        .flat_map(|list| list.split(','))
        .filter_map(parse_address)
        .collect();
    if !addresses.is_empty() {
        return addresses;
    }
    values("forwarded")
        .flat_map(|list| list.split([',', ';']))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(forwarded_for)
        .collect()
}

/// The peer; or, if it is a trusted proxy, the last address that it names which is not one.
fn client_ip(peer: IpAddr, forwarded: &[IpAddr], trusted_proxies: &[IpAddr]) -> IpAddr {
    if !trusted_proxies.contains(&peer) {
        return peer;
    }
    let mut last_first = forwarded.iter().rev().copied();
    last_first
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
    fn a_repeat_says_how_many_attempts_were_made_before() {
        let is_repeat_of = |attempts| is_repeat(&metadata(&[(PREVIOUS_ATTEMPTS_KEY, attempts)]));
        assert!(!is_repeat(&metadata(&[])) && !is_repeat_of("0"));
        assert!(is_repeat_of("1") && is_repeat_of("12") && is_repeat_of("many"));
    }

    #[test]
    fn only_trusted_proxies_speak_for_others() {
        let [proxy, client, other] =
            ["10.0.0.1", "203.0.113.7", "198.51.100.9"].map(|ip| ip.parse().unwrap());
        let plain = metadata(&[("x-forwarded-for", "198.51.100.9, 203.0.113.7, 10.0.0.1")]);
        assert_eq!(
            client_ip(proxy, &forwarded(&plain), &[proxy]),
            client,
            "the last that is not a proxy of ours"
        );
        assert_eq!(
            client_ip(other, &forwarded(&plain), &[proxy]),
            other,
            "not trusted"
        );
        let standard = metadata(&[(
            "forwarded",
            "for=\"[2001:db8::1]:4711\";proto=https, for=203.0.113.7:80",
        )]);
        assert_eq!(client_ip(proxy, &forwarded(&standard), &[proxy]), client);
        assert_eq!(client_ip(proxy, &[], &[proxy]), proxy);
    }

    #[test]
    fn an_actor_is_believed_of_a_caller_on_this_machine_and_of_no_proxy_elsewhere() {
        let [here, proxy, client] =
            ["127.0.0.1", "10.0.0.1", "203.0.113.7"].map(|ip| ip.parse().unwrap());
        let actor = |peer, forwarded: &[IpAddr]| {
            let sender = Sender {
                named: Some("operator".into()),
                correlation_id: None,
                traceparent: None,
                user_agent: None,
                peer,
                forwarded: forwarded.to_vec(),
            };
            sender.into_caller(&[], &[here, proxy]).actor
        };
        assert_eq!(actor(Some(here), &[]), "operator");
        assert_eq!(actor(Some(here), &[client]), ANONYMOUS);
        assert_eq!(actor(Some(client), &[]), ANONYMOUS);
        // What a proxy elsewhere says of its caller may be what that caller made up.
        let other_loopback = "127.0.0.2".parse().unwrap();
        assert_eq!(actor(Some(proxy), &[other_loopback]), ANONYMOUS);
        assert_eq!(actor(None, &[]), ANONYMOUS);
    }
}

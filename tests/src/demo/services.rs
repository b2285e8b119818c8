//! Reaching the services, or saying in a sentence why they cannot be reached.

use std::time::Duration;

use anyhow::{Context as _, bail};
use onsale_proto::health;
use tonic::transport::{Channel, Endpoint};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection that does not answer within this, twice, is broken.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// Refuses to go on if a service is not ready.
pub(super) async fn check(name: &str, address: &str, variable: &str) -> anyhow::Result<()> {
    if !health::is_serving(address.to_owned()).await {
        bail!(
            "No {name} is ready at {address}: start the system with `make up`, or name its address in {variable}."
        );
    }
    Ok(())
}

/// A connection of its own.
pub(super) async fn connect(address: &str) -> anyhow::Result<Channel> {
    let endpoint = Endpoint::from_shared(address.to_owned())
        .with_context(|| format!("{address} is not an address such as http://127.0.0.1:50051."))?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE);
    let connected = endpoint.connect().await;
    connected.with_context(|| {
        format!("{address} does not accept a connection: start the system with `make up`.")
    })
}

//! Asking a server whether it is ready (`grpc.health.v1`), as container health checks and scripts do.

use std::time::Duration;

use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// How long the question may take in all.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Whether the server at `address` (`http://host:port`) says SERVING.
pub async fn is_serving(address: String) -> bool {
    let asking = async {
        let channel = Endpoint::from_shared(address)
            .ok()?
            .connect_timeout(TIMEOUT)
            .connect()
            .await
            .ok()?;
        let request = HealthCheckRequest {
            service: String::new(),
        };
        let answer = HealthClient::new(channel).check(request).await.ok()?;
        Some(answer.into_inner().status() == ServingStatus::Serving)
    };
    tokio::time::timeout(TIMEOUT, asking)
        .await
        .ok()
        .flatten()
        .unwrap_or(false)
}

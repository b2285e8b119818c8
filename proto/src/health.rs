//! Asking a server whether it is ready (`grpc.health.v1`), as container health checks and scripts do.

use std::{error::Error, process::ExitCode, time::Duration};

use tonic::{Code, Status, transport::Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// How long the question may take in all.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Why a server does not count as ready.
#[derive(Debug, thiserror::Error)]
pub enum NotServing {
    /// What was given is no address.
    #[error("`{0}` is not the address of a server, such as http://127.0.0.1:50051")]
    Address(String),
    /// Nobody listens there, or it is no gRPC server.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, String),
    /// It took too long.
    #[error("{0} did not answer within {seconds} s", seconds = TIMEOUT.as_secs())]
    Late(String),
    /// It answers, and has no such service.
    #[error("{0} has no service `{1}`")]
    Unknown(String, String),
    /// It answers with an error.
    #[error("{0} answered {1}")]
    Failed(String, Code),
    /// It says so.
    #[error(
        "{0} says {1}: it starts, drains or is behind; its log says which, and GetProjections how far each read model is"
    )]
    Says(String, &'static str),
}

/// Whether the server at `address` (`http://host:port`) says SERVING.
pub async fn is_serving(address: String) -> bool {
    check(&address, String::new()).await.is_ok()
}

/// For the subcommand `health` of a server: 0 if a server says SERVING, otherwise 1, with a line that says why not.
pub async fn exit_code(address: &str, service: String) -> ExitCode {
    match check(address, service).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            tracing::error!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Asks the server at `address` (`http://host:port`, or `host:port`) for a service, or with an empty name for all of it.
///
/// # Errors
/// It does not say SERVING.
pub async fn check(address: &str, service: String) -> Result<(), NotServing> {
    let url = if address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    let server = || address.to_owned();
    let endpoint = Endpoint::from_shared(url).map_err(|_invalid| NotServing::Address(server()))?;
    let name = service.clone();
    let asking = async {
        let connected = endpoint.connect_timeout(TIMEOUT).connect().await;
        let channel =
            connected.map_err(|error| NotServing::Unreachable(server(), innermost(&error)))?;
        let request = HealthCheckRequest { service };
        let answer = HealthClient::new(channel).check(request).await;
        let answer = answer.map_err(|status| failed(server(), name, &status))?;
        Ok(answer.into_inner().status())
    };
    match tokio::time::timeout(TIMEOUT, asking).await {
        Ok(Ok(ServingStatus::Serving)) => Ok(()),
        Ok(Ok(other)) => Err(NotServing::Says(server(), other.as_str_name())),
        Ok(Err(reason)) => Err(reason),
        Err(_elapsed) => Err(NotServing::Late(server())),
    }
}

/// What it all comes from, such as `Connection refused (os error 111)`.
fn innermost(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => innermost(cause),
        None => error.to_string(),
    }
}

fn failed(server: String, service: String, status: &Status) -> NotServing {
    if status.code() == Code::NotFound {
        NotServing::Unknown(server, service)
    } else {
        NotServing::Failed(server, status.code())
    }
}

//! `command-service`: validates commands and appends events with expected-version checks.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use onsale_command_service::{Config, migrate, serve};
use onsale_shared::{
    shutdown,
    telemetry::{self, LogFormat},
};
use tokio::net::TcpListener;

/// Onsale's write side: validates commands and appends events with expected-version checks.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// Which log lines are written to standard error, such as `info` or `onsale_command_service=debug,info`.
    #[arg(long, global = true, env = "ONSALE_LOG", default_value = "info")]
    log: String,

    /// Write each log line as a JSON object.
    #[arg(long, global = true, env = "ONSALE_LOG_JSON", default_value_t = false, action = clap::ArgAction::Set)]
    log_json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve gRPC until SIGTERM or SIGINT.
    Serve(Box<Config>),
    /// Bring the event log's schema up to date. Safe when several run at once.
    Migrate {
        /// PostgreSQL, as postgres://user:password@host:port/database.
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: String,
    },
    /// Ask a running server whether it is ready; exit 0 if it is, 1 if not.
    Health {
        /// The server's address, as http://host:port.
        #[arg(
            long,
            env = "ONSALE_COMMAND_ADDRESS",
            default_value = "http://127.0.0.1:50051"
        )]
        address: String,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = if cli.log_json {
        LogFormat::Json
    } else {
        LogFormat::Text
    };
    let outcome = telemetry::start(&cli.log, format)
        .map_err(anyhow::Error::msg)
        .and_then(|()| {
            let runtime = tokio::runtime::Runtime::new().context("the runtime")?;
            runtime.block_on(run(cli.command))
        });
    match outcome {
        Ok(code) => code,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(config) => {
            let stop = shutdown::on_signal().context("signal handlers")?;
            let listener = TcpListener::bind(config.listen).await.with_context(|| {
                format!(
                    "{} cannot be listened on; set ONSALE_COMMAND_LISTEN to another address",
                    config.listen
                )
            })?;
            serve(*config, listener, stop).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Migrate { database_url } => {
            migrate(&database_url).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Health { address } => {
            let ready = onsale_proto::health::is_serving(address).await;
            Ok(if ready {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}

//! Compiles the contract without `protoc`: protox reads the `.proto` files, tonic-prost-build writes the Rust code.
//!
//! Two passes: the first writes messages and clients; the second writes the servers on the same messages, except that a
//! server streams `WatchAvailabilityResponse` as `frame::AvailabilityFrame`, which is encoded once for all subscribers.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const FILES: &[&str] = &[
    "onsale/v1/resources.proto",
    "onsale/v1/customer_commands.proto",
    "onsale/v1/promoter_commands.proto",
    "onsale/v1/execute.proto",
    "onsale/v1/refusals.proto",
    "onsale/v1/command_service.proto",
    "onsale/v1/query_claims.proto",
    "onsale/v1/query_events.proto",
    "onsale/v1/query_history.proto",
    "onsale/v1/query_pools.proto",
    "onsale/v1/query_projections.proto",
    "onsale/v1/query_sales.proto",
    "onsale/v1/query_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=onsale");
    println!("cargo:rerun-if-changed=google");
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    let descriptors = protox::compile(FILES, ["."])?;
    fs::write(
        out_dir.join("onsale_descriptor.bin"),
        descriptors.encode_to_vec(),
    )?;

    tonic_prost_build::configure()
        .build_server(false)
        .extern_path(".google.rpc.Status", "tonic_types::Status")
        // BTreeMap: labels keep one order, so that equal commands have equal hashes.
        .btree_map(".")
        .compile_fds(descriptors.clone())?;

    let server_dir = out_dir.join("server");
    fs::create_dir_all(&server_dir)?;
    tonic_prost_build::configure()
        .build_client(false)
        .codec_path("crate::server::codec::SmallCodec")
        .out_dir(server_dir)
        .extern_path(".google.type", "crate::google::r#type")
        .extern_path(".google.rpc.Status", "tonic_types::Status")
        .extern_path(".onsale.v1.ExecuteRequest", "crate::frame::ExecuteFrame")
        .extern_path(
            ".onsale.v1.WatchAvailabilityResponse",
            "crate::frame::AvailabilityFrame",
        )
        .extern_path(".onsale.v1", "crate::onsale::v1")
        .compile_fds(descriptors)?;
    Ok(())
}

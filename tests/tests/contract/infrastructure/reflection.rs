//! Reflection, v1 and v1alpha: grpcurl and `buf curl` need no proto files.

use std::collections::BTreeSet;

use onsale_tests::system::System;
use prost::Message as _;
use prost_types::FileDescriptorProto;
use tonic::transport::Channel;

/// Asks for the list of services, and then for the file of each symbol: the client of one version of the protocol.
macro_rules! asking {
    ($name:ident, $version:ident) => {
        async fn $name(
            channel: Channel,
            symbols: &[&str],
        ) -> (BTreeSet<String>, Vec<Vec<FileDescriptorProto>>) {
            use tonic_reflection::pb::$version::{
                ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
                server_reflection_request::MessageRequest,
                server_reflection_response::MessageResponse,
            };
            let ask = |message_request| ServerReflectionRequest {
                host: String::new(),
                message_request: Some(message_request),
            };
            let mut requests = vec![ask(MessageRequest::ListServices(String::new()))];
            requests.extend(
                symbols
                    .iter()
                    .map(|symbol| ask(MessageRequest::FileContainingSymbol((*symbol).to_owned()))),
            );
            let mut client = ServerReflectionClient::new(channel);
            let answers = client
                .server_reflection_info(tokio_stream::iter(requests))
                .await;
            let mut answers = answers.expect("a stream").into_inner();
            let (mut services, mut files) = (BTreeSet::new(), Vec::new());
            while let Some(answer) = answers.message().await.expect("an answer") {
                match answer.message_response.expect("an answer") {
                    MessageResponse::ListServicesResponse(list) => {
                        services.extend(list.service.into_iter().map(|service| service.name));
                    }
                    MessageResponse::FileDescriptorResponse(found) => {
                        let decoded = found.file_descriptor_proto.iter();
                        let decoded = decoded.map(|file| {
                            FileDescriptorProto::decode(file.as_slice()).expect("a file")
                        });
                        files.push(decoded.collect());
                    }
                    MessageResponse::AllExtensionNumbersResponse(_)
                    | MessageResponse::ErrorResponse(_) => unreachable!("each symbol is known"),
                }
            }
            (services, files)
        }
    };
}

asking!(ask_v1, v1);
asking!(ask_v1alpha, v1alpha);

const SYMBOLS: [&str; 4] = [
    "onsale.v1.CommandService",
    "onsale.v1.QueryService.WatchAvailability",
    "onsale.v1.Claim",
    "google.type.Money",
];

#[tokio::test]
async fn both_versions_of_reflection_describe_the_services() {
    let system = System::start().await;
    for (channel, own) in [
        (system.command_channel(0).await, "onsale.v1.CommandService"),
        (system.query.channel().await, "onsale.v1.QueryService"),
    ] {
        let (services, files) = ask_v1(channel.clone(), &SYMBOLS).await;
        let (services_alpha, files_alpha) = ask_v1alpha(channel, &SYMBOLS).await;
        assert!(services.contains(own), "{services:?}");
        assert!(services.contains("grpc.health.v1.Health"), "{services:?}");
        assert!(services_alpha.contains(own), "{services_alpha:?}");
        assert_eq!(files, files_alpha);
        let names: Vec<_> = files.iter().map(|files| files[0].name()).collect();
        assert_eq!(
            names,
            [
                "onsale/v1/command_service.proto",
                "onsale/v1/query_service.proto",
                "onsale/v1/resources.proto",
                "google/type/money.proto",
            ]
        );
        let methods: usize = files[0][0]
            .service
            .iter()
            .map(|service| service.method.len())
            .sum();
        assert_eq!(methods, 16);
    }
}

//! Messages and connections that no generated client would make: any bytes as the body of a call, and bare HTTP/2.

use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use onsale_tests::service::Service;
use tokio::{net::TcpStream, sync::mpsc};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{
    Request, Response, Status, Streaming,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};

/// Bytes as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RawCodec;

impl Codec for RawCodec {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}

/// Calls a method with any bytes.
pub(crate) async fn unary(
    channel: &Channel,
    path: &'static str,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, Status> {
    let mut client = Grpc::new(channel.clone());
    ready(&mut client).await?;
    client
        .unary(request, PathAndQuery::from_static(path), RawCodec)
        .await
}

/// Opens a stream with any bytes.
pub(crate) async fn streaming(
    channel: &Channel,
    path: &'static str,
    request: Request<Vec<u8>>,
) -> Result<Streaming<Vec<u8>>, Status> {
    let mut client = Grpc::new(channel.clone());
    ready(&mut client).await?;
    let answer = client
        .server_streaming(request, PathAndQuery::from_static(path), RawCodec)
        .await?;
    Ok(answer.into_inner())
}

/// A stream both ways, with any bytes.
pub(crate) struct Sent {
    messages: mpsc::UnboundedSender<Vec<u8>>,
    pub(crate) answers: Streaming<Vec<u8>>,
}

impl Sent {
    pub(crate) async fn open(channel: &Channel, path: &'static str) -> Result<Self, Status> {
        let mut client = Grpc::new(channel.clone());
        ready(&mut client).await?;
        let (messages, receiver) = mpsc::unbounded_channel();
        let request = Request::new(UnboundedReceiverStream::new(receiver));
        let path = PathAndQuery::from_static(path);
        let answers = client
            .streaming(request, path, RawCodec)
            .await?
            .into_inner();
        Ok(Self { messages, answers })
    }

    pub(crate) fn send(&self, message: Vec<u8>) {
        self.messages.send(message).expect("the stream is open");
    }
}

async fn ready(client: &mut Grpc<Channel>) -> Result<(), Status> {
    let ready = client.ready().await;
    ready.map_err(|error| Status::unknown(error.to_string()))
}

/// A call over bare HTTP/2: `headers` beside those that gRPC requires, `body` as it is, or never a body at all.
pub(crate) async fn http2(
    service: &Service,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Bytes>,
) -> Result<(), Status> {
    let address = service.address().trim_start_matches("http://");
    let stream = TcpStream::connect(address)
        .await
        .expect("the service listens");
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let mut request = http::Request::post(format!("{}{path}", service.address()))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (key, value) in headers {
        request = request.header(*key, *value);
    }
    let request = request.body(()).expect("a request");
    let (answer, mut sending) = client.send_request(request, false).expect("a stream");
    if let Some(body) = body {
        sending.send_data(body, true).expect("the body is sent");
    }
    let mut answer = answer.await.expect("an answer");
    assert_eq!(answer.status(), 200, "gRPC's errors are not HTTP's");
    let status = match Status::from_header_map(answer.headers()) {
        Some(status) => status,
        None => {
            while let Some(data) = answer.body_mut().data().await {
                data.expect("data");
            }
            let trailers = answer.body_mut().trailers().await.expect("trailers");
            Status::from_header_map(&trailers.expect("trailers")).expect("a status")
        }
    };
    connection.abort();
    if status.code() == tonic::Code::Ok {
        Ok(())
    } else {
        Err(status)
    }
}

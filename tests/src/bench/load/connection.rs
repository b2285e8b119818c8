//! gRPC calls over an HTTP/2 connection, as cheaply as a client can make them: no channel, no codec, no task per call.

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use h2::{
    RecvStream, SendStream,
    client::{ResponseFuture, SendRequest},
};
use http::{HeaderMap, HeaderValue, Method as HttpMethod, Request, Uri, header};
use onsale_proto::{reason::Reason, status::reason_of};
use tokio::net::TcpStream;
use tonic::{Code, Status};

/// What an answer may be ahead of its reader, for each call and for all calls of a connection, in bytes.
const WINDOW: u32 = 16 * 1_024 * 1_024;

/// A method of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `ClaimTickets`.
    Claim,
    /// `PurchaseTickets`.
    Purchase,
    /// `BuyTickets`.
    Buy,
    /// `Execute`.
    Execute,
    /// `GetAvailability`.
    GetAvailability,
    /// `GetPool`.
    GetPool,
    /// `ListTickets`.
    ListTickets,
}

impl Method {
    const fn path(self) -> &'static str {
        match self {
            Self::Claim => "/onsale.v1.CommandService/ClaimTickets",
            Self::Purchase => "/onsale.v1.CommandService/PurchaseTickets",
            Self::Buy => "/onsale.v1.CommandService/BuyTickets",
            Self::Execute => "/onsale.v1.CommandService/Execute",
            Self::GetAvailability => "/onsale.v1.QueryService/GetAvailability",
            Self::GetPool => "/onsale.v1.QueryService/GetPool",
            Self::ListTickets => "/onsale.v1.QueryService/ListTickets",
        }
    }
}

/// An open connection. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct Connection {
    requests: SendRequest<Bytes>,
    claim: Uri,
    purchase: Uri,
    buy: Uri,
    execute: Uri,
    get_availability: Uri,
    get_pool: Uri,
    list_tickets: Uri,
}

/// How a call ended.
#[derive(Debug)]
pub struct Answer {
    /// The message with its prefix; empty with an error.
    pub body: Bytes,
    /// Where gRPC says how the call ended.
    trailers: HeaderMap,
}

impl Connection {
    /// Connects to a server, `http://host:port`.
    ///
    /// # Errors
    /// It cannot be reached.
    pub async fn open(address: &str) -> anyhow::Result<Self> {
        let host = address.trim_start_matches("http://");
        let socket = TcpStream::connect(host).await.context(host.to_owned())?;
        socket.set_nodelay(true)?;
        let (requests, connection) = h2::client::Builder::new()
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake(socket)
            .await?;
        // It ends with the last clone, or with the server.
        drop(tokio::spawn(connection));
        let uri = |method: Method| format!("http://{host}{}", method.path()).parse();
        Ok(Self {
            requests,
            claim: uri(Method::Claim)?,
            purchase: uri(Method::Purchase)?,
            buy: uri(Method::Buy)?,
            execute: uri(Method::Execute)?,
            get_availability: uri(Method::GetAvailability)?,
            get_pool: uri(Method::GetPool)?,
            list_tickets: uri(Method::ListTickets)?,
        })
    }

    /// `count` connections, over all `addresses` in turn.
    ///
    /// # Errors
    /// One cannot be reached.
    pub async fn open_all(addresses: &[String], count: usize) -> anyhow::Result<Vec<Self>> {
        let mut connections = Vec::new();
        for address in addresses.iter().cycle().take(count) {
            connections.push(Self::open(address).await?);
        }
        Ok(connections)
    }

    /// Opens a call: what is sent, and what will be answered.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn stream(
        &self,
        method: Method,
    ) -> Result<(SendStream<Bytes>, ResponseFuture), h2::Error> {
        let uri = match method {
            Method::Claim => &self.claim,
            Method::Purchase => &self.purchase,
            Method::Buy => &self.buy,
            Method::Execute => &self.execute,
            Method::GetAvailability => &self.get_availability,
            Method::GetPool => &self.get_pool,
            Method::ListTickets => &self.list_tickets,
        };
        let mut requests = self.requests.clone().ready().await?;
        let (answer, sending) = requests.send_request(post(uri.clone()), false)?;
        Ok((sending, answer))
    }

    /// Makes a unary call and waits for its end.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn call(&self, method: Method, message: Bytes) -> Result<Answer, h2::Error> {
        let (mut sending, answer) = self.stream(method).await?;
        sending.send_data(message, true)?;
        let answer = answer.await?;
        if answer.headers().contains_key(Status::GRPC_STATUS) {
            return Ok(Answer {
                body: Bytes::new(),
                trailers: answer.into_parts().0.headers,
            });
        }
        let mut receiving = answer.into_body();
        let body = read(&mut receiving).await?;
        let trailers = receiving.trailers().await?.unwrap_or_default();
        Ok(Answer { body, trailers })
    }
}

impl Answer {
    /// The call was answered with a message.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.trailers
            .get(Status::GRPC_STATUS)
            .is_some_and(|code| code == "0")
    }

    /// The call was refused by a rule; which one, [`Self::reason`] says at some cost.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let code = self.trailers.get(Status::GRPC_STATUS);
        code.is_some_and(|code| Code::from_bytes(code.as_bytes()) == Code::FailedPrecondition)
    }

    /// The reason of an error.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        reason_of(&Status::from_header_map(&self.trailers)?)
    }

    /// What the error says to people.
    #[must_use]
    pub fn error(&self) -> String {
        match Status::from_header_map(&self.trailers) {
            Some(status) => format!("{:?}: {}", status.code(), status.message()),
            None => "an answer without a status".to_owned(),
        }
    }
}

/// A request of gRPC.
fn post(uri: Uri) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = HttpMethod::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    request
}

/// The whole body; an answer is one piece nearly always, which is not copied then.
async fn read(receiving: &mut RecvStream) -> Result<Bytes, h2::Error> {
    let mut whole = Bytes::new();
    while let Some(piece) = receiving.data().await {
        let piece = piece?;
        receiving.flow_control().release_capacity(piece.len())?;
        whole = if whole.is_empty() {
            piece
        } else {
            let mut joined = BytesMut::from(whole);
            joined.extend_from_slice(&piece);
            joined.freeze()
        };
    }
    Ok(whole)
}

//! A network that fails when it is told to: a TCP proxy in front of a server.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    ToServer,
    /// To the client.
    ToClient,
}

/// See the module. Dropped, it cuts its connections and listens no longer.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    network: Arc<Network>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Network {
    server: String,
    /// Of the connections that are open now; replaced when they are cut.
    cut: watch::Sender<CancellationToken>,
    frozen: watch::Sender<Frozen>,
    /// How many connections there were; each is known by its number.
    connections: AtomicU64,
    to_server: Flow,
    to_client: Flow,
    /// How long what the server says is held back.
    slowed: watch::Sender<Duration>,
}

/// Which connections get nothing through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frozen {
    None,
    /// Those up to this number.
    UpTo(u64),
    /// Those after this number.
    After(u64),
    All,
}

/// The bytes that went one way.
#[derive(Debug)]
struct Flow {
    forwarded: AtomicU64,
    /// After how many more bytes everything is cut; none if `u64::MAX`.
    left: AtomicU64,
}

impl Flow {
    const fn new() -> Self {
        Self {
            forwarded: AtomicU64::new(0),
            left: AtomicU64::new(u64::MAX),
        }
    }

    /// How many of `count` bytes may go before everything is cut.
    fn admit(&self, count: u64) -> Admitted {
        let left = self.left.load(Ordering::SeqCst);
        if left == u64::MAX {
            self.forwarded.fetch_add(count, Ordering::SeqCst);
            return Admitted { count, cut: false };
        }
        let admitted = count.min(left);
        self.forwarded.fetch_add(admitted, Ordering::SeqCst);
        let cut = admitted == left;
        let then = if cut { u64::MAX } else { left - admitted };
        self.left.store(then, Ordering::SeqCst);
        Admitted {
            count: admitted,
            cut,
        }
    }
}

struct Admitted {
    count: u64,
    cut: bool,
}

impl Proxy {
    /// A proxy to the server that `options` name.
    ///
    /// # Panics
    /// There is no port to listen on.
    pub async fn to(options: &PgConnectOptions) -> Self {
        Self::to_address(format!("{}:{}", options.get_host(), options.get_port())).await
    }

    /// A proxy to `server`, a host and a port.
    ///
    /// # Panics
    /// There is no port to listen on.
    pub async fn to_address(server: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let network = Arc::new(Network {
            server,
            cut: watch::Sender::new(CancellationToken::new()),
            frozen: watch::Sender::new(Frozen::None),
            connections: AtomicU64::new(0),
            to_server: Flow::new(),
            to_client: Flow::new(),
            slowed: watch::Sender::new(Duration::ZERO),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&network)));
        Self {
            address,
            network,
            accepting,
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `options`, but through this proxy.
    #[must_use]
    pub fn through(&self, options: PgConnectOptions) -> PgConnectOptions {
        options
            .host(&self.address.ip().to_string())
            .port(self.address.port())
    }

    /// Cuts every connection that is open now.
    pub fn cut(&self) {
        self.network.cut();
    }

    /// Cuts every connection as soon as `bytes` more have gone this way; once.
    pub fn cut_after(&self, direction: Direction, bytes: u64) {
        assert!(bytes > 0, "Proxy::cut is for 0 bytes");
        self.flow(direction).left.store(bytes, Ordering::SeqCst);
    }

    /// Takes [`Self::cut_after`] back.
    pub fn disarm(&self, direction: Direction) {
        self.flow(direction).left.store(u64::MAX, Ordering::SeqCst);
    }

    /// Whether [`Self::cut_after`] is still to come.
    #[must_use]
    pub fn is_armed(&self, direction: Direction) -> bool {
        self.flow(direction).left.load(Ordering::SeqCst) != u64::MAX
    }

    /// How many bytes have gone this way.
    #[must_use]
    pub fn forwarded(&self, direction: Direction) -> u64 {
        self.flow(direction).forwarded.load(Ordering::SeqCst)
    }

    /// From now on nothing gets through, on old connections and new ones; nothing is closed, and nothing is lost.
    pub fn freeze(&self) {
        self.network.frozen.send_replace(Frozen::All);
    }

    /// As [`Self::freeze`], but new connections work: what a failed-over address or a forgetful firewall looks like.
    pub fn freeze_open(&self) {
        self.freeze_up_to(self.newest());
    }

    /// As [`Self::freeze_open`], but connections after number `newest` work.
    pub fn freeze_up_to(&self, newest: u64) {
        self.network.frozen.send_replace(Frozen::UpTo(newest));
    }

    /// The number of the newest connection.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.network.connections.load(Ordering::SeqCst)
    }

    /// As [`Self::freeze`], but open connections work: a server that is full, or so busy that it accepts nobody.
    pub fn freeze_new(&self) {
        self.network
            .frozen
            .send_replace(Frozen::After(self.newest()));
    }

    /// Goes on with what was held back.
    pub fn thaw(&self) {
        self.network.frozen.send_replace(Frozen::None);
    }

    /// From now on, whatever the server says comes so much later.
    pub fn slow_down(&self, by: Duration) {
        self.network.slowed.send_replace(by);
    }

    fn flow(&self, direction: Direction) -> &Flow {
        self.network.flow(direction)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.network.cut();
    }
}

impl Network {
    const fn flow(&self, direction: Direction) -> &Flow {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }

    fn cut(&self) {
        self.cut.send_replace(CancellationToken::new()).cancel();
    }

    /// Waits while connection `number` gets nothing through.
    async fn thawed(&self, number: u64) {
        let mut frozen = self.frozen.subscribe();
        let through = |frozen: &Frozen| match *frozen {
            Frozen::None => true,
            Frozen::UpTo(newest) => number > newest,
            Frozen::After(newest) => number <= newest,
            Frozen::All => false,
        };
        // Its sender is a field of self, so waiting cannot fail.
        frozen.wait_for(through).await.ok();
    }
}

async fn accept(listener: TcpListener, network: Arc<Network>) {
    while let Ok((client, _)) = listener.accept().await {
        let cut = network.cut.borrow().clone();
        let number = network.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let network = Arc::clone(&network);
        drop(tokio::spawn(async move {
            let connection = forward(client, &network, number);
            // Both sockets are closed with the future.
            cut.run_until_cancelled(connection).await;
        }));
    }
}

async fn forward(client: TcpStream, network: &Network, number: u64) {
    network.thawed(number).await;
    let Ok(server) = TcpStream::connect(&network.server).await else {
        return;
    };
    let no_delay = client.set_nodelay(true).and(server.set_nodelay(true));
    if no_delay.is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, Direction::ToServer, network, number) => {}
        () = pump(from_server, to_client, Direction::ToClient, network, number) => {}
    }
}

/// Until one side closes.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    network: &Network,
    number: u64,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if matches!(direction, Direction::ToClient) {
            let by = *network.slowed.borrow();
            tokio::time::sleep(by).await;
        }
        network.thawed(number).await;
        let admitted = network
            .flow(direction)
            .admit(u64::try_from(count).unwrap_or(u64::MAX));
        let count = usize::try_from(admitted.count).unwrap_or(count);
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
        if admitted.cut {
            network.cut();
            return;
        }
    }
}

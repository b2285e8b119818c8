//! One address for several replicas: each new connection goes to the next of them that is there.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use onsale_tests::service::Service;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// See the module. Dropped, it cuts its connections.
pub(super) struct Balancer {
    address: SocketAddr,
    replicas: Arc<Mutex<Vec<Replica>>>,
    _accepting: JoinSet<()>,
}

/// Where a replica listens, and how many connections it was given.
#[derive(Clone)]
struct Replica {
    address: String,
    connections: usize,
}

impl Balancer {
    pub(super) async fn of(services: &[&Service]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let replicas = Arc::<Mutex<Vec<Replica>>>::default();
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&replicas)));
        let balancer = Self {
            address,
            replicas,
            _accepting: accepting,
        };
        balancer.set(services);
        balancer
    }

    /// From here on these are behind the address, and none has had a connection.
    pub(super) fn set(&self, services: &[&Service]) {
        let replicas = services.iter().map(|service| Replica {
            address: service.address().replace("http://", ""),
            connections: 0,
        });
        *self.replicas.lock().unwrap() = replicas.collect();
    }

    pub(super) fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections each replica was given.
    pub(super) fn connections(&self) -> Vec<usize> {
        let replicas = self.replicas.lock().unwrap();
        replicas.iter().map(|replica| replica.connections).collect()
    }
}

async fn accept(listener: TcpListener, replicas: Arc<Mutex<Vec<Replica>>>) {
    let mut connections = JoinSet::new();
    for turn in 0_usize.. {
        let (mut client, _) = listener.accept().await.unwrap();
        let replicas = Arc::clone(&replicas);
        connections.spawn(async move {
            let Some(mut server) = next(&replicas, turn).await else {
                return;
            };
            // One of the two has had enough.
            copy_bidirectional(&mut client, &mut server).await.ok();
        });
    }
}

/// A connection to the next replica that is there.
async fn next(replicas: &Mutex<Vec<Replica>>, turn: usize) -> Option<TcpStream> {
    let known = replicas.lock().unwrap().clone();
    for index in (0..known.len()).map(|of| (turn + of) % known.len()) {
        if let Ok(stream) = TcpStream::connect(&known[index].address).await {
            if let Some(replica) = replicas.lock().unwrap().get_mut(index) {
                replica.connections += 1;
            }
            return Some(stream);
        }
    }
    None
}

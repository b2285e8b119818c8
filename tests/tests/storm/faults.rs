//! What breaks, one thing after the other, in an order that brings each of them early and often.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use onsale_tests::{proxy::Direction, wait::eventually};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tokio::{process::Command, time::sleep};

use crate::{instance::Instance, server::Server, storm::LIMIT};

/// After each fault so many commands have to succeed before the next one.
const GRANTED_BETWEEN: u64 = 20;
/// Somewhere in an append, or in its answer, which is short: the number of digits is random too.
const CUT_BITS_MAX: u32 = 12;
/// Shorter than the time an append may take, and longer.
const FREEZE_SHORT: Duration = Duration::from_millis(200);
const FREEZE_LONG: Duration = Duration::from_millis(1_000);

/// A fault; a number is that of the instance.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Its connections to PostgreSQL, at a random byte.
    Cut(usize, Direction),
    /// The connections of its clients.
    CutClients(usize),
    /// SIGSTOP of the backend that holds the log's lock, then SIGCONT.
    Freeze(Duration),
    /// All its and the other's sessions.
    Terminate,
    /// SIGKILL, and a new start.
    KillInstance(usize),
    /// SIGKILL, and a new start.
    KillServer,
}

const ROUND: [Fault; 20] = [
    Fault::Cut(0, Direction::ToServer),
    Fault::Cut(1, Direction::ToClient),
    Fault::CutClients(0),
    Fault::KillInstance(1),
    Fault::Freeze(FREEZE_SHORT),
    Fault::Cut(1, Direction::ToServer),
    Fault::KillServer,
    Fault::CutClients(1),
    Fault::Terminate,
    Fault::Cut(0, Direction::ToClient),
    Fault::Freeze(FREEZE_LONG),
    Fault::CutClients(0),
    Fault::KillInstance(0),
    Fault::Cut(1, Direction::ToClient),
    Fault::Cut(0, Direction::ToServer),
    Fault::CutClients(1),
    Fault::Freeze(FREEZE_SHORT),
    Fault::Terminate,
    Fault::Cut(0, Direction::ToClient),
    Fault::Cut(1, Direction::ToServer),
];

/// Lets things break for so long, then mends them all. Returns how many did.
pub(crate) async fn rage(
    server: &Server,
    instances: &mut [Instance; 2],
    granted: &Arc<AtomicU64>,
    span: Duration,
) -> usize {
    let (began, mut count) = (Instant::now(), 0);
    let mut random = StdRng::seed_from_u64(1);
    for fault in ROUND.into_iter().cycle() {
        if began.elapsed() >= span {
            break;
        }
        let before = granted.load(Ordering::Relaxed);
        strike(fault, server, instances, &mut random).await;
        count += 1;
        eventually(LIMIT, format!("sales after {fault:?}"), || async {
            (granted.load(Ordering::Relaxed) >= before + GRANTED_BETWEEN).then_some(())
        })
        .await;
    }
    for instance in instances {
        for direction in [Direction::ToServer, Direction::ToClient] {
            instance.database.disarm(direction);
        }
    }
    count
}

async fn strike(fault: Fault, server: &Server, instances: &mut [Instance; 2], random: &mut StdRng) {
    match fault {
        Fault::Cut(instance, direction) => {
            let proxy = &instances[instance].database;
            let bytes = 1 << random.random_range(0..=CUT_BITS_MAX);
            proxy.cut_after(direction, random.random_range(1..=bytes));
            let what = format!("traffic {direction:?}");
            eventually(LIMIT, what, || async {
                (!proxy.is_armed(direction)).then_some(())
            })
            .await;
        }
        Fault::CutClients(instance) => instances[instance].cut_clients(),
        Fault::Freeze(span) => {
            let mut admin = server.connect().await;
            let Some(backend) = server.busy_backend(&mut admin).await else {
                return;
            };
            let backend = u32::try_from(backend).unwrap();
            if signal_if_there(backend, "STOP").await {
                sleep(span).await;
                signal_if_there(backend, "CONT").await;
            }
        }
        Fault::Terminate => {
            let mut admin = server.connect().await;
            server.terminate_sessions(&mut admin).await;
        }
        Fault::KillInstance(instance) => {
            instances[instance].kill().await;
            instances[instance].revive().await;
        }
        Fault::KillServer => {
            server.kill().await;
            server.restart().await;
            // It is up: what fails from here on is not its fault.
            drop(server.connect().await);
        }
    }
}

/// Whether it was there: a backend may have ended a moment ago.
async fn signal_if_there(pid: u32, name: &str) -> bool {
    let mut kill = Command::new("kill");
    kill.args([format!("-{name}"), pid.to_string()]);
    let output = kill.output().await;
    output.expect("kill can be run").status.success()
}

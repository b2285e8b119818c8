//! Somebody who sends commands, one after the other, to one instance or the other, asks again with the same request id
//! when he got no definite answer, and keeps a record of every call.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use onsale_command_service::domain::Command as Asked;
use onsale_proto::v1::command_service_client::CommandServiceClient;
use onsale_shared::id::RequestId;
use onsale_tests::{
    history::{Attempt, Command, Grant, Reply},
    wait::within,
};
use rand::{RngExt as _, rngs::StdRng};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::{requests::send, stopwatch::Stopwatch, storm::LIMIT};

/// A connection to an instance; none while it is down.
pub(crate) type Door = watch::Receiver<Option<CommandServiceClient<Channel>>>;

/// Most wait longer than the server makes them wait, so that they hear what it says.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// One in three gives up sooner.
const IMPATIENCE_MS_MAX: u64 = 100;
/// Before the next attempt.
const PAUSE: Duration = Duration::from_millis(20);

/// See the module.
pub(crate) struct Client {
    pub(crate) doors: [Door; 2],
    pub(crate) watch: Stopwatch,
    pub(crate) random: StdRng,
    /// How many commands of all clients were answered with success.
    pub(crate) granted: Arc<AtomicU64>,
    pub(crate) record: Vec<Command>,
}

impl Client {
    /// Sends a command until there is a definite answer, or its client loses interest. Returns what it got.
    pub(crate) async fn call(&mut self, asked: Asked) -> Option<Grant> {
        let id = RequestId(Uuid::new_v4());
        let mut attempts = Vec::new();
        let calling = async {
            loop {
                let attempt = self.attempt(id, attempts.len(), &asked).await;
                let reply = attempt.reply.clone();
                attempts.push(attempt);
                let loses_interest = match &reply {
                    Reply::Granted(_) | Reply::Refused(_) => true,
                    Reply::NotRecorded(_) => self.random.random_bool(0.5),
                    Reply::Unknown => self.random.random_bool(0.02),
                };
                if loses_interest {
                    return reply;
                }
                sleep(PAUSE).await;
            }
        };
        let reply = within(LIMIT, "a definite answer", calling).await;
        self.record.push(Command {
            id,
            asked,
            attempts,
        });
        let Reply::Granted(grant) = reply else {
            return None;
        };
        self.granted.fetch_add(1, Ordering::Relaxed);
        Some(*grant)
    }

    async fn attempt(&mut self, id: RequestId, previous: usize, asked: &Asked) -> Attempt {
        let mut client = self.someone().await;
        let patience = match self.random.random_ratio(1, 3) {
            true => Duration::from_millis(self.random.random_range(0..IMPATIENCE_MS_MAX)),
            false => PATIENCE,
        };
        let called = self.watch.now();
        let answer = timeout(patience, send(&mut client, id, previous, asked)).await;
        let ended = self.watch.now();
        let reply = match answer {
            Ok(Ok(grant)) => Reply::Granted(Box::new(grant)),
            Ok(Err(status)) => Reply::of_status(&status),
            Err(_gave_up) => Reply::Unknown,
        };
        Attempt {
            called,
            ended,
            reply,
        }
    }

    /// An instance that is up.
    async fn someone(&mut self) -> CommandServiceClient<Channel> {
        let first = self.random.random_range(0..self.doors.len());
        loop {
            for number in [first, 1 - first] {
                let client = self.doors[number].borrow().clone();
                if let Some(client) = client {
                    return client;
                }
            }
            self.doors[first].changed().await.unwrap();
        }
    }
}

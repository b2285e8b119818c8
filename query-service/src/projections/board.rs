//! What this process knows of the live generation of each projection: how far it is, and whether something is in its way.
//! Written by the runners, whether they lead or stand by; read by queries that wait for freshness, health and metrics.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::{Blocked, Projection};
use crate::{availability::Progress, read_models::generations::Generation};

/// A live generation, as it was when it was looked at last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    /// 0: it was not looked at yet.
    pub(crate) generation: i32,
    /// Of the code that writes its tables.
    pub(crate) version: i32,
    pub(crate) progress: Progress,
    /// What it cannot go past.
    pub(crate) blocked: Option<Blocked>,
}

/// How far the live tables of each projection are, by name; what is in their way.
#[derive(Debug)]
pub(crate) struct Board(BTreeMap<&'static str, watch::Sender<Known>>);

impl Board {
    pub(crate) fn of(projections: &[&'static Projection]) -> Self {
        let names = projections.iter().map(|projection| projection.name);
        Self(names.map(|name| (name, watch::Sender::default())).collect())
    }

    /// Notes what was seen.
    pub(crate) fn tell(&self, generation: &Generation) {
        let Some(known) = self.0.get(generation.projection) else {
            return;
        };
        known.send_if_modified(|known| {
            let now = Known {
                generation: generation.number,
                version: generation.version,
                progress: generation.progress,
                blocked: generation.blocked.clone(),
            };
            let differs = *known != now;
            *known = now;
            differs
        });
    }

    /// Follows a projection; none if there is none of that name.
    pub(crate) fn subscribe(&self, projection: &str) -> Option<watch::Receiver<Known>> {
        Some(self.0.get(projection)?.subscribe())
    }

    /// What is known of a projection.
    pub(crate) fn get(&self, projection: &str) -> Known {
        let known = self.0.get(projection);
        known.map_or_else(Known::default, |known| known.borrow().clone())
    }

    /// What is known, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, Known)> {
        let all = self.0.iter();
        all.map(|(name, known)| (*name, known.borrow().clone()))
    }
}

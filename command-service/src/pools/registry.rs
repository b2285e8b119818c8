//! Which pools have an actor: started when a command comes, gone when idle.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use onsale_shared::id::PoolId;

use super::{
    Context,
    actor::Actor,
    call::{Call, Failure},
    mailbox::Mailbox,
};
use crate::domain::commands::Class;

/// The pools of an instance. Any instance may serve any pool.
#[derive(Debug)]
pub struct Pools {
    context: Context,
    mailboxes: Mutex<HashMap<PoolId, Arc<Mailbox>>>,
}

impl Pools {
    /// No pool has an actor yet.
    #[must_use]
    pub fn new(context: Context) -> Arc<Self> {
        Arc::new(Self {
            context,
            mailboxes: Mutex::default(),
        })
    }

    /// Sends a command to its pool; a full pool or a full server answers at once.
    pub fn submit(self: &Arc<Self>, pool: &PoolId, call: Call) {
        let mut mailboxes = self.mailboxes();
        let places = self.places(Some(call.request.command.class()));
        let shed = match self.mailbox(&mut mailboxes, pool, places) {
            Some(mailbox) => mailbox.push(call),
            None => Some(call),
        };
        drop(mailboxes);
        if let Some(call) = shed {
            call.answer(Err(Failure::Overloaded));
        }
    }

    /// Lets go of a pool's commands that nobody waits for any more, and of their places.
    pub fn drop_dead(&self, pool: &PoolId) {
        let mailbox = self.mailboxes().get(pool).map(Arc::clone);
        if let Some(mailbox) = mailbox {
            mailbox.drop_dead();
        }
    }

    /// Has a pool look at the log and sweep its dead claims. Left out when the server is full: it is tried again.
    pub fn touch(self: &Arc<Self>, pool: &PoolId) {
        let mut mailboxes = self.mailboxes();
        let places = self.places(None);
        if let Some(mailbox) = self.mailbox(&mut mailboxes, pool, places) {
            mailbox.touch();
        }
    }

    /// How many pools have an actor.
    #[must_use]
    pub fn loaded(&self) -> usize {
        self.mailboxes().len()
    }

    /// An actor without work goes; `false` if a command came meanwhile.
    pub(super) fn retire(&self, pool: &PoolId, mailbox: &Arc<Mailbox>) -> bool {
        let mut mailboxes = self.mailboxes();
        // Commands are pushed under this lock, so an empty mailbox stays empty until it is gone.
        if !mailbox.is_empty() {
            return false;
        }
        if mailboxes
            .get(pool)
            .is_some_and(|known| Arc::ptr_eq(known, mailbox))
        {
            mailboxes.remove(pool);
        }
        true
    }

    /// An actor ended, with or without work: nobody may wait in its mailbox.
    pub(super) fn ended(&self, pool: &PoolId, mailbox: &Arc<Mailbox>) {
        let mut mailboxes = self.mailboxes();
        if mailboxes
            .get(pool)
            .is_some_and(|known| Arc::ptr_eq(known, mailbox))
        {
            mailboxes.remove(pool);
        }
    }

    /// How many pools may be loaded when one more is wanted by a command, or by the sweep. The sweep leaves places to
    /// callers, and other commands leave some to promoters: a stop finds a place.
    const fn places(&self, wanted_by: Option<Class>) -> usize {
        let max = self.context.limits.pools_max;
        match wanted_by {
            Some(Class::Promoter) => max,
            Some(Class::Finish | Class::Claim) => max - max / 16,
            None => max - max / 4,
        }
    }

    fn mailbox(
        self: &Arc<Self>,
        mailboxes: &mut HashMap<PoolId, Arc<Mailbox>>,
        pool: &PoolId,
        places: usize,
    ) -> Option<Arc<Mailbox>> {
        if let Some(mailbox) = mailboxes.get(pool) {
            return Some(Arc::clone(mailbox));
        }
        let limits = &self.context.limits;
        if mailboxes.len() >= places {
            return None;
        }
        let mailbox = Arc::new(Mailbox::new(limits.queue_max));
        mailboxes.insert(pool.clone(), Arc::clone(&mailbox));
        let actor = Actor::new(
            pool.clone(),
            Arc::clone(&mailbox),
            self.context.clone(),
            Arc::clone(self),
        );
        drop(tokio::spawn(actor.run()));
        Some(mailbox)
    }

    fn mailboxes(&self) -> MutexGuard<'_, HashMap<PoolId, Arc<Mailbox>>> {
        self.mailboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

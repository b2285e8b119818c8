//! Claims in bytes: those that hold or have bought tickets for as long as the pool is there, the others for a while.
//! What follows from them (deadlines, holders, the claims of tickets) is not written.

use std::collections::HashSet;

use onsale_shared::{
    event::ReleaseCause,
    id::{ClaimId, EventId},
    money::Minor,
    text::Reference,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{
    Claim, Claims, Fingerprint, Note, Ticket, TicketState, Tickets, Void, evolve::deadline,
};
use crate::domain::{
    journal::Cell,
    snapshot::{Damaged, Reader, Unwritable, Writer, frames},
};

/// Claims that are over come in frames of so many.
const FRAME_CLAIMS: usize = 1_024;

/// A claim, as it is written; its tickets follow.
#[derive(Serialize, Deserialize)]
struct Row<'a> {
    id: ClaimId,
    customer: &'a str,
    unit_price: Minor,
    pricing_version: u32,
    epoch: u32,
    expire_micros: i64,
    extended: bool,
    granted: bool,
    ended_micros: i64,
    note: Option<Note>,
    first_event: EventId,
}

impl<'a> Row<'a> {
    fn of(id: ClaimId, claim: &'a Claim) -> Self {
        Self {
            id,
            customer: claim.customer.as_str(),
            unit_price: claim.unit_price,
            pricing_version: claim.pricing_version,
            epoch: claim.epoch,
            expire_micros: claim.expire_time.as_micros(),
            extended: claim.extended,
            granted: claim.granted,
            ended_micros: claim.ended_at.as_micros(),
            note: claim.note.as_deref().cloned(),
            first_event: claim.first_event,
        }
    }

    fn claim(self, tickets: Tickets) -> Result<Claim, Damaged> {
        Ok(Claim {
            customer: Reference::parse(self.customer).map_err(|_invalid| Damaged::IMPOSSIBLE)?,
            unit_price: self.unit_price,
            pricing_version: self.pricing_version,
            epoch: self.epoch,
            expire_time: Timestamp::from_micros(self.expire_micros),
            extended: self.extended,
            granted: self.granted,
            ended_at: Timestamp::from_micros(self.ended_micros),
            note: self.note.map(Into::into),
            tickets,
            first_event: self.first_event,
        })
    }
}

type VoidRow = (EventId, i64, ReleaseCause);

impl Claims {
    /// Writes what counts as long as the pool is there.
    pub(crate) fn write(&self, writer: &mut Writer) {
        let window = *self.late_purchase_window.get();
        let before = *self.forgotten_before.get();
        writer.put(&(window, before.as_micros()));
        let voids: Vec<VoidRow> = self
            .voids
            .iter()
            .map(|void| (void.event, void.time.as_micros(), void.cause))
            .collect();
        writer.put_rows(voids.into_iter());
        let mut claims: Vec<_> = self.iter().filter(|(_, claim)| !claim.is_over()).collect();
        claims.sort_unstable_by_key(|(id, _)| **id);
        write_claims(writer, &claims);
    }

    /// The bytes of the claims that are over and not forgotten, in [frames], and until when they count.
    pub(crate) fn write_recent(&self) -> Result<(Vec<u8>, Timestamp), Unwritable> {
        // One that ended twice in the same moment has two equal places. Its last one counts: a pool that was restored
        // in between, while the claim was not over, knows no other.
        let mut written = HashSet::new();
        let places = (0..self.ended.len()).rev();
        let mut ended: Vec<_> = places
            .filter_map(|place| {
                let (end, id) = self.ended.get(place)?;
                let claim = self.get(*id)?;
                let counts = claim.is_over() && claim.ended_at == *end && written.insert(*id);
                counts.then_some((id, claim))
            })
            .collect();
        ended.reverse();
        let kept_for = Self::KEPT_FOR.max(*self.late_purchase_window.get());
        let last = ended.iter().map(|(_, claim)| claim.ended_at).max();
        let mut bytes = Vec::new();
        for claims in ended.chunks(FRAME_CLAIMS) {
            let mut frame = Writer::default();
            write_claims(&mut frame, claims);
            frames::put(&mut bytes, frame)?;
        }
        Ok((bytes, last.unwrap_or_default().plus(kept_for)))
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Damaged> {
        let (window, before) = reader.take()?;
        let mut claims = Self {
            late_purchase_window: Cell::new(window),
            forgotten_before: Cell::new(Timestamp::from_micros(before)),
            ..Self::default()
        };
        for _ in 0..reader.rows()? {
            let (event, micros, cause): VoidRow = reader.take()?;
            let time = Timestamp::from_micros(micros);
            claims.voids.push(Void { event, time, cause });
        }
        let mut deadlines = Vec::new();
        let rows = reader.rows()?;
        claims.by_id.reserve(rows);
        claims.by_ticket.reserve(rows);
        for _ in 0..rows {
            let (id, claim) = claims.read_claim(reader)?;
            if claim.has(TicketState::Held) {
                deadlines.push(deadline(id, &claim));
                claims.begins_to_hold(Fingerprint::of(&claim.customer), id);
            }
            claims.by_id.set(id, claim);
        }
        claims.deadlines = deadlines.into_iter().collect();
        Ok(claims)
    }

    /// One of the frames.
    pub(crate) fn read_recent(&mut self, reader: &mut Reader<'_>) -> Result<(), Damaged> {
        for _ in 0..reader.rows()? {
            let (id, claim) = self.read_claim(reader)?;
            self.ended.push((claim.ended_at, id));
            self.by_id.set(id, claim);
        }
        Ok(())
    }

    fn read_claim(&mut self, reader: &mut Reader<'_>) -> Result<(ClaimId, Box<Claim>), Damaged> {
        let row: Row<'_> = reader.take()?;
        let id = row.id;
        let mut tickets = Tickets::new();
        for _ in 0..reader.rows()? {
            let ticket: Ticket = reader.take()?;
            if matches!(ticket.state, TicketState::Bought | TicketState::Refunded) {
                self.by_ticket.set(ticket.id, id);
            }
            tickets.push(ticket);
        }
        Ok((id, Box::new(row.claim(tickets)?)))
    }
}

fn write_claims(writer: &mut Writer, claims: &[(&ClaimId, &Claim)]) {
    writer.put(&claims.len());
    for (id, claim) in claims {
        writer.put(&Row::of(**id, claim));
        writer.put_rows(claim.tickets.iter());
    }
}

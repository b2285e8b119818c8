//! Each command's effect on a claim, its tickets and its customer's story, read with the command's own token at once.

use onsale_proto::{
    name,
    v1::{self, ClaimState, CustomerEntryKind as Kind, ReleaseCause, TicketState},
};
use onsale_tests::{
    caller::{
        Caller, a_pool, buy_request, cancel_request, claim_request, euros, extend_request,
        grant_request, purchase_request, refund_request, release_request,
    },
    wait::eventually,
};

use super::{claim, fold::assert_rows_are_fold, fresh_customer, seconds, story, token};
use crate::{
    db::{Db, LIMIT},
    shared::{fresh_pool, shared},
};

/// The states of a claim and of its tickets.
fn states(record: &v1::ClaimRecord) -> (ClaimState, Vec<TicketState>) {
    let claim = record.claim.as_ref().expect("a claim");
    let of_tickets = claim.tickets.iter().map(v1::Ticket::state).collect();
    let records = record.tickets.iter().filter_map(|t| t.ticket.clone());
    assert_eq!(records.collect::<Vec<_>>(), claim.tickets);
    assert!(!record.corrupted);
    (claim.state(), of_tickets)
}

/// What happened, with which cause.
fn kinds(entries: &[v1::CustomerEntry]) -> Vec<(Kind, ReleaseCause)> {
    for (earlier, later) in entries.iter().zip(&entries[1..]) {
        assert!(earlier.position < later.position);
    }
    let kind = |entry: &v1::CustomerEntry| (entry.kind(), entry.release_cause());
    entries.iter().map(kind).collect()
}

const fn no_cause(kind: Kind) -> (Kind, ReleaseCause) {
    (kind, ReleaseCause::Unspecified)
}

/// Each so many times.
fn times<T: Copy>(counted: &[(usize, T)]) -> Vec<T> {
    let each = counted.iter();
    each.flat_map(|(count, value)| vec![*value; *count])
        .collect()
}

/// The claim that a command answers with is what is read with its token at once.
async fn reads_as(
    caller: &Caller,
    claimed: &v1::Claim,
    receipt: Option<&v1::Receipt>,
) -> v1::ClaimRecord {
    let read = claim(caller, &claimed.name, receipt).await.unwrap();
    assert_eq!(read.claim.as_ref(), Some(claimed));
    read
}

#[tokio::test]
async fn a_claim_is_read_field_by_field_from_its_first_ticket_to_its_last_refund() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, customer) = (fresh_pool(), fresh_customer());
    caller.create_pool(&id, 10).await.unwrap();
    let request = v1::ClaimTicketsRequest {
        reference: "cart-7".into(),
        labels: [("channel".to_owned(), "web".to_owned())].into(),
        ..claim_request(&id, &customer, 4)
    };
    let answer = caller.commands.claim_tickets(request).await.unwrap();
    let v1::ClaimTicketsResponse { receipt, claim: of } = answer.into_inner();
    let (receipt, of) = (receipt.unwrap(), of.unwrap());
    let read = reads_as(&caller, &of, Some(&receipt)).await;
    assert_eq!(
        (
            read.granted,
            read.extended,
            read.held,
            read.bought,
            read.released,
            read.refunded
        ),
        (false, false, 4, 0, 0, 0)
    );
    assert_eq!(read.create_time, receipt.server_time);
    let ticket = read.tickets[3].clone();
    let expected = v1::TicketRecord {
        ticket: Some(of.tickets[3].clone()),
        claim: of.name.clone(),
        customer: customer.clone(),
        unit_price: Some(euros(49, 99)),
        pricing_version: 1,
        claim_time: receipt.server_time,
        ..v1::TicketRecord::default()
    };
    assert_eq!(ticket, expected);

    let extended = caller.commands.extend_claim(extend_request(&of.name)).await;
    let extended = extended.unwrap().into_inner();
    let read = reads_as(&caller, &extended.claim.unwrap(), extended.receipt.as_ref()).await;
    assert!(read.extended);

    let part = v1::BuyTicketsRequest {
        tickets: of.tickets[..2].iter().map(|t| t.name.clone()).collect(),
        payment_reference: "payment-1".into(),
        ..buy_request(&of.name)
    };
    let bought = caller
        .commands
        .buy_tickets(part)
        .await
        .unwrap()
        .into_inner();
    let time = bought.receipt.as_ref().unwrap().server_time;
    let read = reads_as(&caller, &bought.claim.unwrap(), bought.receipt.as_ref()).await;
    assert_eq!(read.tickets[0].buy_time, time);
    assert_eq!(read.tickets[0].payment_reference, "payment-1");
    assert_eq!((read.held, read.bought, read.update_time), (2, 2, time));

    let one = v1::ReleaseTicketsRequest {
        tickets: vec![of.tickets[2].name.clone()],
        ..release_request(&of.name)
    };
    let released = caller
        .commands
        .release_tickets(one)
        .await
        .unwrap()
        .into_inner();
    let time = released.receipt.as_ref().unwrap().server_time;
    let read = reads_as(&caller, &released.claim.unwrap(), released.receipt.as_ref()).await;
    assert_eq!(read.tickets[2].release_time, time);
    assert_eq!(read.tickets[2].release_cause(), ReleaseCause::Customer);

    let rest = caller.buy(&of.name).await.unwrap();
    reads_as(&caller, &rest.claim.unwrap(), rest.receipt.as_ref()).await;
    let refund = v1::RefundTicketsRequest {
        reason: "The customer is ill".into(),
        ..refund_request(&of.tickets[1..2])
    };
    let refunded = caller.commands.refund_tickets(refund).await.unwrap();
    let receipt = refunded.into_inner().receipt;
    let read = claim(&caller, &of.name, receipt.as_ref()).await.unwrap();
    let (bought, was_released, was_refunded) = (
        TicketState::Bought,
        TicketState::Released,
        TicketState::Refunded,
    );
    assert_eq!(
        states(&read),
        (
            ClaimState::Bought,
            vec![bought, was_refunded, was_released, bought]
        )
    );
    assert_eq!(read.tickets[1].refund_reason, "The customer is ill");
    assert_eq!(
        read.tickets[1].refund_time,
        receipt.as_ref().unwrap().server_time
    );
    let shown = read.claim.unwrap();
    assert_eq!(shown.total_price, Some(euros(99, 98)));
    assert_eq!(
        (shown.reference.as_str(), &shown.labels),
        ("cart-7", &of.labels)
    );

    let told = story(&caller, &customer, receipt.as_ref()).await;
    let expected = times(&[
        (4, no_cause(Kind::Claimed)),
        (1, no_cause(Kind::Extended)),
        (2, no_cause(Kind::Bought)),
        (1, (Kind::Released, ReleaseCause::Customer)),
        (1, no_cause(Kind::Bought)),
        (1, no_cause(Kind::Refunded)),
    ]);
    assert_eq!(kinds(&told), expected);
    for entry in &told {
        assert_eq!(entry.unit_price, Some(euros(49, 99)), "{entry:?}");
        assert_eq!((&entry.pool, &entry.claim), (&name::pool(&id), &of.name));
        assert!(entry.time.is_some() && !entry.granted);
    }
    assert_eq!(told[0].reference, "cart-7");
    assert_eq!(told[5].payment_reference, "payment-1");
    assert_eq!(told[9].reason, "The customer is ill");
    assert_eq!(told[9].ticket, of.tickets[1].name);
    assert_rows_are_fold(&Db::of(&system.database).await, &[&id]).await;
}

#[tokio::test]
async fn what_was_granted_says_why_and_costs_nothing() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, customer) = (fresh_pool(), fresh_customer());
    caller.create_pool(&id, 10).await.unwrap();
    let request = v1::GrantTicketsRequest {
        reason: "For the press".into(),
        ..grant_request(&id, &customer, 2)
    };
    let granted = caller
        .commands
        .grant_tickets(request)
        .await
        .unwrap()
        .into_inner();
    let read = reads_as(&caller, &granted.claim.unwrap(), granted.receipt.as_ref()).await;
    assert!(read.granted);
    for ticket in &read.tickets {
        assert!(ticket.granted && ticket.buy_time.is_some());
        assert_eq!(ticket.grant_reason, "For the press");
        assert_eq!(ticket.unit_price, Some(euros(0, 0)));
    }
    let told = story(&caller, &customer, granted.receipt.as_ref()).await;
    let expected = times(&[(2, no_cause(Kind::Claimed)), (2, no_cause(Kind::Granted))]);
    assert_eq!(kinds(&told), expected);
    assert!(told.iter().all(|entry| entry.granted));
    assert_eq!(told[3].reason, "For the press");
    assert_rows_are_fold(&Db::of(&system.database).await, &[&id]).await;
}

#[tokio::test]
async fn a_late_payment_tells_which_ticket_stands_in_the_place_of_which() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, customer) = (fresh_pool(), fresh_customer());
    let pool = v1::Pool {
        claim_duration: seconds(1),
        late_purchase_window: seconds(60),
        ..a_pool(2)
    };
    caller.create(&id, pool).await.unwrap();
    let of = caller.claim(&id, &customer, 2).await.unwrap();
    eventually(LIMIT, "its places are back", || async {
        let read = claim(&caller, &of.name, None).await.ok()?;
        (read.released == 2).then_some(())
    })
    .await;
    let read = claim(&caller, &of.name, None).await.unwrap();
    let released = TicketState::Released;
    assert_eq!(states(&read), (ClaimState::Expired, vec![released; 2]));
    for ticket in &read.tickets {
        assert_eq!(ticket.release_cause(), ReleaseCause::Expired);
    }
    let late = v1::BuyTicketsRequest {
        reclaim: true,
        payment_reference: "late".into(),
        ..buy_request(&of.name)
    };
    let paid = caller
        .commands
        .buy_tickets(late)
        .await
        .unwrap()
        .into_inner();
    let read = reads_as(&caller, &paid.claim.unwrap(), paid.receipt.as_ref()).await;
    let bought = TicketState::Bought;
    assert_eq!(
        states(&read),
        (ClaimState::Bought, vec![released, released, bought, bought])
    );
    assert_eq!((read.held, read.bought, read.released), (0, 2, 2));
    for (old, new) in read.tickets[..2].iter().zip(&read.tickets[2..]) {
        let name = |record: &v1::TicketRecord| record.ticket.clone().unwrap().name;
        assert_eq!(old.replaced_by, name(new));
        assert_eq!(new.replaces, name(old));
        assert_eq!((old.replaces.as_str(), new.replaced_by.as_str()), ("", ""));
    }
    let told = story(&caller, &customer, paid.receipt.as_ref()).await;
    let expected = times(&[
        (2, no_cause(Kind::Claimed)),
        (2, (Kind::Released, ReleaseCause::Expired)),
        (1, no_cause(Kind::Claimed)),
        (1, no_cause(Kind::Bought)),
        (1, no_cause(Kind::Claimed)),
        (1, no_cause(Kind::Bought)),
    ]);
    assert_eq!(kinds(&told), expected);
    assert_eq!(told[4].replaces, of.tickets[0].name);
    assert_rows_are_fold(&Db::of(&system.database).await, &[&id]).await;
}

#[tokio::test]
async fn what_the_promoter_voids_is_voided_before_and_after_its_places_are_back() {
    let system = shared().await;
    let mut caller = system.caller().await;
    for cause in [ReleaseCause::Stopped, ReleaseCause::Cancelled] {
        let (id, customer) = (fresh_pool(), fresh_customer());
        caller.create_pool(&id, 1_000).await.unwrap();
        let paid = caller.purchase(&id, &customer, 1).await.unwrap();
        let of = caller.claim(&id, &customer, 3).await.unwrap();
        let receipt = if cause == ReleaseCause::Stopped {
            let mode = v1::StopMode::VoidClaims;
            Some(caller.stop_sales(&id, mode).await.unwrap())
        } else {
            let cancel = caller.commands.cancel_pool(cancel_request(&id)).await;
            cancel.unwrap().into_inner().receipt
        };
        // At once, and at each moment from here on.
        let seen = claim(&caller, &of.name, receipt.as_ref()).await.unwrap();
        assert_eq!(states(&seen).0, ClaimState::Voided);
        eventually(LIMIT, "its places are back", || async {
            let read = claim(&caller, &of.name, receipt.as_ref()).await.ok()?;
            assert_eq!(states(&read).0, ClaimState::Voided);
            (read.released == 3).then_some(())
        })
        .await;
        let read = claim(&caller, &of.name, None).await.unwrap();
        assert_eq!(read.tickets[0].release_cause(), cause);
        let bought = claim(&caller, &paid.claim.unwrap().name, None)
            .await
            .unwrap();
        assert_eq!(states(&bought).0, ClaimState::Bought);
        let expected = times(&[
            (1, no_cause(Kind::Claimed)),
            (1, no_cause(Kind::Bought)),
            (3, no_cause(Kind::Claimed)),
            (3, (Kind::Released, cause)),
        ]);
        eventually(LIMIT, "the story says so", || async {
            let told = story(&caller, &customer, None).await;
            (told.len() == 8).then_some(())
        })
        .await;
        let told = story(&caller, &customer, None).await;
        assert_eq!(kinds(&told), expected);
        assert_rows_are_fold(&Db::of(&system.database).await, &[&id]).await;
    }
}

#[tokio::test]
async fn a_claim_of_later_than_a_void_is_live() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (id, customer) = (fresh_pool(), fresh_customer());
    caller.create_pool(&id, 10).await.unwrap();
    caller.claim(&id, &customer, 1).await.unwrap();
    caller
        .stop_sales(&id, v1::StopMode::VoidClaims)
        .await
        .unwrap();
    caller.resume_sales(&id).await.unwrap();
    let answer = caller
        .commands
        .claim_tickets(claim_request(&id, &customer, 2))
        .await;
    let answer = answer.unwrap().into_inner();
    let read = reads_as(&caller, &answer.claim.unwrap(), answer.receipt.as_ref()).await;
    assert_eq!(states(&read).0, ClaimState::Held);
}

#[tokio::test]
async fn a_customer_is_told_all_pools_or_one() {
    let system = shared().await;
    let mut caller = system.caller().await;
    let (first, second, customer) = (fresh_pool(), fresh_pool(), fresh_customer());
    caller.create_pool(&first, 10).await.unwrap();
    caller.create_pool(&second, 10).await.unwrap();
    caller
        .commands
        .purchase_tickets(purchase_request(&first, &customer, 2))
        .await
        .unwrap();
    let last = caller.purchase(&second, &customer, 1).await.unwrap();
    assert_eq!(
        story(&caller, &customer, last.receipt.as_ref()).await.len(),
        6
    );
    for (pool, entries) in [(&first, 4), (&second, 2)] {
        let request = v1::GetCustomerHistoryRequest {
            customer: customer.clone(),
            pool: name::pool(pool),
            at_least_as_fresh: token(last.receipt.as_ref()),
            ..v1::GetCustomerHistoryRequest::default()
        };
        let told = caller.queries.get_customer_history(request).await.unwrap();
        let told = told.into_inner().entries;
        assert_eq!(told.len(), entries);
        assert!(told.iter().all(|entry| entry.pool == name::pool(pool)));
    }
    assert_eq!(story(&caller, &fresh_customer(), None).await, []);
}

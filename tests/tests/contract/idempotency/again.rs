//! A repeat of an unchanged request, at every time and place.

use std::sync::Arc;

use futures::future::join_all;
use onsale_proto::{name, reason::Reason, v1};
use onsale_tests::{
    caller::{
        Caller, a_pool, buy_request, cancel_request, capacity_request, claim_request,
        create_request, euros, extend_request, fixed_price, grant_request, limits_request,
        pricing_request, purchase_request, refund_request, release_request, request_id,
        reschedule_request, resume_request, stop_request,
    },
    service::{Kind, Service},
};

use crate::{
    log::{self, LogLock},
    refused::{refused, violates},
    shop::{Shop, caller_of, fresh_pool, shared},
};

/// A request of every kind that was accepted, in the order in which they were, with its receipt.
struct Accepted {
    create: (v1::CreatePoolRequest, Option<v1::Receipt>),
    claim: (v1::ClaimTicketsRequest, Option<v1::Receipt>),
    buy: (v1::BuyTicketsRequest, Option<v1::Receipt>),
    release: (v1::ReleaseTicketsRequest, Option<v1::Receipt>),
    purchase: (v1::PurchaseTicketsRequest, Option<v1::Receipt>),
    stop: (v1::StopSalesRequest, Option<v1::Receipt>),
    resume: (v1::ResumeSalesRequest, Option<v1::Receipt>),
    extend: (v1::ExtendClaimRequest, Option<v1::Receipt>),
    grant: (v1::GrantTicketsRequest, Option<v1::Receipt>),
    refund: (v1::RefundTicketsRequest, Option<v1::Receipt>),
    capacity: (v1::ChangeCapacityRequest, Option<v1::Receipt>),
    pricing: (v1::ChangePricingRequest, Option<v1::Receipt>),
    times: (v1::ReschedulePoolRequest, Option<v1::Receipt>),
    limits: (v1::ChangeLimitsRequest, Option<v1::Receipt>),
    cancel: (v1::CancelPoolRequest, Option<v1::Receipt>),
}

macro_rules! accepted {
    ($caller:expr, $rpc:ident, $request:expr) => {{
        let request = $request;
        let answer = $caller.commands.$rpc(request.clone()).await;
        let answer = answer.expect("it is accepted").into_inner();
        (request, answer)
    }};
}

impl Accepted {
    async fn on(caller: &mut Caller, pool: &str) -> Self {
        let create = accepted!(caller, create_pool, create_request(pool, a_pool(10)));
        let claim = accepted!(caller, claim_tickets, claim_request(pool, "c", 3));
        let claimed = claim.1.claim.clone().expect("a claim");
        let extend = accepted!(caller, extend_claim, extend_request(&claimed.name));
        let some = v1::BuyTicketsRequest {
            tickets: vec![claimed.tickets[0].name.clone()],
            ..buy_request(&claimed.name)
        };
        let buy = accepted!(caller, buy_tickets, some);
        let release = accepted!(caller, release_tickets, release_request(&claimed.name));
        let purchase = accepted!(caller, purchase_tickets, purchase_request(pool, "d", 2));
        let mode = v1::StopMode::VoidClaims;
        let stop = accepted!(caller, stop_sales, stop_request(pool, mode));
        let resume = accepted!(caller, resume_sales, resume_request(pool));
        let grant = accepted!(caller, grant_tickets, grant_request(pool, "e", 2));
        let granted = grant.1.claim.expect("a claim").tickets;
        let refund = accepted!(caller, refund_tickets, refund_request(&granted));
        let capacity = accepted!(caller, change_capacity, capacity_request(pool, 20));
        let price = fixed_price(euros(60, 0));
        let pricing = accepted!(caller, change_pricing, pricing_request(pool, price));
        let times = accepted!(caller, reschedule_pool, reschedule_request(pool));
        let limits = accepted!(caller, change_limits, limits_request(pool));
        let cancel = accepted!(caller, cancel_pool, cancel_request(pool));
        Self {
            create: (create.0, create.1.receipt),
            claim: (claim.0, claim.1.receipt),
            buy: (buy.0, buy.1.receipt),
            release: (release.0, release.1.receipt),
            purchase: (purchase.0, purchase.1.receipt),
            stop: (stop.0, stop.1.receipt),
            resume: (resume.0, resume.1.receipt),
            extend: (extend.0, extend.1.receipt),
            grant: (grant.0, grant.1.receipt),
            refund: (refund.0, refund.1.receipt),
            capacity: (capacity.0, capacity.1.receipt),
            pricing: (pricing.0, pricing.1.receipt),
            times: (times.0, times.1.receipt),
            limits: (limits.0, limits.1.receipt),
            cancel: (cancel.0, cancel.1.receipt),
        }
    }

    /// Each again: the first receipt, and the claim as it is now.
    async fn repeated_by(&self, caller: &mut Caller) {
        macro_rules! repeated {
            ($rpc:ident, $part:ident) => {{
                let (request, receipt) = &self.$part;
                let answer = caller.commands.$rpc(request.clone()).await;
                let answer = answer.expect("a repeat is answered").into_inner();
                assert_eq!(&answer.receipt, receipt, stringify!($rpc));
                answer
            }};
        }
        assert_eq!(
            repeated!(create_pool, create).name,
            name::pool(&self.create.0.pool_id)
        );
        let claim = repeated!(claim_tickets, claim).claim.expect("the claim");
        assert_eq!(claim.state(), v1::ClaimState::Bought);
        assert_eq!(claim.tickets.len(), 3);
        assert_eq!(repeated!(buy_tickets, buy).claim.as_ref(), Some(&claim));
        assert_eq!(
            repeated!(release_tickets, release).claim.as_ref(),
            Some(&claim)
        );
        let purchase = repeated!(purchase_tickets, purchase).claim;
        assert_eq!(purchase.expect("the claim").state(), v1::ClaimState::Bought);
        repeated!(stop_sales, stop);
        repeated!(resume_sales, resume);
        assert_eq!(repeated!(extend_claim, extend).claim, Some(claim));
        let granted = repeated!(grant_tickets, grant).claim.expect("the claim");
        let refunded = |ticket: &v1::Ticket| ticket.state() == v1::TicketState::Refunded;
        assert!(granted.tickets.iter().all(refunded), "{granted:?}");
        repeated!(refund_tickets, refund);
        repeated!(change_capacity, capacity);
        repeated!(change_pricing, pricing);
        repeated!(reschedule_pool, times);
        repeated!(change_limits, limits);
        repeated!(cancel_pool, cancel);
    }
}

/// What must lie ahead lay ahead the first time.
#[tokio::test]
async fn a_repeat_whose_times_have_passed_meanwhile_gets_its_first_answer() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let soon = log::from_now(&shop.database, 1).await;
    let pool = v1::Pool {
        show_time: soon,
        sales_end_time: soon,
        ..a_pool(10)
    };
    let (create, created) = accepted!(caller, create_pool, create_request(&id, pool));
    let times = v1::ReschedulePoolRequest {
        show_time: soon,
        ..reschedule_request(&id)
    };
    let (times, rescheduled) = accepted!(caller, reschedule_pool, times);
    log::wait_until(&shop.database, soon).await;

    let again = caller.commands.create_pool(create.clone()).await;
    assert_eq!(
        again.expect("a repeat").into_inner().receipt,
        created.receipt
    );
    let again = caller.commands.reschedule_pool(times.clone()).await;
    let again = again.expect("a repeat").into_inner();
    assert_eq!(again.receipt, rescheduled.receipt);

    let anew = v1::ReschedulePoolRequest {
        request_id: request_id(),
        ..times
    };
    violates(caller.commands.reschedule_pool(anew).await, &["show_time"]);
    let other = v1::CreatePoolRequest {
        request_id: request_id(),
        pool_id: fresh_pool(),
        ..create
    };
    let fields = ["pool.show_time", "pool.sales_end_time"];
    violates(caller.commands.create_pool(other).await, &fields);
}

#[tokio::test]
async fn every_command_is_answered_again_by_its_instance_another_one_and_after_a_kill() {
    let shop = Shop::start(&[]).await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    let accepted = Accepted::on(&mut caller, &id).await;
    let head = log::head(&shop.database).await;
    accepted.repeated_by(&mut caller).await;
    let other = shop.another_instance().await;
    accepted.repeated_by(&mut caller_of(&other).await).await;
    let Shop { command, database } = shop;
    command.kill().await;
    other.kill().await;
    let restarted = Service::start(Kind::Command, database.url(), &[]).await;
    accepted.repeated_by(&mut caller_of(&restarted).await).await;
    assert_eq!(log::head(&database).await, head);
}

#[tokio::test]
async fn repeats_while_the_first_is_under_way_are_one_command() {
    let shop = Shop::start(&[]).await;
    let id = fresh_pool();
    let mut caller = shop.caller().await;
    caller.create_pool(&id, 100).await.expect("a new name");
    let other = shop.another_instance().await;
    let elsewhere = caller_of(&other).await;
    // Loaded, so that it decides on its own state and not on what it reads under the lock.
    elsewhere.clone().claim(&id, "x", 1).await.expect("places");

    let request = Arc::new(claim_request(&id, "c", 3));
    let mut lock = LogLock::take(&shop.database).await;
    let sending = |caller: &Caller| {
        let (mut caller, request) = (caller.clone(), Arc::clone(&request));
        tokio::spawn(async move {
            caller
                .commands
                .claim_tickets(v1::ClaimTicketsRequest::clone(&request))
                .await
        })
    };
    let mut answers = vec![sending(&caller)];
    lock.awaited().await;
    answers.extend((0..7).map(|_| sending(&caller)));
    answers.extend((0..4).map(|_| sending(&elsewhere)));
    lock.release().await;
    let answers = join_all(answers).await;
    let answers: Vec<_> = answers
        .into_iter()
        .map(|answer| {
            answer
                .expect("no panic")
                .expect("it is accepted")
                .into_inner()
        })
        .collect();
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert_eq!(log::recorded(&shop.database, &request.request_id).await, 3);
    assert_eq!(log::events(&shop.database, &id).await.len(), 5);
}

#[tokio::test]
async fn who_bought_the_last_ticket_is_never_told_that_it_is_sold_out() {
    let shop = Shop::start(&[]).await;
    let other = shop.another_instance().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 4).await.expect("a new name");
    let order = claim_request(&id, "a", 2);
    let claimed = caller
        .commands
        .claim_tickets(order.clone())
        .await
        .expect("places")
        .into_inner();
    let last = purchase_request(&id, "b", 2);
    let purchased = caller
        .commands
        .purchase_tickets(last.clone())
        .await
        .expect("places")
        .into_inner();
    let claim = claimed.claim.clone().expect("a claim");
    let buy = buy_request(&claim.name);
    let bought = caller
        .commands
        .buy_tickets(buy.clone())
        .await
        .expect("held")
        .into_inner();

    for mut caller in [caller, caller_of(&other).await] {
        let sold_out = caller.claim(&id, "c", 1).await.expect_err("sold out");
        assert_eq!(
            onsale_proto::status::reason_of(&sold_out),
            Some(Reason::SoldOut)
        );
        let again = caller.commands.purchase_tickets(last.clone()).await;
        assert_eq!(again.expect("a repeat").into_inner(), purchased);
        let again = caller.commands.buy_tickets(buy.clone()).await;
        assert_eq!(again.expect("a repeat").into_inner(), bought);
        let again = caller
            .commands
            .claim_tickets(order.clone())
            .await
            .expect("a repeat")
            .into_inner();
        assert_eq!(again.receipt, claimed.receipt, "its first receipt");
        assert_eq!(again.claim, bought.claim, "the claim as it is now");
    }
    assert_eq!(log::events(&shop.database, &id).await.len(), 9);
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let id = fresh_pool();
    caller.create_pool(&id, 1).await.expect("a new name");
    let held = caller.claim(&id, "a", 1).await.expect("the place");
    let order = claim_request(&id, "b", 1);
    let answer = caller.commands.claim_tickets(order.clone()).await;
    let refusal = crate::refused::Refused::of(answer.expect_err("none is available"));
    assert_eq!(refusal.reason, Reason::SoldOutForNow);
    // Not even its content.
    let other = v1::ClaimTicketsRequest {
        quantity: 9,
        ..order.clone()
    };
    let answer = caller.commands.claim_tickets(other).await;
    let pool = name::pool(&id);
    let expected = [
        ("pool", pool.as_str()),
        ("requested", "9"),
        ("max_tickets_per_order", "4"),
    ];
    refused(answer, Reason::OrderLimitExceeded, &expected);
    caller.release(&held.name).await.expect("held");
    let claimed = caller
        .commands
        .claim_tickets(order.clone())
        .await
        .expect("it is available");
    let again = caller
        .commands
        .claim_tickets(order)
        .await
        .expect("a repeat");
    assert_eq!(again.into_inner(), claimed.into_inner());
}

#[tokio::test]
async fn a_request_id_in_two_pools_is_two_commands() {
    let shop = shared().await;
    let mut caller = shop.caller().await;
    let (one, two) = (fresh_pool(), fresh_pool());
    let create = create_request(&one, a_pool(10));
    let order = claim_request(&one, "c", 1);
    for id in [&one, &two] {
        let create = v1::CreatePoolRequest {
            pool_id: id.clone(),
            ..create.clone()
        };
        caller
            .commands
            .create_pool(create)
            .await
            .expect("a new name");
        let order = v1::ClaimTicketsRequest {
            pool: name::pool(id),
            ..order.clone()
        };
        let claimed = caller
            .commands
            .claim_tickets(order)
            .await
            .expect("places")
            .into_inner();
        assert_eq!(claimed.claim.expect("a claim").pool, name::pool(id));
    }
    assert_eq!(log::recorded(&shop.database, &order.request_id).await, 2);
}

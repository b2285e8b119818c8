//! Histories that are wrong on purpose: each is caught, as what it is.

use std::collections::BTreeSet;

use onsale_proto::{reason::Reason, v1};

use super::super::{Kind, Reply, check};
use super::story::*;

/// What is found.
fn kinds(story: &Story) -> BTreeSet<Kind> {
    let findings = check(&story.history, &story.log);
    findings.into_iter().map(|finding| finding.kind).collect()
}

fn set<const N: usize>(kinds: [Kind; N]) -> BTreeSet<Kind> {
    kinds.into()
}

/// 2 of 6 tickets are claimed.
fn begun() -> Story {
    let mut story = Story::begin();
    story.grant(claim("a", 2));
    assert_eq!(kinds(&story), set([]), "the rest of it is sound");
    story
}

#[test]
fn a_loss() {
    let mut story = begun();
    let kept = story.log.len();
    story.grant(claim("b", 1));
    story.log.truncate(kept);
    story.history.looks.pop();
    assert_eq!(kinds(&story), set([Kind::Lost]));
}

#[test]
fn a_duplicate() {
    let mut story = begun();
    let asked = claim("b", 1);
    story.grant(asked.clone());
    let first = story.history.commands.last().unwrap().id;
    // As if nobody remembered that it was recorded.
    let other = story.next_id();
    let facts = story.decide(&story.pool, other, &asked).unwrap();
    story.write(Some(first), facts, story.now);
    story.wait(millis(1_000));
    assert!(kinds(&story).contains(&Kind::Doubled));
}

#[test]
fn an_oversale() {
    let mut story = begun();
    let before = story.pool.clone();
    story.grant(claim("b", 3));
    story.grant_on(&before, claim("c", 2));
    assert_eq!(kinds(&story), set([Kind::Oversold, Kind::OtherHistory]));
}

#[test]
fn a_limit_exceeded() {
    let mut story = begun();
    let before = story.pool.clone();
    story.grant(claim("a", 2));
    story.grant_on(&before, claim("a", 1));
    assert_eq!(kinds(&story), set([Kind::OverLimit, Kind::OtherHistory]));
}

/// Decided on a batch that was lost; foreign events brought the stream to the version that it was decided for.
#[test]
fn a_version_equal_foreign_history() {
    let mut story = begun();
    let mut other = story.clone();
    other.grant(claim("b", 1));
    // As many events, and another price from there on.
    let first = story.history.commands[0].id;
    let held = story.pool.requests.get(first).unwrap().claim.unwrap();
    story.grant(domain_extend(held));
    assert_eq!(story.log.len(), other.log.len());
    story.grant_on(&other.pool, claim("c", 1));
    assert_eq!(kinds(&story), set([Kind::OtherHistory]));
}

fn domain_extend(claim: onsale_shared::id::ClaimId) -> onsale_command_service::domain::Command {
    use onsale_command_service::domain::{Command, commands::ExtendClaim};
    Command::ExtendClaim(ExtendClaim { claim })
}

#[test]
fn a_field_of_an_answer() {
    let changes: [fn(&mut v1::Claim); 5] = [
        |claim| claim.state = v1::ClaimState::Bought.into(),
        |claim| claim.pricing_version = 2,
        |claim| claim.expire_time.as_mut().unwrap().seconds += 1,
        |claim| claim.unit_price.as_mut().unwrap().units += 1,
        |claim| claim.tickets.truncate(1),
    ];
    for change in changes {
        let mut story = begun();
        let Reply::Granted(grant) = &mut story.last_attempt().reply else {
            unreachable!("it was granted");
        };
        change(grant.claim.as_mut().unwrap());
        assert_eq!(kinds(&story), set([Kind::UntrueAnswer]));
    }
    let changes: [fn(&mut v1::Receipt); 4] = [
        |receipt| receipt.position += 1,
        |receipt| receipt.etag = "1".into(),
        |receipt| receipt.consistency_token.clear(),
        |receipt| receipt.server_time.as_mut().unwrap().nanos += 1_000,
    ];
    for change in changes {
        let mut story = begun();
        let Reply::Granted(grant) = &mut story.last_attempt().reply else {
            unreachable!("it was granted");
        };
        change(&mut grant.receipt);
        assert!(kinds(&story).contains(&Kind::UntrueAnswer));
    }
}

/// A repeat that shows the claim as it was before it was bought, which everybody had seen.
#[test]
fn a_stale_answer() {
    let mut story = begun();
    let first = story.history.commands[0].id;
    let stale = story.answer(first);
    story.grant(buy(claim_of(&stale)));
    let repeat = story.attempt(Reply::Granted(stale.into()));
    story.history.commands[0].attempts.push(repeat);
    story.wait(millis(1_000));
    assert_eq!(kinds(&story), set([Kind::UntrueAnswer]));
}

#[test]
fn an_untrue_refusal() {
    let mut story = Story::begin();
    story.grant(claim("a", 4));
    let second = claim_of(&story.grant(claim("b", 2)));
    let refusal = story.refuse(claim("c", 1));
    assert_eq!(refusal.reason, Reason::SoldOutForNow);
    assert_eq!(kinds(&story), set([]));
    let sound = story.clone();

    story.grant(release(second));
    // Long after everybody could see it.
    story.now = story.now.plus(millis(200));
    let attempt = story.attempt(Reply::Refused(refusal.clone()));
    let id = story.next_id();
    story.remember(id, claim("c", 1), attempt);
    assert_eq!(kinds(&story), set([Kind::UntrueRefusal]), "there was room");

    for (key, number) in [("held", "5"), ("sold", "1"), ("requested", "2")] {
        let mut story = sound.clone();
        let mut refusal = refusal.clone();
        refusal.metadata.insert(key.into(), number.into());
        story.last_attempt().reply = Reply::Refused(refusal);
        assert_eq!(kinds(&story), set([Kind::UntrueRefusal]), "{key}");
    }
    let mut story = sound;
    let reason = Reason::SoldOut;
    story.last_attempt().reply = Reply::Refused(super::super::Refusal { reason, ..refusal });
    assert_eq!(kinds(&story), set([Kind::UntrueRefusal]), "none is sold");
}

/// Its first attempt got no answer and is in the log, its second was refused.
#[test]
fn a_refused_command_in_the_log() {
    let mut story = Story::begin();
    story.grant(claim("a", 4));
    let refusal = story.refuse(claim("b", 3));
    let refused = story.history.commands.pop().unwrap().attempts;
    let before = Story::begin().pool;
    story.grant_on(&before, claim("b", 3));
    story.last_attempt().reply = Reply::Unknown;
    let command = story.history.commands.last_mut().unwrap();
    command.attempts.extend(refused);
    let found = kinds(&story);
    assert!(found.contains(&Kind::RecordedAfterAll), "{refusal:?}");

    let mut story = begun();
    story.last_attempt().reply = Reply::NotRecorded(Reason::Overloaded);
    assert_eq!(kinds(&story), set([Kind::RecordedAfterAll]));
}

/// A repeat was refused, and only its client knows.
#[test]
fn a_refusal_that_is_not_for_good() {
    let mut sound = Story::begin();
    sound.grant(claim("a", 4));
    sound.refuse_for_good(claim("b", 3));
    assert_eq!(kinds(&sound), set([]));

    let mut story = sound.clone();
    story.log.pop();
    story.history.looks.pop();
    assert_eq!(kinds(&story), set([Kind::Lost]));

    let mut story = sound.clone();
    let refused = story.log.last_mut().unwrap();
    refused.data = refused
        .data
        .replace("INSUFFICIENT_AVAILABILITY", "SOLD_OUT");
    assert_eq!(kinds(&story), set([Kind::Lost, Kind::OtherHistory]));

    // Nobody remembered it.
    let mut story = sound;
    let mut of_command = story.history.commands.pop().unwrap();
    let facts = story.decide(
        &story.pool,
        onsale_shared::id::RequestId(uuid::Uuid::from_u128(99 << 64)),
        &claim("b", 2),
    );
    story.write(Some(of_command.id), facts.unwrap(), story.now);
    story.wait(millis(1_000));
    of_command.asked = claim("b", 2);
    story.history.commands.push(of_command);
    assert!(kinds(&story).is_superset(&set([Kind::RecordedAfterAll, Kind::Doubled])));
}

#[test]
fn a_reply_before_its_commit() {
    let mut story = begun();
    let version = story.log.len() - 2;
    let ended = story.last_attempt().ended;
    let look = story.history.looks.last_mut().unwrap();
    assert!(look.sent > ended);
    look.version = onsale_shared::log::Version::new(version.try_into().unwrap()).unwrap();
    assert!(
        kinds(&story).contains(&Kind::BeforeCommit),
        "seen by a look"
    );

    let mut story = begun();
    for event in story.log.iter_mut().skip(1) {
        event.recorded_at = event.recorded_at.plus(millis(300));
    }
    assert!(
        kinds(&story).contains(&Kind::BeforeCommit),
        "seen in the log"
    );
}

#[test]
fn an_early_death() {
    let mut story = begun();
    story.sweep_at(story.now.plus(CLAIMS));
    for event in story.log.iter_mut().skip(3) {
        event.recorded_at = story.now;
    }
    assert_eq!(kinds(&story), set([Kind::EarlyDeath, Kind::WrongTime]));

    let mut story = begun();
    let held = claim_of(&story.answer(story.history.commands[0].id));
    let mut later = story.clone();
    later.wait(CLAIMS);
    let refusal = later.refuse(buy(held));
    assert_eq!(refusal.reason, Reason::ClaimExpired);
    let attempt = story.attempt(Reply::Refused(refusal));
    let id = story.next_id();
    story.remember(id, buy(held), attempt);
    assert_eq!(kinds(&story), set([Kind::EarlyDeath]));
}

#[test]
fn a_late_sale() {
    let mut story = begun();
    let held = claim_of(&story.answer(story.history.commands[0].id));
    let asked = buy(held);
    let id = story.next_id();
    let facts = story.decide(&story.pool, id, &asked).unwrap();
    let decided = story.now.plus(millis(200));
    story.wait(CLAIMS + millis(2_000));
    // By a clock that was behind.
    story.write(Some(id), facts, decided);
    let grant = story.answer(id);
    let attempt = story.attempt(Reply::Granted(grant.into()));
    story.remember(id, asked, attempt);
    assert!(
        kinds(&story).contains(&Kind::LateSale),
        "{:?}",
        kinds(&story)
    );
}

#[test]
fn a_gap() {
    for missing in 0..3 {
        let mut story = begun();
        story.grant(claim("b", 1));
        story.log.remove(missing);
        assert_eq!(kinds(&story), set([Kind::Gap]));
    }
    let mut story = begun();
    story.log.swap(1, 2);
    assert_eq!(kinds(&story), set([Kind::Gap]));
}

#[test]
fn an_event_that_nobody_asked_for() {
    let mut story = begun();
    story.history.commands.clear();
    assert_eq!(kinds(&story), set([Kind::Foreign]));

    let mut story = begun();
    story.log[1].kind = "TicketMislaid".into();
    assert_eq!(kinds(&story), set([Kind::Foreign]), "nor can read");
}

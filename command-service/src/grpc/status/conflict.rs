//! What a promoter is told whose edit was made on an older state: who changed what, when, from what to what, and how
//! many tickets were sold since.

use onsale_proto::{reason::Reason, status::RichStatus};

use crate::domain::{
    conflicts::{Change, Conflict},
    partials::SoldSince,
};

/// An error travels in headers, which are small: of a longer value, such as fifty price steps, the beginning is shown.
const VALUE_CHARACTERS_MAX: usize = 80;

pub(super) fn status(conflict: &Conflict, pool_name: &str) -> RichStatus {
    let Conflict {
        etag,
        version,
        changes,
        sold,
    } = conflict;
    let sold = match sold {
        SoldSince::Exactly(tickets) => tickets.to_string(),
        SoldSince::AtLeast(tickets) => format!("{tickets}+"),
    };
    let settings: Vec<_> = changes.iter().map(|change| change.setting.name()).collect();
    let settings = settings.join(", ");
    let what = match settings.as_str() {
        "" => "nothing was edited".to_owned(),
        settings => format!("edited since: {settings}"),
    };
    let text = format!(
        "{pool_name} is at etag {version}, not {etag}; {what}; {sold} tickets were sold since"
    );
    let status = RichStatus::new(Reason::VersionConflict, text)
        .with("etag", etag)
        .with("current_etag", version)
        .with("tickets_sold_since", sold)
        .with("changed", settings)
        .with("pool", pool_name);
    changes.iter().fold(status, |status, change| {
        with_change(status, change, pool_name)
    })
}

fn with_change(status: RichStatus, change: &Change, pool_name: &str) -> RichStatus {
    let name = change.setting.name();
    let actor = change.actor.as_deref().unwrap_or("somebody");
    let key = |what: &str| format!("{name}.{what}");
    let mut status = status
        .with(key("version"), change.version)
        .with(key("time"), change.time)
        .with(key("actor"), actor);
    let mut names = Vec::new();
    for field in &change.fields {
        status = status
            .with(key(&format!("{}.old", field.field)), short(&field.old))
            .with(key(&format!("{}.new", field.field)), short(&field.new));
        names.push(field.field);
    }
    let names = match names.join(", ") {
        none if none.is_empty() => "nothing".to_owned(),
        names => names,
    };
    let description = format!(
        "{actor} changed {names} at {}, version {}",
        change.time, change.version
    );
    status.violated(format!("{pool_name}/{name}"), description)
}

fn short(value: &str) -> String {
    let mut short: String = value.chars().take(VALUE_CHARACTERS_MAX).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    short
}

//! What each command's file says of itself, so that `docs/commands.md` cannot drift from the code.

use onsale_shared::event::EventType;

/// A command in words and facts. The lists of kinds and reasons are checked against what the command does.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// The name of the command.
    pub command: &'static str,
    /// What it is for, in a sentence.
    pub purpose: &'static str,
    /// Which events make up its context.
    pub context_events: &'static [EventType],
    /// What its context model is: the few values that it decides on.
    pub context_model: &'static [&'static str],
    /// Which constraints it checks, in order.
    pub constraints: &'static [&'static str],
    /// Which decisions it makes.
    pub decisions: &'static [&'static str],
    /// Which events it records.
    pub records: &'static [EventType],
    /// Which refusals it can give, in the order in which they win, beside the general ones.
    pub refusals: &'static [&'static str],
}

/// What holds for every command before its own file is asked, in the order in which it wins.
pub const GENERAL_REFUSALS: &[&str] = &[
    "REQUEST_ID_REUSED",
    "ALREADY_REFUSED",
    "POOL_NOT_FOUND",
    "POOL_CORRUPTED",
    "POOL_CANCELLED",
];

/// All commands as `docs/commands.md` shows them.
#[must_use]
pub fn as_markdown(slices: &[Slice]) -> String {
    let mut text = String::new();
    for slice in slices {
        let events = |kinds: &[EventType]| {
            let names: Vec<_> = kinds
                .iter()
                .map(|kind| format!("`{}`", kind.as_str()))
                .collect();
            names.join(", ")
        };
        let refusals: Vec<_> = slice
            .refusals
            .iter()
            .map(|reason| format!("`{reason}`"))
            .collect();
        text.push_str(&format!("## {}\n\n{}\n\n", slice.command, slice.purpose));
        text.push_str(&format!(
            "- **Context events**: {}\n",
            events(slice.context_events)
        ));
        text.push_str(&format!(
            "- **Context model**: {}\n",
            slice.context_model.join("; ")
        ));
        text.push_str("- **Constraints**, in order:\n");
        for constraint in slice.constraints {
            text.push_str(&format!("  1. {constraint}\n"));
        }
        text.push_str("- **Decisions**:\n");
        for decision in slice.decisions {
            text.push_str(&format!("  - {decision}\n"));
        }
        text.push_str(&format!("- **Records**: {}\n", events(slice.records)));
        let refusals = if refusals.is_empty() {
            "none of its own".to_owned()
        } else {
            refusals.join(", ")
        };
        text.push_str(&format!("- **Refuses with**: {refusals}\n\n"));
    }
    text
}

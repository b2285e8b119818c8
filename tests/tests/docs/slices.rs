//! What each command's file says of itself (its records and refusals) is what its code can give, and its context names
//! every part of the pool that it looks at.

use std::collections::BTreeSet;

use onsale_command_service::domain::{Rejection, commands::SLICES, slice::Slice};

use super::{
    repository,
    rust_code::{block_after, code_only, names_after, without_tests, words},
};

/// The parts of a pool's state: its fields, and their types.
const PARTS: [(&str, &str); 9] = [
    ("claims", "Claims"),
    ("customers", "Customers"),
    ("limits", "Limits"),
    ("pricing", "Pricing"),
    ("requests", "Requests"),
    ("sale", "Sale"),
    ("sales", "Sales"),
    ("schedule", "Schedule"),
    ("stock", "Stock"),
];

/// What commands share, by the name that they call it: whole where they take a type from it, else the functions that
/// they call.
const SHARED: [(&str, &str); 8] = [
    ("allowance", "commands/allowance.rs"),
    ("claim_tickets", "commands/claim_tickets.rs"),
    ("conflicts", "conflicts.rs"),
    ("held_tickets", "commands/held_tickets.rs"),
    ("late", "commands/buy_tickets/late.rs"),
    ("live_claim", "commands/live_claim.rs"),
    ("places", "commands/places.rs"),
    ("sale_checks", "commands/sale_checks.rs"),
];

/// Commands without a context of their own: the order's is another file's, the sweep looks at one part.
const WITHOUT_CONTEXT: [(&str, &[&str]); 2] = [("purchase_tickets", &[]), ("sweep", &["claims"])];

/// The file of a slice: `ClaimTickets` is in `claim_tickets.rs`, `(sweep)` in `sweep.rs`.
fn file_of(slice: &Slice) -> String {
    let mut name = String::new();
    for letter in slice.command.trim_matches(['(', ')']).chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// The code of a command's file, without its tests and without what it says of itself.
fn code_of(path: &str) -> String {
    let source = repository::read(&format!("command-service/src/domain/{path}"));
    let code = code_only(without_tests(&source));
    match block_after(&code, "const SLICE: Slice = Slice") {
        Some(declaration) => code.replace(declaration, ""),
        None => code,
    }
}

/// The code that a command runs: its file, and what it takes from the files that commands share.
fn code_that_runs(file: &str) -> String {
    let mut code = code_of(&format!("commands/{file}.rs"));
    let mut taken = BTreeSet::from([file]);
    loop {
        let next = SHARED
            .iter()
            .find(|(name, _)| !taken.contains(name) && is_used(&code, name));
        let Some((name, path)) = next else {
            return code;
        };
        taken.insert(name);
        let other = code_of(path);
        let takes_a_type = takes_a_type(&code, name) || code.contains(&format!("mod {name};"));
        let functions: Vec<_> = names_after(&code, &format!("{name}::"))
            .into_iter()
            .map(str::to_owned)
            .collect();
        if takes_a_type {
            code.push_str(&other);
            continue;
        }
        for function in functions {
            code.push_str(block_after(&other, &format!("fn {function}")).unwrap_or_default());
        }
    }
}

fn is_used(code: &str, name: &str) -> bool {
    let uses = code.split("use ").skip(1);
    let imports = uses.map(|rest| rest.split(';').next().unwrap_or_default());
    let mut imports = imports.filter(|import| import.contains("super") || import.contains("crate"));
    imports.any(|import| words(import).any(|word| word == name))
        || code.contains(&format!("mod {name};"))
}

/// Whether a type is imported from a module: `name::Type` or `name::{Type, ...}` or `name::{self, Type}`.
fn takes_a_type(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    let mut imports = code.split(&path).skip(1);
    imports.any(|rest| {
        let list = rest.strip_prefix('{').unwrap_or(rest);
        let end = list.find([';', '}', '(', '.']).unwrap_or(list.len());
        let named = words(&list[..end]).find(|word| *word != "self");
        named.is_some_and(|word| word.starts_with(|letter: char| letter.is_ascii_uppercase()))
    })
}

/// The reason of each rejection, by the name of its variant, as rejection.rs declares it.
fn reason_of(variant: &str) -> String {
    let source = repository::read("command-service/src/domain/rejection.rs");
    let declared = source.split(&format!(" {variant} \"")).nth(1);
    let reason = declared
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_else(|| panic!("no rejection {variant}"));
    assert!(Rejection::REASONS.contains(&reason), "{reason} was misread");
    reason.to_owned()
}

#[test]
fn there_is_a_slice_for_each_command_file() {
    let folder = "command-service/src/domain/commands";
    let files = repository::files(folder).into_iter().filter_map(|path| {
        let name = path
            .strip_prefix(folder)?
            .strip_prefix('/')?
            .strip_suffix(".rs")?;
        (!name.contains('/')).then(|| name.to_owned())
    });
    let with_slice: BTreeSet<_> = files
        .filter(|name| repository::read(&format!("{folder}/{name}.rs")).contains("const SLICE"))
        .collect();
    let listed: BTreeSet<_> = SLICES.iter().map(file_of).collect();
    assert_eq!(listed, with_slice);
}

#[test]
fn a_slice_records_what_it_says() {
    for slice in SLICES {
        let said: BTreeSet<_> = slice
            .records
            .iter()
            .map(|kind| kind.as_str().to_owned())
            .collect();
        let code = code_that_runs(&file_of(slice));
        let recorded = names_after(&code, "PoolEvent::")
            .into_iter()
            .map(str::to_owned);
        assert_eq!(said, recorded.collect(), "{}: records", slice.command);
    }
}

#[test]
fn a_slice_refuses_with_what_it_says() {
    for slice in SLICES {
        let said: BTreeSet<_> = slice
            .refusals
            .iter()
            .map(|reason| (*reason).to_owned())
            .collect();
        let code = code_that_runs(&file_of(slice));
        let given = names_after(&code, "Rejection::").into_iter().map(reason_of);
        assert_eq!(said, given.collect(), "{}: refusals", slice.command);
    }
}

#[test]
fn a_command_imports_and_reads_only_the_parts_of_its_context() {
    for slice in SLICES {
        let file = file_of(slice);
        let code = code_of(&format!("commands/{file}.rs"));
        let parts = |is_named: &dyn Fn(&str, &str) -> bool| -> BTreeSet<_> {
            PARTS
                .iter()
                .filter(|(field, name)| is_named(field, name))
                .map(|(field, _)| *field)
                .collect()
        };
        let imports = code
            .split_once("partials::")
            .and_then(|(_, rest)| rest.split_once(';'))
            .map_or("", |(list, _)| list);
        let imported = parts(&|_, name| words(imports).any(|word| word == name));
        let read = parts(&|field, _| names_after(&code, "pool.").contains(&field));
        let context = match WITHOUT_CONTEXT.iter().find(|(name, _)| *name == file) {
            Some((_, fields)) => {
                assert_eq!(
                    imported,
                    BTreeSet::new(),
                    "{}: imports without a context",
                    slice.command
                );
                fields.iter().copied().collect()
            }
            None => {
                let body = code
                    .split("impl")
                    .find(|block| block.contains("Context") && block.contains("fn of("));
                let signature = body
                    .and_then(|body| body.split_once("fn of("))
                    .expect("a context is made by `of`")
                    .1;
                let signature = signature.split('{').next().unwrap_or_default();
                let context = parts(&|_, name| words(signature).any(|word| word == name));
                assert_eq!(imported, context, "{}: imports and context", slice.command);
                context
            }
        };
        assert_eq!(
            read, context,
            "{}: parts that are read and context",
            slice.command
        );
    }
}

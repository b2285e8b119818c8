//! New migrations are embedded without a change of any Rust file.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}

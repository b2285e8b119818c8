//! How much memory the services take before anybody calls.

use super::Scenario;
use crate::{bench::report::Findings, service::resident_kib, system::System};

/// Looks at both services.
///
/// # Errors
/// Never: what cannot be read is left out.
pub async fn run(findings: &mut Findings) -> anyhow::Result<()> {
    let system = System::start().await;
    for (name, pid) in [
        ("command-service", system.commands[0].pid()),
        ("query-service", system.query.pid()),
    ] {
        if let Some(kib) = resident_kib(pid) {
            findings.note(Scenario::Memory, name, kib / 1_024, "MiB");
        }
    }
    Ok(())
}

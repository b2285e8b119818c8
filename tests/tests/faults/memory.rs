//! How much memory the services take.

use onsale_tests::{service::Service, system::System};

/// Resident after start.
const RESIDENT_KIB_MAX: u64 = 60 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn services_start_small() {
    let system = System::start().await;
    for (name, service) in [
        ("command-service", &system.commands[0]),
        ("query-service", &system.query),
    ] {
        let resident = resident_kib(service);
        eprintln!("{name}: {resident} KiB resident after start");
        assert!(resident < RESIDENT_KIB_MAX, "{name}: {resident} KiB");
    }
}

fn resident_kib(service: &Service) -> u64 {
    onsale_tests::service::resident_kib(service.pid()).expect("the service runs")
}

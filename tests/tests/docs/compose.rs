//! docker-compose.yml, without an engine to run it: its form, and whether it fits the Dockerfile and the binaries.

use saphyr::{LoadableYamlNode as _, ScalarOwned, YamlOwned};
use serde_json::Value;

use super::{
    compose_schema::{schema, violations},
    configuration, dockerfile, repository,
};

/// The file as JSON, which YAML is a way to write.
fn compose() -> Value {
    let text = repository::read("docker-compose.yml");
    let documents = YamlOwned::load_from_str(&text).expect("docker-compose.yml is YAML");
    assert_eq!(documents.len(), 1, "docker-compose.yml is one document");
    to_json(&documents[0])
}

fn to_json(node: &YamlOwned) -> Value {
    match node {
        YamlOwned::Value(ScalarOwned::Null) => Value::Null,
        YamlOwned::Value(ScalarOwned::Boolean(value)) => (*value).into(),
        YamlOwned::Value(ScalarOwned::Integer(value)) => (*value).into(),
        YamlOwned::Value(ScalarOwned::FloatingPoint(value)) => value.to_string().into(),
        YamlOwned::Value(ScalarOwned::String(value)) => value.clone().into(),
        YamlOwned::Sequence(elements) => elements.iter().map(to_json).collect(),
        YamlOwned::Mapping(members) => {
            let members = members.iter().map(|(key, member)| {
                (
                    key.as_str().expect("keys are texts").to_owned(),
                    to_json(member),
                )
            });
            Value::Object(members.collect())
        }
        YamlOwned::Representation(..)
        | YamlOwned::Tagged(..)
        | YamlOwned::Alias(_)
        | YamlOwned::BadValue => panic!("docker-compose.yml: {node:?} is not used here"),
    }
}

/// The services of a compose file.
fn services(compose: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let services = compose["services"].as_object().expect("services");
    services
        .iter()
        .map(|(name, service)| (name.as_str(), service))
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|element| element.as_str().expect("a text"))
        .collect()
}

/// The services that are made of this repository, each with the name of its binary.
fn ours(compose: &Value) -> Vec<(&str, &Value, &str)> {
    let built = services(compose).filter(|(_, service)| service.get("build").is_some());
    let ours: Vec<_> = built
        .map(|(name, service)| {
            (
                name,
                service,
                service["build"]["target"].as_str().expect("a target"),
            )
        })
        .collect();
    assert_eq!(ours.len(), 4, "two migrations and two services");
    ours
}

#[test]
fn the_file_has_only_keys_of_the_format() {
    let found = violations(&compose(), &schema(), "docker-compose.yml");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn it_has_postgresql_the_migrations_and_both_services() {
    let compose = compose();
    let mut names: Vec<_> = services(&compose).map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "command-service",
            "migrate-command",
            "migrate-query",
            "postgres",
            "query-service"
        ]
    );
    for (name, service, binary) in ours(&compose) {
        assert_eq!(service["image"], format!("onsale-{binary}"), "{name}");
        assert_eq!(service["build"]["context"], ".", "{name}");
        let stages = dockerfile::stages();
        assert!(
            stages.iter().any(|stage| stage.name == binary),
            "{name}: the Dockerfile has no stage {binary}"
        );
    }
}

#[test]
fn the_data_of_postgresql_outlive_the_container() {
    let compose = compose();
    let postgres = &compose["services"]["postgres"];
    assert_eq!(postgres["image"], "postgres:18");
    // From 18 on the image keeps its data in a folder of the version, below this one; a volume at the old place
    // (/var/lib/postgresql/data) would stay empty.
    assert_eq!(
        texts(&postgres["volumes"]),
        ["postgres:/var/lib/postgresql"]
    );
    assert!(
        compose["volumes"]
            .as_object()
            .is_some_and(|volumes| volumes.contains_key("postgres"))
    );
    assert!(
        postgres.get("ports").is_none(),
        "the database is not reached from outside"
    );
}

#[test]
fn every_command_is_a_subcommand_and_every_variable_is_read() {
    let compose = compose();
    for (name, service, binary) in ours(&compose) {
        let command = texts(&service["command"]);
        let subcommands = configuration::subcommands(binary);
        assert!(
            subcommands
                .iter()
                .any(|known| Some(known.as_str()) == command.first().copied()),
            "{name}: {command:?} of {subcommands:?}"
        );
        let known = configuration::variables(binary);
        for variable in service["environment"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            assert!(
                known.contains(variable),
                "{name}: {binary} does not read {variable}"
            );
        }
        let url = service["environment"]["DATABASE_URL"]
            .as_str()
            .expect("a database");
        assert!(url.ends_with("@postgres:5432/onsale"), "{name}: {url}");
    }
}

#[test]
fn a_service_is_asked_for_its_health_where_it_listens() {
    let compose = compose();
    for (name, variable) in [
        ("command-service", "ONSALE_COMMAND_LISTEN"),
        ("query-service", "ONSALE_QUERY_LISTEN"),
    ] {
        let service = &compose["services"][name];
        let listen = service["environment"][variable]
            .as_str()
            .expect("an address");
        let port = listen
            .strip_prefix("0.0.0.0:")
            .expect("every address of the container");
        let address = format!("http://127.0.0.1:{port}");
        assert_eq!(
            texts(&service["healthcheck"]["test"]),
            ["CMD", name, "health", "--address", &address]
        );
        assert!(
            configuration::subcommands(name).contains(&"health".to_owned()),
            "{name} has no `health`"
        );
        assert_eq!(
            texts(&service["ports"]),
            [format!("127.0.0.1:{port}:{port}")],
            "{name}: on this machine only"
        );
        let stages = dockerfile::stages();
        let stage = stages
            .iter()
            .find(|stage| stage.name == name)
            .expect("a stage");
        assert!(
            stage.all("EXPOSE").any(|exposed| exposed == port),
            "{name}: the image exposes another port"
        );
        assert!(
            stage
                .environment()
                .contains(&(variable.to_owned(), listen.to_owned())),
            "{name}: the image listens elsewhere"
        );
    }
    assert!(compose["services"]["postgres"]["healthcheck"].is_object());
}

#[test]
fn things_start_in_order_and_none_waits_for_what_never_comes() {
    let compose = compose();
    let all = &compose["services"];
    for (name, service) in services(&compose) {
        for (needed, how) in service["depends_on"].as_object().into_iter().flatten() {
            let of = all
                .get(needed)
                .unwrap_or_else(|| panic!("{name} waits for {needed}, which is not there"));
            let ends = of["restart"] == "no";
            match how["condition"].as_str() {
                Some("service_healthy") => assert!(
                    of["healthcheck"].is_object() && !ends,
                    "{needed} has no health"
                ),
                Some("service_completed_successfully") => assert!(ends, "{needed} does not end"),
                other => panic!("{name} waits for {needed} until {other:?}"),
            }
        }
    }
    let needs = |name: &str| -> Vec<_> {
        all[name]["depends_on"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    };
    assert_eq!(needs("migrate-command"), ["postgres"]);
    // The read models follow the event log.
    assert!(needs("migrate-query").contains(&"migrate-command"));
    assert!(needs("command-service").contains(&"migrate-command"));
    assert!(needs("query-service").contains(&"migrate-query"));
}

#[test]
fn a_service_has_longer_to_end_than_it_takes_and_no_rights_beyond_its_own() {
    let compose = compose();
    for (name, service, _) in ours(&compose) {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(texts(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(
            texts(&service["security_opt"]),
            ["no-new-privileges:true"],
            "{name}"
        );
        assert!(
            service.get("user").is_none(),
            "{name}: the image says as whom it runs"
        );
    }
    for name in ["command-service", "query-service"] {
        let grace = compose["services"][name]["stop_grace_period"]
            .as_str()
            .and_then(|text| text.strip_suffix('s'));
        let grace: u32 = grace
            .and_then(|seconds| seconds.parse().ok())
            .expect("seconds");
        assert!(
            grace > 10,
            "{name} drains for up to 10 s and is killed after {grace}"
        );
    }
}

//! An instance of command-service between two networks that fail: one to PostgreSQL, one to its clients.

use onsale_proto::v1::command_service_client::CommandServiceClient;
use onsale_tests::{
    proxy::{Direction, Proxy},
    service::{Kind, Service},
};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint};

use crate::{client::Door, server::Server};

/// What an instance said of itself, over all its lives.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    /// Appends that found the stream changed by the other instance.
    pub(crate) conflicts: usize,
    /// Times that it took the log's lock before deciding.
    pub(crate) take_overs: usize,
    /// Batches whose append had had no answer, and was there.
    pub(crate) appends_recorded: u64,
    /// Batches whose append had had no answer, and was not there.
    pub(crate) appends_not_recorded: u64,
}

/// See the module.
pub(crate) struct Instance {
    name: &'static str,
    lives: u32,
    url: String,
    options: Vec<(String, String)>,
    pub(crate) database: Proxy,
    clients: Option<Proxy>,
    pub(crate) service: Option<Service>,
    door: watch::Sender<Option<CommandServiceClient<Channel>>>,
    said: Said,
}

impl Instance {
    /// Starts an instance; `options` are environment variables.
    pub(crate) async fn start(
        name: &'static str,
        server: &Server,
        options: Vec<(String, String)>,
    ) -> Self {
        let database = Proxy::to(&server.options).await;
        let mut instance = Self {
            name,
            lives: 0,
            url: through(&server.url, &server.options, &database),
            options,
            database,
            clients: None,
            service: None,
            door: watch::Sender::new(None),
            said: Said::default(),
        };
        instance.revive().await;
        instance
    }

    /// Where clients find it.
    pub(crate) fn door(&self) -> Door {
        self.door.subscribe()
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) {
        self.door.send_replace(None);
        if let Some(service) = self.service.take() {
            self.listen_to(&service);
            service.kill().await;
        }
    }

    /// Starts it again, under another name.
    pub(crate) async fn revive(&mut self) {
        for direction in [Direction::ToServer, Direction::ToClient] {
            self.database.disarm(direction);
        }
        self.lives += 1;
        let name = format!("{}-{}", self.name, self.lives);
        let mut options: Vec<_> = vec![
            ("ONSALE_INSTANCE", name.as_str()),
            ("ONSALE_LOG", "info,onsale_command_service::pools=debug"),
            // Sooner than clients give up.
            ("ONSALE_DEADLINE_DEFAULT_MS", "1000"),
            ("ONSALE_APPEND_TIMEOUT_MS", "700"),
            // Many appends, so that instances meet often.
            ("ONSALE_BATCH_EVENTS", "10"),
        ];
        let given = self.options.iter();
        options.extend(given.map(|(name, value)| (name.as_str(), value.as_str())));
        let service = Service::start(Kind::Command, &self.url, &options).await;
        let address = service.address().trim_start_matches("http://").to_owned();
        let clients = Proxy::to_address(address).await;
        let endpoint = Endpoint::from_shared(format!("http://{}", clients.address()));
        let channel = endpoint.unwrap().connect_lazy();
        self.clients = Some(clients);
        self.service = Some(service);
        self.door
            .send_replace(Some(CommandServiceClient::new(channel)));
    }

    /// Cuts the connections of its clients.
    pub(crate) fn cut_clients(&self) {
        if let Some(clients) = &self.clients {
            clients.cut();
        }
    }

    /// Asks it to stop, and returns what it said in all its lives.
    pub(crate) async fn stop(mut self) -> Said {
        let service = self.service.take().expect("it was started");
        self.listen_to(&service);
        assert_eq!(service.panics(), Vec::<String>::new());
        assert_eq!(service.stop().await, Some(0), "{} stops", self.name);
        self.said
    }

    /// Takes down what a service has said, before it goes.
    fn listen_to(&mut self, service: &Service) {
        for line in service.log() {
            self.said.note(&line);
        }
    }
}

impl Said {
    fn note(&mut self, line: &Value) {
        let number = |key: &str| line[key].as_u64().unwrap_or(0);
        match line["message"].as_str() {
            Some("a race was lost to another instance") => self.conflicts += 1,
            Some("the log's lock was taken over") => self.take_overs += 1,
            Some("an unknown outcome was resolved") => {
                self.appends_recorded += number("were_recorded");
                self.appends_not_recorded += number("groups") - number("were_recorded");
            }
            _ => {}
        }
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            conflicts: self.conflicts + other.conflicts,
            take_overs: self.take_overs + other.take_overs,
            appends_recorded: self.appends_recorded + other.appends_recorded,
            appends_not_recorded: self.appends_not_recorded + other.appends_not_recorded,
        }
    }
}

/// The URL, through the proxy.
fn through(url: &str, server: &PgConnectOptions, proxy: &Proxy) -> String {
    let direct = format!("@{}:{}/", server.get_host(), server.get_port());
    assert!(url.contains(&direct), "{url} names its host and port");
    url.replace(&direct, &format!("@{}/", proxy.address()))
}

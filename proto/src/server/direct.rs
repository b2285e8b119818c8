//! The way of a call to its service: straight to the one that a server is there for, by routes to the others. Routes match
//! patterns and box what they find, for each call.

use std::{
    convert::Infallible,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use tokio_util::either::Either;
use tonic::{body::Body, server::NamedService, service::Routes};
use tower::Service;

/// A service that its calls reach directly, and others.
#[derive(Clone, Debug)]
pub struct Direct<S> {
    service: S,
    others: Routes,
}

impl<S: NamedService> Direct<S> {
    /// A service, and the others of its server.
    #[must_use]
    pub fn new(service: S, others: Routes) -> Self {
        let others = others.prepare();
        Self { service, others }
    }

    /// Whether a path, `/<service>/<method>`, names the service.
    fn is_meant(path: &str) -> bool {
        let named = path
            .strip_prefix('/')
            .and_then(|path| path.strip_prefix(S::NAME));
        named.is_some_and(|rest| rest.starts_with('/'))
    }
}

impl<S> Service<Request<Body>> for Direct<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + NamedService,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, <Routes as Service<Request<Body>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        ready!(self.service.poll_ready(cx))?;
        Service::<Request<Body>>::poll_ready(&mut self.others, cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if Self::is_meant(request.uri().path()) {
            Either::Left(self.service.call(request))
        } else {
            Either::Right(self.others.call(request))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Named;

    impl NamedService for Named {
        const NAME: &'static str = "onsale.v1.CommandService";
    }

    #[test]
    fn a_path_names_the_service_whole() {
        for (path, expected) in [
            ("/onsale.v1.CommandService/ClaimTickets", true),
            ("/onsale.v1.CommandService/", true),
            ("/onsale.v1.CommandService", false),
            ("/onsale.v1.CommandServiceV2/ClaimTickets", false),
            ("onsale.v1.CommandService/ClaimTickets", false),
            ("/grpc.health.v1.Health/Check", false),
            ("/", false),
        ] {
            assert_eq!(Direct::<Named>::is_meant(path), expected, "{path}");
        }
    }
}

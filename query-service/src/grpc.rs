//! The edge: what is asked becomes a query, what is answered becomes a message, what fails becomes a status. The only
//! place that knows the contract and names status codes; it reads nothing and decides nothing.

mod convert;
mod csv;
mod deadline;
mod frames;
pub(crate) mod health;
mod pages;
mod resume;
mod service;
mod status;
mod subscription;
mod validate;

pub(crate) use service::Service;

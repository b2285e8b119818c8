//! Every refusal of the catalogue through gRPC: reason, code, every key of its metadata, and the details of its code.

mod cancelled;
mod claims;
mod conflicts;
mod corrupted;
mod database;
mod edge;
mod full;
mod late;
mod limits;
mod queries;
mod sale;
mod tickets;
mod window;

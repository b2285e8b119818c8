//! Every refusal of the catalogue through gRPC: reason, code, every key of its metadata, and the details of its code.

mod claims;
mod corrupted;
mod database;
mod edge;
mod full;
mod queries;
mod sale;

//! Rows as `COPY … FROM STDIN (FORMAT binary)` takes them
//! (<https://www.postgresql.org/docs/current/sql-copy.html>): about twice as fast as rows of an `INSERT`.

use std::net::IpAddr;

use onsale_shared::time::Timestamp;
use sqlx::types::Uuid;

/// What comes before the first row: a signature, flags, and the length of an extension; the last two are 0.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In place of the number of columns, after the last row.
const END: i16 = -1;
/// The length of NULL.
const NULL: i32 = -1;
/// 2000-01-01, from which PostgreSQL counts, in microseconds since 1970.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// How PostgreSQL numbers the families of addresses, on every system.
const IP_V4: u8 = 2;
const IP_V6: u8 = 3;

/// Rows, byte for byte.
#[derive(Debug)]
pub(super) struct Encoder(Vec<u8>);

impl Encoder {
    pub(super) fn new(bytes: usize) -> Self {
        // A row more than is sent at once.
        let mut buffer = Vec::with_capacity(bytes + 4_096);
        buffer.extend_from_slice(HEADER);
        Self(buffer)
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// What there is, to be sent.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    pub(super) fn row(&mut self, columns: i16) {
        self.0.extend_from_slice(&columns.to_be_bytes());
    }

    pub(super) fn end(&mut self) {
        self.0.extend_from_slice(&END.to_be_bytes());
    }

    pub(super) fn short(&mut self, number: i16) {
        self.column(&number.to_be_bytes());
    }

    pub(super) fn long(&mut self, number: i64) {
        self.column(&number.to_be_bytes());
    }

    pub(super) fn time(&mut self, time: Timestamp) {
        self.long(time.as_micros().saturating_sub(EPOCH_MICROS));
    }

    pub(super) fn uuid(&mut self, id: Option<Uuid>) {
        match id {
            Some(id) => self.column(id.as_bytes()),
            None => self.null(),
        }
    }

    pub(super) fn text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.column(text.as_bytes()),
            None => self.null(),
        }
    }

    /// Family, bits of the network, whether it is a network, and the address with its length.
    pub(super) fn ip(&mut self, ip: Option<IpAddr>) {
        match ip {
            Some(IpAddr::V4(ip)) => self.address(IP_V4, 32, &ip.octets()),
            Some(IpAddr::V6(ip)) => self.address(IP_V6, 128, &ip.octets()),
            None => self.null(),
        }
    }

    fn address(&mut self, family: u8, bits: u8, octets: &[u8]) {
        self.length(4 + octets.len());
        self.0.extend_from_slice(&[family, bits, 0, bits / 8]);
        self.0.extend_from_slice(octets);
    }

    fn column(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn null(&mut self) {
        self.0.extend_from_slice(&NULL.to_be_bytes());
    }

    fn length(&mut self, length: usize) {
        // A text of 2 GiB is out of reach: an event is a megabyte at most.
        let length = i32::try_from(length).unwrap_or(i32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
    }
}

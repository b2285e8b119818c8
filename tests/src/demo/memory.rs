//! How much memory the services use: of the process that listens on an address, if it is on this machine and may be
//! looked at.

use std::{
    fs, io,
    net::ToSocketAddrs as _,
    path::{Path, PathBuf},
};

use tonic::transport::Uri;

/// Resident memory of a process, in kilobytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// Now.
    pub(super) now: u64,
    /// The most that it ever was.
    pub(super) peak: u64,
}

/// The memory of the process called `name` that listens on `address`; none if there is no such process here.
pub(super) fn of_service(name: &str, address: &str) -> Option<Memory> {
    let port = local_port(address)?;
    let sockets: Vec<_> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let process = processes()
        .ok()?
        .into_iter()
        .find(|process| is_called(process, name) && has_one_of(process, &sockets))?;
    read_status(&fs::read_to_string(process.join("status")).ok()?)
}

/// The port of an address that is this machine's loopback.
fn local_port(address: &str) -> Option<u16> {
    let uri: Uri = address.parse().ok()?;
    let (host, port) = (uri.host()?.trim_matches(['[', ']']), uri.port_u16()?);
    let mut addresses = (host, port).to_socket_addrs().ok()?;
    addresses
        .any(|address| address.ip().is_loopback())
        .then_some(port)
}

/// The inodes of the sockets that listen on a port, from a table of `/proc/net/tcp`.
fn listening(table: &str, port: u16) -> Vec<String> {
    let of_line = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let (_, hex) = local.rsplit_once(':')?;
        (*state == "0A" && u16::from_str_radix(hex, 16) == Ok(port)).then(|| (*inode).to_owned())
    };
    table.lines().skip(1).filter_map(of_line).collect()
}

fn processes() -> io::Result<Vec<PathBuf>> {
    let is_process = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit))
    };
    Ok(fs::read_dir("/proc")?
        .flatten()
        .map(|entry| entry.path())
        .filter(is_process)
        .collect())
}

/// The kernel keeps 15 characters of a name.
fn is_called(process: &Path, name: &str) -> bool {
    let kept = name.get(..name.len().min(15)).unwrap_or(name);
    fs::read_to_string(process.join("comm")).is_ok_and(|comm| comm.trim_end() == kept)
}

fn has_one_of(process: &Path, sockets: &[String]) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    let links = files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok());
    links.into_iter().any(|link| {
        sockets
            .iter()
            .any(|socket| link.as_os_str() == socket.as_str())
    })
}

fn read_status(status: &str) -> Option<Memory> {
    let kilobytes = |key: &str| {
        status.lines().find_map(|line| {
            line.strip_prefix(key)?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        })
    };
    Some(Memory {
        now: kilobytes("VmRSS:")?,
        peak: kilobytes("VmHWM:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_kernel_are_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:C383 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 x 100 0 0 10 0\n   1: 0100007F:C383 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 x 100 0 0 10 0\n";
        assert_eq!(listening(table, 50_051), ["4711"]);
        assert!(listening(table, 50_052).is_empty());
        let memory = read_status("Name:\tx\nVmHWM:\t   20 kB\nVmRSS:\t   10 kB\n");
        assert_eq!(memory, Some(Memory { now: 10, peak: 20 }));
    }

    #[test]
    fn only_this_machine_is_looked_at() {
        assert_eq!(local_port("http://127.0.0.1:50051"), Some(50_051));
        assert_eq!(local_port("http://[::1]:50051"), Some(50_051));
        assert_eq!(local_port("http://192.0.2.1:50051"), None);
        assert_eq!(local_port("nonsense"), None);
    }
}

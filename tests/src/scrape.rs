//! What a service measures of itself, in the text format of Prometheus.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A port that is free now.
///
/// # Errors
/// There is none.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// All that a service measured.
#[derive(Clone, Debug, Default)]
pub struct Measures(String);

/// Asks a service for what it measured.
///
/// # Errors
/// It does not answer.
pub async fn scrape(address: SocketAddr) -> anyhow::Result<Measures> {
    let mut connection = TcpStream::connect(address).await?;
    connection
        .write_all(b"GET /metrics HTTP/1.0\r\n\r\n")
        .await?;
    let mut text = String::new();
    connection.read_to_string(&mut text).await?;
    Ok(Measures(text))
}

impl Measures {
    /// The value of one series, such as `onsale_conflicts_total` or `onsale_command_seconds_count{outcome="shed"}`.
    #[must_use]
    pub fn value(&self, series: &str) -> Option<f64> {
        let mut lines = self.0.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        value.trim().parse().ok()
    }

    /// The buckets of a histogram with one label, such as `outcome="shed"`: upper bound and how many were not above it.
    fn buckets(&self, histogram: &str, label: &str) -> anyhow::Result<Vec<(f64, u64)>> {
        let start = format!("{histogram}_bucket{{{label},le=\"");
        let bucket = |line: &str| -> Option<anyhow::Result<(f64, u64)>> {
            let (bound, count) = line.strip_prefix(&start)?.split_once("\"} ")?;
            let parsed =
                || anyhow::Ok((bound.replace("+Inf", "inf").parse()?, count.trim().parse()?));
            Some(parsed().context(line.to_owned()))
        };
        self.0.lines().filter_map(bucket).collect()
    }

    /// The upper bound of the bucket that holds `percent` of 100 of what was measured since `before`; none if nothing was.
    ///
    /// # Errors
    /// What was scraped cannot be read.
    pub fn bound_since(
        &self,
        before: &Self,
        histogram: &str,
        label: &str,
        percent: u64,
    ) -> anyhow::Result<Option<f64>> {
        let earlier = before.buckets(histogram, label)?;
        let counted: Vec<_> = self
            .buckets(histogram, label)?
            .into_iter()
            .enumerate()
            .map(|(n, (bound, count))| {
                (
                    bound,
                    count.saturating_sub(earlier.get(n).map_or(0, |(_, count)| *count)),
                )
            })
            .collect();
        let all = counted.last().map_or(0, |(_, count)| *count);
        let holds = |(_, count): &&(f64, u64)| all > 0 && *count * 100 >= all * percent;
        Ok(counted.iter().find(holds).map(|(bound, _)| *bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measures(fast: u32, slow: u32) -> Measures {
        let all = fast + slow;
        Measures(format!(
            "# HELP t_seconds How long\n\
             t_seconds_bucket{{outcome=\"shed\",le=\"0.005\"}} {fast}\n\
             t_seconds_bucket{{outcome=\"shed\",le=\"+Inf\"}} {all}\n\
             t_seconds_count{{outcome=\"shed\"}} {all}\n"
        ))
    }

    #[test]
    fn a_bound_is_the_bound_of_its_bucket_and_counts_only_what_came_since() {
        let bound = |now: &Measures, before: &Measures| {
            now.bound_since(before, "t_seconds", "outcome=\"shed\"", 99)
                .unwrap()
        };
        assert_eq!(bound(&measures(99, 1), &measures(0, 0)), Some(0.005));
        assert_eq!(
            bound(&measures(99, 2), &measures(0, 0)),
            Some(f64::INFINITY)
        );
        assert_eq!(bound(&measures(199, 2), &measures(0, 2)), Some(0.005));
        assert_eq!(bound(&measures(5, 5), &measures(5, 5)), None);
        assert_eq!(
            measures(3, 4).value("t_seconds_count{outcome=\"shed\"}"),
            Some(7.0)
        );
        assert_eq!(measures(3, 4).value("t_seconds"), None);
    }
}

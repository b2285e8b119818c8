//! Threads for work that may wait: where every core is busy they get what those who serve leave over.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// Reading a snapshot keeps one thread waiting for bytes.
const THREADS_MAX: usize = 2;

/// The threads, until it is dropped; what they are at then is not waited for.
#[derive(Debug)]
pub(super) struct Background(Option<Runtime>);

impl Background {
    /// No thread yet: each comes when it is needed.
    ///
    /// # Errors
    /// The system has no room for a runtime.
    pub(super) fn new() -> io::Result<Self> {
        // Nothing runs on it but blocking work.
        let runtime = Builder::new_current_thread()
            .thread_name("background")
            .on_thread_start(give_way)
            .max_blocking_threads(THREADS_MAX)
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Where to run it.
    pub(super) fn handle(&self) -> Handle {
        self.0
            .as_ref()
            .map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Gives this thread the lowest priority. Linux has one for each thread (setpriority(2)), others only for the whole process,
/// which serves.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        const LOWEST: i32 = 19;
        if let Err(error) = rustix::process::setpriority_process(None, LOWEST) {
            tracing::warn!(%error, "snapshots are made at the priority of sales");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn its_threads_give_way_and_others_do_not() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let background = Background::new().unwrap();
        let other = tokio::task::spawn_blocking(priority).await.unwrap();
        assert_eq!(
            background.handle().spawn_blocking(priority).await.unwrap(),
            19
        );
        assert_eq!(tokio::task::spawn_blocking(priority).await.unwrap(), other);
        assert!(other < 19);
    }

    #[tokio::test]
    async fn dropping_it_does_not_wait_for_what_runs() {
        let background = Background::new().unwrap();
        let (goes_on, waits) = std::sync::mpsc::channel::<()>();
        let runs = background
            .handle()
            .spawn_blocking(move || waits.recv().is_ok());
        drop(background);
        goes_on.send(()).unwrap();
        // What had begun ends; what had not is given up.
        assert!(runs.await.unwrap_or(true));
    }
}

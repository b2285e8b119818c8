//! What a server does beside its calls: tasks that end when it is asked to stop, and never before.

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The tasks of a server. A panic in one of them is a defect after which the instance is of no use, though it still answers:
/// it would sell nothing, or sweep nothing, until somebody looked.
#[derive(Debug, Default)]
pub struct Background {
    tasks: JoinSet<&'static str>,
    /// Nobody needs what still runs.
    ended: CancellationToken,
}

impl Background {
    /// Starts a task that ends when the server is asked to stop. Its name says what it does.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(async move {
            task.await;
            name
        });
    }

    /// Starts a task that calls under way need: it goes on until they have ended.
    pub fn spawn_to_the_end(
        &mut self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let ended = self.ended.clone().cancelled_owned();
        self.spawn(name, async move {
            tokio::select! {
                () = task => {}
                () = ended => {}
            }
        });
    }

    /// Comes back when a task has panicked; other tasks may end meanwhile.
    ///
    /// # Errors
    /// Always: which panic it was.
    pub async fn panicked(&mut self) -> anyhow::Result<std::convert::Infallible> {
        while let Some(ended) = self.tasks.join_next().await {
            let name =
                ended.context("a background task panicked; nothing that was answered is lost")?;
            tracing::debug!(task = name, "ended");
        }
        std::future::pending().await
    }

    /// Waits for all of them: the server was asked to stop, and its calls have ended.
    ///
    /// # Errors
    /// One of them panicked.
    pub async fn end(mut self) -> anyhow::Result<()> {
        self.ended.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("a background task panicked")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_and_an_end_is_not() {
        let mut background = Background::default();
        background.spawn("ends", async {});
        background.spawn("waits", std::future::pending());
        background.spawn("panics", async { panic!("on purpose") });
        let limit = std::time::Duration::from_secs(10);
        let panicked = tokio::time::timeout(limit, background.panicked()).await;
        let error = panicked.expect("it is told").unwrap_err();
        assert!(format!("{error:#}").contains("panicked"), "{error:#}");
    }

    #[tokio::test]
    async fn all_are_waited_for_at_the_end() {
        let mut background = Background::default();
        let (done, mut is_done) = tokio::sync::mpsc::channel(1);
        background.spawn("ends late", async move {
            tokio::task::yield_now().await;
            done.try_send(()).unwrap();
        });
        background.spawn_to_the_end("is needed until then", std::future::pending());
        background.end().await.unwrap();
        is_done.try_recv().unwrap();
    }
}

//! Whether memory may be believed. One writer, the tail; many readers.

use tokio::sync::watch;

/// How memory stands to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It has not reached the head that the log had at the start.
    Starting,
    /// It follows the log.
    Ready,
    /// The log has something that this version cannot follow; a person must look.
    Stopped,
}

/// Says how memory stands; cheap to clone.
pub(crate) type Announcer = watch::Sender<Readiness>;
/// Learns how memory stands; cheap to clone.
pub(crate) type Observer = watch::Receiver<Readiness>;

/// In the state of a process that begins.
pub(crate) fn starting() -> Announcer {
    watch::Sender::new(Readiness::Starting)
}

//! Standard output: the only place that writes to it. On a terminal a few lines are drawn again and again in place, with
//! the cursor hidden; it comes back however the demo ends.

use std::io::{self, IsTerminal as _, Write as _};

use super::options::Options;

/// Hides the cursor, and cuts off long lines instead of wrapping them, which would shift what is drawn.
const BEGIN: &str = "\x1b[?25l\x1b[?7l";
/// The opposite of [`BEGIN`].
const END: &str = "\x1b[?7h\x1b[?25h";

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Style {
    Bold,
    Dim,
    Good,
    Bad,
    Warning,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: bool,
    color: bool,
    /// What is drawn now, to be drawn over.
    drawn: usize,
}

impl Screen {
    pub(super) fn new(options: &Options) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            terminal: terminal && !options.plain,
            color: terminal && !options.no_color,
            drawn: 0,
        }
    }

    /// Whether lines can be drawn over.
    pub(super) const fn is_drawn(&self) -> bool {
        self.terminal
    }

    /// Writes lines that stay.
    pub(super) fn say(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// Draws lines over those drawn before.
    pub(super) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        let mut frame = if self.drawn == 0 {
            BEGIN.to_owned()
        } else {
            format!("\x1b[{}A", self.drawn)
        };
        for line in lines {
            // The rest of the line is cleared, so that a shorter one leaves nothing behind.
            frame.push_str(&format!("\r{line}\x1b[K\n"));
        }
        self.drawn = lines.len();
        let mut out = io::stdout().lock();
        out.write_all(frame.as_bytes())?;
        out.flush()
    }

    /// Leaves what is drawn where it is.
    pub(super) fn finish_drawing(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.drawn) == 0 {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(END.as_bytes())?;
        out.flush()
    }

    pub(super) fn styled(&self, style: Style, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match style {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Bad => "31",
            Style::Warning => "33",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs no cursor.
        self.finish_drawing().ok();
    }
}

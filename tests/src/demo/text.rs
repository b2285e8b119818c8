//! Numbers and sentences as people read them.

use std::time::Duration;

/// How wide a line may be.
pub(super) const WIDTH: usize = 80;

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with what is counted: `1 ticket`, `1,000 tickets`.
pub(super) fn counted(number: impl Into<i128>, singular: &str) -> String {
    let number = number.into();
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {singular}{plural}", grouped(number))
}

/// Cents as euros, with two decimals.
pub(super) fn money(cents: i64) -> String {
    format!("{}.{:02}", grouped(cents / 100), cents % 100)
}

/// A length of microseconds as milliseconds: `12.3 ms`.
pub(super) fn milliseconds(micros: u32) -> String {
    format!("{}.{} ms", grouped(micros / 1_000), micros % 1_000 / 100)
}

/// A length of time as `00:07`.
pub(super) fn clock(length: Duration) -> String {
    let seconds = length.as_secs();
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}

/// A text in lines of at most [`WIDTH`] columns; the first begins with `head`, the others stand under its end.
pub(super) fn wrapped(head: &str, text: &str) -> String {
    let indent = head.chars().count();
    let mut lines = String::from(head);
    let mut column = indent;
    for (i, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if i > 0 && column + 1 + length > WIDTH {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            column = indent;
        } else if i > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let texts = [0, 7, 999, 1_000, 1_234_567, -1_000].map(|number: i64| grouped(number));
        assert_eq!(texts, ["0", "7", "999", "1,000", "1,234,567", "-1,000"]);
        assert_eq!(
            (counted(1, "ticket"), counted(2, "ticket")),
            ("1 ticket".into(), "2 tickets".into())
        );
    }

    #[test]
    fn lengths_of_time_are_written_with_their_unit() {
        assert_eq!(milliseconds(12_345), "12.3 ms");
        assert_eq!(clock(Duration::from_secs(67)), "01:07");
    }

    #[test]
    fn long_sentences_are_broken_between_words() {
        let text = wrapped("  x ", &["word"; 40].join(" "));
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= WIDTH));
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.starts_with("    word")),
            "{text}"
        );
    }
}

//! What documents say in a form that a test can read.

use super::repository;

/// Every document of the project, with its text.
pub(crate) fn documents() -> Vec<(String, String)> {
    repository::texts("", ".md")
}

/// The code blocks of a document in `language`.
pub(crate) fn code_blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<(bool, String)> = None;
    for line in text.lines() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut block, fence) {
            (None, Some(of)) => block = Some((of.trim() == language, String::new())),
            (None, None) => {}
            (Some((is_wanted, inside)), Some(_)) => {
                if *is_wanted {
                    blocks.push(std::mem::take(inside));
                }
                block = None;
            }
            (Some((_, inside)), None) => {
                inside.push_str(line);
                inside.push('\n');
            }
        }
    }
    blocks
}

/// The text without its code blocks.
pub(crate) fn prose(text: &str) -> String {
    let mut is_code = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

/// What stands between backticks in a text without code blocks.
pub(crate) fn code_spans(prose: &str) -> Vec<&str> {
    prose
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

/// The targets of links in a text without code blocks.
pub(crate) fn links(prose: &str) -> Vec<&str> {
    let ends = prose.split("](").skip(1);
    ends.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .collect()
}

#[test]
fn blocks_spans_and_links_are_read() {
    let text = "a `b` [c](d#e)\n```sh\nmake f `g`\n```\nh `i`\n";
    assert_eq!(code_blocks(text, "sh"), ["make f `g`\n"]);
    assert_eq!(code_spans(&prose(text)), ["b", "i"]);
    assert_eq!(links(&prose(text)), ["d#e"]);
}

//! Rust sources without what is not code. A small reader, not a parser: it knows comments, strings and characters.

/// The source with every comment blanked out; lines stay where they are.
pub(crate) fn without_comments(source: &str) -> String {
    blank(source, false)
}

/// The source with every comment and the inside of every literal blanked out; lines stay where they are.
pub(crate) fn code_only(source: &str) -> String {
    blank(source, true)
}

/// Up to where the file's tests begin. Tests come last in a file.
pub(crate) fn without_tests(source: &str) -> &str {
    source.split("#[cfg(test)]").next().unwrap_or(source)
}

/// The identifiers in a text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !is_identifier(letter))
        .filter(|word| !word.is_empty())
}

/// What directly follows each `prefix`, as far as it is an identifier.
pub(crate) fn names_after<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    let matches = text.match_indices(prefix);
    let whole = matches.filter(|(at, _)| !text[..*at].ends_with(is_identifier));
    let names = whole.map(|(at, _)| &text[at + prefix.len()..]);
    names
        .filter_map(|rest| words(rest).next().filter(|word| rest.starts_with(word)))
        .collect()
}

/// The text between the first `{` after `start` and its `}`.
pub(crate) fn block_after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let from = text.find(start)? + start.len();
    let open = from + text[from..].find('{')?;
    let mut depth = 0_usize;
    for (at, letter) in text[open..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return Some(&text[open + 1..open + at]),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn is_identifier(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn blank(source: &str, literals: bool) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(letter) = rest.chars().next() {
        let (length, is_hidden) = match letter {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), true),
            '/' if rest.starts_with("/*") => (comment(rest), true),
            '"' => (string(rest), literals),
            '\'' if let Some(length) = character(rest) => (length, literals),
            'r' if !out.ends_with(is_identifier)
                && let Some(length) = raw_string(rest) =>
            {
                (length, literals)
            }
            _ => (letter.len_utf8(), false),
        };
        let (token, after) = rest.split_at(length);
        if is_hidden {
            out.extend(
                token
                    .chars()
                    .map(|letter| if letter == '\n' { '\n' } else { ' ' }),
            );
        } else {
            out.push_str(token);
        }
        rest = after;
    }
    out
}

fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string(text: &str) -> Option<usize> {
    let hashes = text[1..].bytes().take_while(|byte| *byte == b'#').count();
    let inside = 1 + hashes + 1;
    text[1 + hashes..].starts_with('"').then(|| {
        let end = format!("\"{}", "#".repeat(hashes));
        text[inside..]
            .find(&end)
            .map_or(text.len(), |at| inside + at + end.len())
    })
}

/// A character literal; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let mut letters = text.char_indices().skip(1);
    let (_, first) = letters.next()?;
    if first == '\\' {
        return text[3..].find('\'').map(|at| at + 4);
    }
    letters
        .next()
        .filter(|(_, letter)| *letter == '\'')
        .map(|(at, _)| at + 1)
}

#[test]
fn comments_and_literals_are_told_from_code() {
    let source = r##"a // tokio
"sqlx \" // x" b /* tonic /* prost */ */ 'c' '\'' r#"d " e"# 'f fr"##;
    let expected_words = ["a", "b", "f", "fr"];
    let code = code_only(source);
    assert_eq!(
        words(&code).take(4).collect::<Vec<_>>(),
        expected_words[..4]
    );
    assert!(
        without_comments(source).contains("sqlx") && !without_comments(source).contains("tokio")
    );
    assert_eq!(code.lines().count(), source.lines().count());
}

#[test]
fn blocks_and_names_are_found() {
    let code = "fn x() { a { b } c } fn y() {}";
    assert_eq!(block_after(code, "fn x"), Some(" a { b } c "));
    assert_eq!(names_after("A::b(A::c) BA::d", "A::"), ["b", "c"]);
}

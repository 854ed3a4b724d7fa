//! Reads Rust source just well enough to measure it: where comments, strings and functions are.
//!
//! It is no parser. Braces in strings, characters and comments are blanked first; a function is
//! then the keyword `fn`, a name, and everything up to the brace that closes its body.

/// One function and how long it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// Its name.
    pub(super) name: String,
    /// Line of its `fn`, from 1.
    pub(super) line: usize,
    /// Lines from its `fn` to its closing brace, both counted.
    pub(super) lines: usize,
}

/// Returns how many lines stand before `mod tests`, all of them when there is none.
pub(super) fn lines_before_tests(text: &str) -> usize {
    let is_tests = |line: &str| matches!(line.trim_end(), "mod tests {" | "mod tests;");
    text.lines().position(is_tests).unwrap_or_else(|| text.lines().count())
}

/// Returns the functions that have a body, in the order of their first lines.
pub(super) fn functions(text: &str) -> Vec<Function> {
    let code = blanked(text);
    let mut found = Vec::new();
    let mut search = 0;
    while let Some(offset) = code[search..].find("fn ") {
        let keyword = search + offset;
        search = keyword + 3;
        let is_word_start =
            !code[..keyword].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let name: String = code[search..]
            .trim_start()
            .chars()
            .take_while(|character| character.is_alphanumeric() || *character == '_')
            .collect();
        if !is_word_start || name.is_empty() {
            continue;
        }
        let Some(end) = end_of_body(&code[search..]) else { continue };
        let line = line_of(&code, keyword);
        let lines = line_of(&code, search + end) - line + 1;
        found.push(Function { name, line, lines });
    }
    found
}

fn line_of(code: &str, position: usize) -> usize {
    code[..position].bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// Returns where the body that follows ends; `None` for a declaration, which ends in `;`.
fn end_of_body(code: &str) -> Option<usize> {
    let (mut braces, mut groups) = (0_usize, 0_usize);
    for (position, byte) in code.bytes().enumerate() {
        match byte {
            // The `;` of `[u8; 4]` in the signature stands inside a group.
            b';' if braces == 0 && groups == 0 => return None,
            b'(' | b'[' if braces == 0 => groups += 1,
            b')' | b']' if braces == 0 => groups = groups.checked_sub(1)?,
            b'{' => braces += 1,
            b'}' => {
                braces = braces.checked_sub(1)?;
                if braces == 0 && groups == 0 {
                    return Some(position);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns `text` with comments, strings and characters blanked byte by byte; line breaks stay.
fn blanked(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word =
            code.ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_');
        match length_of_blank(rest, after_word) {
            Some(length) => {
                code.extend(
                    rest[..length].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }),
                );
                rest = &rest[length..];
            }
            None => {
                code.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    code
}

/// Returns the length of the comment, string or character that `rest` begins with.
fn length_of_blank(rest: &str, after_word: bool) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(length_of_block_comment(rest));
    }
    if rest.starts_with('"') {
        return Some(length_of_quoted(rest, '"'));
    }
    if rest.starts_with('r') || rest.starts_with("br") || rest.starts_with("cr") {
        return if after_word { None } else { length_of_raw_string(rest) };
    }
    if rest.starts_with('\'') && is_character(rest) {
        return Some(length_of_quoted(rest, '\''));
    }
    None
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn is_character(rest: &str) -> bool {
    let mut characters = rest.chars().skip(1);
    characters.next() == Some('\\') || characters.next() == Some('\'')
}

fn length_of_quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (position, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return position + 1,
            _ => {}
        }
    }
    rest.len()
}

fn length_of_raw_string(rest: &str) -> Option<usize> {
    let start = rest.find('r')? + 1;
    let hashes = rest[start..].bytes().take_while(|byte| *byte == b'#').count();
    if !rest[start + hashes..].starts_with('"') {
        return None;
    }
    let body = start + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(rest[body..].find(&close).map_or(rest.len(), |end| body + end + close.len()))
}

/// Block comments nest.
fn length_of_block_comment(rest: &str) -> usize {
    let (mut depth, mut position) = (0_usize, 0);
    while position < rest.len() {
        if rest[position..].starts_with("/*") {
            depth += 1;
            position += 2;
        } else if rest[position..].starts_with("*/") {
            depth -= 1;
            position += 2;
            if depth == 0 {
                return position;
            }
        } else {
            position += rest[position..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(text: &str) -> Vec<(String, usize, usize)> {
        functions(text).into_iter().map(|f| (f.name, f.line, f.lines)).collect()
    }

    #[test]
    fn lines_of_a_function_are_counted_from_fn_to_brace() {
        let text = "/// Docs.\npub fn a() {\n    b();\n}\n\nfn b() {}\n";
        assert_eq!(measured(text), [("a".into(), 2, 3), ("b".into(), 6, 1)]);
    }

    #[test]
    fn signatures_over_several_lines_and_arrays_count() {
        let text = "fn a(\n    x: [u8; 4],\n) -> [u8; 2]\nwhere\n    T: Copy,\n{\n    [0; 2]\n}";
        assert_eq!(measured(text), [("a".into(), 1, 8)]);
    }

    #[test]
    fn declarations_and_types_are_no_functions() {
        let text = "trait T {\n    fn a(&self);\n    fn b() {\n    }\n}\nstruct S { f: fn (u8) }\n";
        assert_eq!(measured(text), [("b".into(), 3, 2)]);
    }

    #[test]
    fn nested_functions_are_measured_too() {
        let text = "fn a() {\n    fn b() {\n    }\n}\n";
        assert_eq!(measured(text), [("a".into(), 1, 4), ("b".into(), 2, 2)]);
    }

    #[test]
    fn braces_in_strings_characters_and_comments_do_not_count() {
        let text = "fn a<'a>(x: &'a str) {\n    let _ = ('{', '\\'', \"}\\\"{\", r#\"}\"}\"#, b\"}\");\n    \
                    // }\n    /* } /* } */ */\n}\nfn b() {}\n// fn c() {}\n";
        assert_eq!(measured(text), [("a".into(), 1, 5), ("b".into(), 6, 1)]);
    }

    #[test]
    fn text_beyond_ascii_keeps_positions() {
        assert_eq!(
            measured("// ñ→\nfn a() { \"é\"; 'é'; }\nfn b() {\n}"),
            [("a".into(), 2, 1), ("b".into(), 3, 2)]
        );
    }

    #[test]
    fn unfinished_source_ends_the_search() {
        assert_eq!(measured("fn a() { \"never closed"), []);
        assert_eq!(measured("fn a() { /* never closed"), []);
        assert_eq!(measured("fn a) {}"), []);
    }

    #[test]
    fn lines_before_tests_end_at_the_module() {
        assert_eq!(lines_before_tests("a\nb\n#[cfg(test)]\nmod tests {\n}\n"), 3);
        assert_eq!(lines_before_tests("a\nb\n"), 2);
    }
}

//! Relative links in Markdown files lead to files that exist.
//!
//! Links to the web are left alone: whether a server answers today says nothing about the text.

use std::path::{Path, PathBuf};

use super::{Finding, files};

/// Checks every Markdown file.
pub(super) fn check(root: &Path, all: &[PathBuf]) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in all.iter().filter(|file| files::has_extension(file, "md")) {
        let Some(text) = files::read_text(root, file)? else { continue };
        let folder = file.parent().unwrap_or(Path::new(""));
        for (line, target) in relative_targets(&text) {
            // A link from the root of the repository starts with a slash.
            let path = match target.strip_prefix('/') {
                Some(from_root) => root.join(from_root),
                None => root.join(folder).join(&target),
            };
            if !path.exists() {
                findings.push(format!("{}:{line}: no file {target}", file.display()));
            }
        }
    }
    Ok(findings)
}

/// Returns the file part of each relative link with its line number.
fn relative_targets(text: &str) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    let mut fence: Option<&str> = None;
    for (index, line) in text.lines().enumerate() {
        let start = line.trim_start();
        let marker = ["```", "~~~"].into_iter().find(|marker| start.starts_with(marker));
        match (fence, marker) {
            (None, Some(marker)) => fence = Some(marker),
            (Some(open), Some(marker)) if open == marker => fence = None,
            (Some(_), _) => {}
            (None, None) => {
                let line = without_code(line);
                let links = inline_targets(&line).into_iter().chain(definition_target(&line));
                targets.extend(links.filter_map(file_part).map(|target| (index + 1, target)));
            }
        }
    }
    targets
}

/// Blanks `code`, whose brackets are no links.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" code ")
}

/// Returns what stands in the parentheses of `[text](target "title")`.
fn inline_targets(line: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    let mut rest = line;
    while let Some(position) = rest.find("](") {
        rest = &rest[position + 2..];
        let mut depth = 1;
        let end = rest.find(|character| {
            depth += match character {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth == 0
        });
        let Some(end) = end else { break };
        targets.push(&rest[..end]);
        rest = &rest[end..];
    }
    targets
}

/// Returns the target of a definition, `[name]: target`.
fn definition_target(line: &str) -> Option<&str> {
    let (name, target) = line.trim_start().strip_prefix('[')?.split_once("]: ")?;
    (!name.contains(']')).then_some(target)
}

/// Returns the path of a relative link without anchor and title; `None` for the web and anchors.
fn file_part(target: &str) -> Option<String> {
    let target = target.trim();
    let target = match target.strip_prefix('<') {
        Some(bracketed) => bracketed.split('>').next().unwrap_or(bracketed),
        None => target.split_whitespace().next()?,
    };
    let is_web = target.contains("://") || target.starts_with("mailto:");
    let path = target.split('#').next().unwrap_or(target);
    (!is_web && !path.is_empty()).then(|| path.replace("%20", " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Vec<String> {
        relative_targets(text).into_iter().map(|(_, target)| target).collect()
    }

    #[test]
    fn relative_links_are_found() {
        assert_eq!(
            targets(
                "See [a](docs/a.md#part), ![b](<b c.png> \"t\") and [c](d_(e).md).\n\n[x]: ../x.md"
            ),
            ["docs/a.md", "b c.png", "d_(e).md", "../x.md"]
        );
    }

    #[test]
    fn the_web_anchors_and_code_are_not() {
        assert_eq!(
            targets(
                "[a](https://x.y/z) [b](#part) [c](mailto:a@b) `[d](e.md)`\n```\n[f](g.md)\n```\n"
            ),
            [""; 0]
        );
        assert_eq!(targets("```\n[f](g.md)\n```\n[h](i.md)"), ["i.md"]);
    }

    #[test]
    fn line_numbers_start_at_one() {
        assert_eq!(relative_targets("\n[a](b)"), [(2, "b".to_owned())]);
    }

    #[test]
    fn absent_files_are_reported() {
        let root = std::env::temp_dir().join(format!("xtask-links-{}", std::process::id()));
        std::fs::create_dir_all(root.join("docs")).unwrap();
        let text = "[up](../here.md) [gone](gone.md) [root](/here.md)";
        std::fs::write(root.join("docs/page.md"), text).unwrap();
        std::fs::write(root.join("here.md"), "").unwrap();
        let findings = check(&root, &["docs/page.md".into()]).unwrap();
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(findings, ["docs/page.md:1: no file gone.md"]);
    }
}

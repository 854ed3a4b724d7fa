//! Purity: the deterministic crates cannot reach the outside world by accident.
//!
//! Each of them has a `clippy.toml` that disallows clocks, files, sockets, threads, environment,
//! randomness and hash maps; the lints are errors (`[workspace.lints]`). This check makes sure
//! that the files are there and complete, and that the manifests name no crate that brings the
//! outside world along.

use std::fs;

use anyhow::Context as _;

use super::{Finding, manifests::Member};

/// The crates that must be a function of their input.
const PURE: [&str; 6] = ["model", "indicators", "engine", "strategies", "simulator", "backtest"];

/// What each `clippy.toml` must say; a crate may add lines of its own.
const AGREED: &str = include_str!("pure-clippy.toml");

/// Crates that bring sockets, files, clocks, threads or randomness.
const OUTSIDE: [&str; 14] = [
    "async-std",
    "chrono",
    "csv",
    "fastrand",
    "getrandom",
    "hyper",
    "mio",
    "parquet",
    "rand",
    "rayon",
    "rustix",
    "socket2",
    "tokio",
    "zip",
];

/// Crates that not even the tests of a pure crate may use.
const OUTSIDE_TESTS: [&str; 3] = ["async-std", "rand", "tokio"];

/// Checks the pure crates that exist.
pub(super) fn check(members: &[Member]) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in members.iter().filter(|member| PURE.contains(&member.name.as_str())) {
        findings.extend(check_dependencies(member));
        let path = member.folder.join("clippy.toml");
        if !path.is_file() {
            findings.push(format!("{}: clippy.toml is missing", member.name));
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let missing = missing_entries(&text);
        if !missing.is_empty() {
            let missing = missing.join(", ");
            findings.push(format!("{}: clippy.toml does not disallow {missing}", member.name));
        }
    }
    Ok(findings)
}

fn check_dependencies(member: &Member) -> Vec<Finding> {
    let outside = |names: &[String], list: &[&str]| {
        names.iter().filter(|name| list.contains(&name.as_str())).cloned().collect::<Vec<_>>()
    };
    let mut named = outside(&member.dependencies, &OUTSIDE);
    named.extend(outside(&member.dev_dependencies, &OUTSIDE_TESTS));
    named.iter().map(|name| format!("{}: a pure crate depends on {name}", member.name)).collect()
}

/// Returns the agreed paths that `text` does not disallow.
fn missing_entries(text: &str) -> Vec<&'static str> {
    let found: Vec<&str> = disallowed_paths(text).collect();
    disallowed_paths(AGREED).filter(|path| !found.contains(path)).collect()
}

/// Returns the paths named by lines like `    { path = "std::fs::read", reason = "..." },`.
fn disallowed_paths(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("{ path = \"")?.split_once('"'))
        .map(|(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agreed_list_names_the_outside_world() {
        let agreed: Vec<&str> = disallowed_paths(AGREED).collect();
        for path in [
            "std::time::SystemTime::now",
            "std::time::Instant::now",
            "std::fs::read",
            "std::net::TcpStream",
            "std::thread::spawn",
            "std::thread::sleep",
            "std::env::var",
            "std::collections::HashMap",
            "std::collections::HashSet",
        ] {
            assert!(agreed.contains(&path), "{path}");
        }
    }

    #[test]
    fn a_removed_line_is_found() {
        let without: String = AGREED
            .lines()
            .filter(|line| !line.contains("\"std::thread::sleep\""))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(missing_entries(&without), ["std::thread::sleep"]);
        assert_eq!(missing_entries(AGREED), [""; 0]);
        let commented =
            AGREED.replace("    { path = \"std::env::var\"", "    # { path = \"std::env::var\"");
        assert_eq!(missing_entries(&commented), ["std::env::var"]);
    }

    #[test]
    fn tests_of_pure_crates_may_use_more() {
        let mut member = Member { name: "model".into(), ..Member::default() };
        member.dev_dependencies = vec!["csv".into(), "proptest".into()];
        assert_eq!(check_dependencies(&member), [""; 0]);
        member.dependencies = vec!["rand".into()];
        member.dev_dependencies.push("tokio".into());
        assert_eq!(
            check_dependencies(&member),
            ["model: a pure crate depends on rand", "model: a pure crate depends on tokio",]
        );
    }
}

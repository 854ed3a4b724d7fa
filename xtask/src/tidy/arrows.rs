//! Dependency arrows between our crates: the table is the architecture, a new edge is a decision.
//!
//! The table holds the crates that exist. A new crate needs a row, a new edge an entry, and both
//! need a reason in ARCHITECTURE.md; an edge that went away leaves the table with it.

use std::collections::BTreeSet;

use super::{Finding, manifests::Member};

/// Each crate with the crates of this workspace it uses, lowest first.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("indicators", &["model"]),
    ("simulator", &["model"]),
    ("analytics", &["model"]),
    ("catalog", &["model"]),
    ("engine", &["indicators", "model"]),
    ("strategies", &["engine", "model"]),
    ("backtest", &["engine", "indicators", "model", "simulator"]),
    ("journal", &["model"]),
    ("gateway", &["engine", "model"]),
    ("paper", &["engine", "gateway", "journal", "model", "simulator"]),
    ("playback", &["backtest", "gateway", "model", "simulator"]),
    (
        "runtime",
        &["backtest", "engine", "gateway", "journal", "model", "paper", "playback", "simulator"],
    ),
    ("server", &["engine", "model", "runtime"]),
    (
        "bellwether",
        &[
            "analytics",
            "backtest",
            "catalog",
            "engine",
            "gateway",
            "journal",
            "model",
            "paper",
            "playback",
            "runtime",
            "server",
            "simulator",
            "strategies",
        ],
    ),
    ("xtask", &[]),
];

/// Compares the table with the manifests.
pub(super) fn check(members: &[Member]) -> Vec<Finding> {
    compare(ARROWS, members)
}

/// Lists the arrows that only tests have, for the reviewer.
pub(super) fn describe_dev(members: &[Member]) -> Vec<String> {
    members
        .iter()
        .filter_map(|member| {
            let ours: Vec<&str> = ours(&member.dev_dependencies, members).into_iter().collect();
            (!ours.is_empty()).then(|| format!("tests of {} use {}", member.name, ours.join(", ")))
        })
        .collect()
}

fn compare(table: &[(&str, &[&str])], members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let name = member.name.as_str();
        let Some((_, allowed)) = table.iter().find(|(row, _)| *row == name) else {
            findings.push(format!("{name}: the crate has no row in the table of arrows"));
            continue;
        };
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        let found = ours(&member.dependencies, members);
        for edge in found.difference(&allowed) {
            findings.push(format!("{name} -> {edge}: this arrow is not in the table"));
        }
        for edge in allowed.difference(&found) {
            findings.push(format!("{name} -> {edge}: in the table, but not in Cargo.toml"));
        }
        // Cargo allows circles through dev-dependencies; they hide which crate is the lower one.
        for edge in ours(&member.dev_dependencies, members) {
            if reaches(table, edge, name) {
                findings.push(format!("{name} -> {edge}: its tests point upwards"));
            }
        }
    }
    for (row, _) in table {
        if members.iter().all(|member| member.name != *row) {
            findings.push(format!("{row}: in the table of arrows, but not in the workspace"));
        }
    }
    findings
}

fn ours<'a>(dependencies: &'a [String], members: &[Member]) -> BTreeSet<&'a str> {
    dependencies
        .iter()
        .map(String::as_str)
        .filter(|name| members.iter().any(|member| member.name == *name))
        .collect()
}

/// Returns whether there is a path along the arrows; a circle in the table ends the search.
fn reaches(table: &[(&str, &[&str])], from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            let row = table.iter().find(|(row, _)| *row == name);
            open.extend(row.iter().flat_map(|(_, edges)| edges.iter().copied()));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[(&str, &[&str])] = &[("model", &[]), ("engine", &["model"])];

    fn member(name: &str, dependencies: &[&str], dev_dependencies: &[&str]) -> Member {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Member {
            name: name.into(),
            dependencies: owned(dependencies),
            dev_dependencies: owned(dev_dependencies),
            ..Member::default()
        }
    }

    #[test]
    fn foreign_crates_are_no_arrows() {
        let members =
            [member("model", &["serde"], &["proptest"]), member("engine", &["model"], &["model"])];
        assert_eq!(compare(TABLE, &members), [""; 0]);
    }

    #[test]
    fn an_edge_must_be_in_the_table_and_in_the_manifest() {
        let members = [member("model", &["engine"], &[]), member("engine", &[], &[])];
        assert_eq!(
            compare(TABLE, &members),
            [
                "model -> engine: this arrow is not in the table",
                "engine -> model: in the table, but not in Cargo.toml",
            ]
        );
    }

    #[test]
    fn crates_and_rows_must_match() {
        let members = [member("model", &[], &[]), member("gateway", &[], &[])];
        assert_eq!(
            compare(TABLE, &members),
            [
                "gateway: the crate has no row in the table of arrows",
                "engine: in the table of arrows, but not in the workspace",
            ]
        );
    }

    #[test]
    fn tests_must_not_point_upwards() {
        let members = [member("model", &[], &["engine"]), member("engine", &["model"], &[])];
        assert_eq!(compare(TABLE, &members), ["model -> engine: its tests point upwards"]);
        assert_eq!(describe_dev(&members), ["tests of model use engine"]);
    }

    #[test]
    fn the_table_has_no_circle() {
        for (name, edges) in ARROWS {
            for edge in *edges {
                assert!(!reaches(ARROWS, edge, name), "{name} -> {edge} closes a circle");
            }
        }
    }
}

//! Workspace members as `cargo metadata` sees them, and what every manifest must say.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::Value;

use super::Finding;
use crate::context::Context;

/// One crate of the workspace.
#[derive(Clone, Debug, Default)]
pub(super) struct Member {
    /// Package name.
    pub(super) name: String,
    /// Folder of its Cargo.toml.
    pub(super) folder: PathBuf,
    /// Names of what it needs to run or to build.
    pub(super) dependencies: Vec<String>,
    /// Names of what only its tests need.
    pub(super) dev_dependencies: Vec<String>,
}

/// Returns the members in alphabetical order.
pub(super) fn members(metadata: &Value) -> anyhow::Result<Vec<Member>> {
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let mut members =
        packages.iter().map(member).collect::<Option<Vec<_>>>().context("read cargo metadata")?;
    members.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(members)
}

fn member(package: &Value) -> Option<Member> {
    let mut member = Member {
        name: package["name"].as_str()?.to_owned(),
        folder: Path::new(package["manifest_path"].as_str()?).parent()?.to_path_buf(),
        ..Member::default()
    };
    for dependency in package["dependencies"].as_array()? {
        let name = dependency["name"].as_str()?.to_owned();
        if dependency["kind"] == "dev" {
            member.dev_dependencies.push(name);
        } else {
            member.dependencies.push(name);
        }
    }
    Some(member)
}

/// Checks that each crate inherits the workspace's lints and that both licences are there.
pub(super) fn check(context: &Context, members: &[Member]) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for member in members {
        let path = member.folder.join("Cargo.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        if !inherits_lints(&text) {
            findings.push(format!("{}: Cargo.toml lacks [lints] workspace = true", member.name));
        }
        if member.folder.file_name().is_none_or(|folder| folder != member.name.as_str()) {
            findings.push(format!("{}: the folder has another name", member.name));
        }
    }
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        if !context.root.join(licence).is_file() {
            findings.push(format!("{licence} is missing"));
        }
    }
    Ok(findings)
}

fn inherits_lints(manifest: &str) -> bool {
    let mut section = "";
    manifest.lines().map(str::trim).any(|line| {
        if line.starts_with('[') {
            section = line;
        }
        let squeezed: String = line.split_whitespace().collect();
        (section == "[lints]" && squeezed == "workspace=true")
            || (section != "[lints]" && squeezed == "lints.workspace=true")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lints_must_be_inherited_in_their_own_section() {
        assert!(inherits_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"));
        assert!(inherits_lints("lints.workspace = true\n"));
        assert!(!inherits_lints("[package]\nversion.workspace = true\n[lints]\n"));
        assert!(!inherits_lints("[lints]\n[dependencies.model]\nworkspace = true\n"));
        assert!(!inherits_lints("[lints.rust]\nunsafe_code = \"forbid\"\n"));
    }

    #[test]
    fn metadata_is_split_by_kind() {
        let metadata = json!({"packages": [
            {"name": "b", "manifest_path": "/x/b/Cargo.toml", "dependencies": [
                {"name": "model", "kind": null},
                {"name": "cc", "kind": "build"},
                {"name": "proptest", "kind": "dev"},
            ]},
            {"name": "a", "manifest_path": "/x/a/Cargo.toml", "dependencies": []},
        ]});
        let members = members(&metadata).unwrap();
        assert_eq!(members[0].name, "a");
        assert_eq!(members[1].dependencies, ["model", "cc"]);
        assert_eq!(members[1].dev_dependencies, ["proptest"]);
    }
}

//! The files that belong to the repository: tracked ones, and new ones that are not ignored.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;

/// Returns the files, relative to `root`, in alphabetical order.
pub(super) fn list(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let git = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output();
    let mut files = match git {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split_terminator('\0')
            .map(PathBuf::from)
            // A file that was deleted but not yet committed is still listed.
            .filter(|file| root.join(file).is_file())
            .collect(),
        // An unpacked archive has no git: take everything but what is built.
        _ => {
            let mut files = Vec::new();
            walk(root, Path::new(""), &mut files)?;
            files
        }
    };
    files.sort();
    files.dedup();
    Ok(files)
}

/// Returns the text of a file, or `None` when it is no UTF-8.
pub(super) fn read_text(root: &Path, file: &Path) -> anyhow::Result<Option<String>> {
    let bytes = fs::read(root.join(file)).with_context(|| format!("read {}", file.display()))?;
    Ok(String::from_utf8(bytes).ok())
}

/// Returns whether the file's name ends in `.extension`.
pub(super) fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let path = root.join(folder);
    for entry in fs::read_dir(&path).with_context(|| format!("list {}", path.display()))? {
        let entry = entry.with_context(|| format!("list {}", path.display()))?;
        let name = entry.file_name();
        if name == "target" || name == ".git" {
            continue;
        }
        if entry.file_type().with_context(|| format!("list {}", path.display()))?.is_dir() {
            walk(root, &folder.join(name), files)?;
        } else {
            files.push(folder.join(name));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_and_the_walk_agree_on_sources() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut walked = Vec::new();
        walk(root, Path::new(""), &mut walked).unwrap();
        let this = Path::new("xtask/src/tidy/files.rs");
        assert!(walked.iter().any(|file| file == this));
        assert!(list(root).unwrap().iter().any(|file| file == this));
        assert!(walked.iter().all(|file| !file.starts_with("target")));
    }
}

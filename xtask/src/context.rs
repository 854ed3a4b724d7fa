//! Where things are: the repository, cargo, the target folder and the cache folder.
//!
//! Invariant: what is downloaded or installed goes to the cache folder outside the clone, what is
//! built or measured to the target folder; nothing is written among the sources.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// What every step needs to know.
pub(crate) struct Context {
    /// Root of the repository.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target_dir: PathBuf,
    /// Outside the clone: installed tools, the Python environment, generated data.
    pub(crate) cache_dir: PathBuf,
    /// Tools are installed, and a skip is a failure.
    pub(crate) strict: bool,
    /// `cargo metadata --no-deps` of the workspace.
    pub(crate) metadata: Value,
    cargo: PathBuf,
    chosen_target_dir: Option<PathBuf>,
}

impl Context {
    /// Finds out where everything is.
    pub(crate) fn new(strict: bool) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the xtask folder has no parent")?
            .to_path_buf();
        let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
        let cache_dir = cache_dir(&root);
        // In CI the clone is new each time: a target folder outside it keeps the dependencies
        // built. A developer's own target folder stays where cargo puts it.
        let ci = env::var("CI").is_ok_and(|value| value == "true");
        let chosen_target_dir =
            (ci && env::var_os("CARGO_TARGET_DIR").is_none()).then(|| cache_dir.join("target"));
        let mut context = Self {
            root,
            target_dir: PathBuf::new(),
            cache_dir,
            strict,
            metadata: Value::Null,
            cargo,
            chosen_target_dir,
        };
        context.metadata = context.read_metadata()?;
        context.target_dir = context.metadata["target_directory"]
            .as_str()
            .map(PathBuf::from)
            .context("cargo metadata names no target_directory")?;
        Ok(context)
    }

    /// Returns a cargo command that runs in the root of the repository.
    pub(crate) fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.cargo);
        command.args(arguments).current_dir(&self.root);
        if let Some(target_dir) = &self.chosen_target_dir {
            command.env("CARGO_TARGET_DIR", target_dir);
        }
        // Logs are for reading, wherever the output goes in the end.
        command.env("CARGO_TERM_COLOR", "never");
        // A snapshot test must never rewrite its expectation while it is being judged.
        command.env("INSTA_UPDATE", "no");
        command
    }

    /// Returns `--locked` when a changed lock file must be an error.
    pub(crate) fn locked(&self) -> &'static [&'static str] {
        if self.strict { &["--locked"] } else { &[] }
    }

    /// Returns whether `cargo NAME --version` works, that is, whether the tool is there and runs.
    pub(crate) fn has_cargo_tool(&self, name: &str) -> bool {
        self.cargo([name, "--version"]).output().is_ok_and(|output| output.status.success())
    }

    /// Returns a folder for files that a step leaves behind for people to look at.
    pub(crate) fn scratch(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.target_dir.join("xtask").join(name);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("create folder {}", folder.display()))?;
        Ok(folder)
    }

    /// Returns a scratch folder without what an earlier run left in it.
    pub(crate) fn empty_scratch(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.target_dir.join("xtask").join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("empty folder {}", folder.display()))?;
        }
        self.scratch(name)
    }

    fn read_metadata(&self) -> anyhow::Result<Value> {
        let output = self
            .cargo(["metadata", "--format-version", "1", "--no-deps"])
            .output()
            .context("run cargo metadata")?;
        ensure!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        serde_json::from_slice(&output.stdout).context("read the answer of cargo metadata")
    }
}

fn cache_dir(root: &Path) -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map_or_else(|| root.join("target/cache"), |cache| cache.join("bellwether"))
}

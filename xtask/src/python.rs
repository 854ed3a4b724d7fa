//! A Python environment in the cache folder, for the benchmark's data generator.
//!
//! Python is a tool of the tests, never of the product. Where it is missing and may be installed
//! (`--strict`, root, Debian's package client), it is; elsewhere the caller reports a skip.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::Context as _;

use crate::{context::Context, process};

/// Longest time an installation may take.
const INSTALL_LIMIT: Duration = Duration::from_secs(15 * 60);

/// What tests/data/bench/gen.py imports. Ranges, not versions: the expected results are computed
/// from the file that was generated, so they hold whatever version generated it.
const PACKAGES: [&str; 3] = ["numpy>=1.26,<3", "pandas>=2.1,<4", "pyarrow>=15"];

/// Returns a Python interpreter that has [`PACKAGES`], or `None` when this machine has no Python
/// and none may be installed.
pub(crate) fn interpreter(context: &Context) -> anyhow::Result<Option<PathBuf>> {
    let environment = context.cache_dir.join("python");
    let python = environment.join("bin/python3");
    if imports_packages(&python) {
        return Ok(Some(python));
    }
    if !can_make_environments() && !install_python(context)? {
        return Ok(None);
    }
    eprintln!("    python3 -m venv {}", environment.display());
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&environment);
    process::run(context, "python-venv", &mut venv, INSTALL_LIMIT)?
        .expect_success("make the Python environment")?;
    eprintln!("    pip install {}", PACKAGES.join(" "));
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
    process::run(context, "python-packages", &mut pip, INSTALL_LIMIT)?
        .expect_success("install numpy, pandas and pyarrow")?;
    Ok(Some(python))
}

fn imports_packages(python: &PathBuf) -> bool {
    succeeds(Command::new(python).args(["-c", "import numpy, pandas, pyarrow"]))
}

fn can_make_environments() -> bool {
    succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}

fn install_python(context: &Context) -> anyhow::Result<bool> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !context.strict || !root || !succeeds(Command::new("apt-get").arg("--version")) {
        return Ok(false);
    }
    for arguments in [&["update"][..], &["install", "--yes", "python3", "python3-venv"][..]] {
        eprintln!("    apt-get {}", arguments.join(" "));
        let mut apt = Command::new("apt-get");
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        process::run(context, "python-apt", &mut apt, INSTALL_LIMIT)?
            .expect_success("install Python")
            .context("install python3 and python3-venv by hand, or repeat")?;
    }
    Ok(can_make_environments())
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

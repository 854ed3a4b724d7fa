//! Names the commit in the build, for `--version` and reports; a source tree without git builds
//! as well and says `unknown`.

use std::path::Path;
use std::process::Command;

fn main() {
    let commit = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned());
    println!("cargo::rustc-env=BELLWETHER_COMMIT={commit}");
    println!("cargo::rerun-if-changed=build.rs");
    // Naming a file that is not there would run this at every build.
    let head = "../../.git/logs/HEAD";
    if Path::new(head).exists() {
        println!("cargo::rerun-if-changed={head}");
    }
}

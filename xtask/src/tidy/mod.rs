//! Tidy: what a reviewer would otherwise have to look for by hand.
//!
//! Each check lives in its own file and returns findings; a finding is a failure. Sizes of files
//! and functions are only printed: they are a question to the author, not a verdict.

mod arrows;
mod files;
mod links;
mod manifests;
mod paths;
mod purity;
mod rules;
mod sizes;
mod source;

use crate::{context::Context, outcome::Outcome};

/// Something that must be changed before the tree is tidy.
type Finding = String;

/// The step of `cargo xtask test`.
pub(crate) fn step(context: &Context) -> anyhow::Result<Outcome> {
    let Report { checks, notes } = inspect(context)?;
    let mut outcome = Outcome { notes, ..Outcome::default() };
    let findings: Vec<&Finding> = checks.iter().flat_map(|(_, findings)| findings).collect();
    for finding in &findings {
        outcome.notes.push(format!("FAILED  {finding}"));
    }
    if !findings.is_empty() {
        outcome.failure = Some(format!("{} findings", findings.len()));
    }
    Ok(outcome)
}

/// `cargo xtask tidy`: prints each check with its findings.
pub(crate) fn run_and_print(context: &Context) -> anyhow::Result<bool> {
    let Report { checks, notes } = inspect(context)?;
    for note in notes {
        println!("{note}");
    }
    for (name, findings) in &checks {
        println!("{:<8} {name}", if findings.is_empty() { "ok" } else { "FAILED" });
        for finding in findings {
            println!("         {finding}");
        }
    }
    Ok(checks.iter().all(|(_, findings)| findings.is_empty()))
}

struct Report {
    checks: Vec<(&'static str, Vec<Finding>)>,
    notes: Vec<String>,
}

fn inspect(context: &Context) -> anyhow::Result<Report> {
    let files = files::list(&context.root)?;
    let members = manifests::members(&context.metadata)?;
    let checks = vec![
        ("dependency arrows", arrows::check(&members)),
        ("purity of the core", purity::check(&members)?),
        ("manifests inherit the lints, licences are there", manifests::check(context, &members)?),
        ("relative links in Markdown", links::check(&context.root, &files)?),
        ("no machine paths", paths::check(&context.root, &files)?),
        ("no file over 2 MB", sizes::check_bytes(&context.root, &files)?),
        ("rule ids exist", rules::check(&context.root, &files)?),
    ];
    let mut notes = arrows::describe_dev(&members);
    notes.extend(sizes::report(&context.root, &files)?);
    Ok(Report { checks, notes })
}

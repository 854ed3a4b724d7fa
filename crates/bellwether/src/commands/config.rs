//! `config init|check|show`: write, validate and print the configuration.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::Context;
use crate::config::{DEFAULT_FILE, Effective, KEYS, LoadError, Origin, allowed, load, template};
use crate::exit::{Exit, Failure};
use crate::files;
use crate::spec;
use crate::terminal::{self, TITLE};

/// Flags of `config`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bellwether config init\n  bellwether config show --json")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write a commented file with every key
    #[command(
        after_help = "Examples:\n  bellwether config init\n  bellwether --config night.toml config init --force"
    )]
    Init {
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Validate the configuration
    #[command(
        after_help = "Examples:\n  bellwether config check\n  bellwether --config night.toml config check --json"
    )]
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the values in force with their origin
    #[command(
        after_help = "Examples:\n  bellwether config show\n  BELLWETHER_RISK__MAX_POSITIONS=3 bellwether config show --json"
    )]
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs `config`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    match args.command {
        Action::Init { force, json } => init(context, force, json),
        Action::Check { json } => check(context, json),
        Action::Show { json } => show(context, json),
    }
}

fn init(context: &Context, force: bool, as_json: bool) -> Result<Exit, Failure> {
    let path = context.global.config.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    if path.exists() && !force {
        let message = format!("{} is there already and was not changed", path.display());
        return Err(Failure::usage(message).hint("--force replaces it"));
    }
    if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
        files::make_folder(folder)?;
    }
    files::write(&path, &template(&context.registry))?;
    if as_json {
        terminal::json(&json!({ "file": path.display().to_string() }))?;
    } else {
        terminal::raw(&format!("wrote {}\n", path.display()))?;
    }
    Ok(Exit::Done)
}

fn check(context: &Context, as_json: bool) -> Result<Exit, Failure> {
    let loaded = load(&context.layers(), &context.registry);
    match loaded {
        Ok(effective) => {
            let file = effective.file.as_ref().map(|file| file.display().to_string());
            let warnings = effective.warnings();
            if as_json {
                terminal::json(
                    &json!({ "ok": true, "file": file, "problems": [], "warnings": warnings }),
                )?;
            } else {
                warnings.iter().for_each(|warning| terminal::warn(warning));
                let what = file.unwrap_or_else(|| "defaults and environment (no file)".to_owned());
                terminal::raw(&format!("{what}: valid\n"))?;
            }
            Ok(Exit::Done)
        }
        Err(LoadError::Problems(problems)) if as_json => {
            let problems: Vec<Value> = problems.iter().map(|problem| problem.to_json()).collect();
            let answer = json!({ "ok": false, "file": null, "problems": problems, "warnings": [] });
            terminal::json(&answer)?;
            Ok(Exit::Config)
        }
        Err(error) => Err(error.into()),
    }
}

/// One line of `config show`.
struct Line {
    section: String,
    name: &'static str,
    value: String,
    json_value: Value,
    default: String,
    origin: Origin,
    allowed: String,
}

fn show(context: &Context, as_json: bool) -> Result<Exit, Failure> {
    let effective = context.configure(&context.layers())?;
    let lines = lines(context, &effective);
    if as_json {
        let keys: Vec<Value> = lines
            .iter()
            .map(|line| {
                json!({
                    "key": format!("{}.{}", line.section, line.name),
                    "value": line.json_value,
                    "default": line.default,
                    "allowed": line.allowed,
                    "origin": line.origin.to_json(),
                })
            })
            .collect();
        let file = effective.file.as_ref().map(|file| file.display().to_string());
        let warnings = effective.warnings();
        terminal::json(&json!({ "file": file, "keys": keys, "warnings": warnings }))?;
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    let mut rest = &lines[..];
    while let Some(first) = rest.first() {
        let end = rest.iter().position(|line| line.section != first.section).unwrap_or(rest.len());
        let mut table = terminal::table(["key", "value", "origin"], &[]);
        for line in &rest[..end] {
            table.add_row([line.name, &line.value, &line.origin.to_string()]);
        }
        text.push_str(&format!(
            "{TITLE}[{}]{TITLE:#}\n{}\n",
            first.section,
            terminal::text_of(&table)
        ));
        rest = &rest[end..];
    }
    terminal::styled(&text)?;
    Ok(Exit::Done)
}

fn lines(context: &Context, effective: &Effective) -> Vec<Line> {
    let defaults = crate::config::Config::default();
    let mut lines: Vec<Line> = KEYS
        .iter()
        .map(|key| {
            let value = (key.get)(&effective.config);
            Line {
                section: key.section().to_owned(),
                name: key.name(),
                json_value: json!(value),
                value: value.to_string(),
                default: (key.get)(&defaults).to_string(),
                origin: effective.origin(key),
                allowed: key.kind.allowed(),
            }
        })
        .collect();
    for instance in instances(effective) {
        let Ok(info) = context.registry.find(spec::base_name(&instance)) else { continue };
        for parameter in info.parameters {
            let setting = setting(effective, &instance, parameter.name);
            let value = setting.map_or(parameter.default, |(text, _)| text);
            lines.push(Line {
                section: format!("strategies.{instance}"),
                name: parameter.name,
                json_value: json!(value),
                value: value.to_owned(),
                default: parameter.default.to_owned(),
                origin: setting.map(|(_, origin)| origin.clone()).unwrap_or_default(),
                allowed: allowed(parameter),
            });
        }
    }
    lines
}

/// Returns the instances that are active or have parameters of their own, each once.
fn instances(effective: &Effective) -> Vec<String> {
    let mut names = effective.config.system.active_strategies.clone();
    names.extend(effective.strategies.keys().cloned());
    let mut seen: Vec<String> = Vec::new();
    names.retain(|name| {
        let new = !seen.contains(name);
        seen.push(name.clone());
        new
    });
    names
}

/// Returns a parameter's text and origin: the instance's own, else its strategy's.
fn setting<'a>(
    effective: &'a Effective,
    instance: &str,
    parameter: &str,
) -> Option<(&'a str, &'a Origin)> {
    [instance, spec::base_name(instance)].into_iter().find_map(|name| {
        let settings = effective.strategies.get(name)?;
        let setting = settings.iter().find(|setting| setting.name == parameter)?;
        Some((setting.text.as_str(), &setting.origin))
    })
}

//! W1 and W2: generated markets on which the full engine must equal a plain loop, to the cent.
//!
//! tests/data/bench/gen.py makes the market of a seed, tests/data/bench/reference.py says what
//! the strategy `vwap_cross` earns on it; the program imports the same file and must say the
//! same. Other engines gave these results too (tests/data/bench/README.md).
//!
//! Generated files and reference answers are kept in the cache folder, named by seed and by the
//! scripts that made them. Stores are always imported anew: the importer is under test.

use std::{
    collections::hash_map::DefaultHasher,
    fmt, fs,
    hash::{Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::{
    context::Context,
    outcome::Outcome,
    process, python,
    release::{self, Program},
};

/// The seed whose results are published in tests/data/bench/README.md.
pub(crate) const PUBLISHED_SEED: u64 = 20_240_611;

/// A second market, so that no result can be written down instead of computed.
const OTHER_SEED: u64 = 77;

/// Why W1 and W2 could not be made.
pub(crate) const NO_PYTHON: &str = "python3 with venv is not installed";

const WORKLOADS: [&str; 2] = ["w1", "w2"];
const FILLS: [&str; 3] = ["next_open", "same_close", "next_close"];
const SCRIPT_LIMIT: Duration = Duration::from_secs(10 * 60);

/// The generated market of one seed.
pub(crate) struct Market {
    /// Holds w1.csv, w1.parquet, w2.csv and w2.parquet.
    pub(crate) folder: PathBuf,
    python: PathBuf,
}

/// Makes the market of `seed`, unless it is in the cache; `None` when Python is not to be had.
pub(crate) fn generate(context: &Context, seed: u64) -> anyhow::Result<Option<Market>> {
    generate_with(context, seed, &[])
}

/// Makes the market of `seed` with the trades of W4 (w4.csv, w4.parquet).
pub(crate) fn generate_with_ticks(context: &Context, seed: u64) -> anyhow::Result<Option<Market>> {
    generate_with(context, seed, &["--ticks"])
}

fn generate_with(context: &Context, seed: u64, flags: &[&str]) -> anyhow::Result<Option<Market>> {
    let Some(python) = python::interpreter(context)? else { return Ok(None) };
    let key = scripts_key(context)?;
    let name = format!("{seed}-{key:016x}{}", flags.concat());
    let folder = context.cache_dir.join("workloads").join(name);
    if !folder.exists() {
        eprintln!("    gen.py --seed {seed} {}", flags.join(" "));
        // The name appears only when everything in it is complete: an interrupted run leaves a
        // folder that nobody reads.
        let unfinished = folder.with_extension("unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).context("remove an unfinished market")?;
        }
        let mut generator = script(context, &python, "gen.py");
        generator.arg(&unfinished).args(["--seed", &seed.to_string()]).args(flags);
        process::run(context, "workloads-gen", &mut generator, SCRIPT_LIMIT)?
            .expect_success("generate W1 and W2")?;
        fs::rename(&unfinished, &folder)
            .with_context(|| format!("rename to {}", folder.display()))?;
    }
    Ok(Some(Market { folder, python }))
}

/// Step: trades, orders and net result equal the reference, for every seed, workload and fill.
pub(crate) fn equal_reference(context: &Context) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::ok();
    for seed in [PUBLISHED_SEED, OTHER_SEED] {
        let Some(market) = generate(context, seed)? else {
            return Ok(Outcome::skipped("workloads", NO_PYTHON));
        };
        for workload in WORKLOADS {
            let scratch = context.empty_scratch(&format!("workloads/{seed}-{workload}"))?;
            let program = Program::new(context, "release", scratch);
            let file = market.folder.join(format!("{workload}.parquet"));
            if let Err(error) = import(&program, "parquet", &file, "store") {
                outcome.case(&format!("{workload} seed {seed} import"), Err(error));
                continue;
            }
            for fill in FILLS {
                let result = compare(context, &program, &market, workload, fill);
                outcome.case(&format!("{workload} seed {seed} {fill}"), result);
            }
        }
    }
    Ok(outcome)
}

/// Step: `decision_hash` is the same in three runs, in the debug build, and for a store that was
/// imported from CSV instead of Parquet (design.md decision 1).
pub(crate) fn equal_hashes(context: &Context) -> anyhow::Result<Outcome> {
    let Some(market) = generate(context, PUBLISHED_SEED)? else {
        return Ok(Outcome::skipped("hashes", NO_PYTHON));
    };
    release::build_debug_binary(context)?;
    let scratch = context.empty_scratch("workloads/hashes")?;
    let release = Program::new(context, "release", scratch.clone());
    let debug = Program::new(context, "debug", scratch);
    for (format, store) in [("parquet", "store"), ("csv", "csv-store")] {
        import(&release, format, &market.folder.join(format!("w2.{format}")), store)?;
    }
    let expected = decision_hash(&release, "store")?;
    let mut outcome = Outcome::ok();
    let cases = [
        ("second run", &release, "store"),
        ("third run", &release, "store"),
        ("debug build", &debug, "store"),
        ("store imported from CSV", &release, "csv-store"),
    ];
    for (name, program, store) in cases {
        let result = decision_hash(program, store).and_then(|hash| {
            ensure!(hash == expected, "decision_hash is {hash}, the first run had {expected}");
            Ok(())
        });
        outcome.case(&format!("decision_hash: {name}"), result);
    }
    Ok(outcome)
}

/// Returns the hash over the first weeks of W2, short enough for the debug build.
fn decision_hash(program: &Program<'_>, store: &str) -> anyhow::Result<String> {
    let mut arguments = backtest_arguments(store, "next_open");
    arguments.extend(["--to", "2020-02-28"]);
    let report = program.json("workloads-hash", &arguments, 0)?;
    let trades = integer(&report["summary"]["trades"]).context("summary.trades")?;
    ensure!(trades > 0, "nothing was traded, so the hash proves nothing");
    let hash = report["decision_hash"].as_str().context("decision_hash is missing")?;
    ensure!(!hash.is_empty(), "decision_hash is empty");
    Ok(hash.to_owned())
}

/// Imports one file into an empty store; not a row may be lost.
fn import(program: &Program<'_>, format: &str, file: &Path, store: &str) -> anyhow::Result<()> {
    let file = file.to_str().context("the path of the market is not UTF-8")?;
    let arguments = ["data", "import", "--format", format, file, "--into", store, "--json"];
    let answer = program.json("workloads-import", &arguments, 0)?;
    let (rows, stored) = (integer(&answer["rows"])?, integer(&answer["stored"])?);
    ensure!(rows > 0 && rows == stored, "{rows} rows, {stored} stored: {file}");
    Ok(())
}

fn backtest_arguments<'a>(store: &'a str, fill: &'a str) -> Vec<&'a str> {
    let mut arguments = vec!["backtest", "--data", store, "--strategy", "vwap_cross"];
    arguments.extend(["--fill", fill, "--commission", "per_share:0.005"]);
    arguments.extend(["--no-risk-limits", "--json"]);
    arguments
}

fn compare(
    context: &Context,
    program: &Program<'_>,
    market: &Market,
    workload: &str,
    fill: &str,
) -> anyhow::Result<()> {
    let expected = reference(context, market, workload, fill)?;
    let report = program.json("workloads-run", &backtest_arguments("store", fill), 0)?;
    let actual = Figures::read(&report["summary"], "net_pnl")
        .context("read the summary of the backtest report")?;
    ensure!(actual == expected, "backtest gives {actual}, the reference {expected}");
    Ok(())
}

/// Returns what the plain loop says, from the cache where it was asked before.
fn reference(
    context: &Context,
    market: &Market,
    workload: &str,
    fill: &str,
) -> anyhow::Result<Figures> {
    let kept = market.folder.join(format!("{workload}-{fill}.json"));
    let text = match fs::read_to_string(&kept) {
        Ok(text) => text,
        Err(_) => {
            let mut loop_script = script(context, &market.python, "reference.py");
            loop_script.arg(&market.folder).args([workload, fill]);
            let finished =
                process::run(context, "workloads-reference", &mut loop_script, SCRIPT_LIMIT)?
                    .expect_success("run reference.py")?;
            let unfinished = kept.with_extension("unfinished");
            fs::write(&unfinished, &finished.stdout)
                .and_then(|()| fs::rename(&unfinished, &kept))
                .with_context(|| format!("keep {}", kept.display()))?;
            finished.stdout
        }
    };
    let answer: Value = serde_json::from_str(&text).context("read the answer of reference.py")?;
    Figures::read(&answer, "net").context("read the answer of reference.py")
}

/// What both sides must agree on.
#[derive(Debug, PartialEq, Eq)]
struct Figures {
    trades: i128,
    orders: i128,
    /// In units of 1e-9 dollars, so that a difference below a cent shows as well.
    net: i128,
}

impl Figures {
    fn read(object: &Value, net: &str) -> anyhow::Result<Self> {
        Ok(Self {
            trades: integer(&object["trades"]).context("trades")?,
            orders: integer(&object["orders"]).context("orders")?,
            net: object[net].as_str().and_then(billionths).with_context(|| {
                format!("{net} is {}, expected a decimal in a string", object[net])
            })?,
        })
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.net < 0 { "-" } else { "" };
        let (dollars, rest) =
            (self.net.unsigned_abs() / 1_000_000_000, self.net.unsigned_abs() % 1_000_000_000);
        write!(f, "{} trades, {} orders, net {sign}{dollars}.{rest:09}", self.trades, self.orders)
    }
}

fn integer(value: &Value) -> anyhow::Result<i128> {
    match value.as_i64() {
        Some(number) => Ok(number.into()),
        None => bail!("{value} is no whole number"),
    }
}

/// Reads a decimal text exactly; `None` for anything else or for more than nine decimals.
fn billionths(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 9 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let magnitude: i128 = format!("{whole}{fraction:0<9}").parse().ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

fn script(context: &Context, python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(bench_folder(context).join(name)).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn bench_folder(context: &Context) -> PathBuf {
    context.root.join("tests/data/bench")
}

/// Returns a number that changes when a script changes, so that no stale result is compared.
fn scripts_key(context: &Context) -> anyhow::Result<u64> {
    let mut hasher = DefaultHasher::new();
    for name in ["gen.py", "reference.py"] {
        let path = bench_folder(context).join(name);
        fs::read(&path).with_context(|| format!("read {}", path.display()))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(billionths("-62362.00"), Some(-62_362_000_000_000));
        assert_eq!(billionths("0.000000001"), Some(1));
        assert_eq!(billionths("-0.5"), Some(-500_000_000));
        assert_eq!(billionths("7"), Some(7_000_000_000));
        for bad in ["", "-", "1e5", "1.0000000001", "+1", "1,0", "--1", ".5"] {
            assert_eq!(billionths(bad), None, "{bad}");
        }
    }

    #[test]
    fn figures_differ_by_less_than_a_cent() {
        let report = json!({"trades": 3, "orders": 6, "net_pnl": "-1.500000001"});
        let reference = json!({"trades": 3, "orders": 6, "net": "-1.50"});
        let actual = Figures::read(&report, "net_pnl").unwrap();
        let expected = Figures::read(&reference, "net").unwrap();
        assert_ne!(actual, expected);
        assert_eq!(actual.net - expected.net, -1);
        assert_eq!(actual.to_string(), "3 trades, 6 orders, net -1.500000001");
    }

    #[test]
    fn a_missing_figure_is_an_error() {
        assert!(Figures::read(&json!({"trades": 3, "orders": 6}), "net_pnl").is_err());
        assert!(
            Figures::read(&json!({"trades": 3, "orders": 6, "net_pnl": 1.5}), "net_pnl").is_err()
        );
        assert!(Figures::read(&json!({"trades": "3", "orders": 6, "net": "1"}), "net").is_err());
    }
}

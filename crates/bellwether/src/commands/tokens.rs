//! `tokens`: API tokens, on the data directory or through a running system (S4).

use runtime::clock::wall;
use serde_json::{Value, json};
use server::auth::{Auth, AuthError, DEFAULT_DAYS, MAX_DAYS, Role};

use crate::cli::Context;
use crate::client::{Client, Connection, part};
use crate::exit::{Exit, Failure};
use crate::terminal;

/// Flags of `tokens`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether tokens create desk --role admin --json\n  bellwether tokens list"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make a token; its text is shown this one time
    Create(CreateArgs),
    /// List the tokens, without their texts
    List(ListArgs),
    /// Revoke a token
    Revoke(RevokeArgs),
}

/// Where the tokens are changed.
#[derive(Debug, clap::Args)]
struct Place {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Through the API of a running system instead of the data directory
    #[arg(long)]
    api: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Flags of `tokens create`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether tokens create desk --role admin\n  bellwether tokens create grafana --role viewer --days 90 --json"
)]
struct CreateArgs {
    /// Its name
    name: String,
    /// What it may do: viewer, operator or admin
    #[arg(long)]
    role: Role,
    /// Days for which it is valid
    #[arg(long, value_name = "N", default_value_t = DEFAULT_DAYS,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_DAYS)))]
    days: u16,
    #[command(flatten)]
    place: Place,
}

/// Flags of `tokens list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  bellwether tokens list\n  bellwether tokens list --json")]
struct ListArgs {
    #[command(flatten)]
    place: Place,
}

/// Flags of `tokens revoke`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bellwether tokens revoke desk\n  bellwether tokens revoke cli"
)]
struct RevokeArgs {
    /// Its name
    name: String,
    #[command(flatten)]
    place: Place,
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        let code = match &error {
            AuthError::NameTaken(_) | AuthError::NoSuchToken(_) => Exit::No,
            AuthError::BadName(_) | AuthError::BadDays(_) => Exit::Usage,
            AuthError::Version { .. } => Exit::Corrupt,
            AuthError::File { .. } | AuthError::Database { .. } | AuthError::NoRandom => Exit::Io,
        };
        Self::new(code, error)
    }
}

/// Runs `tokens`.
pub(crate) fn run(context: &Context, args: &Args) -> Result<Exit, Failure> {
    match &args.what {
        What::Create(args) => create(context, args),
        What::List(args) => list(context, &args.place),
        What::Revoke(args) => revoke(context, args),
    }
}

fn create(context: &Context, args: &CreateArgs) -> Result<Exit, Failure> {
    let CreateArgs { name, role, days, place } = args;
    let made = if place.api {
        let body = json!({ "name": name, "role": role, "days": days });
        Client::new(context, &place.connection)?.post("/api/v1/tokens", &body)?.document()?
    } else {
        let secret = Auth::open(&context.global.data_dir)?.create(name, *role, *days, wall())?;
        json!({ "name": name, "role": role, "token": secret.expose() })
    };
    if place.json {
        terminal::json(&made)?;
    } else {
        let token = made.get("token").and_then(Value::as_str).unwrap_or_default();
        terminal::raw(&format!("{token}\n"))?;
        terminal::complain(
            "this is the one time that it is shown; keep it in a file that only you can read",
        );
    }
    Ok(Exit::Done)
}

fn list(context: &Context, place: &Place) -> Result<Exit, Failure> {
    let list = if place.api {
        Client::new(context, &place.connection)?.document("/api/v1/tokens")?
    } else {
        json!(Auth::open(&context.global.data_dir)?.list()?)
    };
    if place.json {
        terminal::json(&list)?;
        return Ok(Exit::Done);
    }
    let mut table =
        terminal::table(["name", "role", "created", "expires", "last used", "revoked"], &[]);
    for row in list.as_array().into_iter().flatten() {
        let text = |key: &str| {
            let text = row.get(key).and_then(Value::as_str).unwrap_or_default();
            text.get(..19).unwrap_or(text).replace('T', " ")
        };
        table.add_row(["name", "role", "created", "expires", "last_used", "revoked"].map(text));
    }
    terminal::styled(&terminal::text_of(&table))?;
    Ok(Exit::Done)
}

fn revoke(context: &Context, args: &RevokeArgs) -> Result<Exit, Failure> {
    let RevokeArgs { name, place } = args;
    if place.api {
        let path = format!("/api/v1/tokens/{}", part(name));
        Client::new(context, &place.connection)?.delete(&path)?.document()?;
    } else {
        Auth::open(&context.global.data_dir)?.revoke(name, wall())?;
    }
    if place.json {
        terminal::json(&json!({ "name": name, "revoked": true }))?;
    } else {
        terminal::raw(&format!("the token {name} is revoked\n"))?;
    }
    Ok(Exit::Done)
}

//! The token of the command line: made at the first start, role operator, readable by the owner
//! of the data directory alone (contract.md 6).

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use model::{SECOND_NS, Timestamp};

use super::error::AuthError;
use super::role::Role;
use super::store::Auth;
use super::token::{MAX_DAYS, Secret};

/// The file in the data directory.
pub const CLI_TOKEN_FILE: &str = "cli.token";

/// Its token's name.
const NAME: &str = "cli";
/// A start renews a token that runs out within so many nanoseconds: a week.
const RENEW_NS: i64 = 7 * 86_400 * SECOND_NS;

/// Makes the token of the command line, unless one that is good for a week at least is there.
/// Returns the file.
///
/// # Errors
/// The token or its file cannot be written.
pub fn ensure_cli_token(
    auth: &Auth,
    data_dir: &Path,
    now: Timestamp,
) -> Result<PathBuf, AuthError> {
    let path = data_dir.join(CLI_TOKEN_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(AuthError::File { action: "read", path, source }),
    };
    if auth.is_valid(text.trim(), now.plus_nanos(RENEW_NS)) {
        return Ok(path);
    }
    match auth.revoke(NAME, now) {
        Ok(()) | Err(AuthError::NoSuchToken(_)) => {}
        Err(error) => return Err(error),
    }
    let secret = auth.create(NAME, Role::Operator, MAX_DAYS, now)?;
    write(&path, &secret).map_err(|source| AuthError::File {
        action: "write",
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

/// Writes the file whole or not at all.
fn write(path: &Path, secret: &Secret) -> io::Result<()> {
    let fresh = path.with_extension("token.new");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

//! The tokens of an installation: on disk for ever, in memory for checking.
//!
//! Two processes may have the file open, a running system and a `tokens` command: the running one
//! notices changes by the file's change counter and reads the few rows anew. While a system is
//! served, a thread of its own does that and notes uses ([`Auth::watch`]): checking a token that is
//! known touches no disk and no lock of the file. A file that cannot be read leaves what is known in
//! force, so that a broken disk never keeps anybody from stopping.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use model::{SECOND_NS, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

use super::error::AuthError;
use super::role::Role;
use super::token::{MAX_DAYS, Secret, TokenHash};

/// The file in the data directory.
pub const AUTH_FILE: &str = "auth.db";

/// Version of the tables.
const VERSION: i64 = 1;
/// How long a change of another process may stay unnoticed.
const RELOAD_NS: i64 = SECOND_NS;
/// The shortest time between two looks for a token that is not known.
const LOOK_NS: i64 = SECOND_NS / 20;
/// Between two looks of the thread that watches.
const WATCH: Duration = Duration::from_millis(500);
/// How long a change waits for another process.
const PATIENCE: Duration = Duration::from_secs(5);
/// How exact the time of the last use is.
const USE_NS: i64 = 60 * SECOND_NS;
const DAY_NS: i64 = 86_400 * SECOND_NS;

const TABLES: &str = "
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        hash BLOB NOT NULL UNIQUE,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        last_used INTEGER,
        revoked INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX names_in_use ON tokens (name) WHERE revoked IS NULL;
";

/// Who is asking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// Name of the token.
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// A token as it is listed; its text is not known any more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, utoipa::ToSchema)]
pub struct TokenRow {
    /// Its name.
    pub name: String,
    /// What it may do.
    #[schema(value_type = String)]
    pub role: Role,
    /// When it was made.
    #[schema(value_type = String)]
    pub created: Timestamp,
    /// From when on it is not valid any more.
    #[schema(value_type = String)]
    pub expires: Timestamp,
    /// When it was last used, to the minute.
    #[schema(value_type = Option<String>)]
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>)]
    pub revoked: Option<Timestamp>,
}

/// A token that is checked in memory.
#[derive(Clone, Debug)]
struct Known {
    id: i64,
    principal: Principal,
    expires: Timestamp,
    last_used: Option<Timestamp>,
}

/// The tokens of an installation.
#[derive(Debug)]
pub struct Auth {
    path: PathBuf,
    database: Mutex<Connection>,
    known: RwLock<HashMap<TokenHash, Known>>,
    checked: Mutex<(Timestamp, i64)>,
    /// Uses that are not in the file yet: token and time.
    used: Mutex<Vec<(i64, Timestamp)>>,
    /// A thread looks after the file.
    watched: AtomicBool,
}

impl Auth {
    /// Opens the file of a data directory and makes both where they are not there yet (0700, 0600).
    ///
    /// # Errors
    /// The folder or the file cannot be made or read, or a newer build wrote it.
    pub fn open(data_dir: &Path) -> Result<Self, AuthError> {
        make_folder(data_dir)?;
        let path = data_dir.join(AUTH_FILE);
        make_file(&path)?;
        let database = connect(&path)?;
        let auth = Self {
            path,
            database: Mutex::new(database),
            known: RwLock::default(),
            checked: Mutex::new((Timestamp::MIN, 0)),
            used: Mutex::default(),
            watched: AtomicBool::new(false),
        };
        auth.reload(&auth.database())?;
        Ok(auth)
    }

    /// Leaves the file to a thread from here on, as long as somebody holds the tokens.
    ///
    /// # Errors
    /// The system has no room for a thread.
    pub fn watch(self: &Arc<Self>) -> io::Result<()> {
        let tokens = Arc::downgrade(self);
        let thread = std::thread::Builder::new().name("tokens".to_owned());
        thread.spawn(move || {
            loop {
                std::thread::sleep(WATCH);
                let Some(tokens) = tokens.upgrade() else { return };
                tokens.reread();
                tokens.write_uses();
            }
        })?;
        self.watched.store(true, Ordering::Release);
        Ok(())
    }

    /// Makes a token that is valid for `days` from `now` on and returns its text.
    ///
    /// # Errors
    /// The name is taken or not usable, the days are out of range, or the file cannot be written.
    pub fn create(
        &self,
        name: &str,
        role: Role,
        days: u16,
        now: Timestamp,
    ) -> Result<Secret, AuthError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > 40 || !name.chars().all(allowed) {
            return Err(AuthError::BadName(name.chars().take(60).collect()));
        }
        if !(1..=MAX_DAYS).contains(&days) {
            return Err(AuthError::BadDays(days));
        }
        let secret = Secret::random()?;
        let expires = now.plus_nanos(i64::from(days) * DAY_NS);
        let database = self.database();
        // A token that ran out does not keep its name.
        let change = "UPDATE tokens SET revoked = expires
                      WHERE name = ?1 AND revoked IS NULL AND expires <= ?2";
        database
            .execute(change, params![name, now.nanos()])
            .map_err(|source| self.failed("free the name of a token", source))?;
        let insert = "INSERT INTO tokens (name, role, hash, created, expires)
                      VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = params![name, role.name(), secret.hash(), now.nanos(), expires.nanos()];
        match database.execute(insert, row) {
            Ok(_) => {}
            Err(error) if is_constraint(&error) => return Err(AuthError::NameTaken(name.into())),
            Err(source) => return Err(self.failed("store a token", source)),
        }
        self.reload(&database)?;
        Ok(secret)
    }

    /// Revokes the valid token of a name.
    ///
    /// # Errors
    /// There is none, or the file cannot be written.
    pub fn revoke(&self, name: &str, now: Timestamp) -> Result<(), AuthError> {
        let database = self.database();
        let change = "UPDATE tokens SET revoked = ?2 WHERE name = ?1 AND revoked IS NULL";
        let changed = database
            .execute(change, params![name, now.nanos()])
            .map_err(|source| self.failed("revoke a token", source))?;
        if changed == 0 {
            return Err(AuthError::NoSuchToken(name.chars().take(60).collect()));
        }
        self.reload(&database)
    }

    /// Returns all tokens, the newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn list(&self) -> Result<Vec<TokenRow>, AuthError> {
        let failed = |source| self.failed("list the tokens", source);
        self.write_uses();
        let database = self.database();
        let mut statement = database
            .prepare(
                "SELECT name, role, created, expires, last_used, revoked
                 FROM tokens ORDER BY id DESC",
            )
            .map_err(failed)?;
        let rows = statement.query_map([], |row| {
            Ok(TokenRow {
                name: row.get(0)?,
                role: role_of(row, 1)?,
                created: time_of(row.get(2)?),
                expires: time_of(row.get(3)?),
                last_used: row.get::<_, Option<i64>>(4)?.map(time_of),
                revoked: row.get::<_, Option<i64>>(5)?.map(time_of),
            })
        });
        rows.and_then(Iterator::collect).map_err(failed)
    }

    /// Returns who bears a token; `None` when it is unknown, revoked or has run out.
    ///
    /// For a token that is known it reads memory alone while the file is [watched](Self::watch).
    pub fn verify(&self, text: &str, now: Timestamp) -> Option<Principal> {
        if !self.watched.load(Ordering::Acquire) {
            self.refresh(now, RELOAD_NS);
        }
        let found = self.find(text, now).or_else(|| {
            // Another process may have made it a moment ago.
            self.refresh(now, LOOK_NS);
            self.find(text, now)
        });
        let (hash, found) = found?;
        if found.last_used.is_none_or(|used| now.since(used) >= USE_NS) {
            self.note_use(&hash, found.id, now);
        }
        Some(found.principal)
    }

    /// Returns true when a token is valid at `at`.
    pub(super) fn is_valid(&self, text: &str, at: Timestamp) -> bool {
        self.find(text, at).is_some()
    }

    fn find(&self, text: &str, at: Timestamp) -> Option<(TokenHash, Known)> {
        let hash = Secret::read(text)?.hash();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Some((hash, known.get(&hash).filter(|found| at < found.expires)?.clone()))
    }

    /// Looks whether another process has changed the file, unless that was done a moment ago or
    /// somebody else is at it.
    fn refresh(&self, now: Timestamp, pause_ns: i64) {
        let Ok(mut checked) = self.checked.try_lock() else { return };
        if (0..pause_ns).contains(&now.since(checked.0)) {
            return;
        }
        checked.0 = now;
        drop(checked);
        self.reread();
    }

    /// Reads the tokens anew when another process has changed the file. It does not wait for one
    /// that is changing it: the next look comes soon.
    fn reread(&self) {
        let Ok(database) = self.database.try_lock() else { return };
        // Neither call can fail on an open connection.
        let _ = database.busy_timeout(Duration::ZERO);
        let version: Result<i64, _> =
            database.query_row("PRAGMA data_version", [], |row| row.get(0));
        let seen = |checked: &Mutex<(Timestamp, i64)>| {
            checked.lock().unwrap_or_else(PoisonError::into_inner).1
        };
        if let Ok(version) = version
            && version != seen(&self.checked)
        {
            match self.reload(&database) {
                Ok(()) => {
                    self.checked.lock().unwrap_or_else(PoisonError::into_inner).1 = version;
                }
                Err(error) => tracing::debug!(%error, "the tokens could not be read anew yet"),
            }
        }
        let _ = database.busy_timeout(PATIENCE);
    }

    /// Notes when a token was used; who writes it down is not the one that asks.
    fn note_use(&self, hash: &TokenHash, id: i64, now: Timestamp) {
        if let Some(known) =
            self.known.write().unwrap_or_else(PoisonError::into_inner).get_mut(hash)
        {
            known.last_used = Some(now);
        }
        self.used.lock().unwrap_or_else(PoisonError::into_inner).push((id, now));
    }

    /// Writes uses into the file; one that cannot be written is lost, nothing else.
    fn write_uses(&self) {
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        if used.is_empty() {
            return;
        }
        let database = self.database();
        for (id, at) in used {
            let change = "UPDATE tokens SET last_used = ?2 WHERE id = ?1";
            if let Err(error) = database.execute(change, params![id, at.nanos()]) {
                tracing::warn!(%error, "the last use of a token could not be stored");
            }
        }
    }

    /// Reads the valid tokens into memory.
    fn reload(&self, database: &Connection) -> Result<(), AuthError> {
        let failed = |source| self.failed("read the tokens", source);
        let mut statement = database
            .prepare(
                "SELECT hash, id, name, role, expires, last_used FROM tokens WHERE revoked IS NULL",
            )
            .map_err(failed)?;
        let rows = statement.query_map([], |row| {
            let principal = Principal { name: row.get(2)?, role: role_of(row, 3)? };
            let last_used = row.get::<_, Option<i64>>(5)?.map(time_of);
            let expires = time_of(row.get(4)?);
            Ok((
                row.get::<_, TokenHash>(0)?,
                Known { id: row.get(1)?, principal, expires, last_used },
            ))
        });
        let known = rows.and_then(Iterator::collect).map_err(failed)?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    fn database(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, action: &'static str, source: rusqlite::Error) -> AuthError {
        AuthError::Database { action, path: self.path.clone(), source }
    }
}

fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}

fn time_of(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

/// Reads a role; one that this build does not know grants nothing and is an error.
fn role_of(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Role> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })
}

fn make_folder(path: &Path) -> Result<(), AuthError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    let action = "make the folder";
    made.map_err(|source| AuthError::File { action, path: path.to_owned(), source })
}

/// Makes an empty file that only its owner may read, before the database fills it.
fn make_file(path: &Path) -> Result<(), AuthError> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => {
            Err(AuthError::File { action: "make the file", path: path.to_owned(), source })
        }
    }
}

fn connect(path: &Path) -> Result<Connection, AuthError> {
    let failed = |action: &'static str| {
        move |source| AuthError::Database { action, path: path.to_owned(), source }
    };
    let mut database = Connection::open(path).map_err(failed("open the tokens"))?;
    database.busy_timeout(PATIENCE).map_err(failed("set a time-out"))?;
    // Two processes may come first at the same time: one of them makes the tables.
    let making = database
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(failed("lock the tokens"))?;
    let version: Option<i64> = making
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .optional()
        .map_err(failed("read the version"))?;
    match version.unwrap_or_default() {
        0 => {
            making.execute_batch(TABLES).map_err(failed("make the tables"))?;
            making
                .pragma_update(None, "user_version", VERSION)
                .map_err(failed("set the version"))?;
        }
        VERSION => {}
        found => {
            return Err(AuthError::Version { path: path.to_owned(), found, known: VERSION });
        }
    }
    making.commit().map_err(failed("make the tables"))?;
    Ok(database)
}

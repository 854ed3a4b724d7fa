//! API tokens on disk (S4): made, listed, revoked, run out; over two processes' handles.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{SECOND_NS, Timestamp};
use server::auth::{AUTH_FILE, Auth, AuthError, CLI_TOKEN_FILE, Role, ensure_cli_token};
use tempfile::TempDir;

const DAY_NS: i64 = 86_400 * SECOND_NS;

fn now() -> Timestamp {
    "2026-11-26T07:00:00Z".parse().unwrap()
}

fn later(days: i64) -> Timestamp {
    now().plus_nanos(days * DAY_NS)
}

fn open() -> (TempDir, Auth) {
    let dir = tempfile::tempdir().unwrap();
    let auth = Auth::open(&dir.path().join("data")).unwrap();
    (dir, auth)
}

/// S4: a token is valid from its creation to its last day and bears its role; its text is stored
/// nowhere.
#[test]
fn a_token_from_creation_to_its_end() {
    let (dir, auth) = open();
    let secret = auth.create("desk", Role::Operator, 30, now()).unwrap();
    let who = auth.verify(secret.expose(), now()).unwrap();
    assert_eq!((who.name.as_str(), who.role), ("desk", Role::Operator));
    assert!(auth.verify(secret.expose(), later(30).plus_nanos(-1)).is_some());
    assert!(auth.verify(secret.expose(), later(30)).is_none(), "the end is not included");
    assert!(auth.verify("bw_", now()).is_none());
    let wrong = secret.expose().replace('0', "1");
    assert!(wrong == secret.expose() || auth.verify(&wrong, now()).is_none());

    let row = &auth.list().unwrap()[0];
    assert_eq!((row.name.as_str(), row.expires, row.revoked), ("desk", later(30), None));
    let bytes = fs::read(dir.path().join("data").join(AUTH_FILE)).unwrap();
    let text = secret.expose().as_bytes();
    assert!(!bytes.windows(text.len()).any(|window| window == text), "I18: hash only");
    assert!(!bytes.windows(32).any(|window| window == &text[3..35]), "I18: no part of it");
}

/// S4: the last use is noted, to the minute.
#[test]
fn the_last_use_is_noted() {
    let (_dir, auth) = open();
    let secret = auth.create("desk", Role::Viewer, 1, now()).unwrap();
    assert_eq!(auth.list().unwrap()[0].last_used, None);
    for seconds in [0, 59, 61] {
        auth.verify(secret.expose(), now().plus_nanos(seconds * SECOND_NS)).unwrap();
    }
    assert_eq!(auth.list().unwrap()[0].last_used, Some(now().plus_nanos(61 * SECOND_NS)));
}

/// S4: revoked at once; by another process within a second; its name is free again.
#[test]
fn a_revoked_token_is_not_valid() {
    let (dir, auth) = open();
    let first = auth.create("desk", Role::Admin, 30, now()).unwrap();
    let taken = auth.create("desk", Role::Viewer, 30, now()).unwrap_err();
    assert!(matches!(taken, AuthError::NameTaken(_)), "{taken}");

    let other = Auth::open(&dir.path().join("data")).unwrap();
    assert!(other.verify(first.expose(), now()).is_some());
    auth.revoke("desk", now()).unwrap();
    assert!(auth.verify(first.expose(), now()).is_none(), "at once");
    let second = now().plus_nanos(SECOND_NS);
    assert!(other.verify(first.expose(), second).is_none(), "within a second");

    let again = auth.create("desk", Role::Viewer, 30, now()).unwrap();
    let soon = second.plus_nanos(SECOND_NS / 10);
    assert_eq!(other.verify(again.expose(), soon).map(|who| who.role), Some(Role::Viewer));
    let unknown = auth.revoke("nobody", now()).unwrap_err().to_string();
    assert!(unknown.contains("tokens list"), "{unknown}");
}

/// A token that ran out does not keep its name.
#[test]
fn a_name_is_free_when_its_token_has_run_out() {
    let (_dir, auth) = open();
    auth.create("desk", Role::Viewer, 1, now()).unwrap();
    assert!(auth.create("desk", Role::Viewer, 1, later(1).plus_nanos(-1)).is_err());
    auth.create("desk", Role::Viewer, 1, later(1)).unwrap();
    let revoked: Vec<_> = auth.list().unwrap().iter().map(|row| row.revoked).collect();
    assert_eq!(revoked, [None, Some(later(1))]);
}

/// S4: at most 90 days, and names that stand safely in a log.
#[test]
fn days_and_names_are_bounded() {
    let (_dir, auth) = open();
    for days in [0, 91] {
        let error = auth.create("desk", Role::Viewer, days, now()).unwrap_err().to_string();
        assert!(error.contains("1 to 90 days"), "{error}");
    }
    for name in ["", "a b", "<b>", &"x".repeat(41), "ä"] {
        let error = auth.create(name, Role::Viewer, 1, now()).unwrap_err();
        assert!(matches!(error, AuthError::BadName(_)), "{name:?}: {error}");
    }
}

/// Contract.md 4, S9: folder 0700, files 0600.
#[test]
fn only_the_owner_reads_the_files() {
    let (dir, auth) = open();
    let data = dir.path().join("data");
    ensure_cli_token(&auth, &data, now()).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join(AUTH_FILE)), 0o600);
    assert_eq!(mode(&data.join(CLI_TOKEN_FILE)), 0o600);
}

/// Contract.md 6: the first start makes the command line's token; later ones keep it, renew it
/// before it runs out, and replace it when it was revoked.
#[test]
fn the_command_lines_token() {
    let (dir, auth) = open();
    let data = dir.path().join("data");
    let read = || fs::read_to_string(data.join(CLI_TOKEN_FILE)).unwrap().trim().to_owned();
    ensure_cli_token(&auth, &data, now()).unwrap();
    let first = read();
    assert_eq!(auth.verify(&first, now()).map(|who| who.role), Some(Role::Operator));
    ensure_cli_token(&auth, &data, later(80)).unwrap();
    assert_eq!(read(), first);
    ensure_cli_token(&auth, &data, later(84)).unwrap();
    let second = read();
    assert_ne!(second, first);
    assert!(auth.verify(&first, later(84)).is_none());
    auth.revoke("cli", later(84)).unwrap();
    ensure_cli_token(&auth, &data, later(84)).unwrap();
    assert_ne!(read(), second);
}

/// A file of a newer build is refused by name, not half understood.
#[test]
fn a_newer_file_is_refused() {
    let (dir, auth) = open();
    drop(auth);
    let path = dir.path().join("data").join(AUTH_FILE);
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 2).unwrap();
    let error = Auth::open(&dir.path().join("data")).unwrap_err().to_string();
    assert!(error.contains("version 2") && error.contains("knows 1"), "{error}");
}

/// C31, S4: while a system is served, a token that another process revoked is refused soon, with
/// nobody asking for the file on the way; one that is known is good while the file is locked.
#[test]
fn a_watched_file_is_nobodys_wait() {
    let (dir, auth) = open();
    let auth = Arc::new(auth);
    let now = runtime::clock::wall();
    let (one, two) =
        (auth.create("one", Role::Admin, 1, now), auth.create("two", Role::Admin, 1, now));
    let (one, two) = (one.unwrap(), two.unwrap());
    auth.watch().unwrap();
    let other = rusqlite::Connection::open(dir.path().join("data").join(AUTH_FILE)).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let begin = Instant::now();
    assert!(auth.verify(one.expose(), now).is_some());
    assert!(auth.verify("bw_", now).is_none());
    println!("checked beside a locked file in {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(4), "it waits for no lock");
    other.execute_batch("UPDATE tokens SET revoked = 1 WHERE name = 'one'; COMMIT").unwrap();
    while auth.verify(one.expose(), now).is_some() {
        assert!(begin.elapsed() < Duration::from_secs(20), "still valid");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(auth.verify(two.expose(), now).is_some());
}

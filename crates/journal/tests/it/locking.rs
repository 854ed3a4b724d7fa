//! One writer, one account, epochs that never repeat (I16, C33).

use journal::{Identity, Lock, LockError, epoch};
use model::Timestamp;

use crate::support::real;

/// I16, F37: the second is refused and told who holds the lock; a file left behind is no lock.
#[test]
fn two_writers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lock"), "99999").unwrap();
    let lock = Lock::acquire(folder.path()).unwrap();
    assert!(lock.is_current());
    match Lock::acquire(folder.path()) {
        Err(LockError::Held { pid, .. }) => assert_eq!(pid, std::process::id().to_string()),
        other => panic!("{other:?}"),
    }
    drop(lock);
    let lock = Lock::acquire(folder.path()).unwrap();
    std::fs::remove_file(folder.path().join("lock")).unwrap();
    assert!(!lock.is_current(), "somebody removed the file: others can lock now");
}

/// R10: above everything known and never below the time.
#[test]
fn epochs_grow() {
    assert_eq!(epoch::next([], 0), 1);
    assert_eq!(epoch::next([5, 9, 3], 0), 10);
    assert_eq!(epoch::next([5], 16_000), 1_000);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(epoch::read(&*real(), folder.path()).unwrap(), None);
    for epoch in [1, 10, u32::MAX] {
        epoch::write(&*real(), folder.path(), epoch).unwrap();
        assert_eq!(epoch::read(&*real(), folder.path()).unwrap(), Some(epoch));
    }
    std::fs::write(folder.path().join("epoch"), "11 00000000").unwrap();
    assert!(epoch::read(&*real(), folder.path()).is_err());
}

/// C33: the identity comes back as it was written, or not at all.
#[test]
fn an_identity_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Identity::read(&*real(), folder.path()).unwrap(), None);
    let identity =
        Identity { account: 77, mode: "paper".into(), created: Timestamp::from_nanos(1) };
    identity.write(&*real(), folder.path()).unwrap();
    assert_eq!(Identity::read(&*real(), folder.path()).unwrap(), Some(identity));
    let path = folder.path().join("identity");
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 4;
        std::fs::write(&path, &bytes).unwrap();
        assert!(Identity::read(&*real(), folder.path()).is_err(), "byte {at}");
    }
}

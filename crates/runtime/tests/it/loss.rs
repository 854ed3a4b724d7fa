//! Power lost at every sync of a running system, and bytes of its files changed: what recovery
//! makes of it (F34, F40, I2, I6, J8).
//!
//! The truth is what the run itself was at each sequence: its hashes. A recovered state is one of
//! them, never before what was acknowledged, and no order is at the broker that it does not know.

use engine::Engine;
use journal::disk::{PowerLoss, RealDisk, Unsynced};
use journal::{ReadError, epoch};
use paper::Book;
use runtime::recovery::RecoverError;

use crate::rig::{Past, SEED};
use crate::support::Random;

/// F34, I2, I6: 200 syncs by four ways of losing what was not synced: the state is one that was,
/// nothing acknowledged is missing, and the broker holds no order that the books do not know.
#[test]
fn power_is_lost_anywhere() {
    println!("seed {SEED}");
    let past = Past::new();
    let trace = past.recorder.trace();
    let power = PowerLoss::new(&trace);
    println!("{} syncs, {} orders", power.points(), past.orders);
    assert!(power.points() >= 200 && past.orders > 20);
    let mut known = 0;
    for nth in 0..200 {
        let point = nth * power.points() / 200;
        for way in Unsynced::ALL {
            let what = format!("seed {SEED}, point {point}, {way:?}");
            let image = past.folder.path().join("image");
            let acknowledged = power.image(point, way, SEED, &past.data(), &image).unwrap();
            epoch::read(&RealDisk::default(), &image).unwrap();
            let (seq, engine) =
                past.recover(&image, &what).unwrap_or_else(|error| panic!("{what}: {error:?}"));
            assert!(seq >= acknowledged, "{what}: {seq} < {acknowledged}");
            assert!(seq == 0 || past.truth.contains_key(&seq), "{what}: {seq} ends no group");
            let book = Book::open(&image.join("paper"), &past.scene.book())
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            for row in book.orders() {
                let id = row.client_id.unwrap();
                let books = engine.as_ref().map(Engine::books);
                let order = books.and_then(|books| {
                    books.orders().iter().find(|order| order.request.client_id == id)
                });
                assert!(order.is_some(), "{what}: {id} is at the broker, not in the books");
                known += 1;
            }
            std::fs::remove_dir_all(&image).unwrap();
        }
    }
    println!("{known} orders at the broker, all known");
    assert!(known > 0);
}

/// F40, J8: bytes of journal and snapshots turned, zeroed, cut off: the state is one that was, or
/// the start refuses and names file, offset and sequence. Never other positions.
#[test]
fn bytes_are_changed_anywhere() {
    println!("seed {SEED}");
    let past = Past::new();
    let data = past.data();
    let last = *past.truth.keys().next_back().unwrap();
    let mut files: Vec<_> = ["journal", "snapshots"]
        .iter()
        .flat_map(|dir| std::fs::read_dir(data.join(dir)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().is_some_and(|name| name != "ballast"))
        .collect();
    files.sort();
    let mut random = Random(SEED);
    let (mut whole, mut shorter, mut refused) = (0, 0, 0);
    for case in 0..2_000 {
        let path = &files[random.below(files.len() as u64) as usize];
        let good = std::fs::read(path).unwrap();
        let used = good.iter().rposition(|&byte| byte != 0).map_or(good.len(), |at| at + 1);
        let at = random.below(used as u64) as usize;
        let mut bytes = good.clone();
        match case % 4 {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2 => {
                let end = (at + 1 + random.below(512) as usize).min(bytes.len());
                bytes[at..end].fill(0);
            }
            _ => bytes.truncate(at),
        }
        std::fs::write(path, &bytes).unwrap();
        let what = format!("seed {SEED}, case {case}: {} at {at}", path.display());
        match past.recover(&data, &what) {
            Ok((seq, _)) if seq == last => whole += 1,
            Ok((seq, _)) => {
                assert!(seq < last, "{what}");
                shorter += 1;
            }
            Err(RecoverError::Read(ReadError::Damage(damage))) => {
                assert!(damage.seq > 0 && data.join("journal") == damage.file.parent().unwrap());
                refused += 1;
            }
            Err(error) => panic!("{what}: {error:?}"),
        }
        std::fs::write(path, &good).unwrap();
    }
    println!("{whole} recovered whole, {shorter} without a torn tail, {refused} refused");
    assert!(whole > 0 && shorter > 0 && refused > 0);
    assert_eq!(past.recover(&data, "put back").unwrap().0, last);
}

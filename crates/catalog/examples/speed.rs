use std::time::Instant;
use catalog::*;
use model::exchange::Calendar;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let calendar = Calendar::nyse();
    let _ = std::fs::remove_dir_all(&args[2]);
    let options = ImportOptions { paths: vec![args[1].clone().into()], into: args[2].clone().into(), ..Default::default() };
    for _ in 0..2 {
        let t = Instant::now();
        let r = import(&options, &calendar, &mut |_| {}).unwrap();
        println!("import {:?} rows {} stored {} dup {} rej {:?} broken {:?}", t.elapsed(), r.rows, r.stored, r.duplicates, r.rejected_by_reason, r.broken_files);
    }
    for _ in 0..3 {
        let t = Instant::now();
        let store = Store::open(args[2].as_ref()).unwrap();
        let mut n = 0; let mut sum = 0i64;
        for s in store.symbols().unwrap() {
            let b = store.load_minutes(s, "1990-01-01".parse().unwrap(), "2030-12-31".parse().unwrap()).unwrap();
            n += b.len(); sum += b.iter().map(|b| b.close.raw() / 1000).sum::<i64>();
        }
        println!("load {:?} {n} {sum}", t.elapsed());
    }
    let t = Instant::now();
    let c = check(&Store::open(args[2].as_ref()).unwrap(), &calendar, &[], &mut |_| {}).unwrap();
    println!("check {:?} {:?}", t.elapsed(), c.by_kind);
}

use catalog::*;
use model::exchange::Calendar;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let calendar = Calendar::nyse();
    if args[1] == "list" {
        match Store::open(args[2].as_ref()) {
            Ok(s) => println!("{:?}", s.list().unwrap().symbols.iter().map(|s| s.bars).sum::<u64>()),
            Err(e) => println!("{e}"),
        }
        return;
    }
    let options = ImportOptions { paths: vec![args[1].clone().into()], into: args[2].clone().into(), ..Default::default() };
    let r = import(&options, &calendar, &mut |_| {}).unwrap();
    println!("stored {} dup {}", r.stored, r.duplicates);
}

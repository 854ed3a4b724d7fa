//! Stopping without the system: `emergency-stop --direct`, and the guard beside a run that is
//! silent or gone (C31, C32).

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::Desk;
use crate::venue::{Client, Venue};

/// An order that rests: far below the market to buy, far above to sell.
fn resting(id: u64, client_id: &str) -> Value {
    let exit = client_id.ends_with('X');
    let (side, limit, role) =
        if exit { ("sell", "9000.00", "target") } else { ("buy", "1.00", "entry") };
    json!({
        "id": id, "do": "submit", "client_id": client_id, "symbol": "SYM0", "side": side,
        "kind": "limit", "limit": limit, "quantity": "10", "time_in_force": "day", "role": role,
    })
}

/// A venue with entries of two runs, an exit and an order that is not ours.
fn with_orders(desk: &Desk) -> Venue {
    let venue = Venue::start(desk);
    let mut client = Client::new(&venue);
    let ids = ["BW-1-1-0E", "BW-9-4-0E", "BW-1-2-0X", "OTHR-1-3-0E"];
    for (number, client_id) in (1..).zip(ids) {
        client.say(&resting(number, client_id));
        assert_eq!(client.until(|m| m["id"] == number)["outcome"], "accepted", "{client_id}");
    }
    desk.file(
        "c.toml",
        &format!(
            "[brokers.paper]\ntransport = \"tcp://{}\"\n[data.playback]\nsymbols = [\"SYM0\"]\n",
            venue.paper
        ),
    );
    venue
}

/// Returns the ids of the orders that still work.
fn working(venue: &Venue) -> Vec<String> {
    let state = venue.state();
    let orders = state["orders"].as_array().unwrap().iter();
    let open = orders.filter(|order| order["state"] == "working");
    let mut ids: Vec<String> =
        open.map(|order| order["client_id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

const STAY: [&str; 2] = ["BW-1-2-0X", "OTHR-1-3-0E"];

/// C31: no process is needed; what opens is cancelled, exits and foreign orders stay, and the next
/// start finds the stop.
#[test]
fn a_stop_needs_no_process() {
    let desk = Desk::new();
    let venue = with_orders(&desk);
    std::fs::create_dir(desk.path().join("d")).unwrap();
    let flags = "--config c.toml --data-dir d emergency-stop --direct";
    let stopped = desk.json(&format!("{flags} --reason test"));
    let mut found: Vec<&str> =
        stopped["brokers"][0]["found"].as_array().unwrap().iter().flat_map(Value::as_str).collect();
    found.sort_unstable();
    assert_eq!(found, ["BW-1-1-0E", "BW-9-4-0E"], "{stopped}");
    assert_eq!(working(&venue), STAY);
    assert!(desk.read("d/KILL").contains("test"));
    let scoped = desk.run(&format!("{flags} --scope symbol:SYM0"));
    scoped.refused(64, &["--direct"]);
    drop(venue);
    desk.run(flags).refused(69, &["paper"]);
}

fn guard(desk: &Desk) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bellwether"))
        .args(["--config", "c.toml", "--data-dir", "d", "guard", "--process", "1"])
        .current_dir(desk.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// C32: ten seconds without a beat, or an end without a goodbye and without another start; after a
/// goodbye nothing is touched.
#[test]
fn a_guard_acts_on_silence() {
    let desk = Desk::new();
    let venue = with_orders(&desk);
    std::fs::create_dir(desk.path().join("d")).unwrap();
    let mut orderly = guard(&desk);
    orderly.stdin.take().unwrap().write_all(b"...q").unwrap();
    assert_eq!(orderly.wait().unwrap().code(), Some(0));
    assert_eq!(working(&venue).len(), 4);

    let mut silent = guard(&desk);
    let mut line = silent.stdin.take().unwrap();
    line.write_all(b".").unwrap();
    let output = silent.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("2 entry orders cancelled"), "{told}");
    assert_eq!(working(&venue), STAY);
    assert!(desk.read("d/KILL").contains("guard"));
}

/// C32: a run that was killed and not started again leaves no entry behind.
#[test]
fn a_guard_acts_on_a_death() {
    let desk = Desk::new();
    let venue = with_orders(&desk);
    std::fs::create_dir(desk.path().join("d")).unwrap();
    let mut gone = guard(&desk);
    gone.stdin.take().unwrap().write_all(b"..").unwrap();
    let output = gone.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("is gone"), "{told}");
    assert_eq!(working(&venue), STAY);
    assert!(!desk.path().join("d/KILL").exists(), "a restart may go on trading");
}

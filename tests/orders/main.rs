//! The main job on its real input: the program's summary against an independent count of the file.

use modi_tests::count::{Counts, count};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const STOCK: [(&str, u64); 3] = [("product_1", 6000), ("product_2", 4000), ("product_3", 1000)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs the program as a user does.
fn orders(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--example", "orders", "--"]).args(arguments).current_dir(root());
    command.output().expect("cargo runs")
}

fn summary(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(text.lines().last().unwrap_or_default()).expect("the last line is the summary")
}

/// What the summary must say.
fn wanted(counts: &Counts) -> Vec<(&'static str, u64)> {
    vec![
        ("lines", counts.lines),
        ("unreadable", counts.unreadable),
        ("published", counts.published),
        ("orders", counts.orders_decoded),
        ("orders_completed", counts.orders_completed),
        ("orders_payment_failed", counts.orders_payment_failed),
        ("orders_inventory_unavailable", counts.orders_inventory_unavailable),
        ("users_created", counts.users_created),
        ("users_updated", counts.users_updated),
        ("users_not_found", counts.users_not_found),
        ("events_stored", counts.events_stored),
        ("mails_welcome", counts.mails_welcome),
        ("mails_update", counts.mails_update),
        ("analytics", counts.analytics),
        ("notifications_email", counts.notifications_email),
        ("notifications_sms", counts.notifications_sms),
        ("notifications_push", counts.notifications_push),
        ("dead_letters", counts.dead_letters),
    ]
}

fn assert_counts(summary: &Value, counts: &Counts) {
    let got: Vec<_> =
        wanted(counts).into_iter().map(|(name, _)| (name, summary[name].as_u64().unwrap_or(u64::MAX))).collect();
    assert_eq!(got, wanted(counts));
}

#[test]
fn the_summary_of_the_whole_file_is_what_an_independent_count_says() {
    let file = root().join("examples/data/orders.jsonl");
    let counts = count(&file, &STOCK).expect("the file is there");
    assert!(counts.lines >= 10_000, "the input is real: {} lines", counts.lines);
    let summary = summary(&orders(&["--json"]));
    assert_counts(&summary, &counts);
    let dead = &summary["dead_letters_of"];
    assert_eq!(dead["OrderModule::order_created"], counts.dead_orders);
    assert_eq!(dead["UserModule::user_event"], counts.dead_user_events);
    assert_eq!(dead["AnalyticsModule::Analytics::track"], counts.dead_analytics);
}

#[test]
fn a_rate_and_a_seed_change_when_events_arrive_and_not_what_becomes_of_them() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("short.jsonl");
    let whole = std::fs::read_to_string(root().join("examples/data/orders.jsonl")).expect("the file is there");
    let short: String = whole.lines().take(300).map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, short).expect("a file of our own");
    let counts = count(&file, &STOCK).expect("it is there");
    let path = file.to_str().expect("a path of our own");
    let summary = summary(&orders(&["--json", "--input", path, "--rate", "1000", "--seed", "3"]));
    assert_counts(&summary, &counts);
    assert!(summary["seconds"].as_f64().is_some_and(|seconds| seconds > 0.1), "300 events at 1000 a second: {summary}");
}

#[test]
fn a_missing_file_is_a_clear_error_and_a_failure() {
    let output = orders(&["--input", "nowhere.jsonl"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("cannot read the input `nowhere.jsonl`"), "{said}");
    assert!(said.contains("No such file"), "the cause is said too: {said}");
}

#[test]
fn an_unreadable_file_is_a_clear_error_and_a_failure() {
    let output = orders(&["--input", "."]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("cannot read the input `.`"), "{said}");
}

#[test]
fn a_broker_that_is_left_out_names_its_feature() {
    let output = orders(&["--broker", "kafka://user:hunter2@host"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("feature `kafka`"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

/// Unix: the signal is sent as a terminal does.
#[cfg(unix)]
#[test]
fn ctrl_c_drains_and_still_prints_the_summary() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let build =
        Command::new(env!("CARGO")).args(["build", "--quiet", "--example", "orders"]).current_dir(root()).status();
    assert!(build.expect("cargo runs").success());
    let listing = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&listing.stdout).expect("metadata");
    let target = Path::new(metadata["target_directory"].as_str().expect("a folder"));
    let mut child = Command::new(target.join("debug/examples/orders"))
        .args(["--json", "--rate", "2000", "--announce"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("running"), "it says when signals are heard");
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill runs").success());
    let last = lines.last().unwrap_or_default();
    assert!(child.wait().expect("it ends").success(), "a signal is no failure");
    let summary: Value = serde_json::from_str(&last).expect("the last line is the summary");
    let orders = |name: &str| summary[name].as_u64().expect("a count");
    assert!(orders("lines") < 12_000, "it was interrupted: {summary}");
    let ended = orders("orders_completed") + orders("orders_payment_failed") + orders("orders_inventory_unavailable");
    assert!(ended <= orders("orders"), "{summary}");
}

//! The rules of the house that no compiler checks.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every dependency that a build, a test or an example uses.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--all-features", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output();
    let output = output.expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata");
    metadata["packages"].as_array().cloned().unwrap_or_default()
}

fn is_ours(package: &Value) -> bool {
    package["source"].is_null()
}

#[test]
fn every_dependency_has_a_licence_that_fits() {
    // One of the alternatives that a package offers must be here, and all of what it joins with AND.
    let fits: BTreeSet<&str> = [
        "MIT",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Unicode-3.0",
        "Unlicense",
        "Zlib",
        "0BSD",
        "MIT-0",
        "BSL-1.0",
        "CC0-1.0",
    ]
    .into();
    let mut problems = Vec::new();
    for package in packages().iter().filter(|package| !is_ours(package)) {
        let licence = package["license"].as_str().unwrap_or("none");
        let normal = licence.replace('/', " OR ").replace(['(', ')'], "");
        let all = normal.split(" AND ").all(|part| part.split(" OR ").any(|one| fits.contains(one.trim())));
        if !all {
            problems.push(format!("{} {}: {licence}", package["name"], package["version"]));
        }
    }
    assert!(problems.is_empty(), "licences that nobody allowed:\n{}", problems.join("\n"));
}

#[test]
fn the_rust_version_is_what_the_dependencies_ask_for() {
    let number = |text: &str| {
        let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    };
    let packages = packages();
    let ours = packages.iter().find(|package| package["name"] == "modi").expect("the facade");
    let stated = number(ours["rust_version"].as_str().expect("a rust-version"));
    let mut highest = (0, 0);
    // Built only by who measures it beside Modi, with the feature `rivals` of the benchmarks.
    let is_rival = |package: &&Value| package["name"].as_str().is_some_and(|name| name.starts_with("ruststream"));
    for package in packages.iter().filter(|package| !is_ours(package) && !is_rival(package)) {
        if let Some(asked) = package["rust_version"].as_str() {
            assert!(number(asked) <= stated, "{} asks for Rust {asked}", package["name"]);
            highest = highest.max(number(asked));
        }
    }
    assert_eq!(highest, stated, "no dependency asks for so new a Rust");
}

/// The sources that we keep.
fn sources() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let listed = output.ok().filter(|output| output.status.success()).expect("git lists the files");
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    text.lines().map(|line| root().join(line)).filter(|path| path.is_file()).collect()
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found == ending)
}

#[test]
fn every_source_file_says_its_job_in_its_first_line() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|path| has_ending(path, "rs"))
        .filter(|path| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            // A file that others include cannot begin with an inner comment.
            !text.starts_with("//") && !text.starts_with("#![doc")
        })
        .collect();
    assert!(silent.is_empty(), "without a `//!` line: {silent:#?}");
}

/// Lists of data and of cases may be long: splitting them makes nothing clearer.
fn is_list(path: &Path) -> bool {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.ends_with("benches/src/container/lists.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

#[test]
fn no_source_file_outgrows_its_room() {
    let large: Vec<_> = sources()
        .into_iter()
        .filter(|path| has_ending(path, "rs") && !is_list(path))
        .filter_map(|path| {
            let lines = std::fs::read_to_string(&path).unwrap_or_default().lines().count();
            (lines > 400).then(|| format!("{}: {lines} lines", path.display()))
        })
        .collect();
    assert!(large.is_empty(), "files that want a folder: {large:#?}");
}

#[test]
fn no_test_is_switched_off_and_nothing_is_left_to_do() {
    // Written in two halves, so that this file does not find itself.
    let words = [["#[ign", "ore"].concat(), ["tod", "o!("].concat(), ["unimpl", "emented!("].concat()];
    let mut found = Vec::new();
    for path in sources().iter().filter(|path| has_ending(path, "rs")) {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        found.extend(
            words.iter().filter(|word| text.contains(word.as_str())).map(|word| format!("{}: {word}", path.display())),
        );
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_test_sleeps_but_where_the_clock_is_known_to_be_paused() {
    let word = ["sle", "ep("].concat();
    let is_test = |path: &Path| path.components().any(|part| part.as_os_str() == "tests");
    let sources = sources();
    let tests = sources.iter().filter(|path| {
        let path = path.strip_prefix(root()).unwrap_or(path);
        has_ending(path, "rs") && is_test(path) && !path.ends_with("tests/common/time.rs")
    });
    let found: Vec<_> =
        tests.filter(|path| std::fs::read_to_string(path).unwrap_or_default().contains(&word)).collect();
    assert!(found.is_empty(), "wait for an event, or call `pass` of `tests/common/time.rs`: {found:#?}");
}

#[test]
fn the_readme_shows_its_example_as_it_is() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("it is there");
    let example = read("examples/order.rs");
    let code = example.split_once("\n\n").expect("a first line of documentation").1;
    assert!(
        read("README.md").contains(&format!("```rust,no_run\n{code}```")),
        "copy `examples/order.rs` into the README"
    );
}

//! One run of `cargo check` over all cases, and what rustc says of each.

use crate::case::Case;
use serde_json::Value;
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// An error of rustc.
pub(crate) struct Said {
    /// As a user sees it.
    pub(crate) rendered: String,
    /// The lines that it is about.
    lines: Vec<usize>,
    /// Messages, labels and notes, each with the line that it points at.
    texts: Vec<(usize, String)>,
}

/// The errors of every case that was checked.
pub(crate) fn check(cases: &[Case]) -> Result<HashMap<String, Vec<Said>>, Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the tests are a member of a workspace")?;
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    fs::create_dir_all(&package)?;
    fs::write(package.join("Cargo.toml"), manifest(workspace, cases)?)?;
    fs::copy(workspace.join("Cargo.lock"), package.join("Cargo.lock"))?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["check", "--bins", "--keep-going", "--offline", "--message-format=json", "--target-dir", "target"])
        .current_dir(&package)
        .output()?;

    let mut said: HashMap<String, Vec<Said>> = HashMap::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let report: Value = serde_json::from_slice(line)?;
        let Some(case) = cases.iter().find(|case| report["target"]["name"] == *case.name) else { continue };
        let errors = said.entry(case.name.clone()).or_default();
        errors.extend(Said::read(&report["message"], &case.path));
    }
    match cases.iter().find(|case| !said.contains_key(&case.name)) {
        Some(case) => {
            let reason = String::from_utf8_lossy(&output.stderr);
            Err(format!("cargo did not come to `{}`:\n{reason}", case.name).into())
        }
        None => Ok(said),
    }
}

/// A package whose programs are the cases.
fn manifest(workspace: &Path, cases: &[Case]) -> Result<String, std::fmt::Error> {
    let mut text = format!(
        r#"[package]
name = "ui"
edition = "2024"
autobins = false

[workspace]

[dependencies]
modi = {{ path = {workspace:?} }}
serde = {{ version = "1", features = ["derive"] }}
"#
    );
    for Case { name, path, .. } in cases {
        write!(text, "\n[[bin]]\nname = {name:?}\npath = {path:?}\n")?;
    }
    Ok(text)
}

impl Said {
    fn read(message: &Value, case: &Path) -> Option<Self> {
        let text = message["message"].as_str()?;
        if message["level"] != "error" || text.starts_with("aborting due to") {
            return None;
        }
        let primary = list(&message["spans"]).iter().filter(|span| span["is_primary"] == true);
        let lines: Vec<usize> = primary.filter_map(|span| user_line(span, case)).collect();
        let mut texts = Vec::new();
        for part in std::iter::once(message).chain(list(&message["children"])) {
            let spans = list(&part["spans"]);
            // A note without a place is about the error's.
            let own = if spans.is_empty() {
                lines.clone()
            } else {
                spans.iter().filter_map(|span| user_line(span, case)).collect()
            };
            let said = part["message"].as_str().unwrap_or_default();
            texts.extend(own.into_iter().map(|line| (line, said.to_owned())));
            let labels =
                spans.iter().filter_map(|span| Some((user_line(span, case)?, span["label"].as_str()?.to_owned())));
            texts.extend(labels);
        }
        let rendered = message["rendered"].as_str().unwrap_or(text).to_owned();
        Some(Self { rendered, lines, texts })
    }

    pub(crate) fn points_at(&self, line: usize) -> bool {
        self.lines.contains(&line)
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        self.texts.iter().any(|(_, said)| said.contains(text))
    }

    pub(crate) fn says_at(&self, line: usize, text: &str) -> bool {
        self.texts.iter().any(|(at, said)| *at == line && said.contains(text))
    }
}

/// The line of the case that a span begins in: its own, or that of the macro call it comes from.
fn user_line(mut span: &Value, case: &Path) -> Option<usize> {
    while span["file_name"].as_str().map(Path::new) != Some(case) {
        span = span["expansion"].get("span")?;
    }
    usize::try_from(span["line_start"].as_u64()?).ok()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

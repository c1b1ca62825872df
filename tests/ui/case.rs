//! A case, and what its comments want.

use crate::rustc::Said;
use std::error::Error;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

pub(crate) struct Case {
    /// The file's name without its ending; the target's, too.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    wanted: Vec<Wanted>,
    errors: RangeInclusive<usize>,
}

struct Wanted {
    line: usize,
    is_error: bool,
    text: String,
}

/// The cases of a folder, in the order of their names.
pub(crate) fn read(folder: &Path) -> Result<Vec<Case>, Box<dyn Error>> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let source = fs::read_to_string(&path)?;
        cases.push(Case::new(&source, &path).map_err(|comment| format!("{}: `//~{comment}`?", path.display()))?);
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

impl Case {
    /// Or the comment that cannot be read.
    fn new(source: &str, path: &Path) -> Result<Self, String> {
        let (mut wanted, mut range): (Vec<Wanted>, _) = (Vec::new(), None);
        for (at, line) in source.lines().enumerate() {
            let Some((_, comment)) = line.split_once("//~") else { continue };
            let (line, said) = match (comment.strip_prefix('|'), wanted.last()) {
                (Some(said), Some(before)) => (before.line, said),
                _ => (at + 1, comment),
            };
            let (kind, text) = said.trim().split_once(' ').ok_or(comment)?;
            match kind {
                "ERRORS" => range = Some(parse_range(text).ok_or(comment)?),
                "ERROR" | "NOTE" => wanted.push(Wanted { line, is_error: kind == "ERROR", text: text.to_owned() }),
                _ => return Err(comment.to_owned()),
            }
        }
        let written = wanted.iter().filter(|wanted| wanted.is_error).count();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, path: path.to_owned(), wanted, errors: range.unwrap_or(written..=written) })
    }

    /// What is wanted and not said, a sentence each.
    pub(crate) fn compare(&self, said: &[Said]) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.errors.contains(&said.len()) {
            problems.push(format!("there are {} errors, wanted are {:?}", said.len(), self.errors));
        }
        let written = self.wanted.iter().filter(|wanted| wanted.is_error).count();
        let mut unused: Vec<&Said> = said.iter().take(written).collect();
        for Wanted { line, is_error, text } in &self.wanted {
            let found = if *is_error {
                let fits = unused.iter().position(|error| error.points_at(*line) && error.says(text));
                fits.map(|at| unused.remove(at)).is_some()
            } else {
                said.iter().any(|error| error.says_at(*line, text))
            };
            if !found {
                let kind = if *is_error { "error" } else { "note" };
                problems.push(format!("line {line} has no {kind} that says: {text}"));
            }
        }
        problems
    }
}

fn parse_range(text: &str) -> Option<RangeInclusive<usize>> {
    let (least, most) = text.split_once("..=")?;
    Some(least.parse().ok()?..=most.parse().ok()?)
}

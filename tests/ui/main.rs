//! Every compile error that is promised, each pinned by a file of `cases/`.
//!
//! What a case wants is written in it, at the user's lines:
//!
//! | comment | meaning |
//! |---|---|
//! | `//~ ERROR text` | an error points here, and says `text` in its message, a label or a note |
//! | `//~ NOTE text` | a label or a note of some error points here and says `text` |
//! | `//~\| ERROR text`, `//~\| NOTE text` | the same, of the line that the comment before is about |
//! | `//~ ERRORS 1..=3` | so many errors: the ones that are written come first, in any order |
//!
//! Without the last, there are as many errors as are written; a case without any compiles. What is rustc's own, codes and
//! arrows and what is required for what, is not compared: the cases hold for the stable and for the nightly compiler.

mod case;
mod rustc;

use case::Case;
use std::error::Error;
use std::path::Path;

#[test]
fn every_promised_error_is_said_at_the_users_line() -> Result<(), Box<dyn Error>> {
    let cases = case::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/cases"))?;
    let said = rustc::check(&cases)?;
    let wrong: Vec<String> = cases.iter().filter_map(|case| mismatch(case, said.get(&case.name)?)).collect();
    assert!(wrong.is_empty(), "{} of {} cases are not as promised\n\n{}", wrong.len(), cases.len(), wrong.concat());
    Ok(())
}

/// What a case wants and rustc does not say, with all that it does say.
fn mismatch(case: &Case, said: &[rustc::Said]) -> Option<String> {
    let problems = case.compare(said);
    let rendered: String = said.iter().map(|error| format!("{}\n", error.rendered)).collect();
    let title = format!("==== {} ====", case.path.display());
    (!problems.is_empty()).then(|| format!("{title}\n{}\n\n{rendered}", problems.join("\n")))
}

//! The same application without the attributes: the user's code, and below each piece what its attribute writes.
//!
//! Read it beside `macros.rs`. It shows that an attribute writes nothing that a user could not write, and says why each
//! line is there. The attributes differ in spelling only:
//!
//! * they write full paths, so that nothing has to be imported;
//! * they mark what they wrote (`#[automatically_derived]`, `#[inline]`, allowed lints);
//! * they number what is named here (`n0` for the cell `settings`, `Make9` for the maker `Healths`), because the name of an
//!   entry need not be an identifier;
//! * their makers are `pub` with the output as a parameter, because they cannot see how visible a trait is.
//!
//! Every type of a user comes to two traits. `Source` says what it makes and how long that lives: it knows no module. `Wire`
//! says how a module makes it: its bounds are the dependencies, one a field, so a module that lacks one is told at the field.
//!
//! A module comes to one small trait for each fact (`Owns`, `Provides`, `Exports`, `Imports`, `Optional`), so that the
//! compiler finds by type what is missing or given twice; and to `Module`, which lists the same facts as constants, so that
//! the compiler finds cycles and captives, too.

mod fakes;
mod mail;
mod orders;
mod storage;

pub(crate) use fakes::{Recorder, rehearsal, rehearsed};
pub(crate) use mail::MailModule;
pub(crate) use orders::{OrderModule, Orders, Stock};
pub(crate) use storage::{Database, Query, StorageModule, Transaction};

//! One application, written twice: `macros` with the attributes, `by_hand` without. Both are the same.

mod app;
mod by_hand;
mod macros;

use modi_core::Module;

/// Compares the rows of a table: what is claimed, what was seen, and what it must be.
fn hold(claims: &[(&str, String, &str)]) {
    for (claim, seen, expected) in claims {
        assert_eq!(seen, expected, "{claim}");
    }
}

mod written_with_attributes {
    use super::app::{Clock, Journal, Mailer, Settings, User, lines};
    use super::hold;
    use super::macros::{
        Database, MailModule, OrderModule, Orders, Query, Recorder, Stock, Transaction, rehearsal, rehearsed,
    };
    use crate::support::{chain, outcome_of};
    use modi_core::{App, AppScope, Error, Overrides, Result, RunningApp};
    use std::marker::PhantomData;
    use std::sync::Arc;
    use tokio::time::Instant;

    include!("claims.rs");
}

mod written_by_hand {
    use super::app::{Clock, Journal, Mailer, Settings, User, lines};
    use super::by_hand::{
        Database, MailModule, OrderModule, Orders, Query, Recorder, Stock, Transaction, rehearsal, rehearsed,
    };
    use super::hold;
    use crate::support::{chain, outcome_of};
    use modi_core::{App, AppScope, Error, Overrides, Result, RunningApp};
    use std::marker::PhantomData;
    use std::sync::Arc;
    use tokio::time::Instant;

    include!("claims.rs");
}

#[test]
fn both_draw_the_same_graph() {
    let (attributes, hand) =
        (modi_core::Graph::of::<macros::OrderModule>(), modi_core::Graph::of::<by_hand::OrderModule>());
    assert_eq!(attributes.json(), hand.json());
    assert_eq!(attributes.mermaid(), hand.mermaid());
    assert_eq!(attributes.dot(), hand.dot());
    assert_eq!(hand.provider_count(), 3 + 4 + 9 + usize::from(cfg!(debug_assertions)));
}

#[test]
fn both_start_in_the_same_order() {
    assert_eq!(macros::StorageModule::ORDER, by_hand::StorageModule::ORDER);
    assert_eq!(macros::MailModule::ORDER, by_hand::MailModule::ORDER);
    assert_eq!(macros::OrderModule::ORDER, by_hand::OrderModule::ORDER);
    assert_eq!(
        by_hand::OrderModule::ORDER,
        [2, 1, 0],
        "`Orders` needs the set and `Stock`, which needs it only lazily"
    );
}

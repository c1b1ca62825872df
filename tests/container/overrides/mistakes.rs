//! Overrides that no application can start with, and that no compiler sees.

use super::{Mailer, Orders, Query, Silent, Stamp, Transaction, Users, failure_of, number, started};
use modi::{Overrides, injectable, module};
use std::sync::Arc;

/// A fake that needs what needs it.
#[injectable]
struct Looping {
    orders: Arc<Orders>,
}

impl Mailer for Looping {
    fn name(&self) -> String {
        self.orders.mailer.name()
    }
}

#[tokio::test(start_paused = true)]
async fn a_fake_that_needs_what_needs_it_is_a_cycle_by_name() {
    assert_eq!(
        failure_of(Overrides::new().replace_with::<dyn Mailer, Looping>(|fake| fake)).await,
        "an injected fake closes a cycle:\
         \n  MailModule::dyn Mailer --orders--> Root::Orders --mailer--> MailModule::dyn Mailer"
    );
}

#[tokio::test(start_paused = true)]
async fn so_is_one_of_scoped_services_and_transients() {
    #[injectable(scoped)]
    fn looping(query: Arc<Query>) -> Transaction {
        number(query.transaction.number, query.transaction.journal.clone())
    }
    #[injectable(transient)]
    fn endless(stamp: Arc<Stamp>) -> Stamp {
        Stamp(stamp.0)
    }
    assert_eq!(
        failure_of(
            Overrides::new()
                .replace_with::<Transaction, looping>(|fake| fake)
                .replace_with::<Stamp, endless>(|fake| fake)
        )
        .await,
        "an injected fake closes a cycle:\
         \n  Root::Transaction --query--> Root::Query --transaction--> Root::Transaction\
         \n  Root::Stamp --stamp--> Root::Stamp"
    );
}

#[tokio::test(start_paused = true)]
async fn two_fakes_that_need_each_other_are_one_cycle() {
    #[injectable]
    fn looping_orders(users: Arc<Users>) -> Orders {
        Orders { mailer: users.mailer.clone() }
    }
    assert_eq!(
        failure_of(
            Overrides::new()
                .replace_with::<dyn Mailer, Looping>(|fake| fake)
                .replace_with::<Orders, looping_orders>(|fake| fake)
        )
        .await,
        "an injected fake closes a cycle:\
         \n  MailModule::dyn Mailer --orders--> Root::Orders --users--> UserModule::Users --mailer--> MailModule::dyn Mailer"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fake_that_makes_a_singleton_keep_a_scoped_service_is_told_by_name() {
    #[injectable]
    struct Transactional {
        query: Arc<Query>,
    }
    impl Mailer for Transactional {
        fn name(&self) -> String {
            self.query.transaction.number.to_string()
        }
    }
    #[injectable(transient)]
    fn scoped_stamp(transaction: Arc<Transaction>) -> Stamp {
        Stamp(if transaction.number == 1 { "one" } else { "other" })
    }
    assert_eq!(
        failure_of(
            Overrides::new()
                .replace_with::<dyn Mailer, Transactional>(|fake| fake)
                .replace_with::<Stamp, scoped_stamp>(|fake| fake)
        )
        .await,
        "the modules do not fit together:\
         \n  an injected fake makes a singleton keep a scoped service for ever: \
         MailModule::dyn Mailer --query--> Root::Query --transaction--> Root::Transaction (scoped)\
         \n  an injected fake makes a singleton keep a scoped service for ever: \
         Root::Ledger --stamp--> Root::Stamp --transaction--> Root::Transaction (scoped)"
    );
    let value = Arc::new(number(5, Arc::default()));
    let (app, _) =
        started(Overrides::new().replace_with::<dyn Mailer, Transactional>(|fake| fake).replace::<Transaction>(value))
            .await;
    assert_eq!(app.get::<Orders>().mailer.name(), "5", "a value of the test lasts");
}

#[tokio::test(start_paused = true)]
async fn an_override_in_a_module_that_is_not_there_and_one_that_is_written_twice_are_told_at_once() {
    #[injectable]
    struct Elsewhere;
    #[module(providers = [Elsewhere])]
    struct OtherModule;

    assert_eq!(
        failure_of(
            Overrides::new()
                .replace_in::<OtherModule, Elsewhere>(Arc::new(Elsewhere))
                .replace::<dyn Mailer>(Arc::new(Silent))
                .replace_with::<dyn Mailer, Looping>(|fake| fake)
        )
        .await,
        "the modules do not fit together:\
         \n  `Elsewhere` is overridden in module `OtherModule`, which is not part of this application\
         \n  `dyn Mailer` of module `MailModule` is overridden twice"
    );
}

//! Fakes that are injected themselves.

use super::{
    Ledger, MailModule, Mailer, Orders, Query, Relay, Silent, Smtp, Stamp, Transaction, Users, failure_of, number,
    started, transaction_and_query,
};
use crate::support::{Journal, work};
use modi::{App, Error, Lifecycle, Overrides, Result, injectable, module};
use std::sync::Arc;

/// A fake that is injected itself.
struct Recorder {
    journal: Arc<Journal>,
}

#[injectable(lifecycle)]
impl Recorder {
    async fn new(journal: Arc<Journal>) -> Self {
        work(10).await;
        journal.note("new Recorder");
        Self { journal }
    }
}

impl Mailer for Recorder {
    fn name(&self) -> String {
        self.journal.note("asked");
        "recorder".to_owned()
    }
}

impl Lifecycle for Recorder {
    async fn on_start(&self) -> Result {
        self.journal.note("start Recorder");
        Ok(())
    }

    async fn on_stop(&self) -> Result {
        self.journal.note("stop Recorder");
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_fake_is_injected_and_lives_like_a_service() {
    let (app, journal) = started(Overrides::new().replace_with::<dyn Mailer, Recorder>(|fake| fake)).await;
    assert_eq!(journal.lines(), ["new Recorder", "start Recorder"], "no hook of `Smtp`");
    assert_eq!(app.get::<Orders>().mailer.name(), "recorder");
    assert!(Arc::ptr_eq(&app.get::<Users>().mailer, app.get::<dyn Mailer>()));
    app.stop().await.unwrap();
    assert_eq!(journal.lines(), ["asked", "stop Recorder"]);
}

#[tokio::test(start_paused = true)]
async fn a_fake_function_may_stand_for_a_type_and_its_hooks_are_not_those_of_the_type() {
    #[injectable]
    fn quiet(journal: Arc<Journal>) -> Smtp {
        Smtp { name: "quiet", journal }
    }
    #[module(imports = [MailModule { journal: self.0.clone() }::{dyn Mailer, Journal}], providers = [Relay, Smtp])]
    struct Own(Journal);

    let journal = Journal::default();
    let overrides = Overrides::new().replace_with::<Smtp, quiet>(|fake| fake);
    let app = App::new(Own(journal.clone())).overrides(overrides).start().await.unwrap();
    assert_eq!(app.get::<Smtp>().name, "quiet");
    assert_eq!(journal.lines(), ["open Relay", "new Smtp", "start smtp"], "those of `MailModule`");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_fake_is_told_at_what_it_stands_for() {
    #[injectable]
    fn refused() -> Result<Silent> {
        Err(Error::new("no fake"))
    }
    #[injectable]
    fn torn() -> Silent {
        panic!("no fake")
    }
    assert_eq!(
        failure_of(Overrides::new().replace_with::<dyn Mailer, refused>(|fake| fake)).await,
        "`dyn Mailer` of module `MailModule` failed to start: no fake"
    );
    assert_eq!(
        failure_of(Overrides::new().replace_with::<dyn Mailer, torn>(|fake| fake)).await,
        "`dyn Mailer` of module `MailModule` panicked at start: no fake"
    );
}

#[tokio::test(start_paused = true)]
async fn a_scoped_service_is_replaced_by_a_fake_that_is_injected_and_completed() {
    #[injectable(scoped, complete)]
    async fn rehearsal(journal: Arc<Journal>) -> Transaction {
        tokio::task::yield_now().await;
        journal.note("rehearse");
        number(8, journal)
    }
    let (app, journal) = started(Overrides::new().replace_with::<Transaction, rehearsal>(|fake| fake)).await;
    journal.lines();
    assert_eq!(app.scope(transaction_and_query).await.unwrap(), (8, 8, true));
    assert_eq!(journal.lines(), ["rehearse", "complete 8: true"], "one a scope");
}

/// The name of a trait has no place in a scope, so that the service has one only. A fake of the name has one.
#[tokio::test(start_paused = true)]
async fn a_scoped_service_is_replaced_under_the_name_of_a_trait() {
    trait Work: Send + Sync {
        fn number(&self) -> u32;
    }
    impl Work for Transaction {
        fn number(&self) -> u32 {
            self.number
        }
    }
    #[injectable(transient)]
    struct Step {
        work: Arc<dyn Work>,
    }
    #[module(providers = [Transaction as dyn Work, Step])]
    struct Alone {
        #[provide]
        journal: Journal,
    }
    #[injectable(scoped, complete)]
    async fn rehearsal(journal: Arc<Journal>) -> Transaction {
        tokio::task::yield_now().await;
        journal.note("rehearse");
        number(8, journal)
    }
    let works = async |overrides| {
        let journal = Journal::default();
        let app = App::new(Alone { journal: journal.clone() }).overrides(overrides).start().await.unwrap();
        let work = app.scope(async |cx| {
            let (work, step) = (cx.get::<dyn Work>().await?, cx.get::<Step>().await?);
            assert!(Arc::ptr_eq(&work, &step.work));
            Ok(work.number())
        });
        (work.await.unwrap(), journal.lines())
    };

    let (real, lines) = works(Overrides::new()).await;
    assert_eq!((real, lines.as_slice()), (1, ["complete 1: true".to_owned()].as_slice()));
    let (value, lines) = works(Overrides::new().replace::<dyn Work>(Arc::new(number(7, Arc::default())))).await;
    assert_eq!((value, lines.len()), (7, 0));
    let (fake, lines) = works(Overrides::new().replace_with::<dyn Work, rehearsal>(|fake| fake)).await;
    assert_eq!(fake, 8);
    assert_eq!(lines, ["rehearse", "complete 8: true"]);
}

#[tokio::test(start_paused = true)]
async fn a_transient_is_replaced_by_a_fake_in_each_place() {
    #[injectable(transient)]
    fn rehearsed(journal: Arc<Journal>) -> Query {
        Query { transaction: Arc::new(number(9, journal)) }
    }
    let (app, _) = started(Overrides::new().replace_with::<Query, rehearsed>(|fake| fake)).await;
    assert_eq!(app.scope(transaction_and_query).await.unwrap(), (1, 9, false));
    let apart = app.scope(async |cx| Ok(!Arc::ptr_eq(&cx.get::<Query>().await?, &cx.get::<Query>().await?)));
    assert!(apart.await.unwrap());
}

/// `Ledger` is made while the root is being built, and takes the fake from there.
#[tokio::test(start_paused = true)]
async fn a_transient_fake_is_there_while_the_application_is_being_built() {
    #[injectable(transient)]
    fn fake_stamp(journal: Arc<Journal>, users: Arc<Users>) -> Stamp {
        journal.note(format!("stamp for {}", users.mailer.name()));
        Stamp("fake")
    }
    let (app, journal) = started(Overrides::new().replace_with::<Stamp, fake_stamp>(|fake| fake)).await;
    assert_eq!(app.get::<Ledger>().stamp.0, "fake");
    assert_eq!(journal.lines()[2..], ["stamp for smtp", "start smtp"], "after all that the fake needs");
}

#[tokio::test(start_paused = true)]
async fn a_fake_of_a_transient_cannot_wait() {
    #[injectable]
    async fn slow_stamp() -> Stamp {
        tokio::task::yield_now().await;
        Stamp("slow")
    }
    assert_eq!(
        failure_of(Overrides::new().replace_with::<Stamp, slow_stamp>(|fake| fake)).await,
        "`Ledger` of module `Root` failed to start: `Stamp` stands for a transient, so its constructor cannot wait"
    );
}

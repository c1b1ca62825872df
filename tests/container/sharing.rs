//! One instance of a singleton in an application, none shared between two, and nothing left behind.

use crate::support::{Journal, work};
use modi::{All, App, Error, Lazy, Result, Scoped, injectable, module};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts how often something was constructed.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

struct Database {
    number: usize,
}

#[injectable]
impl Database {
    async fn connect(count: Arc<Count>) -> Self {
        tokio::task::yield_now().await;
        Self { number: count.0.fetch_add(1, Ordering::SeqCst) }
    }
}

#[module(providers = [Database], exports = [Database])]
struct StorageModule {
    #[provide]
    count: Count,
}

#[injectable]
struct Users {
    db: Arc<Database>,
}
#[injectable]
struct Orders {
    db: Arc<Database>,
    later: Lazy<Database>,
}
#[module(imports = [StorageModule::{Database}], providers = [Users], exports = [Users])]
struct UserModule;
#[module(imports = [StorageModule::{Database}], providers = [Orders], exports = [Orders])]
struct OrderModule;

#[module(imports = [
    UserModule::{Users},
    OrderModule::{Orders},
    StorageModule { count: self.count.clone() }::{Database},
])]
struct Root {
    count: Count,
}

#[tokio::test(start_paused = true)]
async fn a_diamond_of_imports_shares_one_instance() {
    let count = Count::default();
    let app = App::new(Root { count: count.clone() }).start().await.unwrap();
    let (users, orders) = (app.get::<Users>(), app.get::<Orders>());
    assert!(Arc::ptr_eq(&users.db, &orders.db) && Arc::ptr_eq(&users.db, app.get::<Database>()));
    assert!(Arc::ptr_eq(&orders.later.get(), &orders.db));
    assert_eq!(count.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_applications_share_nothing() {
    let count = Count::default();
    let one = App::new(Root { count: count.clone() }).start().await.unwrap();
    let other = App::new(Root { count: count.clone() }).start().await.unwrap();
    assert!(!Arc::ptr_eq(one.get::<Users>(), other.get::<Users>()));
    assert_eq!((one.get::<Users>().db.number, other.get::<Users>().db.number), (0, 1));
    let kept = other.get::<Orders>().clone();
    one.stop().await.unwrap();
    assert_eq!(kept.later.get().number, 1, "the stop of one does not reach the other");
    other.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_first_uses_at_the_same_time_meet_one_instance() {
    let count = Count::default();
    let app = Arc::new(App::new(Root { count: count.clone() }).start().await.unwrap());
    let begin = Arc::new(tokio::sync::Barrier::new(100));
    let uses: Vec<_> = (0..100)
        .map(|at| {
            let (app, begin) = (app.clone(), begin.clone());
            tokio::spawn(async move {
                begin.wait().await;
                match at % 3 {
                    0 => app.get::<Database>().clone(),
                    1 => app.get::<Orders>().later.get(),
                    _ => app.scope(async |cx| cx.get::<Database>().await).await.unwrap(),
                }
            })
        })
        .collect();
    for task in uses {
        assert!(Arc::ptr_eq(&task.await.unwrap(), app.get::<Database>()));
    }
    assert_eq!(count.get(), 1);
}

/// Everything that could keep a service alive: `Arc`, a trait, a set, a lazy cycle, a scope, an import.
mod everything {
    use super::*;

    /// What all of them hold: as many are alive as there are holders of it.
    #[derive(Clone, Default)]
    pub(super) struct Token(pub(super) Arc<()>);

    impl Token {
        pub(super) fn alive(&self) -> usize {
            Arc::strong_count(&self.0) - 1
        }
    }

    pub(super) trait Part: Send + Sync {
        fn token(&self) -> &Token;
    }

    #[injectable]
    pub(super) struct Wheel {
        token: Arc<Token>,
        car: Lazy<Car>,
    }
    impl Part for Wheel {
        fn token(&self) -> &Token {
            assert_eq!(self.car.get().parts.len(), 1);
            &self.token
        }
    }

    pub(super) struct Car {
        pub(super) parts: All<dyn Part>,
        own: Token,
    }
    #[injectable]
    impl Car {
        async fn new(parts: All<dyn Part>, token: Arc<Token>, journal: Arc<Journal>) -> Result<Self> {
            work(10).await;
            journal.note("built");
            Ok(Self { parts, own: (*token).clone() })
        }
    }
    impl Car {
        pub(super) fn alive(&self) -> usize {
            self.own.alive()
        }
    }

    #[injectable(scoped, complete)]
    pub(super) struct Trip {
        car: Arc<Car>,
        token: Arc<Token>,
    }
    impl Scoped for Trip {
        async fn complete(&self, _: &modi::Completion<'_>) -> Result {
            assert_eq!(self.car.alive(), self.token.alive());
            Ok(())
        }
    }

    pub(super) struct Flat;
    #[injectable]
    impl Flat {
        async fn new(_: Arc<Car>) -> Result<Self> {
            Err(Error::new("flat"))
        }
    }

    #[module(providers = [Wheel, Wheel as all dyn Part, Car], exports = [Car, Token, All<dyn Part>])]
    pub(super) struct Garage {
        #[provide]
        pub(super) token: Token,
        #[provide]
        pub(super) journal: Journal,
    }

    #[module(
        imports = [Garage { token: self.token.clone(), journal: self.journal.clone() }::{Car, Token}],
        providers = [Trip],
    )]
    pub(super) struct Street {
        pub(super) token: Token,
        pub(super) journal: Journal,
    }

    #[module(
        imports = [Garage { token: self.token.clone(), journal: self.journal.clone() }::{Car}],
        providers = [Flat],
    )]
    pub(super) struct Ditch {
        pub(super) token: Token,
        pub(super) journal: Journal,
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_after_a_stop_after_a_drop_and_after_a_failed_start() {
    use everything::{Ditch, Street, Token, Trip};

    let (token, journal) = (Token::default(), Journal::default());
    let street = || Street { token: token.clone(), journal: journal.clone() };

    let app = App::new(street()).start().await.unwrap();
    app.scope(async |cx| cx.get::<Trip>().await).await.unwrap();
    assert_eq!(app.get::<everything::Car>().parts[0].token().alive(), token.alive());
    assert_eq!(token.alive(), 2, "the value itself and the one of `Car`: the rest share it");
    app.stop().await.unwrap();
    assert_eq!(token.alive(), 0, "after a stop");

    drop(App::new(street()).start().await.unwrap());
    assert_eq!(token.alive(), 0, "after a drop");

    assert!(App::new(Ditch { token: token.clone(), journal: journal.clone() }).start().await.is_err());
    assert_eq!(token.alive(), 0, "after a failed start");
    assert_eq!(journal.lines().len(), 3, "all three were built");
}

#[tokio::test(start_paused = true)]
async fn what_a_caller_took_out_outlives_the_application() {
    let app = App::new(Root { count: Count::default() }).start().await.unwrap();
    let (users, orders) = (app.get::<Users>().clone(), Arc::downgrade(app.get::<Orders>()));
    app.stop().await.unwrap();
    assert_eq!(users.db.number, 0);
    assert!(orders.upgrade().is_none());
    assert_eq!(Arc::strong_count(&users), 1);
}

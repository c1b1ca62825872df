//! `Lazy`: two singletons that need each other, at the cost of a time when neither is there.

use crate::support::chain;
use modi::{App, Lazy, Result, injectable, module};
use std::sync::Arc;

struct Stock {
    orders: Lazy<Orders>,
}

#[injectable]
impl Stock {
    fn new(orders: Lazy<Orders>) -> Self {
        Self { orders }
    }
}

#[injectable]
struct Orders {
    stock: Arc<Stock>,
}

#[module(providers = [Orders, Stock], exports = [Orders, Stock])]
struct OrderModule;

#[tokio::test(start_paused = true)]
async fn two_singletons_need_each_other() {
    let app = App::new(OrderModule).start().await.unwrap();
    let (orders, stock) = (app.get::<Orders>(), app.get::<Stock>());
    assert!(Arc::ptr_eq(&stock.orders.get(), orders));
    assert!(Arc::ptr_eq(&orders.stock, stock));
    assert_eq!(format!("{:?}", stock.orders), "Lazy<Orders>");
}

#[tokio::test(start_paused = true)]
async fn a_use_during_construction_names_both() {
    struct Hasty;
    #[injectable]
    impl Hasty {
        fn new(orders: Lazy<Orders>) -> Result<Self> {
            orders.try_get()?;
            Ok(Self)
        }
    }
    struct Rash;
    #[injectable]
    impl Rash {
        async fn new(orders: Lazy<Orders>) -> Self {
            orders.get();
            Self
        }
    }
    #[module(providers = [Orders, Stock, Hasty])]
    struct Fails;
    #[module(imports = [OrderModule::{Orders}], providers = [Rash])]
    struct Panics;

    let error = App::new(Fails).start().await.unwrap_err();
    assert_eq!(
        chain(&error),
        "`Hasty` of module `Fails` failed to start: \
         `Hasty` used `Lazy<Orders>` while the application was being built; use it after construction"
    );
    let error = App::new(Panics).start().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`Rash` of module `Panics` panicked at start: \
         `Rash` used `Lazy<Orders>` while the application was being built; use it after construction"
    );
}

#[tokio::test(start_paused = true)]
async fn a_use_after_the_stop_names_both() {
    let app = App::new(OrderModule).start().await.unwrap();
    let stock = app.get::<Stock>().clone();
    app.stop().await.unwrap();
    let error = stock.orders.try_get().err().unwrap();
    assert_eq!(error.to_string(), "`Stock` used `Lazy<Orders>` after the application stopped");
    let panic = crate::support::outcome_of(async move {
        stock.orders.get();
        Ok(())
    });
    assert_eq!(panic.await, "panic: `Stock` used `Lazy<Orders>` after the application stopped");
}

#[tokio::test(start_paused = true)]
async fn a_lazy_keeps_nothing_alive() {
    let app = App::new(OrderModule).start().await.unwrap();
    let (orders, stock) = (Arc::downgrade(app.get::<Orders>()), app.get::<Stock>().clone());
    drop(app);
    assert!(orders.upgrade().is_none(), "held by nothing, although `Stock` still is");
    assert!(stock.orders.try_get().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_lazy_of_an_imported_trait_is_found_where_it_is_owned() {
    trait Mailer: Send + Sync {
        fn name(&self) -> &'static str;
    }
    #[injectable]
    struct Smtp;
    impl Mailer for Smtp {
        fn name(&self) -> &'static str {
            "smtp"
        }
    }
    #[module(providers = [Smtp as dyn Mailer], exports = [dyn Mailer])]
    struct MailModule;
    #[module(imports = [MailModule::{dyn Mailer}], exports = [dyn Mailer])]
    struct Between;
    #[injectable]
    struct Users {
        mailer: Lazy<dyn Mailer>,
    }
    #[module(imports = [Between::{dyn Mailer}], providers = [Users])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    let users = app.get::<Users>().clone();
    assert_eq!(users.mailer.get().name(), "smtp");
    app.stop().await.unwrap();
    let error = users.mailer.try_get().err().unwrap();
    assert_eq!(error.to_string(), "`Users` used `Lazy<dyn Mailer>` after the application stopped");
}

#[tokio::test(start_paused = true)]
async fn a_scoped_service_may_hold_one() {
    #[injectable(scoped)]
    struct Request {
        orders: Lazy<Orders>,
    }
    #[module(imports = [OrderModule::{Orders}], providers = [Request])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    let same = app.scope(async |cx| Ok(Arc::ptr_eq(&cx.get::<Request>().await?.orders.get(), app.get::<Orders>())));
    assert!(same.await.unwrap());
}

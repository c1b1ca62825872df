//! A service under the names of traits, alone and in sets.

use super::{Disk, Health, Mailer, Smtp, parts, same};
use modi::{All, App, Lazy, injectable, module};
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn a_type_and_its_names_are_one_instance_in_whatever_order_they_stand() {
    #[module(providers = [Smtp as dyn Mailer, Smtp, Smtp as dyn Health, Smtp as all dyn Health])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    let smtp = app.get::<Smtp>();
    assert!(same(smtp, app.get::<dyn Mailer>()));
    assert!(same(smtp, app.get::<dyn Health>()));
    assert!(same(smtp, &app.get::<All<dyn Health>>()[0]));
    assert_eq!(app.graph().provider_count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_function_goes_by_the_name_of_a_trait_too() {
    #[injectable]
    async fn smtp() -> Smtp {
        Smtp { name: "made" }
    }
    #[module(providers = [smtp as dyn Mailer, smtp as all dyn Health])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    assert_eq!(app.get::<dyn Mailer>().name(), "made");
    assert!(same(app.get::<Smtp>(), app.get::<dyn Mailer>()));
    assert_eq!(parts(app.get::<All<dyn Health>>()), ["made"]);
}

#[tokio::test(start_paused = true)]
async fn a_set_has_own_members_in_order_then_imported_ones_each_instance_once() {
    #[injectable]
    struct Own<const N: u8>;
    impl<const N: u8> Health for Own<N> {
        fn part(&self) -> &'static str {
            ["zero", "one"][usize::from(N)]
        }
    }
    #[module(providers = [Disk, Disk as all dyn Health], exports = [All<dyn Health>])]
    struct DiskModule;
    #[module(
        imports = [DiskModule::{All<dyn Health>}],
        providers = [Smtp as all dyn Health],
        exports = [All<dyn Health>],
    )]
    struct MailModule;
    #[injectable]
    struct Report {
        all: All<dyn Health>,
    }
    #[module(
        imports = [DiskModule::{All<dyn Health>}, MailModule::{All<dyn Health>}],
        providers = [Own<1> as all dyn Health, Own<0> as all dyn Health, Report],
    )]
    struct Root;
    #[module(imports = [MailModule::{All<dyn Health>}], providers = [Report])]
    struct Passing;

    let app = App::new(Root).start().await.unwrap();
    assert_eq!(parts(&app.get::<Report>().all), ["one", "zero", "disk", "smtp"]);
    assert_eq!(parts(app.get::<All<dyn Health>>()), ["one", "zero", "disk", "smtp"]);
    assert_eq!(format!("{:?}", app.get::<Report>().all.len()), "4");
    let app = App::new(Passing).start().await.unwrap();
    assert_eq!(parts(&app.get::<Report>().all), ["smtp", "disk"], "one imported set is taken as it is");
}

#[tokio::test(start_paused = true)]
async fn a_trait_with_parameters_and_more_bounds_is_a_name_too() {
    trait Handle<E>: Send + Sync {
        fn handle(&self, event: E) -> usize;
    }
    #[injectable]
    struct Length;
    impl Handle<String> for Length {
        fn handle(&self, event: String) -> usize {
            event.len()
        }
    }
    trait Loose {
        fn number(&self) -> usize;
    }
    impl Loose for Length {
        fn number(&self) -> usize {
            3
        }
    }
    #[injectable]
    struct Users {
        handle: Arc<dyn Handle<String>>,
        later: Lazy<dyn Handle<String>>,
        loose: Arc<dyn Loose + Send + Sync>,
    }
    #[module(providers = [Users, Length as dyn Handle<String>, Length as dyn Loose + Send + Sync])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    let users = app.get::<Users>();
    assert_eq!((users.handle.handle("four".to_owned()), users.loose.number()), (4, 3));
    assert!(Arc::ptr_eq(&users.later.get(), &users.handle));
}

#[tokio::test(start_paused = true)]
async fn a_transient_is_new_in_each_place_under_any_name() {
    #[injectable(transient)]
    struct Attempt {
        smtp: Arc<Smtp>,
    }
    impl Mailer for Attempt {
        fn name(&self) -> &'static str {
            self.smtp.name
        }
    }
    #[injectable]
    struct Pair {
        one: Arc<dyn Mailer>,
        other: Arc<dyn Mailer>,
    }
    #[module(providers = [Smtp, Attempt as dyn Mailer, Pair])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    let pair = app.get::<Pair>();
    assert!(!same(&pair.one, &pair.other));
    assert_eq!((pair.one.name(), pair.other.name()), ("smtp", "smtp"));
}

//! What crosses the wall of a module, and what is left out.

use super::{Disk, Health, Mailer, Smtp, parts, same};
use modi::{All, App, injectable, module};
use std::sync::Arc;

#[tokio::test(start_paused = true)]
async fn an_optional_is_there_where_it_is_provided_or_imported() {
    struct Audit;
    #[injectable]
    struct Orders {
        mailer: Option<Arc<dyn Mailer>>,
        audit: Option<Arc<Audit>>,
        disk: Option<Arc<Disk>>,
    }
    #[module(providers = [Disk], exports = [Disk])]
    struct DiskModule;
    #[module(imports = [DiskModule::{Disk}], providers = [Orders, Smtp as dyn Mailer], optional = [Audit])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    let orders = app.get::<Orders>();
    assert!(same(orders.mailer.as_ref().unwrap(), app.get::<dyn Mailer>()));
    assert!(Arc::ptr_eq(orders.disk.as_ref().unwrap(), app.get::<Disk>()));
    assert!(orders.audit.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_imported_can_be_exported_further() {
    #[module(providers = [Smtp as dyn Mailer], exports = [dyn Mailer])]
    struct MailModule;
    #[module(imports = [MailModule::{dyn Mailer}], exports = [dyn Mailer])]
    struct Between;
    #[injectable]
    struct Users(Arc<dyn Mailer>);
    #[module(imports = [Between::{dyn Mailer}], providers = [Users])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    assert_eq!(app.get::<Users>().0.name(), "smtp");
}

/// Two modules that provide one type without exporting it do not meet.
#[tokio::test(start_paused = true)]
async fn what_is_not_exported_is_a_modules_own() {
    #[injectable]
    struct Users {
        disk: Arc<Disk>,
    }
    #[injectable]
    struct Orders {
        disk: Arc<Disk>,
    }
    #[module(providers = [Disk, Users], exports = [Users])]
    struct UserModule;
    #[module(imports = [UserModule::{Users}], providers = [Disk, Orders])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    let own = app.get::<Disk>();
    assert!(Arc::ptr_eq(own, &app.get::<Orders>().disk));
    // A unit struct has no address of its own, but its `Arc` has.
    assert!(!Arc::ptr_eq(own, &app.get::<Users>().disk));
}

/// Only the file of a module sees the types that implement what it exports.
mod visibility {
    use super::{Arc, Mailer, injectable, module};

    pub(crate) trait Shown: Send + Sync {
        fn shown(&self) -> &'static str;
    }
    trait Hidden: Send + Sync {
        fn hidden(&self) -> &'static str;
    }

    #[injectable]
    struct Secret {
        hidden: Arc<dyn Hidden>,
        mailer: Arc<dyn Mailer>,
    }
    impl Shown for Secret {
        fn shown(&self) -> &'static str {
            assert_eq!(self.mailer.name(), "inside");
            self.hidden.hidden()
        }
    }

    #[injectable]
    struct Inside;
    impl Hidden for Inside {
        fn hidden(&self) -> &'static str {
            "hidden"
        }
    }
    impl Mailer for Inside {
        fn name(&self) -> &'static str {
            "inside"
        }
    }

    #[injectable]
    fn shown() -> Box<dyn Shown> {
        struct Boxed;
        impl Shown for Boxed {
            fn shown(&self) -> &'static str {
                "boxed"
            }
        }
        Box::new(Boxed)
    }

    #[module(
        providers = [Secret as dyn Shown, Inside as dyn Hidden, Inside as dyn Mailer, Inside as all dyn Hidden, shown],
        exports = [dyn Shown, Box<dyn Shown>],
    )]
    pub(crate) struct VisibleModule;
}

#[tokio::test(start_paused = true)]
async fn a_module_may_be_more_visible_than_what_it_provides() {
    use visibility::Shown;
    #[module(imports = [visibility::VisibleModule::{dyn Shown, Box<dyn Shown>}])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    assert_eq!(app.get::<dyn Shown>().shown(), "hidden");
    assert_eq!(app.get::<Box<dyn Shown>>().shown(), "boxed");
}

#[tokio::test(start_paused = true)]
async fn a_condition_on_an_entry_leaves_it_out() {
    #[injectable]
    struct Users {
        mailer: Arc<dyn Mailer>,
        disk: Option<Arc<Disk>>,
        all: All<dyn Health>,
    }
    #[injectable]
    struct Last(Arc<Users>);
    #[module(providers = [#[cfg(test)] Disk], exports = [#[cfg(test)] Disk])]
    struct DiskModule;
    #[module(
        imports = [
            #[cfg(not(test))] Nowhere::{Nothing},
            DiskModule::{#[cfg(test)] Disk, #[cfg(not(test))] Nothing},
        ],
        providers = [
            #[cfg(not(test))] Nothing,
            #[cfg(test)] Smtp as dyn Mailer,
            #[cfg(not(test))] Nobody as dyn Mailer,
            #[cfg(test)] Smtp as all dyn Health,
            #[cfg(not(test))] Nobody as all dyn Health,
            #[cfg(not(test))] Disk as all dyn Health,
            Users,
            #[cfg(all(test, not(test)))] Nothing,
            Last,
        ],
        exports = [#[cfg(not(test))] Nothing],
        optional = [#[cfg(not(test))] Disk],
    )]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    let users = &app.get::<Last>().0;
    assert_eq!(users.mailer.name(), "smtp");
    assert!(users.disk.is_some());
    assert_eq!(parts(&users.all), ["smtp"]);
    assert_eq!(app.graph().provider_count(), 5 + 1);
}

#[tokio::test(start_paused = true)]
async fn an_empty_application_starts_and_stops() {
    #[module]
    struct Empty;
    #[module()]
    struct Braces {}

    App::new(Empty).start().await.unwrap().stop().await.unwrap();
    App::new(Braces {}).start().await.unwrap().stop().await.unwrap();
}

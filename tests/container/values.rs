//! Modules with values: given once, from above, and missed by name.

use crate::support::chain;
use modi::{App, StartError, injectable, module};
use std::sync::Arc;

#[derive(Clone)]
struct Settings {
    url: &'static str,
}

#[injectable]
struct Database {
    settings: Arc<Settings>,
}

#[module(providers = [Database], exports = [Database, Settings])]
struct StorageModule {
    #[provide]
    settings: Settings,
}

/// Needs a value, too, and imports another module that does.
#[module(imports = [StorageModule::{Settings}], exports = [u8])]
struct LogModule {
    #[provide]
    level: u8,
}

#[module(imports = [StorageModule::{Database}], exports = [Database])]
struct UserModule;

#[module(imports = [StorageModule::{Database}], exports = [Database])]
struct OrderModule;

#[tokio::test(start_paused = true)]
async fn a_value_is_a_service_of_its_module() {
    let app = App::new(StorageModule { settings: Settings { url: "pg" } }).start().await.unwrap();
    assert_eq!(app.get::<Settings>().url, "pg");
    assert!(Arc::ptr_eq(&app.get::<Database>().settings, app.get::<Settings>()));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_shared_already_is_kept_as_it_is() {
    #[module]
    struct Root {
        #[provide]
        settings: Arc<Settings>,
    }
    let settings = Arc::new(Settings { url: "pg" });
    let app = App::new(Root { settings: settings.clone() }).start().await.unwrap();
    assert!(Arc::ptr_eq(app.get::<Settings>(), &settings));
}

#[tokio::test(start_paused = true)]
async fn a_value_of_a_trait_object_and_of_a_tuple_module() {
    trait Clock: Send + Sync {
        fn now(&self) -> u32;
    }
    struct Noon;
    impl Clock for Noon {
        fn now(&self) -> u32 {
            12
        }
    }
    #[module(exports = [dyn Clock, u16])]
    struct Tuple(#[provide] Arc<dyn Clock>, #[provide] u16);
    #[module(imports = [Tuple(Arc::new(Noon), 8080)::{dyn Clock, u16}])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    assert_eq!((app.get::<dyn Clock>().now(), **app.get::<u16>()), (12, 8080));
}

#[tokio::test(start_paused = true)]
async fn values_go_down_the_imports_whoever_comes_first() {
    /// `UserModule` wants the value before the last import gives it.
    #[module(imports = [
        UserModule::{Database},
        OrderModule,
        StorageModule { settings: Settings { url: self.url } }::{Settings},
    ])]
    struct Root {
        url: &'static str,
    }

    let app = App::new(Root { url: "pg" }).start().await.unwrap();
    assert_eq!(app.get::<Database>().settings.url, "pg");
    assert!(Arc::ptr_eq(&app.get::<Database>().settings, app.get::<Settings>()));
}

/// What is given a value late may have imports itself: they come before it all the same.
#[tokio::test(start_paused = true)]
async fn an_import_that_gets_its_value_late_has_its_own_imports_first() {
    #[injectable]
    struct Pool {
        settings: Arc<Settings>,
    }
    #[module(imports = [StorageModule { settings: Settings { url: "pg" } }::{Settings}], providers = [Pool], exports = [Pool])]
    struct PoolModule {
        #[provide]
        size: usize,
    }
    #[injectable]
    struct Users {
        pool: Arc<Pool>,
    }
    #[module(imports = [PoolModule::{Pool}], providers = [Users], exports = [Users])]
    struct Early;
    #[module(imports = [Early::{Users}, PoolModule { size: 3 }::{Pool}])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    assert_eq!(app.get::<Users>().pool.settings.url, "pg");
    assert!(Arc::ptr_eq(&app.get::<Users>().pool, app.get::<Pool>()));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_nobody_gives_names_every_importer() {
    #[module(imports = [UserModule::{Database}, OrderModule])]
    struct Root;

    let error = App::new(Root).start().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the modules do not fit together:\
         \n  module `StorageModule` needs a value: it is imported by `UserModule` and `OrderModule` without one"
    );
}

#[module(imports = [StorageModule { settings: Settings { url: "one" } }::{Settings}])]
struct First;
#[module(imports = [StorageModule { settings: Settings { url: "other" } }::{Settings}])]
struct Second;

#[tokio::test(start_paused = true)]
async fn two_values_of_one_module_name_both_givers() {
    #[module(imports = [First, Second])]
    struct Root;

    let error = App::new(Root).start().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the modules do not fit together:\
         \n  module `StorageModule` is given a value by `First` and by `Second`: one of them must import it without"
    );
}

#[tokio::test(start_paused = true)]
async fn all_problems_are_told_at_once() {
    #[module(imports = [LogModule::{u8}, First, Second])]
    struct Root;

    let error = App::new(Root).start().await.unwrap_err();
    assert_eq!(
        chain(&error),
        "the modules do not fit together:\
         \n  module `StorageModule` is given a value by `First` and by `Second`: one of them must import it without\
         \n  module `LogModule` needs a value: it is imported by `Root` without one"
    );
    let StartError::Plan(problems) = error else { panic!("{error}") };
    assert_eq!(problems.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_module_that_is_its_own_value_is_imported_by_any_number() {
    #[module(imports = [UserModule, OrderModule, StorageModule { settings: Settings { url: "pg" } }, Alone, Other])]
    struct Root;
    #[module(imports = [Empty])]
    struct Alone;
    #[module(imports = [Empty])]
    struct Other;
    #[module]
    struct Empty;

    assert!(App::new(Root).start().await.is_ok());
}

//! What makes a service: a struct, a constructor, a function, an instance of a generic.

use super::{Disk, Health, Mailer, Smtp};
use modi::{App, Error, Result, injectable, module};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

#[tokio::test(start_paused = true)]
async fn a_struct_is_injected_field_by_field() {
    #[injectable]
    struct Unit;
    #[injectable]
    struct Tuple(Arc<Unit>, #[default] u8, #[default(7)] u8);
    #[injectable]
    struct Fields {
        unit: Arc<Unit>,
        tuple: Arc<Tuple>,
        #[default]
        orders: Mutex<HashMap<String, u32>>,
        #[default(vec![1, 2].len())]
        size: usize,
        r#type: Arc<Unit>,
    }
    #[module(providers = [Fields, Tuple, Unit])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    let fields = app.get::<Fields>();
    assert!(Arc::ptr_eq(&fields.unit, app.get()) && Arc::ptr_eq(&fields.r#type, &fields.unit));
    assert!(Arc::ptr_eq(&fields.tuple.0, &fields.unit));
    assert_eq!((fields.tuple.1, fields.tuple.2, fields.size), (0, 7, 2));
    assert!(fields.orders.lock().unwrap().is_empty());
    let picture = app.graph().mermaid();
    assert!(picture.contains("Root_Fields -->|type| Root_Unit"), "{picture}");
}

#[tokio::test(start_paused = true)]
async fn a_constructor_is_the_function_that_returns_the_type_or_the_one_that_is_marked() {
    struct Plain(u8);
    #[injectable]
    impl Plain {
        #[expect(clippy::use_self, reason = "a type may be written by its name")]
        fn create() -> Plain {
            Self::of(1)
        }
    }
    impl Plain {
        fn of(number: u8) -> Self {
            Self(number)
        }
    }

    struct Fallible(u8);
    #[injectable]
    impl Fallible {
        const NUMBER: u8 = 2;

        fn number(&self) -> u8 {
            self.0
        }

        fn open(plain: Arc<Plain>) -> std::result::Result<Self, std::num::ParseIntError> {
            Ok(Self("2".parse::<u8>()? * plain.0 * Self::NUMBER))
        }
    }

    struct Waiting(u8);
    #[injectable]
    impl Waiting {
        #[expect(clippy::use_self, reason = "also in a result")]
        async fn connect(fallible: Arc<Fallible>, mut _spare: Arc<Plain>) -> Result<Waiting> {
            tokio::task::yield_now().await;
            Ok(Self(fallible.number() + 1))
        }
    }

    struct Marked(u8);
    #[injectable]
    impl Marked {
        fn zero() -> Self {
            Self(0)
        }

        #[constructor]
        fn one(_: Arc<Waiting>) -> Self {
            Self(Self::zero().0 + 1)
        }
    }

    #[module(providers = [Marked, Waiting, Fallible, Plain])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    assert_eq!(app.get::<Plain>().0, 1);
    assert_eq!(app.get::<Fallible>().number(), 4);
    assert_eq!(app.get::<Waiting>().0, 5);
    assert_eq!(app.get::<Marked>().0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_function_provides_what_it_returns() {
    struct Pool(u8);

    #[injectable]
    fn plain() -> String {
        "plain".to_owned()
    }
    #[injectable]
    fn fallible(text: Arc<String>) -> std::result::Result<Vec<u8>, std::num::ParseIntError> {
        Ok(text.as_bytes().to_vec())
    }
    #[injectable]
    async fn pool(bytes: Arc<Vec<u8>>) -> Result<Pool> {
        tokio::task::yield_now().await;
        Ok(Pool(bytes[0]))
    }
    #[injectable]
    fn shared(pool: Arc<Pool>) -> Arc<[u8]> {
        Arc::from(vec![pool.0])
    }
    #[injectable]
    async fn chosen(text: Arc<String>) -> Result<Arc<dyn Mailer>, Error> {
        match text.as_str() {
            "plain" => Ok(Arc::new(Smtp { name: "chosen" })),
            other => Err(Error::new(format!("no mailer for {other}"))),
        }
    }
    #[injectable]
    fn boxed() -> Box<dyn Health> {
        Box::new(Disk)
    }

    #[module(providers = [plain, fallible, pool, shared, chosen, boxed])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    assert_eq!(app.get::<String>().as_str(), "plain");
    assert_eq!(app.get::<Vec<u8>>().as_slice(), b"plain");
    assert_eq!(app.get::<Pool>().0, b'p');
    assert_eq!(**app.get::<[u8]>(), [b'p']);
    assert_eq!(app.get::<dyn Mailer>().name(), "chosen");
    assert_eq!(app.get::<Box<dyn Health>>().part(), "disk");
    assert_eq!(plain(), "plain", "it is still a function");
}

#[tokio::test(start_paused = true)]
async fn a_generic_is_provided_by_instance() {
    trait Named: Send + Sync + 'static {
        const NAME: &'static str;
    }
    struct User;
    impl Named for User {
        const NAME: &'static str = "user";
    }
    struct Order;
    impl Named for Order {
        const NAME: &'static str = "order";
    }
    #[injectable]
    struct Table {
        #[default]
        rows: Vec<u8>,
    }
    #[injectable]
    struct Repository<T, const N: usize = 1>
    where
        T: Named,
    {
        table: Arc<Table>,
        #[default]
        of: PhantomData<T>,
    }
    impl<T: Named, const N: usize> Repository<T, N> {
        fn describe(&self) -> String {
            let PhantomData = self.of;
            format!("{} {N} {}", T::NAME, self.table.rows.len())
        }
    }
    #[injectable]
    struct Service<R: Named> {
        users: Arc<Repository<R>>,
        orders: Arc<Repository<Order, 2>>,
    }
    #[module(providers = [Table, Repository<User>, Repository<Order, 2>, Service<User>])]
    struct Root;

    let app = App::new(Root).start().await.unwrap();
    let service = app.get::<Service<User>>();
    assert_eq!([service.users.describe(), service.orders.describe()], ["user 1 0", "order 2 0"]);
    let picture = app.graph().mermaid();
    assert!(picture.contains(r#"Root_Repository_Order__2_["Repository#lt;Order, 2#gt;"]"#), "{picture}");
}

//! Start-up follows the graph: a constructor begins when the last thing that it needs is ready.

use crate::support::{Journal, work};
use modi::{App, injectable, module};
use modi_core::Module;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

async fn start_of<M: Module>(root: M) -> Duration {
    let begun = Instant::now();
    App::new(root).start().await.unwrap();
    begun.elapsed()
}

/// Services that only take time: a name, how long, and what they need.
macro_rules! slow {
    ($($name:ident: $millis:literal $(after $($needed:ty),+)?;)*) => {
        $(
            struct $name;

            #[injectable]
            impl $name {
                async fn new($($(_: Arc<$needed>),+)?) -> Self {
                    work($millis).await;
                    Self
                }
            }
        )*
    };
}

#[tokio::test(start_paused = true)]
async fn two_independent_constructors_wait_at_the_same_time() {
    slow! { Left: 100; Right: 100; }

    #[module(providers = [Left, Right])]
    struct Root;

    assert_eq!(start_of(Root).await, Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn three_constructors_in_a_chain_wait_one_after_the_other() {
    slow! { First: 100; Second: 100 after First; Third: 100 after Second; }

    #[module(providers = [Third, First, Second])]
    struct Root;

    assert_eq!(start_of(Root).await, Duration::from_millis(300));
}

/// By levels it would be 50 + 40 + 1.
#[tokio::test(start_paused = true)]
async fn two_chains_of_unequal_steps_do_not_wait_for_each_other() {
    slow! { A: 50; B: 10; C: 10 after A; D: 40 after B; E: 1 after C, D; }

    #[module(providers = [A, B, C, D, E])]
    struct Root;

    assert_eq!(start_of(Root).await, Duration::from_millis(61));
}

#[tokio::test(start_paused = true)]
async fn a_constructor_that_does_not_wait_is_called_between_two_that_do() {
    slow! { First: 50; Last: 50 after Between; }

    struct Between;
    #[injectable]
    impl Between {
        fn new(_: Arc<First>) -> Self {
            Self
        }
    }

    #[module(providers = [First, Between, Last])]
    struct Root;

    assert_eq!(start_of(Root).await, Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn an_importer_does_not_wait_for_what_it_does_not_need() {
    slow! { Slow: 100; Quick: 10; }

    #[module(providers = [Slow, Quick], exports = [Slow, Quick])]
    struct Storage;

    /// When it began, and when it was ready.
    struct Importer(Duration, Duration);

    #[injectable]
    impl Importer {
        async fn new(begun: Arc<Instant>, _: Arc<Quick>) -> Self {
            let began = begun.elapsed();
            work(10).await;
            Self(began, begun.elapsed())
        }
    }

    #[module(imports = [Storage::{Slow, Quick}], providers = [Importer])]
    struct Root {
        #[provide]
        begun: Instant,
    }

    let begun = Instant::now();
    let app = App::new(Root { begun }).start().await.unwrap();
    let Importer(began, ready) = **app.get::<Importer>();
    assert_eq!((began, ready), (Duration::from_millis(10), Duration::from_millis(20)));
    assert_eq!(begun.elapsed(), Duration::from_millis(100), "the application waits for all");
}

#[tokio::test(start_paused = true)]
async fn what_is_ready_first_is_started_first() {
    struct Named<const MILLIS: u64>;

    #[injectable]
    impl<const MILLIS: u64> Named<MILLIS> {
        async fn new(journal: Arc<Journal>) -> Self {
            work(MILLIS).await;
            journal.note(format!("{MILLIS}"));
            Self
        }
    }

    #[module(providers = [Named<30>, Named<10>, Named<20>])]
    struct Root {
        #[provide]
        journal: Journal,
    }

    let journal = Journal::default();
    App::new(Root { journal: journal.clone() }).start().await.unwrap();
    assert_eq!(journal.lines(), ["10", "20", "30"]);
}

/// Blocks its thread, as a constructor should not.
struct Blocking;

#[injectable]
impl Blocking {
    fn new() -> Self {
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        Self
    }
}

#[module(providers = [Blocking])]
struct BlockingModule;

// On the real clock: a paused one does not see a thread that is busy.
#[tokio::test]
async fn a_constructor_that_blocks_past_the_deadline_is_an_error_once_it_returns() {
    let app = App::new(BlockingModule).start_deadline(Duration::from_millis(5));
    let error = app.start().await.unwrap_err().to_string();
    assert_eq!(error, "not started after 5ms: still waiting for a constructor that blocked its thread");
}

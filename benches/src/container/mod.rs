//! The container against hand wiring and other containers: the same graphs, built and used.

pub mod graph;
pub mod hand;
pub(crate) mod lists;
pub mod modi;
#[cfg(feature = "rivals")]
pub mod rivals;

use crate::measure::{Suite, Work};
use ::modi::Scope;
use std::hint::black_box;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

const SUITE: &str = "container";

/// Runs every case.
///
/// # Errors
///
/// Those of starting a runtime or an application.
pub fn run(suite: &mut Suite) -> ::modi::Result {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    get(suite, &runtime)?;
    argument(suite, &runtime)?;
    build(suite, &runtime);
    scope(suite, &runtime)
}

/// The work of a case: an expression that is evaluated again and again.
macro_rules! work {
    ($value:expr) => {{
        let work: Work<'_> = Box::new(move |times| {
            for _ in 0..times {
                let _value = black_box($value);
            }
        });
        work
    }};
}

fn get(suite: &mut Suite, runtime: &Runtime) -> ::modi::Result {
    let hand = hand::build_200();
    let app = runtime.block_on(modi::build_200())?;
    let (hand, app) = (&hand, &app);
    suite.case(
        SUITE,
        "get, borrowed, of 200",
        vec![
            ("hand", work!(&black_box(hand).s199)),
            ("modi", work!(modi::get_200(black_box(app)))),
            #[cfg(feature = "rivals")]
            ("shaku", {
                let container = rivals::shaku::build_200();
                work!(rivals::shaku::get_ref_200(black_box(&container)))
            }),
        ],
    );
    suite.case(
        SUITE,
        "get, `Arc`, of 200",
        vec![
            ("hand", work!(hand::get_200(black_box(hand)))),
            ("modi", work!(Arc::clone(modi::get_200(black_box(app))))),
            #[cfg(feature = "rivals")]
            ("shaku", {
                let container = rivals::shaku::build_200();
                work!(rivals::shaku::get_200(black_box(&container)))
            }),
            #[cfg(feature = "rivals")]
            ("froodi", {
                let container = rivals::froodi::build_200();
                work!(container.as_ref().map(|container| rivals::froodi::get_200(black_box(container))).is_ok())
            }),
            #[cfg(feature = "rivals")]
            ("ferrous-di", {
                let container = rivals::ferrous_di::build_200();
                work!(container.as_ref().map(|container| rivals::ferrous_di::get_200(black_box(container))).is_ok())
            }),
        ],
    );
    Ok(())
}

/// What a handler pays for an argument: the pipeline has the resolver at hand.
fn argument(suite: &mut Suite, runtime: &Runtime) -> ::modi::Result {
    let hand = hand::build_200();
    let app = runtime.block_on(modi::build_200())?;
    let (hand, resolver) = (&hand, app.resolver(Scope::NONE, "handler"));
    suite.case(
        SUITE,
        "a handler's `Arc<T>`, of 200",
        vec![
            ("hand", work!(hand::get_200(black_box(hand)))),
            ("modi", work!(modi::argument_200(black_box(&resolver)))),
        ],
    );
    Ok(())
}

/// Building and dropping again.
fn build(suite: &mut Suite, runtime: &Runtime) {
    macro_rules! case {
        ($size:literal, $build:ident) => {
            suite.case(
                SUITE,
                concat!("build ", $size, " singletons"),
                vec![
                    ("hand", work!(hand::$build())),
                    (
                        "modi",
                        Box::new(move |times| {
                            runtime.block_on(async {
                                for _ in 0..times {
                                    let _app = black_box(modi::$build().await);
                                }
                            })
                        }),
                    ),
                    #[cfg(feature = "rivals")]
                    ("shaku", work!(rivals::shaku::$build())),
                    #[cfg(feature = "rivals")]
                    ("froodi", work!(rivals::froodi::$build())),
                    #[cfg(feature = "rivals")]
                    ("ferrous-di", work!(rivals::ferrous_di::$build())),
                ],
            );
        };
    }
    case!(10, build_10);
    case!(50, build_50);
    case!(200, build_200);
}

fn scope(suite: &mut Suite, runtime: &Runtime) -> ::modi::Result {
    let pool = Arc::new(graph::Pool::default());
    let app = runtime.block_on(modi::scoped_app())?;
    let app = &app;
    suite.case(
        SUITE,
        "two scoped services a message",
        vec![
            ("hand", work!(hand::scoped(black_box(&pool)))),
            (
                "modi",
                Box::new(move |times| {
                    runtime.block_on(async {
                        for _ in 0..times {
                            black_box(modi::scoped(black_box(app)).await);
                        }
                    })
                }),
            ),
            #[cfg(feature = "rivals")]
            ("froodi", {
                let container = rivals::froodi::scope_container();
                work!(container.as_ref().map(|container| rivals::froodi::scoped(black_box(container))).is_ok())
            }),
            #[cfg(feature = "rivals")]
            ("ferrous-di", {
                let container = rivals::ferrous_di::scope_container();
                work!(container.as_ref().map(|container| rivals::ferrous_di::scoped(black_box(container))).is_ok())
            }),
        ],
    );
    Ok(())
}

//! froodi 1.0.0-beta: a registry linked at compile time, and a container that builds lazily.
//!
//! The services derive `Construct`, which its documentation offers for simple constructors. The
//! container keeps what it built in a map by type; nothing is built before it is first asked for.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;

use froodi::DefaultScope::{App, Request};
use froodi::{Container, Inject, InstantiateErrorKind, ResolveErrorKind, instance, registry};

use crate::container::graph::{Pool, Repository, UnitOfWork, outcome};
use crate::container::lists::{services_10, services_50, services_200};

/// Defines the services of a list and the functions of their container.
macro_rules! graph {
    (
        [$size:literal $module:ident $container:ident $build:ident $get:ident $last:ident]
        $(($name:ident $field:ident: $($dependency:ident $dependency_field:ident),*))*
    ) => {
        #[doc = concat!("The ", $size, " services.")]
        #[allow(missing_debug_implementations, reason = "a service holds its dependencies only")]
        pub mod $module {
            crate::container::graph::services! {
                [#[derive(froodi::Construct)]]
                $(($name $field: $($dependency $dependency_field),*))*
            }
        }

        #[doc = concat!("Makes the container of ", $size, " services, and builds none of them.")]
        pub fn $container() -> Container {
            Container::new(registry! {
                scope(App) [$(provide::<$module::$name>()),*],
            })
        }

        #[doc = concat!("Makes the container of ", $size, " services and resolves every one.")]
        ///
        /// # Errors
        ///
        /// When the container cannot build a service.
        pub fn $build() -> Result<Container, ResolveErrorKind> {
            let container = $container();
            $(drop(black_box(container.get::<$module::$name>()?));)*
            Ok(container)
        }

        #[doc = concat!("Gets the last of the ", $size, " services.")]
        ///
        /// # Errors
        ///
        /// When the container cannot build the service.
        pub fn $get(container: &Container) -> Result<Arc<$module::$last>, ResolveErrorKind> {
            container.get()
        }
    };
}

services_10!(graph, 10 n10 container_10 build_10 get_10 S9);
services_50!(graph, 50 n50 container_50 build_50 get_50 S49);
services_200!(graph, 200 n200 container_200 build_200 get_200 S199);

/// Makes the container of the scoped graph, with its singleton built.
///
/// A scope starts with a copy of the map of what its parent has built, so what it costs grows with
/// the number of singletons. There is one here.
///
/// # Errors
///
/// When the container cannot build the singleton.
pub fn scope_container() -> Result<Container, ResolveErrorKind> {
    let container = Container::new(registry! {
        provide(App, instance(Pool::default())),
        scope(Request) [
            provide(|Inject(pool): Inject<Pool>| {
                Ok::<_, InstantiateErrorKind>(UnitOfWork::new(pool))
            }),
            provide(|Inject(unit_of_work): Inject<UnitOfWork>| {
                Ok::<_, InstantiateErrorKind>(Repository { unit_of_work })
            }),
        ],
    });
    container.get::<Pool>()?;
    Ok(container)
}

/// Opens a scope, resolves its two services, and drops it.
///
/// # Errors
///
/// When the scope cannot be opened or a service cannot be built.
pub fn scoped(container: &Container) -> Result<u64, Box<dyn Error>> {
    let scope = container.clone().enter_build()?;
    let unit_of_work = scope.get::<UnitOfWork>()?;
    let repository = scope.get::<Repository>()?;
    Ok(outcome(&unit_of_work, &repository))
}

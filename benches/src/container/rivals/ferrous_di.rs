//! ferrous-di 0.2.0: a collection of factories, checked at run time.
//!
//! A factory asks the resolver for its dependencies. A singleton is built when it is first asked
//! for; a service that is missing is found only then.
//!
//! The default features are the fastest that compile: `once-cell`, and `performance` with it, do not
//! compile in version 0.2.0, and `parking-lot`, `ahash` and `smallvec` change no code in it.

use std::hint::black_box;
use std::sync::Arc;

use ferrous_di::{DiError, Resolver, ServiceCollection, ServiceProvider};

use crate::container::graph::{Pool, Repository, UnitOfWork, outcome};
use crate::container::lists::{services_10, services_50, services_200};

/// Defines the services of a list and the functions of their provider.
macro_rules! graph {
    (
        [$size:literal $module:ident $container:ident $build:ident $get:ident $last:ident]
        $(($name:ident $field:ident: $($dependency:ident $dependency_field:ident),*))*
    ) => {
        #[doc = concat!("The ", $size, " services.")]
        #[allow(missing_debug_implementations, reason = "a service holds its dependencies only")]
        pub mod $module {
            crate::container::graph::services! { [] $(($name $field: $($dependency $dependency_field),*))* }
        }

        #[doc = concat!("Makes the provider of ", $size, " services, and builds none of them.")]
        pub fn $container() -> ServiceProvider {
            let mut collection = ServiceCollection::new();
            $(
                collection.add_singleton_factory::<$module::$name, _>(|_resolver| $module::$name {
                    $($dependency_field: _resolver.get_required::<$module::$dependency>()),*
                });
            )*
            collection.build()
        }

        #[doc = concat!("Makes the provider of ", $size, " services and resolves every one.")]
        ///
        /// # Errors
        ///
        /// When the provider cannot build a service.
        pub fn $build() -> Result<ServiceProvider, DiError> {
            let container = $container();
            $(drop(black_box(container.get::<$module::$name>()?));)*
            Ok(container)
        }

        #[doc = concat!("Gets the last of the ", $size, " services.")]
        ///
        /// # Errors
        ///
        /// When the provider cannot build the service.
        pub fn $get(container: &ServiceProvider) -> Result<Arc<$module::$last>, DiError> {
            container.get()
        }
    };
}

services_10!(graph, 10 n10 container_10 build_10 get_10 S9);
services_50!(graph, 50 n50 container_50 build_50 get_50 S49);
services_200!(graph, 200 n200 container_200 build_200 get_200 S199);

/// Makes the provider of the scoped graph, with its singleton built.
///
/// # Errors
///
/// When the provider cannot build the singleton.
pub fn scope_container() -> Result<ServiceProvider, DiError> {
    let mut collection = ServiceCollection::new();
    collection.add_singleton(Pool::default());
    collection.add_scoped_factory::<UnitOfWork, _>(|resolver| UnitOfWork::new(resolver.get_required::<Pool>()));
    collection.add_scoped_factory::<Repository, _>(|resolver| Repository {
        unit_of_work: resolver.get_required::<UnitOfWork>(),
    });
    let container = collection.build();
    container.get::<Pool>()?;
    Ok(container)
}

/// Opens a scope, resolves its two services, and drops it.
///
/// # Errors
///
/// When a service cannot be built.
pub fn scoped(container: &ServiceProvider) -> Result<u64, DiError> {
    let scope = container.create_scope();
    let unit_of_work = scope.get::<UnitOfWork>()?;
    let repository = scope.get::<Repository>()?;
    Ok(outcome(&unit_of_work, &repository))
}

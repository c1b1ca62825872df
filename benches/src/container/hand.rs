//! The graphs of the container benchmarks wired by hand: the floor under every container.

use std::sync::Arc;

use super::graph::{Pool, Repository, UnitOfWork, outcome};
use super::lists::{services_10, services_50, services_200};

/// Defines the services of a list, the struct that owns them, and its functions.
macro_rules! graph {
    (
        [$size:literal $module:ident $container:ident $build:ident $get:ident $last:ident $last_field:ident]
        $(($name:ident $field:ident: $($dependency:ident $dependency_field:ident),*))*
    ) => {
        #[doc = concat!("The ", $size, " services.")]
        #[allow(missing_debug_implementations, reason = "a service holds its dependencies only")]
        pub mod $module {
            crate::container::graph::services! { [] $(($name $field: $($dependency $dependency_field),*))* }
        }

        #[doc = concat!("The ", $size, " services, wired by hand.")]
        #[allow(missing_debug_implementations, reason = "a service holds its dependencies only")]
        pub struct $container {
            $(
                #[doc = concat!("The service `", stringify!($field), "`.")]
                pub $field: Arc<$module::$name>,
            )*
        }

        #[doc = concat!("Builds the ", $size, " services in the order of their dependencies.")]
        pub fn $build() -> $container {
            $(
                let $field = Arc::new($module::$name {
                    $($dependency_field: Arc::clone(&$dependency_field)),*
                });
            )*
            $container { $($field),* }
        }

        #[doc = concat!("Gets the last of the ", $size, " services.")]
        pub fn $get(container: &$container) -> Arc<$module::$last> {
            Arc::clone(&container.$last_field)
        }
    };
}

services_10!(graph, 10 n10 Hand10 build_10 get_10 S9 s9);
services_50!(graph, 50 n50 Hand50 build_50 get_50 S49 s49);
services_200!(graph, 200 n200 Hand200 build_200 get_200 S199 s199);

/// Makes the singleton of the scoped graph.
pub fn scope_container() -> Arc<Pool> {
    Arc::new(Pool::default())
}

/// Makes the scoped services of one message, uses both, and drops them.
pub fn scoped(pool: &Arc<Pool>) -> u64 {
    let unit_of_work = Arc::new(UnitOfWork::new(Arc::clone(pool)));
    let repository = Arc::new(Repository { unit_of_work: Arc::clone(&unit_of_work) });
    outcome(&unit_of_work, &repository)
}

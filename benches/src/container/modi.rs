//! Modi: the same graphs as modules.

use super::lists::{services_10, services_50, services_200};
use modi::prelude::*;
use modi::{Dependency, Resolver, RunningApp, StartError};
use std::sync::Arc;

/// Defines the services of a list, their module, and its functions.
macro_rules! graph {
    (
        [$size:literal $module:ident $root:ident $build:ident $get:ident $last:ident]
        $(($name:ident $field:ident: $($dependency:ident $dependency_field:ident),*))*
    ) => {
        #[doc = concat!("The ", $size, " services and their module.")]
        #[allow(missing_debug_implementations, reason = "a service holds its dependencies only")]
        pub mod $module {
            crate::container::graph::services! { [#[modi::injectable]] $(($name $field: $($dependency $dependency_field),*))* }

            /// The module.
            #[modi::module(providers = [$($name),*])]
            pub struct $root;
        }

        #[doc = concat!("Builds an application of ", $size, " services.")]
        ///
        /// # Errors
        ///
        /// None: nothing in it can fail.
        pub async fn $build() -> Result<RunningApp<$module::$root>, StartError> {
            App::new($module::$root).start().await
        }

        #[doc = concat!("Gets the last of the ", $size, " services.")]
        pub fn $get(app: &RunningApp<$module::$root>) -> &Arc<$module::$last> {
            app.get()
        }
    };
}

services_10!(graph, 10 n10 Module10 build_10 get_10 S9);
services_50!(graph, 50 n50 Module50 build_50 get_50 S49);
services_200!(graph, 200 n200 Module200 build_200 get_200 S199);

/// Takes the last of the 200 services as a handler's argument is taken.
pub fn argument_200(resolver: &Resolver<'_, n200::Module200>) -> Option<Arc<n200::S199>> {
    Dependency::take(resolver).ok()
}

#[injectable]
fn pool() -> super::graph::Pool {
    super::graph::Pool::default()
}

#[injectable(scoped)]
fn unit_of_work(pool: Arc<super::graph::Pool>) -> super::graph::UnitOfWork {
    super::graph::UnitOfWork::new(pool)
}

#[injectable(scoped)]
fn repository(unit_of_work: Arc<super::graph::UnitOfWork>) -> super::graph::Repository {
    super::graph::Repository { unit_of_work }
}

/// A singleton and two scoped services.
#[module(providers = [pool, unit_of_work, repository])]
#[derive(Debug)]
pub struct ScopedModule;

/// The application of the scoped graph.
///
/// # Errors
///
/// None: nothing in it can fail.
pub async fn scoped_app() -> Result<RunningApp<ScopedModule>, StartError> {
    App::new(ScopedModule).start().await
}

/// Opens a scope, takes both scoped services, and ends it.
pub async fn scoped(app: &RunningApp<ScopedModule>) -> u64 {
    let outcome = app.scope(async |scope| {
        let unit_of_work = scope.get().await?;
        let repository = scope.get().await?;
        Ok(super::graph::outcome(&unit_of_work, &repository))
    });
    outcome.await.unwrap_or_default()
}

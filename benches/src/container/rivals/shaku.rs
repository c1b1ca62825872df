//! shaku 0.6: a module of components, checked at compile time.
//!
//! A component is resolved by the trait it implements, so each service has one. The module builds
//! every component that is not marked lazy when it is built itself; `get` is then a read of a field.
//!
//! There is no scoped graph here: shaku has no scopes. It has components (singletons) and providers
//! (a new boxed value for each request, which two consumers cannot share).

use std::hint::black_box;
use std::sync::Arc;

use shaku::HasComponent;

use crate::container::lists::{services_10, services_50, services_200};

/// Defines the components of a list, the module that holds them, and its functions.
macro_rules! graph {
    (
        [$size:literal $module:ident $container:ident $build:ident $get:ident $get_ref:ident $last:ident]
        $(($name:ident $field:ident: $($dependency:ident $dependency_field:ident),*))*
    ) => {
        #[doc = concat!("The ", $size, " components and their module.")]
        #[allow(
            missing_debug_implementations,
            missing_docs,
            reason = "a service holds its dependencies only, and the module is generated without docs"
        )]
        pub mod $module {
            use std::sync::Arc;

            /// The traits that the components implement.
            pub mod api {
                $(
                    #[doc = concat!("The interface of the service `", stringify!($field), "`.")]
                    pub trait $name: shaku::Interface {}
                )*
            }

            $(
                #[doc = concat!("The service `", stringify!($field), "`.")]
                #[derive(shaku::Component)]
                #[shaku(interface = api::$name)]
                pub struct $name {
                    $(
                        #[doc = concat!("The dependency `", stringify!($dependency_field), "`.")]
                        #[shaku(inject)]
                        pub $dependency_field: Arc<dyn api::$dependency>,
                    )*
                }

                impl api::$name for $name {}
            )*

            shaku::module! {
                pub Services {
                    components = [$($name),*],
                    providers = []
                }
            }
        }

        #[doc = concat!("Makes the module of ", $size, " components, which builds them all.")]
        pub fn $container() -> $module::Services {
            $module::Services::builder().build()
        }

        #[doc = concat!("Makes the module of ", $size, " components and resolves every one.")]
        pub fn $build() -> $module::Services {
            let container = $container();
            $(
                let service: Arc<dyn $module::api::$name> = container.resolve();
                drop(black_box(service));
            )*
            container
        }

        #[doc = concat!("Gets a shared pointer to the last of the ", $size, " services.")]
        pub fn $get(container: &$module::Services) -> Arc<dyn $module::api::$last> {
            container.resolve()
        }

        #[doc = concat!("Gets a reference to the last of the ", $size, " services.")]
        pub fn $get_ref(container: &$module::Services) -> &dyn $module::api::$last {
            container.resolve_ref()
        }
    };
}

services_10!(graph, 10 n10 container_10 build_10 get_10 get_ref_10 S9);
services_50!(graph, 50 n50 container_50 build_50 get_50 get_ref_50 S49);
services_200!(graph, 200 n200 container_200 build_200 get_200 get_ref_200 S199);

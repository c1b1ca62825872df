//! What the subjects of the container benchmarks have in common: the plain structs of the services,
//! generated from the lists, and the services of the scoped graph.

use std::sync::Arc;

/// Defines the structs of a list of services: `services! { [attributes] entry entry .. }`.
///
/// A struct holds an `Arc` of each dependency and nothing else. The attributes go on every struct.
macro_rules! services {
    ($attributes:tt $($service:tt)*) => {
        $($crate::container::graph::service! { $attributes $service })*
    };
}

/// Defines the struct of one entry of a list.
macro_rules! service {
    (
        [$($attribute:tt)*]
        ($name:ident $field:ident: $($dependency:ident $dependency_field:ident),*)
    ) => {
        #[doc = concat!("The service `", stringify!($field), "`.")]
        $($attribute)*
        pub struct $name {
            $(
                #[doc = concat!("The dependency `", stringify!($dependency_field), "`.")]
                pub $dependency_field: ::std::sync::Arc<$dependency>,
            )*
        }
    };
}

pub(crate) use {service, services};

/// The singleton of the scoped graph.
#[derive(Debug, Clone)]
pub struct Pool {
    /// The number that every unit of work copies.
    pub number: u64,
}

impl Default for Pool {
    fn default() -> Self {
        Self { number: 7 }
    }
}

/// The first scoped service: one for each message.
#[derive(Debug)]
pub struct UnitOfWork {
    /// The singleton.
    pub pool: Arc<Pool>,
    /// The number copied from the singleton.
    pub number: u64,
}

impl UnitOfWork {
    /// Makes a unit of work on the pool.
    pub fn new(pool: Arc<Pool>) -> Self {
        let number = pool.number;
        Self { pool, number }
    }
}

/// The second scoped service: it shares the unit of work of its message.
#[derive(Debug)]
pub struct Repository {
    /// The unit of work of the message.
    pub unit_of_work: Arc<UnitOfWork>,
}

/// What a message gets out of its scope: a value that reads both scoped services.
pub fn outcome(unit_of_work: &UnitOfWork, repository: &Repository) -> u64 {
    unit_of_work.number + repository.unit_of_work.number
}

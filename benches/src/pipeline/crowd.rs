//! Modi in larger applications: what a message costs must not grow with what stands beside its subscriber.

use super::ledger::Ledger;
use super::modi::Feed;
use crate::container::lists::services_50;
use ::modi::prelude::*;
use bytes::Bytes;
use std::sync::Arc;

/// A subscriber for each entry of a list, on a topic of its own that nobody publishes to.
macro_rules! idle {
    ([$module:ident $topics:literal] $(($name:ident $field:ident: $($dependency:ident $dependency_field:ident),*))*) => {
        mod $module {
            $(
                #[modi::subscriber(concat!($topics, stringify!($field)))]
                async fn $field(_body: bytes::Bytes) {}
            )*

            #[modi::module(subscribers = [$($field),*])]
            pub(super) struct Idle;
        }
    };
}

services_50!(idle, some "some.");
services_50!(idle, more "more.");

macro_rules! crowded {
    ($module:ident, $imports:tt) => {
        #[module(imports = $imports, providers = [Feed], subscribers = [handled])]
        pub(super) struct $module {
            #[provide]
            pub(super) ledger: Arc<Ledger>,
        }
    };
}

#[subscriber("orders", prefetch = 64)]
async fn handled(body: Bytes, ledger: Arc<Ledger>) {
    ledger.body(&body);
}

crowded!(AmongSubscribers, [some::Idle, more::Idle]);
crowded!(AmongServices, [crate::container::modi::n200::Module200]);

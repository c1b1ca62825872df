//! The order system: users, notifications, inventory, payments, orders, analytics and an event store, each a module.
//!
//! Services hold the logic and know no broker; subscribers only translate. `examples/orders` runs it over a file of
//! events, and the tests run it on [`modi::TestApp`].

pub mod analytics;
pub mod event_store;
pub mod feed;
pub mod inventory;
pub mod notifications;
pub mod orders;
pub mod payments;
pub mod storage;
pub mod users;

use analytics::AnalyticsModule;
use event_store::{EventStore, EventStoreModule, UserAggregate};
use feed::Feed;
use inventory::{Inventory, InventoryModule};
use modi::prelude::*;
use notifications::{Mailer, NotificationModule, Notifications};
use orders::{OrderModule, OrderService, Orders};
use payments::PaymentModule;
use storage::{Database, Settings, StorageModule};
use users::{UserModule, UserService};

/// The whole shop. Its settings are a value; the modules below share what they import.
#[module(
    imports = [
        StorageModule { settings: self.settings.clone() }::{Database, Settings},
        EventStoreModule::{EventStore, UserAggregate},
        NotificationModule::{Notifications, Mailer},
        UserModule::{UserService},
        InventoryModule::{Inventory},
        PaymentModule,
        OrderModule::{OrderService, Orders},
        AnalyticsModule,
    ],
    providers = [Feed],
)]
#[derive(Debug, Default)]
pub struct ShopModule {
    /// What differs between a test and a run.
    pub settings: Settings,
}

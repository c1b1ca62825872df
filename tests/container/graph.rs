//! The picture of an application, from constants: nothing is built for it.

use modi::{All, App, Lazy, injectable, module, subscriber};
use std::sync::Arc;

trait Health: Send + Sync {}

trait Mailer: Send + Sync {}

/// Nobody provides it.
struct Audit;

struct User;

/// Built by nobody, or the test fails.
fn built<T>() -> T {
    panic!("a picture builds nothing")
}

struct Database;
#[injectable]
impl Database {
    fn open() -> Self {
        built()
    }
}

struct Repository<T>(std::marker::PhantomData<fn() -> T>);
#[injectable]
impl<T> Repository<T> {
    fn new(_db: Arc<Database>) -> Self {
        built()
    }
}

struct Transaction;
#[injectable(scoped)]
impl Transaction {
    async fn begin(_db: Arc<Database>) -> Self {
        built()
    }
}

struct Query;
#[injectable(transient)]
impl Query {
    fn new(_transaction: Arc<Transaction>) -> Self {
        built()
    }
}

#[module(providers = [Database, Repository<User>, Transaction, Query], exports = [Database, Repository<User>, Query])]
struct StorageModule {
    #[provide]
    size: u32,
}

struct Orders;
#[injectable]
impl Orders {
    fn new(_users: Arc<Repository<User>>, _stock: Arc<Stock>, _audit: Option<Arc<Audit>>) -> Self {
        built()
    }
}

struct Stock;
#[injectable]
impl Stock {
    fn new(_orders: Lazy<Orders>, _health: All<dyn Health>) -> Self {
        built()
    }
}

struct Smtp;
#[injectable]
impl Smtp {
    fn new(_: Arc<Database>) -> Self {
        built()
    }
}

impl Mailer for Smtp {}

impl Health for Smtp {}

#[subscriber("orders.created")]
async fn created(_orders: Arc<Orders>, _query: Arc<Query>) {
    built()
}

/// Nothing is taken from it.
#[module]
struct Aside;

#[module(
    imports = [StorageModule { size: built() }::{Database, Repository<User>, Query}, Aside],
    providers = [Orders, Stock, Smtp as dyn Mailer, Smtp as all dyn Health],
    optional = [Audit],
    subscribers = [created],
)]
struct Root;

#[test]
fn an_application_is_drawn_for_mermaid() {
    assert_eq!(
        App::new(Root).graph().mermaid(),
        r#"graph TD
  subgraph Root
    Root_Orders["Orders"]
    Root_Stock["Stock"]
    Root_Smtp["Smtp"]
    Root_dyn_Mailer["dyn Mailer"]
    Root_created>"created"]
    Root_All_dyn_Health_["All#lt;dyn Health#gt;"]
  end
  subgraph StorageModule
    StorageModule_u32["u32"]
    StorageModule_Database["Database"]
    StorageModule_Repository_User_["Repository#lt;User#gt;"]
    StorageModule_Transaction(["Transaction"])
    StorageModule_Query{{"Query"}}
  end
  subgraph Aside
  end
  Root_Orders -->|_users| StorageModule_Repository_User_
  Root_Orders -->|_stock| Root_Stock
  Root_Stock -.->|_orders| Root_Orders
  Root_Stock -->|_health| Root_All_dyn_Health_
  Root_Smtp -->|0| StorageModule_Database
  Root_dyn_Mailer -->|as| Root_Smtp
  Root_created -->|_orders| Root_Orders
  Root_created -->|_query| StorageModule_Query
  Root_All_dyn_Health_ -->|Smtp| Root_Smtp
  StorageModule_Repository_User_ -->|_db| StorageModule_Database
  StorageModule_Transaction -->|_db| StorageModule_Database
  StorageModule_Query -->|_transaction| StorageModule_Transaction
"#
    );
}

#[test]
fn an_application_is_drawn_for_graphviz() {
    assert_eq!(
        App::new(Root).graph().dot(),
        r#"digraph {
  rankdir=LR
  subgraph cluster_Root {
    label="Root"
    Root_Orders [label="Orders" shape=box]
    Root_Stock [label="Stock" shape=box]
    Root_Smtp [label="Smtp" shape=box]
    Root_dyn_Mailer [label="dyn Mailer" shape=box]
    Root_created [label="created" shape=cds]
    Root_All_dyn_Health_ [label="All<dyn Health>" shape=box]
  }
  subgraph cluster_StorageModule {
    label="StorageModule"
    StorageModule_u32 [label="u32" shape=box]
    StorageModule_Database [label="Database" shape=box]
    StorageModule_Repository_User_ [label="Repository<User>" shape=box]
    StorageModule_Transaction [label="Transaction" shape=ellipse]
    StorageModule_Query [label="Query" shape=hexagon]
  }
  subgraph cluster_Aside {
    label="Aside"
  }
  Root_Orders -> StorageModule_Repository_User_ [label="_users"]
  Root_Orders -> Root_Stock [label="_stock"]
  Root_Stock -> Root_Orders [label="_orders" style=dashed]
  Root_Stock -> Root_All_dyn_Health_ [label="_health"]
  Root_Smtp -> StorageModule_Database [label="0"]
  Root_dyn_Mailer -> Root_Smtp [label="as"]
  Root_created -> Root_Orders [label="_orders"]
  Root_created -> StorageModule_Query [label="_query"]
  Root_All_dyn_Health_ -> Root_Smtp [label="Smtp"]
  StorageModule_Repository_User_ -> StorageModule_Database [label="_db"]
  StorageModule_Transaction -> StorageModule_Database [label="_db"]
  StorageModule_Query -> StorageModule_Transaction [label="_transaction"]
}
"#
    );
}

#[test]
fn an_application_is_written_as_json() {
    #[module(imports = [StorageModule { size: built() }::{Query}], providers = [Holder], optional = [Audit])]
    struct Small;
    struct Holder;
    #[injectable]
    impl Holder {
        fn new(_size: Option<Arc<Audit>>, _again: Lazy<Self>) -> Self {
            built()
        }
    }

    let json: serde_json::Value = serde_json::from_str(&App::new(Small).graph().json()).unwrap();
    let storage = |field: &str, to: &str| serde_json::json!({ "field": field, "module": "StorageModule", "to": to, "lazy": false });
    assert_eq!(
        json,
        serde_json::json!({ "modules": [
            { "name": "Small", "nodes": [
                { "name": "Holder", "kind": "singleton", "edges": [
                    { "field": "_size", "module": null, "to": null, "lazy": false },
                    { "field": "_again", "module": "Small", "to": "Holder", "lazy": true },
                ] },
            ] },
            { "name": "StorageModule", "nodes": [
                { "name": "u32", "kind": "singleton", "edges": [] },
                { "name": "Database", "kind": "singleton", "edges": [] },
                { "name": "Repository<User>", "kind": "singleton", "edges": [storage("_db", "Database")] },
                { "name": "Transaction", "kind": "scoped", "edges": [storage("_db", "Database")] },
                { "name": "Query", "kind": "transient", "edges": [storage("_transaction", "Transaction")] },
            ] },
        ] })
    );
}

#[test]
fn a_module_is_drawn_once_however_often_it_is_imported() {
    #[module(imports = [Aside, Right])]
    struct Left;
    #[module(imports = [Aside])]
    struct Right;
    #[module(imports = [Left, Right, Aside])]
    struct Top;

    assert_eq!(
        App::new(Top).graph().mermaid(),
        "graph TD\n  subgraph Top\n  end\n  subgraph Left\n  end\n  subgraph Aside\n  end\n  subgraph Right\n  end\n"
    );
}

/// What is exported further is drawn where it is owned, and the module between is drawn, too.
#[test]
fn a_module_that_only_passes_on_is_drawn() {
    #[module(imports = [StorageModule { size: built() }::{Database}], exports = [Database])]
    struct Between;
    #[module(imports = [Between::{Database}], providers = [Smtp])]
    struct Top;

    let picture = App::new(Top).graph().mermaid();
    assert!(picture.contains("subgraph Between"), "{picture}");
    assert!(picture.contains("Top_Smtp -->|0| StorageModule_Database"), "{picture}");
}

mod users {
    #[modi::injectable]
    pub(super) struct Service;
    #[modi::module(providers = [Service], exports = [Service])]
    pub(super) struct Module;
}
mod orders {
    use super::{Arc, users};

    pub(super) struct Service;
    #[modi::injectable]
    impl Service {
        fn new(_users: Arc<users::Service>) -> Self {
            super::built()
        }
    }
    #[modi::module(imports = [users::Module::{users::Service}], providers = [Service])]
    pub(super) struct Module;
}

#[test]
fn two_modules_of_one_name_are_told_apart() {
    assert_eq!(
        App::new(orders::Module).graph().mermaid(),
        r#"graph TD
  subgraph Module
    Module_Service["Service"]
  end
  subgraph Module_2
    Module_2_Service["Service"]
  end
  Module_Service -->|_users| Module_2_Service
"#
    );
}

#[test]
fn providers_are_counted_and_handlers_are_not() {
    assert_eq!(App::new(Root).graph().provider_count(), 5 + 5);
    assert_eq!(App::new(Aside).graph().provider_count(), 0);
}

//! MF-A1, MF-A2, MF-A3: an order that is paid, one that is not in stock, one whose amount is wrong.

use super::{order, shop};
use modi::{FailureKind, Message};
use serde_json::{Value, json};
use shop::inventory::Inventory;
use shop::orders::{OrderCompleted, OrderService, PaymentRequested, Status};
use shop::storage::Database;

const TOPIC: &str = "orders.created";

#[tokio::test]
async fn mf_a1_an_order_is_reserved_paid_and_completed() {
    let app = shop().await;
    app.publish(TOPIC, &order("order_123", "product_1", 2, 99.99)).await.unwrap();

    let payment = PaymentRequested { order_id: "order_123".into(), amount: 99.99 };
    assert_eq!(app.published::<PaymentRequested>("payments.requested"), [payment]);
    let completed = OrderCompleted { order_id: "order_123".into() };
    assert_eq!(app.published::<OrderCompleted>("orders.completed"), [completed]);
    assert_eq!(app.get::<OrderService>().status("order_123"), Some(Status::Completed));
    assert_eq!(app.get::<Database>().url(), "postgresql://localhost/shop");

    let saved = app.get::<Database>().saved();
    let kinds: Vec<_> = saved.iter().map(|saved| (saved.kind, saved.data["status"].as_str().unwrap_or(""))).collect();
    let in_order = [
        ("order_created", ""),
        ("inventory_reserved", ""),
        ("order_status_updated", "inventory_reserved"),
        ("payment_processed", ""),
        ("order_status_updated", "paid"),
        ("order_status_updated", "completed"),
    ];
    assert_eq!(kinds, in_order);
    assert_eq!(saved[1].data, json!({ "product_id": "product_1", "quantity": 2, "remaining": 98 }));
    assert_eq!(saved[3].data["transaction_id"], "txn_order_123");
    assert!(app.dead_letters(TOPIC).is_empty());
}

#[tokio::test]
async fn mf_a1_the_stock_is_98_afterwards() {
    let app = shop().await;
    app.publish(TOPIC, &order("order_123", "product_1", 2, 99.99)).await.unwrap();
    assert_eq!(app.get::<Inventory>().left("product_1"), 98);
}

#[tokio::test]
async fn mf_a2_an_order_that_is_not_in_stock_ends_there() {
    for (id, product, quantity) in [("large", "product_1", 1000), ("unknown", "product_9", 1)] {
        let app = shop().await;
        app.publish(TOPIC, &order(id, product, quantity, 10.0)).await.unwrap();
        assert_eq!(app.get::<OrderService>().status(id), Some(Status::InventoryUnavailable));
        assert!(app.messages("payments.requested").is_empty(), "no payment is asked for");
        assert_eq!(app.get::<Inventory>().left("product_1"), 100, "the stock is as it was");
        assert_eq!(app.get::<Inventory>().left(product), if product == "product_1" { 100 } else { 0 });
    }
}

#[tokio::test]
async fn mf_a2_the_rules_answer_insufficient_inventory_without_any_broker() {
    use shop::orders::{OrderCreated, Step};
    let app = shop().await;
    let too_many = OrderCreated { id: "o".into(), product_id: "product_1".into(), quantity: 1000, total_amount: 1.0 };
    let orders = app.get::<shop::orders::Orders>();
    assert_eq!(orders.created(&too_many), Step::Failed { reason: "insufficient_inventory" });
    assert!(app.get::<Inventory>().is_available("product_1", 10));
    assert!(!app.get::<Inventory>().is_available("product_1", 1000));
}

#[tokio::test]
async fn mf_a3_an_amount_that_is_not_positive_fails_the_payment() {
    for amount in [0.0, -5.0] {
        let app = shop().await;
        app.publish(TOPIC, &order("o", "product_1", 1, amount)).await.unwrap();
        assert_eq!(app.messages("payments.requested").len(), 1);
        assert_eq!(app.get::<OrderService>().status("o"), Some(Status::PaymentFailed));
        assert!(app.messages("orders.completed").is_empty());
        let saved = app.get::<Database>().saved();
        let processed = saved.iter().find(|saved| saved.kind == "payment_processed").expect("it is saved");
        assert_eq!((&processed.data["success"], &processed.data["transaction_id"]), (&json!(false), &Value::Null));
    }
}

#[tokio::test]
async fn mf_a3_an_amount_that_is_missing_or_no_number_is_a_dead_letter_and_the_next_order_is_handled() {
    let app = shop().await;
    let missing = json!({ "id": "a", "product_id": "product_1", "quantity": 1 });
    let text = json!({ "id": "b", "product_id": "product_1", "quantity": 1, "total_amount": "a lot" });
    app.publish(TOPIC, &missing).await.unwrap();
    app.publish(TOPIC, &text).await.unwrap();
    app.publish_message(TOPIC, Message::new("{broken")).await.unwrap();
    app.publish(TOPIC, &order("c", "product_1", 1, 9.0)).await.unwrap();

    let dead = app.dead_letters(TOPIC);
    assert_eq!(dead.len(), 3);
    assert!(dead.iter().all(|letter| letter.kind == FailureKind::Decode), "{dead:?}");
    assert!(dead.iter().all(|letter| letter.attempts == 1 && letter.group == "orders"), "{dead:?}");
    assert!(dead[0].error.contains("total_amount"), "{}", dead[0].error);
    assert_eq!(dead[0].message.payload(), Some(&serde_json::to_vec(&missing).unwrap().into()), "byte for byte");
    assert_eq!(app.get::<OrderService>().status("c"), Some(Status::Completed), "the subscriber goes on");
    assert_eq!(app.get::<OrderService>().status("a"), None);
}

//! The count, branch by branch, on literal lines.

use super::{Counts, count, count_lines};
use std::io;
use std::path::Path;

const STOCK: &[(&str, u64)] = &[("product_1", 5), ("product_2", 5_000_000_000)];

fn counts(lines: &[&str]) -> io::Result<Counts> {
    count_lines(lines.join("\n").as_bytes(), STOCK)
}

/// What `bodies` count for, all of them published to `topic`.
fn of_topic(topic: &str, bodies: &[&str]) -> io::Result<Counts> {
    let line = |body: &&str| format!(r#"{{"topic":"{topic}","body":{body}}}"#);
    let lines: Vec<String> = bodies.iter().map(line).collect();
    count_lines(lines.join("\n").as_bytes(), STOCK)
}

#[test]
fn unreadable_lines_are_not_published() -> io::Result<()> {
    let found = counts(&[
        r#"{"topic":"orders.created","bo"#,
        r#"["topic","body"]"#,
        r"42",
        r#"{"key":"a","body":{}}"#,
        r#"{"topic":1,"body":{}}"#,
        r#"{"topic":"elsewhere"}"#,
        r#"{"topic":"elsewhere","raw":1}"#,
        "",
        r#"{"topic":"elsewhere","body":null}"#,
        r#"{"topic":"elsewhere","key":"a","raw":"{"}"#,
    ])?;
    let expected = Counts { lines: 10, unreadable: 8, published: 2, published_elsewhere: 2, ..Counts::default() };
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn a_line_that_is_not_utf_8_is_unreadable() -> io::Result<()> {
    let found = count_lines(&b"{\"topic\":\"\xff\",\"body\":{}}\n"[..], STOCK)?;
    assert_eq!((found.lines, found.unreadable), (1, 1));
    Ok(())
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let missing = count(Path::new("no/such/file.jsonl"), STOCK);
    assert!(missing.is_err_and(|error| error.kind() == io::ErrorKind::NotFound));
}

#[test]
fn orders_take_stock_and_are_paid() -> io::Result<()> {
    let found = of_topic(
        "orders.created",
        &[
            r#"{"id":"1","product_id":"product_1","quantity":3,"total_amount":9.99}"#,
            r#"{"id":"2","product_id":"product_1","quantity":3,"total_amount":9.99}"#,
            r#"{"id":"3","product_id":"product_1","quantity":1,"total_amount":0}"#,
            r#"{"id":"4","product_id":"product_1","quantity":1,"total_amount":-9.99,"coupon":1}"#,
            r#"{"id":"5","product_id":"product_1","quantity":1,"total_amount":9.99}"#,
            r#"{"id":"6","product_id":"unknown","quantity":1,"total_amount":9.99}"#,
            r#"{"id":"7","product_id":"unknown","quantity":0,"total_amount":1}"#,
            r#"{"id":"8","product_id":"product_2","quantity":4294967295,"total_amount":1}"#,
        ],
    )?;
    let expected = Counts {
        lines: 8,
        published: 8,
        published_orders: 8,
        orders_decoded: 8,
        orders_completed: 3,
        orders_payment_failed: 2,
        orders_inventory_unavailable: 3,
        ..Counts::default()
    };
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn orders_that_do_not_decode_are_dead_letters() -> io::Result<()> {
    let bodies = [
        r#"{"product_id":"product_1","quantity":1,"total_amount":1}"#,
        r#"{"id":1,"product_id":"product_1","quantity":1,"total_amount":1}"#,
        r#"{"id":"1","quantity":1,"total_amount":1}"#,
        r#"{"id":"1","product_id":"product_1","total_amount":1}"#,
        r#"{"id":"1","product_id":"product_1","quantity":1}"#,
        r#"{"id":"1","product_id":"product_1","quantity":"1","total_amount":1}"#,
        r#"{"id":"1","product_id":"product_1","quantity":-1,"total_amount":1}"#,
        r#"{"id":"1","product_id":"product_1","quantity":2.5,"total_amount":1}"#,
        r#"{"id":"1","product_id":"product_2","quantity":4294967296,"total_amount":1}"#,
        r#"{"id":"1","product_id":"product_1","quantity":1,"total_amount":"1"}"#,
        r#"{"id":"1","product_id":"product_1","quantity":1,"total_amount":null}"#,
        r#"["1","product_1",1,1]"#,
    ];
    let found = of_topic("orders.created", &bodies)?;
    let expected = Counts {
        lines: 12,
        published: 12,
        published_orders: 12,
        dead_letters: 12,
        dead_orders: 12,
        ..Counts::default()
    };
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn a_raw_body_counts_as_its_bytes_say() -> io::Result<()> {
    let found = counts(&[
        r#"{"topic":"orders.created","raw":"{\"id\":\"order_1\",\"prod"}"#,
        r#"{"topic":"user.events","raw":"{\"user_id\""}"#,
        r#"{"topic":"user.created","raw":""}"#,
        r#"{"topic":"analytics.track","raw":"{\"event\":\"e\",\"timestamp\":\"t\"}"}"#,
    ])?;
    let expected = Counts {
        lines: 4,
        published: 4,
        published_orders: 1,
        published_user_events: 1,
        published_user_created: 1,
        published_analytics: 1,
        analytics: 1,
        dead_letters: 3,
        dead_orders: 1,
        dead_user_events: 1,
        dead_user_events_undecodable: 1,
        dead_user_created: 1,
        ..Counts::default()
    };
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn user_events_create_and_update() -> io::Result<()> {
    let found = of_topic(
        "user.events",
        &[
            r#"{"user_id":"1","action":"update","updates":{"email":"a@b"}}"#,
            r#"{"user_id":"1","name":"Ada","email":"a@b","action":"create"}"#,
            r#"{"userId":"2","userName":"Alan","email":"a@b","action":"create"}"#,
            r#"{"userId":"9","user_id":"3","name":"Ken","email":"a@b","action":"create"}"#,
            r#"{"user_id":"1","action":"update","updates":{"email":"a@b","name":"A"}}"#,
            r#"{"userId":"2","action":"update","updates":{"city":"Lima"}}"#,
            r#"{"user_id":"3","action":"update","updates":{"email":7}}"#,
            r#"{"user_id":"3","action":"update"}"#,
            r#"{"user_id":"9","action":"update","updates":{}}"#,
        ],
    )?;
    let expected = Counts {
        lines: 9,
        published: 9,
        published_user_events: 9,
        users_created: 3,
        users_updated: 4,
        users_not_found: 2,
        events_stored: 4,
        mails_welcome: 3,
        mails_update: 4,
        ..Counts::default()
    };
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn user_events_are_dead_letters_for_three_reasons() -> io::Result<()> {
    let found = of_topic(
        "user.events",
        &[
            r#"["1","create"]"#,
            "null",
            r#"{"name":"Ada","email":"a@b","action":"create"}"#,
            r#"{"user_id":1,"name":"Ada","email":"a@b","action":"create"}"#,
            r#"{"user_id":null,"userId":"1","name":"Ada","email":"a@b","action":"create"}"#,
            r#"{"user_id":"1","name":"Ada","email":"a@b"}"#,
            r#"{"user_id":"1","email":"a@b","action":"create"}"#,
            r#"{"user_id":"1","name":"Ada","action":"create"}"#,
            r#"{"user_id":"1","action":"update","updates":[]}"#,
            r#"{"user_id":"1","action":"delete"}"#,
        ],
    )?;
    let expected = Counts {
        lines: 10,
        published: 10,
        published_user_events: 10,
        dead_letters: 10,
        dead_user_events: 10,
        dead_user_events_undecodable: 2,
        dead_user_events_invalid: 7,
        dead_user_events_unknown_action: 1,
        ..Counts::default()
    };
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn user_created_and_user_updated_share_the_users() -> io::Result<()> {
    let found = counts(&[
        r#"{"topic":"user.created","body":{"user":{"id":"1","name":"A","email":"a@b"}}}"#,
        r#"{"topic":"user.created","body":{}}"#,
        r#"{"topic":"user.created","body":{"user":"1"}}"#,
        r#"{"topic":"user.created","body":{"user":{"name":"A","email":"a@b"}}}"#,
        r#"{"topic":"user.created","body":{"user":{"id":"2","email":"a@b"}}}"#,
        r#"{"topic":"user.created","body":{"user":{"id":"2","name":"A"}}}"#,
        r#"{"topic":"user.updated","body":{"user_id":"1","updates":{"email":"a@b"}}}"#,
        r#"{"topic":"user.updated","body":{"user_id":"2","updates":{"email":"a@b"}}}"#,
        r#"{"topic":"user.updated","body":{"user_id":"1"}}"#,
        r#"{"topic":"user.updated","body":{"user_id":"1","updates":"email"}}"#,
        r#"{"topic":"user.updated","body":{"updates":{}}}"#,
        r#"{"topic":"user.updated","body":[]}"#,
    ])?;
    let expected = Counts {
        lines: 12,
        published: 12,
        published_user_created: 6,
        published_user_updated: 6,
        users_created: 1,
        users_updated: 1,
        users_not_found: 1,
        events_stored: 2,
        mails_welcome: 1,
        mails_update: 1,
        dead_letters: 9,
        dead_user_created: 5,
        dead_user_updated: 4,
        ..Counts::default()
    };
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn analytics_need_an_event_and_a_time() -> io::Result<()> {
    let found = of_topic(
        "analytics.track",
        &[
            r#"{"event":"page_view","timestamp":"now","user_id":"1","properties":{}}"#,
            r#"{"event":"page_view","timestamp":"now"}"#,
            r#"{"timestamp":"now"}"#,
            r#"{"event":"page_view","timestamp":1}"#,
            r#""page_view""#,
        ],
    )?;
    let expected = Counts {
        lines: 5,
        published: 5,
        published_analytics: 5,
        analytics: 2,
        dead_letters: 3,
        dead_analytics: 3,
        ..Counts::default()
    };
    assert_eq!(found, expected);
    Ok(())
}

#[test]
fn notifications_go_to_their_channel() -> io::Result<()> {
    let found = of_topic(
        "notifications",
        &[
            r#"{"user_id":"1","content":"Hello"}"#,
            r#"{"user_id":"1","content":"Hello","channel":"email"}"#,
            r#"{"user_id":"1","content":"Hello","channel":"sms"}"#,
            r#"{"user_id":"1","content":"Hello","channel":"push"}"#,
            r#"{"user_id":"1","content":"Hello","channel":"fax"}"#,
            r#"{"user_id":"1","content":"Hello","channel":null}"#,
            r#"{"user_id":"1","channel":"sms"}"#,
            r#"{"content":"Hello"}"#,
            "17",
        ],
    )?;
    let expected = Counts {
        lines: 9,
        published: 9,
        published_notifications: 9,
        notifications: 4,
        notifications_email: 2,
        notifications_sms: 1,
        notifications_push: 1,
        dead_letters: 5,
        dead_notifications: 5,
        ..Counts::default()
    };
    assert_eq!(found, expected);
    Ok(())
}

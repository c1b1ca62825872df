//! What `#[subscriber]` makes of handlers: errors that classify themselves, answers, results for several topics, patterns.
#![expect(clippy::unwrap_used, reason = "tests")]

use modi::prelude::*;
use modi::{Advice, Classify, FailureKind};
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug)]
enum OrderError {
    Empty,
    Closed,
    Flaky,
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
impl std::error::Error for OrderError {}

impl Classify for OrderError {
    fn advice(&self) -> Advice {
        match self {
            Self::Empty => Advice::Reject,
            Self::Closed => Advice::RetryAfter(Duration::from_secs(600)),
            Self::Flaky => Advice::Retry,
        }
    }
}

fn order(number: u32) -> Result<u32, OrderError> {
    match number {
        0 => Err(OrderError::Empty),
        1 => Err(OrderError::Closed),
        2 => Err(OrderError::Flaky),
        _ => Ok(number),
    }
}

#[subscriber("own", group = "g", retries = 1, publish = ["orders", "copies"])]
async fn by_itself(Json(number): Json<u32>) -> Result<Option<Json<u32>>, OrderError> {
    Ok(Some(Json(order(number)?)))
}

#[subscriber("converted", group = "g", retries = 1)]
async fn converted(Json(number): Json<u32>) -> modi::Result {
    order(number).map_err(modi::Error::classified)?;
    Ok(())
}

#[subscriber("swallowed", group = "g", retries = 1)]
async fn swallowed(Json(number): Json<u32>) -> modi::Result {
    order(number)?;
    Ok(())
}

#[injectable]
struct Prices;

#[subscriber]
impl Prices {
    #[subscribe("price.{shop}", group = "g", reply)]
    async fn price(&self, Path(shop): Path<String>, Body(number): Body<u32>) -> Result<String, OrderError> {
        Ok(format!("{} in {shop}", order(number)?))
    }
}

#[module(subscribers = [by_itself, converted, swallowed, Prices])]
struct AppModule;

/// The kind of the dead letter, the attempts, and how long it took.
async fn fails(topic: &str, number: u32) -> (FailureKind, u32, u64) {
    let app = TestApp::start(AppModule).await.unwrap();
    let begun = Instant::now();
    app.publish(topic, &number).await.unwrap();
    let letter = app.dead_letters(topic).remove(0);
    (letter.kind, letter.attempts, begun.elapsed().as_secs() / 60)
}

#[tokio::test(start_paused = true)]
async fn an_error_that_classifies_itself_is_treated_as_it_says() {
    assert_eq!(fails("own", 0).await, (FailureKind::Reject, 1, 0));
    assert_eq!(fails("own", 1).await, (FailureKind::Error, 2, 10));
    assert_eq!(fails("own", 2).await, (FailureKind::Error, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn on_its_way_into_another_error_it_is_asked_only_where_that_is_written() {
    assert_eq!(fails("converted", 0).await, (FailureKind::Reject, 1, 0));
    assert_eq!(fails("converted", 1).await, (FailureKind::Error, 2, 10));
    assert_eq!(fails("swallowed", 0).await, (FailureKind::Error, 2, 0), "`?` takes every error, and asks none");
}

#[tokio::test(start_paused = true)]
async fn a_result_goes_to_every_topic_of_a_list() {
    let app = TestApp::start(AppModule).await.unwrap();
    app.publish("own", &7).await.unwrap();
    assert_eq!(app.published::<u32>("orders"), [7]);
    assert_eq!(app.published::<u32>("copies"), [7]);
}

#[tokio::test(start_paused = true)]
async fn a_method_answers_questions_on_a_pattern() {
    let app = TestApp::start(AppModule).await.unwrap();
    let publisher = app.app().host().extension::<Publisher>().unwrap();
    let question = publisher.to("price.berlin").json(&9).unwrap();
    let answer = question.request(Duration::from_secs(1)).await.unwrap();
    assert_eq!(answer.payload().map(|text| &text[..]), Some(&b"9 in berlin"[..]));
    assert_eq!(answer.content_type(), Some("text/plain; charset=utf-8"));
}

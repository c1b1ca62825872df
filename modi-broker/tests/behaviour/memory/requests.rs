//! Questions and answers.

use super::{Member, publisher, text, texts};
use futures_util::future::join_all;
use modi_broker::contract::{Outgoing, Place, Verdict};
use modi_broker::{BrokerError, BrokerErrorKind, MemoryBroker, Message};
use std::time::Duration;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

async fn ask(memory: &MemoryBroker, text: &'static str, within: Duration) -> Result<String, BrokerError> {
    let question = Outgoing::new(Place::Topic("sums"), Message::new(text));
    publisher(memory).await.request(question, within).await.map(|answer| super::text(&answer))
}

async fn answer(memory: &MemoryBroker, question: &Message, text: String) {
    let place = Place::Reply(question.reply_to().unwrap());
    publisher(memory).await.send(Outgoing::new(place, Message::new(text))).wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn several_questions_at_once_get_their_own_answers() {
    let memory = MemoryBroker::new();
    let mut member = Member::join(&memory, "sums", "g").await;
    let asked = tokio::spawn({
        let memory = memory.clone();
        async move { join_all(["1", "2", "3"].map(|text| ask(&memory, text, MINUTE))).await }
    });
    let mut out = Vec::new();
    while out.len() < 3 {
        out.extend(member.wait(9).await);
    }
    for delivery in out.iter().rev() {
        answer(&memory, &delivery.message, format!("{} + 1", text(&delivery.message))).await;
    }
    let answers: Vec<_> = asked.await.unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, ["1 + 1", "2 + 1", "3 + 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_times_out_and_a_late_answer_is_harmless() {
    let memory = MemoryBroker::new();
    let mut member = Member::join(&memory, "sums", "g").await;
    let begun = Instant::now();
    let error = ask(&memory, "1", MINUTE).await.unwrap_err();
    assert_eq!((error.kind(), begun.elapsed()), (BrokerErrorKind::TimedOut, MINUTE));
    assert!(!error.is_permanent());
    let out = member.look(9);
    assert_eq!(texts(&out), ["1"], "the question itself is a message like others");
    answer(&memory, &out[0].message, "late".into()).await;
    answer(&memory, &out[0].message, "later still".into()).await;
    member.done(out).await;
    let again = tokio::spawn({
        let memory = memory.clone();
        async move { ask(&memory, "2", MINUTE).await }
    });
    let out = member.wait(9).await;
    answer(&memory, &out[0].message, "two".into()).await;
    assert_eq!(again.await.unwrap().unwrap(), "two");
}

#[tokio::test(start_paused = true)]
async fn where_nobody_listens_a_question_fails_at_once_and_is_not_kept() {
    let memory = MemoryBroker::new();
    drop(Member::join(&memory, "sums", "g").await);
    let begun = Instant::now();
    let error = ask(&memory, "1", MINUTE).await.unwrap_err();
    assert_eq!((error.kind(), begun.elapsed()), (BrokerErrorKind::NoListener, Duration::ZERO));
    assert!(memory.messages("sums").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pattern_listens_to_questions_and_a_retried_question_can_still_be_answered() {
    let memory = MemoryBroker::new();
    let mut member = Member::join(&memory, "{any}", "g").await;
    let asked = tokio::spawn({
        let memory = memory.clone();
        async move { ask(&memory, "1", MINUTE).await }
    });
    let out = member.wait(9).await;
    let place = Place::Retry { group: "g", topic: "{any}", after: Duration::from_secs(5) };
    let copy = Outgoing::new(place, out[0].message.clone());
    publisher(&memory).await.send(copy).wait().await.unwrap();
    member.settle(out, Verdict::Done).await;
    let out = member.wait(9).await;
    assert_eq!(out[0].message.topic().map(|topic| &**topic), Some("sums"));
    answer(&memory, &out[0].message, "one".into()).await;
    assert_eq!(asked.await.unwrap().unwrap(), "one");
}

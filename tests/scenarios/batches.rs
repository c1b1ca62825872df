//! A handler of batches, written with the attributes.

use modi::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

#[injectable]
struct Store {
    #[default]
    rows: Mutex<Vec<Vec<u32>>>,
}

#[injectable]
struct Readings {
    store: Arc<Store>,
}

#[subscriber]
impl Readings {
    #[subscribe("readings", batch = 3, linger = "10ms")]
    async fn came(&self, numbers: Vec<Json<u32>>, keys: Vec<Key>, publisher: Publisher) -> modi::Result<Vec<Outcome>> {
        let numbers: Vec<_> = numbers.into_iter().map(|Json(number)| number).collect();
        if numbers.len() != keys.len() {
            return Err(modi::Error::reject("a message without a key of its own"));
        }
        publisher.publish("stored", &numbers.len()).await?;
        self.store.rows.lock().unwrap_or_else(PoisonError::into_inner).push(numbers.clone());
        Ok(numbers.iter().map(|number| if *number == 5 { Outcome::reject("five") } else { Outcome::Ack }).collect())
    }
}

#[module(providers = [Store], subscribers = [Readings])]
struct Station;

#[tokio::test(start_paused = true)]
async fn a_batch_is_stored_at_once_and_each_message_ends_by_itself() {
    let memory = modi::MemoryBroker::new();
    for number in 1..=7 {
        memory.publish("readings", Message::json(&number).unwrap()).await.unwrap();
    }
    let app = TestApp::new(Station).broker(&memory).start().await.unwrap();
    app.settled().await.unwrap();
    assert_eq!(*app.get::<Store>().rows.lock().unwrap(), [vec![1, 2, 3], vec![4, 5, 6], vec![7]]);
    assert_eq!(app.published::<u32>("stored"), [3, 3, 1]);
    assert_eq!(app.dead_letters("readings").len(), 1);
}

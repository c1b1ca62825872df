//! KS-A5: a chain of middleware, of which one keeps the messages that fail, and two keep all.

use modi::prelude::*;
use modi::{Call, Middleware, Next, Reply};
use std::sync::{Arc, Mutex, PoisonError};

/// What somebody has seen.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Notes {
    fn add(&self, message: &Message) {
        let text = message.payload().map(|payload| String::from_utf8_lossy(payload).into_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(text);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Puts what fails aside, and goes on.
#[injectable]
struct DeadLetterQueue;

impl Middleware for DeadLetterQueue {
    async fn handle(&self, call: &Call<'_>, next: Next<'_>) -> modi::Result<Reply> {
        let Err(error) = next.run().await else { return Ok(Outcome::Ack.into()) };
        let publisher = call.publisher();
        publisher.to("heroes.dlq").message(call.message().clone()).header("error", error.to_string()).send().await?;
        Ok(Outcome::Ack.into())
    }
}

#[injectable]
struct Elastic {
    #[default]
    indexed: Notes,
}

impl Middleware for Elastic {
    async fn handle(&self, call: &Call<'_>, next: Next<'_>) -> modi::Result<Reply> {
        self.indexed.add(call.message());
        next.run().await
    }
}

#[injectable]
struct S3 {
    #[default]
    backed_up: Notes,
}

impl Middleware for S3 {
    async fn handle(&self, call: &Call<'_>, next: Next<'_>) -> modi::Result<Reply> {
        self.backed_up.add(call.message());
        next.run().await
    }
}

#[injectable]
struct Heroes {
    #[default]
    saved: Notes,
}

#[subscriber("heroes", group = "heroes", middleware = [DeadLetterQueue, Elastic, S3])]
async fn hero(message: Message, name: String, heroes: Arc<Heroes>) -> modi::Result {
    if name == "joker" {
        return Err(modi::Error::new("not a hero"));
    }
    heroes.saved.add(&message);
    Ok(())
}

#[module(providers = [DeadLetterQueue, Elastic, S3, Heroes], subscribers = [hero])]
struct HeroModule;

#[tokio::test]
async fn ks_a5_a_message_that_fails_is_put_aside_and_everything_around_it_saw_it() {
    let app = TestApp::start(HeroModule).await.expect("the heroes start");
    for name in ["batman", "joker"] {
        app.publish_message("heroes", Message::new(name).with_key(format!("key of {name}"))).await.unwrap();
    }
    assert_eq!(app.get::<Elastic>().indexed.all(), ["batman", "joker"]);
    assert_eq!(app.get::<S3>().backed_up.all(), ["batman", "joker"]);
    assert_eq!(app.get::<Heroes>().saved.all(), ["batman"]);

    let [letter] = &app.messages("heroes.dlq")[..] else { panic!("one message is put aside") };
    assert_eq!(letter.payload().map(|payload| &payload[..]), Some(&b"joker"[..]));
    assert_eq!(letter.key().map(|key| &key[..]), Some(&b"key of joker"[..]));
    assert_eq!(letter.headers().text("error"), Some("not a hero"));
    assert!(app.dead_letters("heroes").is_empty(), "the framework's own has nothing to do");

    app.publish_message("heroes", Message::new("robin")).await.unwrap();
    assert_eq!(app.get::<Heroes>().saved.all(), ["batman", "robin"], "the subscriber still runs");
}

/// The same around all handlers of a module, with one that the module imports.
mod imported {
    use super::{Elastic, Heroes, Notes, S3};
    use modi::prelude::*;
    use modi::{NextPublish, Outgoing, PublishError, Receipt};
    use std::sync::Arc;

    #[module(providers = [Elastic, S3], exports = [Elastic, S3])]
    pub(super) struct StorageModule;

    #[injectable(scoped)]
    pub(super) struct Stamp {
        heroes: Arc<Heroes>,
    }

    impl modi::Middleware for Stamp {
        async fn publish(&self, mut message: Outgoing<'_>, next: NextPublish<'_>) -> Result<Receipt, PublishError> {
            message.message.headers_mut().set("saved", self.heroes.saved.all().len().to_string());
            next.send(message).await
        }
    }

    #[subscriber("heroes", group = "heroes", publish = "calls", middleware = [S3])]
    async fn hero(message: Message, name: String, heroes: Arc<Heroes>) -> String {
        heroes.saved.add(&message);
        format!("call {name}")
    }

    #[injectable]
    pub(super) struct Villains {
        #[default]
        pub(super) seen: Notes,
    }

    #[subscriber]
    impl Villains {
        #[subscribe("villains", middleware = [S3])]
        async fn villain(&self, message: Message) {
            self.seen.add(&message);
        }
    }

    #[module(
        imports = [StorageModule::{Elastic, S3}],
        providers = [Heroes, Stamp],
        subscribers = [hero, Villains],
        middleware = [Elastic, #[cfg(test)] Stamp],
    )]
    pub(super) struct CityModule;
}

#[tokio::test]
async fn what_a_module_lists_is_around_all_of_its_handlers_and_may_be_imported_or_scoped() {
    let app = TestApp::start(imported::CityModule).await.expect("the city starts");
    app.publish_message("heroes", Message::new("batman")).await.unwrap();
    app.publish_message("villains", Message::new("joker")).await.unwrap();
    assert_eq!(app.get::<Elastic>().indexed.all(), ["batman", "joker"]);
    assert_eq!(app.get::<S3>().backed_up.all(), ["batman", "joker"]);
    assert_eq!(app.get::<imported::Villains>().seen.all(), ["joker"]);
    let [call] = &app.messages("calls")[..] else { panic!("one call") };
    assert_eq!(call.headers().text("saved"), Some("1"));
}

#[test]
fn the_picture_of_the_graph_shows_what_stands_around_a_handler() {
    let graph = App::new(imported::CityModule).graph().mermaid();
    for arrow in
        ["CityModule_hero -->|middleware| StorageModule_Elastic", "CityModule_hero -->|middleware| CityModule_Stamp"]
    {
        assert!(graph.contains(arrow), "{arrow}: {graph}");
    }
}

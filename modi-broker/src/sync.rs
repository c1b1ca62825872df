//! What threads share. For the models in the modules `threads`, which drive this code in every order that threads may
//! run in, these are the types of `loom`: `scripts/test` compiles them with `--cfg modi_loom`.

#[cfg(not(all(test, modi_loom)))]
pub(crate) use futures_util::task::AtomicWaker;
#[cfg(not(all(test, modi_loom)))]
pub(crate) use std::sync::{Mutex, MutexGuard, atomic};
#[cfg(not(all(test, modi_loom)))]
pub(crate) use tokio::sync::Notify;

#[cfg(all(test, modi_loom))]
pub(crate) use self::orders::{AtomicWaker, Notify, in_every_order};
#[cfg(all(test, modi_loom))]
pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};

#[cfg(all(test, modi_loom))]
mod orders {
    use super::Mutex;
    use loom::model::Builder;
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    /// Runs a model in every order in which a thread is interrupted at most twice by others that could wait. A
    /// thread that is never woken is a deadlock, and fails.
    pub(crate) fn in_every_order(model: impl Fn() + Send + Sync + 'static) {
        let mut builder = Builder::new();
        builder.preemption_bound = Some(2);
        builder.check(model);
    }

    /// What `futures_util::task::AtomicWaker` promises: who wakes after somebody has registered wakes that one.
    #[derive(Debug, Default)]
    pub(crate) struct AtomicWaker(Mutex<Option<Waker>>);

    impl AtomicWaker {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn register(&self, waker: &Waker) {
            *self.0.lock().unwrap() = Some(waker.clone());
        }

        pub(crate) fn wake(&self) {
            let waker = self.0.lock().unwrap().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// What `tokio::sync::Notify` promises: who has asked for a notification gets the next one.
    #[derive(Debug, Default)]
    pub(crate) struct Notify(Mutex<(u64, Vec<Waker>)>);

    pub(crate) struct Notified<'a> {
        of: &'a Notify,
        after: u64,
    }

    impl Notify {
        pub(crate) fn notified(&self) -> Notified<'_> {
            Notified { of: self, after: self.0.lock().unwrap().0 }
        }

        pub(crate) fn notify_waiters(&self) {
            let wakers = {
                let mut state = self.0.lock().unwrap();
                state.0 += 1;
                std::mem::take(&mut state.1)
            };
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    impl Future for Notified<'_> {
        type Output = ();

        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            let mut state = self.of.0.lock().unwrap();
            if state.0 != self.after {
                return Poll::Ready(());
            }
            state.1.push(cx.waker().clone());
            Poll::Pending
        }
    }
}

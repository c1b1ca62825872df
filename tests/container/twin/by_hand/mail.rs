//! A binding under the name of a trait, and a set that joins an own member with an imported set.

use super::storage::{Database, StorageModule};
use crate::twin::app::{Health, Mailer, note};
use modi_core::dependency::{Dependency, edge, imported, take, take_imported};
use modi_core::graph::{Outline, order, outline};
use modi_core::lifetime::{self, Lifetime};
use modi_core::module::{Cell, Exports, Imports, Link, Owns, Provides};
use modi_core::provide::{From, Own};
use modi_core::service::{Made, Object, ServiceHook, Source, Wire, node, starts, stops};
use modi_core::{All, Edge, Lifecycle, Linker, Module, Node, Plan, Resolver, Result};
use std::sync::Arc;

// ---------------------------------------------------------------------- #[injectable] on a struct
pub(crate) struct Relay {
    port: u16,
}

impl Source for Relay {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Wrapped;
}

impl<M: Module> Wire<M> for Relay {
    const EDGES: &'static [Edge] = &[];

    fn make(_: &Resolver<'_, M>) -> Result<Made<Self>> {
        // `#[default(25)]`
        Ok(Made::Ready(Arc::new(Self { port: 25 })))
    }
}

// ---------------------------------------------------------------------- #[injectable(lifecycle)] on a struct
pub(crate) struct Smtp {
    db: Arc<Database>,
    relay: Arc<Relay>,
}

impl Lifecycle for Smtp {
    async fn on_start(&self) -> Result {
        note(&self.db.journal, "start Smtp");
        self.db.settings.trouble("start Smtp").await
    }

    async fn on_stop(&self) -> Result {
        note(&self.db.journal, "stop Smtp");
        self.db.settings.trouble("stop Smtp").await
    }
}

impl Mailer for Smtp {
    fn send(&self, text: &str) {
        note(&self.db.journal, format!("mail {text} through port {}", self.relay.port));
    }
}

impl Health for Smtp {
    fn part(&self) -> &'static str {
        "smtp"
    }
}

impl Source for Smtp {
    type Output = Self;
    type Life = lifetime::Singleton;
    type Keep = lifetime::Wrapped;
    const START: Option<ServiceHook<Self>> = starts::<Self>();
    const STOP: Option<ServiceHook<Self>> = stops::<Self>();
}

impl<M: Module> Wire<M> for Smtp
where
    Arc<Database>: Dependency<M>,
    Arc<Relay>: Dependency<M>,
{
    const EDGES: &'static [Edge] = &[edge::<M, Arc<Database>>("db"), edge::<M, Arc<Relay>>("relay")];

    fn make(cx: &Resolver<'_, M>) -> Result<Made<Self>> {
        Ok(Made::Ready(Arc::new(Self { db: take(cx)?, relay: take(cx)? })))
    }
}

// ---------------------------------------------------------------------- #[module]
pub(crate) struct MailModule;

const _: () = {
    const RELAY: usize = 0;
    const SMTP: usize = RELAY + 1;
    const MAILER: usize = SMTP + 1;
    const HEALTHS: usize = MAILER + 1;
    const NODES: usize = HEALTHS + 1;

    /// A link an import, then a cell an entry.
    pub(crate) struct Cells {
        storage: Link<StorageModule>,
        relay: Cell<Relay>,
        smtp: Cell<Smtp>,
        mailer: Cell<dyn Mailer>,
        healths: Cell<All<dyn Health>>,
    }

    // `StorageModule::{Database, ..}`: the way to the module, then each item that crosses the wall.
    impl Imports<StorageModule> for MailModule {
        fn import(cells: &Cells) -> &Link<StorageModule> {
            &cells.storage
        }
    }
    /// Asks for `StorageModule: Exports<Database>`, at the item.
    impl Provides<Database> for MailModule {
        type How = From<StorageModule>;
    }

    // `Relay`
    impl Owns<Relay> for MailModule {
        type By = Relay;
        const NODE: usize = RELAY;
        const ENTRY: &'static str = "Relay";

        fn cell(cells: &Cells) -> &Cell<Relay> {
            &cells.relay
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<Relay> {
            &mut cells.relay
        }
    }
    impl Provides<Relay> for MailModule {
        type How = Own;
    }

    // `Smtp as ..`: the type itself is an entry too, once, so that all of its names share one instance.
    impl Owns<Smtp> for MailModule {
        type By = Smtp;
        const NODE: usize = SMTP;
        const ENTRY: &'static str = "Smtp";

        fn cell(cells: &Cells) -> &Cell<Smtp> {
            &cells.smtp
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<Smtp> {
            &mut cells.smtp
        }
    }
    impl Provides<Smtp> for MailModule {
        type How = Own;
    }

    // `Smtp as dyn Mailer`: a node that needs the first, and is overridden by itself.
    impl Owns<dyn Mailer> for MailModule {
        type By = SmtpAsMailer;
        const NODE: usize = MAILER;
        const ENTRY: &'static str = "dyn Mailer";

        fn cell(cells: &Cells) -> &Cell<dyn Mailer> {
            &cells.mailer
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<dyn Mailer> {
            &mut cells.mailer
        }
    }
    impl Provides<dyn Mailer> for MailModule {
        type How = Own;
    }

    const _: () = {
        fn _shared()
        where
            dyn Mailer: Object,
        {
        }
    };

    pub(crate) struct SmtpAsMailer;

    impl Source for SmtpAsMailer {
        type Output = dyn Mailer;
        /// Lasts if the service lasts. A constant says so and not a type, because a public trait may stand for a type that
        /// the module keeps private.
        type Life = lifetime::Alias<{ <<Smtp as Source>::Life as Lifetime>::LASTS }>;
        type Keep = lifetime::Wrapped;
    }

    impl Wire<MailModule> for SmtpAsMailer {
        const EDGES: &'static [Edge] = &[edge::<MailModule, Arc<<Smtp as Source>::Output>>("as")];

        fn make(cx: &Resolver<'_, MailModule>) -> Result<Made<dyn Mailer>> {
            let service: Arc<<Smtp as Source>::Output> = take(cx)?;
            Ok(Made::Ready(service))
        }
    }

    // `Smtp as all dyn Health`, and the imported `All<dyn Health>`: one node joins them. The import is not a `Provides`
    // then, because the module provides the joined set under that name.
    impl Owns<All<dyn Health>> for MailModule {
        type By = Healths;
        const NODE: usize = HEALTHS;
        const ENTRY: &'static str = "All<dyn Health>";

        fn cell(cells: &Cells) -> &Cell<All<dyn Health>> {
            &cells.healths
        }
        fn cell_mut(cells: &mut Cells) -> &mut Cell<All<dyn Health>> {
            &mut cells.healths
        }
    }
    impl Provides<All<dyn Health>> for MailModule {
        type How = Own;
    }

    const _: () = {
        fn _shared()
        where
            dyn Health: Object,
        {
        }
    };

    pub(crate) struct Healths;

    impl Source for Healths {
        type Output = All<dyn Health>;
        type Life = lifetime::Singleton;
        type Keep = lifetime::Wrapped;
    }

    impl Wire<MailModule> for Healths {
        const EDGES: &'static [Edge] = &[
            edge::<MailModule, Arc<<Smtp as Source>::Output>>("Smtp"),
            imported::<MailModule, StorageModule, All<dyn Health>>("StorageModule"),
        ];

        /// Own members first, in order; then the imported sets. `All::new` keeps each instance once.
        fn make(cx: &Resolver<'_, MailModule>) -> Result<Made<All<dyn Health>>> {
            let mut members: Vec<Arc<dyn Health>> = Vec::new();
            {
                let member: Arc<<Smtp as Source>::Output> = take(cx)?;
                members.push(member);
            }
            members.extend(take_imported::<MailModule, StorageModule, All<dyn Health>>(cx)?.iter().cloned());
            Ok(Made::Ready(Arc::new(All::new(members))))
        }
    }

    impl Exports<dyn Mailer> for MailModule {}
    impl Exports<All<dyn Health>> for MailModule {}

    impl Module for MailModule {
        const NAME: &'static str = "MailModule";
        const GRAPH: &'static [Node] =
            &[node::<Self, Relay>(), node::<Self, Smtp>(), node::<Self, dyn Mailer>(), node::<Self, All<dyn Health>>()];
        /// Where the picture goes on. Modules that import each other stop the compilation here.
        const IMPORTS: &'static [Outline] = &[outline::<StorageModule>()];
        const ORDER: &'static [usize] = &order::<NODES>(Self::NAME, Self::GRAPH);
        type Cells = Cells;

        /// A module without fields is its own value: no importer has to give one.
        fn unit() -> Option<Self> {
            Some(Self {})
        }

        /// Without a value: another importer gives it, and an application where nobody does, does not start.
        fn imports(&self, plan: &mut Plan) {
            plan.import::<Self, StorageModule>(None);
        }

        fn cells(self) -> Cells {
            Cells {
                storage: Link::open(),
                relay: Cell::empty(),
                smtp: Cell::empty(),
                mailer: Cell::empty(),
                healths: Cell::empty(),
            }
        }

        /// Once everything is built, so that a module is shared and still can be written to until then.
        fn link(cells: &mut Cells, linker: &Linker) {
            cells.storage.set(linker);
        }
    }

    const _: &[usize] = <MailModule as Module>::ORDER;
    const _: &[Outline] = <MailModule as Module>::IMPORTS;
};

//! The two ways in which a module has a service: it makes it, or it takes it from an import.

use crate::Result;
use crate::graph::{AnyArc, Key};
use crate::lifetime::{Keep, Lasting, Lifetime};
use crate::module::{Cell, Exports, Imports, Live, Module, Owns, Singleton};
use crate::scope::Resolver;
use crate::service::Source;
use std::any::TypeId;
use std::marker::PhantomData;
use std::sync::Arc;

/// How a module has a service.
#[diagnostic::on_unimplemented(message = "`{M}` cannot provide `{T}` this way")]
pub trait How<M: Module, T: ?Sized> {
    /// Who provides it.
    const KEY: Key;

    /// Takes it.
    ///
    /// # Errors
    ///
    /// The error of a transient's constructor.
    fn take(cx: &Resolver<'_, M>) -> Result<Arc<T>>;

    /// Forgets the type of a value, in the way that its provider keeps it.
    fn erase(value: Arc<T>) -> AnyArc;
}

/// A way in which it can be borrowed, because it lasts.
pub trait Shared<M: Module, T: ?Sized> {
    /// Where it is kept.
    fn shared(live: &Live<M>) -> &Cell<T>;
}

/// The module makes it itself.
#[derive(Debug)]
pub struct Own;

/// It comes from module `D`.
#[derive(Debug)]
pub struct From<D>(PhantomData<D>);

type LifeOf<M, T> = <<M as Owns<T>>::By as Source>::Life;

impl<M: Owns<T>, T: ?Sized + 'static> How<M, T> for Own {
    const KEY: Key = Key {
        module: M::NAME,
        owner: TypeId::of::<M>,
        node: M::NODE,
        name: match <M::By as Source>::NAME {
            Some(name) => name,
            None => M::ENTRY,
        },
        kind: LifeOf::<M, T>::KIND,
        graph: None,
    };

    #[inline]
    fn take(cx: &Resolver<'_, M>) -> Result<Arc<T>> {
        LifeOf::<M, T>::take(cx)
    }

    fn erase(value: Arc<T>) -> AnyArc {
        <M::By as Source>::Keep::erase(value)
    }
}

impl<M: Owns<T>, T: ?Sized + 'static> Shared<M, T> for Own
where
    LifeOf<M, T>: Lasting<M, T>,
{
    #[inline]
    fn shared(live: &Live<M>) -> &Cell<T> {
        M::cell(&live.cells)
    }
}

impl<M: Imports<D>, D: Exports<T>, T: ?Sized + 'static> How<M, T> for From<D> {
    const KEY: Key = {
        let key = D::How::KEY;
        Key { graph: Some(key.graph(D::GRAPH)), ..key }
    };

    #[inline]
    fn take(cx: &Resolver<'_, M>) -> Result<Arc<T>> {
        let live = match M::import(&cx.live.cells).get() {
            Some(live) => live,
            None => cx.lives.module(), // still building
        };
        D::How::take(&Resolver { live, lives: cx.lives, scope: cx.scope, holder: cx.holder })
    }

    fn erase(value: Arc<T>) -> AnyArc {
        D::How::erase(value)
    }
}

impl<M: Imports<D>, D: Exports<T> + Singleton<T>, T: ?Sized + 'static> Shared<M, T> for From<D> {
    #[inline]
    fn shared(live: &Live<M>) -> &Cell<T> {
        match M::import(&live.cells).get() {
            Some(live) => D::borrow(live),
            None => const { &Cell::empty() }, // not while it runs
        }
    }
}

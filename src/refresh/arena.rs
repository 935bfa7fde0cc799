//! Lists whose places have a type of their own: a rank cannot be taken for a composite, and a place that does not exist
//! ends the transaction with a panic, before a wrong membership is written.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A place in an [`Arena`].
pub(super) trait Place: Copy {
    fn from_index(at: usize) -> Self;
    fn index(self) -> usize;
}

macro_rules! place {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub(super) struct $name(u32);

        impl Place for $name {
            fn from_index(at: usize) -> Self {
                $name(at as u32)
            }

            fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

place! {
    /// A group of a table by its place in the order of evaluation: after all groups that it refers to.
    Rank
}
place! {
    /// An atom of several leaves.
    CompositeId
}

/// A list that is read at places of one type only.
#[derive(Debug)]
pub(super) struct Arena<P, T> {
    items: Vec<T>,
    places: PhantomData<P>,
}

impl<P, T> Default for Arena<P, T> {
    fn default() -> Self {
        Arena { items: Vec::new(), places: PhantomData }
    }
}

impl<P: Place, T> Arena<P, T> {
    pub(super) fn push(&mut self, item: T) -> P {
        self.items.push(item);
        P::from_index(self.items.len() - 1)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (P, &T)> {
        self.items.iter().enumerate().map(|(at, item)| (P::from_index(at), item))
    }

    pub(super) fn places(&self) -> impl Iterator<Item = P> + use<P, T> {
        (0..self.items.len()).map(P::from_index)
    }

    pub(super) fn into_items(self) -> Vec<T> {
        self.items
    }

    /// Makes room for as many items at least.
    pub(super) fn grow(&mut self, len: usize, item: impl FnMut() -> T) {
        if self.items.len() < len {
            self.items.resize_with(len, item);
        }
    }
}

impl<P: Place, T> Index<P> for Arena<P, T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, place: P) -> &T {
        &self.items[place.index()]
    }
}

impl<P: Place, T> IndexMut<P> for Arena<P, T> {
    #[inline(always)]
    fn index_mut(&mut self, place: P) -> &mut T {
        &mut self.items[place.index()]
    }
}

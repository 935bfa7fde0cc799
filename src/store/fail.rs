//! Places at which a test can make the store fail, or end the process.
//!
//! In a program built without the feature `failpoints` there are none: every call is empty.

use super::error::StoreError;

/// A place at which something may go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Point {
    /// All pages are changed, none is written.
    BeforeCommit,
    /// The commit is durable, its caller does not know yet.
    AfterCommit,
    /// A backup's data file is copied, its folder not yet in its place.
    BeforeBackupRename,
    /// The data is written anew beside the old, which still counts.
    BeforeSwap,
    /// The new data counts, the old is still there.
    AfterSwap,
}

/// What happens at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// The call gives an error.
    Error,
    /// The process ends at once, without unwinding.
    Abort,
}

#[cfg(any(test, feature = "failpoints"))]
mod armed {
    use std::cell::RefCell;

    use super::{Action, Point};

    thread_local! {
        pub(super) static ARMED: RefCell<Vec<(Point, u32, Action)>> = const { RefCell::new(Vec::new()) };
    }
}

/// Arranges for something to happen when this thread comes to the place for the `nth` time from now, the first being 0.
#[cfg(any(test, feature = "failpoints"))]
pub fn arm(point: Point, nth: u32, action: Action) {
    armed::ARMED.with_borrow_mut(|armed| armed.push((point, nth, action)));
}

/// Whatever was arranged for a place on this thread happens.
#[cfg(any(test, feature = "failpoints"))]
pub(crate) fn point(point: Point) -> Result<(), StoreError> {
    let due = armed::ARMED.with_borrow_mut(|armed| {
        let at = armed.iter().position(|&(armed, nth, _)| armed == point && nth == 0);
        armed.iter_mut().filter(|(armed, nth, _)| *armed == point && *nth > 0).for_each(|(_, nth, _)| *nth -= 1);
        at.map(|at| armed.swap_remove(at).2)
    });
    match due {
        None => Ok(()),
        Some(Action::Abort) => std::process::abort(),
        Some(Action::Error) => Err(StoreError::Conflict { what: "a test made this fail" }),
    }
}

/// Nothing happens.
#[cfg(not(any(test, feature = "failpoints")))]
pub(crate) fn point(_point: Point) -> Result<(), StoreError> {
    Ok(())
}

//! The one thread that writes. Changes that wait together share a commit, and each request still learns what came of its
//! own lines alone.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::answers::changes::{LinesApplied, apply_lines};
use crate::ids::{Sequence, Uuid};
use crate::import::changes::Item;
use crate::serve::app::Clock;
use crate::serve::reply::Problem;
use crate::workspace::change::{ContactRef, Event};
use crate::workspace::{Commit, Omissions, Workspace, WorkspaceError, Writer};

/// Jobs that wait; more are told to come back.
const MOST_WAITING: usize = 1_024;
/// Lines that share a commit.
const MOST_LINES: usize = 65_536;

/// What came of one request's lines, once they are durable.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) lines: LinesApplied,
    pub(super) omissions: Omissions,
    pub(super) before: Sequence,
    pub(super) after: Sequence,
    /// Whose moves are this request's doing, if others shared its commit.
    pub(super) only: Option<BTreeSet<Uuid>>,
}

struct Lines {
    items: Vec<Item>,
    reply: SyncSender<Result<Written, Problem>>,
}

enum Job {
    /// Lines, which may share a commit with others.
    Lines(Lines),
    /// Anything else, which has one of its own.
    Alone(Box<dyn FnOnce(&Workspace) + Send>),
}

/// The way to the thread that writes.
#[derive(Debug)]
pub(super) struct WriteQueue {
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl WriteQueue {
    /// Starts the thread. `told` is called after each commit.
    pub(super) fn start(
        workspace: Arc<Workspace>,
        clock: Clock,
        told: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (send, receive) = sync_channel(MOST_WAITING);
        let thread = std::thread::Builder::new()
            .name("headcount-writer".to_owned())
            .spawn(move || run(&workspace, clock, &receive, &told))?;
        Ok(WriteQueue { jobs: Mutex::new(Some(send)), thread: Mutex::new(Some(thread)) })
    }

    /// What is queued is done; nothing more is taken.
    pub(super) fn finish(&self) {
        drop(lock(&self.jobs).take());
        if let Some(thread) = lock(&self.thread).take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }

    fn send(&self, job: Job) -> Result<(), Problem> {
        let jobs = lock(&self.jobs).clone();
        let jobs = jobs.ok_or_else(|| Problem::busy("the service is ending"))?;
        jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Problem::busy("too many writes wait; try again in a moment"),
            TrySendError::Disconnected(_) => Problem::busy("the service is ending"),
        })
    }

    /// Applies lines, and waits until they are durable.
    pub(super) fn apply(&self, items: Vec<Item>) -> Result<Written, Problem> {
        let (reply, answer) = sync_channel(1);
        self.send(Job::Lines(Lines { items, reply }))?;
        answer.recv().map_err(|_| Problem::internal("the writer ended before the change was kept"))?
    }

    /// Writes one batch by itself, and waits until it is durable.
    pub(super) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Workspace) -> Result<T, WorkspaceError> + Send + 'static,
    ) -> Result<T, WorkspaceError> {
        let (reply, answer) = sync_channel(1);
        let job = Job::Alone(Box::new(move |workspace| {
            // The request may have gone meanwhile.
            let _ = reply.send(work(workspace));
        }));
        if self.send(job).is_err() {
            return Err(WorkspaceError::Busy);
        }
        answer.recv().map_err(|_| WorkspaceError::Busy)?
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn run(workspace: &Workspace, clock: Clock, jobs: &Receiver<Job>, told: &dyn Fn()) {
    let mut next = jobs.recv().ok();
    while let Some(job) = next.take() {
        match job {
            Job::Alone(work) => work(workspace),
            Job::Lines(first) => {
                let mut count = first.items.len();
                let mut together = vec![first];
                while count < MOST_LINES {
                    match jobs.try_recv() {
                        Ok(Job::Lines(lines)) => {
                            count += lines.items.len();
                            together.push(lines);
                        }
                        // Its turn comes after this commit.
                        Ok(other) => {
                            next = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                commit(workspace, clock, together);
            }
        }
        told();
        if next.is_none() {
            next = jobs.recv().ok();
        }
    }
}

/// One commit for all of these; or, if the store refuses it, one for each, so that none spoils another.
fn commit(workspace: &Workspace, clock: Clock, together: Vec<Lines>) {
    let is_shared = together.len() > 1;
    let requests: Vec<Vec<Item>> = together.iter().map(|lines| lines.items.clone()).collect();
    match apply_together(workspace, clock, requests) {
        Ok(commit) => {
            for (lines, (done, only)) in together.into_iter().zip(commit.value) {
                let written = Written {
                    lines: done,
                    omissions: commit.omissions.clone(),
                    before: commit.before,
                    after: commit.after,
                    only: is_shared.then_some(only),
                };
                let _ = lines.reply.send(Ok(written));
            }
        }
        Err(_) if is_shared => together.into_iter().for_each(|lines| commit_alone(workspace, clock, lines)),
        Err(error) => together.into_iter().for_each(|lines| {
            let _ = lines.reply.send(Err(Problem::internal(&error)));
        }),
    }
}

fn commit_alone(workspace: &Workspace, clock: Clock, lines: Lines) {
    commit(workspace, clock, vec![lines]);
}

/// What each request did, and whom it was about.
type Done = Vec<(LinesApplied, BTreeSet<Uuid>)>;

fn apply_together(
    workspace: &Workspace,
    clock: Clock,
    requests: Vec<Vec<Item>>,
) -> Result<Commit<Done>, WorkspaceError> {
    let is_shared = requests.len() > 1;
    workspace.write(clock.now(), |writer| {
        let hides_addresses = writer.hides_addresses();
        let mut done = Vec::with_capacity(requests.len());
        for items in requests {
            let mut whom = BTreeSet::new();
            let references: Vec<ContactRef> = if is_shared {
                items.iter().filter_map(|(_, item)| named(item.as_ref().ok()?)).collect()
            } else {
                Vec::new()
            };
            identify(writer, &references, &mut whom)?;
            let lines = apply_lines(writer, items, hides_addresses)?;
            // Contacts that these lines made, or gave the address that names them.
            identify(writer, &references, &mut whom)?;
            done.push((lines, whom));
        }
        Ok(done)
    })
}

fn identify(
    writer: &mut Writer<'_>,
    references: &[ContactRef],
    whom: &mut BTreeSet<Uuid>,
) -> Result<(), WorkspaceError> {
    for reference in references {
        whom.extend(writer.identity_of(reference)?);
    }
    Ok(())
}

/// The contact that a change is about, as far as its line says so.
fn named(change: &crate::workspace::Change) -> Option<ContactRef> {
    if let Some(contact) = &change.contact {
        return Some(contact.clone());
    }
    match &change.event {
        Event::Created(patch) | Event::Patched(patch) => {
            let uuid = patch.uuid.map(ContactRef::Uuid);
            uuid.or_else(|| patch.urns.as_ref()?.first().cloned().map(ContactRef::Urn))
        }
        _ => None,
    }
}

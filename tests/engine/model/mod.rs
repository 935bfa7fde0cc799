//! The workspace against its model: random schemas, contacts, groups, changes, clock moves, edits and reopenings; after
//! each step memberships, log, searches and the past are the model's, and `check` finds nothing.
//!
//! `HEADCOUNT_MODEL_STEPS` sets how many steps are made in all (by default a few hundred), `HEADCOUNT_MODEL_SEED` where
//! the random numbers begin. A failure is shrunk and printed as the steps that lead to it.

mod people;
mod steps;
mod texts;
mod twin;

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use steps::{Life, life};
use twin::Twin;

/// Steps of one workspace.
const LIFE: usize = 60;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn live(life: &Life) -> BTreeMap<String, usize> {
    let mut twin = Twin::new(&life.fields, life.settings);
    for (step, dialect, query) in &life.steps {
        twin.step(step, (*dialect, query));
    }
    twin.check();
    twin.tally()
}

#[test]
fn a_workspace_is_its_model() {
    let steps = setting("HEADCOUNT_MODEL_STEPS", 600);
    let seed = setting("HEADCOUNT_MODEL_SEED", 1);
    let cases = steps.div_ceil(LIFE as u64);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: cases as u32, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let tally = RefCell::new(BTreeMap::<String, usize>::new());
    let outcome = runner.run(&life(LIFE), |life| {
        for (what, times) in live(&life) {
            *tally.borrow_mut().entry(what).or_default() += times;
        }
        Ok(())
    });
    let tally = tally.into_inner();
    println!("{} workspaces of {} steps each, seed {seed}: {tally:?}", cases, LIFE + 1);
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn a_group_that_is_named_in_vain_is_still_in_use() {
    use headcount::internals::sema::query::Dialect;
    use headcount::internals::workspace::{Settings, Workspace, WorkspaceError};

    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(&folder.path().join("store"), &Settings::default()).unwrap();
    let now = headcount::internals::value::Instant::parse(texts::NOON).unwrap();
    workspace
        .write(now, |writer| {
            let manual = writer.create_group("A", None, Dialect::Extended)?;
            let nobody = "group = A AND name = \"\" AND name != \"\"";
            let smart = writer.create_group("B", Some(nobody), Dialect::Extended)?;
            // Planning leaves the group out, since nobody matches anyway; the query that is kept still names it.
            assert!(matches!(writer.delete_group(manual), Err(WorkspaceError::GroupInUse { .. })));
            let cycle = writer.edit_group(smart, &nobody.replace('A', "B").replace("BND", "AND"), Dialect::Extended);
            assert!(matches!(cycle, Err(WorkspaceError::GroupCycle(_))), "{cycle:?}");
            Ok(())
        })
        .unwrap();
}

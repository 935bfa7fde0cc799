//! What groups cost.

use std::time::{Duration, Instant as Stopwatch};

use crate::ids::GroupId;
use crate::plan::logical;
use crate::workspace::{Reader, WorkspaceError};

/// What it takes to compute a group from nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Which group.
    pub group: GroupId,
    /// How long counting everybody who matches takes, with what was read before still in memory.
    pub time: Duration,
    /// Distinct conditions that its query comes to.
    pub conditions: usize,
}

/// Costs of groups.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Costs {
    /// The slowest first.
    pub groups: Vec<Cost>,
    /// Smart groups that there was no time left for.
    pub unmeasured: usize,
}

/// Computes each smart group from nothing, in the order in which they were made, until `patience` runs out.
///
/// Cost: one search for each group; a tenth of a millisecond to some milliseconds at a million contacts.
///
/// # Errors
/// If the store or an index cannot be read.
pub fn measure(reader: &Reader<'_>, patience: Duration) -> Result<Costs, WorkspaceError> {
    let begun = Stopwatch::now();
    let mut costs = Costs { groups: Vec::new(), unmeasured: 0 };
    for group in reader.schema().groups().iter().filter(|group| group.smart) {
        let Some(query) = reader.group_query(group.id) else { continue };
        if begun.elapsed() > patience {
            costs.unmeasured += 1;
            continue;
        }
        let start = Stopwatch::now();
        reader.count_query(query)?;
        let time = start.elapsed();
        let conditions = logical::lower(query, &reader.environment().timezone).atoms.len();
        costs.groups.push(Cost { group: group.id, time, conditions });
    }
    costs.groups.sort_by(|a, b| b.time.cmp(&a.time).then(a.group.cmp(&b.group)));
    Ok(costs)
}

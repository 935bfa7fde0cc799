//! How much memory the work may take.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The most that is taken unless somebody tells, in bytes.
const USUAL: u64 = 512 << 20;

/// Less than this is not gone by: nothing could be done.
const LEAST: u64 = 64 << 20;

/// The variable that tells: a number of bytes, or of `K`, `M` or `G` of them.
pub(crate) const VARIABLE: &str = "HEADCOUNT_MEMORY";

/// Bytes that a command may take for what it works on: as told by `HEADCOUNT_MEMORY`, or half of what the control group or
/// the machine has, and at most 512 MiB. What is cut to it are commits, buffers and chunks that are read ahead; pages of the
/// store that the system keeps in memory and can drop at any time do not count.
pub(crate) fn budget() -> u64 {
    static BUDGET: OnceLock<u64> = OnceLock::new();
    *BUDGET.get_or_init(|| {
        let told = std::env::var(VARIABLE).ok().and_then(|text| size(&text));
        told.unwrap_or_else(|| available().map_or(USUAL, |bytes| (bytes / 2).min(USUAL))).max(LEAST)
    })
}

/// As many things of a size as fit into one part of the budget in `share`, at least one and at most `most`.
pub(crate) fn count(share: u64, bytes_each: u64, most: usize) -> usize {
    let count = budget() / share / bytes_each.max(1);
    usize::try_from(count).unwrap_or(usize::MAX).clamp(1, most)
}

/// A size as people write it.
pub(crate) fn size(text: &str) -> Option<u64> {
    let text = text.trim().trim_end_matches(['B', 'b']).trim_end_matches('i');
    let (digits, power) = match text.chars().last()?.to_ascii_lowercase() {
        'k' => (text.get(..text.len() - 1)?, 10),
        'm' => (text.get(..text.len() - 1)?, 20),
        'g' => (text.get(..text.len() - 1)?, 30),
        _ => (text, 0),
    };
    digits.trim().parse::<u64>().ok()?.checked_mul(1 << power)
}

/// What the control group of this process, or one above it, or the machine has.
fn available() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().flat_map(limits_of);
    limits.chain(of_the_machine()).min()
}

/// The limits of a line of `/proc/self/cgroup`: `hierarchy:controllers:path`.
fn limits_of(line: &str) -> Vec<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { return Vec::new() };
    let (root, file) = match controllers {
        "" => ("/sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|controller| controller == "memory") => {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return Vec::new(),
    };
    let place = PathBuf::from(format!("{root}{path}"));
    let up = place.ancestors().take_while(|folder| folder.starts_with(root)).map(Path::to_owned);
    // Within a container the path may be that of the host, and the limit stands at the root.
    up.chain([PathBuf::from(root)]).filter_map(|folder| number(&folder.join(file))).collect()
}

fn number(file: &Path) -> Option<u64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn of_the_machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    size(line.trim().trim_end_matches("B"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let cases = [("1000", 1000), ("64K", 64 << 10), ("512 MB", 512 << 20), ("2GiB", 2 << 30), ("24 kB", 24 << 10)];
        for (text, bytes) in cases {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "M", "-1", "1.5G", "lots", "99999999999G"] {
            assert_eq!(size(text), None, "{text}");
        }
        assert!((LEAST..=USUAL).contains(&budget()) || std::env::var(VARIABLE).is_ok());
    }
}

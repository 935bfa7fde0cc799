//! Random draws that are the same on every platform and in every version: integer arithmetic only.
//!
//! The generator is xoshiro256** (D. Blackman and S. Vigna, 2018), seeded through SplitMix64 from a seed, a stream and
//! an index, so that any contact can be drawn without the ones before it.

/// What a sequence of draws is for: different purposes never share draws.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// One contact, by index.
    Contact = 1,
    /// One group, by index.
    Group = 2,
    /// One change, by index.
    Change = 3,
    /// A round of a permutation.
    Permutation = 4,
    /// Identities.
    Identity = 5,
}

/// A sequence of draws.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: [u64; 4],
}

/// One step of SplitMix64: a bijection that scatters its input.
pub(super) fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

impl Random {
    /// The sequence for one thing.
    pub(super) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut key = scatter(scatter(scatter(seed) ^ purpose as u64) ^ index);
        let state = std::array::from_fn(|_| {
            key = key.wrapping_add(0x9E37_79B9_7F4A_7C15);
            scatter(key)
        });
        Random { state }
    }

    /// 64 uniform bits.
    pub(super) fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// Uniform below `bound`; 0 if `bound` is 0. The bias is below `bound / 2^64`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// Uniform from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as u64) as i64
    }

    /// True `per_mille` times in a thousand.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of the items, all equally likely; the default if there are none.
    pub(super) fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        items.get(self.below(items.len() as u64) as usize).copied().unwrap_or_default()
    }

    /// One of the items, as likely as its weight.
    pub(super) fn weighted<T: Copy + Default>(&mut self, items: &[(u64, T)]) -> T {
        let mut left = self.below(items.iter().map(|(weight, _)| weight).sum());
        for &(weight, item) in items {
            if left < weight {
                return item;
            }
            left -= weight;
        }
        T::default()
    }

    /// The smallest of `draws` uniform draws below `bound`: small numbers are more likely, the more draws the more so.
    pub(super) fn small(&mut self, bound: u64, draws: u32) -> u64 {
        (0..draws).map(|_| self.below(bound)).min().unwrap_or(0)
    }

    /// Normal, in whole numbers: twelve uniform draws have a sum of standard deviation 1 (Irwin and Hall).
    pub(super) fn normal(&mut self, mean: i64, deviation: i64) -> i64 {
        let sum: u64 = (0..12).map(|_| self.below(1 << 20)).sum();
        mean + (((sum as i64 - (6 << 20)) * deviation) >> 20)
    }

    /// A rank below `bound` that is drawn about as often as `1 / (rank + 1)`: uniform in its number of bits, then
    /// uniform among the ranks of that many bits.
    pub(super) fn rank(&mut self, bound: u64) -> u64 {
        let bits = u64::from(64 - bound.leading_zeros());
        loop {
            let low = 1u64 << self.below(bits.max(1));
            let rank = low + self.below(low) - 1;
            if rank < bound || bound == 0 {
                return rank.min(bound);
            }
        }
    }
}

/// A list whose items are drawn with Zipf-like frequencies: the one at rank `r` about as often as `1 / (r + 3)`.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranked {
    items: Vec<&'static str>,
    /// Sums of weights up to and with each item.
    sums: Vec<u64>,
}

impl Ranked {
    pub(super) fn new(items: Vec<&'static str>) -> Self {
        let mut sum = 0;
        let sums = (0..items.len() as u64)
            .map(|rank| {
                sum += 1_000_000 / (rank + 3);
                sum
            })
            .collect();
        Ranked { items, sums }
    }

    /// One of the items; the empty text if there are none.
    pub(super) fn pick(&self, random: &mut Random) -> &'static str {
        let draw = random.below(self.sums.last().copied().unwrap_or(0));
        let at = self.sums.partition_point(|&sum| sum <= draw);
        self.items.get(at).copied().unwrap_or_default()
    }

    /// All items, the most frequent first.
    pub(super) fn items(&self) -> &[&'static str] {
        &self.items
    }
}

/// A permutation of the numbers below `low × high`, so that every number is given out once and in no visible order: a
/// Feistel network over the two parts of a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permutation {
    low: u64,
    high: u64,
    key: u64,
}

impl Permutation {
    /// Over the numbers below `low × high`.
    pub(super) fn new(seed: u64, which: u64, low: u64, high: u64) -> Self {
        let key = Random::new(seed, Purpose::Permutation, which).bits();
        Permutation { low: low.max(1), high: high.max(1), key }
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> u64 {
        self.low * self.high
    }

    /// Where `number`, which must be below [`Permutation::len`], goes.
    pub(super) fn apply(&self, number: u64) -> u64 {
        let (mut low, mut high) = (number % self.low, number / self.low);
        for round in 0..3 {
            low = (low + scatter(self.key ^ high << 2 ^ round) % self.low) % self.low;
            high = (high + scatter(self.key.rotate_left(32) ^ low << 2 ^ round) % self.high) % self.high;
        }
        high * self.low + low
    }
}

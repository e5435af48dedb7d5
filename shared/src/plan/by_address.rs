//! Who goes with which mail address, in little memory: a hundred thousand addresses are not kept a second time, only
//! fingerprints of them. Whoever looks one up compares the addresses themselves.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Values by the fingerprint of a lower-case address.
#[derive(Debug, Clone)]
pub(super) struct ByAddress<T>(Vec<(u64, T)>);

impl<T> Default for ByAddress<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy + Ord> ByAddress<T> {
    pub fn put(&mut self, address: &str, value: T) {
        self.0.push((fingerprint(address), value));
    }

    /// After the last `put`, before the first `candidates`.
    pub fn sort(&mut self) {
        self.0.sort_unstable();
    }

    /// Everything put under this address, and perhaps, by chance, something put under another.
    pub fn candidates(&self, address: &str) -> impl Iterator<Item = T> {
        let wanted = fingerprint(address);
        let start = self.0.partition_point(|(found, _)| *found < wanted);
        let from_there = self.0.iter().skip(start);
        from_there
            .take_while(move |(found, _)| *found == wanted)
            .map(|(_, value)| *value)
    }
}

/// The same for the same text in every run: the hasher's keys are fixed.
fn fingerprint(address: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    address.hash(&mut hasher);
    hasher.finish()
}

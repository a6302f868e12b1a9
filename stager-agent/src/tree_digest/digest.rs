//! A digest of many things in any order: each is hashed, the hashes are added up. So a tree needs no sorting, and
//! several threads may each digest a part. It is against accidents: only root can change what it is a digest of.

use sha2::{Digest as _, Sha256};
use std::fmt;
use std::ops::AddAssign;

/// A sum of hashes, modulo 2^128; by default that of nothing. `Display` gives 32 hex digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest(u128);

impl Digest {
    /// Takes one more thing in: its numbers, and its name, in which no NUL is.
    pub(super) fn add(&mut self, numbers: &[u64], name: &[u8], more: &[u8]) {
        let mut hasher = Sha256::new();
        for number in numbers {
            hasher.update(number.to_le_bytes());
        }
        hasher.update(name);
        hasher.update([0]);
        hasher.update(more);
        let hash = hasher.finalize();
        let half = hash.first_chunk::<16>().map_or(0, |half| u128::from_le_bytes(*half));
        self.0 = self.0.wrapping_add(half);
    }
}

impl AddAssign for Digest {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

//! A hash for names and keys inside the process: a few instructions where the standard one takes a hundred. It is the
//! same in every run, so that a key stays in its partition.

use std::hash::{BuildHasher, Hasher};

/// Maps whose keys come from the program itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fast;

pub(super) struct FastHasher(u64);

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// The hash of some bytes.
#[inline]
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = FastHasher(bytes.len() as u64);
    hasher.write(bytes);
    hasher.finish()
}

impl BuildHasher for Fast {
    type Hasher = FastHasher;
    fn build_hasher(&self) -> FastHasher {
        FastHasher(0)
    }
}

impl FastHasher {
    #[inline]
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(MULTIPLIER);
    }
}

impl Hasher for FastHasher {
    #[inline]
    fn finish(&self) -> u64 {
        // A product is well mixed in its high bits only.
        (self.0 ^ (self.0 >> 32)).wrapping_mul(MULTIPLIER).rotate_left(26)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            self.mix(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.mix(u64::from(number));
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn similar_keys_spread_over_few_and_many_places() {
        let keys: Vec<_> = (0..4_096).map(|number| hash(format!("order_{number}").as_bytes())).collect();
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
        for (places, most) in [(4, 1_300), (256, 48)] {
            let mut found = vec![0; places as usize];
            keys.iter().for_each(|key| found[(key % places) as usize] += 1);
            assert!(found.iter().all(|many| (1..=most).contains(many)), "{places}: {found:?}");
        }
    }

    #[test]
    fn length_and_order_count() {
        let texts = [&b""[..], b"\0", b"\0\0", b"ab", b"ba", b"12345678", b"123456789", b"912345678"];
        assert_eq!(texts.map(hash).into_iter().collect::<HashSet<_>>().len(), texts.len());
    }
}

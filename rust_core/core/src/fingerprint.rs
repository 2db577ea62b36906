//! Keyed 64-bit fingerprints of field values (SipHash-2-4).
//!
//! A fingerprint tells whether a value changed without storing it; the key is per person, so that equal titles of two
//! people have unequal fingerprints and destroying the key makes all of them meaningless.

/// Length of the secret key in bytes.
pub const KEY_LENGTH: usize = 16;

/// Returns the fingerprint of `value` as the content of `field`.
///
/// The field's name is part of the hashed message behind its length, so the same text in two fields never has the
/// same fingerprint by construction of the message.
#[must_use]
pub fn fingerprint(key: &[u8; KEY_LENGTH], field: &str, value: &[u8]) -> u64 {
    let mut message = Vec::with_capacity(8 + field.len() + value.len());
    message.extend_from_slice(&(field.len() as u64).to_le_bytes());
    message.extend_from_slice(field.as_bytes());
    message.extend_from_slice(value);
    siphash24(key, &message)
}

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    fn new(key: &[u8; KEY_LENGTH]) -> Self {
        let (halves, _) = key.as_chunks::<8>();
        let (k0, k1) = (u64::from_le_bytes(halves[0]), u64::from_le_bytes(halves[1]));
        Self {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
        }
    }

    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v2 = self.v2.rotate_left(32);
    }

    fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.round();
        self.v0 ^= word;
    }

    fn finish(mut self) -> u64 {
        self.v2 ^= 0xff;
        for _ in 0..4 {
            self.round();
        }
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }
}

fn siphash24(key: &[u8; KEY_LENGTH], message: &[u8]) -> u64 {
    let mut state = State::new(key);
    let (words, tail) = message.as_chunks::<8>();
    for word in words {
        state.absorb(u64::from_le_bytes(*word));
    }
    let mut last = [0_u8; 8];
    last[..tail.len()].copy_from_slice(tail);
    last[7] = message.len().to_le_bytes()[0];
    state.absorb(u64::from_le_bytes(last));
    state.finish()
}

#[cfg(test)]
mod tests {
    use super::{fingerprint, siphash24};

    const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    /// The vectors are those of the paper and of the authors' reference code.
    #[test]
    fn published_vectors_hold() {
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(siphash24(&KEY, &[]), 0x726f_db47_dd0e_0e31);
        assert_eq!(siphash24(&KEY, &[0]), 0x74f8_39c5_93dc_67fd);
        assert_eq!(siphash24(&KEY, &message), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn field_and_key_separate_equal_values() {
        let title = fingerprint(&KEY, "title", b"Morning Run");
        assert_ne!(title, fingerprint(&KEY, "notes", b"Morning Run"));
        assert_ne!(title, fingerprint(&[7; 16], "title", b"Morning Run"));
        assert_ne!(fingerprint(&KEY, "ab", b"c"), fingerprint(&KEY, "a", b"bc"));
    }
}

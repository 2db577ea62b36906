//! `MurmurHash3_x86_32`, the hash that spreads users over the fixed buckets.

const C1: u32 = 0xcc9e_2d51;
const C2: u32 = 0x1b87_3593;

/// Number of fixed buckets; a power of two, so the mask is one less.
pub const BUCKET_COUNT: u32 = 256;

/// Returns the unsigned 32-bit hash of `data`.
#[must_use]
pub fn murmur3_32(data: &[u8], seed: u32) -> u32 {
    let (blocks, tail) = data.as_chunks::<4>();
    let mut hash = seed;
    for block in blocks {
        hash ^= scramble(u32::from_le_bytes(*block));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !tail.is_empty() {
        let mut last = [0_u8; 4];
        last[..tail.len()].copy_from_slice(tail);
        hash ^= scramble(u32::from_le_bytes(last));
    }
    // The algorithm mixes the length modulo 2^32.
    #[allow(clippy::cast_possible_truncation)]
    finish(hash ^ data.len() as u32)
}

/// Returns the fixed bucket, 0 to 255, of an id.
#[must_use]
pub fn bucket(id: &[u8]) -> u8 {
    let [lowest, ..] = (murmur3_32(id, 0) & (BUCKET_COUNT - 1)).to_le_bytes();
    lowest
}

fn scramble(block: u32) -> u32 {
    block.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

fn finish(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::{bucket, murmur3_32};

    /// The reference implementation's own verification value covers every key length up to 255.
    #[test]
    fn verification_value_of_the_reference_holds() {
        let key: Vec<u8> = (0..=255).collect();
        let mut hashes = Vec::new();
        for length in 0..256_u32 {
            let hash = murmur3_32(&key[..length as usize], 256 - length);
            hashes.extend_from_slice(&hash.to_le_bytes());
        }
        assert_eq!(murmur3_32(&hashes, 0), 0xB0F5_7EE3);
    }

    #[test]
    fn bucket_is_the_lowest_byte() {
        assert_eq!(u32::from(bucket(b"user-1")), murmur3_32(b"user-1", 0) & 255);
    }
}

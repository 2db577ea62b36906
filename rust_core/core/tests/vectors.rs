//! The vector files that Python reads too.

use std::fs;
use std::path::Path;

use serde_json::Value;
use syncwell_core::fingerprint::fingerprint;
use syncwell_core::murmur3::murmur3_32;

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    serde_json::from_str(&fs::read_to_string(path).expect("a vector file")).expect("valid JSON")
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[test]
fn murmur3_agrees_with_published_values() {
    let file = vectors("murmur3_32.json");
    let rows = file["vectors"].as_array().expect("a list");
    assert!(rows.len() > 50);
    for row in rows {
        let seed = u32::try_from(row["seed"].as_u64().expect("a seed")).expect("32 bits");
        let hash = murmur3_32(&bytes(text(&row["input_hex"])), seed);
        assert_eq!(Some(u64::from(hash)), row["hash"].as_u64(), "{row}");
    }
}

#[test]
fn fingerprints_never_change() {
    let file = vectors("field_fingerprint.json");
    let key: [u8; 16] = bytes(text(&file["key_hex"])).try_into().expect("16 bytes");
    let rows = file["vectors"].as_array().expect("a list");
    assert!(rows.len() > 5);
    for row in rows {
        let found = fingerprint(&key, text(&row["field"]), text(&row["value"]).as_bytes());
        assert_eq!(Some(found), row["fingerprint"].as_u64(), "{row}");
    }
}

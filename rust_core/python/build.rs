//! Embeds the hash of all Rust sources, so that a stale build can be told from a fresh one.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("..");
    let mut paths = Vec::new();
    collect(&root, &mut paths)?;
    let mut named = Vec::new();
    for path in paths {
        let relative = path.strip_prefix(&root).map_err(io::Error::other)?;
        let name = relative.to_string_lossy().replace('\\', "/");
        named.push((name, fs::read(&path)?));
    }
    named.sort();
    println!("cargo::rustc-env=SYNCWELL_SOURCE_HASH={}", digest(&named));
    Ok(())
}

/// Hashes name and content, each behind its length; `syncwell.native` does the same.
fn digest(named: &[(String, Vec<u8>)]) -> String {
    let mut hash = Sha256::new();
    for (name, content) in named {
        for part in [name.as_bytes(), content.as_slice()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    text
}

/// Lists every source file, and asks cargo to run this again when a folder gains or loses one.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                println!("cargo::rerun-if-changed={}", path.display());
                collect(&path, paths)?;
            }
        } else if is_source(&name) {
            println!("cargo::rerun-if-changed={}", path.display());
            paths.push(path);
        }
    }
    Ok(())
}

fn is_source(name: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|found| found == "rs") || name == "Cargo.toml" || name == "Cargo.lock"
}

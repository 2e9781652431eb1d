//! How the program is linked.

#![allow(
    clippy::disallowed_methods,
    reason = "cargo tells a build script by its environment what it builds for"
)]

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |key: &str| std::env::var(key).unwrap_or_default();
    // At a fixed address. The dependencies hold hundreds of thousands of addresses of themselves; a program that may be loaded anywhere has
    // to write all of them at every start, four milliseconds and nine megabytes in each of the three processes of a batch. Libraries,
    // heap and stack are at random addresses all the same; what is given up is that of the program's own code, most of which is Rust.
    if target("CARGO_CFG_TARGET_OS") == "linux" && target("CARGO_CFG_TARGET_ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
        // Names of symbols are a third of the file. Cargo 1.95 passes `strip=debuginfo` here whatever the profile says.
        println!("cargo:rustc-link-arg-bins=-Wl,--strip-all");
    }
}

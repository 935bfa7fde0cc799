//! The programs of `examples/`, run in folders of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// Each program's `main` is left to `cargo run --example`; the rest of it is called here.
macro_rules! example {
    ($name:ident, $path:literal) => {
        #[allow(dead_code)]
        #[path = $path]
        mod $name;
    };
}

example!(embed, "../examples/embed.rs");

#[test]
fn embedding() {
    let folder = tempfile::tempdir().unwrap();
    let told = embed::run(&folder.path().join("store")).unwrap();
    assert_eq!(told, ["1 of 2 are adults", "Ann Uwase enters Adults"]);
}

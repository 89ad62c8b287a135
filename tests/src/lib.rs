//! What the end-to-end tests and the benchmark share: the real binary with a directory and a configuration of its own, processes that
//! end with the test, callers and peers that speak just enough HTTP. The tests are in `tests/tests`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

pub mod connector;
mod described;
pub mod disk;
pub mod edc;
pub mod http;
pub mod lying_proxy;
pub mod machine;
pub mod management;
pub mod measured;
pub mod operated;
pub mod patience;
pub mod process;
pub mod s3;

//! The network's rim: the one server and the one outbound client. Nothing else of Herleid opens a TCP socket.
//!
//! Both ends are bounded in time, bytes and number, whatever the other end does; and neither trusts an address for
//! where it lies (DESIGN section 6, zero trust).

pub mod address;
mod answer;
mod bounded;
pub mod client;
pub mod error;
mod fault;
pub mod server;
mod store;
pub mod tls;

pub use answer::guarded_stream;

#[cfg(test)]
pub(crate) mod tests;

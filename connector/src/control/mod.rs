//! How the command line reaches a running `herleid serve`: a Unix socket in the storage directory.
//!
//! HTTP/1.1 over the socket: `POST /v1/<command>` with a JSON body; the answer is `application/x-ndjson`, a line for each
//! step of progress or note, and last exactly one `result` or `error`. Only the user who runs the service, or root, is
//! let in: the socket has mode 0600 and the caller's credentials are asked of the kernel (`SO_PEERCRED`).

pub mod client;
pub mod error;
pub mod progress;
pub mod protocol;
pub mod server;
pub mod socket;

#[cfg(test)]
mod tests;

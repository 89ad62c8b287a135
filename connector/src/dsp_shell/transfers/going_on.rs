//! Access that was held back, and goes on.

use super::super::Negotiator;
use super::Access;
use crate::commands::Failure;
use crate::dsp::transfer::{DataTransfer, State, Transfer};
use crate::node::Node;
use std::sync::Arc;
use std::time::Duration;

/// How long the other end's message that it holds access back may take, once the data plane has refused.
const SOON: Duration = Duration::from_secs(2);

impl Negotiator {
    /// Waits until a transfer that is held back goes on; gives the access then, which may have a fresh token. `None`: it is not
    /// held back, so that the refusal is final.
    ///
    /// # Errors
    /// When it does not go on within a minute, or ends.
    pub async fn after_suspension(
        &self,
        node: &Arc<Node>,
        access: &Access,
        has_begun: bool,
    ) -> Result<Option<Access>, Failure> {
        let load = || self.load::<DataTransfer>(node, &access.pid).ok().flatten();
        let left = |process: Transfer| (process.state() != State::Started).then_some(process.state());
        // A refusal before anything has come is one.
        if !has_begun && load().is_none_or(|process| process.state() == State::Started) {
            return Ok(None);
        }
        let told = tokio::time::timeout(SOON, self.wait_for(|| load().and_then(left))).await;
        if !matches!(told, Ok(Ok(State::Suspended))) {
            return Ok(None);
        }
        let going_on = self
            .wait_for(|| load().filter(|process| process.state() != State::Suspended))
            .await;
        match going_on {
            Ok(process) if process.state() == State::Started => Ok(Some(again(&process, access))),
            Ok(_) => Ok(None),
            Err(_) => Err(Failure::refused(format!("the transfer {} is held back", access.pid))
                .next("what has come is kept: pull again when the transfer goes on, and it counts once (`herleid transfers`)")),
        }
    }
}

/// The access of a transfer that goes on: what it had, or what came with the message that it goes on.
fn again(process: &Transfer, before: &Access) -> Access {
    let mut access = before.clone();
    if let Some(address) = process.address() {
        if let Some(endpoint) = address.location() {
            endpoint.clone_into(&mut access.endpoint);
        }
        if let Some(token) = address.authorization() {
            token.clone_into(&mut access.token);
        }
    }
    access
}

//! What the running service offers something under.

use crate::actions::{Plugged, runtime};
use crate::cli::{Actions as _, Context};
use crate::control::client;
use crate::control::error::ControlError;
use crate::control::protocol::Offered;
use crate::control::socket::path_in;
use serde_json::Value;

/// The offers of the newest version that was not withdrawn, each with its name.
pub(super) fn offers(context: &Context, id: &str) -> Result<Vec<(String, Value)>, ControlError> {
    let socket = path_in(&Plugged.storage(context)?);
    let request = Offered { id: id.to_owned() };
    let answer = runtime()?.block_on(client::command(&socket, &request, |line| context.screen.line(line)))?;
    let named = |offer: Value| {
        let name = offer.get("@id").and_then(Value::as_str).unwrap_or(id).to_owned();
        (name, offer)
    };
    Ok(answer.offers.into_iter().map(named).collect())
}

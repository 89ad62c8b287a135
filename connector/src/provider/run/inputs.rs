//! The inputs of a run: as they came, or brought by pulls of their own.

use super::{Asked, Sent, busy};
use crate::consumer::pull::{fetch, onward_source};
use crate::control::progress::Progress;
use crate::http::Refusal;
use crate::models::process::{Content as InputContent, Pin};
use crate::models::sandbox::{InputSource, JobInput};
use crate::node::Node;
use serde_json::Value;
use std::time::Duration;

/// What a fetch may bring in any case, in bytes: who refuses says why in an answer that can be longer than a small input.
const REFUSAL_BYTES: u64 = 16 << 10;
/// How long all inputs of a run may take together: as long as whoever passes one on gives access to it (five minutes), which is
/// also what a consumer waits for beside the run itself.
const ALL_INPUTS: Duration = Duration::from_secs(5 * 60);

impl Asked<'_> {
    /// Every input's bytes: inline ones as they came, others by a pull of their own, recorded at both ends. Where those lie, and
    /// how fast they come, the consumer says: so they have an end in time, and few runs of one consumer wait for them at once.
    pub(super) async fn bring_inputs(&self, node: &Node, sent: &Sent) -> Result<Vec<JobInput>, Refusal> {
        let mut given = self.request.inputs().values();
        if !given.any(|input| matches!(input.content, InputContent::Reference { .. })) {
            return self.every_input(node, sent).await;
        }
        let Some(_preparing) = node.giving.prepare(&self.agreement.other) else {
            return Err(busy(
                &"the inputs of other runs of yours are being fetched; ask again when one of those has begun",
            ));
        };
        let brought = tokio::time::timeout(ALL_INPUTS, self.every_input(node, sent)).await;
        brought.unwrap_or_else(|_| {
            Err(Refusal::denied(&format!(
                "the inputs could not be brought: they had not come after {} s",
                ALL_INPUTS.as_secs()
            )))
        })
    }

    async fn every_input(&self, node: &Node, sent: &Sent) -> Result<Vec<JobInput>, Refusal> {
        let mut inputs = Vec::new();
        for port in self.process.model().inputs() {
            let Some(value) = self.request.inputs().get(&port.name) else {
                continue;
            };
            let Some(pin) = &value.pin else { continue };
            let source = match &value.content {
                InputContent::Inline(bytes) => InputSource::Bytes(bytes.clone()),
                InputContent::Reference { href } => self.pull_input(node, &port.name, href, pin, sent).await?,
            };
            inputs.push(JobInput {
                name: port.name.clone(),
                source,
                sha256: pin.sha256.clone(),
            });
        }
        Ok(inputs)
    }

    async fn pull_input(
        &self,
        node: &Node,
        name: &str,
        href: &str,
        pin: &Pin,
        sent: &Sent,
    ) -> Result<InputSource, Refusal> {
        let input = self
            .run_inputs
            .as_array()
            .and_then(|all| all.iter().find(|i| i.get("name").and_then(Value::as_str) == Some(name)));
        let input = input.ok_or_else(|| Refusal::malformed(&format!("input `{name}` says nothing of its digests")))?;
        let most = node.config.limits.payload_bytes;
        if pin.bytes > most {
            return Err(Refusal::malformed(&format!(
                "input `{name}` has {} bytes, at most {most} are taken here",
                pin.bytes
            )));
        }
        let token = sent
            .onward
            .get(name)
            .ok_or_else(|| Refusal::malformed(&format!("no token came for input `{name}`")))?;
        let mut source = onward_source(node, &self.agreement.other, href, token, input)
            .await
            .map_err(|e| Refusal::malformed(&e))?;
        source.limit_bytes = pin.bytes.max(REFUSAL_BYTES);
        let (progress, _nobody) = Progress::channel();
        let pulled = fetch(node, source, &progress, self.trace).await;
        let (entry, _) = pulled.map_err(|e| Refusal::denied(&format!("input `{name}` could not be brought: {e}")))?;
        // The run is recorded with the pin: what was fetched under another digest than one of these is another input.
        pin.check_digests(&entry.digests)
            .map_err(|why| Refusal::malformed(&format!("input `{name}` is not what the request says: {why}")))?;
        node.payloads
            .path(&entry.digests.sha256)
            .map(InputSource::File)
            .map_err(|e| Refusal::internal(&e))
    }
}

//! What is asked for: understood, if there is something to run, and decided; again when making it ready has taken its time.

use super::{Asked, NotRun};
use crate::deciding::{self, Asker, Decided, USE};
use crate::http::Refusal;
use crate::identity::{Lost, lost, shown_for, until_lost};
use crate::models::process::Process;
use crate::node::Node;
use crate::provider::access::{self, Access};
use crate::provider::pull::{PLACE_OF_ITS_OWN, untrusted};
use crate::provider::{grants, stream};
use crate::state::{AgreementEntry, GrantEntry, GrantPurpose, ModelEntry, Side, StateError, digest_bytes};
use herleid_credentials::credential::Claimed;
use herleid_policies::Reservation;
use herleid_vocab::json::Limits;
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::json;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How often it is looked at whether a run that goes on may still: as often as at what is being sent.
const LOOK: Duration = Duration::from_secs(1);

impl<'a> Asked<'a> {
    /// Understands what is asked for, if there is something to run for whoever asks; a refusal that is not about the form of the
    /// request is recorded.
    pub(in crate::provider) async fn read(
        node: &Node,
        access: &'a Access,
        model: &str,
        body: &[u8],
        trace: &'a str,
    ) -> Result<Self, NotRun> {
        let grant = access.grant();
        if grant.kind != GrantPurpose::Run || grant.subject != model {
            return Err(Refusal::not_found(&format!("this access is not for running `{model}`")).into());
        }
        let agreement = standing_agreement(node, access, trace).await?;
        let Some(entry) = current_model(node, model)? else {
            let why = format!("`{model}` was withdrawn");
            return Err(refuse(node, access, &agreement, &why, trace).await.into());
        };
        let asked = Self::understood(node, access, agreement, entry, body, trace)?;
        // Checked when it was published; the configuration may have been narrowed since.
        if let Err(e) = node.config.models.sandbox.allow(asked.process.model().limits()) {
            let why = format!("`{model}` does not run here now: {e}");
            return Err(refuse(node, access, &asked.agreement, &why, trace).await.into());
        }
        Ok(asked)
    }

    /// What is asked for of this version.
    pub(super) fn understood(
        node: &Node,
        access: &'a Access,
        agreement: AgreementEntry,
        entry: ModelEntry,
        body: &[u8],
        trace: &'a str,
    ) -> Result<Self, NotRun> {
        let process = Arc::new(process(node, &entry)?);
        let request = process.parse_request(body, &Limits::MESSAGE).map_err(NotRun::Request)?;
        let run_inputs = request
            .run_inputs(&process)
            .ok_or_else(|| Refusal::malformed(&"an input by reference says nothing of its digests (`x-herleid`)"))?;
        Ok(Self {
            access,
            agreement,
            model: entry,
            process,
            request,
            run_inputs,
            places: OnceLock::new(),
            ended: OnceLock::new(),
            trace,
        })
    }

    /// Reads again what may have been changed while the run was made ready: the access, the agreement, and whether the version
    /// that was asked for is still published. A newer version changes nothing, since the exchange names the one that runs.
    pub(super) async fn look_again(&mut self, node: &Node) -> Result<(), Refusal> {
        if let Some(why) = self.access_ended(node).map_err(|e| Refusal::internal(&e))? {
            return Err(Refusal::denied(&why));
        }
        if let Some(lost) = lost(node, self.access.grant()).await {
            return Err(access::refuse_lost(node, self.access, lost, self.trace).await);
        }
        self.agreement = standing_agreement(node, self.access, self.trace).await?;
        let (model, version) = (&self.model.model, &self.model.version);
        let entry: Option<ModelEntry> = node
            .state
            .get(&format!("model/{model}/{version}"))
            .map_err(|e| Refusal::internal(&e))?;
        if entry.is_some_and(|entry| entry.withdrawn.is_none()) {
            return Ok(());
        }
        let why = format!("version `{version}` of `{model}` was withdrawn");
        Err(refuse(node, self.access, &self.agreement, &why, self.trace).await)
    }

    /// Why whoever asks has no access any more: to the run, and to what it gives.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub(super) fn access_ended(&self, node: &Node) -> Result<Option<String>, StateError> {
        let grant: Option<GrantEntry> = node.state.get(&GrantEntry::key(&self.access.grant().id))?;
        let closed = grant.map_or_else(|| Some("it was removed".to_owned()), |grant| grant.closed);
        let over = |grant: &GrantEntry| {
            let until = format_rfc3339_ms(grant.until_ms);
            (grant.until_ms <= node.now_ms()).then(|| format!("it was given until {until}"))
        };
        let why = closed
            .or_else(|| over(self.access.grant()))
            .or_else(|| untrusted(node, self.access.grant()));
        Ok(why.map(|why| format!("access has ended: {why}")))
    }

    /// Why nothing may be had of a run that has started: access, agreement, and what the policy says now, save for the credentials.
    fn over(&self, node: &Node) -> Result<Option<String>, String> {
        if let Some(why) = self.access_ended(node).map_err(|e| e.to_string())? {
            return Ok(Some(why));
        }
        let grant = self.access.grant();
        let key = AgreementEntry::key(&grant.agreement, Side::Provider);
        let agreement: Option<AgreementEntry> = node.state.get(&key).map_err(|e| e.to_string())?;
        let Some(agreement) = agreement else {
            return Ok(Some("the agreement is not here any more".to_owned()));
        };
        if let Some(why) = &agreement.terminated {
            return Ok(Some(format!("the agreement has ended: {why}")));
        }
        let shown = shown_for(node, grant);
        let asker = asker(grant, &shown);
        // It has its place in the counters, and is not in its own way.
        let places = self.places.get().map(Vec::as_slice).unwrap_or_default();
        let decided = deciding::under_agreement_again(node, &agreement, USE, &asker, places);
        let decided = decided.map_err(|e| e.to_string())?;
        if !decided.is_permit() {
            return Ok(Some(decided.refusal(&grant.consumer)));
        }
        Ok((!has_all(places, &decided)).then(|| PLACE_OF_ITS_OWN.to_owned()))
    }

    /// Why nothing of a run that has started may be had any more.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub(in crate::provider) async fn is_over(&self, node: &Node) -> Result<Option<Lost>, String> {
        if let Some(lost) = lost(node, self.access.grant()).await {
            return Ok(Some(lost.of_access()));
        }
        Ok(self.over(node)?.map(Lost::over))
    }

    /// Waits until nothing of a run that goes on may be had any more, and says why.
    pub(in crate::provider) async fn until_over(&self, node: &Node) -> Lost {
        let mut lost = std::pin::pin!(until_lost(node, self.access.grant()));
        loop {
            tokio::select! {
                lost = &mut lost => return lost.of_access(),
                () = tokio::time::sleep(LOOK) => {}
            }
            match self.over(node) {
                Ok(None) => {}
                Ok(Some(why)) => return Lost::over(why),
                Err(error) => {
                    tracing::error!(%error, "whether access goes on could not be found out");
                    return Lost::over("whether access goes on could not be found out".to_owned());
                }
            }
        }
    }

    /// Decides by the agreement's policy, on what is known now; a denial is recorded.
    pub(in crate::provider) async fn decide(&self, node: &Node) -> Result<Decided, Refusal> {
        self.decide_with(node, &[]).await
    }

    /// The same for a run that was made, and has these places in the counters: it takes no other.
    pub(super) async fn decide_again(&self, node: &Node, places: &[Reservation]) -> Result<(), Refusal> {
        let decided = self.decide_with(node, places).await?;
        match has_all(places, &decided) {
            true => Ok(()),
            false => Err(refuse(node, self.access, &self.agreement, PLACE_OF_ITS_OWN, self.trace).await),
        }
    }

    async fn decide_with(&self, node: &Node, places: &[Reservation]) -> Result<Decided, Refusal> {
        let grant = self.access.grant();
        let shown = shown_for(node, grant);
        let asker = asker(grant, &shown);
        let decided = deciding::under_agreement_again(node, &self.agreement, USE, &asker, places);
        let decided = decided.map_err(|e| Refusal::internal(&e))?;
        if decided.is_permit() {
            return Ok(decided);
        }
        let facts = json!({"what": "run", "party": grant.consumer.as_str(), "transaction": self.access.transaction(), "agreement": grant.agreement, "decision": decided.record()});
        grants::record_denial(node, facts, Some(stream(&self.agreement)), &decided, self.trace)
            .await
            .map_err(|e| Refusal::internal(&e))?;
        Err(Refusal::denied(&decided.refusal(&grant.consumer)))
    }
}

/// Whether what is decided takes nothing that is not among `places`.
fn has_all(places: &[Reservation], decided: &Decided) -> bool {
    let is_in = |wanted: &Reservation| {
        let of_it = places.iter().filter(|place| place.counter == wanted.counter);
        of_it.map(|place| place.amount).sum::<u64>() >= wanted.amount
    };
    decided.decision.reservations().iter().all(is_in)
}

/// Who asks for a run. How large its outputs will be nobody knows beforehand.
fn asker<'a>(grant: &'a GrantEntry, shown: &'a [Claimed]) -> Asker<'a> {
    let asker = Asker::by_request_signature(&grant.consumer).declaring(&grant.declares);
    asker.showing(shown).delivering(None)
}

/// The agreement under which a run is asked for, as it stands now; where it has ended the refusal is recorded.
pub(super) async fn standing_agreement(node: &Node, access: &Access, trace: &str) -> Result<AgreementEntry, Refusal> {
    let agreement: Option<AgreementEntry> = node
        .state
        .get(&AgreementEntry::key(&access.grant().agreement, Side::Provider))
        .map_err(|e| Refusal::internal(&e))?;
    let agreement = agreement.ok_or_else(|| Refusal::internal(&"a grant refers to an agreement that is not here"))?;
    if let Some(why) = &agreement.terminated {
        let why = format!("agreement `{}` has ended: {why}", agreement.id);
        return Err(refuse(node, access, &agreement, &why, trace).await);
    }
    Ok(agreement)
}

/// Records a refusal for another reason than the policy, and gives it.
pub(super) async fn refuse(
    node: &Node,
    access: &Access,
    agreement: &AgreementEntry,
    why: &str,
    trace: &str,
) -> Refusal {
    let facts = json!({"what": "run", "party": agreement.other.as_str(), "transaction": access.transaction(), "agreement": agreement.id});
    match grants::record_refusal(node, facts, Some(stream(agreement)), why, trace).await {
        Ok(()) => Refusal::denied(&why),
        Err(e) => Refusal::internal(&e),
    }
}

/// The newest version of a model that is not withdrawn.
fn current_model(node: &Node, model: &str) -> Result<Option<ModelEntry>, Refusal> {
    let mut entries = node
        .state
        .scan::<ModelEntry>(&format!("model/{model}/"))
        .map_err(|e| Refusal::internal(&e))?;
    entries.retain(|(_, e)| e.withdrawn.is_none());
    entries.sort_by_key(|(_, e)| e.published_ms);
    Ok(entries.pop().map(|(_, e)| e))
}

/// The description under which a model was published.
fn process(node: &Node, entry: &ModelEntry) -> Result<Process, Refusal> {
    let digest = digest_bytes(&entry.process).unwrap_or_default();
    let description = node.ledger.evidence(&digest).map_err(|e| Refusal::internal(&e))?;
    let description = description
        .ok_or_else(|| Refusal::internal(&"the description of a published model is not in the evidence store"))?;
    Process::parse(&description).map_err(|e| Refusal::internal(&e))
}

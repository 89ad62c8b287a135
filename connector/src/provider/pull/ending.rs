//! The end of access while something is being sent: told at once by whoever decides it, and looked for every second, since a policy's
//! time runs out without anybody deciding.

use super::holding::Holding;
use super::{Opened, check_published};
use crate::deciding::{self, Asker, DISTRIBUTE, USE};
use crate::identity::{Lost, shown_for, until_lost};
use crate::node::Node;
use crate::state::{AgreementEntry, GrantEntry, GrantPurpose, Side};
use herleid_vocab::time::format_rfc3339_ms;
use std::time::Duration;

/// How often it is looked whether access has ended: a policy's time limit is kept to the second.
const LOOK: Duration = Duration::from_secs(1);

/// What permitted it does no longer, and what would now counts uses, in which it has no place.
pub(in crate::provider) const PLACE_OF_ITS_OWN: &str = "the permission under which it began holds no longer, and the one that would hold now is counted; ask again, which counts under that one";

/// Waits until what is being sent has to break off, and says why. Until then it stays known as being sent.
pub(crate) async fn ended(node: &Node, grant: &GrantEntry, opened: &Opened) -> Lost {
    let mut under_way = node.giving.sending(grant);
    // Closed, or withdrawn, after the request was let in, and before it was known as being sent.
    let now = node.state.get_shared::<GrantEntry>(&GrantEntry::key(&grant.id));
    if let Ok(Some(now)) = now
        && let Some(why) = &now.closed
    {
        return Lost::over(format!("access has ended: {why}"));
    }
    if let Some(why) = untrusted(node, grant) {
        return Lost::over(why);
    }
    // A source may take its time, and what was decided before that holds for as long as it would have later on.
    let decided_ms = opened.going.decided_ms();
    if u128::from(node.now_ms().saturating_sub(decided_ms)) >= LOOK.as_millis()
        && let Some(lost) = lost_by_now(node, grant, opened)
    {
        return lost;
    }
    // A credential that was taken back is found out while everything else goes on.
    let mut lost = std::pin::pin!(until_lost(node, grant));
    loop {
        tokio::select! {
            why = under_way.closed() => return Lost::over(why),
            lost = &mut lost => {
                opened.because_of(lost.evidence());
                return lost.of_access();
            }
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Some(lost) = lost_by_now(node, grant, opened) {
            return lost;
        }
    }
}

/// What ends it at this moment; also that nobody can tell.
fn lost_by_now(node: &Node, grant: &GrantEntry, opened: &Opened) -> Option<Lost> {
    match over(node, grant, opened) {
        Ok(why) => why.map(Lost::over),
        Err(error) => {
            tracing::error!(%error, "whether access goes on could not be found out");
            Some(Lost::over("whether access goes on could not be found out".to_owned()))
        }
    }
}

/// Why whoever a grant is for is not trusted with it any more.
pub(in crate::provider) fn untrusted(node: &Node, grant: &GrantEntry) -> Option<String> {
    if let Err(why) = node.admit(&grant.consumer) {
        return Some(why.to_string());
    }
    if grant.bearer_sha256.is_none() && !is_push_without_log(node, grant) {
        return None;
    }
    // A token that is a secret, and a push that nobody ordered by a signature, are for those who are named to keep no log.
    let named = node.is_one_sided(&grant.consumer);
    (!named).then(|| format!("`{}` is no longer known to keep no log", grant.consumer))
}

/// Whether it is a push to somebody who kept no log when that was agreed on; what cannot be read is taken for one.
fn is_push_without_log(node: &Node, grant: &GrantEntry) -> bool {
    let key = AgreementEntry::key(&grant.agreement, Side::Provider);
    grant.push
        && match node.state.get::<AgreementEntry>(&key) {
            Ok(agreement) => agreement.is_none_or(|agreement| agreement.is_one_sided()),
            Err(_) => true,
        }
}

/// Why nothing more may be sent at this moment.
///
/// # Errors
/// When that cannot be found out.
pub fn over(node: &Node, grant: &GrantEntry, opened: &Opened) -> Result<Option<String>, String> {
    let now = node.state.get_shared::<GrantEntry>(&GrantEntry::key(&grant.id));
    let Some(now) = now.map_err(|e| e.to_string())? else {
        return Ok(Some("access has ended".to_owned()));
    };
    if let Some(why) = untrusted(node, grant) {
        return Ok(Some(why));
    }
    if let Some(why) = &now.closed {
        return Ok(Some(format!("access has ended: {why}")));
    }
    if now.until_ms <= node.now_ms() {
        return Ok(Some(format!(
            "access was given until {}",
            format_rfc3339_ms(now.until_ms)
        )));
    }
    let (side, action) = match grant.kind {
        GrantPurpose::Pull | GrantPurpose::Run => (Side::Provider, USE),
        GrantPurpose::Onward => (Side::Consumer, DISTRIBUTE),
    };
    let key = AgreementEntry::key(&grant.agreement, side);
    let agreement = node.state.get_shared::<AgreementEntry>(&key);
    let Some(agreement) = agreement.map_err(|e| e.to_string())? else {
        return Ok(Some("the agreement is not here any more".to_owned()));
    };
    if let Some(why) = &agreement.terminated {
        return Ok(Some(format!("the agreement has ended: {why}")));
    }
    if let (GrantPurpose::Pull, Some(version)) = (grant.kind, &grant.version)
        && let Err(refusal) = check_published(node, &grant.subject, version)
    {
        return Ok(Some(refusal.detail().to_owned()));
    }
    let consumer = &grant.consumer;
    let asker = match (grant.bearer_sha256.is_some(), grant.push && agreement.is_one_sided()) {
        (true, _) => Asker::by_secret_token(consumer),
        (false, true) => Asker::by_token(consumer),
        (false, false) => Asker::by_request_signature(consumer),
    };
    let shown = shown_for(node, grant);
    let asker = asker
        .declaring(&grant.declares)
        .showing(&shown)
        .delivering(grant.digests.as_ref().map(|known| known.bytes));
    // As it is now: another segment of the transaction may have taken more.
    let given = opened.given();
    let kept = Holding::kept(node, &given.agreement.other, &given.transaction).map_err(|e| e.to_string())?;
    let held = kept.as_ref().unwrap_or(&given.held);
    let decided = deciding::under_agreement_again(node, &agreement, action, &asker, &held.places());
    let decided = decided.map_err(|e| e.to_string())?;
    if !decided.is_permit() {
        return Ok(Some(decided.refusal(&grant.consumer)));
    }
    let has_its_places = held.missing(decided.decision.reservations()).is_empty();
    Ok((!has_its_places).then(|| PLACE_OF_ITS_OWN.to_owned()))
}

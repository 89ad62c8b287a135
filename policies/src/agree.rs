//! From an offer to the agreement that accepting it makes.

use crate::canonical::{self, Draft};
use crate::model::{PolicyKind, Rule, Scope};
use crate::policy::{Acceptance, Policy};
use crate::problem::PolicyError;
use herleid_vocab::time::format_rfc3339_ms;

fn refuse<T>(why: String) -> Result<T, PolicyError> {
    Err(PolicyError::NoAgreement { why })
}

/// See [`Policy::agree`].
pub(crate) fn agree(offer: &Policy, acceptance: &Acceptance<'_>) -> Result<Policy, PolicyError> {
    make(offer, acceptance, acceptance.made_ms.map(format_rfc3339_ms))
}

/// See [`Policy::check_made_of`].
pub(crate) fn check_made_of(agreement: &Policy, offer: &Policy) -> Result<(), PolicyError> {
    if agreement.kind != PolicyKind::Agreement {
        return refuse(format!(
            "it is of type `{}`, expected an `Agreement`",
            agreement.kind.name()
        ));
    }
    let scope = &agreement.shared;
    let (Some(assigner), Some(assignee), Some(target)) = (&scope.assigner, &scope.assignee, &scope.target) else {
        return refuse("its rules name different parties or assets; an offer is accepted by one, for one".to_owned());
    };
    let acceptance = Acceptance {
        id: &agreement.id,
        assigner,
        assignee,
        target,
        made_ms: None,
    };
    let expected = make(offer, &acceptance, agreement.timestamp.clone())?;
    for member in ["permission", "prohibition", "obligation", "profile"] {
        if agreement.document.get(member) != expected.document.get(member) {
            return refuse(format!(
                "its `{member}` is not that of the offer `{}`; ask the other end for the rules that were offered",
                crate::problem::quoted(&offer.id)
            ));
        }
    }
    if agreement.digest == expected.digest {
        Ok(())
    } else {
        refuse("it differs from what accepting the offer makes".to_owned())
    }
}

fn make(offer: &Policy, acceptance: &Acceptance<'_>, timestamp: Option<String>) -> Result<Policy, PolicyError> {
    if offer.kind != PolicyKind::Offer {
        return refuse(format!(
            "it is of type `{}`; only an `Offer` can be accepted",
            offer.kind.name()
        ));
    }
    let each = |rules: &[Rule]| {
        rules
            .iter()
            .map(|rule| address(rule, acceptance))
            .collect::<Result<Vec<_>, _>>()
    };
    let agreement = canonical::finish(Draft {
        kind: PolicyKind::Agreement,
        id: acceptance.id.to_owned(),
        profiles: offer.profiles.clone(),
        timestamp,
        conflict: offer.conflict,
        permissions: each(&offer.permissions)?,
        prohibitions: each(&offer.prohibitions)?,
        obligations: each(&offer.obligations)?,
    });
    // The given texts are checked like any other by reading the document back.
    Policy::parse(&agreement.document)
}

fn address(rule: &Rule, acceptance: &Acceptance<'_>) -> Result<Rule, PolicyError> {
    let filled = |name: &str, said: &Option<String>, given: &str| match said {
        Some(said) if said != given => refuse(format!(
            "its {name} is `{said}`, not `{given}`; ask for an offer that fits"
        )),
        _ => Ok(Some(given.to_owned())),
    };
    let scope = Scope {
        target: filled("target", &rule.scope.target, acceptance.target)?,
        assigner: filled("assigner", &rule.scope.assigner, acceptance.assigner)?,
        assignee: filled("assignee", &rule.scope.assignee, acceptance.assignee)?,
    };
    Ok(Rule { scope, ..rule.clone() })
}

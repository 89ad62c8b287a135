//! Requests to the running service, made of what was typed: of `ledger`, `erase` and `hold`.

use super::actions::Context;
use super::arguments::{EraseAction, HoldAction, LedgerAction, MeantArguments};
use super::ask::absolute;
use crate::control::error::{Code, ControlError};
use crate::control::protocol::{Erase, Hold, LedgerExport, Meant, PersonToken};
use std::path::Path;

/// What of `ledger` the service does; `None` for what this process does.
pub(super) fn export(context: &Context, action: &LedgerAction) -> Option<Result<LedgerExport, ControlError>> {
    Some(match action {
        LedgerAction::Proof(a) => absolute(context, &a.out).map(|out| LedgerExport::Proof {
            record: a.record.clone(),
            out,
        }),
        LedgerAction::Receipt(a) => absolute(context, &a.out).map(|out| LedgerExport::Receipt {
            record: a.record.clone(),
            out,
        }),
        LedgerAction::Timestamps(a) => absolute(context, &a.out).map(|out| LedgerExport::Timestamps { out }),
        LedgerAction::CheckTimestamp(_) => return None,
    })
}

/// The request that `erase` makes.
pub(super) fn erase(action: &EraseAction) -> Result<Erase, ControlError> {
    Ok(match action {
        EraseAction::Propose(a) => Erase::Propose {
            what: meant(&a.what),
            sections: a.sections.clone(),
            ground: a.ground.clone(),
            authority: a.authority.clone(),
            complete_days: a.complete_days,
            person: person(&a.person)?,
        },
        EraseAction::Approve(a) => Erase::Approve {
            id: a.id.clone(),
            person: person(&a.person)?,
        },
        EraseAction::Reject(a) => Erase::Reject {
            id: a.id.clone(),
            person: person(&a.person)?,
        },
        EraseAction::List => Erase::List {},
        EraseAction::Told => Erase::Told {},
        EraseAction::Show(a) => Erase::Show { id: a.id.clone() },
    })
}

/// The request that `hold` makes.
pub(super) fn hold(action: &HoldAction) -> Result<Hold, ControlError> {
    Ok(match action {
        HoldAction::Add(a) => Hold::Add {
            what: meant(&a.what),
            reason: a.reason.clone(),
            person: person(&a.person)?,
        },
        HoldAction::Remove(a) => Hold::Remove {
            id: a.id.clone(),
            person: person(&a.person)?,
        },
        HoldAction::List => Hold::List {},
    })
}

/// The grammar lets one of the three through.
fn meant(what: &MeantArguments) -> Meant {
    match (&what.case, &what.agreement) {
        (Some(case), _) => Meant::Case(case.clone()),
        (None, Some(agreement)) => Meant::Agreement(agreement.clone()),
        (None, None) => Meant::Records(what.record.clone()),
    }
}

/// A token that others can read is not a person's own.
fn person(path: &Path) -> Result<PersonToken, ControlError> {
    let token = crate::node::read_private(path);
    let token = token.map_err(|e| {
        ControlError::new(Code::Usage, e.to_string()).expected("a file with your own token, mode 600 (docs/erasure.md)")
    })?;
    Ok(PersonToken(token.trim().to_owned()))
}

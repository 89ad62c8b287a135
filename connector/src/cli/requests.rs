//! Requests to the running service, made of what was typed: of `ledger`, `erase` and `hold`.

use super::actions::Context;
use super::arguments::{EraseAction, HoldAction, LedgerAction, MeantArguments};
use super::ask::absolute;
use super::token;
use crate::control::error::ControlError;
use crate::control::protocol::{Erase, Hold, LedgerExport, Meant};

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
        LedgerAction::CheckTimestamp(_) | LedgerAction::Continue(_) => return None,
    })
}

/// The request that `erase` makes.
pub(super) fn erase(context: &Context, action: &EraseAction) -> Result<Erase, ControlError> {
    Ok(match action {
        EraseAction::Propose(a) => Erase::Propose {
            what: meant(&a.what),
            sections: a.sections.clone(),
            ground: a.ground.clone(),
            authority: a.authority.clone(),
            complete_days: a.complete_days,
            person: token::ask(context)?,
        },
        EraseAction::Approve(a) => Erase::Approve {
            id: a.id.clone(),
            person: token::ask(context)?,
        },
        EraseAction::Reject(a) => Erase::Reject {
            id: a.id.clone(),
            person: token::ask(context)?,
        },
        EraseAction::List => Erase::List {},
        EraseAction::Told => Erase::Told {},
        EraseAction::Show(a) => Erase::Show { id: a.id.clone() },
    })
}

/// The request that `hold` makes.
pub(super) fn hold(context: &Context, action: &HoldAction) -> Result<Hold, ControlError> {
    Ok(match action {
        HoldAction::Add(a) => Hold::Add {
            what: meant(&a.what),
            reason: a.reason.clone(),
            person: token::ask(context)?,
        },
        HoldAction::Remove(a) => Hold::Remove {
            id: a.id.clone(),
            person: token::ask(context)?,
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

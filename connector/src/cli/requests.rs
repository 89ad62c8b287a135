//! Requests to the running service, made of what was typed: of `duty`, `payment`, `push`, `ledger`, `erase`, `hold`, `retention` and `backup`.

use super::actions::Context;
use super::arguments::{
    BackupArguments, DutyAction, EraseAction, HoldAction, LedgerAction, MeantArguments, PaymentAction,
    PaymentsArguments, PushArguments, RetentionAction,
};
use super::ask::absolute;
use super::token;
use crate::control::error::{Code, ControlError};
use crate::control::protocol::{
    Backup, Duty, Erase, Hold, LedgerExport, Meant, Payment, PaymentKind, Payments, Push, Retention,
};

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

/// The request that `duty` makes.
pub(super) fn duty(action: &DutyAction) -> Duty {
    let DutyAction::Fulfil(a) = action;
    Duty::Fulfil {
        agreement: a.agreement.clone(),
        obligation: a.obligation.clone(),
        statement: a.statement.clone(),
    }
}

/// The request that `payments` makes.
pub(super) fn payments(arguments: &PaymentsArguments) -> Payments {
    Payments {
        agreement: arguments.agreement.clone(),
    }
}

/// The request that `payment` makes.
pub(super) fn payment(action: &PaymentAction) -> Payment {
    let (kind, a) = match action {
        PaymentAction::Record(a) => (PaymentKind::Received, a),
        PaymentAction::Return(a) => (PaymentKind::Returned, a),
    };
    Payment {
        kind,
        agreement: a.agreement.clone(),
        amount: a.amount.clone(),
        currency: a.currency.clone(),
        reference: a.reference.clone(),
    }
}

/// The request that `erase` makes.
pub(super) fn erase(context: &Context, action: &EraseAction) -> Result<Erase, ControlError> {
    Ok(match action {
        EraseAction::Propose(a) => Erase::Propose {
            what: meant(&a.what),
            log: a.log.clone(),
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

/// The request that `backup` makes.
pub(super) fn backup(context: &Context, a: &BackupArguments) -> Result<Backup, ControlError> {
    Ok(Backup {
        out: absolute(context, &a.out)?,
        keys: absolute(context, &a.keys)?,
    })
}

/// The request that `push` makes.
pub(super) fn push(a: &PushArguments) -> Result<Push, ControlError> {
    let shown = a.to.display().to_string();
    let text = crate::node::read_private(&a.to).map_err(|e| ControlError::new(Code::Usage, e.to_string()))?;
    // What stands there may be a secret: of what is wrong only the place is shown.
    let to = serde_json::from_str(&text).map_err(|e| {
        ControlError::new(Code::Usage, format!("`{shown}` is no JSON: see line {}", e.line()))
            .next("docs/transfers.md shows an address of each kind")
    })?;
    Ok(Push {
        agreement: a.agreement.clone(),
        to,
        purpose: a.purpose.clone(),
        legal_basis: a.legal_basis.clone(),
        area_of_use: a.area_of_use.clone(),
    })
}

/// The request that `retention` makes.
pub(super) fn retention(context: &Context, action: &RetentionAction) -> Result<Retention, ControlError> {
    Ok(match action {
        RetentionAction::Plan(a) => Retention::Plan { on_ms: a.on },
        RetentionAction::Apply(a) => Retention::Apply {
            complete_days: a.complete_days,
            person: token::ask(context)?,
        },
    })
}

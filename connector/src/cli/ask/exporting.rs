//! `ledger`: from arguments to a request.

use super::absolute;
use crate::cli::Context;
use crate::cli::arguments::LedgerAction;
use crate::control::error::ControlError;
use crate::control::protocol::LedgerExport;

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

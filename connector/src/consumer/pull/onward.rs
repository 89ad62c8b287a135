//! Inputs that a consumer passes on to our model: whence they are pulled.

use super::Source;
use crate::commands::Failure;
use crate::consumer::log_of;
use crate::node::Node;
use herleid_ledger::record::Term;
use herleid_ledger::section::SectionName;
use herleid_vocab::did::Did;

/// A transaction that the other end chose: in its one form, and not one of something else in our log, whose records would
/// then be found with those of this pull.
fn foreign_transaction(node: &Node, from: &Did, transaction: &str) -> Result<(), Failure> {
    let right =
        uuid::Uuid::try_parse(transaction).is_ok_and(|u| u.get_version_num() == 7 && u.to_string() == transaction);
    if !right {
        return Err(Failure::usage(format!(
            "the input's transaction is `{}`; expected a UUIDv7 in lower case",
            transaction.chars().take(80).collect::<String>()
        )));
    }
    for index in node.ledger.by_term(&Term::Transaction(transaction.to_owned()))? {
        let exchange = node
            .ledger
            .record(index)?
            .value(SectionName::Exchange)
            .unwrap_or_default();
        let party = |name: &str| {
            exchange
                .get(name)
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
        };
        if party("provider") != from.as_str() || party("consumer") != node.did.as_str() {
            return Err(Failure::refused(format!(
                "transaction {transaction} is of something else here; every input that is passed on needs one of its own"
            )));
        }
    }
    Ok(())
}

/// A source for an input that a consumer passes on to our model: its log is the one in its DID document.
pub(crate) async fn onward_source(
    node: &Node,
    from: &Did,
    url: &str,
    token: &str,
    input: &serde_json::Value,
) -> Result<Source, Failure> {
    let text = |name: &str| input.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let need = |name: &str| text(name).ok_or_else(|| Failure::usage(format!("the input has no `{name}`")));
    let base = url.split("/data/").next().unwrap_or_default().to_owned();
    let transaction = need("transaction")?;
    foreign_transaction(node, from, &transaction)?;
    Ok(Source {
        provider: from.clone(),
        log: log_of(node, from).await?,
        base,
        url: url.to_owned(),
        token: token.to_owned(),
        agreement: need("agreement")?,
        dataset: need("dataset")?,
        version: text("version"),
        sha256: text("sha256"),
        transaction,
        limit_bytes: node.config.limits.payload_bytes,
        run_input: true,
        kept: None,
    })
}

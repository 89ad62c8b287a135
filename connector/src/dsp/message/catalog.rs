//! Messages of the catalog protocol. Catalogues and datasets themselves are in [`crate::dsp::catalog`].

use super::super::id::Id;
use super::super::node::{MessageError, Node};
use super::{Cause, Message, put_id};
use serde_json::{Map, Value};

/// Asks for a catalogue (`catalog/catalog-request-message-schema.json`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogRequest {
    /// `filter`: expressions of the provider's own; ours are in [`crate::catalogue::Filter`].
    pub filter: Vec<Value>,
}

impl CatalogRequest {
    /// Whether something is asked that must be answered with 400 when filters are not supported (catalog HTTPS binding).
    /// EDC sends a query without any expression with each request: that asks for nothing.
    #[must_use]
    pub fn has_filter(&self) -> bool {
        self.filter.iter().any(|filter| !is_empty_query(filter))
    }
}

/// Whether it is EDC's `QuerySpec` without an expression.
fn is_empty_query(filter: &Value) -> bool {
    let none = |value: Option<&Value>| value.and_then(Value::as_array).is_none_or(Vec::is_empty);
    filter.get("@type").and_then(Value::as_str) == Some("QuerySpec") && none(filter.get("filterExpression"))
}

impl Message for CatalogRequest {
    const TYPE: &'static str = "CatalogRequestMessage";

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            filter: node.array_if_there("filter", false)?.unwrap_or_default().to_vec(),
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        if !self.filter.is_empty() {
            members.insert("filter".to_owned(), Value::from(self.filter.clone()));
        }
    }
}

/// Asks for one dataset (`catalog/dataset-request-message-schema.json`); over HTTPS a plain GET takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetRequest {
    /// The dataset.
    pub dataset: Id,
}

impl Message for DatasetRequest {
    const TYPE: &'static str = "DatasetRequestMessage";

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            dataset: node.id("dataset")?,
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        put_id(members, "dataset", &self.dataset);
    }
}

/// Says why there is no catalogue or dataset (`catalog/catalog-error-schema.json`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogError {
    /// Why.
    pub cause: Cause,
}

impl Message for CatalogError {
    const TYPE: &'static str = "CatalogError";

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            cause: Cause::read(node)?,
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        self.cause.write(members);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_query_without_an_expression_is_no_filter() {
        let asks = |filter: Value| CatalogRequest { filter: vec![filter] }.has_filter();
        assert!(!asks(
            json!({"@type": "QuerySpec", "limit": 50, "offset": 0, "filterExpression": []})
        ));
        assert!(asks(
            json!({"@type": "QuerySpec", "filterExpression": [{"operandLeft": "a"}]})
        ));
        assert!(asks(json!({"filterExpression": []})));
        assert!(asks(json!("rain")));
    }
}

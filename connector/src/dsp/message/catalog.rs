//! Messages of the catalog protocol. Catalogues and datasets themselves are in [`crate::dsp::catalog`].

use super::super::id::Id;
use super::super::node::{MessageError, Node};
use super::{Cause, Message, put_id};
use serde_json::{Map, Value};

/// Asks for a catalogue (`catalog/catalog-request-message-schema.json`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogRequest {
    /// `filter`: expressions of the provider's own; none is understood here, see [`CatalogRequest::has_filter`].
    pub filter: Vec<Value>,
}

impl CatalogRequest {
    /// Whether something is asked that must be answered with 400 when filters are not supported (catalog HTTPS binding).
    #[must_use]
    pub fn has_filter(&self) -> bool {
        !self.filter.is_empty()
    }
}

impl Message for CatalogRequest {
    const TYPE: &'static str = "CatalogRequestMessage";

    fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            filter: node.array_if_there("filter", false)?.unwrap_or_default().to_vec(),
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        if self.has_filter() {
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

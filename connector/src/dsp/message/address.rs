//! Where data is fetched from or pushed to (`transfer/data-address-schema.json`).

use super::super::node::{MessageError, Node};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt;

/// Endpoint type of plain HTTP in EDC and in the protocol's examples.
pub const HTTP_ENDPOINT: &str = "https://w3id.org/idsa/v4.1/HTTP";
/// EDC's namespace, under which it names the properties of its addresses.
const EDC: &str = "https://w3id.org/edc/v0.0.1/ns/";

/// One property of an address. `Debug` hides the value, which may be a token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointProperty {
    /// Name, such as `authorization` or `authType`.
    pub name: String,
    /// Value.
    pub value: String,
}

impl fmt::Debug for EndpointProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=<hidden>", self.name)
    }
}

/// An address of the data plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataAddress {
    /// `endpointType`: what kind of transport.
    pub endpoint_type: String,
    /// `endpoint`: usually a URL.
    pub endpoint: Option<String>,
    /// `endpointProperties`.
    pub properties: Vec<EndpointProperty>,
}

impl DataAddress {
    /// An HTTP endpoint with a bearer token: as the protocol writes it, and once more under the names that EDC looks for. EDC does not
    /// read the member `endpoint`, and hands its users the properties under the very names they came with.
    #[must_use]
    pub fn http_bearer(endpoint: &str, token: &str) -> Self {
        let property = |name: String, value: &str| EndpointProperty {
            name,
            value: value.to_owned(),
        };
        let both = [("authorization", token), ("authType", "bearer")];
        let edc_only = [("endpoint", endpoint), ("endpointType", HTTP_ENDPOINT)];
        let plain = both.iter().map(|(name, value)| property((*name).to_owned(), value));
        let edc = both.iter().chain(&edc_only);
        let edc = edc.map(|(name, value)| property(format!("{EDC}{name}"), value));
        Self {
            endpoint_type: HTTP_ENDPOINT.to_owned(),
            endpoint: Some(endpoint.to_owned()),
            properties: plain.chain(edc).collect(),
        }
    }

    /// The property `name`, also under the name that EDC gives it.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// All that its properties say of one name.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.properties
            .iter()
            .filter(move |p| p.name == name || p.name.strip_prefix(EDC) == Some(name))
            .map(|p| p.value.as_str())
    }

    /// The names of its properties, without what EDC puts before them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.properties
            .iter()
            .map(|p| p.name.strip_prefix(EDC).unwrap_or(&p.name))
    }

    /// Where: `endpoint`, or the property of that name, where EDC puts it.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.endpoint.as_deref().or_else(|| self.property("endpoint"))
    }

    /// The access token, if there is one.
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        self.property("authorization")
    }

    /// Reads a `DataAddress`.
    ///
    /// # Errors
    /// Names the member that is missing or wrong.
    pub fn read(node: &Node<'_>) -> Result<Self, MessageError> {
        node.typed("DataAddress")?;
        let properties = node
            .children("endpointProperties", true)?
            .iter()
            .map(|property| {
                property.typed("EndpointProperty")?;
                Ok(EndpointProperty {
                    name: property.text("name")?.to_owned(),
                    value: property.text("value")?.to_owned(),
                })
            })
            .collect::<Result<_, MessageError>>()?;
        Ok(Self {
            endpoint_type: node.text("endpointType")?.to_owned(),
            endpoint: node.text_if_there("endpoint")?.map(str::to_owned),
            properties,
        })
    }

    pub(super) fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("@type".to_owned(), json!("DataAddress"));
        members.insert("endpointType".to_owned(), json!(self.endpoint_type));
        if let Some(endpoint) = &self.endpoint {
            members.insert("endpoint".to_owned(), json!(endpoint));
        }
        if !self.properties.is_empty() {
            let properties: Vec<Value> = self
                .properties
                .iter()
                .map(|p| json!({"@type": "EndpointProperty", "name": p.name, "value": p.value}))
                .collect();
            members.insert("endpointProperties".to_owned(), Value::from(properties));
        }
        Value::Object(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_the_protocol_and_edc_find_what_they_look_for() {
        let json = DataAddress::http_bearer("https://knmi.example/data", "t0ken").to_json();
        assert_eq!(json["endpoint"], "https://knmi.example/data");
        let named = |name: &str| {
            let properties = json["endpointProperties"].as_array().unwrap();
            let found: Vec<&Value> = properties.iter().filter(|p| p["name"] == name).collect();
            assert_eq!(found.len(), 1, "{name}");
            found[0]["value"].clone()
        };
        assert_eq!(named("authorization"), "t0ken");
        assert_eq!(named("authType"), "bearer");
        assert_eq!(named("https://w3id.org/edc/v0.0.1/ns/authorization"), "t0ken");
        assert_eq!(named("https://w3id.org/edc/v0.0.1/ns/authType"), "bearer");
        assert_eq!(
            named("https://w3id.org/edc/v0.0.1/ns/endpoint"),
            "https://knmi.example/data"
        );
        assert_eq!(named("https://w3id.org/edc/v0.0.1/ns/endpointType"), HTTP_ENDPOINT);
    }

    #[test]
    fn an_address_of_edc_is_read_by_the_names_it_gives() {
        let property = |name: &str, value: &str| json!({"@type": "EndpointProperty", "name": format!("{EDC}{name}"), "value": value});
        let json = json!({"@type": "DataAddress", "endpointType": HTTP_ENDPOINT, "endpointProperties": [
            property("endpoint", "http://127.0.0.1:31104/public"),
            property("authType", "bearer"),
            property("authorization", "t0ken"),
        ]});
        let address = DataAddress::read(&Node::root(&json).unwrap()).unwrap();
        assert_eq!(address.location(), Some("http://127.0.0.1:31104/public"));
        assert_eq!(address.authorization(), Some("t0ken"));
        assert!(!format!("{address:?}").contains("t0ken"));
    }
}

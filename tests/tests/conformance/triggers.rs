//! The two addresses at which the kit asks for a negotiation or transfer to be begun: each is a call of the management API, and no more.

use crate::connector::Management;
use crate::http::{Answer, Request, Server};
use crate::names::DID;
use serde_json::{Value, json};

/// Passes on what the kit asks for, until it is dropped.
pub(crate) fn serve(port: u16, management: Management) -> Server {
    Server::start(port, move |request| {
        let Some((path, body)) = translated(request) else {
            return Answer::new(404, json!(format!("not expected: {request:?}")));
        };
        let answer = management.post(path, &body);
        answer.unwrap_or_else(|why| Answer::new(502, json!(format!("the management API: {why}"))))
    })
}

/// What the kit asks for, in the words of the management API.
fn translated(request: &Request) -> Option<(&'static str, Value)> {
    let asked = &request.body;
    let address = asked.get("connectorAddress")?;
    match request.path.as_str() {
        "/negotiations" => {
            let offer = json!({"@type": "Offer", "@id": asked.get("offerId")?, "target": asked.get("datasetId")?,
                "permission": [{"action": "use"}]});
            let body = json!({"counterparty": DID, "address": address, "offer": offer});
            Some(("/negotiations", body))
        }
        "/transfers" => {
            let (agreement, format) = (asked.get("agreementId")?, asked.get("format")?);
            let body = json!({"agreement": agreement, "format": format, "address": address});
            Some(("/transfers", body))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, body: Value) -> Option<(&'static str, Value)> {
        translated(&Request {
            method: "POST".to_owned(),
            path: path.to_owned(),
            authorization: None,
            body,
        })
    }

    #[test]
    fn what_the_kit_asks_for_is_passed_on_and_nothing_else() {
        let body = json!({"providerId": "TCK_PARTICIPANT", "offerId": "offerACNC0101", "datasetId": "ACNC0101",
            "connectorAddress": "http://localhost:8083"});
        let (path, passed) = asked("/negotiations", body.clone()).unwrap();
        assert_eq!(
            (path, &passed["offer"]["target"]),
            ("/negotiations", &json!("ACNC0101"))
        );
        assert_eq!(passed["offer"]["@id"], "offerACNC0101");
        let body = json!({"providerId": "TCK_PARTICIPANT", "agreementId": "urn:x", "format": "HttpData-PULL",
            "connectorAddress": "http://localhost:8083"});
        let wanted = json!({"agreement": "urn:x", "format": "HttpData-PULL", "address": "http://localhost:8083"});
        assert_eq!(asked("/transfers", body.clone()), Some(("/transfers", wanted)));
        assert_eq!(asked("/negotiations", body.clone()), None);
        assert_eq!(asked("/agreements", body), None);
    }
}

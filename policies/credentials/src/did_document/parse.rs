use super::{DidDocument, DidDocumentError, Relationship, Service, Unusable, VerificationMethod};
use crate::keys::PublicKey;
use herleid_vocab::did::Did;
use herleid_vocab::json::{self, Limits};
use serde_json::{Map, Value};

/// More methods or services than this are no document of a participant, but work for whoever searches them.
const MAX_ENTRIES: usize = 64;

pub(super) fn document(bytes: &[u8], expected: &Did) -> Result<DidDocument, DidDocumentError> {
    let refuse = |member: &str, why| malformed(expected, member, why);
    let value = json::parse(bytes, &Limits::MESSAGE).map_err(|source| DidDocumentError::Json {
        did: expected.clone(),
        source,
    })?;
    let members = value.as_object().ok_or_else(|| refuse("/", "expected an object"))?;
    // Bytes are compared: DIDs that differ only in case or percent-encoding are different DIDs.
    match members.get("id") {
        Some(Value::String(id)) if id == expected.as_str() => {}
        Some(Value::String(id)) => {
            return Err(DidDocumentError::WrongId {
                expected: expected.clone(),
                found: id.chars().take(80).collect(),
            });
        }
        _ => return Err(refuse("/id", "expected a string")),
    }

    let mut methods = Vec::new();
    for (at, entry) in list(members, "verificationMethod", expected)?.iter().enumerate() {
        push_method(&mut methods, entry, &format!("/verificationMethod/{at}"), expected)?;
    }
    for relationship in Relationship::ALL {
        let name = relationship.name();
        for (at, entry) in list(members, name, expected)?.iter().enumerate() {
            let path = format!("/{name}/{at}");
            let id = match entry {
                Value::String(reference) => absolute(reference, expected),
                // An embedded method counts for this one relationship (DID Core 1.0, section 5.3).
                Value::Object(_) => push_method(&mut methods, entry, &path, expected)?,
                _ => return Err(refuse(&path, "expected a DID URL or a verification method")),
            };
            // A reference to another DID's method finds nothing here, and so gives no right.
            if let Some(method) = methods.iter_mut().find(|method| method.id == id) {
                method.relationships.push(relationship);
            }
        }
    }

    let mut services: Vec<Service> = Vec::new();
    for (at, entry) in list(members, "service", expected)?.iter().enumerate() {
        let path = format!("/service/{at}");
        let service = service(entry, &path, expected)?;
        if services.iter().any(|other| other.id == service.id) {
            return Err(refuse(&path, "its id stands twice"));
        }
        services.push(service);
    }
    Ok(DidDocument {
        id: expected.clone(),
        methods,
        services,
        bytes: bytes.to_vec(),
    })
}

fn malformed(did: &Did, member: &str, why: &'static str) -> DidDocumentError {
    DidDocumentError::Malformed {
        did: did.clone(),
        member: member.to_owned(),
        why,
    }
}

fn list<'a>(members: &'a Map<String, Value>, name: &str, did: &Did) -> Result<&'a [Value], DidDocumentError> {
    match members.get(name) {
        None => Ok(&[]),
        Some(Value::Array(entries)) if entries.len() <= MAX_ENTRIES => Ok(entries),
        Some(_) => Err(malformed(
            did,
            &format!("/{name}"),
            "expected an array of at most 64 entries",
        )),
    }
}

/// A fragment alone stands for a URL relative to the document's DID (DID Core 1.0, section 3.2.2).
fn absolute(reference: &str, did: &Did) -> String {
    if reference.starts_with('#') {
        format!("{did}{reference}")
    } else {
        reference.to_owned()
    }
}

/// Reads one method, appends it and returns its absolute id.
fn push_method(
    methods: &mut Vec<VerificationMethod>,
    entry: &Value,
    path: &str,
    did: &Did,
) -> Result<String, DidDocumentError> {
    let refuse = |why| malformed(did, path, why);
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let id = absolute(text("id").ok_or_else(|| refuse("it has no `id`"))?, did);
    let own = id
        .strip_prefix(did.as_str())
        .and_then(|rest| rest.strip_prefix('#'))
        .is_some_and(|fragment| !fragment.is_empty());
    if !own {
        return Err(refuse("its id is not this DID with a fragment"));
    }
    if methods.iter().any(|other| other.id == id) {
        return Err(refuse("its id stands twice"));
    }
    if methods.len() == MAX_ENTRIES {
        return Err(refuse("expected at most 64 verification methods"));
    }
    if text("type").is_none() {
        return Err(refuse("it has no `type`"));
    }
    let controller = text("controller").ok_or_else(|| refuse("it has no `controller`"))?;
    let key = if controller != did.as_str() {
        Err(Unusable::Controller(controller.chars().take(80).collect()))
    } else {
        material(entry, did, path)?
    };
    methods.push(VerificationMethod {
        id: id.clone(),
        key,
        relationships: Vec::new(),
    });
    Ok(id)
}

/// The key of a method. Two keys in one method are refused outright: readers would differ on which one counts.
fn material(entry: &Value, did: &Did, path: &str) -> Result<Result<PublicKey, Unusable>, DidDocumentError> {
    Ok(match (entry.get("publicKeyJwk"), entry.get("publicKeyMultibase")) {
        (Some(_), Some(_)) => return Err(malformed(did, path, "it has two keys; expected one")),
        (Some(jwk), None) => PublicKey::from_jwk(jwk).map_err(Unusable::Key),
        (None, Some(Value::String(multikey))) if entry.get("type").is_some_and(|kind| kind == "Multikey") => {
            PublicKey::from_multikey(multikey).map_err(Unusable::Key)
        }
        (None, Some(_)) => Err(Unusable::Material(
            "`publicKeyMultibase` is read in the type `Multikey` alone",
        )),
        (None, None) => Err(Unusable::Material(
            "it has neither `publicKeyJwk` nor `publicKeyMultibase`",
        )),
    })
}

fn service(entry: &Value, path: &str, did: &Did) -> Result<Service, DidDocumentError> {
    let refuse = |why| malformed(did, path, why);
    let id = entry
        .get("id")
        .and_then(Value::as_str)
        .ok_or_else(|| refuse("it has no `id`"))?;
    let types = match entry.get("type") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| refuse("its types are not strings"))?,
        _ => return Err(refuse("it has no `type`")),
    };
    let endpoint = entry
        .get("serviceEndpoint")
        .filter(|endpoint| endpoint.is_string() || endpoint.is_object() || endpoint.is_array())
        .ok_or_else(|| refuse("its `serviceEndpoint` is missing, or neither a URL nor an object nor an array"))?;
    Ok(Service {
        id: absolute(id, did),
        types,
        endpoint: endpoint.clone(),
    })
}

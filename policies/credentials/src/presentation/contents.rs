use super::{MAX_CREDENTIALS, PresentationError};
use crate::credential::shape::{self, ShapeError, V11, V20};
use crate::credential::{Profile, VC_JWT_MEDIA_TYPE, VC20_CONTEXT};
use crate::jose::UnverifiedJws;
use serde_json::{Map, Value};

/// What a presentation contains, not verified.
pub(super) struct Contents {
    /// Everything that says who presents; all must be the holder. Never empty.
    pub(super) holders: Vec<String>,
    /// The credentials' tokens.
    pub(super) credentials: Vec<String>,
}

/// Reads profile and contents from a token and checks their form.
pub(super) fn read(jws: &UnverifiedJws<'_>) -> Result<(Profile, Contents), PresentationError> {
    let claims = jws.unverified_claims();
    if claims.contains_key("vc") {
        return Err(PresentationError::MixedProfiles {
            why: "a presentation has no claim `vc`",
        });
    }
    match (claims.get("vp"), claims.contains_key("@context")) {
        (Some(_), true) => Err(PresentationError::MixedProfiles {
            why: "it has both the claim `vp` of VC 1.1 and the member `@context` of VC 2.0",
        }),
        (Some(Value::Object(inner)), false) => {
            jws.check_type(&[None, Some("JWT")], "`JWT`, or none, for a presentation of VC 1.1")?;
            Ok((Profile::Vc11Jwt, vc11(claims, inner)?))
        }
        (Some(_), false) => Err(ShapeError::new("vp", "expected an object").into()),
        (None, _) => {
            jws.check_type(&[Some("vp+jwt")], "`vp+jwt`")?;
            Ok((Profile::Vc20Jose, vc20(claims)?))
        }
    }
}

/// VC Data Model 2.0, section 4.13, secured as VC-JOSE-COSE section 3.1.2 says. The token's `iss`, when present, is the holder too.
fn vc20(claims: &Map<String, Value>) -> Result<Contents, PresentationError> {
    shape::presentation(claims, &V20)?;
    let mut holders = Vec::new();
    match shape::id_of(claims, "holder")? {
        Some(holder) => holders.push(holder.to_owned()),
        None => return Err(ShapeError::new("holder", "expected the DID of the holder").into()),
    }
    push_text(&mut holders, claims, "iss")?;
    push_text(&mut holders, claims, "sub")?;
    let credentials = entries(claims)?
        .iter()
        .enumerate()
        .map(|(index, entry)| enveloped(entry).map_err(|why| PresentationError::Entry { index, why }))
        .collect::<Result<_, _>>()?;
    Ok(Contents { holders, credentials })
}

/// VC Data Model 1.1, section 6.3.1: `iss` is the holder, the rest stands in `vp`.
fn vc11(claims: &Map<String, Value>, inner: &Map<String, Value>) -> Result<Contents, PresentationError> {
    shape::presentation(inner, &V11)?;
    let mut holders = Vec::new();
    push_text(&mut holders, claims, "iss")?;
    if holders.is_empty() {
        return Err(ShapeError::new("iss", "expected the DID of the holder").into());
    }
    push_text(&mut holders, claims, "sub")?;
    holders.extend(shape::id_of(inner, "holder")?.map(str::to_owned));
    let credentials = entries(inner)?
        .iter()
        .enumerate()
        .map(|(index, entry)| match entry {
            Value::String(token) => Ok(token.clone()),
            _ => Err(PresentationError::Entry {
                index,
                why: "expected a credential as a signed token",
            }),
        })
        .collect::<Result<_, _>>()?;
    Ok(Contents { holders, credentials })
}

fn push_text(holders: &mut Vec<String>, claims: &Map<String, Value>, name: &'static str) -> Result<(), ShapeError> {
    match claims.get(name) {
        None => Ok(()),
        Some(Value::String(text)) => {
            holders.push(text.clone());
            Ok(())
        }
        Some(_) => Err(ShapeError::new(name, "expected the DID of the holder")),
    }
}

fn entries(members: &Map<String, Value>) -> Result<Vec<&Value>, ShapeError> {
    let entries = shape::one_or_many(members.get("verifiableCredential"));
    if entries.len() > MAX_CREDENTIALS {
        return Err(ShapeError::new(
            "verifiableCredential",
            "expected at most 16 credentials",
        ));
    }
    Ok(entries)
}

/// The token in an `EnvelopedVerifiableCredential` (VC Data Model 2.0, section 4.13.2).
fn enveloped(entry: &Value) -> Result<String, &'static str> {
    let Some(members) = entry.as_object() else {
        return Err("expected an object of the type `EnvelopedVerifiableCredential`");
    };
    let context_good = match members.get("@context") {
        Some(Value::String(context)) => context == VC20_CONTEXT,
        Some(Value::Array(contexts)) => {
            contexts.first().is_some_and(|first| first == VC20_CONTEXT) && contexts.iter().all(Value::is_string)
        }
        _ => false,
    };
    if !context_good {
        return Err("expected the context of VC Data Model 2.0");
    }
    if !shape::types(members).is_ok_and(|types| types.contains(&"EnvelopedVerifiableCredential")) {
        return Err("expected the type `EnvelopedVerifiableCredential`; a credential without envelope is not signed");
    }
    members
        .get("id")
        .and_then(Value::as_str)
        .and_then(|id| id.strip_prefix("data:"))
        .and_then(|id| id.strip_prefix(VC_JWT_MEDIA_TYPE))
        .and_then(|id| id.strip_prefix(','))
        .map(str::to_owned)
        .ok_or("expected an `id` that begins with `data:application/vc+jwt,`")
}

//! Bitstring Status List 1.0 (W3C): which bit of which list says whether a credential still holds, and the lists themselves. One bit for
//! each credential (`statusSize` 1); the purposes `revocation` and `suspension`, both of which deny. What else a status may be cannot be
//! checked, and so denies.

use super::statement::Statement;
use super::{CredentialError, Profile, profile_of, shape};
use crate::claims::Now;
use crate::did_document::{DidDocument, Relationship};
use crate::fault::signed_by;
use crate::jose::{MAX_LIST_TOKEN_BYTES, UnverifiedJws};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use flate2::read::MultiGzDecoder;
use herleid_vocab::did::Did;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read as _;
use std::sync::Arc;
use url::Url;

/// Type of a list's credential (section 2.2).
const LIST_CREDENTIAL: &str = "BitstringStatusListCredential";
/// The least that a list holds: 131,072 bits, so that asking for it says little about whom it is asked (section 3.2, step 11).
const LEAST_BYTES: usize = 16 << 10;
/// The most that is read: 8,388,608 credentials in one list.
const MOST_BYTES: usize = 1 << 20;

/// Entries of one credential: each may be a list to fetch.
const MOST_ENTRIES: usize = 4;

/// What a set bit says (section 2.1, `statusPurpose`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Taken back for good.
    Revocation,
    /// Not good for now.
    Suspension,
}

impl Purpose {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "revocation" => Some(Self::Revocation),
            "suspension" => Some(Self::Suspension),
            _ => None,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Revocation => "revoked",
            Self::Suspension => "suspended",
        })
    }
}

/// Where the status of a credential stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEntry {
    purpose: Purpose,
    index: u64,
    list: String,
}

impl StatusEntry {
    /// Address of the list.
    #[must_use]
    pub fn list(&self) -> &str {
        &self.list
    }
}

/// The entries of `credentialStatus`, none when there is no such member; the type that cannot be checked, cut off at 80 characters.
pub(super) fn entries(status: Option<&Value>, profile: Profile) -> Result<Vec<StatusEntry>, String> {
    let Some(status) = status else { return Ok(Vec::new()) };
    let all = shape::one_or_many(Some(status));
    if all.is_empty() {
        return Err("unknown".to_owned());
    }
    if all.len() > MOST_ENTRIES {
        return Err(format!(
            "{} entries, of which at most {MOST_ENTRIES} are looked at",
            all.len()
        ));
    }
    let uncheckable = |one: &Value| {
        let stated = one.get("type").and_then(Value::as_str).unwrap_or("unknown");
        stated.chars().take(80).collect()
    };
    all.into_iter()
        .map(|one| entry(one, profile).ok_or_else(|| uncheckable(one)))
        .collect()
}

fn entry(one: &Value, profile: Profile) -> Option<StatusEntry> {
    let text = |name: &str| one.get(name).and_then(Value::as_str);
    let index = text("statusListIndex")?;
    let is_plain = index.bytes().all(|b| b.is_ascii_digit()) && (index == "0" || !index.starts_with('0'));
    let list = text("statusListCredential")?;
    let is_one_bit = one.get("statusSize").is_none_or(|size| size.as_u64() == Some(1));
    let is_address =
        Url::parse(list).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.fragment().is_none());
    (profile == Profile::Vc20Jose
        && text("type") == Some("BitstringStatusListEntry")
        && is_plain
        && is_one_bit
        && is_address)
        .then_some(())?;
    Some(StatusEntry {
        purpose: Purpose::parse(text("statusPurpose")?)?,
        index: index.parse().ok()?,
        list: list.to_owned(),
    })
}

/// A list as its issuer signed it. Only [`StatusList::verify`] makes one.
#[derive(Clone)]
pub struct StatusList {
    statement: Statement,
    list: String,
    purposes: BTreeSet<Purpose>,
    bits: Vec<u8>,
    ttl_ms: Option<u64>,
    token: String,
}

impl fmt::Debug for StatusList {
    /// Without its bits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusList")
            .field("list", &self.list)
            .field("issuer", &self.statement.issuer)
            .field("purposes", &self.purposes)
            .finish_non_exhaustive()
    }
}

impl StatusList {
    /// Verifies what was had from the address `list`: a credential of VC 2.0, signed by the issuer whose document this is, valid now, and
    /// about the list at this very address: one list must not stand in for another.
    ///
    /// # Errors
    /// [`CredentialError`], a variant a cause.
    pub fn verify(token: &str, list: &str, issuer_document: &DidDocument, now: Now) -> Result<Self, CredentialError> {
        let refuse = |why: &'static str| CredentialError::StatusList {
            list: list.to_owned(),
            why,
        };
        let jws = UnverifiedJws::parse(token, MAX_LIST_TOKEN_BYTES)?;
        let profile = profile_of(&jws)?;
        if profile != Profile::Vc20Jose {
            return Err(refuse("it is not a credential of VC 2.0"));
        }
        let mut statement = Statement::read(jws.unverified_claims(), profile)?;
        if issuer_document.id() != &statement.issuer {
            return Err(CredentialError::OtherDocument {
                issuer: statement.issuer,
                document: issuer_document.id().clone(),
            });
        }
        let unnamed = "it is missing; expected the DID URL of the issuer's key";
        signed_by(jws, issuer_document, Relationship::AssertionMethod, Some(unnamed))?;
        statement.check_validity(now)?;
        if statement.valid_until_ms.is_none() {
            return Err(refuse(
                "it does not end (`validUntil`): one that does not would be believed for ever",
            ));
        }
        if statement.id.as_deref() != Some(list) {
            return Err(refuse("its `id` is not the address that it was had from"));
        }
        if !statement.types.iter().any(|own| own == LIST_CREDENTIAL) {
            return Err(refuse("it is no `BitstringStatusListCredential`"));
        }
        if !matches!(&statement.statuses, Ok(none) if none.is_empty()) {
            return Err(refuse("it has a status itself"));
        }
        let subject = &statement.claims;
        let text = |name: &str| subject.get(name).and_then(Value::as_str);
        if statement.subjects != 1 || text("type") != Some("BitstringStatusList") {
            return Err(refuse("its subject is not one `BitstringStatusList`"));
        }
        if subject.get("statusSize").is_some_and(|size| size.as_u64() != Some(1)) {
            return Err(refuse(
                "its `statusSize` is not 1: it has not one bit for each credential",
            ));
        }
        let stated = shape::one_or_many(subject.get("statusPurpose"));
        let purposes: Option<BTreeSet<Purpose>> = stated.iter().map(|one| Purpose::parse(one.as_str()?)).collect();
        let purposes = purposes.filter(|purposes| !purposes.is_empty());
        let purposes =
            purposes.ok_or_else(|| refuse("its `statusPurpose` is neither `revocation` nor `suspension`"))?;
        let encoded = text("encodedList").and_then(|text| text.strip_prefix('u'));
        let bits = encoded.and_then(unpacked).ok_or_else(|| {
            refuse("its `encodedList` is not `u` and the base64url of a gzipped list of 131,072 to 8,388,608 bits")
        })?;
        let ttl_ms = match subject.get("ttl") {
            None => None,
            Some(ttl) => Some(
                ttl.as_u64()
                    .ok_or_else(|| refuse("its `ttl` is not a number of milliseconds"))?,
            ),
        };
        // The bits are read, and the token is kept: not the encoded list a third time.
        statement.claims.clear();
        Ok(Self {
            list: list.to_owned(),
            purposes,
            bits,
            ttl_ms,
            token: token.to_owned(),
            statement,
        })
    }

    /// Where it was had from.
    #[must_use]
    pub fn list(&self) -> &str {
        &self.list
    }

    /// Which of two lists from one address is the later one: by the beginning of its validity, and then by its end.
    #[must_use]
    pub fn age_order(&self) -> (u64, u64) {
        let from = self.statement.valid_from_ms.unwrap_or(0);
        (from, self.statement.valid_until_ms.unwrap_or(0))
    }

    /// Whether its validity has begun, and not ended.
    #[must_use]
    pub fn is_valid(&self, now: Now) -> bool {
        self.statement.check_validity(now).is_ok()
    }

    /// How long its issuer lets it be kept, in milliseconds, if it says so.
    #[must_use]
    pub fn ttl_ms(&self) -> Option<u64> {
        self.ttl_ms
    }

    /// The exact token, as evidence.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Refuses a credential of `issuer` that the list says was taken back, or says nothing of.
    fn check(&self, issuer: &Did, entry: &StatusEntry, now: Now) -> Result<(), CredentialError> {
        let refuse = |why: &'static str| CredentialError::StatusList {
            list: self.list.clone(),
            why,
        };
        if self.statement.issuer != *issuer {
            return Err(refuse("it is by somebody else than the credential"));
        }
        // It was valid when it was verified. That it is over now is no fault of the credential's.
        if !self.is_valid(now) {
            return Err(refuse("it is not valid at this time"));
        }
        if !self.purposes.contains(&entry.purpose) {
            return Err(refuse("it is for another purpose than the credential says"));
        }
        let byte = usize::try_from(entry.index / 8).ok().and_then(|at| self.bits.get(at));
        let byte = byte.ok_or_else(|| refuse("it is shorter than the credential's `statusListIndex`"))?;
        // The first bit is the leftmost (section 3.3).
        match byte & (0x80 >> (entry.index % 8)) {
            0 => Ok(()),
            _ => Err(CredentialError::TakenBack {
                how: entry.purpose,
                list: self.list.clone(),
                index: entry.index,
            }),
        }
    }
}

/// The bits; never more than are read.
fn unpacked(encoded: &str) -> Option<Vec<u8>> {
    let packed = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let mut bits = Vec::new();
    let limit = u64::try_from(MOST_BYTES).ok()?.checked_add(1)?;
    MultiGzDecoder::new(packed.as_slice())
        .take(limit)
        .read_to_end(&mut bits)
        .ok()?;
    (LEAST_BYTES..=MOST_BYTES).contains(&bits.len()).then_some(bits)
}

/// The lists that are at hand, by where they were had from.
#[derive(Debug, Clone, Default)]
pub struct StatusLists(BTreeMap<String, Arc<StatusList>>);

impl StatusLists {
    /// None.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn add(&mut self, list: Arc<StatusList>) {
        self.0.insert(list.list.clone(), list);
    }

    /// Whether the one from this address is among them.
    #[must_use]
    pub fn has(&self, list: &str) -> bool {
        self.0.contains_key(list)
    }

    /// All of them, in the order of their addresses.
    pub fn iter(&self) -> impl Iterator<Item = &StatusList> {
        self.0.values().map(AsRef::as_ref)
    }

    /// That the credential was not taken back. A list that is not at hand denies.
    pub(super) fn check(&self, statement: &Statement, now: Now) -> Result<(), CredentialError> {
        let statuses = statement.statuses.as_ref();
        let statuses = statuses.map_err(|status_type| CredentialError::UncheckableStatus {
            status_type: status_type.clone(),
        })?;
        for entry in statuses {
            let Some(list) = self.0.get(&entry.list) else {
                return Err(CredentialError::StatusNotAtHand {
                    list: entry.list.clone(),
                    issuer: statement.issuer.clone(),
                });
            };
            list.check(&statement.issuer, entry, now)?;
        }
        Ok(())
    }
}

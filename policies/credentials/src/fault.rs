//! What can be wrong with a signed token of any kind, and the one way to check by whose key it is signed.

use crate::access_token::AccessTokenError;
use crate::claims::ClaimError;
use crate::credential::{CredentialError, ShapeError};
use crate::did_document::{DidDocument, DidDocumentError, Relationship};
use crate::jose::{JoseError, UnverifiedJws, VerifiedJws};
use crate::presentation::PresentationError;
use crate::si_token::SiTokenError;

/// What can be wrong with a signed token, whatever it is for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Not a token, of another type, or its signature does not verify.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// A registered claim is missing, malformed, or does not hold here and now.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// A member is not what the data model says it is.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The key is not that of who is said to have signed, or not for this use.
    #[error(transparent)]
    Key(#[from] DidDocumentError),
}

/// Lets `?` carry a fault of each kind into the error of a kind of token.
macro_rules! carries_faults {
    ($($error:ty),+) => {$(
        impl From<JoseError> for $error {
            fn from(why: JoseError) -> Self {
                Self::Token(TokenFault::Jose(why))
            }
        }

        impl From<ClaimError> for $error {
            fn from(why: ClaimError) -> Self {
                Self::Token(TokenFault::Claim(why))
            }
        }

        impl From<ShapeError> for $error {
            fn from(why: ShapeError) -> Self {
                Self::Token(TokenFault::Shape(why))
            }
        }

        impl From<DidDocumentError> for $error {
            fn from(why: DidDocumentError) -> Self {
                Self::Token(TokenFault::Key(why))
            }
        }
    )+};
}

carries_faults!(AccessTokenError, CredentialError, PresentationError, SiTokenError);

/// Checks the signature under the key of `document` that the token names, if that may be used for `relationship`; returns the
/// key's absolute id with the verified token.
///
/// `unnamed` is why a token that names no key is refused; `None` leaves that to the document, which must then have exactly one.
pub(crate) fn signed_by(
    jws: UnverifiedJws<'_>,
    document: &DidDocument,
    relationship: Relationship,
    unnamed: Option<&'static str>,
) -> Result<(String, VerifiedJws), TokenFault> {
    let named = jws.key_id().map(str::to_owned);
    if let (None, Some(why)) = (&named, unnamed) {
        return Err(TokenFault::Jose(JoseError::Header { member: "kid", why }));
    }
    let (key_id, key) = document.key_for(named.as_deref(), relationship)?;
    Ok((key_id.to_owned(), jws.verify(key)?))
}

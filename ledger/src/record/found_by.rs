//! What a record is found by because of what it is: its kind, where all of a kind are asked for, and the streams in which it has a place. This
//! follows from the record itself, so that a check can tell where the index lacks it.

use super::{Kind, StreamKey, Term};

impl Kind {
    /// Whether all records of this kind are asked for at once, so that each is found by its kind. What a busy connector writes by the thousand is
    /// found by what it is about.
    #[must_use]
    pub const fn is_looked_for(self) -> bool {
        match self {
            Self::DatasetPublished
            | Self::ModelPublished
            | Self::DatasetWithdrawn
            | Self::ModelWithdrawn
            | Self::Denied
            | Self::DecisionMade
            | Self::TrustChanged
            | Self::KeyChanged
            | Self::Continued
            | Self::Superseded
            | Self::Erased
            | Self::DeletionStated
            | Self::WitnessConflict => true,
            Self::LogOpened
            | Self::AgreementConcluded
            | Self::AgreementTerminated
            | Self::PullOpened
            | Self::PullServed
            | Self::PullReceived
            | Self::PullAcknowledged
            | Self::PullAborted
            | Self::PullUnacknowledged
            | Self::OneSidedPullOpened
            | Self::OneSidedPullReceived
            | Self::RunRequested
            | Self::RunStarted
            | Self::RunFinished
            | Self::RunFailed
            | Self::RunReceived
            | Self::Disclosed
            | Self::Replayed => false,
        }
    }
}

impl StreamKey {
    /// What each record in the stream is found by.
    #[must_use]
    pub fn term(&self) -> Term {
        match self {
            Self::Agreement { agreement, .. } => Term::Agreement(agreement.clone()),
            Self::Model { model, .. } => Term::Model(model.clone()),
            Self::Case { case } => Term::Case(case.clone()),
        }
    }
}

impl Term {
    /// What each record in the stream with this [`StreamKey::stored_key`] is found by; `None` when it is no such key.
    pub(crate) fn of_stream(stored_key: &str) -> Option<Self> {
        let texts: Vec<String> = serde_json::from_str(stored_key).ok()?;
        let mut texts = texts.into_iter();
        let (section, name) = (texts.next()?, texts.next()?);
        match section.as_str() {
            "stream-agreement" => Some(Self::Agreement(name)),
            "stream-model" => Some(Self::Model(name)),
            "stream-case" => Some(Self::Case(name)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Side;

    #[test]
    fn a_stream_says_what_its_records_are_found_by_also_where_it_is_stored() {
        let other: herleid_vocab::did::Did = "did:web:knmi.example".parse().unwrap();
        let agreement = "urn:\"quoted\"".to_owned();
        let keys = [
            StreamKey::Agreement {
                agreement,
                side: Side::Consumer,
                other: other.clone(),
            },
            StreamKey::Model {
                model: "sewer".to_owned(),
                consumer: other,
            },
            StreamKey::Case {
                case: "Z-2026/17".to_owned(),
            },
        ];
        for key in keys {
            assert_eq!(Term::of_stream(&key.stored_key()), Some(key.term()));
        }
        assert_eq!(Term::of_stream("[\"stream-other\",\"x\"]"), None);
    }
}

//! What the demonstration's parties say of what they publish: metadata files as an operator would write them.

use super::DemoError;
use crate::catalogue::{Metadata, Said};

const RAIN: &str = include_str!("rain.toml");
const SEWER: &str = include_str!("sewer.toml");
const MODEL: &str = include_str!("model.toml");

fn read(text: &str) -> Result<Metadata, DemoError> {
    Metadata::from_toml(text).map_err(|why| DemoError::Setup {
        what: "a description",
        why,
    })
}

/// Of the rain, under a title of its own.
pub(super) fn rain(title: &str) -> Result<Metadata, DemoError> {
    let mut metadata = read(RAIN)?;
    metadata.title = Some(Said::Plain(title.to_owned()));
    Ok(metadata)
}

/// Of the sewer network.
pub(super) fn sewer() -> Result<Metadata, DemoError> {
    read(SEWER)
}

/// Of the model.
pub(super) fn model() -> Result<Metadata, DemoError> {
    read(MODEL)
}

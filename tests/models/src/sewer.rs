//! The input `sewer`: what the owner of a sewer says of it.

use crate::amount::Hundredths;
use crate::error::SewerError;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSewer {
    name: String,
    synthetic: bool,
    note: String,
    storage_mm: String,
    pump_mm_per_h: String,
    initial_fill_mm: String,
    connected_area_ha: String,
}

/// Storage and pump of a sewer; the two that a job chooses are read here as well, to show where the job differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Water that the sewer holds before it spills, in hundredths of a millimetre over the connected area.
    pub(crate) storage: Hundredths,
    /// What the pump takes away beyond the dry-weather flow, in hundredths of a millimetre an hour.
    pub(crate) pump: Hundredths,
}

/// A sewer as its owner describes it.
#[derive(Debug)]
pub(crate) struct Sewer {
    /// Its name.
    pub(crate) name: String,
    /// Whether it was made up.
    pub(crate) synthetic: bool,
    /// What its owner wants a reader to know.
    pub(crate) note: String,
    /// What its owner says it can hold and pump.
    pub(crate) capacity: Capacity,
    /// Water in it when the first hour begins, hundredths of a millimetre.
    pub(crate) initial_fill: Hundredths,
    /// Paved area that drains to it, hundredths of a hectare.
    pub(crate) connected_area: Hundredths,
}

impl Sewer {
    /// Reads a sewer; every amount is a decimal string with at most two decimals.
    pub(crate) fn parse(input: &str, bytes: &[u8]) -> Result<Self, SewerError> {
        let refuse = |why: String| SewerError::Input {
            input: input.to_owned(),
            why,
        };
        let raw: RawSewer = serde_json::from_slice(bytes).map_err(|e| refuse(format!("not a sewer: {e}")))?;
        let amount = |name: &str, text: &str| Hundredths::parse(text).map_err(|why| refuse(format!("`{name}`: {why}")));
        let sewer = Self {
            capacity: Capacity {
                storage: amount("storage_mm", &raw.storage_mm)?,
                pump: amount("pump_mm_per_h", &raw.pump_mm_per_h)?,
            },
            initial_fill: amount("initial_fill_mm", &raw.initial_fill_mm)?,
            connected_area: amount("connected_area_ha", &raw.connected_area_ha)?,
            name: raw.name,
            synthetic: raw.synthetic,
            note: raw.note,
        };
        if sewer.connected_area == Hundredths::ZERO {
            return Err(refuse(
                "`connected_area_ha` is 0; expected the paved area that drains to the sewer".to_owned(),
            ));
        }
        Ok(sewer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"name":"A","synthetic":true,"note":"","storage_mm":"7","pump_mm_per_h":"0.7","initial_fill_mm":"0","connected_area_ha":"12.5"}"#;

    #[test]
    fn a_sewer_is_read_and_its_faults_are_named() {
        let sewer = Sewer::parse("sewer", GOOD.as_bytes()).unwrap();
        assert_eq!(
            sewer.capacity,
            Capacity {
                storage: Hundredths(700),
                pump: Hundredths(70)
            }
        );
        for (from, to, expected) in [
            (r#""7""#, "7", "not a sewer"),
            (r#""0.7""#, r#""0.777""#, "`pump_mm_per_h`"),
            (r#""12.5""#, r#""0""#, "`connected_area_ha` is 0"),
            ("storage_mm", "storage", "storage"),
            ("true", r#""yes""#, "not a sewer"),
        ] {
            let found = Sewer::parse("sewer", GOOD.replace(from, to).as_bytes())
                .unwrap_err()
                .to_string();
            assert!(found.contains(expected), "{found}");
        }
    }
}

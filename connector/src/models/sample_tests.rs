//! The sample's data against the measurements they were typed in from. Here and not beside the sample, which knows nothing of
//! Herleid and so not where others' material is found either.

use serde_json::{Value, json};

#[test]
fn the_rain_of_the_sample_is_what_was_measured() {
    let test = "the_rain_of_the_sample_is_what_was_measured";
    let Some(path) = herleid_vocab::reference::find(test, "data/knmi/vlissingen_prec_hourly.csv") else {
        return;
    };
    let measured = std::fs::read_to_string(path).unwrap();
    let extract = include_str!("../../../tests/models/data/vlissingen-2020-06.json");
    let extract: Value = serde_json::from_str(extract).unwrap();
    assert_eq!(
        (&extract["source"], &extract["unit"]),
        (&json!("KNMI"), &json!("0.1 mm"))
    );
    let hours = extract["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 72);
    for hour in hours {
        let end = hour["end"].as_str().unwrap();
        let line = format!("{} {},", &end[..10], &end[11..19]);
        let found = measured.lines().find_map(|row| row.strip_prefix(&line));
        let metres: f64 = found.unwrap().parse().unwrap();
        // The measurements are tenths of a millimetre, written there as metres in floating point.
        assert!(
            (metres * 10_000.0 - hour["value"].as_f64().unwrap()).abs() < 1e-6,
            "{end}"
        );
    }
}

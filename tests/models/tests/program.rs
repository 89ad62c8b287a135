//! The program as it is called: a job directory in, an answer or a refusal out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

fn job(rain: &[u8], sewer: &[u8], storage: &str, pump: &str) -> (TempDir, Value) {
    let directory = TempDir::new().unwrap();
    fs::create_dir(directory.path().join("in")).unwrap();
    fs::create_dir(directory.path().join("out")).unwrap();
    fs::write(directory.path().join("in/rain.json"), rain).unwrap();
    fs::write(directory.path().join("in/sewer.json"), sewer).unwrap();
    let input = |name: &str, bytes: &[u8]| json!({"file": format!("in/{name}.json"), "mediaType": "application/json", "bytes": bytes.len(), "sha256": hex::encode(Sha256::digest(bytes))});
    let job = json!({
        "format": "herleid-job/1",
        "model": "sewer-storage-pump",
        "version": "1.0.0",
        "inputs": {"rain": input("rain", rain), "sewer": input("sewer", sewer)},
        "parameters": {"storage_mm": storage, "pump_mm_per_h": pump},
        "seed": null,
        "outputs": {"result": {"file": "out/result.json", "mediaType": "application/json"}},
    });
    fs::write(directory.path().join("job.json"), job.to_string()).unwrap();
    (directory, job)
}

fn sample(storage: &str, pump: &str) -> (TempDir, Value) {
    let rain = fs::read(data("vlissingen-2020-06.json")).unwrap();
    job(&rain, &fs::read(data("sewer.json")).unwrap(), storage, pump)
}

fn call(argument: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_herleid-sewer"))
        .arg(argument)
        .env_clear()
        .output()
        .unwrap()
}

fn answer(directory: &TempDir) -> (Vec<u8>, Value) {
    let output = call(directory.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bytes = fs::read(directory.path().join("out/result.json")).unwrap();
    let value = serde_json::from_slice(&bytes).unwrap();
    (bytes, value)
}

fn refusal(directory: &TempDir) -> (i32, String) {
    let output = call(directory.path());
    assert!(!output.status.success());
    assert!(
        !directory.path().join("out/result.json").exists(),
        "a refusal leaves no answer"
    );
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// The storm with 7 mm and 0.7 mm/h, worked out by hand: of each hour fill and overflow in tenths of a millimetre.
///
/// From the hour that ends on the 17th at 14:00 on: 3.0 - 0.7 = 2.3; 2.3 + 51.3 - 0.7 = 52.9, so 45.9 spills; and so on.
const BY_HAND: [(&str, &str, &str); 30] = [
    ("2020-06-17T14:00:00Z", "2.3", "0"),
    ("2020-06-17T15:00:00Z", "7", "45.9"),
    ("2020-06-17T16:00:00Z", "7", "8"),
    ("2020-06-17T17:00:00Z", "7", "2.4"),
    ("2020-06-17T18:00:00Z", "7", "0"),
    ("2020-06-17T19:00:00Z", "6.4", "0"),
    ("2020-06-17T20:00:00Z", "5.8", "0"),
    ("2020-06-17T21:00:00Z", "5.1", "0"),
    ("2020-06-17T22:00:00Z", "5.3", "0"),
    ("2020-06-17T23:00:00Z", "7", "6.5"),
    ("2020-06-18T00:00:00Z", "7", "0.5"),
    ("2020-06-18T01:00:00Z", "7", "0.4"),
    ("2020-06-18T02:00:00Z", "7", "4.6"),
    ("2020-06-18T03:00:00Z", "7", "13.8"),
    ("2020-06-18T04:00:00Z", "7", "0.3"),
    ("2020-06-18T05:00:00Z", "6.5", "0"),
    ("2020-06-18T06:00:00Z", "5.8", "0"),
    ("2020-06-18T07:00:00Z", "5.1", "0"),
    ("2020-06-18T08:00:00Z", "4.4", "0"),
    ("2020-06-18T09:00:00Z", "3.7", "0"),
    ("2020-06-18T10:00:00Z", "3", "0"),
    ("2020-06-18T11:00:00Z", "2.3", "0"),
    ("2020-06-18T12:00:00Z", "1.6", "0"),
    ("2020-06-18T13:00:00Z", "0.9", "0"),
    ("2020-06-18T14:00:00Z", "0.4", "0"),
    ("2020-06-18T15:00:00Z", "0", "0"),
    ("2020-06-18T16:00:00Z", "0", "0"),
    ("2020-06-18T17:00:00Z", "5.5", "0"),
    ("2020-06-18T18:00:00Z", "4.8", "0"),
    ("2020-06-18T19:00:00Z", "4.1", "0"),
];

#[test]
fn the_storm_of_june_2020_comes_out_as_by_hand_and_twice_the_same() {
    let (directory, _) = sample("7", "0.7");
    let (bytes, value) = answer(&directory);
    let hours = value["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 72);
    let from = hours.iter().position(|hour| hour["end"] == BY_HAND[0].0).unwrap();
    for (hour, (end, fill, overflow)) in hours[from..].iter().zip(BY_HAND) {
        assert_eq!(
            (&hour["end"], &hour["fill_mm"], &hour["overflow_mm"]),
            (&json!(end), &json!(fill), &json!(overflow))
        );
    }
    // The showers of the 16th: 1.3 - 0.7 leaves 0.6; 4.2 - 0.7 leaves 3.5, then 2.8, then 2.8 + 0.6 - 0.7 = 2.7.
    let evening: Vec<_> = hours[16..20]
        .iter()
        .map(|hour| hour["fill_mm"].as_str().unwrap())
        .collect();
    assert_eq!(evening, ["0", "3.5", "2.8", "2.7"]);
    // 6.1 + 76.8 + 29.7 mm of rain on the three days, 0.6 mm left: 112.6 - 82.4 - 0.6 = 29.6 pumped.
    // 82.4 mm over 12.5 ha is 0.0824 m x 125,000 m².
    assert_eq!(
        value["total"],
        json!({"rain_mm": "112.6", "pumped_mm": "29.6", "overflow_mm": "82.4", "overflow_m3": "10300", "overflow_hours": 9, "fill_at_end_mm": "0.6"})
    );
    assert_eq!(
        value["peak"],
        json!({"end": "2020-06-17T15:00:00Z", "overflow_mm": "45.9"})
    );
    assert_eq!(
        value["emptying"],
        json!({"full_storage_hours": 10, "after_last_overflow": {"from": "2020-06-18T04:00:00Z", "empty_at": "2020-06-18T15:00:00Z", "hours": 11}})
    );
    assert_eq!(value["deviations"], json!([]));
    assert_eq!(value["sewer"]["synthetic"], true);

    let (again, _) = sample("7", "0.7");
    assert_eq!(answer(&again).0, bytes);
    let expected = fs::read_to_string(data("result.sha256")).unwrap();
    assert_eq!(
        hex::encode(Sha256::digest(&bytes)),
        expected.trim(),
        "data/result.sha256 holds the digest of the answer"
    );
}

#[test]
fn another_storage_gives_another_answer_and_says_where_it_deviates() {
    let (directory, _) = sample("9", "0.70");
    let (_, value) = answer(&directory);
    // Two more millimetres at the start of each of the two spells of overflow: 82.4 - 2.0 - 2.0 would be 78.4, but the
    // second spell starts 2.0 fuller as well, so only the first is spared.
    assert_eq!(value["total"]["overflow_mm"], "80.4");
    assert_eq!(
        value["deviations"],
        json!([{"parameter": "storage_mm", "sewer": "7", "used": "9"}])
    );
    let output = call(sample("9", "0.7").0.path());
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("storage_mm = `9`; the sewer's own data say `7`")
    );
}

#[test]
fn the_job_file_may_be_named_itself() {
    let (directory, _) = sample("7", "0.7");
    assert!(call(&directory.path().join("job.json")).status.success());
    assert!(directory.path().join("out/result.json").exists());
}

#[test]
fn what_the_job_gets_wrong_is_named() {
    let rewrite = |from: &str, to: &str| {
        let (directory, job) = sample("7", "0.7");
        let text = job.to_string();
        assert!(text.contains(from), "{from}");
        fs::write(directory.path().join("job.json"), text.replace(from, to)).unwrap();
        refusal(&directory)
    };
    for (from, to, expected) in [
        ("herleid-job/1", "herleid-job/2", "herleid-job/2"),
        ("storage_mm", "storage", "unknown field `storage`"),
        (r#""storage_mm":"7""#, r#""storage_mm":"-7""#, "parameter `storage_mm`"),
        (r#""storage_mm":"7""#, r#""storage_mm":7"#, "expected a string"),
        (
            r#""pump_mm_per_h":"0.7""#,
            r#""pump_mm_per_h":"0.705""#,
            "does not round",
        ),
        ("in/rain.json", "in/../job.json", "is not a file in `in/`"),
        ("out/result.json", "result.json", "is not a file in `out/`"),
        (r#""seed":null"#, r#""sede":null"#, "sede"),
        (r#""bytes":"#, r#""bytes":1"#, "but the job says"),
    ] {
        let (code, message) = rewrite(from, to);
        assert_eq!(code, 1, "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn what_the_inputs_get_wrong_is_named() {
    let rain = fs::read_to_string(data("vlissingen-2020-06.json")).unwrap();
    let sewer = fs::read_to_string(data("sewer.json")).unwrap();
    for (rain, sewer, expected) in [
        (
            rain.replace("513", "-1"),
            sewer.clone(),
            "`hours[38].value`: `-1` is negative",
        ),
        (
            rain.replace("2020-06-17T15", "2020-06-17T16"),
            sewer.clone(),
            "an hour is missing, repeated or out of order",
        ),
        (
            rain.clone(),
            sewer.replace("12.5", "0"),
            "`in/sewer.json` is refused: `connected_area_ha` is 0",
        ),
        (
            rain.clone(),
            sewer.replace(r#"mm": "0""#, r#"mm": "8""#),
            "less than the `8` mm",
        ),
        ("not JSON".to_owned(), sewer.clone(), "not a rain series"),
    ] {
        let (directory, _) = job(rain.as_bytes(), sewer.as_bytes(), "7", "0.7");
        let (code, message) = refusal(&directory);
        assert_eq!(code, 1, "{message}");
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn files_that_cannot_be_read_or_written_are_named() {
    let (directory, _) = sample("7", "0.7");
    fs::remove_file(directory.path().join("in/sewer.json")).unwrap();
    let (code, message) = refusal(&directory);
    assert_eq!(code, 3);
    assert!(message.contains("in/sewer.json"), "{message}");

    let (directory, _) = sample("7", "0.7");
    fs::write(directory.path().join("out/result.json"), "mine").unwrap();
    let output = call(directory.path());
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        fs::read(directory.path().join("out/result.json")).unwrap(),
        b"mine",
        "no output is overwritten"
    );

    assert_eq!(call(Path::new("/nonexistent/job")).status.code(), Some(3));
}

#[test]
fn wrong_usage_is_told_apart() {
    let output = Command::new(env!("CARGO_BIN_EXE_herleid-sewer")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let help = Command::new(env!("CARGO_BIN_EXE_herleid-sewer"))
        .arg("--help")
        .output()
        .unwrap();
    assert!(help.status.success() && String::from_utf8(help.stdout).unwrap().contains("job.json"));
}

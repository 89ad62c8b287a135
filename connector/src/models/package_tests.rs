use super::*;
use serde_json::json;

/// The package of the sample model, as its holder publishes it.
fn sample() -> &'static str {
    include_str!("../../../tests/models/model.toml")
}

#[test]
fn the_sample_package_is_read() {
    let package = ModelPackage::from_toml(sample()).unwrap();
    let model = package.model();
    assert_eq!((model.id(), model.version()), ("sewer-storage-pump", "1.0.0"));
    assert_eq!(model.canonicalisation(), Canonicalisation::Jcs);
    assert!(!model.uses_seed() && model.licence().program_in_dossier);
    assert_eq!(model.parameters()[0].default(), Some(&json!("7")));
    assert_eq!(model.parameters()[1].default(), Some(&json!("0.7")));
    assert_eq!(
        package.program_path(Path::new("/srv/models")),
        Path::new("/srv/models/herleid-sewer")
    );
    let document = model.environment_document().unwrap();
    assert_eq!(
        json::parse_section(&document).unwrap()["format"],
        "herleid-environment/1"
    );
}

#[test]
fn toml_and_json_are_one_package() {
    let package = ModelPackage::from_toml(sample()).unwrap();
    let mut value = to_value(&package.model.published("")).unwrap();
    value["program"] = json!("herleid-sewer");
    assert_eq!(ModelPackage::from_json(value.to_string().as_bytes()).unwrap(), package);
    let twice = value.to_string().replacen('{', r#"{"id":"other","#, 1);
    assert!(
        ModelPackage::from_json(twice.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("twice")
    );
}

#[test]
fn what_a_package_gets_wrong_is_named() {
    for (from, to, expected) in [
        ("herleid-model/1", "herleid-model/2", "expected `herleid-model/1`"),
        (r#"id = "sewer-storage-pump""#, r#"id = "../sewer""#, "`id`"),
        (r#"version = "1.0.0""#, r#"version = """#, "`version`"),
        (r#"program = "herleid-sewer""#, r#"program = "../bin/sh""#, "`program`"),
        (r#"program = "herleid-sewer""#, r#"program = "sha256:00""#, "`program`"),
        (
            r#"canonicalisation = "jcs""#,
            r#"canonicalisation = "sorted""#,
            "`none` and `jcs`",
        ),
        (
            r#"canonicalisation = "jcs""#,
            r#"canonicalisation = "tolerance 1e-6""#,
            "not built",
        ),
        ("uses_seed = false", "use_seed = false", "use_seed"),
        ("wall_ms = 10000", "wall_ms = 0", "`wall_ms` is 0"),
        (r#"name = "sewer""#, r#"name = "rain""#, "`rain` stands twice"),
        (
            r#"name = "sewer""#,
            r#"name = "storage_mm""#,
            "`storage_mm` stands twice",
        ),
        (r#"name = "sewer""#, r#"name = "seed""#, "the seed's own name"),
        (
            r#"file = "sewer.json""#,
            r#"file = "Rain.JSON""#,
            "stands twice, case aside",
        ),
        (r#"file = "sewer.json""#, r#"file = "a/b""#, "`a/b`"),
        (r#"file = "sewer.json""#, r#"file = ".hidden""#, "`.hidden`"),
        (
            r#"media_type = "application/json""#,
            r#"media_type = "json""#,
            "media_type `json`",
        ),
        (r#"default = "0.7""#, "default = 0.7", "decimals are strings"),
        (r#"default = "7""#, r#"default = "7000""#, "out of bounds"),
        (r#"title = "Storage""#, r#"title = " ""#, "parameter `storage_mm`"),
        ("program_in_dossier = true", "", "program_in_dossier"),
        (r#"arguments = ["."]"#, "arguments = [\"a\\u0000b\"]", "zero byte"),
    ] {
        assert!(sample().contains(from), "{from}");
        let found = ModelPackage::from_toml(&sample().replacen(from, to, 1))
            .unwrap_err()
            .to_string();
        assert!(found.contains(expected), "{found}");
    }
    let outputs = sample().find("[[outputs]]").unwrap();
    let none = ModelPackage::from_toml(&sample()[..outputs]).unwrap_err().to_string();
    assert!(none.contains("outputs"), "{none}");
}

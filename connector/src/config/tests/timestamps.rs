//! Time authorities: what is read, and what is refused.

use super::{SMALL, assert_says, read, read_with, refused};
use crate::stamping::{Stamping, StampingError};
use std::path::Path;

fn with(lines: &str) -> String {
    format!("{SMALL}[timestamps]\n{lines}\n")
}

#[test]
fn authorities_are_read_and_none_is_asked_unless_it_is_named() {
    let without = read(SMALL).unwrap().timestamps;
    assert_eq!((without.authorities.len(), without.every_s), (0, 86_400));
    let lines = "authorities = [{ url = \"https://tsa.example/stamp\", certificate = \"tsa.pem\" }]\nevery_s = 60";
    let read = read(&with(lines)).unwrap().timestamps;
    let [authority] = read.authorities.as_slice() else {
        panic!("{read:?}");
    };
    assert_eq!(authority.url.as_str(), "https://tsa.example/stamp");
    assert_eq!(authority.certificate, Path::new("/etc/herleid/tsa.pem"));
    assert_eq!(read.every_s, 60);
}

#[test]
fn an_authority_is_named_in_full_and_once_and_asked_by_https() {
    let one = "{ url = \"https://tsa.example\", certificate = \"tsa.pem\" }";
    let twice = refused(&with(&format!("authorities = [{one}, {one}]")));
    assert_says(&twice, &["`timestamps.authorities.url`", "line 12"]);
    let bare = refused(&with("authorities = [{ url = \"https://tsa.example\" }]"));
    assert_says(&bare, &["`timestamps.authorities` is a table without `certificate`"]);
    let plain = with("authorities = [{ url = \"http://tsa.example\", certificate = \"tsa.pem\" }]");
    assert_says(
        &refused(&plain),
        &["`timestamps.authorities.url`", "starts with `https://`"],
    );
    let shortcut = format!("{plain}[development]\nmock_identity = true\n");
    assert!(
        read_with(&shortcut, &[], true).is_err(),
        "another shortcut does not allow it"
    );
    for every in ["59", "31622401", "\"day\""] {
        assert_says(
            &refused(&with(&format!("every_s = {every}"))),
            &["`timestamps.every_s`", "60"],
        );
    }
    assert_says(
        &refused(&with("authority = []")),
        &["did you mean `timestamps.authorities`"],
    );
}

#[test]
fn a_certificate_that_cannot_be_used_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tsa.pem");
    let lines = format!(
        "authorities = [{{ url = \"https://tsa.example\", certificate = \"{}\" }}]",
        file.display()
    );
    let config = read(&with(&lines)).unwrap().timestamps;
    let refused = |what: &str| {
        let error = Stamping::new(&config).err().unwrap();
        assert!(matches!(error, StampingError::Certificate { .. }), "{error}");
        let said = error.to_string();
        assert!(
            said.contains(what) && said.contains("tsa.pem") && said.contains("timestamps.authorities"),
            "{said}"
        );
    };
    refused("No such file");
    std::fs::write(&file, "not a certificate").unwrap();
    refused("no certificate in PEM");
}

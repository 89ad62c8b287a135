//! What every source promises, in one suite for all of them; and what is peculiar to each.

mod api;
mod endless;
mod s3;

use super::*;
use crate::payloads::Payloads;
use crate::state::Digests;
use futures_util::StreamExt as _;
use std::collections::BTreeMap;

/// More than one piece of each source, and no multiple of any.
fn data() -> Vec<u8> {
    (0..(3u32 << 20) + 17)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

fn part(from: u64, to: Option<u64>) -> Wanted {
    Wanted {
        from,
        to,
        resource: None,
    }
}

async fn read(source: &dyn Source, wanted: &Wanted) -> Result<Vec<u8>, SourceError> {
    let mut reading = source.open(wanted).await?;
    let mut all = Vec::new();
    while let Some(piece) = reading.pieces.next().await {
        let piece = piece?;
        assert!(piece.len() <= MOST_AT_ONCE, "a piece of {} bytes", piece.len());
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// The promises of a source that holds [`data`] at `wanted`; `fits` tells whether what came is that.
async fn keeps_its_promises(source: &dyn Source, wanted: &Wanted, data: &[u8]) {
    assert_eq!(read(source, wanted).await.unwrap(), data, "all of it, in order");
    let mut reading = source.open(wanted).await.unwrap();
    assert!(!reading.pieces.next().await.unwrap().unwrap().is_empty());
    drop(reading);
    assert_eq!(
        read(source, wanted).await.unwrap(),
        data,
        "again, after one that was broken off"
    );
    let (one, other) = tokio::join!(read(source, wanted), read(source, wanted));
    assert_eq!(
        (one.unwrap(), other.unwrap()),
        (data.to_vec(), data.to_vec()),
        "twice at once"
    );

    let length = data.len() as u64;
    let parts = [
        (0, 1),
        (0, length),
        (1, 2),
        (length - 1, length),
        (1 << 20, (1 << 20) + 1),
        (262_143, 1_048_577),
        (length / 2, length),
    ];
    for (from, to) in parts {
        let mut asked = wanted.clone();
        (asked.from, asked.to) = (from, Some(to));
        let came = read(source, &asked).await;
        if source.has_ranges() {
            let expected = data.get(from as usize..to as usize).unwrap();
            assert_eq!(came.unwrap(), expected, "bytes {from} to {to}");
        } else {
            assert!(
                matches!(came, Err(SourceError::NotAllowed(NotAllowed::NoRange))),
                "bytes {from} to {to}"
            );
        }
    }
    if source.has_ranges() {
        let mut rest = wanted.clone();
        rest.from = 7;
        assert_eq!(read(source, &rest).await.unwrap(), data[7..], "to the end");
        (rest.from, rest.to) = (length, Some(length));
        assert_eq!(read(source, &rest).await.unwrap(), b"", "nothing");
    }
}

/// What has changed is given neither whole nor in part: an error, or, of a whole, bytes that its digest shows to be others.
async fn gives_nothing_of_what_changed(source: &dyn Source, published: &[u8]) {
    match read(source, &part(0, None)).await {
        Err(SourceError::Changed(_) | SourceError::Absent(_)) => {}
        Err(other) => panic!("{other}"),
        Ok(came) => assert_ne!(Digests::of(&came), Digests::of(published)),
    }
    let refused = read(source, &part(0, Some(1))).await;
    assert!(
        matches!(refused, Err(SourceError::Changed(_) | SourceError::Absent(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_file_keeps_its_promises() {
    let directory = tempfile::tempdir().unwrap();
    let payloads = Payloads::open(directory.path()).unwrap();
    let data = data();
    let digests = payloads.put(&data).unwrap();
    let source = FileSource::new(&payloads, &digests);
    keeps_its_promises(&source, &part(0, None), &data).await;
    let path = payloads.path(&digests.sha256).unwrap();
    let mut changed = data.clone();
    changed[data.len() / 2] ^= 1;
    for bytes in [changed.as_slice(), &data[1..], b""] {
        std::fs::write(&path, bytes).unwrap();
        gives_nothing_of_what_changed(&source, &data).await;
    }
    std::fs::write(&path, &data).unwrap();
    keeps_its_promises(&source, &part(0, None), &data).await;
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(
        read(&source, &part(0, None)).await,
        Err(SourceError::Failed(_))
    ));
}

#[tokio::test]
async fn a_version_whose_source_is_not_configured_any_more_is_not_guessed() {
    let directory = tempfile::tempdir().unwrap();
    let payloads = Payloads::open(directory.path()).unwrap();
    let sources = Sources::open(&[], &[], &Default::default(), &payloads, 1 << 20).unwrap();
    assert_eq!(
        sources.look("archive", "a").await,
        Err(SourceError::Unknown("archive".to_owned()))
    );
    let refused = sources.allow("weather", &["a".to_owned()], &[]);
    assert_eq!(refused.unwrap_err(), SourceError::Unknown("weather".to_owned()));
}

/// What a file with a secret holds, readable by its owner alone.
fn secret(directory: &std::path::Path, text: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = directory.join("secret");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Headers of a request, by their names in lower case.
fn fields(head: &str) -> BTreeMap<String, String> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect()
}

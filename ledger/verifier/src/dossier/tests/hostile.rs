//! Zips that somebody made on purpose, or that broke on the way.

use super::super::layout::{End, Header, Method};
use super::super::*;
use super::{files, head, sample};
use proptest::prelude::*;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};

/// A zip from raw entries, with nothing checked: name, method, content as packed, length that the header claims.
fn zip(entries: &[(&str, Method, &[u8], u32)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, method, packed, unpacked) in entries {
        let mut crc = flate2::Crc::new();
        crc.update(packed);
        // The name of the same length is put in afterwards: `FileName` would refuse it here.
        let place = "x".repeat(name.len());
        let header = Header {
            name: FileName::parse(place.as_bytes()).unwrap(),
            method: *method,
            crc32: crc.sum(),
            packed: packed.len() as u32,
            unpacked: *unpacked,
            offset: out.len() as u32,
        };
        for (into, bytes) in [(&mut out, header.local()), (&mut directory, header.central())] {
            let (fixed, _) = bytes.split_at(bytes.len() - name.len());
            into.extend_from_slice(fixed);
            into.extend_from_slice(name.as_bytes());
        }
        out.extend_from_slice(packed);
    }
    let end = End {
        entries: entries.len() as u16,
        directory_bytes: directory.len() as u32,
        directory_offset: out.len() as u32,
    };
    [out, directory, end.bytes()].concat()
}

fn refused(bytes: &[u8]) -> ArchiveError {
    match files(bytes) {
        Err(error) => error,
        Ok(files) => panic!("read as {files:?}"),
    }
}

#[test]
fn names_that_leave_the_folder_or_collide_are_refused_by_name() {
    let one = |name| zip(&[(name, Method::Stored, b"1", 1)]);
    assert!(files(&one("good")).is_ok());
    for name in ["../evil", "/evil", "a\\evil", "c:evil", "evil/", "a/../evil"] {
        let error = refused(&one(name));
        assert!(matches!(error, ArchiveError::Name { .. }), "{name}: {error}");
        assert!(error.to_string().contains("evil"), "{error}");
    }
    for (first, second) in [("a", "a"), ("a", "A"), ("a", "a/b"), ("B/c", "b")] {
        let bytes = zip(&[(first, Method::Stored, b"1", 1), (second, Method::Stored, b"2", 1)]);
        assert!(
            matches!(refused(&bytes), ArchiveError::Collision { .. }),
            "{first} {second}"
        );
    }
}

#[test]
fn every_truncation_is_refused() {
    let whole = sample();
    for length in 0..whole.len() {
        let error = refused(&whole[..length]);
        if length >= 4 {
            assert!(matches!(error, ArchiveError::Truncated { .. }), "{length}: {error}");
        }
    }
}

#[test]
fn bytes_around_the_zip_are_refused() {
    let whole = sample();
    let after = [whole.as_slice(), b"junk"].concat();
    assert!(matches!(refused(&after), ArchiveError::AfterEnd { bytes: 4 }));
    assert!(matches!(
        refused(&[b"junk", whole.as_slice()].concat()),
        ArchiveError::NotArchive { .. }
    ));
    assert!(matches!(
        refused(&[b"PK\x03\x04", whole.as_slice()].concat()),
        ArchiveError::Structure { .. }
    ));
    // A second, hidden end record whose comment swallows the first: what many readers would follow.
    let comment = [&whole[..whole.len() - 2], &[4, 0], b"junk".as_slice()].concat();
    refused(&comment);
}

/// One flipped bit anywhere is refused, or changes nothing that a reader sees (deflate's last byte has bits of no meaning).
#[test]
fn no_flipped_bit_gives_other_files() {
    let whole = sample();
    let expected = files(&whole).unwrap();
    let mut unseen = 0;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            if let Ok(files) = files(&flipped) {
                assert_eq!(files, expected, "byte {at} bit {bit}");
                unseen += 1;
            }
        }
    }
    // Two entries of the sample are deflated, the data file and the manifest.
    assert!(unseen <= 14, "{unseen}");
}

fn deflated_zeroes(bytes: usize) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::repeat(0).take(bytes as u64), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_bomb_is_refused_before_anything_is_unpacked() {
    // Ten entries that say they are 1 GiB each: 10 GB from a few hundred bytes.
    let entries: Vec<String> = (0..10).map(|i| format!("data/{i}")).collect();
    let list: Vec<_> = entries
        .iter()
        .map(|n| (n.as_str(), Method::Deflated, b"x".as_slice(), 1 << 30))
        .collect();
    assert!(matches!(
        Archive::open(Cursor::new(zip(&list))),
        Err(ArchiveError::Bomb {
            unpacked: 10_737_418_240,
            ..
        })
    ));
    // Below 4 GiB, and still a thousand times its own length.
    let packed = deflated_zeroes(64 << 20);
    let bytes = zip(&[("data/0", Method::Deflated, &packed, 64 << 20)]);
    assert!(matches!(
        Archive::open(Cursor::new(bytes)),
        Err(ArchiveError::Bomb { .. })
    ));
}

#[test]
fn a_header_that_says_less_than_comes_out_stops_the_unpacking() {
    let packed = deflated_zeroes(8 << 20);
    let bytes = zip(&[("data/0", Method::Deflated, &packed, 10)]);
    let mut archive = Archive::open(Cursor::new(bytes)).unwrap();
    let mut seen = 0;
    let error = archive.stream("data/0", &mut |piece| {
        seen += piece.len();
        Ok(())
    });
    assert!(matches!(error, Err(ArchiveError::Damaged { .. })));
    assert_eq!(seen, 0, "nothing beyond the stated length reaches the caller");
}

#[test]
fn other_features_of_zip_are_refused() {
    let good = zip(&[("a", Method::Stored, b"1", 1)]);
    assert!(files(&good).is_ok());
    let central = 30 + 1 + 1;
    // Flags, time, extra length, comment length, external attributes (a symbolic link), in the central header.
    for (at, value) in [
        (8, 1),
        (8, 8),
        (9, 8),
        (10, 1),
        (12, 1),
        (30, 1),
        (32, 1),
        (38, 1),
        (41, 0xa1),
        (42, 1),
    ] {
        let mut changed = good.clone();
        changed[central + at] = value;
        let error = refused(&changed);
        assert!(matches!(error, ArchiveError::Structure { .. }), "{at}: {error}");
    }
    let mut zip64 = good.clone();
    let end = zip64.len() - 22;
    zip64[end + 8..end + 12].fill(0xff);
    assert!(matches!(refused(&zip64), ArchiveError::Zip64));
    let twice = zip(&[("a", Method::Stored, b"11", 1)]);
    assert!(matches!(refused(&twice), ArchiveError::Structure { .. }));
}

#[test]
fn damaged_content_is_named() {
    let mut bytes = zip(&[("a", Method::Stored, b"1", 1), ("b/c", Method::Stored, b"22", 2)]);
    let at = bytes.windows(2).position(|two| two == b"22").unwrap();
    bytes[at] = b'3';
    assert_eq!(refused(&bytes).entry(), Some("b/c"));
    for packed in [b"".as_slice(), b"\x03", b"\x03\x00junk", b"\xff\xff\xff"] {
        let error = refused(&zip(&[("d", Method::Deflated, packed, 0)]));
        assert_eq!(error.entry(), Some("d"), "{error}");
    }
}

/// A file that fails to be written to at the n-th call.
struct Failing(Cursor<Vec<u8>>, usize);

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.1 = self
            .1
            .checked_sub(1)
            .ok_or_else(|| std::io::Error::other("disk full"))?;
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_full_disk_is_an_error_at_every_write() {
    let write = |writes: usize| -> Result<(), WriteError> {
        let mut writer = DossierWriter::new(Failing(Cursor::new(Vec::new()), writes), head());
        writer.add("a", b"1")?;
        writer.finish()?.seal(b"s", b"p")?;
        Ok(())
    };
    let needed = (0..100).find(|writes| write(*writes).is_ok()).unwrap();
    assert!(needed >= 9, "{needed}");
    for writes in 0..needed {
        assert!(matches!(write(writes), Err(WriteError::Io(_))), "{writes}");
    }
}

proptest! {
    #[test]
    fn any_files_read_back(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)) {
        let mut writer = DossierWriter::new(Cursor::new(Vec::new()), head());
        for (i, content) in contents.iter().enumerate() {
            writer.add(&format!("f/{i}"), content).unwrap();
        }
        let bytes = writer.finish().unwrap().seal(b"", b"").unwrap().into_inner();
        let read = files(&bytes).unwrap();
        for (i, content) in contents.iter().enumerate() {
            let expected = (format!("f/{}", i), content.clone());
            prop_assert!(read.contains(&expected));
        }
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let start = [b"PK\x03\x04".as_slice(), &bytes].concat();
        prop_assert!(files(&start).is_err());
    }

    #[test]
    fn any_damage_gives_the_same_files_or_none(at in 0usize..1400, with in prop::collection::vec(any::<u8>(), 1..6)) {
        let whole = sample();
        let expected = files(&whole).unwrap();
        let mut damaged = whole;
        for (place, byte) in damaged.iter_mut().skip(at).zip(&with) {
            *place = *byte;
        }
        if let Ok(read) = files(&damaged) {
            prop_assert_eq!(read, expected);
        }
    }
}

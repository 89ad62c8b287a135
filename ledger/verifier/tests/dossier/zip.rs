//! A zip writer without scruples: any name, any claim.

use std::io::{Cursor, Read, Write};

pub struct Raw {
    pub name: String,
    pub deflated: bool,
    pub packed: Vec<u8>,
    pub claimed: u32,
    pub crc: u32,
}

impl Raw {
    pub fn stored(name: &str, content: &[u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        Self {
            name: name.to_owned(),
            deflated: false,
            packed: content.to_vec(),
            claimed: content.len() as u32,
            crc: crc.sum(),
        }
    }

    /// So many zeroes, and what the header says of them.
    pub fn zeroes(name: &str, bytes: u64, claimed: u32) -> Self {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::copy(&mut std::io::repeat(0).take(bytes), &mut encoder).unwrap();
        Self {
            name: name.to_owned(),
            deflated: true,
            packed: encoder.finish().unwrap(),
            claimed,
            crc: 0,
        }
    }
}

/// The zip of these entries, in this order.
pub fn zip(entries: &[Raw]) -> Vec<u8> {
    let (mut out, mut directory) = (Cursor::new(Vec::new()), Vec::new());
    for entry in entries {
        let offset = out.position() as u32;
        let mut shared = Vec::new();
        for field in [20, 0, if entry.deflated { 8 } else { 0 }, 0, 0x21_u16] {
            shared.extend_from_slice(&field.to_le_bytes());
        }
        for field in [entry.crc, entry.packed.len() as u32, entry.claimed] {
            shared.extend_from_slice(&field.to_le_bytes());
        }
        shared.extend_from_slice(&(entry.name.len() as u16).to_le_bytes());
        shared.extend_from_slice(&[0; 2]);
        for part in [b"PK\x03\x04".as_slice(), &shared, entry.name.as_bytes(), &entry.packed] {
            out.write_all(part).unwrap();
        }
        for part in [
            b"PK\x01\x02\x14\x00".as_slice(),
            &shared,
            &[0; 10],
            &offset.to_le_bytes(),
            entry.name.as_bytes(),
        ] {
            directory.extend_from_slice(part);
        }
    }
    let offset = out.position() as u32;
    let count = (entries.len() as u16).to_le_bytes();
    let mut bytes = out.into_inner();
    let length = directory.len() as u32;
    bytes.extend_from_slice(&directory);
    for part in [
        b"PK\x05\x06\0\0\0\0".as_slice(),
        &count,
        &count,
        &length.to_le_bytes(),
        &offset.to_le_bytes(),
        &[0; 2],
    ] {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// The files of a dossier, in the order of the manifest's names.
pub fn unzip(dossier: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = herleid_verifier::dossier::Archive::open(Cursor::new(dossier)).unwrap();
    let names: Vec<String> = archive.entries().map(|entry| entry.name.to_owned()).collect();
    names
        .into_iter()
        .map(|name| (name.clone(), archive.read(&name, 1 << 24).unwrap()))
        .collect()
}

/// The zip of files whose headers fit them, whatever the manifest says.
pub fn rezip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<Raw> = files.iter().map(|(name, content)| Raw::stored(name, content)).collect();
    zip(&entries)
}

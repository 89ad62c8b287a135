//! Paths, widths and bundles against `tlog_tiles`, whose paths carry the height as well.

use crate::entries;
use herleid_ledger::tile::{FULL_WIDTH, Level, TilePath, bundle, hashes_at, parse_bundle};
use proptest::prelude::*;

fn theirs(level: Level, index: u64, width: u16) -> String {
    let (number, is_data) = match level {
        Level::Hashes(level) => (level, false),
        Level::Entries => (0, true),
    };
    let path = tlog_tiles::Tile::new(8, number, index, u32::from(width), is_data).path();
    path.replace("tile/8/data/", "tile/entries/")
        .replace("tile/8/", "tile/")
}

#[test]
fn the_examples_of_the_specification() {
    let path: TilePath = "tile/0/x001/x234/067".parse().unwrap();
    assert_eq!(
        (path.level(), path.index(), path.width()),
        (Level::Hashes(0), 1_234_067, 256)
    );
    // C2SP tlog-tiles, "Partial Tiles": a tree of 70,000 leaves.
    let partial_width = |level, size| hashes_at(level, size) % u64::from(FULL_WIDTH);
    assert_eq!([0, 1, 2, 3].map(|level| partial_width(level, 70_000)), [112, 17, 1, 0]);
    assert_eq!([0, 1].map(|level| partial_width(level, 256)), [0, 1]);
    let within = |text: &str, size: u64| text.parse::<TilePath>().unwrap().within(size);
    assert!(within("tile/0/272", 70_000));
    assert!(!within("tile/0/273", 70_000));
    assert!(within("tile/0/273.p/112", 70_000));
    assert!(!within("tile/0/273.p/113", 70_000));
    assert!(within("tile/1/000", 70_000));
    assert!(within("tile/2/000.p/1", 70_000));
    assert!(!within("tile/2/000.p/2", 70_000));
    assert!(!within("tile/63/000.p/1", u64::MAX));
}

#[test]
fn other_spellings_are_refused() {
    for path in [
        "",
        "tile/0",
        "tile/0/",
        "tile/64/000",
        "tile/00/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/x001",
        "tile/0/x001/x002",
        "tile/0/+01",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1/",
        "/tile/0/000",
        "tile/entries/000/",
        "tile/data/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/../000",
    ] {
        assert!(path.parse::<TilePath>().is_err(), "{path}");
    }
    assert!(TilePath::new(Level::Hashes(64), 0, 1).is_err());
    assert!(TilePath::new(Level::Entries, 0, 0).is_err());
    assert!(TilePath::new(Level::Entries, 0, 257).is_err());
}

proptest! {
    #[test]
    fn paths_are_those_of_tlog_tiles(level in 0u8..=63, index in any::<u64>(), shift in 0u32..64, width in 1u16..=FULL_WIDTH) {
        for level in [Level::Hashes(level), Level::Entries] {
            let path = TilePath::new(level, index >> shift, width).unwrap();
            prop_assert_eq!(path.to_string(), theirs(level, index >> shift, width));
            prop_assert_eq!(path.to_string().parse::<TilePath>().unwrap(), path);
        }
    }

    // Level 64 and width 0 make `tlog_tiles` panic; the table above has them.
    #[test]
    fn what_we_read_tlog_tiles_reads(text in "tile/(0|63|entries|07)/(x[0-9]{3}/){0,7}[0-9]{3}(\\.p/(0?[1-9][0-9]{0,2}))?") {
        let long = text.replacen("entries", "data", 1).replacen("tile/", "tile/8/", 1);
        let expected = tlog_tiles::Tile::from_path(&long).ok().filter(|tile| tile.level() <= 63 && tile.width() > 0);
        prop_assert_eq!(text.parse::<TilePath>().is_ok(), expected.is_some(), "{}", text);
    }

    #[test]
    fn bundles_are_read_back_and_never_cut(count in 1u64..20, cut in any::<usize>()) {
        let entries = entries(count);
        let bytes = bundle(&entries);
        prop_assert_eq!(parse_bundle(&bytes).unwrap(), entries);
        let cut = cut % bytes.len();
        prop_assert_eq!(parse_bundle(&bytes[..cut]).is_ok(), cut % 35 == 0);
    }
}

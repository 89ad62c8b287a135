//! What is whole and true is verified.

use crate::judge::{judge, listed};
use crate::world::{Lie, World};
use herleid_verifier::{Language, Verdict};

#[test]
fn an_honest_dossier_is_verified() {
    let world = World::new("real", Lie::None);
    let report = judge(&world.dossier(), Some(&world.anchors()));
    assert_eq!(report.verdict, Verdict::Verified, "{}", report.text(Language::English));
    println!("{}\n{}", report.text(Language::English), report.text(Language::Nederlands));
    println!("{:#?}", listed(&report, Verdict::NotChecked));
}

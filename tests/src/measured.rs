//! What the benchmarks do with what they have measured.

use std::path::{Path, PathBuf};

/// The one in the middle; of an even number, the mean of both in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let (low, high) = ((values.len() - 1) / 2, values.len() / 2);
    f64::midpoint(values[low], values[high])
}

/// With two digits after the point.
pub fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// What the environment variable `name` says, if it is set.
pub fn wanted(name: &str, without: u64) -> u64 {
    std::env::var(name).map_or(without, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

/// `target/bench`, beside the profile that this program was built with: on a disk, which a folder for temporary files may not be.
pub fn results() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let results = this.ancestors().nth(3).unwrap().join("bench");
    std::fs::create_dir_all(&results).unwrap();
    results
}

/// Leaves both forms of a report in `results`, and shows it.
pub fn leave(results: &Path, name: &str, json: &str, table: &str) {
    let files = [("json", json), ("md", table)].map(|(form, text)| {
        let file = results.join(format!("{name}.{form}"));
        std::fs::write(&file, text).unwrap();
        file
    });
    println!("{table}\nwritten: {}, {}", files[0].display(), files[1].display());
}

#[test]
fn the_median_is_in_the_middle() {
    assert_eq!(median(&[3.0, 1.0, 2.0]).to_bits(), 2.0_f64.to_bits());
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]).to_bits(), 2.5_f64.to_bits());
}

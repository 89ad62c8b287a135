//! What came of it, for programs and for people.

use crate::Round;
use crate::contenders::{Contender, Measured};
use herleid_tests::machine;
use herleid_tests::measured::{median, rounded};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Medians over all rounds.
pub(crate) struct Report {
    rows: Vec<(Contender, Measured)>,
    first_byte_ms: f64,
    first_byte_edc_ms: f64,
    rates: Value,
}

impl Report {
    pub(crate) fn of(rounds: &[Round]) -> Self {
        let over = |of: &dyn Fn(&Round) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
        let rows = Contender::ALL.into_iter().enumerate().map(|(index, contender)| {
            let of = |field: fn(&Measured) -> f64| over(&|round: &Round| field(&round.pairs[index]));
            let measured = Measured {
                negotiations_per_s: of(|m| m.negotiations_per_s),
                alone_ms: of(|m| m.alone_ms),
                rss_mib: of(|m| m.rss_mib),
                startup_ms: of(|m| m.startup_ms),
                lost: rounds.iter().map(|round| round.pairs[index].lost).sum(),
            };
            (contender, measured)
        });
        let rates = |round: &Round| {
            round
                .pairs
                .iter()
                .map(|pair| rounded(pair.negotiations_per_s))
                .collect::<Value>()
        };
        Self {
            rows: rows.collect(),
            first_byte_ms: over(&|round| round.first_byte.ours_ms),
            first_byte_edc_ms: over(&|round| round.first_byte.edc_ms),
            rates: rounds.iter().map(rates).collect(),
        }
    }

    fn ours(&self) -> &Measured {
        &self.rows[0].1
    }

    /// The EDC that is compared with: the faster one of the two.
    fn edc(&self) -> &(Contender, Measured) {
        let rate = |row: &&(Contender, Measured)| row.1.negotiations_per_s;
        self.rows[1..]
            .iter()
            .max_by(|a, b| rate(a).total_cmp(&rate(b)))
            .unwrap()
    }

    pub(crate) fn json(&self) -> String {
        let (ours, (contender, edc)) = (self.ours(), self.edc());
        let report = json!({
            "negotiations_per_s": rounded(ours.negotiations_per_s),
            "ratio_edc": rounded(ours.negotiations_per_s / edc.negotiations_per_s),
            "rss_mib": rounded(ours.rss_mib),
            "rss_edc_mib": rounded(edc.rss_mib),
            "startup_ms": rounded(ours.startup_ms),
            "first_byte_ms": rounded(self.first_byte_ms),
            "first_byte_edc_ms": rounded(self.first_byte_edc_ms),
            "compared_with": contender.name(),
            "all": self.rows.iter().map(|(contender, m)| json!({
                "name": contender.name(),
                "negotiations_per_s": rounded(m.negotiations_per_s),
                "alone_ms": rounded(m.alone_ms),
                "rss_mib": rounded(m.rss_mib),
                "startup_ms": rounded(m.startup_ms),
                "lost": m.lost,
            })).collect::<Value>(),
            "rates_of_each_round": self.rates,
            "machine": machine::described(),
        });
        format!("{report:#}\n")
    }

    pub(crate) fn table(&self) -> String {
        let ours = self.ours();
        let mut table = format!("Measured on {}.\n\n| |", machine::described());
        for (contender, _) in &self.rows {
            let _written = write!(table, " {} |", contender.name());
        }
        table.push_str(" Herleid beside the better EDC |\n|---|---|---|---|---|\n");
        let mut row = |what: &str, digits: usize, of: fn(&Measured) -> f64, more_is_better: bool| {
            let _written = write!(table, "| {what} |");
            for (_, measured) in &self.rows {
                let _written = write!(table, " {:.digits$} |", of(measured));
            }
            // The better one of this row: what is tuned for waiting is not the one that is tuned for rate.
            let times = self.rows[1..].iter().map(|(_, edc)| {
                if more_is_better {
                    of(ours) / of(edc)
                } else {
                    of(edc) / of(ours)
                }
            });
            let times = times.min_by(f64::total_cmp).unwrap();
            let _written = writeln!(table, " {} |", times_better(times));
        };
        row(
            "negotiations to FINALIZED per second",
            1,
            |m| m.negotiations_per_s,
            true,
        );
        row("one negotiation alone, ms", 0, |m| m.alone_ms, false);
        row("resident memory afterwards, MiB", 0, |m| m.rss_mib, false);
        row("start to ready, ms", 0, |m| m.startup_ms, false);
        let lost: String = self.rows.iter().map(|(_, m)| format!(" {} |", m.lost)).collect();
        let _written = writeln!(table, "| negotiations lost, of all rounds |{lost} |");
        let _written = writeln!(
            table,
            "| request to first byte of data, ms | {:.2} | | {:.2} | {} |",
            self.first_byte_ms,
            self.first_byte_edc_ms,
            times_better(self.first_byte_edc_ms / self.first_byte_ms)
        );
        table
    }
}

fn times_better(times: f64) -> String {
    match times {
        t if t >= 1.0 => format!("{t:.1} times better"),
        t => format!("{:.1} times worse", 1.0 / t),
    }
}

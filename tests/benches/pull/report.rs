//! What came of it, for programs and for people.

use crate::{Round, Sizes, nginx};
use herleid_tests::machine;
use herleid_tests::measured::{median, rounded};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Goals of the design, section 10.
const GOAL_PER_S: f64 = 6_340.0;
const GOAL_RATIO: f64 = 0.8;

/// Medians over all rounds; of memory, the most.
pub(crate) struct Report<'a> {
    rounds: &'a [Round],
    sizes: &'a Sizes,
}

impl<'a> Report<'a> {
    pub(crate) fn of(rounds: &'a [Round], sizes: &'a Sizes) -> Self {
        Self { rounds, sizes }
    }

    fn all(&self, of: fn(&Round) -> f64) -> Vec<f64> {
        self.rounds.iter().map(of).collect()
    }

    fn middle(&self, of: fn(&Round) -> f64) -> f64 {
        median(&self.all(of))
    }

    fn most(&self, of: fn(&Round) -> f64) -> f64 {
        self.all(of).into_iter().fold(0.0, f64::max)
    }

    fn ratio(&self) -> f64 {
        self.middle(|round| round.large.mib_per_s / round.large.nginx_mib_per_s)
    }

    pub(crate) fn json(&self) -> String {
        let each = |of: fn(&Round) -> f64| self.all(of).into_iter().map(rounded).collect::<Value>();
        let report = json!({
            "pulls_per_s": rounded(self.middle(|round| round.load.per_s)),
            "p50_ms": rounded(self.middle(|round| round.load.p50_ms)),
            "p99_ms": rounded(self.middle(|round| round.load.p99_ms)),
            "large_ratio_nginx": rounded(self.ratio()),
            "rss_mib": rounded(self.most(|round| round.large.rss_mib)),
            "rss_idle_mib": rounded(self.most(|round| round.large.rss_idle_mib)),
            "rss_grown_mib": rounded(self.most(|round| round.large.rss_mib - round.large.rss_idle_mib)),
            "rss_after_pulls_mib": rounded(self.most(|round| round.rss_after_mib)),
            "provider_us_per_pull": rounded(self.middle(|round| round.load.provider_us)),
            "callers_us_per_pull": rounded(self.middle(|round| round.load.callers_us)),
            "large_mib_per_s": rounded(self.middle(|round| round.large.mib_per_s)),
            "large_nginx_mib_per_s": rounded(self.middle(|round| round.large.nginx_mib_per_s)),
            "large_mib": self.sizes.large_mib,
            "callers": self.sizes.callers,
            "seconds": self.sizes.seconds,
            "pulls": self.rounds.iter().map(|round| round.load.pulls).sum::<u64>(),
            "pulls_per_s_of_each_round": each(|round| round.load.per_s),
            "large_ratio_nginx_of_each_round": each(|round| round.large.mib_per_s / round.large.nginx_mib_per_s),
            "nginx": nginx::version(),
            "machine": machine::described(),
        });
        format!("{report:#}\n")
    }

    pub(crate) fn table(&self) -> String {
        let mut table = format!(
            "Measured on {}; {}.\n\n| | measured | goal |\n|---|---|---|\n",
            machine::described(),
            nginx::version()
        );
        let mut row = |what: &str, measured: String, goal: &str| {
            let _written = writeln!(table, "| {what} | {measured} | {goal} |");
        };
        let rates = self.all(|round| round.load.per_s);
        let (least, most) = rates.iter().fold((f64::MAX, 0.0_f64), |(low, high), rate| {
            (low.min(*rate), high.max(*rate))
        });
        row(
            "pulls of 1 KiB a second, authorised, decided, recorded",
            format!("{:.0}", self.middle(|round| round.load.per_s)),
            &format!("{GOAL_PER_S:.0}"),
        );
        row("slowest and fastest round", format!("{least:.0}, {most:.0}"), "");
        row(
            "one of them, ms, p50 and p99",
            format!(
                "{:.2}, {:.2}",
                self.middle(|round| round.load.p50_ms),
                self.middle(|round| round.load.p99_ms)
            ),
            "",
        );
        row(
            "processors for each, us: the provider's, the callers'",
            format!(
                "{:.0}, {:.0}",
                self.middle(|round| round.load.provider_us),
                self.middle(|round| round.load.callers_us)
            ),
            "",
        );
        row(
            &format!("pulls of {} MiB, MiB a second (nginx)", self.sizes.large_mib),
            format!(
                "{:.0} ({:.0})",
                self.middle(|round| round.large.mib_per_s),
                self.middle(|round| round.large.nginx_mib_per_s)
            ),
            "",
        );
        row(
            "beside nginx",
            format!("{:.2} times", self.ratio()),
            &format!("{GOAL_RATIO} times"),
        );
        row(
            "the provider's memory, MiB: idle, and at most during such a pull",
            format!(
                "{:.0}, {:.0}",
                self.most(|round| round.large.rss_idle_mib),
                self.most(|round| round.large.rss_mib)
            ),
            "constant",
        );
        row(
            "its memory after all pulls of 1 KiB, MiB",
            format!("{:.0}", self.most(|round| round.rss_after_mib)),
            "",
        );
        table
    }
}

//! The water balance, hour by hour, in whole hundredths of a millimetre: nothing is rounded.
//!
//! In each hour the rain joins what is stored, the pump takes its hourly amount or all there is, and what is then above the
//! storage spills. Rain and pump are taken evenly over the hour, so an hour that ends at the brim has not spilled.

use crate::amount::{Hundredths, Litres};
use crate::error::SewerError;
use crate::hour::Hour;
use crate::rain::RainSeries;
use crate::sewer::{Capacity, Sewer};

/// One hour of the balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HourBalance {
    /// End of the hour.
    pub(crate) end: Hour,
    /// Rain in it.
    pub(crate) rain: Hundredths,
    /// Water stored at its end.
    pub(crate) fill: Hundredths,
    /// Water spilled in it.
    pub(crate) overflow: Hundredths,
}

/// A parameter that is not what the sewer's owner says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deviation {
    /// The parameter's name.
    pub(crate) parameter: &'static str,
    /// What the sewer's data say.
    pub(crate) sewer: Hundredths,
    /// What was computed with.
    pub(crate) used: Hundredths,
}

/// How long the sewer took to run empty after it last spilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Emptying {
    /// End of the last hour with overflow.
    pub(crate) from: Hour,
    /// End of the first hour after it at which nothing was stored; none when the series ends before.
    pub(crate) empty_at: Option<Hour>,
}

/// The balance of a whole series.
#[derive(Debug)]
pub(crate) struct Balance {
    /// What was computed with.
    pub(crate) chosen: Capacity,
    /// Every hour of the series.
    pub(crate) hours: Vec<HourBalance>,
    /// All rain.
    pub(crate) rain: Hundredths,
    /// All that was pumped away.
    pub(crate) pumped: Hundredths,
    /// All that spilled.
    pub(crate) overflow: Hundredths,
    /// The same in litres over the connected area.
    pub(crate) overflow_volume: Litres,
    declared: Capacity,
}

impl Balance {
    /// Computes the balance of `rain` in `sewer`, with the storage and pump that were `chosen`.
    pub(crate) fn of(rain: &RainSeries, sewer: &Sewer, chosen: Capacity) -> Result<Self, SewerError> {
        if sewer.initial_fill > chosen.storage {
            return Err(SewerError::Parameter {
                name: "storage_mm",
                why: format!(
                    "`{}` is less than the `{}` mm that the sewer holds when the series begins",
                    chosen.storage, sewer.initial_fill
                ),
            });
        }
        let (storage, pump) = (chosen.storage.0, chosen.pump.0);
        let mut fill = sewer.initial_fill.0;
        let (mut rained, mut pumped, mut spilled) = (0, 0, 0);
        let mut hours = Vec::with_capacity(rain.hours.len());
        for &(end, depth) in &rain.hours {
            let level = fill + depth.0;
            let taken = level.min(pump);
            let overflow = (level - taken).saturating_sub(storage);
            fill = level - taken - overflow;
            rained += depth.0;
            pumped += taken;
            spilled += overflow;
            hours.push(HourBalance {
                end,
                rain: depth,
                fill: Hundredths(fill),
                overflow: Hundredths(overflow),
            });
        }
        Ok(Self {
            chosen,
            hours,
            rain: Hundredths(rained),
            pumped: Hundredths(pumped),
            overflow: Hundredths(spilled),
            overflow_volume: Litres::of(Hundredths(spilled), sewer.connected_area),
            declared: sewer.capacity,
        })
    }

    /// The hour that spilled most, the first of several; none when nothing spilled.
    pub(crate) fn peak(&self) -> Option<&HourBalance> {
        let most = self.hours.iter().map(|hour| hour.overflow).max()?;
        self.hours
            .iter()
            .find(|hour| hour.overflow == most && most > Hundredths::ZERO)
    }

    /// Hours in which something spilled.
    pub(crate) fn overflow_hours(&self) -> usize {
        self.hours
            .iter()
            .filter(|hour| hour.overflow > Hundredths::ZERO)
            .count()
    }

    /// How long it took to run empty after the last overflow; none when nothing spilled.
    pub(crate) fn emptying(&self) -> Option<Emptying> {
        let last = self.hours.iter().rposition(|hour| hour.overflow > Hundredths::ZERO)?;
        let from = self.hours.get(last)?.end;
        let empty_at = self
            .hours
            .iter()
            .skip(last)
            .find(|hour| hour.fill == Hundredths::ZERO)
            .map(|hour| hour.end);
        Some(Emptying { from, empty_at })
    }

    /// Dry hours after which a full storage is empty, the last one counted whole; none when the pump takes nothing.
    pub(crate) fn hours_to_empty_when_full(&self) -> Option<u64> {
        match self.chosen.pump.0 {
            0 => None,
            pump => Some(self.chosen.storage.0.div_ceil(pump)),
        }
    }

    /// Where the job chose otherwise than the sewer's owner says.
    pub(crate) fn deviations(&self) -> Vec<Deviation> {
        [
            ("pump_mm_per_h", self.declared.pump, self.chosen.pump),
            ("storage_mm", self.declared.storage, self.chosen.storage),
        ]
        .into_iter()
        .filter(|(_, sewer, used)| sewer != used)
        .map(|(parameter, sewer, used)| Deviation { parameter, sewer, used })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(storage: u64, pump: u64, initial: u64, depths: &[u64]) -> Balance {
        let first = Hour::parse("2020-01-01T00:00:00Z").unwrap();
        let hours: Vec<_> = (1..)
            .zip(depths)
            .map(|(n, depth)| (Hour(first.0 + n), Hundredths(*depth)))
            .collect();
        let rain = RainSeries {
            station: "S".into(),
            source: "test".into(),
            from: first,
            to: Hour(first.0 + u32::try_from(depths.len()).unwrap()),
            hours,
        };
        let sewer = Sewer {
            name: "A".into(),
            synthetic: true,
            note: String::new(),
            capacity: Capacity {
                storage: Hundredths(700),
                pump: Hundredths(70),
            },
            initial_fill: Hundredths(initial),
            connected_area: Hundredths(100),
        };
        Balance::of(
            &rain,
            &sewer,
            Capacity {
                storage: Hundredths(storage),
                pump: Hundredths(pump),
            },
        )
        .unwrap()
    }

    fn fills_and_overflows(balance: &Balance) -> Vec<(u64, u64)> {
        balance
            .hours
            .iter()
            .map(|hour| (hour.fill.0, hour.overflow.0))
            .collect()
    }

    #[test]
    fn a_cloudburst_by_hand() {
        // 3.0 - 0.7 = 2.3; 2.3 + 51.3 - 0.7 = 52.9, 45.9 above 7; 7 + 8.7 - 0.7 = 15, 8 above; then 7 - 0.7 = 6.3.
        let storm = balance(700, 70, 0, &[300, 5130, 870, 0]);
        assert_eq!(
            fills_and_overflows(&storm),
            [(230, 0), (700, 4590), (700, 800), (630, 0)]
        );
        assert_eq!((storm.rain.0, storm.pumped.0, storm.overflow.0), (6300, 280, 5390));
        assert_eq!(storm.peak().unwrap().overflow, Hundredths(4590));
        assert_eq!(storm.overflow_hours(), 2);
        assert_eq!(storm.emptying().unwrap().empty_at, None);
        // 53.9 mm over 1 ha: 0.0539 m x 10,000 m² = 539 m³.
        assert_eq!(storm.overflow_volume.to_string(), "539");
        assert!(storm.deviations().is_empty());
    }

    #[test]
    fn the_edges_by_hand() {
        // Exactly at the brim: no overflow. 7.7 - 0.7 = 7.
        assert_eq!(
            fills_and_overflows(&balance(700, 70, 0, &[770, 71])),
            [(700, 0), (700, 1)]
        );
        // The pump takes no more than there is.
        let light = balance(700, 70, 0, &[30, 0]);
        assert_eq!(fills_and_overflows(&light), [(0, 0), (0, 0)]);
        assert_eq!(light.pumped, Hundredths(30));
        assert!(light.peak().is_none() && light.emptying().is_none());
        // No storage: all above the pump spills at once. No pump: all above the storage does, and it never empties.
        assert_eq!(fills_and_overflows(&balance(0, 70, 0, &[100])), [(0, 30)]);
        let stuck = balance(700, 0, 650, &[100]);
        assert_eq!(fills_and_overflows(&stuck), [(700, 50)]);
        assert_eq!(stuck.hours_to_empty_when_full(), None);
        assert_eq!(stuck.deviations().len(), 1);
    }

    #[test]
    fn emptying_is_counted_from_the_last_overflow() {
        // 2.0 - 0.5 = 1.5, 0.5 above 1.0; then 0.5, then 0.
        let short = balance(100, 50, 0, &[200, 0, 0, 0]);
        let emptying = short.emptying().unwrap();
        assert_eq!(emptying.from.to_string(), "2020-01-01T01:00:00Z");
        assert_eq!(emptying.empty_at.unwrap().to_string(), "2020-01-01T03:00:00Z");
        assert_eq!(short.hours_to_empty_when_full(), Some(2));
        assert_eq!(balance(700, 70, 0, &[0]).hours_to_empty_when_full(), Some(10));
        assert_eq!(balance(701, 70, 0, &[0]).hours_to_empty_when_full(), Some(11));
        // Without storage the sewer is empty in the very hour that it spills.
        let open = balance(0, 50, 0, &[200, 0]).emptying().unwrap();
        assert_eq!(open.empty_at, Some(open.from));
    }

    #[test]
    fn no_water_is_lost() {
        // A fixed walk over many shapes of rain, storage and pump.
        let mut state = 12_345_u64;
        for _ in 0..500 {
            let mut draw = |below: u64| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % below
            };
            let storage = draw(2_000);
            let initial = draw(storage + 1);
            let depths: Vec<u64> = (0..20).map(|_| draw(3_000) * draw(2)).collect();
            let found = balance(storage, draw(300), initial, &depths);
            let left = found.hours.last().unwrap().fill.0;
            assert_eq!(initial + found.rain.0, found.pumped.0 + found.overflow.0 + left);
            assert!(found.hours.iter().all(|hour| hour.fill.0 <= storage));
        }
    }
}

//! Looking up by the thousand, as a trace does.

use super::links::looked_up;
use super::rocks::{Part, Rocks, store_error};
use crate::error::LedgerError;
use rocksdb::ReadOptions;

impl Rocks {
    /// Calls `each(number of the prefix, key after it, value)` for all keys with these prefixes, best in order, with one iterator. Where a
    /// prefix is one that tables know ([`looked_up`]) those are passed over that do not have it.
    pub(crate) fn scan_many(
        &self,
        part: Part,
        prefixes: &[Vec<u8>],
        mut each: impl FnMut(usize, &[u8], &[u8]) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let are_known = prefixes
            .iter()
            .all(|prefix| looked_up(prefix).is_some_and(|known| known.len() == prefix.len()));
        let mut options = ReadOptions::default();
        options.set_total_order_seek(!are_known);
        options.set_prefix_same_as_start(are_known);
        // What lies far apart is read once; it must not drive out what appending needs.
        options.fill_cache(false);
        let mut rows = self.db.raw_iterator_cf_opt(self.part(part)?, options);
        for (number, prefix) in prefixes.iter().enumerate() {
            rows.seek(prefix);
            while let Some((key, value)) = rows.item() {
                let Some(rest) = key.strip_prefix(prefix.as_slice()) else {
                    break;
                };
                each(number, rest, value)?;
                rows.next();
            }
            rows.status().map_err(|error| store_error(self.dir(), "read", &error))?;
        }
        Ok(())
    }

    /// What lies under each of these keys, which are in order.
    pub(crate) fn get_sorted(&self, part: Part, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, LedgerError> {
        let mut options = ReadOptions::default();
        options.fill_cache(false);
        let found = self.db.batched_multi_get_cf_opt(self.part(part)?, keys, true, &options);
        let found = found.into_iter().map(|value| match value {
            Ok(value) => Ok(value.map(|value| value.to_vec())),
            Err(error) => Err(store_error(self.dir(), "read", &error)),
        });
        found.collect()
    }
}

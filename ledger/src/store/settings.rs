//! How RocksDB keeps what is written: memory, levels, filters, and what it must notice.

use super::links::{PREFIXES, looked_up};
use super::rocks::Part;
use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, LogLevel, Options, SliceTransform};

const MIB: usize = 1 << 20;

/// Memory for blocks that were read, of a whole store.
pub(super) const CACHE_BYTES: usize = 16 * MIB;

/// What is gathered for a file before the system is given it: no more than the processor's nearest caches hold, so that the system copies it
/// from there.
const WRITTEN_AT_ONCE: usize = 128 << 10;

/// How one part is kept; `parts` are those of the whole store.
pub(super) fn options(part: Part, parts: &[Part], cache: &Cache) -> Options {
    let mut options = Options::default();
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    let is_log = parts.len() > 1;
    if matches!(part, Part::Index | Part::Evidence) || (part == Part::State && is_log) {
        // Most look-ups of a once-key, a leaf, a document or a token that may have been used are for something that is not there.
        blocks.set_bloom_filter(10.0, false);
    }
    if part == Part::Index {
        // A trace asks for what thousands of digests and transactions lead to, and most lead to nothing, or to one place: a table that has
        // nothing of it is not read.
        let rule = SliceTransform::create(
            PREFIXES,
            |key| looked_up(key).unwrap_or(key),
            Some(|key| looked_up(key).is_some()),
        );
        options.set_prefix_extractor(rule);
    }
    options.set_block_based_table_factory(&blocks);
    // Ciphertext and hashes do not shrink. A store of one part is that of the keys, which are ciphertext.
    options.set_compression_type(match part {
        Part::Records | Part::Tiles => DBCompressionType::None,
        Part::State if !is_log => DBCompressionType::None,
        Part::State | Part::Index | Part::Evidence => DBCompressionType::Lz4,
    });
    options.set_write_buffer_size(match part {
        Part::Records => 32 * MIB,
        Part::Index => 16 * MIB,
        Part::State | Part::Tiles | Part::Evidence => 8 * MIB,
    });
    if part != Part::Records {
        // New tables span all keys there are, so each time they are merged the whole first level is written anew: it is as large as they
        // are together, and no larger. Below it, small tables let those stay as they are that got nothing new.
        let new_tables = if part == Part::Index { 8 } else { 4 };
        options.set_level_zero_file_num_compaction_trigger(new_tables);
        options.set_max_bytes_for_level_base(if part == Part::Index { 64 } else { 16 } * MIB as u64);
        options.set_target_file_size_base(8 * MIB as u64);
    }
    options
}

/// A new manifest with each change of the tables in use: the one before names first and last keys of tables that are gone. It has as many
/// lines as there are tables. No setter is there for it.
const NEW_MANIFESTS: &str = "max_manifest_file_size=1;max_manifest_space_amp_pct=0";

/// What holds for a store as a whole.
///
/// # Errors
/// When this RocksDB does not know a setting.
pub(super) fn settings(cache: &Cache) -> Result<Options, rocksdb::Error> {
    let mut options_all = options(Part::State, &Part::ALL, cache);
    options_all.set_paranoid_checks(true);
    // What was synced must not be rolled back: damage in the middle of the write-ahead log refuses to open, and only
    // an incomplete last write, which was never answered, is dropped. The kept checkpoint finds a lost tail besides.
    options_all.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options_all.set_track_and_verify_wals_in_manifest(true);
    options_all.set_max_background_jobs(2);
    options_all.set_max_open_files(256);
    options_all.set_writable_file_max_buffer_size(WRITTEN_AT_ONCE as u64);
    options_all.set_max_total_wal_size(64 * MIB as u64);
    options_all.set_log_level(LogLevel::Warn);
    options_all.set_keep_log_file_num(2);
    options_all.set_max_log_file_size(MIB);
    options_all.get_options_from_string(NEW_MANIFESTS)
}

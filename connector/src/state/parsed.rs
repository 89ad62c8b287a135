//! Entries that were read before: each read looks at what is stored, and only what is not the same any more is parsed again.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Entries that are kept.
const MOST: usize = 1_024;
/// Bytes of entries that are kept, as stored; parsed they take a few times as many.
const MOST_BYTES: usize = 8 << 20;

/// Entries as they were stored and as they were read, by key.
#[derive(Default)]
pub(super) struct Parsed(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    entries: HashMap<String, Entry>,
    bytes: usize,
}

struct Entry {
    stored: Vec<u8>,
    read: Arc<dyn Any + Send + Sync>,
}

impl Parsed {
    /// What the entry at `key` was read as, if `stored` is what it was read from.
    pub(super) fn get<T: Send + Sync + 'static>(&self, key: &str, stored: &[u8]) -> Option<Arc<T>> {
        let read = {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = kept.entries.get(key).filter(|entry| entry.stored == stored)?;
            Arc::clone(&entry.read)
        };
        read.downcast().ok()
    }

    /// Keeps what was read.
    pub(super) fn keep<T: Send + Sync + 'static>(&self, key: &str, stored: Vec<u8>, read: &Arc<T>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = kept.entries.remove(key) {
            kept.bytes -= old.stored.len();
        }
        if stored.len() > MOST_BYTES {
            return;
        }
        // Forgotten, one is read once more.
        if kept.entries.len() >= MOST || kept.bytes + stored.len() > MOST_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += stored.len();
        let read: Arc<dyn Any + Send + Sync> = read.clone();
        kept.entries.insert(key.to_owned(), Entry { stored, read });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_read_from_the_same_bytes_is_given_and_only_so_much_is_kept() {
        let parsed = Parsed::default();
        parsed.keep("a", b"1".to_vec(), &Arc::new(1u64));
        assert_eq!(parsed.get::<u64>("a", b"1").as_deref(), Some(&1));
        assert_eq!(parsed.get::<u64>("a", b"2"), None);
        assert_eq!(parsed.get::<u64>("b", b"1"), None);
        assert_eq!(parsed.get::<String>("a", b"1"), None, "it was read as something else");
        parsed.keep("a", b"2".to_vec(), &Arc::new(2u64));
        assert_eq!(parsed.get::<u64>("a", b"1"), None);
        assert_eq!(parsed.get::<u64>("a", b"2").as_deref(), Some(&2));
        for n in 0..3 * MOST {
            parsed.keep(&format!("k{n}"), vec![0; 8 << 10], &Arc::new(n));
            let kept = parsed.0.lock().unwrap();
            let bytes: usize = kept.entries.values().map(|entry| entry.stored.len()).sum();
            assert!(kept.entries.len() <= MOST && bytes == kept.bytes && bytes <= MOST_BYTES);
        }
        parsed.keep("large", vec![0; MOST_BYTES + 1], &Arc::new(0u8));
        assert!(parsed.get::<u8>("large", &vec![0; MOST_BYTES + 1]).is_none());
    }
}

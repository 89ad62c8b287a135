//! The list of erasures: what it takes, and what it does not.

use super::*;
use crate::control::protocol::{Actor, ErasedRecord, ErasureState};

fn listed(id: &str, index: u64) -> Listed {
    let by = Actor {
        id: "a".to_owned(),
        name: "A".to_owned(),
    };
    Listed {
        origin: "a.example/log/1".to_owned(),
        erasure: ErasureLine {
            id: id.to_owned(),
            log: None,
            state: ErasureState::Erased,
            ground: "avg-17".to_owned(),
            authority: "request 1".to_owned(),
            complete_by_ms: 7,
            proposed_by: by.clone(),
            is_planned: None,
            decided_by: Some(by),
            is_buried: None,
            records: vec![ErasedRecord {
                index,
                kind: "decision-made".to_owned(),
                sections: vec!["people".to_owned()],
                tombstone: None,
            }],
            recipients: Vec::new(),
            elsewhere: Vec::new(),
        },
        listed_ms: None,
        size: Some(index + 1),
        recorded: None,
        leaves: BTreeMap::from([(index, "ab".repeat(32))]),
    }
}

#[test]
fn what_is_listed_is_read_and_what_somebody_else_put_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
    let signer = |key: &ed25519_dalek::SigningKey| Signer::ed25519("a.example/log/1", key.clone()).unwrap();
    for (id, index) in [("b", 3), ("a", 4), ("c", 3)] {
        write(folder.path(), &listed(id, index), &signer(&key), 1).unwrap();
    }
    fs::write(folder.path().join("d.tmp"), "half").unwrap();
    let ids: Vec<String> = read(folder.path(), &key)
        .unwrap()
        .into_iter()
        .map(|one| one.erasure.id)
        .collect();
    assert_eq!(ids, ["a", "b", "c"]);
    let of = |origin: &str| of_log(&[folder.path()], &key, origin, |_, _| false).unwrap();
    let other = |index: u64, leaf: &[u8; 32]| index == 3 && *leaf == [0xab; 32];
    let of_this = of_log(&[folder.path()], &key, "a.example/log/1", other).unwrap();
    assert_eq!(of_this.into_keys().collect::<Vec<_>>(), [4]);
    assert_eq!(of("a.example/log/1").into_keys().collect::<Vec<_>>(), [3, 4]);
    assert!(of("a.example/log/2").is_empty());
    assert!(of_log(&[], &key, "a.example/log/1", |_, _| false).unwrap().is_empty());

    // A folder is the list when it says so, and has as many as it said.
    let whole = || read_whole(folder.path(), &key);
    assert!(whole().unwrap_err().to_string().contains("no file `register`"));
    mark(folder.path(), 3, &signer(&key), 1).unwrap();
    assert_eq!(whole().unwrap().len(), 3);
    let aside = folder.path().join("b.erased.aside");
    fs::rename(folder.path().join("b.erased"), &aside).unwrap();
    assert!(whole().unwrap_err().to_string().contains("2 erasures of 3"));
    fs::rename(&aside, folder.path().join("b.erased")).unwrap();
    take_off(&folder.path().join("a.erased"), &signer(&key), 1);
    assert_eq!(whole().unwrap().len(), 2);
    fs::write(folder.path().join(MARK), "nothing").unwrap();
    assert!(whole().unwrap_err().to_string().contains("not a signed note"));
    mark(folder.path(), 2, &signer(&key), 1).unwrap();
    check(folder.path(), &folder.path().join("d.tmp")).unwrap();
    for inner in [folder.path(), folder.path().parent().unwrap()] {
        let error = check(folder.path(), inner).unwrap_err().to_string();
        assert!(error.contains("would be lost with it"), "{error}");
    }
    let nowhere = folder.path().join("nowhere");
    let error = read(&nowhere, &key).unwrap_err().to_string();
    assert!(
        error.contains("nowhere") && error.contains("erasure.register"),
        "{error}"
    );
    // By another key, altered, or something else.
    let other = ed25519_dalek::SigningKey::from_bytes(&[2; 32]);
    write(folder.path(), &listed("e", 3), &signer(&other), 1).unwrap();
    let wrong = folder.path().join("e.erased");
    let refused = || read(folder.path(), &key).unwrap_err().to_string();
    assert!(
        refused().contains("e.erased") && refused().contains("signature"),
        "{}",
        refused()
    );
    let good = fs::read_to_string(folder.path().join("b.erased")).unwrap();
    fs::write(&wrong, good.replace("people", "content")).unwrap();
    assert!(refused().contains("does not verify"), "{}", refused());
    fs::write(&wrong, "nothing").unwrap();
    assert!(refused().contains("not a signed note"), "{}", refused());
    fs::write(&wrong, good.replace(FIRST, "herleid-erasure/2")).unwrap();
    assert!(refused().contains("does not begin with"), "{}", refused());
}

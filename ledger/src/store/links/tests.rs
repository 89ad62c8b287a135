use super::*;
use crate::record::{Term, Used};

fn key(of: u8) -> LinkKey {
    LinkKey::from_root(&RootKey::from_bytes([of; 32]))
}

fn full() -> Linked {
    let links = Links {
        transaction: Some(Uuid::from_u128(1)),
        subject: Some(Subject {
            id: "rain".to_owned(),
            version: "1".to_owned(),
        }),
        case: Some("Z-1".to_owned()),
        made: vec![[1; 32], [2; 32]],
        used: vec![
            Used {
                transaction: Some(Uuid::from_u128(2)),
                digests: vec![[3; 32]],
            },
            Used {
                transaction: None,
                digests: vec![[4; 32], [5; 32]],
            },
        ],
    };
    Linked::new(Kind::RunReceived, &links, &key(1)).placed(7, |name| {
        (name != SectionName::StreamModel).then(|| Uuid::from_u128(name.as_str().len() as u128))
    })
}

#[test]
fn an_entry_is_read_back_and_nothing_shorter_or_longer() {
    let empty = Linked::new(Kind::Denied, &Links::default(), &key(1));
    for entry in [full(), empty] {
        let bytes = entry.encode();
        assert_eq!(Linked::decode(&bytes).unwrap(), entry);
        assert!((0..bytes.len()).all(|cut| Linked::decode(&bytes[..cut]).is_none()));
        assert!(Linked::decode(&[bytes.as_slice(), &[0]].concat()).is_none());
    }
    assert!(Linked::decode(&[99; 14]).is_none());
}

#[test]
fn codes_of_kinds_differ() {
    let codes: std::collections::BTreeSet<u8> = Kind::ALL.iter().map(|kind| code(*kind)).collect();
    assert_eq!(codes.len(), Kind::ALL.len());
}

#[test]
fn the_entry_alone_leads_to_every_way_back() {
    let entry = full();
    let ways = entry.ways_back(9);
    assert_eq!(ways.len(), 2 + 1 + 3 + 1);
    assert!(ways.iter().all(|way| way.ends_with(&9u64.to_be_bytes())));
    let given = Linked {
        kind: Kind::PullServed,
        ..entry
    };
    assert_ne!(
        given.ways_back(9)[0],
        ways[0],
        "who passes something on did not make it"
    );
}

#[test]
fn another_key_gives_other_hashes_and_so_does_another_thing() {
    let one = key(1);
    assert_ne!(one.digest(&[1; 32]), key(2).digest(&[1; 32]));
    assert_ne!(one.digest(&[1; 32]), one.digest(&[2; 32]));
    assert_eq!(one.digest(&[1; 32]), one.hash(1, &[&[1; 32]]));
    let of = |id: &str, version: &str| {
        one.subject(&Subject {
            id: id.to_owned(),
            version: version.to_owned(),
        })
    };
    assert_ne!(of("ab", "c"), of("a", "bc"));
    assert_ne!(one.case(""), of("", ""));
}

#[test]
fn what_leads_to_a_record_leads_back_to_its_entry() {
    let entry = full();
    let transaction = entry.transaction.unwrap();
    let rows: std::collections::BTreeMap<_, _> = entry.rows(9).into_iter().collect();
    assert_eq!(rows.len(), entry.ways_back(9).len() + 2);
    let numbered = Numbered::decode(&rows[&linked_key(9)]).unwrap();
    assert_eq!(numbered, Numbered::from(entry.clone()));
    assert_eq!(
        numbered,
        Numbered::Under {
            kind: Kind::RunReceived,
            at_ms: 7,
            transaction
        }
    );
    let under = &rows[&transaction_key(&transaction, 9)];
    assert_eq!(Linked::decode(under).unwrap(), entry);

    let alone = Linked {
        transaction: None,
        ..entry
    };
    let rows: std::collections::BTreeMap<_, _> = alone.rows(9).into_iter().collect();
    assert_eq!(rows.len(), alone.ways_back(9).len() + 1);
    let numbered = &rows[&linked_key(9)];
    assert_eq!(Numbered::decode(numbered).unwrap(), Numbered::Whole(alone));
    // Neither form is taken for the other, and nothing shorter or longer for either.
    assert!(Numbered::decode(under).is_none());
    let bytes = Numbered::of_transaction(Kind::PullServed, 7, &transaction);
    assert!(Linked::decode(&bytes).is_none());
    for bytes in [bytes.as_slice(), numbered.as_slice()] {
        assert!((0..bytes.len()).all(|cut| Numbered::decode(&bytes[..cut]).is_none()));
        assert!(Numbered::decode(&[bytes, &[0]].concat()).is_none());
    }
}

#[test]
fn what_is_looked_up_is_the_beginning_of_the_keys_that_are_found() {
    let entry = full();
    for (key, _) in entry.rows(9) {
        match key[0] {
            b'n' => assert_eq!(looked_up(&key), None),
            _ => assert_eq!(looked_up(&key).unwrap(), &key[..key.len() - 8]),
        }
    }
    for prefix in [
        role_prefix(&[1; 12], Role::Used),
        user_prefix(&Uuid::from_u128(1)),
        transaction_prefix(&Uuid::from_u128(1)),
    ] {
        assert_eq!(looked_up(&prefix).unwrap(), prefix);
        assert_eq!(looked_up(&prefix[..prefix.len() - 1]), None);
    }
    let other = Term::Transaction("no uuid".to_owned()).stored_key();
    assert_eq!(looked_up(&crate::store::codec::term_key(&other, 9)), None);
}

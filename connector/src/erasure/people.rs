//! Who has something erased. The control socket tells users of the machine apart, and everybody who manages it is one user there: so each
//! person has a token of their own, of which the configuration knows the digest. The token itself is on no disk that this program reads.

use crate::commands::Failure;
use crate::config::Erasure;
use crate::control::protocol::{Actor, PersonToken};
use sha2::{Digest as _, Sha256};

/// Shortest token: what could be guessed is nobody's. 32 random bytes in base64 have 43 or 44 characters.
const SHORTEST: usize = 32;
/// It takes two.
const NEEDED: usize = 2;

/// Who shows this token.
///
/// # Errors
/// When fewer than two people are configured, so that nothing can be erased at all; when the token is nobody's.
pub(super) fn known(config: &Erasure, token: &PersonToken) -> Result<Actor, Failure> {
    let people = &config.people;
    if people.len() < NEEDED {
        return Err(Failure::refused(format!(
            "erasing needs two people, and {} are named under `[[erasure.people]]`",
            people.len()
        ))
        .next("name at least two, each with the digest of a token that only they have (docs/erasure.md), and start the service again"));
    }
    let token = token.0.trim();
    let digest: [u8; 32] = Sha256::digest(token).into();
    // Digests are compared, and those are no secrets: how long it takes tells nothing of a token.
    let found = people.iter().find(|person| person.token_sha256 == digest);
    let found = found.filter(|_| token.len() >= SHORTEST).ok_or_else(|| {
        Failure::refused("the token is of nobody who is named under `[[erasure.people]]`, or is too short").next(
            format!("give your own token, of at least {SHORTEST} characters, on standard input (docs/erasure.md)"),
        )
    })?;
    Ok(Actor {
        id: found.id.clone(),
        name: found.name.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Person;

    #[test]
    fn two_people_are_needed_and_each_is_known_by_a_token() {
        let token = |n: u8| PersonToken(format!("{n}").repeat(40));
        let person = |n: u8| Person {
            id: format!("p{n}"),
            name: format!("person {n}"),
            token_sha256: Sha256::digest(token(n).0).into(),
        };
        let of = |people: Vec<Person>| Erasure {
            people,
            ..Erasure::default()
        };
        for few in [of(vec![]), of(vec![person(1)])] {
            let error = known(&few, &token(1)).unwrap_err().to_string();
            assert!(error.contains("needs two people"), "{error}");
        }
        let short = PersonToken("short".to_owned());
        let weak = Person {
            id: "weak".to_owned(),
            name: "weak".to_owned(),
            token_sha256: Sha256::digest("short").into(),
        };
        let people = of(vec![person(1), person(2), weak]);
        let second = known(&people, &token(2)).unwrap();
        assert_eq!((second.id.as_str(), second.name.as_str()), ("p2", "person 2"));
        assert_eq!(
            known(&people, &PersonToken(format!("{}\n", token(1).0))).unwrap().name,
            "person 1"
        );
        for wrong in [token(3), short, PersonToken(String::new())] {
            assert!(known(&people, &wrong).unwrap_err().to_string().contains("of nobody"));
        }
        assert!(!format!("{:?}", token(1)).contains('1'));
    }
}

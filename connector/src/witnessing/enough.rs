//! How many answers are enough to start.

/// How many of `witnesses` have to answer before a log may sign, where `quorum` of them make a record witnessed: so many that one of them
/// has seen whatever the quorum saw. With fewer, a log could be rolled back behind those that happen to be silent.
#[must_use]
pub fn needed_to_start(quorum: usize, witnesses: usize) -> usize {
    match quorum {
        // Nothing counts as witnessed, so nothing that is could be lost.
        0 => 0,
        quorum => quorum.max((witnesses + 1).saturating_sub(quorum)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_answers_at_a_start_has_one_among_them_who_saw_what_any_quorum_saw() {
        for witnesses in 1..=15 {
            for quorum in 1..=witnesses {
                let needed = needed_to_start(quorum, witnesses);
                assert!(needed >= quorum && needed <= witnesses, "{quorum} of {witnesses}");
                // Two groups of so many have a member in common, and no fewer would do.
                assert!(needed + quorum > witnesses, "{quorum} of {witnesses}");
                assert!(
                    needed == quorum || needed - 1 + quorum <= witnesses,
                    "{quorum} of {witnesses}"
                );
            }
        }
        assert_eq!(needed_to_start(0, 3), 0);
        assert_eq!((needed_to_start(2, 3), needed_to_start(1, 2)), (2, 2));
    }
}

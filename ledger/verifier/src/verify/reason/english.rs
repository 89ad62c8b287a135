//! English sentences.

use super::{Reason as R, StatedBy, moment};

fn by(by: &StatedBy) -> String {
    match by {
        StatedBy::OwnNumbers => "its own numbers".to_owned(),
        StatedBy::Receipts => "receipts of the other end".to_owned(),
        StatedBy::Decision => "the decision".to_owned(),
        StatedBy::Party { did } => did.clone(),
    }
}

fn counted(kind: &str) -> &'static str {
    match kind {
        "stream-model" => "run",
        _ => "record",
    }
}

pub(super) fn sentence(reason: &R) -> String {
    match reason {
        R::Refused { why } => why.clone(),
        R::Files { count } => format!("{count} files, all as listed"),
        R::NotListed => "the manifest does not list this file".to_owned(),
        R::ListedButAbsent => "the manifest lists this file, and it is not there".to_owned(),
        R::OtherDigest => "its length or SHA-256 is another than the manifest says: it was altered".to_owned(),
        R::NoAnchors => "no anchors were given to trust it by".to_owned(),
        R::NotAnchored => "the anchors do not know this log".to_owned(),
        R::NoKey { origin } => format!("neither the anchors nor the dossier have a key of `{origin}`"),
        R::OtherKey => "the anchors have another key for this log: somebody else may have made it".to_owned(),
        R::OtherParty { claimed, anchored } => format!("it is said to be of {claimed}, the anchors say {anchored}"),
        R::KeyNotValidThen { at_ms } => format!("by the anchors the key did not count on {}", moment(*at_ms)),
        R::Undated => {
            "by the anchors the key counted for a time only, and nothing shows that this was signed within it"
                .to_owned()
        }
        R::Witnessed { by, at_ms } => format!("cosigned by {}, first on {}", by.join(", "), moment(*at_ms)),
        R::NotWitnessed { found, quorum, outside } => {
            let outside = if *outside {
                ""
            } else {
                ", none of them from outside the case"
            };
            format!("{found} of the {quorum} witnesses asked for cosigned it{outside}")
        }
        R::InTheFuture { what, at_ms } => {
            format!(
                "{what} is dated {}, in the future of this computer's clock",
                moment(*at_ms)
            )
        }
        R::DatedLater { source, at_ms, seen_ms } => {
            let (at, seen) = (moment(*at_ms), moment(*seen_ms));
            format!("{source} is dated {at}, later than {seen}, when a witness had seen it: its clock was wrong")
        }
        R::OtherCheckpoint { file } => format!("it carries another checkpoint than `{file}`"),
        R::TooManyRecords { bytes, limit } => {
            format!("{bytes} bytes of records and receipts, at most {limit} are read: the rest is not")
        }
        R::RecordForm { what } => what.clone(),
        R::Development { did } => format!("{did} wrote records with development shortcuts on"),
        R::ClockStepped { did } => {
            format!("the clock of {did} was set back: until it had caught up, records have the time of the one before")
        }
        R::PartyWithoutLog => "the party of the manifest has no log in logs.json".to_owned(),
        R::SignsOther => "it is about another manifest than this one: the dossier was altered after signing".to_owned(),
        R::ForkedLog { size, one, other } => {
            format!("forked log: two histories of {size} records, in {one} and in {other}; keep both, they prove it")
        }
        R::ForkedIndex { index, one, other } => {
            format!("forked log: two records with index {index}, in {one} and in {other}; keep both, they prove it")
        }
        R::SameAsAnchored { size } => format!("the same history of {size} records as the anchors saw"),
        R::NoCommonSize { size } => {
            format!("the anchors saw it with {size} records, the dossier shows no history of that length")
        }
        R::NoLogOpened => "the first record of the party's log is not there".to_owned(),
        R::OpenedOther { member } => format!("the log's first record says another `{member}` than the log has"),
        R::ReusedNumber { n, one, other } => format!("reused number: {one} and {other} both have number {n}"),
        R::BrokenChain { n, source } => format!("number {n} ({source}) does not name the record before it"),
        R::NumbersOutOfOrder { n } => format!("number {n} stands in the log before a lower number"),
        R::SplitStream => "two counts for one model and one consumer: the first count may be hidden".to_owned(),
        R::MissingNumber {
            kind,
            n,
            length,
            of,
            by: who,
        } => {
            let what = counted(kind);
            format!(
                "missing: {what} {n} of {length} of `{of}`; that there are {length} say {}",
                by(who)
            )
        }
        R::MissingMore { more } => format!("missing: {more} more"),
        R::HiddenNumber { kind, source } => {
            format!("`{kind}` of {source} is not opened, which hides how many there are")
        }
        R::NotCounted { did } => format!("no record of {did}, who has the model, gives the run a number"),
        R::ClosedRun { n, length, of } => format!("run {n} of {length} of `{of}` is counted, and not shown"),
        R::Counted {
            length,
            closed,
            of,
            by: who,
        } => {
            let closed = if *closed == 0 {
                String::new()
            } else {
                format!(", {closed} of them not opened")
            };
            format!(
                "`{of}`: all {length} numbers are there{closed}; the length is from {}",
                by(who)
            )
        }
        R::CountedInPart { seen, of } => {
            format!("`{of}`: {seen} numbers, which fit; at least so many, nobody says how many")
        }
        R::NoPrior { source } => format!("`{source}` rests on this record, and it is not there"),
        R::PriorFound { count } => format!("{count} references to earlier records, all there"),
        R::SameEnds => "one party stands at both ends, and can exchange with itself whatever it likes".to_owned(),
        R::AlteredExchange { one, other } => {
            format!("altered exchange: the ends recorded different things, in {one} and in {other}")
        }
        R::EndsDiffer { section, one, other } => format!("`{section}` differs between {one} and {other}"),
        R::NotAnEnd { did } => format!("{did} recorded it, and is neither its provider nor its consumer"),
        R::ReusedTransaction { did, count } => format!("{did} recorded it {count} times"),
        R::OneEnd { present, absent } => {
            format!("only {present} shows it; the record or receipt of {absent} is missing")
        }
        R::ContentDoesNotFit { source } => format!("the content in {source} is not what the exchange commits to"),
        R::OtherThanExchanged { source } => {
            format!("{source} has other inputs, parameters or outputs than were exchanged")
        }
        R::NotOpened { section, of } => format!("no opened `{section}` of {of} is there to compare it with"),
        R::RunWithoutExchange { source } => {
            format!("the run in {source} stands in a record without an exchange, where anybody could put it")
        }
        R::RunOfOther { source } => {
            format!("the run in {source} is of another transaction, agreement or model than its exchange")
        }
        R::OtherStatus { status, source } => {
            format!("the run in {source} has the status `{status}`, which it cannot have there")
        }
        R::NoExchange { phase } => format!("there is no `{phase}` exchange of this run"),
        R::Ran { model, status } => format!("`{model}` ({status}), both ends agree"),
        R::DeclaredOwn => "declared as the runner's own; where it comes from is not recorded".to_owned(),
        R::NoPull { transaction } => format!("the pull {transaction} that should have brought it is not there"),
        R::OtherDataset => "the pull was of another dataset or version".to_owned(),
        R::OtherAgreement => "the pull was made under another agreement than the run says".to_owned(),
        R::PulledByOther { consumer } => format!("it was pulled by {consumer}, who did not run the model"),
        R::OtherThanPulled => "the pull brought other bytes than the run says".to_owned(),
        R::OtherThanReceived { did } => format!("{did} passed on other bytes than it had received"),
        R::OtherThanPublished { did } => format!("{did} gave other bytes than it had published"),
        R::NoSource { did } => {
            format!("no earlier delivery of it to {did} is there, and {did} did not publish it")
        }
        R::InSegments => "it came in segments, and nothing shows the whole".to_owned(),
        R::NoDecision => "the record of the decision is not there, or not opened".to_owned(),
        R::OtherDecision => "the decision is of another party or case than the manifest says".to_owned(),
        R::NoAuthor => "who decided is not opened".to_owned(),
        R::DecidedBy { name, role } => format!("by {name}, {role}"),
        R::OtherOutput => "the run gave another output than the decision says".to_owned(),
        R::NoOutput => "the run that should have given it, or that output of it, is not there".to_owned(),
        R::NotFinished { status } => {
            format!("not both ends show that the run finished (it is `{status}`)")
        }
        R::DeliveredToOther { did } => format!("it was delivered to {did}, not to the one who decided"),
        R::OtherDelivery => "the delivery brought other bytes than the decision says".to_owned(),
        R::NotItsDigest => "its name is not the SHA-256 of its content, or its length is another".to_owned(),
        R::OtherBlake3 { source } => format!("its BLAKE3 digest is another than {source} says"),
        R::NoFile { role, source } => format!("`{role}`, named by {source}, is not there"),
        R::NamedByNoRecord => "no record that is opened names it".to_owned(),
        R::OnlyListed => "it is as listed; what it says is not compared with the records".to_owned(),
        R::UnknownFile => "a file of a kind that this version does not know".to_owned(),
        R::NoPolicy { file } => format!("the policy that was decided on, `{file}`, is not there"),
        R::ServedThoughDenied => "it was given although the decision recorded for it denies".to_owned(),
        R::DeniedThoughPermitted => "it was denied although the decision recorded for it permits".to_owned(),
        R::DecidedForOther => "the decision is about other parties than the exchange".to_owned(),
        R::DecidedOther { member } => format!("the decision is about another {member} than its record"),
        R::NoAgreement { agreement } => {
            format!("no record of the agreement `{agreement}` that it was decided under is there")
        }
        R::OtherRequest { member } => format!("the signed request is of another {member} than the record"),
        R::NotNear {
            created_ms,
            recorded_ms,
        } => {
            let (created, recorded) = (moment(*created_ms), moment(*recorded_ms));
            format!("the request was signed on {created}, and recorded on {recorded}: too far apart to be one event")
        }
        R::NoKeyAnchor { key } => format!("the anchors have no key `{key}` that counted then"),
        R::Incomplete { what } => format!("{what} is not there to check it with"),
        R::FalsePulls { count } => format!("{count} pull(s) between them"),
        R::FalseRuns { count } => format!("{count} exchange(s) of runs between them"),
        R::RewrittenLog { origin } => format!("another history of `{origin}` shown to others"),
        R::UnloggedRuns => "runs that somebody made on a computer of their own and did not record".to_owned(),
        R::FalseSource => "data that were already wrong when their holder published them".to_owned(),
        R::BothEnds => "something that both ends of an exchange agreed to record falsely".to_owned(),
        R::UnseenTail => "records after the last checkpoint that a witness cosigned".to_owned(),
    }
}

//! The actions of ODRL 2.2 and which of them a permission or a prohibition covers (Information Model 2.2, section 2.5;
//! Common Vocabulary 4.2).

use crate::terms::odrl_local;
use herleid_vocab::terms::ODRL;
use std::fmt;

/// One row a term: its name, the action it is included in, and whether it serves third parties.
struct Row {
    name: &'static str,
    included_in: Option<&'static str>,
    to_others: bool,
}

const fn row(name: &'static str, included_in: &'static str) -> Row {
    Row {
        name,
        included_in: Some(included_in),
        to_others: false,
    }
}

const fn outward(name: &'static str, included_in: &'static str) -> Row {
    Row {
        name,
        included_in: Some(included_in),
        to_others: true,
    }
}

const fn top(name: &'static str, to_others: bool) -> Row {
    Row {
        name,
        included_in: None,
        to_others,
    }
}

/// All actions of ODRL 2.2 that are not deprecated, with `odrl:includedIn` as the vocabulary states it.
///
/// `to_others` is our own column: the action puts the asset, or a right in it, into the hands of somebody else than the
/// assignee. The vocabulary calls `use` "the most generic action for all non-third-party usage" and yet lists `distribute`
/// and its like under it; a holder who writes `use` does not mean "and pass it on". So a permission reaches such an
/// action only by naming it, while a prohibition of `use` still forbids all of them.
const ACTIONS: [Row; 42] = [
    top("use", false),
    top("transfer", true),
    row("acceptTracking", "use"),
    row("aggregate", "use"),
    row("annotate", "use"),
    row("anonymize", "use"),
    row("archive", "use"),
    row("attribute", "use"),
    row("compensate", "use"),
    row("concurrentUse", "use"),
    row("delete", "use"),
    row("derive", "use"),
    row("digitize", "use"),
    row("display", "play"),
    outward("distribute", "use"),
    row("ensureExclusivity", "use"),
    row("execute", "use"),
    row("extract", "reproduce"),
    outward("give", "transfer"),
    outward("grantUse", "use"),
    row("include", "use"),
    row("index", "use"),
    row("inform", "use"),
    row("install", "use"),
    row("modify", "use"),
    row("move", "use"),
    outward("nextPolicy", "use"),
    row("obtainConsent", "use"),
    row("play", "use"),
    outward("present", "use"),
    row("print", "use"),
    row("read", "use"),
    row("reproduce", "use"),
    row("reviewPolicy", "use"),
    outward("sell", "transfer"),
    row("stream", "use"),
    row("synchronize", "use"),
    row("textToSpeech", "use"),
    row("transform", "use"),
    row("translate", "use"),
    row("uninstall", "use"),
    row("watermark", "use"),
];

/// Deprecated terms that the vocabulary gives an exact match (`skos:exactMatch`): read as that.
const SAME: [(&str, &str); 8] = [
    ("append", "modify"),
    ("appendTo", "modify"),
    ("copy", "reproduce"),
    ("export", "transform"),
    ("license", "grantUse"),
    ("pay", "compensate"),
    ("write", "modify"),
    ("writeTo", "modify"),
];

/// Deprecated terms without an exact match, with what to write instead.
const DEPRECATED: [(&str, &str); 13] = [
    ("adHocShare", "distribute"),
    ("attachPolicy", "attribute"),
    ("attachSource", "attribute"),
    ("commercialize", "use"),
    ("extractChar", "extract"),
    ("extractPage", "extract"),
    ("extractWord", "extract"),
    ("lease", "grantUse"),
    ("lend", "grantUse"),
    ("preview", "display"),
    ("secondaryUse", "use"),
    ("share", "distribute"),
    ("shareAlike", "nextPolicy"),
];

/// The actions that connectors ask for.
const ASKED_FOR: [&str; 2] = ["use", "distribute"];

/// An action that this evaluator understands.
#[derive(Clone, Copy)]
pub struct Action(&'static Row);

impl Action {
    /// Reads an action in any spelling (bare, `odrl:`, full IRI, deprecated name of the same thing).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let local = odrl_local(text)?;
        let local = SAME
            .iter()
            .find(|(old, _)| *old == local)
            .map_or(local, |(_, new)| *new);
        ACTIONS.iter().find(|row| row.name == local).map(Self)
    }

    /// Every local name that an action goes by, deprecated ones of the same thing among them.
    pub(crate) fn spellings() -> impl Iterator<Item = (&'static str, Self)> {
        let own = ACTIONS.iter().map(|row| (row.name, Self(row)));
        own.chain(SAME.iter().filter_map(|(old, new)| Some((*old, Self::parse(new)?))))
    }

    /// All of them, in the order of the table.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        ACTIONS.iter().map(Self)
    }

    /// What ODRL 2.2 says to write in place of a deprecated action.
    #[must_use]
    pub(crate) fn replacement(text: &str) -> Option<&'static str> {
        let local = odrl_local(text)?;
        DEPRECATED.iter().find(|(old, _)| *old == local).map(|(_, new)| *new)
    }

    /// Local name, for example `use`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Full IRI.
    #[must_use]
    pub(crate) fn iri(self) -> String {
        format!("{ODRL}{}", self.0.name)
    }

    /// As the protocol's context keeps it: only `use` is a term there, everything else needs its prefix.
    #[must_use]
    pub(crate) fn wire(self) -> String {
        match self.0.name {
            "use" => "use".to_owned(),
            name => format!("odrl:{name}"),
        }
    }

    /// Whether it serves somebody else than the assignee, so that a permission must name it.
    #[must_use]
    pub fn to_others(self) -> bool {
        self.0.to_others
    }

    /// Whether `self` is `wider` or is included in it (transitively).
    #[must_use]
    pub(crate) fn is_within(self, wider: Self) -> bool {
        let mut current = Some(self);
        while let Some(action) = current {
            if action == wider {
                return true;
            }
            current = action.0.included_in.and_then(Self::parse);
        }
        false
    }

    /// Whether a permission for `self` reaches `asked`: the action itself, and what is included in it unless that
    /// serves third parties.
    #[must_use]
    pub(crate) fn permits(self, asked: Self) -> bool {
        self == asked || (asked.is_within(self) && !asked.to_others())
    }

    /// Whether a prohibition of `self` reaches `asked`: the action itself, everything included in it, and whatever it is a
    /// part of. Who asks for `use` asks for all that a permission of `use` gives, so a prohibition of `reproduce` stands in
    /// its way: nobody could see to it that what was handed over is used but not copied. Passing on is no part of `use`.
    #[must_use]
    pub(crate) fn prohibits(self, asked: Self) -> bool {
        let is_part = self.is_within(asked) && (asked.to_others() || !self.to_others());
        asked.is_within(self) || is_part
    }

    /// Whether a connector ever asks for it: `use` for a pull and a run, `distribute` for passing on. Rules about other
    /// actions come into play only as parts or wholes of these two.
    #[must_use]
    pub fn is_asked_for(self) -> bool {
        ASKED_FOR.contains(&self.0.name)
    }

    /// Name and parent of every action, for the digest of what decisions rest on.
    pub(crate) fn table() -> impl Iterator<Item = String> {
        let rows = ACTIONS.iter().map(|row| {
            let parent = row.included_in.unwrap_or("-");
            format!("action {} {parent} {}", row.name, u8::from(row.to_others))
        });
        rows.chain(SAME.iter().map(|(old, new)| format!("same {old} {new}")))
    }
}

impl PartialEq for Action {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Action {}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(text: &str) -> Action {
        Action::parse(text).unwrap()
    }

    #[test]
    fn use_does_not_reach_third_parties_but_forbidding_it_does() {
        assert!(action("use").permits(action("odrl:read")));
        assert!(action("use").permits(action("display")));
        assert!(action("use").permits(action("extract")));
        for outward in [
            "distribute",
            "grantUse",
            "nextPolicy",
            "present",
            "transfer",
            "sell",
            "give",
        ] {
            assert!(!action("use").permits(action(outward)), "{outward}");
            assert!(action(outward).permits(action(outward)), "{outward}");
        }
        assert!(!action("transfer").permits(action("sell")));
        assert!(action("use").prohibits(action("distribute")));
        assert!(action("transfer").prohibits(action("sell")));
        assert!(!action("use").prohibits(action("sell")));
        assert!(!action("distribute").prohibits(action("use")));
        assert!(!action("read").permits(action("use")));
    }

    #[test]
    fn forbidding_a_part_of_what_is_asked_forbids_it() {
        for part in ["read", "reproduce", "execute", "derive", "display", "extract"] {
            assert!(action(part).prohibits(action("use")), "{part}");
        }
        assert!(action("extract").prohibits(action("reproduce")));
        assert!(action("sell").prohibits(action("transfer")), "who asks for all of it");
        for outward in ["distribute", "grantUse", "nextPolicy", "present", "sell"] {
            assert!(
                !action(outward).prohibits(action("use")),
                "{outward} is no part of using it oneself"
            );
        }
        assert!(!action("read").prohibits(action("execute")), "beside each other");
        assert!(!action("read").prohibits(action("distribute")));
    }

    #[test]
    fn every_parent_is_an_action_and_no_replacement_is_deprecated() {
        for row in &ACTIONS {
            assert!(
                row.included_in.is_none_or(|parent| Action::parse(parent).is_some()),
                "{}",
                row.name
            );
        }
        for (old, new) in SAME {
            assert_eq!(action(old), action(new));
        }
        for (old, new) in DEPRECATED {
            assert!(Action::parse(old).is_none(), "{old}");
            assert!(Action::parse(new).is_some(), "{new}");
        }
    }
}

//! What the command line says, English and Dutch side by side, in Fluent's notation for variables.

/// A language that the command line speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Dutch.
    Dutch,
}

impl Language {
    /// The first of these that is spoken here: the flag, the variable, the system's locales in their order; else English.
    #[must_use]
    pub fn choose(flag: Option<&str>, variable: Option<&str>, system: impl IntoIterator<Item = String>) -> Self {
        let asked = flag.into_iter().chain(variable).map(str::to_owned).chain(system);
        let mut known = asked.filter_map(|locale| {
            let primary = locale
                .split(['_', '-', '.', '@'])
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            match primary.as_str() {
                "nl" => Some(Self::Dutch),
                "en" => Some(Self::English),
                _ => None,
            }
        });
        known.next().unwrap_or_default()
    }
}

/// The sentence `key` in `language` with `{ $name }` replaced; `None` for an unknown key.
#[must_use]
pub fn find(language: Language, key: &str, values: &[(&str, &str)]) -> Option<String> {
    let (_, english, dutch) = TEXTS.iter().find(|(known, ..)| *known == key)?;
    let mut text = match language {
        Language::English => *english,
        Language::Dutch => *dutch,
    }
    .to_owned();
    for (name, value) in values {
        text = text.replace(&format!("{{ ${name} }}"), value);
    }
    Some(text)
}

/// As [`find`]; an unknown key comes back in brackets, so that a reader can report it.
#[must_use]
pub fn text(language: Language, key: &str, values: &[(&str, &str)]) -> String {
    find(language, key, values).unwrap_or_else(|| format!("[{key}]"))
}

/// Key, English, Dutch.
const TEXTS: &[(&str, &str, &str)] = &[
    // An error's parts.
    ("cli-error-found", "found:", "gevonden:"),
    ("cli-error-expected", "expected:", "verwacht:"),
    ("cli-error-next", "what to do:", "wat te doen:"),
    (
        "cli-interrupted",
        "stopped by you; the service finishes what must not be left half done (`herleid status` shows what was recorded)",
        "door u gestopt; de dienst maakt af wat niet half mag blijven (`herleid status` laat zien wat is vastgelegd)",
    ),
    // Progress.
    ("cli-step-publish", "reading", "inlezen"),
    ("cli-step-catalog", "reading the catalogue", "catalogus lezen"),
    ("cli-step-negotiate", "negotiating", "onderhandelen"),
    ("cli-step-pull", "fetching", "ophalen"),
    ("cli-step-run", "computing", "rekenen"),
    ("cli-step-trace", "following the trace", "spoor volgen"),
    ("cli-step-dossier", "writing the dossier", "dossier schrijven"),
    ("cli-step-verify", "verifying", "controleren"),
    ("cli-step-replay", "computing again", "opnieuw rekenen"),
    (
        "cli-progress-of",
        "{ $step }: { $done } of { $total } ({ $percent }%)",
        "{ $step }: { $done } van { $total } ({ $percent }%)",
    ),
    ("cli-progress", "{ $step }: { $done }", "{ $step }: { $done }"),
    // Lists.
    ("cli-shown-all", "{ $total } in all", "{ $total } in totaal"),
    (
        "cli-shown-some",
        "{ $shown } of { $total }; `--limit 0` shows all",
        "{ $shown } van { $total }; `--limit 0` toont alles",
    ),
    ("cli-empty", "nothing", "niets"),
    // Columns.
    ("cli-column-id", "identifier", "kenmerk"),
    ("cli-column-kind", "kind", "soort"),
    ("cli-column-title", "title", "titel"),
    ("cli-column-version", "version", "versie"),
    ("cli-column-size", "size", "grootte"),
    ("cli-column-offers", "offers", "aanbiedingen"),
    ("cli-column-agreement", "agreement", "overeenkomst"),
    ("cli-column-side", "side", "kant"),
    ("cli-column-other", "other party", "andere partij"),
    ("cli-column-dataset", "dataset or model", "dataset of model"),
    ("cli-column-policy", "policy", "voorwaarden"),
    ("cli-column-open", "open until", "open tot"),
    ("cli-column-issuer", "issuer", "uitgever"),
    ("cli-column-subject", "subject", "over wie"),
    ("cli-column-types", "types", "soorten"),
    ("cli-column-valid", "valid until", "geldig tot"),
    ("cli-column-state", "state", "toestand"),
    ("cli-column-name", "name", "naam"),
    ("cli-column-digest", "sha-256", "sha-256"),
    ("cli-column-path", "file", "bestand"),
    // Words in cells.
    ("cli-kind-dataset", "dataset", "dataset"),
    ("cli-kind-model", "model", "model"),
    ("cli-side-provider", "provider", "aanbieder"),
    ("cli-side-consumer", "consumer", "afnemer"),
    ("cli-open-always", "no end stated", "geen einde genoemd"),
    ("cli-closed", "closed: { $why }", "gesloten: { $why }"),
    ("cli-valid", "valid", "geldig"),
    // Results.
    (
        "cli-published",
        "published `{ $id }`, version { $version }: { $size }, record { $index }",
        "gepubliceerd: `{ $id }`, versie { $version }: { $size }, record { $index }",
    ),
    (
        "cli-withdrawn",
        "withdrawn: `{ $id }`, version { $versions }, record { $index }",
        "ingetrokken: `{ $id }`, versie { $versions }, record { $index }",
    ),
    (
        "cli-credential-added",
        "kept: { $types } from { $issuer }",
        "bewaard: { $types } van { $issuer }",
    ),
    (
        "cli-negotiated",
        "agreement `{ $agreement }` ({ $state })\nnext: `herleid pull { $agreement }`, or `herleid run` for a model",
        "overeenkomst `{ $agreement }` ({ $state })\nverder met: `herleid pull { $agreement }`, of `herleid run` voor een model",
    ),
    (
        "cli-pulled",
        "fetched { $size } to { $path }\n  sha-256     { $sha256 }\n  blake3      { $blake3 }\n  transaction { $transaction }, record { $index }",
        "{ $size } opgehaald naar { $path }\n  sha-256    { $sha256 }\n  blake3     { $blake3 }\n  transactie { $transaction }, record { $index }",
    ),
    (
        "cli-ran",
        "`{ $model }`, version { $version }, has run: transaction { $transaction }, record { $index }",
        "`{ $model }`, versie { $version }, heeft gerekend: transactie { $transaction }, record { $index }",
    ),
    (
        "cli-decided",
        "decision recorded: { $record }, record { $index }",
        "besluit vastgelegd: { $record }, record { $index }",
    ),
    (
        "cli-dossier",
        "dossier: { $path }\n  sha-256 of its manifest { $manifest }",
        "dossier: { $path }\n  sha-256 van het manifest { $manifest }",
    ),
    (
        "cli-anchors",
        "anchors: { $path }\n  fingerprint of the log's key { $fingerprint }",
        "ankers: { $path }\n  vingerafdruk van de sleutel van het logboek { $fingerprint }",
    ),
    (
        "cli-dossier-next",
        "next: `herleid verify { $path } --anchors <anchors obtained elsewhere>`",
        "verder met: `herleid verify { $path } --anchors <ankers van elders>`",
    ),
    (
        "cli-status-log",
        "log { $origin }: { $size } records, { $witnessed } of them witnessed",
        "logboek { $origin }: { $size } records, waarvan { $witnessed } met getuigen",
    ),
    (
        "cli-status-peer",
        "peer { $name }: { $did }",
        "partner { $name }: { $did }",
    ),
    ("cli-status-warning", "WARNING: { $warning }", "LET OP: { $warning }"),
    // Trace.
    (
        "cli-trace-record",
        "record { $index } of { $party }",
        "record { $index } van { $party }",
    ),
    ("cli-trace-verified", "verified", "gecontroleerd"),
    ("cli-trace-not-verified", "NOT verified", "NIET gecontroleerd"),
    // What was typed.
    (
        "cli-usage-command",
        "there is no command `{ $name }`",
        "er is geen opdracht `{ $name }`",
    ),
    (
        "cli-usage-unknown",
        "there is no option `{ $argument }`",
        "er is geen optie `{ $argument }`",
    ),
    ("cli-usage-meant", "perhaps `{ $names }`", "misschien `{ $names }`"),
    (
        "cli-usage-value",
        "`{ $argument }` cannot be `{ $value }`",
        "`{ $argument }` kan niet `{ $value }` zijn",
    ),
    (
        "cli-usage-no-value",
        "`{ $argument }` needs a value",
        "bij `{ $argument }` hoort een waarde",
    ),
    (
        "cli-usage-conflict",
        "`{ $argument }` and `{ $other }` exclude each other",
        "`{ $argument }` en `{ $other }` gaan niet samen",
    ),
    (
        "cli-usage-missing",
        "still needed: { $argument }",
        "nog nodig: { $argument }",
    ),
    (
        "cli-usage-no-command",
        "a command is needed",
        "er is een opdracht nodig",
    ),
    (
        "cli-usage-next",
        "`{ $help }` shows how it is used",
        "`{ $help }` laat zien hoe het moet",
    ),
    // Arguments that turn out wrong.
    (
        "cli-file-missing",
        "there is no file `{ $path }`",
        "er is geen bestand `{ $path }`",
    ),
    (
        "cli-file-unreadable",
        "`{ $path }` cannot be read",
        "`{ $path }` kan niet worden gelezen",
    ),
    (
        "cli-file-not-json",
        "`{ $path }` is not JSON that can be used",
        "`{ $path }` is geen bruikbare JSON",
    ),
    (
        "cli-file-not-text",
        "`{ $path }` is not UTF-8 text",
        "`{ $path }` is geen UTF-8-tekst",
    ),
    (
        "cli-twice",
        "`{ $name }` is given twice",
        "`{ $name }` staat er twee keer",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn variables(text: &str) -> BTreeSet<&str> {
        text.split("{ $")
            .skip(1)
            .map(|rest| rest.split(" }").next().unwrap())
            .collect()
    }

    #[test]
    fn both_languages_have_the_same_variables_and_no_key_stands_twice() {
        let mut seen = BTreeMap::new();
        for (key, english, dutch) in TEXTS {
            assert_eq!(variables(english), variables(dutch), "{key}");
            assert!(
                key.starts_with("cli-") && !english.is_empty() && !dutch.is_empty(),
                "{key}"
            );
            assert!(seen.insert(key, ()).is_none(), "{key} stands twice");
        }
    }

    #[test]
    fn variables_are_filled_in_and_unknown_keys_show() {
        assert_eq!(text(Language::Dutch, "cli-shown-all", &[("total", "7")]), "7 in totaal");
        assert_eq!(text(Language::English, "cli-no-such", &[]), "[cli-no-such]");
    }
}

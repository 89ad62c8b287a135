//! The report as text for people.

use super::verdict::{Check, Element, Explained, Report, Verdict, Why};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Language of the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Dutch.
    Nederlands,
}

impl Language {
    /// One of two texts.
    pub(crate) const fn pick(self, english: &'static str, nederlands: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Nederlands => nederlands,
        }
    }
}

impl Verdict {
    /// The verdict as one or two words.
    #[must_use]
    pub const fn word(self, language: Language) -> &'static str {
        match self {
            Self::Verified => language.pick("verified", "geverifieerd"),
            Self::NotChecked => language.pick("not checked", "niet gecontroleerd"),
            Self::Missing => language.pick("missing", "ontbreekt"),
            Self::Untrusted => language.pick("untrusted", "niet vertrouwd"),
            Self::Failed => language.pick("failed", "mislukt"),
        }
    }
}

impl Why {
    const fn word(self, language: Language) -> &'static str {
        match self {
            Self::Erased => language.pick("erased", "gewist"),
            Self::Withheld => language.pick("withheld", "achtergehouden"),
            Self::NeverRecorded => language.pick("never recorded", "nooit vastgelegd"),
            Self::Licence => language.pick("licence", "licentie"),
        }
    }
}

impl Check {
    /// What was checked, for a heading.
    #[must_use]
    pub const fn word(self, language: Language) -> &'static str {
        match self {
            Self::Archive => language.pick("Zip file", "Zip-bestand"),
            Self::Manifest => language.pick("List of files", "Lijst van bestanden"),
            Self::File => language.pick("File", "Bestand"),
            Self::Signature => language.pick("Signature over the list", "Handtekening onder de lijst"),
            Self::ManifestRecord => language.pick("List in the log", "Lijst in het logboek"),
            Self::Log => language.pick("Log and its key", "Logboek en sleutel"),
            Self::Checkpoint => language.pick("Checkpoint", "Controlepunt"),
            Self::Cosignatures => language.pick("Witnesses", "Getuigen"),
            Self::Fork => language.pick("One history", "Eén geschiedenis"),
            Self::LogOpened => language.pick("First record of the log", "Eerste vastlegging van het logboek"),
            Self::Record => language.pick("Record", "Vastlegging"),
            Self::Receipt => language.pick("Receipt", "Ontvangstbewijs"),
            Self::Stream => language.pick("Numbers without gaps", "Nummers zonder gaten"),
            Self::Prior => language.pick("Earlier records", "Eerdere vastleggingen"),
            Self::Exchange => language.pick("Both ends of an exchange", "Beide kanten van een uitwisseling"),
            Self::Run => language.pick("Model run", "Berekening"),
            Self::Input => language.pick("Input", "Invoer"),
            Self::Output => language.pick("Output relied on", "Gebruikte uitkomst"),
            Self::Decision => language.pick("Decision", "Besluit"),
            Self::Evidence => language.pick("Document", "Bewijsstuk"),
            Self::Data => language.pick("Data", "Gegevens"),
            Self::Model => language.pick("Model program", "Modelprogramma"),
            Self::Policy => language.pick("Policy decision, evaluated again", "Voorwaarden, opnieuw beoordeeld"),
            Self::Credential => language.pick("Credential", "Legitimatie"),
            Self::Request => language.pick("Signed request", "Ondertekend verzoek"),
            Self::Text => language.pick("Texts made from the records", "Teksten bij de vastleggingen"),
        }
    }
}

pub(super) fn render(report: &Report, language: Language) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(report, language, &mut out);
    out
}

/// Text from a dossier as one line that a terminal shows as it is: no control characters, which could paint another verdict, and
/// no marks that turn the direction of what follows.
#[must_use]
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if is_invisible(character) {
            let _ = write!(plain, "[U+{:04X}]", u32::from(character));
        } else {
            plain.push(character);
        }
    }
    plain
}

/// Control characters and the directional marks of Unicode (UAX 9, section 2).
pub(crate) fn is_invisible(character: char) -> bool {
    let turns =
        matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}');
    character.is_control() || turns || matches!(character, '\u{2028}' | '\u{2029}')
}

fn write(report: &Report, language: Language, out: &mut String) -> std::fmt::Result {
    let word = report.verdict.word(language).to_uppercase();
    writeln!(
        out,
        "{}: {word} ({})",
        language.pick("Verdict", "Oordeel"),
        report.exit_code
    )?;
    if let Some(case) = &report.case {
        writeln!(out, "{}: {}", language.pick("Case", "Zaak"), plain(case))?;
    }
    if let Some(party) = &report.party {
        writeln!(
            out,
            "{}: {}",
            language.pick("Dossier made by", "Dossier gemaakt door"),
            plain(party)
        )?;
    }
    for verdict in [Verdict::Failed, Verdict::Untrusted, Verdict::Missing] {
        let elements: Vec<&Element> = report.of(verdict).collect();
        if !elements.is_empty() {
            writeln!(out, "\n{} ({})", verdict.word(language).to_uppercase(), elements.len())?;
            for element in elements {
                line(element, language, out)?;
            }
        }
    }
    for verdict in [Verdict::Verified, Verdict::NotChecked] {
        let mut groups: BTreeMap<Check, Vec<&Element>> = BTreeMap::new();
        for element in report.of(verdict) {
            groups.entry(element.check).or_default().push(element);
        }
        if !groups.is_empty() {
            writeln!(out, "\n{}", verdict.word(language).to_uppercase())?;
        }
        for (check, elements) in groups {
            group(check, &elements, language, out)?;
        }
    }
    for note in &report.notes {
        writeln!(
            out,
            "\n{}: {}",
            language.pick("Note", "Let op"),
            plain(&note.text(language))
        )?;
    }
    trailer(report, language, out)
}

fn line(element: &Element, language: Language, out: &mut String) -> std::fmt::Result {
    write!(out, "  {}: {}", element.check.word(language), plain(&element.subject))?;
    if let Some(reason) = &element.reason {
        write!(out, ": {}", plain(&reason.text(language)))?;
    }
    if let Some(explained) = &element.explained {
        write!(out, " ({})", plain(&explanation(explained, language)))?;
    }
    writeln!(out)
}

fn explanation(explained: &Explained, language: Language) -> String {
    let proved = if explained.proved {
        language.pick(
            "explained, and proved by the log",
            "verklaard, en bewezen door het logboek",
        )
    } else {
        language.pick("explained by the party", "verklaring van de partij")
    };
    format!("{proved}: {}: {}", explained.why.word(language), explained.explanation)
}

/// Few elements in full, many as a number.
fn group(check: Check, elements: &[&Element], language: Language, out: &mut String) -> std::fmt::Result {
    const IN_FULL: usize = 3;
    if elements.len() <= IN_FULL {
        return elements.iter().try_for_each(|element| line(element, language, out));
    }
    writeln!(out, "  {}: {}", check.word(language), elements.len())
}

fn trailer(report: &Report, language: Language, out: &mut String) -> std::fmt::Result {
    if !report.collusion.is_empty() {
        let heading = language.pick(
            "For this to be false all the same, these would have had to act together:",
            "Als dit toch niet waar is, moeten deze partijen hebben samengewerkt:",
        );
        writeln!(out, "\n{heading}")?;
        for collusion in &report.collusion {
            writeln!(
                out,
                "  {}: {}",
                plain(&collusion.claim.text(language)),
                plain(&collusion.who.join(", "))
            )?;
        }
    }
    let heading = language.pick("No verification can find out:", "Geen enkele controle kan ontdekken:");
    writeln!(out, "\n{heading}")?;
    for reason in &report.undetectable {
        writeln!(out, "  {}", reason.text(language))?;
    }
    if report.fingerprints.is_empty() {
        return Ok(());
    }
    let heading = language.pick(
        "Call each party on a number you know, and compare the key of its log:",
        "Bel elke partij op een nummer dat u kent, en vergelijk de sleutel van het logboek:",
    );
    writeln!(out, "\n{heading}")?;
    for print in &report.fingerprints {
        let (did, origin) = (plain(&print.did), plain(&print.origin));
        writeln!(out, "  {did} {origin}\n    {}", print.fingerprint)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::reason::Reason;
    use crate::verify::verdict::Findings;

    #[test]
    fn nothing_in_a_dossier_can_paint_a_verdict() {
        let mut findings = Findings::default();
        let evil = "x\r\n\u{1b}[2JVerdict: VERIFIED (0)\u{202e}";
        findings.failed(Check::Run, evil, Reason::refused(evil));
        let report = Report {
            verdict: Verdict::Failed,
            exit_code: 1,
            case: Some(evil.to_owned()),
            party: Some(evil.to_owned()),
            made_ms: None,
            manifest: None,
            elements: findings.elements,
            notes: vec![Reason::refused(evil)],
            fingerprints: Vec::new(),
            collusion: Vec::new(),
            undetectable: Vec::new(),
        };
        for language in [Language::English, Language::Nederlands] {
            let text = report.text(language);
            assert!(!text.chars().any(|c| c != '\n' && is_invisible(c)), "{text}");
            assert!(
                !text
                    .lines()
                    .skip(1)
                    .any(|line| line.starts_with("Verdict") || line.starts_with("Oordeel"))
            );
            assert!(text.contains("x[U+000D][U+000A][U+001B][2JVerdict"), "{text}");
        }
    }
}

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

fn write(report: &Report, language: Language, out: &mut String) -> std::fmt::Result {
    let word = report.verdict.word(language).to_uppercase();
    writeln!(
        out,
        "{}: {word} ({})",
        language.pick("Verdict", "Oordeel"),
        report.exit_code
    )?;
    if let Some(case) = &report.case {
        writeln!(out, "{}: {case}", language.pick("Case", "Zaak"))?;
    }
    if let Some(party) = &report.party {
        writeln!(
            out,
            "{}: {party}",
            language.pick("Dossier made by", "Dossier gemaakt door")
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
        writeln!(out, "\n{}: {}", language.pick("Note", "Let op"), note.text(language))?;
    }
    trailer(report, language, out)
}

fn line(element: &Element, language: Language, out: &mut String) -> std::fmt::Result {
    write!(out, "  {}: {}", element.check.word(language), element.subject)?;
    if let Some(reason) = &element.reason {
        write!(out, ": {}", reason.text(language))?;
    }
    if let Some(explained) = &element.explained {
        write!(out, " ({})", explanation(explained, language))?;
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
                collusion.claim.text(language),
                collusion.who.join(", ")
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
        writeln!(out, "  {} {}\n    {}", print.did, print.origin, print.fingerprint)?;
    }
    Ok(())
}

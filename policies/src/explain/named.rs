//! Operands and operators by name, in English and in Dutch side by side.

use super::Language;
use super::words::say;

/// The operator as it reads after its operand.
pub(super) fn operator(name: &str, operand: &str, language: Language) -> String {
    let (english, dutch) = match (name, operand == "dateTime") {
        ("lt", true) => ("before", "voor"),
        ("lt", false) => ("below", "lager dan"),
        ("lteq", true) => ("no later than", "niet later dan"),
        ("lteq", false) => ("at most", "hoogstens"),
        ("gt", true) => ("after", "na"),
        ("gt", false) => ("above", "hoger dan"),
        ("gteq", true) => ("no earlier than", "niet eerder dan"),
        ("gteq", false) => ("at least", "minstens"),
        ("eq", _) => ("exactly", "precies"),
        ("neq", _) => ("anything but", "iets anders dan"),
        ("isPartOf", _) if operand == "spatial" || operand == "areaOfUse" => ("within", "binnen"),
        ("hasPart", _) if operand == "spatial" => ("something that includes", "iets dat dit omvat:"),
        ("isA", _) if operand == "legalBasis" => ("within", "een grondslag binnen"),
        ("isA" | "isPartOf", _) => ("within", "een doel binnen"),
        ("hasPart", _) => ("something that includes", "een doel dat dit omvat:"),
        ("isAllOf", _) => ("all of", "dit alles:"),
        ("isAnyOf", _) => ("one of", "een van"),
        ("isNoneOf", _) => ("none of", "geen van"),
        (other, _) => (other, other),
    };
    say(language, english, dutch)
}

pub(super) fn operand(name: &str, language: Language) -> String {
    let (english, dutch) = match name {
        "dateTime" => ("the time of the request", "het tijdstip van de aanvraag"),
        "purpose" => ("the stated purpose", "het opgegeven doel"),
        "recipient" => ("the recipient", "de ontvanger"),
        "counterpartyLog" => (
            "what is known of the other party's own log",
            "wat bekend is over het eigen logboek van de andere partij",
        ),
        "count" => (
            "the number of times used, this one included",
            "het aantal keren gebruik, deze keer meegeteld,",
        ),
        "spatial" => (
            "the area that a credential of the asker names",
            "het gebied dat in een bewijs van de vrager staat",
        ),
        "volume" => (
            "the number of bytes delivered, this delivery included",
            "het aantal geleverde bytes, deze levering meegeteld,",
        ),
        "legalBasis" => ("the stated legal basis", "de opgegeven grondslag"),
        "areaOfUse" => ("the stated area of use", "het opgegeven gebied van gebruik"),
        "payAmount" => ("what a use costs", "wat een gebruik kost"),
        other => (other, other),
    };
    say(language, english, dutch)
}

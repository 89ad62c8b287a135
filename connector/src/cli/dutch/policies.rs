//! The texts, by command and option: policies.

const SET: &str =
    "Wat op een open plek van de voorwaarden hoort; nog eens voor een andere plek, of voor nog een waarde";
const POLICY: &str = "De voorwaarden: een JSON-bestand, of de naam van kant-en-klare";

pub(super) const POLICIES: &[(&str, &str)] = &[
    (
        "policy",
        "Controleer, probeer of vergelijk voorwaarden voordat u ze publiceert, of laat een reeks ODRL-gevallen lopen",
    ),
    ("publish.set", SET),
    (
        "policy list",
        "Toon de kant-en-klare voorwaarden, en wat in elk ingevuld moet worden",
    ),
    (
        "policy show",
        "Toon kant-en-klare voorwaarden, om zo te publiceren of om mee te beginnen",
    ),
    ("policy show.name", "De naam, zoals `herleid policy list` hem toont"),
    ("policy show.set", SET),
    (
        "policy purposes",
        "Toon de doelen die voorwaarden kunnen noemen, met hun wetsartikelen",
    ),
    (
        "policy purposes.word",
        "Alleen die met dit woord in de naam, de tekst of de wet",
    ),
    (
        "policy check",
        "Zeg of voorwaarden begrepen worden, waar niet, en wie op elk ervan toeziet",
    ),
    ("policy check.policy", POLICY),
    ("policy check.set", SET),
    (
        "policy try",
        "Zeg of iemand gegevens zou krijgen onder voorwaarden, en zo niet, waarom niet en wie dat kan veranderen",
    ),
    ("policy try.policy", POLICY),
    ("policy try.set", SET),
    (
        "policy try.dataset",
        "In plaats daarvan: waaronder de draaiende dienst deze dataset of modeldienst aanbiedt",
    ),
    (
        "policy try.action",
        "Wat gevraagd wordt: ophalen of laten rekenen (use), of doorgeven (distribute); zonder: use",
    ),
    (
        "policy try.who",
        "Wie vraagt; zonder: tot wie een overeenkomst zich richt, of iemand die niet genoemd is",
    ),
    ("policy try.recipient", "Wie het ontvangt; zonder: wie vraagt"),
    ("policy try.purposes", "Waarvoor; een connector noemt er één"),
    (
        "policy try.legal_basis",
        "Op welke grondslag het volgens wie vraagt berust",
    ),
    (
        "policy try.area_of_use",
        "Voor welk gebied het volgens wie vraagt wordt gebruikt",
    ),
    ("policy try.area", "Voor welk gebied een bewijs van wie vraagt geldt"),
    (
        "policy try.time",
        "Wanneer: nu, morgen, of een tijd als 2027-01-01T09:00:00+01:00; zonder: nu",
    ),
    (
        "policy try.used",
        "Hoe vaak het eerder gebruikt is, onder dezelfde overeenkomst; zonder: 0",
    ),
    (
        "policy try.delivered",
        "Hoeveel bytes er eerder geleverd zijn, onder dezelfde overeenkomst; zonder: 0",
    ),
    (
        "policy try.credit",
        "Wat over is van wat onder de overeenkomst is betaald, in euro; zonder dit, bij een aanbod: genoeg voor één gebruik",
    ),
    (
        "policy try.stated",
        "Of onder de overeenkomst is verklaard wat vóór een gebruik verklaard moet zijn (yes) of niet (no); zonder dit, bij een aanbod: yes",
    ),
    (
        "policy try.size",
        "Hoeveel bytes er nu geleverd zouden worden, als de voorwaarden die tellen",
    ),
    (
        "policy try.log",
        "Of de connector van wie vraagt een logboek bijhoudt (kept) of niet (none); zonder: kept",
    ),
    (
        "policy try.facts",
        "Dit alles in een JSON-bestand: action, who, recipient, purpose, area, legal_basis, area_of_use, time, used, delivered, size, credit, stated, log",
    ),
    (
        "policy diff",
        "Zeg wat de ene voorwaarden toestaan en de andere niet, en omgekeerd",
    ),
    (
        "policy diff.first",
        "De ene: een JSON-bestand, of de naam van kant-en-klare",
    ),
    ("policy diff.second", "De andere"),
    ("policy diff.set", "Wat op de open plekken van een van beide hoort"),
    (
        "policy explain",
        "Neem een vastgelegde beslissing opnieuw, uit haar record en de voorwaarden alleen, en zeg waarom ze zo uitkwam",
    ),
    ("policy explain.record", "Het record van de beslissing, in JSON"),
    ("policy explain.policy", "De voorwaarden waarover beslist is, in JSON"),
    (
        "policy explain.reader",
        "Zeg alleen wat deze partij mag zien; zonder dit alles, zoals de houder",
    ),
    (
        "policy suite",
        "Laat een reeks ODRL-gevallen lopen, en zeg van elk of het uitkomt zoals verwacht",
    ),
    (
        "policy suite.directory",
        "De reeks: `test_cases`, `policies`, `requests` en `sotw`, of mappen met evaluatieverzoeken",
    ),
    (
        "policy suite.strict",
        "Lees voorwaarden zoals Herleid dat doet, zonder de soepelheden waarop de reeks rekent",
    ),
];

//! The texts, by command and option: proving and erasing.

const ANCHORS: &str = "Sleutels van partijen en getuigen, van elders verkregen dan van de maker van het dossier";
const RECORD: &str = "Nummer van het record, vanaf 0, of de hash van zijn blad";
const MEANT_RECORD: &str = "Nummer van een record, vanaf 0; mag vaker";
const MEANT_CASE: &str = "De records van deze zaak";
const MEANT_AGREEMENT: &str = "De records onder deze overeenkomst, behalve de overeenkomst zelf";
const PROPOSAL: &str = "Het voorstel, zoals `herleid erase list` het toont";
const NEW_FILE: &str = "Het bestand om te schrijven; mag nog niet bestaan";

pub(super) const PROVING: &[(&str, &str)] = &[
    (
        "reconcile",
        "Leg dit logboek naast dat van een ander: wat beide van hun uitwisselingen hebben vastgelegd",
    ),
    ("reconcile.peer", "De andere partij: haar identificatie"),
    (
        "reconcile.agreement",
        "Alleen deze overeenkomst; zonder: alle met de andere partij",
    ),
    (
        "dossier",
        "Schrijf een zaak in één bestand dat zonder netwerk te controleren is",
    ),
    ("dossier.case", "Zaaknummer"),
    ("dossier.out", "Het zipbestand; mag nog niet bestaan"),
    (
        "anchors",
        "Geef sleutels, logboek en aantallen op voor een controleur, of voeg zulke opgaven van meer partijen samen",
    ),
    (
        "anchors.merge",
        "Voeg deze opgaven samen in plaats van er een te maken; elke partij maakt haar eigen",
    ),
    ("anchors.out", "Het bestand; mag nog niet bestaan"),
    (
        "verify",
        "Controleer een dossier, met alleen de ankers als vertrouwen; zonder configuratie en netwerk",
    ),
    ("verify.dossier", "Het dossier"),
    ("verify.anchors", ANCHORS),
    (
        "replay",
        "Laat de modellen van een dossier opnieuw rekenen en vergelijk",
    ),
    ("replay.dossier", "Het dossier"),
    ("replay.anchors", ANCHORS),
    (
        "replay.run",
        "Alleen deze berekening; zonder deze: alle berekeningen van het dossier",
    ),
    (
        "replay.parameters",
        "Verander een parameter, om te zien wat een andere keuze had gegeven; mag vaker",
    ),
    ("erase", "Laat iets uit het logboek wissen, met twee mensen"),
    (
        "erase propose",
        "Zeg wat er gewist moet worden en waarom, met uw sleutelwoord op de standaardinvoer; er gebeurt niets voordat een ander het goedkeurt",
    ),
    ("erase propose.record", MEANT_RECORD),
    ("erase propose.case", MEANT_CASE),
    ("erase propose.agreement", MEANT_AGREEMENT),
    (
        "erase propose.log",
        "Van dit logboek, dat voorbij is, bij zijn herkomst (origin); zonder dit: van het logboek dat doorgaat",
    ),
    (
        "erase propose.sections",
        "Alleen dit onderdeel; zonder deze: alles behalve de uitwisseling die de ander ook heeft; mag vaker",
    ),
    (
        "erase propose.ground",
        "Op welke grond: avg-17, avg-5, archiefwet, court-order of agreement",
    ),
    (
        "erase propose.authority",
        "Op wiens gezag: een selectielijst en de categorie, een verzoek, een besluit",
    ),
    (
        "erase propose.complete_days",
        "Binnen hoeveel dagen het ook weg is uit reservekopieën en bij wie het ontving",
    ),
    (
        "erase approve",
        "Keur goed wat een ander voorstelde, met uw eigen sleutelwoord op de standaardinvoer: het wordt meteen gewist en komt niet terug",
    ),
    ("erase approve.id", PROPOSAL),
    (
        "erase reject",
        "Beëindig een voorstel, met uw sleutelwoord op de standaardinvoer",
    ),
    ("erase reject.id", PROPOSAL),
    ("erase list", "Toon wat is voorgesteld, gewist en afgewezen"),
    (
        "erase told",
        "Toon wat anderen zeggen te hebben gewist van wat zij met u uitwisselden",
    ),
    ("erase show", "Bekijk één voorstel"),
    ("erase show.id", PROPOSAL),
    ("hold", "Verbied dat iets wordt gewist"),
    (
        "hold add",
        "Leg het verbod op, met uw sleutelwoord op de standaardinvoer",
    ),
    ("hold add.record", MEANT_RECORD),
    ("hold add.case", MEANT_CASE),
    ("hold add.agreement", MEANT_AGREEMENT),
    ("hold add.reason", "Waarom, op één regel; wordt vastgelegd"),
    (
        "hold remove",
        "Sta het weer toe, met uw sleutelwoord op de standaardinvoer",
    ),
    ("hold remove.id", "Het verbod, zoals `herleid hold list` het toont"),
    ("hold list", "Toon wat niet gewist mag worden"),
    (
        "ledger",
        "Schrijf bewijzen en tijdstempels van het logboek voor andere programma's, controleer zulke stempels, zet een verloren logboek voort",
    ),
    ("ledger proof", "Schrijf het bewijs van een record als tlog-proof"),
    ("ledger proof.record", RECORD),
    ("ledger proof.out", NEW_FILE),
    ("ledger receipt", "Schrijf het bewijs van een record als COSE-receipt"),
    ("ledger receipt.record", RECORD),
    ("ledger receipt.out", NEW_FILE),
    ("ledger timestamps", "Schrijf de tijdstempels met hun controlepunten"),
    ("ledger timestamps.out", "De map om te schrijven; mag nog niet bestaan"),
    (
        "ledger check-timestamp",
        "Controleer een tijdstempel; zonder configuratie en netwerk",
    ),
    ("ledger check-timestamp.checkpoint", "Het controlepunt"),
    ("ledger check-timestamp.response", "Het antwoord van de tijddienst"),
    (
        "ledger check-timestamp.authority",
        "Certificaten (PEM) waarnaar dat van de dienst moet leiden",
    ),
    (
        "ledger check-timestamp.log_key",
        "Bestand met de sleutel van het logboek, zoals `herleid status` hem toont",
    ),
    (
        "ledger continue",
        "Begin de opvolger van een verloren logboek; zegt wat het zou doen, en doet het met --confirm",
    ),
    (
        "ledger continue.confirm",
        "Doe het; de naam (origin) van het logboek dat is afgelopen, uitgetypt",
    ),
    (
        "ledger continue.checkpoints",
        "Een controlepunt van dat logboek dat iemand bewaarde; mag vaker",
    ),
    (
        "ledger continue.even_if_sound",
        "Ook als niet bekend is dat er iets verloren is, zoals bij schade die `herleid doctor` vond",
    ),
    (
        "backup",
        "Kopieer alles wat bewaard wordt, in twee delen, terwijl de dienst doorgaat; gecontroleerd",
    ),
    (
        "backup.out",
        "De map om te schrijven, voor logboek, documenten en gegevens; mag nog niet bestaan",
    ),
    (
        "backup.keys",
        "De map om te schrijven, voor de sleutels van onderdelen; bewaar die apart en kort; mag nog niet bestaan",
    ),
    (
        "restore",
        "Zet een reservekopie in een opslagmap zonder logboek; gecontroleerd",
    ),
    ("restore.from", "De map die een reservekopie met --out schreef"),
    ("restore.keys", "De map die dezelfde reservekopie met --keys schreef"),
    (
        "restore.without_erasures",
        "Ook waar geen lijst van wissingen wordt bijgehouden (erasure.register): u weet dat er sindsdien niets gewist is",
    ),
    (
        "restore.nothing_since",
        "Ook waar geen getuige het kan zeggen: u weet dat er sindsdien niets is vastgelegd",
    ),
    (
        "retention",
        "Zie wat volgens een selectielijst voorbij is, en stel voor het te wissen",
    ),
    ("retention plan", "Toon wat aan de beurt is, en waarom de rest niet"),
    (
        "retention plan.on",
        "Wat aan de beurt is aan het begin van deze dag (UTC); zonder: nu",
    ),
    (
        "retention apply",
        "Stel voor te wissen wat aan de beurt is, met uw sleutelwoord op de standaardinvoer; een ander keurt het goed",
    ),
    (
        "retention apply.complete_days",
        "Over hoeveel dagen het ook weg is uit reservekopieën en bij wie het ontving",
    ),
];

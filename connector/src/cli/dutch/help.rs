//! The texts, by command and option.

const PURPOSE: &str = "Waarvoor het is";
const ANCHORS: &str = "Sleutels van partijen en getuigen, van elders verkregen dan van de maker van het dossier";

const RECORD: &str = "Nummer van het record, vanaf 0, of de hash van zijn blad";
const MEANT_RECORD: &str = "Nummer van een record, vanaf 0; mag vaker";
const MEANT_CASE: &str = "De records van deze zaak";
const MEANT_AGREEMENT: &str = "De records onder deze overeenkomst, behalve de overeenkomst zelf";
const PROPOSAL: &str = "Het voorstel, zoals `herleid erase list` het toont";
const NEW_FILE: &str = "Het bestand om te schrijven; mag nog niet bestaan";

/// Key and text.
pub(super) const HELP: &[(&str, &str)] = &[
    (
        "",
        "Deel gegevens onder voorwaarden die u kunt handhaven, en toon jaren later aan waar een besluit op rustte",
    ),
    ("config", "De configuratie"),
    (
        "json",
        "Toon het resultaat als één JSON-object, voor scripts; een fout ook, als {\"error\": ...}",
    ),
    (
        "lang",
        "Taal van de berichten; zonder deze bepalen HERLEID_LANG en de instelling van het systeem de taal",
    ),
    (
        "development",
        "Sta toe wat [development] in de configuratie aanzet; elk record laat het zien",
    ),
    (
        "quiet",
        "Geen voortgang en geen mededelingen; alleen resultaten en fouten",
    ),
    (
        "init",
        "Maak een deelnemer: sleutels, een leeg logboek en een herleid.toml met uitleg",
    ),
    (
        "init.did",
        "Kenmerk van de deelnemer; de host daarin is waar anderen hem vinden",
    ),
    ("init.name", "Naam van de deelnemer, voor mensen"),
    ("init.listen", "Adres en poort om op te luisteren"),
    (
        "init.public_url",
        "Waar anderen de dienst bereiken; zonder deze: https en de host van het kenmerk",
    ),
    (
        "init.tls_certificate",
        "TLS-certificaatketen (PEM); zonder deze en --tls-key komt er later een in herleid.toml",
    ),
    ("init.tls_key", "Privésleutel van het certificaat (PEM)"),
    (
        "init.directory",
        "Map om het in te maken; er mag nog geen deelnemer in staan",
    ),
    ("serve", "Laat de connector draaien"),
    (
        "publish",
        "Bied een versie van een dataset, of een modeldienst, aan onder voorwaarden",
    ),
    ("publish.file", "Het bestand dat één versie van een dataset wordt"),
    (
        "publish.model",
        "Publiceer in plaats daarvan een modeldienst: de beschrijving in het pakket",
    ),
    (
        "publish.s3",
        "Publiceer in plaats daarvan een object: een opslag uit de configuratie, en de sleutel van het object",
    ),
    (
        "publish.api",
        "Publiceer in plaats daarvan antwoorden van een API uit de configuratie",
    ),
    (
        "publish.paths",
        "Een pad van de API dat gevraagd mag worden; * staat voor één willekeurig deel; mag vaker worden gegeven",
    ),
    (
        "publish.queries",
        "Een queryparameter die gegeven mag worden, of NAAM=WAARDE voor alleen die waarde; mag vaker worden gegeven",
    ),
    ("publish.id", "Kenmerk in uw catalogus; hetzelfde voor elke versie"),
    (
        "publish.title",
        "Titel, voor mensen; die van een model staat in het pakket",
    ),
    ("publish.policy", "Het ODRL-aanbod, als JSON-bestand"),
    ("publish.release", "Versie; zonder deze: gemaakt uit de digest"),
    ("publish.description", "Beschrijving, voor mensen"),
    (
        "publish.media_type",
        "Mediatype; zonder deze: geraden uit de bestandsnaam",
    ),
    ("publish.licence", "Licentie"),
    ("publish.theme", "Thema, zoals ENVI; mag meermaals worden gegeven"),
    (
        "publish.metadata",
        "Wat ervan wordt gezegd, als TOML-bestand: beschrijving, thema, contact, ... (docs/catalogue.md)",
    ),
    ("withdraw", "Bied een dataset of modeldienst niet langer aan"),
    ("withdraw.id", "Dataset of modeldienst"),
    ("withdraw.release", "Versie; zonder deze: allemaal"),
    ("withdraw.reason", "Waarom; komt in het record"),
    (
        "credential",
        "Geef verifieerbare verklaringen uit, bewaar ze of toon ze",
    ),
    (
        "credential issue",
        "Onderteken een verklaring over een ander en toon die",
    ),
    ("credential issue.subject", "Over wie"),
    ("credential issue.types", "Soort; mag vaker"),
    ("credential issue.claims", "Wat er over diegene in staat; mag vaker"),
    ("credential issue.valid_days", "Hoeveel dagen zij geldt"),
    (
        "credential add",
        "Bewaar een verklaring over uzelf, om aan anderen te tonen",
    ),
    (
        "credential add.file",
        "Het bestand met de verklaring, als compacte JWS; - leest van standaardinvoer",
    ),
    ("credential list", "Toon de bewaarde verklaringen, en of elk nog klopt"),
    ("catalog", "Toon wat een partner aanbiedt"),
    ("catalog.peer", "De partner: zijn kenmerk"),
    ("catalog.limit", "Hoeveel er worden getoond; 0 toont alles"),
    (
        "catalog.search",
        "Alleen wat deze woorden heeft, in titel, beschrijving, trefwoorden of uitgever",
    ),
    ("catalog.theme", "Alleen van dit thema, zoals ENVI"),
    ("catalog.keyword", "Alleen met dit trefwoord"),
    ("catalog.publisher", "Alleen van deze uitgever: zijn naam of kenmerk"),
    ("catalog.format", "Alleen in dit formaat, of van dit mediatype"),
    ("catalog.bbox", "Alleen wat dit vlak raakt, in graden"),
    ("catalog.from", "Alleen wat gaat over een tijd vanaf deze dag"),
    ("catalog.until", "Alleen wat gaat over een tijd tot en met deze dag"),
    ("negotiate", "Kom met een partner een dataset of modeldienst overeen"),
    ("negotiate.peer", "De partner: zijn kenmerk"),
    ("negotiate.dataset", "Dataset of modeldienst in zijn catalogus"),
    ("negotiate.offer", "Welk aanbod; zonder deze: het enige dat er is"),
    ("negotiate.purpose", PURPOSE),
    ("negotiations", "Toon de onderhandelingen, eerst wat op een mens wacht"),
    ("negotiations.limit", "Hoeveel er worden getoond; 0 toont alles"),
    (
        "negotiation",
        "Bekijk een onderhandeling, of beslis als mens wat deze kant nu doet",
    ),
    (
        "negotiation.step",
        "Wat ermee moet gebeuren; wat het beleid weigert, gebeurt niet",
    ),
    (
        "negotiation.id",
        "De onderhandeling, zoals `herleid negotiations` haar toont",
    ),
    (
        "negotiation.reason",
        "Waarom zij wordt beëindigd; de andere kant krijgt het te horen",
    ),
    (
        "agreements",
        "Toon de overeenkomsten, en tot wanneer elk mag worden gebruikt",
    ),
    ("agreements.limit", "Hoeveel er worden getoond; 0 toont alles"),
    (
        "pull",
        "Haal de gegevens van een overeenkomst op, gecontroleerd en vastgelegd",
    ),
    ("pull.agreement", "De overeenkomst"),
    ("pull.purpose", PURPOSE),
    ("pull.out", "Waar een kopie moet komen"),
    (
        "pull.resource",
        "Van een dataset die een API is: het pad en de query die gewenst zijn",
    ),
    (
        "push",
        "Laat de gegevens van een overeenkomst naar een eigen adres of bucket sturen",
    ),
    ("push.agreement", "De overeenkomst"),
    ("push.purpose", PURPOSE),
    (
        "push.to",
        "Waarheen: een bestand met een DataAddress (docs/transfers.md), alleen leesbaar voor de eigenaar",
    ),
    ("transfers", "Toon de overdrachten, en tot wanneer elk open is"),
    ("transfers.limit", "Hoeveel er worden getoond; 0 toont alles"),
    (
        "transfer",
        "Houd een overdracht tegen, laat hem verdergaan, of beëindig hem",
    ),
    ("transfer.step", "Wat ermee moet gebeuren"),
    ("transfer.id", "De overdracht, zoals `herleid transfers` hem toont"),
    ("transfer.reason", "Waarom; de andere kant krijgt het te horen"),
    (
        "run",
        "Laat een modeldienst rekenen, en leg vast wat erin ging en eruit kwam",
    ),
    ("run.agreement", "De overeenkomst over de modeldienst"),
    (
        "run.inputs",
        "Invoer: wat een eerdere transactie bracht, of een eigen bestand; mag vaker",
    ),
    (
        "run.parameters",
        "Een parameter die afwijkt van de standaard van het model; mag vaker",
    ),
    ("run.case", "De zaak waarvoor wordt gerekend"),
    ("run.seed", "Beginwaarde van de toevalsgetallen van het model"),
    ("run.purpose", PURPOSE),
    (
        "decide",
        "Leg een besluit vast: wie het nam, op welke grondslag, en waar het op rust",
    ),
    ("decide.case", "Zaaknummer"),
    ("decide.title", "Titel, voor mensen"),
    ("decide.legal_basis", "Wettelijke grondslag; mag vaker"),
    (
        "decide.relies_on",
        "Waar het besluit op rust: een berekening en een uitkomst daarvan, of een ophaling; mag vaker",
    ),
    ("decide.author", "Naam van wie besluit"),
    ("decide.role", "In welke rol"),
    ("decide.organisation", "Namens welke organisatie"),
    (
        "decide.choices",
        "Wat mensen kozen en waarom; @BESTAND leest het uit een bestand",
    ),
    ("trace", "Toon waar iets vandaan komt en wat erop rust"),
    (
        "trace.what",
        "Een digest, transactie, record, overeenkomst, zaaknummer, dataset, dataset@versie, model of tijdvak VAN/TOT",
    ),
    ("trace.down", "Toon wat erop rust, in plaats van waar het op rust"),
    ("trace.depth", "Hoeveel stappen hoogstens, 1 tot 48"),
    (
        "trace.limit",
        "Hoeveel pulls, runs en besluiten hoogstens te tonen, 1 tot 10000 (anders 500); alle worden geteld",
    ),
    (
        "trace.sparql",
        "Stel in plaats daarvan een SPARQL-vraag aan de PROV-O van de zaak; @BESTAND leest die uit een bestand",
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
    ("status", "Toon hoe de draaiende dienst ervoor staat"),
    (
        "doctor",
        "Controleer het hele logboek: elk record, bewijs, elke reeks en elk document",
    ),
    (
        "demo",
        "Toon het hele pad op deze machine: vier connectoren, regen, een besluit, het bewijs",
    ),
    (
        "demo.directory",
        "Waar de vier connectoren en het dossier komen; wat een eerdere demo daar maakte wordt vervangen",
    ),
    ("completions", "Schrijf aanvullingen voor een shell"),
    ("completions.shell", "De shell"),
];

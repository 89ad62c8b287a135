//! The texts, by command and option; those of who has to prove, erase or check are in `proving.rs`.

const PAID_AGREEMENT: &str = "De overeenkomst waarin deze connector geeft";
const PAID_AMOUNT: &str = "Hoeveel, in hele centen, met een punt: 25.00";
const PAID_CURRENCY: &str = "In welke munt: EUR";
const PAID_REFERENCE: &str = "Waaraan u het in uw boekhouding terugvindt; dezelfde betaling wordt één keer vastgelegd";
const PURPOSE: &str = "Waarvoor het is";
const LEGAL_BASIS: &str = "Op welke grondslag het wordt gebruikt: uit de lijst in docs/purposes.md, of een wet";
const AREA_OF_USE: &str = "Voor welk gebied het wordt gebruikt";

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
    (
        "publish.policy",
        "Het ODRL-aanbod: een JSON-bestand, of de naam van kant-en-klare voorwaarden (`herleid policy list`)",
    ),
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
    ("negotiate.legal_basis", LEGAL_BASIS),
    ("negotiate.area_of_use", AREA_OF_USE),
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
        "duties",
        "Toon wat er onder overeenkomsten moet gebeuren, door wie en wanneer, en wat daarover is verklaard",
    ),
    ("duties.agreement", "Alleen die onder deze overeenkomst"),
    ("duties.limit", "Hoeveel er worden getoond; 0 toont alles"),
    ("duty", "Verklaar dat u deed wat u onder een overeenkomst moet doen"),
    (
        "duty fulfil",
        "Doe wat deze connector van uw verplichting kan doen, en verklaar aan de andere partij dat het is gedaan",
    ),
    ("duty fulfil.agreement", "De overeenkomst"),
    (
        "duty fulfil.obligation",
        "De verplichting, zoals `herleid duties` haar toont, of de handeling (delete, inform) als er één van is; delete verwijdert de gegevens uit deze connector",
    ),
    (
        "duty fulfil.statement",
        "Wat er is gedaan, in uw eigen woorden; beide partijen leggen het vast",
    ),
    (
        "payments",
        "Toon wat er voor gebruik onder een overeenkomst is betaald, en wat daarvan over is",
    ),
    ("payments.agreement", "De overeenkomst"),
    (
        "payment",
        "Leg vast dat er voor gebruik onder een overeenkomst is betaald, of is terugbetaald",
    ),
    (
        "payment record",
        "Leg vast dat de andere partij u heeft betaald: gebruik onder de overeenkomst gaat daarvan af",
    ),
    (
        "payment return",
        "Leg vast dat u hebt terugbetaald wat niet is gebruikt",
    ),
    ("payment record.agreement", PAID_AGREEMENT),
    ("payment return.agreement", PAID_AGREEMENT),
    ("payment record.amount", PAID_AMOUNT),
    ("payment return.amount", PAID_AMOUNT),
    ("payment record.currency", PAID_CURRENCY),
    ("payment return.currency", PAID_CURRENCY),
    ("payment record.reference", PAID_REFERENCE),
    ("payment return.reference", PAID_REFERENCE),
    (
        "pull",
        "Haal de gegevens van een overeenkomst op, gecontroleerd en vastgelegd",
    ),
    ("pull.agreement", "De overeenkomst"),
    ("pull.purpose", PURPOSE),
    ("pull.legal_basis", LEGAL_BASIS),
    ("pull.area_of_use", AREA_OF_USE),
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
    ("push.legal_basis", LEGAL_BASIS),
    ("push.area_of_use", AREA_OF_USE),
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
        "trace.across",
        "Vraag ook de andere partijen, elk naar wat die met deze deelt, en zo verder tot zo veel partijen ver, 1 tot 4",
    ),
    (
        "trace.sparql",
        "Stel in plaats daarvan een SPARQL-vraag aan de PROV-O van de zaak; @BESTAND leest die uit een bestand",
    ),
    ("status", "Toon hoe de draaiende dienst ervoor staat"),
    (
        "doctor",
        "Controleer het hele logboek: elk record, bewijs, elke reeks en elk document; de opgeslagen bestanden; de logboeken ervoor",
    ),
    (
        "doctor.rebuild_index",
        "Maak eerst de index (van herkomst, en van overeenkomsten, zaken en soorten) opnieuw uit de records, waar een controle die beschadigd vond; met de dienst gestopt",
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

# Wat mensen lezen, in het Nederlands. Dezelfde sleutels en variabelen staan in en.ftl.

## Configuratie: waar

config-place-line = `{ $file }`, regel { $line }
config-place-file = `{ $file }`
config-place-variable = de omgevingsvariabele `{ $name }`

## Configuratie: wat er mis is

config-unreadable = de configuratie { $place } is niet te lezen: { $why }; verwacht een leesbaar bestand: maak er een met `herleid init`, of noem een ander met `--config`
config-syntax = { $place }: dit is geen TOML: { $why }; verbeter deze regel
config-unknown-section = { $place }: er is geen sectie `{ $key }`; bedoelt u `{ $nearest }`? Verbeter de naam, of haal haar weg
config-unknown-key = { $place }: er is geen sleutel `{ $key }`; bedoelt u `{ $nearest }`? Verbeter de naam, of haal hem weg
config-unknown-variable = { $place } hoort bij geen sleutel; bedoelt u `{ $nearest }`? Verbeter de naam, of haal haar weg
config-not-text = { $place } is geen UTF-8; verwacht { $expected }: verbeter haar, of haal haar weg
config-missing = { $place }: de sleutel `{ $key }` ontbreekt; verwacht { $expected }: zet hem in de sectie `[{ $section }]`, of geef de omgevingsvariabele `{ $variable }` een waarde
config-wrong = { $place }: `{ $key }` is { $found }; verwacht { $expected }: verbeter het daar

## Configuratie: wat er verwacht wordt

config-expect-text = een tekst tussen aanhalingstekens, niet leeg
config-expect-did = een identificatie `did:web:<host>[%3A<poort>][:<pad>]` of `did:key:z...`
config-expect-address = een adres en een poort, zoals "127.0.0.1:7101"
config-expect-https = een adres dat begint met `https://`, zonder gebruiker, zoekvraag of `/` aan het eind (`http://` alleen met `plain_http` onder `[development]`)
config-expect-digest = een SHA-256 in 64 hexadecimale cijfers, met kleine letters
config-expect-origin = de oorsprong van een logboek, `<host>[:<poort>]/log/<getal vanaf 1>`, zonder schema
config-expect-path = het pad van een bestand of map, tussen aanhalingstekens
config-expect-paths = een lijst van paden, zoals ["ca.pem"]
config-expect-texts = een lijst van teksten, zoals ["MembershipCredential"]
config-expect-whole = een geheel getal van { $min } tot en met { $max }
config-expect-switch = `true` of `false`
config-expect-choice = een van { $choices }
config-expect-tables = een lijst van tabellen, elk met { $members }
config-expect-log-key = de controlesleutel van dit logboek: `{ $origin }+<8 hexadecimale cijfers>+<base64>`, van type 1 (Ed25519)
config-expect-witness-key = de controlesleutel van een getuige, `<naam>+<8 hexadecimale cijfers>+<base64>`, van type 4 (medeondertekening)
config-expect-keep = `permanent`, of een aantal jaren, maanden of dagen, zoals "7y", "18m" of "30d", hoogstens 200 jaar
config-expect-once = een naam die één keer voorkomt
config-expect-own-origin = een logboek op de host van `participant.did` (`{ $did }`)
config-expect-quorum = hoogstens het aantal getuigen onder `trust.witnesses`, { $max }
config-expect-logs = ten minste één logboek, omdat `witness.enabled` waar is
config-expect-no-tls = geen certificaat, omdat `development.plain_http` waar is
config-expect-development = geen sectie `[development]`, tenzij de opdracht `--development` meekrijgt (elke vastlegging zegt dan dat er met kortere wegen is gewerkt)
config-expect-licence = `offer`, of de IRI van een licentie, zoals "https://creativecommons.org/licenses/by/4.0/"
config-expect-themes = een lijst van thema's, elk een van { $themes } of een IRI
config-expect-email = een e-mailadres, zoals "data@example.org"
config-expect-name = een naam, zoals "Dataloket"
config-expect-iri = een IRI, zoals "https://register.example/verwerkingen/12"
config-expect-page = het adres van een pagina, zoals "https://example.org/contact"
config-expect-section = een sectie, `[{ $section }]`

## Configuratie: wat er staat

config-found-table = een tabel
config-found-table-without = een tabel zonder `{ $member }`
config-found-list = een lijst
config-found-time = een datum of tijd
config-found-decimal = een decimaal of te groot getal

# De demonstratie

demo-prepared = Sleutels, certificaten en configuraties gemaakt in { $directory }
demo-started = { $count } connectoren, een uitgever en een getuige draaien, elk als eigen proces, over TLS
demo-published-rain = Het KNMI publiceert de neerslag van 16 tot en met 18 juni 2020 in Vlissingen (SHA-256 { $sha256 }…)
demo-published-sewer = De gemeente publiceert rioolberging en pompcapaciteit, synthetisch (SHA-256 { $sha256 }…)
demo-published-model = Het waterschap publiceert zijn rioolmodel, een eigen programma (SHA-256 { $program }…)
demo-no-credential = Weigering 1: de app vraagt een catalogus zonder bewijs van lidmaatschap
demo-credentials = De uitgever geeft { $count } bewijzen: lidmaatschappen, en de accreditatie van de modeldienst
demo-wrong-purpose = Weigering 2: de app vraagt de neerslag voor marketing
demo-catalogue = De app leest de catalogus van { $holder }: { $count } aangeboden
demo-negotiated = De app sluit { $count } overeenkomsten voor { $purpose }
demo-expired = Weigering 3: de app haalt data op onder een overeenkomst die eindigde om { $until }
demo-pulled = De app haalt { $what } op; digest en ontvangstbewijs kloppen (SHA-256 { $sha256 }…)
demo-ran = Het waterschap draait het model voor de app, pompcapaciteit { $pump } mm/u; de neerslag reist mee onder de overeenkomst van het KNMI (uitvoer { $sha256 }…)
demo-decided = De app legt het besluit in zaak { $case } vast, op naam van { $author }
demo-dossier = Het dossier is geschreven: { $path } (manifest { $manifest }…)
demo-anchors = Los daarvan noemt elke partij haar eigen sleutels en aantallen: { $path }
demo-verified = Offline gecontroleerd: { $count } onderdelen kloppen, { $unchecked } zijn niet aan deze controle
demo-replayed = { $model }, opnieuw gedraaid uit het dossier: { $verdict }
demo-trace = Waar het besluit in zaak { $case } vandaan komt:
demo-end = Klaar in { $seconds } seconden.

## De opdrachtregel

cli-error-found = gevonden:
cli-error-expected = verwacht:
cli-error-next = wat te doen:
cli-interrupted = door u gestopt; de dienst maakt af wat niet half mag blijven (`herleid status` laat zien wat is vastgelegd)
cli-not-running = hier draait geen dienst van herleid
cli-not-running-next = start haar met `herleid serve`, of noem haar configuratie met `--config`
cli-not-yours = de dienst van herleid hier is van een andere gebruiker
cli-not-yours-next = geef de opdracht als de gebruiker die `herleid serve` draait
cli-not-reached = de dienst van herleid is niet bereikbaar
cli-not-reached-next = kijk of `herleid serve` nog draait
cli-answer-broken = het antwoord van de dienst brak af
cli-answer-broken-next = kijk of `herleid serve` nog draait; `herleid status` laat zien wat is vastgelegd
cli-answer-unknown = het antwoord van de dienst is niet te begrijpen
cli-answer-unknown-next = gebruik dezelfde versie van herleid voor de opdrachtregel en de dienst

cli-step-publish = inlezen
cli-step-catalog = catalogus lezen
cli-step-negotiate = onderhandelen
cli-step-pull = ophalen
cli-step-run = rekenen
cli-step-trace = spoor volgen
cli-step-dossier = dossier schrijven
cli-step-verify = controleren
cli-step-replay = opnieuw rekenen
cli-step-doctor = logboek controleren
cli-step-doctor-payloads = gegevensbestanden controleren
cli-step-doctor-over = de logboeken controleren die voorbij zijn
cli-step-reconcile = logboeken naast elkaar leggen
cli-step-backup = kopiëren
cli-step-backup-check = kopie controleren
cli-step-restore = kopiëren
cli-progress-of = { $step }: { $done } van { $total } ({ $percent }%)
cli-progress = { $step }: { $done }

cli-shown-all = { $total } in totaal
cli-shown-some-of-more = { $shown } van meer dan { $total }: de andere kant zegt niet hoeveel het er zijn, en ze zijn niet tot het einde geteld; vraag met een filter om minder
cli-shown-some = { $shown } van { $total }; `--limit 0` toont alles
cli-empty = niets

cli-column-id = kenmerk
cli-column-kind = soort
cli-column-title = titel
cli-column-version = versie
cli-column-size = grootte
cli-column-offers = aanbiedingen
cli-column-agreement = overeenkomst
cli-column-side = kant
cli-column-other = andere partij
cli-column-dataset = dataset of model
cli-column-policy = voorwaarden
cli-column-open = open tot
cli-column-issuer = uitgever
cli-column-subject = over wie
cli-column-types = soorten
cli-column-valid = geldig tot
cli-column-state = toestand
cli-column-name = naam
cli-column-digest = sha-256
cli-column-access = toegang
cli-column-turn = wie aan zet is
cli-column-records = records
cli-column-ground = grond
cli-column-proposed = voorgesteld door
cli-column-decided = besloten door
cli-column-held = mag niet weg
cli-column-reason = reden
cli-column-by = door
cli-column-since = sinds
cli-column-transaction = transactie
cli-column-complete = weg op
cli-column-path = bestand
cli-column-verdict = oordeel
cli-column-ours = van ons
cli-column-theirs = van hen
cli-column-same = gelijk
cli-column-found = past niet
cli-column-what = wat
cli-column-category = categorie
cli-column-due = aan de beurt
cli-column-obligation = verplichting

cli-kind-dataset = dataset
cli-kind-model = model
cli-side-provider = aanbieder
cli-side-consumer = afnemer
cli-open = open
cli-open-until = open tot { $until }
cli-open-always = geen einde genoemd
cli-closed = gesloten: { $why }
cli-valid = geldig
cli-turn-over = voorbij
cli-turn-person = WACHT OP EEN MENS
cli-turn-held = tegengehouden door een regel
cli-turn-other = wacht op de andere partij
cli-turn-webhook = de webhook wordt gevraagd
cli-turn-connector = de connector beslist

cli-published = gepubliceerd: `{ $id }`, versie { $version }: { $size }, record { $index }
cli-withdrawn = ingetrokken: `{ $id }`, versie { $versions }, record { $index }
cli-credential-added = bewaard: { $types } van { $issuer }
cli-negotiated =
    overeenkomst `{ $agreement }` ({ $state })
    verder met: `herleid pull { $agreement }`, of `herleid run` voor een model
cli-waiting = { $waiting ->
    [one] één wacht op een mens
   *[other] { $waiting } wachten op een mens
}; bekijk er een met `herleid negotiation show KENMERK`
cli-negotiation =
    onderhandeling { $id }
      over { $dataset }, met { $other }; deze connector is { $side }
      { $state }, sinds { $changed }: { $turn }
      aanbod: { $policy }
cli-negotiation-underway = { "  " }onderweg: { $message }
cli-negotiation-purpose = { "  " }gevraagd met als doel { $purpose }
cli-negotiation-basis = { "  " }grondslag, zoals verklaard: { $basis }
cli-negotiation-area = { "  " }gebied van gebruik, zoals verklaard: { $area }
cli-negotiation-agreement = { "  " }overeenkomst: { $agreement }
cli-negotiation-ended = { "  " }beëindigd door { $why }
cli-negotiation-possible = { "  " }te beslissen met `herleid negotiation STAP { $id }`: { $possible }
cli-pulled =
    { $size } opgehaald naar { $path }
      sha-256    { $sha256 }
      blake3     { $blake3 }
      transactie { $transaction }, record { $index }
cli-pushed = verstuurd, en teruggelezen: overdracht `{ $transfer }`
cli-pushed-unseen =
    verstuurd, zegt de aanbieder: overdracht `{ $transfer }`
    deze connector heeft niet gezien wat daar aankwam; hier is er niets van vastgelegd, en er is geen ontvangstbewijs gegeven
cli-ran = `{ $model }`, versie { $version }, heeft gerekend: transactie { $transaction }, record { $index }
cli-decided = besluit vastgelegd: { $record }, record { $index }
cli-dossier =
    dossier: { $path }
      sha-256 van het manifest { $manifest }
cli-anchors =
    ankers: { $path }
      vingerafdruk van de sleutel van het logboek { $fingerprint }
cli-erasure =
    `{ $id }`: { $state }
      grond           { $ground }
      gezag           { $authority }
      overal weg op   { $complete }
      voorgesteld     { $proposed }
cli-erasure-decided = { "  " }besloten        { $by }
cli-erasure-record = { "  " }record { $index } ({ $kind }): { $sections }
cli-erasure-log = {"  "}records van { $origin }, dat voorbij is; de records die het zeggen staan in dit logboek
cli-erasure-elsewhere = {"  "}NIET gewist: records { $records } van { $origin }, dat voorbij is; stel die voor met --log { $origin }
cli-erasure-tombstone = { "  " }record { $index } ({ $kind }): { $sections }; record { $tombstone } zegt het
cli-erasure-told = { "  " }gemeld aan { $did } op { $time }
cli-erasure-untold = { "  " }nog niet gemeld aan { $did }; het wordt opnieuw geprobeerd
cli-erasure-next = daarna: een ander geeft `herleid erase approve { $id }`
cli-erasure-buried = {"  "}in geen bestand van deze connector staat er nog iets van
cli-erasure-unburied = {"  "}in bestanden van deze connector staat er nog iets van; dat wordt elke minuut opnieuw geprobeerd, in een logboek dat voorbij is steeds minder vaak, en `herleid erase show { $id }` zegt wanneer het klaar is
cli-token = uw sleutelwoord (wordt niet getoond): {""}
cli-erasure-proposed = wacht op een tweede persoon
cli-erasure-erased = gewist
cli-erasure-remains = gewist, op wat nog in bestanden staat na
cli-erasure-rejected = afgewezen
cli-hold-records = records { $records }
cli-hold-case = zaak { $case }
cli-hold-agreement = overeenkomst { $agreement }
cli-hold-removed = mag weer gewist worden
cli-retention-list = volgens { $list }
cli-retention-case = zaak
cli-retention-agreement = overeenkomst
cli-retention-denial = weigeringen
cli-retention-due = aan de beurt
cli-retention-held = vastgehouden
cli-retention-needed = aan de beurt, maar nodig
cli-retention-proposed = voorgesteld
cli-retention-offered = aan de beurt, maar nog aangeboden
cli-retention-refused = aan de beurt, maar geweigerd
cli-retention-kept = bewaard
cli-retention-permanent = blijvend bewaard
cli-retention-open = loopt nog
cli-retention-unruled = geen regel
cli-retention-some-kept = { $kept } andere blijven
cli-retention-next = { $number } voorstellen; daarna: een ander ziet ze met `herleid erase list`, en keurt elk goed met `herleid erase approve`
cli-ledger-record =
    record { $index } van { $size }: { $path }
      inhoud   { $entry }
      getuigen { $witnesses }
cli-ledger-record-alone =
    record { $index } van { $size }, zonder getuigen: { $path }
      inhoud { $entry }
cli-ledger-timestamp = { $size } records op { $time } volgens { $authority }: { $path }
cli-ledger-stamped = { $size } records van { $origin } waren er op { $time }, volgens { $authority }
cli-reconciled-incomparable = daar geen logboek
cli-reconciled-same = gelijk
cli-reconciled-open = open
cli-reconciled-unfinished = niet af
cli-reconciled-differs = VERSCHILT
cli-reconcile-unfinished = { $agreement }: niet vergeleken, of niet tot het einde: { $why }
cli-reconcile-erased = { $agreement }: { $here } uitwisselingen zijn hier gewist; die zijn niet te vergelijken
cli-reconcile-ahead = { $agreement }: de klok van de andere kant loopt ten minste { $ms } ms voor op deze, naar wat als ontvangen is vastgelegd
cli-reconcile-behind = { $agreement }: de klok van de andere kant loopt ten minste { $ms } ms achter op deze, naar wat als ontvangen is vastgelegd
cli-reconcile-clocks = { $agreement }: in de laatste dag is een klok verzet, hier of aan de andere kant
cli-reconcile-shown = { $agreement }: { $shown } van { $total } bevindingen zijn getoond
cli-reconcile-none = beide logboeken zeggen hetzelfde
cli-reconcile-unsearched = niet doorzocht: { $why }
cli-found-different = in andere woorden vastgelegd ({ $detail })
cli-found-never-given = daar vastgelegd als ontvangen, en hier nooit gegeven
cli-found-left-out = daar weggelaten; hier ligt het ontvangstbewijs van de andere kant
cli-found-denied = daar weggelaten; de andere kant heeft het bevestigd
cli-found-gap = daar weggelaten nummers: { $detail }
cli-found-withheld = record { $detail } daar bevat een uitwisseling die de andere kant gesloten houdt
cli-found-twice = door één kant twee keer vastgelegd, in andere woorden
cli-found-not-received-here = daar gegeven, hier niet ontvangen: het brak af, of is onderweg
cli-found-not-received-there = hier gegeven, daar niet ontvangen: het brak af, of is onderweg
cli-found-erased = gewist ({ $detail }); niet te vergelijken
cli-found = { $agreement }{ $where }: { $what }
cli-found-where = {" "}{ $transaction } { $phase } { $segment } (record { $ours } hier, { $theirs } daar)
cli-continue-old = het logboek { $origin } in { $directory }: { $size } records
cli-continue-unreadable = het logboek { $origin } in { $directory } is niet te lezen: { $why }
cli-continue-witness = getuige { $witness }: heeft { $size } records gezien
cli-continue-no-witness = er is geen getuige ingesteld: niemand kan zeggen hoe ver het logboek ging
cli-continue-other-history = EEN ANDERE GESCHIEDENIS: { $why }
cli-continue-last = het laatste controlepunt dat iemand heeft: { $size } records, bij { $holder }
cli-continue-lost = verloren records, ten minste: { $lost }
cli-continue-unknown = welke, weet niemand
cli-continue-would = de opvolger wordt { $successor }, in een eigen map onder { $storage }; in het oude logboek wordt niets geschreven
cli-continue-ends = overeenkomsten, overdrachten en tellingen van het oude logboek eindigen ermee; wat u aanbiedt, moet opnieuw gepubliceerd worden
cli-continue-confirm = er is niets gedaan. Om het te doen: herleid ledger continue --confirm { $origin }
cli-continue-done =
    { $origin } is afgesloten. De opvolger is { $successor }, in { $directory }
      verloren records, ten minste: { $lost }; dat staat in het record `continued`
cli-continue-before =
    { $origin } werd al eerder voortgezet, als { $successor }, in { $directory }; er is niets veranderd
      verloren records, ten minste: { $lost }; dat staat in het record `continued`
cli-continue-set = daarna: zet origin = "{ $successor }" onder [ledger] in { $file }
cli-continue-tell = daarna: laat uw getuigen het nieuwe logboek opnemen: {"{"} origin = "{ $successor }", verifier_key = "{ $key }" {"}"}
cli-continue-then = daarna: herleid serve; publiceer opnieuw wat u aanbiedt, en laat partners opnieuw tot overeenstemming komen
cli-policy-good = { $file } wordt begrepen: { $kind }
cli-policy-bad = { $file } wordt geweigerd; niets ervan wordt gebruikt
cli-policy-more = en nog { $more }
cli-policy-whole = ODRL 2.2 kent dit alles; een connector kan er niet op toezien, of de andere kant zou het kwijtraken
cli-policy-by-provider = de connector van de aanbieder ziet erop toe
cli-policy-by-consumer = de connector van de afnemer ziet erop toe
cli-policy-declared = verklaard: gezegd door de vrager, vastgelegd, door niemand gecontroleerd
cli-policy-duty-consumer = de connector van de afnemer verwijdert wat hij zelf bewaart en verklaart dat; kopieën elders zijn verklaard
cli-policy-duty-provider = een verklaring, waarvan de connector van de aanbieder vastlegt dat zij kwam; wat erin staat is verklaard
cli-policy-duty-first = eerst moet er een verklaring zijn, één keer onder een overeenkomst, en daar ziet de connector van de aanbieder op toe; wat erin staat is verklaard
cli-policy-duty-declared = niemand volgt dit op: wie het moet doen, kan het alleen zeggen
cli-duty = { $action }, onder overeenkomst { $agreement }: { $state }
cli-duty-first = open; vóór de verklaring wordt niets gegeven
cli-duty-open = open
cli-duty-due-soon = binnenkort
cli-duty-overdue = over de datum
cli-duty-stated = verklaard, nog niet aangenomen
cli-duty-fulfilled = nagekomen
cli-duty-late = nagekomen, te laat
cli-duty-erased = {"  "}wat verklaard is, is gewist
cli-duty-deleted = { "  " }{ $removed } bestanden verwijderd, { $kept } bewaard omdat ze ook op een andere grond hier zijn; { $transactions } transacties genoemd
cli-duty-taken = { "  " }{ $other } heeft de verklaring vastgelegd op { $time }
cli-duty-untaken = { "  " }{ $other } heeft de verklaring nog niet aangenomen: { $why }; zij wordt opnieuw gebracht
cli-duty-untold = { "  " }{ $other } is nog niet bereikt; de verklaring wordt opnieuw gebracht
cli-policy-price-provider = de connector van de aanbieder neemt het af van wat vooraf is betaald; dat er is betaald, legt de aanbieder zelf vast
cli-payment-received = ontvangen
cli-payment-returned = terugbetaald
cli-payment-recorded = vastgelegd: { $kind } { $amount } { $currency }, { $reference }, in record { $index }
cli-payment-again = al eerder vastgelegd, in record { $index }; er is niets veranderd: { $kind } { $amount } { $currency }, { $reference }
cli-payment-left = over van wat is betaald: { $left } { $currency }
cli-payments =
    overeenkomst { $agreement }; bedragen in { $currency }
      een gebruik kost: { $prices }
      betaald: { $paid }; gebruikt of terugbetaald: { $taken }; over: { $left }
cli-payments-unlisted = van wat betaald is staat { $unlisted } { $currency } niet in de lijst: oudere betalingen, en betalingen waarvan het record gewist is
cli-column-when = wanneer
cli-column-amount = bedrag
cli-column-reference = kenmerk
cli-column-index = record
cli-policy-same = opnieuw beslist uit alleen het record en de voorwaarden: hetzelfde
cli-policy-other = het record volgt niet uit deze voorwaarden, dus zijn redenen worden niet getoond: { $why }
cli-policy-lenient = soepelheden die aan stonden: { $names }
cli-policy-both = `{ $name }` zijn kant-en-klare voorwaarden, en ook een bestand: schrijf `./{ $name }` voor het bestand, of noem het anders
cli-policy-see-list = `herleid policy list` toont de kant-en-klare voorwaarden
cli-policy-unknown = er zijn geen kant-en-klare voorwaarden `{ $name }`
cli-policy-open = `{ $policy }` heeft open plekken, en er is niets opgegeven voor { $places }
cli-policy-no-place = `{ $policy }` heeft geen open plek { $places }
cli-policy-several = in `{ $place }` hoort één waarde, en er zijn er meer opgegeven
cli-policy-set = voeg toe: { $options }
cli-policy-list-next = `herleid policy show NAAM` toont er een; `herleid publish ... --policy NAAM --set PLEK=WAARDE` publiceert ermee
cli-policy-purposes-next = doelen uit de Data Privacy Vocabulary, zoals `dpv:ScientificResearch`, kunnen ook (docs/purposes.md)
cli-column-places = open plekken
cli-column-says = zegt
cli-column-purpose = doel
cli-column-law = wet
cli-try-who = iemand
cli-try-holder = de houder
cli-try-target = de dataset
cli-try-given = opgegeven
cli-try-assumed = aangenomen
cli-try-known = bekend bij dit antwoord:
cli-try-counted = dit gebruik zou meetellen; in totaal mag het { $most } keer
cli-try-volume = { $bytes } bytes zouden meetellen; in totaal mogen het er { $most } zijn
cli-try-price = { $price } euro zou worden afgenomen van wat is betaald; in totaal is { $paid } euro betaald
cli-try-not-understood = Geweigerd: `{ $policy }` is niet te gebruiken en staat dus niets toe: { $why }
cli-diff-not-understood = `{ $policy }` is niet te gebruiken, dus er valt niets te vergelijken
cli-diff-check = `herleid policy check { $policy }` zegt waar
cli-diff-same = { $first } en { $second } staan hetzelfde toe
cli-diff-none-found = er is geen verschil gevonden tussen { $first } en { $second }, maar niet alles is bekeken
cli-diff-more = { $second } staat toe wat { $first } niet toestaat:
cli-diff-less = { $second } staat niet toe wat { $first } wel toestaat:
cli-diff-shown = { $shown } van { $of } staan hier; `--json` geeft alles
cli-diff-unlisted = er zijn nog { $unlisted } plekken, die nergens staan
cli-diff-asked = gevallen die aan beide zijn voorgelegd: { $asked }
cli-diff-gap = NIET VOLLEDIG: { $why }
cli-diff-gap-cases = { $asked } van { $of } gevallen zijn voorgelegd, gelijk verdeeld
cli-diff-gap-values = van { $aspect } zijn { $asked } van { $of } waarden bekeken
cli-diff-gap-volume = grenzen aan het aantal bytes zijn niet vergeleken
cli-diff-gap-price = prijzen zijn niet vergeleken: van een gebruik dat iets kost, is aangenomen dat het is betaald
cli-diff-gap-operand = van `{ $operand }` is hier niets bekend
cli-diff-gap-duty = een toestemming heeft een plicht: als een verklaring genoeg is, is zij als verklaard geteld, en anders als niet nagekomen
cli-diff-gap-counters = gebruik wordt op meer dan één plaats geteld, en elk geval is apart geteld: wat gevallen samen delen is niet vergeleken
cli-diff-gap-obligation = iemand heeft een verplichting: dat er na de datum niets meer mag is vergeleken, wat er moet gebeuren niet
cli-diff-always = altijd, voor iedereen en alles
cli-diff-never = nooit
cli-diff-times = hoogstens { $most } keer
cli-diff-unlimited = zo vaak als men wil
cli-diff-any-but = { $aspect }: alles behalve { $list }
cli-diff-action = handeling
cli-diff-time = tijd
cli-diff-purpose = doel
cli-diff-recipient = ontvanger
cli-diff-area = gebied
cli-diff-basis = grondslag
cli-diff-area-of-use = gebied van gebruik
cli-diff-log = connector
cli-diff-assignee = vrager
cli-diff-assigner = houder
cli-diff-target = dataset
cli-diff-and-more = en nog { $more }
cli-diff-below = { $list } en { $below } daaronder
cli-diff-without = { $list }, zonder { $without }
cli-diff-nothing = geen opgegeven
cli-diff-other-purpose = een dat niemand kent
cli-diff-other = een die geen van beide noemt
cli-diff-log-kept = met een logboek
cli-diff-log-none = zonder logboek
cli-diff-before = voor { $end }
cli-diff-from = vanaf { $from }
cli-diff-between = vanaf { $from } tot { $end }
cli-doctor = in orde: { $size } records van { $origin }, { $streams } reeksen zonder gat, { $documents } documenten, { $erased } onderdelen gewist; wortel { $root }
cli-doctor-payloads = { $payloads } gegevensbestanden van { $bytes } bytes zijn wat hun naam zegt
cli-doctor-over = in orde: { $size } records van { $origin }, dat voorbij is
cli-doctor-over-wrong = { $origin }, dat voorbij is, is niet in orde; het blijft zoals het is: { $why }
cli-doctor-rebuilt = de herkomstindex is opnieuw uit de records gemaakt
cli-doctor-again = een eerdere controle had schade gevonden ({ $found }); vanaf de volgende start neemt het weer records aan
cli-backup = gekopieerd en gecontroleerd: { $size } records van { $origin }, stand van { $time }; { $files } bestanden, { $bytes }
cli-backup-out = {"  "}logboek, documenten en gegevens: { $out }
cli-backup-keys = {"  "}sleutels van onderdelen, apart en kort te bewaren: { $keys }
cli-backup-left-out = NIET IN DE RESERVEKOPIE: het logboek dat voorbij is, { $what }
cli-backup-unsound = bewaard zoals het is, en niet in orde: het logboek dat voorbij is, { $what }
cli-restored = teruggezet en gecontroleerd: { $size } records van { $origin }, stand van { $time }, in { $directory }
cli-restored-next = daarna: `herleid serve`, dat de getuigen vraagt; hebben die meer gezien dan deze reservekopie heeft, dan weigert het, en zegt `herleid ledger continue` wat er kan
cli-restored-since = wat na { $time } is gebruikt, beëindigd of niet meer vertrouwd, is hier niet bekend; zonder getuigen die { $size } records bevestigen start `herleid serve` niet, tenzij u met --nothing-since hebt teruggezet
cli-restored-witness = wat deze connector als getuige onthield staat in geen reservekopie; zijn sleutel { $key } wordt daarom niet meer gebruikt: maak een nieuwe voordat u hem start (docs/backup.md)
cli-dossier-next = verder met: `herleid verify { $path } --anchors <ankers van elders>`
cli-status-log = logboek { $origin }: { $size } records, waarvan { $witnessed } met getuigen
cli-init-serve = daarna: herleid serve
cli-init-tls = daarna: vul tls_certificate en tls_key in onder [listen] in herleid.toml, en dan: herleid serve
cli-status-log-key = sleutel van het logboek: { $key }
cli-status-witness-key = sleutel van deze getuige: { $key }
cli-status-witness = getuige { $name }: { $size } records ondertekend op { $time }
cli-status-witness-failing = getuige { $name }: FAALT sinds { $since }, { $size } records ondertekend op { $time }: { $why }
cli-status-peer = partner: { $did }
cli-status-warning = LET OP: { $warning }

cli-trace-record = record { $index } van { $party }
cli-trace-log = in ons logboek { $log }, een ander
cli-trace-verified = gecontroleerd
cli-trace-not-verified = NIET gecontroleerd
cli-trace-again = staat elders in deze boom
cli-trace-not-followed = de grootste diepte, hierachter niet gekeken
cli-trace-not-asked = niet gevraagd ({ $why })
cli-trace-answered = gevraagd, het antwoord staat hieronder
cli-trace-answered-but = gevraagd en beantwoord ({ $why })
cli-trace-refused = gevraagd, GEWEIGERD ({ $why })
cli-trace-unknown = gevraagd, weet er niets van ({ $why })
cli-trace-unreachable = kon NIET worden gevraagd ({ $why })
cli-trace-failed = gevraagd, GEEN bruikbaar antwoord ({ $why })
cli-trace-told-by = verteld door { $party }
cli-trace-proved = record bewezen, de rest is hun woord
cli-trace-not-proved = hun woord, NIET bewezen
cli-trace-across = het logboek { $log } van deze partij is doorzocht; aan andere partijen zijn { $asked } vragen gesteld, { $answered } beantwoord
cli-trace-hidden = nog { $count }, niet getoond
cli-trace-up = { $found } gevonden waarop het rust, zelf meegeteld, { $shown } getoond: { $decisions } besluiten, { $runs } runs, { $pulls } pulls
cli-trace-up-more = meer dan { $found } gevonden waarop het rust, zelf meegeteld, { $shown } getoond; van de eerste { $found }: { $decisions } besluiten, { $runs } runs, { $pulls } pulls
cli-trace-down = { $found } gevonden die erop rusten, zelf meegeteld, { $shown } getoond: { $decisions } besluiten, { $runs } runs, { $pulls } pulls
cli-trace-down-more = meer dan { $found } gevonden die erop rusten, zelf meegeteld, { $shown } getoond; van de eerste { $found }: { $decisions } besluiten, { $runs } runs, { $pulls } pulls
cli-trace-deep = { $count } daarvan liggen { $depth } stappen ver: daarachter keek niemand
cli-trace-cases = zaken, { $shown } van { $found }: { $names }
cli-trace-parties = andere partijen, { $shown } van { $found }: { $names }
cli-trace-stream = { $kind } { $of }{ $party }: { $runs } runs, { $runs_found } daarvan gevonden, { $runs_shown } getoond; { $found } gevonden in totaal, { $shown } getoond; de reeks heeft { $records } records
cli-trace-stream-long = { $kind } { $of }{ $party }: { $runs_found } runs gevonden, { $runs_shown } getoond; { $found } gevonden in totaal, { $shown } getoond; de reeks heeft { $records } records, te veel om de runs erin te tellen
cli-trace-aside = ook daar vastgelegd, en niet getekend omdat het nergens heen leidt: { $found } van soort { $kind } ({ $records })
cli-trace-streams = { $shown } van { $found } reeksen
cli-trace-own = alleen het logboek { $log } van deze partij is doorzocht; geen andere partij is gevraagd
cli-trace-also = het logboek { $log }, dat voorbij is, kent het ook: geef { $log }/ en daarachter wat u gaf
cli-trace-unsearched = niet doorzocht: { $why }

cli-usage-command = er is geen opdracht `{ $name }`
cli-usage-unknown = er is geen optie `{ $argument }`
cli-usage-meant = misschien `{ $names }`
cli-usage-value = `{ $argument }` kan niet `{ $value }` zijn
cli-usage-no-value = bij `{ $argument }` hoort een waarde
cli-usage-conflict = `{ $argument }` en `{ $other }` gaan niet samen
cli-usage-missing = nog nodig: { $argument }
cli-usage-no-command = er is een opdracht nodig
cli-usage-next = `{ $help }` laat zien hoe het moet

cli-file-missing = er is geen bestand `{ $path }`
cli-file-unreadable = `{ $path }` kan niet worden gelezen
cli-file-not-json = `{ $path }` is geen bruikbare JSON
cli-file-not-text = `{ $path }` is geen UTF-8-tekst
cli-twice = `{ $name }` staat er twee keer

## De pagina van de beheer-API

management-page-title = Beheer-API van Herleid
management-page-skip = Naar de bewerkingen
management-page-intro = Wat de mensen van deze connector ervan kunnen vragen. Voor programma's staat hetzelfde in openapi.json naast deze pagina.
management-page-token = Elk verzoek, behalve om deze pagina en openapi.json, heeft het token nodig uit het bestand management.token in de sleutelmap van de connector.
management-page-contents = Inhoud
management-page-parameters = Parameters
management-page-name = Naam
management-page-place = Waar
management-page-about = Betekenis
management-page-body = Inhoud van het verzoek
management-page-answer = Antwoord

# What people read, in English. The same keys and variables stand in nl.ftl.
# One sentence a key; say what failed, where, what was expected, and what to do next.

## Configuration: where

config-place-line = `{ $file }`, line { $line }
config-place-file = `{ $file }`
config-place-variable = the environment variable `{ $name }`

## Configuration: what is wrong

config-unreadable = cannot read the configuration { $place }: { $why }; expected a readable file: make one with `herleid init`, or name another with `--config`
config-syntax = { $place }: this is not TOML: { $why }; correct this line
config-unknown-section = { $place }: there is no section `{ $key }`; did you mean `{ $nearest }`? Correct its name, or remove it
config-unknown-key = { $place }: there is no key `{ $key }`; did you mean `{ $nearest }`? Correct its name, or remove it
config-unknown-variable = { $place } sets no key; did you mean `{ $nearest }`? Correct its name, or unset it
config-not-text = { $place } is not UTF-8; expected { $expected }: correct or unset it
config-missing = { $place }: the key `{ $key }` is missing; expected { $expected }: add it to the section `[{ $section }]`, or set the environment variable `{ $variable }`
config-wrong = { $place }: `{ $key }` is { $found }; expected { $expected }: correct it there

## Configuration: what is expected

config-expect-text = a text between quotes, not empty
config-expect-did = an identifier `did:web:<host>[%3A<port>][:<path>]` or `did:key:z...`
config-expect-address = an address and a port, such as "127.0.0.1:7101"
config-expect-https = an address that starts with `https://`, without user, query or final `/` (`http://` only with `plain_http` under `[development]`)
config-expect-digest = a SHA-256 in 64 lower-case hexadecimal digits
config-expect-origin = the origin of a log, `<host>[:<port>]/log/<number from 1>`, without scheme
config-expect-path = the path of a file or directory, between quotes
config-expect-paths = a list of paths, such as ["ca.pem"]
config-expect-texts = a list of texts, such as ["MembershipCredential"]
config-expect-whole = a whole number from { $min } to { $max }
config-expect-switch = `true` or `false`
config-expect-choice = one of { $choices }
config-expect-tables = a list of tables, each with { $members }
config-expect-log-key = the verifier key of this log: `{ $origin }+<8 hex digits>+<base64>`, of type 1 (Ed25519)
config-expect-witness-key = a witness's verifier key, `<name>+<8 hex digits>+<base64>`, of type 4 (cosignature)
config-expect-keep = `permanent`, or a number of years, months or days, such as "7y", "18m" or "30d", of at most 200 years
config-expect-once = a name that occurs once
config-expect-own-origin = a log on the host of `participant.did` (`{ $did }`)
config-expect-quorum = at most the number of witnesses under `trust.witnesses`, { $max }
config-expect-logs = at least one log, because `witness.enabled` is true
config-expect-no-tls = no certificate, because `development.plain_http` is true
config-expect-development = no section `[development]`, unless the command is given `--development` (every record then says that shortcuts were on)
config-expect-licence = `offer`, or the IRI of a licence, such as "https://creativecommons.org/licenses/by/4.0/"
config-expect-themes = a list of themes, each one of { $themes } or an IRI
config-expect-email = an e-mail address, such as "data@example.org"
config-expect-name = a name, such as "Data desk"
config-expect-iri = an IRI, such as "https://register.example/verwerkingen/12"
config-expect-page = the address of a page, such as "https://example.org/contact"
config-expect-section = a section, `[{ $section }]`

## Configuration: what was found

config-found-table = a table
config-found-table-without = a table without `{ $member }`
config-found-list = a list
config-found-time = a date or time
config-found-decimal = a decimal or too large number

# The demonstration

demo-prepared = Keys, certificates and configurations made in { $directory }
demo-started = { $count } connectors, an issuer and a witness run, each a process of its own, over TLS
demo-published-rain = KNMI publishes the rain of 16 to 18 June 2020 at Vlissingen (SHA-256 { $sha256 }…)
demo-published-sewer = The municipality publishes sewer storage and pumping capacity, synthetic (SHA-256 { $sha256 }…)
demo-published-model = The water board publishes its sewer model, a program of its own (SHA-256 { $program }…)
demo-no-credential = Refusal 1: the app asks for a catalogue without a credential
demo-credentials = The issuer gives { $count } credentials: memberships, and the accreditation of the model service
demo-wrong-purpose = Refusal 2: the app asks for the rain for marketing
demo-catalogue = The app reads the catalogue of { $holder }: { $count } offered
demo-negotiated = The app concludes { $count } agreements for { $purpose }
demo-expired = Refusal 3: the app pulls under an agreement that ended at { $until }
demo-pulled = The app pulls { $what }; digest and receipt hold (SHA-256 { $sha256 }…)
demo-ran = The water board runs the model for the app, pumping capacity { $pump } mm/h, the rain travelling under KNMI's agreement (output { $sha256 }…)
demo-decided = The app records the decision in case { $case }, signed for by { $author }
demo-dossier = The dossier is written: { $path } (manifest { $manifest }…)
demo-anchors = Apart from it, every party states its own keys and counts: { $path }
demo-verified = Verified offline: { $count } elements hold, { $unchecked } are not for this verifier to check
demo-replayed = { $model }, run again from the dossier: { $verdict }
demo-trace = Where the decision in case { $case } comes from:
demo-end = Done in { $seconds } seconds.

## The command line

# An error's parts
cli-error-found = found:
cli-error-expected = expected:
cli-error-next = what to do:
cli-interrupted = stopped by you; the service finishes what must not be left half done (`herleid status` shows what was recorded)
cli-not-running = no herleid service is running here
cli-not-running-next = start it with `herleid serve`, or name its configuration with `--config`
cli-not-yours = the herleid service here belongs to another user
cli-not-yours-next = run the command as the user that runs `herleid serve`
cli-not-reached = the herleid service cannot be reached
cli-not-reached-next = see whether `herleid serve` still runs
cli-answer-broken = the service's answer broke off
cli-answer-broken-next = see whether `herleid serve` still runs; `herleid status` shows what was recorded
cli-answer-unknown = the service's answer is not understood
cli-answer-unknown-next = use the same version of herleid for the command line and the service

# Progress
cli-step-publish = reading
cli-step-catalog = reading the catalogue
cli-step-negotiate = negotiating
cli-step-pull = fetching
cli-step-run = computing
cli-step-trace = following the trace
cli-step-dossier = writing the dossier
cli-step-verify = verifying
cli-step-replay = computing again
cli-step-doctor = checking the log
cli-step-doctor-payloads = checking payloads
cli-step-doctor-over = checking the logs that are over
cli-step-reconcile = comparing ledgers
cli-step-backup = copying
cli-step-backup-check = checking the copy
cli-step-restore = copying
cli-progress-of = { $step }: { $done } of { $total } ({ $percent }%)
cli-progress = { $step }: { $done }

# Lists
cli-shown-all = { $total } in all
cli-shown-some-of-more = { $shown } of more than { $total }: the other end does not say how many, and they were not counted to the end; ask for less with a filter
cli-shown-some = { $shown } of { $total }; `--limit 0` shows all
cli-empty = nothing

# Columns
cli-column-id = identifier
cli-column-kind = kind
cli-column-title = title
cli-column-version = version
cli-column-size = size
cli-column-offers = offers
cli-column-agreement = agreement
cli-column-side = side
cli-column-other = other party
cli-column-dataset = dataset or model
cli-column-policy = policy
cli-column-open = open until
cli-column-issuer = issuer
cli-column-subject = subject
cli-column-types = types
cli-column-valid = valid until
cli-column-state = state
cli-column-name = name
cli-column-digest = sha-256
cli-column-access = access
cli-column-turn = whose turn
cli-column-records = records
cli-column-ground = ground
cli-column-proposed = proposed by
cli-column-decided = decided by
cli-column-held = held
cli-column-reason = reason
cli-column-by = by
cli-column-since = since
cli-column-transaction = transaction
cli-column-complete = complete by
cli-column-path = file
cli-column-verdict = verdict
cli-column-ours = ours
cli-column-theirs = theirs
cli-column-same = same
cli-column-found = not fitting
cli-column-what = what
cli-column-category = category
cli-column-due = due
cli-column-obligation = obligation

# Words in cells
cli-kind-dataset = dataset
cli-kind-model = model
cli-side-provider = provider
cli-side-consumer = consumer
cli-open = open
cli-open-until = open until { $until }
cli-open-always = no end stated
cli-closed = closed: { $why }
cli-valid = valid
cli-turn-over = over
cli-turn-person = WAITS FOR A PERSON
cli-turn-held = held back by a rule
cli-turn-other = waits for the other party
cli-turn-webhook = the webhook is asked
cli-turn-connector = the connector decides

# Results
cli-published = published `{ $id }`, version { $version }: { $size }, record { $index }
cli-withdrawn = withdrawn: `{ $id }`, version { $versions }, record { $index }
cli-credential-added = kept: { $types } from { $issuer }
cli-negotiated =
    agreement `{ $agreement }` ({ $state })
    next: `herleid pull { $agreement }`, or `herleid run` for a model
cli-waiting = { $waiting ->
    [one] one waits for a person
   *[other] { $waiting } wait for a person
}; to look at one: `herleid negotiation show ID`
cli-negotiation =
    negotiation { $id }
      over { $dataset }, with { $other }; this connector is the { $side }
      { $state }, since { $changed }: { $turn }
      offer: { $policy }
cli-negotiation-underway = { "  " }on its way: { $message }
cli-negotiation-purpose = { "  " }asked for with the purpose { $purpose }
cli-negotiation-basis = { "  " }legal basis, as declared: { $basis }
cli-negotiation-area = { "  " }area of use, as declared: { $area }
cli-negotiation-agreement = { "  " }agreement: { $agreement }
cli-negotiation-ended = { "  " }ended by { $why }
cli-negotiation-possible = { "  " }to be decided with `herleid negotiation STEP { $id }`: { $possible }
cli-pulled =
    fetched { $size } to { $path }
      sha-256     { $sha256 }
      blake3      { $blake3 }
      transaction { $transaction }, record { $index }
cli-pushed = pushed, and read back: transfer `{ $transfer }`
cli-pushed-unseen =
    pushed, as the provider says: transfer `{ $transfer }`
    this connector has not seen what came there; nothing is recorded of it here, and no receipt given
cli-ran = `{ $model }`, version { $version }, has run: transaction { $transaction }, record { $index }
cli-decided = decision recorded: { $record }, record { $index }
cli-dossier =
    dossier: { $path }
      sha-256 of its manifest { $manifest }
cli-anchors =
    anchors: { $path }
      fingerprint of the log's key { $fingerprint }
cli-erasure =
    `{ $id }`: { $state }
      ground      { $ground }
      authority   { $authority }
      complete by { $complete }
      proposed by { $proposed }
cli-erasure-decided = { "  " }decided by  { $by }
cli-erasure-record = { "  " }record { $index } ({ $kind }): { $sections }
cli-erasure-log = {"  "}records of { $origin }, which is over; the records that say it are of this log
cli-erasure-elsewhere = {"  "}NOT erased: records { $records } of { $origin }, which is over; propose them with --log { $origin }
cli-erasure-tombstone = { "  " }record { $index } ({ $kind }): { $sections }; record { $tombstone } says so
cli-erasure-told = { "  " }told { $did } at { $time }
cli-erasure-untold = { "  " }{ $did } could not be told yet; it is tried again
cli-erasure-next = next: another person runs `herleid erase approve { $id }`
cli-erasure-buried = {"  "}nothing of it is left in any file of this connector
cli-erasure-unburied = {"  "}files of this connector still hold some of it; that is tried again every minute, in a log that is over less and less often, and `herleid erase show { $id }` says when it is done
cli-token = your token (it is not shown): {""}
cli-erasure-proposed = waits for a second person
cli-erasure-erased = erased
cli-erasure-remains = erased, but for what files still hold
cli-erasure-rejected = rejected
cli-hold-records = records { $records }
cli-hold-case = case { $case }
cli-hold-agreement = agreement { $agreement }
cli-hold-removed = no longer held
cli-retention-list = by { $list }
cli-retention-case = case
cli-retention-agreement = agreement
cli-retention-denial = denials
cli-retention-due = due
cli-retention-held = held
cli-retention-needed = due, but needed
cli-retention-proposed = proposed
cli-retention-offered = due, but still offered
cli-retention-refused = due, but refused
cli-retention-kept = kept
cli-retention-permanent = kept for ever
cli-retention-open = goes on
cli-retention-unruled = no rule
cli-retention-some-kept = { $kept } more stay
cli-retention-next = { $number } proposals; next: another person sees them with `herleid erase list`, and approves each with `herleid erase approve`
cli-ledger-record =
    record { $index } in { $size }: { $path }
      entry     { $entry }
      witnesses { $witnesses }
cli-ledger-record-alone =
    record { $index } in { $size }, not witnessed: { $path }
      entry { $entry }
cli-ledger-timestamp = { $size } records at { $time } by { $authority }: { $path }
cli-ledger-stamped = { $size } records of { $origin } were there at { $time }, says { $authority }
cli-reconciled-incomparable = no log there
cli-reconciled-same = same
cli-reconciled-open = open
cli-reconciled-unfinished = unfinished
cli-reconciled-differs = DIFFERS
cli-reconcile-unfinished = { $agreement }: not compared, or not to the end: { $why }
cli-reconcile-erased = { $agreement }: { $here } exchanges were erased here; they cannot be compared
cli-reconcile-ahead = { $agreement }: the other end's clock is at least { $ms } ms ahead of this one, by what it recorded as received
cli-reconcile-behind = { $agreement }: the other end's clock is at least { $ms } ms behind this one, by what it recorded as received
cli-reconcile-clocks = { $agreement }: during the last day a clock was changed, at this end or at the other
cli-reconcile-shown = { $agreement }: { $shown } of { $total } findings are shown
cli-reconcile-none = both ledgers say the same
cli-reconcile-unsearched = not searched: { $why }
cli-found-different = recorded in other words ({ $detail })
cli-found-never-given = recorded there as received, and never given by this end
cli-found-left-out = left out there; this end holds the other end's receipt
cli-found-denied = left out there; the other end has acknowledged it
cli-found-gap = numbers left out there: { $detail }
cli-found-withheld = record { $detail } there holds an exchange that the other end keeps closed
cli-found-twice = recorded twice by one end, in other words
cli-found-not-received-here = given there, not received here: it broke off, or is on its way
cli-found-not-received-there = given here, not received there: it broke off, or is on its way
cli-found-erased = erased ({ $detail }); it cannot be compared
cli-found = { $agreement }{ $where }: { $what }
cli-found-where = {" "}{ $transaction } { $phase } { $segment } (record { $ours } here, { $theirs } there)
cli-continue-old = the log { $origin } in { $directory }: { $size } records
cli-continue-unreadable = the log { $origin } in { $directory } cannot be read: { $why }
cli-continue-witness = witness { $witness }: has seen { $size } records
cli-continue-no-witness = no witness is configured: nobody can say how far the log went
cli-continue-other-history = ANOTHER HISTORY: { $why }
cli-continue-last = the last checkpoint that anybody holds: { $size } records, held by { $holder }
cli-continue-lost = records lost, at least: { $lost }
cli-continue-unknown = which, nobody knows
cli-continue-would = the successor would be { $successor }, in a folder of its own below { $storage }; nothing is written into the old log
cli-continue-ends = agreements, transfers and counts of the old log end with it, what is published has to be published again
cli-continue-confirm = nothing was done. To do it: herleid ledger continue --confirm { $origin }
cli-continue-done =
    { $origin } is over. Its successor is { $successor }, in { $directory }
      records lost, at least: { $lost }; the record `continued` says so
cli-continue-before =
    { $origin } was continued before, as { $successor }, in { $directory }; nothing was changed
      records lost, at least: { $lost }; the record `continued` says so
cli-continue-set = next: set origin = "{ $successor }" under [ledger] in { $file }
cli-continue-tell = then: have your witnesses take up the new log: {"{"} origin = "{ $successor }", verifier_key = "{ $key }" {"}"}
cli-continue-then = then: herleid serve; publish again what you offer, and let peers agree anew
cli-policy-good = { $file } is understood: { $kind }
cli-policy-bad = { $file } is refused; nothing in it is used
cli-policy-more = and { $more } more
cli-policy-whole = ODRL 2.2 knows all of this; a connector cannot see to it, or a peer would lose it
cli-policy-by-provider = the provider's connector sees to it
cli-policy-by-consumer = the consumer's connector sees to it
cli-policy-declared = declared: said by the asker, recorded, checked by nobody
cli-policy-duty-consumer = the consumer's connector deletes what it keeps itself and states so; copies elsewhere are declared
cli-policy-duty-provider = a statement, of which the provider's connector records that it came; what it says is declared
cli-policy-duty-first = a statement has to come first, once under an agreement, and the provider's connector sees to that; what it says is declared
cli-policy-duty-declared = nobody follows it up: whoever has to do it can only say so
cli-duty = { $action }, under agreement { $agreement }: { $state }
cli-duty-first = open; nothing is given before it is stated
cli-duty-open = open
cli-duty-due-soon = due soon
cli-duty-overdue = overdue
cli-duty-stated = stated, not taken yet
cli-duty-fulfilled = fulfilled
cli-duty-late = fulfilled, late
cli-duty-erased = {"  "}what was stated is erased
cli-duty-deleted = { "  " }{ $removed } payloads deleted, { $kept } kept because they are had otherwise too; { $transactions } transactions named
cli-duty-taken = { "  " }{ $other } has recorded the statement at { $time }
cli-duty-untaken = { "  " }{ $other } has not taken the statement yet: { $why }; it is brought again
cli-duty-untold = { "  " }{ $other } has not been reached yet; the statement is brought again
cli-policy-price-provider = the provider's connector takes it from what was paid beforehand; that it was paid, the provider records itself
cli-payment-received = received
cli-payment-returned = paid back
cli-payment-recorded = recorded: { $kind } { $amount } { $currency }, { $reference }, in record { $index }
cli-payment-again = recorded before, in record { $index }; nothing changed: { $kind } { $amount } { $currency }, { $reference }
cli-payment-left = left of what was paid: { $left } { $currency }
cli-payments =
    agreement { $agreement }; amounts in { $currency }
      a use costs: { $prices }
      paid: { $paid }; taken by uses or paid back: { $taken }; left: { $left }
cli-payments-unlisted = of what was paid { $unlisted } { $currency } is not listed: older payments, and those whose record was erased
cli-column-when = when
cli-column-amount = amount
cli-column-reference = reference
cli-column-index = record
cli-policy-same = evaluated again from the record and the policy alone: the same
cli-policy-other = the record does not follow from this policy, so its reasons are not shown: { $why }
cli-policy-lenient = leniencies that were on: { $names }
cli-policy-both = `{ $name }` is a ready-made policy and a file as well: write `./{ $name }` for the file, or call it otherwise
cli-policy-see-list = `herleid policy list` lists the ready-made policies
cli-policy-unknown = there is no ready-made policy `{ $name }`
cli-policy-open = `{ $policy }` has open places, and nothing is given for { $places }
cli-policy-no-place = `{ $policy }` has no open place { $places }
cli-policy-several = one value belongs in `{ $place }`, and several are given
cli-policy-set = add { $options }
cli-policy-list-next = `herleid policy show NAME` prints one; `herleid publish ... --policy NAME --set PLACE=VALUE` publishes under it
cli-policy-purposes-next = purposes of the Data Privacy Vocabulary, such as `dpv:ScientificResearch`, can be named as well (docs/purposes.md)
cli-column-places = open places
cli-column-says = says
cli-column-purpose = purpose
cli-column-law = law
cli-try-who = somebody
cli-try-holder = the holder
cli-try-target = the dataset
cli-try-given = given
cli-try-assumed = assumed
cli-try-known = known for this answer:
cli-try-counted = this use would be counted; { $most } are permitted in all
cli-try-volume = { $bytes } bytes would be counted; { $most } may be delivered in all
cli-try-price = { $price } euros would be taken from what was paid; { $paid } euros were paid in all
cli-try-not-understood = Refused: `{ $policy }` is not fit to be used, so it permits nothing: { $why }
cli-diff-not-understood = `{ $policy }` is not fit to be used, so there is nothing to compare
cli-diff-check = `herleid policy check { $policy }` says where
cli-diff-same = { $first } and { $second } permit the same
cli-diff-none-found = no difference was found between { $first } and { $second }, but not everything was looked at
cli-diff-more = { $second } permits what { $first } does not:
cli-diff-less = { $second } does not permit what { $first } does:
cli-diff-shown = { $shown } of { $of } are shown; `--json` gives all
cli-diff-unlisted = there are { $unlisted } places more, which are listed nowhere
cli-diff-asked = cases that both were asked about: { $asked }
cli-diff-gap = NOT EXHAUSTIVE: { $why }
cli-diff-gap-cases = { $asked } of { $of } cases were asked about, spread evenly
cli-diff-gap-values = of { $aspect }, { $asked } of { $of } values were looked at
cli-diff-gap-volume = limits of bytes were not compared
cli-diff-gap-price = prices were not compared: of a use that costs something, it was taken that it is paid for
cli-diff-gap-operand = nothing is known here of `{ $operand }`
cli-diff-gap-duty = a permission has a duty: one that a statement meets was taken as stated, any other as not fulfilled
cli-diff-gap-counters = uses are counted in more than one place, and each case was counted alone: what several cases share was not compared
cli-diff-gap-obligation = somebody has an obligation: that nothing is permitted once its date is past was compared, what has to be done was not
cli-diff-always = at any time, for everybody and everything
cli-diff-never = never
cli-diff-times = at most { $most } times
cli-diff-unlimited = as often as one likes
cli-diff-any-but = any { $aspect } but { $list }
cli-diff-action = action
cli-diff-time = time
cli-diff-purpose = purpose
cli-diff-recipient = recipient
cli-diff-area = area
cli-diff-basis = legal basis
cli-diff-area-of-use = area of use
cli-diff-log = connector
cli-diff-assignee = asking party
cli-diff-assigner = holder
cli-diff-target = dataset
cli-diff-and-more = and { $more } more
cli-diff-below = { $list } and { $below } below
cli-diff-without = { $list }, without { $without }
cli-diff-nothing = none stated
cli-diff-other-purpose = one that nobody knows
cli-diff-other = one that neither names
cli-diff-log-kept = with a log
cli-diff-log-none = without a log
cli-diff-before = before { $end }
cli-diff-from = from { $from } on
cli-diff-between = from { $from } to before { $end }
cli-doctor = sound: { $size } records of { $origin }, { $streams } streams without a gap, { $documents } documents, { $erased } sections erased; root { $root }
cli-doctor-payloads = { $payloads } payloads of { $bytes } bytes are what their names say
cli-doctor-over = sound: { $size } records of { $origin }, which is over
cli-doctor-over-wrong = { $origin }, which is over, is not in order; it is kept as it is: { $why }
cli-doctor-rebuilt = the lineage index was made anew from the records
cli-doctor-again = an earlier check had found it damaged ({ $found }); it takes records again from the next start
cli-backup = backed up and checked: { $size } records of { $origin }, as of { $time }; { $files } files, { $bytes }
cli-backup-out = {"  "}log, documents and payloads: { $out }
cli-backup-keys = {"  "}section keys, to be kept apart and for a short time: { $keys }
cli-backup-left-out = NOT IN THE BACKUP: the log that is over { $what }
cli-backup-unsound = kept as it is, and does not verify: the log that is over { $what }
cli-restored = restored and checked: { $size } records of { $origin }, as of { $time }, in { $directory }
cli-restored-next = next: `herleid serve`, which asks the witnesses; where they saw more than this backup has it refuses, and `herleid ledger continue` says what can be done
cli-restored-since = uses counted, agreements ended and parties distrusted after { $time } are not known here; without witnesses that confirm { $size } records `herleid serve` does not start, unless you restored with --nothing-since
cli-restored-witness = this connector's memory as a witness is in no backup, so its witness key { $key } is not used any more: make a new one before you start it (docs/backup.md)
cli-dossier-next = next: `herleid verify { $path } --anchors <anchors obtained elsewhere>`
cli-status-log = log { $origin }: { $size } records, { $witnessed } of them witnessed
cli-init-serve = next: herleid serve
cli-init-tls = next: set tls_certificate and tls_key under [listen] in herleid.toml, then: herleid serve
cli-status-log-key = key of the log: { $key }
cli-status-witness-key = key of this witness: { $key }
cli-status-witness = witness { $name }: { $size } records cosigned at { $time }
cli-status-witness-failing = witness { $name }: FAILING since { $since }, { $size } records cosigned at { $time }: { $why }
cli-status-peer = peer: { $did }
cli-status-warning = WARNING: { $warning }

# Trace
cli-trace-record = record { $index } of { $party }
cli-trace-log = in our log { $log }, which is another
cli-trace-verified = verified
cli-trace-not-verified = NOT verified
cli-trace-again = stands elsewhere in this tree
cli-trace-not-followed = the greatest depth, not looked behind
cli-trace-not-asked = not asked ({ $why })
cli-trace-answered = asked, its answer stands below
cli-trace-answered-but = asked and answered ({ $why })
cli-trace-refused = asked, REFUSED ({ $why })
cli-trace-unknown = asked, knows nothing of it ({ $why })
cli-trace-unreachable = could NOT be asked ({ $why })
cli-trace-failed = asked, NO usable answer ({ $why })
cli-trace-told-by = told by { $party }
cli-trace-proved = its record proved, the rest its word
cli-trace-not-proved = its word, NOT proved
cli-trace-across = the log { $log } of this party was searched; { $asked } questions were put to other parties, { $answered } answered
cli-trace-hidden = { $count } more, not shown
cli-trace-up = { $found } found that it rests on, itself included, { $shown } shown: { $decisions } decisions, { $runs } runs, { $pulls } pulls
cli-trace-up-more = more than { $found } found that it rests on, itself included, { $shown } shown; of the first { $found }: { $decisions } decisions, { $runs } runs, { $pulls } pulls
cli-trace-down = { $found } found that rest on it, itself included, { $shown } shown: { $decisions } decisions, { $runs } runs, { $pulls } pulls
cli-trace-down-more = more than { $found } found that rest on it, itself included, { $shown } shown; of the first { $found }: { $decisions } decisions, { $runs } runs, { $pulls } pulls
cli-trace-deep = { $count } of them are { $depth } steps away: nobody looked behind them
cli-trace-cases = cases, { $shown } of { $found }: { $names }
cli-trace-parties = other parties, { $shown } of { $found }: { $names }
cli-trace-stream = { $kind } { $of }{ $party }: { $runs } runs, { $runs_found } of them found, { $runs_shown } shown; { $found } found in all, { $shown } shown; its stream has { $records } records
cli-trace-stream-long = { $kind } { $of }{ $party }: { $runs_found } runs found, { $runs_shown } shown; { $found } found in all, { $shown } shown; its stream has { $records } records, too many to count the runs in it
cli-trace-aside = recorded there too, and not drawn since they lead nowhere: { $found } of kind { $kind } ({ $records })
cli-trace-streams = { $shown } of { $found } streams
cli-trace-own = only the log { $log } of this party was searched; no other party was asked
cli-trace-also = the log { $log }, which is over, knows of it too: give { $log }/ and then what you gave
cli-trace-unsearched = not searched: { $why }

# What was typed
cli-usage-command = there is no command `{ $name }`
cli-usage-unknown = there is no option `{ $argument }`
cli-usage-meant = perhaps `{ $names }`
cli-usage-value = `{ $argument }` cannot be `{ $value }`
cli-usage-no-value = `{ $argument }` needs a value
cli-usage-conflict = `{ $argument }` and `{ $other }` exclude each other
cli-usage-missing = still needed: { $argument }
cli-usage-no-command = a command is needed
cli-usage-next = `{ $help }` shows how it is used

# Arguments that turn out wrong
cli-file-missing = there is no file `{ $path }`
cli-file-unreadable = `{ $path }` cannot be read
cli-file-not-json = `{ $path }` is not JSON that can be used
cli-file-not-text = `{ $path }` is not UTF-8 text
cli-twice = `{ $name }` is given twice

## The management API's page

management-page-title = Herleid management API
management-page-skip = To the operations
management-page-intro = What the people of this connector can ask of it. For programs, the same stands in openapi.json beside this page.
management-page-token = Every request but those for this page and openapi.json needs the token in the file management.token of the connector's keys directory.
management-page-contents = Contents
management-page-parameters = Parameters
management-page-name = Name
management-page-place = Where
management-page-about = What it means
management-page-body = Body of the request
management-page-answer = Answer

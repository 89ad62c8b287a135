// The policies and requests of policies/benches/policy.rs, judged by the EYE reasoner with N3 rules. Writes eye.json into the folder
// that is named. The rules are our own and know what these policies need: `isA`, `isAnyOf`, `eq`, times, `and`, `or`.
import { writeFileSync } from 'node:fs'
import { n3reasoner } from 'eyereasoner'

const RULES = `
@prefix : <urn:bench#>.
@prefix log: <http://www.w3.org/2000/10/swap/log#>.
@prefix math: <http://www.w3.org/2000/10/swap/math#>.
@prefix odrl: <http://www.w3.org/ns/odrl/2/>.
{ ?a :broader ?b } => { ?a :within ?b }.
{ ?a :broader ?b. ?b :within ?c } => { ?a :within ?c }.
{ ?c odrl:leftOperand odrl:dateTime; odrl:operator odrl:lteq; odrl:rightOperand ?t. :request :now ?n. ?n math:notGreaterThan ?t }
  => { ?c :holds true }.
{ ?c odrl:leftOperand odrl:dateTime; odrl:operator odrl:lt; odrl:rightOperand ?t. :request :now ?n. ?n math:lessThan ?t }
  => { ?c :holds true }.
{ ?c odrl:leftOperand odrl:dateTime; odrl:operator odrl:gt; odrl:rightOperand ?t. :request :now ?n. ?n math:greaterThan ?t }
  => { ?c :holds true }.
{ ?c odrl:leftOperand odrl:purpose; odrl:operator odrl:isA; odrl:rightOperand ?p. :request :purpose ?q. ?q :within ?p }
  => { ?c :holds true }.
{ ?c odrl:leftOperand odrl:recipient; odrl:rightOperand ?r. :request :recipient ?r } => { ?c :holds true }.
{ ?c odrl:or ?part. ?part :holds true } => { ?c :holds true }.
{ ?c odrl:and (?one ?other). ?one :holds true. ?other :holds true } => { ?c :holds true }.
{ ?r odrl:action ?a; odrl:assignee ?who; odrl:target ?what. :request :action ?a; :assignee ?who; :target ?what.
  ({ ?r odrl:constraint ?c } { ?c :holds true }) log:forAllIn [] } => { ?r :active true }.
`
const ANSWER = '{ ?r <urn:bench#active> true } => { ?r <urn:bench#active> true }.'
const CONSUMER = 'did:web:app.example'
const [WEDNESDAY, SUNDAY, LATE] = [1718186400000, 1718532000000, 1844416800000]
const PREFIXES = '@prefix : <urn:bench#>.\n@prefix odrl: <http://www.w3.org/ns/odrl/2/>.\n'
const TREE = ':Hemelwater :broader :Omgevingswet. :Omgevingswet :broader :LegalCompliance, :PublicBenefit. :LegalCompliance :broader :Obligation. :Obligation :broader :Purpose. :PublicBenefit :broader :Purpose. :Marketing :broader :Purpose.\n'

const atom = (name, left, operator, right) =>
  `${name} odrl:leftOperand odrl:${left}; odrl:operator odrl:${operator}; odrl:rightOperand ${right}.\n`
const rule = (name, action, constraints) =>
  `${name} odrl:action odrl:${action}; odrl:assignee <${CONSUMER}>; odrl:target <urn:example:rain>` +
  constraints.map(c => `; odrl:constraint ${c}`).join('') + '.\n'

function intervals () {
  const parts = []
  let text = ''
  for (let n = 0; n < 366; n++) {
    if (n % 7 >= 5) continue
    const midnight = 1704067200000 + n * 86400000
    text += atom(`:from${n}`, 'dateTime', 'gt', midnight + 9 * 3600000) + atom(`:to${n}`, 'dateTime', 'lt', midnight + 17 * 3600000)
    text += `:day${n} odrl:and (:from${n} :to${n}).\n`
    parts.push(`:day${n}`)
  }
  return rule(':permission', 'use', [':any']) + `:any odrl:or ${parts.join(', ')}.\n` + text
}

const recipients = [...Array(19).keys()].map(n => `<did:web:waterschap-${n}.example>`).concat(`<${CONSUMER}>`).join(', ')
const CASES = {
  'purpose and time': {
    policy: TREE + rule(':permission', 'use', [':p', ':t']) + rule(':prohibition', 'distribute', []) +
      atom(':p', 'purpose', 'isA', ':Omgevingswet') + atom(':t', 'dateTime', 'lteq', 1830293999000),
    questions: [[CONSUMER, 'Hemelwater', WEDNESDAY, true], [CONSUMER, 'Marketing', WEDNESDAY, false],
      [CONSUMER, 'Hemelwater', LATE, false], ['did:web:other.example', 'Hemelwater', WEDNESDAY, false]]
  },
  'twenty recipients': {
    policy: rule(':permission', 'use', [':r']) + rule(':prohibition', 'use', [':b']) +
      atom(':r', 'recipient', 'isAnyOf', recipients) + atom(':b', 'recipient', 'eq', '<did:web:barred.example>'),
    questions: [[CONSUMER, 'PublicBenefit', WEDNESDAY, true], ['did:web:barred.example', 'PublicBenefit', WEDNESDAY, false]]
  },
  '262 intervals': {
    policy: intervals(),
    questions: [[CONSUMER, 'PublicBenefit', WEDNESDAY, true], [CONSUMER, 'PublicBenefit', SUNDAY, false]]
  }
}

const ns = {}
for (const [name, { policy, questions }] of Object.entries(CASES)) {
  const taken = []
  for (const [who, purpose, now, allowed] of questions) {
    const request = `:request :action odrl:use; :assignee <${who}>; :recipient <${who}>; :target <urn:example:rain>; :purpose :${purpose}; :now ${now}.\n`
    for (let n = 0; n < 3; n++) {
      const from = process.hrtime.bigint()
      const answer = await n3reasoner(PREFIXES + policy + request + RULES, ANSWER)
      taken.push(Number(process.hrtime.bigint() - from))
      const active = rule => answer.includes(`:${rule}`) || answer.includes(`#${rule}>`)
      if ((active('permission') && !active('prohibition')) !== allowed) throw new Error(`${name} ${who} ${purpose} ${now}: ${answer}`)
    }
  }
  taken.sort((a, b) => a - b)
  ns[name] = taken[Math.floor(taken.length / 2)]
}
const report = JSON.stringify({ version: 'eyereasoner 18.23.2', ns }, null, 2)
writeFileSync(`${process.argv[2]}/eye.json`, report + '\n')
console.log(report)

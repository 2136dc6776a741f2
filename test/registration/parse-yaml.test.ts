import { inspect } from 'node:util'

import t from 'tap'

import { parseYaml } from '../../lib/registration/parse-yaml.ts'
import { parseRegistration } from '../../lib/registration/registration.ts'

const TOKEN = 'kQ7secretVx'
const GOOD = `id: x
hs_token: ${TOKEN}
as_token: "${TOKEN}"
sender_localpart: bot
namespaces:
  users:
    - exclusive: true
      regex: "@_irc_.*:example\\\\.org"
`
const INSERTED = [
  ...Array.from(':[]{}"\'*&!|>-#,%@`\\?'),
  '\n',
  '\t',
  '\n\n  ',
  ' ',
  '\0',
  '<<: ',
  '',
]

t.test(
  '9.20: a registration with a slip anywhere gives an error with a line, and without a token',
  async t => {
    let errors = 0
    let withLine = 0
    for (let at = 0; at <= GOOD.length; at += 1) {
      const slip = INSERTED[at % INSERTED.length] ?? ''
      const cut = at % 2
      const text = GOOD.slice(0, at) + slip + GOOD.slice(at + cut)
      try {
        const { value, file } = parseYaml(text, 'f.yaml')
        parseRegistration(value, file)
      } catch (error) {
        errors += 1
        if (typeof (error as { line?: unknown }).line === 'number') withLine += 1
        t.match(error, { code: 'REGISTRATION_INVALID', file: 'f.yaml' }, inspect(error))
        t.notMatch(inspect(error), /secret|kQ7|etVx/, inspect(text))
      }
    }
    t.ok(errors > GOOD.length / 3, `${errors} slips were noticed`)
    t.ok(withLine > errors / 2, `${withLine} with a line`)
  },
)

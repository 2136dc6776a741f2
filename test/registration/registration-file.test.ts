import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import {
  ensureRegistration,
  readRegistration,
} from '../../lib/registration/registration-file.ts'

t.test('a registration is made once, for its owner only, and then read', async t => {
  const path = join(t.testdir(), 'new/registration.yaml')
  const made = await ensureRegistration(path, { id: 'irc' })
  t.match(made, {
    sender_localpart: 'irc',
    url: 'http://localhost:9009',
    hs_token: /^[0-9a-f]{64}$/,
  })
  t.equal(statSync(path).mode & 0o777, 0o600)
  const text = readFileSync(path, 'utf8')
  t.same(await ensureRegistration(path), made)
  t.equal(readFileSync(path, 'utf8'), text)
})

t.test(
  'what is no registration is named, and left as it is, and no token is repeated',
  async t => {
    const path = join(t.testdir(), 'registration.yaml')
    await t.rejects(readRegistration(path), {
      code: 'REGISTRATION_MISSING',
      message: path,
    })
    writeFileSync(path, 'hs_token: "secret\nsender_localpart: x')
    try {
      await ensureRegistration(path)
      t.fail('accepted')
    } catch (error) {
      t.match(error, { code: 'REGISTRATION_INVALID', message: path })
      t.notMatch(String(error), /secret/)
    }
    writeFileSync(path, 'hs_token: ""')
    await t.rejects(ensureRegistration(path), {
      code: 'REGISTRATION_INVALID',
      message: /hs_token/,
    })
    t.equal(readFileSync(path, 'utf8'), 'hs_token: ""')
    await t.rejects(ensureRegistration(join(path, 'below-a-file')))
  },
)

import { createHmac, hkdfSync } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import fc from 'fast-check'
import t from 'tap'

import type { UserId } from '../../lib/matrix/user-id.ts'
import { KEY_BYTES, openKey } from '../../lib/user-seal/key.ts'
import { createUserSeal, type Sealed } from '../../lib/user-seal/user-seal.ts'

const KEY = Buffer.alloc(KEY_BYTES, 7)
const seal = createUserSeal(KEY)
const bob = '@bob:example.org' as UserId

t.test('what is sealed opens again, for the same binding only', async t => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, binding) => {
      const sealed = seal.seal(text, binding)
      return seal.unseal(sealed, binding) === text
    }),
  )
  const sealed = seal.seal(bob, 'request-1')
  t.notMatch(Buffer.from(sealed.slice(2), 'base64url').toString('latin1'), /bob|example/)
  t.throws(() => seal.unseal(sealed, 'request-2'), { code: 'SEAL_BROKEN' })
  t.throws(() => createUserSeal(Buffer.alloc(32, 8)).unseal(sealed, 'request-1'), {
    code: 'SEAL_BROKEN',
  })
})

t.test('a changed byte anywhere breaks the seal', async t => {
  const sealed = Buffer.from(seal.seal(bob, 'x').slice(2), 'base64url')
  for (const index of sealed.keys()) {
    const changed = Buffer.from(sealed)
    changed[index] = changed.readUInt8(index) ^ 1
    const text = changed.toString('base64url')
    for (const broken of [text, `1.${text}`]) {
      t.throws(() => seal.unseal(broken as Sealed, 'x'), { code: 'SEAL_BROKEN' })
    }
  }
  t.throws(() => seal.unseal('' as Sealed, 'x'), { code: 'SEAL_BROKEN' })
})

// Issue 8.8.
t.test(
  'a sealed value says its format: that of 0.1 opens, a later one is refused',
  async t => {
    const sealed = seal.seal(bob, 'request-1')
    t.match(sealed, /^1\.[\w-]+$/)
    t.equal(seal.unseal(sealed, 'request-1'), bob)
    const by01 = 'AAECAwQFBgcICQoLF7QHzhL2OXoAiIvjUQm2K4AxH6miZrIxWYSGSVgvECM' as Sealed
    t.equal(seal.unseal(by01, 'request-1'), bob)
    const later = sealed.replace('1.', '2.') as Sealed
    t.throws(() => seal.unseal(later, 'request-1'), {
      code: 'SEAL_BROKEN',
      message: /newer version/,
    })
  },
)

t.test('the same user sealed twice looks different, and has the same tag', async t => {
  t.not(seal.seal(bob, 'x'), seal.seal(bob, 'x'))
  t.equal(seal.tag(bob), createUserSeal(KEY).tag(bob))
  t.not(seal.tag(bob), createUserSeal(Buffer.alloc(32, 8)).tag(bob))
})

t.test('nonces do not repeat over many draws', async t => {
  const nonces = new Set<string>()
  for (let draw = 0; draw < 5000; draw += 1) nonces.add(seal.seal('', '').slice(2, 18))
  t.equal(nonces.size, 5000)
})

t.test('a tag is HMAC-SHA256, as node:crypto has it', async () => {
  const tagKey = hkdfSync('sha256', KEY, '', 'matrix-appservice-erasure/v1/tag', 32)
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => {
      const mac = createHmac('sha256', Buffer.from(tagKey)).update(text).digest()
      return seal.tag(text as UserId) === mac.toString('base64url', 0, 16)
    }),
  )
})

t.test('a key file is made once, whole, and for its owner only', async t => {
  const path = join(t.testdir(), 'made/for/us/erasure.key')
  const keys = await Promise.all([1, 2, 3].map(() => openKey(path, true)))
  t.equal(new Set(keys.map(key => Buffer.from(key).toString('hex'))).size, 1)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.same(readdirSync(join(path, '..')), ['erasure.key'], 'no temporary file is left')
  t.same(Buffer.from(await openKey(path, false)), readFileSync(path))
})

t.test(
  'a key that is missing, exposed or short is refused, and left as it is',
  async t => {
    const path = join(t.testdir(), 'erasure.key')
    await t.rejects(openKey(path, false), { code: 'KEY_MISSING' })
    writeFileSync(path, Buffer.alloc(KEY_BYTES), { mode: 0o600 })
    chmodSync(path, 0o644)
    await t.rejects(openKey(path, true), { code: 'KEY_EXPOSED', message: /chmod 600/ })
    chmodSync(path, 0o440)
    await t.resolves(openKey(path, true), 'container platforms mount secrets for a group')
    chmodSync(path, 0o600)
    writeFileSync(path, 'short')
    await t.rejects(openKey(path, true), { code: 'KEY_INVALID' })
    t.equal(readFileSync(path, 'utf8'), 'short')
    await t.rejects(openKey(Buffer.alloc(31), true), { code: 'KEY_INVALID' })
    await t.rejects(openKey(join(path, 'below-a-file'), true), { code: 'ENOTDIR' })
  },
)

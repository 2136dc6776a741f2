import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'

import t from 'tap'
import { parse } from 'yaml'

import {
  createRegistration,
  ensureRegistration,
  loadRegistration,
  readRegistration,
} from '../../lib/registration/registration-file.ts'
import { parseRegistration } from '../../lib/registration/registration.ts'

t.test('a registration is made once, for its owner only, and then read', async t => {
  const path = join(t.testdir(), 'new/registration.yaml')
  const made = await ensureRegistration(path, { id: 'irc' })
  t.match(made, {
    sender_localpart: 'irc',
    url: 'http://localhost:9009',
    hs_token: /^[0-9a-f]{64}$/,
  })
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(statSync(dirname(path)).mode & 0o777, 0o700)
  t.same(await loadRegistration(path), made)
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
    await t.rejects(ensureRegistration(join(path, 'below-a-file')), { code: 'ENOTDIR' })
    await t.rejects(ensureRegistration('/proc/no-folder/registration.yaml'), {
      code: /ENOENT|EACCES/,
    })
    await t.rejects(ensureRegistration('/proc/registration.yaml'), {
      code: /ENOENT|EACCES/,
    })
  },
)

t.test('9.17, 9.20: what is wrong in a file has its line, and no token', async t => {
  const path = join(t.testdir(), 'registration.yaml')
  const good = ['sender_localpart: bot', 'hs_token: secret']
  const users = (line: string) => [...good, 'namespaces:', '  users:', `    - ${line}`]
  const bad: ReadonlyArray<readonly [readonly string[], object]> = [
    [
      [...users('regex: "@_.*"'), '      exclusive: "false"'],
      { line: 6, property: 'namespaces.users[0].exclusive', message: /true or false/ },
    ],
    [users('regex: "@a"'), { line: 5, property: 'namespaces.users[0].exclusive' }],
    [
      users('{ exclusive: true, regex: "@irc_(?>a+)b" }'),
      { line: 5, property: 'namespaces.users[0].regex', message: /\(\?>/ },
    ],
    [['id: x', 'hs_token: 123456'], { line: 2, message: /hs_token .*in quotes/ }],
    [['hs_token: "secret "'], { line: 1, property: 'hs_token', message: /header/ }],
    [
      [...good, 'id: x', 'hs_token: "secret2"'],
      { line: 4, message: /:4: hs_token stands here for the second time/ },
    ],
    [
      [...good, 'secret: 1', '"secret": 2'],
      { line: 4, message: /a key stands here for the second time/ },
    ],
    [[...good, 'hs_token2: 1', 'hs_token2: 2'], { message: /a key stands/ }],
    [[...good, 'my_hs_token: 1', 'my_hs_token: 2'], { message: /a key stands/ }],
    [['secret'], { line: undefined, message: /yaml: it must be an object/ }],
    [[...good, 'id: "secret'], { line: 4, message: /not YAML \(MISSING_CHAR\)/ }],
    [['hs_token: *secret'], { message: /not YAML \(BAD_ALIAS\)/ }],
  ]
  for (const [lines, expected] of bad) {
    writeFileSync(path, `${lines.join('\n')}\n`)
    const thrown: unknown = await readRegistration(path).catch((error: unknown) => error)
    t.match(thrown, { code: 'REGISTRATION_INVALID', file: path, ...expected })
    t.notMatch(inspect(thrown), /secret|123456/)
    t.ok(String(thrown).includes(path))
  }
})

t.test('9.20: the token may be in a file of its own, or in the environment', async t => {
  const directory = t.testdir({ run: { 'hs-token': 'secret\n', bad: 'secret\nmore' } })
  const path = join(directory, 'registration.yaml')
  const read = async (...lines: readonly string[]) => {
    writeFileSync(path, ['sender_localpart: bot', ...lines].join('\n'))
    return readRegistration(path)
  }
  const token = { hs_token: 'secret' }
  t.match(await read('hs_token_path: run/hs-token', 'as_token_path: none'), token)
  t.match(await read(`hs_token_path: ${join(directory, 'run/hs-token')}`), token)
  t.match(await loadRegistration({ ...token, sender_localpart: 'bot' }), token)
  process.env['REGISTRATION_TEST_TOKEN'] = 'secret'
  process.env['REGISTRATION_TEST_BAD'] = 'secret '
  t.teardown(() => {
    delete process.env['REGISTRATION_TEST_TOKEN']
    delete process.env['REGISTRATION_TEST_BAD']
  })
  t.match(await read('hs_token: ${REGISTRATION_TEST_TOKEN}'), token)
  for (const literal of ['x${REGISTRATION_TEST_TOKEN}', '${REGISTRATION_TEST_TOKEN}x']) {
    t.match(await read(`hs_token: ${literal}`), { hs_token: literal })
  }
  for (const nothing of [null, 5, {}, { ...token, hs_token: ['${X}'] }]) {
    await t.rejects(loadRegistration(nothing as never), { code: 'REGISTRATION_INVALID' })
  }
  const variable = { hs_token: '${REGISTRATION_TEST_TOKEN}', sender_localpart: 'bot' }
  t.match(await loadRegistration(variable), token)
  const bad: ReadonlyArray<readonly [readonly string[], RegExp]> = [
    [['hs_token_path: none'], /:2: hs_token_path names .*none.*ENOENT/],
    [['hs_token_path: run/bad'], /:2: hs_token_path names .*bad.* no header can/],
    [['hs_token_path: 5'], /hs_token_path must name a file/],
    [['hs_token: secret', 'hs_token_path: run/hs-token'], /keep one/],
    [
      ['hs_token: ${REGISTRATION_TEST_NONE}'],
      /variable REGISTRATION_TEST_NONE, .*missing/,
    ],
    [['hs_token: ${REGISTRATION_TEST_BAD}'], /variable REGISTRATION_TEST_BAD, .*header/],
  ]
  for (const [lines, message] of bad) {
    const thrown: unknown = await read(...lines).catch((error: unknown) => error)
    t.match(thrown, { code: 'REGISTRATION_INVALID', file: path, message })
    t.match((thrown as { property: string }).property, /^hs_token/)
    t.notMatch(inspect(thrown), /secret/)
  }
})

t.test(
  'what createRegistration writes is a registration, as the specification has it',
  async t => {
    const bare = parse(createRegistration()) as object
    t.match(bare, {
      ...{ id: 'erasure', url: 'http://localhost:9009', sender_localpart: 'erasure' },
      ...{ as_token: /^[0-9a-f]{64}$/, hs_token: /^[0-9a-f]{64}$/, rate_limited: false },
    })
    t.strictSame(parse(createRegistration())['namespaces'], {
      users: [],
      aliases: [],
      rooms: [],
    })
    const userRegex = '@_irc_.*:my\\-server\\.org'
    const full = parse(
      createRegistration({
        id: 'irc',
        url: 'http://x',
        senderLocalpart: 'bot',
        userRegex,
      }),
    ) as object
    t.match(full, {
      ...{ id: 'irc', url: 'http://x', sender_localpart: 'bot' },
      namespaces: { users: [{ exclusive: true, regex: userRegex }] },
    })
    t.match(parseRegistration(full), { sender_localpart: 'bot' })
  },
)

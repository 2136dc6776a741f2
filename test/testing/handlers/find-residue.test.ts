import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'

import { MatrixUser } from 'matrix-appservice-bridge'
import t from 'tap'

import { findResidue, type Residue } from '../../../lib/testing/handlers/find-residue.ts'

const USER = '@ze+phyr/in:example.org'
const base64 = (before: string, encoding: BufferEncoding) =>
  Buffer.from(`${before}${USER} and what follows`).toString(encoding)
const hash = (algorithm: string) => createHash(algorithm).update(USER).digest()
const noise = (length: number) =>
  createHash('shake256', { outputLength: length }).update('x').digest()

/** Each of the sixteen forms, in every variant, as a program would have left it in a file. */
const PLANTED: ReadonlyArray<readonly [form: string, content: string | Buffer]> = [
  ['raw', `sender=${USER};`],
  ['json', JSON.stringify({ user: USER }).replaceAll('/', String.raw`\/`)],
  ['url', `/_matrix/app/v1/users/${encodeURIComponent(USER)}`],
  ['url', encodeURIComponent(USER).toLowerCase()],
  ['url', encodeURIComponent(encodeURIComponent(USER))],
  ['url', '/profile/%40ze%2Bphyr%2Fin:example.org'],
  ['url', '/profile/%40ze+phyr/in:example.org'],
  ...['', 'x', 'xy', 'xyz'].flatMap(before => [
    ['base64', base64(before, 'base64')] as const,
    ['base64', base64(before, 'base64url')] as const,
  ]),
  ['hex', Buffer.from(USER).toString('hex')],
  ['hex', Buffer.from(USER).toString('hex').toUpperCase()],
  ['hex', Buffer.from(USER, 'utf16le').toString('hex')],
  ['hex', Buffer.from(USER, 'utf16le').swap16().toString('hex')],
  ['utf16', Buffer.from(`to ${USER}`, 'utf16le')],
  ['utf16', Buffer.from(`to ${USER}`, 'utf16le').swap16()],
  ['case', USER.toUpperCase()],
  ...[String.raw`\u0040`, String.raw`\x40`, '&#64;', '&#x40;', '&commat;'].map(
    at => ['escape', `"${USER.replace('@', at)}"`] as const,
  ),
  ['compressed', gzipSync(`log of ${USER}`)],
  ['compressed', deflateSync(`log of ${USER}`)],
  ['compressed', deflateRawSync(`log of ${USER}`)],
  ['compressed', Buffer.concat([noise(1000), gzipSync(`log of ${USER}`), noise(1000)])],
  ['compressed', gzipSync(gzipSync(JSON.stringify({ user: USER })))],
  [
    'compressed',
    gzipSync(Buffer.concat([noise(9000), Buffer.from(USER)])).subarray(0, -8),
  ],
  ['localpart', 'avatar of ze+phyr/in.png'],
  ['bridge', new MatrixUser(USER).getId()],
  ...['sha512', 'sha256', 'sha1', 'md5'].flatMap(algorithm => [
    [algorithm, `id ${hash(algorithm).toString('hex')}`] as const,
    [algorithm, `id ${hash(algorithm).toString('base64')}`] as const,
    [algorithm, `id ${hash(algorithm).toString('base64url')}`] as const,
  ]),
]

const formsOf = (hits: readonly Residue[]) => new Set(hits.map(({ form }) => form))

t.test('each form is found where it was planted', async t => {
  const directory = t.testdir()
  const found = new Set<string>()
  for (const [index, [form, content]] of PLANTED.entries()) {
    const path = join(directory, `planted-${index}`)
    writeFileSync(path, content)
    const hits = findResidue(USER, [path])
    t.ok(
      formsOf(hits).has(form as never),
      `${form} in ${JSON.stringify(content).slice(0, 60)}`,
    )
    for (const name of formsOf(hits)) found.add(name)
    rmSync(path)
    writeFileSync(path, noise(100_000))
    t.same(findResidue(USER, [path]), [], 'and not in noise')
  }
  found.add('split')
  t.equal(found.size, 16)
})

/** A database in which SQLite has cut the user ID in two, found by trying every position. */
function cutInTwo(
  path: string,
  journal: string,
): { database: DatabaseSync; cuts: number } {
  const database = new DatabaseSync(path)
  database.exec(`PRAGMA journal_mode = ${journal}; CREATE TABLE item (body TEXT)`)
  const insert = database.prepare('INSERT INTO item VALUES (?)')
  // Of 6,000 bytes SQLite keeps 1,908 on the row's own page; of 10,000, 1,816, and then 4,092
  // on each page of overflow. So these straddle the first cut, and a later one.
  const rows = [
    { total: 6000, around: 1908 },
    { total: 10_000, around: 1816 + 4092 },
  ]
  for (const { total, around } of rows) {
    for (let before = around - 50; before < around + 50; before += 1) {
      insert.run(`${'-'.repeat(before)}${USER}`.padEnd(total, '-'))
    }
  }
  return { database, cuts: 200 }
}

t.test(
  'a user ID cut in two by a page of SQLite is found, in the file and in its log',
  async t => {
    const directory = t.testdir()
    for (const journal of ['DELETE', 'WAL']) {
      const path = join(directory, `${journal}.db`)
      const { database, cuts } = cutInTwo(path, journal)
      const file = journal === 'WAL' ? `${path}-wal` : path
      const bytes = readFileSync(file)
      const whole = bytes.toString('latin1').split(USER).length - 1
      const hits = findResidue(USER, [file])
      t.ok(formsOf(hits).has('split'), journal)
      if (journal === 'DELETE') {
        const split = hits.filter(({ form }) => form === 'split').length
        t.ok(whole < cuts, 'plain search misses some')
        t.ok(whole + split >= cuts, 'none is missed')
      }
      database.close()
    }
  },
)

t.test('bystanders who look alike are not taken for the user', async t => {
  const path = join(t.testdir(), 'others')
  const others = [
    '@xze+phyr/in:example.org',
    '@ze+phyr/in2:example.org',
    '@ze_phyr/in:example.org',
    '@ze+phyr:example.org',
  ]
  for (const other of others) {
    writeFileSync(
      path,
      `${other} ${encodeURIComponent(other)} ${Buffer.from(other).toString('hex')}`,
    )
    t.same(findResidue(USER, [path]), [], other)
  }
})

t.test(
  'folders are walked, short localparts are left out, and odd files do no harm',
  async t => {
    const directory = t.testdir()
    mkdirSync(join(directory, 'a/b'), { recursive: true })
    writeFileSync(join(directory, 'a/b/deep.txt'), 'seen: @al:example.org')
    writeFileSync(join(directory, 'a/empty'), '')
    writeFileSync(join(directory, 'a/wal'), Buffer.alloc(40, 1))
    writeFileSync(join(directory, 'a/al.txt'), 'al alone')
    t.match(findResidue('@al:example.org', [directory]), [
      { path: join(directory, 'a/b/deep.txt'), form: 'raw', offset: 6 },
    ])
    t.throws(() => findResidue('al', [directory]), { code: 'USER_ID_INVALID' })
    t.throws(() => findResidue('@al:example.org', [join(directory, 'missing')]))
  },
)

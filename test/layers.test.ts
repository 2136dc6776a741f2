// Holds the map of CONTRIBUTING.md: foundations → core → plug-ins → assemblies, and a plug-in
// never imports a plug-in.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

import t from 'tap'

import { ROOT } from './support/program.ts'

/** From the ground up. Rooms of one line do not know each other. */
const FLOORS = [
  ['errors.ts'],
  ['host'],
  ['matrix'],
  ['registration', 'user-seal'],
  ['request'],
  ['store', 'schedule'],
  ['purge'],
  ['core'],
  ['doors/http', 'engines/sqlite', 'engines/postgres/connection'],
  ['doors/koa', 'doors/bridge', 'engines/postgres/store', 'engines/postgres/queue'],
  ['engines/postgres'],
  ['testing/handlers', 'testing/engines'],
  ['testing', 'cli', 'index.ts'],
]
/** Plug-ins: each knows the floors below and its own family. */
const PLUG_IN = /^(?:doors|sources|purgers|engines\/[a-z]+)(?=\/|$)/
const IMPORT = /(?:from|import\(|import) ?'(\.[^']+)'/g

const rooms = FLOORS.flat().toSorted((a, b) => b.length - a.length)
const roomOf = (path: string) =>
  rooms.find(room => path === room || path.startsWith(`${room}/`))
const floorOf = (room: string) => FLOORS.findIndex(floor => floor.includes(room))

/** What is wrong with an import, or `undefined`. Paths are relative to lib/. */
function complaint(from: string, to: string): string | undefined {
  const [own, other] = [roomOf(from), roomOf(to)]
  if (own === undefined) return `${from} stands in no room`
  if (other === undefined) return `${from} -> ${to}: no such room`
  if (own === other) return undefined
  if (floorOf(other) >= floorOf(own)) return `${from} -> ${to} does not lead down`
  const [family, otherFamily] = [PLUG_IN.exec(from)?.[0], PLUG_IN.exec(to)?.[0]]
  if (family === undefined || otherFamily === undefined) return undefined
  return family === otherFamily ? undefined : `${from} -> ${to}: two plug-ins`
}

const sources = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .map(path => ({ path, text: readFileSync(join(ROOT, 'lib', path), 'utf8') }))

t.test('imports lead down, and never from plug-in to plug-in', async t => {
  let count = 0
  for (const { path, text } of sources) {
    for (const [, target = ''] of text.matchAll(IMPORT)) {
      count += 1
      t.equal(complaint(path, normalize(join(dirname(path), target))), undefined)
    }
  }
  t.ok(count > 200, `${count} imports were looked at`)
})

t.test('planted violations are found', async t => {
  const planted = [
    ['purge/carry-out.ts', 'testing/handlers/trial.ts'],
    ['store/documents.ts', 'engines/sqlite/sqlite-store.ts'],
    ['matrix/user-id.ts', 'testing/index.ts'],
    ['core/sweep.ts', 'doors/http/receive-erase.ts'],
    ['store/documents.ts', 'schedule/scheduler.ts'],
    ['doors/koa/erase-router.ts', 'doors/bridge/attach-erasure.ts'],
    ['doors/koa/erase-router.ts', 'engines/sqlite/sqlite-store.ts'],
    ['engines/postgres/postgres-engine.ts', 'engines/sqlite/sqlite-store.ts'],
    ['core/sweep.ts', 'utils/strings.ts'],
  ] as const
  for (const [from, to] of planted) t.type(complaint(from, to), 'string', from)
})

t.test(
  'the map of CONTRIBUTING.md names every file of lib, and nothing else',
  async t => {
    const map = /^lib\/\n(.*?)^examples\//ms.exec(
      readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8'),
    )?.[1]
    const folders: string[] = []
    const named = (map ?? '').split('\n').flatMap(line => {
      const [, indent = '', name = ''] = /^( +)([\w./{},-]+)/.exec(line) ?? []
      if (name === '') return []
      folders.length = indent.length / 2 - 1
      if (!name.endsWith('/')) return [[...folders, name].join('/')]
      folders.push(name.slice(0, -1))
      return []
    })
    t.same(named.toSorted(), sources.map(({ path }) => path).toSorted())
  },
)

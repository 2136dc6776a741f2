import t, { type Test } from 'tap'

import { type Report, runCampaign } from '../fuzz/campaign.ts'
import { type Memory, startServer } from '../fuzz/child.ts'
import type { DoorKind } from '../fuzz/oracle.ts'
import { readTable } from '../fuzz/table.ts'
import { FILE_LIMIT_MS, SIZES } from '../../support/sizes.ts'

t.setTimeout(FILE_LIMIT_MS)
const MIB = 2 ** 20
/** A leak of a hundred bytes a request shows in the long run, and of a kilobyte in the short one. */
const HEAP_GROWTH_BYTES = 4 * MIB
const RSS_GROWTH_BYTES = 24 * MIB
/** However much is sent. */
const RSS_PEAK_BYTES = 320 * MIB
/** As many as stand in lib, and not one for each request. */
const MOST_SENTENCES = 20

/** What random requests cannot bring about. */
const UNSEEN: Readonly<Record<DoorKind, readonly string[]>> = {
  own: ['503 M_UNKNOWN', '408 M_UNKNOWN'],
  bridge: [
    ...['503 M_UNKNOWN', '408 M_UNKNOWN'],
    ...['404 M_UNRECOGNIZED', '400 M_UNKNOWN', '431 M_TOO_LARGE'],
  ],
}

const inMib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`
const mean = (samples: readonly Memory[], key: keyof Memory) =>
  samples.reduce((sum, sample) => sum + sample[key], 0) / samples.length

function tell(t: Test, report: Report, before: Memory): void {
  const { requests, connections, durationMs, memory } = report
  const rate = Math.round((requests / durationMs) * 1000)
  const peak = Math.max(...memory.map(({ rss }) => rss))
  const answers = [...report.answers].toSorted(([, a], [, b]) => b - a)
  t.comment(
    `seed ${SIZES.seed}: ${requests} requests on ${connections} connections, ${rate}/s`,
  )
  t.comment(
    `RSS ${inMib(before.rss)} before, ${inMib(memory.at(-1)?.rss ?? 0)} after, ${inMib(peak)} at most`,
  )
  t.comment(answers.map(([answer, count]) => `${answer}: ${count}`).join(', '))
}

function checkMemory(t: Test, memory: readonly Memory[]): void {
  const third = Math.ceil(memory.length / 3)
  const grown = (key: keyof Memory) =>
    mean(memory.slice(-third), key) - mean(memory.slice(0, third), key)
  for (const key of ['heapUsed', 'external'] as const) {
    t.ok(grown(key) < HEAP_GROWTH_BYTES, `${key} is flat: ${grown(key)}`)
  }
  t.ok(grown('rss') < RSS_GROWTH_BYTES, `RSS is flat: ${grown('rss')}`)
  const peak = Math.max(...memory.map(({ rss }) => rss))
  t.ok(peak < RSS_PEAK_BYTES, `RSS is bounded: ${peak}`)
}

const DOORS: Readonly<Record<DoorKind, string>> = {
  own: 'the server of our own',
  bridge: 'the door of a bridge',
}

for (const door of ['own', 'bridge'] as const) {
  t.test(
    `Hostile input: ${DOORS[door]} answers by the table and does not grow`,
    async t => {
      const child = await startServer(door)
      const before = await child.memory()
      const { seed, requests } = SIZES
      const report = await runCampaign(child, { door, seed, requests })
      const end = await child.end()
      tell(t, report, before)
      for (const problem of report.problems) t.fail(problem)
      t.match(end, { code: 0, signal: null, leaks: [] }, 'no crash, and nothing printed')
      t.ok(report.requests >= requests, 'all were sent')
      t.ok(report.erased > 0, 'requests with the right token were carried out')
      const unseen = [...readTable()].filter(answer => !report.answers.has(answer))
      t.same(
        unseen.filter(answer => !UNSEEN[door].includes(answer)),
        [],
        'every answer of the table was given',
      )
      t.ok(report.sentences.size <= MOST_SENTENCES, 'no error text is made of input')
      checkMemory(t, report.memory)
    },
  )
}

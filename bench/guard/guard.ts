import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import type { Served } from '../acknowledge/serve.ts'
import { type Child, openChild, runChild } from '../support/child.ts'
import { type Figure, printFigures } from '../support/figure.ts'
import { tell } from '../support/progress.ts'
import { print, printTable } from '../support/table.ts'
import { FRAMEWORKS } from './frameworks.ts'
import type { SendPlan, Sent, SentAll } from './send.ts'

const TOMBSTONES = 100_000
const PLAN = { events: 100, turns: 60, perTurn: 20 }

/** What the guard costs a bridge that is sent transactions with nobody erased in them. */
export async function measureGuarding(folder: string): Promise<Figure[]> {
  const figures: Figure[] = []
  const rows: (string | number)[][] = []
  for (const framework of FRAMEWORKS.keys()) {
    for (const strangers of [false, true]) {
      const { bare, guarded } = await measure(folder, framework, strangers)
      const who = strangers ? 'for the first time' : 'as before'
      for (const [guard, sent] of [
        ['no', bare],
        ['yes', guarded],
      ] as const)
        rows.push([framework, who, guard, sent.p50Ms, sent.perSecond, sent.cpuMs])
      figures.push(...compare(framework, strangers, bare, guarded))
    }
  }
  printTable(
    `Transactions of ${PLAN.events} events, each by another user, beside ${print(TOMBSTONES)} tombstones`,
    ['framework', 'senders', 'guard', 'p50 ms', 'per second', 'processor ms'],
    rows,
  )
  printFigures('The guard, in front of a framework that does nothing else', figures)
  return figures
}

function compare(
  framework: string,
  strangers: boolean,
  bare: Sent,
  guarded: Sent,
): Figure[] {
  const what = `${framework}${strangers ? ', senders for the first time' : ''}`
  const added: Figure = {
    what: `${what}: added to a transaction`,
    value: guarded.p50Ms - bare.p50Ms,
    unit: 'ms',
    atMost: 1,
  }
  if (strangers) return [added]
  return [
    added,
    {
      what: `${what}: transactions a second, of those without`,
      value: (guarded.perSecond / bare.perSecond) * 100,
      unit: '%',
      atLeast: 90,
    },
    {
      what: `${what}: answers other than 200`,
      value: bare.refused + guarded.refused,
      unit: '',
      atMost: 0,
    },
  ]
}

async function measure(
  folder: string,
  framework: string,
  strangers: boolean,
): Promise<{ bare: Sent; guarded: Sent }> {
  const data = mkdtempSync(join(folder, 'guard-'))
  const servers: Child<Served>[] = []
  try {
    await runChild('is-erased/fill.ts', [data, TOMBSTONES])
    for (const guard of ['bare', 'guarded'])
      servers.push(await openChild<Served>('guard/serve.ts', [framework, guard, data]))
    tell(`guard: ${framework}${strangers ? ', strangers' : ''}`)
    const targets = servers.map(({ answer }) => answer)
    const plan: SendPlan = { ...PLAN, targets, strangers }
    const { sent } = await runChild<SentAll>('guard/send.ts', [JSON.stringify(plan)])
    const [bare, guarded] = sent
    if (bare === undefined || guarded === undefined) throw new Error('Nothing was sent')
    return { bare, guarded }
  } finally {
    await Promise.all(servers.map(server => server.close()))
    rmSync(data, { recursive: true })
  }
}

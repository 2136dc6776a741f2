// Sends transactions to servers in turns, over one keep-alive connection each, one after the other,
// as a homeserver does, and times the answers.
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'

import type { Served } from '../acknowledge/serve.ts'
import { HS_TOKEN } from '../support/erasure.ts'
import { median } from '../support/median.ts'
import { answerParent, argument } from '../support/parent.ts'

/** What to send. */
export interface SendPlan {
  readonly targets: readonly Served[]
  /** How many events a transaction has. */
  readonly events: number
  /** Whether nobody was ever asked about the senders of a transaction before. */
  readonly strangers: boolean
  /** How often it is each target's turn. */
  readonly turns: number
  /** How many transactions it is sent in a turn. */
  readonly perTurn: number
}

/** What one target did, in the turns that counted. */
export interface Sent {
  /** From sending a transaction to its answer, the median. */
  readonly p50Ms: number
  /** Transactions a second, of the median turn. */
  readonly perSecond: number
  /** What a transaction took of the main thread; 0 where Linux is not there. */
  readonly cpuMs: number
  /** Answers other than 200. */
  readonly refused: number
}

/** What all did. */
export interface SentAll {
  readonly bodyBytes: number
  readonly sent: readonly Sent[]
}

const plan = JSON.parse(argument(0)) as SendPlan
const states = plan.targets.map(target => ({
  target,
  agent: new Agent({ keepAlive: true, maxSockets: 1 }),
  tookMs: [] as number[],
  turnsMs: [] as number[],
  cpuMs: 0,
  refused: 0,
}))
type State = (typeof states)[number]
let transactions = 0
let body = createBody()

// Half as many turns again come first and are not counted: then everything is compiled.
for (let turn = -Math.ceil(plan.turns / 2); turn < plan.turns; turn += 1) {
  for (const state of states) await takeTurn(state, turn >= 0)
}
const sent = states.map(({ tookMs, turnsMs, cpuMs, refused }) => ({
  p50Ms: median(tookMs),
  perSecond: (plan.perTurn / median(turnsMs)) * 1000,
  cpuMs: cpuMs / tookMs.length,
  refused,
}))
answerParent({ bodyBytes: body.length, sent } satisfies SentAll)

async function takeTurn(state: State, counts: boolean): Promise<void> {
  const cpuMs = readCpuMs(state.target.pid)
  const tookMs: number[] = []
  for (let count = 0; count < plan.perTurn; count += 1) {
    if (plan.strangers) body = createBody()
    const startedAt = performance.now()
    const status = await put(state)
    tookMs.push(performance.now() - startedAt)
    if (status !== 200) state.refused += 1
  }
  if (!counts) return
  state.tookMs.push(...tookMs)
  state.turnsMs.push(tookMs.reduce((sum, took) => sum + took, 0))
  state.cpuMs += readCpuMs(state.target.pid) - cpuMs
}

async function put({ target, agent }: State): Promise<number | undefined> {
  transactions += 1
  const path = `/_matrix/app/v1/transactions/${transactions}`
  const headers = {
    authorization: `Bearer ${HS_TOKEN}`,
    'content-type': 'application/json',
    'content-length': body.length,
  }
  const where = { port: target.port, host: '127.0.0.1', agent, method: 'PUT', path }
  const sending = request({ ...where, headers })
  sending.end(body)
  const [answer] = (await once(sending, 'response')) as [IncomingMessage]
  answer.resume()
  await once(answer, 'end')
  return answer.statusCode
}

function createBody(): Buffer {
  const first = plan.strangers ? transactions * plan.events : 0
  const events = Array.from({ length: plan.events }, (_, index) =>
    createEvent(index, first),
  )
  return Buffer.from(JSON.stringify({ events }))
}

/** As Synapse sends it. */
function createEvent(index: number, first: number): object {
  const sender = `@someone-${String(first + index).padStart(9, '0')}:example.org`
  return {
    type: 'm.room.message',
    sender,
    user_id: sender,
    room_id: '!aVeryOrdinaryRoomId:example.org',
    event_id: `$${String(index).padStart(43, 'x')}`,
    origin_server_ts: 1_764_000_000_000 + index,
    content: {
      msgtype: 'm.text',
      body: `Message ${index}: `.padEnd(120, 'lorem ipsum '),
      'm.mentions': {},
    },
    unsigned: { age: index },
    age: index,
  }
}

/** How long the main thread has been on a processor. */
function readCpuMs(pid: number): number {
  const path = `/proc/${pid}/schedstat`
  if (!existsSync(path)) return 0
  const [onProcessorNs] = readFileSync(path, 'utf8').split(' ')
  return Number(onProcessorNs) / 1_000_000
}

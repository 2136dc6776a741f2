import { DEFAULT_TARGET_MS } from '../core/options.ts'
import {
  type ErasureStatus,
  type OpenRequestStatus,
  readStatus,
} from '../core/read-status.ts'
import { systemClock } from '../host/clock.ts'
import type { ErasureStore } from '../store/erasure-store.ts'
import { CliError } from './cli-error.ts'
import { type Command, parseCommandLine } from './command.ts'
import { readStore, STORE_HELP, STORE_OPTIONS, storePlaceOf } from './service-store.ts'
import { sourceLine } from './source-line.ts'

/** Reads the store beside the running application service and says how its requests are doing. */
export const status: Command = {
  name: 'status',
  operands: '[request-id]',
  help: [
    ['', 'list the requests that are open, blocked, overdue'],
    ['--json', 'for programs'],
    ...STORE_HELP,
  ],
  async run({ args, env }) {
    const options = { ...STORE_OPTIONS, json: { type: 'boolean' } } as const
    const { values, positionals } = parseCommandLine(args, 1, options)
    const place = storePlaceOf(values, env)
    return readStore(place, store =>
      describe(store, positionals[0], values.json ?? false),
    )
  },
}

async function describe(
  store: ErasureStore,
  requestId: string | undefined,
  json: boolean,
): Promise<string> {
  const found = await readStatus(store, systemClock.now(), DEFAULT_TARGET_MS)
  if (requestId !== undefined) return describeOne(requestId, found, store, json)
  return json ? `${JSON.stringify(found)}\n` : table(found)
}

async function describeOne(
  requestId: string,
  { open }: ErasureStatus,
  store: ErasureStore,
  json: boolean,
): Promise<string> {
  const request = open.find(candidate => candidate.requestId === requestId)
  if (request !== undefined) {
    return json ? `${JSON.stringify(request)}\n` : `${lines(request).join('\n')}\n`
  }
  for await (const record of store.records()) {
    if (record.requestId !== requestId) continue
    if (json) return `${JSON.stringify(record)}\n`
    return `${requestId}  ${record.outcome}  ${new Date(record.finishedAt).toISOString()}\n`
  }
  throw new CliError('no request has this id; `status` lists the open ones')
}

function table({ counts, open, sources }: ErasureStatus): string {
  const overdue = open.filter(request => request.overdue).length
  const totals = Object.entries(counts).map(([state, count]) => `${state} ${count}`)
  const head = [totals.join(' · '), `overdue ${overdue}`].join(' · ')
  return `${[head, ...sources.map(sourceLine), ...open.flatMap(lines)].join('\n')}\n`
}

function lines(request: OpenRequestStatus): string[] {
  const { requestId, state, receivedAt, startsAt, dueAt, overdue, handlers } = request
  const starts = startsAt === undefined ? '' : `  starts ${startsAt.toISOString()}`
  const due = `${overdue ? 'OVERDUE since' : 'due'} ${dueAt.toISOString()}`
  const line = `${requestId}  ${state.padEnd(9)}  received ${receivedAt.toISOString()}${starts}  ${due}`
  const troubled = Object.entries(handlers).filter(([, { code }]) => code !== undefined)
  return [
    line,
    ...troubled.map(([name, handler]) => `  ${name}  ${handler.state}  ${handler.code}`),
  ]
}

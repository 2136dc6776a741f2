import type {
  PurgeContext,
  PurgeHandler,
  PurgeResult,
  VerifyContext,
} from '../../../lib/purge/handler.ts'
import type { Call } from './model.ts'
import { type Cursor, type Place, type Played, playPurge, playVerify } from './moves.ts'
import type { Process } from './process.ts'
import type { HandlerName } from './steps.ts'
import type { Ending, Rules } from './task.ts'
import type { World } from './world.ts'
import { forever } from './world.ts'

const TIMEOUT_MS = 10_000
const pauses = { attempts: 3, baseMs: 1000, capMs: 3_600_000 }

/** What the handlers are registered with. */
export const RULES: Readonly<Record<HandlerName, Rules & { name: HandlerName }>> = {
  messages: { name: 'messages', verifies: true, after: [], ...pauses },
  media: { name: 'media', verifies: false, after: [], ...pauses },
  rooms: { name: 'rooms', verifies: true, after: ['messages'], ...pauses },
  map: { name: 'map', verifies: true, after: ['messages', 'media', 'rooms'], ...pauses },
}

type Rule = Rules & { readonly name: HandlerName }

/** A handler that behaves as the script says, and tells the model. */
export function createHandler(
  world: World,
  process: Process,
  rule: Rule,
): PurgeHandler<Cursor> {
  const { name: handler, verifies, after, attempts, baseMs, capMs } = rule
  const options = { after, retry: { attempts, baseMs, capMs }, timeoutMs: TIMEOUT_MS }
  const purge = (context: PurgeContext<Cursor>) => {
    if (!process.alive) return world.point(process) as Promise<never>
    const move = world.script.purge(handler)
    const call = begin(world, process, context, { handler, kind: 'purge', move })
    return play(world, process, call, move, () =>
      playPurge(move, place(world, handler, context), context.cursor),
    ) as Promise<PurgeResult<Cursor>>
  }
  if (!verifies) return { purge, ...options }
  const verify = (context: VerifyContext) => {
    if (!process.alive) return world.point(process) as Promise<never>
    const move = world.script.verify(handler)
    const call = begin(world, process, context, { handler, kind: 'verify', move })
    return play(world, process, call, move, () =>
      playVerify(move, place(world, handler, context)),
    ) as Promise<number>
  }
  return { purge, verify, ...options }
}

function place(world: World, handler: HandlerName, context: VerifyContext): Place {
  const { userId, receivedAt } = context
  const times = { receivedAt: receivedAt.getTime(), now: world.clock.now }
  return { data: world.data, handler, userId, ...times }
}

interface Doing {
  readonly handler: HandlerName
  readonly kind: Call['kind']
  readonly move: unknown
}

/** Tells the model of the call, and of its end if the code does not wait for it. */
function begin(
  world: World,
  process: Process,
  context: PurgeContext<Cursor> | VerifyContext,
  { handler, kind, move }: Doing,
): Call {
  const { userId, requestId, receivedAt, signal, log } = context
  const { cursor, attempt } = context as Partial<PurgeContext<Cursor>>
  const call = {
    ...{ requestId, handler, kind, userId, attempt },
    receivedAt: receivedAt.getTime(),
    cursor: cursor && JSON.stringify(cursor),
    arrivals: world.data.arrivals,
  }
  world.tell(`  ${kind} ${handler} of ${requestId}: ${JSON.stringify(move)}`)
  world.model.called(call)
  if (world.model.calls.size > world.schedule.concurrency) {
    world.complain('more handlers work side by side than may')
  }
  log.debug(`Working on ${userId}`, { userId })
  signal.addEventListener('abort', () => {
    if (!process.alive || !world.model.calls.has(call)) return
    if (process.workSignal?.aborted) world.model.aborted(call)
    else end(world, call, { how: 'failed', code: `${kind.toUpperCase()}_TIMEOUT` })
  })
  return call
}

function end(world: World, call: Call, ending: Ending): void {
  world.tell(`    ${call.handler} of ${call.requestId}: ${JSON.stringify(ending)}`)
  world.model.ended(call, ending)
}

/** Throws at once, hangs, or answers, with a point before and after what it does. */
function play(
  world: World,
  process: Process,
  call: Call,
  move: unknown,
  act: () => Played,
): unknown {
  if (move === 'throw') {
    const { ending, answer } = act()
    end(world, call, ending)
    return answer()
  }
  return (async () => {
    await world.point(process)
    if (move === 'hang' || !process.alive) return forever()
    const { ending, answer } = act()
    await world.point(process)
    if (!process.alive) return forever()
    end(world, call, ending)
    return answer()
  })()
}

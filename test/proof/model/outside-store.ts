import { isDeepStrictEqual } from 'node:util'

import type { ConditionalWrite, StoreAdapter } from '../../../lib/store/adapter.ts'
import { RULES } from './handlers.ts'
import type { Process } from './process.ts'
import { namesSomebody } from './steps.ts'
import type { Task } from './task.ts'
import { forever, type World } from './world.ts'

type Documents = ReadonlyArray<{ readonly key: string; readonly value: string }>

/**
 * The store as one process reaches it: every call can be the last of the process, before or
 * after it took effect; and calls fail while the schedule says so. Tells the model what is stored.
 */
export function outsideStore(
  world: World,
  process: Process,
  disk: StoreAdapter,
): StoreAdapter {
  const reach = async <Answer>(effect: () => Promise<Answer>): Promise<Answer> => {
    await world.point(process)
    if (!process.alive) return forever()
    process.waiting += 1
    try {
      return await effect()
    } finally {
      process.waiting -= 1
      await world.point(process)
    }
  }
  const read = <Answer>(effect: () => Promise<Answer>) =>
    reach(async () => {
      if (world.fails('reads') && !world.looking) throw fail(process)
      return effect()
    })
  const write = <Answer>(key: string, effect: () => Promise<Answer>, silent?: Answer) =>
    reach(async () => {
      const how = world.fails('writes') ? world.howWritesFail : 'no fault'
      if (how === 'throw' || how === 'answer false') {
        notStored(world, key)
        const error = fail(process)
        if (how === 'answer false' && silent !== undefined) return silent
        throw error
      }
      const answer = await effect()
      if (how === 'throw after') throw fail(process)
      return answer
    })
  const adapter: StoreAdapter = {
    ...(disk.durable === undefined ? {} : { durable: disk.durable }),
    location: 'the disk of the model',
    opts: disk.opts,
    on: () => adapter,
    get: async key => {
      const [kind, id] = parseKey(key)
      // Without writeIf, a request is read again before it is stored.
      const isForWrite = disk.writeIf === undefined && !world.askingRetry
      const found = await read(async () => disk.get(key)).catch(error => {
        if (isForWrite) notStored(world, key)
        throw error
      })
      if (kind === 'retry' && found !== undefined && process.alive)
        world.model.retryRead(id)
      return found as never
    },
    set: (key, value, ttl) =>
      write(
        key,
        async () => {
          const answer = disk.set(key, value, ttl)
          stored(world, key, value)
          return answer
        },
        false,
      ),
    setMany: entries => {
      // Only `accept` writes more than one; those who come first come here first.
      const user = world.accepting.shift() ?? 'nobody'
      const effect = async () => {
        const answer: unknown = await disk.setMany?.(entries)
        accepted(world, user, entries)
        return answer
      }
      return write<unknown>(
        'accept',
        effect,
        entries.map(() => false),
      ) as never
    },
    delete: key =>
      write(key, async () => {
        const answer = disk.delete(key)
        deleted(world, key)
        return answer
      }),
    clear: () => forever(),
    async *iterator(namespace) {
      const found: unknown[] = []
      await read(async () => {
        for await (const entry of disk.iterator?.(namespace) ?? []) found.push(entry)
      })
      yield* found as never[]
    },
    ...(disk.writeIf === undefined
      ? {}
      : {
          writeIf: change =>
            write(change.expected.key, async () =>
              changedIf(world, change, disk.writeIf?.(change)),
            ),
        }),
    ...(disk.forget === undefined
      ? {}
      : { forget: signal => reach(async () => disk.forget?.(signal)) }),
  }
  return adapter
}

function fail(process: Process): Error {
  process.prompt = false
  return new Error('the disk is on fire')
}

/** `erasure:request:<id>` as its kind and its id. */
function parseKey(key: string): readonly [kind: string, id: string] {
  const [, kind = '', id = ''] = key.split(':')
  return [kind, id]
}

function accepted(world: World, user: string, documents: Documents): void {
  const [request, tombstone] = documents
  for (const { key, value } of documents) checkNames(world, key, value)
  const [, id] = parseKey(request?.key ?? '')
  world.tags.set(parseKey(tombstone?.key ?? '')[1], user)
  world.tell(`  stored ${id} of ${user}`)
  world.model.accepted(id, user)
}

function stored(world: World, key: string, value: string): void {
  checkNames(world, key, value)
  const [kind, id] = parseKey(key)
  if (kind === 'request') world.model.kept(id)
  else if (kind === 'retry') world.model.retryAsked(id)
  else if (kind === 'record') recorded(world, id, value)
}

async function changedIf(
  world: World,
  change: ConditionalWrite,
  answer: Promise<boolean> | undefined,
): Promise<boolean> {
  const { key } = change.expected
  const [kind, id] = parseKey(key)
  for (const document of change.set) stored(world, document.key, document.value)
  // Lifting, ending and accepting can meet at a tombstone: one of them may be refused.
  if (kind === 'tombstone') {
    const user = change.delete.includes(key) ? liftedUser(world, id) : undefined
    const isWritten = (await answer) === true
    if (user === undefined) return isWritten
    if (isWritten) lifted(world, user)
    else if (world.model.isErased(user)) world.refused.add(user)
    return isWritten
  }
  // At once: a crash that comes before the answer does not undo it.
  for (const gone of change.delete) deleted(world, gone)
  const isWritten = (await answer) === true
  if (!isWritten) world.complain(`${key} was changed by nobody we know`)
  return isWritten
}

function checkNames(world: World, key: string, value: string): void {
  if (namesSomebody(key + value)) world.complain(`a document names the user: ${key}`)
}

function recorded(world: World, id: string, value: string): void {
  const { model, data } = world
  const record = JSON.parse(value).value
  world.tell(`  recorded ${id}: ${record.outcome}`)
  if (record.outcome === 'declined') {
    model.declined += 1
    return
  }
  if (record.outcome !== 'erased')
    world.complain(`${id} is recorded as ${record.outcome}`)
  model.recorded(id)
  const request = model.requests.get(id)
  for (const name of world.process?.registered ?? []) {
    const task = request?.kept[name]
    if (request === undefined || task === undefined) continue
    const { user, receivedAt } = request
    // Of a handler that cannot look now and lied, nothing is known.
    const isUnknown = RULES[name].verifies && task.stage === 'asserted'
    const left = isUnknown ? 0 : data.count(name, user, receivedAt, task.arrivals)
    if (left > 0)
      world.complain(`${id} is recorded, and ${left} items are left in ${name}`)
    checkSaid(world, `${id} is recorded for ${name}`, record.handlers[name], task)
  }
}

/** Whether a record says of a handler what it did. */
function checkSaid(world: World, what: string, said: unknown, task: Task): void {
  const outcome = task.stage === 'sure' ? 'verified' : 'asserted'
  const removed = task.removed === 0 ? '0' : task.removed < 10 ? '1+' : '10+'
  if (isDeepStrictEqual(said, { outcome, removed })) return
  world.complain(`${what} with ${JSON.stringify(said)}`)
}

function deleted(world: World, key: string): void {
  const [kind, id] = parseKey(key)
  if (kind === 'request') world.model.deleted(id)
  else if (kind === 'retry') world.model.retryForgotten(id)
  else if (kind === 'tombstone') {
    const user = liftedUser(world, id)
    if (user !== undefined) lifted(world, user)
  } else if (kind !== 'open') world.complain(`${key} is deleted`)
}

function lifted(world: World, user: string): void {
  world.refused.delete(user)
  world.model.lifted(user)
}

/** Whose tombstone is being deleted, which somebody must have asked for. */
function liftedUser(world: World, tag: string): string | undefined {
  const user = world.tags.get(tag)
  if (user !== undefined && !world.lifting.includes(user))
    world.complain(`${user} is lifted, and nobody asked`)
  return user
}

function notStored(world: World, key: string): void {
  const [kind, id] = parseKey(key)
  if (kind === 'request') world.model.notKept(id)
}

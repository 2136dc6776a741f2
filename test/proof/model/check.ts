import type { ErasureStatus } from '../../../lib/core/read-status.ts'
import type { ModelRequest } from './model.ts'
import { BYSTANDERS, USERS } from './steps.ts'
import type { World } from './world.ts'

type OpenStatus = ErasureStatus['open'][number]

/** Whether what the SDK shows is what the model expects. */
export async function check(world: World): Promise<void> {
  const { process, complaints } = world
  // Where nothing was done, nothing has changed.
  if (complaints.length > 0 || world.points === world.checkedAt) return
  world.checkedAt = world.points
  if (world.data.bystanders() !== world.bystanders) {
    world.complain('somebody else has lost something')
  }
  if (process?.alive !== true || process.erasure === undefined || world.fails('reads'))
    return
  world.looking = true
  compareStatus(world, await process.erasure.status())
  for (const user of [...USERS, ...BYSTANDERS]) {
    const isErased = await process.erasure.isErased(user)
    if (isErased !== world.model.isErased(user)) {
      world.complain(`isErased says ${isErased} of ${user}`)
    }
  }
  world.looking = false
}

function compareStatus(world: World, status: ErasureStatus): void {
  const { model } = world
  const open = model.open()
  const ids = new Set(open.map(({ id }) => id))
  const invented = status.open.find(({ requestId }) => !ids.has(requestId))
  if (invented !== undefined) world.complain(`${invented.requestId} is invented`)
  const expected: Record<string, number> = {
    ...{ accepted: 0, purging: 0, settling: 0, retaining: 0, blocked: 0 },
    erased: [...model.requests.values()].filter(({ recorded }) => recorded).length,
    declined: model.declined,
  }
  for (const request of open) {
    const shown = status.open.find(({ requestId }) => requestId === request.id)
    if (shown === undefined) {
      world.complain(`${request.id} is lost`)
      continue
    }
    const seen = compareRequest(world, request, shown)
    expected[seen] = (expected[seen] ?? 0) + 1
  }
  for (const [state, count] of Object.entries(status.counts)) {
    if (count !== expected[state]) {
      world.complain(`${count} requests are counted as ${state}, not ${expected[state]}`)
    }
  }
}

/** @returns the state it is to be counted under */
function compareRequest(world: World, request: ModelRequest, shown: OpenStatus): string {
  const state = world.model.state(request)
  if (shown.state !== state) {
    world.complain(`${request.id} is shown as ${shown.state}, not ${state}`)
  }
  for (const [name, task] of Object.entries(request.kept)) {
    const why = task.missing ? 'HANDLER_MISSING' : task.why
    const code = shown.handlers[name]?.code
    if (code === why) continue
    world.complain(`${name} of ${request.id} is shown with ${code}, not ${why}`)
  }
  return state
}

/** Whether every request is finished, or waits where a person can see it. */
export function everybodyWaits({ model }: World): boolean {
  return model
    .open()
    .every(request => ['blocked', 'retaining'].includes(model.state(request)))
}

/** Whether every request is finished, and left nothing in the store. */
export function everybodyIsErased({ model }: World): boolean {
  return model.open().length === 0
}

/** Whether finished requests have left nothing but what expires. */
export async function checkLeft(world: World): Promise<void> {
  for await (const [key, value] of world.process?.store.iterator?.('erasure') ?? []) {
    const expires: unknown = JSON.parse(String(value)).expires
    if (key === 'erasure:meta:key-check' || typeof expires === 'number') continue
    world.complain(`${String(key)} is left in the store for ever`)
  }
}

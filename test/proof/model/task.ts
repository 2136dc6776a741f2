import { LEAST_RANDOM } from './seed-math-random.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** What a handler was registered with. */
export interface Rules {
  readonly name: string
  readonly verifies: boolean
  readonly after: readonly string[]
  readonly attempts: number
  readonly baseMs: number
  readonly capMs: number
}

/**
 * What one handler still has to do for one request:
 * `to purge` → `to look` (whether anything is left) → `settled` → `to purge` again, or `sure`,
 * and then it may be looked at once more, together with the others.
 * That of a handler that cannot look is `asserted` when it says it is done.
 */
type Stage = 'to purge' | 'to look' | 'settled' | 'sure' | 'asserted'

export interface Task {
  readonly stage: Stage
  /** When it got to be settled. */
  readonly settledAt: number
  /** When it was found empty again last, if it is `sure`. */
  readonly sureAt: number
  /** It must not be called before. */
  readonly notBefore: number
  /** It must be called by then; later than `notBefore` by what chance decides. */
  readonly dueBy: number
  readonly failures: number
  readonly rounds: number
  readonly blocked: boolean
  readonly why: string | undefined
  readonly cursor: string | undefined
  readonly removed: number
  /** Cursors of slices in a row that removed nothing, with what each asked to wait. */
  readonly idle: readonly { readonly cursor: string; readonly waitMs: number }[]
  readonly retained: readonly { readonly count: number; readonly until: number }[]
  /** It was there once, and is not registered now. */
  readonly missing: boolean
  /** Its last call began when so much had arrived in the bridge's data. */
  readonly arrivals: number
  /** When it was found empty, since it was last called to purge. */
  readonly emptyAt: readonly number[]
}

/** How a call ended, as the handler knows it. */
export type Ending =
  | { readonly how: 'failed'; readonly code: string }
  | {
      readonly how: 'purged'
      readonly removed: number
      /** Where it goes on; done without. */
      readonly more?: string
      readonly waitMs?: number
      readonly retained?: readonly { readonly count: number; readonly until: number }[]
    }
  | { readonly how: 'looked'; readonly left: number }

export function newTask(now: number): Task {
  return {
    stage: 'to purge',
    settledAt: 0,
    sureAt: 0,
    notBefore: now,
    dueBy: now,
    failures: 0,
    rounds: 0,
    blocked: false,
    why: undefined,
    cursor: undefined,
    removed: 0,
    idle: [],
    retained: [],
    missing: false,
    arrivals: 0,
    emptyAt: [],
  }
}

/** What becomes of a task when a call of its handler has ended. */
export function afterCall(task: Task, ending: Ending, rules: Rules, now: number): Task {
  if (ending.how === 'failed') return afterFailure(task, ending.code, rules, now)
  if (ending.how === 'looked') return afterLook(task, ending.left, rules, now)
  const { removed, more, waitMs = 0, retained = [] } = ending
  if (removed === 0 && waitMs === 0 && comesAgain(task, more)) {
    return afterFailure(task, 'PURGE_STALLED', rules, now)
  }
  const idle =
    more === undefined || removed > 0 ? [] : [...task.idle, { cursor: more, waitMs }]
  const next = {
    ...wellAt(task, now),
    idle,
    removed: task.removed + removed,
    retained: [...task.retained, ...retained],
    emptyAt: [],
  }
  if (more !== undefined) {
    return { ...next, cursor: more, notBefore: now + waitMs, dueBy: now + waitMs }
  }
  const stage = rules.verifies ? 'to look' : 'asserted'
  return { ...next, cursor: undefined, stage, settledAt: now }
}

/** Whether a cursor was given just now, or is one that is watched since their number doubled. */
function comesAgain({ cursor, idle }: Task, more: string | undefined): boolean {
  if (more === undefined) return false
  let count = 0
  let watched: string | undefined
  for (const slice of idle) {
    count = Math.max(0, count + 1 - Math.floor(slice.waitMs / 1000))
    if (slice.waitMs > 0) watched = undefined
    else if (watched === undefined || [1, 2, 4, 8, 16, 32, 64, 128].includes(count))
      watched = slice.cursor
  }
  return more === cursor || more === watched
}

function afterLook(task: Task, left: number, rules: Rules, now: number): Task {
  if (left > task.retained.reduce((sum, { count }) => sum + count, 0)) {
    const rounds = task.rounds + 1
    return {
      ...task,
      ...pauseAfter(rounds, rules, now),
      stage: 'to purge',
      why: 'VERIFY_FOUND',
      failures: 0,
      rounds,
      retained: [],
      cursor: undefined,
      idle: [],
      emptyAt: [],
    }
  }
  const emptyAt = [...task.emptyAt, now]
  if (task.stage === 'to look') {
    return { ...wellAt(task, now), emptyAt, stage: 'settled', settledAt: now }
  }
  return { ...wellAt(task, now), emptyAt, stage: 'sure', sureAt: now }
}

function afterFailure(task: Task, why: string, rules: Rules, now: number): Task {
  const failures = task.failures + 1
  const pause = pauseAfter(failures, rules, now)
  return { ...task, ...pause, idle: pause.blocked ? [] : task.idle, why, failures }
}

function wellAt(task: Task, now: number): Task {
  const times = { notBefore: now, dueBy: now }
  return { ...task, ...times, failures: 0, blocked: false, why: undefined }
}

/** Longer each time, up to a cap; out of attempts, a day. */
function pauseAfter(
  count: number,
  { attempts, baseMs, capMs }: Rules,
  now: number,
): Pick<Task, 'blocked' | 'notBefore' | 'dueBy'> {
  if (count >= attempts) {
    return { blocked: true, notBefore: now + DAY_MS, dueBy: now + DAY_MS }
  }
  const longestMs = Math.min(capMs, baseMs * 2 ** (count - 1))
  const notBefore = now + Math.floor(longestMs * LEAST_RANDOM)
  return { blocked: false, notBefore, dueBy: now + longestMs }
}

/** Somebody asked for a retry: what waits after a failure gets its attempts back, at once. */
export function afterRetry(task: Task, now: number): Task {
  if (task.why === undefined && !task.missing) return task
  return { ...wellAt(task, now), rounds: 0, idle: [] }
}

/** All is to be done again: what was kept may go, or what others keep may have come back. */
export function fromTheStart(task: Task, now: number): Task {
  return { ...newTask(now), removed: task.removed, missing: task.missing }
}

/** What it keeps others from finding may have come back: it must be found empty once more. */
export function mustLookAgain(task: Task): Task {
  return task.stage === 'sure' ? { ...task, stage: 'settled' } : task
}

/** Since the handler was registered anew, it can look, or it cannot. */
export function canLook(task: Task, verifies: boolean, now: number): Task {
  if (verifies) return task.stage === 'asserted' ? { ...task, stage: 'to look' } : task
  if (task.stage === 'to purge' || task.stage === 'asserted') return task
  const settledAt = task.stage === 'to look' ? now : task.settledAt
  return { ...afterRetry(task, now), stage: 'asserted', settledAt }
}

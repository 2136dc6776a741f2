import type { Rules, Task } from './task.ts'

/** What all handlers have to do for one request, by the handler's name. */
export type Tasks = Readonly<Record<string, Task>>
/** The handlers that are registered, by name. */
export type Registered = ReadonlyMap<string, Rules>

export function mapTasks(
  tasks: Tasks,
  change: (task: Task, name: string) => Task,
): Tasks {
  const changed = Object.entries(tasks).map(([name, task]) => [name, change(task, name)])
  return Object.fromEntries(changed)
}

export function isSettled(task: Task | undefined): boolean {
  return task !== undefined && task.stage !== 'to purge' && task.stage !== 'to look'
}

/** Nothing is left to do, unless something is retained. */
export function isDone(task: Task | undefined): boolean {
  return task?.stage === 'sure' || task?.stage === 'asserted'
}

/** Nobody has been called for it yet, or since it is all to be done again. */
export function isUntouched({ stage, failures, rounds, cursor }: Task): boolean {
  return stage === 'to purge' && failures + rounds === 0 && cursor === undefined
}

/** When to look again at what is kept; never, if nothing is. */
export function keptUntil(task: Task, settleMs: number): number {
  if (!isSettled(task)) return Infinity
  const until = Math.min(...task.retained.map(item => item.until))
  return Math.max(until, task.settledAt + settleMs)
}

/** When it is certain that nothing is left of it; never, while somebody must be called for that. */
function goneAt(task: Task | undefined, settleMs: number): number {
  if (task === undefined || task.retained.length > 0) return Infinity
  if (task.stage === 'asserted') return task.settledAt + settleMs
  return task.stage === 'sure' ? task.sureAt : Infinity
}

/** From when on nothing is left of all that this handler comes after. */
export function mayStartAt({ after }: Rules, tasks: Tasks, settleMs: number): number {
  return Math.max(-Infinity, ...after.map(name => goneAt(tasks[name], settleMs)))
}

/** When a task that has settled must be found empty again; never, if that has been done. */
export function looksAgainAt(
  task: Task,
  tasks: Tasks,
  registered: Registered,
  settleMs: number,
): number {
  const here = [...registered.keys()].map(name => tasks[name])
  const everybody = [...here, ...Object.values(tasks)]
  const haveAllSettled = everybody.every(
    other => isSettled(other) && other?.missing === false,
  )
  const last = Math.max(...here.map(other => other?.settledAt ?? 0))
  const at = (haveAllSettled ? last : task.settledAt) + settleMs
  return task.stage === 'settled' || task.sureAt < at ? at : Infinity
}

/** By when something must be done for the request; never, if only a person can. */
export function dueBy(tasks: Tasks, registered: Registered, settleMs: number): number {
  const isSomebodyNew = [...registered.keys()].some(name => tasks[name] === undefined)
  if (isSomebodyNew) return 0
  const due = [...registered.values()].map(rules => {
    const task = tasks[rules.name]
    if (task === undefined) return 0
    if (!isSettled(task)) {
      return Math.max(mayStartAt(rules, tasks, settleMs), task.dueBy)
    }
    const kept = keptUntil(task, settleMs)
    if (task.stage === 'asserted') return kept
    const again = looksAgainAt(task, tasks, registered, settleMs)
    return Math.min(kept, Math.max(again, task.dueBy))
  })
  const soonest = Math.min(...due)
  const isMissing = Object.values(tasks).some(({ missing }) => missing)
  return soonest === Infinity && !isMissing ? 0 : soonest
}

/** All whom this handler comes after, and those whom they come after. */
export function comesAfter(name: string, registered: Registered): ReadonlySet<string> {
  const found = new Set<string>()
  const add = (other: string): void => {
    for (const first of registered.get(other)?.after ?? []) {
      found.add(first)
      add(first)
    }
  }
  add(name)
  return found
}

/** What a handler may be called for now, or is about to be. */
export function expectedCall(task: Task, looksAgain: number): string {
  if (task.stage === 'to purge') return 'purge'
  if (task.stage === 'to look') return 'verify'
  return task.stage === 'asserted' || looksAgain === Infinity ? 'nothing' : 'verify'
}

/** What speaks against recording a request with these tasks as erased. */
export function aboutRecord(
  tasks: Tasks,
  registered: readonly string[],
  settleMs: number,
): string[] {
  const lastSettledAt = Math.max(...Object.values(tasks).map(task => task.settledAt))
  return [...new Set([...registered, ...Object.keys(tasks)])].flatMap(name => {
    const task = tasks[name]
    if (task === undefined || !isDone(task) || task.missing)
      return [`${name} is not done`]
    if (task.retained.length > 0) return [`${name} retains something`]
    if (task.stage !== 'sure') return []
    const [first = 0] = task.emptyAt
    const last = task.emptyAt.at(-1) ?? 0
    if (task.emptyAt.length < 2 || last - first < settleMs)
      return [`${name} was not found empty twice`]
    return last < lastSettledAt + settleMs
      ? [`${name} was not found empty after all had settled`]
      : []
  })
}

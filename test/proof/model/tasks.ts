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

/** Until when something is kept, if nothing else is left to do. */
export function retainedUntil(tasks: Tasks): number | undefined {
  const all = Object.values(tasks)
  const until = all.flatMap(({ retained }) => retained.map(item => item.until))
  return all.every(isDone) && until.length > 0 ? Math.min(...until) : undefined
}

/** Whether those have settled that this handler comes after. */
export function mayStart({ after }: Rules, tasks: Tasks): boolean {
  return after.every(name => isSettled(tasks[name]))
}

/** When everything is to be found empty again; never, while somebody has not settled. */
export function looksAgainAt(
  tasks: Tasks,
  registered: Registered,
  settleMs: number,
): number {
  const here = [...registered.keys()].map(name => tasks[name])
  const everybody = [...here, ...Object.values(tasks)]
  if (!everybody.every(task => isSettled(task) && task?.missing === false))
    return Infinity
  return Math.max(...here.map(task => task?.settledAt ?? 0)) + settleMs
}

/** By when something must be done for the request; never, if only a person can. */
export function dueBy(tasks: Tasks, registered: Registered, settleMs: number): number {
  const isSomebodyNew = [...registered.keys()].some(name => tasks[name] === undefined)
  const keptUntil = retainedUntil(tasks)
  if (keptUntil !== undefined && !isSomebodyNew) return keptUntil
  const all = Object.values(tasks)
  if (!isSomebodyNew && all.every(task => isDone(task) && !task.missing)) return 0
  const due = [...registered.values()].map(rules => {
    const task = tasks[rules.name]
    if (!isSettled(task)) return mayStart(rules, tasks) ? (task?.dueBy ?? 0) : Infinity
    if (task?.stage !== 'settled') return Infinity
    return Math.max(looksAgainAt(tasks, registered, settleMs), task.dueBy)
  })
  return Math.min(...due)
}

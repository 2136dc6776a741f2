// What must hold, in plain words: who may be called when, what is kept, how requests end.
import {
  afterCall,
  afterRetry,
  canLook,
  type Ending,
  fromTheStart,
  mustLookAgain,
  newTask,
  type Rules,
  type Task,
} from './task.ts'
import {
  aboutRecord,
  comesAfter,
  dueBy,
  expectedCall,
  isDone,
  isSettled,
  isUntouched,
  keptUntil,
  looksAgainAt,
  mapTasks,
  mayStartAt,
  type Tasks,
} from './tasks.ts'

/** What a request is seen as; `gone` once nothing of it but its record is left. */
export type Seen = 'accepted' | 'purging' | 'settling' | 'retaining' | 'blocked'

/** One call of a handler. */
export interface Call {
  readonly requestId: string
  readonly handler: string
  readonly kind: 'purge' | 'verify'
  readonly userId: string
  readonly receivedAt: number
  /** As JSON. */
  readonly cursor: string | undefined
  readonly attempt: number | undefined
  /** How much had arrived in the bridge's data when the call began. */
  readonly arrivals: number
}

export interface ModelRequest {
  readonly id: string
  readonly user: string
  readonly receivedAt: number
  /** Where the process is that works on it. */
  tasks: Tasks
  /** What is stored: where the next process goes on. */
  kept: Tasks
  /** A call has ended, and what came of it is not stored yet. */
  unstored: boolean
  retryAsked: boolean
  recorded: boolean
  gone: boolean
}

interface ModelOptions {
  readonly settleMs: number
  readonly now: () => number
  /** Told what the code did that it must not. */
  readonly object: (what: string) => void
}

export class Model {
  readonly requests = new Map<string, ModelRequest>()
  readonly calls = new Set<Call>()
  readonly #erased = new Set<string>()
  readonly #options: ModelOptions
  #rules: ReadonlyMap<string, Rules> = new Map()
  declined = 0

  constructor(options: ModelOptions) {
    this.#options = options
  }

  // What happens.

  /** A process begins, with these handlers. The one before is over, however it ended. */
  began(rules: readonly Rules[]): void {
    this.#rules = new Map(rules.map(rule => [rule.name, rule]))
    this.calls.clear()
    for (const request of this.requests.values()) this.notKept(request.id)
  }

  /** A request and its tombstone are stored, whether or not anybody got to know. */
  accepted(id: string, user: string): void {
    if (this.requests.has(id)) return this.#options.object(`${id} is accepted twice`)
    const receivedAt = this.#options.now()
    const work = { tasks: {}, kept: {}, unstored: false }
    const state = { retryAsked: false, recorded: false, gone: false }
    this.requests.set(id, { id, user, receivedAt, ...work, ...state })
    this.#erased.add(user)
  }

  lifted(user: string): void {
    this.#erased.delete(user)
  }

  called(call: Call): void {
    const request = this.requests.get(call.requestId)
    const objections =
      request === undefined
        ? ['there is no such request']
        : [...this.#aboutCaller(call, request), ...this.#aboutTime(call, request)]
    const { object } = this.#options
    for (const what of objections) {
      object(`${call.kind} of ${call.handler} was called, but ${what}`)
    }
    this.calls.add(call)
  }

  /** A call was cut short because the process closes: as if it had not been. */
  aborted(call: Call): void {
    this.calls.delete(call)
  }

  ended(call: Call, ending: Ending): void {
    this.calls.delete(call)
    const request = this.#request(call.requestId)
    const rules = this.#rules.get(call.handler)
    const before = request.tasks[call.handler]
    if (rules === undefined || before === undefined) return
    const now = this.#options.now()
    const after = { ...afterCall(before, ending, rules, now), arrivals: call.arrivals }
    const wasFound = ending.how === 'looked' && after.stage === 'to purge'
    const others = wasFound
      ? this.#othersAfterFind(call.handler, request.tasks)
      : request.tasks
    request.tasks = { ...others, [call.handler]: after }
    request.unstored = true
  }

  /** The request's document was stored by whoever works on it. */
  kept(id: string): void {
    const request = this.#request(id)
    const now = this.#options.now()
    let { tasks } = request
    tasks = mapTasks(tasks, task =>
      keptUntil(task, this.#options.settleMs) <= now ? fromTheStart(task, now) : task,
    )
    const newcomers = [...this.#rules.keys()].filter(name => tasks[name] === undefined)
    tasks = mapTasks(tasks, (task, name) => {
      if (!this.#rules.has(name)) return { ...task, missing: true }
      const back = task.missing ? { ...afterRetry(task, now), missing: false } : task
      return canLook(back, this.#rules.get(name)?.verifies === true, now)
    })
    const fresh = newcomers.map(name => [name, newTask(request.receivedAt)] as const)
    request.tasks = { ...tasks, ...Object.fromEntries(fresh) }
    request.kept = request.tasks
    request.unstored = false
  }

  /** What was done last could not be stored, and will be done again. */
  notKept(id: string): void {
    const request = this.#request(id)
    request.tasks = request.kept
    request.unstored = false
  }

  retryAsked(id: string): void {
    this.#request(id).retryAsked = true
  }

  /** Whoever works on the request has read that a retry is asked for. */
  retryRead(id: string): void {
    const request = this.#request(id)
    request.tasks = mapTasks(request.tasks, task => afterRetry(task, this.#options.now()))
  }

  retryForgotten(id: string): void {
    const request = this.#request(id)
    if (request.tasks !== request.kept) {
      this.#options.object('a retry is forgotten, and what came of it is not stored')
    }
    request.retryAsked = false
  }

  recorded(id: string): void {
    const request = this.#request(id)
    const { object, settleMs } = this.#options
    for (const what of aboutRecord(request.kept, [...this.#rules.keys()], settleMs)) {
      object(`it is recorded, and ${what}`)
    }
    request.recorded = true
  }

  deleted(id: string): void {
    const request = this.#request(id)
    if (!request.recorded) this.#options.object('a request is deleted without a record')
    request.gone = true
  }

  // What must be seen.

  isErased(user: string): boolean {
    return this.#erased.has(user)
  }

  open(): ModelRequest[] {
    return [...this.requests.values()].filter(({ gone }) => !gone)
  }

  state({ kept }: ModelRequest): Seen {
    const tasks = Object.values(kept)
    if (tasks.some(({ blocked, missing }) => blocked || missing)) return 'blocked'
    if (tasks.length === 0) return 'accepted'
    const begun = tasks.filter(task => !isUntouched(task))
    if (begun.length === 0 || !begun.every(isSettled)) return 'purging'
    const isKeeping = begun.some(({ retained }) => retained.length > 0)
    return isKeeping && begun.every(isDone) ? 'retaining' : 'settling'
  }

  /** By when something must be done about the request; never, if only a person can. */
  dueBy({ tasks, receivedAt }: ModelRequest): number {
    if (Object.keys(tasks).length === 0) return receivedAt
    return dueBy(tasks, this.#rules, this.#options.settleMs)
  }

  /** Whether a call of this user is under way. */
  isBusy(user: string): boolean {
    return [...this.calls].some(call => this.requests.get(call.requestId)?.user === user)
  }

  #aboutCaller(call: Call, request: ModelRequest): string[] {
    const rules = this.#rules.get(call.handler)
    const task = request.tasks[call.handler]
    const objections = [
      rules === undefined && 'it is not registered',
      task === undefined && 'the request that knows it is not stored',
      call.userId !== request.user && 'for another user',
      call.receivedAt !== request.receivedAt && 'with another time of receipt',
      request.gone && 'its request is finished',
      this.isBusy(request.user) && 'another handler works for this user',
      request.unstored && 'what the call before it did is not stored',
      task?.missing && 'it still counts as missing',
    ]
    return objections.filter(what => typeof what === 'string')
  }

  #aboutTime(call: Call, request: ModelRequest): string[] {
    const { tasks } = request
    const rules = this.#rules.get(call.handler)
    const task = tasks[call.handler]
    if (rules === undefined || task === undefined) return []
    const { settleMs } = this.#options
    const now = this.#options.now()
    const looksAgain = looksAgainAt(task, tasks, this.#rules, settleMs)
    const looksAgainTooEarly = isSettled(task) && looksAgain > now
    const expected = expectedCall(task, looksAgain)
    const isKeptFrom = !isSettled(task) && mayStartAt(rules, tasks, settleMs) > now
    const objections = [
      expected !== call.kind && `its task is ${task.stage}`,
      task.notBefore > now && `${task.notBefore - now} ms too early`,
      isKeptFrom && 'something may be left of those it comes after',
      looksAgainTooEarly && 'it is too early to look again',
      ...(call.kind === 'purge' ? aboutSlice(call, task) : []),
    ]
    return objections.filter(what => typeof what === 'string')
  }

  /** What comes after a handler that has found something is done again; what it comes after, looked at. */
  #othersAfterFind(name: string, tasks: Tasks): Tasks {
    const now = this.#options.now()
    const cameBack = isSettled(tasks[name])
    const before = comesAfter(name, this.#rules)
    return mapTasks(tasks, (task, other) => {
      if (comesAfter(other, this.#rules).has(name)) return fromTheStart(task, now)
      return cameBack && before.has(other) ? mustLookAgain(task) : task
    })
  }

  #request(id: string): ModelRequest {
    const request = this.requests.get(id)
    if (request === undefined) throw new Error(`Nobody has accepted ${id}`)
    return request
  }
}

/** What is wrong with what `purge` was told. */
function aboutSlice(call: Call, task: Task): (string | false)[] {
  return [
    call.cursor !== task.cursor && `with the cursor ${call.cursor}`,
    call.attempt !== task.failures + 1 && `as attempt ${call.attempt}`,
  ]
}

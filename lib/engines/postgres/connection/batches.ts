/** How tasks become batches, and how a batch is carried out. */
export interface BatchOptions<Task, Answer> {
  /** Tasks in a batch at most. */
  readonly maxTasks: number
  /** What no two tasks of a batch may have in common; the later one waits for the next. */
  keysOf?(task: Task): readonly string[]
  /** Whether it may share a batch even so, with another that may. */
  mayShare?(task: Task): boolean
  /**
   * Whether an error may be the doing of a single task. Nothing of the batch is done then, and it is
   * tried again by halves, so that the task fails alone.
   */
  isOneTasks?(error: unknown): boolean
  /**
   * All of the batch or nothing: a rejection is that of each of its tasks.
   * @returns their answers, in order; nothing, if there is nothing to answer
   */
  run(batch: readonly Task[]): Promise<readonly Answer[] | void>
}

interface Pending<Task, Answer> {
  readonly task: Task
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Makes one statement of all tasks that arrive within one turn of the event loop or while the
 * statement before is under way, so that a thousand waiting requests cost one round trip and one
 * fsync. Tasks that have a key in common are carried out in the order they came.
 *
 * One statement at a time: two or three at once make smaller batches of the same work, and in
 * trials with 64 callers were not faster.
 */
export class Batches<Task, Answer> {
  readonly #options: BatchOptions<Task, Answer>
  #waiting: Array<Pending<Task, Answer>> = []
  #running: Promise<void> | undefined

  constructor(options: BatchOptions<Task, Answer>) {
    this.#options = options
  }

  /** Carries `task` out with the next batch. */
  add(task: Task): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves once no task waits or is under way. Never rejects. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // The check phase comes right after the one in which requests arrive.
      await new Promise(setImmediate)
      await this.#runBatch(this.#take())
    }
    this.#running = undefined
  }

  async #runBatch(batch: ReadonlyArray<Pending<Task, Answer>>): Promise<void> {
    try {
      const answers = await this.#options.run(batch.map(({ task }) => task))
      for (const [index, { resolve }] of batch.entries())
        resolve(answers?.[index] as Answer)
    } catch (error) {
      if (batch.length > 1 && this.#options.isOneTasks?.(error) === true) {
        const half = Math.ceil(batch.length / 2)
        await this.#runBatch(batch.slice(0, half))
        await this.#runBatch(batch.slice(half))
      } else for (const { reject } of batch) reject(error)
    }
  }

  /** The next batch; the keys of a task that must wait keep back those that came after it. */
  #take(): Array<Pending<Task, Answer>> {
    const batch: Array<Pending<Task, Answer>> = []
    const rest: Array<Pending<Task, Answer>> = []
    const sharable = new Map<string, boolean>()
    for (const pending of this.#waiting) {
      const { keysOf, mayShare, maxTasks } = this.#options
      const keys = keysOf?.(pending.task) ?? []
      const shares = mayShare?.(pending.task) === true
      const fits =
        batch.length < maxTasks &&
        keys.every(key => !sharable.has(key) || (shares && sharable.get(key) === true))
      for (const key of keys) sharable.set(key, fits && shares)
      const list = fits ? batch : rest
      list.push(pending)
    }
    this.#waiting = rest
    return batch
  }
}

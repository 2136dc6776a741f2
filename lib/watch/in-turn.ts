/** Runs what concerns the same key one after the other, and everything else at the same time. */
export class InTurn<Key> {
  readonly #last = new Map<Key, Promise<unknown>>()

  async run<Answer>(key: Key, work: () => Promise<Answer>): Promise<Answer> {
    const before = this.#last.get(key)
    const turn = before === undefined ? work() : before.then(work, work)
    this.#last.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key)
    }
  }
}

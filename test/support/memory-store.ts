import type { StoreAdapter } from '../../lib/store/adapter.ts'

/** A Keyv storage adapter that forgets everything, and can be told to fail. */
export interface MemoryStore extends Omit<StoreAdapter, 'durable'> {
  durable?: boolean
  readonly documents: Map<string, string>
  /** What every write does from now on. */
  failWrites: 'no' | 'throw' | 'answer false' | 'answer nothing'
  failReads: boolean
}

/** @param conditional - it has `writeIf`, and so is for several processes */
export function memoryStore(conditional = false): MemoryStore & StoreAdapter {
  const documents = new Map<string, string>()
  const write = <Answer>(store: () => Answer): Answer => {
    if (adapter.failWrites === 'throw') throw new Error('the disk is on fire')
    if (adapter.failWrites === 'answer false') return false as Answer
    if (adapter.failWrites === 'answer nothing') return undefined as Answer
    return store()
  }
  const read = <Answer>(answer: () => Answer): Answer => {
    if (adapter.failReads) throw new Error('the disk is on fire')
    return answer()
  }
  const adapter: MemoryStore & StoreAdapter = {
    documents,
    failWrites: 'no',
    failReads: false,
    location: 'the memory of a test',
    opts: { dialect: 'sqlite' },
    on: () => adapter,
    get: async key => read(() => documents.get(key) as never),
    set: async (key, value) => write(() => Boolean(documents.set(key, value))),
    async setMany(entries) {
      // One of them is enough.
      if (adapter.failWrites === 'answer false')
        return entries.map((_, at) => at === 0) as never
      return write(() =>
        entries.map(({ key, value }) => Boolean(documents.set(key, value))),
      ) as never
    },
    delete: async key => write(() => documents.delete(key)),
    clear: async () => documents.clear(),
    async *iterator(namespace) {
      for (const [key, value] of read(() => [...documents])) {
        if (key.startsWith(`${namespace}:`)) yield [key, value] as never
      }
    },
  }
  if (conditional) {
    adapter.writeIf = async ({ expected, set, delete: gone }) => {
      // `false` would mean that somebody else was first.
      if (adapter.failWrites === 'answer false') throw new Error('the disk is on fire')
      return write(() => {
        if (documents.get(expected.key) !== expected.value) return false
        for (const { key, value } of set) documents.set(key, value)
        for (const key of gone) documents.delete(key)
        return true
      })
    }
  }
  return adapter
}

import { type Clock, systemClock } from '../../lib/host/clock.ts'
import type { StoreAdapter, StoredDocument } from '../../lib/store/adapter.ts'

/** A Keyv storage adapter that forgets everything, and can be told to fail. */
export interface MemoryStore extends Omit<StoreAdapter, 'durable'> {
  durable?: boolean
  readonly documents: Map<string, string>
  /** What every write does from now on. */
  failWrites: 'no' | 'throw' | 'answer false' | 'answer nothing'
  failReads: boolean
}

/**
 * @param conditional - it has `writeIf`, and so is for several processes
 * @param clock - by which it hides and deletes what is past its time to live
 */
export function memoryStore(
  conditional = false,
  clock: Clock = systemClock,
): MemoryStore & StoreAdapter {
  const documents = new Map<string, string>()
  const ends = new Map<string, number>()
  const set = ({ key, value, ttl }: StoredDocument) => {
    documents.set(key, value)
    if (ttl === undefined) ends.delete(key)
    else ends.set(key, clock.now() + ttl)
    return true
  }
  const remove = (key: string) => {
    ends.delete(key)
    return documents.delete(key)
  }
  const expire = () => {
    for (const [key, end] of ends) if (end <= clock.now()) remove(key)
  }
  const write = <Answer>(store: () => Answer): Answer => {
    if (adapter.failWrites === 'throw') throw new Error('the disk is on fire')
    if (adapter.failWrites === 'answer false') return false as Answer
    if (adapter.failWrites === 'answer nothing') return undefined as Answer
    expire()
    return store()
  }
  const read = <Answer>(answer: () => Answer): Answer => {
    if (adapter.failReads) throw new Error('the disk is on fire')
    expire()
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
    set: async (key, value, ttl) => write(() => set({ key, value, ttl })),
    async setMany(entries) {
      // One of them is enough.
      if (adapter.failWrites === 'answer false')
        return entries.map((_, at) => at === 0) as never
      return write(() => entries.map(set)) as never
    },
    delete: async key => write(() => remove(key)),
    clear: async () => documents.clear(),
    async *iterator(namespace) {
      for (const [key, value] of read(() => [...documents])) {
        if (key.startsWith(`${namespace}:`)) yield [key, value] as never
      }
    },
  }
  if (conditional) {
    adapter.writeIf = async ({ expected, set: added, delete: gone }) => {
      // `false` would mean that somebody else was first.
      if (adapter.failWrites === 'answer false') throw new Error('the disk is on fire')
      return write(() => {
        if (documents.get(expected.key) !== expected.value) return false
        for (const document of added) set(document)
        for (const key of gone) remove(key)
        return true
      })
    }
  }
  return adapter
}

import type { StoreAdapter } from '../../lib/index.ts'

/** A Keyv storage adapter that keeps nothing and says it did: what everything else costs. */
export function emptyStore(): StoreAdapter {
  const store: StoreAdapter = {
    opts: { dialect: 'sqlite' },
    on: () => store,
    get: async () => undefined,
    set: async () => true,
    // Keyv's type says nothing comes back; Keyv itself passes on what does.
    setMany: (async (entries: readonly unknown[]) => entries.map(() => true)) as never,
    delete: async () => true,
    clear: async () => {},
    async *iterator() {},
  }
  return store
}

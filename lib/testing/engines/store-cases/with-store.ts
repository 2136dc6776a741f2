import type { StoreAdapter } from '../../../store/adapter.ts'
import type { OpenedStore, StoreEngine } from './store-engine.ts'

/** What a case is run on. */
export interface StoreTrial {
  readonly store: StoreAdapter
  /** `undefined` if the store is for one process. */
  readonly openAnother: (() => Promise<StoreAdapter>) | undefined
  readonly reopen: (() => Promise<StoreAdapter>) | undefined
}

/** A title, and what is tried on a store of its own. */
export type StoreCase = readonly [
  title: string,
  run: (trial: StoreTrial) => Promise<void>,
]

/** Runs a case on a new store, and leaves nothing open. */
export async function withStore(engine: StoreEngine, run: StoreCase[1]): Promise<void> {
  const opened = await engine()
  const adapters = [opened.store]
  const keep = (open: (() => Promise<StoreAdapter>) | undefined) => {
    if (open === undefined) return undefined
    return async () => {
      const adapter = await open()
      adapters.push(adapter)
      return adapter
    }
  }
  try {
    await run({ store: opened.store, ...waysIn(opened, keep) })
  } finally {
    for (const adapter of adapters) await adapter.disconnect?.()
    await opened.remove?.()
  }
}

type Way = (() => Promise<StoreAdapter>) | undefined

function waysIn(
  opened: OpenedStore,
  keep: (open: Way) => Way,
): { readonly openAnother: Way; readonly reopen: Way } {
  return {
    openAnother: keep(opened.openAnother?.bind(opened)),
    reopen: keep(opened.reopen?.bind(opened)),
  }
}

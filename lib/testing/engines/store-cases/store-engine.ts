import type { StoreAdapter } from '../../../store/adapter.ts'

/** A new, empty store, and other ways to what is in it. */
export interface OpenedStore {
  /** The store the cases try. */
  readonly store: StoreAdapter
  /** Opens it again, as another process does at the same time. */
  openAnother?(): Promise<StoreAdapter>
  /** Opens what `store` has left, after it was disconnected. */
  reopen?(): Promise<StoreAdapter>
  /** Removes it. Every adapter has been disconnected before. */
  remove?(): Promise<void>
}

/** Opens a new, empty store. */
export type StoreEngine = () => Promise<OpenedStore>

import type { AccountState, ErasureSource, SourceError } from '../../../watch/source.ts'

/** How a homeserver behaves: `well`, or so that the source should report this code. */
export type HomeserverBehaviour = 'well' | SourceError['code']

/** A source, and the homeserver it asks. */
export interface SourceHarness {
  /** Watches the homeserver, at most every few hundred milliseconds. */
  readonly source: ErasureSource
  /** The name of the homeserver: the cases make up users of it. */
  readonly serverName: string
  /**
   * Makes an account what it should be from now on, `unknown`: removes it. Where a homeserver cannot say
   * that an account is a ghost's, or that there is none, throw for `erased ghost` or `unknown`: the cases
   * do without.
   */
  setAccount(userId: string, state: AccountState): Promise<void>
  /** Has the homeserver behave from now on so that the source reports this code, or works again. */
  behave(how: HomeserverBehaviour): Promise<void>
  /** Tokens and passwords of the source: no error may contain one. */
  readonly secrets: readonly string[]
  /** Removes the homeserver. The source has been closed before. */
  remove?(): Promise<void>
}

/** Makes a new source, not yet started, and a homeserver without accounts. */
export type MakeSourceHarness = () => Promise<SourceHarness>

/** How the suite goes about it. */
export interface SourceConformanceOptions {
  /**
   * How long to wait for what must happen, in ms. Default: 60,000. Too low: a busy machine fails
   * the suite. Too high: a source that fails does so late; one that does not never takes it.
   */
  readonly patienceMs?: number
}

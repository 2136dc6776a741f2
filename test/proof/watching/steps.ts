import type { Trouble } from '../../support/simulated-synapse/simulated-synapse.ts'

const id = (localpart: string) => `@${localpart}:hs.test`

/** People whose accounts change; in the order of lists. */
export const PEOPLE: readonly string[] = [
  'ann',
  'bob',
  'cat',
  'dan',
  'eve',
  'fay',
  'gus',
].map(id)
/** A guest, who is in no list with `guests=false`. */
export const GUEST: string = id('12')
/** A ghost of an application service, who is declined like any own user. */
export const GHOST: string = id('_irc_bob')
export const EVERYBODY: readonly string[] = [...PEOPLE, GUEST, GHOST]

/** What a homeserver does to an account. */
export type Move =
  | { readonly do: 'erase'; readonly user: number }
  | { readonly do: 'deactivate'; readonly user: number }
  /** As a crash in the middle leaves it, until somebody deactivates the account again. */
  | { readonly do: 'begin erasure'; readonly user: number }
  | { readonly do: 'reactivate'; readonly user: number }
  | { readonly do: 'reactivate halfway'; readonly user: number }
  | { readonly do: 'lock'; readonly user: number; readonly locked: boolean }
  /** Somebody who is never erased; where lists show them depends on the number. */
  | { readonly do: 'new account'; readonly at: number; readonly deactivated: boolean }

/** What can also happen in the middle of a scan. */
export type Interruption =
  | Move
  | { readonly do: 'crash'; readonly forMs: number }
  | { readonly do: 'trouble'; readonly trouble: Trouble; readonly forMs: number }
  | { readonly do: 'lag'; readonly forMs: number }
  | { readonly do: 'no writes'; readonly forMs: number }

/** What can happen. */
export type Step =
  | Interruption
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'hint'; readonly user: number }
  /** The homeserver is upgraded, or the other way round. */
  | { readonly do: 'version 3'; readonly has: boolean }
  | { readonly do: 'MAS'; readonly has: boolean }
  /** After so many requests and calls of the store. */
  | { readonly do: 'at'; readonly point: number; readonly then: Interruption }

/** A homeserver, a bridge that watches it, and what happens to both. */
export interface Schedule {
  readonly pageSize: number
  /** 0: nothing but what is kept of the source knows that somebody was erased. */
  readonly tombstoneMs: number
  /** Who is erased already when the source comes. */
  readonly before: readonly number[]
  readonly steps: readonly Step[]
}

// What can happen in a schedule: plain data, so that fast-check can shrink it and a person read it.

/** The handlers of the bridge; `media` cannot verify. `map` comes after all others. */
export const HANDLERS = ['messages', 'media', 'rooms', 'map'] as const
export type HandlerName = (typeof HANDLERS)[number]

/** The people who are erased: one localpart on two servers, and a neighbour. */
export const USERS = [
  '@quokka_a:example.org',
  '@quokka_a:example.com',
  '@quokkaxa:example.org',
] as const
export type User = (typeof USERS)[number]

/** People nobody asks to erase, named so that a pattern or a prefix would hit them. */
export const BYSTANDERS = [
  '@quokka_a:example.org.uk',
  '@Quokka_a:example.org',
  '@quokka+a:example.org',
] as const

/** Long enough not to turn up in sealed text by chance. */
const NAMES = /quokka[_x+]a|example\.(?:org|com)/i

/** Whether a text names one of them. */
export function namesSomebody(text: string): boolean {
  return NAMES.test(text)
}

/** How a `purge` behaves. */
export type PurgeMove =
  | 'honest'
  | 'fail'
  | 'throw'
  | 'hang'
  /** Removes half and says it is done. */
  | 'half'
  /** Removes nothing and says it is done. */
  | 'nothing'
  /** Returns the cursor it was given. */
  | 'same cursor'
  /** One item at a time, as often as said. */
  | { readonly slices: number }
  /** Removes one item and asks to be called again later. */
  | { readonly waitMs: number }
  /** Keeps one item for so long, and says so. */
  | { readonly retainMs: number }
  /** Returns something that is not a purge result. */
  | { readonly nonsense: number }

/** How a `verify` behaves. */
export type VerifyMove =
  | 'honest'
  | 'fail'
  | 'throw'
  | 'hang'
  /** Sees one item more than `purge` can remove. */
  | 'one more'
  | { readonly nonsense: number }

/** How a write fails: not written, written all the same, or not written and no error. */
export type WriteFault = 'throw' | 'throw after' | 'answer false'

/** What happens in the middle of something else, while nothing else moves. */
export type Interruption =
  | { readonly do: 'crash' }
  | { readonly do: 'accept' | 'lift'; readonly user: number }
  | { readonly do: 'retry'; readonly request: number }
  | {
      readonly do: 'comes back'
      readonly user: number
      readonly handler: HandlerName
    }
  /** Writes fail for so long; 0 is this moment. */
  | { readonly do: 'no writes'; readonly how: WriteFault; readonly forMs: number }
  | { readonly do: 'no reads'; readonly forMs: number }
  /** The scheduler forgets whatever it is told. */
  | { readonly do: 'no memory'; readonly forMs: number }

/** One thing that happens. */
export type Step =
  | Interruption
  | { readonly do: 'accept own' }
  | { readonly do: 'advance'; readonly ms: number }
  /** The next calls of a handler behave like this, in this order. */
  | {
      readonly do: 'next'
      readonly handler: HandlerName
      readonly purge?: readonly PurgeMove[]
      readonly verify?: readonly VerifyMove[]
    }
  /** Calls that no `next` says anything about behave like this from now on. */
  | {
      readonly do: 'always'
      readonly handler: HandlerName
      readonly purge?: PurgeMove
      readonly verify?: VerifyMove
    }
  /** The user does something: what belongs to a reactivated account and must stay. */
  | { readonly do: 'new life'; readonly user: number }
  /** Closes and opens again, without some handlers, and some of them without `verify`. */
  | {
      readonly do: 'restart'
      readonly without?: readonly HandlerName[]
      readonly blind?: readonly HandlerName[]
    }
  /** At the so-manieth point from now where the code awaits the outside, `then` happens. */
  | { readonly do: 'at'; readonly point: number; readonly then: Interruption }

/** A bridge, and what happens to it. */
export interface Schedule {
  readonly settleMs: number
  readonly attempts: number
  readonly concurrency: number
  readonly steps: readonly Step[]
}

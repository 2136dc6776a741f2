import { isDeepStrictEqual } from 'node:util'

import type { UserTag } from '../user-seal/user-seal.ts'
import type { StoredDocument } from './adapter.ts'
import { type Documents, namespaced, type NewDocument } from './documents.ts'
import { documentText, type Seen } from './envelope.ts'

/** What is known of a source between two scans, and after a restart. */
export interface SourceState {
  /** When the last complete scan ended, in milliseconds since the Unix epoch. */
  readonly lastSuccessAt?: number
  /** Why the source has not seen since then; absent if it has. */
  readonly code?: 'SOURCE_UNREACHABLE' | 'SOURCE_FORBIDDEN' | 'SOURCE_INVALID'
  /** Since when it has that code. */
  readonly since?: number
  /** How many users the last scan held back; absent for none. */
  readonly heldBack?: number
  /** Since when it holds back. */
  readonly heldBackSince?: number
  /** How many accounts are erased, but for over an hour not deactivated; absent for none. */
  readonly halfFinished?: number
  /** Whether everybody whom the first scan found is accepted, or noted. */
  readonly firstRunDone?: boolean
  /** Where a source is that goes by an order. */
  readonly cursor?: unknown
  /** How often a user was forgotten whom the source had reported. */
  readonly forgotten?: number
}

/** An operator's word that a source may erase more users at once than its rules allow. */
export interface SourceWord {
  /** Random: it tells this word from a later one. */
  readonly id: string
  /** How many users were held back when it was given. */
  readonly count: number
}

/** Which process watches a source. */
export interface WatchLease {
  /** A random name of the process. */
  readonly holder: string
  /** Until when, in milliseconds since the Unix epoch. */
  readonly until: number
}

/** The documents of sources: who was reported, how they are doing, who watches. */
export class SourceDocuments {
  readonly #documents: Documents

  constructor(documents: Documents) {
    this.#documents = documents
  }

  /** Everybody whom a source has reported. */
  async *reported(source: string): AsyncGenerator<UserTag> {
    const prefix = reportedKey(source, '')
    for await (const { key } of this.#documents.all(prefix.slice(0, -1))) {
      yield key.slice(prefix.length) as UserTag
    }
  }

  async isReported(source: string, tag: UserTag): Promise<boolean> {
    return (await this.#documents.get(reportedKey(source, tag))) !== undefined
  }

  /**
   * Forgets that a user was reported: a later erasure is a new one. Counts it, so that a process that
   * has all reported users in memory notices what another one forgets.
   *
   * @returns how many were ever forgotten
   */
  async forgetReported(source: string, tag: UserTag): Promise<number> {
    const key = stateKey(source)
    for (;;) {
      const seen = await this.seeState(source)
      const forgotten = (seen?.value.forgotten ?? 0) + 1
      const set = [{ key, value: { ...seen?.value, forgotten } }]
      const gone = [reportedKey(source, tag)]
      if (await this.#documents.change({ key, seen: seen?.text, set, delete: gone })) {
        return forgotten
      }
    }
  }

  /**
   * Notes users as reported, in one durable write, if the state of the source is still what was seen.
   *
   * @returns false, and nothing noted, if it has changed
   */
  async noteReported(
    source: string,
    tags: readonly UserTag[],
    state: Seen<SourceState> | undefined,
  ): Promise<boolean> {
    const key = stateKey(source)
    const noted = tags.map(tag => reportedDocument(source, tag))
    const set = [{ key, value: state?.value ?? {} }, ...noted]
    return this.#documents.change({ key, seen: state?.text, set })
  }

  seeState(source: string): Promise<Seen<SourceState> | undefined> {
    return this.#documents.see(stateKey(source))
  }

  /** Changes what is known of a source, and tries again if another process changes it meanwhile. */
  async changeState(
    source: string,
    change: (state: SourceState) => SourceState,
  ): Promise<SourceState> {
    const key = stateKey(source)
    for (;;) {
      const seen = await this.seeState(source)
      const before = seen?.value ?? {}
      const value = change(before)
      if (isDeepStrictEqual(value, before)) return value
      const text = seen?.text
      if (await this.#documents.change({ key, seen: text, set: [{ key, value }] })) {
        return value
      }
    }
  }

  /** Every source that has ever watched on this store. */
  async *states(): AsyncGenerator<{
    readonly name: string
    readonly state: SourceState
  }> {
    for await (const { key, value } of this.#documents.all<SourceState>('source')) {
      yield { name: key.slice(stateKey('').length), state: value }
    }
  }

  async word(source: string): Promise<SourceWord | undefined> {
    await this.#documents.takeIn()
    return this.#documents.get(wordKey(source))
  }

  async setWord(source: string, word: SourceWord): Promise<void> {
    await this.#documents.set({ key: wordKey(source), value: word })
  }

  /** Uses up a word, unless a later one has taken its place. */
  async useUpWord(source: string, id: string): Promise<void> {
    const key = wordKey(source)
    const seen = await this.#documents.see<SourceWord>(key)
    if (seen?.value.id !== id) return
    await this.#documents.change({ key, seen: seen.text, delete: [key] })
  }

  /**
   * Takes the lease of a source, or renews it.
   *
   * @returns whose it is: `lease`, or that of another process
   */
  async takeLease(
    source: string,
    lease: WatchLease,
    isOver: (held: WatchLease) => boolean,
  ): Promise<WatchLease> {
    const key = leaseKey(source)
    for (;;) {
      const seen = await this.#documents.see<WatchLease>(key)
      const held = seen?.value
      if (held !== undefined && held.holder !== lease.holder && !isOver(held)) return held
      const set = [{ key, value: lease }]
      if (await this.#documents.change({ key, seen: seen?.text, set })) return lease
    }
  }

  /** Gives the lease back, if this process still has it. */
  async releaseLease(source: string, holder: string): Promise<void> {
    const key = leaseKey(source)
    const seen = await this.#documents.see<WatchLease>(key)
    if (seen?.value.holder !== holder) return
    await this.#documents.change({ key, seen: seen.text, delete: [key] })
  }
}

/** Without an expiry: it stays for as long as the homeserver says that the user is erased. */
export function reportedDocument(source: string, tag: UserTag): NewDocument {
  return { key: reportedKey(source, tag), value: true }
}

function reportedKey(source: string, tag: string): string {
  return `reported:${source}:${tag}`
}

function stateKey(source: string): string {
  return `source:${source}`
}

/** A word as it is stored, for a program that writes it beside the SDK. */
export function storedWord(source: string, word: SourceWord): StoredDocument {
  return { key: namespaced(wordKey(source)), value: documentText(word) }
}

function wordKey(source: string): string {
  return `word:${source}`
}

function leaseKey(source: string): string {
  return `lease:${source}`
}

import type { Random } from '../../support/seeded-random.ts'
import type { Call } from './record.ts'

/**
 * What of the changes since the last fsync a power cut leaves. `shorter`: nothing, but that files
 * that were to be truncated have lost a part of what was to go.
 */
export type Survival = 'nothing' | 'everything' | 'something' | 'shorter'

type Change = Extract<Call, { kind: 'write' | 'truncate' }>

const PAGE_BYTES = 4096
const SECTOR_BYTES = 512

/** The content of a file, as far as it is durable, and what was changed since. */
export class DiskFile {
  #durable: Buffer = Buffer.alloc(0)
  #changes: Array<{ readonly change: Change; done: boolean }> = []

  change(change: Change): void {
    this.#changes.push({ change, done: false })
  }

  done(change: Call): void {
    for (const pending of this.#changes) {
      if (pending.change === change) pending.done = true
    }
  }

  /** An fsync begins. @returns what happens when it ends: changes done by now are durable */
  sync(): () => void {
    const open = this.#changes.findIndex(({ done }) => !done)
    const covered = new Set(this.#changes.slice(0, open === -1 ? undefined : open))
    return () => {
      for (const { change } of covered) this.#durable = changed(this.#durable, change)
      this.#changes = this.#changes.filter(pending => !covered.has(pending))
    }
  }

  /** The file as a power cut could leave it. */
  content(survival: Survival, random: Random): Buffer {
    if (survival === 'nothing' || this.#changes.length === 0)
      return Buffer.from(this.#durable)
    if (survival === 'shorter') return this.#cutShort(random)
    // What the file was after none, one, two … of the changes.
    const versions: Buffer[] = [this.#durable]
    for (const { change } of this.#changes) {
      versions.push(changed(versions.at(-1) as Buffer, change))
    }
    const last = versions.at(-1) as Buffer
    return survival === 'everything' ? Buffer.from(last) : mix(versions, random)
  }

  /** A file system may free what was truncated in several steps, the end of it first. */
  #cutShort(random: Random): Buffer {
    const sizes = this.#changes.map(({ change }) =>
      change.kind === 'truncate' ? change.size : Infinity,
    )
    const { length } = this.#durable
    const size = Math.min(length, ...sizes)
    return Buffer.from(this.#durable.subarray(0, size + random() * (length - size)))
  }
}

function changed(content: Buffer, change: Change): Buffer {
  if (change.kind === 'truncate') {
    const shorter = Buffer.alloc(change.size)
    content.copy(shorter)
    return shorter
  }
  // A full disk writes less than it was asked to.
  const data = change.data.subarray(0, change.result)
  const longer = Buffer.alloc(Math.max(content.length, change.offset + data.length))
  content.copy(longer)
  data.copy(longer, change.offset)
  return longer
}

/** Each page out of a version of its own, or, torn, each of its sectors. */
function mix(all: readonly Buffer[], random: Random): Buffer {
  // Half of the time the page is either as it was or as it is, which is likelier to do harm.
  const some = [all[0] as Buffer, all.at(-1) as Buffer]
  const any = () => random.pick(random() < 0.5 ? all : some)
  const mixed = Buffer.alloc(any().length)
  for (let page = 0; page < mixed.length; page += PAGE_BYTES) {
    const version = any()
    const torn = random() < 0.5
    for (let at = page; at < page + PAGE_BYTES; at += SECTOR_BYTES) {
      const source = torn ? any() : version
      source.subarray(at, at + SECTOR_BYTES).copy(mixed, at)
    }
  }
  return mixed
}

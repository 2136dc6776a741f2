import { makeBroken } from './broken.ts'
import { type Random, seededRandom } from '../../support/seeded-random.ts'
import { type Made, makeRequest, makeUser } from './requests.ts'
import { makeSmuggling } from './smuggling.ts'
import { mayAuthenticate } from './tokens.ts'

/** Bytes that are sent in one go, after a pause or after so many answers. */
interface Write {
  readonly bytes: Buffer
  readonly pauseMs: number
  readonly awaits: number
}

/** Everything one client sends on one connection, and what may come of it. */
export interface Connection {
  readonly index: number
  readonly bytes: Buffer
  readonly writes: readonly Write[]
  /** How many requests were made up for it. */
  readonly requests: number
  /** The well-formed requests it begins with. */
  readonly sound: readonly Made[]
  /** Whether that is all there is, so that each must be answered. */
  readonly isSound: boolean
  /** Whether the right token stands anywhere a request could have it. */
  readonly mayAuthenticate: boolean
  readonly mayErase: ReadonlySet<string>
  readonly users: readonly string[]
  /** The client ends it by a reset, as soon as everything is sent. */
  readonly isReset: boolean
}

/** The connection with this number in the sequence of this seed. */
export function makeConnection(seed: number, index: number): Connection {
  const random = seededRandom(seed, index)
  const made = makeAll(random, index)
  const whole = Buffer.concat(made.map(({ bytes }) => bytes))
  const { bytes, intact } = spoil(random, whole)
  const sound = soundOf(made, intact)
  const isWhole = bytes.equals(whole)
  const isRight = mayAuthenticate(bytes)
  const users = made.flatMap(({ erases = [], spares }) => [...spares].concat(erases))
  // Bytes that were changed may say anything; that they say the right token by chance is rare.
  const mayErase =
    !isWhole && isRight && !mayAuthenticate(whole)
      ? users
      : made.flatMap(({ erases = [] }) => erases)
  return {
    index,
    bytes,
    writes: split(random, bytes, made),
    requests: made.length,
    sound,
    isSound: sound.length === made.length && isWhole,
    mayAuthenticate: isRight,
    mayErase: new Set(mayErase),
    users,
    isReset: random.chance(0.02),
  }
}

const LENGTHS = [
  [2, () => 1],
  [3, (random: Random) => random.int(2, 5)],
  [6, (random: Random) => random.int(5, 10)],
] as const
const IN_LINE = [
  [92, makeRequest],
  [5, makeBroken],
  [3, makeSmuggling],
] as const
const ALONE = [
  [3, makeRequest],
  [5, makeBroken],
  [3, makeSmuggling],
] as const

function makeAll(random: Random, index: number): Made[] {
  const mayBeRight = random.chance(0.25)
  // Behind others, what is broken often only ends the connection.
  const isAlone = random.chance(0.15)
  const made: Made[] = []
  let left = isAlone ? 1 : random.weighted(LENGTHS)(random)
  while (left > 0) {
    const user = makeUser(random, index, made.length)
    const wanted = { user, mayBeRight, isFinal: left === 1 }
    const make = random.weighted(isAlone ? ALONE : IN_LINE)
    const next = make(random, wanted)
    made.push(next)
    left -= 1
    // Most of what comes behind is never looked at.
    if (next.isLast) left = random.chance(0.7) ? 0 : Math.min(left, 2)
  }
  return made
}

/** The well-formed ones at the beginning, all of whose bytes are intact. */
function soundOf(made: readonly Made[], intact: number): Made[] {
  const sound: Made[] = []
  let end = 0
  for (const one of made) {
    end += one.bytes.length
    if (one.answer === undefined || end > intact || sound.at(-1)?.isLast === true) break
    sound.push(one)
  }
  return sound
}

interface Spoilt {
  readonly bytes: Buffer
  /** So many bytes at the beginning are as they were. */
  readonly intact: number
}

function spoil(random: Random, whole: Buffer): Spoilt {
  return random.weighted<() => Spoilt>([
    [86, () => ({ bytes: whole, intact: whole.length })],
    [8, () => cut(random, whole)],
    [6, () => alter(random, whole)],
  ])()
}

function cut(random: Random, whole: Buffer): Spoilt {
  const intact = random.int(0, whole.length - 1)
  return { bytes: whole.subarray(0, intact), intact }
}

/** Changes some bytes, where nobody is authenticated: a user with another letter is another. */
function alter(random: Random, whole: Buffer): Spoilt {
  if (mayAuthenticate(whole)) return { bytes: whole, intact: whole.length }
  let bytes = whole
  let intact = whole.length
  for (let times = random.int(1, 4); times > 0; times -= 1) {
    const at = random.int(0, bytes.length)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    const length = random.int(1, 8)
    const middle = random.pick([
      Buffer.from(
        random.pick(['\r', '\n', '\0', ' ', ':', '\r\n', '\r\n\r\n', '\xff', '%']),
      ),
      random.bytes(length),
      before.subarray(-length),
      Buffer.alloc(0),
    ])
    bytes = Buffer.concat([before, middle, after.subarray(random.pick([0, 1, length]))])
    intact = Math.min(intact, at)
  }
  return { bytes, intact }
}

/** In one go, request by request, in pieces, or byte by byte. */
function split(random: Random, bytes: Buffer, made: readonly Made[]): Write[] {
  const ends = made.map((_, count) =>
    made.slice(0, count + 1).reduce((sum, one) => sum + one.bytes.length, 0),
  )
  const hidden = made.flatMap(({ splitAt, bytes: own }, at) =>
    splitAt === undefined ? [] : [(ends[at] ?? 0) - own.length + splitAt],
  )
  const pieces = () =>
    Array.from({ length: random.int(1, 6) }, () => random.int(0, bytes.length))
  const offsets = random.weighted<() => number[]>([
    [10, () => (random.chance(0.7) ? hidden : [])],
    [5, () => [...ends, ...hidden]],
    [4, () => [...pieces(), ...hidden]],
    [1, () => (bytes.length < 400 ? [...bytes.keys()] : pieces())],
  ])()
  const waits = random.chance(0.5)
  const all = [...new Set([0, ...offsets.toSorted((a, b) => a - b)])]
  return all.flatMap((from, at) => {
    const part = bytes.subarray(from, all[at + 1])
    const awaits = waits ? ends.filter(end => end <= from).length : 0
    const pauseMs =
      at === 0
        ? 0
        : hidden.includes(from)
          ? 6
          : random.pick(all.length > 50 ? [0, 0, 0, 0, 0, 0, 0, 1] : [0, 0, 1, 4])
    return part.length === 0 ? [] : [{ bytes: part, pauseMs, awaits }]
  })
}

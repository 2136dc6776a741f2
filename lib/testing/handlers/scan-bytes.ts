import { constants, inflateRawSync, inflateSync } from 'node:zlib'

import type { UserId } from '../../matrix/user-id.ts'
import { fold, type Needle, needlesFor, type ResidueForm } from './needles.ts'

/** A place where the user was found. */
export interface ByteHit {
  readonly form: ResidueForm
  /** Where in the bytes it begins; for a compressed stream, where the stream begins. */
  readonly offset: number
}

/** Streams nested deeper are not searched. */
const MAX_DEPTH = 2
/** How much of an unpacked stream is searched. */
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024

/** Looks for a user in bytes, in every form a program is likely to have written. */
export function scanBytes(userId: UserId, bytes: Uint8Array): ByteHit[] {
  return scan(needlesFor(userId), Buffer.from(bytes), userId, 0)
}

function scan(
  needles: readonly Needle[],
  bytes: Buffer,
  userId: UserId,
  depth: number,
): ByteHit[] {
  const folded = fold(bytes)
  const found = needles.flatMap(needle => search(needle, folded, bytes, userId))
  const hits = found.filter(hit => !found.some(other => isWithin(hit, other)))
  if (depth === MAX_DEPTH) return hits
  const streams = unpack(bytes).flatMap(({ offset, content }) =>
    scan(needles, content, userId, depth + 1).length > 0
      ? [{ form: 'compressed' as const, offset }]
      : [],
  )
  return [...hits, ...streams]
}

/** The localpart stands in the user ID itself: one place, not two. */
function isWithin(hit: ByteHit, other: ByteHit): boolean {
  return (
    hit.form === 'localpart' &&
    other.form !== 'localpart' &&
    hit.offset === other.offset + 1
  )
}

function search(
  needle: Needle,
  folded: string,
  bytes: Buffer,
  userId: UserId,
): ByteHit[] {
  const hits: ByteHit[] = []
  const { length } = needle.folded
  for (let at = folded.indexOf(needle.folded); at !== -1;) {
    if (!needle.asWord || isWord(folded, at, at + length)) {
      const exact =
        needle.form !== 'raw' || bytes.toString('utf8', at, at + length) === userId
      hits.push({ form: exact ? needle.form : 'case', offset: at })
    }
    at = folded.indexOf(needle.folded, at + 1)
  }
  return hits
}

/** Whether this range is a whole word: other users' names may contain the user's. */
function isWord(folded: string, from: number, to: number): boolean {
  const isLetter = (char: string | undefined) =>
    char !== undefined && /[a-z0-9]/.test(char)
  return !isLetter(folded[from - 1]) && !isLetter(folded[to])
}

interface Stream {
  readonly offset: number
  readonly content: Buffer
}

/** Every gzip and zlib stream in the bytes, and all the bytes as one raw deflate stream. */
function unpack(bytes: Buffer): Stream[] {
  const streams: Stream[] = []
  for (let offset = 0; offset + 2 < bytes.length; offset += 1) {
    const kind = streamKind(bytes, offset)
    if (kind === undefined) continue
    const content = tryUnpack(kind, bytes.subarray(offset))
    if (content !== undefined) streams.push({ offset, content })
  }
  const raw = tryUnpack(inflateRawSync, bytes)
  return raw === undefined ? streams : [...streams, { offset: 0, content: raw }]
}

type Unpack = typeof inflateSync

function streamKind(bytes: Buffer, offset: number): Unpack | undefined {
  const first = bytes.readUInt8(offset)
  const header = bytes.readUInt16BE(offset)
  if (header === 0x1f8b && bytes[offset + 2] === 8) return unpackGzip
  // RFC 1950: method 8, window of 32 KiB or less, and a header divisible by 31.
  return (first & 0x0f) === 8 && first >> 4 <= 7 && header % 31 === 0
    ? inflateSync
    : undefined
}

/** `gunzipSync` returns nothing if other bytes follow the stream, so the header is cut off here. */
const unpackGzip: Unpack = (input, options) => {
  const bytes = Buffer.from(input as Uint8Array)
  const flags = bytes.readUInt8(3)
  // RFC 1952: flags 4, 8, 16 and 2 each announce a field between header and content.
  let start = 10
  if (flags & 4) start += 2 + bytes.readUInt16LE(start)
  for (const text of [8, 16]) if (flags & text) start = bytes.indexOf(0, start) + 1
  if (flags & 2) start += 2
  return inflateRawSync(bytes.subarray(start), options)
}

function tryUnpack(unpackSync: Unpack, bytes: Buffer): Buffer | undefined {
  try {
    // A truncated stream still yields what it contains.
    const content = unpackSync(bytes, {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: MAX_UNPACKED_BYTES,
    })
    return content.length > 0 ? content : undefined
  } catch {
    return undefined
  }
}

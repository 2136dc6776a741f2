import type { UserId } from '../../matrix/user-id.ts'
import { fold } from './needles.ts'
import type { ByteHit } from './scan-bytes.ts'

const FILE_HEADER = 'SQLite format 3\0'
const WAL_MAGIC = 0x377f0682
const WAL_HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24

/** A page of a database, or a copy of it in a write-ahead log. */
interface Page {
  readonly number: number
  /** Where in the file it begins. */
  readonly offset: number
  readonly folded: string
  readonly bytes: Buffer
}

/**
 * Looks for a user ID that SQLite has cut in two: the rest of a long value is on another page,
 * behind that page's first four bytes, and the other page's number follows the first part.
 */
export function scanSplitPages(userId: UserId, bytes: Buffer): ByteHit[] {
  const pages = readPages(bytes)
  if (pages.length === 0) return []
  const whole = fold(Buffer.from(userId))
  const byNumber = Map.groupBy(pages, page => page.number)
  const continues = (number: number, rest: string) =>
    byNumber.get(number)?.some(page => page.folded.startsWith(rest, 4)) ?? false
  const hits: ByteHit[] = []
  for (let cut = 1; cut < whole.length; cut += 1) {
    const [begin, rest] = [whole.slice(0, cut), whole.slice(cut)]
    for (const page of pages) {
      const at = placesOf(begin, page).find(({ next }) => continues(next, rest))
      if (at !== undefined) hits.push({ form: 'split', offset: page.offset + at.offset })
    }
  }
  return hits
}

/** Where `begin` is followed by the number of another page, on which the value continues. */
function placesOf(begin: string, page: Page): Array<{ offset: number; next: number }> {
  const places: Array<{ offset: number; next: number }> = []
  const last = page.bytes.length - begin.length
  // A page full of overflow names the next in its first four bytes.
  if (page.folded.endsWith(begin))
    places.push({ offset: last, next: page.bytes.readUInt32BE(0) })
  for (let at = page.folded.indexOf(begin); at !== -1 && at <= last - 4;) {
    places.push({ offset: at, next: page.bytes.readUInt32BE(at + begin.length) })
    at = page.folded.indexOf(begin, at + 1)
  }
  return places
}

function readPages(bytes: Buffer): Page[] {
  if (bytes.toString('latin1', 0, FILE_HEADER.length) === FILE_HEADER) {
    const stored = bytes.readUInt16BE(16)
    const sizeBytes = stored === 1 ? 65_536 : stored
    const count = Math.floor(bytes.length / sizeBytes)
    return Array.from({ length: count }, (_, index) =>
      toPage(bytes, index + 1, index * sizeBytes, sizeBytes),
    )
  }
  if (bytes.length < WAL_HEADER_BYTES || (bytes.readUInt32BE(0) & ~1) !== WAL_MAGIC)
    return []
  const sizeBytes = bytes.readUInt32BE(8)
  const pages: Page[] = []
  const frameBytes = FRAME_HEADER_BYTES + sizeBytes
  for (let at = WAL_HEADER_BYTES; at + frameBytes <= bytes.length; at += frameBytes) {
    pages.push(toPage(bytes, bytes.readUInt32BE(at), at + FRAME_HEADER_BYTES, sizeBytes))
  }
  return pages
}

function toPage(bytes: Buffer, number: number, offset: number, sizeBytes: number): Page {
  const content = bytes.subarray(offset, offset + sizeBytes)
  return { number, offset, bytes: content, folded: fold(content) }
}

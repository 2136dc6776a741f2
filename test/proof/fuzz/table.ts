import { readFileSync } from 'node:fs'

const PAGE = new URL('../../../docs/protocol.md', import.meta.url)
const ROW = /^\| (.+?) +\| `(\d{3}) (\{\}|M_[A-Z_]+)`/gm

/** An answer as the table in docs/protocol.md writes it: `403 M_FORBIDDEN`, or `200 {}`. */
export type TableAnswer = string

/** Every answer in the table of docs/protocol.md. */
export function readTable(): ReadonlySet<TableAnswer> {
  const rows = readFileSync(PAGE, 'utf8').matchAll(ROW)
  return new Set([...rows].map(([, , status, body]) => `${status} ${body}`))
}

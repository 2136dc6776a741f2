import type { SourceStatus } from '../core/read-status.ts'

/** A source in one line. */
export function sourceLine(source: SourceStatus): string {
  const { name, lastSuccessAt, code, since, heldBack, halfFinished } = source
  const scan =
    lastSuccessAt === undefined
      ? 'no complete scan yet'
      : `last complete scan ${lastSuccessAt.toISOString()}`
  const state =
    code === undefined ? 'well' : `${code} since ${since?.toISOString() ?? 'now'}`
  const facts = [
    ...(heldBack > 0 ? [`${heldBack} held back`] : []),
    ...(halfFinished > 0 ? [`${halfFinished} half finished`] : []),
    ...(source.firstRunDone ? [] : ['first run not finished']),
  ]
  return [`source ${name}`, state, scan, ...facts].join('  ')
}

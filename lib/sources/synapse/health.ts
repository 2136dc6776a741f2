import { codeOf } from '../../errors.ts'
import { type ErasureSink, SourceError } from '../../watch/source.ts'
import type { ListKind } from './user-list.ts'

/** Whether the two scans work. The source works if both do. */
export interface Health {
  scanned(kind: ListKind): Promise<void>
  failed(kind: ListKind, error: unknown): Promise<void>
}

/** Tells the sink. Logs the reason of a failure once, which the sink's code does not say. */
export function watchHealth(sink: ErasureSink, source: string): Health {
  const reasons = new Map<ListKind, string>()
  return {
    async scanned(kind) {
      reasons.delete(kind)
      if (reasons.size === 0) await sink.succeeded()
    },
    async failed(kind, error) {
      // The text of any other error may contain anything.
      const reason =
        error instanceof SourceError ? error.message : `The store fails: ${codeOf(error)}`
      if (reasons.get(kind) !== reason) sink.logger.info(reason, { source, list: kind })
      reasons.set(kind, reason)
      if (error instanceof SourceError) await sink.failed(error.code)
    },
  }
}

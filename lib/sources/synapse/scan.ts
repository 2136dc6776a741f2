import type { ErasureSink } from '../../watch/source.ts'
import type { AdminApi } from './admin-api.ts'
import { listAccounts } from './list-accounts.ts'
import type { ResolvedSynapseOptions } from './synapse-options.ts'
import { type KnownDialect, LIST_LIMITS, type ListKind, userList } from './user-list.ts'

/** What all scans of a homeserver share. */
export interface ScanContext {
  readonly api: AdminApi
  readonly options: ResolvedSynapseOptions
  readonly sink: ErasureSink
  readonly known: KnownDialect
  readonly signal: AbortSignal
}

/** How much work a scan was for the homeserver. */
export interface Load {
  /** How long it took for the pages that it answered. */
  busyMs: number
  pages: number
}

/**
 * Lists accounts once, and has the sink compare them.
 *
 * @param load - counted as the scan goes, so that it is there when the scan fails
 * @throws what listing, looking or storing throws
 */
export async function scan(
  { api, options, sink, known, signal }: ScanContext,
  kind: ListKind,
  load: Load,
): Promise<void> {
  const { pageSize, serverName } = options
  const getPage = userList(api, known, { kind, pageSize, signal })
  const timed = async (from: number) => {
    const startedAt = sink.clock.now()
    const page = await getPage(from)
    // A clock that is set during a request must not silence the source for days.
    const tookMs = Math.min(sink.clock.now() - startedAt, LIST_LIMITS.timeoutMs)
    load.busyMs += Math.max(0, tookMs)
    load.pages += 1
    return page
  }
  await sink.compare(listAccounts({ getPage: timed, pageSize, serverName }))
}

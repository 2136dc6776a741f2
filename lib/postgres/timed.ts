/** A query with a name, so that each session parses and plans it once. */
export interface Statement {
  /** Tells statements apart: one name, one text. */
  readonly name: string
  /** SQL, with `$1` and so on for values. */
  readonly text: string
}

/** A query that pg gives up after `timeoutMs`. */
export function timed(
  statement: string | Statement,
  values: readonly unknown[] | undefined,
  timeoutMs: number,
): QueryWithTimeout {
  const named = typeof statement === 'string' ? { text: statement } : statement
  return {
    ...named,
    query_timeout: timeoutMs,
    ...(values !== undefined && { values: [...values] }),
  }
}

/** pg takes `query_timeout` with each query; its types know it only for a connection. */
interface QueryWithTimeout {
  readonly text: string
  readonly name?: string
  readonly values?: unknown[]
  readonly query_timeout: number
}

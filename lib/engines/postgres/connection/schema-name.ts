/** pg-boss takes names of 50 bytes, and its schema is ours with `_queue` behind it. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,39}$/

/**
 * A schema's name gets into statements as it is.
 *
 * @throws TypeError if it needs quotes, or is too long
 */
export function checkSchema(schema: unknown): void {
  if (typeof schema === 'string' && SCHEMA.test(schema)) return
  throw new TypeError(
    'Expected `schema` to be a small letter or `_`, then up to 39 of these or digits',
  )
}

/** The schema of pg-boss's tables, beside ours. */
export function queueSchema(schema: string): string {
  return `${schema}_queue`
}

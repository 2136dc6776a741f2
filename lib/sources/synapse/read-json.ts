import { SourceError } from '../../watch/source.ts'

/**
 * Reads a body that should be JSON, and stops reading at `maxBytes`.
 *
 * @throws SourceError `SOURCE_INVALID` if it is too large or is not JSON; `SOURCE_UNREACHABLE` if it breaks off
 */
export async function readJson(response: Response, maxBytes: number): Promise<unknown> {
  const bytes = await readBytes(response, maxBytes)
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new SourceError('SOURCE_INVALID', 'The homeserver answers with no JSON')
  }
}

async function readBytes({ body }: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of body ?? []) {
      size += chunk.length
      // Leaving the loop ends the connection.
      if (size > maxBytes) break
      chunks.push(chunk)
    }
  } catch {
    throw new SourceError('SOURCE_UNREACHABLE', 'The homeserver broke off its answer')
  }
  if (size <= maxBytes) return Buffer.concat(chunks)
  throw new SourceError(
    'SOURCE_INVALID',
    `The homeserver answers with more than ${maxBytes} bytes`,
  )
}

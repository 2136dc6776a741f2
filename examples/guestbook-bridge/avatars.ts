import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MAX_BYTES = 2 * 1024 * 1024
const DOWNLOAD_MS = 10_000
/** No SVG: it may contain scripts, and the guestbook would serve it as its own. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
}
const FILE_NAME = /^[0-9a-f-]{36}\.(?:png|jpg|gif|webp)$/

/** A picture that was downloaded and is not stored yet. */
export interface Picture {
  readonly bytes: Buffer
  readonly extension: string
}

/** The pictures of users, as files on disk. */
export interface Avatars {
  readonly directory: string
  /** Writes a picture to a new file, and returns its name, which says nothing of the user. */
  keep(picture: Picture): string
  remove(name: string): void
  /** The names of all files. */
  list(): string[]
}

/** Opens the folder of pictures, and makes it if there is none. */
export function openAvatars(directory: string): Avatars {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return {
    directory,
    keep({ bytes, extension }) {
      const name = `${randomUUID()}.${extension}`
      writeFileSync(join(directory, name), bytes, { mode: 0o600 })
      return name
    },
    remove: name => rmSync(join(directory, name), { force: true }),
    list: () => readdirSync(directory),
  }
}

/** Whether a name is one that `keep` gives; anything else in a URL is refused. */
export function isAvatarName(name: string): boolean {
  return FILE_NAME.test(name)
}

/**
 * Downloads a picture from the homeserver's media repository.
 *
 * @returns `undefined` if the download fails, or it is not a picture
 */
export async function downloadPicture(
  homeserverUrl: string,
  asToken: string,
  mxcUri: string,
): Promise<Picture | undefined> {
  const [, server, mediaId] = /^mxc:\/\/([^/]+)\/([\w-]+)$/.exec(mxcUri) ?? []
  if (server === undefined || mediaId === undefined) return undefined
  const path = `/_matrix/client/v1/media/download/${encodeURIComponent(server)}/${mediaId}`
  try {
    const response = await fetch(new URL(path, homeserverUrl), {
      headers: { authorization: `Bearer ${asToken}` },
      signal: AbortSignal.timeout(DOWNLOAD_MS),
    })
    const [type = ''] = (response.headers.get('content-type') ?? '').split(';')
    const extension = EXTENSIONS[type.trim().toLowerCase()]
    if (!response.ok || extension === undefined || response.body === null)
      return undefined
    const bytes = await readAtMost(response.body, MAX_BYTES)
    return bytes && { bytes, extension }
  } catch {
    // Rather lose the picture than the event.
    return undefined
  }
}

async function readAtMost(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

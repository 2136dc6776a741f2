import { type Document, isNode, LineCounter, parseDocument } from 'yaml'

import { ErasureError } from '../errors.ts'
import type { RegistrationFile } from './registration.ts'

/** A document, and where in the file it has what. */
export interface ParsedYaml {
  readonly value: unknown
  readonly file: RegistrationFile
}

/** Keys that may be repeated in an error. Any other might be a token in the wrong place. */
const KNOWN_KEY =
  /^(?:id|url|(?:as|hs)_token(?:_path)?|sender_localpart|rate_limited|protocols|namespaces|users|aliases|rooms|exclusive|regex)$/

/**
 * Parses a YAML file.
 *
 * @param path - the file's, for errors
 * @throws ErasureError `REGISTRATION_INVALID` naming the line, and a key that stands there twice
 */
export function parseYaml(text: string, path: string): ParsedYaml {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const lineAt = (offset: number) => lines.linePos(offset).line
  // Of an error its code is told; its message holds a line of the file, and so perhaps a token.
  const [error] = document.errors
  if (error !== undefined) {
    const [offset] = error.pos
    const line = lineAt(offset)
    const isTwice = error.code === 'DUPLICATE_KEY'
    const what = isTwice ? repeated(text, offset) : `not YAML (${error.code})`
    throw new ErasureError('REGISTRATION_INVALID', `${path}:${line}: ${what}`, {
      file: path,
      line,
    })
  }
  const lineOf: RegistrationFile['lineOf'] = property => {
    // What is missing has no line; what it is missing in has.
    for (let length = property.length; length > 0; length -= 1) {
      const node = document.getIn(property.slice(0, length), true)
      if (isNode(node) && node.range) return lineAt(node.range[0])
    }
    return undefined
  }
  return { value: toValue(document, path), file: { path, lineOf } }
}

function toValue(document: Document, path: string): unknown {
  try {
    return document.toJS()
  } catch {
    // An alias without its anchor, or aliases of aliases without end.
    throw new ErasureError('REGISTRATION_INVALID', `${path}: not YAML (BAD_ALIAS)`, {
      file: path,
    })
  }
}

function repeated(text: string, offset: number): string {
  const [key = ''] = /^\w+/.exec(text.slice(offset).replace(/^["']/, '')) ?? []
  return `${KNOWN_KEY.test(key) ? key : 'a key'} stands here for the second time`
}

import type { RouterContext } from '@koa/router'

import type { Answer } from '../http/answer.ts'
import { lingerAfter } from '../http/ending.ts'
import { fromNode } from '../http/node.ts'
import type { EraseRequest } from '../http/receive.ts'

/** Puts an answer into a Koa context. */
export function respond(context: RouterContext, { status, headers, body }: Answer): void {
  if (!context.req.complete) lingerAfter(context.req, context.res)
  context.status = status
  context.set(headers)
  context.body = body
}

interface ParsedBody {
  readonly rawBody?: unknown
  readonly body?: unknown
}

/** Sees a Koa request as one to the endpoint, whatever a body parser before us has done to it. */
export function fromKoa(context: RouterContext): EraseRequest {
  const request = fromNode(context.req)
  // A stream that somebody has read never ends again.
  if (!context.req.readableDidRead) return request
  const { rawBody, body } = context.request as ParsedBody
  const text = typeof rawBody === 'string' ? rawBody : JSON.stringify(body ?? null)
  return { ...request, contentEncoding: undefined, readBody: async () => ({ text }) }
}

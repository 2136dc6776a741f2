import type { Mutant } from './mutant.ts'

const H = 'test/proof/promises/hostile-input.test.ts'
const K = 'test/proof/promises/hostile-input-connections.test.ts'
const F = 'test/proof/promises/hostile-input-findings.test.ts'

/** Mutants that stand hostile input less well. */
export const hostileInput: readonly Mutant[] = [
  {
    what: 'a missing token is accepted',
    file: 'lib/registration/hs-token.ts',
    replace: "if (tokens.length === 0) return 'missing'",
    by: "if (tokens.length === 0) return 'right'",
    tests: [H],
  },
  {
    what: 'a body in chunks has no limit',
    file: 'lib/doors/http/node.ts',
    replace: "if (lengthBytes > limitBytes) end({ failed: 'too large' })",
    by: '',
    tests: [H],
  },
  {
    what: 'the body size limit is a thousand times higher',
    file: 'lib/doors/http/receive.ts',
    replace: 'MAX_BODY_BYTES: number = 64 * 1024',
    by: 'MAX_BODY_BYTES: number = 64 * 1024 * 1024',
    tests: [H],
  },
  {
    what: 'duplicate Authorization headers are not refused',
    file: 'lib/registration/hs-token.ts',
    replace: 'authorization.length <= 1 && queryTokens',
    by: 'queryTokens',
    tests: [H],
  },
  {
    what: 'only the first Authorization header counts',
    file: 'lib/doors/http/node.ts',
    replace: 'authorization: authorizationOf(request.rawHeaders)',
    by: 'authorization: authorizationOf(request.rawHeaders).slice(0, 1)',
    tests: [H],
  },
  {
    what: 'user_id may be given twice',
    file: 'lib/matrix/erase-body.ts',
    replace: "if (countKey(text, 'user_id') > 1)",
    by: "if (countKey(text, 'user_id') > 9)",
    tests: [H],
  },
  {
    what: 'Koa parses the target',
    file: 'lib/doors/koa/door.ts',
    replace: "request.url = PLAIN_PATH.test(path) ? `${path}?${query}` : '/'",
    by: 'void PLAIN_PATH, query',
    tests: [H],
  },
  {
    what: 'the router takes what Koa takes for the path',
    file: 'lib/doors/koa/door.ts',
    replace:
      "if (splitTarget(context.req.url ?? '').path !== context.path) return next()",
    by: 'void next',
    tests: [F],
  },
  {
    what: 'what follows an offer to upgrade is carried out',
    file: 'lib/doors/http/ending.ts',
    replace: 'if (request.headers.upgrade !== undefined) endAfter(request, response)',
    by: '',
    tests: [F],
  },
  {
    what: 'what follows the last request is carried out',
    file: 'lib/doors/http/ending.ts',
    replace: 'if (last !== undefined) return last !== request',
    by: 'if (last !== undefined) return false',
    tests: [F],
  },
  {
    what: 'a connection ends before its client is heard out',
    file: 'lib/doors/http/ending.ts',
    replace: '    if (request.complete) {',
    by: '    if (request.complete || LINGER_MS > 0) {',
    tests: [K],
  },
  {
    what: 'Node answers unknown expectations',
    file: 'lib/doors/koa/door.ts',
    replace: "server.on('checkExpectation'",
    by: "server.on('checkExpectations'",
    tests: [H],
  },
  {
    what: 'Node answers requests without a Host',
    file: 'lib/doors/koa/door.ts',
    replace: 'requireHostHeader: false',
    by: 'requireHostHeader: true',
    tests: [H],
  },
  {
    what: 'slow connections are borne',
    file: 'lib/doors/koa/door.ts',
    replace: 'connectionsCheckingInterval: CHECK_MS',
    by: 'connectionsCheckingInterval: 100 * CHECK_MS',
    tests: [K],
  },
  {
    what: 'a late body is not answered',
    file: 'lib/doors/http/protocol-error.ts',
    replace: 'if (isLate && error.code === TIMEOUT)',
    by: 'if (isLate && error.code === undefined)',
    tests: [F],
  },
  {
    what: 'that a request is late answers the one before it',
    file: 'lib/doors/http/protocol-error.ts',
    replace: 'response?.req.complete === false &&',
    by: 'response !== undefined &&',
    tests: [F],
  },
  {
    what: 'bodies are kept',
    file: 'lib/doors/http/node.ts',
    replace: 'const body = Buffer.concat(chunks)',
    by: 'const body = Buffer.concat(chunks)\n  ;((globalThis as never as { kept: unknown[] }).kept ??= []).push(Buffer.concat([body, Buffer.alloc(100_000)]))',
    tests: [H],
  },
]

// Opens argv[3] connections to port argv[2] that send nothing, some at a time, tells how many are
// open, and when all have ended, how they did.
import { connect } from 'node:net'

const [, , port = '', count = ''] = process.argv
const SIDE_BY_SIDE = 200

/** What such a process tells its parent: first how many are open at once, then what came on how many. */
export type SilentTold = { readonly open: number } | { readonly endings: Endings }
type Endings = Readonly<Record<string, number>>

const endings: Record<string, number> = {}
const ended: Promise<unknown>[] = []
let open = 0
let left = Number(count)

function openOne(): Promise<unknown> {
  const opened = Promise.withResolvers<unknown>()
  const closed = Promise.withResolvers<unknown>()
  const socket = connect(Number(port), '127.0.0.1')
  let received = ''
  let isOpen = false
  socket.on('connect', () => {
    isOpen = true
    open += 1
    opened.resolve(undefined)
  })
  socket.on('data', chunk => (received += chunk.toString('latin1')))
  socket.on(
    'error',
    error => (received ||= 'code' in error ? String(error.code) : 'error'),
  )
  socket.on('close', () => {
    if (isOpen) open -= 1
    const ending = /^(?:HTTP\/1\.1 )?(\w+)/.exec(received)?.[1] ?? 'closed'
    endings[ending] = (endings[ending] ?? 0) + 1
    opened.resolve(undefined)
    closed.resolve(undefined)
  })
  ended.push(closed.promise)
  return opened.promise
}

async function openSome(): Promise<void> {
  while (left > 0) {
    left -= 1
    await openOne()
  }
}

// The process that started it has gone.
process.on('disconnect', () => process.exit())
await Promise.all(Array.from({ length: SIDE_BY_SIDE }, openSome))
process.send?.({ open } satisfies SilentTold)
await Promise.all(ended)
process.send?.({ endings } satisfies SilentTold)
process.disconnect()

export { eraseRouter } from './erase-router.ts'
// Still exported here, where it was first; it does not need Koa.
export { listen } from '../http/listen.ts'
export type { EraseServer } from '../http/listen.ts'
export type { ListenOptions } from '../http/listen-options.ts'

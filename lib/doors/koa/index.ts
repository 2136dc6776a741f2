export { eraseRouter } from './erase-router.ts'
// Under its first address; it needs no Koa.
export { listen } from '../http/listen.ts'
export type { EraseServer } from '../http/listen.ts'
export type { ListenOptions } from '../http/listen-options.ts'

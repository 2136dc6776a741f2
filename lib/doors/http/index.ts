export type { Answer } from './answer.ts'
export { eraseListener } from './erase-listener.ts'
export type { EraseListener } from './erase-listener.ts'
export { guardListener } from './guard-listener.ts'
export type { GuardListener } from './guard-listener.ts'
export { listen } from './listen.ts'
export type { EraseServer } from './listen.ts'
export type { ListenOptions } from './listen-options.ts'
export { ERASE_PATHS, MAX_BODY_BYTES, receiveErase } from './receive-erase.ts'
export type { BodyRead, EraseRequest } from './receive-erase.ts'
export { isTransaction, receiveTransaction } from './receive-transaction.ts'
export type {
  GuardedTransaction,
  ParsedBody,
  TransactionRequest,
} from './receive-transaction.ts'

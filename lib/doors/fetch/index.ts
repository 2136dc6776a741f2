export { eraseFetch } from './erase-fetch.ts'
export type { EraseFetch } from './erase-fetch.ts'
export { guardFetch } from './guard-fetch.ts'
export type { GuardFetch } from './guard-fetch.ts'

export { eraseFetch } from './erase-fetch.ts'
export type { EraseFetch } from './erase-fetch.ts'

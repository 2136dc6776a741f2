export { ROOT, runProgram } from './program.ts'

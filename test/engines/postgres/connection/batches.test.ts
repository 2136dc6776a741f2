import t from 'tap'

import { Batches } from '../../../../lib/engines/postgres/connection/batches.ts'

interface Task {
  readonly name: string
  readonly keys: readonly string[]
  readonly plain?: boolean
}

/** Batches whose statements are answered when the test says so. */
function open(maxTasks = 100) {
  const statements: Array<{ names: string[]; end: PromiseWithResolvers<void> }> = []
  const batches = new Batches<Task, string>({
    maxTasks,
    keysOf: task => task.keys,
    mayShare: task => task.plain === true,
    async run(tasks) {
      const end = Promise.withResolvers<void>()
      statements.push({ names: tasks.map(({ name }) => name), end })
      await end.promise
      return tasks.map(({ name }) => `did ${name}`)
    },
  })
  const names = () => statements.map(statement => statement.names)
  const add = (name: string, keys: readonly string[] = [name], plain = false) =>
    batches.add({ name, keys, plain })
  return { batches, statements, names, add }
}

/** Until everything that is ready has started. */
async function turn() {
  for (let count = 0; count < 3; count += 1) await new Promise(setImmediate)
}

t.test('what comes in one turn is one batch, what comes meanwhile the next', async t => {
  const { statements, names, add, batches } = open()
  const a = add('a')
  await Promise.resolve()
  const b = add('b')
  await turn()
  const c = add('c')
  const d = add('d')
  await turn()
  t.same(names(), [['a', 'b']], 'one at a time')
  statements[0]?.end.resolve()
  t.same(await Promise.all([a, b]), ['did a', 'did b'])
  await turn()
  t.same(names()[1], ['c', 'd'])
  let isIdle = false
  const idle = batches.idle().then(() => (isIdle = true))
  await turn()
  t.notOk(isIdle)
  statements[1]?.end.resolve()
  await Promise.all([c, d, idle])
  await batches.idle()
})

t.test('tasks with a key in common are done in the order they came', async t => {
  const { statements, names, add } = open()
  const added = [
    add('a1', ['a']),
    add('ab', ['a', 'b']),
    add('b1', ['b']),
    add('c1', ['c']),
  ]
  for (let index = 0; index < 3; index += 1) {
    await turn()
    statements[index]?.end.resolve()
  }
  t.same(await Promise.all(added), ['did a1', 'did ab', 'did b1', 'did c1'])
  t.same(names(), [['a1', 'c1'], ['ab'], ['b1']])
})

t.test('tasks that may share keys do so with each other only', async t => {
  const { statements, names, add } = open()
  const added = [
    add('set 1', ['a'], true),
    add('set 2', ['a'], true),
    add('if', ['a']),
    add('set 3', ['a'], true),
    add('set 4', ['b'], true),
  ]
  for (let index = 0; index < 3; index += 1) {
    await turn()
    statements[index]?.end.resolve()
  }
  await Promise.all(added)
  t.same(names(), [['set 1', 'set 2', 'set 4'], ['if'], ['set 3']])
})

t.test('a batch that fails fails each of its tasks, and no other', async t => {
  const { statements, names, add } = open(2)
  const added = Promise.allSettled([add('a'), add('b'), add('c')])
  await turn()
  statements[0]?.end.reject(new Error('no'))
  await turn()
  statements[1]?.end.resolve()
  t.same(names(), [['a', 'b'], ['c']], 'no more than maxTasks')
  t.same(
    (await added).map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  )
})

t.test('a task that the batch fails for fails alone', async t => {
  const batches: string[][] = []
  const given = new Batches<string, string>({
    maxTasks: 100,
    isOneTasks: error => error instanceof RangeError,
    async run(tasks) {
      batches.push([...tasks])
      if (tasks.includes('bad')) throw new RangeError('bad')
      if (tasks.includes('cut')) throw new Error('cut')
      return tasks.map(task => `${task}!`)
    },
  })
  const names = ['a', 'b', 'bad', 'c', 'd', 'e']
  const added = names.map(name => given.add(name).catch((error: Error) => error.message))
  t.same(await Promise.all(added), ['a!', 'b!', 'bad', 'c!', 'd!', 'e!'])
  t.same(batches, [names, ['a', 'b', 'bad'], ['a', 'b'], ['bad'], ['c', 'd', 'e']])
  batches.length = 0
  await Promise.allSettled(['a', 'cut'].map(name => given.add(name)))
  t.same(batches, [['a', 'cut']], 'what may have been carried out is not tried again')
})

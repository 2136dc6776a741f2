import { randomFillSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { DiskFile, type Survival } from './disk-file.ts'
import type { Random } from '../../support/seeded-random.ts'
import { type Call, type Moment, succeeded } from './record.ts'

class Folder {
  /** What a power cut leaves in it. */
  readonly entries = new Map<string, Node>()
}

type Node = DiskFile | Folder

/** Names that a call changes, in one go. */
interface Renaming {
  readonly folder: Folder
  readonly changes: ReadonlyArray<
    readonly [folder: Folder, name: string, node: Node | undefined]
  >
}

/**
 * A disk, and the memory of the operating system in front of it: what of a recording would still
 * be there if the power were cut now.
 *
 * The model is what POSIX promises and no more, so that whatever survives here survives on ext4,
 * XFS and btrfs, which all promise more:
 *
 * - An fsync of a file makes its content and its length durable, and nothing else. The name it has
 *   in its folder is not part of it (ext4 and others do write that along).
 * - Names (made, linked, renamed, removed) are durable after an fsync of the folder. Until then
 *   each is there or not, independently of every other and of every file's content.
 * - Content since the last fsync is written when the system likes and in any order: each page of
 *   4096 bytes is, independently of every other, as any of the writes since has left it. A page
 *   may be torn: then that goes for each of its sectors of 512 bytes. A sector is written whole.
 * - The length of a file is any it has had since its last fsync, whatever became of the content;
 *   what was not written reads as zeroes. A truncation may also have got no further than a part.
 * - A -shm file, which SQLite never syncs and changes in memory, holds noise.
 *
 * Modes of files are as they were made: the SDK makes them with the mode they keep.
 */
export class Disk {
  readonly #nodes = new Map<number, Node>()
  readonly #root = new Folder()
  #renamings: Renaming[] = []
  /** For each sync that has begun: what was done before, and so is durable when it ends. */
  readonly #syncing = new Map<Call, () => void>()

  constructor(rootInode: number) {
    this.#nodes.set(rootInode, this.#root)
  }

  /** Moves on in the recording. */
  apply({ at, call }: Moment): void {
    if (!succeeded(call)) return
    if (call.kind === 'sync') this.#sync(at, call, call.inode)
    else if (at === 'begin') this.#change(call)
    else if (call.kind === 'write' || call.kind === 'truncate')
      this.#file(call.inode).done(call)
  }

  #change(call: Call): void {
    switch (call.kind) {
      case 'write':
      case 'truncate':
        return this.#file(call.inode).change(call)
      case 'create':
        // Also where the number is known: the system gives it away again.
        this.#nodes.set(call.inode, new DiskFile())
        return this.#rename(call.folder, [[call.folder, call.name, call.inode]])
      case 'mkdir':
        this.#nodes.set(call.inode, new Folder())
        return this.#rename(call.folder, [[call.folder, call.name, call.inode]])
      case 'link':
        return this.#rename(call.folder, [[call.folder, call.name, call.inode]])
      case 'unlink':
        return this.#rename(call.folder, [[call.folder, call.name]])
      case 'rename':
        return this.#rename(call.folder, [
          call.from,
          [call.folder, call.name, call.inode],
        ])
    }
  }

  #rename(
    folder: number,
    changes: ReadonlyArray<readonly [folder: number, name: string, inode?: number]>,
  ): void {
    this.#renamings.push({
      folder: this.#folder(folder),
      changes: changes.map(([inside, name, inode]) => {
        const node = inode === undefined ? undefined : this.#node(inode)
        return [this.#folder(inside), name, node]
      }),
    })
  }

  #sync(at: Moment['at'], call: Call, inode: number): void {
    if (at === 'end') return this.#syncing.get(call)?.()
    const node = this.#node(inode)
    if (node instanceof DiskFile) {
      this.#syncing.set(call, node.sync())
      return
    }
    const covered = new Set(this.#renamings.filter(({ folder }) => folder === node))
    this.#syncing.set(call, () => {
      for (const { changes } of covered)
        for (const [folder, name, target] of changes)
          setEntry(folder.entries, name, target)
      this.#renamings = this.#renamings.filter(renaming => !covered.has(renaming))
    })
  }

  #node(inode: number): Node {
    const node = this.#nodes.get(inode)
    if (node === undefined) throw new Error(`The record never made inode ${inode}`)
    return node
  }

  #file(inode: number): DiskFile {
    const node = this.#node(inode)
    if (node instanceof DiskFile) return node
    throw new Error(`Inode ${inode} is a folder`)
  }

  #folder(inode: number): Folder {
    const node = this.#node(inode)
    if (node instanceof Folder) return node
    throw new Error(`Inode ${inode} is no folder`)
  }

  /** Writes to `target` what a power cut could leave. */
  rebuild(target: string, survival: Survival, random: Random): void {
    const names = new Map<Folder, Map<string, Node>>()
    const entriesOf = (folder: Folder) => {
      const known = names.get(folder) ?? new Map(folder.entries)
      names.set(folder, known)
      return known
    }
    for (const { changes } of this.#renamings) {
      if (
        survival === 'nothing' ||
        survival === 'shorter' ||
        (survival === 'something' && random() < 0.5)
      )
        continue
      for (const [folder, name, node] of changes) setEntry(entriesOf(folder), name, node)
    }
    // A file may have two names.
    const contents = new Map<DiskFile, Buffer>()
    const write = (folder: Folder, path: string) => {
      mkdirSync(path, { recursive: true })
      for (const [name, node] of entriesOf(folder)) {
        const inside = join(path, name)
        if (node instanceof Folder) {
          write(node, inside)
          continue
        }
        const content = contents.get(node) ?? node.content(survival, random)
        contents.set(node, content)
        if (name.endsWith('-shm')) randomFillSync(content)
        writeFileSync(inside, content, { mode: 0o600 })
      }
    }
    write(this.#root, target)
  }
}

function setEntry(
  entries: Map<string, Node>,
  name: string,
  node: Node | undefined,
): void {
  if (node === undefined) entries.delete(name)
  else entries.set(name, node)
}

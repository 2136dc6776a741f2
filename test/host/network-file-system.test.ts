import { mkdirSync, statfsSync, symlinkSync } from 'node:fs'
import { platform } from 'node:os'
import { join } from 'node:path'

import t from 'tap'

import {
  mountOf,
  nameOfNetworkType,
  networkFileSystemOf,
  parseMounts,
  readMounts,
} from '../../lib/host/network-file-system.ts'

const EXT4 = 0xef53
const NINE_P = 0x01021997
const FUSE = 0x65735546

t.test(
  '9.A27: file systems on a network are told from local ones by their type',
  async t => {
    const network: ReadonlyArray<readonly [number, string]> = [
      [0x6969, 'NFS'],
      [0xff534d42, 'CIFS'],
      // As a C long of 32 bits has it.
      [0xff534d42 - 2 ** 32, 'CIFS'],
      [0xfe534d42, 'SMB'],
      [0x517b, 'SMB'],
      [0x5346414f, 'AFS'],
      [0x6b414653, 'AFS'],
      [0x73757245, 'Coda'],
      [0x564c, 'NCP'],
      [0x00c36400, 'Ceph'],
      [0x0bd00bd0, 'Lustre'],
      [0x47504653, 'GPFS'],
      [0x19830326, 'BeeGFS'],
      [0x20030528, 'OrangeFS'],
      [0x786f4256, 'VirtualBox shared folder'],
      [0xbacbacbc, 'VMware shared folder'],
      [NINE_P, '9p'],
    ]
    for (const [folder, name] of network)
      t.equal(
        nameOfNetworkType({ folder, root: EXT4 }, () => undefined),
        name,
      )
    const local = {
      ext4: EXT4,
      xfs: 0x58465342,
      btrfs: 0x9123683e,
      zfs: 0x2fc12fc1,
      f2fs: 0xf2f52010,
      bcachefs: 0xca451a4e,
      tmpfs: 0x01021994,
      ramfs: 0x858458f6,
      overlayfs: 0x794c7630,
      ecryptfs: 0xf15f,
      vfat: 0x4d44,
      ntfs3: 0x7366746e,
      squashfs: 0x73717368,
    }
    for (const [name, folder] of Object.entries(local))
      t.equal(
        nameOfNetworkType({ folder, root: EXT4 }, () => undefined),
        undefined,
        name,
      )
  },
)

t.test('9.A27: a sandbox in which everything is 9p is let be', async t => {
  t.equal(
    nameOfNetworkType({ folder: NINE_P, root: NINE_P }, () => undefined),
    undefined,
  )
  t.equal(
    nameOfNetworkType({ folder: 0x6969, root: 0x6969 }, () => undefined),
    'NFS',
  )
})

t.test('9.A27: of what FUSE carries, only what is on a network is refused', async t => {
  const table: ReadonlyArray<readonly [string, string, string | undefined]> = [
    ['fuse.sshfs', 'me@there:/data', 'sshfs'],
    ['fuse.glusterfs', 'host:/volume', 'glusterfs'],
    ['fuse.rclone', 'remote:', 'rclone'],
    ['fuse.s3fs', 's3fs', 's3fs'],
    ['fuse', 'mountpoint-s3', 'mountpoint-s3'],
    ['fuse', 'https://dav.example.org/', 'https://dav.example.org/'],
    ['fuse.vmhgfs-fuse', '.host:/', 'vmhgfs-fuse'],
    ['fuseblk', '/dev/sds3', undefined],
    ['fuse.mergerfs', 'a:b', undefined],
    ['fuse.fuse-overlayfs', 'fuse-overlayfs', undefined],
    ['fuse.gocryptfs', '/sshfs', undefined],
    ['virtiofs', 'nfs', undefined],
  ]
  for (const [type, source, name] of table) {
    const mount = { point: '/data', type, source }
    t.equal(
      nameOfNetworkType({ folder: FUSE, root: EXT4 }, () => mount),
      name,
      type,
    )
  }
  t.equal(
    nameOfNetworkType({ folder: FUSE, root: EXT4 }, () => undefined),
    undefined,
  )
})

t.test(
  '9.A27: the mount of a path is the longest and the last of those above it',
  async t => {
    const mounts = parseMounts(
      [
        '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
        String.raw`40 22 0:30 / /srv/with\040blank rw,relatime shared:1 master:2 - fuse.sshfs me@there:/a\040b rw`,
        '41 22 0:31 / /srv rw - nfs4 there:/srv rw',
        '42 22 0:32 /erasure.db /data/erasure.db rw - ext4 /dev/vda rw',
        '43 41 0:33 / /srv rw - ext4 /dev/vdb rw',
        'not a line of it',
        '',
      ].join('\n'),
    )
    t.equal(mounts.length, 5)
    t.equal(mountOf('/srv/with blank/x', mounts)?.type, 'fuse.sshfs')
    t.equal(mountOf('/srv/with blank/x', mounts)?.source, 'me@there:/a b')
    t.equal(mountOf('/srv', mounts)?.source, '/dev/vdb')
    t.equal(mountOf('/srv2/x', mounts)?.point, '/')
    t.equal(mountOf('/data/erasure.db', mounts)?.point, '/data/erasure.db')
    t.equal(mountOf('/x', [])?.point, undefined)
  },
)

t.test('9.A27: this machine says what it has', async t => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'real'))
  symlinkSync('real', join(folder, 'link'))
  const { type } = statfsSync(folder)
  t.ok(Number.isInteger(type))
  t.equal(
    networkFileSystemOf(join(folder, 'link')),
    undefined,
    `type ${type.toString(16)}`,
  )
  if (platform() === 'linux') t.ok(readMounts().some(({ point }) => point === '/'))
})

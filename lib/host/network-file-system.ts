import { readFileSync, realpathSync, statfsSync } from 'node:fs'
import { platform } from 'node:os'

/** @see https://man7.org/linux/man-pages/man2/statfs.2.html and linux/magic.h */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x00_00_69_69, 'NFS'],
  [0xff_53_4d_42, 'CIFS'],
  [0xfe_53_4d_42, 'SMB'],
  [0x00_00_51_7b, 'SMB'],
  [0x53_46_41_4f, 'AFS'],
  [0x6b_41_46_53, 'AFS'],
  [0x73_75_72_45, 'Coda'],
  [0x00_00_56_4c, 'NCP'],
  [0x00_c3_64_00, 'Ceph'],
  [0x0b_d0_0b_d0, 'Lustre'],
  [0x47_50_46_53, 'GPFS'],
  [0x19_83_03_26, 'BeeGFS'],
  [0x20_03_05_28, 'OrangeFS'],
  [0x78_6f_42_56, 'VirtualBox shared folder'],
  [0xba_cb_ac_bc, 'VMware shared folder'],
])
const NINE_P = 0x01_02_19_97
const FUSE = 0x65_73_55_46
/** The network file systems among the many that FUSE carries. */
const NETWORK_FUSE =
  /^(?:sshfs|s3fs|mount-?s3|mountpoint-s3|goofys|rclone|gcsfuse|blobfuse|gluster|ceph|davfs|https?:|curlftpfs|juicefs|mfs|moosefs|lizardfs|seaweedfs|weed|vmhgfs|smbnetfs|fuse-nfs|hdfs)/i

/** A file system that is mounted somewhere. */
export interface Mount {
  /** Where, as an absolute path. */
  readonly point: string
  /** `ext4`, `fuse.sshfs`, … */
  readonly type: string
  /** What is mounted there, in the words of the file system. */
  readonly source: string
}

/**
 * The name of the network file system that a folder is on, if it is on one. Linux only: other systems
 * do not tell.
 */
export function networkFileSystemOf(folder: string): string | undefined {
  if (platform() !== 'linux') return undefined
  const types = { folder: statfsSync(folder).type, root: statfsSync('/').type }
  return nameOfNetworkType(types, () => mountOf(realpathSync(folder), readMounts()))
}

/**
 * The name of a network file system, from the type that `statfs` returns.
 *
 * @param types - of the folder, and of `/`: a sandbox such as gVisor shows 9p for everything
 * @param mounted - finds the mount: FUSE is one type for many file systems
 */
export function nameOfNetworkType(
  types: { readonly folder: number; readonly root: number },
  mounted: () => Mount | undefined,
): string | undefined {
  // A C long: of 32 bits, and with a sign, on some machines.
  const type = types.folder >>> 0
  if (type === NINE_P) return types.root >>> 0 === NINE_P ? undefined : '9p'
  if (type !== FUSE) return NETWORK_TYPES.get(type)
  const name = fuseName(mounted())
  return NETWORK_FUSE.test(name) ? name : undefined
}

/** The type says it, or, if that is just `fuse`, the source. */
function fuseName({ type, source }: Partial<Mount> = {}): string {
  return type === 'fuse' ? (source ?? '') : (/^fuse\.(.*)/.exec(type ?? '')?.[1] ?? '')
}

/** The mount that a path is on. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const isAbove = ({ point }: Mount) =>
    path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`)
  // Of two mounts on one point the later one is on top.
  return mounts
    .filter(isAbove)
    .toSorted((one, other) => one.point.length - other.point.length)
    .at(-1)
}

/** What is mounted where; nothing where the system does not say. */
export function readMounts(): Mount[] {
  try {
    return parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
  } catch {
    return []
  }
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html */
export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap(line => {
    const [before = '', after] = line.split(' - ')
    const point = before.split(' ')[4]
    if (point === undefined || after === undefined) return []
    const [type = '', source = ''] = after.split(' ')
    return [{ point: unescape(point), type, source: unescape(source) }]
  })
}

/** Blanks are written as `\040`. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCodePoint(Number.parseInt(octal, 8)),
  )
}

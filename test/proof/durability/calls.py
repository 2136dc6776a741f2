"""What a system call of the watched program means: read out of its memory and of /proc."""

import base64
import ctypes
import os
import re
import struct

# The same calls have other numbers on other machines; the newer ones have dropped some.
NUMBERS = {
    "x86_64": {
        "read": 0, "write": 1, "open": 2, "pwrite64": 18, "writev": 20, "sendto": 44,
        "sendmsg": 46, "fsync": 74, "fdatasync": 75, "ftruncate": 77, "rename": 82,
        "mkdir": 83, "link": 86, "unlink": 87, "openat": 257, "mkdirat": 258,
        "unlinkat": 263, "renameat": 264, "linkat": 265, "pwritev": 296, "renameat2": 316,
    },
    "aarch64": {
        "read": 63, "write": 64, "pwrite64": 68, "writev": 66, "sendto": 206, "sendmsg": 211,
        "fsync": 82, "fdatasync": 83, "ftruncate": 46, "openat": 56, "mkdirat": 34,
        "unlinkat": 35, "renameat": 38, "linkat": 37, "pwritev": 70, "renameat2": 276,
    },
}

AT_FDCWD = -100


class Watcher:
    """Tells the calls that concern the folder, the log file or a socket from all others."""

    def __init__(self, pid, root, log):
        self.pid = pid
        self.root = os.path.realpath(root)
        self.log = os.path.realpath(log) if log else None
        self.memory = None

    def see(self, name, arguments):
        """The call as it is recorded, without its outcome, or None if it is nothing to us."""
        call = getattr(self, "see_" + name)(*arguments[:5])
        return call and {**call, "call": name}

    def outcome(self, call, result):
        """What is known of a call only when it has ended."""
        end = {"result": result}
        if call["kind"] == "receive" and result > 0:
            end["data"] = encode(self.peek(call["buffer"], result))
        if call["kind"] in ("create", "mkdir") and result >= 0:
            end["inode"] = os.lstat(os.path.join(self.root, call["path"])).st_ino
        return end

    # Reading.

    def peek(self, address, length):
        if self.memory is None:
            self.memory = os.open(f"/proc/{self.pid}/mem", os.O_RDONLY)
        return os.pread(self.memory, length, address)

    def peek_vector(self, address, count):
        pairs = struct.unpack(f"{2 * count}Q", self.peek(address, 16 * count))
        return b"".join(self.peek(at, size) for at, size in zip(pairs[::2], pairs[1::2]))

    def peek_path(self, directory, address):
        text = self.peek(address, 4096 - address % 4096)
        if b"\0" not in text:
            text += self.peek(address + len(text), 4096)
        path = os.fsdecode(text[: text.index(b"\0")])
        if not os.path.isabs(path):
            base = "cwd" if fd_of(directory) == AT_FDCWD else f"fd/{fd_of(directory)}"
            path = os.path.join(os.readlink(f"/proc/{self.pid}/{base}"), path)
        return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))

    def target(self, fd):
        try:
            return os.readlink(f"/proc/{self.pid}/fd/{fd_of(fd)}")
        except OSError:
            return ""

    def position(self, fd):
        with open(f"/proc/{self.pid}/fdinfo/{fd_of(fd)}") as file:
            info = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        if int(info["flags"], 8) & os.O_APPEND:
            return os.stat(f"/proc/{self.pid}/fd/{fd_of(fd)}").st_size
        return int(info["pos"])

    # Kinds of calls.

    def is_inside(self, path):
        return path == self.root or path.startswith(self.root + "/")

    def relative(self, path):
        return os.path.relpath(path.removesuffix(" (deleted)"), self.root)

    def about_name(self, kind, path):
        folder, name = os.path.split(path)
        if not self.is_inside(folder):
            return None
        inode = os.stat(folder).st_ino
        return {"kind": kind, "path": self.relative(path), "folder": inode, "name": name}

    def about_content(self, kind, fd):
        path = self.target(fd)
        if not self.is_inside(path):
            return None
        inode = os.stat(f"/proc/{self.pid}/fd/{fd_of(fd)}").st_ino
        return {"kind": kind, "path": self.relative(path), "inode": inode}

    def written(self, fd, read, offset=None):
        path = self.target(fd)
        if path.startswith("socket:"):
            data = read()
            kind = "answer" if re.match(rb"HTTP/1\.1 200 ", data) else "say"
            return {"kind": kind, "fd": fd_of(fd), "data": encode(data)}
        if path == self.log:
            return {"kind": "log", "data": encode(read())}
        call = self.about_content("write", fd)
        if call is not None:
            call["offset"] = self.position(fd) if offset is None else offset
            call["data"] = encode(read())
        return call

    # One method for each call.

    def see_read(self, fd, buffer, *_):
        if not self.target(fd).startswith("socket:"):
            return None
        return {"kind": "receive", "fd": fd_of(fd), "buffer": buffer, "data": ""}

    def see_write(self, fd, buffer, size, *_):
        return self.written(fd, lambda: self.peek(buffer, size))

    see_sendto = see_write

    def see_writev(self, fd, vector, count, *_):
        return self.written(fd, lambda: self.peek_vector(vector, count))

    def see_sendmsg(self, fd, message, *_):
        vector, count = struct.unpack("QQ", self.peek(message + 16, 16))
        return self.written(fd, lambda: self.peek_vector(vector, count))

    def see_pwrite64(self, fd, buffer, size, offset, *_):
        return self.written(fd, lambda: self.peek(buffer, size), offset)

    def see_pwritev(self, fd, vector, count, offset, *_):
        return self.written(fd, lambda: self.peek_vector(vector, count), offset)

    def see_fsync(self, fd, *_):
        return self.about_content("sync", fd)

    see_fdatasync = see_fsync

    def see_ftruncate(self, fd, size, *_):
        call = self.about_content("truncate", fd)
        return call and {**call, "size": size}

    def see_open(self, path, flags, *_):
        return self.see_openat(AT_FDCWD, path, flags)

    def see_openat(self, directory, address, flags, *_):
        if not flags & (os.O_CREAT | os.O_TRUNC):
            return None
        path = self.peek_path(directory, address)
        if not os.path.lexists(path):
            return self.about_name("create", path) if flags & os.O_CREAT else None
        if not flags & os.O_TRUNC or flags & os.O_EXCL or not self.is_inside(path):
            return None
        inode = os.stat(path).st_ino
        return {"kind": "truncate", "path": self.relative(path), "inode": inode, "size": 0}

    def see_mkdir(self, path, *_):
        return self.see_mkdirat(AT_FDCWD, path)

    def see_mkdirat(self, directory, path, *_):
        return self.about_name("mkdir", self.peek_path(directory, path))

    def see_unlink(self, path, *_):
        return self.see_unlinkat(AT_FDCWD, path)

    def see_unlinkat(self, directory, path, *_):
        return self.about_name("unlink", self.peek_path(directory, path))

    def see_link(self, source, path, *_):
        return self.see_linkat(AT_FDCWD, source, AT_FDCWD, path)

    def see_linkat(self, source_directory, source, directory, path, *_):
        call = self.about_name("link", self.peek_path(directory, path))
        if call is not None:
            call["inode"] = os.lstat(self.peek_path(source_directory, source)).st_ino
        return call

    def see_rename(self, source, path, *_):
        return self.see_renameat(AT_FDCWD, source, AT_FDCWD, path)

    def see_renameat(self, source_directory, source, directory, path, *_):
        call = self.about_name("rename", self.peek_path(directory, path))
        if call is not None:
            source_path = self.peek_path(source_directory, source)
            origin = self.about_name("unlink", source_path)
            call["inode"] = os.lstat(source_path).st_ino
            call["from"] = [origin["folder"], origin["name"]]
        return call

    see_renameat2 = see_renameat


def fd_of(value):
    """A file descriptor is 32 bits of a register."""
    return ctypes.c_int(value & 0xFFFFFFFF).value


def encode(data):
    return base64.b64encode(data).decode()

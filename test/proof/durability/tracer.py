"""Runs a program, records what it does to a folder, and can kill it at any step of that.

    tracer.py --root FOLDER --record FILE [--log FILE] [--kill N --when before|after] -- COMMAND...

A boundary is a system call that changes something under --root or has it synced, or the write of
an HTTP 200 to a socket. Boundaries are numbered from 1. With --kill the program gets a SIGKILL just
before the kernel carries out the N-th, or just after it has. Every boundary is recorded with its
data, when it begins and when it has ended, and so are what sockets receive and writes to the file
--log. SIGTERM has the program killed and the record finished. Exits as the program does, with 98
if it was killed, or with 97 if tracing is not permitted.

A tracer of our own, because strace may not be installed and cannot kill after a call, and because
python-ptrace stops at each of the 5,000 system calls with which Node starts: that took 11 seconds.
Here a seccomp filter has the kernel stop the program at the calls that matter only, and a start
takes a tenth of a second more than alone. Every thread is followed. PTRACE_GET_SYSCALL_INFO (Linux
5.3) hands out arguments and results in one form on every machine, so no register is named here.
"""

import argparse
import ctypes
import json
import os
import platform
import signal
import struct
import sys

from calls import NUMBERS, Watcher

NOT_PERMITTED, KILLED = 97, 98

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
TRACEME, CONT, SYSCALL, SETOPTIONS, SYSCALL_INFO = 0, 7, 24, 0x4200, 0x420E
SYSGOOD, FORK, VFORK, CLONE, EXEC, SECCOMP, EXITKILL = 1, 2, 4, 8, 16, 128, 1 << 20
EVENT_SECCOMP = 7
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2
RET_TRACE, RET_ALLOW = 0x7FF00000, 0x7FFF0000
ALL_THREADS = 0x40000000
INFO_BYTES, INFO_VALUES = 88, 24
ESRCH = 3

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class NotPermitted(Exception):
    pass


def ptrace(request, tid, address=0, data=0):
    """Answers False if the thread has died meanwhile."""
    if libc.ptrace(request, tid, address, data) >= 0:
        return True
    if ctypes.get_errno() == ESRCH:
        return False
    raise NotPermitted(f"ptrace: {os.strerror(ctypes.get_errno())}")


def prctl(*arguments):
    if libc.prctl(*arguments) != 0:
        raise NotPermitted(f"seccomp: {os.strerror(ctypes.get_errno())}")


def seccomp_filter(machine):
    """A program for the kernel: stop at our calls, allow every other."""

    def step(code, value, if_true=0, if_false=0):
        return struct.pack("HBBI", code, if_true, if_false, value)

    load, equal, answer = 0x20, 0x15, 0x06
    numbers = list(NUMBERS[machine].values())
    steps = [
        step(load, 4),
        step(equal, AUDIT_ARCH[machine], 0, len(numbers) + 1),
        step(load, 0),
        *(step(equal, number, len(numbers) - at) for at, number in enumerate(numbers)),
        step(answer, RET_ALLOW),
        step(answer, RET_TRACE),
    ]
    return b"".join(steps), len(steps)


def become(command, machine):
    """In the child: asks to be traced, and becomes the program."""
    try:
        ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        code, length = seccomp_filter(machine)
        steps = ctypes.create_string_buffer(code, len(code))
        header = struct.pack("HxxxxxxQ", length, ctypes.addressof(steps))
        program = ctypes.create_string_buffer(header, len(header))
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        prctl(PR_SET_SECCOMP, MODE_FILTER, program, 0, 0)
        os.execvp(command[0], command)
    except BaseException as error:
        print(f"tracer.py: {error}", file=sys.stderr, flush=True)
        os._exit(NOT_PERMITTED)


class Tracer:
    def __init__(self, kill_at, when):
        self.kill_at, self.when = kill_at, when
        self.lines, self.running = [], {}
        self.boundaries, self.killed, self.pid = 0, False, None
        self.info = ctypes.create_string_buffer(INFO_BYTES)

    def run(self, options, machine):
        self.names = {number: name for name, number in NUMBERS[machine].items()}
        self.pid = os.fork()
        if self.pid == 0:
            become(options.command, machine)
        self.watcher = Watcher(self.pid, options.root, options.log)
        _, status = os.waitpid(self.pid, ALL_THREADS)
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status)
        events = SYSGOOD | FORK | VFORK | CLONE | EXEC | SECCOMP | EXITKILL
        ptrace(SETOPTIONS, self.pid, 0, events)
        ptrace(CONT, self.pid)
        while True:
            tid, status = os.waitpid(-1, ALL_THREADS)
            if os.WIFSTOPPED(status):
                self.on_stop(tid, status)
            elif tid == self.pid:
                return os.WEXITSTATUS(status) if os.WIFEXITED(status) else KILLED

    def on_stop(self, tid, status):
        sent, event = os.WSTOPSIG(status), status >> 16
        if event == EVENT_SECCOMP:
            ptrace(SYSCALL if self.on_begin(tid) else CONT, tid)
        elif sent == signal.SIGTRAP | 0x80:
            self.on_end(tid)
            ptrace(CONT, tid)
        elif event or sent in (signal.SIGSTOP, signal.SIGTRAP):
            ptrace(CONT, tid)  # a new thread, or a new program
        else:
            ptrace(CONT, tid, 0, sent)

    def read_info(self, tid):
        return ptrace(SYSCALL_INFO, tid, INFO_BYTES, ctypes.addressof(self.info))

    def on_begin(self, tid):
        """Answers whether to stop at the end of the call, too."""
        if self.killed or not self.read_info(tid):
            return False
        number, *arguments = struct.unpack_from("7Q", self.info, INFO_VALUES)
        call = self.watcher.see(self.names[number], arguments)
        if call is None:
            return False
        if call["kind"] not in ("receive", "log", "say"):
            self.boundaries += 1
            call["boundary"] = self.boundaries
            if self.boundaries == self.kill_at and self.when == "before":
                self.kill()
                return False
        self.running[tid] = (len(self.lines), call)
        self.lines.append({"begin": call})
        return True

    def on_end(self, tid):
        line, call = self.running.pop(tid, (0, None))
        if call is None or not self.read_info(tid):
            return
        (result,) = struct.unpack_from("q", self.info, INFO_VALUES)
        self.lines.append({"end": line, **self.watcher.outcome(call, result)})
        if call.get("boundary") == self.kill_at and self.when == "after":
            self.kill()

    def kill(self, *_):
        self.killed = True
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--record", required=True)
    parser.add_argument("--log")
    parser.add_argument("--kill", type=int)
    parser.add_argument("--when", choices=["before", "after"], default="before")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    machine = platform.machine()
    if machine not in NUMBERS:
        sys.exit(f"tracer.py: the system calls of {machine} are not known")
    tracer = Tracer(options.kill, options.when)
    signal.signal(signal.SIGTERM, tracer.kill)
    try:
        code = tracer.run(options, machine)
    except NotPermitted as error:
        print(f"tracer.py: {error}", file=sys.stderr)
        code = NOT_PERMITTED
    with open(options.record, "w") as file:
        for line in tracer.lines:
            file.write(json.dumps(line) + "\n")
    sys.exit(code)


main()

"""Time and memory of processes, from outside."""

import fcntl
import os
import subprocess
import time
from pathlib import Path

# Memory is looked at this often.
INTERVAL = 0.02


def anonymous(pid):
    """Anonymous memory of a process and its children, in bytes; 0 once it is gone."""
    total = 0
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                total += int(line.split()[1]) * 1024
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            total += anonymous(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return total


def in_a_child(work):
    """Runs `work` in a process of its own: the time that it takes, and the most memory that it was seen to hold."""
    started = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
        os._exit(status)
    most = 0
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            break
        most = max(most, anonymous(pid))
        time.sleep(INTERVAL)
    if status != 0:
        raise SystemExit("loading failed")
    return {"seconds": time.perf_counter() - started, "anonymous": most}


def new_process(command):
    """Wall time of a command, from before it is started to its end; then, of a second run, the anonymous memory that it
    holds when it has its answer: it is kept from writing it by a pipe that is full."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    reading, writing = os.pipe()
    room = fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writing, bytes(room))
    process = subprocess.Popen(command, stdout=writing, stderr=subprocess.DEVNULL)
    held = 0
    # It has come to its answer once it sleeps and has not used the processor for a while.
    used, still = None, 0
    while process.poll() is None and still < 3:
        time.sleep(INTERVAL)
        now = processor_time(process.pid)
        still, used = (still + 1, used) if now == used else (0, now)
        held = max(held, anonymous(process.pid))
    os.close(writing)
    os.close(reading)
    process.wait()
    return {"seconds": seconds, "anonymous": held}


def processor_time(pid):
    """Ticks that a process has used; `None` while it runs or once it is gone."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return (after_name[11], after_name[12]) if after_name[0] == "S" else None

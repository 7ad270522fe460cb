"""What a request costs a server, counted rather than timed: calls to the system, allocations, instructions."""

import os
import shutil
import struct
import tempfile

import servers

# As in bench/count/calls.cpp.
CALLS = ("receives", "sends", "writes", "polls", "poll_changes", "locks", "allocations")
INSTRUCTIONS = "instructions"


def can_count_instructions():
    return shutil.which("valgrind") is not None


def _calls(contender, **load):
    """What a server called in all, from its start to its end, for one load."""
    with tempfile.TemporaryDirectory() as folder:
        counts = os.path.join(folder, "calls")
        variables = {"LD_PRELOAD": servers.program("restante-calls.so"), "RESTANTE_CALLS": counts}
        with servers.Server(contender, variables=variables) as server:
            server.load(**load)
        with open(counts, "rb") as file:
            return dict(zip(CALLS, struct.unpack(f"={len(CALLS)}Q", file.read())))


def _instructions(contender, **load):
    """The instructions in user space that callgrind counted, from start to end."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        under = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log}"]
        with servers.Server(contender, under=under) as server:
            server.load(**load)
        with open(log, encoding="utf-8") as file:
            for line in file:
                if "Collected :" in line:
                    return {INSTRUCTIONS: int(line.split()[-1])}
    servers.fail(f"callgrind counted nothing of {contender.name}")


def _per_request(count, contender, requests, **load):
    """The difference between a long load and a short one, by request: what starting and ending takes is not in it."""
    # Nothing is timed, and on a busy machine this gets on sooner where it may run anywhere.
    contender = contender._replace(is_pinned=False)
    short = count(contender, requests=requests, **load)
    long = count(contender, requests=3 * requests, **load)
    # What depends on chance, as the number of polls does, can be a little less for the long one.
    return {name: max(long[name] - short[name], 0) / (2 * requests) for name in short}


def calls_per_request(contender, requests=100_000, **load):
    return _per_request(_calls, contender, requests, **load)


def instructions_per_request(contender, requests=20_000, **load):
    return _per_request(_instructions, contender, requests, **load)[INSTRUCTIONS]

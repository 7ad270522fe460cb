"""What the scripts that measure servers share: the servers that there are, and running one of them under load."""

import collections
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("RESTANTE_BIN", ROOT / "build" / "release" / "bin"))
# Debian's packages for Python belong to Debian's Python.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"

# The server and the load have a processor each, where there are two.
SERVER_PROCESSOR = 0
LOAD_PROCESSOR = 1

# How long a program may take to end after it was asked to, in seconds.
ENDING_MAX = 60


def fail(text):
    sys.exit(f"{sys.argv[0]}: {text}")


def program(name):
    """The path of one of our programs."""
    path = BIN / name
    if not path.exists():
        fail(f"there is no {path}; build it with: cmake --preset release && cmake --build --preset release")
    return str(path)


# A server: what to call it, its command, whether it is restante-server, whether it and the load get one processor each,
# and whether it has several threads.
Contender = collections.namedtuple("Contender", "name command is_ours is_pinned has_threads", defaults=[False])


def bare():
    return Contender("bare", [program("restante-bare-server"), "--port", "0"], False, True)


def _server_help():
    command = [program("restante-server"), "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def transports():
    """The transports that restante-server offers, the default first; [None] where there is no choice."""
    offered = re.search(r"--transport\s+\S*\{([^}]*)\}(?:=|\s*\[)?([a-z]*)", _server_help())
    if not offered:
        return [None]
    return sorted(offered[1].split(","), key=lambda name: name != offered[2])


def restante(transport, threads=1):
    """restante-server as it is by default, but for the log, because a terminal may be slow."""
    command = [program("restante-server"), "--port", "0", "--log-level", "off", "--max-connections", "100000"]
    name = "restante-server"
    if transport is not None:
        command += ["--transport", transport]
        name += f", {transport}"
    if threads > 1:
        if "--threads" not in _server_help():
            fail("this restante-server has no --threads")
        command += ["--threads", str(threads)]
        name += f", {threads} threads"
    return Contender(name, command, True, threads == 1, threads > 1)


def ours(threads=1):
    """restante-server with each of its transports, the default first."""
    return [restante(transport, threads) for transport in transports()]


def others():
    """Servers of the same protocol that other people's libraries make; those that are not installed are left out."""
    folder = ROOT / "bench" / "compare"
    found = []
    if subprocess.run([PYTHON, "-c", "import websockets"], capture_output=True, check=False).returncode == 0:
        found.append(Contender("Python websockets", [PYTHON, str(folder / "python_server.py")], False, True))
    else:
        print("Left out: Python websockets; it is Debian's package python3-websockets", file=sys.stderr)
    if shutil.which("node") and (ROOT / "tests" / "e2e" / "node_modules" / "ws").exists():
        found.append(Contender("npm ws", ["node", str(folder / "ws_server.mjs")], False, True))
    else:
        print("Left out: npm ws; it comes with node and: npm ci --prefix tests/e2e", file=sys.stderr)
    return found


def on_processor(number):
    """For what is started next; does nothing where there is one processor only."""

    def pin():
        if (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(0, {number})

    return pin


def allow_descriptors(wanted):
    """For this process and those that it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < wanted:
        fail(f"{wanted} file descriptors are needed, and a process may have {most} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def free_port():
    """For programs that cannot say which they took. Somebody else may be faster, and then they do not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start(command, ready, **options):
    """Starts somebody else's server, and gives it when it has printed what says that it is ready."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    printed = []
    for line in process.stdout:
        printed.append(line)
        if ready in line:
            # Whatever else it prints is nobody's business, and must not fill the pipe.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return process
    fail(f"{command[0]} did not start: {''.join(printed)}")
    return None


class Server:
    """A server that runs until the block ends that it was opened in. `under` is a command that runs it."""

    def __init__(self, contender, under=(), variables=None):
        self.is_pinned = contender.is_pinned
        self.process = subprocess.Popen(
            [*under, *contender.command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **(variables or {})},
            preexec_fn=on_processor(SERVER_PROCESSOR) if self.is_pinned else None,
        )
        # Each prints a line that ends with its port when it is ready.
        line = self.process.stdout.readline()
        port = re.search(r"(\d+)/?\s*$", line)
        if not port:
            self.stop()
            fail(f"{contender.name} did not start: {' '.join(contender.command)}")
        self.port = int(port[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        """Asks it to end, and waits until it has."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(ENDING_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def metrics(self):
        """What restante-server tells at /metrics: sums by name, whatever the labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as response:
            lines = response.read().decode().splitlines()
        sums = collections.Counter()
        for line in lines:
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                sums[name.split("{")[0]] += float(value)
        return sums

    def load(self, **options):
        """Runs restante-bench against it: what it reports. in_flight=32 is --in-flight 32, batch=True is --batch."""
        command = [program("restante-bench"), "--json", "--url", f"ws://127.0.0.1:{self.port}"]
        for name, value in options.items():
            if value is None or value is False:
                continue
            command.append("--" + name.replace("_", "-"))
            if value is not True:
                command.append(str(value))
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=on_processor(LOAD_PROCESSOR) if self.is_pinned else None,
        )
        if result.returncode != 0:
            self.stop()
            fail(result.stderr.strip() + f" (after: {' '.join(command)})")
        return json.loads(result.stdout)


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else f"{os.cpu_count()} × {platform.machine()}"


# Where tables end in a page that has a mark for where they begin.
END_MARK = "<!-- and ends here -->"


def write_into(path, begin_mark, text):
    """Puts the text between the marks that the file has for it."""
    page = path.read_text(encoding="utf-8")
    before, begin, rest = page.partition(begin_mark)
    _, end, after = rest.partition(END_MARK)
    if not end:
        fail(f"{path} has no lines {begin_mark} and {END_MARK}")
    path.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")


def table(rows, markdown=False):
    """Rows of text, the first being the heading, as a table of columns; numbers stand on the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]

    def line(row):
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        return "| " + " | ".join(cells) + " |" if markdown else "  ".join(cells).rstrip()

    lines = [line(row) for row in rows]
    if markdown:
        lines.insert(1, "|" + "|".join("---" if i == 0 else "---:" for i in range(len(widths))) + "|")
    return "\n".join(lines)

"""The memory of a server that many connections are open to."""

import os
import socket
import time

import servers

# How long resident memory has to stay as it is to count as settled, and how long that may take.
SETTLED_SECONDS = 1
SETTLING_MAX_SECONDS = 20
SECONDS_MAX = 30

HANDSHAKE = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n\r\n"
)
# A GET for id 255, masked. Every server answers it, one way or another.
REQUEST = bytes((0x82, 0x83, 0, 0, 0, 0, 1, 0, 255))
REPLY_BYTES = 5


def _open_connection(port):
    """A connection that has been used once, as real ones are, so that it has what a connection keeps."""
    connection = socket.create_connection(("127.0.0.1", port), SECONDS_MAX)
    connection.sendall(HANDSHAKE.format(port=port).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = connection.recv(4096)
        if not more:
            break
        answer += more
    if not answer.startswith(b"HTTP/1.1 101"):
        servers.fail(f"a connection was refused: {answer.split(b'%c' % 13)[0].decode()}")
    connection.sendall(REQUEST)
    if len(connection.recv(REPLY_BYTES, socket.MSG_WAITALL)) != REPLY_BYTES:
        servers.fail("a connection was ended")
    return connection


def _resident_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Rss:"):
                return int(line.split()[1])
    raise RuntimeError("the kernel does not say how much memory is resident")


def _settled_kib(pid):
    """Resident memory, when it no longer changes."""
    now = time.monotonic()
    give_up = now + SETTLING_MAX_SECONDS
    last = _resident_kib(pid)
    since = now
    while now < give_up and now - since < SETTLED_SECONDS:
        time.sleep(0.05)
        now = time.monotonic()
        resident = _resident_kib(pid)
        if resident != last:
            last, since = resident, now
    return last


def _sockets(pid):
    folder = f"/proc/{pid}/fd"
    count = 0
    for descriptor in os.listdir(folder):
        try:
            count += os.readlink(f"{folder}/{descriptor}").startswith("socket:")
        except FileNotFoundError:
            # It was closed meanwhile.
            pass
    return count


def _wait_for_sockets(pid, count):
    """Until the server has closed what its peers have closed."""
    give_up = time.monotonic() + SECONDS_MAX
    while _sockets(pid) > count:
        if time.monotonic() > give_up:
            servers.fail(f"the server keeps connections that ended {SECONDS_MAX} s ago")
        time.sleep(0.05)


def idle_memory(contender, connections):
    """KiB for each connection: while all are open and idle, and after all have left."""
    servers.allow_descriptors(connections + 64)
    with servers.Server(contender) as server:
        sockets = _sockets(server.pid)
        # What a server sets up for its first connections is none of the others' memory.
        for connection in [_open_connection(server.port) for _ in range(10)]:
            connection.close()
        _wait_for_sockets(server.pid, sockets)
        before = _settled_kib(server.pid)
        opened = [_open_connection(server.port) for _ in range(connections)]
        during = _settled_kib(server.pid)
        for connection in opened:
            connection.close()
        _wait_for_sockets(server.pid, sockets)
        after = _settled_kib(server.pid)
    return {
        "connections": connections,
        "idle_kib": (during - before) / connections,
        "after_kib": (after - before) / connections,
    }

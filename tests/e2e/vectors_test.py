"""The golden conversations of tests/vectors, held with the real server by a client that is not ours."""

import asyncio
import os
import pathlib
import re
import signal
import unittest

import websockets

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors" / "classic_conversations.txt"
# How long a server may take for anything before that counts as never.
SECONDS_MAX = 30
FENCE = bytes([0xFF, 0xFF, 0x00])
FENCE_REPLY = bytes([0x00, 0x03, 0x00])


def parse_bytes(text, repetition=0):
    """Bytes as tests/vectors/README.md writes them."""
    tokens = [] if text == "-" else text.split(" ")
    result = bytearray()
    while tokens:
        count = 1
        if len(tokens) > 1 and tokens[1] == "*":
            count = int(tokens[0])
            del tokens[:2]
        token = tokens.pop(0)
        if token == "@":
            value = repetition % 256
        elif re.fullmatch("[0-9a-f]{2}", token):
            value = int(token, 16)
        else:
            raise ValueError(f"not bytes: {text}")
        result += bytes([value]) * count
    return bytes(result)


def read_conversations():
    """Each conversation's name with its steps: the number of the line, the number of the repetition, the words."""
    conversations = {}
    steps = None
    repeated = None
    for number, line in enumerate(VECTORS.read_text(encoding="utf-8").splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("conversation "):
            steps = conversations[line.split(" ")[1]] = []
        elif line.startswith("repeat "):
            repeated = (int(line.split(" ")[1]), [])
        elif line == "end":
            count, block = repeated
            steps.extend((inner, index, words) for index in range(count) for inner, words in block)
            repeated = None
        elif repeated is not None:
            repeated[1].append((number, line))
        else:
            steps.append((number, 0, line))
    return conversations


class Server:
    """The server under test, run as a user runs it."""

    was_asked_to_end = False

    async def start(self):
        program = os.environ.get("RESTANTE_SERVER", "")
        if not os.path.exists(program):
            raise RuntimeError("set RESTANTE_SERVER to the restante-server program that shall be tested")
        self.process = await asyncio.create_subprocess_exec(
            program, "--host", "127.0.0.1", "--port", "0", stdout=asyncio.subprocess.PIPE
        )
        while line := (await self.process.stdout.readline()).decode():
            if match := re.search(r"Listening on http(://\S+)", line):
                self.url = "ws" + match[1]
                return
        raise RuntimeError("the server ended without saying where it listens")

    def ask_to_end(self):
        """Once: a server that is asked twice may take it that somebody is impatient."""
        if self.process.returncode is None and not self.was_asked_to_end:
            self.was_asked_to_end = True
            self.process.send_signal(signal.SIGTERM)

    async def ended(self):
        """Its exit code, once it has ended."""
        await self.process.communicate()
        return self.process.returncode


class Conversation:
    """Plays the steps of one conversation."""

    def __init__(self, test, server):
        self.test = test
        self.server = server
        self.connections = {}

    async def open(self, name):
        self.connections[name] = await websockets.connect(self.server.url, max_size=None, ping_interval=None)

    async def play(self, steps):
        for number, repetition, line in steps:
            where = f"line {number}: {line} (repetition {repetition})"
            try:
                await asyncio.wait_for(self.step(line, repetition), SECONDS_MAX)
            except asyncio.TimeoutError:
                self.test.fail(f"nothing came; {where}")
            except Exception as error:
                raise AssertionError(f"{where}: {error!r}") from error
        for name, connection in self.connections.items():
            await connection.send(FENCE)
            received = await asyncio.wait_for(connection.recv(), SECONDS_MAX)
            self.test.assertEqual(received, FENCE_REPLY, f"{name} received what no step says")
            await connection.close()

    async def step(self, line, repetition):
        if line == "server shuts down":
            self.server.ask_to_end()
            return
        name, verb, *rest = line.split(" ", 2)
        rest = rest[0] if rest else ""
        if verb == "opens":
            self.test.assertNotIn(name, self.connections)
            await self.open(name)
            return
        if name not in self.connections:
            await self.open(name)
        await self.steps[verb](self, name, rest, repetition)

    async def send(self, name, rest, repetition):
        try:
            await self.connections[name].send(parse_bytes(rest, repetition))
        except websockets.ConnectionClosed:
            # The server may close before a message that is too large has been sent whole; `closed` says what is right.
            pass

    async def receive(self, name, rest, repetition):
        received = await self.connections[name].recv()
        self.test.assertIsInstance(received, bytes)
        self.test.assertEqual(received.hex(" "), parse_bytes(rest, repetition).hex(" "))

    async def text(self, name, rest, _):
        await self.connections[name].send(rest[1:-1])

    async def closes(self, name, _rest, _repetition):
        connection = self.connections.pop(name)
        await connection.close(1000)
        self.test.assertEqual(connection.close_code, 1000)

    async def breaks(self, name, _rest, _repetition):
        connection = self.connections.pop(name)
        connection.transport.abort()
        await connection.wait_closed()

    async def closed(self, name, rest, _repetition):
        connection = self.connections.pop(name)
        with self.test.assertRaises(websockets.ConnectionClosed):
            self.test.fail(f"received {await connection.recv()!r}")
        self.test.assertEqual(connection.close_code, int(rest))
        if connection.close_code == 1003:
            self.test.assertNotEqual(connection.close_reason, "", "the reason says what was wrong")

    async def retries(self, name, rest, _repetition):
        request, expected = (parse_bytes(part) for part in rest.split(" until "))
        refused = bytes([0x00, 0x03, request[2]])
        while True:
            await self.connections[name].send(request)
            received = await self.connections[name].recv()
            if received == expected:
                return
            self.test.assertEqual(received, refused)

    steps = {
        ">": send,
        "<": receive,
        "text": text,
        "closes": closes,
        "breaks": breaks,
        "closed": closed,
        "retries": retries,
    }


class ClassicConversations(unittest.IsolatedAsyncioTestCase):
    """One test for each conversation; they are added below."""

    async def hold(self, steps):
        server = Server()
        await server.start()
        try:
            await Conversation(self, server).play(steps)
        finally:
            server.ask_to_end()
            exit_code = await asyncio.wait_for(server.ended(), SECONDS_MAX)
        self.assertEqual(exit_code, 0, "the server ends in an orderly way")


def add_tests():
    for name, steps in read_conversations().items():

        async def test(self, steps=steps):
            await self.hold(steps)

        test.__doc__ = name.replace("_", " ")
        setattr(ClassicConversations, f"test_{name}", test)


add_tests()

if __name__ == "__main__":
    unittest.main()

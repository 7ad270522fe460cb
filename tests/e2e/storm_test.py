"""Real clients and the real server in a storm: a proxy between them delays, stalls and cuts connections, and clients are
killed and started again. In the end the books are compared.

RESTANTE_STORM_SECONDS says how long each storm lasts (60 and 20), RESTANTE_STORM_SEED which one it is."""

import asyncio
import collections
import os
import random
import signal
import sys
import tempfile
import time
import unittest

from support import Server, program

SEED = int(os.environ.get("RESTANTE_STORM_SEED", "1"))
NAMES = ["ada", "bob", "cyd", "dan"]
ROOM = "#lobby"
# How long the last messages may take once the storm is over.
CALM_SECONDS_MAX = 60


def storm_seconds(usual):
    return float(os.environ.get("RESTANTE_STORM_SECONDS", usual))


class Proxy:
    """Passes bytes on, in both directions, as badly as it is told."""

    def __init__(self, dice, server_port):
        self.dice = dice
        self.server_port = server_port
        self.is_calm = False
        self.counts = collections.Counter()
        self.writers = set()

    async def start(self):
        self.listener = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.listener.sockets[0].getsockname()[1]

    def calm_down(self):
        """From now on everything is passed on at once, by new connections: those there are may have lost bytes."""
        self.is_calm = True
        for writer in self.writers:
            writer.transport.abort()

    def stop(self):
        self.calm_down()
        self.listener.close()

    async def serve(self, reader, writer):
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        except OSError:
            writer.transport.abort()
            return
        self.counts["connections"] += 1
        both = {writer, to_writer}
        self.writers |= both
        try:
            await asyncio.gather(self.carry(reader, to_writer, both), self.carry(to_reader, writer, both))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.writers -= both
            for each in both:
                each.transport.abort()

    async def carry(self, reader, writer, both):
        while data := await reader.read(4096):
            chance = 1.0 if self.is_calm else self.dice.random()
            if chance < 0.010:
                # Some of it still arrives.
                self.counts["cuts"] += 1
                writer.write(data[:self.dice.randrange(len(data) + 1)])
                await asyncio.sleep(self.dice.random() * 0.01)
                break
            if chance < 0.016:
                self.counts["stalls"] += 1
                await asyncio.sleep(self.dice.random() * 4)
            elif chance < 0.2:
                self.counts["delays"] += 1
                await asyncio.sleep(self.dice.random() * 0.05)
            writer.write(data)
            await writer.drain()
        # The other direction ends too.
        for each in both:
            each.transport.abort()


class Client:
    """A program that restarts after it was killed, and what it said of each text that it was given to push."""

    def __init__(self, name, port, folder):
        self.name = name
        self.port = port
        self.folder = folder
        # In the order in which they were given, by receiver.
        self.given = collections.defaultdict(list)
        # What became of a text: given, added, accepted, refused, unknown, or doubtful where it was killed meanwhile.
        self.became = {}
        self.handled = set()
        self.missed = 0
        self.restarted = 0
        self.failures = []
        self.told = asyncio.Condition()
        self.is_ending = False

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            program("RESTANTE_STORM_CLIENT"), str(self.port), self.name, self.folder,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        self.listening = asyncio.create_task(self.listen(self.process))
        self.say(f"join {ROOM}")

    async def listen(self, process):
        while line := await process.stdout.readline():
            what, _, rest = line.decode().strip().partition(" ")
            if what in ("added", "accepted", "refused", "unknown"):
                self.became[rest.split(" ")[0]] = what
                if what == "refused":
                    self.failures.append(f"refused {rest}")
            elif what == "missed":
                self.missed += int(rest.split(" ")[1])
            elif what == "restarted":
                self.restarted += 1
            elif what == "failed":
                self.failures.append(rest)
            elif what == "handled":
                self.handled.add(rest)
            async with self.told:
                self.told.notify_all()
        if not self.is_ending and await process.wait() != -signal.SIGKILL:
            self.failures.append(f"it ended with {process.returncode}")

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")

    def push(self, receiver, text):
        self.given[receiver].append(text)
        self.became[text] = "given"
        self.say(f"push {receiver} {text}")

    async def kill_and_start(self):
        self.process.kill()
        await self.process.wait()
        await self.listening
        for text, what in self.became.items():
            if what == "given":
                self.became[text] = "doubtful"
        await self.start()

    async def sees(self, is_true):
        async with self.told:
            await asyncio.wait_for(self.told.wait_for(is_true), CALM_SECONDS_MAX)

    async def end(self):
        self.is_ending = True
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self.listening

    def book(self):
        """What it received: lists of texts by where they came from and who sent them."""
        received = collections.defaultdict(list)
        try:
            with open(os.path.join(self.folder, self.name + ".book"), encoding="utf-8") as file:
                for line in file:
                    _epoch, _offset, source, sender, text = line.split()
                    received[self.name if source == "-" else source, sender].append(text)
        except FileNotFoundError:
            pass
        return received


def is_part_of(part, whole):
    """Whether these come in the order in which the others do."""
    rest = iter(whole)
    return all(item in rest for item in part)


class Storm:
    """The server, the proxy, the clients."""

    def __init__(self, test, folder, server_arguments=()):
        self.test = test
        self.folder = folder
        self.server_arguments = server_arguments
        self.dice = random.Random(SEED)
        self.count = 0

    async def __aenter__(self):
        self.server = Server("--port", "0", *self.server_arguments)
        self.proxy = Proxy(self.dice, self.server.port)
        await self.proxy.start()
        self.clients = [Client(name, self.proxy.port, self.folder) for name in NAMES]
        for client in self.clients:
            await client.start()
        return self

    async def __aexit__(self, *_):
        for client in self.clients:
            await client.end()
        self.proxy.stop()
        self.server.__exit__()

    async def restart_server(self):
        self.server.process.kill()
        port = self.server.port
        self.server.__exit__()
        self.server = Server("--port", str(port), *self.server_arguments)

    async def rage(self, seconds, server_dies=False):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            client = self.dice.choice(self.clients)
            chance = self.dice.random()
            if chance < 0.01:
                await client.kill_and_start()
                self.proxy.counts["clients killed"] += 1
            elif server_dies and chance < 0.015:
                await self.restart_server()
                self.proxy.counts["servers killed"] += 1
            else:
                self.count += 1
                client.push(self.dice.choice([*NAMES, ROOM, ROOM]), f"{client.name}-{self.count}")
            await asyncio.sleep(self.dice.random() * 0.02)

    async def grow_calm(self):
        """Everybody sends one last message everywhere. What was sent before it from the same to the same is there when
        it is, or never will be."""
        self.proxy.calm_down()
        await asyncio.gather(*(self.deliver(sender, receiver) for sender in self.clients
                               for receiver in (*NAMES, ROOM)))

    async def deliver(self, sender, receiver):
        # Unknown where the server died and its client had not noticed.
        is_accepted = False
        while not is_accepted:
            self.count += 1
            text = f"{sender.name}-{self.count}"
            sender.push(receiver, text)
            await sender.sees(lambda: sender.became[text] in ("accepted", "unknown"))
            is_accepted = sender.became[text] == "accepted"
        for reader in self.clients:
            if receiver in (reader.name, ROOM):
                await reader.sees(lambda: text in reader.handled)

    def show(self):
        became = collections.Counter(what for client in self.clients for what in client.became.values())
        received = sum(len(texts) for client in self.clients for texts in client.book().values())
        print(f"storm {SEED}: {dict(self.proxy.counts)}; pushes {dict(became)}; received {received}", file=sys.stderr)


class StormTest(unittest.TestCase):
    def compare(self, storm, may_lose):
        for client in storm.clients:
            self.assertEqual(client.failures, [], client.name)
            self.assertFalse([text for text, what in client.became.items() if what == "given"], client.name)
        for receiver in storm.clients:
            book = receiver.book()
            for sender in storm.clients:
                for source in (receiver.name, ROOM):
                    got = book.get((source, sender.name), [])
                    given = sender.given[source]
                    where = f"{sender.name} to {source}, as {receiver.name} has it"
                    self.assertEqual(len(got), len(set(got)), f"twice: {where}")
                    self.assertTrue(is_part_of(got, given), f"out of order, or of nobody: {where}")
                    if not may_lose:
                        lost = [text for text in given
                                if text not in got and sender.became[text] not in ("doubtful", "unknown")]
                        self.assertEqual(lost, [], f"lost: {where}")

    def test_every_accepted_message_is_handled_exactly_once_and_in_order(self):
        async def storm_and_calm():
            with tempfile.TemporaryDirectory() as folder:
                async with Storm(self, folder) as storm:
                    await storm.rage(storm_seconds(60))
                    await storm.grow_calm()
                    storm.show()
                    self.compare(storm, may_lose=False)
                    for client in storm.clients:
                        self.assertEqual((client.missed, client.restarted), (0, 0), client.name)
                        # Nothing became unknown: the server lost nothing.
                        self.assertNotIn("unknown", client.became.values(), client.name)
                    # A storm that did nothing would prove nothing.
                    for what in ("cuts", "stalls", "delays", "clients killed"):
                        self.assertGreater(storm.proxy.counts[what], 0, what)
        asyncio.run(storm_and_calm())

    def test_nothing_comes_twice_where_the_server_loses_all_it_has(self):
        async def storm_and_calm():
            with tempfile.TemporaryDirectory() as folder:
                async with Storm(self, folder) as storm:
                    await storm.rage(storm_seconds(20), server_dies=True)
                    await storm.grow_calm()
                    storm.show()
                    self.compare(storm, may_lose=True)
                    self.assertGreater(storm.proxy.counts["servers killed"], 0)
        asyncio.run(storm_and_calm())


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""A server of the classic protocol in Python, to compare with: the protocol's rules and nothing else.

It prints its port once and nothing after that. Compression is off, as it is in restante-server.
"""

import asyncio
import collections

import websockets

MESSAGES_MAX = 100
PAYLOAD_BYTES_MAX = 254

mailboxes = [collections.deque() for _ in range(256)]
holders = [None] * 256


def associate(connection, message):
    identity = message[2]
    if len(message) > 3 or holders[identity] is not None:
        return bytes((0, 3, identity))
    holders[identity] = connection
    return bytes((0, 1, identity))


def get(connection, message):
    identity = message[2]
    if len(message) > 3:
        return bytes((0, 3, identity))
    if holders[identity] is not connection:
        return bytes((0, 2, identity))
    if not mailboxes[identity]:
        return bytes((1, 1, identity))
    sender, payload = mailboxes[identity].popleft()
    return bytes((2, 0, identity, sender, len(payload))) + payload


def push(connection, message):
    if len(message) < 5:
        return bytes((0, 3, message[2]))
    sender, receiver, length = message[2], message[3], message[4]
    if holders[sender] is not connection:
        return bytes((0, 2, sender))
    payload = message[5:]
    if length > PAYLOAD_BYTES_MAX or length != len(payload):
        return bytes((0, 3, sender))
    mailbox = mailboxes[receiver]
    if len(mailbox) >= MESSAGES_MAX:
        return bytes((1, 3, sender))
    mailbox.append((sender, payload))
    return bytes((1, 2, sender))


requests = {b"\x00\x00": associate, b"\x01\x00": get, b"\x02\x01": push}


async def serve(connection):
    try:
        async for message in connection:
            if isinstance(message, str):
                await connection.close(1003, "binary messages only")
                return
            request = requests.get(message[:2])
            if request is None or len(message) < 3:
                reply = bytes((0, 3, message[2] if len(message) > 2 else 0))
            else:
                reply = request(connection, message)
            await connection.send(reply)
    except websockets.ConnectionClosed:
        pass
    finally:
        for identity in range(256):
            if holders[identity] is connection:
                holders[identity] = None


async def main():
    async with websockets.serve(serve, "127.0.0.1", 0, compression=None, max_size=65536) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass

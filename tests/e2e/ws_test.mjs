// The real server with the npm package ws, a client that is not ours: the protocol, and what RFC 6455 asks for.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import WebSocket from "ws";

import { parseBytes, Server } from "./support.mjs";

let server;
let peers;

/** One connection. What comes is waited for, in its order. */
class Peer {
  #messages = [];
  #waiting = [];

  static async connect(options = {}) {
    const peer = new Peer();
    peer.socket = new WebSocket(server.url.replace(/^http/, "ws"), { perMessageDeflate: false, ...options });
    peers.push(peer);
    peer.closed = new Promise((resolve) => {
      peer.socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    peer.socket.on("message", (data, isBinary) => {
      assert.ok(isBinary);
      (peer.#waiting.shift() ?? ((message) => peer.#messages.push(message)))(data.toString("hex").replace(/..(?=.)/g, "$& "));
    });
    await once(peer.socket, "open");
    return peer;
  }

  send(hex) {
    this.socket.send(parseBytes(hex));
  }

  /** The next message, in hex. */
  receive() {
    return this.#messages.length > 0
      ? Promise.resolve(this.#messages.shift())
      : new Promise((resolve) => this.#waiting.push(resolve));
  }

  async answers(request, reply) {
    this.send(request);
    assert.equal(await this.receive(), reply);
  }
}

before(async () => {
  server = await Server.start();
});
after(async () => {
  assert.equal(await server.stop(), 0);
});
beforeEach(() => {
  peers = [];
});
afterEach(async () => {
  for (const { socket } of peers) {
    socket.terminate();
  }
  await Promise.all(peers.map(({ closed }) => closed));
});

describe("the classic protocol", { timeout: 60_000 }, () => {
  test("two clients exchange a message both ways", async () => {
    const ada = await Peer.connect();
    const bob = await Peer.connect();
    await ada.answers("00 00 01", "00 01 01");
    await bob.answers("00 00 02", "00 01 02");
    await ada.answers("02 01 01 02 02 68 69", "01 02 01");
    await bob.answers("01 00 02", "02 00 02 01 02 68 69");
    await bob.answers("02 01 02 01 03 79 65 73", "01 02 02");
    await ada.answers("01 00 01", "02 00 01 02 03 79 65 73");
    await ada.answers("01 00 01", "01 01 01");
  });

  test("an ID has one holder, and only the holder acts in its name", async () => {
    const ada = await Peer.connect();
    const bob = await Peer.connect();
    await ada.answers("00 00 03", "00 01 03");
    await bob.answers("00 00 03", "00 03 03");
    await bob.answers("01 00 03", "00 02 03");
    await bob.answers("02 01 03 03 00", "00 02 03");
    await ada.answers("01 00 03", "01 01 03");
  });

  test("requests in flight together are answered in their order", async () => {
    const ada = await Peer.connect();
    for (const request of ["00 00 04", "02 01 04 04 01 61", "02 01 04 04 01 62", "01 00 04", "01 00 04", "01 00 04"]) {
      ada.send(request);
    }
    for (const reply of ["00 01 04", "01 02 04", "01 02 04", "02 00 04 04 01 61", "02 00 04 04 01 62", "01 01 04"]) {
      assert.equal(await ada.receive(), reply);
    }
  });

  test("the message after the hundredth is refused", async () => {
    const ada = await Peer.connect();
    await ada.answers("00 00 05", "00 01 05");
    for (let count = 0; count < 100; count += 1) {
      ada.send("02 01 05 06 00");
    }
    for (let count = 0; count < 100; count += 1) {
      assert.equal(await ada.receive(), "01 02 05");
    }
    await ada.answers("02 01 05 06 00", "01 03 05");
  });

  test("what is malformed is answered, and the connection goes on", async () => {
    const ada = await Peer.connect();
    await ada.answers("ff", "00 03 00");
    await ada.answers("02 01 07", "00 03 07");
    await ada.answers("00 00 07", "00 01 07");
  });
});

describe("RFC 6455", { timeout: 60_000 }, () => {
  test("a ping is answered with its own payload, also between the fragments of a message", async () => {
    const ada = await Peer.connect();
    ada.socket.send(parseBytes("00 00"), { fin: false });
    ada.socket.ping("are you there?");
    const [payload] = await once(ada.socket, "pong");
    assert.equal(payload.toString(), "are you there?");
    ada.socket.send(parseBytes("08"), { fin: true });
    assert.equal(await ada.receive(), "00 01 08");
  });

  test("a message in fragments of one byte is one message", async () => {
    const ada = await Peer.connect();
    await ada.answers("00 00 09", "00 01 09");
    const packet = parseBytes("02 01 09 09 02 68 69");
    packet.forEach((byte, index) => ada.socket.send(Uint8Array.of(byte), { fin: index === packet.length - 1 }));
    assert.equal(await ada.receive(), "01 02 09");
    await ada.answers("01 00 09", "02 00 09 09 02 68 69");
  });

  test("text is closed with 1003 and a reason", async () => {
    const ada = await Peer.connect();
    ada.socket.send("hello");
    const { code, reason } = await ada.closed;
    assert.equal(code, 1003);
    assert.notEqual(reason, "");
  });

  test("a message of 64 KiB is answered, a larger one is closed with 1009", async () => {
    const ada = await Peer.connect();
    ada.socket.send(new Uint8Array(65_536));
    assert.equal(await ada.receive(), "00 03 00");
    ada.socket.on("error", () => {});
    ada.socket.send(new Uint8Array(65_537));
    assert.equal((await ada.closed).code, 1009);
  });

  test("a close is answered with its code, after the replies that were due", async () => {
    const ada = await Peer.connect();
    ada.send("00 00 0a");
    ada.socket.close(1000, "done");
    assert.equal(await ada.receive(), "00 01 0a");
    assert.equal((await ada.closed).code, 1000);
  });

  test("compression is declined", async () => {
    const ada = await Peer.connect({ perMessageDeflate: true });
    assert.equal(ada.socket.extensions, "");
    await ada.answers("00 00 0b", "00 01 0b");
  });

  test("a page of another origin is refused with 403", async () => {
    await assert.rejects(Peer.connect({ origin: "https://elsewhere.example" }), /403/);
    await assert.rejects(Peer.connect({ origin: "null" }), /403/);
  });
});

test("a server that shuts down closes with 1001", { timeout: 60_000 }, async () => {
  const ada = await Peer.connect();
  const stopped = server.stop();
  assert.equal((await ada.closed).code, 1001);
  assert.equal(await stopped, 0);
});

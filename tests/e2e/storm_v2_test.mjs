// The page's client of restante.v2 and the real server, through connections that break at any moment and pages that are
// loaded again: each message arrives once, in its order.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import WebSocket from "ws";

import { ScriptedStorage, settle } from "./scripted.mjs";
import { loadPageScripts, Server } from "./support.mjs";

const restante = loadPageScripts(
  "protocol.js",
  "protocol_v2.js",
  "connection.js",
  "storage.js",
  "store.js",
  "messenger.js",
  "exchange.js",
  "outbox.js",
  "rooms.js",
  "inbox.js",
  "receipts.js",
  "messenger_v2.js",
  "negotiation.js",
  "automatic.js",
);

/** What restante.Connection is in a browser, with what a network does to it. */
class RealConnection extends EventTarget {
  #socket;
  #wasOpen = false;
  losesReplies = false;

  constructor(address, subprotocol) {
    super();
    this.#socket = new WebSocket(address, subprotocol ?? [], { perMessageDeflate: false });
    this.#socket.on("error", () => {});
    this.#socket.on("open", () => {
      this.#wasOpen = true;
      this.#tell("opened", { protocol: this.#socket.protocol });
    });
    this.#socket.on("message", (data) => this.losesReplies || this.#tell("received", new Uint8Array(data)));
    this.#socket.on("close", (code, reason) => {
      this.#tell("closed", { code, reason: reason.toString(), wasOpen: this.#wasOpen });
    });
  }

  send(bytes) {
    this.#socket.send(bytes);
  }

  close() {
    this.#socket.close(1000);
  }

  cut() {
    this.#socket.terminate();
  }

  #tell(type, detail) {
    this.dispatchEvent(Object.assign(new Event(type), { detail }));
  }
}

let server;
let people = [];

/** One browser tab. */
class Tab {
  connections = [];
  #isOpen = true;
  #timers = new Set();

  constructor(local, session) {
    this.local = local;
    this.tab = session;
    const isOpen = () => this.#isOpen;
    const now = () => Date.now();
    this.store = new restante.Store(new restante.Storage(local.seenWhile(isOpen), session.seenWhile(isOpen)), now);
    const timers = { random: () => 0.005, after: (milliseconds, action) => this.#after(milliseconds, action) };
    const surroundings = {
      createConnection: (address, subprotocol) => {
        const connection = new RealConnection(address, subprotocol);
        this.connections.push(connection);
        if (!this.#isOpen) {
          connection.cut();
        }
        return connection;
      },
      now,
      timers,
      originToAllow: () => null,
      packetSeen() {},
      messageFetched() {},
      holdAddress: async () => () => {},
    };
    const v2 = new restante.MessengerV2(this.store, surroundings);
    this.messenger = new restante.AnyMessenger(this.store, new restante.Messenger(this.store, surroundings), v2);
    this.session = new restante.Session(this.store, this.messenger, timers);
    people.push(this);
  }

  static async open(address) {
    const tab = new Tab(new ScriptedStorage(), new ScriptedStorage());
    assert.equal(await tab.session.associate(server.url.replace(/^http/, "ws"), address), "associated");
    return tab;
  }

  /** The page is loaded again: all that it was about to do does not happen. */
  async loadAgain() {
    this.end();
    const next = new Tab(this.local, this.tab);
    assert.ok(next.store.restoreTab());
    await next.messenger.takeUp();
    next.session.resume();
    return next;
  }

  end() {
    this.#isOpen = false;
    this.#timers.forEach(clearTimeout);
    this.connections.at(-1)?.cut();
  }

  /** Resolves once this is true of the state. */
  async sees(isTrue) {
    while (!isTrue(this.store.state)) {
      await new Promise((resolve) => this.store.addEventListener("change", resolve, { once: true }));
    }
  }

  texts(peer, direction) {
    const isAskedFor = (message) => message.peer === peer && message.direction === direction;
    return this.store.state.messages.filter(isAskedFor).map(({ text }) => text);
  }

  #after(milliseconds, action) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#isOpen) {
        action();
      }
    }, milliseconds);
    this.#timers.add(timer);
    return () => clearTimeout(timer);
  }
}

/** A generator of its own, so that a seed gives the same storm everywhere, as far as the network allows. */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

before(async () => {
  server = await Server.start();
});
after(async () => {
  await server.stop();
});
afterEach(() => {
  people.splice(0).forEach((person) => person.end());
});

describe("in a storm", { timeout: 120_000 }, () => {
  for (let seed = 1; seed <= 8; seed += 1) {
    test(`each message arrives once and in order (seed ${seed})`, async () => {
      const roll = dice(seed);
      const [ada, bob, lobby] = [`ada${seed}`, `bob${seed}`, `#lobby${seed}`];
      const tabs = [await Tab.open(ada), await Tab.open(bob)];
      for (const tab of tabs) {
        assert.equal(await tab.messenger.join(lobby), null);
      }
      const sent = { [bob]: [], [lobby]: [] };
      for (let step = 0; step < 150; step += 1) {
        const who = roll(2);
        const connection = tabs[who].connections.at(-1);
        switch (roll(12)) {
          case 0:
            connection.losesReplies = true;
            break;
          case 1:
            connection.cut();
            break;
          case 2:
            tabs[who] = await tabs[who].loadAgain();
            break;
          case 3:
            if (connection.losesReplies) {
              connection.cut();
            }
            await tabs[who].sees(({ phase }) => phase === "associated");
            break;
          default: {
            const receiver = roll(2) === 0 ? bob : lobby;
            if (tabs[0].messenger.send(receiver, `${receiver} ${step}`)) {
              sent[receiver].push(`${receiver} ${step}`);
            }
            await settle();
          }
        }
      }
      // A connection that lost replies would be given up by itself, but only after its time.
      tabs.forEach(({ connections }) => connections.at(-1).cut());
      await tabs[0].sees(({ messages }) => messages.every(({ outcome }) => outcome !== "waiting"));
      for (const receiver of [bob, lobby]) {
        assert.equal(tabs[0].messenger.send(receiver, "the last one"), true);
        sent[receiver].push("the last one");
      }
      const hasLast = (messages, from) => messages.some(({ peer, text }) => peer === from && text === "the last one");
      await tabs[1].sees(({ messages }) => hasLast(messages, ada) && hasLast(messages, lobby));
      // Where this client's own proof was lost on the way, it can not know whether somebody else used its numbers.
      const unknown = tabs[0].store.state.messages.filter(({ outcome }) => outcome === "unknown").map(({ text }) => text);
      for (const [peer, receiver] of [[ada, bob], [lobby, lobby]]) {
        assert.deepEqual(tabs[0].texts(receiver, "sent"), sent[receiver]);
        const got = tabs[1].texts(peer, "received");
        assert.deepEqual(got, sent[receiver].filter((text) => got.includes(text) || !unknown.includes(text)));
      }
    });
  }

  test("a server that lost everything is sent nothing twice, and serves the same clients again", async () => {
    const ada = await Tab.open("ada");
    const bob = await Tab.open("bob");
    ada.messenger.send("bob", "before");
    await bob.sees(({ messages }) => messages.length === 1);
    await ada.sees(({ messages }) => messages[0].receipt === "acknowledged");
    ada.connections.at(-1).losesReplies = true;
    ada.messenger.send("bob", "in between");
    await bob.sees(({ messages }) => messages.length === 2);
    const { port } = server;
    await server.stop("SIGKILL");
    await ada.sees(({ phase }) => phase === "disconnected");
    ada.messenger.send("bob", "after");
    server = await Server.start({ port });
    await bob.sees(({ messages }) => messages.length === 3);
    assert.deepEqual(bob.texts("ada", "received"), ["before", "in between", "after"]);
    await ada.sees(({ messages }) => messages.every(({ outcome }) => outcome !== "waiting"));
    assert.deepEqual(ada.store.state.messages.map(({ outcome }) => outcome), ["accepted", "unknown", "accepted"]);
  });
});

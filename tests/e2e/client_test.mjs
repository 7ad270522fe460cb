// The page's messenger and store, without a page: a scripted server takes the place of the connection.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ScriptedStorage, settle } from "./scripted.mjs";
import { loadPageScripts, parseBytes } from "./support.mjs";

const restante = loadPageScripts(
  "protocol.js",
  "protocol_v2.js",
  "connection.js",
  "storage.js",
  "store.js",
  "messenger.js",
  "automatic.js",
);

/** Has the events of restante.Connection; the test says what the server does. */
class ScriptedConnection extends EventTarget {
  sent = [];
  closed = false;

  send(bytes) {
    this.sent.push(restante.protocol.toHex(bytes));
  }

  close() {
    this.closed = true;
    this.#tell("closed", { code: 1000, reason: "", wasOpen: true });
  }

  open() {
    this.#tell("opened");
  }

  reply(hex) {
    this.#tell("received", parseBytes(hex));
  }

  replyText() {
    this.#tell("received", null);
  }

  end(code, reason = "", wasOpen = true) {
    this.#tell("closed", { code, reason, wasOpen });
  }

  #tell(type, detail) {
    this.dispatchEvent(Object.assign(new Event(type), { detail }));
  }
}

/** Time that passes when the test says so. */
class ScriptedTimers {
  chance = 1;
  waiting = [];

  random() {
    return this.chance;
  }

  after(milliseconds, action) {
    const timer = { milliseconds, action };
    this.waiting.push(timer);
    return () => (this.waiting = this.waiting.filter((other) => other !== timer));
  }

  /** Runs the timer that waits, and gives how long it was to wait. */
  pass() {
    assert.equal(this.waiting.length, 1);
    const [{ milliseconds, action }] = this.waiting.splice(0);
    action();
    return milliseconds;
  }
}

function start({ local = new ScriptedStorage(), session = new ScriptedStorage(), refuse = null, origin = null } = {}) {
  let time = 0;
  const store = new restante.Store(new restante.Storage(local, session), () => (time += 1));
  const connections = [];
  const messenger = new restante.Messenger(store, {
    createConnection() {
      if (refuse) {
        throw refuse;
      }
      connections.push(new ScriptedConnection());
      return connections.at(-1);
    },
    now: () => 0,
    originToAllow: () => origin,
    packetSeen() {},
    messageFetched() {},
  });
  return { store, messenger, connections, local, session };
}

async function startAssociated(id = 1, places = {}) {
  const world = start(places);
  const result = world.messenger.associate("ws://server", id);
  const connection = world.connections[0];
  connection.open();
  await settle();
  connection.reply(`00 01 ${id.toString(16).padStart(2, "0")}`);
  assert.equal(await result, "associated");
  connection.sent = [];
  return { ...world, connection };
}

const outcomes = (store) => store.state.messages.map(({ text, outcome }) => `${text} ${outcome}`);

describe("associating", () => {
  test("asks for the ID once the connection stands", async () => {
    const { store, messenger, connections } = start();
    const result = messenger.associate("ws://server", 7);
    assert.equal(store.state.phase, "connecting");
    assert.deepEqual(connections[0].sent, []);
    connections[0].open();
    await settle();
    assert.deepEqual(connections[0].sent, ["00 00 07"]);
    assert.equal(store.state.phase, "connected");
    connections[0].reply("00 01 07");
    assert.equal(await result, "associated");
    assert.equal(store.state.phase, "associated");
    assert.equal(store.state.id, 7);
  });

  test("of a taken ID leaves the connection for another try", async () => {
    const { store, messenger, connections } = start();
    const first = messenger.associate("ws://server", 7);
    connections[0].open();
    await settle();
    connections[0].reply("00 03 07");
    assert.equal(await first, "taken");
    assert.match(store.state.notice.text, /ID 7 is taken/);
    const second = messenger.associate("ws://server", 8);
    await settle();
    assert.equal(connections.length, 1);
    connections[0].reply("00 01 08");
    assert.equal(await second, "associated");
  });

  test("with another server ends the connection with the first", async () => {
    const { messenger, connections } = start();
    const first = messenger.associate("ws://one", 7);
    connections[0].open();
    await settle();
    connections[0].reply("00 02 07");
    assert.equal(await first, "refused");
    messenger.associate("ws://two", 7);
    assert.equal(connections.length, 2);
    assert.ok(connections[0].closed);
  });

  test("where no server is fails and says so", async () => {
    const { store, messenger, connections } = start();
    const result = messenger.associate("ws://nowhere", 7);
    connections[0].end(1006, "", false);
    assert.equal(await result, "failed");
    assert.equal(store.state.phase, "disconnected");
    assert.equal(store.state.notice.text, "No server answered at ws://nowhere.");
  });

  test("can be cancelled while the connection is being made", async () => {
    const { store, messenger, connections } = start();
    const result = messenger.associate("ws://slow", 7);
    messenger.leave();
    assert.equal(await result, "failed");
    assert.ok(connections[0].closed);
    assert.deepEqual(store.state.notice, { text: "Not connected.", tone: "calm" });
  });

  test("to an address that the browser refuses fails and says so", async () => {
    const { store, messenger } = start({ refuse: new Error("insecure") });
    assert.equal(await messenger.associate("ws://server", 7), "failed");
    assert.match(store.state.notice.text, /does not connect to ws:\/\/server: insecure/);
  });
});

describe("sending", () => {
  test("replies settle messages in the order in which they were sent", async () => {
    const { store, messenger, connection } = await startAssociated();
    messenger.send(2, "one");
    messenger.send(3, "two");
    messenger.send(4, "three");
    assert.deepEqual(outcomes(store), ["one waiting", "two waiting", "three waiting"]);
    assert.deepEqual(connection.sent, ["02 01 01 02 03 6f 6e 65", "02 01 01 03 03 74 77 6f", "02 01 01 04 05 74 68 72 65 65"]);
    connection.reply("01 02 01");
    connection.reply("01 03 01");
    await settle();
    assert.deepEqual(outcomes(store), ["one accepted", "two refused", "three waiting"]);
    assert.equal(store.state.messages[1].reason, "the mailbox of 3 is full");
    connection.reply("01 02 01");
    await settle();
    assert.deepEqual(outcomes(store), ["one accepted", "two refused", "three accepted"]);
  });

  test("every refusal has words of its own", async () => {
    const { store, messenger, connection } = await startAssociated();
    for (const reply of ["01 03 01", "00 02 01", "00 03 01"]) {
      messenger.send(2, "x");
      connection.reply(reply);
    }
    await settle();
    assert.equal(new Set(store.state.messages.map(({ reason }) => reason)).size, 3);
  });

  test("what was not answered when the connection ends is unknown, not lost and not accepted", async () => {
    const { store, messenger, connection } = await startAssociated();
    messenger.send(2, "one");
    messenger.send(2, "two");
    connection.reply("01 02 01");
    await settle();
    connection.end(1001, "going away");
    await settle();
    assert.deepEqual(outcomes(store), ["one accepted", "two unknown"]);
    assert.equal(store.state.phase, "disconnected");
    assert.equal(store.state.notice.text, "The server is shutting down: going away.");
  });
});

describe("fetching", () => {
  test("one takes one", async () => {
    const { store, messenger, connection } = await startAssociated();
    const done = messenger.fetch(1);
    connection.reply("02 00 01 09 02 68 69");
    await done;
    assert.deepEqual(connection.sent, ["01 00 01"]);
    const [{ direction, peer, text, outcome }] = store.state.messages;
    assert.deepEqual({ direction, peer, text, outcome }, { direction: "received", peer: 9, text: "hi", outcome: "fetched" });
  });

  test("all stops at the empty mailbox", async () => {
    const { store, messenger, connection } = await startAssociated();
    const done = messenger.fetch(100);
    connection.reply("02 00 01 09 01 61");
    await settle();
    connection.reply("02 00 01 09 01 62");
    await settle();
    connection.reply("01 01 01");
    await done;
    assert.equal(connection.sent.length, 3);
    assert.deepEqual(outcomes(store), ["a fetched", "b fetched"]);
    assert.equal(store.state.notice.text, "2 messages fetched. The mailbox of 1 is empty now.");
  });

  test("does nothing while another fetch is under way", async () => {
    const { messenger, connection } = await startAssociated();
    messenger.fetch(1);
    messenger.fetch(1);
    assert.deepEqual(connection.sent, ["01 00 01"]);
  });

  test("between messages that are being sent is matched to its own reply", async () => {
    const { store, messenger, connection } = await startAssociated();
    messenger.send(1, "a");
    const fetched = messenger.fetch(1);
    messenger.send(1, "b");
    connection.reply("01 02 01");
    connection.reply("02 00 01 01 01 61");
    connection.reply("01 03 01");
    await fetched;
    await settle();
    assert.deepEqual(outcomes(store), ["a accepted", "b refused", "a fetched"]);
  });

  test("shows bytes where a payload is not text", async () => {
    const { store, messenger, connection } = await startAssociated();
    const done = messenger.fetch(1);
    connection.reply("02 00 01 09 03 ff 00 80");
    await done;
    assert.equal(store.state.messages[0].text, null);
    assert.equal(store.state.messages[0].hex, "ff 00 80");
  });
});

describe("a server that does not keep to the protocol", () => {
  const strange = {
    "sends bytes that are no packet": (connection) => connection.reply("00 01"),
    "sends text": (connection) => connection.replyText(),
    "answers about another ID": (connection) => connection.reply("01 02 02"),
    "answers another kind of request": (connection) => connection.reply("01 01 01"),
  };
  for (const [what, act] of Object.entries(strange)) {
    test(`is left when it ${what}, and nothing counts as accepted`, async () => {
      const { store, messenger, connection } = await startAssociated();
      messenger.send(2, "one");
      act(connection);
      await settle();
      assert.ok(connection.closed);
      assert.equal(store.state.phase, "disconnected");
      assert.match(store.state.notice.text, /does not fit the protocol/);
      assert.deepEqual(outcomes(store), ["one unknown"]);
    });
  }

  test("is left when it sends what nobody asked for", async () => {
    const { store, connection } = await startAssociated();
    connection.reply("01 02 01");
    assert.ok(connection.closed);
    assert.equal(store.state.phase, "disconnected");
  });
});

test("every packet is written down, and only the last ones are kept", async () => {
  const { store, messenger, connection } = await startAssociated();
  assert.deepEqual(
    store.state.packets.map(({ direction, hex }) => `${direction} ${hex}`),
    ["sent 00 00 01", "received 00 01 01"],
  );
  for (let count = 0; count < restante.Store.PACKETS_MAX; count += 1) {
    messenger.send(2, "");
    connection.reply("01 02 01");
  }
  assert.equal(store.state.packets.length, restante.Store.PACKETS_MAX);
  assert.equal(store.state.packets.at(-1).hex, "01 02 01");
});

test("the address of the server is that of the page, or this computer when the page is a file", () => {
  const address = (url) => restante.defaultServerAddress(new URL(url));
  assert.equal(address("http://127.0.0.1:4567/index.html"), "ws://127.0.0.1:4567");
  assert.equal(address("https://mail.example/"), "wss://mail.example");
  assert.equal(address("file:///somewhere/web/index.html"), "ws://localhost:12345");
});

test("an address may be typed without its scheme, and must be one of a WebSocket", () => {
  assert.equal(restante.readServerAddress(" 127.0.0.1:12345 "), "ws://127.0.0.1:12345/");
  assert.equal(restante.readServerAddress("wss://mail.example/path"), "wss://mail.example/path");
  assert.equal(restante.readServerAddress("https://mail.example/"), "wss://mail.example/");
  for (const wrong of ["", "ftp://mail.example", "ws://", "ws://a b", "javascript://x", "ws://x/#y", "host:port"]) {
    assert.equal(restante.readServerAddress(wrong), null, wrong);
  }
});

test("a page of another origin is told what the server must allow", async () => {
  const origin = (page, server) => restante.originToAllow(new URL(page), server);
  assert.equal(origin("file:///web/index.html", "ws://localhost:12345/"), "null");
  assert.equal(origin("http://localhost:80/", "ws://localhost/"), null);
  assert.equal(origin("https://mail.example/", "wss://other.example/"), "https://mail.example");
  const { store, messenger, connections } = start({ origin: "null" });
  messenger.associate("ws://server", 7);
  connections[0].end(1006, "", false);
  assert.match(store.state.notice.text, /opened from a file in only when it was started with --allow-origin null$/);
});

test("what was refused is sent again in its place, as the newest", async () => {
  const { store, messenger, connection } = await startAssociated();
  messenger.send(2, "one");
  connection.reply("01 03 01");
  messenger.send(2, "two");
  connection.reply("01 02 01");
  await settle();
  messenger.sendAgain(store.state.messages[0].key);
  assert.deepEqual(outcomes(store), ["two accepted", "one waiting"]);
  connection.reply("01 02 01");
  await settle();
  assert.deepEqual(outcomes(store), ["two accepted", "one accepted"]);
});

describe("what is kept", () => {
  test("a message that was taken is stored before it is shown", async () => {
    const { store, messenger, connection, local } = await startAssociated();
    let shown = 0;
    store.addEventListener("change", () => {
      for (const { text } of store.state.messages) {
        shown += 1;
        assert.match(local.getItem(restante.Storage.mailboxName("ws://server", 1)), new RegExp(`"text":"${text}"`));
      }
    });
    const done = messenger.fetch(1);
    connection.reply("02 00 01 09 02 68 69");
    await done;
    assert.ok(shown > 0);
  });

  test("comes back after a reload, and what still waited for an answer is unknown", async () => {
    const { messenger, connection, local, session } = await startAssociated();
    messenger.send(2, "one");
    connection.reply("01 02 01");
    messenger.send(2, "two");
    await settle();
    const { store } = start({ local, session });
    store.restoreTab();
    assert.equal(store.state.id, 1);
    assert.deepEqual(outcomes(store), ["one accepted", "two unknown"]);
  });

  test("is bounded, in messages of an ID and in IDs", async () => {
    const { store, local } = await startAssociated();
    const message = { direction: "sent", peer: 2, time: 0, outcome: "accepted" };
    for (let count = 0; count <= restante.Storage.MESSAGES_MAX; count += 1) {
      store.addMessage({ ...message, text: String(count) });
    }
    assert.equal(store.state.messages.length, restante.Storage.MESSAGES_MAX);
    assert.equal(store.state.messages[0].text, "1");
    for (let id = 2; id <= 2 + restante.Storage.MAILBOXES_MAX; id += 1) {
      store.openMailbox("ws://server", id);
      store.holdMailbox();
      store.addMessage({ ...message, text: "x" });
    }
    assert.equal(local.length, restante.Storage.MAILBOXES_MAX);
    assert.equal(local.getItem(restante.Storage.mailboxName("ws://server", 1)), null, "the oldest went first");
  });

  test("is not claimed where the browser has no room", async () => {
    const { store, local } = await startAssociated();
    local.room = 0;
    store.addMessage({ direction: "sent", peer: 2, text: "x", time: 0, outcome: "accepted" });
    assert.equal(store.state.kept, false);
    assert.deepEqual(outcomes(store), ["x accepted"]);
  });

  test("is not read where it is not what this page writes", () => {
    const local = new ScriptedStorage();
    const name = restante.Storage.mailboxName("ws://server", 1);
    const { store } = start({ local });
    local.setItem(name, JSON.stringify({ messages: [null, 7, { text: "x" }, { direction: "sent", peer: 900 }] }));
    store.openMailbox("ws://server", 1);
    assert.deepEqual(store.state.messages, []);
  });
});

describe("a lost connection", () => {
  async function startSession() {
    const world = start();
    const timers = new ScriptedTimers();
    const session = new restante.Session(world.store, world.messenger, timers);
    const result = session.associate("ws://server", 1);
    world.connections[0].open();
    await settle();
    world.connections[0].reply("00 01 01");
    assert.equal(await result, "associated");
    return { ...world, timers, session };
  }

  /** Lets the count-down end, and gives how long it was. */
  async function passCountDown({ timers, connections }) {
    const before = connections.length;
    let passed = 0;
    while (connections.length === before) {
      passed += timers.pass();
      await settle();
    }
    return passed;
  }

  test("is made again, later and later up to a bound, until the ID is held", async () => {
    const world = await startSession();
    const waits = [];
    for (let count = 0; count < 7; count += 1) {
      world.connections.at(-1).end(1006, "", count === 0);
      await settle();
      waits.push(await passCountDown(world));
    }
    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    world.connections.at(-1).open();
    await settle();
    world.connections.at(-1).reply("00 03 01");
    await settle();
    assert.equal(world.store.state.notice.text, "ID 1 is still held by another connection.");
    world.session.resume();
    await settle();
    world.connections.at(-1).reply("00 01 01");
    await settle();
    assert.equal(world.store.state.phase, "associated");
    assert.equal(world.store.state.retry, null);
    world.connections.at(-1).end(1006);
    assert.deepEqual(world.store.state.retry, { seconds: 1 }, "and begins anew with short waits");
  });

  test("is waited for as long as chance says", async () => {
    const world = await startSession();
    world.timers.chance = 0.25;
    world.connections[0].end(1006);
    assert.equal(await passCountDown(world), 250);
  });

  test("stays lost when the person leaves", async () => {
    const world = await startSession();
    world.connections[0].end(1006);
    world.session.leave();
    assert.equal(world.timers.waiting.length, 0);
    assert.equal(world.store.state.wanted, false);
  });
});

test("automatic fetching asks at its interval while somebody is associated", async () => {
  const { store, messenger, connection } = await startAssociated();
  const timers = new ScriptedTimers();
  new restante.AutomaticFetch(store, messenger, timers);
  store.change({ interval: 10 });
  connection.reply("01 01 01");
  await settle();
  assert.equal(timers.pass(), 10_000);
  assert.deepEqual(connection.sent, ["01 00 01", "01 00 01"]);
  connection.reply("01 01 01");
  await settle();
  connection.end(1006);
  assert.equal(timers.waiting.length, 0);
});

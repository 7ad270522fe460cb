// The page's client of restante.v2, without a page and without a network: a model of the server takes their place.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ModelServer } from "./model_v2.mjs";
import { ScriptedStorage, settle, VirtualTime } from "./scripted.mjs";
import { loadPageScripts } from "./support.mjs";

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

/** A connection of the page to the model: bytes go both ways in order, a little later, until it is cut. */
class ModelConnection extends EventTarget {
  losesRequests = false;
  losesReplies = false;
  #session = null;
  #ended = false;

  constructor(world, subprotocol) {
    super();
    queueMicrotask(() => {
      if (this.#ended) {
        return;
      }
      if (!world.isUp || (subprotocol !== null && !world.speaksV2)) {
        this.#end(1006, false);
        return;
      }
      if (subprotocol !== null) {
        this.#session = world.server.connect({ send: (bytes) => this.#later(bytes), end: (code) => this.#end(code) });
      }
      this.#tell("opened", { protocol: subprotocol ?? "" });
    });
  }

  send(bytes) {
    queueMicrotask(() => {
      if (!this.#ended && !this.losesRequests) {
        this.#session?.receive(bytes);
      }
    });
  }

  /** Bytes from a server that is not the model. */
  inject(bytes) {
    this.#later(bytes);
  }

  close() {
    this.#session?.drop();
    this.#end(1000);
  }

  /** The page is gone. The server notices that now, or never. */
  leaveBehind(isNoticed) {
    this.#ended = true;
    if (isNoticed) {
      this.#session?.drop();
    }
  }

  /** The connection breaks, and both sides notice. */
  cut(code = 1006) {
    this.#session?.drop();
    this.#end(code);
  }

  #later(bytes) {
    queueMicrotask(() => {
      if (!this.#ended && !this.losesReplies) {
        this.#tell("received", bytes);
      }
    });
  }

  #end(code, wasOpen = true) {
    if (!this.#ended) {
      this.#ended = true;
      queueMicrotask(() => this.#tell("closed", { code, reason: "", wasOpen }));
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(Object.assign(new Event(type), { detail }));
  }
}

/** One server, and people with one browser each. */
class World {
  time = new VirtualTime();
  server = new ModelServer(restante.protocolV2, this.time);
  isUp = true;
  speaksV2 = true;
  #locks = new Set();

  /** A page that is just opened. `before` is the page of the same browser that it replaces. */
  person({ local = new ScriptedStorage(), session = new ScriptedStorage() } = {}) {
    const person = { local, tab: session, connections: [], fetched: [], isOpen: true };
    const isOpen = () => person.isOpen;
    const storage = new restante.Storage(local.seenWhile(isOpen), session.seenWhile(isOpen));
    const store = new restante.Store(storage, () => this.time.now);
    const timers = {
      random: () => this.time.random(),
      after: (milliseconds, action) => this.time.after(milliseconds, () => person.isOpen && action()),
    };
    const surroundings = {
      createConnection: (address, subprotocol = null) => {
        person.connections.push(new ModelConnection(this, subprotocol));
        return person.connections.at(-1);
      },
      now: () => this.time.now,
      timers,
      originToAllow: () => null,
      packetSeen() {},
      messageFetched: (message) => person.fetched.push(message.text),
      holdAddress: async (name) => {
        if ([...this.#locks].some((held) => held.person.local === local && held.name === name)) {
          return null;
        }
        const held = { person, name };
        this.#locks.add(held);
        return () => this.#locks.delete(held);
      },
    };
    const classic = new restante.Messenger(store, surroundings);
    const v2 = new restante.MessengerV2(store, surroundings);
    const messenger = new restante.AnyMessenger(store, classic, v2);
    return Object.assign(person, { store, messenger, session: new restante.Session(store, messenger, timers) });
  }

  async opened(address, places) {
    const person = this.person(places);
    assert.equal(await person.session.associate("ws://server", address), "associated");
    await settle();
    return person;
  }

  /** The page is loaded again in the same tab, with no time to say anything, and goes on with what it was doing. */
  async loadAgain(person, { isNoticed = true } = {}) {
    const { local, tab } = person;
    person.isOpen = false;
    for (const lock of [...this.#locks].filter((held) => held.person === person)) {
      this.#locks.delete(lock);
    }
    person.connections.at(-1)?.leaveBehind(isNoticed);
    const next = this.person({ local, session: tab });
    assert.ok(next.store.restoreTab());
    await next.messenger.takeUp();
    await next.session.resume();
    await settle();
    return next;
  }
}

const outcomes = ({ store }) =>
  store.state.messages.filter(({ direction }) => direction === "sent").map(({ text, outcome }) => `${text} ${outcome}`);
const receipts = ({ store }) =>
  store.state.messages.filter(({ direction }) => direction === "sent").map(({ text, receipt }) => `${text} ${receipt}`);
const requests = (world, name) => world.server.seen.filter((request) => request.name === name);
const notice = ({ store }) => store.state.notice.text;

describe("opening an address", () => {
  test("can be called off before this tab has it, and then nothing is sent and nothing held", async () => {
    const world = new World();
    const ada = world.person();
    const result = ada.session.associate("ws://server", "ada");
    ada.session.leave();
    assert.equal(await result, "failed");
    assert.equal(ada.connections.length, 0);
    assert.equal(ada.store.state.phase, "disconnected");
    const second = world.person({ local: ada.local });
    assert.equal(await second.session.associate("ws://server", "ada"), "associated");
  });

  test("of a client ID goes on with what was said in the classic protocol", async () => {
    const world = new World();
    const local = new ScriptedStorage();
    const said = { direction: "sent", peer: 12, time: 1, reason: "", unread: false };
    const messages = [{ ...said, text: "hi", outcome: "accepted" }, { ...said, text: "lost", outcome: "waiting" }];
    new restante.Storage(local, null).saveMailbox("ws://server", 7, messages, 0);
    const ada = await world.opened("7", { local });
    assert.deepEqual(outcomes(ada), ["hi accepted", "lost unknown"]);
    assert.deepEqual(ada.store.state.messages.map(({ peer }) => peer), ["12", "12"]);
    assert.deepEqual(world.server.texts("12"), []);
  });

  test("makes it this tab's, and says what comes", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    assert.equal(ada.store.state.phase, "associated");
    assert.equal(ada.store.state.protocol, "v2");
    assert.equal(notice(ada), "You are ada. Messages come by themselves.");
    assert.equal(ada.store.state.payloadBytes, 65536);
  });

  test("that somebody else holds is refused, and the holder is not disturbed", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    const other = world.person();
    assert.equal(await other.session.associate("ws://server", "ada"), "taken");
    assert.match(notice(other), /ada is taken by somebody else/);
    assert.equal(other.store.state.wanted, false);
    assert.equal(ada.store.state.phase, "associated");
  });

  test("in a second tab of the same browser is refused before anything is sent", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    const second = world.person({ local: ada.local });
    assert.equal(await second.session.associate("ws://server", "ada"), "taken");
    assert.equal(second.connections.length, 0);
    assert.equal(notice(second), "ada is open in another tab of this browser.");
    ada.session.leave();
    await settle();
    assert.equal(await second.session.associate("ws://server", "ada"), "associated");
  });

  test("again after a reload uses the resume token, so that a connection that still stands gives way", async () => {
    const world = new World();
    let ada = await world.opened("ada");
    ada = await world.loadAgain(ada, { isNoticed: false });
    assert.equal(ada.store.state.phase, "associated");
    assert.equal(requests(world, "OPEN").at(-1).proof, 2);
  });

  test("of a server that asks for a credential asks the person for it, and remembers it while the page is open", async () => {
    const world = new World();
    world.server.credentials = { ada: "open sesame" };
    const ada = world.person();
    assert.equal(await ada.session.associate("ws://server", "ada"), "unauthorised");
    assert.equal(notice(ada), "ada needs a password or a token.");
    assert.ok(ada.store.state.asksCredential);
    assert.equal(await ada.session.associate("ws://server", "ada", { credential: "guess" }), "unauthorised");
    assert.equal(notice(ada), "That is not the password or token of ada.");
    assert.equal(await ada.session.associate("ws://server", "ada", { credential: "open sesame" }), "associated");
    ada.connections.at(-1).cut();
    await world.time.pass(60_000);
    assert.equal(ada.store.state.phase, "associated");
    const kept = JSON.stringify([...Array(ada.local.length).keys()].map((index) => ada.local.getItem(ada.local.key(index))));
    assert.ok(!kept.includes("sesame") && !ada.tab.getItem(ada.tab.key(0)).includes("sesame"));
    assert.ok(!JSON.stringify(ada.store.state.packets).includes("73 65 73 61 6d 65"), "the packets show the secret");
  });

  test("that was opened elsewhere ends the connection here, for good, and says so", async () => {
    const world = new World();
    world.server.credentials = { ada: "secret" };
    const here = world.person();
    await here.session.associate("ws://server", "ada", { credential: "secret" });
    const there = world.person();
    await there.session.associate("ws://server", "ada", { credential: "secret" });
    await world.time.pass(600_000);
    assert.equal(here.store.state.phase, "disconnected");
    assert.equal(here.store.state.wanted, false);
    assert.equal(notice(here), "ada was opened elsewhere, so you are not connected here any more.");
    assert.equal(here.connections.length, 1);
    assert.equal(there.store.state.phase, "associated");
  });

  test("every refusal ends the try, and says what it was", async () => {
    const words = new Set();
    for (const refusal of ["bad_address", "rate_limited", "limit_reached", "storage_unavailable", "going_away"]) {
      const world = new World();
      world.server.refuse = ({ name }) => (name === "OPEN" ? refusal : undefined);
      const ada = world.person();
      const result = await ada.session.associate("ws://server", "ada");
      assert.equal(result, refusal === "bad_address" ? "refused" : "failed");
      assert.equal(ada.store.state.phase, "disconnected");
      words.add(notice(ada));
    }
    assert.equal(words.size, 5);
  });
});

describe("a server without restante.v2", () => {
  test("is spoken to in the classic protocol, and the person is told", async () => {
    const world = new World();
    world.speaksV2 = false;
    const ada = world.person();
    const result = ada.session.associate("ws://server", "7");
    await settle();
    assert.equal(ada.connections.length, 2);
    ada.connections[1].inject(Uint8Array.of(0, 1, 7));
    assert.equal(await result, "associated");
    assert.equal(ada.store.state.protocol, "classic");
    assert.equal(ada.store.state.id, 7);
    assert.match(notice(ada), /This server speaks the classic protocol only\.$/);
  });

  test("knows no names", async () => {
    const world = new World();
    world.speaksV2 = false;
    const ada = world.person();
    assert.equal(await ada.session.associate("ws://server", "ada"), "nameless");
    assert.match(notice(ada), /knows no names/);
    assert.equal(ada.store.state.phase, "disconnected");
  });

  test("that is not there at all is not taken for a classic one", async () => {
    const world = new World();
    world.isUp = false;
    const ada = world.person();
    assert.equal(await ada.session.associate("ws://server", "ada"), "failed");
    assert.equal(notice(ada), "No server answered at ws://server.");
  });

  test("does not move to the classic protocol who spoke the other one before", async () => {
    const world = new World();
    const ada = await world.opened("7");
    world.speaksV2 = false;
    ada.connections.at(-1).cut();
    await world.time.pass(120_000);
    assert.equal(ada.store.state.phase, "disconnected");
    assert.ok(ada.store.state.wanted);
    world.speaksV2 = true;
    await world.time.pass(60_000);
    assert.equal(ada.store.state.phase, "associated");
    assert.equal(ada.store.state.protocol, "v2");
  });
});

describe("sending", () => {
  test("numbers messages from one on, whoever they are for", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    ada.messenger.send("bob", "one");
    ada.messenger.send("eve", "two");
    ada.messenger.send("bob", "three");
    await settle();
    assert.deepEqual(requests(world, "PUSH").map(({ sequence }) => sequence).sort(), [1, 2, 3]);
    assert.deepEqual(outcomes(ada), ["one accepted", "two accepted", "three accepted"]);
    assert.deepEqual(world.server.texts("bob"), ["one", "three"]);
  });

  test("pushes again with the same number after a connection was lost, and nothing is stored twice", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    ada.connections[0].losesReplies = true;
    ada.messenger.send("bob", "one");
    ada.messenger.send("bob", "two");
    await settle();
    assert.deepEqual(outcomes(ada), ["one waiting", "two waiting"]);
    ada.connections[0].cut();
    await world.time.pass(60_000);
    assert.deepEqual(outcomes(ada), ["one accepted", "two accepted"]);
    assert.deepEqual(world.server.texts("bob"), ["one", "two"]);
    assert.deepEqual(requests(world, "PUSH").map(({ sequence }) => sequence), [1, 1, 2]);
  });

  test("works while there is no connection, in order, and outlives a reload", async () => {
    const world = new World();
    let ada = await world.opened("ada");
    world.isUp = false;
    ada.connections[0].cut();
    await settle();
    ada.messenger.send("bob", "one");
    ada = await world.loadAgain(ada);
    ada.messenger.send("bob", "two");
    ada = await world.loadAgain(ada);
    assert.deepEqual(outcomes(ada), ["one waiting", "two waiting"]);
    world.isUp = true;
    await world.time.pass(60_000);
    assert.deepEqual(outcomes(ada), ["one accepted", "two accepted"]);
    assert.deepEqual(world.server.texts("bob"), ["one", "two"]);
  });

  test("after a reload asks again with the number that was used before it", async () => {
    const world = new World();
    let ada = await world.opened("ada");
    ada.connections[0].losesReplies = true;
    ada.messenger.send("bob", "one");
    await settle();
    ada = await world.loadAgain(ada);
    assert.deepEqual(outcomes(ada), ["one accepted"]);
    assert.deepEqual(world.server.texts("bob"), ["one"]);
  });

  test("what was not answered when the server lost everything is unknown, and is not sent again by itself", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    ada.connections[0].losesReplies = true;
    ada.messenger.send("bob", "pushed");
    await settle();
    ada.messenger.send("bob", "not pushed yet");
    ada.connections[0].losesReplies = false;
    world.server.restart();
    await world.time.pass(60_000);
    assert.deepEqual(outcomes(ada), ["pushed unknown", "not pushed yet accepted"]);
    assert.deepEqual(world.server.texts("bob"), ["not pushed yet"]);
    const [{ key, reason }] = ada.store.state.messages;
    assert.equal(reason, "the server has lost what it knew of it");
    ada.messenger.sendAgain(key);
    await settle();
    assert.deepEqual(world.server.texts("bob"), ["not pushed yet", "pushed"]);
  });

  test("a number that somebody else may have used meanwhile is not taken for one's own", async () => {
    const world = new World();
    world.server.credentials = { ada: "secret" };
    const here = world.person();
    await here.session.associate("ws://server", "ada", { credential: "secret" });
    here.connections[0].losesRequests = true;
    here.messenger.send("bob", "from here");
    await settle();
    const there = world.person();
    await there.session.associate("ws://server", "ada", { credential: "secret" });
    there.messenger.send("bob", "from there");
    await settle();
    there.session.leave();
    await settle();
    await here.session.associate("ws://server", "ada", { credential: "secret" });
    await settle();
    assert.deepEqual(world.server.texts("bob"), ["from there"]);
    assert.deepEqual(outcomes(here), ["from here unknown"]);
  });

  test("a refusal is final, and the next message is sent", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    world.server.mailboxMessages = 1;
    ada.messenger.send("bob", "fits");
    ada.messenger.send("bob", "does not fit");
    ada.messenger.send("eve", "fits too");
    await settle();
    assert.deepEqual(outcomes(ada), ["fits accepted", "does not fit refused", "fits too accepted"]);
    assert.equal(ada.store.state.messages[1].reason, "the mailbox of bob is full");
    world.server.mailboxMessages = 2;
    ada.messenger.sendAgain(ada.store.state.messages[1].key);
    await settle();
    assert.deepEqual(world.server.texts("bob"), ["fits", "does not fit"]);
  });

  test("each refusal of a message has words of its own", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    const refusals = ["malformed", "unauthorised", "bad_address", "no_such_address", "no_such_room", "not_a_member",
      "sequence_ahead", "mailbox_full", "quota_exceeded", "payload_too_large", "classic_limit", "limit_reached"];
    for (const refusal of refusals) {
      world.server.refuse = ({ name }) => (name === "PUSH" ? refusal : undefined);
      ada.messenger.send("bob", "x");
      await settle();
    }
    assert.ok(ada.store.state.messages.every(({ outcome }) => outcome === "refused"));
    assert.equal(new Set(ada.store.state.messages.map(({ reason }) => reason)).size, refusals.length);
  });

  test("a refusal that passes holds messages up, and does not lose or reorder them", async () => {
    for (const [refusal, times] of [["rate_limited", 2], ["storage_unavailable", 3], ["going_away", 2]]) {
      const world = new World();
      const ada = await world.opened("ada");
      let refused = 0;
      world.server.refuse = ({ name }) => (name === "PUSH" && (refused += 1) <= times ? refusal : undefined);
      ada.messenger.send("bob", "one");
      ada.messenger.send("bob", "two");
      await settle();
      assert.deepEqual(outcomes(ada), ["one waiting", "two waiting"]);
      await world.time.pass(60_000);
      assert.deepEqual(outcomes(ada), ["one accepted", "two accepted"]);
      assert.deepEqual(world.server.texts("bob"), ["one", "two"]);
    }
  });

  test("many refusals in a row do not lead out of the window", async () => {
    const world = new World();
    world.server.window = 4;
    const ada = await world.opened("ada");
    world.server.refuse = ({ name, receiver }) => (name === "PUSH" && receiver === "bob" ? "mailbox_full" : undefined);
    for (let count = 0; count < 20; count += 1) {
      ada.messenger.send("bob", "x");
      await settle();
    }
    ada.messenger.send("eve", "y");
    await settle();
    assert.equal(outcomes(ada).at(-1), "y accepted");
  });

  test("no number runs further ahead of an unanswered one than the window", async () => {
    const world = new World();
    world.server.window = 4;
    const ada = await world.opened("ada");
    ada.connections[0].losesReplies = true;
    for (let peer = 0; peer < 10; peer += 1) {
      ada.messenger.send(`peer${peer}`, "x");
    }
    await settle();
    assert.deepEqual(requests(world, "PUSH").map(({ sequence }) => sequence), [1, 2, 3, 4]);
    ada.connections[0].cut();
    await world.time.pass(60_000);
    assert.ok(outcomes(ada).every((outcome) => outcome === "x accepted"));
  });

  test("so many may wait, and one more is not taken", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    world.isUp = false;
    ada.connections[0].cut();
    await settle();
    for (let count = 0; count < restante.Outbox.WAITING_MAX; count += 1) {
      assert.ok(ada.messenger.send("bob", "x"));
    }
    assert.ok(!ada.messenger.send("bob", "x"));
    assert.equal(outcomes(ada).length, restante.Outbox.WAITING_MAX);
  });

  test("what waits is kept, however many messages come after it", () => {
    const message = { direction: "received", text: "x", outcome: "fetched" };
    const waiting = { direction: "sent", text: "y", outcome: "waiting" };
    const kept = restante.Storage.bounded([waiting, ...new Array(600).fill(message)]);
    assert.equal(kept.length, restante.Storage.MESSAGES_MAX + 1);
    assert.equal(kept[0], waiting);
    const long = { ...message, text: "x".repeat(400_000) };
    assert.deepEqual(restante.Storage.bounded([long, waiting, long, long]), [waiting, long, long]);
  });

  test("what the person forgot while it was on its way does not lend its number to another message", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    ada.messenger.send("bob", "one");
    ada.store.forgetEverything();
    ada.messenger.send("eve", "two");
    await settle();
    assert.deepEqual([world.server.texts("bob"), world.server.texts("eve")], [["one"], ["two"]]);
  });
});

describe("receiving", () => {
  test("shows messages as they come, with the server's time, and acknowledges them", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    const bob = await world.opened("bob");
    bob.messenger.send("ada", "one");
    bob.messenger.send("ada", "two");
    await settle();
    assert.deepEqual(ada.fetched, ["one", "two"]);
    assert.deepEqual(ada.store.state.messages.map(({ peer, direction, time, unread }) => [peer, direction, time, unread]), [
      ["bob", "received", 1, true],
      ["bob", "received", 2, true],
    ]);
    assert.deepEqual(world.server.texts("ada"), []);
  });

  test("waits instead of asking again and again", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    await world.time.pass(300_000);
    assert.ok(requests(world, "FETCH").length <= 11);
    const bob = await world.opened("bob");
    bob.messenger.send("ada", "still there?");
    await settle();
    assert.deepEqual(ada.fetched, ["still there?"]);
  });

  test("a server that does not wait is not asked more than once a second", async () => {
    const world = new World();
    world.server.after = (milliseconds, action) => world.time.after(1, action);
    await world.opened("ada");
    await world.time.pass(10_000);
    assert.ok(requests(world, "FETCH").length <= 12, `${requests(world, "FETCH").length} requests`);
  });

  test("shows once what is delivered again because its acknowledgement was lost", async () => {
    const world = new World();
    let ada = await world.opened("ada");
    const bob = await world.opened("bob");
    world.server.refuse = ({ name }) => (name === "ACK" ? "storage_unavailable" : undefined);
    bob.messenger.send("ada", "one");
    await settle();
    assert.deepEqual(world.server.texts("ada"), ["one"]);
    world.server.refuse = () => undefined;
    ada = await world.loadAgain(ada);
    assert.deepEqual(ada.store.state.messages.map(({ text }) => text), ["one"]);
    assert.deepEqual(ada.fetched, []);
    assert.deepEqual(world.server.texts("ada"), []);
  });

  test("after the server lost everything, new messages with old offsets are shown", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    let bob = await world.opened("bob");
    bob.messenger.send("ada", "before");
    await settle();
    world.server.restart();
    await world.time.pass(60_000);
    bob.messenger.send("ada", "after");
    await settle();
    assert.deepEqual(ada.fetched, ["before", "after"]);
  });

  test("bytes that are no text are shown as bytes", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    world.server.box("ada").log.add({ sender: "bob", time: 1, state: 1, payload: Uint8Array.of(0xff, 0x00) });
    world.server.changed();
    await settle();
    assert.deepEqual(ada.store.state.messages.map(({ text, hex }) => [text, hex]), [[null, "ff 00"]]);
  });

  test("a connection on which nothing comes any more is given up and made again", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    ada.connections[0].losesReplies = true;
    ada.connections[0].losesRequests = true;
    await world.time.pass(120_000);
    assert.equal(ada.connections.length, 2);
    assert.equal(ada.store.state.phase, "associated");
  });

  test("so is one on which nothing came at all", async () => {
    for (const silent of ["OPEN", "JOIN"]) {
      const world = new World();
      const ada = await world.opened("ada");
      await ada.messenger.join("#lobby");
      let ignored = 0;
      const { server } = world;
      const receive = server.connect.bind(server);
      server.connect = (peer) => {
        const session = receive(peer);
        const take = session.receive.bind(session);
        session.receive = (bytes) => {
          const isIgnored = server.decode(bytes).name === silent && (ignored += 1) === 1;
          return isIgnored ? undefined : take(bytes);
        };
        return session;
      };
      ada.connections[0].cut();
      await world.time.pass(20_000);
      assert.equal(ignored, 1);
      await world.time.pass(60_000);
      assert.equal(ignored, 2);
      assert.equal(ada.store.state.phase, "associated");
    }
  });

  test("a server that does not keep to the protocol is left", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    ada.connections[0].inject(Uint8Array.of(0x86, 0x3f));
    await settle();
    assert.match(notice(ada), /does not fit the protocol/);
    assert.equal(ada.store.state.phase, "disconnected");
  });
});

describe("receipts", () => {
  test("tell when a message was fetched and when it was acknowledged", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    ada.messenger.send("bob", "hi");
    await settle();
    assert.deepEqual(receipts(ada), ["hi waiting"]);
    world.server.refuse = ({ name }) => (name === "ACK" ? "storage_unavailable" : undefined);
    const bob = await world.opened("bob");
    assert.deepEqual(receipts(ada), ["hi fetched"]);
    world.server.refuse = () => undefined;
    await world.loadAgain(bob);
    assert.deepEqual(receipts(ada), ["hi acknowledged"]);
  });

  test("are asked for with few requests, however many messages wait", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    for (let peer = 0; peer < 40; peer += 1) {
      ada.messenger.send(`peer${peer}`, "one");
      ada.messenger.send(`peer${peer}`, "two");
      await settle();
    }
    world.server.seen = [];
    await world.time.pass(60_000);
    assert.ok(requests(world, "RECEIPT").length <= 60, `${requests(world, "RECEIPT").length} in a minute`);
    const last = await world.opened("peer39");
    assert.equal(last.fetched.length, 2);
    await world.time.pass(120_000);
    assert.deepEqual(receipts(ada).slice(-2), ["one acknowledged", "two acknowledged"]);
    assert.equal(world.server.waitsTooMany, 0);
  });
});

describe("rooms", () => {
  test("deliver to every member, with the history, and what one sent oneself is shown once", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    assert.equal(await ada.messenger.join("#lobby"), null);
    ada.messenger.send("#lobby", "first");
    await settle();
    const bob = await world.opened("bob");
    assert.equal(await bob.messenger.join("#lobby"), null);
    bob.messenger.send("#lobby", "second");
    await settle();
    assert.deepEqual(ada.store.state.messages.map(({ text, direction, sender }) => [text, direction, sender]), [
      ["first", "sent", undefined],
      ["second", "received", "bob"],
    ]);
    assert.deepEqual(bob.fetched, ["first"]);
    assert.deepEqual(bob.store.state.messages.map(({ peer, text }) => `${peer} ${text}`), ["#lobby first", "#lobby second"]);
  });

  test("show what somebody sent with another browser, also when it is the same words", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    await ada.messenger.join("#lobby");
    ada.messenger.send("#lobby", "hi");
    await settle();
    world.server.box("#lobby").log.add({ sender: "ada", time: 1, state: 1, payload: new TextEncoder().encode("hi") });
    world.server.changed();
    await settle();
    assert.deepEqual(outcomes(ada), ["hi accepted", "hi accepted"]);
  });

  test("are entered again after a reload, and show nothing twice", async () => {
    const world = new World();
    let ada = await world.opened("ada");
    const bob = await world.opened("bob");
    await ada.messenger.join("#lobby");
    await bob.messenger.join("#lobby");
    bob.messenger.send("#lobby", "one");
    await settle();
    world.server.refuse = ({ name }) => (name === "ACK" ? "storage_unavailable" : undefined);
    bob.messenger.send("#lobby", "two");
    await settle();
    ada = await world.loadAgain(ada);
    bob.messenger.send("#lobby", "three");
    await settle();
    assert.deepEqual(ada.store.state.messages.map(({ text }) => text), ["one", "two", "three"]);
  });

  test("that were joined with another browser are found by what comes from them", async () => {
    const world = new World();
    const before = await world.opened("ada");
    await before.messenger.join("#lobby");
    before.session.leave();
    await settle();
    const bob = await world.opened("bob");
    await bob.messenger.join("#lobby");
    bob.messenger.send("#lobby", "hello");
    await settle();
    const ada = await world.opened("ada");
    assert.deepEqual(ada.fetched, ["hello"]);
    assert.deepEqual(Object.keys(ada.store.state.journal.rooms), ["#lobby"]);
    assert.equal(world.server.box("#lobby").members.get("ada"), 1);
  });

  /** A room that keeps two messages, five of which were sent while ada was away. */
  async function roomOfFive() {
    const world = new World();
    world.server.roomMessages = 2;
    const ada = await world.opened("ada");
    const bob = await world.opened("bob");
    await ada.messenger.join("#lobby");
    await bob.messenger.join("#lobby");
    ada.connections[0].cut();
    for (const text of ["one", "two", "three", "four", "five"]) {
      bob.messenger.send("#lobby", text);
    }
    await settle();
    return { world, ada };
  }

  test("tell how many messages one has missed", async () => {
    const { world, ada } = await roomOfFive();
    await world.time.pass(60_000);
    const [note, ...messages] = ada.store.state.messages;
    assert.equal(note.direction, "note");
    assert.match(note.text, /^3 messages are gone/);
    assert.deepEqual(messages.map(({ text }) => text), ["four", "five"]);
  });

  /** What is said in the room to somebody who was delivered `lost` messages that did not arrive before they went. */
  async function toldAfterALoss({ lost, kept, reload = false }) {
    let { world, ada } = await roomOfFive();
    const { log, delivered } = world.server.box("#lobby");
    delivered.set("ada", log.next - 6 + lost);
    log.messages = log.messages.slice(log.messages.length - kept);
    await world.time.pass(60_000);
    if (reload) {
      ada = await world.loadAgain(ada);
      await world.time.pass(60_000);
    }
    assert.equal(world.server.box("#lobby").members.get("ada"), log.next - 1);
    return ada.store.state.messages.map(({ text }) => text.replace(" gone: the room has no space for all that you have not fetched.", ""));
  }

  test("tell of what was lost with a connection before it went, when the next message comes", async () => {
    assert.deepEqual(await toldAfterALoss({ lost: 1, kept: 2 }), ["2 messages are", "One message is", "four", "five"]);
    assert.deepEqual(await toldAfterALoss({ lost: 3, kept: 2, reload: true }), ["3 messages are", "four", "five"]);
  });

  test("tell of what was lost with a connection before it went, also when nothing comes", async () => {
    assert.deepEqual(await toldAfterALoss({ lost: 5, kept: 0 }), ["5 messages are"]);
    assert.deepEqual(await toldAfterALoss({ lost: 2, kept: 0, reload: true }), ["3 messages are", "2 messages are"]);
  });

  test("ask again where one stands when what is said to be gone may not be all", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    const bob = await world.opened("bob");
    await ada.messenger.join("#lobby");
    await bob.messenger.join("#lobby");
    ada.connections[0].cut();
    bob.messenger.send("#lobby", "delivered, lost with its connection, and gone");
    await settle();
    const { log, delivered } = world.server.box("#lobby");
    delivered.set("ada", log.next - 1);
    const end = log.next;
    // Another one comes and goes between JOINED and the FETCH after it.
    world.server.refuse = ({ name }) => {
      if (name === "FETCH" && log.next === end && ada.connections.length > 1) {
        log.next += 1;
        log.messages = [];
      }
    };
    await world.time.pass(60_000);
    assert.deepEqual(ada.store.state.messages.map(({ text }) => text.slice(0, 15)), ["One message is ", "One message is "]);
    assert.equal(world.server.box("#lobby").members.get("ada"), log.next - 1);
  });

  test("show who is a member and who is there, and tell of changes", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    const bob = await world.opened("bob");
    await ada.messenger.join("#lobby");
    await bob.messenger.join("#lobby");
    const members = () => ada.store.state.members?.members.map(({ name, present }) => `${name} ${present}`);
    assert.equal(members(), undefined);
    ada.store.change({ selected: "#lobby" });
    await settle();
    assert.deepEqual(members(), ["ada true", "bob true"]);
    bob.session.leave();
    await settle();
    assert.deepEqual(members(), ["ada true", "bob false"]);
    ada.store.change({ selected: null });
    assert.equal(members(), undefined);
    assert.ok(requests(world, "STATUS").length <= 4);
  });

  test("show their members again after the server lost them", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    await ada.messenger.join("#lobby");
    ada.store.change({ selected: "#lobby" });
    await settle();
    world.server.restart();
    await world.time.pass(60_000);
    assert.deepEqual(ada.store.state.members?.members, [{ name: "ada", present: true }]);
  });

  test("of many members are asked for page by page", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    await ada.messenger.join("#lobby");
    for (let index = 100; index < 350; index += 1) {
      world.server.box("#lobby").members.set(`member${index}`, 0);
    }
    ada.store.change({ selected: "#lobby" });
    await settle();
    assert.equal(ada.store.state.members.members.length, 251);
    assert.equal(new Set(ada.store.state.members.members.map(({ name }) => name)).size, 251);
  });

  test("can be left, and then nothing comes from them", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    const bob = await world.opened("bob");
    await ada.messenger.join("#lobby");
    await bob.messenger.join("#lobby");
    assert.equal(await ada.messenger.part("#lobby"), null);
    bob.messenger.send("#lobby", "gone?");
    await settle();
    assert.deepEqual(ada.fetched, []);
    assert.deepEqual(Object.keys(ada.store.state.journal.rooms), []);
  });

  test("that may not be joined are refused in words", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    world.server.refuse = ({ name }) => (name === "JOIN" ? "no_such_room" : undefined);
    assert.equal(await ada.messenger.join("#secret"), "there is no room #secret");
    assert.deepEqual(Object.keys(ada.store.state.journal.rooms), []);
  });

  test("are entered before anything is pushed to them, so that a server that lost them takes what waits", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    await ada.messenger.join("#lobby");
    world.server.restart();
    await settle();
    ada.messenger.send("#lobby", "one");
    await world.time.pass(60_000);
    assert.deepEqual(outcomes(ada), ["one accepted"]);
    assert.deepEqual(world.server.texts("#lobby"), ["one"]);
  });

  test("keep their place although the server is too busy to say so at first", async () => {
    const world = new World();
    const ada = await world.opened("ada");
    await ada.messenger.join("#lobby");
    let refused = 0;
    world.server.refuse = ({ name }) => (name === "JOIN" && (refused += 1) <= 1 ? "rate_limited" : undefined);
    ada.connections[0].cut();
    await world.time.pass(60_000);
    assert.equal(refused, 2);
    assert.equal(ada.store.state.phase, "associated");
    assert.deepEqual(Object.keys(ada.store.state.journal.rooms), ["#lobby"]);
  });
});

describe("through a storm of broken connections, lost replies and reloads", () => {
  /** A generator of its own, so that a seed gives the same storm everywhere. */
  function chance(seed) {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  for (let seed = 1; seed <= 40; seed += 1) {
    test(`each message arrives once and in order (seed ${seed})`, async () => {
      const dice = chance(seed);
      const world = new World();
      const people = [await world.opened("ada"), await world.opened("bob")];
      await people[0].messenger.join("#lobby");
      await people[1].messenger.join("#lobby");
      const sent = { bob: [], "#lobby": [] };
      for (let step = 0; step < 60; step += 1) {
        const who = dice(2);
        const connection = people[who].connections.at(-1);
        switch (dice(7)) {
          case 0:
            connection.losesReplies = true;
            break;
          case 1:
            connection.cut();
            break;
          case 2:
            people[who] = await world.loadAgain(people[who], { isNoticed: dice(2) === 0 });
            break;
          case 3:
            await world.time.pass(dice(4_000));
            break;
          default: {
            const receiver = dice(2) === 0 ? "bob" : "#lobby";
            sent[receiver].push(`${receiver} ${step}`);
            people[0].messenger.send(receiver, `${receiver} ${step}`);
          }
        }
        await settle();
      }
      for (const { connections } of people) {
        connections.at(-1).cut();
      }
      await world.time.pass(300_000);
      assert.ok(outcomes(people[0]).every((outcome) => outcome.endsWith(" accepted")), outcomes(people[0]).join());
      const { messages } = people[1].store.state;
      const shown = (peer) => messages.filter((message) => message.peer === peer).map(({ text }) => text);
      assert.deepEqual(shown("ada"), sent.bob);
      assert.deepEqual(shown("#lobby"), sent["#lobby"]);
      assert.deepEqual(world.server.texts("#lobby"), sent["#lobby"]);
      assert.deepEqual(world.server.texts("bob"), []);
    });
  }
});

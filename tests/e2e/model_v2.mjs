// A small server of restante.v2 in memory, for tests of the page's client without a network: the rules of
// docs/protocol.md as plainly as they can be written, and faults where a test wants them.

const REASON = Object.fromEntries(
  ["malformed", "unknown_operation", "not_open", "already_open", "unauthorised", "address_taken", "bad_address",
    "no_such_address", "no_such_room", "not_a_member", "wrong_epoch", "stale_sequence", "sequence_ahead", "mailbox_full",
    "quota_exceeded", "payload_too_large", "classic_limit", "rate_limited", "limit_reached", "storage_unavailable",
    "going_away"].map((name, index) => [name, index + 1]),
);

/** One mailbox or room: messages by offset. */
class Log {
  messages = [];
  next = 1;

  constructor(epoch) {
    this.epoch = epoch;
  }

  add(message) {
    this.messages.push({ ...message, offset: this.next });
    this.next += 1;
  }
}

export class ModelServer {
  /** Requests that came, by name. */
  seen = [];
  /** request => name of a refusal, or undefined: what a test wants to go wrong. */
  refuse = () => undefined;
  credentials = null;
  window = 256;
  mailboxMessages = 100;
  roomMessages = Infinity;
  waits = 8;
  /** Milliseconds since 1970, as far as the messages say; a test without a clock counts them instead. */
  now = null;
  /** Requests that wanted to wait although as many as are allowed did. */
  waitsTooMany = 0;
  #protocol;
  #timers;
  #boxes = new Map();
  #epochs = 0;
  #tokens = 0;

  constructor(protocol, timers) {
    this.#protocol = protocol;
    this.#timers = timers;
  }

  /** Forgets everything, as a server with its mailboxes in memory does when it starts again. */
  restart() {
    for (const box of this.#boxes.values()) {
      box.holder?.close(1001);
    }
    this.#boxes.clear();
  }

  /** A connection: give it bytes by receive(), end it by drop(); `peer` has send(bytes) and end(code). */
  connect(peer) {
    return new Session(this, peer);
  }

  /** The payloads that are in this mailbox or room, as text. */
  texts(address) {
    return this.box(address).log.messages.map(({ payload }) => new TextDecoder().decode(payload));
  }

  box(address) {
    if (!this.#boxes.has(address)) {
      this.#epochs += 1;
      const log = new Log(this.#epochs.toString(16).padStart(16, "0"));
      this.#boxes.set(address, {
        address, log, holder: null, token: null, accepted: new Map(), highest: 0, rooms: new Set(),
        members: new Map(), delivered: new Map(), version: 1, acknowledged: 0,
      });
    }
    return this.#boxes.get(address);
  }

  has(address) {
    return this.#boxes.has(address);
  }

  encode(packet) {
    return this.#protocol.encode(packet);
  }

  decode(bytes) {
    return this.#protocol.decode(bytes);
  }

  after(milliseconds, action) {
    return this.#timers.after(milliseconds, action);
  }

  newToken() {
    this.#tokens += 1;
    return this.#tokens.toString(16).padStart(32, "0");
  }

  isBad(address) {
    return this.#protocol.addressKind(address) === "bad";
  }

  /** Lets every request that waits look again. */
  changed() {
    for (const box of [...this.#boxes.values()]) {
      box.holder?.look();
    }
  }
}

class Session {
  box = null;
  #server;
  #peer;
  #cursors = new Map();
  #waiting = new Set();

  constructor(server, peer) {
    this.#server = server;
    this.#peer = peer;
  }

  receive(bytes) {
    const request = this.#server.decode(bytes);
    this.#server.seen.push(request);
    const refusal = this.#server.refuse(request) ?? this[request.name.toLowerCase()](request);
    if (refusal !== undefined) {
      this.#refuse(request, refusal);
    }
    this.#server.changed();
  }

  /** The connection ends; 4001 and others are said to the client, a fault is not. */
  close(code) {
    this.drop();
    this.#peer.end(code);
  }

  drop() {
    if (this.box?.holder === this) {
      this.box.holder = null;
      this.#touchRooms();
    }
    for (const wait of this.#waiting) {
      wait.callOff();
    }
    this.#waiting.clear();
    this.box = null;
    this.#server.changed();
  }

  look() {
    for (const wait of [...this.#waiting]) {
      if (this.#waiting.has(wait) && wait.answer(false)) {
        this.#waiting.delete(wait);
        wait.callOff();
      }
    }
  }

  #reply(packet) {
    this.#peer.send(this.#server.encode(packet));
  }

  #refuse({ tag }, name) {
    this.#reply({ name: "REFUSED", tag, reason: REASON[name], ignored: new Uint8Array(0) });
  }

  /** Answers now, or when `answer(isLate)` says that it has answered; at the end of the wait it must. */
  #wait(milliseconds, answer) {
    if (answer(milliseconds === 0)) {
      return;
    }
    if (this.#waiting.size >= this.#server.waits) {
      this.#server.waitsTooMany += 1;
    }
    const wait = { answer };
    wait.callOff = this.#server.after(milliseconds, () => {
      this.#waiting.delete(wait);
      answer(true);
    });
    this.#waiting.add(wait);
  }

  #touchRooms() {
    for (const room of this.box.rooms) {
      this.#server.box(room).version += 1;
    }
  }

  open({ tag, address, proof, secret }) {
    const server = this.#server;
    if (server.credentials !== null) {
      if (proof !== 1 || server.credentials[address] !== new TextDecoder().decode(secret)) {
        return "unauthorised";
      }
    }
    if (server.isBad(address) || address.startsWith("#")) {
      return "bad_address";
    }
    const box = server.box(address);
    const token = Array.from(secret, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (box.holder !== null && server.credentials === null && token !== box.token) {
      return "address_taken";
    }
    box.holder?.close(4001);
    box.token = server.newToken();
    box.holder = this;
    this.box = box;
    this.#touchRooms();
    this.#reply({
      name: "OPENED", tag, flags: 0, epoch: box.log.epoch, depth: box.log.messages.length,
      firstUnacknowledgedOffset: box.acknowledged + 1, highestSequence: box.highest, window: server.window,
      payloadBytes: 65536, mailboxMessages: server.mailboxMessages, mailboxBytes: 1 << 20, waits: server.waits,
      resumeToken: box.token,
    });
  }

  push({ tag, receiver, sequence, payload }) {
    const { box } = this;
    if (sequence > 0 && box.accepted.has(sequence)) {
      this.#reply({ name: "ACCEPTED", tag, flags: 1 });
      return undefined;
    }
    if (sequence > 0 && sequence <= box.highest - this.#server.window) {
      return "stale_sequence";
    }
    if (sequence > box.highest + this.#server.window) {
      return "sequence_ahead";
    }
    if (this.#server.isBad(receiver)) {
      return "bad_address";
    }
    const isRoom = receiver.startsWith("#");
    if (isRoom && !box.rooms.has(receiver)) {
      return this.#server.has(receiver) ? "not_a_member" : "no_such_room";
    }
    const target = this.#server.box(receiver);
    if (!isRoom && target.log.messages.length >= this.#server.mailboxMessages) {
      return "mailbox_full";
    }
    const message = { sender: box.address, payload, state: 1, time: this.#server.now?.() ?? target.log.next };
    target.log.add(message);
    if (isRoom && target.log.messages.length > this.#server.roomMessages) {
      target.log.messages.shift();
    }
    if (sequence > 0) {
      box.accepted.set(sequence, { target, offset: target.log.next - 1, state: 1 });
      box.highest = Math.max(box.highest, sequence);
    }
    this.#reply({ name: "ACCEPTED", tag, flags: 0 });
    return undefined;
  }

  /** Where the delivery of a source goes on. */
  #cursor(source) {
    const first = source === "" ? this.box.acknowledged : this.#server.box(source).members.get(this.box.address);
    return Math.max(this.#cursors.get(source) ?? 0, first) + 1;
  }

  #log(source) {
    return source === "" ? this.box.log : this.#server.box(source).log;
  }

  fetch({ tag, source, epoch, messages, wait }) {
    const own = source === "*" || source === "";
    if (!own && !this.box.rooms.has(source)) {
      return "not_a_member";
    }
    if (epoch !== (own ? this.box : this.#server.box(source)).log.epoch) {
      return "wrong_epoch";
    }
    this.#wait(wait, (isLate) => {
      const sources = source === "*" ? ["", ...this.box.rooms] : [source];
      let delivered = 0;
      for (const from of sources) {
        delivered += this.#deliver(tag, from, messages - delivered);
      }
      if (delivered === 0 && !isLate) {
        return false;
      }
      const remaining = sources.reduce((sum, from) => sum + this.#log(from).next - this.#cursor(from), 0);
      this.#reply({ name: "FETCHED", tag, delivered, remaining });
      return true;
    });
    return undefined;
  }

  #deliver(tag, source, most) {
    const log = this.#log(source);
    const cursor = this.#cursor(source);
    const first = log.messages[0]?.offset ?? log.next;
    const { delivered } = source === "" ? this.box : this.#server.box(source);
    const told = Math.max(cursor, (delivered.get(this.box.address) ?? -1) + 1);
    if (most > 0 && source !== "" && first > told) {
      this.#reply({ name: "MISSED", tag, room: source, count: first - told });
      delivered.set(this.box.address, first - 1);
    }
    if (most > 0 && first > cursor) {
      this.#cursors.set(source, first - 1);
    }
    const due = log.messages.filter(({ offset }) => offset >= cursor).slice(0, most);
    for (const { offset, time, sender, payload } of due) {
      this.#reply({ name: "MESSAGE", tag, source, offset, time, sender, payload });
      this.#cursors.set(source, offset);
      delivered.set(this.box.address, Math.max(delivered.get(this.box.address) ?? -1, offset));
      this.#mark(log, offset, 2);
    }
    return due.length;
  }

  #mark(log, offset, state) {
    const { sender } = log.messages.find((message) => message.offset === offset);
    for (const receipt of this.#server.box(sender).accepted.values()) {
      if (receipt.target.log === log && receipt.offset === offset) {
        receipt.state = Math.max(receipt.state, state);
      }
    }
  }

  ack({ tag, source, epoch, offset }) {
    const log = this.#log(source);
    if (epoch !== log.epoch) {
      return "wrong_epoch";
    }
    if (offset >= this.#cursor(source)) {
      return "malformed";
    }
    for (const message of log.messages.filter((candidate) => candidate.offset <= offset)) {
      this.#mark(log, message.offset, 3);
    }
    if (source === "") {
      log.messages = log.messages.filter((message) => message.offset > offset);
      this.box.acknowledged = Math.max(this.box.acknowledged, offset);
    } else {
      const { members } = this.#server.box(source);
      members.set(this.box.address, Math.max(members.get(this.box.address), offset));
    }
    this.#reply({ name: "ACKED", tag });
    return undefined;
  }

  receipt({ tag, sequence, knownState, wait }) {
    this.#wait(wait, (isLate) => {
      const state = this.box.accepted.get(sequence)?.state ?? 0;
      if (state === knownState && !isLate) {
        return false;
      }
      this.#reply({ name: "STATE", tag, state });
      return true;
    });
  }

  join({ tag, room }) {
    if (this.#server.isBad(room) || !room.startsWith("#")) {
      return "bad_address";
    }
    const { log, members } = this.#server.box(room);
    if (!members.has(this.box.address)) {
      members.set(this.box.address, (log.messages[0]?.offset ?? log.next) - 1);
      this.box.rooms.add(room);
      this.#server.box(room).version += 1;
    }
    const firstKeptOffset = log.messages[0]?.offset ?? log.next;
    const cursor = members.get(this.box.address) + 1;
    this.#reply({ name: "JOINED", tag, epoch: log.epoch, firstKeptOffset, cursor, nextOffset: log.next });
    return undefined;
  }

  leave({ tag, room }) {
    if (!this.box.rooms.delete(room)) {
      return "not_a_member";
    }
    this.#server.box(room).members.delete(this.box.address);
    this.#server.box(room).version += 1;
    this.#reply({ name: "LEFT", tag });
    return undefined;
  }

  status({ tag, source, knownVersion, after, members: most, wait }) {
    if (!this.box.rooms.has(source)) {
      return "not_a_member";
    }
    this.#wait(wait, (isLate) => {
      const { version, members } = this.#server.box(source);
      if (version === knownVersion && !isLate) {
        return false;
      }
      const names = [...members.keys()].sort().filter((name) => name > after);
      const page = names.slice(0, most).map((name) => ({ name, present: this.#server.box(name).holder !== null }));
      const more = names.length > page.length ? 1 : 0;
      this.#reply({ name: "MEMBERS", tag, version, membersInAll: members.size, more, members: page });
      return true;
    });
    return undefined;
  }
}

// Requests and replies of restante.v2 over one connection: gives each request a tag, and each reply to its request.
"use strict";

globalThis.restante ??= {};

/**
 * `connection` is open and speaks restante.v2. `packetSeen(direction, packet, bytes)` is told of every packet; the packet
 * is null where the server sent something else. Event "unfit": the server did so, and nothing more can be said to it.
 */
restante.Exchange = class Exchange extends EventTarget {
  /** Replies that do not end their request. */
  static #PARTS = ["MESSAGE", "MISSED"];

  #connection;
  #packetSeen;
  #waiting = new Map();
  #lastTag = 0;
  #ended = false;

  constructor(connection, packetSeen) {
    super();
    this.#connection = connection;
    this.#packetSeen = packetSeen;
    connection.addEventListener("received", ({ detail }) => this.#receive(detail));
    connection.addEventListener("closed", () => this.end());
  }

  /**
   * Resolves to the reply that ends the request, which may be REFUSED; `onPart` is told of those before it. Rejects with
   * ConnectionLost when the connection ends first.
   */
  request(packet, onPart = () => {}) {
    if (this.#ended) {
      return Promise.reject(new restante.ConnectionLost());
    }
    const request = { ...packet, tag: this.#freeTag() };
    const bytes = restante.protocolV2.encode(request);
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.tag, { request, onPart, resolve, reject });
      this.#packetSeen("sent", request, bytes);
      this.#connection.send(bytes);
    });
  }

  /** Nothing that arrives from now on is listened to. Whoever waits for a reply is told that none will come. */
  end() {
    this.#ended = true;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) {
      reject(new restante.ConnectionLost());
    }
  }

  #freeTag() {
    do {
      this.#lastTag = (this.#lastTag % restante.protocolV2.TAG_MAX) + 1;
    } while (this.#waiting.has(this.#lastTag));
    return this.#lastTag;
  }

  #receive(bytes) {
    if (this.#ended) {
      return;
    }
    const reply = bytes && restante.protocolV2.decodeReply(bytes);
    this.#packetSeen("received", reply, bytes ?? new Uint8Array(0));
    const asked = reply && this.#waiting.get(reply.tag);
    if (!asked || !restante.protocolV2.answers(reply, asked.request)) {
      this.end();
      this.dispatchEvent(new Event("unfit"));
      return;
    }
    if (Exchange.#PARTS.includes(reply.name)) {
      asked.onPart(reply);
    } else {
      this.#waiting.delete(reply.tag);
      asked.resolve(reply);
    }
  }
};

/**
 * Asks the same again and again as long as `ask` resolves to true. A server may answer at once what was to wait; then
 * the next question comes no sooner than PAUSE_MS after the one before, unless the answer said something new.
 */
restante.askAgain = async (surroundings, ask) => {
  const PAUSE_MS = 1_000;
  for (;;) {
    const begin = surroundings.now();
    const { goOn, isNews } = await ask();
    if (!goOn) {
      return;
    }
    const early = begin + PAUSE_MS - surroundings.now();
    if (!isNews && early > 0) {
      await new Promise((resolve) => surroundings.timers.after(early, resolve));
    }
  }
};

// Which protocol is spoken: the newest that the server knows, or the classic one where the person wants it so.
"use strict";

globalThis.restante ??= {};

/**
 * Has what the two messengers have, and passes it on to the one whose protocol is spoken. Event "lost" as there.
 *
 * A browser that offers a subprotocol gets no connection at all from a server that knows none, and is not told why. So
 * where the offer fails, the page connects once more without it.
 */
restante.AnyMessenger = class AnyMessenger extends EventTarget {
  #store;
  #classic;
  #v2;
  #active = null;

  constructor(store, classic, v2) {
    super();
    this.#store = store;
    this.#classic = classic;
    this.#v2 = v2;
    for (const messenger of [classic, v2]) {
      messenger.addEventListener("lost", () => this.dispatchEvent(new Event("lost")));
    }
  }

  /**
   * `id` is a number where the classic protocol is wanted, and an address otherwise. Resolves to what the messengers'
   * associate() resolves to, except "unspoken".
   */
  async associate(server, id, { again = false, credential = "" } = {}) {
    if (typeof id === "number") {
      this.#speak(this.#classic, this.#v2);
      return this.#classic.associate(server, id, { again });
    }
    this.#speak(this.#v2, this.#classic);
    const result = await this.#v2.associate(server, id, { again, credential });
    if (result !== "unspoken") {
      return result;
    }
    if (again) {
      // Who spoke the better protocol with this server is not moved to the other one behind their back.
      this.#store.notify(`No server answered at ${server}.`, "bad");
      return "failed";
    }
    return this.#associateClassic(server, id);
  }

  leave() {
    this.#current.leave();
  }

  send(receiver, text) {
    return this.#current.send(receiver, text);
  }

  sendAgain(key) {
    return this.#current.sendAgain(key);
  }

  /** Only the classic protocol has to be asked each time. */
  async fetch(count, options) {
    if (this.#current === this.#classic) {
      await this.#classic.fetch(count, options);
    }
  }

  join(room) {
    return this.#v2.join(room);
  }

  part(room) {
    return this.#v2.part(room);
  }

  takeUp() {
    return this.#current === this.#v2 ? this.#v2.takeUp() : undefined;
  }

  get #current() {
    return this.#active ?? (typeof this.#store.state.id === "number" ? this.#classic : this.#v2);
  }

  #speak(messenger, other) {
    other.abandon();
    this.#active = messenger;
  }

  async #associateClassic(server, address) {
    this.#speak(this.#classic, this.#v2);
    if (!(await this.#classic.reaches(server))) {
      return "failed";
    }
    if (restante.protocolV2.addressKind(address) !== "classic") {
      this.#classic.abandon();
      const words = "This server speaks the classic protocol, which knows no names. Choose a number from 0 to 255.";
      this.#store.notify(words, "bad");
      return "nameless";
    }
    const result = await this.#classic.associate(server, Number(address));
    if (result === "associated") {
      this.#store.notify(`${this.#store.state.notice.text} This server speaks the classic protocol only.`, "good");
    }
    return result;
  }
};

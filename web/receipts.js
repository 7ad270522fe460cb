// What became of messages that were sent with restante.v2: whether they were fetched, and whether acknowledged.
"use strict";

globalThis.restante ??= {};

/**
 * Messages that were accepted have a `receipt`, one of restante.protocolV2.STATES. Mailboxes are emptied in order, so it
 * is enough to ask of each peer for the oldest message that was not fetched and the oldest one that was not acknowledged.
 */
restante.Receipts = class Receipts {
  /** Requests that may wait at the same time; the server says how many it allows in all. */
  static #WAITS_MAX = 6;
  /** Waits that others need: one for messages, one for members, one to spare. */
  static #WAITS_OF_OTHERS = 3;
  static #WAIT_MS = 30_000;
  static #SHORT_WAIT_MS = 5_000;
  static #PAUSE_MS = 2_000;

  #store;
  #surroundings;
  #exchange = null;
  #slots = 0;
  #asked = new Set();
  #resting = new Set();
  /** When each was asked for last, as a count of requests: whoever was not asked for longest has the next turn. */
  #turns = new Map();
  #turn = 0;

  constructor(store, surroundings) {
    this.#store = store;
    this.#surroundings = surroundings;
    store.addEventListener("change", () => this.#fill());
  }

  start(exchange, { waits }) {
    this.stop();
    this.#slots = Math.max(1, Math.min(Receipts.#WAITS_MAX, waits - Receipts.#WAITS_OF_OTHERS));
    this.#exchange = exchange;
    this.#fill();
  }

  stop() {
    this.#exchange = null;
    this.#asked.clear();
    this.#resting.clear();
    this.#turns.clear();
  }

  /** The messages to ask for, those first that were not asked for last. */
  #candidates() {
    const oldest = new Map();
    for (const message of this.#store.state.messages) {
      const isOpen = message.outcome === "accepted" && Number.isInteger(message.sequence);
      if (isOpen && (message.receipt === "waiting" || message.receipt === "fetched")) {
        const name = `${message.receipt} ${message.peer}`;
        oldest.set(name, oldest.get(name) ?? message);
      }
    }
    const turnOf = ({ sequence }) => this.#turns.get(sequence) ?? 0;
    return [...oldest.values()].sort((left, right) => turnOf(left) - turnOf(right));
  }

  #fill() {
    if (this.#exchange === null || this.#asked.size >= this.#slots) {
      return;
    }
    const candidates = this.#candidates();
    const wait = candidates.length > this.#slots ? Receipts.#SHORT_WAIT_MS : Receipts.#WAIT_MS;
    for (const message of candidates) {
      const isFree = this.#asked.size < this.#slots;
      if (isFree && !this.#asked.has(message.sequence) && !this.#resting.has(message.sequence)) {
        this.#ask(message, wait);
      }
    }
  }

  async #ask({ key, sequence, receipt }, wait) {
    const exchange = this.#exchange;
    const knownState = restante.protocolV2.STATES.indexOf(receipt);
    this.#asked.add(sequence);
    this.#turn += 1;
    this.#turns.set(sequence, this.#turn);
    try {
      const reply = await exchange.request({ name: "RECEIPT", sequence, knownState, wait });
      if (exchange !== this.#exchange) {
        return;
      }
      this.#asked.delete(sequence);
      const state = reply.name === "STATE" ? restante.protocolV2.STATES[reply.state] : receipt;
      if (state === receipt || state === undefined) {
        this.#rest(exchange, sequence);
      } else {
        this.#turns.delete(sequence);
        this.#store.changeMessage(key, { receipt: state });
      }
    } catch (error) {
      restante.expectConnectionLost(error);
    }
  }

  /** Nothing new, or a refusal: others have their turn, and this one is asked for again a little later. */
  #rest(exchange, sequence) {
    this.#resting.add(sequence);
    this.#surroundings.timers.after(Receipts.#PAUSE_MS, () => {
      if (exchange === this.#exchange) {
        this.#resting.delete(sequence);
        this.#fill();
      }
    });
    this.#fill();
  }
};

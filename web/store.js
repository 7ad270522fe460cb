// Everything that the page shows. Views read it and never keep state of their own; only the messenger changes it.
"use strict";

globalThis.restante ??= {};

/**
 * `state` is immutable: a change makes a new object, in which parts that did not change are the same objects as before.
 * Event "change" follows each change.
 *
 * phase: "disconnected", "connecting", "connected" (no ID yet) or "associated".
 * id: the client ID that is held or was held last, or null.
 * notice: {text, tone: "calm" | "good" | "bad"}, what happened last.
 * messages: {key, direction: "sent" | "received", peer, text, time, outcome, reason}; outcome is "waiting", "accepted",
 *   "refused" or "unknown" for what was sent, and "fetched" for what was received; text is null for bytes that are no
 *   text, and then hex holds them.
 * packets: {key, direction, hex, meaning, time}, the last PACKETS_MAX.
 */
restante.Store = class Store extends EventTarget {
  static PACKETS_MAX = 300;

  #nextKey = 1;
  #state = Object.freeze({
    phase: "disconnected",
    id: null,
    notice: { text: "Choose a client ID to begin.", tone: "calm" },
    messages: [],
    packets: [],
  });

  get state() {
    return this.#state;
  }

  change(changes) {
    this.#state = Object.freeze({ ...this.#state, ...changes });
    this.dispatchEvent(new Event("change"));
  }

  notify(text, tone = "calm") {
    this.change({ notice: { text, tone } });
  }

  /** Returns the key by which the message can be changed. */
  addMessage(message) {
    const key = this.#nextKey++;
    this.change({ messages: [...this.#state.messages, Object.freeze({ reason: "", ...message, key })] });
    return key;
  }

  changeMessage(key, changes) {
    this.change({
      messages: this.#state.messages.map((message) =>
        message.key === key ? Object.freeze({ ...message, ...changes }) : message,
      ),
    });
  }

  addPacket(packet) {
    const kept = this.#state.packets.slice(-(Store.PACKETS_MAX - 1));
    this.change({ packets: [...kept, Object.freeze({ ...packet, key: this.#nextKey++ })] });
  }
};

// What the page does without being asked each time: get an ID back when the connection was lost, and fetch messages.
// Time and chance come from outside: `timers` has random() from 0 to 1, and after(milliseconds, action), which returns
// a function that calls it off.
"use strict";

globalThis.restante ??= {};

/**
 * Keeps the person associated, from associate() or resume() to leave(). Tries again with exponential backoff and full
 * jitter, so that many pages which lost one server do not come back all at once.
 */
restante.Session = class Session {
  static FIRST_BOUND_MS = 1_000;
  static LAST_BOUND_MS = 30_000;

  #store;
  #messenger;
  #timers;
  #tries = 0;
  #callOff = () => {};
  #trying = false;

  constructor(store, messenger, timers) {
    this.#store = store;
    this.#messenger = messenger;
    this.#timers = timers;
    messenger.addEventListener("lost", () => this.#planTry());
  }

  /** The first try, which a person watches: when it fails, that is said, and not repeated. Resolves to how it went. */
  async associate(server, id, options) {
    if (this.#trying) {
      return "failed";
    }
    this.#trying = true;
    const result = await this.#messenger.associate(server, id, options);
    this.#trying = false;
    this.#tries = 0;
    this.#store.change({ wanted: result === "associated" });
    return result;
  }

  /** Gets back the ID that the store names. Also what a person may ask for instead of waiting for the next try. */
  async resume() {
    if (this.#trying || this.#store.state.phase === "associated") {
      return;
    }
    this.#trying = true;
    this.#callOff();
    this.#store.change({ wanted: true, retry: null });
    const { server, id } = this.#store.state;
    const result = await this.#messenger.associate(server, id, { again: true });
    this.#trying = false;
    if (result === "associated") {
      this.#tries = 0;
    } else if (result === "refused" || result === "unauthorised") {
      this.#store.change({ wanted: false });
    } else if (this.#store.state.wanted) {
      this.#planTry();
    }
  }

  leave() {
    this.#callOff();
    this.#store.change({ wanted: false, retry: null });
    this.#messenger.leave();
    if (this.#store.state.phase === "disconnected") {
      this.#store.notify("Not connected. Your mailbox stays on the server.");
    }
  }

  #planTry() {
    const bound = Math.min(Session.FIRST_BOUND_MS * 2 ** this.#tries, Session.LAST_BOUND_MS);
    this.#tries = Math.min(this.#tries + 1, 16);
    this.#countDown(Math.ceil(this.#timers.random() * bound));
  }

  #countDown(milliseconds) {
    if (milliseconds <= 0) {
      this.resume();
      return;
    }
    this.#store.change({ retry: { seconds: Math.ceil(milliseconds / 1000) } });
    const step = milliseconds % 1000 || 1000;
    this.#callOff = this.#timers.after(step, () => this.#countDown(milliseconds - step));
  }
};

/**
 * Fetches everything again and again, where the protocol has to be asked each time, while the person is associated and
 * the store says at which interval.
 */
restante.AutomaticFetch = class AutomaticFetch {
  /** The intervals to choose from, in seconds; 0 means not to fetch. */
  static INTERVALS = [0, 2, 10, 60];

  #store;
  #messenger;
  #timers;
  #interval = 0;
  #turn = 0;
  #callOff = () => {};

  constructor(store, messenger, timers) {
    this.#store = store;
    this.#messenger = messenger;
    this.#timers = timers;
    store.addEventListener("change", () => this.#follow());
  }

  #follow() {
    const { phase, protocol, interval } = this.#store.state;
    const isAsked = phase === "associated" && protocol === "classic";
    const wanted = isAsked && AutomaticFetch.INTERVALS.includes(interval) ? interval : 0;
    if (wanted === this.#interval) {
      return;
    }
    this.#interval = wanted;
    this.#callOff();
    this.#turn += 1;
    if (wanted > 0) {
      this.#fetch(wanted, this.#turn);
    }
  }

  async #fetch(interval, turn) {
    await this.#messenger.fetch(restante.protocol.MAILBOX_MESSAGES_MAX, { quiet: true });
    // Somebody may have chosen otherwise in the meantime.
    if (this.#turn === turn) {
      this.#callOff = this.#timers.after(interval * 1000, () => this.#fetch(interval, turn));
    }
  }
};

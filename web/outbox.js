// What is to be sent with restante.v2. The outbox is the messages of the store that wait: each is pushed with a number,
// and again with the same one after a connection was lost, until the server says what became of it.
"use strict";

globalThis.restante ??= {};

/**
 * In the journal: `highest` is the highest number that the server is known to have accepted from this address in this
 * epoch, `used` the highest one that this page has used, `foreign` whether somebody else has used the address meanwhile.
 * A message that waits has a `sequence` from its first push on.
 */
restante.Outbox = class Outbox {
  /** Messages that may wait at the same time, so that a browser that stays offline is not filled. */
  static WAITING_MAX = 100;
  static #IN_FLIGHT_MAX = 16;
  static #FIRST_PAUSE_MS = 1_000;
  static #LAST_PAUSE_MS = 30_000;
  /** Refusals that say nothing about the message: it is pushed again, with the same number. */
  static #PASSING = ["rate_limited", "storage_unavailable", "going_away"];

  #store;
  #surroundings;
  #exchange = null;
  #window = 0;
  #inFlight = new Map();
  #refusedInARow = 0;
  #callOff = null;

  constructor(store, surroundings) {
    this.#store = store;
    this.#surroundings = surroundings;
  }

  get isFull() {
    return this.#waiting().length >= Outbox.WAITING_MAX;
  }

  /** Settles what can not be known any more. What waits is sent by push(), once all rooms were asked to be entered. */
  start(exchange, opened) {
    this.stop();
    this.#exchange = exchange;
    this.#window = opened.window;
    this.#takeUp(opened);
  }

  stop() {
    this.#exchange = null;
    this.#inFlight.clear();
    this.#callOff?.();
    this.#callOff = null;
    this.#refusedInARow = 0;
  }

  /** Somebody else has opened this address, so that numbers above the highest one may be theirs. */
  suspectOthers() {
    if (this.#store.state.journal !== null) {
      this.#store.changeJournal({ foreign: true });
    }
  }

  /** Pushes what waits and may be pushed now: one message to each receiver, so that none overtakes another. */
  push() {
    if (this.#exchange === null || this.#callOff !== null) {
      return;
    }
    const receivers = new Set([...this.#inFlight.values()].map(({ peer }) => peer));
    for (const message of this.#waiting()) {
      if (this.#inFlight.size >= Outbox.#IN_FLIGHT_MAX) {
        return;
      }
      if (receivers.has(message.peer)) {
        continue;
      }
      receivers.add(message.peer);
      const sequence = message.sequence ?? this.#nextSequence();
      if (sequence === null) {
        return;
      }
      this.#pushOne(message, sequence);
    }
  }

  #waiting() {
    return this.#store.state.messages.filter(({ direction, outcome }) => direction === "sent" && outcome === "waiting");
  }

  /** What OPENED says of the numbers decides what is known of messages that were pushed and not answered. */
  #takeUp({ epoch, highestSequence, firstUnacknowledgedOffset }) {
    const before = this.#store.state.journal;
    const journal = { epoch, highest: highestSequence, foreign: false };
    if (before?.epoch !== epoch) {
      // With the first journal ever, no message has a number yet.
      const handled = firstUnacknowledgedOffset - 1;
      const reason = "the server has lost what it knew of it";
      this.#store.changeMessages((message) => Outbox.#withoutNumber(message, () => true, reason), {
        ...journal,
        used: highestSequence,
        handled,
        rooms: before?.rooms ?? {},
      });
      return;
    }
    const isForeign = before.foreign || highestSequence > before.used;
    const reason = "this address was opened elsewhere meanwhile";
    this.#store.changeMessages(
      (message) => (isForeign ? Outbox.#withoutNumber(message, (number) => number <= highestSequence, reason) : null),
      { ...journal, used: Math.max(before.used, highestSequence) },
    );
  }

  static #withoutNumber(message, isLost, reason) {
    if (!Number.isInteger(message.sequence) || !isLost(message.sequence)) {
      return null;
    }
    return message.outcome === "waiting" ? { outcome: "unknown", reason, sequence: null } : { sequence: null };
  }

  /**
   * The lowest number above the highest accepted one that nothing unanswered has, or null when the window is used up.
   * A number that was refused was not used, and is taken again: else many refusals would lead out of the window.
   */
  #nextSequence() {
    const unanswered = [...this.#inFlight.keys()];
    for (const { sequence } of this.#waiting()) {
      if (Number.isInteger(sequence)) {
        unanswered.push(sequence);
      }
    }
    let next = this.#store.state.journal.highest + 1;
    while (unanswered.includes(next)) {
      next += 1;
    }
    return unanswered.every((number) => next < number + this.#window) ? next : null;
  }

  async #pushOne({ key, peer, text }, sequence) {
    const exchange = this.#exchange;
    // Kept before it is sent, so that a page that is closed now asks for the same number again.
    const used = Math.max(this.#store.state.journal.used, sequence);
    this.#store.changeMessage(key, { sequence }, { used });
    this.#inFlight.set(sequence, { peer });
    try {
      const payload = new TextEncoder().encode(text);
      const reply = await exchange.request({ name: "PUSH", receiver: peer, sequence, timeToLive: 0, payload });
      if (exchange === this.#exchange) {
        this.#inFlight.delete(sequence);
        this.#settle(key, peer, sequence, reply);
        this.push();
      }
    } catch (error) {
      restante.expectConnectionLost(error);
    }
  }

  #settle(key, peer, sequence, reply) {
    if (reply.name === "ACCEPTED") {
      this.#refusedInARow = 0;
      const highest = Math.max(this.#store.state.journal.highest, sequence);
      // A room delivers to its sender too, so that its receipts say nothing of anybody else.
      const receipt = restante.protocolV2.isRoom(peer) ? {} : { receipt: "waiting" };
      this.#store.changeMessage(key, { outcome: "accepted", reason: "", ...receipt }, { highest });
      return;
    }
    const refusal = restante.protocolV2.refusalName(reply.reason);
    if (Outbox.#PASSING.includes(refusal)) {
      this.#pause();
      return;
    }
    this.#refusedInARow = 0;
    // The number is too old for the server to say whether it was accepted.
    const outcome = refusal === "stale_sequence" ? "unknown" : "refused";
    const reason = restante.refusalWords(refusal, peer);
    this.#store.changeMessage(key, { outcome, reason, sequence: null });
    this.#store.notify(`${outcome === "refused" ? "Not stored" : "Not known to be stored"}: ${reason}.`, "bad");
  }

  #pause() {
    const bound = Math.min(Outbox.#FIRST_PAUSE_MS * 2 ** this.#refusedInARow, Outbox.#LAST_PAUSE_MS);
    this.#refusedInARow = Math.min(this.#refusedInARow + 1, 16);
    this.#callOff?.();
    const { timers } = this.#surroundings;
    this.#callOff = timers.after(Math.ceil((bound * (1 + timers.random())) / 2), () => {
      this.#callOff = null;
      this.push();
    });
  }
};

/** What a refusal means to a person who wanted something of `peer`. */
restante.refusalWords = (refusal, peer) => {
  const words = {
    unauthorised: `you may not do this with ${peer}`,
    bad_address: `${peer} cannot be an address`,
    address_taken: `${peer} is open elsewhere`,
    no_such_address: `nobody can receive as ${peer}`,
    no_such_room: `there is no room ${peer}`,
    not_a_member: `you are no member of ${peer}`,
    stale_sequence: "the server cannot tell any more",
    sequence_ahead: "the server has lost count of your messages",
    mailbox_full: `the mailbox of ${peer} is full`,
    quota_exceeded: `too many of your messages wait for ${peer}`,
    payload_too_large: "it is longer than the server allows",
    classic_limit: `${peer} has a client of the classic protocol, which this does not fit`,
    rate_limited: "the server asks for more time between requests",
    limit_reached: "a limit of the server is reached",
    storage_unavailable: "the server cannot store anything at present",
    going_away: "the server is shutting down",
  };
  return words[refusal] ?? `the server refused it (${refusal})`;
};

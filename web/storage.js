// What outlives a reload: the conversations of each client ID, and what this tab was doing. The only file that knows
// where the browser keeps things. Everything is bounded, and what another version wrote is not read.
"use strict";

globalThis.restante ??= {};

/**
 * `local` keeps conversations, and all tabs share it; `session` keeps what belongs to one tab. Both are like
 * localStorage, or null where the browser refuses them. Nothing here throws: what cannot be kept is answered with false.
 */
restante.Storage = class Storage {
  /** Messages kept for one client ID at one server; the oldest go first. */
  static MESSAGES_MAX = 500;
  /** Characters of messages kept for one client ID; the oldest messages go first. */
  static CHARACTERS_MAX = 1_000_000;
  /** Client IDs whose conversations are kept; the one that was used longest ago goes first. */
  static MAILBOXES_MAX = 8;
  /** What is different about a message of the classic protocol that waited for its answer when its page was closed. */
  static UNANSWERED = { outcome: "unknown", reason: "the page was closed before an answer came" };
  static #PREFIX = "restante/1/";
  /** What is kept for addresses of restante.v2; other tabs with an older page do not touch it. */
  static #PREFIX_V2 = "restante/2/";

  #local;
  #session;

  constructor(local, session) {
    this.#local = local;
    this.#session = session;
  }

  /** Under which name the conversations of this ID, a number, or this address, a text, are kept. */
  static mailboxName(server, id) {
    return typeof id === "number"
      ? `${Storage.#PREFIX}mailbox/${id}/${server}`
      : `${Storage.#PREFIX_V2}mailbox/${encodeURIComponent(id)}/${server}`;
  }

  /** The last of these messages that may be kept. What waits to be sent is not given up. */
  static bounded(messages) {
    let room = Storage.MESSAGES_MAX;
    let characters = Storage.CHARACTERS_MAX;
    const isKept = (message) => {
      room -= 1;
      characters -= (message.text ?? message.hex).length;
      return message.outcome === "waiting" || (room >= 0 && characters >= 0);
    };
    return [...messages].reverse().filter(isKept).reverse();
  }

  /** The messages kept for this ID at this server, or null when there are none. */
  loadMailbox(server, id) {
    const kept = this.#read(this.#local, Storage.mailboxName(server, id))?.messages;
    if (typeof id === "string" && kept === undefined) {
      return this.#loadClassicMailbox(server, id);
    }
    const fits = typeof id === "number" ? Storage.#isMessage : Storage.#isMessageV2;
    return Array.isArray(kept) ? Storage.bounded(kept.filter(fits)) : null;
  }

  /** What was said as this client ID before the page spoke restante.v2. */
  #loadClassicMailbox(server, address) {
    const isClientId = restante.protocolV2.addressKind(address) === "classic";
    const messages = isClientId ? this.loadMailbox(server, Number(address)) : null;
    return (
      messages?.map((message) => ({
        ...message,
        peer: String(message.peer),
        ...(message.outcome === "waiting" ? Storage.UNANSWERED : {}),
      })) ?? null
    );
  }

  /** What the page has to remember of this address besides its messages, or null. */
  loadJournal(server, address) {
    const journal = this.#read(this.#local, Storage.mailboxName(server, address))?.journal;
    return Storage.#isJournal(journal) ? journal : null;
  }

  /** Messages and journal are kept together, or neither is. `journal` is null for a client ID. */
  saveMailbox(server, id, messages, now, journal = null) {
    const name = Storage.mailboxName(server, id);
    const kept = messages.map(({ key, ...rest }) => rest);
    this.#makeRoom(name);
    return this.#write(this.#local, name, { usedAt: now, messages: kept, ...(journal === null ? {} : { journal }) });
  }

  /** What this tab was doing, or null. */
  loadTab() {
    return this.#read(this.#session, `${Storage.#PREFIX}tab`);
  }

  saveTab(tab) {
    return this.#write(this.#session, `${Storage.#PREFIX}tab`, tab);
  }

  /** Forgets the conversations of every ID. */
  clear() {
    for (const name of this.#mailboxNames()) {
      this.#local.removeItem(name);
    }
  }

  #mailboxNames() {
    const names = Array.from({ length: this.#local?.length ?? 0 }, (_, index) => this.#local.key(index));
    const prefixes = [Storage.#PREFIX, Storage.#PREFIX_V2];
    return names.filter((name) => prefixes.some((prefix) => name.startsWith(`${prefix}mailbox/`)));
  }

  #makeRoom(name) {
    const others = this.#mailboxNames().filter((other) => other !== name);
    if (others.length < Storage.MAILBOXES_MAX) {
      return;
    }
    const byAge = others
      .map((other) => ({ other, usedAt: Number(this.#read(this.#local, other)?.usedAt ?? 0) }))
      .sort((left, right) => left.usedAt - right.usedAt);
    for (const { other } of byAge.slice(0, others.length - Storage.MAILBOXES_MAX + 1)) {
      this.#local.removeItem(other);
    }
  }

  #read(place, name) {
    try {
      return JSON.parse(place?.getItem(name) ?? "null");
    } catch {
      return null;
    }
  }

  #write(place, name, value) {
    try {
      place.setItem(name, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }

  /** Pages from files share one storage, so what is in it may be anybody's. */
  static #isMessage(value) {
    return (
      Storage.#isSaid(value) &&
      (value.direction === "sent" || value.direction === "received") &&
      Number.isInteger(value.peer) &&
      value.peer >= 0 &&
      value.peer <= restante.protocol.ID_MAX
    );
  }

  static #isMessageV2(value) {
    return (
      Storage.#isSaid(value) &&
      ["sent", "received", "note"].includes(value.direction) &&
      Storage.#isAddress(value.peer) &&
      (value.sender === undefined || Storage.#isAddress(value.sender)) &&
      (value.sequence === undefined || value.sequence === null || Storage.#isCount(value.sequence)) &&
      (value.receipt === undefined || restante.protocolV2.STATES.includes(value.receipt))
    );
  }

  /** Whether this has what every message has, whoever it is from. */
  static #isSaid(value) {
    return (
      typeof value === "object" &&
      value !== null &&
      Number.isFinite(value.time) &&
      ["waiting", "accepted", "refused", "unknown", "fetched"].includes(value.outcome) &&
      typeof value.reason === "string" &&
      typeof value.unread === "boolean" &&
      (typeof value.text === "string" || (value.text === null && typeof value.hex === "string"))
    );
  }

  static #isAddress(value) {
    return typeof value === "string" && restante.protocolV2.addressKind(value) !== "bad";
  }

  static #isCount(value) {
    return Number.isSafeInteger(value) && value >= -1;
  }

  static #isPlace(value) {
    const isObject = typeof value === "object" && value !== null;
    return isObject && /^[0-9a-f]{16}$/.test(value.epoch) && Storage.#isCount(value.handled);
  }

  static #isJournal(value) {
    return (
      Storage.#isPlace(value) &&
      Storage.#isCount(value.highest) &&
      Storage.#isCount(value.used) &&
      typeof value.foreign === "boolean" &&
      typeof value.rooms === "object" &&
      value.rooms !== null &&
      Object.entries(value.rooms).every(([room, place]) => Storage.#isAddress(room) && Storage.#isPlace(place))
    );
  }
};

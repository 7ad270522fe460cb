// Everything that the page shows, in one state. Views read it and keep nothing of their own.
"use strict";

globalThis.restante ??= {};

/**
 * `state` is immutable: a change makes a new object, in which parts that did not change are the same objects as before.
 * Event "change" follows each change. Messages are stored before a change that shows them is told.
 *
 * phase: "disconnected", "connecting", "connected" (no ID yet) or "associated".
 * wanted: whether the person is to be associated; when the connection is lost it is made again.
 * retry: null, or {seconds} until the next try to connect.
 * server, id: whose conversations are shown, or null.
 * notice: {text, tone: "calm" | "good" | "bad"}, what happened last.
 * messages: {key, direction: "sent" | "received", peer, text, time, outcome, reason, unread}; time is in milliseconds
 *   since 1970; outcome is "waiting", "accepted", "refused" or "unknown" for what was sent, and "fetched" for what was
 *   received; text is null for bytes that are no text, and then hex holds them.
 * selected: the peer whose conversation is open, "new" for a message to somebody else, or null.
 * drafts: what was written and not sent, by peer; under "new" to somebody else, and under "to" to whom.
 * packets: {key, direction, hex, meaning, time}, the last PACKETS_MAX; heldPackets: the same as they were when the person
 *   paused them, or null.
 * interval: seconds between automatic fetches, 0 for none. notifications: whether they are asked for.
 * kept: whether the browser keeps the messages across a reload.
 */
restante.Store = class Store extends EventTarget {
  static PACKETS_MAX = 300;
  /** What belongs to a tab and comes back after its reload. */
  static #OF_TAB = ["server", "id", "wanted", "selected", "drafts", "interval", "notifications"];

  #storage;
  #now;
  #nextKey = 1;
  #holdsMailbox = false;
  #state = Object.freeze({
    phase: "disconnected",
    wanted: false,
    retry: null,
    server: null,
    id: null,
    notice: { text: "Choose a client ID to begin.", tone: "calm" },
    messages: [],
    selected: null,
    drafts: {},
    packets: [],
    heldPackets: null,
    interval: 0,
    notifications: false,
    kept: true,
  });

  /** `now()` gives milliseconds since 1970. */
  constructor(storage, now) {
    super();
    this.#storage = storage;
    this.#now = now;
  }

  get state() {
    return this.#state;
  }

  change(changes) {
    this.#state = Object.freeze({ ...this.#state, ...changes });
    if (Store.#OF_TAB.some((name) => name in changes)) {
      this.#storage.saveTab(Object.fromEntries(Store.#OF_TAB.map((name) => [name, this.#state[name]])));
    }
    this.dispatchEvent(new Event("change"));
  }

  notify(text, tone = "calm") {
    this.change({ notice: { text, tone } });
  }

  /** Takes up what this tab was doing before its reload. Returns whether the person was associated, or to be. */
  restoreTab() {
    const tab = this.#storage.loadTab();
    if (tab === null) {
      return false;
    }
    const { server, id, wanted, selected, drafts, interval, notifications } = tab;
    if (id !== null) {
      this.openMailbox(server, id);
    }
    this.change({ selected, drafts, interval, notifications });
    return wanted;
  }

  /** Shows the conversations that are kept for this ID at this server. */
  openMailbox(server, id) {
    if (server === this.#state.server && id === this.#state.id) {
      return;
    }
    this.#holdsMailbox = false;
    const messages = (this.#storage.loadMailbox(server, id) ?? []).map((message) =>
      message.outcome === "waiting"
        ? { ...message, outcome: "unknown", reason: "the page was closed before an answer came" }
        : message,
    );
    // What was written before there was any ID is still to be sent; what was written as another ID is not.
    const drafts = this.#state.id === null ? this.#state.drafts : {};
    this.change({ server, id, messages: this.#withKeys(messages), selected: null, drafts });
  }

  /** From now on this tab, which was given the ID, keeps its conversations; other tabs only read them. */
  holdMailbox() {
    this.#holdsMailbox = true;
  }

  /** To be called when another tab has changed what is kept under this name; null stands for everything. */
  takeOverFromOtherTab(name) {
    const { server, id, phase } = this.#state;
    if (id === null || (name !== null && name !== restante.Storage.mailboxName(server, id))) {
      return;
    }
    const messages = this.#storage.loadMailbox(server, id);
    if (messages === null) {
      this.change({ messages: [] });
    } else if (phase !== "associated") {
      this.#holdsMailbox = false;
      this.change({ messages: this.#withKeys(messages) });
    }
  }

  /** Returns the key by which the message can be changed. */
  addMessage(message) {
    const key = this.#nextKey++;
    const added = Object.freeze({ reason: "", unread: false, ...message, key });
    this.#keepAndChange([...this.#state.messages, added].slice(-restante.Storage.MESSAGES_MAX));
    return key;
  }

  changeMessage(key, changes) {
    this.#keepAndChange(
      this.#state.messages.map((message) => (message.key === key ? Object.freeze({ ...message, ...changes }) : message)),
    );
  }

  /** The message with this key, changed, becomes the last one. */
  moveMessageToEnd(key, changes) {
    const message = this.#state.messages.find((candidate) => candidate.key === key);
    const others = this.#state.messages.filter((candidate) => candidate !== message);
    this.#keepAndChange([...others, Object.freeze({ ...message, ...changes })]);
  }

  /** The person has seen what this peer sent. */
  markRead(peer) {
    const isNew = (message) => message.unread && message.peer === peer;
    if (this.#state.messages.some(isNew)) {
      this.#keepAndChange(
        this.#state.messages.map((message) => (isNew(message) ? Object.freeze({ ...message, unread: false }) : message)),
      );
    }
  }

  setDraft(name, text) {
    const { [name]: before, ...others } = this.#state.drafts;
    if ((before ?? "") !== text) {
      this.change({ drafts: text === "" ? others : { ...others, [name]: text } });
    }
  }

  /** Forgets the conversations of every ID that this browser keeps. */
  forgetEverything() {
    this.#storage.clear();
    this.change({ messages: [], drafts: {}, selected: null, packets: [], heldPackets: null });
  }

  addPacket(packet) {
    const kept = this.#state.packets.slice(-(Store.PACKETS_MAX - 1));
    this.change({ packets: [...kept, Object.freeze({ ...packet, key: this.#nextKey++ })] });
  }

  #keepAndChange(messages) {
    const { server, id } = this.#state;
    const kept = !this.#holdsMailbox || this.#storage.saveMailbox(server, id, messages, this.#now());
    this.change({ messages, kept });
  }

  #withKeys(messages) {
    return messages.map((message) => Object.freeze({ ...message, key: this.#nextKey++ }));
  }
};

/** The conversations that messages make up, the one with the newest message first: {key, peer, last, unread}. */
restante.conversationsOf = (messages) => {
  const byPeer = new Map();
  for (const message of messages) {
    const unread = (byPeer.get(message.peer)?.unread ?? 0) + (message.unread ? 1 : 0);
    byPeer.delete(message.peer);
    byPeer.set(message.peer, { key: message.peer, peer: message.peer, last: message, unread });
  }
  return [...byPeer.values()].reverse();
};

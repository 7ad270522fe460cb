// Ties the page together: reads what a person typed, checks it, and calls the messenger.
"use strict";

(() => {
  const { protocol, views, lists } = restante;
  const byId = (id) => document.getElementById(id);
  const page = {
    phase: byId("phase"),
    noticeBar: byId("notice-bar"),
    notice: byId("notice"),
    retry: byId("retry"),
    retryText: byId("retry-text"),
    tryNow: byId("try-now"),
    identity: byId("identity"),
    clientId: byId("client-id"),
    server: byId("server"),
    associate: byId("associate"),
    mailbox: byId("mailbox"),
    stamp: byId("stamp"),
    owner: byId("owner"),
    ownerServer: byId("owner-server"),
    leave: byId("leave"),
    getOne: byId("get-one"),
    getAll: byId("get-all"),
    getHere: byId("get-here"),
    interval: byId("interval"),
    notifications: byId("notifications"),
    conversations: byId("conversations"),
    newMessage: byId("new-message"),
    kept: byId("kept"),
    forget: byId("forget"),
    forgetDialog: byId("forget-dialog"),
    forgetThem: byId("forget-them"),
    keepThem: byId("keep-them"),
    thread: byId("thread"),
    back: byId("back"),
    threadTitle: byId("thread-title"),
    messages: byId("messages"),
    compose: byId("compose"),
    toField: byId("to-field"),
    receiver: byId("receiver"),
    text: byId("text"),
    textCount: byId("text-count"),
    textGauge: byId("text-gauge"),
    send: byId("send"),
    packets: byId("packets"),
    packetCount: byId("packet-count"),
    pausePackets: byId("pause-packets"),
    copyPackets: byId("copy-packets"),
    announcements: byId("announcements"),
  };
  /** Where a conversation takes the whole page, as layout.css says. */
  const narrow = matchMedia("(max-width: 55.99rem)");

  /** A browser that keeps nothing may throw at the mere name. */
  function placeToKeep(name) {
    try {
      return globalThis[name];
    } catch {
      return null;
    }
  }

  const timers = {
    random: () => Math.random(),
    after(milliseconds, action) {
      const timer = setTimeout(action, milliseconds);
      return () => clearTimeout(timer);
    },
  };
  const store = new restante.Store(
    new restante.Storage(placeToKeep("localStorage"), placeToKeep("sessionStorage")),
    () => Date.now(),
  );
  const messenger = new restante.Messenger(store, {
    createConnection: (address) => new restante.Connection(address),
    now: () => Date.now(),
    originToAllow: (address) => restante.originToAllow(location, address),
    packetSeen: (packet) => console.debug(lists.packetLine(packet)),
    messageFetched(message) {
      views.announce(page, message);
      showNotification(message);
    },
  });
  const session = new restante.Session(store, messenger, timers);
  new restante.AutomaticFetch(store, messenger, timers);

  // ---- What a person typed ----

  /** The client ID in this field, or null after saying at the field what is wrong. */
  function readId(input) {
    const typed = input.value.trim();
    const id = /^\d{1,3}$/.test(typed) ? Number(typed) : NaN;
    const valid = id <= protocol.ID_MAX;
    views.showFieldError(input, valid ? "" : `Please enter a whole number from 0 to ${protocol.ID_MAX}.`);
    return valid ? id : null;
  }

  /** The address of the server, or null after saying at the field what is wrong. */
  function readServer() {
    const address = restante.readServerAddress(page.server.value);
    views.showFieldError(page.server, address ? "" : "Please enter an address like ws://localhost:12345.");
    return address;
  }

  /** The text to send, or null after saying at the field what is wrong. */
  function readText() {
    const over = protocol.byteLength(page.text.value) - protocol.PAYLOAD_BYTES_MAX;
    let problem = "";
    if (page.text.value === "") {
      problem = "Please write something first.";
    } else if (over > 0) {
      problem = `This is ${over === 1 ? "one byte" : `${over} bytes`} too long. Please shorten it.`;
    }
    views.showFieldError(page.text, problem);
    return problem === "" ? page.text.value : null;
  }

  /** Whether there is an ID to act as; says what to do where there is none. */
  function requireAssociated() {
    const { phase, wanted } = store.state;
    if (phase === "associated") {
      return true;
    }
    store.notify(
      wanted ? "You are not connected at present. Please try again when you are." : "Associate with a client ID first.",
      "bad",
    );
    return false;
  }

  // ---- What a person does ----

  async function associate() {
    const id = readId(page.clientId);
    const server = readServer();
    if (id === null || server === null) {
      (id === null ? page.clientId : page.server).focus();
      return;
    }
    const result = await session.associate(server, id);
    if (result === "associated") {
      (narrow.matches ? page.getAll : page.receiver).focus();
    } else if (result === "taken") {
      views.showFieldError(page.clientId, `ID ${id} is taken.`);
      page.clientId.select();
    }
  }

  function leave() {
    session.leave();
    page.clientId.value = String(store.state.id);
    page.server.value = store.state.server;
    page.clientId.focus();
  }

  function open(selected) {
    store.change({ selected });
    if (selected === null) {
      (page.conversations.querySelector('button[tabindex="0"]') ?? page.newMessage).focus();
    } else if (selected === "new") {
      page.receiver.focus();
    } else {
      // On a phone the focus in a text field would cover half of the conversation with a keyboard.
      (narrow.matches ? page.threadTitle : page.text).focus();
    }
  }

  function send() {
    if (!requireAssociated()) {
      return;
    }
    const receiver = readId(page.receiver);
    const text = readText();
    if (receiver === null || text === null) {
      (receiver === null ? page.receiver : page.text).focus();
      return;
    }
    store.setDraft(store.state.selected ?? "new", "");
    store.setDraft("to", "");
    page.text.value = "";
    views.showByteCount(page);
    messenger.send(receiver, text);
    store.change({ selected: receiver });
    page.messages.scrollTop = page.messages.scrollHeight;
    page.text.focus();
  }

  function fetch(count) {
    if (requireAssociated()) {
      messenger.fetch(count);
    }
  }

  /** What was fetched counts as read when its conversation is open on a page that is looked at. */
  function markRead() {
    if (!document.hidden && Number.isInteger(store.state.selected)) {
      store.markRead(store.state.selected);
    }
  }

  // ---- Notifications ----

  function showNotification({ peer, text }) {
    if (store.state.notifications && document.hidden && globalThis.Notification?.permission === "granted") {
      const notification = new Notification(`Message from ${peer}`, { body: text ?? "", tag: `restante ${peer}` });
      notification.addEventListener("click", () => {
        globalThis.focus();
        open(peer);
      });
    }
  }

  async function toggleNotifications() {
    if (store.state.notifications) {
      store.change({ notifications: false });
      return;
    }
    if (!globalThis.Notification) {
      store.notify("This browser has no notifications.", "bad");
    } else if ((await Notification.requestPermission()) === "granted") {
      store.change({ notifications: true });
      store.notify("You will be notified of messages that are fetched while you look elsewhere.", "good");
    } else {
      store.notify("The browser does not allow notifications for this page.", "bad");
    }
  }

  // ---- Packets ----

  async function copyPackets() {
    const { packets, heldPackets } = store.state;
    const shown = heldPackets ?? packets;
    try {
      await navigator.clipboard.writeText(`${shown.map(lists.packetLine).join("\n")}\n`);
      store.notify(`${shown.length === 1 ? "One packet" : `${shown.length} packets`} copied.`, "good");
    } catch {
      // Without a secure connection, browsers have no clipboard.
      getSelection().selectAllChildren(page.packets);
      store.notify("The browser does not let this page copy: the packets are selected for you.", "bad");
    }
  }

  // ---- Listening ----

  page.identity.addEventListener("submit", (event) => {
    event.preventDefault();
    if (store.state.phase === "connecting") {
      session.leave();
    } else {
      associate();
    }
  });
  page.leave.addEventListener("click", leave);
  page.tryNow.addEventListener("click", () => {
    page.leave.focus();
    session.resume();
  });
  page.compose.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  page.text.addEventListener("keydown", (event) => {
    // While an input method composes a character, Enter belongs to it.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      page.compose.requestSubmit();
    }
  });
  page.text.addEventListener("input", () => {
    store.setDraft(store.state.selected ?? "new", page.text.value);
    views.showByteCount(page);
    if (page.text.hasAttribute("aria-invalid")) {
      readText();
    }
  });
  page.receiver.addEventListener("input", () => store.setDraft("to", page.receiver.value));
  for (const input of [page.clientId, page.receiver, page.server]) {
    input.addEventListener("input", () => views.showFieldError(input, ""));
  }
  page.getOne.addEventListener("click", () => fetch(1));
  for (const button of [page.getAll, page.getHere]) {
    button.addEventListener("click", () => fetch(protocol.MAILBOX_MESSAGES_MAX));
  }
  page.interval.addEventListener("change", () => store.change({ interval: Number(page.interval.value) }));
  page.notifications.addEventListener("click", toggleNotifications);

  page.newMessage.addEventListener("click", () => open("new"));
  page.back.addEventListener("click", () => open(null));
  page.thread.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing) {
      open(null);
    }
  });
  page.conversations.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) {
      open(Number(button.dataset.peer));
    }
  });
  page.conversations.addEventListener("keydown", (event) => {
    const buttons = Array.from(page.conversations.querySelectorAll("button"));
    const here = buttons.indexOf(event.target);
    const target = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (buttons[target]) {
      event.preventDefault();
      buttons[target].focus();
    }
  });
  page.messages.addEventListener("click", (event) => {
    const key = Number(event.target.dataset.again);
    if (key && requireAssociated()) {
      messenger.sendAgain(key);
      page.text.focus();
    }
  });

  page.pausePackets.addEventListener("click", () => {
    store.change({ heldPackets: store.state.heldPackets === null ? store.state.packets : null });
  });
  page.copyPackets.addEventListener("click", copyPackets);
  page.forget.addEventListener("click", () => page.forgetDialog.showModal());
  page.keepThem.addEventListener("click", () => page.forgetDialog.close());
  page.forgetThem.addEventListener("click", () => {
    page.forgetDialog.close();
    store.forgetEverything();
    store.notify("The conversations are forgotten.");
    page.newMessage.focus();
  });
  store.addEventListener("change", markRead);
  document.addEventListener("visibilitychange", markRead);
  addEventListener("storage", ({ key, storageArea }) => {
    if (storageArea === placeToKeep("localStorage")) {
      store.takeOverFromOtherTab(key);
    }
  });

  // The end of a conversation stays in sight when there is less room for it.
  let atEnd = true;
  page.messages.addEventListener("scroll", () => {
    atEnd = page.messages.scrollHeight - page.messages.scrollTop - page.messages.clientHeight < 24;
  });
  new ResizeObserver(() => {
    page.messages.scrollTop = atEnd ? page.messages.scrollHeight : page.messages.scrollTop;
  }).observe(page.messages);

  // ---- Beginning ----

  const toResume = store.restoreTab();
  const { id, server } = store.state;
  page.clientId.value = id ?? "";
  page.server.value = server ?? restante.defaultServerAddress(location);
  views.show(store, page);
  markRead();
  if (toResume) {
    session.resume();
  } else {
    page.clientId.focus();
  }
})();

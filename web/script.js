// Ties the page together: reads what a person typed, checks it, and calls the messenger.
"use strict";

(() => {
  const { protocol, views } = restante;
  const byId = (id) => document.getElementById(id);
  const page = {
    phase: byId("phase"),
    notice: byId("notice"),
    identity: byId("identity"),
    clientId: byId("client-id"),
    server: byId("server"),
    associate: byId("associate"),
    compose: byId("compose"),
    receiver: byId("receiver"),
    text: byId("text"),
    textCount: byId("text-count"),
    textGauge: byId("text-gauge"),
    send: byId("send"),
    getOne: byId("get-one"),
    getAll: byId("get-all"),
    messages: byId("messages"),
    packets: byId("packets"),
    packetCount: byId("packet-count"),
  };

  const store = new restante.Store();
  const messenger = new restante.Messenger(
    store,
    (address) => new restante.Connection(address),
    () => new Date(),
  );
  let associating = false;

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
    views.showFieldError(page.server, address ? "" : "Please enter an address like ws://127.0.0.1:12345.");
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
    if (store.state.phase === "associated") {
      return true;
    }
    store.notify("Associate with a client ID first.", "bad");
    return false;
  }

  function countBytes() {
    views.showByteCount(page, protocol.byteLength(page.text.value), protocol.PAYLOAD_BYTES_MAX);
  }

  async function associate() {
    const id = readId(page.clientId);
    const server = readServer();
    if (id === null || server === null) {
      (id === null ? page.clientId : page.server).focus();
      return;
    }
    associating = true;
    const result = await messenger.associate(server, id);
    associating = false;
    if (result === "associated") {
      page.receiver.focus();
    } else if (result === "taken") {
      views.showFieldError(page.clientId, `ID ${id} is taken.`);
      page.clientId.select();
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
    messenger.send(receiver, text);
    page.text.value = "";
    countBytes();
    page.text.focus();
  }

  function fetch(count) {
    if (requireAssociated()) {
      messenger.fetch(count);
    }
  }

  page.identity.addEventListener("submit", (event) => {
    event.preventDefault();
    const { phase } = store.state;
    if (phase === "associated" || phase === "connecting") {
      messenger.leave();
    } else if (!associating) {
      associate();
    }
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
    countBytes();
    if (page.text.hasAttribute("aria-invalid")) {
      readText();
    }
  });
  for (const input of [page.clientId, page.receiver]) {
    input.addEventListener("input", () => views.showFieldError(input, ""));
  }
  page.server.addEventListener("input", () => views.showFieldError(page.server, ""));
  page.getOne.addEventListener("click", () => fetch(1));
  page.getAll.addEventListener("click", () => fetch(protocol.MAILBOX_MESSAGES_MAX));
  page.messages.addEventListener("click", (event) => {
    const key = Number(event.target.dataset.again);
    const message = store.state.messages.find((candidate) => candidate.key === key);
    if (message && requireAssociated()) {
      messenger.send(message.peer, message.text);
    }
  });

  page.server.value = restante.defaultServerAddress(location);
  page.textGauge.max = protocol.PAYLOAD_BYTES_MAX;
  countBytes();
  views.show(store, page);
  page.clientId.focus();
})();

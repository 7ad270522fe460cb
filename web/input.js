// What a person typed, as an address, or what is wrong with it. Pure; knows nothing of the page.
"use strict";

globalThis.restante ??= {};

/** Each function gives {value}, or {problem}: a sentence for the person. */
restante.input = (() => {
  /** A client ID, as a number. */
  function readClientId(text) {
    const typed = text.trim();
    const id = /^\d{1,3}$/.test(typed) ? Number(typed) : NaN;
    return id <= restante.protocol.ID_MAX
      ? { value: id }
      : { problem: `Please enter a whole number from 0 to ${restante.protocol.ID_MAX}.` };
  }

  /** An address that is one of these kinds. */
  function readAddress(text, kinds) {
    const value = text.trim();
    const kind = restante.protocolV2.addressKind(value);
    return kinds.includes(kind) ? { value } : { problem: problemOf(value, kind) };
  }

  function problemOf(value, kind) {
    if (value === "") {
      return "Please enter a name.";
    }
    if (kind === "room") {
      return "A name that begins with # is that of a room.";
    }
    if (kind !== "bad") {
      return "The name of a room begins with #.";
    }
    if (/^[0-9]+$/.test(value)) {
      return "A name of digits alone is a number from 0 to 255.";
    }
    if (restante.protocol.byteLength(value) > restante.protocolV2.NAME_BYTES_MAX) {
      return "This is too long for a name.";
    }
    return value === "#" ? "A room needs a name behind its #." : "This has characters that cannot stand in a name.";
  }

  /** Who one wants to be: by number where the classic protocol was chosen, by name or number otherwise. */
  const readOwner = (text, { choice }) =>
    choice === "classic" ? readClientId(text) : readAddress(text, ["name", "classic"]);

  /** To whom a message shall go: one writes to rooms of which one is a member. */
  function readReceiver(text, state) {
    if (restante.Store.isClassic(state)) {
      return readClientId(text);
    }
    const read = readAddress(text, ["name", "classic", "room"]);
    const isStrange = read.value?.startsWith("#") && !restante.isMember(state.journal, read.value);
    return isStrange ? { problem: `You are not in ${read.value}. Join it first.` } : read;
  }

  const readRoom = (text) => readAddress(text, ["room"]);

  return { readOwner, readReceiver, readRoom };
})();

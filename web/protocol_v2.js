// restante.v2: packets as objects, packets as bytes. Pure; knows neither the page nor WebSocket.
// The layout and the rules stand in docs/protocol.md; tests/vectors/v2_packets.txt holds every packet.
"use strict";

globalThis.restante ??= {};

restante.protocolV2 = (() => {
  /** What both sides have to agree on when they connect. */
  const SUBPROTOCOL = "restante.v2";
  const TAG_MAX = 2 ** 30 - 1;
  const NAME_BYTES_MAX = 64;
  const TOKEN_BYTES = 16;
  const EPOCH_BYTES = 8;
  /** The source that stands for the own mailbox and every room. */
  const EVERYTHING = "*";
  const PROOF = { none: 0, credential: 1, token: 2 };

  /** How many bytes a number takes, by the two highest bits of the first one, and the least number that takes so many. */
  const NUMBER_SIZES = [
    { bytes: 1, least: 0 },
    { bytes: 2, least: 2 ** 6 },
    { bytes: 4, least: 2 ** 14 },
    { bytes: 8, least: 2 ** 30 },
  ];

  /** The names of refusals, by the number of the reason. */
  const REFUSALS = [
    undefined,
    "malformed",
    "unknown_operation",
    "not_open",
    "already_open",
    "unauthorised",
    "address_taken",
    "bad_address",
    "no_such_address",
    "no_such_room",
    "not_a_member",
    "wrong_epoch",
    "stale_sequence",
    "sequence_ahead",
    "mailbox_full",
    "quota_exceeded",
    "payload_too_large",
    "classic_limit",
    "rate_limited",
    "limit_reached",
    "storage_unavailable",
    "going_away",
  ];

  /** The names of what a receipt says, by the number of the state. */
  const STATES = ["unknown", "waiting", "fetched", "acknowledged", "taken", "expired", "purged"];

  /** Thrown while reading by what is not a packet; nobody outside sees it. */
  class Unreadable extends Error {}

  function require(fits, what) {
    if (!fits) {
      throw new RangeError(what);
    }
  }

  function expect(fits) {
    if (!fits) {
      throw new Unreadable();
    }
  }

  class Reader {
    #bytes;
    #at = 0;

    constructor(bytes) {
      this.#bytes = bytes;
    }

    get isAtEnd() {
      return this.#at === this.#bytes.length;
    }

    take(count) {
      expect(this.#at + count <= this.#bytes.length);
      this.#at += count;
      return this.#bytes.slice(this.#at - count, this.#at);
    }

    takeRest() {
      return this.take(this.#bytes.length - this.#at);
    }
  }

  // ---- Fields: how each kind is written, as a list of bytes, and read ----

  const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const fromHex = (text) => Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));

  const number = {
    write(value) {
      require(Number.isSafeInteger(value) && value >= 0, "a number is whole and can be counted");
      const prefix = NUMBER_SIZES.findLastIndex(({ least }) => value >= least);
      const bytes = [];
      for (let rest = value; bytes.length < NUMBER_SIZES[prefix].bytes; rest = Math.floor(rest / 256)) {
        bytes.unshift(rest % 256);
      }
      bytes[0] |= prefix << 6;
      return bytes;
    },
    /** Numbers that JavaScript would round are refused. */
    read(reader) {
      const [first] = reader.take(1);
      const { bytes, least } = NUMBER_SIZES[first >> 6];
      const value = reader.take(bytes - 1).reduce((sum, byte) => sum * 256 + byte, first & 0x3f);
      expect(value >= least && Number.isSafeInteger(value));
      return value;
    },
  };

  /** A number within bounds. */
  const numberWithin = (least, most) => ({
    write(value) {
      require(value >= least && value <= most, `a number from ${least} to ${most} has to stand here`);
      return number.write(value);
    },
    read(reader) {
      const value = number.read(reader);
      expect(value >= least && value <= most);
      return value;
    },
  });

  const byteUpTo = (most) => ({
    write(value) {
      require(Number.isInteger(value) && value >= 0 && value <= most, `a byte from 0 to ${most} has to stand here`);
      return [value];
    },
    read(reader) {
      const [value] = reader.take(1);
      expect(value <= most);
      return value;
    },
  });

  const name = {
    write(value) {
      require(!/\p{Surrogate}/u.test(value), "half of a character is no text");
      const bytes = new TextEncoder().encode(value);
      require(bytes.length <= NAME_BYTES_MAX, `a name has at most ${NAME_BYTES_MAX} bytes`);
      return [bytes.length, ...bytes];
    },
    read(reader) {
      const [length] = reader.take(1);
      expect(length <= NAME_BYTES_MAX);
      return textOf(reader.take(length)) ?? expect(false);
    },
  };

  /** A source, but not all of them together. */
  const oneSource = {
    write(value) {
      require(value !== EVERYTHING, "one source has to stand here");
      return name.write(value);
    },
    read(reader) {
      const value = name.read(reader);
      expect(value !== EVERYTHING);
      return value;
    },
  };

  const fixedBytes = (count) => ({
    write(value) {
      const fits = /^[0-9a-f]*$/.test(value) && value.length === 2 * count;
      require(fits, `${count} bytes have to stand here, in hexadecimal digits`);
      return fromHex(value);
    },
    read: (reader) => toHex(reader.take(count)),
  });

  const rest = {
    write: (value) => value,
    read: (reader) => reader.takeRest(),
  };

  const memberList = {
    write: (value) => value.flatMap(({ present, name: member }) => [present ? 1 : 0, ...name.write(member)]),
    read(reader) {
      const members = [];
      while (!reader.isAtEnd) {
        members.push({ present: flag.read(reader) === 1, name: name.read(reader) });
      }
      return members;
    },
  };

  const tag = numberWithin(1, TAG_MAX);
  const count = numberWithin(1, Number.MAX_SAFE_INTEGER);
  const byte = byteUpTo(255);
  const flag = byteUpTo(1);
  const epoch = fixedBytes(EPOCH_BYTES);
  const token = fixedBytes(TOKEN_BYTES);

  // ---- Packets ----

  /** Which proof goes with which bytes: none with none, and a token has a fixed length. */
  const proofFits = ({ proof, secret }) =>
    (proof === PROOF.none && secret.length === 0) ||
    proof === PROOF.credential ||
    (proof === PROOF.token && secret.length === TOKEN_BYTES);

  const layout = (code, fields, fits = () => true) => ({ code, fields: Object.entries({ tag, ...fields }), fits });

  const LAYOUTS = {
    OPEN: layout(0x01, { address: name, proof: byte, secret: rest }, proofFits),
    PUSH: layout(0x02, { receiver: name, sequence: number, timeToLive: number, payload: rest }),
    FETCH: layout(0x03, { source: name, epoch, flags: flag, messages: count, bytes: number, wait: number }),
    ACK: layout(0x04, { source: oneSource, epoch, offset: number }),
    RECEIPT: layout(0x05, { sequence: number, knownState: byte, wait: number }),
    JOIN: layout(0x06, { room: name }),
    LEAVE: layout(0x07, { room: name }),
    STATUS: layout(0x08, { source: oneSource, knownVersion: number, after: name, members: number, wait: number }),
    OPENED: layout(0x81, {
      flags: byte,
      epoch,
      depth: number,
      firstUnacknowledgedOffset: number,
      highestSequence: number,
      window: number,
      payloadBytes: number,
      mailboxMessages: number,
      mailboxBytes: number,
      waits: number,
      resumeToken: token,
    }),
    ACCEPTED: layout(0x82, { flags: byte }),
    MESSAGE: layout(0x83, { source: name, offset: number, time: number, sender: name, payload: rest }),
    FETCHED: layout(0x84, { delivered: number, remaining: number }),
    MISSED: layout(0x85, { room: name, count: number }),
    ACKED: layout(0x86, {}),
    STATE: layout(0x87, { state: byte }),
    JOINED: layout(0x88, { epoch, firstKeptOffset: number, cursor: number, nextOffset: number }),
    LEFT: layout(0x89, {}),
    MAILBOX: layout(0x8a, {
      version: number,
      depth: number,
      bytes: number,
      oldestAge: number,
      stored: number,
      acknowledged: number,
      taken: number,
      expired: number,
      purged: number,
    }),
    MEMBERS: layout(0x8b, { version: number, membersInAll: number, more: flag, members: memberList }),
    // Tag 0 stands where the server could read none.
    REFUSED: layout(0xff, { tag: numberWithin(0, TAG_MAX), reason: byte, ignored: rest }),
  };

  const NAMES = new Map(Object.entries(LAYOUTS).map(([packetName, { code }]) => [code, packetName]));
  const FIRST_REPLY_CODE = 0x80;

  /** Which replies each request can have, besides REFUSED. */
  const ANSWERS = {
    OPEN: ["OPENED"],
    PUSH: ["ACCEPTED"],
    FETCH: ["MESSAGE", "MISSED", "FETCHED"],
    ACK: ["ACKED"],
    RECEIPT: ["STATE"],
    JOIN: ["JOINED"],
    LEAVE: ["LEFT"],
    STATUS: ["MAILBOX", "MEMBERS"],
  };

  /**
   * The bytes of a packet: {name, tag, …}, with the fields that stand in LAYOUTS. Epochs and tokens are hexadecimal
   * digits, payloads Uint8Array. Throws RangeError for what the protocol cannot express, so that it is never sent.
   */
  function encode(packet) {
    const { code, fields, fits } = LAYOUTS[packet.name] ?? {};
    require(code !== undefined && fits(packet), `there is no such ${packet.name}`);
    const parts = fields.map(([field, kind]) => kind.write(packet[field]));
    const bytes = new Uint8Array(1 + parts.reduce((sum, part) => sum + part.length, 0));
    bytes[0] = code;
    let at = 1;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** The packet that these bytes are, or null when they are none. */
  function decode(bytes) {
    const packetName = NAMES.get(bytes[0]);
    if (packetName === undefined) {
      return null;
    }
    const { fields, fits } = LAYOUTS[packetName];
    const reader = new Reader(bytes.subarray(1));
    try {
      const packet = { name: packetName };
      for (const [field, kind] of fields) {
        packet[field] = kind.read(reader);
      }
      return reader.isAtEnd && fits(packet) ? packet : null;
    } catch (error) {
      if (error instanceof Unreadable) {
        return null;
      }
      throw error;
    }
  }

  /** The packet that a server sent, or null when the bytes are no packet that a server sends. */
  const decodeReply = (bytes) => (bytes[0] >= FIRST_REPLY_CODE ? decode(bytes) : null);

  /** Whether this reply can be an answer to this request. */
  const answers = (reply, request) => reply.name === "REFUSED" || ANSWERS[request.name].includes(reply.name);

  /** The name of a refusal; one that is not known here means that some limit was reached (docs/protocol.md, rule 11). */
  const refusalName = (reason) => REFUSALS[reason] ?? "limit_reached";

  // ---- Addresses ----

  /** Control characters, separators of lines and paragraphs, what changes the direction of text, half characters. */
  const FORBIDDEN = /[\0-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Surrogate}]/u;

  /** What this text is as an address: "classic" (an ID from 0 to 255), "name", "room", or "bad", which is none. */
  function addressKind(text) {
    const length = restante.protocol.byteLength(text);
    const isBad = length === 0 || length > NAME_BYTES_MAX || FORBIDDEN.test(text);
    if (isBad || text === "#" || text === EVERYTHING) {
      return "bad";
    }
    if (/^[0-9]+$/.test(text)) {
      return /^(0|[1-9][0-9]{0,2})$/.test(text) && Number(text) <= restante.protocol.ID_MAX ? "classic" : "bad";
    }
    return text.startsWith("#") ? "room" : "name";
  }

  const isRoom = (address) => address.startsWith("#");

  // ---- Words ----

  /** These bytes as text, or null when they are not UTF-8. */
  function textOf(bytes) {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return null;
    }
  }

  const size = (payload) => (payload.length === 1 ? "1 byte" : `${payload.length} bytes`);
  const sourceWords = (source) => ({ "": "the own mailbox", [EVERYTHING]: "everywhere" })[source] ?? source;
  const waitWords = ({ wait }) => (wait === 0 ? "" : `, waiting up to ${wait} ms`);

  const DESCRIPTIONS = {
    OPEN: ({ address, proof }) => `I am ${address}${["", ", here is my secret", ", here is my token"][proof]}`,
    PUSH: ({ receiver, sequence, payload }) => `number ${sequence} to ${receiver}, ${size(payload)}`,
    FETCH: (packet) => `up to ${packet.messages} messages from ${sourceWords(packet.source)}${waitWords(packet)}`,
    ACK: ({ source, offset }) => `done up to ${offset} from ${sourceWords(source)}`,
    RECEIPT: (packet) => `what became of number ${packet.sequence}?${waitWords(packet)}`,
    JOIN: ({ room }) => `let me into ${room}`,
    LEAVE: ({ room }) => `I leave ${room}`,
    STATUS: (packet) => `how is ${sourceWords(packet.source)}?${waitWords(packet)}`,
    OPENED: ({ depth, epoch: theirs }) => `${depth} messages held, epoch ${theirs}`,
    ACCEPTED: ({ flags }) => (flags & 1 ? "stored before" : "stored"),
    MESSAGE: ({ source, offset, sender, payload }) =>
      `${offset} of ${sourceWords(source)}, from ${sender}, ${size(payload)}`,
    FETCHED: ({ delivered, remaining }) => `${delivered} delivered, ${remaining} remain`,
    MISSED: ({ room, count: missed }) => `${missed} messages of ${room} are gone`,
    ACKED: () => "noted",
    STATE: ({ state }) => STATES[state] ?? `state ${state}`,
    JOINED: ({ cursor, nextOffset }) => `you are at ${cursor}, the next message will be ${nextOffset}`,
    LEFT: () => "you are no member any more",
    MAILBOX: ({ depth, bytes }) => `${depth} messages of ${bytes} bytes`,
    MEMBERS: ({ membersInAll, members }) => `${members.length} of ${membersInAll} members`,
    REFUSED: ({ reason }) => refusalName(reason),
  };

  /** The bytes of a packet for people to see: without what lets somebody else be this client. */
  function showBytes(packet, bytes) {
    const secretBytes = { OPEN: packet.secret?.length, OPENED: TOKEN_BYTES }[packet.name] ?? 0;
    const shown = restante.protocol.toHex(bytes.subarray(0, bytes.length - secretBytes));
    return secretBytes === 0 ? shown : `${shown} … ${secretBytes} secret bytes`;
  }

  /** One line about a packet, for people. Secrets and payloads are not in it. */
  const describe = (packet) => `${packet.name} ${packet.tag}: ${DESCRIPTIONS[packet.name](packet)}`;

  return {
    SUBPROTOCOL,
    NAME_BYTES_MAX,
    TAG_MAX,
    EVERYTHING,
    PROOF,
    STATES,
    encode,
    decode,
    decodeReply,
    answers,
    refusalName,
    addressKind,
    isRoom,
    textOf,
    fromHex,
    showBytes,
    describe,
  };
})();

// The classic protocol: packets as objects, packets as bytes. Pure; knows neither the page nor WebSocket.
// The layout and the rules stand in docs/protocol.md; tests/vectors/classic_packets.txt holds every packet.
"use strict";

globalThis.restante ??= {};

restante.protocol = (() => {
  /** Bytes of payload that one message can carry at most. */
  const PAYLOAD_BYTES_MAX = 254;
  /** The highest client ID; the lowest is 0. */
  const ID_MAX = 255;
  /** Messages that a mailbox of the classic protocol holds at most. */
  const MAILBOX_MESSAGES_MAX = 100;

  const REQUEST_CODES = { ASSOCIATE: [0, 0], GET: [1, 0], PUSH: [2, 1] };

  /** Replies of three bytes, by type and message code. GETRESPONSE is the only one that is longer. */
  const SHORT_REPLIES = new Map([
    [0x0001, "ASSOCIATIONSUCCESS"],
    [0x0002, "ASSOCIATIONFAILED"],
    [0x0003, "UNKNOWNERROR"],
    [0x0101, "BUFFEREMPTY"],
    [0x0102, "POSITIVEACK"],
    [0x0103, "BUFFERFULL"],
  ]);
  const GETRESPONSE_CODE = 0x0200;
  const SHORT_REPLY_BYTES = 3;
  const LONG_HEADER_BYTES = 5;

  function requireId(value, what) {
    if (!Number.isInteger(value) || value < 0 || value > ID_MAX) {
      throw new RangeError(`${what} must be a whole number from 0 to ${ID_MAX}`);
    }
    return value;
  }

  /**
   * The bytes of a request: {name: "ASSOCIATE" | "GET", id} or {name: "PUSH", sender, receiver, payload: Uint8Array}.
   * Throws RangeError for what the protocol cannot express, so that it is never sent.
   */
  function encodeRequest(packet) {
    const codes = REQUEST_CODES[packet.name];
    if (!codes) {
      throw new RangeError(`a client does not send ${packet.name}`);
    }
    if (packet.name !== "PUSH") {
      return Uint8Array.of(...codes, requireId(packet.id, "the ID"));
    }
    const sender = requireId(packet.sender, "the sender");
    const receiver = requireId(packet.receiver, "the receiver");
    if (packet.payload.length > PAYLOAD_BYTES_MAX) {
      throw new RangeError(`a message has at most ${PAYLOAD_BYTES_MAX} bytes`);
    }
    return Uint8Array.of(...codes, sender, receiver, packet.payload.length, ...packet.payload);
  }

  /**
   * The packet that a server sent: {name, id}, and for GETRESPONSE also sender and payload. Null when the bytes are no
   * packet that a server sends.
   */
  function decodeReply(bytes) {
    if (bytes.length < SHORT_REPLY_BYTES) {
      return null;
    }
    const code = bytes[0] * 256 + bytes[1];
    const id = bytes[2];
    if (code !== GETRESPONSE_CODE) {
      const name = SHORT_REPLIES.get(code);
      return name && bytes.length === SHORT_REPLY_BYTES ? { name, id } : null;
    }
    if (bytes.length < LONG_HEADER_BYTES) {
      return null;
    }
    const length = bytes[4];
    if (length > PAYLOAD_BYTES_MAX || bytes.length !== LONG_HEADER_BYTES + length) {
      return null;
    }
    return { name: "GETRESPONSE", id, sender: bytes[3], payload: bytes.slice(LONG_HEADER_BYTES) };
  }

  /** Whether this reply can be the answer to this request. */
  function answers(reply, request) {
    const names = {
      ASSOCIATE: ["ASSOCIATIONSUCCESS", "ASSOCIATIONFAILED", "UNKNOWNERROR"],
      GET: ["GETRESPONSE", "BUFFEREMPTY", "ASSOCIATIONFAILED", "UNKNOWNERROR"],
      PUSH: ["POSITIVEACK", "BUFFERFULL", "ASSOCIATIONFAILED", "UNKNOWNERROR"],
    };
    const id = request.name === "PUSH" ? request.sender : request.id;
    return names[request.name].includes(reply.name) && reply.id === id;
  }

  /** One line about a packet, for people. */
  function describe(packet) {
    const size = (payload) => (payload.length === 1 ? "1 byte" : `${payload.length} bytes`);
    switch (packet.name) {
      case "ASSOCIATE":
        return `ASSOCIATE: I want to be ${packet.id}`;
      case "ASSOCIATIONSUCCESS":
        return `ASSOCIATIONSUCCESS: you are ${packet.id}`;
      case "ASSOCIATIONFAILED":
        return `ASSOCIATIONFAILED: you are not ${packet.id}`;
      case "UNKNOWNERROR":
        return `UNKNOWNERROR about ${packet.id}`;
      case "GET":
        return `GET: the oldest message for ${packet.id}, please`;
      case "BUFFEREMPTY":
        return `BUFFEREMPTY: nothing waits for ${packet.id}`;
      case "POSITIVEACK":
        return `POSITIVEACK: stored, ${packet.id}`;
      case "BUFFERFULL":
        return `BUFFERFULL: not stored, ${packet.id}`;
      case "GETRESPONSE":
        return `GETRESPONSE for ${packet.id}: from ${packet.sender}, ${size(packet.payload)}`;
      case "PUSH":
        return `PUSH from ${packet.sender} to ${packet.receiver}, ${size(packet.payload)}`;
      default:
        throw new RangeError(`no packet is called ${packet.name}`);
    }
  }

  /** Bytes as two-digit hexadecimal numbers, separated by spaces. */
  function toHex(bytes) {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  }

  /** How many bytes this text has as UTF-8. */
  function byteLength(text) {
    return new TextEncoder().encode(text).length;
  }

  return {
    PAYLOAD_BYTES_MAX,
    ID_MAX,
    MAILBOX_MESSAGES_MAX,
    encodeRequest,
    decodeReply,
    answers,
    describe,
    toHex,
    byteLength,
  };
})();

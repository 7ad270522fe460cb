// A server of the classic protocol on npm's ws, to compare with: the protocol's rules and nothing else. It prints its
// port once and nothing after that. Compression is off, as it is in restante-server. ws comes from tests/e2e.
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(new URL("../../tests/e2e/package.json", import.meta.url))("ws");

const messagesMax = 100;
const payloadBytesMax = 254;

const mailboxes = Array.from({ length: 256 }, () => []);
const holders = Array.from({ length: 256 }, () => null);

function associate(socket, message) {
  const id = message[2];
  if (message.length > 3 || holders[id] !== null) {
    return [0, 3, id];
  }
  holders[id] = socket;
  return [0, 1, id];
}

function get(socket, message) {
  const id = message[2];
  if (message.length > 3) {
    return [0, 3, id];
  }
  if (holders[id] !== socket) {
    return [0, 2, id];
  }
  const oldest = mailboxes[id].shift();
  if (!oldest) {
    return [1, 1, id];
  }
  return Buffer.concat([Buffer.of(2, 0, id, oldest.sender, oldest.payload.length), oldest.payload]);
}

function push(socket, message) {
  if (message.length < 5) {
    return [0, 3, message[2]];
  }
  const [sender, receiver, length] = [message[2], message[3], message[4]];
  if (holders[sender] !== socket) {
    return [0, 2, sender];
  }
  const payload = message.subarray(5);
  if (length > payloadBytesMax || length !== payload.length) {
    return [0, 3, sender];
  }
  if (mailboxes[receiver].length >= messagesMax) {
    return [1, 3, sender];
  }
  mailboxes[receiver].push({ sender, payload });
  return [1, 2, sender];
}

function answer(socket, message) {
  if (message.length < 3) {
    return [0, 3, 0];
  }
  switch ((message[0] << 8) | message[1]) {
    case 0x0000:
      return associate(socket, message);
    case 0x0100:
      return get(socket, message);
    case 0x0201:
      return push(socket, message);
    default:
      return [0, 3, message[2]];
  }
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false, maxPayload: 65_536 });
server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (message, isBinary) => {
    if (isBinary) {
      socket.send(Buffer.from(answer(socket, message)));
    } else {
      socket.close(1003, "binary messages only");
    }
  });
  socket.on("close", () => {
    for (let id = 0; id < holders.length; id += 1) {
      if (holders[id] === socket) {
        holders[id] = null;
      }
    }
  });
});

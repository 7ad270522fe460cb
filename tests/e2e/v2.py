"""restante.v2 as docs/protocol.md has it, in Python: written from that page, and from nothing of the server's."""

from types import SimpleNamespace

from support import RawClient

PROTOCOL = "restante.v2"
NO_PROOF, CREDENTIAL, RESUME_TOKEN = range(3)
UNKNOWN, WAITING, FETCHED, ACKNOWLEDGED, TAKEN, EXPIRED, PURGED = range(7)
REASONS = ("malformed", "unknown_operation", "not_open", "already_open", "unauthorised", "address_taken", "bad_address",
           "no_such_address", "no_such_room", "not_a_member", "wrong_epoch", "stale_sequence", "sequence_ahead",
           "mailbox_full", "quota_exceeded", "payload_too_large", "classic_limit", "rate_limited", "limit_reached",
           "storage_unavailable", "going_away")


def number(value):
    """As RFC 9000, section 16, in as few bytes as it fits in."""
    for size, bits in ((1, 6), (2, 14), (4, 30), (8, 62)):
        if value < 1 << bits:
            return (value | (size.bit_length() - 1) << size * 8 - 2).to_bytes(size, "big")
    raise ValueError(f"{value} is no number")


def name(text):
    encoded = text.encode()
    return bytes([len(encoded)]) + encoded


def open_address(tag, address, proof=NO_PROOF, secret=b""):
    return b"\x01" + number(tag) + name(address) + bytes([proof]) + secret


def push(tag, receiver, payload, sequence=0, time_to_live=0):
    return b"\x02" + number(tag) + name(receiver) + number(sequence) + number(time_to_live) + payload


def fetch(tag, epoch, source="", messages=100, size=1 << 20, wait=0, rewind=False):
    return (b"\x03" + number(tag) + name(source) + epoch + bytes([rewind]) + number(messages) + number(size)
            + number(wait))


def acknowledge(tag, epoch, offset, source=""):
    return b"\x04" + number(tag) + name(source) + epoch + number(offset)


def receipt(tag, sequence, known=UNKNOWN, wait=0):
    return b"\x05" + number(tag) + number(sequence) + bytes([known]) + number(wait)


def join(tag, room):
    return b"\x06" + number(tag) + name(room)


def leave(tag, room):
    return b"\x07" + number(tag) + name(room)


def status(tag, source="", known=0, after="", members=100, wait=0):
    return b"\x08" + number(tag) + name(source) + number(known) + name(after) + number(members) + number(wait)


class Fields:
    """Takes one field after the other off a packet."""

    def __init__(self, packet):
        self.left = packet

    def take(self, size):
        if size > len(self.left):
            raise AssertionError("the packet ends too early")
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def byte(self):
        return self.take(1)[0]

    def number(self):
        first = self.left[0]
        value = int.from_bytes(self.take(1 << (first >> 6)), "big") & (1 << (8 << (first >> 6)) - 2) - 1
        return value

    def name(self):
        return self.take(self.byte()).decode()

    def epoch(self):
        return self.take(8)

    def token(self):
        return self.take(16)

    def rest(self):
        return self.take(len(self.left))

    def members(self):
        listed = []
        while self.left:
            is_present = self.byte()
            listed.append((self.name(), is_present))
        return listed


REPLIES = {
    0x81: ("OPENED", "flags:byte epoch:epoch depth:number first:number highest:number window:number "
                     "payload_bytes:number mailbox_messages:number mailbox_bytes:number waits:number token:token"),
    0x82: ("ACCEPTED", "flags:byte"),
    0x83: ("MESSAGE", "source:name offset:number time:number sender:name payload:rest"),
    0x84: ("FETCHED", "delivered:number remaining:number"),
    0x85: ("MISSED", "room:name count:number"),
    0x86: ("ACKED", ""),
    0x87: ("STATE", "state:byte"),
    0x88: ("JOINED", "epoch:epoch first:number cursor:number next:number"),
    0x89: ("LEFT", ""),
    0x8A: ("MAILBOX", "version:number depth:number bytes:number oldest:number stored:number acknowledged:number "
                      "taken:number expired:number purged:number"),
    0x8B: ("MEMBERS", "version:number total:number more:byte members:members"),
    0xFF: ("REFUSED", "reason:byte"),
}


def read(packet):
    """A reply, with its kind, its tag and its fields by name; the reason of a refusal is a name too."""
    kind, layout = REPLIES[packet[0]]
    fields = Fields(packet[1:])
    reply = SimpleNamespace(kind=kind, tag=fields.number())
    for field in layout.split():
        label, _, form = field.partition(":")
        setattr(reply, label, getattr(fields, form)())
    if fields.left:
        raise AssertionError(f"bytes behind {reply}: {fields.left.hex()}")
    if kind == "REFUSED":
        reply.reason = REASONS[reply.reason - 1]
    return reply


class V2Client(RawClient):
    """A RawClient that has agreed on restante.v2."""

    def __init__(self, server, **options):
        super().__init__(server.port, **options)
        try:
            line = self.shake_hands(f"Sec-WebSocket-Protocol: {PROTOCOL}\r\n")
            if "101" not in line or f"sec-websocket-protocol: {PROTOCOL}" not in self.answer.lower():
                raise AssertionError(self.answer)
        except BaseException:
            self.__exit__()
            raise

    def open(self, address, proof=NO_PROOF, secret=b""):
        """Opens the address and gives OPENED, whose epoch and token are kept."""
        self.opened = self.call(open_address(1, address, proof, secret))
        if self.opened.kind != "OPENED":
            raise AssertionError(self.opened)
        return self.opened

    def next(self):
        return read(self.receive())

    def call(self, request):
        """The next reply, whatever it answers."""
        self.send(request)
        return self.next()

    def send_together(self, *requests):
        """In one piece, so that the server has them at once."""
        self.socket.sendall(b"".join(self.frame(request) for request in requests))

    def fetch_all(self, tag, **options):
        """What comes up to FETCHED, which is left out unless it is all."""
        self.send(fetch(tag, options.pop("epoch", self.opened.epoch), **options))
        replies = [self.next()]
        while replies[-1].kind in ("MESSAGE", "MISSED"):
            replies.append(self.next())
        return replies

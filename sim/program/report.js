// Draws the diagram and the charts of a report. Of the diagram, only the visible part of time exists at any moment.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);

  /** Space on the left of all drawings for the scale, and on their right. */
  const GUTTER = 76;
  const MARGIN = 10;
  const HEAD = 44;
  /** How wide a letter of a label is, about. */
  const LETTER = 6.1;
  /** Of narrower columns, only those arrows have labels that find room for them. */
  const COLUMN_FOR_LABELS = 78;
  /** With more arrows in sight than the first, they are thin; than the second, small, and without labels where narrow. */
  const ARROWS_BROAD_MAX = 70;
  const ARROWS_LARGE_MAX = 400;
  /** With more than this, nobody could tell one from another: each becomes a tick on its client's line. */
  const ARROWS_MAX = 1500;
  /** At first, about so many arrows begin in what is in sight, or fewer. */
  const ARROWS_AT_FIRST = 40;

  const FIELDS = ["client", "back", "sent", "received", "name", "about", "hex", "size", "payload", "answers", "doubled"];
  const arrows = data.arrows.map((row, number) => {
    const arrow = { number };
    FIELDS.forEach((field, i) => (arrow[field] = row[i]));
    arrow.isOpening = arrow.name === "connect" || arrow.name === "connected";
    arrow.tone = toneOf(arrow);
    return arrow;
  });
  const span = ([client, begin, end, text]) => ({ client, begin, end, text });
  const connections = data.connections.map(span);
  const faults = data.faults.map(span);
  const closings = data.closings.map(([client, time, atServer, text]) => ({ client, time, atServer: atServer === 1, text }));
  const findings = data.findings.map(([time, text]) => ({ time, text }));
  const clients = data.clients.map(([name, id], number) => ({ name: visible(name), id, number }));

  const replies = arrows.filter((arrow) => arrow.answers >= 0);
  for (const reply of replies) {
    arrows[reply.answers].answer = reply;
  }
  /** How long a packet is usually on its way. */
  const flight = Math.max(1000, median(arrows.filter((arrow) => arrow.received > arrow.sent).map((a) => a.received - a.sent)));

  function toneOf(arrow) {
    if (arrow.isOpening) {
      return "opening";
    }
    if (["BUFFERFULL", "ASSOCIATIONFAILED", "UNKNOWNERROR", "NO PACKET", "TEXT"].includes(arrow.name)) {
      return "refusal";
    }
    return arrow.name === "GETRESPONSE" ? "message" : arrow.back ? "reply" : "request";
  }

  // ---- Words

  function median(numbers) {
    const sorted = Float64Array.from(numbers).sort();
    return sorted.length === 0 ? 0 : sorted[sorted.length >> 1];
  }

  /** Characters that cannot be seen, or that turn others around, as a dot. */
  function visible(text) {
    return text.replace(/\p{C}/gu, "·");
  }

  function bytesOf(hex) {
    return Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  }

  /** The payload as text, or null when it is none. */
  function textOf(arrow) {
    if (arrow.payload < 0) {
      return null;
    }
    try {
      const bytes = bytesOf(arrow.hex.slice(2 * arrow.payload));
      const cut = arrow.hex.length < 2 * arrow.size;
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: cut });
    } catch {
      return null;
    }
  }

  function labelOf(arrow) {
    const title = arrow.about === "" ? arrow.name : `${arrow.name} ${arrow.about}`;
    if (arrow.payload < 0) {
      return title;
    }
    const text = textOf(arrow);
    return text === null ? `${title} ${arrow.hex.slice(2 * arrow.payload)}` : `${title} “${visible(text)}”`;
  }

  function shortened(text, width) {
    const characters = [...text];
    const most = Math.floor(width / LETTER);
    return characters.length <= most ? text : `${characters.slice(0, Math.max(0, most - 1)).join("")}…`;
  }

  const UNITS = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];

  function duration(nanoseconds) {
    const [unit, length] = UNITS.find(([, size]) => nanoseconds >= size) ?? UNITS[3];
    return `${Number((nanoseconds / length).toPrecision(3))} ${unit}`;
  }

  /** A time of the run in seconds, as exact as the distance of two such times asks for. */
  function moment(time, distance) {
    const digits = Math.min(9, Math.max(0, Math.ceil(-Math.log10(Math.max(distance, 1) / 1e9))));
    return `${(time / 1e9).toFixed(digits)} s`;
  }

  const nameOf = (client) => (client < 0 ? "the server" : `${clients[client].name} (${clients[client].id})`);

  // ---- SVG

  function make(name, attributes = {}, text = null) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) {
      node.setAttribute(key, value);
    }
    if (text !== null) {
      node.textContent = text;
    }
    return node;
  }

  /** Collects what looks the same into one path, so that ten thousand arrows are ten elements. */
  class Paths {
    #parts = new Map();

    add(kind, path) {
      const parts = this.#parts.get(kind);
      parts ? parts.push(path) : this.#parts.set(kind, [path]);
    }

    draw(parent) {
      for (const [kind, parts] of this.#parts) {
        parent.append(make("path", { class: kind, d: parts.join("") }));
      }
    }
  }

  const round = (number) => Math.round(number * 10) / 10;

  /** The first index at which `isPast` holds, of a list in which it holds from somewhere on. */
  function firstIndex(length, isPast) {
    let low = 0;
    let high = length;
    while (low < high) {
      const middle = (low + high) >> 1;
      isPast(middle) ? (high = middle) : (low = middle + 1);
    }
    return low;
  }

  // ---- What is shown, and where a time is

  let shown = [];
  let columns = new Map();
  let listed = [];
  /** For each listed arrow, the latest end of it and all before: where a window of time begins is found by halving. */
  let latestEnds = new Float64Array();
  let times = new Float64Array();
  let places = new Float64Array();
  let view = { top: 0, scale: 1 };
  let selected = null;

  const endOf = (arrow) => (arrow.received >= 0 ? arrow.received : arrow.sent + 0.55 * flight);
  /** Sent so late that nobody knows whether it arrived. */
  const isOnItsWay = (arrow) => data.open && arrow.received < 0 && arrow.sent > data.end - 8 * flight;
  const isEmptyLook = (arrow) => arrow.name === "BUFFEREMPTY" || arrow.answer?.name === "BUFFEREMPTY";

  function matches(client, words) {
    return words.some((word) => {
      const range = /^(\d+)(?:\s*[-–]\s*(\d+))?$/.exec(word);
      return range
        ? client.id >= Number(range[1]) && client.id <= Number(range[2] ?? range[1])
        : client.name.toLowerCase().includes(word);
    });
  }

  function choose() {
    const words = byId("filter").value.toLowerCase().split(",").map((word) => word.trim()).filter((word) => word !== "");
    shown = words.length === 0 ? clients : clients.filter((client) => matches(client, words));
    byId("filter-said").textContent =
      words.length === 0 ? "names or ids, as in 1, 4-7" : `${shown.length} of ${clients.length}`;
    columns = new Map(shown.map((client, i) => [client.number, i]));
    const withoutEmpty = byId("polls").checked;
    const isListed = (arrow) => !(withoutEmpty && isEmptyLook(arrow)) && !isOnItsWay(arrow);
    listed = arrows.filter((arrow) => columns.has(arrow.client) && isListed(arrow));
    latestEnds = new Float64Array(listed.length);
    listed.forEach((arrow, i) => (latestEnds[i] = Math.max(endOf(arrow), i > 0 ? latestEnds[i - 1] : 0)));
    measure();
  }

  const concerns = (client) => client < 0 || columns.has(client);

  /** Gives each time at which something happens its place. Where nothing happens for long, time is shortened. */
  function measure() {
    const all = [0, data.end];
    for (const arrow of listed) {
      all.push(arrow.sent, endOf(arrow));
    }
    for (const fault of faults) {
      if (concerns(fault.client)) {
        all.push(fault.begin, Math.max(fault.end, fault.begin));
      }
    }
    for (const closing of closings) {
      if (concerns(closing.client)) {
        all.push(closing.time);
      }
    }
    all.push(...findings.map((finding) => finding.time));
    const sorted = Float64Array.from(all).sort();
    times = sorted.filter((time, i) => i === 0 || time !== sorted[i - 1]);
    places = new Float64Array(times.length);
    const shorten = byId("quiet").checked;
    for (let i = 1; i < times.length; ++i) {
      const gap = times[i] - times[i - 1];
      places[i] = places[i - 1] + (shorten && gap > flight ? flight * (1 + 0.35 * Math.log(gap / flight)) : gap);
    }
  }

  function between(from, to, value) {
    const last = from.length - 1;
    const i = Math.min(Math.max(firstIndex(from.length, (k) => from[k] > value) - 1, 0), Math.max(last - 1, 0));
    const length = from[i + 1] - from[i];
    return length > 0 ? to[i] + ((value - from[i]) / length) * (to[i + 1] - to[i]) : to[i];
  }

  const placeOf = (time) => between(times, places, time);
  const timeOf = (place) => between(places, times, place);

  // ---- The diagram

  const diagram = byId("diagram");
  const picture = make("svg", { "aria-hidden": "true" });
  diagram.append(picture);
  let size = { width: 0, height: 0 };
  /** What is drawn of arrows at the moment. */
  let segments = [];
  const hover = make("g");

  const whole = () => places[places.length - 1];
  const room = () => size.height - HEAD - 12;
  const yOf = (time) => HEAD + 12 + (placeOf(time) - view.top) / view.scale;
  const timeAt = (y) => timeOf(view.top + (y - HEAD - 12) * view.scale);

  function clamp() {
    const most = whole() / Math.max(room() - 24, 1);
    view.scale = Math.min(Math.max(view.scale, 20), Math.max(most, 20));
    view.top = Math.min(Math.max(view.top, 0), Math.max(0, whole() - (room() - 24) * view.scale));
  }

  function xOf(column) {
    const width = (size.width - GUTTER - MARGIN) / (shown.length + 1);
    return GUTTER + (column + 0.5) * width;
  }

  const serverColumn = () => Math.ceil(shown.length / 2);
  const columnOf = (client) => {
    const column = columns.get(client);
    return column < serverColumn() ? column : column + 1;
  };
  const xOfClient = (client) => (client < 0 ? xOf(serverColumn()) : xOf(columnOf(client)));
  const columnWidth = () => (size.width - GUTTER - MARGIN) / (shown.length + 1);

  /** Writes labels where they fit; those that come first have the right of way. */
  class Labels {
    #taken = [];

    constructor(parent) {
      this.parent = parent;
    }

    write(x, y, anchor, width, text, kind) {
      const words = shortened(text, width);
      const length = LETTER * words.length;
      const [left, right] = anchor === "start" ? [x, x + length] : [x - length, x];
      const overlaps = (other) => Math.abs(other.y - y) < 12.5 && other.left < right && left < other.right;
      if (width < 40 || y < HEAD + 10 || y > size.height + 4 || this.#taken.some(overlaps)) {
        return;
      }
      this.#taken.push({ left, right, y });
      this.parent.append(make("text", { class: `label ${kind}`, x: round(x), y: round(y), "text-anchor": anchor }, words));
    }
  }

  function visibleArrows(from, to) {
    const found = [];
    for (let i = firstIndex(listed.length, (k) => latestEnds[k] >= from); i < listed.length && listed[i].sent <= to; ++i) {
      if (endOf(listed[i]) >= from) {
        found.push(listed[i]);
      }
    }
    return found;
  }

  function segmentOf(arrow) {
    const client = xOfClient(arrow.client);
    const server = xOf(serverColumn());
    const [x1, target] = arrow.back ? [server, client] : [client, server];
    const arrives = arrow.received >= 0;
    const x2 = arrives ? target : x1 + 0.55 * (target - x1);
    return { arrow, x1, y1: yOf(arrow.sent), x2, y2: yOf(endOf(arrow)), arrives };
  }

  function drawArrow(paths, segment, weight) {
    const { arrow, x1, y1, x2, y2, arrives } = segment;
    paths.add(`arrow ${arrives ? arrow.tone : "lost"} ${weight}`, `M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}`);
    if (!arrives) {
      const r = weight === "small" ? 2.5 : 5;
      paths.add("cross", `M${round(x2 - r)} ${round(y2 - r)}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`);
      return;
    }
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
    const [long, broad] = weight === "small" ? [4, 1.8] : [8, 3.4];
    const corner = (side) =>
      `${round(x2 - long * dx - side * broad * dy)} ${round(y2 - long * dy + side * broad * dx)}`;
    paths.add(`point ${arrow.tone}`, `M${round(x2)} ${round(y2)}L${corner(1)}L${corner(-1)}Z`);
  }

  function tickOf({ arrow, y1, y2, arrives }) {
    const half = Math.max(0.7, Math.min(columnWidth() * 0.4, 40));
    const x = xOfClient(arrow.client);
    const y = arrow.back ? y2 : y1;
    return { arrow, x1: x - half, y1: y, x2: x + half, y2: y, arrives };
  }

  function drawTick(paths, { arrow, x1, y1, x2, arrives }) {
    paths.add(arrives ? `arrow ${arrow.tone} tick` : "cross", `M${round(x1)} ${round(y1)}H${round(x2)}`);
  }

  /** A label stands near the client's end of its arrow, where few others' arrows are, and above it. */
  function labelArrows(labels, drawn) {
    const wide = columnWidth() >= COLUMN_FOR_LABELS;
    if (!wide && drawn.length > ARROWS_LARGE_MAX) {
      return;
    }
    const width = wide ? columnWidth() - 20 : 130;
    const rank = { refusal: 1, message: 2, request: 3, reply: 4, opening: 5 };
    const rankOf = ({ arrow, arrives }) => (arrives ? (arrow.name === "GET" ? 4 : rank[arrow.tone]) : 0);
    for (const segment of drawn.slice(0, 2000).sort((left, right) => rankOf(left) - rankOf(right))) {
      const { arrow, x1, y1, x2, y2 } = segment;
      const client = xOfClient(arrow.client);
      const side = Math.sign(xOf(serverColumn()) - client);
      const text = `${labelOf(arrow)}${arrow.doubled ? " (again)" : ""}${arrow.received < 0 ? " — lost" : ""}`;
      const length = Math.min(LETTER * text.length, width, 130);
      const heightAt = (x) => y1 + ((y2 - y1) * (x - x1)) / (x2 - x1 || 1);
      const y = Math.min(heightAt(client + side * 12), heightAt(client + side * (12 + length))) - 4;
      labels.write(client + side * 12, y, side > 0 ? "start" : "end", width, text, "");
    }
  }

  function drawLives(parent, paths, from, to) {
    const bottom = size.height;
    for (const client of shown) {
      const x = round(xOfClient(client.number));
      paths.add("life", `M${x} ${HEAD}V${bottom}`);
    }
    const server = round(xOf(serverColumn()));
    paths.add("server-life", `M${server} ${HEAD}V${bottom}`);
    for (const { client, begin, end } of connections) {
      if (columns.has(client) && begin <= to && (end < 0 || end >= from)) {
        const lower = end < 0 ? bottom : Math.min(bottom, yOf(end));
        paths.add(columnWidth() < 30 ? "alive thin" : "alive", `M${round(xOfClient(client))} ${round(Math.max(HEAD, yOf(begin)))}V${round(lower)}`);
      }
    }
  }

  function drawClosings(paths, labels, from, to) {
    for (const { client, time, atServer, text } of closings) {
      if (!columns.has(client) || time < from || time > to) {
        continue;
      }
      const x = atServer ? xOf(serverColumn()) : xOfClient(client);
      const y = yOf(time);
      const r = Math.min(5, columnWidth() / 3);
      paths.add("ending", `M${round(x - r)} ${round(y - r)}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`);
      if (columnWidth() >= COLUMN_FOR_LABELS) {
        writeOutside(labels, atServer ? -1 : client, y + 4, `${atServer ? `${nameOf(client)} ` : ""}closed ${visible(text)}`, "");
      }
    }
  }

  /** On the side of a lifeline where no arrows are; the server has none, and writes to its right. */
  function writeOutside(labels, client, y, text, kind) {
    const x = xOfClient(client);
    const side = client < 0 ? 1 : Math.sign(x - xOf(serverColumn()));
    const space = side < 0 ? Math.min(x - GUTTER, columnWidth()) : Math.min(size.width - x, columnWidth());
    labels.write(x + side * 12, y, side > 0 ? "start" : "end", client < 0 ? 300 : space - 14, text, kind);
  }

  function drawFaults(paths, labels, from, to) {
    const half = Math.max(1.5, Math.min(9, columnWidth() * 0.4));
    for (const { client, begin, end, text } of faults) {
      if (!concerns(client) || begin > to || Math.max(end, begin) < from) {
        continue;
      }
      const x = xOfClient(client);
      const y = Math.max(yOf(begin), HEAD);
      const everywhere = text === "everything heals";
      if (end > begin) {
        paths.add("band", `M${round(x - half)} ${round(y)}h${2 * half}V${round(Math.min(yOf(end), size.height))}h${-2 * half}Z`);
      } else {
        const [left, right] = everywhere ? [GUTTER, size.width - MARGIN] : [x - half - 3, x + half + 3];
        paths.add("flag", `M${round(left)} ${round(y)}H${round(right)}`);
      }
      if (client < 0 || columnWidth() >= COLUMN_FOR_LABELS) {
        writeOutside(labels, client, Math.max(y + 11, HEAD + 14), visible(text), "fault-label");
      }
    }
    for (const { time, text } of findings) {
      if (time >= from && time <= to) {
        const y = round(yOf(time));
        paths.add("finding", `M${GUTTER} ${y}H${size.width - MARGIN}`);
        labels.write(GUTTER + 6, y - 4, "start", size.width - GUTTER - MARGIN, visible(text), "finding-label");
      }
    }
  }

  function drawScale(parent, from, to) {
    let last = HEAD;
    const shorten = byId("quiet").checked;
    const write = (y, text) => parent.append(make("text", { x: GUTTER - 10, y: round(y + 4), "text-anchor": "end" }, text));
    if (!shorten) {
      const step = niceStep((to - from) / Math.max(1, room() / 56));
      for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
        write(yOf(time), moment(time, step));
      }
      return;
    }
    const begin = Math.max(0, firstIndex(times.length, (i) => times[i] >= from) - 1);
    for (let i = begin; i < times.length && times[i] <= to; ++i) {
      const y = yOf(times[i]);
      const gap = times[i + 1] - times[i];
      const next = i + 1 < times.length ? yOf(times[i + 1]) : y;
      if (y >= last + 26 || (last === HEAD && y >= HEAD + 4)) {
        write(y, moment(times[i], Math.max(view.scale * 40, 1000)));
        last = y;
      }
      if (gap > 8 * flight && next - y > 44 && y + 16 > last) {
        last = Math.max((y + next) / 2, HEAD + 14);
        write(last, `⋮ ${duration(gap)}`);
      }
    }
  }

  function niceStep(least) {
    const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
    return power * ([1, 2, 5].find((factor) => factor * power >= least) ?? 10);
  }

  function drawHead(parent) {
    parent.append(make("rect", { class: "head", x: 0, y: 0, width: size.width, height: HEAD }));
    parent.append(make("path", { class: "head-line", d: `M0 ${HEAD}H${size.width}` }));
    const width = columnWidth();
    const each = Math.ceil(34 / width);
    shown.forEach((client, i) => {
      const x = round(xOfClient(client.number));
      if (width >= 60) {
        parent.append(make("text", { class: "who", x, y: 19, "text-anchor": "middle" }, shortened(client.name, width - 4)));
        parent.append(make("text", { class: "who-id", x, y: 35, "text-anchor": "middle" }, `id ${client.id}`));
      } else if (i % each === 0 && Math.abs(x - xOf(serverColumn())) > 42) {
        parent.append(make("text", { class: "who-id", x, y: 35, "text-anchor": "middle" }, String(client.id)));
      }
    });
    parent.append(make("text", { class: "who", x: round(xOf(serverColumn())), y: 19, "text-anchor": "middle" }, "server"));
    if (width < 60) {
      parent.append(make("text", { class: "who-id", x: GUTTER - 10, y: 35, "text-anchor": "end" }, "id"));
    }
  }

  function drawSelected(parent) {
    if (selected === null || !columns.has(selected.client)) {
      return;
    }
    for (const arrow of [selected, arrows[selected.answers] ?? selected.answer]) {
      if (arrow) {
        const { x1, y1, x2, y2 } = segmentOf(arrow);
        parent.append(make("path", { class: "selected", d: `M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}` }));
      }
    }
  }

  function drawDiagram() {
    clamp();
    const from = timeAt(HEAD);
    const to = timeAt(size.height);
    const ground = make("g");
    const writing = make("g");
    const paths = new Paths();
    const labels = new Labels(writing);
    drawLives(ground, paths, from, to);
    drawFaults(paths, labels, from, to);
    segments = visibleArrows(from, to).map(segmentOf);
    const crowded = segments.length > ARROWS_MAX;
    segments = crowded ? segments.map(tickOf) : segments;
    const draw = crowded ? drawTick : drawArrow;
    const weight = segments.length > ARROWS_LARGE_MAX ? "small" : segments.length > ARROWS_BROAD_MAX ? "thin" : "";
    for (const segment of segments) {
      draw(paths, segment, weight);
    }
    drawClosings(paths, labels, from, to);
    if (!crowded) {
      labelArrows(labels, segments);
    }
    drawSelected(ground);
    paths.draw(ground);
    const head = make("g");
    drawScale(writing, from, to);
    drawHead(head);
    picture.replaceChildren(ground, writing, head, hover);
    picture.setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
    moveWindows(Math.max(0, from), Math.min(to, data.end));
  }

  let waiting = false;
  function redraw() {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        drawDiagram();
      });
    }
  }

  // ---- Moving about

  function scroll(pixels) {
    const before = view.top;
    view.top += pixels * view.scale;
    clamp();
    redraw();
    return view.top !== before;
  }

  function zoom(factor, y = HEAD + room() / 2) {
    const place = view.top + (y - HEAD - 12) * view.scale;
    view.scale *= factor;
    clamp();
    view.top = place - (y - HEAD - 12) * view.scale;
    redraw();
  }

  /** So that arrows are slanted, and not too many. */
  function usualScale() {
    const few = ((whole() / Math.max(1, listed.length)) * ARROWS_AT_FIRST) / room();
    return Math.max(flight / 240, Math.min(flight / 44, few));
  }

  function showAll() {
    view = { top: 0, scale: whole() };
    redraw();
  }

  function goTo(time) {
    view.top = placeOf(time) - (room() / 2) * view.scale;
    redraw();
  }

  function select(arrow) {
    selected = arrow;
    describe();
    redraw();
  }

  function step(by) {
    if (listed.length === 0) {
      return;
    }
    const at = selected === null ? -1 : listed.indexOf(selected);
    const from = at >= 0 ? at + by : firstIndex(listed.length, (i) => listed[i].sent >= timeAt(HEAD + 12));
    const next = listed[Math.min(Math.max(from, 0), listed.length - 1)];
    select(next);
    if (yOf(next.sent) < HEAD + 20 || yOf(endOf(next)) > size.height - 20) {
      goTo(next.sent);
    }
  }

  const KEYS = {
    ArrowUp: () => scroll(-60),
    ArrowDown: () => scroll(60),
    PageUp: () => scroll(-0.9 * room()),
    PageDown: () => scroll(0.9 * room()),
    Home: () => scroll(-Infinity),
    End: () => scroll(Number.MAX_SAFE_INTEGER),
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    "+": () => zoom(1 / 1.5),
    "=": () => zoom(1 / 1.5),
    "-": () => zoom(1.5),
    0: showAll,
    Escape: () => select(null),
  };

  function nearest(x, y) {
    let best = null;
    let distance = 8;
    for (const { arrow, x1, y1, x2, y2 } of segments) {
      const [dx, dy] = [x2 - x1, y2 - y1];
      const along = Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1)));
      const away = Math.hypot(x - x1 - along * dx, y - y1 - along * dy);
      if (away < distance) {
        [best, distance] = [arrow, away];
      }
    }
    return best;
  }

  /** The arrow under the pointer, and its label: in a crowd, few others have one. */
  function showHovered(x, y) {
    const arrow = nearest(x, y);
    diagram.style.cursor = arrow === null ? "" : "pointer";
    if (arrow === null) {
      hover.replaceChildren();
      return;
    }
    const { x1, y1, x2, y2 } = segmentOf(arrow);
    const right = x < size.width - 260;
    hover.replaceChildren(
      make("path", { class: `arrow hovered ${arrow.tone}`, d: `M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}` }),
      make(
        "text",
        { class: "label hovered-label", x: round(x + (right ? 12 : -12)), y: round(Math.max(y - 8, HEAD + 12)), "text-anchor": right ? "start" : "end" },
        shortened(`${labelOf(arrow)} · ${nameOf(arrow.client)}`, 420),
      ),
    );
  }

  function listen() {
    diagram.addEventListener("keydown", (event) => {
      if (KEYS[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey) {
        event.preventDefault();
        KEYS[event.key]();
      }
    });
    diagram.addEventListener(
      "wheel",
      (event) => {
        const pixels = event.deltaY * (event.deltaMode === 0 ? 1 : 30);
        if (event.ctrlKey) {
          event.preventDefault();
          zoom(Math.exp(Math.min(Math.max(pixels, -300), 300) / 300), event.clientY - diagram.getBoundingClientRect().top);
        } else if (document.activeElement === diagram && scroll(pixels)) {
          event.preventDefault();
        }
      },
      { passive: false },
    );
    let drag = null;
    diagram.addEventListener("pointerdown", (event) => {
      drag = { y: event.clientY, moved: false };
      diagram.setPointerCapture(event.pointerId);
    });
    diagram.addEventListener("pointermove", (event) => {
      if (drag !== null && (drag.moved || Math.abs(event.clientY - drag.y) > 4)) {
        scroll(drag.y - event.clientY);
        drag = { y: event.clientY, moved: true };
        hover.replaceChildren();
      } else if (event.pointerType === "mouse") {
        const box = diagram.getBoundingClientRect();
        showHovered(event.clientX - box.left, event.clientY - box.top);
      }
    });
    diagram.addEventListener("pointerleave", () => hover.replaceChildren());
    diagram.addEventListener("pointerup", (event) => {
      if (drag !== null && !drag.moved) {
        const box = diagram.getBoundingClientRect();
        const hit = nearest(event.clientX - box.left, event.clientY - box.top);
        select(hit ?? selected);
      }
      drag = null;
    });
    diagram.addEventListener("pointercancel", () => (drag = null));

    byId("earlier").addEventListener("click", () => scroll(-0.5 * room()));
    byId("later").addEventListener("click", () => scroll(0.5 * room()));
    byId("zoom-in").addEventListener("click", () => zoom(1 / 2));
    byId("zoom-out").addEventListener("click", () => zoom(2));
    byId("whole").addEventListener("click", showAll);
    for (const id of ["filter", "quiet", "polls"]) {
      byId(id).addEventListener("input", () => {
        const time = timeAt(HEAD + room() / 2);
        choose();
        view.scale = usualScale();
        goTo(time);
      });
    }
    for (const button of document.querySelectorAll("[data-finding]")) {
      button.addEventListener("click", () => {
        goTo(findings[Number(button.dataset.finding)].time);
        diagram.scrollIntoView({ block: "center" });
        diagram.focus({ preventScroll: true });
      });
    }
    byId("copy").addEventListener("click", copyCommand);
  }

  async function copyCommand() {
    const command = byId("command");
    getSelection().selectAllChildren(command);
    try {
      await navigator.clipboard.writeText(command.textContent);
    } catch {
      // Pages from files may not have the clipboard; the older way does.
      document.execCommand("copy");
    }
    byId("copy").textContent = "Copied";
  }

  // ---- One packet

  function describe() {
    const details = byId("details");
    if (selected === null) {
      details.replaceChildren(Object.assign(document.createElement("p"), { className: "hint", textContent: "Click an arrow to see its packet." }));
      return;
    }
    const arrow = selected;
    const title = document.createElement("h3");
    title.textContent = arrow.about === "" ? arrow.name : `${arrow.name} ${arrow.about}`;
    const list = document.createElement("dl");
    const tell = (term, value, kind = "") => {
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      dt.textContent = term;
      dd.textContent = value;
      dd.className = kind;
      dd.dir = "auto";
      list.append(dt, dd);
    };
    const [from, to] = arrow.back ? ["the server", nameOf(arrow.client)] : [nameOf(arrow.client), "the server"];
    tell("Way", `${from} → ${to}${arrow.doubled ? ", a copy that the link made" : ""}`);
    tell("Sent", moment(arrow.sent, 1000));
    tell("Received", arrow.received < 0 ? "never" : `${moment(arrow.received, 1000)}, after ${duration(arrow.received - arrow.sent)}`);
    const request = arrows[arrow.answers];
    if (request) {
      tell("Answers", labelOf(request));
    } else if (arrow.answer) {
      tell("Answer", labelOf(arrow.answer));
    }
    const [first, last] = request ? [request, arrow] : [arrow, arrow.answer];
    if (last && last.received >= 0) {
      tell("In all", `${duration(last.received - first.sent)} from request to reply`);
    }
    const text = textOf(arrow);
    if (arrow.payload >= 0) {
      tell("Payload", text === null ? "no UTF-8" : visible(text));
    }
    if (arrow.size > 0) {
      const cut = arrow.hex.length / 2 < arrow.size ? ` … and ${arrow.size - arrow.hex.length / 2} more` : "";
      tell(`${arrow.size} bytes`, arrow.hex.replace(/(..)(?=.)/g, "$1 ") + cut, "hex");
    }
    details.replaceChildren(title, list);
  }

  // ---- Charts of the whole run

  const windows = [];

  function chart(id, height, says) {
    const width = byId(id).clientWidth;
    const svg = make("svg", { role: "img", "aria-label": says, viewBox: `0 0 ${width} ${height}`, height });
    const x = (time) => GUTTER + (time / data.end) * (width - GUTTER - MARGIN);
    const mark = make("rect", { class: "window", y: 0.5, height: height - 1, rx: 3 });
    const open = (event) => goTo(((event.clientX - svg.getBoundingClientRect().left - GUTTER) / (width - GUTTER - MARGIN)) * data.end);
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      open(event);
    });
    svg.addEventListener("pointermove", (event) => event.buttons === 1 && open(event));
    windows.push({ mark, x });
    byId(id).replaceChildren(svg);
    return { svg, x, width, height, finish: () => svg.append(mark) };
  }

  function moveWindows(from, to) {
    for (const { mark, x } of windows) {
      mark.setAttribute("x", round(x(from)));
      mark.setAttribute("width", round(Math.max(3, x(to) - x(from))));
    }
  }

  function drawOverview() {
    const height = 76;
    const base = 54;
    const { svg, x, width, finish } = chart("overview", height, `${arrows.length} arrows and ${faults.length} faults over ${duration(data.end)}`);
    const bins = new Float64Array(Math.max(1, Math.ceil((width - GUTTER - MARGIN) / 3)));
    for (const arrow of arrows) {
      ++bins[Math.min(bins.length - 1, Math.floor((arrow.sent / data.end) * bins.length))];
    }
    const most = bins.reduce((left, right) => Math.max(left, right), 1);
    const paths = new Paths();
    for (const { begin, end, text } of faults) {
      if (end > begin) {
        paths.add("band", `M${round(x(begin))} 4H${round(Math.max(x(end), x(begin) + 1.5))}V${base}H${round(x(begin))}Z`);
      } else if (text !== "") {
        paths.add("flag", `M${round(x(begin))} ${base - 8}V${base}`);
      }
    }
    bins.forEach((count, i) => {
      if (count > 0) {
        const tall = Math.max(1.5, (count / most) * (base - 6));
        paths.add("density", `M${round(GUTTER + i * 3)} ${base}v${round(-tall)}h2.4v${round(tall)}Z`);
      }
    });
    for (const { time } of findings) {
      paths.add("finding", `M${round(x(time))} 0V${base}`);
    }
    paths.draw(svg);
    svg.append(make("text", { x: GUTTER - 10, y: 14, "text-anchor": "end" }, "packets"));
    drawTimes(svg, x, width, base, height);
    finish();
  }

  function drawTimes(svg, x, width, base, height) {
    svg.append(make("path", { class: "grid", d: `M${GUTTER} ${base}H${width - MARGIN}` }));
    const step = niceStep(data.end / Math.max(2, width / 110));
    for (let time = 0; time <= data.end; time += step) {
      const edge = x(time) > width - 30;
      svg.append(make("text", { x: round(Math.min(x(time), width - 2)), y: height - 6, "text-anchor": edge ? "end" : "middle" }, moment(time, step)));
    }
  }

  /** A line of steps with at most its last and its highest value in each pixel. */
  function steps(changes, x, y, end) {
    let path = `M${GUTTER} ${round(y(0))}`;
    for (let i = 0; i < changes.length; ) {
      const pixel = Math.round(x(changes[i].time));
      let highest = 0;
      let last = 0;
      for (; i < changes.length && Math.round(x(changes[i].time)) === pixel; ++i) {
        last = changes[i].messages;
        highest = Math.max(highest, last);
      }
      path += `H${pixel}V${round(y(highest))}${last === highest ? "" : `V${round(y(last))}`}`;
    }
    return `${path}H${round(x(end))}`;
  }

  function drawMailboxes() {
    const byMailbox = new Map();
    for (const [mailbox, time, messages] of data.depths) {
      byMailbox.has(mailbox) || byMailbox.set(mailbox, { mailbox, changes: [], most: 0 });
      const series = byMailbox.get(mailbox);
      series.changes.push({ time, messages });
      series.most = Math.max(series.most, messages);
    }
    const all = [...byMailbox.values()].sort((left, right) => right.most - left.most || left.mailbox - right.mailbox);
    const most = all.length > 0 ? all[0].most : 0;
    const says = all.length === 0 ? "No message ever waited" : `At most ${most} messages waited, in mailbox ${all[0].mailbox}`;
    const { svg, x, width, finish } = chart("mailboxes", 130, says);
    const top = niceStep(Math.max(most * 1.05, 2));
    const y = (messages) => 118 - (messages / top) * 108;
    drawLevels(svg, [0, top / 2, top], y, width, String);
    if (data.capacity <= top) {
      svg.append(make("path", { class: "limit", d: `M${GUTTER} ${round(y(data.capacity))}H${width - MARGIN}` }));
    }
    const named = all.slice(0, 6);
    for (const series of all.slice(6, 200)) {
      svg.append(make("path", { class: "others", d: steps(series.changes, x, y, data.end) }));
    }
    for (const [i, series] of [...named.entries()].reverse()) {
      const line = make("path", { class: "series", d: steps(series.changes, x, y, data.end) });
      line.style.stroke = `var(--series-${i + 1})`;
      svg.append(line);
    }
    finish();
    const names = document.createElement("p");
    names.className = "names";
    const name = (text, color) => {
      const entry = document.createElement("span");
      const key = document.createElement("i");
      key.style.borderColor = color;
      entry.append(key, text);
      names.append(entry);
    };
    named.forEach((series, i) => name(`mailbox ${series.mailbox}, at most ${series.most}`, `var(--series-${i + 1})`));
    if (all.length > 6) {
      name(`${all.length - 6} others`, "var(--line)");
    }
    if (data.capacity <= top) {
      name(`full at ${data.capacity}`, "var(--bad)");
    }
    byId("mailboxes").append(all.length === 0 ? says : names);
  }

  function drawLevels(svg, levels, y, width, write) {
    for (const level of levels) {
      svg.append(make("path", { class: "grid", d: `M${GUTTER} ${round(y(level))}H${width - MARGIN}` }));
      svg.append(make("text", { x: GUTTER - 10, y: round(y(level) + 4), "text-anchor": "end" }, write(level)));
    }
  }

  function drawLatency() {
    const points = replies
      .filter((reply) => reply.received >= 0)
      .map((reply) => ({ time: arrows[reply.answers].sent, took: reply.received - arrows[reply.answers].sent }));
    const all = Float64Array.from(points, (point) => point.took).sort();
    const says =
      all.length === 0
        ? "No reply came"
        : `Half of ${all.length.toLocaleString("en")} replies came within ${duration(all[all.length >> 1])}, 99 of 100 within ` +
          `${duration(all[Math.min(all.length - 1, Math.floor(all.length * 0.99))])}, the last within ${duration(all[all.length - 1])}`;
    const { svg, x, width, finish } = chart("latency", 130, says);
    const low = Math.floor(Math.log10(Math.max(1, all[0] ?? 1e6)));
    const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(1, all[all.length - 1] ?? 1e6))));
    const y = (took) => 118 - ((Math.log10(Math.max(1, took)) - low) / (high - low)) * 108;
    drawLevels(svg, Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)), y, width, duration);
    if (points.length <= 700) {
      const dots = points.map(({ time, took }) => `M${round(x(time))} ${round(y(took))}h0`);
      svg.append(make("path", { class: "dots", d: dots.join("") }));
    } else {
      drawRanges(svg, points, x, y);
    }
    finish();
    byId("latency").append(Object.assign(document.createElement("p"), { className: "names", textContent: `${says}.` }));
  }

  /** For many: from the fastest to the slowest of each few pixels, and a line through their medians. */
  function drawRanges(svg, points, x, y) {
    const bins = new Map();
    for (const { time, took } of points) {
      const bin = Math.round(x(time) / 3);
      bins.has(bin) ? bins.get(bin).push(took) : bins.set(bin, [took]);
    }
    const sorted = [...bins.entries()].sort(([left], [right]) => left - right);
    const ranges = [];
    const middles = [];
    for (const [bin, values] of sorted) {
      values.sort((left, right) => left - right);
      ranges.push(`M${bin * 3} ${round(y(values[0]))}V${round(y(values[values.length - 1]) - 1)}`);
      middles.push(`${bin * 3} ${round(y(values[values.length >> 1]))}`);
    }
    svg.append(make("path", { class: "range", "stroke-width": 2.4, d: ranges.join("") }));
    svg.append(make("path", { class: "middle", d: `M${middles.join("L")}` }));
  }

  // ---- All of it

  function fit() {
    const box = diagram.getBoundingClientRect();
    size = { width: diagram.clientWidth, height: diagram.clientHeight || box.height };
    windows.length = 0;
    drawOverview();
    drawMailboxes();
    drawLatency();
    drawDiagram();
  }

  choose();
  size = { width: diagram.clientWidth, height: diagram.clientHeight };
  view = { top: 0, scale: usualScale() };
  listen();
  new ResizeObserver(fit).observe(diagram);
})();

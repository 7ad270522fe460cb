// The report of restante-sim in a real browser, opened as a file, as a person would.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";

import { Person, startBrowser } from "./browser.mjs";

const hostile = `</script><img src=x onerror="document.title='broken'">`;

const twoFriends = `
name = ${JSON.stringify(hostile)}
description = ${JSON.stringify(`& ${hostile}`)}
duration = "4s"

[[clients]]
name = ${JSON.stringify(`ada ${hostile}`)}
id = 1
push_every = "500ms"
push_to = [2]

[[clients]]
name = "bob"
id = 2
get_every = "1s"

[[actions]]
at = "2s"
do = "break_connection"
client = "bob"
`;

const hundred = `
name = "a hundred"
duration = "5s"

[link]
latency = "20ms"
jitter = "10ms"

[[clients]]
name = "clients"
count = 100
id = 1
push_every = "500ms"
get_every = "1s"

[faults]
breaks = 60
stalls = 60
`;

let browser;
let folder;
const people = [];

/** Runs a scenario and gives the path of its report. */
function report(name, scenario) {
  const file = join(folder, `${name}.toml`);
  const page = join(folder, `${name}.html`);
  writeFileSync(file, scenario);
  execFileSync(process.env.RESTANTE_SIM, ["run", file, "--seed", "3", "--report", page], { stdio: "pipe" });
  return page;
}

async function open(path, options) {
  const person = await Person.open(browser, pathToFileURL(path).href, options);
  people.push(person);
  await person.page.locator("#diagram svg text").first().waitFor();
  return person.page;
}

const labels = (page) => page.locator("#diagram .label").allTextContents();
const details = (page) => page.locator("#details").innerText();

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "restante-report-"));
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(async () => {
  for (const person of people.splice(0)) {
    await person.close();
  }
});

describe("the report of a run", () => {
  test("shows packets, and what is in the one that is chosen", async () => {
    const page = await open(report("friends", twoFriends));
    const first = await labels(page);
    assert.ok(first.includes("ASSOCIATE 1"), String(first));
    assert.ok(first.some((label) => label.startsWith("PUSH 1→2 “")), String(first));
    await page.locator("#diagram").focus();
    await page.keyboard.press("ArrowRight");
    assert.match(await details(page), /connect/);
    while (!(await details(page)).startsWith("PUSH 1→2")) {
      await page.keyboard.press("ArrowRight");
    }
    assert.match(await details(page), /Answer\s+POSITIVEACK 1/);
    assert.match(await details(page), /02 01 01 02/);
  });

  test("shows what people wrote as what it is", async () => {
    const path = report("hostile", twoFriends);
    // Clients may send anything too: here the first message is the one that is sent to break the page.
    const payload = Buffer.from(`${hostile}\u202e`);
    const packet = Buffer.concat([Buffer.from([2, 1, 1, 2, payload.length]), payload]).toString("hex");
    const page = readFileSync(path, "utf8").replace(/("PUSH","1→2",)"[0-9a-f]*"/, `$1"${packet}"`);
    writeFileSync(path, page.replace(/("PUSH","1→2",)"(?!02010102[0-9a-f]{2}3c)[0-9a-f]*"/, '$1"0201010202fffe"'));
    const opened = await open(path);
    assert.equal(await opened.locator("img").count(), 0);
    assert.ok((await opened.title()).startsWith(hostile));
    assert.equal(await opened.locator("h1").innerText(), hostile);
    const first = await labels(opened);
    assert.ok(first.some((label) => label.startsWith("PUSH 1→2 “</script><img")), String(first));
    assert.ok(first.includes("PUSH 1→2 fffe"), String(first));
  });

  test("moves through time with keys, buttons and the wheel", async () => {
    const { page } = await Person.open(browser, pathToFileURL(report("moving", twoFriends)).href).then((person) => {
      people.push(person);
      return person;
    });
    const lit = () => page.locator("#overview .window").evaluate((node) => [Number(node.getAttribute("x")), Number(node.getAttribute("width"))]);
    const changes = async (act) => {
      const [x, width] = await lit();
      await act();
      await page.waitForFunction(
        ([oldX, oldWidth]) => {
          const node = document.querySelector("#overview .window");
          return Number(node.getAttribute("x")) !== oldX || Number(node.getAttribute("width")) !== oldWidth;
        },
        [x, width],
      );
      const [newX, newWidth] = await lit();
      return { moved: newX - x, wider: newWidth - width };
    };
    await page.locator("#diagram").focus();
    assert.ok((await changes(() => page.keyboard.press("End"))).moved > 0);
    assert.ok((await changes(() => page.keyboard.press("Home"))).moved < 0);
    assert.ok((await changes(() => page.keyboard.press("0"))).wider > 0);
    assert.ok((await changes(() => page.getByRole("button", { name: "Zoom in" }).click())).wider < 0);
    assert.ok((await changes(() => page.locator("#overview svg").click({ position: { x: 900, y: 30 } }))).moved > 0);
    await page.locator("#diagram").hover();
    await page.keyboard.down("Control");
    assert.ok((await changes(() => page.mouse.wheel(0, 400))).wider > 0);
  });

  test("is usable with a hundred clients, of which it can show some", async () => {
    const page = await open(report("hundred", hundred));
    assert.ok((await page.locator("#diagram svg *").count()) < 1000, "only what can be seen is drawn");
    await page.getByRole("button", { name: "All" }).click();
    await page.locator("#diagram .tick").first().waitFor({ state: "attached" });
    assert.ok((await page.locator("#diagram svg *").count()) < 1000, "ten thousand arrows are a few elements");
    await page.getByRole("textbox", { name: "Clients" }).fill("7-8, clients 41");
    await page.getByText("3 of 100").waitFor();
    await page.locator("#diagram .who", { hasText: "clients 41" }).waitFor();
    assert.deepEqual(await page.locator("#diagram .who").allTextContents(), ["clients 6", "clients 7", "clients 41", "server"]);
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`can be used by everybody, ${colorScheme}`, async () => {
      await open(report(colorScheme, twoFriends), { colorScheme });
      await people.at(-1).findsAccessible();
    });
  }

  test("fits on a phone", async () => {
    const page = await open(report("phone", twoFriends), { viewport: { width: 390, height: 844 } });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(overflow, 0);
  });
});

// Takes the pictures of the page that the README shows: `npm run picture`, with RESTANTE_SERVER set as for the tests.
import { fileURLToPath } from "node:url";

import { Person, startBrowser } from "./browser.mjs";
import { Server } from "./support.mjs";

const picture = (name) => fileURLToPath(new URL(`../../docs/images/${name}`, import.meta.url));
const view = { viewport: { width: 1120, height: 1060 }, deviceScaleFactor: 1.25, locale: "en-GB", timezoneId: "UTC" };

const browser = await startBrowser();
const server = await Server.start();
const open = (options) => Person.open(browser, server.url, { names: true, ...view, ...options });
const ada = await open({});
const bob = await open({
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 2,
  colorScheme: "dark",
});
const cyd = await open({});
await ada.openedMailbox("ada");
await bob.openedMailbox("bob");
await cyd.openedMailbox("cyd");
for (const person of [ada, bob, cyd]) {
  await person.join("#post-office");
}

/** One writes, and all of these have it. */
async function says(writer, receiver, text, readers) {
  await writer.send(receiver, text);
  await writer.page.locator('[data-outcome="accepted"]').getByText(text).waitFor();
  for (const reader of readers) {
    // On a phone, an open conversation has a button of its own.
    await reader.page.locator(".message-text, .conversation-last").getByText(text).first().waitFor({ state: "attached" });
  }
}

await says(ada, "cyd", "Can you open at eight tomorrow?", [cyd]);
await says(bob, "#post-office", "The parcel from Lisbon has come.", [ada, cyd]);
await says(cyd, "#post-office", "Friday at noon, Ines said. Keep it on the second shelf.", [ada, bob]);
await says(ada, "#post-office", "It waits there. No hurry.", [bob, cyd]);
await says(bob, "#post-office", "Thank you!", [ada]);
await ada.read("#post-office");
await ada.page.locator(".packets summary").click();
await ada.page.locator("#members summary").click();
await ada.write("#post-office", "See you all on Friday, then.");
await ada.page.screenshot({ path: picture("page.png") });
await bob.page.screenshot({ path: picture("page-phone-dark.png") });

await ada.close();
await bob.close();
await cyd.close();
await server.stop();
await browser.close();

// Takes the picture of the page that the README shows: `npm run picture`, with RESTANTE_SERVER set as for the tests.
import { fileURLToPath } from "node:url";

import { Person, startBrowser } from "./browser.mjs";
import { Server } from "./support.mjs";

const picture = fileURLToPath(new URL("../../docs/images/page.png", import.meta.url));
const view = { viewport: { width: 1120, height: 860 }, deviceScaleFactor: 1.25, locale: "en-GB", timezoneId: "UTC" };

const browser = await startBrowser();
const server = await Server.start();
const ada = await Person.open(browser, server.url, view);
const bob = await Person.open(browser, server.url);
await ada.page.clock.setFixedTime("2026-03-05T09:41:00Z");
await ada.associated(7);
await bob.associated(12);

/** One writes, the other fetches. */
async function exchange(writer, reader, receiver, text) {
  const written = await writer.page.locator(".message").count();
  const read = await reader.page.locator(".message").count();
  await writer.send(receiver, text);
  await writer.messages(written + 1);
  await reader.press("Get all");
  await reader.messages(read + 1);
}

await exchange(ada, bob, 12, "Are you back on Thursday? The parcel from Lisbon has come.");
await exchange(bob, ada, 7, "Friday at noon. Please keep it for me.");
await exchange(ada, bob, 12, "It waits on the second shelf. No hurry.");
await exchange(bob, ada, 7, "Thank you!");
await ada.page.locator("summary").click();
await ada.write(12, "See you on Friday, then.");
await ada.page.screenshot({ path: picture, fullPage: true });

await ada.close();
await bob.close();
await server.stop();
await browser.close();

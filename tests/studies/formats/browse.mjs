// A browser's visit to both origins, recorded by Playwright (trace, HAR) and by Chromium (NetLog).
// node browse.mjs CHROMIUM ZEST_URL ESELLER_URL FOLDER
import { createRequire } from "node:module";
const { chromium } = createRequire(`${process.env.NODE_MODULES}/x.js`)("playwright-core");

const [executablePath, zest, eseller, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--ignore-certificate-errors",
    "--disable-background-networking", "--disable-component-update", "--disable-quic",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    `--log-net-log=${folder}/netlog.json`, "--net-log-capture-mode=Everything",
  ],
});
const context = await browser.newContext({
  ignoreHTTPSErrors: true,
  recordHar: { path: `${folder}/har.zip`, content: "attach" },
});
await context.tracing.start({ snapshots: true });
const page = await context.newPage();
await page.goto(`${zest}/shop?visit=1&pause=0&seconds=0&api=${encodeURIComponent(eseller)}`);
await page.evaluate(async () => {
  const ask = async (path, options) =>
    (await (await fetch(`/API/V3/${path}`, options)).text()).match(/session="([^"]+)"/)?.[1];
  const xml = body => ({ method: "POST", body, headers: { "Content-Type": "text/xml" } });
  let token = await ask("Cart?_session_token=1");
  const first = token;
  token = await ask(`Cart?_session_token=${token}`, xml("<CartItem><sku>4010</sku></CartItem>"));
  token = await ask(`BrowseCategory/Chairs?_session_token=${token}`);
  await ask(`Login?_session_token=${token}`, xml("<Login/>"));
  await ask(`Order?_session_token=${first}`);
  await ask("Product/4011");
  await ask("Broken");
});
await context.tracing.stop({ path: `${folder}/trace.zip` });
await context.close();
await browser.close();

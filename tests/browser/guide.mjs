// The pictures of the guides, in both languages, taken of the demo: `node guide.mjs PROGRAM FOLDER`. Each is cut to what
// its page speaks of. Addresses that are other ones at every start are shown as those that the guides use.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { browser, clientSecret, demo, end, secondPbx } from "./stage.mjs";

const [program, folder] = process.argv.slice(2);
const LANGUAGES = ["zh-CN", "en"];
const TOP = { x: 0, y: 0, width: 1280, height: 760 };
for (const language of LANGUAGES) mkdirSync(`${folder}/${language}`, { recursive: true });

const scene = await demo(program);
const phones = await secondPbx(program);
const appSecret = await clientSecret(program);
const chrome = await browser();

/// Runs in the page.
function rename([ours, shown, others]) {
  const renamed = (text) => text.replaceAll(ours, shown).replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, others);
  for (const input of document.querySelectorAll("input, textarea")) {
    if (input.value.includes("127.0.0.1")) input.value = renamed(input.value);
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) walker.currentNode.data = renamed(walker.currentNode.data);
}

/// The part of the page from the top of the first of these elements to the bottom of the last.
async function around(page, selectors) {
  const boxes = [];
  for (const selector of selectors) boxes.push(await page.locator(selector).first().boundingBox());
  const scrolled = await page.evaluate(() => window.scrollY);
  const { x, y, width } = boxes[0];
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  const margin = Math.min(16, x, y + scrolled);
  return { x: x - margin, y: y + scrolled - margin, width: width + 2 * margin, height: bottom - y + 2 * margin };
}

/// The page at hand in each language: one element of it, all from one element to another, or its top.
async function picture(page, name, part, prepare = async () => {}) {
  const here = page.url().split("?")[0];
  for (const language of LANGUAGES) {
    await page.goto(`${here}?lang=${language}`);
    assert.equal(await page.getAttribute("html", "lang"), language);
    await prepare();
    await page.evaluate(() => document.activeElement.blur());
    await page.evaluate(rename, [scene.origin, "https://connector.example.com", "https://office.ras.yeastar.com"]);
    const path = `${folder}/${language}/${name}.png`;
    if (typeof part === "string") await page.locator(part).first().screenshot({ path });
    else await page.screenshot({ path, fullPage: true, clip: Array.isArray(part) ? await around(page, part) : part });
  }
}

const button = (page, name) => page.getByRole("button", { name, exact: true });

async function ended(page) {
  await page.waitForFunction(() => {
    const part = document.getElementById("progress");
    return part && !part.dataset.progress;
  });
}

async function api(method, path, body) {
  const headers = { authorization: `Bearer ${scene.token}`, "content-type": "application/json" };
  const answer = await fetch(`${scene.origin}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

const context = await chrome.newContext({ locale: "en-US", viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
page.setDefaultTimeout(15000);
const [first] = (await api("GET", "/connections")).items;
const bound = (await api("GET", `/connections/${first.id}/bindings?limit=1000`)).items;
const person = (name) => bound.find((one) => one.name === name).entra_id;
const at = (rest = "") => `${scene.origin}/console/connections/${first.id}${rest}`;

async function door() {
  await page.goto(`${scene.origin}/console`);
  await picture(page, "console-sign-in", "main");
  await page.fill("#token", scene.token);
  await page.click("button[type=submit]");
  await page.waitForURL("**/console");
  await picture(page, "connections", ["header.top", "main"]);
  await page.goto(`${scene.origin}/console/tokens`);
  await picture(page, "tokens", ["header.top", "main"]);
  await page.goto(at("/access"));
  await picture(page, "access", "main");
}

async function wizard() {
  await page.goto(`${scene.origin}/console/connect`);
  await picture(page, "connect-app", "section[aria-labelledby=c-app]");
  const fill = async () => {
    await page.fill('[name="/name"]', "Northwind Instruments, Hamburg");
    await page.fill('[name="/tenant_id"]', first.tenant_id);
    await page.fill('[name="/client_id"]', first.client_id);
    await page.fill('[name="/client_secret"]', appSecret);
    await page.fill('[name="/pbx/base_url"]', phones.address);
    await page.fill('[name="/pbx/client_id"]', phones.id);
    await page.fill('[name="/pbx/client_secret"]', phones.secret);
  };
  await picture(page, "connect-form", ["section[aria-labelledby=c-entra]", "form[action='/console/connect']"], fill);
  await page.goto(`${scene.origin}/console/connect`);
  await fill();
  await button(page, "Test and connect").click();
  await page.waitForURL("**/setup");
  await picture(page, "first-steps", ["main h1", ".steps", ".note"]);
  await button(page, "Preview the plan").click();
  await ended(page);
  await picture(page, "plan", TOP);
}

async function sections() {
  await page.goto(at());
  await picture(page, "status", ["header.top", ".master"]);
  for (const name of ["basic", "app", "users", "groups", "contacts", "presence", "safety"]) {
    await picture(page, name, `#${name}`);
  }
  const address = async () => page.fill('[name="/sso/redirect_uris"]', "https://linkus.example.com/signed-in");
  await picture(page, "sso", "#sso", address);
  for (const [name, rest] of [
    ["client-secret", "/client-secret"],
    ["confirm-pause", "/pause/users"],
    ["confirm-disable", "/disable"],
    ["confirm-disconnect", "/disconnect"],
  ]) {
    await page.goto(at(rest));
    await picture(page, name, "section.dialog");
  }
  await page.goto(at("/health"));
  await picture(page, "health", "main");
  await page.goto(at(`/people/${person("Ingrid Solberg")}`));
  await picture(page, "person", ["main .head", "main section:nth-of-type(2)"]);
  await page.goto(at(`/people/${person("Amara Diallo")}`));
  await picture(page, "person-presence", "#presence");
}

/// Choosing from a search, and the pages on which somebody does by hand what the connector cannot do alone.
async function byHand() {
  await page.goto(at());
  const search = async () => {
    await page.check('#users [name="/users/scope/kind"][value=groups]');
    await page.click('#users button[name="pick"][value="/users/scope/group_ids"]');
    for (const number of [1, 3]) await page.locator(".pick input[type=checkbox]").nth(number).check();
    await page.locator("button[value=search]").click();
    await page.waitForSelector("section[aria-labelledby=p-chosen] .pick");
  };
  await picture(page, "pick-groups", ["main h1", "section[aria-labelledby=p-found] .pick:nth-of-type(4)"], search);
  await page.goto(at("/phonebooks"));
  await page.locator("td form button").first().click();
  await page.waitForSelector("td .badge.connected");
  await picture(page, "phonebooks", "main");
  await page.goto(at("/certificate"));
  await button(page, "Make a key pair").click();
  await page.waitForSelector("section.held");
  await page.goto(at("/certificate"));
  await picture(page, "certificate", ["main h1", "section.held"]);
  await page.goto(at("/alerts"));
  const told = async () => {
    await page.fill('[name="/webhook/url"]', "https://alerts.example.com/hook");
    await page.fill('[name="/email/to"]', "it@contoso.example");
  };
  await picture(page, "alerts", ["section[aria-labelledby=a-who]", "section[aria-labelledby=a-test]"], told);
}

async function runs() {
  await page.goto(at());
  // The change itself would start a run of its own.
  await page.locator("#basic").locator('[name="/change_sync/enabled"]').uncheck();
  await page.locator("#basic").getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/done=saved/);
  await page.locator("#safety").locator('[name="/safety/max_removals"]').fill("0");
  await page.locator("#safety").getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/done=saved&in=safety/);
  const leaver = `${scene.tenant}/tenants/${first.tenant_id}/users/${person("Anaïs Dubois")}`;
  assert.ok((await fetch(`${leaver}/disable`, { method: "POST" })).ok);
  await button(page, "Update Now").click();
  await ended(page);
  await picture(page, "held", ["main .head", "section.held"]);
  await picture(page, "records", "main .scroll");
  await page.goto(at("/runs"));
  await picture(page, "runs", "main");
}

async function switches() {
  await page.goto(at("/pause/users"));
  await button(page, "Confirm").click();
  await picture(page, "paused", "#users .parthead");
  await page.goto(at("/disable"));
  await button(page, "Confirm").click();
  await picture(page, "disabled", ".master");
}

/// Somebody's own page, behind the sign-in of the simulated tenant, once the app has the address it sends people back to.
async function ownPage() {
  const app = `${scene.tenant}/tenants/${first.tenant_id}/apps/${first.client_id}`;
  const uri = JSON.stringify({ uri: first.sso_redirect_uri });
  const headers = { "content-type": "application/json" };
  assert.ok((await fetch(`${app}/redirect-uris`, { method: "PUT", headers, body: uri })).ok);
  await page.goto(`${scene.origin}/me?connection=${first.id}`);
  const user = `${scene.tenant}/tenants/${first.tenant_id}/users/${person("Amara Diallo")}`;
  await page.fill("[name=username]", (await (await fetch(user)).json()).userPrincipalName);
  await button(page, "Next").click();
  await page.waitForURL("**/me");
  await picture(page, "own-page", "main");
}

let failed = false;
try {
  for (const part of [door, wizard, sections, byHand, ownPage, runs, switches]) await part();
} catch (error) {
  failed = true;
  console.log(error.stack);
  await page.screenshot({ path: `${folder}/failed.png`, fullPage: true }).catch(() => {});
}
await end();
process.exit(failed ? 1 : 0);

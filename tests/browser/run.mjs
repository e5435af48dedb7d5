// The console as its admins meet it, in a real browser, against the demo: every page in both languages, the life of a
// connection from the wizard to its end, hostile names in the directory, a viewer who may not act, and a browser without
// scripts. Screenshots are written for a person to look at.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { browser, clientSecret, demo, end, secondPbx } from "./stage.mjs";

const [program, folder] = process.argv.slice(2);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const HOSTILE = '<script>window.ran=1</script><img src=x onerror="window.ran=2">"\'><svg onload=window.ran=3>';
mkdirSync(folder, { recursive: true });

const scene = await demo(program);
const phones = await secondPbx(program);
const appSecret = await clientSecret(program);
const chrome = await browser();

async function signedIn(token, options = {}) {
  const context = await chrome.newContext({ locale: "en-US", viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  await page.goto(`${scene.origin}/console`);
  await page.fill("#token", token);
  await page.click("button[type=submit]");
  await page.waitForURL("**/console");
  return page;
}

async function accessible(page, name) {
  await page.evaluate(AXE).catch(() => page.addScriptTag({ content: AXE }));
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const grave = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  const told = grave.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
  assert.deepEqual(told, [], `${name} has serious faults of accessibility`);
}

// Runs of English words on a page in another language; names, code, what is quoted and what is typed apart.
function english(page) {
  return page.evaluate(() => {
    const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest("bdi, code, textarea, script, style, [lang=en]")) continue;
      const text = node.textContent.replace(/“[^”]*”/g, "");
      if (/[a-z]+(?: [a-z]+){3,}/.test(text)) found.push(text.trim());
    }
    return found;
  });
}

async function harmless(page, name) {
  assert.equal(await page.evaluate(() => window.ran), undefined, `a script of the directory ran on ${name}`);
}

// The page in both languages, wide and narrow, light and dark.
async function pictured(page, name) {
  await harmless(page, name);
  await accessible(page, name);
  const here = page.url().split("?")[0];
  for (const language of ["zh-CN", "en"]) {
    await page.goto(`${here}?lang=${language}`);
    assert.equal(await page.getAttribute("html", "lang"), language);
    if (language === "zh-CN") assert.deepEqual(await english(page), [], `${name} speaks English in Chinese`);
    await page.screenshot({ path: `${folder}/${name}.${language}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await page.emulateMedia({ colorScheme: "dark" });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${name} is ${wide} wide on a phone`);
  await accessible(page, `${name} in the dark`);
  await page.screenshot({ path: `${folder}/${name}.phone.png`, fullPage: true });
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
}

const texts = (page, selector) => page.locator(selector).allInnerTexts();
const button = (page, name) => page.getByRole("button", { name, exact: typeof name === "string" });
const link = (page, name) => page.getByRole("link", { name, exact: true });

async function ended(page) {
  await page.waitForFunction(() => {
    const part = document.getElementById("progress");
    return part && !part.dataset.progress;
  });
  return page.locator("#run-state").innerText();
}

const steps = [];
const step = (name, run) => steps.push([name, run]);

let admin;
let connection;
const at = (rest = "") => `${scene.origin}/console/connections/${connection}${rest}`;

async function api(method, path, body) {
  const answer = await fetch(`${scene.origin}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${scene.token}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json();
}

/// A person of the tenant by the name they have in the connection that the demo made.
async function person(name) {
  const first = (await api("GET", "/connections")).items[0];
  const bound = (await api("GET", `/connections/${first.id}/bindings?limit=1000`)).items;
  const id = bound.find((one) => one.name === name).entra_id;
  return { id, address: `${scene.tenant}/tenants/${first.tenant_id}/users/${id}` };
}

/// From here on the simulated Microsoft sends people back to the demo.
async function registered() {
  const { tenant_id: tenant, client_id: app } = (await api("GET", "/connections")).items[0];
  for (const path of ["/connect/callback", "/sso/callback"]) {
    const answer = await fetch(`${scene.tenant}/tenants/${tenant}/apps/${app}/redirect-uris`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ uri: `${scene.origin}${path}` }),
    });
    assert.ok(answer.ok, `${answer.status}`);
  }
}

/// Arrives at the simulated Microsoft, which asks who is there. Another port is another origin, as Microsoft's is.
async function atMicrosoft(page) {
  await page.waitForURL(`${new URL(scene.tenant).origin}/**`);
  await page.getByText("Simulated sign-in of").waitFor();
}

step("sign in and see the fleet", async () => {
  const door = await chrome.newPage();
  await door.goto(`${scene.origin}/console`);
  await pictured(door, "sign-in");
  admin = await signedIn(scene.token);
  assert.deepEqual(await texts(admin, "td .badge.connected"), ["Connected"]);
  await pictured(admin, "fleet");
});

step("a form that outlived its session leads to Microsoft", async () => {
  const context = await chrome.newContext({ locale: "en-US" });
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  await registered();
  await page.goto(`${scene.origin}/me`);
  await atMicrosoft(page);
  const known = await fetch((await person("Emily Carter")).address);
  await page.fill("[name=username]", (await known.json()).userPrincipalName);
  await button(page, "Next").click();
  await page.waitForURL(`${scene.origin}/me`);
  await context.clearCookies();
  await button(page, "Save").click();
  await atMicrosoft(page);
  await context.close();
});

step("connect with the wizard", async () => {
  await admin.goto(`${scene.origin}/console`);
  await link(admin, "Connect").click();
  await pictured(admin, "connect");
  const app = { tenant: "/tenant_id", client: "/client_id", secret: "/client_secret" };
  const known = (await api("GET", "/connections")).items[0];
  const fill = async (secret) => {
    await admin.fill('[name="/name"]', `Branch ${HOSTILE}`);
    await admin.fill(`[name="${app.tenant}"]`, known.tenant_id);
    await admin.fill(`[name="${app.client}"]`, known.client_id);
    await admin.fill(`[name="${app.secret}"]`, appSecret);
    await admin.fill('[name="/pbx/base_url"]', phones.address);
    await admin.fill('[name="/pbx/client_id"]', phones.id);
    await admin.fill('[name="/pbx/client_secret"]', secret);
    await button(admin, "Test and connect").click();
  };
  await fill("wrong");
  await admin.waitForSelector("#pbx-client-secret-error");
  assert.equal(await admin.inputValue('[name="/pbx/base_url"]'), phones.address, "what was typed is kept");
  assert.equal(await admin.inputValue('[name="/pbx/client_secret"]'), "", "but no secret");
  await admin.screenshot({ path: `${folder}/connect-refused.en.png`, fullPage: true });
  await fill(phones.secret);
  await admin.waitForURL("**/setup");
  connection = /connections\/([^/]+)/.exec(admin.url())[1];
  await pictured(admin, "setup");
});

step("sign in with Microsoft, with scripts and without", async () => {
  const plain = await signedIn(scene.token, { javaScriptEnabled: false });
  for (const page of [plain, admin]) {
    await page.goto(at());
    await button(page, "Sign in with Microsoft again").click();
    await atMicrosoft(page);
  }
  await plain.context().close();
});

step("choose rules, look at the plan, start the first run", async () => {
  await admin.goto(at("/setup"));
  await admin.check('[name="/users/scope/kind"][value=types]');
  await admin.check('[name="/users/scope/types"][value=member]');
  await admin.fill('[name="/users/number/start"]', "3000");
  await button(admin, "Save").click();
  await admin.waitForURL("**/setup*");
  await button(admin, "Preview the plan").click();
  assert.equal(await ended(admin), "Succeeded");
  assert.ok((await texts(admin, "tbody td:nth-child(4)")).length > 10, "the plan says why");
  await pictured(admin, "plan");
  await button(admin, "Switch on and start the first run").click();
  await admin.waitForURL(/done=resumed/);
  await admin.goto(at("/runs"));
  await admin.locator("tbody th a").first().click();
  assert.match(await ended(admin), /Succeeded|Partly failed/);
  await pictured(admin, "run");
  await admin.goto(at("/runs"));
  await pictured(admin, "runs");
});

step("save settings, and be told what is wrong beside its field", async () => {
  await admin.goto(at());
  await pictured(admin, "integration");
  const basic = admin.locator("#basic");
  await basic.locator('[name="/schedule/frequency"][value=weekly]').check();
  await basic.locator('[name="/schedule/days"][value=saturday]').check();
  await basic.locator('[name="/schedule/time"]').fill("23:59");
  await basic.getByRole("button", { name: "Save" }).click();
  await admin.waitForURL(/done=saved/);
  assert.ok(await admin.isChecked('[name="/schedule/days"][value=saturday]'));
  const presence = admin.locator("#presence");
  await presence.locator('[name="/presence/office_hours"]').check();
  await presence.getByRole("button", { name: "Save" }).click();
  await admin.waitForSelector("#presence-office-hours-days-error");
  await presence.locator('[name="/presence/office_hours/days"][value=monday]').check();
  await presence.getByRole("button", { name: "Save" }).click();
  await admin.waitForURL(/done=saved/);
  assert.ok(await admin.isChecked('[name="/presence/office_hours"]'));
  assert.equal(await admin.inputValue('[name="/presence/office_hours/to"]'), "18:00");
  await admin.goto(at());
  await presence.locator('[name="/presence/office_hours"]').uncheck();
  await presence.getByRole("button", { name: "Save" }).click();
  await admin.waitForURL(/done=saved/);
  assert.ok(!(await admin.isChecked('[name="/presence/office_hours"]')));
  const users = admin.locator("#users");
  await users.locator('[name="/users/number/start"]').fill("30x");
  await users.locator('[name="/users/delete_grace_days"]').fill("3");
  await users.getByRole("button", { name: "Save" }).click();
  await admin.waitForSelector("#users-number-start-error");
  assert.equal(await admin.inputValue('[name="/users/number/start"]'), "30x");
  assert.equal(await admin.inputValue('[name="/users/delete_grace_days"]'), "3");
  await admin.screenshot({ path: `${folder}/integration-refused.en.png`, fullPage: true });
});

step("names of the directory run no script", async () => {
  const named = await person("Emily Carter");
  const changed = await fetch(named.address, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ displayName: HOSTILE, jobTitle: HOSTILE.slice(0, 60), department: HOSTILE }),
  });
  assert.ok(changed.ok, `${changed.status}`);
  await admin.goto(at());
  await button(admin, "Update Now").click();
  await ended(admin);
  await harmless(admin, "the run");
  assert.ok((await admin.content()).includes("&lt;script"), "the name is shown as text");
  for (const rest of ["", "/runs", "/people", "/groups", "/contacts", "/phonebooks", "/history", "/health", "/alerts", `/people/${named.id}`]) {
    await admin.goto(at(rest));
    await harmless(admin, rest);
  }
  await pictured(admin, "person");
});

step("find people and see what happened", async () => {
  await admin.goto(at("/people"));
  await pictured(admin, "people");
  await admin.fill("#q", "3001");
  await button(admin, "Search").click();
  assert.equal((await texts(admin, "tbody tr")).length, 1);
  await admin.goto(at("/history"));
  await pictured(admin, "history");
  await admin.goto(at("/health"));
  await pictured(admin, "health");
});

step("see what else is synced, and mark a phonebook whose visibility was set", async () => {
  // The connection of the demo syncs groups and contacts too.
  const first = (await api("GET", "/connections")).items.find((one) => one.id !== connection);
  const its = (rest) => `${scene.origin}/console/connections/${first.id}${rest}`;
  for (const kind of ["groups", "contacts", "phonebooks"]) {
    await admin.goto(its(`/${kind}`));
    assert.ok((await texts(admin, "tbody th")).length > 0, `${kind} are listed`);
    await pictured(admin, kind);
  }
  const waiting = (await texts(admin, ".badge.held")).length;
  await button(admin, /^Mark as done/).first().click();
  await admin.waitForSelector("td .badge.connected");
  assert.equal((await texts(admin, ".badge.held")).length, waiting - 1);
  await pictured(admin, "phonebook-marked");
  await admin.goto(`${scene.origin}/console`);
  await pictured(admin, "fleet-of-two");
  await admin.goto(its(""));
  await pictured(admin, "integration-of-the-demo");
  await admin.goto(its("/health"));
  await pictured(admin, "health-of-the-demo");
});

step("pick groups and keep what was typed", async () => {
  const search = '#users button[name="pick"][value="/users/scope/group_ids"]';
  await admin.goto(`${at()}?lang=zh-CN`);
  await admin.check('#users [name="/users/scope/kind"][value=groups]');
  await admin.click(search);
  assert.deepEqual(await english(admin), [], "the search speaks English in Chinese");
  await admin.screenshot({ path: `${folder}/pick.zh-CN.png`, fullPage: true });
  await admin.goto(`${at()}?lang=en`);
  await admin.check('#users [name="/users/scope/kind"][value=groups]');
  await admin.fill('#users [name="/users/number/start"]', "3100");
  await admin.click(search);
  const first = admin.locator('.pick input[type=checkbox]').first();
  const id = await first.getAttribute("value");
  await first.check();
  await harmless(admin, "the search");
  await accessible(admin, "the search");
  await admin.screenshot({ path: `${folder}/pick.en.png`, fullPage: true });
  await button(admin, "Take over into the form").click();
  assert.equal(await admin.inputValue('[name="/users/number/start"]'), "3100", "what was typed is kept");
  assert.equal((await admin.inputValue('[name="/users/scope/group_ids"]')).trim(), id);
  assert.equal((await texts(admin, "#users .names li")).length, 1, "the group has its name");
  await admin.screenshot({ path: `${folder}/picked.en.png`, fullPage: true });
});

step("decide about one person's presence", async () => {
  const named = await person("Anaïs Dubois");
  await admin.goto(at(`/people/${named.id}`));
  await admin.check('[name="/presence/choice"][value=on]');
  await admin.locator("#presence").getByRole("button", { name: "Save" }).click();
  await admin.waitForURL(/done=saved/);
  assert.ok(await admin.isChecked('[name="/presence/choice"][value=on]'));
  await pictured(admin, "person-presence");
});

step("make a key pair for the app", async () => {
  await admin.goto(at("/certificate"));
  await pictured(admin, "certificate");
  await button(admin, "Make a key pair").click();
  await admin.waitForSelector("#ct-wait");
  await admin.goto(at("/certificate"));
  await pictured(admin, "certificate-waiting");
});

step("hold removals and approve them", async () => {
  await admin.goto(at());
  const safety = admin.locator("#safety");
  await safety.locator('[name="/safety/max_removals"]').fill("0");
  await safety.getByRole("button", { name: "Save" }).click();
  await admin.waitForURL(/done=saved/);
  const leaver = await person("Anaïs Dubois");
  assert.ok((await fetch(`${leaver.address}/disable`, { method: "POST" })).ok);
  await button(admin, "Update Now").click();
  assert.equal(await ended(admin), "Held");
  await pictured(admin, "held");
  await button(admin, "Approve the removals").click();
  assert.equal(await ended(admin), "Succeeded");
});

step("pause a part, think again, pause it, take it up", async () => {
  await admin.goto(at());
  const users = admin.locator("#users");
  await users.getByRole("link", { name: "Switch off" }).click();
  await pictured(admin, "confirm-pause");
  await link(admin, "Cancel").click();
  assert.deepEqual(await users.locator(".parthead .badge").allInnerTexts(), ["On"]);
  await users.getByRole("link", { name: "Switch off" }).click();
  await button(admin, "Confirm").click();
  assert.deepEqual(await users.locator(".parthead .badge").allInnerTexts(), ["Paused"]);
  assert.ok(await users.locator('[name="/users/number/start"]').isDisabled(), "the settings are read-only");
  await users.getByRole("button", { name: "Switch on again" }).click();
  assert.deepEqual(await users.locator(".parthead .badge").allInnerTexts(), ["On"]);
});

step("disable and enable", async () => {
  await link(admin, "Disable").click();
  await pictured(admin, "confirm-disable");
  await button(admin, "Confirm").click();
  assert.deepEqual(await texts(admin, ".master .badge"), ["Disabled"]);
  assert.ok(await admin.locator('[name="/schedule/time"]').isDisabled());
  await pictured(admin, "disabled");
  await button(admin, "Enable").click();
  assert.deepEqual(await texts(admin, ".master .badge"), ["Connected"]);
});

step("a viewer looks and may not act", async () => {
  await admin.goto(`${scene.origin}/console/tokens`);
  await admin.fill("#token-name", "Looks only");
  await button(admin, "Make a token").click();
  const token = await admin.inputValue("#fresh");
  await admin.goto(`${scene.origin}/console/tokens`);
  await pictured(admin, "tokens");
  const viewer = await signedIn(token);
  for (const rest of ["", "/runs", "/people", "/history", "/health", "/alerts"]) {
    const answer = await viewer.goto(at(rest));
    assert.equal(answer.status(), 200, rest);
    const acting = viewer.locator("main form[method=post] :is(button,input:not([type=hidden]),select,textarea):enabled, main .danger");
    assert.equal(await acting.count(), 0, `a viewer is offered something at ${rest}`);
  }
  for (const rest of ["/disconnect", "/disable", "/pause/users", "/access", "/client-secret", "/pbx-access", "/certificate"]) {
    assert.equal((await viewer.goto(at(rest))).status(), 403, rest);
  }
  const csrf = await (await viewer.goto(at())).text().then((text) => /name="csrf" value="([^"]+)"/.exec(text)[1]);
  for (const rest of ["/disconnect", "/disable", "/pause/users", "/runs", "/settings/basic"]) {
    const answer = await viewer.request.post(at(rest), { form: { csrf }, headers: { origin: scene.origin } });
    assert.equal(answer.status(), 403, rest);
  }
  await admin.goto(at("/access"));
  await pictured(admin, "access");
});

step("everything works without scripts", async () => {
  const plain = await signedIn(scene.token, { javaScriptEnabled: false });
  await plain.goto(at());
  await button(plain, "Update Now").click();
  await plain.waitForURL(/runs\//);
  // The page loads itself again until the run is over.
  await plain.waitForSelector(".badge.succeeded, .badge.partly-failed");
  await plain.goto(at("/pause/users"));
  await button(plain, "Confirm").click();
  await plain.locator("#users").getByRole("button", { name: "Switch on again" }).click();
  await plain.waitForURL(/done=resumed/);
});

step("disconnect, and delete what is left", async () => {
  await admin.goto(at());
  await link(admin, "Disconnect").click();
  await pictured(admin, "confirm-disconnect");
  await button(admin, "Confirm").click();
  await admin.waitForFunction(async (address) => {
    const page = await (await fetch(address)).text();
    return page.includes("badge disconnected");
  }, at());
  await admin.goto(at());
  await pictured(admin, "disconnected");
  await link(admin, "Delete").click();
  await button(admin, "Confirm").click();
  await admin.waitForURL("**/console");
  assert.equal((await texts(admin, "tbody tr")).length, 1);
});

let failed;
for (const [name, run] of steps) {
  const begin = Date.now();
  try {
    await run();
    console.log(`ok    ${name} (${Date.now() - begin} ms)`);
  } catch (error) {
    failed = error;
    console.log(`FAIL  ${name}\n${error.stack}`);
    await admin?.screenshot({ path: `${folder}/failed.png`, fullPage: true }).catch(() => {});
    break;
  }
}
await end();
process.exit(failed ? 1 : 0);

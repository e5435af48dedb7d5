// The demo and a second simulated PBX as processes of their own, and a browser before them.

import { spawn } from "node:child_process";
import { chromium } from "playwright-core";

const ENDS = [];

/// Starts the program and reads its output until `pattern` is there.
async function started(program, args, env, pattern) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  ENDS.push(() => child.kill("SIGTERM"));
  let text = "";
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (bytes) => {
      text += bytes;
      if (pattern.test(text)) resolve(text);
    });
    child.on("exit", (code) => reject(new Error(`${program} ${args.join(" ")} ended with ${code}:\n${text}`)));
  });
}

const line = (text, key) => new RegExp(`^\\s*${key}[= ]+(\\S+)`, "m").exec(text)?.[1];

export async function demo(program) {
  const text = await started(program, [], { CONNECTOR_LISTEN: "127.0.0.1:0" }, /_sim lists/);
  return { origin: new URL(line(text, "API")).origin, token: line(text, "Token"), tenant: line(text, "Tenant") };
}

export async function secondPbx(program) {
  const args = ["simulate", "pbx", "--listen", "127.0.0.1:0", "--seed", "77", "--users", "60"];
  const text = await started(program, args, {}, /client_secret=\S+/);
  return { address: line(text, "base_url"), id: line(text, "client_id"), secret: line(text, "client_secret") };
}

/// The secret that the app of every simulated tenant has.
export async function clientSecret(program) {
  const text = await started(program, ["simulate", "graph", "--listen", "127.0.0.1:0"], {}, /client_secret=\S+/);
  return line(text, "client_secret");
}

export async function browser() {
  const flags = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ];
  const started = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: flags,
  });
  ENDS.push(() => started.close());
  return started;
}

export async function end() {
  for (const stop of ENDS.reverse()) await stop();
}

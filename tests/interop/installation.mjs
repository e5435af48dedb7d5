// A connector in a process of its own, with a simulated tenant and a simulated PBX in theirs, connected and synced.

import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const program = process.env.CONNECTOR;

async function freePort() {
    const server = net.createServer();
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address();
    await new Promise((done) => server.close(done));
    return port;
}

/** A process of the connector's program, started when it has printed a line that matches `ready`. */
export async function start(args, ready, env = {}) {
    const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const running = { printed: '', child, stop: () => stop(child) };
    await new Promise((done, failed) => {
        const take = (part) => {
            running.printed += part;
            if (ready.test(running.printed)) done();
        };
        child.stdout.on('data', take);
        child.stderr.on('data', take);
        child.on('exit', (code) => failed(new Error(`${args.join(' ')} ended with ${code}: ${running.printed}`)));
        setTimeout(() => failed(new Error(`${args.join(' ')} is not ready: ${running.printed}`)), 30_000).unref();
    });
    return running;
}

async function stop(child) {
    child.removeAllListeners('exit');
    if (child.exitCode !== null) return;
    const ended = new Promise((done) => child.on('exit', done));
    child.kill('SIGTERM');
    await ended;
}

const printed = (running, name) => new RegExp(`^${name}=(.*)$`, 'm').exec(running.printed)[1].trim();

/** A simulated tenant. */
export async function simulatedGraph() {
    const running = await start(['simulate', 'graph', '--listen', '127.0.0.1:0', '--users', '6'], /client_secret=.*\n/);
    const value = (name) => printed(running, name);
    return {
        graph: value('GRAPH_BASE_URL'), login: value('LOGIN_BASE_URL').replace(/\/$/, ''),
        tenant: value('tenant_id'), clientId: value('client_id'), clientSecret: value('client_secret'),
        stop: running.stop,
    };
}

/** A change to the simulated tenant, through its own address. */
export async function change(simulated, method, rest, body) {
    const response = await fetch(`${simulated.login}/_sim/tenants/${simulated.tenant}${rest}`, {
        method, body: body && JSON.stringify(body), headers: { 'content-type': 'application/json' },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${rest}: ${response.status} ${text}`);
    return text && JSON.parse(text);
}

/** Where a connector that is started next will answer. */
export const nextOrigin = async () => `http://127.0.0.1:${await freePort()}`;

/** `serve` at `origin`, with one connection of the simulated tenant to a simulated PBX of its own, synced. */
export async function installation({ origin, simulated, login, application }) {
    const pbx = await start(['simulate', 'pbx', '--listen', '127.0.0.1:0', '--users', '50'], /client_secret=.*\n/);
    const token = randomBytes(32).toString('hex');
    const folder = await mkdtemp(path.join(os.tmpdir(), 'interop-'));
    const serve = await start(['serve'], /serves http/, {
        CONNECTOR_LISTEN: new URL(origin).host,
        CONNECTOR_DATA_DIR: folder,
        PUBLIC_BASE_URL: origin,
        GRAPH_BASE_URL: simulated.graph,
        LOGIN_BASE_URL: login,
        PBX_ADDRESS_POLICY: 'loopback',
        BOOTSTRAP_TOKEN_SHA256: createHash('sha256').update(token).digest('hex'),
    });

    const api = async (method, rest, body, headers = {}) => {
        const response = await fetch(`${origin}/api/v1/connections${rest}`, {
            method, body: body && JSON.stringify(body),
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        });
        const text = await response.text();
        if (!response.ok) throw new Error(`${method} ${rest}: ${response.status} ${text}\n${serve.printed}`);
        return { body: text && JSON.parse(text), etag: response.headers.get('etag') };
    };

    const { body: connection } = await api('POST', '', {
        name: 'Interop', tenant_id: simulated.tenant, client_id: simulated.clientId, client_secret: simulated.clientSecret,
        pbx: {
            base_url: printed(pbx, 'base_url'), client_id: printed(pbx, 'client_id'),
            client_secret: printed(pbx, 'client_secret'),
            linkus_sdk: { access_id: 'simulated-access-id', access_key: 'simulated-access-key' },
        },
    });
    const at = `/${connection.id}`;
    const { body: settings, etag } = await api('GET', `${at}/settings`);
    settings.users.enabled = true;
    settings.sso = { enabled: true, redirect_uris: [application] };
    await api('PUT', `${at}/settings`, settings, { 'if-match': etag });
    const bindings = await boundPeople(api, at);

    return {
        origin, connection, bindings, api,
        printed: () => serve.printed,
        stop: async () => {
            await serve.stop();
            await pbx.stop();
            await rm(folder, { recursive: true, force: true });
        },
    };
}

async function boundPeople(api, at) {
    for (let asked = 0; asked < 100; asked += 1) {
        const { body: runs } = await api('GET', `${at}/sync-runs`);
        if (runs.items.some((run) => run.state === 'succeeded' || run.state === 'partly_failed')) {
            const { body: bindings } = await api('GET', `${at}/bindings?kind=user`);
            return bindings.items;
        }
        await new Promise((done) => setTimeout(done, 200));
    }
    throw new Error('the first run did not come to its end');
}

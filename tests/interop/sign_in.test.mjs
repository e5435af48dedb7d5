// People sign in to Linkus: a certified provider in Microsoft's place, a certified client library as the application.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'oauth4webapi';

import { Browser } from './browser.mjs';
import { installation, nextOrigin, simulatedGraph } from './installation.mjs';
import { Microsoft, newKey, signedAnew, unsigned } from './provider.mjs';

const application = 'https://linkus.example.com/signed-in';
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: 'linkus-application' };
const anHour = 3600;

let simulated, microsoft, connector, server;
/** Codes and verifiers that were used. */
const seen = new Set();

before(async () => {
    simulated = await simulatedGraph();
    const origin = await nextOrigin();
    microsoft = await Microsoft.start({
        tenant: simulated.tenant, clientId: simulated.clientId, clientSecret: simulated.clientSecret,
        redirectUris: [`${origin}/sso/callback`], appTokens: simulated.login,
    });
    connector = await installation({ origin, simulated, login: microsoft.origin, application });
    server = { issuer: origin, authorization_endpoint: `${origin}/login`, token_endpoint: `${origin}/sso/token` };
    microsoft.person = connector.bindings[0].entra_id;
});

after(async () => {
    await connector?.stop();
    microsoft?.stop();
    await simulated?.stop();
});

/** What an application keeps of one sign-in. */
async function attempt() {
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    seen.add(verifier);
    const url = new URL(server.authorization_endpoint);
    const parameters = {
        connection: connector.connection.id, response_type: 'code', client_id: client.client_id,
        redirect_uri: application, state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return { verifier, state, url };
}

/** Leads a browser through Microsoft and back; answers where it is sent in the end, or the page it is left with. */
async function signIn(url, browser = new Browser()) {
    const sent = await browser.open(url);
    assert.equal(sent.status, 302, sent.text);
    assert.equal(sent.location.origin, microsoft.origin);
    const back = await browser.follow(sent.location, microsoft.origin);
    assert.equal(back.location?.origin, connector.origin, back.text);
    seen.add(back.location.searchParams.get('code'));
    return browser.open(back.location);
}

const request = (parameters, verifier) =>
    oauth.authorizationCodeGrantRequest(server, client, oauth.None(), parameters, application, verifier, insecure);

const refused = (error) => (thrown) => thrown instanceof oauth.ResponseBodyError && thrown.error === error;

/** Signs in with a bent id_token; it must be refused for this reason, and no code may leave. */
async function refusedFor(reason, bend) {
    const before = connector.printed().length;
    microsoft.bend = bend;
    try {
        const { url } = await attempt();
        const page = await signIn(url);
        assert.equal(page.status, 403, page.text);
        assert.equal(page.location, null);
        assert.match(connector.printed().slice(before), reason);
    } finally {
        microsoft.bend = null;
    }
}

test('a person signs in and the application gets the signature of their extension', async () => {
    const { url, verifier, state } = await attempt();
    const { location } = await signIn(url);
    assert.ok(location.href.startsWith(application));
    const parameters = oauth.validateAuthResponse(server, client, location, state);
    const response = await request(parameters, verifier);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    const answer = await response.json();
    assert.equal(answer.extension, connector.bindings[0].number);
    assert.ok(answer.sign && answer.pbx_url && answer.expires_in > 0);
    // The code worked once.
    const again = await request(parameters, verifier);
    await assert.rejects(oauth.processAuthorizationCodeResponse(server, client, again), refused('invalid_grant'));
});

test('a code is nothing without its verifier', async () => {
    const { url, state } = await attempt();
    const { location } = await signIn(url);
    const parameters = oauth.validateAuthResponse(server, client, location, state);
    const response = await request(parameters, oauth.generateRandomCodeVerifier());
    await assert.rejects(oauth.processAuthorizationCodeResponse(server, client, response), refused('invalid_grant'));
});

test('the answer carries the state of the application that asked, and no other', async () => {
    const { url } = await attempt();
    const { location } = await signIn(url);
    assert.throws(() => oauth.validateAuthResponse(server, client, location, oauth.generateRandomState()));
});

test('keys may be rolled between two sign-ins', async () => {
    await microsoft.rollKeys();
    const { url, state } = await attempt();
    const { location } = await signIn(url);
    assert.ok(oauth.validateAuthResponse(server, client, location, state).get('code'));
});

test('a token with another nonce is refused', () =>
    refusedFor(/answers another sign-in/, (token, key) => signedAnew(token, key, { claims: { nonce: 'of another sign-in' } })));

test('a token that has ended is refused', () =>
    refusedFor(/not valid at this time/, (token, key) => {
        const now = Math.floor(Date.now() / 1000);
        return signedAnew(token, key, { claims: { iat: now - 2 * anHour, nbf: now - 2 * anHour, exp: now - anHour } });
    }));

test('a token for another app is refused', () =>
    refusedFor(/it is for another app/, (token, key) => signedAnew(token, key, { claims: { aud: '00000000-0000-4000-8000-000000000000' } })));

test('a token of another tenant is refused', () =>
    refusedFor(/it is of another tenant/, (token, key) => signedAnew(token, key, { claims: { tid: '00000000-0000-4000-8000-000000000000' } })));

test('a token of another issuer is refused', () =>
    refusedFor(/another issuer made it/, (token, key) => signedAnew(token, key, { claims: { iss: 'https://login.example.com/v2.0' } })));

test('a token without a signature is refused', () => refusedFor(/another way to verify it/, unsigned));

test('a token signed by a key that is not published is refused, whatever key id it names', async () => {
    const foreign = await newKey('key-1');
    await refusedFor(/its signature is wrong/, (token) => signedAnew(token, foreign, {}));
    await refusedFor(/its signature is wrong/, (token, key) => signedAnew(token, foreign, { header: { kid: key.kid } }));
    await refusedFor(/no published key made it/, (token) => signedAnew(token, foreign, { header: { kid: 'unknown' } }));
});

test('a token that brings its own key is refused', async () => {
    const foreign = await newKey('its-own');
    const { n, e, kty } = foreign;
    await refusedFor(/another way to verify it/, (token) => signedAnew(token, foreign, { header: { jwk: { n, e, kty } } }));
});

test('an answer of another issuer is not taken (RFC 9207)', async () => {
    const browser = new Browser();
    const sent = await browser.open((await attempt()).url);
    const { location } = await browser.follow(sent.location, microsoft.origin);
    assert.equal(location.searchParams.get('iss'), microsoft.issuer);
    location.searchParams.set('iss', 'https://login.example.com/v2.0');
    assert.equal((await browser.open(location)).status, 400);
});

test('an answer in another browser, or with another state, is not taken', async () => {
    const browser = new Browser();
    const sent = await browser.open((await attempt()).url);
    const { location } = await browser.follow(sent.location, microsoft.origin);
    assert.equal((await new Browser().open(location)).status, 400);
    const bent = new URL(location);
    bent.searchParams.set('state', oauth.generateRandomState());
    assert.equal((await browser.open(bent)).status, 400);
});

test('somebody without an extension is refused', async () => {
    microsoft.person = '00000000-0000-4000-8000-00000000dead';
    try {
        const page = await signIn((await attempt()).url);
        assert.equal(page.status, 403);
    } finally {
        microsoft.person = connector.bindings[0].entra_id;
    }
});

test('nothing of a sign-in is written to the log', () => {
    const log = connector.printed();
    assert.match(log, /a person signed in/);
    assert.ok(seen.size > 10);
    for (const word of [...seen, simulated.clientSecret, 'simulated-access-key']) {
        assert.ok(!log.includes(word), 'a secret is in the log');
    }
});

// The simulated Microsoft sign-in before a certified client library: what it publishes, signs and enforces is what
// OpenID Connect says.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as openid from 'openid-client';

import { Browser } from './browser.mjs';
import { change, simulatedGraph } from './installation.mjs';

const redirectUri = 'https://app.example.com/back';
let simulated, config, person;

before(async () => {
    simulated = await simulatedGraph();
    const app = `/apps/${simulated.clientId}`;
    await change(simulated, 'PUT', `${app}/redirect-uris`, { uri: redirectUri });
    const users = await change(simulated, 'GET', '/users');
    for (const id of users) {
        const user = await change(simulated, 'GET', `/users/${id}`);
        if (user.accountEnabled) person = { ...user, id };
    }
    await discover();
});

after(() => simulated?.stop());

async function discover() {
    const issuer = new URL(`${simulated.login}/${simulated.tenant}/v2.0`);
    const execute = [openid.allowInsecureRequests, openid.enableNonRepudiationChecks];
    config = await openid.discovery(issuer, simulated.clientId, simulated.clientSecret, undefined, { execute });
}

/** A person signs in; answers where the browser is sent, and what the client keeps. */
async function signIn({ scope = 'openid profile', verifier = openid.randomPKCECodeVerifier() } = {}) {
    const checks = { pkceCodeVerifier: verifier, expectedState: openid.randomState(), expectedNonce: openid.randomNonce() };
    const url = openid.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri, scope, state: checks.expectedState, nonce: checks.expectedNonce,
        code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    });
    const browser = new Browser();
    const page = await browser.open(url);
    assert.equal(page.status, 200);
    const form = { request: url.search.slice(1), username: person.userPrincipalName };
    const back = await browser.open(`${simulated.login}/${simulated.tenant}/login`, { form });
    assert.equal(back.status, 302, back.text);
    return { location: back.location, checks };
}

test('discovery, PKCE, nonce and signature satisfy the library', async () => {
    const { location, checks } = await signIn();
    const tokens = await openid.authorizationCodeGrant(config, location, { ...checks, idTokenExpected: true });
    const claims = tokens.claims();
    assert.equal(claims.oid, person.id);
    assert.equal(claims.tid, simulated.tenant);
});

test('a code is good for one exchange, with its own verifier', async () => {
    const { location, checks } = await signIn();
    const wrong = { ...checks, pkceCodeVerifier: openid.randomPKCECodeVerifier() };
    await assert.rejects(openid.authorizationCodeGrant(config, location, wrong), { error: 'invalid_grant' });
    const second = await signIn();
    await openid.authorizationCodeGrant(config, second.location, second.checks);
    await assert.rejects(openid.authorizationCodeGrant(config, second.location, second.checks), { error: 'invalid_grant' });
});

test('keys that are rolled are found again', async () => {
    await change(simulated, 'POST', '/keys/roll', { overlap: true });
    await discover();
    const { location, checks } = await signIn();
    assert.ok((await openid.authorizationCodeGrant(config, location, checks)).claims());
});

test('a bent token does not get past the library', async () => {
    await change(simulated, 'PUT', '/id-token', { set: { nonce: 'of another sign-in' }, remove: [] });
    const { location, checks } = await signIn();
    await assert.rejects(openid.authorizationCodeGrant(config, location, checks));
    await change(simulated, 'DELETE', '/id-token');
});

test('a refresh token gives further tokens', async () => {
    const { location, checks } = await signIn({ scope: 'openid profile offline_access' });
    const tokens = await openid.authorizationCodeGrant(config, location, checks);
    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token);
    assert.ok(refreshed.access_token && refreshed.refresh_token);
});

test('the app itself gets a token, and none with a wrong secret', async () => {
    const scope = 'https://graph.microsoft.com/.default';
    const token = await openid.clientCredentialsGrant(config, { scope });
    assert.equal(token.token_type, 'bearer');
    const issuer = new URL(`${simulated.login}/${simulated.tenant}/v2.0`);
    const wrong = await openid.discovery(issuer, simulated.clientId, 'wrong', undefined, {
        execute: [openid.allowInsecureRequests],
    });
    await assert.rejects(openid.clientCredentialsGrant(wrong, { scope }), { error: 'invalid_client' });
});

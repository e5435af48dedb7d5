// Microsoft's sign-in host, played by oidc-provider: one tenant below its own path, RS256, PKCE, the claims `tid` and `oid`.
// Tokens for the app itself are not sign-ins; requests for them go to the Graph simulator, which believes only its own.

import http from 'node:http';
import { Provider } from 'oidc-provider';
import * as jose from 'jose';

const newKey = async (kid) => {
    const { privateKey } = await jose.generateKeyPair('RS256', { extractable: true });
    return { ...(await jose.exportJWK(privateKey)), kid, use: 'sig', alg: 'RS256' };
};

export class Microsoft {
    /** Object id of whoever sits at the browser. */
    person = null;
    /** Changes an id_token on its way: `(token, key) => token`. */
    bend = null;
    #keys = [];
    #provider;

    static async start(options) {
        const microsoft = new Microsoft();
        microsoft.server = http.createServer((request, response) => microsoft.#answer(request, response));
        await new Promise((done) => microsoft.server.listen(0, '127.0.0.1', done));
        microsoft.origin = `http://127.0.0.1:${microsoft.server.address().port}`;
        microsoft.options = options;
        microsoft.prefix = `/${options.tenant}/v2.0`;
        microsoft.issuer = microsoft.origin + microsoft.prefix;
        await microsoft.rollKeys();
        return microsoft;
    }

    stop() {
        this.server.close();
        this.server.closeAllConnections();
    }

    get key() {
        return this.#keys[0];
    }

    /** Signs with another key from now on; the one before stays published, as providers do. */
    async rollKeys() {
        this.#keys = [await newKey(`key-${this.#keys.length + 1}`), ...this.#keys];
        const { tenant, clientId, clientSecret, redirectUris } = this.options;
        this.#provider = new Provider(this.issuer, {
            jwks: { keys: this.#keys },
            clients: [{
                client_id: clientId,
                client_secret: clientSecret,
                redirect_uris: redirectUris,
                response_types: ['code'],
                grant_types: ['authorization_code'],
                token_endpoint_auth_method: 'client_secret_post',
            }],
            cookies: { keys: ['for this test'] },
            claims: { openid: ['sub', 'tid', 'oid', 'nbf'], profile: ['name', 'preferred_username'] },
            conformIdTokenClaims: false,
            pkce: { required: () => true },
            features: { devInteractions: { enabled: false } },
            interactions: { url: (_, interaction) => `${this.prefix}/interaction/${interaction.uid}` },
            findAccount: (_, id) => ({
                accountId: id,
                claims: () => ({
                    sub: id, oid: id, tid: tenant, nbf: Math.floor(Date.now() / 1000),
                    name: 'Somebody', preferred_username: 'somebody@example.com',
                }),
            }),
            loadExistingGrant: async (ctx) => {
                const grant = new ctx.oidc.provider.Grant({
                    clientId: ctx.oidc.client.clientId,
                    accountId: ctx.oidc.session.accountId,
                });
                grant.addOIDCScope('openid profile');
                await grant.save();
                return grant;
            },
        });
    }

    async #answer(request, response) {
        const path = new URL(request.url, this.origin).pathname;
        if (path === `/${this.options.tenant}/oauth2/v2.0/token`) {
            return this.#passOn(request, response);
        }
        if (!path.startsWith(this.prefix)) {
            return response.writeHead(404).end();
        }
        request.originalUrl = request.url;
        request.url = request.url.slice(this.prefix.length);
        if (path.startsWith(`${this.prefix}/interaction/`)) {
            const result = { login: { accountId: this.person } };
            return this.#provider.interactionFinished(request, response, result);
        }
        if (path === `${this.prefix}/token` && this.bend) {
            this.#bendAnswer(response);
        }
        return this.#provider.callback()(request, response);
    }

    #bendAnswer(response) {
        const end = response.end.bind(response);
        response.end = async (body) => {
            const answer = JSON.parse(body);
            answer.id_token = await this.bend(answer.id_token, this.key);
            const text = JSON.stringify(answer);
            response.setHeader('content-length', Buffer.byteLength(text));
            end(text);
        };
    }

    async #passOn(request, response) {
        const parts = [];
        for await (const part of request) parts.push(part);
        const answer = await fetch(this.options.appTokens + request.url, {
            method: request.method,
            headers: { 'content-type': request.headers['content-type'] ?? '' },
            body: Buffer.concat(parts),
        });
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') });
        response.end(Buffer.from(await answer.arrayBuffer()));
    }
}

/** The same token with other claims or another header, signed with `key`. */
export async function signedAnew(token, key, { claims = {}, header = {} }) {
    const old = jose.decodeJwt(token);
    return new jose.SignJWT({ ...old, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header })
        .sign(await jose.importJWK(key, 'RS256'));
}

/** The same claims under `alg: none`. */
export const unsigned = (token, key) => {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'none', kid: key.kid })}.${part(jose.decodeJwt(token))}.`;
};

export { newKey };

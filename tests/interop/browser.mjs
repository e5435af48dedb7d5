// A browser: keeps cookies by host as browsers do, follows redirects only as far as it is told.

export class Browser {
    #cookies = new Map();

    /** Sends one request; nothing is followed. */
    async open(address, { form } = {}) {
        const url = new URL(address);
        const response = await fetch(url, {
            method: form ? 'POST' : 'GET',
            body: form && new URLSearchParams(form),
            headers: { cookie: this.#cookiesFor(url), ...(form && { origin: url.origin }) },
            redirect: 'manual',
        });
        for (const cookie of response.headers.getSetCookie()) {
            this.#keep(url, cookie);
        }
        const location = response.headers.get('location');
        return {
            status: response.status,
            text: await response.text(),
            location: location && new URL(location, url),
        };
    }

    /** Follows redirects as long as they stay with this origin; answers where the browser is sent next, or the page. */
    async follow(address, origin) {
        let got = { location: new URL(address) };
        for (let hops = 0; got.location?.origin === origin; hops += 1) {
            if (hops > 10) throw new Error(`${origin} redirects for ever`);
            got = await this.open(got.location);
        }
        return got;
    }

    #cookiesFor(url) {
        const pairs = this.#cookies.get(url.host) ?? new Map();
        return [...pairs].map(([name, { value, path }]) => url.pathname.startsWith(path) && `${name}=${value}`)
            .filter(Boolean).join('; ');
    }

    #keep(url, text) {
        const [pair, ...attributes] = text.split(/;\s*/);
        const split = pair.indexOf('=');
        const [name, value] = [pair.slice(0, split), pair.slice(split + 1)];
        const named = new Map(attributes.map((attribute) => attribute.toLowerCase().split('=')));
        const ended = named.get('max-age') === '0' || Date.parse(named.get('expires')) < Date.now();
        const pairs = this.#cookies.get(url.host) ?? new Map();
        this.#cookies.set(url.host, pairs);
        if (ended) pairs.delete(name);
        else pairs.set(name, { value, path: attributes.find((a) => /^path=/i.test(a))?.slice(5) ?? '/' });
    }
}

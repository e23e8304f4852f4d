// A browser without pages for tests: keeps cookies by host and port, follows redirects one by one, sends forms. Test code only.

export interface Visit {
  readonly status: number;
  readonly url: string;
  readonly headers: Headers;
  readonly text: string;
}

export interface BrowserJar {
  /** By origin, then name. */
  readonly cookies: Map<string, Map<string, string>>;
  /** One request, redirects not followed. */
  request(
    method: string,
    url: string,
    options?: { form?: Record<string, string>; headers?: Record<string, string> },
  ): Promise<Visit>;
  /** Follows redirects to the end. `stopAt`: the first address that begins so is not asked. */
  visit(
    url: string,
    options?: { form?: Record<string, string>; stopAt?: string; headers?: Record<string, string> },
  ): Promise<Visit>;
  /** The same browser as a thief sees it: a copy of its cookies. */
  copy(): BrowserJar;
}

const REDIRECTS_MAX = 15;

export function createBrowserJar(cookies = new Map<string, Map<string, string>>()): BrowserJar {
  const request: BrowserJar["request"] = async (method, url, { form, headers } = {}) => {
    const { origin } = new URL(url);
    const held = cookies.get(origin) ?? new Map<string, string>();
    cookies.set(origin, held);
    const response = await fetch(url, {
      method,
      redirect: "manual",
      headers: {
        accept: "text/html",
        ...(held.size > 0 && { cookie: [...held].map(([name, value]) => `${name}=${value}`).join("; ") }),
        ...headers,
      },
      ...(form && { body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) held.delete(name!);
      else held.set(name!, value!);
    }
    return { status: response.status, url, headers: response.headers, text: await response.text() };
  };

  return {
    cookies,
    request,
    async visit(url, { form, stopAt, headers } = {}) {
      let at = await request(form ? "POST" : "GET", url, { ...(form && { form }), ...(headers && { headers }) });
      for (let turn = 0; turn < REDIRECTS_MAX; turn++) {
        const location = at.headers.get("location");
        if (at.status < 300 || at.status >= 400 || location === null) return at;
        const next = new URL(location, at.url).href;
        if (stopAt !== undefined && next.startsWith(stopAt)) return { ...at, url: next };
        at = await request("GET", next);
      }
      throw new Error(`more than ${REDIRECTS_MAX} redirects, last to ${at.url}`);
    },
    copy: () => createBrowserJar(new Map([...cookies].map(([origin, held]) => [origin, new Map(held)]))),
  };
}

/** The value of a hidden field of a page. */
export function hiddenField(page: string, name: string): string | undefined {
  return new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1];
}

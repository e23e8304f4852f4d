// A browser without windows, for steps about pages: keeps cookies, follows redirects, sends forms. Knows no page.
import { disproved } from "./agency.ts";

export interface Visit {
  readonly status: number;
  /** Where the redirects ended. */
  readonly url: string;
  readonly text: string;
}

export interface Browser {
  visit(url: string, form?: Readonly<Record<string, string>>): Promise<Visit>;
  /** Another browser with the cookies that this one has now. */
  copy(): Browser;
}

const REDIRECTS_MAX = 15;

/** By host: the ports of one share its cookies (RFC 6265 §8.5). */
export function createBrowser(cookies = new Map<string, Map<string, string>>()): Browser {
  async function ask(url: URL, form?: Readonly<Record<string, string>>): Promise<Response> {
    const held = cookies.get(url.hostname) ?? new Map<string, string>();
    cookies.set(url.hostname, held);
    const response = await fetch(url, {
      method: form ? "POST" : "GET",
      redirect: "manual",
      headers: { accept: "text/html", cookie: [...held].map(([name, value]) => `${name}=${value}`).join("; ") },
      ...(form && { body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) held.delete(name ?? "");
      else held.set(name ?? "", value ?? "");
    }
    return response;
  }

  return {
    async visit(address, form) {
      let url = new URL(address);
      let response = await ask(url, form);
      for (let turn = 0; turn < REDIRECTS_MAX; turn++) {
        const location = response.headers.get("location");
        const text = await response.text();
        if (response.status < 300 || location === null) return { status: response.status, url: url.href, text };
        url = new URL(location, url);
        response = await ask(url);
      }
      throw disproved(`more than ${REDIRECTS_MAX} redirects, the last to ${url.href}`);
    },
    copy: () => createBrowser(new Map([...cookies].map(([host, held]) => [host, new Map(held)]))),
  };
}

// Asks as a browser does that shows a page of an origin, for steps about such pages. Knows no page.

export interface OriginAnswer {
  readonly status: number;
  readonly text: string;
  /** Whether a browser would let the page read it. */
  readonly isReadable: boolean;
}

/** A GET, unless it sends a form or is the question whether a page may ask with a token. */
export async function fetchFrom(
  origin: string,
  url: string,
  options: {
    readonly token?: string;
    readonly form?: Readonly<Record<string, string>>;
    readonly isPreflight?: true;
  } = {},
): Promise<OriginAnswer> {
  const { token, form, isPreflight } = options;
  const response = await fetch(url, {
    method: isPreflight ? "OPTIONS" : form ? "POST" : "GET",
    headers: {
      origin,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(isPreflight && {
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      }),
    },
    ...(form && { body: new URLSearchParams(form) }),
  });
  const text = await response.text();
  const { status, headers } = response;
  return { status, text, isReadable: headers.get("access-control-allow-origin") === origin };
}

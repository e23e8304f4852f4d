// Asks the page's own node for the records that a reference may be to, and tells it that somebody still writes. What comes back is checked for its form.

export interface Offer {
  readonly href: string;
  readonly label: string;
  /** Who keeps it. */
  readonly where: string;
}

export interface Offers {
  readonly items: readonly Offer[];
  readonly silent: readonly string[];
  readonly isCut: boolean;
}

export interface AskedForm {
  readonly basePath: string;
  readonly registry: string;
  readonly token: string;
}

interface Answer {
  readonly items: readonly {
    readonly href: string;
    readonly label: string;
    readonly registry: string;
    readonly entity: string;
    readonly organisation?: string;
  }[];
  readonly silent: readonly string[];
  readonly isCut: boolean;
}

/** Why a request failed, in a sentence. */
export function describeFailure(status: number): string {
  if (status === 401 || status === 403)
    return "You are no longer signed in here, or not in this role. Copy what you wrote before you sign in again.";
  return "The register does not answer just now. Try again in a moment.";
}

/** Says that somebody still writes. Throws an Error with a sentence where the session is over; a node that does not answer is asked again later. */
export async function keepSession(form: AskedForm): Promise<void> {
  const headers = { accept: "application/json", "attestry-form-token": form.token };
  const response = await fetch(`${form.basePath}/console/alive`, { headers, redirect: "error" }).catch(() => undefined);
  if (response?.status === 401 || response?.status === 403)
    throw new Error(
      "You are no longer signed in here, so this form cannot be saved any more. Copy what you wrote, sign in again and open a new form.",
    );
}

/** Throws an Error with a sentence. */
export async function fetchOffers(
  form: AskedForm,
  asked: { field: string; typed: string; signal: AbortSignal },
): Promise<Offers> {
  const query = new URLSearchParams({ registry: form.registry, field: asked.field, q: asked.typed });
  const response = await fetch(`${form.basePath}/console/pick?${query}`, {
    headers: { accept: "application/json", "attestry-form-token": form.token },
    signal: asked.signal,
    redirect: "error",
  });
  if (!response.ok) throw new Error(describeFailure(response.status));
  const { items, silent, isCut } = (await response.json()) as Answer;
  return {
    items: items.map(({ href, label, registry, entity, organisation }) => ({
      href,
      label,
      where: `${organisation ?? entity.replace(/^https?:\/\//, "")}, ${registry}`,
    })),
    silent,
    isCut,
  };
}

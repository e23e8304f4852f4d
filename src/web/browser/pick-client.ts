// Asks the page's own node for the records that a reference may be to. What comes back is checked for its form.

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
    return "You are no longer signed in here, or not in this role. Sign in again in another tab, then go on in this one.";
  return "The register does not answer just now. Try again in a moment.";
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

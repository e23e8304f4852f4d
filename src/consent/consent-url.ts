// The address of a consent at its home node. Pure.

export interface ConsentAddress {
  readonly entity: string;
  readonly id: string;
}

const CONSENT_URL = /^(https?:\/\/.+)\/consents\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** Reads the URL of a consent (untrusted); undefined for any other text. */
export function parseConsentUrl(text: string): ConsentAddress | undefined {
  const match = CONSENT_URL.exec(text);
  return match ? { entity: match[1]!, id: match[2]! } : undefined;
}

export function formatConsentUrl({ entity, id }: ConsentAddress): string {
  return `${entity}/consents/${id}`;
}

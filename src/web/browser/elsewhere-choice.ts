// Which departments a citizen chose to ask, kept in this browser and nowhere else. Tells nobody.
import { parseEntityIdentifier } from "../../federation/entity-identifier.ts";
import { ELSEWHERE_DEPARTMENTS_MAX } from "../../limits.ts";

const KEY = "attestry-elsewhere";

/** What somebody typed or kept, as the address of a department; undefined where it is none. */
export function readDepartment(text: string): string | undefined {
  const trimmed = text.trim().replace(/\/+$/, "");
  // Browsers make something of nearly every text.
  if (!/^[\w.:/[\]~-]+$/.test(trimmed) || /^\w+:$/.test(trimmed)) return undefined;
  const address = /^[a-z]+:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`;
  try {
    // The one spelling that tokens are for.
    const url = new URL(address);
    const canonical = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
    if (url.search !== "" || url.hash !== "" || url.username !== "") return undefined;
    return parseEntityIdentifier(canonical, { allowLoopbackHttp: true });
  } catch {
    return undefined;
  }
}

/** None where the browser keeps nothing, or what it keeps is not of this page. */
export function readChoice(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    const departments = Array.isArray(kept)
      ? kept.flatMap((one) => (typeof one === "string" ? (readDepartment(one) ?? []) : []))
      : [];
    return [...new Set(departments)].slice(0, ELSEWHERE_DEPARTMENTS_MAX);
  } catch {
    return [];
  }
}

export function keepChoice(departments: readonly string[]): void {
  try {
    if (departments.length === 0) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, JSON.stringify(departments));
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

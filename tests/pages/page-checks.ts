// What is measured of every page in a browser. Test code only; functions that run in the page use nothing from outside themselves.
import type { Page } from "playwright-core";

/** What a page complains of: console messages, and requests that failed. Not those that the browser gave up because it went on to another page. */
export function collectComplaints(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("requestfailed", (request) => {
    if (request.failure()?.errorText !== "net::ERR_ABORTED") complaints.push(request.url());
  });
  return complaints;
}

/** Runs in the page: texts whose contrast with the ground behind them is below 4.5 : 1 (WCAG 2.2, 1.4.3). */
export function findFaintTexts(): string[] {
  const numbers = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]: number[]): number => {
    const linear = [r!, g!, b!].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0]! + 0.7152 * linear[1]! + 0.0722 * linear[2]!;
  };
  const groundOf = (element: Element | null): number[] => {
    for (let at = element; at; at = at.parentElement) {
      const color = numbers(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3]! > 0) return color;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")]
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent!.trim() !== ""))
    .flatMap((element) => {
      const [text, ground] = [numbers(getComputedStyle(element).color), groundOf(element)].map(luminance);
      const contrast = (Math.max(text!, ground!) + 0.05) / (Math.min(text!, ground!) + 0.05);
      return contrast < 4.5 ? [`${contrast.toFixed(1)}: ${element.textContent}`] : [];
    });
}

/** Runs in the page: controls that no label names, links without text, tables without header cells, and ids that stand twice. */
export function findUnnamed(): string[] {
  const faults: string[] = [];
  for (const control of document.querySelectorAll<HTMLInputElement>("input:not([type=hidden]), select, textarea"))
    if ((control.labels?.length ?? 0) === 0) faults.push(`control without a label: ${control.name}`);
  for (const link of document.querySelectorAll("a, button"))
    if ((link.textContent ?? "").trim() === "") faults.push(`link without a text: ${link.outerHTML}`);
  for (const table of document.querySelectorAll("table")) {
    const isHeaded = table.querySelectorAll("thead th[scope=col]").length > 0 && table.caption !== null;
    if (!isHeaded) faults.push("table without headers or caption");
  }
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) faults.push(`id twice: ${id}`);
  for (const described of document.querySelectorAll("[aria-describedby], [aria-labelledby]")) {
    const names = `${described.getAttribute("aria-describedby") ?? ""} ${described.getAttribute("aria-labelledby") ?? ""}`;
    for (const id of names.trim().split(/\s+/)) if (!ids.includes(id)) faults.push(`names no element: ${id}`);
  }
  return faults;
}

// The page `/verify` in a real browser, against a department at another origin: every way in, every verdict, with and without the network.
import { readFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import encodeQR from "qr";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { VERIFY_SCRIPT_BYTES_MAX } from "../../src/limits.ts";
import { encodePrintForm } from "../../src/verification/print-form.ts";
import { ensurePageBundled } from "../page-bundle.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { findFaintTexts, findUnnamed } from "./page-checks.ts";
import { type Visit, visitVerify } from "./verify-visit.ts";
import { HOSTILE, startVerifyWorld, type VerifyWorld } from "./verify-world.ts";

let world: VerifyWorld;

beforeAll(async () => {
  await ensurePageBundled();
  world = await startVerifyWorld();
}, 120_000);

afterAll(() => world?.close());

const verifyAddress = (): string => `${world.agency.entity}/verify`;
const evidenceText = async (...asked: Parameters<VerifyWorld["evidence"]>): Promise<string> =>
  JSON.stringify(await world.evidence(...asked));

async function scriptAddress(): Promise<string> {
  const page = await (await fetch(verifyAddress())).text();
  const path = /<script type="module" src="([^"]+)"/.exec(page)?.[1] ?? "";
  return new URL(path, verifyAddress()).href;
}

describe("the page that verifies, as it is served", () => {
  test("runs only this node's script, which makes no markup out of text, and no page may frame it", async () => {
    const headers = (await fetch(verifyAddress())).headers;
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
        "script-src 'self'; connect-src 'self' https: http://127.0.0.1:* http://localhost:*; " +
        "require-trusted-types-for 'script'; trusted-types 'none'",
    );
    const html = await (await fetch(verifyAddress())).text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=/);
  });

  test("has a script that may be kept for ever, is sent compressed, and holds nothing of Node", async () => {
    const address = await scriptAddress();
    const response = await fetch(address, { headers: { "accept-encoding": "br" } });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "cache-control": "public, max-age=31536000, immutable",
      "content-encoding": "br",
      "content-type": "text/javascript; charset=utf-8",
      "x-content-type-options": "nosniff",
      vary: expect.stringContaining("accept-encoding"),
    });
    const script = await response.text();
    // What Node alone has is asked for at run time, where there is one; nothing is imported.
    expect(script).not.toMatch(/(from|import\(?|require\()\s*["'`](node:|fs|crypto|zlib)/);
    const plain = await fetch(address, { headers: { "accept-encoding": "br;q=0, identity" } });
    expect([plain.headers.get("content-encoding"), await plain.text()]).toEqual([null, script]);
  });

  test("loads at most 60 KB at first, and reads pictures with a part of its own", async () => {
    const sizes = await ensurePageBundled();
    const entry = readFileSync(new URL(`../../dist/page/${sizes[0]!.file}`, import.meta.url), "utf8");
    // What the entry imports at once is loaded with it.
    const first = sizes.filter(({ file }, at) => at === 0 || entry.includes(`from"./${file}"`));
    expect(first.length).toBeLessThan(sizes.length);
    const bytes = first.reduce((sum, { brotliBytes }) => sum + brotliBytes, 0);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThanOrEqual(VERIFY_SCRIPT_BYTES_MAX);
  });

  test("answers no file but those that were bundled", async () => {
    for (const file of ["files.json", "..%2f..%2fpackage.json", "verify-AAAAAAAA.js", "verify.js"]) {
      const response = await fetch(`${world.agency.entity}/assets/${file}`);
      expect(response.status, file).toBe(404);
    }
  });
});

describe.skipIf(chromiumPath === undefined)("the page that verifies, in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  const visit = (options: Parameters<typeof visitVerify>[2] = {}, query = ""): Promise<Visit> =>
    visitVerify(browser, `${verifyAddress()}${query}`, options);

  test("says of a genuine record whose it is, who signed it, which version, when, and what it records", async () => {
    const visited = await visit({ locale: "hi-IN" });
    await visited.choose("evidence.json", await evidenceText("current"));
    expect(await visited.verdict()).toBe("Valid");
    const answer = await visited.answer();
    for (const said of ["Ludhiana", "PB-15", "Department at", world.home.entity, "जनसंख्या", "34,98,739", "शहरी"])
      expect(answer).toContain(said);
    expect(answer).not.toContain("Asha Devi");
    expect(visited.requests).toEqual([]);
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  test("says of each record that must not be relied on why", async () => {
    const visited = await visit();
    const flipped = await evidenceText("current");
    const cases: [text: string, verdict: string, said: RegExp][] = [
      [await evidenceText("revoked"), "Not valid", /revoked or erased/],
      [await evidenceText("suspended"), "Not valid", /suspended this record for now/],
      [
        await evidenceText("amended", 1),
        "Not valid",
        /newer version of the record[\s\S]*See the record as it is today/,
      ],
      [flipped.replace(/~"/, 'A~"').replace(/\.([\w-]{10})([\w-])/, ".$1"), "Not valid", /Do not rely on this record/],
      [JSON.stringify({ ...JSON.parse(flipped), anchors: [] }), "Not valid", /no evidence file/],
    ];
    for (const [text, verdict, said] of cases) {
      await visited.choose("evidence.json", text);
      expect(await visited.verdict(), String(said)).toBe(verdict);
      expect(await visited.answer()).toMatch(said);
      // What is not proved is not shown as if it were.
      expect(await visited.page.getByRole("heading", { name: "What is recorded" }).count()).toBe(0);
    }
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  test("of a token alone says what is missing, asks the department when told to, and judges the token that was shown", async () => {
    const visited = await visit();
    await visited.paste(String(world.records.current.token));
    expect(await visited.verdict()).toBe("Could not decide");
    expect(visited.requests).toEqual([]);
    await visited.page.getByRole("button", { name: /^Ask 127/ }).click();
    await visited.page.getByRole("heading", { name: "Valid", exact: true }).waitFor();
    expect(visited.requests).toEqual([`${world.records.current.href}/evidence?version=1`]);
    // A token that the department did not sign stays one, whatever evidence the department hands out for it.
    const [header, payload] = String(world.records.current.token).split(".");
    await visited.paste(`${header}.${payload}.${"A".repeat(86)}~`);
    await visited.page.getByRole("button", { name: /^Ask 127/ }).click();
    await visited.page.getByRole("heading", { name: "Not valid" }).waitFor();
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  test("of a file that was saved a while ago says that its proof is too old, and takes the one of today", async () => {
    const visited = await visit();
    const text = await evidenceText("current");
    await visited.page.clock.setFixedTime(Date.now() + 1_200_000);
    await visited.choose("evidence.json", text);
    expect(await visited.verdict()).toBe("Could not decide");
    expect(await visited.answer()).toMatch(/its proof is too old\. Nothing speaks against/);
    await visited.page.clock.setFixedTime(Date.now());
    await visited.page.getByRole("button", { name: /^Ask 127/ }).click();
    await visited.page.getByRole("heading", { name: "Valid", exact: true }).waitFor();
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  test("takes a record's link, and says what the department answers where it has no evidence", async () => {
    const visited = await visit();
    await visited.paste(String(world.records.current.href));
    expect(await visited.verdict()).toBe("Valid");
    // The link of a certificate, with the version that was printed.
    await visited.paste(
      `${world.home.entity}/verify?of=${encodeURIComponent(String(world.records.amended.href))}&version=1`,
    );
    expect(await visited.verdict()).toBe("Valid");
    expect(await visited.answer()).toMatch(/Read the remarks[\s\S]*newer version/);
    expect(visited.complaints).toEqual([]);
    await visited.paste(String(world.records.erased.href));
    expect(await visited.answer()).toContain("says that this record was erased");
    await visited.paste(`${world.home.entity}/registries/births/records/${String(world.records.current.rid)}`);
    expect(await visited.verdict()).toBe("Could not decide");
    await visited.paste("http://127.0.0.1:9/registries/districts/records/7c9e6679-7425-8de9-944b-e07fc1f90ae7");
    expect(await visited.answer()).toContain("does not answer");
    await visited.close();
  });

  test("prefills a link that leads here, and asks no other node before the visitor says so", async () => {
    const query = `?of=${encodeURIComponent(String(world.records.current.href))}&version=1`;
    const elsewhere = await visit({}, query);
    expect(await elsewhere.page.locator("#pasted").inputValue()).toBe(`${world.records.current.href}?version=1`);
    expect(await elsewhere.page.locator("#verdict").count()).toBe(0);
    await elsewhere.page.getByRole("button", { name: "Check", exact: true }).click();
    expect(await elsewhere.verdict()).toBe("Valid");
    await elsewhere.close();
    // Of the node that the page came from nothing is hidden by not asking it.
    const own = await visitVerify(browser, `${world.home.entity}/verify${query}`);
    expect(await own.verdict()).toBe("Valid");
    await own.close();
  });

  test("works with the network off once it is loaded, pictures included, and says what needs the network", async () => {
    const visited = await visit();
    const token = String(world.records.current.token);
    await visited.context.setOffline(true);
    await visited.choose("evidence.json", await evidenceText("current"));
    expect(await visited.verdict()).toBe("Valid");
    await visited.choose(
      "code.gif",
      Buffer.from(encodeQR(await encodePrintForm(token), "gif", { scale: 4 })),
      "image/gif",
    );
    expect(await visited.verdict()).toBe("Could not decide");
    expect(await visited.answer()).toMatch(/has what is missing\.[\s\S]*who signed it[\s\S]*not revoked/);
    await visited.page.getByRole("button", { name: /^Ask 127/ }).click();
    await visited.page.getByText("There is no connection to the network.").waitFor();
    await visited.context.setOffline(false);
    await visited.page.getByRole("button", { name: /^Ask 127/ }).click();
    await visited.page.getByRole("heading", { name: "Valid", exact: true }).waitFor();
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  test("reads a code from a photograph that is turned, blurred and badly lit", async () => {
    const visited = await visit();
    const token = String(world.records.current.token);
    const picture = Buffer.from(encodeQR(await encodePrintForm(token), "gif", { scale: 6 })).toString("base64");
    const drawing = await browser.newPage();
    const photograph = await drawing.evaluate(async (gif) => {
      const code = new Image();
      code.src = `data:image/gif;base64,${gif}`;
      await code.decode();
      const canvas = document.createElement("canvas");
      canvas.width = 2_400;
      canvas.height = 1_800;
      const context = canvas.getContext("2d")!;
      const light = context.createLinearGradient(0, 0, 2_400, 1_800);
      light.addColorStop(0, "#f4efe2");
      light.addColorStop(1, "#a9a294");
      context.fillStyle = light;
      context.fillRect(0, 0, 2_400, 1_800);
      context.filter = "blur(1.2px)";
      context.globalCompositeOperation = "multiply";
      context.translate(1_200, 900);
      context.rotate(0.21);
      context.drawImage(code, -600, -600, 1_200, 1_200);
      return canvas.toDataURL("image/jpeg", 0.7).split(",")[1]!;
    }, picture);
    await drawing.close();
    await visited.choose("photo.jpg", Buffer.from(photograph, "base64"), "image/jpeg");
    expect(await visited.answer()).toContain("Could not decide");
    expect(await visited.page.getByRole("button", { name: /^Ask 127/ }).count()).toBe(1);
    await visited.choose("blank.gif", Buffer.from("R0lGODlhAQABAAAAACwAAAAAAQABAAA=", "base64"), "image/gif");
    expect(await visited.answer()).toContain("No QR code was found");
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  test("asks no address that only a picture or a file names before the visitor has seen it", async () => {
    const visited = await visit();
    const link = `${world.agency.entity}/verify?of=${encodeURIComponent(String(world.records.current.href))}&version=1`;
    await visited.choose("link.gif", Buffer.from(encodeQR(link, "gif", { scale: 6 })), "image/gif");
    expect(await visited.answer()).toMatch(/This is a link[\s\S]*leads to 127\.0\.0\.1:\d+\./);
    await visited.choose("link.txt", `https://tracker.example/registries/a/records/${world.records.current.rid}`);
    expect(await visited.answer()).toContain("leads to tracker.example.");
    expect(visited.requests).toEqual([]);
    await visited.choose("link.gif", Buffer.from(encodeQR(link, "gif", { scale: 6 })), "image/gif");
    expect(await visited.answer()).toContain("This is a link");
    await visited.page.getByRole("button", { name: "Check", exact: true }).click();
    await visited.page.getByRole("heading", { name: "Valid", exact: true }).waitFor();
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  test("could not decide on a token whose issuer is no address, and offers to ask nobody", async () => {
    const visited = await visit();
    const [header, payload, signature] = String(world.records.current.token).split("~")[0]!.split(".");
    for (const iss of ["not an address", "javascript:alert(1)", "https://[", "data:text/html,x"]) {
      const claims = JSON.parse(Buffer.from(payload!, "base64url").toString()) as JsonObject;
      const renamed = { ...claims, iss, vct: String(claims.vct).replace(String(claims.iss), iss) };
      const token = `${header}.${Buffer.from(JSON.stringify(renamed)).toString("base64url")}.${signature}~`;
      await visited.paste(token);
      expect(await visited.answer(), iss).toMatch(/Could not decide[\s\S]*not everything that is required/);
      expect(await visited.page.getByRole("button", { name: /^Ask/ }).count(), iss).toBe(0);
    }
    await visited.paste(`https://[/registries/districts/records/${world.records.current.rid}`);
    expect(await visited.verdict()).toBe("This cannot be read");
    await visited.paste(`${verifyAddress()}?of=https://[/registries/districts/records/${world.records.current.rid}`);
    expect(await visited.verdict()).toBe("This cannot be read");
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  test("reads a certificate of the department as it is printed, and with the department's proof says that it is valid", async () => {
    const visited = await visit();
    const paper = await browser.newPage({ viewport: { width: 900, height: 1_300 }, deviceScaleFactor: 3 });
    await paper.goto(`${world.records.current.href}/certificate`);
    await paper.emulateMedia({ media: "print" });
    const picture = await paper.screenshot({ fullPage: true });
    await paper.close();
    await visited.choose("certificate.png", picture, "image/png");
    expect(await visited.verdict()).toBe("Could not decide");
    await visited.page.getByRole("button", { name: /^Ask 127/ }).click();
    await visited.page.getByRole("heading", { name: "Valid", exact: true }).waitFor();
    expect(await visited.answer()).toContain("Ludhiana");
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  test("takes a file that is dropped anywhere, and a text of no kind that it knows", async () => {
    const visited = await visit();
    const text = await evidenceText("current");
    await visited.page.evaluate((contents) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([contents], "evidence.json", { type: "application/json" }));
      const target = document.querySelector("footer")!;
      target.dispatchEvent(new DragEvent("dragover", { bubbles: true, cancelable: true, dataTransfer }));
      target.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
    }, text);
    expect(await visited.verdict()).toBe("Valid");
    for (const nonsense of ["hello", "{", "https://example.org/", "ATTESTRY1:%%%", "a.b"]) {
      await visited.paste(nonsense);
      expect(await visited.verdict(), nonsense).toBe("This cannot be read");
    }
    await visited.choose("empty.json", "");
    expect(await visited.answer()).toContain("There is nothing in it");
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  test("is used by the keyboard alone, and leads the reader to the answer", async () => {
    const visited = await visit();
    const { page } = visited;
    const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent);
    await page.evaluate(() => document.body.focus());
    for (let presses = 0; (await focused()) !== "pasted" && presses < 20; presses++) await page.keyboard.press("Tab");
    await page.keyboard.insertText(await evidenceText("current"));
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Check");
    await page.keyboard.press("Enter");
    expect(await visited.verdict()).toBe("Valid");
    expect(await focused()).toBe("verdict");
    for (let presses = 0; (await focused()) !== "Every check" && presses < 20; presses++)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.getByRole("row", { name: /Signature/ }).isVisible()).toBe(true);
    await visited.close();
  });

  test("shows what a hostile record holds as text, and runs none of it", async () => {
    const visited = await visit();
    await visited.choose("evidence.json", await evidenceText("hostile"));
    expect(await visited.verdict()).toBe("Valid");
    expect(await visited.answer()).toContain(HOSTILE);
    expect(await visited.page.locator("#answer").locator("img, script, iframe, [onerror]").count()).toBe(0);
    expect(await visited.page.locator('a[href^="javascript:" i]').count()).toBe(0);
    expect(await visited.page.title()).not.toBe("taken");
    expect(visited.complaints).toEqual([]);
    // That a breach would be seen: markup made out of text is stopped, and complained of.
    await visited.page.evaluate((markup) => {
      try {
        document.getElementById("answer")!.innerHTML = markup;
      } catch {}
    }, HOSTILE);
    await expect.poll(() => visited.complaints.join("\n")).toMatch(/TrustedHTML|Content Security Policy/);
    expect(await visited.page.title()).not.toBe("taken");
    await visited.close();
  });

  test("shows whom it trusts, judges by a policy that is loaded, and keeps no answer of another policy", async () => {
    const visited = await visit();
    expect(await visited.page.locator("#trusted").innerText()).toMatch(/By the policy of Department at \d+/);
    const pin = (world.policy.anchors as JsonObject[])[0]!;
    const { keys } = pin.jwks as unknown as { keys: { kid: string }[] };
    expect(await visited.page.locator("#trusted").innerText()).toContain(keys[0]!.kid);
    await visited.choose("evidence.json", await evidenceText("current"));
    expect(await visited.verdict()).toBe("Valid");
    const stranger = {
      ...pin,
      entity: "https://stranger.example",
      jwks: world.agency.pin([]).jwks as unknown as JsonObject,
    };
    await visited.usePolicy({ ...world.policy, anchors: [stranger] });
    expect(await visited.page.locator("#verdict").count()).toBe(0);
    await visited.choose("evidence.json", await evidenceText("current"));
    expect(await visited.answer()).toMatch(/Not valid[\s\S]*No pinned trust anchor/);
    await visited.page.setInputFiles("#policy-file", {
      name: "wrong.json",
      mimeType: "application/json",
      buffer: Buffer.from('{"anchors":[],"statusMaxAgeSeconds":60,"trustEverybody":true}'),
    });
    await visited.page.getByText(/cannot be used, and nothing has changed: .*trustEverybody/).waitFor();
    // One whose anchors could not be shown would else be judged by, unseen.
    await visited.page.setInputFiles("#policy-file", {
      name: "endless.json",
      mimeType: "application/json",
      buffer: Buffer.from(JSON.stringify({ ...world.policy, anchors: [{ ...pin, exp: 9_000_000_000_000_000 }] })),
    });
    await visited.page.getByText(/cannot be used, and nothing has changed: .*Unix seconds/).waitFor();
    await visited.choose("evidence.json", await evidenceText("current"));
    expect(await visited.answer()).toMatch(/Not valid[\s\S]*No pinned trust anchor/);
    expect(await visited.page.locator("#trusted").innerText()).toContain("stranger.example");
    await visited.close();
  });

  test("prints the verdict, the record, the time and the policy, and nothing of the page around them", async () => {
    const visited = await visit();
    await visited.choose("evidence.json", await evidenceText("current"));
    await visited.page.emulateMedia({ media: "print" });
    const printed = await visited.page.locator("body").innerText();
    for (const said of ["Valid", "Ludhiana", "Department at", "Checked", "SHA-256", "proves who carries it"])
      expect(printed).toContain(said);
    for (const chrome of [
      "What do you want to check",
      "Who is trusted here",
      "Print this answer",
      "Served by Attestry",
    ])
      expect(printed).not.toContain(chrome);
    await visited.close();
  });

  test("fits a phone and a desktop, light and dark, empty and with each answer, and axe finds nothing against it", async () => {
    const texts = [
      await evidenceText("current"),
      await evidenceText("revoked"),
      String(world.records.current.token),
      await evidenceText("hostile"),
      "hello",
    ];
    for (const [width, colorScheme] of [
      [360, "light"],
      [1280, "dark"],
    ] as const) {
      const visited = await visit({ viewport: { width, height: 740 }, colorScheme, hasTouch: width === 360 });
      const measure = async (told: string): Promise<void> => {
        await visited.page.evaluate(() => {
          for (const details of document.querySelectorAll("details")) details.open = true;
        });
        expect(await visited.page.evaluate(() => document.documentElement.scrollWidth), told).toBe(width);
        expect(await visited.page.evaluate(findFaintTexts), told).toEqual([]);
        expect(await visited.page.evaluate(findUnnamed), told).toEqual([]);
        expect(await visited.findAxeFaults(), told).toEqual([]);
      };
      await measure(`empty at ${width}`);
      for (const text of texts) {
        await visited.paste(text);
        await measure(`${text.slice(0, 20)} at ${width}`);
      }
      expect(visited.complaints).toEqual([]);
      await visited.close();
    }
  }, 180_000);

  test("without a script says why it needs one, and how to check a record without it", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(verifyAddress());
    const said = await page.locator("main").innerText();
    expect(said).toMatch(/JavaScript must be switched on[\s\S]*attestry verify FILE/);
    expect(await page.locator("#give-form").isVisible()).toBe(false);
    expect(await page.locator("#loading").isVisible()).toBe(false);
    await context.close();
  });
});

// The printable certificate of a record: a sheet with the fields that are chosen and codes by which it is checked. Changes nothing.

import { type Context, Hono } from "hono";
import { formatSeconds } from "../clock.ts";
import { AttestryError } from "../errors.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { PRINTED_CODE_MM, PRINTED_LINK_CODE_MM } from "../limits.ts";
import { parseEffectiveTime } from "../records/effective-time.ts";
import type { RecordView } from "../records/record-view.ts";
import { encodePrintForm } from "../verification/print-form.ts";
import { type CertificateProps, ChoiceForm, Sheet } from "./certificate-sections.tsx";
import { CERTIFICATE_STYLE } from "./certificate-style.ts";
import { chooseFields, listFieldChoices, pickFields, pickToken } from "./certificate-view.ts";
import { listFields } from "./field-view.ts";
import { answerPage, Layout } from "./layout.tsx";
import { Breadcrumb, FOOTER, Localized, type PageFrame } from "./markup.tsx";
import { IMMUTABLE, readReader, readValues } from "./page-request.ts";
import { drawPrintedCode } from "./qr-code.tsx";
import { listLookupTags } from "./reader-language.ts";
import { definitionVersionOf, type RecordPagesDeps, readVersion } from "./record-pages.tsx";
import { listOwnReferences, recordHref } from "./value.tsx";

export interface CertificatePagesDeps extends Omit<RecordPagesDeps, "recordHistory"> {
  /** Where this node is reached; `entity` is the name that its records have. */
  readonly nodeUrl: string;
  readonly identity: Pick<IdentityService, "authenticate">;
  readonly clock: () => number;
}

/** The names of fields that were asked for, one after the other or in one list; undefined where none was asked for. */
function readFieldNames(context: Context): string[] | undefined {
  const lists = context.req.queries("fields");
  return lists?.flatMap((list) => list.split(",").map((name) => name.trim())).filter((name) => name !== "");
}

function findEffect({ valid_from: from, valid_until: until }: RecordView, now: number): CertificateProps["effect"] {
  if (from !== undefined && (parseEffectiveTime(from, "start") ?? now) > now) return "not yet";
  return until !== undefined && (parseEffectiveTime(until, "end") ?? Number.POSITIVE_INFINITY) <= now ? "over" : "now";
}

/** The address that the smaller code holds: the record as the node says it is on the day of the check. */
function formatCheckUrl(nodeUrl: string, view: RecordView): string {
  return `${nodeUrl}/verify?of=${encodeURIComponent(view.href)}&version=${view.version}`;
}

export function createCertificatePages(deps: CertificatePagesDeps): Hono {
  const { entity, basePath, organizationName, nodeUrl, registries, recordReads, recordNames, identity, clock } = deps;
  const pages = new Hono();

  async function loadCertificate(context: Context): Promise<CertificateProps> {
    const registry = context.req.param("registry") ?? "";
    const rid = context.req.param("rid") ?? "";
    const reader = readReader(context);
    const frame: PageFrame = { basePath, entity, organizationName, reader };
    const languages = listLookupTags(reader);
    const asked = readVersion(readValues(context).values.version);
    const caller = await identity.authenticate(
      context.req.header("authorization"),
      context.req.header("attestry-role"),
    );
    const { view } = await recordReads.get({
      ...{ caller, registry, rid, languages },
      ...(asked !== undefined && { version: asked }),
    });
    const { definition } = await registries.getCurrent(registry);
    // After whoever may not know of the record was refused.
    if (definition.access === "consent") {
      throw new AttestryError(
        "not_available_yet",
        'a record of a registry with access "consent" is printed with its subject\'s consent, which this version does not have',
      );
    }
    const allFields = listFields(await registries.getVersion(registry, definitionVersionOf(view)));
    const choices = listFieldChoices(allFields, view.data);
    const shown = chooseFields({ fields: allFields, choices, asked: readFieldNames(context) });
    const picked = pickFields(allFields, view.data, shown);
    const hrefs = listOwnReferences(picked.fields, picked.data, entity);
    const now = clock();
    return {
      ...{ view, definition, choices, shown, frame, nodeUrl, asked },
      ...picked,
      names: await recordNames.findNames({ caller, hrefs, languages }),
      printedAt: formatSeconds(now),
      effect: findEffect(view, now),
      tokenCode: drawPrintedCode(await encodePrintForm(pickToken(view, shown)), PRINTED_CODE_MM),
      checkCode: drawPrintedCode(formatCheckUrl(nodeUrl, view), PRINTED_LINK_CODE_MM),
    };
  }

  async function answerCertificate(context: Context): Promise<Response> {
    const props = await loadCertificate(context);
    const { view, definition, frame } = props;
    const base = `${basePath}/registries`;
    const crumbs = [
      { href: base, text: "Registries" },
      { href: `${base}/${definition.name}`, text: <Localized text={definition.title} reader={frame.reader} /> },
      { href: recordHref(view.href, frame), text: <span dir="auto">{view.display}</span> },
    ];
    const answer = await answerPage(
      context,
      <Layout
        title={`${view.display} · Certificate`}
        basePath={basePath}
        header={
          <>
            <Breadcrumb frame={frame} crumbs={crumbs} />
            <h1>Printed certificate</h1>
          </>
        }
        footer={FOOTER}
        styles={[CERTIFICATE_STYLE]}
      >
        <ChoiceForm {...props} />
        <Sheet {...props} />
      </Layout>,
    );
    // What only some may see is kept by no browser and no proxy.
    if (context.req.header("authorization") !== undefined) answer.headers.set("cache-control", "private, no-store");
    return answer;
  }

  // There is nothing but a page at this address: who brings a token, as staff of a members' registry does, gets it too.
  pages.get("/registries/:registry/records/:rid/certificate", (context) => {
    context.header("vary", "accept-language, authorization");
    return answerCertificate(context);
  });

  const { path, mediaType, text } = CERTIFICATE_STYLE;
  pages.get(path, (context) => context.body(text, 200, { "content-type": mediaType, "cache-control": IMMUTABLE }));

  return pages;
}

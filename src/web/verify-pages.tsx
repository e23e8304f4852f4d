// `/verify`: the page on which anybody checks a record. The checking is done by its script in the visitor's browser; this node judges and fetches nothing for it.
import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { AttestryError } from "../errors.ts";
import { answerPage, Layout } from "./layout.tsx";
import { Breadcrumb, FOOTER, type PageFrame, Section } from "./markup.tsx";
import { readFrame } from "./page-request.ts";
import { answerPageScript, findPageScript } from "./page-script.ts";

export interface VerifyPagesDeps {
  readonly basePath: string;
  /** The name that this node's records have. */
  readonly entity: string;
  readonly organizationName: string;
  /** Whether records of nodes on loopback, without https, may be asked for. */
  readonly development: boolean;
}

// What is missing is asked for at the record's own node, which may be any.
const CONNECT = ["'self'", "https:"];
const CONNECT_DEVELOPMENT = ["http://127.0.0.1:*", "http://localhost:*"];

const COMMAND = "attestry verify FILE --policy policy.json";

const GiveSection: FC = () => (
  <Section id="give" title="What do you want to check?">
    <form id="give-form">
      <div class="give">
        <div class="field">
          <label for="file">A file, or a picture of a QR code</label>
          <input type="file" id="file" aria-describedby="file-note" />
          <p class="soft" id="file-note">
            The evidence file of a record, a signed record, or a photograph. You can drop it anywhere on this page.
          </p>
        </div>
        <div class="field by-camera">
          <label for="camera">Photograph a QR code now</label>
          <input type="file" id="camera" accept="image/*" capture="environment" />
        </div>
        <div class="field">
          <label for="pasted">Or paste a record's link, a signed record (token), or the text of a QR code</label>
          <textarea id="pasted" rows={4} spellcheck={false} autocomplete="off" dir="ltr" />
        </div>
      </div>
      <div class="buttons">
        <button type="submit">Check</button>
        <span class="soft">
          It is checked here, in your browser. A link is asked for at the department that it leads to; nothing else
          leaves this device.
        </span>
      </div>
    </form>
  </Section>
);

const TrustSection: FC<{ organizationName: string }> = ({ organizationName }) => (
  <Section id="trust" title="Who is trusted here">
    <div id="trusted" />
    <p id="policy-fault" class="fault" role="alert" />
    <details>
      <summary>Trust somebody else</summary>
      <p>
        Your own office may have written down whom it trusts. With such a policy file this page judges by it, and no
        longer by what <span dir="auto">{organizationName}</span> trusts. Whoever does not want to trust this page
        either checks with the command <code>{COMMAND}</code>.
      </p>
      <div class="field">
        <label for="policy-file">Policy file</label>
        <input type="file" id="policy-file" accept=".json,application/json" />
      </div>
      <p class="buttons">
        <button type="button" id="policy-reset" hidden>
          Trust whom this node trusts
        </button>
      </p>
    </details>
  </Section>
);

const VerifyPage: FC<{ frame: PageFrame; script: string | undefined }> = ({ frame, script }) => (
  <Layout
    title={`Check a record · ${frame.organizationName}`}
    basePath={frame.basePath}
    script={script}
    header={
      <>
        <Breadcrumb frame={frame} crumbs={[]} />
        <h1>Check a record</h1>
        <p class="lead">
          Whether a record of any department is genuine and still in force. Once this page is loaded it works without
          the network, and says what needs it.
        </p>
      </>
    }
    footer={FOOTER}
  >
    {script === undefined ? (
      <Unavailable reason="This node was installed without the program that checks records in a browser; its operator builds it by npm run build." />
    ) : (
      <>
        <noscript>
          <Unavailable reason="Records are checked by a program in your browser, so that you need not believe this node. For that, JavaScript must be switched on." />
        </noscript>
        <p id="loading" class="soft space scripted">
          Loading the program that checks records. If this stays, load the page again.
        </p>
        <p id="progress" class="progress" role="status" />
        <div
          id="verify"
          hidden
          data-base-path={frame.basePath}
          data-entity={frame.entity}
          data-organization-name={frame.organizationName}
        >
          <div id="answer" />
          <GiveSection />
          <TrustSection organizationName={frame.organizationName} />
        </div>
      </>
    )}
  </Layout>
);

const Unavailable: FC<{ reason: string }> = ({ reason }) => (
  <div class="note warning">
    <p>{reason}</p>
    <p>Without it, an evidence file is checked on your own computer:</p>
    <pre>
      <code>{COMMAND}</code>
    </pre>
  </div>
);

export function createVerifyPages(deps: VerifyPagesDeps): Hono {
  const { development } = deps;
  const pages = new Hono();
  const connect = development ? [...CONNECT, ...CONNECT_DEVELOPMENT] : CONNECT;

  pages.get("/verify", (context) => {
    const frame = readFrame(context, deps);
    return answerPage(context, <VerifyPage frame={frame} script={findPageScript("verify")} />, 200, { connect });
  });

  pages.get("/assets/:file{.+\\.js}", (context) => {
    const answer = answerPageScript(context, context.req.param("file"));
    if (!answer)
      throw new AttestryError("not_found", "there is no such file; load the page again, which names its own");
    return answer;
  });

  return pages;
}

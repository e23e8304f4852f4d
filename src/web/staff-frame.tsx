// The frame of pages for staff: who is signed in, in which role, the way out. Decides nothing.
import type { Context } from "hono";
import type { Child, FC } from "hono/jsx";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Session } from "../identity/session-service.ts";
import { answerPage, Layout } from "./layout.tsx";
import { Breadcrumb, type Crumb, FOOTER, type PageFrame } from "./markup.tsx";
import { FORM_TOKEN } from "./page-session.ts";
import type { Asset } from "./style.ts";

/** A button that changes something: a form of its own, with the proof that this session's page made it. */
export const ActionForm: FC<{
  action: string;
  session: Pick<Session, "formToken">;
  values?: Readonly<Record<string, string>>;
  children?: Child;
}> = ({ action, session, values = {}, children }) => (
  <form method="post" action={action}>
    <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
    {Object.entries(values).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
    {children}
  </form>
);

const SignedIn: FC<{ session: Session; frame: PageFrame }> = ({ session, frame }) => (
  <div class="buttons">
    <span class="soft">
      Signed in as <strong dir="auto">{session.name}</strong>, acting as <strong>{session.role}</strong>
    </span>
    <ActionForm action={`${frame.basePath}/sign-out`} session={session}>
      <button type="submit">Sign out</button>
    </ActionForm>
  </div>
);

export const StaffPage: FC<{
  title: string;
  lead: Child;
  crumbs: readonly Crumb[];
  session: Session;
  frame: PageFrame;
  /** As `Layout` has them. */
  script?: string | undefined;
  styles?: readonly Asset[];
  children?: Child;
}> = ({ title, lead, crumbs, session, frame, script, styles = [], children }) => (
  <Layout
    title={`${title} · ${frame.organizationName}`}
    basePath={frame.basePath}
    script={script}
    styles={styles}
    header={
      <>
        <Breadcrumb frame={frame} crumbs={crumbs} />
        <h1>{title}</h1>
        <p class="lead">{lead}</p>
        <SignedIn session={session} frame={frame} />
      </>
    }
    footer={FOOTER}
  >
    {children}
  </Layout>
);

/** A page that is one person's: kept by nobody, not even for the way back after signing out. */
export async function answerStaffPage(
  context: Context,
  page: Child,
  status: ContentfulStatusCode = 200,
  script?: { readonly connect: readonly string[] },
): Promise<Response> {
  const response = await answerPage(context, page, status, script);
  response.headers.set("cache-control", "private, no-store");
  return response;
}

// `/`: tells a person in the browser what this node is and what it holds, and a program the same as JSON. Also serves what pages look like.
import { Hono } from "hono";
import { accepts } from "hono/accepts";
import type { FC } from "hono/jsx";
import type { SignInService } from "../identity/sign-in-service.ts";
import { parseReader } from "./accept-language.ts";
import {
  AboutSection,
  CheckSection,
  ConsumerSection,
  HoldingsSection,
  LogSection,
  ProgramSection,
  type SectionProps,
} from "./home-sections.tsx";
import { describeHome, type HomeDeps, type HomeView, loadHomeView } from "./home-view.ts";
import { answerPage, Layout } from "./layout.tsx";
import { IMMUTABLE } from "./page-request.ts";
import { SITE_ICON, STYLE } from "./style.ts";

const HTML = "text/html";
const JSON_TYPE = "application/json";

function describePurpose(view: HomeView): string {
  if (view.isConsumer)
    return "An office that checks the records of other departments. It keeps no registry itself: what it checks stays where it is.";
  return view.registries.length === 0 && view.subordinates.length > 0
    ? "It vouches for departments, so that others can tell whose records to believe. It keeps no records itself."
    : "A department's own registry: it signs its records, keeps them itself, and proves each one to whoever asks.";
}

const HomePage: FC<SectionProps & { offersSignIn: boolean; offersOwnPage: boolean }> = (props) => {
  const { organizationName } = props.view;
  const header = (
    <>
      <p class="kind">{props.view.isConsumer ? "Consumer node" : "Registry node"}</p>
      <h1 dir="auto">{organizationName}</h1>
      <p class="lead">{describePurpose(props.view)}</p>
      {props.offersOwnPage && (
        <p class="buttons">
          <a class="button" href={`${props.basePath}/me`}>
            My page
          </a>
          <span class="soft">what is recorded about you, and who looked</span>
        </p>
      )}
      {props.offersSignIn && (
        <p class="buttons">
          <a class="button" href={`${props.basePath}/sign-in`}>
            Sign in
          </a>
          <span class="soft">for the staff of this department</span>
        </p>
      )}
    </>
  );
  return (
    <Layout
      title={`${organizationName} · ${props.view.isConsumer ? "consumer node" : "registry node"}`}
      basePath={props.basePath}
      header={header}
      footer="Served by Attestry, a federated registry: each department keeps its own records, and no node holds all the data."
    >
      <AboutSection {...props} />
      {props.view.isConsumer ? <ConsumerSection {...props} /> : <HoldingsSection {...props} />}
      <LogSection {...props} />
      <CheckSection {...props} />
      <ProgramSection {...props} />
    </Layout>
  );
};

/** GET / as page or JSON, by Accept; and the assets of all pages. To be mounted at the entity's path. */
export function createHomePages(
  deps: HomeDeps & { readonly basePath: string; readonly signIn: Pick<SignInService, "choices" | "citizenChoices"> },
): Hono {
  const pages = new Hono();

  pages.get("/", async (context) => {
    const view = await loadHomeView(deps);
    context.header("vary", "accept, accept-language");
    const type = accepts(context, { header: "Accept", supports: [HTML, JSON_TYPE], default: HTML });
    if (type === JSON_TYPE) {
      return context.json(describeHome(view), 200, { "cache-control": "no-cache", "access-control-allow-origin": "*" });
    }
    const reader = parseReader(context.req.header("accept-language"));
    const offersSignIn = deps.signIn.choices.length > 0;
    const offersOwnPage = deps.signIn.citizenChoices.length > 0;
    const page = <HomePage {...{ view, reader, basePath: deps.basePath, offersSignIn, offersOwnPage }} />;
    return answerPage(context, page);
  });

  for (const { path, mediaType, text } of [STYLE, SITE_ICON]) {
    pages.get(path, (context) => context.body(text, 200, { "content-type": mediaType, "cache-control": IMMUTABLE }));
  }

  return pages;
}

// The page on which a citizen's own browser asks other departments: what stands there before its program runs, and without it. Asks nobody; what a reader chooses never reaches the server.
import type { FC } from "hono/jsx";
import type { CitizenSession } from "../../identity/citizen-session-service.ts";
import type { BrowserSignIn } from "../../identity/sign-in-service.ts";
import { Note, Section } from "../markup.tsx";
import { type MeFrame, MePage } from "./me-frame.tsx";
import { isolate } from "./me-names.ts";

export interface Department {
  /** Its entity identifier, which is its address. */
  readonly entity: string;
  readonly name: string | undefined;
  readonly isOwn: boolean;
}

export interface ElsewherePageProps {
  readonly session: CitizenSession | undefined;
  readonly departments: readonly Department[];
  /** None where nobody signs in by one here; undefined where none answers now. */
  readonly signIns: readonly BrowserSignIn[] | undefined;
  /** This node's address. */
  readonly node: string;
  readonly script: string | undefined;
  readonly frame: MeFrame;
}

const addressOf = (entity: string): string => entity.replace(/^https?:\/\//, "");

const OwnPages: FC<{ departments: readonly Department[]; frame: MeFrame }> = ({ departments, frame }) => (
  <>
    <p>{frame.texts.elsewhere.each}</p>
    <ul class="plain">
      {departments.map(({ entity, name }) => (
        <li>
          <a href={`${entity}/me`} rel="noreferrer" dir="auto">
            {name ?? addressOf(entity)}
          </a>
        </li>
      ))}
    </ul>
  </>
);

const WhoLearns: FC<{ frame: MeFrame }> = ({ frame }) => (
  <details>
    <summary>{frame.texts.elsewhere.whoLearns}</summary>
    <ul>
      {frame.texts.elsewhere.learns.map((sentence) => (
        <li>{sentence}</li>
      ))}
    </ul>
  </details>
);

const Choice: FC<ElsewherePageProps & { signIns: readonly BrowserSignIn[] }> = ({ departments, signIns, frame }) => {
  const words = frame.texts.elsewhere;
  return (
    <Section id="choose" title={words.choose}>
      <form id="choice">
        <p>{words.chooseHelp}</p>
        <fieldset>
          <legend>{words.departments}</legend>
          <div id="departments">
            {departments.map(({ entity, name, isOwn }, at) => (
              <div class="tick">
                <input type="checkbox" value={entity} id={`department-${at}`} />
                <label for={`department-${at}`}>
                  <span dir="auto">{name ?? addressOf(entity)}</span>
                  <span class="soft small">
                    {isOwn && `${words.own} – `}
                    <bdi>{addressOf(entity)}</bdi>
                  </span>
                </label>
              </div>
            ))}
          </div>
        </fieldset>
        <div class="field">
          <label for="other">{words.other}</label>
          <input type="text" inputmode="url" id="other" autocomplete="off" dir="ltr" aria-describedby="other-help" />
          <p class="soft" id="other-help">
            {words.otherHelp}
          </p>
        </div>
        <div class="buttons">
          <button type="button" class="quiet" id="add">
            {words.add}
          </button>
          <button type="button" class="quiet" id="forget">
            {words.forget}
          </button>
        </div>
        <div class="buttons">
          {signIns.map(({ issuer, title, clientId, authorizationEndpoint, tokenEndpoint }) => (
            <button
              type="submit"
              data-issuer={issuer}
              data-client-id={clientId}
              data-authorization-endpoint={authorizationEndpoint}
              data-token-endpoint={tokenEndpoint}
            >
              {words.go(isolate(title))}
            </button>
          ))}
        </div>
        <WhoLearns frame={frame} />
      </form>
    </Section>
  );
};

export const ElsewherePage: FC<ElsewherePageProps> = (props) => {
  const { session, departments, signIns, node, script, frame } = props;
  const words = frame.texts.elsewhere;
  const isOffered = script !== undefined && signIns !== undefined && signIns.length > 0;
  return (
    <MePage
      title={words.title}
      lead={words.lead}
      frame={frame}
      session={session}
      script={isOffered ? script : undefined}
    >
      {!isOffered && (
        <div class="space">
          <Note>
            <p>{signIns === undefined ? words.unavailable : words.notOffered}</p>
            <OwnPages departments={departments} frame={frame} />
          </Note>
        </div>
      )}
      {isOffered && (
        <>
          <noscript>
            <div class="space">
              <Note kind="warning">
                <p>{words.noScript}</p>
                <OwnPages departments={departments} frame={frame} />
              </Note>
            </div>
          </noscript>
          <p id="loading" class="soft space scripted">
            {words.loading}
          </p>
          <p id="progress" class="progress" role="status" />
          <div id="elsewhere" hidden data-node={node} data-redirect-uri={`${node}/me/elsewhere`}>
            <div id="answers" />
            <Choice {...props} signIns={signIns} />
          </div>
        </>
      )}
      {!session && (
        <p class="space">
          <a href={`${frame.basePath}/me`}>{frame.texts.problem.back}</a>
        </p>
      )}
    </MePage>
  );
};

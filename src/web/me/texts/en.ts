// What /me says in English; the other languages must say all of it. Names and dates come ready to be read.
import type { DecisionWords, UsageWords } from "./usage-words.ts";

const list = new Intl.ListFormat("en", { type: "conjunction" });

/** A title within a sentence; one such as "PAN" keeps its letters. */
function within(title: string): string {
  return title.replace(/^\u2068?[A-Z](?=[a-z])/, (start) => start.toLowerCase());
}

const stop = (text: string): string => (/[.!?]\u2069?$/.test(text) ? text : `${text}.`);

export const en = {
  skip: "Skip to content",
  youAreHere: "You are here",
  footer:
    "Served by Attestry, a federated registry: each department keeps its own records, and no node holds all the data.",
  language: "Language",
  pages: "Your pages",
  myPage: "My page",
  records: "My records",
  consents: "My permissions",
  usage: "Who looked",
  myQuestions: "My questions",
  download: "Download",
  signedInAs: (name: string) => `Signed in as ${name}`,
  signOut: "Sign out",
  list: (items: readonly string[]) => list.format(items),
  value: {
    yes: "Yes",
    no: "No",
    notStated: "not stated",
    notStatedFields: "Not stated:",
    personalFields: "Not shown here:",
    document: "Document",
    recordIn: (registry: string) => `Record in ${registry}`,
    keptAt: (place: string) => `kept at ${place}`,
    itsVersion: (version: number) => `(its version ${version})`,
  },
  signIn: {
    title: "Sign in to your page",
    lead: "See what this department has recorded about you and who looked at it, and decide who else may.",
    by: (service: string) => `Sign in with ${service}`,
    nobody: "Nobody can sign in here yet.",
    nobodyHelp: "This department offers no sign-in for citizens. Ask it for what is recorded about you:",
    outTitle: "You are signed out here",
    stillKnown: "Your sign-in service may still know you.",
    stillKnownHelp:
      "On a device that others use, sign out there, too: else whoever comes next could open your page without a password.",
    outThere: "Sign out there, too",
    again: "Sign in again",
  },
  home: {
    lead: "What this department has recorded about you, who may see it, and who looked.",
    waiting: "Waiting for your answer",
    records: "What is recorded about you",
    evidence: "Download with proof",
    evidenceHelp: "The proof shows that this department signed exactly this, and when.",
    active: "Who may see it because you allowed it",
    noneActive: "Nobody, at the moment.",
    latest: "Who looked last",
    noneLatest: "Nobody has looked at your records yet.",
    allPermissions: "See all permissions",
    allReadings: "See everything",
    nothing: "There is no record here that is surely yours.",
    nothingHelp:
      "Either this department has none, or what your sign-in says of you fits several people. So that nobody sees another person's data, nothing is shown. The department can clear this up:",
    noContacts: "Ask at its office; bring an identity document.",
  },
  recordStates: {
    active: "In force",
    suspended: "Paused",
    revoked: "Withdrawn by the department",
    ended: "Ended",
    replaced: "Replaced by another record",
    superseded: "An older version",
  } as Readonly<Record<string, string>>,
  consent: {
    title: "My permissions",
    lead: "Who asked to see your data, what you allowed, and what you can change. You may say no, and change your mind at any time.",
    none: "Nobody has asked for your permission yet.",
    waiting: "Waiting for your answer",
    running: "Allowed now",
    over: "Earlier",
    states: {
      requested: "Waiting for you",
      given: "Allowed",
      paused: "Paused by you",
      refused: "Refused by you",
      withdrawn: "Withdrawn by you",
      expired: "Run out",
      invalidated: "No longer valid",
    },
    meanings: {
      requested: "Nothing is shown to them unless you allow it.",
      given: "They can see the fields below until the end.",
      paused: "They see nothing until you let it go on.",
      refused: "They see nothing by this request.",
      withdrawn: "They see nothing more by this permission.",
      expired: "The time is over: they see nothing more by this permission.",
      invalidated: "What the permission was about has changed, so it counts no more: they see nothing by it.",
    },
    asks: (who: string) => `${who} asks`,
    who: "Who",
    whatFor: "What for",
    registry: "From which register",
    fields: "Which data",
    fieldsAsked: "Asked for, not allowed",
    when: "For how long",
    fromUntil: (from: string, until: string) => `From ${from} until ${until}`,
    once: "One time only",
    often: "As often as needed in that time",
    asked: "Asked on",
    decided: "You decided on",
    noteOf: "They add",
    notice: "What they tell you about it",
    noticeProof: "How the text is pinned",
    noticeHash: "Digest of exactly this text:",
    look: "Look and decide",
    open: "Look",
    openOf: (who: string, what: string) => `${who}: ${what}`,
    decide: "Your answer",
    decideLead: "Take the tick from whatever they need not see. You can also choose an earlier end.",
    fieldsLegend: "They may see",
    until: "Until",
    untilHelp: (last: string) => `They ask until ${last}; you can choose an earlier day.`,
    onceLabel: "One time only",
    give: "Allow what is ticked",
    giveHelp: "From then on they can see these fields, for this purpose. You see each time here.",
    refuse: "Refuse",
    refuseHelp: "They see nothing. They can ask again.",
    change: "Change your mind",
    pause: "Pause",
    pauseHelp: "They see nothing until you let it go on. The end stays the same.",
    resume: "Let it go on",
    resumeHelp: "They can see the fields again until the end.",
    withdraw: "Withdraw",
    withdrawConfirm: "Yes, withdraw now",
    withdrawHelp:
      "From now on they see nothing more by this permission. What they saw before they saw; the list under “Who looked” tells. If you want to allow it again, they have to ask again.",
    done: {
      given: "You allowed it.",
      refused: "You refused. They see nothing.",
      paused: "Paused. They see nothing until you let it go on.",
      resumed: "It goes on. They can see the fields again.",
      withdrawn: "Withdrawn. They see nothing more by this permission.",
    },
    noField: "Tick at least one field, or refuse.",
    badDay: (first: string, last: string) => `Choose a day from ${first} to ${last}.`,
    forChild: (number: string) => `For somebody whom you act for: ${number}`,
    matter: "Their number of the matter",
    isUsed: "It was for one time, and that time is over.",
    lookedBy: "See when they looked",
  },
  usagePage: {
    title: "Who looked at your data",
    lead: "Every look at your data stands here, the newest first: whoever it was, also this department's own staff.",
    filter: "Show only",
    department: "By whom",
    purpose: "What for",
    any: "All",
    show: "Show",
    none: "Nobody has looked at your data yet.",
    noneFound: "No look at your data fits what you chose.",
    office: "Staff of this department",
    myself: "Myself",
    delayed: (count: number, until: string) =>
      count === 1
        ? `One more look is secret for now because a law says so. It will stand here from ${until} on.`
        : `${count} more looks are secret for now because a law says so. The last of them will stand here from ${until} on.`,
    whole: "This list was checked just now against the department's log: nothing was changed or taken out.",
    broken: "Something is wrong with this list: it does not fit the department's log.",
    brokenHelp: "Looks at your data may have been changed or taken out. Tell the department, or who watches over it:",
    ownLooks: (count: number, first: string, last: string) =>
      first === last
        ? `On ${last}, you looked at your own data ${count} times.`
        : `From ${first} to ${last}, you looked at your own data ${count} times.`,
    moreFields: (count: number) => `${count} more`,
    aboutOther: "This was about somebody whom you act for.",
    older: "Older",
    newest: "Back to the newest",
    details: "Details and proof",
    time: "Exact time",
    eventNumber: "Number of the look",
    eventNumberHelp: "Your looks are numbered without gaps: a missing number would show that one was hidden.",
    logIndex: "Entry of the public log",
    logHelp: "The log tells nobody what the entry is about, and nobody can change it unseen.",
    proof: "Download the proof",
    record: "Record",
    by: "Who exactly",
  },
  usageSentence({ day, who, isOwn, verb, fields, registry, purpose, matter, basis }: UsageWords): string {
    const what = fields.length > 0 ? `your ${list.format(fields.map(within))}` : `your record in “${registry}”`;
    const did = {
      read: `looked at ${what}`,
      answer: `was told yes or no about ${what}`,
      received: `received ${what}`,
      search: `found you by a search in “${registry}”`,
      export: `took out a copy of ${what}`,
      change: `changed ${what}`,
    }[verb];
    const aim = purpose === undefined ? "" : ` for ${within(purpose)}`;
    const about = matter === undefined ? "" : ` (their number: ${matter})`;
    const start = `On ${day}, ${isOwn ? "you" : who} ${did}${aim}${about}`;
    if (isOwn || basis === undefined) return `${start}.`;
    if ("office" in basis) return `${start}, as the office that keeps it.`;
    if ("law" in basis) return stop(`${start}, because a law says so: ${basis.law}`);
    return `${start}, because you allowed it${basis.givenOn === undefined ? "" : ` on ${basis.givenOn}`}.`;
  },
  decisionSentence({ day, who, decision, consumer, purpose }: DecisionWords): string {
    const did = {
      give: "gave a permission",
      refuse: "refused a permission",
      pause: "paused a permission",
      resume: "let a permission go on",
      withdraw: "withdrew a permission",
      invalidate: "declared a permission no longer valid",
    }[decision];
    const whose = consumer === undefined ? "" : ` that ${consumer} asked for`;
    const aim = purpose === undefined ? "" : `, for ${within(purpose)}`;
    return `On ${day}, ${who ?? "you"} ${did}${whose}${aim}.`;
  },
  roles: {
    registrar: "a registrar of this department",
    approver: "an approver of this department",
    reader: "a member of staff of this department",
    auditor: "an auditor of this department",
    operator: "an operator of this department",
  } as Readonly<Record<string, string>>,
  somebody: "somebody of this department",
  guardian: "somebody who acts for you",
  shared: "somebody with whom you shared it",
  questions: {
    title: "My questions",
    lead: "What you asked this department about looks at your data or about your records, and what it answered.",
    yours: "What you asked",
    none: "You have asked nothing yet. At each look and each record there is a link to ask.",
    newTitle: "Ask this department",
    newLead:
      "Your message is read by the people of this department who answer for it. Their answer comes to this page.",
    kind: "What do you want to say?",
    kinds: { ask: "I have a question", dispute: "I think this look was wrong", correct: "Please correct this" },
    aboutLook: (index: number) => `It is about entry ${index} of the log of looks.`,
    aboutRecord: (registry: string) => `It is about your record in “${registry}”.`,
    message: "Your message",
    correction: "What is wrong, and what would be right?",
    send: "Send",
    sent: "Your message was sent.",
    badText: (max: number) => `Write something first; at most ${max} characters.`,
    tooMany: "Many of your messages wait for an answer. Write again once some have one.",
    askedOn: (day: string) => `On ${day}:`,
    waiting: "Waits for an answer.",
    answeredOn: (day: string, who: string) => `On ${day}, ${who} answered:`,
    askAbout: "Ask about this, or say that it was wrong",
    correctRecord: "Something is wrong here: ask for a correction",
  },
  notifications: {
    link: "Be told",
    title: "Be told when something happens",
    lead: "This department can send you a short message when somebody asks you for something or looks at your data. It says that something happened and where to look, and nothing more.",
    on: (address: string) => `You are told at ${address}.`,
    off: "You are told of nothing at the moment.",
    choose: "What you want",
    address: "Where to",
    addressHelp:
      "A mail address or a telephone number of your own. It is kept sealed and given to the message service alone.",
    events: "Tell me when",
    kinds: {
      consent_requested: "somebody asks for my permission",
      consent_changed: "a permission changed, and it was not me who changed it",
      reading: "somebody looked at my data",
      question_answered: "a question of mine was answered",
      erased: "a record about me was erased",
    },
    gathered: "At most one message every ten minutes of each kind: what happens in between is told together.",
    save: "Save",
    stop: "Tell me nothing any more",
    saved: "Saved. From now on you are told.",
    stopped: "You are told of nothing any more, and your address is deleted here.",
    badAddress: (max: number) => `Write one address on one line; at most ${max} characters.`,
    noEvent: "Tick at least one of these.",
    none: "This department sends no messages.",
  },
  downloadPage: {
    title: "Download my data",
    lead: "One file with what this department has recorded about you, your permissions and who looked, with the proofs.",
    button: "Download the file",
    help: "The file is JSON, which other programs can read. Keep it where only you can open it: it holds your personal data.",
    holds: "It holds",
    holdsRecords: (count: number) =>
      count === 1 ? "one record, with its proof" : `${count} records, each with its proof`,
    holdsRest: "your permissions, and the looks at your data",
    nothing: "There is no record here that is surely yours, so the file would hold none.",
  },
  problem: {
    title: "This did not work",
    nothing: "There is nothing of yours at this address.",
    signIn: "You are not signed in. Begin again.",
    unavailable: "The sign-in service does not answer just now. Try again in a minute.",
    form: "The form was too old, or not from this page. Nothing was changed. Load the page again and send it once more.",
    stale: "This has changed in the meantime. Nothing was done. Look at it again and decide.",
    other: "Nothing was changed. Try again in a minute; if it stays, tell the department.",
    back: "Back to my page",
  },
};

/** What every language says. */
export type MeTexts = typeof en;

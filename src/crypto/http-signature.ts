// HTTP Message Signatures (RFC 9421) with Ed25519: the signature base, signing, verifying. Pure; which components a message must
// cover, and whose key it is, is for a profile to say (federation/signed-request.ts).
import { AttestryError, isAttestryError } from "../errors.ts";
import { ED25519_SIGNATURE_BYTES, verifyEd25519 } from "./ed25519.ts";
import { encodeUtf8 } from "./hash.ts";
import type { PublicKey } from "./keys.ts";
import type { Signer } from "./signer.ts";
import {
  type BareItem,
  type FieldParameters,
  formatDictionary,
  formatItem,
  formatList,
  formatMember,
  type InnerList,
  type Item,
  parseDictionary,
  parseItem,
  parseList,
} from "./structured-fields.ts";

/** Header fields: lower-case name to the lines that carried it, in their order. */
export type FieldLines = ReadonlyMap<string, readonly string[]>;

/** `url`: absolute, as the verifier knows it, whatever the Host header says. */
export interface RequestParts {
  readonly method: string;
  readonly url: URL;
  readonly fields: FieldLines;
}

export interface ResponseParts {
  readonly status: number;
  readonly fields: FieldLines;
  /** What it answers; for components with `;req`. */
  readonly request?: RequestParts;
}

export type MessageParts = RequestParts | ResponseParts;

/** One signature of a message, read but not verified. */
export interface MessageSignature {
  /** Covered components and parameters. */
  readonly input: InnerList;
  readonly signature: Uint8Array;
}

/** The parameters of RFC 9421 §2.3, and the names of all others. Times in Unix seconds. */
export interface SignatureParameters {
  readonly created?: number;
  readonly expires?: number;
  readonly nonce?: string;
  readonly alg?: string;
  readonly keyid?: string;
  readonly tag?: string;
  readonly others: readonly string[];
}

// §2.1: names are written in lower case. RFC 9110 §5.6.2 says of what.
const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** §2.1.1: of which type a field is has to be known to serialise it strictly. */
export type StructuredFields = Readonly<Record<string, "list" | "dictionary" | "item">>;

const STRUCTURED: StructuredFields = {
  "content-digest": "dictionary",
  signature: "dictionary",
  "signature-input": "dictionary",
};

function refuse(reason: string, cause?: unknown): never {
  throw new AttestryError("signature_component_invalid", `a covered component: ${reason}`, { cause });
}

function isRequest(message: MessageParts): message is RequestParts {
  return "method" in message;
}

/** §2.1: each line without its surrounding whitespace, obsolete folding as one space. */
function linesOf(message: MessageParts, name: string): string[] {
  const lines = message.fields.get(name);
  if (lines === undefined) return refuse(`the message has no field ${name}`);
  return lines.map((line) => {
    const value = line.replaceAll(/[ \t]*\r?\n[ \t]+/g, " ").replaceAll(/^[ \t]+|[ \t]+$/g, "");
    // A line end within a value would write lines of the signature base (§7.5.4).
    if (!/^[\t -~]*$/.test(value)) refuse(`field ${name} has a character that is not printable ASCII`);
    return value;
  });
}

function parseField<Value>(name: string, text: string, parse: (text: string) => Value): Value {
  try {
    return parse(text);
  } catch (error) {
    if (!isAttestryError(error, "structured_field_invalid")) throw error;
    return refuse(`field ${name} is no structured field of the type that is needed`, error);
  }
}

function serializeStructured(name: string, text: string, structured: StructuredFields): string {
  switch (structured[name]) {
    case "dictionary":
      return formatDictionary(parseField(name, text, parseDictionary));
    case "list":
      return formatList(parseField(name, text, parseList));
    case "item":
      return formatItem(parseField(name, text, parseItem));
    default:
      return refuse(`field ${name} is not known to be a structured field`);
  }
}

const FIELD_PARAMETERS = new Set(["sf", "key", "bs", "req"]);

function fieldValue(
  message: MessageParts,
  { name, parameters, structured }: { name: string; parameters: FieldParameters; structured: StructuredFields },
): string {
  if (!FIELD_NAME.test(name)) refuse("a field name is not written as lower-case name");
  for (const parameter of parameters.keys())
    if (!FIELD_PARAMETERS.has(parameter)) refuse(`parameter ${parameter} of field ${name} is not supported`);
  const lines = linesOf(message, name);
  const key = parameters.get("key");
  if (parameters.has("bs")) {
    // §2.1.3: bs does not go with sf or key.
    if (key || parameters.has("sf")) refuse("bs stands beside sf or key");
    return formatList(
      lines.map((line) => ({ value: { type: "bytes", value: encodeUtf8(line) }, parameters: new Map() })),
    );
  }
  const text = lines.join(", ");
  if (key) {
    if (key.type !== "string") return refuse("key is no string");
    const member = parseField(name, text, parseDictionary).get(key.value);
    return member ? formatMember(member) : refuse(`field ${name} has no such key`);
  }
  return parameters.has("sf") ? serializeStructured(name, text, structured) : text;
}

/** §2.2.8: decoded and encoded again, so that different spellings of one value have one signature base. */
function encodeQueryText(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

function queryParameter({ url }: RequestParts, parameters: FieldParameters): string {
  const name = parameters.get("name");
  if (name?.type !== "string") return refuse("@query-param has no name");
  const values = [...url.searchParams].filter(([one]) => encodeQueryText(one) === name.value);
  // §2.2.8: one that stands several times cannot be covered.
  if (values.length !== 1) return refuse("@query-param names a parameter that does not stand once in the query");
  return encodeQueryText(values[0]![1]);
}

function derivedValue(message: MessageParts, name: string, parameters: FieldParameters): string {
  const allowed = name === "@query-param" ? ["name", "req"] : ["req"];
  for (const parameter of parameters.keys())
    if (!allowed.includes(parameter)) refuse(`parameter ${parameter} of ${name} is not supported`);
  if (!isRequest(message)) return name === "@status" ? String(message.status) : refuse(`${name} is not of a response`);
  const { url } = message;
  switch (name) {
    case "@method":
      return message.method;
    case "@target-uri":
      return url.href;
    case "@authority":
      // §2.2.3: lower case and without a default port, as URL gives it.
      return url.host;
    case "@scheme":
      return url.protocol.slice(0, -1);
    case "@request-target":
      return url.pathname + url.search;
    case "@path":
      return url.pathname;
    case "@query":
      // §2.2.7: without a query, a question mark alone.
      return url.search || "?";
    case "@query-param":
      return queryParameter(message, parameters);
    default:
      return refuse("a derived component is unknown, or not of a request");
  }
}

function componentValue(message: MessageParts, { value, parameters }: Item, structured: StructuredFields): string {
  if (value.type !== "string") return refuse("a component identifier is no string");
  for (const flag of ["sf", "bs", "req"] as const)
    if (parameters.has(flag) && parameters.get(flag)!.value !== true) refuse(`${flag} has a value`);
  let source = message;
  if (parameters.has("req")) {
    // §2.4: req stands in signatures of answers only.
    if (isRequest(message)) return refuse("req stands in the signature of a request");
    source = message.request ?? refuse("req refers to a request that is not known");
  }
  return value.value.startsWith("@")
    ? derivedValue(source, value.value, parameters)
    : fieldValue(source, { name: value.value, parameters, structured });
}

/** A component as one text, whatever the order of its parameters: two that are equal may not both be covered (§2). */
export function componentName({ value, parameters }: Item): string {
  const sorted = new Map([...parameters].sort(([a], [b]) => (a < b ? -1 : 1)));
  return formatItem({ value, parameters: sorted });
}

/** The signature base (§2.5). `structured`: fields that may be covered with `sf`. Throws `signature_component_invalid`. */
export function createSignatureBase(
  message: MessageParts,
  input: InnerList,
  structured: StructuredFields = STRUCTURED,
): string {
  const names = new Set<string>();
  const lines = input.items.map((component) => {
    const name = componentName(component);
    if (names.has(name)) refuse("one is covered twice");
    names.add(name);
    return `${formatItem(component)}: ${componentValue(message, component, structured)}\n`;
  });
  return `${lines.join("")}"@signature-params": ${formatMember(input)}`;
}

/** A component identifier with its flags and its key: `component("signature", { req: true, key: "a" })`. */
export function component(name: string, flags: Readonly<Record<string, true | string>> = {}): Item {
  const parameters = Object.entries(flags).map(([key, value]): [string, BareItem] =>
    value === true ? [key, { type: "boolean", value }] : [key, { type: "string", value }],
  );
  return { value: { type: "string", value: name }, parameters: new Map(parameters) };
}

/** Covered components with parameters in the order given: numbers as integers, texts as strings. */
export function createSignatureInput(
  items: readonly Item[],
  parameters: Readonly<Record<string, number | string>>,
): InnerList {
  const entries = Object.entries(parameters).map(([key, value]): [string, BareItem] =>
    typeof value === "number" ? [key, { type: "integer", value }] : [key, { type: "string", value }],
  );
  return { items, parameters: new Map(entries) };
}

/** Signs a message: the values of its Signature-Input and Signature fields (§4). */
export async function signMessage(options: {
  readonly message: MessageParts;
  readonly input: InnerList;
  readonly label: string;
  readonly signer: Signer;
}): Promise<{ readonly signatureInput: string; readonly signature: string }> {
  const { message, input, label, signer } = options;
  const value = await signer.sign(encodeUtf8(createSignatureBase(message, input)));
  return {
    signatureInput: formatDictionary(new Map([[label, input]])),
    signature: formatDictionary(new Map([[label, { value: { type: "bytes", value }, parameters: new Map() }]])),
  };
}

function refuseForm(reason: string, cause?: unknown): never {
  throw new AttestryError("signature_malformed", `Signature and Signature-Input: ${reason}`, { cause });
}

function readDictionary(message: MessageParts, name: string): ReturnType<typeof parseDictionary> {
  try {
    return parseDictionary((message.fields.get(name) ?? []).join(", "));
  } catch (error) {
    if (!isAttestryError(error, "structured_field_invalid")) throw error;
    return refuseForm(error.message, error);
  }
}

/** The signatures of a message by label, unverified. Throws `signature_malformed`, also where a label stands in one field only. */
export function parseSignatures(message: MessageParts): Map<string, MessageSignature> {
  const inputs = readDictionary(message, "signature-input");
  const values = readDictionary(message, "signature");
  for (const label of values.keys())
    if (!inputs.has(label)) refuseForm("a label stands in Signature and not in Signature-Input");
  const signatures = new Map<string, MessageSignature>();
  for (const [label, input] of inputs) {
    const value = values.get(label) ?? refuseForm("a label stands in Signature-Input and not in Signature");
    if (!("items" in input)) return refuseForm("a member of Signature-Input is no inner list");
    if ("items" in value || value.value.type !== "bytes")
      return refuseForm("a member of Signature is no byte sequence");
    signatures.set(label, { input, signature: value.value.value });
  }
  return signatures;
}

/** The parameters of a signature; throws `signature_malformed` where one is not of the type that §2.3 says. */
export function readSignatureParameters({ parameters }: InnerList): SignatureParameters {
  const integer = (name: "created" | "expires") => {
    const item = parameters.get(name);
    if (item === undefined) return {};
    return item.type === "integer" ? { [name]: item.value } : refuseForm(`${name} is no integer`);
  };
  const text = (name: "nonce" | "alg" | "keyid" | "tag") => {
    const item = parameters.get(name);
    if (item === undefined) return {};
    return item.type === "string" ? { [name]: item.value } : refuseForm(`${name} is no string`);
  };
  const known = ["created", "expires", "nonce", "alg", "keyid", "tag"];
  return {
    ...integer("created"),
    ...integer("expires"),
    ...text("nonce"),
    ...text("alg"),
    ...text("keyid"),
    ...text("tag"),
    others: [...parameters.keys()].filter((name) => !known.includes(name)),
  };
}

/** Whether the signature is `key`'s over `base`. The algorithm is that of the key (§3.2 step 6), never what the message says. */
export function isSignedBy(key: PublicKey, { base, signature }: { base: string; signature: Uint8Array }): boolean {
  return signature.length === ED25519_SIGNATURE_BYTES && verifyEd25519(key.raw, encodeUtf8(base), signature);
}

// Reads the x- annotations out of a definition's schema. Pure; refuses what it could not honour rather than overlook it.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import type { Access } from "../identity/permissions.ts";
import { ATTACHMENT_BYTES_MAX } from "../limits.ts";
import { ATTACHMENT_MEDIA_TYPES } from "./attachment-types.ts";
import type { NormalForm } from "./definition.ts";

/** A path into a record's data: property names, and `"*"` for every element of an array. */
export type DataPath = readonly string[];

/** Values that must be unique within the registry, alone or together. `name` is `field` or `field+field`. */
export interface UniqueKey {
  readonly name: string;
  readonly fields: readonly DataPath[];
  readonly personal: boolean;
}

export interface ReferenceField {
  readonly path: DataPath;
  readonly type: string;
  readonly onWrite: "verify" | "accept";
  readonly personal: boolean;
  /** URL of the registry in which a reference given as type and key is looked up; the node's own registries of the type otherwise. */
  readonly registry: string | undefined;
}

/** A field that records are found by. Personal ones are matched exactly, through a keyed hash of their normal form. */
export interface SearchField {
  /** `address.city`; elements of an array count each. */
  readonly name: string;
  readonly path: DataPath;
  readonly match: "exact" | "prefix" | "range";
  readonly normal: NormalForm;
  /** JSON Schema types and format of a single value; none of a reference. */
  readonly types: readonly string[];
  readonly format: string | undefined;
  readonly personal: boolean;
}

/** A field that holds `{digest, mediaType, bytes, href}` of a file kept beside the record. */
export interface AttachmentField {
  readonly path: DataPath;
  readonly mediaTypes: readonly string[];
  readonly bytesMax: number;
  readonly personal: boolean;
}

interface PersonalNode {
  readonly personal: boolean;
  readonly children: ReadonlyMap<string, PersonalNode>;
}

export interface Annotations {
  readonly uniqueKeys: readonly UniqueKey[];
  readonly references: readonly ReferenceField[];
  readonly searchFields: readonly SearchField[];
  readonly attachments: readonly AttachmentField[];
  readonly hasPersonal: boolean;
  /** Whether the value at this path (names and indices) is selectively disclosable. Unknown paths of a `consent` registry are. */
  isPersonal(path: readonly (string | number)[]): boolean;
}

/** The keywords that a definition's schema may use beside those of JSON Schema; texts for people are the last three. */
export const X_KEYWORDS = [
  "x-personal",
  "x-unique",
  "x-search",
  "x-reference",
  "x-attachment",
  "x-title",
  "x-description",
  "x-labels",
];

const MATCHES = ["exact", "prefix", "range"];
const SIMPLE_TYPES = ["string", "number", "integer", "boolean", "null"];
// They part the names of nested fields, and conditions from fields, in an address.
const SEARCH_NAME_FORBIDDEN = /[\p{Cc}.[\]]/u;
const ATTACHMENT_MEMBERS = ["digest", "mediaType", "bytes", "href"];
const isAttachmentType = (type: Json) => typeof type === "string" && ATTACHMENT_MEDIA_TYPES.includes(type);
const REGISTRY_URL = /^https?:\/\/[^?#\s]+\/registries\/[a-z][a-z0-9-]{0,62}$/;
const NORMAL_FORMS = ["exact", "text", "name", "digits"];
const ATTACHMENT_TYPES_DEFAULT = ["application/pdf", "image/jpeg", "image/png"];

function mentionsAnnotation(value: Json): boolean {
  if (Array.isArray(value)) return value.some(mentionsAnnotation);
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, child]) => key.startsWith("x-") || mentionsAnnotation(child));
}

/** Collects the annotations of `schema`. Throws `definition_invalid` naming each place that cannot be honoured. */
export function collectAnnotations(schema: JsonObject, access: Access): Annotations {
  const details: ErrorDetail[] = [];
  const singles: { path: DataPath; personal: boolean }[] = [];
  const references: ReferenceField[] = [];
  const searchFields: SearchField[] = [];
  const attachments: AttachmentField[] = [];
  const refuse = (path: DataPath, message: string) => details.push({ field: `/schema/${path.join("/")}`, message });

  function readReference(node: JsonObject, path: DataPath, personal: boolean): void {
    const annotation = node["x-reference"];
    if (annotation === undefined) return;
    if (!isJsonObject(annotation) || typeof annotation.type !== "string")
      return void refuse(path, 'x-reference must be {"type": …, "onWrite": "verify" or "accept"}');
    const onWrite = annotation.onWrite ?? "verify";
    if (onWrite !== "verify" && onWrite !== "accept")
      return void refuse(path, 'x-reference.onWrite must be "verify" or "accept"');
    const { registry } = annotation;
    if (registry !== undefined && (typeof registry !== "string" || !REGISTRY_URL.test(registry)))
      return void refuse(path, "x-reference.registry must be the URL of a registry: https://…/registries/name");
    references.push({ path: elementPath(node, path), type: annotation.type, onWrite, registry, personal });
  }

  function readSearch(node: JsonObject, path: DataPath, personal: boolean): void {
    const annotation = node["x-search"];
    if (annotation === undefined) return;
    const { match, normal } = isJsonObject(annotation) ? annotation : { match: annotation, normal: undefined };
    const schema = node.type === "array" && isJsonObject(node.items) ? node.items : node;
    const isReference = node["x-reference"] !== undefined || schema["x-reference"] !== undefined;
    const isText = schema.type === "string" && schema.format === undefined && !isReference;
    const form = normal ?? (isText ? "text" : "exact");
    if (typeof match !== "string" || !MATCHES.includes(match))
      return void refuse(path, 'x-search must be "exact", "prefix" or "range", or {"match": …, "normal": …}');
    if (typeof form !== "string" || !NORMAL_FORMS.includes(form))
      return void refuse(path, `x-search.normal must be one of ${NORMAL_FORMS.join(", ")}`);
    if (personal && match !== "exact")
      return void refuse(path, "a personal field is searched exactly only, through a keyed hash of its normal form");
    const types = [schema.type].flat();
    if (!isReference && !types.every((type) => typeof type === "string" && SIMPLE_TYPES.includes(type)))
      return void refuse(path, "x-search stands at a field of a simple type, or an array of such");
    if (path.some((name) => SEARCH_NAME_FORBIDDEN.test(name)) || path[0]!.startsWith("~"))
      return void refuse(
        path,
        "x-search stands at a field whose name has no dot, bracket or control character, nor begins with ~",
      );
    searchFields.push({
      name: path.filter((segment) => segment !== "*").join("."),
      path: elementPath(node, path),
      match: match as SearchField["match"],
      normal: form as NormalForm,
      types: isReference ? [] : ([schema.type].flat() as string[]),
      format: typeof schema.format === "string" ? schema.format : undefined,
      personal,
    });
  }

  function readAttachment(node: JsonObject, path: DataPath, personal: boolean): void {
    const annotation = node["x-attachment"];
    if (annotation === undefined) return;
    const { mediaTypes, bytesMax } = isJsonObject(annotation) ? annotation : {};
    const types = mediaTypes ?? ATTACHMENT_TYPES_DEFAULT;
    const size = bytesMax ?? ATTACHMENT_BYTES_MAX;
    const areTypes = Array.isArray(types) && types.length > 0 && types.every((type) => isAttachmentType(type));
    if ((annotation !== true && !isJsonObject(annotation)) || !areTypes)
      return void refuse(
        path,
        `x-attachment must be true or {"mediaTypes": […], "bytesMax": …}, the types among ${ATTACHMENT_MEDIA_TYPES.join(", ")}`,
      );
    const schema = node.type === "array" && isJsonObject(node.items) ? node.items : node;
    const { properties } = schema;
    const fits = (name: string) => isJsonObject(properties) && Object.hasOwn(properties, name);
    if (schema.type !== "object" || (properties !== undefined && !ATTACHMENT_MEMBERS.every(fits)))
      return void refuse(
        path,
        'x-attachment stands at {"type": "object"} or an array of such; its members are digest, mediaType, bytes and href',
      );
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 1 || size > ATTACHMENT_BYTES_MAX)
      return void refuse(path, `x-attachment.bytesMax must be 1 to ${ATTACHMENT_BYTES_MAX}`);
    attachments.push({ path: elementPath(node, path), mediaTypes: types as string[], bytesMax: size, personal });
  }

  // `inPersonal`: whether what the node stands in is personal, and with it all that it holds.
  function walk(node: JsonObject, path: DataPath, inArray: boolean, inPersonal: boolean): PersonalNode {
    const marked = node["x-personal"];
    if (marked !== undefined && typeof marked !== "boolean") refuse(path, "x-personal must be true or false");
    const isElement = path.at(-1) === "*";
    const personal = path.length > 0 && (typeof marked === "boolean" ? marked : access === "consent" && !isElement);
    for (const key of Object.keys(node)) {
      if (key.startsWith("x-") && !X_KEYWORDS.includes(key))
        refuse(path, `unknown annotation "${key}"; known: ${X_KEYWORDS.join(", ")}`);
    }
    if (path.length > 0 && node["x-unique"] !== undefined) {
      if (node["x-unique"] !== true)
        refuse(path, "x-unique on a field must be true; compound keys stand beside the top-level properties");
      else if (inArray) refuse(path, "x-unique inside an array is not supported");
      else singles.push({ path, personal: personal || inPersonal });
    }
    readReference(node, path, personal || inPersonal);
    readSearch(node, path, personal || inPersonal);
    readAttachment(node, path, personal || inPersonal);
    const children = new Map<string, PersonalNode>();
    for (const [keyword, value] of Object.entries(node)) {
      if (keyword === "properties" && isJsonObject(value)) {
        if (node.additionalProperties !== false && node.unevaluatedProperties !== false) {
          refuse(path, 'an object must say "additionalProperties": false, so that no field escapes its rules');
        }
        for (const [name, child] of Object.entries(value)) {
          if (isJsonObject(child)) children.set(name, walk(child, [...path, name], inArray, personal || inPersonal));
        }
      } else if (keyword === "items" && isJsonObject(value)) {
        children.set("*", walk(value, [...path, "*"], true, personal || inPersonal));
      } else if (!keyword.startsWith("x-") && keyword !== "properties" && mentionsAnnotation(value)) {
        refuse(path, `annotations under "${keyword}" are not supported; put them at the property itself`);
      }
    }
    return { personal, children };
  }

  const root = walk(schema, [], false, false);
  const personalAt = (path: readonly (string | number)[]): boolean => {
    let node: PersonalNode | undefined = root;
    for (const segment of path) node = node?.children.get(typeof segment === "number" ? "*" : segment);
    return node?.personal ?? (access === "consent" && typeof path.at(-1) === "string");
  };
  const uniqueKeys: UniqueKey[] = singles.map(({ path, personal }) => ({
    name: path.join("."),
    fields: [path],
    personal,
  }));
  const compound = schema["x-unique"];
  if (compound !== undefined) {
    const isCompound =
      Array.isArray(compound) &&
      compound.every((key) => Array.isArray(key) && key.length > 1 && key.every((f) => typeof f === "string"));
    if (!isCompound)
      refuse([], 'x-unique beside the properties must be a list of lists of field names, such as [["state","code"]]');
    else {
      for (const names of compound as string[][]) {
        const fields = names.map((name) => name.split("."));
        for (const field of fields)
          if (!findFieldSchema(schema, field)) refuse([], `x-unique names "${field.join(".")}", which is no field`);
        uniqueKeys.push({
          name: names.join("+"),
          fields,
          personal: fields.some((field) => field.some((_, end) => personalAt(field.slice(0, end + 1)))),
        });
      }
    }
  }
  if (details.length > 0)
    throw new AttestryError("definition_invalid", "the definition has annotations that cannot be honoured", {
      details,
    });
  const hasPersonal = access === "consent" || anyPersonal(root);
  return { uniqueKeys, references, searchFields, attachments, hasPersonal, isPersonal: personalAt };
}

// What stands at an array stands for each of its elements.
function elementPath(node: JsonObject, path: DataPath): DataPath {
  return node.type === "array" ? [...path, "*"] : path;
}

function anyPersonal(node: PersonalNode): boolean {
  return node.personal || [...node.children.values()].some(anyPersonal);
}

/** The schema that stands for a field, by the names of `properties` alone; undefined where there is none. */
export function findFieldSchema(schema: JsonObject, path: DataPath): JsonObject | undefined {
  let node: Json | undefined = schema;
  for (const name of path) {
    const properties: Json | undefined = isJsonObject(node) ? node.properties : undefined;
    node = isJsonObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
  }
  return isJsonObject(node) ? node : undefined;
}

/** All values at a path; `"*"` fans out over array elements. */
export function valuesAt(data: Json | undefined, path: DataPath): Json[] {
  let found: Json[] = data === undefined ? [] : [data];
  for (const segment of path) {
    found = found.flatMap((value) => {
      if (segment === "*") return Array.isArray(value) ? value : [];
      // A field may be named as what every object inherits, such as "constructor".
      const child = isJsonObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
      return child === undefined ? [] : [child];
    });
  }
  return found;
}

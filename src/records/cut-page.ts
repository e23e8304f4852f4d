// Ends a page early where what is on it is large. Pure.
import { PAGE_TOKEN_CHARS_MAX } from "../limits.ts";

/** The first items whose tokens are not too long together; always one, so that whoever turns pages comes to the end. */
export function cutPage<Item>(items: readonly Item[], charsOf: (item: Item) => number): readonly Item[] {
  let chars = 0;
  const end = items.findIndex((item, at) => {
    chars += charsOf(item);
    return at > 0 && chars > PAGE_TOKEN_CHARS_MAX;
  });
  return end < 0 ? items : items.slice(0, end);
}

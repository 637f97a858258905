// HTML in which only the templates themselves are markup: whatever is put into one is text.

const safe = Symbol("written by us");
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** A template's HTML; lists are joined, other templates taken as they are, all else escaped. */
export function html(parts, ...values) {
  const part = (value) => {
    if (Array.isArray(value)) return value.map(part).join("");
    return value?.[safe] ?? `${value ?? ""}`.replace(/[&<>"']/g, (sign) => ENTITIES[sign]);
  };
  return { [safe]: String.raw({ raw: parts }, ...values.map(part)) };
}

/** Change a content only where it differs: what stays needs no new layout and keeps the focus. */
export function put(node, content) {
  const text = html`${content}`[safe];
  if (node.put != text) node.innerHTML = node.put = text;
}

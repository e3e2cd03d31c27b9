// Tabler is 620 kB, and the pages use a tenth of it: keep the rules of the components named here, and no others.
//
// A rule stays when every class in its selector belongs to a kept component. What a template uses beyond this list is
// found by tests/api/test_assets.py, which looks for each class of each template in the built sheet.

const KEPT = new Set("alert btn card container form is table text visually active disabled show".split(" "));

// Variants nobody asked for: breakpoints beyond ours, colours of social networks, parts of components we do not have.
const DROPPED =
  /-(?:xxl|facebook|twitter|google|youtube|vimeo|dribbble|github|instagram|pinterest|vk|rss|flickr|bitbucket|tabler|x|linkedin|mastodon|bluesky|spotify|threads|floating|range|switch|imagecheck|selectgroup|colorinput|colorcheck|stamp|rotate|carousel|tabs|cover|img|animate|gradient|team|icon|link|azure|indigo|purple|pink|orange|lime|teal|cyan|yellow|dark|light|white|black|muted|gray|sponsor)(?:-|$)/;

/** The sheet without the rules that no page of ours can match. */
export function trimmed(css) {
  return blocks(css)
    .map(({ head, body }) => {
      if (body === null) return head;
      if (/^@(media|supports|layer)/.test(head)) {
        const inner = trimmed(body);
        return inner.trim() ? `${head}{${inner}}` : "";
      }
      if (head.startsWith("@")) return `${head}{${body}}`;
      const selectors = selectorList(head).filter(kept);
      return selectors.length ? `${selectors.join(",")}{${body}}` : "";
    })
    .join("\n");
}

function kept(selector) {
  const classes = selector.match(/\.-?[_a-zA-Z][\w-]*/g) ?? [];
  return classes.every((name) => KEPT.has(name.slice(1).split(/[-_]/)[0]) && !DROPPED.test(name));
}

/** Commas inside parentheses, as in :is(a, b), do not part selectors. */
function selectorList(head) {
  const parts = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < head.length; at += 1) {
    if (head[at] === "(") depth += 1;
    else if (head[at] === ")") depth -= 1;
    else if (head[at] === "," && depth === 0) {
      parts.push(head.slice(start, at).trim());
      start = at + 1;
    }
  }
  parts.push(head.slice(start).trim());
  return parts.filter(Boolean);
}

/** Top-level pieces of a sheet: statements that end in ";" (body null) and blocks. Comments but licence ones go. */
function blocks(css) {
  const licence = css.match(/\/\*![\s\S]*?\*\//)?.[0] ?? "";
  const text = css.replace(/\/\*[\s\S]*?\*\//g, "");
  const found = licence ? [{ head: licence, body: null }] : [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '"' || text[at] === "'") at = text.indexOf(text[at], at + 1);
    else if (text[at] === ";") {
      found.push({ head: `${text.slice(start, at).trim()};`, body: null });
      start = at + 1;
    } else if (text[at] === "{") {
      const end = closing(text, at);
      found.push({ head: text.slice(start, at).trim(), body: text.slice(at + 1, end) });
      at = end;
      start = end + 1;
    }
  }
  return found;
}

function closing(text, open) {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === '"' || text[at] === "'") at = text.indexOf(text[at], at + 1);
    else if (text[at] === "{") depth += 1;
    else if (text[at] === "}" && (depth -= 1) === 0) return at;
  }
  throw new Error(`A block opened at ${open} never closes.`);
}

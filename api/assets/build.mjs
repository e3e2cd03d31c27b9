// Bundles what the pages need from npm packages into api/static/dist, once, at set-up:
//
//     npm ci --ignore-scripts && node api/assets/build.mjs
//
// Writes hashed files, manifest.json (plain name -> hashed name) and LICENSES.txt (the licence of everything inside).
// Nothing in dist is committed; the pages say so clearly where it is missing.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { trimmed } from "./trim.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");
const sources = join(root, "api/static");
const dist = join(sources, "dist");
const modules = join(root, "node_modules");

// The packages whose text ends in a bundle. Their licences travel with it.
const BUNDLED = ["@tabler/core", "htmx.org"];

const manifest = {};

/** Keeps one file under a name that changes with its content, so that browsers may keep it for ever. */
function keep(name, content) {
  const digest = createHash("sha256").update(content).digest("hex").slice(0, 16);
  const hashed = name.replace(/(\.[a-z]+)$/, `-${digest}$1`);
  writeFileSync(join(dist, hashed), content);
  manifest[name] = hashed;
}

async function script(entry) {
  const result = await build({
    entryPoints: [join(sources, entry)],
    bundle: true,
    format: "esm",
    minify: true,
    target: ["es2022"],
    legalComments: "eof",
    nodePaths: [modules],
    write: false,
    logLevel: "warning",
  });
  keep(entry, result.outputFiles[0].contents);
}

async function style() {
  const tabler = trimmed(readFileSync(join(modules, "@tabler/core/dist/css/tabler.css"), "utf8"));
  const own = readFileSync(join(sources, "app.css"), "utf8");
  // One sheet: a school's slow line asks once. Ours comes last and so wins.
  const result = await transform(`${tabler}\n${own}`, { loader: "css", minify: true, legalComments: "inline" });
  keep("app.css", Buffer.from(result.code));
}

function licences() {
  const parts = BUNDLED.map((name) => {
    const folder = join(modules, name);
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const text = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
    // A package without a licence file states its licence in package.json: its short form is then written out here.
    const body = text ? readFileSync(join(folder, text), "utf8") : written(about.license, about.author);
    return `${name} ${about.version} (${about.license})\n${"=".repeat(72)}\n${body.trim()}\n`;
  });
  writeFileSync(join(dist, "LICENSES.txt"), parts.join("\n\n"));
}

function written(licence, author) {
  if (licence !== "MIT") throw new Error(`No licence text is known for ${licence}: add it before bundling.`);
  const holder = typeof author === "string" ? author : (author?.name ?? "its authors");
  return readFileSync(join(here, "MIT.txt"), "utf8").replace("{holder}", `The authors of this package (${holder})`);
}

for (const name of BUNDLED) {
  if (!existsSync(join(modules, name))) {
    console.error(`The package ${name} is missing: run "npm ci --ignore-scripts" first.`);
    process.exit(1);
  }
}
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
await script("app.js");
await style();
licences();
// The manifest comes last: whoever finds it finds everything that it names.
writeFileSync(join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);

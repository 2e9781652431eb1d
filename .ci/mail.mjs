// Every feature of HTML and CSS that the messages use, against caniemail's data for the clients that Russian readers have.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [modules, folder] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), "x.js"));
const { caniemail } = await import(require.resolve("caniemail"));
const clients = ["gmail.*", "outlook.*", "apple-mail.*", "yahoo.*", "mail-ru.*"];
// What a client that lacks it only shows plainer, and why that is enough.
const harmless = new Map([
  ["<body> element", "replaced by a div; the outer table has the ground"],
  ["height property", "only `auto`, beside the width attribute of a picture"],
  ["display:none", "the preview is also one pixel high, in the colour of its ground"],
  ["overflow", "the preview again"],
  ["role attribute", "for assistive technology only"],
  ["word-break", "long hashes only"],
]);
let wrong = 0;
const seen = new Map();
for (const name of readdirSync(folder).filter((name) => name.endsWith(".raw.html"))) {
  const result = caniemail({ clients, html: readFileSync(path.join(folder, name), "utf8") });
  for (const [client, issues] of result.issues.errors) {
    for (const issue of issues) {
      const title = issue.title;
      if (!seen.has(title)) seen.set(title, new Set());
      seen.get(title).add(client);
    }
  }
}
for (const [title, where] of seen) {
  const reason = [...harmless].find(([feature]) => title.includes(feature))?.[1];
  if (!reason) wrong += 1;
  console.log(`${reason ? "note" : "FAIL"} ${title}: not in ${[...where].sort().join(", ")}${reason ? ` (${reason})` : ""}`);
}
console.log(`caniemail: ${wrong} features that a client lacks and the messages need`);
process.exit(wrong ? 1 : 0);

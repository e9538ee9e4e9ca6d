// Every package of which something is in the bundle: name, version, licence, its text.
import { readFileSync, readdirSync } from "node:fs";

const ENGINE = "@duckdb/duckdb-wasm";
const FILES = /^(licen[cs]e|copying|copyright|notice)/i;
const RULE = `${"=".repeat(100)}\n`;
// packages whose archive holds no text: the terms that their package.json names, with the holder as in their repository
const MIT = (holder) => `MIT License

Copyright ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`;
const WITHOUT_TEXT = { [ENGINE]: () => MIT("2018-2025 Stichting DuckDB Foundation, and the authors of DuckDB-Wasm") };

// comments with a licence in them, of code that was built into DuckDB's worker before it came to us
const notices = (worker) => (worker.match(/\/\*[\s\S]*?\*\//g) ?? []).filter((text) => /licen[cs]e|copyright/i.test(text));

export function licences(inputs, worker) {
  const named = inputs.map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1]).filter(Boolean);
  // DuckDB's worker comes built, with Arrow, FlatBuffers and the like in it
  const names = [...new Set([...named, ENGINE, "apache-arrow", "flatbuffers", "tslib", "@swc/helpers"])].sort();
  const packages = names.map(read);
  const list = packages.map((p) => `${p.name} ${p.version}: ${p.license}\n`).join("");
  return `Packages whose code is in the page, and their licences\n\n${list}\n${packages.map(full).join("")}${RULE}In the worker of ${ENGINE}\n${RULE}\n${notices(worker).join("\n\n")}\n`;
}

function read(name) {
  const folder = `node_modules/${name}`;
  const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const files = readdirSync(folder).filter((file) => FILES.test(file)).sort();
  const text = files.map((file) => readFileSync(`${folder}/${file}`, "utf8").trim()).join("\n\n");
  if (!text && !WITHOUT_TEXT[name]) throw new Error(`${name}: no licence text`);
  return { name, version, license, text: text || WITHOUT_TEXT[name]() };
}

function full({ name, version, license, text }) {
  return `${RULE}${name} ${version} (${license})\n${RULE}\n${text}\n\n`;
}

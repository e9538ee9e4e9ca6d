// npm run build: the bundle of the page, as it travels with the Python package, into ../bundle.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { licences } from "./licences.mjs";
import { withoutExports } from "./slim.mjs";

const BUNDLE = "../bundle";
const DUCKDB = "node_modules/@duckdb/duckdb-wasm/dist";
const packed = (bytes) => gzipSync(bytes, { level: 9 });
const options = { bundle: true, minify: true, write: false, charset: "utf8", legalComments: "none", metafile: true };

// DuckDB's package can fetch its engine from elsewhere; the page must not even know where that is
const elsewhere = {
  name: "elsewhere",
  setup(build) {
    build.onLoad({ filter: /duckdb-browser\.mjs$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(/https:\/\/cdn\.[\w./]*|(jsdelivr|unpkg):"[^"]*",/g, ""),
    }));
  },
};

rmSync(BUNDLE, { recursive: true, force: true });
mkdirSync(BUNDLE, { recursive: true });

const script = await esbuild.build({ ...options, entryPoints: ["src/main.js"], format: "iife", target: "es2022", plugins: [elsewhere] });
const style = await esbuild.build({ ...options, entryPoints: ["src/page.css"] });
writeFileSync(`${BUNDLE}/page.js`, script.outputFiles[0].contents);
writeFileSync(`${BUNDLE}/page.css`, style.outputFiles[0].contents);

const worker = readFileSync(`${DUCKDB}/duckdb-browser-eh.worker.js`, "utf8").replace(/\n\/\/# sourceMappingURL.*\s*$/, "\n");
writeFileSync(`${BUNDLE}/worker.js.gz`, packed(readFileSync("src/prologue.js", "utf8") + worker));
writeFileSync(`${BUNDLE}/engine.wasm.gz`, packed(withoutExports(readFileSync(`${DUCKDB}/duckdb-eh.wasm`), worker)));
writeFileSync(`${BUNDLE}/LICENCES.txt`, licences(Object.keys(script.metafile.inputs), worker));

// what the bundle was made from, so that a test sees a bundle older than its sources
const sources = ["build.mjs", "licences.mjs", "package-lock.json", "package.json", "slim.mjs"];
sources.push(...readdirSync("src").sort().map((name) => `src/${name}`));
const digest = (name) => createHash("sha256").update(readFileSync(name)).digest("hex");
writeFileSync(`${BUNDLE}/SOURCES`, sources.map((name) => `${digest(name)}  ${name}\n`).join(""));

// Runs in the worker before DuckDB's own code: the engine comes from the page, and nothing comes from anywhere else.
const ENGINE = "page:engine";
let engine = null;

self.addEventListener("message", (event) => {
  if (event.data && event.data.engine) {
    engine = event.data.engine;
    event.stopImmediatePropagation();
  }
});

self.fetch = async (resource) => {
  const address = typeof resource === "string" ? resource : resource.url;
  if (address !== ENGINE || engine === null) throw new TypeError(`this page loads nothing: ${address}`);
  const bytes = new Blob([engine]).stream().pipeThrough(new DecompressionStream("gzip"));
  engine = null;
  return new Response(bytes, { headers: { "Content-Type": "application/wasm" } });
};

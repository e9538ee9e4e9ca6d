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
  // no Blob: in a page from a file, WebKit's workers never come to read one
  const whole = new Uint8Array(engine);
  engine = null;
  const packed = new ReadableStream({ start(controller) { controller.enqueue(whole); controller.close(); } });
  const bytes = packed.pipeThrough(new DecompressionStream("gzip"));
  return new Response(bytes, { headers: { "Content-Type": "application/wasm" } });
};

// What travels in the page: gzip and base64 in <script type="text/plain">, JSON in <script type="application/json">.
import { byId } from "./dom.js";

export function packed(id) {
  const text = atob(take(id));
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export async function unpacked(id) {
  const stream = new Blob([packed(id)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export const described = () => JSON.parse(byId("facts").textContent);

// once taken, the text need not stay in memory
function take(id) {
  const holder = byId(id);
  const text = holder.textContent;
  holder.remove();
  return text;
}

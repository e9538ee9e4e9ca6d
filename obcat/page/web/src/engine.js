// DuckDB in a worker, with the catalog attached read-only and the doors shut.
import { AsyncDuckDB, VoidLogger } from "@duckdb/duckdb-wasm";
import { packed, unpacked } from "./payload.js";

const SHUT = ["enable_external_access = false", "lock_configuration = true"];
const FILE = "catalog.duckdb";

export async function start(progress) {
  progress("unpacking the database engine");
  const [database, script] = [unpacked("database"), await unpacked("worker")];
  const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
  const engine = packed("engine").buffer;
  worker.postMessage({ engine }, [engine]);
  const db = new AsyncDuckDB(new VoidLogger(), worker);
  progress("starting the database engine");
  await db.instantiate("page:engine");
  await db.open({ path: ":memory:" });
  progress("opening the catalog");
  await db.registerFileBuffer(FILE, await database);
  const con = await db.connect();
  await con.query(`ATTACH '${FILE}' AS obcat (READ_ONLY)`);
  await con.query("USE obcat");
  await con.query("CREATE TEMP TABLE selection (specid VARCHAR, star_id VARCHAR)");
  for (const setting of SHUT) await con.query(`SET ${setting}`);
  return con;
}

// Arrow table of a query of ours, values bound to its question marks
export async function ask(con, query, ...values) {
  const statement = await con.prepare(query);
  try {
    return await statement.query(...values);
  } finally {
    await statement.close();
  }
}

// Batches of a query as they come; `stop()` after a batch ends it. Memory is bounded by what the caller keeps.
export async function run(con, query, take) {
  await checkOne(con, query);
  const reader = await con.send(query, true);
  await reader.open();
  const { schema } = reader; // gone once the reader is at its end
  for await (const batch of reader) if (take(batch) === false) break;
  return schema;
}

// DuckDB would run one after another, and answer to the last
async function checkOne(con, query) {
  try {
    await (await con.prepare(query)).close();
  } catch (error) {
    if (/multiple statements/i.test(error.message)) throw new Error("one SELECT at a time, and nothing but SELECT");
    throw error;
  }
}

export const literal = (text) => `'${text.replaceAll("'", "''")}'`;

// the table `selection` of a query: the stars selected in the plots
export async function tellSelection(con, rows) {
  await con.query("CREATE OR REPLACE TEMP TABLE selection (specid VARCHAR, star_id VARCHAR)");
  if (!rows.length) return;
  const list = (column) => `[${rows.map((row) => literal(row[column])).join()}]`;
  await con.query(`INSERT INTO selection SELECT unnest(${list(0)}), unnest(${list(1)})`);
}

// The plain twin: bare hono and postgres.js, unsigned, unlogged, unchecked. Run as a process of its own; TWIN_URL names its database.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import postgres from "postgres";

const sql = postgres(process.env.TWIN_URL!, { onnotice: () => {} });
await sql`create table if not exists plain (id text primary key, body jsonb not null)`;
await sql`create table if not exists plain_record (rid uuid primary key, jwt text not null)`;

const app = new Hono();
app.post("/plain", async (context) => {
  const { id, ...body } = await context.req.json();
  await sql`insert into plain (id, body) values (${id}, ${body})`;
  return context.json({ id, ...body }, 201);
});
app.get("/plain/:id", async (context) => {
  const rows = await sql`select rid, jwt from plain_record where rid = ${context.req.param("id")}`;
  return rows[0] ? context.json(rows[0]) : context.notFound();
});

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.TWIN_PORT) }, () =>
  process.send?.("listening"),
);
process.once("disconnect", () => process.exit(0));

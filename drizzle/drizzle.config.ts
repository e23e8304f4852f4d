// What drizzle-kit reads to write the next named migration. Used only by `npm run db:generate`; the program applies them itself.
import { defineConfig } from "drizzle-kit";

export default defineConfig({ dialect: "postgresql", schema: "./src/**/*-table.ts", out: "./drizzle" });

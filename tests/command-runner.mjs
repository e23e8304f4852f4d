// Runs the built program's commands one after another in one process, each from its main.js on: its modules are loaded once instead of
// at every command, which is most of what a short command costs. Started by tests/warm-program.ts. Test code only.
import process from "node:process";

const MAIN = new URL("../dist/main.js", import.meta.url);
const inherited = { ...process.env };
const write = { stdout: process.stdout.write, stderr: process.stderr.write };
let runs = 0;

class Exit extends Error {}

/** What the command prints, and how it ends, as its parent would see it. */
async function run({ args, env, cwd }) {
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"])
    process[name].write = (chunk, ...rest) => {
      printed[name] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
      rest.find((one) => typeof one === "function")?.();
      return true;
    };
  process.argv = [process.execPath, MAIN.pathname, ...args];
  process.env = { ...inherited, ...env };
  if (cwd !== undefined) process.chdir(cwd);
  process.exitCode = undefined;
  let code;
  process.exit = (given) => {
    code = given;
    throw new Exit();
  };
  try {
    // Another address each time, so that it runs again; what it imports keeps its address and is there already.
    await import(`${MAIN.href}?run=${++runs}`);
  } catch (error) {
    if (!(error instanceof Exit)) {
      printed.stderr += String(error?.stack ?? error);
      code ??= 1;
    }
  }
  Object.assign(process.stdout, { write: write.stdout });
  Object.assign(process.stderr, { write: write.stderr });
  return { code: code ?? process.exitCode ?? 0, ...printed };
}

let last = Promise.resolve();
process.on("message", ({ id, ...command }) => {
  last = last.then(async () => process.send({ id, ...(await run(command)) }));
});
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));

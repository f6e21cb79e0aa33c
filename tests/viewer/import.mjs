// Does the trace of a real server open in speedscope, and does speedscope complain about anything?
//
//   node import.mjs PATH-OF-GLASSBOX PATH-OF-CHROMIUM
//
// It runs the server with --trace-file, asks it for a few things, stops it, and lets speedscope import the file in a
// headless browser. A warning on speedscope's console (an end without a beginning, for example) is a failure.

import { spawn } from "node:child_process";
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const [glassbox, chromium] = process.argv.slice(2);
const viewer = join(dirname(fileURLToPath(import.meta.url)), "node_modules/speedscope/dist/release");
const folder = mkdtempSync(join(tmpdir(), "glassbox-viewer-"));
const trace = join(folder, "trace.json");

// The server tells its address in its first line.
async function record() {
  const server = spawn(glassbox, ["--listen", "127.0.0.1:0", "--trace-file", trace, "--zoo", "-q"]);
  const ended = new Promise((resolve) => server.on("exit", resolve));
  const first = await new Promise((resolve) => server.stdout.once("data", resolve));
  const address = String(first).match(/http:\/\/\S+/)[0];
  const paths = ["/", "/hello/you", "/sleep/20", "/bytes/3000000", "/chunked/100000", "/zoo/spin", "/zoo/lost"];
  await Promise.all(paths.map(async (path) => (await fetch(address + path)).arrayBuffer()));
  server.kill("SIGTERM");
  const code = await ended;
  if (code !== 0) throw new Error(`the server ended with ${code}`);
}

// speedscope is a page with scripts; the trace lies beside it.
function serve() {
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    const file = path === "/trace.json" ? trace : join(viewer, path === "/" ? "index.html" : path);
    if (!existsSync(file)) return response.writeHead(404).end();
    const type = { html: "text/html", js: "text/javascript", css: "text/css", json: "application/json" };
    response.writeHead(200, { "content-type": type[file.split(".").pop()] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function look(url) {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      // The browser warns of its own software rendering; that is no word about the trace.
      const about = message.text();
      if (["warn", "error"].includes(message.type()) && !/WebGL|GL Driver/.test(about)) complaints.push(about);
    });
    await page.goto(`${url}/#profileURL=${encodeURIComponent(`${url}/trace.json`)}&title=trace`);
    // The toolbar names the profile and counts its tracks, such as "worker 0: reactor (1/9)".
    await page.waitForFunction(() => /\(\d+\/\d+\)/.test(document.body.innerText), { timeout: 30_000 });
    const shown = await page.evaluate(() => document.body.innerText);
    return { complaints, tracks: Number(shown.match(/\(\d+\/(\d+)\)/)[1]), shown };
  } finally {
    await browser.close();
  }
}

try {
  await record();
  const tracks = new Set(
    JSON.parse(readFileSync(trace, "utf8")).traceEvents.filter((event) => event.ph === "B").map((event) => event.tid),
  );
  const server = await serve();
  const { complaints, tracks: seen, shown } = await look(`http://127.0.0.1:${server.address().port}`);
  server.close();
  if (complaints.length > 0) throw new Error(`speedscope complains:\n${complaints.join("\n")}`);
  if (seen < tracks.size) throw new Error(`speedscope shows ${seen} of ${tracks.size} tracks:\n${shown}`);
  console.log(`speedscope imports the trace without a complaint and shows its ${seen} tracks`);
} catch (error) {
  console.error(String(error.stack ?? error));
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}

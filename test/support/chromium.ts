import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterThisTest } from './cleanup.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** @throws Error that says how to get one, if there is none */
function chromiumPath({ CHROMIUM_PATH, PATH = '' } = process.env): string {
  if (CHROMIUM_PATH !== undefined) return CHROMIUM_PATH;
  const places = PATH.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const found = places.find(isExecutable);
  if (found !== undefined) return found;
  throw new Error(
    `None of ${NAMES.join(', ')} is on PATH. Install one (apt-get install chromium), or name one in CHROMIUM_PATH.`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

let browser: Promise<Browser> | undefined;

afterAll(async () => {
  await (await browser)?.close();
});

/** A page, and what went wrong on it. */
export interface OpenPage {
  readonly page: Page;
  /** What its console reports as errors, and what its script throws. */
  readonly problems: readonly string[];
}

/** Opens the address in a browser that the tests of a file share; the page is closed after the test. */
export async function openPage(url: string): Promise<OpenPage> {
  // It runs as root in containers, where there is no sandbox for it. What it opens is ours.
  browser ??= chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'], headless: true });
  const context = await (await browser).newContext({ reducedMotion: 'reduce' });
  afterThisTest(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(url);
  return { page, problems };
}
